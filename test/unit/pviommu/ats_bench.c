/* SPDX-License-Identifier: BSD-2-Clause */
#include "ats_bench.h"

#include <string.h>

#include "suite.h"

#define RING bench_page(600)

u32 ats_domain;
struct pviommu_ring *ats_ring;

static void with_ats(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].ats = pci_function[i].group < 3;
}

void ats_boot_with(struct bench_options o)
{
	o.change = with_ats;
	bench_boot(&o);
	oracle_effort(8);
	fake_time_step(100);
}

void ats_boot(void) { ats_boot_with(bench_pasids()); }

void ats_set_up(void)
{
	bench_assign(0, 0, 10);
	bench_assign(1, 0, 7);
	bench_assign(2, 0, 8);
	bench_assign(3, 0, 9);
	put_leaf(0, VA, DATA);
	put_leaf(0, 2 * VA, DATA + 0x1000);
	put_cd(CDS, 1, root_of(0));
	ats_domain = alloc(B(0) | 5 << 1 | CDS, EATS);
	bench_attach(7, ats_domain);
	bench_attach(8, ats_domain);
	bench_attach(10, ats_domain);
	ats_ring = bench_ptr(RING);
	memset(ats_ring, 0, sizeof(*ats_ring));
	assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, 0, RING, 4, 0, PVIOMMU_EVENTS_RECORD(64)), PC_SUCCESS);
}

u64 ats_ask(u32 device, u64 va)
{
	u64 out = 0;

	assert_int_equal(smmu_ats_request(bench_smmu[0], bench_sid(device, 0), va, &out), SMMU_OK);
	assert_true(smmu_atc_holds(bench_smmu[0], bench_sid(device, 0), va));
	return out;
}

bool ats_holds(u32 device, u64 va) { return smmu_atc_holds(bench_smmu[0], bench_sid(device, 0), va); }

enum smmu_event ats_write(u32 device, u64 addr)
{
	const struct smmu_dma dma = { .sid = bench_sid(device, 0), .write = true, .translated = true, .addr = addr, .size = 8 };
	u64 value = 0x77;

	return smmu_dma(bench_smmu[0], &dma, &value, NULL);
}

const u8 *ats_bytes(void) { return bench_ptr(STATUS); }

struct pviommu_event ats_event(u32 n)
{
	struct pviommu_event e;

	memcpy(&e, (char *)ats_ring + sizeof(*ats_ring) + 64ul * n, sizeof(e));
	return e;
}

void ats_alive(void)
{
	assert_false(iommu_instance[0].dead);
	assert_false(iommu_instance[0].told);
	assert_int_equal(smmu_reg(bench_smmu[0], 0x60) ^ smmu_reg(bench_smmu[0], 0x64), 0);
}
