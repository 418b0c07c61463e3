/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event queue, IHI 0070 7.2 to 7.4: records are taken one by one under the queue's lock and
 * reported without it, so a reader never holds up hardware or another CPU for long.
 *
 * Addresses that hardware fetched from (FetchAddr) are physical, behind a guest's first stage too, and are dropped here.
 */
#include "queue.h"

/* PVIOMMU_REASON_* of the guest interface, by the same numbers. */
enum { UNKNOWN,
       DOMAIN,
       MAPPING,
       WALK,
       ENTRY,
       PERMISSION,
       ACCESS,
       SIZE,
       PASID,
       DISABLED,
       ATS,
       CONFLICT };

/* Which fields a record has. */
#define F_ADDR  0x1 /* InputAddr */
#define F_DIR   0x2 /* RnW */
#define F_ATTR  0x4 /* InD, PnU */
#define F_STAGE 0x8 /* S2, CLASS, IPA and Stall: translation-related */
#define F_WALK  0x10 /* S2 and CLASS only */
#define F_SSID  0x20 /* SubstreamID without SSV */
#define F_SID   0x40
#define F_OURS  0x80 /* of the hypervisor's tables, or no fault of a stream's owner */

#define TRANSLATION (F_SID | F_ADDR | F_DIR | F_ATTR | F_STAGE)

static const struct {
	u8 reason, fields;
} kinds[EVT_COUNT] = {
	[EVT_F_UUT] = { UNKNOWN, F_SID | F_ADDR | F_DIR | F_ATTR },
	[EVT_C_BAD_STREAMID] = { DOMAIN, F_SID | F_OURS },
	[EVT_F_STE_FETCH] = { DOMAIN, F_SID | F_OURS },
	[EVT_C_BAD_STE] = { DOMAIN, F_SID },
	[EVT_F_BAD_ATS_TREQ] = { ATS, F_SID | F_ADDR },
	[EVT_F_STREAM_DISABLED] = { DISABLED, F_SID },
	[EVT_F_TRANSL_FORBIDDEN] = { ATS, F_SID | F_ADDR | F_DIR },
	[EVT_C_BAD_SUBSTREAMID] = { PASID, F_SID | F_SSID },
	[EVT_F_CD_FETCH] = { DOMAIN, F_SID },
	[EVT_C_BAD_CD] = { DOMAIN, F_SID },
	[EVT_F_WALK_EABT] = { WALK, F_SID | F_ADDR | F_DIR | F_ATTR | F_WALK },
	[EVT_F_TRANSLATION] = { MAPPING, TRANSLATION },
	[EVT_F_ADDR_SIZE] = { SIZE, TRANSLATION },
	[EVT_F_ACCESS] = { ACCESS, TRANSLATION },
	[EVT_F_PERMISSION] = { PERMISSION, TRANSLATION },
	[EVT_F_TLB_CONFLICT] = { CONFLICT, F_SID | F_ADDR | F_DIR | F_ATTR | F_WALK },
	[EVT_F_CFG_CONFLICT] = { CONFLICT, F_SID },
	[EVT_E_PAGE_REQUEST] = { UNKNOWN, F_SID | F_ADDR | F_OURS },
	[EVT_F_VMS_FETCH] = { UNKNOWN, F_SID | F_OURS },
};

/* Stage 2 did not translate what stage 1 fetches: the fault is the table's, not the access's. */
static void decode_stage(const u64 w[EVT_WORDS], u8 fields, struct iommu_event *e)
{
	u64 class = FIELD_GET(EVT1_CLASS, w[1]);

	e->stage2 = (w[1] & EVT1_S2) != 0;
	e->table_walk = class == CLASS_TT;
	if (!(fields & F_STAGE))
		return;
	e->stalled = (w[1] & EVT1_STALL) != 0;
	if (!e->stage2)
		return;
	e->ipa = w[3] & EVT3_IPA;
	if (class == CLASS_TT)
		e->reason = WALK;
	else if (class == CLASS_CD)
		e->reason = DOMAIN;
}

/* False: not an architected event; only its code is known. */
bool smmuv3_event_decode(const u64 w[EVT_WORDS], struct iommu_event *e)
{
	u8 code = (u8)FIELD_GET(EVT0_CODE, w[0]);
	u8 fields = code < EVT_COUNT ? kinds[code].fields : 0;

	*e = (struct iommu_event){ .code = code, .internal = (fields & F_OURS) != 0 || !(fields & F_SID) };
	if (!(fields & F_SID))
		return false;
	e->reason = kinds[code].reason;
	e->has_sid = true;
	e->invalid_stream = code == EVT_C_BAD_STE;
	e->context = code == EVT_F_CD_FETCH || code == EVT_F_CFG_CONFLICT;
	e->sid = sid((u32)FIELD_GET(EVT0_SID, w[0]));
	e->has_pasid = (w[0] & EVT0_SSV) != 0 || (fields & F_SSID) != 0;
	if (e->has_pasid)
		e->pasid = (u32)FIELD_GET(EVT0_SSID, w[0]);
	e->has_addr = (fields & F_ADDR) != 0;
	if (e->has_addr)
		e->addr = w[2];
	if (fields & F_DIR) {
		e->read = (w[1] & EVT1_RNW) != 0;
		e->write = !e->read;
	}
	if (fields & F_ATTR) {
		e->priv = (w[1] & EVT1_PNU) != 0;
		e->exec = (w[1] & EVT1_IND) != 0;
	}
	if (fields & (F_STAGE | F_WALK))
		decode_stage(w, fields, e);
	return true;
}

static void evtq_lock(struct smmuv3_evtq *q) ACQUIRES(queue_class) NO_LOCK_ANALYSIS
{
	arch_spin_lock(&q->lock);
}

static void evtq_unlock(struct smmuv3_evtq *q) RELEASES(queue_class) NO_LOCK_ANALYSIS
{
	arch_spin_unlock(&q->lock);
}

static void record_read(const struct smmuv3 *s, u64 w[EVT_WORDS])
{
	const u64 *slot = s->evtq.base + (u64)(s->evtq.cons & (s->evtq.size - 1)) * EVT_WORDS;

	/* Our cache may hold the line from before hardware wrote it: cleaned means dropped too. */
	if (!s->f.coherent)
		io_clean(slot, EVT_BYTES);
	for (u32 i = 0; i < EVT_WORDS; i++)
		w[i] = io_table_read(&slot[i]);
}

static u32 waiting(const struct smmuv3_evtq *q, u32 prod) MUST_HOLD(queue_class)
{
	return (prod - q->cons) & q->wrap;
}

/*
 * Take the oldest record. *lost: hardware dropped some since last time, or its index makes no
 * sense and whatever is queued is skipped.
 */
static bool evtq_take(struct smmuv3 *s, u64 w[EVT_WORDS], bool *lost, u32 *backlog) MUST_HOLD(queue_class)
{
	struct smmuv3_evtq *q = &s->evtq;
	u32 prod = io_read32(s->regs + SMMU_EVENTQ_PROD);
	u32 queued = waiting(q, prod);
	u32 next = q->cons & q->wrap;
	bool any = queued != 0;

	if (prod == ~0u) {
		/* Nothing answers at this address any more: there is nothing to look for. */
		__atomic_store_n(&s->iommu->poll_mask, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&s->iommu->poll_idle, 0, __ATOMIC_RELAXED);
		return false;
	}
	*lost = ((prod ^ q->cons) & EVENTQ_OVERFLOW) != 0;
	*backlog = queued;
	if (queued > q->size) {
		*lost = true;
		any = false;
		next = prod & q->wrap;
		q->taken += queued;
	} else if (any) {
		io_rmb();
		record_read(s, w);
		next = (next + 1) & q->wrap;
		q->taken++;
		io_rmb(); /* the slot is hardware's again after the next write */
	}
	/* An overflow is acknowledged with the first record taken after it (7.4). */
	q->cons = next | (prod & (u32)EVENTQ_OVERFLOW);
	if (any || *lost)
		io_write32(q->cons, s->regs + SMMU_EVENTQ_CONS);
	__atomic_store_n(&s->iommu->poll_idle, q->cons | s->iommu->poll_force, __ATOMIC_RELAXED);
	return any;
}

u64 smmuv3_event_mark(struct iommu *iommu)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	u64 mark;

	evtq_lock(&s->evtq);
	mark = s->evtq.taken + waiting(&s->evtq, io_read32(s->regs + SMMU_EVENTQ_PROD));
	evtq_unlock(&s->evtq);
	return mark;
}

static bool evtq_waiting(const struct smmuv3 *s)
{
	u32 prod = io_read32(s->regs + SMMU_EVENTQ_PROD);

	return ((prod ^ __atomic_load_n(&s->evtq.cons, __ATOMIC_RELAXED)) &
		(s->evtq.wrap | EVENTQ_OVERFLOW)) != 0;
}

bool smmuv3_events(struct iommu *iommu, u32 max)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	bool any = true, any_lost = false;

	iommu->backlog = 0;
	for (u32 i = 0; i < max && any; i++) {
		struct iommu_event event;
		u64 w[EVT_WORDS], number;
		bool lost = false;
		u32 queued = 0;

		evtq_lock(&s->evtq);
		number = s->evtq.taken;
		any = evtq_take(s, w, &lost, &queued);
		evtq_unlock(&s->evtq);
		if (i == 0)
			iommu->backlog = queued;
		any_lost |= lost;
		if (!any)
			break;
		(void)smmuv3_event_decode(w, &event);
		event.number = number;
		iommu_report_event(iommu, &event);
	}
	/*
	 * Once: hardware that is faster than we are may lose more with each place that we make, and all that are behind it are
	 * told. Of how many nobody knows either way.
	 */
	if (any_lost)
		iommu_report_overflow(iommu);
	return any && evtq_waiting(s);
}
