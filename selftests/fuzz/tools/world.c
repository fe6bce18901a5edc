// SPDX-License-Identifier: GPL-2.0
/*
 * The objects of the command call the functions __wrap_* here in place of those of
 * libc, libmnl and libkmod, see the Makefile. So an input sees and changes nothing
 * of this host, and libFuzzer still has its files.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <libmnl/libmnl.h>

#include "ipsi.h"
#include "world.h"

#define WORLD_FILES	256

/* Answers to all requests of an input; each request needs a few */
#define WORLD_ANSWERS	256

struct libkmod;

static struct world_entry {
	char *path;
	int fd;
} world_files[WORLD_FILES];

static size_t world_n_files;

/* Datagrams, each after its length in 16 bits, little endian */
static uint8_t *world_data;
static size_t world_len, world_at;
static unsigned int world_received;
static uint32_t world_seq;

static struct world_entry *world_find(const char *path)
{
	size_t i;

	for (i = 0; i < world_n_files; i++)
		if (!strcmp(world_files[i].path, path))
			return &world_files[i];
	return NULL;
}

static int world_create(const char *path)
{
	struct world_entry *entry;

	if (world_n_files == WORLD_FILES) {
		errno = ENOSPC;
		return -1;
	}
	entry = &world_files[world_n_files++];
	entry->fd = memfd_create("world", MFD_CLOEXEC);
	fchmod(entry->fd, 0600);
	entry->path = strdup(path);
	return entry->fd;
}

static void world_remove(struct world_entry *entry)
{
	close(entry->fd);
	free(entry->path);
	*entry = world_files[--world_n_files];
}

/* A descriptor with a position of its own */
static int world_open(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW));
}

/* Empties the world. */
void world_begin(void)
{
	memset(&ipsi_opts, 0, sizeof(ipsi_opts));
	world_seq = 0;
	world_received = 0;
	world_at = 0;
	world_len = 0;
	rewind(stdout);
	if (ftruncate(fileno(stdout), 0))
		rewind(stdout);
}

void world_end(void)
{
	fflush(stdout);
	while (world_n_files)
		world_remove(&world_files[0]);
	free(world_data);
	world_data = NULL;
	world_len = 0;
}

void world_file(const char *path, const void *data, size_t len)
{
	int fd = world_create(path);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
}

bool world_has(const char *path)
{
	return world_find(path);
}

/* The answers of the kernel, in the form of world_data */
void world_answers(const uint8_t *data, size_t len)
{
	free(world_data);
	world_data = malloc(len ? len : 1);
	memcpy(world_data, data, len);
	world_len = len;
	world_at = 0;
}

/* Adds an answer. */
void world_answer(const void *datagram, size_t len)
{
	world_data = realloc(world_data, world_len + len + 2);
	world_data[world_len] = len;
	world_data[world_len + 1] = len >> 8;
	memcpy(world_data + world_len + 2, datagram, len);
	world_len += len + 2;
}

int __wrap_open(const char *path, int flags, ...)
{
	struct world_entry *entry = world_find(path);
	int fd;

	if (entry && (flags & O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (!entry && !(flags & O_CREAT)) {
		errno = ENOENT;
		return -1;
	}
	fd = entry ? entry->fd : world_create(path);
	return fd < 0 ? -1 : world_open(fd, flags);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	int fd = __wrap_open(path, *mode == 'r' ? O_RDONLY :
						  O_WRONLY | O_CREAT);

	return fd < 0 ? NULL : fdopen(fd, mode);
}

int __wrap_stat(const char *path, struct stat *st)
{
	struct world_entry *entry = world_find(path);

	if (entry)
		return fstat(entry->fd, st);
	errno = ENOENT;
	return -1;
}

int __wrap_unlink(const char *path)
{
	struct world_entry *entry = world_find(path);

	if (entry)
		world_remove(entry);
	return entry ? 0 : -1;
}

int __wrap_rename(const char *from, const char *to)
{
	struct world_entry *entry;

	__wrap_unlink(to);
	entry = world_find(from);
	if (!entry)
		return -1;
	free(entry->path);
	entry->path = strdup(to);
	return 0;
}

int __wrap_access(const char *path, int mode)
{
	(void)mode;
	return world_find(path) ? 0 : -1;
}

int __wrap_symlink(const char *target, const char *path)
{
	(void)target;
	(void)path;
	errno = EACCES;
	return -1;
}

DIR *__wrap_opendir(const char *path)
{
	(void)path;
	errno = ENOENT;
	return NULL;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	(void)path;
	(void)mode;
	return 0;
}

char *__wrap_realpath(const char *path, char *resolved)
{
	snprintf(resolved, PATH_MAX, "%s", path);
	return resolved;
}

pid_t __wrap_fork(void)
{
	errno = EAGAIN;
	return -1;
}

int __wrap_posix_spawnp(pid_t *pid, const char *file,
			const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[],
			char *const envp[])
{
	(void)pid;
	(void)file;
	(void)actions;
	(void)attr;
	(void)argv;
	(void)envp;
	errno = ENOENT;
	return errno;
}

int __wrap_socket(int domain, int type, int protocol)
{
	(void)domain;
	(void)type;
	(void)protocol;
	errno = EPERM;
	return -1;
}

int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest)
{
	(void)pause;
	(void)rest;
	return 0;
}

int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **info)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)info;
	return EAI_NONAME;
}

/* The device has an address and a peer's address. */
int __wrap_getifaddrs(struct ifaddrs **list)
{
	static struct sockaddr_in mine = { .sin_family = AF_INET };
	static struct sockaddr_in theirs = { .sin_family = AF_INET };
	static struct ifaddrs one = {
		.ifa_name = (char *)"ipsec0",
		.ifa_flags = IFF_POINTOPOINT,
		.ifa_addr = (struct sockaddr *)&mine,
	};

	mine.sin_addr.s_addr = htonl(0xc0a80101);
	theirs.sin_addr.s_addr = htonl(0xc0a80201);
	one.ifa_dstaddr = (struct sockaddr *)&theirs;
	*list = &one;
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
	(void)list;
}

unsigned int __wrap_if_nametoindex(const char *name)
{
	if (!strncmp(name, "eth", 3) || !strcmp(name, "ipsec0"))
		return 2;
	errno = ENODEV;
	return 0;
}

char *__wrap_if_indextoname(unsigned int index, char *name)
{
	if (index != 2)
		return NULL;
	snprintf(name, IF_NAMESIZE, "eth0");
	return name;
}

struct if_nameindex *__wrap_if_nameindex(void)
{
	return NULL;
}

struct libkmod *__wrap_kmod_new(const char *dir, const char * const *paths)
{
	(void)dir;
	(void)paths;
	return NULL;
}

struct mnl_socket *__wrap_mnl_socket_open2(int bus, int flags)
{
	static char sock;

	(void)bus;
	(void)flags;
	return (struct mnl_socket *)&sock;
}

int __wrap_mnl_socket_bind(struct mnl_socket *nl, unsigned int groups,
			   pid_t pid)
{
	(void)nl;
	(void)groups;
	(void)pid;
	return 0;
}

int __wrap_mnl_socket_close(struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

int __wrap_mnl_socket_setsockopt(const struct mnl_socket *nl, int type,
				 void *buf, socklen_t len)
{
	(void)nl;
	(void)type;
	(void)buf;
	(void)len;
	return 0;
}

unsigned int __wrap_mnl_socket_get_portid(const struct mnl_socket *nl)
{
	(void)nl;
	return 0;
}

/* Sanitizers check that the request is initialized and has its length. */
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *buf,
				 size_t len)
{
	void *copy = malloc(len);

	(void)nl;
	memcpy(copy, buf, len);
	world_seq = ((struct nlmsghdr *)copy)->nlmsg_seq;
	free(copy);
	return len;
}

/* The end of a dump, when all prepared answers were received */
static ssize_t world_done(void *buf)
{
	const int error = 0;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = NLMSG_DONE;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(error)), &error,
	       sizeof(error));
	return nlh->nlmsg_len;
}

/* A program looks only at answers to its last request. Returns the length of the
 * whole messages: the kernel sends no others, and libmnl takes lengths from 2 GiB
 * on for negative ones.
 */
static size_t world_number(void *buf, size_t len)
{
	struct nlmsghdr *nlh;
	size_t at = 0;

	while (len - at >= sizeof(*nlh)) {
		nlh = (struct nlmsghdr *)((char *)buf + at);
		if (nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > len - at)
			break;
		nlh->nlmsg_seq = world_seq;
		nlh->nlmsg_pid = 0;
		at += MNL_ALIGN(nlh->nlmsg_len);
		if (at >= len)
			return len;
	}
	return at;
}

int __wrap_mnl_socket_get_fd(const struct mnl_socket *nl)
{
	(void)nl;
	return -1;
}

/* The sender is the kernel, by the zeros that the caller has put there. */
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
	const size_t size = msg->msg_iov->iov_len;
	void *buf = msg->msg_iov->iov_base;
	size_t len;

	(void)fd;
	(void)flags;
	if (world_received++ == WORLD_ANSWERS) {
		errno = EBADF;
		return -1;
	}
	if (world_len - world_at < 2) {
		len = world_done(buf);
	} else {
		len = world_data[world_at] | world_data[world_at + 1] << 8;
		world_at += 2;
		if (len > world_len - world_at)
			len = world_len - world_at;
		if (len > size)
			len = size;
		memcpy(buf, world_data + world_at, len);
		world_at += len;
	}
	return world_number(buf, len);
}

/* Messages of the command go nowhere, those of the sanitizers to descriptor 2. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fdopen(open("/dev/null", O_WRONLY | O_CLOEXEC), "w");
	stdout = fdopen(memfd_create("output", MFD_CLOEXEC), "w+");
	if (getenv("WORLD_VERBOSE"))
		stderr = fdopen(dup(2), "w");
	return stderr && stdout ? 0 : 1;
}
