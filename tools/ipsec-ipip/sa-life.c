// SPDX-License-Identifier: GPL-2.0
/*
 * The age of an SA, and what is left until one of its hard limits ends it.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attrs.h"
#include "ipsi.h"
#include "sa-life.h"

/* A @limit of 0 is none. Of two limits in one unit, the nearer one counts. */
static void ipsi_sa_life_limit(struct ipsi_sa_life *life, enum ipsi_left unit,
			       uint64_t limit, int64_t used)
{
	uint64_t left;

	if (!limit)
		return;
	left = used < 0 ? limit : (uint64_t)used < limit ? limit - used : 0;
	if (life->limited[unit] && life->left[unit] <= left)
		return;
	life->limited[unit] = true;
	life->left[unit] = left;
	life->limit[unit] = limit;
}

/**
 * ipsi_sa_life() - compute the life of an SA
 * @sa: the SA, with its counters
 * @life: the result
 */
void ipsi_sa_life(const struct ipsi_attrs *sa, struct ipsi_sa_life *life)
{
	const int64_t now = time(NULL);
	struct ipsi_attrs stats, limits;
	int64_t used;

	memset(life, 0, sizeof(*life));
	ipsi_attrs_parse_nest(&stats, sa, IPSEC_IPIP_A_SA_STATS);
	ipsi_attrs_parse_nest(&limits, sa, IPSEC_IPIP_A_SA_LIFETIME);
	life->age = now - (int64_t)ipsi_attr_u64(&stats,
						 IPSEC_IPIP_A_SA_STATS_ADD_TIME);
	used = ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_USE_TIME);

	ipsi_sa_life_limit(life, IPSI_LEFT_SECONDS,
			   ipsi_attr_u64(&limits,
					 IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS),
			   life->age);
	if (used)
		ipsi_sa_life_limit(life, IPSI_LEFT_SECONDS,
				   ipsi_attr_u64(&limits,
						 IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS),
				   now - used);
	ipsi_sa_life_limit(life, IPSI_LEFT_BYTES,
			   ipsi_attr_u64(&limits,
					 IPSEC_IPIP_A_LIFETIME_HARD_BYTES),
			   ipsi_attr_u64(&stats, IPSEC_IPIP_A_SA_STATS_BYTES));
	ipsi_sa_life_limit(life, IPSI_LEFT_PACKETS,
			   ipsi_attr_u64(&limits,
					 IPSEC_IPIP_A_LIFETIME_HARD_PACKETS),
			   ipsi_attr_u64(&stats,
					 IPSEC_IPIP_A_SA_STATS_PACKETS));
}

/**
 * ipsi_sa_life_print() - print the life of an SA, without a line end
 * @life: the life
 */
void ipsi_sa_life_print(const struct ipsi_sa_life *life)
{
	char buf[32];

	if (life->age < 0)
		printf("added in the future: the clock was set back");
	else
		printf("%s old", ipsi_duration(life->age, buf));
	if (life->limited[IPSI_LEFT_SECONDS])
		printf(", %s left",
		       ipsi_duration(life->left[IPSI_LEFT_SECONDS], buf));
	if (life->limited[IPSI_LEFT_BYTES])
		printf(", %s left", ipsi_human(life->left[IPSI_LEFT_BYTES],
					       buf));
	if (life->limited[IPSI_LEFT_PACKETS])
		printf(", %llu packets left",
		       (unsigned long long)life->left[IPSI_LEFT_PACKETS]);
}

/**
 * ipsi_sa_life_json() - add the life of an SA to its JSON object
 * @object: the object
 * @life: the life
 */
void ipsi_sa_life_json(struct json_object *object,
		       const struct ipsi_sa_life *life)
{
	static const char * const names[] = {
		[IPSI_LEFT_SECONDS] = "seconds",
		[IPSI_LEFT_BYTES] = "bytes",
		[IPSI_LEFT_PACKETS] = "packets",
	};
	struct json_object *left = json_object_new_object();
	unsigned int i;

	json_object_object_add(object, "age", json_object_new_int64(life->age));
	for (i = 0; i < IPSI_LEFT_N; i++)
		if (life->limited[i])
			json_object_object_add(left, names[i],
					       json_object_new_uint64(life->left[i]));
	json_object_object_add(object, "left", left);
}
