/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks and their order: vm -> domain -> page -> event ring -> iommu_queue -> log.
 *
 * Clang's thread-safety analysis checks the order at compile time through one capability token
 * per level (the class tokens below); a function says which class it takes, needs, or must not
 * hold. Two locks of one class are never held at once, but for VMs' by vm_lock_pair() and vm_lock_owner().
 *
 * Spinlocks are fair (tickets); the hypervisor runs with its own interrupts masked, so there is
 * no interrupt variant. No lock is held across a guest's run.
 */
#ifndef HYP_LOCK_H
#define HYP_LOCK_H

#include "hyp/types.h"

#include <arch/spinlock.h> /* struct spinlock, SPINLOCK_INIT, arch_spin_lock, arch_spin_unlock */

#if defined(__clang__) && !defined(__CHECKER__)
#define LOCK_CLASS       __attribute__((capability("lock class")))
#define ACQUIRES(...)    __attribute__((acquire_capability(__VA_ARGS__)))
#define ACQUIRES_IF(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define RELEASES(...)    __attribute__((release_capability(__VA_ARGS__)))
#define MUST_HOLD(...)   __attribute__((requires_capability(__VA_ARGS__)))
#define NOT_HELD(...)    __attribute__((locks_excluded(__VA_ARGS__)))
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define LOCK_CLASS
#define ACQUIRES(...)
#define ACQUIRES_IF(...)
#define RELEASES(...)
#define MUST_HOLD(...)
#define NOT_HELD(...)
#define NO_LOCK_ANALYSIS
#endif

struct LOCK_CLASS lock_class {
	char unused;
};

extern struct lock_class vm_class, domain_class, page_class, ring_class, queue_class, log_class;

#endif
