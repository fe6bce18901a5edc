// SPDX-License-Identifier: GPL-2.0
/*
 * Moves adopted SAs when a key manager sends XFRM_MSG_MIGRATE, because its own
 * address or the peer's has changed (MOBIKE, RFC 4555).
 *
 * The core looks for SAs in tunnel mode, so it finds and moves the inbound one.
 * The outbound one is in transport mode since its adoption and is moved here.
 * The device then follows its SAs if it roams (peer.c).
 */
#include <linux/list.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/xfrm.h>

#include "migrate.h"
#include "net.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "work.h"

/**
 * struct ipsi_migration - a request to move SAs
 * @list: entry in ipsi_migrations.list
 * @out: the SAs are outbound
 * @old_daddr: old destination address
 * @old_saddr: old source address
 * @new_daddr: new destination address
 * @new_saddr: new source address
 * @reqid: reqid of the SAs, 0 for any
 * @family: family of the old addresses
 * @new_family: family of the new ones
 * @encap: new UDP ports; the type is 0 if they do not change
 */
struct ipsi_migration {
	struct list_head list;
	xfrm_address_t old_daddr;
	xfrm_address_t old_saddr;
	xfrm_address_t new_daddr;
	xfrm_address_t new_saddr;
	u32 reqid;
	u16 family;
	u16 new_family;
	bool out;
	struct xfrm_encap_tmpl encap;
};

/* Limits of noted migrations per namespace, and of SAs per search of the SAD */
#define IPSI_MIGRATE_NOTES	1024
#define IPSI_MIGRATE_MAX	256

/* Is x an SA that the core does not find? */
static bool ipsi_migrate_is_ours(const struct xfrm_state *x, const void *data)
{
	return x->xflags & IPSI_XFLAG_ADOPTED &&
	       x->props.mode == XFRM_MODE_TRANSPORT && ipsi_sa_valid(x);
}

static bool ipsi_migrate_wants(const struct xfrm_state *x, const void *data)
{
	const struct ipsi_migration *mig = data;

	return ipsi_migrate_is_ours(x, NULL) &&
	       x->props.family == mig->family &&
	       (!mig->reqid || x->props.reqid == mig->reqid) &&
	       xfrm_addr_equal(&x->id.daddr, &mig->old_daddr, mig->family) &&
	       xfrm_addr_equal(&x->props.saddr, &mig->old_saddr, mig->family);
}

/* A device has endpoints of one family, so its SAs keep that. */
static struct xfrm_state *
ipsi_migrate_clone(struct xfrm_state *x, const struct ipsi_migration *mig)
{
	struct ipsi_sa_change change;

	if (mig->new_family != mig->family)
		return ERR_PTR(-EAFNOSUPPORT);

	ipsi_sa_change_init(&change, x);
	change.daddr = mig->new_daddr;
	change.saddr = mig->new_saddr;
	if (mig->encap.encap_type) {
		change.encap_sport = mig->encap.encap_sport;
		change.encap_dport = mig->encap.encap_dport;
	}

	return ipsi_sa_clone(x, &change, NULL);
}

/* Replace an SA of a device, as if the key manager had deleted and added it. A
 * device that is gone by now has not deleted the new state, so do it here.
 */
static void ipsi_migrate_hand_over(struct net *net, struct xfrm_state *old,
				   struct xfrm_state *new)
{
	struct ipsi_dev *idev;

	rcu_read_lock();
	idev = ipsi_net_find(net, new->if_id);
	if (idev) {
		ipsi_sa_detach(idev, old);
		ipsi_sa_attach(idev, new);
		ipsi_peer_sa_updated(idev, new);
	} else {
		ipsi_sad_end(new);
	}
	rcu_read_unlock();
}

static void ipsi_migrate_end(struct xfrm_state *x)
{
	if (!xfrm_state_delete(x))
		km_state_expired(x, 1, 0);
}

/* Return false if the SA could not be moved; it is dead then. */
static bool ipsi_migrate_state(struct net *net, struct xfrm_state *x,
			       const struct ipsi_migration *mig)
{
	struct xfrm_state *new;

	new = ipsi_migrate_clone(x, mig);
	if (IS_ERR(new)) {
		ipsi_migrate_end(x);
		return false;
	}

	if (ipsi_sa_replace(x, new))
		return false;

	ipsi_migrate_hand_over(net, x, new);
	xfrm_state_put(new);
	return true;
}

/**
 * struct ipsi_migrate_room - room for the SAs of a search
 * @states: the states that were found
 * @max: size of @states
 */
struct ipsi_migrate_room {
	struct xfrm_state **states;
	unsigned int max;
};

static void ipsi_migrate_one(struct net *net, struct xfrm_state *x,
			     const struct ipsi_migration *mig)
{
	if (!mig)
		ipsi_migrate_end(x);
	else if (!ipsi_migrate_state(net, x, mig))
		pr_warn_ratelimited("ipsec-ipip: SA with SPI 0x%08x could not be moved\n",
				    ntohl(x->id.spi));
	xfrm_state_put(x);
	cond_resched();
}

/* Move the SAs of a migration, or delete all SAs if @mig is NULL. A search
 * returns the oldest SAs, and their clones become the newest ones in the same
 * order. So counting the SAs down handles each of them once, even if only its
 * ports change.
 */
static void ipsi_migrate_all(struct net *net,
			     const struct ipsi_migrate_room *room,
			     const struct ipsi_migration *mig)
{
	unsigned int i, n, left = UINT_MAX, total;

	mutex_lock(&net->xfrm.xfrm_cfg_mutex);
	do {
		total = ipsi_sad_find(net, mig ? ipsi_migrate_wants :
						 ipsi_migrate_is_ours,
				      mig, room->states, room->max);
		left = min(left, total);
		n = min(total, room->max);
		for (i = n; i-- > 0;)
			ipsi_migrate_one(net, room->states[i], mig);
		left -= min(left, n);
	} while (left);
	mutex_unlock(&net->xfrm.xfrm_cfg_mutex);
}

/* A migration was lost, so an SA may still send to an old address of the peer.
 * Let all adopted SAs of the namespace expire; the key manager is notified and
 * negotiates new ones.
 */
static void ipsi_migrate_give_up(struct net *net,
				 const struct ipsi_migrate_room *room)
{
	pr_warn_ratelimited("ipsec-ipip: too many SAs moved at once, all expire\n");
	ipsi_migrate_all(net, room, NULL);
	rcu_read_lock();
	ipsi_sad_net_flushed(net, IPPROTO_ESP);
	rcu_read_unlock();
}

static struct ipsi_migration *
ipsi_migrate_next(struct ipsi_migrations *migrations)
{
	struct ipsi_migration *mig;

	spin_lock_bh(&migrations->lock);
	mig = list_first_entry_or_null(&migrations->list, struct ipsi_migration,
				       list);
	if (mig) {
		list_del(&mig->list);
		migrations->n--;
	}
	spin_unlock_bh(&migrations->lock);

	return mig;
}

static bool ipsi_migrate_lost(struct ipsi_migrations *migrations)
{
	bool lost;

	spin_lock_bh(&migrations->lock);
	lost = migrations->lost;
	migrations->lost = false;
	spin_unlock_bh(&migrations->lock);

	return lost;
}

static void ipsi_migrate_noted(struct net *net,
			       const struct ipsi_migrate_room *room,
			       const struct ipsi_migration *mig)
{
	if (mig->out)
		ipsi_migrate_all(net, room, mig);

	/* The core has replaced inbound SAs without a notification. */
	rcu_read_lock();
	ipsi_sad_net_moved(net, mig->family, &mig->old_saddr,
			   &mig->old_daddr);
	rcu_read_unlock();
}

static void ipsi_migrate_work(struct work_struct *work)
{
	struct ipsi_migrations *migrations =
		container_of(work, struct ipsi_migrations, work);
	struct net *net = migrations->net;
	struct ipsi_migrate_room room;
	struct ipsi_migration *mig;
	struct xfrm_state *one;

	room.max = IPSI_MIGRATE_MAX;
	room.states = kmalloc_array(room.max, sizeof(*room.states),
				    GFP_KERNEL | __GFP_NOWARN);
	if (!room.states) {
		room.max = 1;
		room.states = &one;
	}

	while ((mig = ipsi_migrate_next(migrations))) {
		ipsi_migrate_noted(net, &room, mig);
		kfree(mig);
		cond_resched();
	}
	if (ipsi_migrate_lost(migrations))
		ipsi_migrate_give_up(net, &room);
	if (room.states != &one)
		kfree(room.states);

	/* Adopt the SAs that the core has created in their place. */
	ipsi_work_rescan(net);
}

/* Note a migration; return false if there is no room. */
static bool ipsi_migrate_note(struct ipsi_migrations *migrations,
			      struct ipsi_migration *mig)
{
	bool noted;

	spin_lock_bh(&migrations->lock);
	noted = mig && migrations->n < IPSI_MIGRATE_NOTES;
	if (noted) {
		list_add_tail(&mig->list, &migrations->list);
		migrations->n++;
	} else {
		migrations->lost = true;
	}
	spin_unlock_bh(&migrations->lock);

	return noted;
}

/**
 * ipsi_migrate_notify - move SAs as a key manager has requested
 * @net: the namespace
 * @out: the SAs are outbound
 * @m: old and new addresses
 * @encap: new UDP ports, or NULL if they do not change
 *
 * Context: RCU read side, the namespace's xfrm_cfg_mutex held.
 */
void ipsi_migrate_notify(struct net *net, bool out,
			 const struct xfrm_migrate *m,
			 const struct xfrm_encap_tmpl *encap)
{
	struct ipsi_migrations *migrations = &ipsi_net(net)->migrations;
	struct ipsi_migration *mig;

	if (m->mode != XFRM_MODE_TUNNEL || m->proto != IPPROTO_ESP)
		return;

	mig = kzalloc(sizeof(*mig), GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT);
	if (mig) {
		mig->out = out;
		mig->old_daddr = m->old_daddr;
		mig->old_saddr = m->old_saddr;
		mig->new_daddr = m->new_daddr;
		mig->new_saddr = m->new_saddr;
		mig->reqid = ipsi_xfrm_migrate_reqid(m);
		mig->family = m->old_family;
		mig->new_family = m->new_family;
		if (encap)
			mig->encap = *encap;
	}
	if (!ipsi_migrate_note(migrations, mig))
		kfree(mig);
	ipsi_work_queue_urgent_now(&migrations->work);
}

/**
 * ipsi_migrate_net_init - start without migrations
 * @net: a namespace
 */
void ipsi_migrate_net_init(struct net *net)
{
	struct ipsi_migrations *migrations = &ipsi_net(net)->migrations;

	migrations->net = net;
	spin_lock_init(&migrations->lock);
	INIT_LIST_HEAD(&migrations->list);
	INIT_WORK(&migrations->work, ipsi_migrate_work);
}

/**
 * ipsi_migrate_net_exit - undo ipsi_migrate_net_init()
 * @net: the namespace; it has no device any more
 *
 * Context: process.
 */
void ipsi_migrate_net_exit(struct net *net)
{
	struct ipsi_migrations *migrations = &ipsi_net(net)->migrations;
	struct ipsi_migration *mig;

	cancel_work_sync(&migrations->work);
	while ((mig = ipsi_migrate_next(migrations)))
		kfree(mig);
}
