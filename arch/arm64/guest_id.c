/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ID registers of a secondary: each field is the lower of what the CPU has and what is said here, so a field that
 * is new is zero. A field that is signed, or where 0xf means "not there", is passed on whole, with limit 0xf.
 *
 * Hidden: SVE, SME, MTE, AArch32, EL2 and EL3, PMU, profiling, trace, AMU, MPAM, RAS, SCXTNUM, NMI, GCS, permission
 * indirection, TCR2 and SCTLR2, 128-bit descriptors, 64-byte stores, memcpy instructions, WFI with a timeout, CnP.
 * world_control.c closes them. Shown where it is the CPU's: instructions that compute, pointer authentication, BTI,
 * SSBS, PAN, LSE, stage 1 with its options. DDI 0487 (M.a) D24.2.
 */
#include "world.h"

#include <arch/sysreg.h>

/*
 * CRm, op2, register, the limit of each field, a value that is added. In pictures: field 15 (bits 63:60) is the first
 * digit.
 */
#define ID_REGS(X)                                                                                    \
	/* CSV3, CSV2 without SCXTNUM, DIT; AdvSIMD, FP; EL1 and EL0 AArch64; GIC system registers */ \
	X(4, 0, id_aa64pfr0_el1, 0xf10f000000ff0011, 0x0000000001000000)                              \
	/* SSBS, BT */                                                                                \
	X(4, 1, id_aa64pfr1_el1, 0x00000000000000ff, 0)                                               \
	/* the least debug there can be: 2 breakpoints, 2 watchpoints, v8; no double lock */          \
	X(5, 0, id_aa64dfr0_el1, 0x0000000000101006, 0x000000f000000000)                              \
	/* RNDR, TLB, TS, FHM, DP, SM4; SM3, SHA3, RDM, Atomic; CRC32, SHA2, SHA1, AES */             \
	X(6, 0, id_aa64isar0_el1, 0xfffffffff0fffff0, 0)                                              \
	/* all but LS64 and XS */                                                                     \
	X(6, 1, id_aa64isar1_el1, 0x00ffffffffffffff, 0)                                              \
	/* CSSC; CLRBHB, PAC_frac, BC; APA3, GPA3, RPRES */                                           \
	X(6, 2, SYS_ID_AA64ISAR2_EL1, 0x00f00000fff0fff0, 0)                                          \
	/* ExS; TGran4, TGran64, TGran16, BigEndEL0; BigEnd, ASIDBits, 40 bits of address */          \
	X(7, 0, id_aa64mmfr0_el1, 0x0000f000ffff0ff2, 0)                                              \
	/* ECBHB, nTLBPA; AFP, ETS; PAN; HPDS, HAFDBS up to dirty state */                            \
	X(7, 1, id_aa64mmfr1_el1, 0xf00ff0f000f0f002, 0)                                              \
	/* E0PD, BBM, TTL; IDS, AT; ST, CCIDX, VARange; LSM, UAO */                                   \
	X(7, 2, SYS_ID_AA64MMFR2_EL1, 0xf0ff00fff0ff0ff0, 0)

static u64 limited(u64 have, u64 limit)
{
	u64 out = 0;
	u32 at;

	for (at = 0; at < 64; at += 4) {
		u64 h = have >> at & 0xf, l = limit >> at & 0xf;

		out |= (h < l ? h : l) << at;
	}
	return out;
}

u64 guest_id(u32 crm, u32 op2)
{
	switch (crm << 3 | op2) {
#define ROW(m, o, reg, limit, add) \
	case (m) << 3 | (o):       \
		return limited(sysreg_read(reg), limit) | (add);
		ID_REGS(ROW)
#undef ROW
	default:
		return 0;
	}
}
