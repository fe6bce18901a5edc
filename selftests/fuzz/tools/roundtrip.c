// SPDX-License-Identifier: GPL-2.0
/*
 * A link that the kernel shows, made of the input: the text of "export" and of
 * "showconf" is read again, and must give the same SAs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "algs.h"
#include "conf.h"
#include "ipsi.h"
#include "setup.h"
#include "world.h"

#define MADE	"/x/ipsec0.conf"

/* Bytes of the input, zeros after its end */
struct input {
	const uint8_t *data;
	size_t len;
};

/* An SA as the kernel has it */
struct sa {
	bool in, esn, encap, tunnel;
	uint8_t proto;
	uint32_t spi, icv_bits, reqid, window;
	const struct ipsi_alg *enc, *auth;
	struct ipsi_key enc_key, auth_key;
	uint16_t sport, dport;
	uint64_t limit;
};

static uint32_t take(struct input *in, size_t n)
{
	uint32_t value = 0;

	for (; n; n--) {
		value = value << 8 | (in->len ? *in->data : 0);
		if (in->len) {
			in->data++;
			in->len--;
		}
	}
	return value;
}

static const struct ipsi_alg *take_alg(struct input *in,
				       enum ipsi_alg_kind kind)
{
	size_t i = take(in, 1) % ipsi_n_algs;

	while (ipsi_algs[i].kind != kind)
		i = (i + 1) % ipsi_n_algs;
	return &ipsi_algs[i];
}

static void take_key(struct input *in, const struct ipsi_alg *alg,
		     struct ipsi_key *key)
{
	size_t i;

	key->len = alg->key_len;
	for (i = 0; i < key->len; i++)
		key->data[i] = take(in, 1);
}

/* Only what the kernel accepts, so everything must come back. */
static void take_sa(struct input *in, struct sa *sa, bool inbound)
{
	const uint8_t flags = take(in, 1);

	memset(sa, 0, sizeof(*sa));
	sa->in = inbound;
	sa->proto = flags & 1 ? IPPROTO_AH : IPPROTO_ESP;
	sa->esn = flags & 2;
	sa->encap = sa->proto == IPPROTO_ESP && flags & 4;
	sa->tunnel = inbound && flags & 8;
	sa->spi = take(in, 4) | 0x100;
	sa->auth = take_alg(in, IPSI_ALG_AUTH);
	take_key(in, sa->auth, &sa->auth_key);
	sa->icv_bits = sa->auth->icv_bits;
	if (sa->proto == IPPROTO_ESP) {
		do {
			sa->enc = take_alg(in, IPSI_ALG_ENC);
		} while (ipsi_counter_mode(sa->enc->name) && in->len);
		if (ipsi_counter_mode(sa->enc->name))
			sa->enc = ipsi_alg_find("cbc(aes)");
		take_key(in, sa->enc, &sa->enc_key);
	}
	sa->reqid = take(in, 1);
	sa->window = inbound ? take(in, 1) * 8 : 0;
	if (sa->esn && inbound && !sa->window)
		sa->window = 64;
	sa->sport = take(in, 2) | 1;
	sa->dport = take(in, 2) | 1;
	sa->limit = take(in, 4);
}

static struct nlmsghdr *begin(void *buf, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = 0x20;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	return nlh;
}

static void answer_end(void)
{
	char buf[64] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nlmsgerr *err;

	nlh->nlmsg_type = NLMSG_ERROR;
	err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));
	err->error = 0;
	world_answer(buf, nlh->nlmsg_len);
}

static void answer_dev(void)
{
	const struct in_addr local = { htonl(0x0a000001) };
	const struct in_addr remote = { htonl(0x0a000002) };
	char buf[512] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = begin(buf, IPSEC_IPIP_CMD_DEV_GET);

	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_DEV_IFINDEX, 2);
	mnl_attr_put_strz(nlh, IPSEC_IPIP_A_DEV_IFNAME, "ipsec0");
	mnl_attr_put(nlh, IPSEC_IPIP_A_DEV_LOCAL, sizeof(local), &local);
	mnl_attr_put(nlh, IPSEC_IPIP_A_DEV_REMOTE, sizeof(remote), &remote);
	world_answer(buf, nlh->nlmsg_len);
	answer_end();
}

static void put_alg(struct nlmsghdr *nlh, const struct ipsi_alg *alg,
		    const struct ipsi_key *key, uint16_t name, uint16_t id)
{
	if (!alg)
		return;
	mnl_attr_put_strz(nlh, name, alg->name);
	if (key->len)
		mnl_attr_put(nlh, id, key->len, key->data);
}

static void put_encap(struct nlmsghdr *nlh, const struct sa *sa)
{
	struct nlattr *nest;

	if (!sa->encap)
		return;
	nest = mnl_attr_nest_start(nlh, IPSEC_IPIP_A_SA_ENCAP);
	mnl_attr_put_u16(nlh, IPSEC_IPIP_A_ENCAP_SPORT, htons(sa->sport));
	mnl_attr_put_u16(nlh, IPSEC_IPIP_A_ENCAP_DPORT, htons(sa->dport));
	mnl_attr_nest_end(nlh, nest);
}

static void answer_sa(const struct sa *sa)
{
	char buf[2048] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = begin(buf, IPSEC_IPIP_CMD_SA_GET);
	struct nlattr *nest;

	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_DIRECTION,
			 sa->in ? IPSEC_IPIP_DIRECTION_IN :
				  IPSEC_IPIP_DIRECTION_OUT);
	mnl_attr_put_u8(nlh, IPSEC_IPIP_A_SA_PROTO, sa->proto);
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_SPI, htonl(sa->spi));
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_MODE, sa->tunnel ?
			 IPSEC_IPIP_MODE_TUNNEL : IPSEC_IPIP_MODE_TRANSPORT);
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_REQID, sa->reqid);
	put_alg(nlh, sa->enc, &sa->enc_key, IPSEC_IPIP_A_SA_ENC_NAME,
		IPSEC_IPIP_A_SA_ENC_KEY);
	put_alg(nlh, sa->auth, &sa->auth_key, IPSEC_IPIP_A_SA_AUTH_NAME,
		IPSEC_IPIP_A_SA_AUTH_KEY);
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_ICV_BITS, sa->icv_bits);
	mnl_attr_put_u32(nlh, IPSEC_IPIP_A_SA_REPLAY_WINDOW, sa->window);
	if (sa->esn)
		mnl_attr_put(nlh, IPSEC_IPIP_A_SA_ESN, 0, NULL);
	nest = mnl_attr_nest_start(nlh, IPSEC_IPIP_A_SA_LIFETIME);
	mnl_attr_put_u64(nlh, IPSEC_IPIP_A_LIFETIME_HARD_BYTES, sa->limit);
	mnl_attr_nest_end(nlh, nest);
	put_encap(nlh, sa);
	if (!sa->in)
		mnl_attr_put(nlh, IPSEC_IPIP_A_SA_ACTIVE, 0, NULL);
	world_answer(buf, nlh->nlmsg_len);
}

static void kernel(const struct sa sas[2])
{
	world_begin();
	/* The family */
	answer_end();
	answer_dev();
	answer_sa(&sas[0]);
	answer_sa(&sas[1]);
}

/* Runs a command, and makes a file of its output. Returns its exit code. */
static int text_of(int (*verb)(int argc, char **argv), char **argv, int argc,
		   const char *path)
{
	char text[16384];
	int ret = verb(argc, argv);
	ssize_t len;

	fflush(stdout);
	len = pread(fileno(stdout), text, sizeof(text), 0);
	if (len < 0)
		abort();
	world_file(path, text, len);
	return ret;
}

static bool same_key(const struct ipsi_key *a, const struct ipsi_key *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

/* @mirrored: the text is for the peer, to which "in" is "out". */
static void check_conf(const struct sa *sa, const struct ipsi_conf *conf,
		       bool mirrored)
{
	const uint32_t direction = sa->in != mirrored ?
				   IPSEC_IPIP_DIRECTION_IN :
				   IPSEC_IPIP_DIRECTION_OUT;
	const struct ipsi_sa_args *args;
	size_t i;

	for (i = 0; i < conf->n_sa; i++) {
		args = &conf->sa[i]->args;
		if (args->id.direction != direction)
			continue;
		if (args->id.spi != sa->spi || args->id.proto != sa->proto ||
		    args->esn != sa->esn || args->has_encap != sa->encap ||
		    !same_key(&args->auth_key, &sa->auth_key) ||
		    !same_key(&args->enc_key, &sa->enc_key))
			abort();
		if (sa->encap && (args->sport != sa->sport ||
				  args->dport != sa->dport))
			abort();
		return;
	}
	abort();
}

static void check_file(const struct sa sas[2], bool mirrored)
{
	struct ipsi_conf conf = {};

	if (ipsi_conf_load(&conf, MADE) || conf.n_sa != 2)
		abort();
	check_conf(&sas[0], &conf, mirrored);
	check_conf(&sas[1], &conf, mirrored);
	ipsi_conf_free(&conf);
}

/* The exported text, for which the peer runs import */
static void check_import(const struct sa sas[2], const char *format)
{
	char *export[] = { "ipsec0", "--to", (char *)format, NULL };
	char *import[] = { "/in", "--dir", "/x", NULL };

	kernel(sas);
	if (!text_of(ipsi_export, export, 3, "/in")) {
		if (ipsi_import(3, import))
			abort();
		check_file(sas, true);
	}
	world_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *export[] = { "ipsec0", "--to", "self", NULL };
	char *dev[] = { "ipsec0", NULL };
	struct input in = { data, len };
	struct sa sas[2];

	take_sa(&in, &sas[0], false);
	take_sa(&in, &sas[1], true);
	kernel(sas);
	if (text_of(ipsi_showconf, dev, 1, MADE))
		abort();
	check_file(sas, false);
	world_end();
	kernel(sas);
	if (text_of(ipsi_export, export, 3, MADE))
		abort();
	check_file(sas, true);
	world_end();
	check_import(sas, "ip-xfrm");
	check_import(sas, "openbsd");
	return 0;
}
