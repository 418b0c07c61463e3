/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench_nested.h"

#define B(n) (1ull << (n))

void bench_stage1_leaf(u64 root, u64 where, u64 va, u64 out)
{
	for (u64 level = 0; level < 3; level++)
		*(u64 *)bench_ptr(where + level * PAGE_SIZE) = (root + (level + 1) * PAGE_SIZE) | 3;
	*(u64 *)bench_ptr(where + 3 * PAGE_SIZE + va / PAGE_SIZE * 8) = out == 0 ? 0 : out | 0x403 | 0x300 | 0x40 | 0x800;
}

void bench_stage1_context(u64 where, u16 asid, u64 root)
{
	u64 *cd = bench_ptr(where);

	cd[1] = root;
	cd[3] = 0xff;
	cd[0] = (u64)asid << 48 | B(46) | B(45) | B(41) | 5ull << 32 | B(31) | B(30) | 3 << 12 | 1 << 10 | 1 << 8 | 16;
}
