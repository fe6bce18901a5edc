// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: refusals that grow. A counter may be of last year, so devices
 * that have refused packets are looked at again a second later.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attrs.h"
#include "check.h"
#include "ipsi.h"
#include "nl.h"

/* The last argument of the next command */
enum ipsi_refused_arg {
	IPSI_ARG_NONE,
	IPSI_ARG_DEV,
	IPSI_ARG_REMOTE,
	IPSI_ARG_ENDPOINTS,
};

/**
 * struct ipsi_refused - a reason why packets are refused
 * @why: its meaning, or NULL if it is no fault
 * @next: the next command, up to its last argument
 * @arg: that argument
 */
struct ipsi_refused {
	const char *why;
	const char *next;
	enum ipsi_refused_arg arg;
};

/* Indexed by reason. Not here: dummy packets are good ones, and ECN bits that are
 * odd drop nothing.
 */
static const struct ipsi_refused ipsi_refused_reasons[] = {
	[IPSEC_IPIP_A_STATS_TX_NO_SA] = {
		"there is no valid outbound SA",
		"ipsec-ipip sa show ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_TX_NO_ROUTE] = {
		"there is no route to the remote address, or this host does not have the local one",
		"ip route get ", IPSI_ARG_ENDPOINTS },
	[IPSEC_IPIP_A_STATS_TX_LOOP] = {
		"the route to the remote address leads into the device, or packets are in a circle of tunnels",
		"ip route get ", IPSI_ARG_REMOTE },
	[IPSEC_IPIP_A_STATS_TX_PROTOCOL] = {
		"they are neither IPv4 nor IPv6; find the program that sends them",
		"tcpdump -eni ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_TX_TOO_BIG] = {
		"they are larger than the path takes, and must not be fragmented; if the same sender goes on, something drops the ICMP errors for it",
		"tcpdump -ni any icmp or icmp6", IPSI_ARG_NONE },
	[IPSEC_IPIP_A_STATS_TX_MALFORMED] = {
		"they have no sane IP header; find the program with a raw socket that sends them",
		"tcpdump -ni ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_TX_ERROR] = {
		"encryption or a later step fails, such as the underlay's device, a firewall for outgoing ESP, or sequence numbers that are used up",
		"nstat -az 'XfrmOut*'; ip -s link", IPSI_ARG_NONE },
	[IPSEC_IPIP_A_STATS_TX_PATH_ERROR] = {
		"this host, or a router on the way, says that the remote address cannot be reached",
		"ip neigh; traceroute -n ", IPSI_ARG_REMOTE },
	[IPSEC_IPIP_A_STATS_RX_OUTER_ADDRESS] = {
		"keys and SPI are right, but the outer addresses are not those of the device: has the peer moved, or is there NAT on the way?",
		"tcpdump -ni any esp or ah or udp port 4500; ipsec-ipip show ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_RX_PROTOCOL] = {
		"they are authentic, but not IP-in-IP: the peer must use tunnel mode, or a device of this kind, and the same key for encryption",
		"tcpdump -ni any esp or ah or udp port 4500; ipsec-ipip sa show ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_RX_MALFORMED] = {
		"they are authentic, but have no sane inner header: the peer is broken",
		"ipsec-ipip sa show ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_RX_ECN] = {
		"the path marked congestion on packets that cannot carry the mark: find the router that writes these ECN bits",
		"tcpdump -vni any esp or ah or udp port 4500", IPSI_ARG_NONE },
	[IPSEC_IPIP_A_STATS_RX_CRYPTO] = {
		"an SA refuses them: integrity-failed is a wrong key or a forger, replayed or replay-late a peer that restarted its sequence numbers",
		"ipsec-ipip sa show ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_RX_DOWN] = {
		"the device is down",
		"ip link set up dev ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_TX_SELECTOR] = {
		"they are outside the agreed traffic selectors: widen these (local_ts and remote_ts), or fix the route",
		"ip xfrm policy; ip route show dev ", IPSI_ARG_DEV },
	[IPSEC_IPIP_A_STATS_RX_SELECTOR] = {
		"the peer sends packets outside the agreed traffic selectors: widen these (local_ts and remote_ts), or fix the peer's route",
		"ip xfrm policy; tcpdump -ni ", IPSI_ARG_DEV },
};

static void ipsi_check_reason(struct ipsi_check *check, unsigned int id,
			      uint64_t n)
{
	const struct ipsi_refused *reason = &ipsi_refused_reasons[id];
	char remote[IPSI_TEXT_LEN], local[IPSI_TEXT_LEN];
	const char *arg = "", *from = "", *end = "";

	if (reason->arg == IPSI_ARG_DEV)
		arg = check->name;
	if (reason->arg == IPSI_ARG_REMOTE ||
	    reason->arg == IPSI_ARG_ENDPOINTS)
		arg = ipsi_attr_addr(check->dev, IPSEC_IPIP_A_DEV_REMOTE,
				     remote);
	if (reason->arg == IPSI_ARG_ENDPOINTS) {
		from = " from ";
		end = ipsi_attr_addr(check->dev, IPSEC_IPIP_A_DEV_LOCAL, local);
	}
	if (id == IPSEC_IPIP_A_STATS_TX_PATH_ERROR) {
		ipsi_found(check, "unreachable",
			   "tx-path-error grows, by %llu packets within a second: %s: %s%s",
			   (unsigned long long)n, reason->why, reason->next,
			   arg);
		return;
	}
	ipsi_found(check, "refuses",
		   "%s grows, by %llu packets within a second: %s: %s%s%s%s",
		   check->dev->set->attrs[IPSEC_IPIP_A_DEV_STATS]
			.nest->attrs[id].name,
		   (unsigned long long)n, reason->why, reason->next, arg, from,
		   end);
}

/* Returns the packets that a device has refused for a reason that is a fault. */
static uint64_t ipsi_refused(const struct ipsi_attrs *stats, unsigned int id)
{
	if (id >= IPSI_ARRAY_SIZE(ipsi_refused_reasons) ||
	    !ipsi_refused_reasons[id].why)
		return 0;
	return ipsi_attr_u64(stats, id);
}

/* Reports the reasons whose counters are greater in @dev than in @before. */
static void ipsi_check_grown(struct ipsi_check *check,
			     const struct ipsi_attrs *before,
			     const struct ipsi_attrs *dev)
{
	struct ipsi_attrs old, new;
	uint64_t was, is;
	unsigned int id;

	ipsi_attrs_parse_nest(&old, before, IPSEC_IPIP_A_DEV_STATS);
	ipsi_attrs_parse_nest(&new, dev, IPSEC_IPIP_A_DEV_STATS);
	ipsi_check_set_dev(check, dev);
	for (id = 0; id <= new.set->max; id++) {
		was = ipsi_refused(&old, id);
		is = ipsi_refused(&new, id);
		if (is > was)
			ipsi_check_reason(check, id, is - was);
	}
}

/* Returns true if a second look at a device can find anything. */
static bool ipsi_check_has_refused(const struct nlmsghdr *msg)
{
	struct ipsi_attrs dev, stats;
	unsigned int id;

	ipsi_attrs_parse(&dev, &ipsi_dev_set, msg);
	ipsi_attrs_parse_nest(&stats, &dev, IPSEC_IPIP_A_DEV_STATS);
	for (id = 0; id <= stats.set->max; id++)
		if (ipsi_refused(&stats, id))
			return true;
	return false;
}

static bool ipsi_check_any_refused(const struct ipsi_check *check)
{
	size_t i;

	for (i = 0; i < check->devs.n; i++)
		if (ipsi_check_has_refused(check->devs.msg[i]))
			return true;
	return false;
}

/* Both dumps are in the order of the kernel; devices may have come or gone. */
static void ipsi_check_compare(struct ipsi_check *check,
			       const struct ipsi_replies *now,
			       const struct ipsi_check_look *old,
			       const struct ipsi_check_look *new)
{
	struct ipsi_attrs before, dev;
	size_t i, j, next = 0;

	for (i = 0; i < now->n; i++) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, now->msg[i]);
		for (j = next; j < check->devs.n; j++) {
			ipsi_attrs_parse(&before, &ipsi_dev_set,
					 check->devs.msg[j]);
			if (ipsi_attr_u64(&before, IPSEC_IPIP_A_DEV_IFINDEX) !=
			    ipsi_attr_u64(&dev, IPSEC_IPIP_A_DEV_IFINDEX))
				continue;
			ipsi_check_grown(check, &before, &dev);
			ipsi_check_fell_silent(check, &before, old, new);
			next = j + 1;
			break;
		}
	}
}

/* Someone who looks at a broken link must know that this takes packets. */
static void ipsi_check_advise(const struct ipsi_check *check, size_t found)
{
	if (check->found == found && isatty(STDERR_FILENO) && !check->json)
		fputs("# Some devices have refused packets, or are quiet, but nothing more happened within\n"
		      "# the last second. If a link is broken, run a ping at the same time.\n",
		      stderr);
}

/**
 * ipsi_check_again() - look for what changes within a second
 * @check: the run, with the devices of the first look
 * @name: the device, or NULL for all
 *
 * These are counters of refused packets, and links that send and receive nothing.
 * Takes a second if a device has refused packets or is quiet, or if a processor has
 * been late with packets and all devices are checked; else none.
 *
 * Return: exit code.
 */
int ipsi_check_again(struct ipsi_check *check, const char *name)
{
	static const struct timespec second = { .tv_sec = 1 };
	const bool late = !name && ipsi_processors_late();
	const bool suspect = ipsi_check_any_refused(check) ||
			     ipsi_check_any_quiet(&check->devs);
	const size_t found = check->found;
	struct ipsi_check_look old = {}, new = {};
	struct ipsi_replies now = {};
	int ret, err;

	if (!suspect && !late)
		return IPSI_OK;
	err = ipsi_check_look(&old);
	nanosleep(&second, NULL);
	ret = ipsi_nl_get_devs(check->nl, name, &now);
	if (!ret && !err)
		err = ipsi_check_look(&new);
	if (!ret && err)
		ret = ipsi_fail("links: %s", strerror(err));
	if (!ret)
		ipsi_check_compare(check, &now, &old, &new);
	if (!ret)
		ipsi_check_unknown(check, name, &old, &new);
	if (!ret && suspect)
		ipsi_check_advise(check, found);
	if (!ret && late)
		ipsi_check_processors(check, &old.processors,
				      &new.processors);
	ipsi_check_look_free(&old);
	ipsi_check_look_free(&new);
	ipsi_replies_free(&now);
	return ret;
}
