/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot, devices and memory of the bench. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#include "hyp/io.h"
#include "mem/pool_priv.h"
#include "vm/vm_life.h"

#include "spec.h"
#include "suite.h"

#define HEAP_BYTES (10ull << 20)
#define BAR_BASE   0x10000000ull
#define BAR_STRIDE 0x100000ull

struct smmu *bench_smmu[2];
u64 bench_guest_base, bench_guest_end;
u32 bench_cpu;

static struct pool hyp_pool;

struct bench_options bench_defaults(void)
{
	return (struct bench_options){
		.smmu = smmu_config_qemu(0),
		.iommus = 1,
		.time = SMMU_ON_RELAX,
		.stores = FAKE_STORES_AT_BARRIER,
		.speculate = true,
	};
}

struct bench_options bench_stage1_only(void)
{
	struct bench_options o = bench_defaults();

	o.smmu.stage2 = false;
	return o;
}

struct bench_options bench_stage2_only(void)
{
	struct bench_options o = bench_defaults();

	o.smmu.stage1 = false;
	return o;
}

struct bench_options bench_pasids(void)
{
	struct bench_options o = bench_defaults();

	o.smmu = smmu_config_full(0);
	return o;
}

void bench_cpu_set(u32 cpu)
{
	bench_cpu = cpu;
	fake_cpu_set(cpu);
}

u64 bench_bar(u32 device) { return BAR_BASE + device * BAR_STRIDE; }

static void function_add(u32 device, u16 rid, u32 iommu, u32 sid, u16 requester)
{
	struct pci_function *f = &pci_function[pci_function_count++];
	static u32 same_device_bar[BENCH_DEVICES];

	*f = (struct pci_function){
		.rid = rid,
		.vendor = 0x1234,
		.device_id = 0x11e8,
		.parent = PCI_NO_PARENT,
		.intx_pin = 1,
		.intid = 35 + device % 4,
		.requester = requester,
		.iommu = iommu,
		.sid = sid,
		.group = device,
		.cap_pasid = device == 1 ? 0x100 : 0,
	};
	f->bar[0] = (struct pci_bar){
		.addr = bench_bar(device) + 0x4000 * same_device_bar[device]++,
		.size = 0x4000,
		.space = PCI_MEM32,
	};
	if (device == 3)
		f->bar[2] = (struct pci_bar){ .addr = bench_bar(device) + 0x80000,
					      .size = 0x1000,
					      .space = PCI_MEM32 };
}

static void devices_order(struct machine *m, u32 iommus)
{
	function_add(0, 0x008, 0, 0x708, 0x008);
	function_add(0, 0x009, 0, 0x709, 0x009);
	function_add(0, 0x00f, 0, 0x70f, 0x00f);
	function_add(1, 0x010, 0, 0x710, 0x010);
	function_add(2, 0x018, 0, 0x718, 0x018);
	function_add(3, 0x020, 0, 0x720, 0x020);
	function_add(4, 0x328, 0, 0x600, 0x300);
	function_add(4, 0x330, 0, 0x600, 0x300);
	function_add(5, 0x900, iommus - 1, 0x900, 0x900);
	m->dt_device_count = 1;
	m->dt_device[0] = (struct machine_dt_device){
		.name = "dma@a003000",
		.mmio = { { bench_bar(6), 0x1000 } },
		.mmio_count = 1,
		.stream_count = 2,
		.stream = { { 0, 0x401 }, { 0, 0x402 } },
		.dma_coherent = true,
	};
}

u32 bench_sid(u32 device, u32 endpoint) { return device_table[device].endpoint[endpoint].sid.v; }

struct smmu *bench_smmu_of(u32 device)
{
	return bench_smmu[device_table[device].endpoint[0].iommu->index];
}

static void hardware_make(const struct bench_options *o)
{
	struct smmu_config config = o->smmu;

	for (u32 i = 0; i < o->iommus; i++) {
		if (i == 1 && o->second != NULL)
			config = *o->second;
		config.base = FAKE_IOMMU_BASE + i * FAKE_IOMMU_STRIDE;
		config.coherent = !o->noncoherent;
		bench_smmu[i] = smmu_new(&config);
		smmu_time(bench_smmu[i], o->time);
		/* From the first moment on, hardware may look at streams that nobody has set up yet. */
		for (u32 k = 0; k < pci_function_count; k++)
			smmu_watch(bench_smmu[i], pci_function[k].sid, false, 0, 0);
		smmu_speculate_at_stores(bench_smmu[i], o->speculate);
	}
}

/*
 * hyp_main's order; what it takes from firmware and from the image is the bench's own. Returns
 * why the machine is refused, or NULL.
 */
static const char *core_start(const struct machine *m)
{
	const char *why = NULL;
	struct range rest, pool;

	iommu_quiesce(m);
	boot_alloc_open(m->heap);
	page_init(m);
	if (!iommu_start(m, &why) || !device_init(m, &why))
		return why;
	vm_table_init();
	rest = boot_alloc_close();
	pool = (struct range){ rest.base + rest.size - m->option.pool_bytes, m->option.pool_bytes };
	pool_init(&hyp_pool, 0);
	pool_add(&hyp_pool, pa(rest.base), (rest.size - pool.size) >> PAGE_SHIFT);
	vm_primary_init(m, &hyp_pool, pool);
	vm_life_init(&hyp_pool);
	for (u32 i = 0; i < device_count; i++)
		for (u32 k = 0; k < device_table[i].mmio_count; k++)
			vm_primary_add_mmio(device_table[i].mmio[k]);
	device_boot_identity();
	return NULL;
}

struct machine *bench_machine(const struct bench_options *o)
{
	struct machine *m;

	m = fake_machine(o->ram_bytes != 0 ? o->ram_bytes : 32ull << 20,
			 o->heap_bytes != 0 ? o->heap_bytes : HEAP_BYTES, o->iommus);
	m->option.pool_bytes = o->pool_bytes != 0 ? o->pool_bytes : 2ull << 20;
	for (u32 i = 0; i < o->iommus; i++)
		m->iommu[i].coherent = !o->noncoherent;
	m->cpu_count = 2;
	devices_order(m, o->iommus);
	if (o->smmu.sid_bits < 16)
		m->pci[0].sidmap[0].count = 1u << o->smmu.sid_bits;
	for (u32 i = 0; i < pci_function_count; i++)
		if (pci_function[i].cap_pasid != 0)
			pci_function[i].pasid_bits = o->pasid_bits != 0 ? o->pasid_bits : 8;
	if (o->change != NULL)
		o->change(m);
	fake_machine_use(m);
	if (o->noncoherent)
		fake_noncoherent();
	fake_stores_policy(o->stores);
	hardware_make(o);
	if (o->before != NULL)
		o->before();
	return m;
}

const char *bench_boot_try(const struct bench_options *o) { return core_start(bench_machine(o)); }

const char *bench_boot_refused(const struct bench_options *o)
{
	const char *why = bench_boot_try(o);

	assert_non_null(why);
	return why;
}

void bench_boot(const struct bench_options *o)
{
	const char *why = bench_boot_try(o);

	if (why != NULL)
		suite_fail("the machine is refused: %s", why);
	bench_booted(o);
}

void bench_booted(const struct bench_options *o)
{
	bench_guest_base = align_up(machine->heap.base + machine->heap.size, BLOCK_SIZE);
	bench_guest_end = machine->dtb.base;
	oracle_init(bench_smmu, o->iommus);
	spec_host_begin();
	spec_foreign_changes(true);
	bench_check();
}

u64 bench_page(u64 n)
{
	u64 at = bench_guest_base + n * PAGE_SIZE;

	assert_true(at < bench_guest_end);
	return at;
}

u64 bench_block(u64 n)
{
	u64 at = bench_guest_base + n * BLOCK_SIZE;

	assert_true(at + BLOCK_SIZE <= bench_guest_end);
	return at;
}

void *bench_ptr(u64 addr) { return io_phys(pa(addr)); }

void bench_check(void)
{
	const char *why = oracle_check();

	if (why != NULL)
		suite_fail("oracle: %s", why);
	spec_resync();
}

/* --- steps */

void bench_assign(u32 device, u32 pviommu, u32 vsid)
{
	struct result r;

	do {
		r = pc_dev_assign(device, PC_VM_PRIMARY, pviommu);
		assert_status(r, PC_SUCCESS);
	} while (r.v1 == 1);
	for (u32 i = 0; i < device_table[device].endpoint_count; i++)
		assert_status(pc_dev_vsid(device, i, vsid + i), PC_SUCCESS);
}

u32 bench_domain(void)
{
	struct result r = pv_alloc();

	assert_status(r, PC_SUCCESS);
	assert_int_not_equal(r.v1, 0);
	return (u32)r.v1;
}

void bench_attach(u32 vsid, u32 domain)
{
	assert_status(pv_attach(0, vsid, 0, domain, 0), PC_SUCCESS);
}

void bench_map(u32 domain, u64 iova, u64 addr, u64 bytes)
{
	struct result r = pv_map(domain, iova, addr, bytes, BENCH_RW);

	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, bytes);
}

void bench_unmap(u32 domain, u64 iova, u64 bytes)
{
	struct result r = pv_unmap(domain, iova, bytes);

	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, bytes);
}

enum smmu_event bench_write(u32 device, u32 endpoint, u64 iova, u64 value)
{
	return smmu_dma_write(bench_smmu_of(device), bench_sid(device, endpoint), iova, &value,
			      sizeof(value));
}

enum smmu_event bench_read(u32 device, u32 endpoint, u64 iova, u64 *value)
{
	return smmu_dma_read(bench_smmu_of(device), bench_sid(device, endpoint), iova, value,
			     sizeof(*value));
}

void bench_lands(u32 device, u32 endpoint, u64 iova, u64 addr)
{
	u64 value = fake_random(), back = 0;
	u64 *memory = bench_ptr(addr);

	*memory = ~value;
	assert_int_equal(bench_write(device, endpoint, iova, value), SMMU_OK);
	assert_int_equal(*memory, value);
	assert_int_equal(bench_read(device, endpoint, iova, &back), SMMU_OK);
	assert_int_equal(back, value);
}

void bench_faults(u32 device, u32 endpoint, u64 iova, enum smmu_event event)
{
	assert_int_equal(bench_write(device, endpoint, iova, 0), event);
}
