// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip sa add: read all words, then make one request. The kernel validates
 * the values and their combinations.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "attrs.h"
#include "ipsi.h"
#include "nl.h"
#include "query.h"
#include "sa-add.h"
#include "sa-id.h"

static int ipsi_parse_mode(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->has_mode = true;
	if (!strcmp(args[0], "transport"))
		sa->mode = IPSEC_IPIP_MODE_TRANSPORT;
	else if (!strcmp(args[0], "tunnel"))
		sa->mode = IPSEC_IPIP_MODE_TUNNEL;
	else
		return ipsi_usage("mode: \"%s\" is neither transport nor tunnel",
				  args[0]);
	return IPSI_OK;
}

static int ipsi_parse_reqid(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->has_reqid = true;
	return ipsi_arg_u32("reqid", args[0], &sa->reqid);
}

static int ipsi_parse_icv(struct ipsi_sa_args *sa, const char *word,
			  const char *arg)
{
	sa->has_icv = true;
	return ipsi_arg_u32(word, arg, &sa->icv_bits);
}

static int ipsi_parse_aead(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;
	int ret;

	sa->aead = args[0];
	ret = ipsi_key_read("aead-key", args[1], &sa->aead_key);
	if (!ret)
		ret = ipsi_parse_icv(sa, "aead ICVBITS", args[2]);
	return ret;
}

static int ipsi_parse_enc(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->enc = args[0];
	return ipsi_key_read("enc-key", args[1], &sa->enc_key);
}

static int ipsi_parse_auth(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->auth = args[0];
	return ipsi_key_read("auth-key", args[1], &sa->auth_key);
}

static int ipsi_parse_auth_trunc(void *ctx, char **args)
{
	int ret = ipsi_parse_auth(ctx, args);

	if (!ret)
		ret = ipsi_parse_icv(ctx, "auth-trunc ICVBITS", args[2]);
	return ret;
}

static int ipsi_parse_window(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->has_window = true;
	return ipsi_arg_u32("replay-window", args[0], &sa->window);
}

static int ipsi_parse_esn(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	(void)args;
	sa->esn = true;
	return IPSI_OK;
}

static int ipsi_parse_flag(void *ctx, char **args)
{
	if (strcmp(args[0], "esn"))
		return ipsi_usage("flag: \"%s\" is not esn, the only known flag",
				  args[0]);
	return ipsi_parse_esn(ctx, args);
}

static int ipsi_parse_seq(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->has_seq = true;
	return ipsi_arg_number("seq", args[0], UINT64_MAX, &sa->seq);
}

/* The words of "ip xfrm state". */
static const char * const ipsi_limit_words[] = {
	[IPSEC_IPIP_A_LIFETIME_SOFT_BYTES]	 = "byte-soft",
	[IPSEC_IPIP_A_LIFETIME_HARD_BYTES]	 = "byte-hard",
	[IPSEC_IPIP_A_LIFETIME_SOFT_PACKETS]	 = "packet-soft",
	[IPSEC_IPIP_A_LIFETIME_HARD_PACKETS]	 = "packet-hard",
	[IPSEC_IPIP_A_LIFETIME_SOFT_ADD_SECONDS] = "time-soft",
	[IPSEC_IPIP_A_LIFETIME_HARD_ADD_SECONDS] = "time-hard",
	[IPSEC_IPIP_A_LIFETIME_SOFT_USE_SECONDS] = "time-use-soft",
	[IPSEC_IPIP_A_LIFETIME_HARD_USE_SECONDS] = "time-use-hard",
};

/* The word of a limit, IPSEC_IPIP_A_LIFETIME_*. */
const char *ipsi_sa_limit_word(unsigned int id)
{
	return ipsi_limit_words[id];
}

static int ipsi_parse_limit(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;
	unsigned int id;

	for (id = 0; id < IPSI_ARRAY_SIZE(ipsi_limit_words); id++)
		if (ipsi_limit_words[id] &&
		    !strcmp(args[0], ipsi_limit_words[id]))
			break;
	if (id == IPSI_ARRAY_SIZE(ipsi_limit_words))
		return ipsi_usage("limit: \"%s\" is not {time|time-use|byte|packet}-{soft|hard}",
				  args[0]);
	if (sa->has_limit & 1U << id)
		return ipsi_usage("limit %s: given twice", args[0]);
	sa->has_limit |= 1U << id;
	return ipsi_arg_number(args[0], args[1], UINT64_MAX, &sa->limit[id]);
}

static int ipsi_parse_encap(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;
	uint64_t sport = 0, dport = 0;
	int ret;

	if (strcmp(args[0], "espinudp"))
		return ipsi_usage("encap: \"%s\" is not espinudp, the only known type",
				  args[0]);
	sa->has_encap = true;
	ret = ipsi_arg_number("encap SPORT", args[1], UINT16_MAX, &sport);
	if (!ret)
		ret = ipsi_arg_number("encap DPORT", args[2], UINT16_MAX,
				      &dport);
	sa->sport = sport;
	sa->dport = dport;
	return ret;
}

static int ipsi_parse_pcpu(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->has_pcpu = true;
	return ipsi_arg_u32("pcpu", args[0], &sa->pcpu);
}

static int ipsi_parse_offload(void *ctx, char **args)
{
	struct ipsi_sa_args *sa = ctx;

	sa->has_offload = true;
	if (!strcmp(args[0], "crypto"))
		sa->offload = IPSEC_IPIP_OFFLOAD_CRYPTO;
	else if (!strcmp(args[0], "packet"))
		sa->offload = IPSEC_IPIP_OFFLOAD_PACKET;
	else
		return ipsi_usage("offload: \"%s\" is neither crypto nor packet",
				  args[0]);
	if (strcmp(args[1], "dev"))
		return ipsi_usage("offload: dev expected instead of \"%s\"",
				  args[1]);
	sa->offload_dev = args[2];
	return IPSI_OK;
}

/* The offloading device is in the namespace of the underlay. */
static int ipsi_find_offload(struct ipsi_sa_args *sa)
{
	int err;

	if (!sa->has_offload)
		return IPSI_OK;
	err = ipsi_query_underlay_index(sa->id.dev, sa->offload_dev,
					&sa->offload_ifindex);
	if (err == EPERM)
		return ipsi_fail("offload: %s: CAP_NET_ADMIN required in the underlay's namespace",
				 sa->offload_dev);
	if (err)
		return ipsi_fail("offload: %s: %s", sa->offload_dev,
				 strerror(err));
	return IPSI_OK;
}

static int ipsi_parse_foreign(void *ctx, char **args)
{
	(void)ctx;
	/* The word itself is before its arguments. */
	return ipsi_usage("unknown word \"%s\": it is a property of the device, leave it out",
			  args[-1]);
}

static const struct ipsi_word ipsi_sa_words[] = {
	{ .word = "spi", .n_args = 1, .args = "SPI",
	  .help = "security parameter index, 0x100 to 0xffffffff",
	  .parse = ipsi_parse_spi },
	{ .word = "proto", .n_args = 1, .args = "{esp|ah}",
	  .help = "protocol, esp by default", .parse = ipsi_parse_proto },
	{ .word = "mode", .n_args = 1, .args = "{transport|tunnel}",
	  .help = "mode, transport by default", .parse = ipsi_parse_mode },
	{ .word = "reqid", .n_args = 1, .args = "N",
	  .help = "request id, that of the device by default",
	  .parse = ipsi_parse_reqid },
	{ .word = "aead", .n_args = 3, .args = "NAME KEY ICVBITS",
	  .help = "cipher with integrity, excludes the next three",
	  .parse = ipsi_parse_aead },
	{ .word = "enc", .n_args = 2, .args = "NAME KEY",
	  .help = "cipher, such as cbc(aes)", .parse = ipsi_parse_enc },
	{ .word = "auth", .n_args = 2, .args = "NAME KEY",
	  .help = "integrity, such as hmac(sha256)",
	  .parse = ipsi_parse_auth },
	{ .word = "auth-trunc", .n_args = 3, .args = "NAME KEY ICVBITS",
	  .help = "integrity, truncated to so many bits", .same_as = "auth",
	  .parse = ipsi_parse_auth_trunc },
	{ .word = "replay-window", .n_args = 1, .args = "N",
	  .help = "packets, 0 by default; for inbound SAs",
	  .parse = ipsi_parse_window },
	{ .word = "esn", .help = "extended sequence numbers",
	  .parse = ipsi_parse_esn },
	{ .word = "flag", .n_args = 1, .args = "esn", .same_as = "esn",
	  .help = "the same", .parse = ipsi_parse_flag },
	{ .word = "seq", .n_args = 1, .args = "N",
	  .help = "last sequence number used", .parse = ipsi_parse_seq },
	{ .word = "limit", .n_args = 2, .args = "LIMIT N", .repeats = true,
	  .help = "LIMIT: {time|time-use|byte|packet}-{soft|hard}",
	  .parse = ipsi_parse_limit },
	{ .word = "encap", .n_args = 3, .args = "espinudp SPORT DPORT",
	  .help = "ESP in UDP", .parse = ipsi_parse_encap },
	{ .word = "pcpu", .n_args = 1, .args = "N",
	  .help = "for this CPU alone", .parse = ipsi_parse_pcpu },
	{ .word = "offload", .n_args = 3, .args = "crypto dev IFACE",
	  .help = "let this interface encrypt",
	  .parse = ipsi_parse_offload },
	{ .word = "src", .args = "", .parse = ipsi_parse_foreign },
	{ .word = "dst", .args = "", .parse = ipsi_parse_foreign },
	{ .word = "if_id", .args = "", .parse = ipsi_parse_foreign },
	{ .word = "mark", .args = "", .parse = ipsi_parse_foreign },
};

const struct ipsi_words ipsi_sa_add_words = {
	.words = ipsi_sa_words, .n = IPSI_ARRAY_SIZE(ipsi_sa_words)
};

/**
 * ipsi_sa_parse_words() - read words of the description of an SA
 * @sa: the result
 * @argc: number of arguments
 * @argv: the arguments; keys among them are wiped
 *
 * Return: exit code.
 */
int ipsi_sa_parse_words(struct ipsi_sa_args *sa, int argc, char **argv)
{
	return ipsi_parse_words(ipsi_sa_words, IPSI_ARRAY_SIZE(ipsi_sa_words),
				sa, argc, argv);
}

/**
 * ipsi_sa_check() - check a description after all its words
 * @sa: the description
 *
 * Return: exit code.
 */
int ipsi_sa_check(const struct ipsi_sa_args *sa)
{
	if (!sa->id.has_spi)
		return ipsi_usage("spi SPI expected");
	if (sa->aead && (sa->enc || sa->auth))
		return ipsi_usage("aead excludes enc, auth and auth-trunc");
	if (!sa->aead && !sa->enc && !sa->auth)
		return ipsi_usage("aead, enc, auth or auth-trunc expected");
	return IPSI_OK;
}

/**
 * ipsi_sa_parse() - read the description of an SA
 * @sa: the result, zeroed before; the caller wipes it
 * @argc: number of arguments
 * @argv: the arguments, from the device on; keys among them are wiped
 *
 * Return: exit code.
 */
int ipsi_sa_parse(struct ipsi_sa_args *sa, int argc, char **argv)
{
	int ret;

	ret = ipsi_parse_dev_direction(&sa->id, argc, argv);
	if (!ret)
		ret = ipsi_sa_parse_words(sa, argc - 2, argv + 2);
	if (!ret)
		ret = ipsi_sa_check(sa);
	if (!ret)
		ret = ipsi_find_offload(sa);
	return ret;
}

static int ipsi_put_alg(struct nlmsghdr *nlh, uint16_t name_type,
			const char *name, uint16_t key_type,
			const struct ipsi_key *key)
{
	int ret;

	if (!name)
		return IPSI_OK;
	ret = ipsi_nl_put_string(nlh, name_type, name);
	/* An empty key, as for "ecb(cipher_null)", has no attribute. */
	if (!ret && key->len)
		ret = ipsi_nl_put(nlh, key_type, key->data, key->len);
	return ret;
}

static int ipsi_put_limits(struct nlmsghdr *nlh, const struct ipsi_sa_args *sa)
{
	struct nlattr *nest;
	unsigned int id;
	int ret = IPSI_OK;

	if (!sa->has_limit)
		return IPSI_OK;
	nest = mnl_attr_nest_start_check(nlh, IPSI_NL_BUF,
					 IPSEC_IPIP_A_SA_LIFETIME);
	if (!nest)
		return ipsi_nl_too_long();
	for (id = 0; id <= IPSEC_IPIP_A_LIFETIME_MAX && !ret; id++)
		if (sa->has_limit & 1U << id)
			ret = ipsi_nl_put_u64(nlh, id, sa->limit[id]);
	mnl_attr_nest_end(nlh, nest);
	return ret;
}

static int ipsi_put_encap(struct nlmsghdr *nlh, const struct ipsi_sa_args *sa)
{
	const uint16_t sport = htons(sa->sport), dport = htons(sa->dport);
	struct nlattr *nest;
	int ret;

	if (!sa->has_encap)
		return IPSI_OK;
	nest = mnl_attr_nest_start_check(nlh, IPSI_NL_BUF,
					 IPSEC_IPIP_A_SA_ENCAP);
	if (!nest)
		return ipsi_nl_too_long();
	ret = ipsi_nl_put(nlh, IPSEC_IPIP_A_ENCAP_SPORT, &sport,
			  sizeof(sport));
	if (!ret)
		ret = ipsi_nl_put(nlh, IPSEC_IPIP_A_ENCAP_DPORT, &dport,
				  sizeof(dport));
	mnl_attr_nest_end(nlh, nest);
	return ret;
}

static int ipsi_put_hardware(struct nlmsghdr *nlh,
			     const struct ipsi_sa_args *sa)
{
	int ret = IPSI_OK;

	if (sa->has_pcpu)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_PCPU, sa->pcpu);
	if (!ret && sa->has_offload)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_OFFLOAD,
				      sa->offload);
	if (!ret && sa->has_offload)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_OFFLOAD_IFINDEX,
				      sa->offload_ifindex);
	return ret;
}

static int ipsi_put_numbers(struct nlmsghdr *nlh, const struct ipsi_sa_args *sa)
{
	int ret = IPSI_OK;

	if (sa->has_mode)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_MODE, sa->mode);
	if (!ret && sa->has_reqid)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_REQID, sa->reqid);
	if (!ret && sa->has_icv)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_ICV_BITS,
				      sa->icv_bits);
	if (!ret && sa->has_window)
		ret = ipsi_nl_put_u32(nlh, IPSEC_IPIP_A_SA_REPLAY_WINDOW,
				      sa->window);
	if (!ret && sa->esn)
		ret = ipsi_nl_put(nlh, IPSEC_IPIP_A_SA_ESN, NULL, 0);
	if (!ret && sa->has_seq)
		ret = ipsi_nl_put_u64(nlh, IPSEC_IPIP_A_SA_SEQ, sa->seq);
	return ret;
}

static int ipsi_put_sa(struct nlmsghdr *nlh, const struct ipsi_sa_args *sa)
{
	int ret;

	ret = ipsi_put_sa_id(nlh, &sa->id);
	if (!ret)
		ret = ipsi_put_alg(nlh, IPSEC_IPIP_A_SA_AEAD_NAME, sa->aead,
				   IPSEC_IPIP_A_SA_AEAD_KEY, &sa->aead_key);
	if (!ret)
		ret = ipsi_put_alg(nlh, IPSEC_IPIP_A_SA_ENC_NAME, sa->enc,
				   IPSEC_IPIP_A_SA_ENC_KEY, &sa->enc_key);
	if (!ret)
		ret = ipsi_put_alg(nlh, IPSEC_IPIP_A_SA_AUTH_NAME, sa->auth,
				   IPSEC_IPIP_A_SA_AUTH_KEY, &sa->auth_key);
	if (!ret)
		ret = ipsi_put_numbers(nlh, sa);
	if (!ret)
		ret = ipsi_put_limits(nlh, sa);
	if (!ret)
		ret = ipsi_put_encap(nlh, sa);
	if (!ret)
		ret = ipsi_put_hardware(nlh, sa);
	return ret;
}

static void ipsi_warn_counter_mode(const char *alg)
{
	if (alg && ipsi_counter_mode(alg))
		ipsi_warn("%s: never add this key a second time, not even after a reboot (RFC 4106 section 2)",
			  alg);
}

/**
 * ipsi_sa_send() - request that the kernel add an SA
 * @nl: the socket
 * @sa: the description
 *
 * Return: exit code.
 */
int ipsi_sa_send(struct ipsi_nl *nl, const struct ipsi_sa_args *sa)
{
	int ret;

	ret = ipsi_put_sa(ipsi_nl_request(nl, IPSEC_IPIP_CMD_SA_ADD, false),
			  sa);
	if (!ret)
		ret = ipsi_nl_talk(nl, &ipsi_sa_set, NULL);
	if (!ret) {
		ipsi_warn_counter_mode(sa->aead);
		ipsi_warn_counter_mode(sa->enc);
	}
	return ret;
}

/**
 * ipsi_sa_add() - add an SA to a device
 * @argc: number of arguments
 * @argv: the arguments; keys among them are wiped
 *
 * Return: exit code.
 */
int ipsi_sa_add(int argc, char **argv)
{
	struct ipsi_sa_args sa = {};
	struct ipsi_nl nl = {};
	int ret;

	ret = ipsi_sa_parse(&sa, argc, argv);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_sa_send(&nl, &sa);
	ipsi_nl_close(&nl);
	explicit_bzero(&sa, sizeof(sa));
	return ret;
}
