/* SPDX-License-Identifier: GPL-2.0 */
/* Made by selftests/fuzz/gen.py from Documentation/netlink/specs/ipsec-ipip.yaml */
#ifndef FUZZ_SPEC_H
#define FUZZ_SPEC_H

#include <linux/ipsec_ipip.h>

#include "table.h"

static const struct fuzz_attr fuzz_encap_attrs[] = {
	{ .type = IPSEC_IPIP_A_ENCAP_SPORT, .size = 2 },
	{ .type = IPSEC_IPIP_A_ENCAP_DPORT, .size = 2 },
};

static const struct fuzz_set fuzz_encap = {
	.attrs = fuzz_encap_attrs,
	.n = FUZZ_N(fuzz_encap_attrs),
};

static const struct fuzz_attr fuzz_lifetime_attrs[] = {
	{ .type = IPSEC_IPIP_A_LIFETIME_SOFT_BYTES, .size = 8 },
	{ .type = IPSEC_IPIP_A_LIFETIME_HARD_BYTES, .size = 8 },
	{ .type = IPSEC_IPIP_A_LIFETIME_SOFT_PACKETS, .size = 8 },
	{ .type = IPSEC_IPIP_A_LIFETIME_HARD_PACKETS, .size = 8 },
	{ .type = IPSEC_IPIP_A_LIFETIME_SOFT_ADD_SECONDS, .size = 8 },
	{ .type = IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS, .size = 8 },
	{ .type = IPSEC_IPIP_A_LIFETIME_SOFT_USE_SECONDS, .size = 8 },
	{ .type = IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS, .size = 8 },
};

static const struct fuzz_set fuzz_lifetime = {
	.attrs = fuzz_lifetime_attrs,
	.n = FUZZ_N(fuzz_lifetime_attrs),
};

static const struct fuzz_attr fuzz_sa_attrs[] = {
	{ .type = IPSEC_IPIP_A_SA_IFINDEX, .size = 4 },
	{ .type = IPSEC_IPIP_A_SA_IFNAME,
	  .kind = FUZZ_STRING },
	{ .type = IPSEC_IPIP_A_SA_DIRECTION, .size = 4,
	  .values = 2 },
	{ .type = IPSEC_IPIP_A_SA_PROTO, .size = 1 },
	{ .type = IPSEC_IPIP_A_SA_SPI, .size = 4 },
	{ .type = IPSEC_IPIP_A_SA_MODE, .size = 4,
	  .values = 2 },
	{ .type = IPSEC_IPIP_A_SA_REQID, .size = 4 },
	{ .type = IPSEC_IPIP_A_SA_SRC,
	  .kind = FUZZ_BINARY },
	{ .type = IPSEC_IPIP_A_SA_DST,
	  .kind = FUZZ_BINARY },
	{ .type = IPSEC_IPIP_A_SA_AEAD_NAME,
	  .kind = FUZZ_STRING },
	{ .type = IPSEC_IPIP_A_SA_AEAD_KEY,
	  .kind = FUZZ_BINARY },
	{ .type = IPSEC_IPIP_A_SA_ENC_NAME,
	  .kind = FUZZ_STRING },
	{ .type = IPSEC_IPIP_A_SA_ENC_KEY,
	  .kind = FUZZ_BINARY },
	{ .type = IPSEC_IPIP_A_SA_AUTH_NAME,
	  .kind = FUZZ_STRING },
	{ .type = IPSEC_IPIP_A_SA_AUTH_KEY,
	  .kind = FUZZ_BINARY },
	{ .type = IPSEC_IPIP_A_SA_ICV_BITS, .size = 4 },
	{ .type = IPSEC_IPIP_A_SA_REPLAY_WINDOW, .size = 4 },
	{ .type = IPSEC_IPIP_A_SA_ESN,
	  .kind = FUZZ_FLAG },
	{ .type = IPSEC_IPIP_A_SA_SEQ, .size = 8 },
	{ .type = IPSEC_IPIP_A_SA_LIFETIME,
	  .kind = FUZZ_NEST,
	  .nest = &fuzz_lifetime },
	{ .type = IPSEC_IPIP_A_SA_ENCAP,
	  .kind = FUZZ_NEST,
	  .nest = &fuzz_encap },
	{ .type = IPSEC_IPIP_A_SA_KEYS,
	  .kind = FUZZ_FLAG },
	{ .type = IPSEC_IPIP_A_SA_ACTIVE,
	  .kind = FUZZ_FLAG },
	{ .type = IPSEC_IPIP_A_SA_PINNED,
	  .kind = FUZZ_FLAG },
	{ .type = IPSEC_IPIP_A_SA_DYING,
	  .kind = FUZZ_FLAG },
	{ .type = IPSEC_IPIP_A_SA_HARD,
	  .kind = FUZZ_FLAG },
	{ .type = IPSEC_IPIP_A_SA_STATS,
	  .kind = FUZZ_NEST },
	{ .type = IPSEC_IPIP_A_SA_ADOPTED,
	  .kind = FUZZ_FLAG },
	{ .type = IPSEC_IPIP_A_SA_REFUSAL, .size = 4,
	  .values = 14 },
	{ .type = IPSEC_IPIP_A_SA_PCPU, .size = 4 },
	{ .type = IPSEC_IPIP_A_SA_OFFLOAD, .size = 4,
	  .values = 2 },
	{ .type = IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX, .size = 4 },
	{ .type = IPSEC_IPIP_A_SA_MARK, .size = 4 },
};

static const struct fuzz_set fuzz_sa = {
	.attrs = fuzz_sa_attrs,
	.n = FUZZ_N(fuzz_sa_attrs),
};

static const struct fuzz_attr fuzz_link_attrs[] = {
	{ .type = IFLA_IPSEC_IPIP_LOCAL,
	  .kind = FUZZ_BINARY },
	{ .type = IFLA_IPSEC_IPIP_REMOTE,
	  .kind = FUZZ_BINARY },
	{ .type = IFLA_IPSEC_IPIP_LINK, .size = 4 },
	{ .type = IFLA_IPSEC_IPIP_IF_ID, .size = 4 },
	{ .type = IFLA_IPSEC_IPIP_REQID, .size = 4 },
	{ .type = IFLA_IPSEC_IPIP_TTL, .size = 1 },
	{ .type = IFLA_IPSEC_IPIP_TOS, .size = 1 },
	{ .type = IFLA_IPSEC_IPIP_DF, .size = 1,
	  .values = 3 },
	{ .type = IFLA_IPSEC_IPIP_FWMARK, .size = 4 },
	{ .type = IFLA_IPSEC_IPIP_ECN, .size = 1,
	  .values = 3 },
	{ .type = IFLA_IPSEC_IPIP_FLOWLABEL, .size = 1,
	  .values = 3 },
	{ .type = IFLA_IPSEC_IPIP_KEYING, .size = 1,
	  .values = 3 },
	{ .type = IFLA_IPSEC_IPIP_ICMP, .size = 1 },
	{ .type = IFLA_IPSEC_IPIP_ROAM, .size = 1 },
	{ .type = IFLA_IPSEC_IPIP_ENCAP_PORT, .size = 2 },
	{ .type = IFLA_IPSEC_IPIP_PEER,
	  .kind = FUZZ_BINARY },
	{ .type = IFLA_IPSEC_IPIP_POLICIES, .size = 1,
	  .values = 2 },
	{ .type = IFLA_IPSEC_IPIP_FOREIGN,
	  .kind = FUZZ_FLAG },
	{ .type = IFLA_IPSEC_IPIP_MTU_AUTO, .size = 1 },
};

static const struct fuzz_set fuzz_link = {
	.attrs = fuzz_link_attrs,
	.n = FUZZ_N(fuzz_link_attrs),
};

static const struct fuzz_cmd fuzz_cmds[] = {
	{ .cmd = IPSEC_IPIP_CMD_SA_ADD,
	  .attrs = FUZZ_BIT(IPSEC_IPIP_A_SA_IFINDEX) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_IFNAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_DIRECTION) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_PROTO) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_SPI) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_MODE) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_REQID) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_AEAD_NAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_AEAD_KEY) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_ENC_NAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_ENC_KEY) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_AUTH_NAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_AUTH_KEY) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_ICV_BITS) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_REPLAY_WINDOW) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_ESN) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_SEQ) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_LIFETIME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_ENCAP) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_PCPU) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_OFFLOAD) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX) },
	{ .cmd = IPSEC_IPIP_CMD_SA_DEL,
	  .attrs = FUZZ_BIT(IPSEC_IPIP_A_SA_IFINDEX) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_IFNAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_DIRECTION) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_PROTO) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_SPI) },
	{ .cmd = IPSEC_IPIP_CMD_SA_GET,
	  .attrs = FUZZ_BIT(IPSEC_IPIP_A_SA_IFINDEX) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_IFNAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_DIRECTION) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_PROTO) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_SPI) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_KEYS) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_DST) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_MARK) },
	{ .cmd = IPSEC_IPIP_CMD_SA_GET, .dump = true,
	  .attrs = FUZZ_BIT(IPSEC_IPIP_A_SA_IFINDEX) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_IFNAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_KEYS) },
	{ .cmd = IPSEC_IPIP_CMD_SA_ACTIVATE,
	  .attrs = FUZZ_BIT(IPSEC_IPIP_A_SA_IFINDEX) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_IFNAME) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_PROTO) |
		   FUZZ_BIT(IPSEC_IPIP_A_SA_SPI) },
	{ .cmd = IPSEC_IPIP_CMD_DEV_GET,
	  .attrs = FUZZ_BIT(IPSEC_IPIP_A_DEV_IFINDEX) |
		   FUZZ_BIT(IPSEC_IPIP_A_DEV_IFNAME) },
	{ .cmd = IPSEC_IPIP_CMD_DEV_GET, .dump = true },
};

#endif /* FUZZ_SPEC_H */
