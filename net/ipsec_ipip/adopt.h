/* SPDX-License-Identifier: GPL-2.0 */
/* Adoption of the tunnel-mode SAs of key managers */
#ifndef _IPSI_ADOPT_H
#define _IPSI_ADOPT_H

#include "net.h"
#include "work.h"

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

/**
 * ipsi_adopt_rescan - adopt SAs that were added without a notification, or that
 *   could not be adopted before
 * @net: underlay namespace
 *
 * Context: any.
 */
static inline void ipsi_adopt_rescan(const struct net *net)
{
	struct ipsi_adopt *adopt = &ipsi_net(net)->adopt;

	spin_lock_bh(&adopt->lock);
	adopt->scan = true;
	spin_unlock_bh(&adopt->lock);
	ipsi_work_queue_urgent(&adopt->work, 0);
}

#endif /* _IPSI_ADOPT_H */
