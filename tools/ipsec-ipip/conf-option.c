// SPDX-License-Identifier: GPL-2.0
/*
 * The options of the link type in ipsec-ipip.conf(5): a table that parses them,
 * puts them into a request, gets them from the kernel and prints them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>
#include <strings.h>

#include "attrs.h"
#include "conf.h"
#include "ipsi.h"
#include "query.h"

enum ipsi_option_type {
	IPSI_OPTION_ADDR,
	IPSI_OPTION_DEVICE,
	IPSI_OPTION_U8,
	IPSI_OPTION_BE16,
	IPSI_OPTION_U32,
	IPSI_OPTION_ENUM,
	IPSI_OPTION_BOOL,
};

/**
 * struct ipsi_option - an option of the link type
 * @key: its key in the file
 * @type: its type
 * @ifla: its attribute in requests
 * @attr: its attribute in answers of the family
 * @standard: its default
 * @min: its smallest number
 * @max: its largest number, 0 for that of its type
 * @step: it is a multiple of this; 0 for any number
 * @word: a word for @standard, or NULL
 */
static const struct ipsi_option {
	const char *key;
	enum ipsi_option_type type;
	uint16_t ifla;
	uint16_t attr;
	uint32_t standard;
	uint32_t min;
	uint32_t max;
	uint32_t step;
	const char *word;
} ipsi_options[IPSI_CONF_OPTIONS] = {
	[IPSI_CONF_LOCAL] = { "Local", IPSI_OPTION_ADDR,
		IFLA_IPSEC_IPIP_LOCAL, IPSEC_IPIP_A_DEV_LOCAL },
	[IPSI_CONF_REMOTE] = { "Remote", IPSI_OPTION_ADDR,
		IFLA_IPSEC_IPIP_REMOTE, IPSEC_IPIP_A_DEV_REMOTE },
	[IPSI_CONF_DEVICE] = { "Device", IPSI_OPTION_DEVICE,
		IFLA_IPSEC_IPIP_LINK, IPSEC_IPIP_A_DEV_LINK },
	[IPSI_CONF_IF_ID] = { "IfId", IPSI_OPTION_U32,
		IFLA_IPSEC_IPIP_IF_ID, IPSEC_IPIP_A_DEV_IF_ID, .min = 1 },
	[IPSI_CONF_REQID] = { "ReqId", IPSI_OPTION_U32,
		IFLA_IPSEC_IPIP_REQID, IPSEC_IPIP_A_DEV_REQID },
	[IPSI_CONF_TTL] = { "TTL", IPSI_OPTION_U8,
		IFLA_IPSEC_IPIP_TTL, IPSEC_IPIP_A_DEV_TTL,
		.min = 1, .max = UINT8_MAX, .word = "default" },
	[IPSI_CONF_TOS] = { "TOS", IPSI_OPTION_U8,
		IFLA_IPSEC_IPIP_TOS, IPSEC_IPIP_A_DEV_TOS,
		.standard = IPSI_TOS_INHERIT, .max = 0xfc, .step = 4,
		.word = "inherit" },
	[IPSI_CONF_DF] = { "DF", IPSI_OPTION_ENUM,
		IFLA_IPSEC_IPIP_DF, IPSEC_IPIP_A_DEV_DF,
		.standard = IPSEC_IPIP_DF_INHERIT },
	[IPSI_CONF_ECN] = { "ECN", IPSI_OPTION_ENUM,
		IFLA_IPSEC_IPIP_ECN, IPSEC_IPIP_A_DEV_ECN },
	[IPSI_CONF_FLOWLABEL] = { "FlowLabel", IPSI_OPTION_ENUM,
		IFLA_IPSEC_IPIP_FLOWLABEL, IPSEC_IPIP_A_DEV_FLOWLABEL },
	[IPSI_CONF_FWMARK] = { "FwMark", IPSI_OPTION_U32,
		IFLA_IPSEC_IPIP_FWMARK, IPSEC_IPIP_A_DEV_FWMARK },
	[IPSI_CONF_KEYING] = { "Keying", IPSI_OPTION_ENUM,
		IFLA_IPSEC_IPIP_KEYING, IPSEC_IPIP_A_DEV_KEYING },
	[IPSI_CONF_POLICIES] = { "Policies", IPSI_OPTION_ENUM,
		IFLA_IPSEC_IPIP_POLICIES, IPSEC_IPIP_A_DEV_POLICIES },
	[IPSI_CONF_ICMP] = { "IcmpRelay", IPSI_OPTION_BOOL,
		IFLA_IPSEC_IPIP_ICMP, IPSEC_IPIP_A_DEV_ICMP, .standard = 1 },
	[IPSI_CONF_ROAM] = { "Roam", IPSI_OPTION_BOOL,
		IFLA_IPSEC_IPIP_ROAM, IPSEC_IPIP_A_DEV_ROAM },
	[IPSI_CONF_ENCAP_PORT] = { "EncapPort", IPSI_OPTION_BE16,
		IFLA_IPSEC_IPIP_ENCAP_PORT, IPSEC_IPIP_A_DEV_ENCAP_PORT,
		.max = UINT16_MAX },
	/* 0 is automatic, which is an option of the type; other numbers are not. */
	[IPSI_CONF_MTU] = { "MTU", IPSI_OPTION_U8,
		IFLA_IPSEC_IPIP_MTU_AUTO, IPSEC_IPIP_A_DEV_MTU,
		.min = 68, .max = UINT16_MAX, .word = "auto" },
};

/* Returns the index of an option, or -1. */
int ipsi_conf_option_index(const char *key)
{
	int i;

	for (i = 0; i < IPSI_CONF_OPTIONS; i++)
		if (!strcasecmp(key, ipsi_options[i].key))
			return i;
	return -1;
}

const char *ipsi_conf_option_key(int index)
{
	return ipsi_options[index].key;
}

/* Resolves a name, to the family of the other endpoint if that is known. */
static bool ipsi_option_resolve(const char *name, int family,
				struct ipsi_addr *addr)
{
	const struct addrinfo hints = { .ai_family = family,
					.ai_socktype = SOCK_DGRAM };
	struct addrinfo *info;
	const void *data;

	if (getaddrinfo(name, NULL, &hints, &info))
		return false;
	addr->family = info->ai_family;
	addr->len = info->ai_family == AF_INET ? 4 : 16;
	data = info->ai_family == AF_INET ?
	       (void *)&((struct sockaddr_in *)info->ai_addr)->sin_addr :
	       (void *)&((struct sockaddr_in6 *)info->ai_addr)->sin6_addr;
	memcpy(addr->data, data, addr->len);
	freeaddrinfo(info);
	return true;
}

static int ipsi_option_addr(struct ipsi_conf *conf, int index,
			    const char *value)
{
	const int other = index == IPSI_CONF_LOCAL ? IPSI_CONF_REMOTE :
						     IPSI_CONF_LOCAL;
	struct ipsi_addr *addr = &conf->option[index].addr;
	const char *key = ipsi_options[index].key;

	if (index == IPSI_CONF_REMOTE && !strcmp(value, "any"))
		return IPSI_OK;
	if (ipsi_addr_parse(value, addr))
		return IPSI_OK;
	if (strchr(value, '%'))
		return ipsi_usage("%s: \"%s\": leave the interface out, and add Device = %s",
				  key, value, strchr(value, '%') + 1);
	if (strchr(value, '/'))
		return ipsi_usage("%s: \"%s\": an address without \"%s\" expected; the prefix belongs to Address",
				  key, value, strchr(value, '/'));
	/* The resolver takes "10.0.0" for 10.0.0.0. */
	if (!value[strspn(value, "0123456789.")] || strchr(value, ':'))
		return ipsi_usage("%s: \"%s\" is not an address; expected IPv4, IPv6, or a name",
				  key, value);
	/* It may resolve later, which is no mistake of the file. */
	if (!ipsi_option_resolve(value, conf->option[other].addr.family, addr))
		return ipsi_fail("%s: \"%s\" is not an address, nor a name that resolves",
				  key, value);
	return IPSI_OK;
}

static const char * const *ipsi_option_names(int index)
{
	return ipsi_dev_set.attrs[ipsi_options[index].attr].values;
}

static int ipsi_option_enum(int index, const char *value, uint32_t *number)
{
	const char * const *names = ipsi_option_names(index);
	char expected[128] = "";
	uint32_t i;

	for (i = 0; names[i]; i++) {
		if (!strcmp(value, names[i])) {
			*number = i;
			return IPSI_OK;
		}
		snprintf(expected + strlen(expected),
			 sizeof(expected) - strlen(expected), "%s%s",
			 i ? ", " : "", names[i]);
	}
	return ipsi_usage("%s: \"%s\" is unknown; expected one of %s",
			  ipsi_options[index].key, value, expected);
}

/* Reads "yes" or "no"; returns an exit code. */
int ipsi_conf_bool(const char *value, uint32_t *number)
{
	*number = !strcasecmp(value, "yes");
	if (!*number && strcasecmp(value, "no"))
		return ipsi_usage("\"%s\" is neither yes nor no", value);
	return IPSI_OK;
}

/* Reads a number, or the word for the default. */
static int ipsi_option_number(const struct ipsi_option *option,
			      const char *value, uint32_t *number)
{
	const uint32_t max = option->max ? option->max : UINT32_MAX;
	char step[32];
	uint64_t n;

	if (option->word && !strcmp(value, option->word)) {
		*number = option->standard;
		return IPSI_OK;
	}
	if (!ipsi_number(value, &n) || n < option->min || n > max ||
	    (option->step && n % option->step)) {
		snprintf(step, sizeof(step), " in steps of %u", option->step);
		return ipsi_usage("%s: \"%s\": expected %u to %u%s (hex with 0x)%s%s",
				  option->key, value, option->min, max,
				  option->step ? step : "",
				  option->word ? ", or " : "",
				  option->word ? option->word : "");
	}
	*number = n;
	return IPSI_OK;
}

static int ipsi_option_device(const char *value, uint32_t *number)
{
	*number = if_nametoindex(value);
	/* It may be made later, which is no mistake of the file. */
	if (!*number)
		return ipsi_fail("Device: \"%s\" is not a device of this host",
				 value);
	return IPSI_OK;
}

/**
 * ipsi_conf_option_parse() - read the value of an option
 * @conf: the result
 * @index: the option
 * @value: its value
 *
 * Return: exit code.
 */
int ipsi_conf_option_parse(struct ipsi_conf *conf, int index, char *value)
{
	struct ipsi_conf_option *to = &conf->option[index];
	const struct ipsi_option *option = &ipsi_options[index];

	to->set = true;
	switch (option->type) {
	case IPSI_OPTION_ADDR:
		return ipsi_option_addr(conf, index, value);
	case IPSI_OPTION_DEVICE:
		return ipsi_option_device(value, &to->number);
	case IPSI_OPTION_U8:
	case IPSI_OPTION_BE16:
	case IPSI_OPTION_U32:
		return ipsi_option_number(option, value, &to->number);
	case IPSI_OPTION_ENUM:
		return ipsi_option_enum(index, value, &to->number);
	case IPSI_OPTION_BOOL:
		return ipsi_conf_bool(value, &to->number);
	}
	return IPSI_OK;
}

/* Sets what has not been given; returns an exit code. */
int ipsi_conf_option_complete(struct ipsi_conf *conf)
{
	struct ipsi_conf_option *remote = &conf->option[IPSI_CONF_REMOTE];
	struct ipsi_conf_option *local = &conf->option[IPSI_CONF_LOCAL];
	struct ipsi_conf_option *keying = &conf->option[IPSI_CONF_KEYING];
	int i;

	for (i = 0; i < IPSI_CONF_OPTIONS; i++)
		if (!conf->option[i].set)
			conf->option[i].number = ipsi_options[i].standard;
	if (conf->partial)
		return IPSI_OK;
	if (!local->set || !remote->set)
		return ipsi_usage("%s = ADDRESS expected in [Link]",
				  local->set ? "Remote" : "Local");
	if (!remote->addr.family) {
		if (!conf->option[IPSI_CONF_ROAM].number)
			return ipsi_usage("Remote: any needs Roam = yes");
		remote->addr.family = local->addr.family;
		remote->addr.len = local->addr.len;
	}
	if (local->addr.family != remote->addr.family)
		return ipsi_usage("Remote: \"%s\": expected an address of the family of Local, as \"%s\"",
				  ipsi_conf_text(conf, "Remote"),
				  ipsi_conf_text(conf, "Local"));
	if (ipsi_conf_option_equal(local, remote))
		return ipsi_usage("Remote: \"%s\": expected the address of the peer, and not that of Local",
				  ipsi_conf_text(conf, "Remote"));
	if (!ipsi_conf_ike(conf))
		return IPSI_OK;
	if (keying->set && keying->number == IPSEC_IPIP_KEYING_MANUAL)
		return ipsi_usage("Keying: manual excludes Secret and Certificate");
	if (!keying->set)
		keying->number = IPSEC_IPIP_KEYING_ADOPT;
	return IPSI_OK;
}

/**
 * ipsi_conf_option_put() - put the options into a request for a link
 * @nlh: the request
 * @conf: the configuration
 *
 * Return: exit code.
 */
int ipsi_conf_option_put(struct nlmsghdr *nlh, const struct ipsi_conf *conf)
{
	const struct ipsi_conf_option *from;
	const struct ipsi_option *option;
	int i, ret = IPSI_OK;
	uint16_t port;

	for (i = 0; i < IPSI_CONF_OPTIONS && !ret; i++) {
		from = &conf->option[i];
		option = &ipsi_options[i];
		/* The kernel chooses it. */
		if (i == IPSI_CONF_IF_ID && !from->number)
			continue;
		/* A number is no option of the type. */
		if (i == IPSI_CONF_MTU && from->number)
			continue;
		port = htons(from->number);
		if (option->type == IPSI_OPTION_ADDR)
			ret = ipsi_nl_put(nlh, option->ifla, from->addr.data,
					  from->addr.len);
		else if (option->type == IPSI_OPTION_BE16)
			ret = ipsi_nl_put(nlh, option->ifla, &port,
					  sizeof(port));
		else if (option->type == IPSI_OPTION_U32 ||
			 option->type == IPSI_OPTION_DEVICE)
			ret = ipsi_nl_put_u32(nlh, option->ifla, from->number);
		else
			ret = ipsi_nl_put_u8(nlh, option->ifla,
					     i == IPSI_CONF_MTU ? 1 :
					     from->number);
	}
	return ret;
}

/**
 * ipsi_conf_option_get() - get the options of a device
 * @conf: the result
 * @dev: the kernel's answer
 */
void ipsi_conf_option_get(struct ipsi_conf *conf, const struct ipsi_attrs *dev)
{
	struct ipsi_conf_option *to;
	const struct nlattr *attr;
	int i;

	for (i = 0; i < IPSI_CONF_OPTIONS; i++) {
		to = &conf->option[i];
		attr = dev->tb[ipsi_options[i].attr];
		if (attr && ipsi_options[i].type == IPSI_OPTION_ADDR) {
			to->addr.len = mnl_attr_get_payload_len(attr);
			to->addr.family = to->addr.len == 4 ? AF_INET :
							      AF_INET6;
			memcpy(to->addr.data, mnl_attr_get_payload(attr),
			       to->addr.len);
			to->set = true;
			continue;
		}
		to->number = ipsi_options[i].standard;
		/* A flag has no value; it is absent if off. */
		if (attr && ipsi_dev_set.attrs[ipsi_options[i].attr].type ==
			    IPSI_FLAG)
			to->number = 1;
		else if (attr)
			to->number = ipsi_attr_u64(dev, ipsi_options[i].attr);
		if (i == IPSI_CONF_MTU && dev->tb[IPSEC_IPIP_A_DEV_MTU_AUTO])
			to->number = 0;
		to->set = to->number != ipsi_options[i].standard;
	}
}

bool ipsi_conf_option_equal(const struct ipsi_conf_option *a,
			    const struct ipsi_conf_option *b)
{
	return a->number == b->number && a->addr.family == b->addr.family &&
	       !memcmp(a->addr.data, b->addr.data, a->addr.len);
}

static bool ipsi_addr_is_zero(const struct ipsi_addr *addr)
{
	static const uint8_t zero[sizeof(struct in6_addr)];

	return !memcmp(addr->data, zero, addr->len);
}

/* A newer module may have values that are not in the table. */
static void ipsi_option_print_enum(FILE *f, int index, uint32_t number)
{
	const char * const *names = ipsi_option_names(index);
	uint32_t i;

	for (i = 0; i < number && names[i]; i++)
		;
	if (names[i])
		fputs(names[i], f);
	else
		fprintf(f, "%u", number);
}

static void ipsi_option_print_value(FILE *f, int index,
				    const struct ipsi_conf_option *from)
{
	char buf[IPSI_TEXT_LEN] = "?";

	switch (ipsi_options[index].type) {
	case IPSI_OPTION_ADDR:
		inet_ntop(from->addr.family, from->addr.data, buf, sizeof(buf));
		fputs(ipsi_addr_is_zero(&from->addr) ? "any" : buf, f);
		break;
	case IPSI_OPTION_DEVICE:
		if (if_indextoname(from->number, buf))
			ipsi_make_printable(buf);
		fputs(buf, f);
		break;
	case IPSI_OPTION_ENUM:
		ipsi_option_print_enum(f, index, from->number);
		break;
	case IPSI_OPTION_BOOL:
		fputs(from->number ? "yes" : "no", f);
		break;
	default:
		fprintf(f, index == IPSI_CONF_TOS ? "0x%02x" :
			index == IPSI_CONF_IF_ID ||
			index == IPSI_CONF_FWMARK ? "0x%x" : "%u",
			from->number);
	}
}

/**
 * ipsi_conf_option_print() - print the options that are not at their defaults
 * @f: the file
 * @conf: the configuration
 */
void ipsi_conf_option_print(FILE *f, const struct ipsi_conf *conf)
{
	const struct ipsi_conf_option *from;
	int i;

	for (i = 0; i < IPSI_CONF_OPTIONS; i++) {
		from = &conf->option[i];
		/* Without the line, setconf leaves the MTU as it is. */
		if (i == IPSI_CONF_MTU && from->set && !from->number) {
			fprintf(f, "%s = auto\n", ipsi_options[i].key);
			continue;
		}
		if (ipsi_options[i].type != IPSI_OPTION_ADDR &&
		    from->number == ipsi_options[i].standard)
			continue;
		if ((i == IPSI_CONF_IF_ID || i == IPSI_CONF_REQID) &&
		    from->number >= IPSI_IF_ID_AUTO)
			continue;
		fprintf(f, "%s = ", ipsi_options[i].key);
		ipsi_option_print_value(f, i, from);
		fputc('\n', f);
	}
}
