// SPDX-License-Identifier: GPL-2.0
/*
 * ICMP errors about outer packets. What they say of the path MTU is noted in
 * the route that the device's packets take, where the MTU of its bundle comes
 * from (mtu.c): it is soft state, and the next packet that is too big brings
 * it to its sender.
 *
 * The core would look for a route as if those packets had no mark and left by
 * any device. With policy routing, or an underlay in a VRF, that is another or
 * none at all, and what is too big would be lost in silence.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ah.h>
#include <net/dst.h>
#include <net/esp.h>
#include <net/xfrm.h>

#include "error.h"
#include "main.h"
#include "route.h"

/* The device whose SA it is that an outer packet went by, or NULL */
static struct ipsi_dev *ipsi_error_dev(const struct sk_buff *skb,
				       const void *daddr, __be32 spi, u8 proto,
				       u16 family)
{
	struct net *net = dev_net(skb->dev);
	struct ipsi_dev *idev = NULL;
	struct xfrm_state *x;

	x = xfrm_state_lookup(net, skb->mark, daddr, spi, proto, family);
	if (!x)
		return NULL;

	if (x->if_id)
		idev = ipsi_net_find(net, x->if_id);
	xfrm_state_put(x);

	return idev;
}

/* As much of an outer packet as a route wants to see when it learns. */
static struct sk_buff *ipsi_error_outer(const struct ipsi_conf *conf,
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

static int ipsi_error_note_mtu(struct ipsi_dev *idev, u32 mtu)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);
	struct dst_entry *dst;
	struct sk_buff *outer;
	struct flowi fl;

	dst = ipsi_route(idev, conf, &fl);
	if (IS_ERR(dst))
		return -ENOENT;

	outer = ipsi_error_outer(conf, dst, fl.flowi_mark);
	if (outer) {
		dst->ops->update_pmtu(dst, NULL, outer, mtu, false);
		kfree_skb(outer);
	}
	dst_release(dst);

	return 0;
}

/**
 * ipsi_error4 - note the path MTU that an ICMP error tells
 * @skb: an ICMP error; skb->data points at the header of the outer packet, of
 *   which 8 bytes more are there
 * @info: the MTU, if it is about that
 *
 * Context: BH off, RCU read side.
 * Return: 0 if it was about a device and is dealt with, else -ENOENT.
 */
int ipsi_error4(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct ipsi_dev *idev;

	if (icmp_hdr(skb)->type != ICMP_DEST_UNREACH ||
	    icmp_hdr(skb)->code != ICMP_FRAG_NEEDED)
		return -ENOENT;

	idev = ipsi_error_dev(skb, &iph->daddr,
			      ipsi_error_spi(skb->data + iph->ihl * 4,
					     iph->protocol),
			      iph->protocol, AF_INET);

	return idev ? ipsi_error_note_mtu(idev, info) : -ENOENT;
}

/**
 * ipsi_error6 - note the path MTU that an ICMPv6 error tells
 * @skb: an ICMPv6 error; skb->data points at the header of the outer packet
 * @type: type of the error
 * @offset: where ESP begins, of which 8 bytes are there
 * @info: the MTU, if it is about that
 *
 * Context: BH off, RCU read side.
 * Return: 0 if it was about a device and is dealt with, else -ENOENT.
 */
int ipsi_error6(struct sk_buff *skb, u8 type, int offset, __be32 info)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	struct ipsi_dev *idev;

	if (type != ICMPV6_PKT_TOOBIG)
		return -ENOENT;

	idev = ipsi_error_dev(skb, &ip6h->daddr,
			      ipsi_error_spi(skb->data + offset, IPPROTO_ESP),
			      IPPROTO_ESP, AF_INET6);

	return idev ? ipsi_error_note_mtu(idev, ntohl(info)) : -ENOENT;
}
