// SPDX-License-Identifier: GPL-2.0
/*
 * Policies of key managers. The core does not apply them to packets of a
 * device, but the device checks packets against their selectors (ts.c).
 *
 * Each device refers to the set of policies with its if_id, and to the set of
 * policies without if_id whose template has its endpoints. Devices share sets,
 * and each policy is in a set once. The key-manager hook adds and removes
 * policies. The SPD is read only for a set that is new, or whose policies have
 * changed without a notification. A work item does so in slices, with no other
 * locks than those of the SPD and of this file.
 *
 * Otherwise each new link of a hub would read the policies of all others. So
 * policies that no set takes are noted, by the hash of the key of the set that
 * would take them. A new set without such a note is empty, and complete.
 *
 * The number of policies is limited, since anybody can fill an SPD. No packet
 * matches a set that is not complete.
 */
#include <linux/jhash.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/xfrm.h>

#include "net.h"
#include "spd.h"
#include "ts.h"
#include "work.h"

/* Limit of policies in all sets of a namespace */
#define IPSI_SPD_MAX	(4 * IPSEC_IPIP_POLICIES_MAX)

/* Number of policies per slice, after which the lock of the SPD is released */
#define IPSI_SPD_SLICE	64

/* Minimum time before a set is read again that was too large, or for which
 * there was no memory
 */
#define IPSI_SPD_RETRY	HZ

/* Delay of reading after a migration, which usually comes with others */
#define IPSI_SPD_MIGRATE_DELAY	(HZ / 10)

static struct ipsi_spd *ipsi_spd(const struct net *net)
{
	return &ipsi_net(net)->spd;
}

static u32 ipsi_spd_hash(const struct ipsi_spd *spd,
			 const struct ipsi_spd_key *key)
{
	return jhash(key, sizeof(*key), spd->seed);
}

static struct hlist_head *ipsi_spd_sets(struct ipsi_spd *spd,
					const struct ipsi_spd_key *key)
{
	return &spd->sets[ipsi_spd_hash(spd, key) % ARRAY_SIZE(spd->sets)];
}

/* Return the bit of a key in ipsi_spd.unclaimed. */
static unsigned int ipsi_spd_bit(const struct ipsi_spd *spd,
				 const struct ipsi_spd_key *key)
{
	return ipsi_spd_hash(spd, key) >> (32 - IPSI_UNLISTED_BITS);
}

/* Note that there may be policies for a key that has no set. */
static void ipsi_spd_note(struct ipsi_spd *spd, const struct ipsi_spd_key *key)
{
	__set_bit(ipsi_spd_bit(spd, key), spd->unclaimed);
}

/* May there be policies for a key that has no set? */
static bool ipsi_spd_noted(const struct ipsi_spd *spd,
			   const struct ipsi_spd_key *key)
{
	return !spd->notes_valid ||
	       test_bit(ipsi_spd_bit(spd, key), spd->unclaimed);
}

static struct hlist_head *ipsi_spd_entries(struct ipsi_spd *spd, u32 index)
{
	u32 hash = jhash_1word(index, spd->seed);

	return &spd->entries[hash % ARRAY_SIZE(spd->entries)];
}

static struct ipsi_spd_set *ipsi_spd_find(struct ipsi_spd *spd,
					  const struct ipsi_spd_key *key)
{
	struct ipsi_spd_set *set;

	hlist_for_each_entry(set, ipsi_spd_sets(spd, key), node)
		if (!memcmp(&set->key, key, sizeof(*key)))
			return set;

	return NULL;
}

static void ipsi_spd_schedule(struct ipsi_spd *spd, unsigned long delay)
{
	ipsi_work_queue_urgent(&spd->work, delay);
}

/* Read incomplete sets again, since there may be room now. */
static void ipsi_spd_retry(struct ipsi_spd *spd)
{
	if (!list_empty(&spd->stale))
		ipsi_spd_schedule(spd, IPSI_SPD_RETRY);
}

/* Mark a set to be read again. Until then packets are still checked against it,
 * but it triggers no acquires.
 */
static void ipsi_spd_mark(struct ipsi_spd *spd, struct ipsi_spd_set *set)
{
	WRITE_ONCE(set->stale, true);
	list_move_tail(&set->list, &spd->stale);
}

static void ipsi_spd_remove(struct ipsi_spd *spd, struct ipsi_spd_entry *entry)
{
	hlist_del_rcu(&entry->node);
	hlist_del(&entry->by_index);
	entry->set->n--;
	spd->n--;
	kfree_rcu(entry, rcu);
}

static bool ipsi_spd_has_room(const struct ipsi_spd *spd,
			      const struct ipsi_spd_set *set)
{
	return set->n < IPSEC_IPIP_POLICIES_MAX && spd->n < IPSI_SPD_MAX;
}

static void ipsi_spd_log_later(struct ipsi_spd *spd, struct ipsi_spd_set *set)
{
	set->log_pending = true;
	ipsi_work_queue_urgent_now(&spd->log_work);
}

/* Note that a policy has no entry, so the set is not complete. */
static void ipsi_spd_miss(struct ipsi_spd *spd, struct ipsi_spd_set *set)
{
	set->missed = true;
	if (!set->over) {
		WRITE_ONCE(set->over, true);
		ipsi_spd_log_later(spd, set);
	}
	if (!set->stale)
		ipsi_spd_mark(spd, set);
	/* With room in the set, there was no memory: retry. */
	if (ipsi_spd_has_room(spd, set))
		ipsi_spd_retry(spd);
}

/* Add a policy to a set; @tmpl is the template that counts for the set. */
static void ipsi_spd_add(struct ipsi_spd *spd, struct ipsi_spd_set *set,
			 const struct xfrm_policy *xp,
			 const struct xfrm_tmpl *tmpl, bool out, bool trap)
{
	struct hlist_head *entries = ipsi_spd_entries(spd, xp->index);
	struct ipsi_spd_entry *entry;

	hlist_for_each_entry(entry, entries, by_index)
		if (entry->xp == xp && entry->set == set &&
		    entry->index == xp->index && entry->reqid == tmpl->reqid) {
			entry->pass = spd->pass;
			return;
		}

	if (ipsi_spd_has_room(spd, set))
		entry = kzalloc(sizeof(*entry), GFP_ATOMIC | __GFP_NOWARN);
	if (!entry) {
		ipsi_spd_miss(spd, set);
		return;
	}

	entry->sel = xp->selector;
	entry->reqid = tmpl->reqid;
	entry->priority = xp->priority;
	entry->out = out;
	entry->trap = trap;
	entry->set = set;
	entry->xp = xp;
	entry->index = xp->index;
	entry->pass = spd->pass;
	if (ipsi_ts_has_ports(&entry->sel)) {
		set->ports = entry->reqid;
		ipsi_spd_log_later(spd, set);
	}
	set->n++;
	spd->n++;
	hlist_add_head(&entry->by_index, entries);
	hlist_add_head_rcu(&entry->node,
			   &set->buckets[ipsi_spd_bucket(entry->reqid, out)]);
}

/* Does a template require an SA that a device can adopt? */
static bool ipsi_spd_is_tunnel(const struct xfrm_tmpl *tmpl)
{
	return tmpl->mode == XFRM_MODE_TUNNEL && tmpl->id.proto == IPPROTO_ESP;
}

/* Is this a trap, a policy that waits for a packet and names no endpoints?
 * pluto (libreswan) installs such policies.
 */
static bool ipsi_spd_is_trap(const struct xfrm_policy *xp)
{
	const struct xfrm_tmpl *tmpl = &xp->xfrm_vec[0];

	return xp->xfrm_nr == 1 && tmpl->mode == XFRM_MODE_TRANSPORT &&
	       tmpl->id.proto == IPPROTO_ESP &&
	       xfrm_addr_any(&tmpl->id.daddr, tmpl->encap_family) &&
	       xfrm_addr_any(&tmpl->saddr, tmpl->encap_family);
}

static void ipsi_spd_key_ends(struct ipsi_spd_key *key, u16 family,
			      const xfrm_address_t *local,
			      const xfrm_address_t *remote)
{
	memset(key, 0, sizeof(*key));
	key->family = family;
	if (family == AF_INET) {
		key->local.a4 = local->a4;
		key->remote.a4 = remote->a4;
	} else {
		key->local = *local;
		key->remote = *remote;
	}
}

static void ipsi_spd_key_template(struct ipsi_spd_key *key,
				  const struct xfrm_tmpl *tmpl, bool out)
{
	ipsi_spd_key_ends(key, tmpl->encap_family,
			  out ? &tmpl->saddr : &tmpl->id.daddr,
			  out ? &tmpl->id.daddr : &tmpl->saddr);
}

/* Is this the first template for its endpoints or if_id? It counts. */
static bool ipsi_spd_is_first(const struct xfrm_policy *xp, int i, bool out)
{
	struct ipsi_spd_key key, earlier;
	int j;

	ipsi_spd_key_template(&key, &xp->xfrm_vec[i], out);
	for (j = 0; j < i; j++) {
		if (!ipsi_spd_is_tunnel(&xp->xfrm_vec[j]))
			continue;
		ipsi_spd_key_template(&earlier, &xp->xfrm_vec[j], out);
		if (xp->if_id || !memcmp(&key, &earlier, sizeof(key)))
			return false;
	}

	return true;
}

static void ipsi_spd_add_trap(struct ipsi_spd *spd,
			      const struct xfrm_policy *xp)
{
	struct ipsi_spd_key key = { .if_id = xp->if_id };
	struct ipsi_spd_set *set = ipsi_spd_find(spd, &key);

	if (set)
		ipsi_spd_add(spd, set, xp, &xp->xfrm_vec[0], true, true);
	else
		ipsi_spd_note(spd, &key);
}

static void ipsi_spd_add_template(struct ipsi_spd *spd,
				  const struct xfrm_policy *xp, int i, bool out)
{
	const struct xfrm_tmpl *tmpl = &xp->xfrm_vec[i];
	struct ipsi_spd_key key = { .if_id = xp->if_id };
	struct ipsi_spd_set *set;

	if (!ipsi_spd_is_tunnel(tmpl) || !ipsi_spd_is_first(xp, i, out))
		return;

	if (!xp->if_id)
		ipsi_spd_key_template(&key, tmpl, out);
	set = ipsi_spd_find(spd, &key);
	if (set)
		ipsi_spd_add(spd, set, xp, tmpl, out, false);
	else
		ipsi_spd_note(spd, &key);
}

/* Add a policy to its sets. Forward policies are ignored, since a forwarded
 * packet has passed an inbound one. Offloaded policies are ignored, since they
 * are deleted without a notification, and see no packets of a device.
 */
static void ipsi_spd_add_policy(struct ipsi_spd *spd,
				const struct xfrm_policy *xp, int dir)
{
	bool out = dir == XFRM_POLICY_OUT;
	int i;

	if ((!out && dir != XFRM_POLICY_IN) ||
	    xp->type != XFRM_POLICY_TYPE_MAIN ||
	    xp->action != XFRM_POLICY_ALLOW || ipsi_xfrm_policy_offloaded(xp))
		return;

	if (out && ipsi_spd_is_trap(xp)) {
		ipsi_spd_add_trap(spd, xp);
		return;
	}
	for (i = 0; i < xp->xfrm_nr; i++)
		ipsi_spd_add_template(spd, xp, i, out);
}

/* Update the sets after a policy was added, changed or deleted. A policy that
 * has replaced another one has got its index, and there is no notification of
 * the old one: so remove all other entries with this index.
 */
static void ipsi_spd_learn(struct ipsi_spd *spd, const struct xfrm_policy *xp,
			   int dir)
{
	struct ipsi_spd_entry *entry;
	struct hlist_node *next;
	/* A deletion sets it before the hook is called. */
	bool dead = READ_ONCE(xp->walk.dead);
	bool same;

	/* Add first, so that readers always find an entry. */
	if (!dead)
		ipsi_spd_add_policy(spd, xp, dir);
	hlist_for_each_entry_safe(entry, next,
				  ipsi_spd_entries(spd, xp->index), by_index) {
		same = entry->xp == xp;
		if (entry->index == xp->index && same == dead)
			ipsi_spd_remove(spd, entry);
	}
}

/**
 * ipsi_spd_notify - handle the addition, change or deletion of a policy
 * @net: underlay namespace
 * @xp: the policy
 * @dir: its direction
 *
 * Context: any; @xp's lock may be held.
 */
void ipsi_spd_notify(struct net *net, const struct xfrm_policy *xp, int dir)
{
	struct ipsi_spd *spd = ipsi_spd(net);

	/* Without sets nothing has to be updated; a new set reads the SPD. */
	if (!READ_ONCE(spd->n_sets))
		return;

	spin_lock_bh(&spd->lock);
	ipsi_spd_learn(spd, xp, dir);
	ipsi_spd_retry(spd);
	spin_unlock_bh(&spd->lock);
}

/**
 * ipsi_spd_flushed - handle a flush of the SPD
 * @net: underlay namespace
 *
 * Context: the namespace's xfrm_cfg_mutex held, so that no policy is added
 *   meanwhile.
 */
void ipsi_spd_flushed(struct net *net)
{
	struct ipsi_spd *spd = ipsi_spd(net);
	struct ipsi_spd_entry *entry;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spd->entries); i++) {
		spin_lock_bh(&spd->lock);
		hlist_for_each_entry_safe(entry, next, &spd->entries[i],
					  by_index)
			ipsi_spd_remove(spd, entry);
		ipsi_spd_retry(spd);
		spin_unlock_bh(&spd->lock);
	}
}

/**
 * ipsi_spd_migrated - handle a change of the endpoints of templates
 * @net: underlay namespace
 * @out: the policies are outbound
 * @m: old and new endpoints
 *
 * The hook does not get the policies, so their sets have to be read again.
 *
 * Context: any.
 */
void ipsi_spd_migrated(struct net *net, bool out, const struct xfrm_migrate *m)
{
	struct ipsi_spd *spd = ipsi_spd(net);
	struct ipsi_spd_key keys[2];
	struct ipsi_spd_set *set;
	unsigned int i;

	if (!READ_ONCE(spd->n_sets))
		return;

	ipsi_spd_key_ends(&keys[0], m->old_family,
			  out ? &m->old_saddr : &m->old_daddr,
			  out ? &m->old_daddr : &m->old_saddr);
	ipsi_spd_key_ends(&keys[1], m->new_family,
			  out ? &m->new_saddr : &m->new_daddr,
			  out ? &m->new_daddr : &m->new_saddr);
	spin_lock_bh(&spd->lock);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		set = ipsi_spd_find(spd, &keys[i]);
		if (!set) {
			ipsi_spd_note(spd, &keys[i]);
			continue;
		}
		ipsi_spd_mark(spd, set);
		ipsi_spd_schedule(spd, IPSI_SPD_MIGRATE_DELAY);
	}
	spin_unlock_bh(&spd->lock);
}

/**
 * struct ipsi_spd_walk - one slice of a walk over the SPD
 * @spd: the sets to update
 * @left: remaining policies of the slice
 */
struct ipsi_spd_walk {
	struct ipsi_spd *spd;
	unsigned int left;
};

/* Called with the SPD's lock held: the hook is called for a deletion only after
 * that. A return value other than 0 stops the walk; the next slice continues
 * with the same policy.
 */
static int ipsi_spd_walk_one(struct xfrm_policy *xp, int dir, int seq,
			     void *data)
{
	struct ipsi_spd_walk *walk = data;

	if (!walk->left)
		return 1;
	walk->left--;

	spin_lock(&walk->spd->lock);
	ipsi_spd_learn(walk->spd, xp, dir);
	spin_unlock(&walk->spd->lock);

	return 0;
}

/* Walk over all types, since policies of skipped types would not count for a
 * slice.
 */
static void ipsi_spd_read(struct ipsi_spd *spd)
{
	struct ipsi_spd_walk data = { .spd = spd };
	struct xfrm_policy_walk walk;
	int again;

	xfrm_policy_walk_init(&walk, XFRM_POLICY_TYPE_ANY);
	do {
		data.left = IPSI_SPD_SLICE;
		again = xfrm_policy_walk(spd->net, &walk, ipsi_spd_walk_one,
					 &data);
		cond_resched();
	} while (again > 0);
	xfrm_policy_walk_done(&walk, spd->net);
}

/* Move all stale sets to the list of sets that are being read. The pass notes
 * all policies again that no set takes.
 */
static bool ipsi_spd_begin(struct ipsi_spd *spd)
{
	struct ipsi_spd_set *set;
	bool any;

	spin_lock_bh(&spd->lock);
	any = !list_empty(&spd->stale);
	spd->pass++;
	if (any) {
		bitmap_zero(spd->unclaimed, 1 << IPSI_UNLISTED_BITS);
		spd->notes_valid = false;
		spd->missed_changes = false;
	}
	list_for_each_entry(set, &spd->stale, list)
		set->missed = false;
	list_splice_tail_init(&spd->stale, &spd->reading);
	spin_unlock_bh(&spd->lock);

	return any;
}

/* Remove entries that the pass has not found. */
static void ipsi_spd_sweep(struct ipsi_spd *spd, struct ipsi_spd_set *set)
{
	struct ipsi_spd_entry *entry;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(set->buckets); i++)
		hlist_for_each_entry_safe(entry, next, &set->buckets[i], node)
			if (entry->pass != spd->pass)
				ipsi_spd_remove(spd, entry);
}

/* Finish one set after the pass. If it is still too large, it is read again
 * after a policy was deleted.
 */
static bool ipsi_spd_end_one(struct ipsi_spd *spd)
{
	struct ipsi_spd_set *set;

	spin_lock_bh(&spd->lock);
	set = list_first_entry_or_null(&spd->reading, struct ipsi_spd_set,
				       list);
	if (set) {
		ipsi_spd_sweep(spd, set);
		list_move(&set->list, set->missed ? &spd->stale : &spd->idle);
		WRITE_ONCE(set->stale, set->missed);
		WRITE_ONCE(set->over, set->missed);
		WRITE_ONCE(set->read, true);
		/* The sweep has made room, or there was no memory. */
		if (set->missed && ipsi_spd_has_room(spd, set))
			ipsi_spd_retry(spd);
	}
	spin_unlock_bh(&spd->lock);

	return set;
}

/* A log message about a set */
struct ipsi_spd_report {
	u32 if_id;
	u32 ports;
	bool over;
};

static bool ipsi_spd_take_report(struct ipsi_spd *spd, struct hlist_head *sets,
				 struct ipsi_spd_report *report)
{
	struct ipsi_spd_set *set;
	bool found = false;

	spin_lock_bh(&spd->lock);
	hlist_for_each_entry(set, sets, node) {
		if (!set->log_pending || !set->binding)
			continue;
		report->if_id = set->key.if_id;
		report->ports = set->ports;
		report->over = set->over;
		set->ports = 0;
		set->log_pending = false;
		found = true;
		break;
	}
	spin_unlock_bh(&spd->lock);

	return found;
}

static void ipsi_spd_log_report(const struct ipsi_spd_report *report)
{
	char of[sizeof("if_id 4294967295: ")] = "";

	if (report->if_id)
		snprintf(of, sizeof(of), "if_id %u: ", report->if_id);
	if (report->ports)
		pr_warn_ratelimited("ipsec-ipip: %spolicy with ports for reqid %u: no packet matches it\n",
				    of, report->ports);
	if (report->over)
		pr_warn_ratelimited("ipsec-ipip: %stoo many policies: no packet passes\n",
				    of);
}

/* Log without the lock, since a console may be a network device. */
static void ipsi_spd_log_work(struct work_struct *work)
{
	struct ipsi_spd *spd = container_of(work, struct ipsi_spd, log_work);
	struct ipsi_spd_report report;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spd->sets); i++)
		while (ipsi_spd_take_report(spd, &spd->sets[i], &report))
			ipsi_spd_log_report(&report);
}

/* The notes are complete, unless the hook has ignored policies meanwhile. */
static void ipsi_spd_trust_notes(struct ipsi_spd *spd)
{
	spin_lock_bh(&spd->lock);
	spd->notes_valid = !spd->missed_changes;
	spin_unlock_bh(&spd->lock);
}

static void ipsi_spd_work(struct work_struct *work)
{
	struct ipsi_spd *spd = container_of(work, struct ipsi_spd, work.work);

	if (!ipsi_spd_begin(spd))
		return;

	ipsi_spd_read(spd);
	ipsi_spd_trust_notes(spd);
	while (ipsi_spd_end_one(spd))
		cond_resched();
}

/* Add a set. Read its policies, if there may be any. */
static void ipsi_spd_insert(struct ipsi_spd *spd, struct ipsi_spd_set *set)
{
	hlist_add_head(&set->node, ipsi_spd_sets(spd, &set->key));
	WRITE_ONCE(spd->n_sets, spd->n_sets + 1);
	if (!ipsi_spd_noted(spd, &set->key)) {
		set->read = true;
		list_add_tail(&set->list, &spd->idle);
		return;
	}

	set->stale = true;
	list_add_tail(&set->list, &spd->stale);
	ipsi_spd_schedule(spd, 0);
}

/* Get the set of a key, or create it; NULL if out of memory. */
static struct ipsi_spd_set *ipsi_spd_get(struct ipsi_spd *spd,
					 const struct ipsi_spd_key *key,
					 bool binding)
{
	struct ipsi_spd_set *set, *new;

	new = kzalloc(sizeof(*new), GFP_KERNEL);
	if (!new)
		return NULL;
	new->key = *key;

	spin_lock_bh(&spd->lock);
	set = ipsi_spd_find(spd, key);
	if (!set) {
		set = new;
		new = NULL;
		ipsi_spd_insert(spd, set);
	}
	set->users++;
	set->binding |= binding;
	spin_unlock_bh(&spd->lock);
	kfree(new);

	return set;
}

static void ipsi_spd_free(struct ipsi_spd *spd, struct ipsi_spd_set *set)
{
	struct ipsi_spd_entry *entry;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(set->buckets); i++) {
		spin_lock_bh(&spd->lock);
		hlist_for_each_entry_safe(entry, next, &set->buckets[i], node)
			ipsi_spd_remove(spd, entry);
		ipsi_spd_retry(spd);
		spin_unlock_bh(&spd->lock);
	}
	kfree_rcu(set, rcu);
}

static void ipsi_spd_put(struct ipsi_spd *spd, struct ipsi_spd_set *set)
{
	bool last;

	spin_lock_bh(&spd->lock);
	last = !--set->users;
	if (last) {
		/* From here on no policy is added. */
		hlist_del(&set->node);
		list_del(&set->list);
		WRITE_ONCE(spd->n_sets, spd->n_sets - 1);
		if (set->n || set->stale || !set->read)
			ipsi_spd_note(spd, &set->key);
		/* Without sets, the hook does nothing. */
		if (!spd->n_sets) {
			spd->notes_valid = false;
			spd->missed_changes = true;
		}
	}
	spin_unlock_bh(&spd->lock);

	if (last)
		ipsi_spd_free(spd, set);
}

/* Change a reference of a device. The RTNL is held, or the device has no users,
 * so there is only one writer. Without memory for a set the pointer is NULL,
 * and no packet passes.
 */
static void ipsi_spd_refer(struct ipsi_dev *idev, enum ipsi_spd_which which,
			   const struct ipsi_spd_key *key, bool binding)
{
	struct ipsi_spd_set *old, *new = NULL;
	struct ipsi_spd *spd = ipsi_spd(idev->net);

	if (key)
		new = ipsi_spd_get(spd, key, binding);
	old = rcu_replace_pointer(idev->policies[which], new, true);
	if (old)
		ipsi_spd_put(spd, old);
}

/**
 * ipsi_spd_update - update the references of a device to sets of policies
 * @idev: a device that is new, or whose configuration has changed
 *
 * Context: RTNL.
 */
void ipsi_spd_update(struct ipsi_dev *idev)
{
	const struct ipsi_conf *conf = rtnl_dereference(idev->conf);
	bool adopts = conf->keying != IPSEC_IPIP_KEYING_MANUAL;
	bool ends = conf->keying == IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS;
	struct ipsi_spd_key key = { .if_id = conf->if_id };
	static const struct ipsi_spd_key none;

	ipsi_spd_refer(idev, IPSI_SPD_NAMED, adopts ? &key : NULL, true);
	ipsi_spd_key_ends(&key, conf->family, &conf->local, &conf->remote);
	ipsi_spd_refer(idev, IPSI_SPD_ENDS, &key, ends);
	ipsi_spd_refer(idev, IPSI_SPD_TRAPS, ends ? &none : NULL, true);
}

/**
 * ipsi_spd_fini - undo ipsi_spd_update()
 * @idev: the device, which has no users any more
 *
 * Context: process.
 */
void ipsi_spd_fini(struct ipsi_dev *idev)
{
	enum ipsi_spd_which which;

	for (which = 0; which < IPSI_SPD_WHICH; which++)
		ipsi_spd_refer(idev, which, NULL, false);
}

/**
 * ipsi_spd_net_init - start without sets
 * @net: a namespace
 */
void ipsi_spd_net_init(struct net *net)
{
	struct ipsi_spd *spd = ipsi_spd(net);

	spd->net = net;
	spin_lock_init(&spd->lock);
	INIT_LIST_HEAD(&spd->idle);
	INIT_LIST_HEAD(&spd->stale);
	INIT_LIST_HEAD(&spd->reading);
	spd->seed = get_random_u32();
	INIT_DELAYED_WORK(&spd->work, ipsi_spd_work);
	INIT_WORK(&spd->log_work, ipsi_spd_log_work);
}

/**
 * ipsi_spd_net_exit - undo ipsi_spd_net_init()
 * @net: the namespace; it has neither devices nor sets any more, so the hook
 *   does nothing
 *
 * Context: process.
 */
void ipsi_spd_net_exit(struct net *net)
{
	struct ipsi_spd *spd = ipsi_spd(net);

	cancel_delayed_work_sync(&spd->work);
	cancel_work_sync(&spd->log_work);
}
