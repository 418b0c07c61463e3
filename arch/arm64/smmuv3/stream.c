/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream table, IHI 0070 3.3.1, 5.1: two levels with leaves of 256 entries where hardware has
 * that, else linear. Leaves are allocated at boot for the streams that exist; every entry starts
 * invalid, and a stream without a leaf or beyond the table aborts with C_BAD_STREAMID.
 */
#include "hyp/pool.h"
#include "queue.h"

#define LEAF_ENTRIES (1ul << STRTAB_SPLIT)
#define LEAF_BYTES   (LEAF_ENTRIES * STE_BYTES)

static u64 *table_alloc(u64 bytes)
{
	/* Aligned to its size, rounded up to a power of two of pages. */
	u64 size = align_up(bytes, PAGE_SIZE);

	return io_phys(boot_alloc(size / PAGE_SIZE, size));
}

void smmuv3_strtab_init(struct smmuv3 *s, u64 streams)
{
	struct smmuv3_strtab *t = &s->strtab;
	u8 need = smmuv3_sid_bits(streams);
	u64 cfg, bytes;

	t->two_level = s->f.two_level && s->f.sid_bits > STRTAB_SPLIT;
	if (t->two_level) {
		t->log2 = s->f.sid_bits < STRTAB_LOG2 ? s->f.sid_bits :
			  need > STRTAB_LOG2          ? need :
							STRTAB_LOG2;
		bytes = sizeof(u64) << (t->log2 - STRTAB_SPLIT);
		cfg = FIELD(STRTAB_CFG_FMT, STRTAB_FMT_TWO) |
		      FIELD(STRTAB_CFG_SPLIT, STRTAB_SPLIT);
	} else {
		t->log2 = need;
		bytes = (u64)STE_BYTES << t->log2;
		cfg = FIELD(STRTAB_CFG_FMT, STRTAB_FMT_LINEAR);
	}
	t->base = table_alloc(bytes);
	smmuv3_publish(s, t->base, bytes);
	io_write64(io_phys_of(t->base).v | STRTAB_BASE_RA, s->regs + SMMU_STRTAB_BASE);
	io_write32((u32)(cfg | FIELD(STRTAB_CFG_LOG2SIZE, t->log2)),
		   s->regs + SMMU_STRTAB_BASE_CFG);
}

/* The entry of a stream, or NULL if it has none. */
static u64 *entry_of(const struct smmuv3 *s, u32 sid)
{
	const struct smmuv3_strtab *t = &s->strtab;
	u64 l1;

	if ((u64)sid >> t->log2 != 0)
		return NULL;
	if (!t->two_level)
		return t->base + (u64)sid * STE_WORDS;
	l1 = io_table_read(&t->base[sid >> STRTAB_SPLIT]);
	if (FIELD_GET(L1STD_SPAN, l1) == 0)
		return NULL;
	return (u64 *)io_phys(pa(l1 & L1STD_TABLE)) + (sid & (LEAF_ENTRIES - 1)) * STE_WORDS;
}

enum status smmuv3_stream_init(struct iommu *iommu, sid_t sid)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	u64 *l1, *leaf;

	if ((u64)sid.v >> s->strtab.log2 != 0)
		return E_INVAL;
	if (entry_of(s, sid.v) != NULL)
		return OK;
	leaf = table_alloc(LEAF_BYTES);
	smmuv3_publish(s, leaf, LEAF_BYTES);
	l1 = &s->strtab.base[sid.v >> STRTAB_SPLIT];
	io_table_write(l1, io_phys_of(leaf).v | FIELD(L1STD_SPAN, STRTAB_SPLIT + 1));
	smmuv3_publish(s, l1, sizeof(*l1));
	/* The descriptor may be cached as invalid, under any stream of the leaf. */
	return smmuv3_flush_all(s);
}

enum status smmuv3_stream_write(struct iommu *iommu, sid_t sid, const struct stream_config *config)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	struct smmuv3_entry e = {
		.words = entry_of(s, sid.v),
		.valid = STE0_V,
		.cached = ENTRY_STE,
		.sid = sid.v,
	};
	u64 ste[STE_WORDS];
	enum status status;

	if (e.words == NULL)
		return E_INVAL;
	if ((config->mode == STREAM_STAGE1 && !s->f.stage1) ||
	    (config->mode == STREAM_STAGE2 && !s->f.stage2) ||
	    (config->mode == STREAM_NESTED && !iommu->caps.nested))
		return E_NOSYS;
	smmuv3_ste_encode(ste, &s->f, config);
	status = smmuv3_entry_write(s, &e, ste);
	/* What a device kept under another entry it may use again from here on. */
	if (status == OK && unlikely(config->forget) && (ste[1] & STE1_EATS) != 0)
		status = smmuv3_atc_flush(s, sid.v);
	return status;
}
