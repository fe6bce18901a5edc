/* SPDX-License-Identifier: GPL-2.0 */
/* Acquires: requests to key managers when a device has no SA. */
#ifndef _IPSI_ACQUIRE_H
#define _IPSI_ACQUIRE_H

#include <linux/skbuff.h>
#include <net/xfrm.h>

#include "ipsi.h"
#include "policy.h"

void ipsi_acquire_init(struct ipsi_dev *idev);
void ipsi_acquire_stop(struct ipsi_dev *idev);
void ipsi_acquire_reset_limit(struct ipsi_dev *idev);
void ipsi_acquire_flushed(struct net *net);

bool ipsi_acquire_allow(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			const struct sk_buff *skb, struct ipsi_acq_key *key);
void ipsi_acquire_begin(struct ipsi_dev *idev, const struct xfrm_policy *xp);
bool ipsi_acquire_end(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		      const struct xfrm_policy *xp);
void ipsi_acquire_sent(struct xfrm_state *x, const struct xfrm_policy *xp);
void ipsi_acquire_complete(struct ipsi_dev *idev, const struct ipsi_conf *conf,
			   const struct xfrm_state *x);

#endif /* _IPSI_ACQUIRE_H */
