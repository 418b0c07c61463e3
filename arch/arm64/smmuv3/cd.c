/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Context descriptors, IHI 0070 5.4: one stage-1 address space, TTB0 only. Faults abort and leave
 * an event (A = 1; R = 1 unless the stream floods), nothing stalls (S = 0); the access flag is not used; the ASID is not
 * shared with CPUs (ASET = 1). The memory attribute indexes are those of the table format.
 */
#include "hyp/check.h"
#include "pt_lpae.h"
#include "smmuv3.h"

#define MAIR(index, attr) ((attr) << (8 * (index)))

void smmuv3_cd_encode(u64 cd[CD_WORDS], const struct smmuv3_features *f,
		      const struct iommu_table *table)
{
	const struct pt *pt = table->pt;
	const u64 cached = f->coherent ? ATTR_WB : ATTR_NC;
	const u64 shared = f->coherent ? SH_INNER : SH_OUTER;

	CHECK((pt->root.v & ~CD1_TTB0) == 0 && pt->ops->stage == 1);
	for (u32 i = 0; i < CD_WORDS; i++)
		cd[i] = 0;
	cd[0] = FIELD(CD0_T0SZ, 64u - pt->ops->va_bits) | FIELD(CD0_IR0, cached) |
		FIELD(CD0_OR0, cached) | FIELD(CD0_SH0, shared) | CD0_EPD1 | CD0_V |
		FIELD(CD0_IPS, f->oas) | CD0_AFFD | CD0_AA64 | CD0_A | CD0_ASET |
		(table->unrecorded ? 0 : CD0_R) | FIELD(CD0_ASID, table->tag->asid);
	cd[1] = pt->root.v;
	cd[3] = MAIR(LPAE_ATTR_NORMAL, MAIR_NORMAL_WB) | MAIR(LPAE_ATTR_DEVICE, MAIR_DEVICE_nGnRE) |
		MAIR(LPAE_ATTR_NC, MAIR_NORMAL_NC);
}
