/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of iproute2's private interface that the plug-in uses: one struct, and
 * helpers of ip(8) that did not change from iproute2 6.1 to 7.x. No package has
 * these headers; "make check" compares the symbols with the installed ip.
 */
#ifndef _IPSI_IPROUTE2_H
#define _IPSI_IPROUTE2_H

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct link_util {
	struct link_util *next;
	const char *id;
	int maxattr;
	int (*parse_opt)(struct link_util *lu, int argc, char **argv,
			 struct nlmsghdr *n);
	void (*print_opt)(struct link_util *lu, FILE *f, struct rtattr *tb[]);
	void (*print_xstats)(struct link_util *lu, FILE *f, struct rtattr *xs);
	void (*print_help)(struct link_util *lu, int argc, char **argv,
			   FILE *f);
	int (*parse_ifla_xstats)(struct link_util *lu, int argc, char **argv);
	int (*print_ifla_xstats)(struct nlmsghdr *n, void *arg);
};

static_assert(sizeof(struct link_util) == 9 * sizeof(void *),
	      "struct link_util is not the one of iproute2");

/* The plug-in's link type. */
extern struct link_util ipsec_ipip_link_util;

enum output_type {
	PRINT_FP = 1,
	PRINT_JSON = 2,
	PRINT_ANY = 4,
};

enum color_attr {
	COLOR_IFNAME,
	COLOR_MAC,
	COLOR_INET,
	COLOR_INET6,
	COLOR_OPERSTATE_UP,
	COLOR_OPERSTATE_DOWN,
	COLOR_NONE
};

int addattr_l(struct nlmsghdr *n, int maxlen, int type, const void *data,
	      int alen);
int addattr8(struct nlmsghdr *n, int maxlen, int type, __u8 data);
int addattr32(struct nlmsghdr *n, int maxlen, int type, __u32 data);

int print_color_string(enum output_type t, enum color_attr color,
		       const char *key, const char *fmt, const char *value);
int print_color_uint(enum output_type t, enum color_attr color,
		     const char *key, const char *fmt, unsigned int value);
int print_color_bool(enum output_type t, enum color_attr color,
		     const char *key, const char *fmt, bool value);

int rtnl_dsfield_a2n(__u32 *id, const char *arg);

/* ip(8)'s open socket, and a request on it; the caller frees the answer. */
struct rtnl_handle;
extern struct rtnl_handle rth;
int rtnl_talk_suppress_rtnl_errmsg(struct rtnl_handle *rtnl,
				   struct nlmsghdr *n,
				   struct nlmsghdr **answer);

noreturn void incomplete_command(void);
noreturn void missarg(const char *key);
noreturn void invarg(const char *msg, const char *arg);
noreturn void duparg(const char *key, const char *arg);

#endif /* _IPSI_IPROUTE2_H */
