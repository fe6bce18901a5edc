/* SPDX-License-Identifier: GPL-2.0 */
/* Packets that wait for an SA. */
#ifndef _IPSI_HOLD_H
#define _IPSI_HOLD_H

#include <linux/skbuff.h>

#include "ipsi.h"

void ipsi_hold_init(struct ipsi_dev *idev);
void ipsi_hold_stop(struct ipsi_dev *idev);
void ipsi_hold_begin(struct ipsi_dev *idev);
void ipsi_hold_end(struct ipsi_dev *idev);
void ipsi_hold_asked(struct ipsi_dev *idev, bool asked);
void ipsi_hold_keyed(struct ipsi_dev *idev);
bool ipsi_hold(struct ipsi_dev *idev, struct sk_buff *skb);

#endif /* _IPSI_HOLD_H */
