// SPDX-License-Identifier: GPL-2.0
/*
 * The queue of packets that wait for an SA.
 *
 * Adoption runs from a workqueue, and a key manager may delete the old SA
 * before it has run. Packets sent in that window are queued. Packets that
 * trigger an acquire are queued too, as neighbour resolution does, so that an
 * on-demand connection does not lose its first packet.
 *
 * Anybody can send such packets, and they may be large. So their memory is
 * limited, per device and per namespace, and the oldest packets are dropped.
 */
#include <linux/netdevice.h>
#include <linux/sizes.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/dst.h>

#include "acquire.h"
#include "net.h"
#include "sa.h"
#include "stats.h"
#include "txq.h"
#include "work.h"

/* Limits of the memory of queued packets, per device and per namespace */
#define IPSI_TXQ_BYTES		SZ_1M
#define IPSI_TXQ_NET_BYTES	SZ_16M

/* Time that packets wait for keys, in jiffies: enough for an IKE daemon to
 * retransmit its request once
 */
#define IPSI_TXQ_TIMEOUT	(5 * HZ)

/**
 * ipsi_txq_adopt_begin - queue packets while an SA is being adopted
 * @idev: the device; ipsi_txq_adopt_done() must follow
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

/* Remove all packets from the queue, whose lock is held. */
static void ipsi_txq_take(struct ipsi_dev *idev, struct sk_buff_head *packets)
{
	struct ipsi_txq *txq = &idev->txq;

	lockdep_assert_held(&txq->queue.lock);

	skb_queue_splice_init(&txq->queue, packets);
	atomic_long_sub(txq->bytes, ipsi_txq_net_bytes(idev));
	txq->bytes = 0;
}

/* Remove the oldest packet from the queue, whose lock is held. */
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

/* Send packets, or drop and count them if the device is down. */
static void ipsi_txq_send(struct ipsi_dev *idev, struct sk_buff_head *packets)
{
	struct net_device *dev = idev->dev;
	struct sk_buff *skb;

	rcu_read_lock_bh();
	while (netif_running(dev) && (skb = __skb_dequeue(packets)))
		netdev_start_xmit(skb, dev, netdev_get_tx_queue(dev, 0), false);
	rcu_read_unlock_bh();

	ipsi_txq_drop(idev, packets);
}

/* Drop packets and report that to their senders. */
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
 * ipsi_txq_adopt_done - undo ipsi_txq_adopt_begin()
 * @idev: the device
 *
 * After the last SA, and unless an acquire is pending, the queued packets are
 * sent, whether there is an SA now or not.
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

/* Keys have arrived, or the time is up. If there is still no SA, the next
 * packet sends another acquire and is queued again.
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

/* Schedule the release, or change its time, with the lock of the queue held.
 * Never schedule it while the device is down, since ipsi_txq_stop() has already
 * cancelled it then.
 */
static void ipsi_txq_release_in(struct ipsi_dev *idev, unsigned long delay)
{
	lockdep_assert_held(&idev->txq.queue.lock);

	if (netif_running(idev->dev))
		ipsi_work_mod_delayed(idev, &idev->txq.release, delay);
}

/**
 * ipsi_txq_acquire_sent - queue packets while an acquire is pending
 * @idev: the device
 * @sent: a key manager has got the acquire; false if none listens
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
	/* Keys exist already: either they have just arrived, or the packet
	 * cannot use them. Retry soon, but do not loop.
	 */
	if (READ_ONCE(idev->carrier.keyed))
		delay = HZ / 10;
	if (sent)
		ipsi_txq_release_in(idev, delay);
	spin_unlock(&txq->queue.lock);
}

/**
 * ipsi_txq_keys_ready - release packets that wait for keys
 * @idev: the device; its carrier.keyed is set already
 *
 * Called when there are keys in both directions. Some key managers install the
 * outbound SA first; if packets left then, the answers would be lost.
 *
 * Context: any.
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

/* Make room for a packet of a size, by moving the oldest ones to @packets.
 * Return false if other devices use all of the memory. The lock of the queue is
 * held.
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
 * ipsi_txq_add - queue a packet if an SA is expected
 * @idev: the device, which has no SA to send it with
 * @skb: the packet; consumed if it is queued
 *
 * Context: BH off.
 * Return: true if @skb is queued, to be sent or dropped later; false if no SA
 *   is expected, or there is no room.
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
 * ipsi_txq_init - start with an empty queue
 * @idev: a device that is being created
 */
void ipsi_txq_init(struct ipsi_dev *idev)
{
	skb_queue_head_init(&idev->txq.queue);
	INIT_DELAYED_WORK(&idev->txq.release, ipsi_txq_release);
	ipsi_acquire_init(idev);
}

/**
 * ipsi_txq_stop - drop all queued packets
 * @idev: the device, which is not running, so that no packet is added
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
