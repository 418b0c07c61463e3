/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs as the primary drives them, every exit, MMIO by emulation, and the MMIO guard. */
#include <string.h>

#include "bench_vm.h"
#include "suite.h"

#define AT 0x80000000ull

static u32 vm;

static void boot_vm(u64 flags, u32 vcpus)
{
	struct bench_options o = bench_defaults();
	struct result r;

	bench_boot(&o);
	oracle_effort(8);
	r = pc_vm_create(flags, vcpus, bench_page(0), 64);
	assert_status(r, PC_SUCCESS);
	vm = (u32)r.v1;
	bench_donate(vm, AT, bench_page(100), 16, 0);
}

static void boot(void) { boot_vm(0, 2); }

static void end(void)
{
	fake_vcpu_run_hook = NULL;
	bench_destroy(vm);
	oracle_effort(1);
	bench_check();
}

static void I3_set_statuses(void **state UNUSED)
{
	u64 last;

	boot();
	last = 1ull << pc_vmm_query(PC_VMM_Q_IPA_BITS, 0).v1;
	assert_status(pc_vcpu_set(vm, 2, AT, 0), PC_NOT_FOUND);
	assert_status(pc_vcpu_set(vm, 1ull << 32, AT, 0), PC_NOT_FOUND);
	assert_status(pc_vcpu_set(vm, ~0ull, AT, 0), PC_NOT_FOUND);
	assert_status(pc_vcpu_set(vm + 1, 0, AT, 0), PC_NOT_FOUND);
	assert_status(pc_vcpu_set(1, 0, AT, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vcpu_set(vm, 0, AT + 2, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vcpu_set(vm, 0, last, 0), PC_INVALID_PARAMETER);
	assert_status(pc_vcpu_set(vm, 0, ~3ull, 0), PC_INVALID_PARAMETER);
	assert_int_equal(fake_vm_calls.vcpu_set, 0);
	assert_status(pc_vcpu_set(vm, 0, AT + 4, BENCH_POISON), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.set_entry.v, AT + 4);
	assert_int_equal(fake_vm_calls.set_argument, BENCH_POISON);
	assert_status(pc_vcpu_set(vm, 0, last - 4, 1), PC_SUCCESS); /* again, before it runs */
	bench_exit();
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	assert_status(pc_vcpu_set(vm, 0, AT, 0), PC_BUSY);
	assert_status(pc_vcpu_set(vm, 1, AT, 0), PC_BUSY); /* nor another: the VM is final */
	end();
}

static void I3_run_statuses(void **state UNUSED)
{
	struct pc_vcpu_exit *exit;
	struct result r;

	boot();
	exit = bench_exit();
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT + 4), PC_INVALID_PARAMETER);
	assert_status(pc_vcpu_run(vm, 0, machine->heap.base), PC_FAULT);
	assert_status(pc_vcpu_run(vm, 0, bench_page(100)), PC_FAULT); /* the VM's */
	assert_status(pc_vcpu_run(vm, 0, bench_bar(3)), PC_FAULT);
	exit->size = sizeof(*exit) - 1;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_INVALID_PARAMETER);
	exit->size = 4097;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_INVALID_PARAMETER);
	exit->size = sizeof(*exit) + 8;
	((u8 *)(exit + 1))[7] = 1;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_TOO_BIG);
	exit->size = sizeof(*exit);
	assert_status(pc_vcpu_run(vm + 256, 0, BENCH_EXIT), PC_NOT_FOUND);
	assert_status(pc_vcpu_run(1, 0, BENCH_EXIT), PC_INVALID_PARAMETER);
	assert_status(pc_vcpu_run(vm, 2, BENCH_EXIT), PC_NOT_FOUND);
	assert_status(pc_vcpu_run(vm, 1ull << 32, BENCH_EXIT), PC_NOT_FOUND);
	assert_int_equal(fake_vm_calls.run, 0);
	assert_int_equal(vm_find(vm)->state, VM_BUILDING);
	memset(exit + 1, 0xee, 8);
	r = pc_vcpu_run(vm, 1, BENCH_EXIT);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, PC_EXIT_HOST_IRQ);
	assert_int_equal(vm_find(vm)->state, VM_FINAL);
	assert_int_equal(exit->size, sizeof(*exit));
	assert_int_equal(exit->vcpu, 1);
	assert_int_equal(*(u8 *)(exit + 1), 0xee);
	assert_status(pc_vm_finalise(vm), PC_EXISTS);
	end();
}

/* --- exits */

static struct pc_vcpu_exit next; /* what the vCPU will say */

static enum status say(struct vcpu *vcpu)
{
	u32 size = vcpu->exit.size, index = vcpu->exit.vcpu;

	assert_int_equal(vcpu->exit.reason, 0);
	assert_int_equal(vcpu->exit.arg[0], 0);
	vcpu->exit = next;
	vcpu->exit.size = size;
	vcpu->exit.vcpu = index;
	vcpu->leave = true;
	return OK;
}

static void I6_every_exit(void **state UNUSED)
{
	static const struct pc_vcpu_exit exits[] = {
		{ .reason = PC_EXIT_HOST_IRQ },
		{ .reason = PC_EXIT_IDLE, .data = 12345, .flags = PC_EXIT_DATA },
		{ .reason = PC_EXIT_POWER, .arg = { PC_POWER_OFF } },
		{ .reason = PC_EXIT_POWER, .arg = { PC_POWER_ON, 1 } },
		{ .reason = PC_EXIT_POWER, .arg = { PC_POWER_SYSTEM_OFF } },
		{ .reason = PC_EXIT_POWER, .arg = { PC_POWER_SYSTEM_RESET } },
		{ .reason = PC_EXIT_DEAD, .arg = { PC_DEAD_STATE } },
		{ .reason = PC_EXIT_HOST_IRQ },
	};

	boot();
	fake_vcpu_run_hook = say;
	for (u32 i = 0; i < ARRAY_SIZE(exits); i++) {
		struct pc_vcpu_exit *exit = bench_exit(), want = exits[i];
		struct result r;

		memset((char *)exit + 4, 0xff, sizeof(*exit) - 4); /* only what is its to say comes back */
		next = exits[i];
		r = pc_vcpu_run(vm, 0, BENCH_EXIT);
		assert_status(r, PC_SUCCESS);
		assert_int_equal(r.v1, exits[i].reason);
		want.size = sizeof(want);
		assert_memory_equal(exit, &want, sizeof(want));
	}
	end();
}

static void I4_run_in_a_state_that_cannot_be_kept(void **state UNUSED)
{
	boot();
	bench_exit();
	/* Not even finalised by that. */
	fake_vcpu_cannot_run = true;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_NOT_SUPPORTED);
	fake_vcpu_cannot_run = false;
	assert_status(pc_vcpu_set(vm, 0, AT, 0), PC_SUCCESS);
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	fake_vcpu_cannot_run = true;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_NOT_SUPPORTED);
	fake_vcpu_cannot_run = false;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	end();
}

/* --- accesses to nobody's addresses */

static struct mem_access access;
static bool answered;

static enum status touch(struct vcpu *vcpu)
{
	vcpu->leave = false;
	answered = hyp_vcpu_mem_access(vcpu, &access);
	if (vcpu->leave)
		return OK;
	vcpu->exit.reason = PC_EXIT_IDLE; /* the arch has injected an abort, or tries again */
	vcpu->leave = true;
	return OK;
}

static struct pc_vcpu_exit *run_access(struct mem_access a)
{
	struct pc_vcpu_exit *exit = bench_exit();

	access = a;
	fake_vcpu_run_hook = touch;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	assert_false(answered);
	return exit;
}

static void store_exits(u64 at)
{
	struct pc_vcpu_exit *exit = run_access((struct mem_access){
		.ipa = ipa(at), .width = 2, .write = true, .valid = true, .value = 0xbeef });

	assert_int_equal(exit->reason, PC_EXIT_MMIO);
	assert_int_equal(exit->flags, PC_EXIT_WRITE | PC_EXIT_DATA);
	assert_int_equal(exit->ipa, at);
	assert_int_equal(exit->width, 2);
	assert_int_equal(exit->data, 0xbeef);
	assert_false(access.again);
}

static void does_not_exit(u64 at, bool again)
{
	assert_int_equal(run_access((struct mem_access){ .ipa = ipa(at), .width = 4, .valid = true })->reason,
			 PC_EXIT_IDLE);
	assert_int_equal(access.again, again);
}

static void I6_mmio_store_and_load(void **state UNUSED)
{
	struct pc_vcpu_exit *exit;

	boot_vm(PC_VM_OPEN_MMIO, 2);
	store_exits(0x9000010);
	/* A load: the value comes with the next run, once, and of that run nothing else. */
	exit = run_access((struct mem_access){ .ipa = ipa(0x9000018), .width = 4, .valid = true, .value = 77 });
	assert_int_equal(exit->reason, PC_EXIT_MMIO);
	assert_int_equal(exit->flags, 0);
	assert_int_equal(exit->data, 0);
	assert_int_equal(exit->ipa, 0x9000018);
	assert_int_equal(fake_vm_calls.mmio_done, 0);
	/* Another vCPU is no answer to it. */
	fake_vcpu_run_hook = NULL;
	bench_exit()->data = 1;
	assert_status(pc_vcpu_run(vm, 1, BENCH_EXIT), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.mmio_done, 0);
	bench_exit()->data = 0x1234567890;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.mmio_done, 1);
	assert_int_equal(fake_vm_calls.mmio_value, 0x1234567890);
	bench_exit()->data = 5;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.mmio_done, 1);
	/* What was not decoded cannot be emulated. */
	assert_int_equal(run_access((struct mem_access){ .ipa = ipa(0x9000018) })->reason, PC_EXIT_IDLE);
	/* Memory that is there: a change was under way. */
	does_not_exit(AT, true);
	end();
}

static void I7_guard(void **state UNUSED)
{
	struct result r;

	boot_vm(PC_VM_OPEN_MMIO, 1);
	store_exits(0x9000000);
	r = vm_guard(vm, PC_MMIO_GUARD_INFO, BENCH_POISON, BENCH_POISON);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v0, PAGE_SIZE);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_ENROLL, BENCH_POISON, BENCH_POISON), PC_SUCCESS);
	does_not_exit(0x9000000, false);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000000, BENCH_POISON), PC_SUCCESS);
	store_exits(0x9000ffe);
	does_not_exit(0x9001000, false);
	does_not_exit(0x8fffffc, false);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000000, 0), PC_SUCCESS); /* again */
	assert_int_equal(vm_find(vm)->guard_count, 1);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_UNMAP, 0x9000000, 0), PC_SUCCESS);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_UNMAP, 0x9000000, 0), PC_NOT_FOUND);
	does_not_exit(0x9000000, false);
	/* Memory wins over a guard that was there before. */
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, AT + BLOCK_SIZE, 0), PC_SUCCESS);
	bench_donate(vm, AT + BLOCK_SIZE, bench_page(300), 1, 0);
	does_not_exit(AT + BLOCK_SIZE, true);
	end();
}

static void I3_K1_guard_statuses(void **state UNUSED)
{
	u64 window, last, done = 0;
	struct result r;

	boot();
	window = pc_vmm_query(PC_VMM_Q_WINDOW_BASE, 0).v1;
	last = 1ull << pc_vmm_query(PC_VMM_Q_IPA_BITS, 0).v1;
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000001, 0), PC_INVALID_PARAMETER);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, window, 0), PC_INVALID_PARAMETER);
	for (u64 at = last; at < last + (64ull << 30); at += 1ull << 30)
		assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, at, 0), PC_INVALID_PARAMETER);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, ~0xfffull, 0), PC_INVALID_PARAMETER);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, AT, 0), PC_INVALID_PARAMETER); /* memory */
	assert_status(vm_guard(vm, PC_MMIO_GUARD_UNMAP, 0x9000000, 0), PC_NOT_FOUND);
	assert_status(vm_guard(vm, PC_MMIO_RGUARD_UNMAP, 0x9000000, 4), PC_NOT_FOUND);
	assert_status(vm_guard(vm, PC_MMIO_RGUARD_MAP, AT, 4), PC_INVALID_PARAMETER);
	/* A range: what is before the page that will not is done, and counted. */
	r = vm_guard(vm, PC_MMIO_RGUARD_MAP, AT - 3 * PAGE_SIZE, 5);
	assert_status(r, PC_SUCCESS);
	assert_int_equal(r.v1, 3);
	assert_int_equal(vm_guard(vm, PC_MMIO_RGUARD_UNMAP, AT - 3 * PAGE_SIZE, 5).v1, 3);
	assert_int_equal(vm_guard(vm, PC_MMIO_RGUARD_MAP, 0x9000000, 0).v1, 1);
	/* So many and no more, in calls of bounded work (V9). */
	do {
		r = vm_guard(vm, PC_MMIO_RGUARD_MAP, 0x10000000 + done * PAGE_SIZE, ~0ull);
		assert_in_range(r.v1, 0, 64);
		done += r.v1;
	} while (r.status == PC_SUCCESS);
	assert_int_equal(done, VM_GUARDS - 1);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x20000000, 0), PC_NO_MEMORY);
	assert_status(vm_guard(vm, PC_MMIO_RGUARD_MAP, 0x20000000, 2), PC_NO_MEMORY);
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000000, 0), PC_SUCCESS);
	for (u64 gone = 0; gone < done; gone += r.v1) {
		r = vm_guard(vm, PC_MMIO_RGUARD_UNMAP, 0x10000000 + gone * PAGE_SIZE, VM_GUARDS);
		assert_status(r, PC_SUCCESS);
	}
	assert_status(vm_guard(vm, PC_MMIO_GUARD_UNMAP, 0x10000000, 0), PC_NOT_FOUND);
	end();
}

/* --- from inside a run */

static u32 inside;

static enum status run_again(struct vcpu *vcpu)
{
	struct vm *its = vm_find(vm);

	vcpu->leave = true;
	if (inside++ > 0)
		return OK;
	bench_cpu_set(1);
	bench_check(); /* the vCPU runs now */
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_BUSY);
	assert_status(pc_vcpu_set(vm, 0, AT, 0), PC_BUSY);
	assert_int_equal(its->runners, 1);
	assert_status(pc_vcpu_run(vm, 1, BENCH_EXIT), PC_SUCCESS); /* the other one may */
	assert_int_equal(its->runners, 1);
	bench_cpu_set(0);
	return OK;
}

static void D6_one_vcpu_on_two_cpus(void **state UNUSED)
{
	boot();
	bench_exit();
	inside = 0;
	fake_vcpu_run_hook = run_again;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	assert_int_equal(inside, 2);
	assert_int_equal(vm_find(vm)->runners, 0);
	end();
}

static enum status share_one(struct vcpu *vcpu)
{
	assert_int_equal(vm_share(vm, AT + 0x3000, 2).v1, 2);
	assert_true(vcpu->leave);
	return OK;
}

static void I6_memory_exit(void **state UNUSED)
{
	struct pc_vcpu_exit *exit;

	boot();
	exit = bench_exit();
	fake_vcpu_run_hook = share_one;
	assert_int_equal(pc_vcpu_run(vm, 0, BENCH_EXIT).v1, PC_EXIT_MEMORY);
	assert_int_equal(exit->arg[0], PC_MEM_SHARED);
	assert_int_equal(exit->arg[1], bench_page(103));
	assert_int_equal(exit->arg[2], 2);
	end();
}

/* The place for the exit was given away meanwhile: the exit waits for the next run. */
static enum status take_its_place(struct vcpu *vcpu)
{
	struct mem_access load = { .ipa = ipa(0x9000000), .width = 4, .valid = true };

	inside++;
	bench_cpu_set(1);
	bench_donate(vm, AT + BLOCK_SIZE, BENCH_EXIT, 1, 0);
	bench_cpu_set(0);
	assert_false(hyp_vcpu_mem_access(vcpu, &load));
	return OK;
}

static void I4_exit_undelivered(void **state UNUSED)
{
	struct pc_vcpu_exit *exit;
	struct result r;

	boot();
	assert_status(vm_guard(vm, PC_MMIO_GUARD_MAP, 0x9000000, 0), PC_SUCCESS);
	bench_exit();
	inside = 0;
	fake_vcpu_run_hook = take_its_place;
	bench_quarantine_expected(); /* a change: the vCPU has run */
	r = pc_vcpu_run(vm, 0, BENCH_EXIT);
	assert_status(r, PC_FAULT);
	assert_int_equal(r.v1, 0);
	exit = bench_ptr(bench_page(3000));
	memset(exit, 0, sizeof(*exit));
	exit->size = sizeof(*exit);
	exit->data = 99; /* no answer yet: it was not asked */
	assert_int_equal(pc_vcpu_run(vm, 0, bench_page(3000)).v1, PC_EXIT_MMIO);
	assert_int_equal(inside, 1);
	assert_int_equal(exit->ipa, 0x9000000);
	assert_int_equal(fake_vm_calls.mmio_done, 0);
	fake_vcpu_run_hook = NULL;
	exit->data = 100;
	assert_status(pc_vcpu_run(vm, 0, bench_page(3000)), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.mmio_value, 100);
	end();
}

static enum status idle_without_a_place(struct vcpu *vcpu)
{
	if (inside++ == 0) {
		bench_cpu_set(1);
		bench_donate(vm, AT + BLOCK_SIZE, BENCH_EXIT, 1, 0);
		bench_cpu_set(0);
	}
	next = (struct pc_vcpu_exit){ .reason = PC_EXIT_IDLE };
	return say(vcpu);
}

/* What was not said of it may be over: it runs again, and says how it is now. */
static void I4_idleness_undelivered(void **state UNUSED)
{
	struct pc_vcpu_exit *exit;

	boot();
	bench_exit();
	inside = 0;
	fake_vcpu_run_hook = idle_without_a_place;
	bench_quarantine_expected(); /* a change: the vCPU has run */
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_FAULT);
	assert_int_equal(inside, 1);
	exit = bench_ptr(bench_page(3000));
	memset(exit, 0, sizeof(*exit));
	exit->size = sizeof(*exit);
	assert_int_equal(pc_vcpu_run(vm, 0, bench_page(3000)).v1, PC_EXIT_IDLE);
	assert_int_equal(inside, 2);
	end();
}

/*
 * A VMM of a later version offers a longer structure: what is not known of it must be zero and must be there, and what
 * it says of its size is looked at once.
 */
static void I1_a_longer_exit_is_taken_where_its_rest_is_zero(void **state UNUSED)
{
	struct pc_vcpu_exit *exit;
	u64 at, *rest;

	boot();
	/* Behind page 99 the VM's memory begins: what is longer than the page has no end. */
	at = bench_page(100) - sizeof(*exit);
	exit = bench_ptr(at);
	memset(exit, 0, sizeof(*exit));
	exit->size = sizeof(*exit);
	assert_status(pc_vcpu_run(vm, 0, at), PC_SUCCESS);
	exit->size = sizeof(*exit) + 8;
	assert_status(pc_vcpu_run(vm, 0, at), PC_FAULT);
	exit->size = sizeof(*exit) - 8;
	assert_status(pc_vcpu_run(vm, 0, at), PC_INVALID_PARAMETER);
	exit = bench_exit();
	rest = (u64 *)(exit + 1);
	memset(rest, 0, 128);
	exit->size = sizeof(*exit) + 128;
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_SUCCESS);
	assert_int_equal(exit->reason, PC_EXIT_HOST_IRQ);
	assert_int_equal(exit->size, sizeof(*exit));
	for (u32 i = 0; i < 16; i++) {
		exit->size = sizeof(*exit) + 128;
		rest[i] = 1;
		assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_TOO_BIG);
		rest[i] = 0;
	}
	end();
}

static enum status destroyed(struct vcpu *vcpu)
{
	u64 left;

	vcpu->leave = false;
	hyp_vcpu_check(vcpu);
	assert_false(vcpu->leave);
	bench_cpu_set(1);
	left = pc_vm_destroy(vm).v1;
	assert_true(left > 0);
	/* As long as it runs, nothing is taken from it. */
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(pc_vm_destroy(vm).v1, left);
	assert_true(fake_vm_calls.kick >= 11);
	assert_int_equal(fake_vm_calls.inval_vmid, 0);
	assert_status(pc_vcpu_run(vm, 1, BENCH_EXIT), PC_BUSY);
	bench_cpu_set(0);
	hyp_vcpu_check(vcpu);
	assert_true(vcpu->leave);
	return OK;
}

static void E4_destroyed_while_it_runs(void **state UNUSED)
{
	struct pc_vcpu_exit *exit;
	u16 vmid;

	boot();
	vmid = vm_find(vm)->view.vmid;
	exit = bench_exit();
	fake_vcpu_run_hook = destroyed;
	assert_int_equal(pc_vcpu_run(vm, 0, BENCH_EXIT).v1, PC_EXIT_DEAD);
	assert_int_equal(exit->arg[0], PC_DEAD_DESTROYED);
	assert_status(pc_vcpu_run(vm, 0, BENCH_EXIT), PC_BUSY);
	end();
	/* A8: forgotten by CPUs, once, before anything was taken. */
	assert_int_equal(fake_vm_calls.inval_vmid, 1);
	assert_int_equal(fake_vm_calls.inval_vmid_last, vmid);
}

static void I3_irq(void **state UNUSED)
{
	boot();
	assert_status(pc_vcpu_irq(vm, 0, 40, 2), PC_INVALID_PARAMETER);
	assert_status(pc_vcpu_irq(vm, 2, 40, 1), PC_NOT_FOUND);
	assert_status(pc_vcpu_irq(vm, 1ull << 32, 40, 1), PC_NOT_FOUND);
	assert_status(pc_vcpu_irq(1, 0, 40, 1), PC_INVALID_PARAMETER);
	assert_status(pc_vcpu_irq(vm + 1, 0, 40, 1), PC_NOT_FOUND);
	assert_int_equal(fake_vm_calls.irq, 0);
	assert_status(pc_vcpu_irq(vm, 1, 1ull << 40 | 40, 1), PC_SUCCESS);
	assert_int_equal(fake_vm_calls.irq_vcpu, 1);
	assert_int_equal(fake_vm_calls.irq_intid, 1ull << 40 | 40); /* not narrowed */
	assert_true(fake_vm_calls.irq_level);
	fake_vcpu_irq_status = E_DENIED;
	assert_status(pc_vcpu_irq(vm, 0, 40, 0), PC_DENIED);
	fake_vcpu_irq_status = E_INVAL;
	assert_status(pc_vcpu_irq(vm, 0, 0, 0), PC_INVALID_PARAMETER);
	fake_vcpu_irq_status = OK;
	end();
}

static void I6_features(void **state UNUSED)
{
	struct hcall_args args = { { PC_VENDOR_FEATURES } };

	boot();
	assert_true(hyp_hypercall(vm_vcpu(vm_find(vm), 0), &args));
	assert_int_equal(args.r[0], 0xffd);
	assert_int_equal(args.r[1], 7ull << 29);
	args.r[0] = PC_VENDOR_FEATURES;
	assert_true(hyp_hypercall(vm_vcpu(vm_primary, 0), &args));
	assert_int_equal(args.r[0], 0);
	end();
}

/* Whatever a VM prints is one line of the log: nothing ends it, and nothing acts on a terminal. */
static void I3_console_prints_one_line_of_text(void **state UNUSED)
{
	static const char text[] = "a\nb\rc\033[2Jd\177e\xff"
				   "f\tg~ ";
	const char *line;

	boot();
	memcpy(bench_ptr(bench_page(100)), text, sizeof(text) - 1);
	assert_status(bench_call_vm(vm, PC_CONSOLE, AT, sizeof(text) - 1, 0, 0, 0, 0), PC_SUCCESS);
	line = strstr(fake_console, ": a");
	assert_non_null(line);
	assert_memory_equal(line, ": a b c [2Jd e f g~ \n", 22);
	end();
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(I3_set_statuses),
		cmocka_unit_test(I3_run_statuses),
		cmocka_unit_test(I6_every_exit),
		cmocka_unit_test(I4_run_in_a_state_that_cannot_be_kept),
		cmocka_unit_test(I6_mmio_store_and_load),
		cmocka_unit_test(I7_guard),
		cmocka_unit_test(I3_K1_guard_statuses),
		cmocka_unit_test(I3_console_prints_one_line_of_text),
		cmocka_unit_test(D6_one_vcpu_on_two_cpus),
		cmocka_unit_test(I6_memory_exit),
		cmocka_unit_test(I4_exit_undelivered),
		cmocka_unit_test(I4_idleness_undelivered),
		cmocka_unit_test(I1_a_longer_exit_is_taken_where_its_rest_is_zero),
		cmocka_unit_test(E4_destroyed_while_it_runs),
		cmocka_unit_test(I3_irq),
		cmocka_unit_test(I6_features),
	};

	return SUITE("vcpu", cases);
}
