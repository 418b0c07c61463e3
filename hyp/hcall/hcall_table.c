/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows, nothing else. What is not here does not exist for a guest. */
#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "hcall.h"

#define FN(id) [(id) & PC_FN_MASK]

const struct hcall_row hcall_function[HCALL_FUNCTIONS] = {
	FN(PC_HYP_MEMINFO) = { hc_hyp_meminfo, CALL_SECONDARY, MBZ(1, 3) },
	FN(PC_MEM_SHARE) = { hc_mem_share, CALL_SECONDARY, MBZ(3, 3) },
	FN(PC_MEM_UNSHARE) = { hc_mem_unshare, CALL_SECONDARY, MBZ(3, 3) },
	FN(PC_MMIO_GUARD_INFO) = { hc_guard_info, CALL_SECONDARY, 0 },
	FN(PC_MMIO_GUARD_ENROLL) = { hc_guard_enroll, CALL_SECONDARY, 0 },
	FN(PC_MMIO_GUARD_MAP) = { hc_guard_map, CALL_SECONDARY, 0 },
	FN(PC_MMIO_GUARD_UNMAP) = { hc_guard_unmap, CALL_SECONDARY, 0 },
	FN(PC_MEM_RELINQUISH) = { hc_mem_relinquish, CALL_SECONDARY, MBZ(3, 3) },
	FN(PC_MMIO_RGUARD_MAP) = { hc_guard_range_map, CALL_SECONDARY | CALL_LONG, 0 },
	FN(PC_MMIO_RGUARD_UNMAP) = { hc_guard_range_unmap, CALL_SECONDARY | CALL_LONG, 0 },
	FN(PC_DEV_REQ_DMA) = { hc_dev_req_dma, CALL_ANY, MBZ(3, 6) },
	FN(PC_DEV_REQ_MMIO) = { hc_dev_req_mmio, CALL_ANY, MBZ(2, 6) },
	FN(PC_VMM_QUERY) = { hc_vmm_query, CALL_PRIMARY, 0 },
	FN(PC_VM_CREATE) = { hc_vm_create, CALL_PRIMARY | CALL_LONG, 0 },
	FN(PC_VM_DESTROY) = { hc_vm_destroy, CALL_PRIMARY | CALL_LONG, 0 },
	FN(PC_VM_DONATE) = { hc_vm_donate, CALL_PRIMARY | CALL_LONG, 0 },
	FN(PC_VM_FINALISE) = { hc_vm_finalise, CALL_PRIMARY, 0 },
	FN(PC_VCPU_SET) = { hc_vcpu_set, CALL_PRIMARY, 0 },
	FN(PC_VCPU_RUN) = { hc_vcpu_run, CALL_PRIMARY, 0 },
	FN(PC_VCPU_IRQ) = { hc_vcpu_irq, CALL_PRIMARY, 0 },
	FN(PC_VM_ADD_POOL) = { hc_vm_add_pool, CALL_PRIMARY | CALL_LONG, 0 },
	FN(PC_DEV_COUNT) = { hc_dev_count, CALL_PRIMARY, 0 },
	FN(PC_DEV_INFO) = { hc_dev_info, CALL_PRIMARY, 0 },
	FN(PC_DEV_GET_NUM_END_POINTS) = { hc_dev_endpoints, CALL_PRIMARY, 0 },
	FN(PC_DEV_ASSIGN) = { hc_dev_assign, CALL_PRIMARY | CALL_LONG, 0 },
	FN(PC_DEV_SET_END_POINT_VSID) = { hc_dev_set_vsid, CALL_PRIMARY, 0 },
	FN(PC_DEV_RELEASE) = { hc_dev_release, CALL_PRIMARY | CALL_LONG, 0 },
	FN(PC_DEV_MAP_MMIO) = { hc_dev_map_mmio, CALL_PRIMARY | CALL_LONG, 0 },
	FN(PC_DEV_MAP_IRQ) = { hc_dev_map_irq, CALL_PRIMARY, 0 },
	FN(PC_CONSOLE) = { hc_console, CALL_ANY, 0 },
	FN(PC_DEV_CONFIG) = { hc_dev_config, CALL_ANY, 0 },
	FN(PC_DEV_RESET) = { hc_dev_reset, CALL_ANY | CALL_LONG, 0 },
};

const struct hcall_row hcall_pviommu[PVIOMMU_OP_COUNT] = {
	[PVIOMMU_ATTACH_DEV] = { hc_attach_dev, CALL_ANY | CALL_LONG, 0 },
	[PVIOMMU_DETACH_DEV] = { hc_detach_dev, CALL_ANY | CALL_LONG, MBZ(6, 6) },
	[PVIOMMU_ALLOC_DOMAIN] = { hc_alloc_domain, CALL_ANY, MBZ(2, 6) },
	[PVIOMMU_FREE_DOMAIN] = { hc_free_domain, CALL_ANY | CALL_LONG, MBZ(3, 6) },
	[PVIOMMU_MAP_PAGES] = { hc_map_pages, CALL_ANY | CALL_LONG, 0 },
	[PVIOMMU_UNMAP_PAGES] = { hc_unmap_pages, CALL_ANY | CALL_LONG, MBZ(5, 6) },
	[PVIOMMU_SID_INFO] = { hc_sid_info, CALL_ANY, 0 },
	[PVIOMMU_QUERY] = { hc_query, CALL_ANY, 0 },
	[PVIOMMU_ENDPOINT_INFO] = { hc_endpoint_info, CALL_ANY, 0 },
	[PVIOMMU_ATTACH_LIST] = { hc_attach_list, CALL_ANY | CALL_LONG, 0 },
	[PVIOMMU_DETACH_LIST] = { hc_detach_list, CALL_ANY | CALL_LONG, 0 },
	[PVIOMMU_ALLOC_NESTED] = { hc_alloc_nested, CALL_ANY, 0 },
	[PVIOMMU_INVALIDATE] = { hc_invalidate, CALL_ANY | CALL_LONG, 0 },
	[PVIOMMU_EVENTS_SETUP] = { hc_events_setup, CALL_ANY, 0 },
	[PVIOMMU_MAP_LIST] = { hc_map_list, CALL_ANY | CALL_LONG, 0 },
	[PVIOMMU_UNMAP_LIST] = { hc_unmap_list, CALL_ANY | CALL_LONG, 0 },
	[PVIOMMU_IOVA_TO_IPA] = { hc_iova_to_ipa, CALL_ANY, 0 },
	[PVIOMMU_STATS] = { hc_stats, CALL_ANY, 0 },
};
