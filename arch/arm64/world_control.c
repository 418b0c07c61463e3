/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a secondary may do by itself and what traps, and the change between that and what the primary may (cpu.c).
 *
 * A secondary has what every CPU of the machine's kind has: floating point, pointer authentication, its own stage 1, a
 * virtual timer. All else traps, and guest_id.c does not show it. The primary's registers of such features stay in the
 * CPU, out of reach; where a trap alone would let them act on the secondary they are without effect by the same bit
 * (HCRX_EL2, HCR_EL2.EnSCXT and ATA), or zero meanwhile (world_debug_stop). DDI 0487 (M.a).
 */
#include "cpu.h"
#include "hyp/check.h"
#include "world.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>

/* HCR_EL2, D24.2.50. */
#define HCR_VM    BIT(0)
#define HCR_SWIO  BIT(1)
#define HCR_FMO   BIT(3)
#define HCR_IMO   BIT(4) /* all physical interrupts are taken here, and EL1's are virtual */
#define HCR_AMO   BIT(5)
#define HCR_FB    BIT(9)             /* what a vCPU invalidates is invalid wherever it ran before */
#define HCR_BSU   FIELD(BITS(11, 10), 1) /* and its barriers wait for that */
#define HCR_TWI   BIT(13)
#define HCR_TID1  BIT(16) /* revision and implementation registers, SMIDR_EL1 */
#define HCR_TID3  BIT(18) /* feature registers */
#define HCR_TSC   BIT(19)
#define HCR_TIDCP BIT(20)
#define HCR_TACR  BIT(21)
#define HCR_RW    BIT(31)
#define HCR_TLOR  BIT(35)
#define HCR_TERR  BIT(36)
#define HCR_APK   BIT(40)
#define HCR_API   BIT(41)
#define HCR_TID5  BIT(58) /* GMID_EL1 */

#define VTTBR_VMID BITS(63, 48)
#define VMID_END   256

/* CPTR_EL2 with E2H 0, D24.2.34. */
#define CPTR_CLOSED 0x33ffull /* everything RES1; TZ and TSM: SVE and SME trap */
#define CPTR_TTA    BIT(20)
#define CPTR_TAM    BIT(30)

/* MDCR_EL2, D24.3.19. */
#define MDCR_KEEP  (BITS(4, 0) | BIT(17) | BIT(23)) /* HPMN, and that EL2 is not counted: as the primary's */
#define MDCR_TPMCR BIT(5)
#define MDCR_TPM   BIT(6)
#define MDCR_TDA   BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA  BIT(11)
#define MDCR_TPMS  BIT(14)
#define MDCR_TTRF  BIT(19)
#define MDCR_TDCC  BIT(27)

/* MPAM2_EL2: accesses of EL1 to MPAM1_EL1 and MPAM0_EL1 (DDI 0598 5.4.3). */
#define MPAM2_TRAP1 BIT(48)
#define MPAM2_TRAP0 BIT(49)

#define CNTHCTL_COUNTER BIT(0) /* EL1PCTEN: the counter, but not the physical timer */
#define VMPIDR_RES1     BIT(31)

extern char vectors_guest[];

/* Only those that can be there without being asked for by name are tried: `has` says which. */
static u64 features(void)
{
	u64 pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
	u64 dfr0 = sysreg_read(id_aa64dfr0_el1), isar1 = sysreg_read(id_aa64isar1_el1);
	u64 mmfr0 = sysreg_read(id_aa64mmfr0_el1), mmfr1 = sysreg_read(id_aa64mmfr1_el1);
	u64 isar2 = sysreg_read(SYS_ID_AA64ISAR2_EL1), mmfr3 = sysreg_read(SYS_ID_AA64MMFR3_EL1);
	u64 has = 0;

	has |= id_field(isar1, 4) || id_field(isar1, 8) || id_field(isar2, 12) ? HAS_KEYS : 0;
	has |= id_field(pfr0, 32) ? HAS_SVE : 0;
	has |= id_field(pfr1, 24) ? HAS_SME : 0;
	has |= cpu_has_pmu() ? HAS_PMU : 0;
	has |= id_field(dfr0, 32) ? HAS_SPE : 0;
	has |= id_field(dfr0, 44) ? HAS_TRBE : 0;
	has |= id_field(dfr0, 40) ? HAS_TRF : 0;
	has |= id_field(dfr0, 52) ? HAS_BRBE : 0;
	has |= id_field(mmfr1, 40) ? HAS_HCX : 0;
	has |= id_field(mmfr0, 56) ? HAS_FGT : 0;
	has |= id_field(mmfr0, 56) >= 2 ? HAS_FGT2 : 0;
	has |= id_field(pfr0, 44) ? HAS_AMU : 0;
	has |= id_field(pfr0, 28) ? HAS_RAS : 0;
	has |= id_field(mmfr3, 32) ? HAS_D128 : 0;
	has |= id_field(pfr0, 40) || id_field(pfr1, 16) ? HAS_MPAM : 0;
	return has;
}

void world_control_init(struct world_cpu *cpu)
{
	u64 mmfr1 = sysreg_read(id_aa64mmfr1_el1), dfr0 = sysreg_read(id_aa64dfr0_el1), has = features();
	struct world_control *c = &cpu->secondary;

	cpu->has = has;
	*c = (struct world_control){
		.hcr = HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU | HCR_TWI | HCR_TID1 | HCR_TID3 |
		       HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_RW,
		.cptr = CPTR_CLOSED,
		.mdcr = MDCR_TDA | MDCR_TDOSA | MDCR_TDRA,
		.cnthctl = CNTHCTL_COUNTER,
		.vbar = (u64)vectors_guest,
	};
	c->hcr |= has & HAS_KEYS ? HCR_APK | HCR_API : 0;
	c->hcr |= id_field(mmfr1, 16) ? HCR_TLOR : 0;
	c->hcr |= has & HAS_RAS ? HCR_TERR : 0;
	c->hcr |= id_field(sysreg_read(id_aa64pfr1_el1), 8) >= 2 ? HCR_TID5 : 0; /* MTE2 */
	c->cptr |= id_field(dfr0, 4) ? CPTR_TTA : 0;
	c->cptr |= has & HAS_AMU ? CPTR_TAM : 0;
	c->mdcr |= has & HAS_PMU ? MDCR_TPM | MDCR_TPMCR : 0;
	c->mdcr |= has & HAS_SPE ? MDCR_TPMS : 0;
	c->mdcr |= has & HAS_TRF ? MDCR_TTRF : 0;
	c->mdcr |= has & HAS_FGT ? MDCR_TDCC : 0;
}

/* With the primary's open, all of polarity "1 lets through" closed: D24.2.55 to D24.2.58, D24.3.14. */
/* clang-format off */
#define FINE_REGS(X) \
	X(0, SYS_HFGRTR_EL2) \
	X(1, SYS_HFGWTR_EL2) \
	X(2, SYS_HFGITR_EL2) \
	X(3, SYS_HDFGRTR_EL2) \
	X(4, SYS_HDFGWTR_EL2)
#define FINE2_REGS(X) \
	X(0, SYS_HFGRTR2_EL2) \
	X(1, SYS_HFGWTR2_EL2) \
	X(2, SYS_HFGITR2_EL2) \
	X(3, SYS_HDFGRTR2_EL2) \
	X(4, SYS_HDFGWTR2_EL2)
/* clang-format on */

static void control_save(struct world_control *c, u64 has)
{
	c->hcr = sysreg_read(hcr_el2);
	c->cptr = sysreg_read(cptr_el2);
	c->mdcr = sysreg_read(mdcr_el2);
	c->cnthctl = sysreg_read(cnthctl_el2);
	c->vmpidr = sysreg_read(vmpidr_el2);
	c->vbar = sysreg_read(vbar_el2);
	c->vttbr = sysreg_read(vttbr_el2);
	if (has & HAS_HCX)
		c->hcrx = sysreg_read(SYS_HCRX_EL2);
	if (has & HAS_MPAM)
		c->mpam2 = sysreg_read(SYS_MPAM2_EL2);
#define SAVE(n, reg)  c->fine[n] = sysreg_read(reg);
#define SAVE2(n, reg) c->fine2[n] = sysreg_read(reg);
	if (has & HAS_FGT) {
		FINE_REGS(SAVE)
	}
	if (has & HAS_FGT2) {
		FINE2_REGS(SAVE2)
	}
#undef SAVE
#undef SAVE2
}

static void control_load(const struct world_control *c, u64 has)
{
	sysreg_write(vttbr_el2, c->vttbr);
	sysreg_write(hcr_el2, c->hcr);
	sysreg_write(cptr_el2, c->cptr);
	sysreg_write(mdcr_el2, c->mdcr);
	sysreg_write(cnthctl_el2, c->cnthctl);
	sysreg_write(vmpidr_el2, c->vmpidr);
	sysreg_write(vbar_el2, c->vbar);
	if (has & HAS_HCX)
		sysreg_write(SYS_HCRX_EL2, c->hcrx);
	if (has & HAS_MPAM)
		sysreg_write(SYS_MPAM2_EL2, c->mpam2);
#define LOAD(n, reg)  sysreg_write(reg, c->fine[n]);
#define LOAD2(n, reg) sysreg_write(reg, c->fine2[n]);
	if (has & HAS_FGT) {
		FINE_REGS(LOAD)
	}
	if (has & HAS_FGT2) {
		FINE2_REGS(LOAD2)
	}
#undef LOAD
#undef LOAD2
}

void world_control_enter(struct world_cpu *cpu, const struct vm_cpu_view *view, u32 index)
{
	struct world_control *c = &cpu->secondary;

	/* The primary's are read back: measuring changes some of them. */
	control_save(&cpu->primary, cpu->has);
	CHECK(!view->primary && view->vmid < VMID_END && view->vmid != FIELD_GET(VTTBR_VMID, cpu->primary.vttbr));
	CHECK(!(cpu->primary.hcr & HCR_IMO));
	c->vttbr = view->table | FIELD(VTTBR_VMID, view->vmid);
	c->vmpidr = VMPIDR_RES1 | index;
	c->mpam2 = cpu->primary.mpam2 | MPAM2_TRAP0 | MPAM2_TRAP1;
	c->mdcr = (c->mdcr & ~MDCR_KEEP) | (cpu->primary.mdcr & MDCR_KEEP);
	control_load(c, cpu->has);
	if (cpu->has & HAS_RAS)
		sysreg_write(SYS_VDISR_EL2, 0); /* is DISR_EL1 of whoever HCR_EL2.AMO is for: of no secondary before */
}

void world_control_leave(struct world_cpu *cpu)
{
	CHECK(sysreg_read(hcr_el2) == cpu->secondary.hcr);
	control_load(&cpu->primary, cpu->has);
}

/*
 * What would go on for EL1, whoever that is. The profiling and trace buffers are drained while their owner's stage 2
 * still translates: an owner of "EL2" with the primary's addresses would be a hole. D16.6.1 (PSB CSYNC), D5.5.2 (TSB).
 */
void world_debug_stop(struct world_cpu *cpu)
{
	struct world_debug *d = &cpu->debug;

	if (cpu->has & HAS_PMU) {
		d->pmcnten = sysreg_read(pmcntenset_el0);
		d->pmuserenr = sysreg_read(pmuserenr_el0);
		sysreg_write(pmcntenclr_el0, ~0ull);
		sysreg_write(pmuserenr_el0, 0);
	}
	if (cpu->has & HAS_BRBE) {
		d->brbcr = sysreg_read(SYS_BRBCR_EL1);
		sysreg_write(SYS_BRBCR_EL1, 0);
	}
	if (cpu->has & HAS_TRF) {
		d->trfcr = sysreg_read(SYS_TRFCR_EL1);
		sysreg_write(SYS_TRFCR_EL1, 0);
	}
	if (cpu->has & HAS_SPE) {
		d->pmscr = sysreg_read(SYS_PMSCR_EL1);
		sysreg_write(SYS_PMSCR_EL1, 0);
	}
	isb();
	if (cpu->has & HAS_SPE) {
		__asm__ volatile("hint #17" ::: "memory"); /* PSB CSYNC */
		dsb(nsh);
		d->pmblimitr = sysreg_read(SYS_PMBLIMITR_EL1);
		sysreg_write(SYS_PMBLIMITR_EL1, 0);
	}
	if (cpu->has & HAS_TRBE) {
		__asm__ volatile("hint #18" ::: "memory"); /* TSB CSYNC */
		dsb(nsh);
		d->trblimitr = sysreg_read(SYS_TRBLIMITR_EL1);
		sysreg_write(SYS_TRBLIMITR_EL1, 0);
	}
	isb();
}

void world_debug_go_on(struct world_cpu *cpu)
{
	const struct world_debug *d = &cpu->debug;

	isb(); /* the buffers are the primary's again before they are filled */
	if (cpu->has & HAS_TRBE)
		sysreg_write(SYS_TRBLIMITR_EL1, d->trblimitr);
	if (cpu->has & HAS_SPE)
		sysreg_write(SYS_PMBLIMITR_EL1, d->pmblimitr);
	isb();
	if (cpu->has & HAS_SPE)
		sysreg_write(SYS_PMSCR_EL1, d->pmscr);
	if (cpu->has & HAS_TRF)
		sysreg_write(SYS_TRFCR_EL1, d->trfcr);
	if (cpu->has & HAS_BRBE)
		sysreg_write(SYS_BRBCR_EL1, d->brbcr);
	if (cpu->has & HAS_PMU) {
		sysreg_write(pmuserenr_el0, d->pmuserenr);
		sysreg_write(pmcntenset_el0, d->pmcnten);
	}
}
