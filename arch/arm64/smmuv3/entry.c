/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a stream table entry or a context descriptor that hardware may be reading (IHI 0070
 * 3.21.3.1). Hardware reads the eight words one by one and in any order, and may cache an invalid
 * entry too. Hence break-before-make, each step complete in the caches before the next:
 *
 *	valid    -- word 0 := 0, flush -->   invalid
 *	invalid  -- words 1..7, flush  -->   invalid, as the new one will be
 *	invalid  -- word 0, flush      -->   valid
 *
 * Where a valid entry differs from the new one in a single word, that store is the whole change: hardware reads a word
 * either as it was or as it is.
 *
 * Going invalid for good, words 1..7 are cleared after the flush and need none of their own:
 * whatever comes next flushes before it turns valid.
 */
#include "queue.h"

void smmuv3_publish(const struct smmuv3 *s, const void *start, u64 size)
{
	if (!s->f.coherent)
		io_clean(start, size);
	io_table_publish();
}

/* Drop the entry from the configuration caches, with completion. */
static enum status flush(struct smmuv3 *s, const struct smmuv3_entry *e)
{
	u64 w0 = e->cached == ENTRY_STE ? OP_CFGI_STE :
					  OP_CFGI_CD | FIELD(CMD0_SSID, e->ssid);
	struct cmdq_batch b;
	u64 ticket;

	if (e->cached == ENTRY_UNREACHABLE)
		return OK;
	w0 |= FIELD(CMD0_SID, e->sid);
	b = cmdq_begin(s);
	cmdq_add(s, &b, w0, CMD1_LEAF);
	if (unlikely((s->f.quirks & QUIRK_REPEAT) != 0)) {
		cmdq_sync(s, &b);
		cmdq_add(s, &b, w0, CMD1_LEAF);
	}
	ticket = cmdq_end(s, &b);
	return ticket != 0 ? cmdq_wait(s, ticket) : E_IO;
}

static void word0_write(struct smmuv3 *s, const struct smmuv3_entry *e, u64 value)
{
	io_table_write(e->words, value);
	smmuv3_publish(s, e->words, sizeof(u64));
}

static void rest_write(struct smmuv3 *s, const struct smmuv3_entry *e, const u64 next[STE_WORDS])
{
	bool changed = false;

	for (u32 i = 1; i < STE_WORDS; i++) {
		if (io_table_read(&e->words[i]) == next[i])
			continue;
		io_table_write(&e->words[i], next[i]);
		changed = true;
	}
	if (changed)
		smmuv3_publish(s, e->words, STE_BYTES);
}

/* The one word in which a valid entry differs from a valid `next`; STE_WORDS: none, or more than one. */
static u32 only_difference(const struct smmuv3_entry *e, const u64 next[STE_WORDS])
{
	u32 differs = STE_WORDS;

	if ((io_table_read(e->words) & next[0] & e->valid) == 0)
		return STE_WORDS;
	for (u32 i = 0; i < STE_WORDS; i++) {
		if (io_table_read(&e->words[i]) == next[i])
			continue;
		if (differs != STE_WORDS)
			return STE_WORDS;
		differs = i;
	}
	return differs;
}

enum status smmuv3_entry_write(struct smmuv3 *s, const struct smmuv3_entry *e,
			       const u64 next[STE_WORDS])
{
	enum status status = OK;
	u32 only;

	if (unlikely(__atomic_load_n(&s->dead, __ATOMIC_RELAXED)))
		return E_IO;
	only = only_difference(e, next);
	if (only != STE_WORDS) {
		io_table_write(&e->words[only], next[only]);
		smmuv3_publish(s, e->words, STE_BYTES);
		return flush(s, e);
	}
	if ((io_table_read(e->words) & e->valid) != 0) {
		word0_write(s, e, 0);
		status = flush(s, e);
	}
	if (status != OK)
		return status;
	rest_write(s, e, next);
	if ((next[0] & e->valid) == 0)
		return OK;
	/* Also of words that are as they should be: they may have been cleared since the last flush, and cached before. */
	status = flush(s, e);
	if (status != OK)
		return status;
	word0_write(s, e, next[0]);
	return flush(s, e);
}
