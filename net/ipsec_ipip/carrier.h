/* SPDX-License-Identifier: GPL-2.0 */
/* The carrier of a device. */
#ifndef _IPSI_CARRIER_H
#define _IPSI_CARRIER_H

#include "ipsi.h"

void ipsi_carrier_init(struct ipsi_dev *idev);
void ipsi_carrier_stop(struct ipsi_dev *idev);
void ipsi_carrier_set(struct ipsi_dev *idev, bool on);
void ipsi_carrier_keep_queue(struct net_device *dev);
void ipsi_carrier_queue_changes(struct net_device *dev);
u16 ipsi_carrier_select_queue(struct net_device *dev, struct sk_buff *skb,
			      struct net_device *sb_dev);

#endif /* _IPSI_CARRIER_H */
