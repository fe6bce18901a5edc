// SPDX-License-Identifier: GPL-2.0
/*
 * Links of type ipsec-ipip by rtnetlink: made, changed, set up and deleted. No ip(8)
 * with our plug-in is needed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "conf.h"
#include "ipsi.h"

static struct nlmsghdr *ipsi_link_request(struct ipsi_nl *nl, uint16_t type,
					  uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->request);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = ifindex;
	return nlh;
}

static int ipsi_link_put_info(struct nlmsghdr *nlh,
			      const struct ipsi_conf *conf)
{
	const uint32_t mtu = conf->option[IPSI_CONF_MTU].number;
	struct nlattr *info, *data;
	int ret = IPSI_OK;

	/* If it is automatic, the option of the type says so. */
	if (mtu)
		ret = ipsi_nl_put_u32(nlh, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	if (!ret)
		ret = ipsi_nl_put_string(nlh, IFLA_INFO_KIND, "ipsec-ipip");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	if (!ret)
		ret = ipsi_conf_option_put(nlh, conf);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return ret;
}

/* Makes the link, down and without SAs; returns an exit code. */
int ipsi_link_add(struct ipsi_nl *nl, const struct ipsi_conf *conf)
{
	struct nlmsghdr *nlh;
	int ret;

	nlh = ipsi_link_request(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	ret = ipsi_nl_put_string(nlh, IFLA_IFNAME, conf->dev);
	if (!ret && conf->master)
		ret = ipsi_nl_put_u32(nlh, IFLA_MASTER, conf->master);
	if (!ret)
		ret = ipsi_link_put_info(nlh, conf);
	if (!ret)
		ret = ipsi_nl_talk(nl, NULL, NULL);
	return ret;
}

/* Changes the options of the link; returns an exit code. */
int ipsi_link_set(struct ipsi_nl *nl, uint32_t ifindex,
		  const struct ipsi_conf *conf)
{
	int ret;

	ret = ipsi_link_put_info(ipsi_link_request(nl, RTM_NEWLINK, 0, ifindex),
				 conf);
	if (!ret)
		ret = ipsi_nl_talk(nl, NULL, NULL);
	return ret;
}

/* Sets the link up; returns an exit code. */
int ipsi_link_up(struct ipsi_nl *nl, uint32_t ifindex)
{
	struct nlmsghdr *nlh = ipsi_link_request(nl, RTM_NEWLINK, 0, ifindex);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return ipsi_nl_talk(nl, NULL, NULL);
}

/* Deletes the link, with its SAs, addresses and routes; returns an exit code. */
int ipsi_link_del(struct ipsi_nl *nl, uint32_t ifindex)
{
	ipsi_link_request(nl, RTM_DELLINK, 0, ifindex);
	return ipsi_nl_talk(nl, NULL, NULL);
}

static bool ipsi_link_is_ours(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *inner;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested(inner, attr)
			if (mnl_attr_get_type(inner) == IFLA_INFO_KIND &&
			    !mnl_attr_validate(inner, MNL_TYPE_NUL_STRING))
				return !strcmp(mnl_attr_get_str(inner),
					       "ipsec-ipip");
	}
	return false;
}

/**
 * ipsi_link_find() - look for a link
 * @name: its name
 * @ifindex: set to its index, 0 if there is none
 * @ours: set if it is of our type
 *
 * Return: exit code.
 */
int ipsi_link_find(const char *name, uint32_t *ifindex, bool *ours)
{
	struct ipsi_replies replies = {};
	struct ipsi_nl nl = {};
	int ret;

	*ours = false;
	*ifindex = if_nametoindex(name);
	if (!*ifindex)
		return IPSI_OK;
	ret = ipsi_nl_open_bus(&nl, NETLINK_ROUTE);
	if (!ret) {
		ipsi_link_request(&nl, RTM_GETLINK, 0, *ifindex);
		ret = ipsi_nl_talk(&nl, NULL, &replies);
	}
	if (!ret && replies.n)
		*ours = ipsi_link_is_ours(replies.msg[0]);
	ipsi_replies_free(&replies);
	ipsi_nl_close(&nl);
	return ret;
}
