/* SPDX-License-Identifier: GPL-2.0 */
/* States of a namespace that a caller is interested in. */
#ifndef _IPSI_SAD_FIND_H
#define _IPSI_SAD_FIND_H

#include <net/xfrm.h>

/**
 * enum ipsi_sad_step - how a walk over the SAD goes on
 * @IPSI_SAD_NEXT: with the next state
 * @IPSI_SAD_UNLOCK: with the next state, once the lock was given up
 * @IPSI_SAD_STOP: not at all
 */
enum ipsi_sad_step {
	IPSI_SAD_NEXT,
	IPSI_SAD_UNLOCK,
	IPSI_SAD_STOP,
};

/**
 * struct ipsi_sad_walk - functions that a walk over the SAD calls
 * @one: for each state, with the lock of the SAD held
 * @unlocked: each time the lock was given up, also at the end; or NULL
 * @data: argument of both
 */
struct ipsi_sad_walk {
	enum ipsi_sad_step (*one)(struct xfrm_state *x, void *data);
	void (*unlocked)(void *data);
	void *data;
};

void ipsi_sad_walk(struct net *net, u8 proto,
		   const struct ipsi_sad_walk *sad_walk);
unsigned int ipsi_sad_find(struct net *net,
			   bool (*wants)(const struct xfrm_state *x,
					 const void *data),
			   const void *data, struct xfrm_state **found,
			   unsigned int max);

#endif /* _IPSI_SAD_FIND_H */
