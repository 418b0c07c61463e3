/* SPDX-License-Identifier: BSD-2-Clause */
#include "play_private.h"

#include <stddef.h>

#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "abi/status.h"
#include "abi/vmm.h"

#define PAGE_BYTES  PLAY_PAGE_BYTES
#define BLOCK_BYTES PLAY_BLOCK_BYTES
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define READ_WRITE  (PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE)

static uint64_t some(struct play *p, uint64_t limit) { return play_below(p, limit); }

static uint64_t page_at(const struct play *p, uint64_t n) { return p->pages + n * PAGE_BYTES; }

static uint64_t some_page(struct play *p)
{
	switch (some(p, 8)) {
	case 0:
		return p->pages + some(p, PLAY_BLOCKS) * BLOCK_BYTES;
	case 1:
		return p->any + some(p, p->any_pages) * PAGE_BYTES;
	case 2:
		return p->bar[some(p, p->device_count)];
	default:
		return page_at(p, some(p, PLAY_PAGES));
	}
}

static uint64_t some_ipa(struct play *p)
{
	uint64_t block;

	if (some(p, 30) == 0)
		return some(p, 1ull << 36) * PAGE_BYTES;
	block = some(p, 4);
	return p->at + block * BLOCK_BYTES + (some(p, 4) == 0 ? 0 : some(p, 200) * PAGE_BYTES);
}

/* Mostly one that the owner has, from some place on: calls that are refused are quickly found by chance. */
static bool owned_page(struct play *p, uint32_t who, uint64_t *n)
{
	uint64_t start = some(p, 4) == 0 ? some(p, 5) * 512 : some(p, PLAY_PAGES);

	for (uint64_t i = 0; i < PLAY_PAGES; i++) {
		*n = (start + i) % PLAY_PAGES;
		if (play_owns(p, who, *n))
			return true;
	}
	return false;
}

static uint64_t page_of_primary(struct play *p)
{
	uint64_t n;

	if (some(p, 6) == 0)
		return some_page(p);
	return owned_page(p, PLAY_PRIMARY, &n) ? page_at(p, n) : some_page(p);
}

/* The same by a secondary's addresses. */
static uint64_t ipa_of(struct play *p, uint32_t who)
{
	uint64_t n;
	bool owned = owned_page(p, who, &n);

	return some(p, 6) == 0 || !owned ? some_ipa(p) : play_ipa_of(p, who, n);
}

uint64_t play_some_own(struct play *p, uint32_t who) { return who == PLAY_PRIMARY ? page_of_primary(p) : ipa_of(p, who); }

static uint64_t some_pages(struct play *p)
{
	switch (some(p, 6)) {
	case 0:
		return 512;
	case 1:
		return 1 + some(p, 40);
	default:
		return 1 + some(p, 4);
	}
}

/* As the primary knows them: stale ones and wrong ones too. */
static uint32_t some_vm(struct play *p, uint32_t *index)
{
	*index = (uint32_t)some(p, PLAY_VMS);
	return some(p, 40) == 0 ? (uint32_t)some(p, 1000) : p->vm[*index];
}

/* Registers beyond `count` are poison. */
static struct play_answer make(struct play *p, enum play_kind kind, uint32_t who, uint32_t count, const uint64_t *r)
{
	struct play_call call = { .kind = kind, .who = who };

	for (uint32_t i = 0; i < COUNT_OF(call.r); i++)
		call.r[i] = i < count ? r[i] : PLAY_POISON;
	return play_make(p, &call);
}
#define REGISTERS(...) \
	COUNT_OF(((uint64_t[]){ __VA_ARGS__ })), (const uint64_t[]) { __VA_ARGS__ }
#define PRIMARY(p, kind, ...) make(p, kind, PLAY_PRIMARY, REGISTERS(__VA_ARGS__))

/* --- calls of the primary */

static void create(struct play *p)
{
	uint32_t i = (uint32_t)some(p, PLAY_VMS);
	uint64_t flags = some(p, 2) * PC_VM_OPEN_MMIO + (some(p, 3) == 0) * PC_VM_NESTED, vcpus = 1 + some(p, 2), pool = page_of_primary(p);
	struct play_answer a = PRIMARY(p, PLAY_CREATE, PC_VM_CREATE, flags, vcpus, pool, 30 + some(p, 100)), destroyed;

	if (a.status != PC_SUCCESS)
		return;
	if (play_state_of(p, p->vm[i]) == PLAY_GONE) {
		p->vm[i] = (uint32_t)a.r1;
		for (uint32_t k = 0; k < PLAY_DOMAINS; k++)
			p->domain[i][k] = 0;
		for (uint32_t k = 0; k < PLAY_RINGS; k++)
			p->ring[i][k] = 0;
		return;
	}
	/* One too many; as far as it goes. */
	do {
		destroyed = PRIMARY(p, PLAY_DESTROY, PC_VM_DESTROY, a.r1);
	} while (destroyed.status == PC_SUCCESS && destroyed.r1 != 0);
}

static bool dying(struct play *p, uint32_t i) { return play_state_of(p, p->vm[i]) == PLAY_DYING; }

static bool any_dying(struct play *p)
{
	for (uint32_t k = 0; k < PLAY_VMS; k++)
		if (dying(p, k))
			return true;
	return false;
}

static void destroy(struct play *p)
{
	uint32_t i, handle = some_vm(p, &i);
	struct play_answer a;

	/* A step, or to the end; one that is under way is not left for long. */
	for (uint32_t k = 0; k < PLAY_VMS; k++)
		if (dying(p, k)) {
			i = k;
			handle = p->vm[k];
		}
	do {
		a = PRIMARY(p, PLAY_DESTROY, PC_VM_DESTROY, handle);
		if (a.status != PC_SUCCESS)
			return;
		if (a.r1 == 0 && handle == p->vm[i])
			p->vm[i] = 0;
	} while (a.r1 != 0 && some(p, 12) != 0);
}

static void donate(struct play *p, uint32_t handle)
{
	uint64_t ipa = some_ipa(p), from = page_of_primary(p), pages = some_pages(p);

	PRIMARY(p, PLAY_DONATE, PC_VM_DONATE, handle, ipa, from, pages, some(p, 4));
}

static void assign(struct play *p, uint32_t handle, uint32_t device)
{
	uint64_t vm = some(p, 5) == 0 ? PC_VM_PRIMARY : handle;

	PRIMARY(p, PLAY_ASSIGN, PC_DEV_ASSIGN, device, vm, some(p, 2));
	if (some(p, 2) == 0)
		PRIMARY(p, PLAY_NAME, PC_DEV_SET_END_POINT_VSID, device, 0, device);
}

static void map_mmio(struct play *p, uint32_t device)
{
	uint64_t range = some(p, 2);
	uint64_t at = some(p, 4) == 0 ? some_ipa(p) :
					p->at + (16ull + device) * BLOCK_BYTES + some(p, 2) * 0x4000;

	PRIMARY(p, PLAY_MAP_MMIO, PC_DEV_MAP_MMIO, device, range, at);
}

static void finalise_or_run(struct play *p, uint32_t handle)
{
	if (some(p, 24) == 0)
		PRIMARY(p, PLAY_FINALISE, PC_VM_FINALISE, handle);
	if (!play_exit_ready(p))
		return;
	/* The first run finalises: mostly it is of no VM, then. */
	if (play_state_of(p, handle) == PLAY_BUILDING && some(p, 20) != 0)
		handle = 0;
	PRIMARY(p, PLAY_RUN, PC_VCPU_RUN, handle, some(p, 3), p->exit);
}

static void primary_call(struct play *p)
{
	uint32_t i, handle = some_vm(p, &i), device = (uint32_t)some(p, p->device_count);
	uint64_t first;

	switch (some(p, 12)) {
	case 0 ... 3:
		donate(p, handle);
		break;
	case 4:
		first = page_of_primary(p);
		PRIMARY(p, PLAY_ADD_POOL, PC_VM_ADD_POOL, handle, first, some(p, 10));
		break;
	case 5:
	case 6:
		assign(p, handle, device);
		break;
	case 7:
		first = some(p, 3);
		PRIMARY(p, PLAY_NAME, PC_DEV_SET_END_POINT_VSID, device, first, some(p, 20));
		break;
	case 8:
		PRIMARY(p, PLAY_RELEASE, PC_DEV_RELEASE, device);
		break;
	case 9:
		map_mmio(p, device);
		break;
	case 10:
		first = some(p, 2);
		PRIMARY(p, PLAY_MAP_IRQ, PC_DEV_MAP_IRQ, device, first, 40 + some(p, 3));
		break;
	default:
		finalise_or_run(p, handle);
		break;
	}
}

/* --- calls that both have, and those of secondaries */

struct play_name play_some_name(struct play *p, uint32_t who)
{
	uint32_t start = (uint32_t)some(p, p->device_count);
	struct play_name name = { .pviommu = some(p, 2), .vsid = some(p, 20) };

	if (some(p, 8) != 0)
		play_named(p, who, start, &name);
	return name;
}

struct play_answer play_pv(struct play *p, enum play_kind kind, uint32_t who, uint64_t op, uint64_t r2, uint64_t r3, uint64_t r4,
			   uint64_t r5, uint64_t r6)
{
	return make(p, kind, who, REGISTERS(PC_PVIOMMU_OP, op, r2, r3, r4, r5, r6));
}

static void alloc_or_free(struct play *p, uint32_t who, uint32_t *id, bool alloc)
{
	struct play_answer a;

	if (alloc) {
		if (*id != 0)
			return;
		a = play_pv(p, PLAY_ALLOC, who, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);
		if (a.status == PC_SUCCESS)
			*id = (uint32_t)a.r1;
		return;
	}
	if (some(p, 4) != 0)
		return;
	a = play_pv(p, PLAY_FREE, who, PVIOMMU_FREE_DOMAIN, *id, 0, 0, 0, 0);
	if (a.status == PC_SUCCESS)
		*id = 0;
}

static void iommu_call(struct play *p, uint32_t who)
{
	uint32_t *id = &p->domain[who][some(p, PLAY_DOMAINS)];
	uint64_t iova = some(p, 3) * BLOCK_BYTES + (some(p, 2) == 0 ? 0 : some(p, 20) * PAGE_BYTES);
	uint64_t from = play_some_own(p, who);
	uint64_t bytes = (some(p, 4) == 0 ? 512 : 1 + some(p, 3)) * PAGE_BYTES;
	struct play_name name = play_some_name(p, who);
	uint64_t prot = some(p, 8) == 0 ? PVIOMMU_PROT_MMIO | PVIOMMU_PROT_READ :
			some(p, 4) == 0 ? PVIOMMU_PROT_READ :
					  READ_WRITE;
	uint64_t op = some(p, 10);

	switch (op) {
	case 0 ... 1:
		alloc_or_free(p, who, id, op == 0);
		break;
	case 2 ... 4:
		play_pv(p, PLAY_MAP, who, PVIOMMU_MAP_PAGES, *id, iova, from, bytes, prot);
		break;
	case 5 ... 6:
		play_pv(p, PLAY_UNMAP, who, PVIOMMU_UNMAP_PAGES, *id, iova, bytes, 0, 0);
		break;
	case 7 ... 8:
		play_pv(p, PLAY_ATTACH, who, PVIOMMU_ATTACH_DEV, name.pviommu, name.vsid, 0, *id, 0);
		break;
	default:
		play_pv(p, PLAY_DETACH, who, PVIOMMU_DETACH_DEV, name.pviommu, name.vsid, 0, name.domain != 0 ? name.domain : *id, 0);
		break;
	}
}

bool play_can_call(struct play *p, uint32_t i)
{
	enum play_state state = play_state_of(p, p->vm[i]);

	return state == PLAY_BUILDING || state == PLAY_RUNNING;
}

static void secondary_call(struct play *p)
{
	uint32_t i = (uint32_t)some(p, PLAY_VMS);
	struct play_name name;
	uint64_t at, function;

	/* It runs while nobody takes it apart. */
	if (!play_can_call(p, i))
		return;
	switch (some(p, 8)) {
	case 0:
		at = ipa_of(p, i);
		make(p, PLAY_SHARE, i, REGISTERS(PC_MEM_SHARE, at, some_pages(p), 0));
		break;
	case 1:
		at = ipa_of(p, i);
		make(p, PLAY_UNSHARE, i, REGISTERS(PC_MEM_UNSHARE, at, some_pages(p), 0));
		break;
	case 2:
		make(p, PLAY_RELINQUISH, i, REGISTERS(PC_MEM_RELINQUISH, ipa_of(p, i), 0, 0));
		break;
	case 3:
		function = some(p, 2) == 0 ? PC_MMIO_RGUARD_MAP : PC_MMIO_RGUARD_UNMAP;
		at = some_ipa(p);
		make(p, PLAY_GUARD, i, REGISTERS(function, at, some(p, 10)));
		break;
	case 4:
		name = play_some_name(p, i);
		make(p, PLAY_RESET, i, REGISTERS(PC_DEV_RESET, name.pviommu, name.vsid));
		break;
	default:
		iommu_call(p, i);
		break;
	}
}

void play_some_call(struct play *p)
{
	uint32_t cpu = (uint32_t)some(p, 2);

	play_setting(p, cpu, some(p, 6) == 0 ? 2 : 0);
	switch (some(p, 32)) {
	case 0:
		create(p);
		break;
	case 1:
		if (some(p, 4) == 0 || any_dying(p))
			destroy(p);
		break;
	case 2 ... 12:
		primary_call(p);
		break;
	case 13 ... 15:
		iommu_call(p, PLAY_PRIMARY);
		break;
	default:
		secondary_call(p);
		break;
	}
}

/* --- rings of events */

static uint32_t some_record_bytes(struct play *p)
{
	static const uint8_t bytes[] = { PVIOMMU_RECORD_SHORT, PVIOMMU_RECORD_LONG, PVIOMMU_RECORD_FULL };

	return some(p, 16) == 0 ? (uint32_t)some(p, 256) : bytes[some(p, COUNT_OF(bytes))];
}

static void ring_open(struct play *p, uint32_t who, uint64_t pviommu)
{
	uint64_t at = play_some_own(p, who);
	/* Small ones, so that they are full, and of one page, so that all of it is often the owner's. */
	uint64_t log2 = some(p, 4) == 0 ? some(p, 14) : some(p, 6);
	uint64_t irq = some(p, 3) == 0 ? 0 : who == PLAY_PRIMARY ? p->event_irq :
								   36 + some(p, 8);
	uint64_t flags = PVIOMMU_EVENTS_RECORD(some_record_bytes(p)) | (some(p, 32) == 0 ? some(p, 256) : 0);

	if (play_pv(p, PLAY_EVENTS, who, PVIOMMU_EVENTS_SETUP, pviommu, at, log2, irq, flags).status == PC_SUCCESS &&
	    pviommu < PLAY_RINGS)
		p->ring[who][pviommu] = at;
}

/* All that it reads, some, none, or what cannot be. */
static void ring_forge(struct play *p, uint32_t who, uint64_t pviommu)
{
	uint64_t at = pviommu < PLAY_RINGS ? p->ring[who][pviommu] : 0;

	if (at == 0)
		return;
	if (some(p, 4) == 0)
		play_own_word(p, who, at + offsetof(struct pviommu_ring, mask_irq), (uint32_t)some(p, 2));
	else
		play_own_word(p, who, at + offsetof(struct pviommu_ring, consumer),
			      (uint32_t)(some(p, 3) == 0 ? some(p, ~0ull) : some(p, 64)));
}

void play_some_events(struct play *p)
{
	uint32_t who = some(p, 2) == 0 ? PLAY_PRIMARY : (uint32_t)some(p, PLAY_VMS);
	uint64_t pviommu = some(p, 32) == 0 ? some(p, 16) : some(p, PLAY_RINGS);

	if (who != PLAY_PRIMARY && !play_can_call(p, who))
		who = PLAY_PRIMARY;
	switch (some(p, 8)) {
	case 0:
		play_pv(p, PLAY_EVENTS, who, PVIOMMU_EVENTS_SETUP, pviommu, 0, 0, 0, 0);
		break;
	case 1 ... 4:
		ring_forge(p, who, pviommu);
		break;
	default:
		ring_open(p, who, pviommu);
		break;
	}
}

/* --- raw calls */

uint64_t play_some_word(struct play *p)
{
	switch (some(p, 4)) {
	case 0:
		return some(p, 256);
	case 1:
		return 1ull << some(p, 64);
	case 2:
		return (1ull << some(p, 64)) - 1;
	default:
		return some(p, ~0ull);
	}
}

static uint64_t some_register(struct play *p)
{
	uint64_t first;

	switch (some(p, 10)) {
	case 0:
	case 1:
		return play_some_word(p);
	case 2:
		return page_at(p, some(p, PLAY_PAGES));
	case 3:
		first = some(p, PLAY_BLOCKS);
		return p->pages + first * BLOCK_BYTES + some(p, 3) * 8;
	case 4:
		first = some(p, 4);
		return p->at + first * BLOCK_BYTES + some(p, 200) * PAGE_BYTES;
	case 5:
		return p->vm[some(p, PLAY_VMS)];
	case 6:
		return p->bar[some(p, p->device_count)];
	case 7:
		return some(p, 20) * PAGE_BYTES;
	default:
		return some(p, 12);
	}
}

static uint64_t some_function(struct play *p)
{
	static const uint16_t numbers[] = {
		0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 61, 62, 62, 62, 63, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x107,
		0x108, 0x110, 0x111, 0x112, 0x113, 0x114, 0x115, 0x116, 0x117, 0x118, 0x119, 0x180, 0x181, 0x182
	};
	uint64_t pick = some(p, 64);

	if (pick < COUNT_OF(numbers))
		return PC_FN(numbers[pick]);
	return pick == 62 ? play_some_word(p) : pick == 63 ? PC_FN((uint32_t)some(p, 0x200)) :
							     PC_PVIOMMU_OP;
}

void play_some_raw_call(struct play *p)
{
	struct play_call call = { .kind = PLAY_RAW, .who = (uint32_t)some(p, PLAY_VMS + 1) };

	if (call.who < PLAY_VMS && !play_can_call(p, call.who))
		call.who = PLAY_PRIMARY;
	call.r[0] = some_function(p);
	call.r[1] = (uint32_t)call.r[0] == PC_PVIOMMU_OP && some(p, 16) != 0 ? some(p, PVIOMMU_OP_COUNT) : some_register(p);
	for (uint32_t i = 2; i < COUNT_OF(call.r); i++)
		call.r[i] = some_register(p);
	play_make(p, &call);
}

/* What lists and descriptors are read from. */
void play_some_words(struct play *p)
{
	uint64_t n = some(p, PLAY_PAGES), offset = some(p, 16) * 8, value;

	for (uint64_t left = some(p, 8); left > 0; left--, offset += 8) {
		value = some_register(p);
		if (some(p, 2) == 0)
			value = value << 32 | (uint32_t)some_register(p);
		play_word(p, n, offset, value);
	}
}

/* --- DMA */

void play_some_dma(struct play *p)
{
	uint32_t device = (uint32_t)some(p, p->device_count), endpoint = (uint32_t)some(p, p->endpoints[device]);
	uint64_t at, block;

	if (play_unassigned(p, device)) {
		at = page_of_primary(p);
	} else {
		block = some(p, 3);
		at = block * BLOCK_BYTES + some(p, 20) * PAGE_BYTES;
	}
	if (some(p, 2) == 0)
		play_dma(p, device, endpoint, at, false);
	else
		play_dma(p, device, endpoint, at + 8 * some(p, 500), true);
}

void play_action(struct play *p)
{
	uint32_t kind = (uint32_t)some(p, 32);

	switch (kind) {
	case 0 ... 14:
		play_some_call(p);
		break;
	case 15 ... 18:
		play_some_dma(p);
		break;
	case 19 ... 20:
		play_some_raw_call(p);
		break;
	case 21:
		play_some_nested(p);
		break;
	case 22:
		play_some_events(p);
		break;
	case 23:
		play_some_words(p);
		break;
	default:
		play_hardware(p, kind);
		break;
	}
}
