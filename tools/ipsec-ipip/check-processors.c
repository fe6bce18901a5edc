// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip check: one processor that does the work of all. All packets of an
 * SA have the same outer addresses, so a network card puts them into one queue.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "check.h"
#include "ipsi.h"

/* Shares of a second, in percent: the processor with more than the first has no
 * time left, and those with less than the second have little to do with packets.
 */
#define IPSI_BUSY	80
#define IPSI_IDLE	20

/**
 * ipsi_processors_late() - has a processor not kept up with packets?
 *
 * Return: true if one has ever ended a round with packets left over, which is
 * the third column of /proc/net/softnet_stat.
 */
bool ipsi_processors_late(void)
{
	FILE *f = fopen("/proc/net/softnet_stat", "re");
	unsigned int squeezed = 0;
	char line[512];

	if (!f)
		return false;
	while (!squeezed && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*x %*x %x", &squeezed) != 1)
			break;
	fclose(f);
	return squeezed;
}

/**
 * ipsi_processors_read() - read how long each processor has worked
 * @times: filled in; the caller frees it by ipsi_processors_free()
 */
void ipsi_processors_read(struct ipsi_processors *times)
{
	FILE *f = fopen("/proc/stat", "re");
	struct ipsi_processor *all, one;
	uint64_t user, nice, sys, idle, wait, irq, soft, steal;
	char line[512];

	*times = (struct ipsi_processors){};
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		/* The first line, without a number, is the sum. */
		if (sscanf(line, "cpu%u %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %" SCNu64, &one.id, &user, &nice, &sys, &idle,
			   &wait, &irq, &soft, &steal) != 9)
			continue;
		one.soft = soft;
		one.total = user + nice + sys + idle + wait + irq + soft + steal;
		all = realloc(times->all, (times->n + 1) * sizeof(*all));
		if (!all)
			break;
		all[times->n++] = one;
		times->all = all;
	}
	fclose(f);
}

/**
 * ipsi_processors_free() - free what ipsi_processors_read() has filled in
 * @times: as filled in
 */
void ipsi_processors_free(struct ipsi_processors *times)
{
	free(times->all);
}

/* The share of its time that a processor has spent on packets, in percent. A
 * processor that has come meanwhile has spent none.
 */
static unsigned int ipsi_processor_share(const struct ipsi_processors *before,
					 const struct ipsi_processor *now)
{
	uint64_t soft, total;
	size_t i;

	for (i = 0; i < before->n; i++) {
		if (before->all[i].id != now->id)
			continue;
		soft = now->soft - before->all[i].soft;
		total = now->total - before->all[i].total;
		return total ? 100 * soft / total : 0;
	}
	return 0;
}

/**
 * ipsi_check_processors() - look for one that does the work of all
 * @check: the run
 * @before: times of about a second ago
 * @now: times of now
 */
void ipsi_check_processors(struct ipsi_check *check,
			   const struct ipsi_processors *before,
			   const struct ipsi_processors *now)
{
	const struct ipsi_processor *busy = NULL;
	unsigned int share, most = 0;
	uint32_t mask = 0;
	struct ipsi_attrs dev;
	size_t i, idle = 0;

	for (i = 0; i < now->n; i++) {
		share = ipsi_processor_share(before, &now->all[i]);
		if (share > IPSI_BUSY) {
			most = share;
			busy = &now->all[i];
		}
		idle += share < IPSI_IDLE;
		/* The kernel refuses a mask with processors that are not there. */
		if (now->all[i].id < 32)
			mask |= 1U << now->all[i].id;
	}
	if (busy && idle && idle + 1 == now->n && check->devs.n) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, check->devs.msg[0]);
		check->dev = NULL;
		check->name = "host";
		ipsi_found(check, "one-processor",
			   "processor %u spends %u %% of its time on packets, and the others hardly any: echo %x > /sys/class/net/%s/queues/rx-0/rps_cpus, or another way of ipsec-ipip-processors.rst",
			   busy->id, most, mask,
			   ipsi_attr_string(&dev, IPSEC_IPIP_A_DEV_IFNAME));
	}
}
