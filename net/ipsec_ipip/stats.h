/* SPDX-License-Identifier: GPL-2.0 */
/* Counts, traces and frees refused packets */
#ifndef _IPSI_STATS_H
#define _IPSI_STATS_H

#include "ipsi.h"

extern const struct ethtool_ops ipsi_ethtool_ops;

void ipsi_stats_count(struct ipsi_dev *idev, enum ipsi_reason reason);
void ipsi_stats_refused(struct ipsi_dev *idev, enum ipsi_reason reason,
			const struct sk_buff *skb, const struct xfrm_state *x);
void ipsi_drop(struct ipsi_dev *idev, enum ipsi_reason reason,
	       struct sk_buff *skb, const struct xfrm_state *x);
void ipsi_stats_read(const struct ipsi_dev *idev, u64 *refused);
struct ipsi_stats __percpu *ipsi_stats_alloc(void);

#endif /* _IPSI_STATS_H */
