/* SPDX-License-Identifier: GPL-2.0 */
/* Adoption of the tunnel-mode SAs of key managers */
#ifndef _IPSI_ADOPT_H
#define _IPSI_ADOPT_H

#include "ipsi.h"

int ipsi_adopt_init(void);
void ipsi_adopt_exit(void);
void ipsi_adopt_net_init(struct net *net);
void ipsi_adopt_net_exit(struct net *net);

int ipsi_adopt_validate(const struct net *net, const struct net_device *dev,
			const struct ipsi_conf *conf,
			struct netlink_ext_ack *extack);
void ipsi_adopt_configure(struct ipsi_dev *idev, bool is_new);
void ipsi_adopt_forget(struct ipsi_dev *idev);
void ipsi_adopt_stop(struct ipsi_dev *idev);
bool ipsi_adopt_wants_all(const struct net *net);
void ipsi_adopt_updated(struct xfrm_state *x);
int ipsi_adopt_why_not(struct ipsi_dev *idev, const struct xfrm_state *x);

#endif /* _IPSI_ADOPT_H */
