/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event queue of the SMMUv3 model: IHI 0070 7.2 to 7.4. A record may be on its way for a while (smmu_events_late), and
 * one like the last may be merged into it where the stream's entry allows that (STE.MEV).
 */
#include <string.h>

#include "fake.h"
#include "smmuv3_model_private.h"

#define CR0_EVTQEN      0x04u
#define OVERFLOW        0x80000000u
#define GERROR_EVTQ_ABT 2

static u32 queue_mask(const struct smmu *smmu) { return (2u << queue_log2(smmu->evtq_base)) - 1; }

static u32 queued(const struct smmu *smmu)
{
	return (smmu->evtq_prod - smmu->evtq_cons) & queue_mask(smmu);
}

/* Where a record lies; `back` 0: where the next one will. */
static u64 slot_of(const struct smmu *smmu, u32 back)
{
	u32 index = (smmu->evtq_prod - back) & (queue_mask(smmu) >> 1);

	return field_addr(smmu->evtq_base, 51, 5) + (u64)index * EVENT_BYTES;
}

static void evtq_overflow(struct smmu *smmu)
{
	if (smmu->config.evtq_like_qemu) {
		smmu_inject_gerror(smmu, 1u << GERROR_EVTQ_ABT);
		return;
	}
	/* OVFLG differs from its acknowledgement until software has seen it. */
	smmu->evtq_prod = (smmu->evtq_prod & ~OVERFLOW) | (~smmu->evtq_cons & OVERFLOW);
}

static void event_words(const struct event *e, u64 w[4])
{
	bool has_addr = e->code == SMMU_F_TRANSL_FORBIDDEN || e->code >= SMMU_F_WALK_EABT ||
			e->code == SMMU_F_BAD_ATS_TREQ;

	w[0] = (u64)e->code | (u64)e->has_ssid << 11 | (e->has_ssid ? (u64)e->ssid << 12 : 0) |
	       (u64)e->sid << 32;
	w[1] = has_addr ? (u64)e->priv << 33 | (u64)!e->write << 35 | (u64)e->stage2 << 39 |
				  (u64)e->class_ << 40 :
			  0;
	w[2] = has_addr ? e->addr : 0;
	w[3] = e->ipa & 0x000ffffffffffff8ull;
}

/* One that software has not taken says the same already. */
static bool merged(struct smmu *smmu, const struct late_record *r)
{
	u64 last[4];

	return smmu->config.merges && r->may_merge && queued(smmu) > 0 &&
	       smmu_read_mem(smmu, slot_of(smmu, 1), last, sizeof(last)) && memcmp(last, r->word, sizeof(last)) == 0;
}

static void arrive(struct smmu *smmu, const struct late_record *r)
{
	u32 mask = queue_mask(smmu);

	if ((smmu->cr0ack & CR0_EVTQEN) == 0 || merged(smmu, r))
		return;
	if (queued(smmu) > mask >> 1) {
		evtq_overflow(smmu);
		return;
	}
	if (!fake_hw_write(slot_of(smmu, 0), r->word, sizeof(r->word))) {
		smmu_inject_gerror(smmu, 1u << GERROR_EVTQ_ABT);
		return;
	}
	if ((smmu->irq_ctrl & 4) != 0)
		smmu->event_irqs++;
	smmu->evtq_prod = (smmu->evtq_prod & ~mask) | ((smmu->evtq_prod + 1) & mask);
}

u32 smmu_events_arrive(struct smmu *smmu, u32 count)
{
	u32 done = 0;

	while (done < count && smmu->late.count > 0) {
		const struct late_record record = *LIST_AT(&smmu->late, struct late_record, 0);

		/* The list keeps no order when one is taken out of it. */
		smmu->late.count--;
		memmove(smmu->late.items, LIST_AT(&smmu->late, struct late_record, 1), smmu->late.count * sizeof(record));
		arrive(smmu, &record);
		done++;
	}
	return done;
}

void smmu_events_late(struct smmu *smmu, bool on)
{
	smmu->events_late = on;
	if (!on)
		smmu_events_arrive(smmu, ~0u);
}

void event_record(struct smmu *smmu, const struct event *event)
{
	struct late_record record = { .may_merge = event->may_merge };

	if (smmu->speculating)
		return;
	smmu->events++;
	event_words(event, record.word);
	if (smmu->events_late)
		*(struct late_record *)list_push(&smmu->late) = record;
	else
		arrive(smmu, &record);
}

u32 smmu_event_count(const struct smmu *smmu) { return smmu->events; }
