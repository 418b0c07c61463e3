/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The filter of configuration space against a table of its own, bit by bit: every dword, width,
 * lane and bit of a function that has every capability there is, over random contents, with
 * every bit of the hardware writable, so that nothing but the filter keeps a bit as it is.
 */
#include <string.h>

#include "tree.h"

/*
 * One letter per bit, 31 first. r: shows hardware's; a write that happens writes 0. k: the same,
 * a write that happens keeps it. w: the VM's. c: the VM clears it by a one. 0, 1: reads so.
 * L: memory of ours. B: base address register.
 */
struct spec {
	u32 offset;
	const char *bits;
};

#define ALL_R  "rrrrrrrr rrrrrrrr rrrrrrrr rrrrrrrr"
#define ALL_B  "BBBBBBBB BBBBBBBB BBBBBBBB BBBBBBBB"
#define ALL_0  "00000000 00000000 00000000 00000000"
#define HIDDEN "00000000 00000000 rrrrrrrr 00000000"

static const struct spec endpoint_spec[] = {
	{ 0x00, ALL_R },
	{ 0x04, "cccccrrc rrrrrrrr rrrrrwrr rrrrrwww" },
	{ 0x08, ALL_R },
	{ 0x0c, "00000000 rrrrrrrr wwwwwwww wwwwwwww" },
	{ 0x10, ALL_B },
	{ 0x14, ALL_B },
	{ 0x18, ALL_B },
	{ 0x1c, ALL_B },
	{ 0x20, ALL_B },
	{ 0x24, ALL_B },
	{ 0x2c, ALL_R },
	{ 0x34, "00000000 00000000 00000000 rrrrrrrr" },
	{ 0x3c, "rrrrrrrr rrrrrrrr rrrrrrrr LLLLLLLL" },
	{ 0x40, "00000000 00rrrrrr rrrrrrrr rrrrrrrr" }, /* power management */
	{ 0x44, "00000000 00000000 00000000 000010rr" },
	{ 0x48, HIDDEN },    /* message interrupts */
	{ 0x58, HIDDEN },
	{ 0x64, "rrrrrrr0 rrrrrrrr rrrrrrrr rrrrrrrr" }, /* PCI Express */
	{ 0x68, "rrr0rrrr rrrrrrrr rrrrrrrr rrr00rrr" },
	{ 0x6c, "rrrrrrrr rcrrcccc rwwwrrrk kkkwrrrr" },
	{ 0x70, "rrrrrrrr rr0rr0rr rrrr00rr rrrrrrrr" },
	{ 0x74, ALL_R },
	{ 0x88, "00000000 00000000 00000000 000rrrrr" },
	{ 0x8c, "00000000 00000000 00000000 000rrrrr" },
	{ 0x90, ALL_R },
	{ 0x94, ALL_R },
	{ 0xa0, HIDDEN },    /* advanced features */
	{ 0xa8, HIDDEN },    /* vital product data */
	{ 0xb0, ALL_R },
	{ 0xb4, ALL_R },
	{ 0xb8, ALL_R },
	{ 0xbc, ALL_R },
	{ 0xc0, ALL_R },
	{ 0xc4, ALL_R },
	{ 0xc8, ALL_R },                /* subsystem id */
	{ 0xcc, HIDDEN },    /* unknown */
};

static const struct spec bridge_spec[] = {
	{ 0x00, ALL_R },
	{ 0x04, ALL_R },
	{ 0x08, ALL_R },
	{ 0x0c, "00000000 rrrrrrrr rrrrrrrr rrrrrrrr" },
	{ 0x10, ALL_B },
	{ 0x14, ALL_B },
	{ 0x18, ALL_R },
	{ 0x1c, "cccccrrc rrrrrrrr kkkkkkkk kkkkkkkk" },
	{ 0x20, ALL_R },
	{ 0x24, ALL_R },
	{ 0x28, ALL_R },
	{ 0x2c, ALL_R },
	{ 0x30, ALL_R },
	{ 0x34, "00000000 00000000 00000000 rrrrrrrr" },
	{ 0x3c, "rrrrrrrr rrrrrrrr rrrrrrrr LLLLLLLL" },
	{ 0x40, "rrrrrrr0 rrrrrrrr rrrrrrrr rrrrrrrr" },
	{ 0x44, "rrr0rrrr rrrrrrrr rrrrrrrr rrr00rrr" },
	{ 0x48, "rrrrrrrr rcrrcccc rwwwrrrk kkkwrrrr" },
	{ 0x4c, "rrrrrrrr rr0rr0rr rrrr00rr rrrrrrrr" },
	{ 0x50, ALL_R },
	{ 0x64, "00000000 00000000 00000000 000rrrrr" },
	{ 0x68, "00000000 00000000 00000000 000rrrrr" },
	{ 0x6c, ALL_R },
	{ 0x70, ALL_R },
};

static const char *bits_of(const struct spec *spec, size_t count, u32 offset)
{
	for (size_t i = 0; i < count; i++)
		if (spec[i].offset == offset)
			return spec[i].bits;
	return ALL_0;
}

/* The letter of one bit. */
static char letter(const char *bits, u32 bit)
{
	u32 place = 31 - bit;

	return bits[place + place / 8];
}

static u32 mask_of(const char *bits, const char *letters)
{
	u32 mask = 0;

	for (u32 bit = 0; bit < 32; bit++)
		if (strchr(letters, letter(bits, bit)) != NULL)
			mask |= 1u << bit;
	return mask;
}

/* --- the subject */

static u32 subject, port;
static u64 base;

static void boot_everything(void)
{
	struct machine *m = tree_begin();

	subject = tree_endpoint(TREE_ROOT, 5, 0x11112222);
	tree_bar(subject, 0, 0x100000, 0);
	tree_bar(subject, 2, 0x4000, BAR_KIND_64 | BAR_KIND_PREF);
	tree_bar(subject, 4, 32, BAR_KIND_IO);
	assert_int_equal(tree_cap(subject, 0x01, 2, 0), 0x40);
	tree_cap(subject, 0x05, 4, 0);
	tree_cap(subject, 0x11, 3, 0);
	assert_int_equal(tree_pcie(subject, 0, true), 0x64);
	tree_cap(subject, 0x13, 2, 0);
	tree_cap(subject, 0x03, 2, 0);
	tree[subject].reg[tree_cap(subject, 0x09, 5, 0) / 4] |= 0x00140000;
	tree_cap(subject, 0x0d, 2, 0);
	assert_int_equal(tree_cap(subject, 0x0e, 2, 0), 0xcc);
	tree[subject].reg[0x34 / 4] |= 0x40;
	port = tree_bridge(TREE_ROOT, 0, 6, 4);
	tree_bar(port, 0, 0x1000, 0);
	tree_add(TREE_ROOT, 0, 0, 0, 0x00081b36, 0x060000);
	tree_boot(m);
	tree_device(&tree_primary, (int)subject, -1);
}

static void random_contents(u32 fn)
{
	for (u32 i = 0; i < 64; i++) {
		tree[fn].reg[i] = (u32)fake_random();
		tree[fn].writable[i] = 0xffffffff;
		tree[fn].clear[i] = 0;
	}
	tree[fn].flr_at = 0;
}

static u32 lane_mask(u32 offset, u32 width)
{
	return (u32)((width == 4 ? 0xffffffffull : (1ull << 8 * width) - 1) << 8 * (offset & 3));
}

static u32 expected_read(const char *bits, u32 hardware, u32 line)
{
	return (hardware & mask_of(bits, "rwck")) | mask_of(bits, "1") |
	       (line & mask_of(bits, "L"));
}

/* One write, and what it must do to hardware. */
static void try_write(u32 fn, const char *bits, u32 offset, u32 width, u32 value)
{
	u32 dword = offset & ~3u, lanes = lane_mask(offset, width), shift = 8 * (offset & 3);
	u32 old = tree[fn].reg[dword / 4], wide = value << shift & lanes;
	u32 own = mask_of(bits, "w"), clear = mask_of(bits, "c"), kept = mask_of(bits, "k");
	u32 count = tree_write_count;

	pci_config_write(&tree_primary, 0, base + offset, width, value);
	if (((own | clear) & lanes) == 0) {
		assert_int_equal(tree_write_count, count);
		assert_int_equal(tree[fn].reg[dword / 4], old);
		return;
	}
	assert_int_equal(tree_write_count, count + 1);
	assert_int_equal(tree_writes[count].fn, fn);
	assert_int_equal(tree_writes[count].offset, dword);
	assert_int_equal(tree_writes[count].value,
			 (old & (kept | (own & ~lanes))) | (wide & (own | clear)));
	tree_write_count = count;
}

static void every_bit(u32 fn, const struct spec *spec, size_t count)
{
	static const u32 widths[] = { 1, 2, 4 };

	base = tree_ecam(fn);
	for (u32 w = 0; w < 3; w++) {
		for (u32 offset = 0; offset < 256; offset += widths[w]) {
			const char *bits = bits_of(spec, count, offset & ~3u);
			u32 line = 0;

			if (letter(bits, 31) == 'B')
				continue;
			for (u32 bit = 0; bit < 8 * widths[w]; bit++) {
				random_contents(fn);
				try_write(fn, bits, offset, widths[w], 1u << bit);
				if ((offset & 3) == 0)
					line = mask_of(bits, "L") & 1u << bit;
				random_contents(fn);
				assert_int_equal(
					pci_config_read(&tree_primary, 0, base + offset, widths[w]),
					(expected_read(bits, tree[fn].reg[offset / 4], line) &
					 lane_mask(offset, widths[w])) >>
						8 * (offset & 3));
				try_write(fn, bits, offset, widths[w], ~(1u << bit));
				try_write(fn, bits, offset, widths[w], (u32)fake_random());
				try_write(fn, bits, offset, widths[w], 0);
				line = 0;
			}
		}
	}
}

static void E7_every_bit_of_an_endpoint(void **state UNUSED)
{
	boot_everything();
	every_bit(subject, endpoint_spec, ARRAY_SIZE(endpoint_spec));
}

static void E7_every_bit_of_a_bridge(void **state UNUSED)
{
	boot_everything();
	every_bit(port, bridge_spec, ARRAY_SIZE(bridge_spec));
}

static void host_bridge_cannot_be_made_a_master(void **state UNUSED)
{
	boot_everything();
	pci_config_write(&tree_primary, 0, tree_ecam(2) + 4, 2, 7);
	assert_int_equal(tree[2].reg[1] & 0xffff, 0);
}

/* --- base address registers */

static u32 peek(u32 offset)
{
	return pci_config_read(&tree_primary, 0, base + offset, 4);
}

static void poke(u32 offset, u32 value)
{
	pci_config_write(&tree_primary, 0, base + offset, 4, value);
}

static void bar_sizing_is_answered_from_the_record(void **state UNUSED)
{
	static const u32 mask[6] = { 0xfff00000, 0, 0xffffc00c, 0xffffffff, 0xffffffe1, 0 };
	u32 count;

	boot_everything();
	base = tree_ecam(subject);
	count = tree_write_count;
	for (u32 bar = 0; bar < 6; bar++) {
		u32 fixed = tree[subject].reg[4 + bar];

		assert_int_equal(peek(0x10 + 4 * bar), fixed);
		poke(0x10 + 4 * bar, 0xffffffff);
		assert_int_equal(peek(0x10 + 4 * bar), mask[bar]);
		assert_int_equal(peek(0x10 + 4 * bar), mask[bar]);
		poke(0x10 + 4 * bar, 0x12340000);
		assert_int_equal(peek(0x10 + 4 * bar), fixed);
		poke(0x10 + 4 * bar, 0xffffffff);
		pci_config_write(&tree_primary, 0, base + 0x12 + 4 * bar, 1, 0xff);
		assert_int_equal(peek(0x10 + 4 * bar), fixed);
		pci_config_write(&tree_primary, 0, base + 0x10 + 4 * bar, 2, 0xffff);
		assert_int_equal(peek(0x10 + 4 * bar), fixed);
	}
	poke(0x10, 0xfffffff0); /* the flags are nobody's to write */
	assert_int_equal(peek(0x10), mask[0]);
	poke(0x1c, 0xfffffff0); /* an upper half has none */
	assert_int_not_equal(peek(0x1c), mask[3]);
	assert_int_equal(tree_write_count, count);
	poke(0x30, 0xfffff800); /* no ROM */
	assert_int_equal(peek(0x30), 0);
	assert_int_equal(tree_write_count, count);
}

/* What hardware says later of a BAR does not count. */
static void E7_bar_is_the_record_not_the_device(void **state UNUSED)
{
	u32 fixed;

	boot_everything();
	base = tree_ecam(subject);
	fixed = peek(0x10);
	tree[subject].reg[4] = 0xfee00000;
	assert_int_equal(peek(0x10), fixed);
}

static void bridge_bars_size_too(void **state UNUSED)
{
	boot_everything();
	base = tree_ecam(port);
	poke(0x10, 0xffffffff);
	assert_int_equal(peek(0x10), 0xfffff000);
	poke(0x14, 0xffffffff);
	assert_int_equal(peek(0x14), 0);
}

/* --- extended capabilities */

static void extended_space_is_a_copy(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 5, 0x11112222);
	u32 serial, acs, count;

	tree_pcie(fn, 0, false);
	tree_ext(fn, 0x01, 0x100); /* error reporting */
	tree_ext(fn, 0x0f, 0x140);
	acs = tree_acs(fn, 0x1d);
	tree_ext(fn, 0x15, 0x1c0); /* resizable BARs */
	serial = tree_ext(fn, 0x03, 0x200);
	tree[fn].reg[serial / 4 + 1] = 0x11111111;
	tree[fn].reg[serial / 4 + 2] = 0x22222222;
	tree_boot(m);
	tree_device(&tree_primary, (int)fn, -1);
	base = tree_ecam(fn);
	count = tree_write_count;
	for (u32 i = 0x40; i < 1024; i++) {
		tree[fn].reg[i] ^= 0xffffffff; /* the device changes its mind */
		tree[fn].writable[i] = 0xffffffff;
	}
	for (u32 offset = 0x100; offset < 0x1000; offset += 4) {
		u32 want = offset == 0x100      ? acs << 20 :
			   offset == acs        ? 0x0001000d | serial << 20 :
			   offset == acs + 4    ? 0x001d001d :
			   offset == serial     ? 0x00010003 :
			   offset == serial + 4 ? 0x11111111 :
			   offset == serial + 8 ? 0x22222222 :
						  0;

		assert_int_equal(peek(offset), want);
		assert_int_equal(pci_config_read(&tree_primary, 0, base + offset + 2, 1),
				 want >> 16 & 255);
		poke(offset, 0xffffffff);
		pci_config_write(&tree_primary, 0, base + offset + 3, 1, 0xff);
	}
	assert_int_equal(tree_write_count, count);
}

static void extended_list_may_begin_with_what_is_shown(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 5, 0x11112222);

	tree_pcie(fn, 0, false);
	tree_ext(fn, 0x03, 0x100);
	tree_ext(fn, 0x01, 0x140);
	tree_acs(fn, 0x1d);
	tree_boot(m);
	tree_device(&tree_primary, (int)fn, -1);
	base = tree_ecam(fn);
	assert_int_equal(peek(0x100), 0x00010003 | 0x180 << 20);
	assert_int_equal(peek(0x180), 0x0001000d);
}

static void conventional_function_has_no_extended_space(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 5, 0x11112222);

	tree_ext(fn, 0x0d, 0x100);
	tree_boot(m);
	tree_device(&tree_primary, (int)fn, -1);
	base = tree_ecam(fn);
	assert_int_equal(tree_record(fn)->cap_acs, 0);
	assert_int_equal(peek(0x100), 0);
}

/* A vendor's capability of 255 bytes must not uncover its neighbour. */
static void long_capability_ends_at_the_next(void **state UNUSED)
{
	struct machine *m = tree_begin();
	u32 fn = tree_endpoint(TREE_ROOT, 5, 0x11112222);

	tree[fn].reg[tree_cap(fn, 0x09, 4, 0) / 4] |= 0x00ff0000;
	tree_cap(fn, 0x05, 4, 0x50);
	for (u32 i = 0x44 / 4; i < 64; i++)
		if (i != 0x50 / 4)
			tree[fn].reg[i] = 0x5a5a5a5a;
	tree_boot(m);
	tree_device(&tree_primary, (int)fn, -1);
	base = tree_ecam(fn);
	assert_int_equal(peek(0x4c), 0x5a5a5a5a);
	assert_int_equal(peek(0x50), 0);
	assert_int_equal(peek(0x54), 0);
	assert_int_equal(peek(0x60), 0);
}

/* --- who sees what */

static void assert_absent(struct vm *vm, u64 at)
{
	u32 count = tree_write_count;

	for (u32 offset = 0; offset < 4096; offset += 4) {
		assert_int_equal(pci_config_read(vm, 0, at + offset, 4), 0xffffffff);
		assert_int_equal(pci_config_read(vm, 0, at + offset + 2, 2), 0xffff);
		assert_int_equal(pci_config_read(vm, 0, at + offset + 3, 1), 0xff);
		pci_config_write(vm, 0, at + offset, 4, 0xffffffff);
		pci_config_write(vm, 0, at + offset + 1, 1, 0xff);
	}
	assert_int_equal(tree_write_count, count);
}

static void others_see_nothing(void **state UNUSED)
{
	boot_everything();
	assert_absent(&tree_other, tree_ecam(subject));
	assert_absent(&tree_other, tree_ecam(port)); /* bridges are the primary's */
	assert_absent(&tree_other, tree_ecam(2));
	assert_absent(&tree_primary, 31ull << 15);
	assert_absent(&tree_primary, tree_ecam(subject) + 0x1000);
	assert_absent(&tree_primary, 200ull << 20);
	tree_record(subject)->device->vm = &tree_other;
	assert_absent(&tree_primary, tree_ecam(subject));
	assert_int_equal(pci_config_read(&tree_other, 0, tree_ecam(subject), 4),
			 tree[subject].reg[0]);
}

static void accesses_that_are_none(void **state UNUSED)
{
	u32 count;

	boot_everything();
	base = tree_ecam(subject);
	count = tree_write_count;
	assert_int_equal(pci_config_read(&tree_primary, 0, base, 8), 0xffffffff);
	assert_int_equal(pci_config_read(&tree_primary, 0, base, 0), 0);
	assert_int_equal(pci_config_read(&tree_primary, 0, base, 3), 0xffffff);
	assert_int_equal(pci_config_read(&tree_primary, 0, base + 1, 2), 0xffff);
	assert_int_equal(pci_config_read(&tree_primary, 0, base + 2, 4), 0xffffffff);
	assert_int_equal(pci_config_read(&tree_primary, 1, base, 4), 0xffffffff);
	assert_int_equal(pci_config_read(&tree_primary, ~0u, base, 4), 0xffffffff);
	assert_int_equal(pci_config_read(&tree_primary, 0, base + (1ull << 28), 4), 0xffffffff);
	assert_int_equal(pci_config_read(&tree_primary, 0, base + (1ull << 40), 4), 0xffffffff);
	assert_int_equal(pci_config_read(&tree_primary, 0, ~3ull, 4), 0xffffffff);
	pci_config_write(&tree_primary, 0, base + 4, 8, 7);
	pci_config_write(&tree_primary, 0, base + 5, 2, 7);
	pci_config_write(&tree_primary, 1, base + 4, 2, 7);
	pci_config_write(&tree_primary, 0, base + 4 + (1ull << 28), 2, 7);
	pci_config_write(&tree_primary, 0, base + 4 + (1ull << 60), 2, 7);
	assert_int_equal(tree_write_count, count);
}

/* Where an access begins to look is the function of the one before: nobody else answers in its place. */
static void E7_the_last_function_answers_for_no_other(void **state UNUSED)
{
	boot_everything();
	base = tree_ecam(subject);
	for (u32 turn = 0; turn < 2; turn++) {
		assert_int_equal(pci_config_read(&tree_primary, 0, base, 4), tree[subject].reg[0]);
		assert_int_equal(pci_config_read(&tree_primary, 0, base + 0x1000, 4), 0xffffffff);
		assert_int_equal(pci_config_read(&tree_primary, 1, base, 4), 0xffffffff);
		assert_int_equal(pci_config_read(&tree_primary, ~0u, base, 4), 0xffffffff);
		assert_int_equal(pci_config_read(&tree_primary, 0, base + (1ull << 28), 4), 0xffffffff);
		assert_int_equal(pci_config_read(&tree_primary, 0, tree_ecam(port), 4), tree[port].reg[0]);
		assert_int_equal(pci_config_read(&tree_other, 0, tree_ecam(port), 4), 0xffffffff);
		pci_config_write(&tree_primary, 0, base + 4, 2, 7);
		assert_int_equal(tree[subject].reg[1] & 7, 7);
	}
}

static void quarantined_function_is_nobodys(void **state UNUSED)
{
	struct device *d;

	boot_everything();
	d = tree_record(subject)->device;
	base = tree_ecam(subject);
	pci_config_write(&tree_primary, 0, base + 4, 2, 6);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 6);
	pci_device_master(d, false);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x402);
	assert_absent(&tree_primary, base);
	pci_device_master(d, false);
	pci_device_master(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 2); /* mastering is the owner's to set */
	assert_int_equal(peek(0), tree[subject].reg[0]);
	pci_config_write(&tree_primary, 0, base + 4, 2, 0x406);
	pci_device_master(d, true); /* nothing was taken away */
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
	pci_device_master(d, false);
	pci_device_master(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x402); /* the owner's own choice stays */
	d->state = DEVICE_QUARANTINED;
	assert_absent(&tree_primary, base);
}

/* F7: a pin that was denied is the hypervisor's to open, whatever is written to the command register. */
static void F7_denied_pin_stays_closed(void **state UNUSED)
{
	const struct device *d;

	boot_everything();
	d = tree_record(subject)->device;
	base = tree_ecam(subject);
	pci_device_intx(d, false);
	assert_int_equal(tree[subject].reg[1] & 0x400, 0x400);
	pci_config_write(&tree_primary, 0, base + 4, 2, 6);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
	pci_config_write(&tree_primary, 0, base + 5, 1, 0);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
	pci_config_write(&tree_primary, 0, base + 4, 4, 2);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x402);
	pci_device_intx(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 2);
	pci_config_write(&tree_primary, 0, base + 4, 2, 6);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 6);
}

static void interrupt_line_is_per_function(void **state UNUSED)
{
	boot_everything();
	base = tree_ecam(subject);
	poke(0x3c, 0xffffff21);
	assert_int_equal(peek(0x3c), 0x121);
	pci_config_write(&tree_primary, 0, base + 0x3c, 1, 0x42);
	pci_config_write(&tree_primary, 0, base + 0x3d, 1, 0xff);
	pci_config_write(&tree_primary, 0, base + 0x3e, 2, 0xffff);
	assert_int_equal(peek(0x3c), 0x142);
	base = tree_ecam(port);
	assert_int_equal(peek(0x3c) & 0xff, 0);
	poke(0x3c, 0x00400055); /* secondary bus reset: refused */
	assert_int_equal(peek(0x3c), 0x00000155);
}

/* Error bits survive the writes of their neighbours. */
static void error_bits_are_not_cleared_by_accident(void **state UNUSED)
{
	boot_everything();
	base = tree_ecam(subject);
	tree[subject].reg[1] |= 0xf9000000;
	tree[subject].reg[0x6c / 4] |= 0x000f0000;
	pci_config_write(&tree_primary, 0, base + 4, 2, 6);
	pci_config_write(&tree_primary, 0, base + 5, 1, 4);
	pci_config_write(&tree_primary, 0, base + 0x6c, 2, 0x5010);
	assert_int_equal(tree[subject].reg[1] >> 24, 0xf9);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
	assert_int_equal(tree[subject].reg[0x6c / 4] >> 16 & 15, 15);
	pci_config_write(&tree_primary, 0, base + 6, 2, 0x2000);
	assert_int_equal(tree[subject].reg[1] >> 24, 0xd9);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
}

/* A secondary finds in its BARs where it has the registers itself: nothing of where they really are. */
static void E7_V6_a_secondary_reads_its_own_addresses(void **state UNUSED)
{
	const struct pci_function *f;
	struct device *d = &device_table[0];

	boot_everything();
	f = tree_record(subject);
	*d = (struct device){
		.vm = &tree_other,
		.state = DEVICE_ASSIGNED,
		.mmio = { { f->bar[0].addr, 0x100000 }, { f->bar[2].addr, 0x4000 } },
		.mmio_count = 2,
		.mmio_ipa = { DEVICE_UNMAPPED, DEVICE_UNMAPPED },
	};
	device_count = 1;
	device_mmio_sort();
	tree_record(subject)->device = d;
	base = tree_ecam(subject);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x10, 4), 0);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x18, 4), 0xc);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x1c, 4), 0);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x20, 4) & ~3u, 0); /* ports are nobody's */
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x14, 4), 0); /* and this is none */
	d->mmio_ipa[0] = 0x50000000;
	d->mmio_given[0] = d->mmio[0].size;
	d->mmio_ipa[1] = 0x1250100000;
	d->mmio_given[1] = d->mmio[1].size;
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x14, 4), 0);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x10, 4), 0x50000000);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x18, 4), 0x5010000c);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x1c, 4), 0x12);
	/* A register of 32 bits cannot say an address above them. */
	d->mmio_ipa[0] = 0x150000000;
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x10, 4), 0);
	/* Sizing is answered as the primary's is. */
	pci_config_write(&tree_other, 0, base + 0x10, 4, ~0u);
	assert_int_equal(pci_config_read(&tree_other, 0, base + 0x10, 4), 0xfff00000);
	assert_absent(&tree_primary, base);
}

/* Who has no line of a device cannot let it assert one: not by a write, a reset's end or a pause. */
static void F1_a_denied_line_stays_masked(void **state UNUSED)
{
	struct device *d;
	u32 count;

	boot_everything();
	d = tree_record(subject)->device;
	base = tree_ecam(subject);
	pci_config_write(&tree_primary, 0, base + 4, 2, 6);
	pci_device_intx(d, false);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
	pci_config_write(&tree_primary, 0, base + 4, 2, 6);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
	pci_config_write(&tree_primary, 0, base + 5, 1, 0);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x406);
	pci_device_master(d, false);
	pci_device_master(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x402);
	pci_device_intx(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 2);
	/* One that is stopped hears of it when it goes. */
	pci_device_master(d, false);
	pci_device_intx(d, false);
	pci_device_intx(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x402);
	pci_device_master(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 2);
	/* And one that is denied it meanwhile goes without. */
	pci_device_master(d, false);
	pci_device_intx(d, false);
	pci_device_master(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 0x402);
	pci_device_intx(d, true);
	assert_int_equal(tree[subject].reg[1] & 0xffff, 2);
	/* One that reads as ones is not set going by that. */
	pci_device_master(d, false);
	tree[subject].mood = MOOD_ONES;
	pci_device_intx(d, false);
	tree[subject].mood = MOOD_GOOD;
	assert_int_equal(tree[subject].reg[1] & 4, 0);
	/* Nor does one device's line concern another device. */
	count = tree_write_count;
	pci_device_intx(tree_device(&tree_other, -1), false);
	assert_int_equal(tree_write_count, count);
}

static void place_of_an_endpoint(void **state UNUSED)
{
	struct machine *m;
	struct device *d;
	u32 host = 7;
	u64 offset = 7;

	boot_everything();
	d = tree_record(subject)->device;
	assert_true(pci_endpoint_place(d, 0, &host, &offset));
	assert_int_equal(host, 0);
	assert_int_equal(offset, tree_ecam(subject));
	host = 7;
	offset = 7;
	assert_false(pci_endpoint_place(d, 1, &host, &offset));
	assert_false(pci_endpoint_place(tree_device(&tree_other, -1), 0, &host, &offset));
	assert_int_equal(host, 7);
	assert_int_equal(offset, 7);
	/* A window of more buses than are left: what has no number has no function. */
	m = fake_machine(64 << 20, 16 << 20, 1);
	m->pci[0].bus_first = 1;
	assert_absent(&tree_primary, 255ull << 20);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(E7_every_bit_of_an_endpoint),
		cmocka_unit_test(E7_every_bit_of_a_bridge),
		cmocka_unit_test(host_bridge_cannot_be_made_a_master),
		cmocka_unit_test(bar_sizing_is_answered_from_the_record),
		cmocka_unit_test(E7_bar_is_the_record_not_the_device),
		cmocka_unit_test(bridge_bars_size_too),
		cmocka_unit_test(extended_space_is_a_copy),
		cmocka_unit_test(extended_list_may_begin_with_what_is_shown),
		cmocka_unit_test(conventional_function_has_no_extended_space),
		cmocka_unit_test(long_capability_ends_at_the_next),
		cmocka_unit_test(others_see_nothing),
		cmocka_unit_test(accesses_that_are_none),
		cmocka_unit_test(E7_the_last_function_answers_for_no_other),
		cmocka_unit_test(quarantined_function_is_nobodys),
		cmocka_unit_test(F7_denied_pin_stays_closed),
		cmocka_unit_test(interrupt_line_is_per_function),
		cmocka_unit_test(error_bits_are_not_cleared_by_accident),
		cmocka_unit_test(E7_V6_a_secondary_reads_its_own_addresses),
		cmocka_unit_test(F1_a_denied_line_stays_masked),
		cmocka_unit_test(place_of_an_endpoint),
	};

	return SUITE("pci_filter", cases);
}
