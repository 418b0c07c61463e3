/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same for moves of devices that are large: by their registers, by their functions, by their isolation group. The machine of
 * this image has one of each.
 */
#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "longest.h"
#include "ram.h"
#include "report.h"
#include "rig.h"
#include "vmm.h"

#define PLACE (0x4000000000ul + BLOCK_2M) /* in blocks of 2 MiB, not of 1 GiB, whatever the range */

static struct vmm vm;

static void until_done(const char *what, u64 fn, u64 a1, u64 a2)
{
	u64 left;

	do {
		left = longest_call(what, fn, a1, a2, 0, 0, 0, 0).r1;
		gic_sleep_ms(2);
		longest_begin();
	} while (left);
}

static void assign(u32 device)
{
	until_done("DEV_ASSIGN", PC_DEV_ASSIGN, device, vm.handle);
}

static void release(u32 device)
{
	until_done("DEV_RELEASE", PC_DEV_RELEASE, device, 0);
}

static void map(u32 device, const struct pc_dev_info *info, u32 range, u64 at)
{
	for (u64 done = 0; done < info->mmio[range].bytes;)
		done += longest_call("DEV_MAP_MMIO", PC_DEV_MAP_MMIO, device, range, at, 0, 0, 0).r1 * PAGE;
}

static void map_all(u32 device, const struct pc_dev_info *info)
{
	u64 at = PLACE;

	for (u32 range = 0; range < info->mmio_count; range++) {
		map(device, info, range, at);
		at += (info->mmio[range].bytes | (BLOCK_1G - 1)) + 1;
	}
}

/* Many ranges, half of them of many blocks. */
static void measure_registers(void)
{
	struct pc_dev_info info = { 0 };
	u64 most = 0, devices = OK(dev_count()).r1;
	u32 device = 0;

	for (u32 d = 0; d < devices; d++) {
		const struct pc_dev_info other = rig_device_info(d);
		u64 bytes = 0;

		for (u32 i = 0; i < other.mmio_count; i++)
			bytes += other.mmio[i].bytes;
		if (bytes > most) {
			most = bytes;
			device = d;
			info = other;
		}
	}
	REQUIRE(info.mmio_count == PC_DEV_MAX_MMIO && most >= 2 * BLOCK_1G, "no device with large registers");
	vmm_note_device(device);
	assign(device);
	longest_print("dev_registers_assign");
	map_all(device, &info);
	longest_print("dev_registers_map");
	release(device);
	longest_print("dev_registers_release");
	/* What is small leaves tables of pages where what is large comes next, which so is pages too. */
	assign(device);
	longest_forget();
	for (u32 range = 0, n = 0; range < info.mmio_count; range++)
		if (info.mmio[range].bytes < BLOCK_2M)
			map(device, &info, range, PLACE + n++ * BLOCK_2M);
	release(device);
	longest_forget();
	assign(device);
	longest_forget();
	for (u32 range = 0; range < info.mmio_count; range++)
		if (info.mmio[range].bytes > BLOCK_2M) {
			map(device, &info, range, PLACE);
			break;
		}
	longest_print("dev_registers_map_pages");
	release(device);
	longest_print("dev_registers_release_pages");
	assign(device);
	map_all(device, &info);
	longest_forget();
}

/* All functions behind a conventional bridge are one device. */
static void measure_functions(void)
{
	u64 devices = OK(dev_count()).r1;

	for (u32 d = 0; d < devices; d++) {
		const struct pc_dev_info info = rig_device_info(d);

		if (strchr((const char *)info.name, '*') == NULL)
			continue;
		vmm_note_device(d);
		assign(d);
		longest_print("dev_functions_assign");
		release(d);
		longest_print("dev_functions_release");
		assign(d);
		longest_forget();
		return;
	}
	REQUIRE(false, "no device behind a conventional bridge");
}

/* The most devices that are in one group. */
static void measure_group(void)
{
	u64 devices = OK(dev_count()).r1;
	u32 device = 0, most = 0;

	for (u32 d = 0; d < devices; d++) {
		const u32 group = rig_device_info(d).group;
		u32 count = 0;

		for (u32 i = 0; i < devices; i++)
			count += rig_device_info(i).group == group;
		if (count > most) {
			most = count;
			device = d;
		}
	}
	REQUIRE(most > 8, "no large group");
	vmm_note_device(device);
	assign(device);
	longest_print("dev_group_assign");
	release(device);
	longest_print("dev_group_release");
	assign(device);
	longest_forget();
}

CASE(longest, devices)
{
	bench_count_begin();
	longest_begin();
	vmm_create(&vm, PC_VM_OPEN_MMIO | PC_VM_NESTED, 1);
	measure_registers();
	measure_functions();
	measure_group();
	until_done("VM_DESTROY", PC_VM_DESTROY, vm.handle, 0);
	vmm_forget(&vm);
	longest_print("vm_destroy_devices");
	vmm_clean_up();
}
