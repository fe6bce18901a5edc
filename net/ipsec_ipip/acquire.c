// SPDX-License-Identifier: GPL-2.0
/*
 * Acquires: requests to key managers when a device has no SA.
 *
 * A key manager that has installed a policy for its tunnel expects the acquire
 * that this policy would raise for the inner packet: tunnel mode, the reqid of
 * the policy and the addresses of the packet. The device sends that acquire,
 * although the policy never sees the packet. It does so only for packets that
 * match such a policy; otherwise it would start connections that must not start
 * on demand.
 *
 * For all other packets the acquire is for an SA of the device: transport mode,
 * the reqid of the device and its endpoints.
 *
 * An acquire takes the locks that a key manager needs to install the SA, and
 * anybody can send packets without having a key. So acquires for the same SA
 * are limited to one per second, and before that so is the search for the policy
 * of a packet, since there may be thousands. A change of the device's SAs or of
 * its configuration resets the limits.
 */
#include <linux/spinlock.h>
#include <net/dst_metadata.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "net.h"
#include "ts.h"

/* Minimum time between two acquires for the same SA, in jiffies */
#define IPSI_ACQ_INTERVAL	HZ

/* Number of packets whose policy is searched for in that time */
#define IPSI_ACQ_SEARCHES	16

/* Determine the SA that a packet needs. Without a route, as from a packet
 * socket, it matches no policy.
 */
static void ipsi_acq_fill(const struct ipsi_dev *idev,
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

/* Find the entry of an SA, or NULL. */
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

/* Find an unused entry, or else the oldest one. */
static struct ipsi_acq *ipsi_acq_oldest(struct ipsi_acquire *acquire)
{
	struct ipsi_acq *acq, *oldest = acquire->acqs;

	lockdep_assert_held(&acquire->lock);

	for (acq = acquire->acqs; acq < acquire->acqs + IPSI_ACQS; acq++) {
		if (!acq->used)
			return acq;
		if (ipsi_age(acq->when) > ipsi_age(oldest->when))
			oldest = acq;
	}

	return oldest;
}

static bool ipsi_acq_is_recent(const struct ipsi_acq *acq)
{
	return acq->used && ipsi_age(acq->when) < IPSI_ACQ_INTERVAL;
}

static void ipsi_acq_reset_limits(struct ipsi_acquire *acquire)
{
	unsigned long past = jiffies - IPSI_ACQ_INTERVAL;
	struct ipsi_acq *acq;

	lockdep_assert_held(&acquire->lock);

	acquire->since = past;
	for (acq = acquire->acqs; acq < acquire->acqs + IPSI_ACQS; acq++)
		acq->when = past;
}

/* Limit the rate of searches for policies, and count this one. */
static bool ipsi_acq_may_search(struct ipsi_dev *idev)
{
	unsigned int generation = atomic_read(&ipsi_net(idev->net)->acq_resets);
	struct ipsi_acquire *acquire = &idev->acquire;
	bool may;

	spin_lock(&acquire->lock);
	if (acquire->generation != generation) {
		acquire->generation = generation;
		ipsi_acq_reset_limits(acquire);
	}
	if (ipsi_age(acquire->since) >= IPSI_ACQ_INTERVAL) {
		acquire->since = jiffies;
		acquire->searches = 0;
	}
	may = acquire->searches < IPSI_ACQ_SEARCHES;
	acquire->searches += may;
	spin_unlock(&acquire->lock);

	return may;
}

/* Take over the reference to @x; the caller puts the one that is returned. */
static struct xfrm_state *ipsi_acq_set_larval(struct ipsi_acq *acq,
					      struct xfrm_state *x)
{
	struct xfrm_state *old = acq->larval;

	acq->larval = x;
	return old;
}

/* Clear an entry that will be for another SA, or for none. An acquire that is in
 * progress does not find it any more, so it does not forget the policy, whose
 * memory may soon be that of another one. The caller puts the state that is
 * returned.
 */
static struct xfrm_state *ipsi_acq_clear(struct ipsi_acq *acq)
{
	acq->xp = NULL;
	acq->used = false;
	return ipsi_acq_set_larval(acq, NULL);
}

static void ipsi_acq_put(struct xfrm_state *x)
{
	if (x)
		xfrm_state_put(x);
}

/**
 * ipsi_acquire_allow - limit the rate of acquires
 * @idev: the device, which has no SA to send with
 * @conf: its configuration
 * @skb: the inner packet
 * @key: filled in with the SA that the packet needs
 *
 * No acquire is allowed while an SA is being adopted.
 *
 * Context: BH off, RCU read side.
 * Return: true if an acquire may be sent now. The time is noted, so further
 *   packets that need the same SA get false for a while.
 */
bool ipsi_acquire_allow(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			const struct sk_buff *skb, struct ipsi_acq_key *key)
{
	struct ipsi_acquire *acquire = &idev->acquire;
	struct xfrm_state *old = NULL;
	struct ipsi_acq *acq;
	bool allow;

	if (READ_ONCE(idev->txq.adopting) || !ipsi_acq_may_search(idev))
		return false;

	ipsi_acq_fill(idev, conf, skb, key);

	spin_lock(&acquire->lock);
	acq = ipsi_acq_find(acquire, key->mode, key->reqid, key->family) ?:
	      ipsi_acq_oldest(acquire);
	allow = !ipsi_acq_is_recent(acq);
	if (allow) {
		if (!acq->used || acq->mode != key->mode ||
		    acq->reqid != key->reqid || acq->family != key->family)
			old = ipsi_acq_clear(acq);
		acq->used = true;
		acq->mode = key->mode;
		acq->reqid = key->reqid;
		acq->family = key->family;
		acq->when = jiffies;
	}
	spin_unlock(&acquire->lock);
	ipsi_acq_put(old);

	return allow;
}

/**
 * ipsi_acquire_begin - prepare for an acquire
 * @idev: the device
 * @xp: private policy of the look-up that raises it
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
 * ipsi_acquire_sent - note the larval state of an acquire
 * @x: the larval state, which stays if a key manager listens
 * @xp: the policy that raised the acquire; not necessarily a private one
 *
 * The state is noted, since the core has no look-up that distinguishes larval
 * states by their if_id. A reference is taken only for a private policy of the
 * device: xfrm_user frees the state of an XFRM_MSG_ACQUIRE from user space
 * without regard to references.
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

/* Find the larval state of an acquire that a policy of the SPD raised, which
 * the device has not noted; the caller puts it. If two devices share their
 * endpoints and have one such state each, only one of the states is found.
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
 * ipsi_acquire_end - check whether a key manager works on an acquire
 * @idev: the device
 * @conf: its configuration
 * @xp: private policy of the look-up that raised it
 *
 * The return value of the look-up does not tell: it is -EAGAIN even if no key
 * manager listens.
 *
 * Context: BH off; no lock of a state or the SAD is held.
 * Return: true if a key manager has got the acquire and its larval state has
 *   not expired.
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

/* Drop the entries with a mode and reqid, and delete their larval states, since
 * the SA is there; or drop all entries and leave their states to expire.
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
		x[i] = ipsi_acq_clear(acq);
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
 * ipsi_acquire_complete - delete the larval states of acquires that have an SA
 * @idev: the device
 * @conf: its configuration
 * @x: the SA, as the key manager has made it
 *
 * The core deletes a larval state only for an SA with the same mode, reqid and
 * if_id. Adoption changes these, so the state would stay until it expires.
 *
 * Context: process; no lock of a state or the SAD is held.
 */
void ipsi_acquire_complete(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			   const struct xfrm_state *x)
{
	ipsi_acquire_complete_one(idev, conf, XFRM_MODE_TRANSPORT, conf->reqid);
	ipsi_acquire_complete_one(idev, conf, XFRM_MODE_TUNNEL, x->props.reqid);
	/* The policy may have had no reqid yet. */
	ipsi_acquire_complete_one(idev, conf, XFRM_MODE_TUNNEL, 0);
}

/**
 * ipsi_acquire_reset_limit - allow the next packet to send an acquire
 * @idev: the device, whose SAs or configuration have changed
 *
 * Context: any; a state's lock and @idev's sad.lock may be held.
 */
void ipsi_acquire_reset_limit(struct ipsi_dev *idev)
{
	struct ipsi_acquire *acquire = &idev->acquire;

	spin_lock_bh(&acquire->lock);
	ipsi_acq_reset_limits(acquire);
	spin_unlock_bh(&acquire->lock);
}

/**
 * ipsi_acquire_flushed - reset the limit of all devices
 * @net: underlay namespace; the flush may have deleted its larval states
 *
 * Context: any.
 */
void ipsi_acquire_flushed(struct net *net)
{
	atomic_inc(&ipsi_net(net)->acq_resets);
}

/**
 * ipsi_acquire_init - start without acquires
 * @idev: a device that is being created
 */
void ipsi_acquire_init(struct ipsi_dev *idev)
{
	spin_lock_init(&idev->acquire.lock);
	idev->acquire.since = jiffies;
}

/**
 * ipsi_acquire_stop - drop all entries
 * @idev: the device, which sends nothing any more and is no longer found by its
 *   if_id, so that no entry is added
 *
 * Context: process.
 */
void ipsi_acquire_stop(struct ipsi_dev *idev)
{
	ipsi_acquire_forget(idev, 0, 0, true);
}
