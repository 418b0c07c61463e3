/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which table a stream translates by. check (pure) -> prepare (allocates, shows nothing) ->
 * commit (writes hardware; only hardware itself can fail it, which quarantines).
 */
#include "attach.h"

#include "abi/pviommu.h"
#include "domain.h"
#include "drain.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

/* PASIDs that a step of a VM's end detaches, and how many it looks at. */
#define END_PASIDS 32u
#define END_LOOKS  4096u

static struct attachment *attachment_of(struct endpoint *e, u64 pasid)
{
	if (pasid == 0)
		return &e->attached;
	return e->substream != NULL && pasid >> e->ctx.pasid_bits == 0 ? &e->substream[pasid] :
									 NULL;
}

u8 iommu_pasid_bits(const struct iommu *iommu)
{
	return iommu->caps.pasid_bits < PASID_BITS_MAX ? iommu->caps.pasid_bits : PASID_BITS_MAX;
}

u8 endpoint_pasid_bits(const struct endpoint *e)
{
	u8 limit = iommu_pasid_bits(e->iommu);

	return e->pasid_bits < limit ? e->pasid_bits : limit;
}

static enum status check_pasid(struct endpoint *e, u64 pasid)
{
	if (pasid == 0)
		return OK;
	if (endpoint_pasid_bits(e) == 0 || e->attached.domain == NULL || e->ctx.table.v == 0)
		return E_NOSYS;
	if (e->ctx.pasid_bits == 0 || pasid >> e->ctx.pasid_bits != 0)
		return E_INVAL;
	return OK;
}

/* A first stage of the guest's own takes the whole stream, and only another one replaces it. */
static enum status check_nested(const struct endpoint *e, const struct domain *d, u64 pasid)
{
	const struct domain *now = e->attached.domain;
	const bool nested = domain_is_nested(d);

	if (now != NULL && (nested || domain_is_nested(now)) &&
	    (pasid != 0 || !nested || !domain_is_nested(now)))
		return E_BUSY;
	if (nested && (d->iommu != e->iommu || d->nested.pasid_bits > endpoint_pasid_bits(e) || (d->nested.ats && !e->ats)))
		return E_INVAL;
	return OK;
}

static enum status check_one(struct endpoint *e, const struct domain *d, u64 pasid)
{
	const struct attachment *a;
	enum status status;

	if (e->device->state == DEVICE_QUARANTINED || !iommu_is_common(e->iommu))
		return E_DENIED;
	if (e->device->state != DEVICE_ASSIGNED)
		return E_BUSY;
	if (iommu_is_dead(e->iommu))
		return E_IO;
	status = check_nested(e, d, pasid);
	if (status == OK)
		status = check_pasid(e, pasid);
	if (status != OK)
		return status;
	a = attachment_of(e, pasid);
	CHECK(a != NULL);
	return a->domain == d ? E_EXIST : OK;
}

/* No event is looked up there any more when this returns. */
static void substreams_forget(struct endpoint *e) NO_LOCK_ANALYSIS
{
	events_hold(e->device->pviommu);
	e->substream = NULL;
	events_release(e->device->pviommu);
}

/* Who gets what hardware reports from `since` on: the domain with its cookie, or with NULL nobody. */
static void attachment_set(struct endpoint *e, struct attachment *a, struct domain *d, u64 cookie) NO_LOCK_ANALYSIS
{
	u64 since = events_mark(e);

	events_hold(e->device->pviommu);
	a->domain = d;
	a->cookie = cookie;
	e->since = since;
	events_release(e->device->pviommu);
}

static void ctx_release(struct vm *vm, struct endpoint *e)
{
	struct attachment *substream = e->substream;

	substreams_forget(e);
	if (substream != NULL)
		pool_free(&vm->pool, e->ctx_pages_order, io_phys_of(substream));
	if (e->ctx.table.v != 0)
		e->iommu->ops->ctx_free(e->iommu, &vm->pool, &e->ctx);
	e->ctx.table = pa(0);
}

/* What attachments of PASIDs are remembered in: as many as the context has entries. */
static enum status substreams_alloc(struct vm *vm, struct endpoint *e)
{
	u64 bytes = sizeof(struct attachment) << e->ctx.pasid_bits;
	enum status status;
	u32 order = 0;
	pa_t page;

	if (e->ctx.pasid_bits == 0)
		return OK;
	while ((PAGE_SIZE << order) < bytes)
		order++;
	status = pool_alloc(&vm->pool, order, &page);
	if (status != OK)
		return status;
	e->substream = io_phys(page);
	e->pasid_end = 0;
	e->ctx_pages_order = (u8)order;
	return OK;
}

/* Does the request give the endpoint a context, and of how many bits of PASID? */
static bool wants_context(const struct endpoint *e, const struct domain *d, const struct attach_request *req, u8 *bits)
{
	*bits = endpoint_pasid_bits(e);
	if (req->pasid_bits < *bits)
		*bits = (u8)req->pasid_bits;
	return req->pasid == 0 && iommu_common.stage1 && e->ctx.table.v == 0 && !domain_is_nested(d);
}

static enum status prepare_one(struct vm *vm, struct endpoint *e, const struct domain *d,
			       const struct attach_request *req)
{
	enum status status;
	u8 bits;

	if (!wants_context(e, d, req, &bits))
		return OK;
	status = e->iommu->ops->ctx_alloc(e->iommu, &vm->pool, bits, &e->ctx);
	if (status != OK)
		return status;
	status = substreams_alloc(vm, e);
	if (status != OK)
		ctx_release(vm, e);
	return status;
}

/* Contexts that this request made go again: those of endpoints without any attachment. */
static void unprepare(struct vm *vm, const struct attach_request *req)
{
	for (u32 i = 0; i < req->endpoint_count; i++)
		if (req->endpoint[i]->attached.domain == NULL)
			ctx_release(vm, req->endpoint[i]);
}

static enum status write_stream(struct vm *vm, struct endpoint *e, struct domain *d, u64 pasid,
				bool live)
{
	struct iommu_table table = { .pt = &d->pt, .tag = &d->tag };
	const struct iommu_hw_ops *ops = e->iommu->ops;
	struct stream_config config = { .mode = STREAM_STAGE2, .table = &table };
	enum status status;

	if (domain_is_nested(d)) {
		table = (struct iommu_table){ .pt = &vm->dma_pt, .tag = &vm->dma_tag };
		config = (struct stream_config){ .mode = STREAM_NESTED, .table = &table, .nested = &d->nested, .forget = true };
		return ops->stream_write(e->iommu, e->sid, &config);
	}
	if (iommu_common.stage1) {
		status = ops->ctx_write(e->iommu, e->sid, &e->ctx, (u32)pasid, &table, live);
		if (status != OK || live)
			return status;
		config = (struct stream_config){ .mode = STREAM_STAGE1,
						 .ctx = &e->ctx,
						 .vmid = vm->paging_vmid };
	}
	return ops->stream_write(e->iommu, e->sid, &config);
}

static enum status domain_left_by(struct domain *d, struct iommu *iommu) NO_LOCK_ANALYSIS
{
	enum status status;

	arch_spin_lock(&d->lock);
	status = domain_unuse(d, iommu);
	domain_unlock(d);
	return status;
}

/* May its device keep translations of what it is attached to? Where not, it forgets those that it has. */
static void ats_set(const struct endpoint *e, bool on)
{
	if (unlikely(e->ats))
		pci_endpoint_ats(e->device, e->index, on);
}

/*
 * What was reported until now is told as what it was, before its streams change. All are behind one IOMMU; the more of them,
 * the fewer events a call has time for (V9).
 */
static void tell_waiting(const struct attach_request *req)
{
	_Static_assert(DRAIN_EVENTS >= PVIOMMU_MAX_VSIDS, "some, for the longest list too");
	CHECK(req->endpoint_count > 0);
	iommu_drain(req->endpoint[0]->iommu, DRAIN_EVENTS / req->endpoint_count);
}

/* The domain is in use by this endpoint already (domain_use): only hardware can fail. */
static enum status commit_one(struct vm *vm, struct endpoint *e, struct domain *d,
			      const struct attach_request *req)
{
	struct attachment *a = attachment_of(e, req->pasid);
	struct domain *old = a->domain;
	enum status status;

	ats_set(e, false);
	/* From here until it is done nobody can say whose an event is. */
	events_since(e, EVENTS_NEVER);
	status = write_stream(vm, e, d, req->pasid, old != NULL || req->pasid != 0);
	if (status != OK)
		return status;
	if (old == NULL) {
		e->device->pviommu->attached++;
		if (req->pasid != 0)
			e->substreams++;
	}
	attachment_set(e, a, d, req->cookie);
	ats_set(e, domain_is_nested(d) && d->nested.ats_on);
	e->device->frozen = true;
	/* A flush that fails leaves the old domain's tag in use: its memory is lost, not reused. */
	if (old != NULL)
		(void)!domain_left_by(old, e->iommu);
	return OK;
}

static enum status commit_all(struct vm *vm, struct domain *d, const struct attach_request *req)
	MUST_HOLD(vm_class)
{
	tell_waiting(req);
	for (u32 i = 0; i < req->endpoint_count; i++) {
		enum status status = commit_one(vm, req->endpoint[i], d, req);

		if (likely(status == OK))
			continue;
		/* Nobody knows what this stream does now. All or none: the others go too. */
		for (u32 k = i; k < req->endpoint_count; k++)
			(void)!domain_left_by(d, req->endpoint[k]->iommu);
		for (u32 k = 0; k <= i; k++)
			device_quarantine(req->endpoint[k]->device,
					  "a stream could not be changed");
		return status;
	}
	return OK;
}

static enum status check_all(const struct domain *d, const struct attach_request *req)
{
	u64 pasids = 0;

	for (u32 i = 0; i < req->endpoint_count; i++) {
		enum status status = check_one(req->endpoint[i], d, req->pasid);
		u8 bits;

		if (status != OK)
			return status;
		if (wants_context(req->endpoint[i], d, req, &bits) && bits > 0)
			pasids += 1ull << bits;
	}
	/* What their contexts take is zeroed in this call: of a list no more than of one (V9). */
	return pasids > 1ull << PASID_BITS_MAX ? E_INVAL : OK;
}

enum status attach(struct vm *vm, const struct attach_request *req)
{
	enum status status;
	struct domain *d;

	if (!domain_get_any(vm, req->domain, &d, &status))
		return status;
	status = check_all(d, req);
	/* In use from here on, so that it cannot be freed while the streams are written. */
	for (u32 i = 0; status == OK && i < req->endpoint_count; i++)
		domain_use(d, req->endpoint[i]->iommu);
	domain_unlock(d);
	if (status != OK)
		return status;
	for (u32 i = 0; status == OK && i < req->endpoint_count; i++)
		status = prepare_one(vm, req->endpoint[i], d, req);
	if (status != OK) {
		unprepare(vm, req);
		for (u32 i = 0; i < req->endpoint_count; i++)
			(void)!domain_left_by(d, req->endpoint[i]->iommu);
		return status;
	}
	return commit_all(vm, d, req);
}

static enum status detach_check(struct endpoint *e, const struct attach_request *req)
{
	const struct attachment *a = attachment_of(e, req->pasid);

	if (a == NULL || a->domain == NULL || a->domain->id != req->domain)
		return E_NOENT;
	return req->pasid == 0 && e->substreams > 0 ? E_BUSY : OK;
}

enum status endpoint_block(struct endpoint *e)
{
	static const struct stream_config blocked = { .mode = STREAM_BLOCKED };

	return e->iommu->ops->stream_write(e->iommu, e->sid, &blocked);
}

static enum status detach_one(struct vm *vm, struct endpoint *e, u64 pasid)
{
	struct attachment *a = attachment_of(e, pasid);
	struct domain *d = a->domain;
	enum status status;

	ats_set(e, false);
	events_since(e, EVENTS_NEVER);
	if (pasid == 0)
		status = endpoint_block(e);
	else
		status = e->iommu->ops->ctx_write(e->iommu, e->sid, &e->ctx, (u32)pasid, NULL,
						  true);
	if (status != OK)
		return status;
	attachment_set(e, a, NULL, 0);
	e->device->pviommu->attached--;
	if (pasid != 0)
		e->substreams--;
	else
		ctx_release(vm, e);
	return domain_left_by(d, e->iommu);
}

enum status detach(struct vm *vm, const struct attach_request *req)
{
	enum status result = OK;

	for (u32 i = 0; i < req->endpoint_count; i++) {
		enum status status = detach_check(req->endpoint[i], req);

		if (status != OK)
			return status;
	}
	tell_waiting(req);
	for (u32 i = 0; i < req->endpoint_count; i++) {
		enum status status;

		/* Another of its device failed: with that it was quarantined, and has nothing any more. */
		if (detach_check(req->endpoint[i], req) != OK)
			continue;
		status = detach_one(vm, req->endpoint[i], req->pasid);
		if (status != OK) {
			device_quarantine(req->endpoint[i]->device, "its stream could not be blocked");
			result = status;
		}
	}
	return result;
}

enum status attach_end_pasids(struct vm *vm, struct endpoint *e, bool *more)
{
	u32 looks = END_LOOKS;
	enum status status = OK;

	for (u32 left = END_PASIDS; status == OK && e->substreams > 0 && left > 0 && looks > 0; looks--) {
		u32 pasid = e->pasid_end++;

		if (attachment_of(e, pasid)->domain == NULL || pasid == 0)
			continue;
		status = detach_one(vm, e, pasid);
		left--;
	}
	*more = e->substreams > 0;
	return status;
}

void attach_forget(struct vm *vm, struct endpoint *e, bool blocked)
{
	u64 count = e->substream != NULL ? 1ull << e->ctx.pasid_bits : 1;

	/* What stands behind its first stage stays reachable. */
	if (!blocked && e->attached.domain != NULL && domain_is_nested(e->attached.domain))
		vm->dma_lost = true;
	for (u64 pasid = 0; pasid < count && (pasid == 0 || e->substreams > 0); pasid++) {
		struct attachment *a = attachment_of(e, pasid);
		struct domain *d = a->domain;

		if (d == NULL)
			continue;
		if (pasid != 0)
			e->substreams--;
		attachment_set(e, a, NULL, 0);
		e->device->pviommu->attached--;
		(void)!domain_left_by(d, e->iommu);
	}
	e->substreams = 0;
	if (blocked)
		ctx_release(vm, e);
	/* Else hardware may still walk the context: it is lost to the VM. */
	substreams_forget(e);
	e->ctx.table = pa(0);
}

/* What the identity domain takes of a pool for one stream, unless it has it already. */
static enum status identity_context(struct endpoint *e, struct vm *vm)
{
	if (iommu_common.stage2 || !iommu_is_common(e->iommu) || e->ctx.table.v != 0)
		return OK;
	return e->iommu->ops->ctx_alloc(e->iommu, &vm->pool, 0, &e->ctx);
}

enum status attach_identity_prepare(struct device *d, struct vm *vm)
{
	for (u32 i = 0; i < d->endpoint_count; i++) {
		enum status status = identity_context(&d->endpoint[i], vm);

		if (status == OK)
			continue;
		while (i-- > 0)
			ctx_release(vm, &d->endpoint[i]);
		return status;
	}
	return OK;
}

static enum status identity_one(struct endpoint *e, struct vm *vm)
{
	struct iommu_table table = { .pt = &vm->dma_pt, .tag = &vm->dma_tag };
	const struct iommu_hw_ops *ops = e->iommu->ops;
	struct stream_config config = { .mode = STREAM_STAGE2, .table = &table };
	enum status status;

	if (iommu_is_dead(e->iommu))
		return E_IO;
	/* The VM's DMA table has the machine's common format: elsewhere streams stay blocked. */
	if (!iommu_is_common(e->iommu))
		return OK;
	vm->dma_tag.users |= 1u << e->iommu->index;
	if (!iommu_common.stage2) {
		status = identity_context(e, vm);
		if (status != OK)
			return status;
		status = ops->ctx_write(e->iommu, e->sid, &e->ctx, 0, &table, false);
		if (status != OK)
			return status;
		config = (struct stream_config){ .mode = STREAM_STAGE1, .ctx = &e->ctx };
	}
	return ops->stream_write(e->iommu, e->sid, &config);
}

enum status attach_identity(struct device *d, struct vm *vm)
{
	for (u32 i = 0; i < d->endpoint_count; i++) {
		enum status status = identity_one(&d->endpoint[i], vm);

		if (status != OK)
			return status;
	}
	return OK;
}

/* By what the endpoint translates now, so far as a fault of this PASID can be told to leave no event. */
static enum status rewrite(struct endpoint *e, u32 pasid, bool unrecorded) MUST_HOLD(vm_class)
{
	const struct attachment *a = attachment_of(e, pasid);
	bool identity = e->device->state == DEVICE_UNASSIGNED;
	const struct domain *d = a != NULL ? a->domain : NULL;
	struct iommu_table table = { .unrecorded = unrecorded };
	struct stream_config config = { .mode = unrecorded ? STREAM_QUIET : STREAM_BLOCKED };

	/* All that a nested stream does is its one attachment's. */
	if (d == NULL && e->attached.domain != NULL && domain_is_nested(e->attached.domain))
		d = e->attached.domain;
	if (d != NULL && domain_is_nested(d)) {
		table.pt = &d->vm->dma_pt;
		table.tag = &d->vm->dma_tag;
		config = (struct stream_config){ .mode = STREAM_NESTED, .table = &table, .nested = &d->nested };
		return e->iommu->ops->stream_write(e->iommu, e->sid, &config);
	}
	if (identity) {
		table.pt = &vm_primary->dma_pt;
		table.tag = &vm_primary->dma_tag;
	} else if (d != NULL) {
		table.pt = &d->pt;
		table.tag = &d->tag;
	} else if (e->attached.domain != NULL) {
		return E_NOSYS; /* it says a PASID that nothing is attached to: no entry is its alone */
	}
	if (table.pt != NULL && e->ctx.table.v != 0)
		return e->iommu->ops->ctx_write(e->iommu, e->sid, &e->ctx, identity ? 0 : pasid, &table, true);
	if (table.pt != NULL)
		config = (struct stream_config){ .mode = STREAM_STAGE2, .table = &table };
	return e->iommu->ops->stream_write(e->iommu, e->sid, &config);
}

enum status attach_unrecorded(struct endpoint *e, u32 pasid, bool unrecorded)
{
	if (iommu_is_dead(e->iommu) || !iommu_is_common(e->iommu))
		return E_IO;
	return rewrite(e, pasid, unrecorded);
}

enum status attach_block(struct device *d)
{
	enum status result = OK;

	for (u32 i = 0; i < d->endpoint_count; i++) {
		enum status status = endpoint_block(&d->endpoint[i]);

		if (status != OK)
			result = status;
	}
	return result;
}
