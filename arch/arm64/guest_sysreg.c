/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers of a secondary that trap. Software interrupts go to its interrupt controller, ID registers are
 * answered from a table, debug registers are there but do nothing: kernels reset them without asking. Everything else
 * is undefined: the PMU (hidden), LORegions, errors, the physical timer (a timer that never fires would be worse than
 * none: the virtual one is there for all), and whatever a newer CPU has.
 */
#include "guest.h"
#include "world.h"

#include <arch/sysreg.h>

#define ICC_SGI1R  SYS_ISS(3, 0, 12, 11, 5)
#define ICC_ASGI1R SYS_ISS(3, 0, 12, 11, 6)
#define ICC_SGI0R  SYS_ISS(3, 0, 12, 11, 7)
#define REVIDR     SYS_ISS(3, 0, 0, 0, 6)
#define AIDR       SYS_ISS(3, 1, 0, 0, 7)
#define ACTLR      SYS_ISS(3, 0, 1, 0, 1)

#define ZERO_REGISTER 31
#define ID_CRM_END    8

static u64 operand(const struct vcpu *vcpu, u64 esr)
{
	u64 reg = FIELD_GET(SYS_ISS_RT, esr);

	return reg == ZERO_REGISTER ? 0 : vcpu->arch.x[reg];
}

/* Reads as this; what is written is ignored. */
static void answer(struct vcpu *vcpu, u64 esr, u64 value)
{
	u64 reg = FIELD_GET(SYS_ISS_RT, esr);

	if ((esr & SYS_ISS_READ) && reg != ZERO_REGISTER)
		vcpu->arch.x[reg] = value;
	guest_skip();
}

/* Feature registers: op0 3, op1 0, CRn 0, CRm 1 to 7 (D24.2, HCR_EL2.TID3). */
static bool is_id(u64 esr)
{
	return (esr & (SYS_ISS_OP0 | SYS_ISS_OP1 | SYS_ISS_CRN)) == SYS_ISS(3, 0, 0, 0, 0) &&
	       FIELD_GET(SYS_ISS_CRM, esr) != 0 && FIELD_GET(SYS_ISS_CRM, esr) < ID_CRM_END && (esr & SYS_ISS_READ);
}

/* Self-hosted debug: op0 2, op1 0 or 3, CRn 0, 1 or 7. Trace has op1 1; the PMU's snapshots another CRn. */
static bool is_debug(u64 esr)
{
	u64 op1 = FIELD_GET(SYS_ISS_OP1, esr), crn = FIELD_GET(SYS_ISS_CRN, esr);

	return FIELD_GET(SYS_ISS_OP0, esr) == 2 && (op1 == 0 || op1 == 3) && (crn <= 1 || crn == 7);
}

static void sgi(struct vcpu *vcpu, u64 esr)
{
	u32 kick = vgic_sgi(guest_vgic(vcpu->vm), vcpu->index, operand(vcpu, esr));

	guest_skip();
	vcpu_kick(vcpu->vm, kick);
}

void guest_sysreg(struct vcpu *vcpu, u64 esr)
{
	if (is_id(esr))
		return answer(vcpu, esr,
			      guest_id((u32)FIELD_GET(SYS_ISS_CRM, esr), (u32)FIELD_GET(SYS_ISS_OP2, esr)));
	if (is_debug(esr))
		return answer(vcpu, esr, 0);
	switch (esr & ESR_ISS & ~SYS_ISS_RT) {
	case ICC_SGI1R:
		return sgi(vcpu, esr);
	case ICC_ASGI1R: /* as for an interrupt that is in no such group */
	case ICC_SGI0R:
	case ACTLR:
	case ACTLR | SYS_ISS_READ:
	case AIDR | SYS_ISS_READ:
		return answer(vcpu, esr, 0);
	case REVIDR | SYS_ISS_READ: /* errata are told by it */
		return answer(vcpu, esr, sysreg_read(revidr_el1));
	default:
		return inject_undefined();
	}
}
