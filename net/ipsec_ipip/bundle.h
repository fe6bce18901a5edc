/* SPDX-License-Identifier: GPL-2.0 */
/* The XFRM bundles of outer packets */
#ifndef _IPSI_BUNDLE_H
#define _IPSI_BUNDLE_H

#include "ipsi.h"

int ipsi_bundle_init(struct ipsi_dev *idev);
void ipsi_bundle_fini(struct ipsi_dev *idev);
struct dst_entry *ipsi_bundle_get(struct ipsi_dev *idev,
				  const struct ipsi_conf *conf,
				  struct sk_buff *skb,
				  enum ipsi_reason *reason);

#endif /* _IPSI_BUNDLE_H */
