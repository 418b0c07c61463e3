/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the primary to its pvIOMMUs, each judged by the specification and each state looked at by the oracle, with DMA
 * that must do what the specification says, whatever hardware has cached and however late it is.
 */
#include "oracle_private.h"

#include "fuzz.h"
#include "random_calls.h"
#include "spec.h"

#define MACHINES 8u

static struct bench_options options(u32 index)
{
	struct bench_options o = bench_defaults();

	switch (index) {
	case 1:
		return bench_stage1_only();
	case 2:
		return bench_stage2_only();
	case 3:
		o = bench_pasids();
		o.stores = FAKE_STORES_RANDOM;
		o.iommus = 2;
		break;
	case 4:
		o.smmu.range_inval = false;
		o.smmu.asid16 = o.smmu.vmid16 = false;
		o.pool_bytes = 96 * PAGE_SIZE;
		o.time = SMMU_ON_READ;
		break;
	case 5:
		o.smmu.bbml = 0;
		o.smmu.two_level = false;
		o.smmu.sid_bits = 13;
		break;
	case 6:
		o.noncoherent = true;
		break;
	case 7:
		o.smmu.cmdq_bits = 4;
		break;
	default:
		break;
	}
	return o;
}

static void boot(u32 index)
{
	struct bench_options o = options(index);

	o.ram_bytes = 24ull << 20;
	bench_boot(&o);
	oracle_effort(fuzz_effort(128));
	oracle_rarely(fuzz_calls_a_look());
	spec_effort(fuzz_effort(16));
	random_calls_begin(o.iommus);
	fake_random_source = fuzz_below;
}

static void action(void)
{
	static const enum smmu_time times[] = { SMMU_AT_ONCE, SMMU_ON_READ, SMMU_ON_RELAX };

	switch (fuzz_below(16)) {
	case 0 ... 8:
		bench_cpu_set((u32)fuzz_below(2));
		random_calls_one();
		break;
	case 9 ... 12:
		random_calls_dma();
		break;
	case 13:
		smmu_speculate(bench_smmu[0]);
		break;
	case 14:
		smmu_time(bench_smmu[0], times[fuzz_below(ARRAY_SIZE(times))]);
		break;
	default:
		hyp_exit_work(vm_vcpu(vm_primary, bench_cpu));
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u64 calls;

	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine((u32)fuzz_below(MACHINES), boot);
	calls = spec_counts.hypercalls;
	while (fuzz_next())
		action();
	oracle_effort(1);
	oracle_rarely(1);
	bench_check();
	fuzz_calls += spec_counts.hypercalls - calls;
	return 0;
}
