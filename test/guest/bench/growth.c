/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How calls grow with what there is: domains, endpoints, VMs, mapped pages. And what each of these takes of memory,
 * counted by what is free before and after.
 *   [b] KEY_WHAT_COUNT INSTRUCTIONS cold N       median of a hundred calls
 *   [b] map_all_COUNT, unmap_all_COUNT, free_all_COUNT    all calls that it takes for as many pages together
 *   [b] memory_WHAT BYTES cold BYTES
 */
#include <stdio.h>

#include "bench_count.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "vmm.h"

#define SAMPLES   100
#define PROVE_AT  50
#define DOMAINS   4096
#define VMS       64
#define PAGES     262144ul
#define BASE_IOVA 0x10000000000ul
#define CODE_IPA  0x40000000ul
#define MEMORY_OF 1000 /* domains */
#define KEY_BYTES 40

extern const u8 tiny_store[], tiny_store_end[];

static u32 samples[SAMPLES], samples_back[SAMPLES];
static u64 page; /* mapped wherever it does not matter what */

static void print(const char *key, const char *what, u64 count, u64 value, u64 cold)
{
	char name[KEY_BYTES];

	snprintf(name, sizeof(name), "%s_%s_%lu", key, what, count);
	bench_print(name, (u32)value, (u32)cold);
}

static u32 timed_op(u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, u64 *done)
{
	struct timed t = timed_call(PC_PVIOMMU_OP, op, a2, a3, a4, a5, a6);

	REQUIRE(hres_ok(t.r), "operation %#lx answers %s", op, status_name(hres_status(t.r)));
	if (done)
		*done = t.r.r1;
	return t.ticks;
}

/* One page there and back in a domain that the first testdev is attached to, where there are that many of something. */
static void measure_page(u64 domain, const char *what, u64 count)
{
	u64 iova = 2 * BASE_IOVA;

	rig_map(domain, iova + BLOCK_2M - PAGE, page, PAGE, RW);
	for (u32 i = 0; i < SAMPLES; i++, iova += PAGE) {
		samples[i] = timed_op(PVIOMMU_MAP_PAGES, domain, iova, page, PAGE, RW, NULL);
		if (i == PROVE_AT)
			LANDS(rig.testdev, iova, (u32 *)page);
		samples_back[i] = timed_op(PVIOMMU_UNMAP_PAGES, domain, iova, PAGE, 0, 0, NULL);
		if (i == PROVE_AT)
			FAULTS(rig.testdev, iova, (u32 *)page);
	}
	rig_unmap(domain, 2 * BASE_IOVA + BLOCK_2M - PAGE, PAGE);
	print("map_4k", what, count, bench_median(samples, SAMPLES), samples[SAMPLES - 1]);
	print("unmap_4k", what, count, bench_median(samples_back, SAMPLES), samples_back[SAMPLES - 1]);
}

static void begin(void)
{
	rig_open();
	page = (u64)ram_alloc(PAGE, PAGE);
	rig.domain = rig_domain();
	rig_attach(TESTDEV, rig.domain);
	bench_count_begin();
}

/* The newest of them is the one that is measured: nothing may search its way to it. */
CASE(growth, domains)
{
	u64 newest = 0;
	u32 have = 1;

	begin();
	for (u32 count = 1; count <= DOMAINS; count *= 4) {
		for (; have < count; have++) {
			newest = rig_domain();
			rig_map(newest, BASE_IOVA, page, PAGE, RW);
		}
		if (newest)
			OK(pv_attach(rig.pviommu, RIG_VSID(TESTDEV), 0, newest, 0));
		measure_page(newest ? newest : rig.domain, "domains", count);
	}
}

static u32 attach_one(u32 vsid)
{
	struct timed t = timed_call(PC_PVIOMMU_OP, PVIOMMU_ATTACH_DEV, rig.pviommu, vsid, 0, rig.domain, 0);

	REQUIRE(hres_ok(t.r), "ATTACH_DEV: %s", status_name(hres_status(t.r)));
	return t.ticks;
}

/* A device that is not the rig's, all of it attached to the rig's domain. Returns how many endpoints it has. */
static u32 attach_device(u32 device, u32 vsid, u32 *ticks)
{
	u32 endpoints = rig_device_info(device).endpoint_count;

	rig_assign(device);
	for (u32 e = 0; e < endpoints; e++)
		rig_set_vsid(device, e, vsid + e);
	for (u32 e = 0; e < endpoints; e++)
		*ticks = attach_one(vsid + e);
	return endpoints;
}

/* All in the domain that is measured, whose unmap has to reach them all. */
CASE(growth, endpoints)
{
	u32 have = 1, next = 4, attach = 0, devices;

	begin();
	devices = (u32)OK(dev_count()).r1;
	measure_page(rig.domain, "endpoints", 1);
	for (u32 d = 0; d < devices; d++) {
		if (d != rig.device)
			have += attach_device(d, RIG_VSID(100 + have), &attach);
		if (have < next && d + 1 < devices)
			continue;
		next = 4 * have;
		measure_page(rig.domain, "endpoints", have);
		print("attach", "endpoints", have, attach, attach);
	}
}

static void begin_vm(struct vmm *vm, u64 *create)
{
	struct timed t;

	*vm = (struct vmm){ .vcpus = 1, .exit = ram_alloc(PAGE, PAGE) };
	vm->pool_pages = OK(vmm_query_at(PC_VMM_Q_MIN_POOL, 1)).r1;
	vm->pool = ram_alloc_raw(vm->pool_pages * PAGE, PAGE);
	t = timed_call(PC_VM_CREATE, PC_VM_OPEN_MMIO, 1, vm->pool, vm->pool_pages, 0, 0);
	REQUIRE(hres_ok(t.r), "VM_CREATE: %s", status_name(hres_status(t.r)));
	vm->handle = t.r.r1;
	*create = t.ticks;
	vmm_note(vm);
	vmm_load(vm, CODE_IPA, tiny_store, (u64)(tiny_store_end - tiny_store));
	OK(vcpu_set(vm->handle, 0, CODE_IPA, 0));
}

static u32 run(const struct vmm *vm)
{
	struct timed t;

	vm->exit->size = sizeof(*vm->exit);
	t = timed_call(PC_VCPU_RUN, vm->handle, 0, (u64)vm->exit, 0, 0, 0);
	REQUIRE(hres_ok(t.r) && t.r.r1 == PC_EXIT_MMIO, "VCPU_RUN: %s, exit %lu", status_name(hres_status(t.r)), t.r.r1);
	return t.ticks;
}

CASE(growth, vms)
{
	static struct vmm vm[VMS];
	u64 create = 0;
	u32 have = 0;

	begin();
	for (u32 count = 1; count <= VMS; count *= 4) {
		for (; have < count; have++)
			begin_vm(&vm[have], &create);
		print("vm_create", "vms", count, create, create);
		measure_page(rig.domain, "vms", count);
		run(&vm[have - 1]);
		for (u32 i = 0; i < SAMPLES; i++)
			samples[i] = run(&vm[have - 1]);
		print("vcpu_run", "vms", count, bench_median(samples, SAMPLES), samples[0]);
	}
	vmm_clean_up();
}

static u64 timed_map_all(u64 domain, u64 ipa, u64 pages)
{
	u64 ticks = 0, done;

	for (u64 at = 0; at < pages * PAGE; at += done)
		ticks += timed_op(PVIOMMU_MAP_PAGES, domain, BASE_IOVA + PAGE + at, ipa + at, pages * PAGE - at, RW, &done);
	return ticks;
}

static u64 timed_unmap_all(u64 domain, u64 pages)
{
	u64 ticks = 0, done;

	for (u64 at = 0; at < pages * PAGE; at += done)
		ticks += timed_op(PVIOMMU_UNMAP_PAGES, domain, BASE_IOVA + PAGE + at, pages * PAGE - at, 0, 0, &done);
	return ticks;
}

/* Single pages all of them: they lie so that no block fits. */
CASE(growth, pages)
{
	u64 memory;

	begin();
	memory = ram_alloc_raw(PAGES * PAGE, BLOCK_2M);
	for (u64 count = 1; count <= PAGES; count *= count < PAGES / 8 || count == PAGES / 4 ? 4 : 2) {
		u64 domain = rig_domain(), ticks;

		OK(pv_attach(rig.pviommu, RIG_VSID(TESTDEV), 0, domain, 0));
		ticks = timed_map_all(domain, memory, count);
		print("map", "all", count, ticks, ticks / count);
		LANDS(rig.testdev, BASE_IOVA + count * PAGE, (u32 *)(memory + (count - 1) * PAGE));
		measure_page(domain, "pages", count);
		ticks = timed_unmap_all(domain, count);
		print("unmap", "all", count, ticks, ticks / count);
		FAULTS(rig.testdev, BASE_IOVA + count * PAGE, (u32 *)(memory + (count - 1) * PAGE));
		timed_map_all(domain, memory, count);
		OK(pv_attach(rig.pviommu, RIG_VSID(TESTDEV), 0, rig.domain, 0));
		ticks = timed_op(PVIOMMU_FREE_DOMAIN, domain, 0, 0, 0, 0, NULL);
		rig_forget_domain(domain);
		print("free", "all", count, ticks, ticks / count);
	}
}

/* --- memory */

static u64 pool_bytes(void)
{
	return rig_stat(PVIOMMU_STAT_POOL_FREE) * PAGE;
}

static u64 own_bytes(void)
{
	return OK(vmm_query(PC_VMM_Q_POOL_FREE)).r1 * PAGE;
}

static void print_memory(const char *key, u64 bytes)
{
	char name[KEY_BYTES];

	snprintf(name, sizeof(name), "memory_%s", key);
	bench_print(name, (u32)bytes, (u32)bytes);
}

static void memory_of_domains(void)
{
	static u64 domain[MEMORY_OF];
	u64 before = pool_bytes(), empty;

	for (u32 i = 0; i < MEMORY_OF; i++)
		domain[i] = rig_domain();
	empty = pool_bytes();
	print_memory("domain", (before - empty) / MEMORY_OF);
	for (u32 i = 0; i < MEMORY_OF; i++)
		rig_map(domain[i], BASE_IOVA, page, PAGE, RW);
	print_memory("domain_with_a_page", (before - pool_bytes()) / MEMORY_OF);
}

/* Of both pools: the primary's and the hypervisor's own. */
static void memory_of_endpoints(void)
{
	u64 before, devices, endpoints = 0;
	u32 ticks;

	rig_detach(TESTDEV, rig.domain);
	before = pool_bytes() + own_bytes();
	for (u32 e = 0; e < RIG_ENDPOINTS; e++, endpoints++)
		rig_attach(e, rig.domain);
	devices = OK(dev_count()).r1;
	for (u32 d = 0; d < devices; d++) {
		if (d != rig.device)
			endpoints += attach_device(d, RIG_VSID(100 + (u32)endpoints), &ticks);
	}
	print_memory("attached_endpoint", (before - pool_bytes() - own_bytes()) / endpoints);
}

static void memory_of_vms(void)
{
	u64 one = OK(vmm_query_at(PC_VMM_Q_MIN_POOL, 1)).r1, two = OK(vmm_query_at(PC_VMM_Q_MIN_POOL, 2)).r1;
	u64 before = pool_bytes() + own_bytes(), create;
	static struct vmm vm[VMS];

	for (u32 i = 0; i < VMS; i++)
		begin_vm(&vm[i], &create);
	print_memory("vm_pool", one * PAGE);
	print_memory("vcpu", (two - one) * PAGE);
	print_memory("vm_nested", (OK(vmm_query_at(PC_VMM_Q_MIN_POOL, PC_VM_NESTED << PC_VMM_Q_MIN_POOL_FLAGS | 1)).r1 - one) * PAGE);
	print_memory("vm_of_primary", (before - pool_bytes() - own_bytes()) / VMS);
	vmm_clean_up();
}

CASE(growth, memory)
{
	begin();
	memory_of_domains();
	memory_of_endpoints();
	memory_of_vms();
}

void guest_main(void)
{
	report_run("*", &rig_hooks);
}
