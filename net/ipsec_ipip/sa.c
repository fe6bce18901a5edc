// SPDX-License-Identifier: GPL-2.0
/*
 * The SAs of a device. An SA belongs to the device with its if_id, no matter
 * which program has added it; km.c reports additions and deletions. The newest
 * valid outbound SA is in use unless sa-activate has pinned another one.
 *
 * The list has only pointers to states in the namespace's SAD. A state is
 * checked at each use, so a dead one is never used.
 *
 * After any change the SAs are surveyed once, and the differences are announced
 * under the lock, in this order:
 *
 *	an SA has changed		sa-add, sa-expire, sa-del
 *	another SA is in use		sa-activate
 *	the device has keys, or none	carrier
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/xfrm.h>

#include "acquire.h"
#include "cache.h"
#include "carrier.h"
#include "conf.h"
#include "event.h"
#include "mtu.h"
#include "net.h"
#include "policy.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "ts.h"
#include "unlisted.h"
#include "wipe.h"
#include "work.h"

/* Hold-off period of a new outbound SA, in jiffies. The responder of a rekey
 * may install its outbound SA before the initiator has installed the inbound SA
 * of the pair. So a new SA is used only after this time, or when the old one is
 * deleted, or when the peer sends with the new pair (RFC 7296 section 2.8). An
 * initiator deletes the old SA, so it switches before the peer stops receiving
 * with that.
 */
#define IPSI_SA_HOLDOFF	(5 * HZ)

/* Time until the SAD is read again for states that found no room or no memory,
 * in jiffies
 */
#define IPSI_SA_RETRY		HZ

/* Maximum time between the installation of the two SAs of a pair, in jiffies */
#define IPSI_SA_PAIR	HZ

/* struct ipsi_sa of all devices by their state; read under RCU, written under
 * the ipsi_sad.lock of the device.
 */
static struct rhashtable ipsi_sa_table;

static const struct rhashtable_params ipsi_sa_params = {
	.key_len		= sizeof(struct xfrm_state *),
	.key_offset		= offsetof(struct ipsi_sa, x),
	.head_offset		= offsetof(struct ipsi_sa, by_state),
	.automatic_shrinking	= true,
};

/**
 * ipsi_sa_init - create the table of SAs
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int ipsi_sa_init(void)
{
	return rhashtable_init(&ipsi_sa_table, &ipsi_sa_params);
}

/**
 * ipsi_sa_exit - undo ipsi_sa_init(), after all devices are gone
 *
 * Context: process.
 */
void ipsi_sa_exit(void)
{
	rhashtable_destroy(&ipsi_sa_table);
}

/* Set @out to the direction of x. Return the reason why the device cannot use
 * it, or -1. An outbound SA must be in transport mode; an inbound one may be in
 * tunnel mode too, which is the same on the wire. Packet offload would need a
 * policy in the hardware.
 */
static int ipsi_sa_misfit(const struct ipsi_conf *conf,
			  const struct xfrm_state *x, bool *out)
{
	if (x->id.proto != IPPROTO_ESP && x->id.proto != IPPROTO_AH)
		return IPSEC_IPIP_REFUSAL_PROTOCOL;
	if (!ipsi_sa_valid(x) || !x->id.spi)
		return IPSEC_IPIP_REFUSAL_INVALID;
	if (!ipsi_sa_authenticates(x))
		return IPSEC_IPIP_REFUSAL_INTEGRITY;
	if (!ipsi_ts_usable(x))
		return IPSEC_IPIP_REFUSAL_SELECTOR;
	if (!ipsi_conf_direction(conf, x, out))
		return IPSEC_IPIP_REFUSAL_ADDRESS;
	if (x->props.mode != XFRM_MODE_TRANSPORT &&
	    (*out || x->props.mode != XFRM_MODE_TUNNEL))
		return IPSEC_IPIP_REFUSAL_MODE;
	if (*out && ipsi_xfrm_packet_offloaded(x))
		return IPSEC_IPIP_REFUSAL_OFFLOAD;

	return -1;
}

static bool ipsi_sa_usable(const struct ipsi_sa *sa)
{
	return ipsi_sa_valid(sa->x) && !sa->exhausted;
}

/* Return the rest of the hold-off period of an SA, in jiffies; 0 if it is over.
 * Only an SA of a key manager has one.
 */
static unsigned long ipsi_sa_holdoff(const struct ipsi_sa *sa)
{
	unsigned long age = ipsi_age(sa->joined);

	if (!(sa->x->xflags & IPSI_XFLAG_ADOPTED) || age >= IPSI_SA_HOLDOFF)
		return 0;

	return IPSI_SA_HOLDOFF - age;
}

static bool ipsi_sa_in_holdoff(const struct ipsi_sa *sa)
{
	return ipsi_sa_holdoff(sa);
}

/**
 * struct ipsi_sa_survey - result of a walk over the SAs of a device
 * @best: outbound SA for all CPUs to use, unless another one is pinned
 * @holdoff: number of outbound SAs in their hold-off period
 * @wait: time until the first of them leaves it, in jiffies
 * @in: state of the newest valid inbound SA, or NULL
 */
struct ipsi_sa_survey {
	struct ipsi_sa *best;
	unsigned int holdoff;
	unsigned long wait;
	const struct xfrm_state *in;
};

/**
 * struct ipsi_sa_choice - candidates, in the order of preference
 * @newest: the newest SA that is neither of the following
 * @dying: the newest SA past its soft lifetime
 * @holdoff: the oldest SA in its hold-off period
 */
struct ipsi_sa_choice {
	struct ipsi_sa *newest;
	struct ipsi_sa *dying;
	struct ipsi_sa *holdoff;
};

/* Called for each SA, from the newest to the oldest. */
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

/* Find the best per-CPU SA of a CPU. */
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
			if (!survey->in && ipsi_sa_valid(sa->x))
				survey->in = sa->x;
			continue;
		}
		survey->holdoff += ipsi_sa_in_holdoff(sa);
		survey->wait = min_not_zero(survey->wait, ipsi_sa_holdoff(sa));
		if (ipsi_xfrm_cpu(sa->x) == UINT_MAX && ipsi_sa_usable(sa))
			ipsi_sa_offer(&choice, sa);
	}
	survey->best = ipsi_sa_chosen(&choice);
}

/* Is the state of an SA about to be replaced by its clone? It may be dead
 * already, but its entry stays.
 */
static bool ipsi_sa_is_swapped(const struct ipsi_sad *sad,
			       const struct ipsi_sa *sa)
{
	lockdep_assert_held(&sad->lock);

	return sa->x == sad->swapped;
}

static bool ipsi_sa_pin_holds(const struct ipsi_sad *sad)
{
	return sad->pinned && sad->active &&
	       (ipsi_sa_usable(sad->active) ||
		ipsi_sa_is_swapped(sad, sad->active));
}

/* Change the outbound SA in use; @sa is NULL for none. */
static void ipsi_sa_use(struct ipsi_dev *idev, struct ipsi_sa *sa, bool pinned)
{
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	if (sa == sad->active && pinned == sad->pinned && !sad->orphaned)
		return;

	/* This makes the bundles of the old SA stale. */
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

/* Kill the policy of an SA, and drop its bundles at once. */
static void ipsi_sa_kill_policy(struct ipsi_dev *idev, struct ipsi_sa *sa)
{
	lockdep_assert_held(&idev->sad.lock);

	if (!sa->policy)
		return;

	ipsi_policy_kill(&sa->policy);
	ipsi_bundle_reset(idev);
}

/* Kill policies whose choice may have changed: with per-CPU SAs (RFC 9611)
 * those of all SAs, so that each CPU selects its SA again; and the one that
 * triggers acquires.
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

/* The carrier is on with keys in both directions and a known peer. */
static void ipsi_sa_carrier(struct ipsi_dev *idev, bool in)
{
	const struct ipsi_sa *active = idev->sad.active;

	ipsi_carrier_set(idev, in && active &&
			 !xfrm_addr_any(&active->x->id.daddr,
					active->x->props.family));
}

/* Select the outbound SA in use and update everything that depends on it.
 * Called after each change of the SAs.
 */
static void ipsi_sa_settle(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa_survey survey;

	lockdep_assert_held(&sad->lock);

	/* A closed device must not schedule work. */
	if (sad->loading || sad->closed)
		return;

	ipsi_sa_survey(sad, &survey);
	if (!ipsi_sa_pin_holds(sad))
		ipsi_sa_use(idev, survey.best, false);
	ipsi_sa_retire(idev);
	if (sad->active)
		survey.holdoff -= ipsi_sa_in_holdoff(sad->active);
	if (survey.holdoff)
		ipsi_work_queue_delayed(idev, &sad->settle, survey.wait + 1);
	/* The receive path reads both without the lock. */
	WRITE_ONCE(sad->holdoff, survey.holdoff);
	WRITE_ONCE(sad->newest_in, survey.in);
	ipsi_sa_carrier(idev, survey.in);
}

static struct ipsi_sa *ipsi_sa_lookup(const struct xfrm_state *x)
{
	return rhashtable_lookup_fast(&ipsi_sa_table, &x, ipsi_sa_params);
}

/* Find the entry of a state if it is an SA of the device, or NULL. */
static struct ipsi_sa *ipsi_sa_entry(struct ipsi_dev *idev,
				     const struct xfrm_state *x)
{
	struct ipsi_sa *sa;

	lockdep_assert_held(&idev->sad.lock);

	/* An entry of another device may be freed meanwhile. */
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

/* Add @by, which is 1 or -1, to the counters of an SA. */
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

/* Read the SAD again soon, no matter what happens until then. A closed device
 * must not schedule work.
 */
static void ipsi_sad_reload_later(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	if (sad->closed || sad->reload)
		return;

	sad->reload = true;
	ipsi_work_mod_delayed(idev, &sad->settle, IPSI_SA_RETRY);
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
	/* There is room now. */
	if (sad->missed)
		ipsi_sad_reload_later(idev);
	if (sa->x->km.state != XFRM_STATE_DEAD)
		ipsi_unlisted_note(idev->net, sa->x->if_id);
	/* One that lives on must not take the place of a dead one there. */
	if (ipsi_sa_usable(sa)) {
		xfrm_state_put(sa->x);
		kfree_rcu(sa, rcu);
	} else {
		ipsi_wipe_later(ipsi_net(idev->net), sa);
	}
}

/* Announce and remove an SA; the caller calls ipsi_sa_settle(). */
static void ipsi_sa_remove(struct ipsi_dev *idev, struct ipsi_sa *sa)
{
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_DEL_NTF, sa->x, sa->out, false);
	ipsi_sa_free(idev, sa);
}

/* Remove an SA whose state may have a clone that is not reported, or is none of
 * the device: a migration replaces states without a notification.
 */
static void ipsi_sa_remove_silent(struct ipsi_dev *idev, struct ipsi_sa *sa)
{
	ipsi_unlisted_note(idev->net, idev->if_id);
	ipsi_sa_remove(idev, sa);
}

static void ipsi_sa_no_memory(struct ipsi_dev *idev)
{
	idev->sad.missed = true;
	ipsi_sad_reload_later(idev);
}

/* The state joins when another SA has left. Meanwhile the device receives with
 * it, but does not send.
 */
static void ipsi_sa_too_many(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	idev->sad.missed = true;
	WRITE_ONCE(idev->sad.log_spi, x->id.spi);
}

/* Log a state that found no room. No lock is held, since a console may send its
 * messages by the device.
 */
static void ipsi_sad_log(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	__be32 spi;

	if (likely(!READ_ONCE(sad->log_spi)))
		return;

	spin_lock_bh(&sad->lock);
	spi = sad->log_spi;
	WRITE_ONCE(sad->log_spi, 0);
	spin_unlock_bh(&sad->lock);

	if (spi && net_ratelimit())
		netdev_warn(idev->dev,
			    "SA with SPI 0x%08x not used: limit of %u SAs reached\n",
			    ntohl(spi), IPSI_SAD_MAX);
}

/* Create the entry of a state that is not an SA of the device yet. */
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
	if (!sa) {
		ipsi_sa_no_memory(idev);
		return NULL;
	}

	sa->idev = idev;
	sa->x = x;
	sa->out = out;
	sa->joined = jiffies;
	if (rhashtable_insert_fast(&ipsi_sa_table, &sa->by_state,
				   ipsi_sa_params)) {
		kfree(sa);
		ipsi_sa_no_memory(idev);
		return NULL;
	}
	xfrm_state_hold(x);
	ipsi_sa_count(sad, sa, 1);

	return sa;
}

/**
 * ipsi_sad_has_room - check if a device has room for another SA
 * @idev: the device. If it has no room, it reads the SAD again when an SA has
 *   left.
 *
 * Context: any; the namespace's xfrm_state_lock may be held.
 * Return: true if it has.
 */
bool ipsi_sad_has_room(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	bool room;

	if (!ipsi_sad_full(idev))
		return true;

	spin_lock_bh(&sad->lock);
	room = sad->n < IPSI_SAD_MAX;
	sad->missed |= !room;
	spin_unlock_bh(&sad->lock);

	return room;
}

/* May x join? The configuration is read under the lock, so that no state joins
 * by an old one after ipsi_sad_load() has checked the list.
 */
static bool ipsi_sa_fits(struct ipsi_dev *idev, const struct xfrm_state *x,
			 bool *out)
{
	bool fits;

	lockdep_assert_held(&idev->sad.lock);

	rcu_read_lock();
	fits = !idev->sad.closed &&
	       ipsi_sa_misfit(rcu_dereference(idev->conf), x, out) < 0;
	rcu_read_unlock();

	return fits;
}

/* End a state that ipsi_sad_flush() may have missed. */
static bool ipsi_sa_too_late(const struct ipsi_dev *idev, struct xfrm_state *x)
{
	if (!ipsi_dev_goes(idev))
		return false;

	ipsi_sad_end(x);
	return true;
}

/**
 * ipsi_sa_attach - add an SA to a device, or announce its update
 * @idev: the device, whose if_id @x carries
 * @x: the state; the device takes its own reference
 *
 * A state that is not valid or not between the endpoints of the device is not
 * added. If the device is being unregistered, the state is deleted.
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
	spin_unlock_bh(&sad->lock);
	return;
out:
	ipsi_unlisted_note(idev->net, idev->if_id);
	spin_unlock_bh(&sad->lock);
	ipsi_sad_log(idev);
}

/**
 * ipsi_sa_detach - remove an SA from a device
 * @idev: the device
 * @x: the state, which is dead or about to be; not necessarily of the device
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
 * ipsi_sa_detach_others - remove an SA from its old device
 * @x: the state, whose if_id may have changed
 * @idev: the device with its current if_id, from which it is not removed; or
 *   NULL
 *
 * Context: any.
 */
void ipsi_sa_detach_others(struct xfrm_state *x, const struct ipsi_dev *idev)
{
	struct ipsi_dev *other = NULL;
	struct ipsi_sa *sa;

	/* A device is freed a grace period after its last SA is removed. */
	rcu_read_lock();
	sa = ipsi_sa_lookup(x);
	if (sa)
		other = sa->idev;
	if (other && other != idev)
		ipsi_sa_detach(other, x);
	rcu_read_unlock();
}

/**
 * ipsi_sa_is_any - check if a state is an SA of any device
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

/* Return the reason why a state is no SA of the device. */
static int ipsi_sa_unlisted_why(struct ipsi_dev *idev,
				const struct xfrm_state *x)
{
	const struct ipsi_conf *conf;
	int refusal;
	bool out;

	rcu_read_lock();
	conf = rcu_dereference(idev->conf);
	refusal = x->if_id != conf->if_id ? IPSEC_IPIP_REFUSAL_IF_ID :
					    ipsi_sa_misfit(conf, x, &out);
	rcu_read_unlock();
	if (refusal >= 0)
		return refusal;

	return ipsi_sad_full(idev) ? IPSEC_IPIP_REFUSAL_LIMIT :
				     IPSEC_IPIP_REFUSAL_PENDING;
}

/**
 * ipsi_sa_refusal - find the reason why a device does not use a state
 * @idev: the device
 * @x: a state in the namespace of its underlay
 * @listed: set to true if the state is an SA of the device
 *
 * Context: any.
 * Return: enum ipsec_ipip_refusal, or -1 if the device uses it, or would use it
 *   if there were no better one.
 */
int ipsi_sa_refusal(struct ipsi_dev *idev, const struct xfrm_state *x,
		    bool *listed)
{
	struct ipsi_sad *sad = &idev->sad;
	const struct ipsi_sa *sa;
	bool exhausted;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(idev, x);
	*listed = sa;
	exhausted = sa && sa->exhausted;
	spin_unlock_bh(&sad->lock);
	if (!*listed)
		return ipsi_sa_unlisted_why(idev, x);

	return exhausted ? IPSEC_IPIP_REFUSAL_EXHAUSTED : -1;
}

/**
 * ipsi_sa_note_unlisted - note a state that is no SA of a device
 * @x: the state; of any kind
 *
 * Context: any.
 */
void ipsi_sa_note_unlisted(struct xfrm_state *x)
{
	if (x->if_id && !ipsi_sa_is_any(x))
		ipsi_unlisted_note(xs_net(x), x->if_id);
}

/* Change the state of an entry. */
static bool ipsi_sa_rekey_entry(struct ipsi_sa *sa, struct xfrm_state *x)
{
	rhashtable_remove_fast(&ipsi_sa_table, &sa->by_state, ipsi_sa_params);
	/* Readers that follow the entry into another chain notice that and
	 * restart.
	 */
	WRITE_ONCE(sa->x, x);

	return !rhashtable_insert_fast(&ipsi_sa_table, &sa->by_state,
				       ipsi_sa_params);
}

/* Replace the state of an SA by @new. */
static void ipsi_sa_swap_entry(struct ipsi_dev *idev, struct ipsi_sa *sa,
			       struct xfrm_state *new)
{
	struct xfrm_state *old = sa->x;
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	ipsi_sa_kill_policy(idev, sa);
	if (!ipsi_sa_rekey_entry(sa, new)) {
		/* The entry is not in the table any more. */
		WRITE_ONCE(sa->x, old);
		ipsi_sa_remove_silent(idev, sa);
		ipsi_sa_no_memory(idev);
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

/* List a clone in the place of the original, which is not necessarily an SA of
 * the device. RCU read side.
 */
static void ipsi_sa_swap_listed(struct ipsi_dev *idev, struct xfrm_state *old,
				struct xfrm_state *new)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa, *twin;
	bool out;

	if (ipsi_sa_too_late(idev, new))
		return;

	spin_lock_bh(&sad->lock);
	sa = ipsi_sa_entry(idev, old);
	if (sa) {
		/* ipsi_sad_load() needs no mutex and may have found the clone. */
		twin = ipsi_sa_entry(idev, new);
		if (twin)
			ipsi_sa_remove_silent(idev, twin);
		if (ipsi_sa_fits(idev, new, &out) && out == sa->out)
			ipsi_sa_swap_entry(idev, sa, new);
		else
			ipsi_sa_remove_silent(idev, sa);
		ipsi_sa_settle(idev);
	}
	spin_unlock_bh(&sad->lock);

	if (!sa)
		ipsi_sa_attach(idev, new);
}

static void ipsi_sa_set_swapped(struct ipsi_dev *idev,
				const struct xfrm_state *x)
{
	spin_lock_bh(&idev->sad.lock);
	idev->sad.swapped = x;
	spin_unlock_bh(&idev->sad.lock);
}

/**
 * ipsi_sa_swap - replace a state by its clone, in the SAD and in a device
 * @idev: the device, whose if_id @new carries
 * @old: the original; not necessarily of the device
 * @new: the clone of ipsi_sa_clone(); consumed. It keeps the place of @old in
 *   the list of the device, and is in use or pinned if @old was.
 *
 * Context: process, the namespace's xfrm_cfg_mutex held.
 * Return: 0, or an errno of ipsi_sa_replace(); the device then still lists @old
 *   if it did.
 */
int ipsi_sa_swap(struct ipsi_dev *idev, struct xfrm_state *old,
		 struct xfrm_state *new)
{
	int err;

	ipsi_sa_set_swapped(idev, old);
	err = ipsi_sa_replace(old, new);
	if (!err) {
		rcu_read_lock();
		ipsi_sa_swap_listed(idev, old, new);
		rcu_read_unlock();
		xfrm_state_put(new);
	}
	ipsi_sa_set_swapped(idev, NULL);

	return err;
}

/**
 * ipsi_sa_expired - handle the expiry of an SA
 * @idev: the device
 * @x: the state; not necessarily of the device
 * @hard: the state is dead; else other SAs are preferred from now on
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
		if (hard) {
			/* XFRM_MSG_EXPIRE deletes the state only after this. */
			sa->exhausted = true;
			ipsi_sa_remove(idev, sa);
		}
		ipsi_sa_settle(idev);
	}
	spin_unlock_bh(&sad->lock);
}

/**
 * ipsi_sa_exhausted - stop using an outbound SA without sequence numbers
 * @idev: the device
 * @x: the state; not necessarily of the device
 *
 * The state stays in the SAD, where its owner can inspect it, but is not used
 * any more (RFC 4303 section 3.3.3).
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
 * ipsi_sa_rx_confirm - end a hold-off period by a received packet
 * @idev: the device
 * @x: inbound SA of an authentic packet. If it is the newest one, the peer has
 *   installed both SAs of the pair, so the outbound SA can be used.
 *
 * Context: any.
 */
void ipsi_sa_rx_confirm(struct ipsi_dev *idev, const struct xfrm_state *x)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *in, *sa;

	/* Until the peer has switched, it sends with an older SA. */
	if (likely(!READ_ONCE(sad->holdoff)) || READ_ONCE(sad->newest_in) != x)
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
 * ipsi_sa_refresh - remove SAs that have died without a notification
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
		if (!ipsi_sa_valid(sa->x) && !ipsi_sa_is_swapped(sad, sa))
			ipsi_sa_remove_silent(idev, sa);
	ipsi_sa_settle(idev);
	spin_unlock_bh(&sad->lock);
}

/**
 * ipsi_sad_net_flushed - refresh all devices after a flush of SAs
 * @net: the namespace
 * @proto: IPPROTO_ESP or another, or 0 for all
 *
 * Context: RCU read side.
 */
void ipsi_sad_net_flushed(const struct net *net, u8 proto)
{
	struct ipsi_dev *idev;

	for (idev = ipsi_net_next(net, NULL); idev;
	     idev = ipsi_net_next(net, idev))
		if (ipsi_sad_has_proto(idev, proto))
			ipsi_sa_refresh(idev);
}

/**
 * ipsi_sad_net_moved - refresh the devices whose SAs were moved
 * @net: the namespace
 * @family: family of the addresses
 * @a: old address of the SAs at one end
 * @b: old address at the other end
 *
 * Context: RCU read side.
 */
void ipsi_sad_net_moved(const struct net *net, u16 family,
			const xfrm_address_t *a, const xfrm_address_t *b)
{
	const struct ipsi_conf *conf;
	struct ipsi_dev *idev;

	for (idev = ipsi_net_next(net, NULL); idev;
	     idev = ipsi_net_next(net, idev)) {
		conf = rcu_dereference(idev->conf);
		if (conf->family == family &&
		    (ipsi_conf_between(conf, a, b) ||
		     ipsi_conf_between(conf, b, a)))
			ipsi_sa_refresh(idev);
	}
}

/* Unpin the active SA. The next choice is announced in any case. */
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
 *   it is a per-CPU SA.
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

/* Return the outbound SA in use. Select another one if it has died without a
 * notification.
 */
static struct ipsi_sa *ipsi_sa_current(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;

	lockdep_assert_held(&sad->lock);

	if (sad->active && !ipsi_sa_usable(sad->active))
		ipsi_sa_settle(idev);

	return sad->active;
}

/* Find the outbound SA for this CPU: a pinned SA comes first, then the per-CPU
 * SA of this CPU (RFC 9611), then the SA in use.
 */
static struct ipsi_sa *ipsi_sa_tx_find(struct ipsi_dev *idev)
{
	struct ipsi_sa *active = ipsi_sa_current(idev);
	struct ipsi_sad *sad = &idev->sad;

	if (active && sad->pinned)
		return active;

	return ipsi_sa_best_of_cpu(sad, smp_processor_id()) ?: active;
}

/**
 * ipsi_sa_is_tx - check if a state is the outbound SA for this CPU
 * @idev: the device
 * @x: the state
 *
 * Context: BH off.
 * Return: true if ipsi_sa_policy_get() sets its SA to it.
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
 * ipsi_sa_policy_get - get the private policy of the outbound SA for this CPU
 * @idev: the device
 * @conf: its configuration
 * @key: the SA that a key manager makes if there is none; or NULL
 * @x: set to the SA with a reference for the caller, or to NULL if there is
 *   none; the policy then triggers an acquire
 *
 * Context: BH off, RCU read side.
 * Return: the policy with a reference for the caller; NULL if out of memory, or
 *   with neither SA nor @key.
 */
struct xfrm_policy *ipsi_sa_policy_get(struct ipsi_dev *idev,
				       const struct ipsi_conf *conf,
				       const struct ipsi_acq_key *key,
				       struct xfrm_state **x)
{
	struct xfrm_policy *xp = NULL;
	struct ipsi_sa *sa;

	spin_lock(&idev->sad.lock);
	sa = ipsi_sa_tx_find(idev);
	*x = sa ? sa->x : NULL;
	if (sa)
		xp = ipsi_policy_get(&sa->policy, idev->net, conf, *x, NULL);
	else if (key)
		xp = ipsi_policy_get(&idev->sad.policy, idev->net, conf, NULL,
				     key);
	if (xp && *x)
		xfrm_state_hold(*x);
	spin_unlock(&idev->sad.lock);

	return xp;
}

/**
 * ipsi_sa_get - get a valid SA of the device
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
 * ipsi_sa_get_batch - get the next SAs of the device
 * @idev: the device
 * @before: ipsi_sa_ref.seq of the last SA of the previous batch, or U64_MAX to
 *   begin
 * @refs: filled in with the next valid SAs, the newest first; the caller puts
 *   the states
 * @max: size of @refs
 * @generation: set to ipsi_sad.generation
 *
 * Context: any.
 * Return: number of SAs in @refs; less than @max at the end.
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
 * ipsi_sa_get_active - get the outbound SA in use
 * @idev: the device
 * @pinned: set to true if the SA was chosen by sa-activate, else to false
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
 * ipsi_sa_summarize - summarize the SAs of the device
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

/**
 * struct ipsi_sad_loader - a walk that loads the SAs of a device
 * @idev: the device
 * @forgotten: unlisted states have to be noted again, those of all if_ids
 */
struct ipsi_sad_loader {
	struct ipsi_dev *idev;
	bool forgotten;
};

/* For ipsi_sad_walk(), which walks from the newest state to the oldest. */
static enum ipsi_sad_step ipsi_sad_load_one(struct xfrm_state *x, void *data)
{
	const struct ipsi_sad_loader *loader = data;
	struct ipsi_dev *idev = loader->idev;
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa;
	bool room = true;
	bool out;

	if (x->if_id != idev->if_id) {
		if (!loader->forgotten)
			return IPSI_SAD_NEXT;
		goto note;
	}

	spin_lock_bh(&sad->lock);
	/* A state may still be an SA of another device if its if_id has just
	 * been updated. The notification of that follows and adds it.
	 */
	if (!ipsi_sa_fits(idev, x, &out) || ipsi_sa_is_any(x))
		goto out;
	sa = ipsi_sa_make(idev, x, out);
	if (!sa) {
		room = sad->n < IPSI_SAD_MAX;
		goto out;
	}
	/* An SA that is older than the device has no hold-off period. */
	sa->joined -= IPSI_SA_HOLDOFF;
	sa->seq = --sad->seq_oldest;
	list_add_tail(&sa->list, &sad->list);
	ipsi_nl_event_sa(idev, IPSEC_IPIP_CMD_SA_ADD_NTF, x, out, false);
out:
	spin_unlock_bh(&sad->lock);
note:
	ipsi_sa_note_unlisted(x);
	if (room)
		return IPSI_SAD_NEXT;

	/* The walk ends before the other states. */
	ipsi_unlisted_note_all(idev->net);
	return IPSI_SAD_STOP;
}

/* Remove all SAs that are not between the endpoints any more. */
static void ipsi_sad_prune(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;
	struct ipsi_sa *sa, *next;
	bool out;

	lockdep_assert_held(&sad->lock);

	list_for_each_entry_safe(sa, next, &sad->list, list)
		if (!ipsi_sa_is_swapped(sad, sa) &&
		    (!ipsi_sa_fits(idev, sa->x, &out) || out != sa->out))
			ipsi_sa_remove_silent(idev, sa);
}

static void ipsi_sad_load_walk(struct ipsi_dev *idev, bool forgotten)
{
	struct ipsi_sad_loader loader = {
		.idev = idev,
		.forgotten = forgotten,
	};
	const struct ipsi_sad_walk walk = {
		.one = ipsi_sad_load_one,
		.data = &loader,
	};
	struct ipsi_sad *sad = &idev->sad;

	spin_lock_bh(&sad->lock);
	sad->loading++;
	ipsi_sad_prune(idev);
	spin_unlock_bh(&sad->lock);

	ipsi_sad_walk(idev->net, IPSEC_PROTO_ANY, &walk);

	spin_lock_bh(&sad->lock);
	sad->loading--;
	ipsi_sa_settle(idev);
	spin_unlock_bh(&sad->lock);

	ipsi_sad_log(idev);
	ipsi_acquire_reset_limit(idev);
	ipsi_bundle_reset(idev);
}

/**
 * ipsi_sad_load - load the SAs of a device that is new or has other endpoints
 * @idev: the device; it is already in the table of devices, so that no SA is
 *   missed
 *
 * SAs that stay are not announced again. The SA in use and the carrier are
 * settled at the end.
 *
 * Context: process.
 */
void ipsi_sad_load(struct ipsi_dev *idev)
{
	ipsi_sad_load_walk(idev, false);
}

/**
 * ipsi_sad_load_new - load the SAs of a new device
 * @idev: the device; it is already in the table of devices
 *
 * Context: RTNL.
 */
void ipsi_sad_load_new(struct ipsi_dev *idev)
{
	struct mutex *cfg_mutex = &idev->net->xfrm.xfrm_cfg_mutex;
	bool locked;

	if (!ipsi_unlisted_any(idev->net, idev->if_id))
		return;

	/* Without the mutex, the search may miss states that are being cloned
	 * (sad_flush.c), so the notes stay.
	 */
	locked = mutex_trylock(cfg_mutex);
	if (locked)
		ipsi_unlisted_forget(idev->net);
	ipsi_sad_load_walk(idev, locked);
	if (locked)
		mutex_unlock(cfg_mutex);
}

static bool ipsi_sad_take_reload(struct ipsi_sad *sad)
{
	bool reload;

	spin_lock_bh(&sad->lock);
	reload = sad->reload;
	if (reload)
		sad->missed = false;
	sad->reload = false;
	spin_unlock_bh(&sad->lock);

	return reload;
}

/* A state that is being replaced by its clone must not join as well: all code that
 * replaces states holds the xfrm_cfg_mutex.
 */
static void ipsi_sad_load_missed(struct ipsi_dev *idev)
{
	struct mutex *cfg_mutex = &idev->net->xfrm.xfrm_cfg_mutex;

	if (mutex_trylock(cfg_mutex)) {
		ipsi_sad_load(idev);
		mutex_unlock(cfg_mutex);
		ipsi_work_rescan(idev->net);
		return;
	}

	spin_lock_bh(&idev->sad.lock);
	ipsi_sa_no_memory(idev);
	spin_unlock_bh(&idev->sad.lock);
}

static void ipsi_sad_settle(struct work_struct *work)
{
	struct ipsi_dev *idev = container_of(work, struct ipsi_dev,
					     sad.settle.work);

	if (ipsi_sad_take_reload(&idev->sad))
		ipsi_sad_load_missed(idev);
	else
		ipsi_sa_refresh(idev);
	ipsi_work_done(idev);
}

/**
 * ipsi_sad_init - start without SAs
 * @sad: SAs of a device that is being created
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

/**
 * ipsi_sad_fini - remove all SAs from a device, but not from the SAD
 * @idev: the device; its carrier does not change
 *
 * Context: process.
 */
void ipsi_sad_fini(struct ipsi_dev *idev)
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
 * ipsi_sad_close - remove all SAs, and add none any more
 * @idev: the device; a grace period passes before it is freed
 *
 * Context: process.
 */
void ipsi_sad_close(struct ipsi_dev *idev)
{
	struct ipsi_sad *sad = &idev->sad;

	spin_lock_bh(&sad->lock);
	sad->closed = true;
	spin_unlock_bh(&sad->lock);

	ipsi_sad_fini(idev);
	/* Nothing schedules it for a closed device. */
	ipsi_work_cancel(idev, &sad->settle);
}
