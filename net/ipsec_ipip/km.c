// SPDX-License-Identifier: GPL-2.0
/*
 * Key-manager hook: gets a notification of each SA that is added, changed,
 * deleted, flushed or expired, and passes it to the device with the SA's if_id.
 */
#include <net/xfrm.h>

#include "acquire.h"
#include "adopt.h"
#include "km.h"
#include "migrate.h"
#include "net.h"
#include "peer.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_flush.h"
#include "spd.h"
#include "unlisted.h"
#include "work.h"

/* An update has taken an SA from its device and given it to none. If it is an
 * inbound one in transport mode, its inner packets would reach the host's
 * stack, which answers in clear. So delete it; until then the entry of the SA
 * makes ipsi_decap_no_device() refuse its packets.
 */
static void ipsi_km_orphaned(struct xfrm_state *x)
{
	if (x->props.mode == XFRM_MODE_TRANSPORT && ipsi_sa_is_any(x))
		ipsi_sad_end(x);
}

/* Find the device of a state, or note that there is none. A device that is added
 * at the same time either finds the note, or is found here.
 */
static struct ipsi_dev *ipsi_km_device(const struct net *net, u32 if_id)
{
	struct ipsi_dev *idev = ipsi_net_find(net, if_id);

	if (!idev) {
		ipsi_unlisted_note(net, if_id);
		idev = ipsi_net_find(net, if_id);
	}

	return idev;
}

/* The state of an update notification is not necessarily the one in the SAD,
 * which may have been adopted in the meantime. It may have had another if_id
 * before.
 */
static void ipsi_km_added(struct xfrm_state *reported, bool update)
{
	struct net *net = xs_net(reported);
	struct ipsi_dev *idev;
	struct xfrm_state *x;
	bool no_device;

	if (!reported->if_id && !ipsi_adopt_wants_all(net))
		return;

	x = xfrm_state_lookup(net, reported->mark.v & reported->mark.m,
			      &reported->id.daddr, reported->id.spi,
			      reported->id.proto, reported->props.family);
	if (!x)
		return;

	ipsi_sad_reported(x);
	no_device = x->if_id && !ipsi_net_find(net, x->if_id);
	ipsi_adopt_updated(x);
	idev = x->if_id ? ipsi_km_device(net, x->if_id) : NULL;
	/* A device that was added just now may have seen no note of the state. */
	if (no_device && idev)
		ipsi_work_rescan(net);
	if (update && !idev)
		ipsi_km_orphaned(x);
	if (update)
		ipsi_sa_detach_others(x, idev);
	if (idev) {
		ipsi_sa_attach(idev, x);
		ipsi_peer_sa_updated(idev, x);
	}
	ipsi_sa_note_unlisted(reported);
	ipsi_sa_note_unlisted(x);
	xfrm_state_put(x);
}

/* Called under RCU, with x->lock held if a lifetime ends in the data path. A
 * flush has no state.
 */
static int ipsi_km_notify(struct xfrm_state *x, const struct km_event *c)
{
	struct ipsi_dev *idev;

	if (c->event == XFRM_MSG_FLUSHSA) {
		ipsi_acquire_flushed(c->net);
		ipsi_sad_net_flushed(c->net, c->data.proto);
		return 0;
	}

	if (!x)
		return 0;
	if (c->event == XFRM_MSG_NEWSA || c->event == XFRM_MSG_UPDSA) {
		ipsi_km_added(x, c->event == XFRM_MSG_UPDSA);
		return 0;
	}

	idev = x->if_id ? ipsi_net_find(xs_net(x), x->if_id) : NULL;
	if (!idev)
		return 0;

	switch (c->event) {
	case XFRM_MSG_DELSA:
		ipsi_sa_detach(idev, x);
		break;
	case XFRM_MSG_EXPIRE:
		ipsi_sa_expired(idev, x, c->data.hard);
		break;
	}

	return 0;
}

/* A flush has no policy. */
static int ipsi_km_notify_policy(struct xfrm_policy *xp, int dir,
				 const struct km_event *c)
{
	if (xp)
		ipsi_spd_notify(xp_net(xp), xp, dir);
	else if (c->data.type == XFRM_POLICY_TYPE_MAIN)
		ipsi_spd_flushed(c->net);
	return 0;
}

/* The module negotiates no keys: leave acquires to the other key managers. */
static int ipsi_km_acquire(struct xfrm_state *x, struct xfrm_tmpl *tmpl,
			   struct xfrm_policy *pol)
{
	ipsi_acquire_sent(x, pol);
	return -EOPNOTSUPP;
}

/* The module has no socket policies; *dir keeps the error of a manager that
 * does.
 */
static struct xfrm_policy *ipsi_km_compile_policy(struct sock *sk, int opt,
						  u8 *data, int len, int *dir)
{
	return NULL;
}

/* Authentic ESP in UDP has come from an address or port that differs from its
 * SA. Return an error so that the other key managers are called too.
 */
static int ipsi_km_new_mapping(struct xfrm_state *x, xfrm_address_t *addr,
			       __be16 port)
{
	if (x->if_id && ipsi_net_find(xs_net(x), x->if_id))
		ipsi_peer_mapping(x, port);

	return -EOPNOTSUPP;
}

/* Return an error so that only the other key managers decide the result. */
static int ipsi_km_migrate(const struct xfrm_selector *sel, u8 dir, u8 type,
			   const struct xfrm_migrate *m, int num_bundles,
			   const struct xfrm_kmaddress *k, struct net *net,
			   const struct xfrm_encap_tmpl *encap)
{
	int i;

	/* The core has cloned states without a notification. */
	ipsi_unlisted_note_all(net);
	for (i = 0; i < num_bundles; i++) {
		ipsi_spd_migrated(net, dir == XFRM_POLICY_OUT, &m[i]);
		ipsi_migrate_notify(net, dir == XFRM_POLICY_OUT, &m[i], encap);
	}

	return -EOPNOTSUPP;
}

static struct xfrm_mgr ipsi_km = {
	.notify		= ipsi_km_notify,
	.notify_policy	= ipsi_km_notify_policy,
	.acquire	= ipsi_km_acquire,
	.compile_policy	= ipsi_km_compile_policy,
	.new_mapping	= ipsi_km_new_mapping,
	IPSI_KM_MIGRATE(ipsi_km_migrate),
};

/**
 * ipsi_km_register - register the key-manager hook
 *
 * Context: process.
 */
void ipsi_km_register(void)
{
	xfrm_register_km(&ipsi_km);
}

/**
 * ipsi_km_unregister - undo ipsi_km_register()
 *
 * Context: process. No callback runs any more when this returns.
 */
void ipsi_km_unregister(void)
{
	xfrm_unregister_km(&ipsi_km);
}
