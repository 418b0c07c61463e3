/* SPDX-License-Identifier: BSD-2-Clause */
#include "hardware.h"

#include "smmuv3/smmuv3.h"

#include "fuzz.h"

void fuzz_hardware_may_fail(void)
{
	bench_hardware_fails();
	smmuv3_ill_panics = false;
	fake_time_step(64); /* waits end sooner */
}

void fuzz_hardware_time(struct smmu *smmu)
{
	static const enum smmu_time times[] = { SMMU_AT_ONCE, SMMU_ON_READ, SMMU_ON_RELAX };

	smmu_time(smmu, times[fuzz_below(ARRAY_SIZE(times))]);
}

void fuzz_hardware_fails(struct smmu *smmu)
{
	static const enum smmu_cerror errors[] = { SMMU_CERROR_ILL, SMMU_CERROR_ABT, SMMU_CERROR_ATC_INV_SYNC };

	switch (fuzz_below(6)) {
	case 0:
		smmu_time(smmu, SMMU_STUCK);
		break;
	case 1:
		smmu_inject_silence(smmu, (u32)fuzz_below(64));
		break;
	case 2:
		smmu_inject_gerror(smmu, 1u << (2 + fuzz_below(7)));
		break;
	case 3:
		bench_reset_status = fuzz_below(2) != 0 ? E_IO : OK;
		break;
	default:
		smmu_inject_cerror(smmu, (u32)fuzz_below(16) + 1, errors[fuzz_below(ARRAY_SIZE(errors))]);
		break;
	}
}

u32 fuzz_hardware_irq(void)
{
	u32 first = fuzz_below(2) != 0 ? 106 : 109;

	return first + 4 * (u32)fuzz_below(iommu_count);
}
