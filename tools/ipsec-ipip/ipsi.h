/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of ipsec-ipip(8): options, exit codes,
 * messages, parsing of words and keys, and the verbs.
 */
#ifndef _IPSI_H
#define _IPSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/ipsec_ipip.h>

#include "suggest.h"

#define IPSI_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define IPSI_PRINTF(f, a)	__attribute__((__format__(__printf__, f, a)))

/* Exit codes; every verb and every parser returns one. */
enum {
	IPSI_OK		= 0,
	IPSI_FAIL	= 1,	/* error of the kernel or the system */
	IPSI_USAGE	= 2,	/* error in the command line */
	IPSI_FINDINGS	= 3,	/* "check" has found something */
};

struct ipsi_opts {
	bool json;
	bool pretty;
	bool quiet;
	bool brief;
	const char *write;	/* -w FILE of capture, or NULL */
	const char *count;	/* -c COUNT of capture, or NULL */
	const char *format;	/* --format FORMAT of sa show and metrics, or NULL */
	const char *exec;	/* --exec COMMAND of monitor, or NULL */
	const char *verb;	/* the verb, for messages */
};

extern struct ipsi_opts ipsi_opts;
extern const char ipsi_version[];

/* Messages: one line on stderr. The first two return the exit code. */
int ipsi_fail(const char *fmt, ...) IPSI_PRINTF(1, 2);
int ipsi_usage(const char *fmt, ...) IPSI_PRINTF(1, 2);
void ipsi_warn(const char *fmt, ...) IPSI_PRINTF(1, 2);

/* Escape sequences; "" if the output is not a terminal that has colours. */
enum ipsi_color { IPSI_PLAIN, IPSI_BOLD, IPSI_RED, IPSI_GREEN };

const char *ipsi_color(enum ipsi_color color);
void ipsi_make_printable(char *text);
const char *ipsi_human(uint64_t bytes, char buf[16]);
const char *ipsi_duration(uint64_t seconds, char buf[32]);

/* Numbers: decimal, or hexadecimal after 0x. */
bool ipsi_number(const char *text, uint64_t *value);
int ipsi_arg_number(const char *word, const char *arg, uint64_t max,
		    uint64_t *value);
int ipsi_arg_u32(const char *word, const char *arg, uint32_t *value);
int ipsi_arg_dev(const char *arg);
int ipsi_arg_proto(const char *arg, uint8_t *proto);
int ipsi_arg_direction(const char *arg, uint32_t *direction);
const char *ipsi_proto_name(uint8_t proto);
bool ipsi_counter_mode(const char *alg);

/**
 * struct ipsi_word - a word of the command line and its arguments
 * @word: the word
 * @n_args: number of arguments after it
 * @args: their names, for people and for completion; "" for a word that is known
 *        only to explain that it is wrong
 * @help: its purpose; NULL for a word that is not shown
 * @repeats: it may be given more than once
 * @same_as: another word that is a duplicate of this one
 * @parse: stores the arguments in the context; returns an exit code
 */
struct ipsi_word {
	const char *word;
	int n_args;
	const char *args;
	const char *help;
	bool repeats;
	const char *same_as;
	int (*parse)(void *ctx, char **args);
};

struct ipsi_words {
	const struct ipsi_word *words;
	size_t n;
};

extern const struct ipsi_words ipsi_sa_add_words;
extern const struct ipsi_words ipsi_import_words;
extern const struct ipsi_words ipsi_export_words;
extern const struct ipsi_words ipsi_genkey_words;

int ipsi_missing_args(const struct ipsi_word *word, const char *name, int given);
int ipsi_parse_words(const struct ipsi_word *words, size_t n_words, void *ctx,
		     int argc, char **argv);

/* The longest line of a configuration file */
#define IPSI_LINE_MAX	65536

char *ipsi_line_start(char *text, int line);
int ipsi_line_read(FILE *f, char *text, size_t size, size_t *len);

struct ipsi_key {
	size_t len;
	uint8_t data[IPSEC_IPIP_KEY_MAX_LEN];
};

void ipsi_warn_stdout(void);
int ipsi_key_read(const char *word, char *arg, struct ipsi_key *key);

/* Verbs, each in its own file. argv[0] is the first word after the verb. */
int ipsi_show(int argc, char **argv);
int ipsi_sa_add(int argc, char **argv);
int ipsi_sa_del(int argc, char **argv);
int ipsi_sa_flush(int argc, char **argv);
int ipsi_sa_show(int argc, char **argv);
int ipsi_sa_activate(int argc, char **argv);
int ipsi_rekey(int argc, char **argv);
int ipsi_genkey(int argc, char **argv);
int ipsi_import(int argc, char **argv);
int ipsi_export(int argc, char **argv);
int ipsi_monitor(int argc, char **argv);
int ipsi_check(int argc, char **argv);
int ipsi_up(int argc, char **argv);
int ipsi_down(int argc, char **argv);
int ipsi_strip(int argc, char **argv);
int ipsi_save(int argc, char **argv);
int ipsi_showconf(int argc, char **argv);
int ipsi_setconf(int argc, char **argv);
int ipsi_addconf(int argc, char **argv);
int ipsi_syncconf(int argc, char **argv);
int ipsi_resolve(int argc, char **argv);
int ipsi_capture(int argc, char **argv);
int ipsi_metrics_run(int argc, char **argv);

#endif /* _IPSI_H */
