// SPDX-License-Identifier: GPL-2.0
/*
 * The outer header: by default each field is the same as in Linux tunnel mode,
 * so that the packets cannot be distinguished on the wire.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "outer.h"

/* Return the inner DSCP, or 0 if the key manager hides it. */
static u8 ipsi_outer_inherit(const struct xfrm_state *x, u8 inner)
{
	return x->xflags & IPSI_XFLAG_ADOPTED &&
	       x->props.extra_flags & XFRM_SA_XFLAG_DONT_ENCAP_DSCP ? 0 : inner;
}

/* The DSCP is that of RFC 4301 section 5.1.2.1, the ECN field that of the
 * option. RFC 3168, as in Linux tunnel mode, turns CE into ECT(0); RFC 6040
 * copies CE.
 */
static u8 ipsi_outer_dsfield(const struct ipsi_conf *conf,
			     const struct xfrm_state *x, u8 inner)
{
	u8 dsfield = conf->tos == IPSI_TOS_INHERIT ?
		     ipsi_outer_inherit(x, inner) : conf->tos;

	dsfield &= ~INET_ECN_MASK;
	if (ipsi_outer_sa_flags(x) & XFRM_STATE_NOECN)
		return dsfield;

	switch (conf->ecn) {
	case IPSEC_IPIP_ECN_OFF:
		return dsfield;
	case IPSEC_IPIP_ECN_RFC6040:
		return dsfield | (inner & INET_ECN_MASK);
	default:
		return INET_ECN_encapsulate(dsfield, inner);
	}
}

/* Return the outer flow label of a packet without an outer header. */
static __be32 ipsi_outer_flowlabel(const struct ipsi_conf *conf,
				   struct sk_buff *skb,
				   const struct ipsi_inner *inner)
{
	u32 hash;

	if (conf->family == AF_INET)
		return 0;

	switch (conf->flowlabel) {
	case IPSEC_IPIP_FLOWLABEL_HASH:
		/* RFC 6438 section 3: not 0, and equal within a flow. */
		hash = skb_get_hash(skb);
		return (htonl(hash ^ hash >> 12) & IPV6_FLOWLABEL_MASK) ?:
			htonl(1);
	case IPSEC_IPIP_FLOWLABEL_ZERO:
		return 0;
	default:
		return inner->flowlabel;
	}
}

/* Limit the TTL of a packet that is already an outer packet, so that a loop
 * through several tunnels ends.
 */
static u8 ipsi_outer_ttl(u8 ttl, const struct ipsi_inner *inner)
{
	return inner->hops ? min_t(u8, ttl, inner->hops - 1) : ttl;
}

static void ipsi_outer_push4(const struct ipsi_dev *idev,
			     const struct ipsi_conf *conf,
			     const struct dst_entry *dst, struct sk_buff *skb,
			     const struct ipsi_inner *inner)
{
	struct iphdr *iph = ip_hdr(skb);

	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = ipsi_outer_dsfield(conf, dst->xfrm, inner->dsfield);
	iph->tot_len = htons(skb->len);
	iph->frag_off = inner->df ? htons(IP_DF) : 0;
	iph->ttl = ipsi_outer_ttl(conf->ttl ?:
				  ip4_dst_hoplimit(xfrm_dst_child(dst)), inner);
	iph->protocol = ipsi_inner_proto(inner->family);
	iph->saddr = conf->local.a4;
	iph->daddr = conf->remote.a4;
	ip_select_ident_segs(idev->net, skb, NULL,
			     skb_shinfo(skb)->gso_segs ?: 1);
	/* Computed after the SA's header is there, or for each segment. */
	iph->check = 0;
}

static void ipsi_outer_push6(const struct ipsi_conf *conf,
			     const struct dst_entry *dst, struct sk_buff *skb,
			     const struct ipsi_inner *inner, __be32 flowlabel)
{
	struct ipv6hdr *ip6h = ipv6_hdr(skb);
	unsigned int len = skb->len - sizeof(*ip6h);

	ip6_flow_hdr(ip6h, ipsi_outer_dsfield(conf, dst->xfrm, inner->dsfield),
		     flowlabel);
	/* The length of a super-packet may not fit; segments get their own. */
	ip6h->payload_len = htons(len <= IPV6_MAXPLEN ? len : 0);
	ip6h->nexthdr = ipsi_inner_proto(inner->family);
	ip6h->hop_limit = ipsi_outer_ttl(conf->ttl ?:
					 ip6_dst_hoplimit(xfrm_dst_child(dst)),
					 inner);
	ip6h->saddr = conf->local.in6;
	ip6h->daddr = conf->remote.in6;
}

/**
 * ipsi_outer_push - put the outer header in front of an inner packet
 * @idev: the device
 * @conf: its configuration
 * @dst: the bundle of the packet
 * @skb: the packet, with headroom and its inner header offsets set
 * @inner: the inner header; its df is the DF bit to write
 *
 * Context: BH off.
 */
void ipsi_outer_push(const struct ipsi_dev *idev, const struct ipsi_conf *conf,
		     const struct dst_entry *dst, struct sk_buff *skb,
		     const struct ipsi_inner *inner)
{
	unsigned int len = ipsi_outer_len(conf->family);
	__be32 flowlabel;

	flowlabel = ipsi_outer_flowlabel(conf, skb, inner);
	skb_push(skb, len);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, len);

	if (conf->family == AF_INET) {
		ipsi_outer_push4(idev, conf, dst, skb, inner);
		skb->protocol = htons(ETH_P_IP);
	} else {
		ipsi_outer_push6(conf, dst, skb, inner, flowlabel);
		skb->protocol = htons(ETH_P_IPV6);
	}
}

/**
 * ipsi_outer_headroom - room for all headers in front of an inner packet
 * @conf: configuration of the device
 * @dst: the bundle
 *
 * The headroom is limited, since the link below may be a tunnel that needs more
 * for each tunnel below itself. A lower layer that needs more copies the
 * packet.
 *
 * Context: any.
 * Return: bytes.
 */
unsigned int ipsi_outer_headroom(const struct ipsi_conf *conf,
				 const struct dst_entry *dst)
{
	unsigned int headroom = ipsi_outer_len(conf->family) + dst->header_len +
				LL_RESERVED_SPACE(dst->dev);

	return min_t(unsigned int, headroom, IPSI_HEADROOM_MAX);
}
