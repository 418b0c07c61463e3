/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the work of a call grows with the endpoints of a machine, beyond what QEMU's machine has: 1 to 1,024, on the
 * model of the SMMU. Counted are the basic blocks of the core and the driver that the call enters, by the compiler's
 * instrumentation of them and of nothing else: exact, and the same on every host. Prints, as the guests do:
 *   [b] host_KEY_endpoints_COUNT BLOCKS cold BLOCKS
 * Up to 256 endpoints are PCI functions, all attached to one domain; the others are device-tree devices in the
 * primary's identity domain. The last function is the one that is measured.
 */
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "spec.h"
#include "suite.h"

#define PER_SLOT  8u
#define PER_NODE  32u
#define SID_FIRST 0x1000u
#define VSID      5000u
#define IOVA      0x100000000ull
#define WARM      4u

static u32 endpoints;
static u64 blocks;
static FILE *figures; /* what a case prints that passes is not shown */

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
	blocks++;
}

static u32 functions(void)
{
	return endpoints < PCI_MAX_FUNCTIONS ? endpoints : PCI_MAX_FUNCTIONS;
}

static void add_function(u32 i)
{
	pci_function[pci_function_count++] = (struct pci_function){
		.rid = (u16)i,
		.vendor = 0x1234,
		.device_id = 0x11e8,
		.parent = PCI_NO_PARENT,
		.requester = (u16)i,
		.sid = SID_FIRST + i,
		.group = i / PER_SLOT,
	};
}

static void add_node(struct machine *m, u32 first, u32 count)
{
	struct machine_dt_device *d = &m->dt_device[m->dt_device_count++];

	snprintf(d->name, sizeof(d->name), "dma@%x", first);
	d->dma_coherent = true;
	d->stream_count = count;
	for (u32 k = 0; k < count; k++) {
		d->stream[k].iommu = 0;
		d->stream[k].sid = SID_FIRST + first + k;
	}
}

static void populate(struct machine *m)
{
	pci_function_count = 0;
	m->dt_device_count = 0;
	for (u32 i = 0; i < functions(); i++)
		add_function(i);
	for (u32 i = functions(); i < endpoints; i += PER_NODE)
		add_node(m, i, endpoints - i < PER_NODE ? endpoints - i : PER_NODE);
}

static u64 counted(u64 r0, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6)
{
	struct hcall_args args = { { r0, r1, r2, r3, r4, r5, r6 } };
	u64 before = blocks;

	while (!hyp_hypercall(vm_vcpu(vm_primary, 0), &args))
		;
	before = blocks - before;
	if (args.r[0] != 0)
		suite_fail("call %llx, operation %llx answers %lld", (unsigned long long)r0, (unsigned long long)r1,
			   (long long)args.r[3]);
	return before;
}

static void print(const char *key, u64 value)
{
	fprintf(figures, "[b] host_%s_endpoints_%u %llu cold %llu\n", key, endpoints, (unsigned long long)value,
		(unsigned long long)value);
	fflush(figures);
}

static void attach_all(u32 domain)
{
	u32 vsid = VSID;

	for (u32 d = 0; d < device_count && device_table[d].pci; d++) {
		bench_assign(d, 0, vsid);
		for (u32 e = 0; e < device_table[d].endpoint_count; e++)
			(void)counted(PC_PVIOMMU_OP, PVIOMMU_ATTACH_DEV, 0, vsid++, 0, domain, 0);
	}
}

static void measure_calls(u32 domain, u32 vsid)
{
	u64 map = 0, unmap = 0, attach = 0, detach = 0;

	for (u32 i = 0; i < WARM; i++) {
		detach = counted(PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, vsid, 0, domain, 0);
		attach = counted(PC_PVIOMMU_OP, PVIOMMU_ATTACH_DEV, 0, vsid, 0, domain, 0);
	}
	bench_map(domain, IOVA + 64 * PAGE_SIZE, bench_page(200), PAGE_SIZE);
	for (u32 i = 0; i < WARM; i++) {
		map = counted(PC_PVIOMMU_OP, PVIOMMU_MAP_PAGES, domain, IOVA, bench_page(100), PAGE_SIZE, BENCH_RW);
		unmap = counted(PC_PVIOMMU_OP, PVIOMMU_UNMAP_PAGES, domain, IOVA, PAGE_SIZE, 0, 0);
	}
	print("map_4k", map);
	print("unmap_4k", unmap);
	print("attach", attach);
	print("detach", detach);
}

/* A fault of the last function is found by its stream: what the next exit takes for it, a line of the log included. */
static void measure_fault(void)
{
	u32 device = (functions() - 1) / PER_SLOT, endpoint = (functions() - 1) % PER_SLOT;
	u64 before;

	assert_int_not_equal(bench_write(device, endpoint, IOVA, 1), SMMU_OK);
	before = blocks;
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	print("fault", blocks - before);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_FAULTS).v1, 1);
}

static void measure(u32 count)
{
	struct bench_options o = bench_defaults();
	u32 domain;

	endpoints = count;
	o.ram_bytes = 128ull << 20;
	o.heap_bytes = 32ull << 20;
	o.pool_bytes = 8ull << 20;
	o.change = populate;
	o.speculate = false;
	bench_boot(&o);
	spec_end(); /* the rules look at the machine by functions that count */
	domain = bench_domain();
	attach_all(domain);
	measure_calls(domain, VSID + functions() - 1);
	measure_fault();
}

#define ENDPOINTS(n)                                   \
	static void endpoints_##n(void **state UNUSED) \
	{                                              \
		measure(n);                            \
	}

ENDPOINTS(1)
ENDPOINTS(4)
ENDPOINTS(16)
ENDPOINTS(64)
ENDPOINTS(256)
ENDPOINTS(1024)

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(endpoints_1),
		cmocka_unit_test(endpoints_4),
		cmocka_unit_test(endpoints_16),
		cmocka_unit_test(endpoints_64),
		cmocka_unit_test(endpoints_256),
		cmocka_unit_test(endpoints_1024),
	};

	figures = fdopen(dup(STDOUT_FILENO), "w");
	return figures != NULL ? SUITE("growth", cases) : 1;
}
