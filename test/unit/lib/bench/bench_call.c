/* SPDX-License-Identifier: BSD-2-Clause */
/* Hypercalls as a guest makes them, each followed by the oracle. */
#include <string.h>

#include "hyp/lock.h"

#include "bench.h"
#include "spec.h"
#include "suite.h"

#define AGAIN_MAX 10000u

static bool change_expected;
bool bench_strict;
u64 bench_calls;

void bench_hardware_fails(void)
{
	change_expected = true;
	oracle_losses_allowed();
	spec_hardware_fails();
}

void bench_quarantine_expected(void)
{
	change_expected = true;
	spec_hardware_fails();
}

/* Numbers below 64 and operations below 0x40 know three answers (abi/status.h). */
static bool is_legacy(u64 r0, u64 r1)
{
	u32 number = (u32)r0 & PC_FN_MASK;

	if (((u32)r0 & ~(PC_FN_MASK | PC_SVE_HINT)) != (PC_FN_BASE & ~PC_SVE_HINT))
		return false;
	return number == (PC_PVIOMMU_OP & PC_FN_MASK) ? r1 < PVIOMMU_OP_FIRST_OURS : number < 64;
}

static s64 precise(const struct hcall_args *args, bool legacy)
{
	s64 status = (s64)args->r[0];

	if (!legacy)
		return status;
	switch ((s64)args->r[3]) {
	case PC_SUCCESS: /* 0, or a number that is the answer */
		assert_true(status >= 0);
		break;
	case PC_NOT_SUPPORTED:
		assert_int_equal(status, (s64)args->r[3]);
		break;
	default:
		assert_int_equal(status, PC_INVALID_PARAMETER);
		break;
	}
	return (s64)args->r[3];
}

/* As the CPU brings them: a secondary's come another way. */
static bool hypercall(struct vcpu *vcpu, struct hcall_args *args)
{
	return vcpu->vm->primary ? hyp_hypercall(vcpu, args) : hyp_vcpu_hypercall(vcpu, args);
}

static u32 quarantined_count(void)
{
	u32 count = 0;

	for (u32 i = 0; i < device_count; i++)
		count += device_table[i].state == DEVICE_QUARANTINED;
	return count;
}

/* A failure of hardware gives an IOMMU up, behind which nothing is known any more, or puts a device into quarantine. */
static bool hardware_works(u32 quarantined)
{
	for (u32 i = 0; i < iommu_count; i++)
		if (iommu_instance[i].dead)
			return false;
	return quarantined_count() == quarantined;
}

u32 bench_patience;

static struct result call(struct vcpu *vcpu, const struct hcall_args in)
{
	u64 r0 = in.r[0], r1 = in.r[1];
	bool legacy = is_legacy(r0, r1);
	struct hcall_args args;
	struct result r;
	const char *why;
	u32 again = 0, quarantined;

	do {
		args = in;
		quarantined = quarantined_count();
		oracle_before();
		if (hypercall(vcpu, &args))
			break;
		/* Not finished: registers are as they were, and every step leaves a good state. */
		assert_memory_equal(&args, &in, sizeof(in));
		assert_int_equal(fake_locks_held(), 0);
		why = oracle_after(false);
		if (why != NULL)
			suite_fail("oracle, in step %u of call %#llx/%#llx: %s", again,
				   (unsigned long long)r0, (unsigned long long)r1, why);
		if (again + 1 == bench_patience)
			return (struct result){ .status = PC_BUSY };
	} while (++again < AGAIN_MAX);
	assert_true(again < AGAIN_MAX);
	bench_calls++;
	assert_int_equal(fake_locks_held(), 0);
	r.status = precise(&args, legacy);
	r.v0 = args.r[0];
	r.v1 = args.r[1];
	r.v2 = args.r[2];
	r.v3 = args.r[3];
	/* V10 speaks of refusals, whatever the reason, but where hardware has failed. */
	why = oracle_after(again == 0 && r.status != PC_SUCCESS && r.v1 == 0 && (!change_expected || (bench_strict && hardware_works(quarantined))));
	if (why != NULL)
		suite_fail(
			"oracle, after call %#llx/%#llx(%#llx %#llx %#llx %#llx %#llx) = %lld: %s",
			(unsigned long long)r0, (unsigned long long)r1, (unsigned long long)in.r[2],
			(unsigned long long)in.r[3], (unsigned long long)in.r[4],
			(unsigned long long)in.r[5], (unsigned long long)in.r[6],
			(long long)r.status, why);
	return r;
}

struct result bench_call(u64 r0, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6)
{
	const struct hcall_args in = { { r0, r1, r2, r3, r4, r5, r6 } };

	return call(vm_vcpu(vm_primary, bench_cpu), in);
}

struct result bench_call_vm(u32 handle, u64 r0, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6)
{
	const struct hcall_args in = { { r0, r1, r2, r3, r4, r5, r6 } };
	struct vm *vm = vm_find(handle);

	assert_non_null(vm);
	return call(vm_vcpu(vm, 0), in);
}

#define OP(op, ...) bench_call(PC_PVIOMMU_OP, op, __VA_ARGS__)
#define POISON      BENCH_POISON

struct result pv_attach(u64 pviommu, u64 vsid, u64 pasid, u64 domain, u64 pasid_bits)
{
	return OP(PVIOMMU_ATTACH_DEV, pviommu, vsid, pasid, domain, pasid_bits);
}

struct result pv_detach(u64 pviommu, u64 vsid, u64 pasid, u64 domain)
{
	return OP(PVIOMMU_DETACH_DEV, pviommu, vsid, pasid, domain, 0);
}

struct result pv_alloc(void) { return OP(PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0); }

struct result pv_free(u64 domain) { return OP(PVIOMMU_FREE_DOMAIN, domain, 0, 0, 0, 0); }

struct result pv_map(u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot)
{
	return OP(PVIOMMU_MAP_PAGES, domain, iova, ipa, bytes, prot);
}

struct result pv_unmap(u64 domain, u64 iova, u64 bytes)
{
	return OP(PVIOMMU_UNMAP_PAGES, domain, iova, bytes, 0, 0);
}

struct result pv_sid_info(u64 pviommu, u64 vsid)
{
	return OP(PVIOMMU_SID_INFO, pviommu, vsid, POISON, POISON, POISON);
}

struct result pv_query(u64 pviommu, u64 property, u64 index)
{
	return OP(PVIOMMU_QUERY, pviommu, property, index, POISON, POISON);
}

struct result pv_endpoint_info(u64 pviommu, u64 vsid)
{
	return OP(PVIOMMU_ENDPOINT_INFO, pviommu, vsid, POISON, POISON, POISON);
}

struct result pv_list(u64 operation, u64 ipa)
{
	return OP(operation, ipa, POISON, POISON, POISON, POISON);
}

struct result pv_iova_to_ipa(u64 domain, u64 iova)
{
	return OP(PVIOMMU_IOVA_TO_IPA, domain, iova, POISON, POISON, POISON);
}

struct result pv_stats(u64 pviommu, u64 counter)
{
	return OP(PVIOMMU_STATS, pviommu, counter, POISON, POISON, POISON);
}

struct result pc_dev_count(void)
{
	return bench_call(PC_DEV_COUNT, POISON, POISON, POISON, POISON, POISON, POISON);
}

struct result pc_dev_info(u64 device, u64 ipa)
{
	return bench_call(PC_DEV_INFO, device, ipa, POISON, POISON, POISON, POISON);
}

struct result pc_dev_endpoints(u64 device)
{
	return bench_call(PC_DEV_GET_NUM_END_POINTS, device, POISON, POISON, POISON, POISON,
			  POISON);
}

struct result pc_dev_assign(u64 device, u64 vm, u64 pviommu)
{
	return bench_call(PC_DEV_ASSIGN, device, vm, pviommu, POISON, POISON, POISON);
}

struct result pc_dev_vsid(u64 device, u64 endpoint, u64 vsid)
{
	return bench_call(PC_DEV_SET_END_POINT_VSID, device, endpoint, vsid, POISON, POISON,
			  POISON);
}

struct result pc_dev_release(u64 device)
{
	return bench_call(PC_DEV_RELEASE, device, POISON, POISON, POISON, POISON, POISON);
}

struct result pc_dev_req_dma(u64 pviommu, u64 vsid)
{
	return bench_call(PC_DEV_REQ_DMA, pviommu, vsid, 0, 0, 0, 0);
}

struct result pc_dev_req_mmio(u64 ipa) { return bench_call(PC_DEV_REQ_MMIO, ipa, 0, 0, 0, 0, 0); }
