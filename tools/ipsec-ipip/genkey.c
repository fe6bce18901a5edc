// SPDX-License-Identifier: GPL-2.0
/*
 * ipsec-ipip genkey: print a random key for an algorithm.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "algs.h"
#include "ipsi.h"

static int ipsi_genkey_alg(void *ctx, char **args)
{
	const struct ipsi_alg **alg = ctx;
	size_t i;

	*alg = ipsi_alg_find(args[0]);
	/* The names of ipsec.conf(5) tell the length. */
	for (i = 0; !*alg && i < ipsi_n_algs; i++)
		if (ipsi_algs[i].openbsd &&
		    !strcmp(ipsi_algs[i].openbsd, args[0]))
			*alg = &ipsi_algs[i];
	if (!*alg)
		return ipsi_usage("-a: \"%s\" is not known; expected one such as cbc(aes) or hmac(sha256); for others: openssl rand -hex BYTES",
				  args[0]);
	if (!(*alg)->key_len)
		return ipsi_usage("-a: %s has no key", args[0]);
	return IPSI_OK;
}

static const struct ipsi_word ipsi_genkey_table[] = {
	{ .word = "-a", .n_args = 1, .args = "ALG",
	  .help = "hmac(sha256), aes-256, ...; cbc(aes) by default",
	  .parse = ipsi_genkey_alg },
};

const struct ipsi_words ipsi_genkey_words = {
	.words = ipsi_genkey_table, .n = IPSI_ARRAY_SIZE(ipsi_genkey_table)
};

/* Warns of a key that others can read in the file it goes to. */
void ipsi_warn_stdout(void)
{
	struct stat st;

	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) &&
	    (st.st_mode & 0066))
		ipsi_warn("others can read or write the file: use umask 077");
}

/**
 * ipsi_genkey() - print a random key
 * @argc: number of arguments
 * @argv: the arguments
 *
 * Return: exit code.
 */
int ipsi_genkey(int argc, char **argv)
{
	uint8_t key[IPSEC_IPIP_KEY_MAX_LEN];
	const struct ipsi_alg *alg = ipsi_algs;
	char text[2 * sizeof(key) + 2];
	size_t i;
	int ret;

	ret = ipsi_parse_words(ipsi_genkey_words.words, ipsi_genkey_words.n,
			       &alg, argc, argv);
	if (ret)
		return ret;
	ipsi_warn_stdout();
	if (getrandom(key, alg->key_len, 0) != (ssize_t)alg->key_len)
		return ipsi_fail("random numbers: %s", strerror(errno));
	for (i = 0; i < alg->key_len; i++)
		sprintf(text + 2 * i, "%02x", key[i]);
	strcat(text, "\n");
	/* Without a buffer, no copy of the key stays in memory. */
	setvbuf(stdout, NULL, _IONBF, 0);
	fputs(text, stdout);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return IPSI_OK;
}
