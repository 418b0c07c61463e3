/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the primary and of three VMs, DMA of every device between them, and hardware that is late, silent or wrong,
 * against the whole core on SMMU models; the specification judges each call, and the oracle looks after it. What a record
 * means is said in test/play, and guests in QEMU play the same. Where hardware may fail, V10 is not asked of refusals.
 */
#include "oracle_private.h"

#include "abi/hcall.h"
#include "fuzz.h"
#include "hardware.h"
#include "random_vms.h"
#include "spec.h"

#define KINDS_OF_HARDWARE 8u

static bool may_fail;

static struct bench_options options(u32 kind)
{
	struct bench_options o = bench_defaults();

	switch (kind) {
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
		o.smmu.bbml = 0;
		o.smmu.range_inval = false;
		break;
	case 5:
		o.noncoherent = true;
		break;
	case 6:
		o.smmu.asid16 = o.smmu.vmid16 = false;
		o.pool_bytes = 96 * PAGE_SIZE;
		o.time = SMMU_ON_READ;
		break;
	case 7:
		o.smmu.cmdq_bits = 4;
		o.iommus = 2;
		break;
	default:
		break;
	}
	return o;
}

/* --- hardware */

/* What interrupts of the IOMMU and exits do. */
static void poll(void)
{
	if (fuzz_below(2) != 0)
		hyp_exit_work(vm_vcpu(vm_primary, bench_cpu));
	else
		hyp_irq(fuzz_hardware_irq());
}

static void hardware(u32 kind)
{
	struct smmu *smmu = bench_smmu[fuzz_below(iommu_count)];

	switch (kind) {
	case 24 ... 25:
		smmu_speculate(smmu);
		break;
	case 26:
		fuzz_hardware_time(smmu);
		break;
	case 27:
		poll();
		break;
	case 28:
		bench_check();
		break;
	default:
		if (may_fail)
			fuzz_hardware_fails(smmu);
		else
			play_some_call(&random_vms);
		break;
	}
}

/* The second half of the machines: hardware may fail. */
static void boot(u32 index)
{
	struct bench_options o = options(index % KINDS_OF_HARDWARE);

	bench_boot(&o);
	oracle_effort(fuzz_effort(128));
	oracle_rarely(fuzz_calls_a_look());
	spec_effort(fuzz_effort(16));
	random_vms_begin();
	random_hardware = hardware;
	may_fail = index >= KINDS_OF_HARDWARE;
	if (may_fail) {
		spec_foreign_changes(true); /* what failed hardware leaves is taken as it is */
		fuzz_hardware_may_fail();
	}
	fake_random_source = fuzz_below;
}

/* K4: when the last VM is gone, all is as it was; where hardware failed, each step ends all the same. */
static void destroy_all(void)
{
	bench_reset_turns = 0;
	bench_patience = 0;
	for (u32 k = 1; k <= VM_SECONDARIES; k++) {
		struct vm *vm = vm_at(k);
		u32 steps = 0;

		while (vm->state != VM_FREE && steps++ < 10000)
			if (pc_vm_destroy(vm->handle).status != PC_SUCCESS)
				break;
		if (vm->state != VM_FREE && !may_fail)
			fuzz_found("VM %u cannot be destroyed", vm->handle);
	}
	oracle_effort(1);
	oracle_rarely(1);
	bench_check();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u64 calls;

	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine((u32)fuzz_below(2 * KINDS_OF_HARDWARE), boot);
	calls = spec_counts.hypercalls;
	while (fuzz_next())
		play_action(&random_vms);
	destroy_all();
	fuzz_calls += spec_counts.hypercalls - calls;
	return 0;
}
