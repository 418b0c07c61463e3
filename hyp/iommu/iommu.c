/* SPDX-License-Identifier: BSD-2-Clause */
/* The IOMMU instances: quiesced and started at boot, what they have in common, invalidation on several, failure. */
#include "iommu.h"

#include <stdio.h>

#include "hyp/arch.h"
#include "hyp/bits.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "hyp/pool.h"
#include "pviommu/events.h"

struct iommu iommu_instance[IOMMU_MAX];
u32 iommu_count;
struct iommu_common iommu_common;
struct idmap iommu_vmids, iommu_asids;

void iommu_quiesce(const struct machine *m)
{
	const struct machine_iommu *bad = NULL;
	const char *why = "unknown";

	/* All, before the machine is refused for one: behind the others nothing passes then either. */
	for (u32 i = 0; i < m->iommu_count; i++)
		if (arch_iommu_quiesce(&m->iommu[i], &why) != OK)
			bad = &m->iommu[i];
	if (bad != NULL)
		panic("%s: DMA cannot be blocked: %s", bad->name, why);
}

bool iommu_is_common(const struct iommu *iommu)
{
	const struct iommu_caps *c = &iommu->caps;

	return c->stage1 == iommu_common.stage1 && c->stage2 == iommu_common.stage2 &&
	       (c->stage1 ? c->s1 : c->s2) == iommu_common.paging && (c->stage2 ? c->s2 : c->s1) == iommu_common.dma;
}

static void common_from(const struct iommu_caps *c)
{
	u32 blocks = PT_SIZE_2M | PT_SIZE_1G;

	iommu_common.stage1 = c->stage1;
	iommu_common.stage2 = c->stage2;
	iommu_common.paging = c->stage1 ? c->s1 : c->s2;
	iommu_common.dma = c->stage2 ? c->s2 : c->s1;
	iommu_common.asid_bits = c->asid_bits;
	iommu_common.vmid_bits = c->vmid_bits;
	iommu_common.paging_sizes = PT_SIZE_4K | (iommu_common.paging->leaf_sizes & blocks);
	iommu_common.dma_sizes = PT_SIZE_4K | (iommu_common.dma->leaf_sizes & blocks);
}

/* The common limits: tags as narrow, leaves as small as the least of them needs. */
static void common_narrow(struct iommu *iommu)
{
	const struct iommu_caps *c = &iommu->caps;

	if (!c->coherent)
		iommu_common.clean = true;
	if (!iommu_is_common(iommu)) {
		log_warn("%s: other stages than %s, its devices cannot be assigned", iommu->name,
			 iommu_instance[0].name);
		iommu->caps.nested = iommu->caps.ats = false; /* nothing of a VM's fits behind a first stage there */
		return;
	}
	if (c->asid_bits < iommu_common.asid_bits)
		iommu_common.asid_bits = c->asid_bits;
	if (c->vmid_bits < iommu_common.vmid_bits)
		iommu_common.vmid_bits = c->vmid_bits;
	if (!c->split_live) {
		/* A block that must be split would have to be broken under a live stream. */
		iommu_common.paging_sizes = PT_SIZE_4K;
		iommu_common.dma_sizes = PT_SIZE_4K;
	}
}

static void ids_init(struct idmap *map, u8 bits)
{
	u32 count = 1u << bits;
	pa_t words = boot_alloc(align_up(idmap_bytes(count), PAGE_SIZE) / PAGE_SIZE, PAGE_SIZE);

	idmap_init(map, io_phys(words), count);
}

static struct spinlock id_lock = SPINLOCK_INIT;

enum status iommu_id_alloc(struct idmap *map, u16 *id)
{
	enum status status;

	arch_spin_lock(&id_lock);
	status = idmap_alloc(map, id);
	arch_spin_unlock(&id_lock);
	return status;
}

void iommu_id_free(struct idmap *map, u16 id)
{
	arch_spin_lock(&id_lock);
	idmap_free(map, id);
	arch_spin_unlock(&id_lock);
}

bool iommu_start(const struct machine *m, const char **why)
{
	for (u32 i = 0; i < m->iommu_count; i++) {
		struct iommu *iommu = &iommu_instance[iommu_count];

		iommu->index = iommu_count;
		snprintf(iommu->name, sizeof(iommu->name), "%s", m->iommu[i].name);
		if (arch_iommu_probe(&m->iommu[i], iommu, why) != OK)
			return false;
		if (iommu_count++ == 0)
			common_from(&iommu->caps);
	}
	if (iommu_count == 0) {
		*why = "no IOMMU: no device can be contained";
		return false;
	}
	for (u32 i = 0; i < iommu_count; i++)
		common_narrow(&iommu_instance[i]);
	if (iommu_common.stage2)
		ids_init(&iommu_vmids, iommu_common.vmid_bits);
	else
		ids_init(&iommu_asids, iommu_common.asid_bits);
	return true;
}

void iommu_fail(struct iommu *iommu, const char *what)
{
	if (!__atomic_exchange_n(&iommu->dead, true, __ATOMIC_ACQ_REL))
		log_error("%s: %s; every stream behind it stays as it is, its memory is lost",
			  iommu->name, what);
	if (!__atomic_exchange_n(&iommu->told, true, __ATOMIC_RELAXED))
		events_inval_failed(iommu);
}

enum status iommu_inval(const struct iommu_tag *tag, u32 users, const struct inval_range *ranges,
			u32 count)
{
	enum status result = OK;
	u64 ticket[IOMMU_MAX];
	u32 sent = 0;

	/* All queues first, then all waits: the hardware works in parallel. */
	for (u32 left = users; left != 0; left &= left - 1) {
		u32 i = (u32)__builtin_ctz(left);
		struct iommu *iommu = &iommu_instance[i];
		enum status status = iommu->ops->inval(iommu, tag, ranges, count, &ticket[i]);

		if (likely(status == OK)) {
			sent |= 1u << i;
			continue;
		}
		iommu_fail(iommu, "an invalidation was not taken");
		result = status;
	}
	for (u32 left = sent; left != 0; left &= left - 1) {
		u32 i = (u32)__builtin_ctz(left);
		struct iommu *iommu = &iommu_instance[i];
		enum status status = iommu->ops->wait(iommu, ticket[i]);

		if (unlikely(status != OK)) {
			iommu_fail(iommu, "an invalidation did not complete");
			result = status;
		}
	}
	return result;
}
