/* SPDX-License-Identifier: BSD-2-Clause */
/* What a VM may ask about its pvIOMMUs and endpoints, and attaching by its own names. */
#include "pviommu.h"

#include "abi/hcall.h"
#include "hyp/bits.h"
#include "iommu/attach.h"
#include "iommu/device.h"
#include "iommu/iommu.h"
#include "iommu/nested.h"
#include "vm/vm.h"

/* Operations of ours that exist, as bits from 0. */
#define HAS(operation) BIT((operation) - PVIOMMU_OP_FIRST_OURS)
static const u64 features = HAS(PVIOMMU_QUERY) | HAS(PVIOMMU_ENDPOINT_INFO) | HAS(PVIOMMU_ATTACH_LIST) |
			    HAS(PVIOMMU_DETACH_LIST) | HAS(PVIOMMU_ALLOC_NESTED) | HAS(PVIOMMU_INVALIDATE) |
			    HAS(PVIOMMU_EVENTS_SETUP) | HAS(PVIOMMU_MAP_LIST) | HAS(PVIOMMU_UNMAP_LIST) |
			    HAS(PVIOMMU_IOVA_TO_IPA) | HAS(PVIOMMU_STATS);

struct pviommu *pviommu_find(struct vm *vm, u64 id)
{
	struct pviommu *pv;

	if (unlikely(id >= VM_MAX_PVIOMMUS))
		return NULL;
	pv = &vm->pviommu[id];
	return likely(__atomic_load_n(&pv->iommu, __ATOMIC_ACQUIRE) != NULL) ? pv : NULL;
}

/*
 * The index-th vSID in the order of the machine's endpoints. Apart, like the next one: what locks saves registers, and
 * no other question needs that.
 */
static NOINLINE enum status vsid_at(struct vm *vm, const struct pviommu *pv, u64 index, u64 *value)
{
	enum status status = E_NOENT;

	vm_lock(vm);
	for (u32 i = 0; i < device_count && status != OK; i++) {
		const struct device *d = &device_table[i];

		if (d->vm != vm || d->pviommu != pv)
			continue;
		for (u32 k = 0; k < d->endpoint_count; k++) {
			if (!d->endpoint[k].has_vsid || index-- > 0)
				continue;
			*value = d->endpoint[k].vsid.v;
			status = OK;
			break;
		}
	}
	vm_unlock(vm);
	return status;
}

static NOINLINE enum status domains_left(struct vm *vm, u64 *value)
{
	*value = domain_left(vm);
	return OK;
}

static enum status event_irq(const struct vm *vm, u64 index, u64 *value)
{
	if (!vm->primary || index >= machine->event_irq_count)
		return E_NOENT;
	*value = machine->event_irq[index];
	return OK;
}

enum status pviommu_query(struct vm *vm, u64 pviommu, u64 property, u64 index, u64 *value)
{
	const struct pviommu *pv = pviommu < VM_MAX_PVIOMMUS ? &vm->pviommu[pviommu] : NULL;
	/* Read once: its last device may leave it meanwhile. The IOMMU stays. */
	const struct iommu *iommu = pv != NULL ? __atomic_load_n(&pv->iommu, __ATOMIC_ACQUIRE) : NULL;

	if (unlikely(iommu == NULL))
		return E_NOENT;
	switch (property) {
	case PVIOMMU_Q_VERSION:
		*value = PC_ABI_VERSION;
		return OK;
	case PVIOMMU_Q_PAGE_SIZES:
		*value = iommu_common.paging_sizes;
		return OK;
	case PVIOMMU_Q_IOVA_BITS:
		*value = iommu_common.paging->va_bits;
		return OK;
	case PVIOMMU_Q_PASID_BITS:
		*value = iommu_pasid_bits(iommu);
		return OK;
	case PVIOMMU_Q_VSID_COUNT:
		*value = __atomic_load_n(&pv->vsid_count, __ATOMIC_RELAXED);
		return OK;
	case PVIOMMU_Q_VSID:
		return vsid_at(vm, pv, index, value);
	case PVIOMMU_Q_DOMAINS_LEFT:
		return domains_left(vm, value);
	case PVIOMMU_Q_FEATURES:
		*value = features;
		return OK;
	case PVIOMMU_Q_MAP_LIST_MAX:
		*value = PVIOMMU_MAX_LIST;
		return OK;
	case PVIOMMU_Q_INVAL_MAX:
		*value = nested_offered(vm, iommu) ? PVIOMMU_MAX_INVAL : 0;
		return OK;
	case PVIOMMU_Q_NESTED_TYPES:
		*value = nested_offered(vm, iommu) ? BIT(iommu->ops->nested_type) : 0;
		return OK;
	case PVIOMMU_Q_INVAL_TYPES:
		*value = nested_offered(vm, iommu) ? BIT(iommu->ops->inval_type) : 0;
		return OK;
	case PVIOMMU_Q_DOORBELL:
	case PVIOMMU_Q_DOORBELL_SIZE:
		*value = 0; /* no MSI on this machine */
		return OK;
	case PVIOMMU_Q_RESERVED_BASE:
	case PVIOMMU_Q_RESERVED_SIZE:
		return E_NOENT; /* every IOVA is the guest's */
	case PVIOMMU_Q_EVENT_IRQ:
		return event_irq(vm, index, value);
	default:
		return E_NOSYS;
	}
}

enum status pviommu_stats(struct vm *vm, u64 pviommu, u64 counter, u64 *value)
{
	const struct pviommu *pv = pviommu_find(vm, pviommu);

	if (pv == NULL)
		return E_NOENT;
	switch (counter) {
	case PVIOMMU_STAT_MAPS:
		*value = VM_STAT(vm, maps);
		return OK;
	case PVIOMMU_STAT_UNMAPS:
		*value = VM_STAT(vm, unmaps);
		return OK;
	case PVIOMMU_STAT_FAULTS:
		*value = __atomic_load_n(&pv->faults, __ATOMIC_RELAXED);
		return OK;
	case PVIOMMU_STAT_LOST:
		*value = __atomic_load_n(&pv->lost, __ATOMIC_RELAXED);
		return OK;
	case PVIOMMU_STAT_QUARANTINES:
		*value = __atomic_load_n(&pv->quarantines, __ATOMIC_RELAXED);
		return OK;
	case PVIOMMU_STAT_POOL_FREE:
		*value = pool_free_pages(&vm->pool);
		return OK;
	case PVIOMMU_STAT_PINS:
		*value = VM_STAT(vm, pins);
		return OK;
	case PVIOMMU_STAT_MAPPED:
		*value = VM_STAT(vm, mapped);
		return OK;
	case PVIOMMU_STAT_DOMAINS:
		*value = __atomic_load_n(&vm->domain_count, __ATOMIC_RELAXED);
		return OK;
	case PVIOMMU_STAT_ATTACHED:
		*value = __atomic_load_n(&pv->attached, __ATOMIC_RELAXED);
		return OK;
	default:
		return E_NOSYS;
	}
}

/* Under the vm lock: the endpoint that the VM calls (pvIOMMU, vSID). */
static struct endpoint *named(struct vm *vm, u64 pviommu, u64 vsid) MUST_HOLD(vm_class)
{
	return pviommu_find(vm, pviommu) != NULL ? endpoint_of_vsid(vm, (u32)pviommu, vsid) : NULL;
}

enum status pviommu_endpoint(struct vm *vm, u64 pviommu, u64 vsid, struct endpoint_facts *facts)
{
	const struct endpoint *e;

	vm_lock(vm);
	e = named(vm, pviommu, vsid);
	if (e != NULL)
		*facts = (struct endpoint_facts){
			.flags = e->ats ? PVIOMMU_EP_ATS : 0,
			.pasid_bits = endpoint_pasid_bits(e),
			.group = e->device->group,
		};
	vm_unlock(vm);
	return e != NULL ? OK : E_NOENT;
}

enum status pviommu_tokens(struct vm *vm, u64 pviommu, u64 vsid, u32 *token1, u32 *token2)
{
	const struct endpoint *e;

	vm_lock(vm);
	e = named(vm, pviommu, vsid);
	if (e != NULL)
		endpoint_tokens(e, token1, token2);
	vm_unlock(vm);
	return e != NULL ? OK : E_NOENT;
}

enum status pviommu_config_place(struct vm *vm, u64 pviommu, u64 vsid, u32 *host, u64 *offset)
{
	const struct endpoint *e;
	bool found;

	vm_lock(vm);
	e = named(vm, pviommu, vsid);
	found = e != NULL && e->device->pci &&
		pci_endpoint_place(e->device, e->index, host, offset);
	vm_unlock(vm);
	return found ? OK : E_NOENT;
}

/* The endpoints that the request names: E_NOENT one is unknown, E_INVAL one is there twice. */
static enum status collect(struct vm *vm, const struct pviommu_attach *req, const u64 *vsids,
			   struct endpoint **out) MUST_HOLD(vm_class)
{
	static u64 lists; /* of all VMs, so that an endpoint has no mark of another's */
	const u64 list = __atomic_add_fetch(&lists, 1, __ATOMIC_RELAXED);

	for (u32 i = 0; i < req->count; i++) {
		out[i] = named(vm, req->pviommu, vsids[i]);
		if (out[i] == NULL)
			return E_NOENT;
		if (out[i]->listed == list)
			return E_INVAL;
		out[i]->listed = list;
	}
	return OK;
}

static enum status attach_or_detach(struct vm *vm, const struct pviommu_attach *req,
				    const u64 *vsids,
				    enum status (*what)(struct vm *, const struct attach_request *))
{
	struct endpoint *endpoint[PVIOMMU_MAX_VSIDS];
	struct attach_request request = {
		.endpoint = endpoint,
		.endpoint_count = req->count,
		.domain = req->domain,
		.pasid = req->pasid,
		.pasid_bits = req->pasid_bits,
		.cookie = req->cookie,
	};
	enum status status;

	vm_lock(vm);
	status = collect(vm, req, vsids, endpoint);
	if (status == OK)
		status = what(vm, &request);
	vm_unlock(vm);
	return status;
}

enum status pviommu_attach(struct vm *vm, const struct pviommu_attach *req, const u64 *vsids)
{
	return attach_or_detach(vm, req, vsids, attach);
}

enum status pviommu_detach(struct vm *vm, const struct pviommu_attach *req, const u64 *vsids)
{
	return attach_or_detach(vm, req, vsids, detach);
}

enum status pviommu_iova_to_ipa(struct vm *vm, u64 domain, u64 iova_value, u64 *ipa_value,
				u32 *prot)
{
	enum status status;
	struct domain *d;
	ipa_t out;

	if (!domain_get(vm, domain, &d, &status))
		return status;
	status = domain_lookup(d, iova(iova_value), &out, prot);
	domain_unlock(d);
	if (status == OK)
		*ipa_value = out.v;
	return status;
}
