/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSCI by proxy: does what psci_rules.c decides. The firmware is asked by SMC with an entry point of our own, so that
 * a CPU never starts in the primary's code at EL2.
 *
 *            CPU_ON                 reaches psci_enter
 *     OFF  --------->  ON_PENDING  -------------------->  ON
 *      ^                   | firmware refuses              |
 *      +-------------------+------------- CPU_OFF ---------+
 *
 * State changes by compare-and-swap; no lock. A CPU that went off may still run its last instructions: the firmware
 * knows, so AFFINITY_INFO of an OFF CPU is the firmware's answer, and its ALREADY_ON is passed on.
 */
#include "psci.h"

#include "fatal.h"
#include "gic.h"
#include "guest.h"
#include "hyp/arch.h"
#include "hyp/config.h"
#include "hyp/log.h"
#include "plant.h"
#include "smp.h"

#include <arch/barrier.h>

#define SMCCC_VERSION       0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_VERSION_1_2   0x10002

enum power { POWER_OFF,
	     POWER_ON_PENDING,
	     POWER_ON };

static struct {
	u32 power; /* enum power, atomic */
	u64 entry, context;
} cpu_power[MACHINE_MAX_CPUS]; /* by index in machine.cpu */

static s64 firmware(u64 function, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 __asm__("x0") = function;
	register u64 x1 __asm__("x1") = a1;
	register u64 x2 __asm__("x2") = a2;
	register u64 x3 __asm__("x3") = a3;

	__asm__ volatile("smc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 :
			 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
			   "memory");
	return (s32)x0;
}

static bool power_change(u32 cpu, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&cpu_power[cpu].power, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static s64 cpu_on(const struct psci_request *r)
{
	s64 result;

	if (!power_change(r->target, POWER_OFF, POWER_ON_PENDING))
		return __atomic_load_n(&cpu_power[r->target].power, __ATOMIC_ACQUIRE) == POWER_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
	cpu_power[r->target].entry = r->entry;
	cpu_power[r->target].context = r->context;
	dsb(ish); /* the CPU reads them with its caches on, after this */
	result = firmware(PSCI_CPU_ON | SMC64, machine->cpu[r->target].mpidr, (u64)secondary_boot,
			  (u64)smp_cpu(r->target));
	if (result != PSCI_SUCCESS)
		power_change(r->target, POWER_ON_PENDING, POWER_OFF);
	return result;
}

static s64 affinity_info(u32 target)
{
	switch ((enum power)__atomic_load_n(&cpu_power[target].power, __ATOMIC_ACQUIRE)) {
	case POWER_ON:
		return 0;
	case POWER_ON_PENDING:
		return 2;
	case POWER_OFF:
		break;
	}
	return firmware(PSCI_AFFINITY_INFO | SMC64, machine->cpu[target].mpidr, 0, 0);
}

bool psci_cpu_is_on(u32 cpu)
{
	return __atomic_load_n(&cpu_power[cpu].power, __ATOMIC_SEQ_CST) == POWER_ON;
}

static s64 cpu_off(void)
{
	u32 self = arch_cpu_index();

	gic_cpu_off();
	__atomic_store_n(&cpu_power[self].power, POWER_OFF, __ATOMIC_SEQ_CST);
	gic_lines_leave(self);
	firmware(PSCI_CPU_OFF, 0, 0, 0);
	/* The firmware would not let it go: it stays the primary's. */
	__atomic_store_n(&cpu_power[self].power, POWER_ON, __ATOMIC_RELEASE);
	gic_cpu_init();
	return PSCI_DENIED;
}

/* An interrupt ends it, whoever will take that. */
static s64 standby(void)
{
	dsb(sy);
	__asm__ volatile("wfi");
	return PSCI_SUCCESS;
}

void psci_call(struct hcall_args *args)
{
	struct psci_request r;

	psci_decode(machine, args, &r);
	switch (r.action) {
	case PSCI_ANSWER:
		break;
	case PSCI_DO_STANDBY:
		r.result = standby();
		break;
	case PSCI_DO_CPU_OFF:
		r.result = cpu_off();
		break;
	case PSCI_DO_CPU_ON:
		r.result = cpu_on(&r);
		break;
	case PSCI_DO_AFFINITY_INFO:
		r.result = affinity_info(r.target);
		break;
	case PSCI_DO_SYSTEM_OFF:
		if (CONFIG_TEST)
			plant(machine->option.plant);
		log_info("the primary powers the machine off");
		arch_system_off();
	case PSCI_DO_SYSTEM_RESET:
		log_info("the primary resets the machine");
		arch_system_reset();
	}
	args->r[0] = (u64)r.result;
}

/* SMCCC 1.2, 7.2 and 7.3: the two calls themselves exist, no workaround does. */
void smc_call(struct hcall_args *args)
{
	u32 function = (u32)args->r[0], feature = (u32)args->r[1];

	if (psci_is_call(function))
		psci_call(args);
	else if (function == SMCCC_VERSION)
		args->r[0] = SMCCC_VERSION_1_2;
	else if (function == SMCCC_ARCH_FEATURES && (feature == SMCCC_VERSION || feature == SMCCC_ARCH_FEATURES))
		args->r[0] = PSCI_SUCCESS;
	else
		args->r[0] = (u64)PSCI_NOT_SUPPORTED;
}

void psci_boot_cpu_on(void)
{
	cpu_power[arch_cpu_index()].power = POWER_ON;
}

void psci_enter(struct percpu *cpu)
{
	u64 entry = cpu_power[cpu->index].entry, context = cpu_power[cpu->index].context;

	__atomic_store_n(&cpu_power[cpu->index].power, POWER_ON, __ATOMIC_RELEASE);
	guest_start(cpu->index, entry, context);
}

void arch_system_off(void)
{
	firmware(PSCI_SYSTEM_OFF, 0, 0, 0);
	park();
}

void arch_system_reset(void)
{
	firmware(PSCI_SYSTEM_RESET, 0, 0, 0);
	park();
}
