/* SPDX-License-Identifier: GPL-2.0 */
/* The private policy of a device, and the bundles that it makes. */
#ifndef _IPSI_POLICY_H
#define _IPSI_POLICY_H

#include "ipsi.h"

int ipsi_policy_init(struct ipsi_dev *idev);
void ipsi_policy_fini(struct ipsi_dev *idev);
struct dst_entry *ipsi_policy_dst(struct ipsi_dev *idev,
				  const struct ipsi_conf *conf,
				  enum ipsi_reason *reason);
struct dst_entry *ipsi_policy_route(const struct ipsi_dev *idev,
				    const struct ipsi_conf *conf,
				    struct flowi *fl);

#endif /* _IPSI_POLICY_H */
