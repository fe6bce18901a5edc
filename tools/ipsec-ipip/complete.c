// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip __complete: the words that can be next on a command line, one a line,
 * for the completion of shells. The last argument is the word being typed. Files
 * are the shell's work: a line "file:" asks for them.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "algs.h"
#include "attrs.h"
#include "ipsi.h"
#include "nl.h"
#include "verbs.h"

static int ipsi_complete_dump(uint8_t cmd, const struct ipsi_attr_set *set,
			      const char *dev, struct ipsi_replies *replies)
{
	struct nlmsghdr *nlh;
	struct ipsi_nl nl;
	int ret;

	ret = ipsi_nl_open(&nl);
	nl.silent = true;
	if (!ret) {
		nlh = ipsi_nl_request(&nl, cmd, true);
		if (dev)
			ret = ipsi_nl_put_string(nlh, IPSEC_IPIP_A_SA_IFNAME,
						 dev);
	}
	if (!ret)
		ret = ipsi_nl_talk(&nl, set, replies);
	ipsi_nl_close(&nl);
	return ret;
}

static void ipsi_complete_devs(void)
{
	struct ipsi_replies devs = {};
	struct ipsi_attrs dev;
	size_t i;

	if (!ipsi_complete_dump(IPSEC_IPIP_CMD_DEV_GET, &ipsi_dev_set, NULL,
				&devs))
		for (i = 0; i < devs.n; i++) {
			ipsi_attrs_parse(&dev, &ipsi_dev_set, devs.msg[i]);
			puts(ipsi_attr_string(&dev, IPSEC_IPIP_A_DEV_IFNAME));
		}
	ipsi_replies_free(&devs);
}

static void ipsi_complete_spis(const char *dev)
{
	struct ipsi_replies sas = {};
	struct ipsi_attrs sa;
	size_t i;

	if (!ipsi_complete_dump(IPSEC_IPIP_CMD_SA_GET, &ipsi_sa_set, dev, &sas))
		for (i = 0; i < sas.n; i++) {
			ipsi_attrs_parse(&sa, &ipsi_sa_set, sas.msg[i]);
			printf("0x%08llx\n",
			       ipsi_attr_u64(&sa, IPSEC_IPIP_A_SA_SPI));
		}
	ipsi_replies_free(&sas);
}

static void ipsi_complete_ifaces(void)
{
	struct if_nameindex *ifs = if_nameindex(), *i;

	for (i = ifs; i && i->if_name; i++)
		puts(i->if_name);
	if_freenameindex(ifs);
}

static void ipsi_complete_algs(const char *word)
{
	const enum ipsi_alg_kind kind = !strcmp(word, "aead") ? IPSI_ALG_AEAD :
					!strcmp(word, "enc") ? IPSI_ALG_ENC :
							       IPSI_ALG_AUTH;
	size_t i;

	for (i = 0; i < ipsi_n_algs; i++)
		if (ipsi_algs[i].kind == kind &&
		    ipsi_alg_find(ipsi_algs[i].name) == &ipsi_algs[i])
			puts(ipsi_algs[i].name);
}

/* The names of "genkey". */
static void ipsi_complete_all_algs(void)
{
	size_t i;

	ipsi_complete_algs("aead");
	ipsi_complete_algs("auth");
	for (i = 0; i < ipsi_n_algs; i++)
		if (ipsi_algs[i].openbsd && ipsi_algs[i].key_len)
			puts(ipsi_algs[i].openbsd);
}

/* "{a|b}" offers a and b; "[...]" is the same as "...". */
static void ipsi_complete_choice(const char *token, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (token[i] == '|')
			putchar('\n');
		else if (!strchr("{}[]", token[i]))
			putchar(token[i]);
	}
	putchar('\n');
}

/* Returns the token of @args at @index, "" if there are fewer. */
static const char *ipsi_complete_token(const char *args, int index, size_t *len)
{
	args += strspn(args, "\n [");
	while (index-- > 0 && *args) {
		args += strcspn(args, "\n ");
		args += strspn(args, "\n [");
	}
	*len = strcspn(args, "\n ");
	return args;
}

/* Offers values for a token of the table. */
static void ipsi_complete_value(const char *token, size_t len, const char *word,
				const char *dev)
{
	static const char * const limits[] = {
		"time", "time-use", "byte", "packet"
	};
	char name[32];
	unsigned int i;

	while (len && token[len - 1] == ']')
		len--;
	snprintf(name, sizeof(name), "%.*s", (int)len, token);
	if (!strcmp(name, "DEV"))
		ipsi_complete_devs();
	else if (!strcmp(name, "SPI"))
		ipsi_complete_spis(dev);
	else if (!strcmp(name, "IFACE"))
		ipsi_complete_ifaces();
	else if (!strcmp(name, "NAME"))
		ipsi_complete_algs(word);
	else if (!strcmp(name, "ALG"))
		ipsi_complete_all_algs();
	else if (!strcmp(name, "KEY") || !strcmp(name, "FILE"))
		puts("file:");
	else if (!strcmp(name, "NET") || !strcmp(name, "ADDR"))
		return;
	else if (!strcmp(name, "LIMIT"))
		for (i = 0; i < IPSI_ARRAY_SIZE(limits); i++)
			printf("%s-soft\n%s-hard\n", limits[i], limits[i]);
	else if (len && (*token == '{' || (*token >= 'a' && *token <= 'z')))
		ipsi_complete_choice(token, len);
}

/* Offers words, or arguments of the last word. */
static void ipsi_complete_words(const struct ipsi_words *words, int argc,
				char **argv, const char *dev)
{
	const struct ipsi_word *word;
	const char *token;
	size_t i, len;

	while (argc) {
		for (i = 0; i < words->n; i++)
			if (!strcmp(words->words[i].word, argv[0]))
				break;
		if (i == words->n)
			return;
		word = &words->words[i];
		if (argc - 1 < word->n_args) {
			token = ipsi_complete_token(word->args, argc - 1, &len);
			ipsi_complete_value(token, len, word->word, dev);
			return;
		}
		argc -= 1 + word->n_args;
		argv += 1 + word->n_args;
	}
	for (i = 0; i < words->n; i++)
		if (words->words[i].help)
			puts(words->words[i].word);
}

/* The options of "ip link ... type ipsec-ipip", which the plug-in for ip(8) parses.
 * scripts/static.d/vocabulary compares both tables.
 */
static const struct ipsi_word ipsi_link_table[] = {
	{ .word = "local", .n_args = 1, .args = "ADDR", .help = "" },
	{ .word = "remote", .n_args = 1, .args = "{any}", .help = "" },
	{ .word = "dev", .n_args = 1, .args = "IFACE", .help = "" },
	{ .word = "nodev", .help = "" },
	{ .word = "if_id", .n_args = 1, .args = "N", .help = "" },
	{ .word = "reqid", .n_args = 1, .args = "N", .help = "" },
	{ .word = "ttl", .n_args = 1, .args = "{default}", .help = "" },
	{ .word = "tos", .n_args = 1, .args = "{inherit}", .help = "" },
	{ .word = "df", .n_args = 1, .args = "{unset|set|inherit}",
	  .help = "" },
	{ .word = "pmtudisc", .help = "" },
	{ .word = "nopmtudisc", .help = "" },
	{ .word = "ecn", .n_args = 1, .args = "{rfc3168|rfc6040|off}",
	  .help = "" },
	{ .word = "flowlabel", .n_args = 1, .args = "{inherit|hash|zero}",
	  .help = "" },
	{ .word = "fwmark", .n_args = 1, .args = "N", .help = "" },
	{ .word = "keying", .n_args = 1,
	  .args = "{manual|adopt|adopt-endpoints}", .help = "" },
	{ .word = "policies", .n_args = 1, .args = "{optional|required}",
	  .help = "" },
	{ .word = "icmp-relay", .help = "" },
	{ .word = "noicmp-relay", .help = "" },
	{ .word = "roam", .help = "" },
	{ .word = "noroam", .help = "" },
	{ .word = "encap-port", .n_args = 1, .args = "N", .help = "" },
	{ .word = "mtu", .n_args = 1, .args = "{auto}", .help = "" },
};

static const struct ipsi_words ipsi_link_words = {
	.words = ipsi_link_table, .n = IPSI_ARRAY_SIZE(ipsi_link_table)
};

/* The first arguments have places; the words follow, or "spi SPI" and "proto". */
static void ipsi_complete_verb(const struct ipsi_verb *verb, int argc,
			       char **argv)
{
	const struct ipsi_words *words = ipsi_verb_words(verb);
	const char *token;
	int places = 0;
	size_t len;

	for (;;) {
		token = ipsi_complete_token(verb->args, places, &len);
		if (!len || (words && (strchr("-W", *token) ||
				       (*token >= 'a' && *token <= 'z'))))
			break;
		places++;
	}
	if (words && argc >= places) {
		ipsi_complete_words(words, argc - places, argv + places,
				    argc ? argv[0] : NULL);
		return;
	}
	token = ipsi_complete_token(verb->args, argc, &len);
	/* The value of an option, or the next argument */
	if (argc && argv[argc - 1][0] == '-') {
		for (places = 0; (token = ipsi_complete_token(verb->args, places,
							      &len)), len;
		     places++)
			if (!strncmp(token, argv[argc - 1], len))
				break;
		token = ipsi_complete_token(verb->args, places + 1, &len);
	}
	ipsi_complete_value(token, len, verb->name, argc ? argv[0] : NULL);
}

/**
 * ipsi_complete() - print the words that can be next
 * @argc: number of words so far, with the one being typed
 * @argv: the words
 *
 * After the word "link", the words are those after "type ipsec-ipip" of ip(8).
 *
 * Return: IPSI_OK.
 */
int ipsi_complete(int argc, char **argv)
{
	const struct ipsi_verb *verb;
	const char *group = NULL;
	const char *names[32];
	size_t i, n;

	if (argc > 1 && !strcmp(argv[0], "link")) {
		ipsi_complete_words(&ipsi_link_words, argc - 2, argv + 1, NULL);
		return IPSI_OK;
	}
	if (argc && argv[argc - 1][0] == '-') {
		puts("--json\n--pretty\n--quiet\n--brief\n--help\n--version");
		if (argc == 1)
			return IPSI_OK;
	}
	for (argc--; argc > 0 && argv[0][0] == '-'; argc--)
		argv++;
	if (argc > 0 && !strcmp(argv[0], "sa")) {
		group = *argv++;
		argc--;
	}
	if (argc <= 0) {
		n = ipsi_verb_names(group, names, IPSI_ARRAY_SIZE(names));
		for (i = 0; i < n; i++)
			puts(names[i]);
		return IPSI_OK;
	}
	verb = ipsi_verb_find(group, argv[0]);
	if (verb)
		ipsi_complete_verb(verb, argc - 1, argv + 1);
	return IPSI_OK;
}
