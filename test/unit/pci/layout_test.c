/* SPDX-License-Identifier: BSD-2-Clause */
/* Enumeration: every function found, no address twice, everything inside what leads to it. */
#include <string.h>

#include "pci/record.h"
#include "tree.h"

#define PORT     4
#define UPSTREAM 5
#define DOWN     6
#define TO_PCI   7
#define PLAIN    (-1)
#define ALL_ACS  0x1f

static void nothing_is_a_machine_too(void **state UNUSED)
{
	tree_boot(tree_begin());
	assert_int_equal(pci_function_count, 0);
}

/* Every kind of BAR in every size from the smallest to 16 GiB. */
static void bars_of_every_kind_and_size(void **state UNUSED)
{
	static const u32 kinds[] = { 0, BAR_KIND_PREF, BAR_KIND_64, BAR_KIND_64 | BAR_KIND_PREF };

	for (u32 shift = 4; shift <= 34; shift++) {
		struct machine *m = tree_begin();
		u32 device = 0;

		for (u32 k = 0; k < ARRAY_SIZE(kinds); k++) {
			u32 fn = tree_endpoint(TREE_ROOT, device++, 0x11112222);
			bool big = !(kinds[k] & BAR_KIND_64) && shift > 26;

			tree_bar(fn, 0, 1ull << (big ? 26 : shift), kinds[k]);
			tree_bar(fn, 2, 64, BAR_KIND_IO);
			tree_bar(fn, 4, 1ull << (shift > 30 ? 12 : shift), BAR_KIND_64);
		}
		tree_boot(m);
		tree_check_layout(m);
		fake_reset();
	}
}

static void io_bar_may_decode_16_bits_only(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);

	tree_bar(fn, 0, 32, BAR_KIND_IO);
	tree[fn].writable[4] &= 0xffff;
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].size, 32);
	assert_int_equal(tree_record(fn)->bar[0].addr, 0x3eff0000 + (tree[fn].reg[4] & ~3u));
}

static void placement_behind_bridges(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, PORT);
	u32 fn = tree_endpoint(port, 0, 0x11112222);
	u32 root = tree_endpoint(TREE_ROOT, 2, 0x11112222);

	tree_bar(fn, 0, 0x4000, BAR_KIND_64);
	tree_bar(fn, 2, 0x4000, BAR_KIND_64 | BAR_KIND_PREF);
	tree_bar(fn, 4, 0x4000, BAR_KIND_PREF);
	tree_bar(root, 0, 0x4000, BAR_KIND_64);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].space, PCI_MEM32);
	assert_int_equal(tree_record(fn)->bar[2].space, PCI_MEM64);
	assert_int_equal(tree_record(fn)->bar[4].space, PCI_MEM32);
	assert_int_equal(tree_record(root)->bar[0].space, PCI_MEM64);
	assert_int_equal(tree[fn].reg[5], 0);
	assert_true(tree_record(fn)->bar[2].addr >= 0x8000000000);
}

/* A bridge without a 64-bit prefetchable window, and one below it that has one. */
static void prefetchable_needs_every_bridge_above(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, PORT), inner, fn;

	tree[port].reg[9] = 0;
	tree[port].writable[9] = 0;
	inner = tree_bridge(port, 0, 0, UPSTREAM);
	fn = tree_endpoint(tree_bridge(inner, 0, 3, DOWN), 0, 0x11112222);
	tree_bar(fn, 0, 0x4000, BAR_KIND_64 | BAR_KIND_PREF);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].space, PCI_MEM32);
}

static void no_io_window_no_io_bar(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, PORT), fn = tree_endpoint(port, 0, 0x11112222);

	tree[port].reg[7] = 0;
	tree[port].writable[7] = 0;
	tree_bar(fn, 0, 32, BAR_KIND_IO);
	tree_bar(fn, 1, 4096, 0);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].size, 0);
	assert_int_equal(tree_record(fn)->bar[1].size, 4096);
}

/* Nor where a bridge further up has none, which would not forward what the one below takes. */
static void no_io_window_above_no_io_bar(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 above = tree_bridge(TREE_ROOT, 0, 1, PORT), below = tree_bridge(above, 0, 0, PORT);
	u32 fn = tree_endpoint(below, 0, 0x11112222);

	tree[above].reg[7] = 0;
	tree[above].writable[7] = 0;
	tree_bar(fn, 0, 32, BAR_KIND_IO);
	tree_bar(fn, 1, 4096, 0);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].size, 0);
	assert_int_equal(tree_record(fn)->bar[1].size, 4096);
}

/* Some bridges answer for an absent function with zeros, or with one half of ones. */
static void answers_of_nobody(void **state UNUSED)
{
	static const u32 ids[] = { 0, 0xffffffff, 0x5678ffff, 0x56780000 };

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++) {
		struct machine *m = tree_begin();

		tree_endpoint(TREE_ROOT, 1, ids[i]);
		tree_endpoint(TREE_ROOT, 2, 0x11112222);
		tree_boot(m);
		assert_int_equal(pci_function_count, 1);
		assert_int_equal(pci_function[0].vendor, 0x2222);
		fake_reset();
	}
}

/* The last dwords of configuration space have room for a header and not for what it announces. */
static void extended_capability_at_the_end_is_none(void **state UNUSED)
{
	for (u32 at = 0xff0; at <= 0xffc; at += 4) {
		struct machine *m = tree_begin();
		u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);

		tree_pcie(fn, 0, false);
		tree_ext(fn, 0x03, 0);
		tree_ext(fn, 0x0f, at);
		tree_boot(m);
		assert_int_equal(tree_record(fn)->cap_ats, at == 0xff0 ? at : 0);
		fake_reset();
	}
}

static void each_bridge_has_windows_while_there_is_room(void **state UNUSED)
{
	struct machine *m = tree_begin();

	for (u32 i = 0; i < 20; i++)
		tree_bridge(TREE_ROOT, 0, i, PORT);
	tree_boot(m);
	tree_check_layout(m);
	for (u32 i = 0; i < 20; i++) {
		bool open = (tree[i].reg[7] >> 8 & 0xf0) >= (tree[i].reg[7] & 0xf0);

		assert_int_equal(open, i < 15);
		assert_true((tree[i].reg[8] >> 16 & 0xfff0) >= (tree[i].reg[8] & 0xfff0));
		assert_true((tree[i].reg[9] >> 16 & 0xfff0) >= (tree[i].reg[9] & 0xfff0));
	}
}

/* The windows of empty bridges must not take the room of a function further on. */
static void io_goes_to_those_who_need_it(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = 0, fn = 0;

	for (u32 i = 0; i < 16; i++)
		port = tree_bridge(TREE_ROOT, 0, i, PORT);
	fn = tree_endpoint(port, 0, 0x11112222);
	tree_bar(fn, 0, 32, BAR_KIND_IO);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].size, 32);
}

/* What has been given is not needed any more. */
static void bridges_get_what_others_leave(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port;

	for (u32 i = 0; i < 6; i++)
		tree_bar(tree_endpoint(TREE_ROOT, i, 0x11112222), 0, 32, BAR_KIND_IO);
	port = tree_bridge(TREE_ROOT, 0, 6, PORT);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree[port].reg[7] & 0xffff, 0x7171);
}

static void io_that_finds_no_room_is_left_out(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 given = 0;

	for (u32 i = 0; i < 20; i++)
		tree_bar(tree_endpoint(TREE_ROOT, i, 0x11112222), 0, 32, BAR_KIND_IO);
	tree_boot(m);
	tree_check_layout(m);
	for (u32 i = 0; i < 20; i++)
		given += tree_record(i)->bar[0].size != 0;
	assert_int_equal(given, 15);
}

static void host_without_64_bit_window(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, PORT), fn = tree_endpoint(port, 0, 0x11112222);

	m->pci[0].window_count = 2;
	tree_bar(fn, 0, 0x4000, BAR_KIND_64 | BAR_KIND_PREF);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].space, PCI_MEM32);
}

static void bus_address_differs_from_cpu_address(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);

	m->pci[0].window[1] = (struct machine_pci_window){ PCI_MEM32, 0x10000000, 0, 0x2eff0000 };
	tree_bar(fn, 0, 0x1000, 0);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->bar[0].addr, 0x10000000 + (tree[fn].reg[4] & ~15u));
}

static void extra_root_bus_keeps_its_number(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port[3], extra, fn;

	for (u32 i = 0; i < 3; i++)
		port[i] = tree_bridge(TREE_ROOT, 0, i, PORT);
	extra = tree_bridge(TREE_ROOT, 4, 0, PORT);
	fn = tree_endpoint(extra, 0, 0x11112222);
	tree_bar(fn, 0, 4096, 0);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree[port[2]].reg[6] >> 8 & 255, 3);
	assert_int_equal(tree[extra].reg[6], 0x00050504);
	assert_int_equal(tree_record(fn)->rid, 0x500);
}

/* Firmware has been here: everything masters, and bridges claim even the extra root's number. */
static u32 firmware_left(void)
{
	u32 up, fn;

	tree_bridge(TREE_ROOT, 0, 1, PORT);
	up = tree_bridge(0, 0, 0, UPSTREAM);
	fn = tree_endpoint(tree_bridge(up, 0, 1, DOWN), 0, 0x11112222);
	tree_endpoint(TREE_ROOT, 3, 0x11112222);
	tree_bridge(TREE_ROOT, 0x20, 0, PORT);
	tree[0].reg[6] = 0x00400100;
	tree[1].reg[6] = 0x00300201;
	tree[2].reg[6] = 0x00200302;
	tree_bar(fn, 0, 4096, 0);
	for (u32 i = 0; i < tree_count; i++) {
		tree[i].reg[1] |= 0x547;
		tree[i].reg[4] = 0xc0000000 & tree[i].writable[4];
	}
	return fn;
}

static void bus_mastering_goes_first(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 silenced = 0;
	u32 i;

	firmware_left();
	tree_boot(m);
	for (i = 0; i < tree_write_count; i++) {
		assert_int_equal(tree_writes[i].offset, 4);
		assert_int_equal(tree_writes[i].value, 0);
		silenced += tree_writes[i].old & 4 ? 1 : 0;
		if (silenced == tree_count)
			break;
	}
	assert_int_equal(silenced, tree_count);
}

/* What hides behind a bridge without numbers is found later, and loses it before all else too. */
static void what_is_found_later_is_silenced_first(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn;
	bool met = false;

	fn = tree_endpoint(tree_bridge(TREE_ROOT, 0, 1, PORT), 0, 0x11112222);
	tree_bar(fn, 0, 4096, 0);
	tree[fn].reg[1] |= 7;
	tree_boot(m);
	for (u32 i = 0; i < tree_write_count && !met; i++) {
		if (tree_writes[i].fn == 0 && tree_writes[i].offset == 4)
			assert_int_equal(tree_writes[i].value, 0); /* the bridge forwards nothing yet */
		met = tree_writes[i].fn == fn;
		if (met)
			assert_true(tree_writes[i].offset == 4 && tree_writes[i].value == 0);
	}
	assert_true(met);
}

static void firmware_numbers_are_forgotten(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = firmware_left();

	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(fn)->rid, 0x300);
	assert_int_equal(tree[5].reg[6], 0x00212120);
}

static void two_hosts(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 a = tree_endpoint(TREE_ROOT, 3, 0x11112222), b, c;

	tree_second_host(m, 0x40, 0x5f);
	b = tree_add(TREE_ROOT, 0x40, 3, 0, 0x33334444, 0x010000);
	tree[b].host = 1;
	c = tree_bridge(TREE_ROOT, 0x40, 4, PORT);
	tree[c].host = 1;
	c = tree_endpoint(c, 0, 0x55556666);
	for (u32 fn = a; fn <= c; fn++)
		if (fn != 2)
			tree_bar(fn, 0, 0x10000, 0);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(b)->rid, 0x4018);
	assert_int_equal(tree_record(c)->rid, 0x4100);
	assert_int_equal(tree_record(b)->bar[0].addr & 0xf0000000, 0x60000000);
	tree_device(&tree_primary, (int)a, (int)b, (int)c, -1);
	assert_int_equal(pci_config_read(&tree_primary, 1, 0x18000, 4), 0x33334444);
	assert_int_equal(pci_config_read(&tree_primary, 1, 0x100000, 4), 0x55556666);
	assert_int_equal(pci_config_read(&tree_primary, 0, 0x18000, 4), 0x11112222);
	assert_int_equal(pci_config_read(&tree_primary, 1, 32ull << 20, 4), 0xffffffff);
}

static void neighbours_in_the_table_are_not_mixed_up(void **state UNUSED)
{
	struct machine *m = tree_begin();

	tree_endpoint(TREE_ROOT, 0, 0x11112222);
	tree_second_host(m, 0, 3);
	tree[tree_endpoint(TREE_ROOT, 0, 0x33334444)].host = 1;
	tree_multi(1);
	tree[tree_add(TREE_ROOT, 0, 0, 1, 0x55556666, 0x010000)].host = 1;
	tree_boot(m);
	tree_device(&tree_primary, 0, 1, 2, -1);
	assert_int_equal(pci_config_read(&tree_primary, 0, 0x1000, 4), 0xffffffff);
	assert_int_equal(pci_config_read(&tree_primary, 1, 0x1000, 4), 0x55556666);
}

static void functions_beyond_zero_need_the_bit(void **state UNUSED)
{
	struct machine *m = tree_begin();

	tree_endpoint(TREE_ROOT, 1, 0x11112222);
	tree_add(TREE_ROOT, 0, 1, 5, 0x11112222, 0x010000);
	tree_boot(m);
	assert_int_equal(pci_function_count, 1);
	tree_multi(0);
	tree_boot(m);
	assert_int_equal(pci_function_count, 2);
	tree_check_layout(m);
}

/* Whatever firmware left: functions wait for their owner, bridges forward both ways. */
static void functions_are_quiet_and_bridges_forward_at_the_end(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, PORT), below = tree_endpoint(port, 0, 1);
	u32 root = tree_endpoint(TREE_ROOT, 2, 1), closed = tree_bridge(TREE_ROOT, 0, 3, PORT);

	tree_bar(below, 0, 0x4000, 0);
	tree[port].reg[1] |= 3;
	tree[below].reg[1] |= 7;
	tree[root].reg[1] |= 4;
	tree_boot(m);
	assert_int_equal(tree[port].reg[1] & 7, 7);
	assert_int_equal(tree[closed].reg[1] & 7, 7);
	assert_int_equal(tree[below].reg[1] & 7, 0);
	assert_int_equal(tree[root].reg[1] & 7, 0);
	assert_int_equal(tree_masters, 0);
}

/* --- what follows from the place */

static void E2_requester_ids(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 conv = tree_bridge(TREE_ROOT, 0, 4, PLAIN), port = tree_bridge(TREE_ROOT, 0, 5, PORT);
	u32 to_pci = tree_bridge(port, 0, 0, TO_PCI), nested = tree_bridge(to_pci, 0, 2, PLAIN);
	u32 a = tree_endpoint(conv, 3, 1), b = tree_endpoint(conv, 4, 1);
	u32 c = tree_endpoint(to_pci, 7, 1), d = tree_endpoint(nested, 7, 1);
	u32 e = tree_endpoint(TREE_ROOT, 6, 1);
	u32 bus;

	m->pci[0].sidmap[0] = (struct machine_sidmap){ 0, 0x10000, 0, 0x20000 };
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(tree_record(a)->requester, 0x20);
	assert_int_equal(tree_record(b)->requester, 0x20);
	bus = tree_record(to_pci)->secondary;
	assert_int_equal(tree_record(c)->requester, bus << 8);
	assert_int_equal(tree_record(d)->requester, bus << 8);
	assert_int_equal(tree_record(e)->requester, 0x30);
	assert_int_equal(tree_record(d)->sid, 0x20000 + (bus << 8));
	assert_int_equal(tree_record(a)->group, tree_record(b)->group);
	assert_int_equal(tree_record(c)->group, tree_record(d)->group);
	assert_int_not_equal(tree_record(a)->group, tree_record(c)->group);
	assert_int_not_equal(tree_record(e)->group, tree_record(a)->group);
}

static void streams_of_several_iommus(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 a = tree_endpoint(TREE_ROOT, 1, 1);
	u32 b = tree_endpoint(tree_bridge(TREE_ROOT, 8, 0, PORT), 0, 1);

	m->iommu_count = 2;
	m->pci[0].sidmap[0] = (struct machine_sidmap){ 0, 0x800, 0, 0 };
	m->pci[0].sidmap[1] = (struct machine_sidmap){ 0x800, 0x800, 1, 0x5000 };
	m->pci[0].sidmap_count = 2;
	tree_boot(m);
	assert_int_equal(tree_record(a)->iommu, 0);
	assert_int_equal(tree_record(a)->sid, 8);
	assert_int_equal(tree_record(b)->iommu, 1);
	assert_int_equal(tree_record(b)->sid, 0x5100);
}

static void interrupt_pins_rotate(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 5, PLAIN), inner = tree_bridge(port, 0, 3, PLAIN);
	u32 fn = tree_endpoint(inner, 2, 1), root = tree_endpoint(TREE_ROOT, 6, 1);

	tree[fn].reg[15] = 0x300;
	tree[root].reg[15] = 0;
	for (u32 slot = 0; slot < 4; slot++)
		for (u32 pin = 0; pin < 4; pin++)
			m->pci[0].intx[slot][pin] = 100 + slot * 10 + pin;
	tree_boot(m);
	/* pin C: (2 + 2) % 4 = A behind the inner, (0 + 3) % 4 = D at the outer, slot 5 */
	assert_int_equal(tree_record(fn)->intx_pin, 3);
	assert_int_equal(tree_record(fn)->intid, 113);
	assert_int_equal(tree_record(root)->intid, 0);
}

static u32 group_of(u32 fn)
{
	return tree_record(fn)->group;
}

static void groups_of_slots(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 a = tree_endpoint(TREE_ROOT, 1, 1), b = tree_add(TREE_ROOT, 0, 1, 3, 1, 0x010000);
	u32 c = tree_endpoint(TREE_ROOT, 2, 1), d = tree_add(TREE_ROOT, 0, 2, 1, 1, 0x010000);
	u32 e = tree_endpoint(TREE_ROOT, 3, 1), f = tree_add(TREE_ROOT, 0, 3, 1, 1, 0x010000);

	tree_multi(a);
	tree_multi(c);
	tree_multi(e);
	tree_pcie(c, 0, false);
	tree_pcie(d, 0, false);
	tree_acs(c, ALL_ACS);
	tree_acs(d, ALL_ACS);
	tree_pcie(e, 0, false);
	tree_acs(e, ALL_ACS);
	tree_boot(m);
	tree_check_layout(m);
	assert_int_equal(group_of(a), group_of(b));
	assert_int_not_equal(group_of(c), group_of(d));
	assert_int_equal(group_of(e), group_of(f)); /* one without is enough */
	assert_int_not_equal(group_of(a), group_of(c));
}

/* A switch with two ports of each kind: those that send everything up isolate, the others drag in all. */
static void below_a_switch(u32 partial)
{
	for (u32 acs = 0; acs < 4; acs++) {
		struct machine *m = tree_begin();
		u32 port = tree_bridge(TREE_ROOT, 0, 1, PORT);
		u32 up = tree_bridge(port, 0, 0, UPSTREAM), down[2], fn[2], alone;

		tree_acs(port, ALL_ACS);
		for (u32 i = 0; i < 2; i++) {
			down[i] = tree_bridge(up, 0, i, DOWN);
			tree_acs(down[i], acs & 1u << i ? ALL_ACS : partial);
			fn[i] = tree_endpoint(down[i], 0, 1);
		}
		alone = tree_endpoint(TREE_ROOT, 2, 1);
		tree_boot(m);
		tree_check_layout(m);
		assert_int_equal(group_of(fn[0]) == group_of(fn[1]), acs != 3);
		assert_int_equal(tree_record(fn[1])->requester, tree_record(fn[1])->rid);
		assert_int_not_equal(group_of(alone), group_of(fn[0]));
		assert_int_not_equal(group_of(alone), group_of(fn[1]));
		fake_reset();
	}
}

static void G3_groups_below_a_switch(void **state UNUSED)
{
	/* Without redirection, of requests, of completions; without validation of the source; without forwarding. */
	static const u32 partial[] = { 0x13, 0x1b, 0x17, 0x1e, 0x0f };

	for (u32 i = 0; i < ARRAY_SIZE(partial); i++)
		below_a_switch(partial[i]);
}

static void G3_group_below_a_port_without_acs(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, PORT), other = tree_bridge(TREE_ROOT, 0, 2, PORT);
	u32 up = tree_bridge(port, 0, 0, UPSTREAM), fn[2];

	for (u32 i = 0; i < 2; i++) {
		u32 down = tree_bridge(up, 0, i, DOWN);

		tree_acs(down, ALL_ACS);
		fn[i] = tree_endpoint(down, 0, 1);
	}
	tree_boot(m);
	assert_int_equal(group_of(fn[0]), group_of(fn[1]));
	assert_int_equal(group_of(fn[0]), group_of(port));
	assert_int_not_equal(group_of(other), group_of(port));
}

/* --- capabilities */

static void capabilities_are_recorded_and_quiet(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);
	struct tree_fn *f = &tree[fn];
	u32 msi, msix, pm, pcie, af, ats, pri, pasid, sriov, acs, ari;

	msi = tree_cap(fn, 0x05, 4, 0);
	msix = tree_cap(fn, 0x11, 3, 0);
	pm = tree_cap(fn, 0x01, 2, 0);
	pcie = tree_pcie(fn, 0, false);
	af = tree_cap(fn, 0x13, 2, 0);
	ats = tree_ext(fn, 0x0f, 0);
	pri = tree_ext(fn, 0x13, 0);
	pasid = tree_ext(fn, 0x1b, 0);
	sriov = tree_ext(fn, 0x10, 0);
	ari = tree_ext(fn, 0x0e, 0);
	acs = tree_acs(fn, 0x5d);
	f->reg[msi / 4] |= 0x00010000;
	f->writable[msi / 4] = 0x00710000;
	f->reg[msix / 4] |= 0xc0000000;
	f->writable[msix / 4] = 0xc0000000;
	f->reg[ats / 4 + 1] = 0x80000000;
	f->reg[pri / 4 + 1] = 1;
	f->reg[pasid / 4 + 1] = 0x00071406;
	f->reg[sriov / 4 + 2] = 0x19;
	for (u32 at = 1; at < 3; at++) {
		f->writable[ats / 4 + at] = f->writable[pri / 4 + at] = 0xffffffff;
		f->writable[pasid / 4 + at] = 0xffff0000;
		f->writable[sriov / 4 + at] = 0xffffffff;
	}
	f->reg[pcie / 4 + 10] = 0xffff;
	tree_boot(m);
	tree_check_layout(m);
	const struct pci_function *r = tree_record(fn);
	assert_int_equal(r->cap_msi, msi);
	assert_int_equal(r->cap_msix, msix);
	assert_int_equal(r->cap_pm, pm);
	assert_int_equal(r->cap_pcie, pcie);
	assert_int_equal(r->cap_af, af);
	assert_int_equal(r->cap_ats, ats);
	assert_int_equal(r->cap_pri, pri);
	assert_int_equal(r->cap_pasid, pasid);
	assert_int_equal(r->cap_sriov, sriov);
	assert_int_equal(r->cap_ari, ari);
	assert_int_equal(r->cap_acs, acs);
	assert_int_equal(f->reg[msix / 4] >> 30, 1);
	assert_int_equal(f->reg[pri / 4 + 1], 0);
	assert_int_equal(f->reg[pasid / 4 + 1] >> 16, 0);
	assert_int_equal(f->reg[acs / 4 + 1], 0x001d005d);
	/* relaxed ordering and sizes as they were; no snoop off; version 2 controls off */
	assert_int_equal(f->reg[pcie / 4 + 2] & 0xffff, 0x2010);
	assert_int_equal(f->reg[pcie / 4 + 10] & 0xffff, 0x001f);
}

static void sleeping_function_is_woken(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), pm = tree_cap(fn, 0x01, 2, 0);
	u64 before = fake_time_now();

	tree[fn].reg[pm / 4 + 1] = 0x103;
	tree[fn].writable[pm / 4 + 1] = 0x103;
	tree_boot(m);
	assert_int_equal(tree[fn].reg[pm / 4 + 1], 0);
	assert_true(fake_time_now() - before >= 10000);
}

/* Lists that loop, point into the header, at themselves, or are endless. */
static void capability_lists_that_loop_end(void **state UNUSED)
{
	for (u32 next = 0; next < 256; next += 3) {
		struct machine *m = tree_begin();
		u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);
		u64 reads;

		tree_cap(fn, 0x09, 4, 0);
		tree_pcie(fn, 0, false);
		tree[fn].reg[0x50 / 4] |= next << 8;
		tree_ext(fn, 0x0d, 0);
		tree[fn].reg[0x100 / 4] = 0x0001000d | (0x100 + next * 15) << 20;
		tree_boot(m);
		reads = tree_reads;
		assert_true(reads < 12000);
		assert_int_equal(tree_record(fn)->cap_acs, 0x100);
		fake_reset();
	}
}

static void boot_is_cheap(void **state UNUSED)
{
	struct machine *m = tree_begin();

	for (u32 i = 0; i < 8; i++)
		tree_bar(tree_endpoint(TREE_ROOT, i, 1), 0, 4096, 0);
	tree_boot(m);
	/* One read for each slot of 256 buses, and a few dozen for each function. */
	assert_true(tree_reads < 8192 + 8 * 120);
}

/* --- random trees */

static u32 random_kind(void)
{
	static const u32 kinds[] = { 0, BAR_KIND_PREF, BAR_KIND_64, BAR_KIND_64 | BAR_KIND_PREF };

	return kinds[fake_random_below(4)];
}

static void random_bars(u32 fn)
{
	for (u32 bar = 0; bar < 6; bar++) {
		u32 kind = random_kind();

		if (fake_random_below(3) != 0 || (bar == 5 && kind & BAR_KIND_64))
			continue;
		if (fake_random_below(8) == 0) {
			tree_bar(fn, bar, 4ull << fake_random_below(7), BAR_KIND_IO);
			continue;
		}
		tree_bar(fn, bar, 16ull << fake_random_below(kind & BAR_KIND_64 ? 20 : 18), kind);
		bar += kind & BAR_KIND_64 ? 1 : 0;
	}
}

static void random_bus(u32 parent, u8 bus, u32 depth, u32 *budget)
{
	static const int types[] = { PORT, UPSTREAM, DOWN, TO_PCI, PLAIN };

	for (u32 device = 0; device < 32 && *budget > 0; device++) {
		if (fake_random_below(8) != 0)
			continue;
		(*budget)--;
		if (depth < 5 && fake_random_below(3) == 0) {
			u32 b = tree_bridge(parent, bus, device, types[fake_random_below(5)]);

			if (fake_random_below(4) == 0)
				tree_bar(b, 0, 256, 0);
			if (fake_random_below(2) == 0 && tree[b].last_cap != 0)
				tree_acs(b, ALL_ACS);
			random_bus(b, 0, depth + 1, budget);
			continue;
		}
		random_bars(tree_add(parent, bus, device, 0, 0x11112222, 0x020000));
	}
}

static void random_trees(void **state UNUSED)
{
	static u32 copy[TREE_MAX][64];
	u32 refused = 0;

	for (u64 seed = 1; seed <= 600; seed++) {
		struct machine *m = tree_begin();
		u32 budget = 40;
		const char *why;

		fake_seed(seed);
		random_bus(TREE_ROOT, 0, 0, &budget);
		random_bus(TREE_ROOT, 0x80, 0, &budget);
		if (tree_try(m, &why) != OK) {
			if (strstr(why, "does not fit") == NULL)
				suite_fail("seed %lu: %s", seed, why);
			refused++;
			fake_reset();
			continue;
		}
		tree_check_layout(m);
		for (u32 i = 0; i < tree_count; i++)
			memcpy(copy[i], tree[i].reg, 256);
		for (u32 i = 0; i < tree_count; i++)
			memcpy(tree[i].reg, tree[i].initial, sizeof(tree[i].reg));
		tree_boot(m); /* the same again */
		for (u32 i = 0; i < tree_count; i++)
			assert_memory_equal(copy[i], tree[i].reg, 256);
		fake_reset();
	}
	assert_true(refused < 60);
}

/* A window that is smaller than what a bridge can say, and lies across: it holds nothing, and nothing outside is used. */
static void window_below_its_unit_holds_nothing(void **state UNUSED)
{
	struct machine *m = tree_begin();
	const char *why = NULL;

	for (u32 i = 0; i < m->pci[0].window_count; i++)
		if (m->pci[0].window[i].space == PCI_MEM32) {
			m->pci[0].window[i].bus = m->pci[0].window[i].cpu = 0x10080000;
			m->pci[0].window[i].size = 0x1000;
		}
	tree_bar(tree_endpoint(TREE_ROOT, 1, 0x11112222), 0, 4096, 0);
	assert_int_not_equal(tree_try(m, &why), OK);
	assert_non_null(why);
}

/* A function on each of so many buses: the table that finds them ends before the functions' does, and says so. */
static void more_buses_than_the_index(void **state UNUSED)
{
	u32 added = 0;

	tree_boot(tree_begin());
	for (u32 i = 0; i < PCI_MAX_FUNCTIONS && record_add(i & 1, i >> 1 << 8) != NULL; i++)
		added++;
	assert_int_equal(added, PCI_MAX_FUNCTIONS - 1);
	assert_int_equal(pci_function_count, added);
	for (u32 i = 0; i < added; i++)
		assert_int_equal(record_find(i & 1, i >> 1 << 8), i);
	/* On a bus that is known there is room. */
	assert_non_null(record_add(0, 8));
	assert_int_equal(record_find(0, 8), added);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(nothing_is_a_machine_too),
		cmocka_unit_test(bars_of_every_kind_and_size),
		cmocka_unit_test(io_bar_may_decode_16_bits_only),
		cmocka_unit_test(placement_behind_bridges),
		cmocka_unit_test(prefetchable_needs_every_bridge_above),
		cmocka_unit_test(no_io_window_no_io_bar),
		cmocka_unit_test(no_io_window_above_no_io_bar),
		cmocka_unit_test(answers_of_nobody),
		cmocka_unit_test(extended_capability_at_the_end_is_none),
		cmocka_unit_test(each_bridge_has_windows_while_there_is_room),
		cmocka_unit_test(io_goes_to_those_who_need_it),
		cmocka_unit_test(bridges_get_what_others_leave),
		cmocka_unit_test(io_that_finds_no_room_is_left_out),
		cmocka_unit_test(host_without_64_bit_window),
		cmocka_unit_test(bus_address_differs_from_cpu_address),
		cmocka_unit_test(extra_root_bus_keeps_its_number),
		cmocka_unit_test(bus_mastering_goes_first),
		cmocka_unit_test(what_is_found_later_is_silenced_first),
		cmocka_unit_test(firmware_numbers_are_forgotten),
		cmocka_unit_test(two_hosts),
		cmocka_unit_test(neighbours_in_the_table_are_not_mixed_up),
		cmocka_unit_test(functions_beyond_zero_need_the_bit),
		cmocka_unit_test(functions_are_quiet_and_bridges_forward_at_the_end),
		cmocka_unit_test(E2_requester_ids),
		cmocka_unit_test(streams_of_several_iommus),
		cmocka_unit_test(interrupt_pins_rotate),
		cmocka_unit_test(groups_of_slots),
		cmocka_unit_test(G3_groups_below_a_switch),
		cmocka_unit_test(G3_group_below_a_port_without_acs),
		cmocka_unit_test(capabilities_are_recorded_and_quiet),
		cmocka_unit_test(sleeping_function_is_woken),
		cmocka_unit_test(capability_lists_that_loop_end),
		cmocka_unit_test(boot_is_cheap),
		cmocka_unit_test(random_trees),
		cmocka_unit_test(window_below_its_unit_holds_nothing),
		cmocka_unit_test(more_buses_than_the_index),
	};

	return SUITE("pci_layout", cases);
}
