/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual timer. Each world finds its own in the registers while it runs, and programs it without an exit; so the
 * timer's interrupt, a private one of the CPU, changes hands too: Group 0 and ours while a secondary is loaded, the
 * primary's Group 1 with all its state else. Only this CPU writes its redistributor, so nobody meets this.
 *
 * A secondary's interrupt is acknowledged here and stays active until the guest ends its virtual one (HW = 1, IHI 0069
 * 12.4.5), so it cannot come again before. The primary's timer, saved meanwhile, goes on as EL2's own timer.
 * Timers: DDI 0487 D11.2. CNTVOFF_EL2 is 0 for all.
 */
#include "gic.h"
#include "hyp/arch.h"
#include "hyp/io.h"
#include "smp.h"
#include "world.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>

#define CTL_ENABLE  BIT(0)
#define CTL_IMASK   BIT(1)
#define CTL_ISTATUS BIT(2)

#define PPI           GIC_PPI_VIRT_TIMER
#define PPI_BIT       ((u32)BIT(PPI))
#define PRIORITY_OURS 0

static bool armed(const struct world_timer *t)
{
	return (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE;
}

/* The counter, not read ahead of what came before. */
static u64 now(void)
{
	isb();
	return sysreg_read(cntpct_el0);
}

static void timer_save(struct world_timer *t)
{
	t->ctl = sysreg_read(cntv_ctl_el0);
	t->cval = sysreg_read(cntv_cval_el0);
	sysreg_write(cntv_ctl_el0, 0); /* the line is low from here on */
	isb();
}

static void timer_load(const struct world_timer *t)
{
	sysreg_write(cntv_cval_el0, t->cval);
	sysreg_write(cntv_ctl_el0, t->ctl & (CTL_ENABLE | CTL_IMASK));
}

static u32 ppi_read(u32 offset)
{
	return io_read32(gic_sgi_reg(arch_cpu_index(), offset));
}

static void ppi_write(u32 offset, u32 value)
{
	io_write32(value, gic_sgi_reg(arch_cpu_index(), offset));
}

/* With the line low, what is pending was written so. */
static void ppi_save(struct world_ppi *ppi)
{
	ppi->enabled = ppi_read(GICD_ISENABLER) & PPI_BIT;
	ppi->active = ppi_read(GICD_ISACTIVER) & PPI_BIT;
	ppi->pending = ppi_read(GICD_ISPENDR) & PPI_BIT;
	ppi->priority = io_read8(gic_sgi_reg(arch_cpu_index(), GICD_IPRIORITYR + PPI));
}

/* Disabled for sure before its group changes. */
static void ppi_load(const struct world_ppi *ppi, bool group1)
{
	u32 cpu = arch_cpu_index();

	ppi_write(GICD_ICENABLER, PPI_BIT);
	gic_redist_settle(cpu);
	ppi_write(GICD_IGROUPR, ~gic.own[0] & ~(group1 ? 0 : PPI_BIT));
	io_write8(ppi->priority, gic_sgi_reg(cpu, GICD_IPRIORITYR + PPI));
	ppi_write(ppi->active ? GICD_ISACTIVER : GICD_ICACTIVER, PPI_BIT);
	ppi_write(ppi->pending ? GICD_ISPENDR : GICD_ICPENDR, PPI_BIT);
	if (ppi->enabled)
		ppi_write(GICD_ISENABLER, PPI_BIT);
	dsb(sy); /* before the timer may raise it */
}

/* Only a deadline that the primary would hear of: else a timer that it left expired would never let a vCPU run. */
static void host_timer_arm(const struct world_cpu *cpu)
{
	if (!armed(&cpu->timer) || !cpu->gic.timer.enabled || cpu->gic.timer.active)
		return;
	sysreg_write(cnthp_cval_el2, cpu->timer.cval);
	sysreg_write(cnthp_ctl_el2, CTL_ENABLE);
}

void world_timer_host_off(void)
{
	sysreg_write(cnthp_ctl_el2, 0);
	isb();
}

bool world_timer_host_due(const struct world_cpu *cpu)
{
	return armed(&cpu->timer) && cpu->gic.timer.enabled && !cpu->gic.timer.active && now() >= cpu->timer.cval;
}

void world_timer_enter(struct world_cpu *cpu, struct vcpu *vcpu)
{
	struct world_ppi ppi = {
		.enabled = true,
		.active = vgic_timer_active(guest_vgic(vcpu->vm), vcpu->index),
		.priority = PRIORITY_OURS,
	};

	timer_save(&cpu->timer);
	ppi_save(&cpu->gic.timer);
	ppi_load(&ppi, false);
	timer_load(&vcpu->arch.world->timer);
	host_timer_arm(cpu);
}

void world_timer_leave(struct world_cpu *cpu, struct vcpu *vcpu)
{
	timer_save(&vcpu->arch.world->timer);
	ppi_load(&cpu->gic.timer, true);
	timer_load(&cpu->timer);
	world_timer_host_off();
}

/* It comes again if the line is still high. */
void world_timer_deactivate(void)
{
	ppi_write(GICD_ICACTIVER, PPI_BIT);
}

/* Not if the line was seen high for too long: the other world's timer, or one that the guest has just stopped. */
void world_timer_fire(void)
{
	struct vcpu *vcpu = this_cpu()->vcpu;

	if ((sysreg_read(cntv_ctl_el0) & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == (CTL_ENABLE | CTL_ISTATUS))
		vgic_timer_fire(guest_vgic(vcpu->vm), vcpu->index);
	else
		world_timer_deactivate();
}

/* An interrupt that it has not ended, or does not want, is none that wakes it, whatever the timer says. */
bool world_timer_due(const struct vcpu *vcpu, u64 *deadline, bool *is_armed)
{
	struct world_timer t = { .ctl = sysreg_read(cntv_ctl_el0), .cval = sysreg_read(cntv_cval_el0) };

	*deadline = t.cval;
	*is_armed = armed(&t) && !vgic_timer_active(guest_vgic(vcpu->vm), vcpu->index);
	return *is_armed && now() >= t.cval;
}
