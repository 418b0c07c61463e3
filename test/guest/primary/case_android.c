/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replay of what Android's guest driver (pkvm-pviommu, Android Common Kernel 6.12 and 6.18) and its firmware
 * (pvmfw) issue, call by call. Both set only the registers that a call names; here every other one holds poison,
 * different each time, and so do bits that SMCCC lets a caller leave behind.
 */
#include <string.h>

#include "case_regs.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"

#define GUEST_PAGES 8

/* As the SMCCC 1.1 macro of Linux calls: `count` arguments, nothing else defined. */
static struct hres android_hvc(u32 function, u32 count, const u64 *args)
{
	static u64 poison = 0xdeadbeef0badf00dul;
	struct register_file in, out;
	u64 *words = (u64 *)&in;

	for (u32 i = 0; i < sizeof(in) / 8; i++)
		words[i] = poison = poison * 6364136223846793005ul + 1442695040888963407ul;
	in.x[0] = function;
	memcpy(&in.x[1], args, count * sizeof(u64));
	hvc_with_registers(&in, &out);
	return (struct hres){ out.x[0], out.x[1], out.x[2], out.x[3], true };
}

#define ANDROID(function, ...)                                    \
	({                                                        \
		const u64 args_[] = { __VA_ARGS__ };              \
		android_hvc(function, ARRAY_COUNT(args_), args_); \
	})
#define ANDROID_OP(op, ...) ANDROID(PC_PVIOMMU_OP, op, __VA_ARGS__)

/* The driver knows three answers; what it reads besides is R1. */
static u64 must(const char *what, struct hres r)
{
	REQUIRE(r.r0 == 0, "%s answers %lx, status %s", what, r.r0, status_name((long)r.r3));
	return r.r1;
}

static void driver_map(u64 domain, u64 iova, u64 ipa, u64 size, u64 prot)
{
	u64 done = 0;

	/* The driver's own loop: bytes come back, and success with fewer means call again. */
	while (done < size)
		done += must("MAP_PAGES",
			     ANDROID_OP(PVIOMMU_MAP_PAGES, domain, iova + done, ipa + done, size - done, prot));
	REQUIRE_EQUAL(done, size);
}

static void driver_unmap(u64 domain, u64 iova, u64 size)
{
	u64 done = 0;

	while (done < size)
		done += must("UNMAP_PAGES", ANDROID_OP(PVIOMMU_UNMAP_PAGES, domain, iova + done, size - done, 0, 0));
	REQUIRE_EQUAL(done, size);
}

static u64 driver_alloc(void)
{
	u64 domain = must("ALLOC_DOMAIN", ANDROID_OP(PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0));

	rig_note_domain(domain);
	return domain;
}

static void driver_free(u64 domain)
{
	must("FREE_DOMAIN", ANDROID_OP(PVIOMMU_FREE_DOMAIN, domain, 0, 0, 0, 0));
	rig_forget_domain(domain);
}

/* One id after another, as fwspec lists them. */
static void driver_attach(u64 domain)
{
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		must("ATTACH_DEV", ANDROID_OP(PVIOMMU_ATTACH_DEV, rig.pviommu, RIG_VSID(i), 0, domain, 0));
}

static void driver_detach(u64 domain)
{
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		must("DETACH_DEV", ANDROID_OP(PVIOMMU_DETACH_DEV, rig.pviommu, RIG_VSID(i), 0, domain, 0));
}

static void use_and_take_apart(u64 domain)
{
	u32 *memory = ram_alloc(GUEST_PAGES * PAGE, PAGE);
	u64 iova = 0xfff00000ul - GUEST_PAGES * PAGE; /* from the top of a 32-bit aperture, as dma-iommu does */

	driver_map(domain, iova, (u64)memory, GUEST_PAGES * PAGE, RW | PVIOMMU_PROT_CACHE);
	LANDS(rig.testdev, iova, memory);
	LANDS(rig.testdev2, iova + (GUEST_PAGES - 1) * PAGE, memory + (GUEST_PAGES - 1) * 1024);
	driver_unmap(domain, iova, GUEST_PAGES * PAGE);
	FAULTS(rig.testdev, iova, memory);
	driver_detach(domain);
	driver_free(domain);
}

CASE(android, firmware_finds_and_checks)
{
	struct hres uid = ANDROID(PC_VENDOR_UID, 0, 0, 0);
	struct hres features = ANDROID(PC_VENDOR_FEATURES, 0, 0, 0);
	u64 token;

	REQUIRE(uid.r0 == PC_VENDOR_UID_0 && uid.r1 == PC_VENDOR_UID_1 && uid.r2 == PC_VENDOR_UID_2 &&
			uid.r3 == PC_VENDOR_UID_3,
		"the UID is not the one it looks for");
	REQUIRE(features.r1 >> 29 == 7, "61 to 63 are not offered");
	rig_open();
	/* pvmfw: registers of the device first, then each (pvIOMMU, vSID) of the node. */
	token = must("DEV_REQ_MMIO", ANDROID(PC_DEV_REQ_MMIO, rig.testdev.regs, 0, 0, 0, 0, 0));
	REQUIRE_EQUAL(must("DEV_REQ_MMIO", ANDROID(PC_DEV_REQ_MMIO, rig.testdev.regs, 0, 0, 0, 0, 0)), token);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		must("DEV_REQ_DMA", ANDROID(PC_DEV_REQ_DMA, rig.pviommu, RIG_VSID(i), 0, 0, 0, 0));
}

/* 6.12: domains exist from ALLOC on. */
CASE(android, driver_6_12)
{
	u64 domain;

	rig_open();
	domain = driver_alloc();
	driver_attach(domain);
	use_and_take_apart(domain);
}

/* 6.18: DEV_REQ_DMA by firmware before, prot with every flag that iommu_map knows, two domains in turn. */
CASE(android, driver_6_18)
{
	u64 first, second;
	u32 *memory;

	rig_open();
	memory = ram_alloc(PAGE, PAGE);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		must("DEV_REQ_DMA", ANDROID(PC_DEV_REQ_DMA, rig.pviommu, RIG_VSID(i), 0, 0, 0, 0));
	first = driver_alloc();
	second = driver_alloc();
	driver_attach(first);
	driver_map(first, 0x1000, (u64)memory, PAGE, RW | PVIOMMU_PROT_CACHE | PVIOMMU_PROT_NOEXEC | PVIOMMU_PROT_PRIV);
	/* Another domain: the driver detaches every id from the old one, then attaches. */
	driver_detach(first);
	driver_attach(second);
	FAULTS(rig.testdev, 0x1000, memory);
	driver_detach(second);
	driver_attach(first);
	driver_unmap(first, 0x1000, PAGE);
	driver_free(second);
	use_and_take_apart(first);
}

/* Mapped before any attach, and more than one call's worth. */
CASE(android, driver_maps_before_it_attaches)
{
	u64 memory = ram_alloc_raw(3 * BLOCK_2M, BLOCK_2M), domain;

	rig_open();
	domain = driver_alloc();
	driver_map(domain, 0x80001000, memory, 3 * BLOCK_2M, RW);
	driver_attach(domain);
	LANDS(rig.testdev, 0x80001000 + 3 * BLOCK_2M - PAGE, (u32 *)(memory + 3 * BLOCK_2M - PAGE));
	driver_unmap(domain, 0x80001000, 3 * BLOCK_2M);
	use_and_take_apart(domain);
}

/* What it does with errors: R0 is one of the three it knows, and R1 says how far the call came. */
CASE(android, driver_sees_only_old_errors)
{
	struct hres r;
	u64 domain;

	rig_open();
	domain = driver_alloc();
	driver_map(domain, 0x1000, (u64)ram_alloc(PAGE, PAGE), PAGE, RW);
	r = ANDROID_OP(PVIOMMU_MAP_PAGES, domain, 0x1000, image_base() & ~(PAGE - 1), PAGE, RW);
	REQUIRE(r.r0 == (u64)PC_INVALID_PARAMETER && r.r1 == 0, "map twice: %lx %lx", r.r0, r.r1);
	r = ANDROID_OP(PVIOMMU_UNMAP_PAGES, domain, 0x1000, 2 * PAGE, 0, 0);
	REQUIRE(r.r0 == (u64)PC_INVALID_PARAMETER && r.r1 == PAGE, "unmap over a hole: %lx %lx", r.r0, r.r1);
	r = ANDROID_OP(PVIOMMU_ATTACH_DEV, rig.pviommu, 0xfff0, 0, domain, 0);
	REQUIRE(r.r0 == (u64)PC_INVALID_PARAMETER, "attach of an unknown id: %lx", r.r0);
	r = ANDROID_OP(0x2f, 0, 0, 0, 0, 0);
	REQUIRE(r.r0 == (u64)PC_NOT_SUPPORTED, "unknown operation: %lx", r.r0);
	driver_free(domain);
}
