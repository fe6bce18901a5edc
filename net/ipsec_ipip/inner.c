// SPDX-License-Identifier: GPL-2.0
/*
 * The inner packet: reads and checks its header, for both families and both
 * directions.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/dsfield.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>

#include "inner.h"
#include "natt.h"

/* UDP port of ESP in UDP, RFC 3948 */
#define IPSI_PORT_NATT	4500

/**
 * struct ipsi_inner_payload - payload of an inner packet
 * @net: underlay namespace of the device
 * @family: family of the packet
 * @proto: its protocol
 * @offset: where it begins in the packet
 * @rest: this is not the first fragment
 */
struct ipsi_inner_payload {
	const struct net *net;
	u16 family;
	u8 proto;
	int offset;
	bool rest;
};

static bool ipsi_inner_port_is_natt(const struct ipsi_inner_payload *payload,
				    __be16 port)
{
	return port == htons(IPSI_PORT_NATT) ||
	       ipsi_natt_has(payload->net, payload->family, port);
}

/* Is this an outer packet of an IPsec tunnel? ESP in UDP is recognised by its
 * port: that of RFC 3948, or one that is open for a device. IP-in-IP counts only
 * if this host has sent it: ipip devices copy the TTL of the packet inside, which
 * may be an outer packet of ours.
 */
static bool ipsi_inner_is_tunnelled(const struct sk_buff *skb,
				    const struct ipsi_inner_payload *payload)
{
	const struct udphdr *uh;
	struct udphdr buffer;

	switch (payload->proto) {
	case IPPROTO_ESP:
	case IPPROTO_AH:
		return true;
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		return !skb->skb_iif;
	case IPPROTO_UDP:
		if (payload->rest)
			return false;
		uh = skb_header_pointer(skb, payload->offset, sizeof(buffer),
					&buffer);
		return uh && (ipsi_inner_port_is_natt(payload, uh->source) ||
			      ipsi_inner_port_is_natt(payload, uh->dest));
	default:
		return false;
	}
}

static bool ipsi_inner_is_tunnelled4(const struct sk_buff *skb,
				     const struct net *net)
{
	const struct iphdr *iph = ip_hdr(skb);
	const struct ipsi_inner_payload payload = {
		.net = net,
		.family = AF_INET,
		.proto = iph->protocol,
		.offset = skb_network_offset(skb) + iph->ihl * 4,
		.rest = iph->frag_off & htons(IP_OFFSET),
	};

	return !ipv4_is_multicast(iph->daddr) &&
	       ipsi_inner_is_tunnelled(skb, &payload);
}

/* The same for IPv6. Packets that stay on a link do not count: routing
 * protocols that use IPsec send them with a hop limit of 1 (RFC 4552).
 */
static bool ipsi_inner_is_tunnelled6(const struct sk_buff *skb,
				     const struct net *net)
{
	const struct ipv6hdr *ip6h = ipv6_hdr(skb);
	struct ipsi_inner_payload payload = {
		.net = net,
		.family = AF_INET6,
		.proto = ip6h->nexthdr,
		.offset = skb_network_offset(skb) + sizeof(*ip6h),
	};
	const struct frag_hdr *fh;
	struct frag_hdr buffer;

	if (ipv6_addr_type(&ip6h->daddr) &
	    (IPV6_ADDR_MULTICAST | IPV6_ADDR_LINKLOCAL))
		return false;
	if (payload.proto != NEXTHDR_FRAGMENT)
		return ipsi_inner_is_tunnelled(skb, &payload);

	fh = skb_header_pointer(skb, payload.offset, sizeof(buffer), &buffer);
	if (!fh)
		return false;
	payload.proto = fh->nexthdr;
	payload.offset += sizeof(*fh);
	payload.rest = fh->frag_off & htons(IP6_OFFSET);

	return ipsi_inner_is_tunnelled(skb, &payload);
}

static bool ipsi_inner_read4(struct sk_buff *skb, struct ipsi_inner *inner)
{
	const struct iphdr *iph;

	if (!pskb_network_may_pull(skb, sizeof(*iph)))
		return false;

	iph = ip_hdr(skb);
	if (iph->version != 4 || iph->ihl < 5 || !iph->ttl)
		return false;

	if (unlikely(iph->ihl > 5)) {
		if (!pskb_network_may_pull(skb, iph->ihl * 4))
			return false;
		iph = ip_hdr(skb);
	}
	/* The length of a super-packet may not fit its field. */
	if (!skb_is_gso(skb) && (ntohs(iph->tot_len) < iph->ihl * 4 ||
				 ntohs(iph->tot_len) > skb->len))
		return false;

	inner->dsfield = ipv4_get_dsfield(iph);
	inner->df = iph->frag_off & htons(IP_DF);

	return true;
}

static bool ipsi_inner_read6(struct sk_buff *skb, struct ipsi_inner *inner)
{
	const struct ipv6hdr *ip6h;

	if (!pskb_network_may_pull(skb, sizeof(*ip6h)))
		return false;

	ip6h = ipv6_hdr(skb);
	if (ip6h->version != 6 || !ip6h->hop_limit)
		return false;

	if (!skb_is_gso(skb) &&
	    ntohs(ip6h->payload_len) + sizeof(*ip6h) > skb->len)
		return false;

	inner->dsfield = ipv6_get_dsfield(ip6h);
	inner->df = true;
	inner->flowlabel = ip6_flowlabel(ip6h);

	return true;
}

/**
 * ipsi_inner_read - read and check the header of an inner packet
 * @skb: the packet, from its network header on; may be reallocated
 * @family: AF_INET or AF_INET6, which the header must agree with
 * @inner: filled in, without its hops
 *
 * A TTL or hop limit of 0 is invalid: such a packet neither enters nor leaves a
 * tunnel (RFC 2003 section 3.1).
 *
 * Context: any.
 * Return: true if the header is complete and valid.
 */
bool ipsi_inner_read(struct sk_buff *skb, u16 family, struct ipsi_inner *inner)
{
	memset(inner, 0, sizeof(*inner));
	inner->family = family;

	return family == AF_INET ? ipsi_inner_read4(skb, inner) :
				   ipsi_inner_read6(skb, inner);
}

/**
 * ipsi_inner_hops - limit of an inner packet that is a packet of a tunnel
 * @skb: the packet, read by ipsi_inner_read()
 * @family: its family
 * @net: underlay namespace of the device
 *
 * Context: any.
 * Return: TTL or hop limit; 0 if it is not an outer packet of a tunnel.
 */
u8 ipsi_inner_hops(const struct sk_buff *skb, u16 family,
		   const struct net *net)
{
	if (family == AF_INET)
		return ipsi_inner_is_tunnelled4(skb, net) ?
		       ip_hdr(skb)->ttl : 0;

	return ipsi_inner_is_tunnelled6(skb, net) ?
	       ipv6_hdr(skb)->hop_limit : 0;
}

/**
 * ipsi_inner_source_ok - check the source address of a received inner packet
 * @skb: the packet, read by ipsi_inner_read()
 * @family: its family
 *
 * RFC 4213 section 3.6 lists the IPv6 sources that must be dropped. IPv4
 * routing drops invalid sources (martians) itself.
 *
 * Context: any.
 * Return: true if the packet may have this source.
 */
bool ipsi_inner_source_ok(const struct sk_buff *skb, u16 family)
{
	const struct in6_addr *saddr;

	if (family == AF_INET)
		return true;

	saddr = &ipv6_hdr(skb)->saddr;
	if (ipv6_addr_any(saddr))
		return true;

	/* ::1 is among ::/96, the IPv4-compatible addresses. */
	return !ipv6_addr_is_multicast(saddr) && !ipv6_addr_v4mapped(saddr) &&
	       (saddr->s6_addr32[0] | saddr->s6_addr32[1] |
		saddr->s6_addr32[2]);
}

static bool ipsi_inner_is_translated(const struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_NF_NAT)
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	return ct && READ_ONCE(ct->status) & IPS_NAT_MASK;
#else
	return false;
#endif
}

/**
 * ipsi_inner_is_outer - has a packet been encapsulated before?
 * @skb: the packet, read by ipsi_inner_read()
 * @family: its family, which is also that of the endpoints
 * @local: local endpoint
 * @remote: remote endpoint
 *
 * This is assumed for packets between the endpoints (RFC 2473 section 4.1.2),
 * and for forwarded packets from one of the endpoints (RFC 2003 section 3.2),
 * which have come out of a tunnel or are forged. A forwarded packet may also
 * have got the address of an endpoint by NAT just before, which is fine.
 *
 * Context: any.
 * Return: true if the packet must not be encapsulated.
 */
bool ipsi_inner_is_outer(const struct sk_buff *skb, u16 family,
			 const xfrm_address_t *local,
			 const xfrm_address_t *remote)
{
	const xfrm_address_t *saddr, *daddr;

	if (family == AF_INET) {
		saddr = (const xfrm_address_t *)&ip_hdr(skb)->saddr;
		daddr = (const xfrm_address_t *)&ip_hdr(skb)->daddr;
	} else {
		saddr = (const xfrm_address_t *)&ipv6_hdr(skb)->saddr;
		daddr = (const xfrm_address_t *)&ipv6_hdr(skb)->daddr;
	}

	/* A forwarded packet has an input interface. If it was translated, its
	 * source address may not be the one that it was received with.
	 */
	if (skb->skb_iif && !ipsi_inner_is_translated(skb))
		return xfrm_addr_equal(saddr, local, family) ||
		       xfrm_addr_equal(saddr, remote, family);

	return xfrm_addr_equal(saddr, local, family) &&
	       xfrm_addr_equal(daddr, remote, family);
}
