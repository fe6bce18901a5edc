// SPDX-License-Identifier: GPL-2.0
/*
 * Adopted SAs that a key manager moves by XFRM_MSG_MIGRATE, when it or its peer
 * has another address (MOBIKE, RFC 4555).
 *
 * The core looks for SAs in tunnel mode. It finds the inbound one, and moves it
 * as it is asked to. The outbound one has become one in transport mode by
 * adoption; it is moved here. The device then follows, if it may (peer.c).
 */
#include <linux/list.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/xfrm.h>

#include "adopt.h"
#include "main.h"
#include "migrate.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "sad_flush.h"

/**
 * struct ipsi_migration - what was asked for
 * @list: entry in ipsi_migrations.list
 * @old_daddr: destination address so far
 * @old_saddr: source address so far
 * @new_daddr: destination address from now on
 * @new_saddr: source address from now on
 * @reqid: that of the SAs, 0 for any
 * @family: of the addresses
 * @encap: UDP ports from now on; zero type if they stay
 */
struct ipsi_migration {
	struct list_head list;
	xfrm_address_t old_daddr;
	xfrm_address_t old_saddr;
	xfrm_address_t new_daddr;
	xfrm_address_t new_saddr;
	u32 reqid;
	u16 family;
	struct xfrm_encap_tmpl encap;
};

/* There may be a former SA or two beside the one in use. */
#define IPSI_MIGRATE_MAX	8

static bool ipsi_migrate_wants(const struct xfrm_state *x, const void *data)
{
	const struct ipsi_migration *mig = data;

	return x->xflags & IPSI_XFLAG_ADOPTED &&
	       x->props.mode == XFRM_MODE_TRANSPORT &&
	       x->props.family == mig->family &&
	       (!mig->reqid || x->props.reqid == mig->reqid) &&
	       xfrm_addr_equal(&x->id.daddr, &mig->old_daddr, mig->family) &&
	       xfrm_addr_equal(&x->props.saddr, &mig->old_saddr, mig->family) &&
	       ipsi_sa_valid(x);
}

static struct xfrm_state *
ipsi_migrate_clone(struct xfrm_state *x, const struct ipsi_migration *mig)
{
	struct ipsi_sa_change change;

	ipsi_sa_change_none(&change, x);
	change.daddr = mig->new_daddr;
	change.saddr = mig->new_saddr;
	if (mig->encap.encap_type) {
		change.encap_sport = mig->encap.encap_sport;
		change.encap_dport = mig->encap.encap_dport;
	}

	return ipsi_sa_clone(x, &change, NULL);
}

/* The device learns of it as if the key manager had made the SA anew. A device
 * that has gone meanwhile has not found the new state.
 */
static void ipsi_migrate_tell(struct net *net, struct xfrm_state *old,
			      struct xfrm_state *new)
{
	struct ipsi_dev *idev;

	rcu_read_lock();
	idev = ipsi_net_find(net, new->if_id);
	if (idev) {
		ipsi_sa_detach(idev, old);
		ipsi_sa_attach(idev, new);
		ipsi_peer_told(idev, new);
	} else {
		ipsi_sad_end(new);
	}
	rcu_read_unlock();
}

/* Return false if the SA could not be moved: it is used no more. */
static bool ipsi_migrate_state(struct net *net, struct xfrm_state *x,
			       const struct ipsi_migration *mig)
{
	struct xfrm_state *new;

	new = ipsi_migrate_clone(x, mig);
	if (IS_ERR(new)) {
		if (!xfrm_state_delete(x))
			km_state_expired(x, 1, 0);
		return false;
	}

	if (ipsi_sa_replace(x, new)) {
		ipsi_sa_discard(new);
		return false;
	}

	ipsi_migrate_tell(net, x, new);
	xfrm_state_put(new);
	return true;
}

static void ipsi_migrate_all(struct net *net, const struct ipsi_migration *mig)
{
	struct xfrm_state *found[IPSI_MIGRATE_MAX], *x;
	unsigned int n;

	mutex_lock(&net->xfrm.xfrm_cfg_mutex);
	n = ipsi_sad_find(net, ipsi_migrate_wants, mig, found,
			  ARRAY_SIZE(found));
	/* found from the newest to the oldest, and made again in their order */
	while (n) {
		x = found[--n];
		if (!ipsi_migrate_state(net, x, mig))
			pr_warn_ratelimited("ipsec-ipip: SA with SPI 0x%08x could not be moved\n",
					    ntohl(x->id.spi));
		xfrm_state_put(x);
	}
	mutex_unlock(&net->xfrm.xfrm_cfg_mutex);
}

static struct ipsi_migration *
ipsi_migrate_next(struct ipsi_migrations *migrations)
{
	struct ipsi_migration *mig;

	spin_lock_bh(&migrations->lock);
	mig = list_first_entry_or_null(&migrations->list, struct ipsi_migration,
				       list);
	if (mig)
		list_del(&mig->list);
	spin_unlock_bh(&migrations->lock);

	return mig;
}

static void ipsi_migrate_work(struct work_struct *work)
{
	struct ipsi_migrations *migrations =
		container_of(work, struct ipsi_migrations, work);
	struct ipsi_migration *mig;

	while ((mig = ipsi_migrate_next(migrations))) {
		ipsi_migrate_all(migrations->net, mig);
		kfree(mig);
	}

	/* The core has moved inbound ones without a word: they have died, and
	 * others have come.
	 */
	rcu_read_lock();
	ipsi_net_flushed(migrations->net);
	rcu_read_unlock();
	ipsi_adopt_search(migrations->net);
}

/**
 * ipsi_migrate_told - a key manager has moved SAs
 * @net: the namespace
 * @out: they are outbound
 * @m: from where to where
 * @encap: UDP ports from now on, or NULL if they stay
 *
 * Context: RCU read side, the namespace's xfrm_cfg_mutex held.
 */
void ipsi_migrate_told(struct net *net, bool out, const struct xfrm_migrate *m,
		       const struct xfrm_encap_tmpl *encap)
{
	struct ipsi_migrations *migrations = &ipsi_net(net)->migrations;
	struct ipsi_migration *mig;

	if (m->mode != XFRM_MODE_TUNNEL || m->proto != IPPROTO_ESP ||
	    m->old_family != m->new_family)
		return;

	mig = out ? kzalloc(sizeof(*mig), GFP_ATOMIC) : NULL;
	if (mig) {
		mig->old_daddr = m->old_daddr;
		mig->old_saddr = m->old_saddr;
		mig->new_daddr = m->new_daddr;
		mig->new_saddr = m->new_saddr;
		mig->reqid = ipsi_xfrm_migrate_reqid(m);
		mig->family = m->old_family;
		if (encap)
			mig->encap = *encap;
		spin_lock_bh(&migrations->lock);
		list_add_tail(&mig->list, &migrations->list);
		spin_unlock_bh(&migrations->lock);
	}
	ipsi_adopt_schedule(&migrations->work);
}

/**
 * ipsi_migrate_net_init - start with nothing to move
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
