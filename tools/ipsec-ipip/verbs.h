/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of commands. Help and completion come from it.
 */
#ifndef _IPSI_VERBS_H
#define _IPSI_VERBS_H

#include <stddef.h>

#include "ipsi.h"

/**
 * struct ipsi_verb - a command
 * @group: the word before it, or NULL
 * @name: its name
 * @run: the function
 * @options: letters of the general options that it has a use for
 * @args: its arguments, for people and for completion
 * @help: its purpose
 */
struct ipsi_verb {
	const char *group;
	const char *name;
	int (*run)(int argc, char **argv);
	const char *options;
	const char *args;
	const char *help;
};

extern const struct ipsi_verb ipsi_verbs[];
extern const size_t ipsi_n_verbs;

const struct ipsi_verb *ipsi_verb_find(const char *group, const char *name);
size_t ipsi_verb_names(const char *group, const char **names, size_t max);
const struct ipsi_words *ipsi_verb_words(const struct ipsi_verb *verb,
					 int *places);
void ipsi_verb_usage(const struct ipsi_verb *verb);
int ipsi_complete(int argc, char **argv);

#endif /* _IPSI_VERBS_H */
