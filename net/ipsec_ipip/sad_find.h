/* SPDX-License-Identifier: GPL-2.0 */
/* Walks and searches the SAD of a namespace */
#ifndef _IPSI_SAD_FIND_H
#define _IPSI_SAD_FIND_H

#include <net/xfrm.h>

/**
 * enum ipsi_sad_step - the next step of a walk over the SAD
 * @IPSI_SAD_NEXT: visit the next state
 * @IPSI_SAD_UNLOCK: release the lock, then visit the next state
 * @IPSI_SAD_STOP: end the walk
 */
enum ipsi_sad_step {
	IPSI_SAD_NEXT,
	IPSI_SAD_UNLOCK,
	IPSI_SAD_STOP,
};

/**
 * struct ipsi_sad_walk - callbacks of a walk over the SAD
 * @one: called for each state, with the lock of the SAD held
 * @unlocked: called each time the lock is released, also at the end; or NULL
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
