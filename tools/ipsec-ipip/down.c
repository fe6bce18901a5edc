// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip down: delete the link of a file. Its SAs, addresses and routes go with
 * it. A file with a mistake, or none, only means that no hooks are run.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <linux/netlink.h>

#include "conf.h"
#include "ipsi.h"

static int ipsi_down_link(const struct ipsi_conf *conf, uint32_t ifindex)
{
	struct ipsi_nl route = {};
	int ret, hook, ike;

	/* A hook that fails must not keep the link alive. */
	hook = ipsi_hooks_run(conf, "PreDown");
	ike = ipsi_conf_ike_down(conf->dev);
	ipsi_dns_unset(conf);
	ret = ipsi_nl_open_bus(&route, NETLINK_ROUTE);
	if (!ret)
		ret = ipsi_link_del(&route, ifindex);
	ipsi_nl_close(&route);
	if (!ret)
		ret = ipsi_hooks_run(conf, "PostDown");
	if (!ret)
		ret = hook ? hook : ike;
	return ret;
}

/**
 * ipsi_down() - delete the link of a file
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_down(int argc, char **argv)
{
	struct ipsi_conf conf = {};
	uint32_t ifindex = 0;
	bool ours;
	int ret;

	if (argc != 1)
		return ipsi_usage("NAME or FILE expected");
	ret = ipsi_conf_name(&conf, argv[0]);
	if (!ret)
		ret = ipsi_link_find(conf.dev, &ifindex, &ours);
	if (ret)
		return ret;
	if (!ifindex) {
		printf("%s is not up\n", conf.dev);
		return ipsi_conf_ike_down(conf.dev);
	}
	if (!ours)
		return ipsi_fail("%s: it is a link of another type", conf.dev);
	if (ipsi_conf_load(&conf, argv[0])) {
		ipsi_warn("no hooks are run");
		ipsi_conf_free(&conf);
		ipsi_conf_name(&conf, argv[0]);
	}
	ret = ipsi_down_link(&conf, ifindex);
	ipsi_conf_free(&conf);
	return ret;
}
