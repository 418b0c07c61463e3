/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world switch: arch_vcpu_run() is a function of the primary's hypercall, and while it runs the CPU is a
 * secondary's. One vCPU is loaded at a time; an exit that we answer changes nothing of that.
 *
 *   load:  stop the primary's debug and profiling, save what both worlds use, forbid stage 1 walks, change what traps
 *          and stage 2, load the vCPU, interrupts and timer last
 *   round: list registers filled -> guest -> list registers taken back -> the exit is answered
 *   put:   the same as load, backwards
 *
 * No lock. What other CPUs may ask of a running vCPU goes through two atomic words of its (arch/vcpu.h): `cpu`, and
 * `rounds`, whose order with the interrupt controller's state is explained where they are written.
 * Section numbers are DDI 0487 (M.a).
 */
#include "world.h"

#include "cpu.h"
#include "gic.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "smp.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>

#define TCR_EPD0   BIT(7)
#define TCR_EPD1   BIT(23)
#define TCR2_D128  BIT(5)
#define SVCR_SM    BIT(0)
#define ISR_SERROR BIT(8) /* ISR_EL1.A */

static struct world_cpu worlds[MACHINE_MAX_CPUS]; /* each CPU's own */

struct world_cpu *world_cpu(void)
{
	return &worlds[arch_cpu_index()];
}

void world_init(void)
{
	world_control_init(world_cpu());
}

void world_leave(struct vcpu *vcpu, const struct pc_vcpu_exit *exit)
{
	if (vcpu->leave)
		return;
	vcpu->leave = true;
	vcpu->exit = *exit;
	vcpu->exit.size = sizeof(vcpu->exit);
	vcpu->exit.vcpu = vcpu->index;
}

/* Something of the primary's own is to be done. */
static void leave_for_host(struct vcpu *vcpu)
{
	world_leave(vcpu, &(struct pc_vcpu_exit){ .reason = PC_EXIT_HOST_IRQ });
}

static void el1_save(struct world_el1 *el1)
{
#define SAVE(reg) el1->reg = sysreg_read(reg);
	WORLD_EL1_REGS(SAVE)
#undef SAVE
	el1->sctlr_el1 = sysreg_read(sctlr_el1);
	el1->tcr_el1 = sysreg_read(tcr_el1);
}

/*
 * No walk of EL1's stage 1 may see one world's tables with the other's registers, or what it cached would be used
 * later. The architecture allows none while EL2 executes, but Cortex-A57 and A72 do it (1319537, 1319367): between
 * walks_forbid() and the last line of el1_load() a walk would be an immediate fault.
 */
static void walks_forbid(void)
{
	sysreg_write(tcr_el1, TCR_EPD0 | TCR_EPD1);
	isb();
}

static void el1_load(const struct world_el1 *el1)
{
#define LOAD(reg) sysreg_write(reg, el1->reg);
	WORLD_EL1_REGS(LOAD)
#undef LOAD
	sysreg_write(sctlr_el1, el1->sctlr_el1);
	isb();
	sysreg_write(tcr_el1, el1->tcr_el1);
}

/* clang-format off */
#define WORLD_KEY_REGS(X) \
	X(0, S3_0_C2_C1_0) \
	X(1, S3_0_C2_C1_1) \
	X(2, S3_0_C2_C1_2) \
	X(3, S3_0_C2_C1_3) \
	X(4, S3_0_C2_C2_0) \
	X(5, S3_0_C2_C2_1) \
	X(6, S3_0_C2_C2_2) \
	X(7, S3_0_C2_C2_3) \
	X(8, S3_0_C2_C3_0) \
	X(9, S3_0_C2_C3_1)
/* clang-format on */

static void keys_save(struct world_keys *keys)
{
#define SAVE(n, reg) keys->key[n] = sysreg_read(reg);
	WORLD_KEY_REGS(SAVE)
#undef SAVE
}

static void keys_load(const struct world_keys *keys)
{
#define LOAD(n, reg) sysreg_write(reg, keys->key[n]);
	WORLD_KEY_REGS(LOAD)
#undef LOAD
}

/* All of the primary's vectors, whatever length it uses now: ZCR_EL2 allows us the CPU's largest. */
static void primary_fp_save(struct world_cpu *cpu)
{
	if (cpu->has & HAS_SVE)
		return sve_save(&cpu->sve);
	fp_save(&cpu->fp);
}

static void primary_fp_load(const struct world_cpu *cpu)
{
	if (cpu->has & HAS_SVE)
		return sve_load(&cpu->sve);
	fp_load(&cpu->fp);
}

/*
 * Two vCPUs of a VM have one VMID, but each its own idea of what an ASID is, and of its tables before it has any; their
 * invalidations reach all CPUs (HCR_EL2.FB), so only meeting on one CPU is to be cared for.
 */
static void translations_separate(struct world_cpu *cpu, const struct vcpu *vcpu, u16 vmid)
{
	if (cpu->last[vmid] == vcpu->index + 1)
		return;
	cpu->last[vmid] = (u8)(vcpu->index + 1);
	__asm__ volatile("tlbi vmalle1\n ic iallu" ::: "memory");
	dsb(nsh);
	isb();
}

/* What has been accessed so far has failed by now, if it does: one that is reported later would be another's. */
static bool serror_pending(void)
{
	dsb(sy);
	isb();
	return sysreg_read(isr_el1) & ISR_SERROR;
}

static void world_load(struct world_cpu *cpu, struct vcpu *vcpu)
{
	const struct vm_cpu_view *view = vm_cpu_view(vcpu->vm);
	struct world *w = vcpu->arch.world;

	cpu->elr = sysreg_read(elr_el2);
	cpu->spsr = sysreg_read(spsr_el2);
	world_debug_stop(cpu);
	el1_save(&cpu->el1);
	primary_fp_save(cpu);
	if (cpu->has & HAS_KEYS) {
		keys_save(&cpu->keys);
		keys_load(&w->keys);
	}
	walks_forbid();
	world_control_enter(cpu, view, vcpu->index);
	el1_load(&w->el1);
	fp_load(&w->fp);
	isb();
	translations_separate(cpu, vcpu, view->vmid);
	vgic_hw_enter(&cpu->gic, vgic_cpu(guest_vgic(vcpu->vm), vcpu->index));
	world_timer_enter(cpu, vcpu);
	sysreg_write(elr_el2, vcpu->arch.elr);
	sysreg_write(spsr_el2, vcpu->arch.spsr);
	this_cpu()->vcpu = vcpu;
}

static void world_put(struct world_cpu *cpu, struct vcpu *vcpu, struct vcpu *primary)
{
	struct world *w = vcpu->arch.world;

	this_cpu()->vcpu = primary;
	vcpu->arch.elr = sysreg_read(elr_el2);
	vcpu->arch.spsr = sysreg_read(spsr_el2);
	world_timer_leave(cpu, vcpu);
	vgic_hw_leave(&cpu->gic);
	el1_save(&w->el1);
	vcpu->arch.dead |= serror_pending() && world_serror_take();
	fp_save(&w->fp);
	if (cpu->has & HAS_KEYS) {
		keys_save(&w->keys);
		keys_load(&cpu->keys);
	}
	walks_forbid();
	world_control_leave(cpu);
	isb(); /* vectors no longer trap */
	primary_fp_load(cpu);
	el1_load(&cpu->el1);
	world_debug_go_on(cpu);
	sysreg_write(elr_el2, cpu->elr);
	sysreg_write(spsr_el2, cpu->spsr);
	isb();
}

/*
 * Begins a round, or says that the vCPU leaves. `rounds` is odd before the list registers are filled, and the barrier
 * orders it before that: whoever takes an interrupt away from the VM (gic_line.c) and then sees an even number knows
 * that what is filled later is without it.
 */
static bool round_begin(struct vcpu *vcpu)
{
	struct vgic *vgic = guest_vgic(vcpu->vm);

	hyp_exit_work(vcpu);
	hyp_vcpu_check(vcpu);
	guest_power_check(vcpu);
	if (vcpu->leave)
		return false;
	__atomic_store_n(&vcpu->arch.rounds, vcpu->arch.rounds + 1, __ATOMIC_RELAXED);
	dmb(ish);
	vgic_flush(vgic, vcpu->index);
	vgic_hw_load(vgic_cpu(vgic, vcpu->index));
	return true;
}

static void round_end(struct vcpu *vcpu)
{
	struct vgic *vgic = guest_vgic(vcpu->vm);

	u32 kick;

	vgic_hw_save(vgic_cpu(vgic, vcpu->index));
	kick = vgic_sync(vgic, vcpu->index);
	__atomic_store_n(&vcpu->arch.rounds, vcpu->arch.rounds + 1, __ATOMIC_RELEASE);
	vcpu_kick(vcpu->vm, kick);
	vcpu_deactivate(vcpu);
}

bool world_sync(struct vcpu *vcpu, u64 esr)
{
	round_end(vcpu);
	gic_lines_sample(vcpu->vm);
	guest_trap(vcpu, esr);
	return round_begin(vcpu);
}

/* Group 1: the primary's. It stays pending and is taken by its EL1. */
bool world_irq(struct vcpu *vcpu)
{
	round_end(vcpu);
	gic_lines_sample(vcpu->vm);
	leave_for_host(vcpu);
	return round_begin(vcpu);
}

bool world_fiq(struct vcpu *vcpu)
{
	round_end(vcpu);
	vcpu->arch.exits[EXIT_IRQ]++;
	if (!gic_take())
		gic_lines_sample(vcpu->vm);
	if (world_timer_host_due(world_cpu()))
		leave_for_host(vcpu);
	return round_begin(vcpu);
}

/* The memory system failed for it, we cannot know where: it ends, nobody else does. */
bool world_serror(struct vcpu *vcpu)
{
	round_end(vcpu);
	vcpu->arch.dead = true;
	return round_begin(vcpu);
}

/* Whatever it left for: nothing of that can be relied on. */
static void dies(struct vcpu *vcpu)
{
	vcpu->leave = false;
	guest_power_check(vcpu);
}

/*
 * Another CPU that makes an interrupt pending first says so to the interrupt controller, then looks at `cpu` to know
 * whether to interrupt or to wake; this one first clears `cpu`, then looks whether something is pending. So one of them
 * sees the other, and an idle vCPU does not miss what it waits for.
 */
static void not_running(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->arch.cpu, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vcpu->exit.reason == PC_EXIT_IDLE && vgic_pending(guest_vgic(vcpu->vm), vcpu->index)) {
		vcpu->leave = false;
		leave_for_host(vcpu);
	}
}

/* The primary's registers that are kept nowhere: streaming vectors, and translation by 128-bit descriptors. */
static bool primary_can_wait(const struct world_cpu *cpu)
{
	if ((cpu->has & HAS_SME) && (sysreg_read(SYS_SVCR) & SVCR_SM))
		return false;
	return !(cpu->has & HAS_D128) || !(sysreg_read(SYS_TCR2_EL1) & TCR2_D128);
}

bool arch_vcpu_can_run(void)
{
	return gic_can_run_secondary() && primary_can_wait(world_cpu());
}

void arch_vcpu_run(struct vcpu *vcpu)
{
	struct world_cpu *cpu = world_cpu();
	struct vcpu *primary = this_cpu()->vcpu;

	vcpu->leave = false;
	if (serror_pending())
		leave_for_host(vcpu); /* the primary's own; it masks them now */
	if (vcpu->leave || !guest_power_on(vcpu))
		return;
	/* Whoever wants it to look at something after this sends an interrupt; what was asked before, round_begin sees. */
	__atomic_store_n(&vcpu->arch.cpu, arch_cpu_index() + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	world_load(cpu, vcpu);
	if (round_begin(vcpu))
		world_run(vcpu);
	world_put(cpu, vcpu, primary);
	not_running(vcpu);
	if (unlikely(vcpu->arch.dead))
		dies(vcpu);
}
