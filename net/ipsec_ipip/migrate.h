/* SPDX-License-Identifier: GPL-2.0 */
/* Moves of adopted SAs by XFRM_MSG_MIGRATE */
#ifndef _IPSI_MIGRATE_H
#define _IPSI_MIGRATE_H

#include <net/xfrm.h>

#include "ipsi.h"

void ipsi_migrate_net_init(struct net *net);
void ipsi_migrate_net_exit(struct net *net);
void ipsi_migrate_notify(struct net *net, bool out,
			 const struct xfrm_migrate *m,
			 const struct xfrm_encap_tmpl *encap);

#endif /* _IPSI_MIGRATE_H */
