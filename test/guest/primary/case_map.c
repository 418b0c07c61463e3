/* SPDX-License-Identifier: BSD-2-Clause */
/* MAP_PAGES: what it does, and everything that it and UNMAP_PAGES refuse by their arguments. */
#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"

#define FREE_IOVA (RIG_IOVA + 64 * PAGE) /* nothing is mapped from here on */

CASE(map, page_reaches_its_memory_only)
{
	u32 *memory;

	rig_open_mapped();
	memory = ram_alloc(3 * PAGE, PAGE);
	rig_map(rig.domain, FREE_IOVA, (u64)memory + PAGE, PAGE, RW);
	LANDS(rig.testdev, FREE_IOVA, memory + 1024);
	LANDS(rig.testdev, FREE_IOVA + PAGE - 4, memory + 2047);
	FAULTS(rig.testdev, FREE_IOVA - 4, memory + 1023);
	FAULTS(rig.testdev, FREE_IOVA + PAGE, memory + 2048);
	rig_unmap(rig.domain, FREE_IOVA, PAGE);
	FAULTS(rig.testdev, FREE_IOVA, memory + 1024);
}

CASE(map, read_only_page_refuses_writes)
{
	u32 *memory;

	rig_open_mapped();
	memory = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, FREE_IOVA, (u64)memory, PAGE, PVIOMMU_PROT_READ);
	FAULTS(rig.testdev, FREE_IOVA, memory);
	memory[0] = 0xabcd0123;
	/* A read works: the value travels through the device into the rig's page. */
	REQUIRE(edu_load(&rig.edu, FREE_IOVA, 0, 64) && edu_store(&rig.edu, RIG_IOVA, 0, 64), "edu does not finish");
	REQUIRE_EQUAL(rig.page[0], 0xabcd0123);
}

CASE(map, unaligned_refused_N3_G5)
{
	static const u64 offsets[] = { 1, 4, 0x800, 0xfff };

	rig_open_mapped();
	for (u32 i = 0; i < ARRAY_COUNT(offsets); i++) {
		u64 o = offsets[i];

		REFUSED(pv_map(rig.domain, FREE_IOVA + o, (u64)rig.page, PAGE, RW), PC_INVALID_PARAMETER);
		REFUSED(pv_map(rig.domain, FREE_IOVA, (u64)rig.page + o, PAGE, RW), PC_INVALID_PARAMETER);
		REFUSED(pv_map(rig.domain, FREE_IOVA, (u64)rig.page, o, RW), PC_INVALID_PARAMETER);
		REFUSED(pv_unmap(rig.domain, RIG_IOVA + o, PAGE), PC_INVALID_PARAMETER);
		REFUSED(pv_unmap(rig.domain, RIG_IOVA, o), PC_INVALID_PARAMETER);
		REFUSED(pv_unmap(rig.domain, RIG_IOVA, PAGE + o), PC_INVALID_PARAMETER);
	}
}

CASE(map, ranges_that_wrap_or_leave_refused_D10_I2)
{
	u64 top;

	rig_open_mapped();
	top = 1ul << rig_query(PVIOMMU_Q_IOVA_BITS, 0);
	REFUSED(pv_map(rig.domain, top, (u64)rig.page, PAGE, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(rig.domain, top - PAGE, (u64)rig.page, 2 * PAGE, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(rig.domain, -PAGE, (u64)rig.page, PAGE, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(rig.domain, -PAGE, (u64)rig.page, 2 * PAGE, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(rig.domain, FREE_IOVA, (u64)rig.page, -FREE_IOVA, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_map(rig.domain, FREE_IOVA, (u64)rig.page, -PAGE, RW), PC_INVALID_PARAMETER);
	REFUSED(pv_unmap(rig.domain, top, PAGE), PC_INVALID_PARAMETER);
	REFUSED(pv_unmap(rig.domain, RIG_IOVA, -PAGE), PC_INVALID_PARAMETER);
	REFUSED(pv_unmap(rig.domain, -PAGE, 2 * PAGE), PC_INVALID_PARAMETER);
}

CASE(map, last_page_of_the_aperture)
{
	u32 *memory;
	u64 last;

	rig_open_mapped();
	last = (1ul << rig_query(PVIOMMU_Q_IOVA_BITS, 0)) - PAGE;
	memory = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, last, (u64)memory, PAGE, RW);
	LANDS(rig.testdev, last, memory);
	rig_unmap(rig.domain, last, PAGE);
	FAULTS(rig.testdev, last, memory);
}

CASE(map, iova_zero)
{
	u32 *memory;

	rig_open_mapped();
	memory = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, 0, (u64)memory, PAGE, RW);
	LANDS(rig.testdev, 0, memory);
	rig_unmap(rig.domain, 0, PAGE);
	FAULTS(rig.testdev, 0, memory);
}

CASE(map, unknown_prot_bits_refused_I3)
{
	rig_open_mapped();
	for (u32 bit = 0; bit < 64; bit++) {
		if (!(PVIOMMU_PROT_ALL >> bit & 1))
			REFUSED(pv_map(rig.domain, FREE_IOVA, (u64)rig.page, PAGE, RW | 1ul << bit), PC_INVALID_PARAMETER);
	}
}

CASE(map, prot_bits_that_only_hint)
{
	u32 *memory;

	rig_open_mapped();
	memory = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, FREE_IOVA, (u64)memory, PAGE, RW | PVIOMMU_PROT_CACHE | PVIOMMU_PROT_NOEXEC);
	LANDS(rig.testdev, FREE_IOVA, memory);
}

CASE(map, size_zero_does_nothing)
{
	struct world before, now;

	rig_open_mapped();
	world_read(&before);
	before.stat[PVIOMMU_STAT_MAPS] = before.stat[PVIOMMU_STAT_UNMAPS] = 0;
	REQUIRE_EQUAL(OK(pv_map(rig.domain, FREE_IOVA, (u64)rig.page, 0, RW)).r1, 0);
	REQUIRE_EQUAL(OK(pv_unmap(rig.domain, FREE_IOVA, 0)).r1, 0);
	REQUIRE_EQUAL(OK(pv_unmap(rig.domain, RIG_IOVA, 0)).r1, 0);
	world_read(&now);
	now.stat[PVIOMMU_STAT_MAPS] = now.stat[PVIOMMU_STAT_UNMAPS] = 0;
	REQUIRE(!world_difference(&before, &now), "size 0 changed: %s", world_difference(&before, &now));
}

CASE(map, mapped_already_is_exists)
{
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(4 * PAGE, PAGE);
	REFUSED(pv_map(rig.domain, RIG_IOVA, (u64)rig.page, PAGE, RW), PC_EXISTS);
	REFUSED(pv_map(rig.domain, RIG_IOVA, memory, PAGE, RW), PC_EXISTS);
	REFUSED(pv_map(rig.domain, RIG_IOVA, memory, PAGE, PVIOMMU_PROT_READ), PC_EXISTS);
	/* In the middle and at the end of the range: nothing of it is mapped. */
	REFUSED(pv_map(rig.domain, RIG_IOVA - 2 * PAGE, memory, 4 * PAGE, RW), PC_EXISTS);
	REFUSED(pv_map(rig.domain, RIG_IOVA - 3 * PAGE, memory, 4 * PAGE, RW), PC_EXISTS);
	REFUSED(pv_iova_to_ipa(rig.domain, RIG_IOVA - 2 * PAGE), PC_NOT_FOUND);
}

/* A block where a table is, and a page where a block is. */
CASE(map, blocks_do_not_cover_pages_D12)
{
	u64 memory, iova = RIG_IOVA + 2 * BLOCK_2M;

	rig_open_mapped();
	memory = ram_alloc_raw(2 * BLOCK_2M, BLOCK_2M);
	rig_map(rig.domain, iova + 5 * PAGE, memory, PAGE, RW);
	REFUSED(pv_map(rig.domain, iova, memory, BLOCK_2M, RW), PC_EXISTS);
	rig_unmap(rig.domain, iova + 5 * PAGE, PAGE);
	rig_map(rig.domain, iova, memory, BLOCK_2M, RW);
	REFUSED(pv_map(rig.domain, iova + 5 * PAGE, memory, PAGE, RW), PC_EXISTS);
	REFUSED(pv_map(rig.domain, iova - PAGE, memory, 2 * PAGE, RW), PC_EXISTS);
	LANDS(rig.testdev, iova + BLOCK_2M - 4, (u32 *)(memory + BLOCK_2M) - 1);
}

CASE(map, memory_that_is_not_ours_refused_D11_V1)
{
	rig_open_mapped();
	REQUIRE(machine.reserved_count, "the tree reserves nothing for the hypervisor");
	for (u32 i = 0; i < machine.reserved_count; i++) {
		u64 base = align_up(machine.reserved[i].base, PAGE), last = base + machine.reserved[i].size - PAGE;

		REFUSED(pv_map(rig.domain, FREE_IOVA, base, PAGE, PVIOMMU_PROT_READ), PC_FAULT);
		REFUSED(pv_map(rig.domain, FREE_IOVA, align_down(last, PAGE), PAGE, RW), PC_FAULT);
		REFUSED(pv_map(rig.domain, FREE_IOVA, base, PAGE, RW | PVIOMMU_PROT_MMIO), PC_DENIED);
	}
}

static void refuse_both_ways(u64 ipa)
{
	REFUSED(pv_map(rig.domain, FREE_IOVA, ipa, PAGE, RW), PC_FAULT);
	REFUSED(pv_map(rig.domain, FREE_IOVA, ipa, PAGE, RW | PVIOMMU_PROT_MMIO), PC_DENIED);
	REFUSED(pv_map(rig.domain, FREE_IOVA, ipa, PAGE, PVIOMMU_PROT_WRITE | PVIOMMU_PROT_MMIO), PC_DENIED);
}

CASE(map, registers_that_are_not_ours_refused_D11_G4)
{
	struct range gaps = machine.ram[machine.ram_count - 1];

	rig_open_mapped();
	refuse_both_ways(machine.uart);
	refuse_both_ways(machine.gicd.base);
	refuse_both_ways(machine.gicr.base);
	refuse_both_ways(machine.pci.ecam.base);
	refuse_both_ways(machine.pci.io.base);
	refuse_both_ways(machine.pci.mem32.base + machine.pci.mem32.size - PAGE);
	refuse_both_ways(machine.pci.mem64.base + machine.pci.mem64.size - PAGE);
	refuse_both_ways(0);
	refuse_both_ways(gaps.base + gaps.size);
}

CASE(map, addresses_beyond_the_machine_refused_I2)
{
	static const u64 far_ones[] = { 1ul << 40, 1ul << 48, 1ul << 52, 1ul << 63, ~0xffful };

	rig_open_mapped();
	for (u32 i = 0; i < ARRAY_COUNT(far_ones); i++) {
		struct world before, now;
		struct hres r;

		world_read(&before);
		r = pv_map(rig.domain, FREE_IOVA, far_ones[i], PAGE, RW);
		REQUIRE(!hres_ok(r) && r.r1 == 0, "IPA %lx is accepted", far_ones[i]);
		r = pv_map(rig.domain, FREE_IOVA, far_ones[i], 2 * PAGE, RW | PVIOMMU_PROT_MMIO);
		REQUIRE(!hres_ok(r) && r.r1 == 0, "IPA %lx is accepted as MMIO", far_ones[i]);
		world_read(&now);
		REQUIRE(!world_difference(&before, &now), "IPA %lx changed: %s", far_ones[i],
			world_difference(&before, &now));
	}
}

/* The last page of ours and the first that is not: nothing is mapped, not even the first page. */
CASE(map, range_that_ends_in_foreign_memory_D11_I5)
{
	struct range ram = machine.ram[machine.ram_count - 1];
	u64 end = ram.base + ram.size;

	rig_open_mapped();
	if (machine_owns_ram(end - PAGE))
		REFUSED(pv_map(rig.domain, FREE_IOVA, end - PAGE, 2 * PAGE, RW), PC_FAULT);
	for (u32 i = 0; i < machine.reserved_count; i++) {
		u64 base = align_up(machine.reserved[i].base, PAGE);

		if (machine_owns_ram(base - PAGE))
			REFUSED(pv_map(rig.domain, FREE_IOVA, base - PAGE, 2 * PAGE, RW), PC_FAULT);
	}
}

/* Peer to peer: registers of a device that was given to us, with the flag and not without. */
CASE(map, own_registers_need_the_mmio_flag)
{
	u64 scratch;
	u32 seen;

	rig_open_mapped();
	REFUSED(pv_map(rig.domain, FREE_IOVA, rig.testdev2.regs, PAGE, RW), PC_FAULT);
	REFUSED(pv_map(rig.domain, FREE_IOVA, (u64)rig.page, PAGE, RW | PVIOMMU_PROT_MMIO), PC_DENIED);
	rig_map(rig.domain, FREE_IOVA, rig.testdev2.regs, PAGE, RW | PVIOMMU_PROT_MMIO);
	scratch = rig.testdev2.regs + 4;
	mmio_write32(scratch, 0);
	testdev_write(&rig.testdev, FREE_IOVA + 4, scratch, 4);
	seen = mmio_read32(scratch);
	REQUIRE_EQUAL(seen, TESTDEV_PATTERN);
	rig_unmap(rig.domain, FREE_IOVA, PAGE);
	mmio_write32(scratch, 0);
	REQUIRE_EQUAL(testdev_write(&rig.testdev, FREE_IOVA + 4, scratch, 4), TESTDEV_REFUSED);
	seen = mmio_read32(scratch);
	REQUIRE_EQUAL(seen, 0);
}

/* BARs lie side by side, so their leaves are one run of addresses that belongs to several devices. */
CASE(map, registers_of_several_bars_K2)
{
	struct pc_dev_info info;
	u64 domain, total = 0;

	rig_open_mapped();
	info = rig_device_info(rig.device);
	for (u32 round = 0; round < 2; round++) {
		domain = rig_domain();
		for (u32 i = 0; i < info.mmio_count; i++) {
			rig_map(domain, info.mmio[i].ipa, info.mmio[i].ipa, info.mmio[i].bytes, RW | PVIOMMU_PROT_MMIO);
			total += round ? 0 : info.mmio[i].bytes;
		}
		REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE + total);
		/* Once by unmap across them all, once by freeing the domain. */
		for (u64 iova = 0x10000000; !round && iova < 0x3f000000; iova += PAGE) {
			struct hres r = pv_unmap(domain, iova, 0x3f000000 - iova);

			iova += r.r1;
		}
		OK(pv_free_domain(domain));
		rig_forget_domain(domain);
		REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE);
	}
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

CASE(map, before_the_domain_is_attached)
{
	u64 domain;
	u32 *memory;

	rig_open();
	domain = rig_domain();
	memory = ram_alloc(PAGE, PAGE);
	rig_map(domain, FREE_IOVA, (u64)memory, PAGE, RW);
	FAULTS(rig.testdev, FREE_IOVA, memory);
	rig_attach(TESTDEV, domain);
	LANDS(rig.testdev, FREE_IOVA, memory);
}

static void check_block_map(u64 iova_offset, u64 ipa_offset, u64 bytes)
{
	u64 iova = RIG_IOVA + 8 * BLOCK_2M + iova_offset, ipa = ram_alloc_raw(4 * BLOCK_2M, BLOCK_2M) + ipa_offset;

	rig_map(rig.domain, iova, ipa, bytes, RW);
	LANDS(rig.testdev, iova, (u32 *)ipa);
	LANDS(rig.testdev, iova + bytes / 2, (u32 *)(ipa + bytes / 2));
	LANDS(rig.testdev, iova + bytes - 4, (u32 *)(ipa + bytes - 4));
	FAULTS(rig.testdev, iova - 4, (u32 *)(ipa + bytes - 4));
	FAULTS(rig.testdev, iova + bytes, (u32 *)ipa);
	rig_unmap(rig.domain, iova, bytes);
	FAULTS(rig.testdev, iova, (u32 *)ipa);
	FAULTS(rig.testdev, iova + bytes - 4, (u32 *)(ipa + bytes - 4));
}

CASE(map, blocks_and_pages_around_them)
{
	rig_open_mapped();
	check_block_map(0, 0, BLOCK_2M);
	check_block_map(PAGE, PAGE, BLOCK_2M);
	check_block_map(PAGE, 0, BLOCK_2M);
	check_block_map(BLOCK_2M - PAGE, BLOCK_2M - PAGE, 2 * PAGE);
	check_block_map(BLOCK_2M - 3 * PAGE, BLOCK_2M - 3 * PAGE, BLOCK_2M + 5 * PAGE);
	check_block_map(0, 0, 2 * BLOCK_2M);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE);
}

/* A whole block is one leaf and one pin record, so more than 512 pages go in one call. */
CASE(map, block_is_one_leaf)
{
	u64 memory, pool;

	rig_open_mapped();
	memory = ram_alloc_raw(4 * BLOCK_2M, BLOCK_2M);
	rig_map(rig.domain, RIG_IOVA + 8 * BLOCK_2M, memory, PAGE, RW);
	rig_unmap(rig.domain, RIG_IOVA + 8 * BLOCK_2M, PAGE);
	pool = rig_stat(PVIOMMU_STAT_POOL_FREE);
	REQUIRE_EQUAL(OK(pv_map(rig.domain, RIG_IOVA + 8 * BLOCK_2M, memory, 4 * BLOCK_2M, RW)).r1, 4 * BLOCK_2M);
	REQUIRE(rig_stat(PVIOMMU_STAT_POOL_FREE) + 1 >= pool, "4 blocks took %lu table pages",
		pool - rig_stat(PVIOMMU_STAT_POOL_FREE));
	rig_unmap(rig.domain, RIG_IOVA + 8 * BLOCK_2M, 4 * BLOCK_2M);
}

CASE(map, work_of_one_call_is_bounded_V9_I8)
{
	u64 memory, iova = RIG_IOVA + 8 * BLOCK_2M + PAGE;
	struct hres r;

	rig_open_mapped();
	memory = ram_alloc_raw(4 * BLOCK_2M, BLOCK_2M);
	r = OK(pv_map(rig.domain, iova, memory, 4 * BLOCK_2M, RW));
	REQUIRE(r.r1 && r.r1 <= PVIOMMU_MAX_LEAVES * PAGE, "one call mapped %#lx bytes by pages", r.r1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE + r.r1);
	rig_map(rig.domain, iova + r.r1, memory + r.r1, 4 * BLOCK_2M - r.r1, RW);
	LANDS(rig.testdev, iova + 4 * BLOCK_2M - PAGE, (u32 *)(memory + 4 * BLOCK_2M - PAGE));
	r = OK(pv_unmap(rig.domain, iova, 4 * BLOCK_2M));
	REQUIRE(r.r1 && r.r1 <= PVIOMMU_MAX_LEAVES * PAGE, "one call unmapped %#lx bytes by pages", r.r1);
	rig_unmap(rig.domain, iova + r.r1, 4 * BLOCK_2M - r.r1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE);
}

CASE(map, one_page_under_many_iovas_A6)
{
	u32 *memory;

	rig_open_mapped();
	memory = ram_alloc(PAGE, PAGE);
	for (u64 i = 0; i < 600; i++)
		rig_map(rig.domain, FREE_IOVA + i * PAGE, (u64)memory, PAGE, RW);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 601);
	for (u64 i = 0; i < 599; i++)
		rig_unmap(rig.domain, FREE_IOVA + i * PAGE, PAGE);
	LANDS(rig.testdev, FREE_IOVA + 599 * PAGE, memory);
	rig_unmap(rig.domain, FREE_IOVA + 599 * PAGE, PAGE);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1);
}
