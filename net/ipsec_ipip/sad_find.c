// SPDX-License-Identifier: GPL-2.0
/*
 * Walks and searches the SAD of a namespace. The SAD can be large, and packets
 * of the namespace wait while it is locked, so it is read in slices.
 */
#include <linux/minmax.h>
#include <linux/sched.h>
#include <net/xfrm.h>

#include "sad_find.h"

/* Number of states per slice, after which the lock of the SAD is released */
#define IPSI_SAD_SLICE	128

/**
 * struct ipsi_sad_slice - the part of a walk that runs under the lock
 * @walk: the walk
 * @proto: protocol of the states that its callbacks get
 * @left: remaining states of the slice, of any protocol
 * @end: a callback has ended the walk
 */
struct ipsi_sad_slice {
	const struct ipsi_sad_walk *walk;
	u8 proto;
	unsigned int left;
	bool end;
};

/* A return value other than 0 stops the walk; the next slice continues with the
 * same state.
 */
static int ipsi_sad_walk_one(struct xfrm_state *x, int seq, void *data)
{
	struct ipsi_sad_slice *slice = data;

	if (!slice->left)
		return 1;

	slice->left--;
	if (!xfrm_id_proto_match(x->id.proto, slice->proto))
		return 0;

	switch (slice->walk->one(x, slice->walk->data)) {
	case IPSI_SAD_NEXT:
		return 0;
	case IPSI_SAD_UNLOCK:
		slice->left = 0;
		return 0;
	default:
		slice->end = true;
		return 1;
	}
}

/**
 * ipsi_sad_walk - walk over the states of a namespace, the newest first
 * @net: the namespace
 * @proto: IPPROTO_ESP or another, or IPSEC_PROTO_ANY
 * @sad_walk: callbacks
 *
 * The walk skips states that are added meanwhile. The core walks over all
 * protocols, since states that it skips would not count for a slice.
 *
 * Context: process.
 */
void ipsi_sad_walk(struct net *net, u8 proto,
		   const struct ipsi_sad_walk *sad_walk)
{
	struct ipsi_sad_slice slice = {
		.walk = sad_walk,
		.proto = proto,
	};
	struct xfrm_state_walk walk;
	int err;

	xfrm_state_walk_init(&walk, 0, NULL);
	do {
		slice.left = IPSI_SAD_SLICE;
		err = xfrm_state_walk(net, &walk, ipsi_sad_walk_one, &slice);
		if (sad_walk->unlocked)
			sad_walk->unlocked(sad_walk->data);
		cond_resched();
	} while (err > 0 && !slice.end);
	xfrm_state_walk_done(&walk, net);
}

/**
 * struct ipsi_sad_search - a search of the SAD
 * @wants: true for a state that is searched for; called with the SAD's lock
 *   held
 * @data: argument of @wants
 * @found: ring of the last states that were found, each with a reference
 * @total: number of states that were found
 * @max: size of @found
 */
struct ipsi_sad_search {
	bool (*wants)(const struct xfrm_state *x, const void *data);
	const void *data;
	struct xfrm_state **found;
	unsigned int total;
	unsigned int max;
};

static enum ipsi_sad_step ipsi_sad_find_one(struct xfrm_state *x, void *data)
{
	struct ipsi_sad_search *search = data;
	struct xfrm_state **slot;

	if (!search->wants(x, search->data))
		return IPSI_SAD_NEXT;

	xfrm_state_hold(x);
	slot = &search->found[search->total % search->max];
	if (search->total++ >= search->max)
		xfrm_state_put(*slot);
	*slot = x;

	return IPSI_SAD_NEXT;
}

static void ipsi_sad_reverse(struct xfrm_state **found, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n / 2; i++)
		swap(found[i], found[n - 1 - i]);
}

/**
 * ipsi_sad_find - find ESP states of a namespace
 * @net: the namespace
 * @wants: true for a state that is searched for; called with the SAD's lock
 *   held
 * @data: argument of @wants
 * @found: filled in with the states, the newest first; the caller puts them
 * @max: size of @found; if more states are found, it gets the oldest ones
 *
 * Context: process.
 * Return: number of states that were found, which may be more than @max.
 */
unsigned int ipsi_sad_find(struct net *net,
			   bool (*wants)(const struct xfrm_state *x,
					 const void *data),
			   const void *data, struct xfrm_state **found,
			   unsigned int max)
{
	struct ipsi_sad_search search = {
		.wants = wants,
		.data = data,
		.found = found,
		.max = max,
	};
	const struct ipsi_sad_walk walk = {
		.one = ipsi_sad_find_one,
		.data = &search,
	};
	unsigned int first;

	ipsi_sad_walk(net, IPPROTO_ESP, &walk);
	if (search.total > max) {
		/* Turn the ring so that its newest one comes first. */
		first = search.total % max;
		ipsi_sad_reverse(found, first);
		ipsi_sad_reverse(found + first, max - first);
		ipsi_sad_reverse(found, max);
	}

	return search.total;
}
