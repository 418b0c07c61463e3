/* SPDX-License-Identifier: BSD-2-Clause */
/* Page records: who owns what after boot, pins of pages and of runs, their limits. */
#include <string.h>

#include "records.h"
#include "suite.h"

#define G RECORDS_GUEST

static u8 owner_of(u64 addr) { return page_of(pa(addr))->owner; }

static void boot_gives_the_primary_what_is_not_ours(void **state UNUSED)
{
	records_boot();
	assert_int_equal(owner_of(FAKE_RAM_BASE), OWNER_HYP);
	assert_int_equal(owner_of(FAKE_RAM_BASE + FAKE_IMAGE_SIZE - PAGE_SIZE), OWNER_HYP);
	assert_int_equal(owner_of(machine->heap.base + machine->heap.size - PAGE_SIZE), OWNER_HYP);
	assert_int_equal(owner_of(machine->heap.base + machine->heap.size), OWNER_VM);
	assert_int_equal(owner_of(RECORDS_RAM2), OWNER_VM);
	assert_int_equal(owner_of(RECORDS_RAM2 + RECORDS_RAM2_SIZE - PAGE_SIZE), OWNER_VM);
	/* Firmware's reservation is no VM's. */
	assert_int_equal(owner_of(RECORDS_RAM3), OWNER_HYP);
	assert_int_equal(owner_of(RECORDS_RAM3 + PAGE_SIZE), OWNER_VM);
	assert_null(page_find(pa(RECORDS_RAM2 - PAGE_SIZE)));
	assert_null(page_find(pa(RECORDS_RAM3 + RECORDS_RAM3_SIZE)));
	assert_null(page_find(pa(0)));
	records_check();
}

static void A6_pins_are_counted_one_by_one(void **state UNUSED)
{
	records_boot();
	page_lock();
	assert_false(page_pinned(pa(G)));
	assert_int_equal(page_pin(pa(G), 3, OWNER_VM, true), OK);
	assert_int_equal(page_pin(pa(G + PAGE_SIZE), 1, OWNER_VM, true), OK);
	assert_int_equal(page_of(pa(G + PAGE_SIZE))->pins, 2);
	page_unpin(pa(G), 3);
	assert_false(page_pinned(pa(G)));
	assert_true(page_pinned(pa(G + PAGE_SIZE)));
	page_unpin(pa(G + PAGE_SIZE), 1);
	assert_false(page_pinned(pa(G + PAGE_SIZE)));
	page_unlock();
	records_check();
}

/* Refused for one page of many: none is pinned. */
static void refused(u64 base, u64 pages, u8 owner, enum status want)
{
	struct page before[16];
	const struct page *first = page_find(pa(base));

	assert_true(pages <= ARRAY_SIZE(before) && first != NULL);
	memcpy(before, first, pages * sizeof(*first));
	assert_int_equal(page_pin(pa(base), pages, owner, true), want);
	assert_memory_equal(first, before, pages * sizeof(*first));
}

static void V2_pins_are_all_or_none(void **state UNUSED)
{
	records_boot();
	records_make(G + 3 * PAGE_SIZE, OWNER_VM + 1, PAGE_OWNED);
	records_make(G + 4 * PAGE_SIZE, OWNER_VM + 1, PAGE_SHARED_OUT);
	records_make(G + 9 * PAGE_SIZE, OWNER_HYP, PAGE_OWNED);
	page_lock();
	refused(G, 4, OWNER_VM, E_FAULT);
	refused(G + 5 * PAGE_SIZE, 5, OWNER_VM, E_FAULT);
	refused(G, 4, OWNER_VM + 1, E_FAULT);
	/* Beyond the end of RAM, and into the hole between two regions. */
	refused(FAKE_RAM_BASE + (16ull << 20) - PAGE_SIZE, 2, OWNER_VM, E_FAULT);
	refused(RECORDS_RAM3 + RECORDS_RAM3_SIZE - PAGE_SIZE, 2, OWNER_VM, E_FAULT);
	/* The next record is the next region's first page, which is far away. */
	page_set(page_of(pa(RECORDS_RAM3)), OWNER_VM, PAGE_OWNED);
	assert_ptr_equal(page_of(pa(RECORDS_RAM3)), page_of(pa(RECORDS_RAM2 + RECORDS_RAM2_SIZE - PAGE_SIZE)) + 1);
	refused(RECORDS_RAM2 + RECORDS_RAM2_SIZE - PAGE_SIZE, 2, OWNER_VM, E_FAULT);
	page_set(page_of(pa(RECORDS_RAM3)), OWNER_HYP, PAGE_OWNED);
	assert_int_equal(page_pin(pa(RECORDS_RAM2 - PAGE_SIZE), 2, OWNER_VM, true), E_FAULT);
	/* What a VM shares, the primary may use, and no other VM. */
	assert_int_equal(page_pin(pa(G + 4 * PAGE_SIZE), 1, OWNER_VM, true), OK);
	assert_int_equal(page_pin(pa(G + 4 * PAGE_SIZE), 1, OWNER_VM + 1, true), OK);
	refused(G + 4 * PAGE_SIZE, 1, OWNER_VM + 2, E_FAULT);
	refused(G + 4 * PAGE_SIZE, 1, OWNER_HYP, E_FAULT);
	page_unlock();
	records_check();
}

/* As if so many mappings held the page. */
static void set_pins(u64 addr, u32 pins)
{
	struct page *page = page_of(pa(addr));

	page_run_of(pa(addr))->pins += (u64)pins - page->pins;
	page->pins = pins;
}

static void A6_full_count_refuses(void **state UNUSED)
{
	records_boot();
	page_lock();
	assert_int_equal(page_pin(pa(G), 4, OWNER_VM, true), OK);
	set_pins(G + 2 * PAGE_SIZE, PIN_MAX);
	refused(G, 4, OWNER_VM, E_BUSY);
	set_pins(G + 2 * PAGE_SIZE, PIN_MAX - 1);
	assert_int_equal(page_pin(pa(G), 4, OWNER_VM, true), OK);
	refused(G, 4, OWNER_VM, E_BUSY);
	page_run_of(pa(G))->block_pins = PIN_MAX;
	assert_int_equal(page_pin_block(pa(G), OWNER_VM, true), E_BUSY);
	assert_int_equal(page_run_of(pa(G))->block_pins, PIN_MAX);
	page_unlock();
}

static void V2_block_pin_holds_every_page_of_the_run(void **state UNUSED)
{
	records_boot();
	page_lock();
	assert_int_equal(page_pin_block(pa(G), OWNER_VM, true), OK);
	for (u64 i = 0; i < BLOCK_PAGES; i++) {
		assert_true(page_pinned(pa(G + i * PAGE_SIZE)));
		assert_int_equal(page_transition(pa(G + i * PAGE_SIZE), PAGE_TAKE, OWNER_VM,
						 OWNER_VM),
				 E_BUSY);
	}
	assert_false(page_pinned(pa(G + BLOCK_SIZE)));
	assert_false(page_pinned(pa(G - PAGE_SIZE)));
	page_unpin_block(pa(G));
	assert_int_equal(page_transition(pa(G), PAGE_TAKE, OWNER_VM, OWNER_VM), OK);
	page_unlock();
	records_check();
}

static void block_pin_wants_a_whole_run_of_one_owner(void **state UNUSED)
{
	records_boot();
	records_make(G + 511 * PAGE_SIZE, OWNER_VM + 1, PAGE_OWNED);
	page_lock();
	assert_int_equal(page_pin_block(pa(G), OWNER_VM, true), E_BUSY);
	assert_int_equal(page_pin_block(pa(G), OWNER_VM + 1, true), E_BUSY);
	assert_int_equal(page_pin_block(pa(G + BLOCK_SIZE), OWNER_VM + 1, true), E_BUSY);
	assert_int_equal(page_pin_block(pa(G + BLOCK_SIZE), OWNER_HYP, true), E_BUSY);
	/* Half of the run is no RAM. */
	assert_int_equal(page_pin_block(pa(align_down(RECORDS_RAM2, BLOCK_SIZE)), OWNER_VM, true),
			 E_BUSY);
	assert_int_equal(page_pin_block(pa(RECORDS_RAM3), OWNER_VM, true), E_BUSY);
	assert_int_equal(page_pin_block(pa(align_up(RECORDS_RAM2, BLOCK_SIZE)), OWNER_VM, true), OK);
	page_unlock();
	records_check();
}

/* What begins behind a region, or goes on behind its end, is nobody's to pin. */
static void V2_pins_end_where_ram_does(void **state UNUSED)
{
	const u64 end = RECORDS_RAM2 + RECORDS_RAM2_SIZE;

	records_boot();
	page_lock();
	assert_int_equal(page_pin(pa(end), 1, OWNER_VM, true), E_FAULT);
	assert_int_equal(page_pin(pa(end - PAGE_SIZE), 2, OWNER_VM, true), E_FAULT);
	assert_int_equal(page_pin(pa(end - PAGE_SIZE), 1, OWNER_VM, true), OK);
	page_unpin(pa(end - PAGE_SIZE), 1);
	/* In a run of which the first half is RAM, whoever has the records of the other. */
	for (u64 behind = 0; behind < 3; behind++) {
		const pa_t at = pa(RECORDS_RAM3 + RECORDS_RAM3_SIZE + behind * PAGE_SIZE);

		assert_int_equal(page_pin(at, 1, OWNER_VM, true), E_FAULT);
		assert_int_equal(page_pin(at, 1, OWNER_HYP, true), E_FAULT);
	}
	page_unlock();
	records_check();
}

/* Several runs at once, all or none: the end of RAM, a run of another, a full count in the last of them. */
static void V2_A6_block_pins_are_all_or_none(void **state UNUSED)
{
	const u64 ram2 = align_up(RECORDS_RAM2, BLOCK_SIZE);
	struct page_run other;

	records_boot();
	page_lock();
	assert_int_equal(page_pin_blocks(pa(ram2), 2, OWNER_VM, true), E_BUSY);
	/* Whatever the record of the next run says, which is of other RAM. */
	other = *page_run_of(pa(RECORDS_RAM3));
	*page_run_of(pa(RECORDS_RAM3)) = *page_run_of(pa(ram2));
	assert_int_equal(page_pin_blocks(pa(ram2), 2, OWNER_VM, true), E_BUSY);
	*page_run_of(pa(RECORDS_RAM3)) = other;
	assert_int_equal(page_pin_blocks(pa(0), 1, OWNER_VM, true), E_BUSY);
	assert_int_equal(page_pin_blocks(pa(G), 2, OWNER_VM + 1, true), E_BUSY);
	page_run_of(pa(G + BLOCK_SIZE))->block_pins = PIN_MAX;
	assert_int_equal(page_pin_blocks(pa(G), 2, OWNER_VM, true), E_BUSY);
	page_run_of(pa(G + BLOCK_SIZE))->block_pins = 0;
	assert_int_equal(page_run_of(pa(G))->block_pins, 0);
	assert_int_equal(page_pin_blocks(pa(G), 2, OWNER_VM, true), OK);
	assert_int_equal(page_run_of(pa(G + BLOCK_SIZE))->block_pins, 1);
	page_unpin_block(pa(G));
	page_unpin_block(pa(G + BLOCK_SIZE));
	page_unlock();
	records_check();
}

/* A run is uniform only where it is RAM from end to end; and what is one owner's ends where it was asked to. */
static void runs_end_where_ram_does(void **state UNUSED)
{
	struct page kind;

	records_boot();
	page_lock();
	assert_false(page_run_uniform(pa(0), BLOCK_PAGES, &kind));
	assert_false(page_run_uniform(pa(RECORDS_RAM3), BLOCK_PAGES, &kind));
	assert_true(page_run_uniform(pa(G), BLOCK_PAGES, &kind));
	assert_int_equal(kind.owner, OWNER_VM);
	assert_int_equal(page_run_end(pa(G), G + BLOCK_SIZE + 3 * PAGE_SIZE, OWNER_VM), G + BLOCK_SIZE + 3 * PAGE_SIZE);
	assert_int_equal(page_run_end(pa(G), G + 3 * PAGE_SIZE, OWNER_VM), G + 3 * PAGE_SIZE);
	page_unlock();
}

static void convert_moves_one_block_pin_to_its_pages(void **state UNUSED)
{
	records_boot();
	page_lock();
	assert_int_equal(page_pin_block(pa(G), OWNER_VM, true), OK);
	assert_int_equal(page_pin_block(pa(G), OWNER_VM, true), OK);
	assert_int_equal(page_pin(pa(G + PAGE_SIZE), 1, OWNER_VM, true), OK);
	assert_int_equal(page_pin_convert(pa(G)), OK);
	assert_int_equal(page_run_of(pa(G))->block_pins, 1);
	assert_int_equal(page_of(pa(G))->pins, 1);
	assert_int_equal(page_of(pa(G + PAGE_SIZE))->pins, 2);
	page_unlock();
	records_check();
	page_lock();
	/* One page of the run is full: nothing is moved. */
	set_pins(G + 511 * PAGE_SIZE, PIN_MAX);
	assert_int_equal(page_pin_convert(pa(G)), E_BUSY);
	assert_int_equal(page_run_of(pa(G))->block_pins, 1);
	assert_int_equal(page_of(pa(G))->pins, 1);
	page_unlock();
}

/* Ours, so it panics: a pin that nobody has cannot be dropped. */
static void unpin_of_nothing_panics(void **state UNUSED)
{
	records_boot();
	page_lock();
	assert_panics(page_unpin(pa(G), 1));
	assert_panics(page_unpin_block(pa(G)));
}

static void pins_across_runs(void **state UNUSED)
{
	u64 base = G + BLOCK_SIZE - 3 * PAGE_SIZE, pages = 2 * BLOCK_PAGES;

	records_boot();
	page_lock();
	assert_int_equal(page_pin(pa(base), pages, OWNER_VM, true), OK);
	for (u64 i = 0; i < pages; i++)
		assert_int_equal(page_of(pa(base + i * PAGE_SIZE))->pins, 1);
	assert_int_equal(page_of(pa(base - PAGE_SIZE))->pins, 0);
	assert_int_equal(page_of(pa(base + pages * PAGE_SIZE))->pins, 0);
	page_unlock();
	records_check();
	page_lock();
	page_unpin(pa(base), pages);
	assert_false(page_pinned(pa(base)) || page_pinned(pa(base + (pages - 1) * PAGE_SIZE)));
	page_unlock();
	records_check();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(boot_gives_the_primary_what_is_not_ours),
		cmocka_unit_test(A6_pins_are_counted_one_by_one),
		cmocka_unit_test(V2_pins_are_all_or_none),
		cmocka_unit_test(A6_full_count_refuses),
		cmocka_unit_test(V2_block_pin_holds_every_page_of_the_run),
		cmocka_unit_test(block_pin_wants_a_whole_run_of_one_owner),
		cmocka_unit_test(V2_pins_end_where_ram_does),
		cmocka_unit_test(V2_A6_block_pins_are_all_or_none),
		cmocka_unit_test(runs_end_where_ram_does),
		cmocka_unit_test(convert_moves_one_block_pin_to_its_pages),
		cmocka_unit_test(unpin_of_nothing_panics),
		cmocka_unit_test(pins_across_runs),
	};

	return SUITE("page", cases);
}
