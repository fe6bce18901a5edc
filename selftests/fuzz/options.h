/* SPDX-License-Identifier: GPL-2.0 */
/* Options of the three fuzzers */
#ifndef FUZZ_OPTIONS_H
#define FUZZ_OPTIONS_H

#include <stdbool.h>

#define THREADS_MAX	8

struct options {
	unsigned long seed;
	unsigned long seconds;
	unsigned long count;	/* instead of seconds, unless 0 */
	unsigned long threads;
	unsigned long places;
	const char *corpus;
	const char *keep;
	const char *reached;
	const char *stream;
	const char *left;
	const char *right;
	bool migrate;
};

extern struct options options;

void die(const char *what);
void options_parse(int argc, char **argv);
void enter_netns(const char *name);

#endif /* FUZZ_OPTIONS_H */
