/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSCI of a secondary for its own vCPUs; psci_rules.c decides what a call means. The primary hears of every change,
 * since it is the one to run a vCPU or no longer.
 *
 *            CPU_ON           entry is written           it is run
 *     OFF  --------->  STARTING  ----------->  PENDING  ----------->  ON
 *      ^                                                              |
 *      +------------------------------ CPU_OFF ------------------------+
 *
 * State changes by compare-and-swap; no lock. A vCPU's registers are touched only by the CPU that runs it: one that is
 * to start finds in PENDING that they are to be reset.
 */
#include "hyp/arch.h"
#include "psci.h"
#include "world.h"

#include <arch/sysreg.h>

enum power {
	POWER_OFF,
	POWER_STARTING,
	POWER_PENDING,
	POWER_ON,
};

/* AFFINITY_INFO, DEN 0022 5.7. */
#define AFFINITY_ON         0
#define AFFINITY_OFF        1
#define AFFINITY_ON_PENDING 2

static u32 power_of(const struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->arch.power, __ATOMIC_ACQUIRE);
}

static bool power_change(struct vcpu *vcpu, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&vcpu->arch.power, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void leave(struct vcpu *vcpu, u32 what, u32 whose)
{
	world_leave(vcpu, &(struct pc_vcpu_exit){ .reason = PC_EXIT_POWER, .arg = { what, whose } });
}

void guest_power_init(struct vcpu *vcpu, bool on)
{
	__atomic_store_n(&vcpu->arch.power, on ? POWER_ON : POWER_OFF, __ATOMIC_RELEASE);
}

void guest_power_check(struct vcpu *vcpu)
{
	u32 ended = __atomic_load_n(&guest_vm(vcpu->vm)->ended, __ATOMIC_ACQUIRE);

	if (unlikely(ended))
		leave(vcpu, ended, vcpu->index);
	if (unlikely(vcpu->arch.dead))
		world_leave(vcpu, &(struct pc_vcpu_exit){ .reason = PC_EXIT_DEAD, .arg = { PC_DEAD_STATE } });
}

bool guest_power_on(struct vcpu *vcpu)
{
	guest_power_check(vcpu);
	if (vcpu->leave)
		return false;
	if (power_of(vcpu) == POWER_PENDING) {
		vcpu_reset(vcpu, vcpu->arch.entry, vcpu->arch.context);
		power_change(vcpu, POWER_PENDING, POWER_ON);
	}
	if (power_of(vcpu) == POWER_ON)
		return true;
	leave(vcpu, PC_POWER_OFF, vcpu->index);
	return false;
}

static s64 cpu_on(struct vcpu *vcpu, const struct psci_request *r)
{
	struct vcpu *target = vm_vcpu(vcpu->vm, r->target);

	if (!power_change(target, POWER_OFF, POWER_STARTING))
		return power_of(target) == POWER_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
	target->arch.entry = r->entry;
	target->arch.context = r->context;
	power_change(target, POWER_STARTING, POWER_PENDING);
	leave(vcpu, PC_POWER_ON, r->target);
	return PSCI_SUCCESS;
}

static s64 affinity_info(const struct vcpu *target)
{
	switch ((enum power)power_of(target)) {
	case POWER_ON:
		return AFFINITY_ON;
	case POWER_STARTING:
	case POWER_PENDING:
		return AFFINITY_ON_PENDING;
	case POWER_OFF:
		break;
	}
	return AFFINITY_OFF;
}

/* Its registers are of no use any more; whoever starts it again gives it new ones. */
static void cpu_off(struct vcpu *vcpu)
{
	power_change(vcpu, POWER_ON, POWER_OFF);
	leave(vcpu, PC_POWER_OFF, vcpu->index);
}

/* The first reason stays. The others leave at their next exit, which is now. */
static void system_end(struct vcpu *vcpu, u32 what)
{
	u32 none = 0;

	__atomic_compare_exchange_n(&guest_vm(vcpu->vm)->ended, &none, what, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	guest_power_check(vcpu);
	arch_vm_kick(vcpu->vm);
}

bool guest_psci(struct vcpu *vcpu)
{
	struct psci_request r;
	u64 *result = &vcpu->arch.call.r[0];

	if (!psci_is_call(*result))
		return false;
	psci_decode_vm(vm_cpu_view(vcpu->vm)->vcpu_count, &vcpu->arch.call, &r);
	switch (r.action) {
	case PSCI_ANSWER:
		*result = (u64)r.result;
		break;
	case PSCI_DO_STANDBY:
		*result = PSCI_SUCCESS;
		guest_idle(vcpu);
		break;
	case PSCI_DO_CPU_OFF:
		cpu_off(vcpu);
		break;
	case PSCI_DO_CPU_ON:
		*result = (u64)cpu_on(vcpu, &r);
		break;
	case PSCI_DO_AFFINITY_INFO:
		*result = (u64)affinity_info(vm_vcpu(vcpu->vm, r.target));
		break;
	case PSCI_DO_SYSTEM_OFF:
		system_end(vcpu, PC_POWER_SYSTEM_OFF);
		break;
	case PSCI_DO_SYSTEM_RESET:
		system_end(vcpu, PC_POWER_SYSTEM_RESET);
		break;
	}
	return true;
}
