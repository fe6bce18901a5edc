/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ipsec-ipip.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_IPSEC_IPIP_GEN_H
#define _LINUX_IPSEC_IPIP_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/ipsec_ipip.h>

/* Common nested types */
extern const struct nla_policy ipsec_ipip_encap_nl_policy[IPSEC_IPIP_A_ENCAP_DPORT + 1];
extern const struct nla_policy ipsec_ipip_lifetime_nl_policy[IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS + 1];

int ipsec_ipip_nl_sa_add_doit(struct sk_buff *skb, struct genl_info *info);
int ipsec_ipip_nl_sa_del_doit(struct sk_buff *skb, struct genl_info *info);
int ipsec_ipip_nl_sa_get_doit(struct sk_buff *skb, struct genl_info *info);
int ipsec_ipip_nl_sa_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int ipsec_ipip_nl_sa_activate_doit(struct sk_buff *skb, struct genl_info *info);
int ipsec_ipip_nl_dev_get_doit(struct sk_buff *skb, struct genl_info *info);
int ipsec_ipip_nl_dev_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);

enum {
	IPSEC_IPIP_NLGRP_EVENTS,
};

extern struct genl_family ipsec_ipip_nl_family;

#endif /* _LINUX_IPSEC_IPIP_GEN_H */
