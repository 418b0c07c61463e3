/* SPDX-License-Identifier: BSD-2-Clause */
/* What a secondary finds: calls, emulated addresses, interrupts, power, several vCPUs on whatever CPUs there are. */
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"
#include "vmm.h"

#define IRQ       40u
#define TICK_US   2000
#define LONG_MS   20000 /* for what a crowded host may keep waiting */
#define PSCI_ON   (-4)
#define PSCI_BAD  (-2)
#define PSCI_NONE (-1)

static struct vmm vm;

static void need_cpus(u32 count)
{
	if (machine.cpu_count < count)
		report_skip("this machine has fewer than %u CPUs", count);
	smp_start_all();
}

/* A VM whose vCPUs 1.. are run by the CPUs of the same number as soon as it switches them on. */
static void boot_on_all(u32 vcpus)
{
	need_cpus(vcpus);
	vmm_boot(&vm, vcpus, 1);
	for (u32 i = 1; i < vcpus; i++)
		vmm_run_on(&vm, i, i);
}

CASE(guest, says_hello)
{
	static const char text[] = "a secondary's own words, by CONSOLE\n";

	vmm_boot(&vm, 1, 0);
	memcpy(vm.mail->data, text, sizeof(text));
	REQUIRE(ASK(&vm, "hello", sizeof(text) - 1)[0] > 10, "nothing was printed");
}

CASE(guest, hostile_caller_is_refused_everything_I3_D7)
{
	const u64 *r;

	vmm_boot(&vm, 1, 0);
	r = ASK(&vm, "hostile", vm.mail_ipa + PAGE);
	REQUIRE(r[0] > 300, "only %lu calls were refused", r[0]);
	REQUIRE_EQUAL(OK(vmm_query(PC_VMM_Q_VMS)).r1, 1);
}

CASE(guest, forbidden_instructions_are_its_own_trouble_K2)
{
	const u64 *r;

	vmm_boot(&vm, 1, 0);
	ASK(&vm, "enroll", 0);
	r = ASK(&vm, "forbidden", DOORBELL + BLOCK_2M);
	/* An SMC reaches no firmware: it is not there, or not a call. */
	REQUIRE(r[0] ? r[5] == (u64)PC_NOT_SUPPORTED : ESR_CLASS(r[1]) == ESR_UNKNOWN, "SMC: %lx, trapped %d, ESR %lx", r[5],
		!r[0], r[1]);
	REQUIRE(!r[0] || r[6] == (u64)PC_NOT_SUPPORTED, "HVC #1 answers 0x%lx", r[6]);
	REQUIRE(!r[2] && ESR_IS_EXTERNAL(r[3]), "an address of nobody's: trapped %d, ESR %lx, value %lx", !r[2], r[3], r[4]);
}

CASE(guest, its_system_registers_one_by_one_K2)
{
	vmm_boot(&vm, 1, 0);
	REQUIRE_EQUAL(ASK(&vm, "identity", 0)[0], 0);
}

/* --- emulated addresses */

static struct pc_vcpu_exit *expect_access(u64 ipa, u32 width, bool write)
{
	enum vmm_event event = vmm_run(&vm);
	struct pc_vcpu_exit *e = &vm.exit[0];

	REQUIRE(event == VMM_MMIO, "%s and not an access", vmm_event_name(event));
	REQUIRE(e->size == sizeof(*e) && e->reason == PC_EXIT_MMIO && e->vcpu == 0, "size %u reason %u vcpu %u", e->size,
		e->reason, e->vcpu);
	REQUIRE(e->ipa == ipa && e->width == width && !(e->flags & PC_EXIT_WRITE) == !write,
		"%u bytes at %lx, flags %x", e->width, e->ipa, e->flags);
	for (u32 i = 0; i < ARRAY_COUNT(e->reserved); i++)
		REQUIRE(!e->reserved[i], "reserved member %u is %lx", i, e->reserved[i]);
	for (u32 i = 0; i < ARRAY_COUNT(e->arg); i++)
		REQUIRE(!e->arg[i], "argument %u of an MMIO exit is %lx", i, e->arg[i]);
	return e;
}

CASE(guest, accesses_of_every_width_exit)
{
	static const u64 mask[9] = { [1] = 0xff, [2] = 0xffff, [4] = 0xffffffff, [8] = ~0ul };
	struct pc_vcpu_exit *e;

	vmm_boot(&vm, 1, 0);
	for (u32 width = 1; width <= 8; width *= 2) {
		BEGIN(&vm, "peek", DOORBELL_OTHER, width);
		e = expect_access(DOORBELL_OTHER, width, false);
		REQUIRE(!e->data || !(e->flags & PC_EXIT_DATA), "a read exits with data %lx", e->data);
		e->data = 0x8182838485868788ul;
		REQUIRE_EQUAL(vmm_finish(&vm)[1], 0x8182838485868788ul & mask[width]);
		if (width == 1)
			continue;
		BEGIN(&vm, "poke", DOORBELL_OTHER + 8, width, 0x9192939495969798ul);
		e = expect_access(DOORBELL_OTHER + 8, width, true);
		REQUIRE(e->flags & PC_EXIT_DATA && e->data == (0x9192939495969798ul & mask[width]), "flags %x data %lx", e->flags,
			e->data);
		REQUIRE_EQUAL(vmm_finish(&vm)[0], 1);
	}
	BEGIN(&vm, "peek_signed", DOORBELL_OTHER);
	e = expect_access(DOORBELL_OTHER, 2, false);
	e->data = 0x1234567890128765ul;
	REQUIRE_EQUAL(vmm_finish(&vm)[0], 0xffffffffffff8765ul);
}

/* A VM that did not ask for open addresses tells nobody what it touches by mistake. */
CASE(guest, closed_addresses_abort)
{
	enum vmm_event event;

	vmm_service(&vm, 0, 1, 0);
	/* It shares its page, and then its doorbell aborts, which it takes as the end. */
	event = vmm_run(&vm);
	REQUIRE(event == VMM_OFF || event == VMM_DEAD, "a VM without open addresses: %s", vmm_event_name(event));
	REQUIRE(vm.shared && vm.mail->state == MAIL_FAILED, "it did not fail at its doorbell");
}

CASE(guest, mmio_guard)
{
	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "peek", DOORBELL_OTHER + PAGE, 4);
	expect_access(DOORBELL_OTHER + PAGE, 4, false)->data = 5;
	REQUIRE_EQUAL(vmm_finish(&vm)[1], 5);
	ASK(&vm, "enroll", 0);
	REQUIRE(!ASK(&vm, "peek", DOORBELL_OTHER + PAGE, 4)[0], "an unguarded address is still the primary's");
	OK(vmm_hcall(&vm, PC_MMIO_GUARD_MAP, DOORBELL + PAGE, 0, 0, 0, 0));
	BEGIN(&vm, "peek", DOORBELL_OTHER + PAGE, 4);
	expect_access(DOORBELL_OTHER + PAGE, 4, false)->data = 6;
	REQUIRE_EQUAL(vmm_finish(&vm)[1], 6);
	REFUSED(vmm_hcall(&vm, PC_MMIO_GUARD_MAP, DOORBELL + PAGE + 8, 0, 0, 0, 0), PC_INVALID_PARAMETER);
	/* Memory of its own is not to be emulated. */
	REFUSED(vmm_hcall(&vm, PC_MMIO_GUARD_MAP, vm.mail_ipa, 0, 0, 0, 0), PC_INVALID_PARAMETER);
	REFUSED(vmm_hcall(&vm, PC_MMIO_GUARD_MAP, SERVICE_GICD, 0, 0, 0, 0), PC_INVALID_PARAMETER);
	OK(vmm_hcall(&vm, PC_MMIO_GUARD_UNMAP, DOORBELL + PAGE, 0, 0, 0, 0));
}

/* --- interrupts */

static u32 wake_irq(void)
{
	return (u32)OK(vmm_query(PC_VMM_Q_WAKE_IRQ)).r1;
}

static bool is_pending(u32 irq)
{
	return mmio_read32(machine.gicd.base + GICD_ISPENDR + irq / 32 * 4) >> irq % 32 & 1;
}

static void clear_pending(u32 irq)
{
	mmio_write32(machine.gicd.base + GICD_ICPENDR + irq / 32 * 4, 1u << irq % 32);
}

CASE(guest, timer_ticks_awake_and_asleep)
{
	const u64 *r;

	vmm_boot(&vm, 1, 0);
	for (u64 asleep = 0; asleep < 2; asleep++) {
		u64 idle = vm.exits[PC_EXIT_IDLE], start = time_ticks();

		r = ASK(&vm, "timer", 20, TICK_US, asleep);
		REQUIRE(r[0] == 20 && r[1] == SERVICE_TIMER_IRQ, "%lu ticks, the last is interrupt %lu", r[0], r[1]);
		REQUIRE(time_ticks() - start >= 20 * time_ms(TICK_US) / 1000, "the ticks came too early");
		REQUIRE(r[2] >= start && r[2] <= time_ticks(), "the secondary's counter is another: %lx", r[2]);
		REQUIRE(!asleep || vm.exits[PC_EXIT_IDLE] > idle, "a vCPU asleep did not exit");
	}
}

/* The primary's own timer ends the run of a vCPU that never exits. */
/* Else who waits for a lock, and was interrupted where it was about to, may wait for ever. */
CASE(guest, an_exit_wakes_who_waits_for_an_event_J6)
{
	vmm_boot(&vm, 1, 0);
	REQUIRE(!ASK(&vm, "wait_event", LONG_MS)[0], "an event was due and did not come");
}

CASE(guest, a_spinner_does_not_keep_the_cpu)
{
	u64 exits = 0;

	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "spin", 0);
	for (u32 i = 0; i < 20; i++) {
		u64 before = vm.mail->progress, ended = vm.exits[PC_EXIT_HOST_IRQ], start = time_ticks(), took;
		enum vmm_event event;

		/* None of it, where the host kept us away for a whole slice. */
		do
			event = vmm_run_until(&vm, 0, time_ticks() + time_ms(5));
		while (event == VMM_SLICE && vm.exits[PC_EXIT_HOST_IRQ] == ended);
		took = time_ticks() - start;
		REQUIRE(event == VMM_SLICE, "a spinner: %s", vmm_event_name(event));
		REQUIRE(took < time_ms(LONG_MS), "a slice of 5 ms took %lu ms", took / time_ms(1));
		exits += vm.mail->progress != before;
	}
	REQUIRE(exits > 0, "the spinner never ran");
	REQUIRE(vm.exits[PC_EXIT_HOST_IRQ] >= 20, "only %lu exits for the primary's timer", vm.exits[PC_EXIT_HOST_IRQ]);
}

static void inject(bool level, bool asleep)
{
	enum vmm_event event;
	const u64 *r;

	BEGIN(&vm, "wait_irq", IRQ, level, 1, asleep);
	event = vmm_run(&vm);
	REQUIRE(event == VMM_EVENT && vm.exit[0].data == IRQ, "before it waits: %s", vmm_event_name(event));
	event = vmm_run_until(&vm, 0, time_ticks() + time_ms(20));
	REQUIRE(event == VMM_SLICE, "while nothing is pending: %s", vmm_event_name(event));
	OK(vcpu_irq(vm.handle, 0, IRQ, 1));
	if (!level)
		OK(vcpu_irq(vm.handle, 0, IRQ, 0));
	r = vmm_finish(&vm);
	OK(vcpu_irq(vm.handle, 0, IRQ, 0));
	REQUIRE(r[1] == IRQ && r[0] == 1, "interrupt %lu, %lu times", r[1], r[0]);
}

CASE(guest, interrupts_of_the_primary_arrive)
{
	vmm_boot(&vm, 1, 0);
	for (u32 i = 0; i < 4; i++)
		inject(i & 1, i & 2);
}

CASE(guest, its_interrupt_controller_register_by_register)
{
	vmm_boot(&vm, 2, 0);
	REQUIRE_EQUAL(ASK(&vm, "frames", 0)[0], 0);
}

/* An idle vCPU with something to do raises the primary's wake interrupt, once it is somebody else who gave it. */
CASE(guest, idle_vcpu_wakes_the_primary)
{
	u32 wake = wake_irq();
	enum vmm_event event;

	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "wait_irq", IRQ, 1, 1, 1);
	event = vmm_run(&vm);
	REQUIRE(event == VMM_EVENT, "before it waits: %s", vmm_event_name(event));
	for (u32 i = 0; i < 100 && !vm.exits[PC_EXIT_IDLE]; i++)
		vmm_run_until(&vm, 0, time_ticks() + time_ms(5));
	REQUIRE(vm.exits[PC_EXIT_IDLE], "a vCPU that waits does not exit");
	clear_pending(wake);
	OK(vcpu_irq(vm.handle, 0, IRQ, 1));
	REQUIRE(is_pending(wake), "interrupt %u is not pending", wake);
	clear_pending(wake);
	REQUIRE(vmm_finish(&vm)[1] == IRQ, "another interrupt came");
	OK(vcpu_irq(vm.handle, 0, IRQ, 0));
}

/* One that runs on another CPU at that moment takes it there, without waiting for its slice to end. */
CASE(guest, interrupts_reach_a_running_vcpu)
{
	u64 mark, end;
	u32 at_once = 0;

	need_cpus(2);
	vmm_boot(&vm, 1, 0);
	for (u32 i = 0; i < 20; i++) {
		BEGIN(&vm, "wait_irq", IRQ, 0, 1, 0);
		REQUIRE(vmm_run(&vm) == VMM_EVENT, "before it waits: %s", vm.mail->text);
		vmm_run_on(&vm, 0, 1);
		mark = vm.exits[PC_EXIT_HOST_IRQ];
		/* A slice has just begun. */
		for (end = time_ticks() + time_ms(LONG_MS); vm.exits[PC_EXIT_HOST_IRQ] == mark && time_ticks() < end;)
			gic_sleep_ms(1);
		mark = vm.exits[PC_EXIT_HOST_IRQ];
		OK(vcpu_irq(vm.handle, 0, IRQ, 1));
		OK(vcpu_irq(vm.handle, 0, IRQ, 0));
		for (end = time_ticks() + time_ms(LONG_MS); vm.mail->state == MAIL_GIVEN && time_ticks() < end;)
			gic_sleep_ms(1);
		at_once += vm.exits[PC_EXIT_HOST_IRQ] == mark;
		vmm_stop(&vm);
		REQUIRE(vm.mail->state == MAIL_DONE && vm.mail->result[0] == 1 && vm.mail->result[1] == IRQ,
			"round %u: state %u, %lu interrupts", i, vm.mail->state, vm.mail->result[0]);
		/* Back at the doorbell, whoever saw that. */
		if (vm.exit[0].ipa != DOORBELL_READY)
			vmm_run(&vm);
	}
	/* A crowded host may take the CPU away for a whole slice. */
	REQUIRE(at_once >= 3, "only %u of 20 interrupts came before the slice was over", at_once);
}

/* The primary's own interrupts go on as before: nothing of the virtual ones stays in its interface. */
CASE(guest, interrupt_state_does_not_cross_J6)
{
	u64 pmr, bpr, igrpen, rpr;

	vmm_boot(&vm, 1, 0);
	gic_timer_arm(time_ticks() + time_ms(1000));
	gic_timer_off();
	sysreg_write(icc_pmr_el1, 0xe0);
	sysreg_write(icc_bpr1_el1, 5);
	pmr = sysreg_read(icc_pmr_el1);
	bpr = sysreg_read(icc_bpr1_el1);
	igrpen = sysreg_read(icc_igrpen1_el1);
	rpr = sysreg_read(icc_rpr_el1);
	inject(true, false);
	ASK(&vm, "timer", 3, TICK_US, 0);
	REQUIRE_EQUAL(sysreg_read(icc_pmr_el1), pmr);
	REQUIRE_EQUAL(sysreg_read(icc_bpr1_el1), bpr);
	REQUIRE_EQUAL(sysreg_read(icc_igrpen1_el1), igrpen);
	REQUIRE_EQUAL(sysreg_read(icc_rpr_el1), rpr);
	REQUIRE(sysreg_read(icc_hppir1_el1) >= GIC_SPURIOUS, "interrupt %lu is pending here", sysreg_read(icc_hppir1_el1));
	sysreg_write(icc_pmr_el1, 0xff);
	sysreg_write(icc_bpr1_el1, 0);
}

/* --- power */

CASE(guest, psci_of_a_secondary)
{
	vmm_boot(&vm, 2, 0);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_VERSION)[0], 0x10001);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_FEATURES, PSCI_CPU_ON)[0], 0);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_FEATURES, 0x8400ffff)[0], (u64)PSCI_NONE);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_AFFINITY_INFO, 0, 0)[0], 0);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_AFFINITY_INFO, 1, 0)[0], 1);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_AFFINITY_INFO, 2, 0)[0], (u64)PSCI_BAD);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_CPU_ON, 0, SERVICE_BASE, 0)[0], (u64)PSCI_ON);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_CPU_ON, 2, SERVICE_BASE, 0)[0], (u64)PSCI_BAD);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_CPU_ON, 0x100, SERVICE_BASE, 0)[0], (u64)PSCI_BAD);
	REQUIRE_EQUAL(vm.on, 0);
}

static void ends_with(u32 function, u64 reason)
{
	enum vmm_event event;

	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "psci", function);
	event = vmm_run(&vm);
	REQUIRE(event == VMM_OFF && vm.exit[0].arg[0] == reason, "%s, %lu", vmm_event_name(event), vm.exit[0].arg[0]);
	/* No vCPU of it runs again. */
	event = vmm_run(&vm);
	REQUIRE(event == VMM_OFF || event == VMM_DEAD || event == VMM_ERROR, "after its end: %s", vmm_event_name(event));
	vmm_destroy(&vm);
}

CASE(guest, system_off_and_reset)
{
	ends_with(PSCI_SYSTEM_OFF, PC_POWER_SYSTEM_OFF);
	ends_with(PSCI_SYSTEM_RESET, PC_POWER_SYSTEM_RESET);
}

/* --- several vCPUs */

CASE(guest, all_vcpus_come_up)
{
	const u64 *r;

	boot_on_all(4);
	r = ASK(&vm, "all_vcpus", 5);
	REQUIRE(r[0] == 4 && r[1] == 15, "%lu vCPUs, %lu pieces of work", r[0], r[1]);
	REQUIRE_EQUAL(r[2], 0x030201);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_AFFINITY_INFO, 3, 0)[0], 0);
	REQUIRE_EQUAL(ASK(&vm, "psci", PSCI_CPU_ON, 3, SERVICE_BASE, 0)[0], (u64)PSCI_ON);
	vmm_stop(&vm);
}

CASE(guest, vcpus_interrupt_each_other)
{
	boot_on_all(4);
	REQUIRE_EQUAL(ASK(&vm, "sgi", 20)[0], 60);
	vmm_stop(&vm);
}

/* Off and on again: each time it starts anew. */
CASE(guest, a_vcpu_goes_off_and_comes_back)
{
	const u64 *r;

	boot_on_all(2);
	for (u32 i = 0; i < 5; i++) {
		r = ASK(&vm, "off_and_on", 0);
		REQUIRE(r[0] == 1 && r[1] == 0, "round %u: AFFINITY_INFO says %lu when it is off, %lu when it is on", i, r[0],
			r[1]);
	}
	vmm_stop(&vm);
}

/* More vCPUs than CPUs: every CPU runs two of them in turn, none of them the same for long. */
static struct vmm many_vcpus;

static void run_two(void *arg)
{
	u32 cpu = cpu_this()->index;

	(void)arg;
	while (!__atomic_load_n(&many_vcpus.stop, __ATOMIC_ACQUIRE)) {
		bool any = false;

		for (u32 vcpu = 1; vcpu < VMM_MAX_VCPUS; vcpu++) {
			if (vcpu % (machine.cpu_count - 1) + 1 != cpu ||
			    !(__atomic_load_n(&many_vcpus.on, __ATOMIC_ACQUIRE) >> vcpu & 1))
				continue;
			any = true;
			vmm_run_until(&many_vcpus, vcpu, time_ticks() + time_ms(5));
		}
		if (!any)
			gic_sleep_ms(1);
	}
}

CASE(guest, eight_vcpus_on_fewer_cpus)
{
	const u64 *r;

	need_cpus(3);
	vmm_boot(&many_vcpus, VMM_MAX_VCPUS, 0);
	for (u32 cpu = 1; cpu < machine.cpu_count; cpu++)
		smp_run(cpu, run_two, NULL);
	vmm_begin(&many_vcpus, "all_vcpus", (const u64[]){ 3 }, 1);
	r = many_vcpus.mail->result;
	for (u64 end = time_ticks() + time_ms(6 * LONG_MS); time_ticks() < end;) {
		if (vmm_run_until(&many_vcpus, 0, time_ticks() + time_ms(100)) == VMM_READY)
			break;
	}
	__atomic_store_n(&many_vcpus.stop, 1, __ATOMIC_RELEASE);
	for (u32 cpu = 1; cpu < machine.cpu_count; cpu++)
		smp_join(cpu);
	many_vcpus.stop = 0;
	REQUIRE(many_vcpus.mail->state == MAIL_DONE, "state %u %s", many_vcpus.mail->state, many_vcpus.mail->text);
	REQUIRE(r[0] == 8 && r[1] == 21, "%lu vCPUs, %lu pieces of work", r[0], r[1]);
	REQUIRE_EQUAL(r[2], 0x07060504030201);
}

/* One vCPU, run in turn by every CPU: nothing of it stays behind on the last one. */
struct turn {
	struct vmm *vm;
	enum vmm_event event;
};

static void take_turn(void *arg)
{
	struct turn *t = arg;

	t->event = vmm_run_until(t->vm, 0, time_ticks() + time_ms(LONG_MS));
}

CASE(guest, a_vcpu_moves_between_cpus_J6)
{
	struct turn turn = { &vm, VMM_SLICE };
	u32 cpus;

	need_cpus(2);
	cpus = machine.cpu_count;
	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "registers", ~0xfeedbeeful, 40);
	for (u32 i = 0; i < 40; i++) {
		u32 cpu = i % cpus;

		if (cpu) {
			smp_run(cpu, take_turn, &turn);
			smp_join(cpu);
		} else {
			take_turn(&turn);
		}
		REQUIRE(turn.event == VMM_EVENT, "round %u on CPU %u: %s %s", i, cpu, vmm_event_name(turn.event), vm.mail->text);
	}
	vmm_finish(&vm);
}

CASE(guest, registers_survive_every_exit_J6)
{
	enum vmm_event event;
	u64 rounds = 0;

	vmm_boot(&vm, 1, 0);
	BEGIN(&vm, "registers", ~0xfeedbeeful, 100);
	while ((event = vmm_run(&vm)) == VMM_EVENT)
		rounds++;
	REQUIRE(event == VMM_READY && vm.mail->state == MAIL_DONE, "after %lu rounds: %s %s", rounds, vmm_event_name(event),
		vm.mail->text);
	REQUIRE_EQUAL(rounds, 100);
	REQUIRE(__builtin_popcountl(vm.mail->result[0]) >= 15, "only these registers hold values: %lx", vm.mail->result[0]);
}

/* Two VMs in turn on one CPU, each with patterns of its own. */
CASE(guest, registers_of_two_vms_do_not_mix_J6)
{
	static struct vmm other;

	vmm_boot(&vm, 1, 0);
	vmm_boot(&other, 1, 0);
	BEGIN(&vm, "registers", ~0xfeedbeeful, 30);
	BEGIN(&other, "registers", ~0xdeadc0deul, 30);
	for (u32 i = 0; i < 30; i++) {
		REQUIRE(vmm_run(&vm) == VMM_EVENT, "round %u: %s", i, vm.mail->text);
		REQUIRE(vmm_run(&other) == VMM_EVENT, "round %u: %s", i, other.mail->text);
	}
	vmm_finish(&vm);
	vmm_finish(&other);
}

/* And both at once on two CPUs, with spinners between. */
CASE(guest, registers_hold_while_others_run_J6)
{
	static struct vmm other;
	enum vmm_event event;

	need_cpus(3);
	vmm_boot(&vm, 1, 0);
	vmm_boot(&other, 1, 0);
	BEGIN(&other, "registers", ~0xdeadc0deul, 0);
	vmm_run_on(&other, 0, 1);
	BEGIN(&vm, "registers", ~0xfeedbeeful, 200);
	while ((event = vmm_run(&vm)) == VMM_EVENT)
		;
	REQUIRE(event == VMM_READY && vm.mail->state == MAIL_DONE, "%s %s", vmm_event_name(event), vm.mail->text);
	for (u64 end = time_ticks() + time_ms(LONG_MS); other.mail->progress <= 10 && time_ticks() < end;)
		gic_sleep_ms(1);
	vmm_stop(&other);
	REQUIRE(other.mail->state == MAIL_GIVEN && other.mail->progress > 10, "the other: %s, %lu rounds", other.mail->text,
		other.mail->progress);
}
