/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command queue: batches of any length, a full queue, a completion that takes its time. The
 * hot path is in queue.h, errors are in gerror.c.
 */
#include "queue.h"

/* Where hardware stands, or `known` when the register makes no sense. */
static u64 consumed(const struct smmuv3 *s, u64 known, u64 newest)
{
	u32 reg = io_read32(s->regs + SMMU_CMDQ_CONS);
	u64 cons;

	if (reg == ~0u)
		return known; /* nothing answers at this address any more */
	cons = queue_position(known, reg & (u32)QUEUE_INDEX, s->cmdq.wrap);
	return cons - known <= newest - known ? cons : known;
}

static void publish(struct smmuv3 *s, u64 prod) MUST_HOLD(queue_class)
{
	const struct smmuv3_cmdq *q = &s->cmdq;

	for (u64 i = q->prod; !s->f.coherent && i != prod; i++)
		io_clean(q->base + (i & (q->size - 1)) * CMD_WORDS, CMD_BYTES);
	cmdq_doorbell(s, prod);
}

static bool has_room(struct smmuv3 *s, u64 prod) MUST_HOLD(queue_class)
{
	struct smmuv3_cmdq *q = &s->cmdq;

	q->cons = consumed(s, q->cons, q->prod);
	return prod - q->cons < q->size;
}

/*
 * A queue that waits for devices is not stuck: the time begins anew with each command that is done and each error that was
 * repaired. No wait is for more than a lap, so that a position which jumps about is no progress for ever.
 */
struct patience {
	u64 since;
	u32 errors;
	u32 at;    /* where hardware was seen last */
	u32 moves; /* times that it was seen to move */
};

/*
 * The clock before all that is progress: who looks late still sees it. And the clock again behind progress that was seen: it may
 * be newer than the first one by as long as the CPU was away in between. Hardware may also have stopped for us meanwhile; so late
 * is the end only if, behind an attempt to repair, is_patient() is false too.
 */
static bool is_late(const struct smmuv3 *s, struct patience *p)
{
	const u64 now = io_time_us();
	u32 errors = __atomic_load_n(&s->cmdq.errors, __ATOMIC_RELAXED), at = io_read32(s->regs + SMMU_CMDQ_CONS) & (u32)QUEUE_INDEX;
	const bool progress = errors != p->errors || (at != p->at && p->moves++ < s->cmdq.size);

	p->at = at;
	if (progress) {
		p->since = io_time_us();
		p->errors = errors;
		return false;
	}
	return now - p->since > __atomic_load_n(&s->cmdq.patience, __ATOMIC_RELAXED);
}

/* Somebody has repaired something since the last is_late(). */
static bool is_patient(const struct smmuv3 *s, const struct patience *p)
{
	return __atomic_load_n(&s->cmdq.errors, __ATOMIC_RELAXED) != p->errors;
}

/*
 * The batch has come to where hardware was seen last: look again, and if the queue is full, let
 * hardware have what there is and wait, with a limit. Returns the new limit of the batch.
 */
static NOINLINE u64 room(struct smmuv3 *s, u64 prod) MUST_HOLD(queue_class)
{
	struct patience p = { .since = io_time_us() };

	if (s->dead)
		return CMDQ_DEAD;
	if (!has_room(s, prod))
		publish(s, prod);
	for (;;) {
		bool late = is_late(s, &p);

		if (has_room(s, prod))
			return s->cmdq.cons + s->cmdq.size;
		smmuv3_cmdq_recover(s);
		if (late && !is_patient(s, &p))
			smmuv3_fail(s, "the command queue stays full");
		if (s->dead)
			return CMDQ_DEAD;
		io_relax();
	}
}

void cmdq_look(struct smmuv3 *s, struct cmdq_batch *b)
{
	if (s->dead)
		b->limit = CMDQ_DEAD;
	else if (has_room(s, b->prod))
		b->limit = s->cmdq.cons + s->cmdq.size;
}

static void put(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, u64 w1) MUST_HOLD(queue_class)
{
	if (b->prod == b->limit)
		b->limit = room(s, b->prod);
	cmdq_store(s->cmdq.base, b->prod & (s->cmdq.size - 1), w0, w1);
	b->prod++;
}

struct cmdq_batch cmdq_begin(struct smmuv3 *s)
{
	cmdq_lock(s);
	return (struct cmdq_batch){
		.prod = s->cmdq.prod,
		.limit = s->cmdq.cons + s->cmdq.size,
		.left = s->cmdq.burst,
	};
}

void cmdq_sync(struct smmuv3 *s, struct cmdq_batch *b)
{
	put(s, b, OP_SYNC, 0);
	b->left = s->cmdq.burst;
}

void cmdq_add(struct smmuv3 *s, struct cmdq_batch *b, u64 w0, u64 w1)
{
	if (b->left == 0)
		cmdq_sync(s, b);
	b->left--;
	put(s, b, w0, w1);
}

u64 cmdq_end(struct smmuv3 *s, struct cmdq_batch *b)
{
	u64 ticket = 0;

	cmdq_sync(s, b);
	if (b->limit != CMDQ_DEAD) {
		ticket = b->prod;
		publish(s, ticket);
	}
	cmdq_unlock(s);
	return ticket;
}

void cmdq_watch(struct smmuv3 *s, const struct cmdq_batch *b, struct iommu_watch *w)
{
	w->first = b->prod;
	w->end = ~0ull;
	w->next = s->cmdq.watched;
	s->cmdq.watched = w;
}

u64 cmdq_end_watched(struct smmuv3 *s, struct cmdq_batch *b, struct iommu_watch *w)
{
	u64 ticket;

	w->end = b->prod + 1;
	ticket = cmdq_end(s, b);
	if (ticket == 0)
		cmdq_unwatch(s, w);
	else
		w->queued = true;
	return ticket;
}

void cmdq_unwatch(struct smmuv3 *s, struct iommu_watch *w)
{
	struct iommu_watch **at = &s->cmdq.watched;

	cmdq_lock(s);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	w->queued = false;
	cmdq_unlock(s);
}

/*
 * Without the lock. Hardware is at most one queue behind the producer, which gives a position
 * to count from; if others queue more than that meanwhile, the result is too low, never too high.
 */
bool cmdq_done(const struct smmuv3 *s, u64 ticket)
{
	const struct smmuv3_cmdq *q = &s->cmdq;
	u64 oldest = __atomic_load_n(&q->prod, __ATOMIC_ACQUIRE) - q->size;
	u32 reg = io_read32(s->regs + SMMU_CMDQ_CONS);
	u64 cons = queue_position(oldest, reg & (u32)QUEUE_INDEX, q->wrap);

	io_rmb();
	if (reg == ~0u ||
	    cons - oldest > __atomic_load_n(&q->prod, __ATOMIC_ACQUIRE) - oldest)
		return false; /* gone, or ahead of its producer */
	/* Before the first lap `oldest` is negative. */
	return (s64)(cons - ticket) >= 0;
}

enum status cmdq_wait_slow(struct smmuv3 *s, u64 ticket)
{
	struct patience p = { .since = io_time_us() };

	for (;;) {
		bool late = is_late(s, &p);

		if (cmdq_done(s, ticket))
			return OK;
		if (__atomic_load_n(&s->dead, __ATOMIC_RELAXED))
			return E_IO;
		if (((io_read32(s->regs + SMMU_GERROR) ^
		      __atomic_load_n(&s->gerrorn, __ATOMIC_ACQUIRE)) &
		     GERROR_CMDQ) != 0) {
			cmdq_lock(s);
			smmuv3_cmdq_recover(s);
			cmdq_unlock(s);
		}
		if (late && !is_patient(s, &p))
			break;
		io_relax();
	}
	cmdq_lock(s);
	smmuv3_fail(s, "a command does not complete");
	cmdq_unlock(s);
	return E_IO;
}
