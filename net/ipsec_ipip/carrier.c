// SPDX-License-Identifier: GPL-2.0
/*
 * The carrier of a device tells whether it has keys: sa.c knows, and routing
 * daemons see the link go down with them.
 */
#include <linux/netdevice.h>
#include <net/sch_generic.h>

#include "carrier.h"
#include "nlmsg.h"

/**
 * ipsi_carrier_set - the device has keys in both directions, or has not
 * @idev: the device
 * @on: it has
 *
 * Context: any; @idev's sad.lock is held, so that changes are told in order.
 */
void ipsi_carrier_set(struct ipsi_dev *idev, bool on)
{
	struct net_device *dev = idev->dev;

	lockdep_assert_held(&idev->sad.lock);

	if (on == netif_carrier_ok(dev))
		return;

	if (on)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
	ipsi_nl_event_carrier(idev, on);
}

/**
 * ipsi_carrier_keep_queue - let packets reach the device without carrier
 * @dev: the device; it is up
 *
 * The core puts a queue that swallows all before a device without carrier.
 * But here the packet that finds no keys must come through: it is counted by
 * its reason, its sender is told, and it raises the acquire upon which a key
 * manager brings keys, and thus the carrier.
 *
 * Context: RTNL, after the core has changed the queue.
 */
void ipsi_carrier_keep_queue(struct net_device *dev)
{
	struct netdev_queue *txq = netdev_get_tx_queue(dev, 0);

	ASSERT_RTNL();

	if (netif_carrier_ok(dev) || !(dev->flags & IFF_UP))
		return;

	clear_bit(__QDISC_STATE_DEACTIVATED,
		  &rtnl_dereference(txq->qdisc_sleeping)->state);
	rcu_assign_pointer(txq->qdisc, rtnl_dereference(txq->qdisc_sleeping));
}
