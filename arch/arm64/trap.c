/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exits of a guest: finds out why and calls who answers. What nobody answers becomes an exception of the guest's own,
 * as if the hardware had refused it.
 */
#include "trap.h"

#include "abort.h"
#include "gic.h"
#include "guest.h"
#include "hyp/arch.h"
#include "hyp/upcall.h"
#include "hyp/vm.h"
#include "psci.h"

#include <arch/sysreg.h>

#define ZERO_REGISTER 31

void trap_hvc(struct vcpu *vcpu)
{
	if (unlikely(psci_is_call(vcpu->arch.call.r[0])))
		psci_call(&vcpu->arch.call);
	else if (unlikely(!hyp_hypercall(vcpu, &vcpu->arch.call)))
		sysreg_write(elr_el2, sysreg_read(elr_el2) - 4);
	hyp_exit_work(vcpu);
}

/* The access with what a store writes; and its end: what a load leaves, then on to the next instruction. */
static ALWAYS_INLINE struct abort begin(const struct vcpu *vcpu, u64 esr, ipa_t addr, bool valid)
{
	struct abort abort = abort_decode(esr, addr);

	abort.access.valid = valid;
	if (abort.access.write && abort.reg != ZERO_REGISTER)
		abort.access.value = abort_truncate(&abort, vcpu->arch.x[abort.reg]);
	return abort;
}

static ALWAYS_INLINE void finish(struct vcpu *vcpu, const struct abort *abort)
{
	if (!abort->access.write && abort->reg != ZERO_REGISTER)
		vcpu->arch.x[abort->reg] = abort_extend(abort);
	guest_skip();
}

static NOINLINE void dist_access(struct vcpu *vcpu, u64 esr, ipa_t addr)
{
	struct abort abort = begin(vcpu, esr, addr, true);

	vcpu->arch.exits[EXIT_GICD]++;
	arch_spin_lock(&gic_dist_lock);
	gic_filter_dist(&gic, &abort.access);
	arch_spin_unlock(&gic_dist_lock);
	finish(vcpu, &abort);
}

static NOINLINE void redist_access(struct vcpu *vcpu, u64 esr, ipa_t addr)
{
	struct abort abort = begin(vcpu, esr, addr, true);

	vcpu->arch.exits[EXIT_GICR]++;
	gic_filter_redist(&gic, vcpu->index, &abort.access);
	finish(vcpu, &abort);
}

static NOINLINE void core_access(struct vcpu *vcpu, u64 esr, ipa_t addr, bool valid)
{
	struct abort abort = begin(vcpu, esr, addr, valid);

	vcpu->arch.exits[EXIT_CFG]++;
	if (hyp_mem_access(vcpu, &abort.access))
		finish(vcpu, &abort);
	else if (!abort.access.again)
		inject_abort(esr);
}

static ipa_t fault_address(void)
{
	return abort_ipa(sysreg_read(far_el2), sysreg_read(hpfar_el2));
}

/* Only chooses, and jumps: the stack frames are those of the functions above. */
static void trap_access(struct vcpu *vcpu, u64 esr)
{
	ipa_t addr = fault_address();

	if (!abort_aligned(esr, addr))
		return core_access(vcpu, esr, addr, false);
	if (gic_is_dist(&gic, addr))
		return dist_access(vcpu, esr, addr);
	if (gic_is_redist(&gic, addr))
		return redist_access(vcpu, esr, addr);
	return core_access(vcpu, esr, addr, true);
}

static NOINLINE void trap_abort(struct vcpu *vcpu, u64 esr)
{
	if (abort_unmapped(esr))
		return core_access(vcpu, esr, fault_address(), false);
	inject_abort(esr);
}

static NOINLINE void trap_smc(struct vcpu *vcpu)
{
	vcpu->arch.exits[EXIT_SMC]++;
	guest_skip(); /* ELR is the SMC itself, as with every trap */
	smc_call(&vcpu->arch.call);
}

void trap_sync(struct vcpu *vcpu, u64 esr)
{
	if (likely(abort_described(esr)))
		return trap_access(vcpu, esr);
	switch (FIELD_GET(ESR_EC, esr)) {
	case EC_DABT_LOWER:
	case EC_IABT_LOWER:
		return trap_abort(vcpu, esr);
	case EC_SYS64:
		return trap_sysreg(vcpu, esr);
	case EC_SMC64:
		return trap_smc(vcpu);
	case EC_HVC64: /* not #0: reserved by SMCCC 1.2, 2.9 */
		vcpu->arch.x[0] = (u64)PSCI_NOT_SUPPORTED;
		return;
	default:
		vcpu->arch.exits[EXIT_OTHER]++;
		return inject_undefined();
	}
}

void trap_irq(struct vcpu *vcpu)
{
	vcpu->arch.exits[EXIT_IRQ]++;
	gic_take();
}
