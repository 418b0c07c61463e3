/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions that no call of the core is about (architecture 10; SMCCC 1.2, 2.9). An HVC with an immediate, and a VM's SMC
 * that is not PSCI, are answered NOT_SUPPORTED; every other instruction that traps is an undefined one, taken by the guest
 * itself, and what it may not access in its own memory an external abort. Nothing else of the guest changes. Who answers an
 * access, a system register or PSCI is judged where that is done; here, that the guest goes on in one of the three ways.
 */
#include "trap.h"

#include "goes_on.h"
#include "psci.h"
#include "world.h"

#include <arch/sysreg.h>

#include "entries.h"
#include "hyp/vm.h"
#include "spec_check.h"
#include "turn.h"
#include "vm/vm.h"

#define CLASS_WFX   0x01u
#define CLASS_HVC   0x16u
#define CLASS_SMC   0x17u
#define CLASS_MSR   0x18u
#define CLASS_FETCH 0x20u
#define CLASS_DATA  0x24u

#define IMMEDIATE  0xffffull
#define STATE_32   0x10ull
#define FAULT_KIND 0x3cull /* DDI 0487 D24.2.40: but for the level */
#define NO_MAPPING 0x04ull

static void demand(const struct vcpu *vcpu, u64 esr, const char *why)
{
	if (why != NULL)
		spec_fail("an exception of class 0x%x (0x%llx) of vCPU %u of %s: %s", (u32)(esr >> 26), (unsigned long long)esr,
			  vcpu->index, vcpu->vm->primary ? "the primary" : "a secondary", why);
}

/* The first register says so, and nothing else changed; `bytes`: how far behind the guest goes on. */
static const char *not_supported(const struct vcpu *vcpu, const struct guest_before *b, u64 bytes)
{
	if ((s64)vcpu->arch.x[0] != PSCI_NOT_SUPPORTED)
		return "it has to be answered that there is no such call";
	return goes_on_behind(vcpu, b, bytes, 0);
}

/* Emulated, to be made again, or refused; what is mapped, but not for this, is refused always. */
static const char *accessed(const struct vcpu *vcpu, const struct guest_before *b, u64 esr)
{
	u64 pc = sysreg_read(elr_el2);

	if ((esr & FAULT_KIND) == NO_MAPPING && (pc == b->pc || pc == b->pc + 4))
		return sysreg_read(spsr_el2) == b->state ? NULL : "the guest does not go on as it was";
	return goes_on_aborted(vcpu, b, esr);
}

static const char *of_primary(const struct vcpu *vcpu, const struct guest_before *b, u64 esr)
{
	switch (esr >> 26) {
	case CLASS_HVC:
		return not_supported(vcpu, b, 0);
	case CLASS_DATA:
	case CLASS_FETCH:
		return accessed(vcpu, b, esr);
	default:
		return goes_on_undefined(vcpu, b, esr);
	}
}

/* Of an SMC what it answers is judged by the calls. */
void __real_trap_sync(struct vcpu *vcpu, u64 esr);
void __wrap_trap_sync(struct vcpu *vcpu, u64 esr);
void __wrap_trap_sync(struct vcpu *vcpu, u64 esr)
{
	const struct guest_before b = goes_on_take(vcpu);

	__real_trap_sync(vcpu, esr);
	if (!turn_judges() || esr >> 26 == CLASS_MSR || esr >> 26 == CLASS_SMC)
		return;
	entry_judged(ENTRY_TRAP);
	demand(vcpu, esr, of_primary(vcpu, &b, esr));
}

/* What `of_secondary` leaves to other judges: calls by number, and registers. */
static bool is_call(const struct guest_before *b, u64 esr)
{
	switch (esr >> 26) {
	case CLASS_HVC:
		return (esr & IMMEDIATE) == 0;
	case CLASS_SMC:
		return psci_is_call(b->x[0]);
	case CLASS_MSR:
		return true;
	default:
		return false;
	}
}

static const char *of_secondary(const struct vcpu *vcpu, const struct guest_before *b, u64 esr)
{
	if (b->state & STATE_32)
		return goes_on_undefined(vcpu, b, esr);
	switch (esr >> 26) {
	case CLASS_WFX:
		return esr & 3 ? goes_on_undefined(vcpu, b, esr) : goes_on_behind(vcpu, b, 4, X_NONE);
	case CLASS_HVC:
		return not_supported(vcpu, b, 0);
	case CLASS_SMC:
		return not_supported(vcpu, b, 4);
	case CLASS_DATA:
	case CLASS_FETCH:
		return accessed(vcpu, b, esr);
	default:
		return goes_on_undefined(vcpu, b, esr);
	}
}

/* The primary hears of WFI, and of accesses that it emulates; of nothing else here. */
static const char *told(const struct vcpu *vcpu, u64 esr)
{
	u32 kind = (u32)(esr >> 26);

	if (kind == CLASS_WFX)
		return (esr & 3) == 0 && vcpu->exit.reason == PC_EXIT_IDLE ? NULL : "the primary hears of something else than WFI";
	return kind == CLASS_DATA || kind == CLASS_FETCH ? NULL : "the primary hears of it";
}

void __real_guest_trap(struct vcpu *vcpu, u64 esr);
void __wrap_guest_trap(struct vcpu *vcpu, u64 esr);
void __wrap_guest_trap(struct vcpu *vcpu, u64 esr)
{
	const struct guest_before b = goes_on_take(vcpu);
	bool left = vcpu->leave;

	__real_guest_trap(vcpu, esr);
	if (!turn_judges() || (!(b.state & STATE_32) && is_call(&b, esr)))
		return;
	entry_judged(ENTRY_VM_TRAP);
	demand(vcpu, esr, of_secondary(vcpu, &b, esr));
	if (vcpu->leave && !left)
		demand(vcpu, esr, told(vcpu, esr));
}
