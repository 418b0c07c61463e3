/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers: access by name, and the fields that more than one file uses. A register that the assembler does
 * not know at -march=armv8-a has its encoding here (S<op0>_<op1>_C<n>_C<m>_<op2>). Sections are DDI 0487 (M.a).
 */
#ifndef ARCH_SYSREG_H
#define ARCH_SYSREG_H

#include "hyp/bits.h"

#define SYSREG_NAME2(reg) #reg
#define SYSREG_NAME(reg)  SYSREG_NAME2(reg)

#define sysreg_read(reg)                                                            \
	({                                                                          \
		u64 sysreg_value;                                                   \
		__asm__ volatile("mrs %0, " SYSREG_NAME(reg) : "=r"(sysreg_value)); \
		sysreg_value;                                                       \
	})

#define sysreg_write(reg, value) __asm__ volatile("msr " SYSREG_NAME(reg) ", %x0" ::"rZ"((u64)(value)) : "memory")

/* Registers newer than Armv8.0. */
#define SYS_ID_AA64SMFR0_EL1 S3_0_C0_C4_5
#define SYS_ID_AA64MMFR2_EL1 S3_0_C0_C7_2
#define SYS_ID_AA64MMFR3_EL1 S3_0_C0_C7_3
#define SYS_ID_AA64ISAR2_EL1 S3_0_C0_C6_2
#define SYS_ID_AA64ISAR3_EL1 S3_0_C0_C6_3
#define SYS_ID_AA64PFR2_EL1  S3_0_C0_C4_2
#define SYS_SCTLR2_EL1       S3_0_C1_C0_3
#define SYS_TCR2_EL1         S3_0_C2_C0_3
#define SYS_SVCR             S3_3_C4_C2_2
#define SYS_PMSCR_EL1        S3_0_C9_C9_0
#define SYS_PMBLIMITR_EL1    S3_0_C9_C10_0
#define SYS_TRFCR_EL1        S3_0_C1_C2_1
#define SYS_TRBLIMITR_EL1    S3_0_C9_C11_0
#define SYS_BRBCR_EL1        S2_1_C9_C0_0
#define SYS_VDISR_EL2        S3_4_C12_C1_1
#define SYS_TRFCR_EL2        S3_4_C1_C2_1
#define SYS_HCRX_EL2         S3_4_C1_C2_2
#define SYS_MPAM2_EL2        S3_4_C10_C5_0
#define SYS_ZCR_EL2          S3_4_C1_C2_0
#define SYS_SMCR_EL2         S3_4_C1_C2_6
#define SYS_HFGRTR_EL2       S3_4_C1_C1_4
#define SYS_HFGWTR_EL2       S3_4_C1_C1_5
#define SYS_HFGITR_EL2       S3_4_C1_C1_6
#define SYS_HDFGRTR_EL2      S3_4_C3_C1_4
#define SYS_HDFGWTR_EL2      S3_4_C3_C1_5
#define SYS_HAFGRTR_EL2      S3_4_C3_C1_6
#define SYS_HFGRTR2_EL2      S3_4_C3_C1_2
#define SYS_HFGWTR2_EL2      S3_4_C3_C1_3
#define SYS_HFGITR2_EL2      S3_4_C3_C1_7
#define SYS_HDFGRTR2_EL2     S3_4_C3_C1_0
#define SYS_HDFGWTR2_EL2     S3_4_C3_C1_1

/* Interrupt controller, CPU interface (IHI 0069 12.2). */
#define SYS_ICC_SRE_EL2     S3_4_C12_C9_5
#define SYS_ICC_PMR_EL1     S3_0_C4_C6_0
#define SYS_ICC_IAR0_EL1    S3_0_C12_C8_0
#define SYS_ICC_EOIR0_EL1   S3_0_C12_C8_1
#define SYS_ICC_BPR0_EL1    S3_0_C12_C8_3
#define SYS_ICC_AP0R0_EL1   S3_0_C12_C8_4
#define SYS_ICC_AP1R0_EL1   S3_0_C12_C9_0
#define SYS_ICC_SGI1R_EL1   S3_0_C12_C11_5
#define SYS_ICC_SGI0R_EL1   S3_0_C12_C11_7
#define SYS_ICC_CTLR_EL1    S3_0_C12_C12_4
#define SYS_ICC_IGRPEN0_EL1 S3_0_C12_C12_6
#define SYS_ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define SYS_ICC_AP1R1_EL1   S3_0_C12_C9_1
#define SYS_ICC_AP1R2_EL1   S3_0_C12_C9_2
#define SYS_ICC_AP1R3_EL1   S3_0_C12_C9_3
#define SYS_ICC_SRE_EL1     S3_0_C12_C12_5
#define SYS_ICH_HCR_EL2     S3_4_C12_C11_0
#define SYS_ICH_VTR_EL2     S3_4_C12_C11_1
#define SYS_ICH_VMCR_EL2    S3_4_C12_C11_7

/* ESR_ELx, D24.2.40. */
#define ESR_EC        BITS(31, 26)
#define ESR_IL        BIT(25)
#define ESR_ISS       BITS(24, 0)
#define EC_UNKNOWN    0x00
#define EC_WFX        0x01
#define EC_ILLEGAL    0x0e
#define EC_HVC64      0x16
#define EC_SMC64      0x17
#define EC_SYS64      0x18
#define EC_IABT_LOWER 0x20
#define EC_IABT_SAME  0x21
#define EC_DABT_LOWER 0x24
#define EC_DABT_SAME  0x25

/* ISS of an abort. */
#define ISS_ISV         BIT(24)
#define ISS_SAS         BITS(23, 22)
#define ISS_SSE         BIT(21)
#define ISS_SRT         BITS(20, 16)
#define ISS_SF          BIT(15)
#define ISS_CM          BIT(8)
#define ISS_S1PTW       BIT(7)
#define ISS_WNR         BIT(6)
#define FSC_TYPE        BITS(5, 2) /* without the level */
#define FSC_TRANSLATION 0x04
#define FSC_EXTERNAL    0x10

/* ISS of a trapped MSR or MRS. */
#define SYS_ISS_OP0  BITS(21, 20)
#define SYS_ISS_OP2  BITS(19, 17)
#define SYS_ISS_OP1  BITS(16, 14)
#define SYS_ISS_CRN  BITS(13, 10)
#define SYS_ISS_RT   BITS(9, 5)
#define SYS_ISS_CRM  BITS(4, 1)
#define SYS_ISS_READ BIT(0)
#define SYS_ISS(op0, op1, crn, crm, op2)                                                                         \
	(FIELD(SYS_ISS_OP0, op0) | FIELD(SYS_ISS_OP1, op1) | FIELD(SYS_ISS_CRN, crn) | FIELD(SYS_ISS_CRM, crm) | \
	 FIELD(SYS_ISS_OP2, op2))

/* ISS of a trapped WFI: 0; WFE, and those with a timeout, are other values. */
#define ISS_WFX_KIND BITS(1, 0)

/* ISS of HVC: its immediate. */
#define ISS_HVC_IMM BITS(15, 0)

/* SPSR_ELx, C5.2.20. */
#define SPSR_NZCV    BITS(31, 28)
#define SPSR_TCO     BIT(25)
#define SPSR_DIT     BIT(24)
#define SPSR_PAN     BIT(22)
#define SPSR_ALLINT  BIT(13)
#define SPSR_SSBS    BIT(12)
#define SPSR_DAIF    BITS(9, 6)
#define SPSR_AARCH32 BIT(4)
#define SPSR_EL      BITS(3, 2)
#define SPSR_SPSEL   BIT(0)
#define SPSR_EL1H    0x5

/* HPFAR_EL2.FIPA holds bits 47:12 of the faulting address at 39:4, D24.2.59. */
#define HPFAR_FIPA BITS(39, 4)

/* MPIDR_EL1: what names a CPU, D24.2.107. */
#define MPIDR_AFFINITY (BITS(39, 32) | BITS(23, 0))

#endif
