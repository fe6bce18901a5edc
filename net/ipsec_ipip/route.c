// SPDX-License-Identifier: GPL-2.0
/*
 * The route of outer packets, from the local to the remote endpoint.
 */
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/addrconf.h>
#include <net/dst_metadata.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "net.h"
#include "route.h"
#include "sa.h"

static struct dst_entry *ipsi_route4(const struct ipsi_dev *idev,
				     const struct ipsi_conf *conf, u32 mark,
				     struct flowi4 *fl4)
{
	struct rtable *rt;

	memset(fl4, 0, sizeof(*fl4));
	fl4->flowi4_oif = conf->link;
	fl4->flowi4_mark = mark;
	fl4->flowi4_uid = sock_net_uid(idev->net, NULL);
	fl4->flowi4_proto = IPPROTO_IPIP;
	fl4->daddr = conf->remote.a4;
	fl4->saddr = conf->local.a4;

	rt = __ip_route_output_key(idev->net, fl4);
	return IS_ERR(rt) ? ERR_CAST(rt) : &rt->dst;
}

/* IPv6 routes packets from any source address, so check that it is an address
 * of this host, in the VRF of the underlay device (RFC 4301 section 4.1). When
 * it is deleted, ipsi_inet6addr_event() resets the bundles.
 */
static bool ipsi_route_local6_ok(const struct ipsi_dev *idev,
				 const struct ipsi_conf *conf)
{
	struct net_device *link = NULL;
	bool ok;

	rcu_read_lock();
	if (conf->link)
		link = dev_get_by_index_rcu(idev->net, conf->link);
	ok = (link || !conf->link) &&
	     ipv6_chk_addr(idev->net, &conf->local.in6, link, 0);
	rcu_read_unlock();

	return ok;
}

/* Without RT6_LOOKUP_F_IFACE, the underlay device is only a preference. */
static struct dst_entry *ipsi_route6(const struct ipsi_dev *idev,
				     const struct ipsi_conf *conf, u32 mark,
				     struct flowi6 *fl6)
{
	struct dst_entry *dst;
	int err;

	if (!ipsi_route_local6_ok(idev, conf))
		return ERR_PTR(-EADDRNOTAVAIL);

	memset(fl6, 0, sizeof(*fl6));
	fl6->flowi6_oif = conf->link;
	fl6->flowi6_mark = mark;
	fl6->flowi6_uid = sock_net_uid(idev->net, NULL);
	fl6->flowi6_proto = IPPROTO_IPV6;
	fl6->daddr = conf->remote.in6;
	fl6->saddr = conf->local.in6;

	dst = ip6_route_output_flags(idev->net, NULL, fl6,
				     conf->link ? RT6_LOOKUP_F_IFACE : 0);
	err = dst->error;
	if (err) {
		dst_release(dst);
		return ERR_PTR(err);
	}

	return dst;
}

/* Note that other devices send through this one, so its MTU matters to them. */
static void ipsi_route_note(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	if (!READ_ONCE(idev->carries))
		WRITE_ONCE(idev->carries, true);
}

/**
 * ipsi_route_by_sa - look up the route from the local to the remote endpoint
 * @idev: the device
 * @conf: its configuration
 * @x: the SA of the outer packets, whose output mark is used as in tunnel mode;
 *   or NULL
 * @fl: filled in with the flow of the outer packet
 *
 * Unlike ip_route_output_key(), this does not consult the SPD, which might
 * block or transform the flow, or return a blackhole while it waits for an SA.
 *
 * Context: RCU read side or RTNL.
 * Return: the route with a reference for the caller, or an ERR_PTR().
 */
struct dst_entry *ipsi_route_by_sa(const struct ipsi_dev *idev,
				   const struct ipsi_conf *conf,
				   struct xfrm_state *x, struct flowi *fl)
{
	u32 mark = x ? xfrm_smark_get(conf->fwmark, x) : conf->fwmark;
	struct dst_entry *dst;

	/* The address of the peer is not known yet. */
	if (xfrm_addr_any(&conf->remote, conf->family))
		return ERR_PTR(-EDESTADDRREQ);

	dst = conf->family == AF_INET ?
	      ipsi_route4(idev, conf, mark, &fl->u.ip4) :
	      ipsi_route6(idev, conf, mark, &fl->u.ip6);
	if (!IS_ERR(dst) && dst->dev != idev->dev && ipsi_device_is(dst->dev))
		ipsi_route_note(dst->dev);

	return dst;
}

/**
 * ipsi_route - look up the route of the outbound SA in use
 * @idev: the device
 * @conf: its configuration
 * @fl: filled in with the flow of the outer packet
 *
 * Context: RCU read side or RTNL; no lock of a state is held.
 * Return: the route with a reference for the caller, or an ERR_PTR().
 */
struct dst_entry *ipsi_route(struct ipsi_dev *idev,
			     const struct ipsi_conf *conf, struct flowi *fl)
{
	struct dst_entry *dst;
	struct xfrm_state *x;
	bool pinned;

	x = ipsi_sa_get_active(idev, &pinned);
	dst = ipsi_route_by_sa(idev, conf, x, fl);
	if (x)
		xfrm_state_put(x);

	return dst;
}

/* Return the device that an ipsec-ipip device sends its outer packets through,
 * or NULL.
 */
static struct net_device *ipsi_route_next(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	struct dst_entry *dst;
	struct flowi fl;

	dst = ipsi_route(idev, rcu_dereference(idev->conf), &fl);
	if (IS_ERR(dst))
		return NULL;
	dev = dst->dev;
	dst_release(dst);

	return dev;
}

/**
 * ipsi_route_ends - check that nested devices end at a link of another kind
 * @idev: the device
 * @dst: the route of its outer packets
 *
 * The route may lead through devices of this kind, IPSI_NEST_MAX at most, but
 * not back to @idev. Each device checks this when its own route changes, so the
 * device that closes a loop detects it.
 *
 * Context: RCU read side; no lock of a state is held.
 * Return: true if the nesting ends.
 */
bool ipsi_route_ends(const struct ipsi_dev *idev, const struct dst_entry *dst)
{
	struct net_device *dev = dst->dev;
	unsigned int n;

	for (n = 1; dev && ipsi_device_is(dev); n++) {
		if (dev == idev->dev || n == IPSI_NEST_MAX)
			return false;
		dev = ipsi_route_next(dev);
	}

	return true;
}

/**
 * ipsi_route_reply - prepare a packet for an ICMP error about it
 * @skb: inner packet that is being sent, with its network header set
 *
 * A packet that tc has redirected has no route, or only metadata instead of
 * one. To send an error, the core needs the route to the device.
 *
 * Context: BH off, RCU read side.
 */
void ipsi_route_reply(struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct flowi4 fl4 = {
		.flowi4_oif = dev->ifindex,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct rtable *rt;

	if (skb_valid_dst(skb))
		return;
	skb_dst_drop(skb);
	/* ICMPv6 needs no route. */
	if (skb->protocol != htons(ETH_P_IP))
		return;

	fl4.daddr = ip_hdr(skb)->daddr;
	fl4.saddr = ip_hdr(skb)->saddr;
	rt = __ip_route_output_key(dev_net(dev), &fl4);
	if (!IS_ERR(rt))
		skb_dst_set(skb, &rt->dst);
}
