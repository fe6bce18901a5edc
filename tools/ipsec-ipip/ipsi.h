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
#include <linux/ipsec_ipip.h>

#define IPSI_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define IPSI_PRINTF(f, a)	__attribute__((__format__(__printf__, f, a)))

/* Exit codes; every verb and every parser returns one. */
enum {
	IPSI_OK		= 0,
	IPSI_FAIL	= 1,	/* error of the kernel or the system */
	IPSI_USAGE	= 2,	/* error in the command line */
};

struct ipsi_opts {
	bool json;
	bool pretty;
	bool quiet;
	const char *write;	/* -w FILE of capture, or NULL */
	const char *count;	/* -c COUNT of capture, or NULL */
	const char *format;	/* --format FORMAT of sa show, or NULL */
	const char *verb;	/* the verb, for messages */
};

extern struct ipsi_opts ipsi_opts;

/* Messages: one line on stderr. The first two return the exit code. */
int ipsi_fail(const char *fmt, ...) IPSI_PRINTF(1, 2);
int ipsi_usage(const char *fmt, ...) IPSI_PRINTF(1, 2);
void ipsi_warn(const char *fmt, ...) IPSI_PRINTF(1, 2);

/* Numbers: decimal, or hexadecimal after 0x. */
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
 * @repeats: it may be given more than once
 * @same_as: another word that is a duplicate of this one
 * @parse: stores the arguments in the context; returns an exit code
 */
struct ipsi_word {
	const char *word;
	int n_args;
	bool repeats;
	const char *same_as;
	int (*parse)(void *ctx, char **args);
};

int ipsi_parse_words(const struct ipsi_word *words, size_t n_words, void *ctx,
		     int argc, char **argv);

struct ipsi_key {
	size_t len;
	uint8_t data[IPSEC_IPIP_KEY_MAX_LEN];
};

int ipsi_key_read(const char *word, char *arg, struct ipsi_key *key);

/* Verbs, each in its own file. argv[0] is the first word after the verb. */
int ipsi_show(int argc, char **argv);
int ipsi_sa_add(int argc, char **argv);
int ipsi_sa_del(int argc, char **argv);
int ipsi_sa_show(int argc, char **argv);
int ipsi_sa_activate(int argc, char **argv);
int ipsi_rekey(int argc, char **argv);
int ipsi_monitor(int argc, char **argv);
int ipsi_check(int argc, char **argv);
int ipsi_capture(int argc, char **argv);

#endif /* _IPSI_H */
