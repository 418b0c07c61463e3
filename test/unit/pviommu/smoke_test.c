#include "bench.h"
#include "suite.h"

static void one(struct bench_options o)
{
	u32 d;

	bench_boot(&o);
	bench_lands(0, 0, bench_page(3), bench_page(3));
	bench_assign(0, 0, 100);
	bench_faults(0, 0, bench_page(3), SMMU_C_BAD_STE);
	d = bench_domain();
	bench_map(d, 0x10000, bench_page(5), 0x3000);
	bench_attach(100, d);
	bench_attach(101, d);
	bench_lands(0, 0, 0x10000, bench_page(5));
	bench_lands(0, 1, 0x12000, bench_page(7));
	bench_unmap(d, 0x10000, 0x3000);
	bench_faults(0, 0, 0x10000, SMMU_F_TRANSLATION);
}
static void nested(void **state UNUSED) { one(bench_defaults()); }
static void s1(void **state UNUSED) { one(bench_stage1_only()); }
static void s2(void **state UNUSED) { one(bench_stage2_only()); }
static void full(void **state UNUSED) { one(bench_pasids()); }
int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(nested), cmocka_unit_test(s1), cmocka_unit_test(s2), cmocka_unit_test(full),
	};
	return SUITE("smoke", cases);
}
