// SPDX-License-Identifier: GPL-2.0
/*
 * The SAs of a device. An SA belongs to the device whose if_id it carries,
 * whoever made it; km.c tells us of each that comes and goes. The newest
 * valid outbound one is in use unless sa-activate has pinned another.
 *
 * Only pointers are kept here: SAs live in the namespace's SAD, and what
 * dies there is never used again, since the state is checked at each use.
 *
 * After any change the SAs are surveyed once, and the differences announced
 * while the lock is held, in this order:
 *
 *	what has happened to the SA	sa-add, sa-expire, sa-del
 *	another one is in use		sa-activate
 *	the device has keys, or none	carrier
 */
#include <linux/list.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "bundle.h"
#include "carrier.h"
#include "main.h"
#include "mtu.h"
#include "nlmsg.h"
#include "policy.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "sad_flush.h"
#include "ts.h"
#include "wipe.h"
#include "work.h"

/* A key manager that answers to a change of keys may install its outbound SA
 * before the peer, who asked for it, has installed its own. It is kept back for
 * so long, or until the former one is deleted, or until the peer sends by its
 * own (RFC 7296 section 2.8). That is soon enough for a peer that answered, and
 * does not receive by the former one any more once it is told to delete it.
 */
#define IPSI_SA_HOLDOFF	(5 * HZ)

/* What a key manager installs within such a time is one pair. */
#define IPSI_SA_PAIR	HZ

/* struct ipsi_sa of all devices, by their state; read under RCU, entries are
 * written under the ipsi_sad.lock of their device.
 */
static struct rhashtable ipsi_sa_table;

static const struct rhashtable_params ipsi_sa_params = {
	.key_len		= sizeof(struct xfrm_state *),
	.key_offset		= offsetof(struct ipsi_sa, x),
	.head_offset		= offsetof(struct ipsi_sa, by_state),
	.automatic_shrinking	= true,
};

/**
 * ipsi_sa_init - make the table of SAs
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_sa_init(void)
{
	return rhashtable_init(&ipsi_sa_table, &ipsi_sa_params);
}

/**
 * ipsi_sa_exit - undo ipsi_sa_init(), when all devices are gone
 *
 * Context: process.
 */
void ipsi_sa_exit(void)
{
	rhashtable_destroy(&ipsi_sa_table);
}

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
static bool ipsi_sa_in_holdoff(const struct ipsi_sa *sa)
{
	return sa->x->xflags & IPSI_XFLAG_ADOPTED &&
	       time_before(jiffies, sa->joined + IPSI_SA_HOLDOFF);
}

/**
 * struct ipsi_sa_survey - the SAs of a device, each seen once
 * @best: outbound SA for all CPUs that is to be in use, unless one is pinned
 * @holdoff: outbound ones that are young
 * @in: there is an inbound one
 */
struct ipsi_sa_survey {
	struct ipsi_sa *best;
	unsigned int holdoff;
	bool in;
};

/**
 * struct ipsi_sa_choice - candidates, of which the first that is there is best
 * @newest: the newest one
 * @dying: the newest one past its soft lifetime
 * @holdoff: the oldest one in its hold-off period
 */
struct ipsi_sa_choice {
	struct ipsi_sa *newest;
	struct ipsi_sa *dying;
	struct ipsi_sa *holdoff;
};

/* SAs are offered from the newest to the oldest. */
static void ipsi_sa_offer(struct ipsi_sa_choice *choice, struct ipsi_sa *sa)
{
	if (ipsi_sa_in_holdoff(sa))
		choice->holdoff = sa;
	else if (sa->x->km.dying)
		choice->dying = choice->dying ?: sa;
	else
		choice->newest = choice->newest ?: sa;
}

static struct ipsi_sa *ipsi_sa_chosen(const struct ipsi_sa_choice *choice)
{
	return choice->newest ?: choice->dying ?: choice->holdoff;
}

/* The best outbound SA of one CPU */
static struct ipsi_sa *ipsi_sa_best_of_cpu(struct ipsi_sad *sad,
					   unsigned int cpu)
{
	struct ipsi_sa_choice choice = {};
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	if (!sad->n_pcpu)
		return NULL;

	list_for_each_entry(sa, &sad->list, list)
		if (sa->out && ipsi_xfrm_cpu(sa->x) == cpu &&
		    ipsi_sa_usable(sa))
			ipsi_sa_offer(&choice, sa);

	return ipsi_sa_chosen(&choice);
}

static void ipsi_sa_survey(struct ipsi_sad *sad, struct ipsi_sa_survey *survey)
{
	struct ipsi_sa_choice choice = {};
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	memset(survey, 0, sizeof(*survey));
	list_for_each_entry(sa, &sad->list, list) {
		if (!sa->out) {
			survey->in |= ipsi_sa_valid(sa->x);
			continue;
		}
		survey->holdoff += ipsi_sa_in_holdoff(sa);
		if (ipsi_xfrm_cpu(sa->x) == UINT_MAX && ipsi_sa_usable(sa))
			ipsi_sa_offer(&choice, sa);
	}
	survey->best = ipsi_sa_chosen(&choice);
}

static bool ipsi_sa_pin_holds(const struct ipsi_sad *sad)
{
	return sad->pinned && sad->active && ipsi_sa_usable(sad->active);
}

/* Send with an SA from now on, or with none. */
static void ipsi_sa_use(struct ipsi_dev *idev, struct ipsi_sa *sa, bool pinned)
{
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	if (sa == sad->active && pinned == sad->pinned && !sad->orphaned)
		return;

	/* Bundles of the former one go stale. */
	if (sad->active && sa != sad->active)
		ipsi_policy_kill(&sad->active->policy);
	WRITE_ONCE(sad->active, sa);
	sad->pinned = pinned;
	sad->orphaned = false;
	ipsi_bundle_reset(idev);
	ipsi_nl_event_activate(idev, sa ? sa->x : NULL, pinned);
	if (sa)
		ipsi_mtu_schedule(idev);
	else
		ipsi_acquire_reset_limit(idev);
}

/* No packet leaves by the SA of this policy any more: let go of it at once. */
static void ipsi_sa_kill_policy(struct ipsi_dev *idev, struct ipsi_sa *sa)
{
	lockdep_assert_held(&idev->sad.lock);

	if (!sa->policy)
		return;

	ipsi_policy_kill(&sa->policy);
	ipsi_bundle_reset(idev);
}

/* Where CPUs have SAs of their own (RFC 9611), the bundles of all go stale, since
 * each CPU chooses anew. Nobody asks for an SA by a policy of before.
 */
static void ipsi_sa_retire(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	if (sad->n_pcpu)
		list_for_each_entry(sa, &sad->list, list)
			ipsi_sa_kill_policy(idev, sa);
	ipsi_policy_kill(&sad->policy);
}

/* A link needs keys in both directions: the carrier says if it has them. */
static void ipsi_sa_carrier(struct ipsi_dev *idev, bool in)
{
	const struct ipsi_sa *active = idev->sad.active;

	ipsi_carrier_set(idev, in && active &&
			 !xfrm_addr_any(&active->x->id.daddr,
					active->x->props.family));
}

/* Settle which outbound SA is in use and what follows from that, after anything
 * that may change it.
 */
static void ipsi_sa_settle(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa_survey survey;

	lockdep_assert_held(&sad->lock);

	/* A device that is going starts no work any more. */
	if (sad->loading || sad->closed)
		return;

	ipsi_sa_survey(sad, &survey);
	if (!ipsi_sa_pin_holds(sad))
		ipsi_sa_use(idev, survey.best, false);
	ipsi_sa_retire(idev);
	if (sad->active)
		survey.holdoff -= ipsi_sa_in_holdoff(sad->active);
	/* for receivers, who look without the lock */
	WRITE_ONCE(sad->holdoff, survey.holdoff);
	ipsi_sa_carrier(idev, survey.in);
}

static struct ipsi_sa *ipsi_sa_lookup(const struct xfrm_state *x)
{
	return rhashtable_lookup_fast(&ipsi_sa_table, &x, ipsi_sa_params);
}

/* The entry of a state, if it is an SA of the device */
static struct ipsi_sa *ipsi_sa_entry(struct ipsi_dev *idev,
				     const struct xfrm_state *x)
{
	struct ipsi_sa *sa;

	lockdep_assert_held(&idev->sad.lock);

	/* That of another device may be freed. */
	rcu_read_lock();
	sa = ipsi_sa_lookup(x);
	if (sa && sa->idev != idev)
		sa = NULL;
	rcu_read_unlock();

	return sa;
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

/* Count an SA, or do so no more. */
static void ipsi_sa_count(struct ipsi_sad *sad, const struct ipsi_sa *sa,
			  int by)
{
	bool ah = sa->x->id.proto == IPPROTO_AH;

	lockdep_assert_held(&sad->lock);

	sad->generation++;
	WRITE_ONCE(sad->n, sad->n + by);
	WRITE_ONCE(sad->n_proto[ah], sad->n_proto[ah] + by);
	if (sa->out && ipsi_xfrm_cpu(sa->x) != UINT_MAX)
		WRITE_ONCE(sad->n_pcpu, sad->n_pcpu + by);
}

static void ipsi_sa_free(struct ipsi_dev *idev, struct ipsi_sa *sa)
{
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	list_del(&sa->list);
	rhashtable_remove_fast(&ipsi_sa_table, &sa->by_state, ipsi_sa_params);
	ipsi_sa_count(sad, sa, -1);
	ipsi_sa_kill_policy(idev, sa);
	if (sad->active == sa) {
		WRITE_ONCE(sad->active, NULL);
		sad->orphaned = true;
	}
	if (sa->x->km.state == XFRM_STATE_DEAD) {
		ipsi_wipe_later(ipsi_net(idev->net), sa);
		return;
	}
	xfrm_state_put(sa->x);
	kfree_rcu(sa, rcu);
}

/* Let an SA leave; the caller settles which one is in use then. */
static void ipsi_sa_remove(struct ipsi_dev *idev, struct ipsi_sa *sa)
{
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_DEL_NTF, sa->x, sa->out, false);
	ipsi_sa_free(idev, sa);
}

static void ipsi_sa_too_many(const struct ipsi_dev *idev,
			     const struct xfrm_state *x)
{
	if (net_ratelimit())
		netdev_warn(idev->dev,
			    "SA with SPI 0x%08x not used: there are %u already\n",
			    ntohl(x->id.spi), IPSI_SAD_MAX);
}

/* Make the entry of a state that is none of the device yet. */
static struct ipsi_sa *ipsi_sa_make(struct ipsi_dev *idev, struct xfrm_state *x,
				    bool out)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;

	lockdep_assert_held(&sad->lock);

	if (sad->n >= IPSI_SAD_MAX) {
		ipsi_sa_too_many(idev, x);
		return NULL;
	}

	sa = kzalloc(sizeof(*sa), GFP_ATOMIC);
	if (!sa)
		return NULL;

	sa->idev = idev;
	sa->x = x;
	sa->out = out;
	sa->joined = jiffies;
	if (rhashtable_insert_fast(&ipsi_sa_table, &sa->by_state,
				   ipsi_sa_params)) {
		kfree(sa);
		return NULL;
	}
	xfrm_state_hold(x);
	ipsi_sa_count(sad, sa, 1);

	return sa;
}

/* May x join? The configuration is read under the lock, so that none joins by a
 * former one after ipsi_sad_load() has looked.
 */
static bool ipsi_sa_fits(struct ipsi_dev *idev, const struct xfrm_state *x,
			 bool *out)
{
	bool fits;

	lockdep_assert_held(&idev->sad.lock);

	rcu_read_lock();
	fits = !idev->sad.closed && ipsi_sa_valid(x) &&
	       ipsi_sa_direction(rcu_dereference(idev->conf), x, out);
	rcu_read_unlock();

	return fits;
}

/* Settle again when the hold-off period of an SA is over. */
static void ipsi_sa_settle_later(struct ipsi_dev *idev,
				 const struct ipsi_sa *sa)
{
	if (sa->out && sa != idev->sad.active && ipsi_sa_in_holdoff(sa) &&
	    !idev->sad.closed)
		ipsi_work_mod_delayed(idev, &idev->sad.settle,
				      IPSI_SA_HOLDOFF + 1);
}

/* No state joins a device that ipsi_sad_flush() may have passed already. */
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
 *   between the endpoints of the device, or not valid, does not join. One that
 *   has joined already has been updated. If the device is being unregistered,
 *   the state ends with it.
 *
 * Context: any; @x's lock is not held. RCU read side, or with a reference to
 *   the device.
 */
void ipsi_sa_attach(struct ipsi_dev *idev, struct xfrm_state *x)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	bool out;

	if (ipsi_sa_too_late(idev, x))
		return;

	spin_lock_bh(&sad->lock);
	if (!ipsi_sa_fits(idev, x, &out))
		goto out;
	sa = ipsi_sa_entry(idev, x);
	if (!sa) {
		sa = ipsi_sa_make(idev, x, out);
		if (!sa)
			goto out;
		sa->seq = sad->seq_newest++;
		list_add(&sa->list, &sad->list);
	}
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_ADD_NTF, x, out, false);
	ipsi_sa_settle(idev);
	ipsi_sa_settle_later(idev, sa);
out:
	spin_unlock_bh(&sad->lock);
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
	sa = ipsi_sa_entry(idev, x);
	if (sa) {
		ipsi_sa_remove(idev, sa);
		ipsi_sa_settle(idev);
	}
	spin_unlock_bh(&sad->lock);
}

/**
 * ipsi_sa_detach_others - let an SA leave the device that it was of
 * @x: the state, whose if_id may have been another
 * @idev: the device that has its if_id now, where it stays; or NULL
 *
 * Context: any.
 */
void ipsi_sa_detach_others(struct xfrm_state *x, const struct ipsi_dev *idev)
{
	struct ipsi_dev *other = NULL;
	struct ipsi_sa *sa;

	/* A device is freed a grace period after the last of its SAs has left. */
	rcu_read_lock();
	sa = ipsi_sa_lookup(x);
	if (sa)
		other = sa->idev;
	if (other && other != idev)
		ipsi_sa_detach(other, x);
	rcu_read_unlock();
}

/**
 * ipsi_sa_is_any - is a state an SA of any device?
 * @x: the state
 *
 * Context: any.
 * Return: true if it is.
 */
bool ipsi_sa_is_any(const struct xfrm_state *x)
{
	bool is;

	rcu_read_lock();
	is = ipsi_sa_lookup(x);
	rcu_read_unlock();

	return is;
}

/* Let the entry of one state be that of another. */
static bool ipsi_sa_rekey_entry(struct ipsi_sa *sa, struct xfrm_state *x)
{
	rhashtable_remove_fast(&ipsi_sa_table, &sa->by_state, ipsi_sa_params);
	/* Readers may follow the entry from one chain into another; they notice,
	 * and start again.
	 */
	WRITE_ONCE(sa->x, x);

	return !rhashtable_insert_fast(&ipsi_sa_table, &sa->by_state,
				       ipsi_sa_params);
}

/* Let @new be the SA that @old was. */
static void ipsi_sa_swap_entry(struct ipsi_dev *idev, struct ipsi_sa *sa,
			       struct xfrm_state *new)
{
	struct xfrm_state *old = sa->x;
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	ipsi_sa_kill_policy(idev, sa);
	if (!ipsi_sa_rekey_entry(sa, new)) {
		/* not in the table any more */
		WRITE_ONCE(sa->x, old);
		ipsi_sa_remove(idev, sa);
		return;
	}
	sad->generation++;
	xfrm_state_hold(new);
	xfrm_state_put(old);
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_ADD_NTF, new, sa->out, false);
	if (sa == sad->active) {
		ipsi_bundle_reset(idev);
		ipsi_mtu_schedule(idev);
	}
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
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	bool out;

	if (ipsi_sa_too_late(idev, new))
		return;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(idev, old);
	if (sa) {
		if (ipsi_sa_fits(idev, new, &out) && out == sa->out)
			ipsi_sa_swap_entry(idev, sa, new);
		else
			ipsi_sa_remove(idev, sa);
		ipsi_sa_settle(idev);
	}
	spin_unlock_bh(&sad->lock);

	if (!sa)
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
	sa = ipsi_sa_entry(idev, x);
	if (sa) {
		ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_EXPIRE_NTF, x,
				 sa->out, hard);
		if (hard)
			ipsi_sa_remove(idev, sa);
		ipsi_sa_settle(idev);
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
	sa = ipsi_sa_entry(idev, x);
	if (sa && sa->out && !sa->exhausted) {
		sa->exhausted = true;
		ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_EXPIRE_NTF, x, true,
				 true);
		ipsi_sa_settle(idev);
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
 * ipsi_sa_rx_confirm - an authentic packet has come
 * @idev: the device
 * @x: its SA. If that is a new one, the peer has installed both of the pair, and
 *   the outbound one need not wait any more.
 *
 * Context: any.
 */
void ipsi_sa_rx_confirm(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *in, *sa;

	if (likely(!READ_ONCE(sad->holdoff)))
		return;

	spin_lock_bh(&sad->lock);
	in = ipsi_sa_newest_in(sad);
	if (in && in->x == x) {
		list_for_each_entry(sa, &sad->list, list)
			if (sa->out && ipsi_sa_in_holdoff(sa) &&
			    ipsi_sa_is_pair(sa, in))
				sa->joined -= IPSI_SA_HOLDOFF;
		ipsi_sa_settle(idev);
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
	ipsi_sa_settle(idev);
	spin_unlock_bh(&sad->lock);
}

/* The next to be chosen is announced, though it may be the same. */
static void ipsi_sa_unpin(struct ipsi_sad *sad)
{
	lockdep_assert_held(&sad->lock);

	sad->orphaned |= sad->pinned;
	sad->pinned = false;
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
	sa = id ? ipsi_sa_find(sad, id) : NULL;
	if (id && (!sa || sa->exhausted)) {
		err = -ENOENT;
	} else if (id && ipsi_xfrm_cpu(sa->x) != UINT_MAX) {
		err = -EINVAL;
	} else {
		if (id)
			ipsi_sa_use(idev, sa, true);
		else
			ipsi_sa_unpin(sad);
		ipsi_sa_settle(idev);
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
		ipsi_sa_settle(idev);

	return sad->active;
}

/**
 * ipsi_sa_tx_find - the outbound SA to leave by from this CPU
 * @idev: the device
 *
 * That is one for this CPU alone, if there is one (RFC 9611), unless another
 * was chosen by sa-activate.
 *
 * Context: BH off, @idev's sad.lock is held.
 * Return: the entry, good as long as the lock is held, or NULL.
 */
struct ipsi_sa *ipsi_sa_tx_find(struct ipsi_dev *idev)
{
	struct ipsi_sa *active = ipsi_sa_current(idev);
	struct ipsi_sad *sad = &idev->sad;

	if (active && sad->pinned)
		return active;

	return ipsi_sa_best_of_cpu(sad, smp_processor_id()) ?: active;
}

/**
 * ipsi_sa_is_tx - is a state the outbound SA to leave by from this CPU?
 * @idev: the device
 * @x: the state
 *
 * Context: BH off.
 */
bool ipsi_sa_is_tx(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	const struct ipsi_sa *sa;
	bool is;

	spin_lock(&idev->sad.lock);
	sa = ipsi_sa_tx_find(idev);
	is = sa && sa->x == x;
	spin_unlock(&idev->sad.lock);

	return is;
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
	INIT_DELAYED_WORK(&sad->settle, ipsi_sad_settle);
	sad->generation = get_random_u32();
	sad->seq_newest = BIT_ULL(63);
	sad->seq_oldest = BIT_ULL(63);
}

/* The SAD is read from its newest state to its oldest. */
static bool ipsi_sad_load_one(struct xfrm_state *x, void *data)
{
	struct ipsi_dev *idev = data;
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	bool room = true;
	bool out;

	if (x->if_id != idev->if_id)
		return true;

	spin_lock_bh(&sad->lock);
	/* An update may have taken it from another device just now: the hook,
	 * which follows, lets it join.
	 */
	if (!ipsi_sa_fits(idev, x, &out) || ipsi_sa_is_any(x))
		goto out;
	sa = ipsi_sa_make(idev, x, out);
	if (!sa) {
		room = sad->n < IPSI_SAD_MAX;
		goto out;
	}
	/* It was there long ago. */
	sa->joined -= IPSI_SA_HOLDOFF;
	sa->seq = --sad->seq_oldest;
	list_add_tail(&sa->list, &sad->list);
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_ADD_NTF, x, out, false);
out:
	spin_unlock_bh(&sad->lock);

	return room;
}

/* Let all SAs leave that are not between the endpoints any more. */
static void ipsi_sad_prune(struct ipsi_dev *idev)
{
	struct ipsi_sa *sa, *next;
	bool out;

	lockdep_assert_held(&idev->sad.lock);

	list_for_each_entry_safe(sa, next, &idev->sad.list, list)
		if (!ipsi_sa_fits(idev, sa->x, &out) || out != sa->out)
			ipsi_sa_remove(idev, sa);
}

/**
 * ipsi_sad_load - find the SAs of a device that is new or has other endpoints
 * @idev: the device, already in the hash, so that no SA is missed
 *
 * SAs that stay are not announced again. Which one is in use, and the carrier,
 * is settled at the end.
 *
 * Context: process.
 */
void ipsi_sad_load(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;

	spin_lock_bh(&sad->lock);
	sad->loading++;
	ipsi_sad_prune(idev);
	spin_unlock_bh(&sad->lock);

	ipsi_sad_walk(idev->net, IPSEC_PROTO_ANY, ipsi_sad_load_one, idev);

	spin_lock_bh(&sad->lock);
	sad->loading--;
	ipsi_sa_settle(idev);
	spin_unlock_bh(&sad->lock);

	ipsi_acquire_reset_limit(idev);
	ipsi_bundle_reset(idev);
}

/**
 * ipsi_sad_purge - forget all SAs; they stay in the namespace's SAD
 * @idev: the device; its carrier stays as it is
 *
 * Context: process.
 */
void ipsi_sad_purge(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa, *next;

	spin_lock_bh(&sad->lock);
	list_for_each_entry_safe(sa, next, &sad->list, list)
		ipsi_sa_free(idev, sa);
	ipsi_policy_kill(&sad->policy);
	sad->pinned = false;
	spin_unlock_bh(&sad->lock);

	ipsi_bundle_reset(idev);
}

/**
 * ipsi_sad_close - forget all SAs, and let none join any more
 * @idev: the device, which is going: a grace period passes before it is freed
 *
 * Context: process.
 */
void ipsi_sad_close(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;

	spin_lock_bh(&sad->lock);
	sad->closed = true;
	spin_unlock_bh(&sad->lock);

	ipsi_sad_purge(idev);
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
