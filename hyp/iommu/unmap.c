/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmapping: clear leaves, one batch of invalidations, wait with a limit, and only then unpin.
 * While the hardware is waited for no lock is held; the addresses are `in flight`, which keeps
 * them from being mapped and the domain from being freed.
 */
#include "abi/pviommu.h"
#include "device.h"
#include "domain.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "iommu.h"
#include "scratch.h"
#include "vm/vm.h"

void domain_unmap_begin(struct domain *d)
{
	struct scratch *s = scratch_here();

	(void)d;
	s->run_count = 0;
	s->range_count = 0;
	s->whole_tag = false;
	s->low = ~0ull;
	s->high = 0;
	s->pages = 0;
}

static void range_add(struct scratch *s, const struct pt_run *run)
{
	struct inval_range *last = s->range_count > 0 ? &s->range[s->range_count - 1] : NULL;

	if (last != NULL && last->leaf_shift == run->shift &&
	    last->base + last->size == run->va) {
		last->size += run->size;
	} else if (s->range_count == SCRATCH_RANGES) {
		s->whole_tag = true;
	} else {
		s->range[s->range_count++] = (struct inval_range){ .base = run->va,
								   .size = run->size,
								   .leaf_shift = run->shift,
								   .leaf_only = true };
	}
	if (run->va < s->low)
		s->low = run->va;
	if (run->va + run->size > s->high)
		s->high = run->va + run->size;
}

/*
 * Split the block that maps `va` so that part of it can go. The block's entry leaves the caches
 * before this returns: later invalidations name the smaller leaves only.
 */
static enum status split(struct domain *d, const struct pt_run *block) MUST_HOLD(domain_class)
{
	const struct inval_range range = { .base = align_down(block->va, 1ull << block->shift),
					   .size = 1ull << block->shift,
					   .leaf_shift = block->shift };
	enum status status;
	pa_t table;

	status = d->pt.ops->split_prepare(&d->pt, block->va, &table);
	if (status != OK)
		return status;
	/* A block of 1 GiB is pinned by blocks of 2 MiB, as its parts will be. */
	if (block->shift == PT_SHIFT_2M) {
		page_lock();
		status = page_pin_convert(pa(block->out));
		page_unlock();
	}
	if (status != OK) {
		pool_free(d->pt.pool, 0, table);
		return status;
	}
	d->pt.ops->split_commit(&d->pt, block->va, block->shift, table);
	return iommu_inval(&d->tag, d->tag.users, &range, 1);
}

static u32 leaf_cost(const struct pt_run *run)
{
	if (run->shift == PT_SHIFT_4K)
		return run->prot & PT_DEVICE ? WORK_UNMAP_REGISTER : WORK_UNMAP_PAGE;
	return run->shift == PT_SHIFT_2M ? WORK_UNMAP_BLOCK : WORK_UNMAP_GIB;
}

/* How many leaves of a run this call may still clear. The last may cost more than there is, and one is done. */
static NOINLINE u32 leaves_left(const struct budget *b, const struct pt_run *run)
{
	u32 records = b->records / leaf_records(run->shift), leaves = leaf_room(b->leaves, run->shift);
	u32 work = b->work == 0 ? 1 : (b->work + leaf_cost(run) - 1) / leaf_cost(run);

	if (leaves > records)
		leaves = records;
	return leaves < work ? leaves : work;
}

bool budget_run(struct budget *b, struct pt_run *run)
{
	u32 count = (u32)(run->size >> run->shift), cost = leaf_cost(run);

	budget_spend(b, WORK_UNMAP_RUN);
	if (unlikely(run->shift == PT_SHIFT_1G || count > b->leaves || count > b->records || count * cost > b->work)) {
		u32 most = leaves_left(b, run);

		if (count > most)
			count = most;
		run->size = (u64)count << run->shift;
	}
	budget_spend(b, count * cost);
	b->records -= count * leaf_records(run->shift);
	b->leaves -= count * leaf_work(run->shift);
	/* A block of 1 GiB may be more than there is left; and no leaf is without a record. */
	if (unlikely(count == 0 || b->records == 0))
		b->leaves = 0;
	return count > 0;
}

/* Clear one run, or split what sticks out of the range. *size is reduced to what was done. */
static enum status gather_one(struct domain *d, struct scratch *s, u64 va, u64 end, struct budget *b,
			      u64 *size) MUST_HOLD(domain_class)
{
	struct pt_run *run = &s->run[s->run_count];
	u64 leaf;

	*size = 0;
	if (!d->pt.ops->lookup(&d->pt, va, end, run))
		return E_INVAL;
	leaf = 1ull << run->shift;
	if (unlikely(run->va < va || run->va + leaf > end)) {
		run->size = leaf;
		/* It touches 512 page records, and at least one more goes: is that left in this call? */
		if (b->records <= BLOCK_PAGES) {
			b->leaves = 0;
			return OK;
		}
		b->records -= BLOCK_PAGES;
		budget_spend(b, WORK_SPLIT);
		return split(d, run); /* nothing is gathered: the caller looks again */
	}
	if (run->va + run->size > end)
		run->size = align_down(end - run->va, leaf);
	if (unlikely(!budget_run(b, run)))
		return OK;
	d->pt.ops->clear(&d->pt, run);
	range_add(s, run);
	s->run_count++;
	s->pages += run->size >> PAGE_SHIFT;
	*size = run->size;
	return OK;
}

enum status domain_unmap_gather(struct domain *d, iova_t base, u64 size, struct budget *b, u64 *done)
{
	struct scratch *s = scratch_here();
	u64 va = base.v, end = base.v + size;
	enum status status = OK;

	if (unlikely((end - 1) >> d->pt.ops->va_bits != 0))
		end = va; /* nothing is mapped out there: the hole is at once */
	while (va < base.v + size && budget_left(b)) {
		u64 piece;

		if (unlikely(va >= end)) {
			status = E_INVAL;
			break;
		}
		status = gather_one(d, s, va, end, b, &piece);
		if (unlikely(status != OK))
			break;
		va += piece;
	}
	*done = va - base.v;
	d->mapped -= *done;
	return status;
}

static struct domain_flight *flight_begin(struct domain *d, u64 base, u64 size)
	MUST_HOLD(domain_class)
{
	struct domain_flight *f = &d->flight[arch_cpu_index()];

	f->base = base;
	__atomic_store_n(&f->size, size, __ATOMIC_RELEASE);
	d->flights_begun++;
	return f;
}

/* A CPU waits in one flight at a time, so what it ends is what it began. */
static void flight_end(struct domain *d, struct domain_flight *f)
{
	__atomic_store_n(&f->size, 0, __ATOMIC_RELEASE);
	__atomic_fetch_add(&d->flights_ended, 1, __ATOMIC_RELEASE);
}

/* What was unmapped is out of every cache; only now may its pages be anything else. */
static void unpin_run(const struct pt_run *run) NOT_HELD(page_class)
{
	page_lock();
	if (run->prot & PT_DEVICE)
		device_mmio_unpin(pa(run->out), run->size);
	else if (run->shift == PT_SHIFT_4K)
		page_unpin(pa(run->out), run->size >> PAGE_SHIFT);
	else
		page_unpin_block(pa(run->out));
	page_unlock();
}

/* One run of pages or one block, in one table: cleared, or false and nothing has changed. */
static ALWAYS_INLINE bool clear_simple(struct domain *d, u64 base, u64 size, struct pt_run *run)
	MUST_HOLD(domain_class)
{
	const struct pt_ops *ops = d->pt.ops;

	if (unlikely(size > BLOCK_SIZE || (base + size - 1) >> ops->va_bits != 0))
		return false;
	if (size == BLOCK_SIZE && (base & (BLOCK_SIZE - 1)) == 0 &&
	    ops->try_clear(&d->pt, base, size, PT_SHIFT_2M, run))
		return true;
	return ops->try_clear(&d->pt, base, size, PT_SHIFT_4K, run);
}

bool domain_unmap_simple(struct vcpu *vcpu, struct domain *d, iova_t base, u64 size,
			 enum status *status) NO_LOCK_ANALYSIS
{
	struct vm_stat *stat = &vcpu->vm->stat[vcpu->index];
	struct inval_range range;
	struct domain_flight *f;
	struct iommu_tag tag;
	struct pt_run run;

	if (unlikely(!clear_simple(d, base.v, size, &run)))
		return false;
	d->mapped -= size;
	tag = d->tag;
	*status = OK;
	if (likely(tag.users != 0)) {
		f = flight_begin(d, base.v, size);
		domain_unlock(d);
		range = (struct inval_range){ .base = base.v,
					      .size = size,
					      .leaf_shift = run.shift,
					      .leaf_only = true };
		*status = iommu_inval(&tag, tag.users, &range, 1);
		if (likely(*status == OK))
			unpin_run(&run);
		flight_end(d, f);
	} else {
		domain_unlock(d);
		unpin_run(&run);
	}
	stat->mapped -= size;
	if (likely(*status == OK))
		stat->pins -= size >> PAGE_SHIFT;
	return true;
}

enum status domain_unmap_end(struct vcpu *vcpu, struct domain *d) NO_LOCK_ANALYSIS
{
	struct vm_stat *stat = &vcpu->vm->stat[vcpu->index];
	struct scratch *s = scratch_here();
	struct domain_flight *f = NULL;
	struct iommu_tag tag = d->tag;
	enum status status = OK;

	if (s->run_count == 0) {
		domain_unlock(d);
		return OK;
	}
	if (tag.users != 0) {
		f = flight_begin(d, s->low, s->high - s->low);
		domain_unlock(d);
		status = iommu_inval(&tag, tag.users, s->whole_tag ? NULL : s->range,
				     s->whole_tag ? 0 : s->range_count);
	} else {
		domain_unlock(d);
	}
	stat->mapped -= s->pages << PAGE_SHIFT;
	if (likely(status == OK)) {
		stat->pins -= s->pages;
		scratch_unpin(s);
	}
	if (f != NULL)
		flight_end(d, f);
	return status;
}
