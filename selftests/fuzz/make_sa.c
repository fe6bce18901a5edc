// SPDX-License-Identifier: GPL-2.0
/*
 * Makes requests of the generic netlink family, by the tables of its
 * specification.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "make.h"
#include "spec.h"

static void genl_head(struct msg *msg, __u8 cmd, __u16 flags)
{
	const struct genlmsghdr head = {
		.cmd = cmd,
		.version = IPSEC_IPIP_FAMILY_VERSION,
	};

	msg_init(msg, BUS_GENL, cmd, NLM_F_REQUEST | NLM_F_ACK | flags, &head,
		 sizeof(head));
}

static void put_random(struct msg *msg, struct rng *rng, __u16 type,
		       unsigned int len)
{
	__u8 data[IPSEC_IPIP_KEY_MAX_LEN];

	fill_key(rng, data, len);
	msg_put(msg, type, data, len);
}

static const char * const algorithms[] = {
	"rfc4106(gcm(aes))", "rfc4543(gcm(aes))", "rfc4309(ccm(aes))",
	"cbc(aes)", "ecb(cipher_null)", "rfc3686(ctr(aes))", "hmac(sha256)",
	"hmac(sha1)", "digest_null", "cmac(aes)", "pcrypt(rfc4106(gcm(aes)))",
};

/* An attribute with a value that is often valid */
static void put_attr(struct msg *msg, struct rng *rng, const struct fuzz_set *set,
		     const struct fuzz_attr *attr)
{
	__u64 value = attr->values ? rng_below(rng, attr->values) :
					rng_edge(rng, attr->size);
	__u8 address[16];
	unsigned int n;

	switch (attr->kind) {
	case FUZZ_NUMBER:
		if (set == &fuzz_sa && attr->type == IPSEC_IPIP_A_SA_PROTO)
			value = 50 + rng_percent(rng, 20);
		if (set == &fuzz_sa && attr->type == IPSEC_IPIP_A_SA_SEQ)
			value = rng_edge(rng, 4);
		msg_put(msg, attr->type, &value, attr->size);
		break;
	case FUZZ_STRING:
		msg_put_str(msg, attr->type,
			    algorithms[rng_below(rng, FUZZ_N(algorithms))]);
		break;
	case FUZZ_BINARY:
		if (set == &fuzz_sa && attr->type == IPSEC_IPIP_A_SA_DST) {
			n = outer_address(pick_link(rng), 1 + rng_below(rng, 3),
					  address);
			msg_put(msg, attr->type, address, n);
			break;
		}
		put_random(msg, rng, attr->type,
			   rng_below(rng, IPSEC_IPIP_KEY_MAX_LEN + 1));
		break;
	case FUZZ_FLAG:
		msg_put(msg, attr->type, NULL, 0);
		break;
	case FUZZ_NEST:
		msg_nest(msg, attr->type, true);
		for (n = attr->nest ? rng_below(rng, 4) : 0; n; n--)
			put_attr(msg, rng, attr->nest,
				 &attr->nest->attrs[rng_below(rng, attr->nest->n)]);
		msg_nest_end(msg);
		break;
	}
}

static void put_device(struct msg *msg, struct rng *rng)
{
	const char *name = pick_ifname(rng);

	if (rng_percent(rng, 20))
		msg_put_u32(msg, IPSEC_IPIP_A_SA_IFINDEX, if_nametoindex(name));
	else
		msg_put_str(msg, IPSEC_IPIP_A_SA_IFNAME, name);
}

/* sa-activate takes no direction, since it is about outbound SAs. */
static void put_id(struct msg *msg, struct rng *rng, bool direction)
{
	if (direction)
		msg_put_u32(msg, IPSEC_IPIP_A_SA_DIRECTION, rng_below(rng, 2));
	msg_put_u32(msg, IPSEC_IPIP_A_SA_SPI, pick_spi(rng));
}

static void put_keys(struct msg *msg, struct rng *rng)
{
	switch (make_few ? 2 : rng_below(rng, 4)) {
	case 0:
		msg_put_str(msg, IPSEC_IPIP_A_SA_ENC_NAME, "cbc(aes)");
		put_random(msg, rng, IPSEC_IPIP_A_SA_ENC_KEY, 16);
		msg_put_str(msg, IPSEC_IPIP_A_SA_AUTH_NAME, "hmac(sha256)");
		put_random(msg, rng, IPSEC_IPIP_A_SA_AUTH_KEY, 32);
		break;
	case 1:
		msg_put_u8(msg, IPSEC_IPIP_A_SA_PROTO, 51);
		msg_put_str(msg, IPSEC_IPIP_A_SA_AUTH_NAME, "hmac(sha1)");
		put_random(msg, rng, IPSEC_IPIP_A_SA_AUTH_KEY, 20);
		break;
	default:
		msg_put_str(msg, IPSEC_IPIP_A_SA_AEAD_NAME, "rfc4106(gcm(aes))");
		put_random(msg, rng, IPSEC_IPIP_A_SA_AEAD_KEY, 20);
	}
}

void make_sa(struct msg *msg, struct rng *rng)
{
	genl_head(msg, IPSEC_IPIP_CMD_SA_ADD, 0);
	put_device(msg, rng);
	put_id(msg, rng, true);
	put_keys(msg, rng);
	if (rng_percent(rng, 20))
		msg_put_u32(msg, IPSEC_IPIP_A_SA_MODE, rng_below(rng, 2));
	if (rng_percent(rng, 20))
		msg_put_u32(msg, IPSEC_IPIP_A_SA_REPLAY_WINDOW,
			    rng_below(rng, 200));
	if (rng_percent(rng, 10))
		msg_put(msg, IPSEC_IPIP_A_SA_ESN, NULL, 0);
	while (rng_percent(rng, 30))
		put_attr(msg, rng, &fuzz_sa,
			 &fuzz_sa.attrs[rng_below(rng, fuzz_sa.n)]);
}

/* Any request, with the attributes that it takes */
void make_sa_request(struct msg *msg, struct rng *rng)
{
	const struct fuzz_cmd *cmd = &fuzz_cmds[rng_below(rng, FUZZ_N(fuzz_cmds))];
	const struct fuzz_set *set = &fuzz_sa;
	unsigned int i;

	genl_head(msg, cmd->cmd, cmd->dump ? NLM_F_DUMP : 0);
	if (!cmd->dump || rng_percent(rng, 50))
		put_device(msg, rng);
	if (cmd->cmd == IPSEC_IPIP_CMD_DEV_GET)
		return;
	if (!cmd->dump)
		put_id(msg, rng, cmd->attrs &
		       FUZZ_BIT(IPSEC_IPIP_A_SA_DIRECTION));
	for (i = 0; i < set->n; i++)
		if (cmd->attrs & FUZZ_BIT(set->attrs[i].type) &&
		    set->attrs[i].type > IPSEC_IPIP_A_SA_SPI &&
		    rng_percent(rng, 20))
			put_attr(msg, rng, set, &set->attrs[i]);
}
