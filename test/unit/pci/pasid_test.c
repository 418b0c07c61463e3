/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PASIDs of PCI functions: the width that is believed, and the enable bit, which is set for an
 * assigned endpoint alone, goes with every stop and every reset, and is no VM's.
 */
#include "tree.h"

#define WIDTH(n) ((n) << 8)
#define FORWARDS 0x1d /* ACS of a port that sends everything up */

static u32 pasid_at[TREE_MAX]; /* offset of the capability */

static void prefixes(u32 fn, u32 pcie)
{
	tree[fn].reg[pcie / 4 + 9] |= 1u << 21;
}

static u32 tagger(u32 parent, u32 device, u32 width)
{
	u32 fn = tree_endpoint(parent, device, 0x11112222);

	prefixes(fn, tree_pcie(fn, 0, true));
	pasid_at[fn] = tree_ext(fn, 0x1b, 0);
	/* Execute and privileged requests are supported, and firmware left all three on. */
	tree[fn].reg[pasid_at[fn] / 4 + 1] = WIDTH(width) | 6 | 7 << 16;
	tree[fn].writable[pasid_at[fn] / 4 + 1] = 0xffff0000;
	return fn;
}

static u32 control(u32 fn)
{
	return tree[fn].reg[pasid_at[fn] / 4 + 1] >> 16;
}

static u32 port(u32 parent, u32 device, u32 type, bool with_prefixes, u32 acs)
{
	u32 fn = tree_bridge(parent, 0, device, -1), pcie = tree_pcie(fn, type, false);

	if (with_prefixes)
		prefixes(fn, pcie);
	if (acs != 0)
		tree_acs(fn, acs);
	return fn;
}

static void width_is_the_capabilitys(void **state UNUSED)
{
	for (u32 width = 0; width < 32; width++) {
		struct machine *m = tree_begin();
		u32 fn = tagger(TREE_ROOT, 1, width), plain = tree_endpoint(TREE_ROOT, 2, 0x33334444);

		prefixes(plain, tree_pcie(plain, 0, true));
		tree_boot(m);
		assert_int_equal(tree_record(fn)->pasid_bits, width <= 20 ? width : 0);
		assert_int_equal(tree_record(plain)->pasid_bits, 0);
		assert_int_equal(control(fn), 0);
	}
}

/* Without prefixes of its own a function cannot tag, whatever its capability says. */
static void no_prefixes_no_pasids(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 none = tagger(TREE_ROOT, 1, 8), old = tagger(TREE_ROOT, 2, 8);

	tree[none].reg[tree[none].flr_at / 4 + 9] = 0;
	tree[old].reg[tree[old].flr_at / 4] &= ~(3u << 16); /* version 0: no such register */
	tree_boot(m);
	assert_int_equal(tree_record(none)->pasid_bits, 0);
	assert_int_equal(tree_record(old)->pasid_bits, 0);
}

/* Nor without the register that says so: a capability that ends before it, or a conventional bridge on the way. */
static void no_register_of_prefixes_no_pasids(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 below = tagger(tree_bridge(TREE_ROOT, 0, 1, -1), 0, 8), cut = tree_endpoint(TREE_ROOT, 2, 0x11112222);
	u32 at = tree_cap(cut, 0x10, 8, 0xdc);

	tree[cut].reg[at / 4] |= 2u << 16;
	tree[cut].reg[tree_ext(cut, 0x1b, 0x140) / 4 + 1] = WIDTH(8);
	tree[cut].reg[at / 4 + 9] |= 1u << 21; /* by its place, which is the first extended capability's */
	tree_boot(m);
	assert_int_not_equal(tree_record(below)->cap_pasid, 0);
	assert_int_equal(tree_record(below)->pasid_bits, 0);
	assert_int_equal(tree_record(cut)->cap_pcie, at);
	assert_int_equal(tree_record(cut)->cap_pasid, 0x140);
	assert_int_equal(tree_record(cut)->pasid_bits, 0);
}

/* Every bridge on the way must let prefixes pass and send everything up. */
static void the_way_up_decides(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 good = port(TREE_ROOT, 1, 4, true, FORWARDS);
	u32 deaf = port(TREE_ROOT, 2, 4, false, FORWARDS);
	u32 open = port(TREE_ROOT, 3, 4, true, 0);
	u32 half = port(TREE_ROOT, 4, 4, true, FORWARDS & ~4u);
	u32 conventional = tree_bridge(TREE_ROOT, 0, 5, -1);
	u32 top = port(TREE_ROOT, 6, 4, true, FORWARDS), up = port(top, 0, 5, true, 0);
	u32 down = port(up, 0, 6, true, FORWARDS), leaky = port(up, 1, 6, true, 0);
	const struct {
		u32 fn, bits;
	} row[] = {
		{ tagger(good, 0, 12), 12 },
		{ tagger(deaf, 0, 12), 0 },
		{ tagger(open, 0, 12), 0 },
		{ tagger(half, 0, 12), 0 },
		{ tagger(conventional, 0, 12), 0 },
		{ tagger(down, 0, 12), 12 },
		{ tagger(leaky, 0, 12), 0 },
	};

	tree_boot(m);
	for (u32 i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(tree_record(row[i].fn)->pasid_bits, row[i].bits);
	assert_int_equal(tree_record(good)->pasid_bits, 0); /* a bridge has none itself */
}

static void enabled_by_endpoint_cleared_by_stop(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 a = tagger(TREE_ROOT, 1, 8), b = tagger(TREE_ROOT, 2, 8), plain;
	struct device *d;

	plain = tree_endpoint(TREE_ROOT, 3, 0x33334444);
	tree_boot(m);
	d = tree_device(&tree_primary, (int)a, (int)b, (int)plain, -1);
	tree_record(b)->endpoint = 1;
	tree_record(plain)->endpoint = 1;
	pci_endpoint_pasids(d, 1);
	assert_int_equal(control(a), 0);
	assert_int_equal(control(b), 1); /* the enable bit alone: no execute, no privileged */
	pci_endpoint_pasids(d, 0);
	assert_int_equal(control(a), 1);
	pci_device_master(d, false);
	assert_int_equal(control(a), 0);
	assert_int_equal(control(b), 0);
	pci_endpoint_pasids(d, 1); /* stopped: nobody's */
	assert_int_equal(control(b), 0);
	pci_device_master(d, true);
	assert_int_equal(control(b), 0);
}

/* The function comes back from its reset with all that firmware had left on. */
static void cleared_before_a_reset_and_after(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tagger(TREE_ROOT, 1, 8);
	bool again, cleared = false, reset = false;
	struct device *d;

	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	pci_endpoint_pasids(d, 0);
	assert_int_equal(control(fn), 1);
	tree_write_count = 0;
	do {
		assert_int_equal(pci_device_reset(d, &again), OK);
		fake_time_advance(1000);
	} while (again);
	for (u32 i = 0; i < tree_write_count; i++) {
		const struct tree_write *w = &tree_writes[i];

		cleared |= w->offset == pasid_at[fn] + 4 && w->value == 0;
		if (w->offset == tree[fn].flr_at + 8 && w->value & 0x8000) {
			assert_true(cleared);
			reset = true;
		}
	}
	assert_true(reset);
	assert_int_equal(control(fn), 0);
	pci_endpoint_pasids(d, 0);
	assert_int_equal(control(fn), 1);
}

/* No VM sees the capability, and no access of its owner reaches the bit. */
static void the_owner_cannot_change_it(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tagger(TREE_ROOT, 1, 8), writes;
	u64 base;

	tree_boot(m);
	tree_device(&tree_primary, (int)fn, -1);
	base = tree_ecam(fn) + pasid_at[fn];
	writes = tree_write_count;
	for (u32 width = 1; width <= 4; width *= 2) {
		for (u32 at = 0; at < 8; at += width) {
			pci_config_write(&tree_primary, 0, base + at, width, 0xffffffff);
			assert_int_equal(pci_config_read(&tree_primary, 0, base + at, width) &
						 (at >= 4 ? 0xffffffff : 0),
					 0);
		}
	}
	assert_int_equal(tree_write_count, writes);
	assert_int_equal(control(fn), 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(width_is_the_capabilitys),
		cmocka_unit_test(no_prefixes_no_pasids),
		cmocka_unit_test(no_register_of_prefixes_no_pasids),
		cmocka_unit_test(the_way_up_decides),
		cmocka_unit_test(enabled_by_endpoint_cleared_by_stop),
		cmocka_unit_test(cleared_before_a_reset_and_after),
		cmocka_unit_test(the_owner_cannot_change_it),
	};

	return SUITE("pci_pasid", cases);
}
