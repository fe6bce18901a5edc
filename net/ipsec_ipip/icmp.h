/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors of the underlay, on their way to the senders of inner packets. */
#ifndef _IPSI_ICMP_H
#define _IPSI_ICMP_H

#include "ipsi.h"

int ipsi_icmp_err4(struct sk_buff *skb, u32 info);
int ipsi_icmp_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		   u8 code, int offset, __be32 info);
void ipsi_icmp_relay(struct ipsi_dev *idev, struct sk_buff *skb, u16 family);

/**
 * ipsi_icmp_forget - what was said is not true any more
 * @idev: the device
 *
 * Context: any.
 */
static inline void ipsi_icmp_forget(struct ipsi_dev *idev)
{
	atomic_set(&idev->icmp.left, 0);
}

#endif /* _IPSI_ICMP_H */
