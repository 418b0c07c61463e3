/* SPDX-License-Identifier: BSD-2-Clause */
/* ATTACH_LIST, DETACH_LIST, MAP_LIST, UNMAP_LIST: all or nothing, exact counts, and the rules of every structure. */
#include <string.h>

#include "machine.h"
#include "ram.h"
#include "rig.h"

#define FREE_IOVA (RIG_IOVA + 64 * PAGE)

typedef struct hres (*list_call)(u64 ipa);

static struct pviommu_attach_list *attach_list(u64 domain, u32 count)
{
	u8 *page = ram_alloc(2 * PAGE, PAGE);
	struct pviommu_attach_list *list = (void *)page;
	u32 *vsids = (u32 *)(page + PAGE);

	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .pviommu = rig.pviommu,
					      .domain = (u32)domain,
					      .vsids_ipa = (u64)vsids,
					      .vsid_count = count };
	for (u32 i = 0; i < count; i++)
		vsids[i] = RIG_VSID(i);
	return list;
}

static u32 *vsids_of(struct pviommu_attach_list *list)
{
	return (u32 *)list->vsids_ipa;
}

static void all_blocked(void)
{
	FAULTS(rig.testdev, RIG_IOVA, rig.page + 1);
	FAULTS(rig.testdev2, RIG_IOVA, rig.page + 1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 0);
}

/* The rig's domain with its page, nothing attached. The standing mapping is no yardstick here: rig.page is hidden. */
static u32 *open_unattached(void)
{
	u32 *page;

	rig_open_mapped();
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_detach(i, rig.domain);
	all_blocked();
	page = rig.page;
	rig.page = NULL;
	return page;
}

CASE(list, attach_takes_all_endpoints_at_once)
{
	u32 *page = open_unattached();
	struct pviommu_attach_list *list = attach_list(rig.domain, RIG_ENDPOINTS);

	OK(pv_attach_list((u64)list));
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), RIG_ENDPOINTS);
	LANDS(rig.testdev, RIG_IOVA, page);
	LANDS(rig.testdev2, RIG_IOVA, page);
	REQUIRE(edu_load(&rig.edu, RIG_IOVA, 0, 64), "edu does not finish");
	REFUSED(pv_attach_list((u64)list), PC_EXISTS);
	OK(pv_detach_list((u64)list));
	FAULTS(rig.testdev, RIG_IOVA, page);
	FAULTS(rig.testdev2, RIG_IOVA, page);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 0);
	REFUSED(pv_detach_list((u64)list), PC_NOT_FOUND);
}

static void refuse_attach(const struct pviommu_attach_list *list, long status, const u32 *page)
{
	REFUSED(pv_attach_list((u64)list), status);
	FAULTS(rig.testdev, RIG_IOVA, (u32 *)page);
	FAULTS(rig.testdev2, RIG_IOVA, (u32 *)page);
}

CASE(list, attach_is_all_or_nothing_D3_D4_N30)
{
	u32 *page = open_unattached();
	struct pviommu_attach_list *list = attach_list(rig.domain, RIG_ENDPOINTS);

	for (u32 bad = 0; bad < RIG_ENDPOINTS; bad++) {
		vsids_of(list)[bad] = RIG_VSID(40);
		refuse_attach(list, PC_NOT_FOUND, page);
		vsids_of(list)[bad] = RIG_VSID((bad + 1) % RIG_ENDPOINTS);
		refuse_attach(list, PC_INVALID_PARAMETER, page);
		vsids_of(list)[bad] = RIG_VSID(bad);
	}
	/* One is there already: the others are not attached beside it. */
	rig_attach(EDU, rig.domain);
	refuse_attach(list, PC_EXISTS, page);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_ATTACHED), 1);
}

CASE(list, detach_is_all_or_nothing_D4)
{
	struct pviommu_attach_list *list;

	rig_open_mapped();
	list = attach_list(rig.domain, RIG_ENDPOINTS);
	vsids_of(list)[2] = RIG_VSID(40);
	REFUSED(pv_detach_list((u64)list), PC_NOT_FOUND);
	vsids_of(list)[2] = RIG_VSID(1);
	REFUSED(pv_detach_list((u64)list), PC_INVALID_PARAMETER);
	vsids_of(list)[2] = RIG_VSID(2);
	rig_detach(EDU, rig.domain);
	REFUSED(pv_detach_list((u64)list), PC_NOT_FOUND);
	LANDS(rig.testdev2, RIG_IOVA, rig.page);
	rig_attach(EDU, rig.domain);
	OK(pv_detach_list((u64)list));
	FAULTS(rig.testdev2, RIG_IOVA, rig.page);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_attach(i, rig.domain);
}

CASE(list, attach_members_are_checked_N5_N6)
{
	u32 *page = open_unattached();
	struct pviommu_attach_list *list = attach_list(rig.domain, RIG_ENDPOINTS), good = *list;

	list->vsid_count = 0;
	refuse_attach(list, PC_INVALID_PARAMETER, page);
	list->vsid_count = PVIOMMU_MAX_VSIDS + 1;
	refuse_attach(list, PC_INVALID_PARAMETER, page);
	list->vsid_count = ~0u;
	refuse_attach(list, PC_INVALID_PARAMETER, page);
	*list = good, list->reserved = 1;
	refuse_attach(list, PC_INVALID_PARAMETER, page);
	*list = good, list->vsids_ipa += 2;
	refuse_attach(list, PC_INVALID_PARAMETER, page);
	*list = good, list->pviommu += 1000;
	refuse_attach(list, PC_NOT_FOUND, page);
	*list = good, list->domain += 100000;
	refuse_attach(list, PC_NOT_FOUND, page);
	*list = good, list->pasid = 1;
	refuse_attach(list, PC_NOT_SUPPORTED, page);
	for (u32 bit = 1; bit < 32; bit++) {
		*list = good, list->flags = 1u << bit;
		REFUSED(pv_attach_list((u64)list), PC_NOT_SUPPORTED);
	}
	*list = good, list->flags = PVIOMMU_ATTACH_ACCEPT_SHARED;
	OK(pv_attach_list((u64)list));
}

/* Addresses where no buffer of ours can be. */
static u32 bad_buffers(u64 *bad)
{
	u64 end = machine.ram[machine.ram_count - 1].base + machine.ram[machine.ram_count - 1].size;
	u32 count = 0;

	bad[count++] = 0;
	bad[count++] = align_up(machine.reserved[0].base, PAGE);
	bad[count++] = machine.uart;
	bad[count++] = machine.pci.ecam.base;
	bad[count++] = rig.testdev.regs;
	bad[count++] = end;
	bad[count++] = end - 8;
	bad[count++] = 1ul << 40;
	bad[count++] = 1ul << 52;
	bad[count++] = ~7ul;
	return count;
}

static void refuse_bad_addresses(list_call call)
{
	u64 bad[16];
	u32 count = bad_buffers(bad);

	for (u32 i = 0; i < count; i++)
		REFUSED(call(bad[i]), PC_FAULT);
}

CASE(list, envelope_must_be_memory_N3)
{
	rig_open_mapped();
	refuse_bad_addresses(pv_attach_list);
	refuse_bad_addresses(pv_detach_list);
	refuse_bad_addresses(pv_map_list);
	refuse_bad_addresses(pv_unmap_list);
}

CASE(list, array_must_be_memory_N3_N9)
{
	struct pviommu_attach_list *attach;
	struct pviommu_map_list *map;
	u64 bad[16];
	u32 count;

	rig_open_mapped();
	attach = attach_list(rig.domain, RIG_ENDPOINTS);
	map = ram_alloc(PAGE, PAGE);
	*map = (struct pviommu_map_list){ .size = sizeof(*map), .domain = (u32)rig.domain, .entry_num = 1 };
	count = bad_buffers(bad);
	for (u32 i = 0; i < count; i++) {
		attach->vsids_ipa = bad[i];
		REFUSED(pv_attach_list((u64)attach), PC_FAULT);
		REFUSED(pv_detach_list((u64)attach), PC_FAULT);
		map->entries_ipa = bad[i];
		map->entry_len = sizeof(struct pviommu_map_entry);
		REFUSED(pv_map_list((u64)map), PC_FAULT);
		map->entry_len = sizeof(struct pviommu_unmap_entry);
		REFUSED(pv_unmap_list((u64)map), PC_FAULT);
	}
}

/* size, tail and alignment of a top-level structure; `known` is its published size. */
static void check_envelope(list_call call, void *good, u32 known)
{
	u8 *copy = ram_alloc(2 * PAGE, PAGE);
	u32 *size = (u32 *)copy;

	memcpy(copy, good, known);
	for (u32 s = 0; s < known; s += 4) {
		*size = s;
		REFUSED(call((u64)copy), PC_INVALID_PARAMETER);
	}
	*size = PVIOMMU_MAX_STRUCT + 1;
	REFUSED(call((u64)copy), PC_INVALID_PARAMETER);
	*size = ~0u;
	REFUSED(call((u64)copy), PC_INVALID_PARAMETER);
	for (u32 s = known + 1; s <= PVIOMMU_MAX_STRUCT; s = s * 2 < PVIOMMU_MAX_STRUCT ? s * 2 : s + 997) {
		*size = s;
		copy[s - 1] = 1;
		REFUSED(call((u64)copy), PC_TOO_BIG);
		copy[s - 1] = 0;
	}
	*size = PVIOMMU_MAX_STRUCT;
	copy[PVIOMMU_MAX_STRUCT - 1] = 0x80;
	REFUSED(call((u64)copy), PC_TOO_BIG);
	copy[PVIOMMU_MAX_STRUCT - 1] = 0;
	memmove(copy + 4, copy, known);
	REFUSED(call((u64)copy + 4), PC_INVALID_PARAMETER);
}

CASE(list, envelope_of_attach_N1_N2)
{
	struct pviommu_attach_list *list;

	rig_open_mapped();
	list = attach_list(rig.domain, RIG_ENDPOINTS);
	check_envelope(pv_detach_list, list, sizeof(*list));
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_detach(i, rig.domain);
	rig.page = NULL;
	check_envelope(pv_attach_list, list, sizeof(*list));
	/* Larger than known with a tail of zeros is as good as exact. */
	list->size = 1024;
	OK(pv_attach_list((u64)list));
}

static struct pviommu_map_list *map_list(u64 domain, u32 count)
{
	struct pviommu_map_list *list = ram_alloc(PAGE, PAGE);

	*list = (struct pviommu_map_list){ .size = sizeof(*list),
					   .domain = (u32)domain,
					   .entry_len = sizeof(struct pviommu_map_entry),
					   .entry_num = count,
					   .entries_ipa = (u64)ram_alloc(PVIOMMU_MAX_LIST * sizeof(struct pviommu_map_entry), PAGE) };
	return list;
}

static struct pviommu_map_entry *entries_of(struct pviommu_map_list *list)
{
	return (struct pviommu_map_entry *)list->entries_ipa;
}

/* count pages of memory, every second page of IOVA, last first. */
static void fill_entries(struct pviommu_map_list *list, u64 memory)
{
	for (u32 i = 0; i < list->entry_num; i++)
		entries_of(list)[i] = (struct pviommu_map_entry){ .iova = FREE_IOVA + 2 * (list->entry_num - 1 - i) * PAGE,
								  .ipa = memory + i * PAGE,
								  .bytes = PAGE,
								  .prot = RW };
}

/* The unmap list of the same IOVAs. */
static struct pviommu_map_list *unmap_list_of(struct pviommu_map_list *map)
{
	struct pviommu_map_list *list = ram_alloc(PAGE, PAGE);
	struct pviommu_unmap_entry *entries = ram_alloc(PVIOMMU_MAX_LIST * sizeof(*entries), PAGE);

	*list = *map;
	list->entry_len = sizeof(*entries);
	list->entries_ipa = (u64)entries;
	for (u32 i = 0; i < map->entry_num; i++)
		entries[i] = (struct pviommu_unmap_entry){ entries_of(map)[i].iova, entries_of(map)[i].bytes };
	return list;
}

static void run_list(list_call call, struct pviommu_map_list *list, u64 bytes)
{
	struct hres r = call((u64)list);

	REQUIRE(hres_ok(r) && r.r1 == bytes, "a list of %u entries answers %s with %#lx bytes", list->entry_num,
		status_name(hres_status(r)), r.r1);
}

/* All of a list of single pages: a call does as many entries as its bound lets it, and the rest is called again. */
static void run_pages(list_call call, struct pviommu_map_list *list)
{
	struct pviommu_map_list rest = *list;
	u32 calls = 0;

	while (list->entry_num) {
		struct hres r = call((u64)list);
		u32 done = (u32)(r.r1 / PAGE);

		REQUIRE(hres_ok(r) && done && done <= list->entry_num && r.r1 % PAGE == 0,
			"a list of %u pages answers %s with %#lx bytes", list->entry_num, status_name(hres_status(r)), r.r1);
		list->entry_num -= done;
		list->entries_ipa += (u64)done * list->entry_len;
		REQUIRE(++calls <= 8, "a list of %u pages takes more than %u calls", rest.entry_num, calls);
	}
	*list = rest;
}

CASE(list, maps_and_unmaps_scattered_pages)
{
	struct pviommu_map_list *map, *unmap;
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(PVIOMMU_MAX_LIST * PAGE, PAGE);
	map = map_list(rig.domain, PVIOMMU_MAX_LIST);
	fill_entries(map, memory);
	unmap = unmap_list_of(map);
	run_pages(pv_map_list, map);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1 + PVIOMMU_MAX_LIST);
	for (u32 i = 0; i < PVIOMMU_MAX_LIST; i += 37) {
		LANDS(rig.testdev, entries_of(map)[i].iova, (u32 *)entries_of(map)[i].ipa);
		FAULTS(rig.testdev, entries_of(map)[i].iova + PAGE, (u32 *)entries_of(map)[i].ipa);
	}
	run_pages(pv_unmap_list, unmap);
	for (u32 i = 0; i < PVIOMMU_MAX_LIST; i += 37)
		FAULTS(rig.testdev, entries_of(map)[i].iova, (u32 *)entries_of(map)[i].ipa);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), 1);
}

CASE(list, empty_list_does_nothing_N10)
{
	struct pviommu_map_list *list;

	rig_open_mapped();
	list = map_list(rig.domain, 0);
	run_list(pv_map_list, list, 0);
	list->entry_len = sizeof(struct pviommu_unmap_entry);
	run_list(pv_unmap_list, list, 0);
}

CASE(list, members_are_checked_N6_N7_N8)
{
	struct pviommu_map_list *map, *unmap, good;
	u32 lens[] = { 0, 1, 8, sizeof(struct pviommu_map_entry) - 1, PVIOMMU_MAX_ENTRY + 1, ~0u };

	rig_open_mapped();
	map = map_list(rig.domain, 2);
	fill_entries(map, (u64)ram_alloc(2 * PAGE, PAGE));
	unmap = unmap_list_of(map);
	good = *map;
	for (u32 i = 0; i < ARRAY_COUNT(lens); i++) {
		map->entry_len = lens[i];
		REFUSED(pv_map_list((u64)map), PC_INVALID_PARAMETER);
		unmap->entry_len = lens[i] < sizeof(struct pviommu_unmap_entry) || lens[i] > PVIOMMU_MAX_ENTRY ? lens[i] : 15;
		REFUSED(pv_unmap_list((u64)unmap), PC_INVALID_PARAMETER);
	}
	*map = good, map->entry_num = PVIOMMU_MAX_LIST + 1;
	REFUSED(pv_map_list((u64)map), PC_INVALID_PARAMETER);
	*map = good, map->entry_num = ~0u;
	REFUSED(pv_map_list((u64)map), PC_INVALID_PARAMETER);
	*map = good, map->reserved = 1;
	REFUSED(pv_map_list((u64)map), PC_INVALID_PARAMETER);
	*map = good, map->flags = 1;
	REFUSED(pv_map_list((u64)map), PC_NOT_SUPPORTED);
	*map = good, map->domain += 100000;
	REFUSED(pv_map_list((u64)map), PC_NOT_FOUND);
	*map = good, map->entries_ipa += 4;
	REFUSED(pv_map_list((u64)map), PC_INVALID_PARAMETER);
	*map = good;
	check_envelope(pv_map_list, map, sizeof(*map));
}

/* entry_len is the stride: longer entries are fine while what we do not know of them is zero. */
CASE(list, longer_entries_N2)
{
	struct pviommu_map_list *list;
	u8 *entries;
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(3 * PAGE, PAGE);
	list = map_list(rig.domain, 3);
	entries = (u8 *)list->entries_ipa;
	list->entry_len = 96;
	for (u32 i = 0; i < 3; i++)
		*(struct pviommu_map_entry *)(entries + i * 96) = (struct pviommu_map_entry){
			.iova = FREE_IOVA + i * PAGE, .ipa = memory + i * PAGE, .bytes = PAGE, .prot = RW
		};
	entries[95] = 1;
	REFUSED(pv_map_list((u64)list), PC_TOO_BIG);
	entries[95] = 0;
	run_list(pv_map_list, list, 3 * PAGE);
	LANDS(rig.testdev, FREE_IOVA + 2 * PAGE, (u32 *)(memory + 2 * PAGE));
}

/* The entries before the bad one are mapped and counted, the bad one and those behind it are not. */
static void check_bad_entry(u32 bad, struct pviommu_map_entry entry, long wanted)
{
	struct pviommu_map_list *list = map_list(rig.domain, 5);
	u64 memory = (u64)ram_alloc(5 * PAGE, PAGE), pins = rig_stat(PVIOMMU_STAT_PINS);
	struct hres r;
	long status;

	fill_entries(list, memory);
	entries_of(list)[bad] = entry;
	r = pv_map_list((u64)list);
	status = hres_status(r);
	REQUIRE(status == wanted, "entry %u bad: %s", bad,
		status_name(status));
	REQUIRE(r.r1 == bad * PAGE, "entry %u bad: %#lx bytes", bad, r.r1);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_PINS), pins + bad);
	for (u32 i = 0; i < 5; i++) {
		u64 iova = FREE_IOVA + 2 * (4 - i) * PAGE;

		if (i < bad) {
			LANDS(rig.testdev, iova, (u32 *)(memory + i * PAGE));
			rig_unmap(rig.domain, iova, PAGE);
		} else {
			FAULTS(rig.testdev, iova, (u32 *)(memory + i * PAGE));
		}
	}
}

CASE(list, bad_entry_stops_with_the_bytes_before_it_C10)
{
	u64 reserved;

	rig_open_mapped();
	reserved = align_up(machine.reserved[0].base, PAGE);
	for (u32 bad = 0; bad < 5; bad += 2) {
		struct pviommu_map_entry e = { .iova = FREE_IOVA + 2 * (4 - bad) * PAGE, .bytes = PAGE, .prot = RW };

		e.ipa = reserved;
		check_bad_entry(bad, e, PC_FAULT);
		e.ipa = (u64)rig.page, e.prot = 0x40 | RW;
		check_bad_entry(bad, e, PC_INVALID_PARAMETER);
		e.prot = RW, e.reserved = 1;
		check_bad_entry(bad, e, PC_INVALID_PARAMETER);
		e.reserved = 0, e.iova += 8;
		check_bad_entry(bad, e, PC_INVALID_PARAMETER);
		e.iova = RIG_IOVA;
		check_bad_entry(bad, e, PC_EXISTS);
	}
}

CASE(list, unmap_stops_at_a_hole_C10)
{
	struct pviommu_map_list *map, *unmap;
	struct pviommu_unmap_entry *entries;
	struct hres r;
	u64 memory;

	rig_open_mapped();
	memory = (u64)ram_alloc(5 * PAGE, PAGE);
	map = map_list(rig.domain, 5);
	fill_entries(map, memory);
	unmap = unmap_list_of(map);
	entries = (void *)unmap->entries_ipa;
	run_list(pv_map_list, map, 5 * PAGE);
	entries[3].iova += PAGE;
	r = pv_unmap_list((u64)unmap);
	REQUIRE(hres_status(r) == PC_INVALID_PARAMETER && r.r1 == 3 * PAGE, "%s with %#lx bytes",
		status_name(hres_status(r)), r.r1);
	FAULTS(rig.testdev, entries_of(map)[2].iova, (u32 *)(memory + 2 * PAGE));
	LANDS(rig.testdev, entries_of(map)[3].iova, (u32 *)(memory + 3 * PAGE));
	LANDS(rig.testdev, entries_of(map)[4].iova, (u32 *)(memory + 4 * PAGE));
}

/* More leaves than one call may touch: SUCCESS with fewer bytes, and the caller continues behind them. */
CASE(list, work_of_one_call_is_bounded_V9_I8)
{
	struct pviommu_map_list *list;
	u64 memory, done;
	struct hres r;

	rig_open_mapped();
	memory = ram_alloc_raw(4 * BLOCK_2M, BLOCK_2M);
	list = map_list(rig.domain, 16);
	for (u32 i = 0; i < 16; i++)
		entries_of(list)[i] = (struct pviommu_map_entry){ .iova = RIG_IOVA + 8 * BLOCK_2M + PAGE + i * 64 * PAGE,
								  .ipa = memory + i * 64 * PAGE,
								  .bytes = 64 * PAGE,
								  .prot = RW };
	r = OK(pv_map_list((u64)list));
	done = r.r1;
	REQUIRE(done && done <= PVIOMMU_MAX_LEAVES * PAGE, "one list call mapped %#lx bytes by pages", done);
	REQUIRE_EQUAL(rig_stat(PVIOMMU_STAT_MAPPED), PAGE + done);
	LANDS(rig.testdev, RIG_IOVA + 8 * BLOCK_2M + done, (u32 *)(memory + done - PAGE));
	FAULTS(rig.testdev, RIG_IOVA + 8 * BLOCK_2M + PAGE + done, (u32 *)(memory + done));
}
