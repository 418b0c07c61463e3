/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call, with the n-th of everything that can fail failing, for every n until the call needs fewer: allocations,
 * commands, completions, register reads, slots of the command queue, resets, devices that do not answer an invalidation. The
 * oracle looks behind each call, a refused one has changed nothing bit for bit (V10), and when the VM has gone all is as at
 * boot (K4) but for what hardware that failed may still reach. How many points there were is printed at the end. What PCI
 * reads back is not among them: the bench has functions to order in place of hyp/pci. There the n-th read of a reset
 * fails in pci_reset.E3_E9_reads_that_fail, and those of a boot in pci_refuse.liars.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench_nested.h"
#include "bench_vm.h"
#include "hcall/hcall.h"
#include "suite.h"

#define AT      0x80000000ull
#define N_LIMIT 400u
#define LIST    bench_page(3600)
#define ENTRIES bench_page(3601)

extern bool smmuv3_ill_panics; /* of the driver, in test builds */

/* --- the world that every scenario starts from */

static u32 vm, vm_domain, own, other, nested[2];

static void memory(void)
{
	bench_donate(vm, AT, bench_block(2), 512, 0);
	bench_donate(vm, AT + 3 * BLOCK_SIZE, bench_page(200), 40, PC_DONATE_READ_ONLY);
	bench_donate(vm, AT + 4 * BLOCK_SIZE, bench_page(300), 100, 0);
	assert_status(vm_share(vm, AT + 4 * BLOCK_SIZE + 50 * PAGE_SIZE, 4), PC_SUCCESS);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_ENROLL, 0, 0), PC_SUCCESS);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000000, 0), PC_SUCCESS);
}

/* What a first stage says beside its contexts: devices may keep translations (STE.EATS, IHI 0070 5.2), where they can. */
static u64 eats;

/* The VM's own first stage, in its pages from AT + 1 MiB on, which are those of a block of the primary's. */
static void vm_first_stage(void)
{
	const u64 at = AT + BLOCK_SIZE / 2, where = bench_block(2) + BLOCK_SIZE / 2;
	struct result r;

	bench_stage1_leaf(at + PAGE_SIZE, where + PAGE_SIZE, 0x1000, AT + 0x30000);
	bench_stage1_context(where + 256, 1, at + PAGE_SIZE);
	*(struct pviommu_alloc_nested *)bench_ptr(where) = (struct pviommu_alloc_nested){
		.size = 32, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = at + 64
	};
	*(struct pviommu_nested_smmuv3 *)bench_ptr(where + 64) = (struct pviommu_nested_smmuv3){ { 5 << 1 | 1 | (at + 256), eats } };
	r = vm_pv(vm, PVIOMMU_ALLOC_NESTED, at, 0, 0, 0, 0);
	assert_status(r, PC_SUCCESS);
	io_clean(bench_ptr(where), 5 * PAGE_SIZE);
	bench_vm_attach(vm, 200, (u32)r.v1);
	bench_lands(3, 0, 0x1000, bench_block(2) + 0x30000);
}

static void secondary(void)
{
	vm = iommu_instance[0].caps.nested ? bench_vm_nested(0) : bench_vm(0);
	memory();
	bench_vm_assign(0, vm, 0, 100);
	bench_vm_assign(3, vm, 0, 200);
	assert_status(pc_dev_map_mmio(3, 0, AT + 8 * BLOCK_SIZE), PC_SUCCESS);
	vm_domain = bench_vm_domain(vm);
	bench_vm_map(vm, vm_domain, 0, AT, BLOCK_SIZE);
	bench_vm_map(vm, vm_domain, 5ull << 30, AT + 4 * BLOCK_SIZE, 16 * PAGE_SIZE);
	bench_vm_attach(vm, 100, vm_domain);
	if (iommu_instance[0].caps.nested)
		vm_first_stage();
}

/* The primary's: one of a page, one of several, a block, an empty table where a block fits; all in the caches. */
static void primary(void)
{
	bench_assign(1, 0, 7);
	bench_assign(4, 0, 50);
	own = bench_domain();
	other = bench_domain();
	bench_map(own, 0x1000, bench_page(1000), PAGE_SIZE);
	bench_map(own, 0x10000, bench_page(1010), 8 * PAGE_SIZE);
	bench_map(own, BLOCK_SIZE, bench_block(5), BLOCK_SIZE);
	bench_map(own, 8 * BLOCK_SIZE, bench_page(930), PAGE_SIZE);
	bench_attach(7, own);
	bench_lands(1, 0, 8 * BLOCK_SIZE, bench_page(930));
	bench_unmap(own, 8 * BLOCK_SIZE, PAGE_SIZE);
	bench_lands(1, 0, 0x1000, bench_page(1000));
	bench_lands(1, 0, 0x12000, bench_page(1012));
	bench_lands(1, 0, BLOCK_SIZE + 0x1000, bench_block(5) + 0x1000);
}

/* First stages of the primary's own, in its pages from 970 on; one of them is in use, and in the caches. */
static struct result alloc_nested(u32 n)
{
	*(struct pviommu_alloc_nested *)bench_ptr(LIST) = (struct pviommu_alloc_nested){
		.size = 32, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = ENTRIES
	};
	*(struct pviommu_nested_smmuv3 *)bench_ptr(ENTRIES) = (struct pviommu_nested_smmuv3){ { 5 << 1 | 1 | (bench_page(970) + 64 * n), eats } };
	return pv_list(PVIOMMU_ALLOC_NESTED, LIST);
}

static void first_stages(void)
{
	u64 *table = bench_ptr(bench_page(971));

	bench_assign(5, 0, 60);
	if (!iommu_instance[0].caps.nested)
		return;
	for (u32 i = 0; i < 3; i++)
		table[i * 512] = (bench_page(972) + i * PAGE_SIZE) | 3;
	table[3 * 512 + 1] = bench_page(980) | 0x743 | 0x800;
	for (u32 i = 0; i < 2; i++) {
		u64 *cd = (u64 *)bench_ptr(bench_page(970)) + 8 * i;

		cd[0] = 1ull << 48 | 7ull << 45 | 1ull << 41 | 5ull << 32 | 3ull << 30 | 0x3500 | 16;
		cd[1] = bench_page(971);
		cd[3] = 0xff;
		nested[i] = (u32)alloc_nested(i).v1;
	}
	/* Where hardware does not snoop, its own tables are the guest's to clean. */
	io_clean(bench_ptr(bench_page(970)), 5 * PAGE_SIZE);
	bench_attach(60, nested[0]);
	bench_lands(5, 0, 0x1000, bench_page(980));
	if (eats != 0) {
		u64 out;

		assert_int_equal(smmu_ats_request(bench_smmu[0], bench_sid(5, 0), 0x1000, &out), SMMU_OK);
		assert_true(smmu_atc_holds(bench_smmu[0], bench_sid(5, 0), 0x1000));
	}
}

static void world(const struct bench_options *o)
{
	bench_boot(o);
	oracle_effort(32);
	secondary();
	primary();
	first_stages();
	smmu_speculate(bench_smmu[0]);
}

/* --- the calls */

static struct result c_alloc(void) { return pv_alloc(); }

static struct result c_free(void) { return pv_free(other); }

static struct result c_attach(void) { return pv_attach(0, 50, 0, own, 0); }

static struct result c_attach_pasids(void) { return pv_attach(0, 50, 0, own, 4); }

static struct result c_replace(void) { return pv_attach(0, 7, 0, other, 0); }

static struct result c_detach(void) { return pv_detach(0, 7, 0, own); }

static struct result attach_list(u64 operation, u32 domain, u32 first, u32 second)
{
	u32 *vsid = bench_ptr(ENTRIES);

	*(struct pviommu_attach_list *)bench_ptr(LIST) = (struct pviommu_attach_list){
		.size = 48, .domain = domain, .vsids_ipa = ENTRIES, .vsid_count = second != 0 ? 2 : 1
	};
	vsid[0] = first;
	vsid[1] = second;
	return pv_list(operation, LIST);
}

static struct result c_attach_list(void) { return attach_list(PVIOMMU_ATTACH_LIST, other, 7, 50); }

static struct result c_detach_list(void) { return attach_list(PVIOMMU_DETACH_LIST, own, 7, 0); }

static struct result c_map(void) { return pv_map(own, 0x20000, bench_page(950), PAGE_SIZE, BENCH_RW); }

static struct result c_map_tables(void)
{
	return pv_map(own, (1ull << 39) - 16 * PAGE_SIZE, bench_page(950), 32 * PAGE_SIZE, BENCH_RW);
}

static struct result c_map_block(void) { return pv_map(own, 8 * BLOCK_SIZE, bench_block(6), BLOCK_SIZE, BENCH_RW); }

static struct result c_map_mixed(void)
{
	return pv_map(own, 8 * BLOCK_SIZE - PAGE_SIZE, bench_block(6) - PAGE_SIZE, BLOCK_SIZE + 2 * PAGE_SIZE, BENCH_RW);
}

static struct result c_map_mmio(void)
{
	return pv_map(own, 9ull << 30, bench_bar(2), 0x4000,
		      PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ | PVIOMMU_PROT_NOEXEC);
}

static struct result c_unmap(void) { return pv_unmap(own, 0x1000, PAGE_SIZE); }

static struct result c_unmap_pages(void) { return pv_unmap(own, 0x10000, 8 * PAGE_SIZE); }

static struct result c_unmap_block(void) { return pv_unmap(own, BLOCK_SIZE, BLOCK_SIZE); }

static struct result c_unmap_split(void) { return pv_unmap(own, BLOCK_SIZE + 0x3000, 0x2000); }

static struct result map_list(u64 operation, u32 length)
{
	*(struct pviommu_map_list *)bench_ptr(LIST) = (struct pviommu_map_list){
		.size = 32, .domain = own, .entry_len = length, .entry_num = 3, .entries_ipa = ENTRIES
	};
	return pv_list(operation, LIST);
}

static struct result c_map_list(void)
{
	struct pviommu_map_entry *e = bench_ptr(ENTRIES);

	for (u32 i = 0; i < 3; i++)
		e[i] = (struct pviommu_map_entry){ (10ull + i) << 30, bench_page(960 + i), PAGE_SIZE, BENCH_RW, 0 };
	return map_list(PVIOMMU_MAP_LIST, sizeof(*e));
}

static struct result c_unmap_list(void)
{
	static const struct pviommu_unmap_entry entries[] = { { 0x1000, 0x1000 },
							      { 0x12000, 0x2000 },
							      { BLOCK_SIZE, BLOCK_SIZE } };

	memcpy(bench_ptr(ENTRIES), entries, sizeof(entries));
	return map_list(PVIOMMU_UNMAP_LIST, sizeof(entries[0]));
}

static struct result c_sid_info(void) { return pv_sid_info(0, 7); }

static struct result c_query(void) { return pv_query(0, PVIOMMU_Q_VSID, 1); }

static struct result c_endpoint_info(void) { return pv_endpoint_info(0, 7); }

static struct result c_iova_to_ipa(void) { return pv_iova_to_ipa(own, 0x12345); }

static struct result c_events(void)
{
	return bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, 0, bench_page(900), 6, machine->event_irq[0],
			  PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL));
}

static struct result c_alloc_nested(void) { return alloc_nested(1); }

static struct result c_attach_nested(void) { return pv_attach(0, 50, 0, nested[0], 0); }

static struct result c_replace_nested(void) { return pv_attach(0, 60, 0, nested[1], 0); }

static struct result c_detach_nested(void) { return pv_detach(0, 60, 0, nested[0]); }

static struct result c_invalidate(void)
{
	static const struct pviommu_inval_smmuv3 entries[] = {
		{ { 0x05 | 60ull << 32, 1 } }, { { 0x12 | 1ull << 48, 0x1000 } }, { { 0x10, 0 } }, { { 0x06 | 60ull << 32, 0 } }, { { 0x30, 0 } }
	};

	*(struct pviommu_invalidate *)bench_ptr(LIST) = (struct pviommu_invalidate){ .size = 56,
										     .data_type = PVIOMMU_INVAL_SMMUV3,
										     .entry_len = 16,
										     .entry_num = ARRAY_SIZE(entries),
										     .entries_ipa = ENTRIES,
										     .status_ipa = ENTRIES + 512 };
	memcpy(bench_ptr(ENTRIES), entries, sizeof(entries));
	return pv_list(PVIOMMU_INVALIDATE, LIST);
}

static struct result c_stats(void) { return pv_stats(0, PVIOMMU_STAT_PINS); }

static struct result c_vm_alloc(void) { return vm_pv(vm, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0); }

static struct result c_vm_free(void)
{
	struct result r = vm_pv(vm, PVIOMMU_DETACH_DEV, 0, 100, 0, vm_domain, 0);

	return r.status == PC_SUCCESS ? vm_pv(vm, PVIOMMU_FREE_DOMAIN, vm_domain, 0, 0, 0, 0) : r;
}

static struct result c_vm_attach(void) { return vm_pv(vm, PVIOMMU_ATTACH_DEV, 0, 200, 0, vm_domain, 0); }

static struct result c_vm_map(void)
{
	return vm_pv(vm, PVIOMMU_MAP_PAGES, vm_domain, 7ull << 30, AT + 3 * BLOCK_SIZE, 8 * PAGE_SIZE,
		     PVIOMMU_PROT_READ | PVIOMMU_PROT_CACHE | PVIOMMU_PROT_NOEXEC);
}

static struct result c_vm_unmap(void)
{
	return vm_pv(vm, PVIOMMU_UNMAP_PAGES, vm_domain, 5ull << 30, 16 * PAGE_SIZE, 0, 0);
}

static struct result c_vm_unmap_split(void) { return vm_pv(vm, PVIOMMU_UNMAP_PAGES, vm_domain, 0x5000, 0x1000, 0, 0); }

static struct result c_vmm_query(void) { return pc_vmm_query(PC_VMM_Q_POOL_FREE, 0); }

static struct result c_create(void) { return pc_vm_create(0, 2, bench_page(1600) + 3 * PAGE_SIZE, 80); }

/* To its end. */
static struct result c_destroy(void)
{
	struct result r;
	u32 steps = 0;

	do {
		r = pc_vm_destroy(vm);
		assert_true(++steps < 10000);
	} while (r.status == PC_SUCCESS && r.v1 != 0);
	return r;
}

static struct result c_donate(void) { return pc_vm_donate(vm, AT + 12 * BLOCK_SIZE, bench_page(1700), 3, 0); }

/* Where the VM's view has no table yet: several in one step. */
static struct result c_donate_far(void) { return pc_vm_donate(vm, AT + (9ull << 30), bench_page(1700), 3, 0); }

static struct result c_donate_block(void)
{
	return pc_vm_donate(vm, AT + 12 * BLOCK_SIZE, bench_block(6), 512, PC_DONATE_SCRUB);
}

static struct result c_add_pool(void) { return pc_vm_add_pool(vm, bench_page(1650), 30); }

static struct result c_finalise(void) { return pc_vm_finalise(vm); }

static struct result c_vcpu_set(void) { return pc_vcpu_set(vm, 0, AT, 0); }

static struct result c_vcpu_run(void)
{
	bench_exit();
	return pc_vcpu_run(vm, 0, BENCH_EXIT);
}

static struct result c_vcpu_irq(void) { return pc_vcpu_irq(vm, 0, 40, 1); }

static struct result c_dev_count(void) { return pc_dev_count(); }

static struct result c_dev_info(void)
{
	*(u32 *)bench_ptr(LIST) = sizeof(struct pc_dev_info);
	return pc_dev_info(3, LIST);
}

static struct result c_dev_endpoints(void) { return pc_dev_endpoints(0); }

static struct result c_assign(void) { return pc_dev_assign(2, PC_VM_PRIMARY, 0); }

static struct result c_vm_assign(void) { return pc_dev_assign(2, vm, 0); }

static struct result c_vsid(void)
{
	struct result r = pc_dev_assign(2, PC_VM_PRIMARY, 0);

	return r.status == PC_SUCCESS ? pc_dev_vsid(2, 0, 77) : r;
}

static struct result c_release(void) { return pc_dev_release(4); }

static struct result c_vm_release(void) { return pc_dev_release(3); }

static struct result c_dev_map_mmio(void) { return pc_dev_map_mmio(0, 1, AT + 30 * BLOCK_SIZE); }

static struct result c_dev_map_irq(void) { return pc_dev_map_irq(3, 0, 40); }

static struct result c_share(void) { return vm_share(vm, AT + 0x10000, 3); }

static struct result c_unshare(void) { return vm_unshare(vm, AT + 4 * BLOCK_SIZE + 50 * PAGE_SIZE, 2); }

static struct result c_relinquish(void) { return vm_relinquish(vm, AT + 4 * BLOCK_SIZE + 40 * PAGE_SIZE, 0); }

static struct result c_relinquish_of_block(void) { return vm_relinquish(vm, AT + 0x30000, 0); }

static struct result c_guard_info(void) { return vm_guard(vm, PC_MMIO_GUARD_INFO, 0, 0); }

static struct result c_guard_enroll(void) { return vm_guard(vm, PC_MMIO_GUARD_ENROLL, 0, 0); }

static struct result c_guard_map(void) { return vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9100000, 0); }

static struct result c_guard_unmap(void) { return vm_guard(vm, PC_MMIO_GUARD_UNMAP, 0x9000000, 0); }

static struct result c_guard_range_map(void) { return vm_guard(vm, PC_MMIO_RGUARD_MAP, 0x9200000, 5); }

static struct result c_guard_range_unmap(void) { return vm_guard(vm, PC_MMIO_RGUARD_UNMAP, 0x9000000, 1); }

static struct result c_meminfo(void) { return bench_call_vm(vm, PC_HYP_MEMINFO, 0, 0, 0, 0, 0, 0); }

static struct result c_req_dma(void) { return pc_dev_req_dma(0, 7); }

static struct result c_req_mmio(void) { return pc_dev_req_mmio(bench_bar(1)); }

static struct result c_console(void) { return bench_call_vm(vm, PC_CONSOLE, AT, 16, 0, 0, 0, 0); }

static struct result c_config(void) { return vm_config(vm, 0, 200, 2 << 16, 0); }

static struct result c_reset(void) { return vm_reset(vm, 0, 200); }

#define OP(op) (PVIOMMU_OP_COUNT > (op) ? 0x10000u | (op) : 0)
#define FN(id) ((id) & PC_FN_MASK)

static const struct scenario {
	u32 call; /* number, or operation with bit 16 */
	const char *name;
	struct result (*make)(void);
} scenarios[] = {
	{ OP(PVIOMMU_ALLOC_DOMAIN), "alloc", c_alloc },
	{ OP(PVIOMMU_FREE_DOMAIN), "free", c_free },
	{ OP(PVIOMMU_ATTACH_DEV), "attach", c_attach },
	{ OP(PVIOMMU_ATTACH_DEV), "attach with PASIDs", c_attach_pasids },
	{ OP(PVIOMMU_ATTACH_DEV), "attach to another", c_replace },
	{ OP(PVIOMMU_DETACH_DEV), "detach", c_detach },
	{ OP(PVIOMMU_ATTACH_LIST), "attach a list", c_attach_list },
	{ OP(PVIOMMU_DETACH_LIST), "detach a list", c_detach_list },
	{ OP(PVIOMMU_MAP_PAGES), "map a page", c_map },
	{ OP(PVIOMMU_MAP_PAGES), "map across tables", c_map_tables },
	{ OP(PVIOMMU_MAP_PAGES), "map a block", c_map_block },
	{ OP(PVIOMMU_MAP_PAGES), "map pages and a block", c_map_mixed },
	{ OP(PVIOMMU_MAP_PAGES), "map MMIO", c_map_mmio },
	{ OP(PVIOMMU_UNMAP_PAGES), "unmap a page", c_unmap },
	{ OP(PVIOMMU_UNMAP_PAGES), "unmap pages", c_unmap_pages },
	{ OP(PVIOMMU_UNMAP_PAGES), "unmap a block", c_unmap_block },
	{ OP(PVIOMMU_UNMAP_PAGES), "unmap part of a block", c_unmap_split },
	{ OP(PVIOMMU_MAP_LIST), "map a list", c_map_list },
	{ OP(PVIOMMU_UNMAP_LIST), "unmap a list", c_unmap_list },
	{ OP(PVIOMMU_SID_INFO), "stream info", c_sid_info },
	{ OP(PVIOMMU_QUERY), "query", c_query },
	{ OP(PVIOMMU_ENDPOINT_INFO), "endpoint info", c_endpoint_info },
	{ OP(PVIOMMU_IOVA_TO_IPA), "IOVA to IPA", c_iova_to_ipa },
	{ OP(PVIOMMU_EVENTS_SETUP), "events_setup", c_events },
	{ OP(PVIOMMU_ALLOC_NESTED), "alloc nested", c_alloc_nested },
	{ OP(PVIOMMU_ATTACH_DEV), "attach nested", c_attach_nested },
	{ OP(PVIOMMU_ATTACH_DEV), "attach to another nested", c_replace_nested },
	{ OP(PVIOMMU_DETACH_DEV), "detach nested", c_detach_nested },
	{ OP(PVIOMMU_INVALIDATE), "invalidate", c_invalidate },
	{ OP(PVIOMMU_STATS), "stats", c_stats },
	{ OP(PVIOMMU_ALLOC_DOMAIN), "a secondary's alloc", c_vm_alloc },
	{ OP(PVIOMMU_FREE_DOMAIN), "a secondary's detach and free", c_vm_free },
	{ OP(PVIOMMU_ATTACH_DEV), "a secondary's attach", c_vm_attach },
	{ OP(PVIOMMU_MAP_PAGES), "a secondary's map", c_vm_map },
	{ OP(PVIOMMU_UNMAP_PAGES), "a secondary's unmap", c_vm_unmap },
	{ OP(PVIOMMU_UNMAP_PAGES), "a secondary's unmap of part of a block", c_vm_unmap_split },
	{ FN(PC_VMM_QUERY), "VMM query", c_vmm_query },
	{ FN(PC_VM_CREATE), "create", c_create },
	{ FN(PC_VM_DESTROY), "destroy", c_destroy },
	{ FN(PC_VM_DONATE), "donate", c_donate },
	{ FN(PC_VM_DONATE), "donate where no table is", c_donate_far },
	{ FN(PC_VM_DONATE), "donate a block", c_donate_block },
	{ FN(PC_VM_ADD_POOL), "add to the pool", c_add_pool },
	{ FN(PC_VM_FINALISE), "finalise", c_finalise },
	{ FN(PC_VCPU_SET), "vCPU set", c_vcpu_set },
	{ FN(PC_VCPU_RUN), "vCPU run", c_vcpu_run },
	{ FN(PC_VCPU_IRQ), "vCPU interrupt", c_vcpu_irq },
	{ FN(PC_DEV_COUNT), "device count", c_dev_count },
	{ FN(PC_DEV_INFO), "device info", c_dev_info },
	{ FN(PC_DEV_GET_NUM_END_POINTS), "device endpoints", c_dev_endpoints },
	{ FN(PC_DEV_ASSIGN), "assign", c_assign },
	{ FN(PC_DEV_ASSIGN), "assign to a secondary", c_vm_assign },
	{ FN(PC_DEV_SET_END_POINT_VSID), "assign and name", c_vsid },
	{ FN(PC_DEV_RELEASE), "release", c_release },
	{ FN(PC_DEV_RELEASE), "release by a secondary", c_vm_release },
	{ FN(PC_DEV_MAP_MMIO), "device's MMIO", c_dev_map_mmio },
	{ FN(PC_DEV_MAP_IRQ), "device's interrupt", c_dev_map_irq },
	{ FN(PC_HYP_MEMINFO), "memory info", c_meminfo },
	{ FN(PC_MEM_SHARE), "share", c_share },
	{ FN(PC_MEM_UNSHARE), "unshare", c_unshare },
	{ FN(PC_MEM_RELINQUISH), "relinquish", c_relinquish },
	{ FN(PC_MEM_RELINQUISH), "relinquish out of a block", c_relinquish_of_block },
	{ FN(PC_MMIO_GUARD_INFO), "guard info", c_guard_info },
	{ FN(PC_MMIO_GUARD_ENROLL), "guard enroll", c_guard_enroll },
	{ FN(PC_MMIO_GUARD_MAP), "guard map", c_guard_map },
	{ FN(PC_MMIO_GUARD_UNMAP), "guard unmap", c_guard_unmap },
	{ FN(PC_MMIO_RGUARD_MAP), "guard a range", c_guard_range_map },
	{ FN(PC_MMIO_RGUARD_UNMAP), "guard a range no more", c_guard_range_unmap },
	{ FN(PC_DEV_REQ_DMA), "DMA token", c_req_dma },
	{ FN(PC_DEV_REQ_MMIO), "MMIO token", c_req_mmio },
	{ FN(PC_CONSOLE), "console", c_console },
	{ FN(PC_DEV_CONFIG), "configuration space", c_config },
	{ FN(PC_DEV_RESET), "reset by its owner", c_reset },
};

/* No call is left out. */
static bool in_table(u32 call)
{
	for (u32 i = 0; i < ARRAY_SIZE(scenarios); i++)
		if (scenarios[i].call == call)
			return true;
	return false;
}

static void every_call_is_in_the_table(void **state UNUSED)
{
	for (u32 i = 0; i < PVIOMMU_OP_COUNT; i++)
		if (hcall_pviommu[i].handler != NULL && !in_table(OP(i)))
			suite_fail("operation %#x has no scenario", i);
	for (u32 i = 0; i < HCALL_FUNCTIONS; i++)
		if (hcall_function[i].handler != NULL && i != FN(PC_PVIOMMU_OP) && !in_table(i))
			suite_fail("function %#x has no scenario", i);
}

/* --- what fails */

enum kind { ALLOCATION,
	    COMMAND_ABORTED,   /* and taken the second time */
	    COMMAND_REFUSED,   /* as often as it is tried */
	    COMMAND_ILLEGAL,
	    DEVICE_LATE,       /* a device has not answered an invalidation before the next sync */
	    COMPLETION,        /* and all behind it */
	    REGISTER_READ,     /* ones, once */
	    REGISTERS_GONE,    /* ones from there on */
	    DEVICE_RESET,
	    BOOT_STEP,
	    KINDS };

static const char *const kind_name[KINDS] = { "allocations", "commands aborted", "commands refused",
					      "illegal commands", "late devices", "completions", "register reads",
					      "registers gone", "resets", "steps of the boot" };

static u32 *points;  /* by kind; shared with children */
static bool *reached; /* by the last child */

static void plant(enum kind kind, u32 n)
{
	struct smmu *smmu = bench_smmu[0];

	switch (kind) {
	case ALLOCATION:
		/* Without stage 2 a device that goes home needs a context: it stays blocked until it is released again. */
		if (!iommu_common.stage2)
			bench_quarantine_expected();
		pool_fail_after = n;
		break;
	case COMMAND_ABORTED:
		smmu_inject_cerror(smmu, n, SMMU_CERROR_ABT);
		break;
	case COMMAND_REFUSED:
		bench_hardware_fails();
		smmu_inject_cerrors(smmu, n, SMMU_CERROR_ABT, 16);
		break;
	case COMMAND_ILLEGAL:
		smmuv3_ill_panics = false;
		oracle_stand_ins_allowed();
		smmu_inject_cerror(smmu, n, SMMU_CERROR_ILL);
		break;
	case DEVICE_LATE:
		bench_quarantine_expected();
		smmu_inject_cerror(smmu, n, SMMU_CERROR_ATC_INV_SYNC);
		break;
	case COMPLETION:
		bench_hardware_fails();
		smmu_inject_silence(smmu, n - 1);
		break;
	case REGISTER_READ:
		bench_hardware_fails();
		smmu_inject_ones(smmu, n, false);
		break;
	case REGISTERS_GONE:
		bench_hardware_fails();
		smmu_inject_ones(smmu, n, true);
		break;
	case DEVICE_RESET:
		bench_quarantine_expected();
		bench_reset_fails_at = n;
		break;
	case BOOT_STEP:
	case KINDS:
		break;
	}
}

/* Takes away what was not reached; true: it was. */
static bool taken(enum kind kind)
{
	struct smmu *smmu = bench_smmu[0];
	bool was = true;

	switch (kind) {
	case ALLOCATION:
		was = pool_fail_after == 0;
		pool_fail_after = 0;
		break;
	case COMMAND_ABORTED:
	case COMMAND_ILLEGAL:
	case DEVICE_LATE:
		was = smmu_inject_left(smmu) == 0;
		smmu_inject_cerror(smmu, 0, SMMU_CERROR_NONE);
		break;
	case COMMAND_REFUSED:
		was = iommu_instance[0].dead;
		smmu_inject_cerror(smmu, 0, SMMU_CERROR_NONE);
		break;
	case COMPLETION:
		was = smmu_silent(smmu);
		if (!was)
			smmu_time(smmu, SMMU_ON_RELAX);
		break;
	case REGISTER_READ:
	case REGISTERS_GONE:
		was = smmu_inject_ones_left(smmu) == 0;
		smmu_inject_ones(smmu, 0, false);
		break;
	case DEVICE_RESET:
		was = bench_reset_fails_at == 0;
		bench_reset_fails_at = 0;
		break;
	case BOOT_STEP:
	case KINDS:
		break;
	}
	return was;
}

/* Does the call go on as if nothing had been? */
static bool harmless(enum kind kind) { return kind == COMMAND_ABORTED || kind == COMMAND_ILLEGAL; }

static void answer_check(const struct scenario *s, enum kind kind, bool was, struct result r, s64 good)
{
	bool fine = r.status == good;

	if (was && !fine && kind == ALLOCATION)
		fine = r.status == PC_NO_MEMORY;
	else if (was && !fine && !harmless(kind))
		fine = r.status == PC_IO || r.status == PC_DENIED;
	if (!fine)
		suite_fail("%s: status %lld", s->name, (long long)r.status);
	if ((harmless(kind) || kind == DEVICE_LATE) && iommu_instance[0].dead)
		suite_fail("%s: the IOMMU was given up", s->name);
}

/* The same call once more, with memory there: nothing of the refused one is in its way. */
static void again(const struct scenario *s, s64 good)
{
	struct result r = s->make();

	if (r.status != good)
		suite_fail("%s: status %lld the second time", s->name, (long long)r.status);
}

static void end_of_the_vm(void)
{
	if (vm_find(vm) != NULL)
		bench_destroy(vm);
	bench_check();
}

static void one_point(const struct scenario *s, enum kind kind, u32 n, s64 good)
{
	struct result r;

	plant(kind, n);
	r = s->make();
	*reached = taken(kind);
	answer_check(s, kind, *reached, r, good);
	smmu_speculate(bench_smmu[0]);
	bench_check();
	if (kind == ALLOCATION && r.status != good && r.v1 == 0)
		again(s, good);
	end_of_the_vm();
}

static void sweep(const struct scenario *s, enum kind kind)
{
	s64 *good = (s64 *)(void *)(points + 32);
	u32 n = 1;

	IN_CHILD(*good = s->make().status);
	for (; n < N_LIMIT; n++) {
		IN_CHILD(one_point(s, kind, n, *good));
		if (!*reached)
			break;
		points[kind]++;
	}
	if (n == N_LIMIT)
		suite_fail("%s: more than %u points", s->name, N_LIMIT);
}

static void sweep_all(const struct bench_options *o, enum kind kind)
{
	world(o);
	for (u32 i = 0; i < ARRAY_SIZE(scenarios); i++)
		sweep(&scenarios[i], kind);
}

/* --- on the hardware of each kind */

#define NESTED bench_defaults()
#define STAGE1 bench_stage1_only()
#define STAGE2 bench_stage2_only()
#define PASIDS bench_pasids()
#define TINY   tiny_queue()
#define PLAIN  plain()
#define ATS    with_ats()
#define CASE(name, kind, options)                 \
	static void name(void **state UNUSED)     \
	{                                         \
		struct bench_options o = options; \
                                                  \
		sweep_all(&o, kind);              \
	}

/* Two slots: each batch finds the queue full. */
static struct bench_options tiny_queue(void)
{
	struct bench_options o = bench_defaults();

	o.smmu.cmdq_bits = 1;
	o.smmu.range_inval = false;
	return o;
}

static void can_keep(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].ats = true;
}

/* Every device keeps translations, and first stages of guests let it. */
static struct bench_options with_ats(void)
{
	struct bench_options o = bench_pasids();

	o.change = can_keep;
	eats = 1ull << 28;
	return o;
}

/* No snooping, no blocks under a live stream. */
static struct bench_options plain(void)
{
	struct bench_options o = bench_defaults();

	o.noncoherent = true;
	o.smmu.bbml = 0;
	return o;
}

CASE(V10_N14_S2_12_allocations, ALLOCATION, NESTED)
CASE(V10_allocations_with_stage1_only, ALLOCATION, STAGE1)
CASE(V10_allocations_with_stage2_only, ALLOCATION, STAGE2)
CASE(V10_allocations_with_pasids, ALLOCATION, PASIDS)
CASE(C9_commands_aborted, COMMAND_ABORTED, NESTED)
CASE(C9_commands_aborted_in_a_full_queue, COMMAND_ABORTED, TINY)
CASE(C9_commands_refused, COMMAND_REFUSED, NESTED)
CASE(C9_commands_refused_without_snooping, COMMAND_REFUSED, PLAIN)
CASE(C9_illegal_commands, COMMAND_ILLEGAL, NESTED)
CASE(N47_C9_late_devices, DEVICE_LATE, ATS)
CASE(C9_late_devices_where_none_keeps, DEVICE_LATE, NESTED)
CASE(E4_completions, COMPLETION, NESTED)
CASE(E4_completions_in_a_full_queue, COMPLETION, TINY)
CASE(E4_completions_with_stage1_only, COMPLETION, STAGE1)
CASE(E9_register_reads, REGISTER_READ, NESTED)
CASE(E9_register_reads_in_a_full_queue, REGISTER_READ, TINY)
CASE(E9_registers_gone, REGISTERS_GONE, NESTED)
CASE(E9_registers_gone_in_a_full_queue, REGISTERS_GONE, TINY)
CASE(E3_resets, DEVICE_RESET, NESTED)

/*
 * A machine whose IOMMU stops answering while it is taken over is refused, whatever it was asked last; and from
 * the first answer on, which is to GBPA, no DMA passes.
 */
static void boot_refused(u32 n)
{
	struct bench_options o = bench_defaults();
	const char *why = NULL;
	enum fake_end end;
	u64 value = 1;

	o.answers = n;
	end = FAKE_CATCH(why = bench_boot_try(&o));
	*reached = end == FAKE_PANIC || why != NULL;
	if (!*reached)
		return;
	assert_true(smmu_silent(bench_smmu[0]));
	if (n > 1)
		assert_int_not_equal(smmu_dma_write(bench_smmu[0], 0x900, machine->image.base, &value, sizeof(value)),
				     SMMU_OK);
}

static void G6_steps_of_the_boot(void **state UNUSED)
{
	for (u32 n = 1; n < N_LIMIT; n++) {
		*reached = false;
		IN_CHILD(boot_refused(n));
		if (!*reached)
			break;
		points[BOOT_STEP]++;
	}
	assert_true(points[BOOT_STEP] >= 4);
}

/* As a line that `make check` does not show. */
static void points_print(void)
{
	u32 all = 0;

	for (u32 i = 0; i < KINDS; i++)
		all += points[i];
	printf("ok inject.points: %u in all", all);
	for (u32 i = 0; i < KINDS; i++)
		printf("%s %u %s", i == 0 ? ":" : ",", points[i], kind_name[i]);
	printf("\n");
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_call_is_in_the_table),
		cmocka_unit_test(V10_N14_S2_12_allocations),
		cmocka_unit_test(V10_allocations_with_stage1_only),
		cmocka_unit_test(V10_allocations_with_stage2_only),
		cmocka_unit_test(V10_allocations_with_pasids),
		cmocka_unit_test(C9_commands_aborted),
		cmocka_unit_test(C9_commands_aborted_in_a_full_queue),
		cmocka_unit_test(C9_commands_refused),
		cmocka_unit_test(C9_commands_refused_without_snooping),
		cmocka_unit_test(C9_illegal_commands),
		cmocka_unit_test(N47_C9_late_devices),
		cmocka_unit_test(C9_late_devices_where_none_keeps),
		cmocka_unit_test(E4_completions),
		cmocka_unit_test(E4_completions_in_a_full_queue),
		cmocka_unit_test(E4_completions_with_stage1_only),
		cmocka_unit_test(E9_register_reads),
		cmocka_unit_test(E9_register_reads_in_a_full_queue),
		cmocka_unit_test(E9_registers_gone),
		cmocka_unit_test(E9_registers_gone_in_a_full_queue),
		cmocka_unit_test(E3_resets),
		cmocka_unit_test(G6_steps_of_the_boot),
	};
	int failed;

	points = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (points == MAP_FAILED)
		return 2;
	reached = (bool *)(points + 64);
	failed = SUITE("inject", cases);
	points_print();
	return failed;
}
