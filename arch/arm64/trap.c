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

/* The value that a store writes; a load leaves one in its register. Then on to the next instruction. */
static u64 stored(const struct vcpu *vcpu, const struct abort *abort)
{
	return abort->reg == ZERO_REGISTER ? 0 : abort_truncate(abort, vcpu->arch.x[abort->reg]);
}

static void finish(struct vcpu *vcpu, const struct abort *abort)
{
	if (!abort->access.write && abort->reg != ZERO_REGISTER)
		vcpu->arch.x[abort->reg] = abort_extend(abort);
	guest_skip();
}

/* Redistributors, and what the core emulates. */
static NOINLINE void trap_abort(struct vcpu *vcpu, u64 esr)
{
	struct abort abort;
	struct mem_access *access = &abort.access;

	if (!abort_decode(esr, sysreg_read(far_el2), sysreg_read(hpfar_el2), &abort))
		return inject_abort(esr);
	access->value = stored(vcpu, &abort);
	if (access->valid && gic_filter_redist(&gic, vcpu->index, access)) {
		vcpu->arch.exits[EXIT_GICR]++;
		return finish(vcpu, &abort);
	}
	vcpu->arch.exits[EXIT_CFG]++;
	if (hyp_mem_access(vcpu, access))
		return finish(vcpu, &abort);
	if (!access->again)
		inject_abort(esr);
}

/* The distributor makes more exits than all else in a boot: tried first, with everything in registers. */
static NOINLINE void trap_data_abort(struct vcpu *vcpu, u64 esr)
{
	struct abort abort;

	if (!abort_decode(esr, sysreg_read(far_el2), sysreg_read(hpfar_el2), &abort) || !abort.access.valid)
		return trap_abort(vcpu, esr);
	abort.access.value = stored(vcpu, &abort);
	if (!gic_filter_dist(&gic, &abort.access))
		return trap_abort(vcpu, esr);
	vcpu->arch.exits[EXIT_GICD]++;
	finish(vcpu, &abort);
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
		return trap_data_abort(vcpu, esr);
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
