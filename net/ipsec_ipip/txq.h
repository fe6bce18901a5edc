/* SPDX-License-Identifier: GPL-2.0 */
/* The queue of packets that wait for an SA */
#ifndef _IPSI_TXQ_H
#define _IPSI_TXQ_H

#include <linux/skbuff.h>

#include "ipsi.h"

void ipsi_txq_init(struct ipsi_dev *idev);
void ipsi_txq_stop(struct ipsi_dev *idev);
void ipsi_txq_adopt_begin(struct ipsi_dev *idev);
void ipsi_txq_adopt_done(struct ipsi_dev *idev);
void ipsi_txq_acquire_sent(struct ipsi_dev *idev, bool sent);
void ipsi_txq_keys_ready(struct ipsi_dev *idev);
bool ipsi_txq_add(struct ipsi_dev *idev, struct sk_buff *skb);

#endif /* _IPSI_TXQ_H */
