/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The player of test/play in QEMU: every CPU of the primary plays records of its own, all at once, about the same three
 * service VMs, devices, pages and domains. What is whose is only a hint here; the calls decide.
 */
#ifndef FUZZ_PLAY_H
#define FUZZ_PLAY_H

#include "play.h"
#include "record.h"
#include "types.h"

/* Memory, devices, and pages that no DMA may touch; once in an image. */
void fuzz_open(void);
/* Three service VMs and two domains; for the first CPU. */
void fuzz_round_begin(void);
/* Plays one record on this CPU. */
void fuzz_record(const u8 *bytes);
/* All that was made is taken back, and the case fails if it was not what it should be. */
void fuzz_round_end(void);

/* Over all CPUs since the start. */
struct fuzz_sums {
	u64 calls, of_secondaries, well, dma;
	u64 kind[PLAY_KINDS]; /* that went well */
};
struct fuzz_sums fuzz_sums(void);

#endif
