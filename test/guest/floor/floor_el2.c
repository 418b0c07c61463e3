/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What EL2 cannot leave out, as plainly as it can be written. A map: the domain is the caller's, the range is one, every
 * page is the caller's and is held from now on, nothing was mapped there. An unmap: the translations are gone from
 * the tables and, by an invalidation that has completed, from the SMMU, before the pages are let go. Runs with the
 * MMU off, which changes no count of instructions.
 */
#include "floor.h"
#include "floor_queue.h"

#define PTE_VALID     1ul
#define PTE_PAGE      3ul /* valid, and at the last level a page */
#define PTE_ADDRESS   0x0000fffffffff000ul
#define PTE_COMMON    (1ul << 6 | 3ul << 8 | 1ul << 10 | 1ul << 11) /* unprivileged, inner shareable, AF, nG */
#define PTE_READ_ONLY (1ul << 7)
#define ENTRIES       512ul
#define TLBI_LEAF     1ul
#define TLBI_RANGE_4K (1ul << 10)

struct floor_result floor_call(u64 call, u64 domain, u64 iova, u64 a, u64 b, u64 prot);

static inline u64 failed(struct floor_domain *d, u64 status)
{
	unlock(&d->lock);
	return status;
}

/* The entry of the level that has blocks of 2 MiB; NULL where a table on the way is missing. */
static inline u64 *block_entry(const struct floor_domain *d, u64 iova)
{
	u64 entry = d->root[iova >> 39 & 511];

	if (!(entry & PTE_VALID))
		return NULL;
	entry = ((u64 *)(entry & PTE_ADDRESS))[iova >> 30 & 511];
	if (!(entry & PTE_VALID))
		return NULL;
	return (u64 *)(entry & PTE_ADDRESS) + (iova >> 21 & 511);
}

/* The last-level entry; how many follow it in its table. */
static inline u64 *page_entry(const struct floor_domain *d, u64 iova, u64 *room)
{
	u64 *block = block_entry(d, iova), index = iova >> 12 & 511;

	if (!block || (*block & 3) != PTE_PAGE)
		return NULL;
	*room = ENTRIES - index;
	return (u64 *)(*block & PTE_ADDRESS) + index;
}

static inline u64 less(u64 a, u64 b)
{
	return a < b ? a : b;
}

/* The caller's, and one more mapping can be counted: one comparison for both. */
static inline bool may_hold(floor_record record)
{
	return (record ^ FLOOR_OWNED) < FLOOR_PINS_MAX;
}

/* All of these pages may be held, and nothing is mapped where they are to go. */
static bool all_free(const floor_record *record, const u64 *pte, u64 count)
{
	u64 used = 0, bad = 0;

#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++) {
		used |= pte[i];
		/* Bits above the count of pins: not the caller's, or none can be added. */
		bad |= (record[i] + 1) ^ FLOOR_OWNED;
	}
	return !(used | bad >> 16);
}

static void write_pages(floor_record *restrict record, u64 *restrict pte, u64 leaf, u64 count)
{
	for (; count >= 4; count -= 4, record += 4, pte += 4, leaf += 4 * PAGE) {
		u64 a = record[0], b = record[1], c = record[2], d = record[3];

		record[0] = a + 1;
		record[1] = b + 1;
		record[2] = c + 1;
		record[3] = d + 1;
		pte[0] = leaf;
		pte[1] = leaf + PAGE;
		pte[2] = leaf + 2 * PAGE;
		pte[3] = leaf + 3 * PAGE;
	}
	for (; count; count--, leaf += PAGE) {
		++*record++;
		*pte++ = leaf;
	}
}

static u64 map_page(struct floor_domain *d, u64 iova, u64 ipa, u64 bits)
{
	floor_record *record = &floor_state.pages[(ipa - floor_state.ram_base) >> 12];
	u64 room, *pte = page_entry(d, iova, &room);

	if (!pte || *pte || !may_hold(*record))
		return FLOOR_DENIED;
	++*record;
	*pte = ipa | bits;
	return FLOOR_OK;
}

static u64 map_pages(struct floor_domain *d, u64 iova, u64 ipa, u64 count, u64 bits)
{
	floor_record *record = &floor_state.pages[(ipa - floor_state.ram_base) >> 12];
	u64 room = 0, *pte = page_entry(d, iova, &room), *next = NULL, first;

	if (!pte)
		return FLOOR_ABSENT;
	first = less(count, room);
	if (!all_free(record, pte, first))
		return FLOOR_DENIED;
	if (count > first) {
		next = page_entry(d, iova + (first << 12), &room);
		if (!next || !all_free(record + first, next, count - first))
			return FLOOR_DENIED;
		write_pages(record + first, next, (ipa + (first << 12)) | bits, count - first);
	}
	write_pages(record, pte, ipa | bits, first);
	return FLOOR_OK;
}

static u64 map_block(struct floor_domain *d, u64 iova, u64 ipa, u64 bits)
{
	floor_record *run = &floor_state.runs[(ipa - floor_state.ram_base) >> 21];
	u64 *entry = block_entry(d, iova);

	if (!entry || *entry || !may_hold(*run))
		return FLOOR_DENIED;
	++*run;
	*entry = ipa | (bits & ~2ul);
	return FLOOR_OK;
}

static u64 map(u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot)
{
	struct floor_domain *d = &floor_state.domain[domain];
	u64 bits = PTE_COMMON | PTE_PAGE | (prot & FLOOR_WRITE ? 0 : PTE_READ_ONLY), status;

	if (domain >= FLOOR_DOMAINS || (iova | ipa | bytes) % PAGE || bytes - PAGE > BLOCK_2M - PAGE ||
	    iova > (1ul << FLOOR_IOVA_BITS) - bytes || !(prot & FLOOR_READ) || prot & ~3ul ||
	    ipa - floor_state.ram_base > floor_state.ram_bytes - bytes)
		return FLOOR_INVALID;
	lock(&d->lock);
	if (d->owner != FLOOR_OWNER)
		return failed(d, FLOOR_DENIED);
	if (bytes == PAGE)
		status = map_page(d, iova, ipa, bits);
	else if (!((iova | ipa | bytes) % BLOCK_2M))
		status = map_block(d, iova, ipa, bits);
	else
		status = map_pages(d, iova, ipa, bytes >> 12, bits);
	/* Hardware may have looked before and found nothing; it keeps no such finding. The walk must see the entries. */
	asm volatile("dsb ishst" ::: "memory");
	unlock(&d->lock);
	return status;
}

/* --- unmap */

/* (num + 1) << scale pages, at least as many as asked. */
static inline u64 range_of(u64 count)
{
	u64 scale = count <= 32 ? 0 : 59 - (u64)__builtin_clzl(count - 1);

	return (((count + (1ul << scale) - 1) >> scale) - 1) << 12 | scale << 20;
}

static u64 invalidate(const struct floor_domain *d, u64 iova, u64 range, u64 word1)
{
	struct floor_queue *q = &floor_state.queue;
	u32 cons;

	lock(&q->lock);
	put(q, TLBI_VA | range | (u64)d->asid << 48, iova | word1);
	put(q, SYNC, 0);
	cons = executed(q);
	unlock(&q->lock);
	return cons == q->prod ? FLOOR_OK : FLOOR_IO;
}

static inline bool all_mapped(const u64 *pte, u64 count)
{
	u64 valid = PTE_VALID;

#pragma clang loop unroll_count(8)
	for (u64 i = 0; i < count; i++)
		valid &= pte[i];
	return valid;
}

/* Hardware sees no translation from here on, and we still know which page it was. */
static inline void take_out(u64 *pte, u64 count)
{
	for (; count >= 4; count -= 4, pte += 4) {
		u64 a = pte[0], b = pte[1], c = pte[2], d = pte[3];

		pte[0] = a & ~PTE_VALID;
		pte[1] = b & ~PTE_VALID;
		pte[2] = c & ~PTE_VALID;
		pte[3] = d & ~PTE_VALID;
	}
	for (; count; count--)
		*pte++ &= ~PTE_VALID;
}

static inline void forget(u64 *pte, u64 count)
{
	floor_record *record = floor_state.pages - (floor_state.ram_base >> 12);

	for (; count >= 4; count -= 4, pte += 4) {
		u64 a = pte[0], b = pte[1], c = pte[2], d = pte[3];

		pte[0] = pte[1] = pte[2] = pte[3] = 0;
		record[(a & PTE_ADDRESS) >> 12]--;
		record[(b & PTE_ADDRESS) >> 12]--;
		record[(c & PTE_ADDRESS) >> 12]--;
		record[(d & PTE_ADDRESS) >> 12]--;
	}
	for (; count; count--) {
		record[(*pte & PTE_ADDRESS) >> 12]--;
		*pte++ = 0;
	}
}

static u64 unmap_page(struct floor_domain *d, u64 iova)
{
	u64 room, *pte = page_entry(d, iova, &room), leaf = pte ? *pte : 0;

	if (!(leaf & PTE_VALID))
		return FLOOR_ABSENT;
	*pte = 0;
	if (invalidate(d, iova, 0, TLBI_LEAF))
		return FLOOR_IO;
	floor_state.pages[((leaf & PTE_ADDRESS) - floor_state.ram_base) >> 12]--;
	return FLOOR_OK;
}

static u64 unmap_block(struct floor_domain *d, u64 *entry, u64 iova)
{
	u64 ipa = *entry & PTE_ADDRESS;

	*entry = 0;
	if (invalidate(d, iova, 0, TLBI_LEAF))
		return FLOOR_IO;
	floor_state.runs[(ipa - floor_state.ram_base) >> 21]--;
	return FLOOR_OK;
}

static u64 unmap_pages(struct floor_domain *d, u64 iova, u64 count)
{
	u64 room = 0, *pte = page_entry(d, iova, &room), *next = NULL, first;

	if (!pte)
		return FLOOR_ABSENT;
	first = less(count, room);
	if (count > first)
		next = page_entry(d, iova + (first << 12), &room);
	if (!all_mapped(pte, first) || (count > first && (!next || !all_mapped(next, count - first))))
		return FLOOR_ABSENT;
	take_out(pte, first);
	if (next)
		take_out(next, count - first);
	if (invalidate(d, iova, range_of(count), TLBI_LEAF | TLBI_RANGE_4K))
		return FLOOR_IO;
	forget(pte, first);
	if (next)
		forget(next, count - first);
	return FLOOR_OK;
}

static u64 unmap(u64 domain, u64 iova, u64 bytes)
{
	struct floor_domain *d = &floor_state.domain[domain];
	u64 *block, status;

	if (domain >= FLOOR_DOMAINS || (iova | bytes) % PAGE || bytes - PAGE > BLOCK_2M - PAGE ||
	    iova > (1ul << FLOOR_IOVA_BITS) - bytes)
		return FLOOR_INVALID;
	lock(&d->lock);
	if (d->owner != FLOOR_OWNER)
		return failed(d, FLOOR_DENIED);
	block = (iova | bytes) % BLOCK_2M ? NULL : block_entry(d, iova);
	if (block && (*block & 3) == PTE_VALID)
		status = unmap_block(d, block, iova);
	else if (bytes == PAGE)
		status = unmap_page(d, iova);
	else
		status = unmap_pages(d, iova, bytes >> 12);
	unlock(&d->lock);
	return status;
}

struct floor_result floor_call(u64 call, u64 domain, u64 iova, u64 a, u64 b, u64 prot)
{
	u64 status;

	switch (call) {
	case FLOOR_NULL:
		return (struct floor_result){ FLOOR_OK, 0 };
	case FLOOR_MAP:
		status = map(domain, iova, a, b, prot);
		return (struct floor_result){ status, status ? 0 : b };
	case FLOOR_UNMAP:
		status = unmap(domain, iova, a);
		return (struct floor_result){ status, status ? 0 : a };
	default:
		/* A call here would put its return into the way of the others. */
		__attribute__((musttail)) return floor_stream_call(call, domain, iova, a, b, prot);
	}
}
