/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt controller as the primary has it: its own interrupts work without exits, and nothing it writes
 * takes an interrupt away from the hypervisor or lets the GIC write memory (V1, V8).
 */
#include "gic.h"
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"
#include "smp.h"
#include "trap.h"

#define WAIT_MS       20000 /* only what fails, or a crowded host, takes as long */
#define TICKS         50u
#define GICR_OTHER(n) (machine.gicr.base + (u64)(n) * GICR_STRIDE)
#define SGIS          0xffu
#define SPI_UNUSED    200u /* an SPI without a line, the primary's like any other */

static volatile u32 taken_irq, taken_count;

/* A level interrupt comes again until its source is quiet. */
static void taken(u32 irq)
{
	taken_irq = irq;
	taken_count++;
	if (rig.edu.regs && edu_irq_bits(&rig.edu))
		edu_clear_irq(&rig.edu, ~0u);
	if (irq == machine.timer_irq)
		sysreg_write(cntv_ctl_el0, 0);
}

static bool wait_taken(u32 irq)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);

	irq_on();
	while (taken_irq != irq && time_ticks() < end)
		;
	irq_off();
	return taken_irq == irq;
}

static void start(void)
{
	gic_init(taken);
	taken_irq = 0;
	taken_count = 0;
}

static u64 dist(u32 offset)
{
	return machine.gicd.base + offset;
}

/* INTIDs of the SMMU's event queue and error, from the tree of the machine below. */
static u32 hypervisor_irq(u32 index)
{
	const void *fdt = machine_below();

	if (!fdt)
		report_skip("the tree of the machine below was not given as ramdisk");
	return machine_find_irq(fdt, "arm,smmu-v3", index);
}

CASE(gic, timer_interrupt)
{
	start();
	gic_enable(machine.timer_irq, true);
	for (u32 i = 1; i <= 20; i++) {
		taken_irq = 0;
		sysreg_write(cntv_tval_el0, time_ms(1) / 4);
		sysreg_write(cntv_ctl_el0, 1);
		REQUIRE(wait_taken(machine.timer_irq), "timer interrupt %u did not come", i);
	}
	gic_disable(machine.timer_irq);
}

/* A tick in the middle of calls is taken between them or in them, and disturbs neither. */
CASE(gic, interrupts_come_while_calls_run)
{
	u32 before;
	u64 end;

	rig_open_mapped();
	start();
	gic_enable(machine.timer_irq, true);
	end = time_ticks() + time_ms(WAIT_MS);
	for (before = 0; before < TICKS && time_ticks() < end;) {
		u32 count = taken_count;

		sysreg_write(cntv_tval_el0, time_ms(1) / 8);
		sysreg_write(cntv_ctl_el0, 1);
		irq_on();
		while (taken_count == count && time_ticks() < end) {
			rig_map(rig.domain, RIG_IOVA + 2 * PAGE, (u64)rig.page, PAGE, RW);
			rig_unmap(rig.domain, RIG_IOVA + 2 * PAGE, PAGE);
		}
		irq_off();
		before += taken_count != count;
	}
	gic_disable(machine.timer_irq);
	REQUIRE(before == TICKS, "only %u ticks were taken", before);
}

CASE(gic, intx_of_a_device)
{
	u32 irq, bdf;

	rig_open();
	bdf = rig.edu.bdf;
	irq = machine_pci_irq(bdf, pci_read32(bdf, PCI_INTERRUPT_LINE) >> 8 & 0xff);
	REQUIRE(irq, "edu has no line");
	start();
	gic_enable(irq, true);
	edu_raise_irq(&rig.edu, 1);
	irq_on();
	for (u64 end = time_ticks() + time_ms(WAIT_MS); !taken_count && time_ticks() < end;)
		;
	irq_off();
	gic_disable(irq);
	REQUIRE(taken_irq == irq, "interrupt %u came and not %u", taken_irq, irq);
}

/* 0 to 7: the upper ones are not a normal world's by Arm's convention, and the hypervisor may keep them. */
CASE(gic, software_interrupts_are_forwarded)
{
	start();
	taken_irq = ~0u;
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ISENABLER, SGIS);
	for (u32 sgi = 0; sgi < 8; sgi++) {
		sysreg_write(icc_sgi1r_el1, (u64)sgi << 24 | 1);
		isb();
		REQUIRE(wait_taken(sgi), "SGI %u to ourselves did not come", sgi);
	}
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ICENABLER, SGIS);
}

static void wait_for_sgi(void *arg)
{
	struct barrier *gate = arg;

	gic_init(taken);
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ISENABLER, SGIS);
	barrier_wait(gate);
	irq_on();
	for (u64 end = time_ticks() + time_ms(WAIT_MS); taken_irq != 7 && time_ticks() < end;)
		;
	irq_off();
}

CASE(gic, software_interrupt_to_another_cpu)
{
	struct barrier gate = { .count = 2 };

	if (smp_start_all() < 2)
		report_skip("this machine has one CPU");
	start();
	smp_run(1, wait_for_sgi, &gate);
	barrier_wait(&gate);
	sysreg_write(icc_sgi1r_el1, 7ul << 24 | 1ul << (machine.mpidr[1] & 15) | (machine.mpidr[1] >> 8 & 0xff) << 16);
	isb();
	smp_join(1);
	REQUIRE_EQUAL(taken_irq, 7);
}

/* SGIs of Group 0 would be FIQs at the hypervisor. */
CASE(gic, software_interrupts_of_group_0_go_nowhere)
{
	start();
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ISENABLER, SGIS);
	TRY(sysreg_write(icc_sgi0r_el1, 3ul << 24 | 1));
	TRY(sysreg_write(icc_asgi1r_el1, 4ul << 24 | 1));
	isb();
	irq_on();
	for (u32 i = 0; i < 1000; i++)
		OK(dev_count());
	irq_off();
	REQUIRE(taken_count == 0, "interrupt %u came", taken_irq);
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ICENABLER, SGIS);
}

CASE(gic, groups_cannot_be_changed)
{
	start();
	for (u32 reg = 1; reg < 8; reg++) {
		u32 word = mmio_read32(dist(GICD_IGROUPR + 4 * reg));

		mmio_write32(dist(GICD_IGROUPR + 4 * reg), 0);
		REQUIRE_EQUAL(mmio_read32(dist(GICD_IGROUPR + 4 * reg)), word);
	}
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_IGROUPR, 0);
	REQUIRE_EQUAL(mmio_read32(gic_redistributor() + GICR_SGI + GICD_IGROUPR) & SGIS, SGIS);
}

/* Everything the distributor has for an interrupt of the hypervisor reads as zero and ignores writes. */
CASE(gic, hypervisor_interrupts_are_hidden)
{
	static const u32 offsets[] = { GICD_IGROUPR, GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
				       GICD_ICPENDR, GICD_ISACTIVER, GICD_ICACTIVER };
	static const u32 indices[] = { 0, 3 };

	rig_open_mapped();
	start();
	for (u32 n = 0; n < ARRAY_COUNT(indices); n++) {
		u32 irq = hypervisor_irq(indices[n]), bit = 1u << irq % 32;

		REQUIRE(irq >= 32, "the SMMU has no interrupt %u", indices[n]);
		for (u32 i = 0; i < ARRAY_COUNT(offsets); i++) {
			mmio_write32(dist(offsets[i] + irq / 32 * 4), bit);
			REQUIRE(!(mmio_read32(dist(offsets[i] + irq / 32 * 4)) & bit), "INTID %u shows at offset %x", irq,
				offsets[i]);
		}
		mmio_write32(dist(GICD_IPRIORITYR + align_down(irq, 4)), ~0u);
		REQUIRE_EQUAL(mmio_read32(dist(GICD_IPRIORITYR + align_down(irq, 4))) >> irq % 4 * 8 & 0xff, 0);
		mmio_write64(dist(GICD_IROUTER + irq * 8), ~0ul);
		REQUIRE_EQUAL(mmio_read64(dist(GICD_IROUTER + irq * 8)), 0);
	}
	/* And its events still arrive. */
	for (u64 faults = rig_stat(PVIOMMU_STAT_FAULTS), i = 1; i <= 4; i++) {
		FAULTS(rig.testdev, RIG_IOVA + PAGE, rig.page);
		REQUIRE_EQUAL(faults_settled(rig.pviommu, faults + i), faults + i);
	}
}

CASE(gic, priorities_are_clamped)
{
	u64 word = dist(GICD_IPRIORITYR + SPI_UNUSED);

	start();
	for (u32 value = 0; value < 0x100; value += 0x11) {
		mmio_write32(word, value * 0x01010101u);
		REQUIRE((mmio_read32(word) & 0x80808080) == 0x80808080, "priority %x reads as %x", value, mmio_read32(word));
	}
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_IPRIORITYR, 0);
	REQUIRE((mmio_read32(gic_redistributor() + GICR_SGI + GICD_IPRIORITYR) & 0x80808080) == 0x80808080,
		"an SGI has a priority above 0x80");
}

CASE(gic, distributor_stays_on)
{
	start();
	mmio_write32(dist(GICD_CTLR), 0);
	REQUIRE(mmio_read32(dist(GICD_CTLR)) & 0x10, "affinity routing is off");
	mmio_write32(dist(GICD_CTLR), 0x12);
	gic_enable(machine.timer_irq, true);
	sysreg_write(cntv_tval_el0, 1000);
	sysreg_write(cntv_ctl_el0, 1);
	REQUIRE(wait_taken(machine.timer_irq), "no interrupt comes any more");
	gic_disable(machine.timer_irq);
}

/* The redistributor would write its tables into memory past the IOMMU. */
CASE(gic, no_lpis_F2)
{
	u64 gicr, table = (u64)ram_alloc(16 * PAGE, 16 * PAGE);

	start();
	gicr = gic_redistributor();
	mmio_write64(gicr + GICR_PROPBASER, table | 15);
	REQUIRE_EQUAL(mmio_read64(gicr + GICR_PROPBASER), 0);
	mmio_write64(gicr + GICR_PENDBASER, table);
	REQUIRE_EQUAL(mmio_read64(gicr + GICR_PENDBASER), 0);
	mmio_write32(gicr + GICR_CTLR, 1);
	REQUIRE(!(mmio_read32(gicr + GICR_CTLR) & 1), "LPIs are enabled");
	REQUIRE(!(mmio_read64(gicr + GICR_TYPER) & 1), "the redistributor offers LPIs");
	REQUIRE(!(mmio_read32(dist(GICD_TYPER)) & 1u << 17), "the distributor offers LPIs");
	for (u64 *p = (u64 *)table; p < (u64 *)(table + 16 * PAGE); p++)
		REQUIRE(!*p, "the GIC wrote to memory at %p", (void *)p);
}

CASE(gic, redistributor_does_not_sleep)
{
	u64 gicr;

	start();
	gicr = gic_redistributor();
	mmio_write32(gicr + GICR_WAKER, 2);
	REQUIRE(!(mmio_read32(gicr + GICR_WAKER) & 6), "it sleeps");
}

/* A CPU has its own redistributor only. */
struct neighbour {
	struct barrier gate;
	u32 before;
	u32 after;
};

static u32 own_sgis(void)
{
	return mmio_read32(gic_redistributor() + GICR_SGI + GICD_ISENABLER) & SGIS;
}

static void watch_own_sgis(void *arg)
{
	struct neighbour *n = arg;

	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ICENABLER, SGIS);
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ISENABLER, 0x0f);
	n->before = own_sgis();
	barrier_wait(&n->gate);
	barrier_wait(&n->gate);
	n->after = own_sgis();
}

CASE(gic, redistributor_of_another_cpu)
{
	struct neighbour n = { .gate = { .count = 2 } };

	if (smp_start_all() < 2)
		report_skip("this machine has one CPU");
	start();
	smp_run(1, watch_own_sgis, &n);
	barrier_wait(&n.gate);
	TRY(mmio_write32(GICR_OTHER(1) + GICR_SGI + GICD_ICENABLER, ~0u));
	TRY(mmio_write32(GICR_OTHER(1) + GICR_SGI + GICD_ISENABLER, 0xf0));
	TRY(mmio_write32(GICR_OTHER(1) + GICR_WAKER, 2));
	barrier_wait(&n.gate);
	smp_join(1);
	REQUIRE_EQUAL(n.before, 0x0f);
	REQUIRE_EQUAL(n.after, n.before);
}

/* Faults of `count` DMAs as the counter has them after the next calls, which drain the queue if nothing else did. */
static u64 faults_of(u32 count)
{
	u64 before = rig_stat(PVIOMMU_STAT_FAULTS);

	for (u32 i = 0; i < count; i++)
		testdev_write(&rig.testdev, RIG_IOVA + PAGE, (u64)rig.page, 4);
	return faults_settled(rig.pviommu, before + count) - before;
}

/* The guest can delay the hypervisor's interrupt by a fake active priority: nothing may rest on it alone. */
CASE(gic, fake_active_priority_hides_no_fault)
{
	u64 faults;

	rig_open_mapped();
	start();
	TRY(sysreg_write(icc_ap1r0_el1, 1));
	TRY(sysreg_write(icc_bpr1_el1, 7));
	isb();
	faults = faults_of(64);
	TRY(sysreg_write(icc_ap1r0_el1, 0));
	TRY(sysreg_write(icc_bpr1_el1, 0));
	isb();
	REQUIRE_EQUAL(faults, 64);
	REQUIRE_EQUAL(faults_of(3), 3);
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

/* Group 0 of the CPU interface is the hypervisor's: what EL1 writes there changes no delivery. */
CASE(gic, group_0_registers_are_not_ours)
{
	u64 faults, registers;

	rig_open_mapped();
	start();
	TRY(sysreg_write(icc_igrpen0_el1, 0));
	TRY(sysreg_write(icc_bpr0_el1, 7));
	TRY(sysreg_write(icc_ap0r0_el1, ~0u));
	TRY(sysreg_write(icc_eoir0_el1, hypervisor_irq(0)));
	TRY(sysreg_write(icc_pmr_el1, 0));
	TRY(sysreg_write(icc_sre_el1, 0));
	isb();
	registers = sysreg_read(icc_sre_el1) & 1;
	faults = faults_of(5);
	TRY(sysreg_write(icc_ap0r0_el1, 0));
	sysreg_write(icc_pmr_el1, 0xff);
	isb();
	REQUIRE(registers, "system registers of the GIC are off");
	REQUIRE_EQUAL(faults, 5);
}

/* Reserved and unaligned accesses of every width: an answer or an abort, and the machine goes on (K2, I7). */
CASE(gic, strange_accesses_K2_I7)
{

	rig_open_mapped();
	start();
	for (u64 at = machine.gicd.base; at < machine.gicd.base + machine.gicd.size; at += 0x94) {
		TRY(mmio_read8(at));
		TRY(mmio_read16(align_up(at, 2)));
		TRY(mmio_read64(align_up(at, 8)));
	}
	for (u64 at = machine.gicr.base; at < machine.gicr.base + 3 * GICR_STRIDE; at += 0x194) {
		TRY(mmio_read8(at));
		TRY(mmio_read32(align_up(at, 4)));
		TRY(mmio_read64(align_up(at, 8)));
	}
	LANDS(rig.testdev, RIG_IOVA, rig.page);
	start();
	gic_enable(machine.timer_irq, true);
	sysreg_write(cntv_tval_el0, 1000);
	sysreg_write(cntv_ctl_el0, 1);
	REQUIRE(wait_taken(machine.timer_irq), "no interrupt comes any more");
	gic_disable(machine.timer_irq);
}
