/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the files of the donation test share: VMs made of Linux's own pages.
 *
 * A function that answers an int has said in the kernel's log what is wrong
 * when that is not 0. Pages that did not come back are never freed: Linux
 * would use them.
 */
#ifndef DONATE_H
#define DONATE_H

#include <linux/completion.h>
#include <linux/mm_types.h>
#include <linux/printk.h>
#include <linux/types.h>

#include "../portcullis.h"

/* Where the memory of a VM begins: above what the hypervisor emulates. */
#define DONATE_IPA	0x40000000ULL
/* Where nothing ever is. */
#define DONATE_IPA_FREE	0x30000000ULL

#define DONATE_BLOCK_ORDER	9
#define DONATE_BLOCK_PAGES	(1u << DONATE_BLOCK_ORDER)

#define donate_wrong(fmt, ...)						\
	({								\
		pr_err("portcullis_donate: " fmt "\n", ##__VA_ARGS__);	\
		-EIO;							\
	})

/* ---- donate_vm.c: the VMM's calls ---- */

struct bio;
struct file;

struct donate_vm {
	u32		handle;
	unsigned int	pool_order;
	struct page	*pool;
	struct page	*exit;		/* for VCPU_RUN */
};

s32 donate_call(u32 fn, u64 a, u64 b, u64 c, u64 d, u64 e, u64 *value);
int donate_query(u32 property, u64 index, u64 *value);
int donate_stat(u32 counter, u64 *value);
int donate_vm_create(struct donate_vm *vm, unsigned int vcpus);
int donate_vm_destroy(struct donate_vm *vm);
int donate_vm_finalise(struct donate_vm *vm);
int donate_vm_expect(struct donate_vm *vm, phys_addr_t pa, u64 pages,
		     s32 status);

/* Runs vCPU 0 until it leaves for good, which it shall do by @power. */
int donate_vm_run(struct donate_vm *vm, u64 power);

/* ---- donate_chunk.c: pages, and what is in them ---- */

/* 2^order pages of which @count from @first on are, or shall be, the VM's. */
struct donate_chunk {
	struct page	*page;
	unsigned int	order;
	unsigned int	first;
	unsigned int	count;
	u64		ipa;
};

int donate_chunk_alloc(struct donate_chunk *c, unsigned int order,
		       unsigned int first, unsigned int count);
void donate_chunk_free(struct donate_chunk *c);
int donate_chunk_give(struct donate_chunk *c, struct donate_vm *vm, u32 flags);
/* The pages beside those that were given are as they were; writes them anew. */
int donate_chunk_check_rest(struct donate_chunk *c);
/* After the VM: what was given is zero. */
int donate_chunk_check_back(struct donate_chunk *c);
bool donate_chunk_is_given(const struct donate_chunk *c, unsigned int i);
/* Somebody wrote over the mark; makes it anew. */
int donate_page_was_written(struct page *page);
int donate_check_zero(struct page *page, unsigned int pages);

static inline phys_addr_t donate_chunk_pa(const struct donate_chunk *c)
{
	return page_to_phys(c->page) + (phys_addr_t)c->first * PAGE_SIZE;
}

/* ---- donate_disk.c: reads into the pages of a chunk that are not given ---- */

struct donate_read {
	struct completion	done;
	struct bio		*bio;
};

struct file *donate_disk_open(void);
void donate_read_begin(struct donate_read *r, struct file *disk,
		       struct donate_chunk *c);
int donate_read_end(struct donate_read *r);

/* ---- donate_guest.c: a program of less than a page ---- */

extern const u8 donate_guest[], donate_guest_end[];

/* ---- what is tried ---- */

int donate_loop(unsigned long rounds, unsigned long seed);
int donate_pinned(void);

#endif
