/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a domain: slots and ids, allocation, use by attachments, removal in steps. */
#include "domain.h"

#include <string.h>

#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "iommu.h"
#include "scratch.h"
#include "vm/vm.h"

/* Ids that are not for domains: 0, and those of the VM's own tables. */
#define TAGS_KEPT 3u

static struct scratch scratch[MACHINE_MAX_CPUS];

struct scratch *scratch_here(void)
{
	return &scratch[arch_cpu_index()];
}

static ALWAYS_INLINE void lock_slot(struct domain *d) ACQUIRES(domain_class) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&d->lock);
}

void domain_unlock(struct domain *d) NO_LOCK_ANALYSIS
{
	arch_spin_unlock(&d->lock);
}

static struct domain *slot(struct vm *vm, u32 index)
{
	return &vm->domain_page[index / DOMAINS_PER_PAGE][index % DOMAINS_PER_PAGE];
}

/* Pages for slots, in as few runs as the pool has: a large table is one of few allocations (V9). */
static enum status slots_alloc(struct vm *vm, u32 pages)
{
	u32 order = POOL_ORDER_MAX;

	for (u32 i = 0; i < pages;) {
		enum status status = E_NOMEM;
		pa_t run;

		while (1u << order > pages - i)
			order--;
		while ((status = pool_alloc(&vm->pool, order, &run)) != OK && order > 0)
			order--;
		if (status != OK)
			return status;
		for (u32 k = 0; k < 1u << order; k++)
			vm->domain_page[i + k] = io_phys(pa(run.v + k * PAGE_SIZE));
		i += 1u << order;
	}
	return OK;
}

enum status domain_table_init(struct vm *vm, u64 pool_pages)
{
	u8 tag_bits = iommu_common.stage1 ? iommu_common.asid_bits : iommu_common.vmid_bits;
	u64 max = pool_pages / DOMAIN_POOL_SHARE, tags = (1ull << tag_bits) - TAGS_KEPT;

	/* Tags of the machine, not of the VM: all secondaries together get half of them. */
	if (!vm->primary && !(iommu_common.stage1 && iommu_common.stage2))
		tags = tags / (2 * VM_SECONDARIES) + 1;
	if (max > tags)
		max = tags;
	vm->domain_max = max < DOMAIN_MAX ? (u32)max : DOMAIN_MAX;
	return slots_alloc(vm, (vm->domain_max + DOMAINS_PER_PAGE - 1) / DOMAINS_PER_PAGE);
}

bool domain_facts(struct vm *vm, u32 index, struct domain_facts *out)
{
	struct domain *d;

	if (index >= vm->domain_max)
		return false;
	d = slot(vm, index);
	if (__atomic_load_n(&d->state, __ATOMIC_RELAXED) == DOMAIN_FREE)
		return false;
	lock_slot(d);
	*out = (struct domain_facts){
		.id = d->id,
		.state = d->state,
		.attached = d->attached,
		.flights = d->flights_begun - __atomic_load_n(&d->flights_ended, __ATOMIC_ACQUIRE),
		.mapped = d->mapped,
		.tag = d->tag,
	};
	domain_unlock(d);
	return out->state != DOMAIN_FREE;
}

bool domain_get(struct vm *vm, u64 id, struct domain **out, enum status *why) NO_LOCK_ANALYSIS
{
	u32 index = (u32)(id - 1) % DOMAIN_MAX;
	struct domain *d;

	*why = E_NOENT;
	if (unlikely(index >= vm->domain_max))
		return false;
	d = slot(vm, index);
	lock_slot(d);
	if (likely(d->id == id && d->state == DOMAIN_LIVE)) {
		*out = d;
		*why = OK;
		return true;
	}
	if (d->id == id && d->state != DOMAIN_FREE)
		*why = d->state == DOMAIN_NESTED ? E_DENIED : E_BUSY;
	domain_unlock(d);
	return false;
}

bool domain_get_any(struct vm *vm, u64 id, struct domain **out, enum status *why) NO_LOCK_ANALYSIS
{
	struct domain *d;

	if (domain_get(vm, id, out, why))
		return true;
	if (*why != E_DENIED)
		return false;
	d = slot(vm, (u32)(id - 1) % DOMAIN_MAX);
	lock_slot(d);
	if (d->id == id && d->state == DOMAIN_NESTED) {
		*out = d;
		*why = OK;
		return true;
	}
	domain_unlock(d);
	*why = E_NOENT;
	return false;
}

static enum status tag_alloc(struct vm *vm, struct iommu_tag *tag)
{
	*tag = (struct iommu_tag){ .kind = TAG_STAGE2 };
	if (!iommu_common.stage1)
		return iommu_id_alloc(&iommu_vmids, &tag->vmid);
	tag->kind = TAG_STAGE1;
	tag->vmid = vm->paging_vmid;
	return iommu_id_alloc(vm->asids, &tag->asid);
}

static void tag_free(struct vm *vm, const struct iommu_tag *tag)
{
	if (tag->kind == TAG_STAGE1)
		iommu_id_free(vm->asids, tag->asid);
	else
		iommu_id_free(&iommu_vmids, tag->vmid);
}

/* A slot that was freed, else the first that was never used; NULL: none. Nothing is written to it. */
static struct domain *slot_free_find(struct vm *vm) MUST_HOLD(vm_class)
{
	if (vm->domain_free != 0)
		return slot(vm, vm->domain_free - 1);
	return vm->domain_fresh < vm->domain_max ? slot(vm, vm->domain_fresh) : NULL;
}

/* And it is taken. Fresh ones are zero, and become what they are now: a large table costs VM_CREATE nothing (V9). */
static void slot_take(struct vm *vm, struct domain *d) MUST_HOLD(vm_class)
{
	if (vm->domain_free != 0) {
		vm->domain_free = d->next_free;
		return;
	}
	d->vm = vm;
	d->index = (u16)vm->domain_fresh++;
	d->id = d->index + 1u;
}

/* Slot, tag and root; the vm lock is held. */
static enum status alloc_locked(struct vm *vm, u32 *id) MUST_HOLD(vm_class)
{
	struct iommu_tag tag;
	enum status status;
	struct domain *d;
	struct pt pt;

	d = slot_free_find(vm);
	if (d == NULL)
		return E_NOMEM;
	status = tag_alloc(vm, &tag);
	if (status != OK)
		return status;
	status = pt_init(&pt, iommu_common.paging, &vm->pool, iommu_common.paging_sizes,
			 iommu_common.clean);
	if (status != OK) {
		tag_free(vm, &tag);
		return status;
	}
	vm->domain_count++;
	lock_slot(d);
	slot_take(vm, d);
	d->pt = pt;
	d->tag = tag;
	d->cursor = 0;
	d->state = DOMAIN_LIVE;
	*id = d->id;
	domain_unlock(d);
	return OK;
}

enum status domain_alloc_nested(struct vm *vm, struct iommu *iommu, const struct nested_config *config, u32 *id)
{
	struct domain *d = slot_free_find(vm);

	if (d == NULL)
		return E_NOMEM;
	vm->domain_count++;
	lock_slot(d);
	slot_take(vm, d);
	d->pt = (struct pt){ 0 };
	d->tag = (struct iommu_tag){ .kind = TAG_DMA, .vmid = vm->dma_tag.vmid };
	d->iommu = iommu;
	d->nested = *config;
	d->state = DOMAIN_NESTED;
	*id = d->id;
	domain_unlock(d);
	return OK;
}

enum status domain_alloc(struct vm *vm, u32 *id)
{
	enum status status;

	vm_lock(vm);
	status = alloc_locked(vm, id);
	vm_unlock(vm);
	return status;
}

u32 domain_left(struct vm *vm)
{
	u32 left;

	vm_lock(vm);
	left = vm->domain_max - vm->domain_count;
	vm_unlock(vm);
	return left;
}

/* Clear what is mapped from the cursor on; true: nothing is left. Nothing walks the table. */
static bool clear_step(struct vcpu *vcpu, struct domain *d, struct budget *b) MUST_HOLD(domain_class)
{
	struct scratch *s = scratch_here();
	u64 end = 1ull << d->pt.ops->va_bits;
	u64 bytes = 0;

	s->run_count = 0;
	while (d->cursor < end && budget_left(b) && d->mapped > bytes) {
		struct pt_run *run = &s->run[s->run_count];

		if (!d->pt.ops->lookup(&d->pt, d->cursor, end, run)) {
			budget_spend(b, WORK_HOLE);
			d->cursor = run->va + run->size;
			continue;
		}
		if (!budget_run(b, run))
			break;
		d->pt.ops->clear(&d->pt, run);
		bytes += run->size;
		d->cursor = run->va + run->size;
		s->run_count++;
	}
	d->mapped -= bytes;
	vcpu->vm->stat[vcpu->index].mapped -= bytes;
	scratch_unpin(s);
	vcpu->vm->stat[vcpu->index].pins -= bytes >> PAGE_SHIFT;
	return d->mapped == 0;
}

/* The way to a first table may be long: it begins with half of a budget at least. True: there is none any more. */
static bool destroy_step(struct pt *pt, struct budget *b)
{
	if (pt->tables > 0 && b->work >= CALL_WORK / 2)
		budget_spend(b, pt->ops->destroy(pt, b->work / WORK_DESTROY) * WORK_DESTROY);
	return pt->tables == 0;
}

/* Everything of a DYING domain goes, step by step; the vm lock is held. True: FREE again. */
static bool free_step(struct vcpu *vcpu, struct domain *d, struct budget *b) MUST_HOLD(vm_class, domain_class)
{
	struct vm *vm = vcpu->vm;

	budget_spend(b, WORK_DOMAIN);
	if (domain_is_nested(d)) {
		d->iommu = NULL;
	} else {
		if (!clear_step(vcpu, d, b) || !destroy_step(&d->pt, b))
			return false;
		pt_fini(&d->pt);
		tag_free(vm, &d->tag);
	}
	d->id += DOMAIN_MAX;
	if (d->id < DOMAIN_MAX) /* the generation wrapped: 0 is no id */
		d->id = d->index + 1u;
	d->state = DOMAIN_FREE;
	d->next_free = vm->domain_free;
	vm->domain_free = d->index + 1u;
	vm->domain_count--;
	return true;
}

/* The domain of an id that is live, or already dying by an earlier step of the same call. */
static enum status get_for_free(struct vm *vm, u64 id, struct domain **out)
	ACQUIRES(domain_class) NO_LOCK_ANALYSIS
{
	u32 index = (u32)(id - 1) % DOMAIN_MAX;
	struct domain *d;

	if (index >= vm->domain_max)
		return E_NOENT;
	d = slot(vm, index);
	lock_slot(d);
	if (d->id != id || d->state == DOMAIN_FREE) {
		domain_unlock(d);
		return E_NOENT;
	}
	if (d->attached > 0 || domain_in_flight(d)) {
		domain_unlock(d);
		return E_BUSY;
	}
	*out = d;
	return OK;
}

enum status domain_free(struct vcpu *vcpu, u64 id, bool *again) NO_LOCK_ANALYSIS
{
	struct budget b = BUDGET_WHOLE;
	struct vm *vm = vcpu->vm;
	struct domain *d;
	enum status status;

	vm_lock(vm);
	status = get_for_free(vm, id, &d);
	if (status == OK) {
		/* The last detach flushed the tag; if it could not, nothing may be reused. */
		if (d->tag.users != 0) {
			status = E_IO;
		} else {
			d->state = DOMAIN_DYING;
			*again = !free_step(vcpu, d, &b);
		}
		domain_unlock(d);
	}
	vm_unlock(vm);
	return status;
}

bool domain_teardown_step(struct vm *vm, u64 *cursor, bool *lost) NO_LOCK_ANALYSIS
{
	struct budget b = BUDGET_WHOLE;

	for (; *cursor < vm->domain_max && budget_left(&b); ++*cursor) {
		struct domain *d = slot(vm, (u32)*cursor);
		bool done;

		budget_spend(&b, WORK_SLOT);
		if (d->state == DOMAIN_FREE)
			continue;
		if (d->attached > 0 || d->tag.users != 0) {
			*lost = true;
			continue;
		}
		lock_slot(d);
		d->state = DOMAIN_DYING;
		done = free_step(&vm->vcpu[0], d, &b);
		domain_unlock(d);
		if (!done)
			return false;
	}
	return *cursor == vm->domain_max;
}

void domain_table_fini(struct vm *vm)
{
	for (u32 i = 0; i < DOMAIN_PAGES && vm->domain_page[i] != NULL && !vm->tags_lost;) {
		pa_t run = io_phys_of(vm->domain_page[i]);
		u32 order = pool_order(run);

		pool_free(&vm->pool, order, run);
		for (u32 end = i + (1u << order); i < end; i++)
			vm->domain_page[i] = NULL;
	}
	vm->domain_max = 0;
	vm->domain_free = 0;
	vm->domain_fresh = 0;
	vm->domain_count = 0;
}

void domain_use(struct domain *d, const struct iommu *iommu)
{
	d->attached++;
	d->attached_on[iommu->index]++;
	if (domain_is_nested(d))
		d->vm->dma_tag.users |= 1u << iommu->index; /* vm lock */
	else
		d->tag.users |= 1u << iommu->index;
}

enum status domain_unuse(struct domain *d, struct iommu *iommu)
{
	enum status status;

	CHECK(d->attached > 0 && d->attached_on[iommu->index] > 0);
	d->attached--;
	d->attached_on[iommu->index]--;
	/*
	 * Other streams of the VM are under the same tag, and stay. What was made of this one's first stage is gone all the
	 * same: the next one may use the ASIDs of this.
	 */
	if (domain_is_nested(d))
		return iommu_inval(&d->vm->dma_tag, 1u << iommu->index, NULL, 0);
	if (d->attached_on[iommu->index] > 0)
		return OK;
	/* No stream of this IOMMU uses the tag: flush it there, then forget the IOMMU. */
	status = iommu_inval(&d->tag, 1u << iommu->index, NULL, 0);
	if (status == OK)
		d->tag.users &= ~(1u << iommu->index);
	return status;
}

enum status domain_lookup(struct domain *d, iova_t at, ipa_t *out, u32 *prot)
{
	struct pt_run run;

	if (at.v >> d->pt.ops->va_bits != 0 || !d->pt.ops->lookup(&d->pt, at.v, at.v, &run))
		return E_NOENT;
	*prot = (run.prot & PT_READ ? PVIOMMU_PROT_READ : 0) |
		(run.prot & PT_WRITE ? PVIOMMU_PROT_WRITE : 0) |
		(run.prot & PT_EXEC ? 0 : PVIOMMU_PROT_NOEXEC) |
		(run.prot & PT_DEVICE ? PVIOMMU_PROT_MMIO : 0) |
		(run.prot & PT_PRIV ? PVIOMMU_PROT_PRIV : 0) |
		(run.prot & (PT_DEVICE | PT_NOCACHE) ? 0 : PVIOMMU_PROT_CACHE);
	return vm_pa_to_ipa(d->vm, pa(run.out + (at.v - run.va)), out);
}
