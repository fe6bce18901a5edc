// SPDX-License-Identifier: GPL-2.0
/*
 * Parser of "import": lines of OpenBSD's ipsec.conf(5) with manual keys, and lines
 * of "ip xfrm". A message begins with the file and the line.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algs.h"
#include "setup.h"

#define IPSI_IMPORT_TOKENS	128

/* Writes an address in its canonical form, so that texts can be compared. Returns
 * its family, or AF_UNSPEC if it is none.
 */
static int ipsi_canonical(const char *arg, char addr[IPSI_NET_LEN])
{
	unsigned char buf[sizeof(struct in6_addr)];
	const int family = strchr(arg, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, arg, buf) != 1)
		return AF_UNSPEC;
	inet_ntop(family, buf, addr, IPSI_NET_LEN);
	return family;
}

/**
 * ipsi_setup_addr() - read an outer address
 * @word: the word before it, for the message
 * @arg: the address
 * @addr: the result
 *
 * Return: exit code.
 */
int ipsi_setup_addr(const char *word, const char *arg, char addr[IPSI_NET_LEN])
{
	if (ipsi_canonical(arg, addr) == AF_UNSPEC)
		return ipsi_usage("%s: \"%s\" is not an IPv4 or IPv6 address",
				  word, arg);
	return IPSI_OK;
}

/**
 * ipsi_setup_net() - read an inner network
 * @word: the word before it, for the message
 * @arg: an address, an address and a length, or "any"
 * @net: the result, always with a length
 *
 * Return: exit code.
 */
int ipsi_setup_net(const char *word, const char *arg, char net[IPSI_NET_LEN])
{
	char text[IPSI_NET_LEN], addr[IPSI_NET_LEN];
	const char *slash;
	uint64_t max, bits;
	int family, ret;

	if (!strcmp(arg, "any"))
		arg = "0.0.0.0/0";
	slash = strchrnul(arg, '/');
	snprintf(text, sizeof(text), "%.*s", (int)(slash - arg), arg);
	family = ipsi_canonical(text, addr);
	if (family == AF_UNSPEC)
		return ipsi_usage("%s: \"%s\" is not an address or a network such as 192.0.2.0/24",
				  word, arg);
	max = family == AF_INET ? 32 : 128;
	bits = max;
	ret = *slash ? ipsi_arg_number(word, slash + 1, max, &bits) : IPSI_OK;
	if (ret)
		return ret;
	snprintf(net, IPSI_NET_LEN, "%.45s/%u", addr, (unsigned int)bits);
	return IPSI_OK;
}

/* Adds a network, once. */
int ipsi_setup_add_net(char nets[][IPSI_NET_LEN], size_t *n, const char *net)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (!strcmp(nets[i], net))
			return IPSI_OK;
	if (*n == IPSI_SETUP_NETS)
		return ipsi_usage("more than %d networks", IPSI_SETUP_NETS);
	ipsi_net_copy(nets[(*n)++], net);
	return IPSI_OK;
}

static int ipsi_import_ends(struct ipsi_setup *setup, const char *local,
			    const char *remote)
{
	if (!*setup->local) {
		ipsi_net_copy(setup->local, local);
		ipsi_net_copy(setup->remote, remote);
	}
	if ((!strcmp(setup->local, local) && !strcmp(setup->remote, remote)) ||
	    (!strcmp(setup->local, remote) && !strcmp(setup->remote, local)))
		return IPSI_OK;
	return ipsi_usage("%s and %s are not the ends of the link, %s and %s: one link a file",
			  local, remote, setup->local, setup->remote);
}

static struct ipsi_setup_sa *ipsi_import_new_sa(struct ipsi_setup *setup)
{
	if (setup->n_sas == IPSI_SETUP_SAS) {
		ipsi_usage("more than %d SAs", IPSI_SETUP_SAS);
		return NULL;
	}
	return &setup->sa[setup->n_sas++];
}

/**
 * struct ipsi_import_sa - a line about one or two SAs
 * @sa: the SA from here to there, and the one back
 * @both: there are two
 * @enc: name of the cipher in ipsec.conf(5), or NULL
 * @auth: name of the integrity algorithm in ipsec.conf(5), or NULL
 * @has_spi: the SPI was given
 */
struct ipsi_import_sa {
	struct ipsi_setup_sa sa[2];
	bool both;
	const char *enc, *auth;
	bool has_spi;
};

static int ipsi_bsd_from(void *ctx, char **args)
{
	struct ipsi_import_sa *line = ctx;
	int ret;

	ret = ipsi_setup_addr("from", args[0], line->sa[0].src);
	ipsi_net_copy(line->sa[1].dst, line->sa[0].src);
	return ret;
}

static int ipsi_bsd_to(void *ctx, char **args)
{
	struct ipsi_import_sa *line = ctx;
	int ret;

	ret = ipsi_setup_addr("to", args[0], line->sa[0].dst);
	ipsi_net_copy(line->sa[1].src, line->sa[0].dst);
	return ret;
}

/* Splits "there:back". Returns "back", or NULL. */
static char *ipsi_bsd_pair(char *arg)
{
	char *back = strchr(arg, ':');

	if (back)
		*back++ = '\0';
	return back;
}

/* The link would be made before the kernel refuses a reserved one. */
static int ipsi_import_spi(const char *arg, uint32_t *spi)
{
	int ret = ipsi_arg_u32("spi", arg, spi);

	if (!ret && *spi < 0x100)
		ret = ipsi_usage("spi: %s: expected 0x100 to 0xffffffff", arg);
	return ret;
}

static int ipsi_bsd_spi(void *ctx, char **args)
{
	char *back = ipsi_bsd_pair(args[0]);
	struct ipsi_import_sa *line = ctx;
	int ret;

	line->has_spi = true;
	line->both = back;
	ret = ipsi_import_spi(args[0], &line->sa[0].spi);
	if (!ret && back)
		ret = ipsi_import_spi(back, &line->sa[1].spi);
	return ret;
}

static int ipsi_bsd_auth(void *ctx, char **args)
{
	((struct ipsi_import_sa *)ctx)->auth = args[0];
	return IPSI_OK;
}

static int ipsi_bsd_enc(void *ctx, char **args)
{
	((struct ipsi_import_sa *)ctx)->enc = args[0];
	return IPSI_OK;
}

static int ipsi_bsd_keys(const char *word, char *arg, struct ipsi_key *there,
			 struct ipsi_key *back)
{
	char *second = ipsi_bsd_pair(arg);
	int ret = ipsi_key_read(word, arg, there);

	return ret || !second ? ret : ipsi_key_read(word, second, back);
}

static int ipsi_bsd_authkey(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;

	return ipsi_bsd_keys("authkey", args[0], &sa[0].auth_key,
			     &sa[1].auth_key);
}

static int ipsi_bsd_enckey(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;

	return ipsi_bsd_keys("enckey", args[0], &sa[0].enc_key,
			     &sa[1].enc_key);
}

/* On the wire, transport mode with IP-in-IP is tunnel mode. */
static int ipsi_import_ignore(void *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return IPSI_OK;
}

static const struct ipsi_word ipsi_bsd_sa_words[] = {
	{ .word = "tunnel", .same_as = "transport",
	  .parse = ipsi_import_ignore },
	{ .word = "transport", .parse = ipsi_import_ignore },
	{ .word = "from", .n_args = 1, .args = "ADDRESS",
	  .parse = ipsi_bsd_from },
	{ .word = "to", .n_args = 1, .args = "ADDRESS", .parse = ipsi_bsd_to },
	{ .word = "spi", .n_args = 1, .args = "SPI:SPI",
	  .parse = ipsi_bsd_spi },
	{ .word = "auth", .n_args = 1, .args = "NAME",
	  .parse = ipsi_bsd_auth },
	{ .word = "enc", .n_args = 1, .args = "NAME", .parse = ipsi_bsd_enc },
	{ .word = "authkey", .n_args = 1, .args = "KEY:KEY",
	  .parse = ipsi_bsd_authkey },
	{ .word = "enckey", .n_args = 1, .args = "KEY:KEY",
	  .parse = ipsi_bsd_enckey },
};

static int ipsi_bsd_alg(const char *word, const char *name, size_t key_len,
			enum ipsi_alg_kind kind, char alg[64], uint32_t *icv)
{
	const struct ipsi_alg *found;

	found = ipsi_alg_find_openbsd(name, key_len, kind);
	if (!found)
		return ipsi_usage("%s: \"%s\" with a key of %zu bytes is not known",
				  word, name, key_len);
	if (found->key_len != key_len)
		return ipsi_usage("%skey: %zu bytes; %s takes %zu", word,
				  key_len, name, found->key_len);
	snprintf(alg, 64, "%s", found->name);
	if (icv)
		*icv = found->icv_bits;
	return IPSI_OK;
}

/* The defaults are those of ipsec.conf(5). */
static int ipsi_bsd_algs(struct ipsi_import_sa *line, struct ipsi_setup_sa *sa)
{
	int ret = IPSI_OK;

	if (sa->proto == IPPROTO_ESP)
		ret = ipsi_bsd_alg("enc", line->enc ? line->enc : "aes",
				   sa->enc_key.len, IPSI_ALG_ENC, sa->enc,
				   NULL);
	else if (line->enc || sa->enc_key.len)
		ret = ipsi_usage("enc: ah has no cipher");
	if (!ret)
		ret = ipsi_bsd_alg("auth", line->auth ? line->auth :
							"hmac-sha2-256",
				   sa->auth_key.len, IPSI_ALG_AUTH, sa->auth,
				   &sa->icv_bits);
	return ret;
}

/* There are two keys if there are two SPIs. */
static int ipsi_bsd_pairs(const char *word, bool both,
			  const struct ipsi_key *there,
			  const struct ipsi_key *back)
{
	if (both && there->len && !back->len)
		return ipsi_usage("%s: two keys expected, KEY:KEY, as there are two SPIs",
				  word);
	if (!both && back->len)
		return ipsi_usage("%s: one key expected, as there is one SPI",
				  word);
	return IPSI_OK;
}

static int ipsi_bsd_sa(struct ipsi_setup *setup, uint8_t proto, int argc,
		       char **argv)
{
	struct ipsi_import_sa line = {};
	struct ipsi_setup_sa *new;
	int i, ret;

	ret = ipsi_parse_words(ipsi_bsd_sa_words,
			       IPSI_ARRAY_SIZE(ipsi_bsd_sa_words), &line,
			       argc, argv);
	if (!ret && (!*line.sa[0].src || !*line.sa[0].dst || !line.has_spi))
		ret = ipsi_usage("from ADDRESS to ADDRESS spi SPI:SPI expected");
	if (!ret)
		ret = ipsi_bsd_pairs("authkey", line.both, &line.sa[0].auth_key,
				     &line.sa[1].auth_key);
	if (!ret)
		ret = ipsi_bsd_pairs("enckey", line.both, &line.sa[0].enc_key,
				     &line.sa[1].enc_key);
	if (!ret)
		ret = ipsi_import_ends(setup, line.sa[0].src, line.sa[0].dst);
	for (i = 0; !ret && i < 1 + line.both; i++) {
		line.sa[i].proto = proto;
		ret = ipsi_bsd_algs(&line, &line.sa[i]);
		new = ret ? NULL : ipsi_import_new_sa(setup);
		if (new)
			*new = line.sa[i];
		else
			ret = IPSI_USAGE;
	}
	explicit_bzero(&line, sizeof(line));
	return ret;
}

/* A flow, or a policy. */
struct ipsi_import_flow {
	char from[IPSI_NET_LEN], to[IPSI_NET_LEN];
	char local[IPSI_NET_LEN], peer[IPSI_NET_LEN];
	bool ipip;
	bool in, fwd;
};

static int ipsi_flow_from(void *ctx, char **args)
{
	return ipsi_setup_net("from", args[0],
			      ((struct ipsi_import_flow *)ctx)->from);
}

static int ipsi_flow_to(void *ctx, char **args)
{
	return ipsi_setup_net("to", args[0],
			      ((struct ipsi_import_flow *)ctx)->to);
}

static int ipsi_flow_local(void *ctx, char **args)
{
	return ipsi_setup_addr("local", args[0],
			       ((struct ipsi_import_flow *)ctx)->local);
}

static int ipsi_flow_peer(void *ctx, char **args)
{
	return ipsi_setup_addr("peer", args[0],
			       ((struct ipsi_import_flow *)ctx)->peer);
}

static int ipsi_flow_proto(void *ctx, char **args)
{
	struct ipsi_import_flow *flow = ctx;

	flow->ipip = !strcmp(args[0], "ipencap") || !strcmp(args[0], "ipv6") ||
		     !strcmp(args[0], "4") || !strcmp(args[0], "41");
	if (!flow->ipip)
		return ipsi_usage("proto: \"%s\": a link carries all protocols",
				  args[0]);
	return IPSI_OK;
}

static int ipsi_flow_in(void *ctx, char **args)
{
	(void)args;
	((struct ipsi_import_flow *)ctx)->in = true;
	return IPSI_OK;
}

static const struct ipsi_word ipsi_bsd_flow_words[] = {
	{ .word = "esp", .parse = ipsi_import_ignore },
	{ .word = "ah", .parse = ipsi_import_ignore },
	{ .word = "in", .parse = ipsi_flow_in },
	{ .word = "out", .parse = ipsi_import_ignore },
	{ .word = "proto", .n_args = 1, .args = "PROTOCOL",
	  .parse = ipsi_flow_proto },
	{ .word = "from", .n_args = 1, .args = "NETWORK",
	  .parse = ipsi_flow_from },
	{ .word = "to", .n_args = 1, .args = "NETWORK",
	  .parse = ipsi_flow_to },
	{ .word = "local", .n_args = 1, .args = "ADDRESS",
	  .parse = ipsi_flow_local },
	{ .word = "peer", .n_args = 1, .args = "ADDRESS",
	  .parse = ipsi_flow_peer },
	{ .word = "type", .n_args = 1, .args = "TYPE",
	  .parse = ipsi_import_ignore },
};

static int ipsi_import_nets(struct ipsi_setup *setup, const char *mine,
			    const char *theirs)
{
	int ret;

	ret = ipsi_setup_add_net(setup->mine, &setup->n_mine, mine);
	if (!ret)
		ret = ipsi_setup_add_net(setup->theirs, &setup->n_theirs,
					 theirs);
	return ret;
}

static int ipsi_bsd_flow(struct ipsi_setup *setup, int argc, char **argv)
{
	struct ipsi_import_flow flow = {};
	int ret;

	ret = ipsi_parse_words(ipsi_bsd_flow_words,
			       IPSI_ARRAY_SIZE(ipsi_bsd_flow_words), &flow,
			       argc, argv);
	if (ret)
		return ret;
	if (!*flow.from || !*flow.to)
		return ipsi_usage("from NETWORK to NETWORK expected");
	/* IP-in-IP between the endpoints: the link itself. */
	if (flow.ipip)
		return IPSI_OK;
	return flow.in ? ipsi_import_nets(setup, flow.to, flow.from) :
			 ipsi_import_nets(setup, flow.from, flow.to);
}

static int ipsi_xfrm_src(void *ctx, char **args)
{
	return ipsi_setup_addr("src", args[0],
			       ((struct ipsi_import_sa *)ctx)->sa[0].src);
}

static int ipsi_xfrm_dst(void *ctx, char **args)
{
	return ipsi_setup_addr("dst", args[0],
			       ((struct ipsi_import_sa *)ctx)->sa[0].dst);
}

static int ipsi_xfrm_proto(void *ctx, char **args)
{
	return ipsi_arg_proto(args[0],
			      &((struct ipsi_import_sa *)ctx)->sa[0].proto);
}

static int ipsi_xfrm_spi(void *ctx, char **args)
{
	struct ipsi_import_sa *line = ctx;

	line->has_spi = true;
	return ipsi_import_spi(args[0], &line->sa[0].spi);
}

static int ipsi_xfrm_reqid(void *ctx, char **args)
{
	return ipsi_arg_u32("reqid", args[0],
			    &((struct ipsi_import_sa *)ctx)->sa[0].reqid);
}

static int ipsi_xfrm_window(void *ctx, char **args)
{
	return ipsi_arg_u32("replay-window", args[0],
			    &((struct ipsi_import_sa *)ctx)->sa[0].window);
}

static int ipsi_xfrm_alg(const char *word, char **args, char alg[64],
			 struct ipsi_key *key)
{
	if (strlen(args[0]) > 63 || strpbrk(args[0], " \t\r\"'"))
		return ipsi_usage("%s: \"%.64s\" is not a name of an algorithm",
				  word, args[0]);
	snprintf(alg, 64, "%s", args[0]);
	return ipsi_key_read(word, args[1], key);
}

static int ipsi_xfrm_enc(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;

	return ipsi_xfrm_alg("enc", args, sa->enc, &sa->enc_key);
}

/* "ip xfrm" takes the truncation of the kernel's table, which for SHA-256 is an old
 * draft's.
 */
static int ipsi_xfrm_auth(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;
	const struct ipsi_alg *alg = ipsi_alg_find(args[0]);

	if (!alg || alg->kind != IPSI_ALG_AUTH)
		return ipsi_usage("auth: \"%s\" is not known; use auth-trunc",
				  args[0]);
	sa->icv_bits = strcmp(args[0], "hmac(sha256)") ? alg->icv_bits : 96;
	return ipsi_xfrm_alg("auth", args, sa->auth, &sa->auth_key);
}

static int ipsi_xfrm_auth_trunc(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;
	int ret = ipsi_arg_u32("auth-trunc ICVBITS", args[2], &sa->icv_bits);

	return ret ? ret : ipsi_xfrm_alg("auth-trunc", args, sa->auth,
					 &sa->auth_key);
}

static int ipsi_xfrm_aead(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;
	int ret = ipsi_arg_u32("aead ICVBITS", args[2], &sa->icv_bits);

	return ret ? ret : ipsi_xfrm_alg("aead", args, sa->aead,
					 &sa->aead_key);
}

static int ipsi_xfrm_flag(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;

	if (strcmp(args[0], "esn"))
		return ipsi_usage("flag: \"%s\" is not esn, the only flag that a link can have",
				  args[0]);
	sa->esn = true;
	return IPSI_OK;
}

static int ipsi_xfrm_limit(void *ctx, char **args)
{
	static const char * const names[] = {
		"time-soft", "time-hard", "time-use-soft", "time-use-hard",
		"byte-soft", "byte-hard", "packet-soft", "packet-hard"
	};
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;
	const size_t len = strlen(sa->limits);
	uint64_t number;
	unsigned int i;
	int ret;

	ret = ipsi_arg_number(args[0], args[1], UINT64_MAX, &number);
	if (ret)
		return ret;
	for (i = 0; i < IPSI_ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], args[0]))
			break;
	if (i == IPSI_ARRAY_SIZE(names) || len + 64 > sizeof(sa->limits))
		return ipsi_usage("limit: \"%s\" is not {time|time-use|byte|packet}-{soft|hard}",
				  args[0]);
	snprintf(sa->limits + len, sizeof(sa->limits) - len,
		 "Limit = %s %llu\n", args[0], (unsigned long long)number);
	return IPSI_OK;
}

static int ipsi_xfrm_encap(void *ctx, char **args)
{
	struct ipsi_setup_sa *sa = ((struct ipsi_import_sa *)ctx)->sa;
	int ret;

	if (strcmp(args[0], "espinudp"))
		return ipsi_usage("encap: \"%s\" is not espinudp", args[0]);
	ret = ipsi_arg_u32("encap SPORT", args[1], &sa->sport);
	return ret ? ret : ipsi_arg_u32("encap DPORT", args[2], &sa->dport);
}

static const struct ipsi_word ipsi_xfrm_state_words[] = {
	{ .word = "src", .n_args = 1, .args = "ADDRESS",
	  .parse = ipsi_xfrm_src },
	{ .word = "dst", .n_args = 1, .args = "ADDRESS",
	  .parse = ipsi_xfrm_dst },
	{ .word = "proto", .n_args = 1, .args = "{esp|ah}",
	  .parse = ipsi_xfrm_proto },
	{ .word = "spi", .n_args = 1, .args = "SPI", .parse = ipsi_xfrm_spi },
	{ .word = "mode", .n_args = 1, .args = "MODE",
	  .parse = ipsi_import_ignore },
	{ .word = "reqid", .n_args = 1, .args = "N",
	  .parse = ipsi_xfrm_reqid },
	{ .word = "if_id", .n_args = 1, .args = "N",
	  .parse = ipsi_import_ignore },
	{ .word = "replay-window", .n_args = 1, .args = "N",
	  .parse = ipsi_xfrm_window },
	{ .word = "flag", .n_args = 1, .args = "FLAG",
	  .parse = ipsi_xfrm_flag },
	{ .word = "enc", .n_args = 2, .args = "NAME KEY",
	  .parse = ipsi_xfrm_enc },
	{ .word = "auth", .n_args = 2, .args = "NAME KEY",
	  .parse = ipsi_xfrm_auth },
	{ .word = "auth-trunc", .n_args = 3, .args = "NAME KEY ICVBITS",
	  .same_as = "auth", .parse = ipsi_xfrm_auth_trunc },
	{ .word = "aead", .n_args = 3, .args = "NAME KEY ICVBITS",
	  .parse = ipsi_xfrm_aead },
	{ .word = "limit", .n_args = 2, .args = "LIMIT N", .repeats = true,
	  .parse = ipsi_xfrm_limit },
	{ .word = "encap", .n_args = 4, .args = "espinudp SPORT DPORT ADDRESS",
	  .parse = ipsi_xfrm_encap },
};

static int ipsi_xfrm_state(struct ipsi_setup *setup, int argc, char **argv)
{
	struct ipsi_import_sa line = {};
	struct ipsi_setup_sa *sa = line.sa, *new;
	int ret;

	sa->proto = IPPROTO_ESP;
	ret = ipsi_parse_words(ipsi_xfrm_state_words,
			       IPSI_ARRAY_SIZE(ipsi_xfrm_state_words), &line,
			       argc, argv);
	if (!ret && (!*sa->src || !*sa->dst || !line.has_spi))
		ret = ipsi_usage("src ADDRESS dst ADDRESS spi SPI expected");
	if (!ret && !*sa->aead && !*sa->auth)
		ret = ipsi_usage("aead, auth or auth-trunc expected");
	if (!ret)
		ret = ipsi_import_ends(setup, sa->src, sa->dst);
	new = ret ? NULL : ipsi_import_new_sa(setup);
	if (new)
		*new = *sa;
	else
		ret = IPSI_USAGE;
	explicit_bzero(&line, sizeof(line));
	return ret;
}

static int ipsi_policy_dir(void *ctx, char **args)
{
	struct ipsi_import_flow *flow = ctx;

	flow->in = !strcmp(args[0], "in");
	flow->fwd = !strcmp(args[0], "fwd");
	if (!flow->in && !flow->fwd && strcmp(args[0], "out"))
		return ipsi_usage("dir: \"%s\" is not in, out or fwd", args[0]);
	return IPSI_OK;
}

static const struct ipsi_word ipsi_xfrm_policy_words[] = {
	{ .word = "dir", .n_args = 1, .args = "{in|out|fwd}",
	  .parse = ipsi_policy_dir },
	{ .word = "src", .n_args = 1, .args = "NETWORK",
	  .parse = ipsi_flow_from },
	{ .word = "dst", .n_args = 1, .args = "NETWORK",
	  .parse = ipsi_flow_to },
	{ .word = "priority", .n_args = 1, .args = "N",
	  .parse = ipsi_import_ignore },
	{ .word = "if_id", .n_args = 1, .args = "N",
	  .parse = ipsi_import_ignore },
	{ .word = "action", .n_args = 1, .args = "ACTION",
	  .parse = ipsi_import_ignore },
};

static const struct ipsi_word ipsi_xfrm_tmpl_words[] = {
	{ .word = "src", .n_args = 1, .args = "ADDRESS",
	  .parse = ipsi_flow_local },
	{ .word = "dst", .n_args = 1, .args = "ADDRESS",
	  .parse = ipsi_flow_peer },
	{ .word = "proto", .n_args = 1, .args = "PROTO",
	  .parse = ipsi_import_ignore },
	{ .word = "mode", .n_args = 1, .args = "MODE",
	  .parse = ipsi_import_ignore },
	{ .word = "spi", .n_args = 1, .args = "SPI",
	  .parse = ipsi_import_ignore },
	{ .word = "reqid", .n_args = 1, .args = "N",
	  .parse = ipsi_import_ignore },
	{ .word = "level", .n_args = 1, .args = "LEVEL",
	  .parse = ipsi_import_ignore },
};

static int ipsi_xfrm_policy(struct ipsi_setup *setup, int argc, char **argv)
{
	struct ipsi_import_flow flow = {};
	int head, ret;

	for (head = 0; head < argc; head++)
		if (!strcmp(argv[head], "tmpl"))
			break;
	ret = ipsi_parse_words(ipsi_xfrm_policy_words,
			       IPSI_ARRAY_SIZE(ipsi_xfrm_policy_words), &flow,
			       head, argv);
	if (!ret && head < argc)
		ret = ipsi_parse_words(ipsi_xfrm_tmpl_words,
				       IPSI_ARRAY_SIZE(ipsi_xfrm_tmpl_words),
				       &flow, argc - head - 1, argv + head + 1);
	if (ret)
		return ret;
	if (!*flow.from || !*flow.to || !*flow.local || !*flow.peer)
		return ipsi_usage("dir, src, dst, and tmpl src ADDRESS dst ADDRESS expected");
	if (flow.in || flow.fwd) {
		ret = ipsi_import_ends(setup, flow.peer, flow.local);
		return ret ? ret : ipsi_import_nets(setup, flow.to, flow.from);
	}
	/* The host that this is for is the one that sends by it. */
	ret = ipsi_import_ends(setup, flow.local, flow.peer);
	ipsi_net_copy(setup->local, flow.local);
	ipsi_net_copy(setup->remote, flow.peer);
	return ret ? ret : ipsi_import_nets(setup, flow.from, flow.to);
}

static int ipsi_import_xfrm(struct ipsi_setup *setup, int argc, char **argv)
{
	const bool update = argc > 2 && (!strcmp(argv[2], "add") ||
					 !strcmp(argv[2], "update"));

	if (argc > 1 && !strcmp(argv[0], "xfrm") && update) {
		if (!strcmp(argv[1], "state"))
			return ipsi_xfrm_state(setup, argc - 3, argv + 3);
		if (!strcmp(argv[1], "policy"))
			return ipsi_xfrm_policy(setup, argc - 3, argv + 3);
	}
	return ipsi_usage("\"ip xfrm state add\" or \"ip xfrm policy add\" expected");
}

static int ipsi_import_line(struct ipsi_setup *setup, int argc, char **argv)
{
	if (!argc)
		return IPSI_OK;
	if (!strcmp(argv[0], "esp"))
		return ipsi_bsd_sa(setup, IPPROTO_ESP, argc - 1, argv + 1);
	if (!strcmp(argv[0], "ah"))
		return ipsi_bsd_sa(setup, IPPROTO_AH, argc - 1, argv + 1);
	if (!strcmp(argv[0], "flow"))
		return ipsi_bsd_flow(setup, argc - 1, argv + 1);
	if (!strcmp(argv[0], "ip"))
		return ipsi_import_xfrm(setup, argc - 1, argv + 1);
	if (!strcmp(argv[0], "ike"))
		return ipsi_usage("ike: keys of a daemon are not imported; see ipsec-ipip.conf(5)");
	return ipsi_usage("\"%.64s\": esp, ah, flow or ip xfrm expected",
			  argv[0]);
}

/* Splits a line into words, in place. Quotes protect blanks; "spi:" is "spi ". */
static int ipsi_import_split(char *line, char **argv)
{
	char *from = line, *to;
	bool quote_mark;
	char quote = '\0';
	int argc = 0;

	for (;;) {
		from += strspn(from, " \t\r\n");
		if (!*from || *from == '#')
			return argc;
		if (argc == IPSI_IMPORT_TOKENS)
			return -1;
		argv[argc++] = from;
		to = from;
		for (; *from && (quote || !strchr(" \t\r\n", *from)); from++) {
			quote_mark = quote ? *from == quote :
					     *from == '"' || *from == '\'';
			if (quote_mark)
				quote = quote ? '\0' : *from;
			if (*from == ':' && to - argv[argc - 1] == 3 &&
			    !strncmp(argv[argc - 1], "spi", 3)) {
				from++;
				break;
			}
			if (!quote_mark)
				*to++ = *from;
		}
		if (quote)
			return -1;
		/* The end of the word may overwrite the blank after it. */
		if (*from && from == to)
			from++;
		*to = '\0';
	}
}

/* Takes the continuation mark off a line; returns false if it has none. */
static bool ipsi_import_continued(const char *text, size_t *len)
{
	size_t end = *len;

	if (end && text[end - 1] == '\n')
		end--;
	if (end && text[end - 1] == '\r')
		end--;
	if (!end || end == *len || text[end - 1] != '\\')
		return false;
	*len = end - 1;
	return true;
}

/**
 * struct ipsi_import_file - a file that is being read
 * @f: the file
 * @path: its path
 * @verb: the command, for messages
 * @line: number of the line
 * @text: the line and those that continue it
 * @where: place, for messages
 */
struct ipsi_import_file {
	FILE *f;
	const char *path;
	const char *verb;
	int line;
	char text[IPSI_LINE_MAX];
	char where[PATH_MAX + 64];
};

/* Reads a line and those that continue it; @len is 0 at the end. */
static int ipsi_import_read(struct ipsi_import_file *file, size_t *len)
{
	size_t more;
	int ret;

	*len = 0;
	do {
		snprintf(file->where, sizeof(file->where), "%s: %s:%d",
			 file->verb, file->path, ++file->line);
		ret = ipsi_line_read(file->f, file->text + *len,
				     sizeof(file->text) - *len, &more);
		*len += more;
	} while (!ret && more && ipsi_import_continued(file->text, len));
	return ret;
}

static int ipsi_import_lines(struct ipsi_setup *setup,
			     struct ipsi_import_file *file)
{
	char *argv[IPSI_IMPORT_TOKENS];
	int argc, first, ret;
	size_t len;

	do {
		first = file->line + 1;
		ret = ipsi_import_read(file, &len);
		if (ret || !len)
			break;
		argc = ipsi_import_split(ipsi_line_start(file->text, first),
					 argv);
		if (argc < 0)
			ret = ipsi_usage("a quote is open, or there are too many words");
		else
			ret = ipsi_import_line(setup, argc, argv);
	} while (!ret);
	return ret;
}

/**
 * ipsi_import_parse() - read a file
 * @setup: the result, zeroed before; the caller wipes it
 * @path: the file, "-" for standard input
 *
 * Return: exit code.
 */
int ipsi_import_parse(struct ipsi_setup *setup, const char *path)
{
	struct ipsi_import_file file = { .path = path,
					 .verb = ipsi_opts.verb };
	static char stdio[BUFSIZ];
	int ret;

	file.f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!file.f)
		return ipsi_fail("%s: %s", path, strerror(errno));
	/* Keys stay in no buffer: this one is wiped. */
	setvbuf(file.f, stdio, _IOFBF, sizeof(stdio));
	ipsi_opts.verb = file.where;
	ret = ipsi_import_lines(setup, &file);
	ipsi_opts.verb = file.verb;
	if (!ret && ferror(file.f))
		ret = ipsi_fail("%s: %s", path, strerror(errno));
	if (file.f != stdin)
		fclose(file.f);
	explicit_bzero(stdio, sizeof(stdio));
	explicit_bzero(&file, sizeof(file));
	if (!ret && !setup->n_sas)
		ret = ipsi_usage("%s: there is no SA", path);
	return ret;
}
