// SPDX-License-Identifier: GPL-2.0
/*
 * A part of the module on a kernel with KCSAN. KCSAN watches one of some thousand
 * accesses of the whole kernel, which rarely is one of the module, and then mostly
 * one in a loop. So each place of the module that accesses memory gets a watch ten
 * times a second: it counts as many accesses as KCSAN skips, see lib.sh. Variables
 * on the stack do not race, and KCSAN never watches a plain write.
 */
#include <linux/hash.h>
#include <linux/instruction_pointer.h>
#include <linux/jiffies.h>
#include <linux/kcsan-checks.h>
#include <linux/sched/task_stack.h>
#include <linux/types.h>

#define FUZZ_CHECKS	8000
#define FUZZ_PLACE_BITS	10

/* When each place was watched last. Places with the same number share a watch. */
static unsigned long fuzz_watched[1 << FUZZ_PLACE_BITS];

static __always_inline void fuzz_check(const void *ptr, size_t size, int type,
				       unsigned long place)
{
	unsigned long *watched = &fuzz_watched[hash_long(place, FUZZ_PLACE_BITS)];
	unsigned int n = 1;

	if (object_is_on_stack(ptr))
		return;
	if (type != KCSAN_ACCESS_WRITE &&
	    time_after(jiffies, READ_ONCE(*watched) + HZ / 10)) {
		WRITE_ONCE(*watched, jiffies);
		n = FUZZ_CHECKS;
	}
	while (n--)
		__kcsan_check_access(ptr, size, type);
}

/* The compiler calls these functions; those of the kernel check once. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wmissing-declarations"
#define FUZZ_TSAN(name, size, type)					\
	void __tsan_##name(void *ptr)					\
	{								\
		fuzz_check(ptr, size, type, _RET_IP_);				\
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
