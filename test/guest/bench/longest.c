/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The longest time in the hypervisor without a chance for an interrupt, for each call of the pvIOMMU interface, with
 * the arguments and states that are worst for it: longest.h says how it is measured. The readings include the guest's
 * own entry to its interrupt handler, about 130 instructions.
 */
#include "longest.h"

#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "trap.h"

/* From arming the timer to the HVC there are fewer instructions, in any piece of a call there are more. */
#define DUE_AFTER     120
#define BASE_IOVA     0x10000000000ul
#define BLOCKS        300
#define SHARED_AT     511
#define CONSOLE_BYTES 128
#define REGISTERS_AT  (7 * BASE_IOVA + 16 * BLOCK_1G)
#define GIB_AT        0x80000000ul /* RAM of this machine, all of it the primary's */

static volatile u32 longest, pieces;
static volatile u64 piece_began;
static u64 memory; /* BLOCKS runs of 2 MiB */

static void timer_set(u64 when, u64 on)
{
	sysreg_write(cntv_cval_el0, when);
	sysreg_write(cntv_ctl_el0, on);
	isb();
}

static void piece_end(u64 now)
{
	u32 ticks = (u32)(now - piece_began);

	longest = ticks > longest ? ticks : longest;
	pieces++;
}

static void interrupted(void)
{
	u64 now = time_ticks();
	u64 irq = sysreg_read(icc_iar1_el1);

	piece_end(now);
	timer_set(0, 0);
	sysreg_write(icc_eoir1_el1, irq);
	timer_set(time_ticks() + DUE_AFTER, 1);
	piece_began = time_ticks();
}

bool longest_nested(void)
{
	return rig_query(PVIOMMU_Q_NESTED_TYPES, 0) != 0;
}

u64 longest_vm_flags(void)
{
	return longest_nested() ? PC_VM_NESTED : 0;
}

static bool all_iovas(void)
{
	return rig_query(PVIOMMU_Q_IOVA_BITS, 0) >= 48;
}

u64 longest_stride(void)
{
	return all_iovas() ? 512 * BLOCK_1G : 16 * BLOCK_1G;
}

u64 longest_area(void)
{
	return all_iovas() ? 32 * BASE_IOVA : 9 * BASE_IOVA;
}

static void not_expected(u32 irq)
{
	(void)irq;
}

void longest_begin(void)
{
	gic_init(not_expected);
	trap_set_irq(interrupted);
}

struct hres longest_call(const char *what, u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	struct hres r;

	gic_enable(machine.timer_irq, true);
	timer_set(time_ticks() + DUE_AFTER, 1);
	piece_began = time_ticks();
	irq_on();
	r = hcall(fn, a1, a2, a3, a4, a5, a6);
	irq_off();
	piece_end(time_ticks());
	timer_set(0, 0);
	REQUIRE(hres_ok(r), "%s answers %s", what, status_name(hres_status(r)));
	return r;
}

struct hres longest_run(const char *what, u64 vm, u64 vcpu, u64 exit)
{
	struct timed t = timed_call(PC_VCPU_RUN, vm, vcpu, exit, 0, 0, 0);

	REQUIRE(hres_ok(t.r), "%s answers %s", what, status_name(hres_status(t.r)));
	longest = t.ticks > longest ? t.ticks : longest;
	pieces++;
	return t.r;
}

void longest_forget(void)
{
	longest = pieces = 0;
}

void longest_print_of(const char *prefix, const char *key)
{
	printf("[b] longest_%s%s %u cold %u\n", prefix, key, longest, pieces);
	longest_forget();
}

void longest_print(const char *key)
{
	longest_print_of("", key);
}

/* --- one range */

static void map(u64 iova, u64 ipa, u64 bytes)
{
	struct hres r = LONGEST_OP("MAP_PAGES", PVIOMMU_MAP_PAGES, rig.domain, iova, ipa, bytes, RW);

	REQUIRE(r.r1, "MAP_PAGES maps nothing");
}

static void unmap(u64 iova, u64 bytes)
{
	LONGEST_OP("UNMAP_PAGES", PVIOMMU_UNMAP_PAGES, rig.domain, iova, bytes, 0, 0);
}

/* 512 pages where nothing is yet, in two tables: then 512 blocks. */
static void long_ranges(void)
{
	map(BASE_IOVA + PAGE, memory, BLOCK_2M);
	unmap(BASE_IOVA + PAGE, BLOCK_2M);
	map(2 * BASE_IOVA + BLOCK_2M, memory, BLOCKS * BLOCK_2M);
	unmap(2 * BASE_IOVA + BLOCK_2M, BLOCKS * BLOCK_2M);
}

/* Empty tables lie where the blocks are to go: they are unlinked and invalidated first. */
static void over_empty_tables(void)
{
	for (u64 at = 0; at < BLOCKS; at++)
		rig_map(rig.domain, 3 * BASE_IOVA + at * BLOCK_2M, memory, PAGE, RW);
	for (u64 at = 0; at < BLOCKS; at++)
		rig_unmap(rig.domain, 3 * BASE_IOVA + at * BLOCK_2M, PAGE);
	for (u64 at = 0; at < BLOCKS;) {
		struct hres r = LONGEST_OP("MAP_PAGES", PVIOMMU_MAP_PAGES, rig.domain, 3 * BASE_IOVA + at * BLOCK_2M,
					   memory + at * BLOCK_2M, (BLOCKS - at) * BLOCK_2M, RW);

		at += r.r1 / BLOCK_2M;
	}
}

/* Blocks that stick out at both ends are split, as many as a call may touch records. */
static void through_blocks(void)
{
	for (u64 at = 0; at < BLOCKS - 2; at += 2) {
		u64 left = BLOCK_2M, iova = 3 * BASE_IOVA + at * BLOCK_2M + BLOCK_2M / 2;

		while (left) {
			struct hres r = LONGEST_OP("UNMAP_PAGES", PVIOMMU_UNMAP_PAGES, rig.domain, iova, left, 0, 0);

			iova += r.r1;
			left -= r.r1;
		}
	}
}

static void measure_ranges(void)
{
	long_ranges();
	over_empty_tables();
	longest_print("map_pages");
	long_ranges();
	through_blocks();
	longest_print("unmap_pages");
}

/* --- lists */

/* The longest of which one call takes as many as of any that are longer than published; unmapping, more of the published. */
union map_entry {
	struct pviommu_map_entry e;
	u8 all[PVIOMMU_MAX_READ / PVIOMMU_MAX_LONG];
};
static union map_entry entries[PVIOMMU_MAX_LIST] __attribute__((aligned(64)));
static struct pviommu_unmap_entry holes[PVIOMMU_MAX_LIST] __attribute__((aligned(64)));
static union {
	struct pviommu_map_list list;
	u8 all[PVIOMMU_MAX_STRUCT];
} map_list __attribute__((aligned(64)));

static u64 list_call(const char *what, u64 op, u32 entry_len, const void *array, u32 count)
{
	map_list.list = (struct pviommu_map_list){
		.size = sizeof(map_list),
		.domain = (u32)rig.domain,
		.entry_len = entry_len,
		.entry_num = count,
		.entries_ipa = (u64)array,
	};
	return LONGEST_OP(what, op, (u64)&map_list, 0, 0, 0, 0).r1;
}

/* Each entry in tables of its own. */
static void far_entries(u64 stride, u64 bytes)
{
	for (u64 i = 0; i < PVIOMMU_MAX_LIST; i++) {
		entries[i].e = (struct pviommu_map_entry){ .iova = 2 * BLOCK_1G + i * stride + PAGE,
							   .ipa = memory + i * 4 * PAGE,
							   .bytes = bytes,
							   .prot = RW };
		holes[i] = (struct pviommu_unmap_entry){ .iova = entries[i].e.iova, .bytes = bytes };
	}
}

/* One block of 1 GiB in every entry of a list, as many as one call takes; then the same addresses are free again. */
static void many_gib(void)
{
	static struct pviommu_unmap_entry hole __attribute__((aligned(64)));
	u64 left, done;

	for (u64 i = 0; i < PVIOMMU_MAX_LIST; i++)
		entries[i].e = (struct pviommu_map_entry){ .iova = 6 * BASE_IOVA + i * BLOCK_1G, .ipa = GIB_AT, .bytes = BLOCK_1G, .prot = RW };
	left = list_call("MAP_LIST", PVIOMMU_MAP_LIST, sizeof(entries[0]), entries, PVIOMMU_MAX_LIST);
	REQUIRE(left, "MAP_LIST maps nothing");
	for (hole.iova = 6 * BASE_IOVA; left; left -= done) {
		hole.bytes = left;
		done = list_call("UNMAP_LIST", PVIOMMU_UNMAP_LIST, sizeof(hole), &hole, 1);
		REQUIRE(done && done <= left, "UNMAP_LIST unmaps %lu bytes of %lu", done, left);
		hole.iova += done;
	}
}

/* Of the last device that has any, the last window: what is looked for is found last. */
static u64 last_window(void)
{
	u32 device = (u32)OK(dev_count()).r1;
	struct pc_dev_info info;

	do
		info = rig_device_info(--device);
	while (info.mmio_count == 0);
	return info.mmio[info.mmio_count - 1].ipa;
}

/* A page of registers in every entry. */
static void many_registers(void)
{
	u64 window = last_window(), done;

	for (u64 i = 0; i < PVIOMMU_MAX_LIST; i++) {
		u64 iova = REGISTERS_AT + i * PAGE;

		entries[i].e = (struct pviommu_map_entry){ .iova = iova, .ipa = window, .bytes = PAGE, .prot = RW | PVIOMMU_PROT_MMIO };
		holes[i] = (struct pviommu_unmap_entry){ .iova = iova, .bytes = PAGE };
	}
	for (u32 at = 0; at < PVIOMMU_MAX_LIST; at += done / PAGE) {
		done = list_call("MAP_LIST", PVIOMMU_MAP_LIST, sizeof(entries[0]), &entries[at], PVIOMMU_MAX_LIST - at);
		REQUIRE(done, "MAP_LIST maps nothing");
	}
	for (u32 at = 0; at < PVIOMMU_MAX_LIST; at += done / PAGE) {
		done = list_call("UNMAP_LIST", PVIOMMU_UNMAP_LIST, sizeof(holes[0]), &holes[at], PVIOMMU_MAX_LIST - at);
		REQUIRE(done, "UNMAP_LIST unmaps nothing");
	}
}

static void measure_lists(void)
{
	u64 done;

	many_registers();
	many_gib();
	far_entries(longest_stride(), PAGE);
	for (u32 at = 0; at < PVIOMMU_MAX_LIST; at += done / PAGE) {
		done = list_call("MAP_LIST", PVIOMMU_MAP_LIST, sizeof(entries[0]), &entries[at], PVIOMMU_MAX_LIST - at);
		REQUIRE(done, "MAP_LIST maps nothing");
	}
	for (u32 i = 0; i < PVIOMMU_MAX_LIST; i++)
		rig_unmap(rig.domain, holes[i].iova, PAGE);
	/* Now the tables are there. */
	for (u32 at = 0; at < PVIOMMU_MAX_LIST; at += done / PAGE) {
		done = list_call("MAP_LIST", PVIOMMU_MAP_LIST, sizeof(entries[0]), &entries[at], PVIOMMU_MAX_LIST - at);
		REQUIRE(done, "MAP_LIST maps nothing");
	}
	longest_print("map_list");
	done = list_call("UNMAP_LIST", PVIOMMU_UNMAP_LIST, sizeof(holes[0]), holes, PVIOMMU_MAX_LIST);
	REQUIRE(done, "UNMAP_LIST unmaps nothing");
	/* A page out of each of as many blocks. */
	rig_map(rig.domain, 4 * BASE_IOVA, memory, PVIOMMU_MAX_LIST * BLOCK_2M, RW);
	for (u64 i = 0; i < PVIOMMU_MAX_LIST; i++)
		holes[i] = (struct pviommu_unmap_entry){ .iova = 4 * BASE_IOVA + i * BLOCK_2M + PAGE, .bytes = PAGE };
	done = list_call("UNMAP_LIST", PVIOMMU_UNMAP_LIST, sizeof(holes[0]), holes, PVIOMMU_MAX_LIST);
	REQUIRE(done, "UNMAP_LIST unmaps nothing");
	many_registers();
	many_gib();
	longest_print("unmap_list");
}

/* --- domains and attachments */

static void measure_domains(void)
{
	u64 domain = LONGEST_OP("ALLOC_DOMAIN", PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0).r1;

	longest_print("alloc_domain");
	rig_note_domain(domain);
	for (u64 at = 0; at < BLOCKS; at++) {
		rig_map(domain, BASE_IOVA + at * BLOCK_2M + PAGE, memory + at % 4 * BLOCK_2M, BLOCK_2M - PAGE, RW);
		rig_map(domain, 2 * BASE_IOVA + at * 4 * BLOCK_1G, memory + at * BLOCK_2M, PAGE, RW);
	}
	for (u64 at = 0; at < 64; at++)
		rig_map(domain, 8 * BASE_IOVA + at * BLOCK_1G, GIB_AT, BLOCK_1G, RW);
	LONGEST_OP("FREE_DOMAIN", PVIOMMU_FREE_DOMAIN, domain, 0, 0, 0, 0);
	rig_forget_domain(domain);
	longest_print("free_domain");
}

static u32 vsids[PVIOMMU_MAX_VSIDS] __attribute__((aligned(64)));
/* As long as a structure may be. */
static union {
	struct pviommu_attach_list list;
	u8 all[PVIOMMU_MAX_STRUCT];
} attach __attribute__((aligned(64)));

static void attach_call(const char *what, u64 op, u64 domain, u32 count)
{
	attach.list = (struct pviommu_attach_list){
		.size = sizeof(attach),
		.pviommu = rig.pviommu,
		.domain = (u32)domain,
		.vsids_ipa = (u64)vsids,
		.vsid_count = count,
	};
	LONGEST_OP(what, op, (u64)&attach, 0, 0, 0, 0);
}

/* Every device that the machine has, up to what a list takes. */
static u32 take_endpoints(void)
{
	u64 devices = OK(dev_count()).r1;
	u32 count = 0;

	for (u32 d = 0; d < devices && count < PVIOMMU_MAX_VSIDS; d++) {
		struct pc_dev_info info = rig_device_info(d);

		if (d == rig.device || count + info.endpoint_count > PVIOMMU_MAX_VSIDS)
			continue;
		rig_assign(d);
		for (u32 e = 0; e < info.endpoint_count; e++) {
			vsids[count] = RIG_VSID(100 + count);
			rig_set_vsid(d, e, vsids[count++]);
		}
	}
	return count;
}

static void measure_attachments(void)
{
	u64 other = rig_domain();
	u32 count = take_endpoints();

	printf("[t] info attach_list endpoints=%u\n", count);
	attach_call("ATTACH_LIST", PVIOMMU_ATTACH_LIST, rig.domain, count);
	attach_call("ATTACH_LIST", PVIOMMU_ATTACH_LIST, other, count);
	longest_print("attach_list");
	attach_call("DETACH_LIST", PVIOMMU_DETACH_LIST, other, count);
	longest_print("detach_list");
	LONGEST_OP("ATTACH_DEV", PVIOMMU_ATTACH_DEV, rig.pviommu, vsids[0], 0, rig.domain, 0);
	LONGEST_OP("ATTACH_DEV", PVIOMMU_ATTACH_DEV, rig.pviommu, vsids[0], 0, other, 0);
	longest_print("attach_dev");
	LONGEST_OP("DETACH_DEV", PVIOMMU_DETACH_DEV, rig.pviommu, vsids[0], 0, other, 0);
	longest_print("detach_dev");
}

/* --- questions */

static void measure_questions(void)
{
	u64 vsid_count = rig_query(PVIOMMU_Q_VSID_COUNT, 0);

	rig_map(rig.domain, 5 * BASE_IOVA, memory, PAGE, RW);
	for (u64 p = 0; p < PVIOMMU_Q_RESERVED_BASE; p++) {
		if (p != PVIOMMU_Q_VSID || vsid_count)
			LONGEST_OP("QUERY", PVIOMMU_QUERY, rig.pviommu, p, p == PVIOMMU_Q_VSID ? vsid_count - 1 : 0, 0, 0);
	}
	longest_print("query");
	for (u64 counter = 0; counter < PVIOMMU_STAT_COUNT; counter++)
		LONGEST_OP("STATS", PVIOMMU_STATS, rig.pviommu, counter, 0, 0, 0);
	longest_print("stats");
	LONGEST_OP("IOVA_TO_IPA", PVIOMMU_IOVA_TO_IPA, rig.domain, 5 * BASE_IOVA, 0, 0, 0);
	longest_print("iova_to_ipa");
	LONGEST_OP("SID_INFO", PVIOMMU_SID_INFO, rig.pviommu, RIG_VSID(EDU), 0, 0, 0);
	longest_print("sid_info");
	LONGEST_OP("ENDPOINT_INFO", PVIOMMU_ENDPOINT_INFO, rig.pviommu, RIG_VSID(EDU), 0, 0, 0);
	longest_print("endpoint_info");
}

/* --- what is read from memory */

static void *room_here(u64 offset)
{
	return (void *)(memory + offset);
}

static struct hres own_op(const char *what, u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6)
{
	return longest_call(what, PC_PVIOMMU_OP, op, a2, a3, a4, a5, a6);
}

static void room_lend(bool lent)
{
	(void)lent;
}

static void measure_reading(void)
{
	longest_reading(&(struct longest_caller){
		.prefix = "",
		.op = own_op,
		.ipa = memory,
		.here = room_here,
		.lend = room_lend,
		.pviommu = rig.pviommu,
		.vsid = RIG_VSID(TESTDEV2),
		.event_irq = { rig_query(PVIOMMU_Q_EVENT_IRQ, 0), rig_query(PVIOMMU_Q_EVENT_IRQ, 1) },
	});
}

/* --- the guest's own device */

/* The longest text that one call takes, none of it fit to be printed, across two pages. */
static void measure_console(void)
{
	char *text = (char *)memory + PAGE - 64;

	for (u32 i = 0; i < CONSOLE_BYTES; i++)
		text[i] = '\n';
	LONGEST("CONSOLE", PC_CONSOLE, (u64)text, CONSOLE_BYTES);
	longest_print("console");
}

/* All of the configuration space, and what is read is written. */
static void measure_config(u32 vsid)
{
	for (u64 at = 0; at < PAGE; at += 4) {
		u64 value = LONGEST("DEV_CONFIG", PC_DEV_CONFIG, rig.pviommu, vsid, at | 4 << 16, 0).r1;

		LONGEST("DEV_CONFIG", PC_DEV_CONFIG, rig.pviommu, vsid, at | 4 << 16 | 1 << 24, value);
	}
}

/* Of the last device, the last window: what is looked for is found last. */
static void measure_tokens(void)
{
	u64 last = OK(dev_count()).r1 - 1;
	struct pc_dev_info info = rig_device_info((u32)last);

	for (u32 e = 0; e < RIG_ENDPOINTS; e++)
		LONGEST("DEV_REQ_DMA", PC_DEV_REQ_DMA, rig.pviommu, RIG_VSID(e));
	longest_print("dev_req_dma");
	REQUIRE(info.mmio_count && info.flags & PC_DEV_ASSIGNED, "device %lu has no window or is not ours", last);
	LONGEST("DEV_REQ_MMIO", PC_DEV_REQ_MMIO, info.mmio[info.mmio_count - 1].ipa);
	longest_print("dev_req_mmio");
}

static void measure_own_device(u32 last_vsid)
{
	measure_console();
	measure_tokens();
	measure_config(RIG_VSID(EDU));
	measure_config(last_vsid);
	longest_print("dev_config");
	rig_detach(TESTDEV, rig.domain);
	LONGEST("DEV_RESET", PC_DEV_RESET, rig.pviommu, RIG_VSID(EDU));
	LONGEST("DEV_RESET", PC_DEV_RESET, rig.pviommu, last_vsid);
	longest_print("dev_reset");
}

CASE(longest, pviommu)
{
	rig_open();
	memory = ram_alloc_raw(BLOCKS * BLOCK_2M, BLOCK_2M);
	rig.domain = rig_domain();
	rig_attach(TESTDEV, rig.domain);
	bench_count_begin();
	longest_begin();
	measure_ranges();
	measure_lists();
	longest_lists(memory, GIB_AT);
	measure_domains();
	measure_attachments();
	measure_questions();
	measure_reading();
	measure_own_device(vsids[0]);
}

CASE(longest, vmm)
{
	memory = ram_alloc_raw(BLOCKS * BLOCK_2M, BLOCK_2M);
	bench_count_begin();
	longest_begin();
	longest_memory(memory);
	longest_vms(memory);
}

void guest_main(void)
{
	const char *patterns = machine_bootarg("t");

	report_run(patterns ? patterns : "*", &rig_hooks);
}
