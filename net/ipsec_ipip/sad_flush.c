// SPDX-License-Identifier: GPL-2.0
/*
 * Deletes the SAs of a device with the device. Otherwise, a state in transport
 * mode would still decrypt, and the inner packets would reach the host's stack,
 * which answers in clear. So all states of a device are deleted while the
 * device still refuses their packets.
 */
#include <net/xfrm.h>

#include "net.h"
#include "sa.h"
#include "sa_clone.h"
#include "sad_find.h"
#include "sad_flush.h"
#include "unlisted.h"

/* Maximum number of states that are collected under the lock of the SAD */
#define IPSI_FLUSH_BATCH	32

/**
 * struct ipsi_flush - states of devices that are being unregistered
 * @net: underlay namespace of the devices
 * @n: number of states in @found
 * @found: states of the devices, each with a reference
 */
struct ipsi_flush {
	const struct net *net;
	unsigned int n;
	struct xfrm_state *found[IPSI_FLUSH_BATCH];
};

/* Does a state end with the device? Not one in tunnel mode that was not
 * adopted: it belongs to its key manager, and admits no packet without a
 * policy.
 */
static bool ipsi_sad_ends(const struct net *net, const struct xfrm_state *x)
{
	const struct ipsi_dev *idev;
	bool ends;

	if (x->props.mode == XFRM_MODE_TUNNEL &&
	    !(x->xflags & (IPSI_XFLAG_ADOPTED | IPSI_XFLAG_OWN)))
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

	if (!ipsi_sad_ends(flush->net, x)) {
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

/* One walk serves all devices that are unregistered under the same RTNL. */
static void ipsi_sad_flush_strays(struct ipsi_dev *idev)
{
	struct ipsi_flush flush = { .net = idev->net };
	const struct ipsi_sad_walk walk = {
		.one = ipsi_sad_flush_one,
		.unlocked = ipsi_sad_flush_found,
		.data = &flush,
	};

	if (idev->flushed || !ipsi_unlisted_any(idev->net, idev->if_id))
		return;

	ipsi_unlisted_forget(idev->net);
	ipsi_sad_walk(idev->net, IPSEC_PROTO_ANY, &walk);
	ipsi_net_set_flushed(idev->net);
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
	ipsi_sad_flush_strays(idev);
}
