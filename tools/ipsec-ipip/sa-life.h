/* SPDX-License-Identifier: GPL-2.0 */
/* The age of an SA, and what is left of its limits */
#ifndef _IPSI_SA_LIFE_H
#define _IPSI_SA_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct ipsi_attrs;
struct json_object;

/* The limits of an SA for which it ends */
enum ipsi_left {
	IPSI_LEFT_SECONDS,
	IPSI_LEFT_BYTES,
	IPSI_LEFT_PACKETS,
	IPSI_LEFT_N
};

/**
 * struct ipsi_sa_life - the life of an SA
 * @age: seconds since it was added; negative if the clock was set back
 * @limited: there is such a limit
 * @left: its rest, 0 if it has passed
 * @limit: the limit
 */
struct ipsi_sa_life {
	int64_t age;
	bool limited[IPSI_LEFT_N];
	uint64_t left[IPSI_LEFT_N];
	uint64_t limit[IPSI_LEFT_N];
};

void ipsi_sa_life(const struct ipsi_attrs *sa, struct ipsi_sa_life *life);
void ipsi_sa_life_print(const struct ipsi_sa_life *life);
void ipsi_sa_life_json(struct json_object *object,
		       const struct ipsi_sa_life *life);

#endif /* _IPSI_SA_LIFE_H */
