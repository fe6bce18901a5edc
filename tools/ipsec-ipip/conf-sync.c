// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip setconf, addconf, syncconf: give a link that is up the options and SAs
 * of a file. SAs that stay the same are not touched.
 *
 * syncconf loses no packet when both ends change their keys: it adds the new SAs and
 * goes on sending by the old outbound one until a packet arrives by a new inbound SA,
 * which shows that the peer has the new keys, or until Overlap has passed. It deletes
 * the old inbound SAs when the peer no longer sends by them.
 *
 * An error or a signal on the way leaves no SA pinned, and no SA deleted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <linux/netlink.h>

#include "attrs.h"
#include "conf.h"
#include "ipsi.h"
#include "signals.h"

enum ipsi_sync_kind { IPSI_SYNC_SET, IPSI_SYNC_ADD, IPSI_SYNC_SYNC };

/* @to is the file, @now the link as it was. SAs of other endpoints are in @gone. */
struct ipsi_sync {
	enum ipsi_sync_kind kind;
	struct ipsi_conf to, now, gone;
	struct ipsi_nl family;
	uint32_t ifindex;
	bool added[1024];	/* SAs of @to that are new */
	bool replaced[1024];	/* SAs of @now that were deleted */
	bool set;		/* the link has the options of @to */
};

#define IPSI_SYNC_PAUSE_MS	50

/* Packets that the peer sent by an old SA may still be on their way. */
#define IPSI_SYNC_GRACE_MS	1000

static bool ipsi_is_out(const struct ipsi_conf_sa *sa)
{
	return sa->args.id.direction == IPSEC_IPIP_DIRECTION_OUT;
}

/* Returns the index of the SA with the same SPI, or -1. */
static ssize_t ipsi_sync_index(const struct ipsi_conf *conf,
			       const struct ipsi_conf_sa *sa)
{
	size_t i;

	for (i = 0; i < conf->n_sa; i++)
		if (ipsi_conf_sa_same_id(&conf->sa[i]->args, &sa->args))
			return i;
	return -1;
}

static bool ipsi_sync_has(const struct ipsi_conf *conf,
			  const struct ipsi_conf_sa *sa)
{
	return ipsi_sync_index(conf, sa) >= 0;
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
		if (ipsi_is_out(sa) == out && !ipsi_sync_has(&sync->to, sa))
			ret = ipsi_sync_del(sync, sa);
	}
	return ret;
}

/* Deletes an SA, since the kernel has room for one of its SPI only. */
static int ipsi_sync_replace(struct ipsi_sync *sync, size_t i)
{
	int ret;

	ipsi_warn("other keys under the same SPI: packets are lost until both ends have them; a new SPI avoids that");
	ret = ipsi_sync_del(sync, sync->now.sa[i]);
	sync->replaced[i] = !ret;
	return ret;
}

static int ipsi_sync_add_one(struct ipsi_sync *sync, size_t i)
{
	struct ipsi_conf_sa *sa = sync->to.sa[i];
	const ssize_t old = ipsi_sync_index(&sync->now, sa);
	int ret = IPSI_OK;

	if (old >= 0 &&
	    ipsi_conf_sa_equal(&sync->now.sa[old]->args, &sa->args))
		return IPSI_OK;
	ipsi_conf_at(&sync->to, sa->line);
	if (old >= 0)
		ret = ipsi_sync_replace(sync, old);
	sa->args.id.dev = sync->to.dev;
	if (!ret)
		ret = ipsi_sa_send(&sync->family, &sa->args);
	sync->added[i] = !ret;
	return ret;
}

/* Adds an SA that was deleted. Its sequence numbers restart, which a counter mode
 * does not allow.
 */
static void ipsi_sync_put_back(struct ipsi_sync *sync, struct ipsi_conf_sa *sa)
{
	struct ipsi_sa_args *args = &sa->args;

	args->id.dev = sync->to.dev;
	if ((args->aead && ipsi_counter_mode(args->aead)) ||
	    (args->enc && ipsi_counter_mode(args->enc)))
		ipsi_fail("SA 0x%08x is deleted: its key can be used once only",
			  args->id.spi);
	else
		ipsi_sa_send(&sync->family, args);
}

static int ipsi_sync_set(struct ipsi_sync *sync, const struct ipsi_conf *conf)
{
	struct ipsi_nl route = {};
	int ret;

	ret = ipsi_nl_open_bus(&route, NETLINK_ROUTE);
	if (!ret)
		ret = ipsi_link_set(&route, sync->ifindex, conf);
	ipsi_nl_close(&route);
	return ret;
}

/* Takes back all changes. */
static void ipsi_sync_undo(struct ipsi_sync *sync)
{
	size_t i;

	ipsi_conf_at(&sync->to, 0);
	for (i = 0; i < sync->to.n_sa; i++)
		if (sync->added[i])
			ipsi_sync_del(sync, sync->to.sa[i]);
	if (sync->set)
		ipsi_sync_set(sync, &sync->now);
	for (i = 0; i < sync->gone.n_sa; i++)
		ipsi_sync_put_back(sync, sync->gone.sa[i]);
	for (i = 0; i < sync->now.n_sa; i++)
		if (sync->replaced[i])
			ipsi_sync_put_back(sync, sync->now.sa[i]);
}

/* Adds the new SAs, or none. */
static int ipsi_sync_add(struct ipsi_sync *sync)
{
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < sync->to.n_sa && !ret; i++)
		ret = ipsi_sync_add_one(sync, i);
	ipsi_conf_at(&sync->to, 0);
	if (ret)
		ipsi_sync_undo(sync);
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

/* Signals are put off, and taken in pauses. */
static int ipsi_sync_pause(long ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000,
					.tv_nsec = ms % 1000 * 1000000L };
	sigset_t signals;

	ipsi_end_signals(&signals);
	if (sigtimedwait(&signals, NULL, &pause) > 0)
		return ipsi_fail("ended by a signal: the old SAs stay beside the new ones until the next syncconf");
	return IPSI_OK;
}

/* Waits until the peer sends by a new SA, but not for longer than Overlap. */
static int ipsi_sync_wait(struct ipsi_sync *sync)
{
	struct timespec now, end;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += sync->to.overlap;
	do {
		if (ipsi_sync_peer_changed(sync))
			return IPSI_OK;
		ret = ipsi_sync_pause(IPSI_SYNC_PAUSE_MS);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!ret && (now.tv_sec < end.tv_sec ||
			  (now.tv_sec == end.tv_sec &&
			   now.tv_nsec < end.tv_nsec)));
	return ret;
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
			!ipsi_sync_has(&sync->to, sync->now.sa[i]);
	for (i = 0; i < sync->to.n_sa; i++)
		comes |= ipsi_is_out(sync->to.sa[i]) &&
			 !ipsi_sync_has(&sync->now, sync->to.sa[i]);
	return goes && comes;
}

/* Adds the new SAs and sends by the old one until the peer has changed too. */
static int ipsi_sync_overlap(struct ipsi_sync *sync)
{
	int ret, unpin;

	ret = ipsi_sync_activate(sync, ipsi_sync_active(sync));
	if (ret)
		return ret;
	ret = ipsi_sync_add(sync);
	if (!ret)
		ret = ipsi_sync_wait(sync);
	unpin = ipsi_sync_activate(sync, NULL);
	return ret ? ret : unpin;
}

/* Deletes the old inbound SAs after the peer no longer sends by them. */
static int ipsi_sync_grace(struct ipsi_sync *sync)
{
	int ret = ipsi_sync_wait(sync);

	return ret ? ret : ipsi_sync_pause(IPSI_SYNC_GRACE_MS);
}

static int ipsi_sync_sas(struct ipsi_sync *sync)
{
	const bool waits = sync->kind == IPSI_SYNC_SYNC && sync->to.overlap &&
			   ipsi_sync_rekeys(sync);
	int ret;

	ret = waits ? ipsi_sync_overlap(sync) : ipsi_sync_add(sync);
	if (ret || sync->kind == IPSI_SYNC_ADD)
		return ret;
	ret = ipsi_sync_clean(sync, true);
	if (!ret && waits)
		ret = ipsi_sync_grace(sync);
	return ret ? ret : ipsi_sync_clean(sync, false);
}

/* Options that the file does not set stay as they are, if the kernel chose them, or
 * if SAs are only added. A hook may have set the MTU.
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
				  i == IPSI_CONF_MTU ||
				  (i == IPSI_CONF_REQID &&
				   ipsi_conf_ike(&sync->to)))) ||
		    (roams && (i == IPSI_CONF_LOCAL || i == IPSI_CONF_REMOTE)))
			*to = sync->now.option[i];
	}
	/* As "up" does: a link with keys set by hand has none. */
	to = &sync->to.option[IPSI_CONF_REQID];
	if (ipsi_conf_ike(&sync->to) && !to->number)
		to->number = sync->now.option[IPSI_CONF_IF_ID].number;
}

static bool ipsi_sync_same_endpoints(const struct ipsi_sync *sync)
{
	const struct ipsi_conf_option *to = sync->to.option;
	const struct ipsi_conf_option *now = sync->now.option;

	return ipsi_conf_option_equal(&to[IPSI_CONF_LOCAL],
				      &now[IPSI_CONF_LOCAL]) &&
	       ipsi_conf_option_equal(&to[IPSI_CONF_REMOTE],
				      &now[IPSI_CONF_REMOTE]);
}

/* Gives the link other endpoints, after its SAs were deleted, which it could no
 * longer find.
 */
static int ipsi_sync_move(struct ipsi_sync *sync)
{
	int ret = IPSI_OK;
	size_t i;

	for (i = 0; i < sync->now.n_sa && !ret; i++) {
		ret = ipsi_sync_del(sync, sync->now.sa[i]);
		sync->replaced[i] = !ret;
	}
	if (!ret)
		ret = ipsi_sync_set(sync, &sync->to);
	if (ret) {
		ipsi_sync_undo(sync);
		return ret;
	}
	sync->gone.sa = sync->now.sa;
	sync->gone.n_sa = sync->now.n_sa;
	sync->now.sa = NULL;
	sync->now.n_sa = 0;
	memset(sync->replaced, 0, sizeof(sync->replaced));
	return IPSI_OK;
}

static int ipsi_sync_options(struct ipsi_sync *sync)
{
	const struct ipsi_conf_option *if_id = &sync->to.option[IPSI_CONF_IF_ID];
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
	if (ipsi_sync_same_endpoints(sync))
		ret = ipsi_sync_set(sync, &sync->to);
	else
		ret = ipsi_sync_move(sync);
	sync->set = !ret;
	return ret;
}

/* A signal must not end the program between two of these steps. */
static int ipsi_sync_blocked(struct ipsi_sync *sync)
{
	int ret;

	ipsi_end_defer();
	ret = ipsi_sync_options(sync);
	if (!ret)
		ret = ipsi_sync_sas(sync);
	ipsi_end_restore();
	return ret;
}

static int ipsi_sync_name(struct ipsi_sync *sync, int argc, char **argv)
{
	int ret;

	if (argc != 1 && argc != 2)
		return ipsi_usage("NAME and FILE expected");
	ret = ipsi_conf_name(&sync->to, argv[0]);
	if (ret)
		return ret;
	if (argc == 2)
		snprintf(sync->to.path, sizeof(sync->to.path), "%s", argv[1]);
	return IPSI_OK;
}

static int ipsi_sync_load(struct ipsi_sync *sync, const char *name)
{
	bool ours;
	int ret;

	sync->to.partial = sync->kind == IPSI_SYNC_ADD;
	ret = ipsi_link_find(sync->to.dev, &sync->ifindex, &ours);
	if (!ret && (!sync->ifindex || !ours))
		ret = ipsi_fail("%s is not up: ipsec-ipip up %s", sync->to.dev,
				sync->to.dev);
	if (!ret)
		ret = ipsi_conf_load(&sync->to, name);
	return ret;
}

static int ipsi_sync_check_sas(const struct ipsi_sync *sync)
{
	if (sync->to.n_sa <= IPSI_ARRAY_SIZE(sync->added) &&
	    sync->now.n_sa <= IPSI_ARRAY_SIZE(sync->replaced))
		return IPSI_OK;
	return ipsi_usage("more than %zu SAs", IPSI_ARRAY_SIZE(sync->added));
}

/* The daemon keys the link, or no longer does. */
static int ipsi_sync_ike(struct ipsi_sync *sync)
{
	if (ipsi_conf_ike(&sync->to))
		return ipsi_conf_ike_up(&sync->to,
				sync->now.option[IPSI_CONF_IF_ID].number);
	if (sync->kind == IPSI_SYNC_ADD)
		return IPSI_OK;
	return ipsi_conf_ike_down(sync->to.dev);
}

static int ipsi_sync_run(enum ipsi_sync_kind kind, int argc, char **argv)
{
	struct ipsi_sync sync = { .kind = kind };
	int lock = -1, ret;

	ret = ipsi_sync_name(&sync, argc, argv);
	if (!ret) {
		lock = ipsi_lock(sync.to.dev, 0);
		ret = ipsi_sync_load(&sync, argv[0]);
	}
	if (!ret)
		ret = ipsi_nl_open(&sync.family);
	if (!ret)
		ret = ipsi_conf_from_kernel(&sync.now, sync.to.dev,
					    &sync.family);
	if (!ret)
		ret = ipsi_sync_check_sas(&sync);
	if (!ret)
		ret = ipsi_sync_blocked(&sync);
	if (!ret)
		ret = ipsi_sync_ike(&sync);
	ipsi_nl_close(&sync.family);
	ipsi_conf_free(&sync.to);
	ipsi_conf_free(&sync.now);
	ipsi_conf_free(&sync.gone);
	ipsi_unlock(lock);
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
