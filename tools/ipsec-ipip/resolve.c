// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip resolve: follow a peer whose name got another address. A timer runs it.
 *
 * The link moves only if its endpoint is no longer an address of the name, and if
 * nothing arrives for a while: a peer that still sends has not moved, whatever its
 * name says. No state is kept between two runs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "conf.h"
#include "ipsi.h"
#include "query.h"

#define IPSI_RESOLVE_SILENCE	10	/* seconds */

/* Returns the bytes received by the link; 0 if it is gone. */
static uint64_t ipsi_resolve_received(uint32_t ifindex)
{
	struct ipsi_link_stats *links;
	uint64_t received = 0;
	size_t i, n;

	if (ipsi_query_link_stats(&links, &n))
		return 0;
	for (i = 0; i < n; i++)
		if (links[i].ifindex == ifindex)
			received = links[i].rx_bytes;
	free(links);
	return received;
}

static bool ipsi_resolve_is_silent(uint32_t ifindex)
{
	const uint64_t before = ipsi_resolve_received(ifindex);
	int i;

	for (i = 0; i < IPSI_RESOLVE_SILENCE; i++) {
		sleep(1);
		if (ipsi_resolve_received(ifindex) != before)
			return false;
	}
	return true;
}

static const void *ipsi_resolve_data(const struct sockaddr *addr)
{
	if (addr->sa_family == AF_INET)
		return &((const struct sockaddr_in *)addr)->sin_addr;
	return &((const struct sockaddr_in6 *)addr)->sin6_addr;
}

/* Sets @moved if the endpoint @now is not an address of @name; returns an exit code. */
static int ipsi_resolve_name(const char *key, const char *name,
			     const struct ipsi_addr *now, bool *moved)
{
	const struct addrinfo hints = { .ai_family = now->family,
					.ai_socktype = SOCK_DGRAM };
	struct addrinfo *list, *i;
	bool found = false;
	int err;

	err = getaddrinfo(name, NULL, &hints, &list);
	if (err)
		return ipsi_fail("%s: \"%s\": %s", key, name,
				 gai_strerror(err));
	for (i = list; i; i = i->ai_next)
		found |= !memcmp(ipsi_resolve_data(i->ai_addr), now->data,
				 now->len);
	freeaddrinfo(list);
	*moved |= !found;
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
			      const char *const names[2], bool *moved)
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
			ret = ipsi_resolve_name(keys[i], names[i],
						&now.option[options[i]].addr,
						moved);
	ipsi_nl_close(&family);
	ipsi_conf_free(&now);
	return ret;
}

static int ipsi_resolve_link(struct ipsi_conf *file, char *arg)
{
	const char *names[2];
	bool moved = false;
	uint32_t ifindex;
	char *argv[1] = { arg };
	int ret;

	ret = ipsi_conf_find(file, 1, argv, &ifindex);
	if (ret || !ifindex)
		return ret;
	ret = ipsi_conf_load(file, arg);
	if (ret)
		return ret;
	names[0] = ipsi_resolve_get(file, "Local");
	names[1] = ipsi_resolve_get(file, "Remote");
	if (!names[0] && !names[1])
		return IPSI_OK;
	ret = ipsi_resolve_names(file, names, &moved);
	if (ret || !moved || !ipsi_resolve_is_silent(ifindex))
		return ret;
	printf("%s: %s has another address\n", file->dev,
	       names[1] ? names[1] : names[0]);
	return ipsi_syncconf(1, argv);
}

static int ipsi_resolve_one(char *arg)
{
	/* The names themselves are needed, not their addresses. */
	struct ipsi_conf file = { .for_down = true };
	int ret = ipsi_resolve_link(&file, arg);

	ipsi_conf_free(&file);
	return ret;
}

/* The links of all files; one that fails does not keep the others back. */
static int ipsi_resolve_all(void)
{
	int ret = IPSI_OK, one;
	glob_t files;
	size_t i;

	if (glob(IPSI_CONF_DIR "/*.conf", 0, NULL, &files))
		return IPSI_OK;
	for (i = 0; i < files.gl_pathc; i++) {
		one = ipsi_resolve_one(files.gl_pathv[i]);
		if (one)
			ret = one;
	}
	globfree(&files);
	return ret;
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
	if (argc > 1)
		return ipsi_usage("NAME or FILE expected, or nothing for all files");
	return argc ? ipsi_resolve_one(argv[0]) : ipsi_resolve_all();
}
