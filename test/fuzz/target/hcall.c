/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the primary and of three VMs, DMA of every device between them, and hardware that is late, silent or wrong,
 * against the whole core on SMMU models; the oracle looks after each call. A call is made as test/unit/vm/random_vms.c
 * makes it, so that many go well, or of raw registers. Where hardware may fail, V10 is not asked of refusals.
 */
#include "oracle_private.h"

#include "abi/hcall.h"
#include "smmuv3/smmuv3.h"

#include "fuzz.h"
#include "random_vms.h"

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

/* The second half of the machines: hardware may fail. */
static void boot(u32 index)
{
	struct bench_options o = options(index % KINDS_OF_HARDWARE);

	bench_boot(&o);
	oracle_effort(32);
	random_vms_begin();
	may_fail = index >= KINDS_OF_HARDWARE;
	if (may_fail) {
		bench_hardware_fails();
		smmuv3_ill_panics = false;
		fake_time_step(64); /* waits end sooner */
	}
	fake_random_source = fuzz_below;
}

/* --- raw calls */

static u64 some_register(void)
{
	switch (fuzz_below(10)) {
	case 0:
	case 1:
		return fuzz_word();
	case 2:
		return bench_page(fuzz_below(2600));
	case 3:
		return bench_block(fuzz_below(5)) + fuzz_below(3) * 8;
	case 4:
		return 0x80000000ull + fuzz_below(4) * BLOCK_SIZE + fuzz_below(200) * PAGE_SIZE;
	case 5:
		return random_vm[fuzz_below(RANDOM_VMS)];
	case 6:
		return bench_bar((u32)fuzz_below(BENCH_DEVICE_COUNT));
	case 7:
		return fuzz_below(20) * PAGE_SIZE;
	default:
		return fuzz_below(12);
	}
}

static u64 some_function(void)
{
	static const u16 numbers[] = {
		0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 61, 62, 62, 62, 63, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x107,
		0x108, 0x110, 0x111, 0x112, 0x113, 0x114, 0x115, 0x116, 0x117, 0x118, 0x119, 0x180, 0x181, 0x182
	};
	u64 pick = fuzz_below(64);

	if (pick < ARRAY_SIZE(numbers))
		return PC_FN(numbers[pick]);
	return pick == 62 ? fuzz_word() : pick == 63 ? PC_FN(fuzz_below(0x200)) :
						       PC_PVIOMMU_OP;
}

static void raw_call(void)
{
	u64 who = fuzz_below(RANDOM_VMS + 1), r[7] = { some_function() };
	const struct vm *vm = who < RANDOM_VMS ? vm_find(random_vm[who]) : NULL;

	r[1] = (u32)r[0] == PC_PVIOMMU_OP && fuzz_below(16) != 0 ? fuzz_below(PVIOMMU_OP_COUNT) : some_register();
	for (u32 i = 2; i < ARRAY_SIZE(r); i++)
		r[i] = some_register();
	if (vm == NULL || vm->state == VM_DYING)
		bench_call(r[0], r[1], r[2], r[3], r[4], r[5], r[6]);
	else
		bench_call_vm(random_vm[who], r[0], r[1], r[2], r[3], r[4], r[5], r[6]);
}

/* Words in a page of the primary's: what lists and descriptors are read from. */
static void write_words(void)
{
	u64 at = bench_page(fuzz_below(2600));
	u64 *word = bench_ptr(at + fuzz_below(16) * 8);

	if (!page_usable(page_find(pa(at)), OWNER_VM, true))
		return;
	for (u64 n = fuzz_below(8); n > 0; n--)
		*word++ = fuzz_below(2) != 0 ? some_register() : some_register() << 32 | (u32)some_register();
}

/* --- hardware */

static void hardware_time(struct smmu *smmu)
{
	static const enum smmu_time times[] = { SMMU_AT_ONCE, SMMU_ON_READ, SMMU_ON_RELAX };

	smmu_time(smmu, times[fuzz_below(ARRAY_SIZE(times))]);
}

static void hardware_fails(struct smmu *smmu)
{
	static const enum smmu_cerror errors[] = { SMMU_CERROR_ILL, SMMU_CERROR_ABT, SMMU_CERROR_ATC_INV_SYNC };

	switch (fuzz_below(6)) {
	case 0:
		smmu_time(smmu, SMMU_STUCK);
		break;
	case 1:
		smmu_inject_silence(smmu, (u32)fuzz_below(64));
		break;
	case 2:
		smmu_inject_gerror(smmu, 1u << (2 + fuzz_below(7)));
		break;
	case 3:
		bench_reset_status = fuzz_below(2) != 0 ? E_IO : OK;
		break;
	default:
		smmu_inject_cerror(smmu, (u32)fuzz_below(16) + 1, errors[fuzz_below(ARRAY_SIZE(errors))]);
		break;
	}
}

/* What interrupts of the IOMMU and exits do. */
static void poll(void)
{
	if (fuzz_below(2) != 0)
		hyp_exit_work(vm_vcpu(vm_primary, bench_cpu));
	else
		hyp_irq((u32)(fuzz_below(2) != 0 ? 106 + 4 * fuzz_below(iommu_count) : 109 + 4 * fuzz_below(iommu_count)));
}

static void action(void)
{
	u64 kind = fuzz_below(32);
	struct smmu *smmu = bench_smmu[kind < 24 ? 0 : fuzz_below(iommu_count)];

	switch (kind) {
	case 0 ... 14:
		random_vms_call();
		break;
	case 15 ... 18:
		random_vms_dma();
		break;
	case 19 ... 22:
		raw_call();
		break;
	case 23:
		write_words();
		break;
	case 24 ... 25:
		smmu_speculate(smmu);
		break;
	case 26:
		hardware_time(smmu);
		break;
	case 27:
		poll();
		break;
	case 28:
		oracle_effort(1);
		bench_check();
		oracle_effort(32);
		break;
	default:
		if (may_fail)
			hardware_fails(smmu);
		else
			random_vms_call();
		break;
	}
}

/* K4: when the last VM is gone, all is as it was; where hardware failed, each step ends all the same. */
static void destroy_all(void)
{
	bench_reset_turns = 0;
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
	bench_check();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u32 looks;

	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine((u32)fuzz_below(2 * KINDS_OF_HARDWARE), boot);
	looks = oracle.looks;
	while (fuzz_next())
		action();
	destroy_all();
	fuzz_calls += oracle.looks - looks;
	return 0;
}
