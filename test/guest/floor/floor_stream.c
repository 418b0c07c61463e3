/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same for streams and for a caller's own invalidations. An attach: stream and domain are the caller's, and the stream
 * has none; its entry becomes valid by its first word, behind the others, and what hardware may have kept of the invalid
 * one is gone (IHI 0070 3.21.3). A detach: the entry is invalid, and when that is complete what was cached by it goes (4.3.6).
 * An invalidation: entries are read once, what they may not ask is refused before one of them is executed, who they are for
 * is written anew, and all are complete at the end.
 */
#include "floor_queue.h"

#define CFGI_STE  3ul
#define LEAF      1ul
#define TLBI_ASID 0x11ul
#define SID(n)    ((u64)(n) << 32)
#define ASID(n)   ((u64)(n) << 48)
#define VMID      (0xfffful << 32)
#define MAY_WORD0 (0xfful | VMID | ASID(0xffff))
#define MAY_WORD1 (~0xffful | LEAF)
#define ENTRY     (2 * sizeof(u64))

static inline void put_sync(struct floor_queue *q)
{
	put(q, SYNC, 0);
}

static bool both_are_the_callers(const struct floor_domain *d, const struct floor_stream *s)
{
	return d->owner == FLOOR_OWNER && s->owner == FLOOR_OWNER;
}

static u64 attach(struct floor_domain *d, struct floor_stream *s, const u64 *ste)
{
	struct floor_queue *q = &floor_state.queue;
	u32 cons;

	if (!both_are_the_callers(d, s) || s->domain)
		return FLOOR_DENIED;
	s->entry[1] = ste[1];
	asm volatile("dsb ishst" ::: "memory");
	*(volatile u64 *)s->entry = ste[0];
	lock(&q->lock);
	put(q, CFGI_STE | SID(s->sid), LEAF);
	put_sync(q);
	cons = executed(q);
	unlock(&q->lock);
	if (cons != q->prod)
		return FLOOR_IO;
	s->domain = d;
	return FLOOR_OK;
}

static u64 detach(struct floor_domain *d, struct floor_stream *s)
{
	struct floor_queue *q = &floor_state.queue;
	u32 cons;

	if (!both_are_the_callers(d, s) || s->domain != d)
		return FLOOR_DENIED;
	*(volatile u64 *)s->entry = 0;
	lock(&q->lock);
	put(q, CFGI_STE | SID(s->sid), LEAF);
	put_sync(q);
	put(q, TLBI_ASID | ASID(d->asid), 0);
	put_sync(q);
	cons = executed(q);
	unlock(&q->lock);
	if (cons != q->prod)
		return FLOOR_IO;
	s->domain = NULL;
	return FLOOR_OK;
}

/* Into the queue, at once: what is not counted in its producer hardware does not see. */
static inline u64 put_checked(struct floor_queue *q, const u64 *entry, u64 count)
{
	const u64 ours = TLBI_VA | SID(floor_state.vmid);
	u64 bad = 0;
	u32 prod = q->prod;

	for (const u64 *end = entry + 2 * count; entry != end; entry += 2) {
		const u64 word0 = entry[0], word1 = entry[1];
		u64 *slot = q->commands[prod & QUEUE_MASK];

		bad |= (word0 & ~MAY_WORD0) | (word1 & ~MAY_WORD1) | ((word0 & 0xff) ^ TLBI_VA);
		slot[0] = (word0 & ASID(0xffff)) | ours;
		slot[1] = word1;
		prod = (prod + 1) & QUEUE_WRAP;
	}
	if (bad)
		return FLOOR_INVALID;
	q->prod = prod;
	return FLOOR_OK;
}

static u64 invalidate_entries(u64 ipa, u64 count)
{
	struct floor_queue *q = &floor_state.queue;
	u64 status;

	/* In one page of the caller's: one look. */
	if (ipa % ENTRY || count - 1 >= FLOOR_INVAL_MAX || ipa % PAGE + count * ENTRY > PAGE ||
	    ipa - floor_state.ram_base >= floor_state.ram_bytes ||
	    (floor_state.pages[(ipa - floor_state.ram_base) >> 12] ^ FLOOR_OWNED) > FLOOR_PINS_MAX)
		return FLOOR_DENIED;
	lock(&q->lock);
	status = put_checked(q, (const u64 *)ipa, count);
	if (!status) {
		put_sync(q);
		status = executed(q) == q->prod ? FLOOR_OK : FLOOR_IO;
	}
	unlock(&q->lock);
	return status;
}

struct floor_result floor_stream_call(u64 call, u64 domain, u64 what, u64 count, u64 b, u64 prot)
{
	struct floor_domain *d = &floor_state.domain[domain];
	struct floor_stream *s = &floor_state.stream[what];
	u64 status = FLOOR_INVALID;

	(void)b;
	(void)prot;
	if (call == FLOOR_INVALIDATE) {
		status = invalidate_entries(what, count);
		return (struct floor_result){ status, status ? 0 : count };
	}
	if (domain >= FLOOR_DOMAINS || what >= FLOOR_STREAMS)
		return (struct floor_result){ status, 0 };
	lock(&d->lock);
	if (call == FLOOR_ATTACH)
		status = attach(d, s, floor_state.ste[domain]);
	else if (call == FLOOR_DETACH)
		status = detach(d, s);
	unlock(&d->lock);
	return (struct floor_result){ status, 0 };
}
