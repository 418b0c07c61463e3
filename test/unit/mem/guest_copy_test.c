/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies from and to a guest: bounds, page edges, structure sizes, all or nothing. */
#include <string.h>

#include "mem/guest_copy.h"

#include "bench.h"
#include "suite.h"

#define KNOWN 48u

static struct vm *boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	return vm_primary;
}

/* The last page of the primary's RAM, and what lies behind it. */
static u64 ram_end(void) { return machine->ram[0].base + machine->ram[0].size; }

static void read_crosses_pages(void **state UNUSED)
{
	struct vm *vm = boot();
	u64 at = bench_page(3) - 5;
	u8 out[10];

	for (u32 i = 0; i < 10; i++)
		((u8 *)bench_ptr(at))[i] = (u8)i;
	assert_int_equal(guest_read(vm, ipa(at), out, sizeof(out)), OK);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(out[i], i);
	assert_int_equal(guest_read(vm, ipa(at), out, 0), OK);
}

static void memory_that_is_not_the_guests_faults(void **state UNUSED)
{
	struct vm *vm = boot();
	const u64 bad[] = {
		machine->image.base, machine->heap.base, FAKE_UART_BASE, 0,
		ram_end(), ram_end() - 4, machine->image.base - 4, ~0ull - 3,
		1ull << 40, 1ull << 63, FAKE_IOMMU_BASE, bench_bar(0)
	};
	u8 out[8] = { 0 };

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(guest_read(vm, ipa(bad[i]), out, 8), E_FAULT);
		assert_int_equal(guest_write(vm, ipa(bad[i]), out, 8), E_FAULT);
	}
	assert_int_equal(guest_read(vm, ipa(ram_end() - 8), out, 8), OK);
	assert_int_equal(guest_write(vm, ipa(ram_end() - 8), out, 8), OK);
}

static void write_is_all_or_nothing(void **state UNUSED)
{
	struct vm *vm = boot();
	u64 at = ram_end() - 8;
	u8 data[16];

	memset(data, 0x77, sizeof(data));
	memset(bench_ptr(at), 0x11, 8);
	assert_int_equal(guest_write(vm, ipa(at), data, 16), E_FAULT);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(((u8 *)bench_ptr(at))[i], 0x11);
	/* Nor more than any structure has: the caller's own memory ends there. */
	assert_int_equal(guest_write(vm, ipa(bench_page(2)), data, PVIOMMU_MAX_STRUCT + 1), E_FAULT);
	assert_int_equal(*(u8 *)bench_ptr(bench_page(2)), 0);
	assert_int_equal(guest_write(vm, ipa(bench_page(2) - 3), data, 16), OK);
	assert_int_equal(*(u8 *)bench_ptr(bench_page(2) - 4), 0);
	assert_int_equal(*(u8 *)bench_ptr(bench_page(2) + 12), 0x77);
	assert_int_equal(*(u8 *)bench_ptr(bench_page(2) + 13), 0);
}

static enum status read_struct(u64 at, u32 size, u8 *out)
{
	memcpy(bench_ptr(at), &size, sizeof(size));
	memset(out, 0xcc, KNOWN);
	return guest_read_struct(vm_primary, ipa(at), out, KNOWN, KNOWN);
}

static void S2_1_S2_2_struct_size_decides(void **state UNUSED)
{
	u8 out[KNOWN];
	u64 at;

	boot();
	at = bench_page(1);
	memset(bench_ptr(at), 0, PAGE_SIZE);
	assert_int_equal(read_struct(at, KNOWN, out), OK);
	assert_int_equal(read_struct(at, KNOWN - 1, out), E_INVAL);
	assert_int_equal(read_struct(at, 0, out), E_INVAL);
	assert_int_equal(read_struct(at, KNOWN + 8, out), OK);
	assert_int_equal(read_struct(at, 4096, out), OK);
	assert_int_equal(read_struct(at, 4097, out), E_INVAL);
	assert_int_equal(read_struct(at, ~0u, out), E_INVAL);
	((u8 *)bench_ptr(at))[4095] = 1;
	assert_int_equal(read_struct(at, 4095, out), OK);
	assert_int_equal(read_struct(at, 4096, out), E_TOOBIG);
	((u8 *)bench_ptr(at))[KNOWN] = 1;
	assert_int_equal(read_struct(at, KNOWN, out), OK);
	assert_int_equal(read_struct(at, KNOWN + 1, out), E_TOOBIG);
	for (u32 off = 1; off < 8; off++)
		assert_int_equal(guest_read_struct(vm_primary, ipa(at + off), out, KNOWN, KNOWN),
				 E_INVAL);
	assert_int_equal(read_struct(ram_end() - 8, KNOWN, out), E_FAULT);
}

static u64 raced;
static u32 fetches;

/* The guest's other CPU: after the size was read it is another one. */
static void size_changes(u64 addr)
{
	const u32 other = ~0u;

	if (addr == raced && fetches++ == 1) /* the second fetch has begun */
		memcpy(fake_ram(raced, 4), &other, sizeof(other));
}

/* I1: what was checked is what is used, whatever the guest makes of it meanwhile. */
static void I1_size_is_the_one_that_was_checked(void **state UNUSED)
{
	u32 size;
	u8 out[KNOWN];

	boot();
	/* Across two pages the size is read first, and then all of it. */
	raced = bench_page(2) - 16;
	fetches = 0;
	memset(bench_ptr(bench_page(1)), 0, 2 * PAGE_SIZE);
	size = KNOWN;
	memcpy(bench_ptr(raced), &size, sizeof(size));
	fake_phys_hook = size_changes;
	assert_int_equal(guest_read_struct(vm_primary, ipa(raced), out, KNOWN, KNOWN), OK);
	fake_phys_hook = NULL;
	assert_true(fetches > 1);
	memcpy(&size, bench_ptr(raced), sizeof(size));
	assert_int_equal(size, ~0u);
	memcpy(&size, out, sizeof(size));
	assert_int_equal(size, KNOWN);
	/* In one page it is read once. */
	raced = bench_page(3);
	fetches = 0;
	memset(bench_ptr(raced), 0, PAGE_SIZE);
	memcpy(bench_ptr(raced), &size, sizeof(size));
	fake_phys_hook = size_changes;
	assert_int_equal(guest_read_struct(vm_primary, ipa(raced), out, KNOWN, KNOWN), OK);
	fake_phys_hook = NULL;
	assert_int_equal(fetches, 1);
}

static void S2_3_shorter_struct_reads_as_zero(void **state UNUSED)
{
	u8 out[KNOWN];
	u32 size = 16;
	u64 at;

	boot();
	at = ram_end() - 16;
	memset(bench_ptr(at), 0xff, 16);
	memcpy(bench_ptr(at), &size, sizeof(size));
	memset(out, 0xcc, sizeof(out));
	/* It ends where memory ends: what is beyond its size is not read. */
	assert_int_equal(guest_read_struct(vm_primary, ipa(at), out, 16, KNOWN), OK);
	for (u32 i = 16; i < KNOWN; i++)
		assert_int_equal(out[i], 0);
}

static void entries_follow_the_same_rules(void **state UNUSED)
{
	u64 at;
	u8 out[16];

	boot();
	at = bench_page(1);
	memset(bench_ptr(at), 0, PAGE_SIZE);
	((u8 *)bench_ptr(at))[24] = 9;
	((u8 *)bench_ptr(at))[24 + 16] = 1;
	assert_int_equal(guest_read_entry(vm_primary, ipa(at), 24, out, 16), OK);
	assert_int_equal(guest_read_entry(vm_primary, ipa(at + 24), 24, out, 16), E_TOOBIG);
	((u8 *)bench_ptr(at))[24 + 16] = 0;
	assert_int_equal(guest_read_entry(vm_primary, ipa(at + 24), 24, out, 16), OK);
	assert_int_equal(out[0], 9);
	assert_int_equal(guest_read_entry(vm_primary, ipa(ram_end()), 24, out, 16), E_FAULT);
	assert_int_equal(guest_read_entry(vm_primary, ipa(~0ull - 12), 24, out, 16), E_FAULT);
}

/* At each place in a page, of each length: every byte behind what is known is looked at, and none behind the entry. */
static void each_byte_of_a_tail_is_looked_at(void **state UNUSED)
{
	const u64 page = PAGE_SIZE;
	u8 *base, out[16];
	u64 at;

	boot();
	at = bench_page(1);
	base = bench_ptr(at);
	memset(base, 0, 2 * page);
	for (u64 from = page - 128; from < page + 8; from++)
		for (u32 len = 17; len < 100; len += 3) {
			base[from + 15] = base[from + len] = 1;
			assert_int_equal(guest_read_entry(vm_primary, ipa(at + from), len, out, 16), OK);
			base[from + len] = 0;
			for (u32 bad = 16; bad < len; bad++) {
				base[from + bad] = 0x80;
				assert_int_equal(guest_read_entry(vm_primary, ipa(at + from), len, out, 16), E_TOOBIG);
				base[from + bad] = 0;
			}
			base[from + 15] = 0;
		}
}

/* Together they are what each by itself is: in pages and across their edges, to the first that is wrong. */
static void entries_together_are_each_by_itself(void **state UNUSED)
{
	static const u32 lens[] = { 17, 24, 40, 1000, 1365, 2048, 4095, 4096 };
	static u8 out[200][16];
	u64 at, end;

	boot();
	at = bench_page(1) + 8;
	for (u32 k = 0; k < ARRAY_SIZE(lens); k++) {
		const u32 len = lens[k], count = 3 * PAGE_SIZE / len < 200 ? 3 * PAGE_SIZE / len : 200;
		u8 *base = bench_ptr(at);

		memset(base, 0, 4 * PAGE_SIZE);
		memset(out, 0xcc, sizeof(out));
		for (u32 i = 0; i < count; i++)
			memset(base + (u64)len * i, (int)i + 1, 16);
		assert_int_equal(guest_read_entries(vm_primary, ipa(at), len, count, out, 16), OK);
		for (u32 i = 0; i < count; i++)
			assert_true(out[i][0] == i + 1 && out[i][15] == i + 1);
		for (u32 i = 0; i < count; i++) {
			base[(u64)len * (i + 1) - 1] = 1;
			assert_int_equal(guest_read_entries(vm_primary, ipa(at), len, i, out, 16), OK);
			assert_int_equal(guest_read_entries(vm_primary, ipa(at), len, count, out, 16), E_TOOBIG);
			base[(u64)len * (i + 1) - 1] = 0;
		}
		/* Up to the end of memory and one beyond. */
		end = ram_end() - (u64)len * 3;
		memset(bench_ptr(end), 0, (u64)len * 3);
		assert_int_equal(guest_read_entries(vm_primary, ipa(end), len, 3, out, 16), OK);
		assert_int_equal(guest_read_entries(vm_primary, ipa(end), len, 4, out, 16), E_FAULT);
		assert_int_equal(guest_read_entries(vm_primary, ipa(~0ull - len), len, 2, out, 16), E_FAULT);
	}
	assert_int_equal(guest_read_entries(vm_primary, ipa(0), 24, 0, out, 16), OK);
}

/* Never more, and never more bytes, than one call takes, and as many as that lets. */
static void V9_longer_entries_are_fewer(void **state UNUSED)
{
	assert_int_equal(guest_entries_taken(0, 24), 0);
	for (u32 len = 17; len <= PVIOMMU_MAX_ENTRY; len++)
		for (u32 count = 1; count <= 256; count += 5) {
			const u32 n = guest_entries_taken(count, len);

			assert_true(n > 0 && n <= count && n <= PVIOMMU_MAX_LONG && n * len <= PVIOMMU_MAX_READ);
			assert_true(n == count || n == PVIOMMU_MAX_LONG || (n + 1) * len > PVIOMMU_MAX_READ);
		}
}

/* The look before a structure is written says what the write will. */
static void look_before_a_write(void **state UNUSED)
{
	boot();
	assert_int_equal(guest_check_writable(vm_primary, ipa(bench_page(3) - 8), 64), OK);
	assert_int_equal(guest_check_writable(vm_primary, ipa(~0ull - 7), 64), E_FAULT);
	assert_int_equal(guest_check_writable(vm_primary, ipa(bench_page(3)), PVIOMMU_MAX_STRUCT + 8), E_FAULT);
	assert_int_equal(guest_check_writable(vm_primary, ipa(0x1000), 8), E_FAULT);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(read_crosses_pages),
		cmocka_unit_test(memory_that_is_not_the_guests_faults),
		cmocka_unit_test(write_is_all_or_nothing),
		cmocka_unit_test(S2_1_S2_2_struct_size_decides),
		cmocka_unit_test(I1_size_is_the_one_that_was_checked),
		cmocka_unit_test(S2_3_shorter_struct_reads_as_zero),
		cmocka_unit_test(entries_follow_the_same_rules),
		cmocka_unit_test(each_byte_of_a_tail_is_looked_at),
		cmocka_unit_test(entries_together_are_each_by_itself),
		cmocka_unit_test(V9_longer_entries_are_fewer),
		cmocka_unit_test(look_before_a_write),
	};

	return SUITE("guest_copy", cases);
}
