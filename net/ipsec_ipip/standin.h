/* SPDX-License-Identifier: GPL-2.0 */
/* States that stand in for adopted SAs where policies seek those. */
#ifndef _IPSI_STANDIN_H
#define _IPSI_STANDIN_H

#include <net/xfrm.h>

#include "ipsi.h"
#include "sa_clone.h"

void ipsi_standin_want_none(struct ipsi_dev *idev);
int ipsi_standin_want(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		      u32 reqid);
void ipsi_standin_sweep(struct ipsi_dev *idev);
void ipsi_standin_drop_copies(struct net *net);

bool ipsi_standin_for(struct xfrm_state *x, const struct ipsi_dev *idev);

static inline bool ipsi_standin_is(const struct xfrm_state *x)
{
	return x->xflags & IPSI_XFLAG_STANDIN;
}

#endif /* _IPSI_STANDIN_H */
