/* SPDX-License-Identifier: BSD-2-Clause */
#include "hyp/lock.h"

NOINLINE void spin_lock_called(struct spinlock *lock) { spin_lock_inline(lock); }

NOINLINE void spin_unlock_called(struct spinlock *lock) { spin_unlock_inline(lock); }
