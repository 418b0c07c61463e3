/* SPDX-License-Identifier: BSD-2-Clause */
/* The identity map of start.S, by whole gigabytes. */
#include "mmu.h"

#include "machine.h"

#define BLOCK_NORMAL 0x0040000000000701ul
#define GIGABYTES    1024

extern u64 level1[GIGABYTES];

static void gigabyte_make_normal(u64 index)
{
	u64 entry = BLOCK_NORMAL | index << 30;

	if (level1[index] == entry)
		return;
	/* Break before make: the memory type changes. */
	level1[index] = 0;
	asm volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
	level1[index] = entry;
	asm volatile("dsb ishst\n\tisb" ::: "memory");
}

void mmu_map_memory(void)
{
	for (u32 i = 0; i < machine.ram_count; i++) {
		u64 last = machine.ram[i].base + machine.ram[i].size - 1;

		for (u64 g = machine.ram[i].base >> 30; g <= last >> 30 && g < GIGABYTES; g++)
			gigabyte_make_normal(g);
	}
}
