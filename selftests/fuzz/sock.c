// SPDX-License-Identifier: GPL-2.0
/*
 * Sends requests, and reads the answers.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/genetlink.h>
#include <linux/ipsec_ipip.h>
#include <linux/netlink.h>

#include "sock.h"

static int netlink_open(enum bus bus)
{
	static const int protocols[BUS_N] = {
		[BUS_ROUTE] = NETLINK_ROUTE,
		[BUS_XFRM] = NETLINK_XFRM,
		[BUS_GENL] = NETLINK_GENERIC,
	};
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocols[bus]);
	int on = 1;

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("netlink socket");
		exit(1);
	}
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	return fd;
}

/* Open the sockets in the namespace of the thread. */
void sock_open(struct sock *sock, bool member)
{
	enum bus bus;
	int group;

	for (bus = 0; bus < BUS_N; bus++)
		sock->fds[bus] = netlink_open(bus);
	sock->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sock->member = member;
	for (group = 1; member && group < 32; group++) {
		setsockopt(sock->fds[BUS_XFRM], SOL_NETLINK,
			   NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
		setsockopt(sock->fds[BUS_GENL], SOL_NETLINK,
			   NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	}
}

void sock_close(struct sock *sock)
{
	enum bus bus;

	for (bus = 0; bus < BUS_N; bus++)
		close(sock->fds[bus]);
	close(sock->udp);
}

void sock_reopen(struct sock *sock)
{
	sock_close(sock);
	sock_open(sock, sock->member);
}

/* The id of the family, if the message of the generic netlink controller is about it */
static void family_of(struct sock *sock, const struct nlmsghdr *head)
{
	const __u8 *at = (__u8 *)NLMSG_DATA(head) + GENL_HDRLEN;
	const __u8 *end = (__u8 *)head + head->nlmsg_len;
	const struct nlattr *attr;
	__u16 id = 0;
	bool ours = false;

	for (; at + NLA_HDRLEN <= end; at += NLA_ALIGN(attr->nla_len)) {
		attr = (const struct nlattr *)at;
		if (attr->nla_len < NLA_HDRLEN)
			break;
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&id, at + NLA_HDRLEN, sizeof(id));
		else if (attr->nla_type == CTRL_ATTR_FAMILY_NAME)
			ours = !strcmp((char *)at + NLA_HDRLEN,
				       IPSEC_IPIP_FAMILY_NAME);
	}
	if (ours && id)
		sock->family = id;
}

/* The verdict among the messages of a datagram, or what it was before. Messages of
 * links and of SAs have the type of the controller, too, but other sockets.
 */
static int verdict_of(struct sock *sock, enum bus bus, int len, int verdict)
{
	const struct nlmsghdr *head = (struct nlmsghdr *)sock->buffer;

	for (; NLMSG_OK(head, len); head = NLMSG_NEXT(head, len)) {
		if (head->nlmsg_type == NLMSG_ERROR ||
		    head->nlmsg_type == NLMSG_DONE)
			verdict = *(int *)NLMSG_DATA(head);
		else if (bus == BUS_GENL && head->nlmsg_type == GENL_ID_CTRL)
			family_of(sock, head);
	}
	return verdict;
}

/**
 * sock_request - send a request
 * @sock: the sockets
 * @msg: the request
 * @rng: random numbers
 *
 * The kernel answers at once. A long dump is often given up in the middle.
 *
 * Return: 0 if the kernel has accepted it.
 */
int sock_request(struct sock *sock, const struct msg *msg, struct rng *rng)
{
	struct nlmsghdr *head = (struct nlmsghdr *)sock->buffer;
	unsigned int patience = 1 + rng_below(rng, 8);
	int verdict = 1, len;

	head->nlmsg_len = NLMSG_HDRLEN +
			  msg_write(msg, rng, sock->buffer + NLMSG_HDRLEN,
				    MSG_MAX);
	head->nlmsg_type = msg->bus == BUS_GENL && msg->type != GENL_ID_CTRL ?
			   sock->family : msg->type;
	head->nlmsg_flags = msg->flags;
	head->nlmsg_seq = ++sock->seq;
	head->nlmsg_pid = 0;
	if (send(sock->fds[msg->bus], head, head->nlmsg_len, MSG_DONTWAIT) < 0)
		return 1;
	while (patience--) {
		len = recv(sock->fds[msg->bus], sock->buffer,
			   sizeof(sock->buffer), MSG_DONTWAIT);
		if (len < 0)
			break;
		verdict = verdict_of(sock, msg->bus, len, verdict);
	}
	return verdict;
}

/* Look up the id of the family. */
bool sock_resolve(struct sock *sock)
{
	const struct genlmsghdr head = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct rng rng = { };
	struct msg *msg = malloc(sizeof(*msg));

	sock->family = 0;
	if (!msg)
		return false;
	msg_init(msg, BUS_GENL, GENL_ID_CTRL, NLM_F_REQUEST, &head,
		 sizeof(head));
	msg_put_str(msg, CTRL_ATTR_FAMILY_NAME, IPSEC_IPIP_FAMILY_NAME);
	sock_request(sock, msg, &rng);
	free(msg);
	return sock->family;
}

void sock_set_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_flags = IFF_UP };

	snprintf(request.ifr_name, IFNAMSIZ, "%s", name);
	ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
}
