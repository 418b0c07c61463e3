/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Owns the page records and the page lock. Which transitions are allowed is page_rules.c.
 *
 * RAM regions are laid out one behind the other in the records, each starting at a 2 MiB boundary
 * so that a run of records is a run of addresses.
 */
#include "page.h"

#include <string.h>

#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/pool.h"

struct region {
	u64 base; /* 2 MiB aligned, at or below the first page */
	u64 size; /* multiple of 2 MiB */
	u64 first, end; /* the RAM in it */
	u64 index;      /* of the record of `base` */
};

static struct region region[MACHINE_MAX_RAM];
static u32 region_count;
static struct page *record;
static struct page_run *run_record;
static u32 *ipa_record; /* by the same index: IPA >> PAGE_SHIFT of a secondary's page */
static struct spinlock lock = SPINLOCK_INIT;

void page_lock(void) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&lock);
}

void page_unlock(void) NO_LOCK_ANALYSIS
{
	arch_spin_unlock(&lock);
}

/* A record as one word; struct page is laid out so that the low byte is the owner. */
static u64 *word_of(struct page *page)
{
	return (u64 *)(void *)page;
}

static const struct region *region_of(u64 addr)
{
	for (u32 i = 0; i < region_count; i++)
		if (likely(addr - region[i].base < region[i].size))
			return &region[i];
	return NULL;
}

struct page *page_find(pa_t addr)
{
	const struct region *r = region_of(addr.v);

	if (unlikely(r == NULL || addr.v < r->first || addr.v >= r->end))
		return NULL;
	return &record[r->index + ((addr.v - r->base) >> PAGE_SHIFT)];
}

struct page *page_of(pa_t addr)
{
	struct page *page = page_find(addr);

	CHECK(page != NULL);
	return page;
}

struct page_run *page_run_of(pa_t addr)
{
	return &run_record[(u64)(page_of(addr) - record) / BLOCK_PAGES];
}

static struct page_run *run_of(const struct page *page)
{
	return &run_record[(u64)(page - record) / BLOCK_PAGES];
}

static u64 region_pages(const struct machine *m)
{
	u64 pages = 0;

	for (u32 i = 0; i < m->ram_count; i++) {
		u64 base = align_down(m->ram[i].base, BLOCK_SIZE);
		u64 end = align_up(m->ram[i].base + m->ram[i].size, BLOCK_SIZE);

		pages += (end - base) >> PAGE_SHIFT;
	}
	return pages;
}

static void region_init(const struct machine *m)
{
	u64 index = 0;

	region_count = 0;
	for (u32 i = 0; i < m->ram_count; i++) {
		struct region *r = &region[region_count++];

		r->first = m->ram[i].base;
		r->end = m->ram[i].base + m->ram[i].size;
		r->base = align_down(r->first, BLOCK_SIZE);
		r->size = align_up(r->end, BLOCK_SIZE) - r->base;
		r->index = index;
		index += r->size >> PAGE_SHIFT;
	}
}

/*
 * Does a page differ from what its run is? The hypervisor's pages are all alike: pools change their
 * states without the summary.
 */
static bool is_odd(const struct page_run *r, u8 owner, u8 state)
{
	return owner != r->owner || (owner != OWNER_HYP && state != r->state);
}

/* The summary of a run from its pages. */
static void run_summarise(u64 run)
{
	const struct page *page = &record[run * BLOCK_PAGES];
	struct page_run *r = &run_record[run];

	r->owner = page->owner;
	r->state = page->owner == OWNER_HYP ? PAGE_OWNED : page->state;
	r->odd = 0;
	for (u32 i = 0; i < BLOCK_PAGES; i++)
		r->odd += is_odd(r, page[i].owner, page[i].state);
}

/* Give every whole run inside [base, base+size) to `owner`, and edges page by page. */
static void give(u64 base, u64 size, u8 owner)
{
	const struct region *r = region_of(base);
	u64 first, last;

	CHECK(r != NULL && size <= r->end - base);
	first = r->index + ((base - r->base) >> PAGE_SHIFT);
	last = first + (size >> PAGE_SHIFT);
	/* Nothing is pinned or shared yet, so a record is its owner. */
#pragma clang loop unroll_count(8)
	for (u64 i = first; i < last; i++)
		*word_of(&record[i]) = owner;
	for (u64 run = first / BLOCK_PAGES; run <= (last - 1) / BLOCK_PAGES; run++) {
		bool whole = run * BLOCK_PAGES >= first && (run + 1) * BLOCK_PAGES <= last;

		if (whole)
			run_record[run] = (struct page_run){ .owner = owner, .state = PAGE_OWNED };
		else
			run_summarise(run);
	}
}

void page_init(const struct machine *m)
{
	u64 pages = region_pages(m);

	record = io_phys(boot_alloc(align_up(pages * sizeof(*record), PAGE_SIZE) / PAGE_SIZE,
				    PAGE_SIZE));
	run_record = io_phys(boot_alloc(
		align_up(pages / BLOCK_PAGES * sizeof(*run_record), PAGE_SIZE) / PAGE_SIZE,
		PAGE_SIZE));
	ipa_record = io_phys(boot_alloc(
		align_up(pages * sizeof(*ipa_record), PAGE_SIZE) / PAGE_SIZE, PAGE_SIZE));
	region_init(m);
	for (u32 i = 0; i < m->ram_count; i++)
		give(m->ram[i].base, m->ram[i].size, OWNER_VM);
	for (u32 i = 0; i < m->reserved_count; i++)
		give(m->reserved[i].base, m->reserved[i].size, OWNER_HYP);
	give(m->image.base, m->image.size, OWNER_HYP);
	give(m->heap.base, m->heap.size, OWNER_HYP);
}

void page_set(struct page *page, u8 owner, u8 state)
{
	struct page_run *r = run_of(page);
	bool was = is_odd(r, page->owner, page->state), is = is_odd(r, owner, state);

	page->owner = owner;
	page->state = state;
	r->odd = (u16)(r->odd + is - was);
	/* Nobody is left of what the run was: it may be uniform again in another colour. */
	if (r->odd == BLOCK_PAGES)
		run_summarise((u64)(r - run_record));
}

ipa_t page_ipa(pa_t addr)
{
	return ipa((u64)ipa_record[page_of(addr) - record] << PAGE_SHIFT);
}

void page_set_ipa(pa_t base, u64 pages, ipa_t where)
{
	u32 *at = &ipa_record[page_of(base) - record], frame = (u32)(where.v >> PAGE_SHIFT);

	for (u64 i = 0; i < pages; i++)
		at[i] = frame++;
}

bool page_run_uniform(pa_t base, u64 pages, struct page *kind)
{
	struct page *first = page_find(base);
	const struct page_run *r;

	if ((base.v & (BLOCK_SIZE - 1)) != 0 || pages < BLOCK_PAGES || first == NULL ||
	    page_find(pa(base.v + BLOCK_SIZE - PAGE_SIZE)) != first + BLOCK_PAGES - 1)
		return false;
	r = run_of(first);
	if (r->odd != 0 || r->pins != 0 || r->block_pins != 0)
		return false;
	*kind = (struct page){ .owner = r->owner, .state = r->state };
	return true;
}

/* Whole records: pins there are none, and what a pool once noted means nothing any more. */
void page_set_run(pa_t base, u8 owner, u8 state)
{
	struct page *first = page_of(base);
	struct page_run *r = run_of(first);
	const u64 word = owner | (u64)state << 8;

#pragma clang loop unroll_count(8)
	for (u32 i = 0; i < BLOCK_PAGES; i++)
		*word_of(&first[i]) = word;
	r->owner = owner;
	r->state = state;
}

/* Of the hypervisor's pages whatever is seen is foreign: their bytes change under the locks of pools. */
static inline NO_RACE_ANALYSIS u64 word_seen(const u64 *word) { return *word; }

/* Of a record: its owner, its state, no pins; what a pool noted does not matter. */
#define WORD_KIND 0xffffffff0000ffffull

u64 page_span_uniform(pa_t base, u64 pages, struct page *kind)
{
	struct page *first = page_find(base);
	const struct region *r = region_of(base.v);
	u64 room, count = 0, key, *word;

	if (first == NULL || r == NULL || run_of(first)->block_pins != 0 || first->pins != 0)
		return 0;
	room = BLOCK_PAGES - (u64)(first - record) % BLOCK_PAGES;
	if (room > (r->end - base.v) >> PAGE_SHIFT)
		room = (r->end - base.v) >> PAGE_SHIFT;
	if (room > pages)
		room = pages;
	word = word_of(first);
	key = word_seen(word);
	/* Eight at a time while all are alike, then which of the eight is not. */
	while (count + 8 <= room) {
		u64 differ = 0;

		for (u32 i = 0; i < 8; i++)
			differ |= word_seen(&word[count + i]) ^ key;
		if ((differ & WORD_KIND) != 0)
			break;
		count += 8;
	}
	while (count < room && ((word_seen(&word[count]) ^ key) & WORD_KIND) == 0)
		count++;
	*kind = (struct page){ .owner = first->owner, .state = first->state };
	return count;
}

void page_set_span(pa_t base, u64 pages, u8 owner, u8 state)
{
	struct page *first = page_of(base);
	struct page_run *r = run_of(first);
	bool was = is_odd(r, first->owner, first->state), is = is_odd(r, owner, state);
	const u64 word = owner | (u64)state << 8;

#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < pages; i++)
		*word_of(&first[i]) = word;
	if (is != was)
		r->odd = (u16)(is ? r->odd + pages : r->odd - pages);
	if (r->odd == BLOCK_PAGES)
		run_summarise((u64)(r - run_record));
}

u64 page_run_end(pa_t at, u64 end, u8 owner)
{
	while (at.v < end) {
		const struct page_run *r = page_run_of(at);

		if ((at.v & (BLOCK_SIZE - 1)) == 0 && r->odd == 0 && r->owner == owner &&
		    end - at.v >= BLOCK_SIZE)
			at.v += BLOCK_SIZE;
		else if (page_of(at)->owner == owner)
			at.v += PAGE_SIZE;
		else
			break;
	}
	return at.v < end ? at.v : end;
}

/*
 * The hot loops take a record as one word: owner and state in its low half-word, the pins in its
 * high half. Nothing branches per page: what is wrong is collected in a first round that writes
 * nothing, since records of the hypervisor's pages are written under the locks of pools.
 */
#define WORD_OWNER 0xffffull
#define WORD_PIN   (1ull << 32)
#define WORD_FULL  (1ull << 63) /* pins have gone below zero */
#define WORD_MANY  (3ull << 62) /* any count of pins with such a bit may be near PIN_MAX; a key has none */
_Static_assert(PIN_MAX >> 30 == 1, "counts without those bits are below PIN_MAX");

/* False: some page is foreign, or has so many pins that they must be looked at one by one. */
static bool add_pins(u64 *word, u64 count, u64 key)
{
	u64 differ = 0;

#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++)
		differ |= word_seen(&word[i]) ^ key;
	if (unlikely((differ & (WORD_OWNER | WORD_MANY)) != 0))
		return false;
#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++)
		word[i] += WORD_PIN;
	return true;
}

static u64 drop_pins(u64 *word, u64 count)
{
	u64 wrong = 0;

#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++) {
		u64 w = word[i] - WORD_PIN;

		wrong |= w;
		word[i] = w;
	}
	return wrong & WORD_FULL;
}

static void count_runs(const struct page *first, u64 pages, bool add)
{
	while (pages > 0) {
		struct page_run *r = run_of(first);
		u64 here = (u64)(&record[(u64)(r - run_record + 1) * BLOCK_PAGES] - first);

		if (here > pages)
			here = pages;
		r->pins += add ? here : -here;
		first += here;
		pages -= here;
	}
}

/* Some page is shared with the primary, foreign, or full: one by one, and say which. */
static NOINLINE enum status pin_mixed(struct page *first, u64 pages, u8 owner, bool write)
{
	for (u64 i = 0; i < pages; i++) {
		if (!page_usable(&first[i], owner, write))
			return E_FAULT;
		if (first[i].pins >= PIN_MAX)
			return E_BUSY;
	}
	for (u64 i = 0; i < pages; i++)
		first[i].pins++;
	return OK;
}

enum status page_pin(pa_t base, u64 pages, u8 owner, bool write)
{
	const struct region *r = region_of(base.v);
	u64 size = pages << PAGE_SHIFT;
	struct page *first;

	if (unlikely(r == NULL || base.v < r->first || base.v >= r->end || size > r->end - base.v))
		return E_FAULT;
	first = &record[r->index + ((base.v - r->base) >> PAGE_SHIFT)];
	/* PAGE_OWNED is 0, so the key is the owner alone. */
	if (likely(pages == 1 && add_pins(word_of(first), 1, owner))) {
		run_of(first)->pins++;
		return OK;
	}
	if (unlikely(!add_pins(word_of(first), pages, owner))) {
		enum status status;

		status = pin_mixed(first, pages, owner, write);
		if (status != OK)
			return status;
	}
	count_runs(first, pages, true);
	return OK;
}

void page_unpin(pa_t base, u64 pages)
{
	struct page *first = page_of(base);

	if (likely(pages == 1)) {
		CHECK(drop_pins(word_of(first), 1) == 0);
		run_of(first)->pins--;
		return;
	}
	CHECK(drop_pins(word_of(first), pages) == 0);
	count_runs(first, pages, false);
}

enum status page_pin_blocks(pa_t base, u64 count, u8 owner, bool write)
{
	struct page *first = page_find(base);
	struct page_run *r;

	if (unlikely(first == NULL ||
		     page_find(pa(base.v + count * BLOCK_SIZE - PAGE_SIZE)) != first + count * BLOCK_PAGES - 1))
		return E_BUSY;
	r = run_of(first);
	for (u64 i = 0; i < count; i++) {
		const struct page kind = { .owner = r[i].owner, .state = r[i].state };

		if (unlikely(r[i].odd != 0 || !page_usable(&kind, owner, write) || r[i].block_pins == PIN_MAX))
			return E_BUSY;
	}
	for (u64 i = 0; i < count; i++)
		r[i].block_pins++;
	return OK;
}

enum status page_pin_block(pa_t base, u8 owner, bool write)
{
	struct page *first = page_find(base);
	struct page_run *r;

	if (unlikely(first == NULL || page_find(pa(base.v + BLOCK_SIZE - PAGE_SIZE)) !=
					      first + BLOCK_PAGES - 1))
		return E_BUSY;
	r = run_of(first);
	if (unlikely(r->odd != 0 || !page_usable(first, owner, write) || r->block_pins == PIN_MAX))
		return E_BUSY;
	r->block_pins++;
	return OK;
}

void page_unpin_block(pa_t base)
{
	struct page_run *r = page_run_of(base);

	CHECK(r->block_pins > 0);
	r->block_pins--;
}

void page_unpin_blocks(pa_t base, u64 count)
{
	struct page_run *r = page_run_of(base);
	u32 least = PIN_MAX;

	for (u64 i = 0; i < count; i++)
		least = r[i].block_pins < least ? r[i].block_pins : least;
	CHECK(least > 0);
	for (u64 i = 0; i < count; i++)
		r[i].block_pins--;
}

enum status page_pin_convert(pa_t base)
{
	struct page *first = page_of(base);
	struct page_run *r = run_of(first);

	CHECK(r->block_pins > 0);
	for (u32 i = 0; i < BLOCK_PAGES; i++)
		if (first[i].pins >= PIN_MAX)
			return E_BUSY;
	for (u32 i = 0; i < BLOCK_PAGES; i++)
		first[i].pins++;
	r->pins += BLOCK_PAGES;
	r->block_pins--;
	return OK;
}

bool page_pinned(pa_t addr)
{
	return page_of(addr)->pins > 0 || page_run_of(addr)->block_pins > 0;
}
