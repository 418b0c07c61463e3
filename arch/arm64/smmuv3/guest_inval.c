/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invalidations of a guest, a batch at a time: all are checked and rewritten in our copy before the first is queued,
 * then queued with syncs of our own.
 *
 * Syncs inside: what is invalidated by address may be filled again by an old configuration until CFGI is complete (4.3.6), and
 * a device's own TLB from the SMMU's until TLBI is (4.5.1).
 */
#include "abi/pviommu.h"
#include "guest_cmd.h"
#include "hyp/pool.h"
#include "queue.h"

/* Kinds of commands in the order that a sync has to keep, as bits; 0: nothing for hardware. */
#define KIND_CFGI 1u
#define KIND_TLBI 2u
#define KIND_ATC  4u
#define KIND_NONE 8u

#define NEXT_BATCH 0xffu /* where verdicts are: no PVIOMMU_INVAL_* */

static ALWAYS_INLINE u32 kind_of(u64 w0)
{
	const u64 op = FIELD_GET(CMD0_OP, w0);

	if (op == OP_ATC_INV)
		return KIND_ATC;
	return op >= OP_TLBI_NH_ALL ? KIND_TLBI : op != 0 ? KIND_CFGI :
							    KIND_NONE;
}

/* A device to be asked in this batch. False: not with those before it, since one of them may have been late before. */
static bool asks(struct guest_inval *g, const struct iommu_guest_stream *stream, bool first)
{
	if (first) {
		g->watch = (struct iommu_watch){ .sid = stream->sid, .device = true, .fate = PVIOMMU_INVAL_DONE };
		g->apart = stream->apart;
		g->mixed = false;
		return true;
	}
	if (stream->sid.v == g->watch.sid.v)
		return true;
	if (g->apart || stream->apart)
		return false;
	g->mixed = true;
	return true;
}

/* One that names a stream, rewritten in place; its verdict, or NEXT_BATCH: not in this one. `kinds`: of those before it. */
static NOINLINE u8 stream_one(const struct smmuv3 *s, struct guest_inval *g, const struct smmuv3_guest_rule *rule, u32 kinds,
			      u64 cmd[CMD_WORDS])
{
	const u64 in[CMD_WORDS] = { cmd[0], cmd[1] };
	struct iommu_guest_stream stream;
	bool found = iommu_guest_stream(s->iommu, g, (u32)FIELD_GET(CMD0_SID, in[0]), &stream);
	u64 out[CMD_WORDS] = { in[0], in[1] };
	u8 verdict = smmuv3_guest_stream_cmd(rule, in, found ? &stream : NULL, out);

	if (verdict == PVIOMMU_INVAL_DONE && kind_of(out[0]) == KIND_ATC) {
		if (!iommu_turn(s->iommu, g))
			return PVIOMMU_INVAL_NOT_ATTEMPTED;
		if (!asks(g, &stream, (kinds & KIND_ATC) == 0))
			return NEXT_BATCH;
	}
	cmd[0] = out[0];
	cmd[1] = out[1];
	return verdict;
}

/*
 * Check and rewrite entries in place, up to one that is refused: its verdict, and what kinds there were. What
 * an opcode comes to is at hand as long as it stays the same, so that most entries are a few masks.
 */
static ALWAYS_INLINE u8 check(const struct smmuv3 *s, struct guest_inval *g, u32 count, u32 *found)
{
	const struct smmuv3_guest_rule *rule = s->guest;
	u64 *cmd = g->entry, *end = cmd + count * CMD_WORDS;
	u64 op = ~0ull, no0 = 0, no1 = 0, range0 = 0, range1 = 0, ours = 0;
	bool vmid = false;
	u8 verdict = PVIOMMU_INVAL_DONE;
	u32 kinds = 0;

	for (; cmd != end; cmd += CMD_WORDS) {
		const u64 w0 = cmd[0], w1 = cmd[1];

		if (unlikely(FIELD_GET(CMD0_OP, w0) != op)) {
			op = FIELD_GET(CMD0_OP, w0);
			/* A device that does not answer holds up a sync: one of them a batch. */
			if ((kinds & KIND_ATC) != 0 && op != OP_ATC_INV)
				break;
			rule = &s->guest[op < GUEST_OPS ? op : 0]; /* there is no command 0 */
			no0 = ~rule->may[0];
			no1 = ~rule->may[1];
			vmid = rule->vmid;
			range0 = rule->range[0];
			range1 = rule->range[1];
			ours = rule->issue | FIELD(CMD0_VMID, g->tag->vmid);
		}
		if (unlikely(((w0 & no0) | (w1 & no1)) != 0) ||
		    (unlikely(((w0 & range0) | (w1 & range1)) != 0) && !smmuv3_guest_range_ok(&s->f, cmd))) {
			verdict = no0 != ~0ull ? PVIOMMU_INVAL_BAD_BITS : PVIOMMU_INVAL_BAD_OPCODE;
			break;
		}
		if (likely(vmid)) {
			kinds |= KIND_TLBI;
			cmd[0] = (w0 & ~(CMD0_OP | CMD0_VMID)) | ours;
			continue;
		}
		/* Opcode 0 has no bit that could be refused. */
		verdict = no0 != ~0ull ? stream_one(s, g, rule, kinds, cmd) : PVIOMMU_INVAL_BAD_OPCODE;
		if (verdict != PVIOMMU_INVAL_DONE)
			break;
		kinds |= kind_of(cmd[0]);
	}
	if (verdict == NEXT_BATCH)
		verdict = PVIOMMU_INVAL_DONE;
	*found = kinds;
	g->done = (u32)(cmd - g->entry) / CMD_WORDS;
	return verdict;
}

/* In the order of the guest, with a sync before each kind that needs the one before it complete. */
static NOINLINE void put_mixed(struct smmuv3 *s, struct cmdq_batch *b, const u64 *cmd, u32 count, bool atc)
	MUST_HOLD(queue_class)
{
	u32 last = KIND_NONE;

	for (; count > 0; count--, cmd += CMD_WORDS) {
		const u32 kind = kind_of(cmd[0]);

		if (kind == KIND_NONE || (kind == KIND_ATC && !atc))
			continue;
		if (kind > last && last != KIND_NONE)
			cmdq_sync(s, b);
		cmdq_add(s, b, cmd[0], cmd[1]);
		last = kind;
	}
}

/* All of one kind, where they fit as the queue is: nothing to look at on the way. */
static bool put_alike(struct smmuv3 *s, struct cmdq_batch *b, const u64 *cmd, u32 count) MUST_HOLD(queue_class)
{
	const u64 mask = s->cmdq.size - 1;
	u64 *base = s->cmdq.base;
	u64 prod = b->prod;

	if (b->limit - prod < count)
		cmdq_look(s, b);
	if (b->limit == CMDQ_DEAD || b->limit - prod < count || b->left < count)
		return false;
	for (const u64 *end = cmd + count * CMD_WORDS; cmd != end; cmd += CMD_WORDS)
		cmdq_store(base, prod++ & mask, cmd[0], cmd[1]);
	b->prod = prod;
	b->left -= count;
	return true;
}

static NOINLINE u64 issue(struct smmuv3 *s, struct guest_inval *g, u32 kinds) NOT_HELD(queue_class)
{
	struct cmdq_batch b = cmdq_begin(s);
	const u64 *cmd = g->entry;
	const u32 count = g->done;

	if ((kinds & KIND_ATC) != 0)
		cmdq_watch(s, &b, &g->watch);
	if (unlikely((s->f.quirks & QUIRK_REPEAT) != 0)) {
		put_mixed(s, &b, cmd, count, false);
		cmdq_sync(s, &b);
	}
	if ((kinds & (kinds - 1)) != 0 || !put_alike(s, &b, cmd, count))
		put_mixed(s, &b, cmd, count, true);
	return (kinds & KIND_ATC) != 0 ? cmdq_end_watched(s, &b, &g->watch) : cmdq_end(s, &b);
}

void smmuv3_guest_init(struct smmuv3 *s)
{
	struct smmuv3_guest_rule *rule = io_phys(boot_alloc(1, PAGE_SIZE));

	for (u64 op = 0; op < GUEST_OPS; op++)
		rule[op] = smmuv3_guest_rule(&s->f, op);
	s->guest = rule;
}

u8 smmuv3_inval_guest(struct iommu *iommu, struct guest_inval *g)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	u32 kinds = 0;
	u8 verdict;

	verdict = check(s, g, g->count < GUEST_BATCH ? g->count : GUEST_BATCH, &kinds);
	g->ticket = 0;
	g->mishaps = __atomic_load_n(&s->cmdq.mishaps, __ATOMIC_ACQUIRE);
	if ((kinds & ~KIND_NONE) == 0)
		return verdict;
	/* One alone, where hardware snoops and nothing is repeated, and no device is waited for. */
	if (g->done == 1 && kinds != KIND_ATC && s->tlbi[TAG_STAGE1].single != 0)
		g->ticket = cmdq_single(s, g->entry[0], g->entry[1]);
	if (g->ticket == 0)
		g->ticket = issue(s, g, kinds);
	if (likely(g->ticket != 0))
		return verdict;
	g->done = 0;
	return PVIOMMU_INVAL_HW_TIMEOUT;
}

enum status smmuv3_inval_wait(struct iommu *iommu, struct guest_inval *g)
{
	struct smmuv3 *s = smmuv3_of(iommu);
	enum status status = cmdq_wait(s, g->ticket);

	if (unlikely(g->watch.queued)) {
		cmdq_unwatch(s, &g->watch);
		return status == OK && g->watch.fate != PVIOMMU_INVAL_DONE ? E_BUSY : status;
	}
	if (unlikely(__atomic_load_n(&s->cmdq.mishaps, __ATOMIC_RELAXED) != g->mishaps))
		return status == OK ? E_BUSY : status;
	return status;
}
