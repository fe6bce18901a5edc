/* SPDX-License-Identifier: GPL-2.0 */
/* What a policy has caught goes back to the device. */
#ifndef _IPSI_GIVEBACK_H
#define _IPSI_GIVEBACK_H

#include <linux/errno.h>
#include <net/net_namespace.h>

#ifdef CONFIG_NETFILTER
int ipsi_giveback_register(struct net *net);
void ipsi_giveback_unregister(struct net *net);
#else
static inline int ipsi_giveback_register(struct net *net)
{
	return -EOPNOTSUPP;
}

static inline void ipsi_giveback_unregister(struct net *net)
{
}
#endif

#endif /* _IPSI_GIVEBACK_H */
