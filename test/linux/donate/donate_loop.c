// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Rounds of: a VM, pages for it from all over the memory, perhaps a run of it,
 * its end, and a look at every page.
 */
#include <linux/align.h>
#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "donate.h"

#define CHUNKS_MAX	24
#define SINGLES_MAX	16
/* Other users of the page allocator: they keep it from handing out the same pages again and again. */
#define HELD_COUNT	64
#define HELD_ORDERS	8
/* Loops of fewer rounds need not have seen everything. */
#define ROUNDS_ALL_SEEN	64

struct loop {
	struct rnd_state	random;
	u64			ipa;		/* of the next chunk */
	unsigned int		chunk_count;
	struct file		*disk;
	struct donate_chunk	*beside;	/* the disk writes into what stays of it */
	struct donate_chunk	chunks[CHUNKS_MAX];
	struct donate_chunk	held[HELD_COUNT];
	/* What was done. */
	unsigned long		pages, blocks, odds, besides, runs, never_set;
};

static u32 below(struct loop *l, u32 limit)
{
	return prandom_u32_state(&l->random) % limit;
}

static void held_change(struct loop *l)
{
	struct donate_chunk *c = &l->held[below(l, HELD_COUNT)];
	unsigned int order = below(l, HELD_ORDERS);

	donate_chunk_free(c);
	c->order = order;
	c->page = alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, order);
}

/* ---- pages for the VM ---- */

/* @offset: where in its block, in pages, the chunk lies in the VM. */
static int chunk_add(struct loop *l, struct donate_vm *vm, unsigned int order,
		     unsigned int first, unsigned int count, u64 offset)
{
	static const u32 flags[] = {
		PC_DONATE_KEEP, PC_DONATE_SCRUB, PC_DONATE_READ_ONLY,
		PC_DONATE_SCRUB | PC_DONATE_READ_ONLY,
	};
	struct donate_chunk *c = &l->chunks[l->chunk_count];

	/* Without so many free pages in a row the round does without. */
	if (l->chunk_count == CHUNKS_MAX ||
	    donate_chunk_alloc(c, order, first, count))
		return 0;
	l->chunk_count++;
	c->ipa = ALIGN(l->ipa, DONATE_BLOCK_PAGES * PAGE_SIZE) +
		 offset * PAGE_SIZE;
	l->ipa = c->ipa + (u64)count * PAGE_SIZE;
	l->pages += count;
	return donate_chunk_give(c, vm, flags[below(l, ARRAY_SIZE(flags))]);
}

static int singles_add(struct loop *l, struct donate_vm *vm)
{
	unsigned int i, count = 1 + below(l, SINGLES_MAX);
	int ret = 0;

	for (i = 0; i < count && !ret; i++) {
		ret = chunk_add(l, vm, 0, 0, 1,
				below(l, DONATE_BLOCK_PAGES));
		held_change(l);
	}
	return ret;
}

/* Neighbours stay with Linux, on either side. */
static int seven_add(struct loop *l, struct donate_vm *vm)
{
	return chunk_add(l, vm, 4, 1 + below(l, 8), 7,
			 below(l, DONATE_BLOCK_PAGES));
}

/* As many pages as a block has, but not one: parts of two. */
static int odd_add(struct loop *l, struct donate_vm *vm)
{
	unsigned int first = 1 + below(l, DONATE_BLOCK_PAGES - 1);

	l->odds++;
	return chunk_add(l, vm, DONATE_BLOCK_ORDER + 1, first,
			 DONATE_BLOCK_PAGES, below(l, 2) ? first : 0);
}

static int block_add(struct loop *l, struct donate_vm *vm)
{
	l->blocks++;
	return chunk_add(l, vm, DONATE_BLOCK_ORDER, 0, DONATE_BLOCK_PAGES,
			 below(l, 4) ? 0 : 3);
}

/* Of a block that is whole up to now, and that the disk is about to write into. */
static int beside_add(struct loop *l, struct donate_vm *vm)
{
	struct donate_chunk *c = &l->chunks[l->chunk_count];
	struct donate_read read;
	int ret;

	if (l->chunk_count == CHUNKS_MAX ||
	    donate_chunk_alloc(c, DONATE_BLOCK_ORDER,
			       below(l, DONATE_BLOCK_PAGES - 7), 7))
		return 0;
	l->chunk_count++;
	c->ipa = l->ipa;
	l->ipa += c->count * PAGE_SIZE;
	l->beside = c;
	l->besides++;
	donate_read_begin(&read, l->disk, c);
	ret = donate_chunk_give(c, vm, PC_DONATE_KEEP);
	return donate_read_end(&read) ?: ret;
}

static int chunks_add(struct loop *l, struct donate_vm *vm)
{
	int ret = 0;

	if (below(l, 4))
		ret = singles_add(l, vm);
	if (!ret && below(l, 2))
		ret = seven_add(l, vm);
	if (!ret && below(l, 5) == 0)
		ret = odd_add(l, vm);
	if (!ret && below(l, 5) == 0)
		ret = block_add(l, vm);
	if (!ret && below(l, 2))
		ret = beside_add(l, vm);
	return ret;
}

/* ---- what happens meanwhile ---- */

/* Nothing that was given can be given again. */
static int again_refused(struct loop *l, struct donate_vm *vm)
{
	struct donate_chunk *c;

	if (!l->chunk_count)
		return 0;
	c = &l->chunks[below(l, l->chunk_count)];
	return donate_vm_expect(vm, donate_chunk_pa(c) +
				below(l, c->count) * PAGE_SIZE, 1, PC_DENIED);
}

/* One page of program and one page of data, which Linux wrote just before. */
static int program_run(struct loop *l, struct donate_vm *vm)
{
	struct donate_chunk *code = &l->chunks[l->chunk_count], *data = code + 1;
	u64 none;
	s32 status;
	int ret;

	if (l->chunk_count + 2 > CHUNKS_MAX || donate_chunk_alloc(code, 0, 0, 1))
		return 0;
	l->chunk_count++;
	if (donate_chunk_alloc(data, 0, 0, 1)) {
		code->count = 0;
		return 0;
	}
	l->chunk_count++;

	memcpy(page_address(code->page), donate_guest,
	       donate_guest_end - donate_guest);
	code->ipa = l->ipa + PAGE_SIZE;
	data->ipa = l->ipa + 3 * PAGE_SIZE;
	ret = donate_chunk_give(code, vm, PC_DONATE_READ_ONLY) ?:
	      donate_chunk_give(data, vm, PC_DONATE_KEEP);
	if (ret)
		return ret;
	status = donate_call(PC_VCPU_SET, vm->handle, 0, code->ipa, data->ipa,
			     0, &none);
	if (status)
		return donate_wrong("VCPU_SET: %d", status);
	l->runs++;
	return donate_vm_run(vm, PC_POWER_SYSTEM_OFF);
}

static int something_run(struct loop *l, struct donate_vm *vm)
{
	switch (below(l, 4)) {
	case 0:
		l->never_set++;
		return donate_vm_run(vm, PC_POWER_OFF);
	case 1:
		return program_run(l, vm);
	case 2:
		return donate_vm_finalise(vm);
	default:
		return 0; /* it ends half built */
	}
}

static int chunks_check(struct loop *l, int (*check)(struct donate_chunk *))
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < l->chunk_count && !ret; i++)
		ret = check(&l->chunks[i]);
	return ret;
}

/* What comes back makes blocks whole again. */
static int destroy(struct loop *l, struct donate_vm *vm)
{
	struct donate_read read;
	int ret;

	if (!l->beside)
		return donate_vm_destroy(vm);
	donate_read_begin(&read, l->disk, l->beside);
	ret = donate_vm_destroy(vm);
	return donate_read_end(&read) ?: ret;
}

static int round_run(struct loop *l)
{
	struct donate_vm vm;
	int ret;

	l->ipa = DONATE_IPA;
	l->chunk_count = 0;
	l->beside = NULL;
	held_change(l);
	ret = donate_vm_create(&vm, 1 + below(l, 2)) ?:
	      chunks_add(l, &vm) ?:
	      again_refused(l, &vm) ?:
	      something_run(l, &vm) ?:
	      chunks_check(l, donate_chunk_check_rest) ?:
	      destroy(l, &vm) ?:
	      chunks_check(l, donate_chunk_check_back);
	if (ret)
		return ret;

	while (l->chunk_count)
		donate_chunk_free(&l->chunks[--l->chunk_count]);
	cond_resched();
	return signal_pending(current) ? -EINTR : 0;
}

int donate_loop(unsigned long rounds, unsigned long seed)
{
	struct loop *l __free(kvfree) = kvzalloc(sizeof(*l), GFP_KERNEL);
	unsigned long i;
	int ret = 0;

	if (!l)
		return -ENOMEM;
	l->disk = donate_disk_open();
	if (IS_ERR(l->disk))
		return PTR_ERR(l->disk);
	prandom_seed_state(&l->random, seed);
	for (i = 0; i < rounds && !ret; i++)
		ret = round_run(l);
	for (i = 0; i < HELD_COUNT; i++)
		donate_chunk_free(&l->held[i]);
	fput(l->disk);
	if (ret)
		return ret;

	pr_info("portcullis_donate: %lu rounds: %lu pages, %lu blocks, %lu times as many pages, %lu times beside a read; %lu programs, %lu vCPUs never set\n",
		rounds, l->pages, l->blocks, l->odds, l->besides, l->runs,
		l->never_set);
	if (rounds >= ROUNDS_ALL_SEEN &&
	    !(l->pages && l->blocks && l->odds && l->besides && l->runs &&
	      l->never_set))
		return donate_wrong("something never happened");
	return 0;
}
