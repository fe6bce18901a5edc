/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration of one link, from its file or from the kernel; see
 * ipsec-ipip.conf(5).
 */
#ifndef _IPSI_CONF_H
#define _IPSI_CONF_H

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "nl.h"
#include "sa-add.h"

#define IPSI_CONF_DIR	"/etc/ipsec-ipip"
#define IPSI_RUN_DIR	"/run/ipsec-ipip"
#define IPSI_SECRET_MAX	1024

struct ipsi_attrs;

/* An IP address and, for addresses and routes of the link, a prefix length. */
struct ipsi_addr {
	int family;		/* 0 for none */
	uint8_t len;		/* bytes: 4 or 16 */
	uint8_t plen;		/* bits */
	uint8_t data[sizeof(struct in6_addr)];
};

/* The value of a link option. @set if it was given, or is not the default. */
struct ipsi_conf_option {
	bool set;
	uint32_t number;
	struct ipsi_addr addr;
};

/* A line whose value is kept as text: for hooks, DNS, IKE, and to save it. */
struct ipsi_conf_text {
	const char *key;
	char *value;
	int line;
};

/* An SA; @args points into @words, which has the values of its lines. */
struct ipsi_conf_sa {
	struct ipsi_sa_args args;
	int line;
	uint32_t seen;		/* bits: the lines it has */
	bool has_auth;		/* Auth or AuthTrunc was given */
	bool hidden;		/* the kernel did not show a key */
	const char *path[3];	/* "file:PATH" of the keys of AEAD, Enc, Auth */
	char *words[96];
	size_t n_words;
};

struct ipsi_conf_address {
	struct ipsi_addr local, peer;
	int line;
};

struct ipsi_conf_route {
	struct ipsi_addr dst, src;
	uint32_t metric, table;
	int line;
};

enum {
	IPSI_CONF_LOCAL,
	IPSI_CONF_REMOTE,
	IPSI_CONF_DEVICE,
	IPSI_CONF_IF_ID,
	IPSI_CONF_REQID,
	IPSI_CONF_TTL,
	IPSI_CONF_TOS,
	IPSI_CONF_DF,
	IPSI_CONF_ECN,
	IPSI_CONF_FLOWLABEL,
	IPSI_CONF_FWMARK,
	IPSI_CONF_KEYING,
	IPSI_CONF_POLICIES,
	IPSI_CONF_ICMP,
	IPSI_CONF_ROAM,
	IPSI_CONF_ENCAP_PORT,
	IPSI_CONF_MTU,
	IPSI_CONF_OPTIONS
};

/* More keys than a section has */
#define IPSI_CONF_KEYS	32

struct ipsi_conf {
	char path[PATH_MAX];
	char dev[IF_NAMESIZE];
	int line;		/* the line being read */
	bool partial;		/* the endpoints may be absent */
	bool for_down;		/* values are kept as text only */
	bool stays;		/* a regular file, read again at each boot */
	bool is_private;	/* only its owner can read it */
	struct ipsi_conf_option option[IPSI_CONF_OPTIONS];
	uint32_t master, overlap;
	struct ipsi_conf_address *address;
	size_t n_address;
	struct ipsi_conf_route *route;
	size_t n_route;
	struct ipsi_conf_text *text;
	size_t n_text;
	struct ipsi_conf_sa **sa;
	size_t n_sa;
};

/* conf.c */
int ipsi_conf_load(struct ipsi_conf *conf, const char *name);
void ipsi_conf_free(struct ipsi_conf *conf);
int ipsi_conf_check_dev(const char *name);
int ipsi_conf_name(struct ipsi_conf *conf, const char *name);
int ipsi_conf_find(struct ipsi_conf *conf, int argc, char **argv,
		   uint32_t *ifindex);
const char *ipsi_conf_text(const struct ipsi_conf *conf, const char *key);
struct ipsi_conf_sa *ipsi_conf_sa_new(struct ipsi_conf *conf, int line);
char *ipsi_conf_dup(const char *text);
void *ipsi_conf_grow(void *array, size_t n, size_t size);
bool ipsi_conf_ike(const struct ipsi_conf *conf);
void ipsi_conf_at(const struct ipsi_conf *conf, int line);

/* conf-option.c */
int ipsi_conf_option_index(const char *key);
int ipsi_conf_option_parse(struct ipsi_conf *conf, int index, char *value);
int ipsi_conf_option_complete(struct ipsi_conf *conf);
int ipsi_conf_option_put(struct nlmsghdr *nlh, const struct ipsi_conf *conf);
void ipsi_conf_option_get(struct ipsi_conf *conf, const struct ipsi_attrs *dev);
void ipsi_conf_option_print(FILE *f, const struct ipsi_conf *conf);
bool ipsi_conf_option_equal(const struct ipsi_conf_option *a,
			    const struct ipsi_conf_option *b);
int ipsi_conf_bool(const char *value, uint32_t *number);
const char *ipsi_conf_option_key(int index);

/* conf-net.c */
bool ipsi_addr_parse(const char *text, struct ipsi_addr *addr);
int ipsi_conf_address_parse(struct ipsi_conf *conf, char *value);
int ipsi_conf_route_parse(struct ipsi_conf *conf, char *value);
int ipsi_conf_address_send(struct ipsi_nl *nl, uint32_t ifindex,
			   const struct ipsi_conf *conf);
int ipsi_conf_route_send(struct ipsi_nl *nl, uint32_t ifindex,
			 const struct ipsi_conf *conf);

/* conf-sa.c */
bool ipsi_conf_sa_key(const char *key);
size_t ipsi_conf_sa_keys(const char **names);
int ipsi_conf_sa_parse(struct ipsi_conf *conf, struct ipsi_conf_sa *sa,
		       const char *key, char *value);
int ipsi_conf_sa_complete(struct ipsi_conf *conf, struct ipsi_conf_sa *sa);
int ipsi_conf_sa_get(struct ipsi_conf *conf, struct ipsi_nl *nl);
bool ipsi_conf_sa_same_id(const struct ipsi_sa_args *a,
			  const struct ipsi_sa_args *b);
bool ipsi_conf_sa_equal(const struct ipsi_sa_args *a,
			const struct ipsi_sa_args *b);
int ipsi_conf_sa_print(FILE *f, const struct ipsi_conf *conf,
		       const struct ipsi_conf *paths);
void ipsi_conf_sa_free(struct ipsi_conf_sa *sa);

/* conf-ike.c */
bool ipsi_conf_ike_key(const char *key);
size_t ipsi_conf_ike_keys(const char **names);
int ipsi_conf_ike_check(struct ipsi_conf *conf);
int ipsi_conf_ike_up(const struct ipsi_conf *conf, uint32_t if_id);
int ipsi_conf_ike_down(const char *dev);
int ipsi_ike_secret(const char *value, char secret[IPSI_SECRET_MAX]);
const char *ipsi_ike_addr(const struct ipsi_conf *conf, int index,
			  char buf[INET6_ADDRSTRLEN]);
bool ipsi_ike_unchanged(const char *path, const char *text, size_t size);
int ipsi_ike_store(const char *path, const char *text, size_t size,
		   const char *hint);
void ipsi_ike_keep(const char *path, bool keep);
int ipsi_ike_remove(const char *path);
/* Longer than a command of a daemon that answers takes */
#define IPSI_DAEMON_WAIT	30	/* seconds */

/* The failures of a daemon's command: errors, warnings, or nothing. */
enum ipsi_ike_report { IPSI_FAILS, IPSI_WARNS, IPSI_TRIES };

int ipsi_ike_run(const char *name, char **argv, const char *missing,
		 const char *unit, enum ipsi_ike_report report);

/* conf-libreswan.c */
int ipsi_libreswan_up(const struct ipsi_conf *conf, uint32_t if_id);
int ipsi_libreswan_down(const char *dev);

/* link.c */
int ipsi_link_find(const char *name, uint32_t *ifindex, bool *ours);
int ipsi_link_add(struct ipsi_nl *nl, const struct ipsi_conf *conf);
int ipsi_link_set(struct ipsi_nl *nl, uint32_t ifindex,
		  const struct ipsi_conf *conf);
int ipsi_link_up(struct ipsi_nl *nl, uint32_t ifindex);
int ipsi_link_del(struct ipsi_nl *nl, uint32_t ifindex);

/* lock.c */
int ipsi_lock(const char *dev, int seconds);
void ipsi_making(const char *dev, uint32_t ifindex);
void ipsi_made(const char *dev);
bool ipsi_half_made(const char *dev, uint32_t ifindex);
void ipsi_unlock(int lock);

/* hook.c */

/* A program has not ended in time; no exit status is this number. */
#define IPSI_SPAWN_SLOW	256

int ipsi_hooks_run(const struct ipsi_conf *conf, const char *key);
int ipsi_dns_set(const struct ipsi_conf *conf);
void ipsi_dns_unset(const struct ipsi_conf *conf);
int ipsi_spawn(char *const argv[], const char *input, bool quiet, int seconds);
int ipsi_spawn_swanctl(char *const argv[]);

/* conf-show.c */
int ipsi_conf_options_from_kernel(struct ipsi_conf *conf, const char *dev,
				  struct ipsi_nl *nl);
int ipsi_conf_from_kernel(struct ipsi_conf *conf, const char *dev,
			  struct ipsi_nl *nl);

#endif /* _IPSI_CONF_H */
