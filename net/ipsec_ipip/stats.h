/* SPDX-License-Identifier: GPL-2.0 */
/* Counting of refused packets; reading the counters is in stats.c. */
#ifndef _IPSI_STATS_H
#define _IPSI_STATS_H

#include "ipsi.h"

void ipsi_stats_count(struct ipsi_dev *idev, enum ipsi_reason reason);
void ipsi_stats_refused(struct ipsi_dev *idev, enum ipsi_reason reason);
void ipsi_stats_read(const struct ipsi_dev *idev, u64 *refused);
struct ipsi_stats __percpu *ipsi_stats_alloc(void);

#endif /* _IPSI_STATS_H */
