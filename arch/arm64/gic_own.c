/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hypervisor owns of the interrupt controller (GICv3, IHI 0069): its interrupts are Group 0, highest priority,
 * taken as FIQ at EL2 (HCR_EL2.FMO), also over a guest that masks everything. The primary's are Group 1 and go to EL1.
 *
 * The primary can hold our FIQs back (ICC_AP1R0_EL1 is physical for it), so nothing depends on them: the same work is
 * polled at each exit. Where the controller has two security states Group 0 is not ours, and polling is all there is.
 *
 * Beside the IOMMUs' these are ours: two software interrupts, to stop a CPU and to make it look at what it runs; the
 * timer of EL2, which stands in for the primary's while a secondary has the virtual timer; the maintenance interrupt of
 * the virtual CPU interface. The virtual timer's changes hands with the world (world_timer.c), lines of secondaries
 * when the core says so (gic_line.c).
 */
#include "gic.h"

#include "cpu.h"
#include "fatal.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "smp.h"
#include "world.h"

#include <arch/sysreg.h>

#define GIC_WAIT_US    100000 /* for a write to the distributor to take effect */
#define TAKE_MAX       8      /* interrupts at one FIQ, one of them a device's of ours; more raise it again */
#define PRIORITY_GUEST 0xa0a0a0a0u
#define ICC_SRE_VALUE  0xf    /* Enable, DIB, DFB, SRE: 12.2.25 */
#define ICC_PMR_ALL    0xff
#define SGI_ALL_OTHERS BIT(40) /* IRM, 12.2.20 */
#define SGI_INTID      BITS(27, 24)
#define SGI_RANGE      BITS(47, 44)
#define OWN_PRIVATE    ((u32)(BIT(GIC_SGI_STOP) | BIT(GIC_SGI_KICK) | BIT(GIC_PPI_MAINTENANCE) | BIT(GIC_PPI_HYP_TIMER)))
#define CTLR_EOIMODE   BIT(1) /* ICC_CTLR_EL1: the end of an interrupt does not deactivate it */

struct gic gic;
struct spinlock gic_dist_lock = SPINLOCK_INIT;

static volatile void __mmio *reg_at(const struct gic_frame *frame, u32 offset)
{
	return (volatile u8 __mmio *)frame->regs + offset;
}

static void wait_clear(const volatile void __mmio *reg, u64 bit, const char *what)
{
	u64 start = io_time_us();

	for (;;) {
		/* Before the look: who was away in between has not waited in vain. */
		bool late = io_time_us() - start > GIC_WAIT_US;

		if (!(io_read32(reg) & bit))
			return;
		if (late)
			panic("interrupts: %s does not settle", what);
		io_relax();
	}
}

void gic_dist_settle(void)
{
	wait_clear(reg_at(&gic.dist, GICD_CTLR), GICD_CTLR_RWP, "the distributor");
}

void gic_redist_settle(u32 cpu)
{
	wait_clear(reg_at(&gic.redist[cpu], GICR_CTLR), GICR_CTLR_RWP, "a redistributor");
}

bool gic_can_run_secondary(void)
{
	return gic.own[0] != 0;
}

static void own_add(u32 intid)
{
	if (intid >= GIC_SPI_FIRST && intid < GIC_SPI_END)
		gic.own[intid / 32] |= (u32)BIT(intid % 32);
}

static void dist_write(u32 offset, u32 value)
{
	io_write32(value, reg_at(&gic.dist, offset));
}

/* Everything off, Group 1, at an ordinary priority, to be set up by the guest; ours on. */
static void dist_init(void)
{
	u32 lines = 32 * ((u32)FIELD_GET(GICD_TYPER_LINES, io_read32(reg_at(&gic.dist, GICD_TYPER))) + 1);
	u64 self = sysreg_read(mpidr_el1) & MPIDR_AFFINITY;
	u32 i;

	dist_write(GICD_CTLR, 0);
	wait_clear(reg_at(&gic.dist, GICD_CTLR), GICD_CTLR_RWP, "the distributor");
	dist_write(GICD_CTLR, GICD_CTLR_ARE);
	wait_clear(reg_at(&gic.dist, GICD_CTLR), GICD_CTLR_RWP, "the distributor");
	for (i = 1; i < lines / 32; i++) {
		dist_write(GICD_ICENABLER + 4 * i, ~0u);
		dist_write(GICD_IGROUPR + 4 * i, ~gic.own[i]);
	}
	for (i = GIC_SPI_FIRST; i < lines && i < GIC_SPI_END; i += 4)
		dist_write(GICD_IPRIORITYR + i, PRIORITY_GUEST);
	for (i = GIC_SPI_FIRST; i < lines && i < GIC_SPI_END; i++) {
		if (!(gic.own[i / 32] & BIT(i % 32)))
			continue;
		io_write8(0, reg_at(&gic.dist, GICD_IPRIORITYR + i));
		dist_write(GICD_ICFGR + i / 16 * 4,
			   io_read32(reg_at(&gic.dist, GICD_ICFGR + i / 16 * 4)) | 2u << (i % 16 * 2));
		io_write64(self, reg_at(&gic.dist, GICD_IROUTER + 8 * i));
		dist_write(GICD_ICPENDR + i / 32 * 4, 1u << i % 32);
		dist_write(GICD_ISENABLER + i / 32 * 4, 1u << i % 32);
	}
	dist_write(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
	wait_clear(reg_at(&gic.dist, GICD_CTLR), GICD_CTLR_RWP, "the distributor");
}

/* GICR_TYPER and MPIDR write a CPU's affinity differently: Aff3 is at 31:24 there, at 39:32 here. */
static u64 typer_mpidr(u64 typer)
{
	u64 affinity = FIELD_GET(GICR_TYPER_AFFINITY, typer);

	return (affinity & BITS(23, 0)) | (affinity & BITS(31, 24)) << 8;
}

static void redist_found(const struct machine *m, u64 base, u64 typer)
{
	u32 i;

	for (i = 0; i < m->cpu_count; i++)
		if (m->cpu[i].mpidr == typer_mpidr(typer))
			gic.redist[i] = (struct gic_frame){ base, (volatile void __mmio *)base };
}

static void redists_find(const struct machine *m)
{
	u32 i;

	for (i = 0; i < m->gic.redist_count; i++) {
		u64 base = m->gic.redist[i].base, end = base + m->gic.redist[i].size, typer = 0;

		while (end - base >= GICR_BYTES && !(typer & GICR_TYPER_LAST)) {
			typer = io_read64((volatile u8 __mmio *)(base + GICR_TYPER));
			redist_found(m, base, typer);
			base += typer & GICR_TYPER_VLPIS ? 2 * GICR_BYTES : GICR_BYTES;
		}
		gic.window[gic.window_count++] = m->gic.redist[i];
	}
	gic.cpu_count = m->cpu_count;
	for (i = 0; i < m->cpu_count; i++)
		if (!gic.redist[i].regs)
			panic("refused: CPU %u has no interrupt redistributor", i);
}

static bool group0_is_ours(void)
{
	return io_read32(reg_at(&gic.dist, GICD_CTLR)) & GICD_CTLR_DS;
}

void arch_irq_init(const struct machine *m)
{
	u32 i;

	gic.dist = (struct gic_frame){ m->gic.dist.base, (volatile void __mmio *)m->gic.dist.base };
	redists_find(m);
	if (group0_is_ours()) {
		gic.own[0] = OWN_PRIVATE;
		gic.level[0] = OWN_PRIVATE & (u32)BITS(31, 16);
		for (i = 0; i < m->iommu_count; i++) {
			own_add(m->iommu[i].event_irq);
			own_add(m->iommu[i].error_irq);
		}
		own_add(m->debug.irq);
	} else {
		log_warn("interrupts: two security states; our own events are polled only");
	}
	dist_init();
	gic_cpu_init();
}

static void redist_wake(u32 cpu)
{
	volatile void __mmio *waker = reg_at(&gic.redist[cpu], GICR_WAKER);

	io_write32(io_read32(waker) & (u32)~GICR_WAKER_SLEEP, waker);
	wait_clear(waker, GICR_WAKER_CHILDREN, "a redistributor");
}

void gic_cpu_init(void)
{
	u32 cpu = arch_cpu_index(), i;

	sysreg_write(SYS_ICC_SRE_EL2, ICC_SRE_VALUE);
	isb();
	redist_wake(cpu);
	io_write32(~gic.own[0], gic_sgi_reg(cpu, GICD_ICENABLER));
	gic_redist_settle(cpu);
	io_write32(~gic.own[0], gic_sgi_reg(cpu, GICD_IGROUPR));
	for (i = 0; i < 32; i += 4)
		io_write32(PRIORITY_GUEST, gic_sgi_reg(cpu, GICD_IPRIORITYR + i));
	for (i = 0; i < 32; i++)
		if (gic.own[0] & BIT(i))
			io_write8(0, gic_sgi_reg(cpu, GICD_IPRIORITYR + i));
	if (gic.own[0])
		io_write32(gic.own[0], gic_sgi_reg(cpu, GICD_ISENABLER));
	sysreg_write(SYS_ICC_CTLR_EL1, 0);
	sysreg_write(SYS_ICC_PMR_EL1, ICC_PMR_ALL);
	sysreg_write(SYS_ICC_BPR0_EL1, 0);
	sysreg_write(SYS_ICC_AP0R0_EL1, 0);
	sysreg_write(SYS_ICC_AP1R0_EL1, 0);
	sysreg_write(SYS_ICC_IGRPEN1_EL1, 0);
	sysreg_write(SYS_ICC_IGRPEN0_EL1, gic.own[0] != 0);
	sysreg_write(SYS_ICH_HCR_EL2, 0);
	sysreg_write(SYS_ICH_VMCR_EL2, 0);
	isb();
}

void gic_cpu_off(void)
{
	sysreg_write(SYS_ICC_IGRPEN0_EL1, 0);
	isb();
}

/* The primary's own ends of interrupts deactivate them, so the mode is another one only here. */
void gic_drop_priority(u32 intid)
{
	sysreg_write(SYS_ICC_CTLR_EL1, CTLR_EOIMODE);
	isb();
	sysreg_write(SYS_ICC_EOIR0_EL1, intid);
	isb();
	sysreg_write(SYS_ICC_CTLR_EL1, 0);
	isb();
}

static void take_one(u32 intid)
{
	if (intid == GIC_PPI_VIRT_TIMER) {
		gic_drop_priority(intid);
		return world_timer_fire();
	}
	if (intid == GIC_PPI_HYP_TIMER)
		world_timer_host_off(); /* before its end, or it comes again */
	sysreg_write(SYS_ICC_EOIR0_EL1, intid);
	if (intid == GIC_SGI_STOP)
		park();
	if (intid >= GIC_SPI_FIRST)
		hyp_irq(intid);
}

bool gic_take(void)
{
	bool line = false;
	u32 i;

	for (i = 0; i < TAKE_MAX; i++) {
		u32 intid = (u32)sysreg_read(SYS_ICC_IAR0_EL1) & (u32)BITS(23, 0);

		dsb(sy); /* the acknowledge is done before what it was for is looked at */
		if (intid >= GIC_SPURIOUS)
			break;
		if (intid >= GIC_SPI_FIRST && gic_line_fire(intid)) {
			line = true;
			continue;
		}
		take_one(intid);
		/* A UART or an IOMMU that has more to say at once says it at the next entry (V9). */
		if (intid >= GIC_SPI_FIRST)
			break;
	}
	return line;
}

/* Ours are not the guest's to send, whatever group the controller takes such a write for. */
void gic_send(u64 value)
{
	if (unlikely(gic.own[0] & BIT(FIELD_GET(SGI_INTID, value))))
		return;
	sysreg_write(SYS_ICC_SGI1R_EL1, value);
	isb();
}

/* Group 0 by affinity (IHI 0069 12.2.21): the CPU that takes it sees what this one wrote before. */
void gic_kick(u32 cpu)
{
	u64 mpidr = machine->cpu[cpu].mpidr;
	u64 target = (mpidr & BITS(39, 32)) << 16 | (mpidr & BITS(23, 16)) << 16 | (mpidr & BITS(15, 8)) << 8;

	dsb(ishst);
	sysreg_write(SYS_ICC_SGI0R_EL1, target | FIELD(SGI_INTID, GIC_SGI_KICK) | FIELD(SGI_RANGE, mpidr >> 4 & 0xf) |
						BIT(mpidr & 0xf));
	isb();
}

void gic_stop_others(void)
{
	if (!gic.own[0])
		return;
	sysreg_write(SYS_ICC_SGI0R_EL1, SGI_ALL_OTHERS | FIELD(SGI_INTID, GIC_SGI_STOP));
	isb();
}

void arch_raise_event_irq(u32 intid)
{
	dist_write(GICD_ISPENDR + intid / 32 * 4, 1u << intid % 32);
}
