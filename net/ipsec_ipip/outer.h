/* SPDX-License-Identifier: GPL-2.0 */
/* The outer header of a packet that is sent. */
#ifndef _IPSI_OUTER_H
#define _IPSI_OUTER_H

#include "inner.h"
#include "ipsi.h"

/* Bytes of the outer header */
static inline unsigned int ipsi_outer_len(u16 family)
{
	return family == AF_INET ? sizeof(struct iphdr) :
				   sizeof(struct ipv6hdr);
}

void ipsi_outer_push(const struct ipsi_dev *idev, const struct ipsi_conf *conf,
		     const struct dst_entry *dst, struct sk_buff *skb,
		     const struct ipsi_inner *inner);

#endif /* _IPSI_OUTER_H */
