/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Indexes of the command queue and of the event queue (arch/arm64/smmuv3: queue.h, queue.c, events.c): positions of 64 bits
 * against registers of an index and a wrap bit, in queues of every size that there is.
 *
 * Hardware here: it has consumed up to some position that it may move on at every look, and its register says so; or, for a
 * register that lies, it says anything. A wait ends at the
 * second look at the clock: how often it looks before changes nothing of what it does.
 *
 * For all: sizes from 1 to 2^19 entries, positions below 2^36, registers, batches: what a command or the end finds of its
 * batch is what every command before leaves.
 *
 * unwind: 5
 * unwindset: room.0:3
 */
#include "proof.h"

#include "arch/arm64/smmuv3/queue.c"
#include "arch/arm64/smmuv3/events.c"

static struct smmuv3 smmu;
static struct iommu iommu;
static u8 regs[0x20000];
static u64 memory[4];  /* where the queue begins; what is behind that is never looked at here */
static u64 consumed_to; /* by hardware */
static bool honest;
static u32 reads_as;    /* the register of one that lies; EVENTQ_PROD */

static u64 now_us, position, stored;
static u64 index_mask; /* of the queue's size */
static u32 since_sync;

/* --- hardware */

u32 io_read32(const volatile void *reg)
{
	const u64 which = (u64)((uintptr_t)reg - (uintptr_t)regs);

	if (which != SMMU_CMDQ_CONS)
		return which == SMMU_EVENTQ_PROD ? reads_as : any_u32();
	if (!honest)
		return reads_as;
	if (any_bool()) {
		consumed_to += any_u32_to(2 * 524288);
		ASSUME(consumed_to <= smmu.cmdq.prod);
	}
	return (u32)consumed_to & smmu.cmdq.wrap;
}

void io_write32(u32 value, volatile void *reg)
{
	const u64 which = (u64)((uintptr_t)reg - (uintptr_t)regs);

	if (which == SMMU_CMDQ_PROD) {
		CLAIM("hardware is told the producer with its wrap bit", value == (smmu.cmdq.prod & (2 * index_mask + 1)));
		CLAIM("hardware is told of what is stored, and of no more than a queue", smmu.cmdq.prod == position &&
												 smmu.cmdq.prod - consumed_to <= smmu.cmdq.size);
	}
}

void io_table_write(u64 *at, u64 value)
{
	const u64 word = ((uintptr_t)at - (uintptr_t)memory) / 8;

	CLAIM("a command is stored in the slot of its position", word == (position & index_mask) * 2 + (stored & 1));
	CLAIM("no slot is written that hardware has not taken", smmu.dead || position - consumed_to < smmu.cmdq.size);
	if ((stored & 1) == 0) {
		since_sync = (value & 0xff) == OP_SYNC ? 0 : since_sync + 1;
		CLAIM("a sync comes as often as hardware wants it", since_sync <= smmu.cmdq.burst);
	} else {
		position++;
	}
	stored++;
}

u64 io_table_read(const u64 *at)
{
	const u64 word = ((uintptr_t)at - (uintptr_t)memory) / 8;

	CLAIM("an event is read from the slot of the consumer", word / 4 == (smmu.evtq.cons & index_mask) &&
									word < 4ull * smmu.evtq.size);
	return any_u64();
}

void io_clean(const void *at, size_t bytes) { (void)at, (void)bytes; }
void io_wmb(void) {}
void io_rmb(void) {}
void io_relax(void) {}
void arch_spin_lock(struct spinlock *lock) { (void)lock; }
void arch_spin_unlock(struct spinlock *lock) { (void)lock; }
void iommu_report_overflow(struct iommu *i) { (void)i; }
void iommu_report_event(struct iommu *i, const struct iommu_event *e) { (void)i, (void)e; }

u64 io_time_us(void)
{
	return now_us += IOMMU_WAIT_US + 1;
}

/* gerror.c: an error is handled, or the SMMU is given up. */
void smmuv3_cmdq_recover(struct smmuv3 *s) { s->dead = s->dead || any_bool(); }
void smmuv3_fail(struct smmuv3 *s, const char *why)
{
	(void)why;
	s->dead = true;
}

/* --- the command queue */

static u64 any_position(void) { return any_u64() >> 28; }

static void any_queue(void)
{
	struct smmuv3_cmdq *q = &smmu.cmdq;

	index_mask = (1ull << any_u32_to(19)) - 1;
	smmu.regs = regs;
	smmu.dead = false;
	smmu.f.coherent = true;
	honest = true;
	q->base = memory;
	q->size = (u32)index_mask + 1;
	q->wrap = 2 * q->size - 1;
	q->burst = any_u32();
	q->prod = any_position();
	q->cons = any_position();
	consumed_to = any_position();
	ASSUME(q->burst >= 1 && q->cons <= consumed_to && consumed_to <= q->prod && q->prod - q->cons <= q->size);
	position = q->prod;
	stored = 0;
	since_sync = 0;
}

static void prove_consumer(void)
{
	u64 known, newest, seen;

	any_queue();
	known = smmu.cmdq.cons;
	newest = smmu.cmdq.prod;
	seen = consumed(&smmu, known, newest);
	CLAIM("the consumer's position is what its register means", seen == consumed_to);
	honest = false;
	reads_as = any_u32();
	seen = consumed(&smmu, known, newest);
	CLAIM("a register that lies moves the consumer not back, and not beyond the producer", seen >= known && seen <= newest);
}

static void prove_done(void)
{
	u64 ticket = any_u64();
	bool done;

	any_queue();
	ASSUME(ticket >= 1 && ticket <= smmu.cmdq.prod);
	done = cmdq_done(&smmu, ticket);
	CLAIM("a ticket is complete when its sync is consumed, not before", done == (consumed_to >= ticket));
}

static void prove_single(void)
{
	u64 ticket, before;

	any_queue();
	smmu.cmdq.burst = 1;
	before = position;
	ticket = cmdq_single(&smmu, OP_TLBI_NH_VA, any_u64());
	CLAIM("one command alone is stored with its sync, or nothing is", ticket == 0 ? stored == 0 :
											ticket == before + 2 && position == ticket && since_sync == 0);
}

/* What a batch may count on, and keeps. */
static bool batch_sound(const struct cmdq_batch *b)
{
	const struct smmuv3_cmdq *q = &smmu.cmdq;

	return b->prod == position && q->prod <= b->prod && b->prod <= b->limit && b->limit == q->cons + q->size &&
	       q->cons <= consumed_to && b->left <= q->burst && since_sync <= q->burst - b->left;
}

/* A batch after any number of commands. */
static struct cmdq_batch any_batch(void)
{
	const struct cmdq_batch b = { any_position(), any_position(), any_u32() };

	any_queue();
	position = b.prod;
	since_sync = any_u32();
	ASSUME(batch_sound(&b));
	return b;
}

static void prove_begin(void)
{
	struct cmdq_batch b;

	any_queue();
	b = cmdq_begin(&smmu);
	CLAIM("a batch begins behind what is queued", b.limit >= b.prod && batch_sound(&b));
}

/* A batch that has come to its limit waits for room. */
static void prove_room(void)
{
	struct cmdq_batch b = any_batch();

	ASSUME(b.prod == b.limit);
	b.limit = room(&smmu, b.prod);
	CLAIM("room is what hardware has taken, or the queue failed",
	      b.limit == CMDQ_DEAD ? smmu.dead : b.limit > b.prod && batch_sound(&b));
}

/* One more command, where there is room for it and for a sync. */
static void prove_syncs(void)
{
	struct cmdq_batch b = any_batch();

	ASSUME(b.limit - b.prod >= 2);
	cmdq_add(&smmu, &b, OP_TLBI_NH_VA, any_u64());
	CLAIM("a batch goes on as it began", batch_sound(&b));
}

static void prove_end(void)
{
	struct cmdq_batch b = any_batch();
	const u64 before = position;
	u64 ticket;

	ASSUME(b.limit > b.prod);
	if (any_bool())
		b.limit = CMDQ_DEAD;
	ticket = cmdq_end(&smmu, &b);
	if (b.limit == CMDQ_DEAD)
		CLAIM("a queue that failed gives no ticket", ticket == 0);
	else
		CLAIM("a ticket is the position behind the last sync", ticket == position && since_sync == 0 && ticket > before);
}

/* --- the event queue */

static void prove_events(void)
{
	struct smmuv3_evtq *q = &smmu.evtq;
	u64 record[EVT_WORDS], taken;
	bool lost = false, any;
	u32 before, queued = 0, waits;

	smmu.regs = regs;
	smmu.iommu = &iommu;
	q->base = memory;
	index_mask = (1ull << any_u32_to(19)) - 1;
	q->size = (u32)index_mask + 1;
	q->wrap = 2 * q->size - 1;
	before = q->cons = any_u32();
	taken = q->taken = any_u64();
	reads_as = any_u32();
	iommu.poll = regs + SMMU_EVENTQ_PROD;
	iommu.poll_force = 0;
	iommu.poll_mask = q->wrap | (1u << 31);
	ASSUME((q->cons & ~(q->wrap | 1u << 31)) == 0 && reads_as != ~0u);
	any = evtq_take(&smmu, record, &lost, &queued);
	waits = (reads_as - before) & q->wrap;
	CLAIM("an event is taken when one waits", any == (waits > 0 && waits <= q->size));
	CLAIM("the consumer goes on by one record, with its wrap bit", !any || (q->cons & q->wrap) == ((before + 1) & q->wrap));
	CLAIM("an index that makes no sense skips what is queued", waits <= q->size || (lost && (q->cons & q->wrap) == (reads_as & q->wrap)));
	CLAIM("an overflow is told, and acknowledged", (waits > q->size || lost == ((reads_as ^ before) >> 31 != 0)) &&
							       q->cons >> 31 == reads_as >> 31);
	CLAIM("records are counted", q->taken - taken == (any ? 1 : waits > q->size ? waits :
										      0));
	CLAIM("nothing is pending exactly when the consumer is the producer",
	      iommu_pending(&iommu) == (((reads_as ^ q->cons) & (q->wrap | 1u << 31)) != 0));
	CLAIM("the consumer has no bit that is not its own", (q->cons & ~(q->wrap | 1u << 31)) == 0);
}

int main(void)
{
	prove_consumer();
	prove_done();
	prove_single();
	prove_begin();
	prove_room();
	prove_syncs();
	prove_end();
	prove_events();
	return 0;
}
