/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU start by PSCI 1.1 (DEN0022) and a mailbox per CPU. */
#include "smp.h"

#include "gic.h"
#include "machine.h"
#include "report.h"

#define STACK_BYTES 0x10000
#define START_MS    20000 /* a crowded host may keep it waiting, and a VMM in between */

struct cpu cpu0 = { .online = true };
static struct cpu secondaries[MAX_CPUS]; /* index 0 unused */
static u8 stacks[MAX_CPUS][STACK_BYTES] __attribute__((aligned(16)));
static struct smp_boot {
	u64 stack_top;
	struct cpu *cpu;
} boot_args[MAX_CPUS];

void secondary_boot(void);

long psci_call(u32 function, u64 a1, u64 a2, u64 a3)
{
	register u64 x0 asm("x0") = function;
	register u64 x1 asm("x1") = a1;
	register u64 x2 asm("x2") = a2;
	register u64 x3 asm("x3") = a3;

	if (machine.psci_by_hvc)
		asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
	else
		asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"memory");
	/* The 32-bit functions answer 32-bit numbers. */
	return (int32_t)x0;
}

void psci_system_off(void)
{
	psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}

static bool start_one(u32 index)
{
	struct cpu *cpu = &secondaries[index];
	struct smp_boot *args = &boot_args[index];
	u64 end = time_ticks() + time_ms(START_MS);

	cpu->index = index;
	cpu->mpidr = machine.mpidr[index];
	args->stack_top = (u64)stacks[index] + STACK_BYTES;
	args->cpu = cpu;
	/* It is read with the other CPU's MMU off. */
	asm volatile("dc civac, %0\n\tdsb sy" ::"r"(args) : "memory");
	if (psci_call(PSCI_CPU_ON, cpu->mpidr, (u64)secondary_boot, (u64)args))
		return false;
	while (!__atomic_load_n(&cpu->online, __ATOMIC_ACQUIRE)) {
		if (time_ticks() > end)
			return false;
	}
	return true;
}

u32 smp_start_all(void)
{
	for (u32 i = 1; i < machine.cpu_count; i++) {
		if (!secondaries[i].online && !start_one(i))
			report_abandon("a CPU of the device tree did not start");
	}
	return machine.cpu_count;
}

void smp_run(u32 index, void (*work)(void *), void *arg)
{
	struct cpu *cpu = &secondaries[index];

	cpu->work = work;
	cpu->work_arg = arg;
	__atomic_store_n(&cpu->work_given, cpu->work_given + 1, __ATOMIC_RELEASE);
}

void smp_join(u32 index)
{
	struct cpu *cpu = &secondaries[index];

	while (__atomic_load_n(&cpu->work_done, __ATOMIC_ACQUIRE) != cpu->work_given)
		;
}

void smp_forget(u32 index)
{
	struct cpu *cpu = &secondaries[index];

	cpu->work_given = 0;
	cpu->work_done = 0;
	cpu->gic_ready = false;
	__atomic_store_n(&cpu->online, false, __ATOMIC_RELEASE);
}

void smp_secondary(struct cpu *cpu)
{
	u32 done = 0;

	__atomic_store_n(&cpu->online, true, __ATOMIC_RELEASE);
	for (;;) {
		while (__atomic_load_n(&cpu->work_given, __ATOMIC_ACQUIRE) == done)
			gic_sleep_ms(1);
		cpu->work(cpu->work_arg);
		__atomic_store_n(&cpu->work_done, ++done, __ATOMIC_RELEASE);
	}
}

void barrier_wait(struct barrier *b)
{
	u32 round = __atomic_load_n(&b->round, __ATOMIC_ACQUIRE);

	if (__atomic_add_fetch(&b->arrived, 1, __ATOMIC_ACQ_REL) == b->count) {
		b->arrived = 0;
		__atomic_store_n(&b->round, round + 1, __ATOMIC_RELEASE);
		return;
	}
	while (__atomic_load_n(&b->round, __ATOMIC_ACQUIRE) == round)
		;
}
