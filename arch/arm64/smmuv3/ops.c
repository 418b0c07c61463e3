/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver as the core calls it: one row an operation. */
#include "abi/pviommu.h"
#include "queue.h"

static enum status wait(struct iommu *iommu, u64 ticket)
{
	return cmdq_wait(smmuv3_of(iommu), ticket);
}

const struct iommu_hw_ops smmuv3_ops = {
	.driver = "smmuv3",
	.arch = PVIOMMU_ARCH_SMMUV3,
	.stream_init = smmuv3_stream_init,
	.stream_write = smmuv3_stream_write,
	.ctx_alloc = smmuv3_ctx_alloc,
	.ctx_free = smmuv3_ctx_free,
	.ctx_write = smmuv3_ctx_write,
	.inval = smmuv3_inval,
	.wait = wait,
	.events = smmuv3_events,
	.event_mark = smmuv3_event_mark,
	.error = smmuv3_error,
};
