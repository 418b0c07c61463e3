/* SPDX-License-Identifier: BSD-2-Clause */
/* The floor's locks and its command queue, for the files that run at EL2. */
#ifndef FLOOR_QUEUE_H
#define FLOOR_QUEUE_H

#include "floor.h"

#define TLBI_VA    0x12ul
#define SYNC       0x46ul
#define CONS_ERROR 0x7f000000u
#define QUEUE_MASK ((1u << FLOOR_QUEUE_LOG) - 1)
#define QUEUE_WRAP ((2u << FLOOR_QUEUE_LOG) - 1)
#define POLLS      1000000u

static inline void lock(struct floor_lock *l)
{
	u32 mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != mine)
		;
}

static inline void unlock(struct floor_lock *l)
{
	__atomic_store_n(&l->serving, l->serving + 1, __ATOMIC_RELEASE);
}

static inline void put(struct floor_queue *q, u64 word0, u64 word1)
{
	u64 *slot = q->commands[q->prod & QUEUE_MASK];

	slot[0] = word0;
	slot[1] = word1;
	q->prod = (q->prod + 1) & QUEUE_WRAP;
}

/* The doorbell, and the wait for all that is in the queue: its last command is a sync. All is, if the producer comes back. */
static inline u32 executed(struct floor_queue *q)
{
	u32 polls = 0, cons;

	asm volatile("dsb ishst" ::: "memory");
	*(volatile u32 *)q->prod_reg = q->prod;
	do
		cons = *(volatile u32 *)q->cons_reg;
	while (cons != q->prod && !(cons & CONS_ERROR) && ++polls < POLLS);
	return cons;
}

#endif
