/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that change hands: donated, shared, given back, and taken back at a VM's end. */
#include "vm_memory.h"

#include "abi/vmm.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "mem/page.h"
#include "mem/page_rules.h"
#include "view.h"
#include "vm.h"

/*
 * A run of pages that goes back by itself costs a step of a teardown as much as some pages more, and the last run of a block
 * of the primary's what it takes to make one leaf of it: tables of two levels to compare, in two views.
 */
#define RUN_AS_PAGES   6u
#define MERGE_AS_PAGES 32u
/* Empty slots of a VM's view that one step of a teardown skips. */
#define RECLAIM_HOLES 128u

static enum status transition(pa_t base, u64 pages, enum page_op op, u8 from, u8 to)
{
	enum status status;

	page_lock();
	status = page_transition_run(base, pages, op, from, to);
	page_unlock();
	return status;
}

/* A transition that follows from one that succeeded before, which kept everybody else away. */
static void must(pa_t base, u64 pages, enum page_op op, u8 from, u8 to)
{
	CHECK(transition(base, pages, op, from, to) == OK);
}

/* Nothing of the primary reaches the pages any more; the records say MOVING. */
static enum status take(pa_t base, u64 pages) MUST_HOLD(vm_class)
{
	enum status status = transition(base, pages, PAGE_TAKE, OWNER_VM, OWNER_VM);

	if (status != OK)
		return status;
	status = view_remove(vm_primary, ipa(base.v), pages << PAGE_SHIFT);
	if (status != OK)
		must(base, pages, PAGE_TAKE_BACK, OWNER_VM, OWNER_VM);
	return status;
}

/* One run more is the primary's, and what it lies in perhaps a block again. How many pages more that costs a step. */
static u64 settle(pa_t base, u64 pages) MUST_HOLD(vm_class)
{
	return RUN_AS_PAGES + view_merge(vm_primary, ipa(base.v), pages << PAGE_SHIFT) * MERGE_AS_PAGES;
}

/* The primary owns them by their records again: it may reach them. Its tables were sized for that. What it costs as settle(). */
static u64 give(pa_t base, u64 pages) MUST_HOLD(vm_class)
{
	CHECK(view_add(vm_primary, ipa(base.v), base, pages << PAGE_SHIFT, VIEW_RAM, VIEW_DMA) == OK);
	return settle(base, pages);
}

/* What the last owner left there, also in caches that the next one's uncached accesses pass by. */
static void scrub(pa_t base, u64 pages)
{
	io_zero_pages(io_phys(base), pages);
	io_clean(io_phys(base), pages << PAGE_SHIFT);
}

/* How many pages one step does: up to where a block may begin, so that blocks are found. */
static u64 step_pages(u64 at, u64 from, u64 pages)
{
	u64 n = pages < MEMORY_STEP_PAGES ? pages : MEMORY_STEP_PAGES;
	u64 to_block = BLOCK_PAGES - (at >> PAGE_SHIFT) % BLOCK_PAGES;

	if (((at ^ from) & (BLOCK_SIZE - 1)) == 0 && n > to_block)
		n = to_block;
	return n;
}

static bool in_window(u64 at, u64 size)
{
	for (u32 i = 0; arch_vm_window(i).size != 0; i++) {
		const struct range w = arch_vm_window(i);

		if (at < w.base + w.size && w.base < at + size)
			return true;
	}
	return false;
}

bool memory_place_ok(const struct vm *vm, u64 at, u64 size)
{
	return page_aligned(at | size) && size != 0 && at + size > at &&
	       (at + size - 1) >> vm->cpu_pt.ops->va_bits == 0 && !in_window(at, size);
}

enum status memory_donate(struct vm *vm, ipa_t at, ipa_t from, u64 pages, u32 flags, u64 *done)
{
	bool read_only = flags & PC_DONATE_READ_ONLY;
	const u32 mask = read_only ? ~(u32)PT_WRITE : ~0u;
	u64 n = step_pages(at.v, from.v, pages), size = n << PAGE_SHIFT;
	pa_t base = pa(from.v); /* the primary's addresses are the machine's */
	enum status status;

	if (!memory_place_ok(vm, at.v, size) || from.v + size < from.v)
		return E_INVAL;
	status = view_reserve(vm, at, base, size);
	if (status != OK)
		return status;
	status = take(base, n);
	if (status != OK) {
		view_unreserve(vm, at, size);
		return status;
	}
	if (flags & PC_DONATE_SCRUB)
		io_zero_pages(io_phys(base), n);
	arch_sync_code(io_phys(base), size); /* to memory, which the VM sees first with its caches off */
	page_lock();
	CHECK(page_transition_run(base, n, read_only ? PAGE_DONATE_VM_RO : PAGE_DONATE_VM, OWNER_VM,
				  vm->owner) == OK);
	page_set_ipa(base, n, at);
	page_unlock();
	view_commit(vm, at, base, size, VIEW_RAM & mask, VIEW_DMA & mask);
	/*
	 * The last piece of a block: it is one for the VM. The primary keeps its empty tables, so that what comes back piece
	 * by piece needs no memory.
	 */
	if (((at.v ^ from.v) & (BLOCK_SIZE - 1)) == 0 && ((at.v + size) & (BLOCK_SIZE - 1)) == 0)
		view_merge_pieces(vm, ipa(at.v + size - BLOCK_SIZE));
	vm->pages += n;
	*done = n;
	return OK;
}

/* The pages at `at` that are consecutive in the machine, as many as one step takes. */
static enum status extent(const struct vm *vm, ipa_t at, u64 pages, pa_t *base, u64 *n)
{
	u64 size = (pages < PC_DONATE_MAX ? pages : PC_DONATE_MAX) << PAGE_SHIFT, room;

	if (!page_aligned(at.v) || pages == 0 || at.v + size < at.v)
		return E_INVAL;
	if (!vm_ipa_extent(vm, at, size, base, &room))
		return E_FAULT;
	*n = room >> PAGE_SHIFT;
	return OK;
}

/* The primary reaches them too from here on, or no longer. Where its devices may still get there they stay shared. */
static enum status set_shared(struct vm *vm, ipa_t at, u64 pages, bool shared, u64 *done, ipa_t *where) MUST_HOLD(vm_class)
{
	enum status status;
	pa_t base;
	u64 n;

	status = extent(vm, at, pages, &base, &n);
	if (status != OK)
		return status;
	status = transition(base, n, shared ? PAGE_TAKE : PAGE_UNSHARE, vm->owner, vm->owner);
	if (status != OK)
		return status;
	status = shared ? view_add(vm_primary, ipa(base.v), base, n << PAGE_SHIFT, VIEW_RAM, VIEW_DMA) :
			  view_remove(vm_primary, ipa(base.v), n << PAGE_SHIFT);
	must(base, n, shared == (status == OK) ? PAGE_SHARE : PAGE_TAKE_BACK, vm->owner, vm->owner);
	if (status != OK)
		return status;
	*where = ipa(base.v);
	*done = n;
	return OK;
}

enum status memory_share(struct vm *vm, ipa_t at, u64 pages, u64 *done, ipa_t *where)
{
	return set_shared(vm, at, pages, true, done, where);
}

enum status memory_unshare(struct vm *vm, ipa_t at, u64 pages, u64 *done, ipa_t *where)
{
	return set_shared(vm, at, pages, false, done, where);
}

enum status memory_relinquish(struct vm *vm, ipa_t at, ipa_t *where)
{
	enum status status;
	pa_t base;
	u64 n;

	status = extent(vm, at, 1, &base, &n);
	if (status != OK)
		return status;
	status = transition(base, 1, PAGE_TAKE, vm->owner, vm->owner);
	if (status != OK)
		return status;
	/* The primary's tables first, for give(). */
	status = view_reserve(vm_primary, ipa(base.v), base, PAGE_SIZE);
	if (status == OK) {
		status = view_remove(vm, at, PAGE_SIZE);
		if (status != OK)
			view_unreserve(vm_primary, ipa(base.v), PAGE_SIZE);
	}
	if (status != OK) {
		must(base, 1, PAGE_TAKE_BACK, vm->owner, vm->owner);
		return status;
	}
	scrub(base, 1);
	must(base, 1, PAGE_RELINQUISH, vm->owner, OWNER_VM);
	give(base, 1);
	vm->pages--;
	*where = ipa(base.v);
	return OK;
}

enum status memory_take_pool(pa_t from, u64 pages)
{
	enum status status = take(from, pages);

	if (status == OK)
		must(from, pages, PAGE_DONATE_HYP, OWNER_VM, OWNER_HYP);
	return status;
}

u64 memory_return_pool(pa_t base, u64 pages)
{
	scrub(base, pages);
	must(base, pages, PAGE_RETURN_HYP, OWNER_HYP, OWNER_VM);
	return pages + give(base, pages);
}

/* --- teardown */

/* Pages that a device may still reach, since its IOMMU never answered, are nobody's for ever (V3). */
static void lose(struct vm *vm, pa_t at) MUST_HOLD(page_class)
{
	page_set(page_of(at), OWNER_HYP, PAGE_OWNED);
	vm->pages_lost++;
}

/*
 * A shared page is mapped in the primary already, and the primary's DMA mappings may hold it. Pins do
 * not say whose they are: where some of the VM's could not be dropped, the page is lost. What it costs as settle().
 */
static u64 reclaim_shared(struct vm *vm, pa_t at) MUST_HOLD(vm_class)
{
	bool lost;

	page_lock();
	lost = (page_pinned(at) && vm->tags_lost) || vm->dma_lost;
	if (lost)
		lose(vm, at);
	else
		CHECK(page_transition(at, PAGE_RECLAIM_SHARED, vm->owner, OWNER_VM) == OK);
	page_unlock();
	if (!lost)
		return settle(at, 1);
	view_drop(vm_primary, ipa(at.v), PAGE_SIZE);
	return RUN_AS_PAGES;
}

/* The longest run from `base` on that goes back in one piece, or is lost as one page. What it costs is added. */
static u64 reclaim_run(struct vm *vm, pa_t base, u64 pages, u64 *cost) MUST_HOLD(vm_class)
{
	struct page kind;
	u64 n = 0;

	if (page_of(base)->state == PAGE_SHARED_OUT) {
		*cost += reclaim_shared(vm, base);
		return 1;
	}
	page_lock();
	if (!vm->dma_lost)
		n = page_span_uniform(base, pages, &kind);
	if (n == 0)
		lose(vm, base);
	else
		CHECK(page_transition_run(base, n, PAGE_RECLAIM, vm->owner, OWNER_VM) == OK);
	page_unlock();
	if (n == 0)
		return 1;
	*cost += give(base, n);
	return n;
}

static u64 reclaim(struct vm *vm, pa_t base, u64 pages) MUST_HOLD(vm_class)
{
	u64 cost = pages;

	/* Before they are anybody else's. Who shared one may look on, and sees zeros. */
	scrub(base, pages);
	for (u64 done = 0; done < pages;)
		done += reclaim_run(vm, pa(base.v + (done << PAGE_SHIFT)), pages - done, &cost);
	vm->pages -= pages;
	return cost;
}

/*
 * How many of the pages from `base` on a step deals with that has `left`: each that is shared, or lost, is dealt with alone,
 * what lies between two of them goes back in one piece, and a block of the primary's becomes whole once at most.
 */
static u64 affordable(pa_t base, u64 pages, u64 left)
{
	const struct page *page = page_of(base);
	u64 n = 0, cost = 0, to_block = BLOCK_PAGES - (base.v >> PAGE_SHIFT) % BLOCK_PAGES;
	bool alone = false;

	for (; n < pages && n < to_block && cost < left; n++) {
		bool was = alone;

		alone = page[n].state == PAGE_SHARED_OUT || page[n].pins > 0;
		cost += 1 + (was || alone ? RUN_AS_PAGES : 0);
	}
	return n;
}

bool memory_reclaim_step(struct vm *vm, u64 *cursor)
{
	struct pt *pt = &vm->cpu_pt;
	u64 end = 1ull << pt->ops->va_bits, left = MEMORY_STEP_PAGES;
	u32 holes = RECLAIM_HOLES;

	while (*cursor < end && left > 0 && holes > 0) {
		struct pt_run run;
		u64 bytes = left << PAGE_SHIFT, cost;

		/* Within a block, the rest of it: its leaf stays, and the cursor remembers. */
		if (!pt->ops->lookup(pt, *cursor, *cursor + bytes, &run)) {
			*cursor = run.va + run.size;
			holes--;
			continue;
		}
		run.out += *cursor - run.va;
		run.size -= *cursor - run.va;
		if (run.size > bytes)
			run.size = bytes;
		cost = (run.size >> PAGE_SHIFT) + RUN_AS_PAGES;
		if (!(run.prot & PT_DEVICE)) {
			run.size = affordable(pa(run.out), run.size >> PAGE_SHIFT, left) << PAGE_SHIFT;
			cost = reclaim(vm, pa(run.out), run.size >> PAGE_SHIFT);
		}
		left -= cost < left ? cost : left;
		*cursor += run.size;
	}
	return *cursor >= end;
}
