/* SPDX-License-Identifier: BSD-2-Clause */
/* Transport and discovery: what abi/hcall.h says of any call. */
#include "case_regs.h"
#include "rig.h"

#define POISON 0xdeadbeefcafef00dul

static const u32 known_functions[][2] = {
	{ 2, 11 },
	{ 61, 63 },
	{ 0x100, 0x108 },
	{ 0x110, 0x119 },
	{ 0x180, 0x182 },
};

static bool is_known(u32 fn)
{
	for (u32 i = 0; i < ARRAY_COUNT(known_functions); i++) {
		if (fn >= known_functions[i][0] && fn <= known_functions[i][1])
			return true;
	}
	return false;
}

CASE(abi, discovery)
{
	struct hres uid = hcall(PC_VENDOR_UID, 0, 0, 0, 0, 0, 0);
	struct hres features = hcall(PC_VENDOR_FEATURES, 0, 0, 0, 0, 0, 0);

	REQUIRE_EQUAL(hcall(PC_SMCCC_VERSION, 0, 0, 0, 0, 0, 0).r0, PC_SMCCC_VERSION_1_2);
	REQUIRE_EQUAL((u32)hcall(PC_SMCCC_ARCH_FEATURES, PC_SMCCC_VERSION, 0, 0, 0, 0, 0).r0, 0);
	REQUIRE(uid.r0 == PC_VENDOR_UID_0 && uid.r1 == PC_VENDOR_UID_1 && uid.r2 == PC_VENDOR_UID_2 &&
			uid.r3 == PC_VENDOR_UID_3,
		"the vendor UID is %lx %lx %lx %lx", uid.r0, uid.r1, uid.r2, uid.r3);
	REQUIRE(features.r0 == 0 && features.r1 == 0xe0000000 && !features.r2 && !features.r3,
		"the primary is offered functions %lx %lx %lx %lx and not exactly 61 to 63", features.r0, features.r1,
		features.r2, features.r3);
}

CASE(abi, narrow_calls_read_w_registers_I2)
{
	struct hres r = hcall(PC_SMCCC_ARCH_FEATURES, PC_SMCCC_VERSION | 0xffffffff00000000ul, POISON, 0, 0, 0, 0);

	REQUIRE_EQUAL((u32)r.r0, 0);
}

CASE(abi, unknown_functions_I3_N4)
{
	struct world before, now;
	const char *difference;

	world_read(&before);
	for (u32 fn = 0; fn < 0x10000; fn++) {
		struct hres r;

		if (is_known(fn))
			continue;
		r = hcall(PC_FN(fn), fn, ~0ul, POISON, 0, 1, 2);
		REQUIRE((int32_t)r.r0 == PC_NOT_SUPPORTED, "function %x answers %lx", fn, r.r0);
		REQUIRE(!r.r1 && !r.r2, "function %x is refused with R1 %lx R2 %lx", fn, r.r1, r.r2);
	}
	world_read(&now);
	difference = world_difference(&before, &now);
	REQUIRE(!difference, "unknown functions changed: %s", difference);
}

CASE(abi, other_owners_refused_I3)
{
	static const u32 functions[] = { 0x81000001, 0xc2000000, 0xc3000001, 0xc5000020, 0x86000001, 0xbf00ff01, 0xf2000000 };

	for (u32 i = 0; i < ARRAY_COUNT(functions); i++) {
		struct hres r = hcall(functions[i], 1, 2, 3, 4, 5, 6);

		REQUIRE((int32_t)r.r0 == PC_NOT_SUPPORTED, "function %x answers %lx", functions[i], r.r0);
	}
}

CASE(abi, unknown_operations_I3)
{
	static const u64 far_ones[] = { 0x80, 0xff, 0x100, 0xffffffff, 1ul << 32, 1ul << 32 | PVIOMMU_ALLOC_DOMAIN,
					1ul << 63 | PVIOMMU_QUERY, ~0ul };

	rig_open_mapped();
	for (u64 op = PVIOMMU_SID_INFO + 1; op < PVIOMMU_OP_FIRST_OURS; op++)
		REFUSED(pv_op(op, rig.pviommu, RIG_VSID(0), 0, 0, 0), PC_NOT_SUPPORTED);
	for (u64 op = PVIOMMU_OP_COUNT; op < 0x80; op++)
		REFUSED(pv_op(op, rig.pviommu, RIG_VSID(0), 0, 0, 0), PC_NOT_SUPPORTED);
	for (u32 i = 0; i < ARRAY_COUNT(far_ones); i++)
		REFUSED(pv_op(far_ones[i], rig.pviommu, RIG_VSID(0), 0, 0, 0), PC_NOT_SUPPORTED);
}

CASE(abi, operations_not_there_yet)
{
	rig_open_mapped();
	REFUSED(pv_page_response((u64)rig.page), PC_NOT_SUPPORTED);
}

CASE(abi, features_name_what_exists)
{
	u64 there = 1ul << 0 | 1ul << 1 | 1ul << 2 | 1ul << 3 | 1ul << 4 | 1ul << 5 | 1ul << 6 | 1ul << 8 | 1ul << 9 | 1ul << 10 | 1ul << 11;

	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_FEATURES, 0), there);
	/* First stages of ours where the SMMU has both. */
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_NESTED_TYPES, 0) & ~(1ul << PVIOMMU_NESTED_SMMUV3), 0);
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_INVAL_TYPES, 0) << 1, rig_query(PVIOMMU_Q_NESTED_TYPES, 0));
	REQUIRE_EQUAL(rig_query(PVIOMMU_Q_INVAL_MAX, 0), rig_query(PVIOMMU_Q_NESTED_TYPES, 0) << 6);
}

CASE(abi, sve_hint_is_masked)
{
	struct hres r = hcall(PC_PVIOMMU_OP | PC_SVE_HINT, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);

	REQUIRE(hres_ok(r), "ALLOC_DOMAIN with the SVE hint answers %lx", r.r0);
	OK(pv_free_domain(r.r1));
}

/* The registers that the pKVM interface marks MBZ, one bit at a time at both ends and in the middle. */
CASE(abi, must_be_zero_registers_I3)
{
	static const u64 values[] = { 1, 1ul << 31, 1ul << 63 };
	static const u8 mbz[][2] = {
		/* operation, first MBZ register (2..6; the rest up to R6 are MBZ too) */
		{ PVIOMMU_DETACH_DEV, 6 },
		{ PVIOMMU_ALLOC_DOMAIN, 2 },
		{ PVIOMMU_FREE_DOMAIN, 3 },
		{ PVIOMMU_UNMAP_PAGES, 5 },
	};

	rig_open_mapped();
	for (u32 i = 0; i < ARRAY_COUNT(mbz); i++) {
		for (u32 reg = mbz[i][1]; reg <= 6; reg++) {
			for (u32 v = 0; v < ARRAY_COUNT(values); v++) {
				u64 a[7] = { 0, mbz[i][0] };

				if (mbz[i][0] == PVIOMMU_DETACH_DEV)
					a[2] = rig.pviommu, a[3] = RIG_VSID(0), a[5] = rig.domain;
				else if (mbz[i][0] != PVIOMMU_ALLOC_DOMAIN)
					a[2] = rig.domain;
				if (mbz[i][0] == PVIOMMU_UNMAP_PAGES)
					a[3] = RIG_IOVA, a[4] = PAGE;
				a[reg] |= values[v];
				REFUSED(hcall(PC_PVIOMMU_OP, a[1], a[2], a[3], a[4], a[5], a[6]), PC_INVALID_PARAMETER);
			}
		}
	}
}

CASE(abi, must_be_zero_registers_of_tokens_I3)
{
	rig_open_mapped();
	for (u32 reg = 2; reg <= 6; reg++) {
		u64 a[7] = { 0 };

		a[reg] = 1ul << 40;
		if (reg >= 3)
			REFUSED(hcall(PC_DEV_REQ_DMA, rig.pviommu, RIG_VSID(0), a[3], a[4], a[5], a[6]),
				PC_INVALID_PARAMETER);
		REFUSED(hcall(PC_DEV_REQ_MMIO, rig.testdev.regs, a[2], a[3], a[4], a[5], a[6]), PC_INVALID_PARAMETER);
	}
}

CASE(abi, unnamed_registers_are_ignored)
{
	rig_open_mapped();
	OK(pv_op(PVIOMMU_SID_INFO, rig.pviommu, RIG_VSID(0), POISON, POISON, POISON));
	OK(pv_op(PVIOMMU_QUERY, rig.pviommu, PVIOMMU_Q_VERSION, 0, POISON, POISON));
	OK(pv_op(PVIOMMU_ENDPOINT_INFO, rig.pviommu, RIG_VSID(0), POISON, POISON, POISON));
	OK(pv_op(PVIOMMU_IOVA_TO_IPA, rig.domain, RIG_IOVA, POISON, POISON, POISON));
	OK(pv_op(PVIOMMU_STATS, rig.pviommu, 0, POISON, POISON, POISON));
	OK(hcall(PC_DEV_COUNT, POISON, POISON, POISON, POISON, POISON, POISON));
	OK(hcall(PC_DEV_GET_NUM_END_POINTS, rig.device, POISON, POISON, POISON, POISON, POISON));
}

/* One bit above every 32-bit argument must be seen, in whatever register it comes. */
CASE(abi, high_halves_are_seen_I2)
{
	u64 high = 1ul << 32;

	rig_open_mapped();
	REFUSED(pv_attach(rig.pviommu | high, RIG_VSID(0), 0, rig.domain, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0) | high, 0, rig.domain, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), 0, rig.domain | high, 0), PC_NOT_FOUND);
	REFUSED(pv_attach(rig.pviommu, RIG_VSID(0), high, rig.domain, 0), PC_NOT_SUPPORTED);
	REFUSED(pv_detach(rig.pviommu | high, RIG_VSID(0), 0, rig.domain), PC_NOT_FOUND);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(0) | high, 0, rig.domain), PC_NOT_FOUND);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), 0, rig.domain | high), PC_NOT_FOUND);
	REFUSED(pv_detach(rig.pviommu, RIG_VSID(0), high, rig.domain), PC_NOT_FOUND);
	REFUSED(pv_free_domain(rig.domain | high), PC_NOT_FOUND);
	REFUSED(pv_map(rig.domain | high, RIG_IOVA + PAGE, (u64)rig.page, PAGE, RW), PC_NOT_FOUND);
	REFUSED(pv_map(rig.domain, RIG_IOVA + PAGE, (u64)rig.page, PAGE, RW | high), PC_INVALID_PARAMETER);
	REFUSED(pv_unmap(rig.domain | high, RIG_IOVA, PAGE), PC_NOT_FOUND);
	REFUSED(pv_sid_info(rig.pviommu, RIG_VSID(0) | high), PC_NOT_FOUND);
	REFUSED(pv_sid_info(rig.pviommu | high, RIG_VSID(0)), PC_NOT_FOUND);
	REFUSED(pv_iova_to_ipa(rig.domain | high, RIG_IOVA), PC_NOT_FOUND);
	REFUSED(dev_req_dma(rig.pviommu | high, RIG_VSID(0)), PC_NOT_FOUND);
	REFUSED(dev_req_dma(rig.pviommu, RIG_VSID(0) | high), PC_NOT_FOUND);
	REFUSED(dev_endpoint_count(rig.device | high), PC_NOT_FOUND);
	REFUSED(dev_info(rig.device | high, (u64)rig.page), PC_NOT_FOUND);
	REFUSED(dev_assign(rig.device | high, PC_VM_PRIMARY, rig.pviommu), PC_NOT_FOUND);
	REFUSED(dev_assign(rig.device, PC_VM_PRIMARY | high, rig.pviommu), PC_NOT_FOUND);
	REFUSED(dev_release(rig.device | high), PC_NOT_FOUND);
	REFUSED(dev_set_vsid(rig.device | high, 0, 0x6000), PC_NOT_FOUND);
}

/* The pKVM memory calls are not offered to the primary, which has nobody to share with. */
CASE(abi, memory_calls_of_secondaries)
{
	rig_open_mapped();
	for (u32 fn = 3; fn <= 11; fn++)
		REFUSED(hcall(PC_FN(fn), (u64)rig.page, 0, 0, 0, 0, 0), PC_NOT_SUPPORTED);
}

CASE(abi, vmm_calls_refuse_nonsense_K2)
{
	rig_open_mapped();
	for (u32 fn = 0x101; fn <= 0x108; fn++) {
		struct world before, now;
		struct hres r;

		world_read(&before);
		r = hcall(PC_FN(fn), ~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul);
		REQUIRE((long)r.r0 < 0, "function %x accepts nonsense", fn);
		world_read(&now);
		REQUIRE(!world_difference(&before, &now), "function %x changed: %s", fn, world_difference(&before, &now));
	}
	LANDS(rig.testdev, RIG_IOVA, rig.page);
}

static void fill(struct register_file *f, u64 seed)
{
	for (u32 i = 0; i < 31; i++)
		f->x[i] = seed * (i + 3) ^ 0x5a5a00000000a5a5ul;
	for (u32 i = 0; i < 32; i++) {
		f->v[i][0] = seed * (i + 101);
		f->v[i][1] = ~seed * (i + 211);
	}
	f->nzcv = 0xb0000000;
}

static void check_preserved(const struct register_file *in, const struct register_file *out, u64 function)
{
	for (u32 i = 4; i < 31; i++)
		REQUIRE(in->x[i] == out->x[i], "call %lx changes x%u from %lx to %lx", function, i, in->x[i], out->x[i]);
	for (u32 i = 0; i < 32; i++)
		REQUIRE(in->v[i][0] == out->v[i][0] && in->v[i][1] == out->v[i][1], "call %lx changes v%u", function, i);
	REQUIRE(in->sp == out->sp && in->nzcv == out->nzcv && in->daif == out->daif,
		"call %lx changes sp, flags or masks", function);
}

CASE(abi, registers_are_preserved_I6_J6)
{
	static const u64 calls[][3] = {
		{ PC_PVIOMMU_OP, PVIOMMU_QUERY, 0 },
		{ PC_PVIOMMU_OP, PVIOMMU_MAP_PAGES, 12345 },
		{ PC_PVIOMMU_OP, 0x3f, 0 },
		{ PC_FN(0x7777), 1, 2 },
		{ PC_DEV_COUNT, 0, 0 },
		{ PC_VENDOR_UID, 0, 0 },
		{ PC_PVIOMMU_OP, ~0ul, ~0ul },
	};
	struct register_file in, out;

	for (u32 i = 0; i < ARRAY_COUNT(calls); i++) {
		fill(&in, 0x123456789abcdefful + i);
		in.x[0] = calls[i][0];
		in.x[1] = calls[i][1];
		in.x[2] = calls[i][2];
		hvc_with_registers(&in, &out);
		check_preserved(&in, &out, calls[i][0]);
	}
}
