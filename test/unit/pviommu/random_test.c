/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls with DMA between them, each answer predicted (spec.h), each followed by the
 * oracle, while hardware defers what it may and caches what it may. Seeds are fixed, so a failure
 * repeats; SEED=n in the environment adds to them.
 */
#include <stdlib.h>

#include "spec.h"
#include "suite.h"

#define CALLS 4000u

static struct spec spec;

static u64 some_iova(void)
{
	u64 window = spec.window[fake_random_below(SPEC_WINDOWS)];
	u64 page = fake_random_below(SPEC_PAGES);

	/* Near each other, so that calls meet; now and then at a 2 MiB boundary. */
	if (fake_random_below(3) == 0)
		page = page / 512 * 512;
	else
		page %= 64;
	return window + page * PAGE_SIZE;
}

static u64 some_ipa(u64 iova)
{
	/* Often of the same offset in a 2 MiB run, so that blocks fit. */
	if (fake_random_below(2) == 0)
		return bench_block(fake_random_below(4)) + (iova & (BLOCK_SIZE - 1));
	if (fake_random_below(50) == 0)
		return fake_random_below(1ull << 36) & ~PAGE_MASK;
	return bench_page(fake_random_below(2000));
}

static u64 some_size(void)
{
	switch (fake_random_below(8)) {
	case 0:
		return BLOCK_SIZE;
	case 1:
		return BLOCK_SIZE + fake_random_below(4) * PAGE_SIZE;
	case 2:
		return fake_random_below(900) * PAGE_SIZE;
	default:
		return fake_random_below(20) * PAGE_SIZE;
	}
}

/* Inside the window that the spec knows, but for the one at the end of the space. */
static u64 clip(u64 iova, u64 size)
{
	for (u32 w = 0; w < SPEC_WINDOWS - 1; w++) {
		u64 end = spec.window[w] + SPEC_PAGES * PAGE_SIZE;

		if (iova >= spec.window[w] && iova < end && size > end - iova)
			return end - iova;
	}
	return size;
}

static u32 some_prot(void)
{
	static const u32 prots[] = { BENCH_RW,
				     BENCH_RW,
				     BENCH_RW,
				     PVIOMMU_PROT_READ,
				     PVIOMMU_PROT_WRITE,
				     PVIOMMU_PROT_READ | PVIOMMU_PROT_PRIV,
				     PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE };

	return prots[fake_random_below(ARRAY_SIZE(prots))];
}

static void one_call(void)
{
	u32 domain = (u32)fake_random_below(SPEC_DOMAINS);
	u32 name = (u32)fake_random_below(spec.names);
	u64 where = bench_page(2040), iova = some_iova();

	if (fake_random_below(4) != 0)
		domain %= 4;
	switch (fake_random_below(24)) {
	case 0:
		spec_alloc(&spec);
		break;
	case 1:
		if (fake_random_below(4) == 0)
			spec_free(&spec, domain);
		break;
	case 2 ... 8:
		spec_map(&spec, domain, iova, some_ipa(iova), clip(iova, some_size()), some_prot());
		break;
	case 9 ... 14:
		spec_unmap(&spec, domain, iova, clip(iova, some_size()));
		break;
	case 15:
		spec_map_list(&spec, domain, (u32)fake_random_below(20), where);
		break;
	case 16:
		spec_unmap_list(&spec, domain, (u32)fake_random_below(20), where);
		break;
	case 17:
	case 18:
		spec_attach(&spec, name, domain);
		break;
	case 19:
		spec_attach_list(&spec, 0, 1 + (u32)fake_random_below(spec.plain), domain, where);
		break;
	case 20:
		spec_detach(&spec, name,
			    spec.name[name].domain >= 0 && fake_random_below(3) != 0 ?
				    (u32)spec.name[name].domain :
				    domain);
		break;
	case 21:
		spec_assign(&spec, spec.name[name].device);
		break;
	case 22:
		if (fake_random_below(4) == 0)
			spec_release(&spec, spec.name[name].device);
		break;
	default:
		spec_lookup(&spec, domain, iova + fake_random_below(PAGE_SIZE));
		break;
	}
}

static void play(struct bench_options options, u64 seed)
{
	const char *more = getenv("SEED");

	fake_seed(seed + (more != NULL ? strtoull(more, NULL, 0) : 0));
	options.ram_bytes = 24ull << 20;
	bench_boot(&options);
	spec_init(&spec, iommu_common.paging->va_bits, options.iommus,
		  iommu_instance[0].caps.pasid_bits >= 8);
	oracle_effort(64);
	for (u32 i = 0; i < 4; i++) {
		spec_alloc(&spec);
		spec_assign(&spec, i);
	}
	for (u32 i = 0; i < CALLS; i++) {
		bench_cpu_set((u32)fake_random_below(2));
		one_call();
		for (u64 n = fake_random_below(4); n > 0; n--)
			spec_dma(&spec, (u32)fake_random_below(spec.names),
				 some_iova() + fake_random_below(511) * 8,
				 fake_random_below(2) != 0);
		if (fake_random_below(8) == 0)
			smmu_speculate(bench_smmu[0]);
	}
	oracle_effort(1);
	bench_check();
}

static void V1_to_V10_random_nested(void **state UNUSED) { play(bench_defaults(), 1); }

static void V1_to_V10_random_stage1_only(void **state UNUSED) { play(bench_stage1_only(), 2); }

static void V1_to_V10_random_stage2_only(void **state UNUSED) { play(bench_stage2_only(), 3); }

static void V1_to_V10_random_two_smmus_with_pasids(void **state UNUSED)
{
	struct bench_options o = bench_pasids();

	o.stores = FAKE_STORES_RANDOM;
	o.iommus = 2;
	play(o, 4);
}

static void V1_to_V10_random_no_ranges_small_pool(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.range_inval = false;
	o.smmu.asid16 = o.smmu.vmid16 = false;
	o.pool_bytes = 96 * PAGE_SIZE;
	o.time = SMMU_ON_READ;
	play(o, 5);
}

static void V1_to_V10_random_no_live_split(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.bbml = 0;
	o.smmu.two_level = false;
	o.smmu.sid_bits = 13;
	play(o, 6);
}

static void B5_random_noncoherent(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.noncoherent = true;
	play(o, 7);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V1_to_V10_random_nested),
		cmocka_unit_test(V1_to_V10_random_stage1_only),
		cmocka_unit_test(V1_to_V10_random_stage2_only),
		cmocka_unit_test(V1_to_V10_random_two_smmus_with_pasids),
		cmocka_unit_test(V1_to_V10_random_no_ranges_small_pool),
		cmocka_unit_test(V1_to_V10_random_no_live_split),
		cmocka_unit_test(B5_random_noncoherent),
	};

	return SUITE("random", cases);
}
