// SPDX-License-Identifier: GPL-2.0
/*
 * The MTU of a device: the MTU of the route less the actual overhead of the SA,
 * unless it was set by hand. SAs change in atomic context and an MTU under
 * RTNL, so a work item sets it.
 */
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "mtu.h"
#include "net.h"
#include "outer.h"
#include "route.h"
#include "sa.h"
#include "work.h"

/* Return the size of an inner packet whose outer packet fits @path. For IPv6,
 * xfrm_state_mtu() never returns less than 1280, even if less fits. It rounds
 * to the cipher block size, which divides 1280, so adding 1280 before and
 * subtracting it after is exact.
 */
static int ipsi_mtu_inner(struct xfrm_state *x, u16 family, int path)
{
	return (int)xfrm_state_mtu(x, path + IPV6_MIN_MTU) - IPV6_MIN_MTU -
	       (int)ipsi_outer_len(family);
}

/**
 * ipsi_mtu_of_bundle - largest inner packet that a bundle takes unfragmented
 * @dst: the bundle
 * @family: family of the endpoints
 *
 * Context: RCU read side.
 * Return: bytes, 0 if there is no room at all.
 */
unsigned int ipsi_mtu_of_bundle(const struct dst_entry *dst, u16 family)
{
	int mtu = dst_mtu(dst);

	/* See ipsi_mtu_inner(). */
	if (family == AF_INET6 && mtu <= IPV6_MIN_MTU)
		mtu = ipsi_mtu_inner(dst->xfrm, family,
				     dst_mtu(xfrm_dst_child(dst)));
	else
		mtu -= ipsi_outer_len(family);

	return max(mtu, 0);
}

/* Is the MTU of the route one that was learned from the path? If so, set @mtu
 * to the configured MTU, or leave it alone if there is none. An expiry time
 * does not tell, since routes expire for other reasons too.
 */
static bool ipsi_mtu_learned4(const struct dst_entry *dst, unsigned int *mtu)
{
	const struct rtable *rt = container_of(dst, const struct rtable, dst);

	if (!rt->rt_pmtu)
		return false;

	*mtu = dst_metric_raw(dst, RTAX_MTU);
	return true;
}

static bool ipsi_mtu_learned6(const struct dst_entry *dst, unsigned int *mtu)
{
	const struct rt6_info *rt = container_of(dst, const struct rt6_info,
						 dst);
	const struct fib6_info *from;

	if (!(rt->rt6i_flags & RTF_MODIFIED))
		return false;

	rcu_read_lock();
	from = rcu_dereference(rt->from);
	if (from)
		*mtu = from->fib6_pmtu;
	rcu_read_unlock();
	return true;
}

/* Return the MTU of a route, without one that was learned from the path: that
 * is soft state for single packets, and not for the device.
 */
static unsigned int ipsi_mtu_of_route(const struct dst_entry *dst, u16 family)
{
	unsigned int mtu = 0;
	bool learned;

	if (family == AF_INET)
		learned = ipsi_mtu_learned4(dst, &mtu);
	else
		learned = ipsi_mtu_learned6(dst, &mtu);
	if (!learned)
		return dst_mtu(dst);

	return mtu ?: READ_ONCE(dst->dev->mtu);
}

/**
 * ipsi_mtu_compute - compute the MTU from SA and route
 * @idev: the device
 * @conf: its configuration
 *
 * It is never less than the minimum MTU of IPv6. A packet that then exceeds the
 * path is fragmented after encryption (RFC 2473 section 7.1), or its sender
 * gets an ICMP error.
 *
 * Context: process, RTNL or RCU read side.
 * Return: size of the largest inner packet that is sent unfragmented; a
 *   conservative estimate while there is no SA.
 */
unsigned int ipsi_mtu_compute(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf)
{
	int mtu = ETH_DATA_LEN;
	struct dst_entry *dst;
	struct xfrm_state *x;
	struct flowi fl;
	bool pinned;

	dst = ipsi_route(idev, conf, &fl);
	if (!IS_ERR(dst)) {
		/* The MTU of this device itself is not a limit. */
		if (dst->dev != idev->dev)
			mtu = ipsi_mtu_of_route(dst, conf->family);
		dst_release(dst);
	}

	x = ipsi_sa_get_active(idev, &pinned);
	if (x) {
		mtu = ipsi_mtu_inner(x, conf->family, mtu);
		xfrm_state_put(x);
	} else {
		mtu -= IPSI_ESP_OVERHEAD_MAX + ipsi_outer_len(conf->family);
	}

	return clamp_t(int, mtu, IPV6_MIN_MTU, idev->dev->max_mtu);
}

/**
 * ipsi_mtu_work - update the MTU
 * @work: mtu_work of a device, queued by ipsi_mtu_schedule()
 *
 * Context: process.
 */
void ipsi_mtu_work(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev, mtu_work);
	struct net_device *dev = idev->dev;
	unsigned int mtu;

	rtnl_lock();
	if (!ipsi_dev_goes(idev) && idev->mtu_auto) {
		mtu = ipsi_mtu_compute(idev, rtnl_dereference(idev->conf));
		idev->mtu_updating = true;
		if (mtu != dev->mtu && dev_set_mtu(dev, mtu))
			netdev_dbg(dev, "MTU %u refused\n", mtu);
		idev->mtu_updating = false;
	}
	rtnl_unlock();

	ipsi_work_done(idev);
}

/**
 * ipsi_mtu_follow - update the MTU if a new bundle requires it
 * @idev: the device
 * @conf: its configuration
 * @dst: the bundle that is about to be used
 *
 * Context: BH off, RCU read side.
 */
void ipsi_mtu_follow(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		     const struct dst_entry *dst)
{
	unsigned int mtu = ipsi_mtu_of_bundle(dst, conf->family);

	if (READ_ONCE(idev->mtu_auto) &&
	    max_t(unsigned int, mtu, IPV6_MIN_MTU) != READ_ONCE(idev->dev->mtu))
		ipsi_mtu_schedule(idev);
}

/* Delay of the MTU update after a change in the underlay, in jiffies, since
 * such changes come in groups
 */
#define IPSI_MTU_DELAY	(HZ / 10)

static void ipsi_mtu_check(struct ipsi_dev *idev)
{
	const struct ipsi_conf *conf = rcu_dereference(idev->conf);

	if (READ_ONCE(idev->mtu_auto) &&
	    ipsi_mtu_compute(idev, conf) != READ_ONCE(idev->dev->mtu))
		ipsi_mtu_schedule(idev);
}

/* Schedule an update only for devices that need another MTU, since the update
 * takes the RTNL.
 */
static void ipsi_mtu_net_work(struct work_struct *work)
{
	struct ipsi_net *inet = container_of(work, struct ipsi_net,
					     mtu_work.work);
	struct ipsi_dev *idev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inet->devs); i++) {
		rcu_read_lock();
		hlist_for_each_entry_rcu(idev, &inet->devs[i], node)
			ipsi_mtu_check(idev);
		rcu_read_unlock();
		cond_resched();
	}
}

/**
 * ipsi_mtu_underlay_changed - update MTUs after the MTU of a link has changed
 * @dev: any netdevice
 *
 * Context: RTNL.
 */
void ipsi_mtu_underlay_changed(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);
	struct net *net = dev_net(dev);

	/* Bundles need no reset: their check notices another MTU. The MTU of a
	 * device matters only if other devices send through it.
	 */
	if (!ipsi_device_is(dev) || READ_ONCE(idev->carries))
		ipsi_work_queue_net(net, &ipsi_net(net)->mtu_work,
				    IPSI_MTU_DELAY);
}

/**
 * ipsi_mtu_net_init - start without MTU updates
 * @net: a namespace
 */
void ipsi_mtu_net_init(struct net *net)
{
	INIT_DELAYED_WORK(&ipsi_net(net)->mtu_work, ipsi_mtu_net_work);
}

/**
 * ipsi_mtu_net_exit - undo ipsi_mtu_net_init()
 * @net: the namespace, which has no device of ours any more
 *
 * Context: process.
 */
void ipsi_mtu_net_exit(struct net *net)
{
	cancel_delayed_work_sync(&ipsi_net(net)->mtu_work);
}
