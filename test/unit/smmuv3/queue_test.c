/* SPDX-License-Identifier: BSD-2-Clause */
/* The command queue: positions, tickets, a full queue, time-outs, command errors. */
#include "smmuv3/queue.h"

#include <string.h>

#include "hyp/io.h"
#include "suite.h"
#include "tiny.h"

#define PAGE(n) ((u64)(n) << 12)

static const struct iommu_tag tag = { .kind = TAG_STAGE1, .asid = 5, .vmid = 9 };

/* The n-th page, so that commands can be told apart. */
static u64 inval(u64 page)
{
	struct inval_range r = { .base = PAGE(page), .size = PAGE_SIZE, .leaf_shift = 12, .leaf_only = true };
	u64 ticket = 0;

	assert_int_equal(smmuv3_inval(&tiny_iommu, &tag, &r, 1, &ticket), OK);
	return ticket;
}

static enum status wait(u64 ticket)
{
	return smmuv3_ops.wait(&tiny_iommu, ticket);
}

static struct smmuv3 *start(u32 log2)
{
	struct machine *m = tiny_machine();

	tiny.idr1 = (TINY_IDR1 & ~(31u << 21)) | log2 << 21;
	return tiny_start(m);
}

static void C8_positions_are_exact_for_every_size(void **state UNUSED)
{
	for (u32 log2 = 0; log2 <= 19; log2++) {
		u64 size = 1ull << log2;
		u32 wrap = (u32)(2 * size - 1);
		const u64 from[] = { 0, size - 1, size, 2 * size - 1, 2 * size, 3 * size + size / 2,
				     (1ull << 32) - 1, 1ull << 32, (1ull << 32) + size - 1,
				     (1ull << 40) - size, ~0ull - 3 * size };

		for (u32 i = 0; i < ARRAY_SIZE(from); i++)
			for (u64 d = 0; d <= size; d += d < 3 || d + 3 > size ? 1 : size / 5 + 1) {
				u64 at = from[i] + d;

				assert_int_equal(queue_position(from[i], (u32)at & wrap, wrap), at);
			}
	}
}

/* Every ticket outstanding, asked at every step of the hardware, over several laps. */
static void A10_C8_tickets_complete_in_order_and_once(void **state UNUSED)
{
	for (u32 log2 = 1; log2 <= 6; log2++) {
		struct smmuv3 *s;
		u64 ticket[64], size = 1u << log2;
		u32 n = 0;

		fake_reset();
		s = start(log2);
		/* Begin close to where 32 bits end. */
		s->cmdq.prod = s->cmdq.cons = tiny.prod = tiny.cons = (1ull << 32) - 5;
		tiny.reg[0x98 / 4] = tiny.reg[0x9c / 4] = (u32)s->cmdq.prod & s->cmdq.wrap;
		tiny.held = true;
		for (u32 lap = 0; lap < 9; lap++) {
			u64 low = tiny.cons;

			for (n = 0; n < size / 2; n++)
				ticket[n] = inval(n);
			for (;;) {
				for (u32 i = 0; i < n; i++)
					assert_int_equal(cmdq_done(s, ticket[i]),
							 tiny.cons >= ticket[i]);
				if (tiny.cons == tiny.prod)
					break;
				tiny_consume(1);
			}
			assert_true(low < tiny.cons);
			/* Older tickets stay complete, whatever lap it is. */
			assert_true(cmdq_done(s, low));
			assert_int_equal(wait(ticket[0]), OK);
		}
	}
}

static void C8_a_full_queue_never_overwrites(void **state UNUSED)
{
	for (u32 log2 = 0; log2 <= 8; log2++) {
		u32 expected = 0;

		fake_reset();
		start(log2);
		tiny_log_clear();
		tiny.on_relax = true;
		fake_stores_policy(FAKE_STORES_AT_BARRIER);
		/* The model refuses a producer that laps its consumer; here the commands are counted. */
		for (u32 i = 0; i < 3000; i++) {
			u64 t = inval(i);

			if (fake_random_below(8) == 0)
				assert_int_equal(wait(t), OK);
		}
		tiny.on_relax = false;
		tiny_consume(~0u);
		for (u32 i = 0; i < tiny.log_count; i++) {
			if (tiny_op(i) == 0x46)
				continue;
			assert_int_equal(tiny_op(i), 0x12);
			assert_int_equal(tiny.log[i].w1 >> 12, expected++);
		}
		assert_int_equal(expected, 3000);
	}
}

static void batches_longer_than_the_queue(void **state UNUSED)
{
	for (u32 log2 = 0; log2 <= 5; log2++) {
		struct smmuv3 *s;
		struct cmdq_batch b;
		u64 ticket;

		fake_reset();
		s = start(log2);
		tiny_log_clear();
		tiny.on_relax = true;
		b = cmdq_begin(s);
		for (u64 i = 0; i < 100; i++)
			cmdq_add(s, &b, 0x12, PAGE(i));
		ticket = cmdq_end(s, &b);
		assert_int_equal(wait(ticket), OK);
		assert_int_equal(tiny.log_count, 101);
		for (u32 i = 0; i < 100; i++)
			assert_int_equal(tiny.log[i].w1, PAGE(i));
		assert_int_equal(tiny_op(100), 0x46);
	}
}

static void one_sync_and_one_doorbell_a_batch(void **state UNUSED)
{
	tiny_default();
	tiny_log_clear();
	assert_int_equal(wait(inval(3)), OK);
	assert_int_equal(tiny.log_count, 2);
	assert_int_equal(tiny.doorbells, 1);
	assert_int_equal(tiny.log[0].w0, 0x12 | 9ull << 32 | 5ull << 48);
	assert_int_equal(tiny.log[0].w1, PAGE(3) | 1);
	assert_int_equal(tiny.log[1].w0, 0x46); /* CS = none: no message, no event */
	assert_int_equal(tiny.log[1].w1, 0);
}

static void C13_commands_are_visible_before_the_doorbell(void **state UNUSED)
{
	tiny_default();
	tiny_log_clear();
	fake_stores_policy(FAKE_STORES_AT_BARRIER);
	for (u32 i = 0; i < 600; i++)
		assert_int_equal(wait(inval(i)), OK);
	for (u32 i = 0; i < 600; i++)
		assert_int_equal(tiny.log[2 * i].w1, PAGE(i) | 1);
}

static void B5_commands_are_cleaned_for_hardware_that_does_not_snoop(void **state UNUSED)
{
	struct machine *m = tiny_machine();

	fake_noncoherent();
	m->iommu[0].coherent = false;
	tiny_start(m);
	assert_false(tiny_iommu.caps.coherent);
	tiny_log_clear();
	for (u32 i = 0; i < 600; i++)
		assert_int_equal(wait(inval(i)), OK);
	for (u32 i = 0; i < 600; i++) {
		assert_int_equal(tiny.log[2 * i].w1, PAGE(i) | 1);
		assert_int_equal(tiny_op(2 * i + 1), 0x46);
	}
}

static void is_dead(const struct smmuv3 *s)
{
	struct inval_range r = { .size = PAGE_SIZE, .leaf_shift = 12 };
	struct stream_config blocked = { .mode = STREAM_BLOCKED };
	u32 writes = tiny.writes;
	u64 ticket;

	assert_true(s->dead && tiny_iommu.dead);
	assert_int_equal(tiny.reg[0x20 / 4], 0);          /* translation off ... */
	assert_true((tiny.reg[0x44 / 4] & 1u << 20) != 0); /* ... means abort */
	for (u32 kind = 0; kind < 3; kind++) {
		const struct iommu_tag any = { .kind = kind };

		assert_int_equal(smmuv3_inval(&tiny_iommu, &any, &r, 1, &ticket), E_IO);
		assert_int_equal(smmuv3_inval(&tiny_iommu, &any, NULL, 0, &ticket), E_IO);
	}
	if (smmuv3_stream_init(&tiny_iommu, sid(8)) == OK)
		assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(8), &blocked), E_IO);
	assert_int_equal(tiny.writes, writes);
	assert_int_equal(fake_locks_held(), 0);
	assert_non_null(strstr(fake_console, "blocked from now on"));
}

static void C9_a_wait_has_a_limit(void **state UNUSED)
{
	struct smmuv3 *s = tiny_default();
	u64 t, begin;

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	tiny.held = true;
	t = inval(1);
	begin = fake_time_now();
	assert_int_equal(wait(t), E_IO);
	assert_in_range(fake_time_now() - begin, IOMMU_WAIT_US, IOMMU_WAIT_US * 3 / 2);
	is_dead(s);
	/* It comes back to life: too late. */
	tiny.held = false;
	assert_int_equal(wait(t + 2), E_IO);
	is_dead(s);
}

static void C12_a_queue_that_stays_full_has_a_limit(void **state UNUSED)
{
	const struct inval_range r = { .size = PAGE_SIZE, .leaf_shift = 12 };
	struct smmuv3 *s = start(3);
	u64 t, begin;

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	tiny.held = true;
	for (u32 i = 0; i < 4; i++)
		inval(i);
	begin = fake_time_now();
	assert_int_equal(smmuv3_inval(&tiny_iommu, &tag, &r, 1, &t), E_IO);
	assert_in_range(fake_time_now() - begin, IOMMU_WAIT_US, IOMMU_WAIT_US * 3 / 2);
	is_dead(s);
}

static void a_completion_at_the_last_moment_counts(void **state UNUSED)
{
	struct smmuv3 *s = tiny_default();
	u64 t;

	tiny.held = true;
	t = inval(1);
	tiny_consume(2);
	/* The clock says that it is too late already at the first look. */
	fake_time_step(2 * IOMMU_WAIT_US);
	tiny.reg[0x9c / 4] |= 1u << 24; /* a stale error code: not the fast path */
	assert_int_equal(wait(t), OK);
	assert_false(s->dead);
}

static void a_register_of_ones_is_no_completion(void **state UNUSED)
{
	for (u32 log2 = 0; log2 <= 8; log2 += 4) {
		const struct inval_range r = { .size = PAGE_SIZE, .leaf_shift = 12 };
		struct smmuv3 *s;
		u64 t;

		fake_reset();
		s = start(log2);
		/* A ticket whose index is all ones: an odd position, and so are all from here on. */
		if ((s->cmdq.prod & 1) == 0) {
			struct cmdq_batch b = cmdq_begin(s);

			cmdq_add(s, &b, 0x12, PAGE(1));
			cmdq_add(s, &b, 0x12, PAGE(2));
			assert_int_equal(wait(cmdq_end(s, &b)), OK);
		}
		while (((s->cmdq.prod + 2) & s->cmdq.wrap) != s->cmdq.wrap)
			assert_int_equal(wait(inval(0)), OK);
		tiny.held = true;
		tiny.gone = true;
		if (smmuv3_inval(&tiny_iommu, &tag, &r, 1, &t) == OK)
			assert_int_equal(wait(t), E_IO);
		assert_true(s->dead);
		assert_false(cmdq_done(s, s->cmdq.prod));
	}
}

static void a_consumer_that_cannot_be_there_is_no_completion(void **state UNUSED)
{
	struct smmuv3 *s = tiny_default();
	u64 t;

	tiny.held = true;
	t = inval(1);
	/* Before the first command there was. */
	for (u32 before = 1; before < s->cmdq.size - t; before++) {
		tiny.reg[0x9c / 4] = (0 - before) & s->cmdq.wrap;
		assert_false(cmdq_done(s, t));
	}
	for (u32 ahead = 1; ahead < s->cmdq.size; ahead++) {
		tiny.reg[0x9c / 4] = (u32)(s->cmdq.prod + ahead) & s->cmdq.wrap;
		assert_false(cmdq_done(s, t));
	}
}

/* --- command errors */

static struct smmuv3 *start_failing(u32 nth, u32 code, u32 times)
{
	struct smmuv3 *s = tiny_default();

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	tiny_log_clear();
	fake_stores_policy(FAKE_STORES_AT_BARRIER); /* a stand-in is there before hardware is told to go on */
	smmuv3_ill_panics = false;
	tiny.fail_at = nth;
	tiny.fail_code = code;
	tiny.fail_times = times;
	return s;
}

static void C9_an_illegal_command_is_our_alarm(void **state UNUSED)
{
	start_failing(1, CERROR_ILL, 1);
	smmuv3_ill_panics = true;
	assert_panics((void)wait(inval(1)));
	assert_non_null(strstr(fake_console, "is illegal"));
}

static void C9_an_illegal_invalidation_becomes_a_wider_one(void **state UNUSED)
{
	struct smmuv3 *s = start_failing(1, CERROR_ILL, 1);

	assert_int_equal(wait(inval(1)), OK);
	assert_int_equal(tiny.log_count, 2);
	assert_int_equal(tiny.log[0].w0, 0x30); /* NSNH_ALL */
	assert_int_equal(tiny.log[0].w1, 0);
	assert_int_equal(s->cmdq.errors, 1);
	/* Everything goes on. */
	assert_int_equal(wait(inval(2)), OK);
	assert_int_equal(tiny_op(2), 0x12);
	assert_int_equal(tiny.reg[0x60 / 4], tiny.reg[0x64 / 4]);
	assert_false(iommu_pending(&tiny_iommu));
}

static void C9_an_illegal_configuration_flush_becomes_a_wider_one(void **state UNUSED)
{
	struct stream_ctx ctx = { .table = { 0x40300000 } };
	struct stream_config c = { .mode = STREAM_STAGE1, .ctx = &ctx };

	start_failing(1, CERROR_ILL, 1);
	assert_int_equal(smmuv3_stream_write(&tiny_iommu, sid(8), &c), OK);
	assert_non_null(strstr(fake_console, "command 0x3 is illegal"));
	assert_null(strstr(fake_console, "00000008")); /* V6: the primary sees the log */
	assert_int_equal(tiny.log[0].w0, 0x04);
	assert_int_equal(tiny.log[0].w1, 31);
	assert_int_equal(tiny_op(1), 0x46);
}

static void C9_an_illegal_sync_is_written_again(void **state UNUSED)
{
	start_failing(2, CERROR_ILL, 1);
	assert_int_equal(wait(inval(1)), OK);
	assert_int_equal(tiny_op(1), 0x46);
}

static void C9_illegal_twice_is_the_end(void **state UNUSED)
{
	struct smmuv3 *s = start_failing(1, CERROR_ILL, 2);

	assert_int_equal(wait(inval(1)), E_IO);
	is_dead(s);
}

/* Nor is there a stand-in for what we never send: what would be wide enough, nobody has looked at. */
static void C9_a_command_that_no_one_knows_is_the_end(void **state UNUSED)
{
	static const u8 ops[] = { 0xff, OP_PREFETCH_CONFIG, OP_CFGI_CD_ALL + 1, OP_TLBI_EL2_ALL };

	for (u32 i = 0; i < ARRAY_SIZE(ops); i++) {
		struct smmuv3 *s;
		struct cmdq_batch b;

		fake_reset();
		s = start_failing(1, CERROR_ILL, 1);
		b = cmdq_begin(s);
		cmdq_add(s, &b, ops[i], 0);
		assert_int_equal(wait(cmdq_end(s, &b)), E_IO);
		is_dead(s);
	}
}

/* An error without a command that it could be about: behind the last, or at none that was ever queued. */
static void C9_an_error_of_no_command_is_the_end(void **state UNUSED)
{
	for (u32 ahead = 0; ahead < 2; ahead++) {
		struct smmuv3 *s;

		fake_reset();
		s = start_failing(0, 0, 0);
		tiny.held = true;
		(void)inval(1);
		tiny.reg[0x9c / 4] = ((u32)(s->cmdq.prod + ahead) & s->cmdq.wrap) | CERROR_ABT << 24;
		tiny.reg[0x60 / 4] ^= 1;
		smmuv3_error(&tiny_iommu);
		is_dead(s);
	}
}

static u32 lies_left;

static void lie_at_first(u32 offset)
{
	if (offset != 0x9c)
		return;
	if (lies_left == 0) {
		tiny.reg[0x9c / 4] = (u32)tiny.cons & 15;
		tiny.held = false;
		tiny_consume(~0u);
	} else {
		lies_left--;
	}
}

/* A queue has no room by the word of a register that says what cannot be, and what it said is forgotten. */
static void C12_a_consumer_that_cannot_be_there_makes_no_room(void **state UNUSED)
{
	const struct inval_range r = { .size = PAGE_SIZE, .leaf_shift = 12 };
	struct smmuv3 *s = start(3);
	u64 t;

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	tiny.held = true;
	for (u32 i = 0; i < 4; i++)
		inval(i);
	tiny.reg[0x9c / 4] = (u32)(s->cmdq.prod + 2) & s->cmdq.wrap;
	lies_left = 3;
	tiny.before_read = lie_at_first;
	assert_int_equal(wait(inval(4)), OK);
	tiny.before_read = NULL;
	tiny.held = true;
	for (u32 i = 0; i < 4; i++)
		inval(i);
	tiny.reg[0x9c / 4] = (u32)(s->cmdq.prod + 2) & s->cmdq.wrap;
	assert_int_equal(smmuv3_inval(&tiny_iommu, &tag, &r, 1, &t), E_IO);
	is_dead(s);
}

/* Who forgets what a device kept is told when nobody could ask it. */
static void G1_no_flush_of_a_device_by_a_dead_smmu(void **state UNUSED)
{
	const struct inval_range r = { .size = PAGE_SIZE, .leaf_shift = 12 };
	struct smmuv3 *s = start_failing(1, CERROR_ILL, 2);
	u64 t;

	assert_int_equal(wait(inval(1)), E_IO);
	assert_int_equal(smmuv3_atc_flush(s, 8), E_IO);
	assert_null(s->cmdq.watched);
	/* Nor where there is no room for the question. */
	fake_reset();
	s = start(3);
	tiny.held = true;
	for (u32 i = 0; i < 4; i++)
		inval(i);
	assert_int_equal(smmuv3_inval(&tiny_iommu, &tag, &r, 1, &t), E_IO);
	assert_int_equal(smmuv3_atc_flush(s, 8), E_IO);
	assert_null(s->cmdq.watched);
}

static bool three_seconds_a_turn;

static void three_seconds(void *ctx UNUSED) { fake_time_advance(3000000); }

static void failing_sync(u32 code, u32 times, bool ends_well)
{
	struct smmuv3 *s;

	fake_reset();
	s = start_failing(2, code, times);
	if (!ends_well) {
		assert_int_equal(wait(inval(1)), E_IO);
		is_dead(s);
		return;
	}
	if (three_seconds_a_turn) {
		s->cmdq.patience = ATC_WAIT_US;
		fake_relax_hook_add(three_seconds, NULL);
	}
	assert_int_equal(wait(inval(1)), OK);
	fake_relax_hook_remove(three_seconds, NULL);
	assert_int_equal(tiny.log_count, 2);
	assert_int_equal(s->cmdq.errors, times);
	assert_int_equal(wait(inval(2)), OK);
}

static void C9_fetch_aborts_are_tried_again(void **state UNUSED)
{
	for (u32 times = 1; times <= 4; times++)
		failing_sync(CERROR_ABT, times, times < 4);
}

/* One sync may be behind 64 devices that do not answer, and hardware may say so of each. */
static void C9_V9_many_devices_before_one_sync(void **state UNUSED)
{
	static const u32 times[] = { 1, 3, 4, 5, 63, 64, 65 };

	for (u32 i = 0; i < ARRAY_SIZE(times); i++)
		failing_sync(CERROR_ATC_INV_SYNC, times[i], times[i] <= 64);
	/* However long it takes in all. */
	three_seconds_a_turn = true;
	failing_sync(CERROR_ATC_INV_SYNC, 64, true);
}

/* A device that answers late, but in time, is no error: each command that is done is progress. Then nothing moves any more. */
static u32 slow_left;

static void answer_slowly(void *ctx UNUSED)
{
	fake_time_advance(3000000);
	if (slow_left == 0)
		return;
	slow_left--;
	tiny_consume(2);
}

static void C9_V9_slow_devices_are_progress(void **state UNUSED)
{
	for (u32 devices = 5; devices <= 6; devices++) {
		struct smmuv3 *s;
		u64 ticket = 0;

		fake_reset();
		s = tiny_default();
		s->cmdq.patience = ATC_WAIT_US;
		tiny.held = true;
		slow_left = 5;
		for (u32 i = 0; i < devices; i++)
			ticket = inval(i);
		fake_relax_hook_add(answer_slowly, NULL);
		assert_int_equal(wait(ticket), devices == 5 ? OK : E_IO);
		fake_relax_hook_remove(answer_slowly, NULL);
		assert_int_equal(s->dead, devices == 6);
		assert_int_equal(s->cmdq.mishaps, 0);
	}
}

/* A position that changes for ever is no progress. */
static void mad(void *ctx UNUSED)
{
	static u32 turn;

	fake_time_advance(1000);
	tiny.reg[SMMU_CMDQ_CONS / 4] = ++turn & 1;
}

static void C9_a_position_that_jumps_for_ever_is_no_progress(void **state UNUSED)
{
	struct smmuv3 *s = tiny_default();
	u64 ticket = 0;

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	tiny.held = true;
	for (u32 i = 0; i < 2; i++)
		ticket = inval(i);
	fake_relax_hook_add(mad, NULL);
	assert_int_equal(wait(ticket), E_IO);
	fake_relax_hook_remove(mad, NULL);
	is_dead(s);
}

/* One device after the other is given up, three seconds each; then nothing moves any more. */
static u32 given_up, moves_left;

static void give_up(void *ctx UNUSED)
{
	fake_time_advance(3000000);
	if (moves_left > 0)
		tiny_consume(1); /* what failed before, and what is behind the last of it */
	if (given_up == 0) {
		moves_left -= moves_left > 0;
		return;
	}
	given_up--;
	tiny.fail_at = 1;
	tiny.fail_times = 1;
	tiny_consume(1);
}

static void C9_each_device_that_is_given_up_is_progress(void **state UNUSED)
{
	for (u32 devices = 3; devices <= 4; devices++) {
		struct smmuv3 *s;
		u64 ticket = 0;

		fake_reset();
		s = start_failing(0, CERROR_ATC_INV_SYNC, 0);
		s->cmdq.patience = ATC_WAIT_US;
		tiny.held = true;
		given_up = 3;
		moves_left = 2;
		for (u32 i = 0; i < devices; i++)
			ticket = inval(i);
		tiny_consume(1);
		fake_relax_hook_add(give_up, NULL);
		assert_int_equal(wait(ticket), devices == 3 ? OK : E_IO);
		fake_relax_hook_remove(give_up, NULL);
		assert_int_equal(s->dead, devices == 4);
		assert_int_equal(s->cmdq.mishaps, 3);
	}
}

/* Away for ten seconds: hardware stops meanwhile, and perhaps another CPU has it go on. The next time all is done. */
static u32 away;
static bool another_repairs;

static void be_away(void *ctx UNUSED)
{
	fake_time_advance(10000000);
	tiny_consume(away++ == 0 ? 1 : ~0u);
	if (away == 1 && another_repairs)
		smmuv3_error(&tiny_iommu);
}

static struct smmuv3 *start_away(u32 code, bool another)
{
	struct smmuv3 *s;

	fake_reset();
	s = start_failing(1, code, 1);
	tiny.held = true;
	away = 0;
	another_repairs = another;
	fake_relax_hook_add(be_away, NULL);
	return s;
}

static void C9_hardware_that_waits_for_who_was_away_is_not_late(void **state UNUSED)
{
	for (u32 code = CERROR_ILL; code <= CERROR_ATC_INV_SYNC; code++)
		for (u32 another = 0; another < 2; another++) {
			struct smmuv3 *s = start_away(code, another != 0);

			assert_int_equal(wait(inval(1)), OK);
			fake_relax_hook_remove(be_away, NULL);
			assert_false(s->dead);
			assert_int_equal(s->cmdq.errors, 1);
		}
}

static u32 positions_read;

/* A wait during which hardware moves before or behind a read of its position: it ends well. */
static void moves_and_ends(void (*before)(u32 offset), void (*after)(u32 offset))
{
	struct smmuv3 *s = tiny_default();
	u64 ticket = 0;

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	tiny.held = true;
	for (u32 i = 0; i < 4; i++)
		ticket = inval(i);
	positions_read = 0;
	tiny.before_read = before;
	tiny.after_read = after;
	assert_int_equal(wait(ticket), OK);
	tiny.before_read = NULL;
	tiny.after_read = NULL;
	assert_false(s->dead);
}

/* Behind one look at where hardware is: a command, and ten seconds. The next time all is done. */
static void move_on(u32 offset)
{
	if (offset != SMMU_CMDQ_CONS)
		return;
	positions_read++;
	if (positions_read == 4) { /* the second of is_late() */
		tiny_consume(1);
		fake_time_advance(10000000);
	}
	if (positions_read == 6)
		tiny_consume(~0u);
}

static void C9_nor_is_what_moved_between_two_looks(void **state UNUSED) { moves_and_ends(NULL, move_on); }

/* Between the clock and the look at where hardware is: ten seconds, and a command at their end. The rest takes until the next look. */
static void move_late(u32 offset)
{
	if (offset != SMMU_CMDQ_CONS)
		return;
	positions_read++;
	if (positions_read == 4) { /* the second of is_late() */
		fake_time_advance(10000000);
		tiny_consume(1);
	}
	if (positions_read == 8)
		tiny_consume(~0u);
}

static void C9_nor_is_what_moved_since_the_clock_was_read(void **state UNUSED) { moves_and_ends(move_late, NULL); }

static void C9_nor_is_a_full_queue_that_does(void **state UNUSED)
{
	for (u32 code = CERROR_ILL; code <= CERROR_ATC_INV_SYNC; code++) {
		struct smmuv3 *s = start_away(code, false);

		for (u32 i = 0; i < s->cmdq.size; i++)
			inval(i);
		fake_relax_hook_remove(be_away, NULL);
		assert_int_equal(away, 2);
		assert_false(s->dead);
		assert_int_equal(s->cmdq.errors, 1);
	}
}

static void C9_unknown_errors_are_the_end(void **state UNUSED)
{
	static const u32 codes[] = { 0, 4, 0x7f };

	for (u32 i = 0; i < ARRAY_SIZE(codes); i++) {
		struct smmuv3 *s;

		fake_reset();
		s = start_failing(1, codes[i], 1);
		assert_int_equal(wait(inval(1)), E_IO);
		is_dead(s);
	}
}

static void C9_an_error_in_a_full_queue_is_repaired_by_who_needs_room(void **state UNUSED)
{
	struct smmuv3 *s = start(2);

	smmuv3_ill_panics = false;
	tiny_log_clear();
	tiny.fail_at = 1;
	tiny.fail_times = 1;
	tiny.fail_code = CERROR_ILL;
	inval(0);
	inval(1);
	assert_int_equal(wait(inval(2)), OK);
	assert_int_equal(tiny_op(0), 0x30);
	assert_int_equal(tiny_count(0x12), 2);
	assert_false(s->dead);
}

static void C9_the_interrupt_repairs_too(void **state UNUSED)
{
	struct smmuv3 *s = start_failing(1, CERROR_ILL, 1);
	u64 t = inval(1);

	smmuv3_error(&tiny_iommu);
	assert_false(iommu_pending(&tiny_iommu));
	assert_true(cmdq_done(s, t));
	assert_int_equal(wait(t), OK);
}

static void errors_at_different_commands_do_not_add_up(void **state UNUSED)
{
	struct smmuv3 *s = start_failing(0, CERROR_ABT, 0);

	for (u32 i = 0; i < 50; i++) {
		tiny.fail_at = 1 + (u32)fake_random_below(2);
		tiny.fail_times = 3;
		assert_int_equal(wait(inval(i)), OK);
		tiny.fail_at = 0;
	}
	assert_int_equal(s->cmdq.errors, 150);
	assert_int_equal(tiny_count(0x12), 50);
}

/* --- other global errors */

static void gerrors_are_acknowledged_and_logged_once(void **state UNUSED)
{
	static const u32 bits[] = { 2, 3, 4, 5, 6, 7, 9, 10 };

	tiny_default();
	for (u32 round = 0; round < 2; round++) {
		fake_console[0] = 0;
		for (u32 i = 0; i < ARRAY_SIZE(bits); i++) {
			size_t before = strlen(fake_console);
			u32 lost = tiny_overflows;

			tiny.reg[0x60 / 4] ^= 1u << bits[i];
			smmuv3_error(&tiny_iommu);
			assert_int_equal(tiny.reg[0x60 / 4], tiny.reg[0x64 / 4]);
			assert_false(iommu_pending(&tiny_iommu));
			assert_int_equal(tiny_overflows - lost, bits[i] == 2);
			if (round == 1)
				assert_int_equal(strlen(fake_console), before);
		}
	}
	assert_false(tiny_iommu.dead);
}

static void service_failure_mode_is_the_end(void **state UNUSED)
{
	struct smmuv3 *s = tiny_default();

	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	tiny.reg[0x60 / 4] ^= 1u << 8;
	smmuv3_error(&tiny_iommu);
	is_dead(s);
	assert_false(iommu_pending(&tiny_iommu));
}

static void a_dead_smmu_leaves_no_exit_pending(void **state UNUSED)
{
	struct smmuv3 *s = start_failing(1, 0x7f, ~0u);

	assert_int_equal(wait(inval(1)), E_IO);
	is_dead(s);
	for (u32 i = 0; i < 3 && iommu_pending(&tiny_iommu); i++)
		smmuv3_error(&tiny_iommu);
	assert_false(iommu_pending(&tiny_iommu));
}

/* A CMD_SYNC completes in the queue's own index: it names no address that hardware would write a message to. */
static void C4_a_sync_writes_nothing(void **state UNUSED)
{
	struct smmuv3 *s = start(4);
	u32 syncs = 0;

	for (u32 i = 0; i < 40; i++)
		assert_int_equal(wait(inval(i)), OK);
	assert_int_equal(smmuv3_stream_init(&tiny_iommu, sid(8)), OK);
	assert_false(s->dead);
	for (u32 i = 0; i < tiny.log_count; i++) {
		if (tiny_op(i) != 0x46)
			continue;
		syncs++;
		/* CS, bits 13:12, is SIG_NONE; attributes, data and the address are zero. */
		assert_int_equal(tiny.log[i].w0, 0x46);
		assert_int_equal(tiny.log[i].w1, 0);
	}
	assert_true(syncs >= 40);
}

/* A batch that comes when all is over finds no room, does not wait for any, and nothing is said twice. */
static void a_dead_smmu_takes_no_batch(void **state UNUSED)
{
	const struct inval_range r = { .size = PAGE_SIZE, .leaf_shift = 12 };
	struct smmuv3 *s = start(3);
	size_t said;
	u64 t, begin;

	tiny.held = true;
	for (u32 i = 0; i < 4; i++)
		inval(i);
	smmuv3_fail(s, "the test says so");
	is_dead(s);
	said = strlen(fake_console);
	smmuv3_fail(s, "the test says so again");
	begin = fake_time_now();
	assert_int_equal(smmuv3_inval(&tiny_iommu, &tag, &r, 1, &t), E_IO);
	assert_int_equal(strlen(fake_console), said);
	assert_in_range(fake_time_now() - begin, 0, 100);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(C8_positions_are_exact_for_every_size),
		cmocka_unit_test(A10_C8_tickets_complete_in_order_and_once),
		cmocka_unit_test(C8_a_full_queue_never_overwrites),
		cmocka_unit_test(batches_longer_than_the_queue),
		cmocka_unit_test(one_sync_and_one_doorbell_a_batch),
		cmocka_unit_test(C13_commands_are_visible_before_the_doorbell),
		cmocka_unit_test(B5_commands_are_cleaned_for_hardware_that_does_not_snoop),
		cmocka_unit_test(C9_a_wait_has_a_limit),
		cmocka_unit_test(C12_a_queue_that_stays_full_has_a_limit),
		cmocka_unit_test(a_completion_at_the_last_moment_counts),
		cmocka_unit_test(a_register_of_ones_is_no_completion),
		cmocka_unit_test(a_consumer_that_cannot_be_there_is_no_completion),
		cmocka_unit_test(C9_an_illegal_command_is_our_alarm),
		cmocka_unit_test(C9_an_illegal_invalidation_becomes_a_wider_one),
		cmocka_unit_test(C9_an_illegal_configuration_flush_becomes_a_wider_one),
		cmocka_unit_test(C9_an_illegal_sync_is_written_again),
		cmocka_unit_test(C9_illegal_twice_is_the_end),
		cmocka_unit_test(C9_a_command_that_no_one_knows_is_the_end),
		cmocka_unit_test(C9_an_error_of_no_command_is_the_end),
		cmocka_unit_test(C12_a_consumer_that_cannot_be_there_makes_no_room),
		cmocka_unit_test(G1_no_flush_of_a_device_by_a_dead_smmu),
		cmocka_unit_test(C9_fetch_aborts_are_tried_again),
		cmocka_unit_test(C9_V9_many_devices_before_one_sync),
		cmocka_unit_test(C9_V9_slow_devices_are_progress),
		cmocka_unit_test(C9_a_position_that_jumps_for_ever_is_no_progress),
		cmocka_unit_test(C9_each_device_that_is_given_up_is_progress),
		cmocka_unit_test(C9_hardware_that_waits_for_who_was_away_is_not_late),
		cmocka_unit_test(C9_nor_is_what_moved_between_two_looks),
		cmocka_unit_test(C9_nor_is_what_moved_since_the_clock_was_read),
		cmocka_unit_test(C9_nor_is_a_full_queue_that_does),
		cmocka_unit_test(C9_unknown_errors_are_the_end),
		cmocka_unit_test(C9_an_error_in_a_full_queue_is_repaired_by_who_needs_room),
		cmocka_unit_test(C9_the_interrupt_repairs_too),
		cmocka_unit_test(errors_at_different_commands_do_not_add_up),
		cmocka_unit_test(gerrors_are_acknowledged_and_logged_once),
		cmocka_unit_test(service_failure_mode_is_the_end),
		cmocka_unit_test(a_dead_smmu_leaves_no_exit_pending),
		cmocka_unit_test(a_dead_smmu_takes_no_batch),
		cmocka_unit_test(C4_a_sync_writes_nothing),
	};

	return SUITE("smmuv3_queue", cases);
}
