/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers that trap. Three do so by design: the generators of software interrupts, since Group 0 interrupts
 * go to EL2 (HCR_EL2.FMO). Group 1 is sent on as written: affinities are the machine's own. The others would raise
 * interrupts of a group that is not the guest's, so nothing happens, as for an interrupt not configured in the group.
 * While measuring, two more kinds: measure.c. Any other register is one that this CPU does not offer to EL1.
 */
#include "trap.h"

#include "gic.h"
#include "guest.h"
#include "hyp/vm.h"
#include "measure.h"

#include <arch/sysreg.h>

#define ICC_SGI1R  SYS_ISS(3, 0, 12, 11, 5)
#define ICC_ASGI1R SYS_ISS(3, 0, 12, 11, 6)
#define ICC_SGI0R  SYS_ISS(3, 0, 12, 11, 7)

static u64 operand(const struct vcpu *vcpu, u64 esr)
{
	u64 reg = FIELD_GET(SYS_ISS_RT, esr);

	return reg == 31 ? 0 : vcpu->arch.x[reg];
}

static NOINLINE void other(struct vcpu *vcpu, u64 esr)
{
	vcpu->arch.exits[EXIT_OTHER]++;
	if (!measure_sysreg(vcpu, esr))
		inject_undefined();
}

void trap_sysreg(struct vcpu *vcpu, u64 esr)
{
	switch (esr & ESR_ISS & ~SYS_ISS_RT) {
	case ICC_SGI1R:
		vcpu->arch.exits[EXIT_SGI]++;
		gic_send(operand(vcpu, esr));
		return guest_skip();
	case ICC_ASGI1R:
	case ICC_SGI0R:
		vcpu->arch.exits[EXIT_OTHER]++;
		return guest_skip();
	default:
		return other(vcpu, esr);
	}
}
