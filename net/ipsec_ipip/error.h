/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors about outer packets. */
#ifndef _IPSI_ERROR_H
#define _IPSI_ERROR_H

#include <linux/ipv6.h>
#include <linux/skbuff.h>

int ipsi_error4(struct sk_buff *skb, u32 info);
int ipsi_error6(struct sk_buff *skb, u8 type, int offset, __be32 info);

#endif /* _IPSI_ERROR_H */
