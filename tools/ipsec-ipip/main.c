// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip: options and the table of verbs. Each verb has a file of its own.
 * Help and completion come from the table, and from the tables of words.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipsi.h"
#include "module.h"
#include "verbs.h"

const char ipsi_version[] = IPSI_VERSION;

const struct ipsi_verb ipsi_verbs[] = {
	{ NULL, "show", ipsi_show, "bjp", "[DEV]",
	  "show devices (the default)" },
	{ "sa", "add", ipsi_sa_add, "q", "DEV {in|out} spi SPI WORD...",
	  "add an SA to a device" },
	{ "sa", "del", ipsi_sa_del, "", "DEV {in|out} spi SPI [proto {esp|ah}]",
	  "delete an SA of a device" },
	{ "sa", "flush", ipsi_sa_flush, "", "DEV [{in|out}]",
	  "delete all SAs of a device" },
	{ "sa", "show", ipsi_sa_show, "jpq",
	  "[DEV [{in|out} spi SPI [proto {esp|ah}]]] [keys [--format wireshark]]",
	  "show SAs, with \"keys\" also their keys" },
	{ "sa", "activate", ipsi_sa_activate, "",
	  "DEV {spi SPI [proto {esp|ah}]|newest}",
	  "choose the outbound SA to use" },
	{ NULL, "rekey", ipsi_rekey, "q", "DEV {in|out} spi SPI WORD...",
	  "add an SA, and delete the older ones" },
	{ NULL, "genkey", ipsi_genkey, "q", "[-a ALG]", "print a random key" },
	{ NULL, "import", ipsi_import, "q", "FILE [WORD...]",
	  "make a file of ipsec.conf or ip xfrm" },
	{ NULL, "export", ipsi_export, "q", "DEV WORD...",
	  "print the peer's half, with keys" },
	{ NULL, "monitor", ipsi_monitor, "jq", "[DEV] [--exec COMMAND]",
	  "print events, and run a command for each" },
	{ NULL, "check", ipsi_check, "jp", "[DEV]",
	  "look for present and imminent faults" },
	{ NULL, "up", ipsi_up, "q", "{NAME|FILE}",
	  "make the link of a file" },
	{ NULL, "down", ipsi_down, "q", "{NAME|FILE}",
	  "delete the link of a file" },
	{ NULL, "syncconf", ipsi_syncconf, "q", "NAME [FILE]",
	  "update a link by its file, without loss" },
	{ NULL, "setconf", ipsi_setconf, "q", "NAME [FILE]",
	  "update a link by its file, at once" },
	{ NULL, "addconf", ipsi_addconf, "q", "NAME [FILE]",
	  "add the SAs and options of a file" },
	{ NULL, "resolve", ipsi_resolve, "", "[NAME|FILE]",
	  "follow silent peers that have moved" },
	{ NULL, "showconf", ipsi_showconf, "q", "DEV",
	  "print a link as a file, with keys" },
	{ NULL, "strip", ipsi_strip, "q", "{NAME|FILE}",
	  "print a file as showconf does" },
	{ NULL, "save", ipsi_save, "q", "{NAME|FILE}",
	  "write the link to its file" },
	{ NULL, "capture", ipsi_capture, "q", "[DEV] [-w FILE] [-c COUNT]",
	  "print packets with the SPI of each" },
	{ NULL, "metrics", ipsi_metrics_run, "",
	  "[--format {prometheus|openmetrics}]",
	  "print metrics of all devices" },
};

const size_t ipsi_n_verbs = IPSI_ARRAY_SIZE(ipsi_verbs);

/* Commands with a table of words after their first arguments. */
static const struct {
	int (*run)(int argc, char **argv);
	const struct ipsi_words *words;
	int places;
} ipsi_verbs_words[] = {
	{ ipsi_sa_add, &ipsi_sa_add_words, 2 },
	{ ipsi_rekey, &ipsi_sa_add_words, 2 },
	{ ipsi_genkey, &ipsi_genkey_words, 0 },
	{ ipsi_import, &ipsi_import_words, 1 },
	{ ipsi_export, &ipsi_export_words, 1 },
};

/* Words that other commands use for the same thing. */
static const struct {
	const char *word;
	const char *name;
} ipsi_aliases[] = {
	{ "delete", "del" },
	{ "remove", "del" },
	{ "list", "show" },
	{ "ls", "show" },
};

static const struct option ipsi_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "brief", no_argument, NULL, 'b' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{}
};

/* In the order of ipsi_options */
static const char * const ipsi_options_help[] = {
	"print JSON instead of text",
	"print JSON on several lines",
	"print no warnings",
	"print a line for each device",
	"print this text; after a command, its own",
	"print the version",
};

static void ipsi_print_options(const char *letters)
{
	size_t i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_options_help); i++)
		if (strchr(letters, ipsi_options[i].val))
			printf("  -%c, --%-25s%s\n", ipsi_options[i].val,
			       ipsi_options[i].name, ipsi_options_help[i]);
}

static void ipsi_print_usage(void)
{
	const struct ipsi_verb *verb;
	char line[128];
	size_t i;

	puts("Usage: ipsec-ipip [OPTION]... COMMAND\n");
	for (i = 0; i < ipsi_n_verbs; i++) {
		verb = &ipsi_verbs[i];
		snprintf(line, sizeof(line), "%s%s%s %s",
			 verb->group ? verb->group : "",
			 verb->group ? " " : "", verb->name, verb->args);
		printf("  %-34s%s  %s\n", line,
		       strlen(line) > 34 ? "\n                                    " : "",
		       verb->help);
	}
	putchar('\n');
	ipsi_print_options("jpqbhV");
	puts("\n\"ipsec-ipip COMMAND --help\" explains a command; see ipsec-ipip(8).\n"
	     "Commands may be abbreviated.");
}

static void ipsi_print_words(const struct ipsi_words *words)
{
	bool keys = false;
	char text[64];
	size_t i;

	for (i = 0; i < words->n; i++) {
		if (!words->words[i].help)
			continue;
		snprintf(text, sizeof(text), "%s%s%s", words->words[i].word,
			 words->words[i].args ? " " : "",
			 words->words[i].args ? words->words[i].args : "");
		printf("  %-30s%s %s\n", text,
		       strlen(text) > 30 ? "\n                                " : "",
		       words->words[i].help);
		if (strstr(text, " KEY"))
			keys = true;
	}
	if (keys)
		puts("KEY is 0xHEX, file:PATH, - for a line of standard input, or \"\".");
}

/**
 * ipsi_verb_words() - the words that a command takes in any order
 * @verb: the command
 * @places: set to the number of arguments before them; or NULL
 *
 * Return: the words, or NULL.
 */
const struct ipsi_words *ipsi_verb_words(const struct ipsi_verb *verb,
					 int *places)
{
	size_t i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_verbs_words); i++) {
		if (ipsi_verbs_words[i].run != verb->run)
			continue;
		if (places)
			*places = ipsi_verbs_words[i].places;
		return ipsi_verbs_words[i].words;
	}
	return NULL;
}

/**
 * ipsi_verb_usage() - print the help of a command
 * @verb: the command
 */
void ipsi_verb_usage(const struct ipsi_verb *verb)
{
	const struct ipsi_words *words = ipsi_verb_words(verb, NULL);
	const bool options = *verb->options;
	int len;

	len = printf("Usage: ipsec-ipip %s%s%s%s%s%s", options ? "[-" : "",
		     verb->options, options ? "] " : "",
		     verb->group ? verb->group : "", verb->group ? " " : "",
		     verb->name);
	printf("%s%s\n%s\n",
	       len + strlen(verb->args) < 80 ? " " : "\n           ",
	       verb->args, verb->help);
	if (words)
		ipsi_print_words(words);
	ipsi_print_options(verb->options);
}

/**
 * ipsi_verb_names() - the commands that can follow a word
 * @group: the word, or NULL
 * @names: the result
 * @max: the size of @names
 *
 * Return: number of names.
 */
size_t ipsi_verb_names(const char *group, const char **names, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < ipsi_n_verbs && n + 2 < max; i++)
		if (!group == !ipsi_verbs[i].group)
			names[n++] = ipsi_verbs[i].name;
	if (!group) {
		names[n++] = "sa";
		names[n++] = "help";
	}
	return n;
}

static bool ipsi_starts_with(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The name that all others begin with, or NULL */
static const char *ipsi_common_name(const char **names, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < n && ipsi_starts_with(names[j], names[i]); j++)
			;
		if (j == n)
			return names[i];
	}
	return NULL;
}

static void ipsi_ambiguous(const char *group, const char *word,
			   const char **names, size_t n)
{
	char text[256] = "";
	size_t i, len;

	for (i = 0; i < n; i++) {
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "%s%s", i ? ", " : "",
			 names[i]);
	}
	ipsi_usage("\"%s%s%s\" can be: %s", group ? group : "",
		   group ? " " : "", word, text);
}

/* The command with this exact name, or NULL. */
const struct ipsi_verb *ipsi_verb_find(const char *group, const char *name)
{
	const struct ipsi_verb *verb;
	size_t i;

	for (i = 0; i < ipsi_n_verbs; i++) {
		verb = &ipsi_verbs[i];
		if (!group != !verb->group || strcmp(name, verb->name))
			continue;
		if (!group || !strcmp(group, verb->group))
			return verb;
	}
	return NULL;
}

/* Words that are no command here, but nearly. */
static int ipsi_no_verb(const char *group, const char *word,
			const char * const *names, size_t n)
{
	char like[IPSI_SUGGEST_LEN];

	if (!group && ipsi_verb_find("sa", word))
		return ipsi_usage("unknown command \"%s\": did you mean \"sa %s\"?",
				  word, word);
	if (if_nametoindex(word))
		return ipsi_usage("\"%s\" is a device; the command comes first: %s%s %s",
				  word, group ? group : "", group ? " show" : "show",
				  word);
	return ipsi_usage("unknown command \"%s%s%.64s\"%s See ipsec-ipip --help",
			  group ? group : "", group ? " " : "", word,
			  *ipsi_suggest(word, names, n, like) ? like : ".");
}

/* The exact name for an alias or an abbreviation: "sh" is "show" and not
 * "showconf", which begins with it. Reports an error, and returns NULL, if there
 * is none, or more than one.
 */
static const char *ipsi_verb_name(const char *group, const char *word)
{
	const char *names[64], *hits[64], *found;
	size_t i, n, n_hits = 0;

	n = ipsi_verb_names(group, names, IPSI_ARRAY_SIZE(names));
	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_aliases); i++)
		if (!strcmp(ipsi_aliases[i].word, word))
			word = ipsi_aliases[i].name;
	for (i = 0; i < n; i++) {
		if (!strcmp(names[i], word))
			return names[i];
		if (*word && ipsi_starts_with(names[i], word))
			hits[n_hits++] = names[i];
	}
	/* "add" is no short form of "addconf". */
	if (!group && ipsi_verb_find("sa", word))
		n_hits = 0;
	found = ipsi_common_name(hits, n_hits);
	if (found)
		return found;
	if (n_hits)
		ipsi_ambiguous(group, word, hits, n_hits);
	else
		ipsi_no_verb(group, word, names, n);
	return NULL;
}

/* "-" and negative numbers are words. */
static bool ipsi_is_option(const char *word)
{
	return word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9');
}

/* Options that take the place of a command */
enum ipsi_ask { IPSI_ASK_NOTHING, IPSI_ASK_HELP, IPSI_ASK_VERSION };

/* Options with a value, each of one command */
static const struct {
	int (*run)(int argc, char **argv);
	const char *verb;
	const char *brief;
	const char *name;
	const char **value;
} ipsi_values[] = {
	{ ipsi_capture, "capture", "-w", "--write", &ipsi_opts.write },
	{ ipsi_capture, "capture", "-c", "--count", &ipsi_opts.count },
	{ ipsi_monitor, "monitor", "", "--exec", &ipsi_opts.exec },
	{ ipsi_sa_show, "sa show", "", "--format", &ipsi_opts.format },
	{ ipsi_metrics_run, "metrics", "", "--format", &ipsi_opts.format },
};

/* Options of ip(8) that have no meaning here */
static const struct {
	const char *word;
	const char *why;
} ipsi_ip_options[] = {
	{ "-s", "counters are always shown, leave it out" },
	{ "-d", "details are always shown, leave it out" },
	{ "-t", "monitor always prints the time, leave it out" },
	{ "-ts", "monitor always prints the time, leave it out" },
	{ "-br", "did you mean \"--brief\"?" },
	{ "-n", "use \"ip netns exec NAME ipsec-ipip ...\"" },
};

static int ipsi_unknown_option(const char *word)
{
	char like[IPSI_SUGGEST_LEN] = "";
	const char *names[IPSI_ARRAY_SIZE(ipsi_options)];
	size_t i, n;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_values); i++)
		if (!strcmp(ipsi_values[i].brief, word) ||
		    !strcmp(ipsi_values[i].name, word))
			return ipsi_usage("only %s takes the option %s",
					  ipsi_values[i].verb, word);
	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_ip_options); i++)
		if (!strcmp(ipsi_ip_options[i].word, word))
			return ipsi_usage("unknown option \"%s\": %s", word,
					  ipsi_ip_options[i].why);
	for (n = 0; ipsi_options[n].name; n++)
		names[n] = ipsi_options[n].name;
	if (word[1] == '-')
		ipsi_suggest(word + 2, names, n, like);
	return ipsi_usage("unknown option \"%s\"%s See ipsec-ipip --help",
			  word, *like ? like : ".");
}

/* Reads a word of options. One at a time, so that a message names this word. */
static int ipsi_take_option(char *word, enum ipsi_ask *ask)
{
	char program[] = "ipsec-ipip";
	char *argv[3] = { program, word };
	int opt;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(2, argv, "+bjpqhV", ipsi_options,
				  NULL)) != -1) {
		switch (opt) {
		case 'p':
			ipsi_opts.pretty = true;
			break;
		case 'j':
			ipsi_opts.json = true;
			break;
		case 'q':
			ipsi_opts.quiet = true;
			break;
		case 'b':
			ipsi_opts.brief = true;
			break;
		case 'h':
			*ask = IPSI_ASK_HELP;
			break;
		case 'V':
			*ask = IPSI_ASK_VERSION;
			break;
		default:
			return ipsi_unknown_option(word);
		}
	}
	return IPSI_OK;
}

/* A command may have words that begin with "-". */
static bool ipsi_verb_takes(const struct ipsi_verb *verb, const char *word)
{
	const struct ipsi_words *words = ipsi_verb_words(verb, NULL);
	size_t i;

	for (i = 0; words && i < words->n; i++)
		if (!strcmp(words->words[i].word, word))
			return true;
	return false;
}

/* Takes a value if @word is such an option of the command; @value is the next
 * argument, or NULL. Returns false if @word is none.
 */
static bool ipsi_take_value(const struct ipsi_verb *verb, const char *word,
			    const char *value, int *ret)
{
	size_t i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_values); i++) {
		if (ipsi_values[i].run != verb->run ||
		    (strcmp(ipsi_values[i].brief, word) &&
		     strcmp(ipsi_values[i].name, word)))
			continue;
		*ipsi_values[i].value = value;
		*ret = value ? IPSI_OK :
			       ipsi_usage("%s: an argument expected", word);
		return true;
	}
	return false;
}

/* Takes the options out of the arguments, up to "--". */
static int ipsi_take_options(const struct ipsi_verb *verb, int *argc,
			     char **argv, enum ipsi_ask *ask)
{
	bool words = false;
	int i, n = 0, ret;

	for (i = 0; i < *argc; i++) {
		if (!words && !strcmp(argv[i], "--")) {
			words = true;
		} else if (words || !ipsi_is_option(argv[i]) ||
			   ipsi_verb_takes(verb, argv[i])) {
			argv[n++] = argv[i];
		} else if (ipsi_take_value(verb, argv[i],
					   i + 1 < *argc ? argv[i + 1] : NULL,
					   &ret)) {
			if (ret)
				return ret;
			i++;
		} else {
			ret = ipsi_take_option(argv[i], ask);
			if (ret)
				return ret;
		}
	}
	*argc = n;
	return IPSI_OK;
}

static int ipsi_run_verb(const struct ipsi_verb *verb, int argc, char **argv)
{
	enum ipsi_ask ask = IPSI_ASK_NOTHING;
	char words[32];
	int ret;

	snprintf(words, sizeof(words), "%s%s%s", verb->group ? verb->group : "",
		 verb->group ? " " : "", verb->name);
	ipsi_opts.verb = words;
	ret = ipsi_take_options(verb, &argc, argv, &ask);
	if (!ret && ask == IPSI_ASK_HELP)
		ipsi_verb_usage(verb);
	else if (!ret)
		ret = verb->run(argc, argv);
	ipsi_opts.verb = NULL;
	return ret;
}

static int ipsi_sa_group(void)
{
	size_t i;

	for (i = 0; i < ipsi_n_verbs; i++)
		if (ipsi_verbs[i].group)
			ipsi_verb_usage(&ipsi_verbs[i]);
	return IPSI_OK;
}

static bool ipsi_is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* Runs a command, or prints its help. */
static int ipsi_run_command(const char *name, int argc, char **argv, bool help)
{
	const struct ipsi_verb *verb;
	const char *group = NULL;

	if (!strcmp(name, "sa")) {
		if (argc == 1 && !help)
			return ipsi_usage("sa: add, del, flush, show or activate expected");
		if (argc == 1 || ipsi_is_help(argv[1]) ||
		    !strcmp(argv[1], "help"))
			return ipsi_sa_group();
		group = name;
		argc--;
		argv++;
		name = ipsi_verb_name(group, argv[0]);
	}
	verb = name ? ipsi_verb_find(group, name) : NULL;
	if (!verb)
		return IPSI_USAGE;
	if (!help)
		return ipsi_run_verb(verb, argc - 1, argv + 1);
	ipsi_verb_usage(verb);
	return IPSI_OK;
}

static int ipsi_run(int argc, char **argv)
{
	bool help = false;
	const char *name;

	if (!argc)
		return ipsi_show(0, argv);
	if (!strcmp(argv[0], "__complete"))
		return ipsi_complete(argc - 1, argv + 1);
	name = ipsi_verb_name(NULL, argv[0]);
	if (name && !strcmp(name, "help")) {
		help = true;
		argc--;
		argv++;
	}
	if (help && argc && !ipsi_is_help(argv[0]))
		name = ipsi_verb_name(NULL, argv[0]);
	if (!name)
		return IPSI_USAGE;
	if (strcmp(name, "help"))
		return ipsi_run_command(name, argc, argv, help);
	ipsi_print_usage();
	return IPSI_OK;
}

/* A failure to write the output must not go unnoticed. */
static int ipsi_flush(int ret)
{
	ipsi_opts.verb = NULL;
	if (!fflush(stdout) && !ferror(stdout))
		return ret;
	if (ret == IPSI_USAGE)
		return ret;
	return ipsi_fail("output: %s", strerror(errno));
}

static void ipsi_print_version(void)
{
	puts("ipsec-ipip " IPSI_VERSION);
	ipsi_module_print_version();
}

/* A file that is opened in the place of standard output, or of standard error, would
 * get its text. Writing to a closed output still fails.
 */
static int ipsi_hold_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDERR_FILENO ? O_WRONLY :
							    O_RDONLY) != fd)
			return IPSI_FAIL;
	return IPSI_OK;
}

int main(int argc, char **argv)
{
	enum ipsi_ask ask = IPSI_ASK_NOTHING;
	int ret;

	/* A core file would have keys in it. A limit of its size is not enough:
	 * a handler of core dumps may ignore it.
	 */
	prctl(PR_SET_DUMPABLE, 0);
	/* If the caller ignored it, exit statuses of children would be lost. */
	signal(SIGCHLD, SIG_DFL);
	if (ipsi_hold_descriptors())
		return IPSI_FAIL;
	/* Without it, only ASCII is printed. */
	setlocale(LC_CTYPE, "C.UTF-8");
	for (argc--, argv++; argc && ipsi_is_option(argv[0]); argc--, argv++) {
		ret = ipsi_take_option(argv[0], &ask);
		if (ret)
			return ret;
	}
	if (ask == IPSI_ASK_HELP)
		ipsi_print_usage();
	else if (ask == IPSI_ASK_VERSION)
		ipsi_print_version();
	else
		return ipsi_flush(ipsi_run(argc, argv));
	return ipsi_flush(IPSI_OK);
}
