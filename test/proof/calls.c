/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a guest's registers to a handler and back (hyp/hcall: dispatch.c, hcall_table.c): each call enters the handler of its
 * number and no other; one that the caller may not make, or that has something in a register that must be zero, enters none.
 * Results are the handler's, in the form that calls of that number have, and nothing that was in a register before.
 *
 * For all: registers, callers, answers of the handlers. What handlers of the pvIOMMU do with their registers is in call_args.c.
 *
 * unwind: 8
 */
#include "proof.h"

#include "hyp/hcall/hcall_table.c"
#include "hyp/hcall/dispatch.c"

static u64 r[7]; /* what the guest said */
static struct hcall_args args;
static struct vm vm;
static struct vcpu vcpu;
static struct hcall call;

static u32 entered; /* handlers */
static enum status status_said;
static u64 out_said[3];
static bool again_said;

static u32 id_said(void) { return (u32)r[0] & ~PC_SVE_HINT; }
static bool compatible(void) { return id_said() == PC_PVIOMMU_OP ? r[1] < 0x40 : (u16)id_said() < 64; }

static enum status any_status(void)
{
	static const enum status status[] = { OK, E_NOSYS, E_INVAL, E_NOENT, E_EXIST, E_BUSY,
					      E_NOMEM, E_DENIED, E_TOOBIG, E_FAULT, E_IO, OK_GRANULE };

	return status[any_u32_to(ARRAY_SIZE(status) - (compatible() ? 1 : 2))];
}

/* --- handlers: each knows what it is for */

static enum status enter(struct hcall *c, u32 id, u64 op)
{
	bool same = true;

	for (u32 i = 0; i < 7; i++)
		same = same && c->r[i] == r[i];
	CLAIM("a call enters the handler of its number", id_said() == id && (id != PC_PVIOMMU_OP || r[1] == op));
	CLAIM("a handler has the caller's registers, and no result yet",
	      same && c->vm == &vm && c->vcpu == &vcpu && (c->out[0] | c->out[1] | c->out[2]) == 0 && !c->again);
	entered++;
	for (u32 i = 0; i < 3; i++)
		c->out[i] = out_said[i] = any_u64();
	c->again = again_said = any_bool();
	status_said = any_status();
	return status_said;
}

#define CALL(name, id) \
	enum status name(struct hcall *c) { return enter(c, id, 0); }
#define OP(name, op) \
	enum status name(struct hcall *c) { return enter(c, PC_PVIOMMU_OP, op); }

CALL(hc_hyp_meminfo, PC_HYP_MEMINFO)
CALL(hc_mem_share, PC_MEM_SHARE)
CALL(hc_mem_unshare, PC_MEM_UNSHARE)
CALL(hc_guard_info, PC_MMIO_GUARD_INFO)
CALL(hc_guard_enroll, PC_MMIO_GUARD_ENROLL)
CALL(hc_guard_map, PC_MMIO_GUARD_MAP)
CALL(hc_guard_unmap, PC_MMIO_GUARD_UNMAP)
CALL(hc_mem_relinquish, PC_MEM_RELINQUISH)
CALL(hc_guard_range_map, PC_MMIO_RGUARD_MAP)
CALL(hc_guard_range_unmap, PC_MMIO_RGUARD_UNMAP)
CALL(hc_dev_req_dma, PC_DEV_REQ_DMA)
CALL(hc_dev_req_mmio, PC_DEV_REQ_MMIO)
CALL(hc_vmm_query, PC_VMM_QUERY)
CALL(hc_vm_create, PC_VM_CREATE)
CALL(hc_vm_destroy, PC_VM_DESTROY)
CALL(hc_vm_donate, PC_VM_DONATE)
CALL(hc_vm_finalise, PC_VM_FINALISE)
CALL(hc_vcpu_set, PC_VCPU_SET)
CALL(hc_vcpu_run, PC_VCPU_RUN)
CALL(hc_vcpu_irq, PC_VCPU_IRQ)
CALL(hc_vm_add_pool, PC_VM_ADD_POOL)
CALL(hc_dev_count, PC_DEV_COUNT)
CALL(hc_dev_info, PC_DEV_INFO)
CALL(hc_dev_endpoints, PC_DEV_GET_NUM_END_POINTS)
CALL(hc_dev_assign, PC_DEV_ASSIGN)
CALL(hc_dev_set_vsid, PC_DEV_SET_END_POINT_VSID)
CALL(hc_dev_release, PC_DEV_RELEASE)
CALL(hc_dev_map_mmio, PC_DEV_MAP_MMIO)
CALL(hc_dev_map_irq, PC_DEV_MAP_IRQ)
CALL(hc_console, PC_CONSOLE)
CALL(hc_dev_config, PC_DEV_CONFIG)
CALL(hc_dev_reset, PC_DEV_RESET)
OP(hc_attach_dev, PVIOMMU_ATTACH_DEV)
OP(hc_detach_dev, PVIOMMU_DETACH_DEV)
OP(hc_alloc_domain, PVIOMMU_ALLOC_DOMAIN)
OP(hc_free_domain, PVIOMMU_FREE_DOMAIN)
OP(hc_map_pages, PVIOMMU_MAP_PAGES)
OP(hc_unmap_pages, PVIOMMU_UNMAP_PAGES)
OP(hc_sid_info, PVIOMMU_SID_INFO)
OP(hc_query, PVIOMMU_QUERY)
OP(hc_endpoint_info, PVIOMMU_ENDPOINT_INFO)
OP(hc_attach_list, PVIOMMU_ATTACH_LIST)
OP(hc_detach_list, PVIOMMU_DETACH_LIST)
OP(hc_alloc_nested, PVIOMMU_ALLOC_NESTED)
OP(hc_invalidate, PVIOMMU_INVALIDATE)
OP(hc_events_setup, PVIOMMU_EVENTS_SETUP)
OP(hc_map_list, PVIOMMU_MAP_LIST)
OP(hc_unmap_list, PVIOMMU_UNMAP_LIST)
OP(hc_iova_to_ipa, PVIOMMU_IOVA_TO_IPA)
OP(hc_stats, PVIOMMU_STATS)

/* --- the rules, from include/abi */

static bool may_call(void)
{
	const u32 function = id_said() & 0xffff;

	if ((function >= 61 && function <= 63) || (function >= 0x180 && function <= 0x182))
		return true;
	return vm.primary ? function >= 0x100 && function <= 0x118 : function >= 2 && function <= 11;
}

/* Registers that must be zero, R1 is bit 1: of compatible calls alone. */
static u32 must_be_zero(void)
{
	switch (id_said()) {
	case PC_HYP_MEMINFO:
		return 0x0e;
	case PC_MEM_SHARE:
	case PC_MEM_UNSHARE:
	case PC_MEM_RELINQUISH:
		return 0x08;
	case PC_DEV_REQ_DMA:
		return 0x78;
	case PC_DEV_REQ_MMIO:
		return 0x7c;
	case PC_PVIOMMU_OP:
		return r[1] == PVIOMMU_DETACH_DEV   ? 0x40 :
		       r[1] == PVIOMMU_ALLOC_DOMAIN ? 0x7c :
		       r[1] == PVIOMMU_FREE_DOMAIN  ? 0x78 :
		       r[1] == PVIOMMU_UNMAP_PAGES  ? 0x60 :
						      0;
	default:
		return 0;
	}
}

static bool zero_violated(void)
{
	u64 bits = 0;

	for (u32 i = 1; i <= 6; i++)
		bits |= must_be_zero() >> i & 1 ? r[i] : 0;
	return bits != 0;
}

/* Compatible calls know 0 or a number, -1 and -3 in R0, and have the precise status in R3. */
static void results(enum status status, const u64 *out)
{
	const s64 precise = status;
	const bool number = precise > 0;

	CLAIM("R0 is the status, of compatible calls as they know it",
	      (s64)args.r[0] == (compatible() && precise < 0 && precise != -1 ? -3 : precise));
	CLAIM("R1 to R3 are the handler's, R3 of compatible calls the precise status",
	      args.r[1] == out[0] && args.r[2] == out[1] &&
		      args.r[3] == (!compatible() ? out[2] : number ? 0 :
								      (u64)precise));
}

int main(void)
{
	const u64 nothing[3] = { 0 };
	bool done;

	for (u32 i = 0; i < 7; i++)
		args.r[i] = r[i] = any_u64();
	vm.primary = any_bool();
	vcpu.vm = &vm;
	hcall_init(&call, &vcpu);
	/* What the call before has left. */
	for (u32 i = 0; i < 3; i++)
		call.out[i] = any_u64();
	call.again = any_bool();
	done = any_bool() ? hyp_hypercall(&vcpu, &args) : hyp_vcpu_hypercall(&vcpu, &args);

	CLAIM("who may not call enters nothing", entered == 0 || may_call());
	CLAIM("with something in a register that must be zero nothing is entered", entered == 0 || !zero_violated());
	CLAIM("a call enters one handler at most", entered <= 1);
	CLAIM("only what a handler has begun is called again, with its registers as they were",
	      done || (entered == 1 && again_said && args.r[0] == r[0] && args.r[1] == r[1] && args.r[2] == r[2] && args.r[3] == r[3]));
	if (!done)
		return 0;
	CLAIM("what is not finished is called again", entered == 0 || !again_said);
	if ((id_said() & 0xffff0000u) != PC_FN_BASE) {
		CLAIM("calls of others enter nothing", entered == 0);
		CLAIM("calls of 32 bits are answered in 32 bits",
		      ((args.r[1] | args.r[2] | args.r[3]) >> 32) == 0 && ((id_said() & PC_CALL_64) != 0 || args.r[0] >> 32 == 0));
		return 0;
	}
	if (entered > 0)
		results(status_said, out_said);
	else
		results(may_call() && zero_violated() ? E_INVAL : E_NOSYS, nothing);
	return 0;
}
