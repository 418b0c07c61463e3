/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Synchronous exits of a secondary: who answers. As trap.c for the primary, but for a guest that nobody trusts: it
 * reaches its own interrupt controller, the core's calls, and PSCI for its own vCPUs; what nobody answers becomes an
 * exception of its own.
 */
#include "abort.h"
#include "guest.h"
#include "hyp/arch.h"
#include "hyp/upcall.h"
#include "psci.h"
#include "world.h"

#include <arch/sysreg.h>

#define ZERO_REGISTER 31
#define WFX_WFI       0

void guest_idle(struct vcpu *vcpu)
{
	u64 deadline;
	bool armed;

	if (world_timer_due(vcpu, &deadline, &armed) || vgic_pending(guest_vgic(vcpu->vm), vcpu->index))
		return;
	world_leave(vcpu, &(struct pc_vcpu_exit){
				  .reason = PC_EXIT_IDLE,
				  .flags = armed ? PC_EXIT_DATA : 0,
				  .data = armed ? deadline : 0,
			  });
}

/* Only WFI traps; those with a timeout trap with it, and a secondary does not have them. */
static void wfi(struct vcpu *vcpu, u64 esr)
{
	if (FIELD_GET(ISS_WFX_KIND, esr) != WFX_WFI)
		return inject_undefined();
	guest_skip();
	guest_idle(vcpu);
}

/* ELR is behind it already. Any immediate but 0 is reserved by SMCCC 1.2, 2.9. */
static void hvc(struct vcpu *vcpu, u64 esr)
{
	if (FIELD_GET(ISS_HVC_IMM, esr) != 0)
		vcpu->arch.x[0] = (u64)PSCI_NOT_SUPPORTED;
	else if (!guest_psci(vcpu) && !hyp_vcpu_hypercall(vcpu, &vcpu->arch.call))
		sysreg_write(elr_el2, sysreg_read(elr_el2) - 4);
}

/* ELR is the instruction itself. */
static void smc(struct vcpu *vcpu)
{
	guest_skip();
	if (!guest_psci(vcpu))
		vcpu->arch.x[0] = (u64)PSCI_NOT_SUPPORTED;
}

static void load_finish(struct vcpu *vcpu, const struct abort *abort)
{
	if (!abort->access.write && abort->reg != ZERO_REGISTER)
		vcpu->arch.x[abort->reg] = abort_extend(abort);
}

void arch_vcpu_mmio_done(struct vcpu *vcpu, u64 value)
{
	struct abort abort = abort_decode(vcpu->arch.load, ipa(0));

	if (!vcpu->arch.load)
		return;
	vcpu->arch.load = 0;
	abort.access.value = value;
	load_finish(vcpu, &abort);
}

static void vgic_page(struct vcpu *vcpu, struct abort *abort)
{
	u32 kick = vgic_access(guest_vgic(vcpu->vm), vcpu->index, &abort->access);

	load_finish(vcpu, abort);
	guest_skip();
	vcpu_kick(vcpu->vm, kick);
	vcpu_deactivate(vcpu);
}

/* The primary emulates it: the guest goes on behind the instruction, a load's register follows. */
static void to_primary(struct vcpu *vcpu, const struct abort *abort, u64 esr)
{
	if (vcpu->exit.reason != PC_EXIT_MMIO || !abort->access.valid)
		return; /* it leaves for another reason, and comes back to the same instruction */
	vcpu->arch.load = abort->access.write ? 0 : esr;
	guest_skip();
}

static void core_page(struct vcpu *vcpu, struct abort *abort, u64 esr)
{
	if (hyp_vcpu_mem_access(vcpu, &abort->access)) {
		load_finish(vcpu, abort);
		guest_skip();
	} else if (!abort->access.again) {
		if (vcpu->leave)
			to_primary(vcpu, abort, esr);
		else
			inject_abort(esr);
	}
}

static void memory(struct vcpu *vcpu, u64 esr)
{
	ipa_t addr = abort_ipa(sysreg_read(far_el2), sysreg_read(hpfar_el2));
	struct abort abort;

	if (!abort_unmapped(esr))
		return inject_abort(esr);
	abort = abort_decode(esr, addr);
	abort.access.valid = abort_described(esr) && abort_aligned(esr, addr);
	if (abort.access.valid && abort.access.write && abort.reg != ZERO_REGISTER)
		abort.access.value = abort_truncate(&abort, vcpu->arch.x[abort.reg]);
	if (abort.access.valid && vgic_owns(guest_vgic(vcpu->vm), addr.v))
		return vgic_page(vcpu, &abort);
	core_page(vcpu, &abort, esr);
}

/*
 * EL0 in AArch32 is hidden from a secondary (guest_id.c), but hardware that has it lets EL1 return there. What traps
 * from it may be conditional, or two bytes long: nothing of it is answered.
 */
void guest_trap(struct vcpu *vcpu, u64 esr)
{
	if (sysreg_read(spsr_el2) & SPSR_AARCH32)
		return inject_undefined();
	switch (FIELD_GET(ESR_EC, esr)) {
	case EC_WFX:
		return wfi(vcpu, esr);
	case EC_HVC64:
		return hvc(vcpu, esr);
	case EC_SMC64:
		return smc(vcpu);
	case EC_SYS64:
		return guest_sysreg(vcpu, esr);
	case EC_DABT_LOWER:
	case EC_IABT_LOWER:
		return memory(vcpu, esr);
	default:
		return inject_undefined();
	}
}
