/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot figure: what EL2 itself executes. PMU counter 1 counts instructions retired at EL2 only, from reset (boot.S)
 * to the first ERET into the primary, then from there to the first read of CTR_EL0 at EL0, which is how /init of the
 * measured boot begins. Meanwhile other vectors count the exits, PMU and cache type registers trap; a guest that
 * touches the PMU voids the run. Only the boot CPU is measured; QEMU counts instructions under -icount only.
 */
#include "measure.h"

#include "cpu.h"
#include "guest.h"
#include "hyp/log.h"
#include "hyp/platform.h"
#include "hyp/vm.h"
#include "layout.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>

#define HCR_TID2 BIT(17)

/* Instructions that measuring itself adds: vectors.S. */
#define COST_SYNC  14u
#define COST_HVC   17u
#define COST_IRQ   1u
#define COST_CACHE 13u

#define REG_CTR       SYS_ISS(3, 3, 0, 0, 1)
#define REG_CCSIDR    SYS_ISS(3, 1, 0, 0, 0)
#define REG_CLIDR     SYS_ISS(3, 1, 0, 0, 1)
#define REG_CCSIDR2   SYS_ISS(3, 1, 0, 0, 2)
#define REG_CSSELR    SYS_ISS(3, 2, 0, 0, 0)
#define REG_PMUSERENR SYS_ISS(3, 3, 9, 14, 0)

extern char vectors[], vectors_measure[];

static bool started;
static bool done; /* measured, or void */
static u64 cache_accesses;

bool measure_running(void)
{
	return machine->option.measure && !done;
}

static void counter_reset(void)
{
	sysreg_write(pmcntenclr_el0, ~0ull);
	sysreg_write(pmcr_el0, 0);
	sysreg_write(pmevtyper1_el0, 0);
	sysreg_write(pmevcntr1_el0, 0);
}

void measure_start(void)
{
	u64 startup;

	if (!cpu_has_pmu())
		return;
	if (started || !measure_running())
		return counter_reset();
	started = true;
	startup = sysreg_read(pmevcntr1_el0);
	log_info("measure: startup el2_instructions=%lu%s", startup,
		 startup ? "" : " (void: the PMU does not count instructions)");
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) | HCR_TID2);
	sysreg_write(vbar_el2, (u64)vectors_measure);
	sysreg_write(pmevcntr1_el0, 0);
	isb();
}

/* Back to a run like any other. */
static void measure_end(void)
{
	counter_reset();
	done = true;
	cpu_init_debug();
	sysreg_write(hcr_el2, sysreg_read(hcr_el2) & ~HCR_TID2);
	sysreg_write(vbar_el2, (u64)vectors);
	isb();
}

static void report(const struct vcpu *vcpu)
{
	const u32 *n = vcpu->arch.exits;
	u64 sync = (u64)n[EXIT_SMC] + n[EXIT_GICD] + n[EXIT_GICR] + n[EXIT_CFG] + n[EXIT_SGI] + n[EXIT_OTHER];
	u64 cost = COST_SYNC * sync + COST_HVC * (u64)n[EXIT_HVC] + COST_IRQ * (u64)n[EXIT_IRQ] +
		   COST_CACHE * cache_accesses;

	log_info("measure: boot el2_instructions=%lu exits_hvc=%u exits_smc=%u exits_gicd=%u exits_gicr=%u exits_cfg=%u "
		 "exits_sgi=%u exits_irq=%u exits_other=%u",
		 sysreg_read(pmevcntr1_el0) - cost, n[EXIT_HVC], n[EXIT_SMC], n[EXIT_GICD], n[EXIT_GICR], n[EXIT_CFG],
		 n[EXIT_SGI], n[EXIT_IRQ], n[EXIT_OTHER]);
}

static u64 cache_register_read(u64 iss)
{
	switch (iss) {
	case REG_CTR:
		return sysreg_read(ctr_el0);
	case REG_CLIDR:
		return sysreg_read(clidr_el1);
	case REG_CCSIDR:
		return sysreg_read(ccsidr_el1);
	case REG_CSSELR:
		return sysreg_read(csselr_el1);
	default:
		return 0;
	}
}

bool measure_cache_register(struct vcpu *vcpu)
{
	u64 esr = sysreg_read(esr_el2), iss = esr & ESR_ISS & ~(SYS_ISS_RT | SYS_ISS_READ);
	u64 reg = FIELD_GET(SYS_ISS_RT, esr);

	cache_accesses++;
	guest_skip();
	if (!(esr & SYS_ISS_READ) && iss == REG_CSSELR)
		sysreg_write(csselr_el1, reg == 31 ? 0 : vcpu->arch.x[reg]);
	else if (reg != 31)
		vcpu->arch.x[reg] = cache_register_read(iss);
	if (iss != REG_CTR || (sysreg_read(spsr_el2) & SPSR_EL))
		return true;
	report(vcpu);
	measure_end();
	return false;
}

/* Groups of PMU registers: CRn 9 with CRm 12 to 14, CRn 14 with CRm 8 to 15 (DDI 0487 D24.5). */
static bool is_pmu(u64 iss)
{
	u64 crn = FIELD_GET(SYS_ISS_CRN, iss), crm = FIELD_GET(SYS_ISS_CRM, iss);

	return FIELD_GET(SYS_ISS_OP0, iss) == 3 && ((crn == 9 && crm >= 12 && crm <= 14) || (crn == 14 && crm >= 8));
}

bool measure_sysreg(struct vcpu *vcpu, u64 esr)
{
	u64 reg = FIELD_GET(SYS_ISS_RT, esr);

	if (!measure_running() || !is_pmu(esr & ESR_ISS))
		return false;
	/* A kernel that closes the PMU to EL0, as all do, does not use it. */
	if ((esr & ESR_ISS & ~SYS_ISS_RT) == REG_PMUSERENR && (reg == 31 || vcpu->arch.x[reg] == 0)) {
		guest_skip();
		return true;
	}
	log_info("measure: void (PMU access)");
	measure_end();
	return true;
}
