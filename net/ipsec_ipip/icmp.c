// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors of the underlay: what a router says of the outer packets is
 * passed on to who sends the inner ones (RFC 2003 section 4, RFC 2473
 * section 8). The error quotes too little to tell who that is, and that
 * little is encrypted; so the device remembers it for a while, and who sends
 * next is told (RFC 2003 section 5). Path MTUs are not kept here: error.c
 * notes them in the route, where dst_mtu() of the bundle finds them.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/jiffies.h>
#include <linux/skbuff.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/xfrm.h>

#include "error.h"
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

/* The packet that an error quotes */
struct ipsi_icmp_quoted {
	const xfrm_address_t *saddr;
	const xfrm_address_t *daddr;
	const void *hdr;		/* of ESP or AH, the first 8 bytes */
	u16 family;
	u8 proto;
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

static void ipsi_icmp_remember(struct ipsi_icmp *icmp, u8 code)
{
	if (time_after(jiffies, READ_ONCE(icmp->until)))
		atomic_set(&icmp->left, 0);

	WRITE_ONCE(icmp->code, code);
	WRITE_ONCE(icmp->until, jiffies + IPSI_ICMP_TIMEOUT);
	atomic_add_unless(&icmp->left, 1, IPSI_ICMP_MAX);
}

static __be32 ipsi_icmp_spi(const struct ipsi_icmp_quoted *quoted)
{
	return ipsi_error_spi(quoted->hdr, quoted->proto);
}

/* Is the quoted packet one that the device sends now? Who only guesses at its
 * packets does not know their SPI.
 */
static bool ipsi_icmp_is_of(struct ipsi_dev *idev,
			    const struct ipsi_icmp_quoted *quoted)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct xfrm_state *x;
	bool pinned, is_of;

	if (!conf->icmp || conf->family != quoted->family ||
	    !xfrm_addr_equal(quoted->saddr, &conf->local, quoted->family) ||
	    !xfrm_addr_equal(quoted->daddr, &conf->remote, quoted->family))
		return false;

	x = ipsi_sa_get_active(idev, &pinned);
	if (!x)
		return false;
	is_of = x->id.spi == ipsi_icmp_spi(quoted) &&
		x->id.proto == quoted->proto;
	xfrm_state_put(x);

	return is_of;
}

/* Remember an error of a known kind, if it is about a device. */
static void ipsi_icmp_heard(const struct sk_buff *skb, u8 code,
			    const struct ipsi_icmp_quoted *quoted)
{
	struct net *net = dev_net(skb->dev);
	struct ipsi_dev *idev = NULL;
	struct xfrm_state *x;

	x = xfrm_state_lookup(net, skb->mark, quoted->daddr,
			      ipsi_icmp_spi(quoted), quoted->proto,
			      quoted->family);
	if (!x)
		return;

	if (x->if_id)
		idev = ipsi_net_find(net, x->if_id);
	if (idev && ipsi_icmp_is_of(idev, quoted))
		ipsi_icmp_remember(&idev->icmp, code);
	xfrm_state_put(x);
}

/**
 * ipsi_icmp_err4 - err_handler of ESP and AH over IPv4
 * @skb: ICMP error, from the packet that it quotes on
 * @info: the MTU, if it is about that
 *
 * Context: BH off, RCU read side.
 * Return: 0 if it is dealt with; -ENOENT if the core's own handlers are to
 *   see it as well.
 */
int ipsi_icmp_err4(struct sk_buff *skb, u32 info)
{
	const struct icmphdr *icmph = icmp_hdr(skb);
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct ipsi_icmp_quoted quoted = {
		.saddr = (const xfrm_address_t *)&iph->saddr,
		.daddr = (const xfrm_address_t *)&iph->daddr,
		.hdr = skb->data + iph->ihl * 4,
		.family = AF_INET,
		.proto = iph->protocol,
	};
	int code = ipsi_icmp_code4(icmph->type, icmph->code);

	if (code >= 0)
		ipsi_icmp_heard(skb, code, &quoted);

	return ipsi_error4(skb, info);
}

/**
 * ipsi_icmp_err6 - err_handler of ESP and AH over IPv6
 * @skb: ICMPv6 error, from the packet that it quotes on
 * @opt: not used
 * @type: its type
 * @code: its code
 * @offset: where ESP is; the core never comes here with AH, which it skips
 *   as an extension header
 * @info: the MTU, if it is about that
 *
 * Context: BH off, RCU read side.
 * Return: 0 if it is dealt with; -ENOENT if the core's own handlers are to
 *   see it as well.
 */
int ipsi_icmp_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		   u8 code, int offset, __be32 info)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	struct ipsi_icmp_quoted quoted = {
		.saddr = (const xfrm_address_t *)&ip6h->saddr,
		.daddr = (const xfrm_address_t *)&ip6h->daddr,
		.hdr = skb->data + offset,
		.family = AF_INET6,
		.proto = IPPROTO_ESP,
	};
	int relayed = ipsi_icmp_code6(type, code);

	if (relayed >= 0)
		ipsi_icmp_heard(skb, relayed, &quoted);

	return ipsi_error6(skb, type, offset, info);
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
