// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink over libmnl: resolve the family, send a request, collect the
 * answer, and report the kernel's error. The verbs make the requests and read the
 * answers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "attrs.h"
#include "ipsi.h"
#include "module.h"
#include "nl.h"

/* Number of attempts if the state changes during a dump. The pause between them is
 * 1 ms at first, doubles each time, and is at most 128 ms: a second in all.
 */
#define IPSI_NL_TRIES		15
#define IPSI_NL_PAUSE_MAX	7

/* The result of a request. */
struct ipsi_nl_end {
	int error;			/* errno, or 0 */
	bool interrupted;		/* the state changed during the dump */
	const char *msg;		/* points into nl->answer */
	const struct nlattr *attr;	/* NLMSGERR_ATTR_OFFS */
	const struct nlattr *miss_type;
	const struct nlattr *miss_nest;
	const struct nlattr *policy;	/* NLMSGERR_ATTR_POLICY */
};

static void ipsi_nl_init_request(struct ipsi_nl *nl, uint16_t family,
				 uint8_t cmd, uint8_t version, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->request);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
}

/**
 * ipsi_nl_request() - begin a request
 * @nl: the socket
 * @cmd: IPSEC_IPIP_CMD_*
 * @dump: request all objects, not one
 *
 * Return: the request, valid until ipsi_nl_close().
 */
struct nlmsghdr *ipsi_nl_request(struct ipsi_nl *nl, uint8_t cmd, bool dump)
{
	ipsi_nl_init_request(nl, nl->family, cmd, IPSEC_IPIP_FAMILY_VERSION,
			     dump ? NLM_F_DUMP : NLM_F_ACK);
	return (struct nlmsghdr *)nl->request;
}

int ipsi_nl_too_long(void)
{
	return ipsi_usage("arguments are too long");
}

/* ipsi_nl_put() and its variants return an exit code. */
int ipsi_nl_put(struct nlmsghdr *nlh, uint16_t type, const void *data,
		size_t len)
{
	if (len > UINT16_MAX - MNL_ATTR_HDRLEN ||
	    !mnl_attr_put_check(nlh, IPSI_NL_BUF, type, len, data))
		return ipsi_nl_too_long();
	return IPSI_OK;
}

int ipsi_nl_put_u8(struct nlmsghdr *nlh, uint16_t type, uint8_t value)
{
	return ipsi_nl_put(nlh, type, &value, sizeof(value));
}

int ipsi_nl_put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t value)
{
	return ipsi_nl_put(nlh, type, &value, sizeof(value));
}

int ipsi_nl_put_u64(struct nlmsghdr *nlh, uint16_t type, uint64_t value)
{
	return ipsi_nl_put(nlh, type, &value, sizeof(value));
}

int ipsi_nl_put_string(struct nlmsghdr *nlh, uint16_t type, const char *value)
{
	return ipsi_nl_put(nlh, type, value, strlen(value) + 1);
}

static void ipsi_nl_parse_tlv(const struct nlattr *attr,
			      struct ipsi_nl_end *end)
{
	switch (mnl_attr_get_type(attr)) {
	case NLMSGERR_ATTR_MSG:
		if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			end->msg = mnl_attr_get_str(attr);
		break;
	case NLMSGERR_ATTR_OFFS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			end->attr = attr;
		break;
	case NLMSGERR_ATTR_POLICY:
		end->policy = attr;
		break;
	case NLMSGERR_ATTR_MISS_TYPE:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			end->miss_type = attr;
		break;
	case NLMSGERR_ATTR_MISS_NEST:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			end->miss_nest = attr;
		break;
	}
}

/* Reads NLMSG_ERROR and NLMSG_DONE. Both begin with a negative errno. */
static void ipsi_nl_parse_end(const struct nlmsghdr *nlh,
			      struct ipsi_nl_end *end)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	const size_t len = mnl_nlmsg_get_payload_len(nlh);
	const bool done = nlh->nlmsg_type == NLMSG_DONE;
	size_t tlvs = done ? sizeof(err->error) : sizeof(*err);
	const struct nlattr *attr;

	if (len < tlvs) {
		end->error = done ? 0 : EBADMSG;
		return;
	}
	end->error = -err->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!done && !(nlh->nlmsg_flags & NLM_F_CAPPED))
		tlvs += err->msg.nlmsg_len - sizeof(err->msg);
	if (len < tlvs)
		return;
	mnl_attr_for_each(attr, nlh, tlvs)
		ipsi_nl_parse_tlv(attr, end);
}

static int ipsi_replies_add(struct ipsi_replies *replies,
			    const struct nlmsghdr *nlh)
{
	struct nlmsghdr **msg;

	if (!replies)
		return 0;
	msg = realloc(replies->msg, (replies->n + 1) * sizeof(*msg));
	if (!msg)
		return -1;
	replies->msg = msg;
	msg[replies->n] = malloc(nlh->nlmsg_len);
	if (!msg[replies->n])
		return -1;
	memcpy(msg[replies->n++], nlh, nlh->nlmsg_len);
	return 0;
}

/**
 * ipsi_replies_free() - wipe and free an answer
 * @replies: the answer, empty afterwards
 */
void ipsi_replies_free(struct ipsi_replies *replies)
{
	size_t i;

	for (i = 0; i < replies->n; i++) {
		explicit_bzero(replies->msg[i], replies->msg[i]->nlmsg_len);
		free(replies->msg[i]);
	}
	free(replies->msg);
	memset(replies, 0, sizeof(*replies));
}

/**
 * ipsi_nl_recv() - receive a datagram of the kernel
 * @sock: the socket
 * @buf: for the datagram
 * @size: its size
 *
 * The root of a namespace can send to each netlink socket in it. Such datagrams are
 * skipped; mnl_socket_recvfrom() would take them for the kernel's.
 *
 * Return: the length, or -1 with errno.
 */
ssize_t ipsi_nl_recv(struct mnl_socket *sock, void *buf, size_t size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct sockaddr_nl from;
	struct msghdr msg;
	ssize_t got;

	do {
		memset(&from, 0, sizeof(from));
		msg = (struct msghdr) {
			.msg_name = &from, .msg_namelen = sizeof(from),
			.msg_iov = &iov, .msg_iovlen = 1,
		};
		got = recvmsg(mnl_socket_get_fd(sock), &msg, 0);
	} while (got >= 0 && from.nl_pid);
	if (got >= 0 && msg.msg_flags & MSG_TRUNC) {
		errno = ENOSPC;
		return -1;
	}
	return got;
}

/* Receives one datagram. Returns 1 at the end of the answer, 0 if more follows, or
 * -1 with errno.
 */
static int ipsi_nl_take(struct ipsi_nl *nl, struct ipsi_replies *replies,
			struct ipsi_nl_end *end)
{
	const struct nlmsghdr *nlh = (struct nlmsghdr *)nl->answer;
	ssize_t got;
	int len;

	got = ipsi_nl_recv(nl->sock, nl->answer, IPSI_NL_BUF);
	if (got < 0)
		return errno == EINTR ? 0 : -1;
	for (len = got; mnl_nlmsg_ok(nlh, len);
	     nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != nl->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			end->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR ||
		    nlh->nlmsg_type == NLMSG_DONE) {
			ipsi_nl_parse_end(nlh, end);
			return 1;
		}
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE &&
		    ipsi_replies_add(replies, nlh))
			return -1;
	}
	return 0;
}

/* Sends the request and receives the answer. Returns 0, or -1 with errno if there
 * is no complete answer.
 */
static int ipsi_nl_exchange(struct ipsi_nl *nl, struct ipsi_replies *replies,
			    struct ipsi_nl_end *end)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)nl->request;
	int ret;

	memset(end, 0, sizeof(*end));
	nlh->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0)
		return -1;
	do {
		ret = ipsi_nl_take(nl, replies, end);
	} while (!ret);
	return ret < 0 ? -1 : 0;
}

/* Returns the part of the message after "name: ", or NULL without that prefix. */
static const char *ipsi_skip_name(const char *msg, const char *name)
{
	const size_t len = strlen(name);

	if (strncmp(msg, name, len) || strncmp(msg + len, ": ", 2))
		return NULL;
	return msg + len + 2;
}

/* Some of the kernel's messages begin with a name, for programs that do not look at
 * the attribute in the extended ack. Returns the message without that name. Returns
 * NULL if the name is that of another attribute, and the message is complete.
 */
static const char *ipsi_strip_msg(const struct ipsi_attr_set *set,
				  const struct ipsi_attr *attr, const char *msg)
{
	static const char * const names[] = {
		"device", "key", "lifetime", "encap"
	};
	const char *rest;
	unsigned int i;

	rest = ipsi_skip_name(msg, attr->name);
	if (rest)
		return rest;
	for (i = 0; i < IPSI_ARRAY_SIZE(names); i++) {
		rest = ipsi_skip_name(msg, names[i]);
		if (rest)
			return rest;
	}
	for (i = 0; i <= set->max; i++)
		if (set->attrs[i].name &&
		    ipsi_skip_name(msg, set->attrs[i].name))
			return NULL;
	return msg;
}

/* The request at @offset, or NULL. Offsets come from the kernel. */
static const struct nlattr *ipsi_nl_request_attr(const struct nlmsghdr *nlh,
						 uint32_t offset)
{
	const struct nlattr *at = (const void *)((const char *)nlh + offset);

	if (offset % MNL_ALIGNTO || offset + MNL_ATTR_HDRLEN > nlh->nlmsg_len ||
	    offset + at->nla_len > nlh->nlmsg_len)
		return NULL;
	return at;
}

/* Generic netlink's own messages do not name the limit, but its policy does. */
static const char *ipsi_nl_policy(const struct ipsi_nl_end *end,
				  const char *msg, char *buf, size_t size)
{
	const struct nlattr *attr;

	if (!end->policy || !msg ||
	    (strncmp(msg, "Attribute failed policy", 23) &&
	     strncmp(msg, "integer out of range", 20)))
		return msg;
	mnl_attr_for_each_nested(attr, end->policy) {
		if (mnl_attr_get_type(attr) != NL_POLICY_TYPE_ATTR_MAX_LENGTH ||
		    mnl_attr_validate(attr, MNL_TYPE_U32))
			continue;
		snprintf(buf, size, "expected at most %u characters",
			 mnl_attr_get_u32(attr));
		return buf;
	}
	return msg;
}

/* The refusal of a dump has a message, but no attribute. */
static const struct nlattr *ipsi_nl_device(const struct ipsi_attr_set *set,
					   const struct nlmsghdr *nlh,
					   const char *msg)
{
	const struct nlattr *at;
	unsigned int id;

	if (!msg || !ipsi_skip_name(msg, "device"))
		return NULL;
	mnl_attr_for_each(at, nlh, GENL_HDRLEN) {
		id = mnl_attr_get_type(at);
		if (id <= set->max && set->attrs[id].type == IPSI_STRING &&
		    set->attrs[id].word &&
		    !strcmp(set->attrs[id].word, "device"))
			return at;
	}
	return NULL;
}

static int ipsi_nl_refused(const struct ipsi_nl *nl,
			   const struct ipsi_attr_set *set,
			   const struct ipsi_nl_end *end)
{
	const struct nlmsghdr *nlh = (struct nlmsghdr *)nl->request;
	char value[96] = "", hint[256] = "", limit[64];
	const struct ipsi_attr *attr = NULL;
	const char *msg = end->msg;
	const struct nlattr *at = NULL;
	const char *rest;

	if (set && end->miss_type) {
		attr = ipsi_attr_missing(set, nlh, end->miss_nest ?
					 mnl_attr_get_u32(end->miss_nest) : 0,
					 mnl_attr_get_u32(end->miss_type));
		if (!msg)
			msg = "required, but not given";
	} else if (set && end->attr) {
		attr = ipsi_attr_at_offset(set, nlh,
					   mnl_attr_get_u32(end->attr));
		at = ipsi_nl_request_attr(nlh, mnl_attr_get_u32(end->attr));
	} else {
		at = ipsi_nl_device(set, nlh, msg);
		if (at)
			attr = &set->attrs[mnl_attr_get_type(at)];
	}
	if (attr && at)
		ipsi_attr_value(attr, at, value, sizeof(value));
	msg = ipsi_nl_policy(end, msg, limit, sizeof(limit));
	if (!msg && end->error == EPERM)
		msg = geteuid() ? "not permitted without CAP_NET_ADMIN: run it as root" :
				  "not permitted without CAP_NET_ADMIN";
	if (!msg)
		msg = strerror(end->error);
	ipsi_hint(nl, set, attr, end->error, hint, sizeof(hint));
	rest = attr ? ipsi_strip_msg(set, attr, msg) : NULL;
	if (!rest)
		return ipsi_fail("%s%s", msg, hint);
	return ipsi_fail("%s%s: %s%s", attr->word ? attr->word : attr->name,
			 value, rest, hint);
}

/* Gives the writers time to finish. */
static void ipsi_nl_pause(int tries)
{
	struct timespec pause = { .tv_nsec = 1000000L };

	pause.tv_nsec <<= tries < IPSI_NL_PAUSE_MAX ? tries : IPSI_NL_PAUSE_MAX;
	nanosleep(&pause, NULL);
}

/**
 * ipsi_nl_talk() - send the request and wait for the answer
 * @nl: the socket
 * @set: the attributes that the request may have, for messages; NULL for requests
 *   of other families
 * @replies: the answer, which the caller frees even after an error; NULL for none
 *
 * Return: exit code. Errors have been reported.
 */
int ipsi_nl_talk(struct ipsi_nl *nl, const struct ipsi_attr_set *set,
		 struct ipsi_replies *replies)
{
	struct ipsi_nl_end end;
	int i;

	for (i = 0; i < IPSI_NL_TRIES; i++) {
		if (ipsi_nl_exchange(nl, replies, &end))
			return ipsi_fail("%s", strerror(errno));
		nl->error = end.error;
		if (end.error && end.error == nl->fine)
			return IPSI_OK;
		if (end.error)
			return nl->silent ? IPSI_FAIL :
					    ipsi_nl_refused(nl, set, &end);
		if (!end.interrupted) {
			if (end.msg)
				ipsi_warn("%s", end.msg);
			return IPSI_OK;
		}
		if (replies)
			ipsi_replies_free(replies);
		ipsi_nl_pause(i);
	}
	return ipsi_fail("the SAs change faster than they can be read");
}

/**
 * ipsi_nl_get_devs() - get one device or all
 * @nl: the socket
 * @dev: name of the device, or NULL for all
 * @replies: the answer, which the caller frees even after an error
 *
 * Return: exit code. Errors have been reported.
 */
int ipsi_nl_get_devs(struct ipsi_nl *nl, const char *dev,
		     struct ipsi_replies *replies)
{
	struct nlmsghdr *nlh;
	int ret = IPSI_OK;

	nlh = ipsi_nl_request(nl, IPSEC_IPIP_CMD_DEV_GET, !dev);
	if (dev)
		ret = ipsi_nl_put_string(nlh, IPSEC_IPIP_A_DEV_IFNAME, dev);
	return ret ? ret : ipsi_nl_talk(nl, &ipsi_dev_set, replies);
}

/**
 * ipsi_nl_get_sas() - get the SAs of one device or of all
 * @nl: the socket
 * @dev: name of the device, or NULL for all
 * @keys: with their keys
 * @replies: the answer, the newest first; the caller frees it even after an error
 *
 * Return: exit code. Errors have been reported.
 */
int ipsi_nl_get_sas(struct ipsi_nl *nl, const char *dev, bool keys,
		    struct ipsi_replies *replies)
{
	struct nlmsghdr *nlh;
	int ret = IPSI_OK;

	nlh = ipsi_nl_request(nl, IPSEC_IPIP_CMD_SA_GET, true);
	if (dev)
		ret = ipsi_nl_put_string(nlh, IPSEC_IPIP_A_SA_IFNAME, dev);
	if (!ret && keys)
		ret = ipsi_nl_put(nlh, IPSEC_IPIP_A_SA_KEYS, NULL, 0);
	return ret ? ret : ipsi_nl_talk(nl, &ipsi_sa_set, replies);
}

static void ipsi_nl_take_group(struct ipsi_nl *nl, const struct nlattr *group)
{
	const struct nlattr *attr;
	const char *name = "";
	uint32_t id = 0;

	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			id = mnl_attr_get_u32(attr);
	}
	if (!strcmp(name, IPSEC_IPIP_MCGRP_EVENTS))
		nl->group = id;
}

static void ipsi_nl_take_family(struct ipsi_nl *nl, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr, *group;

	mnl_attr_for_each(attr, nlh, GENL_HDRLEN) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			nl->family = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			mnl_attr_for_each_nested(group, attr)
				ipsi_nl_take_group(nl, group);
	}
}

/* The kernel loads the module when a family is requested that it does not know. */
static int ipsi_nl_resolve(struct ipsi_nl *nl)
{
	struct ipsi_replies replies = {};
	struct ipsi_nl_end end;
	int ret;

	ipsi_nl_init_request(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1,
			     NLM_F_ACK);
	ret = ipsi_nl_put_string((struct nlmsghdr *)nl->request,
				 CTRL_ATTR_FAMILY_NAME,
				 IPSEC_IPIP_FAMILY_NAME);
	if (ret)
		return ret;
	if (ipsi_nl_exchange(nl, &replies, &end))
		ret = ipsi_fail("%s", strerror(errno));
	else if (end.error == ENOENT)
		ret = ipsi_module_missing();
	else if (end.error)
		ret = ipsi_fail("%s", strerror(end.error));
	else if (replies.n)
		ipsi_nl_take_family(nl, replies.msg[0]);
	ipsi_replies_free(&replies);
	return ret;
}

/**
 * ipsi_nl_open_bus() - open a socket of any netlink protocol
 * @nl: the result, which the caller closes even after an error
 * @bus: NETLINK_*
 *
 * Return: exit code.
 */
int ipsi_nl_open_bus(struct ipsi_nl *nl, int bus)
{
	int on = 1;

	memset(nl, 0, sizeof(*nl));
	nl->seq = time(NULL);
	nl->request = calloc(1, IPSI_NL_BUF);
	nl->answer = calloc(1, IPSI_NL_BUF);
	if (!nl->request || !nl->answer)
		return ipsi_fail("%s", strerror(ENOMEM));
	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->sock || mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return ipsi_fail("netlink: %s", strerror(errno));
	/* Only the messages depend on these, so errors are ignored. */
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	return IPSI_OK;
}

/**
 * ipsi_nl_open() - open the socket and find the family
 * @nl: the result, which the caller closes even after an error
 *
 * Return: exit code.
 */
int ipsi_nl_open(struct ipsi_nl *nl)
{
	int ret = ipsi_nl_open_bus(nl, NETLINK_GENERIC);

	return ret ? ret : ipsi_nl_resolve(nl);
}

/**
 * ipsi_nl_close() - close the socket, and wipe its buffers
 * @nl: the socket
 */
void ipsi_nl_close(struct ipsi_nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	if (nl->request)
		explicit_bzero(nl->request, IPSI_NL_BUF);
	if (nl->answer)
		explicit_bzero(nl->answer, IPSI_NL_BUF);
	free(nl->request);
	free(nl->answer);
	memset(nl, 0, sizeof(*nl));
}

/**
 * ipsi_nl_peek() - get devices or SAs for a message, or for completion
 * @cmd: IPSEC_IPIP_CMD_DEV_GET or _SA_GET
 * @dev: name of the device, or NULL for all
 * @replies: the answer, which the caller frees even after an error
 *
 * Return: exit code. A refusal is not reported.
 */
int ipsi_nl_peek(uint8_t cmd, const char *dev, struct ipsi_replies *replies)
{
	struct ipsi_nl nl;
	int ret;

	ret = ipsi_nl_open(&nl);
	nl.silent = true;
	if (!ret)
		ret = cmd == IPSEC_IPIP_CMD_SA_GET ?
		      ipsi_nl_get_sas(&nl, dev, false, replies) :
		      ipsi_nl_get_devs(&nl, dev, replies);
	ipsi_nl_close(&nl);
	return ret;
}

/**
 * ipsi_nl_listen() - join the multicast group for events
 * @nl: the socket
 *
 * Return: exit code.
 */
int ipsi_nl_listen(struct ipsi_nl *nl)
{
	if (!nl->group)
		return ipsi_fail("the kernel has no multicast group \"%s\"",
				 IPSEC_IPIP_MCGRP_EVENTS);
	if (mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &nl->group,
				  sizeof(nl->group)) == 0)
		return IPSI_OK;
	if (errno == EPERM)
		return ipsi_fail("listening for events requires CAP_NET_ADMIN: run it as root");
	return ipsi_fail("cannot listen: %s", strerror(errno));
}

/**
 * ipsi_nl_events() - wait for events, and handle those that have arrived
 * @nl: the socket, after ipsi_nl_listen()
 * @handle: called for each event
 *
 * Return: 0 or an errno. ENOBUFS means that events were lost; the socket is still
 * usable.
 */
int ipsi_nl_events(struct ipsi_nl *nl,
		   void (*handle)(const struct nlmsghdr *nlh))
{
	const struct nlmsghdr *nlh = (struct nlmsghdr *)nl->answer;
	ssize_t got;
	int len;

	got = ipsi_nl_recv(nl->sock, nl->answer, IPSI_NL_BUF);
	if (got < 0)
		return errno == EINTR ? 0 : errno;
	for (len = got; mnl_nlmsg_ok(nlh, len);
	     nlh = mnl_nlmsg_next(nlh, &len))
		if (nlh->nlmsg_type == nl->family)
			handle(nlh);
	return 0;
}
