// SPDX-License-Identifier: GPL-2.0
/*
 * What key managers are asked for when a device has no SA.
 *
 * One that has put a policy for its tunnel into the SPD waits for what that
 * would raise for the inner packet: tunnel mode, the reqid of the policy and
 * the packet's addresses. It gets that, though the policy does not see the
 * packet. A packet that no such policy is for must not look as if there were
 * one: a connection which is not to start by itself would.
 *
 * Others are asked for an SA of the device's own: transport mode, the device's
 * reqid and its endpoints.
 *
 * Packets that find no SA cost nobody a key, and anybody may send many. To ask
 * takes the locks that the key manager needs to bring the SA. So the same SA is
 * asked for once a second, or at once when something has changed.
 */
#include <linux/jiffies.h>
#include <linux/spinlock.h>
#include <net/dst_metadata.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "main.h"
#include "ts.h"

/* For so long, in jiffies, the same SA is not asked for again. */
#define IPSI_ACQ_INTERVAL	HZ

/**
 * ipsi_acquire_fill - what to key for, if there is no SA for a packet
 * @idev: the device
 * @conf: its configuration
 * @skb: the inner packet; one that was sent by its link header has no route,
 *   and no policy is for it
 * @key: what to ask for is put here
 *
 * Context: RCU read side.
 */
void ipsi_acquire_fill(const struct ipsi_dev *idev,
		       const struct ipsi_conf *conf,
		       const struct sk_buff *skb, struct ipsi_acq_key *key)
{
	if (skb_valid_dst(skb) && ipsi_ts_policy(idev, skb, &key->reqid)) {
		key->mode = XFRM_MODE_TUNNEL;
		key->family = skb_dst(skb)->ops->family;
		return;
	}

	key->mode = XFRM_MODE_TRANSPORT;
	key->family = conf->family;
	key->reqid = conf->reqid;
}

/* The entry of an SA, or NULL. */
static struct ipsi_acq *ipsi_acq_find(struct ipsi_acquire *acquire, u8 mode,
				      u32 reqid, u16 family)
{
	struct ipsi_acq *acq;

	lockdep_assert_held(&acquire->lock);

	for (acq = acquire->acqs; acq < acquire->acqs + IPSI_ACQS; acq++)
		if (acq->used && acq->mode == mode && acq->reqid == reqid &&
		    acq->family == family)
			return acq;

	return NULL;
}

static struct ipsi_acq *ipsi_acq_find_xp(struct ipsi_acquire *acquire,
					 const struct xfrm_policy *xp)
{
	const struct xfrm_tmpl *tmpl = &xp->xfrm_vec[0];

	return ipsi_acq_find(acquire, tmpl->mode, tmpl->reqid, xp->family);
}

/* An entry that another SA does not need any more, or that of long ago */
static struct ipsi_acq *ipsi_acq_oldest(struct ipsi_acquire *acquire)
{
	struct ipsi_acq *acq, *oldest = acquire->acqs;

	lockdep_assert_held(&acquire->lock);

	for (acq = acquire->acqs; acq < acquire->acqs + IPSI_ACQS; acq++) {
		if (!acq->used)
			return acq;
		if (time_before(acq->when, oldest->when))
			oldest = acq;
	}

	return oldest;
}

static bool ipsi_acq_is_recent(const struct ipsi_acq *acq,
			       unsigned int generation)
{
	return acq->used && acq->generation == generation &&
	       time_before(jiffies, acq->when + IPSI_ACQ_INTERVAL);
}

/* Take over a reference; the former one is for the caller to put. */
static struct xfrm_state *ipsi_acq_set_larval(struct ipsi_acq *acq,
					      struct xfrm_state *x)
{
	struct xfrm_state *old = acq->larval;

	acq->larval = x;
	return old;
}

static void ipsi_acq_put(struct xfrm_state *x)
{
	if (x)
		xfrm_state_put(x);
}

/**
 * ipsi_acquire_allow - is a key manager to be asked for an SA for a packet?
 * @idev: the device, which has no SA to send with
 * @conf: its configuration
 * @skb: the inner packet
 *
 * If so, the next packet is told no, unless it is for another SA. While an SA is
 * being adopted, nobody is asked.
 *
 * Context: BH off, RCU read side.
 */
bool ipsi_acquire_allow(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			const struct sk_buff *skb)
{
	unsigned int generation = atomic_read(&ipsi_net(idev->net)->acq_resets);
	struct ipsi_acquire *acquire = &idev->acquire;
	struct xfrm_state *old = NULL;
	struct ipsi_acq_key key;
	struct ipsi_acq *acq;
	bool allow;

	if (READ_ONCE(idev->txq.adopting))
		return false;

	ipsi_acquire_fill(idev, conf, skb, &key);

	spin_lock(&acquire->lock);
	acq = ipsi_acq_find(acquire, key.mode, key.reqid, key.family) ?:
	      ipsi_acq_oldest(acquire);
	allow = !ipsi_acq_is_recent(acq, generation);
	if (allow) {
		if (!acq->used || acq->mode != key.mode ||
		    acq->reqid != key.reqid || acq->family != key.family)
			old = ipsi_acq_set_larval(acq, NULL);
		acq->used = true;
		acq->mode = key.mode;
		acq->reqid = key.reqid;
		acq->family = key.family;
		acq->when = jiffies;
		acq->generation = generation;
	}
	spin_unlock(&acquire->lock);
	ipsi_acq_put(old);

	return allow;
}

/**
 * ipsi_acquire_begin - key managers are about to be asked
 * @idev: the device
 * @xp: private policy by which they are
 *
 * Context: BH off.
 */
void ipsi_acquire_begin(struct ipsi_dev *idev, const struct xfrm_policy *xp)
{
	struct ipsi_acquire *acquire = &idev->acquire;
	struct ipsi_acq *acq;

	spin_lock(&acquire->lock);
	acq = ipsi_acq_find_xp(acquire, xp);
	if (acq)
		acq->xp = xp;
	spin_unlock(&acquire->lock);
}

/**
 * ipsi_acquire_sent - an acquire goes out
 * @x: the larval state that it leaves, if anybody listens
 * @xp: the policy by which it was raised, which may be anybody's
 *
 * Only by a private policy @x is one that references can be taken to: there is
 * one on behalf of users (XFRM_MSG_ACQUIRE) that is freed without regard to them.
 * The core has no look-up that tells larval states apart by their if_id.
 *
 * Context: RCU read side; a state's lock may be held.
 */
void ipsi_acquire_sent(struct xfrm_state *x, const struct xfrm_policy *xp)
{
	struct xfrm_state *old = NULL;
	struct ipsi_acquire *acquire;
	struct ipsi_dev *idev;
	struct ipsi_acq *acq;

	idev = xp->if_id ? ipsi_net_find(xs_net(x), xp->if_id) : NULL;
	if (!idev)
		return;

	acquire = &idev->acquire;
	spin_lock_bh(&acquire->lock);
	acq = ipsi_acq_find_xp(acquire, xp);
	if (acq && acq->xp == xp) {
		xfrm_state_hold(x);
		old = ipsi_acq_set_larval(acq, x);
	}
	spin_unlock_bh(&acquire->lock);
	ipsi_acq_put(old);
}

/* The larval state that an acquire has left, with a reference, where the device
 * has not noted it: it was raised by another's policy. Two devices between the
 * same endpoints may have one each, of which only one is found.
 */
static struct xfrm_state *ipsi_acquire_larval(struct net *net,
					      const struct ipsi_conf *conf,
					      u8 mode, u32 reqid)
{
	const struct xfrm_mark mark = {};
	struct xfrm_state *x;

	x = ipsi_xfrm_find_acq(net, &mark, mode, reqid, conf->if_id,
			       IPPROTO_ESP, &conf->remote, &conf->local,
			       conf->family);
	if (x && x->if_id != conf->if_id) {
		xfrm_state_put(x);
		x = NULL;
	}

	return x;
}

/**
 * ipsi_acquire_end - key managers were asked
 * @idev: the device
 * @conf: its configuration
 * @xp: private policy by which they were
 *
 * The look-up that asks says the same (-EAGAIN) if nobody has listened.
 *
 * Context: BH off; no lock of a state or the SAD is held.
 * Return: true if one is at work on it, and the core has not given it up.
 */
bool ipsi_acquire_end(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		      const struct xfrm_policy *xp)
{
	const struct xfrm_tmpl *tmpl = &xp->xfrm_vec[0];
	struct ipsi_acquire *acquire = &idev->acquire;
	struct xfrm_state *x;
	struct ipsi_acq *acq;
	bool pending = false;

	spin_lock(&acquire->lock);
	acq = ipsi_acq_find_xp(acquire, xp);
	if (acq) {
		acq->xp = NULL;
		pending = acq->larval &&
			  READ_ONCE(acq->larval->km.state) == XFRM_STATE_ACQ;
	}
	spin_unlock(&acquire->lock);
	if (pending)
		return true;

	x = ipsi_acquire_larval(idev->net, conf, tmpl->mode, tmpl->reqid);
	ipsi_acq_put(x);

	return x;
}

/* Give up what the device has noted of SAs in a mode and with a reqid, or of
 * all; and the states, if the SAs are there.
 */
static void ipsi_acquire_forget(struct ipsi_dev *idev, u8 mode, u32 reqid,
				bool all)
{
	struct ipsi_acquire *acquire = &idev->acquire;
	struct xfrm_state *x[IPSI_ACQS];
	unsigned int i;

	spin_lock_bh(&acquire->lock);
	for (i = 0; i < IPSI_ACQS; i++) {
		struct ipsi_acq *acq = &acquire->acqs[i];

		x[i] = NULL;
		if (!acq->used ||
		    (!all && (acq->mode != mode || acq->reqid != reqid)))
			continue;
		x[i] = ipsi_acq_set_larval(acq, NULL);
		acq->used = false;
	}
	spin_unlock_bh(&acquire->lock);

	for (i = 0; i < IPSI_ACQS; i++) {
		if (x[i] && !all && x[i]->km.state == XFRM_STATE_ACQ)
			xfrm_state_delete(x[i]);
		ipsi_acq_put(x[i]);
	}
}

static void ipsi_acquire_complete_one(struct ipsi_dev *idev,
				      const struct ipsi_conf *conf, u8 mode,
				      u32 reqid)
{
	struct xfrm_state *x;

	ipsi_acquire_forget(idev, mode, reqid, false);
	x = ipsi_acquire_larval(idev->net, conf, mode, reqid);
	if (!x)
		return;

	xfrm_state_delete(x);
	xfrm_state_put(x);
}

/**
 * ipsi_acquire_complete - there is an SA: what has asked for it serves no more
 * @idev: the device
 * @conf: its configuration
 * @x: the SA, as the key manager has made it
 *
 * An acquire leaves a larval state. The core takes it away for an SA in its
 * own mode and with its own reqid and if_id, and else waits until it expires.
 *
 * Context: process; no lock of a state or the SAD is held.
 */
void ipsi_acquire_complete(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			   const struct xfrm_state *x)
{
	ipsi_acquire_complete_one(idev, conf, XFRM_MODE_TRANSPORT, conf->reqid);
	ipsi_acquire_complete_one(idev, conf, XFRM_MODE_TUNNEL, x->props.reqid);
	/* for a policy that has none yet */
	ipsi_acquire_complete_one(idev, conf, XFRM_MODE_TUNNEL, 0);
}

/**
 * ipsi_acquire_reset_limit - let the next packet ask
 * @idev: the device, of which something has changed
 *
 * Context: any; a state's lock and @idev's sad.lock may be held.
 */
void ipsi_acquire_reset_limit(struct ipsi_dev *idev)
{
	struct ipsi_acquire *acquire = &idev->acquire;
	struct ipsi_acq *acq;

	spin_lock_bh(&acquire->lock);
	for (acq = acquire->acqs; acq < acquire->acqs + IPSI_ACQS; acq++)
		acq->when = jiffies - IPSI_ACQ_INTERVAL;
	spin_unlock_bh(&acquire->lock);
}

/**
 * ipsi_acquire_flushed - let the next packet of each device ask
 * @net: underlay namespace, whose larval states may be gone
 *
 * Context: any.
 */
void ipsi_acquire_flushed(struct net *net)
{
	atomic_inc(&ipsi_net(net)->acq_resets);
}

/**
 * ipsi_acquire_init - start without having asked for anything
 * @idev: a device that is being made
 */
void ipsi_acquire_init(struct ipsi_dev *idev)
{
	spin_lock_init(&idev->acquire.lock);
}

/**
 * ipsi_acquire_stop - forget what was asked for
 * @idev: the device, to which nothing more is sent, and which is not found by its
 *   if_id any more
 *
 * Context: process.
 */
void ipsi_acquire_stop(struct ipsi_dev *idev)
{
	ipsi_acquire_forget(idev, 0, 0, true);
}
