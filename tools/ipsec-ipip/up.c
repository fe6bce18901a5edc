// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip up: make the link of a file, or nothing at all.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <linux/netlink.h>

#include "attrs.h"
#include "conf.h"
#include "ipsi.h"
#include "signals.h"

static int ipsi_up_sas(const struct ipsi_conf *conf, struct ipsi_nl *family)
{
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < conf->n_sa && !ret; i++) {
		conf->sa[i]->args.id.dev = conf->dev;
		ipsi_conf_at(conf, conf->sa[i]->line);
		ret = ipsi_sa_send(family, &conf->sa[i]->args);
	}
	ipsi_conf_at(conf, 0);
	return ret;
}

/* The kernel has chosen the if_id; the reqid of acquires is the same number. */
static int ipsi_up_ike(struct ipsi_conf *conf, struct ipsi_nl *route,
		       struct ipsi_nl *family, uint32_t ifindex)
{
	struct ipsi_conf now = {};
	uint32_t if_id;
	int ret;

	if (!ipsi_conf_ike(conf))
		return IPSI_OK;
	ret = ipsi_conf_options_from_kernel(&now, conf->dev, family);
	if_id = now.option[IPSI_CONF_IF_ID].number;
	ipsi_conf_free(&now);
	if (!ret && !conf->option[IPSI_CONF_REQID].set) {
		conf->option[IPSI_CONF_REQID].number = if_id;
		ret = ipsi_link_set(route, ifindex, conf);
	}
	if (!ret)
		ret = ipsi_conf_ike_up(conf, if_id);
	return ret;
}

/* Ends a link that is being made, if a signal came. */
static int ipsi_up_goes_on(const struct ipsi_conf *conf)
{
	return ipsi_end_wanted() ? ipsi_fail("ended by a signal: %s is not made",
					     conf->dev) : IPSI_OK;
}

static int ipsi_up_link(struct ipsi_conf *conf, struct ipsi_nl *route,
			uint32_t ifindex)
{
	struct ipsi_nl family = {};
	int ret;

	ret = ipsi_nl_open(&family);
	if (!ret)
		ret = ipsi_up_sas(conf, &family);
	if (!ret)
		ret = ipsi_conf_address_send(route, ifindex, conf);
	ipsi_conf_at(conf, 0);
	if (!ret)
		ret = ipsi_link_up(route, ifindex);
	if (!ret)
		ret = ipsi_conf_route_send(route, ifindex, conf);
	ipsi_conf_at(conf, 0);
	if (!ret)
		ret = ipsi_dns_set(conf);
	if (!ret)
		ret = ipsi_up_goes_on(conf);
	if (!ret)
		ret = ipsi_up_ike(conf, route, &family, ifindex);
	if (!ret)
		ret = ipsi_up_goes_on(conf);
	if (!ret)
		ret = ipsi_hooks_run(conf, "PostUp");
	if (!ret)
		ret = ipsi_up_goes_on(conf);
	ipsi_nl_close(&family);
	return ret;
}

static void ipsi_up_undo(struct ipsi_conf *conf, struct ipsi_nl *route,
			 uint32_t ifindex)
{
	ipsi_conf_ike_down(conf->dev);
	ipsi_dns_unset(conf);
	ipsi_link_del(route, ifindex);
}

static int ipsi_up_new(struct ipsi_conf *conf)
{
	struct ipsi_nl route = {};
	uint32_t ifindex;
	bool pre_up;
	int ret;

	ipsi_end_defer();
	ret = ipsi_hooks_run(conf, "PreUp");
	pre_up = !ret;
	if (!ret)
		ret = ipsi_nl_open_bus(&route, NETLINK_ROUTE);
	ipsi_conf_at(conf, 0);
	if (!ret)
		ret = ipsi_link_add(&route, conf);
	if (ret)
		goto out;
	ifindex = if_nametoindex(conf->dev);
	ipsi_making(conf->dev, ifindex);
	ret = ipsi_up_link(conf, &route, ifindex);
	if (ret)
		ipsi_up_undo(conf, &route, ifindex);
out:
	ipsi_made(conf->dev);
	ipsi_nl_close(&route);
	/* Another try would run PreUp twice. */
	if (ret && pre_up)
		ipsi_hooks_run(conf, "PostDown");
	return ret;
}

/* Without the module, the answer to a request for a link is "Unknown device type";
 * a request for its family loads it, or gives the reason.
 */
static int ipsi_up_module(void)
{
	struct ipsi_nl family = {};
	int ret = ipsi_nl_open(&family);

	ipsi_nl_close(&family);
	return ret;
}

/* Removes what an "up" left that was killed. */
static int ipsi_up_clean(struct ipsi_conf *conf, uint32_t ifindex)
{
	struct ipsi_nl route = {};
	int ret;

	ipsi_warn("the last \"up\" was killed: making %s anew", conf->dev);
	ipsi_end_defer();
	ret = ipsi_nl_open_bus(&route, NETLINK_ROUTE);
	if (!ret) {
		ipsi_up_undo(conf, &route, ifindex);
		ret = ipsi_hooks_run(conf, "PostDown");
	}
	ipsi_nl_close(&route);
	return ret;
}

/* Another command may have made the link before this one could lock it. Without the
 * lock, it may be making it now.
 */
static int ipsi_up_locked(struct ipsi_conf *conf, char **argv, bool locked)
{
	uint32_t ifindex;
	bool half;
	int ret;

	ret = ipsi_conf_find(conf, 1, argv, &ifindex);
	half = !ret && ifindex && locked && ipsi_half_made(conf->dev, ifindex);
	if (!ret && ifindex && !half) {
		printf("%s is up\n", conf->dev);
		return IPSI_OK;
	}
	if (!ret)
		ret = ipsi_conf_load(conf, argv[0]);
	if (!ret)
		ret = ipsi_up_module();
	if (!ret && half)
		ret = ipsi_up_clean(conf, ifindex);
	return ret ? ret : ipsi_up_new(conf);
}

/**
 * ipsi_up() - make the link of a file
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_up(int argc, char **argv)
{
	struct ipsi_conf conf = {};
	uint32_t ifindex;
	int ret, lock;

	ret = ipsi_conf_find(&conf, argc, argv, &ifindex);
	if (!ret && ifindex && ipsi_half_made(conf.dev, ifindex))
		ifindex = 0;
	if (!ret && ifindex)
		printf("%s is up\n", conf.dev);
	if (ret || ifindex)
		return ret;
	lock = ipsi_lock(conf.dev, 0);
	ret = ipsi_up_locked(&conf, argv, lock >= 0);
	ipsi_unlock(lock);
	ipsi_conf_free(&conf);
	return ret;
}
