/* SPDX-License-Identifier: BSD-2-Clause */
/* How the scenario is told: lines of a story, and rows of the table at its end. */
#ifndef SCENARIO_H
#define SCENARIO_H

#include "types.h"

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A row: what was tried, and what had to come of it. The chapter ends if it did not. */
void check(bool held, const char *expected, const char *what, ...) __attribute__((format(printf, 3, 4)));

/* The tree of the machine below the hypervisor. */
const void *below(void);

/* What this chapter has taken from ram.h so far stays taken. */
void keep_memory(void);

#endif
