// SPDX-License-Identifier: GPL-2.0
/*
 * One dump of SAs serves all devices: a dump for each would take a hub with
 * thousands of links minutes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "attrs.h"
#include "ipsi.h"
#include "sa-table.h"

static int ipsi_sa_row_cmp(const void *a, const void *b)
{
	const struct ipsi_sa_row *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int ipsi_sa_table_dump(struct ipsi_sa_table *table, const char *dev)
{
	struct ipsi_nl nl = {};
	int ret;

	ret = ipsi_nl_open(&nl);
	nl.fine = EPERM;
	if (!ret)
		ret = ipsi_nl_get_sas(&nl, dev, false, &table->replies);
	table->withheld = nl.error == EPERM;
	ipsi_nl_close(&nl);
	return ret;
}

/**
 * ipsi_sa_table_read() - read the SAs
 * @table: the table, which the caller frees
 * @dev: the device, or NULL for all
 *
 * A caller without permission gets an empty table.
 *
 * Return: exit code.
 */
int ipsi_sa_table_read(struct ipsi_sa_table *table, const char *dev)
{
	struct ipsi_attrs sa;
	size_t i;
	int ret;

	memset(table, 0, sizeof(*table));
	ret = ipsi_sa_table_dump(table, dev);
	if (ret || table->withheld)
		return ret;
	table->rows = calloc(table->replies.n + 1, sizeof(*table->rows));
	if (!table->rows)
		return ipsi_fail("%s", strerror(errno));
	table->n = table->replies.n;
	for (i = 0; i < table->n; i++) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, table->replies.msg[i]);
		table->rows[i].ifindex = ipsi_attr_u64(&sa,
						       IPSEC_IPIP_A_SA_IFINDEX);
		table->rows[i].order = i;
	}
	qsort(table->rows, table->n, sizeof(*table->rows), ipsi_sa_row_cmp);
	return IPSI_OK;
}

/* Returns the index of the first row of a device, or of the next one. */
static size_t ipsi_sa_table_first(const struct ipsi_sa_table *table,
				  uint32_t ifindex)
{
	size_t low = 0, high = table->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (table->rows[mid].ifindex < ifindex)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/**
 * ipsi_sa_table_next() - get the next SA of a device
 * @table: the table
 * @ifindex: the device
 * @i: number of SAs of the device so far; advanced
 * @sa: the SA
 *
 * Return: true, or false after the last one.
 */
bool ipsi_sa_table_next(const struct ipsi_sa_table *table, uint32_t ifindex,
			size_t *i, struct ipsi_attrs *sa)
{
	const size_t row = ipsi_sa_table_first(table, ifindex) + *i;

	if (row >= table->n || table->rows[row].ifindex != ifindex)
		return false;
	ipsi_attrs_parse(sa, &ipsi_sa_set,
			 table->replies.msg[table->rows[row].order]);
	(*i)++;
	return true;
}

/**
 * ipsi_sa_table_free() - free a table
 * @table: the table, empty afterwards
 */
void ipsi_sa_table_free(struct ipsi_sa_table *table)
{
	ipsi_replies_free(&table->replies);
	free(table->rows);
	memset(table, 0, sizeof(*table));
}
