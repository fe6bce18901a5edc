// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip metrics: devices and SAs for Prometheus, in its own text format or as
 * OpenMetrics. Samples of one metric must follow each other, so each metric walks
 * over all devices.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attrs.h"
#include "ipsi.h"
#include "nl.h"
#include "sa-life.h"
#include "sa-table.h"

#define IPSI_METRICS	"ipsec_ipip_"

/**
 * struct ipsi_metrics - a run of the command
 * @devs: the devices
 * @sas: their SAs
 * @open: the format is OpenMetrics
 * @now: time in seconds since 1970
 */
struct ipsi_metrics {
	struct ipsi_replies devs;
	struct ipsi_sa_table sas;
	bool open;
	time_t now;
};

/**
 * struct ipsi_metric - a metric of devices or SAs
 * @name: its name, of a counter without "_total"
 * @unit: the last word of the name, or NULL
 * @counter: it only grows; else it is a gauge
 * @help: its meaning
 * @of_dev: prints the samples of a device
 * @of_sa: prints the samples of an SA
 */
struct ipsi_metric {
	const char *name;
	const char *unit;
	bool counter;
	const char *help;
	void (*of_dev)(const struct ipsi_metrics *m,
		       const struct ipsi_metric *metric,
		       const struct ipsi_attrs *dev);
	void (*of_sa)(const struct ipsi_metric *metric,
		      const struct ipsi_attrs *sa);
};

/* Begins a sample: its name, and the first label. */
static void ipsi_metric_begin(const struct ipsi_metric *metric,
			      const char *device)
{
	printf(IPSI_METRICS "%s%s{device=\"", metric->name,
	       metric->counter ? "_total" : "");
	for (; *device; device++) {
		if (*device == '\\' || *device == '"')
			putchar('\\');
		putchar(*device);
	}
	putchar('"');
}

static void ipsi_metric_end(unsigned long long value)
{
	printf("} %llu\n", value);
}

static void ipsi_metric_begin_dev(const struct ipsi_metric *metric,
				  const struct ipsi_attrs *dev)
{
	ipsi_metric_begin(metric, ipsi_attr_string(dev,
						   IPSEC_IPIP_A_DEV_IFNAME));
}

static void ipsi_metric_begin_sa(const struct ipsi_metric *metric,
				 const struct ipsi_attrs *sa)
{
	ipsi_metric_begin(metric, ipsi_attr_string(sa,
						   IPSEC_IPIP_A_SA_IFNAME));
	printf(",direction=\"%s\",proto=\"%s\",spi=\"0x%08llx\"",
	       ipsi_attr_enum(sa, IPSEC_IPIP_A_SA_DIRECTION),
	       ipsi_proto_name(ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_PROTO)),
	       ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_SPI));
}

static void ipsi_metric_info(const struct ipsi_metrics *m,
			     const struct ipsi_metric *metric,
			     const struct ipsi_attrs *dev)
{
	char local[IPSI_TEXT_LEN], remote[IPSI_TEXT_LEN];

	(void)m;
	ipsi_metric_begin_dev(metric, dev);
	if (dev->tb[IPSEC_IPIP_A_DEV_LOCAL])
		printf(",local=\"%s\",remote=\"%s\"",
		       ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_LOCAL, local),
		       ipsi_attr_addr(dev, IPSEC_IPIP_A_DEV_REMOTE, remote));
	printf(",keying=\"%s\"",
	       ipsi_attr_enum(dev, IPSEC_IPIP_A_DEV_KEYING));
	ipsi_metric_end(1);
}

static void ipsi_metric_carrier(const struct ipsi_metrics *m,
				const struct ipsi_metric *metric,
				const struct ipsi_attrs *dev)
{
	(void)m;
	ipsi_metric_begin_dev(metric, dev);
	ipsi_metric_end(ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_CARRIER));
}

static void ipsi_metric_mtu(const struct ipsi_metrics *m,
			    const struct ipsi_metric *metric,
			    const struct ipsi_attrs *dev)
{
	(void)m;
	ipsi_metric_begin_dev(metric, dev);
	ipsi_metric_end(ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_MTU));
}

static void ipsi_metric_sas(const struct ipsi_metrics *m,
			    const struct ipsi_metric *metric,
			    const struct ipsi_attrs *dev)
{
	(void)m;
	ipsi_metric_begin_dev(metric, dev);
	printf(",direction=\"in\"");
	ipsi_metric_end(ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_IN));
	ipsi_metric_begin_dev(metric, dev);
	printf(",direction=\"out\"");
	ipsi_metric_end(ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_SA_OUT));
}

static void ipsi_metric_received(const struct ipsi_metrics *m,
				 const struct ipsi_metric *metric,
				 const struct ipsi_attrs *dev)
{
	const uint64_t age = ipsi_attr_u64(dev, IPSEC_IPIP_A_DEV_RX_AGE);

	if (!dev->tb[IPSEC_IPIP_A_DEV_RX_AGE])
		return;
	ipsi_metric_begin_dev(metric, dev);
	/* The clock may not have been set yet. */
	ipsi_metric_end(m->now > 0 && (uint64_t)m->now > age ?
			(uint64_t)m->now - age : 0);
}

static void ipsi_metric_refused(const struct ipsi_metrics *m,
				const struct ipsi_metric *metric,
				const struct ipsi_attrs *dev)
{
	struct ipsi_attrs stats;
	unsigned int id;

	(void)m;
	ipsi_attrs_parse_nest(&stats, dev, IPSEC_IPIP_A_DEV_STATS);
	for (id = 0; id <= stats.set->max; id++) {
		if (!stats.tb[id])
			continue;
		ipsi_metric_begin_dev(metric, dev);
		printf(",reason=\"%s\"", stats.set->attrs[id].name);
		ipsi_metric_end(ipsi_attr_u64(&stats, id));
	}
}

static unsigned long long ipsi_metric_stat(const struct ipsi_attrs *sa,
					   unsigned int id)
{
	struct ipsi_attrs stats;

	ipsi_attrs_parse_nest(&stats, sa, IPSEC_IPIP_A_SA_STATS);
	return ipsi_attr_u64(&stats, id);
}

static void ipsi_metric_sa_added(const struct ipsi_metric *metric,
				 const struct ipsi_attrs *sa)
{
	ipsi_metric_begin_sa(metric, sa);
	ipsi_metric_end(ipsi_metric_stat(sa, IPSEC_IPIP_A_SA_STATS_ADD_TIME));
}

static void ipsi_metric_sa_active(const struct ipsi_metric *metric,
				  const struct ipsi_attrs *sa)
{
	if (ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_DIRECTION) !=
	    IPSEC_IPIP_DIRECTION_OUT)
		return;
	ipsi_metric_begin_sa(metric, sa);
	ipsi_metric_end(!!sa->tb[IPSEC_IPIP_A_SA_ACTIVE]);
}

static void ipsi_metric_sa_bytes(const struct ipsi_metric *metric,
				 const struct ipsi_attrs *sa)
{
	ipsi_metric_begin_sa(metric, sa);
	ipsi_metric_end(ipsi_metric_stat(sa, IPSEC_IPIP_A_SA_STATS_BYTES));
}

static void ipsi_metric_sa_packets(const struct ipsi_metric *metric,
				   const struct ipsi_attrs *sa)
{
	ipsi_metric_begin_sa(metric, sa);
	ipsi_metric_end(ipsi_metric_stat(sa, IPSEC_IPIP_A_SA_STATS_PACKETS));
}

static void ipsi_metric_sa_refused(const struct ipsi_metric *metric,
				   const struct ipsi_attrs *sa)
{
	static const unsigned int ids[] = {
		IPSEC_IPIP_A_SA_STATS_REPLAYED,
		IPSEC_IPIP_A_SA_STATS_REPLAY_LATE,
		IPSEC_IPIP_A_SA_STATS_INTEGRITY_FAILED,
	};
	struct ipsi_attrs stats;
	unsigned int i;

	if (ipsi_attr_u64(sa, IPSEC_IPIP_A_SA_DIRECTION) !=
	    IPSEC_IPIP_DIRECTION_IN)
		return;
	ipsi_attrs_parse_nest(&stats, sa, IPSEC_IPIP_A_SA_STATS);
	for (i = 0; i < IPSI_ARRAY_SIZE(ids); i++) {
		ipsi_metric_begin_sa(metric, sa);
		printf(",reason=\"%s\"", stats.set->attrs[ids[i]].name);
		ipsi_metric_end(ipsi_attr_u64(&stats, ids[i]));
	}
}

static void ipsi_metric_sa_left(const struct ipsi_metric *metric,
				const struct ipsi_attrs *sa,
				enum ipsi_left unit)
{
	struct ipsi_sa_life life;

	ipsi_sa_life(sa, &life);
	if (!life.limited[unit])
		return;
	ipsi_metric_begin_sa(metric, sa);
	ipsi_metric_end(life.left[unit]);
}

static void ipsi_metric_sa_seconds(const struct ipsi_metric *metric,
				   const struct ipsi_attrs *sa)
{
	ipsi_metric_sa_left(metric, sa, IPSI_LEFT_SECONDS);
}

static void ipsi_metric_sa_left_bytes(const struct ipsi_metric *metric,
				      const struct ipsi_attrs *sa)
{
	ipsi_metric_sa_left(metric, sa, IPSI_LEFT_BYTES);
}

static void ipsi_metric_sa_left_packets(const struct ipsi_metric *metric,
					const struct ipsi_attrs *sa)
{
	ipsi_metric_sa_left(metric, sa, IPSI_LEFT_PACKETS);
}

static void ipsi_metric_sa_ratio(const struct ipsi_metric *metric,
				 const struct ipsi_attrs *sa)
{
	struct ipsi_sa_life life;
	double least = 2, ratio;
	unsigned int i;

	ipsi_sa_life(sa, &life);
	for (i = 0; i < IPSI_LEFT_N; i++) {
		if (!life.limited[i])
			continue;
		ratio = (double)life.left[i] / life.limit[i];
		least = ratio < least ? ratio : least;
	}
	if (least > 1)
		return;
	ipsi_metric_begin_sa(metric, sa);
	printf("} %.4f\n", least);
}

static const struct ipsi_metric ipsi_metrics[] = {
	{ "device_info", NULL, false, "A device and its endpoints, always 1.",
	  ipsi_metric_info, NULL },
	{ "carrier", NULL, false,
	  "1 if there are valid SAs in both directions, else 0.",
	  ipsi_metric_carrier, NULL },
	{ "mtu_bytes", "bytes", false, "MTU of the device.",
	  ipsi_metric_mtu, NULL },
	{ "sas", NULL, false, "Valid SAs of the device.",
	  ipsi_metric_sas, NULL },
	{ "last_receive_timestamp_seconds", "seconds", false,
	  "Time of the last packet that the device accepted.",
	  ipsi_metric_received, NULL },
	{ "refused_packets", "packets", true,
	  "Packets that the device refused, by reason.",
	  ipsi_metric_refused, NULL },
	{ "sa_added_timestamp_seconds", "seconds", false,
	  "Time at which the SA was added.", NULL, ipsi_metric_sa_added },
	{ "sa_active", NULL, false,
	  "1 for the outbound SA in use, 0 for others.",
	  NULL, ipsi_metric_sa_active },
	{ "sa_bytes", "bytes", true, "Bytes that the SA has processed.",
	  NULL, ipsi_metric_sa_bytes },
	{ "sa_packets", "packets", true, "Packets that the SA has processed.",
	  NULL, ipsi_metric_sa_packets },
	{ "sa_refused_packets", "packets", true,
	  "Packets that the SA refused, by reason.",
	  NULL, ipsi_metric_sa_refused },
	{ "sa_left_seconds", "seconds", false,
	  "Seconds until a hard limit ends the SA.",
	  NULL, ipsi_metric_sa_seconds },
	{ "sa_left_bytes", "bytes", false,
	  "Bytes until a hard limit ends the SA.",
	  NULL, ipsi_metric_sa_left_bytes },
	{ "sa_left_packets", "packets", false,
	  "Packets until a hard limit ends the SA.",
	  NULL, ipsi_metric_sa_left_packets },
	{ "sa_left_ratio", "ratio", false,
	  "Part that is left of the hard limit that ends the SA first.",
	  NULL, ipsi_metric_sa_ratio },
};

/* OpenMetrics names the family of a counter without "_total". */
static void ipsi_metric_head(const struct ipsi_metrics *m,
			     const struct ipsi_metric *metric)
{
	const char *total = metric->counter && !m->open ? "_total" : "";

	printf("# HELP " IPSI_METRICS "%s%s %s\n", metric->name, total,
	       metric->help);
	printf("# TYPE " IPSI_METRICS "%s%s %s\n", metric->name, total,
	       metric->counter ? "counter" : "gauge");
	if (m->open && metric->unit)
		printf("# UNIT " IPSI_METRICS "%s %s\n", metric->name,
		       metric->unit);
}

static void ipsi_metric_print(const struct ipsi_metrics *m,
			      const struct ipsi_metric *metric)
{
	struct ipsi_attrs dev, sa;
	uint32_t ifindex;
	size_t i, n;

	ipsi_metric_head(m, metric);
	for (i = 0; i < m->devs.n; i++) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, m->devs.msg[i]);
		if (metric->of_dev) {
			metric->of_dev(m, metric, &dev);
			continue;
		}
		ifindex = ipsi_attr_u64(&dev, IPSEC_IPIP_A_DEV_IFINDEX);
		n = 0;
		while (ipsi_sa_table_next(&m->sas, ifindex, &n, &sa))
			metric->of_sa(metric, &sa);
	}
}

static void ipsi_metrics_print(const struct ipsi_metrics *m)
{
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_metrics); i++)
		if (ipsi_metrics[i].of_dev || !m->sas.withheld)
			ipsi_metric_print(m, &ipsi_metrics[i]);
	/* OpenMetrics has no comments. */
	if (m->sas.withheld && !m->open)
		puts("# SAs are left out: CAP_NET_ADMIN required");
	if (m->open)
		puts("# EOF");
}

static int ipsi_metrics_format(bool *open)
{
	const char *format = ipsi_opts.format;

	*open = format && !strcmp(format, "openmetrics");
	if (!format || *open || !strcmp(format, "prometheus"))
		return IPSI_OK;
	return ipsi_usage("--format: \"%s\" is not prometheus or openmetrics",
			  format);
}

/**
 * ipsi_metrics_run() - print metrics of all devices
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_metrics_run(int argc, char **argv)
{
	struct ipsi_metrics m = { .now = time(NULL) };
	struct ipsi_nl nl = {};
	int ret;

	if (argc)
		return ipsi_usage("unknown word \"%s\"", argv[0]);
	ret = ipsi_metrics_format(&m.open);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_nl_get_devs(&nl, NULL, &m.devs);
	ipsi_nl_close(&nl);
	if (!ret)
		ret = ipsi_sa_table_read(&m.sas, NULL);
	if (!ret)
		ipsi_metrics_print(&m);
	ipsi_replies_free(&m.devs);
	ipsi_sa_table_free(&m.sas);
	return ret;
}
