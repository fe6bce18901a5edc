/* SPDX-License-Identifier: GPL-2.0 */
/* The automatic MTU of a device */
#ifndef _IPSI_MTU_H
#define _IPSI_MTU_H

#include "ipsi.h"

void ipsi_mtu_underlay_changed(struct net_device *dev);
void ipsi_mtu_net_init(struct net *net);
void ipsi_mtu_net_exit(struct net *net);
void ipsi_mtu_work(struct work_struct *work);
void ipsi_mtu_schedule(struct ipsi_dev *idev);
void ipsi_mtu_follow(struct ipsi_dev *idev, const struct ipsi_conf *conf,
		     const struct dst_entry *dst);
unsigned int ipsi_mtu_of_bundle(const struct dst_entry *dst, u16 family);
unsigned int ipsi_mtu_compute(struct ipsi_dev *idev,
			      const struct ipsi_conf *conf);

#endif /* _IPSI_MTU_H */
