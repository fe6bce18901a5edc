// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel does not record which process made an SA. But it lists the sockets
 * that receive its requests for keys, and /proc tells whose they are.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>

#include "daemon.h"
#include "ipsi.h"

struct ipsi_daemon_sockets {
	unsigned long inode[IPSI_DAEMONS];
	size_t n;
};

static void ipsi_daemon_add(struct ipsi_daemon_sockets *sockets,
			    unsigned long inode)
{
	if (inode && sockets->n < IPSI_DAEMONS)
		sockets->inode[sockets->n++] = inode;
}

/* XFRM sockets that are in the group of the requests. Those that also receive each
 * change of an SA are monitors. Returns false if the list cannot be read.
 */
static bool ipsi_daemon_netlink(struct ipsi_daemon_sockets *sockets)
{
	FILE *f = fopen("/proc/net/netlink", "re");
	unsigned int protocol, groups;
	unsigned long inode;
	char line[256];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %u %*u %x %*d %*d %*s %*d %*u %lu",
			   &protocol, &groups, &inode) == 3 &&
		    protocol == NETLINK_XFRM &&
		    groups & 1U << (XFRMNLGRP_ACQUIRE - 1) &&
		    !(groups & 1U << (XFRMNLGRP_SA - 1)))
			ipsi_daemon_add(sockets, inode);
	fclose(f);
	return true;
}

/* PF_KEY has no groups: all sockets receive requests. */
static void ipsi_daemon_pfkey(struct ipsi_daemon_sockets *sockets)
{
	FILE *f = fopen("/proc/net/pfkey", "re");
	unsigned long inode;
	char line[256];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*d %*u %*u %*u %lu", &inode) == 1)
			ipsi_daemon_add(sockets, inode);
	fclose(f);
}

/* Returns true if a process has one of the sockets. */
static bool ipsi_daemon_has(const char *pid,
			    const struct ipsi_daemon_sockets *sockets)
{
	char path[280], link[64];
	struct dirent *entry;
	unsigned long inode;
	bool found = false;
	ssize_t len;
	size_t i;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		len = readlinkat(dirfd(dir), entry->d_name, link,
				 sizeof(link) - 1);
		if (len < 0)
			continue;
		link[len] = '\0';
		if (sscanf(link, "socket:[%lu]", &inode) != 1)
			continue;
		for (i = 0; i < sockets->n; i++)
			found |= sockets->inode[i] == inode;
	}
	closedir(dir);
	return found;
}

static void ipsi_daemon_name(const char *pid, struct ipsi_daemons *daemons)
{
	struct ipsi_daemon *daemon = &daemons->named[daemons->n_named];
	char path[280], *c;
	FILE *f;

	if (daemons->n_named == IPSI_DAEMONS)
		return;
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(daemon->name, sizeof(daemon->name), f))
		*daemon->name = '\0';
	fclose(f);
	daemon->name[strcspn(daemon->name, "\n")] = '\0';
	/* A process chooses its name. */
	for (c = daemon->name; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	daemon->pid = atoi(pid);
	if (*daemon->name)
		daemons->n_named++;
}

/* Names with process ids; "" if they cannot be seen. */
const char *ipsi_daemons_text(const struct ipsi_daemons *daemons,
			      char text[IPSI_DAEMONS_TEXT])
{
	size_t i, len = 0;

	*text = '\0';
	for (i = 0; i < daemons->n_named; i++)
		len += snprintf(text + len, IPSI_DAEMONS_TEXT - len, "%s%s (pid %d)",
				i ? ", " : "", daemons->named[i].name,
				daemons->named[i].pid);
	return text;
}

/**
 * ipsi_daemons_find() - look for daemons in this network namespace
 * @daemons: the answer
 */
void ipsi_daemons_find(struct ipsi_daemons *daemons)
{
	struct ipsi_daemon_sockets sockets = {};
	struct dirent *entry;
	DIR *proc;

	memset(daemons, 0, sizeof(*daemons));
	daemons->unknown = !ipsi_daemon_netlink(&sockets);
	ipsi_daemon_pfkey(&sockets);
	daemons->n = sockets.n;
	proc = sockets.n ? opendir("/proc") : NULL;
	if (!proc)
		return;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name) &&
		    ipsi_daemon_has(entry->d_name, &sockets))
			ipsi_daemon_name(entry->d_name, daemons);
	closedir(proc);
}
