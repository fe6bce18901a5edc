/* SPDX-License-Identifier: GPL-2.0 */
/* The form of the tables in spec.h. */
#ifndef FUZZ_TABLE_H
#define FUZZ_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/types.h>

#define FUZZ_N(array)	(sizeof(array) / sizeof((array)[0]))
#define FUZZ_BIT(type)	(1ULL << (type))

enum fuzz_kind {
	FUZZ_NUMBER,
	FUZZ_STRING,
	FUZZ_BINARY,
	FUZZ_FLAG,
	FUZZ_NEST,
};

struct fuzz_set;

/* An attribute: a number of size bytes with values valid values from 0 up (0
 * for any), or another kind.
 */
struct fuzz_attr {
	__u16 type;
	enum fuzz_kind kind;
	unsigned int size;
	unsigned int values;
	const struct fuzz_set *nest;
};

struct fuzz_set {
	const struct fuzz_attr *attrs;
	unsigned int n;
};

/* A request of the family; attrs is a mask of the attributes that it takes. */
struct fuzz_cmd {
	__u8 cmd;
	bool dump;
	__u64 attrs;
};

#endif /* FUZZ_TABLE_H */
