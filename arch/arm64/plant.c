/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bugs of our own that tests ask for on the boot line of a test build, to see that each is caught and reported: a
 * panic, writes to what is not writable, data that is run, a stack that is too deep or overwritten, a branch into the
 * middle of a function. No state.
 */
#include "plant.h"

#include "hyp/check.h"
#include "hyp/config.h"
#include "mm.h"

#define RETURN 0xd65f03c0u

static u32 instruction = RETURN;

static NOINLINE void plant_write(char *address)
{
	*(volatile char *)address = 0;
}

static NOINLINE void plant_run(const void *code)
{
	((void (*)(void))code)();
	__asm__ volatile("" ::: "memory"); /* not a tail call: the report has a line for it */
}

/* Deeper than any stack; what is behind the call keeps it from becoming a loop. */
static NOINLINE u32 plant_deep(u32 depth)
{
	volatile char frame[512];

	frame[0] = (char)depth;
	return depth == ~0u ? 0 : plant_deep(depth + 1) + (u32)frame[0];
}

/* Past the end of an array, over what the compiler put behind it. */
static NOINLINE void plant_smash(u32 bytes)
{
	volatile char array[8], *at = array;

	/* Neither the compiler nor a checker is to know what this points to. */
	__asm__("" : "+r"(at));
	for (u32 i = 0; i < bytes; i++)
		at[i] = 0;
}

/* Past the landing instruction of plant_write(), which is harmless from there on. */
static NOINLINE void plant_branch(void)
{
	char byte;

	((void (*)(char *))((u64)plant_write + 4))(&byte);
	__asm__ volatile("" ::: "memory");
}

void plant(enum plant bug)
{
	switch (bug) {
	case PLANT_NONE:
		return;
	case PLANT_PANIC:
		panic("planted");
	case PLANT_WRITE_TEXT:
		return plant_write(text_start);
	case PLANT_WRITE_RODATA:
		return plant_write(rodata_start);
	case PLANT_RUN_DATA:
		return plant_run(&instruction);
	case PLANT_STACK:
		CHECK(plant_deep(0) == 0);
		return;
	case PLANT_SMASH:
		return plant_smash(16);
	case PLANT_BRANCH:
		return plant_branch();
	}
}
