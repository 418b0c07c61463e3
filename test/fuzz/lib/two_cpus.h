/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two CPUs as two host threads, of which one runs at a time: at each change of a lock, at each store to a table and at
 * each wait for hardware the turn may pass to the other, by chance that the input's record seeds. Models and oracle stay
 * as they are, and a schedule repeats exactly. TSan sees the locks of the core and nothing of the turns: a conflict that
 * no lock orders is reported although the two threads never run at once.
 */
#ifndef TWO_CPUS_H
#define TWO_CPUS_H

#include "hyp/types.h"

/* For one input: the second CPU is there, and gone again. */
void two_cpus_begin(void);
void two_cpus_end(void);
/* Both functions, interleaved; returns when both have ended. Of 256 points that many pass the turn. */
void two_cpus_run(void (*first)(void), void (*second)(void), u32 passes);

#endif
