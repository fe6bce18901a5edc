/* SPDX-License-Identifier: GPL-2.0 */
/* The devices of a namespace */
#ifndef _IPSI_NET_H
#define _IPSI_NET_H

#include <linux/netdevice.h>
#include <net/netns/generic.h>

#include "ipsi.h"

extern unsigned int ipsi_net_id;
extern const struct device_type ipsi_device_type;

/**
 * ipsi_device_is - check the type of a netdevice
 * @dev: any netdevice
 *
 * Return: true if its private part is a struct ipsi_dev.
 */
static inline bool ipsi_device_is(const struct net_device *dev)
{
	return dev->dev.type == &ipsi_device_type;
}

/**
 * ipsi_net - the state of a namespace
 * @net: the namespace
 *
 * Context: any.
 * Return: the state.
 */
static inline struct ipsi_net *ipsi_net(const struct net *net)
{
	return net_generic(net, ipsi_net_id);
}

struct ipsi_dev *ipsi_net_next(const struct net *net,
			       const struct ipsi_dev *idev);
struct ipsi_dev *ipsi_net_find(const struct net *net, u32 if_id);
int ipsi_net_add(struct ipsi_dev *idev, u32 if_id);
void ipsi_net_del(struct ipsi_dev *idev);
int ipsi_net_register(void);
void ipsi_net_unregister(void);

#endif /* _IPSI_NET_H */
