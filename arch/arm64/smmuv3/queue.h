/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command queue (IHI 0070 3.5, 3.21.2, 4.1).
 *
 *	struct cmdq_batch b = cmdq_begin(s);	takes the lock
 *	cmdq_add(s, &b, w0, w1); ...		any number: a full queue drains meanwhile
 *	ticket = cmdq_end(s, &b);		one CMD_SYNC, doorbell, releases the lock
 *	status = cmdq_wait(s, ticket);		no lock
 *
 * One command alone, the hot path of every unmap, is cmdq_single(), inline like the wait.
 *
 * Positions count commands since start in 64 bits and never wrap; hardware's index is their low
 * bits and one wrap bit above. A ticket is the position after its CMD_SYNC, so it is complete
 * exactly when the consumer's position has reached it, however late or often that is asked.
 */
#ifndef SMMUV3_QUEUE_H
#define SMMUV3_QUEUE_H

#include "hyp/io.h"
#include "smmuv3.h"

struct cmdq_batch {
	u64 prod;  /* where the next command goes */
	u64 limit; /* first position that is still in use, one lap ahead */
	u32 left;  /* commands until hardware wants a sync */
};
#define CMDQ_DEAD (~0ull) /* as limit: the queue failed, commands go nowhere */

struct cmdq_batch cmdq_begin(struct smmuv3 *s) ACQUIRES(queue_class);
void cmdq_add(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, u64 w1) MUST_HOLD(queue_class);
/* A sync inside the batch: what follows starts after what precedes is complete. */
void cmdq_sync(struct smmuv3 *s, struct cmdq_batch *b) MUST_HOLD(queue_class);
/* What is queued from here on is the watch's: an error there leaves its fate in it. */
void cmdq_watch(struct smmuv3 *s, const struct cmdq_batch *b, struct iommu_watch *w) MUST_HOLD(queue_class);
/* cmdq_end() of such a batch, its sync with it. With a ticket the watch is there until cmdq_unwatch(). */
u64 cmdq_end_watched(struct smmuv3 *s, struct cmdq_batch *b, struct iommu_watch *w) RELEASES(queue_class);
void cmdq_unwatch(struct smmuv3 *s, struct iommu_watch *w) NOT_HELD(queue_class);
/* Look anew how much room there is. */
void cmdq_look(struct smmuv3 *s, struct cmdq_batch *b) MUST_HOLD(queue_class);
/* The ticket, never 0; 0: the queue is dead and nothing was done. */
u64 cmdq_end(struct smmuv3 *s, struct cmdq_batch *b) RELEASES(queue_class);

/* Is the sync of this ticket complete, as far as the registers say now? */
bool cmdq_done(const struct smmuv3 *s, u64 ticket);
enum status cmdq_wait_slow(struct smmuv3 *s, u64 ticket) NOINLINE COLD NOT_HELD(queue_class);

/* The position that a register's index means, given one that is at most a lap behind it. */
static ALWAYS_INLINE u64 queue_position(u64 known, u32 reg, u32 wrap)
{
	return known + ((reg - (u32)known) & wrap);
}

static ALWAYS_INLINE void cmdq_lock(struct smmuv3 *s) ACQUIRES(queue_class) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&s->cmdq.lock);
}

static ALWAYS_INLINE void cmdq_unlock(struct smmuv3 *s) RELEASES(queue_class) NO_LOCK_ANALYSIS
{
	arch_spin_unlock(&s->cmdq.lock);
}

static ALWAYS_INLINE void cmdq_store(u64 *base, u64 index, u64 w0, u64 w1)
{
	u64 *slot = base + index * CMD_WORDS;

	io_table_write(slot, w0);
	io_table_write(slot + 1, w1);
}

/* Everything before `prod` is stored: hardware may have it. */
static ALWAYS_INLINE void cmdq_doorbell(struct smmuv3 *s, u64 prod) MUST_HOLD(queue_class)
{
	__atomic_store_n(&s->cmdq.prod, prod, __ATOMIC_RELEASE);
	io_wmb();
	io_write32((u32)prod & s->cmdq.wrap, s->regs + SMMU_CMDQ_PROD);
}

/*
 * A batch of one command: its ticket, or 0 without effect when the queue has no room for it at
 * once. Only where hardware snoops our stores.
 */
static ALWAYS_INLINE u64 cmdq_single(struct smmuv3 *s, u64 w0, u64 w1) NOT_HELD(queue_class)
{
	struct smmuv3_cmdq *q = &s->cmdq;
	u64 prod, mask, *base;
	bool room;

	cmdq_lock(s);
	prod = q->prod;
	base = q->base;
	mask = q->size - 1;
	room = prod + 2 - q->cons <= q->size;
	if (likely(room)) {
		cmdq_store(base, prod & mask, w0, w1);
		cmdq_store(base, (prod + 1) & mask, OP_SYNC, 0);
		cmdq_doorbell(s, prod + 2);
	}
	cmdq_unlock(s);
	return likely(room) ? prod + 2 : 0;
}

/*
 * The usual case: the consumer stands exactly at our ticket. The whole register is compared, so
 * that neither an error code nor a register that reads as ones can look like completion.
 */
static ALWAYS_INLINE enum status cmdq_wait(struct smmuv3 *s, u64 ticket) NOT_HELD(queue_class)
{
	u32 cons = io_read32(s->regs + SMMU_CMDQ_CONS);

	if (unlikely(cons != ((u32)ticket & s->cmdq.wrap)))
		return cmdq_wait_slow(s, ticket);
	io_rmb();
	return OK;
}

#endif
