/* SPDX-License-Identifier: BSD-2-Clause */
/* Every register holds a pattern across exits; after each one all must hold it still (J6). */
#include <string.h>

#include "el1_regs.h"
#include "pattern.h"
#include "service.h"
#include "trap.h"

#define NZCV_BITS 0xf0000000u
#define FPCR_BITS 0x03c00000u
#define FPSR_BITS 0x0800009fu

static struct pattern_file in __attribute__((aligned(16))), out __attribute__((aligned(16)));
static u64 expected[EL1_REGS_MAX];

static void make_file(u64 magic, u64 round)
{
	u64 base = magic << 32 | (round & 0xff) << 16;

	for (u32 i = 0; i < 30; i++)
		in.x[i] = base | i;
	in.x[30] = DOORBELL_EVENT;
	for (u32 i = 0; i < 32; i++) {
		in.v[i][0] = base | 0x1000 | i;
		in.v[i][1] = base | 0x2000 | i;
	}
	in.nzcv = (round * 0x30000000) & NZCV_BITS;
	in.fpcr = (round * 0x00400000) & FPCR_BITS;
	in.fpsr = (round * 0x08000011) & FPSR_BITS;
	memset(&out, 0, sizeof(out));
}

static void write_system(u64 present, u64 magic, u64 round)
{
	for (u32 i = 0; i < el1_reg_count; i++) {
		u64 value = magic << 32 | (magic & 0xffff) << 16 | (round & 0xff) << 8 | i;

		if (!(present >> i & 1))
			continue;
		/* What a register does not hold, or holds for everybody alike, is read back at once. */
		trap_arm();
		el1_regs[i].write((value & el1_regs[i].mask) | (el1_regs[i].read() & ~el1_regs[i].mask));
		isb();
		trap_disarm();
		expected[i] = el1_regs[i].read();
	}
}

static void compare_file(void)
{
	for (u32 i = 0; i < 31; i++)
		REQUIRE(out.x[i] == in.x[i], "x%u was %lx and is %lx", i, in.x[i], out.x[i]);
	for (u32 i = 0; i < 32; i++)
		REQUIRE(out.v[i][0] == in.v[i][0] && out.v[i][1] == in.v[i][1], "v%u was %lx %lx and is %lx %lx", i, in.v[i][0],
			in.v[i][1], out.v[i][0], out.v[i][1]);
	REQUIRE(out.sp == (u64)&out, "the stack pointer was %lx and is %lx", (u64)&out, out.sp);
	REQUIRE(out.nzcv == in.nzcv, "NZCV was %lx and is %lx", in.nzcv, out.nzcv);
	REQUIRE(out.fpcr == in.fpcr, "FPCR was %lx and is %lx", in.fpcr, out.fpcr);
	REQUIRE(out.fpsr == in.fpsr, "FPSR was %lx and is %lx", in.fpsr, out.fpsr);
}

/*
 * arg: complement of the magic that the patterns carry (so that it is in no page by itself), rounds or 0
 * -> system registers that hold patterns, as a bit mask
 */
SERVICE(registers)
{
	u64 magic = ~mail->arg[0] & 0xffffffff, present = el1_regs_probe(), now[EL1_REGS_MAX] = { 0 };

	for (u64 round = 1; !mail->arg[1] || round <= mail->arg[1]; round++) {
		make_file(magic, round);
		write_system(present, magic, round);
		pattern_exit(&in, &out);
		/* Before anything else can change one. */
		for (u32 i = 0; i < el1_reg_count; i++)
			now[i] = present >> i & 1 ? el1_regs[i].read() : 0;
		compare_file();
		for (u32 i = 0; i < el1_reg_count; i++)
			REQUIRE(!(present >> i & 1) || now[i] == expected[i], "%s was %lx and is %lx", el1_regs[i].name, expected[i],
				now[i]);
		mail->progress = round;
	}
	mail->result[0] = present;
}

/* -> what the ID register says of SVE, 1 if an instruction of it runs */
SERVICE(sve)
{
	mail->result[0] = sysreg_read(id_aa64pfr0_el1) >> 32 & 0xf;
	sysreg_write(cpacr_el1, sysreg_read(cpacr_el1) | 3ul << 16);
	isb();
	mail->result[1] = TRY(asm volatile(".inst 0x04bf5020" :: : "x0")); /* rdvl x0, #1 */
}
