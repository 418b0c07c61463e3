/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole ranges into a table of the hypervisor's making, by the largest leaves that fit. */
#include "bulk_map.h"

#include "hyp/check.h"
#include "hyp/addr.h"

static u8 best_shift(const struct pt *pt, u64 va, u64 out, u64 left)
{
	for (u8 shift = PT_SHIFT_1G; shift > PT_SHIFT_4K; shift -= 9) {
		u64 size = 1ull << shift;

		if ((pt->leaf_sizes & size) && ((va | out) & (size - 1)) == 0 && left >= size)
			return shift;
	}
	return PT_SHIFT_4K;
}

/* Leaves of one size from va on: up to where a larger one begins to fit, or the end. */
static u64 stretch(const struct pt *pt, u64 va, u64 out, u64 left, u8 shift)
{
	u64 size = 1ull << shift, done = size;

	while (done < left && left - done >= size &&
	       best_shift(pt, va + done, out + done, left - done) == shift)
		done += size;
	return done;
}

enum status bulk_map(struct pt *pt, u64 va, u64 out, u64 size, u32 prot)
{
	u64 done = 0;

	if (size == 0 || !page_aligned(va | out | size) || (va + size - 1) >> pt->ops->va_bits != 0)
		return E_INVAL;
	while (done < size) {
		u8 shift = best_shift(pt, va + done, out + done, size - done);
		u64 piece = stretch(pt, va + done, out + done, size - done, shift);
		struct pt_edit edit = { .count = 0 };
		enum status status;

		/* One table's worth at a time bounds what an edit must remember. */
		if (piece > 512ull << shift)
			piece = 512ull << shift;
		status = pt->ops->prepare(pt, &edit, va + done, piece, shift);
		if (status != OK)
			return status;
		pt->ops->commit(pt, va + done, out + done, piece, shift, prot);
		done += piece;
	}
	return OK;
}
