// SPDX-License-Identifier: GPL-2.0
/*
 * States of a namespace that a caller is interested in. The SAD is locked while
 * it is read, and states are changed without its lock: so those that are found
 * are collected.
 */
#include <net/xfrm.h>

#include "sad_find.h"

/**
 * struct ipsi_sad_search - a search of the SAD
 * @wants: tells which states are sought; the SAD's lock is held
 * @data: for @wants
 * @found: they, each with a reference
 * @n: how many
 * @max: how many there is room for
 */
struct ipsi_sad_search {
	bool (*wants)(const struct xfrm_state *x, const void *data);
	const void *data;
	struct xfrm_state **found;
	unsigned int n;
	unsigned int max;
};

static int ipsi_sad_search_one(struct xfrm_state *x, int seq, void *data)
{
	struct ipsi_sad_search *search = data;

	if (search->n < search->max && search->wants(x, search->data)) {
		xfrm_state_hold(x);
		search->found[search->n++] = x;
	}

	return 0;
}

/**
 * ipsi_sad_find - find ESP states of a namespace
 * @net: the namespace
 * @wants: which; the SAD's lock is held
 * @data: for @wants
 * @found: for those that are found, the newest first; the caller gets a
 *   reference to each
 * @max: no more than these
 *
 * Context: any.
 * Return: how many were found.
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
	struct xfrm_state_walk walk;

	xfrm_state_walk_init(&walk, IPPROTO_ESP, NULL);
	xfrm_state_walk(net, &walk, ipsi_sad_search_one, &search);
	xfrm_state_walk_done(&walk, net);

	return search.n;
}
