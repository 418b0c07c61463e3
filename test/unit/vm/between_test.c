/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another CPU does between a call's look at an object and the lock of it: the call finds out, and answers as if it
 * had come later. The other CPU's part runs where the first one is about to take the lock.
 */
#include <string.h>

#include "bench_vm.h"
#include "debug/console.h"
#include "suite.h"
#include "vm/vm_life.h"

#define AT 0x80000000ull

static u32 vm;
static struct spinlock *awaited;
static void (*meanwhile)(void);

static void at_lock(struct spinlock *lock, enum fake_lock_point what)
{
	void (*other)(void) = meanwhile;

	if (what != FAKE_LOCK_BEFORE || other == NULL || (awaited != NULL && lock != awaited))
		return;
	meanwhile = NULL;
	fake_lock_hook = NULL;
	fake_cpu_set(1);
	other();
	fake_cpu_set(0);
}

/* `other` happens when the next call is about to take `lock`; NULL: whichever lock is first. */
static void between(struct spinlock *lock, void (*other)(void))
{
	awaited = lock;
	meanwhile = other;
	fake_lock_hook = at_lock;
	bench_quarantine_expected(); /* the state changes, whatever the first call answers */
}

static void assert_happened(void)
{
	assert_null(meanwhile);
	bench_check();
}

static void with_uart(struct machine *m)
{
	m->debug.irq = 40;
	m->debug.regs = (struct range){ 0x09040000, 0x1000 };
}

static void boot(void)
{
	struct bench_options o = bench_defaults();

	o.change = with_uart;
	bench_boot(&o);
	oracle_effort(8);
	vm = bench_vm(0);
	bench_donate(vm, AT, bench_page(200), 4, 0);
}

static void destroy_it(void)
{
	u64 left = 1;

	while (left != 0)
		assert_int_equal(vm_destroy(vm, &left), OK);
}

static void D6_a_vm_that_ends_before_its_lock_is_taken(void **state UNUSED)
{
	boot();
	between(&vm_primary->lock, destroy_it);
	assert_status(pc_vcpu_set(vm, 0, AT, 0), PC_NOT_FOUND);
	assert_happened();
	assert_status(pc_vcpu_set(vm, 0, AT, 0), PC_NOT_FOUND);
}

static void D6_two_cpus_destroy_one_vm(void **state UNUSED)
{
	boot();
	between(&vm_primary->lock, destroy_it);
	assert_status(pc_vm_destroy(vm), PC_NOT_FOUND);
	assert_happened();
}

static u32 second;

static void create_one(void)
{
	assert_int_equal(vm_create(0, 1, bench_page(400), BENCH_POOL, &second), OK);
}

/* Two CPUs make a VM and have seen the same slot free. */
static void D6_a_slot_that_is_taken_before_its_lock(void **state UNUSED)
{
	u32 first;

	boot();
	between(&vm_primary->lock, create_one);
	first = bench_vm(600);
	assert_happened();
	assert_int_not_equal(first, second);
	assert_int_not_equal(first, vm);
	bench_destroy(first);
	bench_destroy(second);
	bench_destroy(vm);
}

static const char *console_says(const char *typed)
{
	fake_debug_in = typed;
	fake_debug_clear();
	while (fake_debug_output || (fake_debug_input && *fake_debug_in != 0))
		console_turn();
	return fake_debug_out;
}

static void D6_the_console_meets_a_vm_that_ends(void **state UNUSED)
{
	boot();
	console_start();
	console_says("");
	between(&vm_find(vm)->lock, destroy_it);
	assert_null(strstr(console_says("vms\r"), "vm 2 "));
	assert_happened();
	/* The same where it was in the middle of a list. */
	vm = bench_vm(0);
	bench_vm_assign(2, vm, 0, 7);
	for (u32 i = 0; i < 3; i++)
		bench_vm_domain(vm);
	second = bench_vm(400);
	bench_vm_domain(second);
	between(&vm_find(vm)->lock, destroy_it);
	assert_null(strstr(console_says("domains\r"), "domain 3"));
	assert_happened();
}

/* --- the queue of events */

static void same_again(void)
{
	u64 before = device_table[2].endpoint[0].faults;

	hyp_irq(machine->iommu[0].event_irq);
	hyp_exit_work(vm_vcpu(vm_primary, 1));
	assert_int_equal(device_table[2].endpoint[0].faults, before);
}

/* Of two CPUs that see events waiting one takes them, and the other does not wait for it. */
static void F7_one_cpu_drains_and_the_other_goes_on(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < 5; i++)
		bench_faults(2, 0, 0x123000, SMMU_F_TRANSLATION);
	between(NULL, same_again);
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_happened();
	assert_int_equal(device_table[2].endpoint[0].faults, 5);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(D6_a_vm_that_ends_before_its_lock_is_taken),
		cmocka_unit_test(D6_two_cpus_destroy_one_vm),
		cmocka_unit_test(D6_a_slot_that_is_taken_before_its_lock),
		cmocka_unit_test(D6_the_console_meets_a_vm_that_ends),
		cmocka_unit_test(F7_one_cpu_drains_and_the_other_goes_on),
	};

	return SUITE("between", cases);
}
