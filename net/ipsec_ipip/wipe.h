/* SPDX-License-Identifier: GPL-2.0 */
/* Wipes the keys of dead SAs */
#ifndef _IPSI_WIPE_H
#define _IPSI_WIPE_H

#include "ipsi.h"
#include "sa.h"

void ipsi_wipe_net_init(struct net *net);
void ipsi_wipe_net_exit(struct net *net);
void ipsi_wipe_later(struct ipsi_net *inet, struct ipsi_sa *sa);

#endif /* _IPSI_WIPE_H */
