/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The longest stretch of one call in which no interrupt of the guest's is taken. A timer is due a little after each
 * entry, so a call that is interrupted and resumed is measured piece by piece, and one that is not, whole.
 */
#ifndef GUEST_LONGEST_H
#define GUEST_LONGEST_H

#include "bench_count.h"

void longest_begin(void);

/* What this machine has: first stages of a guest's own; IOVAs of 48 bits. Others leave them out, and lie closer together. */
bool longest_nested(void);
u64 longest_vm_flags(void); /* of the VM that has most: PC_VM_NESTED */
u64 longest_stride(void); /* no two IOVAs so far apart share more tables than they have to */
u64 longest_area(void);   /* from there on IOVAs are longest_lists.c's */

/* The call, which must succeed; its longest stretch counts for the key that is printed next. */
struct hres longest_call(const char *what, u64 fn, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);
/* The same where the call runs a secondary, which an interrupt would keep from running: the whole call. */
struct hres longest_run(const char *what, u64 vm, u64 vcpu, u64 exit);

/* Prints "[b] longest_KEY TICKS cold PIECES" of all calls since the last one, and forgets them. */
void longest_print(const char *key);
void longest_print_of(const char *prefix, const char *key);
/* What was measured since the last one is no figure. */
void longest_forget(void);

#define LONGEST(call, fn, ...)                          LONGEST_(call, fn, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define LONGEST_(call, fn, a1, a2, a3, a4, a5, a6, ...) longest_call(call, fn, a1, a2, a3, a4, a5, a6)
#define LONGEST_OP(call, op, ...)                       LONGEST(call, PC_PVIOMMU_OP, op, __VA_ARGS__)

void longest_vms(u64 memory);    /* longest_vm.c */
void longest_memory(u64 memory); /* longest_memory.c */

/* --- longest_nested.c: the calls that read most of a caller's memory */

#define LONGEST_ROOM (512 * PAGE)

/* Who makes them. */
struct longest_caller {
	const char *prefix; /* of the keys */
	struct hres (*op)(const char *what, u64 op, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6);
	u64 ipa;    /* LONGEST_ROOM of its memory, at a page */
	void *(*here)(u64 offset); /* where we see what lies there in that */
	void (*lend)(bool lent);  /* we may, from now on or no longer; for a ring of events only it may */
	u32 pviommu;
	u32 vsid; /* an endpoint that is attached to nothing */
	u64 event_irq[2];
};
void longest_reading(const struct longest_caller *c);

/* --- longest_lists.c: lists and ranges that are worst by what they find */

void longest_lists(u64 memory, u64 gib);
void longest_lists_of(const struct longest_caller *c, u64 paged_block);

#endif
