/* SPDX-License-Identifier: BSD-2-Clause */
#include "records.h"

#include "mem/pool_priv.h"

#include "suite.h"

void records_boot(void)
{
	struct machine *m = fake_machine(16ull << 20, 4ull << 20, 0);

	m->ram[m->ram_count++] = (struct range){ RECORDS_RAM2, RECORDS_RAM2_SIZE };
	m->ram[m->ram_count++] = (struct range){ RECORDS_RAM3, RECORDS_RAM3_SIZE };
	m->reserved[m->reserved_count++] = (struct range){ RECORDS_RAM3, PAGE_SIZE };
	fake_machine_use(m);
	boot_alloc_open(m->heap);
	page_init(m);
}

void records_make(u64 addr, u8 owner, u8 state)
{
	page_lock();
	page_set(page_of(pa(addr)), owner, state);
	page_unlock();
}

static void check_run(u64 addr)
{
	const struct page_run *r = NULL;
	u32 odd = 0, there = 0;
	u64 pins = 0;

	for (u64 at = addr; at < addr + BLOCK_SIZE; at += PAGE_SIZE) {
		const struct page *page = page_find(pa(at));

		if (page == NULL)
			continue;
		r = page_run_of(pa(at));
		there++;
		pins += page->pins;
		odd += page->owner != r->owner || page->state != r->state;
	}
	if (r == NULL)
		return;
	/* Pages of the run that are not RAM are nobody's, and make it odd unless it is ours. */
	if (r->owner != OWNER_HYP)
		odd += (u32)BLOCK_PAGES - there;
	assert_int_equal(r->odd, odd);
	assert_int_equal(r->pins, pins);
	assert_true(r->block_pins == 0 || odd == 0);
}

void records_check(void)
{
	for (u32 i = 0; i < machine->ram_count; i++)
		for (u64 at = align_down(machine->ram[i].base, BLOCK_SIZE);
		     at < machine->ram[i].base + machine->ram[i].size; at += BLOCK_SIZE)
			check_run(at);
}
