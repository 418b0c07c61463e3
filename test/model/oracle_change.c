/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has changed since the last look, so that a look takes over what has not. Stores to tables come by the hook of
 * the fake machine; page records are compared with a copy of them, since nothing tells of their stores. Each
 * oracle_effort()-th look begins anew, and finds a table that has changed without a store.
 */
#include "oracle_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static void stored(void *ctx UNUSED, u64 *entry, u64 value UNUSED)
{
	u64 addr;
	u32 i;

	oracle.stores++;
	if (!fake_ram_addr(entry, &addr))
		return;
	i = page_index(addr);
	if (i == ~0u || oracle.stored[i])
		return;
	oracle.stored[i] = true;
	oracle.stored_page[oracle.stored_count++] = i;
}

static void *items(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p == NULL)
		fake_die("no host memory for the oracle");
	return p;
}

void changes_init(void)
{
	oracle.stored = items(oracle.pages, sizeof(*oracle.stored));
	oracle.stored_page = items(oracle.pages, sizeof(*oracle.stored_page));
	oracle.record = items(oracle.pages, sizeof(*oracle.record));
	oracle.run = items(oracle.runs, sizeof(*oracle.run));
	oracle.run_differs = items(oracle.runs, sizeof(*oracle.run_differs));
	oracle.run_dirty = items(oracle.runs, sizeof(*oracle.run_dirty));
	oracle.change = items(oracle.pages, sizeof(*oracle.change));
	oracle.ours = items(oracle.pages, sizeof(*oracle.ours));
	fake_store_hook_add(stored, NULL);
}

bool page_stored(u64 addr)
{
	u32 i = page_index(addr);

	return oracle.anew || i == ~0u || oracle.stored[i];
}

void change_found(const char *what, u64 is, u64 was)
{
	if (oracle.other[0] == '\0')
		snprintf(oracle.other, sizeof(oracle.other), "%s (%#llx, was %#llx)", what, (unsigned long long)is,
			 (unsigned long long)was);
}

/* A record in the abstract state: of a free page of a pool, that it is the hypervisor's. */
static u64 word_of(const struct page *page)
{
	return (u64)page->owner | (page->owner == OWNER_HYP ? 0 : (u64)page->state << 8) | (u64)page->pins << 32;
}

/* What the records are counted by, without or with this one. */
static void count_record(const struct page *page, u64 by)
{
	if (page->owner != OWNER_HYP && page->owner - OWNER_VM <= VM_SECONDARIES)
		oracle.ram_of[page->owner - OWNER_VM] += by;
	if (page_usable(page, OWNER_VM, false))
		oracle.usable += by;
}

static void compare_run(u32 run)
{
	u64 addr = oracle.base + run * BLOCK_SIZE;
	const struct page *now = page_find(pa(addr));
	struct page *was = &oracle.record[run * BLOCK_PAGES];
	const struct page_run *r = page_run_of(pa(addr));

	oracle.run_differs[run] = oracle.anew || memcmp(now, was, BLOCK_PAGES * sizeof(*now)) != 0;
	oracle.run_dirty[run] = oracle.run_differs[run] || memcmp(r, &oracle.run[run], sizeof(*r)) != 0;
	for (u32 i = 0; oracle.run_differs[run] && i < BLOCK_PAGES; i++) {
		if (oracle.anew)
			count_record(&now[i], 1);
		if (memcmp(&now[i], &was[i], sizeof(*now)) == 0)
			continue;
		if (!oracle.anew) {
			count_record(&was[i], -1ull);
			count_record(&now[i], 1);
		}
		if (word_of(&was[i]) != word_of(&now[i]) && oracle.looks != 0)
			oracle.change[oracle.change_count++] = (struct change){
				run * BLOCK_PAGES + i, word_of(&was[i]), word_of(&now[i]), oracle.run[run].block_pins
			};
		was[i] = now[i];
	}
	if (oracle.run_differs[run])
		memset(&oracle.ours[run * BLOCK_PAGES], 0, BLOCK_PAGES * sizeof(*oracle.ours));
	if (r->block_pins != oracle.run[run].block_pins && oracle.looks != 0) {
		oracle.block_pin_changes++;
		change_found("block pins", r->block_pins, oracle.run[run].block_pins);
	}
	oracle.run[run] = *r;
}

static void compare_devices(void)
{
	u64 now = 0;

	for (u32 i = 0; i < device_count; i++) {
		const struct device *d = &device_table[i];

		now = (now + d->vm->handle) * 0x9e3779b97f4a7c15 + (d->state | (u64)d->mmio_away << 8);
		for (u32 k = 0; k < d->mmio_count; k++)
			now = (now + d->mmio_ipa[k]) * 0x9e3779b97f4a7c15;
	}
	oracle.devices_changed = oracle.anew || now != oracle.devices;
	oracle.devices = now;
}

void changes_begin(void)
{
	oracle.anew = oracle.looks % oracle.effort == 0 || oracle.failed || oracle.skipped;
	oracle.forgot = oracle.skipped;
	oracle.skipped = false;
	oracle.change_count = oracle.block_pin_changes = 0;
	oracle.other[0] = '\0';
	if (oracle.anew) {
		memset(oracle.ram_of, 0, sizeof(oracle.ram_of));
		oracle.usable = 0;
	}
	for (u32 run = 0; run < oracle.runs; run++)
		compare_run(run);
	if (oracle.change_count > 0)
		change_found("page records", oracle.change[0].is, oracle.change[0].was);
	compare_devices();
	oracle.vm_count = 0;
	for (u32 i = 0; i <= VM_SECONDARIES; i++) {
		struct vm *vm = vm_at(i);

		if (vm != NULL && (vm->primary || vm->state != VM_FREE))
			oracle.vm[oracle.vm_count++] = vm;
		else if (oracle.ram_of[i] != 0)
			violated("V2: %llu pages belong to VM number %u, which is gone", (unsigned long long)oracle.ram_of[i], i);
	}
}

/* What hardware has not seen yet, it will see without another store. */
void changes_end(void)
{
	if (fake_stores_pending())
		return;
	while (oracle.stored_count > 0)
		oracle.stored[oracle.stored_page[--oracle.stored_count]] = false;
}
