/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers that trap from a secondary: what it is told of its CPU, registers that do nothing, software interrupts
 * of groups that it has not, and some that are none. With the specification around the image each is judged by itself.
 */
#include "cpu.h"
#include "service.h"
#include "trap.h"

#define READ(name)                                                      \
	({                                                              \
		u64 value_;                                             \
		asm volatile("mrs %0, " name : "=r"(value_)::"memory"); \
		value_;                                                 \
	})
#define WRITE(name, value) asm volatile("msr " name ", %0" ::"r"((u64)(value)) : "memory")

/* All of one CRm of the feature registers: op2 0 to 7. */
#define ID(crm, op2) READ("S3_0_C0_C" #crm "_" #op2)
#define ROW(crm) \
	(ID(crm, 0) | ID(crm, 1) | ID(crm, 2) | ID(crm, 3) | ID(crm, 4) | ID(crm, 5) | ID(crm, 6) | ID(crm, 7))

static u64 wrong;

static void is(u64 got, u64 want) { wrong += got != want; }

/* EL1 and EL0 in AArch64, no EL2 nor EL3, the GIC's registers; AArch32 and what has no name are zero. */
static void features(void)
{
	u64 all = ROW(4) | ROW(5) | ROW(6) | ROW(7);

	is(all != 0, true);
	is(ID(4, 0) & 0xffff, 0x11);
	is(ID(4, 0) >> 24 & 0xf, 1);
	is(ROW(1) | ROW(2) | ROW(3), 0);
	is(ID(4, 4) | ID(4, 5) | ID(5, 4) | ID(5, 5) | ID(7, 7), 0);
}

/* They are there and do nothing: breakpoints, the lock of debug, ACTLR; and what a part number's errata are told by. */
static void quiet(void)
{
	WRITE("S2_0_C0_C0_4", ~0ul);
	is(READ("S2_0_C0_C0_4"), 0);
	WRITE("S2_0_C0_C0_5", ~0ul);
	is(READ("S2_0_C0_C0_5"), 0);
	WRITE("S2_0_C1_C0_4", 1);
	is(READ("S2_0_C1_C1_4"), 0);
	WRITE("S3_0_C1_C0_1", ~0ul);
	is(READ("S3_0_C1_C0_1"), 0);
	is(READ("S3_1_C0_C0_7"), 0);
	(void)READ("S3_0_C0_C0_6");
}

/* Of Group 0, and of the other world: nothing comes of them. */
static void other_groups(void)
{
	WRITE("S3_0_C12_C11_6", 1ul << 40 | 4ul << 24);
	WRITE("S3_0_C12_C11_7", 1ul << 40 | 4ul << 24);
	WRITE("S3_0_C12_C11_5", 0xful << 24);
}

/* Undefined: the PMU, errors, LORegions, the physical timer, and a feature register that is written. */
static void none(void)
{
	u64 value = 0;

	is(TRY(value = READ("S3_3_C9_C12_0")), false);
	is(TRY(WRITE("S3_3_C9_C12_0", 1)), false);
	is(TRY(value = READ("S3_0_C5_C3_0")), false);
	is(TRY(value = READ("S3_0_C10_C4_0")), false);
	is(TRY(value = READ("S3_3_C14_C2_1")), false);
	is(TRY(WRITE("S3_3_C14_C2_1", 1)), false);
	is(value, 0);
}

/* -> how many of them are not what they have to be */
SERVICE(identity)
{
	wrong = 0;
	features();
	quiet();
	other_groups();
	none();
	mail->result[0] = wrong;
}
