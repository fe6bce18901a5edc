// SPDX-License-Identifier: GPL-2.0
/*
 * A part of the module on a kernel with KCSAN. KCSAN watches one of some thousand
 * accesses of the whole kernel, which rarely is one of the module, and then mostly
 * one in a loop. So each place of the module that accesses memory gets a watch up to
 * once a second. Variables on the stack do not race, and KCSAN never watches a plain
 * write.
 *
 * Only one processor watches at a time. The others must run meanwhile, or they meet
 * no watch.
 */
#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/instruction_pointer.h>
#include <linux/jiffies.h>
#include <linux/kcsan-checks.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched/task_stack.h>
#include <linux/types.h>

#define FUZZ_PLACE_BITS	10

/* The variable of each processor by which KCSAN counts down to its next watch. It is
 * exported to no module, so lib.sh looks it up in /proc/kallsyms.
 */
static unsigned long kcsan_skip;
module_param(kcsan_skip, ulong, 0444);

/* When each place was watched last. Places with the same number share a watch. */
static unsigned long fuzz_watched[1 << FUZZ_PLACE_BITS];

static atomic_t fuzz_watching = ATOMIC_INIT(0);

static __always_inline bool fuzz_is_due(unsigned long *watched)
{
	return kcsan_skip && time_after(jiffies, READ_ONCE(*watched) + HZ) &&
	       !atomic_read(&fuzz_watching);
}

/* On a move to another processor in between, something else gets the watch. */
static __always_inline void fuzz_watch(const void *ptr, size_t size, int type,
				       unsigned long *watched)
{
	if (atomic_xchg(&fuzz_watching, 1))
		return;

	this_cpu_write(*(long __percpu *)kcsan_skip, 0);
	__kcsan_check_access(ptr, size, type);
	atomic_set(&fuzz_watching, 0);
	WRITE_ONCE(*watched, jiffies);
}

static __always_inline void fuzz_check(const void *ptr, size_t size, int type,
				       unsigned long place)
{
	unsigned long *watched = &fuzz_watched[hash_long(place, FUZZ_PLACE_BITS)];

	if (object_is_on_stack(ptr))
		return;
	if (type != KCSAN_ACCESS_WRITE && fuzz_is_due(watched))
		fuzz_watch(ptr, size, type, watched);
	else
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
