/* SPDX-License-Identifier: GPL-2.0 */
/* Key management daemons of this network namespace */
#ifndef _IPSI_DAEMON_H
#define _IPSI_DAEMON_H

#include <stdbool.h>
#include <stddef.h>

/* Sockets that are looked for, and so processes that can be named */
#define IPSI_DAEMONS	8

/* Room for ", NAME (pid NUMBER)" of each */
#define IPSI_DAEMONS_TEXT	(IPSI_DAEMONS * 36)

/**
 * struct ipsi_daemon - a process
 * @name: its name, without control characters
 * @pid: its id
 */
struct ipsi_daemon {
	char name[16];
	int pid;
};

/**
 * struct ipsi_daemons - the daemons that listen for the kernel's requests for keys
 * @unknown: the kernel's lists of sockets cannot be read
 * @n: number of their sockets
 * @n_named: number of processes in @named; 0 if they cannot be seen
 * @named: the processes that have these sockets
 */
struct ipsi_daemons {
	bool unknown;
	size_t n;
	size_t n_named;
	struct ipsi_daemon named[IPSI_DAEMONS];
};

const char *ipsi_daemons_text(const struct ipsi_daemons *daemons,
			      char text[IPSI_DAEMONS_TEXT]);
void ipsi_daemons_find(struct ipsi_daemons *daemons);

#endif /* _IPSI_DAEMON_H */
