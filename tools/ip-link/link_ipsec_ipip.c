// SPDX-License-Identifier: GPL-2.0
/*
 * Plug-in for ip(8): options of links of type "ipsec-ipip". It only translates
 * between words and attributes; the kernel validates the values.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/ipsec_ipip.h>

#include "iproute2.h"
#include "../ipsec-ipip/suggest.h"

/* The same limit as other link types of ip(8) use for their options. */
#define IPSI_MAX_LEN	1024

#define IPSI_TOS_INHERIT	1

#define IPSI_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const char * const ipsi_df_names[] = {
	[IPSEC_IPIP_DF_UNSET]	= "unset",
	[IPSEC_IPIP_DF_SET]	= "set",
	[IPSEC_IPIP_DF_INHERIT]	= "inherit",
};

static const char * const ipsi_ecn_names[] = {
	[IPSEC_IPIP_ECN_RFC3168]	= "rfc3168",
	[IPSEC_IPIP_ECN_RFC6040]	= "rfc6040",
	[IPSEC_IPIP_ECN_OFF]		= "off",
};

static const char * const ipsi_flowlabel_names[] = {
	[IPSEC_IPIP_FLOWLABEL_INHERIT]	= "inherit",
	[IPSEC_IPIP_FLOWLABEL_HASH]	= "hash",
	[IPSEC_IPIP_FLOWLABEL_ZERO]	= "zero",
};

static const char * const ipsi_keying_names[] = {
	[IPSEC_IPIP_KEYING_MANUAL]		= "manual",
	[IPSEC_IPIP_KEYING_ADOPT]		= "adopt",
	[IPSEC_IPIP_KEYING_ADOPT_ENDPOINTS]	= "adopt-endpoints",
};

static const char * const ipsi_policies_names[] = {
	[IPSEC_IPIP_POLICIES_OPTIONAL]	= "optional",
	[IPSEC_IPIP_POLICIES_REQUIRED]	= "required",
};

static void ipsi_print_explain(FILE *f)
{
	fprintf(f,
		"Usage: ... ipsec-ipip local ADDR remote { ADDR | any }\n"
		"		[ { dev DEV | nodev } ]\n"
		"		[ if_id IF_ID ]\n"
		"		[ reqid REQID ]\n"
		"		[ ttl TTL ]\n"
		"		[ tos TOS ]\n"
		"		[ { df DF | [no]pmtudisc } ]\n"
		"		[ ecn ECN ]\n"
		"		[ flowlabel LABEL ]\n"
		"		[ fwmark MARK ]\n"
		"		[ keying KEYING ]\n"
		"		[ policies POLICIES ]\n"
		"		[ [no]icmp-relay ]\n"
		"		[ [no]roam ]\n"
		"		[ encap-port PORT ]\n"
		"		[ mtu auto ]\n"
		"\n"
		"Where:	ADDR  := IPv4 or IPv6 address, both of one family\n"
		"	IF_ID := { 1..0xffffffff }, by default chosen by the kernel\n"
		"	REQID := { 0..0xffffffff }\n"
		"	TTL   := { 1..255 | default }\n"
		"	TOS   := { inherit | HEX | name in rt_dsfield }\n"
		"	DF    := { unset | set | inherit }\n"
		"	ECN   := { rfc3168 | rfc6040 | off }\n"
		"	LABEL := { inherit | hash | zero }\n"
		"	MARK  := { 0..0xffffffff }\n"
		"	KEYING := { manual | adopt | adopt-endpoints }\n"
		"	POLICIES := { optional | required }\n"
		"	PORT  := { 1..65535 }, 0 for none\n"
		"\n"
		"Note: pmtudisc means df set, nopmtudisc means df unset. remote any needs\n"
		"      roam and, in \"ip link set\", local.\n");
}

/* Decimal, or hexadecimal after 0x; no sign, no blanks, nothing after it. */
static uint32_t ipsi_number(const char *word, const char *arg, uint32_t max)
{
	const bool hex = arg[0] == '0' && (arg[1] == 'x' || arg[1] == 'X');
	const char *digits = hex ? arg + 2 : arg;
	unsigned long long value;
	char msg[64];
	char *end;

	errno = 0;
	value = strtoull(digits, &end, hex ? 16 : 10);
	if (!*digits || *end || errno || value > max ||
	    strspn(digits, "0123456789abcdefABCDEF") != strlen(digits)) {
		snprintf(msg, sizeof(msg), "%s must be a number up to %u",
			 word, max);
		invarg(msg, arg);
	}
	return value;
}

static void ipsi_put_number(struct nlmsghdr *n, int type, const char *word,
			    const char *arg)
{
	addattr32(n, IPSI_MAX_LEN, type, ipsi_number(word, arg, UINT32_MAX));
}

static void ipsi_put_addr(struct nlmsghdr *n, int type, const char *word,
			  const char *arg)
{
	unsigned char addr[sizeof(struct in6_addr)];
	char msg[64];

	if (inet_pton(AF_INET, arg, addr) == 1) {
		addattr_l(n, IPSI_MAX_LEN, type, addr, sizeof(struct in_addr));
	} else if (inet_pton(AF_INET6, arg, addr) == 1) {
		addattr_l(n, IPSI_MAX_LEN, type, addr, sizeof(addr));
	} else {
		snprintf(msg, sizeof(msg), "%s must be an IP address%s", word,
			 strchr(arg, '/') ? " without a prefix length" : "");
		invarg(msg, arg);
	}
}

/* "remote any" has the family of local, which may follow it, so the attribute is
 * added after all words are read.
 */
static bool ipsi_remote_any;
static int ipsi_local_len;

static void ipsi_put_local(struct nlmsghdr *n, const char *arg)
{
	ipsi_local_len = strchr(arg, ':') ? sizeof(struct in6_addr) :
					    sizeof(struct in_addr);
	ipsi_put_addr(n, IFLA_IPSEC_IPIP_LOCAL, "local", arg);
}

static void ipsi_put_remote(struct nlmsghdr *n, const char *arg)
{
	if (!strcmp(arg, "any"))
		ipsi_remote_any = true;
	else
		ipsi_put_addr(n, IFLA_IPSEC_IPIP_REMOTE, "remote", arg);
}

/* A request for one link. */
struct ipsi_getlink {
	struct nlmsghdr n;
	struct ifinfomsg ifi;
	char attrs[64];
};

/* Returns an attribute of a link message, or NULL. */
static const struct rtattr *ipsi_link_attr(const struct nlmsghdr *n, int type)
{
	const struct rtattr *attr = IFLA_RTA(NLMSG_DATA(n));
	int len = IFLA_PAYLOAD(n);

	for (; RTA_OK(attr, len); attr = RTA_NEXT(attr, len))
		if ((attr->rta_type & NLA_TYPE_MASK) == type)
			return attr;
	return NULL;
}

/* Gets a link by its index, or by its name if the index is 0. @netnsid is the
 * link's namespace, or -1 for this one. Returns the answer, which the caller
 * frees, or NULL.
 */
static struct nlmsghdr *ipsi_get_link(int32_t netnsid, int ifindex,
				      const char *name)
{
	struct ipsi_getlink req = {
		.n.nlmsg_len = NLMSG_LENGTH(sizeof(req.ifi)),
		.n.nlmsg_flags = NLM_F_REQUEST,
		.n.nlmsg_type = RTM_GETLINK,
		.ifi.ifi_index = ifindex,
	};
	struct nlmsghdr *answer = NULL;

	if (netnsid >= 0)
		addattr32(&req.n, sizeof(req), IFLA_TARGET_NETNSID, netnsid);
	if (!ifindex && strlen(name) >= IF_NAMESIZE)
		return NULL;
	if (!ifindex)
		addattr_l(&req.n, sizeof(req), IFLA_IFNAME, name,
			  strlen(name) + 1);
	if (rtnl_talk_suppress_rtnl_errmsg(&rth, &req.n, &answer) < 0)
		return NULL;
	return answer;
}

/* Returns true if the underlay of the request's link is in another namespace, and
 * sets @netnsid to that namespace. For a new link, the request has the attribute;
 * for an existing one, the kernel is asked.
 */
static bool ipsi_is_foreign(const struct nlmsghdr *n, int32_t *netnsid)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(n);
	const struct rtattr *name = ipsi_link_attr(n, IFLA_IFNAME);
	struct nlmsghdr *answer = NULL;
	const struct rtattr *attr;

	if (ifi->ifi_index > 0)
		answer = ipsi_get_link(-1, ifi->ifi_index, NULL);
	else if (name && n->nlmsg_flags & NLM_F_REPLACE)
		answer = ipsi_get_link(-1, 0, RTA_DATA(name));
	attr = ipsi_link_attr(answer ? answer : n, IFLA_LINK_NETNSID);
	if (attr)
		memcpy(netnsid, RTA_DATA(attr), sizeof(*netnsid));
	free(answer);
	return attr;
}

/* Returns the index of a device in the namespace of the underlay, or 0. */
static uint32_t ipsi_underlay_index(const struct nlmsghdr *n, const char *name)
{
	struct nlmsghdr *answer;
	uint32_t ifindex = 0;
	int32_t netnsid = -1;

	if (!ipsi_is_foreign(n, &netnsid))
		return if_nametoindex(name);
	/* A namespace without an id cannot be queried. */
	answer = netnsid < 0 ? NULL : ipsi_get_link(netnsid, 0, name);
	if (answer)
		ifindex = ((struct ifinfomsg *)NLMSG_DATA(answer))->ifi_index;
	free(answer);
	return ifindex;
}

/* Also accepts "ifN", which ipsi_print_dev() prints for a device whose name it
 * cannot look up, for instance one in another namespace.
 */
static void ipsi_put_dev(struct nlmsghdr *n, const char *arg)
{
	uint32_t ifindex = ipsi_underlay_index(n, arg);
	unsigned int value;
	int len = 0;

	if (!ifindex && sscanf(arg, "if%u%n", &value, &len) == 1 &&
	    !arg[len])
		ifindex = value;
	if (!ifindex)
		invarg("dev must be the name of a device in the namespace of the underlay",
		       arg);
	addattr32(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_LINK, ifindex);
}

static void ipsi_put_if_id(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_number(n, IFLA_IPSEC_IPIP_IF_ID, "if_id", arg);
}

static void ipsi_put_reqid(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_number(n, IFLA_IPSEC_IPIP_REQID, "reqid", arg);
}

static void ipsi_put_fwmark(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_number(n, IFLA_IPSEC_IPIP_FWMARK, "fwmark", arg);
}

static void ipsi_put_ttl(struct nlmsghdr *n, const char *arg)
{
	uint8_t ttl = 0;

	if (strcmp(arg, "default")) {
		ttl = ipsi_number("ttl", arg, UINT8_MAX);
		if (!ttl)
			invarg("ttl must be 1 to 255, or \"default\"", arg);
	}
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_TTL, ttl);
}

static void ipsi_put_tos(struct nlmsghdr *n, const char *arg)
{
	uint32_t tos = IPSI_TOS_INHERIT;

	if (strcmp(arg, "inherit") &&
	    (rtnl_dsfield_a2n(&tos, arg) || tos > UINT8_MAX))
		invarg("tos must be \"inherit\", two hex digits, or a name in rt_dsfield",
		       arg);
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_TOS, tos);
}

/* Adds the number of a name; @expected is the error message for other words. */
static void ipsi_put_name(struct nlmsghdr *n, int type, const char *arg,
			  const char * const names[], unsigned int count,
			  const char *expected)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!strcmp(arg, names[i])) {
			addattr8(n, IPSI_MAX_LEN, type, i);
			return;
		}
	}
	invarg(expected, arg);
}

static void ipsi_put_df(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_name(n, IFLA_IPSEC_IPIP_DF, arg, ipsi_df_names,
		      IPSI_ARRAY_SIZE(ipsi_df_names),
		      "df must be \"unset\", \"set\" or \"inherit\"");
}

static void ipsi_put_ecn(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_name(n, IFLA_IPSEC_IPIP_ECN, arg, ipsi_ecn_names,
		      IPSI_ARRAY_SIZE(ipsi_ecn_names),
		      "ecn must be \"rfc3168\", \"rfc6040\" or \"off\"");
}

static void ipsi_put_flowlabel(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_name(n, IFLA_IPSEC_IPIP_FLOWLABEL, arg, ipsi_flowlabel_names,
		      IPSI_ARRAY_SIZE(ipsi_flowlabel_names),
		      "flowlabel must be \"inherit\", \"hash\" or \"zero\"");
}

static void ipsi_put_keying(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_name(n, IFLA_IPSEC_IPIP_KEYING, arg, ipsi_keying_names,
		      IPSI_ARRAY_SIZE(ipsi_keying_names),
		      "keying must be \"manual\", \"adopt\" or \"adopt-endpoints\"");
}

static void ipsi_put_policies(struct nlmsghdr *n, const char *arg)
{
	ipsi_put_name(n, IFLA_IPSEC_IPIP_POLICIES, arg, ipsi_policies_names,
		      IPSI_ARRAY_SIZE(ipsi_policies_names),
		      "policies must be \"optional\" or \"required\"");
}

static void ipsi_put_nodev(struct nlmsghdr *n, const char *arg)
{
	(void)arg;
	addattr32(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_LINK, 0);
}

static void ipsi_put_pmtudisc(struct nlmsghdr *n, const char *arg)
{
	(void)arg;
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_DF, IPSEC_IPIP_DF_SET);
}

static void ipsi_put_nopmtudisc(struct nlmsghdr *n, const char *arg)
{
	(void)arg;
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_DF, IPSEC_IPIP_DF_UNSET);
}

static void ipsi_put_icmp(struct nlmsghdr *n, const char *arg)
{
	(void)arg;
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_ICMP, 1);
}

static void ipsi_put_noicmp(struct nlmsghdr *n, const char *arg)
{
	(void)arg;
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_ICMP, 0);
}

static void ipsi_put_roam(struct nlmsghdr *n, const char *arg)
{
	(void)arg;
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_ROAM, 1);
}

static void ipsi_put_noroam(struct nlmsghdr *n, const char *arg)
{
	(void)arg;
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_ROAM, 0);
}

static void ipsi_put_encap_port(struct nlmsghdr *n, const char *arg)
{
	uint16_t port = htons(ipsi_number("encap-port", arg, UINT16_MAX));

	addattr_l(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_ENCAP_PORT, &port,
		  sizeof(port));
}

/* A number is an option of the link, and goes before its type. */
static void ipsi_put_mtu(struct nlmsghdr *n, const char *arg)
{
	if (strcmp(arg, "auto"))
		invarg("mtu must be \"auto\" here; a number goes before \"type ipsec-ipip\"",
		       arg);
	addattr8(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_MTU_AUTO, 1);
}

static const struct ipsi_option {
	const char *word;
	int type;		/* words with the same type exclude each other */
	bool has_value;
	void (*put)(struct nlmsghdr *n, const char *arg);
} ipsi_options[] = {
	{ "local", IFLA_IPSEC_IPIP_LOCAL, true, ipsi_put_local },
	{ "remote", IFLA_IPSEC_IPIP_REMOTE, true, ipsi_put_remote },
	{ "dev", IFLA_IPSEC_IPIP_LINK, true, ipsi_put_dev },
	{ "nodev", IFLA_IPSEC_IPIP_LINK, false, ipsi_put_nodev },
	{ "if_id", IFLA_IPSEC_IPIP_IF_ID, true, ipsi_put_if_id },
	{ "reqid", IFLA_IPSEC_IPIP_REQID, true, ipsi_put_reqid },
	{ "ttl", IFLA_IPSEC_IPIP_TTL, true, ipsi_put_ttl },
	{ "tos", IFLA_IPSEC_IPIP_TOS, true, ipsi_put_tos },
	{ "df", IFLA_IPSEC_IPIP_DF, true, ipsi_put_df },
	{ "pmtudisc", IFLA_IPSEC_IPIP_DF, false, ipsi_put_pmtudisc },
	{ "nopmtudisc", IFLA_IPSEC_IPIP_DF, false, ipsi_put_nopmtudisc },
	{ "ecn", IFLA_IPSEC_IPIP_ECN, true, ipsi_put_ecn },
	{ "flowlabel", IFLA_IPSEC_IPIP_FLOWLABEL, true, ipsi_put_flowlabel },
	{ "fwmark", IFLA_IPSEC_IPIP_FWMARK, true, ipsi_put_fwmark },
	{ "keying", IFLA_IPSEC_IPIP_KEYING, true, ipsi_put_keying },
	{ "policies", IFLA_IPSEC_IPIP_POLICIES, true, ipsi_put_policies },
	{ "icmp-relay", IFLA_IPSEC_IPIP_ICMP, false, ipsi_put_icmp },
	{ "noicmp-relay", IFLA_IPSEC_IPIP_ICMP, false, ipsi_put_noicmp },
	{ "roam", IFLA_IPSEC_IPIP_ROAM, false, ipsi_put_roam },
	{ "noroam", IFLA_IPSEC_IPIP_ROAM, false, ipsi_put_noroam },
	{ "encap-port", IFLA_IPSEC_IPIP_ENCAP_PORT, true,
	  ipsi_put_encap_port },
	{ "mtu", IFLA_IPSEC_IPIP_MTU_AUTO, true, ipsi_put_mtu },
};

static const struct ipsi_option *ipsi_find_option(const char *word)
{
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_options); i++)
		if (!strcmp(word, ipsi_options[i].word))
			return &ipsi_options[i];
	return NULL;
}

static void ipsi_unknown_option(const char *id, const char *word)
{
	static const char * const of_link[] = {
		"up", "down", "name", "dev", "txqueuelen", "qlen",
		"address", "index", "netns", "master", "vrf", "alias", "group",
		"multicast", "numtxqueues", "numrxqueues", NULL
	};
	const char *names[IPSI_ARRAY_SIZE(ipsi_options)];
	char like[IPSI_SUGGEST_LEN];
	unsigned int i;

	for (i = 0; of_link[i]; i++) {
		if (strcmp(word, of_link[i]))
			continue;
		fprintf(stderr,
			"%s: unknown option \"%s\": it is an option of the link, and goes before \"type %s\"\n",
			id, word, id);
		return;
	}
	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_options); i++)
		names[i] = ipsi_options[i].word;
	if (*ipsi_suggest(word, names, i, like))
		fprintf(stderr, "%s: unknown option \"%s\"%s\n", id, word,
			like);
	else
		fprintf(stderr,
			"%s: unknown option \"%s\": \"ip link help %s\" lists the options\n",
			id, word, id);
}

/* The kernel refuses these names without a message, or with one about attributes. */
static bool ipsi_name_is_free(const char *id, const struct nlmsghdr *n)
{
	const struct rtattr *name = ipsi_link_attr(n, IFLA_IFNAME);
	const char *text;

	/* Some versions of ip(8) take a long name for another kind of name. */
	if (!name)
		name = ipsi_link_attr(n, IFLA_ALT_IFNAME);
	if (!name)
		return true;
	text = RTA_DATA(name);
	if (strlen(text) >= IF_NAMESIZE) {
		fprintf(stderr,
			"%s: \"%s\" is not a name for a link: at most %d characters expected\n",
			id, text, IF_NAMESIZE - 1);
		return false;
	}
	/* In another namespace it may be free. */
	if (ipsi_link_attr(n, IFLA_NET_NS_FD) ||
	    ipsi_link_attr(n, IFLA_NET_NS_PID) ||
	    ipsi_link_attr(n, IFLA_TARGET_NETNSID) || !if_nametoindex(text))
		return true;
	fprintf(stderr,
		"%s: the link \"%s\" exists: change it with \"ip link set %s type %s ...\", or delete it with \"ip link del %s\"\n",
		id, text, text, id, text);
	return false;
}

static int ipsi_parse_opt(struct link_util *lu, int argc, char **argv,
			  struct nlmsghdr *n)
{
	/* "ip link set" and "replace" may omit unchanged options. */
	const bool add = (n->nlmsg_flags & NLM_F_CREATE) &&
			 !(n->nlmsg_flags & NLM_F_REPLACE);
	static const unsigned char any[sizeof(struct in6_addr)];
	const struct ipsi_option *opt;
	unsigned int seen = 0;
	const char *arg;

	/* "ip -batch" calls this more than once. */
	ipsi_remote_any = false;

	for (; argc > 0; argc--, argv++) {
		opt = ipsi_find_option(*argv);
		if (!opt && !strcmp(*argv, "help")) {
			ipsi_print_explain(stderr);
			return -1;
		}
		if (!opt) {
			ipsi_unknown_option(lu->id, *argv);
			return -1;
		}
		if (opt->has_value) {
			argv++;
			if (--argc <= 0)
				incomplete_command();
		}
		arg = *argv;
		if (seen & (1U << opt->type))
			duparg(opt->word, arg);
		seen |= 1U << opt->type;
		opt->put(n, arg);
	}

	if (add && !ipsi_name_is_free(lu->id, n))
		return -1;
	if (add && !(seen & (1U << IFLA_IPSEC_IPIP_LOCAL)))
		missarg("local");
	if (add && !(seen & (1U << IFLA_IPSEC_IPIP_REMOTE)))
		missarg("remote");
	if (ipsi_remote_any && !(seen & (1U << IFLA_IPSEC_IPIP_LOCAL)))
		missarg("local");
	if (ipsi_remote_any)
		addattr_l(n, IPSI_MAX_LEN, IFLA_IPSEC_IPIP_REMOTE, any,
			  ipsi_local_len);
	return 0;
}

/* Returns true if the attribute is present and has the expected length. */
static bool ipsi_get(struct rtattr *tb[], int type, void *value, size_t len)
{
	if (!tb[type] || RTA_PAYLOAD(tb[type]) != len)
		return false;
	memcpy(value, RTA_DATA(tb[type]), len);
	return true;
}

static void ipsi_print_addr(struct rtattr *tb[], int type, const char *key)
{
	static const unsigned char any[16];
	char buf[INET6_ADDRSTRLEN];
	unsigned char addr[16];
	enum color_attr color;
	char fmt[16];
	int family;

	if (ipsi_get(tb, type, addr, 4)) {
		family = AF_INET;
		color = COLOR_INET;
	} else if (ipsi_get(tb, type, addr, 16)) {
		family = AF_INET6;
		color = COLOR_INET6;
	} else {
		return;
	}
	if (memcmp(addr, any, family == AF_INET ? 4 : 16))
		inet_ntop(family, addr, buf, sizeof(buf));
	else
		memcpy(buf, "any", sizeof("any"));
	snprintf(fmt, sizeof(fmt), "%s ", key);
	print_color_string(PRINT_FP, COLOR_NONE, NULL, "%s", fmt);
	print_color_string(PRINT_ANY, color, key, "%s ", buf);
}

/* The current address of a roaming peer. JSON only: "peer" is not an option of
 * "ip link", and its text output must be accepted as input.
 */
static void ipsi_print_peer(struct rtattr *tb[])
{
	static const unsigned char unknown[16];
	char buf[INET6_ADDRSTRLEN];
	unsigned char addr[16] = {};

	if (ipsi_get(tb, IFLA_IPSEC_IPIP_PEER, addr, 4))
		inet_ntop(AF_INET, addr, buf, sizeof(buf));
	else if (ipsi_get(tb, IFLA_IPSEC_IPIP_PEER, addr, 16))
		inet_ntop(AF_INET6, addr, buf, sizeof(buf));
	if (!memcmp(addr, unknown, sizeof(addr)))
		return;
	print_color_string(PRINT_JSON, COLOR_NONE, "peer", NULL, buf);
}

static void ipsi_print_dev(struct rtattr *tb[])
{
	char name[IF_NAMESIZE];
	uint32_t ifindex;

	if (!ipsi_get(tb, IFLA_IPSEC_IPIP_LINK, &ifindex, 4) || !ifindex)
		return;
	/* In another namespace the same index is another device, and ip(8) does
	 * not pass the namespace to plug-ins.
	 */
	if (tb[IFLA_IPSEC_IPIP_FOREIGN] || !if_indextoname(ifindex, name))
		snprintf(name, sizeof(name), "if%u", ifindex);
	print_color_string(PRINT_ANY, COLOR_NONE, "link", "dev %s ", name);
}

static void ipsi_print_tos(struct rtattr *tb[])
{
	char buf[8] = "inherit";
	uint8_t tos;

	if (!ipsi_get(tb, IFLA_IPSEC_IPIP_TOS, &tos, 1))
		return;
	if (tos != IPSI_TOS_INHERIT)
		snprintf(buf, sizeof(buf), "0x%02x", tos);
	print_color_string(PRINT_ANY, COLOR_NONE, "tos", "tos %s ", buf);
}

/* The default has the value 0 and is printed only in JSON. */
static void ipsi_print_name(const char *key, const char * const names[],
			    unsigned int value)
{
	char fmt[32];

	snprintf(fmt, sizeof(fmt), "%s %%s ", key);
	print_color_string(PRINT_JSON, COLOR_NONE, key, NULL, names[value]);
	if (value)
		print_color_string(PRINT_FP, COLOR_NONE, NULL, fmt,
				   names[value]);
}

static void ipsi_print_opt(struct link_util *lu, FILE *f, struct rtattr *tb[])
{
	uint32_t number;
	uint16_t port;
	uint8_t byte;

	(void)lu;
	(void)f;
	if (!tb)
		return;

	if (!tb[IFLA_IPSEC_IPIP_LOCAL] && tb[IFLA_IPSEC_IPIP_FOREIGN])
		print_color_string(PRINT_FP, COLOR_NONE, NULL, "%s",
				   "(underlay not shown without CAP_NET_ADMIN there) ");
	ipsi_print_addr(tb, IFLA_IPSEC_IPIP_LOCAL, "local");
	ipsi_print_addr(tb, IFLA_IPSEC_IPIP_REMOTE, "remote");
	ipsi_print_peer(tb);
	ipsi_print_dev(tb);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_IF_ID, &number, 4))
		print_color_uint(PRINT_ANY, COLOR_NONE, "if_id",
				 "if_id 0x%x ", number);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_REQID, &number, 4))
		print_color_uint(PRINT_ANY, COLOR_NONE, "reqid",
				 "reqid %u ", number);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_TTL, &byte, 1)) {
		print_color_uint(PRINT_JSON, COLOR_NONE, "ttl", NULL, byte);
		print_color_uint(PRINT_FP, COLOR_NONE, NULL,
				 byte ? "ttl %u " : "ttl default ", byte);
	}
	ipsi_print_tos(tb);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_DF, &byte, 1) &&
	    byte < IPSI_ARRAY_SIZE(ipsi_df_names))
		print_color_string(PRINT_ANY, COLOR_NONE, "df", "df %s ",
				   ipsi_df_names[byte]);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_ECN, &byte, 1) &&
	    byte < IPSI_ARRAY_SIZE(ipsi_ecn_names))
		ipsi_print_name("ecn", ipsi_ecn_names, byte);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_FLOWLABEL, &byte, 1) &&
	    byte < IPSI_ARRAY_SIZE(ipsi_flowlabel_names))
		ipsi_print_name("flowlabel", ipsi_flowlabel_names, byte);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_FWMARK, &number, 4)) {
		print_color_uint(PRINT_JSON, COLOR_NONE, "fwmark", NULL,
				 number);
		if (number)
			print_color_uint(PRINT_FP, COLOR_NONE, NULL,
					 "fwmark 0x%x ", number);
	}
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_ROAM, &byte, 1)) {
		print_color_bool(PRINT_JSON, COLOR_NONE, "roam", NULL, byte);
		if (byte)
			print_color_string(PRINT_FP, COLOR_NONE, NULL, "%s ",
					   "roam");
	}
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_ENCAP_PORT, &port, 2) && port)
		print_color_uint(PRINT_ANY, COLOR_NONE, "encap_port",
				 "encap-port %u ", ntohs(port));
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_KEYING, &byte, 1) &&
	    byte < IPSI_ARRAY_SIZE(ipsi_keying_names))
		ipsi_print_name("keying", ipsi_keying_names, byte);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_POLICIES, &byte, 1) &&
	    byte < IPSI_ARRAY_SIZE(ipsi_policies_names))
		ipsi_print_name("policies", ipsi_policies_names, byte);
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_ICMP, &byte, 1)) {
		print_color_bool(PRINT_JSON, COLOR_NONE, "icmp_relay", NULL,
				 byte);
		if (!byte)
			print_color_string(PRINT_FP, COLOR_NONE, NULL, "%s ",
					   "noicmp-relay");
	}
	if (ipsi_get(tb, IFLA_IPSEC_IPIP_MTU_AUTO, &byte, 1))
		print_color_bool(PRINT_JSON, COLOR_NONE, "mtu_auto", NULL,
				 byte);
}

static void ipsi_print_help(struct link_util *lu, int argc, char **argv,
			    FILE *f)
{
	(void)lu;
	(void)argc;
	(void)argv;
	ipsi_print_explain(f);
}

/* ip(8) looks up the symbol TYPE_link_util, but a C name cannot have a hyphen. */
__asm__(".globl \"ipsec-ipip_link_util\"\n"
	".type \"ipsec-ipip_link_util\", @object\n"
	".set \"ipsec-ipip_link_util\", ipsec_ipip_link_util");

struct link_util ipsec_ipip_link_util = {
	.id		= "ipsec-ipip",
	.maxattr	= IFLA_IPSEC_IPIP_MAX,
	.parse_opt	= ipsi_parse_opt,
	.print_opt	= ipsi_print_opt,
	.print_help	= ipsi_print_help,
};
