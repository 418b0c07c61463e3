/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another CPU may do while one waits for hardware without a lock. There is one host thread:
 * the second CPU's call runs inside the first one's io_relax(), at each of its turns.
 */
#include <string.h>

#include "bench.h"
#include "suite.h"

static u32 d;
static void (*other_call)(void);
static u32 turns, turn_wanted;
static bool inside;

/* One step of hardware a turn; the other CPU's call at the wanted one. */
static void other_cpu(void *ctx UNUSED)
{
	if (inside)
		return;
	inside = true;
	if (turns++ == turn_wanted) {
		fake_cpu_set(1);
		other_call();
		fake_cpu_set(0);
	}
	if (turns > turn_wanted)
		smmu_step(bench_smmu[0], 1);
	inside = false;
}

/* A call of CPU 1, without the oracle: CPU 0 is in the middle of something. */
static s64 call(u64 op, u64 a, u64 b, u64 c, u64 e, u64 f, u64 *count)
{
	struct hcall_args args = { { PC_PVIOMMU_OP, op, a, b, c, e, f } };

	/* CPU 0 is not stepped meanwhile, so hardware must answer CPU 1 by itself. */
	smmu_time(bench_smmu[0], SMMU_ON_RELAX);
	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 1), &args));
	smmu_time(bench_smmu[0], SMMU_MANUAL);
	if (count != NULL)
		*count = args.r[1];
	return op < 0x40 ? (s64)args.r[3] : (s64)args.r[0];
}

static void boot(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	bench_assign(2, 0, 1);
	bench_assign(3, 0, 2);
	d = bench_domain();
	bench_attach(1, d);
	bench_map(d, 0x1000, bench_page(1), 0x4000);
	for (u64 i = 0; i < 4; i++)
		bench_lands(2, 0, 0x1000 + i * 0x1000, bench_page(1 + i));
}

/* An unmap of two pages by CPU 0, with the other call in its wait. */
static void during_unmap_of(u64 iova, void (*what)(void))
{
	other_call = what;
	turns = turn_wanted = 0;
	smmu_time(bench_smmu[0], SMMU_MANUAL);
	fake_relax_hook_add(other_cpu, NULL);
	bench_unmap(d, iova, 0x2000);
	fake_relax_hook_remove(other_cpu, NULL);
	smmu_time(bench_smmu[0], SMMU_ON_RELAX);
	assert_true(turns > turn_wanted); /* it really waited */
	bench_check();
}

static void during_unmap(void (*what)(void)) { during_unmap_of(0x1000, what); }

static void map_in_flight(void)
{
	assert_int_equal(call(PVIOMMU_MAP_PAGES, d, 0x1000, bench_page(9), 0x1000, BENCH_RW, NULL),
			 PC_BUSY);
	assert_int_equal(call(PVIOMMU_MAP_PAGES, d, 0x2000, bench_page(9), 0x1000, BENCH_RW, NULL),
			 PC_BUSY);
}

static void V3_A3_iova_in_flight_is_busy(void **state UNUSED)
{
	boot();
	during_unmap(map_in_flight);
	/* And free again afterwards. */
	bench_map(d, 0x1000, bench_page(9), 0x1000);
	bench_lands(2, 0, 0x1000, bench_page(9));
}

static void map_into_either(void)
{
	for (u64 iova = 0x20000; iova < 0x22000; iova += 0x1000)
		assert_int_equal(call(PVIOMMU_MAP_PAGES, d, iova, bench_page(9), 0x1000, BENCH_RW, NULL), PC_BUSY);
	assert_int_equal(call(PVIOMMU_MAP_PAGES, d, 0x22000, bench_page(9), 0x1000, BENCH_RW, NULL), PC_SUCCESS);
}

/* The same where the pages are apart in the machine, so that they are gathered. */
static void V3_gathered_iovas_in_flight_are_busy(void **state UNUSED)
{
	boot();
	bench_map(d, 0x20000, bench_page(20), 0x1000);
	bench_map(d, 0x21000, bench_page(30), 0x1000);
	bench_lands(2, 0, 0x20000, bench_page(20));
	bench_lands(2, 0, 0x21000, bench_page(30));
	during_unmap_of(0x20000, map_into_either);
	bench_map(d, 0x21000, bench_page(9), 0x1000);
}

static void map_elsewhere(void)
{
	u64 done = 0;

	assert_int_equal(call(PVIOMMU_MAP_PAGES, d, 0x10000, bench_page(9), 0x1000, BENCH_RW, &done),
			 PC_SUCCESS);
	assert_int_equal(done, 0x1000);
	assert_int_equal(call(PVIOMMU_MAP_PAGES, d, 0, bench_page(10), 0x1000, BENCH_RW, &done), PC_SUCCESS);
	assert_int_equal(done, 0x1000);
}

static void other_addresses_are_free_meanwhile(void **state UNUSED)
{
	boot();
	during_unmap(map_elsewhere);
	bench_lands(2, 0, 0x10000, bench_page(9));
	bench_lands(2, 0, 0, bench_page(10));
	bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
}

static void unmap_the_same(void)
{
	u64 done = 1;

	assert_int_equal(call(PVIOMMU_UNMAP_PAGES, d, 0x1000, 0x1000, 0, 0, &done),
			 PC_INVALID_PARAMETER);
	assert_int_equal(done, 0);
}

static void two_unmaps_of_one_range(void **state UNUSED)
{
	boot();
	during_unmap(unmap_the_same);
}

static void unmap_others(void)
{
	u64 done = 0;

	assert_int_equal(call(PVIOMMU_UNMAP_PAGES, d, 0x3000, 0x2000, 0, 0, &done), PC_SUCCESS);
	assert_int_equal(done, 0x2000);
	assert_int_equal(page_find(pa(bench_page(3)))->pins, 0);
	/* CPU 0's are not done by CPU 1's sync: nobody has told CPU 0. */
	assert_true(page_find(pa(bench_page(1)))->pins > 0);
}

static void two_unmaps_at_once(void **state UNUSED)
{
	boot();
	during_unmap(unmap_others);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_PINS).v1, 0);
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_MAPPED).v1, 0);
}

static void detach_now(void)
{
	assert_int_equal(call(PVIOMMU_DETACH_DEV, 0, 1, 0, d, 0, NULL), PC_SUCCESS);
	/* The domain has no user left, but an unmap of it is in flight. */
	assert_int_equal(call(PVIOMMU_FREE_DOMAIN, d, 0, 0, 0, 0, NULL), PC_BUSY);
	assert_true(page_find(pa(bench_page(1)))->pins > 0);
}

static void A8_domain_in_flight_cannot_be_freed(void **state UNUSED)
{
	boot();
	during_unmap(detach_now);
	bench_faults(2, 0, 0x1000, SMMU_C_BAD_STE);
	assert_status(pv_free(d), PC_SUCCESS);
}

static void attach_another(void)
{
	assert_int_equal(call(PVIOMMU_ATTACH_DEV, 0, 2, 0, d, 0, NULL), PC_SUCCESS);
}

static void stream_that_joins_meanwhile_sees_nothing_old(void **state UNUSED)
{
	boot();
	during_unmap(attach_another);
	bench_faults(3, 0, 0x1000, SMMU_F_TRANSLATION);
	bench_lands(3, 0, 0x3000, bench_page(3));
}

static void map_of_another_domain(void)
{
	u64 done = 0, id = 0;

	assert_int_equal(call(PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0, &id), PC_SUCCESS);
	assert_int_equal(call(PVIOMMU_MAP_PAGES, id, 0x1000, bench_page(1), 0x2000, BENCH_RW, &done),
			 PC_SUCCESS);
	assert_int_equal(page_find(pa(bench_page(1)))->pins, 2);
	assert_int_equal(call(PVIOMMU_UNMAP_PAGES, id, 0x1000, 0x2000, 0, 0, &done), PC_SUCCESS);
	assert_int_equal(call(PVIOMMU_FREE_DOMAIN, id, 0, 0, 0, 0, NULL), PC_SUCCESS);
}

static void other_domains_do_not_wait(void **state UNUSED)
{
	boot();
	during_unmap(map_of_another_domain);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V3_A3_iova_in_flight_is_busy),
		cmocka_unit_test(V3_gathered_iovas_in_flight_are_busy),
		cmocka_unit_test(other_addresses_are_free_meanwhile),
		cmocka_unit_test(two_unmaps_of_one_range),
		cmocka_unit_test(two_unmaps_at_once),
		cmocka_unit_test(A8_domain_in_flight_cannot_be_freed),
		cmocka_unit_test(stream_that_joins_meanwhile_sees_nothing_old),
		cmocka_unit_test(other_domains_do_not_wait),
	};

	return SUITE("race", cases);
}
