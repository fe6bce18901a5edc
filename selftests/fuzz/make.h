/* SPDX-License-Identifier: GPL-2.0 */
/* Makers of valid requests; msg_spoil() makes them invalid. */
#ifndef FUZZ_MAKE_H
#define FUZZ_MAKE_H

#include "msg.h"

#define N_LINKS		5	/* fuzz0 to fuzz4 */
#define N_ENCS		2	/* enc0, enc1 */
#define N_SPIS		12
#define FIRST_SPI	0x1001
#define UNDERLAY	"under0"

/* File descriptors of network namespaces, shared by the threads */
#define N_NETNS		3
extern int netns_fds[N_NETNS];

/* For races: few links and SPIs, and keys that the peer has too */
extern bool make_few;

struct maker {
	const char *name;
	unsigned int weight;
	void (*make)(struct msg *msg, struct rng *rng);
};

extern const struct maker makers[];
extern const unsigned int n_makers;
unsigned int pick_maker(struct rng *rng);

void make_link(struct msg *msg, struct rng *rng);
void make_link_change(struct msg *msg, struct rng *rng);
void make_link_delete(struct msg *msg, struct rng *rng);
void make_enc(struct msg *msg, struct rng *rng);
void make_link_get(struct msg *msg, struct rng *rng);
void make_updown(struct msg *msg, struct rng *rng);
void make_move(struct msg *msg, struct rng *rng);
void make_underlay(struct msg *msg, struct rng *rng);
void make_address(struct msg *msg, struct rng *rng);
void make_route(struct msg *msg, struct rng *rng);

void make_sa(struct msg *msg, struct rng *rng);
void make_sa_request(struct msg *msg, struct rng *rng);

void make_xfrm_sa(struct msg *msg, struct rng *rng);
void make_xfrm_sa_id(struct msg *msg, struct rng *rng);
void make_xfrm_spi(struct msg *msg, struct rng *rng);
void make_xfrm_policy(struct msg *msg, struct rng *rng);
void make_xfrm_policy_id(struct msg *msg, struct rng *rng);
void make_xfrm_migrate(struct msg *msg, struct rng *rng);
void make_xfrm_flush(struct msg *msg, struct rng *rng);
void make_xfrm_expire(struct msg *msg, struct rng *rng);
void make_xfrm_aevent(struct msg *msg, struct rng *rng);

/* Outer address a (1: this host) of link i; IPv6 for every third link */
size_t outer_address(unsigned int link, unsigned int a, __u8 to[16]);
unsigned int pick_link(struct rng *rng);
const char *pick_ifname(struct rng *rng);
__u32 pick_spi(struct rng *rng);
void fill_key(struct rng *rng, __u8 *key, size_t len);

#endif /* FUZZ_MAKE_H */
