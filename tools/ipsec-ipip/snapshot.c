// SPDX-License-Identifier: GPL-2.0
/*
 * One dump serves the check of all devices. A dump for each device would take a
 * hub with thousands of links minutes: it has as many addresses, SAs and
 * policies as devices.
 *
 * Keys of SAs are not kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "attrs.h"
#include "nl.h"
#include "snapshot.h"

/* Rows are found by this. It has no padding, and bytes that do not count are 0. */
struct ipsi_row_key {
	uint32_t if_id;
	uint32_t family;
	uint8_t first[sizeof(struct in6_addr)];
	uint8_t second[sizeof(struct in6_addr)];
};

/**
 * struct ipsi_row - a row of a table
 * @key: its key
 * @order: its position in the dump
 * @item: owned
 */
struct ipsi_row {
	struct ipsi_row_key key;
	size_t order;
	void *item;
};

struct ipsi_saved_state {
	struct xfrm_usersa_info info;
	struct ipsi_state state;
};

struct ipsi_saved_policy {
	struct xfrm_userpolicy_info info;
	struct ipsi_policy policy;
	struct xfrm_user_tmpl tmpl[];
};

/* Adds a row, which owns @item. Returns false, with @item freed, without memory. */
static bool ipsi_table_add(struct ipsi_table *table, const struct ipsi_row_key *key,
			   void *item)
{
	struct ipsi_row *rows = table->rows;

	if (table->n == table->room) {
		table->room = table->room ? 2 * table->room : 64;
		rows = reallocarray(rows, table->room, sizeof(*rows));
		if (!rows) {
			free(item);
			return false;
		}
		table->rows = rows;
	}
	rows[table->n].key = *key;
	rows[table->n].order = table->n;
	rows[table->n++].item = item;
	return true;
}

static int ipsi_row_cmp(const void *a, const void *b)
{
	const struct ipsi_row *x = a, *y = b;
	const int diff = memcmp(&x->key, &y->key, sizeof(x->key));

	return diff ? diff : (x->order > y->order) - (x->order < y->order);
}

/* Returns the index of the first row with a key, or of the next one. */
static size_t ipsi_table_find(const struct ipsi_table *table,
			      const struct ipsi_row_key *key)
{
	size_t low = 0, high = table->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (memcmp(&table->rows[mid].key, key, sizeof(*key)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Returns the item of a row, or NULL if the row has another key. */
static const void *ipsi_table_item(const struct ipsi_table *table, size_t i,
				   const struct ipsi_row_key *key)
{
	if (i == table->n || memcmp(&table->rows[i].key, key, sizeof(*key)))
		return NULL;
	return table->rows[i].item;
}

static void ipsi_table_free(struct ipsi_table *table)
{
	size_t i;

	for (i = 0; i < table->n; i++)
		free(table->rows[i].item);
	free(table->rows);
	memset(table, 0, sizeof(*table));
}

/* A table that is being read, and the first error. */
struct ipsi_reading {
	struct ipsi_table *table;
	int err;
};

static int ipsi_reading_end(struct ipsi_reading *reading, int err)
{
	struct ipsi_table *table = reading->table;

	if (!err)
		err = reading->err;
	if (err) {
		ipsi_table_free(table);
		return err;
	}
	if (table->n)
		qsort(table->rows, table->n, sizeof(*table->rows),
		      ipsi_row_cmp);
	table->read = true;
	return 0;
}

static void ipsi_reading_add(struct ipsi_reading *reading,
			     const struct ipsi_row_key *key, void *item)
{
	if (!item || !ipsi_table_add(reading->table, key, item))
		reading->err = ENOMEM;
}

static void ipsi_key_addr(struct ipsi_row_key *key, int family, const void *addr)
{
	memset(key, 0, sizeof(*key));
	key->family = family;
	memcpy(key->first, addr, family == AF_INET ? sizeof(struct in_addr) :
						     sizeof(struct in6_addr));
}

static void ipsi_save_addr(int family, const void *addr, void *data)
{
	struct ipsi_row_key key;

	ipsi_key_addr(&key, family, addr);
	ipsi_reading_add(data, &key, calloc(1, 1));
}

/**
 * ipsi_snapshot_local() - check whether this namespace has the local address
 * @snap: the snapshot
 * @flow: the addresses
 * @found: the answer
 *
 * Return: 0 or an errno.
 */
int ipsi_snapshot_local(struct ipsi_snapshot *snap,
			const struct ipsi_flow *flow, bool *found)
{
	struct ipsi_reading reading = { .table = &snap->addrs };
	struct ipsi_row_key key;
	int err = 0;

	*found = false;
	if (!snap->addrs.read)
		err = ipsi_reading_end(&reading,
				       ipsi_query_addrs(ipsi_save_addr,
							&reading));
	if (err)
		return err;
	ipsi_key_addr(&key, flow->family, flow->local);
	*found = ipsi_table_item(&snap->addrs,
				 ipsi_table_find(&snap->addrs, &key), &key);
	return 0;
}

static void ipsi_save_state(const struct ipsi_state *state, void *data)
{
	struct ipsi_saved_state *item = malloc(sizeof(*item));
	const struct ipsi_row_key key = { .if_id = state->if_id };

	if (item) {
		item->info = *state->info;
		item->state = *state;
		item->state.info = &item->info;
	}
	ipsi_reading_add(data, &key, item);
}

static int ipsi_snapshot_read_states(struct ipsi_snapshot *snap)
{
	struct ipsi_reading reading = { .table = &snap->states };

	if (snap->states.read)
		return 0;
	return ipsi_reading_end(&reading, ipsi_query_states(ipsi_save_state,
							    &reading));
}

/**
 * ipsi_snapshot_all_states() - get the states
 * @snap: the snapshot
 * @handle: called for each state
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_snapshot_all_states(struct ipsi_snapshot *snap,
			     void (*handle)(const struct ipsi_state *state,
					    void *data), void *data)
{
	const struct ipsi_saved_state *item;
	int err;
	size_t i;

	err = ipsi_snapshot_read_states(snap);
	for (i = 0; !err && i < snap->states.n; i++) {
		item = snap->states.rows[i].item;
		handle(&item->state, data);
	}
	return err;
}

/**
 * ipsi_snapshot_states() - get the states with an if_id
 * @snap: the snapshot
 * @if_id: the if_id
 * @handle: called for each state
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_snapshot_states(struct ipsi_snapshot *snap, uint32_t if_id,
			 void (*handle)(const struct ipsi_state *state,
					void *data), void *data)
{
	const struct ipsi_row_key key = { .if_id = if_id };
	const struct ipsi_saved_state *item;
	int err;
	size_t i;

	err = ipsi_snapshot_read_states(snap);
	if (err)
		return err;
	for (i = ipsi_table_find(&snap->states, &key);
	     (item = ipsi_table_item(&snap->states, i, &key)); i++)
		handle(&item->state, data);
	return 0;
}

/* The key of a policy without if_id, the same for both directions. */
static void ipsi_key_ends(struct ipsi_row_key *key, int family, const void *a,
			  const void *b)
{
	const size_t len = family == AF_INET ? sizeof(struct in_addr) :
					       sizeof(struct in6_addr);
	const bool swap = memcmp(a, b, len) > 0;

	memset(key, 0, sizeof(*key));
	key->family = family;
	memcpy(key->first, swap ? b : a, len);
	memcpy(key->second, swap ? a : b, len);
}

static void ipsi_key_tmpl(struct ipsi_row_key *key,
			  const struct xfrm_user_tmpl *tmpl)
{
	ipsi_key_ends(key, tmpl->family, &tmpl->saddr, &tmpl->id.daddr);
}

static void ipsi_save_policy_as(const struct ipsi_policy *policy,
				const struct ipsi_row_key *key,
				struct ipsi_reading *reading)
{
	const size_t len = policy->n * sizeof(*policy->tmpl);
	struct ipsi_saved_policy *item = malloc(sizeof(*item) + len);

	if (item) {
		item->info = *policy->info;
		item->policy = *policy;
		item->policy.info = &item->info;
		item->policy.tmpl = item->tmpl;
		if (len)
			memcpy(item->tmpl, policy->tmpl, len);
	}
	ipsi_reading_add(reading, key, item);
}

/* A policy without if_id has a row for each pair of endpoints. */
static void ipsi_save_policy(const struct ipsi_policy *policy, void *data)
{
	struct ipsi_row_key key = { .if_id = policy->if_id }, earlier;
	size_t i, j;

	if (policy->if_id) {
		ipsi_save_policy_as(policy, &key, data);
		return;
	}
	for (i = 0; i < policy->n; i++) {
		ipsi_key_tmpl(&key, &policy->tmpl[i]);
		for (j = 0; j < i; j++) {
			ipsi_key_tmpl(&earlier, &policy->tmpl[j]);
			if (!memcmp(&key, &earlier, sizeof(key)))
				break;
		}
		if (j == i)
			ipsi_save_policy_as(policy, &key, data);
	}
}

static void ipsi_snapshot_policies_of(const struct ipsi_table *table,
				      const struct ipsi_row_key *key,
				      void (*handle)(const struct ipsi_policy *,
						     void *data), void *data)
{
	const struct ipsi_saved_policy *item;
	size_t i;

	for (i = ipsi_table_find(table, key);
	     (item = ipsi_table_item(table, i, key)); i++)
		handle(&item->policy, data);
}

/**
 * ipsi_snapshot_policies() - get the policies that may concern a device
 * @snap: the snapshot
 * @if_id: its if_id
 * @flow: its endpoints
 * @handle: called for each policy with the if_id, and for those without if_id
 *   that have a template between the endpoints, or one without endpoints
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_snapshot_policies(struct ipsi_snapshot *snap, uint32_t if_id,
			   const struct ipsi_flow *flow,
			   void (*handle)(const struct ipsi_policy *policy,
					  void *data), void *data)
{
	static const uint8_t any[sizeof(struct in6_addr)];
	struct ipsi_reading reading = { .table = &snap->policies };
	struct ipsi_row_key key = { .if_id = if_id };
	int err = 0;

	if (!snap->policies.read)
		err = ipsi_reading_end(&reading,
				       ipsi_query_policies(ipsi_save_policy,
							   &reading));
	if (err)
		return err;
	ipsi_snapshot_policies_of(&snap->policies, &key, handle, data);
	ipsi_key_ends(&key, flow->family, flow->local, flow->remote);
	ipsi_snapshot_policies_of(&snap->policies, &key, handle, data);
	ipsi_key_ends(&key, AF_INET, any, any);
	ipsi_snapshot_policies_of(&snap->policies, &key, handle, data);
	ipsi_key_ends(&key, AF_INET6, any, any);
	ipsi_snapshot_policies_of(&snap->policies, &key, handle, data);
	return 0;
}

/* A reading of the routes through devices of ours; a router may have a million
 * others.
 */
struct ipsi_reading_routes {
	struct ipsi_reading reading;
	uint32_t *devs;
	size_t n;
};

/* Compares numbers for qsort() and bsearch(). */
int ipsi_u32_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void ipsi_save_route(const struct ipsi_route *route, void *data)
{
	const struct ipsi_row_key key = { .if_id = route->oif };
	struct ipsi_reading_routes *routes = data;
	struct ipsi_route *item;

	if (!route->oif || !bsearch(&route->oif, routes->devs, routes->n,
				    sizeof(*routes->devs), ipsi_u32_cmp))
		return;
	item = malloc(sizeof(*item));
	if (item)
		*item = *route;
	ipsi_reading_add(&routes->reading, &key, item);
}

static int ipsi_snapshot_read_routes(struct ipsi_snapshot *snap,
				     const struct ipsi_replies *devs)
{
	struct ipsi_reading_routes routes = { .reading.table = &snap->routes };
	struct ipsi_attrs dev;
	size_t i;
	int err;

	if (snap->routes.read)
		return 0;
	routes.devs = calloc(devs->n + 1, sizeof(*routes.devs));
	if (!routes.devs)
		return errno;
	for (i = 0; i < devs->n; i++) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, devs->msg[i]);
		routes.devs[i] = ipsi_attr_u64(&dev, IPSEC_IPIP_A_DEV_IFINDEX);
	}
	routes.n = devs->n;
	qsort(routes.devs, routes.n, sizeof(*routes.devs), ipsi_u32_cmp);
	err = ipsi_reading_end(&routes.reading,
			       ipsi_query_routes(ipsi_save_route, &routes));
	free(routes.devs);
	return err;
}

/**
 * ipsi_snapshot_routes() - get the routes through a device
 * @snap: the snapshot
 * @devs: all devices for which this will be called
 * @ifindex: the device
 * @handle: called for each route
 * @data: for @handle
 *
 * Return: 0 or an errno.
 */
int ipsi_snapshot_routes(struct ipsi_snapshot *snap,
			 const struct ipsi_replies *devs, uint32_t ifindex,
			 void (*handle)(const struct ipsi_route *route,
					void *data), void *data)
{
	const struct ipsi_row_key key = { .if_id = ifindex };
	const struct ipsi_route *route;
	size_t i;
	int err;

	err = ipsi_snapshot_read_routes(snap, devs);
	if (err)
		return err;
	for (i = ipsi_table_find(&snap->routes, &key);
	     (route = ipsi_table_item(&snap->routes, i, &key)); i++)
		handle(route, data);
	return 0;
}

/**
 * ipsi_snapshot_free() - free a snapshot
 * @snap: the snapshot, empty afterwards
 */
void ipsi_snapshot_free(struct ipsi_snapshot *snap)
{
	ipsi_table_free(&snap->addrs);
	ipsi_table_free(&snap->states);
	ipsi_table_free(&snap->policies);
	ipsi_table_free(&snap->routes);
}
