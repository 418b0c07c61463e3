/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ALLOC_NESTED and INVALIDATE: the envelope in the order that the interface gives, the entries copied once, from a plain
 * array or a ring by one iterator, and what became of each. What a first stage or an entry may say is the driver's to check.
 */
#include <string.h>

#include "iommu/nested.h"
#include "mem/guest_copy.h"
#include "pviommu.h"
#include "vm/vm.h"

/* The IOMMU behind a pvIOMMU at this moment, NULL: none. Its devices may leave meanwhile; the IOMMU stays. */
static struct iommu *iommu_of(const struct vm *vm, u32 pviommu)
{
	return pviommu < VM_MAX_PVIOMMUS ? __atomic_load_n(&vm->pviommu[pviommu].iommu, __ATOMIC_ACQUIRE) : NULL;
}

enum status pviommu_alloc_nested(struct vm *vm, const struct pviommu_alloc_nested *req, u32 *id)
{
	struct iommu *iommu = iommu_of(vm, req->pviommu);
	struct nested_config config = { 0 };
	enum status status;

	if (iommu == NULL)
		return E_NOENT;
	if (!nested_offered(vm, iommu) || req->data_type != iommu->ops->nested_type)
		return E_NOSYS;
	if (req->data_len < iommu->ops->nested_bytes || req->data_len > PVIOMMU_MAX_ENTRY || req->data_ipa % sizeof(u64) != 0)
		return E_INVAL;
	status = guest_read_entry(vm, ipa(req->data_ipa), req->data_len, config.word, iommu->ops->nested_bytes);
	return status == OK ? nested_alloc(vm, iommu, &config, id) : status;
}

static enum status check(const struct vm *vm, const struct pviommu_invalidate *q, const struct iommu *iommu)
{
	const bool ring = (q->flags & PVIOMMU_INVAL_RING) != 0;

	if (!nested_offered(vm, iommu) || q->data_type != iommu->ops->inval_type)
		return E_NOSYS;
	/* The target is the pvIOMMU. */
	if (q->domain != 0)
		return E_INVAL;
	if (q->entry_len < iommu->ops->inval_bytes || q->entry_len > PVIOMMU_MAX_ENTRY)
		return E_INVAL;
	if (q->entry_num > PVIOMMU_MAX_INVAL || q->ring_log2 > PVIOMMU_MAX_INVAL_LOG2 || q->start >> q->ring_log2 != 0)
		return E_INVAL;
	if (!ring && q->ring_log2 != 0)
		return E_INVAL;
	/* More than one lap of a ring would read an entry twice. */
	if (ring && q->entry_num > 1u << q->ring_log2)
		return E_INVAL;
	return q->entries_ipa % sizeof(u64) == 0 ? OK : E_INVAL;
}

/* The first `count` entries, one after the other, as far as they are known: at once where they are of the known size. */
static enum status copy(struct vm *vm, const struct pviommu_invalidate *q, u32 count, u32 known, u64 *entry)
{
	const u32 size = (q->flags & PVIOMMU_INVAL_RING) ? 1u << q->ring_log2 : q->entry_num;
	u32 index = q->start;
	enum status status = OK;

	if (likely(q->entry_len == known && q->ring_log2 == 0))
		return guest_read(vm, ipa(q->entries_ipa), entry, (u64)known * count);

	for (u32 k = 0, n; k < count && status == OK; k += n) {
		const u64 at = q->entries_ipa + (u64)q->entry_len * index;
		void *to = (char *)entry + (u64)known * k;

		if (at < q->entries_ipa)
			return E_FAULT;
		n = count - k < size - index ? count - k : size - index;
		if (q->entry_len == known)
			status = guest_read(vm, ipa(at), to, (u64)known * n);
		else
			status = guest_read_entries(vm, ipa(at), q->entry_len, n, to, known);
		index = index + n == size ? 0 : index + n;
	}
	return status;
}

/* The status of the call that its first failing entry gives. */
static enum status status_of(u8 verdict)
{
	switch (verdict) {
	case PVIOMMU_INVAL_NOT_ATTEMPTED:
		return OK;
	case PVIOMMU_INVAL_BAD_ID:
		return E_NOENT;
	case PVIOMMU_INVAL_QUARANTINED:
		return E_DENIED;
	case PVIOMMU_INVAL_HW_ILLEGAL:
	case PVIOMMU_INVAL_HW_TIMEOUT:
	case PVIOMMU_INVAL_HW_RESPONSE:
		return E_IO;
	default:
		return E_INVAL;
	}
}

/* What became of the entry at r->done is `verdict`. */
static NOINLINE void report(struct guest_window *w, u32 count, const struct inval_done *r, u8 verdict, const u64 *entry, u32 words)
{
	u8 byte[PVIOMMU_MAX_INVAL];

	memset(byte, PVIOMMU_INVAL_NOT_ATTEMPTED, count);
	memset(byte, PVIOMMU_INVAL_DONE, r->done);
	for (u32 k = r->done; k < r->told; k++)
		byte[k] = (u8)entry[k * words];
	if (r->done < count)
		byte[r->done] = verdict;
	guest_window_close(w, byte, count);
}

enum status pviommu_invalidate(struct vm *vm, const struct pviommu_invalidate *q, u64 *entry, u64 *done)
{
	u8 verdict = PVIOMMU_INVAL_NOT_ATTEMPTED;
	struct guest_window window;
	struct iommu *iommu;
	enum status status;
	struct inval_done r = { 0 };
	u32 known, count;

	if ((q->flags & ~PVIOMMU_INVAL_RING) != 0)
		return E_NOSYS;
	if (q->reserved != 0)
		return E_INVAL;
	iommu = iommu_of(vm, q->pviommu);
	if (iommu == NULL)
		return E_NOENT;
	status = check(vm, q, iommu);
	if (status != OK || q->entry_num == 0)
		return status;
	if (q->status_ipa != 0)
		status = guest_window_open(vm, ipa(q->status_ipa), q->entry_num, &window);
	if (status != OK)
		return status;
	known = iommu->ops->inval_bytes;
	count = q->entry_num;
	if (unlikely(q->entry_len != known))
		count = guest_entries_taken(count, q->entry_len);
	status = copy(vm, q, count, known, entry);
	if (status == OK) {
		verdict = nested_inval(vm, q->pviommu, iommu, entry, count, &r);
		if (unlikely(count != q->entry_num) && verdict == PVIOMMU_INVAL_DONE)
			verdict = PVIOMMU_INVAL_NOT_ATTEMPTED;
		status = likely(verdict == PVIOMMU_INVAL_DONE) ? OK : status_of(verdict);
		*done = r.done;
	}
	if (q->status_ipa != 0)
		report(&window, q->entry_num, &r, verdict, entry, known / sizeof(u64));
	return status;
}
