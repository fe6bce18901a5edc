/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The usual algorithms, with the lengths of their keys and their names elsewhere.
 */
#ifndef _IPSI_ALGS_H
#define _IPSI_ALGS_H

#include <stddef.h>

/* The word of "sa add" that takes the algorithm. */
enum ipsi_alg_kind {
	IPSI_ALG_ENC,
	IPSI_ALG_AUTH,
	IPSI_ALG_AEAD,
};

/**
 * struct ipsi_alg - an algorithm
 * @name: its name in the kernel
 * @kind: its kind
 * @lengths: its key lengths in bytes, in words; NULL for 1 to 128
 * @key_len: the usual key length in bytes
 * @icv_bits: the usual length of the integrity check value
 * @openbsd: its name in ipsec.conf(5) with a key of the usual length, or NULL
 */
struct ipsi_alg {
	const char *name;
	enum ipsi_alg_kind kind;
	const char *lengths;
	size_t key_len;
	unsigned int icv_bits;
	const char *openbsd;
};

extern const struct ipsi_alg ipsi_algs[];
extern const size_t ipsi_n_algs;

const struct ipsi_alg *ipsi_alg_find(const char *name);
const struct ipsi_alg *ipsi_alg_find_openbsd(const char *name, size_t key_len,
					     enum ipsi_alg_kind kind);

#endif /* _IPSI_ALGS_H */
