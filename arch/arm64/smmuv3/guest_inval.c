/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invalidations of a guest, a batch at a time: all are checked and rewritten in our copy before the first is queued,
 * then queued with syncs of our own.
 *
 * Syncs inside: what is invalidated by address may be filled again by an old configuration until CFGI is complete (4.3.6), and
 * a device's own TLB from the SMMU's until TLBI is (4.5.1).
 */
#include "abi/pviommu.h"
#include "queue.h"

/* What can be in the queue beside syncs, a batch: far less than a lap, so that others find room. */
#define GUEST_BATCH 64u

/* Kinds of commands in the order that a sync has to keep. */
enum kind { KIND_NONE,
	    KIND_CFGI,
	    KIND_TLBI,
	    KIND_ATC };

static ALWAYS_INLINE enum kind kind_of(u64 w0)
{
	const u64 op = FIELD_GET(CMD0_OP, w0);

	if (op == OP_ATC_INV)
		return KIND_ATC;
	return op >= OP_TLBI_NH_ALL ? KIND_TLBI : op != 0 ? KIND_CFGI :
							    KIND_NONE;
}

/* Rewrites the entry in place. */
static ALWAYS_INLINE u8 check_one(const struct smmuv3 *s, const struct guest_inval *g, u64 cmd[CMD_WORDS])
{
	struct iommu_guest_stream stream;
	const struct iommu_guest_stream *found = NULL;
	u64 out[CMD_WORDS];
	u32 vsid;
	u8 verdict;

	if (smmuv3_guest_cmd_stream(cmd[0], &vsid) && iommu_guest_stream(g, vsid, &stream))
		found = &stream;
	verdict = smmuv3_guest_cmd(&s->f, g->tag->vmid, cmd, found, out);
	cmd[0] = out[0];
	cmd[1] = out[1];
	return verdict;
}

/* In the order of the guest, `kinds` of them (a set). */
static void put(struct smmuv3 *s, struct cmdq_batch *b, const u64 *cmd, u32 count, bool atc)
	MUST_HOLD(queue_class)
{
	enum kind last = KIND_NONE;

	for (; count > 0; count--, cmd += CMD_WORDS) {
		const enum kind kind = kind_of(cmd[0]);

		if (kind == KIND_NONE || (kind == KIND_ATC && !atc))
			continue;
		if (kind > last && last != KIND_NONE)
			cmdq_sync(s, b);
		cmdq_add(s, b, cmd[0], cmd[1]);
		last = kind;
	}
}

/* Is there anything for hardware? */
static bool any(const u64 *cmd, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (cmd[i * CMD_WORDS] != 0)
			return true;
	return false;
}

static u64 issue(struct smmuv3 *s, const u64 *cmd, u32 count) NOT_HELD(queue_class)
{
	struct cmdq_batch b = cmdq_begin(s);

	if (unlikely((s->f.quirks & QUIRK_REPEAT) != 0)) {
		put(s, &b, cmd, count, false);
		cmdq_sync(s, &b);
	}
	put(s, &b, cmd, count, true);
	return cmdq_end(s, &b);
}

u8 smmuv3_inval_guest(struct iommu *iommu, struct guest_inval *g)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	const u32 count = g->count < GUEST_BATCH ? g->count : GUEST_BATCH;
	u8 verdict = PVIOMMU_INVAL_DONE;
	u32 done = 0;

	while (done < count && verdict == PVIOMMU_INVAL_DONE) {
		verdict = check_one(s, g, g->entry + done * CMD_WORDS);
		done += verdict == PVIOMMU_INVAL_DONE;
	}
	g->done = done;
	g->ticket = 0;
	if (!any(g->entry, done))
		return verdict;
	g->ticket = issue(s, g->entry, done);
	if (likely(g->ticket != 0))
		return verdict;
	g->done = 0;
	return PVIOMMU_INVAL_HW_TIMEOUT;
}
