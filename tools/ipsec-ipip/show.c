// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip show: print the state of devices.
 */
#include <json-c/json.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "daemon.h"
#include "ipsi.h"
#include "nl.h"
#include "query.h"
#include "sa-life.h"
#include "sa-table.h"

/**
 * struct ipsi_show - a run of the command
 * @links: counters
 * @n_links: their number
 * @sas: SAs
 * @daemons: key management daemons
 */
struct ipsi_show {
	struct ipsi_link_stats *links;
	size_t n_links;
	struct ipsi_sa_table sas;
	struct ipsi_daemons daemons;
};

/* The name of the underlay device, or "ifN". Names of this namespace are there
 * already. Returns true if it is in another namespace.
 */
static bool ipsi_show_link_name(const struct ipsi_show *show,
				const struct ipsi_attrs *dev,
				char name[IF_NAMESIZE])
{
	const uint32_t ifindex = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_IFINDEX);
	const uint32_t link = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_LINK);
	const struct ipsi_link_stats *self, *underlay;
	bool foreign;

	self = ipsi_link_stats_find(show->links, show->n_links, ifindex);
	underlay = ipsi_link_stats_find(show->links, show->n_links, link);
	if (self && !self->foreign && underlay) {
		snprintf(name, IF_NAMESIZE, "%s", underlay->name);
		return false;
	}
	if (ipsi_query_underlay_name(ifindex, link, name, &foreign))
		snprintf(name, IF_NAMESIZE, "if%u", link);
	return foreign;
}

static void ipsi_show_link(const struct ipsi_show *show,
			   const struct ipsi_attrs *dev)
{
	char name[IF_NAMESIZE];
	bool foreign;

	if (!dev->tb[IPSEC_IPIP_A_DEV_LINK])
		return;
	foreign = ipsi_show_link_name(show, dev, name);
	printf("  underlay: %s%s\n", name,
	       foreign ? " in another namespace" : "");
}

/* The remote address; a peer that is still unknown has none. */
static const char *ipsi_show_remote(const struct ipsi_attrs *dev,
				    char buf[IPSI_TEXT_LEN])
{
	static const uint8_t any[sizeof(struct in6_addr)];
	const struct nlattr *remote = dev->tb[IPSEC_IPIP_A_DEV_REMOTE];

	if (remote && !memcmp(mnl_attr_get_payload(remote), any,
			      mnl_attr_get_payload_len(remote)))
		return "any";
	return ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_REMOTE, buf);
}

/* Prints only options that differ from their defaults. */
static void ipsi_show_header(const struct ipsi_show *show,
			     const struct ipsi_attrs *dev)
{
	const uint32_t fwmark = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_FWMARK);
	const uint32_t reqid = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_REQID);
	const uint32_t ttl = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_TTL);
	const uint32_t tos = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_TOS);
	const uint32_t df = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_DF);

	if (reqid)
		printf("  reqid: %u\n", reqid);
	if (ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_KEYING))
		printf("  keying: %s\n",
		       ipsi_attr_enum(dev, IPSEC_IPIP_A_DEV_KEYING));
	if (ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_POLICIES))
		printf("  policies: %s\n",
		       ipsi_attr_enum(dev, IPSEC_IPIP_A_DEV_POLICIES));
	ipsi_show_link(show, dev);
	if (ttl)
		printf("  ttl: %u\n", ttl);
	if (dev->tb[IPSEC_IPIP_A_DEV_TOS] && tos != IPSI_TOS_INHERIT)
		printf("  tos: 0x%02x\n", tos);
	if (dev->tb[IPSEC_IPIP_A_DEV_DF] && df != IPSEC_IPIP_DF_INHERIT)
		printf("  df: %s\n", ipsi_attr_enum(dev, IPSEC_IPIP_A_DEV_DF));
	if (ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_ECN))
		printf("  ecn: %s\n", ipsi_attr_enum(dev, IPSEC_IPIP_A_DEV_ECN));
	if (ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_FLOWLABEL))
		printf("  flowlabel: %s\n",
		       ipsi_attr_enum(dev, IPSEC_IPIP_A_DEV_FLOWLABEL));
	if (dev->tb[IPSEC_IPIP_A_DEV_ICMP] &&
	    !ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_ICMP))
		printf("  icmp-relay: off\n");
	if (fwmark)
		printf("  fwmark: 0x%x\n", fwmark);
}

/* A line an SA; the caller may not see them. */
static void ipsi_show_sa_lines(const struct ipsi_attrs *dev,
			       const struct ipsi_sa_table *sas)
{
	const uint32_t ifindex = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_IFINDEX);
	struct ipsi_attrs sa, stats;
	struct ipsi_sa_life life;
	char buf[16];
	size_t i = 0;

	while (ipsi_sa_table_next(sas, ifindex, &i, &sa)) {
		ipsi_sa_life(&sa, &life);
		ipsi_attrs_parse_nest(&stats, &sa, IPSEC_IPIP_A_SA_STATS);
		printf("    %s %s 0x%08llx: ",
		       ipsi_attr_enum(&sa, IPSEC_IPIP_A_SA_DIRECTION),
		       ipsi_proto_name(ipsi_attr_u64(&sa,
						     IPSEC_IPIP_A_SA_PROTO)),
		       ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_SPI));
		ipsi_sa_life_print(&life);
		printf(", %s%s\n",
		       ipsi_human(ipsi_attr_u64(&stats,
						IPSEC_IPIP_A_SA_STATS_BYTES),
				  buf),
		       sa.tb[IPSEC_IPIP_A_SA_DYING] ? ", to be replaced" : "");
	}
}

/* Whether a key manager of this namespace is to set the SAs. */
static bool ipsi_show_is_keyed(const struct ipsi_attrs *dev,
			       const struct ipsi_link_stats *link)
{
	return ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_KEYING) &&
	       !(link && link->foreign);
}

/* The daemon that listens is probably the one that has set the SAs. */
static void ipsi_show_daemons(const struct ipsi_attrs *dev,
			      const struct ipsi_link_stats *link,
			      const struct ipsi_daemons *daemons)
{
	char names[IPSI_DAEMONS_TEXT];

	if (ipsi_show_is_keyed(dev, link))
		printf("  key manager: %s\n",
		       daemons->unknown ? "unknown, /proc/net/netlink cannot be read" :
		       !daemons->n ? "none is running in this namespace" :
		       daemons->n_named ? ipsi_daemons_text(daemons, names) :
		       "running, its name is seen by root");
}

/* An empty array says that none is running, and null that they cannot be seen. */
static struct json_object *
ipsi_show_daemons_json(const struct ipsi_daemons *daemons)
{
	struct json_object *array, *object;
	size_t i;

	if (daemons->unknown || (daemons->n && !daemons->n_named))
		return NULL;
	array = json_object_new_array();
	for (i = 0; i < daemons->n_named; i++) {
		object = json_object_new_object();
		json_object_object_add(object, "name",
				       json_object_new_string(daemons->named[i].name));
		json_object_object_add(object, "pid",
				       json_object_new_int(daemons->named[i].pid));
		json_object_array_add(array, object);
	}
	return array;
}

static void ipsi_show_sas(const struct ipsi_attrs *dev)
{
	printf("  SAs: %llu in, %llu out\n",
	       ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_IN),
	       ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_OUT));
	/* The caller may not see it; there may be one. */
	if (dev->tb[IPSEC_IPIP_A_DEV_WITHHELD])
		return;
	if (!dev->tb[IPSEC_IPIP_A_DEV_ACTIVE_SPI]) {
		printf("  active: none, nothing can be sent\n");
		return;
	}
	printf("  active: %s spi 0x%08llx%s\n",
	       ipsi_proto_name(ipsi_attr_u64(dev,
					     IPSEC_IPIP_A_DEV_ACTIVE_PROTO)),
	       ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_ACTIVE_SPI),
	       dev->tb[IPSEC_IPIP_A_DEV_PINNED] ? " (pinned)" : "");
}

static void ipsi_show_refused(const struct ipsi_attrs *dev)
{
	const char *before = "  refused: ";
	struct ipsi_attrs stats;
	unsigned int id;
	unsigned long long value;

	ipsi_attrs_parse_nest(&stats, dev, IPSEC_IPIP_A_DEV_STATS);
	for (id = 0; id <= stats.set->max; id++) {
		value = ipsi_attr_u64(&stats, id);
		if (!value)
			continue;
		printf("%s%s %llu", before, stats.set->attrs[id].name,
		       value);
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
}

static void ipsi_show_peer(const struct ipsi_attrs *dev)
{
	char buf[IPSI_TEXT_LEN];

	if (dev->tb[IPSEC_IPIP_A_DEV_PEER])
		printf("  peer: %s (may move)\n",
		       ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_PEER, buf));
	else if (dev->tb[IPSEC_IPIP_A_DEV_ROAM])
		printf("  peer: not known yet\n");
	if (dev->tb[IPSEC_IPIP_A_DEV_ENCAP_PORT])
		printf("  encap-port: %llu\n",
		       ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_ENCAP_PORT));
}

static void ipsi_show_withheld(const struct ipsi_attrs *dev)
{
	if (!dev->tb[IPSEC_IPIP_A_DEV_WITHHELD])
		return;
	if (dev->tb[IPSEC_IPIP_A_DEV_LOCAL])
		puts("  withheld: the SA in use; CAP_NET_ADMIN required");
	else
		puts("  withheld: the underlay and the SA in use; CAP_NET_ADMIN required there");
}

/* Why the carrier is off. */
static const char *ipsi_show_why(const struct ipsi_attrs *dev,
				 const struct ipsi_link_stats *link)
{
	return link && !link->up ? "the device is down" : ipsi_dev_why_off(dev);
}

/* A device that is down keeps its carrier, and sends nothing. */
static bool ipsi_show_is_on(const struct ipsi_attrs *dev,
			    const struct ipsi_link_stats *link)
{
	return ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_CARRIER) &&
	       (!link || link->up);
}

static void ipsi_show_state(const struct ipsi_attrs *dev,
			    const struct ipsi_link_stats *link)
{
	const bool on = ipsi_show_is_on(dev, link);

	printf("  carrier: %s%s%s", ipsi_color(on ? IPSI_GREEN : IPSI_RED),
	       on ? "on" : "off", ipsi_color(IPSI_PLAIN));
	if (!on)
		printf(", %s", ipsi_show_why(dev, link));
	putchar('\n');
}

static void ipsi_show_transfer(const struct ipsi_attrs *dev,
			       const struct ipsi_link_stats *link)
{
	char rx[16], tx[16], age[32];

	if (link)
		printf("  transfer: %s received, %s sent\n",
		       ipsi_human(link->rx_bytes, rx),
		       ipsi_human(link->tx_bytes, tx));
	if (dev->tb[IPSEC_IPIP_A_DEV_RX_AGE])
		printf("  last packet received: %s ago\n",
		       ipsi_duration(ipsi_attr_u64(dev,
						   IPSEC_IPIP_A_DEV_RX_AGE),
				     age));
	else
		puts("  last packet received: never");
}

/* A line a device. */
static void ipsi_show_brief(const struct ipsi_attrs *dev,
			    const struct ipsi_link_stats *link)
{
	char local[IPSI_TEXT_LEN], remote[IPSI_TEXT_LEN], rx[16], tx[16];
	char age[32];
	const bool on = ipsi_show_is_on(dev, link);

	printf("%-15s %s%-4s%s %s -> %s", ipsi_attr_string(dev,
							   IPSEC_IPIP_A_DEV_IFNAME),
	       ipsi_color(on ? IPSI_GREEN : IPSI_RED), on ? "UP" : "DOWN",
	       ipsi_color(IPSI_PLAIN),
	       ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_LOCAL, local),
	       ipsi_show_remote(dev, remote));
	if (link)
		printf(" rx %s tx %s", ipsi_human(link->rx_bytes, rx),
		       ipsi_human(link->tx_bytes, tx));
	if (dev->tb[IPSEC_IPIP_A_DEV_RX_AGE])
		printf(" last %s ago",
		       ipsi_duration(ipsi_attr_u64(dev,
						   IPSEC_IPIP_A_DEV_RX_AGE),
				     age));
	if (!on)
		printf(" (%s)", ipsi_show_why(dev, link));
	putchar('\n');
}

static void ipsi_show_text(const struct ipsi_show *show,
			   const struct ipsi_attrs *dev,
			   const struct ipsi_link_stats *link)
{
	const uint32_t if_id = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_IF_ID);
	char buf[IPSI_TEXT_LEN];

	printf("device: %s%s%s\n", ipsi_color(IPSI_BOLD),
	       ipsi_attr_string(dev, IPSEC_IPIP_A_DEV_IFNAME),
	       ipsi_color(IPSI_PLAIN));
	if (dev->tb[IPSEC_IPIP_A_DEV_LOCAL]) {
		printf("  local: %s\n",
		       ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_LOCAL, buf));
		printf("  remote: %s\n", ipsi_show_remote(dev, buf));
		printf("  if_id: 0x%x%s\n", if_id,
		       if_id >= IPSI_IF_ID_AUTO ? " (chosen by the kernel)" :
						  "");
		ipsi_show_peer(dev);
	}
	ipsi_show_header(show, dev);
	printf("  mtu: %llu%s\n",
	       ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_MTU),
	       dev->tb[IPSEC_IPIP_A_DEV_MTU_AUTO] ? " (automatic)" : "");
	ipsi_show_state(dev, link);
	ipsi_show_transfer(dev, link);
	ipsi_show_daemons(dev, link, &show->daemons);
	ipsi_show_sas(dev);
	ipsi_show_sa_lines(dev, &show->sas);
	ipsi_show_refused(dev);
	ipsi_show_withheld(dev);
}

/* In the words of "ip -j link": the underlay by name, the DSCP as a string. */
static void ipsi_show_json_words(const struct ipsi_show *show,
				 struct json_object *object,
				 const struct ipsi_attrs *dev)
{
	const uint32_t tos = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_TOS);
	char name[IF_NAMESIZE + 16], remote[IPSI_TEXT_LEN];

	if (dev->tb[IPSEC_IPIP_A_DEV_REMOTE])
		json_object_object_add(object, "remote",
				       json_object_new_string(ipsi_show_remote(dev,
									       remote)));
	if (dev->tb[IPSEC_IPIP_A_DEV_LINK]) {
		ipsi_show_link_name(show, dev, name);
		json_object_object_add(object, "link",
				       json_object_new_string(name));
	}
	snprintf(name, sizeof(name), "0x%02x", tos);
	json_object_object_add(object, "tos",
			       json_object_new_string(tos == IPSI_TOS_INHERIT ?
						      "inherit" : name));
}

static struct json_object *ipsi_show_json(const struct ipsi_show *show,
					  const struct ipsi_attrs *dev,
					  const struct ipsi_link_stats *link)
{
	static const char * const flags[] = { "mtu_auto", "pinned", "roam",
					      "withheld", NULL };
	const bool icmp = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_ICMP);
	struct json_object *object = ipsi_attrs_json(dev);

	ipsi_json_flags(object, flags);
	json_object_object_del(object, "icmp");
	json_object_object_add(object, "icmp_relay",
			       json_object_new_boolean(icmp));
	ipsi_show_json_words(show, object, dev);
	if (!ipsi_show_is_on(dev, link))
		json_object_object_add(object, "reason",
				       json_object_new_string(ipsi_show_why(dev,
									    link)));
	if (ipsi_show_is_keyed(dev, link))
		json_object_object_add(object, "key_managers",
				       ipsi_show_daemons_json(&show->daemons));
	return object;
}

/* One request for all. Without counters, SAs or daemons, the rest is still shown. */
static void ipsi_show_gather(struct ipsi_show *show, const char *dev,
			     const struct ipsi_replies *replies)
{
	struct ipsi_attrs attrs;
	bool adopts = false;
	size_t i;

	memset(show, 0, sizeof(*show));
	if (ipsi_query_link_stats(&show->links, &show->n_links))
		show->n_links = 0;
	if (!ipsi_opts.json && ipsi_opts.brief)
		return;
	if (!ipsi_opts.json)
		ipsi_sa_table_read(&show->sas, dev);
	for (i = 0; i < replies->n; i++) {
		ipsi_attrs_parse(&attrs, &ipsi_dev_set, replies->msg[i]);
		adopts |= ipsi_attr_u64(&attrs, IPSEC_IPIP_A_DEV_KEYING);
	}
	if (adopts)
		ipsi_daemons_find(&show->daemons);
}

static void ipsi_show_replies(const struct ipsi_replies *replies,
			      const char *name)
{
	const struct ipsi_link_stats *link;
	struct json_object *array = NULL;
	struct ipsi_attrs dev;
	struct ipsi_show show;
	size_t i;

	ipsi_show_gather(&show, name, replies);
	if (ipsi_opts.json)
		array = json_object_new_array();
	for (i = 0; i < replies->n; i++) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, replies->msg[i]);
		link = ipsi_link_stats_find(show.links, show.n_links,
					    ipsi_attr_u64(&dev,
							  IPSEC_IPIP_A_DEV_IFINDEX));
		if (array) {
			json_object_array_add(array,
					      ipsi_show_json(&show, &dev,
							     link));
			continue;
		}
		if (ipsi_opts.brief) {
			ipsi_show_brief(&dev, link);
			continue;
		}
		if (i)
			putchar('\n');
		ipsi_show_text(&show, &dev, link);
	}
	free(show.links);
	ipsi_sa_table_free(&show.sas);
	if (array)
		ipsi_json_print(array, ipsi_opts.pretty);
}

/**
 * ipsi_show() - show one device, or all
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_show(int argc, char **argv)
{
	struct ipsi_replies replies = {};
	struct ipsi_nl nl = {};
	int ret = IPSI_OK;

	if (argc > 1)
		return ipsi_usage("unknown word \"%s\"", argv[1]);
	if (argc)
		ret = ipsi_arg_dev(argv[0]);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_nl_get_devs(&nl, argc ? argv[0] : NULL, &replies);
	if (!ret)
		ipsi_show_replies(&replies, argc ? argv[0] : NULL);
	if (!ret && !replies.n && !ipsi_opts.json)
		ipsi_hint_no_links();
	ipsi_replies_free(&replies);
	ipsi_nl_close(&nl);
	return ret;
}
