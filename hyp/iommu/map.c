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

static u32 leaves_work(const struct pt_run *run)
{
	u32 count = (u32)(run->size >> run->shift);

	if (run->shift == PT_SHIFT_4K)
		return count * WORK_MAP_PAGE;
	return count * (run->shift == PT_SHIFT_2M ? WORK_MAP_BLOCK : WORK_MAP_GIB);
}

/* Leaves that go on with the last run, or begin one. */
static void run_add(struct scratch *s, const struct pt_run *run, struct budget *b)
{
	struct pt_run *last = s->run_count > 0 ? &s->run[s->run_count - 1] : NULL;

	budget_spend(b, leaves_work(run));
	b->leaves -= (u32)(run->size >> run->shift) * leaf_work(run->shift);
	s->pages += run->size >> PAGE_SHIFT;
	if (last != NULL && last->shift == run->shift && last->out + last->size == run->out) {
		last->size += run->size;
		return;
	}
	budget_spend(b, WORK_MAP_RUN);
	s->run[s->run_count++] = *run;
}

static void unpin_run(const struct pt_run *run) MUST_HOLD(page_class)
{
	if (run->prot & PT_DEVICE)
		device_mmio_unpin(pa(run->out), run->size);
	else if (run->shift == PT_SHIFT_4K)
		page_unpin(pa(run->out), run->size >> PAGE_SHIFT);
	else
		page_unpin_blocks(pa(run->out), run->size / BLOCK_SIZE);
}

/* Drop the pins of the runs; page lock held. */
static void unpin_locked(struct scratch *s) MUST_HOLD(page_class)
{
	for (u32 i = 0; i < s->run_count; i++)
		unpin_run(&s->run[i]);
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

/* The pins of what lies at `end` and behind it. */
static void unpin_from(struct scratch *s, u64 end) NOT_HELD(page_class)
{
	page_lock();
	while (s->run_count > 0) {
		struct pt_run *last = &s->run[s->run_count - 1], rest = *last;

		if (last->va + last->size <= end)
			break;
		if (last->va < end) {
			last->size = end - last->va;
			rest.out += last->size;
			rest.size -= last->size;
		} else {
			s->run_count--;
		}
		s->pages -= rest.size >> PAGE_SHIFT;
		unpin_run(&rest);
	}
	page_unlock();
}

static bool aligned_to(u64 a, u64 b, u64 left, u64 size)
{
	return ((a | b) & (size - 1)) == 0 && left >= size;
}

/* Tables where a leaf of 1 GiB would go are not taken away: smaller leaves have room below them. */
static bool is_gib_free(const struct domain *d, u64 va) MUST_HOLD(domain_class)
{
	struct pt_run slot;

	return !d->pt.ops->lookup(&d->pt, va, va, &slot) && slot.size >= PT_SIZE_1G;
}

/*
 * The next leaves of a step, pinned: from `va` on, of at most `room` bytes of the machine from `first` on, as many as the
 * budget has left. All are of one size; run->size 0: the next leaf is more than that.
 */
static enum status pin_next(const struct vm *vm, const struct domain *d, u64 va, pa_t first, u64 room,
			    const struct budget *b, bool write, struct pt_run *run)
	MUST_HOLD(domain_class, page_class)
{
	u64 pages, out = first.v;
	enum status status;

	*run = (struct pt_run){ .va = va, .out = out };
	for (u8 shift = PT_SHIFT_1G; shift >= PT_SHIFT_2M; shift -= 9) {
		u64 size = 1ull << shift;

		if (likely(!(d->pt.leaf_sizes & size) || !aligned_to(va, out, room, size)))
			continue;
		if (shift == PT_SHIFT_1G && !is_gib_free(d, va))
			continue;
		/* More than the call has left: it is the next one's, not smaller ones that nothing makes one of again. */
		if (shift == PT_SHIFT_1G && (b->leaves < GIB_AS_LEAVES || b->work < WORK_MAP_GIB))
			return OK;
		if (page_pin_blocks(first, size / BLOCK_SIZE, vm->owner, write) != OK)
			continue;
		run->shift = shift;
		run->size = size;
		return OK;
	}
	pages = room >> PAGE_SHIFT;
	if (pages > b->leaves)
		pages = b->leaves;
	if (pages > b->work)
		pages = b->work;
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

/* What it takes to see where `room` bytes from an IPA on lie: a secondary's table is read as far as they go on. */
static u32 look_work(const struct vm *vm, u64 room)
{
	u64 entries = room >> PAGE_SHIFT;

	if (vm->primary)
		return 0;
	return WORK_LOOK + (u32)(entries < BLOCK_PAGES ? entries : BLOCK_PAGES) / LOOK_ENTRIES;
}

/* Choose and pin the leaves of a step of memory. *done: bytes that the step covers. */
static enum status pin_memory(struct vm *vm, const struct domain *d, const struct map_request *req,
			      struct budget *b, struct scratch *s, u64 *done)
	MUST_HOLD(domain_class) NOT_HELD(page_class)
{
	enum status status = OK;
	u64 at = 0, room = 0;
	pa_t out;

	page_lock();
	while (at < req->size && budget_left(b)) {
		struct pt_run run;
		u32 look = 0;

		/* The view is looked at once for all that it has in one piece. */
		if (room == 0) {
			if (!vm_ipa_extent(vm, ipa(req->ipa.v + at), req->size - at, &out, &room))
				status = E_FAULT;
			look = look_work(vm, room);
		}
		if (likely(status == OK))
			status = pin_next(vm, d, req->iova.v + at, out, room, b, req->prot & PVIOMMU_PROT_WRITE, &run);
		if (unlikely(status != OK)) {
			unpin_locked(s);
			break;
		}
		budget_spend(b, look);
		if (unlikely(run.size == 0))
			break;
		run_add(s, &run, b);
		at += run.size;
		out.v += run.size;
		room -= run.size;
	}
	page_unlock();
	*done = at;
	return status;
}

/* The same for MMIO of the VM's devices: leaves of 4 KiB, counted at the device. */
static enum status pin_mmio(struct vm *vm, const struct map_request *req, struct budget *b,
			    struct scratch *s, u64 *done) NOT_HELD(page_class)
{
	u64 most = (u64)(b->leaves < b->work ? b->leaves : b->work) << PAGE_SHIFT;
	u64 size = req->size < most ? req->size : most;
	enum status status = E_DENIED;
	pa_t first;
	u64 room;

	page_lock();
	if (vm_ipa_extent(vm, req->ipa, size, &first, &room) && room == size)
		status = device_mmio_pin(vm, first, size);
	if (status == OK) {
		budget_spend(b, WORK_LOOK + look_work(vm, room));
		run_add(s, &(struct pt_run){ req->iova.v, first.v, size, PT_DEVICE, PT_SHIFT_4K }, b);
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

/* *done becomes less where more empty tables are in the place of blocks than one step takes away. */
static enum status prepare(struct domain *d, struct scratch *s, struct budget *b, u64 va, u64 *done)
	MUST_HOLD(domain_class)
{
	struct pt_edit *edit = &s->edit;
	u64 size = *done;
	enum status status;

	edit->count = 0;
	edit->unlinked = 0;
	edit->undone = false;
	for (u32 i = 0; i < s->run_count; i++) {
		const struct pt_run *run = &s->run[i];

		status = d->pt.ops->prepare(&d->pt, edit, run->va, run->size, run->shift);
		if (unlikely(status == E_TOOBIG && edit->unlinked > 0)) {
			*done = edit->reached - va;
			unpin_from(s, edit->reached);
			break;
		}
		if (unlikely(status != OK))
			return take_back(d, s, va, size, status);
	}
	budget_spend(b, (edit->count - edit->unlinked) * WORK_TABLE + edit->unlinked * WORK_UNLINK);
	if (unlikely(edit->unlinked > 0)) {
		const struct inval_range range = { .base = va, .size = *done, .leaf_shift = PT_SHIFT_4K };

		if (iommu_inval(&d->tag, d->tag.users, &range, 1) != OK)
			return take_back(d, s, va, *done, E_IO);
		d->pt.ops->finish(&d->pt, edit);
	}
	return OK;
}

static enum status map_step(struct vcpu *vcpu, struct domain *d, const struct map_request *req,
			    struct budget *b, struct scratch *s, u64 *done) MUST_HOLD(domain_class)
{
	u32 prot = leaf_prot(req->prot);
	enum status status;

	if (unlikely(req->prot & PVIOMMU_PROT_MMIO))
		status = pin_mmio(vcpu->vm, req, b, s, done);
	else
		status = pin_memory(vcpu->vm, d, req, b, s, done);
	if (unlikely(status != OK))
		return status;
	if (unlikely(*done == 0))
		return OK;
	status = prepare(d, s, b, req->iova.v, done);
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

enum status domain_map(struct vcpu *vcpu, struct domain *d, const struct map_request *req,
		       struct budget *b, u64 *done)
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
	status = map_step(vcpu, d, req, b, s, done);
	if (unlikely(status != OK)) {
		*done = 0;
		return status;
	}
	d->mapped += *done;
	stat->mapped += *done;
	stat->pins += s->pages;
	return OK;
}
