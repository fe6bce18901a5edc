/* SPDX-License-Identifier: GPL-2.0 */
/* Parts of "ipsec-ipip check" */
#ifndef _IPSI_CHECK_H
#define _IPSI_CHECK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon.h"
#include "ipsi.h"
#include "nl.h"
#include "snapshot.h"

struct ipsi_attrs;
struct ipsi_ruleset;
struct json_object;

/**
 * struct ipsi_check - a run of the check
 * @nl: socket of the family
 * @dev: the device being checked
 * @name: its name, for people, or that of the host
 * @raw: its name as the kernel has it
 * @sas: its SAs
 * @devs: all devices that are checked
 * @snap: the rest of the namespace
 * @underlay: the device by which packets of the last device leave
 * @daemons: key managers, once @daemons_known
 * @ruleset: the firewall, once it was read; the caller frees it
 * @found: number of findings so far
 * @json: the findings, or NULL if they are printed as text
 */
struct ipsi_check {
	struct ipsi_nl *nl;
	const struct ipsi_attrs *dev;
	const char *name;
	char raw[IF_NAMESIZE];
	struct ipsi_replies sas;
	struct ipsi_replies devs;
	struct ipsi_snapshot snap;
	struct ipsi_link underlay;
	struct ipsi_daemons daemons;
	bool daemons_known;
	struct ipsi_ruleset *ruleset;
	size_t found;
	struct json_object *json;
};

void ipsi_found(struct ipsi_check *check, const char *what, const char *fmt,
		...) IPSI_PRINTF(3, 4);

void ipsi_check_name_sa(const struct ipsi_attrs *sa, char *name, size_t size);
int ipsi_check_setting(const struct ipsi_check *check, const char *family,
		       const char *key);

void ipsi_check_set_dev(struct ipsi_check *check, const struct ipsi_attrs *dev);

/* check-policy.c */
int ipsi_check_policies(struct ipsi_check *check, const struct ipsi_flow *flow);

/* check-refused.c */
int ipsi_check_again(struct ipsi_check *check, const char *name);

/* check-route.c */
int ipsi_check_inner_routes(struct ipsi_check *check, bool carries);

/**
 * struct ipsi_processor - how long a processor has worked, in clock ticks
 * @id: its number
 * @soft: time on softirqs, most of which are packets
 * @total: all time, with idle time
 */
struct ipsi_processor {
	unsigned int id;
	uint64_t soft;
	uint64_t total;
};

/**
 * struct ipsi_processors - all processors that are online
 * @all: the processors
 * @n: their number
 */
struct ipsi_processors {
	struct ipsi_processor *all;
	size_t n;
};

/* check-processors.c */
bool ipsi_processors_late(void);
void ipsi_processors_read(struct ipsi_processors *times);
void ipsi_processors_free(struct ipsi_processors *times);
void ipsi_check_processors(struct ipsi_check *check,
			   const struct ipsi_processors *before,
			   const struct ipsi_processors *now);

/**
 * struct ipsi_check_look - counters, to be compared with those of a second later
 * @links: links with their counters
 * @n: their number
 * @unknown: packets that came with an SPI that no SA has
 * @processors: the work of the processors
 */
struct ipsi_check_look {
	struct ipsi_link_stats *links;
	size_t n;
	unsigned long unknown;
	struct ipsi_processors processors;
};

/* check-silent.c */
void ipsi_check_traffic(struct ipsi_check *check);
bool ipsi_check_any_quiet(const struct ipsi_replies *devs);
int ipsi_check_look(struct ipsi_check_look *look);
void ipsi_check_look_free(struct ipsi_check_look *look);
void ipsi_check_unknown(struct ipsi_check *check, const char *name,
			const struct ipsi_check_look *old,
			const struct ipsi_check_look *now);
void ipsi_check_fell_silent(struct ipsi_check *check,
			    const struct ipsi_attrs *before,
			    const struct ipsi_check_look *old,
			    const struct ipsi_check_look *now);

/* check-state.c */
void ipsi_check_state(const struct ipsi_state *state, void *data);

/* check-firewall.c */
void ipsi_check_firewall(struct ipsi_check *check);

/* check-host.c */
int ipsi_check_host(struct ipsi_check *check);
int ipsi_check_elsewhere(struct ipsi_check *check,
			 const struct ipsi_flow *flow);

#endif /* _IPSI_CHECK_H */
