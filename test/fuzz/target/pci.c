/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI: a tree of bridges and functions, well behaved or lying, is enumerated; then two VMs access configuration space as
 * they like, between resets, stops and the device's own changes of mind. Of an accepted good tree the layout is right;
 * whatever happens, the routing of bridges and the BARs stay, a stopped function never masters the bus, and a VM changes
 * nothing of a function that is not its own.
 */
#include <string.h>

#include "fuzz.h"
#include "pci/tree.h"

#define FUNCTIONS 24u
#define OWNERS    3u /* the primary, another, nobody */

static bool lies; /* some function does */
static struct vm *owner[FUNCTIONS];
static u32 layout[FUNCTIONS][12]; /* BARs and bridge registers as assigned */
static struct device *device_of[FUNCTIONS];

static struct machine *m;

static void boot(u32 index)
{
	m = tree_begin();
	if (index != 0)
		tree_second_host(m, 0x80, 0x9f);
	fake_machine_use(m);
	fake_random_source = fuzz_below;
}

/* --- the tree */

static void lie(struct tree_fn *f)
{
	lies = true;
	switch (fuzz_below(6)) {
	case 0:
		f->mood = MOOD_GARBAGE;
		break;
	case 1:
		f->mood = MOOD_CHAOS;
		f->good_reads = (u32)fuzz_below(400);
		break;
	case 2:
		f->mood = MOOD_ONES;
		f->good_reads = (u32)fuzz_below(100);
		break;
	case 3:
		f->mood = fuzz_below(2) != 0 ? MOOD_STUCK_BAR : MOOD_DEAF;
		break;
	case 4: /* registers of any content, the header's kind too */
		for (u64 n = fuzz_below(8); n > 0; n--)
			f->reg[fuzz_below(64)] = (u32)fuzz_word();
		break;
	default: /* a list of capabilities of its own */
		f->reg[1] |= 0x00100000;
		f->reg[13] = (u32)fuzz_below(256);
		for (u64 n = fuzz_below(8); n > 0; n--)
			f->reg[fuzz_below(64) + (fuzz_below(2) != 0 ? 16 : 64)] =
				(u32)(fuzz_below(256) << 8 | fuzz_below(0x1f) | fuzz_below(0x1000) << 20);
		break;
	}
}

static void bars(u32 fn)
{
	for (u32 bar = 0; bar < 6; bar++) {
		u32 kind = (u32)fuzz_below(6), log2 = 4 + (u32)fuzz_below(26);

		if (fuzz_below(3) != 0)
			continue;
		if (kind == 0)
			tree_bar(fn, bar, 1ull << (log2 % 6 + 4), BAR_KIND_IO);
		else if (kind < 3)
			tree_bar(fn, bar, 1ull << log2, kind == 1 ? BAR_KIND_PREF : 0);
		else if (bar < 5)
			tree_bar(fn, bar++, 1ull << (log2 + (kind == 5 ? 6 : 0)), BAR_KIND_64 | (kind == 3 ? 0 : BAR_KIND_PREF));
	}
}

static void capabilities(u32 fn)
{
	static const u32 ids[] = { 0x01, 0x05, 0x11, 0x03, 0x09, 0x0d, 0x13, 0x14, 0x1f };
	u32 at;

	if (fuzz_below(2) != 0)
		tree_pcie(fn, 0, fuzz_below(2) != 0);
	for (u64 n = fuzz_below(4); n > 0; n--) {
		at = tree_cap(fn, ids[fuzz_below(ARRAY_SIZE(ids))], 6, 0);
		for (u32 i = 0; i < 5; i++)
			tree[fn].writable[at / 4 + i] = fuzz_below(2) != 0 ? (u32)fuzz_word() : 0;
	}
	if (fuzz_below(4) == 0)
		tree_acs(fn, (u32)fuzz_below(0x80));
	if (fuzz_below(4) == 0) {
		at = tree_ext(fn, (u32)fuzz_below(0x20), 0);
		tree[fn].reg[at / 4 + 1] = (u32)fuzz_word();
		tree[fn].writable[at / 4 + 1] = 0xffff0000;
		tree[fn].writable[at / 4 + 2] = 0x0000ffff;
	}
}

/* A port with a link: below it is device 0 only. */
static bool one_below(u32 bridge)
{
	u32 at = tree[bridge].reg[13] & 0xfc, type = at == 0 ? 0 : tree[bridge].reg[at / 4] >> 20 & 15;

	return type == 4 || type == 6 || type == 8;
}

/* One that is in nobody's place: at a device number of its own below its bridge. */
static void add(void)
{
	u32 parent = TREE_ROOT, count = tree_count, fn;
	u32 above = count == 0 ? 0 : (u32)fuzz_below(count), device;

	if (count == FUNCTIONS)
		return;
	if (count > 0 && fuzz_below(2) != 0 && (tree[above].reg[3] >> 16 & 0x7f) == 1)
		parent = above;
	device = count; /* no two are at one place */
	if (parent != TREE_ROOT && one_below(parent)) {
		device = 0;
		for (u32 i = 0; i < count; i++)
			if (tree[i].parent == parent)
				return;
	}
	switch (fuzz_below(8)) {
	case 0 ... 2:
		fn = tree_bridge(parent, 0, device, fuzz_below(4) == 0 ? -1 : 4 + (int)fuzz_below(5));
		break;
	case 3:
		fn = tree_virtio(parent, device, 0x1040 + (u32)fuzz_below(3), fuzz_below(4) != 0);
		break;
	default:
		fn = tree_endpoint(parent, device, fuzz_below(8) != 0 ? 0x11112222 : ((u32)fuzz_word() & 0x7fff7fff) | 1);
		bars(fn);
		capabilities(fn);
		break;
	}
	tree[fn].reset_us = fuzz_below(4) == 0 ? fuzz_below(3000000) : 0;
	tree[fn].loses_bars = fuzz_below(16) == 0;
	if (fuzz_below(8) == 0)
		lie(&tree[fn]);
}

/* --- after the boot */

static bool is_bridge(u32 fn) { return (tree[fn].initial[3] >> 16 & 0x7f) == 1; }

static struct pci_function *recorded(u32 fn)
{
	u32 i = 0;

	if (pci_function_count != tree_count)
		return NULL;
	/* Depth first; found by what the record says of itself. */
	while (i < pci_function_count && !(pci_function[i].rid == (layout[fn][11] & 0xffff) && pci_function[i].host == tree[fn].host))
		i++;
	return i < pci_function_count ? &pci_function[i] : NULL;
}

static void remember(void)
{
	for (u32 fn = 0; fn < tree_count; fn++) {
		u32 bus = tree[fn].parent == TREE_ROOT ? tree[fn].bus : tree[tree[fn].parent].reg[6] >> 8 & 255;

		memcpy(layout[fn], &tree[fn].reg[4], 11 * sizeof(u32));
		layout[fn][11] = bus << 8 | tree[fn].devfn;
	}
}

static void own(void)
{
	for (u32 fn = 0; fn < tree_count; fn++) {
		struct pci_function *f = recorded(fn);
		u64 who = fuzz_below(OWNERS);

		owner[fn] = NULL;
		device_of[fn] = NULL;
		if (f == NULL || f->bridge || f->no_iommu || who == 2)
			continue;
		owner[fn] = who == 0 ? &tree_primary : &tree_other;
		device_of[fn] = tree_device(owner[fn], (int)fn, -1);
	}
}

static u64 place(u32 fn)
{
	return fuzz_below(16) == 0 ? fuzz_word() & 0xfffffff : (u64)layout[fn][11] << 12;
}

static u32 some_offset(void)
{
	switch (fuzz_below(4)) {
	case 0:
		return (u32)fuzz_below(0x1000);
	case 1:
		return 0x40 + (u32)fuzz_below(0x80);
	default:
		return (u32)fuzz_below(0x40);
	}
}

static void check_stays(u32 fn, const u32 *before, bool other)
{
	const struct tree_fn *f = &tree[fn];

	if (memcmp(&f->reg[4], layout[fn], 6 * sizeof(u32)) != 0 && f->resets == 0)
		fuzz_found("a VM changed a BAR of function %u", fn);
	if (is_bridge(fn) && (f->reg[6] ^ layout[fn][2]) << 8 != 0)
		fuzz_found("a VM changed the bus numbers of bridge %u", fn);
	if (other && memcmp(f->reg, before, sizeof(f->reg)) != 0)
		fuzz_found("a VM changed function %u, which is not its own", fn);
}

static void access_one(void)
{
	static u32 before[FUNCTIONS][1024];
	u32 fn = (u32)fuzz_below(tree_count), width = 1u << fuzz_below(4), offset = some_offset();
	struct vm *vm = fuzz_below(2) != 0 ? &tree_primary : &tree_other;
	u32 host = fuzz_below(16) == 0 ? (u32)fuzz_below(4) : tree[fn].host;
	u64 at = place(fn) + (fuzz_below(8) != 0 ? offset & ~(width - 1) : offset);

	fuzz_calls++;
	if (fuzz_below(2) != 0) {
		u32 value = pci_config_read(vm, host, at, width);

		if (width < 4 && value >> 8 * width != 0)
			fuzz_found("a read of %u bytes gives %#x", width, value);
		return;
	}
	for (u32 i = 0; i < tree_count; i++)
		memcpy(before[i], tree[i].reg, sizeof(before[i]));
	pci_config_write(vm, host, at, width, (u32)fuzz_word());
	if (lies)
		return;
	for (u32 i = 0; i < tree_count; i++)
		check_stays(i, before[i], owner[i] != NULL && owner[i] != vm);
}

static void operate(void)
{
	u32 fn = (u32)fuzz_below(tree_count);
	struct device *d = device_of[fn];
	bool again = true;

	if (d == NULL)
		return;
	switch (fuzz_below(6)) {
	case 0:
		pci_device_master(d, false);
		if (!lies && tree[fn].reg[1] & 4)
			fuzz_found("stopped function %u masters the bus", fn);
		break;
	case 1:
		pci_device_master(d, true);
		break;
	case 2:
		pci_device_intx(d, fuzz_below(2) != 0);
		break;
	case 3:
		pci_endpoint_pasids(d, 0);
		break;
	case 4: {
		u32 host;
		u64 offset;

		if (!pci_endpoint_place(d, 0, &host, &offset))
			fuzz_found("function %u has no place", fn);
		break;
	}
	default:
		/* Bounded steps, each soon; as far as the input goes on. */
		for (u64 n = fuzz_below(8); again && n > 0; n--) {
			if (pci_device_reset(d, &again) != OK)
				again = false;
			fake_time_advance(fuzz_below(1u << 20));
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const char *why;
	u64 reads;

	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine(fuzz_below(8) == 0, boot);
	for (u64 n = fuzz_below(FUNCTIONS); n > 0 && fuzz_next(); n--)
		add();
	fuzz_calls++;
	if (tree_try(m, &why) != OK) {
		if (strlen(why) < 10)
			fuzz_found("refused: '%s'", why);
		return 0;
	}
	if (tree_masters != 0)
		fuzz_found("%u functions were let master the bus by the boot", tree_masters);
	reads = tree_reads;
	if (reads > 4000000)
		fuzz_found("the boot read %llu registers", (unsigned long long)reads);
	if (!lies)
		tree_check_layout(m);
	remember();
	own();
	while (tree_count > 0 && fuzz_next()) {
		if (fuzz_below(8) == 0)
			operate();
		else
			access_one();
		if (fake_locks_held() != 0)
			fuzz_found("a lock is held");
	}
	return 0;
}
