/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses in netlink attributes, whose length determines the family */
#ifndef _IPSI_NLADDR_H
#define _IPSI_NLADDR_H

#include <net/netlink.h>
#include <net/xfrm.h>

/**
 * ipsi_put_addr - add an attribute with an address
 * @skb: the message
 * @type: type of the attribute
 * @addr: the address
 * @family: its family
 *
 * Return: 0 or -EMSGSIZE.
 */
static inline int ipsi_put_addr(struct sk_buff *skb, int type,
				const xfrm_address_t *addr, u16 family)
{
	return nla_put(skb, type, family == AF_INET ? sizeof(addr->a4) :
						      sizeof(addr->a6), addr);
}

/**
 * ipsi_get_addr - read an attribute with an address
 * @attr: the attribute
 * @addr: filled in
 *
 * Return: the family, or AF_UNSPEC if the length is invalid.
 */
static inline u16 ipsi_get_addr(const struct nlattr *attr, xfrm_address_t *addr)
{
	memset(addr, 0, sizeof(*addr));

	switch (nla_len(attr)) {
	case sizeof(addr->a4):
		addr->a4 = nla_get_in_addr(attr);
		return AF_INET;
	case sizeof(addr->a6):
		addr->in6 = nla_get_in6_addr(attr);
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

#endif /* _IPSI_NLADDR_H */
