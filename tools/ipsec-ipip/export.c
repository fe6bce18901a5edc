// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip export: write what the peer of a link needs, with the keys of the
 * kernel: commands of "ip xfrm", an ipsec.conf(5) of OpenBSD, or a configuration
 * file of ipsec-ipip.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algs.h"
#include "attrs.h"
#include "export-ike.h"
#include "nl.h"
#include "sa-id.h"
#include "setup.h"

/**
 * struct ipsi_export - a run of the command
 * @dev: the device
 * @setup: the link, with the view of this host; SA 0 is outbound, 1 inbound
 * @has: which of the two SAs there are
 * @write: writes it for the peer; returns an exit code
 * @ike: write it for an IKE daemon instead
 * @libreswan: that daemon is libreswan, not strongSwan
 */
struct ipsi_export {
	const char *dev;
	struct ipsi_setup setup;
	bool has[2];
	int (*write)(const struct ipsi_setup *setup);
	bool ike, libreswan;
};

static void ipsi_export_key(const struct ipsi_key *key)
{
	size_t i;

	if (!key->len) {
		fputs("\"\"", stdout);
		return;
	}
	fputs("0x", stdout);
	for (i = 0; i < key->len; i++)
		printf("%02x", key->data[i]);
}

static void ipsi_export_xfrm_alg(const char *word, const char *alg,
				 const struct ipsi_key *key, uint32_t icv_bits)
{
	if (!*alg)
		return;
	printf(" \\\n    %s '%s' ", word, alg);
	ipsi_export_key(key);
	if (icv_bits)
		printf(" %u", icv_bits);
}

static void ipsi_export_xfrm_policy(const struct ipsi_setup *setup,
				    const char *dir)
{
	const bool out = !strcmp(dir, "out");
	size_t i, j;

	for (i = 0; i < setup->n_mine; i++)
		for (j = 0; j < setup->n_theirs; j++) {
			if (!strchr(setup->mine[i], ':') !=
			    !strchr(setup->theirs[j], ':'))
				continue;
			printf("ip xfrm policy add dir %s src %s dst %s \\\n",
			       dir, out ? setup->theirs[j] : setup->mine[i],
			       out ? setup->mine[i] : setup->theirs[j]);
			printf("    tmpl src %s dst %s proto %s mode tunnel\n",
			       out ? setup->remote : setup->local,
			       out ? setup->local : setup->remote,
			       ipsi_proto_name(setup->sa[0].proto));
		}
}

/* The window is that of this host: "ip xfrm" accepts one for either direction. */
static int ipsi_export_xfrm(const struct ipsi_setup *setup)
{
	const uint32_t window = setup->sa[1].window;
	const struct ipsi_setup_sa *sa;
	int i;

	printf("# for the host %s\n", setup->remote);
	if (setup->sa[0].dport)
		printf("# A program there, such as an IKE daemon, must receive ESP in UDP on port %u.\n",
		       setup->sa[0].dport);
	for (i = 0; i < 2; i++) {
		sa = &setup->sa[i];
		printf("ip xfrm state add src %s dst %s proto %s spi 0x%08x mode tunnel",
		       sa->src, sa->dst, ipsi_proto_name(sa->proto), sa->spi);
		if (window)
			printf(" replay-window %u", window);
		if (sa->esn)
			printf(" flag esn");
		if (sa->sport)
			printf(" \\\n    encap espinudp %u %u 0.0.0.0",
			       sa->sport, sa->dport);
		ipsi_export_xfrm_alg("enc", sa->enc, &sa->enc_key, 0);
		ipsi_export_xfrm_alg("auth-trunc", sa->auth, &sa->auth_key,
				     sa->icv_bits);
		ipsi_export_xfrm_alg("aead", sa->aead, &sa->aead_key,
				     sa->icv_bits);
		putchar('\n');
	}
	ipsi_export_xfrm_policy(setup, "out");
	ipsi_export_xfrm_policy(setup, "in");
	ipsi_export_xfrm_policy(setup, "fwd");
	return IPSI_OK;
}

static const struct ipsi_alg *ipsi_export_bsd_alg(const char *name,
						  size_t key_len, uint32_t icv)
{
	size_t i;

	for (i = 0; i < ipsi_n_algs; i++)
		if (ipsi_algs[i].openbsd && !strcmp(ipsi_algs[i].name, name) &&
		    ipsi_algs[i].key_len == key_len &&
		    ipsi_algs[i].icv_bits == icv)
			return &ipsi_algs[i];
	ipsi_fail("OpenBSD's ipsec.conf has no %s with a key of %zu bytes and %u bits",
		  name, key_len, icv);
	return NULL;
}

static int ipsi_export_bsd(const struct ipsi_setup *setup)
{
	const struct ipsi_setup_sa *out = &setup->sa[0], *in = &setup->sa[1];
	const struct ipsi_alg *enc = NULL, *auth;
	size_t i, j;

	if (*out->aead || *in->aead)
		return ipsi_fail("OpenBSD's ipsec.conf has no manual keys for %s%s",
				 out->aead, *out->aead ? "" : in->aead);
	if (strcmp(out->enc, in->enc) || strcmp(out->auth, in->auth) ||
	    out->proto != in->proto || out->enc_key.len != in->enc_key.len ||
	    out->icv_bits != in->icv_bits)
		return ipsi_fail("ipsec.conf needs the same algorithms in both directions");
	if (out->esn || in->esn || out->sport || in->sport)
		return ipsi_fail("OpenBSD's ipsec.conf has neither esn nor encap");
	auth = ipsi_export_bsd_alg(out->auth, out->auth_key.len, out->icv_bits);
	if (auth && *out->enc)
		enc = ipsi_export_bsd_alg(out->enc, out->enc_key.len, 0);
	if (!auth || (*out->enc && !enc))
		return IPSI_FAIL;

	printf("# for the host %s\n", setup->remote);
	for (i = 0; i < setup->n_theirs; i++)
		for (j = 0; j < setup->n_mine; j++)
			if (!strchr(setup->theirs[i], ':') ==
			    !strchr(setup->mine[j], ':'))
				printf("flow %s from %s to %s local %s peer %s\n",
				       ipsi_proto_name(out->proto),
				       setup->theirs[i], setup->mine[j],
				       setup->remote, setup->local);
	printf("%s tunnel from %s to %s spi 0x%08x:0x%08x \\\n\tauth %s",
	       ipsi_proto_name(out->proto), setup->remote, setup->local,
	       in->spi, out->spi, auth->openbsd);
	if (enc)
		printf(" enc %s", enc->openbsd);
	printf(" \\\n\tauthkey ");
	ipsi_export_key(&in->auth_key);
	putchar(':');
	ipsi_export_key(&out->auth_key);
	if (enc && enc->key_len) {
		printf(" \\\n\tenckey ");
		ipsi_export_key(&in->enc_key);
		putchar(':');
		ipsi_export_key(&out->enc_key);
	}
	putchar('\n');
	return IPSI_OK;
}

static void ipsi_export_self_alg(const char *word, const char *alg,
				 const struct ipsi_key *key, uint32_t icv_bits)
{
	if (!*alg)
		return;
	printf("%s = %s ", word, alg);
	ipsi_export_key(key);
	if (icv_bits)
		printf(" %u", icv_bits);
	putchar('\n');
}

static int ipsi_export_self(const struct ipsi_setup *setup)
{
	const struct ipsi_setup_sa *sa;
	size_t i;

	printf("# for the host %s; only its root may read this file\n",
	       setup->remote);
	printf("[Link]\nLocal = %s\nRemote = %s\n", setup->remote,
	       setup->local);
	if (setup->sa[0].dport)
		printf("EncapPort = %u\n", setup->sa[0].dport);
	for (i = 0; i < setup->n_theirs; i++)
		printf("%s%s\n", ipsi_is_host(setup->theirs[i]) ? "Address = " :
		       "# an address of this host is in ", setup->theirs[i]);
	for (i = 0; i < setup->n_mine; i++)
		printf("Route = %s\n", setup->mine[i]);
	for (i = 0; i < 2; i++) {
		sa = &setup->sa[i];
		printf("\n[SA]\nDirection = %s\nSPI = 0x%08x\n",
		       i ? "out" : "in", sa->spi);
		if (sa->proto == IPPROTO_AH)
			puts("Proto = ah");
		ipsi_export_self_alg("Enc", sa->enc, &sa->enc_key, 0);
		ipsi_export_self_alg("AuthTrunc", sa->auth, &sa->auth_key,
				     sa->icv_bits);
		ipsi_export_self_alg("AEAD", sa->aead, &sa->aead_key,
				     sa->icv_bits);
		if (!i && setup->sa[1].window)
			printf("ReplayWindow = %u\n", setup->sa[1].window);
		if (sa->esn)
			puts("ESN = yes");
		if (sa->sport)
			printf("Encap = espinudp %u %u\n", sa->sport,
			       sa->dport);
	}
	return IPSI_OK;
}

static int ipsi_export_to(void *ctx, char **args)
{
	static const struct {
		const char *name;
		int (*write)(const struct ipsi_setup *setup);
	} formats[] = {
		{ "ip-xfrm", ipsi_export_xfrm },
		{ "openbsd", ipsi_export_bsd },
		{ "self", ipsi_export_self },
	};
	struct ipsi_export *export = ctx;
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, args[0]))
			export->write = formats[i].write;
	export->libreswan = !strcmp(args[0], "libreswan");
	export->ike = export->libreswan || !strcmp(args[0], "swanctl");
	if (export->write || export->ike)
		return IPSI_OK;
	return ipsi_usage("--to: \"%s\" is not ip-xfrm, openbsd, self, swanctl or libreswan",
			  args[0]);
}

static int ipsi_export_gateway(void *ctx, char **args)
{
	struct ipsi_setup *setup = &((struct ipsi_export *)ctx)->setup;
	char net[IPSI_NET_LEN];
	int ret = ipsi_setup_net("--gateway", args[0], net);

	return ret ? ret : ipsi_setup_add_net(setup->theirs, &setup->n_theirs,
					      net);
}

static int ipsi_export_net(void *ctx, char **args)
{
	struct ipsi_setup *setup = &((struct ipsi_export *)ctx)->setup;
	char net[IPSI_NET_LEN];
	int ret = ipsi_setup_net("--net", args[0], net);

	return ret ? ret : ipsi_setup_add_net(setup->mine, &setup->n_mine, net);
}

static const struct ipsi_word ipsi_export_table[] = {
	{ .word = "--to", .n_args = 1,
	  .args = "{ip-xfrm|openbsd|self|swanctl|libreswan}",
	  .help = "the format; self is that of ipsec-ipip.conf(5)",
	  .parse = ipsi_export_to },
	{ .word = "--gateway", .n_args = 1, .args = "NET", .repeats = true,
	  .help = "network behind the peer",
	  .parse = ipsi_export_gateway },
	{ .word = "--net", .n_args = 1, .args = "NET", .repeats = true,
	  .help = "network here; by default the device's addresses",
	  .parse = ipsi_export_net },
};

const struct ipsi_words ipsi_export_words = {
	.words = ipsi_export_table, .n = IPSI_ARRAY_SIZE(ipsi_export_table)
};

static int ipsi_export_add_addr(char nets[][IPSI_NET_LEN], size_t *n,
				const struct sockaddr *addr)
{
	char text[INET6_ADDRSTRLEN], net[IPSI_NET_LEN];
	const void *from = addr->sa_family == AF_INET ?
		(const void *)&((struct sockaddr_in *)addr)->sin_addr :
		(const void *)&((struct sockaddr_in6 *)addr)->sin6_addr;

	inet_ntop(addr->sa_family, from, text, sizeof(text));
	if (!strncmp(text, "fe80:", 5))
		return IPSI_OK;
	snprintf(net, sizeof(net), "%s/%d", text,
		 addr->sa_family == AF_INET ? 32 : 128);
	return ipsi_setup_add_net(nets, n, net);
}

/* The inner addresses, as far as the command line has no networks. */
static int ipsi_export_nets(struct ipsi_export *export)
{
	const bool mine = !export->setup.n_mine;
	const bool theirs = !export->setup.n_theirs;
	struct ipsi_setup *setup = &export->setup;
	struct ifaddrs *list, *i;
	int ret = IPSI_OK;

	if (getifaddrs(&list))
		return ipsi_fail("addresses: %s", strerror(errno));
	for (i = list; i && !ret; i = i->ifa_next) {
		if (strcmp(i->ifa_name, export->dev) || !i->ifa_addr ||
		    (i->ifa_addr->sa_family != AF_INET &&
		     i->ifa_addr->sa_family != AF_INET6))
			continue;
		if (mine)
			ret = ipsi_export_add_addr(setup->mine, &setup->n_mine,
						   i->ifa_addr);
		if (!ret && theirs && i->ifa_flags & IFF_POINTOPOINT &&
		    i->ifa_dstaddr && memcmp(i->ifa_dstaddr, i->ifa_addr,
		    i->ifa_addr->sa_family == AF_INET ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)))
			ret = ipsi_export_add_addr(setup->theirs,
						   &setup->n_theirs,
						   i->ifa_dstaddr);
	}
	freeifaddrs(list);
	if (!ret && !setup->n_mine)
		ret = ipsi_usage("%s has no address: add one, or --net NET",
				 export->dev);
	if (!ret && !setup->n_theirs)
		ret = ipsi_usage("the network behind the peer is not known: add --gateway NET");
	return ret;
}

static int ipsi_export_ends(struct ipsi_export *export, struct ipsi_nl *nl)
{
	struct ipsi_replies replies = {};
	struct ipsi_attrs dev;
	char buf[IPSI_TEXT_LEN];
	int ret;

	ret = ipsi_nl_get_devs(nl, export->dev, &replies);
	if (!ret && replies.n) {
		ipsi_attrs_parse(&dev, &ipsi_dev_set, replies.msg[0]);
		ipsi_net_copy(export->setup.local,
			      ipsi_attr_addr(&dev, IPSEC_IPIP_A_DEV_LOCAL, buf));
		ipsi_net_copy(export->setup.remote,
			      ipsi_attr_addr(&dev, IPSEC_IPIP_A_DEV_REMOTE, buf));
	}
	ipsi_replies_free(&replies);
	return ret;
}

/* Copies an algorithm and its key. Returns false if the key is withheld. */
static bool ipsi_export_take_alg(const struct ipsi_attrs *attrs,
				 unsigned int name, unsigned int key,
				 char alg[64], struct ipsi_key *out)
{
	if (!attrs->tb[name])
		return true;
	snprintf(alg, 64, "%s", ipsi_attr_string(attrs, name));
	if (attrs->tb[key]) {
		out->len = mnl_attr_get_payload_len(attrs->tb[key]);
		memcpy(out->data, mnl_attr_get_payload(attrs->tb[key]),
		       out->len);
	}
	return out->len || !strcmp(alg, "ecb(cipher_null)");
}

static int ipsi_export_take(struct ipsi_export *export,
			    const struct ipsi_attrs *attrs)
{
	const bool in = ipsi_attr_u64(attrs, IPSEC_IPIP_A_SA_DIRECTION) ==
			IPSEC_IPIP_DIRECTION_IN;
	struct ipsi_setup_sa *sa = &export->setup.sa[in];
	struct ipsi_attrs encap;

	/* The newest comes first; of outbound ones, the one in use counts. */
	if (export->has[in] || attrs->tb[IPSEC_IPIP_A_SA_PCPU] ||
	    (!in && !attrs->tb[IPSEC_IPIP_A_SA_ACTIVE]))
		return IPSI_OK;
	if (attrs->tb[IPSEC_IPIP_A_SA_ADOPTED])
		return ipsi_fail("%s has keys of a daemon: configure the daemon at the peer",
				 export->dev);
	export->has[in] = true;
	ipsi_net_copy(sa->src, in ? export->setup.remote : export->setup.local);
	ipsi_net_copy(sa->dst, in ? export->setup.local : export->setup.remote);
	sa->proto = ipsi_attr_u64(attrs, IPSEC_IPIP_A_SA_PROTO);
	sa->spi = ipsi_attr_u64(attrs, IPSEC_IPIP_A_SA_SPI);
	sa->icv_bits = ipsi_attr_u64(attrs, IPSEC_IPIP_A_SA_ICV_BITS);
	sa->window = ipsi_attr_u64(attrs, IPSEC_IPIP_A_SA_REPLAY_WINDOW);
	sa->esn = attrs->tb[IPSEC_IPIP_A_SA_ESN];
	ipsi_attrs_parse_nest(&encap, attrs, IPSEC_IPIP_A_SA_ENCAP);
	sa->sport = ipsi_attr_u64(&encap, IPSEC_IPIP_A_ENCAP_SPORT);
	sa->dport = ipsi_attr_u64(&encap, IPSEC_IPIP_A_ENCAP_DPORT);
	if (ipsi_export_take_alg(attrs, IPSEC_IPIP_A_SA_ENC_NAME,
				 IPSEC_IPIP_A_SA_ENC_KEY, sa->enc,
				 &sa->enc_key) &&
	    ipsi_export_take_alg(attrs, IPSEC_IPIP_A_SA_AUTH_NAME,
				 IPSEC_IPIP_A_SA_AUTH_KEY, sa->auth,
				 &sa->auth_key) &&
	    ipsi_export_take_alg(attrs, IPSEC_IPIP_A_SA_AEAD_NAME,
				 IPSEC_IPIP_A_SA_AEAD_KEY, sa->aead,
				 &sa->aead_key))
		return IPSI_OK;
	return ipsi_fail("%s: the kernel does not show keys, it is locked down for confidentiality",
			 export->dev);
}

static int ipsi_export_sas(struct ipsi_export *export, struct ipsi_nl *nl)
{
	struct ipsi_replies replies = {};
	struct ipsi_attrs attrs;
	size_t i;
	int ret;

	ret = ipsi_nl_get_sas(nl, export->dev, true, &replies);
	for (i = 0; i < replies.n && !ret; i++) {
		ipsi_attrs_parse(&attrs, &ipsi_sa_set, replies.msg[i]);
		ret = ipsi_export_take(export, &attrs);
	}
	ipsi_replies_free(&replies);
	if (!ret && (!export->has[0] || !export->has[1]))
		ret = ipsi_fail("%s has no valid %sbound SA: ipsec-ipip sa show %s",
				export->dev, export->has[0] ? "in" : "out",
				export->dev);
	return ret;
}

/* Without stdio's buffer, which would keep keys, output goes through this one. */
static char ipsi_export_buf[16384];

static int ipsi_export_run(struct ipsi_export *export, int argc, char **argv)
{
	struct ipsi_nl nl = {};
	int ret;

	export->dev = argv[0];
	ret = ipsi_parse_words(ipsi_export_words.words, ipsi_export_words.n,
			       export, argc - 1, argv + 1);
	if (ret)
		return ret;
	if (export->ike)
		return ipsi_export_ike(argv[0], &export->setup,
				       export->libreswan);
	if (!export->write)
		return ipsi_usage("--to {ip-xfrm|openbsd|self|swanctl|libreswan} expected");
	ret = ipsi_arg_dev(argv[0]);
	if (!ret)
		ret = ipsi_nl_open(&nl);
	if (!ret)
		ret = ipsi_export_ends(export, &nl);
	if (!ret)
		ret = ipsi_export_sas(export, &nl);
	ipsi_nl_close(&nl);
	if (!ret)
		ret = ipsi_export_nets(export);
	if (ret)
		return ret;
	ipsi_warn_stdout();
	setvbuf(stdout, ipsi_export_buf, _IOFBF, sizeof(ipsi_export_buf));
	ret = export->write(&export->setup);
	if (fflush(stdout) && !ret)
		ret = ipsi_fail("output: %s", strerror(errno));
	explicit_bzero(ipsi_export_buf, sizeof(ipsi_export_buf));
	return ret;
}

/**
 * ipsi_export() - write the peer's half of a link
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_export(int argc, char **argv)
{
	struct ipsi_export *export;
	int ret;

	if (!argc)
		return ipsi_usage("DEV expected");
	export = calloc(1, sizeof(*export));
	if (!export)
		return ipsi_fail("%s", strerror(ENOMEM));
	ret = ipsi_export_run(export, argc, argv);
	explicit_bzero(export, sizeof(*export));
	free(export);
	return ret;
}
