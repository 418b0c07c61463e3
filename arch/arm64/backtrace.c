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

#define DEPTH_MAX 1024

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

void backtrace_line(const char *label, u64 pc)
{
	const struct symbol *s = symbol_find(pc);

	if (s)
		log_error("  %-3s %lx %s+0x%lx", label, pc, symbols_start + s->name, pc - (u64)image_start - s->offset);
	else
		log_error("  %-3s %lx", label, pc);
}

/* A recursion that ran out of stack would fill the screen with itself. */
static void log_caller(u64 pc, u64 *last, u32 *repeats)
{
	if (pc == *last) {
		++*repeats;
		return;
	}
	if (*repeats)
		log_error("      (%u times more)", *repeats);
	*repeats = 0;
	*last = pc;
	backtrace_line("by", pc);
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
	u64 last = 0;
	u32 depth, repeats = 0;

	backtrace_line("at", pc);
	for (depth = 0; depth < DEPTH_MAX && on_stack(fp); depth++) {
		const u64 *record = (const u64 *)fp;

		if (record[1] == 0)
			return;
		log_caller(record[1] - 4, &last, &repeats); /* the call, not what follows it */
		if (record[0] <= fp)
			return; /* the end, 0, or a damaged chain */
		fp = record[0];
	}
}
