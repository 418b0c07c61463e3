/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ATS of PCI functions: who may have it, what lets it pass on the way up, and the enable bit, which is on only when the core
 * says so, goes with every stop and reset, and is no VM's.
 */
#include "tree.h"

#define FORWARDS 0x1f /* ACS of a port that sends everything up, translation blocking among it */
#define BLOCKING 2u

static u32 ats_at[TREE_MAX], acs_at[TREE_MAX];

static u32 keeper(u32 parent, u32 device)
{
	u32 fn = tree_endpoint(parent, device, 0x11112222);

	tree_pcie(fn, 0, true);
	ats_at[fn] = tree_ext(fn, 0x0f, 0);
	/* A queue of 32, global invalidations; firmware left it on, with a unit of 8 KiB. */
	tree[fn].reg[ats_at[fn] / 4 + 1] = 0x40 | 0x80010000;
	tree[fn].writable[ats_at[fn] / 4 + 1] = 0xffff0000;
	return fn;
}

static u32 control(u32 fn) { return tree[fn].reg[ats_at[fn] / 4 + 1] >> 16; }

static u32 port(u32 parent, u32 device, u32 type, u32 acs)
{
	u32 fn = tree_bridge(parent, 0, device, -1);

	tree_pcie(fn, type, false);
	if (acs != 0)
		acs_at[fn] = tree_acs(fn, acs);
	return fn;
}

static bool blocks(u32 fn) { return (tree[fn].reg[acs_at[fn] / 4 + 1] >> 16 & BLOCKING) != 0; }

static void G1_the_board_and_the_way_up_decide(void **state UNUSED)
{
	for (u32 allowed = 0; allowed < 2; allowed++) {
		struct machine *m = tree_begin();
		u32 plain = tree_endpoint(TREE_ROOT, 7, 0x33334444), root = keeper(TREE_ROOT, 8);
		u32 good = port(TREE_ROOT, 1, 4, FORWARDS), open = port(TREE_ROOT, 2, 4, 0);
		u32 half = port(TREE_ROOT, 3, 4, FORWARDS & ~4u), idle = port(TREE_ROOT, 4, 4, FORWARDS);
		u32 conventional = tree_bridge(TREE_ROOT, 0, 5, -1);
		u32 top = port(TREE_ROOT, 6, 4, FORWARDS), up = port(top, 0, 5, 0), down = port(up, 0, 6, FORWARDS);
		u32 a = keeper(good, 0), b = keeper(open, 0), c = keeper(half, 0), d = keeper(conventional, 0), e = keeper(down, 0);
		u32 f = tree_endpoint(idle, 0, 0x33334444);

		m->pci[0].ats = allowed;
		tree_boot(m);
		assert_int_equal(tree_record(root)->ats, allowed);
		assert_int_equal(tree_record(a)->ats, allowed);
		assert_int_equal(tree_record(e)->ats, allowed);
		assert_false(tree_record(b)->ats || tree_record(c)->ats || tree_record(d)->ats);
		assert_false(tree_record(plain)->ats || tree_record(f)->ats);
		/* What says that it is translated passes where somebody below may say so, and nowhere else. */
		assert_int_equal(blocks(good), !allowed);
		assert_int_equal(blocks(top), !allowed);
		assert_int_equal(blocks(down), !allowed);
		assert_true(blocks(half) && blocks(idle));
		assert_int_equal(control(a) | control(b) | control(root), 0);
		assert_int_equal(tree[good].reg[acs_at[good] / 4 + 1] >> 16 | BLOCKING, FORWARDS);
	}
}

static void on_by_endpoint_off_by_stop(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 a = keeper(TREE_ROOT, 1), b = keeper(TREE_ROOT, 2), plain = tree_endpoint(TREE_ROOT, 3, 0x33334444);
	struct device *d;

	m->pci[0].ats = true;
	tree_boot(m);
	d = tree_device(&tree_primary, (int)a, (int)b, (int)plain, -1);
	tree_record(b)->endpoint = 1;
	tree_record(plain)->endpoint = 1;
	pci_endpoint_ats(d, 1, true);
	assert_int_equal(control(a), 0);
	assert_int_equal(control(b), 0x8000); /* by pages of 4 KiB */
	pci_endpoint_ats(d, 0, true);
	pci_endpoint_ats(d, 1, false);
	assert_int_equal(control(a), 0x8000);
	assert_int_equal(control(b), 0);
	pci_device_master(d, false);
	assert_int_equal(control(a), 0);
	pci_endpoint_ats(d, 0, true); /* stopped: nobody's */
	assert_int_equal(control(a), 0);
	pci_device_master(d, true);
	assert_int_equal(control(a), 0);
}

static void off_before_a_reset_and_after(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = keeper(TREE_ROOT, 1);
	bool again, cleared = false, reset = false;
	struct device *d;

	m->pci[0].ats = true;
	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	pci_endpoint_ats(d, 0, true);
	tree_write_count = 0;
	do {
		assert_int_equal(pci_device_reset(d, &again), OK);
		fake_time_advance(1000);
	} while (again);
	for (u32 i = 0; i < tree_write_count; i++) {
		const struct tree_write *w = &tree_writes[i];

		cleared |= w->offset == ats_at[fn] + 4 && w->value == 0;
		if (w->offset == tree[fn].flr_at + 8 && w->value & 0x8000) {
			assert_true(cleared);
			reset = true;
		}
	}
	assert_true(reset);
	assert_int_equal(control(fn), 0);
}

/* No VM sees the capability, and no access of its owner reaches the bit. */
static void G1_the_owner_cannot_change_it(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = keeper(TREE_ROOT, 1), writes;
	u64 base;

	m->pci[0].ats = true;
	tree_boot(m);
	tree_device(&tree_primary, (int)fn, -1);
	base = tree_ecam(fn) + ats_at[fn];
	writes = tree_write_count;
	for (u32 width = 1; width <= 4; width *= 2)
		for (u32 at = 0; at < 8; at += width) {
			pci_config_write(&tree_primary, 0, base + at, width, 0xffffffff);
			assert_int_equal(pci_config_read(&tree_primary, 0, base + at, width) & (at >= 4 ? 0xffffffff : 0), 0);
		}
	assert_int_equal(tree_write_count, writes);
	assert_int_equal(control(fn), 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(G1_the_board_and_the_way_up_decide),
		cmocka_unit_test(on_by_endpoint_off_by_stop),
		cmocka_unit_test(off_before_a_reset_and_after),
		cmocka_unit_test(G1_the_owner_cannot_change_it),
	};

	return SUITE("pci_ats", cases);
}
