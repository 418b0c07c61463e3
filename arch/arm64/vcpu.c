/* SPDX-License-Identifier: BSD-2-Clause */
/* Secondary VMs and their vCPUs while they do not run: what is kept for them, and how others reach them. */
#include "cpu.h"
#include "gic.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "smp.h"
#include "world.h"

#include <arch/sysreg.h>

_Static_assert(sizeof(struct world) <= PAGE_SIZE, "arch_vcpu_order");

static u32 order_of(u64 bytes)
{
	u32 order = 0;

	while (PAGE_SIZE << order < bytes)
		order++;
	return order;
}

u32 arch_vm_order(void)
{
	return order_of(sizeof(struct guest_vm) + vgic_bytes());
}

u32 arch_vcpu_order(void)
{
	return order_of(sizeof(struct world));
}

void arch_vm_init(struct vm *vm)
{
	guest_vm(vm)->ended = 0;
	vgic_init(guest_vgic(vm), vm_cpu_view(vm)->vcpu_count, vgic_hw_lrs());
}

void arch_vcpu_init(struct vcpu *vcpu, void *state)
{
	vcpu->arch = (struct arch_vcpu){ .world = state };
	vcpu_reset(vcpu, 0, 0);
	guest_power_init(vcpu, false);
}

void arch_vcpu_set(struct vcpu *vcpu, ipa_t entry, u64 argument)
{
	vcpu_reset(vcpu, entry.v, argument);
	guest_power_init(vcpu, true);
}

/* What a warm reset leaves unknown is zero, so that nothing of the machine shows. */
void vcpu_reset(struct vcpu *vcpu, u64 entry, u64 argument)
{
	u32 i;

	*vcpu->arch.world = (struct world){ .el1.sctlr_el1 = SCTLR_EL1_RESET };
	for (i = 0; i < ARRAY_SIZE(vcpu->arch.x); i++)
		vcpu->arch.x[i] = 0;
	vcpu->arch.x[0] = argument;
	vcpu->arch.elr = entry;
	vcpu->arch.spsr = SPSR_EL1H | SPSR_DAIF;
	vcpu->arch.load = 0;
}

/* The interrupt that a running one gets only ends its round. The order is argued at not_running() in world.c. */
static void kick_one(struct vcpu *vcpu, bool wake)
{
	u32 cpu;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cpu = __atomic_load_n(&vcpu->arch.cpu, __ATOMIC_SEQ_CST);
	if (cpu != 0 && cpu - 1 != arch_cpu_index())
		gic_kick(cpu - 1);
	else if (cpu == 0 && wake)
		hyp_vcpu_wake(vcpu);
}

void vcpu_kick(struct vm *vm, u32 set)
{
	for (; set; set &= set - 1)
		kick_one(vm_vcpu(vm, (u32)__builtin_ctz(set)), true);
}

void vcpu_deactivate(struct vcpu *vcpu)
{
	u32 physical;

	while (vgic_take_deactivate(guest_vgic(vcpu->vm), vcpu->index, &physical))
		if (physical == VGIC_TIMER)
			world_timer_deactivate();
		else
			gic_line_deactivate(physical, vcpu->vm);
}

void arch_vm_kick(struct vm *vm)
{
	u32 i;

	for (i = 0; i < vm_cpu_view(vm)->vcpu_count; i++)
		kick_one(vm_vcpu(vm, i), false);
}

enum status arch_vcpu_irq(struct vm *vm, u32 vcpu, u64 intid, bool level)
{
	u32 kick = 0;
	enum status st = vgic_line(guest_vgic(vm), vcpu, intid, level, &kick);

	if (st == OK)
		vcpu_kick(vm, kick);
	return st;
}

enum status arch_vm_event_reserve(struct vm *vm, u64 intid)
{
	return vgic_event_keep(guest_vgic(vm), intid);
}

void arch_vm_event_release(struct vm *vm, u32 intid)
{
	vgic_event_drop(guest_vgic(vm), intid);
}

void arch_vm_event_raise(struct vm *vm, u32 intid)
{
	u32 kick;

	vgic_event_raise(guest_vgic(vm), intid, &kick);
	vcpu_kick(vm, kick);
}

const char *arch_exit_count(const struct vcpu *vcpu, u32 index, u32 *count)
{
	static const struct {
		const char *name;
		enum exit_kind kind;
	} counted[] = {
		{ "config", EXIT_CFG },
		{ "gicd", EXIT_GICD },
		{ "gicr", EXIT_GICR },
		{ "sgi", EXIT_SGI },
		{ "irq", EXIT_IRQ },
		{ "smc", EXIT_SMC },
		{ "other", EXIT_OTHER },
	};

	if (index >= ARRAY_SIZE(counted))
		return NULL;
	*count = __atomic_load_n(&vcpu->arch.exits[counted[index].kind], __ATOMIC_RELAXED);
	return counted[index].name;
}

struct range arch_vm_window(u32 index)
{
	static const struct range windows[] = {
		{ VGIC_DIST_BASE, VGIC_DIST_BYTES },
		{ VGIC_REDIST_BASE, VGIC_VCPUS * VGIC_REDIST_BYTES },
	};

	return index < ARRAY_SIZE(windows) ? windows[index] : (struct range){ 0, 0 };
}
