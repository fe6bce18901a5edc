// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip __complete: the words that can be next on a command line, one a line,
 * for the completion of shells. The last argument is the word being typed. Files
 * are the shell's work: see ipsi_complete_value().
 */
#include <ctype.h>
#include <glob.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "algs.h"
#include "attrs.h"
#include "conf.h"
#include "ipsi.h"
#include "nl.h"
#include "verbs.h"

/* A shell reads these words, and the administrator of a container chooses them: a name
 * that means more than itself to a shell is left out.
 */
static void ipsi_complete_name(const char *name)
{
	char text[IF_NAMESIZE];
	const char *c;

	snprintf(text, sizeof(text), "%s", name);
	ipsi_make_printable(text);
	for (c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !(*c & 0x80) &&
		    !strchr("-_.@+", *c))
			return;
	puts(text);
}

static void ipsi_complete_devs(void)
{
	struct ipsi_replies devs = {};
	struct ipsi_attrs dev;
	size_t i;

	if (!ipsi_nl_peek(IPSEC_IPIP_CMD_DEV_GET, NULL, &devs))
		for (i = 0; i < devs.n; i++) {
			ipsi_attrs_parse(&dev, &ipsi_dev_set, devs.msg[i]);
			ipsi_complete_name(ipsi_attr_string(&dev,
							    IPSEC_IPIP_A_DEV_IFNAME));
		}
	ipsi_replies_free(&devs);
}

static void ipsi_complete_spis(const char *dev)
{
	struct ipsi_replies sas = {};
	struct ipsi_attrs sa;
	size_t i;

	if (!ipsi_nl_peek(IPSEC_IPIP_CMD_SA_GET, dev, &sas))
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
		ipsi_complete_name(i->if_name);
	if_freenameindex(ifs);
}

/* A name in capitals stands for a value; other tokens are literals. */
static bool ipsi_is_name(const char *token)
{
	return *token >= 'A' && *token <= 'Z';
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

/* Links that have a file */
static void ipsi_complete_links(void)
{
	const size_t before = strlen(IPSI_CONF_DIR "/");
	const char *name;
	glob_t found;
	size_t i;

	if (glob(IPSI_CONF_DIR "/*.conf", 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++) {
		name = found.gl_pathv[i] + before;
		printf("%.*s\n", (int)(strlen(name) - strlen(".conf")), name);
	}
	globfree(&found);
}

/* Offers values for a token of the arguments: a literal, or a name in capitals. The
 * shell completes paths by itself: "path:" asks for one, "file:" begins one.
 */
static void ipsi_complete_value(const char *token, const char *word,
				const char *dev)
{
	static const char * const limits[] = {
		"time", "time-use", "byte", "packet"
	};
	unsigned int i;

	if (!ipsi_is_name(token))
		puts(token);
	else if (!strcmp(token, "DEV"))
		ipsi_complete_devs();
	else if (!strcmp(token, "SPI"))
		ipsi_complete_spis(dev);
	else if (!strcmp(token, "IFACE"))
		ipsi_complete_ifaces();
	else if (!strcmp(token, "NAME") && !word)
		ipsi_complete_links();
	else if (!strcmp(token, "NAME"))
		ipsi_complete_algs(word);
	else if (!strcmp(token, "ALG"))
		ipsi_complete_all_algs();
	else if (!strcmp(token, "KEY"))
		puts("file:");
	else if (!strcmp(token, "FILE") || !strcmp(token, "COMMAND"))
		puts("path:");
	else if (!strcmp(token, "LIMIT"))
		for (i = 0; i < IPSI_ARRAY_SIZE(limits); i++)
			printf("%s-soft\n%s-hard\n", limits[i], limits[i]);
}

/**
 * struct ipsi_step - a step of a program that accepts the arguments of a command
 * @token: the token to take, or "" for a step that takes none
 * @to: without a token, the next step
 * @other: without a token, another one that may be the next; or 0
 */
struct ipsi_step {
	char token[32];
	uint8_t to;
	uint8_t other;
};

/* The program of "DEV {spi SPI|newest} [keys]" and the like: names in capitals,
 * literals, "[optional]" and "{alternative|alternative}". A set of steps is a
 * number with their bits; no command needs as many.
 */
struct ipsi_steps {
	struct ipsi_step step[64];
	uint8_t n;
};

static uint8_t ipsi_step_jump(struct ipsi_steps *steps, uint8_t to,
			      uint8_t other)
{
	steps->step[steps->n] = (struct ipsi_step){ .to = to, .other = other };
	return steps->n++;
}

/* Compiles alternatives up to the end, or to the bracket after them. */
static const char *ipsi_steps_compile(struct ipsi_steps *steps,
				      const char *args)
{
	uint8_t at = ipsi_step_jump(steps, steps->n + 1, 0);
	uint8_t start, ends[8], n = 0;
	bool optional;
	size_t len;

	for (;;) {
		args += strspn(args, "\n ");
		len = strcspn(args, "\n []{}|");
		if (len) {
			snprintf(steps->step[steps->n++].token,
				 sizeof(steps->step->token), "%.*s", (int)len,
				 args);
			args += len;
		} else if (*args == '[' || *args == '{') {
			optional = *args == '[';
			start = ipsi_step_jump(steps, steps->n + 1, 0);
			args = ipsi_steps_compile(steps, args + 1) + 1;
			if (optional)
				steps->step[start].other = steps->n;
		} else {
			ends[n++] = ipsi_step_jump(steps, 0, 0);
			if (*args != '|')
				break;
			steps->step[at].other = steps->n;
			at = ipsi_step_jump(steps, steps->n + 1, 0);
			args++;
		}
	}
	while (n)
		steps->step[ends[--n]].to = steps->n;
	return args;
}

/* The steps with a token that can be next, if @at is the next one. */
static uint64_t ipsi_steps_reach(const struct ipsi_steps *steps, uint8_t at)
{
	const struct ipsi_step *step = &steps->step[at];

	if (at >= steps->n)
		return 0;
	if (*step->token)
		return 1ULL << at;
	return ipsi_steps_reach(steps, step->to) |
	       (step->other ? ipsi_steps_reach(steps, step->other) : 0);
}

/* The steps that can follow after a word. A literal goes before a name. */
static uint64_t ipsi_steps_take(const struct ipsi_steps *steps, uint64_t from,
				const char *word)
{
	uint64_t literal = 0, name = 0;
	uint8_t i;

	for (i = 0; i < steps->n; i++) {
		if (!(from & 1ULL << i))
			continue;
		if (ipsi_is_name(steps->step[i].token))
			name |= ipsi_steps_reach(steps, i + 1);
		else if (!strcmp(steps->step[i].token, word))
			literal |= ipsi_steps_reach(steps, i + 1);
	}
	return literal ? literal : name;
}

/* Offers the tokens of @args that can follow after the words. @word is the one
 * whose arguments they are, or NULL for those of a command.
 */
static void ipsi_complete_args(const char *args, int argc, char **argv,
			       const char *word, const char *dev)
{
	struct ipsi_steps steps = {};
	uint64_t next;
	uint8_t i;

	ipsi_steps_compile(&steps, args);
	next = ipsi_steps_reach(&steps, 0);
	for (; argc; argc--, argv++)
		next = ipsi_steps_take(&steps, next, *argv);
	for (i = 0; i < steps.n; i++)
		if (next & 1ULL << i)
			ipsi_complete_value(steps.step[i].token, word, dev);
}

/* Offers words, or arguments of the last word. */
static void ipsi_complete_words(const struct ipsi_words *words, int argc,
				char **argv, const char *dev)
{
	const struct ipsi_word *word;
	size_t i;

	while (argc) {
		for (i = 0; i < words->n; i++)
			if (!strcmp(words->words[i].word, argv[0]))
				break;
		if (i == words->n)
			return;
		word = &words->words[i];
		if (argc - 1 < word->n_args) {
			ipsi_complete_args(word->args, argc - 1, argv + 1,
					   word->word, dev);
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

/* Takes options with a value out of the words, since they may be anywhere. Returns
 * the number of words that are left; an option is the last one if its value is next.
 */
static int ipsi_complete_options(const struct ipsi_verb *verb, int argc,
				 char **argv)
{
	char option[32];
	int i, n = 0;

	for (i = 0; i < argc; i++) {
		snprintf(option, sizeof(option), "[%s ", argv[i]);
		if (argv[i][0] == '-' && i + 1 < argc &&
		    strstr(verb->args, option))
			i++;
		else
			argv[n++] = argv[i];
	}
	return n;
}

/* The first arguments have places; the table's words follow. */
static void ipsi_complete_verb(const struct ipsi_verb *verb, int argc,
			       char **argv)
{
	const char *dev = argc ? argv[0] : NULL;
	const struct ipsi_words *words;
	const char *option;
	int places = 0;

	words = ipsi_verb_words(verb, &places);
	if (words && argc >= places) {
		ipsi_complete_words(words, argc - places, argv + places, dev);
		return;
	}
	argc = ipsi_complete_options(verb, argc, argv);
	option = argc && argv[argc - 1][0] == '-' ?
		 strstr(verb->args, argv[argc - 1]) : NULL;
	if (option)
		ipsi_complete_args(option, 1, argv + argc - 1, NULL, dev);
	else
		ipsi_complete_args(verb->args, argc, argv, NULL, dev);
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
	if (argc > 0 && !strcmp(argv[0], "help")) {
		argv++;
		argc--;
	}
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
