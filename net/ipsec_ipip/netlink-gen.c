// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ipsec-ipip.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/ipsec_ipip.h>

/* Common nested types */
const struct nla_policy ipsec_ipip_encap_nl_policy[IPSEC_IPIP_A_ENCAP_DPORT + 1] = {
	[IPSEC_IPIP_A_ENCAP_SPORT] = { .type = NLA_U16, },
	[IPSEC_IPIP_A_ENCAP_DPORT] = { .type = NLA_U16, },
};

const struct nla_policy ipsec_ipip_lifetime_nl_policy[IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS + 1] = {
	[IPSEC_IPIP_A_LIFETIME_SOFT_BYTES] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_LIFETIME_HARD_BYTES] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_LIFETIME_SOFT_PACKETS] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_LIFETIME_HARD_PACKETS] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_LIFETIME_SOFT_ADD_SECONDS] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_LIFETIME_SOFT_USE_SECONDS] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS] = { .type = NLA_U64, },
};

/* IPSEC_IPIP_CMD_SA_ADD - do */
static const struct nla_policy ipsec_ipip_sa_add_nl_policy[IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX + 1] = {
	[IPSEC_IPIP_A_SA_IFINDEX] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[IPSEC_IPIP_A_SA_DIRECTION] = NLA_POLICY_MAX(NLA_U32, 1),
	[IPSEC_IPIP_A_SA_PROTO] = { .type = NLA_U8, },
	[IPSEC_IPIP_A_SA_SPI] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_MODE] = NLA_POLICY_MAX(NLA_U32, 1),
	[IPSEC_IPIP_A_SA_REQID] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_AEAD_NAME] = { .type = NLA_NUL_STRING, .len = IPSEC_IPIP_ALG_NAME_MAX_LEN, },
	[IPSEC_IPIP_A_SA_AEAD_KEY] = { .type = NLA_BINARY, },
	[IPSEC_IPIP_A_SA_ENC_NAME] = { .type = NLA_NUL_STRING, .len = IPSEC_IPIP_ALG_NAME_MAX_LEN, },
	[IPSEC_IPIP_A_SA_ENC_KEY] = { .type = NLA_BINARY, },
	[IPSEC_IPIP_A_SA_AUTH_NAME] = { .type = NLA_NUL_STRING, .len = IPSEC_IPIP_ALG_NAME_MAX_LEN, },
	[IPSEC_IPIP_A_SA_AUTH_KEY] = { .type = NLA_BINARY, },
	[IPSEC_IPIP_A_SA_ICV_BITS] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_REPLAY_WINDOW] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_ESN] = { .type = NLA_FLAG, },
	[IPSEC_IPIP_A_SA_SEQ] = { .type = NLA_U64, },
	[IPSEC_IPIP_A_SA_LIFETIME] = NLA_POLICY_NESTED(ipsec_ipip_lifetime_nl_policy),
	[IPSEC_IPIP_A_SA_ENCAP] = NLA_POLICY_NESTED(ipsec_ipip_encap_nl_policy),
	[IPSEC_IPIP_A_SA_PCPU] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_OFFLOAD] = NLA_POLICY_MAX(NLA_U32, 1),
	[IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX] = { .type = NLA_U32, },
};

/* IPSEC_IPIP_CMD_SA_DEL - do */
static const struct nla_policy ipsec_ipip_sa_del_nl_policy[IPSEC_IPIP_A_SA_SPI + 1] = {
	[IPSEC_IPIP_A_SA_IFINDEX] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[IPSEC_IPIP_A_SA_DIRECTION] = NLA_POLICY_MAX(NLA_U32, 1),
	[IPSEC_IPIP_A_SA_PROTO] = { .type = NLA_U8, },
	[IPSEC_IPIP_A_SA_SPI] = { .type = NLA_U32, },
};

/* IPSEC_IPIP_CMD_SA_GET - do */
static const struct nla_policy ipsec_ipip_sa_get_do_nl_policy[IPSEC_IPIP_A_SA_MARK + 1] = {
	[IPSEC_IPIP_A_SA_IFINDEX] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[IPSEC_IPIP_A_SA_DIRECTION] = NLA_POLICY_MAX(NLA_U32, 1),
	[IPSEC_IPIP_A_SA_PROTO] = { .type = NLA_U8, },
	[IPSEC_IPIP_A_SA_SPI] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_KEYS] = { .type = NLA_FLAG, },
	[IPSEC_IPIP_A_SA_DST] = { .type = NLA_BINARY, },
	[IPSEC_IPIP_A_SA_MARK] = { .type = NLA_U32, },
};

/* IPSEC_IPIP_CMD_SA_GET - dump */
static const struct nla_policy ipsec_ipip_sa_get_dump_nl_policy[IPSEC_IPIP_A_SA_KEYS + 1] = {
	[IPSEC_IPIP_A_SA_IFINDEX] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[IPSEC_IPIP_A_SA_KEYS] = { .type = NLA_FLAG, },
};

/* IPSEC_IPIP_CMD_SA_ACTIVATE - do */
static const struct nla_policy ipsec_ipip_sa_activate_nl_policy[IPSEC_IPIP_A_SA_SPI + 1] = {
	[IPSEC_IPIP_A_SA_IFINDEX] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_SA_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
	[IPSEC_IPIP_A_SA_PROTO] = { .type = NLA_U8, },
	[IPSEC_IPIP_A_SA_SPI] = { .type = NLA_U32, },
};

/* IPSEC_IPIP_CMD_DEV_GET - do */
static const struct nla_policy ipsec_ipip_dev_get_nl_policy[IPSEC_IPIP_A_DEV_IFNAME + 1] = {
	[IPSEC_IPIP_A_DEV_IFINDEX] = { .type = NLA_U32, },
	[IPSEC_IPIP_A_DEV_IFNAME] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* Ops table for ipsec_ipip */
static const struct genl_split_ops ipsec_ipip_nl_ops[] = {
	{
		.cmd		= IPSEC_IPIP_CMD_SA_ADD,
		.doit		= ipsec_ipip_nl_sa_add_doit,
		.policy		= ipsec_ipip_sa_add_nl_policy,
		.maxattr	= IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= IPSEC_IPIP_CMD_SA_DEL,
		.doit		= ipsec_ipip_nl_sa_del_doit,
		.policy		= ipsec_ipip_sa_del_nl_policy,
		.maxattr	= IPSEC_IPIP_A_SA_SPI,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= IPSEC_IPIP_CMD_SA_GET,
		.doit		= ipsec_ipip_nl_sa_get_doit,
		.policy		= ipsec_ipip_sa_get_do_nl_policy,
		.maxattr	= IPSEC_IPIP_A_SA_MARK,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= IPSEC_IPIP_CMD_SA_GET,
		.dumpit		= ipsec_ipip_nl_sa_get_dumpit,
		.policy		= ipsec_ipip_sa_get_dump_nl_policy,
		.maxattr	= IPSEC_IPIP_A_SA_KEYS,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= IPSEC_IPIP_CMD_SA_ACTIVATE,
		.doit		= ipsec_ipip_nl_sa_activate_doit,
		.policy		= ipsec_ipip_sa_activate_nl_policy,
		.maxattr	= IPSEC_IPIP_A_SA_SPI,
		.flags		= GENL_UNS_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= IPSEC_IPIP_CMD_DEV_GET,
		.doit		= ipsec_ipip_nl_dev_get_doit,
		.policy		= ipsec_ipip_dev_get_nl_policy,
		.maxattr	= IPSEC_IPIP_A_DEV_IFNAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= IPSEC_IPIP_CMD_DEV_GET,
		.dumpit	= ipsec_ipip_nl_dev_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group ipsec_ipip_nl_mcgrps[] = {
	[IPSEC_IPIP_NLGRP_EVENTS] = { "events", },
};

struct genl_family ipsec_ipip_nl_family __ro_after_init = {
	.name		= IPSEC_IPIP_FAMILY_NAME,
	.version	= IPSEC_IPIP_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= ipsec_ipip_nl_ops,
	.n_split_ops	= ARRAY_SIZE(ipsec_ipip_nl_ops),
	.mcgrps		= ipsec_ipip_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(ipsec_ipip_nl_mcgrps),
};
