// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors of the underlay, about outer packets of a device.
 *
 * A path MTU is stored in the route of the outer packets, from which the bundle
 * gets its MTU (mtu.c). It is soft state; the sender of the next packet that is
 * too big gets an error with it. The handler of the core does not suffice: it
 * looks up the route without the mark and the underlay device, which with
 * policy routing or a VRF is another route or none.
 *
 * Other errors are relayed to the senders of inner packets (RFC 2003 section 4,
 * RFC 2473 section 8). The quoted part of an outer packet does not identify the
 * inner sender, since it is short and encrypted. So the device records the
 * error for a while, and relays it to the next senders (RFC 2003 section 5).
 *
 * Anybody can forge an error: it must quote the endpoints and an outbound SA,
 * but neither is secret. So the effect is limited: a path MTU is never less
 * than the minimum of the route, and few senders get an error, whose packets
 * are sent all the same.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/ah.h>
#include <net/dst.h>
#include <net/esp.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "icmp.h"
#include "inner.h"
#include "net.h"
#include "route.h"
#include "sa.h"
#include "stats.h"

/* How long an error is recorded, and how many may be pending, each of which is
 * relayed to one sender. Both are small, since errors can be forged.
 */
#define IPSI_ICMP_TIMEOUT	(30 * HZ)
#define IPSI_ICMP_MAX		8

/* An error and the packet that it quotes */
struct ipsi_icmp_error {
	const xfrm_address_t *saddr;
	const xfrm_address_t *daddr;
	__be32 spi;
	u16 family;
	u8 proto;
	bool too_big;		/* has an MTU; other errors are relayed */
	int code;		/* of ICMP_DEST_UNREACH, or negative for none */
	u32 mtu;		/* valid if too_big */
};

/* Return the code of ICMP_DEST_UNREACH to relay, or a negative number if the
 * error is not relayed (RFC 2003 sections 4.1 to 4.5). An error that only
 * concerns the tunnel, such as an unreachable protocol, becomes host
 * unreachable.
 */
static int ipsi_icmp_code4(u8 type, u8 code)
{
	if (type == ICMP_TIME_EXCEEDED && code == ICMP_EXC_TTL)
		return ICMP_HOST_UNREACH;
	if (type != ICMP_DEST_UNREACH)
		return -ENOENT;

	switch (code) {
	case ICMP_NET_UNREACH:
	case ICMP_NET_UNKNOWN:
	case ICMP_NET_UNR_TOS:
		return ICMP_NET_UNREACH;
	case ICMP_HOST_UNREACH:
	case ICMP_HOST_UNKNOWN:
	case ICMP_HOST_UNR_TOS:
	case ICMP_PROT_UNREACH:
		return ICMP_HOST_UNREACH;
	default:
		return -ENOENT;
	}
}

/* The same for ICMPv6, RFC 2473 sections 8.1 to 8.3 */
static int ipsi_icmp_code6(u8 type, u8 code)
{
	if ((type == ICMPV6_TIME_EXCEED && code == ICMPV6_EXC_HOPLIMIT) ||
	    (type == ICMPV6_DEST_UNREACH && (code == ICMPV6_NOROUTE ||
					     code == ICMPV6_ADDR_UNREACH)))
		return ICMP_HOST_UNREACH;

	return -ENOENT;
}

static bool ipsi_icmp_expired(const struct ipsi_icmp *icmp)
{
	return ipsi_age(READ_ONCE(icmp->when)) > IPSI_ICMP_TIMEOUT;
}

static void ipsi_icmp_record(struct ipsi_icmp *icmp, u8 code)
{
	if (ipsi_icmp_expired(icmp))
		atomic_set(&icmp->left, 0);

	WRITE_ONCE(icmp->code, code);
	WRITE_ONCE(icmp->when, jiffies);
	atomic_add_unless(&icmp->left, 1, IPSI_ICMP_MAX);
}

/* Is the quoted packet one that the device has sent with @x? */
static bool ipsi_icmp_is_of(const struct ipsi_conf *conf,
			    const struct xfrm_state *x,
			    const struct ipsi_icmp_error *quoted)
{
	return conf->family == quoted->family &&
	       x->props.mode == XFRM_MODE_TRANSPORT &&
	       xfrm_addr_equal(quoted->saddr, &conf->local, quoted->family) &&
	       xfrm_addr_equal(quoted->daddr, &conf->remote, quoted->family);
}

/* Find the device that the error is about, or NULL. */
static struct ipsi_dev *ipsi_icmp_dev(const struct sk_buff *skb,
				      const struct ipsi_icmp_error *quoted)
{
	struct net *net = dev_net(skb->dev);
	struct ipsi_dev *idev = NULL;
	struct xfrm_state *x;

	x = xfrm_state_lookup(net, skb->mark, quoted->daddr, quoted->spi,
			      quoted->proto, quoted->family);
	if (!x)
		return NULL;

	if (x->if_id)
		idev = ipsi_net_find(net, x->if_id);
	if (idev && !ipsi_icmp_is_of(rcu_dereference(idev->conf), x, quoted))
		idev = NULL;
	xfrm_state_put(x);

	return idev;
}

/* Build an outer packet with the fields that ->update_pmtu() reads. */
static struct sk_buff *ipsi_icmp_outer(const struct ipsi_conf *conf,
				       const struct dst_entry *dst, u32 mark)
{
	struct ipv6hdr *ip6h;
	struct sk_buff *skb;
	struct iphdr *iph;

	skb = alloc_skb(sizeof(*ip6h), GFP_ATOMIC);
	if (!skb)
		return NULL;

	skb_reset_network_header(skb);
	if (conf->family == AF_INET) {
		iph = skb_put_zero(skb, sizeof(*iph));
		iph->protocol = IPPROTO_IPIP;
		iph->saddr = conf->local.a4;
		iph->daddr = conf->remote.a4;
	} else {
		ip6h = skb_put_zero(skb, sizeof(*ip6h));
		ip6h->saddr = conf->local.in6;
		ip6h->daddr = conf->remote.in6;
	}
	skb->dev = dst->dev;
	skb->mark = mark;

	return skb;
}

static int ipsi_icmp_note_mtu(struct ipsi_dev *idev, u32 mtu)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct dst_entry *dst;
	struct sk_buff *outer;
	struct flowi fl;

	dst = ipsi_route(idev, conf, &fl);
	if (IS_ERR(dst))
		return -ENOENT;

	outer = ipsi_icmp_outer(conf, dst, fl.flowi_mark);
	if (outer) {
		dst->ops->update_pmtu(dst, NULL, outer, mtu, false);
		kfree_skb(outer);
	}
	dst_release(dst);

	return 0;
}

/* Return 0 if the error is handled, or -ENOENT. */
static int ipsi_icmp_handle(const struct sk_buff *skb,
			    const struct ipsi_icmp_error *error)
{
	struct ipsi_dev *idev;

	if (!error->too_big && error->code < 0)
		return -ENOENT;

	idev = ipsi_icmp_dev(skb, error);
	if (!idev)
		return -ENOENT;
	if (error->too_big)
		return ipsi_icmp_note_mtu(idev, error->mtu);

	if (rcu_dereference(idev->conf)->icmp)
		ipsi_icmp_record(&idev->icmp, error->code);
	return -ENOENT;
}

/* Parse an ICMP error and the quoted IPv4 header, assuming ESP. */
static void ipsi_icmp_read4(struct ipsi_icmp_error *error,
			    const struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct icmphdr *icmph = icmp_hdr(skb);

	*error = (struct ipsi_icmp_error) {
		.saddr = (const xfrm_address_t *)&iph->saddr,
		.daddr = (const xfrm_address_t *)&iph->daddr,
		.family = AF_INET,
		.proto = IPPROTO_ESP,
		.too_big = icmph->type == ICMP_DEST_UNREACH &&
			   icmph->code == ICMP_FRAG_NEEDED,
		.code = ipsi_icmp_code4(icmph->type, icmph->code),
		.mtu = info,
	};
}

/* The same for IPv6 */
static void ipsi_icmp_read6(struct ipsi_icmp_error *error,
			    const struct sk_buff *skb, u8 type, u8 code,
			    u32 info)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;

	*error = (struct ipsi_icmp_error) {
		.saddr = (const xfrm_address_t *)&ip6h->saddr,
		.daddr = (const xfrm_address_t *)&ip6h->daddr,
		.family = AF_INET6,
		.proto = IPPROTO_ESP,
		.too_big = type == ICMPV6_PKT_TOOBIG,
		.code = ipsi_icmp_code6(type, code),
		.mtu = info,
	};
}

/**
 * ipsi_icmp_err4 - err_handler of ESP and AH over IPv4
 * @skb: ICMP error, its data starting at the quoted packet, of which at least 8
 *   bytes after the IP header are present
 * @info: the MTU, if the error has one
 *
 * Context: BH off, RCU read side.
 * Return: 0 if the error is handled; -ENOENT to let the core handle it too.
 */
int ipsi_icmp_err4(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const void *hdr = skb->data + iph->ihl * 4;
	struct ipsi_icmp_error error;

	ipsi_icmp_read4(&error, skb, info);
	error.proto = iph->protocol;
	if (error.proto == IPPROTO_AH)
		error.spi = ((const struct ip_auth_hdr *)hdr)->spi;
	else
		error.spi = ((const struct ip_esp_hdr *)hdr)->spi;

	return ipsi_icmp_handle(skb, &error);
}

/**
 * ipsi_icmp_err6 - err_handler of ESP and AH over IPv6
 * @skb: ICMPv6 error, its data starting at the quoted packet
 * @opt: not used
 * @type: type of the error
 * @code: code of the error
 * @offset: offset of the ESP header, of which at least 8 bytes are present. It
 *   is never AH, which the core skips as an extension header.
 * @info: the MTU, if the error has one
 *
 * Context: BH off, RCU read side.
 * Return: 0 if the error is handled; -ENOENT to let the core handle it too.
 */
int ipsi_icmp_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		   u8 code, int offset, __be32 info)
{
	const void *hdr = skb->data + offset;
	struct ipsi_icmp_error error;

	ipsi_icmp_read6(&error, skb, type, code, ntohl(info));
	error.spi = ((const struct ip_esp_hdr *)hdr)->spi;

	return ipsi_icmp_handle(skb, &error);
}

/**
 * ipsi_icmp_err_udp - encap_err_rcv of a socket of natt.c
 * @sk: the socket from whose port the quoted ESP in UDP was sent
 * @skb: ICMP error of the socket's family, its data starting at the quoted
 *   packet
 * @err: not used
 * @port: not used
 * @info: the MTU, if the error has one
 * @payload: start of the quoted UDP payload, which may be too short for an SPI
 *
 * Context: BH off, RCU read side.
 */
void ipsi_icmp_err_udp(struct sock *sk, struct sk_buff *skb, int err,
		       __be16 port, u32 info, u8 *payload)
{
	int offset = payload - skb->data;
	struct ipsi_icmp_error error;

	if (!pskb_may_pull(skb, offset + sizeof(struct ip_esp_hdr)))
		return;

	if (sk->sk_family == AF_INET)
		ipsi_icmp_read4(&error, skb, info);
	else
		ipsi_icmp_read6(&error, skb, icmp6_hdr(skb)->icmp6_type,
				icmp6_hdr(skb)->icmp6_code, info);
	error.spi = ((struct ip_esp_hdr *)(skb->data + offset))->spi;
	ipsi_icmp_handle(skb, &error);
}

/* ICMP never answers multicast, so keep the error for other packets. */
static bool ipsi_icmp_may_answer(const struct sk_buff *skb, u16 family)
{
	return family == AF_INET ? !ipv4_is_multicast(ip_hdr(skb)->daddr) :
		!ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
}

/**
 * ipsi_icmp_relay - relay a recorded error to the sender of a packet
 * @idev: the device
 * @skb: inner packet, unmodified; the caller still sends it
 * @family: its family
 *
 * Context: BH off.
 */
void ipsi_icmp_relay(struct ipsi_dev *idev, struct sk_buff *skb, u16 family)
{
	struct ipsi_icmp *icmp = &idev->icmp;

	if (likely(!atomic_read(&icmp->left)))
		return;

	if (ipsi_icmp_expired(icmp)) {
		atomic_set(&icmp->left, 0);
		return;
	}
	if (!ipsi_icmp_may_answer(skb, family) ||
	    atomic_dec_if_positive(&icmp->left) < 0)
		return;

	ipsi_route_reply(skb);
	if (family == AF_INET)
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, READ_ONCE(icmp->code), 0);
	else
		ipsi_icmp6_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH,
				0);
	ipsi_stats_count(idev, IPSI_TX_PATH_ERROR);
}
