/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both stages share of VMSAv8-64 descriptors (Arm ARM D8.3; the SMMU walks the same, IHI 0070
 * 3.4) with the 4 KiB granule. For the format files only.
 */
#ifndef PT_LPAE_DESC_H
#define PT_LPAE_DESC_H

#include "hyp/bits.h"
#include "hyp/pt_walk.h"

#define DESC_VALID BIT(0)
#define DESC_TABLE BIT(1) /* levels 0 to 2: a table; level 3: always set for a page */
#define DESC_OUT   BITS(47, 12)
#define DESC_AF    BIT(10)
#define DESC_SH    BITS(9, 8)
#define SH_INNER   3

static inline u64 lpae_table(u64 page)
{
	return page | DESC_VALID | DESC_TABLE;
}

static inline bool lpae_is_table(u64 entry, int level)
{
	return level < PT_LAST && (entry & DESC_TABLE) != 0;
}

static inline u64 lpae_out(u64 entry)
{
	return entry & DESC_OUT;
}

static inline u64 lpae_page_or_block(int level)
{
	return DESC_VALID | DESC_AF | FIELD(DESC_SH, SH_INNER) | (level == PT_LAST ? DESC_TABLE : 0);
}

#endif
