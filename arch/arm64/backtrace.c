/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callers by name: walks the frame records (x29 points to {x29 of the caller, return address}, AAPCS64 6.4.6) and
 * finds names in the table that scripts/build/symbols.py makes of the first link:
 *
 *   u32 count, u32 0, count x { u32 offset from image_start, u32 offset of the name from the table's start }, names
 *
 * sorted by offset. An image without the table prints addresses only.
 */
#include "fatal.h"

#include "hyp/log.h"
#include "layout.h"
#include "mm.h"

#include <arch/percpu.h>

#define DEPTH_MAX 32

struct symbol {
	u32 offset, name;
};

struct symbols {
	u32 count, reserved;
	struct symbol symbol[];
};

static const struct symbol *symbol_find(u64 pc)
{
	const struct symbols *table = (const void *)symbols_start;
	u32 low = 0, high, offset = (u32)(pc - (u64)image_start);

	if (symbols_end - symbols_start < (long)sizeof(*table) || pc < (u64)text_start || pc >= (u64)text_end)
		return NULL;
	high = table->count;
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (table->symbol[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &table->symbol[low - 1] : NULL;
}

static void log_caller(u32 depth, u64 pc)
{
	const struct symbol *s = symbol_find(pc);

	if (s)
		log_error("  #%-2u %lx %s+0x%lx", depth, pc, symbols_start + s->name,
			  pc - (u64)image_start - s->offset);
	else
		log_error("  #%-2u %lx", depth, pc);
}

/* A frame record on one of this CPU's stacks. */
static bool on_stack(u64 fp)
{
	const struct percpu *cpu = this_cpu();

	return fp % 8 == 0 && ((fp < cpu->stack_top - 16 && fp >= cpu->stack_top - STACK_SIZE) ||
			       (fp < cpu->fatal_top - 16 && fp >= cpu->fatal_top - FATAL_STACK_SIZE));
}

void backtrace(u64 pc, u64 fp)
{
	u32 depth;

	log_error("callers:");
	for (depth = 0; depth < DEPTH_MAX; depth++) {
		const u64 *record = (const u64 *)fp;

		log_caller(depth, pc);
		if (!on_stack(fp) || record[1] == 0)
			return;
		pc = record[1] - 4; /* the call, not what follows it */
		if (record[0] != 0 && record[0] <= fp)
			return; /* a chain that does not go up is damaged */
		fp = record[0];
	}
}
