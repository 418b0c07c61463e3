/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of a machine with one thread: taking a held lock is a deadlock, and reported as one. */
#ifndef ARCH_SPINLOCK_H
#define ARCH_SPINLOCK_H

#include "hyp/types.h"

struct spinlock {
	u32 held;
};

#define SPINLOCK_INIT { 0 }

void arch_spin_lock(struct spinlock *lock);
void arch_spin_unlock(struct spinlock *lock);

/* Locks held at this moment: an entry point that returns with one has leaked it. */
u32 fake_locks_held(void);

#endif
