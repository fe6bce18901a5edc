// SPDX-License-Identifier: GPL-2.0
/*
 * The carrier of a device is on while it has keys in both directions (sa.c), so
 * that routing protocols notice the loss of keys as a link failure.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>
#include <net/sch_generic.h>

#include "carrier.h"
#include "event.h"
#include "txq.h"
#include "work.h"

/* Delay of a carrier loss, in jiffies. A key manager that moves an SA (RFC
 * 4555) deletes and re-adds it, and routing protocols must not drop adjacencies
 * over that. It usually takes a millisecond, but the device may have to wait
 * for the RTNL while addresses change.
 */
#define IPSI_CARRIER_HOLD	HZ

/* The carrier stays as it is while the device is being unregistered: link_watch
 * would take a reference to it.
 */
static void ipsi_carrier_tell(struct ipsi_dev *idev, bool on)
{
	struct net_device *dev = idev->dev;

	lockdep_assert_held(&idev->carrier.lock);

	/* Unregistration waits for readers that see the device registered. */
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

/* Is a carrier loss delayed? Not with manual keying, where keys are deleted on
 * purpose.
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
 * ipsi_carrier_set - let the carrier follow the keys
 * @idev: the device
 * @on: it has keys in both directions
 *
 * Context: any; the caller serializes the calls.
 */
void ipsi_carrier_set(struct ipsi_dev *idev, bool on)
{
	struct ipsi_carrier *carrier = &idev->carrier;
	bool lost;

	spin_lock_bh(&carrier->lock);
	lost = carrier->keyed && !on;
	WRITE_ONCE(carrier->keyed, on);
	if (on)
		ipsi_txq_keys_ready(idev);
	if (on || !ipsi_carrier_holds(idev))
		ipsi_carrier_tell(idev, on);
	else if (lost)
		ipsi_work_mod_delayed(idev, &carrier->off, IPSI_CARRIER_HOLD);
	spin_unlock_bh(&carrier->lock);
}

static void ipsi_carrier_work(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev,
					     carrier.off.work);

	spin_lock_bh(&idev->carrier.lock);
	ipsi_carrier_tell(idev, idev->carrier.keyed);
	spin_unlock_bh(&idev->carrier.lock);
	ipsi_work_done(idev);
}

/**
 * ipsi_carrier_stop - freeze the carrier
 * @idev: the device, which is being unregistered
 *
 * Context: process.
 */
void ipsi_carrier_stop(struct ipsi_dev *idev)
{
	ipsi_work_cancel(idev, &idev->carrier.off);
}

/* Do the same as the core for a device with carrier. Builtin qdiscs are shared by
 * all devices.
 */
static void ipsi_carrier_keep_txq(struct netdev_queue *txq)
{
	if (!(rtnl_dereference(txq->qdisc_sleeping)->flags & TCQ_F_BUILTIN))
		clear_bit(__QDISC_STATE_DEACTIVATED,
			  &rtnl_dereference(txq->qdisc_sleeping)->state);
	rcu_assign_pointer(txq->qdisc, rtnl_dereference(txq->qdisc_sleeping));
}

/**
 * ipsi_carrier_keep_queue - let packets reach the device without carrier
 * @dev: the device; it is up
 *
 * The core attaches a queue that drops all packets of a device without carrier.
 * But packets without an SA must reach this device: it counts them, notifies
 * their senders, and sends the acquire that makes a key manager install keys.
 *
 * A dormant link (RFC 2863) would keep its queue. But it lacks only IFF_RUNNING,
 * and BIRD checks IFF_LOWER_UP, which is the carrier. ipsec-ipip-internals.rst
 * has what FRR and BIRD do with each signal.
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
	if (!ipsi_dev_goes(idev))
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

/* Has the core put its own queue in front of a queue of the device? */
static bool ipsi_carrier_lost_txq(const struct netdev_queue *txq)
{
	return rcu_access_pointer(txq->qdisc) !=
	       rcu_access_pointer(txq->qdisc_sleeping);
}

/**
 * ipsi_carrier_select_queue - ndo_select_queue of the device
 * @dev: the device
 * @skb: a packet to send
 * @sb_dev: subordinate device or NULL
 *
 * The choice is that of the core. But the core puts its own queue in front also
 * when mqprio or taprio get a new child, which it does not announce. A device with
 * several queues notices that here, and loses packets until the work has run. The
 * core does not ask for packets whose queue tc has selected.
 *
 * Context: any; packet sockets call it in process context.
 * Return: number of the queue.
 */
u16 ipsi_carrier_select_queue(struct net_device *dev, struct sk_buff *skb,
			      struct net_device *sb_dev)
{
	u16 queue = netdev_pick_tx(dev, skb, sb_dev);
	struct ipsi_dev *idev = netdev_priv(dev);

	if (unlikely(!netif_carrier_ok(dev)) && dev->flags & IFF_UP &&
	    ipsi_carrier_lost_txq(netdev_get_tx_queue(dev, queue)))
		ipsi_work_queue(idev, &idev->carrier.queue);

	return queue;
}

/**
 * ipsi_carrier_init - start without keys
 * @idev: a device that is being created
 */
void ipsi_carrier_init(struct ipsi_dev *idev)
{
	spin_lock_init(&idev->carrier.lock);
	INIT_DELAYED_WORK(&idev->carrier.off, ipsi_carrier_work);
	INIT_WORK(&idev->carrier.queue, ipsi_carrier_queue_work);
	netif_carrier_off(idev->dev);
}
