/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions that EL1 is made to take: what AArch64.TakeException (DDI 0487 J1.3) does for an exception to EL1, done
 * with the registers that ERET then loads.
 */
#include "guest.h"

#include <arch/sysreg.h>

#define SCTLR_SPAN      BIT(23) /* 0: PAN is set by an exception */
#define SCTLR_DSSBS     BIT(44)
#define SCTLR_SPINTMASK BIT(62) /* 0: ALLINT is set by an exception */

#define VECTOR_SAME_SP0 0x000u
#define VECTOR_SAME_SPX 0x200u
#define VECTOR_LOWER_64 0x400u
#define VECTOR_LOWER_32 0x600u

static u32 vector_of(u64 spsr)
{
	if (spsr & SPSR_AARCH32)
		return VECTOR_LOWER_32;
	if (!(spsr & SPSR_EL))
		return VECTOR_LOWER_64;
	return spsr & SPSR_SPSEL ? VECTOR_SAME_SPX : VECTOR_SAME_SP0;
}

/* The state in which the handler starts. UAO, SS, IL and BTYPE are 0, as the architecture clears them. */
static u64 handler_state(u64 spsr)
{
	u64 sctlr = sysreg_read(sctlr_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
	u64 state = (spsr & (SPSR_NZCV | SPSR_DIT | SPSR_PAN)) | SPSR_DAIF | SPSR_EL1H;

	if (spsr & SPSR_AARCH32) /* DIT is bit 21 there; bit 24 is J */
		state = (state & ~SPSR_DIT) | (spsr & BIT(21) ? SPSR_DIT : 0);
	if (FIELD_GET(BITS(23, 20), sysreg_read(id_aa64mmfr1_el1)) && !(sctlr & SCTLR_SPAN))
		state |= SPSR_PAN;
	if (FIELD_GET(BITS(7, 4), pfr1) && (sctlr & SCTLR_DSSBS))
		state |= SPSR_SSBS;
	if (FIELD_GET(BITS(11, 8), pfr1) >= 2) /* MTE2 */
		state |= SPSR_TCO;
	if (FIELD_GET(BITS(39, 36), pfr1) && !(sctlr & SCTLR_SPINTMASK)) /* NMI */
		state |= SPSR_ALLINT;
	return state;
}

static void take(u64 esr)
{
	u64 spsr = sysreg_read(spsr_el2);

	sysreg_write(esr_el1, esr);
	sysreg_write(elr_el1, sysreg_read(elr_el2));
	sysreg_write(spsr_el1, spsr);
	sysreg_write(elr_el2, sysreg_read(vbar_el1) + vector_of(spsr));
	sysreg_write(spsr_el2, handler_state(spsr));
}

void inject_undefined(void)
{
	take(FIELD(ESR_EC, EC_UNKNOWN) | (sysreg_read(esr_el2) & ESR_IL));
}

void inject_abort(u64 esr)
{
	u64 iss = FSC_EXTERNAL | (esr & (ISS_WNR | ISS_CM));
	u64 ec = FIELD_GET(ESR_EC, esr);

	if (ec == EC_IABT_LOWER)
		iss = FSC_EXTERNAL;
	if (sysreg_read(spsr_el2) & SPSR_EL) /* EL1 itself */
		ec = ec == EC_IABT_LOWER ? EC_IABT_SAME : EC_DABT_SAME;
	sysreg_write(far_el1, sysreg_read(far_el2));
	take(FIELD(ESR_EC, ec) | (esr & ESR_IL) | iss);
}

void guest_skip(void)
{
	sysreg_write(elr_el2, sysreg_read(elr_el2) + 4);
}
