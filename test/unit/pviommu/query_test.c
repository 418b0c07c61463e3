/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another CPU between any two instructions of a call that takes no lock: this one traps behind each of its own, on hosts
 * that can, and the other one's store happens at each in turn.
 */
#include <signal.h>

#include "bench.h"
#include "suite.h"

static volatile u32 step, wanted;
static struct pviommu *pv;

static void on_trap(int number UNUSED)
{
	if (++step == wanted)
		__atomic_store_n(&pv->iommu, NULL, __ATOMIC_RELEASE);
}

static void trap(bool on)
{
#if defined(__x86_64__)
	if (on)
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::
					 : "memory", "cc");
	else
		__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::
					 : "memory", "cc");
#else
	(void)on;
#endif
}

/* The last device of a pvIOMMU leaves it: what is asked of it then is answered as before, or that it is not there. */
static void query_at_each_step(u64 property)
{
	struct iommu *iommu = pv->iommu;
	enum status status;
	u64 value;

	wanted = 0;
	do {
		value = ~0ull;
		pv->iommu = iommu;
		step = 0;
		wanted++;
		trap(true);
		status = pviommu_query(vm_primary, pv->id, property, 0, &value);
		trap(false);
		assert_true(status == OK ? value != ~0ull : status == E_NOENT);
	} while (step >= wanted);
	pv->iommu = iommu;
}

static void D7_query_beside_a_release(void **state UNUSED)
{
	static const u64 property[] = { PVIOMMU_Q_PASID_BITS, PVIOMMU_Q_INVAL_MAX, PVIOMMU_Q_NESTED_TYPES, PVIOMMU_Q_INVAL_TYPES };
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	bench_assign(2, 5, 1);
	pv = &vm_primary->pviommu[5];
	assert_true(signal(SIGTRAP, on_trap) != SIG_ERR);
	for (u32 i = 0; i < ARRAY_SIZE(property); i++)
		query_at_each_step(property[i]);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(D7_query_beside_a_release),
	};

	return SUITE("query", cases);
}
