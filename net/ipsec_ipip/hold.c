// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that wait for the adoption of an SA. A key manager may delete the
 * former SA as soon as it has added the next, and that one is adopted by work
 * which takes a moment. What is sent in it waits.
 */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>

#include "encap.h"
#include "hold.h"

/* Packets that wait at one device; more are sent on, and dropped, without. */
#define IPSI_HOLD_MAX	256

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

/**
 * ipsi_hold_end - an SA was looked at
 * @idev: the device
 *
 * If it was the last one, what waits need wait no more, whether there is an SA
 * now or not.
 *
 * Context: process.
 */
void ipsi_hold_end(struct ipsi_dev *idev)
{
	struct ipsi_held *held = &idev->held;
	struct sk_buff_head packets;
	struct sk_buff *skb;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&held->queue.lock);
	WRITE_ONCE(held->pending, held->pending - 1);
	if (!held->pending)
		skb_queue_splice_init(&held->queue, &packets);
	spin_unlock_bh(&held->queue.lock);

	rcu_read_lock_bh();
	while ((skb = __skb_dequeue(&packets))) {
		if (netif_running(idev->dev))
			ipsi_xmit(skb, idev->dev);
		else
			kfree_skb(skb);
	}
	rcu_read_unlock_bh();
}

/**
 * ipsi_hold - let a packet wait for an SA that is being adopted
 * @idev: the device, which has no SA to send it with
 * @skb: the packet; consumed if it is held
 *
 * Context: BH off.
 * Return: true if @skb will be sent, or dropped, when the adoption is done;
 *   false if there is none.
 */
bool ipsi_hold(struct ipsi_dev *idev, struct sk_buff *skb)
{
	struct ipsi_held *held = &idev->held;
	bool wait;

	if (!READ_ONCE(held->pending))
		return false;

	spin_lock(&held->queue.lock);
	wait = held->pending && skb_queue_len(&held->queue) < IPSI_HOLD_MAX;
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
}

/**
 * ipsi_hold_stop - drop the packets that wait
 * @idev: the device, which is set down; nothing more is sent to it
 *
 * Context: process.
 */
void ipsi_hold_stop(struct ipsi_dev *idev)
{
	skb_queue_purge(&idev->held.queue);
}
