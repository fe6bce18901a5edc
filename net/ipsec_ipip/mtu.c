// SPDX-License-Identifier: GPL-2.0
/*
 * The MTU of a device: what the route takes, less what the SA really costs,
 * unless it was set by hand. SAs come and go in atomic context, and an MTU
 * changes under RTNL, so a work item stands between the two.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "mtu.h"
#include "policy.h"
#include "sa.h"

/* Owned by the module; flushed when it goes, so no work outlives its code. */
static struct workqueue_struct *ipsi_mtu_wq;

/**
 * ipsi_mtu_compute - the MTU that SA and route allow
 * @idev: the device
 * @conf: its configuration
 *
 * Context: process, RTNL or RCU read side.
 * Return: bytes of the largest inner packet that is sent unfragmented;
 *   a guess on the safe side while there is no SA.
 */
unsigned int ipsi_mtu_compute(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf)
{
	int mtu = ETH_DATA_LEN;
	struct xfrm_state *x;
	struct flowi4 fl4;
	struct rtable *rt;
	bool pinned;

	rt = ipsi_policy_route(idev, conf, &fl4);
	if (!IS_ERR(rt)) {
		mtu = dst_mtu(&rt->dst);
		ip_rt_put(rt);
	}

	x = ipsi_sa_get_active(idev, &pinned);
	if (x) {
		mtu = xfrm_state_mtu(x, mtu);
		xfrm_state_put(x);
	} else {
		mtu -= IPSI_ESP_OVERHEAD_MAX;
	}
	mtu -= sizeof(struct iphdr);

	return clamp_t(int, mtu, idev->dev->min_mtu, idev->dev->max_mtu);
}

/**
 * ipsi_mtu_work - set the MTU anew
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
	if (dev->reg_state == NETREG_REGISTERED && idev->mtu_auto) {
		mtu = ipsi_mtu_compute(idev, rtnl_dereference(idev->conf));
		idev->mtu_updating = true;
		if (mtu != dev->mtu && dev_set_mtu(dev, mtu))
			netdev_dbg(dev, "MTU %u refused\n", mtu);
		idev->mtu_updating = false;
	}
	rtnl_unlock();

	dev_put(dev);
}

/**
 * ipsi_mtu_schedule - SA or route have changed: let the MTU follow
 * @idev: the device
 *
 * Context: any.
 */
void ipsi_mtu_schedule(struct ipsi_dev *idev)
{
	/* The work may only run on a device that cannot go away under it. */
	dev_hold(idev->dev);
	if (!queue_work(ipsi_mtu_wq, &idev->mtu_work))
		dev_put(idev->dev);
}

/**
 * ipsi_mtu_init - make the work queue
 *
 * Return: 0 or -ENOMEM.
 */
int ipsi_mtu_init(void)
{
	ipsi_mtu_wq = alloc_workqueue("ipsec_ipip", WQ_UNBOUND, 0);
	return ipsi_mtu_wq ? 0 : -ENOMEM;
}

/**
 * ipsi_mtu_exit - undo ipsi_mtu_init(), when all devices are gone
 */
void ipsi_mtu_exit(void)
{
	destroy_workqueue(ipsi_mtu_wq);
}
