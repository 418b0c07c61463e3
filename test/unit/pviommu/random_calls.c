/* SPDX-License-Identifier: BSD-2-Clause */
#include "random_calls.h"

#include <string.h>

#include "spec.h"
#include "suite.h"

#define DOMAINS 12u
#define WINDOWS 3u
#define PAGES   2048u /* of a window: 8 MiB */

/* An endpoint of the bench under the vSID that it gets, or one PASID of it. */
struct name {
	u32 device, endpoint, pviommu, vsid, pasid;
};
static struct name name[12];
static u32 names, plain; /* those with PASIDs come last; the plain ones are all of pvIOMMU 0 */
static u32 domain_id[DOMAINS]; /* as the last ALLOC_DOMAIN said; freed ones are called by too */
static u64 window[WINDOWS];

static void name_add(u32 device, u32 endpoint, u32 pviommu, u32 vsid, u32 pasid)
{
	name[names++] = (struct name){ device, endpoint, pviommu, vsid, pasid };
}

static void names_make(u32 iommus, bool pasids)
{
	static const u32 devices[] = { 0, 0, 0, 1, 2, 3 }, some[] = { 1, 3, 200 };

	names = 0;
	for (u32 i = 0; i < ARRAY_SIZE(devices); i++)
		name_add(devices[i], i < 3 ? i : 0, 0, 100 + i, 0);
	plain = names;
	if (iommus == 2)
		name_add(5, 0, 1, 100 + names, 0);
	for (u32 i = 0; pasids && i < ARRAY_SIZE(some); i++)
		name_add(1, 0, 0, 103, some[i]);
}

/* --- choices */

static u64 some_iova(void)
{
	u64 page = fake_random_below(PAGES);

	/* Near each other, so that calls meet; now and then at a 2 MiB boundary. */
	if (fake_random_below(3) == 0)
		page = page / 512 * 512;
	else
		page %= 64;
	return window[fake_random_below(WINDOWS)] + page * PAGE_SIZE;
}

static u64 some_ipa(u64 iova)
{
	/* Often of the same offset in a 2 MiB run, so that blocks fit. */
	if (fake_random_below(2) == 0)
		return bench_block(fake_random_below(4)) + (iova & (BLOCK_SIZE - 1));
	if (fake_random_below(50) == 0)
		return fake_random_below(1ull << 36) & ~PAGE_MASK;
	if (fake_random_below(30) == 0)
		return bench_bar((u32)fake_random_below(4));
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

static u64 some_prot(void)
{
	static const u32 prots[] = { BENCH_RW,
				     BENCH_RW,
				     BENCH_RW,
				     PVIOMMU_PROT_READ,
				     PVIOMMU_PROT_WRITE,
				     PVIOMMU_PROT_READ | PVIOMMU_PROT_PRIV,
				     PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE,
				     PVIOMMU_PROT_WRITE | PVIOMMU_PROT_MMIO };

	return prots[fake_random_below(ARRAY_SIZE(prots))];
}

static u32 some_domain(void)
{
	u32 i = (u32)fake_random_below(DOMAINS);

	return fake_random_below(4) != 0 ? i % 4 : i;
}

/* --- calls */

static void alloc(u32 i)
{
	struct result r = pv_alloc();

	if (r.status == PC_SUCCESS)
		domain_id[i] = (u32)r.v1;
}

static void list_begin(u64 where, u32 domain, u32 entry_len, u32 count)
{
	*(struct pviommu_map_list *)bench_ptr(where) = (struct pviommu_map_list){
		.size = sizeof(struct pviommu_map_list),
		.domain = domain,
		.entry_len = entry_len,
		.entry_num = count,
		.entries_ipa = where + 64,
	};
}

static void map_list(u32 domain, u64 where)
{
	struct pviommu_map_entry *e = bench_ptr(where + 64);
	u32 count = (u32)fake_random_below(20);
	u64 base = window[fake_random_below(WINDOWS)];

	list_begin(where, domain, sizeof(*e), count);
	for (u32 i = 0; i < count; i++)
		e[i] = (struct pviommu_map_entry){
			.iova = base + fake_random_below(PAGES - 8) * PAGE_SIZE,
			.ipa = bench_page(fake_random_below(2000)),
			.bytes = fake_random_below(5) * PAGE_SIZE,
			.prot = BENCH_RW,
		};
	(void)pv_list(PVIOMMU_MAP_LIST, where);
}

/* Mostly of what is mapped. */
static void unmap_list(u32 domain, u64 where)
{
	struct pviommu_unmap_entry *e = bench_ptr(where + 64);
	u32 count = (u32)fake_random_below(20);
	u64 base = window[fake_random_below(WINDOWS)], pa;

	list_begin(where, domain, sizeof(*e), count);
	for (u32 i = 0; i < count; i++) {
		u64 at = fake_random_below(PAGES - 8);

		while (at < PAGES - 8 && !spec_mapped(PC_VM_PRIMARY, domain, base + at * PAGE_SIZE, &pa) &&
		       fake_random_below(64) != 0)
			at++;
		e[i] = (struct pviommu_unmap_entry){ .iova = base + at * PAGE_SIZE,
						     .bytes = (1 + fake_random_below(3)) * PAGE_SIZE };
	}
	(void)pv_list(PVIOMMU_UNMAP_LIST, where);
}

static void attach_list(u64 operation, u32 domain, u64 where)
{
	struct pviommu_attach_list *list = bench_ptr(where);
	u32 *vsid = bench_ptr(where + 64);

	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .domain = domain,
					      .pasid_bits = (u32)fake_random_below(9),
					      .cookie = fake_random(),
					      .vsids_ipa = where + 64,
					      .vsid_count = 1 + (u32)fake_random_below(plain) };
	for (u32 i = 0; i < list->vsid_count; i++)
		vsid[i] = name[i].vsid;
	(void)pv_list(operation, where);
}

/* As many turns as its reset takes; then its endpoints get their names. */
static void assign(u32 device)
{
	struct result r;
	u32 pviommu = 0;

	for (u32 i = 0; i < names; i++)
		if (name[i].device == device)
			pviommu = name[i].pviommu;
	do {
		r = pc_dev_assign(device, PC_VM_PRIMARY, pviommu);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
	for (u32 i = 0; i < names && r.status == PC_SUCCESS; i++)
		if (name[i].device == device && name[i].pasid == 0)
			(void)pc_dev_vsid(device, name[i].endpoint, name[i].vsid);
}

static void release(u32 device)
{
	struct result r;

	do {
		r = pc_dev_release(device);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
}

/* Mostly from the domain that it is attached to. */
static void detach(const struct name *n, u32 domain)
{
	u32 attached;

	if (spec_attached(n->device, n->endpoint, n->pasid, &attached) && fake_random_below(3) != 0)
		domain = attached;
	(void)pv_detach(n->pviommu, n->vsid, n->pasid, domain);
}

/* A ring, small enough to be full; or its guest says that it has read as much as it likes. */
static void events(void)
{
	static const u8 bytes[] = { PVIOMMU_RECORD_SHORT, PVIOMMU_RECORD_LONG, PVIOMMU_RECORD_FULL };
	u64 pviommu = fake_random_below(2), at = bench_page(2044 + pviommu);
	struct pviommu_ring *ring = bench_ptr(at);

	switch (fake_random_below(8)) {
	case 0:
		(void)bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, pviommu, 0, 0, 0, 0);
		break;
	case 1:
		(void)bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, pviommu, at, fake_random_below(6),
				 fake_random_below(2) == 0 ? 0 : machine->event_irq[fake_random_below(2)],
				 PVIOMMU_EVENTS_RECORD(bytes[fake_random_below(ARRAY_SIZE(bytes))]));
		break;
	case 2:
		ring->consumer = (u32)fake_random();
		ring->mask_irq = (u32)fake_random_below(2);
		break;
	default:
		ring->consumer = ring->producer;
		break;
	}
}

/* A first stage of the primary's own: pages 2030 to 2034 are a context and its tables, leaves are anywhere below. */
static void tables_make(void)
{
	u64 *cd = bench_ptr(bench_page(2030)), *table = bench_ptr(bench_page(2031));

	memset(cd, 0, 5 * PAGE_SIZE);
	for (u32 i = 0; i < 3; i++)
		table[i * 512] = (bench_page(2032) + i * PAGE_SIZE) | 3;
	for (u32 i = 0; i < 512; i++)
		table[3 * 512 + i] = bench_page(i * 3) | 0xf43;
	cd[0] = 1ull << 48 | 7ull << 45 | 1ull << 41 | 5ull << 32 | 3ull << 30 | 0x3500 | 16;
	cd[1] = bench_page(2031);
	cd[3] = 0xff;
	io_clean(cd, 5 * PAGE_SIZE);
}

static void alloc_nested(u32 i, u64 where)
{
	static const u64 words[] = { 5 << 1 | 1, 5 << 1 | 1, 5 << 1 | 1, 4 << 1 | 1, 1, 0, 5 << 1 | 1 | 2ull << 59 };
	u64 *data = bench_ptr(where + 64);
	struct result r;

	*(struct pviommu_alloc_nested *)bench_ptr(where) = (struct pviommu_alloc_nested){ .size = 32,
											  .pviommu = (u32)fake_random_below(3),
											  .data_type = PVIOMMU_NESTED_SMMUV3,
											  .data_len = 16,
											  .data_ipa = where + 64 };
	data[0] = words[fake_random_below(ARRAY_SIZE(words))] | bench_page(2030);
	data[1] = 0x54 | fake_random_below(4);
	if (fake_random_below(8) == 0)
		data[fake_random_below(2)] ^= 1ull << fake_random_below(64);
	r = pv_list(PVIOMMU_ALLOC_NESTED, where);
	if (r.status == PC_SUCCESS)
		domain_id[i] = (u32)r.v1;
}

static void invalidate(u64 where)
{
	static const u8 ops[] = { 0x01, 0x02, 0x05, 0x06, 0x10, 0x11, 0x12, 0x12, 0x12, 0x13, 0x30, 0x40 };
	u32 count = (u32)fake_random_below(fake_random_below(16) == 0 ? 120 : 8);
	u64 *entry = bench_ptr(where + 64);

	*(struct pviommu_invalidate *)bench_ptr(where) = (struct pviommu_invalidate){ .size = 56,
										      .flags = (u32)fake_random_below(2),
										      .pviommu = (u32)fake_random_below(3) / 2,
										      .data_type = PVIOMMU_INVAL_SMMUV3,
										      .entry_len = 16,
										      .entry_num = count,
										      .entries_ipa = where + 64,
										      .status_ipa = bench_page(2046) };
	if (((struct pviommu_invalidate *)bench_ptr(where))->flags != 0) {
		((struct pviommu_invalidate *)bench_ptr(where))->ring_log2 = 7;
		((struct pviommu_invalidate *)bench_ptr(where))->start = (u32)fake_random_below(128);
	}
	for (u32 k = 0; k < 128; k++) {
		u64 op = ops[fake_random_below(ARRAY_SIZE(ops))];
		bool by_stream = op < 0x10 || op == 0x40;

		entry[2 * k] = op | (by_stream ? (u64)name[fake_random_below(names)].vsid << 32 : fake_random_below(3) << 48);
		entry[2 * k + 1] = op == 0x12 || op == 0x13 ? some_iova() : 0;
		if (op == 0x11 || op == 0x10 || op == 0x30 || op == 0x13)
			entry[2 * k] &= op == 0x11 ? ~0ull : 0xff;
		if (fake_random_below(64) == 0)
			entry[2 * k + fake_random_below(2)] ^= 1ull << fake_random_below(64);
	}
	(void)pv_list(PVIOMMU_INVALIDATE, where);
}

static void ask(u32 i, u32 domain, u64 iova, u64 where)
{
	switch (fake_random_below(8)) {
	case 4:
		alloc_nested(i, where);
		break;
	case 5:
	case 6:
		invalidate(where);
		break;
	case 0:
		(void)pv_query(fake_random_below(3), fake_random_below(PVIOMMU_Q_COUNT + 1), fake_random_below(8));
		break;
	case 1:
		(void)pv_stats(fake_random_below(3), fake_random_below(PVIOMMU_STAT_COUNT + 1));
		break;
	case 2:
		events();
		break;
	default:
		(void)pv_iova_to_ipa(domain, iova + fake_random_below(PAGE_SIZE));
		break;
	}
}

void random_calls_one(void)
{
	u32 i = some_domain(), domain = domain_id[i];
	const struct name *n = &name[fake_random_below(names)];
	u64 where = bench_page(2040), iova = some_iova();

	switch (fake_random_below(24)) {
	case 0:
		alloc(i);
		break;
	case 1:
		if (fake_random_below(4) == 0)
			(void)pv_free(domain);
		break;
	case 2 ... 8:
		(void)pv_map(domain, iova, some_ipa(iova), some_size(), some_prot());
		break;
	case 9 ... 14:
		(void)pv_unmap(domain, iova, some_size());
		break;
	case 15:
		map_list(domain, where);
		break;
	case 16:
		unmap_list(domain, where);
		break;
	case 17:
	case 18:
		(void)pv_attach(n->pviommu, n->vsid, n->pasid, domain, fake_random_below(12));
		break;
	case 19:
		attach_list(fake_random_below(8) == 0 ? PVIOMMU_DETACH_LIST : PVIOMMU_ATTACH_LIST, domain, where);
		break;
	case 20:
		detach(n, domain);
		break;
	case 21:
		assign(n->device);
		break;
	case 22:
		if (fake_random_below(4) == 0)
			release(n->device);
		break;
	default:
		ask(i, domain, iova, where);
		break;
	}
}

void random_calls_begin(u32 iommus)
{
	spec_foreign_changes(false); /* nothing here but calls and DMA */
	names_make(iommus, iommu_instance[0].caps.pasid_bits >= 8);
	/* The lowest addresses, a boundary of first-level tables, and the end of the space. */
	window[0] = 0;
	window[1] = (1ull << 30) - PAGES * PAGE_SIZE / 2;
	window[2] = (1ull << iommu_common.paging->va_bits) - PAGES * PAGE_SIZE;
	memset(domain_id, 0, sizeof(domain_id));
	tables_make();
	for (u32 i = 0; i < 4; i++) {
		alloc(i);
		assign(i);
	}
}

/* --- DMA */

static bool is_memory(u64 pa) { return fake_ram(pa, sizeof(u64)) != NULL; }

/* Wherever its own tables lead, it is memory of the primary's. */
static void is_the_primarys(void *ctx UNUSED, const struct smmu_dma *dma, u64 pa, u32 size UNUSED)
{
	const struct page *page = page_find((pa_t){ pa });

	if (is_memory(pa))
		assert_true(page != NULL && page_usable(page, OWNER_VM, dma->write));
}

void random_calls_dma(void)
{
	const struct name *n = &name[fake_random_below(names)];
	bool write = fake_random_below(2) != 0, identity;
	u64 iova = some_iova() + fake_random_below(511) * 8, value = fake_random(), got = value, before = 0, pa = 0;
	struct smmu_dma dma = { .sid = bench_sid(n->device, n->endpoint), .write = write, .size = sizeof(value) };
	enum smmu_event event;

	dma.has_ssid = n->pasid != 0;
	dma.ssid = n->pasid;
	identity = spec_is_identity(n->device, n->endpoint);
	if (identity)
		iova = bench_page((iova >> PAGE_SHIFT) % 2000) + (iova & PAGE_MASK);
	dma.addr = iova;
	if (spec_is_nested(n->device, n->endpoint)) {
		smmu_access_hook_set(bench_smmu_of(n->device), is_the_primarys, NULL);
		(void)smmu_dma(bench_smmu_of(n->device), &dma, &value, NULL);
		smmu_access_hook_set(bench_smmu_of(n->device), NULL, NULL);
		return;
	}
	if (!spec_dma_lands(n->device, n->endpoint, n->pasid, iova, write, &pa)) {
		if (pa != 0 && is_memory(pa))
			memcpy(&before, bench_ptr(pa), sizeof(before));
		event = smmu_dma(bench_smmu_of(n->device), &dma, &value, NULL);
		assert_int_not_equal(event, SMMU_OK);
		if (pa != 0 && is_memory(pa))
			assert_memory_equal(bench_ptr(pa), &before, sizeof(before));
		return;
	}
	if (!is_memory(pa)) /* a device's registers: the model has none */
		return;
	memcpy(&before, bench_ptr(pa), sizeof(before));
	event = smmu_dma(bench_smmu_of(n->device), &dma, write ? &value : &got, NULL);
	assert_int_equal(event, SMMU_OK);
	if (write)
		assert_memory_equal(bench_ptr(pa), &value, sizeof(value));
	else
		assert_int_equal(got, before);
}
