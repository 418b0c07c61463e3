/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer of stream table entries and context descriptors, watched at every store: what
 * hardware reads is the old entry, an invalid one or the new one, also when it reads the words one
 * by one over a long time, which is what the flushes between the steps are for (IHI 0070 3.21.3).
 */
#include <string.h>

#include "hyp/pool.h"
#include "mem/pool_priv.h"
#include "pt_lpae.h"
#include "smmuv3/queue.h"
#include "suite.h"
#include "tiny.h"

/* The entry under watch and what was seen. */
static struct {
	u64 *words, old[8], new[8];
	u64 stored[8];     /* by single stores alone */
	u64 valid;
	u8 op;             /* of the flush that steps must be separated by; 0: none needed */
	bool word0_cached; /* word 0 changed, no flush since */
	bool rest_cached;  /* another word changed, no flush since */
	u32 log_seen;
	bool armed;
} watch;

static bool same(const u64 a[8], const u64 b[8])
{
	return memcmp(a, b, 64) == 0;
}

/* Was there a flush of this entry, with its sync, since the last look? */
static void look_for_flush(void)
{
	for (u32 i = watch.log_seen; i + 1 < tiny.log_count; i++)
		if (tiny_op(i) == watch.op && tiny_op(i + 1) == 0x46)
			watch.word0_cached = watch.rest_cached = false;
	watch.log_seen = tiny.log_count;
	if (watch.op == 0)
		watch.word0_cached = watch.rest_cached = false;
}

static void before_store(void *ctx UNUSED, u64 *at, u64 value)
{
	bool word0 = at == watch.words, valid;
	u64 next[8];

	if (!watch.armed || at < watch.words || at >= watch.words + 8)
		return;
	/* Nothing else has written to it: no copy, no clearing of a live entry. */
	if (!same(watch.words, watch.stored))
		suite_fail("a word changed by no single store");
	watch.stored[at - watch.words] = value;
	look_for_flush();
	memcpy(next, watch.words, sizeof(next));
	next[at - watch.words] = value;
	valid = (next[0] & watch.valid) != 0;
	/* A reader that is atomic sees one of three things. */
	if (valid && !same(next, watch.old) && !same(next, watch.new))
		suite_fail("word %u makes it neither entry", (u32)(at - watch.words));
	/* One that is not: no step while caches may hold a word from before the last one. */
	if (word0 && valid && watch.rest_cached)
		suite_fail("it turns valid while other words may be cached");
	if (!word0 && watch.word0_cached)
		suite_fail("word %u changes while word 0 may be cached", (u32)(at - watch.words));
	if (word0)
		watch.word0_cached = true;
	else
		watch.rest_cached = true;
}

static void arm(u64 *words, u64 valid, u8 op, const u64 new[8])
{
	memset(&watch, 0, sizeof(watch));
	watch.words = words;
	watch.valid = valid;
	watch.op = op;
	memcpy(watch.old, words, 64);
	memcpy(watch.stored, words, 64);
	memcpy(watch.new, new, 64);
	tiny_log_clear();
	watch.armed = true;
}

/* The write ended well: the entry is the new one, and no cache has another valid one. */
static void settled(void)
{
	watch.armed = false;
	look_for_flush();
	assert_true(same(watch.words, watch.new));
	assert_true(same(watch.words, watch.stored));
	assert_false(watch.word0_cached);
	if (watch.op == 0)
		assert_int_equal(tiny.log_count, 0);
}

static const struct iommu_tag tag[2] = {
	{ .kind = TAG_STAGE2, .vmid = 3, .asid = 1 },
	{ .kind = TAG_STAGE2, .vmid = 4, .asid = 2 },
};
static const struct pt s2_pt[2] = { { .ops = &pt_lpae_s2, .root = { 0x41000000 } },
				    { .ops = &pt_lpae_s2, .root = { 0x41002000 } } };
static const struct pt s1_pt[2] = { { .ops = &pt_lpae_s1, .root = { 0x41004000 } },
				    { .ops = &pt_lpae_s1, .root = { 0x41005000 } } };
static const struct iommu_table s2[3] = { { .pt = &s2_pt[0], .tag = &tag[0] },
					  { .pt = &s2_pt[1], .tag = &tag[1] },
					  { .pt = &s2_pt[1], .tag = &tag[1], .unrecorded = true } };
static const struct iommu_table s1[3] = { { .pt = &s1_pt[0], .tag = &tag[0] },
					  { .pt = &s1_pt[1], .tag = &tag[1] },
					  { .pt = &s1_pt[1], .tag = &tag[1], .unrecorded = true } };
static const struct stream_ctx ctx[2] = { { .table = { 0x40400000 }, .pages = 1 },
					  { .table = { 0x40410000 }, .pasid_bits = 6 } };

/* Of a guest: stage 1 with one context, with several, bypass, nothing at all. */
static const struct nested_config guest[] = {
	{ .word = { 0x40400000 | 5 << 1 | 1, 0x54 } },
	{ .word = { 0x40410000 | 5 << 1 | 1 | 4ull << 59, 0x56 }, .pasid_bits = 4 },
	{ .word = { 4 << 1 | 1 } },
	{ .word = { 0 } },
};

static const struct stream_config configs[] = {
	{ .mode = STREAM_BLOCKED },
	{ .mode = STREAM_QUIET },
	{ .mode = STREAM_STAGE2, .table = &s2[0] },
	{ .mode = STREAM_STAGE2, .table = &s2[1] },
	{ .mode = STREAM_STAGE2, .table = &s2[2] },
	{ .mode = STREAM_STAGE1, .ctx = &ctx[0], .vmid = 7 },
	{ .mode = STREAM_STAGE1, .ctx = &ctx[1], .vmid = 8 },
	{ .mode = STREAM_NESTED, .nested = &guest[0], .table = &s2[0] },
	{ .mode = STREAM_NESTED, .nested = &guest[0], .table = &s2[1] },
	{ .mode = STREAM_NESTED, .nested = &guest[1], .table = &s2[1] },
	{ .mode = STREAM_NESTED, .nested = &guest[1], .table = &s2[2] },
	{ .mode = STREAM_NESTED, .nested = &guest[2], .table = &s2[0] },
	{ .mode = STREAM_NESTED, .nested = &guest[3], .table = &s2[0] },
};

/* Where a stream's entry is, by walking the table that the registers name. */
static u64 *entry(u32 sid)
{
	u64 base = tiny_reg64(0x80) & 0xffffffffffffc0ull, l1;
	u32 cfg = tiny.reg[0x88 / 4];

	if (((cfg >> 16) & 3) == 0)
		return (u64 *)fake_ram(base, 64) + sid * 8ull;
	assert_int_equal((cfg >> 6) & 31, 8);
	l1 = ((u64 *)fake_ram(base, 8))[sid >> 8];
	assert_int_equal(l1 & 31, 9);
	return (u64 *)fake_ram(l1 & ~31ull, 1 << 14) + (sid & 255) * 8ull;
}

static void stream_transitions(void)
{
	const u32 n = ARRAY_SIZE(configs);
	struct smmuv3 *s = smmuv3_of(&tiny_iommu);
	u64 *words;

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0x105)), OK);
	words = entry(0x105);
	fake_store_hook_add(before_store, NULL);
	for (u32 from = 0; from < n; from++)
		for (u32 to = 0; to < n; to++) {
			u64 next[8];

			watch.armed = false;
			assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x105),
							     &configs[from]),
					 OK);
			smmuv3_ste_encode(next, &s->f, &configs[to]);
			arm(words, 1, 0x03, next);
			assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x105),
							     &configs[to]),
					 OK);
			settled();
			for (u32 i = 0; i < tiny.log_count; i++)
				assert_true(tiny_op(i) == 0x46 ||
					    (tiny.log[i].w0 == (0x03 | 0x105ull << 32) &&
					     tiny.log[i].w1 == 1));
		}
}

static void B1_B2_every_prefix_of_a_stream_entry_is_safe(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr1 |= 8 << 6; /* substreams, which a nested entry has too */
	tiny_start(m);
	stream_transitions();
}

static void B2_the_same_without_snooping_and_with_late_stores(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	m->iommu[0].coherent = false;
	tiny.idr1 |= 8 << 6;
	fake_noncoherent();
	tiny_start(m);
	stream_transitions();
	/* What hardware sees is what was written. */
	for (u32 i = 0; i < 8; i++) {
		u64 seen;

		assert_true(fake_hw_read(io_phys_of(&entry(0x105)[i]).v, &seen, 8, false));
		assert_int_equal(seen, entry(0x105)[i]);
	}
}

/* Words that were cleared behind the last flush may be in a cache as they were before: none of them turns valid there. */
static void B1_what_one_write_left_the_next_flushes(void **state UNUSED)
{
	static const u64 blocked[8];
	u64 quiet[8], *words;

	tiny_default();
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(1)), OK);
	words = entry(1);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[5]), OK);
	fake_store_hook_add(before_store, NULL);
	arm(words, 1, 0x03, blocked);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[0]), OK);
	settled();
	assert_true(watch.rest_cached);
	smmuv3_ste_encode(quiet, &smmuv3_of(&tiny_iommu)->f, &configs[1]);
	arm(words, 1, 0x03, quiet);
	watch.rest_cached = true;
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[1]), OK);
	settled();
}

/* What a walker without snooping finds is what the CPU has there, byte for byte. */
static void in_memory(u64 addr, u64 size)
{
	const u64 *cpu = fake_ram(addr, size);

	for (u64 i = 0; i < size / 8; i++) {
		u64 seen = 0;

		assert_true(fake_hw_read(addr + 8 * i, &seen, 8, false));
		if (seen != cpu[i])
			suite_fail("%#llx is %#llx in memory", (unsigned long long)(addr + 8 * i), (unsigned long long)seen);
	}
}

static void B5_new_stream_tables_are_in_memory(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	u64 base;

	m->iommu[0].coherent = false;
	fake_noncoherent();
	tiny_start(m);
	base = tiny_reg64(0x80) & 0xffffffffffffc0ull;
	in_memory(base, 8ull << ((tiny.reg[0x88 / 4] & 63) - 8));
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0x105)), OK);
	in_memory(base, 8ull << ((tiny.reg[0x88 / 4] & 63) - 8));
	in_memory(io_phys_of(entry(0x100)).v, 256 * 64);
}

/* Muting a stream that floods: it translates all the time. */
static u32 invalid_between;

static void count_invalid(void *ctx UNUSED, u64 *at, u64 value)
{
	invalid_between += at == watch.words && (value & watch.valid) == 0;
}

static void what_differs_in_a_word_is_never_invalid(void **state UNUSED)
{
	struct pool *pool;
	struct stream_ctx c;

	tiny_default();
	pool = tiny_pool(64);
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0x105)), OK);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x105), &configs[3]), OK);
	assert_int_equal(smmuv3_ctx_alloc(&tiny_iommu, pool, 0, &c), OK);
	assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, 0, &s1[1], true), OK);
	fake_store_hook_add(count_invalid, NULL);
	watch.words = entry(0x105);
	watch.valid = 1;
	invalid_between = 0;
	tiny_log_clear();
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x105), &configs[4]), OK);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x105), &configs[3]), OK);
	watch.words = (u64 *)fake_ram(c.table.v, PAGE_SIZE);
	watch.valid = 1ull << 31;
	assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, 0, &s1[2], true), OK);
	assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, 0, &s1[1], true), OK);
	fake_store_hook_remove(count_invalid, NULL);
	assert_int_equal(invalid_between, 0);
	assert_int_equal(tiny.log_count, 8); /* a flush and its sync each */
	/* What differs in more than that is. */
	fake_store_hook_add(count_invalid, NULL);
	assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, 0, &s1[0], true), OK);
	fake_store_hook_remove(count_invalid, NULL);
	assert_int_equal(invalid_between, 1);
}

static void detach_needs_one_flush(void **state UNUSED)
{
	tiny_default();
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(1)), OK);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[5]), OK);
	tiny_log_clear();
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[0]), OK);
	assert_int_equal(tiny.log_count, 2);
	/* Blocked already: nothing to do. */
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[0]), OK);
	assert_int_equal(tiny.log_count, 2);
}

static void B3_a_failed_flush_leaves_the_stream_blocked(void **state UNUSED)
{
	for (u32 flush = 1; flush <= 3; flush++) {
		fake_reset();
		tiny_default();
		assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(1)), OK);
		assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[2]), OK);
		tiny.fail_at = 2 * flush - 1;
		tiny.fail_times = 1;
		tiny.fail_code = 0x55;
		assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[5]), E_IO);
		assert_true(tiny_iommu.dead);
		/* Only after the last store is the new entry there; and translation is off. */
		assert_int_equal(entry(1)[0] & 1, flush == 3);
		assert_int_equal(tiny.reg[0x20 / 4], 0);
	}
}

static void context_transitions(u32 pasid, bool live)
{
	struct smmuv3 *s = smmuv3_of(&tiny_iommu);
	struct pool *pool = tiny_pool(64);
	const struct iommu_table *const tables[] = { NULL, &s1[0], &s1[1], &s1[2] };
	struct stream_ctx c;
	u64 *words;

	assert_int_equal(smmuv3_ctx_alloc(&tiny_iommu, pool, 4, &c), OK);
	words = (u64 *)fake_ram(c.table.v, PAGE_SIZE) + pasid * 8ull;
	fake_store_hook_add(before_store, NULL);
	for (u32 from = 0; from < ARRAY_SIZE(tables); from++)
		for (u32 to = 0; to < ARRAY_SIZE(tables); to++) {
			u64 next[8] = { 0 };

			watch.armed = false;
			assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, pasid,
							  tables[from], live),
					 OK);
			if (tables[to] != NULL)
				smmuv3_cd_encode(next, &s->f, tables[to]);
			arm(words, 1ull << 31, live ? 0x05 : 0, next);
			assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, pasid,
							  tables[to], live),
					 OK);
			settled();
			for (u32 i = 0; i < tiny.log_count; i++)
				assert_true(tiny_op(i) == 0x46 ||
					    tiny.log[i].w0 == (0x05 | 5ull << 32 | pasid << 12));
		}
}

static struct smmuv3 *start_pasids(u32 bits, bool two_level)
{
	struct machine *m = tiny_machine();

	tiny.idr1 |= bits << 6;
	tiny.idr0 |= two_level ? 1u << 19 : 0;
	return tiny_start(m);
}

static void B1_B2_every_prefix_of_a_live_context_is_safe(void **state UNUSED)
{
	start_pasids(8, false);
	context_transitions(11, true);
}

static void B2_a_context_that_is_not_live_needs_no_command(void **state UNUSED)
{
	start_pasids(8, false);
	context_transitions(0, false);
}

static void D8_pasids_beyond_the_table_are_refused(void **state UNUSED)
{
	struct stream_ctx c;
	struct pool *pool;

	start_pasids(8, false);
	pool = tiny_pool(64);
	assert_int_equal(smmuv3_ctx_alloc(&tiny_iommu, pool, 9, &c), E_INVAL);
	assert_int_equal(smmuv3_ctx_alloc(&tiny_iommu, pool, 8, &c), OK);
	assert_int_equal(c.pages, 4);
	assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, 256, &s1[0], true), E_INVAL);
	assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, 255, &s1[0], true), OK);
}

static void context_tables_of_every_size(void **state UNUSED)
{
	struct pool *pool;
	u64 before;

	start_pasids(20, true);
	assert_int_equal(tiny_iommu.caps.pasid_bits, 16);
	pool = tiny_pool(2048);
	before = pool_free_pages(pool);
	for (u8 bits = 0; bits <= 16; bits++) {
		const u32 last = (1u << bits) - 1;
		struct stream_ctx c;
		u64 *words, at;

		assert_int_equal(smmuv3_ctx_alloc(&tiny_iommu, pool, bits, &c), OK);
		assert_int_equal(pool_free_pages(pool), before - c.pages);
		assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(5), &c, last, &s1[1], true), OK);
		/* As hardware finds it: 5.3, 5.4. */
		at = c.table.v + last * 64ull;
		if (bits > 12) {
			u64 l1 = *(u64 *)fake_ram(c.table.v + (last >> 10) * 8, 8);

			assert_int_equal(l1 & 0xffff, 1); /* V, and 64 KiB alignment */
			at = (l1 & ~0xffffull) + (last & 1023) * 64;
		}
		words = fake_ram(at, 64);
		assert_int_equal(words[0] >> 48, 2);
		assert_int_equal(words[1], 0x41005000);
		assert_int_equal(c.table.v & ((bits <= 12 ? 64ull << bits : 64) - 1), 0);
		smmuv3_ctx_free(&tiny_iommu, pool, &c);
		assert_int_equal(pool_free_pages(pool), before);
		smmuv3_ctx_free(&tiny_iommu, pool, &c); /* empty: nothing */
	}
}

static void B5_new_context_tables_are_in_memory(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	struct pool *pool;

	tiny.idr1 |= 20u << 6;
	tiny.idr0 |= 1u << 19;
	m->iommu[0].coherent = false;
	fake_noncoherent();
	tiny_start(m);
	pool = tiny_pool(2048);
	for (u8 bits = 0; bits <= 16; bits++) {
		struct stream_ctx c;
		const u64 *l1;

		assert_int_equal(smmuv3_ctx_alloc(&tiny_iommu, pool, bits, &c), OK);
		in_memory(c.table.v, bits <= 12 ? c.pages * PAGE_SIZE : PAGE_SIZE);
		l1 = fake_ram(c.table.v, PAGE_SIZE);
		for (u32 i = 0; bits > 12 && i < 1u << (bits - 10); i++)
			in_memory(l1[i] & ~0xffffull, 1024 * 64);
		smmuv3_ctx_free(&tiny_iommu, pool, &c);
	}
}

static void D12_no_memory_at_any_allocation_leaves_nothing(void **state UNUSED)
{
	struct stream_ctx c;
	struct pool *pool;
	u64 before;
	u32 n = 0;

	start_pasids(20, true);
	pool = tiny_pool(2048);
	before = pool_free_pages(pool);
	for (u8 bits = 0; bits <= 14; bits += 7)
		for (n = 1;; n++) {
			enum status status;

			pool_fail_after = n;
			status = smmuv3_ctx_alloc(&tiny_iommu, pool, bits, &c);
			if (status == OK) {
				smmuv3_ctx_free(&tiny_iommu, pool, &c);
				break;
			}
			assert_int_equal(status, E_NOMEM);
			assert_int_equal(pool_free_pages(pool), before);
			assert_true(n <= 17);
		}
	assert_int_equal(n, 18); /* 16 leaves and the first level */
	pool_fail_after = 0;
}

static void without_a_stage_its_modes_are_refused(void **state UNUSED)
{
	struct machine *m = tiny_machine();
	struct stream_ctx c;

	tiny.idr0 = (TINY_IDR0 & ~3u) | 1;
	tiny_start(m);
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(1)), OK);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[5]), E_NOSYS);
	assert_int_equal(smmuv3_ctx_alloc(&tiny_iommu, NULL, 0, &c), E_NOSYS);
	assert_int_equal(smmuv3_ctx_write(&tiny_iommu, sid(1), &ctx[0], 0, &s1[0], true), E_NOSYS);
	fake_reset();
	m = tiny_machine();
	tiny.idr0 = (TINY_IDR0 & ~3u) | 2;
	tiny_start(m);
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(1)), OK);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[2]), E_NOSYS);
}

static void where_nesting_is_broken_its_mode_is_refused(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.iidr = 0x48310000 | 0x43b;
	tiny_start(m);
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(1)), OK);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[7]), E_NOSYS);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(entry(1)[i], 0);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(1), &configs[2]), OK);
}

static void B9_streams_without_an_entry(void **state UNUSED)
{
	tiny_default();
	/* Beyond SIDSIZE: never. In an absent leaf: not before init. */
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0x10000)), E_INVAL);
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(~0u)), E_INVAL);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x10000), &configs[0]), E_INVAL);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x200), &configs[2]), E_INVAL);
	tiny_log_clear();
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0xffff)), OK);
	/* A new first-level descriptor: all streams of its leaf, whoever was cached. */
	assert_int_equal(tiny.log[0].w0, 0x04);
	assert_int_equal(tiny.log[0].w1, 31);
	tiny_log_clear();
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0xff00)), OK);
	assert_int_equal(tiny.log_count, 0);
	for (u32 i = 0; i < 256 * 8; i++)
		assert_int_equal(entry(0xff00)[i], 0);
	assert_ptr_equal(entry(0xffff), entry(0xff00) + 255 * 8);
}

static void B9_a_linear_table_holds_the_boards_streams(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	tiny.idr0 &= ~(3u << 27);
	m->pci[0].sidmap[0].count = 0x300;
	tiny_start(m);
	assert_int_equal(tiny.reg[0x88 / 4], 10);
	assert_int_equal(tiny_reg64(0x80) & 0xffff & ~(1ull << 62), 0); /* aligned to 64 KiB */
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0x3ff)), OK);
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(0x400)), E_INVAL);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x400), &configs[2]), E_INVAL);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(0x3ff), &configs[2]), OK);
	assert_int_equal(entry(0x3ff)[3], 0x41000000);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(B1_B2_every_prefix_of_a_stream_entry_is_safe),
		cmocka_unit_test(B2_the_same_without_snooping_and_with_late_stores),
		cmocka_unit_test(B1_what_one_write_left_the_next_flushes),
		cmocka_unit_test(B5_new_stream_tables_are_in_memory),
		cmocka_unit_test(what_differs_in_a_word_is_never_invalid),
		cmocka_unit_test(detach_needs_one_flush),
		cmocka_unit_test(B3_a_failed_flush_leaves_the_stream_blocked),
		cmocka_unit_test(B1_B2_every_prefix_of_a_live_context_is_safe),
		cmocka_unit_test(B2_a_context_that_is_not_live_needs_no_command),
		cmocka_unit_test(D8_pasids_beyond_the_table_are_refused),
		cmocka_unit_test(context_tables_of_every_size),
		cmocka_unit_test(B5_new_context_tables_are_in_memory),
		cmocka_unit_test(D12_no_memory_at_any_allocation_leaves_nothing),
		cmocka_unit_test(without_a_stage_its_modes_are_refused),
		cmocka_unit_test(where_nesting_is_broken_its_mode_is_refused),
		cmocka_unit_test(B9_streams_without_an_entry),
		cmocka_unit_test(B9_a_linear_table_holds_the_boards_streams),
	};

	return SUITE("smmuv3_entry", cases);
}
