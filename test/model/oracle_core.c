/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core's records say against what its tables hold: pins counted again from the leaves,
 * pool pages from what uses them, names from the endpoints. Fills the look for oracle_hw.c and
 * the abstract state for V10.
 */
#include "oracle_private.h"

#include <stdlib.h>
#include <string.h>

#include "hyp/io.h"
#include "mem/page.h"

#include "fake.h"

u32 page_index(u64 addr)
{
	u64 index = (addr - oracle.base) >> PAGE_SHIFT;

	return addr >= oracle.base && index < oracle.pages ? (u32)index : ~0u;
}

/* Free in a pool: inside a run whose head says so. */
static bool page_is_free(u64 addr)
{
	for (u32 order = 0; order <= POOL_ORDER_MAX; order++) {
		const struct page *head = page_find(pa(addr & ~((PAGE_SIZE << order) - 1)));

		if (head != NULL && head->owner == OWNER_HYP && head->state == PAGE_POOL_FREE &&
		    head->order >= order)
			return true;
	}
	return false;
}

bool page_is_ours(u64 addr)
{
	const struct page *page = page_find(pa(addr));
	u32 i = page_index(addr);

	if (page == NULL || i == ~0u)
		return false;
	if (!oracle.ours[i])
		oracle.ours[i] = page->owner == OWNER_HYP && !page_is_free(addr);
	return oracle.ours[i];
}

/* --- domains */

/* What of memory the leaf pins, once more (by 1) or less (-1). */
static void count_pins(const struct leaf *leaf, u32 by)
{
	u32 page = page_index(leaf->out);

	if (page == ~0u) {
		u32 range;
		const struct device *d = device_of_mmio(NULL, pa(leaf->out), leaf->size, &range);

		if (d != NULL)
			oracle.mmio_pins[d->index] += (s32)by * (s64)(leaf->size >> PAGE_SHIFT);
		else if (by == 1)
			violated("V1: IOVA %#llx maps %#llx, which is no memory and no device's",
				 (unsigned long long)leaf->va, (unsigned long long)leaf->out);
		return;
	}
	oracle.run_dirty[page / BLOCK_PAGES] = true;
	if (leaf->size == PAGE_SIZE) {
		oracle.pins[page] += by;
		return;
	}
	for (u64 done = 0; done < leaf->size; done += BLOCK_SIZE) {
		oracle.block_pins[page / BLOCK_PAGES + done / BLOCK_SIZE] += by;
		oracle.run_dirty[page / BLOCK_PAGES + done / BLOCK_SIZE] = true;
	}
}

static void count_leaves(struct domain_look *look, u32 by)
{
	for (u32 i = 0; i < look->table.leaf_count; i++)
		count_pins(&look->table.leaf[i], by);
}

static void place_tables(struct domain_look *look)
{
	struct place place = { .kind = PLACE_DOMAIN, .owner = domain_number(look->d) };

	look->tables = 0;
	for (u32 i = 0; i < look->table.page_count; i++) {
		const struct table_page *page = &look->table.page[i];
		u32 index = page_index(page->addr);

		place.level = page->level;
		place.input = page->input;
		place_set(page->addr, &place);
		look->tables += page->level >= 0 && page->addr != look->table.root.table;
		if (index != ~0u && page_find(pa(page->addr))->pool != look->d->vm->pool.id)
			violated("V5: table page %#llx is of another VM's pool", (unsigned long long)page->addr);
	}
}

/* Level of the root: as many levels as the input bits need beyond those of its extra pages. */
u8 start_level(const struct pt_ops *ops)
{
	u32 bits = ops->va_bits - PAGE_SHIFT - (u32)__builtin_ctz(ops->root_pages);

	return (u8)(4 - (bits + 8) / 9);
}

static struct domain *domain_slot(const struct vm *vm, u32 i)
{
	return &vm->domain_page[i / DOMAINS_PER_PAGE][i % DOMAINS_PER_PAGE];
}

static void look_at_table(struct domain_look *look, const struct domain *d)
{
	const struct smmu_root root = {
		.table = d->pt.root.v,
		.stage1 = d->pt.ops->stage == 1,
		.bits = d->pt.ops->va_bits,
		.start = start_level(d->pt.ops),
		.cpu = d->tag.users == 0,
	};
	const struct table_look was = look->table;

	if (!table_look(&look->table, &root, "mappings of a domain"))
		return;
	/* The leaves as they were are in what the next walk overwrites. */
	for (u32 i = 0; !oracle.anew && was.walked && i < was.leaf_count; i++)
		count_pins(&was.leaf[i], -1u);
	count_leaves(look, 1);
	look->bytes = 0;
	for (u32 i = 0; i < look->table.leaf_count; i++)
		look->bytes += look->table.leaf[i].size;
}

static void look_at_domain(struct domain_look *look, const struct domain *d)
{
	look->d = d;
	/* A nested one has no table but the guest's, in memory that is the guest's. */
	if (domain_is_nested(d)) {
		look->table.leaf_count = look->table.page_count = look->tables = 0;
		look->bytes = 0;
		return;
	}
	look_at_table(look, d);
	place_tables(look);
	if (look->bytes != d->mapped)
		violated("V2: domain %u says %llu bytes mapped, its table maps %llu", d->id,
			 (unsigned long long)d->mapped, (unsigned long long)look->bytes);
	if (look->tables != d->pt.tables)
		violated("V5: domain %u says %u tables, it has %u", d->id, d->pt.tables,
			 look->tables);
	if (d->lock.held != 0)
		violated("lock: domain %u is locked after the call", d->id);
}

/* What was seen of a domain of this slot at the last look, mostly where this look is now. */
static struct domain_look *domain_look_of(const struct domain *d)
{
	struct domain_look *look;

	for (u32 n = 0; n < oracle.past_count; n++) {
		u32 i = (oracle.domain_count + n) % oracle.past_count;

		look = oracle.past[i];
		if (look == NULL || look->d != d)
			continue;
		oracle.past[i] = NULL;
		return look;
	}
	look = oracle.idle;
	if (look == NULL)
		look = calloc(1, sizeof(*look));
	else
		oracle.idle = look->next;
	if (look == NULL)
		fake_die("no host memory for the oracle");
	look->table.walked = false;
	return look;
}

static struct domain_look *domain_look_next(const struct domain *d)
{
	oracle.domain = grown(oracle.domain, &oracle.domain_room, oracle.domain_count, sizeof(struct domain_look *));
	oracle.domain[oracle.domain_count] = domain_look_of(d);
	return oracle.domain[oracle.domain_count++];
}

static void domains_begin(void)
{
	struct domain_look **was = oracle.past;
	u32 room = oracle.past_room;

	oracle.past = oracle.domain;
	oracle.past_room = oracle.domain_room;
	oracle.past_count = oracle.domain_count;
	oracle.domain = was;
	oracle.domain_room = room;
	oracle.domain_count = 0;
}

/* Domains that are no more pin nothing. */
static void domains_end(void)
{
	for (u32 i = 0; i < oracle.past_count; i++) {
		struct domain_look *look = oracle.past[i];

		if (look == NULL)
			continue;
		if (!oracle.anew)
			count_leaves(look, -1u);
		look->d = NULL;
		look->next = oracle.idle;
		oracle.idle = look;
	}
	oracle.past_count = 0;
}

static u64 look_at_domains(const struct vm *vm)
{
	u64 pages = (vm->domain_max + DOMAINS_PER_PAGE - 1) / DOMAINS_PER_PAGE;
	u32 live = 0, nested = 0;

	for (u64 i = 0; i < pages; i++) {
		const struct place place = { .kind = PLACE_RECORDS };

		place_set(io_phys_of(vm->domain_page[i]).v, &place);
	}
	for (u32 i = 0; i < vm->domain_max; i++) {
		const struct domain *d = domain_slot(vm, i);
		struct domain_look *look;

		/* One that was never used is nobody's, and no domain. */
		if (d->vm != (i < vm->domain_fresh ? vm : NULL))
			violated("V7: slot %u of vm %u says that it is another VM's", i, vm->handle);
		if (i >= vm->domain_fresh && (d->id != 0 || d->state != DOMAIN_FREE))
			violated("V7: slot %u of vm %u is in use and was never taken", i, vm->handle);
		if (d->state == DOMAIN_FREE)
			continue;
		live++;
		nested += domain_is_nested(d);
		look = domain_look_next(d);
		look_at_domain(look, d);
		pages += (domain_is_nested(d) ? 0 : d->pt.ops->root_pages) + look->tables;
	}
	if (live != vm->domain_count)
		violated("accounts: %u domains in use, vm %u counts %u", live, vm->handle,
			 vm->domain_count);
	if (vm->own_asids.word != NULL && ids_in_use(vm->asids) != live - nested + 1) /* and id 0 */
		violated("V3: %u ASIDs of vm %u are in use, %u domains", ids_in_use(vm->asids) - 1,
			 vm->handle, live - nested);
	return pages;
}

const struct domain_look *domain_of_tag(bool stage1, u16 vmid, u16 asid)
{
	for (u32 i = 0; i < oracle.domain_count; i++) {
		const struct iommu_tag *tag = &oracle.domain[i]->d->tag;

		if ((tag->kind == TAG_STAGE1) != stage1 || tag->kind == TAG_DMA)
			continue;
		if (iommu_common.stage2 && tag->vmid != vmid)
			continue;
		if (!stage1 || tag->asid == asid)
			return oracle.domain[i];
	}
	return NULL;
}

const struct leaf *leaf_at(const struct domain_look *look, u64 va)
{
	u32 low = 0, high = look->table.leaf_count;

	while (low < high) {
		u32 mid = (low + high) / 2;
		const struct leaf *leaf = &look->table.leaf[mid];

		if (va < leaf->va)
			high = mid;
		else if (va - leaf->va >= leaf->size)
			low = mid + 1;
		else
			return leaf;
	}
	return NULL;
}

/* Two domains never have one tag: V3 would mean nothing. */
static void look_at_tags(void)
{
	for (u32 i = 0; i < oracle.domain_count; i++) {
		const struct iommu_tag *tag = &oracle.domain[i]->d->tag;

		if (domain_is_nested(oracle.domain[i]->d))
			continue; /* it has none of its own */
		if (domain_of_tag(tag->kind == TAG_STAGE1, tag->vmid, tag->asid) !=
		    oracle.domain[i])
			violated("V3: domain %u shares its tag", oracle.domain[i]->d->id);
		FOR_EACH_VM(vm) {
			if (iommu_common.stage2 && tag->vmid == vm->dma_tag.vmid)
				violated("V3: domain %u has the VMID of the DMA table",
					 oracle.domain[i]->d->id);
			if (!iommu_common.stage2 && tag->asid == vm->dma_tag.asid)
				violated("V3: domain %u has the ASID of the DMA table",
					 oracle.domain[i]->d->id);
		}
		if (tag->kind == TAG_STAGE1 && iommu_common.stage2 &&
		    tag->vmid != oracle.domain[i]->d->vm->paging_vmid)
			violated("V3: domain %u has the VMID of another VM", oracle.domain[i]->d->id);
	}
}

/* --- endpoints */

/*
 * A context table as hardware has it (IHI 0070 3.3.2): linear, or a page of pointers to leaves of
 * 16 pages. Which one follows from its size.
 */
static void look_at_context(const struct endpoint *e, const struct place *place)
{
	u64 linear = e->ctx.pasid_bits > 6 ? 1ull << (e->ctx.pasid_bits - 6) : 1;
	const u64 *l1 = io_phys(e->ctx.table);

	if (e->ctx.pages == linear) {
		for (u32 i = 0; i < e->ctx.pages; i++)
			place_set(e->ctx.table.v + i * PAGE_SIZE, place);
		return;
	}
	place_set(e->ctx.table.v, place);
	for (u32 i = 0; i < PAGE_SIZE / sizeof(*l1); i++)
		for (u32 k = 0; (l1[i] & 1) != 0 && k < 16; k++)
			place_set((l1[i] & 0x000ffffffffff000) + k * PAGE_SIZE, place);
}

static void look_at_contexts(void)
{
	u32 number = 0;

	FOR_EACH_ENDPOINT(e) {
		struct place place = { .kind = PLACE_CONTEXT, .owner = number++ };
		u32 substream_pages = e->substream != NULL ? 1u << e->ctx_pages_order : 0;
		u64 *pages = &oracle.used[vm_number(e->device->vm)];

		if (e->ctx.table.v != 0) {
			look_at_context(e, &place);
			*pages += e->ctx.pages;
		}
		place.kind = PLACE_RECORDS;
		for (u32 i = 0; i < substream_pages; i++)
			place_set(io_phys_of(e->substream).v + i * PAGE_SIZE, &place);
		*pages += substream_pages;
	}
}

/* A page of a ring, pinned once by it (by = 1), or not any more (-1). */
static void ring_pin(u32 page, int by)
{
	oracle.pins[page] += (u32)by;
	oracle.run_dirty[page / BLOCK_PAGES] = true;
}

/* Rings of the last look, which the counts still have. */
static void rings_begin(void)
{
	for (u32 i = 0; !oracle.anew && i < oracle.ring_page_count; i++)
		ring_pin(oracle.ring_page[i], -1);
	oracle.ring_page_count = 0;
}

/* V2: pages of a ring stay their owner's alone. */
static void look_at_ring(const struct vm *vm, const struct event_ring *ring)
{
	const struct place place = { .kind = PLACE_RECORDS };

	place_set(io_phys_of(ring->page).v, &place);
	oracle.used[vm_number(vm)]++;
	for (u32 k = 0; k < ring->page_count; k++) {
		const struct page *page = page_find(ring->page[k]);

		if (page == NULL || page->owner != vm->owner || page->state != PAGE_OWNED) {
			violated("V2: page %u of a ring is not vm %u's alone", k, vm->handle);
			return;
		}
		oracle.ring_page[oracle.ring_page_count] = page_index(ring->page[k].v);
		ring_pin(oracle.ring_page[oracle.ring_page_count++], 1);
	}
}

static void look_at_rings(void)
{
	rings_begin();
	FOR_EACH_VM(vm)
		for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
			if (vm->pviommu[i].ring.page != NULL)
				look_at_ring(vm, &vm->pviommu[i].ring);
}

/* V7: names and streams, each against each. */
static void look_at_names(void)
{
	FOR_EACH_ENDPOINT(a) {
		if (endpoint_find(a->iommu, a->sid) != a)
			violated("V7: stream %u is not found as its own endpoint", a->sid.v);
		FOR_EACH_ENDPOINT(b) {
			if (a == b)
				continue;
			if (a->iommu == b->iommu && a->sid.v == b->sid.v)
				violated("V7: stream %u belongs to two endpoints", a->sid.v);
			if (a->has_vsid && b->has_vsid && a->vsid.v == b->vsid.v &&
			    a->device->pviommu == b->device->pviommu)
				violated("V7: vSID %u names two endpoints", a->vsid.v);
		}
		if (a->has_vsid &&
		    endpoint_of_vsid(a->device->vm, a->device->pviommu->id, a->vsid.v) != a)
			violated("V7: vSID %u is not found", a->vsid.v);
		if (a->has_vsid && a->device->pviommu != &a->device->vm->pviommu[a->device->pviommu->id])
			violated("V7: vSID %u is under a pvIOMMU of another VM", a->vsid.v);
		if (a->has_vsid && a->device->pviommu->iommu != a->iommu)
			violated("V7: vSID %u is behind another IOMMU than its pvIOMMU", a->vsid.v);
	}
}

static u32 attachments(const struct endpoint *e, const struct domain *d, u32 *substreams)
{
	u32 n = e->attached.domain == d;

	for (u64 p = 1; e->substream != NULL && p < 1ull << e->ctx.pasid_bits; p++) {
		if (e->substream[p].domain == d)
			n++;
		if (substreams != NULL && e->substream[p].domain != NULL)
			++*substreams;
	}
	return n;
}

static void look_at_attachments(void)
{
	static u32 by_pviommu[VM_SECONDARIES + 1][VM_MAX_PVIOMMUS];

	memset(by_pviommu, 0, sizeof(by_pviommu));
	for (u32 i = 0; i < oracle.domain_count; i++) {
		const struct domain *d = oracle.domain[i]->d;
		u32 attached = 0, on[IOMMU_MAX] = { 0 };

		FOR_EACH_ENDPOINT(e) {
			u32 n = attachments(e, d, NULL);

			attached += n;
			on[e->iommu->index] += n;
			if (n > 0)
				by_pviommu[vm_number(d->vm)][e->device->pviommu->id] += n;
			if (n > 0 && e->device->vm != d->vm)
				violated("V4: %s endpoint %u is attached to a domain of another VM",
					 e->device->name, e->index);
			if (n > 0 && !((domain_is_nested(d) ? d->vm->dma_tag.users : d->tag.users) & 1u << e->iommu->index))
				violated("V3: domain %u is attached through an IOMMU that its "
					 "tag does not name",
					 d->id);
		}
		if (attached != d->attached)
			violated("accounts: domain %u has %u attachments, it counts %u", d->id,
				 attached, d->attached);
		for (u32 k = 0; k < oracle.smmu_count; k++)
			if (on[k] != d->attached_on[k])
				violated("accounts: domain %u has %u attachments through IOMMU %u, "
					 "it counts %u",
					 d->id, on[k], k, d->attached_on[k]);
		if (d->flights_begun != d->flights_ended)
			violated("accounts: domain %u has unmaps in flight after the call", d->id);
	}
	FOR_EACH_ENDPOINT(e) {
		u32 substreams = 0;

		attachments(e, NULL, &substreams);
		if (substreams != e->substreams)
			violated("accounts: %s endpoint %u has %u PASIDs attached, it counts %u",
				 e->device->name, e->index, substreams, e->substreams);
		if (e->attached.domain != NULL && e->attached.domain->state != (domain_is_nested(e->attached.domain) ? DOMAIN_NESTED : DOMAIN_LIVE))
			violated("V3: %s endpoint %u is attached to a domain that is freed",
				 e->device->name, e->index);
	}
	FOR_EACH_VM(vm)
		for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++)
			if (by_pviommu[vm_number(vm)][i] != vm->pviommu[i].attached)
				violated("accounts: pvIOMMU %u of vm %u has %u attachments, it counts %u",
					 i, vm->handle, by_pviommu[vm_number(vm)][i],
					 vm->pviommu[i].attached);
}

/* --- page records */

static void count_differs(const char *what, u64 addr, u32 is, u32 expected)
{
	/* Memory that broken hardware may still reach stays pinned: more is allowed, never less. */
	if (is == expected || (oracle.losses && is > expected))
		return;
	violated("V2: %s of %#llx is %u, the tables have %u", what, (unsigned long long)addr, is,
		 expected);
}

/* Nothing is on its way between two calls. */
static void look_at_owner(u64 addr, const struct page *page)
{
	if (page->owner == OWNER_HYP)
		return;
	if (page->owner - OWNER_VM > VM_SECONDARIES)
		violated("V2: page %#llx belongs to nobody", (unsigned long long)addr);
	else if (page->state > PAGE_READ_ONLY || (page->owner == OWNER_VM && page->state != PAGE_OWNED))
		violated("V2: page %#llx of VM number %u is left in state %u", (unsigned long long)addr,
			 page->owner - OWNER_VM, page->state);
}

static void look_at_run(u32 run)
{
	u64 addr = oracle.base + run * BLOCK_SIZE;
	const struct page *page = page_find(pa(addr));
	const struct page_run *r = page_run_of(pa(addr));
	u64 pins = 0;
	u32 odd = 0, primary = 0;

	for (u32 i = 0; i < BLOCK_PAGES; i++) {
		u32 index = run * BLOCK_PAGES + i;
		bool pool = page[i].owner == OWNER_HYP;

		if (page[i].pins != oracle.pins[index])
			count_differs("pin count", addr + i * PAGE_SIZE, page[i].pins,
				      oracle.pins[index]);
		pins += page[i].pins;
		odd += page[i].owner != r->owner || (!pool && page[i].state != r->state);
		primary += page_usable(&page[i], OWNER_VM, false);
		look_at_owner(addr + i * PAGE_SIZE, &page[i]);
		if (pool && !oracle.losses && (page[i].pins > 0 || r->block_pins > 0))
			violated("V1: the hypervisor's page %#llx is pinned for DMA",
				 (unsigned long long)(addr + i * PAGE_SIZE));
	}
	if (pins != r->pins)
		violated("V2: run %#llx says %llu pins, its pages have %llu",
			 (unsigned long long)addr, (unsigned long long)r->pins,
			 (unsigned long long)pins);
	/* Pool states are not the summary's business: the hypervisor's pages are all alike. */
	if (odd != r->odd)
		violated("V2: run %#llx says %u odd pages, it has %u", (unsigned long long)addr,
			 r->odd, odd);
	/* A shared block goes back page by page when its VM ends, under the primary's pins. */
	if (r->block_pins > 0 && odd != 0 && primary != BLOCK_PAGES && !oracle.losses)
		violated("V2: run %#llx is pinned as a block and not of one owner",
			 (unsigned long long)addr);
	count_differs("block pin count", addr, r->block_pins, oracle.block_pins[run]);
}

static void look_at_records(void)
{
	for (u32 run = 0; run < oracle.runs; run++)
		if (oracle.run_dirty[run])
			look_at_run(run);
	for (u32 i = 0; i < device_count; i++)
		count_differs("MMIO pin count", device_table[i].mmio[0].base,
			      device_table[i].mmio_pins, (u32)oracle.mmio_pins[i]);
}

static void look_at_accounts(const struct vm *vm)
{
	u64 pins = 0, mapped = 0, bytes = 0;

	for (u32 i = 0; i < VM_MAX_VCPUS; i++) {
		pins += vm->stat[i].pins;
		mapped += vm->stat[i].mapped;
	}
	for (u32 i = 0; i < oracle.domain_count; i++)
		if (oracle.domain[i]->d->vm == vm)
			bytes += oracle.domain[i]->bytes;
	if (vm->tags_lost) /* its domains are not found any more */
		return;
	if (mapped != bytes)
		violated("accounts: STATS says %llu bytes mapped, the tables %llu",
			 (unsigned long long)mapped, (unsigned long long)bytes);
	if (pins != bytes >> PAGE_SHIFT && !(oracle.losses && pins > bytes >> PAGE_SHIFT))
		violated("accounts: STATS says %llu pins, the tables %llu",
			 (unsigned long long)pins, (unsigned long long)(bytes >> PAGE_SHIFT));
}

/* --- the abstract state */

u32 ids_in_use(const struct idmap *map)
{
	u32 n = 0;

	for (u32 i = 0; map != NULL && map->word != NULL && i < (map->count + 63) / 64; i++)
		n += map->word[i] == 0 ? 0 : (u32)__builtin_popcountll(map->word[i]);
	return n;
}

static void state_of_domains(void)
{
	struct state *s = &oracle.now;

	state_section(s, "pool and ids");
	state_add(s, vm_primary->pool.free_pages);
	state_add(s, vm_primary->domain_count);
	state_add(s, ids_in_use(vm_primary->asids));
	state_add(s, ids_in_use(&iommu_vmids));
	state_section(s, "domains");
	for (u32 i = 0; i < oracle.domain_count; i++) {
		const struct domain_look *look = oracle.domain[i];

		state_add(s, look->d->id | (u64)look->d->vm->handle << 32);
		state_add(s, look->d->state | (u64)look->d->attached << 8 |
				     (u64)look->d->tag.users << 32);
		state_add(s, look->d->tag.vmid | (u64)look->d->tag.asid << 16 | (u64)look->d->tag.kind << 32);
		state_add(s, domain_is_nested(look->d) ? look->d->nested.word[0] ^ look->d->nested.word[1] << 1 : 0);
		state_add(s, look->tables);
		state_add(s, look->table.leaf_count);
	}
}

static u64 attachment_word(const struct attachment *a)
{
	return a->domain == NULL ? 0 : a->domain->id ^ a->cookie << 32;
}

/* Where it is and how it was asked for; what hardware has put there since is no change by a call. */
void state_of_ring(const struct pviommu *pv)
{
	struct state *s = &oracle.now;

	state_add(s, pv->ring.log2 | (u64)pv->ring.record_bytes << 8 | (u64)pv->ring_irq << 16 |
			     (u64)pv->ring.page_count << 48);
	for (u32 i = 0; pv->ring.page != NULL && i < pv->ring.page_count; i++)
		state_add(s, pv->ring.page[i].v);
}

static void state_of_devices(void)
{
	struct state *s = &oracle.now;

	state_section(s, "devices");
	for (u32 i = 0; i < device_count; i++) {
		const struct device *d = &device_table[i];

		state_add(s, (u64)d->vm->handle << 8 | d->target | (u64)d->mmio_away << 4);
		for (u32 k = 0; k < d->mmio_count; k++)
			state_add(s, d->mmio_ipa[k]);
		for (u32 k = 0; k < d->irq_count; k++)
			state_add(s, d->irq_given[k]);
		state_add(s, d->state | (u64)d->frozen << 8 |
				     (u64)(d->pviommu != NULL ? d->pviommu->id + 1 : 0) << 16 |
				     (u64)d->mmio_pins << 32);
	}
	state_section(s, "endpoints");
	FOR_EACH_ENDPOINT(e) {
		state_add(s, e->has_vsid ? (u64)e->vsid.v | 1ull << 32 : 0);
		state_add(s, attachment_word(&e->attached));
		state_add(s, e->ctx.table.v != 0 ? e->ctx.pasid_bits + 1u : 0);
		for (u64 p = 1; e->substream != NULL && p < 1ull << e->ctx.pasid_bits; p++)
			state_add(s, attachment_word(&e->substream[p]));
	}
	state_section(s, "pvIOMMUs");
	for (u32 i = 0; i < VM_MAX_PVIOMMUS; i++) {
		const struct pviommu *pv = &vm_primary->pviommu[i];

		state_add(s, pv->attached | (u64)pv->vsid_count << 32);
		state_add(s,
			  (pv->iommu != NULL ? pv->iommu->index + 1 : 0) | pv->quarantines << 32);
		state_of_ring(pv);
	}
}

bool look_at_core(void)
{
	memset(oracle.used, 0, sizeof(oracle.used));
	if (oracle.anew) {
		memset(oracle.pins, 0, oracle.pages * sizeof(*oracle.pins));
		memset(oracle.block_pins, 0, oracle.runs * sizeof(*oracle.block_pins));
		memset(oracle.mmio_pins, 0, sizeof(oracle.mmio_pins));
	}
	places_clear();
	domains_begin();
	FOR_EACH_VM(vm)
		oracle.used[vm_number(vm)] += look_at_domains(vm);
	domains_end();
	look_at_contexts();
	look_at_rings();
	look_at_records();
	look_at_tags();
	look_at_names();
	look_at_attachments();
	state_of_domains();
	state_of_devices();
	FOR_EACH_VM(vm) {
		look_at_accounts(vm);
		if (vm->lock.held != 0)
			violated("lock: vm %u is locked after the call", vm->handle);
	}
	return oracle.why[0] == '\0';
}
