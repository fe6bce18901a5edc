/* SPDX-License-Identifier: GPL-2.0 */
/* The configuration of a device and its rtnetlink attributes */
#ifndef _IPSI_CONF_H
#define _IPSI_CONF_H

#include <net/netlink.h>

#include "ipsi.h"

extern const struct nla_policy ipsi_conf_policy[IFLA_IPSEC_IPIP_MAX + 1];

void ipsi_conf_init(struct ipsi_conf *conf);
int ipsi_conf_parse(struct ipsi_conf *conf, struct nlattr *data[],
		    struct netlink_ext_ack *extack);
int ipsi_conf_validate(struct net *net, const struct net_device *dev,
		       const struct ipsi_conf *conf,
		       struct netlink_ext_ack *extack);
size_t ipsi_conf_size(const struct net_device *dev);
int ipsi_conf_fill(struct sk_buff *skb, const struct net_device *dev);
bool ipsi_conf_direction(const struct ipsi_conf *conf,
			 const struct xfrm_state *x, bool *out);
bool ipsi_conf_is_open(const struct net_device *dev);

#endif /* _IPSI_CONF_H */
