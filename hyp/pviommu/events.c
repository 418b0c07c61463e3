/* SPDX-License-Identifier: BSD-2-Clause */
/* From a hardware event to a record for its owner, in its own names; and EVENTS_SETUP. */
#include "events.h"

#include <string.h>

#include "hyp/arch.h"
#include "hyp/bits.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "iommu/device.h"
#include "pviommu.h"
#include "vm/vm.h"

void events_hold(struct pviommu *pv) NO_LOCK_ANALYSIS
{
	if (pv != NULL)
		arch_spin_lock(&pv->ring_lock);
}

void events_release(struct pviommu *pv) NO_LOCK_ANALYSIS
{
	if (pv != NULL)
		arch_spin_unlock(&pv->ring_lock);
}

void events_forget(struct pviommu *pv) NO_LOCK_ANALYSIS
{
	events_hold(pv);
	CHECK(pv->ring.page == NULL);
	/* events_overflow() looks at all that there are, and counts before it has the lock. */
	__atomic_store_n(&pv->iommu, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&pv->lost, 0, __ATOMIC_RELAXED);
	pv->vsid_count = pv->attached = 0;
	pv->faults = pv->quarantines = 0;
	pv->ring = (struct event_ring){ 0 };
	events_release(pv);
}

/* --- delivery */

static void raise(struct vm *vm, u32 irq)
{
	if (irq == 0)
		return;
	if (vm->primary)
		arch_raise_event_irq(irq);
	else
		arch_vm_event_raise(vm, irq);
}

/* The interrupt if one is due. Under the lock: a ring that is taken away raises none behind it. */
static void deliver(struct pviommu *pv, bool due) MUST_HOLD(ring_class)
{
	if (due)
		raise(pv->vm, pv->ring_irq);
}

/*
 * The pvIOMMU of an endpoint that has a name there, held; NULL: nobody's that could be told. The device may change hands
 * before it is held: looked at again.
 */
static struct pviommu *hold_owner(const struct endpoint *e) NO_LOCK_ANALYSIS
{
	struct pviommu *pv = __atomic_load_n(&e->device->pviommu, __ATOMIC_ACQUIRE);

	if (pv == NULL)
		return NULL;
	events_hold(pv);
	if (__atomic_load_n(&e->device->pviommu, __ATOMIC_RELAXED) == pv && e->has_vsid)
		return pv;
	events_release(pv);
	return NULL;
}

static const struct attachment *attachment_of(const struct endpoint *e, const struct iommu_event *event)
{
	if (!event->has_pasid || event->pasid == 0)
		return &e->attached;
	/* A nested domain has the whole stream. */
	if (e->attached.domain != NULL && domain_is_nested(e->attached.domain))
		return &e->attached;
	if (e->substream == NULL || event->pasid >> e->ctx.pasid_bits != 0)
		return NULL;
	return &e->substream[event->pasid];
}

static u32 flags_of(const struct iommu_event *event)
{
	return (event->read ? PVIOMMU_EVENT_READ : 0) | (event->write ? PVIOMMU_EVENT_WRITE : 0) |
	       (event->exec ? PVIOMMU_EVENT_EXEC : 0) | (event->priv ? PVIOMMU_EVENT_PRIVILEGED : 0) |
	       (event->has_addr ? PVIOMMU_EVENT_ADDRESS : 0) | (event->has_pasid ? PVIOMMU_EVENT_PASID : 0) |
	       (event->stage2 ? PVIOMMU_EVENT_STAGE2 : 0) | (event->table_walk ? PVIOMMU_EVENT_TABLE_WALK : 0);
}

void events_share_begin(struct endpoint *e)
{
	e->window = ring_written(&e->device->pviommu->ring);
	e->window_records = 0;
}

/*
 * One device may have half of a ring that it shares with others, counted in two windows of a quarter: a window ends when
 * the guest has taken all that was there when it began.
 */
static bool has_share(struct pviommu *pv, struct endpoint *e) MUST_HOLD(ring_class)
{
	u32 quarter = 1u << pv->ring.log2 >> 2;

	if (pv->ring.page == NULL || __atomic_load_n(&pv->vsid_count, __ATOMIC_RELAXED) < 2)
		return true;
	if ((s32)(ring_taken(&pv->ring) - e->window) >= 0)
		events_share_begin(e);
	return e->window_records++ < (quarter > 0 ? quarter : 1);
}

/* Is it about what the endpoint's owner has, now? A stream that is attached has a valid entry, or we have a bug. */
static bool tellable(const struct endpoint *e, const struct attachment *a, const struct iommu_event *event)
{
	return event->number >= e->since &&
	       !(event->invalid_stream && a != NULL && a->domain != NULL);
}

/* Nothing that a guest could know of: of tables that are ours. */
static bool is_internal(const struct attachment *a, const struct iommu_event *event)
{
	bool guests = a != NULL && a->domain != NULL && domain_is_nested(a->domain);

	return event->internal || (event->context && !guests);
}

void events_fault(struct endpoint *e, const struct iommu_event *event) NO_LOCK_ANALYSIS
{
	struct pviommu *pv = hold_owner(e);
	const struct attachment *a;
	struct pviommu_event out = {
		.reason = event->reason,
		.flags = flags_of(event),
		.pasid = event->has_pasid ? event->pasid : 0,
		.address = event->has_addr ? event->addr : 0,
		.kind = PVIOMMU_KIND_FAULT,
		.arch = e->iommu->ops->arch,
		.code = event->code,
	};

	if (pv == NULL)
		return;
	a = attachment_of(e, event);
	out.endpoint = e->vsid.v;
	out.cookie = a != NULL ? a->cookie : 0;
	if (!is_internal(a, event)) {
		if (tellable(e, a, event) && has_share(pv, e))
			deliver(pv, ring_put(&pv->ring, &out));
		else
			ring_lose(&pv->ring);
	}
	events_release(pv);
}

void events_muted(struct endpoint *e) NO_LOCK_ANALYSIS
{
	struct pviommu *pv = hold_owner(e);

	if (pv == NULL)
		return;
	__atomic_fetch_add(&pv->lost, 1, __ATOMIC_RELAXED);
	deliver(pv, ring_lose_unknown(&pv->ring));
	events_release(pv);
}

void events_overflow(struct iommu *iommu) NO_LOCK_ANALYSIS
{
	for (u32 k = 0; k <= VM_SECONDARIES; k++) {
		struct vm *vm = vm_at(k);

		/* It has no pvIOMMUs either: this comes on top of a call, whatever that took (V9). */
		if (vm_state(vm) == VM_FREE)
			continue;
		for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++) {
			struct pviommu *pv = &vm->pviommu[i];

			if (__atomic_load_n(&pv->iommu, __ATOMIC_RELAXED) != iommu)
				continue;
			__atomic_fetch_add(&pv->lost, 1, __ATOMIC_RELAXED);
			events_hold(pv);
			deliver(pv, ring_lose_unknown(&pv->ring));
			events_release(pv);
		}
	}
}

/* A record without an address about an endpoint: what happened to it, not what it did. */
static void tell(struct endpoint *e, u8 reason, u16 kind) NO_LOCK_ANALYSIS
{
	struct pviommu *pv = hold_owner(e);
	struct pviommu_event out = { .reason = reason, .kind = kind };

	if (pv == NULL)
		return;
	out.endpoint = e->vsid.v;
	deliver(pv, ring_put(&pv->ring, &out));
	events_release(pv);
}

void events_quarantined(struct device *d)
{
	for (u32 i = 0; i < d->endpoint_count; i++)
		tell(&d->endpoint[i], PVIOMMU_REASON_QUARANTINED, PVIOMMU_KIND_DEVICE);
}

void events_inval_timeout(struct endpoint *e)
{
	tell(e, PVIOMMU_REASON_INVAL_TIMEOUT, PVIOMMU_KIND_INVALIDATION);
}

void events_inval_failed(struct iommu *iommu)
{
	for (u32 i = 0; i < device_count; i++)
		for (u32 k = 0; k < device_table[i].endpoint_count; k++)
			if (device_table[i].endpoint[k].iommu == iommu)
				events_inval_timeout(&device_table[i].endpoint[k]);
}

/* --- changes of what events are looked up by */

u64 events_mark(const struct endpoint *e)
{
	return e->iommu->ops->event_mark(e->iommu);
}

void events_since(struct endpoint *e, u64 since)
{
	struct pviommu *pv = e->device->pviommu;

	events_hold(pv);
	e->since = since;
	events_release(pv);
}

/* --- EVENTS_SETUP */

/* Of R6, what PVIOMMU_EVENTS_RECORD() makes. */
#define FLAGS_RECORD BITS(15, 8)

static enum status check(const struct vm *vm, const struct events_request *req)
{
	u64 bytes = FIELD_GET(FLAGS_RECORD, req->flags);

	if ((req->flags & ~FLAGS_RECORD) != 0)
		return E_NOSYS; /* no page requests on this machine */
	if (bytes != PVIOMMU_RECORD_SHORT && bytes != PVIOMMU_RECORD_LONG && bytes != PVIOMMU_RECORD_FULL)
		return E_INVAL;
	if (req->log2 > PVIOMMU_MAX_EVENTS_LOG2 || !page_aligned(req->ring) ||
	    req->ring + ring_bytes((u32)req->log2, (u32)bytes) < req->ring)
		return E_INVAL;
	if (!vm->primary || req->irq == 0)
		return OK;
	for (u32 i = 0; i < machine->event_irq_count; i++)
		if (machine->event_irq[i] == req->irq)
			return OK;
	return E_INVAL;
}

/* The interrupt, unless it is this ring's already. */
static enum status irq_reserve(struct vm *vm, const struct pviommu *pv, u64 irq) MUST_HOLD(vm_class)
{
	if (irq == 0 || irq == pv->ring_irq)
		return OK;
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
		if (vm->pviommu[i].ring_irq == irq)
			return E_BUSY;
	return vm->primary ? OK : arch_vm_event_reserve(vm, irq);
}

static void irq_release(struct vm *vm, u32 irq) MUST_HOLD(vm_class)
{
	if (irq != 0 && !vm->primary)
		arch_vm_event_release(vm, irq);
}

static void pages_unpin(const pa_t *page, u32 count) MUST_HOLD(vm_class)
{
	page_lock();
	for (u32 i = 0; i < count; i++)
		page_unpin(page[i], 1);
	page_unlock();
}

/* A page of a ring is its owner's alone, as long as it is one. */
static enum status page_take(struct vm *vm, ipa_t addr, pa_t *out) MUST_HOLD(page_class)
{
	const struct page *page;

	if (!vm_ipa_to_pa(vm, addr, out))
		return E_FAULT;
	page = page_find(*out);
	if (page == NULL || page->owner != vm->owner || page->state != PAGE_OWNED)
		return E_FAULT;
	return page_pin(*out, 1, vm->owner, true);
}

static enum status pages_pin(struct vm *vm, u64 ring, pa_t *page, u32 count) MUST_HOLD(vm_class)
{
	enum status status = OK;
	u32 done = 0;

	page_lock();
	while (status == OK && done < count) {
		status = page_take(vm, ipa(ring + ((u64)done << PAGE_SHIFT)), &page[done]);
		done += status == OK;
	}
	page_unlock();
	if (status != OK)
		pages_unpin(page, done);
	return status;
}

/* Memory, interrupt and all of the new ring. */
static enum status prepare(struct vm *vm, const struct pviommu *pv, const struct events_request *req,
			   struct event_ring *ring) MUST_HOLD(vm_class)
{
	enum status status;
	pa_t list;

	ring->log2 = (u8)req->log2;
	ring->record_bytes = (u8)FIELD_GET(FLAGS_RECORD, req->flags);
	ring->page_count = (u32)(align_up(ring_bytes(ring->log2, ring->record_bytes), PAGE_SIZE) >> PAGE_SHIFT);
	status = irq_reserve(vm, pv, req->irq);
	if (status != OK)
		return status;
	status = pool_alloc(&vm->pool, 0, &list);
	if (status == OK) {
		ring->page = io_phys(list);
		status = pages_pin(vm, req->ring, ring->page, ring->page_count);
		if (status != OK)
			pool_free(&vm->pool, 0, list);
	}
	if (status != OK && req->irq != pv->ring_irq)
		irq_release(vm, (u32)req->irq);
	return status;
}

/* Put `ring` in place of what is there; what was there goes back when no event can reach it any more. */
static void replace(struct vm *vm, struct pviommu *pv, const struct event_ring *ring, u32 irq) MUST_HOLD(vm_class)
{
	struct event_ring old;
	u32 old_irq;

	events_hold(pv);
	old = pv->ring;
	old_irq = pv->ring_irq;
	pv->ring.page = ring->page;
	pv->ring.page_count = ring->page_count;
	pv->ring.log2 = ring->log2;
	pv->ring.record_bytes = ring->record_bytes;
	pv->ring.wanted = true;
	pv->ring_irq = irq;
	if (ring->page != NULL)
		ring_begin(&pv->ring);
	events_release(pv);
	if (old_irq != irq)
		irq_release(vm, old_irq);
	if (old.page == NULL)
		return;
	pages_unpin(old.page, old.page_count);
	pool_free(&vm->pool, 0, io_phys_of(old.page));
}

void events_remove(struct vm *vm, struct pviommu *pv)
{
	static const struct event_ring none;

	if (pv->ring.page != NULL)
		replace(vm, pv, &none, 0);
}

static enum status setup(struct vm *vm, struct pviommu *pv, const struct events_request *req) MUST_HOLD(vm_class)
{
	struct event_ring ring = { 0 };
	enum status status;

	if (req->ring == 0) {
		if ((req->log2 | req->irq | req->flags) != 0)
			return E_INVAL;
		if (pv->ring.page == NULL)
			return E_NOENT;
		events_remove(vm, pv);
		return OK;
	}
	status = check(vm, req);
	if (status == OK)
		status = prepare(vm, pv, req, &ring);
	if (status == OK)
		replace(vm, pv, &ring, (u32)req->irq);
	return status;
}

enum status events_setup(struct vm *vm, const struct events_request *req)
{
	enum status status = E_NOENT;
	struct pviommu *pv;

	vm_lock(vm);
	pv = pviommu_find(vm, req->pviommu);
	if (pv != NULL)
		status = setup(vm, pv, req);
	vm_unlock(vm);
	return status;
}
