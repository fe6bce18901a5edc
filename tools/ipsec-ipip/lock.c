// SPDX-License-Identifier: GPL-2.0
/*
 * One command at a time changes a link: a timer follows names of peers, and may start
 * at the moment of a reload. Links share one file, in which each of a namespace locks
 * a byte of its own, so that no files are left behind.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "conf.h"
#include "ipsi.h"

/* Names of the links that a parent of this process has locked: hooks of "up" may run
 * commands for its link.
 */
#define IPSI_LOCKED	"IPSEC_IPIP_LOCKED"

#define IPSI_LOCK_PAUSE_MS	100

static bool ipsi_lock_is_inherited(const char *dev)
{
	const char *at = getenv(IPSI_LOCKED);
	const size_t len = strlen(dev);

	for (; at && *at; at += strcspn(at, " "), at += strspn(at, " "))
		if (strcspn(at, " ") == len && !strncmp(at, dev, len))
			return true;
	return false;
}

static void ipsi_lock_bequeath(const char *dev)
{
	const char *others = getenv(IPSI_LOCKED);
	char *names;

	if (asprintf(&names, "%s %s", dev, others ? others : "") < 0)
		return;
	setenv(IPSI_LOCKED, names, 1);
	free(names);
}

/* Removes the first name, which is that of the last lock. */
static void ipsi_lock_disinherit(void)
{
	const char *at = getenv(IPSI_LOCKED);
	char *others;

	if (!at)
		return;
	at += strcspn(at, " ");
	others = strdup(at + strspn(at, " "));
	if (others)
		setenv(IPSI_LOCKED, others, 1);
	free(others);
}

/* A number from the link and its namespace. Two links with the same one wait for
 * each other, which does no harm.
 */
static off_t ipsi_lock_offset(const char *dev)
{
	uint64_t hash = 0xcbf29ce484222325;	/* FNV-1a */
	struct stat st = {};
	char text[64], *c;

	stat("/proc/self/ns/net", &st);
	snprintf(text, sizeof(text), "%ju %s", (uintmax_t)st.st_ino, dev);
	for (c = text; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	return hash >> 1;
}

static bool ipsi_lock_wait(int fd, const char *dev, int seconds)
{
	const struct timespec pause = { .tv_nsec = IPSI_LOCK_PAUSE_MS *
						   1000000L };
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
			       .l_start = ipsi_lock_offset(dev), .l_len = 1 };
	int i;

	for (i = 0; fcntl(fd, F_OFD_SETLK, &range); i++) {
		if (errno != EAGAIN && errno != EACCES)
			return false;
		if (!i)
			ipsi_warn("another command is changing %s; waiting",
				  dev);
		if (seconds && i >= seconds * 1000 / IPSI_LOCK_PAUSE_MS)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* A parent that runs no longer has no lock: a hook may have started a daemon, which
 * keeps the variable.
 */
static bool ipsi_lock_take(int fd, const char *dev, int seconds)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
			       .l_start = ipsi_lock_offset(dev), .l_len = 1 };

	if (ipsi_lock_is_inherited(dev))
		return !fcntl(fd, F_OFD_SETLK, &range);
	return ipsi_lock_wait(fd, dev, seconds);
}

/**
 * ipsi_lock() - wait until no other command changes a link
 * @dev: name of the link
 * @seconds: time to wait at most, 0 for no limit
 *
 * Without permission for /run, as in a user namespace, there is no lock.
 *
 * Return: a descriptor for ipsi_unlock(), or -1 without a lock.
 */
int ipsi_lock(const char *dev, int seconds)
{
	int fd;

	mkdir(IPSI_RUN_DIR, 0755);
	fd = open(IPSI_RUN_DIR "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (!ipsi_lock_take(fd, dev, seconds)) {
		close(fd);
		return -1;
	}
	ipsi_lock_bequeath(dev);
	return fd;
}

/**
 * ipsi_unlock() - let others change the link
 * @lock: the result of ipsi_lock()
 */
void ipsi_unlock(int lock)
{
	if (lock < 0)
		return;
	close(lock);
	ipsi_lock_disinherit();
}

/* The number of this namespace, which no later one gets; inodes come again. */
static uint64_t ipsi_lock_netns(void)
{
	const int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (sock < 0)
		return 0;
	if (getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len))
		cookie = 0;
	close(sock);
	return cookie;
}

static const char *ipsi_making_path(const char *dev, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, IPSI_RUN_DIR "/%s.%llu.making", dev,
		 (unsigned long long)ipsi_lock_netns());
	return path;
}

/**
 * ipsi_making() - note that "up" is making a link, in case that it is killed
 * @dev: name of the link
 * @ifindex: its index
 *
 * The lock is held.
 */
void ipsi_making(const char *dev, uint32_t ifindex)
{
	char path[PATH_MAX];
	int fd;

	fd = open(ipsi_making_path(dev, path),
		  O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	dprintf(fd, "%u\n", ifindex);
	close(fd);
}

/* Forgets the note: the link is whole, or gone. */
void ipsi_made(const char *dev)
{
	char path[PATH_MAX];

	unlink(ipsi_making_path(dev, path));
}

/**
 * ipsi_half_made() - look for the note
 * @dev: name of the link
 * @ifindex: its index
 *
 * Return: true if "up" is making this link, or was killed while it did.
 */
bool ipsi_half_made(const char *dev, uint32_t ifindex)
{
	char path[PATH_MAX];
	uint32_t noted = 0;
	bool found;
	FILE *f;

	f = fopen(ipsi_making_path(dev, path), "re");
	if (!f)
		return false;
	found = fscanf(f, "%u", &noted) == 1 && noted == ifindex;
	fclose(f);
	return found;
}
