// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Donates pages of a running Linux to VMs, and takes them back: /dev/portcullis-donate.
 *
 *   write "loop ROUNDS SEED"  that many VMs, one after the other (donate_loop.c)
 *   write "pinned"            pages that the disk may access (donate_pinned.c)
 *   write "give", "take"      the page of this open file goes to a VM and comes back; at mmap it is the writer's
 *   read                      the hypervisor's counters, one NAME=VALUE to a line
 *
 * Each write returns when all is done, or fails; the log says why. Kernel code
 * never accesses a page that is away: Linux 6.12 has no fixup for a synchronous
 * external abort at EL1. A process gets SIGBUS, which donatecheck.c looks for.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "donate.h"

#define COMMAND_MAX	64
#define COUNTERS_MAX	512

/* An open file. */
struct opened {
	struct mutex		lock;	/* of all below */
	struct donate_chunk	chunk;
	struct donate_vm	vm;
	bool			given;
};

/* ---- the page of an open file ---- */

static int page_give(struct opened *o)
{
	int ret;

	if (o->given)
		return -EBUSY;
	ret = donate_vm_create(&o->vm, 1) ?:
	      donate_chunk_give(&o->chunk, &o->vm, PC_DONATE_KEEP);
	o->given = !ret;
	return ret;
}

static int page_take(struct opened *o)
{
	int ret;

	if (!o->given)
		return -ENOENT;
	ret = donate_vm_destroy(&o->vm);
	if (!ret)
		o->given = false;
	return ret ?: donate_chunk_check_back(&o->chunk);
}

static int donate_open(struct inode *inode, struct file *file)
{
	struct opened *o = kzalloc(sizeof(*o), GFP_KERNEL);

	if (!o)
		return -ENOMEM;
	mutex_init(&o->lock);
	o->chunk.ipa = DONATE_IPA;
	if (donate_chunk_alloc(&o->chunk, 0, 0, 1)) {
		kfree(o);
		return -ENOMEM;
	}
	file->private_data = o;
	return 0;
}

static int donate_release(struct inode *inode, struct file *file)
{
	struct opened *o = file->private_data;

	if (!o->given || !page_take(o))
		donate_chunk_free(&o->chunk);
	kfree(o);
	return 0;
}

static int donate_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct opened *o = file->private_data;

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	return remap_pfn_range(vma, vma->vm_start, page_to_pfn(o->chunk.page),
			       PAGE_SIZE, vma->vm_page_prot);
}

/* ---- commands ---- */

static int command_run(struct opened *o, const char *command)
{
	unsigned long rounds, seed;

	if (sscanf(command, "loop %lu %lu", &rounds, &seed) == 2)
		return donate_loop(rounds, seed);
	if (sysfs_streq(command, "pinned"))
		return donate_pinned();
	if (sysfs_streq(command, "give"))
		return page_give(o);
	if (sysfs_streq(command, "take"))
		return page_take(o);
	return -EINVAL;
}

static ssize_t donate_write(struct file *file, const char __user *from,
			    size_t size, loff_t *pos)
{
	struct opened *o = file->private_data;
	char command[COMMAND_MAX] = "";
	int ret;

	if (size >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, from, size))
		return -EFAULT;
	mutex_lock(&o->lock);
	ret = command_run(o, command);
	mutex_unlock(&o->lock);
	return ret ?: size;
}

/* ---- counters ---- */

static const struct counter {
	const char	*name;
	bool		is_stat;	/* of STATS, not of VMM_QUERY */
	u32		number;
} counters[] = {
	{ "vms", false, PC_VMM_Q_VMS },
	{ "tables_free", false, PC_VMM_Q_POOL_FREE },
	{ "quarantined", false, PC_VMM_Q_DEV_QUARANTINED },
	{ "pins", true, PVIOMMU_STAT_PINS },
	{ "mapped", true, PVIOMMU_STAT_MAPPED },
	{ "domains", true, PVIOMMU_STAT_DOMAINS },
	{ "attached", true, PVIOMMU_STAT_ATTACHED },
	{ "faults", true, PVIOMMU_STAT_FAULTS },
	{ "lost", true, PVIOMMU_STAT_LOST },
	{ "quarantines", true, PVIOMMU_STAT_QUARANTINES },
};

static ssize_t donate_read(struct file *file, char __user *to, size_t size,
			   loff_t *pos)
{
	char text[COUNTERS_MAX];
	size_t length = 0, i;
	u64 value;
	int ret;

	for (i = 0; i < ARRAY_SIZE(counters); i++) {
		const struct counter *c = &counters[i];

		ret = c->is_stat ? donate_stat(c->number, &value) :
				   donate_query(c->number, 0, &value);
		if (ret)
			return ret;
		length += scnprintf(text + length, sizeof(text) - length,
				    "%s=%llu\n", c->name, value);
	}
	return simple_read_from_buffer(to, size, pos, text, length);
}

static const struct file_operations donate_fops = {
	.owner		= THIS_MODULE,
	.open		= donate_open,
	.release	= donate_release,
	.read		= donate_read,
	.write		= donate_write,
	.mmap		= donate_mmap,
};

static struct miscdevice donate_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "portcullis-donate",
	.fops	= &donate_fops,
};

module_misc_device(donate_device);

MODULE_DESCRIPTION("Test of page donation under a running Linux");
MODULE_LICENSE("Dual BSD/GPL");
