/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hardware says by itself: records of any content, indices that make sense and indices that do not, errors of every
 * kind, commands that fail, registers that are gone, in any order with the driver's looks and its invalidations. A drain
 * is bounded, takes no record twice, and says of a record only what its kind has; an SMMU that failed stays off.
 */
#include <string.h>

#include "smmuv3/queue.h"
#include "smmuv3/tiny.h"
#include "suite.h"

#include "fuzz.h"

#define PROD (0x100a8u / 4)
#define CONS (0x100acu / 4)

static void boot(u32 index)
{
	static const u8 size_log2[] = { 0, 1, 4, 7, 12 };
	struct machine *m = tiny_machine();

	tiny.idr1 = (TINY_IDR1 & ~(31u << 16)) | (u32)size_log2[index % ARRAY_SIZE(size_log2)] << 16;
	m->iommu[0].coherent = index < ARRAY_SIZE(size_log2);
	if (!m->iommu[0].coherent)
		fake_noncoherent();
	(void)tiny_start(m);
	smmuv3_ill_panics = false;
	fake_time_step(64);
	fake_random_source = fuzz_below;
}

static struct smmuv3 *smmu(void) { return tiny_iommu.hw; }

static u32 queue_size(void) { return 1u << (tiny_reg64(0xa0) & 31); }

/* As hardware does; false: the queue is full. */
static bool produce(void)
{
	u32 size = queue_size(), wrap = 2 * size - 1, prod = tiny.reg[PROD];
	u64 base = tiny_reg64(0xa0) & 0xffffffffffffe0ull;
	u64 w[4];

	if (((prod - tiny.reg[CONS]) & wrap) == size)
		return false;
	for (u32 i = 0; i < ARRAY_SIZE(w); i++)
		w[i] = fuzz_word();
	if (fuzz_below(4) != 0)
		w[0] = (w[0] & ~0xffull) | fuzz_below(0x30);
	assert_true(fake_hw_write(base + (prod & (size - 1)) * 32ull, w, 32));
	tiny.reg[PROD] = ((prod + 1) & wrap) | (prod & 0x80000000u);
	return true;
}

/* Each kind has its fields, and says nothing of the others. */
static void check_record(const struct iommu_event *e)
{
	if (!e->has_sid)
		assert_true(!e->has_pasid && !e->has_addr && !e->read && !e->write && !e->stage2 && !e->stalled && e->reason == 0);
	assert_true(e->has_addr || e->addr == 0);
	assert_true(e->has_pasid || e->pasid == 0);
	assert_true(e->pasid >> 20 == 0);
	assert_false(e->read && e->write);
	assert_true(e->stage2 || e->ipa == 0);
	assert_true(e->reason <= 11);
	if (e->stalled)
		assert_true(e->code >= 0x10 && e->code <= 0x13);
}

static void drain(u32 max)
{
	u32 had = tiny_event_count, lost = tiny_overflows;
	u32 queued = (tiny.reg[PROD] - tiny.reg[CONS]) & (2 * queue_size() - 1);
	bool sense = queued <= queue_size(), more;

	more = smmuv3_events(&tiny_iommu, max);
	fuzz_calls++;
	assert_true(tiny_event_count - had <= max);
	for (u32 i = had; i < tiny_event_count; i++)
		check_record(&tiny_events[i % ARRAY_SIZE(tiny_events)]);
	/* All ones: nothing answers there. */
	if (tiny.gone || tiny.reg[PROD] == ~0u)
		return;
	/* What is said twice is said once: an index without sense, an overflow. */
	assert_true(tiny_overflows - lost <= 1);
	if (sense)
		assert_int_equal(tiny_event_count - had, queued < max ? queued : max);
	else
		assert_int_equal(tiny_event_count - had, 0);
	if (max > 0 && sense && queued < max)
		assert_false(more);
}

/* An invalidation, as after an unmap, and its wait: well, or the SMMU is dead from then on. */
static void invalidate(void)
{
	static const struct iommu_tag tags[] = { { .kind = TAG_STAGE1, .asid = 5, .vmid = 9 },
						 { .kind = TAG_STAGE2, .vmid = 3 } };
	const struct inval_range range = { .base = fuzz_below(1u << 20) << PAGE_SHIFT,
					   .size = (1 + fuzz_below(600)) << PAGE_SHIFT,
					   .leaf_shift = 12,
					   .leaf_only = fuzz_below(2) != 0 };
	u64 ticket = 0;
	enum status st = smmuv3_inval(&tiny_iommu, &tags[fuzz_below(2)], &range, 1, &ticket);

	if (st == OK && fuzz_below(4) != 0)
		st = smmuv3_ops.wait(&tiny_iommu, ticket);
	assert_true(st == OK || smmu()->dead);
}

static void hardware_errs(void)
{
	switch (fuzz_below(8)) {
	case 0:
		tiny.fail_at = 1 + (u32)fuzz_below(4);
		tiny.fail_times = 1 + (u32)fuzz_below(6);
		tiny.fail_code = (u32)fuzz_below(8);
		break;
	case 1: /* an error bit, the command queue's without a reason too */
		tiny.reg[0x60 / 4] ^= 1u << fuzz_below(10);
		break;
	case 2:
		tiny.reg[0x60 / 4] = (u32)fuzz_word();
		break;
	case 3:
		tiny.reg[0x9c / 4] = (tiny.reg[0x9c / 4] & 0xffffffu) | (u32)fuzz_below(128) << 24;
		break;
	case 4:
		tiny.reg[PROD] = (u32)fuzz_word();
		break;
	case 5:
		tiny.reg[PROD] ^= 0x80000000u;
		break;
	case 6:
		tiny.no_ack = fuzz_below(2) != 0;
		break;
	default:
		tiny.gone = fuzz_below(8) == 0;
		tiny.held = fuzz_below(4) == 0;
		tiny.on_relax = fuzz_below(2) != 0;
		break;
	}
}

static void action(void)
{
	switch (fuzz_below(8)) {
	case 0 ... 2:
		for (u64 n = 1 + fuzz_below(4); n > 0 && produce(); n--)
			;
		break;
	case 3:
		drain((u32)fuzz_below(20));
		break;
	case 4:
		(void)iommu_pending(&tiny_iommu);
		smmuv3_error(&tiny_iommu);
		fuzz_calls++;
		break;
	case 5:
		invalidate();
		fuzz_calls++;
		break;
	default:
		hardware_errs();
		break;
	}
	assert_int_equal(fake_locks_held(), 0);
	if (smmu()->dead && !tiny.no_ack && !tiny.gone)
		assert_int_equal(tiny.reg[0x20 / 4] & 1, 0);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine((u32)fuzz_below(10), boot);
	while (fuzz_next())
		action();
	return 0;
}
