/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thin function per hypercall of include/abi. Arguments are 64 bits wide everywhere, so that a test can ask
 * with what no driver would ask; all of R0..R3 come back.
 */
#ifndef GUEST_HCALL_H
#define GUEST_HCALL_H

#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "abi/status.h"
#include "abi/vmm.h"
#include "types.h"

struct hres {
	u64 r0;
	u64 r1;
	u64 r2;
	u64 r3;
	bool compatible; /* a call whose R0 is 0, -1 or -3 and whose precise status is in R3 */
};

static inline struct hres hcall(u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;
	register u64 x4 asm("x4") = a4;
	register u64 x5 asm("x5") = a5;
	register u64 x6 asm("x6") = a6;
	u32 number = (u32)fn & PC_FN_MASK;

	asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : "r"(x4), "r"(x5), "r"(x6) : "memory");
	return (struct hres){ x0, x1, x2, x3,
			      number == 62 ? a1 < PVIOMMU_OP_FIRST_OURS : number >= 2 && number <= 63 };
}

/* The precise status of the table in include/abi/status.h. */
static inline long hres_status(struct hres r)
{
	return r.compatible && r.r0 ? (long)r.r3 : (long)r.r0;
}

static inline bool hres_ok(struct hres r)
{
	return r.r0 == 0;
}

const char *status_name(long status);

static inline struct hres pv_op(u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return hcall(PC_PVIOMMU_OP, op, a2, a3, a4, a5, a6);
}

static inline struct hres pv_attach(u64 pviommu, u64 vsid, u64 pasid, u64 domain, u64 pasid_bits)
{
	return pv_op(PVIOMMU_ATTACH_DEV, pviommu, vsid, pasid, domain, pasid_bits);
}

static inline struct hres pv_detach(u64 pviommu, u64 vsid, u64 pasid, u64 domain)
{
	return pv_op(PVIOMMU_DETACH_DEV, pviommu, vsid, pasid, domain, 0);
}

static inline struct hres pv_alloc_domain(void)
{
	return pv_op(PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);
}

static inline struct hres pv_free_domain(u64 domain)
{
	return pv_op(PVIOMMU_FREE_DOMAIN, domain, 0, 0, 0, 0);
}

static inline struct hres pv_map(u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot)
{
	return pv_op(PVIOMMU_MAP_PAGES, domain, iova, ipa, bytes, prot);
}

static inline struct hres pv_unmap(u64 domain, u64 iova, u64 bytes)
{
	return pv_op(PVIOMMU_UNMAP_PAGES, domain, iova, bytes, 0, 0);
}

static inline struct hres pv_sid_info(u64 pviommu, u64 vsid)
{
	return pv_op(PVIOMMU_SID_INFO, pviommu, vsid, 0, 0, 0);
}

static inline struct hres pv_query(u64 pviommu, u64 property, u64 index)
{
	return pv_op(PVIOMMU_QUERY, pviommu, property, index, 0, 0);
}

static inline struct hres pv_endpoint_info(u64 pviommu, u64 vsid)
{
	return pv_op(PVIOMMU_ENDPOINT_INFO, pviommu, vsid, 0, 0, 0);
}

static inline struct hres pv_attach_list(u64 list_ipa)
{
	return pv_op(PVIOMMU_ATTACH_LIST, list_ipa, 0, 0, 0, 0);
}

static inline struct hres pv_detach_list(u64 list_ipa)
{
	return pv_op(PVIOMMU_DETACH_LIST, list_ipa, 0, 0, 0, 0);
}

static inline struct hres pv_alloc_nested(u64 ipa)
{
	return pv_op(PVIOMMU_ALLOC_NESTED, ipa, 0, 0, 0, 0);
}

static inline struct hres pv_invalidate(u64 ipa)
{
	return pv_op(PVIOMMU_INVALIDATE, ipa, 0, 0, 0, 0);
}

static inline struct hres pv_events_setup(u64 pviommu, u64 ring_ipa, u64 log2, u64 interrupt, u64 flags)
{
	return pv_op(PVIOMMU_EVENTS_SETUP, pviommu, ring_ipa, log2, interrupt, flags);
}

static inline struct hres pv_page_response(u64 ipa)
{
	return pv_op(PVIOMMU_PAGE_RESPONSE, ipa, 0, 0, 0, 0);
}

static inline struct hres pv_map_list(u64 list_ipa)
{
	return pv_op(PVIOMMU_MAP_LIST, list_ipa, 0, 0, 0, 0);
}

static inline struct hres pv_unmap_list(u64 list_ipa)
{
	return pv_op(PVIOMMU_UNMAP_LIST, list_ipa, 0, 0, 0, 0);
}

static inline struct hres pv_iova_to_ipa(u64 domain, u64 iova)
{
	return pv_op(PVIOMMU_IOVA_TO_IPA, domain, iova, 0, 0, 0);
}

static inline struct hres pv_stats(u64 pviommu, u64 counter)
{
	return pv_op(PVIOMMU_STATS, pviommu, counter, 0, 0, 0);
}

static inline struct hres dev_req_dma(u64 pviommu, u64 vsid)
{
	return hcall(PC_DEV_REQ_DMA, pviommu, vsid, 0, 0, 0, 0);
}

static inline struct hres dev_req_mmio(u64 ipa)
{
	return hcall(PC_DEV_REQ_MMIO, ipa, 0, 0, 0, 0, 0);
}

static inline struct hres vmm_query(u64 property)
{
	return hcall(PC_VMM_QUERY, property, 0, 0, 0, 0, 0);
}

static inline struct hres dev_count(void)
{
	return hcall(PC_DEV_COUNT, 0, 0, 0, 0, 0, 0);
}

static inline struct hres dev_info(u64 device, u64 info_ipa)
{
	return hcall(PC_DEV_INFO, device, info_ipa, 0, 0, 0, 0);
}

static inline struct hres dev_endpoint_count(u64 device)
{
	return hcall(PC_DEV_GET_NUM_END_POINTS, device, 0, 0, 0, 0, 0);
}

static inline struct hres dev_assign(u64 device, u64 vm, u64 pviommu)
{
	return hcall(PC_DEV_ASSIGN, device, vm, pviommu, 0, 0, 0);
}

static inline struct hres dev_set_vsid(u64 device, u64 endpoint, u64 vsid)
{
	return hcall(PC_DEV_SET_END_POINT_VSID, device, endpoint, vsid, 0, 0, 0);
}

static inline struct hres dev_release(u64 device)
{
	return hcall(PC_DEV_RELEASE, device, 0, 0, 0, 0, 0);
}

static inline struct hres dev_map_mmio(u64 device, u64 range, u64 ipa)
{
	return hcall(PC_DEV_MAP_MMIO, device, range, ipa, 0, 0, 0);
}

static inline struct hres dev_map_irq(u64 device, u64 index, u64 irq)
{
	return hcall(PC_DEV_MAP_IRQ, device, index, irq, 0, 0, 0);
}

static inline struct hres vmm_query_at(u64 property, u64 index)
{
	return hcall(PC_VMM_QUERY, property, index, 0, 0, 0, 0);
}

static inline struct hres vm_create(u64 flags, u64 vcpus, u64 pool_ipa, u64 pool_pages)
{
	return hcall(PC_VM_CREATE, flags, vcpus, pool_ipa, pool_pages, 0, 0);
}

static inline struct hres vm_destroy(u64 vm)
{
	return hcall(PC_VM_DESTROY, vm, 0, 0, 0, 0, 0);
}

static inline struct hres vm_donate(u64 vm, u64 ipa, u64 own_ipa, u64 pages, u64 flags)
{
	return hcall(PC_VM_DONATE, vm, ipa, own_ipa, pages, flags, 0);
}

static inline struct hres vm_finalise(u64 vm)
{
	return hcall(PC_VM_FINALISE, vm, 0, 0, 0, 0, 0);
}

static inline struct hres vm_add_pool(u64 vm, u64 ipa, u64 pages)
{
	return hcall(PC_VM_ADD_POOL, vm, ipa, pages, 0, 0, 0);
}

static inline struct hres vcpu_set(u64 vm, u64 vcpu, u64 entry, u64 argument)
{
	return hcall(PC_VCPU_SET, vm, vcpu, entry, argument, 0, 0);
}

static inline struct hres vcpu_run(u64 vm, u64 vcpu, u64 exit_ipa)
{
	return hcall(PC_VCPU_RUN, vm, vcpu, exit_ipa, 0, 0, 0);
}

static inline struct hres vcpu_irq(u64 vm, u64 vcpu, u64 irq, u64 level)
{
	return hcall(PC_VCPU_IRQ, vm, vcpu, irq, level, 0, 0);
}

/* What a secondary asks. */
static inline struct hres mem_share(u64 ipa, u64 pages)
{
	return hcall(PC_MEM_SHARE, ipa, pages, 0, 0, 0, 0);
}

static inline struct hres mem_unshare(u64 ipa, u64 pages)
{
	return hcall(PC_MEM_UNSHARE, ipa, pages, 0, 0, 0, 0);
}

static inline struct hres mem_relinquish(u64 ipa)
{
	return hcall(PC_MEM_RELINQUISH, ipa, 0, 0, 0, 0, 0);
}

static inline struct hres console_call(u64 ipa, u64 bytes)
{
	return hcall(PC_CONSOLE, ipa, bytes, 0, 0, 0, 0);
}

static inline struct hres dev_config(u64 pviommu, u64 vsid, u32 offset, u32 width, bool write, u64 value)
{
	return hcall(PC_DEV_CONFIG, pviommu, vsid, offset | width << 16 | (u32)write << 24, value, 0, 0);
}

static inline struct hres dev_reset(u64 pviommu, u64 vsid)
{
	return hcall(PC_DEV_RESET, pviommu, vsid, 0, 0, 0, 0);
}

#endif
