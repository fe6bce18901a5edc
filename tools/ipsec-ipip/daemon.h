/* SPDX-License-Identifier: GPL-2.0 */
/* Key management daemons of this network namespace */
#ifndef _IPSI_DAEMON_H
#define _IPSI_DAEMON_H

#include <stddef.h>

/**
 * struct ipsi_daemons - the daemons that listen for the kernel's requests for keys
 * @n: their number
 * @names: names with process ids, "" if they cannot be seen
 */
struct ipsi_daemons {
	size_t n;
	char names[128];
};

void ipsi_daemons_find(struct ipsi_daemons *daemons);

#endif /* _IPSI_DAEMON_H */
