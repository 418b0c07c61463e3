/* SPDX-License-Identifier: BSD-2-Clause */
#include "entries.h"

#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "hcall/hcall.h"
#include "spec.h"

struct entry {
	const char *name;
	u64 count;
};

static struct entry kinds[SPEC_ENTRIES] = {
	[ENTRY_DISCOVERY] = { .name = "discovery" },
	[ENTRY_UNKNOWN] = { .name = "calls that do not exist" },
	[ENTRY_ACCESS] = { .name = "accesses of the primary" },
	[ENTRY_VM_ACCESS] = { .name = "accesses of secondaries" },
	[ENTRY_RUN] = { .name = "entries of vCPUs" },
	[ENTRY_VM_CHECK] = { .name = "returns to secondaries" },
	[ENTRY_IRQ] = { .name = "interrupts of the hypervisor" },
	[ENTRY_EXIT_WORK] = { .name = "exits with work" },
	[ENTRY_STORM] = { .name = "storms" },
	[ENTRY_WAKE] = { .name = "wakes of vCPUs" },
	[ENTRY_PSCI] = { .name = "PSCI of the primary" },
	[ENTRY_SMC] = { .name = "other SMCs of the primary" },
	[ENTRY_VM_PSCI] = { .name = "PSCI of secondaries" },
	[ENTRY_GICD] = { .name = "accesses to the distributor" },
	[ENTRY_GICR] = { .name = "accesses to redistributors" },
	[ENTRY_VGIC] = { .name = "accesses to a VM's distributor and redistributors" },
	[ENTRY_SYSREG] = { .name = "system registers of the primary" },
	[ENTRY_VM_SYSREG] = { .name = "system registers of secondaries" },
	[ENTRY_TRAP] = { .name = "other exceptions of the primary" },
	[ENTRY_VM_TRAP] = { .name = "other exceptions of secondaries" },
};

#define FN(id) [(id) & PC_FN_MASK] = { .name = #id }
#define OP(id) [id] = { .name = #id }

/* PVIOMMU_OP is not among them: its operations are. */
static struct entry functions[HCALL_FUNCTIONS] = {
	FN(PC_HYP_MEMINFO),
	FN(PC_MEM_SHARE),
	FN(PC_MEM_UNSHARE),
	FN(PC_MEM_RELINQUISH),
	FN(PC_MMIO_GUARD_INFO),
	FN(PC_MMIO_GUARD_ENROLL),
	FN(PC_MMIO_GUARD_MAP),
	FN(PC_MMIO_GUARD_UNMAP),
	FN(PC_MMIO_RGUARD_MAP),
	FN(PC_MMIO_RGUARD_UNMAP),
	FN(PC_DEV_REQ_DMA),
	FN(PC_DEV_REQ_MMIO),
	FN(PC_VMM_QUERY),
	FN(PC_VM_CREATE),
	FN(PC_VM_DESTROY),
	FN(PC_VM_DONATE),
	FN(PC_VM_FINALISE),
	FN(PC_VM_ADD_POOL),
	FN(PC_VCPU_SET),
	FN(PC_VCPU_RUN),
	FN(PC_VCPU_IRQ),
	FN(PC_DEV_COUNT),
	FN(PC_DEV_INFO),
	FN(PC_DEV_GET_NUM_END_POINTS),
	FN(PC_DEV_ASSIGN),
	FN(PC_DEV_SET_END_POINT_VSID),
	FN(PC_DEV_RELEASE),
	FN(PC_DEV_MAP_MMIO),
	FN(PC_DEV_MAP_IRQ),
	FN(PC_CONSOLE),
	FN(PC_DEV_CONFIG),
	FN(PC_DEV_RESET),
};

static struct entry operations[PVIOMMU_OP_COUNT] = {
	OP(PVIOMMU_ATTACH_DEV),
	OP(PVIOMMU_DETACH_DEV),
	OP(PVIOMMU_ALLOC_DOMAIN),
	OP(PVIOMMU_FREE_DOMAIN),
	OP(PVIOMMU_MAP_PAGES),
	OP(PVIOMMU_UNMAP_PAGES),
	OP(PVIOMMU_SID_INFO),
	OP(PVIOMMU_QUERY),
	OP(PVIOMMU_ENDPOINT_INFO),
	OP(PVIOMMU_ALLOC_NESTED),
	OP(PVIOMMU_INVALIDATE),
	OP(PVIOMMU_ATTACH_LIST),
	OP(PVIOMMU_DETACH_LIST),
	OP(PVIOMMU_EVENTS_SETUP),
	OP(PVIOMMU_MAP_LIST),
	OP(PVIOMMU_UNMAP_LIST),
	OP(PVIOMMU_IOVA_TO_IPA),
	OP(PVIOMMU_STATS),
};

void entry_judged(enum spec_entry entry)
{
	/* Some belong to one CPU and wait for nobody's turn. */
	__atomic_fetch_add(&spec_counts.calls, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&kinds[entry].count, 1, __ATOMIC_RELAXED);
}

void entry_call_judged(u32 function, u64 operation)
{
	if (function == (PC_PVIOMMU_OP & PC_FN_MASK) && operation < PVIOMMU_OP_COUNT)
		operations[operation].count++;
	else if (function < HCALL_FUNCTIONS && functions[function].name != NULL)
		functions[function].count++;
	else
		kinds[ENTRY_UNKNOWN].count++;
	__atomic_fetch_add(&spec_counts.calls, 1, __ATOMIC_RELAXED);
	spec_counts.hypercalls++;
}

const char *entries_missing(void)
{
	for (u32 i = 0; i < HCALL_FUNCTIONS; i++)
		if ((hcall_function[i].handler != NULL) != (functions[i].name != NULL) ||
		    (hcall_function[i].handler != NULL) != spec_has_function(i))
			return "a function of the call table has no rule, or a rule has no function";
	for (u32 i = 0; i < PVIOMMU_OP_COUNT; i++)
		if ((hcall_pviommu[i].handler != NULL) != (operations[i].name != NULL) ||
		    (hcall_pviommu[i].handler != NULL) != spec_has_operation(i))
			return "an operation of PVIOMMU_OP has no rule, or a rule has no operation";
	for (u32 i = 0; i < SPEC_ENTRIES; i++)
		if (kinds[i].name == NULL)
			return "a kind of trap or event is not in the table of entry points";
	return NULL;
}

/* The n-th of a table that has a name; n counts down. */
static bool nth(const struct entry *table, u32 size, u32 *n, const char **name, u64 *count)
{
	for (u32 i = 0; i < size; i++)
		if (table[i].name != NULL && (*n)-- == 0) {
			*name = table[i].name;
			*count = table[i].count;
			return true;
		}
	return false;
}

bool entries_line(u32 line, const char **name, u64 *count)
{
	return nth(functions, HCALL_FUNCTIONS, &line, name, count) || nth(operations, PVIOMMU_OP_COUNT, &line, name, count) ||
	       nth(kinds, SPEC_ENTRIES, &line, name, count);
}
