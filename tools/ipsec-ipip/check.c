// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: look for present and imminent faults of devices, and print a
 * line for each. It reads the current state once, but for refusals, and sends no
 * packets.
 */
#include <json-c/json.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attrs.h"
#include "check.h"
#include "ipsi.h"
#include "nl.h"
#include "sa-life.h"
#include "snapshot.h"

#define IPSI_CHECK_MTU6		1280

#define IPSI_NEXT_LEN		400

/* Percentage of a limit from which an SA is near its end. */
#define IPSI_CHECK_NEAR		90

/**
 * ipsi_found() - report a finding
 * @check: the run
 * @what: the word for it
 * @fmt: a sentence, with the next command to type
 */
void ipsi_found(struct ipsi_check *check, const char *what, const char *fmt,
		...)
{
	struct json_object *object;
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	check->found++;
	if (!check->json) {
		printf("%s: %s: %s\n", check->name, what, text);
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "ifname",
			       json_object_new_string(check->name));
	json_object_object_add(object, "finding",
			       json_object_new_string(what));
	json_object_object_add(object, "text", json_object_new_string(text));
	json_object_array_add(check->json, object);
}

/* Returns a sysctl of a device; 0 if the kernel does not have it. */
static int ipsi_check_sysctl(const char *family, const char *name,
			     const char *key)
{
	char path[64 + IF_NAMESIZE];
	int value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family,
		 name, key);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static void ipsi_check_find_daemons(struct ipsi_check *check)
{
	if (!check->daemons_known)
		ipsi_daemons_find(&check->daemons);
	check->daemons_known = true;
}

/* The next step for a device without an SA */
static const char *ipsi_check_next_key(struct ipsi_check *check,
				       const char *direction,
				       char next[IPSI_NEXT_LEN])
{
	char names[IPSI_DAEMONS_TEXT];

	if (!ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_KEYING)) {
		snprintf(next, IPSI_NEXT_LEN,
			 "ipsec-ipip sa add %s %s ..., or let a key manager do it: ip link set %s type ipsec-ipip keying adopt",
			 check->name, direction, check->name);
		return next;
	}
	ipsi_check_find_daemons(check);
	if (check->daemons.unknown)
		snprintf(next, IPSI_NEXT_LEN,
			 "whether a key manager is running cannot be seen here, as /proc/net/netlink cannot be read: systemctl status strongswan ipsec");
	else if (!check->daemons.n)
		snprintf(next, IPSI_NEXT_LEN,
			 "no key manager is running in this namespace: systemctl start strongswan, or ipsec for libreswan");
	else if (!check->daemons.n_named)
		snprintf(next, IPSI_NEXT_LEN,
			 "the key manager has set none: send a packet, then look at its log");
	else
		snprintf(next, IPSI_NEXT_LEN,
			 "the key manager, %s, has set none: send a packet, then look at its log: journalctl _PID=%d",
			 ipsi_daemons_text(&check->daemons, names),
			 check->daemons.named[0].pid);
	return next;
}

/* Returns true if an SA of a daemon has a limit, and so an end. */
static bool ipsi_check_has_end(const struct ipsi_check *check)
{
	struct ipsi_attrs sa, limits;
	unsigned int id;
	size_t i;

	for (i = 0; i < check->sas.n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, check->sas.msg[i]);
		ipsi_attrs_parse_nest(&limits, &sa, IPSEC_IPIP_A_SA_LIFETIME);
		for (id = 0; id <= limits.set->max; id++)
			if (sa.tb[IPSEC_IPIP_A_SA_ADOPTED] &&
			    ipsi_attr_u64(&limits, id))
				return true;
	}
	return false;
}

/* Returns true if an SA is not used because its sequence numbers are used up. */
static bool ipsi_check_exhausted(const struct ipsi_check *check)
{
	struct ipsi_attrs sa;
	size_t i;

	for (i = 0; i < check->sas.n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, check->sas.msg[i]);
		if (sa.tb[IPSEC_IPIP_A_SA_REFUSAL] &&
		    ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_REFUSAL) ==
		    IPSEC_IPIP_REFUSAL_EXHAUSTED)
			return true;
	}
	return false;
}

/* SAs of a daemon that has died stay until their end. */
static void ipsi_check_daemon(struct ipsi_check *check,
			      const struct ipsi_link *link)
{
	if (!ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_KEYING) ||
	    link->foreign || !ipsi_check_has_end(check))
		return;
	ipsi_check_find_daemons(check);
	if (!check->daemons.unknown && !check->daemons.n)
		ipsi_found(check, "no-key-manager",
			   "no key manager is running in this namespace, so the SAs will not be replaced when they end: systemctl start strongswan, or ipsec for libreswan");
}

static void ipsi_check_keys(struct ipsi_check *check,
			    const struct ipsi_link *link)
{
	const struct ipsi_attrs *dev = check->dev;
	const bool out = dev->tb[IPSEC_IPIP_A_DEV_ACTIVE_SPI];
	const bool in = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_IN);
	char next[IPSI_NEXT_LEN];

	if (!out && ipsi_check_exhausted(check))
		ipsi_found(check, "no-sa-out",
			   "the outbound SAs have used up their sequence numbers, so nothing can be sent: ipsec-ipip rekey %s out ...",
			   check->name);
	else if (!out && ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_OUT))
		ipsi_found(check, "no-sa-out",
			   "each outbound SA is for one processor, and none for all: ipsec-ipip sa add %s out ..., without pcpu",
			   check->name);
	else if (!out)
		ipsi_found(check, "no-sa-out",
			   "there is no valid outbound SA, so nothing can be sent: %s",
			   ipsi_check_next_key(check, "out", next));
	if (!in)
		ipsi_found(check, "no-sa-in",
			   "there is no valid inbound SA, so nothing can be received: %s",
			   ipsi_check_next_key(check, "in", next));
	if (in && out)
		ipsi_check_daemon(check, link);
	if (in && out && !ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_CARRIER))
		ipsi_found(check, "carrier",
			   "the carrier is off although there are SAs in both directions; with roam, the peer must send first: ipsec-ipip show %s",
			   check->name);
}

static void ipsi_check_mtu(struct ipsi_check *check)
{
	const uint64_t fit = ipsi_attr_u64(check->dev,
					   IPSEC_IPIP_A_DEV_MTU_FIT);
	const uint64_t mtu = ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_MTU);

	if (!check->dev->tb[IPSEC_IPIP_A_DEV_MTU_AUTO] && fit && mtu > fit)
		ipsi_found(check, "mtu",
			   "the MTU was set to %llu, but the route and the SA carry only %llu without fragmentation: ip link set %s mtu %llu",
			   (unsigned long long)mtu, (unsigned long long)fit,
			   check->name, (unsigned long long)fit);
}

/* The kernel ends IPv6 on a device with so small an MTU, without a message. */
static void ipsi_check_mtu6(struct ipsi_check *check)
{
	const uint64_t mtu = ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_MTU);

	if (mtu < IPSI_CHECK_MTU6 &&
	    !access("/proc/sys/net/ipv6/conf/default", F_OK) &&
	    !ipsi_check_sysctl("ipv6", "default", "disable_ipv6"))
		ipsi_found(check, "mtu-small",
			   "the MTU of %llu is under %d, so there is no IPv6 on the device: ip link set %s mtu %d",
			   (unsigned long long)mtu, IPSI_CHECK_MTU6,
			   check->name, IPSI_CHECK_MTU6);
}

/* A @limit of 0 is none. */
static void ipsi_check_limit(struct ipsi_check *check, const char *sa,
			     uint64_t used, uint64_t limit, const char *unit)
{
	const uint64_t near = limit / 100 * IPSI_CHECK_NEAR +
			      limit % 100 * IPSI_CHECK_NEAR / 100;

	if (limit && used >= near)
		ipsi_found(check, "sa-limit",
			   "%s is near its end: %llu of %llu %s; replace it: ipsec-ipip rekey %s ..., or by the key manager",
			   sa, (unsigned long long)used,
			   (unsigned long long)limit, unit, check->name);
}

static void ipsi_check_limits(struct ipsi_check *check,
			      const struct ipsi_attrs *sa, const char *name)
{
	struct ipsi_attrs stats, limits;
	uint64_t added, used;
	time_t now;

	ipsi_attrs_parse_nest(&stats, sa, IPSEC_IPIP_A_SA_STATS);
	ipsi_attrs_parse_nest(&limits, sa, IPSEC_IPIP_A_SA_LIFETIME);
	added = ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_ADD_TIME);
	used = ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_USE_TIME);
	now = time(NULL);

	ipsi_check_limit(check, name,
			 ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_BYTES),
			 ipsi_attr_u64(&limits,
				       IPSEC_IPIP_A_LIFETIME_HARD_BYTES),
			 "bytes");
	ipsi_check_limit(check, name,
			 ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_PACKETS),
			 ipsi_attr_u64(&limits,
				       IPSEC_IPIP_A_LIFETIME_HARD_PACKETS),
			 "packets");
	ipsi_check_limit(check, name, now - added,
			 ipsi_attr_u64(&limits,
				       IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS),
			 "seconds");
	if (used)
		ipsi_check_limit(check, name, now - used,
				 ipsi_attr_u64(&limits,
					       IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS),
				 "seconds of use");
	/* Extended (64 bit) sequence numbers do not run out. */
	if (!sa->tb[IPSEC_IPIP_A_SA_ESN])
		ipsi_check_limit(check, name,
				 ipsi_attr_u64(&stats,
					       IPSEC_IPIP_A_SA_STATS_SEQ),
				 UINT32_MAX, "sequence numbers");
}

/* An SA without any limit was probably added by hand, and its key may be added
 * again after a reboot. A key manager sets limits and never reuses a key.
 */
static void ipsi_check_cipher(struct ipsi_check *check,
			      const struct ipsi_attrs *sa, const char *name)
{
	const char *alg = sa->tb[IPSEC_IPIP_A_SA_AEAD_NAME] ?
			  ipsi_attr_string(sa, IPSEC_IPIP_A_SA_AEAD_NAME) :
			  ipsi_attr_string(sa, IPSEC_IPIP_A_SA_ENC_NAME);
	struct ipsi_attrs limits;
	unsigned int id;

	if (!ipsi_counter_mode(alg))
		return;
	ipsi_attrs_parse_nest(&limits, sa, IPSEC_IPIP_A_SA_LIFETIME);
	for (id = 0; id <= limits.set->max; id++)
		if (ipsi_attr_u64(&limits, id))
			return;
	ipsi_found(check, "sa-counter-mode",
		   "%s uses %s without a lifetime limit: if its key was added by hand, never add it again",
		   name, alg);
}

void ipsi_check_name_sa(const struct ipsi_attrs *sa, char *name, size_t size)
{
	snprintf(name, size, "the %sbound SA %s 0x%08llx",
		 ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_DIRECTION),
		 ipsi_proto_name(ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_PROTO)),
		 ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_SPI));
}

static void ipsi_check_sas(struct ipsi_check *check)
{
	struct ipsi_sa_life life;
	struct ipsi_attrs sa;
	char name[64];
	size_t i;

	for (i = 0; i < check->sas.n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, check->sas.msg[i]);
		ipsi_check_name_sa(&sa, name, sizeof(name));
		if (sa.tb[IPSEC_IPIP_A_SA_DYING])
			ipsi_found(check, "sa-soft",
				   "%s is past its soft limit and has not been replaced: ipsec-ipip rekey %s ..., or look at the log of the key manager",
				   name, check->name);
		ipsi_sa_life(&sa, &life);
		if (life.age < 0)
			ipsi_found(check, "clock",
				   "%s was added %lld s in the future: the clock was set back, and its limits in seconds come late: rekey, or add it again",
				   name, -(long long)life.age);
		ipsi_check_limits(check, &sa, name);
		ipsi_check_cipher(check, &sa, name);
	}
}

static void ipsi_check_flow(const struct ipsi_attrs *dev,
			    struct ipsi_flow *flow)
{
	const struct nlattr *remote = dev->tb[IPSEC_IPIP_A_DEV_REMOTE];
	const struct nlattr *local = dev->tb[IPSEC_IPIP_A_DEV_LOCAL];

	memset(flow, 0, sizeof(*flow));
	flow->link = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_LINK);
	flow->mark = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_FWMARK);
	if (!local || !remote ||
	    mnl_attr_get_payload_len(local) != mnl_attr_get_payload_len(remote))
		return;
	flow->len = mnl_attr_get_payload_len(local);
	flow->family = flow->len == sizeof(struct in_addr) ? AF_INET : AF_INET6;
	memcpy(flow->local, mnl_attr_get_payload(local), flow->len);
	memcpy(flow->remote, mnl_attr_get_payload(remote), flow->len);
}

/* Checks the device by which packets leave. Returns true if it is good. */
static bool ipsi_check_oif(struct ipsi_check *check, uint32_t oif)
{
	struct ipsi_link *link = &check->underlay;

	if (link->ifindex != oif && ipsi_query_link(oif, link))
		return true;
	if (!link->carrier)
		ipsi_found(check, "underlay",
			   "packets leave by %s, which has no carrier: ip link show %s",
			   link->name, link->name);
	return link->carrier;
}

/* Checks the route to the remote endpoint. Returns true if it is good. */
static bool ipsi_check_route(struct ipsi_check *check,
			     const struct ipsi_flow *flow)
{
	static const uint8_t any[sizeof(flow->remote)];
	char local[IPSI_TEXT_LEN], remote[IPSI_TEXT_LEN];
	uint32_t oif;
	bool found;
	int err;

	if (!flow->len || !memcmp(flow->remote, any, flow->len) ||
	    !memcmp(flow->local, any, flow->len))
		return false;
	ipsi_attr_addr(check->dev, IPSEC_IPIP_A_DEV_LOCAL, local);
	ipsi_attr_addr(check->dev, IPSEC_IPIP_A_DEV_REMOTE, remote);

	if (!ipsi_snapshot_local(&check->snap, flow, &found) && !found) {
		ipsi_found(check, "no-local",
			   "the local address %s is not an address of this host: ip address add, or ip link set %s type ipsec-ipip local ...",
			   local, check->name);
		return false;
	}
	err = ipsi_query_route(flow, &oif);
	if (err)
		ipsi_found(check, "no-route",
			   "there is no route to %s from %s: %s; see ip route get %s",
			   remote, local, strerror(err), remote);
	else if (oif == ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_IFINDEX))
		ipsi_found(check, "loop",
			   "the route to %s leads through the device itself: ip route add %s via GATEWAY",
			   remote, remote);
	else
		return ipsi_check_oif(check, oif);
	return false;
}

/* The kernel uses the greater of the device's value and that of "all". */
int ipsi_check_setting(const struct ipsi_check *check, const char *family,
		       const char *key)
{
	const int own = ipsi_check_sysctl(family, check->raw, key);
	const int all = ipsi_check_sysctl(family, "all", key);

	return all > own ? all : own;
}

static void ipsi_check_rp_filter(struct ipsi_check *check)
{
	/* 1 is strict, 2 is loose. */
	if (ipsi_check_setting(check, "ipv4", "rp_filter") == 1)
		ipsi_found(check, "rp-filter",
			   "rp_filter is strict: IPv4 packets are dropped if the route to their source is not through this device: sysctl -w net.ipv4.conf.%s.rp_filter=2",
			   check->name);
}

/* Checks that need access to the underlay's namespace. */
static int ipsi_check_underlay(struct ipsi_check *check,
			       const struct ipsi_link *link)
{
	const uint32_t if_id = ipsi_attr_u64(check->dev,
					     IPSEC_IPIP_A_DEV_IF_ID);
	struct ipsi_flow flow;
	bool carries;
	int err;

	ipsi_check_flow(check->dev, &flow);
	carries = link->up &&
		  ipsi_attr_u64(check->dev, IPSEC_IPIP_A_DEV_CARRIER);
	err = ipsi_check_inner_routes(check, carries);
	if (err)
		return ipsi_fail("routes: %s", strerror(err));
	/* The MTU of a wrong route does not matter. */
	if (ipsi_check_route(check, &flow))
		ipsi_check_mtu(check);
	err = ipsi_snapshot_states(&check->snap, if_id, ipsi_check_state,
				   check);
	if (!err)
		err = ipsi_check_elsewhere(check, &flow);
	if (err)
		return ipsi_fail("SAD: %s", strerror(err));
	err = ipsi_check_policies(check, &flow);
	return err ? ipsi_fail("SPD: %s", strerror(err)) : IPSI_OK;
}

/**
 * ipsi_check_set_dev() - take the next device
 * @check: the run
 * @dev: the device
 */
void ipsi_check_set_dev(struct ipsi_check *check, const struct ipsi_attrs *dev)
{
	check->dev = dev;
	check->name = ipsi_attr_string(dev, IPSEC_IPIP_A_DEV_IFNAME);
	if (!if_indextoname(ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_IFINDEX),
			    check->raw))
		*check->raw = '\0';
}

static int ipsi_check_dev(struct ipsi_check *check, const struct nlmsghdr *msg)
{
	struct ipsi_attrs dev;
	struct ipsi_link link;
	int ret, err;

	ipsi_attrs_parse(&dev, &ipsi_dev_set, msg);
	ipsi_check_set_dev(check, &dev);

	ipsi_replies_free(&check->sas);
	ret = ipsi_nl_get_sas(check->nl, check->raw, false, &check->sas);
	if (ret)
		return ret;
	err = ipsi_query_link(ipsi_attr_u64(&dev, IPSEC_IPIP_A_DEV_IFINDEX),
			      &link);
	if (err)
		return ipsi_fail("%s: %s", check->name, strerror(err));

	/* Causes come before what they lead to. */
	if (!link.up)
		ipsi_found(check, "down",
			   "the device is down: ip link set %s up", check->name);
	if (link.foreign)
		ipsi_check_mtu(check);
	else
		ret = ipsi_check_underlay(check, &link);
	if (ret)
		return ret;
	ipsi_check_keys(check, &link);
	ipsi_check_sas(check);
	ipsi_check_traffic(check);
	ipsi_check_mtu6(check);
	ipsi_check_rp_filter(check);
	return IPSI_OK;
}

static int ipsi_check_all(struct ipsi_check *check, const char *name)
{
	int ret, err;
	size_t i;

	ret = ipsi_nl_get_devs(check->nl, name, &check->devs);
	for (i = 0; !ret && i < check->devs.n; i++)
		ret = ipsi_check_dev(check, check->devs.msg[i]);
	if (!ret)
		ret = ipsi_check_again(check, name);
	if (ret || name)
		return ret;
	err = ipsi_check_host(check);
	return err ? ipsi_fail("host: %s", strerror(err)) : IPSI_OK;
}

/**
 * ipsi_check() - look for faults of one device, or all
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code; IPSI_FINDINGS if there are findings.
 */
int ipsi_check(int argc, char **argv)
{
	struct ipsi_nl nl = {};
	struct ipsi_check check = { .nl = &nl };
	int ret = IPSI_OK;

	if (argc > 1)
		return ipsi_usage("unknown word \"%s\"", argv[1]);
	if (argc)
		ret = ipsi_arg_dev(argv[0]);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret && ipsi_opts.json)
		check.json = json_object_new_array();
	if (!ret)
		ret = ipsi_check_all(&check, argc ? argv[0] : NULL);
	if (check.json)
		ipsi_json_print(check.json, ipsi_opts.pretty);
	ipsi_replies_free(&check.sas);
	ipsi_replies_free(&check.devs);
	ipsi_snapshot_free(&check.snap);
	free(check.ruleset);
	ipsi_nl_close(&nl);
	return ret ? ret : check.found ? IPSI_FINDINGS : IPSI_OK;
}
