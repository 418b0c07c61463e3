/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From registers to a row and back: which calls exist for whom, which registers must be zero and
 * which may hold garbage, how answers look, what discovery says.
 */
#include <string.h>

#include "hcall/hcall.h"

#include "bench.h"
#include "suite.h"

#define LEGACY true
#define OURS   false

/*
 * What the interface and pKVM's guest handler want to be zero, typed by hand.
 */
static const struct call {
	u64 function, operation; /* operation for PC_PVIOMMU_OP only */
	u8 mbz;    /* bit n: Rn must be zero */
	bool legacy;
} calls[] = {
	{ 0xc600003d, 0, 0x78, LEGACY },  /* DEV_REQ_DMA: R3..R6 */
	{ 0xc600003f, 0, 0x7c, LEGACY },  /* DEV_REQ_MMIO: R2..R6 */
	{ 0xc600003e, 0x00, 0x00, LEGACY },    /* ATTACH_DEV */
	{ 0xc600003e, 0x01, 0x40, LEGACY },    /* DETACH_DEV: R6 */
	{ 0xc600003e, 0x02, 0x7c, LEGACY },    /* ALLOC_DOMAIN: R2..R6 */
	{ 0xc600003e, 0x03, 0x78, LEGACY },    /* FREE_DOMAIN: R3..R6 */
	{ 0xc600003e, 0x04, 0x00, LEGACY },    /* MAP_PAGES */
	{ 0xc600003e, 0x05, 0x60, LEGACY },    /* UNMAP_PAGES: R5, R6 */
	{ 0xc600003e, 0x06, 0x00, LEGACY },    /* SID_INFO */
	{ 0xc600003e, 0x40, 0x00, OURS },   /* QUERY */
	{ 0xc600003e, 0x41, 0x00, OURS },   /* ENDPOINT_INFO */
	{ 0xc600003e, 0x42, 0x00, OURS },   /* ATTACH_LIST */
	{ 0xc600003e, 0x43, 0x00, OURS },   /* DETACH_LIST */
	{ 0xc600003e, 0x44, 0x00, OURS },   /* ALLOC_NESTED */
	{ 0xc600003e, 0x45, 0x00, OURS },   /* INVALIDATE */
	{ 0xc600003e, 0x46, 0x00, OURS },   /* EVENTS_SETUP */
	{ 0xc600003e, 0x48, 0x00, OURS },   /* MAP_LIST */
	{ 0xc600003e, 0x49, 0x00, OURS },   /* UNMAP_LIST */
	{ 0xc600003e, 0x4a, 0x00, OURS },   /* IOVA_TO_IPA */
	{ 0xc600003e, 0x4b, 0x00, OURS },   /* STATS */
	{ 0xc6000100, 0, 0x00, OURS },        /* VMM_QUERY */
	{ 0xc6000101, 0, 0x00, OURS },        /* VM_CREATE */
	{ 0xc6000102, 0, 0x00, OURS },        /* VM_DESTROY */
	{ 0xc6000103, 0, 0x00, OURS },        /* VM_DONATE */
	{ 0xc6000104, 0, 0x00, OURS },        /* VM_FINALISE */
	{ 0xc6000105, 0, 0x00, OURS },        /* VCPU_SET */
	{ 0xc6000106, 0, 0x00, OURS },        /* VCPU_RUN */
	{ 0xc6000107, 0, 0x00, OURS },        /* VCPU_IRQ */
	{ 0xc6000108, 0, 0x00, OURS },        /* VM_ADD_POOL */
	{ 0xc6000110, 0, 0x00, OURS },        /* DEV_COUNT */
	{ 0xc6000111, 0, 0x00, OURS },        /* DEV_INFO */
	{ 0xc6000112, 0, 0x00, OURS },        /* DEV_GET_NUM_END_POINTS */
	{ 0xc6000113, 0, 0x00, OURS },        /* DEV_ASSIGN */
	{ 0xc6000114, 0, 0x00, OURS },        /* DEV_SET_END_POINT_VSID */
	{ 0xc6000115, 0, 0x00, OURS },        /* DEV_RELEASE */
	{ 0xc6000117, 0, 0x00, OURS },        /* DEV_MAP_MMIO */
	{ 0xc6000118, 0, 0x00, OURS },        /* DEV_MAP_IRQ */
	{ 0xc6000180, 0, 0x00, OURS },        /* CONSOLE */
	{ 0xc6000181, 0, 0x00, OURS },        /* DEV_CONFIG */
	{ 0xc6000182, 0, 0x00, OURS },        /* DEV_RESET */
};

static void boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(16);
}

static const struct call *find(u64 function, u64 operation)
{
	for (u32 i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].function == function &&
		    (function != 0xc600003e || calls[i].operation == operation))
			return &calls[i];
	return NULL;
}

static struct hcall_args raw(struct vcpu *vcpu, const u64 r[7])
{
	struct hcall_args args;

	memcpy(args.r, r, sizeof(args.r));
	assert_true(hyp_hypercall(vcpu, &args));
	return args;
}

static void unknown(u64 function, u64 operation)
{
	const u64 r[7] = { function, operation, 1, 2, 3, 4, 5 };
	struct hcall_args out = raw(vm_vcpu(vm_primary, 0), r);
	/* SMCCC: a 32-bit call's -1 is a W register's, a 64-bit call's an X register's. */
	u64 want = function & 0x40000000 ? ~0ull : 0xffffffff;

	if (out.r[0] != want)
		suite_fail("%#llx/%#llx answers %#llx", (unsigned long long)function,
			   (unsigned long long)operation, (unsigned long long)out.r[0]);
}

static void every_function_that_is_not_there_says_so(void **state UNUSED)
{
	boot();
	for (u64 f = 0; f < 0x10000; f++)
		if (f != 0x3e && find(0xc6000000 + f, 0) == NULL)
			unknown(0xc6000000 + f, 0);
	for (u64 op = 0; op < 0x1000; op++)
		if (find(0xc600003e, op) == NULL)
			unknown(0xc600003e, op);
	for (u32 bit = 12; bit < 64; bit++)
		unknown(0xc600003e, 1ull << bit);
	bench_check();
}

/* A bank of other services' functions: none of ours is reached through them. */
static void functions_of_other_owners_are_not_ours(void **state UNUSED)
{
	static const u64 bases[] = { 0x86000000, 0xc5000000, 0xc4000000, 0x84000000, 0x46000000,
				     0x06000000, 0xc7000000, 0xc6800000, 0 };

	boot();
	for (u32 b = 0; b < ARRAY_SIZE(bases); b++)
		for (u64 f = 1; f < 0x200; f++)
			unknown(bases[b] + f, 2);
	bench_check();
}

static void sve_hint_is_masked(void **state UNUSED)
{
	struct result r;

	boot();
	r = bench_call(PC_PVIOMMU_OP | 0x10000, PVIOMMU_QUERY, 0, PVIOMMU_Q_VERSION, 0, 0, 0);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 0x10000);
	unknown(PC_PVIOMMU_OP | 0x20000, PVIOMMU_QUERY);
	unknown(PC_PVIOMMU_OP | 0x800000, PVIOMMU_QUERY);
}

/* The upper half of the register with a 64-bit call's number does not count. */
static void function_id_is_32_bits(void **state UNUSED)
{
	struct result r;

	boot();
	r = bench_call(0xffffffff00000000ull | PC_DEV_COUNT, 0, 0, 0, 0, 0, 0);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, BENCH_DEVICE_COUNT);
}

static void mbz_registers_bit_by_bit(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
		for (u32 reg = 1; reg <= 6; reg++) {
			u64 r[7] = { calls[i].function, 0 };

			if (calls[i].function == 0xc600003e) {
				r[1] = calls[i].operation;
				if (reg == 1)
					continue;
			}
			for (u32 bit = 0; bit < 64 && (calls[i].mbz & 1u << reg); bit++) {
				struct result out;

				r[reg] = 1ull << bit;
				out = bench_call(r[0], r[1], r[2], r[3], r[4], r[5], r[6]);
				assert_status(out, PC_INVALID_PARAMETER);
				r[reg] = 0;
			}
		}
	}
}

/* What is not marked holds garbage in stock guests: the answer must not depend on it. */
static void other_registers_may_hold_garbage(void **state UNUSED)
{
	static const u64 garbage[] = { 0, BENCH_POISON, ~0ull, 1ull << 63 };

	boot();
	bench_assign(0, 0, 100);
	for (u32 i = 0; i < ARRAY_SIZE(garbage); i++) {
		u64 g = garbage[i];

		assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_SID_INFO, 0, 100, g, g, g), 0);
		assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_ENDPOINT_INFO, 0, 100, g, g, g), 0);
		assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_QUERY, 0, 0, g, g, g), 0);
		assert_status(bench_call(PC_PVIOMMU_OP, PVIOMMU_STATS, 0, 0, g, g, g), 0);
		assert_status(bench_call(PC_DEV_COUNT, g, g, g, g, g, g), 0);
		assert_status(bench_call(PC_DEV_GET_NUM_END_POINTS, 0, g, g, g, g, g), 0);
		assert_status(bench_call(PC_VMM_QUERY, 0, g, g, g, g, g), 0);
	}
}

/* 64-bit arguments: an id with a bit above its width names nothing. */
static void D7_nothing_is_narrowed(void **state UNUSED)
{
	u32 d;

	boot();
	bench_assign(0, 0, 100);
	d = bench_domain();
	for (u32 bit = 0; bit < 64; bit++) {
		u64 flip = 1ull << bit;

		if ((100 ^ flip) < 100 || (100 ^ flip) > 102)
			assert_status(pv_sid_info(0, 100 ^ flip), PC_NOT_FOUND);
		assert_status(pv_attach(0, 100, 0, d ^ flip, 0), PC_NOT_FOUND);
		assert_status(pv_map(d ^ flip, 0, bench_page(0), 0x1000, BENCH_RW), PC_NOT_FOUND);
		assert_status(pv_unmap(d ^ flip, 0, 0x1000), PC_NOT_FOUND);
		assert_status(pv_free(d ^ flip), PC_NOT_FOUND);
		assert_status(pv_iova_to_ipa(d ^ flip, 0), PC_NOT_FOUND);
		if (bit >= 6) {
			assert_status(pc_dev_endpoints(flip), PC_NOT_FOUND);
			assert_status(pv_sid_info(flip, 100), PC_NOT_FOUND);
			assert_status(pv_attach(flip, 100, 0, d, 0), PC_NOT_FOUND);
			assert_status(pv_stats(0, flip), PC_NOT_SUPPORTED);
			assert_status(pv_query(0, flip, 0), PC_NOT_SUPPORTED);
		}
		if (bit >= 1)
			assert_status(pc_dev_assign(2, 1 | flip, 0), PC_NOT_FOUND);
		if (bit >= 6)
			assert_status(pv_map(d, 0, bench_page(0), 0x1000, BENCH_RW | flip),
				      PC_INVALID_PARAMETER);
	}
	/* And the right ids still work. */
	assert_status(pv_attach(0, 100, 0, d, 0), PC_SUCCESS);
}

/* Take back what a flipped call did, so that the next begins where this one did. */
static void settle(u32 d, u32 op, const u64 *r, const struct result *out)
{
	/* Also what came before a hole. */
	if (op == PVIOMMU_UNMAP_PAGES && out->v1 > 0)
		bench_map(d, 0x1000, bench_page(0), 0x1000);
	if (out->status != PC_SUCCESS)
		return;
	if (op == PVIOMMU_MAP_PAGES)
		assert_status(pv_unmap(r[2], r[3], out->v1), PC_SUCCESS);
	if (op == PVIOMMU_ATTACH_DEV)
		assert_status(pv_detach(0, r[3], r[4], r[5]), PC_SUCCESS);
	if (op == PVIOMMU_DETACH_DEV)
		assert_status(pv_attach(0, 101, 0, d, 0), PC_SUCCESS);
}

/*
 * A good call with one bit flipped, for every bit of every register. It may be another good call;
 * whatever it is, the oracle holds, and at most its own address and rights are concerned.
 */
static void every_bit_of_every_argument(void **state UNUSED)
{
	u64 good[5][7] = {
		{ PC_PVIOMMU_OP, PVIOMMU_MAP_PAGES, 0, 0x5000, bench_guest_base, 0x1000, BENCH_RW },
		{ PC_PVIOMMU_OP, PVIOMMU_UNMAP_PAGES, 0, 0x1000, 0x1000, 0, 0 },
		{ PC_PVIOMMU_OP, PVIOMMU_ATTACH_DEV, 0, 100, 0, 0, 0 },
		{ PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, 101, 0, 0, 0 },
		{ PC_PVIOMMU_OP, PVIOMMU_IOVA_TO_IPA, 0, 0x1000, 0, 0, 0 },
	};
	u32 refused = 0;
	u32 d;

	boot();
	oracle_effort(256);
	bench_assign(0, 0, 100);
	d = bench_domain();
	bench_map(d, 0x1000, bench_page(0), 0x1000);
	bench_attach(101, d);
	good[0][2] = good[1][2] = good[2][5] = good[3][5] = good[4][2] = d;
	good[0][4] = bench_page(3);
	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		for (u32 flip = 64 * 2; flip < 64 * 7; flip++) {
			struct result out;
			u64 r[7];

			memcpy(r, good[i], sizeof(r));
			r[flip / 64] ^= 1ull << flip % 64;
			out = bench_call(r[0], r[1], r[2], r[3], r[4], r[5], r[6]);
			refused += out.status != PC_SUCCESS;
			settle(d, (u32)r[1], r, &out);
		}
	}
	assert_true(refused > 600);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_MAPPED).v1, 0x1000);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_ATTACHED).v1, 1);
}

static void precise_status_of_legacy_calls_is_in_r3(void **state UNUSED)
{
	const u64 missing[7] = { PC_PVIOMMU_OP, PVIOMMU_FREE_DOMAIN, 77 };
	const u64 unknown_op[7] = { PC_PVIOMMU_OP, 0x3f };
	struct hcall_args out;

	boot();
	out = raw(vm_vcpu(vm_primary, 0), missing);
	assert_int_equal((s64)out.r[0], PC_INVALID_PARAMETER);
	assert_int_equal((s64)out.r[3], PC_NOT_FOUND);
	out = raw(vm_vcpu(vm_primary, 0), unknown_op);
	assert_int_equal((s64)out.r[0], PC_NOT_SUPPORTED);
	assert_int_equal((s64)out.r[3], PC_NOT_SUPPORTED);
}

/* Results are zero on an error unless a count is named; nothing of ours leaks through them. */
static void V6_results_are_zero_on_error(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < ARRAY_SIZE(calls); i++) {
		u64 r[7] = { calls[i].function, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull };
		struct hcall_args out;

		if (calls[i].function == 0xc600003e)
			r[1] = calls[i].operation;
		if (calls[i].function == 0xc6000110)
			continue; /* DEV_COUNT cannot fail */
		out = raw(vm_vcpu(vm_primary, 0), r);
		assert_int_not_equal(out.r[0], 0);
		assert_int_equal(out.r[1], 0);
		assert_int_equal(out.r[2], 0);
		if (!calls[i].legacy)
			assert_int_equal(out.r[3], 0);
		for (u32 k = 4; k < 7; k++)
			assert_int_equal(out.r[k], r[k]);
	}
	bench_check();
}

/* A VM that is not the primary: VMM calls are not there for it, nor is anything of the primary. */
static void VMM_calls_are_the_primarys_alone(void **state UNUSED)
{
	static struct vm other;
	static struct hcall call;
	struct vcpu vcpu = { .vm = &other, .call = &call };

	boot();
	hcall_init(&call, &vcpu);
	other.handle = 2;
	other.owner = OWNER_VM + 1;
	for (u64 f = 0x100; f < 0x120; f++) {
		const u64 r[7] = { PC_FN_BASE + f, 0, 1, 0 };

		assert_int_equal((s64)raw(&vcpu, r).r[0], PC_NOT_SUPPORTED);
	}
	bench_check();
}

static void discovery(void **state UNUSED)
{
	static const struct {
		u64 r0, r1, out[4];
	} asks[] = {
		{ 0x80000000, 0, { 0x10002 } },
		{ 0x80000001, 0x80000000, { 0 } },
		{ 0x80000001, 0x80000001, { 0 } },
		{ 0x80000001, 0x8000ffff, { 0xffffffff } },
		{ 0x8600ff01, 0, { 0xb66fb428, 0xe911c52e, 0x564bcaa9, 0x743a004d } },
		{ 0x86000000, 0, { 0, 0xe0000000, 0, 0 } },
	};

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(asks); i++) {
		/* W registers: what is above them does not count, and answers have zero there. */
		const u64 r[7] = { asks[i].r0 | 0xabcull << 40, asks[i].r1 | 0xdefull << 32,
				   BENCH_POISON, BENCH_POISON };
		struct hcall_args out = raw(vm_vcpu(vm_primary, 0), r);

		for (u32 k = 0; k < 4; k++)
			if (out.r[k] != asks[i].out[k])
				suite_fail("%#llx(%#llx): R%u is %#llx, not %#llx",
					   (unsigned long long)asks[i].r0,
					   (unsigned long long)asks[i].r1, k,
					   (unsigned long long)out.r[k],
					   (unsigned long long)asks[i].out[k]);
	}
}

/* QUERY property 7 says what exists, and it is so. */
static void feature_bits_are_true(void **state UNUSED)
{
	struct result r;

	boot();
	r = pv_query(0, PVIOMMU_Q_FEATURES, 0);
	assert_status(r, PC_SUCCESS);
	for (u32 op = 0; op < 32; op++)
		assert_int_equal(r.v1 >> op & 1, find(0xc600003e, 0x40 + op) != NULL);
	assert_int_equal(r.v1 >> 32, 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_function_that_is_not_there_says_so),
		cmocka_unit_test(functions_of_other_owners_are_not_ours),
		cmocka_unit_test(sve_hint_is_masked),
		cmocka_unit_test(function_id_is_32_bits),
		cmocka_unit_test(mbz_registers_bit_by_bit),
		cmocka_unit_test(other_registers_may_hold_garbage),
		cmocka_unit_test(D7_nothing_is_narrowed),
		cmocka_unit_test(every_bit_of_every_argument),
		cmocka_unit_test(precise_status_of_legacy_calls_is_in_r3),
		cmocka_unit_test(V6_results_are_zero_on_error),
		cmocka_unit_test(VMM_calls_are_the_primarys_alone),
		cmocka_unit_test(discovery),
		cmocka_unit_test(feature_bits_are_true),
	};

	return SUITE("dispatch", cases);
}
