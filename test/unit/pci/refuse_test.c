/* SPDX-License-Identifier: BSD-2-Clause */
/* What a boot refuses, by name; and devices that lie in every answer. */
#include <string.h>

#include "tree.h"

static void assert_refused(const struct machine *m, const char *name, const char *text)
{
	const char *why;

	assert_int_equal(tree_try(m, &why), E_INVAL);
	if (strstr(why, name) == NULL || strstr(why, text) == NULL)
		suite_fail("expected \"%s ... %s\", got \"%s\"", name, text, why);
}

/* --- what would bypass the IOMMU */

static void virtio_with_access_platform_is_welcome(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_virtio(TREE_ROOT, 3, 0x1042, true);

	tree_boot(m);
	tree_check_layout(m);
	/* The access capability is left pointing nowhere. */
	assert_int_equal(tree[fn].reg[tree[fn].access_at / 4 + 3], 0);
	assert_int_equal(tree[fn].feature_word, 0);
}

static void virtio_without_access_platform(void **state UNUSED)
{
	struct machine *m = tree_begin();

	tree_virtio(TREE_ROOT, 3, 0x1042, false);
	assert_refused(m, "0000:00:03.0 (1af4:1042)", "VIRTIO_F_ACCESS_PLATFORM");
}

static void virtio_transitional(void **state UNUSED)
{
	static const u32 ids[] = { 0x1000, 0x1001, 0x103f };

	for (u32 i = 0; i < ARRAY_SIZE(ids); i++) {
		struct machine *m = tree_begin();

		tree_virtio(TREE_ROOT, 4, ids[i], true);
		assert_refused(m, "0000:00:04.0", "legacy");
		fake_reset();
	}
}

static void virtio_modern_with_legacy_bar(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_virtio(TREE_ROOT, 4, 0x1041, true);

	tree_bar(fn, 0, 64, BAR_KIND_IO);
	assert_refused(m, "0000:00:04.0", "legacy");
}

/* The legacy BAR must be seen even where it would find no room. */
static void virtio_legacy_bar_behind_a_bridge_without_io(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, 4), fn = tree_virtio(port, 0, 0x1041, true);

	tree[port].reg[7] = 0;
	tree[port].writable[7] = 0;
	tree_bar(fn, 0, 64, BAR_KIND_IO);
	assert_refused(m, "0000:01:00.0", "legacy");
}

static void virtio_without_access_capability(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_virtio(TREE_ROOT, 4, 0x1041, true);

	tree[fn].reg[tree[fn].access_at / 4] = 0x04140009;
	assert_refused(m, "0000:00:04.0", "capabilities");
}

static void virtio_whose_features_are_ones(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_virtio(TREE_ROOT, 4, 0x1041, true);

	tree[fn].features[1] = 0xffffffff;
	assert_refused(m, "0000:00:04.0", "VIRTIO_F_ACCESS_PLATFORM");
}

static void other_devices_of_that_vendor_are_not_virtio(void **state UNUSED)
{
	struct machine *m = tree_begin();

	tree_endpoint(TREE_ROOT, 4, 0x11101af4);
	tree_endpoint(TREE_ROOT, 5, 0x0fff1af4);
	tree_endpoint(TREE_ROOT, 6, 0x10801af4);
	tree_boot(m);
}

/* The legacy interface is in I/O space; a first BAR in memory is the modern one's. */
static void virtio_whose_first_bar_is_memory(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_virtio(TREE_ROOT, 4, 0x1041, true);

	tree_bar(fn, 0, 0x1000, 0);
	tree_boot(m);
	tree_check_layout(m);
}

/* One that would end outside of configuration space shows nothing, however its header reads. */
static void virtio_whose_capability_ends_outside(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_virtio(TREE_ROOT, 4, 0x1041, true);

	tree[fn].reg[tree[fn].access_at / 4] = 0x04140009;
	tree[fn].reg[tree_cap(fn, 0x09, 1, 0xf0) / 4] |= 0x05140000;
	assert_refused(m, "0000:00:04.0", "capabilities");
}

static void testdev_needs_the_option(void **state UNUSED)
{
	struct machine *m = tree_begin();

	tree_endpoint(TREE_ROOT, 9, 0x00051b36);
	assert_refused(m, "0000:00:09.0 (1b36:0005)", "testdev");
	m->option.testdev = true;
	tree_boot(m);
}

static void F2_function_without_a_stream(void **state UNUSED)
{
	struct machine *m = tree_begin();

	m->pci[0].sidmap[0].count = 0x800;
	tree_endpoint(TREE_ROOT, 1, 0x11112222);
	tree_endpoint(tree_bridge(TREE_ROOT, 8, 0, 4), 0, 0x33334444);
	assert_refused(m, "0000:09:00.0 (4444:3333)", "no IOMMU");
	m->pci[0].sidmap[0].count = 8; /* the first id that is not covered */
	assert_refused(m, "0000:00:01.0", "no IOMMU");
	m->pci[0].sidmap[0] = (struct machine_sidmap){ .rid = 9, .count = 0x10000 };
	assert_refused(m, "0000:00:01.0", "no IOMMU");
	m->pci[0].sidmap[0].rid = 0;
	m->pci[0].sidmap[0].count = 0x10000;
	m->pci[0].sidmap[0].iommu = 7;
	assert_refused(m, "0000:00:01.0", "no IOMMU");
}

/* It is the alias that needs a stream, not the function's own number. */
static void alias_without_a_stream(void **state UNUSED)
{
	struct machine *m = tree_begin();

	m->pci[0].sidmap[0] = (struct machine_sidmap){ .rid = 0x100, .count = 0x100 };
	tree_endpoint(tree_bridge(TREE_ROOT, 0, 1, -1), 5, 0x33334444);
	assert_refused(m, "0000:01:05.0", "no IOMMU");
}

static void host_bridges_and_bridges_need_none(void **state UNUSED)
{
	struct machine *m = tree_begin();

	m->pci[0].sidmap_count = 0;
	tree_add(TREE_ROOT, 0, 0, 0, 0x00081b36, 0x060000);
	tree_bridge(TREE_ROOT, 0, 1, 4);
	tree_boot(m);
	assert_true(pci_function[0].no_iommu && pci_function[1].no_iommu);
}

/* --- what cannot be set up */

static void more_functions_than_the_table(void **state UNUSED)
{
	struct machine *m = tree_begin();

	for (u32 i = 0; i < 33; i++)
		for (u32 fn = 0; fn < 8; fn++)
			tree_multi(tree_add(TREE_ROOT, (u8)(i / 32), i % 32, fn, 0x11112222,
					    0x010000));
	assert_refused(m, "", "more PCI functions");
	assert_int_equal(tree_masters, 0);
}

static void exactly_the_table(void **state UNUSED)
{
	struct machine *m = tree_begin();

	for (u32 i = 0; i < 32; i++)
		for (u32 fn = 0; fn < 8; fn++)
			tree_multi(tree_add(TREE_ROOT, 0, i, fn, 0x11112222, 0x010000));
	tree_boot(m);
	tree_check_layout(m);
	tree_device(&tree_primary, 0, 255, -1);
	assert_int_equal(pci_config_read(&tree_primary, 0, 0xff000, 4), 0x11112222);
}

static void no_bus_number_left(void **state UNUSED)
{
	struct machine *m = tree_begin();

	for (u32 i = 0; i < 3; i++)
		tree_bridge(TREE_ROOT, 0, i, 4);
	tree_endpoint(TREE_ROOT, 5, 1);
	tree_bridge(TREE_ROOT, 3, 0, 4);
	assert_refused(m, "0000:00:02.0", "no bus number");
	m->pci[0].bus_last = 3;
	tree_begin();
	for (u32 i = 0; i < 4; i++)
		tree_bridge(TREE_ROOT, 0, i, 4);
	m->pci[0].bus_last = 3;
	assert_refused(m, "0000:00:03.0", "no bus number");
}

static void more_root_buses_than_the_table(void **state UNUSED)
{
	struct machine *m = tree_begin();

	for (u32 i = 0; i < 33; i++)
		tree_endpoint(TREE_ROOT, 0, 1);
	for (u32 i = 0; i < 33; i++)
		tree[i].bus = (u8)(i * 2);
	assert_refused(m, "", "root buses");
}

static void bar_too_large_for_its_window(void **state UNUSED)
{
	struct machine *m = tree_begin();

	tree_bar(tree_endpoint(TREE_ROOT, 1, 1), 0, 1u << 30, 0);
	assert_refused(m, "0000:00:01.0", "does not fit");
	m = tree_begin();
	tree_bar(tree_endpoint(TREE_ROOT, 2, 1), 0, 1ull << 40, BAR_KIND_64);
	assert_refused(m, "0000:00:02.0", "does not fit");
	m = tree_begin();
	tree_bar(tree_endpoint(TREE_ROOT, 3, 1), 0, 1ull << 63, BAR_KIND_64);
	assert_refused(m, "0000:00:03.0", "does not fit");
	/* whatever smaller ones would have found room behind it */
	m = tree_begin();
	tree_bar(tree_endpoint(TREE_ROOT, 1, 1), 0, 1u << 30, 0);
	tree_bar(tree_endpoint(TREE_ROOT, 2, 1), 0, 1u << 12, 0);
	assert_refused(m, "0000:00:01.0", "does not fit");
	/* what a 32-bit register can hold ends at 4 GiB, whatever the window says */
	m = tree_begin();
	m->pci[0].window[1].bus = 0xffe00000;
	for (u32 i = 4; i < 7; i++)
		tree_bar(tree_endpoint(TREE_ROOT, i, 1), 0, 1u << 20, 0);
	assert_refused(m, "0000:00:06.0", "does not fit");
}

/* flags and writable bits of BAR n, and of BAR n + 1 */
static void bar_that_cannot_be_sized(void **state UNUSED)
{
	static const struct {
		u32 bar, flags, writable, upper;
	} odd[] = {
		{ 0, 0, 0xfff0fff0, 0 },                   /* a hole */
		{ 0, BAR_KIND_IO, 0x0000ff3c, 0 },
		{ 0, 2, 0xfffff000, 0 },                   /* type 01 */
		{ 0, 6, 0xfffff000, 0xffffffff },          /* type 11 */
		{ 5, BAR_KIND_64, 0xfffff000, 0 },         /* no register for the upper half */
		{ 0, BAR_KIND_64, 0xfffff000, 0x000000ff }, /* upper bits missing */
		{ 0, BAR_KIND_64, 0, 0 },
		{ 0, BAR_KIND_PREF, 0, 0 },                /* no address bit at all */
		{ 0, BAR_KIND_IO, 0, 0 },
		{ 2, BAR_KIND_64, 0x7ffff000, 0xffffffff },
	};

	for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
		struct machine *m = tree_begin();
		u32 fn = tree_endpoint(TREE_ROOT, 1, 1);

		tree[fn].reg[4 + odd[i].bar] = odd[i].flags;
		tree[fn].writable[4 + odd[i].bar] = odd[i].writable;
		if (odd[i].bar < 5)
			tree[fn].writable[5 + odd[i].bar] = odd[i].upper;
		assert_refused(m, "0000:00:01.0", "cannot be sized");
		fake_reset();
	}
}

static void bridge_bar_of_64_bits_in_its_second_register(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_bridge(TREE_ROOT, 0, 1, 4);

	tree[fn].reg[5] = BAR_KIND_64;
	tree[fn].writable[5] = 0xfffff000;
	assert_refused(m, "0000:00:01.0", "cannot be sized");
}

static void moods(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);

	tree[fn].mood = MOOD_ONES;
	assert_refused(m, "0000:00:01.0 (2222:1111)", "header");
	m = tree_begin();
	fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);
	tree_bar(fn, 0, 4096, 0);
	tree[fn].mood = MOOD_STUCK_BAR;
	assert_refused(m, "0000:00:01.0", "does not hold");
	m = tree_begin();
	fn = tree_bridge(TREE_ROOT, 0, 2, 4);
	tree[fn].mood = MOOD_DEAF;
	assert_refused(m, "0000:00:02.0", "bus numbers");
}

static void bridge_that_forgets_its_windows(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 2, 4);

	tree_bar(tree_endpoint(port, 0, 1), 0, 4096, 0);
	tree[port].writable[8] = 0x00f000f0;
	assert_refused(m, "0000:00:02.0", "windows");
}

static void header_and_pin_of_no_known_kind(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 1);

	tree[fn].reg[3] = 0x00020000; /* CardBus */
	assert_refused(m, "0000:00:01.0", "header");
	m = tree_begin();
	fn = tree_endpoint(TREE_ROOT, 1, 1);
	tree[fn].reg[15] = 0x500;
	assert_refused(m, "0000:00:01.0", "pin");
}

/* --- lies: whatever it answers, a boot ends soon, and the device has not got the bus */

static void lie(u32 fn)
{
	struct tree_fn *f = &tree[fn];

	switch (fake_random_below(6)) {
	case 0:
		f->mood = MOOD_GARBAGE;
		break;
	case 1: /* at some moment */
		f->mood = MOOD_CHAOS;
		f->good_reads = (u32)fake_random_below(400);
		break;
	case 2:
		f->mood = MOOD_ONES;
		f->good_reads = (u32)fake_random_below(100);
		break;
	case 3: /* random registers that stay as they are */
		for (u32 i = 1; i < 1024; i++)
			f->reg[i] = (u32)fake_random();
		f->reg[3] &= fake_random_below(2) ? 0xff01ffff : 0xff81ffff;
		f->writable[6] = 0xffffffff;
		break;
	case 4: /* random, but whole registers can be written */
		for (u32 i = 16; i < 1024; i++)
			f->writable[i] = fake_random_below(2) ? 0xffffffff : (u32)fake_random();
		break;
	default: /* a random list of capabilities */
		f->reg[1] |= 0x00100000;
		f->reg[13] = (u32)fake_random();
		for (u32 i = 16; i < 1024; i++)
			f->reg[i] = (u32)(fake_random() << 8 | fake_random_below(0x1f));
		break;
	}
}

static void liars(void **state UNUSED)
{
	u32 accepted = 0;

	for (u64 seed = 1; seed <= 1500; seed++) {
		struct machine *m = tree_begin();
		const char *why;
		u32 port;

		fake_seed(seed);
		m->option.testdev = true;
		port = tree_bridge(TREE_ROOT, 0, 1, 4);
		tree_bridge(port, 0, 0, 7);
		tree_endpoint(TREE_ROOT, 2, 0x11112222);
		tree_virtio(port, 3, 0x1042, true);
		tree_bar(tree_endpoint(1, 4, 0x33334444), 0, 0x1000, 0);
		for (u32 i = 0; i <= seed % 2; i++)
			lie((u32)fake_random_below(tree_count));
		if (tree_try(m, &why) == OK)
			accepted++;
		else
			assert_true(strlen(why) > 10);
		assert_true(tree_reads < 2000000);
		assert_true(tree_write_count < TREE_WRITES / 2);
		assert_int_equal(tree_masters, 0);
		/* The filter stays in bounds whatever was accepted. */
		for (u32 i = 0; i < 2000; i++) {
			u64 offset = (fake_random() & 0xffff) << 12 | fake_random_below(4096);
			u32 width = 1u << fake_random_below(3);

			pci_config_read(&tree_primary, 0, offset & ~(width - 1ull), width);
			pci_config_write(&tree_primary, 0, offset & ~(width - 1ull), width,
					 (u32)fake_random());
		}
		fake_reset();
	}
	if (accepted < 200)
		suite_fail("only %u boots went through, the rest proves little", accepted);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(virtio_with_access_platform_is_welcome),
		cmocka_unit_test(virtio_without_access_platform),
		cmocka_unit_test(virtio_transitional),
		cmocka_unit_test(virtio_modern_with_legacy_bar),
		cmocka_unit_test(virtio_legacy_bar_behind_a_bridge_without_io),
		cmocka_unit_test(virtio_without_access_capability),
		cmocka_unit_test(virtio_whose_features_are_ones),
		cmocka_unit_test(other_devices_of_that_vendor_are_not_virtio),
		cmocka_unit_test(virtio_whose_first_bar_is_memory),
		cmocka_unit_test(virtio_whose_capability_ends_outside),
		cmocka_unit_test(testdev_needs_the_option),
		cmocka_unit_test(F2_function_without_a_stream),
		cmocka_unit_test(alias_without_a_stream),
		cmocka_unit_test(host_bridges_and_bridges_need_none),
		cmocka_unit_test(more_functions_than_the_table),
		cmocka_unit_test(exactly_the_table),
		cmocka_unit_test(no_bus_number_left),
		cmocka_unit_test(more_root_buses_than_the_table),
		cmocka_unit_test(bar_too_large_for_its_window),
		cmocka_unit_test(bar_that_cannot_be_sized),
		cmocka_unit_test(bridge_bar_of_64_bits_in_its_second_register),
		cmocka_unit_test(moods),
		cmocka_unit_test(bridge_that_forgets_its_windows),
		cmocka_unit_test(header_and_pin_of_no_known_kind),
		cmocka_unit_test(liars),
	};

	return SUITE("pci_refuse", cases);
}
