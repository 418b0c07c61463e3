/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command alone with its sync, so that what became of it is known: hardware says of a device that does not answer only that
 * there was one before some sync (gerror.c).
 */
#include "abi/pviommu.h"
#include "queue.h"

/* Into the queue; twice where that is asked. */
static void send(struct smmuv3 *s, struct iommu_watch *w, u64 w0, u64 w1, bool twice)
{
	struct cmdq_batch b = cmdq_begin(s);

	cmdq_watch(s, &b, w);
	cmdq_add(s, &b, w0, w1);
	if (twice) {
		cmdq_sync(s, &b);
		cmdq_add(s, &b, w0, w1);
	}
	(void)cmdq_end_watched(s, &b, w);
}

u8 smmuv3_inval_fate(struct iommu *iommu, struct iommu_watch *w)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	enum status status = cmdq_wait(s, w->end);

	cmdq_unwatch(s, w);
	return status == OK ? w->fate : PVIOMMU_INVAL_HW_TIMEOUT;
}

/* What would be asked of a stream that has changed hands or entries since is done, or nobody's to ask. */
u8 smmuv3_inval_alone(struct iommu *iommu, const struct guest_inval *g, const u64 *entry, struct iommu_watch *w)
{
	const u64 op = FIELD_GET(CMD0_OP, entry[0]);
	struct smmuv3 *s = smmuv3_of(iommu);
	struct iommu_guest_stream stream;

	*w = (struct iommu_watch){ .sid = sid((u32)FIELD_GET(CMD0_SID, entry[0])), .fate = PVIOMMU_INVAL_DONE, .device = op == OP_ATC_INV };
	if (op == 0)
		return PVIOMMU_INVAL_DONE;
	if (op < OP_TLBI_NH_ALL || op == OP_ATC_INV) {
		if (!iommu_guest_stream_still(iommu, g, w->sid, &stream))
			return PVIOMMU_INVAL_DONE;
		if (stream.quarantined)
			return PVIOMMU_INVAL_QUARANTINED;
		if (!stream.nested || (op == OP_ATC_INV && !stream.ats))
			return PVIOMMU_INVAL_DONE;
	}
	send(s, w, entry[0], entry[1], (s->f.quirks & QUIRK_REPEAT) != 0 && op != OP_ATC_INV);
	return w->queued ? PVIOMMU_INVAL_DONE : PVIOMMU_INVAL_HW_TIMEOUT;
}

/* Without a PASID it is all of the function's (PCIe 10.3.7). */
enum status smmuv3_atc_flush(struct smmuv3 *s, u32 sid_value)
{
	struct iommu_watch w = { 0 };

	__atomic_store_n(&s->cmdq.patience, ATC_WAIT_US, __ATOMIC_RELAXED);
	send(s, &w, OP_ATC_INV | FIELD(CMD0_SID, sid_value), FIELD(CMD1_ATC_SIZE, ATC_SIZE_MAX), false);
	return w.queued && smmuv3_inval_fate(s->iommu, &w) == PVIOMMU_INVAL_DONE ? OK : E_IO;
}
