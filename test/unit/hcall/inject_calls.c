/* SPDX-License-Identifier: BSD-2-Clause */
/* The world that every scenario of the suites `inject*` starts from, and a row for each call of the interface. */
#include "inject_calls.h"

#include <string.h>

#include "bench_nested.h"
#include "bench_vm.h"
#include "hcall/hcall.h"
#include "suite.h"

#define AT      0x80000000ull
#define LIST    bench_page(3600)
#define ENTRIES bench_page(3601)

/* --- the world that every scenario starts from */

u32 inject_vm;
u64 inject_eats;
static u32 vm_domain, own, other, nested[2];
static u32 last; /* the pvIOMMU of the last IOMMU */

static void memory(void)
{
	/* Looked at here once, and not by each child that scrubs it. */
	assert_true(bench_all(bench_block(2), BLOCK_SIZE, 0) && bench_all(bench_block(4), BLOCK_SIZE, 0));
	bench_donate(inject_vm, AT, bench_block(2), 512, 0);
	bench_donate(inject_vm, AT + 6 * BLOCK_SIZE, bench_block(4), 512, 0); /* and no DMA of it */
	bench_donate(inject_vm, AT + 3 * BLOCK_SIZE, bench_page(200), 40, PC_DONATE_READ_ONLY);
	bench_donate(inject_vm, AT + 4 * BLOCK_SIZE, bench_page(300), 100, 0);
	assert_status(vm_share(inject_vm, AT + 4 * BLOCK_SIZE + 50 * PAGE_SIZE, 4), PC_SUCCESS);
	assert_status(vm_guard(inject_vm, PC_MMIO_GUARD_ENROLL, 0, 0), PC_SUCCESS);
	assert_status(vm_guard(inject_vm, PC_MMIO_GUARD_MAP, 0x9000000, 0), PC_SUCCESS);
}

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
	*(struct pviommu_nested_smmuv3 *)bench_ptr(where + 64) = (struct pviommu_nested_smmuv3){ { 5 << 1 | 1 | (at + 256), inject_eats } };
	r = vm_pv(inject_vm, PVIOMMU_ALLOC_NESTED, at, 0, 0, 0, 0);
	assert_status(r, PC_SUCCESS);
	io_clean(bench_ptr(where), 5 * PAGE_SIZE);
	bench_vm_attach(inject_vm, 200, (u32)r.v1);
	bench_lands(3, 0, 0x1000, bench_block(2) + 0x30000);
}

static void secondary(void)
{
	inject_vm = iommu_instance[0].caps.nested ? bench_vm_nested(0) : bench_vm(0);
	memory();
	bench_vm_assign(0, inject_vm, 0, 100);
	bench_vm_assign(3, inject_vm, 0, 200);
	assert_status(pc_dev_map_mmio(3, 0, AT + 8 * BLOCK_SIZE), PC_SUCCESS);
	vm_domain = bench_vm_domain(inject_vm);
	bench_vm_map(inject_vm, vm_domain, 0, AT, BLOCK_SIZE);
	bench_vm_map(inject_vm, vm_domain, 5ull << 30, AT + 4 * BLOCK_SIZE, 16 * PAGE_SIZE);
	bench_vm_attach(inject_vm, 100, vm_domain);
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
		.size = 32, .pviommu = last, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = ENTRIES
	};
	*(struct pviommu_nested_smmuv3 *)bench_ptr(ENTRIES) = (struct pviommu_nested_smmuv3){ { 5 << 1 | 1 | (bench_page(970) + 64 * n), inject_eats } };
	return pv_list(PVIOMMU_ALLOC_NESTED, LIST);
}

static void first_stages(void)
{
	u64 *table = bench_ptr(bench_page(971));

	bench_assign(5, last, 60);
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
	assert_status(pv_attach(last, 60, 0, nested[0], 0), PC_SUCCESS);
	bench_lands(5, 0, 0x1000, bench_page(980));
	if (inject_eats != 0) {
		u64 out;

		assert_int_equal(smmu_ats_request(bench_smmu[last], bench_sid(5, 0), 0x1000, &out), SMMU_OK);
		assert_true(smmu_atc_holds(bench_smmu[last], bench_sid(5, 0), 0x1000));
	}
}

/* Behind the second IOMMU: device 6 is the VM's, 7 nobody's, 8 the primary's with two endpoints; 9 is the one of the tree. */
static void more_devices(struct machine *m UNUSED)
{
	static const u16 rid[] = { 0x908, 0x910, 0x918, 0x919 };

	for (u32 i = 0; i < ARRAY_SIZE(rid); i++) {
		struct pci_function *f = &pci_function[pci_function_count++];

		*f = f[-1];
		f->rid = f->requester = rid[i];
		f->sid = rid[i];
		f->group = i < 3 ? pci_function_count : pci_function_count - 1;
		f->bar[0].addr = bench_bar(7 + i);
	}
}

struct bench_options inject_two_iommus(void)
{
	struct bench_options o = bench_defaults();

	o.iommus = 2;
	o.change = more_devices;
	return o;
}

static void behind_the_second(void)
{
	bench_vm_assign(6, inject_vm, last, 300);
	assert_status(vm_pv(inject_vm, PVIOMMU_ATTACH_DEV, last, 300, 0, vm_domain, 0), PC_SUCCESS);
	bench_lands(6, 0, 0x1000, bench_block(2) + 0x1000);
	bench_assign(8, last, 70);
	assert_status(pv_attach(last, 70, 0, own, 0), PC_SUCCESS);
	bench_lands(8, 0, 0x1000, bench_page(1000));
	bench_lands(8, 0, BLOCK_SIZE + 0x1000, bench_block(5) + 0x1000);
}

void inject_world(const struct bench_options *o)
{
	bench_boot(o);
	oracle_effort(32);
	last = iommu_count - 1;
	secondary();
	primary();
	first_stages();
	if (iommu_count > 1)
		behind_the_second();
	for (u32 i = 0; i < iommu_count; i++)
		smmu_speculate(bench_smmu[i]);
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

static struct result c_attach_nested(void) { return pv_attach(last, last != 0 ? 71 : 50, 0, nested[0], 0); }

static struct result c_replace_nested(void) { return pv_attach(last, 60, 0, nested[1], 0); }

static struct result c_detach_nested(void) { return pv_detach(last, 60, 0, nested[0]); }

static struct result c_invalidate(void)
{
	static const struct pviommu_inval_smmuv3 entries[] = {
		{ { 0x05 | 60ull << 32, 1 } }, { { 0x12 | 1ull << 48, 0x1000 } }, { { 0x10, 0 } }, { { 0x06 | 60ull << 32, 0 } }, { { 0x30, 0 } }
	};

	*(struct pviommu_invalidate *)bench_ptr(LIST) = (struct pviommu_invalidate){ .size = 56,
										     .pviommu = last,
										     .data_type = PVIOMMU_INVAL_SMMUV3,
										     .entry_len = 16,
										     .entry_num = ARRAY_SIZE(entries),
										     .entries_ipa = ENTRIES,
										     .status_ipa = ENTRIES + 512 };
	memcpy(bench_ptr(ENTRIES), entries, sizeof(entries));
	return pv_list(PVIOMMU_INVALIDATE, LIST);
}

static struct result c_stats(void) { return pv_stats(0, PVIOMMU_STAT_PINS); }

static struct result c_vm_alloc(void) { return vm_pv(inject_vm, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0); }

static struct result c_vm_free(void)
{
	struct result r = vm_pv(inject_vm, PVIOMMU_DETACH_DEV, 0, 100, 0, vm_domain, 0);

	if (last != 0 && r.status == PC_SUCCESS)
		r = vm_pv(inject_vm, PVIOMMU_DETACH_DEV, last, 300, 0, vm_domain, 0);

	return r.status == PC_SUCCESS ? vm_pv(inject_vm, PVIOMMU_FREE_DOMAIN, vm_domain, 0, 0, 0, 0) : r;
}

static struct result c_vm_attach(void) { return vm_pv(inject_vm, PVIOMMU_ATTACH_DEV, 0, 101, 0, vm_domain, 0); }

static struct result c_vm_map(void)
{
	return vm_pv(inject_vm, PVIOMMU_MAP_PAGES, vm_domain, 7ull << 30, AT + 3 * BLOCK_SIZE, 8 * PAGE_SIZE,
		     PVIOMMU_PROT_READ | PVIOMMU_PROT_CACHE | PVIOMMU_PROT_NOEXEC);
}

static struct result c_vm_unmap(void)
{
	return vm_pv(inject_vm, PVIOMMU_UNMAP_PAGES, vm_domain, 5ull << 30, 16 * PAGE_SIZE, 0, 0);
}

static struct result c_vm_unmap_split(void) { return vm_pv(inject_vm, PVIOMMU_UNMAP_PAGES, vm_domain, 0x5000, 0x1000, 0, 0); }

static struct result c_vmm_query(void) { return pc_vmm_query(PC_VMM_Q_POOL_FREE, 0); }

static struct result c_create(void) { return pc_vm_create(0, 2, bench_page(1600) + 3 * PAGE_SIZE, 80); }

/* To its end. */
static struct result c_destroy(void)
{
	struct result r;
	u32 steps = 0;

	do {
		r = pc_vm_destroy(inject_vm);
		assert_true(++steps < 10000);
	} while (r.status == PC_SUCCESS && r.v1 != 0);
	return r;
}

static struct result c_donate(void) { return pc_vm_donate(inject_vm, AT + 12 * BLOCK_SIZE, bench_page(1700), 3, 0); }

/* Where the VM's view has no table yet: several in one step. */
static struct result c_donate_far(void) { return pc_vm_donate(inject_vm, AT + (9ull << 30), bench_page(1700), 3, 0); }

static struct result c_donate_block(void)
{
	return pc_vm_donate(inject_vm, AT + 12 * BLOCK_SIZE, bench_block(6), 512, PC_DONATE_SCRUB);
}

static struct result c_add_pool(void) { return pc_vm_add_pool(inject_vm, bench_page(1650), 30); }

static struct result c_finalise(void) { return pc_vm_finalise(inject_vm); }

static struct result c_vcpu_set(void) { return pc_vcpu_set(inject_vm, 0, AT, 0); }

static struct result c_vcpu_run(void)
{
	bench_exit();
	return pc_vcpu_run(inject_vm, 0, BENCH_EXIT);
}

static struct result c_vcpu_irq(void) { return pc_vcpu_irq(inject_vm, 0, 40, 1); }

static struct result c_dev_count(void) { return pc_dev_count(); }

static struct result c_dev_info(void)
{
	*(u32 *)bench_ptr(LIST) = sizeof(struct pc_dev_info);
	return pc_dev_info(3, LIST);
}

static struct result c_dev_endpoints(void) { return pc_dev_endpoints(0); }

/* All turns of it. */
static struct result c_assign(void) { return bench_assign_until_done(2, PC_VM_PRIMARY, 0); }

static struct result c_vm_assign(void) { return bench_assign_until_done(2, inject_vm, 0); }

static struct result c_vsid(void)
{
	struct result r = c_assign();

	return r.status == PC_SUCCESS ? pc_dev_vsid(2, 0, 77) : r;
}

static struct result c_release(void) { return bench_release_until_done(4); }

/* What is attached is neither released nor reset; where that is tried again, it is attached no more. */
static struct result let_go(struct result r)
{
	if (r.status == PC_NOT_FOUND)
		r.status = PC_SUCCESS;
	return r;
}

static struct result c_vm_release(void)
{
	struct result r = let_go(vm_pv(inject_vm, PVIOMMU_DETACH_DEV, 0, 100, 0, vm_domain, 0));

	return r.status == PC_SUCCESS ? bench_release_until_done(0) : r;
}

static struct result c_dev_map_mmio(void) { return pc_dev_map_mmio(0, 1, AT + 30 * BLOCK_SIZE); }

static struct result c_dev_map_irq(void) { return pc_dev_map_irq(3, 0, 40); }

static struct result c_share(void) { return vm_share(inject_vm, AT + 4 * BLOCK_SIZE + 20 * PAGE_SIZE, 3); }

static struct result c_unshare(void) { return vm_unshare(inject_vm, AT + 4 * BLOCK_SIZE + 50 * PAGE_SIZE, 2); }

static struct result c_relinquish(void) { return vm_relinquish(inject_vm, AT + 4 * BLOCK_SIZE + 40 * PAGE_SIZE, 0); }

static struct result c_relinquish_of_block(void) { return vm_relinquish(inject_vm, AT + 6 * BLOCK_SIZE + 0x30000, 0); }

static struct result c_guard_info(void) { return vm_guard(inject_vm, PC_MMIO_GUARD_INFO, 0, 0); }

static struct result c_guard_enroll(void) { return vm_guard(inject_vm, PC_MMIO_GUARD_ENROLL, 0, 0); }

static struct result c_guard_map(void) { return vm_guard(inject_vm, PC_MMIO_GUARD_MAP, 0x9100000, 0); }

static struct result c_guard_unmap(void) { return vm_guard(inject_vm, PC_MMIO_GUARD_UNMAP, 0x9000000, 0); }

static struct result c_guard_range_map(void) { return vm_guard(inject_vm, PC_MMIO_RGUARD_MAP, 0x9200000, 5); }

static struct result c_guard_range_unmap(void) { return vm_guard(inject_vm, PC_MMIO_RGUARD_UNMAP, 0x9000000, 1); }

static struct result c_meminfo(void) { return bench_call_vm(inject_vm, PC_HYP_MEMINFO, 0, 0, 0, 0, 0, 0); }

static struct result c_req_dma(void) { return pc_dev_req_dma(0, 7); }

static struct result c_req_mmio(void) { return pc_dev_req_mmio(bench_bar(1)); }

static struct result c_console(void) { return bench_call_vm(inject_vm, PC_CONSOLE, AT, 16, 0, 0, 0, 0); }

static struct result c_config(void) { return vm_config(inject_vm, 0, 200, 2 << 16, 0); }

/* All turns of it. */
static struct result c_reset(void)
{
	struct result r = let_go(vm_pv(inject_vm, PVIOMMU_DETACH_DEV, 0, 100, 0, vm_domain, 0));
	u32 turns = 0;

	while (r.status == PC_SUCCESS && (turns == 0 || r.v1 == 1)) {
		r = vm_reset(inject_vm, 0, 100);
		assert_true(++turns < 100);
	}
	return r;
}

/* --- behind the second IOMMU */

static struct result c_second_attach(void) { return pv_attach(last, 71, 0, own, 0); }

static struct result c_second_replace(void) { return pv_attach(last, 70, 0, other, 0); }

static struct result c_second_detach(void) { return pv_detach(last, 70, 0, own); }

static struct result second_list(u64 operation, u32 domain)
{
	struct pviommu_attach_list *list = bench_ptr(LIST);
	u32 *vsid = bench_ptr(ENTRIES);

	*list = (struct pviommu_attach_list){ .size = 48, .pviommu = last, .domain = domain, .vsids_ipa = ENTRIES, .vsid_count = 1 };
	list->vsid_count += operation == PVIOMMU_ATTACH_LIST;
	vsid[0] = 70;
	vsid[1] = 71;
	return pv_list(operation, LIST);
}

static struct result c_second_attach_list(void) { return second_list(PVIOMMU_ATTACH_LIST, other); }

static struct result c_second_detach_list(void) { return second_list(PVIOMMU_DETACH_LIST, own); }

static struct result c_second_vm_detach(void) { return vm_pv(inject_vm, PVIOMMU_DETACH_DEV, last, 300, 0, vm_domain, 0); }

static struct result c_second_assign(void) { return bench_assign_until_done(7, PC_VM_PRIMARY, last); }

static struct result c_second_vm_assign(void) { return bench_assign_until_done(7, inject_vm, last); }

static struct result c_second_release(void)
{
	struct result r = let_go(c_second_detach());

	return r.status == PC_SUCCESS ? bench_release_until_done(8) : r;
}

static struct result c_second_vm_release(void)
{
	struct result r = let_go(c_second_vm_detach());

	return r.status == PC_SUCCESS ? bench_release_until_done(6) : r;
}

#define BEHIND_THE_SECOND 10u /* rows, the last ones */
const struct scenario scenarios[] = {
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
	{ OP(PVIOMMU_ATTACH_DEV), "attach behind the second", c_second_attach },
	{ OP(PVIOMMU_ATTACH_DEV), "attach to another behind the second", c_second_replace },
	{ OP(PVIOMMU_DETACH_DEV), "detach behind the second", c_second_detach },
	{ OP(PVIOMMU_ATTACH_LIST), "attach a list behind the second", c_second_attach_list },
	{ OP(PVIOMMU_DETACH_LIST), "detach a list behind the second", c_second_detach_list },
	{ OP(PVIOMMU_DETACH_DEV), "a secondary's detach behind the second", c_second_vm_detach },
	{ FN(PC_DEV_ASSIGN), "assign behind the second", c_second_assign },
	{ FN(PC_DEV_ASSIGN), "assign to a secondary behind the second", c_second_vm_assign },
	{ FN(PC_DEV_RELEASE), "release behind the second", c_second_release },
	{ FN(PC_DEV_RELEASE), "release by a secondary behind the second", c_second_vm_release },
};

u32 scenario_count(void) { return ARRAY_SIZE(scenarios) - (iommu_count > 1 ? 0 : BEHIND_THE_SECOND); }

void inject_must_work(const struct scenario *s)
{
	struct result r = s->make();

	if (r.status != PC_SUCCESS)
		suite_fail("%s: status %lld", s->name, (long long)r.status);
}
