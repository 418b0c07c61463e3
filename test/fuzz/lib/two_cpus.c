/* SPDX-License-Identifier: BSD-2-Clause */
/* Built without TSan: what orders the turns must not order the accesses in its eyes. */
#include "two_cpus.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hyp/lock.h"

#include "fuzz.h"

#ifdef FUZZ_TSAN
#include <sanitizer/tsan_interface.h>

/*
 * The models and the fake memory are hardware, and not TSan's business; what they copy by memcpy() comes to its ears all
 * the same. Files by their names, anywhere in a report's stacks: no code under test is above them.
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) { return "race:smmuv3_model\nrace:test/model/oracle\nrace:io_fake.c\n"; }

const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "halt_on_error=1:print_suppressions=0"; }
#else
static void __tsan_acquire(void *lock UNUSED) {}
static void __tsan_release(void *lock UNUSED) {}
#endif

static pthread_t other;
static u32 turn;             /* the CPU that runs */
static void (*work)(void);   /* of the second; NULL: it is idle */
static bool ends, running[2]; /* has a function that has not ended */
static u32 chance;
static u64 dice;

/* A generator of its own: that of the models does not depend on the schedule's length. */
static u32 roll(void)
{
	dice = dice * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(dice >> 56);
}

static void await(u32 cpu)
{
	u32 now;

	while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != cpu)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
	fake_cpu_set(cpu);
}

static void give(u32 cpu)
{
	__atomic_store_n(&turn, cpu, __ATOMIC_RELEASE);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void pass(void)
{
	u32 me = turn;

	give(!me);
	await(me);
}

static bool both(void) { return running[0] && running[1]; }

static void may_pass(void)
{
	if (both() && roll() < chance)
		pass();
}

static void at_lock(struct spinlock *lock, enum fake_lock_point what)
{
	switch (what) {
	case FAKE_LOCK_BUSY:
		if (!both())
			fuzz_found("deadlock: CPU %u waits for lock %p for ever", turn, (void *)lock);
		pass();
		break;
	case FAKE_LOCK_TAKEN:
		__tsan_acquire(lock);
		break;
	case FAKE_LOCK_RELEASE:
		__tsan_release(lock);
		break;
	case FAKE_LOCK_BEFORE:
	case FAKE_LOCK_AFTER:
		may_pass();
		break;
	}
}

static void at_store(void *ctx UNUSED, u64 *entry UNUSED, u64 value UNUSED) { may_pass(); }

static void at_wait(void *ctx UNUSED)
{
	if (both() && roll() < 64)
		pass();
}

static void *second_cpu(void *ctx UNUSED)
{
	for (;;) {
		await(1);
		if (ends)
			return NULL;
		work();
		running[1] = false;
		give(0);
	}
}

void two_cpus_begin(void)
{
	turn = 0;
	ends = false;
	running[0] = running[1] = false;
	fake_lock_hook = at_lock;
	fake_store_hook_add(at_store, NULL);
	fake_relax_hook_add(at_wait, NULL);
	if (pthread_create(&other, NULL, second_cpu, NULL) != 0)
		fuzz_found("no thread");
}

void two_cpus_end(void)
{
	ends = true;
	give(1);
	if (pthread_join(other, NULL) != 0)
		fuzz_found("no end of a thread");
}

void two_cpus_run(void (*first)(void), void (*second)(void), u32 passes)
{
	chance = passes;
	dice = fake_random();
	work = second;
	running[0] = running[1] = true;
	if (roll() & 1)
		pass();
	first();
	running[0] = false;
	while (running[1])
		pass();
	fake_cpu_set(0);
}
