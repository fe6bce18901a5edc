// SPDX-License-Identifier: GPL-2.0
/*
 * Reads the SAD of a namespace. Anybody may have filled it, and packets of the
 * namespace wait while it is locked: it is read in slices.
 */
#include <linux/minmax.h>
#include <linux/sched.h>
#include <net/xfrm.h>

#include "sad_find.h"

/* States that are looked at before the lock of the SAD is given up. */
#define IPSI_SAD_SLICE	128

/**
 * struct ipsi_sad_slice - the states that are looked at under the lock
 * @walk: the walk
 * @left: states that the slice still takes
 * @end: the walk ends here
 */
struct ipsi_sad_slice {
	const struct ipsi_sad_walk *walk;
	unsigned int left;
	bool end;
};

/* With a return value other than 0 the walk stops, and goes on with the same
 * state next time.
 */
static int ipsi_sad_walk_one(struct xfrm_state *x, int seq, void *data)
{
	struct ipsi_sad_slice *slice = data;

	if (!slice->left)
		return 1;

	slice->left--;
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
 * ipsi_sad_walk - look at the states of a namespace, the newest first
 * @net: the namespace
 * @proto: IPPROTO_ESP or another, or IPSEC_PROTO_ANY
 * @sad_walk: functions to call
 *
 * States that are added meanwhile are not seen.
 *
 * Context: process.
 */
void ipsi_sad_walk(struct net *net, u8 proto,
		   const struct ipsi_sad_walk *sad_walk)
{
	struct ipsi_sad_slice slice = { .walk = sad_walk };
	struct xfrm_state_walk walk;
	int err;

	xfrm_state_walk_init(&walk, proto, NULL);
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
 * @wants: tells which states are sought; the SAD's lock is held
 * @data: for @wants
 * @found: ring of the last ones, each with a reference
 * @total: how many were found
 * @max: how many there is room for
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
 * @wants: which; the SAD's lock is held
 * @data: for @wants
 * @found: for those that are found, the newest first; the caller gets a
 *   reference to each
 * @max: no more than these; of more, the oldest
 *
 * Context: process.
 * Return: how many there are, which may be more than @max.
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
