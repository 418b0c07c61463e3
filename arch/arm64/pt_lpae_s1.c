/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage 1, for the SMMU's paging domains: what every map and unmap of a guest walks. Pure: also
 * linked into host tests.
 */
#include "pt_lpae.h"
#include "pt_lpae_desc.h"

#define S1_ATTR BITS(4, 2) /* index into the MAIR that cd.c programs */
#define S1_AP1  BIT(6)     /* unprivileged access allowed */
#define S1_AP2  BIT(7)     /* read-only */
#define S1_NG   BIT(11)    /* tagged by ASID */
#define S1_XN   (BIT(53) | BIT(54))

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

PT_DEFINE_OPS(pt_lpae_s1, s1_format, 1, PT_SIZE_4K | PT_SIZE_2M | PT_SIZE_1G);
