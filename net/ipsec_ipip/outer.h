/* SPDX-License-Identifier: GPL-2.0 */
/* The outer header of transmitted packets */
#ifndef _IPSI_OUTER_H
#define _IPSI_OUTER_H

#include <linux/ipv6.h>
#include <linux/netdevice.h>

#include "inner.h"
#include "ipsi.h"
#include "sa_clone.h"

/* Room in front of inner packets: enough for most links, until there is a bundle;
 * limited, since offsets of headers have 16 bits
 */
#define IPSI_HEADROOM_NEW	(LL_MAX_HEADER + sizeof(struct ipv6hdr) + \
				 IPSI_ESP_OVERHEAD_MAX)
#define IPSI_HEADROOM_MAX	512

/* Length of the outer header */
static inline unsigned int ipsi_outer_len(u16 family)
{
	return family == AF_INET ? sizeof(struct iphdr) :
				   sizeof(struct ipv6hdr);
}

/* Flags by which a key manager controls copying between the headers. They count
 * only for an SA that was negotiated for tunnel mode.
 */
static inline u8 ipsi_outer_sa_flags(const struct xfrm_state *x)
{
	return x->xflags & IPSI_XFLAG_ADOPTED ? x->props.flags : 0;
}

unsigned int ipsi_outer_headroom(const struct ipsi_conf *conf,
				 const struct dst_entry *dst);
void ipsi_outer_push(const struct ipsi_dev *idev, const struct ipsi_conf *conf,
		     const struct dst_entry *dst, struct sk_buff *skb,
		     const struct ipsi_inner *inner);

#endif /* _IPSI_OUTER_H */
