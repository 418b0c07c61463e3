/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another CPU does between a call's look at an object and the lock of it: the call finds out, and answers as if it
 * had come later. The other CPU's part runs where the first one is about to take the lock.
 */
#include <string.h>

#include "bench_vm.h"
#include "debug/console.h"
#include "spec.h"
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
	spec_end();       /* which judges calls one by one */
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
	assert_status(pc_vm_finalise(vm), PC_NOT_FOUND);
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
	vm = bench_vm(1000);
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
	hyp_exit_work(vm_vcpu(vm_primary, 0)); /* some of them: the call before it may have been long */
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_happened();
	assert_int_equal(device_table[2].endpoint[0].faults, 5);
}

/* --- what is seen while something is made or goes */

static void (*at_every)(void);

static void at_every_lock(struct spinlock *lock UNUSED, enum fake_lock_point what)
{
	void (*look)(void) = at_every;

	if ((what != FAKE_LOCK_BEFORE && what != FAKE_LOCK_AFTER) || look == NULL)
		return;
	at_every = NULL; /* not within itself */
	fake_cpu_set(1);
	look();
	fake_cpu_set(0);
	at_every = look;
}

static void at_every_store(void *ctx UNUSED, u64 *entry UNUSED, u64 value UNUSED)
{
	at_every_lock(NULL, FAKE_LOCK_AFTER);
}

static void watch_begin(void (*look)(void))
{
	at_every = look;
	fake_lock_hook = at_every_lock;
	fake_store_hook_add(at_every_store, NULL);
}

static void watch_end(void)
{
	at_every = NULL;
	fake_lock_hook = NULL;
	fake_store_hook_remove(at_every_store, NULL);
}

static u32 looks, found;

/* Who finds it by its handle may use all of it. */
static void look_for_the_vm(void)
{
	const struct vm *there = vm_find(vm);

	looks++;
	if (there == NULL)
		return;
	found++;
	assert_int_not_equal(there->state, VM_FREE);
	assert_int_equal(there->view.vcpu_count, 2);
	assert_int_not_equal(there->view.table, 0);
	assert_int_equal(there->view.vmid, there->owner);
	assert_true(there->domain_max > 0);
	for (u32 i = 0; i < 2; i++) {
		assert_ptr_equal(there->vcpu[i].vm, there);
		assert_non_null(there->vcpu_state[i]);
	}
}

static void D5_a_vm_is_found_when_it_is_whole(void **state UNUSED)
{
	u32 handle;

	boot();
	bench_destroy(vm);
	vm += 256; /* the next of that slot */
	watch_begin(look_for_the_vm);
	handle = bench_vm_of(800, BENCH_POOL, 2);
	watch_end();
	assert_int_equal(handle, vm);
	assert_true(looks > 10);
	looks = found = 0;
	/* And as long as it is found while it goes, nothing of it has gone that a caller could use. */
	assert_non_null(vm_find(vm));
	look_for_the_vm();
	assert_int_equal(found, 1);
	bench_destroy(vm);
}

static u64 reported;

static void a_fault(void)
{
	const struct iommu_event e = { .sid = sid(0x718), .has_sid = true, .code = 16 };

	iommu_report_event(&iommu_instance[0], &e);
	reported++;
}

/* The device goes back, and its VM ends, while another CPU reports a fault of it at every step. */
static void H3_faults_come_while_their_device_goes(void **state UNUSED)
{
	struct endpoint *e;
	u32 domain, own;
	u64 before;

	boot();
	bench_vm_assign(2, vm, 0, 7);
	domain = bench_vm_domain(vm);
	bench_vm_map(vm, domain, 0, AT, PAGE_SIZE);
	bench_vm_attach(vm, 7, domain);
	e = &device_table[2].endpoint[0];
	before = e->faults;
	bench_quarantine_expected(); /* counters move behind a call's back */
	watch_begin(a_fault);
	bench_destroy(vm);
	watch_end();
	assert_true(reported > 20);
	assert_int_equal(e->faults, before + reported);
	assert_int_equal(e->attached.domain, NULL);
	bench_check();
	/* The next owner's count is its own. */
	bench_assign(2, 0, 9);
	own = (u32)pv_stats(0, PVIOMMU_STAT_FAULTS).v1;
	a_fault();
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_FAULTS).v1, own + 1);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(D6_a_vm_that_ends_before_its_lock_is_taken),
		cmocka_unit_test(D6_two_cpus_destroy_one_vm),
		cmocka_unit_test(D6_a_slot_that_is_taken_before_its_lock),
		cmocka_unit_test(D6_the_console_meets_a_vm_that_ends),
		cmocka_unit_test(D5_a_vm_is_found_when_it_is_whole),
		cmocka_unit_test(H3_faults_come_while_their_device_goes),
		cmocka_unit_test(F7_one_cpu_drains_and_the_other_goes_on),
	};

	return SUITE("between", cases);
}
