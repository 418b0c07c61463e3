/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that a secondary VM owns: what stands behind them is a view of the VM's memory as its CPUs have, which follows
 * all that the VM gets, shares and gives back, to its end; and what one VM invalidates is its own alone.
 */
#include <string.h>

#include "bench_nested.h"
#include "bench_vm.h"
#include "suite.h"
#include "vm/view.h"
#include "vm/vm_life.h"

#define AT      0x80000000ull /* in a VM: a block's boundary */
#define VA      0x1000ull
#define PAGES   32u
#define CALL    0u /* pages of the VM's memory: structures of calls, entries, status bytes */
#define ENTRIES 1u
#define STATUS  2u
#define CONTEXT 3u
#define ROOT    4u /* four */
#define DATA    8u /* and on */

/* A VM, where its pages are in the machine, and its device. */
struct side {
	u32 vm, device, nested;
	u64 first; /* the primary's page that is its page 0 */
	u16 asid;
};

static u64 ipa_of(u64 n) { return AT + n * PAGE_SIZE; }
static u64 pa_of(const struct side *s, u64 n) { return bench_page(s->first + n); }

static void leaf(const struct side *s, u64 va, u64 out) { bench_stage1_leaf(ipa_of(ROOT), pa_of(s, ROOT), va, out); }

static struct result alloc(const struct side *s, u64 word0)
{
	struct pviommu_alloc_nested *a = bench_ptr(pa_of(s, CALL));
	struct pviommu_nested_smmuv3 *data = bench_ptr(pa_of(s, CALL) + 64);

	*a = (struct pviommu_alloc_nested){
		.size = 32, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = ipa_of(CALL) + 64
	};
	*data = (struct pviommu_nested_smmuv3){ { word0, 0 } };
	return vm_pv(s->vm, PVIOMMU_ALLOC_NESTED, ipa_of(CALL), 0, 0, 0, 0);
}

static struct result invalidate(const struct side *s, const u64 (*entry)[2], u32 count)
{
	struct pviommu_invalidate *q = bench_ptr(pa_of(s, CALL));

	memcpy(bench_ptr(pa_of(s, ENTRIES)), entry, count * sizeof(*entry));
	*q = (struct pviommu_invalidate){ .size = 56,
					  .data_type = PVIOMMU_INVAL_SMMUV3,
					  .entry_len = 16,
					  .entry_num = count,
					  .entries_ipa = ipa_of(ENTRIES),
					  .status_ipa = ipa_of(STATUS) };
	return vm_pv(s->vm, PVIOMMU_INVALIDATE, ipa_of(CALL), 0, 0, 0, 0);
}

static struct result inval(const struct side *s, u64 word0, u64 word1)
{
	const u64 entry[1][2] = { { word0, word1 } };

	return invalidate(s, entry, 1);
}

static u8 verdict(const struct side *s, u32 n) { return ((const u8 *)bench_ptr(pa_of(s, STATUS)))[n]; }

/* The device under vSID 7, nested, VA at the first data page. */
static struct side make(u32 number, u32 device)
{
	struct side s = { .device = device, .first = 400 + 100ull * number, .asid = 1 };
	struct result r;

	s.vm = bench_vm_nested(number * BENCH_POOL);
	bench_donate(s.vm, AT, bench_page(s.first), PAGES, 0);
	bench_vm_assign(device, s.vm, 0, 7);
	leaf(&s, VA, ipa_of(DATA));
	bench_stage1_context(pa_of(&s, CONTEXT), s.asid, ipa_of(ROOT));
	r = alloc(&s, 5 << 1 | 1 | ipa_of(CONTEXT));
	assert_status(r, PC_SUCCESS);
	s.nested = (u32)r.v1;
	bench_vm_attach(s.vm, 7, s.nested);
	return s;
}

static void lands(const struct side *s, u64 va, u64 n) { bench_lands(s->device, 0, va, pa_of(s, n)); }

static void boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(8);
}

static void end(struct side *s)
{
	bench_destroy(s->vm);
	oracle_effort(1);
	bench_check();
}

/* --- who may */

static void a_vm_without_the_flag_owns_no_first_stage(void **state UNUSED)
{
	struct side s = { .device = 2, .first = 400 };

	boot();
	s.vm = bench_vm(0);
	bench_donate(s.vm, AT, bench_page(s.first), PAGES, 0);
	bench_vm_assign(2, s.vm, 0, 7);
	assert_status(alloc(&s, 5 << 1 | 1 | ipa_of(CONTEXT)), PC_NOT_SUPPORTED);
	assert_status(inval(&s, OP_NH_ALL, 0), PC_NOT_SUPPORTED);
	assert_int_equal(vm_pv(s.vm, PVIOMMU_QUERY, 0, PVIOMMU_Q_NESTED_TYPES, 0, 0, 0).v1, 0);
	end(&s);
	s = make(0, 2);
	assert_int_equal(vm_pv(s.vm, PVIOMMU_QUERY, 0, PVIOMMU_Q_NESTED_TYPES, 0, 0, 0).v1, 1u << PVIOMMU_NESTED_SMMUV3);
	end(&s);
}

static void I3_the_flag_and_what_it_takes(void **state UNUSED)
{
	const struct bench_options without[] = { bench_stage1_only(), bench_stage2_only() };
	u64 least, plain;

	/* Each in a process of its own: the machine boots once. */
	for (u32 i = 0; i < ARRAY_SIZE(without); i++)
		IN_CHILD({
			bench_boot(&without[i]);
			assert_status(pc_vm_create(PC_VM_NESTED, 1, bench_page(0), 64), PC_NOT_SUPPORTED);
			assert_status(pc_vmm_query(PC_VMM_Q_MIN_POOL, PC_VM_NESTED << PC_VMM_Q_MIN_POOL_FLAGS | 1),
				      PC_NOT_SUPPORTED);
		});
	boot();
	plain = pc_vmm_query(PC_VMM_Q_MIN_POOL, 1).v1;
	least = pc_vmm_query(PC_VMM_Q_MIN_POOL, PC_VM_NESTED << PC_VMM_Q_MIN_POOL_FLAGS | 1).v1;
	assert_true(least > plain);
	assert_int_equal(pc_vmm_query(PC_VMM_Q_MIN_POOL, PC_VM_OPEN_MMIO << PC_VMM_Q_MIN_POOL_FLAGS | 1).v1, plain);
	assert_status(pc_vmm_query(PC_VMM_Q_MIN_POOL, 4u << PC_VMM_Q_MIN_POOL_FLAGS | 1), PC_NOT_SUPPORTED);
	assert_status(pc_vmm_query(PC_VMM_Q_MIN_POOL, PC_VM_NESTED << PC_VMM_Q_MIN_POOL_FLAGS), PC_INVALID_PARAMETER);
	assert_status(pc_vmm_query(PC_VMM_Q_MIN_POOL, PC_VM_NESTED << PC_VMM_Q_MIN_POOL_FLAGS | 9), PC_INVALID_PARAMETER);
	assert_status(pc_vm_create(PC_VM_NESTED, 1, bench_page(0), least - 1), PC_INVALID_PARAMETER);
	bench_destroy((u32)pc_vm_create(PC_VM_NESTED | PC_VM_OPEN_MMIO, 1, bench_page(0), least).v1);
	bench_check();
}

/* --- what is behind it */

/* Leaf, table or context: what lies outside of the VM's memory is reached by none of them. */
static void V1_a_first_stage_reaches_the_vms_memory_only(void **state UNUSED)
{
	u64 foreign[3];
	struct side s;

	boot();
	s = make(0, 2);
	foreign[0] = bench_page(900); /* the primary's */
	foreign[1] = pa_of(&s, DATA); /* its own, by a name that is the machine's */
	foreign[2] = machine->heap.base;
	lands(&s, VA, DATA);
	for (u32 i = 0; i < ARRAY_SIZE(foreign); i++) {
		leaf(&s, 2 * VA, foreign[i]);
		assert_status(inval(&s, OP_NH_ALL, 0), PC_SUCCESS);
		bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
		bench_stage1_context(pa_of(&s, CONTEXT), s.asid, foreign[i]);
		assert_status(inval(&s, OP_CFGI_CD | sid_field(7), 1), PC_SUCCESS);
		assert_status(inval(&s, OP_NH_ALL, 0), PC_SUCCESS);
		bench_faults(2, 0, VA, SMMU_F_TRANSLATION);
		bench_stage1_context(pa_of(&s, CONTEXT), s.asid, ipa_of(ROOT));
		assert_status(inval(&s, OP_CFGI_CD | sid_field(7), 1), PC_SUCCESS);
		lands(&s, VA, DATA);
	}
	end(&s);
}

/* Memory that comes, is shared, goes: also out of a block, and with what the first stage made of it in the caches. */
static void V1_V3_A11_it_follows_the_vms_memory(void **state UNUSED)
{
	struct side s;

	boot();
	s = make(0, 2);
	leaf(&s, 2 * VA, ipa_of(PAGES));
	bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
	bench_donate(s.vm, ipa_of(PAGES), bench_page(700), 1, PC_DONATE_SCRUB);
	bench_lands(2, 0, 2 * VA, bench_page(700));
	assert_status(vm_share(s.vm, ipa_of(PAGES), 1), PC_SUCCESS);
	bench_lands(2, 0, 2 * VA, bench_page(700));
	assert_status(vm_relinquish(s.vm, ipa_of(PAGES), 0), PC_DENIED);
	assert_status(vm_unshare(s.vm, ipa_of(PAGES), 1), PC_SUCCESS);
	bench_lands(2, 0, 2 * VA, bench_page(700));
	assert_status(vm_relinquish(s.vm, ipa_of(PAGES), 0), PC_SUCCESS);
	bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
	/* To be read only. */
	bench_donate(s.vm, ipa_of(PAGES), bench_page(701), 1, PC_DONATE_READ_ONLY);
	assert_int_equal(bench_read(2, 0, 2 * VA, &(u64){ 0 }), SMMU_OK);
	bench_faults(2, 0, 2 * VA, SMMU_F_PERMISSION);
	/* A block, and then a page out of it. */
	bench_donate(s.vm, AT + BLOCK_SIZE, bench_block(5), 512, 0);
	leaf(&s, 3 * VA, AT + BLOCK_SIZE + 0x5000);
	leaf(&s, 4 * VA, AT + BLOCK_SIZE + 0x6000);
	bench_lands(2, 0, 3 * VA, bench_block(5) + 0x5000);
	bench_lands(2, 0, 4 * VA, bench_block(5) + 0x6000);
	assert_status(vm_relinquish(s.vm, AT + BLOCK_SIZE + 0x5000, 0), PC_SUCCESS);
	bench_faults(2, 0, 3 * VA, SMMU_F_TRANSLATION);
	bench_lands(2, 0, 4 * VA, bench_block(5) + 0x6000);
	end(&s);
}

/* What a VM gets by pieces is blocks in both views, so that the pool is as after one piece. */
static void blocks_are_made_of_pieces_in_both_views(void **state UNUSED)
{
	struct pt_run run;
	struct vm *vm;
	struct side s;

	boot();
	s = make(0, 2);
	bench_donate(s.vm, AT + BLOCK_SIZE, bench_block(5), 512, 0);
	vm = vm_find(s.vm);
	assert_true(vm->cpu_pt.ops->lookup(&vm->cpu_pt, AT + BLOCK_SIZE, AT + 2 * BLOCK_SIZE, &run));
	assert_int_equal(run.shift, PT_SHIFT_2M);
	assert_true(vm->dma_pt.ops->lookup(&vm->dma_pt, AT + BLOCK_SIZE, AT + 2 * BLOCK_SIZE, &run));
	assert_int_equal(run.shift, iommu_common.dma_sizes & PT_SIZE_2M ? PT_SHIFT_2M : PT_SHIFT_4K);
	end(&s);
}

/* No page is left to split a block with, in the one view or in the other: nothing has changed. */
static void V10_E9_no_table_to_take_a_page_out_of_a_block(void **state UNUSED)
{
	struct side s;
	u32 refused = 0;

	boot();
	s = make(0, 2);
	bench_donate(s.vm, AT + BLOCK_SIZE, bench_block(5), 512, 0);
	leaf(&s, 2 * VA, AT + BLOCK_SIZE + 0x5000);
	for (u64 n = 1;; n++) {
		struct result r;

		pool_fail_after = n;
		r = vm_relinquish(s.vm, AT + BLOCK_SIZE + 0x5000, 0);
		if (r.status == PC_SUCCESS)
			break;
		assert_status(r, PC_NO_MEMORY);
		bench_lands(2, 0, 2 * VA, bench_block(5) + 0x5000);
		refused++;
	}
	pool_fail_after = 0;
	assert_int_equal(refused, iommu_common.dma_sizes & PT_SIZE_2M ? 2 : 1);
	bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
	end(&s);
}

/* Nor one for what comes: nothing of it is there, in neither view. */
static void V10_E9_no_table_for_what_comes(void **state UNUSED)
{
	struct side s;
	u64 n = 0;
	struct result r;

	boot();
	s = make(0, 2);
	do {
		pool_fail_after = ++n;
		r = pc_vm_donate(s.vm, 5ull << 30, bench_page(700), 1, 0);
		assert_true(r.status == PC_SUCCESS || r.status == PC_NO_MEMORY);
	} while (r.status != PC_SUCCESS);
	pool_fail_after = 0;
	assert_true(n > 3); /* a table or two in each */
	leaf(&s, 2 * VA, 5ull << 30);
	bench_lands(2, 0, 2 * VA, bench_page(700));
	end(&s);
}

/* Its devices reach each other's registers where the VM has them, until one goes. */
static void V1_E3_registers_of_its_own_devices(void **state UNUSED)
{
	const u64 at = AT + 8 * BLOCK_SIZE;
	struct side s;

	boot();
	s = make(0, 2);
	bench_vm_assign(3, s.vm, 0, 9);
	leaf(&s, 2 * VA, at + 0x1000);
	bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
	assert_status(pc_dev_map_mmio(3, 0, at), PC_SUCCESS);
	assert_int_equal(bench_write(2, 0, 2 * VA, 1), SMMU_OK);
	while (pc_dev_release(3).v1 == 1)
		;
	bench_faults(2, 0, 2 * VA, SMMU_F_TRANSLATION);
	assert_int_equal(device_table[3].state, DEVICE_UNASSIGNED);
	end(&s);
}

/* --- the end */

static void A8_E4_destroyed_at_work(void **state UNUSED)
{
	struct side s;

	boot();
	s = make(0, 2);
	bench_donate(s.vm, AT + BLOCK_SIZE, bench_block(5), 512, 0);
	bench_vm_assign(3, s.vm, 0, 9);
	assert_status(pc_dev_map_mmio(3, 0, AT + 8 * BLOCK_SIZE), PC_SUCCESS);
	lands(&s, VA, DATA);
	smmu_speculate(bench_smmu[0]);
	end(&s);
	bench_lands(2, 0, bench_page(400 + DATA), bench_page(400 + DATA));
}

/*
 * The IOMMU says nothing any more: whatever the table had is nobody's for ever, the table too, and the primary gets none of
 * it, nor the device.
 */
static void V3_E4_all_that_a_silent_iommu_may_reach_is_lost(void **state UNUSED)
{
	struct side s;
	u16 id, tag;

	boot();
	s = make(0, 2);
	bench_donate(s.vm, AT + BLOCK_SIZE, bench_block(5), 512, 0);
	assert_status(vm_share(s.vm, ipa_of(DATA + 1), 1), PC_SUCCESS);
	lands(&s, VA, DATA);
	tag = vm_find(s.vm)->dma_tag.vmid;
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	bench_destroy(s.vm);
	assert_int_equal(page_find(pa(pa_of(&s, DATA)))->owner, OWNER_HYP);
	assert_int_equal(page_find(pa(pa_of(&s, DATA + 1)))->owner, OWNER_HYP);
	assert_int_equal(page_find(pa(bench_block(5)))->owner, OWNER_HYP);
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	assert_non_null(strstr(fake_console, "pages are lost"));
	while (iommu_id_alloc(&iommu_vmids, &id) == OK)
		assert_int_not_equal(id, tag);
	bench_check();
}

/* The same for the registers of its other device, which is behind an IOMMU that answers. */
static void V3_E3_registers_that_may_still_be_written(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct side s;

	o.iommus = 2;
	bench_boot(&o);
	oracle_effort(8);
	s = make(0, 2);
	bench_vm_assign(5, s.vm, 1, 9);
	assert_status(pc_dev_map_mmio(5, 0, AT + 8 * BLOCK_SIZE), PC_SUCCESS);
	leaf(&s, 2 * VA, AT + 8 * BLOCK_SIZE);
	assert_int_equal(bench_write(2, 0, 2 * VA, 1), SMMU_OK);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	bench_destroy(s.vm);
	assert_ptr_equal(device_table[5].vm, vm_primary);
	assert_int_equal(device_table[5].state, DEVICE_QUARANTINED);
	assert_true(device_table[5].mmio_away);
	assert_status(pc_dev_release(5), PC_BUSY);
	assert_status(pc_dev_info(0, bench_bar(5)), PC_FAULT);
}

/* A page goes back while the IOMMU is silent: it stays where it was. */
static void V3_V10_no_page_goes_back_behind_a_silent_iommu(void **state UNUSED)
{
	struct side s;

	boot();
	s = make(0, 2);
	lands(&s, VA, DATA);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(vm_relinquish(s.vm, ipa_of(DATA), 0), PC_IO);
	assert_int_equal(page_find(pa(pa_of(&s, DATA)))->owner, vm_find(s.vm)->owner);
	bench_destroy(s.vm);
	bench_check();
}

/* --- one VM's invalidations are its own */

static u64 seen_writes[2];

/* What the victim's device made of a leaf that has changed since: still what it was. */
static void holds(const struct side *victim, const char *what, u64 n)
{
	u64 value = fake_random();

	assert_int_equal(bench_write(victim->device, 0, VA, value), SMMU_OK);
	if (*(u64 *)bench_ptr(pa_of(victim, DATA)) != value)
		suite_fail("%s %#llx ended what another VM's device translates by", what, (unsigned long long)n);
	seen_writes[0]++;
}

static void attack(const struct side *by, const struct side *victim, u64 word0, u64 word1)
{
	struct result r = inval(by, word0, word1);

	if (r.status == PC_SUCCESS)
		seen_writes[1]++;
	else
		assert_int_not_equal(verdict(by, 0), PVIOMMU_INVAL_DONE);
	holds(victim, "entry", word0);
}

/* Every opcode; every VMID, ASID and stream that the fields can say, one bit at a time; the whole address space. */
static void attacks(const struct side *by, const struct side *victim)
{
	for (u64 op = 0; op < 256; op++)
		attack(by, victim, op, 0);
	for (u64 op = 0; op < 256; op++)
		for (u64 bit = 8; bit < 64; bit++)
			attack(by, victim, op | 1ull << bit, 0);
	for (u64 vmid = 0; vmid < 64; vmid++) {
		attack(by, victim, OP_NH_ALL | vmid << 32, 0);
		attack(by, victim, OP_NH_ASID | vmid << 32 | asid_field(victim->asid), 0);
		attack(by, victim, OP_NH_VA | vmid << 32 | asid_field(victim->asid), VA);
		attack(by, victim, OP_NH_VAA | vmid << 32, VA);
	}
	for (u64 vsid = 0; vsid < 64; vsid++) {
		attack(by, victim, OP_CFGI_CD | sid_field(vsid), 1);
		attack(by, victim, OP_CFGI_ALL | sid_field(vsid), 0);
		attack(by, victim, OP_CFGI_CD | sid_field(bench_sid(victim->device, 0)), 1);
	}
	/* By range: one page to all there is. */
	for (u64 scale = 0; scale < 32; scale++)
		attack(by, victim, OP_NH_VA | scale << 20 | 31 << 12 | asid_field(victim->asid), 1 << 10);
	attack(by, victim, OP_NSNH_ALL, 0);
}

static void S3_10_A8_one_vms_invalidations_leave_anothers_alone(void **state UNUSED)
{
	struct side a, b;

	boot();
	a = make(0, 2);
	b = make(1, 3);
	oracle_effort(1u << 20);
	for (u32 turn = 0; turn < 2; turn++) {
		const struct side *by = turn == 0 ? &a : &b, *victim = turn == 0 ? &b : &a;

		memset(seen_writes, 0, sizeof(seen_writes));
		lands(victim, VA, DATA);
		leaf(victim, VA, ipa_of(DATA + 1));
		holds(victim, "nothing", 0);
		attacks(by, victim);
		assert_true(seen_writes[1] > 300);
		/* The control: its own ends it, whatever the field of the VMID says. */
		assert_status(inval(victim, OP_NH_VA | 0xffffull << 32 | asid_field(victim->asid), VA), PC_SUCCESS);
		lands(victim, VA, DATA + 1);
		leaf(victim, VA, ipa_of(DATA));
		assert_status(inval(victim, OP_NH_ALL, 0), PC_SUCCESS);
	}
	oracle_effort(1);
	end(&a);
	end(&b);
}

/* Of the primary and a VM, each against the other; the primary's first stage is in its own memory. */
static void S3_10_nor_the_primarys(void **state UNUSED)
{
	struct pviommu_alloc_nested *a;
	u64 context, root;
	struct pviommu_invalidate *q;
	struct result r;
	struct side s;

	boot();
	context = bench_page(1000);
	root = bench_page(1004);
	s = make(0, 2);
	bench_assign(3, 0, 7);
	bench_stage1_leaf(root, root, VA, bench_page(1010));
	bench_stage1_context(context, 1, root);
	a = bench_ptr(bench_page(1020));
	*a = (struct pviommu_alloc_nested){
		.size = 32, .data_type = PVIOMMU_NESTED_SMMUV3, .data_len = 16, .data_ipa = bench_page(1020) + 64
	};
	*(struct pviommu_nested_smmuv3 *)bench_ptr(bench_page(1020) + 64) = (struct pviommu_nested_smmuv3){ { 5 << 1 | 1 | context } };
	r = pv_list(PVIOMMU_ALLOC_NESTED, bench_page(1020));
	assert_status(r, PC_SUCCESS);
	bench_attach(7, (u32)r.v1);
	bench_lands(3, 0, VA, bench_page(1010));
	bench_stage1_leaf(root, root, VA, bench_page(1011));
	for (u64 vmid = 0; vmid < 64; vmid++)
		assert_status(inval(&s, OP_NH_ALL | vmid << 32, 0), PC_SUCCESS);
	assert_status(inval(&s, OP_NSNH_ALL, 0), PC_SUCCESS);
	assert_status(inval(&s, OP_CFGI_ALL | sid_field(7), 0), PC_SUCCESS);
	bench_lands(3, 0, VA, bench_page(1010));
	lands(&s, VA, DATA);
	leaf(&s, VA, ipa_of(DATA + 1));
	q = bench_ptr(bench_page(1020));
	for (u64 vmid = 0; vmid < 64; vmid++) {
		const u64 entry[2] = { OP_NH_ALL | vmid << 32 };

		memcpy(bench_ptr(bench_page(1021)), entry, sizeof(entry));
		*q = (struct pviommu_invalidate){ .size = 56,
						  .data_type = PVIOMMU_INVAL_SMMUV3,
						  .entry_len = 16,
						  .entry_num = 1,
						  .entries_ipa = bench_page(1021) };
		assert_status(pv_list(PVIOMMU_INVALIDATE, bench_page(1020)), PC_SUCCESS);
		lands(&s, VA, DATA);
	}
	bench_lands(3, 0, VA, bench_page(1011));
	assert_status(inval(&s, OP_NH_ALL, 0), PC_SUCCESS);
	lands(&s, VA, DATA + 1);
	end(&s);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_vm_without_the_flag_owns_no_first_stage),
		cmocka_unit_test(I3_the_flag_and_what_it_takes),
		cmocka_unit_test(V1_a_first_stage_reaches_the_vms_memory_only),
		cmocka_unit_test(V1_V3_A11_it_follows_the_vms_memory),
		cmocka_unit_test(blocks_are_made_of_pieces_in_both_views),
		cmocka_unit_test(V10_E9_no_table_to_take_a_page_out_of_a_block),
		cmocka_unit_test(V10_E9_no_table_for_what_comes),
		cmocka_unit_test(V1_E3_registers_of_its_own_devices),
		cmocka_unit_test(A8_E4_destroyed_at_work),
		cmocka_unit_test(V3_E4_all_that_a_silent_iommu_may_reach_is_lost),
		cmocka_unit_test(V3_E3_registers_that_may_still_be_written),
		cmocka_unit_test(V3_V10_no_page_goes_back_behind_a_silent_iommu),
		cmocka_unit_test(S3_10_A8_one_vms_invalidations_leave_anothers_alone),
		cmocka_unit_test(S3_10_nor_the_primarys),
	};
	return SUITE("nested_vm", cases);
}
