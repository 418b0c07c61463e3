/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_calls.h"

struct spec random_spec;

static u64 some_iova(void)
{
	u64 window = random_spec.window[fake_random_below(SPEC_WINDOWS)];
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
		u64 end = random_spec.window[w] + SPEC_PAGES * PAGE_SIZE;

		if (iova >= random_spec.window[w] && iova < end && size > end - iova)
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

void random_calls_one(void)
{
	u32 domain = (u32)fake_random_below(SPEC_DOMAINS);
	u32 name = (u32)fake_random_below(random_spec.names);
	u64 where = bench_page(2040), iova = some_iova();

	if (fake_random_below(4) != 0)
		domain %= 4;
	switch (fake_random_below(24)) {
	case 0:
		spec_alloc(&random_spec);
		break;
	case 1:
		if (fake_random_below(4) == 0)
			spec_free(&random_spec, domain);
		break;
	case 2 ... 8:
		spec_map(&random_spec, domain, iova, some_ipa(iova), clip(iova, some_size()), some_prot());
		break;
	case 9 ... 14:
		spec_unmap(&random_spec, domain, iova, clip(iova, some_size()));
		break;
	case 15:
		spec_map_list(&random_spec, domain, (u32)fake_random_below(20), where);
		break;
	case 16:
		spec_unmap_list(&random_spec, domain, (u32)fake_random_below(20), where);
		break;
	case 17:
	case 18:
		spec_attach(&random_spec, name, domain);
		break;
	case 19:
		spec_attach_list(&random_spec, 0, 1 + (u32)fake_random_below(random_spec.plain), domain, where);
		break;
	case 20:
		spec_detach(&random_spec, name,
			    random_spec.name[name].domain >= 0 && fake_random_below(3) != 0 ?
				    (u32)random_spec.name[name].domain :
				    domain);
		break;
	case 21:
		spec_assign(&random_spec, random_spec.name[name].device);
		break;
	case 22:
		if (fake_random_below(4) == 0)
			spec_release(&random_spec, random_spec.name[name].device);
		break;
	default:
		spec_lookup(&random_spec, domain, iova + fake_random_below(PAGE_SIZE));
		break;
	}
}

void random_calls_begin(u32 iommus)
{
	spec_init(&random_spec, iommu_common.paging->va_bits, iommus, iommu_instance[0].caps.pasid_bits >= 8);
	for (u32 i = 0; i < 4; i++) {
		spec_alloc(&random_spec);
		spec_assign(&random_spec, i);
	}
}

void random_calls_dma(void)
{
	u32 name = (u32)fake_random_below(random_spec.names);
	u64 iova = some_iova() + fake_random_below(511) * 8;

	spec_dma(&random_spec, name, iova, fake_random_below(2) != 0);
}
