// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: links that receive nothing, or nothing that makes sense. Some
 * are seen at once. A link that has worked before is looked at again a second later:
 * is it silent while it sends?
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "check.h"
#include "ipsi.h"

/* Packets sent without an answer from which a link is silent. */
#define IPSI_CHECK_SILENT	10

/* Seconds without a packet from which a link is looked at again; routing daemons
 * send one every ten seconds.
 */
#define IPSI_CHECK_QUIET	15

/* A counter of /proc/net/xfrm_stat, 0 if the kernel has none. */
static unsigned long ipsi_check_xfrm_stat(const char *name)
{
	FILE *f = fopen("/proc/net/xfrm_stat", "re");
	unsigned long value = 0, number;
	char word[64];

	while (f && fscanf(f, "%63s %lu", word, &number) == 2)
		if (!strcmp(word, name))
			value = number;
	if (f)
		fclose(f);
	return value;
}

/* Counters of the SAs */
struct ipsi_check_traffic {
	uint64_t sent, received;
	bool refused;
};

/* Forged packets are refused as well, but then good ones have passed. */
static void ipsi_check_count(struct ipsi_check *check,
			     struct ipsi_check_traffic *traffic)
{
	struct ipsi_attrs sa, stats;
	uint64_t packets, failed;
	char name[64];
	size_t i;

	memset(traffic, 0, sizeof(*traffic));
	for (i = 0; i < check->sas.n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, check->sas.msg[i]);
		ipsi_attrs_parse_nest(&stats, &sa, IPSEC_IPIP_A_SA_STATS);
		packets = ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_PACKETS);
		failed = ipsi_attr_u64(&stats,
				       IPSEC_IPIP_A_SA_STATS_INTEGRITY_FAILED);
		if (ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_DIRECTION) ==
		    IPSEC_IPIP_DIRECTION_OUT) {
			traffic->sent += packets;
			continue;
		}
		traffic->received += packets;
		if (packets || !failed)
			continue;
		traffic->refused = true;
		ipsi_check_name_sa(&sa, name, sizeof(name));
		ipsi_found(check, "refused",
			   "%s has refused all %llu packets: the peer has another key, or another length of the integrity check value; compare with the peer: ipsec-ipip sa show %s keys",
			   name, (unsigned long long)failed, check->name);
	}
}

/* The peer knows the key for integrity, but no inner packet made sense. */
static void ipsi_check_nonsense(struct ipsi_check *check,
				const struct ipsi_check_traffic *traffic)
{
	struct ipsi_attrs stats;

	ipsi_attrs_parse_nest(&stats, check->dev, IPSEC_IPIP_A_DEV_STATS);
	if (!traffic->received || check->dev->tb[IPSEC_IPIP_A_DEV_RX_AGE] ||
	    !(ipsi_attr_u64(&stats, IPSEC_IPIP_A_STATS_RX_PROTOCOL) +
	      ipsi_attr_u64(&stats, IPSEC_IPIP_A_STATS_RX_MALFORMED)))
		return;
	ipsi_found(check, "refused",
		   "%llu packets were authentic, but none was IP-in-IP: the peer has another key for encryption, or does not use tunnel mode; compare with the peer: ipsec-ipip sa show %s keys",
		   (unsigned long long)traffic->received, check->name);
}

/**
 * ipsi_check_traffic() - look for a link whose packets all fail, or that receives none
 * @check: the run, with the device and its SAs
 */
void ipsi_check_traffic(struct ipsi_check *check)
{
	struct ipsi_check_traffic traffic;
	unsigned long unknown;

	ipsi_check_count(check, &traffic);
	ipsi_check_nonsense(check, &traffic);
	if (traffic.received || traffic.refused ||
	    traffic.sent < IPSI_CHECK_SILENT)
		return;
	unknown = ipsi_check_xfrm_stat("XfrmInNoStates");
	if (unknown)
		ipsi_found(check, "silent",
			   "%llu packets were sent and none came back, but %lu came with an SPI that no SA has (XfrmInNoStates): are in and out exchanged? Compare: tcpdump -ni any esp or ah; ipsec-ipip sa show %s",
			   (unsigned long long)traffic.sent, unknown,
			   check->name);
	else
		ipsi_found(check, "silent",
			   "%llu packets were sent and none came back: look for a firewall that drops ESP, and whether the peer has the SAs, exchanged, and a route back: tcpdump -ni any esp or ah; ipsec-ipip sa show %s",
			   (unsigned long long)traffic.sent, check->name);
	ipsi_check_firewall(check);
}

/* Whether a device has keys, and has received nothing for a while. Without an age,
 * it has never received anything.
 */
static bool ipsi_check_is_quiet(const struct ipsi_attrs *dev)
{
	return ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_CARRIER) &&
	       (!dev->tb[IPSEC_IPIP_A_DEV_RX_AGE] ||
		ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_RX_AGE) >=
		IPSI_CHECK_QUIET);
}

/* Whether any device is quiet. */
bool ipsi_check_any_quiet(const struct ipsi_replies *devs)
{
	struct ipsi_attrs dev;
	size_t i;

	for (i = 0; i < devs->n; i++) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, devs->msg[i]);
		if (ipsi_check_is_quiet(&dev))
			return true;
	}
	return false;
}

/**
 * ipsi_check_look() - read counters to compare
 * @look: the counters; ipsi_check_look_free() frees them
 *
 * Return: 0 or an errno.
 */
int ipsi_check_look(struct ipsi_check_look *look)
{
	memset(look, 0, sizeof(*look));
	look->unknown = ipsi_check_xfrm_stat("XfrmInNoStates");
	ipsi_processors_read(&look->processors);
	return ipsi_query_link_stats(&look->links, &look->n);
}

void ipsi_check_look_free(struct ipsi_check_look *look)
{
	ipsi_processors_free(&look->processors);
	free(look->links);
	memset(look, 0, sizeof(*look));
}

/**
 * ipsi_check_unknown() - look for packets that come with an unknown SPI
 * @check: the run
 * @name: the device, or NULL for all
 * @old: counters of a second ago
 * @now: counters of now
 *
 * It matters if a device is quiet: they may be for it. Which one of several is not known.
 */
void ipsi_check_unknown(struct ipsi_check *check, const char *name,
			const struct ipsi_check_look *old,
			const struct ipsi_check_look *now)
{
	if (now->unknown <= old->unknown || !ipsi_check_any_quiet(&check->devs))
		return;
	check->name = name ? name : "host";
	ipsi_found(check, "unknown-spi",
		   "%lu packets within a second came with an SPI that no SA has (XfrmInNoStates): does a peer send with another SPI, or are in and out exchanged? Compare: tcpdump -ni any esp or ah; ipsec-ipip sa show",
		   now->unknown - old->unknown);
}

/**
 * ipsi_check_fell_silent() - look for a link that sends, and receives nothing
 * @check: the run, with the device as it is now
 * @before: the device a second before
 * @old: counters of that time
 * @now: counters of now
 */
void ipsi_check_fell_silent(struct ipsi_check *check,
			    const struct ipsi_attrs *before,
			    const struct ipsi_check_look *old,
			    const struct ipsi_check_look *now)
{
	const struct ipsi_attrs *dev = check->dev;
	const uint32_t ifindex = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_IFINDEX);
	const struct ipsi_link_stats *was, *is;
	char age[32], remote[IPSI_TEXT_LEN];

	was = ipsi_link_stats_find(old->links, old->n, ifindex);
	is = ipsi_link_stats_find(now->links, now->n, ifindex);
	if (!was || !is || !ipsi_check_is_quiet(before) ||
	    !ipsi_check_is_quiet(dev) ||
	    is->tx_bytes <= was->tx_bytes ||
	    !dev->tb[IPSEC_IPIP_A_DEV_RX_AGE])
		return;
	ipsi_found(check, "silent",
		   "%llu bytes were sent within a second, but the last packet came %s ago: is the peer up, and does ESP get through? ping %s; tcpdump -ni any esp or ah or udp port 4500",
		   (unsigned long long)(is->tx_bytes - was->tx_bytes),
		   ipsi_duration(ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_RX_AGE),
				 age),
		   ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_REMOTE, remote));
	if (!is->foreign)
		ipsi_check_firewall(check);
}
