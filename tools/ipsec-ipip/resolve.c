// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip resolve: follow a peer whose name got another address. A timer runs it.
 *
 * The link moves only if its endpoint is no longer an address of the name, and if
 * nothing arrives for a while: a peer that still sends has not moved, whatever its
 * name says. The timer moves a link at its second run in a row that finds this: of
 * several addresses, a reply may lack the right one.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "ipsi.h"
#include "query.h"

#define IPSI_RESOLVE_SILENCE	10	/* seconds */

/**
 * struct ipsi_resolve_link - a link whose name got another address
 * @arg: its name, or the path of its file
 * @dev: its name
 * @name: the name that got the address
 * @ifindex: its index
 * @received: bytes that it has received
 * @active: it has received more since
 */
struct ipsi_resolve_link {
	char *arg;
	char dev[IF_NAMESIZE];
	char *name;
	uint32_t ifindex;
	uint64_t received;
	bool active;
};

/**
 * struct ipsi_resolve - a run of the command
 * @links: links that may move
 * @n: their number
 * @timer: it is for all files
 */
struct ipsi_resolve {
	struct ipsi_resolve_link *links;
	size_t n;
	bool timer;
};

/* Compares the counters with those before; the first time, notes them. Returns an
 * exit code.
 */
static int ipsi_resolve_counters(struct ipsi_resolve *run, bool first)
{
	const struct ipsi_link_stats *link;
	struct ipsi_link_stats *links;
	struct ipsi_resolve_link *i;
	size_t n;
	int err;

	err = ipsi_query_link_stats(&links, &n);
	for (i = run->links; !err && i < run->links + run->n; i++) {
		link = ipsi_link_stats_find(links, n, i->ifindex);
		if (link && first)
			i->received = link->rx_bytes;
		else
			i->active |= !link || link->rx_bytes != i->received;
	}
	free(links);
	return err ? ipsi_fail("links: %s", strerror(err)) : IPSI_OK;
}

/* All links are watched at the same time. */
static int ipsi_resolve_listen(struct ipsi_resolve *run)
{
	int ret, i;

	ret = ipsi_resolve_counters(run, true);
	for (i = 0; i < IPSI_RESOLVE_SILENCE && !ret; i++) {
		sleep(1);
		ret = ipsi_resolve_counters(run, false);
	}
	return ret;
}

static const char *ipsi_resolve_mark(const char *dev, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, IPSI_RUN_DIR "/%s.moved", dev);
	return path;
}

static void ipsi_resolve_unmark(const char *dev)
{
	char path[PATH_MAX];

	unlink(ipsi_resolve_mark(dev, path));
}

/* Marks a silent link that should move; sets @again if it is marked already. */
static int ipsi_resolve_again(const char *dev, bool *again)
{
	char path[PATH_MAX];
	int fd;

	mkdir(IPSI_RUN_DIR, 0755);
	fd = open(ipsi_resolve_mark(dev, path),
		  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	*again = fd < 0 && errno == EEXIST;
	if (fd < 0 && !*again)
		return ipsi_fail("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return IPSI_OK;
}

static int ipsi_resolve_move(const struct ipsi_resolve *run,
			     struct ipsi_resolve_link *link)
{
	bool moves = !link->active;
	int ret = IPSI_OK;

	if (moves && run->timer)
		ret = ipsi_resolve_again(link->dev, &moves);
	else
		ipsi_resolve_unmark(link->dev);
	if (ret || !moves)
		return ret;
	printf("%s: %s has another address\n", link->dev, link->name);
	ipsi_resolve_unmark(link->dev);
	return ipsi_syncconf(1, &link->arg);
}

static const void *ipsi_resolve_data(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET)
		return &((const struct sockaddr_in *)addr)->sin_addr;
	return &((const struct sockaddr_in6 *)addr)->sin6_addr;
}

/* Sets @moved to @name if the endpoint @now is not an address of it; returns an exit
 * code.
 */
static int ipsi_resolve_name(const char *dev, const char *key, const char *name,
			     const struct ipsi_addr *now, const char **moved)
{
	const struct addrinfo hints = { .ai_family = now->family,
					.ai_socktype = SOCK_DGRAM };
	struct addrinfo *list, *i;
	bool found = false;
	int err;

	err = getaddrinfo(name, NULL, &hints, &list);
	if (err)
		return ipsi_fail("%s: %s: \"%s\": %s", dev, key, name,
				 gai_strerror(err));
	for (i = list; i; i = i->ai_next)
		found |= !memcmp(ipsi_resolve_data(i->ai_addr), now->data,
				 now->len);
	freeaddrinfo(list);
	if (!found)
		*moved = name;
	return IPSI_OK;
}

/* Returns the name of an endpoint, or NULL if the file has an address. */
static const char *ipsi_resolve_get(const struct ipsi_conf *file,
				    const char *key)
{
	const char *value = ipsi_conf_text(file, key);
	struct ipsi_addr addr;

	if (!value || !strcmp(value, "any") || ipsi_addr_parse(value, &addr))
		return NULL;
	return value;
}

/* Looks the names of the file up; returns an exit code. */
static int ipsi_resolve_names(const struct ipsi_conf *file,
			      const char *const names[2], const char **moved)
{
	static const char *const keys[] = { "Local", "Remote" };
	static const int options[] = { IPSI_CONF_LOCAL, IPSI_CONF_REMOTE };
	struct ipsi_conf now = {};
	struct ipsi_nl family = {};
	int i, ret;

	ret = ipsi_nl_open(&family);
	if (!ret)
		ret = ipsi_conf_options_from_kernel(&now, file->dev, &family);
	/* A link that roams follows its peer by itself. */
	for (i = 0; i < 2 && !ret; i++)
		if (names[i] && !now.option[IPSI_CONF_ROAM].number)
			ret = ipsi_resolve_name(file->dev, keys[i], names[i],
						&now.option[options[i]].addr,
						moved);
	ipsi_nl_close(&family);
	ipsi_conf_free(&now);
	return ret;
}

static void ipsi_resolve_add(struct ipsi_resolve *run,
			     const struct ipsi_conf *file, const char *arg,
			     const char *name, uint32_t ifindex)
{
	struct ipsi_resolve_link *link;

	run->links = ipsi_conf_grow(run->links, run->n, sizeof(*run->links));
	link = &run->links[run->n++];
	link->arg = ipsi_conf_dup(arg);
	link->name = ipsi_conf_dup(name);
	memcpy(link->dev, file->dev, sizeof(link->dev));
	link->ifindex = ifindex;
}

static int ipsi_resolve_file(struct ipsi_resolve *run, struct ipsi_conf *file,
			     char *arg)
{
	const char *names[2], *moved = NULL;
	uint32_t ifindex;
	char *argv[1] = { arg };
	int ret;

	ret = ipsi_conf_find(file, 1, argv, &ifindex);
	if (!ret && !ifindex && !run->timer)
		printf("%s is not up\n", file->dev);
	if (ret || !ifindex)
		return ret;
	ret = ipsi_conf_load(file, arg);
	if (ret)
		return ret;
	names[0] = ipsi_resolve_get(file, "Local");
	names[1] = ipsi_resolve_get(file, "Remote");
	if (!names[0] && !names[1])
		return IPSI_OK;
	/* A name that does not resolve is no reason for the timer to fail. */
	if (ipsi_resolve_names(file, names, &moved))
		return run->timer ? IPSI_OK : IPSI_FAIL;
	if (moved)
		ipsi_resolve_add(run, file, arg, moved, ifindex);
	else
		ipsi_resolve_unmark(file->dev);
	return IPSI_OK;
}

static int ipsi_resolve_one(struct ipsi_resolve *run, char *arg)
{
	/* The names themselves are needed, not their addresses. */
	struct ipsi_conf file = { .for_down = true };
	int ret = ipsi_resolve_file(run, &file, arg);

	ipsi_conf_free(&file);
	return ret;
}

/* The links of all files; one that fails does not keep the others back. */
static int ipsi_resolve_all(struct ipsi_resolve *run)
{
	int ret = IPSI_OK, one;
	glob_t files;
	size_t i;

	if (access(IPSI_CONF_DIR, R_OK | X_OK))
		return errno == ENOENT ? IPSI_OK :
		       ipsi_fail("%s: %s", IPSI_CONF_DIR, strerror(errno));
	if (glob(IPSI_CONF_DIR "/*.conf", 0, NULL, &files))
		return IPSI_OK;
	for (i = 0; i < files.gl_pathc; i++) {
		one = ipsi_resolve_one(run, files.gl_pathv[i]);
		if (one)
			ret = one;
	}
	globfree(&files);
	return ret;
}

static int ipsi_resolve_moves(struct ipsi_resolve *run)
{
	int ret, one;
	size_t i;

	ret = run->n ? ipsi_resolve_listen(run) : IPSI_OK;
	if (ret)
		return ret;
	for (i = 0; i < run->n; i++) {
		one = ipsi_resolve_move(run, &run->links[i]);
		if (one)
			ret = one;
	}
	return ret;
}

static void ipsi_resolve_free(struct ipsi_resolve *run)
{
	size_t i;

	for (i = 0; i < run->n; i++) {
		free(run->links[i].arg);
		free(run->links[i].name);
	}
	free(run->links);
}

/**
 * ipsi_resolve() - follow peers whose names got other addresses
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_resolve(int argc, char **argv)
{
	struct ipsi_resolve run = { .timer = !argc };
	int ret, moves;

	if (argc > 1)
		return ipsi_usage("NAME or FILE expected, or nothing for all files");
	if (argc)
		ret = ipsi_resolve_one(&run, argv[0]);
	else
		ret = ipsi_resolve_all(&run);
	moves = ipsi_resolve_moves(&run);
	ipsi_resolve_free(&run);
	return moves ? moves : ret;
}
