/* SPDX-License-Identifier: GPL-2.0 */
/* Transmit. */
#ifndef _IPSI_ENCAP_H
#define _IPSI_ENCAP_H

#include <linux/ipv6.h>
#include <linux/netdevice.h>

#include "ipsi.h"

/* Room in front of inner packets: enough for most links; limited, since offsets
 * of headers have 16 bits
 */
#define IPSI_HEADROOM_MIN	(LL_MAX_HEADER + sizeof(struct ipv6hdr) + \
				 IPSI_ESP_OVERHEAD_MAX)
#define IPSI_HEADROOM_MAX	512

unsigned int ipsi_encap_headroom(const struct ipsi_conf *conf,
				 const struct dst_entry *dst);
netdev_tx_t ipsi_xmit(struct sk_buff *skb, struct net_device *dev);

#endif /* _IPSI_ENCAP_H */
