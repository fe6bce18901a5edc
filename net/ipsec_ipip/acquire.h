/* SPDX-License-Identifier: GPL-2.0 */
/* What key managers are asked for when a device has no SA. */
#ifndef _IPSI_ACQUIRE_H
#define _IPSI_ACQUIRE_H

#include <linux/skbuff.h>
#include <net/xfrm.h>

#include "ipsi.h"
#include "policy.h"

void ipsi_acquire_what(const struct ipsi_dev *idev,
		       const struct ipsi_conf *conf,
		       const struct sk_buff *skb, struct ipsi_policy_ask *ask);
bool ipsi_acquire_waits(struct net *net, const struct ipsi_conf *conf,
			const struct xfrm_tmpl *tmpl);
void ipsi_acquire_done(struct net *net, const struct ipsi_conf *conf,
		       const struct xfrm_state *x);

#endif /* _IPSI_ACQUIRE_H */
