/* SPDX-License-Identifier: BSD-2-Clause */
/* Names as in DDI 0487; those that an assembler for ARMv8.0 does not know are given by their encoding. */
#include "el1_regs.h"

#include "trap.h"

#define EACH_REG(X)                                     \
	X(tpidr_el0, tpidr_el0, ~0ul)                   \
	X(tpidrro_el0, tpidrro_el0, ~0ul)               \
	X(contextidr_el1, contextidr_el1, 0xffffffff)   \
	X(ttbr1_el1, ttbr1_el1, ~1ul)                   \
	X(mair_el1, mair_el1, 0xffffffffffff0000)       \
	X(amair_el1, amair_el1, ~0ul)                   \
	X(afsr0_el1, afsr0_el1, 0xffffffff)             \
	X(afsr1_el1, afsr1_el1, 0xffffffff)             \
	X(esr_el1, esr_el1, 0xffffffff)                 \
	X(far_el1, far_el1, ~0ul)                       \
	X(elr_el1, elr_el1, ~0ul)                       \
	X(spsr_el1, spsr_el1, 0xf00003ef)               \
	X(sp_el0, sp_el0, ~0ul)                         \
	X(par_el1, par_el1, 0x000ffffffffff000)         \
	X(cntkctl_el1, cntkctl_el1, 0x3ff)              \
	X(csselr_el1, csselr_el1, 0xf)                  \
	X(mdscr_el1, mdscr_el1, 0x1000)                 \
	X(cntv_cval_el0, cntv_cval_el0, ~0ul)           \
	X(cntp_cval_el0, cntp_cval_el0, ~0ul)           \
	X(pmuserenr_el0, pmuserenr_el0, 0xf)            \
	X(pmselr_el0, pmselr_el0, 0x1f)                 \
	X(pmccfiltr_el0, pmccfiltr_el0, 0xf8000000)     \
	X(pmevcntr0_el0, pmevcntr0_el0, 0xffffffff)     \
	X(pmevtyper0_el0, pmevtyper0_el0, 0xf8000000)   \
	X(dbgbvr0_el1, dbgbvr0_el1, 0x0000fffffffffffc) \
	X(dbgwvr0_el1, dbgwvr0_el1, 0x0000fffffffffffc) \
	X(apiakeylo_el1, S3_0_C2_C1_0, ~0ul)            \
	X(apiakeyhi_el1, S3_0_C2_C1_1, ~0ul)            \
	X(apibkeylo_el1, S3_0_C2_C1_2, ~0ul)            \
	X(apibkeyhi_el1, S3_0_C2_C1_3, ~0ul)            \
	X(apdakeylo_el1, S3_0_C2_C2_0, ~0ul)            \
	X(apdakeyhi_el1, S3_0_C2_C2_1, ~0ul)            \
	X(apdbkeylo_el1, S3_0_C2_C2_2, ~0ul)            \
	X(apdbkeyhi_el1, S3_0_C2_C2_3, ~0ul)            \
	X(apgakeylo_el1, S3_0_C2_C3_0, ~0ul)            \
	X(apgakeyhi_el1, S3_0_C2_C3_1, ~0ul)            \
	X(scxtnum_el0, S3_3_C13_C0_7, ~0ul)             \
	X(scxtnum_el1, S3_0_C13_C0_7, ~0ul)

#define FUNCTIONS(name, reg, bits)                                \
	static u64 read_##name(void) { return sysreg_read(reg); } \
	static void write_##name(u64 value) { sysreg_write(reg, value); }
EACH_REG(FUNCTIONS)

#define ROW(name, reg, bits) { #name, bits, read_##name, write_##name },
const struct el1_reg el1_regs[] = { EACH_REG(ROW) };
const u32 el1_reg_count = ARRAY_COUNT(el1_regs);

_Static_assert(ARRAY_COUNT(el1_regs) <= EL1_REGS_MAX, "room for all");

u64 el1_regs_probe(void)
{
	u64 present = 0;

	for (u32 i = 0; i < el1_reg_count; i++) {
		/* Not TRY(call): the instruction that traps is the one that is skipped, wherever it is. */
		trap_arm();
		el1_regs[i].read();
		present |= (u64)trap_disarm() << i;
	}
	return present;
}
