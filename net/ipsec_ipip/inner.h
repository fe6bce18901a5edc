/* SPDX-License-Identifier: GPL-2.0 */
/* The inner packet: its header, for both families */
#ifndef _IPSI_INNER_H
#define _IPSI_INNER_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/skbuff.h>
#include <linux/types.h>
#include <net/xfrm.h>

/**
 * struct ipsi_inner - fields of an inner header that the outer one depends on
 * @family: AF_INET or AF_INET6
 * @dsfield: TOS or traffic class, with ECN
 * @df: the packet must not be fragmented; always true for IPv6
 * @hops: TTL or hop limit, if it is an outer packet of a tunnel; else 0
 * @flowlabel: flow label of IPv6, network byte order, else 0
 */
struct ipsi_inner {
	u16 family;
	u8 dsfield;
	bool df;
	u8 hops;
	__be32 flowlabel;
};

/* Next header of an outer header, by the inner family (RFC 2003, RFC 2473) */
static inline u8 ipsi_inner_proto(u16 family)
{
	return family == AF_INET ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/* Inner family by the next header, or AF_UNSPEC if that is not supported */
static inline u16 ipsi_inner_family(u8 proto)
{
	switch (proto) {
	case IPPROTO_IPIP:
		return AF_INET;
	case IPPROTO_IPV6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

bool ipsi_inner_read(struct sk_buff *skb, u16 family,
		     struct ipsi_inner *inner);
u8 ipsi_inner_hops(const struct sk_buff *skb, u16 family,
		   const struct net *net);
bool ipsi_inner_source_ok(const struct sk_buff *skb, u16 family);
bool ipsi_inner_is_outer(const struct sk_buff *skb, u16 family,
			 const xfrm_address_t *local,
			 const xfrm_address_t *remote);

#endif /* _IPSI_INNER_H */
