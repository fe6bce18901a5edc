// SPDX-License-Identifier: GPL-2.0
/*
 * Parsing of the command line: numbers, names, and tables of words. Also the
 * messages on stderr. key.c reads keys.
 */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipsi.h"

/* A number with as many digits may be a key. Other numbers have at most 64 bits. */
#define IPSI_KEY_DIGITS	22
#define IPSI_KEY_HEX	16	/* after 0x */

/* The number of words that a message lists. */
#define IPSI_FEW_WORDS	3

struct ipsi_opts ipsi_opts;

/* A file or an argument may have control characters for the terminal: those of
 * ASCII, and those that UTF-8 writes as 0xc2 and another byte.
 */
static void ipsi_defuse(char *text)
{
	unsigned char *c;

	for (c = (unsigned char *)text; *c; c++) {
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
			*c++ = '?';
		else if (*c >= ' ' && *c != 0x7f)
			continue;
		*c = '?';
	}
}

/* A key in the place of another word is part of the message about that word. Such
 * a number is replaced by "...".
 */
static void ipsi_hide_keys(char *text)
{
	const char *from = text;
	bool hex = false;
	size_t n;

	while (*from) {
		n = strspn(from, "0123456789abcdefABCDEF");
		if (n < (hex ? IPSI_KEY_HEX : IPSI_KEY_DIGITS)) {
			hex = n == 1 && *from == '0' && from[1] == 'x';
			n += !n || hex;
			memmove(text, from, n);
			text += n;
		} else {
			memcpy(text, "...", 3);
			text += 3;
			hex = false;
		}
		from += n;
	}
	*text = '\0';
}

IPSI_PRINTF(2, 0)
static void ipsi_vmessage(const char *kind, const char *fmt, va_list ap)
{
	char text[PATH_MAX + 1024];
	int len;

	len = snprintf(text, sizeof(text) / 2, "%s%s",
		       ipsi_opts.verb ? ipsi_opts.verb : "",
		       ipsi_opts.verb ? ": " : "");
	if (len >= (int)sizeof(text) / 2)
		len = sizeof(text) / 2 - 1;
	vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	ipsi_defuse(text);
	ipsi_hide_keys(text);
	fprintf(stderr, "ipsec-ipip: %s%s\n", kind, text);
}

/**
 * ipsi_fail() - report an error of the kernel or the system
 * @fmt: the message, without newline
 *
 * Return: IPSI_FAIL.
 */
int ipsi_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ipsi_vmessage("", fmt, ap);
	va_end(ap);
	return IPSI_FAIL;
}

/**
 * ipsi_usage() - report an error in the command line
 * @fmt: the message, without newline
 *
 * Return: IPSI_USAGE.
 */
int ipsi_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	ipsi_vmessage("", fmt, ap);
	va_end(ap);
	return IPSI_USAGE;
}

/**
 * ipsi_warn() - print a warning, unless --quiet was given
 * @fmt: the message, without newline
 */
void ipsi_warn(const char *fmt, ...)
{
	va_list ap;

	if (ipsi_opts.quiet)
		return;
	va_start(ap, fmt);
	ipsi_vmessage("warning: ", fmt, ap);
	va_end(ap);
}

/* Returns the digits of a number, or NULL if there is more or less than those. */
static const char *ipsi_digits(const char *text, bool *hex)
{
	size_t n;

	*hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	if (*hex)
		text += 2;
	n = strspn(text, *hex ? "0123456789abcdefABCDEF" : "0123456789");
	return n && !text[n] ? text : NULL;
}

/**
 * ipsi_number() - read a number
 * @text: decimal digits, or hexadecimal ones after 0x; no sign, no blanks
 * @value: the result
 *
 * Return: true if it is a number of at most 64 bits.
 */
bool ipsi_number(const char *text, uint64_t *value)
{
	const char *digits;
	bool hex;

	digits = ipsi_digits(text, &hex);
	if (!digits)
		return false;
	errno = 0;
	*value = strtoull(digits, NULL, hex ? 16 : 10);
	return !errno;
}

static int ipsi_no_number(const char *word, const char *arg, uint64_t max)
{
	if (*arg && !arg[strspn(arg, "0123456789abcdefABCDEF")])
		return ipsi_usage("%s: \"%s\" is not a number: hexadecimal needs 0x, as in 0x%s",
				  word, arg, arg);
	return ipsi_usage("%s: \"%s\" is not a number: 0 to %llu or 0x... expected",
			  word, arg, (unsigned long long)max);
}

/**
 * ipsi_arg_number() - read a number, or say why it is none
 * @word: the word before it, for the message
 * @arg: decimal digits, or hexadecimal ones after 0x; no sign, no blanks
 * @max: the largest valid number
 * @value: the result
 *
 * Return: exit code.
 */
int ipsi_arg_number(const char *word, const char *arg, uint64_t max,
		    uint64_t *value)
{
	bool hex;

	if (!ipsi_digits(arg, &hex))
		return ipsi_no_number(word, arg, max);
	if (!ipsi_number(arg, value) || *value > max)
		return ipsi_usage(hex ? "%s: %s is more than 0x%llx" :
					"%s: %s is more than %llu", word, arg,
				  (unsigned long long)max);
	return IPSI_OK;
}

int ipsi_arg_u32(const char *word, const char *arg, uint32_t *value)
{
	uint64_t number;
	int ret;

	ret = ipsi_arg_number(word, arg, UINT32_MAX, &number);
	if (!ret)
		*value = number;
	return ret;
}

/* Checks only the length; the kernel looks up the device. */
int ipsi_arg_dev(const char *arg)
{
	if (!*arg || strlen(arg) >= IF_NAMESIZE)
		return ipsi_usage("\"%s\" is not a device name: 1 to %d characters expected",
				  arg, IF_NAMESIZE - 1);
	return IPSI_OK;
}

int ipsi_arg_proto(const char *arg, uint8_t *proto)
{
	if (!strcmp(arg, "esp"))
		*proto = IPPROTO_ESP;
	else if (!strcmp(arg, "ah"))
		*proto = IPPROTO_AH;
	else
		return ipsi_usage("proto: \"%s\" is neither esp nor ah", arg);
	return IPSI_OK;
}

const char *ipsi_proto_name(uint8_t proto)
{
	return proto == IPPROTO_AH ? "ah" : "esp";
}

/**
 * ipsi_counter_mode() - check whether a cipher uses a counter mode
 * @alg: name of the cipher
 *
 * In a counter mode, two packets with the same key and nonce reveal each other's
 * contents, and in most of these modes they let an attacker forge packets. The
 * sequence numbers, which make the nonces, restart with every SA that is added by
 * hand.
 *
 * Return: true if it does.
 */
bool ipsi_counter_mode(const char *alg)
{
	static const char * const modes[] = { "gcm", "ccm", "chacha", "ctr(" };
	unsigned int i;

	for (i = 0; i < IPSI_ARRAY_SIZE(modes); i++)
		if (strstr(alg, modes[i]))
			return true;
	return false;
}

int ipsi_arg_direction(const char *arg, uint32_t *direction)
{
	if (!strcmp(arg, "in"))
		*direction = IPSEC_IPIP_DIRECTION_IN;
	else if (!strcmp(arg, "out"))
		*direction = IPSEC_IPIP_DIRECTION_OUT;
	else
		return ipsi_usage("\"%s\" is neither in nor out", arg);
	return IPSI_OK;
}

static int ipsi_find_word(const struct ipsi_word *words, size_t n_words,
			  const char *word)
{
	size_t i;

	for (i = 0; i < n_words; i++)
		if (!strcmp(words[i].word, word))
			return i;
	return -1;
}

static int ipsi_unknown_word(const struct ipsi_word *words, size_t n_words,
			     const char *word)
{
	char text[IPSI_SUGGEST_LEN], few[160] = "";
	const char *names[32];
	uint64_t number;
	size_t i, n = 0;

	for (i = 0; i < n_words && n < IPSI_ARRAY_SIZE(names); i++)
		if (!words[i].args || *words[i].args)
			names[n++] = words[i].word;
	if (ipsi_number(word, &number) && number <= UINT32_MAX &&
	    ipsi_find_word(words, n_words, "spi") >= 0)
		return ipsi_usage("unknown word \"%s\": did you mean \"spi %s\"?",
				  word, word);
	if (*ipsi_suggest(word, names, n, text) || n > IPSI_FEW_WORDS)
		return ipsi_usage("unknown word \"%s\"%s", word, text);
	for (i = 0; i < n_words && strlen(few) < sizeof(few); i++)
		snprintf(few + strlen(few), sizeof(few) - strlen(few), "%s%s%s%s",
			 *few ? " or " : "", words[i].word,
			 words[i].args ? " " : "",
			 words[i].args ? words[i].args : "");
	return ipsi_usage("unknown word \"%s\": %s expected", word, few);
}

/**
 * ipsi_missing_args() - report that arguments of a word are missing
 * @word: the word
 * @name: its name where it was given
 * @given: number of its arguments that were given
 *
 * Return: IPSI_USAGE.
 */
int ipsi_missing_args(const struct ipsi_word *word, const char *name, int given)
{
	const char *rest = word->args;
	int i;

	for (i = 0; i < given && rest; i++) {
		rest = strchr(rest, ' ');
		if (rest)
			rest++;
	}
	if (rest && given)
		return ipsi_usage("%s: %s expected, %s missing", name,
				  word->args, rest);
	return ipsi_usage("%s: %s expected", name, word->args);
}

/**
 * ipsi_parse_words() - read words in any order
 * @words: the known words, at most 32
 * @n_words: their number
 * @ctx: passed to their parsers
 * @argc: number of arguments left
 * @argv: the arguments left
 *
 * Return: exit code.
 */
int ipsi_parse_words(const struct ipsi_word *words, size_t n_words, void *ctx,
		     int argc, char **argv)
{
	const struct ipsi_word *word;
	uint32_t bit, seen = 0;
	int i, ret;

	for (; argc > 0; argc -= 1 + word->n_args, argv += 1 + word->n_args) {
		i = ipsi_find_word(words, n_words, argv[0]);
		if (i < 0)
			return ipsi_unknown_word(words, n_words, argv[0]);
		word = &words[i];
		if (argc - 1 < word->n_args)
			return ipsi_missing_args(word, word->word, argc - 1);
		if (word->same_as)
			i = ipsi_find_word(words, n_words, word->same_as);
		bit = 1U << i;
		if ((seen & bit) && !word->repeats)
			return ipsi_usage("%s: given twice", word->word);
		seen |= bit;
		ret = word->parse(ctx, argv + 1);
		if (ret)
			return ret;
	}
	return IPSI_OK;
}
