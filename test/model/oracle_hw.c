/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What hardware would do: every stream of the table against what the core says of its endpoint,
 * every page that it can reach against its owner, every cached entry against the tables as they
 * are now, every command against what the hypervisor may send.
 */
#include "oracle_private.h"

#include <string.h>

#include "mem/page.h"

#define PASIDS_LOOKED_AT 64u

static unsigned long long ull(u64 v) { return v; }

/* MMIO stays its VM's while the device is quarantined: nobody else gets it before a reset. */
static bool mmio_of(const struct vm *vm, u64 addr, u64 size)
{
	for (u32 i = 0; i < device_count; i++)
		for (u32 k = 0; k < device_table[i].mmio_count; k++) {
			const struct range *r = &device_table[i].mmio[k];

			if (addr >= r->base && addr - r->base < r->size &&
			    size <= r->size - (addr - r->base))
				return device_table[i].vm == vm &&
				       !(vm->primary && device_table[i].mmio_away);
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

/* Broken hardware: what it may still reach must be held for ever. */
static bool all_pinned(u64 addr, u64 size)
{
	if (page_index(addr) == ~0u)
		return true;
	for (u64 done = 0; done < size; done += PAGE_SIZE)
		if (page_find(pa(addr + done))->pins == 0 &&
		    page_run_of(pa(addr + done))->block_pins == 0)
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
	return all_pinned(addr, size);
}

/* --- the VM's own tables: what its CPUs and its identity streams reach */

static u64 ram_mapped; /* bytes of RAM in the table that is being looked at */

static void view_leaf(const struct smmu_cached *c, const char *whose)
{
	if (page_index(c->output) != ~0u)
		ram_mapped += c->size;
	if (c->input != c->output)
		violated("V1: the %s table maps %#llx to %#llx", whose, ull(c->input),
			 ull(c->output));
}

static void dma_leaf(void *ctx UNUSED, const struct smmu_cached *c)
{
	view_leaf(c, "DMA");
	if (!reachable(vm_primary, c->output, c->size, c->write) && !lost_share(c->output, c->size))
		violated("V1: the DMA table maps %#llx, which is not the VM's", ull(c->output));
}

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

static void cpu_leaf(void *ctx UNUSED, const struct smmu_cached *c)
{
	view_leaf(c, "CPU");
	if (!reachable(vm_primary, c->output, c->size, c->write) &&
	    !window_direct(c->output, c->size) && !lost_share(c->output, c->size))
		violated("V1: the CPU table maps %#llx, which is not the VM's", ull(c->output));
}

static void dma_table(void *ctx UNUSED, u64 table, u64 input, int level)
{
	u32 i = page_index(table);

	if (!page_is_ours(table)) {
		violated("V5: page %#llx of the DMA table is not the hypervisor's", ull(table));
		return;
	}
	oracle.dma_place[i] =
		(struct place){ .kind = PLACE_DMA, .level = level, .input = input };
}

static void cpu_table(void *ctx UNUSED, u64 table, u64 input UNUSED, int level UNUSED)
{
	if (!page_is_ours(table))
		violated("V5: page %#llx of the CPU table is not the hypervisor's", ull(table));
}

static void look_at_view(const struct pt *pt, bool cpu, smmu_cached_fn *leaf, smmu_table_fn *table)
{
	const struct smmu_root root = {
		.table = pt->root.v,
		.stage1 = pt->ops->stage == 1,
		.bits = pt->ops->va_bits,
		.start = start_level(pt->ops),
		.cpu = cpu,
	};
	u64 usable = 0;

	ram_mapped = 0;
	smmu_for_each_entry(oracle.smmu[0], &root, leaf, table, NULL);
	for (u32 i = 0; i < oracle.pages; i++)
		usable += page_usable(page_find(pa(oracle.base + i * PAGE_SIZE)), vm_primary->owner,
				      false);
	/* A11: both views hold all of the VM's memory; that they hold nothing else is V1. */
	if (ram_mapped != usable * PAGE_SIZE && !(oracle.losses && ram_mapped > usable * PAGE_SIZE))
		violated("A11: the %s table maps %#llx bytes of RAM, the VM has %#llx",
			 cpu ? "CPU" : "DMA", ull(ram_mapped), ull(usable * PAGE_SIZE));
}

static void look_at_views(void)
{
	for (u32 i = 0; i < device_count; i++)
		oracle.ownership = oracle.ownership * 3 + device_table[i].mmio_away;
	oracle.ownership += vm_primary->dma_pt.tables + ((u64)vm_primary->cpu_pt.tables << 32);
	if (oracle.looks % oracle.effort != 0 && oracle.ownership == oracle.looked_at)
		return;
	oracle.looked_at = oracle.ownership;
	memset(oracle.dma_place, 0, oracle.pages * sizeof(*oracle.dma_place));
	look_at_view(&vm_primary->dma_pt, false, dma_leaf, dma_table);
	look_at_view(&vm_primary->cpu_pt, true, cpu_leaf, cpu_table);
}

/* --- paging domains: V1 for their leaves; that they are pinned is the counts' business */

static void look_at_reach(void)
{
	for (u32 i = 0; i < oracle.domain_count; i++)
		for (u32 k = 0; k < oracle.domain[i].leaf_count; k++) {
			const struct leaf *leaf = &oracle.domain[i].leaf[k];

			/* What hardware may still reach for ever is the hypervisor's by then. */
			if (oracle.losses && oracle.domain[i].d->vm->state == VM_DYING &&
			    oracle.domain[i].d->vm->teardown >= TEARDOWN_HOME)
				continue;
			if (!reachable(oracle.domain[i].d->vm, leaf->out, leaf->size, leaf->write) &&
			    !lost_share(leaf->out, leaf->size))
				violated("V1: domain %u of vm %u maps %#llx, which is not the VM's",
					 oracle.domain[i].d->id, oracle.domain[i].d->vm->handle,
					 ull(leaf->out));
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

	if (d->state == DEVICE_UNASSIGNED && d->vm == vm_primary) {
		/* A blocked stream is always safe; of an IOMMU with other stages it is what must be. */
		if (blocked(&s) && (oracle.losses || !iommu_is_common(e->iommu)))
			return;
		if (oracle.losses && e->iommu->dead)
			return;
		expect_table(e, &s, &vm_primary->dma_pt, &vm_primary->dma_tag, 0);
	} else if (d->state == DEVICE_ASSIGNED && e->attached.domain != NULL) {
		if (e->iommu->dead)
			return;
		expect_table(e, &s, &e->attached.domain->pt, &e->attached.domain->tag, 0);
		if (s.stage1 && s.ssid_bits > 0 && s.s1dss != 2)
			violated("V4: stream %#x does not give its own DMA to PASID 0", e->sid.v);
		if (s.stage1)
			expect_pasids(smmu, e);
	} else if (!blocked(&s) && !e->iommu->dead) {
		violated("V4: stream %#x of %s is not attached and not blocked", e->sid.v, d->name);
	}
}

static void stream_seen(void *ctx, u32 sid_value, const struct smmu_stream *s)
{
	const struct iommu *iommu = &iommu_instance[*(u32 *)ctx];

	if (endpoint_find(iommu, sid(sid_value)) == NULL)
		violated("V4: stream %#x of nobody is not blocked", sid_value);
	if (s->bypass)
		violated("V1: stream %#x is not translated at all", sid_value);
	if (s->event == SMMU_OK && !page_is_ours(s->root))
		violated("V5: stream %#x walks from %#llx, not the hypervisor's", sid_value,
			 ull(s->root));
	if (s->stage1 && !page_is_ours(s->ctx))
		violated("V5: stream %#x has its contexts at %#llx, not the hypervisor's",
			 sid_value, ull(s->ctx));
}

static void look_at_streams(void)
{
	for (u32 i = 0; i < oracle.smmu_count; i++) {
		u32 index = i;

		/* An IOMMU that failed is turned off: then GBPA alone blocks. */
		if ((smmu_reg(oracle.smmu[i], 0x24) & 1) == 0 && !iommu_instance[i].dead)
			violated("V4: translation of IOMMU %u is off", i);
		if ((smmu_reg(oracle.smmu[i], 0x44) & 1u << 20) == 0)
			violated("V4: IOMMU %u would pass DMA if it were turned off", i);
		smmu_for_each_stream(oracle.smmu[i], stream_seen, &index);
	}
	FOR_EACH_ENDPOINT(e)
		look_at_endpoint(e);
}

/* --- caches: V3 */

static void cached_of_dma(const struct smmu_cached *c)
{
	if (!reachable(vm_primary, c->output, c->size, c->write) && !lost_share(c->output, c->size))
		violated("V3: a cache still maps %#llx to %#llx, which is not the VM's any more",
			 ull(c->input), ull(c->output));
}

static void cached_of_domain(const struct domain_look *look, const struct smmu_cached *c)
{
	for (u64 done = 0; done < c->size;) {
		const struct leaf *leaf = leaf_at(look, c->input + done);

		if (leaf == NULL || leaf->out + (c->input + done - leaf->va) != c->output + done) {
			if (oracle.losses && all_pinned(c->output, c->size))
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

static bool is_dma_tag(bool stage1, u16 vmid, u16 asid)
{
	if (iommu_common.stage2)
		return !stage1 && vmid == vm_primary->dma_tag.vmid;
	return stage1 && asid == vm_primary->dma_tag.asid;
}

static void cached_seen(void *ctx UNUSED, const struct smmu_cached *c)
{
	const struct domain_look *look;

	if (is_dma_tag(c->stage1, c->vmid, c->asid)) {
		cached_of_dma(c);
		return;
	}
	look = domain_of_tag(c->stage1, c->vmid, c->asid);
	if (look != NULL)
		cached_of_domain(look, c);
	else if (!oracle.losses || !all_pinned(c->output, c->size))
		violated("V3: a cache holds %#llx under VMID %u ASID %u, which is nobody's tag",
			 ull(c->input), c->vmid, c->asid);
}

/* A table that a walker may go on from must be what it was, or nothing at all yet. */
static void cached_table_seen(void *ctx UNUSED, const struct smmu_cached_table *c)
{
	bool dma = is_dma_tag(c->stage1, c->vmid, c->asid);
	const struct domain_look *look = dma ? NULL : domain_of_tag(c->stage1, c->vmid, c->asid);
	u32 i = page_index(c->table);
	const struct place *place;

	if (i == ~0u || !page_is_ours(c->table)) {
		violated("V3: a walker may still read %#llx, which is free or not ours",
			 ull(c->table));
		return;
	}
	place = dma ? &oracle.dma_place[i] : &oracle.place[i];
	if (place->kind == (dma ? PLACE_DMA : PLACE_DOMAIN) && place->input == c->input &&
	    place->level == c->level + 1 &&
	    (dma || (look != NULL && place->owner == domain_number(look->d))))
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
	FOR_EACH_VM(vm)
	if (vmid == vm->dma_tag.vmid || vmid == vm->paging_vmid)
		return true;
	return domain_of_tag(false, vmid, 0) != NULL;
}

static bool command_is_ours(const struct iommu *iommu, const struct smmu_cmd *cmd)
{
	u16 vmid = (u16)(cmd->word[0] >> 32);
	u32 stream = (u32)(cmd->word[0] >> 32);

	switch (cmd->word[0] & 0xff) {
	case 0x46:
		return true;
	case 0x03:
	case 0x05:
	case 0x06:
	case 0x40:
		return endpoint_find(iommu, sid(stream)) != NULL;
	case 0x10:
	case 0x11:
	case 0x12:
	case 0x13:
	case 0x28:
	case 0x2a:
		return vmid_known(vmid);
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

static void stream_state(void *ctx UNUSED, u32 sid_value, const struct smmu_stream *s)
{
	state_add(&oracle.now, sid_value | (u64)s->stage1 << 32 | (u64)s->stage2 << 33 |
				       (u64)(s->event == SMMU_OK) << 34);
	state_add(&oracle.now, s->root | s->asid);
	state_add(&oracle.now, s->vmid);
}

bool look_at_hardware(void)
{
	look_at_views();
	look_at_reach();
	look_at_streams();
	look_at_caches();
	look_at_commands();
	state_section(&oracle.now, "streams");
	for (u32 i = 0; i < oracle.smmu_count; i++)
		smmu_for_each_stream(oracle.smmu[i], stream_state, NULL);
	return oracle.why[0] == '\0';
}
