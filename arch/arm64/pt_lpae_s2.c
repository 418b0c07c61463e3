/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage 2, for CPUs and the SMMU. A VM's own views change rarely, so the walker is built small
 * here. Pure: also linked into host tests.
 */
#define PT_UNROLL 1
#include "pt_lpae.h"
#include "pt_lpae_desc.h"

#define S2_ATTR   BITS(5, 2)
#define S2_NORMAL 0xf /* write-back, inner and outer */
#define S2_NC     0x5
#define S2_DEVICE 0x1 /* nGnRE */
#define S2_READ   BIT(6)
#define S2_WRITE  BIT(7)
#define S2_XN     BIT(54)

static u64 s2_leaf(u64 out, u32 prot, int level)
{
	u64 entry = out | lpae_page_or_block(level);

	if (prot & PT_DEVICE)
		entry |= FIELD(S2_ATTR, S2_DEVICE);
	else if (prot & PT_NOCACHE)
		entry |= FIELD(S2_ATTR, S2_NC);
	else
		entry |= FIELD(S2_ATTR, S2_NORMAL);
	if (prot & PT_READ)
		entry |= S2_READ;
	if (prot & PT_WRITE)
		entry |= S2_WRITE;
	if (!(prot & PT_EXEC))
		entry |= S2_XN;
	return entry;
}

static u32 s2_prot(u64 entry)
{
	u32 prot = 0;

	if (entry & S2_READ)
		prot |= PT_READ;
	if (entry & S2_WRITE)
		prot |= PT_WRITE;
	if (!(entry & S2_XN))
		prot |= PT_EXEC;
	if (FIELD_GET(S2_ATTR, entry) == S2_DEVICE)
		prot |= PT_DEVICE;
	if (FIELD_GET(S2_ATTR, entry) == S2_NC)
		prot |= PT_NOCACHE;
	return prot;
}

/*
 * 40 bits of IPA: the walk starts at level 1 with two concatenated tables. The least that holds
 * the board's PCI window at 512 GiB, and the most that every CPU of ours has.
 */
static const struct pt_format s2_format = {
	.start_level = 1,
	.va_bits = 40,
	.root_pages = 2,
	.table = lpae_table,
	.leaf = s2_leaf,
	.is_table = lpae_is_table,
	.out = lpae_out,
	.prot = s2_prot,
};

/*
 * 44 bits of IPA, four levels, one root page of 32 entries: for SMMUs, whose translation in QEMU
 * (11.1) masks off the concatenated table's number, so that 0x80_4000_0000 is taken for
 * 0x4000_0000. The sweep over all windows found it. Needs 44 bits of output (IHI 0070 5.2, S2SL0).
 */
static const struct pt_format s2_deep_format = {
	.start_level = 0,
	.va_bits = 44,
	.root_pages = 1,
	.table = lpae_table,
	.leaf = s2_leaf,
	.is_table = lpae_is_table,
	.out = lpae_out,
	.prot = s2_prot,
};

PT_DEFINE_OPS(pt_lpae_s2, s2_format, 2, PT_SIZE_4K | PT_SIZE_2M | PT_SIZE_1G);
PT_DEFINE_OPS(pt_lpae_s2_deep, s2_deep_format, 2, PT_SIZE_4K | PT_SIZE_2M | PT_SIZE_1G);
