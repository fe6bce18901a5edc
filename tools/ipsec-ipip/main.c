// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip: options and the table of verbs. Each verb has a file of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipsi.h"

#ifndef IPSI_VERSION
#define IPSI_VERSION	"unknown"
#endif

static const struct ipsi_verb {
	const char *group;	/* word before the verb, or NULL */
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;
	const char *help;
} ipsi_verbs[] = {
	{ NULL, "show", ipsi_show, "[DEV]", "show devices (the default)" },
	{ "sa", "add", ipsi_sa_add,
	  "DEV {in|out} spi SPI [proto {esp|ah}]\n"
	  "      [mode {transport|tunnel}] [reqid N]\n"
	  "      {aead NAME KEY ICVBITS | [enc NAME KEY] [auth NAME KEY |\n"
	  "       auth-trunc NAME KEY ICVBITS]}\n"
	  "      [replay-window N] [esn] [seq N]\n"
	  "      [limit {time|time-use|byte|packet}-{soft|hard} N]...\n"
	  "      [encap espinudp SPORT DPORT] [pcpu N]\n"
	  "      [offload crypto dev IFACE]",
	  "add an SA to a device" },
	{ "sa", "del", ipsi_sa_del, "DEV {in|out} spi SPI [proto {esp|ah}]",
	  "delete an SA of a device" },
	{ "sa", "show", ipsi_sa_show,
	  "[DEV [{in|out} spi SPI [proto {esp|ah}]]]\n"
	  "      [keys [--format wireshark]]",
	  "show SAs, with \"keys\" also their keys" },
	{ "sa", "activate", ipsi_sa_activate,
	  "DEV {spi SPI [proto {esp|ah}] | newest}",
	  "choose the outbound SA to use" },
	{ NULL, "rekey", ipsi_rekey, "DEV {in|out} spi SPI ...",
	  "add an SA as \"sa add\" does, and replace the old ones" },
	{ NULL, "monitor", ipsi_monitor, "",
	  "print events as they occur" },
	{ NULL, "check", ipsi_check, "[DEV]",
	  "look for present and imminent faults" },
	{ NULL, "capture", ipsi_capture, "[DEV] [-w FILE] [-c COUNT]",
	  "print packets with their SAs, or write them to a pcap file" },
};

static void ipsi_print_usage(FILE *f)
{
	const struct ipsi_verb *verb;
	unsigned int i;

	fputs("Usage: ipsec-ipip [OPTION]... COMMAND\n\n", f);
	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_verbs); i++) {
		verb = &ipsi_verbs[i];
		fprintf(f, "  %s%s%s%s%s\n      # %s\n",
			verb->group ? verb->group : "",
			verb->group ? " " : "", verb->name,
			*verb->args ? " " : "", verb->args, verb->help);
	}
	fputs("\n"
	      "KEY is 0xHEX, file:PATH, - for a line of standard input, or \"\".\n"
	      "\n"
	      "  -j, --json     print JSON instead of text\n"
	      "  -p, --pretty   print JSON on several lines\n"
	      "  -q, --quiet    print no warnings\n"
	      "  -h, --help     print this text\n"
	      "  -V, --version  print the version\n"
	      "  -w, --write FILE, -c, --count COUNT, --format FORMAT\n"
	      "                 see capture, sa show\n",
	      f);
}

static const struct ipsi_verb *ipsi_find_verb(const char *group,
					      const char *name)
{
	const struct ipsi_verb *verb;
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(ipsi_verbs); i++) {
		verb = &ipsi_verbs[i];
		if (!group != !verb->group || strcmp(name, verb->name))
			continue;
		if (!group || !strcmp(group, verb->group))
			return verb;
	}
	return NULL;
}

/* Reject options that belong to another verb. */
static int ipsi_check_options(const struct ipsi_verb *verb)
{
	if (verb->run != ipsi_capture && (ipsi_opts.write || ipsi_opts.count))
		return ipsi_usage("only capture takes the option -%c",
				  ipsi_opts.write ? 'w' : 'c');
	if (verb->run != ipsi_sa_show && ipsi_opts.format)
		return ipsi_usage("only sa show takes the option --format");
	return IPSI_OK;
}

static int ipsi_run_verb(const struct ipsi_verb *verb, int argc, char **argv)
{
	int ret = ipsi_check_options(verb);

	return ret ? ret : verb->run(argc, argv);
}

static int ipsi_run(int argc, char **argv)
{
	const struct ipsi_verb *verb;
	const char *group = NULL;
	char words[32];

	if (!argc)
		return ipsi_run_verb(ipsi_find_verb(NULL, "show"), 0, argv);
	if (!strcmp(argv[0], "help")) {
		ipsi_print_usage(stdout);
		return IPSI_OK;
	}
	if (!strcmp(argv[0], "sa")) {
		if (argc == 1)
			return ipsi_usage("sa: add, del, show or activate expected");
		group = *argv++;
		argc--;
	}
	verb = ipsi_find_verb(group, argv[0]);
	if (!verb)
		return ipsi_usage("unknown command \"%s\", try --help",
				  argv[0]);
	snprintf(words, sizeof(words), "%s%s%s", verb->group ? verb->group : "",
		 verb->group ? " " : "", verb->name);
	ipsi_opts.verb = words;
	return ipsi_run_verb(verb, argc - 1, argv + 1);
}

/* A failure to write the output must not end in exit code 0. */
static int ipsi_flush(int ret)
{
	ipsi_opts.verb = NULL;
	if ((fflush(stdout) || ferror(stdout)) && !ret)
		ret = ipsi_fail("output: %s", strerror(errno));
	return ret;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "write", required_argument, NULL, 'w' },
		{ "count", required_argument, NULL, 'c' },
		{ "format", required_argument, NULL, 'f' },
		{}
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":jpqhVw:c:", options, NULL)) != -1) {
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
		case 'h':
			ipsi_print_usage(stdout);
			return ipsi_flush(IPSI_OK);
		case 'V':
			puts("ipsec-ipip " IPSI_VERSION);
			return ipsi_flush(IPSI_OK);
		case 'w':
			ipsi_opts.write = optarg;
			break;
		case 'c':
			ipsi_opts.count = optarg;
			break;
		case 'f':
			ipsi_opts.format = optarg;
			break;
		case ':':
			return ipsi_usage("option \"%s\": a value expected",
					  argv[optind - 1]);
		default:
			return ipsi_usage("unknown option \"%s\", try --help",
					  argv[optind - 1]);
		}
	}
	return ipsi_flush(ipsi_run(argc - optind, argv + optind));
}
