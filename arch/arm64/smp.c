/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPUs of the machine: identity, stacks, the start of those that the primary powers on, the stop of all.
 *
 * percpu[0] is the CPU that booted, whatever its index in machine.cpu; the CPU with index 0 then has its place.
 */
#include "smp.h"

#include "cpu.h"
#include "fatal.h"
#include "gic.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "layout.h"
#include "mm.h"
#include "psci.h"

#include <arch/sysreg.h>

#define STACKS_OF_ONE (2 * STACK_GUARD + STACK_SIZE + FATAL_STACK_SIZE)

struct percpu percpu[MACHINE_MAX_CPUS];
static u32 boot_index;

u32 arch_cpu_index(void)
{
	return this_cpu()->index;
}

struct percpu *smp_cpu(u32 index)
{
	if (index == boot_index)
		return &percpu[0];
	return index == 0 ? &percpu[boot_index] : &percpu[index];
}

static u32 boot_index_find(const struct machine *m)
{
	u64 self = sysreg_read(mpidr_el1) & MPIDR_AFFINITY;
	u32 i;

	for (i = 0; i < m->cpu_count; i++)
		if (m->cpu[i].mpidr == self)
			return i;
	panic("refused: the device tree does not name the CPU with MPIDR 0x%lx, which runs this", (unsigned long)self);
}

void smp_stacks_init(void)
{
	u32 i;

	for (i = 0; i < MACHINE_MAX_CPUS; i++) {
		percpu[i].stack_top = (u64)stacks_start + i * STACKS_OF_ONE + STACK_GUARD + STACK_SIZE;
		percpu[i].fatal_top = (u64)stacks_start + (i + 1) * STACKS_OF_ONE;
	}
}

void smp_init(const struct machine *m)
{
	u32 i;

	boot_index = boot_index_find(m);
	for (i = 0; i < m->cpu_count; i++)
		smp_cpu(i)->index = i;
}

void smp_main(struct percpu *cpu)
{
	CHECK(sysreg_read(tpidr_el2) == (u64)cpu);
	cpu_init();
	gic_cpu_init();
	psci_enter(cpu);
}

void smp_stop_others(void)
{
	gic_stop_others();
}
