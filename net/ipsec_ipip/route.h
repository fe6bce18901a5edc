/* SPDX-License-Identifier: GPL-2.0 */
/* The route of outer packets */
#ifndef _IPSI_ROUTE_H
#define _IPSI_ROUTE_H

#include "ipsi.h"

/* Limit of nested devices, including the outermost */
#define IPSI_NEST_MAX	4

struct dst_entry *ipsi_route_by_sa(const struct ipsi_dev *idev,
				   const struct ipsi_conf *conf,
				   struct xfrm_state *x, struct flowi *fl);
struct dst_entry *ipsi_route(struct ipsi_dev *idev,
			     const struct ipsi_conf *conf, struct flowi *fl);
bool ipsi_route_ends(const struct ipsi_dev *idev, const struct dst_entry *dst);
void ipsi_route_reply(struct sk_buff *skb);

#endif /* _IPSI_ROUTE_H */
