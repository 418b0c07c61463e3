/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of a VM's distributor and redistributors: values, widths, and that nothing else exists. */
#include <string.h>

#include "vgic_guest.h"

#define RD_TYPER 0x08u
#define RD_WAKER 0x14u

static u64 at(u64 ipa, u32 width, bool write, u64 value)
{
	struct mem_access a = { .ipa = { ipa }, .width = (u8)width, .write = write, .valid = true, .value = value };

	vgic_access(g, 0, &a);
	return a.value;
}

static u64 rd(u32 vcpu) { return VGIC_REDIST_BASE + vcpu * VGIC_REDIST_BYTES; }

static void regs_identification(void **state UNUSED)
{
	guest_new(3, 4);
	assert_int_equal(dist_read(0x4, 4), 3 | 9 << 19 | 1 << 25);
	assert_int_equal(dist_read(0x8, 4), 0x50000000);
	assert_int_equal(dist_read(0xc, 4), 0);
	assert_int_equal(dist_read(0xffe8, 4), 0x3b);
	dist_write(0x4, 4, ~0u);
	dist_write(0xffe8, 4, ~0u);
	assert_int_equal(dist_read(0x4, 4), 3 | 9 << 19 | 1 << 25);
	assert_int_equal(dist_read(0xffe8, 4), 0x3b);
	for (u32 v = 0; v < 3; v++) {
		u64 typer = (u64)v << 32 | v << 8 | (v == 2) << 4;

		assert_int_equal(at(rd(v), 4, false, 0), 0);
		assert_int_equal(at(rd(v) + 4, 4, false, 0), 0x50000000);
		assert_true(at(rd(v) + RD_TYPER, 8, false, 0) == typer);
		assert_true(at(rd(v) + RD_TYPER, 4, false, 0) == (u32)typer);
		assert_true(at(rd(v) + RD_TYPER + 4, 4, false, 0) == typer >> 32);
		assert_int_equal(at(rd(v) + 0xffe8, 4, false, 0), 0x3b);
	}
}

static void regs_control(void **state UNUSED)
{
	guest_new(2, 4);
	assert_int_equal(dist_read(CTLR, 4), 0x50);
	dist_write(CTLR, 4, ~0u);
	assert_int_equal(dist_read(CTLR, 4), 0x53);
	assert_int_equal(kicked, 3);
	dist_write(CTLR, 4, 2);
	assert_int_equal(dist_read(CTLR, 4), 0x52);
	dist_write(CTLR, 4, 0);
	assert_int_equal(dist_read(CTLR, 4), 0x50);
}

static void regs_waker_answers_sleep_with_children(void **state UNUSED)
{
	guest_new(2, 4);
	assert_int_equal(at(rd(1) + RD_WAKER, 4, false, 0), 6);
	at(rd(1) + RD_WAKER, 4, true, 0);
	assert_int_equal(at(rd(1) + RD_WAKER, 4, false, 0), 0);
	assert_int_equal(at(rd(0) + RD_WAKER, 4, false, 0), 6);
	at(rd(1) + RD_WAKER, 4, true, ~0u);
	assert_int_equal(at(rd(1) + RD_WAKER, 4, false, 0), 6);
}

/* SET and CLEAR of a bit each, in every bank, and in no other. */
static void regs_bits(void **state UNUSED)
{
	static const u32 set[] = { ISENABLER, ISPENDR, ISACTIVER };
	u32 word = 0x80400201;

	guest_new(3, 4);
	for (u32 r = 0; r < ARRAY_SIZE(set); r++) {
		u32 s = set[r], c = set[r] + 0x80;

		for (u32 bank = 1; bank < VGIC_INTIDS / 32; bank++) {
			dist_write(s + 4 * bank, 4, word << bank);
			assert_int_equal(dist_read(s + 4 * bank, 4), word << bank);
			assert_int_equal(dist_read(c + 4 * bank, 4), word << bank);
			dist_write(s + 4 * bank, 4, 0);
			assert_int_equal(dist_read(s + 4 * bank, 4), word << bank);
			dist_write(c + 4 * bank, 4, 1u << 9 << bank);
			assert_int_equal(dist_read(s + 4 * bank, 4), (word ^ 1u << 9) << bank);
		}
		gicr_write(1, s, 4, word);
		assert_int_equal(gicr_read(1, s, 4), word);
		assert_int_equal(gicr_read(0, s, 4), 0);
		assert_int_equal(gicr_read(2, s, 4), 0);
		gicr_write(1, c, 4, ~0u);
		assert_int_equal(gicr_read(1, s, 4), 0);
		/* Private ones are not in the distributor. */
		dist_write(s, 4, ~0u);
		assert_int_equal(dist_read(s, 4), 0);
	}
	for (u32 bank = 1; bank < VGIC_INTIDS / 32; bank++) {
		dist_write(IGROUPR + 4 * bank, 4, word << bank);
		assert_int_equal(dist_read(IGROUPR + 4 * bank, 4), word << bank);
	}
	gicr_write(2, IGROUPR, 4, word);
	assert_int_equal(gicr_read(2, IGROUPR, 4), word);
	assert_int_equal(gicr_read(1, IGROUPR, 4), 0);
}

static void regs_priority_by_byte_and_word(void **state UNUSED)
{
	guest_new(2, 4);
	for (u32 i = 32; i < VGIC_INTIDS; i++)
		dist_write(IPRIO + i, 1, 0xff00 | (i & 0xff));
	for (u32 i = 32; i < VGIC_INTIDS; i += 4)
		assert_int_equal(dist_read(IPRIO + i, 4), (i & 0xf8) * 0x01010101u);
	dist_write(IPRIO + 64, 4, 0x01ff7f87);
	assert_int_equal(dist_read(IPRIO + 64, 1), 0x80);
	assert_int_equal(dist_read(IPRIO + 65, 1), 0x78);
	assert_int_equal(dist_read(IPRIO + 66, 1), 0xf8);
	assert_int_equal(dist_read(IPRIO + 67, 1), 0);
	dist_write(IPRIO + 64, 2, 0x1010);
	assert_int_equal(dist_read(IPRIO + 64, 2), 0);
	assert_int_equal(dist_read(IPRIO + 64, 4), 0x00f87880);
	dist_write(IPRIO, 4, ~0u);
	assert_int_equal(dist_read(IPRIO, 4), 0);
	gicr_write(1, IPRIO + 28, 4, 0x11223344);
	assert_int_equal(gicr_read(1, IPRIO + 28, 4), 0x10203040);
	assert_int_equal(gicr_read(0, IPRIO + 28, 4), 0);
	assert_int_equal(gicr_read(1, IPRIO + 31, 1), 0x10);
	assert_int_equal(gicr_read(1, IPRIO + 32, 1), 0);
}

static void regs_config(void **state UNUSED)
{
	guest_new(2, 4);
	assert_int_equal(gicr_read(0, ICFGR, 4), 0xaaaaaaaa);
	assert_int_equal(gicr_read(0, ICFGR + 4, 4), 0);
	gicr_write(0, ICFGR, 4, 0);
	gicr_write(0, ICFGR + 4, 4, 0xc0000003);
	assert_int_equal(gicr_read(0, ICFGR, 4), 0xaaaaaaaa);
	assert_int_equal(gicr_read(0, ICFGR + 4, 4), 0x80000002);
	assert_int_equal(gicr_read(1, ICFGR + 4, 4), 0);
	for (u32 r = 2; r < VGIC_INTIDS / 16; r++)
		dist_write(ICFGR + 4 * r, 4, 0xb1ull << r);
	for (u32 r = 2; r < VGIC_INTIDS / 16; r++)
		assert_int_equal(dist_read(ICFGR + 4 * r, 4), 0xb1u << r & 0xaaaaaaaa);
	dist_write(ICFGR, 4, ~0u);
	assert_int_equal(dist_read(ICFGR, 4), 0);
}

static void regs_route(void **state UNUSED)
{
	guest_new(2, 4);
	for (u32 i = 32; i < VGIC_INTIDS; i++) {
		assert_true(dist_read(IROUTER + 8 * i, 8) == 0);
		dist_write(IROUTER + 8 * i, 8, ~0ull);
		assert_true(dist_read(IROUTER + 8 * i, 8) == 0xff00ffffff);
		dist_write(IROUTER + 8 * i, 4, 0x80000001 + i);
		assert_true(dist_read(IROUTER + 8 * i, 8) == (0xff00000000 | (1 + i)));
		dist_write(IROUTER + 8 * i + 4, 4, 0xffffff00);
		assert_true(dist_read(IROUTER + 8 * i, 8) == 1 + i);
		assert_true(dist_read(IROUTER + 8 * i, 4) == 1 + i);
		assert_true(dist_read(IROUTER + 8 * i + 4, 4) == 0);
	}
	dist_write(IROUTER, 8, ~0ull);
	assert_true(dist_read(IROUTER, 8) == 0);
	dist_write(IROUTER + 8 * VGIC_INTIDS, 8, ~0ull);
	assert_true(dist_read(IROUTER + 8 * VGIC_INTIDS, 8) == 0);
}

/* Which accesses exist, said a second time. */
static bool exists(u64 ipa, u32 width)
{
	u64 o = ipa - VGIC_DIST_BASE, base = 32;
	bool shared = o < VGIC_DIST_BYTES;

	if (!shared) {
		o = ipa - VGIC_REDIST_BASE;
		if (o >= 2 * VGIC_REDIST_BYTES)
			return false;
		o %= VGIC_REDIST_BYTES;
		if (o < 0x10000)
			return (width == 4 && (o == 4 || o == 8 || o == 12 || o == 0x14 || o == 0xffe8)) || (width == 8 && o == 8);
		o -= 0x10000;
		base = 0;
	} else if (width == 4 && (o == 0 || o == 4 || o == 8 || o == 0xffe8)) {
		return true;
	} else if (o >= 0x6000 + 8 * base && o < 0x6000 + 8 * VGIC_INTIDS) {
		return width >= 4;
	}
	u64 end = shared ? VGIC_INTIDS : 32;

	if (o >= 0x400 && o < 0xc00)
		return (width == 1 || width == 4) && o - 0x400 >= base && o - 0x400 < end;
	if (width != 4)
		return false;
	if (o >= 0xc00 && o < 0xd00)
		return (o - 0xc00) * 4 >= base && (o - 0xc00) * 4 < end;
	return o >= 0x80 && o < 0x400 && o % 0x80 * 8 >= base && o % 0x80 * 8 < end;
}

/* Every aligned access of every width, all ones: what does not exist reads as zero and changes nothing at all. */
static void regs_default_deny(void **state UNUSED)
{
	static u8 before[1 << 16];
	u64 size = vgic_bytes(), accesses = 0;

	guest_on(2, 4);
	assert_true(size <= sizeof(before));
	for (u64 ipa = VGIC_DIST_BASE; ipa < VGIC_REDIST_BASE + 3 * VGIC_REDIST_BYTES; ipa++) {
		if (ipa == VGIC_DIST_BASE + VGIC_DIST_BYTES)
			ipa = VGIC_REDIST_BASE;
		for (u32 width = 1; width <= 8; width *= 2) {
			if (ipa % width || exists(ipa, width))
				continue;
			memcpy(before, g, size);
			if (at(ipa, width, false, ~0ull))
				suite_fail("%lx, %u bytes: reads", (unsigned long)ipa, width);
			at(ipa, width, true, ~0ull);
			if (memcmp(before, g, size))
				suite_fail("%lx, %u bytes: writes", (unsigned long)ipa, width);
			accesses++;
		}
	}
	assert_true(accesses > 700000);
}

/* The same for what exists, misaligned or with a width that no instruction has: nothing happens. */
static void regs_malformed(void **state UNUSED)
{
	u64 before;

	guest_on(2, 4);
	before = dist_read(IPRIO + 40, 4);
	for (u32 width = 0; width < 256; width++)
		for (u32 offset = 0; offset < 16; offset++)
			if ((width != 1 && width != 4) || offset % width)
				at(VGIC_DIST_BASE + IPRIO + 32 + offset, width, true, 0);
	assert_int_equal(dist_read(IPRIO + 40, 4), before);
}

static void regs_owns(void **state UNUSED)
{
	guest_new(2, 4);
	assert_true(vgic_owns(g, VGIC_DIST_BASE));
	assert_true(vgic_owns(g, VGIC_DIST_BASE + VGIC_DIST_BYTES - 1));
	assert_false(vgic_owns(g, VGIC_DIST_BASE - 1));
	assert_false(vgic_owns(g, VGIC_DIST_BASE + VGIC_DIST_BYTES));
	assert_false(vgic_owns(g, VGIC_REDIST_BASE - 1));
	assert_true(vgic_owns(g, VGIC_REDIST_BASE));
	assert_true(vgic_owns(g, VGIC_REDIST_BASE + 2 * VGIC_REDIST_BYTES - 1));
	assert_false(vgic_owns(g, VGIC_REDIST_BASE + 2 * VGIC_REDIST_BYTES));
	assert_false(vgic_owns(g, ~0ull));
	assert_false(vgic_owns(g, 0));
	assert_panics(vgic_init(g, 0, 4));
	assert_panics(vgic_init(g, VGIC_VCPUS + 1, 4));
	assert_panics(vgic_init(g, 1, 0));
	assert_panics(vgic_init(g, 1, VGIC_LRS + 1));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(regs_identification),
		cmocka_unit_test(regs_control),
		cmocka_unit_test(regs_waker_answers_sleep_with_children),
		cmocka_unit_test(regs_bits),
		cmocka_unit_test(regs_priority_by_byte_and_word),
		cmocka_unit_test(regs_config),
		cmocka_unit_test(regs_route),
		cmocka_unit_test(regs_default_deny),
		cmocka_unit_test(regs_malformed),
		cmocka_unit_test(regs_owns),
	};

	return SUITE("vgic_regs", cases);
}
