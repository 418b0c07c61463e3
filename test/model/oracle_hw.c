/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hardware would do: every stream of the table against what the core says of its endpoint,
 * every page that it can reach against its owner, every cached entry against the tables as they
 * are now, every command against what the hypervisor may send.
 */
#include "oracle_private.h"

#include <stdlib.h>
#include <string.h>

#include "mem/page.h"

#include "fake.h"

#define PASIDS_LOOKED_AT 64u
#define STRTAB_BASE      0x80u
#define STRTAB_BASE_CFG  0x88u

static unsigned long long ull(u64 v) { return v; }

/* MMIO stays its VM's while the device is quarantined: nobody else gets it before a reset. */
static bool mmio_of(const struct vm *vm, u64 addr, u64 size)
{
	for (u32 i = 0; i < device_count; i++) {
		const struct device *d = &device_table[i];
		u64 before = 0; /* of the device, range after range: what leaves the primary does so in this order */

		for (u32 k = 0; k < d->mmio_count; before += align_up(d->mmio[k++].size, PAGE_SIZE)) {
			const struct range *r = &d->mmio[k];

			if (addr < r->base || addr - r->base >= r->size || size > r->size - (addr - r->base))
				continue;
			if (!vm->primary)
				return d->vm == vm;
			return before + (addr - r->base) >= d->mmio_away &&
			       (d->vm == vm || device_is_named(d) || (d->state == DEVICE_CLAIMED && d->clean));
		}
	}
	return false;
}

/* V1: may DMA under `vm`'s control reach the page with this access? */
static bool reachable(const struct vm *vm, u64 addr, u64 size, bool write)
{
	if (page_index(addr) == ~0u)
		return mmio_of(vm, addr, size);
	for (u64 done = 0; done < size; done += PAGE_SIZE) {
		const struct page *page = page_find(pa(addr + done));

		if (page == NULL || !page_usable(page, vm->owner, write))
			return false;
	}
	return true;
}

/* Broken hardware: what it may still reach must be held for ever, by pins or as nobody's. */
static bool all_held(u64 addr, u64 size)
{
	if (page_index(addr) == ~0u)
		return true;
	for (u64 done = 0; done < size; done += PAGE_SIZE)
		if (page_find(pa(addr + done))->pins == 0 &&
		    page_run_of(pa(addr + done))->block_pins == 0 &&
		    !(page_is_ours(addr + done) && oracle.place[page_index(addr + done)].kind == PLACE_NONE))
			return false;
	return true;
}

/* Such a page was shared when it was lost, and stays in the primary's view where that cannot be changed. */
static bool lost_share(u64 addr, u64 size)
{
	if (!oracle.losses || page_index(addr) == ~0u)
		return false;
	for (u64 done = 0; done < size; done += PAGE_SIZE)
		if (page_find(pa(addr + done))->owner != OWNER_HYP)
			return false;
	return all_held(addr, size);
}

/* Registers that nobody gets any more, since somebody may write to them for ever. */
static bool lost_mmio(u64 addr, u64 size)
{
	u32 range;
	const struct device *d = device_of_mmio(NULL, pa(addr), size, &range);

	return oracle.losses && d != NULL && d->mmio_stuck && d->mmio_away && d->state == DEVICE_QUARANTINED;
}

/* --- the VM's own tables: what its CPUs and its identity streams reach */

static bool window_direct(u64 addr, u64 size)
{
	for (u32 i = 0; i < machine->window_count; i++) {
		const struct machine_window *w = &machine->window[i];

		if (w->use == WINDOW_DIRECT && addr >= w->mem.base &&
		    addr - w->mem.base < w->mem.size && size <= w->mem.size - (addr - w->mem.base))
			return true;
	}
	return false;
}

void views_init(void)
{
	struct view_look *view[] = { &oracle.dma, &oracle.cpu };

	for (u32 i = 0; i < ARRAY_SIZE(view); i++) {
		view[i]->rights = calloc(oracle.pages, sizeof(*view[i]->rights));
		view[i]->place = calloc(oracle.pages, sizeof(*view[i]->place));
		if (view[i]->rights == NULL || view[i]->place == NULL)
			fake_die("no host memory for the oracle");
	}
	oracle.dma.name = "DMA";
	oracle.cpu.name = "CPU";
	oracle.cpu.cpu = true;
}

static void leaf_of_device(const struct view_look *view, const struct leaf *leaf)
{
	if (!reachable(vm_primary, leaf->out, leaf->size, leaf->write) &&
	    !(view->cpu && window_direct(leaf->out, leaf->size)))
		violated("V1: the %s table maps %#llx, which is not the VM's", view->name, ull(leaf->out));
}

/* V1 for a page of RAM; that none is missing follows from the counts. */
static void page_of_view(const struct view_look *view, u32 i)
{
	u64 addr = oracle.base + i * PAGE_SIZE;

	if (view->rights[i] != 0 &&
	    !page_usable(page_find(pa(addr)), OWNER_VM, (view->rights[i] & RIGHT_WRITE) != 0) && !lost_share(addr, PAGE_SIZE))
		violated("V1: the %s table maps %#llx, which is not the VM's", view->name, ull(addr));
}

static void view_leaf(void *ctx, const struct smmu_cached *c)
{
	struct view_look *view = ctx;
	u32 i = page_index(c->output);

	if (c->input != c->output)
		violated("V1: the %s table maps %#llx to %#llx", view->name, ull(c->input), ull(c->output));
	if (i == ~0u) {
		view->device = grown(view->device, &view->device_room, view->device_count, sizeof(*view->device));
		view->device[view->device_count] = (struct leaf){ c->input, c->output, c->size, c->read, c->write, c->user };
		leaf_of_device(view, &view->device[view->device_count++]);
		return;
	}
	for (u64 done = 0; done < c->size && i < oracle.pages; done += PAGE_SIZE, i++) {
		view->rights[i] = (u8)(RIGHT_READ | (c->write ? RIGHT_WRITE : 0));
		view->mapped++;
		page_of_view(view, i);
	}
}

static void view_table(void *ctx, u64 table, u64 input, int level)
{
	struct view_look *view = ctx;
	u32 i = page_index(table);

	if (!page_is_ours(table)) {
		violated("V5: page %#llx of the %s table is not the hypervisor's", ull(table), view->name);
		return;
	}
	view->place[i] = (struct place){ .kind = PLACE_DMA, .level = level, .input = input };
	view->page = grown(view->page, &view->page_room, view->page_count, sizeof(*view->page));
	view->page[view->page_count++] = (struct table_page){ table, input, level };
}

static void walk_view(struct view_look *view, const struct pt *pt)
{
	const struct smmu_root root = {
		.table = pt->root.v,
		.stage1 = pt->ops->stage == 1,
		.bits = pt->ops->va_bits,
		.start = start_level(pt->ops),
		.cpu = view->cpu,
	};

	for (u32 i = 0; i < view->page_count; i++)
		view->place[page_index(view->page[i].addr)].kind = PLACE_NONE;
	memset(view->rights, 0, oracle.pages * sizeof(*view->rights));
	view->mapped = 0;
	view->page_count = view->device_count = 0;
	smmu_for_each_entry(oracle.smmu[0], &root, view_leaf, view_table, view);
}

/* A table of leaves has changed: what it covers is looked at again. */
static void walk_last_table(struct view_look *view, const struct pt *pt, const struct table_page *page)
{
	const struct smmu_root root = {
		.table = page->addr,
		.stage1 = pt->ops->stage == 1,
		.bits = BLOCK_SHIFT,
		.start = 3,
		.cpu = view->cpu,
		.input = page->input,
	};
	u32 first = page_index(page->input), kept = 0;

	for (u32 i = 0; i < BLOCK_PAGES && first != ~0u && first + i < oracle.pages; i++) {
		view->mapped -= view->rights[first + i] != 0;
		view->rights[first + i] = 0;
	}
	for (u32 i = 0; i < view->device_count; i++)
		if (view->device[i].va - page->input >= BLOCK_SIZE)
			view->device[kept++] = view->device[i];
	view->device_count = kept;
	smmu_for_each_entry(oracle.smmu[0], &root, view_leaf, NULL, view);
}

/* A table that points to others has changed. */
static bool upper_table_stored(const struct view_look *view)
{
	for (u32 i = 0; i < view->page_count; i++)
		if (view->page[i].level < 3 && page_stored(view->page[i].addr))
			return true;
	return view->page_count == 0;
}

static void look_at_view(struct view_look *view, const struct pt *pt)
{
	if (oracle.anew || upper_table_stored(view)) {
		walk_view(view, pt);
	} else {
		for (u32 i = 0; i < view->page_count; i++)
			if (view->page[i].level == 3 && page_stored(view->page[i].addr))
				walk_last_table(view, pt, &view->page[i]);
		for (u32 i = 0; i < view->page_count; i++)
			if (!page_is_ours(view->page[i].addr))
				violated("V5: page %#llx of the %s table is not the hypervisor's", ull(view->page[i].addr),
					 view->name);
		for (u32 i = 0; i < oracle.change_count; i++)
			page_of_view(view, oracle.change[i].page);
		for (u32 i = 0; oracle.devices_changed && i < view->device_count; i++)
			leaf_of_device(view, &view->device[i]);
	}
	/* A11: both views hold all of the VM's memory; that they hold nothing else is V1. */
	if (view->mapped != oracle.usable && !(oracle.losses && view->mapped > oracle.usable))
		violated("A11: the %s table maps %#llx bytes of RAM, the VM has %#llx", view->name,
			 ull(view->mapped * PAGE_SIZE), ull(oracle.usable * PAGE_SIZE));
}

static void look_at_views(void)
{
	look_at_view(&oracle.dma, &vm_primary->dma_pt);
	look_at_view(&oracle.cpu, &vm_primary->cpu_pt);
}

/* --- paging domains: V1 for their leaves; that they are pinned is the counts' business */

static void look_at_reach(void)
{
	for (u32 i = 0; i < oracle.domain_count; i++) {
		const struct domain_look *look = oracle.domain[i];
		const struct vm *vm = look->d->vm;

		if (!look->table.fresh && oracle.change_count == 0 && !oracle.devices_changed)
			continue;
		/* What hardware may still reach for ever is the hypervisor's by then. */
		if (oracle.losses && vm->state == VM_DYING && vm->teardown >= TEARDOWN_HOME)
			continue;
		for (u32 k = 0; k < look->table.leaf_count; k++) {
			const struct leaf *leaf = &look->table.leaf[k];

			if (!reachable(vm, leaf->out, leaf->size, leaf->write) && !lost_share(leaf->out, leaf->size))
				violated("V1: domain %u of vm %u maps %#llx, which is not the VM's", look->d->id, vm->handle,
					 ull(leaf->out));
		}
	}
}

/* --- streams: V4 */

static bool blocked(const struct smmu_stream *s)
{
	return s->event == SMMU_C_BAD_STREAMID || s->event == SMMU_C_BAD_STE || s->abort;
}

static void expect_table(const struct endpoint *e, const struct smmu_stream *s, const struct pt *pt,
			 const struct iommu_tag *tag, u32 pasid)
{
	bool stage1 = pt->ops->stage == 1;

	if (s->event != SMMU_OK || s->bypass || s->abort || s->stage1 != stage1 ||
	    s->stage2 != !stage1)
		violated("V4: stream %#x PASID %u should translate; event %#x, stages %d%d",
			 e->sid.v, pasid, s->event, s->stage1, s->stage2);
	else if (s->root != pt->root.v)
		violated("V4: stream %#x PASID %u walks %#llx, not %#llx", e->sid.v, pasid,
			 ull(s->root), ull(pt->root.v));
	else if (s->bits != pt->ops->va_bits)
		violated("V4: stream %#x walks %u bits of a table of %u", e->sid.v, s->bits,
			 pt->ops->va_bits);
	else if ((stage1 && s->asid != tag->asid) || (iommu_common.stage2 && s->vmid != tag->vmid))
		violated("V3: stream %#x PASID %u is tagged VMID %u ASID %u, not %u, %u", e->sid.v,
			 pasid, s->vmid, s->asid, tag->vmid, tag->asid);
}

/* A first stage of the guest's own: behind it the VM's DMA table, under its tag; before it, anything. */
static void expect_nested(const struct endpoint *e, const struct smmu_stream *s, const struct domain *d)
{
	const struct vm *vm = d->vm;
	const u64 config = d->nested.word[0];
	const bool valid = (config & 1) != 0, stage1 = valid && (config >> 1 & 7) == 5;

	if (vm != e->device->vm)
		violated("V4: stream %#x is nested behind the table of another VM", e->sid.v);
	if (!valid || (config >> 1 & 7) == 0) {
		if (!s->abort)
			violated("V4: stream %#x should abort", e->sid.v);
		return;
	}
	if (s->abort && e->muted_until != 0)
		return;
	if (s->bypass || s->abort || s->stage1 != stage1 || !s->stage2)
		violated("V4: stream %#x should be nested; event %#x, stages %d%d", e->sid.v, s->event, s->stage1, s->stage2);
	else if (s->s2root != vm->dma_pt.root.v)
		violated("V4: stream %#x has stage 2 at %#llx, not %#llx", e->sid.v, ull(s->s2root), ull(vm->dma_pt.root.v));
	else if (s->vmid != vm->dma_tag.vmid)
		violated("V3: stream %#x is nested under VMID %u, not %u", e->sid.v, s->vmid, vm->dma_tag.vmid);
	else if (stage1 && (s->ctx != (config & 0x00ffffffffffffc0ull) || s->ssid_bits != config >> 59))
		violated("V4: stream %#x has its contexts at %#llx", e->sid.v, ull(s->ctx));
}

static void expect_pasids(struct smmu *smmu, const struct endpoint *e)
{
	u32 count = 1u << e->ctx.pasid_bits;

	for (u32 p = 1; p < count && p < PASIDS_LOOKED_AT; p++) {
		const struct domain *d = e->substream != NULL ? e->substream[p].domain : NULL;
		struct smmu_stream s = smmu_stream_of(smmu, e->sid.v, true, p);

		if (d != NULL)
			expect_table(e, &s, &d->pt, &d->tag, p);
		else if (s.event == SMMU_OK)
			violated("V4: stream %#x PASID %u translates and is not attached", e->sid.v,
				 p);
	}
}

static void look_at_endpoint(const struct endpoint *e)
{
	struct smmu *smmu = oracle.smmu[e->iommu->index];
	struct smmu_stream s = smmu_stream_of(smmu, e->sid.v, false, 0);
	const struct device *d = e->device;

	/* Also while it is another VM's by name, until the claim of its group comes to it. */
	if (d->state == DEVICE_UNASSIGNED) {
		/* A blocked stream is always safe; of an IOMMU with other stages it is what must be. */
		if (blocked(&s) && (oracle.losses || !iommu_is_common(e->iommu)))
			return;
		if (oracle.losses && e->iommu->dead)
			return;
		expect_table(e, &s, &vm_primary->dma_pt, &vm_primary->dma_tag, 0);
	} else if (d->state == DEVICE_ASSIGNED && e->attached.domain != NULL) {
		if (e->iommu->dead)
			return;
		if (domain_is_nested(e->attached.domain)) {
			expect_nested(e, &s, e->attached.domain);
			return;
		}
		expect_table(e, &s, &e->attached.domain->pt, &e->attached.domain->tag, 0);
		if (s.stage1 && s.ssid_bits > 0 && s.s1dss != 2)
			violated("V4: stream %#x does not give its own DMA to PASID 0", e->sid.v);
		if (s.stage1)
			expect_pasids(smmu, e);
	} else if (!blocked(&s) && !e->iommu->dead) {
		violated("V4: stream %#x of %s is not attached and not blocked", e->sid.v, d->name);
	}
}

static void page_seen(void *ctx, u64 page, u32 first, u32 count)
{
	oracle.stream_page = grown(oracle.stream_page, &oracle.stream_page_room, oracle.stream_page_count,
				   sizeof(*oracle.stream_page));
	oracle.stream_page[oracle.stream_page_count++] = (struct stream_page){ *(u32 *)ctx, first, count, page };
}

static void stream_seen(void *ctx, u32 sid_value, const struct smmu_stream *s)
{
	oracle.stream = grown(oracle.stream, &oracle.stream_room, oracle.stream_count, sizeof(*oracle.stream));
	oracle.stream[oracle.stream_count++] = (struct stream_look){ *(u32 *)ctx, sid_value, *s };
}

/* A page of pointers to others has changed, or the registers that name the first. */
static bool stream_table_moved(void)
{
	bool moved = oracle.anew;

	for (u32 i = 0; i < oracle.stream_page_count; i++)
		moved |= oracle.stream_page[i].count == 0 && page_stored(oracle.stream_page[i].addr);
	for (u32 i = 0; i < oracle.smmu_count; i++) {
		u64 now = smmu_reg(oracle.smmu[i], STRTAB_BASE) ^ smmu_reg(oracle.smmu[i], STRTAB_BASE_CFG) << 40;

		moved |= oracle.strtab[i] != now;
		oracle.strtab[i] = now;
	}
	return moved;
}

/* Is what was seen of the stream what would be seen now? */
static bool stream_stands(const struct stream_look *look)
{
	return !page_stored(look->s.ste) && !(look->s.stage1 && (page_stored(look->s.ctx) || page_stored(look->s.cd)));
}

static void look_at_stream_page(struct stream_page *page, bool moved)
{
	if (moved || page_stored(page->addr)) {
		smmu_for_each_stream(oracle.smmu[page->smmu], page->first, page->count, stream_seen, &page->smmu);
		return;
	}
	for (u32 i = 0; i < oracle.past_stream_count; i++) {
		const struct stream_look *look = &oracle.past_stream[i];

		if (look->smmu != page->smmu || look->sid - page->first >= page->count)
			continue;
		if (stream_stands(look))
			stream_seen(&page->smmu, look->sid, &look->s);
		else
			smmu_for_each_stream(oracle.smmu[page->smmu], look->sid, 1, stream_seen, &page->smmu);
	}
}

/* Those that translate, in the order of the table. */
static void find_streams(void)
{
	struct stream_look *past = oracle.stream;
	u32 room = oracle.stream_room;
	bool moved = stream_table_moved();

	oracle.stream = oracle.past_stream;
	oracle.stream_room = oracle.past_stream_room;
	oracle.past_stream = past;
	oracle.past_stream_room = room;
	oracle.past_stream_count = oracle.stream_count;
	oracle.stream_count = 0;
	if (moved) {
		oracle.stream_page_count = 0;
		for (u32 i = 0; i < oracle.smmu_count; i++)
			smmu_for_each_stream_page(oracle.smmu[i], page_seen, &i);
	}
	for (u32 i = 0; i < oracle.stream_page_count; i++)
		look_at_stream_page(&oracle.stream_page[i], moved);
}

static void look_at_stream(u32 sid_value, const struct smmu_stream *s, const struct iommu *iommu)
{
	bool nested = s->stage1 && s->stage2;

	if (endpoint_find(iommu, sid(sid_value)) == NULL)
		violated("V4: stream %#x of nobody is not blocked", sid_value);
	if (s->bypass)
		violated("V1: stream %#x is not translated at all", sid_value);
	/* Full ATS: the device would be believed physical addresses. */
	if (s->eats != 0 && !(s->eats == 2 && nested))
		violated("V1: stream %#x need not be translated", sid_value);
	if (s->event == SMMU_OK && !page_is_ours(nested ? s->s2root : s->root))
		violated("V5: stream %#x walks from %#llx, not the hypervisor's", sid_value,
			 ull(s->root));
	if (s->stage1 && !nested && !page_is_ours(s->ctx))
		violated("V5: stream %#x has its contexts at %#llx, not the hypervisor's",
			 sid_value, ull(s->ctx));
}

static void look_at_streams(void)
{
	for (u32 i = 0; i < oracle.smmu_count; i++) {
		/* An IOMMU that failed is turned off: then GBPA alone blocks. */
		if ((smmu_reg(oracle.smmu[i], 0x24) & 1) == 0 && !iommu_instance[i].dead)
			violated("V4: translation of IOMMU %u is off", i);
		if ((smmu_reg(oracle.smmu[i], 0x44) & 1u << 20) == 0)
			violated("V4: IOMMU %u would pass DMA if it were turned off", i);
	}
	find_streams();
	for (u32 i = 0; i < oracle.stream_count; i++)
		look_at_stream(oracle.stream[i].sid, &oracle.stream[i].s, &iommu_instance[oracle.stream[i].smmu]);
	FOR_EACH_ENDPOINT(e)
		look_at_endpoint(e);
}

/* --- caches: V3 */

/*
 * Stage 2 alone, or what a first stage of the guest's own was combined with: in either case it ends there. What is lost is so
 * page by page, and a step of a teardown may end within a block.
 */
static void cached_of_dma(const struct vm *vm, const struct smmu_cached *c)
{
	u64 done = 0;

	while (done < c->size && (reachable(vm, c->output + done, PAGE_SIZE, c->write) || lost_share(c->output + done, PAGE_SIZE) ||
				  lost_mmio(c->output + done, PAGE_SIZE)))
		done += PAGE_SIZE;
	if (done < c->size)
		violated("V3: a cache still maps %#llx to %#llx, which is not the VM's any more",
			 ull(c->input), ull(c->output));
}

static void cached_of_domain(const struct domain_look *look, const struct smmu_cached *c)
{
	for (u64 done = 0; done < c->size;) {
		const struct leaf *leaf = leaf_at(look, c->input + done);

		if (leaf == NULL || leaf->out + (c->input + done - leaf->va) != c->output + done) {
			if (oracle.losses && all_held(c->output, c->size))
				return;
			violated("V3: a cache maps %#llx to %#llx under the tag of domain %u, "
				 "whose table does not",
				 ull(c->input + done), ull(c->output + done), look->d->id);
			return;
		}
		if ((c->read && !leaf->read) || (c->write && !leaf->write) ||
		    (c->user && !leaf->user)) {
			violated("V3: a cache allows more at %#llx than domain %u", ull(c->input),
				 look->d->id);
			return;
		}
		done = leaf->va + leaf->size - c->input;
	}
}

/* The VM whose DMA table is behind the tag. */
static const struct vm *vm_of_dma_tag(bool stage1, u16 vmid, u16 asid)
{
	if (!iommu_common.stage2)
		return stage1 && asid == vm_primary->dma_tag.asid ? vm_primary : NULL;
	FOR_EACH_VM(vm)
		if (vmid == vm->dma_tag.vmid && vm->dma_pt.ops != NULL)
			return vm;
	return NULL;
}

static void cached_seen(void *ctx UNUSED, const struct smmu_cached *c)
{
	const struct vm *vm = vm_of_dma_tag(c->stage1, c->vmid, c->asid);
	const struct domain_look *look;

	if (vm != NULL) {
		cached_of_dma(vm, c);
		return;
	}
	look = domain_of_tag(c->stage1, c->vmid, c->asid);
	if (look != NULL)
		cached_of_domain(look, c);
	else if (!oracle.losses || !all_held(c->output, c->size))
		violated("V3: a cache holds %#llx under VMID %u ASID %u, which is nobody's tag",
			 ull(c->input), c->vmid, c->asid);
}

/* A table that a walker may go on from must be what it was, or nothing at all yet. */
static void cached_table_seen(void *ctx UNUSED, const struct smmu_cached_table *c)
{
	const struct vm *vm = vm_of_dma_tag(c->stage1, c->vmid, c->asid);
	bool dma = vm != NULL;
	const struct domain_look *look = dma ? NULL : domain_of_tag(c->stage1, c->vmid, c->asid);
	u32 i = page_index(c->table);
	const struct place *place;
	u32 owner;

	/* A table of the guest's own: an address of the guest's, which is translated before it is read. */
	if (dma && c->stage1 && iommu_common.stage2)
		return;
	/* Or of one whose VM is gone, while hardware failed: its VMID is lost, and what is behind it. */
	if (oracle.losses && c->stage1 && iommu_common.stage2 && look == NULL)
		return;
	if (i == ~0u || !page_is_ours(c->table)) {
		violated("V3: a walker may still read %#llx, which is free or not ours",
			 ull(c->table));
		return;
	}
	place = dma && vm->primary ? &oracle.dma.place[i] : &oracle.place[i];
	owner = dma ? vm_number(vm) : look != NULL ? domain_number(look->d) :
						     ~0u;
	if (place->kind == (dma ? PLACE_DMA : PLACE_DOMAIN) && place->input == c->input &&
	    place->level == c->level + 1 && place->owner == owner)
		return;
	if (oracle.losses && place->kind == PLACE_NONE)
		return;
	violated("V3: a walker takes %#llx for the table of %#llx under VMID %u ASID %u",
		 ull(c->table), ull(c->input), c->vmid, c->asid);
}

static void look_at_caches(void)
{
	for (u32 i = 0; i < oracle.smmu_count; i++) {
		u32 stale;

		smmu_for_each_cached(oracle.smmu[i], cached_seen, NULL);
		smmu_for_each_cached_table(oracle.smmu[i], cached_table_seen, NULL);
		if (!oracle.losses && smmu_config_stale(oracle.smmu[i], &stale))
			violated("V3: a cache holds an old configuration of stream %#x", stale);
	}
}

/* --- commands: V8 */

static bool vmid_known(u16 vmid)
{
	if (!iommu_common.stage2)
		return vmid == 0;
	if (oracle.overlap)
		return true; /* at_command() has looked */
	FOR_EACH_VM(vm)
		if (vmid == vm->dma_tag.vmid || vmid == vm->paging_vmid)
			return true;
	return domain_of_tag(false, vmid, 0) != NULL;
}

static bool names_vmid(u8 op)
{
	return (op >= 0x10 && op <= 0x13) || op == 0x28 || op == 0x2a;
}

/* An id goes back behind the completion of the last command that names it. */
static void at_command(const struct smmu_cmd *cmd)
{
	u16 vmid = (u16)(cmd->word[0] >> 32);

	if (iommu_common.stage2 && vmid != 0 && names_vmid((u8)cmd->word[0]) &&
	    (vmid >= iommu_vmids.count || (iommu_vmids.word[vmid / 64] & 1ull << vmid % 64) == 0))
		oracle.stray = *cmd;
}

void commands_init(struct smmu *const *smmu, u32 count)
{
	for (u32 i = 0; i < count; i++)
		smmu_at_command(smmu[i], at_command);
}

static bool command_is_ours(const struct iommu *iommu, const struct smmu_cmd *cmd)
{
	u16 vmid = (u16)(cmd->word[0] >> 32);
	u32 stream = (u32)(cmd->word[0] >> 32);

	if (names_vmid((u8)cmd->word[0]))
		return vmid_known(vmid);
	switch (cmd->word[0] & 0xff) {
	case 0x46:
		return true;
	case 0x03:
	case 0x05:
	case 0x06:
	case 0x40:
		return endpoint_find(iommu, sid(stream)) != NULL;
	case 0x04: /* all of them: in place of a command that hardware called illegal */
		return (oracle.losses || oracle.stand_ins) && cmd->word[0] == 0x04 &&
		       cmd->word[1] == 31;
	case 0x30:
		return (oracle.losses || oracle.stand_ins) && cmd->word[0] == 0x30 &&
		       cmd->word[1] == 0;
	default:
		return false;
	}
}

static void look_at_commands(void)
{
	if (oracle.stray.word[0] != 0)
		violated("V8: command %#llx %#llx was for a VMID of nobody", ull(oracle.stray.word[0]), ull(oracle.stray.word[1]));
	for (u32 i = 0; i < oracle.smmu_count; i++) {
		u32 count = smmu_cmd_count(oracle.smmu[i]);

		for (; oracle.cmds[i] < count; oracle.cmds[i]++) {
			const struct smmu_cmd *cmd = smmu_cmd_at(oracle.smmu[i], oracle.cmds[i]);

			if (!command_is_ours(&iommu_instance[i], cmd))
				violated("V8: command %#llx %#llx names what is not ours",
					 ull(cmd->word[0]), ull(cmd->word[1]));
		}
		if (smmu_misuse(oracle.smmu[i]) != NULL)
			violated("hardware: %s", smmu_misuse(oracle.smmu[i]));
	}
}

/* A cached entry is looked at again when caches, tables or records are not what they were. */
static bool caches_stand(void)
{
	u64 changes = 0;
	bool stand;

	for (u32 i = 0; i < oracle.smmu_count; i++)
		changes += smmu_cache_changes(oracle.smmu[i]);
	stand = !oracle.anew && changes == oracle.cache_changes && oracle.stored_count == 0 && oracle.other[0] == '\0' &&
		!oracle.devices_changed && state_difference() == ~0u;
	oracle.cache_changes = changes;
	return stand;
}

/* Of a first stage of the guest's own only what leads there: its contexts change by its own stores, and by DMA. */
static void state_of_streams(void)
{
	state_section(&oracle.now, "streams");
	for (u32 i = 0; i < oracle.stream_count; i++) {
		const struct stream_look *look = &oracle.stream[i];
		bool nested = look->s.stage1 && look->s.stage2;

		state_add(&oracle.now, look->sid | (u64)look->s.stage1 << 32 | (u64)look->s.stage2 << 33 |
					       (u64)(nested || look->s.event == SMMU_OK) << 34 | (u64)look->smmu << 36);
		state_add(&oracle.now, nested ? look->s.s2root : look->s.root | look->s.asid);
		state_add(&oracle.now, look->s.vmid | (nested ? look->s.ctx << 16 : 0));
	}
}

bool look_at_hardware(void)
{
	look_at_views();
	look_at_reach();
	look_at_streams();
	state_of_streams();
	if (!caches_stand())
		look_at_caches();
	look_at_commands();
	return oracle.why[0] == '\0';
}
