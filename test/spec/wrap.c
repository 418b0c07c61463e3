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

#include "hyp/upcall.h"
#include "hyp/vm.h"
#include "rules.h"

struct spec_counts spec_counts;

static bool started, foreign, failing;
static u32 effort = 1, since;
static void *arena;
static size_t arena_size;

/* --- failing */

static char text[4096];

void spec_fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	started = false;
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

/* The state anew, in the same memory. */
static void take(void)
{
	u64 pages = abstract_page_count();
	size_t used = 0;

	spec = carve(&used, sizeof(*spec));
	spec->page = carve(&used, pages * sizeof(*spec->page));
	spec->page_ipa = carve(&used, pages * sizeof(*spec->page_ipa));
	spec->block_pins = carve(&used, (pages / (SPEC_BLOCK / SPEC_PAGE) + 1) * sizeof(*spec->block_pins));
	spec_nodes((char *)arena + used, (u32)((arena_size - used) / SPEC_PAGE));
	abstract_take();
}

void spec_begin(void)
{
	take();
	failing = false;
	started = true;
}

void spec_end(void) { started = false; }
void spec_effort(u32 n) { effort = n; }
void spec_foreign_changes(bool allowed) { foreign = allowed; }
void spec_hardware_fails(void) { failing = true; }

void spec_resync(void)
{
	if (!started)
		return;
	spec_counts.taken++;
	take();
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

	if (!foreign || abstract_differs(&all) == NULL)
		return;
	spec_resync();
}

/* --- calls */

static u32 inside;    /* CPUs in an up-call */
static bool overlapped; /* and since the last moment that there was none, two at once */

/* True: this one is alone, and is judged. */
static bool enter(void)
{
	if (__atomic_fetch_add(&inside, 1, __ATOMIC_ACQUIRE) == 0)
		return true;
	__atomic_store_n(&overlapped, true, __ATOMIC_RELAXED);
	spec_counts.overlaps++;
	return false;
}

/* The last one out of an overlap takes the machine as it is. */
static void leave(void)
{
	bool was = __atomic_load_n(&overlapped, __ATOMIC_RELAXED);

	if (__atomic_fetch_sub(&inside, 1, __ATOMIC_RELEASE) == 1 && was) {
		overlapped = false;
		spec_resync();
	}
}

static void judge(struct spec_call *c)
{
	spec_counts.calls++;
	rule_judge(c);
	if (c->take)
		spec_resync();
	else
		look(&c->look, c);
}

/* Hardware that fails leaves what no rule foresees. */
static bool answer_is_open(const struct spec_call *c)
{
	return failing && ((s64)c->got[0] == PC_IO || (s64)c->got[3] == PC_IO || abstract_hardware_failed());
}

static bool call(struct vcpu *vcpu, struct hcall_args *args, bool (*real)(struct vcpu *, struct hcall_args *))
{
	static struct spec_call c;
	bool finished, alone;

	if (!started)
		return real(vcpu, args);
	alone = enter();
	if (alone) {
		look_before();
		memset(&c, 0, offsetof(struct spec_call, look));
		memset(&c.look, 0, sizeof(c.look));
		c.vm = &spec->vm[abstract_vm_number(vcpu->vm)];
		c.vcpu = vcpu->index;
		memcpy(c.r, args->r, sizeof(c.r));
		c.fails_at = abstract_allocation_fails();
		rule_fetch(&c);
	}
	finished = real(vcpu, args);
	if (alone && !__atomic_load_n(&overlapped, __ATOMIC_RELAXED) && started) {
		c.finished = finished;
		memcpy(c.got, args->r, sizeof(c.got));
		if (answer_is_open(&c))
			spec_resync();
		else
			judge(&c);
	}
	leave();
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
