/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSCI and what else a guest may ask of the CPU room by HVC and SMC (architecture 10; Arm DEN 0022 section 5, DEN 0028
 * section 7): an allow-list for the primary's CPUs, and the same for the vCPUs of a secondary, named by their index. All
 * registers but the first keep their values.
 */
#include "psci.h"

#include <string.h>

#include "entries.h"
#include "hyp/arch.h"
#include "hyp/log.h"
#include "hyp/vm.h"
#include "image.h"
#include "rules.h"
#include "spec.h"
#include "turn.h"

#define VERSION_OF_SMCCC 0x10002u
#define SMCCC_VERSION    0x80000000u
#define SMCCC_FEATURES   0x80000001u
#define POWER_DOWN       (1u << 16)
#define UNKNOWN          1 /* no result of PSCI: it does not come back, or another says which */

static bool on[MACHINE_MAX_CPUS];      /* CPUs of the primary, as far as calls say; guarded by the turn */
static u32 passed_by[MACHINE_MAX_CPUS]; /* calls of PSCI that came by, each CPU's own */

/* What was asked: arguments of 32-bit functions are 32 bits wide. */
struct asked {
	u32 function;
	u64 arg[3];
};

static bool is_one_of(u32 function, const u32 *list, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (list[i] == function)
			return true;
	return false;
}

static bool is_allowed(u32 function)
{
	static const u32 list[] = {
		0x84000000, /* VERSION */
		0x84000001, 0xc4000001, /* CPU_SUSPEND */
		0x84000002, /* CPU_OFF */
		0x84000003, 0xc4000003, /* CPU_ON */
		0x84000004, 0xc4000004, /* AFFINITY_INFO */
		0x84000006, /* MIGRATE_INFO_TYPE */
		0x84000008, 0x84000009, /* SYSTEM_OFF, SYSTEM_RESET */
		0x8400000a, /* FEATURES */
	};

	return is_one_of(function, list, ARRAY_SIZE(list));
}

static struct asked ask(const struct hcall_args *args)
{
	struct asked a = { .function = (u32)args->r[0] };

	for (u32 i = 0; i < 3; i++)
		a.arg[i] = a.function & SMC64 ? args->r[i + 1] : (u32)args->r[i + 1];
	return a;
}

/* Does the name of the function without its width, in `allowed` functions, mean this one? */
static bool means(const struct asked *a, u32 function) { return is_allowed(a->function) && (a->function & ~SMC64) == function; }

static void demand(bool ok, const struct asked *a, s64 is, const char *why)
{
	if (!ok)
		spec_fail("PSCI 0x%x(0x%llx 0x%llx 0x%llx) answered %lld: %s", a->function, (unsigned long long)a->arg[0],
			  (unsigned long long)a->arg[1], (unsigned long long)a->arg[2], (long long)is, why);
}

/* The part that depends on no CPU's state. */
static s64 answer_of(const struct asked *a)
{
	if (!is_allowed(a->function))
		return PSCI_NOT_SUPPORTED;
	if (means(a, PSCI_VERSION))
		return 0x10001;
	if (means(a, PSCI_MIGRATE_INFO_TYPE))
		return 2;
	if (means(a, PSCI_FEATURES))
		return is_allowed((u32)a->arg[0]) || (u32)a->arg[0] == SMCCC_VERSION ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
	if (means(a, PSCI_CPU_SUSPEND))
		return a->arg[0] & POWER_DOWN ? PSCI_INVALID_PARAMETERS : PSCI_SUCCESS;
	if (means(a, PSCI_AFFINITY_INFO) && a->arg[1] != 0)
		return PSCI_INVALID_PARAMETERS;
	return UNKNOWN;
}

/* One that is on is on, or about to be; one that is off may still be on its way, as the firmware sees it. */
static bool is_affinity(bool is_on, s64 got) { return is_on ? got == 0 || got == 2 : got == 1 || got == 0; }

/* --- the primary */

static bool cpu_of(u64 name, u32 *cpu)
{
	for (*cpu = 0; *cpu < machine->cpu_count; ++*cpu)
		if (machine->cpu[*cpu].mpidr == name)
			return true;
	return false;
}

/* Memory that was never the primary's is refused; what it gave away, its stage 2 refuses when the CPU fetches there. */
static void judge_cpu_on(const struct asked *a, u32 cpu, s64 got)
{
	u64 n = page_number(a->arg[1]);
	bool ram = a->arg[1] % 4 == 0 && n != NO_PAGE;

	if (!ram || spec->page[n].owner == 0) {
		demand(got == PSCI_INVALID_ADDRESS || (ram && got >= PSCI_ON_PENDING), a, got, "no CPU can begin there");
		if (got == PSCI_INVALID_ADDRESS)
			return;
	}
	if (on[cpu])
		demand(got == PSCI_ALREADY_ON || got == PSCI_ON_PENDING, a, got, "the CPU is on");
	else
		demand(got == PSCI_SUCCESS || got == PSCI_ALREADY_ON || got == PSCI_INTERNAL_FAILURE, a, got, "the CPU is off");
	on[cpu] = on[cpu] || got == PSCI_SUCCESS;
}

static void judge_primary(const struct asked *a, s64 got)
{
	s64 must = answer_of(a);
	u32 cpu;

	entry_judged(ENTRY_PSCI);
	if (must != UNKNOWN)
		demand(got == must, a, got, "it has to be another result");
	else if (means(a, PSCI_CPU_OFF))
		demand(got == PSCI_DENIED, a, got, "CPU_OFF comes back with one answer only");
	else if (!cpu_of(a->arg[0], &cpu))
		demand(got == PSCI_INVALID_PARAMETERS, a, got, "there is no such CPU");
	else if (means(a, PSCI_AFFINITY_INFO))
		demand(is_affinity(on[cpu], got), a, got, "the CPU is not so");
	else
		judge_cpu_on(a, cpu, got);
}

/* What was judged, once the machine goes off. */
static void report(void)
{
	const char *name;
	u64 count;

	for (u32 i = 0; entries_line(i, &name, &count); i++)
		log_info("spec: %8lu %s", (unsigned long)count, name);
	log_info("spec: %lu answers were judged, %lu looks at everything, %lu states taken for right", (unsigned long)spec_counts.calls,
		 (unsigned long)spec_counts.looks, (unsigned long)spec_counts.taken);
	log_info("spec: 0 entry points are without a rule, %lu answers without a verdict", (unsigned long)spec_counts.overlaps);
}

/* A CPU that goes off, or waits, is in nobody's way. */
static void leaves_first(const struct asked *a)
{
	if (means(a, PSCI_SYSTEM_OFF) || means(a, PSCI_SYSTEM_RESET)) {
		entry_judged(ENTRY_PSCI);
		report();
	}
	if (means(a, PSCI_CPU_OFF))
		on[arch_cpu_index()] = false;
}

static bool waits(const struct asked *a)
{
	return means(a, PSCI_CPU_OFF) || means(a, PSCI_CPU_SUSPEND) || means(a, PSCI_SYSTEM_OFF) || means(a, PSCI_SYSTEM_RESET);
}

void __real_psci_call(struct hcall_args *args);
void __wrap_psci_call(struct hcall_args *args);
void __wrap_psci_call(struct hcall_args *args)
{
	const struct hcall_args was = *args;
	const struct asked a = ask(args);
	bool alone = turn_enter();

	passed_by[arch_cpu_index()]++;
	if (waits(&a)) {
		leaves_first(&a);
		turn_leave();
		__real_psci_call(args);
		alone = turn_enter();
		if (means(&a, PSCI_CPU_OFF))
			on[arch_cpu_index()] = true;
	} else {
		__real_psci_call(args);
	}
	if (turn_is_ours(alone)) {
		judge_primary(&a, (s64)args->r[0]);
		demand(memcmp(&args->r[1], &was.r[1], sizeof(was.r) - sizeof(was.r[0])) == 0, &a, (s64)args->r[0], "a register changed");
	}
	turn_leave();
}

void power_begin(void) { on[arch_cpu_index()] = true; }

static void judge_smc(u32 function, u32 feature, s64 got)
{
	s64 must = PSCI_NOT_SUPPORTED;

	if (function == SMCCC_VERSION)
		must = VERSION_OF_SMCCC;
	if (function == SMCCC_FEATURES && (feature == SMCCC_VERSION || feature == SMCCC_FEATURES))
		must = PSCI_SUCCESS;
	if (got != must)
		spec_fail("SMC 0x%x(0x%x) answered %lld, and has to answer %lld", function, feature, (long long)got, (long long)must);
	entry_judged(ENTRY_SMC);
}

void __real_smc_call(struct hcall_args *args);
void __wrap_smc_call(struct hcall_args *args);
void __wrap_smc_call(struct hcall_args *args)
{
	u32 function = (u32)args->r[0], feature = (u32)args->r[1], before = passed_by[arch_cpu_index()];
	bool alone;

	/* PSCI by SMC is PSCI by HVC, and judged there. */
	if (psci_is_call(function)) {
		__real_smc_call(args);
		if (passed_by[arch_cpu_index()] == before)
			spec_fail("SMC 0x%x did not come by the rules of PSCI", function);
		return;
	}
	alone = turn_enter();
	__real_smc_call(args);
	if (turn_is_ours(alone))
		judge_smc(function, feature, (s64)args->r[0]);
	turn_leave();
}

/* --- secondaries */

/* The first reason of an end stays, so SYSTEM_* may tell an earlier one. */
static void leaves_by(struct spec_vm *vm, u32 vcpu, u64 what, u64 whose)
{
	vm->vcpu[vcpu].exit = (struct spec_exit){ .known = true, .reason = PC_EXIT_POWER, .arg = { what, whose } };
}

static void judge_vm_cpu_on(struct spec_vm *vm, u32 vcpu, const struct asked *a, s64 got, bool left)
{
	struct spec_vcpu *target = &vm->vcpu[a->arg[0]];

	if (a->arg[1] % 4 != 0 || a->arg[1] >> spec->cpu.bits != 0) {
		demand(got == PSCI_INVALID_ADDRESS && !left, a, got, "no vCPU can begin there");
	} else if (target->on) {
		demand((got == PSCI_ALREADY_ON || got == PSCI_ON_PENDING) && !left, a, got, "the vCPU is on");
	} else {
		demand(got == PSCI_SUCCESS && left, a, got, "the vCPU is off, and the primary has to hear that it starts");
		target->on = true;
		leaves_by(vm, vcpu, PC_POWER_ON, a->arg[0]);
	}
}

static void judge_vm(struct spec_vm *vm, u32 vcpu, const struct asked *a, s64 got, bool left)
{
	s64 must = answer_of(a);

	entry_judged(ENTRY_VM_PSCI);
	if (must != UNKNOWN) {
		demand(got == must, a, got, "it has to be another result");
		demand(!left || means(a, PSCI_CPU_SUSPEND), a, got, "the primary hears of it");
	} else if (means(a, PSCI_CPU_OFF)) {
		demand(left, a, got, "the primary has to hear of it");
		vm->vcpu[vcpu].on = false;
		leaves_by(vm, vcpu, PC_POWER_OFF, vcpu);
	} else if (means(a, PSCI_SYSTEM_OFF) || means(a, PSCI_SYSTEM_RESET)) {
		demand(left, a, got, "the primary has to hear of it");
	} else if (a->arg[0] >= vm->w.vcpus) {
		demand(got == PSCI_INVALID_PARAMETERS && !left, a, got, "there is no such vCPU");
	} else if (means(a, PSCI_AFFINITY_INFO)) {
		demand(vm->vcpu[a->arg[0]].on ? got == 0 || got == 2 : got == 1, a, got, "the vCPU is not so");
	} else {
		judge_vm_cpu_on(vm, vcpu, a, got, left);
	}
}

bool __real_guest_psci(struct vcpu *vcpu);
bool __wrap_guest_psci(struct vcpu *vcpu);
bool __wrap_guest_psci(struct vcpu *vcpu)
{
	const struct hcall_args was = vcpu->arch.call;
	const struct asked a = ask(&was);
	bool alone = turn_enter(), left = vcpu->leave, is_call = __real_guest_psci(vcpu);
	s64 got = (s64)vcpu->arch.call.r[0];

	if (turn_is_ours(alone)) {
		demand(is_call == psci_is_call(was.r[0]), &a, got, "it is a call of PSCI by its number alone");
		demand(memcmp(&vcpu->arch.call.r[1], &was.r[1], sizeof(was.r) - sizeof(was.r[0])) == 0 &&
			       (is_call || vcpu->arch.call.r[0] == was.r[0]),
		       &a, got, "a register changed");
		if (is_call)
			judge_vm(&spec->vm[abstract_vm_number(vcpu->vm)], vcpu->index, &a, got, vcpu->leave != left);
	}
	turn_leave();
	return is_call;
}
