/* SPDX-License-Identifier: BSD-2-Clause */
/* A caller that asks for everything that is not its own: each answer is judged here, where all results are seen. */
#include <string.h>

#include "machine.h"
#include "service.h"

static u64 asked;

static void refused(const char *what, struct hres r, long wanted)
{
	long status = hres_status(r);

	asked++;
	REQUIRE(status == wanted, "%s answers %s", what, status ? status_name(status) : "SUCCESS");
	REQUIRE(!r.r1 && !r.r2 && (r.compatible || !r.r3), "%s refused with R1..R3 %lx %lx %lx", what, r.r1, r.r2, r.r3);
}

/* Registers of a VMM call that would be right, were it the primary's. */
static void vmm_calls(void)
{
	static const u32 functions[] = { PC_VMM_QUERY, PC_VM_CREATE, PC_VM_DESTROY, PC_VM_DONATE, PC_VM_FINALISE,
					 PC_VCPU_SET, PC_VCPU_RUN, PC_VCPU_IRQ, PC_VM_ADD_POOL, PC_DEV_COUNT, PC_DEV_INFO,
					 PC_DEV_GET_NUM_END_POINTS, PC_DEV_ASSIGN, PC_DEV_SET_END_POINT_VSID,
					 PC_DEV_RELEASE, PC_DEV_SPLIT, PC_DEV_MAP_MMIO, PC_DEV_MAP_IRQ, PC_DEV_JOIN };
	u64 strange[] = { 0, 1, 2, (u64)mail, mail->arg[0], ~0ul };

	for (u32 f = 0; f < ARRAY_COUNT(functions); f++) {
		for (u32 i = 0; i < ARRAY_COUNT(strange); i++) {
			u64 v = strange[i];

			refused("a VMM call", hcall(functions[f], v, v, v, v, v, v), PC_NOT_SUPPORTED);
			refused("a VMM call with the SVE hint", hcall(functions[f] | PC_SVE_HINT, v, 1, 1, 1, 0, 0),
				PC_NOT_SUPPORTED);
		}
	}
}

static void unknown_numbers(void)
{
	for (u32 number = 12; number < 61; number++)
		refused("an unknown call", hcall(PC_FN(number), 1, 2, 3, 4, 5, 6), PC_NOT_SUPPORTED);
	for (u32 number = 0x11a; number < 0x200; number += number == 0x17f ? 4 : 1)
		refused("an unknown call", hcall(PC_FN(number), 1, 2, 3, 4, 5, 6), PC_NOT_SUPPORTED);
	refused("the last call number", hcall(PC_FN(0xffff), 1, 2, 3, 4, 5, 6), PC_NOT_SUPPORTED);
	for (u64 op = PVIOMMU_OP_COUNT; op < 0x100; op++)
		refused("an unknown operation", pv_op(op, 0, 0, 0, 0, 0), PC_NOT_SUPPORTED);
	refused("operation 2^32", pv_op(1ul << 32 | PVIOMMU_QUERY, 0, 0, 0, 0, 0), PC_NOT_SUPPORTED);
}

/* It has no pvIOMMU, or not these vSIDs: what is another's answers as what is not there (D7). */
static void foreign_iommus(void)
{
	for (u64 pviommu = 8; pviommu < 12; pviommu++) {
		refused("QUERY", pv_query(pviommu, PVIOMMU_Q_VSID_COUNT, 0), PC_NOT_FOUND);
		refused("STATS", pv_stats(pviommu, PVIOMMU_STAT_MAPS), PC_NOT_FOUND);
		refused("ENDPOINT_INFO", pv_endpoint_info(pviommu, 0x5100), PC_NOT_FOUND);
		refused("SID_INFO", pv_sid_info(pviommu, 0x5100), PC_NOT_FOUND);
		refused("ATTACH_DEV", pv_attach(pviommu, 0x5100, 0, 0, 0), PC_NOT_FOUND);
		refused("DETACH_DEV", pv_detach(pviommu, 0x5100, 0, 0), PC_NOT_FOUND);
		refused("DEV_REQ_DMA", dev_req_dma(pviommu, 0x5100), PC_NOT_FOUND);
		refused("DEV_CONFIG", dev_config(pviommu, 0x5100, 0, 4, false, 0), PC_NOT_FOUND);
		refused("DEV_RESET", dev_reset(pviommu, 0x5100), PC_NOT_FOUND);
	}
	refused("MAP_PAGES into nobody's domain", pv_map(0x7777, 0x1000, (u64)mail, PAGE, 1), PC_NOT_FOUND);
	refused("FREE_DOMAIN", pv_free_domain(0x7777), PC_NOT_FOUND);
	refused("DEV_REQ_MMIO of memory", dev_req_mmio((u64)mail), PC_NOT_FOUND);
}

/* Memory calls with addresses that are not its own, and shapes that are none. */
static void memory_calls(void)
{
	static const u64 nowhere[] = { 0, SERVICE_GICD, SERVICE_GICR, DOORBELL, 0x40000000, 0xfffffff000, 1ul << 40, 1ul << 52 };
	u64 end = mail->arg[0];

	for (u32 i = 0; i < ARRAY_COUNT(nowhere); i++) {
		u64 at = nowhere[i];

		refused("MEM_SHARE of nothing", mem_share(at, 1), PC_FAULT);
		refused("MEM_UNSHARE of nothing", mem_unshare(at, 1), PC_FAULT);
		refused("MEM_RELINQUISH of nothing", mem_relinquish(at), PC_FAULT);
		refused("CONSOLE of nothing", console_call(at, 16), PC_FAULT);
	}
	refused("MEM_SHARE that wraps", mem_share(-PAGE, 1), PC_INVALID_PARAMETER);
	refused("MEM_SHARE, unaligned", mem_share((u64)mail + 8, 1), PC_INVALID_PARAMETER);
	refused("MEM_RELINQUISH, unaligned", mem_relinquish((u64)mail + 8), PC_INVALID_PARAMETER);
	refused("MEM_SHARE, R3 set", hcall(PC_MEM_SHARE, (u64)mail, 1, 1, 0, 0, 0), PC_INVALID_PARAMETER);
	refused("MEM_SHARE of what is shared", mem_share((u64)mail, 1), PC_DENIED);
	refused("MEM_RELINQUISH of what is shared", mem_relinquish((u64)mail), PC_DENIED);
	refused("CONSOLE past the end", console_call(end - 8, 16), PC_FAULT);
}

static void discovery(void)
{
	struct hres r = hcall(PC_SMCCC_VERSION, 0, 0, 0, 0, 0, 0);

	REQUIRE(r.r0 == PC_SMCCC_VERSION_1_2, "SMCCC_VERSION is %lx", r.r0);
	r = hcall(PC_VENDOR_UID, 0, 0, 0, 0, 0, 0);
	REQUIRE(r.r0 == PC_VENDOR_UID_0 && r.r1 == PC_VENDOR_UID_1 && r.r2 == PC_VENDOR_UID_2 && r.r3 == PC_VENDOR_UID_3,
		"the vendor's UID is %lx %lx %lx %lx", r.r0, r.r1, r.r2, r.r3);
	r = hcall(PC_VENDOR_FEATURES, 0, 0, 0, 0, 0, 0);
	REQUIRE(r.r0 == 0xffd && r.r1 == 0xe0000000 && !r.r2 && !r.r3, "FEATURES are %lx %lx %lx %lx", r.r0, r.r1, r.r2, r.r3);
	r = hcall(PC_HYP_MEMINFO, 0, 0, 0, 0, 0, 0);
	REQUIRE(r.r0 == PAGE && (r.r1 & 1), "HYP_MEMINFO answers %lx %lx", r.r0, r.r1);
	r = hcall(PC_MMIO_GUARD_INFO, 0, 0, 0, 0, 0, 0);
	REQUIRE(r.r0 == PAGE, "MMIO_GUARD_INFO answers %lx", r.r0);
}

/* arg: end of its memory -> calls that were refused */
SERVICE(hostile)
{
	asked = 0;
	discovery();
	vmm_calls();
	unknown_numbers();
	foreign_iommus();
	memory_calls();
	mail->result[0] = asked;
}
