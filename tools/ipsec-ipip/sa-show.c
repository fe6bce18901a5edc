// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip sa show: print SAs as text, in the words of "sa add", or as JSON.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attrs.h"
#include "ipsi.h"
#include "nl.h"
#include "sa-id.h"
#include "sa-life.h"
#include "sa-wireshark.h"

static void ipsi_sa_show_head(const struct ipsi_attrs *sa)
{
	char src[IPSI_TEXT_LEN], dst[IPSI_TEXT_LEN];

	printf("%s %s spi 0x%08llx proto %s mode %s reqid %llu",
	       ipsi_attr_string(sa, IPSEC_IPIP_A_SA_IFNAME),
	       ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_DIRECTION),
	       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_SPI),
	       ipsi_proto_name(ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_PROTO)),
	       ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_MODE),
	       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_REQID));
	if (sa->tb[IPSEC_IPIP_A_SA_ACTIVE])
		printf(" (active)");
	if (sa->tb[IPSEC_IPIP_A_SA_PINNED])
		printf(" (pinned)");
	if (sa->tb[IPSEC_IPIP_A_SA_DYING])
		printf(" (dying)");
	if (sa->tb[IPSEC_IPIP_A_SA_ADOPTED])
		printf(" (adopted)");
	if (sa->tb[IPSEC_IPIP_A_SA_REFUSAL])
		printf(" (%s)", ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_REFUSAL));
	printf("\n  %s -> %s\n",
	       ipsi_attr_addr(sa, IPSEC_IPIP_A_SA_SRC, src),
	       ipsi_attr_addr(sa, IPSEC_IPIP_A_SA_DST, dst));
}

/* The SAs to show, from the command line. */
struct ipsi_sa_filter {
	struct ipsi_sa_id id;
	bool keys;
};

static void ipsi_sa_show_alg(const struct ipsi_attrs *sa, bool keys,
			     const char *word, unsigned int name,
			     unsigned int key, bool icv)
{
	if (!sa->tb[name])
		return;
	printf("  %s %s ", word, ipsi_attr_string(sa, name));
	ipsi_print_key(sa, key, keys);
	if (icv)
		printf(" %llu",
		       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_ICV_BITS));
	putchar('\n');
}

static void ipsi_sa_show_algs(const struct ipsi_attrs *sa, bool keys)
{
	const bool icv = sa->tb[IPSEC_IPIP_A_SA_ICV_BITS];

	ipsi_sa_show_alg(sa, keys, "aead", IPSEC_IPIP_A_SA_AEAD_NAME,
			 IPSEC_IPIP_A_SA_AEAD_KEY, icv);
	ipsi_sa_show_alg(sa, keys, "enc", IPSEC_IPIP_A_SA_ENC_NAME,
			 IPSEC_IPIP_A_SA_ENC_KEY, false);
	ipsi_sa_show_alg(sa, keys, icv ? "auth-trunc" : "auth",
			 IPSEC_IPIP_A_SA_AUTH_NAME, IPSEC_IPIP_A_SA_AUTH_KEY,
			 icv);
}

static void ipsi_sa_show_options(const struct ipsi_attrs *sa)
{
	const bool in = ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_DIRECTION) ==
			IPSEC_IPIP_DIRECTION_IN;
	struct ipsi_attrs encap;

	if (in)
		printf("  replay-window %llu%s%s\n",
		       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_REPLAY_WINDOW),
		       sa->tb[IPSEC_IPIP_A_SA_ESN] ? " esn" : "",
		       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_REPLAY_WINDOW) ? "" :
		       " (no replay protection)");
	else if (sa->tb[IPSEC_IPIP_A_SA_ESN])
		printf("  esn\n");
	if (sa->tb[IPSEC_IPIP_A_SA_PCPU])
		printf("  pcpu %llu\n",
		       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_PCPU));
	if (sa->tb[IPSEC_IPIP_A_SA_OFFLOAD])
		printf("  offload %s\n",
		       ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_OFFLOAD));
	if (!sa->tb[IPSEC_IPIP_A_SA_ENCAP])
		return;
	ipsi_attrs_parse_nest(&encap, sa, IPSEC_IPIP_A_SA_ENCAP);
	printf("  encap espinudp %llu %llu\n",
	       ipsi_attr_u64(&encap, IPSEC_IPIP_A_ENCAP_SPORT),
	       ipsi_attr_u64(&encap, IPSEC_IPIP_A_ENCAP_DPORT));
}

static void ipsi_sa_show_limits(const struct ipsi_attrs *sa)
{
	struct ipsi_attrs limits;
	const char *before = "  ";
	unsigned int id;

	ipsi_attrs_parse_nest(&limits, sa, IPSEC_IPIP_A_SA_LIFETIME);
	for (id = 0; id <= limits.set->max; id++) {
		if (!ipsi_attr_u64(&limits, id))
			continue;
		printf("%s%s %llu", before, limits.set->attrs[id].word,
		       ipsi_attr_u64(&limits, id));
		before = " ";
	}
	if (before[1] == '\0')
		putchar('\n');
}

static void ipsi_sa_show_time(const char *what, uint64_t seconds)
{
	const time_t when = seconds;
	char buf[32] = "?";
	struct tm tm;

	if (localtime_r(&when, &tm))
		strftime(buf, sizeof(buf), "%F %T", &tm);
	printf("%s %s", what, buf);
}

static void ipsi_sa_show_errors(const struct ipsi_attrs *stats)
{
	static const unsigned int ids[] = {
		IPSEC_IPIP_A_SA_STATS_REPLAYED,
		IPSEC_IPIP_A_SA_STATS_REPLAY_LATE,
		IPSEC_IPIP_A_SA_STATS_INTEGRITY_FAILED,
	};
	const char *before = "  refused: ";
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ids); i++) {
		if (!ipsi_attr_u64(stats, ids[i]))
			continue;
		printf("%s%s %llu", before, stats->set->attrs[ids[i]].name,
		       ipsi_attr_u64(stats, ids[i]));
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
}

static void ipsi_sa_show_stats(const struct ipsi_attrs *sa)
{
	const bool out = ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_DIRECTION) ==
			 IPSEC_IPIP_DIRECTION_OUT;
	struct ipsi_sa_life life;
	struct ipsi_attrs stats;
	unsigned long long used;

	if (!sa->tb[IPSEC_IPIP_A_SA_STATS])
		return;
	ipsi_attrs_parse_nest(&stats, sa, IPSEC_IPIP_A_SA_STATS);
	used = ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_USE_TIME);
	printf("  %s: %llu packets, %llu bytes",
	       out ? "sent" : "received",
	       ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_PACKETS),
	       ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_BYTES));
	/* Without a replay window, received sequence numbers are not recorded. */
	if (out || ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_REPLAY_WINDOW))
		printf(", seq %llu",
		       ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_SEQ));
	putchar('\n');
	ipsi_sa_show_errors(&stats);
	ipsi_sa_show_time("  added",
			  ipsi_attr_u64(&stats,
					IPSEC_IPIP_A_SA_STATS_ADD_TIME));
	if (used)
		ipsi_sa_show_time(", first used", used);
	else
		printf(", never used");
	printf("\n  ");
	ipsi_sa_life(sa, &life);
	ipsi_sa_life_print(&life);
	putchar('\n');
}

static void ipsi_sa_show_text(const struct ipsi_attrs *sa, bool keys)
{
	ipsi_sa_show_head(sa);
	ipsi_sa_show_algs(sa, keys);
	ipsi_sa_show_options(sa);
	ipsi_sa_show_limits(sa);
	ipsi_sa_show_stats(sa);
}

static struct json_object *ipsi_sa_show_json(const struct ipsi_attrs *sa)
{
	static const char * const flags[] = {
		"esn", "active", "pinned", "dying", "adopted", NULL
	};
	struct json_object *object = ipsi_attrs_json(sa);
	struct ipsi_sa_life life;

	ipsi_json_flags(object, flags);
	ipsi_sa_life(sa, &life);
	ipsi_sa_life_json(object, &life);
	return object;
}

static void ipsi_sa_show_replies(const struct ipsi_replies *replies, bool keys)
{
	struct json_object *array = NULL;
	struct ipsi_attrs sa;
	size_t i;

	if (ipsi_opts.json)
		array = json_object_new_array();
	for (i = 0; i < replies->n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, replies->msg[i]);
		if (array)
			json_object_array_add(array, ipsi_sa_show_json(&sa));
		else if (ipsi_opts.format)
			ipsi_sa_wireshark(&sa);
		else
			ipsi_sa_show_text(&sa, keys);
	}
	if (array)
		ipsi_json_print(array, ipsi_opts.pretty);
}

/* Wireshark's format needs keys, which must be requested by their word. */
static int ipsi_sa_show_format(bool keys)
{
	if (!ipsi_opts.format)
		return IPSI_OK;
	if (strcmp(ipsi_opts.format, "wireshark"))
		return ipsi_usage("--format: \"%s\" is not a format; wireshark is",
				  ipsi_opts.format);
	if (!keys)
		return ipsi_usage("--format wireshark: the word \"keys\" expected before it");
	if (ipsi_opts.json)
		return ipsi_usage("--format and --json: only one of them is possible");
	return IPSI_OK;
}

/* "[DEV [{in|out} spi SPI [proto PROTO]]] [keys]" */
static int ipsi_sa_show_parse(struct ipsi_sa_filter *filter, int argc,
			      char **argv)
{
	struct ipsi_sa_id *id = &filter->id;
	int ret;

	filter->keys = argc && !strcmp(argv[argc - 1], "keys");
	if (filter->keys)
		argc--;
	ret = ipsi_sa_show_format(filter->keys);
	if (ret || !argc)
		return ret;
	if (argc == 1) {
		id->dev = argv[0];
		return ipsi_arg_dev(argv[0]);
	}
	if (argc == 2)
		return ipsi_usage("unknown word \"%s\": DEV [{in|out} spi SPI] [keys] expected",
				  argv[1]);
	ret = ipsi_parse_dev_direction(id, argc, argv);
	if (!ret)
		ret = ipsi_parse_spi_proto(id, argc - 2, argv + 2);
	return ret;
}

static int ipsi_sa_show_request(struct ipsi_nl *nl,
				const struct ipsi_sa_filter *filter)
{
	struct nlmsghdr *nlh;
	int ret;

	nlh = ipsi_nl_request(nl, IPSEC_IPIP_CMD_SA_GET, !filter->id.has_spi);
	ret = ipsi_put_sa_id(nlh, &filter->id);
	if (filter->keys)
		ipsi_warn_stdout();
	if (!ret && filter->keys)
		ret = ipsi_nl_put(nlh, IPSEC_IPIP_A_SA_KEYS, NULL, 0);
	return ret;
}

/**
 * ipsi_sa_show() - show one SA, those of a device, or all
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_sa_show(int argc, char **argv)
{
	struct ipsi_replies replies = {};
	struct ipsi_sa_filter filter = {};
	struct ipsi_nl nl = {};
	int ret;

	ret = ipsi_sa_show_parse(&filter, argc, argv);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_sa_show_request(&nl, &filter);
	if (!ret)
		ret = ipsi_nl_talk(&nl, &ipsi_sa_set, &replies);
	if (!ret)
		ipsi_sa_show_replies(&replies, filter.keys);
	ipsi_replies_free(&replies);
	ipsi_nl_close(&nl);
	return ret;
}
