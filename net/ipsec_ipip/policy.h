/* SPDX-License-Identifier: GPL-2.0 */
/* Private policies: each names one outbound SA, or triggers an acquire */
#ifndef _IPSI_POLICY_H
#define _IPSI_POLICY_H

#include "ipsi.h"

struct ipsi_policy;

/**
 * struct ipsi_acq_key - the SA that an acquire requests
 * @reqid: reqid of the SA
 * @family: family of the packets that trigger the acquire
 * @mode: mode of the SA, XFRM_MODE_*
 */
struct ipsi_acq_key {
	u32 reqid;
	u16 family;
	u8 mode;
};

struct xfrm_policy *ipsi_policy_get(struct ipsi_policy **slot, struct net *net,
				    const struct ipsi_conf *conf,
				    const struct xfrm_state *x,
				    const struct ipsi_acq_key *key);
void ipsi_policy_kill(struct ipsi_policy **slot);

#endif /* _IPSI_POLICY_H */
