/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the linker puts in the place of each up-call: the implementation answers first, then its rule says what the answer
 * had to be, then the machine is compared. One call at a time is judged; a call that ran beside another is not, and what
 * both leave behind is taken for right.
 */
#include "spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/hcall.h"
#include "copied.h"
#include "entries.h"
#include "hyp/arch.h"
#include "hyp/platform.h"
#include "hyp/upcall.h"
#include "hyp/vm.h"
#include "rules.h"
#include "turn.h"

struct spec_counts spec_counts;

static bool started, foreign, failing;
static u32 effort = 1, since;
static void *arena;
static size_t arena_size;

/* --- failing */

static char text[32768];

/* The sentence, then both states. */
void spec_fail(const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (started && n > 0 && (size_t)n < sizeof(text)) {
		started = false;
		abstract_print(text + n, sizeof(text) - (size_t)n);
	}
	spec_failed(text);
}

/* --- beginning */

void spec_memory(void *base, size_t size)
{
	arena = base;
	arena_size = size;
}

static void *carve(size_t *used, size_t bytes)
{
	void *at = (char *)arena + *used;

	*used += (bytes + 15) & ~(size_t)15;
	if (*used > arena_size)
		spec_fail("the specification needs more than %lu bytes of memory", (unsigned long)arena_size);
	return at;
}

/* The state anew, of what may be another machine, in the same memory. */
static void begin(void)
{
	u64 pages = abstract_page_count();
	size_t used = 0;

	spec = carve(&used, sizeof(*spec));
	memset(spec, 0, sizeof(*spec));
	spec->page = carve(&used, pages * sizeof(*spec->page));
	spec->page_ipa = carve(&used, pages * sizeof(*spec->page_ipa));
	spec->block_pins = carve(&used, (pages / (SPEC_BLOCK / SPEC_PAGE) + 1) * sizeof(*spec->block_pins));
	spec_nodes((char *)arena + used, (u32)((arena_size - used) / SPEC_PAGE));
	abstract_take();
}

void spec_begin(void)
{
	begin();
	failing = false;
	started = true;
}

void spec_end(void) { started = false; }
void spec_effort(u32 n) { effort = n; }
void spec_foreign_changes(bool allowed) { foreign = allowed; }
void spec_hardware_fails(void) { failing = true; }

/* The machine is right as it is. */
static void adopt(void)
{
	if (!started)
		return;
	spec_counts.taken++;
	abstract_take();
}

/* --- looking */

static void look(struct spec_look *l, const struct spec_call *c)
{
	const char *why;

	if (++since >= effort)
		l->all = true;
	if (l->all) {
		since = 0;
		spec_counts.looks++;
	}
	why = abstract_differs(l);
	if (why == NULL)
		return;
	if (c != NULL)
		rule_refuse(c, "%s", why);
	spec_fail("between calls: %s", why);
}

static void look_before(void)
{
	const struct spec_look all = { .all = true };

	if (foreign && abstract_differs(&all) != NULL)
		adopt();
}

void spec_resync(void)
{
	struct spec_look all = { .all = true };

	if (!started)
		return;
	if (foreign || failing)
		adopt();
	else
		look(&all, NULL);
}

/* --- one up-call at a time */

static u32 inside;      /* CPUs in an up-call */
static bool overlapped; /* two at once, since the last moment that there was none */
static bool serial;     /* CPUs wait for each other instead */
static u32 turn;        /* whose: 1, somebody's */

void spec_serialise(bool on) { serial = on; }

/* True: this one is alone, and is judged. */
bool turn_enter(void)
{
	while (serial && __atomic_exchange_n(&turn, 1, __ATOMIC_ACQUIRE) != 0)
		;
	if (__atomic_fetch_add(&inside, 1, __ATOMIC_ACQUIRE) == 0)
		return true;
	__atomic_store_n(&overlapped, true, __ATOMIC_RELAXED);
	spec_counts.overlaps++;
	return false;
}

/* True: entered alone, at once; else somebody is in one, perhaps this very CPU. */
static bool turn_try(void)
{
	u32 none = 0;

	if (serial && __atomic_exchange_n(&turn, 1, __ATOMIC_ACQUIRE) != 0)
		return false;
	if (__atomic_compare_exchange_n(&inside, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return true;
	if (serial)
		__atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
	return false;
}

bool turn_is_ours(bool alone) { return alone && started && !__atomic_load_n(&overlapped, __ATOMIC_RELAXED); }

bool turn_judges(void) { return started; }

/* The last one out of an overlap takes the machine as it is. */
void turn_leave(void)
{
	bool was = __atomic_load_n(&overlapped, __ATOMIC_RELAXED);

	if (__atomic_fetch_sub(&inside, 1, __ATOMIC_RELEASE) == 1 && was) {
		overlapped = false;
		adopt();
	}
	if (serial)
		__atomic_store_n(&turn, 0, __ATOMIC_RELEASE);
}

/* --- calls */

/* A guest's call happens inside of the primary's VCPU_RUN. */
#define DEPTH 2
struct here {
	struct spec_call call[DEPTH];
	bool alone[DEPTH];
	u32 depth;
};
static struct here cpu[MACHINE_MAX_CPUS];

/* Calls that may be long: of hardware's events their exits take less. Of each vCPU, what its last one was. */
static bool was_long[SPEC_VMS][SPEC_VCPUS];

static bool call_is_long(const u64 *r)
{
	static const u32 functions[] = { PC_MMIO_RGUARD_MAP, PC_MMIO_RGUARD_UNMAP, PC_VM_CREATE, PC_VM_DESTROY, PC_VM_DONATE,
					 PC_VM_ADD_POOL, PC_DEV_ASSIGN, PC_DEV_RELEASE, PC_DEV_MAP_MMIO, PC_DEV_RESET };
	static const u8 operations[] = { PVIOMMU_ATTACH_DEV, PVIOMMU_DETACH_DEV, PVIOMMU_ATTACH_LIST, PVIOMMU_DETACH_LIST,
					 PVIOMMU_FREE_DOMAIN, PVIOMMU_MAP_PAGES, PVIOMMU_UNMAP_PAGES, PVIOMMU_MAP_LIST,
					 PVIOMMU_UNMAP_LIST, PVIOMMU_INVALIDATE };
	u32 id = (u32)r[0] & ~PC_SVE_HINT;

	for (u32 i = 0; i < sizeof(operations) && id == PC_PVIOMMU_OP; i++)
		if (r[1] == operations[i])
			return true;
	for (u32 i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (id == functions[i])
			return true;
	return false;
}

static bool call_attaches(const struct spec_call *c)
{
	if ((u32)c->r[0] != PC_PVIOMMU_OP && (u32)c->r[0] != (PC_PVIOMMU_OP | PC_SVE_HINT))
		return false;
	return c->r[1] == PVIOMMU_ATTACH_DEV || c->r[1] == PVIOMMU_DETACH_DEV || c->r[1] == PVIOMMU_ATTACH_LIST ||
	       c->r[1] == PVIOMMU_DETACH_LIST;
}

static void judge(struct spec_call *c)
{
	const char *why;

	rule_judge(c);
	/* What an attachment's old faults are is told before it changes. */
	why = call_attaches(c) ? abstract_take_faults(true) : NULL;
	if (why != NULL)
		rule_refuse(c, "%s", why);
	if (!c->take) {
		look(&c->look, c);
		return;
	}
	why = c->mine != NULL ? abstract_foreign(c) : NULL;
	if (why != NULL)
		rule_refuse(c, "%s", why);
	adopt();
}

/* Hardware that fails leaves what no rule foresees. */
static bool answer_is_open(const struct spec_call *c)
{
	return failing && ((s64)c->got[0] == PC_IO || (s64)c->got[3] == PC_IO || abstract_hardware_failed());
}

static void call_begins(struct spec_call *c, const struct vcpu *vcpu, const struct hcall_args *args)
{
	look_before();
	memset(c, 0, sizeof(*c));
	c->vm = &spec->vm[abstract_vm_number(vcpu->vm)];
	c->vcpu = vcpu->index;
	memcpy(c->r, args->r, sizeof(c->r));
	c->fails_at = abstract_allocation_fails();
	copied_forget();
	rule_fetch(c);
}

static void call_ends(struct spec_call *c, bool finished, const struct hcall_args *args)
{
	/* Others came by while a guest ran. */
	if (!c->ran && copied_any())
		rule_fetch(c);
	copied_forget();
	c->finished = finished;
	memcpy(c->got, args->r, sizeof(c->got));
	if (answer_is_open(c))
		adopt();
	else
		judge(c);
}

static bool call(struct vcpu *vcpu, struct hcall_args *args, bool (*real)(struct vcpu *, struct hcall_args *))
{
	struct here *h = &cpu[arch_cpu_index()];
	struct spec_call *c = &h->call[h->depth];
	bool *alone = &h->alone[h->depth], finished;

	if (!started || h->depth == DEPTH)
		return real(vcpu, args);
	was_long[abstract_vm_number(vcpu->vm)][vcpu->index] = call_is_long(args->r);
	*alone = turn_enter();
	if (*alone)
		call_begins(c, vcpu, args);
	h->depth++;
	finished = real(vcpu, args);
	h->depth--;
	if (turn_is_ours(*alone))
		call_ends(c, finished, args);
	turn_leave();
	return finished;
}

bool __real_hyp_hypercall(struct vcpu *vcpu, struct hcall_args *args);
bool __wrap_hyp_hypercall(struct vcpu *vcpu, struct hcall_args *args);
bool __wrap_hyp_hypercall(struct vcpu *vcpu, struct hcall_args *args) { return call(vcpu, args, __real_hyp_hypercall); }

bool __real_hyp_vcpu_hypercall(struct vcpu *vcpu, struct hcall_args *args);
bool __wrap_hyp_vcpu_hypercall(struct vcpu *vcpu, struct hcall_args *args);
bool __wrap_hyp_vcpu_hypercall(struct vcpu *vcpu, struct hcall_args *args)
{
	return call(vcpu, args, __real_hyp_vcpu_hypercall);
}

/* The guest runs: nobody is in a call meanwhile but itself. */
void __real_arch_vcpu_run(struct vcpu *vcpu);
void __wrap_arch_vcpu_run(struct vcpu *vcpu);
void __wrap_arch_vcpu_run(struct vcpu *vcpu)
{
	struct here *h = &cpu[arch_cpu_index()];
	bool *alone = &h->alone[0];
	struct spec_call *c = &h->call[0];

	if (!started || h->depth != 1) {
		__real_arch_vcpu_run(vcpu);
		return;
	}
	if (turn_is_ours(*alone)) {
		entry_judged(ENTRY_RUN);
		rule_run_begins(c);
		look(&c->look, c);
	}
	turn_leave();
	__real_arch_vcpu_run(vcpu);
	*alone = turn_enter() && c->ran;
	/* What stands in for a guest in a test may have changed the machine itself. */
	if (*alone)
		look_before();
}

/* --- traps */

typedef bool access_fn(struct vcpu *vcpu, struct mem_access *access);
access_fn __real_hyp_mem_access, __wrap_hyp_mem_access, __real_hyp_vcpu_mem_access, __wrap_hyp_vcpu_mem_access;

static bool trap(struct vcpu *vcpu, struct mem_access *access, access_fn *real)
{
	const struct mem_access was = *access;
	bool alone, done, left = vcpu->leave;

	if (!started)
		return real(vcpu, access);
	alone = turn_enter();
	if (alone)
		look_before();
	done = real(vcpu, access);
	if (turn_is_ours(alone)) {
		struct spec_look l = { 0 };

		entry_judged(real == __real_hyp_mem_access ? ENTRY_ACCESS : ENTRY_VM_ACCESS);
		rule_access(&spec->vm[abstract_vm_number(vcpu->vm)], vcpu->index, &was, access, done, vcpu->leave != left);
		look(&l, NULL);
	}
	turn_leave();
	return done;
}

bool __wrap_hyp_mem_access(struct vcpu *vcpu, struct mem_access *access) { return trap(vcpu, access, __real_hyp_mem_access); }
bool __wrap_hyp_vcpu_mem_access(struct vcpu *vcpu, struct mem_access *access)
{
	return trap(vcpu, access, __real_hyp_vcpu_mem_access);
}

/* --- events */

/* What an interrupt or an exit takes from hardware's queues is counted where it belongs; nothing else changes. */
static bool muted_before;

static void event_ends(bool alone, enum spec_entry entry)
{
	struct spec_look l = { 0 };

	if (turn_is_ours(alone)) {
		const char *why = failing ? NULL : abstract_take_faults(muted_before || abstract_streams_muted());

		entry_judged(entry);
		if (why != NULL)
			spec_fail("after an event: %s", why);
		if (failing)
			adopt();
		else
			look(&l, NULL);
	}
	turn_leave();
}

/* Nothing was there to do; what came in that moment may have been done. */
static void nothing_ends(bool alone)
{
	const char *why = turn_is_ours(alone) && !failing ? abstract_take_faults(false) : NULL;

	if (why != NULL)
		spec_fail("after an exit: %s", why);
	turn_leave();
}

/* Of each IOMMU so many events: what an exit takes, less after a call that may be long (V9), is for all of them. */
static u32 exit_takes(const struct vcpu *vcpu)
{
	bool is_long = was_long[abstract_vm_number(vcpu->vm)][vcpu->index] && abstract_call_is_fresh(vcpu);

	u32 share = (is_long ? 4 : 64) / spec->iommus;

	return share > 0 ? share : 1;
}

/* ~0: what waits anywhere is taken, else of the IOMMUs whose interrupt it is; of each `most` events. */
static bool event_begins(u32 intid, u32 most)
{
	bool alone = turn_enter();

	if (!alone)
		return false;
	look_before();
	muted_before = abstract_streams_muted();
	for (u32 i = 0; i < spec->iommus; i++)
		if (intid == ~0u || abstract_irq_is_of(intid, i))
			hw_events_count(i, intid != ~0u, most);
	return true;
}

void __real_hyp_irq(u32 intid);
void __wrap_hyp_irq(u32 intid);
void __wrap_hyp_irq(u32 intid)
{
	bool alone;

	if (!started) {
		__real_hyp_irq(intid);
		return;
	}
	alone = event_begins(intid, 64 / spec->iommus);
	__real_hyp_irq(intid);
	event_ends(alone, ENTRY_IRQ);
}

void __real_hyp_exit_work(struct vcpu *vcpu);
void __wrap_hyp_exit_work(struct vcpu *vcpu);
void __wrap_hyp_exit_work(struct vcpu *vcpu)
{
	bool alone, pending;

	/* Most have nothing to do, and are not worth a look at the machine. */
	if (!started || (!serial && !abstract_events_pending())) {
		__real_hyp_exit_work(vcpu);
		return;
	}
	alone = event_begins(~0u, exit_takes(vcpu));
	pending = abstract_events_pending();
	__real_hyp_exit_work(vcpu);
	if (pending)
		event_ends(alone, ENTRY_EXIT_WORK);
	else
		nothing_ends(alone);
}

/* Before each return to a secondary: it leaves if, and only if, its VM is being destroyed. */
void __real_hyp_vcpu_check(struct vcpu *vcpu);
void __wrap_hyp_vcpu_check(struct vcpu *vcpu);
void __wrap_hyp_vcpu_check(struct vcpu *vcpu)
{
	bool alone, left = vcpu->leave;

	if (!started) {
		__real_hyp_vcpu_check(vcpu);
		return;
	}
	alone = turn_enter();
	__real_hyp_vcpu_check(vcpu);
	if (turn_is_ours(alone)) {
		bool ends = spec->vm[abstract_vm_number(vcpu->vm)].w.life == VM_ENDS;

		entry_judged(ENTRY_VM_CHECK);
		if ((ends && !vcpu->leave) || (!ends && vcpu->leave != left))
			spec_fail("a vCPU of VM number %llu %s, and its VM is %sbeing destroyed",
				  (unsigned long long)abstract_vm_number(vcpu->vm), vcpu->leave ? "has to leave" : "goes on",
				  ends ? "" : "not ");
	}
	turn_leave();
}

/* A device whose line is never quiet is stopped for good: a quarantine, which leaves nobody else's state changed. */
void __real_hyp_irq_storm(u32 physical, struct vm *vm);
void __wrap_hyp_irq_storm(u32 physical, struct vm *vm);
void __wrap_hyp_irq_storm(u32 physical, struct vm *vm)
{
	bool alone;

	if (!started) {
		__real_hyp_irq_storm(physical, vm);
		return;
	}
	alone = turn_enter();
	if (alone)
		look_before();
	__real_hyp_irq_storm(physical, vm);
	if (turn_is_ours(alone)) {
		const char *why = rule_storm(physical, (u32)abstract_vm_number(vm));

		entry_judged(ENTRY_STORM);
		if (why != NULL)
			spec_fail("after a storm of line %u: %s", physical, why);
		adopt();
	}
	turn_leave();
}

/* --- an interrupt for the primary */

/* What a CPU has raised since it was asked last. */
struct raised {
	u32 count, intid;
};
static struct raised raised[MACHINE_MAX_CPUS];

void __real_arch_raise_event_irq(u32 intid);
void __wrap_arch_raise_event_irq(u32 intid);
void __wrap_arch_raise_event_irq(u32 intid)
{
	struct raised *r = &raised[arch_cpu_index()];

	r->count++;
	r->intid = intid;
	__real_arch_raise_event_irq(intid);
}

/*
 * Part of calls, events and exits, or behind an interrupt of a guest's own line: then others may wait for this CPU, so it
 * waits for nobody. What is raised is judged always. That nothing else changes is seen here where nobody is in a call,
 * and at the end of the call elsewhere, since no rule foresees a change by it.
 */
void __real_hyp_vcpu_wake(struct vcpu *vcpu);
void __wrap_hyp_vcpu_wake(struct vcpu *vcpu);
void __wrap_hyp_vcpu_wake(struct vcpu *vcpu)
{
	struct raised *r = &raised[arch_cpu_index()];
	struct spec_look l = { 0 };
	bool alone;

	if (!started) {
		__real_hyp_vcpu_wake(vcpu);
		return;
	}
	alone = turn_try();
	if (alone)
		look_before();
	*r = (struct raised){ 0 };
	__real_hyp_vcpu_wake(vcpu);
	rule_wake(r->count, r->intid);
	entry_judged(ENTRY_WAKE);
	if (!alone)
		return;
	if (turn_is_ours(alone))
		look(&l, NULL);
	turn_leave();
}
