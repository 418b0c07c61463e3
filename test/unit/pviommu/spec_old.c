/* SPDX-License-Identifier: BSD-2-Clause */
#include "spec_old.h"

#include <string.h>

#include "suite.h"

static struct spec_name *name_add(struct spec *spec, u32 device, u32 endpoint)
{
	struct spec_name *n = &spec->name[spec->names];

	*n = (struct spec_name){ .device = device,
				 .endpoint = endpoint,
				 .vsid = 100 + spec->names,
				 .base = spec->names,
				 .domain = -1 };
	spec->names++;
	return n;
}

void spec_init(struct spec *spec, u8 iova_bits, u32 iommus, bool pasids)
{
	static const struct {
		u32 device, endpoint;
	} plain[] = { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 0 }, { 2, 0 }, { 3, 0 } };
	static const u32 some[] = { 1, 3, 200 };

	memset(spec, 0, sizeof(*spec));
	for (u32 i = 0; i < ARRAY_SIZE(plain); i++)
		name_add(spec, plain[i].device, plain[i].endpoint);
	spec->plain = spec->names;
	if (iommus == 2)
		name_add(spec, 5, 0)->pviommu = 1;
	spec->pasid_bits = pasids ? 8 : 0;
	for (u32 i = 0; pasids && i < ARRAY_SIZE(some); i++) {
		struct spec_name *n = name_add(spec, 1, 0);

		n->pasid = some[i];
		n->base = 3;
		n->vsid = spec->name[3].vsid;
	}
	/* The lowest addresses, a boundary of first-level tables, and the end of the space. */
	spec->window[0] = 0;
	spec->window[1] = (1ull << 30) - SPEC_PAGES * PAGE_SIZE / 2;
	spec->window[2] = (1ull << iova_bits) - SPEC_PAGES * PAGE_SIZE;
}

struct spec_page *spec_page(struct spec *spec, u32 domain, u64 iova)
{
	for (u32 w = 0; w < SPEC_WINDOWS; w++)
		if (iova - spec->window[w] < SPEC_PAGES * PAGE_SIZE)
			return &spec->domain[domain]
					.page[w][(iova - spec->window[w]) >> PAGE_SHIFT];
	return NULL;
}

static bool guest_memory(u64 ipa)
{
	/* Above the hypervisor's image and heap, to the end of RAM. */
	return ipa >= bench_guest_base && ipa < machine->ram[0].base + machine->ram[0].size;
}

static u64 pool_free_now(void) { return vm_primary->pool.free_pages; }

/* Refusals for want of memory are right only when the pool is as good as empty. */
static bool may_lack_memory(s64 status) { return status == PC_NO_MEMORY && pool_free_now() < 40; }

void spec_alloc(struct spec *spec)
{
	struct result r = pv_alloc();
	u32 i = 0;

	while (i < SPEC_DOMAINS && spec->domain[i].live)
		i++;
	if (r.status == PC_SUCCESS) {
		for (u32 k = 0; k < SPEC_DOMAINS; k++)
			assert_false(spec->domain[k].live && spec->domain[k].id == r.v1);
		if (i == SPEC_DOMAINS) {
			assert_status(pv_free(r.v1), PC_SUCCESS);
			return;
		}
		memset(&spec->domain[i], 0, sizeof(spec->domain[i]));
		spec->domain[i].live = true;
		spec->domain[i].id = (u32)r.v1;
		return;
	}
	assert_true(may_lack_memory(r.status));
}

void spec_free(struct spec *spec, u32 domain)
{
	struct spec_domain *d = &spec->domain[domain];
	struct result r = pv_free(d->id);

	if (!d->live)
		assert_status(r, PC_NOT_FOUND);
	else if (d->attached > 0)
		assert_status(r, PC_BUSY);
	else
		assert_status(r, PC_SUCCESS);
	if (r.status == PC_SUCCESS)
		d->live = false;
}

static void mapped(struct spec *spec, u32 domain, u64 iova, u64 ipa, u64 bytes, u32 prot)
{
	for (u64 at = 0; at < bytes; at += PAGE_SIZE) {
		struct spec_page *p = spec_page(spec, domain, iova + at);

		assert_non_null(p);
		assert_int_equal(p->ipa_page, 0);
		assert_true(guest_memory(ipa + at));
		*p = (struct spec_page){ .ipa_page = (u32)((ipa + at) >> PAGE_SHIFT),
					 .prot = (u8)prot };
	}
}

/* Why a map of this range may be refused, as far as its pages say. */
struct reasons {
	bool exists, no_memory_of_ours, outside;
};

static struct reasons reasons(struct spec *spec, u32 domain, u64 iova, u64 ipa, u64 bytes)
{
	struct reasons why = { false, false, false };

	for (u64 at = 0; at < bytes; at += PAGE_SIZE) {
		const struct spec_page *p = spec_page(spec, domain, iova + at);

		if (p == NULL)
			why.outside = true;
		else if (p->ipa_page != 0)
			why.exists = true;
		if (!guest_memory(ipa + at))
			why.no_memory_of_ours = true;
	}
	return why;
}

static void map_answer(struct spec *spec, u32 domain, const struct pviommu_map_entry *e, s64 status,
		       u64 done)
{
	struct reasons why = reasons(spec, domain, e->iova, e->ipa, e->bytes);

	switch (status) {
	case PC_SUCCESS:
		assert_true(done <= e->bytes && page_aligned(done));
		assert_true(done > 0 || e->bytes == 0);
		mapped(spec, domain, e->iova, e->ipa, done, e->prot);
		break;
	case PC_EXISTS:
		assert_true(why.exists);
		break;
	case PC_FAULT:
	case PC_DENIED:
		assert_true(why.no_memory_of_ours);
		break;
	case PC_INVALID_PARAMETER:
		assert_true(why.outside);
		break;
	case PC_BUSY: /* too many empty tables where blocks would go: a smaller piece fits */
		assert_true(e->bytes > 2 * BLOCK_SIZE);
		break;
	default:
		assert_true(may_lack_memory(status));
		break;
	}
}

void spec_map(struct spec *spec, u32 domain, u64 iova, u64 ipa, u64 bytes, u32 prot)
{
	const struct pviommu_map_entry e = {
		.iova = iova, .ipa = ipa, .bytes = bytes, .prot = prot
	};
	struct spec_domain *d = &spec->domain[domain];
	struct result r = pv_map(d->id, iova, ipa, bytes, prot);

	if (!d->live) {
		assert_status(r, PC_NOT_FOUND);
		assert_int_equal(r.v1, 0);
		return;
	}
	if (r.status != PC_SUCCESS)
		assert_int_equal(r.v1, 0);
	map_answer(spec, domain, &e, r.status, r.v1);
}

/* Bytes from iova on that are mapped without a hole, at most `bytes`. */
static u64 run_length(struct spec *spec, u32 domain, u64 iova, u64 bytes)
{
	u64 at = 0;

	while (at < bytes) {
		const struct spec_page *p = spec_page(spec, domain, iova + at);

		if (p == NULL || p->ipa_page == 0)
			break;
		at += PAGE_SIZE;
	}
	return at;
}

static void unmapped(struct spec *spec, u32 domain, u64 iova, u64 bytes)
{
	assert_true(page_aligned(bytes));
	for (u64 at = 0; at < bytes; at += PAGE_SIZE)
		spec_page(spec, domain, iova + at)->ipa_page = 0;
}

void spec_unmap(struct spec *spec, u32 domain, u64 iova, u64 bytes)
{
	struct spec_domain *d = &spec->domain[domain];
	u64 run = run_length(spec, domain, iova, bytes);
	struct result r = pv_unmap(d->id, iova, bytes);

	if (!d->live) {
		assert_status(r, PC_NOT_FOUND);
		return;
	}
	assert_true(r.v1 <= run);
	switch (r.status) {
	case PC_SUCCESS:
		assert_true(r.v1 > 0 || bytes == 0);
		break;
	case PC_INVALID_PARAMETER: /* stopped at a hole, and exactly there; or malformed */
		assert_true(run < bytes);
		if ((iova + bytes - 1) >> iommu_common.paging->va_bits == 0)
			assert_int_equal(r.v1, run);
		break;
	default: /* a block could not be split */
		assert_true(may_lack_memory(r.status));
		break;
	}
	unmapped(spec, domain, iova, r.v1);
}

void spec_map_list(struct spec *spec, u32 domain, u32 count, u64 where)
{
	struct pviommu_map_list *list = bench_ptr(where);
	struct pviommu_map_entry *entry = bench_ptr(where + 64);
	u64 window = spec->window[fake_random_below(SPEC_WINDOWS)];
	struct result r;
	u64 left;

	*list = (struct pviommu_map_list){ .size = sizeof(*list),
					   .domain = spec->domain[domain].id,
					   .entry_len = sizeof(*entry),
					   .entry_num = count,
					   .entries_ipa = where + 64 };
	for (u32 i = 0; i < count; i++)
		entry[i] = (struct pviommu_map_entry){
			.iova = window + fake_random_below(SPEC_PAGES - 8) * PAGE_SIZE,
			.ipa = bench_page(fake_random_below(2000)),
			.bytes = fake_random_below(5) * PAGE_SIZE,
			.prot = BENCH_RW,
		};
	r = pv_list(PVIOMMU_MAP_LIST, where);
	if (!spec->domain[domain].live) {
		assert_status(r, PC_NOT_FOUND);
		return;
	}
	left = r.v1;
	for (u32 i = 0; i < count; i++) {
		if (left >= entry[i].bytes) {
			/* Done, unless it is the one that failed. */
			if (left == 0 && entry[i].bytes == 0)
				continue;
			mapped(spec, domain, entry[i].iova, entry[i].ipa, entry[i].bytes,
			       entry[i].prot);
			left -= entry[i].bytes;
			continue;
		}
		if (r.status == PC_SUCCESS)
			mapped(spec, domain, entry[i].iova, entry[i].ipa, left, entry[i].prot);
		else
			map_answer(spec, domain, &entry[i], r.status, 0);
		return;
	}
	assert_status(r, PC_SUCCESS);
	assert_int_equal(left, 0);
}

void spec_unmap_list(struct spec *spec, u32 domain, u32 count, u64 where)
{
	struct pviommu_map_list *list = bench_ptr(where);
	struct pviommu_unmap_entry *entry = bench_ptr(where + 64);
	u64 window = spec->window[fake_random_below(SPEC_WINDOWS)];
	struct result r;
	u64 left;

	*list = (struct pviommu_map_list){ .size = sizeof(*list),
					   .domain = spec->domain[domain].id,
					   .entry_len = sizeof(*entry),
					   .entry_num = count,
					   .entries_ipa = where + 64 };
	for (u32 i = 0; i < count; i++) {
		u64 at = fake_random_below(SPEC_PAGES - 8);

		/* Mostly what is mapped. */
		while (spec->domain[domain].live && at < SPEC_PAGES - 8 &&
		       spec_page(spec, domain, window + at * PAGE_SIZE)->ipa_page == 0 &&
		       fake_random_below(64) != 0)
			at++;
		entry[i] = (struct pviommu_unmap_entry){ .iova = window + at * PAGE_SIZE,
							 .bytes = (1 + fake_random_below(3)) *
								  PAGE_SIZE };
	}
	r = pv_list(PVIOMMU_UNMAP_LIST, where);
	if (!spec->domain[domain].live) {
		assert_status(r, PC_NOT_FOUND);
		return;
	}
	left = r.v1;
	for (u32 i = 0; i < count; i++) {
		u64 run = run_length(spec, domain, entry[i].iova, entry[i].bytes);
		u64 piece = left < run ? left : run;

		unmapped(spec, domain, entry[i].iova, piece);
		left -= piece;
		if (piece == entry[i].bytes)
			continue;
		assert_int_equal(left, 0);
		if (r.status == PC_INVALID_PARAMETER)
			assert_true(run < entry[i].bytes && piece == run);
		else
			assert_true(r.status == PC_SUCCESS || may_lack_memory(r.status));
		return;
	}
	assert_status(r, PC_SUCCESS);
	assert_int_equal(left, 0);
}

static s64 attach_status(const struct spec *spec, const struct spec_name *n, u32 domain)
{
	const struct spec_name *base = &spec->name[n->base];

	if (!base->assigned || !spec->domain[domain].live)
		return PC_NOT_FOUND;
	if (n->pasid != 0) {
		if (base->domain < 0)
			return PC_NOT_SUPPORTED;
		if (n->pasid >> base->bits != 0)
			return PC_INVALID_PARAMETER;
	}
	return n->domain == (s32)domain ? PC_EXISTS : PC_SUCCESS;
}

static void attached(struct spec *spec, struct spec_name *n, u32 domain, u64 bits)
{
	if (n->pasid == 0 && n->domain < 0)
		n->bits = n->device == 1 && bits < spec->pasid_bits ? (u32)bits :
			  n->device == 1                            ? spec->pasid_bits :
								      0;
	if (n->domain >= 0)
		spec->domain[n->domain].attached--;
	n->domain = (s32)domain;
	spec->domain[domain].attached++;
}

void spec_attach(struct spec *spec, u32 name, u32 domain)
{
	struct spec_name *n = &spec->name[name];
	u64 bits = fake_random_below(12);
	struct result r = pv_attach(n->pviommu, n->vsid, n->pasid, spec->domain[domain].id, bits);
	s64 want = attach_status(spec, n, domain);

	if (want == PC_SUCCESS && may_lack_memory(r.status))
		return;
	assert_status(r, want);
	if (want == PC_SUCCESS)
		attached(spec, n, domain, bits);
}

void spec_attach_list(struct spec *spec, u32 first, u32 count, u32 domain, u64 where)
{
	struct pviommu_attach_list *list = bench_ptr(where);
	u32 *vsid = bench_ptr(where + 64);
	s64 want = PC_SUCCESS;
	struct result r;

	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .domain = spec->domain[domain].id,
					      .pasid_bits = (u32)fake_random_below(9),
					      .cookie = fake_random(),
					      .vsids_ipa = where + 64,
					      .vsid_count = count };
	for (u32 i = 0; i < count; i++) {
		s64 one = attach_status(spec, &spec->name[first + i], domain);

		vsid[i] = spec->name[first + i].vsid;
		/* Names are looked up before the domain, all of them. */
		if (one == PC_NOT_FOUND || (one != PC_SUCCESS && want == PC_SUCCESS))
			want = one;
	}
	r = pv_list(PVIOMMU_ATTACH_LIST, where);
	if (want == PC_SUCCESS && may_lack_memory(r.status))
		return;
	assert_status(r, want);
	for (u32 i = 0; want == PC_SUCCESS && i < count; i++)
		attached(spec, &spec->name[first + i], domain, list->pasid_bits);
}

static bool has_pasids(const struct spec *spec, u32 name)
{
	for (u32 i = 0; i < spec->names; i++)
		if (i != name && spec->name[i].base == name && spec->name[i].domain >= 0)
			return true;
	return false;
}

void spec_detach(struct spec *spec, u32 name, u32 domain)
{
	struct spec_name *n = &spec->name[name];
	struct result r = pv_detach(n->pviommu, n->vsid, n->pasid, spec->domain[domain].id);

	if (!spec->name[n->base].assigned || n->domain != (s32)domain) {
		assert_status(r, PC_NOT_FOUND);
		return;
	}
	if (n->pasid == 0 && has_pasids(spec, name)) {
		assert_status(r, PC_BUSY);
		return;
	}
	assert_status(r, PC_SUCCESS);
	spec->domain[domain].attached--;
	n->domain = -1;
}

void spec_assign(struct spec *spec, u32 device)
{
	bool assigned = false;
	u32 pviommu = 0;
	struct result r;

	for (u32 i = 0; i < spec->names; i++) {
		if (spec->name[i].device != device || spec->name[i].pasid != 0)
			continue;
		assigned = spec->name[i].assigned;
		pviommu = spec->name[i].pviommu;
	}
	do {
		r = pc_dev_assign(device, PC_VM_PRIMARY, pviommu);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
	assert_status(r, assigned ? PC_EXISTS : PC_SUCCESS);
	for (u32 i = 0; i < spec->names; i++) {
		struct spec_name *n = &spec->name[i];

		if (assigned || n->device != device || n->pasid != 0)
			continue;
		n->assigned = true;
		assert_status(pc_dev_vsid(device, n->endpoint, n->vsid), PC_SUCCESS);
	}
}

void spec_release(struct spec *spec, u32 device)
{
	bool assigned = false, busy = false;
	struct result r;

	for (u32 i = 0; i < spec->names; i++) {
		if (spec->name[i].device != device)
			continue;
		assigned = assigned || spec->name[i].assigned;
		busy = busy || spec->name[i].domain >= 0;
	}
	do {
		r = pc_dev_release(device);
	} while (r.status == PC_SUCCESS && r.v1 == 1);
	assert_status(r, !assigned ? PC_NOT_FOUND : busy ? PC_BUSY :
							   PC_SUCCESS);
	for (u32 i = 0; r.status == PC_SUCCESS && i < spec->names; i++)
		if (spec->name[i].device == device)
			spec->name[i].assigned = false;
}

void spec_lookup(struct spec *spec, u32 domain, u64 iova)
{
	const struct spec_page *p = spec_page(spec, domain, iova);
	struct result r = pv_iova_to_ipa(spec->domain[domain].id, iova);

	if (!spec->domain[domain].live || p == NULL || p->ipa_page == 0) {
		assert_status(r, PC_NOT_FOUND);
		return;
	}
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, ((u64)p->ipa_page << PAGE_SHIFT) + (iova & PAGE_MASK));
	assert_int_equal(r.v2 & PVIOMMU_PROT_WRITE, p->prot & PVIOMMU_PROT_WRITE);
}

static bool allowed(const struct spec_page *p, bool write)
{
	if (p == NULL || p->ipa_page == 0)
		return false;
	/* Stage 2 knows no privilege, and need not: it is the device that would claim it. */
	if (iommu_common.stage1 && (p->prot & PVIOMMU_PROT_PRIV))
		return false;
	/* Stage 1 cannot forbid reads; stage 2 can. */
	if (!write)
		return iommu_common.stage1 || (p->prot & PVIOMMU_PROT_READ);
	return (p->prot & PVIOMMU_PROT_WRITE) != 0;
}

static enum smmu_event dma(const struct spec_name *n, u64 iova, bool write, u64 *value)
{
	const struct smmu_dma dma = { .sid = bench_sid(n->device, n->endpoint),
				      .has_ssid = n->pasid != 0,
				      .ssid = n->pasid,
				      .write = write,
				      .addr = iova,
				      .size = sizeof(*value) };

	return smmu_dma(bench_smmu_of(n->device), &dma, value, NULL);
}

void spec_dma(struct spec *spec, u32 name, u64 iova, bool write)
{
	const struct spec_name *n = &spec->name[name];
	/* A device in identity does not tag its DMA: that would be refused. */
	bool assigned = spec->name[n->base].assigned || n->pasid != 0;
	const struct spec_page *p = n->domain >= 0 ? spec_page(spec, (u32)n->domain, iova) : NULL;
	u64 value = fake_random(), got = value;
	enum smmu_event event;
	u64 before = 0, ipa = 0;

	if (!assigned) { /* identity: the address itself */
		iova = bench_page((iova >> PAGE_SHIFT) % 2000);
		ipa = iova;
	} else if (p != NULL && p->ipa_page != 0) {
		ipa = ((u64)p->ipa_page << PAGE_SHIFT) + (iova & PAGE_MASK);
	}
	if (ipa != 0)
		memcpy(&before, bench_ptr(ipa), sizeof(before));
	event = dma(n, iova, write, write ? &value : &got);
	if (!assigned || (n->domain >= 0 && allowed(p, write))) {
		assert_int_equal(event, SMMU_OK);
		if (write)
			assert_memory_equal(bench_ptr(ipa), &value, sizeof(value));
		else
			assert_int_equal(got, before);
		return;
	}
	assert_int_not_equal(event, SMMU_OK);
	if (ipa != 0)
		assert_memory_equal(bench_ptr(ipa), &before, sizeof(before));
}
