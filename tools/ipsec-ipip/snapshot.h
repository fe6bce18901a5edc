/* SPDX-License-Identifier: GPL-2.0 */
/* The addresses, routes, SAD and SPD of the namespace, each read at most once */
#ifndef _IPSI_SNAPSHOT_H
#define _IPSI_SNAPSHOT_H

#include "query.h"

/**
 * struct ipsi_table - the rows of one dump, sorted for look-ups
 * @rows: the rows; owned
 * @n: number of rows
 * @room: size of @rows
 * @read: the dump is complete
 */
struct ipsi_table {
	struct ipsi_row *rows;
	size_t n;
	size_t room;
	bool read;
};

/**
 * struct ipsi_snapshot - the tables, empty before the first look-up
 * @addrs: local addresses
 * @states: states by if_id
 * @policies: policies by if_id, or by the endpoints of their templates
 * @routes: routes through devices of ours, by ifindex
 */
struct ipsi_snapshot {
	struct ipsi_table addrs;
	struct ipsi_table states;
	struct ipsi_table policies;
	struct ipsi_table routes;
};

struct ipsi_replies;

int ipsi_u32_cmp(const void *a, const void *b);
int ipsi_snapshot_local(struct ipsi_snapshot *snap,
			const struct ipsi_flow *flow, bool *found);
int ipsi_snapshot_states(struct ipsi_snapshot *snap, uint32_t if_id,
			 void (*handle)(const struct ipsi_state *state,
					void *data), void *data);
int ipsi_snapshot_all_states(struct ipsi_snapshot *snap,
			     void (*handle)(const struct ipsi_state *state,
					    void *data), void *data);
int ipsi_snapshot_routes(struct ipsi_snapshot *snap,
			 const struct ipsi_replies *devs, uint32_t ifindex,
			 void (*handle)(const struct ipsi_route *route,
					void *data), void *data);
int ipsi_snapshot_policies(struct ipsi_snapshot *snap, uint32_t if_id,
			   const struct ipsi_flow *flow,
			   void (*handle)(const struct ipsi_policy *policy,
					  void *data), void *data);
void ipsi_snapshot_free(struct ipsi_snapshot *snap);

#endif /* _IPSI_SNAPSHOT_H */
