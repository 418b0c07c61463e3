/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rewriting an entry that hardware may be reading (arch/arm64/smmuv3/entry.c): whatever it has put together from the eight
 * words is the old entry, the new one, or invalid, and so aborts.
 *
 * The reader here: it reads the words one by one, in any order, each at any moment, and what it has put together it may use
 * until a flush of that entry is complete. So between two flushes it may hold, of each word, what was there at the first or
 * anything that was stored since. A flush that is not complete, or is of another entry, ends nothing; with the erratum
 * QUIRK_REPEAT the first of two ends nothing either.
 *
 * For all: old and new entries, streams, results of the queue. A write begins with what the one before may have left, which
 * every write is shown to leave: so it holds for any number of them.
 *
 * unwind: 9
 */
#include "proof.h"

#include "arch/arm64/smmuv3/entry.c"

#define WORDS 8

static struct smmuv3 smmu;
static struct smmuv3_entry entry;
static u64 words[WORDS], old[WORDS], next[WORDS];
static u64 held[WORDS]; /* what hardware may have put together since the last flush */
static u8 hidden;       /* words whose last store hardware need not see yet */
static u8 cleaned;      /* of them, those that were cleaned */
static u32 stores, flushes, commands, effective;
static bool synced;

static bool same(const u64 *a, const u64 *b)
{
	u64 differ = 0;

	for (u32 i = 0; i < WORDS; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

static void look(void)
{
	CLAIM("hardware has the old entry, the new one, or an invalid one",
	      (held[0] & entry.valid) == 0 || same(held, old) || same(held, next));
}

/* --- below entry.c */

u64 io_table_read(const u64 *at) { return *at; }

void io_table_write(u64 *at, u64 value)
{
	u64 i = (u64)(at - words);

	ASSUME(i < WORDS); /* else the bounds below have failed */
	words[i] = value;
	hidden |= (u8)(1u << i);
	cleaned &= (u8) ~(1u << i);
	stores++;
	if (any_bool())
		held[i] = value;
}

void io_clean(const void *start, size_t bytes)
{
	u64 from = (u64)((const u64 *)start - words);

	for (u64 i = 0; i < WORDS; i++)
		if (i >= from && i - from < bytes / 8)
			cleaned |= (u8)(1u << i);
}

void io_table_publish(void) { hidden &= smmu.f.coherent ? 0 : (u8)~cleaned; }
void io_rmb(void) {}

struct cmdq_batch cmdq_begin(struct smmuv3 *s)
{
	(void)s;
	effective = 0;
	synced = true;
	return (struct cmdq_batch){ 0 };
}

void cmdq_add(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, u64 w1)
{
	(void)s, (void)b;
	CLAIM("hardware sees every store before the flush", hidden == 0);
	CLAIM("what is flushed is this entry, alone",
	      w0 == (entry.cached == ENTRY_STE ? 0x03 | (u64)entry.sid << 32 :
						 0x05 | (u64)(entry.ssid & 0xfffff) << 12 | (u64)entry.sid << 32) &&
		      w1 == 1);
	commands++;
	/* A second one counts only behind the sync of the first. */
	if (synced)
		effective++;
	synced = false;
}

void cmdq_sync(struct smmuv3 *s, struct cmdq_batch *b)
{
	(void)s, (void)b;
	synced = true;
}

u64 cmdq_end(struct smmuv3 *s, struct cmdq_batch *b)
{
	(void)s, (void)b;
	return any_u64();
}

static void complete(void)
{
	look();
	flushes++;
	if (effective < ((smmu.f.quirks & QUIRK_REPEAT) != 0 ? 2u : 1u))
		return;
	for (u32 i = 0; i < WORDS; i++)
		held[i] = words[i];
}

u32 io_read32(const volatile void *reg)
{
	(void)reg;
	/* The consumer's index where the ticket is: complete. Else cmdq_wait_slow() decides. */
	if (any_bool())
		return ~0u;
	complete();
	return any_u32();
}

enum status cmdq_wait_slow(struct smmuv3 *s, u64 ticket)
{
	(void)s, (void)ticket;
	if (any_bool())
		return E_IO;
	complete();
	return OK;
}

int main(void)
{
	static u8 regs[0x100];
	enum status status;

	smmu.regs = regs;
	smmu.f.coherent = any_bool();
	smmu.f.quirks = any_u32();
	smmu.dead = any_bool();
	smmu.cmdq.wrap = 2 * (1u << any_u32_to(8)) - 1;
	entry = (struct smmuv3_entry){
		.words = words,
		.valid = any_bool() ? STE0_V : CD0_V,
		.cached = any_u32_to(ENTRY_CD),
		.sid = any_u32(),
		.ssid = any_u32(),
	};
	for (u32 i = 0; i < WORDS; i++) {
		old[i] = words[i] = any_u64();
		held[i] = any_u64();
		next[i] = any_u64();
	}
	/* As the write before left it. */
	ASSUME((words[0] & entry.valid) != 0 ? same(held, words) : (held[0] & entry.valid) == 0);

	status = smmuv3_entry_write(&smmu, &entry, next);

	if (entry.cached == ENTRY_UNREACHABLE) {
		CLAIM("what hardware cannot reach needs no command", commands == 0 && flushes == 0);
		CLAIM("what hardware cannot reach is written all the same", status == (smmu.dead ? E_IO : OK));
	} else {
		look();
	}
	if (smmu.dead)
		CLAIM("of a failed SMMU nothing is written", status == E_IO && stores == 0);
	if (status != OK)
		return 0;
	/* Of an invalid entry hardware looks at nothing else. */
	if ((next[0] & entry.valid) == 0 && (words[0] & entry.valid) == 0)
		words[0] = next[0];
	CLAIM("the entry is the new one", same(words, next));
	CLAIM("hardware sees all of it", hidden == 0);
	if (entry.cached != ENTRY_UNREACHABLE)
		CLAIM("nothing of the old entry is in use", (next[0] & entry.valid) != 0 ? same(held, next) :
											   (held[0] & entry.valid) == 0);
	return 0;
}
