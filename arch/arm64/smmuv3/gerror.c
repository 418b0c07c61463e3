/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors that hardware reports (IHI 0070 7.1, 7.5) and what is left of an SMMU that failed.
 *
 * A command error stops the queue for everyone, so whoever meets it repairs it: the waiter of any
 * ticket, the error interrupt, the poll at a guest's exit. Tickets of ours keep their promise, because
 * an illegal command is replaced by one that removes at least as much and is legal everywhere.
 *
 *	CERROR_ILL           a bug of ours: alarm, replace (once a position), go on
 *	CERROR_ABT           the command was not read: try again, a few times
 *	CERROR_ATC_INV_SYNC  a device did not answer before this sync: go on with the sync
 *	anything else, or no luck: smmuv3_fail
 *
 * The last but one says not which device, and a sync that is taken again completes. So both first ones are counted as mishaps,
 * and who queued a command whose promise nothing else keeps looks at that count behind its wait (guest_inval.c).
 */
#include "abi/pviommu.h"
#include "hyp/check.h"
#include "hyp/log.h"
#include "queue.h"

/* At one position. Of devices it may be told one by one, and that many can be before a sync (guest_inval.c). */
#define TRIES     4
#define ATC_TRIES (GUEST_BATCH + 1)

bool smmuv3_ill_panics = true;

void smmuv3_fail(struct smmuv3 *s, const char *why)
{
	if (s->dead)
		return;
	__atomic_store_n(&s->dead, true, __ATOMIC_RELAXED);
	__atomic_store_n(&s->iommu->dead, true, __ATOMIC_RELAXED);
	for (u32 i = 0; i < ARRAY_SIZE(s->tlbi); i++) {
		__atomic_store_n(&s->tlbi[i].by_range, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&s->tlbi[i].single, 0, __ATOMIC_RELAXED);
	}
	log_error("%s: %s; all DMA behind it is blocked from now on", s->iommu->name, why);
	/* GBPA.ABORT is set since boot: with translation off nothing passes. */
	if (!smmuv3_write_acked(s->regs, SMMU_CR0, SMMU_CR0ACK, 0))
		log_error("%s: and it does not say that it did block", s->iommu->name);
}

static void gerror_ack(struct smmuv3 *s, u32 bits) MUST_HOLD(queue_class)
{
	u32 gerrorn = s->gerrorn ^ bits;

	/* Who sees it in order again sees that it was repaired. */
	__atomic_store_n(&s->gerrorn, gerrorn, __ATOMIC_RELEASE);
	io_write32(gerrorn, s->regs + SMMU_GERRORN);
}

/* The least that stands in for a command, whatever its operands were. False: there is none. */
static bool stand_in(u64 w0, u64 out[CMD_WORDS])
{
	u64 op = FIELD_GET(CMD0_OP, w0);

	out[0] = out[1] = 0;
	if (op >= OP_CFGI_STE && op <= OP_CFGI_CD_ALL) {
		out[0] = OP_CFGI_STE_RANGE;
		out[1] = FIELD(CMD1_RANGE, RANGE_ALL);
	} else if (op >= OP_TLBI_NH_ALL && op <= OP_TLBI_NSNH_ALL && op != OP_TLBI_EL2_ALL) {
		out[0] = OP_TLBI_NSNH_ALL;
	} else if (op == OP_SYNC || op == OP_ATC_INV) {
		/* Nothing can stand in for a device's own TLB: who asked is told. */
		out[0] = OP_SYNC;
	}
	return out[0] != 0;
}

static bool replace(struct smmuv3 *s, u64 position) MUST_HOLD(queue_class)
{
	u64 *slot = s->cmdq.base + (position & (s->cmdq.size - 1)) * CMD_WORDS;
	u64 w0 = io_table_read(&slot[0]);
	u64 with[CMD_WORDS];

	/* Nothing of its operands: they name streams, tags and what others have mapped, and the primary sees the log. */
	log_error("%s: command %#x is illegal", s->iommu->name, (u32)FIELD_GET(CMD0_OP, w0));
	if (CONFIG_TEST && smmuv3_ill_panics)
		panic("%s: illegal command", s->iommu->name);
	if (!stand_in(w0, with))
		return false;
	io_table_write(&slot[0], with[0]);
	io_table_write(&slot[1], with[1]);
	smmuv3_publish(s, slot, CMD_BYTES);
	return true;
}

/* Nobody whose command it was may take its sync for its success. */
static void mishap(struct smmuv3 *s, u8 fate, u64 position) MUST_HOLD(queue_class)
{
	for (struct iommu_watch *w = s->cmdq.watched; w != NULL; w = w->next)
		if (position - w->first < w->end - w->first)
			w->fate = fate;
	__atomic_store_n(&s->cmdq.mishaps, s->cmdq.mishaps + 1, __ATOMIC_RELAXED);
	io_wmb(); /* before hardware goes on, and completes the sync */
}

/* One repair at the position where hardware stopped. False: there is no hope. */
static bool repair(struct smmuv3 *s, u32 code, u64 position) MUST_HOLD(queue_class)
{
	struct smmuv3_cmdq *q = &s->cmdq;

	q->tries = q->tries > 0 && q->bad == position ? q->tries + 1 : 1;
	q->bad = position;
	__atomic_store_n(&q->errors, q->errors + 1, __ATOMIC_RELAXED);
	if (code != CERROR_ABT)
		mishap(s, code == CERROR_ILL ? PVIOMMU_INVAL_HW_ILLEGAL : PVIOMMU_INVAL_HW_TIMEOUT, position);
	if (code == CERROR_ILL)
		return q->tries == 1 && replace(s, position);
	if (q->tries == 1)
		log_error("%s: command queue error %u", s->iommu->name, code);
	return (code == CERROR_ABT && q->tries < TRIES) || (code == CERROR_ATC_INV_SYNC && q->tries < ATC_TRIES);
}

/* Errors that are not acknowledged yet. Ones in reserved bits, too: nothing answers here, and nothing is reported. */
static u32 gerror_active(const struct smmuv3 *s) MUST_HOLD(queue_class)
{
	u32 gerror = io_read32(s->regs + SMMU_GERROR);

	return gerror == ~0u ? 0 : (gerror ^ s->gerrorn) & (u32)GERROR_ALL;
}

void smmuv3_cmdq_recover(struct smmuv3 *s)
{
	struct smmuv3_cmdq *q = &s->cmdq;
	u32 cons;

	if (s->dead || (gerror_active(s) & (u32)GERROR_CMDQ) == 0)
		return;
	cons = io_read32(s->regs + SMMU_CMDQ_CONS);
	q->cons = queue_position(q->cons, cons & (u32)QUEUE_INDEX, q->wrap);
	if (q->prod - q->cons > q->size || q->prod == q->cons ||
	    !repair(s, (u32)FIELD_GET(CMDQ_CONS_ERR, cons), q->cons))
		smmuv3_fail(s, "its command queue cannot be repaired");
	gerror_ack(s, (u32)GERROR_CMDQ);
}

/* Say each kind once: what repeats is counted by its effects. */
static void gerror_log(struct smmuv3 *s, u32 active) MUST_HOLD(queue_class)
{
	u32 fresh = active & ~s->gerror_seen;

	s->gerror_seen |= active;
	if (fresh & GERROR_EVENTQ_ABT)
		log_warn("%s: events were lost, their queue was full or not writable",
			 s->iommu->name);
	if (fresh & GERROR_MSI_ABT)
		log_warn("%s: it sent an interrupt message, which it was not told to",
			 s->iommu->name);
	if (fresh & ~(u32)(GERROR_EVENTQ_ABT | GERROR_MSI_ABT))
		log_error("%s: global error %#x", s->iommu->name, fresh);
}

void smmuv3_error(struct iommu *iommu)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	u32 active;

	cmdq_lock(s);
	smmuv3_cmdq_recover(s);
	active = gerror_active(s);
	/* The command queue may have stopped again since: that one is not ours to wave through. */
	if (!s->dead)
		active &= ~(u32)GERROR_CMDQ;
	gerror_log(s, active);
	if (active & GERROR_SFM)
		smmuv3_fail(s, "it is in service failure mode");
	if (active != 0)
		gerror_ack(s, active);
	cmdq_unlock(s);
	/* QEMU says so for a full queue, and sets no OVFLG. */
	if (active & GERROR_EVENTQ_ABT)
		iommu_report_overflow(iommu);
}
