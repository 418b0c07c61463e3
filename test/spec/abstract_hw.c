/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables as hardware walks them: VMSAv8-64 descriptors (DDI 0487 D8.3), stream table entries and context descriptors
 * (IHI 0070 5.2, 5.4). Written from the manuals; shares no code with what writes them.
 */
#include "abstract.h"

#include "abi/pviommu.h"
#include "hyp/io.h"
#include "iommu/device.h"
#include "iommu/domain.h"
#include "iommu/iommu.h"
#include "mem/page.h"
#include "smmuv3/smmuv3.h"
#include "vm/vm.h"

#include "abstract_parts.h"

#define ENTRIES 512u

static u64 field(u64 word, u32 high, u32 low) { return word << (63 - high) >> (63 - high + low); }

static const u64 *memory(u64 at) { return io_phys(pa(at)); }

/* --- descriptors */

#define D_VALID   1ull
#define D_TABLE   2ull
#define D_ADDRESS 0x0000fffffffff000ull
#define D_AF      (1ull << 10)

static u32 s1_prot(u64 d)
{
	u32 prot = PVIOMMU_PROT_READ;

	if (field(d, 7, 7) == 0)
		prot |= PVIOMMU_PROT_WRITE;
	if (field(d, 6, 6) == 0)
		prot |= PVIOMMU_PROT_PRIV;
	if (field(d, 54, 53) == 3)
		prot |= PVIOMMU_PROT_NOEXEC;
	return prot;
}

static u32 s2_prot(u64 d)
{
	return (field(d, 6, 6) != 0 ? PVIOMMU_PROT_READ : 0) | (field(d, 7, 7) != 0 ? PVIOMMU_PROT_WRITE : 0) |
	       (field(d, 54, 53) == 2 ? PVIOMMU_PROT_NOEXEC : 0);
}

/* Stage 1 by the index into the MAIR that the context descriptor has, stage 2 by MemAttr itself. */
static u32 type_of(u64 d, u8 stage)
{
	u64 attr = stage == 1 ? field(d, 4, 2) : field(d, 5, 2);

	if (attr == (stage == 1 ? 0 : 0xf))
		return PVIOMMU_PROT_CACHE;
	if (attr == 1)
		return PVIOMMU_PROT_MMIO;
	return attr == (stage == 1 ? 2 : 5) ? 0 : ~0u;
}

/* What a leaf may have set beside what is decoded. */
static bool leaf_is_sound(u64 d, int level, u8 stage)
{
	u64 known = D_VALID | D_ADDRESS | D_AF | 3ull << 8 | 0xfcull | 3ull << 53 | (level == SPEC_LAST ? D_TABLE : 0);

	if (stage == 1)
		known |= 1ull << 11; /* nG: tagged by the ASID */
	return (d & ~known) == 0 && (d & D_VALID) && (d & D_AF) && field(d, 9, 8) == 3 &&
	       (level < SPEC_LAST || (d & D_TABLE)) && (stage == 2 || (d & 1ull << 11)) &&
	       (d & D_ADDRESS & (level_size(level) - 1)) == 0;
}

static bool is_table(u64 d, int level) { return level < SPEC_LAST && (d & (D_VALID | D_TABLE)) == (D_VALID | D_TABLE); }

/* The abstract entry of a descriptor that is no table. */
static u64 leaf_of(u64 d, int level, u8 stage)
{
	u32 type = type_of(d, stage);

	if (d == 0)
		return 0;
	if (!leaf_is_sound(d, level, stage) || type == ~0u)
		return SPEC_BAD;
	return leaf_entry(d & D_ADDRESS, type | (stage == 1 ? s1_prot(d) : s2_prot(d)));
}

/* Leaves beside each other have the same attributes, which are decoded once. */
struct decoded {
	u64 attributes, entry;
	int level;
};

static u64 leaf_again(struct decoded *last, u64 d, int level, u8 stage)
{
	const u64 attributes = d & ~D_ADDRESS, out = d & D_ADDRESS;

	if (last->entry != 0 && last->attributes == attributes && last->level == level &&
	    (out & (level_size(level) - 1)) == 0)
		return last->entry | out;
	if (leaf_of(attributes, level, stage) != SPEC_BAD)
		*last = (struct decoded){ attributes, leaf_of(attributes, level, stage), level };
	return leaf_of(d, level, stage);
}

#define TOGETHER 8 /* entries compared at once */

static bool together_as(const struct decoded *last, const u64 *real, const u64 *have)
{
	const u64 difference = last->attributes ^ last->entry;
	u64 other = 0;

	for (u32 i = 0; i < TOGETHER; i++)
		other |= (real[i] ^ have[i] ^ difference) | ((real[i] ^ last->attributes) & ~D_ADDRESS);
	return other == 0;
}

/*
 * The first entry at or after `i` of a last table that is not just as it was decoded for the one before: of a whole
 * machine this is most of the work. *leaves counts those before it.
 */
static u32 past_same(const struct decoded *last, const u64 *real, const u64 *have, u32 i, u32 end, u32 *leaves)
{
	const u64 difference = last->attributes ^ last->entry;
	const u32 first = i;

	if (last->entry == 0 || last->level != SPEC_LAST)
		return i;
	while (i < end && (real[i] ^ have[i]) == difference && (real[i] & ~D_ADDRESS) == last->attributes)
		i += i % TOGETHER == 0 && end - i >= TOGETHER && together_as(last, real + i, have + i) ? TOGETHER : 1;
	*leaves += i - first;
	return i;
}

static bool together_empty(const u64 *real, const u64 *have)
{
	u64 any = 0;

	for (u32 i = 0; i < TOGETHER; i++)
		any |= real[i] | have[i];
	return any == 0;
}

static u32 past_empty(const u64 *real, const u64 *have, u32 i, u32 end)
{
	while (i < end && (real[i] | have[i]) == 0)
		i += i % TOGETHER == 0 && end - i >= TOGETHER && together_empty(real + i, have + i) ? TOGETHER : 1;
	return i;
}

/* A page that hardware walks is the hypervisor's, and no pool would give it out. */
static bool is_ours(u64 at)
{
	const struct page *page = page_find(pa(at));

	return page != NULL && page->owner == OWNER_HYP && page->state != PAGE_POOL_FREE;
}

static bool not_same(u64 d, u64 is, u64 want, u64 va, int level, const char *whose)
{
	return differs("%s: 0x%llx is mapped by 0x%llx (level %d), the specification says %s 0x%llx prot 0x%x, and it is %s 0x%llx prot 0x%x",
		       whose, (unsigned long long)va, (unsigned long long)d, level,
		       want == 0 ? "nothing" : want & SPEC_TABLE ? "a table" :
								   "a leaf",
		       (unsigned long long)leaf_out(want),
		       leaf_prot_of(want), is == 0 ? "nothing" : is & SPEC_BAD ? "malformed" :
										 "a leaf",
		       (unsigned long long)leaf_out(is), leaf_prot_of(is));
}

struct walk {
	const char *whose;
	u64 from, to;
	u8 stage;
	struct decoded last;
};

/* A real table against one of the model, between two addresses. */
static bool same_table(struct walk *w, const u64 *want, u64 at, int level, u64 base)
{
	const u64 size = level_size(level), *real = memory(at);
	u32 first = w->from > base ? (u32)((w->from - base) / size) : 0, leaves = 0;
	u32 end = w->to - base >= ENTRIES * size ? ENTRIES : (u32)((w->to - base + size - 1) / size);

	for (u32 i = past_empty(real, want, first, end); i < end; i = past_empty(real, want, i + 1, end)) {
		u64 va, is;

		if (level == SPEC_LAST)
			i = past_same(&w->last, real, want, i, end, &leaves);
		if (i == end)
			break;
		va = base + i * size;
		if ((want[i] & SPEC_TABLE) && is_table(real[i], level)) {
			u64 below = real[i] & D_ADDRESS;

			if ((real[i] & ~(D_ADDRESS | D_VALID | D_TABLE)) != 0 || !is_ours(below))
				return differs("%s: 0x%llx goes to a table 0x%llx that is malformed, or not the hypervisor's",
					       w->whose, (unsigned long long)va, (unsigned long long)real[i]);
			if (!same_table(w, spec_node((u32)(want[i] >> 12)), below, level + 1, va))
				return false;
		} else if (is_table(real[i], level)) {
			return differs("%s: 0x%llx has a table (level %d) that the specification has not", w->whose,
				       (unsigned long long)va, level);
		} else {
			is = leaf_again(&w->last, real[i], level, w->stage);
			if (is != want[i])
				return not_same(real[i], is, want[i], va, level, w->whose);
		}
	}
	return true;
}

bool hw_tree_same(const struct spec_tree *tree, u64 root, u64 from, u64 to, const char *whose)
{
	const u64 part = ENTRIES * level_size(tree->start);

	for (u32 i = 0; i < tree->roots; i++) {
		struct walk w = { whose, from, to < (i + 1) * part ? to : (i + 1) * part, tree->stage, { 0 } };

		if (from < (i + 1) * part && to > i * part &&
		    !same_table(&w, spec_node(tree->root[i]), root + i * PAGE_SIZE, tree->start, i * part))
			return false;
	}
	return true;
}

/*
 * What the tree has of a table becomes what is there. Most is as it was where a state is taken once more, and stays; what
 * is mapped, and tables, are counted anew.
 */
static void take_table(struct spec_tree *tree, struct decoded *last, u32 node, u64 at, int level)
{
	const u64 *real = memory(at);
	u64 *have = spec_node(node);
	u32 leaves = 0;

	for (u32 i = past_empty(real, have, 0, ENTRIES); i < ENTRIES; i = past_empty(real, have, i + 1, ENTRIES)) {
		if (level == SPEC_LAST)
			i = past_same(last, real, have, i, ENTRIES, &leaves);
		if (i == ENTRIES)
			break;
		if (is_table(real[i], level)) {
			take_table(tree, last, tree_table(tree, &have[i]), real[i] & D_ADDRESS, level + 1);
			continue;
		}
		tree_set(&have[i], level, leaf_again(last, real[i], level, tree->stage));
		leaves += real[i] != 0;
	}
	tree->mapped += leaves * level_size(level);
}

void hw_tree_take(struct spec_tree *tree, const struct spec_tree *format, u64 root)
{
	struct decoded last = { 0 };

	if (tree->roots == 0) {
		*tree = *format;
		tree_make(tree);
	}
	tree->tables = tree->mapped = 0;
	for (u32 i = 0; i < tree->roots; i++)
		take_table(tree, &last, tree->root[i], root + i * PAGE_SIZE, tree->start);
}

/* --- streams */

static const u64 *ste_of(const struct iommu *iommu, u32 sid)
{
	const struct smmuv3_strtab *t = &smmuv3_of(iommu)->strtab;
	u64 l1;

	if (sid >> t->log2 != 0)
		return NULL;
	if (!t->two_level)
		return t->base + 8ull * sid;
	l1 = t->base[sid >> 8];
	return field(l1, 4, 0) != 0 ? memory(l1 & 0x00ffffffffffffc0ull) + 8ull * (sid & 255) : NULL;
}

static const u64 *cd_of(const u64 *ste, u32 pasid)
{
	u64 base = ste[0] & 0x00ffffffffffffc0ull;

	if (field(ste[0], 5, 4) == 0)
		return memory(base) + 8ull * pasid;
	return memory(memory(base)[pasid >> 10] & 0x00fffffffffff000ull) + 8ull * (pasid & 1023);
}

/* Which table a context descriptor names, as a word of the abstract state. */
static u64 cd_means(const u64 *cd, const struct domain *d, u16 vmid)
{
	const struct vm *p = vm_primary;
	u64 root = cd[1] & 0x000ffffffffffff0ull, asid = field(cd[0], 63, 48);

	if (field(cd[0], 31, 31) == 0)
		return STREAM_NO;
	if (field(cd[0], 5, 0) != 64u - iommu_common.paging->va_bits || field(cd[0], 46, 46) == 0)
		return STREAM_STRANGE;
	if (d != NULL && d->pt.root.v == root && d->tag.asid == asid &&
	    (!iommu_common.stage2 || d->tag.vmid == vmid))
		return STREAM_DOMAIN | d->id;
	if (!iommu_common.stage2 && p->dma_pt.root.v == root && p->dma_tag.asid == asid)
		return STREAM_IDENTITY;
	return STREAM_STRANGE;
}

/*
 * Of a domain whose first stage is the guest's: its words, and behind them the VM's DMA table under its tag; or that table
 * alone where it asked for none, or an abort where it asked for that.
 */
static u64 nested_means(const struct endpoint *e, const u64 *ste, const struct domain *d)
{
	const u64 *guest = d->nested.word;
	const struct vm *vm = d->vm;
	u64 config = field(ste[0], 3, 1), wanted = field(guest[0], 0, 0) ? field(guest[0], 3, 1) : 0;
	bool behind = (ste[3] & 0x000ffffffffffff0ull) == vm->dma_pt.root.v && field(ste[2], 15, 0) == vm->dma_tag.vmid &&
		      (field(ste[2], 58, 58) != 0 || e->muted_until != 0);

	if (field(ste[0], 0, 0) == 0)
		return STREAM_STRANGE;
	if (config == 0)
		return wanted == 0 || e->muted_until != 0 ? STREAM_DOMAIN | d->id : STREAM_STRANGE;
	if (!behind || field(ste[1], 19, 19) == 0)
		return STREAM_STRANGE;
	if (wanted == 4)
		return config == 6 ? STREAM_DOMAIN | d->id : STREAM_STRANGE;
	/* A cache of translations (1) is one of the first stage alone (2). */
	if (field(ste[1], 29, 28) != 2 * field(guest[1], 29, 28))
		return STREAM_STRANGE;
	return wanted == 5 && config == 7 && (ste[0] | 2 << 1) == (guest[0] | 2 << 1) && ((ste[1] ^ guest[1]) & 0xff) == 0 ?
		       STREAM_DOMAIN | d->id :
		       STREAM_STRANGE;
}

void hw_nested_facts(const void *instance, struct spec_iommu *facts)
{
	const struct iommu *iommu = instance;
	const struct smmuv3_features *f = &smmuv3_of(iommu)->f;

	facts->nested = facts->common && f->stage1 && f->stage2 && iommu->caps.nested;
	facts->ats = f->ats;
	facts->range = f->range;
	facts->ds = f->ds;
	facts->stalls = f->stall_off;
	facts->cd_two_level = f->cd_two_level;
	facts->ssid_bits = f->ssid_bits;
	facts->asid_bits = f->asid_bits;
}

static u64 ste_means(const struct endpoint *e, const u64 *ste)
{
	const struct domain *d = e->attached.domain;
	u64 config = field(ste[0], 3, 1), root = ste[3] & 0x000ffffffffffff0ull;
	u16 vmid = (u16)field(ste[2], 15, 0);

	if (d != NULL && domain_is_nested(d))
		return nested_means(e, ste, d);
	if (field(ste[0], 0, 0) == 0 || config == 0)
		return STREAM_NO;
	if (config == 5) /* stage 1 */
		return cd_means(cd_of(ste, 0), d, vmid);
	/* One that floods is muted (S2R), and translates as before. */
	if (config != 6 || (field(ste[2], 58, 58) == 0 && e->muted_until == 0))
		return STREAM_STRANGE;
	if (d != NULL && d->pt.root.v == root && d->tag.vmid == vmid)
		return STREAM_DOMAIN | d->id;
	return vm_primary->dma_pt.root.v == root && vm_primary->dma_tag.vmid == vmid ? STREAM_IDENTITY : STREAM_STRANGE;
}

/* PASIDs that hardware would translate are those that are attached, each by its own domain. */
static bool pasids_are_sound(const struct endpoint *e, const u64 *ste)
{
	u32 bits = (u32)field(ste[0], 63, 59);

	if (bits != e->ctx.pasid_bits)
		return false;
	for (u32 p = 1; p >> bits == 0; p++) {
		const struct domain *d = e->substream != NULL ? e->substream[p].domain : NULL;
		u64 means = cd_means(cd_of(ste, p), d, (u16)field(ste[2], 15, 0));

		if (means != (d != NULL ? STREAM_DOMAIN | d->id : STREAM_NO))
			return false;
	}
	/* Transactions without a PASID are PASID 0's where there are some (S1DSS). */
	return bits == 0 || field(ste[1], 1, 0) == 2;
}

u64 hw_stream(const void *endpoint)
{
	const struct endpoint *e = endpoint;
	const u64 *ste = ste_of(e->iommu, e->sid.v);

	if (ste == NULL)
		return STREAM_NO;
	if (field(ste[0], 0, 0) != 0 && field(ste[0], 3, 1) == 5 && !pasids_are_sound(e, ste))
		return STREAM_STRANGE;
	return ste_means(e, ste);
}

/* --- events (IHI 0070 7.2, 7.3) */

static u32 seen[IOMMU_MAX];

static u32 event_prod(u32 iommu) { return io_read32(smmuv3_of(&iommu_instance[iommu])->regs + SMMU_EVENTQ_PROD); }

/* Events that name a stream. */
static bool names_a_stream(u64 code)
{
	return (code >= 0x01 && code <= 0x0b) || (code >= 0x10 && code <= 0x13) || code == 0x20 || code == 0x21 ||
	       code == 0x24 || code == 0x25;
}

/* A fault of a stream is its owner's, under the pvIOMMU of its device. */
static void count_fault(u32 iommu, u64 sid)
{
	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct spec_endpoint *e = &spec->endpoint[i];
		const struct spec_device *d = &spec->device[e->device];

		if (e->iommu == iommu && device_table[e->device].endpoint[e->index].sid.v == sid && d->w.pv != 0)
			spec->vm[d->w.vm].pv[d->w.pv - 1].faults++;
	}
}

/* Hardware does not say whose events it dropped: everybody behind it hears of it, once, at an exit that has time for that. */
static void count_loss(u32 iommu)
{
	for (u32 i = 0; i < SPEC_VMS; i++)
		for (u32 k = 0; k < SPEC_PVS; k++)
			spec->vm[i].pv[k].lost += spec->vm[i].w.life != VM_NONE && spec->vm[i].pv[k].iommu == iommu + 1;
}

/* An error of the event queue itself (IHI 0070 6.3.19, EVENTQ_ABT_ERR): hardware could not write some. */
static bool writes_failed(u32 iommu)
{
	const struct smmuv3 *s = smmuv3_of(&iommu_instance[iommu]);

	u32 errors = io_read32(s->regs + SMMU_GERROR);

	return errors != ~0u && ((errors ^ io_read32(s->regs + SMMU_GERRORN)) & 1u << 2) != 0;
}

void hw_events_count(u32 iommu, bool always, u32 most)
{
	const struct smmuv3_evtq *q = &smmuv3_of(&iommu_instance[iommu])->evtq;
	u32 prod = event_prod(iommu), queued = (prod - q->cons) & q->wrap;
	bool lost;

	seen[iommu] = prod;
	if (!always && !iommu_pending(&iommu_instance[iommu]))
		return;
	lost = iommu_instance[iommu].loss_owed || writes_failed(iommu) || ((prod ^ q->cons) & 0x80000000u) != 0;
	if (lost && most > 4)
		count_loss(iommu);
	for (u32 i = 0; i < queued && queued <= q->size && i < most; i++) {
		const u64 *record = q->base + (u64)((q->cons + i) & (q->size - 1)) * 4;

		if (names_a_stream(field(record[0], 7, 0)))
			count_fault(iommu, field(record[0], 63, 32));
	}
}

bool hw_events_came(u32 iommu) { return event_prod(iommu) != seen[iommu]; }
