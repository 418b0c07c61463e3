/* SPDX-License-Identifier: BSD-2-Clause */
/* PSCI and the other CPUs: each secondary waits for one piece of work at a time. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include "cpu.h"

#define PSCI_VERSION       0x84000000u
#define PSCI_CPU_SUSPEND   0xc4000001u
#define PSCI_CPU_OFF       0x84000002u
#define PSCI_CPU_ON        0xc4000003u
#define PSCI_AFFINITY_INFO 0xc4000004u
#define PSCI_SYSTEM_OFF    0x84000008u
#define PSCI_SYSTEM_RESET  0x84000009u
#define PSCI_FEATURES      0x8400000au

/* By the conduit that the device tree names. */
long psci_call(u32 function, u64 a1, u64 a2, u64 a3);
void psci_system_off(void) __attribute__((noreturn));

/* Starts every CPU of the tree that is not running yet; returns how many CPUs run. */
u32 smp_start_all(void);

/* Gives work to CPU `index` (1..), which must be idle; smp_join waits for its end. */
void smp_run(u32 index, void (*work)(void *), void *arg);
void smp_join(u32 index);

/* A CPU that went off by itself, in the middle of its work: it may be started again. */
void smp_forget(u32 index);

void smp_secondary(struct cpu *cpu);

struct spinlock {
	u32 taken;
};

static inline void spin_lock(struct spinlock *lock)
{
	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		;
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

/* All `count` parties meet; usable again at once. */
struct barrier {
	u32 count;
	u32 arrived;
	u32 round;
};

void barrier_wait(struct barrier *b);

#endif
