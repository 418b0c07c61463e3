/* SPDX-License-Identifier: BSD-2-Clause */
/* A large isolation group: it is claimed, and goes home, one device a call; what holds between two of these calls. */
#include "bench_vm.h"
#include "suite.h"

#define AT   0x80000000ull
#define SIZE 10u
#define LAST 13u /* of the group: devices 2, 3 and 6 to LAST */
#define LINE 50  /* of the group but for devices 2 and 3, and of device 1 */

static const u64 mmio_prot = PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_MMIO;
static u32 vm;

static void large_group(struct machine *m UNUSED)
{
	for (u32 i = 0; i < SIZE - 2; i++) {
		struct pci_function f = pci_function[4];

		f.rid = f.requester = (u16)(0xa0 + 8 * i);
		f.sid = 0x700u + f.rid;
		f.bar[0].addr = bench_bar(14 + i);
		f.intid = LINE;
		pci_function[pci_function_count++] = f;
	}
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].sid >= 0x718)
			pci_function[i].group = 2;
	for (u32 i = 0; i < pci_function_count; i++) {
		if (pci_function[i].sid == 0x900)
			pci_function[i].group = 5;
		if (pci_function[i].sid == 0x710)
			pci_function[i].intid = LINE;
	}
}

static void boot(void)
{
	struct bench_options o = bench_defaults();

	o.change = large_group;
	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm(0);
	bench_donate(vm, AT, bench_page(100), 16, 0);
}

static bool in_group(u32 device) { return device_table[device].group == device_table[2].group; }

/* How many of the group have this state, under the VM with this handle. */
static u32 group_count(enum device_state state, u32 owner)
{
	u32 count = 0;

	for (u32 i = 0; i < device_count; i++)
		count += in_group(i) && device_table[i].state == state && device_table[i].vm->handle == owner;
	return count;
}

static void all_home(void)
{
	assert_int_equal(group_count(DEVICE_UNASSIGNED, PC_VM_PRIMARY), SIZE);
	for (u32 i = 0; i < device_count; i++)
		if (in_group(i))
			bench_lands(i, 0, bench_page(300 + i), bench_page(300 + i));
}

/* The claim has come as far as `count` devices. */
static void claim(u32 count)
{
	for (u32 i = 1; i <= count; i++) {
		struct result r = pc_dev_assign(LAST, vm, 0);

		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, 1);
		assert_int_equal(group_count(DEVICE_CLAIMED, vm), i);
	}
}

static u32 flags_of(u32 device)
{
	struct pc_dev_info *info = bench_ptr(bench_page(400));

	info->size = sizeof(*info);
	assert_status(pc_dev_info(device, bench_page(400)), PC_SUCCESS);
	return info->flags;
}

static void V9_E1_group_is_claimed_one_device_a_call(void **state UNUSED)
{
	struct result r;

	boot();
	assert_int_equal(group_count(DEVICE_UNASSIGNED, PC_VM_PRIMARY), SIZE);
	claim(SIZE - 1);
	/* With the last of the group its own reset begins, and ends at once here. */
	r = pc_dev_assign(LAST, vm, 0);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 0);
	assert_int_equal(device_table[LAST].state, DEVICE_ASSIGNED);
	assert_int_equal(group_count(DEVICE_CLAIMED, vm), SIZE - 1);
	bench_destroy(vm);
	all_home();
}

/* By name the secondary has all of it at once; what the claim has not come to goes on for the primary, and is nobody's to have. */
static void E1_E2_between_two_calls_of_a_claim(void **state UNUSED)
{
	u32 other, d;

	boot();
	other = bench_vm(128);
	d = bench_domain();
	claim(3);
	bench_faults(2, 0, bench_page(300), SMMU_C_BAD_STE);
	assert_false(bench_master[2]);
	bench_lands(LAST, 0, bench_page(300), bench_page(300));
	assert_int_equal(group_count(DEVICE_UNASSIGNED, vm), SIZE - 3);
	assert_int_equal(flags_of(2), PC_DEV_CLAIMED);
	assert_int_equal(flags_of(LAST), PC_DEV_CLAIMED);
	/* Its registers are in the primary's view still, and no DMA of the primary's gets there any more. */
	assert_status(pv_map(d, 0, device_table[LAST].mmio[0].base, PAGE_SIZE, mmio_prot), PC_DENIED);
	assert_status(pc_dev_req_mmio(device_table[LAST].mmio[0].base), PC_NOT_FOUND);
	for (u32 i = 0; i < 2; i++) {
		const u32 device = i == 0 ? 2 : LAST;

		assert_status(pc_dev_assign(device, other, 0), PC_BUSY);
		assert_status(pc_dev_assign(device, PC_VM_PRIMARY, 0), PC_BUSY);
		assert_status(pc_dev_vsid(device, 0, 7), PC_NOT_FOUND);
		assert_status(pc_dev_map_mmio(device, 0, AT + BLOCK_SIZE), PC_NOT_FOUND);
		assert_status(pc_dev_map_irq(device, 0, 40), PC_NOT_FOUND);
	}
	assert_status(pc_vm_finalise(vm), PC_BUSY);
	assert_status(pc_vcpu_run(vm, 0, (bench_exit(), BENCH_EXIT)), PC_BUSY);
	/* Any device of the group carries the claim on. */
	bench_vm_assign(2, vm, 0, 100);
	assert_int_equal(group_count(DEVICE_CLAIMED, vm), SIZE - 1);
	bench_destroy(other);
	bench_destroy(vm);
	all_home();
}

static void released_after_a_claim(u32 device)
{
	struct result r;
	u32 other;

	boot();
	other = bench_vm(128);
	claim(4);
	for (u32 i = 1; i < SIZE; i++) {
		r = pc_dev_release(device);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, 1);
		assert_int_equal(group_count(DEVICE_UNASSIGNED, PC_VM_PRIMARY), i);
		assert_int_equal(device_table[device].vm->handle, vm);
		/* What is on its way home is not claimed again half way, nor left behind. */
		assert_status(pc_vm_finalise(vm), PC_BUSY);
		assert_status(pc_dev_assign(device, vm, 0), PC_BUSY);
		assert_status(pc_dev_assign(device, PC_VM_PRIMARY, 0), PC_BUSY);
		for (u32 k = 0; k < device_count; k++)
			if (in_group(k))
				assert_status(pc_dev_assign(k, other, 0), PC_BUSY);
	}
	r = pc_dev_release(device);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 0);
	assert_status(pc_dev_release(device), PC_NOT_FOUND);
	all_home();
	assert_status(pc_vm_finalise(vm), PC_SUCCESS);
	bench_destroy(other);
	bench_destroy(vm);
}

/* The device that the release is about is the last, so that a caller who goes on until R1 is 0 has seen all of it go. */
static void V9_E1_release_takes_a_claim_back_one_device_a_call(void **state UNUSED)
{
	IN_CHILD(released_after_a_claim(2));   /* claimed */
	IN_CHILD(released_after_a_claim(9));   /* not yet, and of those that are some are behind it */
	IN_CHILD(released_after_a_claim(LAST));
}

/* What is home is the primary's to use at once, whatever of the group is still on its way; that is not the less clean for it. */
static void E6_a_member_that_is_home_is_used_at_once(void **state UNUSED)
{
	u32 home = 0;

	boot();
	claim(4);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(pc_dev_release(LAST).v1, 1);
	while (!in_group(home) || !device_is_of(&device_table[home], vm_primary))
		home++;
	bench_assign(home, 0, 7);
	for (u32 i = 0; i < device_count; i++)
		assert_true(!in_group(i) || device_is_of(&device_table[i], vm_primary) || device_table[i].state == DEVICE_UNASSIGNED ||
			    device_table[i].clean);
	assert_status(bench_release_until_done(LAST), PC_SUCCESS);
	assert_status(pc_dev_release(home), PC_SUCCESS);
	all_home();
	bench_destroy(vm);
}

/* All are reset once nothing of the group is at work, at the same time, and none is home before all are. */
static void V9_E6_group_is_reset_before_any_of_it_goes_home(void **state UNUSED)
{
	struct result r;
	u32 calls = 0;

	boot();
	for (u32 i = 0; i < device_count; i++)
		if (in_group(i))
			bench_vm_assign(i, vm, 0, 100 + i);
	for (u32 i = 0; i < LAST; i++)
		if (in_group(i))
			assert_status(pc_dev_release(i), PC_SUCCESS);
	bench_reset_turns = 3;
	bench_resets = 0;
	do {
		u32 resets = bench_resets;

		r = pc_dev_release(LAST);
		assert_status(r, PC_SUCCESS);
		assert_true(bench_resets <= resets + 2);
		assert_true(++calls < 100);
		if (group_count(DEVICE_RESETTING, vm) > 0 || !device_table[2].clean)
			assert_int_equal(group_count(DEVICE_UNASSIGNED, PC_VM_PRIMARY), 0);
	} while (group_count(DEVICE_UNASSIGNED, PC_VM_PRIMARY) == 0);
	assert_int_equal(r.v1, 1);
	assert_status(bench_release_until_done(LAST), PC_SUCCESS);
	bench_reset_turns = 0;
	all_home();
	bench_destroy(vm);
}

static void destroyed_after_a_claim(u32 count)
{
	boot();
	claim(count);
	bench_destroy(vm);
	all_home();
}

static void E1_F4_end_of_a_vm_in_the_middle_of_a_claim(void **state UNUSED)
{
	for (u32 count = 1; count < SIZE; count++)
		IN_CHILD(destroyed_after_a_claim(count));
}

static void destroyed_after_a_release(u32 count)
{
	boot();
	bench_vm_assign(2, vm, 0, 100);
	for (u32 i = 0; i < count; i++)
		assert_int_equal(pc_dev_release(2).v1, 1);
	bench_destroy(vm);
	all_home();
}

/* And of one that has begun to give back: each other device is reset, then each is brought home. */
static void E1_F4_end_of_a_vm_in_the_middle_of_a_release(void **state UNUSED)
{
	for (u32 count = 1; count < 2 * (SIZE - 1); count++)
		IN_CHILD(destroyed_after_a_release(count));
}

/* Its pin is the primary's until the claim comes to it: the line is not given for another device of the VM. */
static void F7_line_of_a_named_device_is_not_given(void **state UNUSED)
{
	boot();
	bench_vm_assign(1, vm, 0, 7);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_BUSY);
	claim(SIZE - 1);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_BUSY);
	bench_vm_assign(LAST, vm, 0, 100);
	assert_status(pc_dev_map_irq(1, 0, 40), PC_SUCCESS);
	bench_destroy(vm);
	all_home();
}

/* One that cannot be blocked is the primary's, in quarantine; the others of its group can only be given back. */
static void E3_claim_that_hardware_fails_half_way(void **state UNUSED)
{
	boot();
	claim(4);
	bench_hardware_fails();
	smmu_inject_silence(bench_smmu[0], 0);
	assert_status(bench_assign_until_done(LAST, vm, 0), PC_IO);
	assert_int_equal(group_count(DEVICE_CLAIMED, vm), 4);
	bench_destroy(vm);
	assert_int_equal(group_count(DEVICE_CLAIMED, vm), 0);
	for (u32 i = 0; i < device_count; i++)
		assert_ptr_equal(device_table[i].vm, vm_primary);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V9_E1_group_is_claimed_one_device_a_call),
		cmocka_unit_test(E1_E2_between_two_calls_of_a_claim),
		cmocka_unit_test(V9_E1_release_takes_a_claim_back_one_device_a_call),
		cmocka_unit_test(V9_E6_group_is_reset_before_any_of_it_goes_home),
		cmocka_unit_test(E6_a_member_that_is_home_is_used_at_once),
		cmocka_unit_test(E1_F4_end_of_a_vm_in_the_middle_of_a_claim),
		cmocka_unit_test(E1_F4_end_of_a_vm_in_the_middle_of_a_release),
		cmocka_unit_test(F7_line_of_a_named_device_is_not_given),
		cmocka_unit_test(E3_claim_that_hardware_fails_half_way),
	};

	return SUITE("group", cases);
}
