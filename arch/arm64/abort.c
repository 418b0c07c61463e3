/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes the syndrome of a guest's abort (DDI 0487 D24.2.40). Pure, so that host tests try every syndrome. */
#include "abort.h"

#include <arch/sysreg.h>

static u64 width_mask(const struct abort *abort)
{
	return BITS(8 * abort->access.width - 1, 0);
}

static u32 width_of(u64 esr)
{
	return 1u << FIELD_GET(ISS_SAS, esr);
}

bool abort_unmapped(u64 esr)
{
	return (esr & FSC_TYPE) == FSC_TRANSLATION;
}

ipa_t abort_ipa(u64 far, u64 hpfar)
{
	return ipa(FIELD_GET(HPFAR_FIPA, hpfar) << PAGE_SHIFT | (far & PAGE_MASK));
}

/* An instruction's fetch and a walk of the guest's own tables (S1PTW) are not; pairs, exclusives, DC have no ISV. */
bool abort_described(u64 esr)
{
	return (esr & (ESR_EC | ISS_ISV | ISS_S1PTW | FSC_TYPE)) ==
	       (FIELD(ESR_EC, EC_DABT_LOWER) | ISS_ISV | FSC_TRANSLATION);
}

bool abort_aligned(u64 esr, ipa_t addr)
{
	return (addr.v & (width_of(esr) - 1)) == 0;
}

struct abort abort_decode(u64 esr, ipa_t addr)
{
	return (struct abort){
		.access = {
			.ipa = addr,
			.width = (u8)width_of(esr),
			.write = esr & ISS_WNR,
		},
		.reg = (u8)FIELD_GET(ISS_SRT, esr),
		.sign = esr & ISS_SSE,
		.wide = esr & ISS_SF,
	};
}

static u64 extend_sign(u64 value, u64 mask)
{
	u64 sign = mask ^ (mask >> 1);

	return (value ^ sign) - sign;
}

u64 abort_extend(const struct abort *abort)
{
	u64 mask = width_mask(abort), value = abort->access.value & mask;

	if (likely(!abort->sign))
		return value;
	value = extend_sign(value, mask);
	return abort->wide ? value : value & BITS(31, 0);
}

u64 abort_truncate(const struct abort *abort, u64 reg)
{
	return reg & width_mask(abort);
}
