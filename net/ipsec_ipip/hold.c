// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that wait for an SA.
 *
 * A key manager may delete the former SA as soon as it has added the next, and
 * that one is adopted by work which takes a moment. What is sent in it waits. So
 * does what a key manager has just been asked for keys for, as packets do that
 * wait for the link-layer address of a neighbour: a connection that starts on
 * demand is not to fail by its first packet.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/dst.h>

#include "encap.h"
#include "hold.h"
#include "stats.h"
#include "work.h"

/* Packets that wait at one device; more are sent on, and dropped, without. */
#define IPSI_HOLD_MAX	256

/* So long, in jiffies, they wait for keys: the request for them may be sent a
 * second time.
 */
#define IPSI_HOLD_PATIENCE	(5 * HZ)

/**
 * ipsi_hold_begin - an SA of a device is to be adopted
 * @idev: the device; ipsi_hold_end() is called for it later
 *
 * Context: any.
 */
void ipsi_hold_begin(struct ipsi_dev *idev)
{
	struct ipsi_held *held = &idev->held;

	spin_lock_bh(&held->queue.lock);
	WRITE_ONCE(held->pending, held->pending + 1);
	spin_unlock_bh(&held->queue.lock);
}

static void ipsi_hold_send(struct ipsi_dev *idev, struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	rcu_read_lock_bh();
	while ((skb = __skb_dequeue(packets))) {
		if (netif_running(idev->dev))
			ipsi_xmit(skb, idev->dev);
		else
			kfree_skb(skb);
	}
	rcu_read_unlock_bh();
}

/* Their senders hear of it. */
static void ipsi_hold_refuse(struct ipsi_dev *idev,
			     struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	rcu_read_lock_bh();
	while ((skb = __skb_dequeue(packets))) {
		dst_link_failure(skb);
		ipsi_drop(idev, IPSI_TX_NO_SA, skb, NULL);
	}
	rcu_read_unlock_bh();
}

/**
 * ipsi_hold_end - an SA was looked at
 * @idev: the device
 *
 * If it was the last one, what waits for it need wait no more, whether there is
 * an SA now or not.
 *
 * Context: process.
 */
void ipsi_hold_end(struct ipsi_dev *idev)
{
	struct ipsi_held *held = &idev->held;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&held->queue.lock);
	WRITE_ONCE(held->pending, held->pending - 1);
	if (!held->pending && !held->asked)
		skb_queue_splice_init(&held->queue, &packets);
	spin_unlock_bh(&held->queue.lock);

	ipsi_hold_send(idev, &packets);
}

/* There are keys, or they have not come. What comes from now on, if there is
 * still no SA, asks again and waits anew.
 */
static void ipsi_hold_release(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev,
					     held.release.work);
	struct ipsi_held *held = &idev->held;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&held->queue.lock);
	WRITE_ONCE(held->asked, false);
	if (!held->pending)
		skb_queue_splice_init(&held->queue, &packets);
	spin_unlock_bh(&held->queue.lock);

	if (READ_ONCE(idev->sad.active))
		ipsi_hold_send(idev, &packets);
	else
		ipsi_hold_refuse(idev, &packets);
	ipsi_work_done(idev);
}

/**
 * ipsi_hold_asked - a key manager was asked for keys
 * @idev: the device
 * @asked: one has heard it; false if there is nobody to wait for
 *
 * Context: BH off.
 */
void ipsi_hold_asked(struct ipsi_dev *idev, bool asked)
{
	struct ipsi_held *held = &idev->held;
	unsigned long delay = IPSI_HOLD_PATIENCE;

	if (READ_ONCE(held->asked) == asked)
		return;

	spin_lock(&held->queue.lock);
	/* Pairs with the barrier in ipsi_hold_keyed(). */
	smp_store_mb(held->asked, asked);
	/* They came just now; or they are of no use, and it is not to be done
	 * again and again.
	 */
	if (READ_ONCE(idev->carrier.keyed))
		delay = HZ / 10;
	if (asked)
		ipsi_work_queue_delayed(idev, &held->release, delay);
	spin_unlock(&held->queue.lock);
}

/**
 * ipsi_hold_keyed - there are keys in both directions, and it has been set down
 * @idev: the device
 *
 * With outbound ones alone the answers would be lost: some key managers install
 * those first.
 *
 * Context: any.
 */
void ipsi_hold_keyed(struct ipsi_dev *idev)
{
	/* Pairs with the barrier in ipsi_hold_asked(). */
	smp_mb();
	if (READ_ONCE(idev->held.asked))
		ipsi_work_mod_delayed(idev, &idev->held.release, 0);
}

/**
 * ipsi_hold - let a packet wait for an SA
 * @idev: the device, which has no SA to send it with
 * @skb: the packet; consumed if it is held
 *
 * Context: BH off.
 * Return: true if @skb will be sent, or dropped, when there is an SA or there
 *   will be none; false if none is expected.
 */
bool ipsi_hold(struct ipsi_dev *idev, struct sk_buff *skb)
{
	struct ipsi_held *held = &idev->held;
	bool wait;

	if (!READ_ONCE(held->pending) && !READ_ONCE(held->asked))
		return false;

	spin_lock(&held->queue.lock);
	wait = (held->pending || held->asked) &&
	       skb_queue_len(&held->queue) < IPSI_HOLD_MAX;
	if (wait)
		__skb_queue_tail(&held->queue, skb);
	spin_unlock(&held->queue.lock);

	return wait;
}

/**
 * ipsi_hold_init - start with no packet that waits
 * @idev: a device that is being made
 */
void ipsi_hold_init(struct ipsi_dev *idev)
{
	skb_queue_head_init(&idev->held.queue);
	INIT_DELAYED_WORK(&idev->held.release, ipsi_hold_release);
}

/**
 * ipsi_hold_stop - drop the packets that wait
 * @idev: the device, to which nothing more is sent
 *
 * Context: process.
 */
void ipsi_hold_stop(struct ipsi_dev *idev)
{
	ipsi_work_cancel(idev, &idev->held.release);
	WRITE_ONCE(idev->held.asked, false);
	skb_queue_purge(&idev->held.queue);
}
