// SPDX-License-Identifier: GPL-2.0
/*
 * Builds, spoils, writes and parses netlink messages.
 */
#include <string.h>

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "msg.h"
#include "table.h"

void msg_init(struct msg *msg, enum bus bus, __u16 type, __u16 flags,
	      const void *head, size_t head_len)
{
	msg->bus = bus;
	msg->type = type;
	msg->flags = flags;
	msg->head_len = head_len;
	if (head_len)
		memcpy(msg->head, head, head_len);
	msg->n = 0;
	msg->used = 0;
	msg->first = -1;
	msg->depth = 0;
	msg->cut = 0;
	msg->flips = 0;
}

/* The last attribute of the nest that is open, or the place for the first */
static __s16 *msg_end(struct msg *msg)
{
	__s16 *at = msg->depth ? &msg->attrs[msg->parents[msg->depth - 1]].child :
				   &msg->first;

	while (*at >= 0)
		at = &msg->attrs[*at].next;
	return at;
}

static struct attr *msg_append(struct msg *msg, __u16 type)
{
	struct attr *attr;

	if (msg->n >= MSG_ATTRS_MAX)
		return NULL;
	*msg_end(msg) = msg->n;
	attr = &msg->attrs[msg->n++];
	memset(attr, 0, sizeof(*attr));
	attr->type = type;
	attr->child = -1;
	attr->next = -1;
	attr->at = msg->used;
	return attr;
}

void msg_put(struct msg *msg, __u16 type, const void *data, size_t len)
{
	struct attr *attr = msg_append(msg, type);

	if (!attr || len > sizeof(msg->data) - msg->used)
		return;
	if (len)
		memcpy(msg->data + msg->used, data, len);
	attr->len = len;
	msg->used += len;
}

void msg_put_u8(struct msg *msg, __u16 type, __u8 value)
{
	msg_put(msg, type, &value, sizeof(value));
}

void msg_put_u16(struct msg *msg, __u16 type, __u16 value)
{
	msg_put(msg, type, &value, sizeof(value));
}

void msg_put_u32(struct msg *msg, __u16 type, __u32 value)
{
	msg_put(msg, type, &value, sizeof(value));
}

void msg_put_str(struct msg *msg, __u16 type, const char *value)
{
	msg_put(msg, type, value, strlen(value) + 1);
}

void msg_nest(struct msg *msg, __u16 type, bool nested)
{
	struct attr *attr = msg_append(msg, type);

	if (!attr || msg->depth >= FUZZ_N(msg->parents))
		return;
	attr->nested = nested;
	msg->parents[msg->depth++] = msg->n - 1;
}

void msg_nest_end(struct msg *msg)
{
	if (msg->depth)
		msg->depth--;
}

/* Replace the data of an attribute by len bytes, and return them. */
static __u8 *msg_data_new(struct msg *msg, struct attr *attr, size_t len)
{
	if (len > sizeof(msg->data) - msg->used)
		len = sizeof(msg->data) - msg->used;
	attr->at = msg->used;
	attr->len = len;
	msg->used += len;
	return msg->data + attr->at;
}

/* The place that refers to attribute i */
static __s16 *msg_place(struct msg *msg, __s16 i)
{
	unsigned int k;

	if (msg->first == i)
		return &msg->first;
	for (k = 0; k < msg->n; k++) {
		if (msg->attrs[k].next == i)
			return &msg->attrs[k].next;
		if (msg->attrs[k].child == i)
			return &msg->attrs[k].child;
	}
	return NULL;
}

static void spoil_drop(struct msg *msg, struct rng *rng, struct attr *attr)
{
	__s16 *place = msg_place(msg, attr - msg->attrs);

	(void)rng;
	if (place)
		*place = attr->next;
}

/* Give it twice, and perhaps with other data. */
static void spoil_double(struct msg *msg, struct rng *rng, struct attr *attr)
{
	struct attr *twin;

	if (msg->n >= MSG_ATTRS_MAX)
		return;
	twin = &msg->attrs[msg->n];
	*twin = *attr;
	attr->next = msg->n++;
	if (twin->child < 0 && rng_percent(rng, 50))
		rng_fill(rng, msg_data_new(msg, twin, attr->len), twin->len);
}

static void spoil_length(struct msg *msg, struct rng *rng, struct attr *attr)
{
	static const __u16 lengths[] = {
		0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 36, 63, 64, 65, 127,
		128, 129, 256, 1024,
	};
	size_t len = lengths[rng_below(rng, FUZZ_N(lengths))];
	__u32 from = attr->at, had = attr->len;
	__u8 *to;

	attr->child = -1;
	to = msg_data_new(msg, attr, len);
	rng_fill(rng, to, attr->len);
	memmove(to, msg->data + from, had < attr->len ? had : attr->len);
}

static void spoil_value(struct msg *msg, struct rng *rng, struct attr *attr)
{
	__u64 value = rng_edge(rng, 8);
	__u8 *to;

	if (attr->child >= 0 || !attr->len)
		return;
	if (rng_percent(rng, 30))
		value = __builtin_bswap64(value) >>
			(attr->len < 8 ? 64 - 8 * attr->len : 0);
	to = msg_data_new(msg, attr, attr->len);
	if (attr->len <= 8)
		memcpy(to, &value, attr->len);
	else
		rng_fill(rng, to, attr->len);
}

static void spoil_nested(struct msg *msg, struct rng *rng, struct attr *attr)
{
	(void)msg;
	if (rng_percent(rng, 20))
		attr->type ^= NLA_F_NET_BYTEORDER;
	else
		attr->nested = !attr->nested;
}

static void spoil_type(struct msg *msg, struct rng *rng, struct attr *attr)
{
	(void)msg;
	attr->type = rng_percent(rng, 10) ? rng_edge(rng, 2) : rng_below(rng, 64);
}

static void spoil_lie(struct msg *msg, struct rng *rng, struct attr *attr)
{
	(void)msg;
	attr->lie = rng_percent(rng, 50) ? rng_below(rng, 16) - 8 :
					   rng_edge(rng, 2);
}

/* Give it the data of another attribute. */
static void spoil_swap(struct msg *msg, struct rng *rng, struct attr *attr)
{
	const struct attr *other = &msg->attrs[rng_below(rng, msg->n)];

	if (attr->child >= 0 || other->child >= 0)
		return;
	attr->at = other->at;
	attr->len = other->len;
}

/* Put it into itself, several times. */
static void spoil_deeper(struct msg *msg, struct rng *rng, struct attr *attr)
{
	unsigned int n = 1 + rng_below(rng, 12);
	struct attr *inner;

	while (n-- && msg->n < MSG_ATTRS_MAX) {
		inner = &msg->attrs[msg->n];
		*inner = *attr;
		inner->next = -1;
		attr->child = msg->n++;
		attr->nested = true;
		attr = inner;
	}
}

static void spoil_random(struct msg *msg, struct rng *rng, struct attr *attr)
{
	attr->child = -1;
	rng_fill(rng, msg_data_new(msg, attr, rng_below(rng, 200)), attr->len);
}

static void (*const spoilers[])(struct msg *, struct rng *, struct attr *) = {
	spoil_drop, spoil_drop, spoil_double, spoil_length, spoil_length,
	spoil_value, spoil_value, spoil_value, spoil_nested, spoil_type,
	spoil_lie, spoil_swap, spoil_deeper, spoil_random,
};

/* The head has the family, an index, a selector or the whole state. */
static void spoil_head(struct msg *msg, struct rng *rng)
{
	unsigned int at, size = 1U << rng_below(rng, 4);
	__u64 value = rng_edge(rng, size);

	if (msg->head_len < size)
		return;
	at = rng_below(rng, msg->head_len - size + 1);
	memcpy(msg->head + at, &value, size);
}

/**
 * msg_spoil - make a message wrong in a few places
 * @msg: the message
 * @rng: random numbers
 */
void msg_spoil(struct msg *msg, struct rng *rng)
{
	unsigned int n = 1 + rng_below(rng, rng_percent(rng, 20) ? 6 : 2);

	while (n--) {
		switch (rng_below(rng, 20)) {
		case 0:
			msg->cut = rng_below(rng, 80);
			break;
		case 1:
			msg->flips = 1 + rng_below(rng, 4);
			break;
		case 2:
			msg->flags ^= 1U << rng_below(rng, 12);
			break;
		case 3:
			msg->head_len = rng_below(rng, msg->head_len + 1);
			break;
		case 4:
		case 5:
			spoil_head(msg, rng);
			break;
		default:
			if (msg->n)
				spoilers[rng_below(rng, FUZZ_N(spoilers))]
					(msg, rng,
					 &msg->attrs[rng_below(rng, msg->n)]);
		}
	}
}

static size_t write_attrs(const struct msg *msg, __s16 i, __u8 *to,
			  size_t max, unsigned int depth)
{
	size_t used = 0, len;

	for (; i >= 0 && depth < 20; i = msg->attrs[i].next) {
		const struct attr *attr = &msg->attrs[i];
		struct nlattr head = {
			.nla_type = attr->type |
				    (attr->nested ? NLA_F_NESTED : 0),
		};

		len = attr->child >= 0 ? 0 : attr->len;
		if (used + NLA_HDRLEN + NLA_ALIGN(len) > max)
			break;
		if (attr->child >= 0)
			len = write_attrs(msg, attr->child,
					  to + used + NLA_HDRLEN,
					  max - used - NLA_HDRLEN, depth + 1);
		else
			memcpy(to + used + NLA_HDRLEN, msg->data + attr->at, len);
		head.nla_len = NLA_HDRLEN + len + attr->lie;
		memcpy(to + used, &head, sizeof(head));
		len += NLA_HDRLEN;
		memset(to + used + len, 0, NLA_ALIGN(len) - len);
		used += NLA_ALIGN(len);
	}
	return used;
}

/**
 * msg_write - write a message behind its netlink header
 * @msg: the message
 * @rng: random numbers, for places where to spoil it
 * @to: gets it
 * @max: room there, a multiple of 4
 *
 * Return: length.
 */
size_t msg_write(const struct msg *msg, struct rng *rng, __u8 *to,
		 size_t max)
{
	size_t len = NLMSG_ALIGN(msg->head_len);
	unsigned int i;

	memset(to, 0, len);
	memcpy(to, msg->head, msg->head_len);
	len += write_attrs(msg, msg->first, to + len, max - len, 0);
	for (i = 0; i < msg->flips && len; i++)
		to[rng_below(rng, len)] ^= 1U << rng_below(rng, 8);
	return len > msg->cut ? len - msg->cut : 0;
}

static bool parse_attrs(struct msg *msg, const __u8 *from, size_t len,
			__s16 parent)
{
	struct nlattr head;
	bool nest;

	while (len >= sizeof(head)) {
		memcpy(&head, from, sizeof(head));
		if (head.nla_len < sizeof(head) || head.nla_len > len)
			return false;
		nest = head.nla_type & NLA_F_NESTED ||
		       (msg->bus == BUS_ROUTE && msg->type == RTM_NEWLINK &&
			((!msg->depth && head.nla_type == IFLA_LINKINFO) ||
			 (msg->depth == 1 && head.nla_type == IFLA_INFO_DATA &&
			  msg->attrs[parent].type == IFLA_LINKINFO)));
		if (nest && msg->depth < 4) {
			msg_nest(msg, head.nla_type & NLA_TYPE_MASK,
				 head.nla_type & NLA_F_NESTED);
			if (!parse_attrs(msg, from + sizeof(head),
					 head.nla_len - sizeof(head),
					 msg->n - 1))
				return false;
			msg_nest_end(msg);
		} else {
			msg_put(msg, head.nla_type, from + sizeof(head),
				head.nla_len - sizeof(head));
		}
		if ((size_t)NLA_ALIGN(head.nla_len) >= len)
			return true;
		from += NLA_ALIGN(head.nla_len);
		len -= NLA_ALIGN(head.nla_len);
	}
	return !len;
}

/**
 * msg_parse - make a tree of the bytes that msg_write() has written
 * @msg: gets it
 * @bus: socket that it is for
 * @type: its type
 * @flags: its flags
 * @head_len: length of what comes before its attributes
 * @from: the bytes
 * @len: length of them
 *
 * Return: false if the bytes are no sane message.
 */
bool msg_parse(struct msg *msg, enum bus bus, __u16 type, __u16 flags,
	       size_t head_len, const __u8 *from, size_t len)
{
	size_t at = NLMSG_ALIGN(head_len);

	if (at > len || head_len > MSG_HEAD_MAX)
		return false;
	msg_init(msg, bus, type, flags, from, head_len);
	return parse_attrs(msg, from + at, len - at, -1);
}
