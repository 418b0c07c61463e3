/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of both stages (arch/arm64: pt_lpae_desc.h, pt_lpae_s1.c, pt_lpae_s2.c): a leaf grants what was asked for and
 * nothing more, and reads back as what it was made from. The bits are numbered here as the Arm ARM numbers them, D8.3.
 *
 * For all: output addresses, permissions, levels, and words that may be a table or a leaf.
 *
 * unwind: 4
 */
#include "proof.h"

#include "arch/arm64/pt_lpae_s2.c"
#undef PT_UNROLL
#include "arch/arm64/pt_lpae_s1.c"

static bool bit(u64 word, u32 n) { return (word >> n & 1) != 0; }

static u64 any_output(int level)
{
	const u64 out = any_u64();

	ASSUME(out >> 48 == 0 && (out & ((1ull << (39 - 9 * level)) - 1)) == 0);
	return out;
}

static void prove_stage1(u64 out, u32 prot, int level)
{
	const u64 leaf = s1_leaf(out, prot, level);

	CLAIM("stage 1: a leaf is one, of its own output", bit(leaf, 0) && bit(leaf, 1) == (level == 3) && s1_format.out(leaf) == out &&
								   !s1_format.is_table(leaf, level));
	CLAIM("stage 1: no write that was not asked for", bit(leaf, 7) == !(prot & PT_WRITE));
	CLAIM("stage 1: no execution that was not asked for", bit(leaf, 53) == !(prot & PT_EXEC) && bit(leaf, 54) == !(prot & PT_EXEC));
	CLAIM("stage 1: privileged memory is so", bit(leaf, 6) == !(prot & PT_PRIV));
	CLAIM("stage 1: no fault by the access flag, tagged by its ASID", bit(leaf, 10) && bit(leaf, 11));
	CLAIM("stage 1: no other bit", (leaf & ~(out | 0x0060000000000fffull)) == 0 && (leaf >> 5 & 1) == 0);
	CLAIM("stage 1: it reads back as it was made",
	      s1_format.prot(leaf) == (prot & PT_DEVICE ? (prot & ~PT_NOCACHE) | PT_READ : prot | PT_READ));
}

static void prove_stage2(u64 out, u32 prot, int level)
{
	const u64 leaf = s2_leaf(out, prot, level), type = leaf >> 2 & 0xf;

	CLAIM("stage 2: a leaf is one, of its own output", bit(leaf, 0) && bit(leaf, 1) == (level == 3) && s2_format.out(leaf) == out &&
								   !s2_format.is_table(leaf, level));
	CLAIM("stage 2: no access that was not asked for", bit(leaf, 6) == !!(prot & PT_READ) && bit(leaf, 7) == !!(prot & PT_WRITE) &&
								   bit(leaf, 54) == !(prot & PT_EXEC) && !bit(leaf, 53));
	CLAIM("stage 2: device memory is never taken for normal", type == (prot & PT_DEVICE ? 0x1 : prot & PT_NOCACHE ? 0x5 :
															0xf));
	CLAIM("stage 2: no fault by the access flag, no other bit", bit(leaf, 10) && !bit(leaf, 11) && (leaf & ~(out | 0x0040000000000fffull)) == 0);
	CLAIM("stage 2: it reads back as it was made",
	      s2_format.prot(leaf) == ((prot & PT_DEVICE ? prot & ~PT_NOCACHE : prot) & ~PT_PRIV));
}

static void prove_table(void)
{
	const u64 page = any_output(3), word = any_u64();
	const int level = (int)any_u32_to(3);

	CLAIM("a table is one above the last level, and is found again",
	      lpae_is_table(lpae_table(page), level) == (level < 3) && lpae_out(lpae_table(page)) == page && (lpae_table(page) & 0xfff) == 3);
	CLAIM("no address leaves 48 bits and its page", (lpae_out(word) & ~0x0000fffffffff000ull) == 0);
}

int main(void)
{
	const int level = 1 + (int)any_u32_to(2);
	const u32 prot = any_u32_to(0x3f);
	const u64 out = any_output(level);

	prove_stage1(out, prot, level);
	prove_stage2(out, prot, level);
	prove_table();
	return 0;
}
