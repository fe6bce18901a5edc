// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that wait for an SA.
 *
 * Adoption runs from a work queue, and a key manager may delete the old SA before
 * it has run. Packets that are sent in between are queued. Packets that have
 * raised an acquire are queued too, as those that wait for the link-layer address
 * of a neighbour are, so that a connection which starts on demand does not lose
 * its first packet.
 *
 * Nobody has authenticated these packets, and they may be large. So their memory
 * is bounded, per device and per namespace, and the oldest ones make room.
 */
#include <linux/netdevice.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/dst.h>

#include "acquire.h"
#include "encap.h"
#include "main.h"
#include "sa.h"
#include "stats.h"
#include "txq.h"
#include "work.h"

/* Memory of the packets that wait at one device, and in one namespace */
#define IPSI_TXQ_BYTES		SZ_1M
#define IPSI_TXQ_NET_BYTES	SZ_16M

/* So long, in jiffies, they wait for keys: the request for them may be sent a
 * second time.
 */
#define IPSI_TXQ_TIMEOUT	(5 * HZ)

/**
 * ipsi_txq_adopt_begin - an SA of a device is to be adopted
 * @idev: the device; ipsi_txq_adopt_done() is called for it later
 *
 * Context: any.
 */
void ipsi_txq_adopt_begin(struct ipsi_dev *idev)
{
	struct ipsi_txq *txq = &idev->txq;

	spin_lock_bh(&txq->queue.lock);
	WRITE_ONCE(txq->adopting, txq->adopting + 1);
	spin_unlock_bh(&txq->queue.lock);
}

static atomic_long_t *ipsi_txq_net_bytes(const struct ipsi_dev *idev)
{
	return &ipsi_net(idev->net)->txq_bytes;
}

/* Take out all packets. The lock of the queue is held. */
static void ipsi_txq_take(struct ipsi_dev *idev, struct sk_buff_head *packets)
{
	struct ipsi_txq *txq = &idev->txq;

	lockdep_assert_held(&txq->queue.lock);

	skb_queue_splice_init(&txq->queue, packets);
	atomic_long_sub(txq->bytes, ipsi_txq_net_bytes(idev));
	txq->bytes = 0;
}

/* Take out the oldest packet, or NULL. The lock of the queue is held. */
static struct sk_buff *ipsi_txq_take_oldest(struct ipsi_dev *idev)
{
	struct ipsi_txq *txq = &idev->txq;
	struct sk_buff *skb;

	lockdep_assert_held(&txq->queue.lock);

	skb = __skb_dequeue(&txq->queue);
	if (!skb)
		return NULL;

	txq->bytes -= skb->truesize;
	atomic_long_sub(skb->truesize, ipsi_txq_net_bytes(idev));

	return skb;
}

static void ipsi_txq_drop(struct ipsi_dev *idev, struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	rcu_read_lock_bh();
	while ((skb = __skb_dequeue(packets)))
		ipsi_drop(idev, IPSI_TX_NO_SA, skb, NULL);
	rcu_read_unlock_bh();
}

/* Packets that a device which is down cannot send are counted as well. */
static void ipsi_txq_send(struct ipsi_dev *idev, struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	rcu_read_lock_bh();
	while (netif_running(idev->dev) && (skb = __skb_dequeue(packets)))
		ipsi_xmit(skb, idev->dev);
	rcu_read_unlock_bh();

	ipsi_txq_drop(idev, packets);
}

/* The packets are dropped, and their senders are told. */
static void ipsi_txq_refuse(struct ipsi_dev *idev,
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
 * ipsi_txq_adopt_done - an SA was looked at
 * @idev: the device
 *
 * If it was the last one, what waits for it need wait no more, whether there is
 * an SA now or not.
 *
 * Context: process.
 */
void ipsi_txq_adopt_done(struct ipsi_dev *idev)
{
	struct ipsi_txq *txq = &idev->txq;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&txq->queue.lock);
	WRITE_ONCE(txq->adopting, txq->adopting - 1);
	if (!txq->adopting && !txq->acquiring)
		ipsi_txq_take(idev, &packets);
	spin_unlock_bh(&txq->queue.lock);

	ipsi_txq_send(idev, &packets);
}

/* There are keys, or they have not come. What comes from now on, if there is
 * still no SA, asks again and waits anew.
 */
static void ipsi_txq_release(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev,
					     txq.release.work);
	struct ipsi_txq *txq = &idev->txq;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&txq->queue.lock);
	WRITE_ONCE(txq->acquiring, false);
	if (!txq->adopting)
		ipsi_txq_take(idev, &packets);
	spin_unlock_bh(&txq->queue.lock);

	if (ipsi_sad_has_out(idev))
		ipsi_txq_send(idev, &packets);
	else
		ipsi_txq_refuse(idev, &packets);
	ipsi_work_done(idev);
}

/* Start the work, or let it run at another time. Not on a device that is down:
 * ipsi_txq_stop() is called after it has gone down, and cancels for good. The
 * lock of the queue is held.
 */
static void ipsi_txq_release_in(struct ipsi_dev *idev, unsigned long delay)
{
	lockdep_assert_held(&idev->txq.queue.lock);

	if (netif_running(idev->dev))
		ipsi_work_mod_delayed(idev, &idev->txq.release, delay);
}

/**
 * ipsi_txq_acquire_sent - a key manager was asked for keys
 * @idev: the device
 * @sent: one has heard it; false if there is nobody to wait for
 *
 * Context: BH off.
 */
void ipsi_txq_acquire_sent(struct ipsi_dev *idev, bool sent)
{
	struct ipsi_txq *txq = &idev->txq;
	unsigned long delay = IPSI_TXQ_TIMEOUT;

	if (READ_ONCE(txq->acquiring) == sent)
		return;

	spin_lock(&txq->queue.lock);
	sent = sent && netif_running(idev->dev);
	/* Pairs with the barrier in ipsi_txq_keys_ready(). */
	smp_store_mb(txq->acquiring, sent);
	/* Keys exist already: either they have just arrived, or the packet cannot
	 * use them. Retry soon, but do not loop.
	 */
	if (READ_ONCE(idev->carrier.keyed))
		delay = HZ / 10;
	if (sent)
		ipsi_txq_release_in(idev, delay);
	spin_unlock(&txq->queue.lock);
}

/**
 * ipsi_txq_keys_ready - there are keys in both directions, and it has been set down
 * @idev: the device
 *
 * With outbound ones alone the answers would be lost: some key managers install
 * those first.
 *
 * Context: any; @idev's sad.lock is held.
 */
void ipsi_txq_keys_ready(struct ipsi_dev *idev)
{
	struct ipsi_txq *txq = &idev->txq;

	/* Pairs with the barrier in ipsi_txq_acquire_sent(). */
	smp_mb();
	if (!READ_ONCE(txq->acquiring))
		return;

	spin_lock_bh(&txq->queue.lock);
	if (txq->acquiring)
		ipsi_txq_release_in(idev, 0);
	spin_unlock_bh(&txq->queue.lock);
}

/* Make room for a packet of a size; the oldest ones go to @packets. Return false
 * if other devices have taken it all. The lock of the queue is held.
 */
static bool ipsi_txq_make_room(struct ipsi_dev *idev, unsigned int size,
			       struct sk_buff_head *packets)
{
	atomic_long_t *of_net = ipsi_txq_net_bytes(idev);
	struct ipsi_txq *txq = &idev->txq;
	struct sk_buff *skb;

	while (txq->bytes + size > IPSI_TXQ_BYTES ||
	       atomic_long_read(of_net) + size > IPSI_TXQ_NET_BYTES) {
		skb = ipsi_txq_take_oldest(idev);
		if (!skb)
			return false;
		__skb_queue_tail(packets, skb);
	}

	return true;
}

/**
 * ipsi_txq_add - let a packet wait for an SA
 * @idev: the device, which has no SA to send it with
 * @skb: the packet; consumed if it is held
 *
 * Context: BH off.
 * Return: true if @skb will be sent, or dropped, when there is an SA or there
 *   will be none; false if none is expected.
 */
bool ipsi_txq_add(struct ipsi_dev *idev, struct sk_buff *skb)
{
	struct ipsi_txq *txq = &idev->txq;
	unsigned int size = skb->truesize;
	struct sk_buff_head packets;
	bool wait;

	if (!READ_ONCE(txq->adopting) && !READ_ONCE(txq->acquiring))
		return false;

	__skb_queue_head_init(&packets);
	spin_lock(&txq->queue.lock);
	wait = (txq->adopting || txq->acquiring) && netif_running(idev->dev) &&
	       ipsi_txq_make_room(idev, size, &packets);
	if (wait) {
		txq->bytes += size;
		atomic_long_add(size, ipsi_txq_net_bytes(idev));
		__skb_queue_tail(&txq->queue, skb);
	}
	spin_unlock(&txq->queue.lock);

	ipsi_txq_drop(idev, &packets);

	return wait;
}

/**
 * ipsi_txq_init - start with no packet that waits
 * @idev: a device that is being made
 */
void ipsi_txq_init(struct ipsi_dev *idev)
{
	skb_queue_head_init(&idev->txq.queue);
	INIT_DELAYED_WORK(&idev->txq.release, ipsi_txq_release);
	ipsi_acquire_init(idev);
}

/**
 * ipsi_txq_stop - drop the packets that wait
 * @idev: the device, which is not running: none waits from now on
 *
 * Context: process.
 */
void ipsi_txq_stop(struct ipsi_dev *idev)
{
	struct ipsi_txq *txq = &idev->txq;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&txq->queue.lock);
	WRITE_ONCE(txq->acquiring, false);
	ipsi_txq_take(idev, &packets);
	spin_unlock_bh(&txq->queue.lock);

	ipsi_work_cancel(idev, &txq->release);
	ipsi_txq_drop(idev, &packets);
}
