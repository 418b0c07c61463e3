/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver as the core calls it: one row an operation. */
#include "abi/pviommu.h"
#include "queue.h"

static enum status wait(struct iommu *iommu, u64 ticket)
{
	return cmdq_wait(smmuv3_of(iommu), ticket);
}

static enum status nested_check(const struct iommu *iommu, struct nested_config *config)
{
	if (!smmuv3_guest_ste_ok(&smmuv3_of(iommu)->f, iommu->caps.s2->va_bits, config->word))
		return E_INVAL;
	config->pasid_bits = smmuv3_guest_ste_pasid_bits(config->word);
	config->ats = FIELD_GET(STE1_EATS, config->word[1]) != 0;
	config->ats_on = config->ats && (config->word[0] & STE0_V) != 0 && FIELD_GET(STE0_CONFIG, config->word[0]) == CONFIG_STAGE1;
	return OK;
}

const struct iommu_hw_ops smmuv3_ops = {
	.driver = "smmuv3",
	.arch = PVIOMMU_ARCH_SMMUV3,
	.nested_type = PVIOMMU_NESTED_SMMUV3,
	.nested_bytes = sizeof(struct pviommu_nested_smmuv3),
	.inval_type = PVIOMMU_INVAL_SMMUV3,
	.inval_bytes = sizeof(struct pviommu_inval_smmuv3),
	.stream_init = smmuv3_stream_init,
	.stream_write = smmuv3_stream_write,
	.ctx_alloc = smmuv3_ctx_alloc,
	.ctx_free = smmuv3_ctx_free,
	.ctx_write = smmuv3_ctx_write,
	.inval = smmuv3_inval,
	.nested_check = nested_check,
	.inval_guest = smmuv3_inval_guest,
	.inval_wait = smmuv3_inval_wait,
	.inval_alone = smmuv3_inval_alone,
	.inval_fate = smmuv3_inval_fate,
	.wait = wait,
	.events = smmuv3_events,
	.event_mark = smmuv3_event_mark,
	.error = smmuv3_error,
};
