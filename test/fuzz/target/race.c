/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two CPUs, each in a call of its own: of the primary, or of a VM's vCPU that it runs, about the same few domains,
 * devices, pages and VMs. They take turns at locks, table stores and waits (lib/two_cpus.h); when both are out the oracle
 * looks. What they answer is not predicted. In place of a call: an access that traps, of configuration space too, or an
 * interrupt of an IOMMU. In half of the machines hardware is late, silent or wrong meanwhile. In the last kind first stages
 * are their owners' own, and devices keep translations and do not always answer. Under TSan: no access races with another.
 */
#include "oracle_private.h"

#include "abi/hcall.h"
#include "suite.h"

#include "bench_vm.h"
#include "fuzz.h"
#include "hardware.h"
#include "own_stage.h"
#include "two_cpus.h"
#include "spec.h"

#define AT       0x80000000ull
#define IN_GUEST 3u /* calls of a run at most */

#define KINDS  4u /* of machines, each with good and with bad hardware */
#define NESTED 3u /* that kind */

/* What a CPU or a vCPU does: a call, an access that traps, or an interrupt comes. */
enum deed { CALLS,
	    ACCESSES,
	    IS_INTERRUPTED };
struct step {
	enum deed deed;
	struct hcall_args args;
	struct mem_access access;
	u32 irq;
};
/* Of one CPU: if it runs a vCPU, with what that does. */
struct plan {
	struct step own, inside[IN_GUEST];
	u32 inside_count;
};
static bool may_fail, nested;
static struct plan plan[2];
static u32 vm[2];
static struct own_stage primary_stage, vm_stage[2];

static u64 exit_at(u32 cpu) { return bench_page(2000 + cpu); }

static void with_ats(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].ats = pci_function[i].group < 4;
}

static struct bench_options options(u32 kind)
{
	struct bench_options o = kind == 0 ? bench_defaults() : kind == 1 ? bench_stage1_only() :
							kind == NESTED    ? bench_pasids() :
									    bench_stage2_only();

	o.stores = kind == 0 ? FAKE_STORES_AT_BARRIER : FAKE_STORES_AT_ONCE;
	o.iommus = 2;
	if (kind == NESTED)
		o.change = with_ats;
	return o;
}

/* Own first stages beside what every kind has: devices of the primary and of VM 0 begin with them. */
static void boot_nested(void)
{
	struct hcall_args args;

	fake_time_step(2000); /* a device that does not answer takes a second and a half */
	primary_stage = (struct own_stage){ bench_page(900), bench_page(900) };
	own_stage_write(&primary_stage, bench_page(800));
	args = own_stage_alloc(&primary_stage, 0);
	bench_attach(9, (u32)bench_call(args.r[0], args.r[1], args.r[2], 0, 0, 0, 0).v1);
	for (u32 i = 0; i < 2; i++) {
		vm_stage[i] = (struct own_stage){ bench_page(600 + 64 * i + 16), AT + 16 * PAGE_SIZE };
		own_stage_write(&vm_stage[i], AT);
	}
	args = own_stage_alloc(&vm_stage[1], 0);
	bench_vm_attach(vm[1], 5, (u32)bench_call_vm(vm[1], args.r[0], args.r[1], args.r[2], 0, 0, 0, 0).v1);
}

static void boot(u32 index)
{
	struct bench_options o = options(index % KINDS);
	u32 d;

	nested = index % KINDS == NESTED;
	bench_boot(&o);
	for (u32 i = 0; i < 2; i++) {
		vm[i] = bench_vm_with(nested ? PC_VM_NESTED : 0, i * 256, nested ? 256 : 128, 2);
		bench_donate(vm[i], AT, bench_page(600 + 64 * i), 32, 0);
		bench_vm_assign(2 + i, vm[i], 0, 5);
	}
	bench_assign(0, 0, 5);
	bench_assign(1, 0, 9);
	d = bench_domain();
	bench_attach(5, d);
	bench_map(d, 0, bench_page(800), 8 * PAGE_SIZE);
	d = bench_vm_domain(vm[0]);
	bench_vm_map(vm[0], d, 0, AT, 4 * PAGE_SIZE);
	bench_vm_attach(vm[0], 5, d);
	if (nested)
		boot_nested();
	for (u32 i = 0; i < 2; i++) {
		bench_quarantine_expected();
		assert_int_equal(pc_vm_finalise(vm[i]).status, PC_SUCCESS);
	}
	may_fail = index >= KINDS;
	if (may_fail)
		fuzz_hardware_may_fail();
	spec_end(); /* which judges calls one by one: here each is half another CPU's */
	oracle_calls_overlap();
	fake_random_source = fuzz_below;
}

/* --- plans */

static u64 some_page(void)
{
	return fuzz_below(4) == 0 ? bench_page(600 + fuzz_below(128)) : bench_page(800 + fuzz_below(16));
}

static u64 some_ipa(void) { return AT + fuzz_below(32) * PAGE_SIZE; }

static struct hcall_args call_of(u64 r0, u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6)
{
	return (struct hcall_args){ { r0, r1, r2, r3, r4, r5, r6 } };
}

/* `who`: of vm[], or the primary. */
static struct hcall_args some_pv(bool guest, u32 who, u32 cpu)
{
	u64 id = fuzz_below(4), iova = fuzz_below(2) * BLOCK_SIZE + fuzz_below(8) * PAGE_SIZE;
	u64 bytes = fuzz_below(8) == 0 ? BLOCK_SIZE : (1 + fuzz_below(4)) * PAGE_SIZE;
	u64 vsid = guest ? 5 : fuzz_below(2) != 0 ? 5 + fuzz_below(3) :
						    9;

	if (nested && fuzz_below(2) != 0) {
		const struct own_stage *s = guest ? &vm_stage[who] : &primary_stage;

		return fuzz_below(8) == 0 ? own_stage_alloc(s, cpu) : own_stage_invalidate(s, cpu, 5);
	}
	switch (fuzz_below(8)) {
	case 0:
		return call_of(PC_PVIOMMU_OP, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0);
	case 1:
		return call_of(PC_PVIOMMU_OP, PVIOMMU_FREE_DOMAIN, id, 0, 0, 0, 0);
	case 2 ... 3:
		return call_of(PC_PVIOMMU_OP, PVIOMMU_MAP_PAGES, id, iova, guest ? some_ipa() : some_page(), bytes, BENCH_RW);
	case 4 ... 5:
		return call_of(PC_PVIOMMU_OP, PVIOMMU_UNMAP_PAGES, id, iova, bytes, 0, 0);
	case 6:
		return call_of(PC_PVIOMMU_OP, PVIOMMU_ATTACH_DEV, 0, vsid, 0, id, 0);
	default:
		return call_of(PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, vsid, 0, id, 0);
	}
}

/* Of configuration space, of registers, or of memory that is being split or given away. */
static struct step some_access(bool guest)
{
	u64 at;

	switch (fuzz_below(4)) {
	case 0:
		at = FAKE_ECAM_BASE + fuzz_below(0x100000);
		break;
	case 1:
		at = bench_bar((u32)fuzz_below(4)) + fuzz_below(0x4000);
		break;
	default:
		at = (guest ? some_ipa() : some_page()) + fuzz_below(PAGE_SIZE);
		break;
	}
	return (struct step){ .deed = ACCESSES,
			      .access = { .ipa = ipa(at),
					  .width = (u8)(1u << fuzz_below(4)),
					  .write = fuzz_below(2) != 0,
					  .valid = fuzz_below(8) != 0,
					  .value = fuzz_word() } };
}

static struct hcall_args some_guest_call(u32 who, u32 cpu)
{
	switch (fuzz_below(9)) {
	case 8:
		return call_of(PC_DEV_CONFIG, 0, 5, fuzz_below(256) | (1u << fuzz_below(3)) << 16 | fuzz_below(2) << 24, fuzz_word(), 0, 0);
	case 0:
		return call_of(PC_MEM_SHARE, some_ipa(), 1 + fuzz_below(4), 0, 0, 0, 0);
	case 1:
		return call_of(PC_MEM_UNSHARE, some_ipa(), 1 + fuzz_below(4), 0, 0, 0, 0);
	case 2:
		return call_of(PC_MEM_RELINQUISH, some_ipa(), 0, 0, 0, 0, 0);
	case 3:
		return call_of(PC_DEV_RESET, 0, 5, 0, 0, 0, 0);
	default:
		return some_pv(true, who, cpu);
	}
}

static void some_primary_call(struct plan *p, u32 cpu)
{
	u32 who = (u32)fuzz_below(2);
	u64 handle = vm[who], device = fuzz_below(4);

	p->inside_count = 0;
	p->own.deed = CALLS;
	switch (fuzz_below(18)) {
	case 0:
		p->own.args = call_of(PC_VM_DESTROY, handle, 0, 0, 0, 0, 0);
		break;
	case 1:
		p->own.args = call_of(PC_VM_DONATE, handle, AT + (32 + fuzz_below(32)) * PAGE_SIZE, some_page(), 1 + fuzz_below(8), fuzz_below(2), 0);
		break;
	case 2:
		p->own.args = call_of(PC_DEV_ASSIGN, device, fuzz_below(2) != 0 ? handle : PC_VM_PRIMARY, 0, 0, 0, 0);
		break;
	case 3:
		p->own.args = call_of(PC_DEV_RELEASE, device, 0, 0, 0, 0, 0);
		break;
	case 4:
		p->own.args = call_of(PC_DEV_SET_END_POINT_VSID, device, fuzz_below(2), 5 + fuzz_below(6), 0, 0, 0);
		break;
	case 5:
		p->own.args = call_of(PC_VM_CREATE, 0, 1, bench_page(1000 + 64 * cpu), 60, 0, 0);
		break;
	case 6:
		p->own.args = call_of(PC_VM_ADD_POOL, handle, bench_page(1200 + fuzz_below(32)), 1 + fuzz_below(4), 0, 0, 0);
		break;
	case 7 ... 10:
		p->own.args = call_of(PC_VCPU_RUN, handle, fuzz_below(2), exit_at(cpu), 0, 0, 0);
		for (u64 n = 1 + fuzz_below(IN_GUEST); n > 0; n--)
			p->inside[p->inside_count++] = fuzz_below(4) == 0 ? some_access(true) :
									    (struct step){ .args = some_guest_call(who, cpu) };
		break;
	case 16:
		p->own = some_access(false);
		break;
	case 17:
		p->own = (struct step){ .deed = IS_INTERRUPTED, .irq = fuzz_hardware_irq() };
		break;
	default:
		p->own.args = some_pv(false, 0, cpu);
		break;
	}
}

/* --- at work */

static void guest_does(struct vcpu *vcpu, const struct step *step)
{
	struct hcall_args args = step->args;
	struct mem_access access = step->access;

	if (step->deed == ACCESSES) {
		(void)hyp_vcpu_mem_access(vcpu, &access);
		return;
	}
	for (u32 again = 0; again < 1000; again++) {
		hyp_vcpu_check(vcpu);
		if (vcpu->leave || hyp_vcpu_hypercall(vcpu, &args))
			break;
	}
}

/* What a guest does, each call issued again until it is done or the vCPU has to leave. */
static enum status guest(struct vcpu *vcpu)
{
	struct plan *p = &plan[arch_cpu_index()];

	for (u32 i = 0; i < p->inside_count && !vcpu->leave; i++)
		guest_does(vcpu, &p->inside[i]);
	if (!vcpu->leave) {
		vcpu->exit = (struct pc_vcpu_exit){
			.size = sizeof(vcpu->exit), .reason = PC_EXIT_HOST_IRQ, .vcpu = vcpu->index
		};
		vcpu->leave = true;
	}
	return OK;
}

static void work(u32 cpu)
{
	struct vcpu *vcpu = vm_vcpu(vm_primary, cpu);
	struct hcall_args args = plan[cpu].own.args;
	struct mem_access access = plan[cpu].own.access;

	switch (plan[cpu].own.deed) {
	case CALLS:
		for (u32 again = 0; again < 2000 && !hyp_hypercall(vcpu, &args); again++)
			hyp_exit_work(vcpu);
		break;
	case ACCESSES:
		(void)hyp_mem_access(vcpu, &access);
		break;
	case IS_INTERRUPTED:
		hyp_irq(plan[cpu].own.irq);
		break;
	}
	hyp_exit_work(vcpu);
}

static void first(void) { work(0); }
static void second(void) { work(1); }

/* It asks for a translation, and may not answer to the next invalidations. */
static void device_keeps(u32 device)
{
	static const u32 times[] = { 0, 1, 1, 1, 2, ~0u };
	u64 out;

	(void)smmu_ats_request(bench_smmu_of(device), bench_sid(device, 0), fuzz_below(8) * PAGE_SIZE, &out);
	smmu_atc_deaf(bench_smmu_of(device), bench_sid(device, 0), times[fuzz_below(ARRAY_SIZE(times))]);
}

static void action(void)
{
	u32 passes = 1u << fuzz_below(8);

	if (fuzz_below(8) == 0)
		smmu_speculate(bench_smmu[fuzz_below(2)]);
	if (fuzz_below(8) == 0)
		fuzz_hardware_time(bench_smmu[fuzz_below(2)]);
	if (may_fail && fuzz_below(8) == 0)
		fuzz_hardware_fails(bench_smmu[fuzz_below(2)]);
	if (nested && fuzz_below(4) == 0)
		device_keeps((u32)fuzz_below(4));
	for (u32 cpu = 0; cpu < 2; cpu++) {
		struct pc_vcpu_exit *exit = bench_ptr(exit_at(cpu));

		*exit = (struct pc_vcpu_exit){ .size = sizeof(*exit) };
		some_primary_call(&plan[cpu], cpu);
	}
	oracle_before();
	two_cpus_run(first, second, passes);
	if (fake_locks_held() != 0)
		fuzz_found("%u locks are held", fake_locks_held());
	fuzz_calls += 2 + plan[0].inside_count + plan[1].inside_count;
	bench_check();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	fuzz_input(data, size);
	if (!fuzz_next())
		return 0;
	fuzz_machine((u32)fuzz_below(2 * KINDS), boot);
	fake_vcpu_run_hook = guest;
	two_cpus_begin();
	while (fuzz_next())
		action();
	two_cpus_end();
	return 0;
}
