// SPDX-License-Identifier: GPL-2.0
/*
 * Wipes the keys of dead SAs, which the core frees without wiping them.
 *
 * A dead state may still be in use. XFRM_MSG_MIGRATE takes a reference to a
 * valid state, which may expire before its keys are copied. If the keys were
 * wiped in between, the copy would encrypt with zeroes. The core does not
 * report when the last reference is put. But all code that copies keys holds
 * xfrm_cfg_mutex from the moment it finds the state, and it does not find dead
 * states. So with the mutex held, nothing copies the keys of a dead state, now
 * or later.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/xfrm.h>

#include "net.h"
#include "sa_clone.h"
#include "wipe.h"
#include "work.h"

/* Limit of SAs that wait for the mutex; the keys of more are not wiped. */
#define IPSI_WIPE_MAX	1024

static void ipsi_wipe_free(struct ipsi_sa *sa)
{
	xfrm_state_put(sa->x);
	kfree_rcu(sa, rcu);
}

static void ipsi_wipe_work(struct work_struct *work)
{
	struct ipsi_wipe *wipe = container_of(work, struct ipsi_wipe, work);
	struct ipsi_sa *sa, *next;
	LIST_HEAD(list);

	spin_lock_bh(&wipe->lock);
	list_splice_init(&wipe->list, &list);
	wipe->n = 0;
	spin_unlock_bh(&wipe->lock);
	/* The exit must not wait for the mutex: see ipsi_work_flush(). */
	if (list_empty(&list))
		return;

	mutex_lock(&wipe->net->xfrm.xfrm_cfg_mutex);
	list_for_each_entry(sa, &list, list)
		if (READ_ONCE(sa->x->km.state) == XFRM_STATE_DEAD)
			ipsi_sa_wipe(sa->x);
	mutex_unlock(&wipe->net->xfrm.xfrm_cfg_mutex);

	list_for_each_entry_safe(sa, next, &list, list)
		ipsi_wipe_free(sa);
}

/**
 * ipsi_wipe_later - schedule the wiping of the keys of an SA that has left
 * @inet: the namespace of the SA
 * @sa: the entry, which is in no table any more; consumed. Its keys are wiped if
 *   its state is dead by then: XFRM_MSG_EXPIRE deletes a state only after it has
 *   reported that, with the mutex held.
 *
 * Context: any; a state's lock may be held.
 */
void ipsi_wipe_later(struct ipsi_net *inet, struct ipsi_sa *sa)
{
	struct ipsi_wipe *wipe = &inet->wipe;
	bool wait;

	spin_lock_bh(&wipe->lock);
	wait = wipe->n < IPSI_WIPE_MAX;
	if (wait) {
		list_add_tail(&sa->list, &wipe->list);
		wipe->n++;
	}
	spin_unlock_bh(&wipe->lock);

	if (wait)
		ipsi_work_queue_urgent_now(&wipe->work);
	else
		ipsi_wipe_free(sa);
}

/**
 * ipsi_wipe_net_init - start with nothing to wipe
 * @net: a namespace
 */
void ipsi_wipe_net_init(struct net *net)
{
	struct ipsi_wipe *wipe = &ipsi_net(net)->wipe;

	wipe->net = net;
	spin_lock_init(&wipe->lock);
	INIT_LIST_HEAD(&wipe->list);
	INIT_WORK(&wipe->work, ipsi_wipe_work);
}

/**
 * ipsi_wipe_net_exit - undo ipsi_wipe_net_init()
 * @net: the namespace; it has no device any more
 *
 * Context: process.
 */
void ipsi_wipe_net_exit(struct net *net)
{
	struct ipsi_wipe *wipe = &ipsi_net(net)->wipe;

	cancel_work_sync(&wipe->work);
	ipsi_wipe_work(&wipe->work);
}
