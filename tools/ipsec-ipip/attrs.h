/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The attributes of the generic netlink family as tables: their names in the spec,
 * their types, and their words on the command line.
 */
#ifndef _IPSI_ATTRS_H
#define _IPSI_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>
#include <linux/ipsec_ipip.h>

struct json_object;

enum ipsi_attr_type {
	IPSI_NONE,		/* padding, or unknown */
	IPSI_U8,
	IPSI_BOOL,		/* u8 */
	IPSI_U32,
	IPSI_U64,
	IPSI_BE16,
	IPSI_BE32,
	IPSI_FLAG,
	IPSI_STRING,
	IPSI_ADDR,
	IPSI_KEY,
	IPSI_NEST,
	IPSI_PROTO,
	IPSI_ENUM8,
	IPSI_ENUM32,
};

struct ipsi_attr_set;

/**
 * struct ipsi_attr - an attribute
 * @name: its name in the spec
 * @word: its word on the command line, NULL if the same as @name
 * @type: its type
 * @nest: for IPSI_NEST, the attributes in it
 * @values: for IPSI_ENUM*, the names of its values, terminated by NULL
 */
struct ipsi_attr {
	const char *name;
	const char *word;
	enum ipsi_attr_type type;
	const struct ipsi_attr_set *nest;
	const char * const *values;
};

struct ipsi_attr_set {
	const struct ipsi_attr *attrs;
	unsigned int max;
};

extern const struct ipsi_attr_set ipsi_dev_set;
extern const struct ipsi_attr_set ipsi_sa_set;

#define IPSI_ATTR_MAX	IPSEC_IPIP_A_SA_MAX

/* The attributes of a message or nest that are known and have a valid length. */
struct ipsi_attrs {
	const struct ipsi_attr_set *set;
	const struct nlattr *tb[IPSI_ATTR_MAX + 1];
};

/* Long enough for any address and any attribute name. */
#define IPSI_TEXT_LEN	64

#define IPSI_TOS_INHERIT	1

/* From this number up, the kernel chooses an if_id, and a reqid is a copy of it. */
#define IPSI_IF_ID_AUTO		0x80000001

/* Length of a key in hex, with 0x and the final NUL. */
#define IPSI_KEY_TEXT_LEN	(2 * IPSEC_IPIP_KEY_MAX_LEN + 3)

void ipsi_attrs_parse(struct ipsi_attrs *attrs, const struct ipsi_attr_set *set,
		      const struct nlmsghdr *nlh);
void ipsi_attrs_parse_nest(struct ipsi_attrs *attrs,
			   const struct ipsi_attrs *parent, unsigned int id);
unsigned long long ipsi_attr_u64(const struct ipsi_attrs *attrs,
				 unsigned int id);
const char *ipsi_attr_string(const struct ipsi_attrs *attrs, unsigned int id);
const char *ipsi_attr_addr(const struct ipsi_attrs *attrs, unsigned int id,
			   char buf[IPSI_TEXT_LEN]);
const char *ipsi_attr_enum(const struct ipsi_attrs *attrs, unsigned int id);
const char *ipsi_dev_why_off(const struct ipsi_attrs *dev);
void ipsi_attr_value(const struct ipsi_attr *attr, const struct nlattr *at,
		     char *buf, size_t size);
void ipsi_key_text(const struct ipsi_attrs *attrs, unsigned int id,
		   char text[IPSI_KEY_TEXT_LEN]);
void ipsi_print_key(const struct ipsi_attrs *attrs, unsigned int id,
		    bool asked);

struct json_object *ipsi_attrs_json(const struct ipsi_attrs *attrs);
void ipsi_json_flags(struct json_object *object, const char * const *names);
const char *ipsi_json_text(struct json_object *object, bool pretty);
void ipsi_json_print(struct json_object *object, bool pretty);

const struct ipsi_attr *ipsi_attr_at_offset(const struct ipsi_attr_set *set,
					    const struct nlmsghdr *nlh,
					    uint32_t offset);
const struct ipsi_attr *ipsi_attr_missing(const struct ipsi_attr_set *set,
					  const struct nlmsghdr *nlh,
					  uint32_t nest_offset, uint32_t id);

#endif /* _IPSI_ATTRS_H */
