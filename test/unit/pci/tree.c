/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree itself: routing, registers, the devices that have behaviour. */
#include "tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECOND_ECAM 0x5000000000ull

struct tree_fn tree[TREE_MAX];
u32 tree_count;
struct tree_fault tree_fault;
struct tree_write tree_writes[TREE_WRITES];
u32 tree_write_count;
u64 tree_reads;
u32 tree_strays, tree_conflicts, tree_masters;
struct vm tree_primary, tree_other;

static struct device devices[64];
static u32 device_used;

/* --- routing */

static u32 secondary(const struct tree_fn *f)
{
	return f->reg[0x18 / 4] >> 8 & 255;
}

static u32 subordinate(const struct tree_fn *f)
{
	return f->reg[0x18 / 4] >> 16 & 255;
}

/* The root bus that gets configuration accesses for `bus`: the last one at or before it. */
static u32 root_bus(u32 host, u32 bus)
{
	u32 best = ~0u;

	for (u32 i = 0; i < tree_count; i++)
		if (tree[i].host == host && tree[i].parent == TREE_ROOT && tree[i].bus <= bus &&
		    (best == ~0u || tree[i].bus > best))
			best = tree[i].bus;
	return best;
}

/* Does a configuration access for `bus` come to f's bus? */
static bool reaches(const struct tree_fn *f, u32 bus)
{
	const struct tree_fn *b;

	if (f->parent == TREE_ROOT)
		return f->bus == bus;
	b = &tree[f->parent];
	if (secondary(b) != bus || b->held)
		return false;
	while (b->parent != TREE_ROOT) {
		b = &tree[b->parent];
		if (bus <= secondary(b) || bus > subordinate(b))
			return false;
	}
	return b->bus != bus && root_bus(f->host, bus) == b->bus;
}

static struct tree_fn *find(u32 host, u32 bus, u32 devfn)
{
	struct tree_fn *found = NULL;

	for (u32 i = 0; i < tree_count; i++) {
		if (tree[i].host != host || tree[i].devfn != devfn || !reaches(&tree[i], bus))
			continue;
		if (found != NULL)
			tree_conflicts++;
		found = &tree[i];
	}
	return found;
}

static bool silent(const struct tree_fn *f)
{
	return f->held || fake_time_now() < f->silent_until;
}

/* Behind a look at it: the same answer. */
static bool away(struct tree_fn *f, bool waits)
{
	if (waits) {
		fake_time_advance(f->away_us);
		f->away_us = 0;
	}
	return waits;
}

/* --- behaviour behind registers */

static void function_reset(struct tree_fn *f)
{
	memcpy(f->reg, f->initial, sizeof(f->reg));
	f->resets++;
	f->silent_until = fake_time_now() + f->reset_us;
}

static u32 virtio_read(struct tree_fn *f)
{
	u32 at = f->access_at, offset = f->reg[at / 4 + 2];
	u32 length = f->reg[at / 4 + 3];

	if (length != 1 && length != 4)
		return 0;
	if (offset == 0x1000 && length == 4)
		return f->feature_word;
	if (offset == 0x1004 && length == 4 && f->feature_word < 2)
		return f->features[f->feature_word];
	if (offset == 0x1014 && length == 1) {
		if (f->status_polls > 0 && f->status_polls-- > 0)
			return f->status | 0x40;
		return f->status;
	}
	return 0;
}

static void virtio_write(struct tree_fn *f, u32 value)
{
	u32 at = f->access_at, offset = f->reg[at / 4 + 2];
	u32 length = f->reg[at / 4 + 3];

	/* QEMU's model does not survive this. */
	if (f->reg[1] & 2)
		f->odd_writes++;
	if (offset == 0x1000 && length == 4)
		f->feature_word = value;
	else if (offset == 0x1014 && length == 1)
		f->status = value & 255;
	else
		f->odd_writes++;
}

static u32 mood_read(struct tree_fn *f, u32 offset, u32 value)
{
	const enum tree_mood mood = f->mood;

	if (f->good_reads > 0) {
		f->good_reads--;
		return value;
	}
	if (f->bad_reads > 0 && --f->bad_reads == 0)
		f->mood = MOOD_GOOD;
	switch (mood) {
	case MOOD_ONES:
		return offset == 0 ? value : 0xffffffff;
	case MOOD_GARBAGE:
		return offset < 0x34 ? value : (u32)fake_random();
	case MOOD_CHAOS:
		return fake_random_below(4) ? (u32)fake_random() : value;
	case MOOD_GOOD:
	case MOOD_STUCK_BAR:
	case MOOD_DEAF:
		break;
	}
	return value;
}

/* Has it come to the access that fails? */
static bool fails(const struct tree_fn *f, u32 *nth)
{
	const u32 fn = (u32)(f - tree);

	if (*nth > 0 && --*nth == 0) {
		tree_fault.hit = true;
		tree_fault.fn = fn;
		return true;
	}
	return tree_fault.hit && tree_fault.for_ever && tree_fault.fn == fn;
}

static u32 config_read(struct tree_fn *f, u32 offset)
{
	if (away(f, silent(f)) || fails(f, &tree_fault.read_nth))
		return 0xffffffff;
	if (offset == 0 && f->swap_at > 0 && --f->swap_at == 0)
		f->reg[0] = f->swap_id;
	if (f->access_at != 0 && offset == f->access_at + 16)
		return virtio_read(f);
	return mood_read(f, offset, f->reg[offset / 4]);
}

static void start_resets(struct tree_fn *f, u32 offset, u32 value)
{
	if (f->flr_at != 0 && offset == f->flr_at + 8 && value & 0x8000)
		function_reset(f);
	if (f->af_at != 0 && offset == f->af_at + 4 && value & 1)
		function_reset(f);
}

static void bus_reset(const struct tree_fn *bridge, bool hold)
{
	for (u32 i = 0; i < tree_count; i++) {
		if (tree[i].parent != (u32)(bridge - tree))
			continue;
		if (tree[i].held && !hold)
			function_reset(&tree[i]);
		tree[i].held = hold;
	}
}

static void config_write(struct tree_fn *f, u32 offset, u32 value)
{
	u32 *reg = &f->reg[offset / 4], old = *reg;
	u32 writable = f->writable[offset / 4];

	if (tree_write_count == TREE_WRITES)
		suite_fail("more writes than the log holds");
	tree_writes[tree_write_count++] =
		(struct tree_write){ (u32)(f - tree), offset, value, old };
	if (silent(f) || (fails(f, &tree_fault.write_nth) && !tree_fault.takes))
		return;
	if (f->mood == MOOD_DEAF && offset >= 0x18 && offset < 0x30)
		return;
	if (f->mood == MOOD_STUCK_BAR && offset >= 0x10 && offset < 0x28 && value != 0xffffffff)
		value = 0;
	if (f->loses_bars && f->resets > 0 && offset >= 0x10 && offset < 0x28)
		value = 0;
	if (offset == 4 && value & 4 && (f->initial[3] >> 16 & 0x7f) == 0)
		tree_masters++;
	*reg = (*reg & ~writable) | (value & writable);
	*reg &= ~(value & f->clear[offset / 4]);
	if (f->access_at != 0 && offset == f->access_at + 16)
		virtio_write(f, value);
	if ((f->initial[3] >> 16 & 0x7f) == 1 && offset == 0x3c)
		bus_reset(f, (value & 0x00400000) != 0);
	start_resets(f, offset, value);
}

struct ecam {
	u32 host;
	u32 first;
};
static struct ecam ecams[2];

static struct tree_fn *at(const struct ecam *e, u64 offset, u32 width)
{
	if (width != 4)
		suite_fail("configuration access of %u bytes", width);
	return find(e->host, (u32)(offset >> 20) + e->first, offset >> 12 & 255);
}

static u64 ecam_read(void *ctx, u64 offset, u32 width)
{
	struct tree_fn *f = at(ctx, offset, width);

	tree_reads++;
	return f == NULL ? 0xffffffff : config_read(f, offset & 0xfff);
}

static void ecam_write(void *ctx, u64 offset, u32 width, u64 value)
{
	struct tree_fn *f = at(ctx, offset, width);

	if (f != NULL)
		config_write(f, offset & 0xfff, (u32)value);
}

/* --- memory: only what test devices need */

static bool bridge_passes(const struct tree_fn *b, u64 addr)
{
	u32 window = b->reg[0x20 / 4];

	return (b->reg[1] & 2) && addr >= (u64)(window & 0xfff0) << 16 &&
	       addr <= ((u64)(window >> 16) << 16 | 0xfffff);
}

static bool decodes(const struct tree_fn *f, u64 addr)
{
	u64 size = (u64)~f->writable[4] + 1;

	if (!(f->reg[1] & 2) || silent(f) || f->writable[4] == 0)
		return false;
	if (addr - (f->reg[4] & ~0xfu) >= size)
		return false;
	while (f->parent != TREE_ROOT) {
		f = &tree[f->parent];
		if (!bridge_passes(f, addr))
			return false;
	}
	return true;
}

static u64 edu_read(struct tree_fn *f, u64 offset)
{
	switch (offset) {
	case 0x24:
		return f->irq;
	case 0x98:
		return away(f, fake_time_now() < f->busy_until) ? 1 : 0;
	default:
		return 0;
	}
}

static void edu_write(struct tree_fn *f, u64 offset, u32 width, u64 value)
{
	if (offset == 0x64)
		f->irq &= ~(u32)value;
	if (offset >= 0x80 && offset < 0xa0 && width == 8)
		f->dma[(offset - 0x80) / 8] = value;
}

static u64 testdev_read(struct tree_fn *f, u64 offset)
{
	if (offset == 0) {
		f->triggers++;
		f->result = f->armed ? (f->reg[1023] ? 0 : 0xdead0001) : 0xdead0005;
		f->dmas += f->armed && f->reg[1023];
		f->armed = f->stubborn && f->armed;
	}
	return offset == 0x10 ? f->result : 0;
}

static void testdev_write(struct tree_fn *f, u64 offset, u64 value)
{
	if (offset == 0x0c)
		f->reg[1023] = (u32)value; /* the length, kept where no test looks */
	if (offset == 0x14 && !f->stubborn)
		f->armed = (value & 1) != 0;
}

static struct tree_fn *target(u64 addr)
{
	for (u32 i = 0; i < tree_count; i++)
		if (tree[i].kind != TREE_PLAIN && decodes(&tree[i], addr))
			return &tree[i];
	tree_strays++;
	return NULL;
}

static u64 mmio_read(void *ctx, u64 offset, u32 width UNUSED)
{
	u64 addr = (u64)(uintptr_t)ctx + offset;
	struct tree_fn *f = target(addr);

	if (f == NULL)
		return ~0ull;
	offset = addr - (f->reg[4] & ~0xfu);
	return f->kind == TREE_EDU ? edu_read(f, offset) : testdev_read(f, offset);
}

static void mmio_write(void *ctx, u64 offset, u32 width, u64 value)
{
	u64 addr = (u64)(uintptr_t)ctx + offset;
	struct tree_fn *f = target(addr);

	if (f == NULL)
		return;
	offset = addr - (f->reg[4] & ~0xfu);
	if (f->kind == TREE_EDU)
		edu_write(f, offset, width, value);
	else
		testdev_write(f, offset, value);
}

/* --- building */

static void host_add(const struct machine *m, u32 host)
{
	static const struct fake_io_ops ecam_ops = { ecam_read, ecam_write };

	ecams[host] = (struct ecam){ host, m->pci[host].bus_first };
	fake_io_register(m->pci[host].ecam.base, m->pci[host].ecam.size, &ecam_ops, &ecams[host]);
}

struct machine *tree_begin(void)
{
	static const struct fake_io_ops mmio_ops = { mmio_read, mmio_write };
	struct machine *m = fake_machine(64 << 20, 16 << 20, 1);

	memset(tree, 0, sizeof(tree));
	memset(devices, 0, sizeof(devices));
	memset(&tree_fault, 0, sizeof(tree_fault));
	tree_count = tree_write_count = device_used = 0;
	tree_reads = tree_strays = tree_conflicts = tree_masters = 0;
	tree_primary.view.primary = true;
	m->pci[0].bus_last = 0xff;
	fake_io_unregister(m->pci[0].ecam.base);
	host_add(m, 0);
	fake_io_unregister(m->pci[0].window[1].cpu);
	fake_io_register(m->pci[0].window[1].cpu, m->pci[0].window[1].size, &mmio_ops,
			 (void *)(uintptr_t)m->pci[0].window[1].bus);
	return m;
}

void tree_second_host(struct machine *m, u8 first, u8 last)
{
	struct machine_pci_host *h = &m->pci[1];

	*h = m->pci[0];
	h->segment = 1;
	h->bus_first = first;
	h->bus_last = last;
	h->ecam = (struct range){ SECOND_ECAM, (u64)(last - first + 1) << 20 };
	h->window[0] = (struct machine_pci_window){ PCI_IO, 0x5f000000, 0, 0x10000 };
	h->window[1] = (struct machine_pci_window){ PCI_MEM32, 0x60000000, 0x80000000, 0x10000000 };
	h->window[2] = (struct machine_pci_window){ PCI_MEM64, 0x9000000000, 0x9000000000,
						    1ull << 36 };
	m->pci_count = 2;
	host_add(m, 1);
}

u32 tree_add(u32 parent, u8 bus, u32 device, u32 function, u32 id, u32 class_code)
{
	struct tree_fn *f = &tree[tree_count];

	if (tree_count == TREE_MAX)
		suite_fail("the tree is full");
	f->parent = parent;
	f->bus = bus;
	f->host = parent == TREE_ROOT ? 0 : tree[parent].host;
	f->devfn = (u8)(device << 3 | function);
	f->reg[0] = id;
	f->writable[1] = 0x0547;
	f->clear[1] = 0xf9000000;
	f->reg[2] = class_code << 8 | 1;
	f->writable[3] = 0x0000ffff;
	f->reg[0x2c / 4] = 0x12345678;
	f->reg[0x3c / 4] = 0x00000100;
	f->writable[0x3c / 4] = 0x000000ff;
	f->last_cap = 0;
	return tree_count++;
}

u32 tree_endpoint(u32 parent, u32 device, u32 id)
{
	return tree_add(parent, 0, device, 0, id, 0x010802);
}

u32 tree_bridge(u32 parent, u8 bus, u32 device, int pcie_type)
{
	u32 fn = tree_add(parent, bus, device, 0, 0x000c1b36, 0x060400);
	struct tree_fn *f = &tree[fn];

	f->reg[3] = 0x00010000;
	f->writable[6] = 0xffffffff;
	f->reg[7] = 0x00000101; /* 32-bit I/O */
	f->writable[7] = 0x0000f0f0;
	f->clear[7] = 0xf9000000;
	f->writable[8] = 0xfff0fff0;
	f->reg[9] = 0x00010001; /* 64-bit prefetchable */
	f->writable[9] = 0xfff0fff0;
	f->writable[10] = f->writable[11] = f->writable[12] = 0xffffffff;
	f->reg[0x2c / 4] = 0;
	f->writable[0x3c / 4] = 0x0fff00ff;
	if (pcie_type >= 0)
		tree_pcie(fn, (u32)pcie_type, false);
	return fn;
}

void tree_bar(u32 fn, u32 bar, u64 size, u32 kind)
{
	struct tree_fn *f = &tree[fn];
	u64 mask = ~(size - 1);

	f->reg[4 + bar] = kind;
	f->writable[4 + bar] = (u32)mask & (kind & BAR_KIND_IO ? ~3u : ~15u);
	if (kind & BAR_KIND_64)
		f->writable[5 + bar] = (u32)(mask >> 32);
}

u32 tree_cap(u32 fn, u32 id, u32 dwords, u32 at)
{
	struct tree_fn *f = &tree[fn];

	if (at == 0)
		at = f->last_cap == 0 ? 0x40 : f->cap_end;
	if (f->last_cap == 0)
		f->reg[0x34 / 4] = at;
	else
		f->reg[f->last_cap / 4] |= at << 8;
	f->reg[1] |= 0x00100000;
	f->reg[at / 4] = id;
	f->last_cap = at;
	f->cap_end = at + 4 * dwords;
	return at;
}

u32 tree_ext(u32 fn, u32 id, u32 at)
{
	struct tree_fn *f = &tree[fn];
	u32 last = 0x100;

	while (f->reg[last / 4] >> 20 != 0)
		last = f->reg[last / 4] >> 20;
	if (at == 0)
		at = f->reg[0x100 / 4] == 0 ? 0x100 : last + 0x40;
	if (at != 0x100)
		f->reg[last / 4] |= at << 20;
	f->reg[at / 4] = 0x00010000 | id;
	return at;
}

u32 tree_pcie(u32 fn, u32 type, bool flr)
{
	u32 at = tree_cap(fn, 0x10, 15, 0);
	struct tree_fn *f = &tree[fn];

	f->reg[at / 4] |= 2u << 16 | type << 20;
	f->reg[at / 4 + 1] = 0x8020 | (flr ? 1u << 28 : 0);
	f->reg[at / 4 + 2] = 0x2810;
	f->writable[at / 4 + 2] = 0x7fff;
	f->clear[at / 4 + 2] = 0x004f0000;
	f->writable[at / 4 + 4] = 0xffff; /* link control */
	f->writable[at / 4 + 6] = 0xffff; /* slot control */
	f->writable[at / 4 + 7] = 0xffff; /* root control */
	f->writable[at / 4 + 10] = 0xffff;
	f->flr_at = flr ? at : 0;
	return at;
}

u32 tree_acs(u32 fn, u32 supported)
{
	u32 at = tree_ext(fn, 0x0d, 0);

	tree[fn].reg[at / 4 + 1] = supported;
	tree[fn].writable[at / 4 + 1] = supported << 16;
	return at;
}

u32 tree_virtio(u32 parent, u32 device, u32 id, bool access_platform)
{
	u32 fn = tree_endpoint(parent, device, id << 16 | 0x1af4);
	struct tree_fn *f = &tree[fn];
	u32 common, access;

	tree_bar(fn, 4, 0x4000, BAR_KIND_64 | BAR_KIND_PREF);
	common = tree_cap(fn, 0x09, 4, 0);
	f->reg[common / 4] |= 0x01100000;
	f->reg[common / 4 + 1] = 4;
	f->reg[common / 4 + 2] = 0x1000;
	f->reg[common / 4 + 3] = 0x38;
	access = tree_cap(fn, 0x09, 5, 0);
	f->reg[access / 4] |= 0x05140000;
	for (u32 i = 1; i < 5; i++)
		f->writable[access / 4 + i] = 0xffffffff;
	f->access_at = access;
	f->kind = TREE_VIRTIO;
	f->features[1] = access_platform ? 3 : 1;
	return fn;
}

void tree_multi(u32 fn)
{
	tree[fn].reg[3] |= 0x00800000;
}

void tree_seal(void)
{
	for (u32 i = 0; i < tree_count; i++)
		memcpy(tree[i].initial, tree[i].reg, sizeof(tree[i].reg));
}

/* --- using */

enum status tree_try(const struct machine *m, const char **why)
{
	tree_seal();
	*why = "no reason given";
	return pci_enumerate(m, why);
}

void tree_boot(const struct machine *m)
{
	const char *why;

	if (tree_try(m, &why) != OK)
		suite_fail("refused: %s", why);
}

struct pci_function *tree_record(u32 fn)
{
	u32 bus = tree[fn].parent == TREE_ROOT ? tree[fn].bus : secondary(&tree[tree[fn].parent]);

	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].host == tree[fn].host &&
		    pci_function[i].rid == (bus << 8 | tree[fn].devfn))
			return &pci_function[i];
	suite_fail("function %u of the tree is not in the record", fn);
}

struct device *tree_device(struct vm *vm, ...)
{
	struct device *d = &devices[device_used++];
	va_list args;
	int fn;

	d->vm = vm;
	d->state = DEVICE_ASSIGNED;
	d->function = NULL;
	va_start(args, vm);
	while ((fn = va_arg(args, int)) >= 0)
		device_function_add(d, tree_record((u32)fn));
	va_end(args);
	return d;
}

u64 tree_ecam(u32 fn)
{
	const struct pci_function *f = tree_record(fn);

	return (u64)(f->rid - (ecams[f->host].first << 8)) << 12;
}
