// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip setconf, addconf, syncconf: give a link that is up the options and SAs
 * of a file. SAs that stay the same are not touched.
 *
 * syncconf loses no packet when both ends change their keys: it adds the new SAs and
 * goes on sending by the old outbound one until a packet arrives by a new inbound SA,
 * which shows that the peer has the new keys, or until Overlap has passed. It deletes
 * the old inbound SAs when the peer no longer sends by them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>
#include <linux/netlink.h>

#include "attrs.h"
#include "conf.h"
#include "ipsi.h"

enum ipsi_sync_kind { IPSI_SYNC_SET, IPSI_SYNC_ADD, IPSI_SYNC_SYNC };

/* @to is the file, @now the link as it was. */
struct ipsi_sync {
	enum ipsi_sync_kind kind;
	struct ipsi_conf to, now;
	struct ipsi_nl family;
	uint32_t ifindex;
	bool added[1024];	/* SAs of @to that are new */
};

#define IPSI_SYNC_PAUSE_MS	50

/* Packets that the peer sent by an old SA may still be on their way. */
#define IPSI_SYNC_GRACE_MS	1000

static bool ipsi_is_out(const struct ipsi_conf_sa *sa)
{
	return sa->args.id.direction == IPSEC_IPIP_DIRECTION_OUT;
}

static const struct ipsi_conf_sa *
ipsi_sync_find(const struct ipsi_conf *conf, const struct ipsi_conf_sa *sa)
{
	size_t i;

	for (i = 0; i < conf->n_sa; i++)
		if (ipsi_conf_sa_same_id(&conf->sa[i]->args, &sa->args))
			return conf->sa[i];
	return NULL;
}

static int ipsi_sync_del(struct ipsi_sync *sync, const struct ipsi_conf_sa *sa)
{
	struct ipsi_sa_id id = sa->args.id;

	id.dev = sync->to.dev;
	return ipsi_sa_try(&sync->family, IPSEC_IPIP_CMD_SA_DEL, &id);
}

/* Pins @sa, or the newest outbound SA if it is NULL. */
static int ipsi_sync_activate(struct ipsi_sync *sync,
			      const struct ipsi_conf_sa *sa)
{
	struct ipsi_sa_id id = { .dev = sync->to.dev };

	if (sa) {
		id.has_spi = true;
		id.spi = sa->args.id.spi;
		id.proto = sa->args.id.proto;
	}
	return ipsi_sa_try(&sync->family, IPSEC_IPIP_CMD_SA_ACTIVATE, &id);
}

/* Deletes the SAs of one direction that the file does not have. */
static int ipsi_sync_clean(struct ipsi_sync *sync, bool out)
{
	const struct ipsi_conf_sa *sa;
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < sync->now.n_sa && !ret; i++) {
		sa = sync->now.sa[i];
		if (ipsi_is_out(sa) == out && !ipsi_sync_find(&sync->to, sa))
			ret = ipsi_sync_del(sync, sa);
	}
	return ret;
}

static int ipsi_sync_add_one(struct ipsi_sync *sync, size_t i)
{
	struct ipsi_conf_sa *sa = sync->to.sa[i];
	const struct ipsi_conf_sa *old = ipsi_sync_find(&sync->now, sa);
	int ret = IPSI_OK;

	if (old && ipsi_conf_sa_equal(&old->args, &sa->args))
		return IPSI_OK;
	ipsi_conf_at(&sync->to, sa->line);
	if (old) {
		ipsi_warn("other keys under the same SPI: packets are lost until both ends have them; a new SPI avoids that");
		ret = ipsi_sync_del(sync, old);
	}
	sa->args.id.dev = sync->to.dev;
	if (!ret)
		ret = ipsi_sa_send(&sync->family, &sa->args);
	sync->added[i] = !ret;
	return ret;
}

/* Adds the new SAs, or none. */
static int ipsi_sync_add(struct ipsi_sync *sync)
{
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < sync->to.n_sa && !ret; i++)
		ret = ipsi_sync_add_one(sync, i);
	ipsi_conf_at(&sync->to, 0);
	if (!ret)
		return IPSI_OK;
	for (i = 0; i < sync->to.n_sa; i++)
		if (sync->added[i])
			ipsi_sync_del(sync, sync->to.sa[i]);
	return ret;
}

/* Whether the SA has received a packet. */
static bool ipsi_sync_used(struct ipsi_sync *sync,
			   const struct ipsi_conf_sa *sa)
{
	struct ipsi_replies replies = {};
	struct ipsi_sa_id id = sa->args.id;
	struct ipsi_attrs attrs, stats;
	struct nlmsghdr *nlh;
	bool used = false;

	id.dev = sync->to.dev;
	sync->family.fine = ENOENT;
	nlh = ipsi_nl_request(&sync->family, IPSEC_IPIP_CMD_SA_GET, false);
	if (!ipsi_put_sa_id(nlh, &id) &&
	    !ipsi_nl_talk(&sync->family, &ipsi_sa_set, &replies) && replies.n) {
		ipsi_attrs_parse(&attrs, &ipsi_sa_set, replies.msg[0]);
		ipsi_attrs_parse_nest(&stats, &attrs, IPSEC_IPIP_A_SA_STATS);
		used = ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_PACKETS);
	}
	sync->family.fine = 0;
	ipsi_replies_free(&replies);
	return used;
}

static bool ipsi_sync_peer_changed(struct ipsi_sync *sync)
{
	size_t i;

	for (i = 0; i < sync->to.n_sa; i++)
		if (sync->added[i] && !ipsi_is_out(sync->to.sa[i]) &&
		    ipsi_sync_used(sync, sync->to.sa[i]))
			return true;
	return false;
}

static void ipsi_sync_pause(long ms)
{
	struct timespec pause = { .tv_sec = ms / 1000,
				  .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

/* Waits until the peer sends by a new SA, but not for longer than Overlap. */
static void ipsi_sync_wait(struct ipsi_sync *sync)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += sync->to.overlap;
	do {
		if (ipsi_sync_peer_changed(sync))
			return;
		ipsi_sync_pause(IPSI_SYNC_PAUSE_MS);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
}

/* The outbound SA in use, or NULL. */
static const struct ipsi_conf_sa *ipsi_sync_active(struct ipsi_sync *sync)
{
	const struct ipsi_conf_sa *newest = NULL;
	size_t i;

	/* The oldest is first. A pinned SA stays pinned until the change. */
	for (i = 0; i < sync->now.n_sa; i++)
		if (ipsi_is_out(sync->now.sa[i]) &&
		    !sync->now.sa[i]->args.has_pcpu)
			newest = sync->now.sa[i];
	return newest;
}

/* Whether an outbound SA takes the place of another. */
static bool ipsi_sync_rekeys(struct ipsi_sync *sync)
{
	bool goes = false, comes = false;
	size_t i;

	for (i = 0; i < sync->now.n_sa; i++)
		goes |= ipsi_is_out(sync->now.sa[i]) &&
			!ipsi_sync_find(&sync->to, sync->now.sa[i]);
	for (i = 0; i < sync->to.n_sa; i++)
		comes |= ipsi_is_out(sync->to.sa[i]) &&
			 !ipsi_sync_find(&sync->now, sync->to.sa[i]);
	return goes && comes;
}

static int ipsi_sync_sas(struct ipsi_sync *sync)
{
	bool waits = sync->kind == IPSI_SYNC_SYNC && sync->to.overlap &&
		     ipsi_sync_rekeys(sync);
	int ret = IPSI_OK;

	if (waits)
		ret = ipsi_sync_activate(sync, ipsi_sync_active(sync));
	if (!ret)
		ret = ipsi_sync_add(sync);
	if (ret || sync->kind == IPSI_SYNC_ADD) {
		if (waits)
			ipsi_sync_activate(sync, NULL);
		return ret;
	}
	if (waits) {
		ipsi_sync_wait(sync);
		ret = ipsi_sync_activate(sync, NULL);
	}
	if (!ret)
		ret = ipsi_sync_clean(sync, true);
	if (!ret && waits) {
		ipsi_sync_wait(sync);
		ipsi_sync_pause(IPSI_SYNC_GRACE_MS);
	}
	return ret ? ret : ipsi_sync_clean(sync, false);
}

/* Options that the file does not set stay as they are, if the kernel chose them, or
 * if SAs are only added.
 */
static void ipsi_sync_inherit(struct ipsi_sync *sync)
{
	const bool roams = sync->to.option[IPSI_CONF_ROAM].number;
	struct ipsi_conf_option *to;
	int i;

	for (i = 0; i < IPSI_CONF_OPTIONS; i++) {
		to = &sync->to.option[i];
		if ((!to->set && (sync->kind == IPSI_SYNC_ADD ||
				  i == IPSI_CONF_IF_ID ||
				  i == IPSI_CONF_LOCAL ||
				  i == IPSI_CONF_REMOTE ||
				  (i == IPSI_CONF_REQID &&
				   ipsi_conf_ike(&sync->to)))) ||
		    (roams && (i == IPSI_CONF_LOCAL || i == IPSI_CONF_REMOTE)))
			*to = sync->now.option[i];
	}
}

/* Deletes SAs of other endpoints, which the link could no longer find. */
static int ipsi_sync_endpoints(struct ipsi_sync *sync)
{
	const struct ipsi_conf_option *to = sync->to.option;
	const struct ipsi_conf_option *now = sync->now.option;
	int ret = IPSI_OK;

	if (ipsi_conf_option_equal(&to[IPSI_CONF_LOCAL],
				   &now[IPSI_CONF_LOCAL]) &&
	    ipsi_conf_option_equal(&to[IPSI_CONF_REMOTE],
				   &now[IPSI_CONF_REMOTE]))
		return IPSI_OK;
	while (sync->now.n_sa && !ret) {
		ret = ipsi_sync_del(sync, sync->now.sa[sync->now.n_sa - 1]);
		ipsi_conf_sa_free(sync->now.sa[--sync->now.n_sa]);
	}
	return ret;
}

static int ipsi_sync_options(struct ipsi_sync *sync)
{
	const struct ipsi_conf_option *if_id = &sync->to.option[IPSI_CONF_IF_ID];
	struct ipsi_nl route = {};
	bool same = true;
	int i, ret;

	ipsi_sync_inherit(sync);
	if (if_id->number != sync->now.option[IPSI_CONF_IF_ID].number)
		return ipsi_fail("IfId cannot be changed: ipsec-ipip down %s, then up",
				 sync->to.dev);
	for (i = 0; i < IPSI_CONF_OPTIONS; i++)
		same &= ipsi_conf_option_equal(&sync->to.option[i],
					       &sync->now.option[i]);
	if (same)
		return IPSI_OK;
	ret = ipsi_sync_endpoints(sync);
	if (!ret)
		ret = ipsi_nl_open_bus(&route, NETLINK_ROUTE);
	if (!ret)
		ret = ipsi_link_set(&route, sync->ifindex, &sync->to);
	ipsi_nl_close(&route);
	return ret;
}

static int ipsi_sync_load(struct ipsi_sync *sync, int argc, char **argv)
{
	bool ours;
	int ret;

	if (argc != 1 && argc != 2)
		return ipsi_usage("NAME and FILE expected");
	ret = ipsi_conf_name(&sync->to, argv[0]);
	if (ret)
		return ret;
	if (argc == 2)
		snprintf(sync->to.path, sizeof(sync->to.path), "%s", argv[1]);
	sync->to.partial = sync->kind == IPSI_SYNC_ADD;
	ret = ipsi_link_find(sync->to.dev, &sync->ifindex, &ours);
	if (!ret && (!sync->ifindex || !ours))
		ret = ipsi_fail("%s is not up: ipsec-ipip up %s", sync->to.dev,
				sync->to.dev);
	if (!ret)
		ret = ipsi_conf_load(&sync->to, argv[0]);
	if (!ret && sync->to.n_sa > IPSI_ARRAY_SIZE(sync->added))
		ret = ipsi_usage("more than %zu SAs",
				 IPSI_ARRAY_SIZE(sync->added));
	return ret;
}

static int ipsi_sync_run(enum ipsi_sync_kind kind, int argc, char **argv)
{
	struct ipsi_sync sync = { .kind = kind };
	uint32_t if_id;
	int ret;

	ret = ipsi_sync_load(&sync, argc, argv);
	if (!ret)
		ret = ipsi_nl_open(&sync.family);
	if (!ret)
		ret = ipsi_conf_from_kernel(&sync.now, sync.to.dev,
					    &sync.family);
	if (!ret)
		ret = ipsi_sync_options(&sync);
	if (!ret)
		ret = ipsi_sync_sas(&sync);
	if_id = sync.now.option[IPSI_CONF_IF_ID].number;
	if (!ret && ipsi_conf_ike(&sync.to))
		ret = ipsi_conf_ike_up(&sync.to, if_id);
	ipsi_nl_close(&sync.family);
	ipsi_conf_free(&sync.to);
	ipsi_conf_free(&sync.now);
	return ret;
}

/**
 * ipsi_setconf() - give a link the options and SAs of a file
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_setconf(int argc, char **argv)
{
	return ipsi_sync_run(IPSI_SYNC_SET, argc, argv);
}

/**
 * ipsi_addconf() - add the options and SAs of a file to those of a link
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_addconf(int argc, char **argv)
{
	return ipsi_sync_run(IPSI_SYNC_ADD, argc, argv);
}

/**
 * ipsi_syncconf() - give a link the options and SAs of a file, without loss
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_syncconf(int argc, char **argv)
{
	return ipsi_sync_run(IPSI_SYNC_SYNC, argc, argv);
}
