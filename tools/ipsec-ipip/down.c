// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip down: delete the link of a file. Its SAs, addresses and routes go with
 * it. Only hooks and DNS of the file matter here: names that do not resolve, key
 * files that are gone, and other mistakes do no harm.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <linux/netlink.h>

#include "conf.h"
#include "ipsi.h"
#include "signals.h"

/* A change of keys may last for long. */
#define IPSI_DOWN_WAIT	10	/* seconds */

static int ipsi_down_link(const struct ipsi_conf *conf, uint32_t ifindex)
{
	struct ipsi_nl route = {};
	int ret, hook, ike;

	/* A signal ends what hooks and daemons do, and the link with them. */
	ipsi_end_defer();
	/* A hook that fails must not keep the link alive. */
	hook = ipsi_hooks_run(conf, "PreDown");
	ike = ipsi_conf_ike_down(conf->dev);
	ipsi_dns_unset(conf);
	ret = ipsi_nl_open_bus(&route, NETLINK_ROUTE);
	if (!ret)
		ret = ipsi_link_del(&route, ifindex);
	ipsi_nl_close(&route);
	if (!ret) {
		ipsi_made(conf->dev);
		ret = ipsi_hooks_run(conf, "PostDown");
	}
	if (!ret)
		ret = hook ? hook : ike;
	return ret;
}

static int ipsi_down_locked(struct ipsi_conf *conf, char **argv)
{
	uint32_t ifindex;
	int ret;

	ret = ipsi_conf_find(conf, 1, argv, &ifindex);
	if (ret)
		return ret;
	if (!ifindex) {
		ipsi_made(conf->dev);
		printf("%s is not up\n", conf->dev);
		return ipsi_conf_ike_down(conf->dev);
	}
	if (ipsi_conf_load(conf, argv[0])) {
		ipsi_warn("no hooks are run");
		ipsi_conf_free(conf);
		ipsi_conf_name(conf, argv[0]);
	}
	return ipsi_down_link(conf, ifindex);
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
	struct ipsi_conf conf = { .for_down = true };
	uint32_t ifindex;
	int ret, lock;

	ret = ipsi_conf_find(&conf, argc, argv, &ifindex);
	if (ret)
		return ret;
	lock = ipsi_lock(conf.dev, IPSI_DOWN_WAIT);
	ret = ipsi_down_locked(&conf, argv);
	ipsi_unlock(lock);
	ipsi_conf_free(&conf);
	return ret;
}
