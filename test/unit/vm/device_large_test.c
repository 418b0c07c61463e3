/* SPDX-License-Identifier: BSD-2-Clause */
/* A device with a large MMIO range: it leaves the primary, enters and leaves a VM and comes home part by part. */
#include "bench_vm.h"
#include "suite.h"
#include "vm/vm.h"

#define AT     0x80000000ull /* of the VM's memory */
#define BAR    0x20000000ull
#define BAR_AT (0x100000000ull + BAR)
#define SIZE   (64 * BLOCK_SIZE)
#define SMALL  0x4000ull /* its second range */
#define LARGE  5u
#define VSID   300

static const u64 mmio_prot = PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO;
static u32 vm;

static void large_bar(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].sid == 0x900) {
			pci_function[i].bar[0] = (struct pci_bar){ .addr = BAR, .size = SIZE, .space = PCI_MEM32 };
			pci_function[i].bar[2] = (struct pci_bar){ .addr = BAR + SIZE, .size = SMALL, .space = PCI_MEM32 };
		}
}

static void boot(void)
{
	struct bench_options o = bench_defaults();

	o.change = large_bar;
	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm_nested(0);
	bench_donate(vm, AT, bench_page(200), 16, 0);
}

/* In how many of its two views a VM has an address. */
static u32 views_with(const struct vm *v, u64 at)
{
	struct pt_run run;

	return (v->cpu_pt.ops->lookup(&v->cpu_pt, at, at, &run) ? 1u : 0) + (v->dma_pt.ops->lookup(&v->dma_pt, at, at, &run) ? 1u : 0);
}

static const struct vm *the_vm(void) { return vm_find(vm); }

static u64 given(void) { return device_table[LARGE].mmio_given[0]; }

/* The primary has all of the device's MMIO but for the first so many bytes. */
static void primary_lacks(u64 bytes)
{
	assert_int_equal(device_table[LARGE].mmio_away, bytes);
	for (u64 at = 0; at < SIZE + SMALL; at += at < SIZE ? BLOCK_SIZE : PAGE_SIZE)
		assert_int_equal(views_with(vm_primary, BAR + at), at < bytes ? 0 : 2);
}

/* The VM has the first so many bytes of the large range. */
static void vm_has(u64 bytes)
{
	assert_int_equal(given(), bytes);
	for (u64 at = 0; at < SIZE; at += BLOCK_SIZE)
		assert_int_equal(views_with(the_vm(), BAR_AT + at), at < bytes ? 2 : 0);
}

static void home(void)
{
	primary_lacks(0);
	assert_int_equal(device_table[LARGE].state, DEVICE_UNASSIGNED);
	bench_lands(LARGE, 0, bench_page(300), bench_page(300));
}

/* --- away */

static void V9_E4_it_leaves_the_primary_part_by_part(void **state UNUSED)
{
	u64 away = 0;
	struct result r;
	u32 calls = 0, other;

	boot();
	other = bench_vm(100);
	do {
		r = pc_dev_assign(LARGE, vm, 0);
		assert_status(r, PC_SUCCESS);
		assert_true(device_table[LARGE].mmio_away > away);
		assert_true(device_table[LARGE].mmio_away - away <= 32 * BLOCK_SIZE);
		away = device_table[LARGE].mmio_away;
		primary_lacks(away);
		calls++;
		if (away == SIZE + SMALL)
			break;
		assert_int_equal(r.v1, 1);
		/* It is the VM's by name alone, works for the primary, and nobody else gets it or its registers. */
		assert_int_equal(device_table[LARGE].state, DEVICE_UNASSIGNED);
		bench_lands(LARGE, 0, bench_page(300), bench_page(300));
		assert_status(pc_dev_assign(LARGE, other, 0), PC_BUSY);
		assert_status(pc_dev_assign(LARGE, PC_VM_PRIMARY, 0), PC_BUSY);
		assert_status(pc_dev_map_mmio(LARGE, 0, BAR_AT), PC_NOT_FOUND);
		assert_status(pc_vm_finalise(vm), PC_BUSY);
		assert_status(pv_map(bench_domain(), 0, BAR + SIZE, PAGE_SIZE, mmio_prot), PC_DENIED);
	} while (true);
	assert_true(calls >= 3);
	assert_int_equal(device_table[LARGE].state, DEVICE_ASSIGNED);
	bench_destroy(other);
	bench_destroy(vm);
	home();
}

static void released_after(u32 calls)
{
	struct result r;
	u64 away;

	boot();
	while (calls-- > 0)
		assert_int_equal(pc_dev_assign(LARGE, vm, 0).v1, 1);
	do {
		away = device_table[LARGE].mmio_away;
		r = pc_dev_release(LARGE);
		assert_status(r, PC_SUCCESS);
		assert_true(device_table[LARGE].mmio_away < away && away - device_table[LARGE].mmio_away <= 32 * BLOCK_SIZE);
		primary_lacks(device_table[LARGE].mmio_away);
	} while (r.v1 == 1);
	home();
	bench_vm_assign(LARGE, vm, 0, VSID);
	bench_destroy(vm);
	home();
}

static void V9_E1_release_while_it_leaves(void **state UNUSED)
{
	IN_CHILD(released_after(1));
	IN_CHILD(released_after(2));
}

static void destroyed_after(u32 calls)
{
	boot();
	while (calls-- > 0)
		assert_int_equal(pc_dev_assign(LARGE, vm, 0).v1, 1);
	bench_destroy(vm);
	home();
}

static void E1_F4_end_of_a_vm_while_it_leaves(void **state UNUSED)
{
	IN_CHILD(destroyed_after(1));
	IN_CHILD(destroyed_after(2));
}

/* Whatever a call could not do it has not begun: what is away is what calls before it took. */
static void silence_from(u32 n)
{
	const struct device *d = &device_table[LARGE];
	struct result r;
	u64 away;

	boot();
	(void)bench_write(2, 0, BAR, 0);
	(void)bench_write(2, 0, BAR + SIZE, 0);
	bench_hardware_fails();
	smmu_inject_silence(bench_smmu[0], n);
	do {
		away = d->mmio_away;
		r = pc_dev_assign(LARGE, vm, 0);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
	if (r.status == PC_IO && d->state == DEVICE_UNASSIGNED)
		primary_lacks(away);
	else
		primary_lacks(SIZE + SMALL);
}

static void E3_E4_silence_while_it_leaves(void **state UNUSED)
{
	for (u32 n = 0; n < 30; n++)
		IN_CHILD(silence_from(n));
}

/* --- in a VM */

static void V9_I3_it_is_mapped_part_by_part(void **state UNUSED)
{
	u64 have = 0;
	u32 calls = 0;

	boot();
	bench_vm_assign(LARGE, vm, 0, VSID);
	do {
		struct result r = pc_dev_map_mmio(LARGE, 0, BAR_AT);

		assert_status(r, PC_SUCCESS);
		assert_true(r.v1 > 0 && r.v1 * PAGE_SIZE <= 32 * BLOCK_SIZE);
		have += r.v1 * PAGE_SIZE;
		vm_has(have);
		if (++calls == 1) {
			/* At one place, and others are for other ranges; what is there of it already is the VM's to map. */
			assert_status(pc_dev_map_mmio(LARGE, 0, BAR_AT + BLOCK_SIZE), PC_EXISTS);
			assert_status(pc_dev_map_mmio(LARGE, 0, BAR_AT + PAGE_SIZE), PC_INVALID_PARAMETER);
			assert_int_equal(pc_dev_map_mmio(LARGE, 1, BAR_AT + 2 * SIZE).v1, SMALL / PAGE_SIZE);
			vm_has(have);
		}
	} while (have < SIZE);
	assert_int_equal(calls, 3);
	assert_status(pc_dev_map_mmio(LARGE, 0, BAR_AT), PC_EXISTS);
	bench_destroy(vm);
	home();
}

/* Memory that was given in the meantime is in the way; what is mapped stays, and nothing takes that memory along. */
static void I3_what_is_half_mapped_stays(void **state UNUSED)
{
	struct result r;

	boot();
	bench_vm_assign(LARGE, vm, 0, VSID);
	assert_true(pc_dev_map_mmio(LARGE, 0, BAR_AT).v1 > 0);
	bench_donate(vm, BAR_AT + SIZE - BLOCK_SIZE, bench_page(250), 1, 0);
	do
		r = pc_dev_map_mmio(LARGE, 0, BAR_AT);
	while (r.status == PC_SUCCESS);
	assert_int_equal(r.status, PC_EXISTS);
	assert_true(given() > 0 && given() < SIZE);
	assert_status(bench_release_until_done(LARGE), PC_SUCCESS);
	home();
	assert_int_equal(views_with(the_vm(), BAR_AT + SIZE - BLOCK_SIZE), 2);
	vm_relinquish(vm, AT, 0);
	bench_destroy(vm);
}

/* A final VM gets the rest too, and one that ends, or has it in part, gives back what it has. */
static void I3_F4_end_of_a_vm_that_has_half_of_it(void **state UNUSED)
{
	boot();
	bench_vm_assign(LARGE, vm, 0, VSID);
	assert_true(pc_dev_map_mmio(LARGE, 0, BAR_AT).v1 > 0);
	assert_status(pc_vm_finalise(vm), PC_SUCCESS);
	assert_true(pc_dev_map_mmio(LARGE, 0, BAR_AT).v1 > 0);
	assert_true(given() < SIZE);
	bench_destroy(vm);
	home();
}

static void map_all(void)
{
	while (given() < SIZE)
		assert_status(pc_dev_map_mmio(LARGE, 0, BAR_AT), PC_SUCCESS);
}

/* --- back */

static void V9_E4_it_leaves_a_vm_before_it_is_reset(void **state UNUSED)
{
	const struct device *d = &device_table[LARGE];
	u32 calls = 0;

	boot();
	bench_vm_assign(LARGE, vm, 0, VSID);
	map_all();
	bench_resets = 0;
	do {
		u64 had = given();

		assert_int_equal(pc_dev_release(LARGE).v1, 1);
		assert_true(had - given() <= 32 * BLOCK_SIZE);
		vm_has(given());
		calls++;
		if (given() > 0) {
			primary_lacks(SIZE + SMALL);
			assert_int_equal(bench_resets, 0);
		}
	} while (given() > 0);
	assert_int_equal(calls, 3);
	/* On its way home it is not taken again. */
	while (d->mmio_away == SIZE + SMALL)
		assert_int_equal(pc_dev_release(LARGE).v1, 1);
	assert_int_equal(d->state, DEVICE_CLAIMED);
	assert_status(pc_dev_assign(LARGE, vm, 0), PC_BUSY);
	assert_status(pc_dev_assign(LARGE, PC_VM_PRIMARY, 0), PC_BUSY);
	bench_faults(LARGE, 0, bench_page(300), SMMU_C_BAD_STE);
	assert_status(bench_release_until_done(LARGE), PC_SUCCESS);
	home();
	bench_destroy(vm);
}

static void V9_F4_end_of_a_vm_that_has_all_of_it(void **state UNUSED)
{
	u64 had, away;

	boot();
	bench_vm_assign(LARGE, vm, 0, VSID);
	map_all();
	do {
		had = given();
		away = device_table[LARGE].mmio_away;
		assert_status(pc_vm_destroy(vm), PC_SUCCESS);
		assert_true(had - given() <= 32 * BLOCK_SIZE);
		assert_true(away - device_table[LARGE].mmio_away <= 32 * BLOCK_SIZE);
		assert_true(given() == 0 || away == SIZE + SMALL);
	} while (device_table[LARGE].mmio_away > 0);
	bench_destroy(vm);
	home();
}

/* In quarantine it is nobody's at once, all of it; and after its VM the primary has it back by one reset, part by part. */
static void E3_quarantine_takes_all_of_it(void **state UNUSED)
{
	const struct device *d = &device_table[LARGE];
	struct result r;
	u32 calls = 0;

	boot();
	bench_vm_assign(LARGE, vm, 0, VSID);
	map_all();
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	assert_status(vm_reset(vm, 0, VSID), PC_IO);
	bench_reset_status = OK;
	assert_int_equal(d->state, DEVICE_QUARANTINED);
	vm_has(0);
	bench_destroy(vm);
	primary_lacks(SIZE + SMALL);
	assert_ptr_equal(d->vm, vm_primary);
	bench_resets = 0;
	do {
		r = pc_dev_release(LARGE);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(bench_resets, 1);
		primary_lacks(d->mmio_away);
		assert_true(++calls < 10);
	} while (r.v1 == 1);
	assert_true(calls >= 3);
	home();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V9_E4_it_leaves_the_primary_part_by_part),
		cmocka_unit_test(V9_E1_release_while_it_leaves),
		cmocka_unit_test(E1_F4_end_of_a_vm_while_it_leaves),
		cmocka_unit_test(E3_E4_silence_while_it_leaves),
		cmocka_unit_test(V9_I3_it_is_mapped_part_by_part),
		cmocka_unit_test(I3_what_is_half_mapped_stays),
		cmocka_unit_test(I3_F4_end_of_a_vm_that_has_half_of_it),
		cmocka_unit_test(V9_E4_it_leaves_a_vm_before_it_is_reset),
		cmocka_unit_test(V9_F4_end_of_a_vm_that_has_all_of_it),
		cmocka_unit_test(E3_quarantine_takes_all_of_it),
	};

	return SUITE("device_large", cases);
}
