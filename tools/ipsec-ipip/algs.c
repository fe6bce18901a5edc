// SPDX-License-Identifier: GPL-2.0
/*
 * The usual algorithms. The kernel may know more; the table serves messages,
 * completion, genkey, import and export.
 */
#include <string.h>

#include "algs.h"
#include "ipsi.h"

#define IPSI_ENC(n, l, k, o)						\
	{ .name = n, .kind = IPSI_ALG_ENC, .lengths = l, .key_len = k,	\
	  .openbsd = o }
#define IPSI_AUTH(n, k, i, o)						\
	{ .name = n, .kind = IPSI_ALG_AUTH, .key_len = k, .icv_bits = i, \
	  .openbsd = o }
#define IPSI_AEAD(n, l, k)						\
	{ .name = n, .kind = IPSI_ALG_AEAD, .lengths = l, .key_len = k,	\
	  .icv_bits = 128 }

/* Entries with the same name differ in the key length; the first is the usual one. */
const struct ipsi_alg ipsi_algs[] = {
	IPSI_ENC("cbc(aes)", "16, 24 or 32 bytes", 16, "aes-128"),
	IPSI_ENC("cbc(aes)", "16, 24 or 32 bytes", 24, "aes-192"),
	IPSI_ENC("cbc(aes)", "16, 24 or 32 bytes", 32, "aes-256"),
	IPSI_ENC("cbc(camellia)", "16, 24 or 32 bytes", 16, NULL),
	IPSI_ENC("cbc(des3_ede)", "24 bytes", 24, "3des"),
	IPSI_ENC("rfc3686(ctr(aes))",
		 "20, 28 or 36 bytes, the last 4 of which are the nonce", 20,
		 "aesctr"),
	IPSI_ENC("ecb(cipher_null)", "an empty key", 0, "null"),
	IPSI_AUTH("hmac(sha256)", 32, 128, "hmac-sha2-256"),
	IPSI_AUTH("hmac(sha384)", 48, 192, "hmac-sha2-384"),
	IPSI_AUTH("hmac(sha512)", 64, 256, "hmac-sha2-512"),
	IPSI_AUTH("hmac(sha1)", 20, 96, "hmac-sha1"),
	IPSI_AUTH("hmac(md5)", 16, 96, "hmac-md5"),
	IPSI_AUTH("hmac(rmd160)", 20, 96, "hmac-ripemd160"),
	IPSI_AUTH("xcbc(aes)", 16, 96, NULL),
	IPSI_AUTH("cmac(aes)", 16, 96, NULL),
	IPSI_AEAD("rfc4106(gcm(aes))",
		  "20, 28 or 36 bytes, the last 4 of which are the salt", 20),
	IPSI_AEAD("rfc4309(ccm(aes))",
		  "19, 27 or 35 bytes, the last 3 of which are the salt", 19),
	IPSI_AEAD("rfc4543(gcm(aes))",
		  "20, 28 or 36 bytes, the last 4 of which are the salt", 20),
	IPSI_AEAD("rfc7539esp(chacha20,poly1305)",
		  "36 bytes, the last 4 of which are the salt", 36),
};

const size_t ipsi_n_algs = IPSI_ARRAY_SIZE(ipsi_algs);

/* Returns NULL if there is none. */
const struct ipsi_alg *ipsi_alg_find(const char *name)
{
	size_t i;

	for (i = 0; i < ipsi_n_algs; i++)
		if (!strcmp(ipsi_algs[i].name, name))
			return &ipsi_algs[i];
	return NULL;
}

/**
 * ipsi_alg_find_openbsd() - look up a name of ipsec.conf(5)
 * @name: the name; "aes" is that of all key lengths
 * @key_len: length of the key in bytes
 * @kind: cipher or integrity algorithm
 *
 * Return: the algorithm, or NULL.
 */
const struct ipsi_alg *ipsi_alg_find_openbsd(const char *name, size_t key_len,
					     enum ipsi_alg_kind kind)
{
	const struct ipsi_alg *alg;
	size_t i;

	for (i = 0; i < ipsi_n_algs; i++) {
		alg = &ipsi_algs[i];
		if (alg->kind != kind || !alg->openbsd)
			continue;
		if (!strcmp(alg->openbsd, name) ||
		    (!strcmp(name, "aes") && alg->key_len == key_len &&
		     !strcmp(alg->name, "cbc(aes)")))
			return alg;
	}
	return NULL;
}
