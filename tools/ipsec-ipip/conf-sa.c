// SPDX-License-Identifier: GPL-2.0
/*
 * SAs of ipsec-ipip.conf(5): read with the words of "sa add", got from the kernel,
 * compared, and printed.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "attrs.h"
#include "conf.h"
#include "ipsi.h"

#define IPSI_KEY_FILE	"file:"

enum { IPSI_KEY_AEAD, IPSI_KEY_ENC, IPSI_KEY_AUTH, IPSI_KEY_NONE };

/* Keys of the section, their words of "sa add", and the index of their KEY. */
static const struct ipsi_conf_sa_key {
	const char *key;
	const char *word;
	int which;
	bool repeats;
} ipsi_conf_sa_table[] = {
	{ "Direction", NULL, IPSI_KEY_NONE, false },
	{ "SPI", "spi", IPSI_KEY_NONE, false },
	{ "Proto", "proto", IPSI_KEY_NONE, false },
	{ "Mode", "mode", IPSI_KEY_NONE, false },
	{ "ReqId", "reqid", IPSI_KEY_NONE, false },
	{ "AEAD", "aead", IPSI_KEY_AEAD, false },
	{ "Enc", "enc", IPSI_KEY_ENC, false },
	{ "Auth", "auth", IPSI_KEY_AUTH, false },
	{ "AuthTrunc", "auth-trunc", IPSI_KEY_AUTH, false },
	{ "ReplayWindow", "replay-window", IPSI_KEY_NONE, false },
	{ "ESN", "esn", IPSI_KEY_NONE, false },
	{ "Limit", "limit", IPSI_KEY_NONE, true },
	{ "Encap", "encap", IPSI_KEY_NONE, false },
	{ "PCPU", "pcpu", IPSI_KEY_NONE, false },
};

bool ipsi_conf_sa_key(const char *key)
{
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_conf_sa_table); i++)
		if (!strcasecmp(key, ipsi_conf_sa_table[i].key))
			return true;
	return false;
}

/* Names of the keys of the section; returns their number. */
size_t ipsi_conf_sa_keys(const char **names)
{
	size_t i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_conf_sa_table); i++)
		names[i] = ipsi_conf_sa_table[i].key;
	return i;
}

/* Keeps a word as long as the SA. Returns NULL if there are too many. */
static char *ipsi_conf_sa_word(struct ipsi_conf_sa *sa, const char *word)
{
	if (sa->n_words == IPSI_ARRAY_SIZE(sa->words))
		return NULL;
	sa->words[sa->n_words] = ipsi_conf_dup(word);
	return sa->words[sa->n_words++];
}

static bool ipsi_conf_key_stays(const struct ipsi_conf *conf, const char *key)
{
	struct stat st;

	if (strncmp(key, IPSI_KEY_FILE, strlen(IPSI_KEY_FILE)))
		return conf->stays;
	return !stat(key + strlen(IPSI_KEY_FILE), &st) && S_ISREG(st.st_mode);
}

static const char ipsi_counter_refusal[] =
	"%s: %s: a key in a file is used twice (RFC 4106 section 2): use cbc(aes), or Secret";

/* "NAME KEY [ICVBITS]": checks where the key comes from; returns an exit code. */
static int ipsi_conf_sa_alg(struct ipsi_conf *conf, struct ipsi_conf_sa *sa,
			    const struct ipsi_conf_sa_key *key, char **argv)
{
	const bool file = !strncmp(argv[1], IPSI_KEY_FILE,
				   strlen(IPSI_KEY_FILE));

	if (ipsi_counter_mode(argv[0]) && ipsi_conf_key_stays(conf, argv[1]))
		return ipsi_usage(ipsi_counter_refusal, key->key, argv[0]);
	if (!strcmp(argv[1], "\"\"")) {
		*argv[1] = '\0';
		return IPSI_OK;
	}
	if (!file && strncmp(argv[1], "0x", 2))
		return ipsi_usage("%s: key must be file:PATH, 0xHEX, or \"\"",
				  key->key);
	if (!file && !conf->is_private)
		return ipsi_usage("%s: others can read this file: chmod go-r, or use file:PATH",
				  key->key);
	if (file && argv[1][strlen(IPSI_KEY_FILE)] != '/')
		return ipsi_usage("%s: %s: expected an absolute path",
				  key->key, argv[1]);
	if (file)
		sa->path[key->which] = argv[1];
	return IPSI_OK;
}

/* Checks the number of words that a key of the file takes, as "sa add" does. More
 * of them would be those of another key, with its checks left out.
 */
static int ipsi_conf_sa_count(const struct ipsi_conf_sa_key *key, int given)
{
	const struct ipsi_word *word = ipsi_sa_add_words.words;

	while (strcmp(word->word, key->word))
		word++;
	if (given < word->n_args)
		return ipsi_missing_args(word, key->key, given);
	if (given > word->n_args)
		return ipsi_usage("%s: %s expected, and nothing after it",
				  key->key, word->args);
	return IPSI_OK;
}

static int ipsi_conf_sa_line(struct ipsi_conf *conf, struct ipsi_conf_sa *sa,
			     const struct ipsi_conf_sa_key *key, char *value)
{
	char *argv[6], *save, *part;
	int argc = 0, ret;
	uint32_t on;

	if (!key->word)
		return ipsi_arg_direction(value, &sa->args.id.direction);
	argv[argc++] = (char *)key->word;
	if (!strcmp(key->word, "esn")) {
		ret = ipsi_conf_bool(value, &on);
		return ret || !on ? ret :
				    ipsi_sa_parse_words(&sa->args, argc, argv);
	}
	for (part = strtok_r(value, " \t", &save); part;
	     part = strtok_r(NULL, " \t", &save)) {
		if (argc == IPSI_ARRAY_SIZE(argv))
			return ipsi_usage("%s: too many words", key->key);
		argv[argc] = ipsi_conf_sa_word(sa, part);
		if (!argv[argc++])
			return ipsi_usage("too many lines in this section");
	}
	ret = ipsi_conf_sa_count(key, argc - 1);
	if (!ret && key->which != IPSI_KEY_NONE)
		ret = ipsi_conf_sa_alg(conf, sa, key, argv + 1);
	return ret ? ret : ipsi_sa_parse_words(&sa->args, argc, argv);
}

/**
 * ipsi_conf_sa_parse() - read a line of an SA
 * @conf: the configuration
 * @sa: the SA
 * @key: a key of the section
 * @value: its value
 *
 * Return: exit code.
 */
int ipsi_conf_sa_parse(struct ipsi_conf *conf, struct ipsi_conf_sa *sa,
		       const char *key, char *value)
{
	const struct ipsi_conf_sa_key *known;
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_conf_sa_table); i++) {
		known = &ipsi_conf_sa_table[i];
		if (strcasecmp(key, known->key))
			continue;
		if (sa->seen & 1U << i && !known->repeats)
			return ipsi_usage("%s: given twice", key);
		sa->seen |= 1U << i;
		if (known->which == IPSI_KEY_AUTH && sa->has_auth)
			return ipsi_usage("%s: Auth and AuthTrunc are the same key",
					  key);
		sa->has_auth |= known->which == IPSI_KEY_AUTH;
		if (!known->word)
			sa->args.id.has_direction = true;
		return ipsi_conf_sa_line(conf, sa, known, value);
	}
	return IPSI_OK;
}

/* The standard truncation of an integrity algorithm, as the module has it. */
static uint32_t ipsi_standard_icv(const char *auth)
{
	if (!strcmp(auth, "hmac(sha256)"))
		return 128;
	if (!strcmp(auth, "hmac(sha384)"))
		return 192;
	if (!strcmp(auth, "hmac(sha512)") || !strcmp(auth, "hmac(sm3)"))
		return 256;
	return 96;
}

/* Checks an SA, and fills in the defaults; returns an exit code. */
int ipsi_conf_sa_complete(struct ipsi_conf *conf, struct ipsi_conf_sa *sa)
{
	struct ipsi_sa_args *args = &sa->args;
	size_t i;

	if (!args->id.has_direction)
		return ipsi_usage("Direction = in or out expected in this [SA]");
	if (!args->id.has_spi)
		return ipsi_usage("SPI = NUMBER expected in this [SA]");
	if (args->aead && (args->enc || args->auth))
		return ipsi_usage("AEAD excludes Enc, Auth and AuthTrunc");
	/* The kernel would refuse it, but with the link made already. */
	if (!args->aead && !args->auth)
		return ipsi_usage("Auth = NAME KEY expected in this [SA]; an SA without integrity is not accepted");
	if (!args->aead && !args->enc && args->id.proto != IPPROTO_AH)
		return ipsi_usage("Enc = NAME KEY expected in this [SA], or Proto = ah");
	if (args->enc && args->id.proto == IPPROTO_AH)
		return ipsi_usage("Enc: expected Auth alone with Proto = ah");
	if (args->id.spi < 0x100)
		return ipsi_usage("SPI: 0x%x: expected 0x100 to 0xffffffff",
				  args->id.spi);
	if (!args->id.proto)
		args->id.proto = IPPROTO_ESP;
	/* Without the link's options, its reqid is read from the kernel. */
	if (!args->has_reqid && !conf->partial) {
		args->reqid = conf->option[IPSI_CONF_REQID].number;
		args->has_reqid = true;
	}
	for (i = 0; conf->sa[i] != sa; i++)
		if (ipsi_conf_sa_same_id(&conf->sa[i]->args, args))
			return ipsi_usage("SPI: 0x%x is that of line %d too",
					  args->id.spi, conf->sa[i]->line);
	return IPSI_OK;
}

static const char *ipsi_conf_sa_name(struct ipsi_conf_sa *sa,
				     const struct ipsi_attrs *from,
				     unsigned int name, unsigned int key,
				     struct ipsi_key *to)
{
	const struct nlattr *attr = from->tb[key];

	if (!from->tb[name])
		return NULL;
	if (attr) {
		to->len = mnl_attr_get_payload_len(attr);
		memcpy(to->data, mnl_attr_get_payload(attr), to->len);
	}
	if (!to->len && strcmp(ipsi_attr_string(from, name), "ecb(cipher_null)"))
		sa->hidden = true;
	return ipsi_conf_sa_word(sa, ipsi_attr_string(from, name));
}

static void ipsi_conf_sa_get_numbers(struct ipsi_sa_args *args,
				     const struct ipsi_attrs *from)
{
	struct ipsi_attrs nest;
	unsigned int id;

	args->has_mode = true;
	args->mode = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_MODE);
	args->has_reqid = true;
	args->reqid = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_REQID);
	args->has_icv = from->tb[IPSEC_IPIP_A_SA_ICV_BITS];
	args->icv_bits = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_ICV_BITS);
	args->window = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_REPLAY_WINDOW);
	args->esn = from->tb[IPSEC_IPIP_A_SA_ESN];
	args->has_pcpu = from->tb[IPSEC_IPIP_A_SA_PCPU];
	args->pcpu = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_PCPU);
	ipsi_attrs_parse_nest(&nest, from, IPSEC_IPIP_A_SA_LIFETIME);
	for (id = 0; id <= IPSEC_IPIP_A_LIFETIME_MAX; id++)
		args->limit[id] = ipsi_attr_u64(&nest, id);
	args->has_encap = from->tb[IPSEC_IPIP_A_SA_ENCAP];
	ipsi_attrs_parse_nest(&nest, from, IPSEC_IPIP_A_SA_ENCAP);
	args->sport = ipsi_attr_u64(&nest, IPSEC_IPIP_A_ENCAP_SPORT);
	args->dport = ipsi_attr_u64(&nest, IPSEC_IPIP_A_ENCAP_DPORT);
}

static int ipsi_conf_sa_take(struct ipsi_conf *conf,
			     const struct ipsi_attrs *from)
{
	struct ipsi_conf_sa *sa = ipsi_conf_sa_new(conf, 0);
	struct ipsi_sa_args *args = &sa->args;

	args->id.has_direction = true;
	args->id.direction = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_DIRECTION);
	args->id.has_spi = true;
	args->id.spi = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_SPI);
	args->id.proto = ipsi_attr_u64(from, IPSEC_IPIP_A_SA_PROTO);
	args->aead = ipsi_conf_sa_name(sa, from, IPSEC_IPIP_A_SA_AEAD_NAME,
				       IPSEC_IPIP_A_SA_AEAD_KEY,
				       &args->aead_key);
	args->enc = ipsi_conf_sa_name(sa, from, IPSEC_IPIP_A_SA_ENC_NAME,
				      IPSEC_IPIP_A_SA_ENC_KEY, &args->enc_key);
	args->auth = ipsi_conf_sa_name(sa, from, IPSEC_IPIP_A_SA_AUTH_NAME,
				       IPSEC_IPIP_A_SA_AUTH_KEY,
				       &args->auth_key);
	ipsi_conf_sa_get_numbers(args, from);
	if (sa->hidden)
		return ipsi_fail("SA 0x%08x: the kernel does not show its keys (see lockdown)",
				 args->id.spi);
	return IPSI_OK;
}

/**
 * ipsi_conf_sa_get() - get the SAs of a link, the oldest first
 * @conf: the result, with the name of the link
 * @nl: a socket of the family
 *
 * SAs of a daemon are left out.
 *
 * Return: exit code.
 */
int ipsi_conf_sa_get(struct ipsi_conf *conf, struct ipsi_nl *nl)
{
	struct ipsi_replies replies = {};
	struct ipsi_attrs sa;
	size_t i;
	int ret;

	ret = ipsi_nl_get_sas(nl, conf->dev, true, &replies);
	for (i = replies.n; i > 0 && !ret; i--) {
		ipsi_attrs_parse(&sa, &ipsi_sa_set, replies.msg[i - 1]);
		if (sa.tb[IPSEC_IPIP_A_SA_SPI] &&
		    !sa.tb[IPSEC_IPIP_A_SA_ADOPTED])
			ret = ipsi_conf_sa_take(conf, &sa);
	}
	ipsi_replies_free(&replies);
	return ret;
}

bool ipsi_conf_sa_same_id(const struct ipsi_sa_args *a,
			  const struct ipsi_sa_args *b)
{
	return a->id.direction == b->id.direction && a->id.spi == b->id.spi &&
	       a->id.proto == b->id.proto;
}

static bool ipsi_same_alg(const char *a, const struct ipsi_key *a_key,
			  const char *b, const struct ipsi_key *b_key)
{
	if (!a || !b)
		return !a && !b;
	return !strcmp(a, b) && a_key->len == b_key->len &&
	       !memcmp(a_key->data, b_key->data, a_key->len);
}

/* The length of the ICV, given or standard. */
static uint32_t ipsi_conf_sa_icv(const struct ipsi_sa_args *args)
{
	if (args->has_icv || !args->auth)
		return args->icv_bits;
	return ipsi_standard_icv(args->auth);
}

static bool ipsi_conf_sa_same_numbers(const struct ipsi_sa_args *a,
				      const struct ipsi_sa_args *b)
{
	return ipsi_conf_sa_icv(a) == ipsi_conf_sa_icv(b) &&
	       a->mode == b->mode && a->reqid == b->reqid &&
	       a->window == b->window && a->esn == b->esn &&
	       a->has_pcpu == b->has_pcpu && a->pcpu == b->pcpu &&
	       a->has_encap == b->has_encap && a->sport == b->sport &&
	       a->dport == b->dport &&
	       !memcmp(a->limit, b->limit, sizeof(a->limit));
}

/* Whether two SAs are the same in all that a file says about them. */
bool ipsi_conf_sa_equal(const struct ipsi_sa_args *a,
			const struct ipsi_sa_args *b)
{
	return ipsi_conf_sa_same_id(a, b) && ipsi_conf_sa_same_numbers(a, b) &&
	       ipsi_same_alg(a->aead, &a->aead_key, b->aead, &b->aead_key) &&
	       ipsi_same_alg(a->enc, &a->enc_key, b->enc, &b->enc_key) &&
	       ipsi_same_alg(a->auth, &a->auth_key, b->auth, &b->auth_key);
}

static void ipsi_conf_print_key(FILE *f, const struct ipsi_key *key,
				const char *path)
{
	size_t i;

	if (path) {
		fputs(path, f);
		return;
	}
	fputs(key->len ? "0x" : "\"\"", f);
	for (i = 0; i < key->len; i++)
		fprintf(f, "%02x", key->data[i]);
}

static void ipsi_conf_sa_print_algs(FILE *f, const struct ipsi_sa_args *args,
				    const char *const path[3])
{
	const uint32_t icv = ipsi_conf_sa_icv(args);

	if (args->aead) {
		fprintf(f, "AEAD = %s ", args->aead);
		ipsi_conf_print_key(f, &args->aead_key, path[IPSI_KEY_AEAD]);
		fprintf(f, " %u\n", icv);
	}
	if (args->enc) {
		fprintf(f, "Enc = %s ", args->enc);
		ipsi_conf_print_key(f, &args->enc_key, path[IPSI_KEY_ENC]);
		fputc('\n', f);
	}
	if (args->auth && icv == ipsi_standard_icv(args->auth)) {
		fprintf(f, "Auth = %s ", args->auth);
		ipsi_conf_print_key(f, &args->auth_key, path[IPSI_KEY_AUTH]);
		fputc('\n', f);
	} else if (args->auth) {
		fprintf(f, "AuthTrunc = %s ", args->auth);
		ipsi_conf_print_key(f, &args->auth_key, path[IPSI_KEY_AUTH]);
		fprintf(f, " %u\n", icv);
	}
}

static void ipsi_conf_sa_print_one(FILE *f, const struct ipsi_conf *conf,
				   const struct ipsi_sa_args *args,
				   const char *const path[3])
{
	unsigned int id;

	fprintf(f, "\n[SA]\nDirection = %s\nSPI = 0x%08x\n",
		args->id.direction == IPSEC_IPIP_DIRECTION_IN ? "in" : "out",
		args->id.spi);
	if (args->id.proto != IPPROTO_ESP)
		fprintf(f, "Proto = %s\n", ipsi_proto_name(args->id.proto));
	if (args->mode == IPSEC_IPIP_MODE_TUNNEL)
		fputs("Mode = tunnel\n", f);
	if (args->reqid != conf->option[IPSI_CONF_REQID].number)
		fprintf(f, "ReqId = %u\n", args->reqid);
	ipsi_conf_sa_print_algs(f, args, path);
	if (args->window)
		fprintf(f, "ReplayWindow = %u\n", args->window);
	if (args->esn)
		fputs("ESN = yes\n", f);
	for (id = 0; id <= IPSEC_IPIP_A_LIFETIME_MAX; id++)
		if (args->limit[id])
			fprintf(f, "Limit = %s %llu\n",
				ipsi_sa_limit_word(id),
				(unsigned long long)args->limit[id]);
	if (args->has_encap)
		fprintf(f, "Encap = espinudp %u %u\n", args->sport,
			args->dport);
	if (args->has_pcpu)
		fprintf(f, "PCPU = %u\n", args->pcpu);
}

/**
 * ipsi_conf_sa_print() - print the SAs
 * @f: the file
 * @conf: the configuration
 * @paths: a configuration with the same keys by path, which are then printed by
 *   path; or NULL
 *
 * Return: exit code.
 */
int ipsi_conf_sa_print(FILE *f, const struct ipsi_conf *conf,
		       const struct ipsi_conf *paths)
{
	static const char *const none[3];
	const struct ipsi_sa_args *args;
	const char *const *path;
	size_t i, j;

	for (i = 0; i < conf->n_sa; i++) {
		args = &conf->sa[i]->args;
		path = none;
		for (j = 0; paths && j < paths->n_sa; j++)
			if (ipsi_conf_sa_equal(args, &paths->sa[j]->args))
				path = paths->sa[j]->path;
		if (paths && ((args->aead && ipsi_counter_mode(args->aead)) ||
			      (args->enc && ipsi_counter_mode(args->enc))))
			return ipsi_fail("SA 0x%08x: no counter-mode key is saved (RFC 4106)",
					 args->id.spi);
		ipsi_conf_sa_print_one(f, conf, args, path);
	}
	return IPSI_OK;
}

void ipsi_conf_sa_free(struct ipsi_conf_sa *sa)
{
	size_t i;

	for (i = 0; i < sa->n_words; i++) {
		explicit_bzero(sa->words[i], strlen(sa->words[i]));
		free(sa->words[i]);
	}
	explicit_bzero(sa, sizeof(*sa));
	free(sa);
}
