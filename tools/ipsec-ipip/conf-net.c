// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses and routes of ipsec-ipip.conf(5). They go with the link, so nothing
 * here deletes any.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "conf.h"
#include "ipsi.h"

/* Reads an address without prefix length. */
bool ipsi_addr_parse(const char *text, struct ipsi_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	addr->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	addr->len = addr->family == AF_INET ? 4 : 16;
	addr->plen = 8 * addr->len;
	if (inet_pton(addr->family, text, addr->data) == 1)
		return true;
	addr->family = 0;
	return false;
}

static int ipsi_addr_prefix(const char *key, const char *text,
			    struct ipsi_addr *addr)
{
	char buf[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	uint64_t plen;
	int ret;

	if (strchr(text, ','))
		return ipsi_usage("%s: \"%s\": one expected, without comma; repeat the line for more",
				  key, text);
	snprintf(buf, sizeof(buf), "%.*s", (int)(slash - text), text);
	if (!ipsi_addr_parse(buf, addr))
		return ipsi_usage("%s: \"%s\" is not an address; expected ADDR[/LEN]",
				  key, text);
	if (!*slash)
		return IPSI_OK;
	ret = ipsi_arg_number(key, slash + 1, addr->plen, &plen);
	if (!ret)
		addr->plen = plen;
	return ret;
}

/* Refuses an address with bits set beyond its prefix, and names the network. */
static int ipsi_addr_check_net(const char *word, const struct ipsi_addr *addr)
{
	struct ipsi_addr net = *addr;
	char text[INET6_ADDRSTRLEN];
	unsigned int i;

	for (i = net.plen; i < 8u * net.len; i++)
		net.data[i / 8] &= ~(0x80 >> i % 8);
	if (!memcmp(net.data, addr->data, net.len))
		return IPSI_OK;
	inet_ntop(net.family, net.data, text, sizeof(text));
	return ipsi_usage("Route: \"%s\" has bits set beyond its /LENGTH: did you mean \"%s/%u\"?",
			  word, text, net.plen);
}

/* "ADDR[/LEN] [peer ADDR[/LEN]]"; returns an exit code. */
int ipsi_conf_address_parse(struct ipsi_conf *conf, char *value)
{
	struct ipsi_conf_address *address;
	char *save, *word = strtok_r(value, " \t", &save);
	int ret;

	conf->address = ipsi_conf_grow(conf->address, conf->n_address,
				       sizeof(*address));
	address = &conf->address[conf->n_address++];
	address->line = conf->line;
	ret = ipsi_addr_prefix("Address", word, &address->local);
	word = strtok_r(NULL, " \t", &save);
	if (ret || !word)
		return ret;
	if (strcmp(word, "peer"))
		return ipsi_usage("Address: \"%s\"; expected ADDR[/LEN] [peer ADDR[/LEN]]",
				  word);
	word = strtok_r(NULL, " \t", &save);
	if (!word || strtok_r(NULL, " \t", &save))
		return ipsi_usage("Address: one address expected after peer");
	ret = ipsi_addr_prefix("Address", word, &address->peer);
	if (!ret && address->peer.family != address->local.family)
		ret = ipsi_usage("Address: both addresses must be of one family");
	return ret;
}

static int ipsi_route_dst(const char *word, struct ipsi_addr *dst)
{
	int ret = IPSI_OK;

	if (!strcmp(word, "default"))
		ipsi_addr_parse("0.0.0.0", dst);
	else if (!strcmp(word, "default6"))
		ipsi_addr_parse("::", dst);
	else
		return ipsi_addr_prefix("Route", word, dst);
	dst->plen = 0;
	return ret;
}

static int ipsi_route_word(struct ipsi_conf_route *route, const char *word,
			   const char *arg)
{
	if (!arg)
		return ipsi_usage("Route: value expected after \"%s\"", word);
	if (!strcmp(word, "metric"))
		return ipsi_arg_u32("Route: metric", arg, &route->metric);
	if (!strcmp(word, "table"))
		return ipsi_arg_u32("Route: table", arg, &route->table);
	if (strcmp(word, "src"))
		return ipsi_usage("Route: unknown word \"%s\"; expected src, metric or table",
				  word);
	if (!ipsi_addr_parse(arg, &route->src) ||
	    route->src.family != route->dst.family)
		return ipsi_usage("Route: src: \"%s\" is not an address of the route's family",
				  arg);
	return IPSI_OK;
}

/* "PREFIX [src ADDR] [metric N] [table N]"; returns an exit code. */
int ipsi_conf_route_parse(struct ipsi_conf *conf, char *value)
{
	struct ipsi_conf_route *route;
	char *save, *word = strtok_r(value, " \t", &save);
	int ret;

	conf->route = ipsi_conf_grow(conf->route, conf->n_route,
				     sizeof(*route));
	route = &conf->route[conf->n_route++];
	route->line = conf->line;
	route->table = RT_TABLE_MAIN;
	ret = ipsi_route_dst(word, &route->dst);
	if (!ret)
		ret = ipsi_addr_check_net(word, &route->dst);
	while (!ret && (word = strtok_r(NULL, " \t", &save)))
		ret = ipsi_route_word(route, word, strtok_r(NULL, " \t",
							    &save));
	return ret;
}

static struct nlmsghdr *ipsi_net_request(struct ipsi_nl *nl, uint16_t type,
					 uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->request);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | flags;
	return nlh;
}

/* Adds the addresses to the link; returns an exit code. */
int ipsi_conf_address_send(struct ipsi_nl *nl, uint32_t ifindex,
			   const struct ipsi_conf *conf)
{
	const struct ipsi_addr *local, *prefix;
	struct nlmsghdr *nlh;
	struct ifaddrmsg *ifa;
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < conf->n_address && !ret; i++) {
		local = &conf->address[i].local;
		prefix = conf->address[i].peer.family ? &conf->address[i].peer :
							local;
		nlh = ipsi_net_request(nl, RTM_NEWADDR, NLM_F_EXCL);
		ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
		ifa->ifa_family = local->family;
		ifa->ifa_prefixlen = prefix->plen;
		ifa->ifa_index = ifindex;
		ipsi_conf_at(conf, conf->address[i].line);
		mnl_attr_put(nlh, IFA_LOCAL, local->len, local->data);
		mnl_attr_put(nlh, IFA_ADDRESS, prefix->len, prefix->data);
		ret = ipsi_nl_talk(nl, NULL, NULL);
	}
	return ret;
}

/* Adds the routes by the link; returns an exit code. */
int ipsi_conf_route_send(struct ipsi_nl *nl, uint32_t ifindex,
			 const struct ipsi_conf *conf)
{
	const struct ipsi_conf_route *route;
	struct nlmsghdr *nlh;
	int ret = IPSI_OK;
	struct rtmsg *rtm;
	size_t i;

	for (i = 0; i < conf->n_route && !ret; i++) {
		route = &conf->route[i];
		nlh = ipsi_net_request(nl, RTM_NEWROUTE, NLM_F_EXCL);
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		rtm->rtm_family = route->dst.family;
		rtm->rtm_dst_len = route->dst.plen;
		rtm->rtm_protocol = RTPROT_STATIC;
		rtm->rtm_scope = route->dst.family == AF_INET ?
				 RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
		rtm->rtm_type = RTN_UNICAST;
		mnl_attr_put(nlh, RTA_DST, route->dst.len, route->dst.data);
		ipsi_conf_at(conf, route->line);
		mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
		mnl_attr_put_u32(nlh, RTA_TABLE, route->table);
		if (route->metric)
			mnl_attr_put_u32(nlh, RTA_PRIORITY, route->metric);
		if (route->src.family)
			mnl_attr_put(nlh, RTA_PREFSRC, route->src.len,
				     route->src.data);
		ret = ipsi_nl_talk(nl, NULL, NULL);
	}
	return ret;
}
