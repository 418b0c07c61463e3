/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the executable specification says when something is wrong: one thing is changed in the machine, before an up-call
 * or in the middle of it, and the sentence has to name it. And what it does not judge: after its end, while calls overlap.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "entries.h"
#include "hyp/io.h"
#include "hyp/pool.h"
#include "iommu/domain.h"
#include "mem/pool_priv.h"
#include "smmuv3/smmuv3.h"

#include "bench_vm.h"
#include "spec.h"
#include "suite.h"
#include "turn.h"

#define AT 0x80000000ull

static u32 vm, other, d;

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	bench_assign(2, 0, 5);
	d = bench_domain();
	bench_map(d, 0, bench_page(0), 4 * PAGE_SIZE);
	bench_attach(5, d);
	vm = bench_vm(100);
	other = bench_vm(300);
	bench_donate(vm, AT, bench_page(200), 4, 0);
	bench_donate(other, AT, bench_page(400), 4, 0);
	bench_vm_assign(3, vm, 0, 7);
	assert_status(pc_dev_map_mmio(3, 0, AT + BLOCK_SIZE), PC_SUCCESS);
	assert_status(pc_dev_map_irq(3, 0, 40), PC_SUCCESS);
	for (u32 i = 0; i < 3; i++)
		bench_faults(2, 0, 1ull << 36, SMMU_F_TRANSLATION);
	hyp_exit_work(vm_vcpu(vm_primary, 0));
}

static void boot(void) { boot_with(bench_defaults()); }

/* --- in a process of its own, where the specification has to end it; the oracle does not look */

static void (*inside)(void);

static void at_lock(struct spinlock *lock UNUSED, enum fake_lock_point what)
{
	void (*wrong)(void) = inside;

	if (what != FAKE_LOCK_BEFORE || wrong == NULL)
		return;
	inside = NULL;
	wrong();
}

static void child(void (*before)(void), void (*in_it)(void), void (*up_call)(void), int told)
{
	dup2(told, STDERR_FILENO);
	spec_foreign_changes(false);
	if (before != NULL)
		before();
	inside = in_it;
	fake_lock_hook = at_lock;
	up_call();
	exit(0);
}

/* It has to end with these words; NULL: it must not end. */
static void told(const char *name, void (*before)(void), void (*in_it)(void), void (*up_call)(void), const char *words)
{
	static char text[1u << 16];
	int out = memfd_create("told", 0), status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(before, in_it, up_call, out);
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	memset(text, 0, sizeof(text));
	assert_true(pread(out, text, sizeof(text) - 1, 0) >= 0);
	close(out);
	if (words == NULL && status != 0)
		suite_fail("%s: nothing is wrong, and it ends: %.400s", name, text);
	if (words != NULL && (status == 0 || strstr(text, words) == NULL))
		suite_fail("%s: status %#x, and not '%s': %.400s", name, status, words, text);
}

/* --- up-calls */

static void count(void)
{
	struct hcall_args args = { { PC_DEV_COUNT } };

	hyp_hypercall(vm_vcpu(vm_primary, 0), &args);
}

static void destroy_step(void)
{
	struct hcall_args args = { { PC_VM_DESTROY, vm } };

	hyp_hypercall(vm_vcpu(vm_primary, 0), &args);
}

static void destroy(void)
{
	for (u32 i = 0; i < 100; i++)
		destroy_step();
}

static void detach_call(void)
{
	struct hcall_args args = { { PC_PVIOMMU_OP, PVIOMMU_DETACH_DEV, 0, 5, 0, d, 0 } };

	hyp_hypercall(vm_vcpu(vm_primary, 0), &args);
}

static void map_more(void)
{
	struct hcall_args args = { { PC_PVIOMMU_OP, PVIOMMU_MAP_PAGES, d, 8 * PAGE_SIZE, bench_page(8), PAGE_SIZE, BENCH_RW } };

	hyp_hypercall(vm_vcpu(vm_primary, 0), &args);
}

static void run(void)
{
	struct hcall_args args = { { PC_VCPU_RUN, vm, 0, BENCH_EXIT } };

	bench_exit();
	hyp_hypercall(vm_vcpu(vm_primary, 0), &args);
}

static void a_fault(void)
{
	bench_faults(2, 0, 1ull << 36, SMMU_F_TRANSLATION);
	hyp_irq(machine->iommu[0].event_irq);
}

static void storm(void) { hyp_irq_storm(device_table[3].irq[0], vm_find(vm)); }
static void check(void) { hyp_vcpu_check(vm_vcpu(vm_find(vm), 0)); }

static void access_of_a_vm(void)
{
	struct mem_access access = { .ipa = ipa(0x5000), .width = 4, .valid = true };

	hyp_vcpu_mem_access(vm_vcpu(vm_find(vm), 0), &access);
}

static void access_of_the_primary(void)
{
	struct mem_access access = { .ipa = ipa(1ull << 38), .width = 4, .valid = true };

	hyp_mem_access(vm_vcpu(vm_primary, 0), &access);
}

/* --- things that are wrong */

static struct domain *first_domain(void) { return &vm_primary->domain_page[0][0]; }
static u64 *table_of(u32 level)
{
	u64 *table = io_phys(first_domain()->pt.root);

	for (u32 i = 0; i < level; i++)
		table = io_phys(pa(table[0] & 0x0000fffffffff000));
	return table;
}
static u64 *entry_of(u32 device)
{
	const struct smmuv3_strtab *t = &smmuv3_of(&iommu_instance[0])->strtab;
	u32 sid = bench_sid(device, 0);

	return (u64 *)io_phys(pa(t->base[sid >> 8] & 0x00ffffffffffffc0)) + 8ull * (sid & 255);
}
static void page_is(u64 n, u8 owner) { page_of(pa(bench_page(n)))->owner = owner; }
static u8 owner(u32 handle) { return vm_find(handle)->owner; }

static void mmio_place(void) { device_table[3].mmio_ipa[0] += PAGE_SIZE; }
static void line(void) { device_table[3].irq_given[0] = 41; }
static void domain_gone(void) { first_domain()->state = DOMAIN_FREE; }
static void domain_on(void) { first_domain()->attached_on[1]++; }
static void table_bits(void) { table_of(2)[0] |= 1ull << 59; }
static void table_foreign(void) { table_of(2)[0] = bench_page(9) | 3; }
static void table_more(void) { table_of(2)[300] = table_of(2)[0]; }
static void hyp_pool(void)
{
	pa_t page;

	(void)!pool_alloc(vm_primary->cpu_pt.pool, 0, &page);
}
static void leaf_malformed(void) { table_of(3)[0] &= ~(1ull << 10); }
static void leaf_read_only(void) { table_of(3)[0] ^= 1ull << 7; }
static void leaf_of_a_vm(void)
{
	const struct pt *view = &vm_find(vm)->cpu_pt;
	struct pt_run run;
	u64 *table = io_phys(view->root);

	/* Its one table of the last level: of four donated pages at the start of a block. */
	assert_true(view->ops->lookup(view, AT, AT, &run));
	table = io_phys(pa(table[AT >> 30] & 0x0000fffffffff000));
	table = io_phys(pa(table[AT >> 21 & 511] & 0x0000fffffffff000));
	table[1] ^= 1ull << 7;
}
static void leaf_more(void) { table_of(3)[8] = table_of(3)[0]; }
static void leaf_beside(void) { table_of(3)[9] = table_of(3)[0]; }
static void leaf_far(void) { table_of(3)[300] = table_of(3)[0]; }
static void pin_beside(void) { page_of(pa(bench_page(8)))->pins++; }
static void of_neither(void) { page_is(400, OWNER_VM); }
static void to_the_dying(void) { page_is(9, owner(vm)); }
static void lost(void) { page_is(200, OWNER_HYP); }
static void not_scrubbed(void)
{
	page_is(200, OWNER_VM);
	*(u64 *)bench_ptr(bench_page(200)) = 1;
}
static void name_of_another(void) { device_table[2].endpoint[0].vsid.v++; }
static void faults_back(void) { vm_primary->pviommu[0].faults = 0; }
static void line_lost(void) { device_table[3].irq_given[0] = 0; }
static void stopped_too(void) { device_table[2].state = DEVICE_QUARANTINED; }
static void dying(void) { vm_find(vm)->state = VM_DYING; }
static void open_mmio(void) { vm_find(vm)->open_mmio = true; }
static void entry_away(void) { entry_of(2)[0] = 0; }
static void entry_bypass(void) { entry_of(2)[0] = 4 << 1 | 1; }

static enum status strange_exit(struct vcpu *vcpu)
{
	vcpu->exit = (struct pc_vcpu_exit){ .size = sizeof(vcpu->exit), .reason = 99 };
	vcpu->leave = true;
	return OK;
}
static void strange_reason(void) { fake_vcpu_run_hook = strange_exit; }

static enum status device_exit(struct vcpu *vcpu)
{
	vcpu->exit = (struct pc_vcpu_exit){ .size = sizeof(vcpu->exit), .reason = PC_EXIT_DEVICE };
	vcpu->leave = true;
	return OK;
}
static void device_is_asked(void) { fake_vcpu_run_hook = device_exit; }

struct wrong {
	const char *name;
	void (*before)(void), (*inside)(void), (*up_call)(void);
	const char *words;
};
#define BEFORE(f, call, words) { #f, f, NULL, call, words }
#define INSIDE(f, call, words) { #f, NULL, f, call, words }

static void all_told(const struct wrong *all, u32 n)
{
	for (u32 i = 0; i < n; i++)
		told(all[i].name, all[i].before, all[i].inside, all[i].up_call, all[i].words);
}

/* --- cases */

static void V10_what_is_wrong_is_named(void **state UNUSED)
{
	static const struct wrong all[] = {
		{ "nothing", NULL, NULL, count, NULL },
		BEFORE(mmio_place, count, "device 3: range 0 is at"),
		BEFORE(line, count, "device 3: line 0 is interrupt 41"),
		BEFORE(domain_gone, count, "is gone"),
		BEFORE(domain_on, count, "1 attachments by IOMMU 1"),
		BEFORE(table_bits, count, "malformed, or not the hypervisor's"),
		BEFORE(table_foreign, count, "malformed, or not the hypervisor's"),
		BEFORE(table_more, count, "that the specification has not"),
		BEFORE(leaf_malformed, count, "and it is malformed"),
		BEFORE(leaf_of_a_vm, count, "the CPU view of VM number 1"),
		BEFORE(hyp_pool, count, "the hypervisor's pool has"),
		BEFORE(entry_away, count, "stream"),
		BEFORE(entry_bypass, count, "stream"),
	};

	boot();
	all_told(all, ARRAY_SIZE(all));
}

/* Of calls that do as much as they like in one direction: not in another. */
static void V10_what_a_removal_must_not_touch(void **state UNUSED)
{
	static const struct wrong all[] = {
		{ "nothing", NULL, NULL, destroy, NULL },
		BEFORE(of_neither, destroy, "the call is about neither"),
		BEFORE(to_the_dying, destroy, "the call moves no page there"),
		BEFORE(lost, destroy, "is lost, and no hardware has failed"),
		BEFORE(not_scrubbed, destroy_step, "was not scrubbed"),
		BEFORE(name_of_another, destroy, "vsid is 6"),
		BEFORE(mmio_place, destroy_step, NULL), /* its own device is on its way */
	};

	boot();
	all_told(all, ARRAY_SIZE(all));
}

static void H1_F7_what_events_must_not_do(void **state UNUSED)
{
	static const struct wrong all[] = {
		{ "nothing", NULL, NULL, a_fault, NULL },
		INSIDE(faults_back, a_fault, "faults is 1 (0x1), the specification says 4"),
		INSIDE(faults_back, detach_call, "pvIOMMU 0 of VM number 0"),
		{ "no storm", NULL, NULL, storm, NULL },
		BEFORE(line_lost, storm, "a device that was given the line goes on"),
		INSIDE(stopped_too, storm, "a device that was not given the line is not what it was"),
		BEFORE(dying, check, "a vCPU of VM number 1 has to leave"),
		{ "no dying", NULL, NULL, check, NULL },
		BEFORE(open_mmio, access_of_a_vm, "a read of 4 bytes at 0x5000 by VM"),
		{ "no MMIO", NULL, NULL, access_of_a_vm, NULL },
		BEFORE(strange_reason, run, "reason 99 is not the guest's doing now"),
		{ "no reason", NULL, NULL, run, NULL },
		BEFORE(device_is_asked, run, NULL),
	};

	boot();
	all_told(all, ARRAY_SIZE(all));
}

/* With little effort only what a call is about is looked at: what is wrong there is seen at once, and the rest later. */
static void rarely(void) { spec_effort(1000); }
static void leaf_rarely(void) { rarely(), leaf_beside(); }
static void pin_rarely(void) { rarely(), pin_beside(); }
static void far_rarely(void) { rarely(), leaf_far(); }
static void first_rarely(void) { rarely(), leaf_read_only(); }
static void map_the_first(void)
{
	struct hcall_args args = { { PC_PVIOMMU_OP, PVIOMMU_MAP_PAGES, d, 0, bench_page(8), PAGE_SIZE, BENCH_RW } };

	hyp_hypercall(vm_vcpu(vm_primary, 0), &args);
}
static void map_again_with_all(void)
{
	map_more();
	spec_effort(1);
	count();
}

static void V10_little_effort_sees_what_the_call_is_about(void **state UNUSED)
{
	static const struct wrong all[] = {
		BEFORE(rarely, map_more, NULL),
		INSIDE(leaf_more, map_more, ""),
		BEFORE(pin_rarely, map_more, "page"),
		BEFORE(leaf_rarely, map_more, NULL),
		BEFORE(first_rarely, map_more, NULL),
		BEFORE(first_rarely, map_the_first, "domain"),
		BEFORE(far_rarely, map_more, NULL),
		BEFORE(far_rarely, map_again_with_all, "domain"),
	};

	boot();
	/* As many as are looked at a few at a time. */
	for (u32 i = 0; i < 40; i++)
		bench_domain();
	all_told(all, ARRAY_SIZE(all));
}

/* --- streams of stage 1 and PASIDs, and of nested domains */

static u64 *context_of(u32 device, u32 pasid)
{
	u64 *table = io_phys(pa(entry_of(device)[0] & 0x00ffffffffffffc0ull));

	if ((entry_of(device)[0] >> 4 & 3) != 0)
		table = (u64 *)io_phys(pa(table[pasid >> 10] & 0x00fffffffffff000ull)) - 8ull * (pasid & ~1023u);
	return table + 8ull * pasid;
}
static void pasid_cookie(void) { device_table[1].endpoint[0].substream[3].cookie++; }
static void pasid_bits(void) { entry_of(1)[0] ^= 1ull << 59; }
static void pasid_more(void) { memcpy(context_of(1, 5), context_of(1, 3), 64); }
static void pasid_away(void) { context_of(1, 3)[0] = 0; }
static void context_size(void) { context_of(1, 0)[0] ^= 1; }
static void context_root(void) { context_of(1, 0)[1] += PAGE_SIZE; }

static void V4_contexts_that_are_wrong_are_named(void **state UNUSED)
{
	static const struct wrong all[] = {
		{ "nothing", NULL, NULL, count, NULL },
		BEFORE(pasid_cookie, count, "PASID 3 is not attached as the specification says"),
		BEFORE(pasid_bits, count, "stream"),
		BEFORE(pasid_more, count, "stream"),
		BEFORE(pasid_away, count, "stream"),
		BEFORE(context_size, count, "stream"),
		BEFORE(context_root, count, "stream"),
	};
	u32 second;

	boot_with(bench_pasids());
	bench_assign(1, 0, 9);
	assert_status(pv_attach(0, 9, 0, d, 8), PC_SUCCESS);
	second = bench_domain();
	assert_status(pv_attach(0, 9, 3, second, 8), PC_SUCCESS);
	all_told(all, ARRAY_SIZE(all));
}

static void nested_behind(void) { entry_of(1)[3] += PAGE_SIZE; }
static void nested_closed(void) { entry_of(1)[0] = 1; }
static void nested_invalid(void) { entry_of(1)[0] = 0; }
static void nested_context(void) { entry_of(1)[0] += 64; }

static void V4_nested_streams_that_are_wrong_are_named(void **state UNUSED)
{
	static const struct wrong all[] = {
		{ "nothing", NULL, NULL, count, NULL },
		BEFORE(nested_behind, count, "stream"),
		BEFORE(nested_closed, count, "stream"),
		BEFORE(nested_invalid, count, "stream"),
		BEFORE(nested_context, count, "stream"),
	};
	struct result r;
	u64 *words;

	boot();
	words = bench_ptr(bench_page(1000));
	*(struct pviommu_alloc_nested *)words = (struct pviommu_alloc_nested){ .size = 32,
									       .data_type = PVIOMMU_NESTED_SMMUV3,
									       .data_len = 16,
									       .data_ipa = bench_page(1000) + 64 };
	words[8] = 5 << 1 | 1 | bench_page(1001);
	r = pv_list(PVIOMMU_ALLOC_NESTED, bench_page(1000));
	assert_status(r, PC_SUCCESS);
	bench_assign(1, 0, 9);
	bench_attach(9, (u32)r.v1);
	all_told(all, ARRAY_SIZE(all));
}

/* --- what it does not judge */

static void everything(void)
{
	count();
	a_fault();
	check();
	access_of_a_vm();
	access_of_the_primary();
	run();
	storm();
}

static void after_its_end_nothing_is_judged(void **state UNUSED)
{
	u64 before;

	boot();
	spec_end();
	assert_false(turn_judges());
	mmio_place();
	before = spec_counts.calls;
	everything();
	assert_int_equal(spec_counts.calls, before);
}

/* A CPU that waits for its turn looks at exits that have nothing to do, too. */
static void serialised_exits_are_judged(void **state UNUSED)
{
	u64 before;

	boot();
	spec_serialise(true);
	before = spec_counts.calls;
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_int_equal(spec_counts.calls, before);
	bench_faults(2, 0, 1ull << 36, SMMU_F_TRANSLATION);
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_true(spec_counts.calls > before);
	spec_serialise(false);
}

/* The other CPU's interrupt comes in the middle of a call: neither is judged, and what both leave is taken. */
static void interrupt_meanwhile(void)
{
	fake_lock_hook = NULL;
	fake_cpu_set(1);
	hyp_irq(machine->iommu[0].event_irq);
	fake_cpu_set(0);
}

static void those_that_overlap_are_taken(void **state UNUSED)
{
	u64 calls, taken;

	boot();
	bench_faults(2, 0, 1ull << 36, SMMU_F_TRANSLATION);
	calls = spec_counts.calls;
	taken = spec_counts.taken;
	inside = interrupt_meanwhile;
	fake_lock_hook = at_lock;
	map_more();
	assert_null(inside);
	assert_int_equal(spec_counts.calls, calls);
	assert_int_equal(spec_counts.overlaps, 1);
	assert_true(spec_counts.taken > taken);
	count();
	assert_int_equal(spec_counts.calls, calls + 1);
}

/* The table that QEMU's image prints: a line for each way in, each once, with how often it was judged. */
static void the_table_of_entries_is_whole(void **state UNUSED)
{
	const char *name, *seen[256];
	u64 judged, sum = 0;
	u32 n = 0;

	assert_null(entries_missing());
	boot();
	for (; entries_line(n, &name, &judged); n++) {
		assert_true(n < ARRAY_SIZE(seen));
		for (u32 i = 0; i < n; i++)
			assert_string_not_equal(seen[i], name);
		seen[n] = name;
		sum += judged;
	}
	assert_true(n > 60);
	assert_int_equal(sum, spec_counts.calls);
}

/* A structure or an entry that ends behind the last page of memory. */
static void N3_what_ends_behind_memory_is_refused(void **state UNUSED)
{
	struct pviommu_map_list *list;
	u64 last;

	boot();
	last = machine->ram[0].base + machine->ram[0].size;
	*(u32 *)bench_ptr(last - 8) = sizeof(*list);
	assert_status(pv_list(PVIOMMU_MAP_LIST, last - 8), PC_FAULT);
	list = bench_ptr(bench_page(1000));
	*list = (struct pviommu_map_list){ .size = sizeof(*list),
					   .domain = d,
					   .entry_len = 64,
					   .entry_num = 1,
					   .entries_ipa = last - sizeof(struct pviommu_map_entry) };
	assert_status(pv_list(PVIOMMU_MAP_LIST, bench_page(1000)), PC_FAULT);
	*(struct pviommu_invalidate *)list = (struct pviommu_invalidate){ .size = 56,
									  .data_type = PVIOMMU_INVAL_SMMUV3,
									  .entry_len = 64,
									  .entry_num = 1,
									  .entries_ipa = last - 16 };
	assert_status(pv_list(PVIOMMU_INVALIDATE, bench_page(1000)), PC_FAULT);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V10_what_is_wrong_is_named),
		cmocka_unit_test(V10_what_a_removal_must_not_touch),
		cmocka_unit_test(H1_F7_what_events_must_not_do),
		cmocka_unit_test(V10_little_effort_sees_what_the_call_is_about),
		cmocka_unit_test(V4_contexts_that_are_wrong_are_named),
		cmocka_unit_test(V4_nested_streams_that_are_wrong_are_named),
		cmocka_unit_test(after_its_end_nothing_is_judged),
		cmocka_unit_test(serialised_exits_are_judged),
		cmocka_unit_test(those_that_overlap_are_taken),
		cmocka_unit_test(the_table_of_entries_is_whole),
		cmocka_unit_test(N3_what_ends_behind_memory_is_refused),
	};

	return SUITE("spec_notices", cases);
}
