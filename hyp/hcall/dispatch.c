/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From registers to a row to a handler and back. Guests leave garbage in registers that a call
 * does not use, so only those that the row marks are checked.
 */
#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "hcall.h"

/* Keep an index that was checked inside its table under speculation too. */
static ALWAYS_INLINE u64 index_nospec(u64 index, u64 count)
{
	/* The compiler must not conclude from the check what the mask is. */
	HIDE_VALUE(index);
	return index & (u64)((s64)(index - count) >> 63);
}

static bool mbz_violated(const u64 *r, u8 mbz)
{
	u64 bits = 0;

	for (u32 i = 1; i <= 6; i++)
		if (mbz & (1u << i))
			bits |= r[i];
	return bits != 0;
}

static ALWAYS_INLINE enum status run(struct hcall *c, const struct hcall_row *row)
{
	/* A row that does not exist has no callers. */
	if (unlikely(!(row->callers & c->caller)))
		return E_NOSYS;
	if (row->mbz != 0 && unlikely(mbz_violated(c->r, row->mbz)))
		return E_INVAL;
	return row->handler(c);
}

/* The precise status in R0; pKVM-compatible calls know three, and give the precise one in R3. */
static ALWAYS_INLINE void finish(struct hcall_args *args, const struct hcall *c, bool legacy,
				 enum status status)
{
	args->r[1] = c->out[0];
	args->r[2] = c->out[1];
	args->r[3] = c->out[2];
	if (legacy) {
		args->r[3] = (u64)(s64)status;
		if (status < OK && status != E_NOSYS)
			status = E_INVAL;
		else if (unlikely(status > OK))
			args->r[3] = 0;
	}
	args->r[0] = (u64)(s64)status;
}

/* SMCCC 1.2 and the vendor's own discovery: 32-bit calls, W registers in and out. */
static NOINLINE void discovery(const struct hcall *c, struct hcall_args *args, u32 id)
{
	u32 word[4] = { 0 };
	u32 feature = (u32)args->r[1];

	switch (id) {
	case PC_SMCCC_VERSION:
		word[0] = PC_SMCCC_VERSION_1_2;
		break;
	case PC_SMCCC_ARCH_FEATURES:
		if (feature != PC_SMCCC_VERSION && feature != PC_SMCCC_ARCH_FEATURES)
			word[0] = (u32)PC_NOT_SUPPORTED;
		break;
	case PC_VENDOR_UID:
		word[0] = PC_VENDOR_UID_0;
		word[1] = PC_VENDOR_UID_1;
		word[2] = PC_VENDOR_UID_2;
		word[3] = PC_VENDOR_UID_3;
		break;
	case PC_VENDOR_FEATURES:
		/* DEV_REQ_DMA, PVIOMMU_OP, DEV_REQ_MMIO; bit 0 (this call) and 2..11 are a
		 * secondary's only. */
		word[0] = c->vm->primary ? 0 : 0xffdu;
		word[1] = 7u << 29;
		break;
	default: /* a 64-bit call of another owner is refused in 64 bits */
		args->r[0] = id & PC_CALL_64 ? (u64)PC_NOT_SUPPORTED : (u32)PC_NOT_SUPPORTED;
		args->r[1] = args->r[2] = args->r[3] = 0;
		return;
	}
	for (u32 i = 0; i < 4; i++)
		args->r[i] = word[i];
}

void hcall_init(struct hcall *c, struct vcpu *vcpu)
{
	*c = (struct hcall){
		.vcpu = vcpu,
		.vm = vcpu->vm,
		.caller = vcpu->vm->primary ? CALL_PRIMARY : CALL_SECONDARY,
	};
	vcpu->call = c;
}

bool hcall_was_long(struct vcpu *vcpu)
{
	const struct hcall_row *row = vcpu->call->row;

	vcpu->call->row = NULL;
	return row != NULL && (row->callers & CALL_LONG) != 0;
}

static ALWAYS_INLINE bool dispatch(struct vcpu *vcpu, struct hcall_args *args)
{
	struct hcall *c = vcpu->call;
	u32 id = (u32)args->r[0] & ~PC_SVE_HINT;
	u64 number = id & PC_FN_MASK;
	const struct hcall_row *row;
	bool legacy;
	enum status status;

	if (unlikely((id & ~PC_FN_MASK) != PC_FN_BASE)) {
		c->row = NULL;
		discovery(c, args, id);
		return true;
	}
	if (likely(number == (PC_PVIOMMU_OP & PC_FN_MASK))) {
		number = args->r[1];
		legacy = number < PVIOMMU_OP_FIRST_OURS;
		row = number < PVIOMMU_OP_COUNT ?
			      &hcall_pviommu[index_nospec(number, PVIOMMU_OP_COUNT)] :
			      NULL;
	} else {
		legacy = number < 64;
		row = number < HCALL_FUNCTIONS ?
			      &hcall_function[index_nospec(number, HCALL_FUNCTIONS)] :
			      NULL;
	}
	c->r = args->r;
	c->row = row;
	c->out[0] = c->out[1] = c->out[2] = 0;
	c->again = false;
	status = likely(row != NULL) ? run(c, row) : E_NOSYS;
	if (unlikely(c->again))
		return false;
	finish(args, c, legacy, status);
	return true;
}

bool hyp_hypercall(struct vcpu *vcpu, struct hcall_args *args)
{
	return dispatch(vcpu, args);
}

bool hyp_vcpu_hypercall(struct vcpu *vcpu, struct hcall_args *args)
{
	return dispatch(vcpu, args);
}
