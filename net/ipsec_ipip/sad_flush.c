// SPDX-License-Identifier: GPL-2.0
/*
 * Deletes the SAs of a device with the device. Otherwise, a state in transport
 * mode would still decrypt, and the inner packets would reach the host's stack,
 * which answers in clear. So all states of a device are deleted while the
 * device still refuses their packets.
 */
#include <linux/sched.h>
#include <net/xfrm.h>

#include "sa.h"
#include "sa_clone.h"
#include "sad_flush.h"

/* Limits of states that are visited, and that are collected, per slice, after
 * which the lock of the SAD is released
 */
#define IPSI_FLUSH_SLICE	1024
#define IPSI_FLUSH_BATCH	32

/**
 * struct ipsi_flush_slice - part of a walk over the SAD
 * @if_id: interface id of the device
 * @seen: number of states that were visited
 * @n: number of states in @found
 * @found: states of the device, each with a reference
 */
struct ipsi_flush_slice {
	u32 if_id;
	unsigned int seen;
	unsigned int n;
	struct xfrm_state *found[IPSI_FLUSH_BATCH];
};

/* Does a state end with the device? Not one in tunnel mode that was not
 * adopted: it belongs to its key manager, and admits no packet without a
 * policy.
 */
static bool ipsi_sad_ends(const struct xfrm_state *x, u32 if_id)
{
	return x->if_id == if_id &&
	       (x->props.mode != XFRM_MODE_TUNNEL ||
		x->xflags & (IPSI_XFLAG_ADOPTED | IPSI_XFLAG_OWN));
}

/* An error stops the walk; the next slice continues with the same state. */
static int ipsi_sad_flush_one(struct xfrm_state *x, int seq, void *data)
{
	struct ipsi_flush_slice *slice = data;

	if (slice->seen == IPSI_FLUSH_SLICE || slice->n == IPSI_FLUSH_BATCH)
		return -EAGAIN;

	slice->seen++;
	if (ipsi_sad_ends(x, slice->if_id)) {
		xfrm_state_hold(x);
		slice->found[slice->n++] = x;
	}

	return 0;
}

/**
 * ipsi_sad_end - delete a state of a device that goes, and notify its owner
 * @x: the state
 *
 * The key manager of the state gets a hard expiry, so that it negotiates a new
 * SA. A state of sa-add is reported as deleted.
 *
 * Context: any; @x's lock is not held.
 */
void ipsi_sad_end(struct xfrm_state *x)
{
	const struct km_event c = { .event = XFRM_MSG_DELSA };

	if (xfrm_state_delete(x))
		return;

	xfrm_audit_state_delete(x, 1, true);
	if (x->xflags & IPSI_XFLAG_OWN)
		km_state_notify(x, &c);
	else
		km_state_expired(x, 1, 0);
}

static void ipsi_sad_flush_strays(struct net *net, u32 if_id)
{
	struct ipsi_flush_slice slice = { .if_id = if_id };
	struct xfrm_state_walk walk;
	int more;

	xfrm_state_walk_init(&walk, IPSEC_PROTO_ANY, NULL);
	do {
		slice.seen = 0;
		more = xfrm_state_walk(net, &walk, ipsi_sad_flush_one, &slice);
		while (slice.n) {
			struct xfrm_state *x = slice.found[--slice.n];

			ipsi_sad_end(x);
			xfrm_state_put(x);
		}
		cond_resched();
	} while (more == -EAGAIN);
	xfrm_state_walk_done(&walk, net);
}

/**
 * ipsi_sad_flush - delete all states of a device
 * @idev: the device, which is being unregistered. It can still be found, so
 *   that it refuses packets of states that are not deleted yet. States that are
 *   added later are deleted by ipsi_sa_attach().
 *
 * This includes states with the if_id of the device that it does not use, for
 * example between other endpoints.
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
	ipsi_sad_flush_strays(idev->net,
			      rtnl_dereference(idev->conf)->if_id);
}
