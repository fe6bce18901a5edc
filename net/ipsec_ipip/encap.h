/* SPDX-License-Identifier: GPL-2.0 */
/* Transmit. */
#ifndef _IPSI_ENCAP_H
#define _IPSI_ENCAP_H

#include <linux/netdevice.h>

#include "ipsi.h"

netdev_tx_t ipsi_xmit(struct sk_buff *skb, struct net_device *dev);

#endif /* _IPSI_ENCAP_H */
