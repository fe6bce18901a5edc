/* SPDX-License-Identifier: GPL-2.0 */
/* Walks and searches the SAD of a namespace */
#ifndef _IPSI_SAD_FIND_H
#define _IPSI_SAD_FIND_H

#include <net/xfrm.h>

void ipsi_sad_walk(struct net *net, u8 proto,
		   bool (*one)(struct xfrm_state *x, void *data), void *data);
unsigned int ipsi_sad_find(struct net *net,
			   bool (*wants)(const struct xfrm_state *x,
					 const void *data),
			   const void *data, struct xfrm_state **found,
			   unsigned int max);

#endif /* _IPSI_SAD_FIND_H */
