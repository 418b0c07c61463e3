/* SPDX-License-Identifier: BSD-2-Clause */
/* How pages and MMIO enter and leave what the CPUs and the devices of a VM can reach. */
#include "view.h"

#include "hyp/arch.h"
#include "hyp/check.h"
#include "iommu/iommu.h"
#include "mem/page.h"
#include "vm.h"

/* Too big for the stack; the hypervisor does not preempt itself. */
static struct pt_edit cpu_edit[MACHINE_MAX_CPUS], dma_edit[MACHINE_MAX_CPUS];
static struct pt_edit merge_edit[MACHINE_MAX_CPUS]; /* while the others may be held by view_reserve() */

static struct pt_edit *edit_begin(struct pt_edit *edit)
{
	edit->count = 0;
	edit->unlinked = 0;
	edit->undone = false;
	return edit;
}

static bool is_cpu(const struct vm *vm, const struct pt *pt)
{
	return pt == &vm->cpu_pt;
}

/* Not every secondary has one. */
static bool has_dma(const struct vm *vm)
{
	return vm->dma_pt.ops != NULL;
}

/* Whatever leaves there were, and tables, are out of the caches. */
static enum status inval(struct vm *vm, const struct pt *pt, u64 base, u64 size)
{
	const struct inval_range range = { .base = base, .size = size, .leaf_shift = PT_SHIFT_4K };

	if (!is_cpu(vm, pt))
		return iommu_inval(&vm->dma_tag, vm->dma_tag.users, &range, 1);
	arch_cpu_inval(vm->view.vmid, ipa(base), size);
	return OK;
}

/* The leaves of one size that come next: the largest that fit where no table is in the way. */
static enum status piece(const struct pt *pt, u64 va, u64 out, u64 left, u8 *shift, u64 *size)
{
	struct pt_run slot;

	if (pt->ops->lookup(pt, va, va, &slot))
		return E_EXIST;
	for (*shift = PT_SHIFT_1G; *shift > PT_SHIFT_4K; *shift -= 9) {
		*size = 1ull << *shift;
		if ((pt->leaf_sizes & *size) && ((va | out) & (*size - 1)) == 0 && left >= *size &&
		    slot.size >= *size)
			return OK;
	}
	*size = align_down(va, BLOCK_SIZE) + BLOCK_SIZE - va;
	if (*size > left)
		*size = left;
	return OK;
}

/*
 * Nobody points to the tables of an edit any more; but who looks at a CPU view under the page lock may
 * still be in one. The lock of a pool comes below that lock, which the analysis takes for the same.
 */
static void release(struct vm *vm, struct pt *pt, struct pt_edit *edit) NO_LOCK_ANALYSIS
{
	if (!is_cpu(vm, pt))
		return pt->ops->finish(pt, edit);
	page_lock();
	pt->ops->finish(pt, edit);
	page_unlock();
}

static void undo(struct vm *vm, struct pt *pt, u64 va, u64 size, struct pt_edit *edit)
{
	/* A walker that may still hold a table keeps it for ever. */
	if (edit->count > 0 && pt->ops->undo(pt, edit) && inval(vm, pt, va, size) != OK)
		edit->count = 0;
	if (edit->count > 0)
		release(vm, pt, edit);
}

static enum status prepare(struct vm *vm, struct pt *pt, u64 va, u64 out, u64 size,
			   struct pt_edit *edit)
{
	enum status status = OK;
	u64 take;
	u8 shift;

	if (size == 0 || (va + size - 1) >> pt->ops->va_bits != 0)
		return E_INVAL;
	for (u64 done = 0; done < size; done += take) {
		status = piece(pt, va + done, out + done, size - done, &shift, &take);
		if (status == OK)
			status = pt->ops->prepare(pt, edit, va + done, take, shift);
		if (status != OK)
			break;
	}
	if (status != OK)
		undo(vm, pt, va, size, edit);
	return status;
}

static void commit(struct pt *pt, u64 va, u64 out, u64 size, u32 prot)
{
	u64 take;
	u8 shift;

	for (u64 done = 0; done < size; done += take) {
		CHECK(piece(pt, va + done, out + done, size - done, &shift, &take) == OK);
		pt->ops->commit(pt, va + done, out + done, take, shift, prot);
	}
}

enum status view_reserve(struct vm *vm, ipa_t at, pa_t out, u64 size)
{
	struct pt_edit *edit = edit_begin(&cpu_edit[arch_cpu_index()]);
	struct pt_edit *other = edit_begin(&dma_edit[arch_cpu_index()]);
	enum status status;

	status = prepare(vm, &vm->cpu_pt, at.v, out.v, size, edit);
	if (status != OK || !has_dma(vm))
		return status;
	status = prepare(vm, &vm->dma_pt, at.v, out.v, size, other);
	if (status != OK)
		undo(vm, &vm->cpu_pt, at.v, size, edit);
	return status;
}

void view_unreserve(struct vm *vm, ipa_t at, u64 size)
{
	if (has_dma(vm))
		undo(vm, &vm->dma_pt, at.v, size, &dma_edit[arch_cpu_index()]);
	undo(vm, &vm->cpu_pt, at.v, size, &cpu_edit[arch_cpu_index()]);
}

void view_commit(struct vm *vm, ipa_t at, pa_t out, u64 size, u32 cpu, u32 dma)
{
	if (has_dma(vm))
		commit(&vm->dma_pt, at.v, out.v, size, dma);
	commit(&vm->cpu_pt, at.v, out.v, size, cpu);
}

enum status view_add(struct vm *vm, ipa_t at, pa_t out, u64 size, u32 cpu, u32 dma)
{
	enum status status = view_reserve(vm, at, out, size);

	if (status == OK)
		view_commit(vm, at, out, size, cpu, dma);
	return status;
}

/* --- blocks */

static enum status split_step(struct vm *vm, struct pt *pt, const struct pt_run *block)
{
	struct pt_run leaf = *block;
	enum status status;
	pa_t table;

	status = pt->ops->split_prepare(pt, block->va, &table);
	if (status != OK)
		return status;
	leaf.size = 1ull << leaf.shift;
	if (is_cpu(vm, pt)) {
		/* Break before make (DDI 0487 D8.16.1 and the like): the gap is nobody's to see. */
		page_lock();
		pt->ops->clear(pt, &leaf);
		status = inval(vm, pt, leaf.va, leaf.size);
		pt->ops->split_commit(pt, leaf.va, leaf.shift, table);
		page_unlock();
		return status;
	}
	/* Live: only where hardware accepts a change of size are there blocks at all. */
	pt->ops->split_commit(pt, leaf.va, leaf.shift, table);
	return inval(vm, pt, leaf.va, leaf.size);
}

/* No leaf begins before `va` and ends behind it. */
static enum status split_at(struct vm *vm, struct pt *pt, u64 va)
{
	enum status status = OK;
	struct pt_run run;

	while (status == OK && va >> pt->ops->va_bits == 0 && pt->ops->lookup(pt, va, va, &run) &&
	       run.va != va)
		status = split_step(vm, pt, &run);
	return status;
}

static enum status split_edges(struct vm *vm, struct pt *pt, u64 va, u64 size)
{
	enum status status = split_at(vm, pt, va);

	return status == OK ? split_at(vm, pt, va + size) : status;
}

/* One block again where a table holds its pieces; true: it is. */
static bool merge_cpu(struct vm *vm, u64 va, u8 shift)
{
	struct pt_edit *edit = &merge_edit[arch_cpu_index()];
	struct pt *pt = &vm->cpu_pt;
	struct pt_run block;

	if (!pt->ops->merge(pt, va, shift, edit_begin(edit), &block))
		return false;
	/* Another CPU that comes by in the gap asks view_has(), and tries again. */
	CHECK(inval(vm, pt, block.va, block.size) == OK);
	pt->ops->commit(pt, block.va, block.out, block.size, block.shift, block.prot);
	pt->ops->finish(pt, edit);
	return true;
}

static bool merge_dma(struct vm *vm, u64 va, u8 shift)
{
	struct pt_edit *edit = &merge_edit[arch_cpu_index()];
	struct pt *pt = &vm->dma_pt;

	/* One that never answers would keep the table for ever. */
	for (u32 left = vm->dma_tag.users; left != 0; left &= left - 1)
		if (iommu_is_dead(&iommu_instance[__builtin_ctz(left)]))
			return false;
	if (!pt->ops->merge_live(pt, va, shift, edit_begin(edit)))
		return false;
	if (inval(vm, pt, align_down(va, 1ull << shift), 1ull << shift) == OK)
		pt->ops->finish(pt, edit);
	return true;
}

static void merge_at(struct vm *vm, u64 va)
{
	if (has_dma(vm) && merge_dma(vm, va, PT_SHIFT_2M))
		(void)merge_dma(vm, va, PT_SHIFT_1G);
	if (merge_cpu(vm, va, PT_SHIFT_2M))
		(void)merge_cpu(vm, va, PT_SHIFT_1G);
}

u32 view_merge(struct vm *vm, ipa_t at, u64 size)
{
	u32 tried = 0;

	for (u64 va = align_down(at.v, BLOCK_SIZE); va < at.v + size; va += BLOCK_SIZE) {
		const struct page *page = page_find(pa(va));
		const struct page_run *run = page != NULL ? page_run_of(pa(va)) : NULL;

		if (run == NULL || run->odd != 0 || run->owner != vm->owner)
			continue;
		merge_at(vm, va);
		tried++;
	}
	return tried;
}

/*
 * Who walks a secondary's view under the page lock alone finds the block or its pieces. The lock of a pool comes below
 * that lock, as in release().
 */
void view_merge_pieces(struct vm *vm, ipa_t at) NO_LOCK_ANALYSIS
{
	if (has_dma(vm))
		(void)merge_dma(vm, at.v, PT_SHIFT_2M);
	page_lock();
	(void)merge_cpu(vm, at.v, PT_SHIFT_2M);
	page_unlock();
}

/* --- removal */

struct removed {
	u64 out;
	u32 prot;
};

/* All leaves of a range that is physically consecutive and of one kind; what they were. */
static struct removed clear(struct pt *pt, u64 va, u64 size)
{
	struct removed was = { 0 };
	struct pt_run run;

	for (u64 at = va; at < va + size; at = run.va + run.size) {
		if (!pt->ops->lookup(pt, at, va + size, &run))
			continue;
		pt->ops->clear(pt, &run);
		if (at == va)
			was = (struct removed){ run.out, run.prot };
	}
	return was;
}

enum status view_remove(struct vm *vm, ipa_t at, u64 size)
{
	struct removed dma = { 0 }, cpu;
	u64 tables = vm->dma_pt.tables;
	enum status status = OK;

	if (has_dma(vm))
		status = split_edges(vm, &vm->dma_pt, at.v, size);
	if (status == OK)
		status = split_edges(vm, &vm->cpu_pt, at.v, size);
	if (status != OK) { /* what was split for it is whole again */
		if (!vm->primary && vm->dma_pt.tables != tables)
			(void)merge_dma(vm, at.v, PT_SHIFT_2M);
		if (vm->primary)
			merge_at(vm, at.v);
		if (vm->primary && (at.v + size) >> vm->cpu_pt.ops->va_bits == 0)
			merge_at(vm, at.v + size);
		return status;
	}
	if (has_dma(vm))
		dma = clear(&vm->dma_pt, at.v, size);
	cpu = clear(&vm->cpu_pt, at.v, size);
	if (has_dma(vm))
		status = inval(vm, &vm->dma_pt, at.v, size);
	(void)inval(vm, &vm->cpu_pt, at.v, size);
	if (status == OK)
		return OK;
	/* Devices may still get there, so it stays the VM's. The tables are there: nothing can fail. */
	if (dma.prot != 0)
		commit(&vm->dma_pt, at.v, dma.out, size, dma.prot);
	if (cpu.prot != 0)
		commit(&vm->cpu_pt, at.v, cpu.out, size, cpu.prot);
	return status;
}

void view_drop(struct vm *vm, ipa_t at, u64 size)
{
	if (has_dma(vm) && split_edges(vm, &vm->dma_pt, at.v, size) == OK) {
		(void)clear(&vm->dma_pt, at.v, size);
		(void)!inval(vm, &vm->dma_pt, at.v, size);
	}
	if (split_edges(vm, &vm->cpu_pt, at.v, size) == OK) {
		(void)clear(&vm->cpu_pt, at.v, size);
		(void)!inval(vm, &vm->cpu_pt, at.v, size);
	}
}

/* --- parts */

/* In shares of a budget, each at most 1,200 instructions: a call of view_add() or view_remove(), a block, so many pages of one. */
#define PART_COST  3u
#define BLOCK_COST 1u
#define PAGES      64u

/* Which leaves there are, or will be, at the begin of a range, or at its end. */
static u8 leaf_shift(const struct pt *pt, u64 va, u64 out, u64 size, bool last)
{
	const u64 probe = last ? va + size - PAGE_SIZE : va;
	const u64 odd = last ? (va + size) | (out + size) : va | out;
	struct pt_run slot;
	bool mapped = pt->ops->lookup(pt, probe, probe, &slot);
	u8 shift = PT_SHIFT_1G;

	if (mapped)
		return slot.shift;
	for (; shift > PT_SHIFT_4K; shift -= 9)
		if ((pt->leaf_sizes >> shift & 1) && slot.size >> shift != 0 && size >> shift != 0 &&
		    (odd & ((1ull << shift) - 1)) == 0)
			break;
	return shift;
}

u64 view_part(const struct vm *vm, ipa_t at, pa_t out, u64 size, bool last, u32 *budget)
{
	u32 left = *budget > PART_COST ? *budget - PART_COST : 0;
	u64 part = 0;

	while (left > 0 && part < size) {
		const u64 skip = last ? 0 : part;
		const u64 va = at.v + skip, end = at.v + size - (part - skip);
		u8 shift = leaf_shift(&vm->cpu_pt, va, out.v + skip, size - part, last), other = shift;
		u32 cost = BLOCK_COST;
		u64 step;

		if (has_dma(vm))
			other = leaf_shift(&vm->dma_pt, va, out.v + skip, size - part, last);
		if (other < shift)
			shift = other;
		step = 1ull << shift;
		if (shift == PT_SHIFT_4K)
			step = last ? end - align_down(end - 1, BLOCK_SIZE) : align_down(va, BLOCK_SIZE) + BLOCK_SIZE - va;
		if (step > size - part)
			step = size - part;
		if (shift == PT_SHIFT_4K)
			cost += (u32)(step >> PAGE_SHIFT) / PAGES;
		part += step;
		left -= left < cost ? left : cost;
	}
	*budget = left;
	return part;
}

bool view_has(struct vm *vm, ipa_t at)
{
	struct pt_run run;
	bool has;

	vm_lock(vm);
	has = at.v >> vm->cpu_pt.ops->va_bits == 0 &&
	      vm->cpu_pt.ops->lookup(&vm->cpu_pt, at.v, at.v, &run);
	vm_unlock(vm);
	return has;
}
