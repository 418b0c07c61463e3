/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypercalls are rows of a const table. A row says who may call and which registers must be
 * zero; dispatch checks that. A handler decodes raw registers into a typed request, calls a function of the core, and
 * places results. It takes the locks that this function wants held, and no other.
 */
#ifndef HCALL_HCALL_H
#define HCALL_HCALL_H

#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "hyp/status.h"
#include "hyp/upcall.h"
#include "vm/vm.h"

/* One for each vCPU, so that a call has nothing to set up but its results. */
struct hcall {
	struct vcpu *vcpu;
	struct vm *vm;
	const u64 *r;  /* R0..R6 as the guest set them */
	const struct hcall_row *row; /* NULL: none was found, or its exit was asked for since (hcall_was_long) */
	u64 out[3];    /* R1..R3; zero unless the handler says otherwise */
	struct pviommu_map_entry map; /* of MAP_PAGES, where it takes the general way */
	u8 caller;     /* CALL_*: what the vCPU's VM is */
	bool again;    /* not finished: the guest issues the call again */
};

/* A compatible call that answers a number in R0 (HYP_MEMINFO, MMIO_GUARD_INFO) returns it in place of OK: it is positive. */
typedef enum status (*hcall_handler)(struct hcall *c);

/* Callers. */
#define CALL_PRIMARY   0x01u
#define CALL_SECONDARY 0x02u
#define CALL_ANY       (CALL_PRIMARY | CALL_SECONDARY)
/* Not a caller: it works through many things, or takes events itself, which may take most of the time that a call has (V9). */
#define CALL_LONG 0x80u

/* Registers that must be zero, R1 is bit 1. */
#define MBZ(first, last) ((u8)((0xffu >> (7 - (last))) & (0xffu << (first))))

struct hcall_row {
	hcall_handler handler;
	u8 callers; /* CALL_* */
	u8 mbz;
};

/* One more than the last function: DEV_RESET. */
#define HCALL_FUNCTIONS ((PC_DEV_RESET & PC_FN_MASK) + 1)

extern const struct hcall_row hcall_function[HCALL_FUNCTIONS]; /* by function number */
extern const struct hcall_row hcall_pviommu[];                  /* by PVIOMMU_OP operation */

/* Prepare the working memory of a vCPU, before it first runs. */
void hcall_init(struct hcall *c, struct vcpu *vcpu);
/* Was the vCPU's last call one that may be long (CALL_LONG), whatever it answered? Once for each call: asked again, no. */
bool hcall_was_long(struct vcpu *vcpu);

/* Handlers: hcall_pviommu.c, hcall_nested.c, hcall_device.c, hcall_vm.c. */
enum status hc_attach_dev(struct hcall *c), hc_detach_dev(struct hcall *c);
enum status hc_alloc_domain(struct hcall *c), hc_free_domain(struct hcall *c);
enum status hc_map_pages(struct hcall *c), hc_unmap_pages(struct hcall *c);
enum status hc_sid_info(struct hcall *c), hc_query(struct hcall *c);
enum status hc_endpoint_info(struct hcall *c), hc_attach_list(struct hcall *c);
enum status hc_detach_list(struct hcall *c), hc_map_list(struct hcall *c);
enum status hc_unmap_list(struct hcall *c), hc_iova_to_ipa(struct hcall *c);
enum status hc_stats(struct hcall *c), hc_events_setup(struct hcall *c);
enum status hc_alloc_nested(struct hcall *c), hc_invalidate(struct hcall *c);
enum status hc_dev_req_dma(struct hcall *c), hc_dev_req_mmio(struct hcall *c);
enum status hc_vmm_query(struct hcall *c), hc_dev_count(struct hcall *c);
enum status hc_dev_info(struct hcall *c), hc_dev_endpoints(struct hcall *c);
enum status hc_dev_assign(struct hcall *c), hc_dev_set_vsid(struct hcall *c);
enum status hc_dev_release(struct hcall *c), hc_dev_map_mmio(struct hcall *c);
enum status hc_dev_map_irq(struct hcall *c), hc_dev_config(struct hcall *c);
enum status hc_dev_reset(struct hcall *c);
enum status hc_vm_create(struct hcall *c), hc_vm_destroy(struct hcall *c);
enum status hc_vm_donate(struct hcall *c), hc_vm_finalise(struct hcall *c);
enum status hc_vcpu_set(struct hcall *c), hc_vcpu_run(struct hcall *c);
enum status hc_vcpu_irq(struct hcall *c), hc_vm_add_pool(struct hcall *c);
enum status hc_hyp_meminfo(struct hcall *c), hc_mem_share(struct hcall *c);
enum status hc_mem_unshare(struct hcall *c), hc_mem_relinquish(struct hcall *c);
enum status hc_guard_info(struct hcall *c), hc_guard_enroll(struct hcall *c);
enum status hc_guard_map(struct hcall *c), hc_guard_unmap(struct hcall *c);
enum status hc_guard_range_map(struct hcall *c), hc_guard_range_unmap(struct hcall *c);
enum status hc_console(struct hcall *c);

#endif
