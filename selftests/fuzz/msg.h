/* SPDX-License-Identifier: GPL-2.0 */
/* Netlink messages as trees of attributes, which can be spoiled before they are
 * sent.
 */
#ifndef FUZZ_MSG_H
#define FUZZ_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#include "rng.h"

#define MSG_MAX		8192
#define MSG_HEAD_MAX	256
#define MSG_ATTRS_MAX	200

enum bus {
	BUS_ROUTE,
	BUS_XFRM,
	BUS_GENL,
	BUS_N,
};

/* An attribute in the arrays of its message; child and next are indices, -1 for
 * none.
 */
struct attr {
	__u16 type;
	__u16 len;
	__u16 lie;		/* added to the length in the header */
	bool nested;		/* NLA_F_NESTED is set */
	__s16 child;
	__s16 next;
	__u32 at;		/* data */
};

/* For BUS_GENL, type is the command. */
struct msg {
	enum bus bus;
	__u16 type;
	__u16 flags;
	__u16 head_len;
	__u8 head[MSG_HEAD_MAX];
	unsigned int n;
	struct attr attrs[MSG_ATTRS_MAX];
	__u32 used;
	__u8 data[MSG_MAX];
	__s16 first;
	__s16 parents[8];	/* nests that are open */
	unsigned int depth;
	unsigned int cut;	/* bytes to leave out at the end */
	unsigned int flips;	/* bits to flip at random places */
};

void msg_init(struct msg *msg, enum bus bus, __u16 type, __u16 flags,
	      const void *head, size_t head_len);
void msg_put(struct msg *msg, __u16 type, const void *data, size_t len);
void msg_put_u8(struct msg *msg, __u16 type, __u8 value);
void msg_put_u16(struct msg *msg, __u16 type, __u16 value);
void msg_put_u32(struct msg *msg, __u16 type, __u32 value);
void msg_put_str(struct msg *msg, __u16 type, const char *value);
void msg_nest(struct msg *msg, __u16 type, bool nested);
void msg_nest_end(struct msg *msg);
void msg_spoil(struct msg *msg, struct rng *rng);
size_t msg_write(const struct msg *msg, struct rng *rng, __u8 *to,
		 size_t max);
bool msg_parse(struct msg *msg, enum bus bus, __u16 type, __u16 flags,
	       size_t head_len, const __u8 *from, size_t len);

#endif /* FUZZ_MSG_H */
