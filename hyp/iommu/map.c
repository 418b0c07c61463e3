/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping: choose leaves and pin every page of a step or none, prepare the tables, write the
 * leaves. Nothing is visible to the device before everything that can fail has succeeded.
 */
#include "abi/pviommu.h"
#include "device.h"
#include "domain.h"
#include "hyp/check.h"
#include "iommu.h"
#include "scratch.h"
#include "vm/vm.h"

/* Physically consecutive runs that one step pins and writes: each is some hundred instructions. */
#define STEP_RUNS 128u

static u32 leaf_prot(u32 prot)
{
	u32 p = (prot & PVIOMMU_PROT_READ ? PT_READ : 0) |
		(prot & PVIOMMU_PROT_WRITE ? PT_WRITE : 0) |
		(prot & PVIOMMU_PROT_NOEXEC ? 0 : PT_EXEC) |
		(prot & PVIOMMU_PROT_PRIV ? PT_PRIV : 0);

	if (prot & PVIOMMU_PROT_MMIO)
		return p | PT_DEVICE;
	return prot & PVIOMMU_PROT_CACHE ? p : p | PT_NOCACHE;
}

static void run_add(struct scratch *s, u64 va, u64 out, u64 size, u8 shift)
{
	s->pages += size >> PAGE_SHIFT;
	if (s->run_count > 0) {
		struct pt_run *last = &s->run[s->run_count - 1];

		if (last->shift == shift && last->out + last->size == out) {
			last->size += size;
			return;
		}
	}
	s->run[s->run_count++] =
		(struct pt_run){ .va = va, .out = out, .size = size, .shift = shift };
}

/* Drop the pins of the runs; page lock held. */
static void unpin_locked(struct scratch *s) MUST_HOLD(page_class)
{
	for (u32 i = 0; i < s->run_count; i++) {
		const struct pt_run *run = &s->run[i];

		if (run->prot & PT_DEVICE)
			device_mmio_unpin(pa(run->out), run->size);
		else if (run->shift == PT_SHIFT_4K)
			page_unpin(pa(run->out), run->size >> PAGE_SHIFT);
		else
			page_unpin_blocks(pa(run->out), run->size / BLOCK_SIZE);
	}
	s->run_count = 0;
	s->pages = 0;
}

void scratch_unpin(struct scratch *s)
{
	if (s->run_count == 0)
		return;
	page_lock();
	unpin_locked(s);
	page_unlock();
}

static bool aligned_to(u64 a, u64 b, u64 left, u64 size)
{
	return ((a | b) & (size - 1)) == 0 && left >= size;
}

/*
 * The next leaves of a step, pinned: from `va` and IPA on, at most `left` bytes and `leaves`
 * leaves. *taken is their size, all of one shift and physically consecutive.
 */
static enum status pin_next(struct vm *vm, u32 sizes, u64 va, u64 addr, u64 left, u32 leaves,
			    bool write, struct pt_run *run) MUST_HOLD(page_class)
{
	u64 room = 0, pages, out;
	enum status status;
	pa_t first;

	if (unlikely(!vm_ipa_extent(vm, ipa(addr), left, &first, &room)))
		return E_FAULT;
	out = first.v;
	run->va = va;
	run->out = out;
	for (u8 shift = PT_SHIFT_1G; shift >= PT_SHIFT_2M; shift -= 9) {
		u64 size = 1ull << shift;

		if (likely(!(sizes & size) || !aligned_to(va, out, room, size)))
			continue;
		/* Where it is more than the step has left, smaller ones are not. */
		if (leaf_work(shift) > leaves || page_pin_blocks(first, size / BLOCK_SIZE, vm->owner, write) != OK)
			continue;
		run->shift = shift;
		run->size = size;
		return OK;
	}
	pages = room >> PAGE_SHIFT;
	if (pages > leaves)
		pages = leaves;
	/* Stop where the next block could begin. */
	if (((va ^ out) & (BLOCK_SIZE - 1)) == 0 && pages > 1) {
		u64 to_block = BLOCK_PAGES - (va >> PAGE_SHIFT) % BLOCK_PAGES;

		if (pages > to_block)
			pages = to_block;
	}
	status = page_pin(first, pages, vm->owner, write);
	run->shift = PT_SHIFT_4K;
	run->size = pages << PAGE_SHIFT;
	return status;
}

/* Choose and pin the leaves of a step of memory. *done: bytes that the step covers. */
static enum status pin_memory(struct vm *vm, const struct map_request *req, u32 sizes, u32 leaves,
			      struct scratch *s, u64 *done) NOT_HELD(page_class)
{
	enum status status = OK;
	u64 at = 0;

	page_lock();
	while (at < req->size && leaves > 0 && s->run_count < STEP_RUNS) {
		struct pt_run run;

		status = pin_next(vm, sizes, req->iova.v + at, req->ipa.v + at, req->size - at,
				  leaves, req->prot & PVIOMMU_PROT_WRITE, &run);
		if (unlikely(status != OK)) {
			unpin_locked(s);
			break;
		}
		run_add(s, run.va, run.out, run.size, run.shift);
		leaves -= (u32)(run.size >> run.shift) * leaf_work(run.shift);
		at += run.size;
	}
	page_unlock();
	*done = at;
	return status;
}

/* The same for MMIO of the VM's devices: leaves of 4 KiB, counted at the device. */
static enum status pin_mmio(struct vm *vm, const struct map_request *req, u32 leaves,
			    struct scratch *s, u64 *done) NOT_HELD(page_class)
{
	u64 size = req->size < (u64)leaves << PAGE_SHIFT ? req->size : (u64)leaves << PAGE_SHIFT;
	enum status status = E_DENIED;
	pa_t first;
	u64 room;

	page_lock();
	if (vm_ipa_extent(vm, req->ipa, size, &first, &room) && room == size)
		status = device_mmio_pin(vm, first, size);
	if (status == OK) {
		run_add(s, req->iova.v, first.v, size, PT_SHIFT_4K);
		s->run[0].prot = PT_DEVICE;
	}
	page_unlock();
	*done = size;
	return status;
}

/* Overlaps the range something whose invalidation another CPU still waits for? */
static bool in_flight(const struct domain *d, u64 base, u64 size) MUST_HOLD(domain_class)
{
	if (likely(!domain_in_flight(d)))
		return false;
	for (u32 i = 0; i < ARRAY_SIZE(d->flight); i++) {
		const struct domain_flight *f = &d->flight[i];
		u64 length = __atomic_load_n(&f->size, __ATOMIC_ACQUIRE);

		if (length != 0 && base < f->base + length && f->base < base + size)
			return true;
	}
	return false;
}

/* A step could not be prepared: leave no trace of it. */
static enum status take_back(struct domain *d, struct scratch *s, u64 va, u64 size,
			     enum status status) MUST_HOLD(domain_class)
{
	const struct inval_range range = { .base = va, .size = size, .leaf_shift = PT_SHIFT_4K };

	if (s->edit.count > 0 && d->pt.ops->undo(&d->pt, &s->edit) &&
	    iommu_inval(&d->tag, d->tag.users, &range, 1) != OK) {
		/* Walkers may hold the tables: they are lost, not reused. */
		s->edit.count = 0;
		status = E_IO;
	}
	if (s->edit.count > 0)
		d->pt.ops->finish(&d->pt, &s->edit);
	scratch_unpin(s);
	return status;
}

static enum status prepare(struct domain *d, struct scratch *s, u64 va, u64 size)
	MUST_HOLD(domain_class)
{
	struct pt_edit *edit = &s->edit;
	enum status status;

	edit->count = 0;
	edit->unlinked = 0;
	edit->undone = false;
	for (u32 i = 0; i < s->run_count; i++) {
		const struct pt_run *run = &s->run[i];

		status = d->pt.ops->prepare(&d->pt, edit, run->va, run->size, run->shift);
		if (unlikely(status != OK))
			return take_back(d, s, va, size, status);
	}
	if (unlikely(edit->unlinked > 0)) {
		const struct inval_range range = { .base = va, .size = size, .leaf_shift = PT_SHIFT_4K };

		if (iommu_inval(&d->tag, d->tag.users, &range, 1) != OK)
			return take_back(d, s, va, size, E_IO);
		d->pt.ops->finish(&d->pt, edit);
	}
	return OK;
}

static enum status map_step(struct vcpu *vcpu, struct domain *d, const struct map_request *req,
			    u32 sizes, u32 leaves, struct scratch *s, u64 *done)
	MUST_HOLD(domain_class)
{
	u32 prot = leaf_prot(req->prot);
	enum status status;

	if (unlikely(req->prot & PVIOMMU_PROT_MMIO))
		status = pin_mmio(vcpu->vm, req, leaves, s, done);
	else
		status = pin_memory(vcpu->vm, req, sizes, leaves, s, done);
	if (unlikely(status != OK))
		return status;
	status = prepare(d, s, req->iova.v, *done);
	if (unlikely(status != OK))
		return status;
	for (u32 i = 0; i < s->run_count; i++) {
		const struct pt_run *run = &s->run[i];

		d->pt.ops->commit(&d->pt, run->va, run->out, run->size, run->shift, prot);
	}
	return OK;
}

/* Pin what one leaf size covers; the shift is 12 or 21. */
static ALWAYS_INLINE bool pin_simple(pa_t out, u64 size, u8 shift, u8 owner, bool write)
{
	bool pinned;

	page_lock();
	if (likely(shift == PT_SHIFT_4K))
		pinned = page_pin(out, size >> PAGE_SHIFT, owner, write) == OK;
	else
		pinned = page_pin_block(out, owner, write) == OK;
	page_unlock();
	return pinned;
}

static NOINLINE void unpin_simple(pa_t out, u64 size, u8 shift)
{
	page_lock();
	if (shift == PT_SHIFT_4K)
		page_unpin(out, size >> PAGE_SHIFT);
	else
		page_unpin_block(out);
	page_unlock();
}

/* The leaf size if all of it is one run in one table, 0 otherwise. */
static ALWAYS_INLINE u8 simple_shift(const struct domain *d, u64 va, u64 out, u64 size)
{
	if (likely(size < BLOCK_SIZE) || ((va ^ out) & (BLOCK_SIZE - 1)) != 0)
		return (va ^ (va + size - 1)) >> PT_SHIFT_2M == 0 ? PT_SHIFT_4K : 0;
	if (size == BLOCK_SIZE && (out & (BLOCK_SIZE - 1)) == 0 && (d->pt.leaf_sizes & PT_SIZE_2M))
		return PT_SHIFT_2M;
	return 0;
}

ALWAYS_INLINE bool domain_map_simple(struct vcpu *vcpu, struct domain *d, iova_t at, ipa_t from,
				     u64 size, u32 prot)
{
	struct vm_stat *stat = &vcpu->vm->stat[vcpu->index];
	u64 room;
	pa_t out;
	u8 shift;

	/* A secondary's view is walked under the page lock only: domain_map(). */
	if (unlikely(!vcpu->vm->primary || (prot & PVIOMMU_PROT_MMIO) ||
		     (at.v + size - 1) >> d->pt.ops->va_bits != 0 || domain_in_flight(d) ||
		     !vm_ipa_extent(vcpu->vm, from, size, &out, &room) || room != size))
		return false;
	shift = simple_shift(d, at.v, out.v, size);
	if (unlikely(shift == 0 || !pin_simple(out, size, shift, vcpu->vm->owner,
					       prot & PVIOMMU_PROT_WRITE)))
		return false;
	if (unlikely(!d->pt.ops->try_map(&d->pt, at.v, out.v, size, shift, leaf_prot(prot)))) {
		unpin_simple(out, size, shift);
		return false;
	}
	d->mapped += size;
	stat->mapped += size;
	stat->pins += size >> PAGE_SHIFT;
	return true;
}

static u32 leaves_of(const struct scratch *s)
{
	u64 leaves = 0;

	for (u32 i = 0; i < s->run_count; i++)
		leaves += (s->run[i].size >> s->run[i].shift) * leaf_work(s->run[i].shift);
	return (u32)leaves;
}

enum status domain_map(struct vcpu *vcpu, struct domain *d, const struct map_request *req,
		       u32 *leaves, u64 *done)
{
	struct vm_stat *stat = &vcpu->vm->stat[vcpu->index];
	struct scratch *s;
	enum status status;

	if (unlikely((req->iova.v + req->size - 1) >> d->pt.ops->va_bits != 0))
		return E_INVAL;
	if (unlikely(in_flight(d, req->iova.v, req->size)))
		return E_BUSY;
	s = scratch_here();
	s->run_count = 0;
	s->pages = 0;
	status = map_step(vcpu, d, req, d->pt.leaf_sizes, *leaves, s, done);
	/* Too many empty tables in the place of blocks: a few blocks at a time. */
	if (unlikely(status == E_TOOBIG))
		status = map_step(vcpu, d, req, d->pt.leaf_sizes & ~PT_SIZE_1G,
				  *leaves < 8 ? *leaves : 8, s, done);
	if (unlikely(status != OK)) {
		*done = 0;
		return status;
	}
	*leaves -= leaves_of(s);
	d->mapped += *done;
	stat->mapped += *done;
	stat->pins += s->pages;
	return OK;
}
