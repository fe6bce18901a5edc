/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors of the underlay */
#ifndef _IPSI_ICMP_H
#define _IPSI_ICMP_H

#include <linux/icmpv6.h>
#include <net/ipv6.h>

#include "ipsi.h"

int ipsi_icmp_err4(struct sk_buff *skb, u32 info);
int ipsi_icmp_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		   u8 code, int offset, __be32 info);
void ipsi_icmp_err_udp(struct sock *sk, struct sk_buff *skb, int err,
		       __be16 port, u32 info, u8 *payload);
void ipsi_icmp_relay(struct ipsi_dev *idev, struct sk_buff *skb, u16 family);

/**
 * ipsi_icmp_forget - discard recorded errors
 * @idev: the device, whose configuration has changed
 *
 * Context: any.
 */
static inline void ipsi_icmp_forget(struct ipsi_dev *idev)
{
	atomic_set(&idev->icmp.left, 0);
}

/**
 * ipsi_icmp6_send - send an ICMPv6 error to the sender of an inner packet
 * @skb: the packet, which may come from a packet socket or a redirection
 * @type: ICMPV6_*
 * @code: code of the type
 * @info: the rest of the ICMPv6 header
 *
 * With ipv6.disable=1, icmpv6_ndo_send() would crash.
 *
 * Context: BH off.
 */
static inline void ipsi_icmp6_send(struct sk_buff *skb, u8 type, u8 code,
				   u32 info)
{
	if (ipv6_mod_enabled())
		icmpv6_ndo_send(skb, type, code, info);
}

#endif /* _IPSI_ICMP_H */
