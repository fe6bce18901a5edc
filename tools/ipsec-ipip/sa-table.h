/* SPDX-License-Identifier: GPL-2.0 */
/* The SAs of all devices from one dump, by device */
#ifndef _IPSI_SA_TABLE_H
#define _IPSI_SA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nl.h"

struct ipsi_attrs;

/**
 * struct ipsi_sa_table - the SAs
 * @replies: their messages
 * @rows: sorted by device, the newest first as in the dump
 * @n: number of rows
 * @withheld: the caller may not see them
 */
struct ipsi_sa_table {
	struct ipsi_replies replies;
	struct ipsi_sa_row {
		uint32_t ifindex;
		size_t order;
	} *rows;
	size_t n;
	bool withheld;
};

int ipsi_sa_table_read(struct ipsi_sa_table *table, const char *dev);
bool ipsi_sa_table_next(const struct ipsi_sa_table *table, uint32_t ifindex,
			size_t *i, struct ipsi_attrs *sa);
void ipsi_sa_table_free(struct ipsi_sa_table *table);

#endif /* _IPSI_SA_TABLE_H */
