// SPDX-License-Identifier: GPL-2.0
/*
 * Makes requests of XFRM, as key managers send them.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/udp.h>
#include <linux/xfrm.h>

#include "make.h"
#include "table.h"

/* newer than the headers of Debian 12 */
#define SA_DIR		33
#define SA_KEEPALIVE	34
#define SA_PCPU		35

static void put_random(struct msg *msg, struct rng *rng, __u16 type,
		       unsigned int len)
{
	__u8 data[256];

	rng_fill(rng, data, len);
	msg_put(msg, type, data, len);
}

static void xfrm_head(struct msg *msg, __u16 type, const void *head,
		      size_t len)
{
	msg_init(msg, BUS_XFRM, type, NLM_F_REQUEST | NLM_F_ACK, head, len);
}

/* The endpoints of a link, in either direction; sometimes others */
static __u16 endpoints(struct rng *rng, unsigned int link,
		       xfrm_address_t *src, xfrm_address_t *dst)
{
	bool out = rng_percent(rng, 50);
	__u8 address[16];
	size_t len;

	len = outer_address(link, out ? 1 : 2 + rng_below(rng, 2), address);
	memcpy(src, address, 16);
	outer_address(link, out ? 2 + rng_below(rng, 2) : 1, address);
	memcpy(dst, address, 16);
	if (rng_percent(rng, 5))
		memset(src, 0, sizeof(*src));
	return len == 4 ? AF_INET : AF_INET6;
}

static void put_if_id(struct msg *msg, struct rng *rng, unsigned int link)
{
	if (rng_percent(rng, 80))
		msg_put_u32(msg, XFRMA_IF_ID, link + 1);
}

static void put_mark(struct msg *msg, struct rng *rng)
{
	const struct xfrm_mark mark = { .v = rng_below(rng, 3), .m = 3 };

	if (rng_percent(rng, 10))
		msg_put(msg, XFRMA_MARK, &mark, sizeof(mark));
}

static void put_encap(struct msg *msg, struct rng *rng, unsigned int percent)
{
	const struct xfrm_encap_tmpl encap = {
		.encap_type = UDP_ENCAP_ESPINUDP,
		.encap_sport = htons(4500),
		.encap_dport = htons(4500 + rng_below(rng, 2)),
	};

	if (rng_percent(rng, percent))
		msg_put(msg, XFRMA_ENCAP, &encap, sizeof(encap));
}

static void put_algorithms(struct msg *msg, struct rng *rng)
{
	struct {
		struct xfrm_algo_aead head;
		__u8 key[20];
	} aead = { .head = { "rfc4106(gcm(aes))", 160, 128 } };
	struct {
		struct xfrm_algo head;
		__u8 key[16];
	} enc = { .head = { "cbc(aes)", 128 } };
	struct {
		struct xfrm_algo_auth head;
		__u8 key[32];
	} auth = { .head = { "hmac(sha256)", 256, 128 } };

	fill_key(rng, aead.key, sizeof(aead.key));
	fill_key(rng, enc.key, sizeof(enc.key));
	fill_key(rng, auth.key, sizeof(auth.key));
	if (make_few || rng_percent(rng, 60)) {
		msg_put(msg, XFRMA_ALG_AEAD, &aead, sizeof(aead));
		return;
	}
	msg_put(msg, XFRMA_ALG_CRYPT, &enc, sizeof(enc));
	if (rng_percent(rng, 90))
		msg_put(msg, XFRMA_ALG_AUTH_TRUNC, &auth, sizeof(auth));
}

static void put_esn(struct msg *msg, struct rng *rng)
{
	struct {
		struct xfrm_replay_state_esn head;
		__u32 bits[4];
	} esn = { .head = {
		.bmp_len = FUZZ_N(esn.bits),
		.replay_window = 1 + rng_below(rng, 128),
		.oseq = rng_edge(rng, 4),
		.seq = rng_edge(rng, 4),
	} };

	msg_put(msg, XFRMA_REPLAY_ESN_VAL, &esn, sizeof(esn));
}

static void put_rest(struct msg *msg, struct rng *rng)
{
	const struct xfrm_user_offload offload = {
		.ifindex = if_nametoindex(UNDERLAY),
		.flags = rng_below(rng, 8),
	};

	switch (rng_below(rng, 12)) {
	case 0:
		put_esn(msg, rng);
		break;
	case 1:
		msg_put_u32(msg, XFRMA_SET_MARK, rng_edge(rng, 4));
		break;
	case 2:
		msg_put_u32(msg, XFRMA_SA_EXTRA_FLAGS, rng_below(rng, 4));
		break;
	case 3:
		msg_put(msg, XFRMA_OFFLOAD_DEV, &offload, sizeof(offload));
		break;
	case 4:
		put_random(msg, rng, XFRMA_COADDR, 16);
		break;
	case 5:
		msg_put_u32(msg, XFRMA_MTIMER_THRESH, rng_below(rng, 100));
		break;
	case 6:
		msg_put_u8(msg, SA_DIR, 1 + rng_below(rng, 2));
		break;
	case 7:
		msg_put_u32(msg, SA_PCPU, rng_below(rng, 3));
		break;
	case 8:
		msg_put_u32(msg, SA_KEEPALIVE, rng_below(rng, 30));
		break;
	case 9:
		msg_put_u32(msg, XFRMA_TFCPAD, rng_below(rng, 2000));
		break;
	}
}

static void fill_limits(struct rng *rng, struct xfrm_lifetime_cfg *limits)
{
	limits->soft_byte_limit = XFRM_INF;
	limits->hard_byte_limit = XFRM_INF;
	limits->soft_packet_limit = XFRM_INF;
	limits->hard_packet_limit = rng_percent(rng, 20) ? rng_below(rng, 5) :
							   XFRM_INF;
	if (rng_percent(rng, 10))
		limits->hard_add_expires_seconds = 1 + rng_below(rng, 3);
}

static void fill_selector(struct rng *rng, struct xfrm_selector *sel,
			  __u16 family)
{
	sel->family = family;
	if (rng_percent(rng, 70))
		return;
	sel->prefixlen_s = 8;
	sel->prefixlen_d = 8 * rng_below(rng, 5);
	sel->saddr.a4 = htonl(0x0a000000);
	sel->daddr.a4 = htonl(0x0a000002);
	if (rng_percent(rng, 20))
		sel->proto = 17;
	if (rng_percent(rng, 10))
		sel->ifindex = rng_below(rng, 10);
}

static void fill_sa(struct rng *rng, struct xfrm_usersa_info *sa,
		    unsigned int link)
{
	memset(sa, 0, sizeof(*sa));
	sa->family = endpoints(rng, link, &sa->saddr, &sa->id.daddr);
	sa->id.spi = pick_spi(rng);
	sa->id.proto = rng_percent(rng, 90) ? IPPROTO_ESP : IPPROTO_AH;
	sa->mode = rng_percent(rng, 60) ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
	sa->reqid = rng_below(rng, 3);
	sa->replay_window = rng_below(rng, 33);
	fill_selector(rng, &sa->sel, rng_percent(rng, 80) ? sa->family :
							    AF_UNSPEC);
	if (sa->mode == XFRM_MODE_TUNNEL)
		sa->flags |= XFRM_STATE_AF_UNSPEC;
	if (rng_percent(rng, 5))
		sa->flags |= 1U << rng_below(rng, 8);
	fill_limits(rng, &sa->lft);
}

void make_xfrm_sa(struct msg *msg, struct rng *rng)
{
	unsigned int link = pick_link(rng);
	struct xfrm_usersa_info sa;

	fill_sa(rng, &sa, link);
	xfrm_head(msg, rng_percent(rng, 70) ? XFRM_MSG_NEWSA : XFRM_MSG_UPDSA,
		  &sa, sizeof(sa));
	if (sa.id.proto == IPPROTO_ESP)
		put_algorithms(msg, rng);
	put_if_id(msg, rng, link);
	put_mark(msg, rng);
	put_encap(msg, rng, 10);
	if (rng_percent(rng, 25))
		put_rest(msg, rng);
}

void make_xfrm_sa_id(struct msg *msg, struct rng *rng)
{
	struct xfrm_usersa_id id = {
		.spi = pick_spi(rng),
		.proto = IPPROTO_ESP,
	};
	xfrm_address_t src;

	id.family = endpoints(rng, pick_link(rng), &src, &id.daddr);
	if (rng_percent(rng, 10)) {
		xfrm_head(msg, XFRM_MSG_GETSA, &id, sizeof(id));
		msg->flags |= rng_percent(rng, 50) ? NLM_F_DUMP : 0;
	} else {
		xfrm_head(msg, XFRM_MSG_DELSA, &id, sizeof(id));
	}
	put_mark(msg, rng);
	if (rng_percent(rng, 10))
		msg_put(msg, XFRMA_SRCADDR, &src, sizeof(src));
}

void make_xfrm_spi(struct msg *msg, struct rng *rng)
{
	unsigned int link = pick_link(rng);
	struct xfrm_userspi_info spi = {
		.min = FIRST_SPI,
		.max = FIRST_SPI + N_SPIS - 1,
	};

	fill_sa(rng, &spi.info, link);
	spi.info.id.spi = 0;
	xfrm_head(msg, XFRM_MSG_ALLOCSPI, &spi, sizeof(spi));
	put_if_id(msg, rng, link);
	put_mark(msg, rng);
}

void make_xfrm_policy(struct msg *msg, struct rng *rng)
{
	unsigned int link = pick_link(rng);
	struct xfrm_userpolicy_info policy = {
		.priority = rng_below(rng, 3),
		.dir = rng_below(rng, 3),
		.action = rng_percent(rng, 10) ? XFRM_POLICY_BLOCK :
						 XFRM_POLICY_ALLOW,
		.index = rng_percent(rng, 5) ? rng_below(rng, 64) : 0,
	};
	struct xfrm_user_tmpl tmpl = {
		.id.proto = IPPROTO_ESP,
		.mode = XFRM_MODE_TUNNEL,
		.reqid = rng_below(rng, 3),
		.aalgos = ~0U,
		.ealgos = ~0U,
		.calgos = ~0U,
	};

	tmpl.family = endpoints(rng, link, &tmpl.saddr, &tmpl.id.daddr);
	fill_selector(rng, &policy.sel, rng_percent(rng, 50) ? AF_INET :
							       AF_INET6);
	fill_limits(rng, &policy.lft);
	xfrm_head(msg, rng_percent(rng, 70) ? XFRM_MSG_NEWPOLICY :
					      XFRM_MSG_UPDPOLICY,
		  &policy, sizeof(policy));
	msg_put(msg, XFRMA_TMPL, &tmpl, sizeof(tmpl));
	put_if_id(msg, rng, link);
	put_mark(msg, rng);
}

void make_xfrm_policy_id(struct msg *msg, struct rng *rng)
{
	struct xfrm_userpolicy_id id = {
		.dir = rng_below(rng, 3),
		.index = rng_percent(rng, 50) ? rng_below(rng, 64) : 0,
	};

	fill_selector(rng, &id.sel, rng_percent(rng, 50) ? AF_INET : AF_INET6);
	xfrm_head(msg, rng_percent(rng, 80) ? XFRM_MSG_DELPOLICY :
					      XFRM_MSG_GETPOLICY,
		  &id, sizeof(id));
	put_if_id(msg, rng, pick_link(rng));
	put_mark(msg, rng);
}

/* There must be no SA with the SPI to the new address. */
static void fill_new_address(struct rng *rng, struct xfrm_user_migrate *move)
{
	__u8 *address = (__u8 *)&move->new_daddr;

	if (!memcmp(&move->old_daddr, &move->new_daddr, sizeof(move->new_daddr)))
		return;
	if (move->new_family == AF_INET)
		rng_fill(rng, address + 1, 3);
	else
		rng_fill(rng, address + 8, 8);
}

void make_xfrm_migrate(struct msg *msg, struct rng *rng)
{
	struct xfrm_userpolicy_id id = { .dir = rng_below(rng, 3) };
	struct xfrm_user_migrate move[2] = {};
	unsigned int link = pick_link(rng), i;
	unsigned int n = 1 + rng_below(rng, 2);

	fill_selector(rng, &id.sel, rng_percent(rng, 50) ? AF_INET : AF_INET6);
	xfrm_head(msg, XFRM_MSG_MIGRATE, &id, sizeof(id));
	for (i = 0; i < n; i++) {
		move[i].proto = IPPROTO_ESP;
		move[i].mode = XFRM_MODE_TUNNEL;
		move[i].reqid = rng_below(rng, 3);
		move[i].old_family = endpoints(rng, link, &move[i].old_saddr,
					       &move[i].old_daddr);
		move[i].new_family = endpoints(rng, link, &move[i].new_saddr,
					       &move[i].new_daddr);
		fill_new_address(rng, &move[i]);
	}
	msg_put(msg, XFRMA_MIGRATE, move, n * sizeof(move[0]));
	put_if_id(msg, rng, link);
	put_encap(msg, rng, 20);
}

void make_xfrm_flush(struct msg *msg, struct rng *rng)
{
	const struct xfrm_usersa_flush flush = {
		.proto = rng_percent(rng, 50) ? IPPROTO_ESP : 0,
	};

	if (rng_percent(rng, 50))
		xfrm_head(msg, XFRM_MSG_FLUSHSA, &flush, sizeof(flush));
	else
		xfrm_head(msg, XFRM_MSG_FLUSHPOLICY, NULL, 0);
}

void make_xfrm_expire(struct msg *msg, struct rng *rng)
{
	struct xfrm_user_expire expire = { .hard = rng_below(rng, 2) };

	fill_sa(rng, &expire.state, pick_link(rng));
	xfrm_head(msg, XFRM_MSG_EXPIRE, &expire, sizeof(expire));
	put_mark(msg, rng);
}

void make_xfrm_aevent(struct msg *msg, struct rng *rng)
{
	const struct xfrm_replay_state replay = {
		.oseq = rng_edge(rng, 4),
		.seq = rng_edge(rng, 4),
	};
	const struct xfrm_lifetime_cur used = { .packets = rng_edge(rng, 4) };
	struct xfrm_aevent_id id = {
		.sa_id.spi = pick_spi(rng),
		.sa_id.proto = IPPROTO_ESP,
	};

	id.sa_id.family = endpoints(rng, pick_link(rng), &id.saddr,
				    &id.sa_id.daddr);
	xfrm_head(msg, XFRM_MSG_NEWAE, &id, sizeof(id));
	msg->flags |= NLM_F_REPLACE;
	if (rng_percent(rng, 50))
		msg_put(msg, XFRMA_REPLAY_VAL, &replay, sizeof(replay));
	else if (rng_percent(rng, 50))
		put_esn(msg, rng);
	msg_put(msg, XFRMA_LTIME_VAL, &used, sizeof(used));
	put_mark(msg, rng);
}
