// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage of a module that was compiled with -fsanitize-coverage=trace-pc, on a
 * kernel without KCOV. Unlike KCOV it sees all contexts: work, softirqs, and
 * requests of every task.
 *
 * Load it before that module. The device /dev/ipsi_cover maps a counter of the
 * places that were reached, and a byte for each place (cover.h); read() gives the
 * bytes. A place is counted from the module's exit function, so that it keeps its
 * number if the module is loaded again.
 *
 * It can also wait at random places, which makes races likely: most code runs in
 * less time than it takes to free what the code uses.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/vmalloc.h>
#include <asm/tsc.h>

#include "../cover.h"

/* A wait takes 1 us to 4 ms, the short ones as often as the long ones. */
#define COVER_WAITS	13

static unsigned int delay;
module_param(delay, uint, 0444);
MODULE_PARM_DESC(delay, "Wait at each place once in so many times (0: never)");

static DEFINE_PER_CPU(u32, cover_random);
static u32 *cover_map;
static unsigned long cover_exit_at;

/* objtool allows no call of a function here. */
static __always_inline void cover_wait(void)
{
	u32 random = this_cpu_read(cover_random) * 1664525 + 1013904223;
	u64 end;

	this_cpu_write(cover_random, random);
	random >>= 8;
	if (random % delay)
		return;
	end = rdtsc() + ((u64)tsc_khz << random / delay % COVER_WAITS) / 1000;
	while (rdtsc() < end)
		cpu_relax();
}

/* Two CPUs may count a place twice, which does no harm: the fuzzer only looks
 * whether the counter moves.
 */
void notrace __sanitizer_cov_trace_pc(void)
{
	unsigned long place = _RET_IP_ - READ_ONCE(cover_exit_at) + COVER_EXIT;
	u8 *seen = (u8 *)cover_map + COVER_PAGE + place;

	if (delay)
		cover_wait();
	/* Code that the kernel frees after the start may be far away. */
	if (place >= COVER_PLACES || READ_ONCE(*seen))
		return;
	WRITE_ONCE(*seen, 1);
	WRITE_ONCE(*cover_map, READ_ONCE(*cover_map) + 1);
}
EXPORT_SYMBOL(__sanitizer_cov_trace_pc);

static int cover_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, cover_map, vma->vm_pgoff);
}

static ssize_t cover_read(struct file *file, char __user *to, size_t count,
			  loff_t *at)
{
	return simple_read_from_buffer(to, count, at,
				       (u8 *)cover_map + COVER_PAGE,
				       COVER_PLACES);
}

static const struct file_operations cover_fops = {
	.owner = THIS_MODULE,
	.mmap = cover_mmap,
	.read = cover_read,
};

static struct miscdevice cover_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ipsi_cover",
	.mode = 0666,
	.fops = &cover_fops,
};

/* The module comes, and none of its code has run. */
static int cover_coming(struct notifier_block *nb, unsigned long state,
			void *data)
{
	const struct module *module = data;

	if (state == MODULE_STATE_COMING && !strcmp(module->name, "ipsec_ipip"))
		WRITE_ONCE(cover_exit_at, (unsigned long)module->exit);
	return NOTIFY_DONE;
}

static struct notifier_block cover_notifier = {
	.notifier_call = cover_coming,
};

static int __init cover_init(void)
{
	int err;

	cover_map = vmalloc_user(COVER_SIZE);
	if (!cover_map)
		return -ENOMEM;
	err = register_module_notifier(&cover_notifier);
	if (err)
		goto free_map;
	err = misc_register(&cover_device);
	if (err)
		goto unregister_notifier;
	return 0;

unregister_notifier:
	unregister_module_notifier(&cover_notifier);
free_map:
	vfree(cover_map);
	return err;
}

static void __exit cover_exit(void)
{
	misc_deregister(&cover_device);
	unregister_module_notifier(&cover_notifier);
	vfree(cover_map);
}

module_init(cover_init);
module_exit(cover_exit);

MODULE_DESCRIPTION("Coverage of a module");
MODULE_LICENSE("GPL");
