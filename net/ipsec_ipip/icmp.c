// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors of the underlay, about outer packets of a device.
 *
 * A path MTU is noted in the route that the packets take, where the MTU of the
 * bundle comes from (mtu.c): it is soft state, and the next packet that is too
 * big brings it to its sender. The core would look for a route as if those
 * packets had no mark and left by any device. With policy routing, or an
 * underlay in a VRF, that is another or none at all.
 *
 * Other errors are passed on to the senders of inner packets (RFC 2003 section
 * 4, RFC 2473 section 8). The error quotes too little to tell who that is, and
 * that little is encrypted; so the device remembers it for a while, and who
 * sends next is told (RFC 2003 section 5).
 *
 * Anybody can forge an error. It must quote the endpoints and an outbound SA,
 * but neither is a secret; so an error does little harm: a path MTU is never
 * less than the route's own minimum, and few senders are told, whose packets
 * are sent all the same.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
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
#include "main.h"
#include "route.h"
#include "sa.h"
#include "stats.h"

/* For how long an error is remembered, and how many at once: one that is not
 * genuine shall not do much harm.
 */
#define IPSI_ICMP_TIMEOUT	(30 * HZ)
#define IPSI_ICMP_MAX		8

/* An error, and the packet that it quotes */
struct ipsi_icmp_error {
	const xfrm_address_t *saddr;
	const xfrm_address_t *daddr;
	__be32 spi;
	u16 family;
	u8 proto;
	bool too_big;		/* else it is passed on */
	int code;		/* of ICMP_DEST_UNREACH, or negative for none */
	u32 mtu;		/* if it is too big */
};

/* The code of ICMP_DEST_UNREACH that is passed on, or a negative number where
 * nothing is: RFC 2003 sections 4.1 to 4.5. What only concerns the tunnel,
 * such as a missing protocol, means to the sender that the host is not there.
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

static void ipsi_icmp_record(struct ipsi_icmp *icmp, u8 code)
{
	if (time_after(jiffies, READ_ONCE(icmp->until)))
		atomic_set(&icmp->left, 0);

	WRITE_ONCE(icmp->code, code);
	WRITE_ONCE(icmp->until, jiffies + IPSI_ICMP_TIMEOUT);
	atomic_add_unless(&icmp->left, 1, IPSI_ICMP_MAX);
}

/* Is the quoted packet one that the device sends by @x? */
static bool ipsi_icmp_is_of(const struct ipsi_conf *conf,
			    const struct xfrm_state *x,
			    const struct ipsi_icmp_error *quoted)
{
	return conf->family == quoted->family &&
	       x->props.mode == XFRM_MODE_TRANSPORT &&
	       xfrm_addr_equal(quoted->saddr, &conf->local, quoted->family) &&
	       xfrm_addr_equal(quoted->daddr, &conf->remote, quoted->family);
}

/* The device that the error is about, or NULL */
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

/* As much of an outer packet as a route wants to see when it learns. */
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

/* Return 0 if the error is dealt with, or -ENOENT. */
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

/* Take ICMP of IPv4 and the IPv4 header that it quotes for a packet of ESP. */
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
 * @skb: ICMP error, from the packet that it quotes on, of which 8 bytes after
 *   the IP header are there
 * @info: the MTU, if it is about that
 *
 * Context: BH off, RCU read side.
 * Return: 0 if it is dealt with; -ENOENT if the core's own handlers are to
 *   see it as well.
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
 * @skb: ICMPv6 error, from the packet that it quotes on
 * @opt: not used
 * @type: its type
 * @code: its code
 * @offset: where ESP is, of which 8 bytes are there; the core never comes here
 *   with AH, which it skips as an extension header
 * @info: the MTU, if it is about that
 *
 * Context: BH off, RCU read side.
 * Return: 0 if it is dealt with; -ENOENT if the core's own handlers are to
 *   see it as well.
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
 * @sk: the socket, which a packet of ESP in UDP was said to come from
 * @skb: ICMP error of the socket's family, from the packet that it quotes on
 * @err: not used
 * @port: not used
 * @info: the MTU, if it is about that
 * @payload: what is quoted of the UDP payload; perhaps too short for an SPI
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

/* Multicast is never answered; so it leaves the error to others. */
static bool ipsi_icmp_may_answer(const struct sk_buff *skb, u16 family)
{
	return family == AF_INET ? !ipv4_is_multicast(ip_hdr(skb)->daddr) :
		!ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
}

/**
 * ipsi_icmp_relay - tell the sender of a packet what the underlay has said
 * @idev: the device
 * @skb: inner packet, as the stack gave it; it stays the caller's, to be sent
 * @family: its family
 *
 * Context: BH off.
 */
void ipsi_icmp_relay(struct ipsi_dev *idev, struct sk_buff *skb, u16 family)
{
	struct ipsi_icmp *icmp = &idev->icmp;

	if (likely(!atomic_read(&icmp->left)))
		return;

	if (time_after(jiffies, READ_ONCE(icmp->until))) {
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
