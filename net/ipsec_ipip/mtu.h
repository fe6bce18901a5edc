/* SPDX-License-Identifier: GPL-2.0 */
/* The automatic MTU of a device */
#ifndef _IPSI_MTU_H
#define _IPSI_MTU_H

#include "work.h"

void ipsi_mtu_underlay_changed(struct net_device *dev);
void ipsi_mtu_net_init(struct net *net);
void ipsi_mtu_net_exit(struct net *net);
void ipsi_mtu_work(struct work_struct *work);
void ipsi_mtu_follow(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		     const struct dst_entry *dst);
unsigned int ipsi_mtu_of_bundle(const struct dst_entry *dst, u16 family);
unsigned int ipsi_mtu_compute(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf);

/**
 * ipsi_mtu_schedule - schedule an update of the MTU
 * @idev: the device, whose SA or route has changed
 *
 * Context: any.
 */
static inline void ipsi_mtu_schedule(struct ipsi_dev *idev)
{
	ipsi_work_queue(idev, &idev->mtu_work);
}

#endif /* _IPSI_MTU_H */
