/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page records: who owns each page of RAM, in which state, and how many DMA mappings hold it.
 *
 * 8 bytes a page, and 16 bytes for each 2 MiB run: a summary that lets a 2 MiB block be pinned by
 * one count. Every transition keeps the summary true, under the page lock. A zeroed record is the
 * hypervisor's own, so that a page that nobody named is nobody else's.
 */
#ifndef MEM_PAGE_H
#define MEM_PAGE_H

#include "hyp/lock.h"
#include "hyp/platform.h"
#include "hyp/status.h"

struct vm;

/* Owner ids of page records; VM number n (0: the primary) owns as OWNER_VM + n. */
#define OWNER_HYP 0u
#define OWNER_VM  1u

enum page_state {
	PAGE_OWNED,      /* the owner's alone */
	PAGE_SHARED_OUT, /* the owner's, and the primary may use it too */
	PAGE_READ_ONLY,  /* the owner's alone, to be read */
	PAGE_MOVING,     /* leaving the owner: nobody may begin to use it, caches may still hold it */
	PAGE_POOL_FREE,  /* OWNER_HYP: head or body of a free run of a pool */
	PAGE_POOL_USED,  /* OWNER_HYP: head of an allocated run */
	PAGE_STATES
};

struct page {
	u8 owner;
	u8 state;
	u8 order; /* pool runs: log2 pages */
	u8 pool;  /* pool runs: id of the pool */
	u32 pins; /* DMA mappings of this page by leaves of 4 KiB */
};
_Static_assert(sizeof(struct page) == 8, "8 bytes a page");

#define PIN_MAX 0x7fffffffu

struct page_run {
	u8 owner; /* of most pages: those that differ are counted in odd */
	u8 state;
	u16 odd;
	u32 block_pins;
	u64 pins; /* sum of the pins of its pages */
};
_Static_assert(sizeof(struct page_run) == 16, "16 bytes a run");

/* The page lock guards all records, and is the one lock of its class but for those of pools. */
void page_lock(void) ACQUIRES(page_class) NOT_HELD(queue_class);
void page_unlock(void) RELEASES(page_class);

/* Set up the records of all RAM: the primary's, but for what the machine keeps back. Boot only. */
void page_init(const struct machine *m);

/* The record of a page of RAM, NULL for any other address. */
struct page *page_find(pa_t addr);
/* The same for addresses known to be RAM. */
struct page *page_of(pa_t addr);
struct page_run *page_run_of(pa_t addr);

/* May `owner` use the page, by owning it or, for the primary, by a share? */
static inline bool page_usable(const struct page *page, u8 owner, bool write)
{
	if (likely(page->owner == owner))
		return page->state <= PAGE_SHARED_OUT || (page->state == PAGE_READ_ONLY && !write);
	return owner == OWNER_VM && page->owner > OWNER_VM && page->state == PAGE_SHARED_OUT;
}

/*
 * Where in its owner's memory a page of a secondary VM lies (IPA); the primary's are where they are.
 * Kept beside the records, which have no room for it.
 */
ipa_t page_ipa(pa_t addr); /* constant while it is the owner's */
/* Of consecutive pages of RAM. */
void page_set_ipa(pa_t base, u64 pages, ipa_t where) MUST_HOLD(page_class);

/* The first page at or after `at`, and before `end`, whose owner is not `owner`; else `end`. */
u64 page_run_end(pa_t at, u64 end, u8 owner);

/*
 * Pin a physically contiguous run of pages for DMA: all or none.
 * page_pin: 4 KiB pages, each must be RAM that `owner` may use so, else E_FAULT;
 * E_BUSY a count is full. page_pin_block: one whole 2 MiB run, by its summary; E_BUSY also when
 * the run is not uniform, then pin its pages one by one.
 */
enum status page_pin(pa_t base, u64 pages, u8 owner, bool write) MUST_CHECK
	MUST_HOLD(page_class);
void page_unpin(pa_t base, u64 pages) MUST_HOLD(page_class);
enum status page_pin_block(pa_t base, u8 owner, bool write) MUST_CHECK MUST_HOLD(page_class);
void page_unpin_block(pa_t base) MUST_HOLD(page_class);
/* The same of consecutive runs, all or none, in a few instructions each. */
enum status page_pin_blocks(pa_t base, u64 count, u8 owner, bool write) MUST_CHECK MUST_HOLD(page_class);
void page_unpin_blocks(pa_t base, u64 count) MUST_HOLD(page_class);
/* Turn one block pin into 512 pins of pages, before a block leaf is split. E_BUSY: a count full. */
enum status page_pin_convert(pa_t base) MUST_CHECK MUST_HOLD(page_class);

/* Is any DMA mapping on the page? */
bool page_pinned(pa_t addr) MUST_HOLD(page_class);

/* Write a record's owner and state and keep the run's summary; page_rules.c decides. */
void page_set(struct page *page, u8 owner, u8 state) MUST_HOLD(page_class);

/*
 * Is the run of 2 MiB at `base` all within `pages`, of one kind, and without any pin? Then what is true
 * of *kind is true of all its pages, and page_set_run() writes them all.
 */
bool page_run_uniform(pa_t base, u64 pages, struct page *kind) MUST_HOLD(page_class);
void page_set_run(pa_t base, u8 owner, u8 state) MUST_HOLD(page_class);

/*
 * How many pages from `base` on, at most `pages`, are of one run of 2 MiB, of one kind and without pins; 0: not even the
 * first. page_set_span() writes so many.
 */
u64 page_span_uniform(pa_t base, u64 pages, struct page *kind) MUST_HOLD(page_class);
void page_set_span(pa_t base, u64 pages, u8 owner, u8 state) MUST_HOLD(page_class);

#endif
