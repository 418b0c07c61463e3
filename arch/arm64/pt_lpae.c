/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VMSAv8-64 descriptors (Arm ARM D8.3; the SMMU walks the same, IHI 0070 3.4) with the 4 KiB
 * granule, in two formats: stage 1 for the SMMU's paging domains, and stage 2 for CPUs and the
 * SMMU. Pure: also linked into host tests.
 */
#include "hyp/bits.h"
#include "hyp/pt_walk.h"

#include "pt_lpae.h"

#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1) /* levels 0 to 2: a table; level 3: always set for a page */
#define DESC_OUT   BITS(47, 12)
#define DESC_AF    BIT(10)
#define DESC_SH    BITS(9, 8)
#define SH_INNER   3

#define S1_ATTR BITS(4, 2) /* index into the MAIR that cd.c programs */
#define S1_AP1  BIT(6)     /* unprivileged access allowed */
#define S1_AP2  BIT(7)     /* read-only */
#define S1_NG   BIT(11)    /* tagged by ASID */
#define S1_XN   (BIT(53) | BIT(54))

#define S2_ATTR   BITS(5, 2)
#define S2_NORMAL 0xf /* write-back, inner and outer */
#define S2_NC     0x5
#define S2_DEVICE 0x1 /* nGnRE */
#define S2_READ   BIT(6)
#define S2_WRITE  BIT(7)
#define S2_XN     BIT(54)

static u64 lpae_table(u64 page)
{
	return page | DESC_VALID | DESC_TABLE;
}

static bool lpae_is_table(u64 entry, int level)
{
	return level < PT_LAST && (entry & DESC_TABLE) != 0;
}

static u64 lpae_out(u64 entry)
{
	return entry & DESC_OUT;
}

static u64 lpae_page_or_block(int level)
{
	return DESC_VALID | DESC_AF | FIELD(DESC_SH, SH_INNER) | (level == PT_LAST ? DESC_TABLE : 0);
}

static u64 s1_leaf(u64 out, u32 prot, int level)
{
	u64 entry = out | lpae_page_or_block(level) | S1_NG;

	if (prot & PT_DEVICE)
		entry |= FIELD(S1_ATTR, LPAE_ATTR_DEVICE);
	else if (prot & PT_NOCACHE)
		entry |= FIELD(S1_ATTR, LPAE_ATTR_NC);
	else
		entry |= FIELD(S1_ATTR, LPAE_ATTR_NORMAL);
	if (!(prot & PT_PRIV))
		entry |= S1_AP1;
	if (!(prot & PT_WRITE))
		entry |= S1_AP2;
	if (!(prot & PT_EXEC))
		entry |= S1_XN;
	return entry;
}

/* Stage 1 has no write-only: what can be written can be read. */
static u32 s1_prot(u64 entry)
{
	u32 prot = PT_READ;

	if (!(entry & S1_AP2))
		prot |= PT_WRITE;
	if (!(entry & S1_XN))
		prot |= PT_EXEC;
	if (!(entry & S1_AP1))
		prot |= PT_PRIV;
	if (FIELD_GET(S1_ATTR, entry) == LPAE_ATTR_DEVICE)
		prot |= PT_DEVICE;
	if (FIELD_GET(S1_ATTR, entry) == LPAE_ATTR_NC)
		prot |= PT_NOCACHE;
	return prot;
}

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

/* 48 bits of IOVA, four levels. */
static const struct pt_format s1_format = {
	.start_level = 0,
	.va_bits = 48,
	.root_pages = 1,
	.table = lpae_table,
	.leaf = s1_leaf,
	.is_table = lpae_is_table,
	.out = lpae_out,
	.prot = s1_prot,
};

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

PT_DEFINE_OPS(pt_lpae_s1, s1_format, 1, PT_SIZE_4K | PT_SIZE_2M | PT_SIZE_1G);
PT_DEFINE_OPS(pt_lpae_s2, s2_format, 2, PT_SIZE_4K | PT_SIZE_2M | PT_SIZE_1G);
PT_DEFINE_OPS(pt_lpae_s2_deep, s2_deep_format, 2, PT_SIZE_4K | PT_SIZE_2M | PT_SIZE_1G);
