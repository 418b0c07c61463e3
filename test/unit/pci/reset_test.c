/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets: which way, in which order, how long, what is left behind, and what is never tried. */
#include "tree.h"

/* Run a reset to its end; *calls counts the turns, 1 ms apart. */
static enum status run(struct device *d, u32 *calls)
{
	enum status status;
	bool again;

	*calls = 0;
	do {
		status = pci_device_reset(d, &again);
		fake_time_advance(1000);
		(*calls)++;
		assert_true(*calls < 5000);
		assert_true(status == OK || !again);
	} while (again);
	return status;
}

static u32 config(u32 fn, u32 offset)
{
	return pci_config_read(&tree_primary, 0, tree_ecam(fn) + offset, 4);
}

static void enable(u32 fn)
{
	pci_config_write(&tree_primary, 0, tree_ecam(fn) + 4, 2, 7);
	pci_config_write(&tree_primary, 0, tree_ecam(fn) + 0x0c, 2, 0x4010);
	pci_config_write(&tree_primary, 0, tree_ecam(fn) + 0x3c, 1, 0x33);
}

/* As after a boot: nothing of the last owner, addresses as before. */
static void assert_as_new(u32 fn, u32 bar0)
{
	assert_int_equal(tree[fn].reg[1] & 0xffff, 0);
	assert_int_equal(tree[fn].reg[3] & 0xffff, 0);
	assert_int_equal(tree[fn].reg[4], bar0);
	assert_int_equal(config(fn, 0x10), bar0); /* sizing that one owner began is not the next's */
	assert_int_equal(config(fn, 0), tree[fn].reg[0]);
	assert_int_equal(config(fn, 0x3c) & 0xff, 0);
}

static void function_level_reset(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), pcie, pm, bar0, calls;
	struct device *d;
	bool again;

	tree_bar(fn, 0, 0x4000, 0);
	pcie = tree_pcie(fn, 0, true);
	pm = tree_cap(fn, 0x01, 2, 0);
	tree[fn].reg[pm / 4 + 1] = 0x100;
	tree[fn].writable[pm / 4 + 1] = 0x103;
	tree[fn].reset_us = 50000;
	tree_boot(m);
	bar0 = tree[fn].reg[4];
	d = tree_device(&tree_primary, (int)fn, -1);
	enable(fn);
	pci_config_write(&tree_primary, 0, tree_ecam(fn) + 0x10, 4, 0xffffffff);
	assert_int_equal(pci_device_reset(d, &again), OK);
	assert_true(again);
	assert_int_equal(tree[fn].resets, 1);
	assert_int_equal(config(fn, 0), 0xffffffff); /* nobody's meanwhile */
	pci_config_write(&tree_primary, 0, tree_ecam(fn) + 4, 2, 7);
	assert_int_equal(run(d, &calls), OK);
	assert_true(calls >= 99 && calls < 110);
	assert_int_equal(tree[fn].resets, 1);
	assert_as_new(fn, bar0);
	assert_int_equal(tree[fn].reg[pcie / 4 + 2] & 0xffff, 0x2010); /* no snoop is off again */
	assert_int_equal(tree[fn].reg[pm / 4 + 1], 0);
}

/* Mastering goes before the reset comes, and never comes back by itself. */
static void E6_mastering_goes_first(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), pcie = tree_pcie(fn, 0, true);
	u32 calls, first;
	bool off = false;

	tree_boot(m);
	tree_device(&tree_primary, (int)fn, -1);
	enable(fn);
	first = tree_write_count;
	assert_int_equal(run(tree_record(fn)->device, &calls), OK);
	for (u32 i = first; i < tree_write_count; i++) {
		const struct tree_write *w = &tree_writes[i];

		if (w->offset == 4) {
			off = true;
			assert_int_equal(w->value & 4, 0);
		}
		if (w->offset == pcie + 8 && w->value & 0x8000)
			assert_true(off);
	}
}

static void waits_for_what_is_in_flight(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), pcie = tree_pcie(fn, 0, true);
	struct device *d;
	bool again;

	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	tree[fn].reg[pcie / 4 + 2] |= 1u << 21;
	for (u32 i = 0; i < 5; i++) {
		assert_int_equal(pci_device_reset(d, &again), OK);
		assert_true(again);
		assert_int_equal(tree[fn].resets, 0);
	}
	tree[fn].reg[pcie / 4 + 2] &= ~(1u << 21);
	assert_int_equal(pci_device_reset(d, &again), OK);
	assert_int_equal(tree[fn].resets, 1);
}

/* Requests that are never answered do not hold a reset up for ever. */
static void what_is_in_flight_has_a_limit(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), pcie = tree_pcie(fn, 0, true), calls;
	struct device *d;

	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	tree[fn].reg[pcie / 4 + 2] |= 1u << 21;
	assert_int_equal(run(d, &calls), OK);
	assert_true(calls > 1000 && calls < 1300);
	assert_int_equal(tree[fn].resets, 1);
}

static void advanced_features_reset(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), af = tree_cap(fn, 0x13, 2, 0), calls;
	struct device *d;

	tree[fn].reg[af / 4] |= 0x03060000;
	tree[fn].af_at = af;
	tree_bar(fn, 0, 0x1000, 0);
	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	enable(fn);
	assert_int_equal(run(d, &calls), OK);
	assert_int_equal(tree[fn].resets, 1);
	assert_as_new(fn, (u32)tree_record(fn)->bar[0].addr);
}

static void answers_late_or_never(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), calls;
	struct device *d;

	tree_pcie(fn, 0, true);
	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	tree[fn].reset_us = 600000;
	assert_int_equal(run(d, &calls), OK);
	assert_true(calls > 590);
	tree[fn].reset_us = 10000000;
	assert_int_equal(run(d, &calls), E_IO);
	assert_true(calls < 1300);
	assert_int_equal(config(fn, 0), 0xffffffff);
	/* It can be tried again, and is nobody's until that works. */
	fake_time_advance(10000000);
	tree[fn].reset_us = 0;
	assert_int_equal(config(fn, 0), 0xffffffff);
	assert_int_equal(tree[fn].resets, 2);
	assert_int_equal(run(d, &calls), OK);
	assert_int_equal(tree[fn].resets, 3);
	assert_int_equal(config(fn, 0), 0x11112222);
}

static void registers_that_do_not_come_back(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), calls;
	struct device *d;

	tree_pcie(fn, 0, true);
	tree_bar(fn, 0, 0x1000, 0);
	tree[fn].loses_bars = true;
	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	assert_int_equal(run(d, &calls), E_IO);
	assert_int_equal(config(fn, 0), 0xffffffff);
}

/* E6: a function that goes on mastering the bus, whatever it is told, has not been reset. */
static void E6_mastering_that_does_not_go(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), calls;
	struct device *d;

	tree_pcie(fn, 0, true);
	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	assert_int_equal(run(d, &calls), OK);
	tree[fn].writable[1] &= ~4u;
	tree[fn].initial[1] |= 4;
	assert_int_equal(run(d, &calls), E_IO);
	assert_int_equal(config(fn, 0), 0xffffffff);
}

/* --- the secondary bus */

static void secondary_bus_reset_when_alone(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 port = tree_bridge(TREE_ROOT, 0, 1, 4), a = tree_endpoint(port, 0, 0x11112222);
	u32 b, calls, bar0, buses, first;
	struct device *d;
	bool again;

	tree_multi(a);
	b = tree_add(port, 0, 0, 1, 0x33334444, 0x010000);
	tree_pcie(b, 0, true); /* this one could alone, the other cannot */
	tree_bar(a, 0, 0x1000, 0);
	tree[a].reset_us = tree[b].reset_us = 20000;
	tree_boot(m);
	bar0 = tree[a].reg[4];
	buses = tree[port].reg[6];
	d = tree_device(&tree_primary, (int)a, (int)b, -1);
	enable(a);
	enable(b);
	first = tree_write_count;
	assert_int_equal(pci_device_reset(d, &again), OK);
	assert_true(again && tree[a].held && tree[b].held);
	assert_int_equal(run(d, &calls), OK);
	assert_true(!tree[a].held && tree[a].resets == 1 && tree[b].resets == 1);
	assert_true(calls >= 102);
	assert_as_new(a, bar0);
	assert_as_new(b, 0);
	assert_int_equal(tree[port].reg[6], buses);
	assert_int_equal(tree[port].reg[15] & 0x00400000, 0);
	for (u32 i = first; i < tree_write_count; i++)
		if (tree_writes[i].fn == port)
			assert_int_equal(tree_writes[i].offset, 0x3c);
}

static void assert_denied(struct device *d, u32 fn)
{
	u32 count = tree_write_count;
	bool again;

	assert_int_equal(pci_device_reset(d, &again), E_DENIED);
	assert_false(again);
	assert_int_equal(tree_write_count, count);
	assert_int_equal(config(fn, 0), tree[fn].reg[0]);
}

static void no_way_is_denied_and_changes_nothing(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 root = tree_endpoint(TREE_ROOT, 1, 0x11112222);
	u32 conv = tree_bridge(TREE_ROOT, 0, 2, -1);
	u32 a = tree_endpoint(conv, 0, 0x11112222), b = tree_endpoint(conv, 1, 0x11112222);
	u32 other = tree_bridge(TREE_ROOT, 0, 3, -1), c = tree_endpoint(other, 0, 0x11112222);

	tree_bridge(other, 0, 1, -1);
	tree_boot(m);
	assert_denied(tree_device(&tree_primary, (int)root, -1), root);
	/* somebody else's function below the same bridge, and a bridge below it */
	tree_device(&tree_primary, (int)b, -1);
	assert_denied(tree_device(&tree_primary, (int)a, -1), a);
	assert_denied(tree_device(&tree_primary, (int)c, -1), c);
}

static void alias_set_is_alone_below_its_bridge(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 conv = tree_bridge(TREE_ROOT, 0, 2, -1), calls;
	u32 a = tree_endpoint(conv, 0, 0x11112222), b = tree_endpoint(conv, 1, 0x11112222);
	struct device *d;

	tree_boot(m);
	d = tree_device(&tree_primary, (int)a, (int)b, -1);
	assert_int_equal(run(d, &calls), OK);
	assert_int_equal(tree[a].resets + tree[b].resets, 2);
}

static void device_without_functions(void **state UNUSED)
{
	struct machine *m = tree_begin();
	struct device d = { .vm = &tree_primary };
	bool again;

	tree_boot(m);
	assert_int_equal(pci_device_reset(&d, &again), E_DENIED);
}

/* --- devices by name */

static u32 add_edu(u32 parent, u32 device)
{
	u32 fn = tree_endpoint(parent, device, 0x11e81234);

	tree_bar(fn, 0, 0x100000, 0);
	tree[fn].kind = TREE_EDU;
	return fn;
}

static void edu_waits_for_its_transfer(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = add_edu(tree_bridge(TREE_ROOT, 0, 1, -1), 3), calls;
	struct device *d;

	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	enable(fn);
	tree[fn].busy_until = fake_time_now() + 100000;
	tree[fn].irq = 0x80;
	tree[fn].dma[0] = tree[fn].dma[1] = tree[fn].dma[2] = 0x41000000;
	assert_int_equal(run(d, &calls), OK);
	assert_true(calls > 95 && calls < 110);
	assert_int_equal(tree[fn].irq, 0);
	assert_int_equal(tree[fn].dma[0] | tree[fn].dma[1] | tree[fn].dma[2], 0);
	assert_as_new(fn, (u32)tree_record(fn)->bar[0].addr);
	assert_int_equal(tree_strays, 0);
	assert_int_equal(run(d, &calls), OK);
	assert_int_equal(calls, 1); /* idle: at once */
}

static void edu_that_never_ends(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = add_edu(TREE_ROOT, 3), calls;
	struct device *d;

	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	enable(fn);
	tree[fn].busy_until = ~0ull;
	assert_int_equal(run(d, &calls), E_IO);
	assert_true(calls > 900 && calls < 1100);
	assert_int_equal(tree[fn].reg[1] & 7, 0);
	assert_int_equal(config(fn, 0), 0xffffffff);
}

/* Its registers are where every edu has them, or it is not one: nothing is written to another kind of memory by that name. */
static void edu_with_other_registers_is_not_reset(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 3, 0x11e81234), calls;

	tree_bar(fn, 0, 0x100000, BAR_KIND_64 | BAR_KIND_PREF);
	tree[fn].kind = TREE_EDU;
	tree_boot(m);
	enable(fn);
	tree[fn].irq = 0x80;
	assert_int_equal(run(tree_device(&tree_primary, (int)fn, -1), &calls), E_IO);
	assert_int_equal(tree[fn].irq, 0x80);
	assert_int_equal(tree[fn].reg[1] & 7, 0);
}

/* A CPU that is away behind its look (firmware, an emulator's host) finds the time over and the device ready: it looks again. */
static void who_was_away_looks_again(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 edu = add_edu(TREE_ROOT, 3), flr = tree_endpoint(TREE_ROOT, 4, 0x11112222), calls;

	tree_pcie(flr, 0, true);
	tree_boot(m);
	tree[edu].busy_until = fake_time_now() + 100000;
	tree[edu].away_us = 10000000;
	assert_int_equal(run(tree_device(&tree_primary, (int)edu, -1), &calls), OK);
	assert_int_equal(calls, 2);
	tree[flr].reset_us = 200000;
	tree[flr].away_us = 10000000;
	assert_int_equal(run(tree_device(&tree_primary, (int)flr, -1), &calls), OK);
	assert_int_equal(tree[flr].resets, 1);
	assert_int_equal(tree[edu].away_us | tree[flr].away_us, 0);
}

/* Not the device that it says it is: no register to ask. */
static void edu_without_its_registers(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 3, 0x11e81234), calls;

	tree_boot(m);
	assert_int_equal(run(tree_device(&tree_primary, (int)fn, -1), &calls), E_IO);
	m = tree_begin();
	fn = tree_endpoint(TREE_ROOT, 3, 0x11e81234);
	tree_bar(fn, 0, 64, 0);
	tree_boot(m);
	assert_int_equal(run(tree_device(&tree_primary, (int)fn, -1), &calls), E_IO);
	assert_int_equal(tree_strays, 0);
}

static void testdev_is_disarmed(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 3, 0x00051b36), calls;
	struct device *d;

	m->option.testdev = true;
	tree_bar(fn, 0, 0x1000, 0);
	tree[fn].kind = TREE_TESTDEV;
	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	tree[fn].armed = true;
	tree[fn].reg[1023] = 64;
	assert_int_equal(run(d, &calls), OK);
	assert_false(tree[fn].armed);
	assert_int_equal(tree[fn].dmas, 0);
	tree[fn].armed = tree[fn].stubborn = true;
	assert_int_equal(run(d, &calls), E_IO);
	assert_int_equal(tree[fn].dmas, 0);
	assert_int_equal(config(fn, 0), 0xffffffff);
}

static void virtio_by_its_status(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_virtio(TREE_ROOT, 3, 0x1042, true), calls;
	struct device *d;

	tree_boot(m);
	d = tree_device(&tree_primary, (int)fn, -1);
	enable(fn);
	tree[fn].status = 0xf;
	tree[fn].status_polls = 5;
	assert_int_equal(run(d, &calls), OK);
	assert_int_equal(tree[fn].status, 0);
	assert_true(calls >= 5 && calls < 10);
	assert_int_equal(tree[fn].odd_writes, 0);
	assert_int_equal(tree[fn].reg[tree[fn].access_at / 4 + 3], 0);
	tree[fn].status_polls = 100000;
	assert_int_equal(run(d, &calls), E_IO);
}

/* One slot of two devices by name and one function with its own reset, together. */
static void functions_of_all_kinds_together(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 edu = add_edu(TREE_ROOT, 3), test, flr, calls;
	struct device *d;

	m->option.testdev = true;
	tree_multi(edu);
	test = tree_add(TREE_ROOT, 0, 3, 1, 0x00051b36, 0x00ff00);
	tree_bar(test, 0, 0x1000, 0);
	tree[test].kind = TREE_TESTDEV;
	flr = tree_add(TREE_ROOT, 0, 3, 2, 0x11112222, 0x010802);
	tree_pcie(flr, 0, true);
	tree_boot(m);
	d = tree_device(&tree_primary, (int)edu, (int)test, (int)flr, -1);
	tree[edu].busy_until = fake_time_now() + 30000;
	assert_int_equal(run(d, &calls), OK);
	assert_true(calls > 125 && calls < 140);
	assert_int_equal(tree[flr].resets, 1);
	assert_int_equal(tree[edu].resets, 0);
	assert_int_equal(config(flr, 0), 0x11112222);
}

/* --- a read that fails, at every moment */

static u32 one_with_flr(void)
{
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222);

	tree_pcie(fn, 0, true);
	return fn;
}

static u32 one_with_af(void)
{
	u32 fn = tree_endpoint(TREE_ROOT, 1, 0x11112222), af = tree_cap(fn, 0x13, 2, 0);

	tree[fn].reg[af / 4] |= 0x03060000;
	tree[fn].af_at = af;
	return fn;
}

static u32 one_by_its_bus(void)
{
	u32 fn = tree_endpoint(tree_bridge(TREE_ROOT, 0, 1, 4), 0, 0x11112222);

	tree_pcie(fn, 0, false);
	return fn;
}

static u32 one_edu(void) { return add_edu(TREE_ROOT, 1); }

static u32 one_virtio(void) { return tree_virtio(TREE_ROOT, 1, 0x1042, true); }

enum failure { READ,
	       READS,
	       WRITE };

/* The n-th read of its configuration space answers ones, or all from there on, or a write has no effect. False: there is no n-th one. */
static bool reset_fails(u32 (*make)(void), u32 n, enum failure failure)
{
	struct machine *m = tree_begin();
	u32 fn = make(), calls, bar0;
	enum status status;
	struct device *d;
	bool was;

	tree_boot(m);
	bar0 = tree[fn].reg[4];
	d = tree_device(&tree_primary, (int)fn, -1);
	enable(fn);
	if (failure == WRITE) {
		tree_fault.write_nth = n;
	} else {
		tree[fn].mood = MOOD_ONES;
		tree[fn].good_reads = n - 1;
		tree[fn].bad_reads = failure == READ;
	}
	status = run(d, &calls);
	was = tree_fault.hit || (tree[fn].good_reads == 0 && (tree[fn].mood == MOOD_GOOD) == (failure == READ) && failure != WRITE);
	tree_fault = (struct tree_fault){ 0 };
	tree[fn].mood = MOOD_GOOD;
	tree[fn].good_reads = 0;
	if (status != OK) {
		assert_int_equal(status, E_IO);
		assert_int_equal(config(fn, 0), 0xffffffff);
		assert_int_equal(tree[fn].reg[1] & 7, 0);
		assert_int_equal(run(d, &calls), OK);
	}
	if (tree[fn].kind == TREE_PLAIN)
		assert_int_not_equal(tree[fn].resets, 0);
	assert_as_new(fn, bar0);
	return was;
}

static void reset_sweep(enum failure failure)
{
	static u32 (*const make[])(void) = { one_with_flr, one_with_af, one_by_its_bus, one_edu, one_virtio };

	for (u32 i = 0; i < ARRAY_SIZE(make); i++) {
		u32 n = 1;

		while (reset_fails(make[i], n, failure))
			assert_true(++n < 2000);
		assert_true(n > 1);
	}
}

/* What says that it was reset has been; what does not is nobody's, and can be tried again. */
static void E3_E9_reads_that_fail(void **state UNUSED)
{
	reset_sweep(READ);
	reset_sweep(READS);
}

static void E3_E9_writes_that_are_lost(void **state UNUSED) { reset_sweep(WRITE); }

/* --- hundreds of functions behind a conventional bridge, all one device */

#define SLOTS 25u
#define LARGE (8 * SLOTS)
static u32 large[LARGE];

static struct device *large_device(const struct machine *m, u32 count)
{
	struct device *d;

	tree_boot(m);
	d = tree_device(&tree_primary, -1);
	for (u32 i = 0; i < count; i++)
		device_function_add(d, tree_record(large[i]));
	return d;
}

static void V9_E6_a_call_deals_with_few_functions(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 conv = tree_bridge(TREE_ROOT, 0, 2, -1), calls = 0, writes;
	struct device *d;
	bool again;

	for (u32 i = 0; i < LARGE; i++)
		large[i] = tree_add(conv, 0, i / 8, i % 8, 0x11112222, 0x00ff00);
	for (u32 i = 0; i < SLOTS; i++)
		tree_multi(large[8 * i]);
	d = large_device(m, LARGE);
	for (u32 i = 0; i < LARGE; i++)
		pci_config_write(&tree_primary, 0, tree_ecam(large[i]) + 0x3c, 1, 0x33);
	writes = tree_write_count;
	do {
		u64 accesses = tree_reads + tree_write_count;

		assert_int_equal(pci_device_reset(d, &again), OK);
		assert_true(tree_reads + tree_write_count - accesses < 5 * LARGE);
		fake_time_advance(1000);
		assert_true(++calls < 1000);
		/* Nobody's from the stop to the end, the first and the last. */
		if (tree_write_count > writes && again)
			for (u32 i = 0; i < LARGE; i++)
				assert_int_equal(config(large[i], 0), ~0u);
	} while (again);
	assert_true(calls > 3 * (SLOTS - 1));
	for (u32 i = 0; i < LARGE; i++) {
		assert_int_equal(tree[large[i]].resets, 1);
		assert_as_new(large[i], 0);
	}
}

/* Each has all of the time that one has. */
static void V9_E6_who_is_dealt_with_later_has_as_long(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 conv = tree_bridge(TREE_ROOT, 0, 2, -1), calls;
	struct device *d;

	for (u32 i = 0; i < 12; i++)
		large[i] = add_edu(conv, i);
	d = large_device(m, 12);
	tree[large[1]].busy_until = fake_time_now() + 900000;
	tree[large[11]].busy_until = fake_time_now() + 1500000;
	assert_int_equal(run(d, &calls), OK);
	assert_true(calls > 1400 && calls < 1550);
	tree[large[11]].busy_until = fake_time_now() + 1500000;
	assert_int_equal(run(d, &calls), E_IO);
}

/* The last that is asked has no way. */
static void V9_E6_no_way_for_one_of_many_changes_nothing(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 conv = tree_bridge(TREE_ROOT, 0, 2, -1), calls, writes;
	struct device *d;

	for (u32 i = 0; i < 19; i++)
		large[i] = add_edu(conv, i);
	large[19] = tree_endpoint(conv, 19, 0x11112222);
	tree_endpoint(conv, 20, 0x11112222); /* another's */
	d = large_device(m, 20);
	writes = tree_write_count;
	assert_int_equal(run(d, &calls), E_DENIED);
	assert_int_equal(calls, 3);
	assert_int_equal(tree_write_count, writes);
	assert_int_equal(config(large[0], 0), 0x11e81234);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(function_level_reset),
		cmocka_unit_test(E6_mastering_goes_first),
		cmocka_unit_test(waits_for_what_is_in_flight),
		cmocka_unit_test(what_is_in_flight_has_a_limit),
		cmocka_unit_test(advanced_features_reset),
		cmocka_unit_test(answers_late_or_never),
		cmocka_unit_test(registers_that_do_not_come_back),
		cmocka_unit_test(E6_mastering_that_does_not_go),
		cmocka_unit_test(secondary_bus_reset_when_alone),
		cmocka_unit_test(no_way_is_denied_and_changes_nothing),
		cmocka_unit_test(alias_set_is_alone_below_its_bridge),
		cmocka_unit_test(device_without_functions),
		cmocka_unit_test(edu_waits_for_its_transfer),
		cmocka_unit_test(edu_that_never_ends),
		cmocka_unit_test(edu_with_other_registers_is_not_reset),
		cmocka_unit_test(who_was_away_looks_again),
		cmocka_unit_test(edu_without_its_registers),
		cmocka_unit_test(testdev_is_disarmed),
		cmocka_unit_test(virtio_by_its_status),
		cmocka_unit_test(functions_of_all_kinds_together),
		cmocka_unit_test(E3_E9_reads_that_fail),
		cmocka_unit_test(E3_E9_writes_that_are_lost),
		cmocka_unit_test(V9_E6_a_call_deals_with_few_functions),
		cmocka_unit_test(V9_E6_who_is_dealt_with_later_has_as_long),
		cmocka_unit_test(V9_E6_no_way_for_one_of_many_changes_nothing),
	};

	return SUITE("pci_reset", cases);
}
