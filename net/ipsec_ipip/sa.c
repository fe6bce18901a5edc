// SPDX-License-Identifier: GPL-2.0
/*
 * The SAs of a device. An SA belongs to the device whose if_id it carries,
 * whoever made it; km.c tells us of each that comes and goes. The newest
 * valid outbound one is in use unless sa-activate has pinned another.
 *
 * Only pointers are kept here: SAs live in the namespace's SAD, and what
 * dies there is never used again, since the state is checked at each use.
 */
#include <linux/list.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/xfrm.h>

#include "bundle.h"
#include "carrier.h"
#include "mtu.h"
#include "nlmsg.h"
#include "policy.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_flush.h"
#include "ts.h"
#include "work.h"

/* A key manager that answers to a change of keys may install its outbound SA
 * before the peer, who asked for it, has installed its own. It is kept back for
 * so long, or until the former one is deleted, or until the peer sends by its
 * own (RFC 7296 section 2.8). That is soon enough for a peer that answered, and
 * does not receive by the former one any more once it is told to delete it.
 */
#define IPSI_SA_YOUNG	(5 * HZ)

/* What a key manager installs within such a time is one pair. */
#define IPSI_SA_PAIR	HZ

/* Which way x goes, if its addresses are the endpoints of the device. Only
 * transport mode leaves through us; what arrives may be in tunnel mode too,
 * which on the wire is the same. Packet offload would need a policy that is in
 * the hardware.
 */
static bool ipsi_sa_direction(const struct ipsi_conf *conf,
			      const struct xfrm_state *x, bool *out)
{
	const xfrm_address_t *src = &x->props.saddr, *dst = &x->id.daddr;
	u16 family = conf->family;

	if (x->props.family != family ||
	    (x->id.proto != IPPROTO_ESP && x->id.proto != IPPROTO_AH) ||
	    !x->id.spi || !ipsi_sa_authenticates(x) || !ipsi_ts_usable(x))
		return false;

	if (xfrm_addr_equal(dst, &conf->remote, family) &&
	    (xfrm_addr_equal(src, &conf->local, family) ||
	     xfrm_addr_any(src, family))) {
		*out = true;
		return x->props.mode == XFRM_MODE_TRANSPORT &&
		       x->xso.type != XFRM_DEV_OFFLOAD_PACKET;
	}

	if (xfrm_addr_equal(dst, &conf->local, family) &&
	    (xfrm_addr_equal(src, &conf->remote, family) ||
	     xfrm_addr_any(src, family))) {
		*out = false;
		return x->props.mode == XFRM_MODE_TRANSPORT ||
		       x->props.mode == XFRM_MODE_TUNNEL;
	}

	return false;
}

/* An SA that can still do its work */
static bool ipsi_sa_usable(const struct ipsi_sa *sa)
{
	return ipsi_sa_valid(sa->x) && !sa->exhausted;
}

/* May the peer not know it yet? Manual keys are for whoever adds them to say. */
static bool ipsi_sa_young(const struct ipsi_sa *sa)
{
	return sa->x->xflags & IPSI_XFLAG_ADOPTED &&
	       time_before(jiffies, sa->joined + IPSI_SA_YOUNG);
}

/* The newest outbound SA of one CPU, or with UINT_MAX of those that are for all;
 * one past its soft lifetime only if all are, and one that is young only if there
 * is no other: then the one that is least so.
 */
static struct ipsi_sa *ipsi_sa_newest(struct ipsi_sad *sad, unsigned int cpu)
{
	struct ipsi_sa *sa, *dying = NULL, *young = NULL;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry(sa, &sad->list, list) {
		if (!sa->out || ipsi_xfrm_cpu(sa->x) != cpu ||
		    !ipsi_sa_usable(sa))
			continue;
		if (ipsi_sa_young(sa))
			young = sa;
		else if (!sa->x->km.dying)
			return sa;
		else if (!dying)
			dying = sa;
	}

	return dying ?: young;
}

/* A link needs keys in both directions: the carrier says if it has them. */
static void ipsi_sa_carrier(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	bool in = false;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry(sa, &sad->list, list)
		in |= !sa->out && ipsi_sa_valid(sa->x);

	ipsi_carrier_set(idev, in && sad->active &&
			 !xfrm_addr_any(&sad->active->x->id.daddr,
					sad->active->x->props.family));
}

/* Settle which outbound SA is in use, after anything that may change it. */
static void ipsi_sa_choose(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	if (sad->pinned && sad->active && ipsi_sa_usable(sad->active))
		return;

	sa = ipsi_sa_newest(sad, UINT_MAX);
	if (sa == sad->active && !sad->pinned && !sad->orphaned)
		return;

	sad->active = sa;
	sad->pinned = false;
	sad->orphaned = false;
	ipsi_bundle_reset(idev);
	ipsi_nl_event_activate(idev, sa ? sa->x : NULL, false);
	if (sa)
		ipsi_mtu_schedule(idev);
}

/* No packet leaves by the SA of this policy any more: let go of it at once. */
static void ipsi_sa_kill_policy(struct ipsi_sad *sad, struct ipsi_sa *sa)
{
	if (!sa->policy)
		return;

	ipsi_policy_kill(&sa->policy);
	ipsi_bundle_reset(container_of(sad, struct ipsi_dev, sad));
}

/* Bundles that may be of an SA that is not in use any more go stale. Where CPUs
 * have SAs of their own (RFC 9611), those of all do, since each chooses anew.
 */
static void ipsi_sa_retire(struct ipsi_sad *sad)
{
	bool one_cpu = false;
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry(sa, &sad->list, list)
		one_cpu |= sa->out && ipsi_xfrm_cpu(sa->x) != UINT_MAX;
	list_for_each_entry(sa, &sad->list, list)
		if (one_cpu || sa != sad->active)
			ipsi_sa_kill_policy(sad, sa);
	ipsi_policy_kill(&sad->policy);
}

/* Note if an outbound SA waits, for who receives to see without the lock. */
static void ipsi_sa_wait(struct ipsi_sad *sad)
{
	struct ipsi_sa *sa;
	bool waiting = false;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry(sa, &sad->list, list)
		waiting |= sa->out && sa != sad->active && ipsi_sa_young(sa);

	WRITE_ONCE(sad->waiting, waiting);
}

static void ipsi_sa_reselect(struct ipsi_dev *idev)
{
	ipsi_sa_choose(idev);
	ipsi_sa_retire(&idev->sad);
	ipsi_sa_wait(&idev->sad);
	ipsi_sa_carrier(idev);
}

static struct ipsi_sa *ipsi_sa_entry(struct ipsi_sad *sad,
				     const struct xfrm_state *x)
{
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry(sa, &sad->list, list)
		if (sa->x == x)
			return sa;

	return NULL;
}

static struct ipsi_sa *ipsi_sa_find(struct ipsi_sad *sad,
				    const struct ipsi_sa_id *id)
{
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry(sa, &sad->list, list)
		if (sa->out == id->out && sa->x->id.spi == id->spi &&
		    sa->x->id.proto == id->proto && ipsi_sa_valid(sa->x))
			return sa;

	return NULL;
}

static void ipsi_sa_free(struct ipsi_sad *sad, struct ipsi_sa *sa)
{
	lockdep_assert_held(&sad->lock);

	list_del(&sa->list);
	sad->generation++;
	ipsi_sa_kill_policy(sad, sa);
	if (sad->active == sa) {
		sad->active = NULL;
		sad->orphaned = true;
	}
	if (sa->x->km.state == XFRM_STATE_DEAD)
		ipsi_sa_wipe(sa->x);
	xfrm_state_put(sa->x);
	kfree(sa);
}

/* Let an SA leave; the caller settles which one is in use then. */
static void ipsi_sa_remove(struct ipsi_dev *idev, struct ipsi_sa *sa)
{
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_DEL_NTF, sa->x, sa->out, false);
	ipsi_sa_free(&idev->sad, sa);
}

/* Let an SA join, as the newest one or, when the SAD is read from its newest
 * state to its oldest, as the oldest.
 */
static void ipsi_sa_join(struct ipsi_dev *idev, struct xfrm_state *x,
			 bool newest)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	bool out;

	if (!ipsi_sa_valid(x) ||
	    !ipsi_sa_direction(rcu_dereference(idev->conf), x, &out))
		return;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(sad, x);
	if (!sa) {
		sa = kzalloc(sizeof(*sa), GFP_ATOMIC);
		if (!sa)
			goto out;
		sad->generation++;
		xfrm_state_hold(x);
		sa->x = x;
		sa->out = out;
		sa->joined = jiffies;
		if (newest) {
			sa->seq = sad->seq_newest++;
			list_add(&sa->list, &sad->list);
		} else {
			sa->seq = --sad->seq_oldest;
			sa->joined -= IPSI_SA_YOUNG;
			list_add_tail(&sa->list, &sad->list);
		}
	}
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_ADD_NTF, x, out, false);
	ipsi_sa_reselect(idev);
	if (out && sa != sad->active && ipsi_sa_young(sa))
		ipsi_work_mod_delayed(idev, &sad->settle, IPSI_SA_YOUNG + 1);
out:
	spin_unlock_bh(&sad->lock);
}

/* No state joins a device that ipsi_sad_flush() may have passed already. Before
 * it unregistration waits for RCU readers, as the caller is one.
 */
static bool ipsi_sa_too_late(const struct ipsi_dev *idev, struct xfrm_state *x)
{
	if (READ_ONCE(idev->dev->reg_state) == NETREG_REGISTERED)
		return false;

	ipsi_sad_end(x);
	return true;
}

/**
 * ipsi_sa_attach - let an SA join the device
 * @idev: the device, whose if_id @x carries
 * @x: the state; the device takes a reference of its own. One that is not
 *   between the endpoints of the device, or not valid, does not join. If the
 *   device is being unregistered, the state ends with it.
 *
 * Context: any; @x's lock is not held. RCU read side.
 */
void ipsi_sa_attach(struct ipsi_dev *idev, struct xfrm_state *x)
{
	if (!ipsi_sa_too_late(idev, x))
		ipsi_sa_join(idev, x, true);
}

/**
 * ipsi_sa_detach - let an SA leave the device
 * @idev: the device
 * @x: the state, which is dead or about to be; need not be of the device
 *
 * Context: any; @x's lock may be held.
 */
void ipsi_sa_detach(struct ipsi_dev *idev, struct xfrm_state *x)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(sad, x);
	if (sa) {
		ipsi_sa_remove(idev, sa);
		ipsi_sa_reselect(idev);
	}
	spin_unlock_bh(&sad->lock);
}

/* Let @new be the SA that @old was. Return false if @old was none. */
static bool ipsi_sa_swap_entry(struct ipsi_dev *idev, struct xfrm_state *old,
			       struct xfrm_state *new)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(sad, old);
	if (sa) {
		sad->generation++;
		xfrm_state_hold(new);
		sa->x = new;
		ipsi_sa_kill_policy(sad, sa);
		xfrm_state_put(old);
		ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_ADD_NTF, new, sa->out,
				 false);
		ipsi_sa_reselect(idev);
		if (sa == sad->active) {
			ipsi_bundle_reset(idev);
			ipsi_mtu_schedule(idev);
		}
	}
	spin_unlock_bh(&sad->lock);

	return sa;
}

/**
 * ipsi_sa_swap - a state was replaced by its clone
 * @idev: the device, whose if_id @new carries
 * @old: the original, dead; need not be of the device
 * @new: the clone; the device takes a reference of its own. It is as new, as
 *   active and as pinned as @old was.
 *
 * Context: any. RCU read side.
 */
void ipsi_sa_swap(struct ipsi_dev *idev, struct xfrm_state *old,
		  struct xfrm_state *new)
{
	bool out;

	if (ipsi_sa_too_late(idev, new))
		return;
	if (!ipsi_sa_direction(rcu_dereference(idev->conf), new, &out))
		ipsi_sa_detach(idev, old);
	else if (!ipsi_sa_swap_entry(idev, old, new))
		ipsi_sa_attach(idev, new);
}

/**
 * ipsi_sa_expired - a lifetime of an SA has passed
 * @idev: the device
 * @x: the state; need not be of the device
 * @hard: it is dead; else another SA is to be preferred if there is one
 *
 * Context: any; @x's lock may be held.
 */
void ipsi_sa_expired(struct ipsi_dev *idev, struct xfrm_state *x, bool hard)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(sad, x);
	if (sa) {
		ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_EXPIRE_NTF, x,
				 sa->out, hard);
		if (hard)
			ipsi_sa_remove(idev, sa);
		ipsi_sa_reselect(idev);
	}
	spin_unlock_bh(&sad->lock);
}

/**
 * ipsi_sa_exhausted - an outbound SA has no sequence number left
 * @idev: the device
 * @x: the state; need not be of the device
 *
 * The state stays in the SAD, where its owner may want to look at it, but is
 * not used any more (RFC 4303 section 3.3.3).
 *
 * Context: BH off, @x's lock not held.
 */
void ipsi_sa_exhausted(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(sad, x);
	if (sa && sa->out && !sa->exhausted) {
		sa->exhausted = true;
		ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_EXPIRE_NTF, x, true,
				 true);
		ipsi_sa_reselect(idev);
	}
	spin_unlock_bh(&sad->lock);
}

static struct ipsi_sa *ipsi_sa_newest_in(struct ipsi_sad *sad)
{
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry(sa, &sad->list, list)
		if (!sa->out && ipsi_sa_valid(sa->x))
			return sa;

	return NULL;
}

static bool ipsi_sa_is_pair(const struct ipsi_sa *a, const struct ipsi_sa *b)
{
	return time_in_range(a->joined, b->joined - IPSI_SA_PAIR,
			     b->joined + IPSI_SA_PAIR);
}

/**
 * ipsi_sa_heard - an authentic packet has come
 * @idev: the device
 * @x: its SA. If that is a new one, the peer has installed both of the pair, and
 *   the outbound one need not wait any more.
 *
 * Context: any.
 */
void ipsi_sa_heard(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *in, *sa;

	if (likely(!READ_ONCE(sad->waiting)))
		return;

	spin_lock_bh(&sad->lock);
	in = ipsi_sa_newest_in(sad);
	if (in && in->x == x) {
		list_for_each_entry(sa, &sad->list, list)
			if (sa->out && ipsi_sa_young(sa) &&
			    ipsi_sa_is_pair(sa, in))
				sa->joined -= IPSI_SA_YOUNG;
		ipsi_sa_reselect(idev);
	}
	spin_unlock_bh(&sad->lock);
}

/**
 * ipsi_sa_refresh - drop what died unheard, and settle which SA is in use
 * @idev: the device
 *
 * Context: any; a state's lock may be held.
 */
void ipsi_sa_refresh(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa, *next;

	spin_lock_bh(&sad->lock);
	list_for_each_entry_safe(sa, next, &sad->list, list)
		if (!ipsi_sa_valid(sa->x))
			ipsi_sa_remove(idev, sa);
	ipsi_sa_reselect(idev);
	spin_unlock_bh(&sad->lock);
}

/**
 * ipsi_sa_activate - pin the outbound SA to use
 * @idev: the device
 * @id: the SA; NULL to unpin and use the newest valid one
 *
 * Context: process.
 * Return: 0, -ENOENT if the device has no such valid outbound SA, or -EINVAL if
 *   that is for one CPU.
 */
int ipsi_sa_activate(struct ipsi_dev *idev, const struct ipsi_sa_id *id)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	int err = 0;

	spin_lock_bh(&sad->lock);
	sa = id ? ipsi_sa_find(sad, id) : ipsi_sa_newest(sad, UINT_MAX);
	if (id && (!sa || sa->exhausted)) {
		err = -ENOENT;
	} else if (id && ipsi_xfrm_cpu(sa->x) != UINT_MAX) {
		err = -EINVAL;
	} else if (sad->active != sa || sad->pinned != !!id) {
		sad->active = sa;
		sad->pinned = id;
		ipsi_bundle_reset(idev);
		ipsi_nl_event_activate(idev, sa ? sa->x : NULL, sad->pinned);
		if (sa)
			ipsi_mtu_schedule(idev);
		ipsi_sa_retire(sad);
		ipsi_sa_carrier(idev);
	}
	spin_unlock_bh(&sad->lock);

	return err;
}

/* The outbound SA in use; notices one that died unheard. */
static struct ipsi_sa *ipsi_sa_current(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	if (sad->active && !ipsi_sa_usable(sad->active))
		ipsi_sa_reselect(idev);

	return sad->active;
}

/**
 * ipsi_sa_here - the outbound SA to leave by from this CPU
 * @idev: the device
 *
 * That is one for this CPU alone, if there is one (RFC 9611), unless another
 * was chosen by sa-activate.
 *
 * Context: BH off, @idev's sad.lock is held.
 * Return: the entry, good as long as the lock is held, or NULL.
 */
struct ipsi_sa *ipsi_sa_here(struct ipsi_dev *idev)
{
	struct ipsi_sa *active = ipsi_sa_current(idev);
	struct ipsi_sad *sad = &idev->sad;

	if (active && sad->pinned)
		return active;

	return ipsi_sa_newest(sad, smp_processor_id()) ?: active;
}

/**
 * ipsi_sa_is_here - is a state the outbound SA to leave by from this CPU?
 * @idev: the device
 * @x: the state
 *
 * Context: BH off.
 */
bool ipsi_sa_is_here(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	const struct ipsi_sa *sa;
	bool here;

	spin_lock(&idev->sad.lock);
	sa = ipsi_sa_here(idev);
	here = sa && sa->x == x;
	spin_unlock(&idev->sad.lock);

	return here;
}

/**
 * ipsi_sa_get - find a valid SA of the device
 * @idev: the device
 * @id: the SA
 *
 * Context: any.
 * Return: the state with a reference for the caller, or NULL.
 */
struct xfrm_state *ipsi_sa_get(struct ipsi_dev *idev,
			       const struct ipsi_sa_id *id)
{
	struct ipsi_sad *sad = &idev->sad;
	struct xfrm_state *x = NULL;
	struct ipsi_sa *sa;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_find(sad, id);
	if (sa) {
		x = sa->x;
		xfrm_state_hold(x);
	}
	spin_unlock_bh(&sad->lock);

	return x;
}

/**
 * ipsi_sa_get_batch - read the SAs of the device, some at a time
 * @idev: the device
 * @before: ipsi_sa_ref.seq of the last SA that was read, or U64_MAX to begin
 * @refs: filled in with the next valid SAs, the newest first; the caller puts
 *   the references
 * @max: room in @refs
 * @generation: set to a number that changes when an SA joins or leaves
 *
 * Context: any.
 * Return: how many there are in @refs; less than @max at the end.
 */
unsigned int ipsi_sa_get_batch(struct ipsi_dev *idev, u64 before,
			       struct ipsi_sa_ref *refs, unsigned int max,
			       u32 *generation)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	unsigned int n = 0;

	spin_lock_bh(&sad->lock);
	*generation = sad->generation;
	list_for_each_entry(sa, &sad->list, list) {
		if (sa->seq >= before || !ipsi_sa_valid(sa->x))
			continue;
		if (n == max)
			break;
		xfrm_state_hold(sa->x);
		refs[n].x = sa->x;
		refs[n].seq = sa->seq;
		refs[n++].out = sa->out;
	}
	spin_unlock_bh(&sad->lock);

	return n;
}

/**
 * ipsi_sa_get_active - the outbound SA in use
 * @idev: the device
 * @pinned: set to whether it was chosen by sa-activate
 *
 * Context: any.
 * Return: the state with a reference for the caller, or NULL.
 */
struct xfrm_state *ipsi_sa_get_active(struct ipsi_dev *idev, bool *pinned)
{
	struct ipsi_sad *sad = &idev->sad;
	struct xfrm_state *x = NULL;
	struct ipsi_sa *sa;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_current(idev);
	if (sa) {
		x = sa->x;
		xfrm_state_hold(x);
	}
	*pinned = sad->pinned;
	spin_unlock_bh(&sad->lock);

	return x;
}

/**
 * ipsi_sa_summarize - the SAs of the device at a glance
 * @idev: the device
 * @sum: filled in
 *
 * Context: any.
 */
void ipsi_sa_summarize(struct ipsi_dev *idev, struct ipsi_sa_summary *sum)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	memset(sum, 0, sizeof(*sum));

	spin_lock_bh(&sad->lock);
	list_for_each_entry(sa, &sad->list, list) {
		if (!ipsi_sa_valid(sa->x))
			continue;
		if (sa->out)
			sum->out++;
		else
			sum->in++;
	}
	sa = ipsi_sa_current(idev);
	if (sa) {
		sum->active_spi = sa->x->id.spi;
		sum->active_proto = sa->x->id.proto;
		sum->pinned = sad->pinned;
	}
	spin_unlock_bh(&sad->lock);
}

static void ipsi_sad_settle(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev,
					     sad.settle.work);

	ipsi_sa_refresh(idev);
	ipsi_work_done(idev);
}

/**
 * ipsi_sad_init - start with no SA
 * @sad: SAs of a device that is being made
 */
void ipsi_sad_init(struct ipsi_sad *sad)
{
	spin_lock_init(&sad->lock);
	INIT_LIST_HEAD(&sad->list);
	sad->generation = get_random_u32();
	sad->seq_newest = BIT_ULL(63);
	sad->seq_oldest = BIT_ULL(63);
	INIT_DELAYED_WORK(&sad->settle, ipsi_sad_settle);
}

static int ipsi_sad_load_one(struct xfrm_state *x, int seq, void *data)
{
	struct ipsi_dev *idev = data;

	rcu_read_lock();
	if (x->if_id == rcu_dereference(idev->conf)->if_id)
		ipsi_sa_join(idev, x, false);
	rcu_read_unlock();

	return 0;
}

/**
 * ipsi_sad_load - find the SAs that were there before the device
 * @idev: the device, already in the hash, so that no SA is missed
 *
 * Also settles which one is in use, and the carrier.
 *
 * Context: process.
 */
void ipsi_sad_load(struct ipsi_dev *idev)
{
	struct xfrm_state_walk walk;

	xfrm_state_walk_init(&walk, IPSEC_PROTO_ANY, NULL);
	xfrm_state_walk(idev->net, &walk, ipsi_sad_load_one, idev);
	xfrm_state_walk_done(&walk, idev->net);
	ipsi_sa_refresh(idev);
}

/**
 * ipsi_sad_purge - forget all SAs; they stay in the namespace's SAD
 * @idev: the device, which is going, or for which ipsi_sad_load() is next:
 *   the carrier stays as it is
 *
 * Context: process.
 */
void ipsi_sad_purge(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa, *next;

	spin_lock_bh(&sad->lock);
	list_for_each_entry_safe(sa, next, &sad->list, list)
		ipsi_sa_free(sad, sa);
	ipsi_policy_kill(&sad->policy);
	sad->pinned = false;
	spin_unlock_bh(&sad->lock);

	ipsi_bundle_reset(idev);
}

/**
 * ipsi_sad_fini - undo ipsi_sad_init() and all that came after
 * @idev: the device, which nobody can see any more
 *
 * Context: process.
 */
void ipsi_sad_fini(struct ipsi_dev *idev)
{
	ipsi_sad_purge(idev);
}

/**
 * ipsi_sad_stop - the SAs change by themselves no more
 * @idev: the device, which is being unregistered
 *
 * Context: process.
 */
void ipsi_sad_stop(struct ipsi_dev *idev)
{
	ipsi_work_cancel(idev, &idev->sad.settle);
}
