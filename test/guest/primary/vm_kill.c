/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM killed at a random point, a thousand times (E4, K4): wherever it was, its memory comes back scrubbed, its
 * device goes home, and every counter is what it was.
 */
#include <stdio.h>

#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "vmdev.h"
#include "vmm.h"

#define KILLS        1000u
#define DEVICE_KILLS 60u
#define CODE         SERVICE_BASE
#define DATA         (SERVICE_BASE + PAGE)
#define DATA_PAGES   3u

extern const u8 tiny_busy[], tiny_busy_end[];

static struct vmm vm;

static u32 random_below(u32 limit)
{
	static u64 seed = 0x90c7c0115;

	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (u32)(seed >> 33) % limit;
}

static void require_scrubbed(u64 base, u64 pages, u32 round)
{
	for (u64 i = 0; i < pages * PAGE / 8; i++)
		REQUIRE(!((volatile u64 *)base)[i], "kill %u: word %lu came back as %lx", round, i, ((volatile u64 *)base)[i]);
}

/* Writes its page, shares it, takes it back; `micros` later it is dead. */
static void live_and_die(u32 round, u32 micros, bool by_other_cpu)
{
	u64 data = ram_alloc_raw(DATA_PAGES * PAGE, PAGE), end;

	vmm_create(&vm, 0, 1);
	vmm_load(&vm, CODE, tiny_busy, (u64)(tiny_busy_end - tiny_busy));
	vmm_donate(&vm, DATA, data, DATA_PAGES, PC_DONATE_SCRUB);
	OK(vcpu_set(vm.handle, 0, CODE, DATA));
	end = time_ticks() + time_ms(micros) / 1000;
	if (by_other_cpu) {
		vmm_run_on(&vm, 0, 1);
		while (time_ticks() < end)
			;
	} else {
		while (vmm_run_until(&vm, 0, end) == VMM_MEMORY)
			;
	}
	vmm_destroy(&vm);
	require_scrubbed(data, DATA_PAGES, round);
	require_scrubbed(vm.pool, vm.pool_pages, round);
}

static void kill_many(bool by_other_cpu)
{
	struct world before, now;

	world_read(&before);
	for (u32 i = 0; i < KILLS; i++) {
		u64 mark = ram_mark();

		live_and_die(i, random_below(1500), by_other_cpu);
		ram_release(mark);
		if (i % 50)
			continue;
		world_read(&now);
		REQUIRE(!world_difference(&before, &now), "kill %u left behind: %s", i, world_difference(&before, &now));
	}
}

CASE(kill, a_thousand_times_E4_K4)
{
	kill_many(false);
}

CASE(kill, a_thousand_times_from_another_cpu_E4_K4)
{
	if (machine.cpu_count < 2)
		report_skip("this machine has one CPU");
	smp_start_all();
	kill_many(true);
}

/* With a device that never stops, attached, detached or in between. */
CASE(kill, with_a_device_at_work_E4_E6_K4)
{
	struct world before, now;
	struct vmdev d;
	u32 bdf;

	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	world_read(&before);
	for (u32 i = 0; i < DEVICE_KILLS; i++) {
		u64 mark = ram_mark(), domain;

		vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 8);
		vmdev_give(&d, &vm, bdf, 0, RIG_VSID(0), 0);
		vmm_start(&vm);
		vmdev_enable(&d);
		domain = vmdev_domain(&vm);
		vmdev_map(&vm, domain, RIG_IOVA, vm.heap_ipa, 4 * PAGE, RW);
		vmdev_attach(&d, 0, domain);
		vmdev_attach(&d, 1, domain);
		ASK(&vm, "edu_start_store", d.regs[1], RIG_IOVA, 0, 256);
		switch (i % 4) {
		case 0:
			BEGIN(&vm, "dma_forever", d.regs[0], RIG_IOVA + PAGE);
			break;
		case 1:
			BEGIN(&vm, "map_forever", domain, RIG_IOVA + BLOCK_2M, vm.heap_ipa, 8 * PAGE);
			break;
		case 2:
			BEGIN(&vm, "attach_forever", 0, RIG_VSID(2), domain);
			break;
		default:
			BEGIN(&vm, "share_forever", vm.heap_ipa + 6 * PAGE, 1);
			break;
		}
		for (u64 end = time_ticks() + time_ms(random_below(4000)) / 1000; time_ticks() < end;)
			vmm_run_until(&vm, 0, end);
		vmm_destroy(&vm);
		require_scrubbed(vm.own, vm.pages, i);
		vmm_clean_up();
		ram_release(mark);
		world_read(&now);
		/* Maps, faults and the like count since boot. */
		for (u32 s = PVIOMMU_STAT_MAPS; s <= PVIOMMU_STAT_LOST; s++)
			before.stat[s] = now.stat[s];
		REQUIRE(!world_difference(&before, &now), "kill %u left behind: %s", i, world_difference(&before, &now));
	}
}
