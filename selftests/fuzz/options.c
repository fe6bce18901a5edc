// SPDX-License-Identifier: GPL-2.0
/*
 * Options of the three fuzzers. Each takes all of them and ignores those that it
 * does not need.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "options.h"
#include "table.h"

struct options options = { .seconds = 10 };

static const struct {
	const char *name;
	unsigned long *number;	/* or text; a flag has neither */
	const char **text;
	const char *help;
} table[] = {
	{ "seed", &options.seed, NULL, "repeat the run of this seed" },
	{ "seconds", &options.seconds, NULL, "for so long (10)" },
	{ "count", &options.count, NULL, "instead: packets or requests of each thread, or rounds" },
	{ "threads", &options.threads, NULL, "at once; netlink: of each process" },
	{ "places", &options.places, NULL, "that there are, to report" },
	{ "corpus", NULL, &options.corpus, "file with requests to begin with" },
	{ "keep", NULL, &options.keep, "append requests that reach new places" },
	{ "reached", NULL, &options.reached, "write the places that were reached" },
	{ "stream", NULL, &options.stream, "key stream, see packet.sh" },
	{ "left", NULL, &options.left, "namespace of the peer" },
	{ "right", NULL, &options.right, "namespace with the devices" },
	{ "migrate", NULL, NULL, "also migrate, which makes the kernel warn" },
};

void die(const char *what)
{
	perror(what);
	exit(1);
}

static void usage(const char *program)
{
	unsigned int i;

	fprintf(stderr, "%s [OPTION...]\n", program);
	for (i = 0; i < FUZZ_N(table); i++)
		fprintf(stderr, "  --%-8s %-5s %s\n", table[i].name,
			table[i].number ? "N" : table[i].text ? "FILE" : "",
			table[i].help);
	exit(2);
}

/* Prints the seed, which is random unless it is given. */
void options_parse(int argc, char **argv)
{
	struct option longs[FUZZ_N(table) + 1] = {};
	int i, c;

	for (i = 0; i < (int)FUZZ_N(table); i++) {
		longs[i].name = table[i].name;
		longs[i].has_arg = table[i].number || table[i].text;
	}
	if (getrandom(&options.seed, 4, 0) != 4)
		die("getrandom");
	while ((c = getopt_long(argc, argv, "", longs, &i)) != -1) {
		if (c)
			usage(argv[0]);
		if (table[i].number)
			*table[i].number = strtoul(optarg, NULL, 0);
		else if (table[i].text)
			*table[i].text = optarg;
		else
			options.migrate = true;
	}
	if (optind < argc || options.threads > THREADS_MAX)
		usage(argv[0]);
	printf("seed %lu\n", options.seed);
	fflush(stdout);
}

void enter_netns(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(name);
	close(fd);
}
