/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal of ownership, for an oracle outside the machine: every change of who owns what is a 64-bit store to a
 * register of the first SMMU that nothing implements (IHI 0070 6.1: 0xe00 to 0xeff are the implementer's own). QEMU
 * traces it in one stream with its own translations and commands, and in the order of the machine, since all of these
 * happen under QEMU's one lock. scripts/lib/trace_journal.py reads the records.
 *
 * Linked around the image's own objects, which are the same as without it (--wrap, trace.mk). What is given is noted
 * before it is, what is taken after it was: in between both are right. One store a record, so no lock.
 */
#include <stddef.h>

#include "arch/arm64/smmuv3/smmuv3.h"
#include "hyp/check.h"
#include "iommu/attach.h"
#include "iommu/device.h"
#include "iommu/device_priv.h"
#include "iommu/iommu.h"
#include "mem/page.h"
#include "pviommu/pviommu.h"
#include "pviommu/ring.h"
#include "vm/view.h"
#include "vm/vm.h"

enum record {
	RECORD_START = 0xe00,   /* stage 1: bit 0; stage 2: bit 1; IOMMUs: 15:8 */
	RECORD_PAGES = 0xe08,   /* frame 31:0, count 47:32, owner 55:48, state 63:56 */
	RECORD_PIN = 0xe10,     /* frame 31:0, count 47:32, enum pin 50:48, to be written 51 */
	RECORD_STREAM = 0xe18,  /* struct binding below */
	RECORD_CONTEXT = 0xe20, /* the same: what a context descriptor says */
	RECORD_TAG = 0xe28,     /* id 15:0, VMID of an ASID 31:16, is an ASID 32, taken 33 */
	RECORD_MMIO = 0xe30,    /* frame 31:0, count 47:32, owner 55:48 */
	RECORD_NAME = 0xe38,    /* NAME_* below */
	RECORD_TOLD = 0xe40,    /* TOLD_* below: an event in a ring */
};

enum pin { PIN_ADD,
	   PIN_DROP,
	   PIN_BLOCK_ADD,
	   PIN_BLOCK_DROP,
	   PIN_CONVERT };

#define COUNT_MAX 0xffffull
#define PIN_WRITE BIT(3) /* beside enum pin */

/* RECORD_STREAM, RECORD_CONTEXT */
#define BIND_SID    BITS(15, 0)
#define BIND_VMID   BITS(31, 16)
#define BIND_ASID   BITS(47, 32)
#define BIND_OWNER  BITS(54, 48)
#define BIND_MODE   BITS(56, 55) /* enum stream_mode; a context: 1 set, 0 cleared */
#define BIND_PAGING BIT(57)      /* a paging domain's, not the VM's own table */
#define BIND_LIVE   BIT(58)      /* a context that the stream translates by now */
#define BIND_DONE   BIT(59)      /* the change is complete; clear: it begins */
#define BIND_IOMMU  BITS(62, 60)
#define BIND_NESTED BIT(63)      /* behind a first stage that is the owner's own */

#define NAME_SID     BITS(15, 0)
#define NAME_VSID    BITS(47, 16)
#define NAME_OWNER   BITS(54, 48)
#define NAME_PVIOMMU BITS(58, 55)
#define NAME_GIVEN   BIT(59)
#define TOLD_VSID    BITS(31, 0)
#define TOLD_OWNER   BITS(38, 32)
#define TOLD_PVIOMMU BITS(42, 39)
#define TOLD_KIND    BITS(45, 43)
#define TOLD_CODE    BITS(53, 46)

static void note(enum record record, u64 value)
{
	if (machine->iommu_count > 0)
		io_write64(value, smmuv3_regs_at(&machine->iommu[0]) + record);
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
#define WRAP(type, name, ...)            \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

/* --- pages */

static void note_run(enum record record, u64 base, u64 pages, u64 rest)
{
	for (u64 frame = base >> PAGE_SHIFT; pages > 0;) {
		u64 n = pages < COUNT_MAX ? pages : COUNT_MAX;

		note(record, frame | n << 32 | rest << 48);
		frame += n;
		pages -= n;
	}
}

static void note_pages(u64 base, u64 pages, u8 owner, u8 state)
{
	note_run(RECORD_PAGES, base, pages, owner | (u64)state << 8);
}

/* The address whose record this is. */
static u64 address_of(const struct page *page)
{
	for (u32 i = 0; i < machine->ram_count; i++) {
		const struct range *ram = &machine->ram[i];
		const struct page *first = page_of(pa(ram->base));

		if (page >= first && page < first + (ram->size >> PAGE_SHIFT))
			return ram->base + ((u64)(page - first) << PAGE_SHIFT);
	}
	panic("a record of no page");
}

WRAP(void, page_init, const struct machine *m)
{
	__real_page_init(m);
	for (u32 i = 0; i < m->ram_count; i++) {
		u64 end = m->ram[i].base + m->ram[i].size;

		for (u64 at = m->ram[i].base, stop; at < end; at = stop) {
			u8 owner = page_of(pa(at))->owner;

			stop = page_run_end(pa(at), end, owner);
			note_pages(at, (stop - at) >> PAGE_SHIFT, owner, PAGE_OWNED);
		}
	}
}

WRAP(void, page_set, struct page *page, u8 owner, u8 state)
{
	__real_page_set(page, owner, state);
	note_pages(address_of(page), 1, owner, state);
}

WRAP(void, page_set_run, pa_t base, u8 owner, u8 state)
{
	__real_page_set_run(base, owner, state);
	note_pages(base.v, BLOCK_PAGES, owner, state);
}

WRAP(void, page_set_span, pa_t base, u64 pages, u8 owner, u8 state)
{
	__real_page_set_span(base, pages, owner, state);
	note_pages(base.v, pages, owner, state);
}

/* --- pins: there before a mapping is, gone after it and what caches held of it */

static void note_pins(pa_t base, u64 pages, u64 kind)
{
	note_run(RECORD_PIN, base.v, pages, kind);
}

WRAP(enum status, page_pin, pa_t base, u64 pages, u8 owner, bool write)
{
	enum status status = __real_page_pin(base, pages, owner, write);

	if (status == OK)
		note_pins(base, pages, PIN_ADD | (write ? PIN_WRITE : 0));
	return status;
}

WRAP(void, page_unpin, pa_t base, u64 pages)
{
	__real_page_unpin(base, pages);
	note_pins(base, pages, PIN_DROP);
}

WRAP(enum status, page_pin_block, pa_t base, u8 owner, bool write)
{
	enum status status = __real_page_pin_block(base, owner, write);

	if (status == OK)
		note_pins(base, BLOCK_PAGES, PIN_BLOCK_ADD | (write ? PIN_WRITE : 0));
	return status;
}

WRAP(void, page_unpin_block, pa_t base)
{
	__real_page_unpin_block(base);
	note_pins(base, BLOCK_PAGES, PIN_BLOCK_DROP);
}

WRAP(enum status, page_pin_blocks, pa_t base, u64 count, u8 owner, bool write)
{
	enum status status = __real_page_pin_blocks(base, count, owner, write);

	for (u64 i = 0; status == OK && i < count; i++)
		note_pins(pa(base.v + i * BLOCK_SIZE), BLOCK_PAGES, PIN_BLOCK_ADD | (write ? PIN_WRITE : 0));
	return status;
}

WRAP(void, page_unpin_blocks, pa_t base, u64 count)
{
	__real_page_unpin_blocks(base, count);
	for (u64 i = 0; i < count; i++)
		note_pins(pa(base.v + i * BLOCK_SIZE), BLOCK_PAGES, PIN_BLOCK_DROP);
}

WRAP(enum status, page_pin_convert, pa_t base)
{
	enum status status = __real_page_pin_convert(base);

	if (status == OK)
		note_pins(base, BLOCK_PAGES, PIN_CONVERT);
	return status;
}

WRAP(enum status, device_mmio_pin, const struct vm *vm, pa_t base, u64 size)
{
	enum status status = __real_device_mmio_pin(vm, base, size);

	if (status == OK)
		note_pins(base, size >> PAGE_SHIFT, PIN_ADD | PIN_WRITE);
	return status;
}

WRAP(void, device_mmio_unpin, pa_t base, u64 size)
{
	__real_device_mmio_unpin(base, size);
	note_pins(base, size >> PAGE_SHIFT, PIN_DROP);
}

/* --- registers of devices */

static void note_mmio(struct range mmio, u8 owner)
{
	note_run(RECORD_MMIO, mmio.base, align_up(mmio.size, PAGE_SIZE) >> PAGE_SHIFT, owner);
}

WRAP(void, vm_primary_add_mmio, struct range mmio)
{
	note_mmio(mmio, OWNER_VM);
	__real_vm_primary_add_mmio(mmio);
}

/* The device with these registers, NULL: it is memory, or nobody's. */
static const struct device *device_at(u64 base)
{
	u32 range;

	return page_find(pa(base)) == NULL ? device_of_mmio(NULL, pa(base), PAGE_SIZE, &range) : NULL;
}

/* Registers leave the primary, and come back to it, part by part. */
WRAP(enum status, view_remove, struct vm *vm, ipa_t at, u64 size)
{
	enum status status = __real_view_remove(vm, at, size);
	const struct device *d = vm->primary ? device_at(at.v) : NULL;

	if (status == OK && d != NULL)
		note_mmio((struct range){ at.v, size }, d->vm->owner);
	return status;
}

WRAP(enum status, view_add, struct vm *vm, ipa_t at, pa_t out, u64 size, u32 cpu, u32 dma)
{
	if (vm->primary && device_at(out.v) != NULL)
		note_mmio((struct range){ out.v, size }, OWNER_VM);
	return __real_view_add(vm, at, out, size, cpu, dma);
}

/* --- streams and tags */

static const struct vm *owner_of(const struct iommu *iommu, sid_t stream)
{
	const struct endpoint *e = endpoint_find(iommu, stream);

	if (e == NULL)
		panic("a stream of no device");
	return device_is_named(e->device) ? vm_primary : e->device->vm;
}

static u64 binding(const struct iommu *iommu, sid_t stream, const struct iommu_tag *tag)
{
	const struct vm *vm = owner_of(iommu, stream);
	u64 value = FIELD(BIND_SID, stream.v) | FIELD(BIND_OWNER, vm->owner) | FIELD(BIND_IOMMU, iommu->index);

	if (tag == NULL)
		return value;
	value |= FIELD(BIND_VMID, tag->vmid) | FIELD(BIND_ASID, tag->asid);
	return tag == &vm->dma_tag ? value : value | BIND_PAGING;
}

WRAP(enum status, smmuv3_stream_write, struct iommu *iommu, sid_t stream, const struct stream_config *config)
{
	u64 value = binding(iommu, stream, config->table != NULL ? config->table->tag : NULL);
	enum status status;

	if (config->mode == STREAM_STAGE1)
		value |= FIELD(BIND_VMID, config->vmid);
	/* What the owner's own first stage makes of it ends in the table that is given here. */
	if (config->mode == STREAM_NESTED)
		value |= BIND_NESTED | FIELD(BIND_MODE, STREAM_STAGE2);
	else
		value |= FIELD(BIND_MODE, config->mode);
	note(RECORD_STREAM, value);
	status = __real_smmuv3_stream_write(iommu, stream, config);
	if (status == OK)
		note(RECORD_STREAM, value | BIND_DONE);
	return status;
}

WRAP(enum status, smmuv3_ctx_write, struct iommu *iommu, sid_t stream, const struct stream_ctx *ctx, u32 pasid,
     const struct iommu_table *table, bool live)
{
	u64 value = binding(iommu, stream, table != NULL ? table->tag : NULL);
	enum status status;

	value |= FIELD(BIND_MODE, table != NULL) | (live ? BIND_LIVE : 0);
	note(RECORD_CONTEXT, value);
	status = __real_smmuv3_ctx_write(iommu, stream, ctx, pasid, table, live);
	if (status == OK)
		note(RECORD_CONTEXT, value | BIND_DONE);
	return status;
}

/* Whoever leaves a stream behind says that it is blocked. */
WRAP(void, attach_forget, struct vm *vm, struct endpoint *e, bool blocked)
{
	if (blocked)
		note(RECORD_STREAM, binding(e->iommu, e->sid, NULL) | BIND_DONE);
	__real_attach_forget(vm, e, blocked);
}

/* --- names, and what is told of them */

static u64 name(const struct vm *vm, const struct endpoint *e, u32 vsid_value)
{
	return FIELD(NAME_SID, e->sid.v) | FIELD(NAME_VSID, vsid_value) | FIELD(NAME_OWNER, vm->owner) |
	       FIELD(NAME_PVIOMMU, e->device->pviommu->id);
}

WRAP(void, endpoint_set_vsid, struct vm *vm, struct endpoint *e, u32 vsid_value)
{
	note(RECORD_NAME, name(vm, e, vsid_value) | NAME_GIVEN);
	__real_endpoint_set_vsid(vm, e, vsid_value);
}

WRAP(void, endpoint_clear_vsid, struct vm *vm, struct endpoint *e)
{
	bool named = e->has_vsid;
	u32 vsid_value = e->vsid.v;

	__real_endpoint_clear_vsid(vm, e);
	if (named)
		note(RECORD_NAME, name(vm, e, vsid_value));
}

/* After it is there; what a full ring has no place for is told to nobody. */
WRAP(bool, ring_put, struct event_ring *r, struct pviommu_event *event)
{
	const struct pviommu *pv = (const struct pviommu *)((const char *)r - offsetof(struct pviommu, ring));
	u32 before = r->producer;
	bool due = __real_ring_put(r, event);

	if (r->producer != before)
		note(RECORD_TOLD, FIELD(TOLD_VSID, event->endpoint) | FIELD(TOLD_OWNER, pv->vm->owner) |
					  FIELD(TOLD_PVIOMMU, pv->id) | FIELD(TOLD_KIND, event->kind) |
					  FIELD(TOLD_CODE, event->code));
	return due;
}

/* Whose ids a map holds: VMIDs of the machine, or ASIDs of the machine or of one VMID. */
static u64 scope_of(const struct idmap *map)
{
	if (map == &iommu_vmids)
		return 0;
	for (u32 i = 0; vm_at(i) != NULL; i++)
		if (map == &vm_at(i)->own_asids)
			return BIT(32) | (u64)vm_at(i)->paging_vmid << 16;
	return BIT(32);
}

WRAP(enum status, iommu_id_alloc, struct idmap *map, u16 *id)
{
	enum status status = __real_iommu_id_alloc(map, id);

	if (status == OK)
		note(RECORD_TAG, *id | scope_of(map) | BIT(33));
	return status;
}

/* Before: from here on it can be anybody's. */
WRAP(void, iommu_id_free, struct idmap *map, u16 id)
{
	note(RECORD_TAG, id | scope_of(map));
	__real_iommu_id_free(map, id);
}

WRAP(bool, iommu_start, const struct machine *m, const char **why)
{
	bool started = __real_iommu_start(m, why);

	if (started)
		note(RECORD_START, (u64)iommu_common.stage1 | (u64)iommu_common.stage2 << 1 | (u64)iommu_count << 8);
	return started;
}
/* NOLINTEND(bugprone-reserved-identifier) */
