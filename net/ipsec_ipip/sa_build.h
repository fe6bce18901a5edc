/* SPDX-License-Identifier: GPL-2.0 */
/* Builds a state from the attributes of sa-add */
#ifndef _IPSI_SA_BUILD_H
#define _IPSI_SA_BUILD_H

#include <net/genetlink.h>

#include "ipsi.h"
#include "sa.h"

struct xfrm_state *ipsi_sa_build(struct net *net,
				 const struct ipsi_conf *conf,
				 const struct ipsi_sa_id *id,
				 struct genl_info *info);
void ipsi_sa_wipe_keys(struct genl_info *info);

#endif /* _IPSI_SA_BUILD_H */
