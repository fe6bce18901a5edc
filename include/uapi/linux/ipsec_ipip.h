/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ipsec-ipip.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_IPSEC_IPIP_H
#define _UAPI_LINUX_IPSEC_IPIP_H

#define IPSEC_IPIP_FAMILY_NAME		"ipsec-ipip"
#define IPSEC_IPIP_FAMILY_VERSION	1

/**
 * enum ipsec_ipip_direction - Direction of an SA as seen from the device.
 */
enum ipsec_ipip_direction {
	IPSEC_IPIP_DIRECTION_IN,
	IPSEC_IPIP_DIRECTION_OUT,
};

/**
 * enum ipsec_ipip_mode - Mode of an SA (RFC 4301 section 4.1). Outbound SAs
 *   are in transport mode; their packets are the same as in tunnel mode.
 */
enum ipsec_ipip_mode {
	IPSEC_IPIP_MODE_TRANSPORT,
	IPSEC_IPIP_MODE_TUNNEL,
};

/**
 * enum ipsec_ipip_df - Don't-fragment bit of the outer IPv4 header. In all
 *   three cases a packet with DF clear that exceeds the path MTU is sent with
 *   outer DF clear and fragmented after encryption.
 * @IPSEC_IPIP_DF_UNSET: Always clear (RFC 4301 section 8.1).
 * @IPSEC_IPIP_DF_SET: Always set, unless the packet exceeds the path MTU (RFC
 *   2003 section 5.1).
 * @IPSEC_IPIP_DF_INHERIT: Copied from the inner header, as tunnel mode does.
 */
enum ipsec_ipip_df {
	IPSEC_IPIP_DF_UNSET,
	IPSEC_IPIP_DF_SET,
	IPSEC_IPIP_DF_INHERIT,
};

/**
 * enum ipsec_ipip_ecn - ECN field of the outer header. On receive, the inner
 *   and outer ECN fields are always combined as RFC 6040 section 4.2 requires.
 * @IPSEC_IPIP_ECN_RFC3168: Copied, with CE as ECT(0), as in Linux tunnel mode.
 * @IPSEC_IPIP_ECN_RFC6040: Copied, including CE (RFC 6040 section 4.1, normal
 *   mode).
 * @IPSEC_IPIP_ECN_OFF: Always 0 (RFC 6040 section 4.1, compatibility mode).
 */
enum ipsec_ipip_ecn {
	IPSEC_IPIP_ECN_RFC3168,
	IPSEC_IPIP_ECN_RFC6040,
	IPSEC_IPIP_ECN_OFF,
};

/**
 * enum ipsec_ipip_flowlabel - Flow label of the outer IPv6 header.
 * @IPSEC_IPIP_FLOWLABEL_INHERIT: Copied from inner IPv6, 0 with inner IPv4, as
 *   in Linux tunnel mode.
 * @IPSEC_IPIP_FLOWLABEL_HASH: From a hash of the inner flow (RFC 6438 section
 *   3).
 * @IPSEC_IPIP_FLOWLABEL_ZERO: Always 0.
 */
enum ipsec_ipip_flowlabel {
	IPSEC_IPIP_FLOWLABEL_INHERIT,
	IPSEC_IPIP_FLOWLABEL_HASH,
	IPSEC_IPIP_FLOWLABEL_ZERO,
};

/**
 * enum ipsec_ipip_keying - The key manager's SAs that a device adopts.
 * @IPSEC_IPIP_KEYING_MANUAL: None. SAs are used unchanged, or not at all.
 * @IPSEC_IPIP_KEYING_ADOPT: Tunnel-mode ESP SAs that carry the if_id of the
 *   device. Outbound ones are replaced by transport-mode SAs, whose packets
 *   are the same.
 * @IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS: The same, and also tunnel-mode ESP SAs
 *   without if_id between the endpoints of the device. They get the if_id of
 *   the device.
 */
enum ipsec_ipip_keying {
	IPSEC_IPIP_KEYING_MANUAL,
	IPSEC_IPIP_KEYING_ADOPT,
	IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS,
};

/**
 * enum ipsec_ipip_policies - The policies of a key manager apply to the SAs
 *   with their reqid. This selects the packets that pass through an SA without
 *   any policy.
 * @IPSEC_IPIP_POLICIES_OPTIONAL: All, except those that the SA's own selectors
 *   exclude.
 * @IPSEC_IPIP_POLICIES_REQUIRED: None, as in tunnel mode without a policy (RFC
 *   4301 section 5.2).
 */
enum ipsec_ipip_policies {
	IPSEC_IPIP_POLICIES_OPTIONAL,
	IPSEC_IPIP_POLICIES_REQUIRED,
};

/**
 * enum ipsec_ipip_refusal - The reason why a device does not adopt or use an
 *   SA.
 * @IPSEC_IPIP_REFUSAL_SELECTOR: Its selectors name a protocol or ports (RFC
 *   3884 section 4.2.4).
 * @IPSEC_IPIP_REFUSAL_INTEGRITY: It has no integrity protection.
 * @IPSEC_IPIP_REFUSAL_OFFLOAD: It is offloaded to a network device, and not in
 *   transport mode, or is outbound and offloaded as a whole.
 * @IPSEC_IPIP_REFUSAL_UNSUPPORTED: It has a property that a replacement would
 *   lose, such as a security context or a care-of address.
 * @IPSEC_IPIP_REFUSAL_FAILED: Its replacement failed. If the SA was already
 *   deleted at that point, a hard expiry is reported too.
 * @IPSEC_IPIP_REFUSAL_MARK: It has a mark and does not have the device's
 *   if_id.
 * @IPSEC_IPIP_REFUSAL_LIMIT: The device has reached its limit of SAs.
 * @IPSEC_IPIP_REFUSAL_IF_ID: It does not have the device's if_id.
 * @IPSEC_IPIP_REFUSAL_INVALID: It is not valid yet, or no longer.
 * @IPSEC_IPIP_REFUSAL_PROTOCOL: It is neither ESP nor AH.
 * @IPSEC_IPIP_REFUSAL_ADDRESS: Its addresses are not the endpoints of the
 *   device.
 * @IPSEC_IPIP_REFUSAL_MODE: It is outbound and not in transport mode, or
 *   inbound and neither in transport nor in tunnel mode.
 * @IPSEC_IPIP_REFUSAL_EXHAUSTED: It has used up its sequence numbers.
 * @IPSEC_IPIP_REFUSAL_PENDING: The device is about to take it.
 */
enum ipsec_ipip_refusal {
	IPSEC_IPIP_REFUSAL_SELECTOR,
	IPSEC_IPIP_REFUSAL_INTEGRITY,
	IPSEC_IPIP_REFUSAL_OFFLOAD,
	IPSEC_IPIP_REFUSAL_UNSUPPORTED,
	IPSEC_IPIP_REFUSAL_FAILED,
	IPSEC_IPIP_REFUSAL_MARK,
	IPSEC_IPIP_REFUSAL_LIMIT,
	IPSEC_IPIP_REFUSAL_IF_ID,
	IPSEC_IPIP_REFUSAL_INVALID,
	IPSEC_IPIP_REFUSAL_PROTOCOL,
	IPSEC_IPIP_REFUSAL_ADDRESS,
	IPSEC_IPIP_REFUSAL_MODE,
	IPSEC_IPIP_REFUSAL_EXHAUSTED,
	IPSEC_IPIP_REFUSAL_PENDING,
};

/**
 * enum ipsec_ipip_offload - The type of hardware offload of an SA.
 * @IPSEC_IPIP_OFFLOAD_CRYPTO: The network device encrypts and decrypts.
 * @IPSEC_IPIP_OFFLOAD_PACKET: The network device does all IPsec processing.
 *   Not supported.
 */
enum ipsec_ipip_offload {
	IPSEC_IPIP_OFFLOAD_CRYPTO,
	IPSEC_IPIP_OFFLOAD_PACKET,
};

#define IPSEC_IPIP_KEY_MAX_LEN		128
#define IPSEC_IPIP_ALG_NAME_MAX_LEN	63
#define IPSEC_IPIP_REPLAY_WINDOW_MAX	4096
#define IPSEC_IPIP_POLICIES_MAX		8192

enum ipsec_ipip_link_attr {
	IFLA_IPSEC_IPIP_LOCAL = 1,
	IFLA_IPSEC_IPIP_REMOTE,
	IFLA_IPSEC_IPIP_LINK,
	IFLA_IPSEC_IPIP_IF_ID,
	IFLA_IPSEC_IPIP_REQID,
	IFLA_IPSEC_IPIP_TTL,
	IFLA_IPSEC_IPIP_TOS,
	IFLA_IPSEC_IPIP_DF,
	IFLA_IPSEC_IPIP_FWMARK,
	IFLA_IPSEC_IPIP_ECN,
	IFLA_IPSEC_IPIP_FLOWLABEL,
	IFLA_IPSEC_IPIP_KEYING,
	IFLA_IPSEC_IPIP_ICMP,
	IFLA_IPSEC_IPIP_ROAM,
	IFLA_IPSEC_IPIP_ENCAP_PORT,
	IFLA_IPSEC_IPIP_PEER,
	IFLA_IPSEC_IPIP_POLICIES,
	IFLA_IPSEC_IPIP_FOREIGN,
	IFLA_IPSEC_IPIP_MTU_AUTO,

	__IFLA_IPSEC_IPIP_MAX,
	IFLA_IPSEC_IPIP_MAX = (__IFLA_IPSEC_IPIP_MAX - 1)
};

enum {
	IPSEC_IPIP_A_STATS_PAD = 1,
	IPSEC_IPIP_A_STATS_TX_NO_SA,
	IPSEC_IPIP_A_STATS_TX_NO_ROUTE,
	IPSEC_IPIP_A_STATS_TX_LOOP,
	IPSEC_IPIP_A_STATS_TX_PROTOCOL,
	IPSEC_IPIP_A_STATS_TX_TOO_BIG,
	IPSEC_IPIP_A_STATS_TX_MALFORMED,
	IPSEC_IPIP_A_STATS_TX_ERROR,
	IPSEC_IPIP_A_STATS_RX_OUTER_ADDRESS,
	IPSEC_IPIP_A_STATS_RX_PROTOCOL,
	IPSEC_IPIP_A_STATS_RX_MALFORMED,
	IPSEC_IPIP_A_STATS_RX_ECN,
	IPSEC_IPIP_A_STATS_RX_CRYPTO,
	IPSEC_IPIP_A_STATS_RX_DOWN,
	IPSEC_IPIP_A_STATS_RX_DUMMY,
	IPSEC_IPIP_A_STATS_RX_ECN_ODD,
	IPSEC_IPIP_A_STATS_TX_SELECTOR,
	IPSEC_IPIP_A_STATS_RX_SELECTOR,
	IPSEC_IPIP_A_STATS_TX_PATH_ERROR,

	__IPSEC_IPIP_A_STATS_MAX,
	IPSEC_IPIP_A_STATS_MAX = (__IPSEC_IPIP_A_STATS_MAX - 1)
};

enum {
	IPSEC_IPIP_A_DEV_IFINDEX = 1,
	IPSEC_IPIP_A_DEV_IFNAME,
	IPSEC_IPIP_A_DEV_IF_ID,
	IPSEC_IPIP_A_DEV_REQID,
	IPSEC_IPIP_A_DEV_LOCAL,
	IPSEC_IPIP_A_DEV_REMOTE,
	IPSEC_IPIP_A_DEV_LINK,
	IPSEC_IPIP_A_DEV_TTL,
	IPSEC_IPIP_A_DEV_TOS,
	IPSEC_IPIP_A_DEV_DF,
	IPSEC_IPIP_A_DEV_FWMARK,
	IPSEC_IPIP_A_DEV_MTU,
	IPSEC_IPIP_A_DEV_MTU_AUTO,
	IPSEC_IPIP_A_DEV_SA_IN,
	IPSEC_IPIP_A_DEV_SA_OUT,
	IPSEC_IPIP_A_DEV_ACTIVE_SPI,
	IPSEC_IPIP_A_DEV_ACTIVE_PROTO,
	IPSEC_IPIP_A_DEV_PINNED,
	IPSEC_IPIP_A_DEV_STATS,
	IPSEC_IPIP_A_DEV_ECN,
	IPSEC_IPIP_A_DEV_FLOWLABEL,
	IPSEC_IPIP_A_DEV_CARRIER,
	IPSEC_IPIP_A_DEV_KEYING,
	IPSEC_IPIP_A_DEV_MTU_FIT,
	IPSEC_IPIP_A_DEV_ICMP,
	IPSEC_IPIP_A_DEV_ROAM,
	IPSEC_IPIP_A_DEV_ENCAP_PORT,
	IPSEC_IPIP_A_DEV_PEER,
	IPSEC_IPIP_A_DEV_PEER_PORT,
	IPSEC_IPIP_A_DEV_POLICIES,
	IPSEC_IPIP_A_DEV_WITHHELD,
	IPSEC_IPIP_A_DEV_RX_AGE,

	__IPSEC_IPIP_A_DEV_MAX,
	IPSEC_IPIP_A_DEV_MAX = (__IPSEC_IPIP_A_DEV_MAX - 1)
};

enum {
	IPSEC_IPIP_A_LIFETIME_PAD = 1,
	IPSEC_IPIP_A_LIFETIME_SOFT_BYTES,
	IPSEC_IPIP_A_LIFETIME_HARD_BYTES,
	IPSEC_IPIP_A_LIFETIME_SOFT_PACKETS,
	IPSEC_IPIP_A_LIFETIME_HARD_PACKETS,
	IPSEC_IPIP_A_LIFETIME_SOFT_ADD_SECONDS,
	IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS,
	IPSEC_IPIP_A_LIFETIME_SOFT_USE_SECONDS,
	IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS,

	__IPSEC_IPIP_A_LIFETIME_MAX,
	IPSEC_IPIP_A_LIFETIME_MAX = (__IPSEC_IPIP_A_LIFETIME_MAX - 1)
};

enum {
	IPSEC_IPIP_A_ENCAP_SPORT = 1,
	IPSEC_IPIP_A_ENCAP_DPORT,

	__IPSEC_IPIP_A_ENCAP_MAX,
	IPSEC_IPIP_A_ENCAP_MAX = (__IPSEC_IPIP_A_ENCAP_MAX - 1)
};

enum {
	IPSEC_IPIP_A_SA_STATS_PAD = 1,
	IPSEC_IPIP_A_SA_STATS_BYTES,
	IPSEC_IPIP_A_SA_STATS_PACKETS,
	IPSEC_IPIP_A_SA_STATS_ADD_TIME,
	IPSEC_IPIP_A_SA_STATS_USE_TIME,
	IPSEC_IPIP_A_SA_STATS_SEQ,
	IPSEC_IPIP_A_SA_STATS_REPLAYED,
	IPSEC_IPIP_A_SA_STATS_REPLAY_LATE,
	IPSEC_IPIP_A_SA_STATS_INTEGRITY_FAILED,

	__IPSEC_IPIP_A_SA_STATS_MAX,
	IPSEC_IPIP_A_SA_STATS_MAX = (__IPSEC_IPIP_A_SA_STATS_MAX - 1)
};

enum {
	IPSEC_IPIP_A_SA_IFINDEX = 1,
	IPSEC_IPIP_A_SA_IFNAME,
	IPSEC_IPIP_A_SA_DIRECTION,
	IPSEC_IPIP_A_SA_PROTO,
	IPSEC_IPIP_A_SA_SPI,
	IPSEC_IPIP_A_SA_MODE,
	IPSEC_IPIP_A_SA_REQID,
	IPSEC_IPIP_A_SA_SRC,
	IPSEC_IPIP_A_SA_DST,
	IPSEC_IPIP_A_SA_AEAD_NAME,
	IPSEC_IPIP_A_SA_AEAD_KEY,
	IPSEC_IPIP_A_SA_ENC_NAME,
	IPSEC_IPIP_A_SA_ENC_KEY,
	IPSEC_IPIP_A_SA_AUTH_NAME,
	IPSEC_IPIP_A_SA_AUTH_KEY,
	IPSEC_IPIP_A_SA_ICV_BITS,
	IPSEC_IPIP_A_SA_REPLAY_WINDOW,
	IPSEC_IPIP_A_SA_ESN,
	IPSEC_IPIP_A_SA_SEQ,
	IPSEC_IPIP_A_SA_LIFETIME,
	IPSEC_IPIP_A_SA_ENCAP,
	IPSEC_IPIP_A_SA_KEYS,
	IPSEC_IPIP_A_SA_ACTIVE,
	IPSEC_IPIP_A_SA_PINNED,
	IPSEC_IPIP_A_SA_DYING,
	IPSEC_IPIP_A_SA_HARD,
	IPSEC_IPIP_A_SA_STATS,
	IPSEC_IPIP_A_SA_PAD,
	IPSEC_IPIP_A_SA_ADOPTED,
	IPSEC_IPIP_A_SA_REFUSAL,
	IPSEC_IPIP_A_SA_PCPU,
	IPSEC_IPIP_A_SA_OFFLOAD,
	IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX,
	IPSEC_IPIP_A_SA_MARK,

	__IPSEC_IPIP_A_SA_MAX,
	IPSEC_IPIP_A_SA_MAX = (__IPSEC_IPIP_A_SA_MAX - 1)
};

enum {
	IPSEC_IPIP_CMD_SA_ADD = 1,
	IPSEC_IPIP_CMD_SA_DEL,
	IPSEC_IPIP_CMD_SA_GET,
	IPSEC_IPIP_CMD_SA_ACTIVATE,
	IPSEC_IPIP_CMD_DEV_GET,
	IPSEC_IPIP_CMD_SA_ADD_NTF,
	IPSEC_IPIP_CMD_SA_DEL_NTF,
	IPSEC_IPIP_CMD_SA_EXPIRE_NTF,
	IPSEC_IPIP_CMD_SA_ACTIVATE_NTF,
	IPSEC_IPIP_CMD_DEV_CARRIER_NTF,
	IPSEC_IPIP_CMD_SA_REFUSE_NTF,
	IPSEC_IPIP_CMD_DEV_PEER_NTF,

	__IPSEC_IPIP_CMD_MAX,
	IPSEC_IPIP_CMD_MAX = (__IPSEC_IPIP_CMD_MAX - 1)
};

#define IPSEC_IPIP_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_IPSEC_IPIP_H */
