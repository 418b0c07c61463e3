/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest library on the bare machine, without a hypervisor: what the other images take for granted.
 * DMA lands anywhere here, so this run also shows that the yardsticks of the other images can fail.
 */
#include <stdlib.h>
#include <string.h>

#include "edu.h"
#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "report.h"
#include "rig.h"
#include "smp.h"
#include "testdev.h"
#include "trap.h"

#define ROUNDS      2000
#define WAIT_MS     20000 /* only what fails, or a crowded host, takes as long */
#define NOTHING     0x0b000000ul /* no device of virt answers here */
#define UNDEFINED() asm volatile(".inst 0x00000000" ::: "memory")

CASE(bare, patterns)
{
	REQUIRE(text_matches("map.hole", "map.*") && text_matches("map.hole", "*hole") && text_matches("a", "*"),
		"a pattern does not match");
	REQUIRE(!text_matches("map.hole", "map") && !text_matches("map.hole", "*x*") && !text_matches("", "a"),
		"a pattern matches too much");
}

CASE(bare, device_tree)
{
	REQUIRE(machine_owns_ram(image_base()) && machine_owns_ram(image_base() + image_size() - 1),
		"the image is not in the tree's memory");
	REQUIRE(machine.gicd.size && machine.gicr.size && machine.timer_irq == 27, "GIC or timer not found");
	REQUIRE(machine.pci.ecam.size && machine.pci.mem32.size && machine.pci.mem64.size && machine.pci.io.size,
		"the host bridge's windows are not found");
	REQUIRE(machine_pci_irq(PCI_BDF(0, 1, 0), 1) == 36 && machine_pci_irq(PCI_BDF(0, 3, 0), 2) == 35,
		"the interrupt map is read wrongly");
	REQUIRE(!machine_owns_ram(machine.uart), "registers count as memory");
}

CASE(bare, memory)
{
	u8 *a = ram_alloc(3 * PAGE, PAGE), *b = ram_alloc(PAGE, BLOCK_2M);

	memset(a, 0x5a, 3 * PAGE);
	REQUIRE((u64)b % BLOCK_2M == 0 && b >= a + 3 * PAGE, "allocations overlap or are not aligned");
	REQUIRE(b[0] == 0 && a[3 * PAGE - 1] == 0x5a, "memory does not hold what was written");
}

CASE(bare, traps)
{
	u32 value = 0;

	REQUIRE(!TRY(value = mmio_read32(NOTHING)), "a read of nothing did not trap");
	REQUIRE(ESR_IS_EXTERNAL(cpu_this()->trap_esr) && cpu_this()->trap_far == NOTHING, "ESR %lx FAR %lx",
		cpu_this()->trap_esr, cpu_this()->trap_far);
	REQUIRE(!TRY(UNDEFINED()) && ESR_CLASS(cpu_this()->trap_esr) == ESR_UNKNOWN, "an undefined instruction did not trap");
	REQUIRE(TRY(value = *(volatile u32 *)image_base()) && value, "a good access counts as a trap");
}

static struct spinlock lock;
static struct barrier gate;
static u64 counter;

static void count_up(void *arg)
{
	(void)arg;
	barrier_wait(&gate);
	for (u32 i = 0; i < ROUNDS; i++) {
		spin_lock(&lock);
		counter++;
		spin_unlock(&lock);
	}
}

CASE(bare, cpus)
{
	u32 count = smp_start_all();

	counter = 0;
	gate = (struct barrier){ .count = count };
	for (u32 i = 1; i < count; i++)
		smp_run(i, count_up, NULL);
	count_up(NULL);
	for (u32 i = 1; i < count; i++)
		smp_join(i);
	REQUIRE_EQUAL(counter, (u64)count * ROUNDS);
}

static volatile u32 taken_irq;

static void timer_taken(u32 irq)
{
	taken_irq = irq;
	sysreg_write(cntv_ctl_el0, 0);
}

CASE(bare, timer_interrupt)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);

	gic_init(timer_taken);
	gic_enable(machine.timer_irq, true);
	taken_irq = 0;
	irq_on();
	sysreg_write(cntv_tval_el0, time_ms(1));
	sysreg_write(cntv_ctl_el0, 1);
	while (!taken_irq && time_ticks() < end)
		;
	irq_off();
	gic_disable(machine.timer_irq);
	REQUIRE_EQUAL(taken_irq, machine.timer_irq);
}

CASE(bare, testdev)
{
	u32 bdf, *page = ram_alloc(2 * PAGE, PAGE);
	struct testdev t;

	REQUIRE(rig_find_slot(&bdf), "no slot of testdev, edu, testdev");
	testdev_open(&t, bdf + 2);
	LANDS(t, (u64)page, page);
	REQUIRE(!testdev_faults(&t, (u64)page, page), "a DMA that lands counts as refused");
	REQUIRE(!testdev_lands(&t, (u64)page + PAGE, page), "a DMA that lands elsewhere counts as landed");
	REQUIRE_EQUAL(testdev_write(&t, (u64)page + PAGE, (u64)page, 4), TESTDEV_ELSEWHERE);
}

CASE(bare, edu_both_ways)
{
	u32 bdf;
	struct edu e;
	char *from = ram_alloc(PAGE, PAGE), *to = ram_alloc(PAGE, PAGE);

	REQUIRE(rig_find_slot(&bdf) && edu_open(&e, bdf + 1), "no edu");
	strcpy(from + 16, "there and back");
	REQUIRE(edu_load(&e, (u64)from, 0, 64) && edu_store(&e, (u64)to, 0, 64), "a transfer did not end");
	REQUIRE(!strcmp(to + 16, "there and back"), "the bytes did not come back");
}

static struct edu irq_edu;

static void edu_taken(u32 irq)
{
	taken_irq = irq;
	edu_clear_irq(&irq_edu, edu_irq_bits(&irq_edu));
}

CASE(bare, edu_interrupt)
{
	u32 bdf, irq;
	u64 end = time_ticks() + time_ms(WAIT_MS);

	REQUIRE(rig_find_slot(&bdf) && edu_open(&irq_edu, bdf + 1), "no edu");
	irq = machine_pci_irq(bdf + 1, pci_read32(bdf + 1, PCI_INTERRUPT_LINE) >> 8 & 0xff);
	REQUIRE(irq, "the function has no line");
	gic_init(edu_taken);
	gic_enable(irq, true);
	taken_irq = 0;
	irq_on();
	edu_raise_irq(&irq_edu, 1);
	while (!taken_irq && time_ticks() < end)
		;
	irq_off();
	gic_disable(irq);
	REQUIRE_EQUAL(taken_irq, irq);
}

static void nothing(void)
{
}

void guest_main(void)
{
	static const struct report_hooks none = { nothing, nothing, nothing };
	const char *patterns = machine_bootarg("t");

	pci_assign_unassigned();
	report_run(patterns ? patterns : "*", &none);
}
