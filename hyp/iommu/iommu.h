/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The IOMMU instances of the machine, their failure, and invalidation with completion. Which commands that takes, in which
 * order, is the driver's. Operations of iommu_hw_ops that write are called in this folder only.
 */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include "hyp/iommu_hw.h"
#include "hyp/platform.h"
#include "lib/idmap.h"

_Static_assert(MACHINE_MAX_IOMMUS <= IOMMU_MAX, "each IOMMU of the board has its instance");
_Static_assert(MACHINE_NAME <= IOMMU_NAME, "and its name");

extern struct iommu iommu_instance[IOMMU_MAX];
extern u32 iommu_count;

/* What paging domains look like on this machine; from the first IOMMU, others must match. */
struct iommu_common {
	const struct pt_ops *paging; /* stage 1 where there is one, else stage 2 */
	const struct pt_ops *dma;    /* the VM's DMA table: stage 2 where there is one */
	bool stage1, stage2;
	bool clean;        /* some IOMMU does not snoop: clean every table */
	u32 paging_sizes;  /* PT_SIZE_* of paging domains */
	u32 dma_sizes;
	u8 asid_bits, vmid_bits;
};
extern struct iommu_common iommu_common;
extern struct idmap iommu_vmids; /* VMIDs of the machine */
extern struct idmap iommu_asids; /* ASIDs where there is no stage 2 to scope them */
/* Ids of a map that several VMs take from; a lock of their own inside. E_NOMEM. */
enum status iommu_id_alloc(struct idmap *map, u16 *id) MUST_CHECK;
void iommu_id_free(struct idmap *map, u16 id);

/* Block everything behind every IOMMU; boot, before anything else. Panics when it cannot. */
void iommu_quiesce(const struct machine *m);
/* Probe and start every IOMMU, all streams blocked. False: the machine cannot be run safely. */
bool iommu_start(const struct machine *m, const char **why);
/* Has this IOMMU the machine's common formats, so that paging domains and the VMs' DMA tables fit? */
bool iommu_is_common(const struct iommu *iommu);

/* Hardware of this IOMMU failed: nothing behind it is trusted to have stopped. */
void iommu_fail(struct iommu *iommu, const char *what);

/*
 * Invalidate ranges under a tag (NULL: all of it) on every IOMMU of `users`, with completion.
 * E_IO when one of them did not complete. Must not hold the queue class.
 */
enum status iommu_inval(const struct iommu_tag *tag, u32 users, const struct inval_range *ranges,
			u32 count) MUST_CHECK;

#endif
