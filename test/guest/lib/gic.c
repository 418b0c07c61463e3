/* SPDX-License-Identifier: BSD-2-Clause */
/* GICv3 (IHI 0069), affinity routing on, security disabled as QEMU's virt has it. */
#include "gic.h"

#include "machine.h"
#include "trap.h"

#define GROUP1_AND_ARE 0x12
#define PRIORITY       0xc0c0c0c0u
#define WAKER_SLEEP    2u
#define WAKER_ASLEEP   4u
#define TYPER_LAST     0x10u

static void (*handle)(u32 irq);

static void take_interrupt(void)
{
	u32 irq = (u32)sysreg_read(icc_iar1_el1) & 0xffffff;

	if (irq >= GIC_SPURIOUS && irq < 8192)
		return;
	handle(irq);
	sysreg_write(icc_eoir1_el1, irq);
	isb();
}

u64 gic_redistributor(void)
{
	u64 affinity = sysreg_read(mpidr_el1);
	u64 want = (affinity & 0xffffff) | (affinity >> 32 & 0xff) << 24;

	for (u64 frame = machine.gicr.base; frame < machine.gicr.base + machine.gicr.size; frame += GICR_STRIDE) {
		u64 typer = mmio_read64(frame + GICR_TYPER);

		if (typer >> 32 == want)
			return frame;
		if (typer & TYPER_LAST)
			break;
	}
	return 0;
}

void gic_cpu_init(void)
{
	u64 gicr = gic_redistributor();

	mmio_write32(gicr + GICR_WAKER, mmio_read32(gicr + GICR_WAKER) & ~WAKER_SLEEP);
	while (mmio_read32(gicr + GICR_WAKER) & WAKER_ASLEEP)
		;
	mmio_write32(gicr + GICR_SGI + GICD_IGROUPR, ~0u);
	mmio_write32(gicr + GICR_SGI + GICD_ICENABLER, ~0u);
	for (u32 i = 0; i < 32; i += 4)
		mmio_write32(gicr + GICR_SGI + GICD_IPRIORITYR + i, PRIORITY);
	sysreg_write(icc_sre_el1, sysreg_read(icc_sre_el1) | 1);
	isb();
	sysreg_write(icc_pmr_el1, 0xff);
	sysreg_write(icc_ctlr_el1, 0);
	sysreg_write(icc_igrpen1_el1, 1);
	isb();
	cpu_this()->gic_ready = true;
}

void gic_init(void (*handler)(u32 irq))
{
	handle = handler;
	trap_set_irq(take_interrupt);
	mmio_write32(machine.gicd.base + GICD_CTLR, GROUP1_AND_ARE);
	gic_cpu_init();
}

void gic_enable(u32 irq, bool level)
{
	u64 base = irq < 32 ? gic_redistributor() + GICR_SGI : machine.gicd.base;
	u64 config = base + GICD_ICFGR + irq / 16 * 4;
	u32 edge = 2u << irq % 16 * 2;
	u64 word = base + GICD_IPRIORITYR + align_down(irq, 4);

	if (irq >= 32) {
		mmio_write32(base + GICD_IGROUPR + irq / 32 * 4, ~0u);
		mmio_write32(word, PRIORITY);
		mmio_write32(config, level ? mmio_read32(config) & ~edge : mmio_read32(config) | edge);
		mmio_write64(base + GICD_IROUTER + irq * 8ul, sysreg_read(mpidr_el1) & 0xff00fffffful);
	}
	mmio_write32(base + GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
	dsb();
}

void gic_disable(u32 irq)
{
	u64 base = irq < 32 ? gic_redistributor() + GICR_SGI : machine.gicd.base;

	mmio_write32(base + GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
	dsb();
}

void gic_timer_arm(u64 when)
{
	/* Once a CPU: those that wait by timers would all wait for the distributor's turn. */
	if (!cpu_this()->gic_ready) {
		if ((mmio_read32(machine.gicd.base + GICD_CTLR) & GROUP1_AND_ARE) != GROUP1_AND_ARE)
			mmio_write32(machine.gicd.base + GICD_CTLR, GROUP1_AND_ARE);
		gic_cpu_init();
	}
	gic_enable(machine.timer_irq, true);
	sysreg_write(cntv_cval_el0, when);
	sysreg_write(cntv_ctl_el0, 1);
	isb();
}

void gic_timer_off(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	gic_disable(machine.timer_irq);
}

void gic_sleep_until(u64 when)
{
	gic_timer_arm(when);
	while (time_ticks() < when)
		wfi();
	gic_timer_off();
}

void gic_sleep_ms(u64 ms)
{
	gic_sleep_until(time_ticks() + time_ms(ms));
}
