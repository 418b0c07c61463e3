/* SPDX-License-Identifier: BSD-2-Clause */
/* Decodes the syndrome of a guest's abort. Pure, so that host tests try every syndrome. DDI 0487 D24.2.40, ISS of aborts. */
#include "abort.h"

#include <arch/sysreg.h>

static u64 width_mask(const struct abort *abort)
{
	return BITS(8 * abort->access.width - 1, 0);
}

bool abort_decode(u64 esr, u64 far, u64 hpfar, struct abort *abort)
{
	struct mem_access *a = &abort->access;
	u64 page = FIELD_GET(HPFAR_FIPA, hpfar) << PAGE_SHIFT;

	*abort = (struct abort){ 0 };
	if ((esr & FSC_TYPE) != FSC_TRANSLATION)
		return false;
	a->ipa = ipa(page | (far & PAGE_MASK));
	a->width = (u8)(1u << FIELD_GET(ISS_SAS, esr));
	a->write = esr & ISS_WNR;
	a->valid = FIELD_GET(ESR_EC, esr) == EC_DABT_LOWER && (esr & ISS_ISV) && !(esr & ISS_S1PTW) &&
		   a->ipa.v % a->width == 0;
	abort->reg = (u8)FIELD_GET(ISS_SRT, esr);
	abort->sign = esr & ISS_SSE;
	abort->wide = esr & ISS_SF;
	return true;
}

u64 abort_extend(const struct abort *abort)
{
	u64 mask = width_mask(abort), sign = mask ^ (mask >> 1);
	u64 value = abort->access.value & mask;

	if (abort->sign)
		value = (value ^ sign) - sign;
	return abort->wide ? value : value & BITS(31, 0);
}

u64 abort_truncate(const struct abort *abort, u64 reg)
{
	return reg & width_mask(abort);
}
