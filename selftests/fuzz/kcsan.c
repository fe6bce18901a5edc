// SPDX-License-Identifier: GPL-2.0
/*
 * A part of the module on a kernel with KCSAN. KCSAN watches one of some thousand
 * accesses of the whole kernel, which rarely is one of the module. So each plain
 * access of the module counts as many.
 */
#include <linux/kcsan-checks.h>
#include <linux/types.h>

#define FUZZ_CHECKS	30

static __always_inline void fuzz_check(const void *ptr, size_t size, int type)
{
	unsigned int i;

	for (i = 0; i < FUZZ_CHECKS; i++)
		__kcsan_check_access(ptr, size, type);
}

/* The compiler calls these functions; those of the kernel check once. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-declarations"
#define FUZZ_TSAN(name, size, type)					\
	void __tsan_##name(void *ptr)					\
	{								\
		fuzz_check(ptr, size, type);				\
	}

FUZZ_TSAN(read1, 1, 0)
FUZZ_TSAN(read2, 2, 0)
FUZZ_TSAN(read4, 4, 0)
FUZZ_TSAN(read8, 8, 0)
FUZZ_TSAN(write1, 1, KCSAN_ACCESS_WRITE)
FUZZ_TSAN(write2, 2, KCSAN_ACCESS_WRITE)
FUZZ_TSAN(write4, 4, KCSAN_ACCESS_WRITE)
FUZZ_TSAN(write8, 8, KCSAN_ACCESS_WRITE)
FUZZ_TSAN(read_write1, 1, KCSAN_ACCESS_COMPOUND | KCSAN_ACCESS_WRITE)
FUZZ_TSAN(read_write2, 2, KCSAN_ACCESS_COMPOUND | KCSAN_ACCESS_WRITE)
FUZZ_TSAN(read_write4, 4, KCSAN_ACCESS_COMPOUND | KCSAN_ACCESS_WRITE)
FUZZ_TSAN(read_write8, 8, KCSAN_ACCESS_COMPOUND | KCSAN_ACCESS_WRITE)
