/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of context descriptors, one per stage-1 stream (IHI 0070 3.3.2, 5.3): linear up to 4096
 * PASIDs, one pool allocation; above that two levels with leaves of 1024, all allocated at once,
 * so that attaching a PASID never needs memory.
 */
#include "hyp/pool.h"
#include "queue.h"

#define LEAF_ENTRIES (1u << CD_SPLIT)
#define LEAF_PAGES   (1u << CD_LEAF_ORDER)

static bool two_level(const struct stream_ctx *ctx)
{
	return ctx->pasid_bits > CD_LINEAR_BITS;
}

static u32 leaf_count(const struct stream_ctx *ctx)
{
	return 1u << (ctx->pasid_bits - CD_SPLIT);
}

/* Order of the linear table: 64 descriptors a page. */
static u32 linear_order(const struct stream_ctx *ctx)
{
	return ctx->pasid_bits > 6 ? ctx->pasid_bits - 6u : 0;
}

static void leaves_free(struct pool *pool, const struct stream_ctx *ctx, u32 count)
{
	const u64 *l1 = io_phys(ctx->table);

	for (u32 i = 0; i < count; i++)
		pool_free(pool, CD_LEAF_ORDER, pa(io_table_read(&l1[i]) & L1CD_TABLE));
	pool_free(pool, 0, ctx->table);
}

static enum status leaves_alloc(const struct smmuv3 *s, struct pool *pool, struct stream_ctx *ctx)
{
	enum status status;
	u64 *l1;

	status = pool_alloc(pool, 0, &ctx->table);
	if (status != OK)
		return status;
	l1 = io_phys(ctx->table);
	for (u32 i = 0; i < leaf_count(ctx); i++) {
		pa_t leaf;

		status = pool_alloc(pool, CD_LEAF_ORDER, &leaf);
		if (status != OK) {
			leaves_free(pool, ctx, i);
			return status;
		}
		smmuv3_publish(s, io_phys(leaf), LEAF_PAGES * PAGE_SIZE);
		io_table_write(&l1[i], leaf.v | L1CD_V);
	}
	smmuv3_publish(s, l1, PAGE_SIZE);
	ctx->pages = (u16)(1 + leaf_count(ctx) * LEAF_PAGES);
	return OK;
}

enum status smmuv3_ctx_alloc(struct iommu *iommu, struct pool *pool, u8 pasid_bits,
			     struct stream_ctx *ctx)
{
	const struct smmuv3 *s = smmuv3_of(iommu);
	enum status status;

	if (!s->f.stage1)
		return E_NOSYS;
	if (pasid_bits > s->f.pasid_bits)
		return E_INVAL;
	*ctx = (struct stream_ctx){ .pasid_bits = pasid_bits };
	if (two_level(ctx))
		return leaves_alloc(s, pool, ctx);
	status = pool_alloc(pool, linear_order(ctx), &ctx->table);
	if (status != OK)
		return status;
	ctx->pages = (u16)(1u << linear_order(ctx));
	smmuv3_publish(s, io_phys(ctx->table), ctx->pages * PAGE_SIZE);
	return OK;
}

void smmuv3_ctx_free(struct iommu *iommu UNUSED, struct pool *pool, struct stream_ctx *ctx)
{
	if (ctx->pages == 0)
		return;
	if (two_level(ctx))
		leaves_free(pool, ctx, leaf_count(ctx));
	else
		pool_free(pool, linear_order(ctx), ctx->table);
	*ctx = (struct stream_ctx){ 0 };
}

static u64 *descriptor_of(const struct stream_ctx *ctx, u32 pasid)
{
	u64 *table = io_phys(ctx->table);

	if (two_level(ctx)) {
		table = io_phys(pa(io_table_read(&table[pasid >> CD_SPLIT]) & L1CD_TABLE));
		pasid &= LEAF_ENTRIES - 1;
	}
	return table + (u64)pasid * CD_WORDS;
}

enum status smmuv3_ctx_write(struct iommu *iommu, sid_t sid, const struct stream_ctx *ctx,
			     u32 pasid, const struct iommu_table *table, bool live)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	struct smmuv3_entry e = {
		.valid = CD0_V,
		.cached = live ? ENTRY_CD : ENTRY_UNREACHABLE,
		.sid = sid.v,
		.ssid = pasid,
	};
	u64 cd[CD_WORDS] = { 0 };

	if (!s->f.stage1)
		return E_NOSYS;
	if (pasid >> ctx->pasid_bits != 0)
		return E_INVAL;
	if (table != NULL)
		smmuv3_cd_encode(cd, &s->f, table);
	e.words = descriptor_of(ctx, pasid);
	return smmuv3_entry_write(s, &e, cd);
}
