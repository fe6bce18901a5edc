// SPDX-License-Identifier: GPL-2.0
/*
 * The carrier of a device tells whether it has keys: sa.c knows, and routing
 * daemons see the link go down with them.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>
#include <net/sch_generic.h>

#include "carrier.h"
#include "hold.h"
#include "nlmsg.h"
#include "work.h"

/* A key manager that moves an SA (RFC 4555) deletes it and then adds it anew. No
 * routing daemon is to give up its neighbours for that; so much later than the
 * keys, in jiffies, the carrier goes. That is mostly done in a millisecond, but
 * the device may have to wait for the RTNL, just when addresses change.
 */
#define IPSI_CARRIER_HOLD	HZ

/* The carrier of a device that is going stays: link_watch takes a reference. */
static void ipsi_carrier_tell(struct ipsi_dev *idev, bool on)
{
	struct net_device *dev = idev->dev;

	lockdep_assert_held(&idev->sad.lock);

	/* Unregistration waits for the reader who has seen it registered. */
	rcu_read_lock();
	if (dev->reg_state != NETREG_REGISTERED || on == netif_carrier_ok(dev))
		goto out;

	if (on)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
	ipsi_nl_event_carrier(idev, on);
out:
	rcu_read_unlock();
}

/* Does the device wait before it lets its carrier go? Manual keys are taken away
 * by whoever means it.
 */
static bool ipsi_carrier_holds(const struct ipsi_dev *idev)
{
	bool holds;

	rcu_read_lock();
	holds = rcu_dereference(idev->conf)->keying !=
		IPSEC_IPIP_KEYING_MANUAL;
	rcu_read_unlock();

	return holds;
}

/**
 * ipsi_carrier_set - the device has keys in both directions, or has not
 * @idev: the device
 * @on: it has
 *
 * Context: any; @idev's sad.lock is held, so that changes are told in order.
 */
void ipsi_carrier_set(struct ipsi_dev *idev, bool on)
{
	struct ipsi_carrier *carrier = &idev->carrier;
	bool lost = carrier->keyed && !on;

	lockdep_assert_held(&idev->sad.lock);

	WRITE_ONCE(carrier->keyed, on);
	if (on)
		ipsi_hold_keyed(idev);
	if (on || !ipsi_carrier_holds(idev))
		ipsi_carrier_tell(idev, on);
	else if (lost)
		ipsi_work_mod_delayed(idev, &carrier->off, IPSI_CARRIER_HOLD);
}

static void ipsi_carrier_work(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev,
					     carrier.off.work);

	spin_lock_bh(&idev->sad.lock);
	ipsi_carrier_tell(idev, idev->carrier.keyed);
	spin_unlock_bh(&idev->sad.lock);
	ipsi_work_done(idev);
}

/**
 * ipsi_carrier_stop - the carrier stays as it is from now on
 * @idev: the device, which is being unregistered
 *
 * Context: process.
 */
void ipsi_carrier_stop(struct ipsi_dev *idev)
{
	ipsi_work_cancel(idev, &idev->carrier.off);
}

/* As the core does when there is a carrier. */
static void ipsi_carrier_keep_txq(struct netdev_queue *txq)
{
	clear_bit(__QDISC_STATE_DEACTIVATED,
		  &rtnl_dereference(txq->qdisc_sleeping)->state);
	rcu_assign_pointer(txq->qdisc, rtnl_dereference(txq->qdisc_sleeping));
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
 * A dormant link (RFC 2863) would keep its queue. But dormant links lack
 * IFF_RUNNING only, and BIRD judges a link by IFF_LOWER_UP, which is the carrier.
 *
 * Context: RTNL, after the core has changed the queue.
 */
void ipsi_carrier_keep_queue(struct net_device *dev)
{
	unsigned int i;

	ASSERT_RTNL();

	if (netif_carrier_ok(dev) || !(dev->flags & IFF_UP))
		return;

	for (i = 0; i < dev->num_tx_queues; i++)
		ipsi_carrier_keep_txq(netdev_get_tx_queue(dev, i));
}

static void ipsi_carrier_queue_work(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev,
					     carrier.queue);
	struct net_device *dev = idev->dev;

	rtnl_lock();
	if (dev->reg_state == NETREG_REGISTERED)
		ipsi_carrier_keep_queue(dev);
	rtnl_unlock();

	ipsi_work_done(idev);
}

/**
 * ipsi_carrier_queue_changes - the core is about to change the queue
 * @dev: the device
 *
 * The core calls no notifier after such a change. It makes the change under the
 * RTNL, for which the work waits.
 *
 * Context: RTNL.
 */
void ipsi_carrier_queue_changes(struct net_device *dev)
{
	struct ipsi_dev *idev = netdev_priv(dev);

	ASSERT_RTNL();

	if (!netif_carrier_ok(dev) && dev->flags & IFF_UP)
		ipsi_work_queue(idev, &idev->carrier.queue);
}

/**
 * ipsi_carrier_init - start without keys
 * @idev: a device that is being made
 */
void ipsi_carrier_init(struct ipsi_dev *idev)
{
	INIT_DELAYED_WORK(&idev->carrier.off, ipsi_carrier_work);
	INIT_WORK(&idev->carrier.queue, ipsi_carrier_queue_work);
	netif_carrier_off(idev->dev);
}
