/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every transition, from every owner and state, asked for by everybody, to everybody, with no
 * pin, a pin on the page, a pin on its run: against the rules written out again, the long way.
 */
#include <string.h>

#include "records.h"
#include "suite.h"

#define AT (RECORDS_GUEST + 5 * PAGE_SIZE)

static const u8 owners[] = { OWNER_HYP, OWNER_VM, OWNER_VM + 1, OWNER_VM + 2 };

enum pinned { NOT_PINNED,
	      PAGE_PINNED,
	      RUN_PINNED,
	      PIN_KINDS };

struct ask {
	u8 op, from, to;
};

/* What the table must say, in words: who may ask, of what page, and what it becomes. */
static bool fits(const struct ask *a)
{
	bool from_vm = a->from > OWNER_VM, to_vm = a->to > OWNER_VM;

	switch ((enum page_op)a->op) {
	case PAGE_TAKE:
	case PAGE_TAKE_BACK:
		return a->from >= OWNER_VM && a->to == a->from;
	case PAGE_DONATE_HYP:
		return a->from >= OWNER_VM && a->to == OWNER_HYP;
	case PAGE_RETURN_HYP:
		return a->from == OWNER_HYP && a->to >= OWNER_VM;
	case PAGE_DONATE_VM:
	case PAGE_DONATE_VM_RO:
		return a->from == OWNER_VM && to_vm;
	case PAGE_RELINQUISH:
	case PAGE_RECLAIM:
	case PAGE_RECLAIM_SHARED:
		return from_vm && a->to == OWNER_VM;
	case PAGE_SHARE:
	case PAGE_UNSHARE:
		return from_vm && a->to == a->from;
	case PAGE_OPS:
		break;
	}
	return false;
}

static bool starts_from(u8 op, u8 state)
{
	switch ((enum page_op)op) {
	case PAGE_TAKE:
	case PAGE_RETURN_HYP:
		return state == PAGE_OWNED;
	case PAGE_TAKE_BACK:
	case PAGE_DONATE_HYP:
	case PAGE_DONATE_VM:
	case PAGE_DONATE_VM_RO:
	case PAGE_RELINQUISH:
	case PAGE_SHARE:
		return state == PAGE_MOVING;
	case PAGE_RECLAIM:
		return state == PAGE_OWNED || state == PAGE_READ_ONLY || state == PAGE_MOVING;
	case PAGE_RECLAIM_SHARED:
	case PAGE_UNSHARE:
		return state == PAGE_SHARED_OUT;
	case PAGE_OPS:
		break;
	}
	return false;
}

static u8 becomes(u8 op)
{
	if (op == PAGE_TAKE || op == PAGE_UNSHARE)
		return PAGE_MOVING;
	if (op == PAGE_DONATE_VM_RO)
		return PAGE_READ_ONLY;
	return op == PAGE_SHARE ? PAGE_SHARED_OUT : PAGE_OWNED;
}

static enum status expected(const struct ask *a, u8 owner, u8 state, enum pinned pinned, u8 *after)
{
	*after = becomes(a->op);
	if (!fits(a))
		return E_INVAL;
	if (owner != a->from || !starts_from(a->op, state))
		return E_DENIED;
	/* What is shared goes back at the end with the pins that the primary has on it. */
	return pinned != NOT_PINNED && a->op != PAGE_RECLAIM_SHARED ? E_BUSY : OK;
}

/* A page in the middle of a run of its own kind, pinned as asked. */
static void arrange(u8 owner, u8 state, enum pinned pinned)
{
	for (u64 at = RECORDS_GUEST; at < RECORDS_GUEST + BLOCK_SIZE; at += PAGE_SIZE)
		records_make(at, owner, state);
	page_lock();
	if (pinned == PAGE_PINNED)
		assert_int_equal(page_pin(pa(AT), 1, owner, false), OK);
	if (pinned == RUN_PINNED)
		assert_int_equal(page_pin_block(pa(RECORDS_GUEST), owner, false), OK);
	page_unlock();
}

static void unpin(enum pinned pinned)
{
	page_lock();
	if (pinned == PAGE_PINNED)
		page_unpin(pa(AT), 1);
	if (pinned == RUN_PINNED)
		page_unpin_block(pa(RECORDS_GUEST));
	page_unlock();
}

static u64 tried, allowed;

static void ask_one(const struct ask *a, u8 owner, u8 state, enum pinned pinned)
{
	struct page before = *page_of(pa(AT)), *page = page_of(pa(AT));
	struct page_run run_before = *page_run_of(pa(AT));
	enum status status, want;
	u8 after;

	want = expected(a, owner, state, pinned, &after);
	page_lock();
	status = page_transition(pa(AT), (enum page_op)a->op, a->from, a->to);
	page_unlock();
	tried++;
	if (status != want)
		suite_fail("op %u from %u to %u of page {%u, %u} pinned %d: %d, expected %d", a->op,
			   a->from, a->to, owner, state, pinned, status, want);
	if (status != OK) {
		assert_memory_equal(page, &before, sizeof(before));
		assert_memory_equal(page_run_of(pa(AT)), &run_before, sizeof(run_before));
		return;
	}
	allowed++;
	assert_int_equal(page->owner, a->to);
	assert_int_equal(page->state, after);
	assert_int_equal(page->pins, pinned == PAGE_PINNED);
	/* Of a run that is pinned as a block, not one page goes alone: the machine never asks so. */
	if (pinned != RUN_PINNED)
		records_check();
	records_make(AT, owner, state);
}

static void ask_everything(u8 owner, u8 state, enum pinned pinned)
{
	for (u8 op = 0; op < PAGE_OPS; op++)
		for (u32 f = 0; f < ARRAY_SIZE(owners); f++)
			for (u32 t = 0; t < ARRAY_SIZE(owners); t++) {
				const struct ask a = { op, owners[f], owners[t] };

				ask_one(&a, owner, state, pinned);
			}
}

/* Can such a page be pinned at all? */
static bool pinnable(u8 owner, u8 state)
{
	return owner != OWNER_HYP &&
	       (state == PAGE_OWNED || state == PAGE_SHARED_OUT || state == PAGE_READ_ONLY);
}

static void V2_every_transition_from_every_state(void **state UNUSED)
{
	records_boot();
	for (u32 o = 0; o < ARRAY_SIZE(owners); o++)
		for (u8 s = 0; s < PAGE_STATES; s++)
			for (enum pinned p = NOT_PINNED; p < PIN_KINDS; p++) {
				if (p != NOT_PINNED && !pinnable(owners[o], s))
					continue;
				arrange(owners[o], s, p);
				ask_everything(owners[o], s, p);
				unpin(p);
			}
	assert_true(tried > 2000);
	/*
	 * By owners: take, take back, to us: 3 each; return: to 3; to a VM: 2, and read only: 2;
	 * relinquish: 2; reclaim: 2 from each of 3 states; share, unshare: 2 each; shared ones: 2, with
	 * each kind of pin.
	 */
	assert_int_equal(allowed, 3 + 3 + 3 + 3 + 2 + 2 + 2 + 2 * 3 + 2 + 2 + 2 * PIN_KINDS);
}

static void only_pages_of_ram_change_hands(void **state UNUSED)
{
	static const u64 not_ram[] = { 0,
				       FAKE_UART_BASE,
				       FAKE_RAM_BASE - PAGE_SIZE,
				       FAKE_RAM_BASE + (16ull << 20),
				       RECORDS_RAM2 - PAGE_SIZE,
				       RECORDS_RAM2 + RECORDS_RAM2_SIZE,
				       ~0ull - PAGE_MASK };

	records_boot();
	page_lock();
	for (u32 i = 0; i < ARRAY_SIZE(not_ram); i++)
		for (u8 op = 0; op < PAGE_OPS; op++)
			assert_int_equal(page_transition(pa(not_ram[i]), (enum page_op)op, OWNER_VM,
							 OWNER_HYP),
					 E_FAULT);
	assert_int_equal(page_transition(pa(RECORDS_RAM2), PAGE_TAKE, OWNER_VM, OWNER_VM), OK);
	page_unlock();
	records_check();
}

static void summary_follows_random_transitions(void **state UNUSED)
{
	records_boot();
	for (u32 i = 0; i < 20000; i++) {
		u64 at = RECORDS_GUEST + fake_random_below(2 * BLOCK_PAGES) * PAGE_SIZE;
		u8 op = (u8)fake_random_below(PAGE_OPS);
		u8 from = owners[fake_random_below(ARRAY_SIZE(owners))];
		u8 to = owners[fake_random_below(ARRAY_SIZE(owners))];

		page_lock();
		(void)!page_transition(pa(at), (enum page_op)op, from, to);
		page_unlock();
		if (i % 64 == 0)
			records_check();
	}
	records_check();
}

/* Of consecutive pages all change or none, also where the last is not RAM. */
static void V10_a_run_changes_whole_or_not_at_all(void **state UNUSED)
{
	const u64 end = RECORDS_RAM2 + RECORDS_RAM2_SIZE;

	records_boot();
	page_lock();
	assert_int_equal(page_transition_run(pa(end - 3 * PAGE_SIZE), 4, PAGE_TAKE, OWNER_VM, OWNER_VM),
			 E_FAULT);
	assert_int_equal(page_pin(pa(end - PAGE_SIZE), 1, OWNER_VM, true), OK);
	assert_int_equal(page_transition_run(pa(end - 3 * PAGE_SIZE), 3, PAGE_TAKE, OWNER_VM, OWNER_VM),
			 E_BUSY);
	for (u64 at = end - 3 * PAGE_SIZE; at < end; at += PAGE_SIZE)
		assert_int_equal(page_of(pa(at))->state, PAGE_OWNED);
	page_unpin(pa(end - PAGE_SIZE), 1);
	assert_int_equal(page_transition_run(pa(end - 3 * PAGE_SIZE), 3, PAGE_TAKE, OWNER_VM, OWNER_VM),
			 OK);
	for (u64 at = end - 3 * PAGE_SIZE; at < end; at += PAGE_SIZE)
		assert_int_equal(page_of(pa(at))->state, PAGE_MOVING);
	page_unlock();
	records_check();
}

#define SPAN_PAGES (2 * BLOCK_PAGES)

/* Islands of owners and states, here and there a pin. */
static void scatter(void)
{
	for (u64 i = 0; i < SPAN_PAGES;) {
		u8 owner = owners[1 + fake_random_below(2)], page_state = (u8)fake_random_below(PAGE_STATES);
		u64 n = 1 + fake_random_below(fake_random_below(2) ? 8 : BLOCK_PAGES);

		for (; n > 0 && i < SPAN_PAGES; n--, i++)
			records_make(RECORDS_GUEST + i * PAGE_SIZE, owner, page_state);
	}
	for (u64 i = fake_random_below(4); i > 0; i--)
		page_of(pa(RECORDS_GUEST + fake_random_below(SPAN_PAGES) * PAGE_SIZE))->pins = 1;
}

/* What the transition of a range must answer: the first page's refusal, or OK for all. */
static enum status expected_of(u64 base, u64 pages, u8 op, u8 from, u8 to)
{
	enum status status = OK;

	for (u64 i = 0; i < pages && status == OK; i++) {
		pa_t at = pa(base + i * PAGE_SIZE);

		status = page_rule_check(page_of(at), (enum page_op)op, from, to, page_pinned(at));
	}
	return status;
}

/* Consecutive pages change as they would one by one, wherever they begin and end, or not at all. */
static void V10_V2_pages_change_together_as_one_by_one(void **state UNUSED)
{
	static struct page want[SPAN_PAGES];
	u32 changed = 0;

	records_boot();
	for (u32 turn = 0; turn < 3000; turn++) {
		u64 first = fake_random_below(SPAN_PAGES), pages = 1 + fake_random_below(SPAN_PAGES - first);
		u64 base = RECORDS_GUEST + first * PAGE_SIZE;
		struct page *all = page_of(pa(RECORDS_GUEST));
		enum status status, wanted;
		u8 op, from, to;

		if (turn % 8 == 0)
			scatter();
		if (fake_random_below(2))
			pages = 1 + fake_random_below(pages < 6 ? pages : 6);
		from = page_of(pa(base))->owner;
		page_lock();
		/* What the first page may do, mostly: the others decide. */
		for (u32 tries = 0; tries < 16; tries++) {
			op = (u8)fake_random_below(PAGE_OPS);
			to = fake_random_below(2) ? from : owners[fake_random_below(ARRAY_SIZE(owners))];
			if (expected_of(base, 1, op, from, to) == OK)
				break;
		}
		wanted = expected_of(base, pages, op, from, to);
		memcpy(want, all, sizeof(want));
		status = page_transition_run(pa(base), pages, (enum page_op)op, from, to);
		assert_int_equal(status, wanted);
		if (status == OK) {
			u8 after = page_of(pa(base))->state;

			for (u64 i = 0; i < pages; i++)
				want[first + i].owner = to, want[first + i].state = after;
			changed++;
		}
		for (u64 i = 0; i < SPAN_PAGES; i++)
			if (all[i].owner != want[i].owner || all[i].state != want[i].state || all[i].pins != want[i].pins)
				suite_fail("turn %u, op %u of %llu pages: page %llu is wrong", turn, op,
					   (unsigned long long)pages, (unsigned long long)i);
		page_unlock();
		if (turn % 8 < 7)
			continue;
		for (u64 i = 0; i < SPAN_PAGES; i++)
			all[i].pins = 0;
		records_check();
	}
	assert_true(changed > 100);
}

/* Pages of two kinds by turns, more of them than a run's pieces are remembered: each is looked at again. */
static void V10_many_pieces_change_together(void **state UNUSED)
{
	const u64 base = RECORDS_GUEST + 5 * PAGE_SIZE;
	const u32 pages = 40;

	records_boot();
	for (u64 at = base; at < RECORDS_GUEST + BLOCK_SIZE; at += PAGE_SIZE)
		records_make(at, OWNER_VM + 1, (at - base) / PAGE_SIZE % 2 == 0 ? PAGE_OWNED : PAGE_READ_ONLY);
	page_lock();
	page_set(page_of(pa(base + (pages - 1) * PAGE_SIZE)), OWNER_VM + 1, PAGE_SHARED_OUT);
	assert_int_equal(page_transition_run(pa(base), pages, PAGE_RECLAIM, OWNER_VM + 1, OWNER_VM), E_DENIED);
	for (u32 i = 0; i < pages; i++)
		assert_int_equal(page_of(pa(base + i * PAGE_SIZE))->owner, OWNER_VM + 1);
	page_set(page_of(pa(base + (pages - 1) * PAGE_SIZE)), OWNER_VM + 1, PAGE_READ_ONLY);
	assert_int_equal(page_transition_run(pa(base), pages, PAGE_RECLAIM, OWNER_VM + 1, OWNER_VM), OK);
	for (u32 i = 0; i < pages; i++) {
		assert_int_equal(page_of(pa(base + i * PAGE_SIZE))->owner, OWNER_VM);
		assert_int_equal(page_of(pa(base + i * PAGE_SIZE))->state, PAGE_OWNED);
	}
	for (u64 at = base + pages * PAGE_SIZE; at < RECORDS_GUEST + BLOCK_SIZE; at += PAGE_SIZE)
		assert_int_equal(page_of(pa(at))->owner, OWNER_VM + 1);
	page_unlock();
	records_check();
}

/* A run whose pages all went to another owner one by one is uniform again. */
static void run_is_uniform_again_in_another_colour(void **state UNUSED)
{
	records_boot();
	page_lock();
	for (u64 i = 0; i < BLOCK_PAGES; i++) {
		u64 at = RECORDS_GUEST + i * 7 % BLOCK_PAGES * PAGE_SIZE;

		assert_int_equal(page_pin_block(pa(RECORDS_GUEST), OWNER_VM + 1, true), E_BUSY);
		assert_int_equal(page_transition(pa(at), PAGE_TAKE, OWNER_VM, OWNER_VM), OK);
		assert_int_equal(page_transition(pa(at), PAGE_DONATE_VM, OWNER_VM, OWNER_VM + 1),
				 OK);
		assert_int_equal(page_pin_block(pa(RECORDS_GUEST), OWNER_VM, true), E_BUSY);
	}
	assert_int_equal(page_pin_block(pa(RECORDS_GUEST), OWNER_VM + 1, true), OK);
	page_unlock();
	records_check();
}

static void take_runs(u64 base, u64 pages, enum status want)
{
	static struct page before[4 * BLOCK_PAGES];
	const struct page *page = page_of(pa(base));

	memcpy(before, page, pages * sizeof(*page));
	assert_int_equal(page_transition_run(pa(base), pages, PAGE_TAKE, OWNER_VM, OWNER_VM), want);
	records_check();
	if (want != OK) {
		assert_memory_equal(before, page, pages * sizeof(*page));
		return;
	}
	for (u64 i = 0; i < pages; i++) {
		assert_int_equal(page[i].owner, OWNER_VM);
		assert_int_equal(page[i].state, PAGE_MOVING);
		assert_int_equal(page[i].pins, 0);
	}
	assert_int_equal(page_transition_run(pa(base), pages, PAGE_TAKE_BACK, OWNER_VM, OWNER_VM), OK);
	records_check();
}

/*
 * Whole runs of 2 MiB are looked at and written by their summary. What hides in one of several, a pin of a page
 * or of the block, a page of another kind, is found; and what lies around whole runs goes with them.
 */
static void V2_whole_runs_change_by_their_summary(void **state UNUSED)
{
	const u64 second = RECORDS_GUEST + BLOCK_SIZE, odd = second + 77 * PAGE_SIZE;

	records_boot();
	page_lock();
	take_runs(RECORDS_GUEST, BLOCK_PAGES, OK);
	take_runs(RECORDS_GUEST, 3 * BLOCK_PAGES, OK);
	take_runs(RECORDS_GUEST + 3 * PAGE_SIZE, 2 * BLOCK_PAGES, OK);
	take_runs(RECORDS_GUEST, BLOCK_PAGES + 1, OK);
	take_runs(RECORDS_GUEST, BLOCK_PAGES - 1, OK);
	assert_int_equal(page_pin(pa(odd), 1, OWNER_VM, true), OK);
	take_runs(RECORDS_GUEST, 3 * BLOCK_PAGES, E_BUSY);
	page_unpin(pa(odd), 1);
	assert_int_equal(page_pin_block(pa(second), OWNER_VM, true), OK);
	take_runs(RECORDS_GUEST, 3 * BLOCK_PAGES, E_BUSY);
	page_unpin_block(pa(second));
	page_set(page_of(pa(odd)), OWNER_VM + 1, PAGE_OWNED);
	take_runs(RECORDS_GUEST, 3 * BLOCK_PAGES, E_DENIED);
	page_set(page_of(pa(odd)), OWNER_VM, PAGE_OWNED);
	take_runs(RECORDS_GUEST, 3 * BLOCK_PAGES, OK);
	/* Runs of which a part is no RAM have no summary that tells all. */
	take_runs(RECORDS_RAM2, RECORDS_RAM2_SIZE >> PAGE_SHIFT, OK);
	take_runs(RECORDS_RAM3, RECORDS_RAM3_SIZE >> PAGE_SHIFT, E_DENIED); /* its first page is firmware's */
	assert_int_equal(page_transition_run(pa(RECORDS_RAM3 + PAGE_SIZE), BLOCK_PAGES, PAGE_TAKE, OWNER_VM, OWNER_VM), E_FAULT);
	page_unlock();
	records_check();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V2_every_transition_from_every_state),
		cmocka_unit_test(only_pages_of_ram_change_hands),
		cmocka_unit_test(summary_follows_random_transitions),
		cmocka_unit_test(V10_a_run_changes_whole_or_not_at_all),
		cmocka_unit_test(V10_V2_pages_change_together_as_one_by_one),
		cmocka_unit_test(V10_many_pieces_change_together),
		cmocka_unit_test(run_is_uniform_again_in_another_colour),
		cmocka_unit_test(V2_whole_runs_change_by_their_summary),
	};

	return SUITE("page_rules", cases);
}
