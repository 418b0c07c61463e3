/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket lock: first come, first served, so that no CPU starves. Armv8.0 exclusives only (Cortex-A57 has no atomics).
 * A waiter sleeps in WFE; the holder's store-release to `serving` clears its monitor and wakes it (DDI 0487 B2.12).
 * No interrupt variant: the hypervisor runs with its interrupts masked.
 */
#ifndef ARCH_SPINLOCK_H
#define ARCH_SPINLOCK_H

#include "hyp/types.h"

struct spinlock {
	union {
		u32 word;
		struct {
			u16 serving; /* ticket that holds the lock */
			u16 next;    /* ticket of the next to come */
		};
	};
};

#define SPINLOCK_INIT { { 0 } }

static inline void spin_lock_inline(struct spinlock *lock)
{
	u32 ticket, turn, fail;

	__asm__ volatile("1:	ldaxr	%w0, %3\n"
			 "	add	%w1, %w0, #0x10000\n"
			 "	stxr	%w2, %w1, %3\n"
			 "	cbnz	%w2, 1b\n"
			 "	eor	%w1, %w0, %w0, ror #16\n" /* zero in the upper half: it is our turn */
			 "	cbz	%w1, 3f\n"
			 "	sevl\n"
			 "2:	wfe\n"
			 "	ldaxrh	%w2, %4\n"
			 "	eor	%w1, %w2, %w0, lsr #16\n"
			 "	cbnz	%w1, 2b\n"
			 "3:\n"
			 : "=&r"(ticket), "=&r"(turn), "=&r"(fail), "+Q"(lock->word)
			 : "Q"(lock->serving)
			 : "memory");
}

static inline void spin_unlock_inline(struct spinlock *lock)
{
	/* Only the holder writes `serving`, so a plain read of it is exact. */
	__asm__ volatile("stlrh	%w1, %0" : "=Q"(lock->serving) : "r"(lock->serving + 1) : "memory");
}

/* What a guest waits for has it in place; all that is built for size calls it (spinlock.c). */
void spin_lock_called(struct spinlock *lock);
void spin_unlock_called(struct spinlock *lock);

static inline void arch_spin_lock(struct spinlock *lock)
{
#ifdef __OPTIMIZE_SIZE__
	spin_lock_called(lock);
#else
	spin_lock_inline(lock);
#endif
}

static inline void arch_spin_unlock(struct spinlock *lock)
{
#ifdef __OPTIMIZE_SIZE__
	spin_unlock_called(lock);
#else
	spin_unlock_inline(lock);
#endif
}

#endif
