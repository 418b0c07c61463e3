/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fuzz targets share: an input is a row of records of FUZZ_RECORD bytes, an action each. An action's choices
 * are taken from its own bytes, and from a generator that they seed when it wants more: a change of one record leaves
 * what the others do as it was. The mutator of libFuzzer works on whole records, and on bytes within one.
 *
 * The first record chooses the machine. The machine of each choice is booted once; every input begins on a copy of it,
 * made by the host's page tables (copy on write): all static objects of what is under test and of the models, their
 * allocations and the RAM of the fake machine.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "hyp/types.h"

#include "fake.h"
#include "record.h"

#define FUZZ_RECORD   RECORD_BYTES
#define FUZZ_RECORDS  4096u /* of an input; what is behind is not looked at */
#define FUZZ_MACHINES 16u

/* The records of an input. fuzz_next: go to the next one; false: there is none. */
void fuzz_input(const u8 *data, size_t size);
bool fuzz_next(void);
/* Below limit, > 0, of the record. As fake_random_source it is all the chance there is. */
u64 fuzz_below(u64 limit);
u64 fuzz_word(void); /* any; often a small one, or one bit */

/*
 * The machine of number `index`, as boot() left it. boot() runs once a process and index, on untouched static objects.
 * Everything that the last input changed is gone.
 */
void fuzz_machine(u32 index, void (*boot)(u32 index));

/* A finding: prints the sentence and the console, and ends the process. */
void fuzz_found(const char *fmt, ...) NORETURN PRINTF(1, 2);

/*
 * For oracle_effort() and spec_effort(): `usual`, or what the environment says (FUZZ_EFFORT=1: each look is at everything;
 * FUZZ_RARER=8: that many times as seldom as usual).
 */
u32 fuzz_effort(u32 usual);
/* For oracle_rarely(): 1, or 32 times FUZZ_RARER. */
u32 fuzz_calls_a_look(void);

/* Checked calls (or accesses) since the start; printed with the inputs at the end. Calls, not the steps of one. */
extern u64 fuzz_calls;

/* libFuzzer's interface, IDs reserved for it. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t room, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out, size_t room,
				 unsigned int seed);

/* memory.c, in place of the host's for what is kept. */
void *fuzz_malloc(size_t size);
void *fuzz_calloc(size_t count, size_t size);
void *fuzz_realloc(void *old, size_t size);
void fuzz_free(void *p);
void *fuzz_pages(size_t size);
void fuzz_pages_free(void *p, size_t size);

#endif
