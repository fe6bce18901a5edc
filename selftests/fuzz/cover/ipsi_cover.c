// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage of a module that was compiled with -fsanitize-coverage=trace-pc, on a
 * kernel without KCOV. Unlike KCOV it sees all contexts: work, softirqs, and
 * requests of every task.
 *
 * Load it before that module. The device /dev/ipsi_cover maps a counter of the
 * places that were reached, and a byte for each place (cover.h).
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

#include "../cover.h"

static u32 *cover_map;

/* Two CPUs may count a place twice, which does no harm: the fuzzer only looks
 * whether the counter moves.
 */
void notrace __sanitizer_cov_trace_pc(void)
{
	unsigned long place = _RET_IP_ & (COVER_PLACES - 1);
	u8 *seen = (u8 *)cover_map + COVER_PAGE + place;

	if (READ_ONCE(*seen))
		return;
	WRITE_ONCE(*seen, 1);
	WRITE_ONCE(*cover_map, READ_ONCE(*cover_map) + 1);
}
EXPORT_SYMBOL(__sanitizer_cov_trace_pc);

static int cover_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, cover_map, vma->vm_pgoff);
}

static const struct file_operations cover_fops = {
	.owner = THIS_MODULE,
	.mmap = cover_mmap,
};

static struct miscdevice cover_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ipsi_cover",
	.mode = 0666,
	.fops = &cover_fops,
};

static int __init cover_init(void)
{
	int err;

	cover_map = vmalloc_user(COVER_SIZE);
	if (!cover_map)
		return -ENOMEM;
	err = misc_register(&cover_device);
	if (err)
		vfree(cover_map);
	return err;
}

static void __exit cover_exit(void)
{
	misc_deregister(&cover_device);
	vfree(cover_map);
}

module_init(cover_init);
module_exit(cover_exit);

MODULE_DESCRIPTION("Coverage of a module, for fuzzers");
MODULE_LICENSE("GPL");
