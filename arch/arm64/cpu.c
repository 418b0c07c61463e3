/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What EL1 may do by itself and what traps: the EL2 control registers of one CPU. Section numbers are DDI 0487 (M.a).
 *
 * The primary owns floating point, SVE and SME, pointer-authentication keys, memory tags, debug, PMU, timers and its
 * interrupts: none of them exits. Features that a CPU does not have are not touched; a register is written only
 * where its ID field says that it exists. What is new and traps by a zero bit is opened when the CPU has it, so that
 * the ID registers, which EL1 reads directly, tell the truth.
 */
#include "cpu.h"

#include "hyp/check.h"
#include "hyp/vm.h"
#include "measure.h"
#include "world.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>

/* HCR_EL2, D24.2.50. */
#define HCR_VM     BIT(0)  /* stage 2 */
#define HCR_SWIO   BIT(1)  /* invalidation by set/way cleans too: our dirty lines survive it */
#define HCR_FMO    BIT(3)  /* Group 0 interrupts to EL2, and EL1's priority mask virtual; IMO stays 0 */
#define HCR_TSC    BIT(19) /* SMC: CPU_ON would start a CPU at EL2 in the guest's code */
#define HCR_TIDCP  BIT(20) /* implementation-defined registers: undefined for the guest */
#define HCR_RW     BIT(31) /* EL1 is AArch64 */
#define HCR_APK    BIT(40) /* pointer authentication: keys and */
#define HCR_API    BIT(41) /* instructions do not trap */
#define HCR_ENSCXT BIT(53) /* SCXTNUM_ELx do not trap */
#define HCR_ATA    BIT(56) /* nor memory tags */

/* VTCR_EL2, D24.2.209: 40-bit IPA, two concatenated level 1 tables, 4 KiB; 8-bit VMIDs. */
#define VTCR_T0SZ  FIELD(BITS(5, 0), 64 - 40)
#define VTCR_SL0   FIELD(BITS(7, 6), 1)
#define VTCR_IRGN0 FIELD(BITS(9, 8), 1)
#define VTCR_ORGN0 FIELD(BITS(11, 10), 1)
#define VTCR_SH0   FIELD(BITS(13, 12), 3)
#define VTCR_PS    BITS(18, 16)
#define VTCR_RES1  BIT(31)
#define PS_40_BITS 2u
#define PS_48_BITS 5u

#define VTTBR_VMID BITS(63, 48)
#define VMID_END   256 /* VTCR_EL2.VS is 0 */

/* CPTR_EL2 with E2H 0, D24.2.34: everything RES1 but the traps of SVE (TZ) and SME (TSM). */
#define CPTR_VALUE 0x22ffull
#define CPTR_TZ    BIT(8)
#define CPTR_TSM   BIT(12)

/* MDCR_EL2, D24.3.19. */
#define MDCR_HPMN  BITS(4, 0)
#define MDCR_TPMCR BIT(5)                 /* trap PMCR_EL0, */
#define MDCR_TPM   BIT(6)                 /* and all of the PMU: only while measuring */
#define MDCR_E2PB  FIELD(BITS(13, 12), 3) /* the profiling buffer is EL1's, translated by its stage 2 */
#define MDCR_HPMD  BIT(17)                /* EL1's counters do not count EL2 */
#define MDCR_HCCD  BIT(23)                /* nor does its cycle counter */
#define MDCR_E2TB  FIELD(BITS(25, 24), 3) /* the trace buffer likewise */

#define CNTHCTL_DIRECT 3ull /* EL1PCTEN, EL1PCEN: D24.10.2 */

/* HCRX_EL2, D24.2.51. */
#define HCRX_ENAS0    BIT(0)
#define HCRX_ENALS    BIT(1)
#define HCRX_ENASR    BIT(2)
#define HCRX_MSCEN    BIT(11)
#define HCRX_TCR2EN   BIT(14)
#define HCRX_SCTLR2EN BIT(15)
#define HCRX_D128EN   BIT(17)
#define HCRX_GCSEN    BIT(22)
#define HCRX_ENFPM    BIT(23)
#define HCRX_PACMEN   BIT(24)

/* Fine-grained traps with negative polarity, where 1 lets EL1 through: D24.2.55 to D24.2.58, D24.3.14. */
#define HFGRW_OPEN   (BITS(63, 52) | BIT(50))
#define HFGI_OPEN    BITS(59, 55)
#define HDFGR_OPEN   BITS(62, 59)
#define HDFGW_OPEN   (BITS(62, 60))
#define HFGRW2_OPEN  BITS(14, 0)
#define HFGI2_OPEN   BIT(1)
#define HDFGRW2_OPEN BITS(24, 0)

u64 cpu_hcr_primary(void)
{
	u64 pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
	u64 hcr = HCR_VM | HCR_SWIO | HCR_FMO | HCR_TSC | HCR_TIDCP | HCR_RW | HCR_APK | HCR_API;

	if (id_field(pfr0, 56) >= 2) /* CSV2_2 */
		hcr |= HCR_ENSCXT;
	if (id_field(pfr1, 8) >= 2) /* MTE2 */
		hcr |= HCR_ATA;
	return hcr;
}

bool cpu_has_pmu(void)
{
	u32 version = id_field(sysreg_read(id_aa64dfr0_el1), 8);

	return version != 0 && version != 0xf;
}

static u64 vtcr(void)
{
	u32 range = id_field(sysreg_read(id_aa64mmfr0_el1), 0);

	if (range < PS_40_BITS)
		panic("refused: this CPU has less than 40 bits of physical address");
	return VTCR_T0SZ | VTCR_SL0 | VTCR_IRGN0 | VTCR_ORGN0 | VTCR_SH0 | VTCR_RES1 |
	       FIELD(VTCR_PS, range < PS_48_BITS ? range : PS_48_BITS);
}

/* Vectors of any length that the CPU has are EL1's. */
static void init_vectors(u64 pfr0, u64 pfr1)
{
	u64 cptr = CPTR_VALUE;

	if (!id_field(pfr0, 32)) /* SVE */
		cptr |= CPTR_TZ;
	if (!id_field(pfr1, 24)) /* SME */
		cptr |= CPTR_TSM;
	sysreg_write(cptr_el2, cptr);
	isb();
	if (id_field(pfr0, 32))
		sysreg_write(SYS_ZCR_EL2, 0xf);
	if (id_field(pfr1, 24)) {
		u64 smfr0 = sysreg_read(SYS_ID_AA64SMFR0_EL1);

		sysreg_write(SYS_SMCR_EL2, 0xf | (smfr0 & BIT(63) ? BIT(31) : 0) /* FA64 */
						   | (id_field(smfr0, 56) ? BIT(30) : 0)); /* EZT0: SME2 */
	}
}

void cpu_init_debug(void)
{
	u64 dfr0 = sysreg_read(id_aa64dfr0_el1), mdcr = 0;
	u32 pmu = id_field(dfr0, 8);

	if (cpu_has_pmu()) {
		mdcr |= FIELD(MDCR_HPMN, FIELD_GET(BITS(15, 11), sysreg_read(pmcr_el0)));
		if (measure_running()) {
			mdcr |= MDCR_TPM | MDCR_TPMCR;
		} else {
			mdcr |= pmu >= 4 ? MDCR_HPMD : 0; /* PMUv3p1 */
			mdcr |= pmu >= 6 ? MDCR_HCCD : 0; /* PMUv3p5 */
		}
	}
	if (id_field(dfr0, 32))
		mdcr |= MDCR_E2PB;
	if (id_field(dfr0, 44))
		mdcr |= MDCR_E2TB;
	if (id_field(dfr0, 40)) /* self-hosted trace: not of EL2 */
		sysreg_write(SYS_TRFCR_EL2, 0);
	sysreg_write(mdcr_el2, mdcr);
}

static void init_hcrx(u64 mmfr1, u64 pfr1)
{
	u64 isar1 = sysreg_read(id_aa64isar1_el1), isar2 = sysreg_read(SYS_ID_AA64ISAR2_EL1);
	u64 mmfr3 = sysreg_read(SYS_ID_AA64MMFR3_EL1), hcrx = 0;

	if (!id_field(mmfr1, 40)) /* HCX */
		return;
	hcrx |= id_field(isar1, 60) >= 1 ? HCRX_ENALS : 0; /* LS64, LS64_V, LS64_ACCDATA */
	hcrx |= id_field(isar1, 60) >= 2 ? HCRX_ENASR : 0;
	hcrx |= id_field(isar1, 60) >= 3 ? HCRX_ENAS0 : 0;
	hcrx |= id_field(isar2, 16) ? HCRX_MSCEN : 0;   /* MOPS */
	hcrx |= id_field(mmfr3, 0) ? HCRX_TCR2EN : 0;   /* TCRX */
	hcrx |= id_field(mmfr3, 4) ? HCRX_SCTLR2EN : 0; /* SCTLRX */
	hcrx |= id_field(mmfr3, 32) ? HCRX_D128EN : 0;
	hcrx |= id_field(pfr1, 44) ? HCRX_GCSEN : 0;
	hcrx |= id_field(sysreg_read(SYS_ID_AA64PFR2_EL1), 32) ? HCRX_ENFPM : 0;
	hcrx |= id_field(sysreg_read(SYS_ID_AA64ISAR3_EL1), 12) ? HCRX_PACMEN : 0;
	sysreg_write(SYS_HCRX_EL2, hcrx);
}

static void init_fine_traps(u64 mmfr0, u64 pfr0)
{
	if (id_field(mmfr0, 56) == 0) /* FGT */
		return;
	sysreg_write(SYS_HFGRTR_EL2, HFGRW_OPEN);
	sysreg_write(SYS_HFGWTR_EL2, HFGRW_OPEN);
	sysreg_write(SYS_HFGITR_EL2, HFGI_OPEN);
	sysreg_write(SYS_HDFGRTR_EL2, HDFGR_OPEN);
	sysreg_write(SYS_HDFGWTR_EL2, HDFGW_OPEN);
	if (id_field(pfr0, 44)) /* AMU */
		sysreg_write(SYS_HAFGRTR_EL2, 0);
	if (id_field(mmfr0, 56) == 1) /* FGT2 */
		return;
	sysreg_write(SYS_HFGRTR2_EL2, HFGRW2_OPEN);
	sysreg_write(SYS_HFGWTR2_EL2, HFGRW2_OPEN);
	sysreg_write(SYS_HFGITR2_EL2, HFGI2_OPEN);
	sysreg_write(SYS_HDFGRTR2_EL2, HDFGRW2_OPEN);
	sysreg_write(SYS_HDFGWTR2_EL2, HDFGRW2_OPEN);
}

void cpu_init(void)
{
	u64 pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
	u64 mmfr0 = sysreg_read(id_aa64mmfr0_el1), mmfr1 = sysreg_read(id_aa64mmfr1_el1);

	sysreg_write(vtcr_el2, vtcr());
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(vmpidr_el2, sysreg_read(mpidr_el1));
	sysreg_write(hstr_el2, 0);
	sysreg_write(hacr_el2, 0);
	sysreg_write(cnthctl_el2, CNTHCTL_DIRECT);
	sysreg_write(cnthp_ctl_el2, 0);
	sysreg_write(cntvoff_el2, 0);
	init_vectors(pfr0, pfr1);
	cpu_init_debug();
	init_hcrx(mmfr1, pfr1);
	init_fine_traps(mmfr0, pfr0);
	isb();
	world_init();
}

void cpu_load_vm(const struct vm_cpu_view *view)
{
	CHECK(view->vmid < VMID_END);
	sysreg_write(vttbr_el2, view->table | FIELD(VTTBR_VMID, view->vmid));
	isb();
	__asm__ volatile("tlbi alle1\n ic iallu" ::: "memory");
	dsb(nsh);
	isb();
}

void cpu_reset_el1(void)
{
	u64 mmfr3 = sysreg_read(SYS_ID_AA64MMFR3_EL1);

	sysreg_write(sctlr_el1, SCTLR_EL1_RESET);
	sysreg_write(cntkctl_el1, 0);
	sysreg_write(cntp_ctl_el0, 0);
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(mdscr_el1, 0);
	sysreg_write(csselr_el1, 0);
	sysreg_write(tpidr_el1, 0);
	if (id_field(mmfr3, 0))
		sysreg_write(SYS_TCR2_EL1, 0);
	if (id_field(mmfr3, 4))
		sysreg_write(SYS_SCTLR2_EL1, 0);
}
