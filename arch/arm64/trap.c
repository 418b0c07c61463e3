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

static bool emulate(struct vcpu *vcpu, struct mem_access *access)
{
	enum gic_part part = access->valid ? gic_filter(&gic, vcpu->index, access) : GIC_NONE;

	if (part == GIC_NONE) {
		vcpu->arch.exits[EXIT_CFG]++;
		return hyp_mem_access(vcpu, access);
	}
	vcpu->arch.exits[part == GIC_DIST ? EXIT_GICD : EXIT_GICR]++;
	return true;
}

/* Out of line, so that other exits do not pay for its stack frame. */
static NOINLINE void trap_abort(struct vcpu *vcpu, u64 esr)
{
	struct abort abort;
	struct mem_access *access = &abort.access;

	if (!abort_decode(esr, sysreg_read(far_el2), sysreg_read(hpfar_el2), &abort))
		return inject_abort(esr);
	if (access->write && abort.reg != ZERO_REGISTER)
		access->value = abort_truncate(&abort, vcpu->arch.x[abort.reg]);
	if (!emulate(vcpu, access)) {
		if (!access->again)
			inject_abort(esr);
		return;
	}
	if (!access->write && abort.reg != ZERO_REGISTER)
		vcpu->arch.x[abort.reg] = abort_extend(&abort);
	guest_skip();
}

static NOINLINE void trap_smc(struct vcpu *vcpu)
{
	vcpu->arch.exits[EXIT_SMC]++;
	guest_skip(); /* ELR is the SMC itself, as with every trap */
	smc_call(&vcpu->arch.call);
}

void trap_sync(struct vcpu *vcpu, u64 esr)
{
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
