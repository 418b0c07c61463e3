/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System registers that trap (architecture 10). Of the primary: generators of software interrupts, which are passed over
 * when they are done; nothing else is offered. Of a secondary: those, ID registers, which never show more than the CPU
 * has nor what a VM has not, a few that read as zero, and debug registers, that do nothing. Everything else is an undefined
 * instruction, taken by the guest itself: no register of it changes, and it learns where it was.
 */
#include "goes_on.h"
#include "guest.h"
#include "trap.h"
#include "world.h"

#include <arch/sysreg.h>

#include "entries.h"
#include "hyp/vm.h"
#include "image.h"
#include "spec_check.h"
#include "turn.h"
#include "vm/vm.h"

#define IS_READ 1ull

/* ISS of a trapped MRS or MSR (DDI 0487 D24.2.40): Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1. */
struct name {
	u32 op0, op1, crn, crm, op2, rt;
	bool read;
};

static u32 bits(u64 value, u32 high, u32 low) { return (u32)(value >> low & ((1ull << (high - low + 1)) - 1)); }

static struct name name_of(u64 esr)
{
	return (struct name){
		.op0 = bits(esr, 21, 20),
		.op1 = bits(esr, 16, 14),
		.crn = bits(esr, 13, 10),
		.crm = bits(esr, 4, 1),
		.op2 = bits(esr, 19, 17),
		.rt = bits(esr, 9, 5),
		.read = esr & IS_READ,
	};
}

static bool is(const struct name *n, u32 op0, u32 op1, u32 crn, u32 crm, u32 op2)
{
	return n->op0 == op0 && n->op1 == op1 && n->crn == crn && n->crm == crm && n->op2 == op2;
}

static bool sends_interrupts(const struct name *n) { return n->crm == 11 && is(n, 3, 0, 12, 11, n->op2) && n->op2 >= 5 && n->op2 <= 7 && !n->read; }

static void NORETURN refuse(const struct vcpu *vcpu, u64 esr, const char *what)
{
	const struct name n = name_of(esr);

	spec_fail("%s of S%u_%u_C%u_C%u_%u by vCPU %u of %s: %s", n.read ? "a read" : "a write", n.op0, n.op1, n.crn, n.crm,
		  n.op2, vcpu->index, vcpu->vm->primary ? "the primary" : "a secondary", what);
}

static void demand(const struct vcpu *vcpu, u64 esr, const char *why)
{
	if (why != NULL)
		refuse(vcpu, esr, why);
}

/* --- what a secondary reads of ID registers (DDI 0487 D24.2) */

#define FIELDS(...) field_set((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

/* Bits of the fields that begin at these bits, of four each. */
static u64 field_set(const u8 *at, size_t count)
{
	u64 set = 0;

	for (size_t i = 0; i < count; i++)
		set |= 0xfull << at[i];
	return set;
}

/* Fields that are zero: what a VM does not have, whatever the CPU has. All of an ID register that is not here. */
static u64 hidden(u32 crm, u32 op2)
{
	switch (crm << 4 | op2) {
	case 0x40: /* EL2, EL3, RAS, SVE, MPAM, AMU, RME */
		return FIELDS(8, 12, 28, 32, 40, 44, 52);
	case 0x41: /* MTE, RAS_frac, MPAM_frac, SME, RNDR_trap, CSV2_frac, NMI, MTE_frac, GCS, THE, MTEX, DF2, PFAR */
		return FIELDS(8, 12, 16, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60);
	case 0x50: /* TraceVer, PMUVer, PMSS, SEBEP, PMSVer, TraceFilt, TraceBuffer, MTPMU, BRBE, ExtTrcBuff, HPMN0 */
		return FIELDS(4, 8, 16, 24, 32, 40, 44, 48, 52, 56, 60);
	case 0x60: /* TME */
		return FIELDS(24);
	case 0x61: /* XS, LS64 */
		return FIELDS(56, 60);
	case 0x62: /* WFxT, MOPS, SYSREG_128, SYSINSTR_128 */
		return FIELDS(0, 16, 32, 36);
	case 0x70: /* SNSMem, FGT, ECV */
		return FIELDS(12, 56, 60);
	case 0x71: /* VMIDBits, VH, LO, SpecSEI, XNX, TWED, HCX, CMOW, TIDCP1 */
		return FIELDS(4, 8, 16, 24, 28, 32, 40, 52, 56);
	case 0x72: /* CnP, NV, FWB, EVT */
		return FIELDS(0, 24, 40, 56);
	default:
		return ~0ull;
	}
}

static u64 of_cpu(u32 crm, u32 op2)
{
	switch (crm << 4 | op2) {
	case 0x40:
		return (sysreg_read(id_aa64pfr0_el1) & ~FIELDS(24)) | 1ull << 24; /* the GIC's registers are there */
	case 0x41:
		return sysreg_read(id_aa64pfr1_el1);
	case 0x50:
		return sysreg_read(id_aa64dfr0_el1) | FIELDS(36); /* there is no double lock */
	case 0x60:
		return sysreg_read(id_aa64isar0_el1);
	case 0x61:
		return sysreg_read(id_aa64isar1_el1);
	case 0x62:
		return sysreg_read(SYS_ID_AA64ISAR2_EL1);
	case 0x70:
		return sysreg_read(id_aa64mmfr0_el1);
	case 0x71:
		return sysreg_read(id_aa64mmfr1_el1);
	case 0x72:
		return sysreg_read(SYS_ID_AA64MMFR2_EL1);
	default:
		return 0;
	}
}

/* Signed fields, and those where 0xf says that there is nothing, are the CPU's; of all others less may be shown. */
static u64 exact(u32 crm, u32 op2)
{
	switch (crm << 4 | op2) {
	case 0x40: /* FP, AdvSIMD, GIC */
		return FIELDS(16, 20, 24);
	case 0x50: /* DoubleLock */
		return FIELDS(36);
	case 0x70: /* TGran64, TGran4 */
		return FIELDS(24, 28);
	default:
		return 0;
	}
}

static void judge_id(const struct vcpu *vcpu, const struct name *n, u64 esr, u64 shown)
{
	u64 cpu = of_cpu(n->crm, n->op2);

	if (shown & hidden(n->crm, n->op2))
		refuse(vcpu, esr, "it shows what a VM does not have");
	if ((shown ^ cpu) & exact(n->crm, n->op2))
		refuse(vcpu, esr, "it shows another value than the CPU's where there is no lower one");
	for (u32 at = 0; at < 64; at += 4)
		if ((shown >> at & 0xf) > (cpu >> at & 0xf))
			refuse(vcpu, esr, "it shows more than the CPU has");
}

/* --- both kinds of guests */

void __real_trap_sysreg(struct vcpu *vcpu, u64 esr);
void __wrap_trap_sysreg(struct vcpu *vcpu, u64 esr);
void __wrap_trap_sysreg(struct vcpu *vcpu, u64 esr)
{
	const struct guest_before b = goes_on_take(vcpu);
	const struct name n = name_of(esr);

	__real_trap_sysreg(vcpu, esr);
	if (!turn_judges())
		return;
	entry_judged(ENTRY_SYSREG);
	if (sends_interrupts(&n))
		demand(vcpu, esr, goes_on_behind(vcpu, &b, 4, X_NONE));
	else
		demand(vcpu, esr, goes_on_undefined(vcpu, &b, esr));
}

/* Feature registers: the space that HCR_EL2.TID3 traps. */
static bool is_id(const struct name *n)
{
	return n->op0 == 3 && n->op1 == 0 && n->crn == 0 && n->crm >= 1 && n->crm <= 7 && n->read;
}

static bool is_debug(const struct name *n)
{
	return n->op0 == 2 && (n->op1 == 0 || n->op1 == 3) && (n->crn <= 1 || n->crn == 7);
}

/* ACTLR_EL1; AIDR_EL1 and REVIDR_EL1, which are read only. */
static bool is_quiet(const struct name *n)
{
	return is(n, 3, 0, 1, 0, 1) || (n->read && (is(n, 3, 1, 0, 0, 7) || is(n, 3, 0, 0, 0, 6)));
}

/* What a read leaves in its register; of XZR there is nothing to see. */
static u64 got(const struct vcpu *vcpu, const struct name *n) { return n->rt == X_NONE ? 0 : vcpu->arch.x[n->rt]; }

void __real_guest_sysreg(struct vcpu *vcpu, u64 esr);
void __wrap_guest_sysreg(struct vcpu *vcpu, u64 esr);
void __wrap_guest_sysreg(struct vcpu *vcpu, u64 esr)
{
	const struct guest_before b = goes_on_take(vcpu);
	const struct name n = name_of(esr);

	__real_guest_sysreg(vcpu, esr);
	if (!turn_judges())
		return;
	entry_judged(ENTRY_VM_SYSREG);
	if (!is_id(&n) && !is_debug(&n) && !is_quiet(&n) && !sends_interrupts(&n)) {
		demand(vcpu, esr, goes_on_undefined(vcpu, &b, esr));
		return;
	}
	demand(vcpu, esr, goes_on_behind(vcpu, &b, 4, n.read ? n.rt : X_NONE));
	if (n.rt == X_NONE)
		return;
	if (is_id(&n))
		judge_id(vcpu, &n, esr, got(vcpu, &n));
	else if (n.read && !is(&n, 3, 0, 0, 0, 6) && got(vcpu, &n) != 0)
		refuse(vcpu, esr, "it is not zero");
}
