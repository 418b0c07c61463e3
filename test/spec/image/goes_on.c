/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions that a guest is made to take are those of hardware (DDI 0487 J1.3, AArch64.TakeException). */
#include "goes_on.h"

#include "hyp/vm.h"

#include <arch/sysreg.h>

#define EC_UNDEF      0ull
#define EC_FETCH      0x20ull /* of EL0; one more: of EL1 itself */
#define EC_DATA       0x24ull
#define IL            (1ull << 25)
#define WRITE_OR_CARE (1ull << 6 | 1ull << 8) /* WnR, CM */
#define EXTERNAL      0x10ull
#define STATE_32      0x10ull
#define STATE_EL1     0xcull
#define EL1H_DAIF     0x3c5ull

struct guest_before goes_on_take(const struct vcpu *vcpu)
{
	struct guest_before b = { .pc = sysreg_read(elr_el2), .state = sysreg_read(spsr_el2) };

	for (u32 i = 0; i < X_COUNT; i++)
		b.x[i] = vcpu->arch.x[i];
	return b;
}

static const char *registers_kept(const struct vcpu *vcpu, const struct guest_before *b, u32 rt)
{
	for (u32 i = 0; i < X_COUNT; i++)
		if (i != rt && vcpu->arch.x[i] != b->x[i])
			return "another register has changed";
	return NULL;
}

const char *goes_on_behind(const struct vcpu *vcpu, const struct guest_before *b, u64 bytes, u32 rt)
{
	if (sysreg_read(elr_el2) != b->pc + bytes || sysreg_read(spsr_el2) != b->state)
		return bytes ? "the guest does not go on behind it as it was" : "the guest does not go on as it was";
	return registers_kept(vcpu, b, rt);
}

static const char *in_handler(const struct vcpu *vcpu, const struct guest_before *b)
{
	u64 offset = sysreg_read(elr_el2) - sysreg_read(vbar_el1);
	u64 must = 0x400;

	if (b->state & STATE_32)
		must = 0x600;
	else if (b->state & STATE_EL1)
		must = b->state & 1 ? 0x200 : 0;
	if (sysreg_read(elr_el1) != b->pc || sysreg_read(spsr_el1) != b->state)
		return "the guest is not told where it was";
	if (offset != must || (sysreg_read(spsr_el2) & 0x3df) != EL1H_DAIF)
		return "the guest does not go on in its handler";
	return registers_kept(vcpu, b, X_NONE);
}

const char *goes_on_undefined(const struct vcpu *vcpu, const struct guest_before *b, u64 esr)
{
	if (sysreg_read(esr_el1) >> 26 != EC_UNDEF || !(sysreg_read(esr_el1) & IL) != !(esr & IL))
		return "the guest is not told of an undefined instruction";
	return in_handler(vcpu, b);
}

const char *goes_on_aborted(const struct vcpu *vcpu, const struct guest_before *b, u64 esr)
{
	bool fetch = esr >> 26 == EC_FETCH, own = !(b->state & STATE_32) && (b->state & STATE_EL1);
	u64 must = ((fetch ? EC_FETCH : EC_DATA) + own) << 26 | (esr & IL) | EXTERNAL | (fetch ? 0 : esr & WRITE_OR_CARE);

	if (sysreg_read(esr_el1) != must)
		return "the guest is not told of an external abort";
	if (sysreg_read(far_el1) != sysreg_read(far_el2))
		return "the guest is not told of which address";
	return in_handler(vcpu, b);
}
