// SPDX-License-Identifier: GPL-2.0
/*
 * Deletes the SAs of a device with the device. Otherwise, a state in transport
 * mode would still decrypt, and the inner packets would reach the host's stack,
 * which answers in clear. So all states of a device are deleted while the
 * device still refuses their packets.
 *
 * The core clones states for a key manager that moves them (XFRM_MSG_MIGRATE,
 * XFRM_MSG_MIGRATE_STATE), and reports that later or not at all. A clone of a
 * state that is being deleted would be left over. All code that clones holds the
 * xfrm_cfg_mutex, so states are deleted under that mutex too. But the RTNL is
 * held here, so nothing may wait for the mutex. If it is not free, the device
 * leaves its if_id: a state with that is left over, and its packets are
 * refused, until work that has got the mutex deletes it. States that others add
 * meanwhile are reported, which tells them from clones.
 */
#include <linux/mutex.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <net/xfrm.h>

#include "net.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "sad_flush.h"
#include "unlisted.h"
#include "work.h"

/* Maximum number of states that are collected under the lock of the SAD */
#define IPSI_FLUSH_BATCH	32

/**
 * struct ipsi_flush - states to delete
 * @net: their namespace
 * @ends: true for a state to delete; called with the SAD's lock held
 * @n: number of states in @found
 * @found: states, each with a reference
 */
struct ipsi_flush {
	struct net *net;
	bool (*ends)(const struct net *net, const struct xfrm_state *x);
	unsigned int n;
	struct xfrm_state *found[IPSI_FLUSH_BATCH];
};

/* Can a state end with its device? Not one in tunnel mode that was not adopted:
 * it belongs to its key manager, and admits no packet without a policy.
 */
static bool ipsi_sad_may_end(const struct xfrm_state *x)
{
	return x->props.mode != XFRM_MODE_TUNNEL ||
	       x->xflags & (IPSI_XFLAG_ADOPTED | IPSI_XFLAG_OWN);
}

/* Is this a state of a device that is being unregistered? */
static bool ipsi_sad_ends(const struct net *net, const struct xfrm_state *x)
{
	const struct ipsi_dev *idev;
	bool ends;

	if (!ipsi_sad_may_end(x))
		return false;

	rcu_read_lock();
	idev = ipsi_net_find(net, x->if_id);
	ends = idev && ipsi_dev_goes(idev);
	rcu_read_unlock();

	return ends;
}

static enum ipsi_sad_step ipsi_sad_flush_one(struct xfrm_state *x, void *data)
{
	struct ipsi_flush *flush = data;

	if (!flush->ends(flush->net, x)) {
		ipsi_sa_note_unlisted(x);
		return IPSI_SAD_NEXT;
	}

	xfrm_state_hold(x);
	flush->found[flush->n++] = x;

	return flush->n < IPSI_FLUSH_BATCH ? IPSI_SAD_NEXT : IPSI_SAD_UNLOCK;
}

static void ipsi_sad_flush_found(void *data)
{
	struct ipsi_flush *flush = data;

	while (flush->n) {
		struct xfrm_state *x = flush->found[--flush->n];

		ipsi_sad_end(x);
		xfrm_state_put(x);
	}
}

static void ipsi_sad_flush_walk(struct ipsi_flush *flush)
{
	const struct ipsi_sad_walk walk = {
		.one = ipsi_sad_flush_one,
		.unlocked = ipsi_sad_flush_found,
		.data = flush,
	};

	ipsi_sad_walk(flush->net, IPSEC_PROTO_ANY, &walk);
}

/* Mark all devices of a namespace that are being unregistered: their states are
 * deleted. If @missed, one that was cloned at the same time may be left.
 */
static void ipsi_sad_set_flushed(const struct net *net, bool missed)
{
	struct ipsi_dev *idev;

	ASSERT_RTNL();

	for (idev = ipsi_net_next(net, NULL); idev;
	     idev = ipsi_net_next(net, idev)) {
		if (!ipsi_dev_goes(idev))
			continue;
		idev->flushed = true;
		idev->flush_missed |= missed;
	}
}

/* One walk serves all devices that are unregistered under the same RTNL. */
static void ipsi_sad_flush_strays(struct ipsi_dev *idev, bool locked)
{
	struct ipsi_flush flush = {
		.net = idev->net,
		.ends = ipsi_sad_ends,
	};

	if (idev->flushed || !ipsi_unlisted_any(idev->net, idev->if_id))
		return;

	/* Otherwise the walk may miss clones of other states as well. */
	if (locked)
		ipsi_unlisted_forget(idev->net);
	ipsi_sad_flush_walk(&flush);
	ipsi_sad_set_flushed(idev->net, !locked);
}

static void ipsi_sad_flush_listed(struct ipsi_dev *idev)
{
	struct ipsi_sa_ref ref;
	u32 generation;

	while (ipsi_sa_get_batch(idev, U64_MAX, &ref, 1, &generation)) {
		ipsi_sad_end(ref.x);
		/* Without a notification, if the state was already dead. */
		ipsi_sa_detach(idev, ref.x);
		xfrm_state_put(ref.x);
	}
	/* States that are left here have died without a notification. A
	 * migration may have put clones in their place.
	 */
	if (READ_ONCE(idev->sad.n))
		ipsi_unlisted_note(idev->net, idev->if_id);
}

/**
 * ipsi_sad_flush_reserve - make room for the if_id of a device, so that a device
 *   that goes needs no memory
 * @net: underlay namespace
 * @if_id: the if_id, which no device has
 *
 * Context: RTNL. ipsi_sad_flush() or ipsi_sad_flush_release() must follow.
 * Return: 0 or -ENOMEM.
 */
int ipsi_sad_flush_reserve(const struct net *net, u32 if_id)
{
	return xa_reserve(&ipsi_net(net)->leftovers.if_ids, if_id, GFP_KERNEL);
}

/**
 * ipsi_sad_flush_release - undo ipsi_sad_flush_reserve()
 * @net: underlay namespace
 * @if_id: the if_id
 *
 * Context: RTNL.
 */
void ipsi_sad_flush_release(const struct net *net, u32 if_id)
{
	xa_release(&ipsi_net(net)->leftovers.if_ids, if_id);
}

/* Leave the if_id of a device. Readers that do not find the device any more find
 * it: see ipsi_sad_is_leftover(). The work that reads the new number finds it,
 * too, and no other work removes it.
 */
static void ipsi_sad_leave(struct ipsi_dev *idev)
{
	struct ipsi_leftovers *left = &ipsi_net(idev->net)->leftovers;
	long last = atomic_long_read(&left->last) + 1;

	ASSERT_RTNL();

	/* There is room: see ipsi_sad_flush_reserve(). */
	WARN_ON_ONCE(xa_is_err(xa_store(&left->if_ids, idev->if_id,
					xa_mk_value(last), 0)));
	atomic_long_set_release(&left->last, last);
	ipsi_work_queue_urgent_now(&left->work);
}

/**
 * ipsi_sad_flush - delete all states of a device
 * @idev: the device, which is being unregistered. It can still be found, so
 *   that it refuses packets of states that are not deleted yet. States that are
 *   reported later are deleted by ipsi_sa_attach(), as long as it can be found.
 *
 * This includes states with the if_id of the device that it does not use, for
 * example between other endpoints (unlisted.h). A namespace that is going is no
 * exception: its underlay stays up, and its SAD stays, for some time after the
 * device.
 *
 * Context: RTNL.
 */
void ipsi_sad_flush(struct ipsi_dev *idev)
{
	struct mutex *cfg_mutex = &idev->net->xfrm.xfrm_cfg_mutex;
	bool locked = mutex_trylock(cfg_mutex);

	ipsi_sad_flush_listed(idev);
	ipsi_sad_flush_strays(idev, locked);
	if (locked)
		mutex_unlock(cfg_mutex);
	if (!locked || idev->flush_missed)
		ipsi_sad_leave(idev);
	else
		ipsi_sad_flush_release(idev->net, idev->if_id);
}

/**
 * ipsi_sad_is_leftover - was a state left by a device?
 * @net: its namespace
 * @x: the state, for whose if_id no device was found
 *
 * Context: any.
 * Return: true if it is valid only until its namespace's xfrm_cfg_mutex is free.
 */
bool ipsi_sad_is_leftover(const struct net *net, const struct xfrm_state *x)
{
	struct ipsi_leftovers *left = &ipsi_net(net)->leftovers;

	/* Pairs with ipsi_net_del() after ipsi_sad_leave(). */
	smp_rmb();
	return xa_load(&left->if_ids, x->if_id) && ipsi_sad_may_end(x) &&
	       !(READ_ONCE(x->xflags) & IPSI_XFLAG_REPORTED);
}

/**
 * ipsi_sad_reported - note that a state is no leftover
 * @x: the state, which a key manager has added or updated
 *
 * Context: any, the namespace's xfrm_cfg_mutex held; @x's lock is not.
 */
void ipsi_sad_reported(struct xfrm_state *x)
{
	struct ipsi_leftovers *left = &ipsi_net(xs_net(x))->leftovers;

	if (likely(!xa_load(&left->if_ids, x->if_id)))
		return;

	spin_lock_bh(&x->lock);
	x->xflags |= IPSI_XFLAG_REPORTED;
	spin_unlock_bh(&x->lock);
}

/* A new device with the same if_id may have listed a leftover: then it is its. */
static bool ipsi_sad_ends_late(const struct net *net,
			       const struct xfrm_state *x)
{
	return ipsi_sa_valid(x) && ipsi_sad_is_leftover(net, x) &&
	       !ipsi_sa_is_any(x);
}

/* Remove the if_ids that were left up to @last. The room for the if_id of a new
 * device stays; the RTNL keeps devices from coming and going meanwhile.
 */
static void ipsi_sad_forget_left(struct ipsi_leftovers *left, long last)
{
	unsigned long if_id;
	void *entry, *room;

	rtnl_lock();
	xa_for_each(&left->if_ids, if_id, entry) {
		if ((long)xa_to_value(entry) > last)
			continue;
		room = ipsi_net_find(left->net, if_id) ? XA_ZERO_ENTRY : NULL;
		xa_cmpxchg(&left->if_ids, if_id, entry, room, 0);
	}
	rtnl_unlock();
}

static void ipsi_sad_leftovers_work(struct work_struct *work)
{
	struct ipsi_leftovers *left =
		container_of(work, struct ipsi_leftovers, work);
	struct mutex *cfg_mutex = &left->net->xfrm.xfrm_cfg_mutex;
	struct ipsi_flush flush = {
		.net = left->net,
		.ends = ipsi_sad_ends_late,
	};
	long last;

	mutex_lock(cfg_mutex);
	last = atomic_long_read_acquire(&left->last);
	ipsi_sad_flush_walk(&flush);
	mutex_unlock(cfg_mutex);

	/* Packets see that a state is dead before its if_id leaves. */
	ipsi_sad_forget_left(left, last);
}

/**
 * ipsi_sad_flush_net_init - start without leftovers
 * @net: a namespace
 */
void ipsi_sad_flush_net_init(struct net *net)
{
	struct ipsi_leftovers *left = &ipsi_net(net)->leftovers;

	left->net = net;
	xa_init(&left->if_ids);
	INIT_WORK(&left->work, ipsi_sad_leftovers_work);
}

/**
 * ipsi_sad_flush_net_exit - undo ipsi_sad_flush_net_init()
 * @net: the namespace; it has no device any more
 *
 * The module may be going and not the namespace, so leftovers are deleted now.
 *
 * Context: process.
 */
void ipsi_sad_flush_net_exit(struct net *net)
{
	struct ipsi_leftovers *left = &ipsi_net(net)->leftovers;

	flush_work(&left->work);
	xa_destroy(&left->if_ids);
}
