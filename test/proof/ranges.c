/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic that every range rests on (include/hyp: addr.h, bits.h; hyp/pviommu/pviommu_map.c): what is rounded does not
 * wrap where it may not, fields go where they belong, what is accepted as a range of a map or unmap has an end.
 *
 * For all: addresses, sizes, alignments, fields, permissions.
 *
 * unwind: 2
 */
#include "proof.h"

#include "hyp/pviommu/pviommu_map.c"

static void prove_alignment(void)
{
	const u64 v = any_u64(), a = 1ull << any_u32_to(63);
	const u64 down = align_down(v, a), up = align_up(v, a);

	CLAIM("rounded down: a multiple, at or below, by less than one", (down & (a - 1)) == 0 && down <= v && v - down < a);
	CLAIM("rounded up: a multiple, at or above, by less than one, unless it wraps to zero",
	      v > ~0ull - (a - 1) ? up == 0 : (up & (a - 1)) == 0 && up >= v && up - v < a);
	CLAIM("aligned is what rounding leaves", page_aligned(v) == (align_down(v, PAGE_SIZE) == v));
}

static void prove_fields(void)
{
	const u32 low = any_u32_to(63), high = any_u32_to(63);
	const u64 v = any_u64(), word = any_u64();
	u64 mask;

	ASSUME(low <= high);
	mask = BITS(high, low);
	CLAIM("a mask has the bits from low to high", (mask >> low) == (high - low == 63 ? ~0ull : (1ull << (high - low + 1)) - 1) &&
							      (mask & ((1ull << low) - 1)) == 0);
	CLAIM("a field stays in its mask", (FIELD(mask, v) & ~mask) == 0);
	CLAIM("a field is found again", FIELD_GET(mask, FIELD(mask, v)) == (v & (mask >> low)) && FIELD(mask, FIELD_GET(mask, word)) == (word & mask));
}

static void prove_ranges(void)
{
	const u64 base = any_u64(), from = any_u64(), bytes = any_u64(), prot = any_u64();

	CLAIM("an accepted range has whole pages and does not wrap",
	      range_ok(base, bytes) == (((base | bytes) & 4095) == 0 && (bytes == 0 || bytes - 1 <= ~0ull - base) && (bytes == 0 || base + bytes != 0)));
	CLAIM("an accepted map is two such ranges with known permissions",
	      map_args_ok(base, from, bytes, prot) == (range_ok(base, bytes) && range_ok(from, bytes) && prot <= 0x3f && (prot & 3) != 0));
}

int main(void)
{
	prove_alignment();
	prove_fields();
	prove_ranges();
	return 0;
}
