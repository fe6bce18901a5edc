/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that a seed repeats. */
#ifndef FUZZ_RNG_H
#define FUZZ_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#include "table.h"

struct rng {
	__u64 state;
};

/* splitmix64 */
static inline __u64 rng_u64(struct rng *rng)
{
	__u64 z = (rng->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Each thread of a seed has numbers of its own. */
static inline void rng_init(struct rng *rng, __u64 seed, unsigned int stream)
{
	rng->state = seed;
	rng->state = rng_u64(rng) + stream * 0xd1342543de82ef95ULL;
}

/* A number below n */
static inline unsigned int rng_below(struct rng *rng, unsigned int n)
{
	return n ? rng_u64(rng) % n : 0;
}

static inline bool rng_percent(struct rng *rng, unsigned int percent)
{
	return rng_below(rng, 100) < percent;
}

static inline void rng_fill(struct rng *rng, void *to, size_t len)
{
	__u8 *p = to;

	while (len--)
		*p++ = rng_u64(rng);
}

/* A number of size bytes: an edge case, small, or any */
static inline __u64 rng_edge(struct rng *rng, unsigned int size)
{
	static const __u64 edges[] = {
		0, 1, 2, 3, 4, 7, 8, 50, 51, 63, 64, 127, 128, 255, 256, 1279,
		1280, 4095, 4096, 4097, 0x7fff, 0x8000, 0xfff7, 0xffff, 0x10000,
		0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x100000000ULL,
		INT64_MAX, 1ULL << 63, UINT64_MAX,
	};
	__u64 value = edges[rng_below(rng, FUZZ_N(edges))];

	switch (rng_below(rng, 4)) {
	case 0:
		value = rng_below(rng, 16);
		break;
	case 1:
		value = rng_u64(rng);
		break;
	}
	return size < 8 ? value & ((1ULL << 8 * size) - 1) : value;
}

#endif /* FUZZ_RNG_H */
