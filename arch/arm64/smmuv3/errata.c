/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts that deviate from the architecture, by SMMU_IIDR. A row covers the versions below one.
 *
 * T264-SMMU-3 is not told by any product number that is published, so every SMMU of that
 * implementer repeats: an invalidation too many is only slow. MMU-600's 1076982 (wake-up events)
 * and MMU-700's loss of broadcast maintenance concern features that this driver does not use.
 */
#include "smmuv3.h"

#define ANY_PRODUCT                0
#define VERSION(variant, revision) ((variant) << 4 | (revision))
#define ANY_VERSION                VERSION(16, 0)

static const struct {
	u16 implementer, product;
	u16 below; /* VERSION */
	u32 quirks;
} rows[] = {
	/* 1209401: nested translation */
	{ IMPLEMENTER_ARM, PRODUCT_MMU600, VERSION(2, 0), QUIRK_NO_NESTING },
	/* 2268618, 2812531: nested translation; commands lost without a sync among 64 */
	{ IMPLEMENTER_ARM, PRODUCT_MMU700, VERSION(1, 1), QUIRK_NO_NESTING | QUIRK_SYNC_63 },
	/* T264-SMMU-3: an invalidation may miss what was being filled */
	{ IMPLEMENTER_NVIDIA, ANY_PRODUCT, ANY_VERSION, QUIRK_REPEAT },
};

u32 smmuv3_quirks(u32 iidr)
{
	u32 version = VERSION((u32)FIELD_GET(IIDR_VARIANT, iidr),
			      (u32)FIELD_GET(IIDR_REVISION, iidr));
	u32 quirks = 0;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].implementer == FIELD_GET(IIDR_IMPLEMENTER, iidr) &&
		    (rows[i].product == ANY_PRODUCT ||
		     rows[i].product == FIELD_GET(IIDR_PRODUCT, iidr)) &&
		    version < rows[i].below)
			quirks |= rows[i].quirks;
	return quirks;
}
