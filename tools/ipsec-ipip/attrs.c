// SPDX-License-Identifier: GPL-2.0
/*
 * Tables of the family's attributes, and functions that use them: validated
 * access to the attributes of a message, and the names for error messages. json.c
 * makes JSON; the verbs lay out readable output.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <linux/genetlink.h>

#include "attrs.h"
#include "ipsi.h"

static const char * const ipsi_direction_names[] = {
	[IPSEC_IPIP_DIRECTION_IN]	= "in",
	[IPSEC_IPIP_DIRECTION_OUT]	= "out",
	NULL
};

static const char * const ipsi_offload_names[] = {
	[IPSEC_IPIP_OFFLOAD_CRYPTO]	= "crypto",
	[IPSEC_IPIP_OFFLOAD_PACKET]	= "packet",
	NULL
};

static const char * const ipsi_mode_names[] = {
	[IPSEC_IPIP_MODE_TRANSPORT]	= "transport",
	[IPSEC_IPIP_MODE_TUNNEL]	= "tunnel",
	NULL
};

static const char * const ipsi_df_names[] = {
	[IPSEC_IPIP_DF_UNSET]	= "unset",
	[IPSEC_IPIP_DF_SET]	= "set",
	[IPSEC_IPIP_DF_INHERIT]	= "inherit",
	NULL
};

static const char * const ipsi_ecn_names[] = {
	[IPSEC_IPIP_ECN_RFC3168]	= "rfc3168",
	[IPSEC_IPIP_ECN_RFC6040]	= "rfc6040",
	[IPSEC_IPIP_ECN_OFF]		= "off",
	NULL
};

static const char * const ipsi_flowlabel_names[] = {
	[IPSEC_IPIP_FLOWLABEL_INHERIT]	= "inherit",
	[IPSEC_IPIP_FLOWLABEL_HASH]	= "hash",
	[IPSEC_IPIP_FLOWLABEL_ZERO]	= "zero",
	NULL
};

static const char * const ipsi_keying_names[] = {
	[IPSEC_IPIP_KEYING_MANUAL]		= "manual",
	[IPSEC_IPIP_KEYING_ADOPT]		= "adopt",
	[IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS]	= "adopt-endpoints",
	NULL
};

static const char * const ipsi_policies_names[] = {
	[IPSEC_IPIP_POLICIES_OPTIONAL]	= "optional",
	[IPSEC_IPIP_POLICIES_REQUIRED]	= "required",
	NULL
};

static const char * const ipsi_refusal_names[] = {
	[IPSEC_IPIP_REFUSAL_SELECTOR]		= "selector",
	[IPSEC_IPIP_REFUSAL_INTEGRITY]		= "integrity",
	[IPSEC_IPIP_REFUSAL_OFFLOAD]		= "offload",
	[IPSEC_IPIP_REFUSAL_UNSUPPORTED]	= "unsupported",
	[IPSEC_IPIP_REFUSAL_FAILED]		= "failed",
	[IPSEC_IPIP_REFUSAL_MARK]		= "mark",
	[IPSEC_IPIP_REFUSAL_LIMIT]		= "limit",
	[IPSEC_IPIP_REFUSAL_IF_ID]		= "if-id",
	[IPSEC_IPIP_REFUSAL_INVALID]		= "invalid",
	[IPSEC_IPIP_REFUSAL_PROTOCOL]		= "protocol",
	[IPSEC_IPIP_REFUSAL_ADDRESS]		= "address",
	[IPSEC_IPIP_REFUSAL_MODE]		= "mode",
	[IPSEC_IPIP_REFUSAL_EXHAUSTED]		= "exhausted",
	[IPSEC_IPIP_REFUSAL_PENDING]		= "pending",
	NULL
};

/* A plain attribute; one with its own word on the command line; a nest; an enum. */
#define IPSI_A(n, t)		{ .name = n, .type = t }
#define IPSI_W(n, w, t)		{ .name = n, .word = w, .type = t }
#define IPSI_N(n, w, s)							\
	{ .name = n, .word = w, .type = IPSI_NEST, .nest = &(s) }
#define IPSI_E(n, w, t, v)						\
	{ .name = n, .word = w, .type = t, .values = v }
#define IPSI_SET(name, last)	{ .attrs = name, .max = last }

static const struct ipsi_attr ipsi_stats_attrs[] = {
	[IPSEC_IPIP_A_STATS_TX_NO_SA] = IPSI_A("tx-no-sa", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_NO_ROUTE] = IPSI_A("tx-no-route", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_LOOP] = IPSI_A("tx-loop", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_PROTOCOL] = IPSI_A("tx-protocol", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_TOO_BIG] = IPSI_A("tx-too-big", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_MALFORMED] = IPSI_A("tx-malformed", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_ERROR] = IPSI_A("tx-error", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_OUTER_ADDRESS] =
		IPSI_A("rx-outer-address", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_PROTOCOL] = IPSI_A("rx-protocol", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_MALFORMED] = IPSI_A("rx-malformed", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_ECN] = IPSI_A("rx-ecn", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_CRYPTO] = IPSI_A("rx-crypto", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_DOWN] = IPSI_A("rx-down", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_DUMMY] = IPSI_A("rx-dummy", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_ECN_ODD] = IPSI_A("rx-ecn-odd", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_SELECTOR] = IPSI_A("tx-selector", IPSI_U64),
	[IPSEC_IPIP_A_STATS_RX_SELECTOR] = IPSI_A("rx-selector", IPSI_U64),
	[IPSEC_IPIP_A_STATS_TX_PATH_ERROR] = IPSI_A("tx-path-error", IPSI_U64),
};

static const struct ipsi_attr_set ipsi_stats_set =
	IPSI_SET(ipsi_stats_attrs, IPSEC_IPIP_A_STATS_MAX);

static const struct ipsi_attr ipsi_dev_attrs[] = {
	[IPSEC_IPIP_A_DEV_IFINDEX] = IPSI_W("ifindex", "device", IPSI_U32),
	[IPSEC_IPIP_A_DEV_IFNAME] = IPSI_W("ifname", "device", IPSI_STRING),
	[IPSEC_IPIP_A_DEV_IF_ID] = IPSI_A("if-id", IPSI_U32),
	[IPSEC_IPIP_A_DEV_REQID] = IPSI_A("reqid", IPSI_U32),
	[IPSEC_IPIP_A_DEV_LOCAL] = IPSI_A("local", IPSI_ADDR),
	[IPSEC_IPIP_A_DEV_REMOTE] = IPSI_A("remote", IPSI_ADDR),
	[IPSEC_IPIP_A_DEV_LINK] = IPSI_A("link", IPSI_U32),
	[IPSEC_IPIP_A_DEV_TTL] = IPSI_A("ttl", IPSI_U8),
	[IPSEC_IPIP_A_DEV_TOS] = IPSI_A("tos", IPSI_U8),
	[IPSEC_IPIP_A_DEV_DF] = IPSI_E("df", NULL, IPSI_ENUM8, ipsi_df_names),
	[IPSEC_IPIP_A_DEV_FWMARK] = IPSI_A("fwmark", IPSI_U32),
	[IPSEC_IPIP_A_DEV_MTU] = IPSI_A("mtu", IPSI_U32),
	[IPSEC_IPIP_A_DEV_MTU_AUTO] = IPSI_A("mtu-auto", IPSI_FLAG),
	[IPSEC_IPIP_A_DEV_SA_IN] = IPSI_A("sa-in", IPSI_U32),
	[IPSEC_IPIP_A_DEV_SA_OUT] = IPSI_A("sa-out", IPSI_U32),
	[IPSEC_IPIP_A_DEV_ACTIVE_SPI] = IPSI_A("active-spi", IPSI_BE32),
	[IPSEC_IPIP_A_DEV_ACTIVE_PROTO] = IPSI_A("active-proto", IPSI_PROTO),
	[IPSEC_IPIP_A_DEV_PINNED] = IPSI_A("pinned", IPSI_FLAG),
	[IPSEC_IPIP_A_DEV_STATS] = IPSI_N("stats", NULL, ipsi_stats_set),
	[IPSEC_IPIP_A_DEV_ECN] =
		IPSI_E("ecn", NULL, IPSI_ENUM8, ipsi_ecn_names),
	[IPSEC_IPIP_A_DEV_FLOWLABEL] =
		IPSI_E("flowlabel", NULL, IPSI_ENUM8, ipsi_flowlabel_names),
	[IPSEC_IPIP_A_DEV_CARRIER] = IPSI_A("carrier", IPSI_BOOL),
	[IPSEC_IPIP_A_DEV_KEYING] =
		IPSI_E("keying", NULL, IPSI_ENUM8, ipsi_keying_names),
	[IPSEC_IPIP_A_DEV_MTU_FIT] = IPSI_A("mtu-fit", IPSI_U32),
	[IPSEC_IPIP_A_DEV_ICMP] = IPSI_A("icmp", IPSI_U8),
	[IPSEC_IPIP_A_DEV_ROAM] = IPSI_A("roam", IPSI_FLAG),
	[IPSEC_IPIP_A_DEV_ENCAP_PORT] = IPSI_A("encap-port", IPSI_BE16),
	[IPSEC_IPIP_A_DEV_PEER] = IPSI_A("peer", IPSI_ADDR),
	[IPSEC_IPIP_A_DEV_PEER_PORT] = IPSI_A("peer-port", IPSI_BE16),
	[IPSEC_IPIP_A_DEV_POLICIES] =
		IPSI_E("policies", NULL, IPSI_ENUM8, ipsi_policies_names),
	[IPSEC_IPIP_A_DEV_WITHHELD] = IPSI_A("withheld", IPSI_FLAG),
	[IPSEC_IPIP_A_DEV_RX_AGE] = IPSI_A("rx-age", IPSI_U32),
};

const struct ipsi_attr_set ipsi_dev_set =
	IPSI_SET(ipsi_dev_attrs, IPSEC_IPIP_A_DEV_MAX);

static const struct ipsi_attr ipsi_lifetime_attrs[] = {
	[IPSEC_IPIP_A_LIFETIME_SOFT_BYTES] =
		IPSI_W("soft-bytes", "limit byte-soft", IPSI_U64),
	[IPSEC_IPIP_A_LIFETIME_HARD_BYTES] =
		IPSI_W("hard-bytes", "limit byte-hard", IPSI_U64),
	[IPSEC_IPIP_A_LIFETIME_SOFT_PACKETS] =
		IPSI_W("soft-packets", "limit packet-soft", IPSI_U64),
	[IPSEC_IPIP_A_LIFETIME_HARD_PACKETS] =
		IPSI_W("hard-packets", "limit packet-hard", IPSI_U64),
	[IPSEC_IPIP_A_LIFETIME_SOFT_ADD_SECONDS] =
		IPSI_W("soft-add-seconds", "limit time-soft", IPSI_U64),
	[IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS] =
		IPSI_W("hard-add-seconds", "limit time-hard", IPSI_U64),
	[IPSEC_IPIP_A_LIFETIME_SOFT_USE_SECONDS] =
		IPSI_W("soft-use-seconds", "limit time-use-soft", IPSI_U64),
	[IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS] =
		IPSI_W("hard-use-seconds", "limit time-use-hard", IPSI_U64),
};

static const struct ipsi_attr_set ipsi_lifetime_set =
	IPSI_SET(ipsi_lifetime_attrs, IPSEC_IPIP_A_LIFETIME_MAX);

static const struct ipsi_attr ipsi_encap_attrs[] = {
	[IPSEC_IPIP_A_ENCAP_SPORT] = IPSI_W("sport", "encap SPORT", IPSI_BE16),
	[IPSEC_IPIP_A_ENCAP_DPORT] = IPSI_W("dport", "encap DPORT", IPSI_BE16),
};

static const struct ipsi_attr_set ipsi_encap_set =
	IPSI_SET(ipsi_encap_attrs, IPSEC_IPIP_A_ENCAP_MAX);

static const struct ipsi_attr ipsi_sa_stats_attrs[] = {
	[IPSEC_IPIP_A_SA_STATS_BYTES] = IPSI_A("bytes", IPSI_U64),
	[IPSEC_IPIP_A_SA_STATS_PACKETS] = IPSI_A("packets", IPSI_U64),
	[IPSEC_IPIP_A_SA_STATS_ADD_TIME] = IPSI_A("add-time", IPSI_U64),
	[IPSEC_IPIP_A_SA_STATS_USE_TIME] = IPSI_A("use-time", IPSI_U64),
	[IPSEC_IPIP_A_SA_STATS_SEQ] = IPSI_A("seq", IPSI_U64),
	[IPSEC_IPIP_A_SA_STATS_REPLAYED] = IPSI_A("replayed", IPSI_U32),
	[IPSEC_IPIP_A_SA_STATS_REPLAY_LATE] = IPSI_A("replay-late", IPSI_U32),
	[IPSEC_IPIP_A_SA_STATS_INTEGRITY_FAILED] =
		IPSI_A("integrity-failed", IPSI_U32),
};

static const struct ipsi_attr_set ipsi_sa_stats_set =
	IPSI_SET(ipsi_sa_stats_attrs, IPSEC_IPIP_A_SA_STATS_MAX);

static const struct ipsi_attr ipsi_sa_attrs[] = {
	[IPSEC_IPIP_A_SA_IFINDEX] = IPSI_W("ifindex", "device", IPSI_U32),
	[IPSEC_IPIP_A_SA_IFNAME] = IPSI_W("ifname", "device", IPSI_STRING),
	[IPSEC_IPIP_A_SA_DIRECTION] =
		IPSI_E("direction", "{in|out}", IPSI_ENUM32,
		       ipsi_direction_names),
	[IPSEC_IPIP_A_SA_PROTO] = IPSI_A("proto", IPSI_PROTO),
	[IPSEC_IPIP_A_SA_SPI] = IPSI_A("spi", IPSI_BE32),
	[IPSEC_IPIP_A_SA_MODE] =
		IPSI_E("mode", NULL, IPSI_ENUM32, ipsi_mode_names),
	[IPSEC_IPIP_A_SA_REQID] = IPSI_A("reqid", IPSI_U32),
	[IPSEC_IPIP_A_SA_SRC] = IPSI_A("src", IPSI_ADDR),
	[IPSEC_IPIP_A_SA_DST] = IPSI_A("dst", IPSI_ADDR),
	[IPSEC_IPIP_A_SA_AEAD_NAME] = IPSI_W("aead-name", "aead", IPSI_STRING),
	[IPSEC_IPIP_A_SA_AEAD_KEY] = IPSI_A("aead-key", IPSI_KEY),
	[IPSEC_IPIP_A_SA_ENC_NAME] = IPSI_W("enc-name", "enc", IPSI_STRING),
	[IPSEC_IPIP_A_SA_ENC_KEY] = IPSI_A("enc-key", IPSI_KEY),
	[IPSEC_IPIP_A_SA_AUTH_NAME] = IPSI_W("auth-name", "auth", IPSI_STRING),
	[IPSEC_IPIP_A_SA_AUTH_KEY] = IPSI_A("auth-key", IPSI_KEY),
	[IPSEC_IPIP_A_SA_ICV_BITS] = IPSI_A("icv-bits", IPSI_U32),
	[IPSEC_IPIP_A_SA_REPLAY_WINDOW] = IPSI_A("replay-window", IPSI_U32),
	[IPSEC_IPIP_A_SA_ESN] = IPSI_A("esn", IPSI_FLAG),
	[IPSEC_IPIP_A_SA_SEQ] = IPSI_A("seq", IPSI_U64),
	[IPSEC_IPIP_A_SA_LIFETIME] =
		IPSI_N("lifetime", "limit", ipsi_lifetime_set),
	[IPSEC_IPIP_A_SA_ENCAP] = IPSI_N("encap", NULL, ipsi_encap_set),
	[IPSEC_IPIP_A_SA_KEYS] = IPSI_A("keys", IPSI_FLAG),
	[IPSEC_IPIP_A_SA_ACTIVE] = IPSI_A("active", IPSI_FLAG),
	[IPSEC_IPIP_A_SA_PINNED] = IPSI_A("pinned", IPSI_FLAG),
	[IPSEC_IPIP_A_SA_DYING] = IPSI_A("dying", IPSI_FLAG),
	[IPSEC_IPIP_A_SA_HARD] = IPSI_A("hard", IPSI_FLAG),
	[IPSEC_IPIP_A_SA_STATS] = IPSI_N("stats", NULL, ipsi_sa_stats_set),
	[IPSEC_IPIP_A_SA_ADOPTED] = IPSI_A("adopted", IPSI_FLAG),
	[IPSEC_IPIP_A_SA_REFUSAL] =
		IPSI_E("refusal", NULL, IPSI_ENUM32, ipsi_refusal_names),
	[IPSEC_IPIP_A_SA_PCPU] = IPSI_A("pcpu", IPSI_U32),
	[IPSEC_IPIP_A_SA_OFFLOAD] =
		IPSI_E("offload", NULL, IPSI_ENUM32, ipsi_offload_names),
	[IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX] =
		IPSI_W("offload-ifindex", "offload", IPSI_U32),
	[IPSEC_IPIP_A_SA_MARK] = IPSI_A("mark", IPSI_U32),
};

const struct ipsi_attr_set ipsi_sa_set =
	IPSI_SET(ipsi_sa_attrs, IPSEC_IPIP_A_SA_MAX);

static_assert((int)IPSEC_IPIP_A_DEV_MAX <= (int)IPSI_ATTR_MAX &&
	      (int)IPSEC_IPIP_A_STATS_MAX <= (int)IPSI_ATTR_MAX,
	      "struct ipsi_attrs is too small");

/* A newer kernel may send attributes that are unknown or longer; ignore them. */
static bool ipsi_attr_ok(const struct ipsi_attr_set *set,
			 const struct nlattr *attr)
{
	const unsigned int id = mnl_attr_get_type(attr);
	const uint16_t len = mnl_attr_get_payload_len(attr);

	if (id > set->max)
		return false;
	switch (set->attrs[id].type) {
	case IPSI_NONE:
		return false;
	case IPSI_U8:
	case IPSI_BOOL:
	case IPSI_PROTO:
	case IPSI_ENUM8:
		return len == sizeof(uint8_t);
	case IPSI_BE16:
		return len == sizeof(uint16_t);
	case IPSI_U32:
	case IPSI_BE32:
	case IPSI_ENUM32:
		return len == sizeof(uint32_t);
	case IPSI_U64:
		return len == sizeof(uint64_t);
	case IPSI_STRING:
		return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0;
	case IPSI_ADDR:
		return len == sizeof(struct in_addr) ||
		       len == sizeof(struct in6_addr);
	case IPSI_KEY:
		return len <= IPSEC_IPIP_KEY_MAX_LEN;
	case IPSI_FLAG:
	case IPSI_NEST:
		return true;
	}
	return false;
}

static void ipsi_attrs_take(struct ipsi_attrs *attrs, const struct nlattr *attr)
{
	const unsigned int id = mnl_attr_get_type(attr);

	if (!ipsi_attr_ok(attrs->set, attr))
		return;
	attrs->tb[id] = attr;
	if (attrs->set->attrs[id].type == IPSI_STRING)
		ipsi_make_printable(mnl_attr_get_payload(attr));
}

/**
 * ipsi_attrs_parse() - read the attributes of a message of the family
 * @attrs: the result; it points into the message
 * @set: the attributes that the message may have
 * @nlh: the message; its names become printable
 */
void ipsi_attrs_parse(struct ipsi_attrs *attrs, const struct ipsi_attr_set *set,
		      const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	memset(attrs, 0, sizeof(*attrs));
	attrs->set = set;
	if (mnl_nlmsg_get_payload_len(nlh) < GENL_HDRLEN)
		return;
	mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		ipsi_attrs_take(attrs, attr);
}

/**
 * ipsi_attrs_parse_nest() - read the attributes of a nest
 * @attrs: the result, empty if the nest is absent
 * @parent: the attributes that contain the nest
 * @id: the nest
 */
void ipsi_attrs_parse_nest(struct ipsi_attrs *attrs,
			   const struct ipsi_attrs *parent, unsigned int id)
{
	const struct nlattr *attr;

	memset(attrs, 0, sizeof(*attrs));
	attrs->set = parent->set->attrs[id].nest;
	if (!parent->tb[id])
		return;
	mnl_attr_for_each_nested(attr, parent->tb[id])
		ipsi_attrs_take(attrs, attr);
}

/**
 * ipsi_attr_u64() - get a number of any width
 * @attrs: the attributes
 * @id: the attribute
 *
 * Return: the number in host byte order; 0 if it is absent.
 */
unsigned long long ipsi_attr_u64(const struct ipsi_attrs *attrs,
				 unsigned int id)
{
	const struct nlattr *attr = attrs->tb[id];

	if (!attr)
		return 0;
	switch (attrs->set->attrs[id].type) {
	case IPSI_U8:
	case IPSI_BOOL:
	case IPSI_PROTO:
	case IPSI_ENUM8:
		return mnl_attr_get_u8(attr);
	case IPSI_BE16:
		return ntohs(mnl_attr_get_u16(attr));
	case IPSI_BE32:
		return ntohl(mnl_attr_get_u32(attr));
	case IPSI_U32:
	case IPSI_ENUM32:
		return mnl_attr_get_u32(attr);
	case IPSI_U64:
		return mnl_attr_get_u64(attr);
	default:
		return 0;
	}
}

/* Returns "" if the attribute is absent. */
const char *ipsi_attr_string(const struct ipsi_attrs *attrs, unsigned int id)
{
	return attrs->tb[id] ? mnl_attr_get_str(attrs->tb[id]) : "";
}

/* Returns "?" if the attribute is absent. */
const char *ipsi_attr_addr(const struct ipsi_attrs *attrs, unsigned int id,
			   char buf[IPSI_TEXT_LEN])
{
	const struct nlattr *attr = attrs->tb[id];
	int family;

	if (!attr)
		return "?";
	family = mnl_attr_get_payload_len(attr) == sizeof(struct in_addr) ?
		 AF_INET : AF_INET6;
	inet_ntop(family, mnl_attr_get_payload(attr), buf, IPSI_TEXT_LEN);
	return buf;
}

/* Returns "?" if the attribute is absent or its value has no name. */
const char *ipsi_attr_enum(const struct ipsi_attrs *attrs, unsigned int id)
{
	const char * const *names = attrs->set->attrs[id].values;
	uint64_t value = ipsi_attr_u64(attrs, id);

	if (!attrs->tb[id])
		return "?";
	while (value && *names) {
		names++;
		value--;
	}
	return *names ? *names : "?";
}

/**
 * ipsi_dev_why_off() - why the carrier of a device that is up is off
 * @dev: the device
 *
 * Return: the reason in words.
 */
const char *ipsi_dev_why_off(const struct ipsi_attrs *dev)
{
	const bool out = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_OUT);
	const bool in = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_IN);

	if (!in && !out && ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_KEYING))
		return "the key manager has set no SAs";
	if (!in && !out)
		return "no SAs";
	if (!in)
		return "no valid inbound SA";
	return out ? "the SAs cannot be used" : "no valid outbound SA";
}

/**
 * ipsi_attr_value() - the value of an attribute of a request, for a message
 * @attr: the kind of attribute
 * @at: the attribute
 * @buf: the text: a space and the value, the length of a key, or nothing
 * @size: size of @buf
 */
void ipsi_attr_value(const struct ipsi_attr *attr, const struct nlattr *at,
		     char *buf, size_t size)
{
	const unsigned int id = mnl_attr_get_type(at);
	struct ipsi_attrs attrs = {};
	const struct ipsi_attr_set set = { .attrs = attr - id, .max = id };
	char name[IF_NAMESIZE];

	buf[0] = '\0';
	attrs.set = &set;
	attrs.tb[id] = at;
	if (attr == &ipsi_sa_attrs[IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX]) {
		if (!if_indextoname(ipsi_attr_u64(&attrs, id), name))
			return;
		ipsi_make_printable(name);
		snprintf(buf, size, " \"%s\"", name);
		return;
	}
	switch (attr->type) {
	case IPSI_STRING:
		snprintf(buf, size, " \"%.64s\"", mnl_attr_get_str(at));
		break;
	case IPSI_KEY:
		snprintf(buf, size, " of %u bytes",
			 mnl_attr_get_payload_len(at));
		break;
	case IPSI_BE32:
		snprintf(buf, size, " 0x%08llx", ipsi_attr_u64(&attrs, id));
		break;
	case IPSI_PROTO:
		snprintf(buf, size, " %s",
			 ipsi_proto_name(ipsi_attr_u64(&attrs, id)));
		break;
	case IPSI_ENUM8:
	case IPSI_ENUM32:
		snprintf(buf, size, " %s", ipsi_attr_enum(&attrs, id));
		break;
	case IPSI_U8:
	case IPSI_BOOL:
	case IPSI_U32:
	case IPSI_U64:
	case IPSI_BE16:
		snprintf(buf, size, " %llu", ipsi_attr_u64(&attrs, id));
		break;
	default:
		break;
	}
}

/* The caller wipes the text. */
void ipsi_key_text(const struct ipsi_attrs *attrs, unsigned int id,
		   char text[IPSI_KEY_TEXT_LEN])
{
	const uint8_t *key = mnl_attr_get_payload(attrs->tb[id]);
	uint16_t i, len = mnl_attr_get_payload_len(attrs->tb[id]);

	memcpy(text, "0x", sizeof("0x"));
	for (i = 0; i < len; i++)
		sprintf(text + 2 + 2 * i, "%02x", key[i]);
}

/**
 * ipsi_print_key() - print a key, or "(hidden)"
 * @attrs: the attributes
 * @id: the key
 * @asked: the request was for keys, so an absent key is empty and not hidden
 */
void ipsi_print_key(const struct ipsi_attrs *attrs, unsigned int id, bool asked)
{
	char text[IPSI_KEY_TEXT_LEN];

	if (!attrs->tb[id]) {
		fputs(asked ? "\"\"" : "(hidden)", stdout);
		return;
	}
	ipsi_key_text(attrs, id, text);
	fputs(text, stdout);
	explicit_bzero(text, sizeof(text));
}

static const struct ipsi_attr *ipsi_attr_find(const struct ipsi_attr_set *set,
					      unsigned int id)
{
	return id <= set->max && set->attrs[id].name ? &set->attrs[id] : NULL;
}

static const struct ipsi_attr *ipsi_attr_at(const struct ipsi_attr_set *set,
					    const struct nlattr *attr,
					    const char *target)
{
	const struct ipsi_attr *found;
	const struct nlattr *inner;

	found = ipsi_attr_find(set, mnl_attr_get_type(attr));
	if (!found || target == (const char *)attr)
		return found;
	if (!found->nest)
		return NULL;
	mnl_attr_for_each_nested(inner, attr)
		if (target == (const char *)inner)
			return ipsi_attr_find(found->nest,
					      mnl_attr_get_type(inner));
	return NULL;
}

/**
 * ipsi_attr_at_offset() - find an attribute of a request, also in a nest
 * @set: the attributes that the request may have
 * @nlh: the request
 * @offset: offset of the attribute in the request
 *
 * Return: the attribute, or NULL.
 */
const struct ipsi_attr *ipsi_attr_at_offset(const struct ipsi_attr_set *set,
					    const struct nlmsghdr *nlh,
					    uint32_t offset)
{
	const char *target = (const char *)nlh + offset;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN)
		if (target >= (const char *)attr &&
		    target < (const char *)mnl_attr_next(attr))
			return ipsi_attr_at(set, attr, target);
	return NULL;
}

/**
 * ipsi_attr_missing() - find an attribute that a request lacks
 * @set: the attributes that the request may have
 * @nlh: the request
 * @nest_offset: offset of the nest that lacks it, 0 for none
 * @id: the missing attribute
 *
 * Return: the attribute, or NULL.
 */
const struct ipsi_attr *ipsi_attr_missing(const struct ipsi_attr_set *set,
					  const struct nlmsghdr *nlh,
					  uint32_t nest_offset, uint32_t id)
{
	const struct ipsi_attr *nest;

	if (nest_offset) {
		nest = ipsi_attr_at_offset(set, nlh, nest_offset);
		if (!nest || !nest->nest)
			return NULL;
		set = nest->nest;
	}
	return ipsi_attr_find(set, id);
}
