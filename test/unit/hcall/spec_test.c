/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The specification itself (test/spec): every way into the core has its rule, and what is wrong anywhere in the machine
 * does not escape it.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hcall/hcall.h"
#include "hyp/io.h"
#include "hyp/pool.h"
#include "iommu/domain.h"
#include "smmuv3/smmuv3.h"

#include "bench_vm.h"
#include "spec.h"
#include "suite.h"
#include "turn.h"

static void every_row_has_a_rule(void **state UNUSED)
{
	for (u32 i = 0; i < HCALL_FUNCTIONS; i++)
		if (spec_has_function(i) != (hcall_function[i].handler != NULL))
			suite_fail("function %#x has %s", i, spec_has_function(i) ? "a rule and no row" : "a row and no rule");
	for (u32 i = 0; i < PVIOMMU_OP_COUNT; i++)
		if (spec_has_operation(i) != (hcall_pviommu[i].handler != NULL))
			suite_fail("operation %#x has %s", i, spec_has_operation(i) ? "a rule and no row" : "a row and no rule");
}

/* One judgement more since the last time that it was asked? */
static bool judged(void)
{
	static u64 last;
	bool more = spec_counts.calls > last;

	last = spec_counts.calls;
	return more;
}

static void every_up_call_is_judged(void **state UNUSED)
{
	const struct bench_options o = bench_defaults();
	struct mem_access access = { .ipa = ipa(0x5000), .width = 4, .valid = true };
	struct hcall_args args = { { PC_HYP_MEMINFO } };
	struct vcpu *guest;
	u32 vm;

	bench_boot(&o);
	(void)judged();
	vm = bench_vm(0);
	assert_true(judged());
	guest = vm_vcpu(vm_find(vm), 0);
	assert_true(hyp_vcpu_hypercall(guest, &args));
	assert_true(judged());
	assert_false(hyp_mem_access(vm_vcpu(vm_primary, 0), &access));
	assert_true(judged());
	assert_false(hyp_vcpu_mem_access(guest, &access));
	assert_true(judged());
	hyp_vcpu_check(guest);
	assert_true(judged());
	hyp_irq(machine->iommu[0].event_irq);
	assert_true(judged());
	hyp_irq_storm(35, vm_find(vm));
	assert_true(judged());
	hyp_vcpu_wake(guest);
	assert_true(judged());
	bench_faults(2, 0, 1ull << 39, SMMU_F_TRANSLATION);
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_true(judged());
	(void)pc_vcpu_run(vm, 0, BENCH_EXIT);
	assert_true(judged());
}

/* A wake beside somebody's call waits for nobody: that call looks. And without a specification nothing is judged. */
static void a_wake_beside_a_call_waits_for_nobody(void **state UNUSED)
{
	const struct bench_options o = bench_defaults();
	struct vcpu *guest;
	u32 vm;

	bench_boot(&o);
	vm = bench_vm(0);
	guest = vm_vcpu(vm_find(vm), 0);
	for (u32 i = 0; i < 2; i++) {
		spec_serialise(i == 1);
		assert_true(turn_enter());
		hyp_vcpu_wake(guest);
		turn_leave();
	}
	spec_serialise(false);
	assert_status(bench_call(PC_DEV_COUNT, 0, 0, 0, 0, 0, 0), PC_SUCCESS);
	spec_end();
	(void)judged();
	hyp_vcpu_wake(guest);
	assert_false(judged());
}

/* --- one thing wrong each, that the next call of all, which asks how many devices there are, must not pass by */

static struct domain *first_domain(void) { return &vm_primary->domain_page[0][0]; }
static u64 *first_leaf(void)
{
	u64 *table = io_phys(first_domain()->pt.root);

	for (u32 level = 0; level < 3; level++)
		table = io_phys(pa(table[0] & 0x0000fffffffff000));
	return table;
}
static u64 *entry_of(u32 device)
{
	const struct smmuv3_strtab *t = &smmuv3_of(&iommu_instance[0])->strtab;
	u32 sid = bench_sid(device, 0);

	return (u64 *)io_phys(pa(t->base[sid >> 8] & 0x00ffffffffffffc0)) + 8ull * (sid & 255);
}
static void pin(void) { page_of(pa(bench_page(7)))->pins++; }
static void lost_pin(void) { page_of(pa(bench_page(0)))->pins--; }
static void owner(void) { page_of(pa(bench_page(9)))->owner = 2; }
static void shared(void) { page_of(pa(bench_page(9)))->state = PAGE_SHARED_OUT; }
static void block_pin(void) { page_run_of(pa(bench_block(2)))->block_pins++; }
static void pool_page(void) { vm_primary->pool.free_pages--; }
static void maps(void) { vm_primary->stat[1].maps++; }
static void unmaps(void) { vm_primary->stat[0].unmaps++; }
static void attachments(void) { vm_primary->pviommu[0].attached--; }
static void domain_attachments(void) { first_domain()->attached++; }
static void domain_bytes(void) { first_domain()->mapped -= PAGE_SIZE; }
static void domain_iommus(void) { first_domain()->tag.users = 0; }
static void leaf_right(void) { *first_leaf() ^= 1ull << 7; }
static void leaf_page(void) { *first_leaf() += PAGE_SIZE; }
static void leaf_gone(void) { *first_leaf() = 0; }
static void leaf_more(void) { first_leaf()[300] = *first_leaf(); }
static void name(void) { device_table[2].endpoint[0].vsid.v++; }
static void frozen(void) { device_table[2].frozen = false; }
static void device_owner(void) { device_table[1].state = DEVICE_ASSIGNED; }
static void cookie(void) { device_table[2].endpoint[0].attached.cookie++; }
static void stream(void) { entry_of(2)[0] = 0; }
static void stream_of_another(void) { entry_of(1)[3] += PAGE_SIZE; }
static void mmio(void) { device_table[1].mmio_pins = 1; }
static void handle(void) { vm_at(1)->handle += 256; }
static void guard(void) { vm_at(1)->guard[0] += PAGE_SIZE; }
static void vm_page(void) { vm_at(1)->pages++; }
static void vm_place(void) { page_set_ipa(pa(bench_page(200)), 1, ipa(0x1000)); }
static void open_mmio(void) { vm_at(1)->open_mmio = true; }
static void quarantines(void) { vm_primary->pviommu[0].quarantines++; }
static void faults(void) { vm_primary->pviommu[0].faults++; }

static void setup(void)
{
	const struct bench_options o = bench_defaults();
	u32 vm, d;

	bench_boot(&o);
	bench_assign(2, 0, 5);
	d = bench_domain();
	bench_map(d, 0, bench_page(0), 4 * PAGE_SIZE);
	bench_attach(5, d);
	vm = bench_vm(100);
	bench_donate(vm, 0x80000000, bench_page(200), 4, 0);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000000, 0), PC_SUCCESS);
}

/* In a process of its own, where the specification has to end it. The oracle does not look. */
static bool noticed(void (*wrong)(void))
{
	struct hcall_args args = { { PC_DEV_COUNT } };
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		spec_foreign_changes(false);
		wrong();
		hyp_hypercall(vm_vcpu(vm_primary, 0), &args);
		_exit(0);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child);
	return status != 0;
}

static void nothing(void) {}

#define WRONG(f) { #f, f }
static void V10_what_is_wrong_is_noticed(void **state UNUSED)
{
	static const struct {
		const char *name;
		void (*wrong)(void);
	} all[] = {
		WRONG(pin),
		WRONG(lost_pin),
		WRONG(owner),
		WRONG(shared),
		WRONG(block_pin),
		WRONG(pool_page),
		WRONG(maps),
		WRONG(unmaps),
		WRONG(attachments),
		WRONG(domain_attachments),
		WRONG(domain_bytes),
		WRONG(domain_iommus),
		WRONG(leaf_right),
		WRONG(leaf_page),
		WRONG(leaf_gone),
		WRONG(leaf_more),
		WRONG(name),
		WRONG(frozen),
		WRONG(device_owner),
		WRONG(cookie),
		WRONG(stream),
		WRONG(stream_of_another),
		WRONG(mmio),
		WRONG(handle),
		WRONG(guard),
		WRONG(vm_page),
		WRONG(vm_place),
		WRONG(open_mmio),
		WRONG(quarantines),
		WRONG(faults),
	};

	setup();
	assert_false(noticed(nothing));
	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		if (!noticed(all[i].wrong))
			suite_fail("wrong and not noticed: %s", all[i].name);
}

/* --- what other suites do not come by: the specification judges, the oracle looks */

static void a_pviommu_without_devices_stands_for_nothing(void **state UNUSED)
{
	const struct bench_options o = bench_defaults();

	bench_boot(&o);
	bench_assign(2, 3, 5);
	bench_assign(3, 3, 6);
	assert_status(pv_query(3, PVIOMMU_Q_VSID_COUNT, 0), PC_SUCCESS);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	assert_status(pv_query(3, PVIOMMU_Q_VSID_COUNT, 0), PC_SUCCESS);
	assert_status(pc_dev_release(3), PC_SUCCESS);
	assert_status(pv_query(3, PVIOMMU_Q_VSID_COUNT, 0), PC_NOT_FOUND);
}

static void mmio_mappings_go_with_their_domain(void **state UNUSED)
{
	const struct bench_options o = bench_defaults();
	u32 d;

	bench_boot(&o);
	bench_assign(1, 0, 5);
	d = bench_domain();
	assert_status(pv_map(d, 0, bench_bar(1), 2 * PAGE_SIZE, PVIOMMU_PROT_WRITE | PVIOMMU_PROT_MMIO), PC_SUCCESS);
	assert_int_equal(device_table[1].mmio_pins, 2);
	assert_status(pv_free(d), PC_SUCCESS);
	assert_int_equal(device_table[1].mmio_pins, 0);
}

/* Each allocation of a donation out of the middle of a block fails once: tables of the VM, then of both views. */
static void I4_donation_that_lacks_a_table(void **state UNUSED)
{
	const struct bench_options o = bench_defaults();
	u32 vm, n = 0;

	bench_boot(&o);
	vm = bench_vm(0);
	for (;;) {
		pool_fail_after = ++n;
		if (pc_vm_donate(vm, 0x80000000, bench_block(3) + 64 * PAGE_SIZE, 4, 0).status == PC_SUCCESS)
			break;
	}
	pool_fail_after = 0;
	assert_true(n > 3);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_row_has_a_rule),
		cmocka_unit_test(every_up_call_is_judged),
		cmocka_unit_test(a_wake_beside_a_call_waits_for_nobody),
		cmocka_unit_test(V10_what_is_wrong_is_noticed),
		cmocka_unit_test(a_pviommu_without_devices_stands_for_nothing),
		cmocka_unit_test(mmio_mappings_go_with_their_domain),
		cmocka_unit_test(I4_donation_that_lacks_a_table),
	};

	return SUITE("spec", cases);
}
