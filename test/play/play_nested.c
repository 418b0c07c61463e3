/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that are a VM's own: a context and a table in its memory, the domain made of them and attached, and then what
 * a guest does with it: leaves that change, and invalidations. Some of all that is wrong.
 *
 * The table is the smallest that there is: 25 bits of address, so 16 entries of 2 MiB each and no level above them. A
 * leaf leads to what is played with; an entry may be a table too, and then its page, whatever is in it, is the level below.
 */
#include "play_private.h"

#include <stddef.h>

#include "abi/pviommu.h"
#include "abi/status.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define TABLE_ENTRIES 16u
#define RING_LOG2     4u

/* What lies where, from such a place on: the alignment of a table is its size, of the rest 64 bytes at most. */
#define PLACE_BYTES 0x400u
enum {
	TABLE = 0,
	CONTEXT = 0x80,
	ALLOC = 0xc0,
	ENTRY = 0x100,
	INVALIDATION = 0x140,
	STATUS = 0x180,
	RING = 0x200,
};

static uint64_t some(struct play *p, uint64_t limit) { return play_below(p, limit); }

static void put32(struct play *p, uint32_t who, uint64_t at, uint64_t value) { play_own_word(p, who, at, (uint32_t)value); }

static void put64(struct play *p, uint32_t who, uint64_t at, uint64_t value)
{
	put32(p, who, at, value);
	put32(p, who, at + 4, value >> 32);
}

/* One bit in some of them is another. */
static uint64_t damaged(struct play *p, uint64_t value) { return some(p, 32) == 0 ? value ^ 1ull << some(p, 64) : value; }

static uint64_t some_entry(struct play *p, uint32_t who)
{
	uint64_t base = who == PLAY_PRIMARY ? p->pages : p->at, block = base + some(p, PLAY_BLOCKS) * PLAY_BLOCK_BYTES;

	switch (some(p, 8)) {
	case 0:
		return some(p, 2) == 0 ? 0 : play_some_word(p);
	case 1:
		return play_some_own(p, who) | 3;
	default:
		/* Accessed, inner shareable, for all; some may only be read. */
		return damaged(p, block | 0x741 | (some(p, 4) == 0 ? 0x80 : 0));
	}
}

/* IHI 0070 5.4: 25 bits of TTB0, no TTB1, faults are recorded. */
static void first_stage_write(struct play *p, uint32_t who, uint64_t at)
{
	const uint64_t context[4] = { some(p, 3) << 48 | 7ull << 45 | 1ull << 41 | 5ull << 32 | 3ull << 30 | 0x3500 | 39,
				      at + TABLE, 0, 0xff };

	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		put64(p, who, at + TABLE + 8 * i, some_entry(p, who));
	for (uint32_t i = 0; i < 8; i++)
		put64(p, who, at + CONTEXT + 8 * i, i < COUNT_OF(context) ? damaged(p, context[i]) : 0);
}

/* The first words of a stream table entry: mostly of a first stage, and now and then bypass, abort, nothing, or damage. */
static void entry_write(struct play *p, uint32_t who, uint64_t at)
{
	static const uint8_t configs[] = { 5 << 1 | 1, 4 << 1 | 1, 0 << 1 | 1, 0 };
	uint64_t config = configs[some(p, 8) == 0 ? some(p, COUNT_OF(configs)) : 0];

	put64(p, who, at + ENTRY, damaged(p, config | (at + CONTEXT)));
	put64(p, who, at + ENTRY + 8, damaged(p, 0x54));
}

static uint64_t some_pviommu(struct play *p, uint64_t usual) { return some(p, 32) == 0 ? some(p, 16) : usual; }

static void nested_make(struct play *p, uint32_t who, uint64_t at)
{
	uint32_t *id = &p->domain[who][some(p, PLAY_DOMAINS)];
	struct play_name name = play_some_name(p, who);
	struct play_answer a;

	if (*id != 0 && some(p, 4) == 0 && play_pv(p, PLAY_FREE, who, PVIOMMU_FREE_DOMAIN, *id, 0, 0, 0, 0).status == PC_SUCCESS)
		*id = 0;
	first_stage_write(p, who, at);
	entry_write(p, who, at);
	put32(p, who, at + ALLOC + offsetof(struct pviommu_alloc_nested, size), sizeof(struct pviommu_alloc_nested));
	put32(p, who, at + ALLOC + offsetof(struct pviommu_alloc_nested, flags), some(p, 64) == 0);
	put32(p, who, at + ALLOC + offsetof(struct pviommu_alloc_nested, pviommu), some_pviommu(p, name.pviommu));
	put32(p, who, at + ALLOC + offsetof(struct pviommu_alloc_nested, data_type), PVIOMMU_NESTED_SMMUV3);
	put32(p, who, at + ALLOC + offsetof(struct pviommu_alloc_nested, data_len), sizeof(struct pviommu_nested_smmuv3));
	put32(p, who, at + ALLOC + offsetof(struct pviommu_alloc_nested, reserved), 0);
	put64(p, who, at + ALLOC + offsetof(struct pviommu_alloc_nested, data_ipa), at + ENTRY);
	if (*id != 0)
		return;
	a = play_pv(p, PLAY_NESTED, who, PVIOMMU_ALLOC_NESTED, at + ALLOC, 0, 0, 0, 0);
	if (a.status != PC_SUCCESS)
		return;
	*id = (uint32_t)a.r1;
	if (who == PLAY_PRIMARY)
		p->first_stage = at;
	/* Another domain of its own may be replaced, any other has to go before. */
	if (name.domain != 0 && some(p, 2) == 0)
		play_pv(p, PLAY_DETACH, who, PVIOMMU_DETACH_DEV, name.pviommu, name.vsid, 0, name.domain, 0);
	play_pv(p, PLAY_ATTACH, who, PVIOMMU_ATTACH_DEV, name.pviommu, name.vsid, 0, *id, 0);
}

static void command_write(struct play *p, uint32_t who, uint64_t at, struct play_name name)
{
	static const uint8_t ops[] = { 0x01, 0x02, 0x05, 0x06, 0x10, 0x11, 0x12, 0x13, 0x30, 0x40 };
	uint64_t op = ops[some(p, COUNT_OF(ops))], word = op;

	if (op < 0x10 || op == 0x40)
		word |= name.vsid << 32;
	if (op == 0x11 || op == 0x12)
		word |= some(p, 3) << 48;
	put64(p, who, at, damaged(p, word));
	put64(p, who, at + 8, damaged(p, op == 0x12 || op == 0x13 ? some(p, 3) * PLAY_BLOCK_BYTES + some(p, 20) * PLAY_PAGE_BYTES : 0));
}

static void invalidate(struct play *p, uint32_t who, uint64_t at)
{
	struct play_name name = play_some_name(p, who);
	uint64_t ring = some(p, 2), count = some(p, 1 + (1u << RING_LOG2));

	for (uint32_t i = 0; i < 1u << RING_LOG2; i++)
		command_write(p, who, at + RING + 16 * i, name);
	for (uint32_t i = 0; i < sizeof(struct pviommu_invalidate); i += 4)
		put32(p, who, at + INVALIDATION + i, 0);
	put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, size), sizeof(struct pviommu_invalidate));
	put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, flags), ring ? PVIOMMU_INVAL_RING : 0);
	put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, pviommu), some_pviommu(p, name.pviommu));
	put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, data_type), PVIOMMU_INVAL_SMMUV3);
	put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, entry_len), 16);
	put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, entry_num), count);
	if (ring) {
		put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, ring_log2), damaged(p, RING_LOG2));
		put32(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, start), some(p, 1u << RING_LOG2));
	}
	put64(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, entries_ipa), at + RING);
	put64(p, who, at + INVALIDATION + offsetof(struct pviommu_invalidate, status_ipa), some(p, 4) == 0 ? 0 : at + STATUS);
	play_pv(p, PLAY_INVALIDATE, who, PVIOMMU_INVALIDATE, at + INVALIDATION, 0, 0, 0, 0);
}

static uint64_t some_place(struct play *p, uint32_t who)
{
	return play_some_own(p, who) + some(p, PLAY_PAGE_BYTES / PLACE_BYTES) * PLACE_BYTES;
}

void play_some_nested(struct play *p)
{
	/* Secondaries are refused. */
	uint32_t who = some(p, 8) == 0 ? (uint32_t)some(p, PLAY_VMS) : PLAY_PRIMARY;
	uint64_t at;

	if (who != PLAY_PRIMARY && !play_can_call(p, who))
		who = PLAY_PRIMARY;
	at = who == PLAY_PRIMARY ? p->first_stage : 0;
	switch (at == 0 ? some(p, 2) : some(p, 8)) {
	case 0:
		nested_make(p, who, some_place(p, who));
		break;
	case 1:
		invalidate(p, who, some_place(p, who));
		break;
	case 2:
		put64(p, who, at + TABLE + 8 * some(p, 4), some_entry(p, who));
		break;
	case 3:
		first_stage_write(p, who, at);
		break;
	default:
		invalidate(p, who, at);
		break;
	}
}
