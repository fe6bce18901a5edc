/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets of a thread. */
#ifndef FUZZ_SOCK_H
#define FUZZ_SOCK_H

#include "msg.h"

struct sock {
	int fds[BUS_N];
	int udp;
	bool member;		/* of all groups, whose messages it does not read */
	__u16 family;
	__u32 seq;
	__u8 buffer[2 * MSG_MAX];
};

void sock_open(struct sock *sock, bool member);
void sock_reopen(struct sock *sock);
void sock_close(struct sock *sock);
int sock_request(struct sock *sock, const struct msg *msg, struct rng *rng);
bool sock_resolve(struct sock *sock);
void sock_set_up(const char *name);

#endif /* FUZZ_SOCK_H */
