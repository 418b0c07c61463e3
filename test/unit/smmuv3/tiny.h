/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least SMMUv3 that the driver can start on: registers, and a command queue that logs what it
 * consumes. It neither walks tables nor performs DMA; test/model does. What it is good for is to
 * stop the hardware at any command and to lie.
 */
#ifndef TINY_H
#define TINY_H

#include "hyp/iommu_hw.h"
#include "smmuv3/smmuv3.h"

/* QEMU 11.1, nested. */
#define TINY_IDR0 0x0d44101bu
#define TINY_IDR1 0x02730010u
#define TINY_IDR3 0x00001414u
#define TINY_IDR5 0x00000074u

struct tiny_cmd {
	u64 w0, w1;
};

#define TINY_LOG 65536

struct tiny {
	u32 idr0, idr1, idr3, idr5, iidr, aidr;
	u32 reg[SMMU_REGS_SIZE / 4];
	bool held;       /* consumes only by tiny_consume() */
	bool on_relax;   /* consumes a few at each poll instead of at the doorbell */
	bool no_ack;     /* CR0ACK, IRQ_CTRLACK, GBPA.Update do not answer */
	bool no_stop;    /* CR0ACK and IRQ_CTRLACK alone do not */
	bool gone;       /* every register reads as ones */
	void (*before_read)(u32 offset); /* what happens between what software did last and this read; NULL: nothing */
	void (*after_read)(u32 offset); /* what happens between this read and what software does next; NULL: nothing */
	void (*after_write)(u32 offset); /* what hardware does of this write; NULL: nothing more */
	u64 prod, cons;  /* positions since start, its own count */
	u32 fail_at;     /* the n-th command from now on, 1: the next; 0: none */
	u32 fail_times;  /* how often it fails before it is accepted */
	u32 fail_code;
	u32 doorbells;
	struct tiny_cmd log[TINY_LOG];
	u32 log_count;
	u32 writes;      /* register writes */
	u32 order[64];   /* offsets of the first of them */
};

extern struct tiny tiny;

/* A machine with 64 MiB of RAM, 16 of them heap, one SMMU; IDRs as above, to be changed. */
struct machine *tiny_machine(void);
/* Probe it: must succeed. */
struct smmuv3 *tiny_start(struct machine *m);
/* Both, unchanged. */
struct smmuv3 *tiny_default(void);
extern struct iommu tiny_iommu;

void tiny_consume(u32 count);
u64 tiny_reg64(u32 offset);
/* Forget the commands so far. */
void tiny_log_clear(void);
u32 tiny_count(u8 op);
u8 tiny_op(u32 index);

/* What the driver reported upwards. */
extern struct iommu_event tiny_events[8192];
extern u32 tiny_event_count, tiny_overflows;

/* The streams of a guest, by vSID; NULL: it has none. */
extern bool (*tiny_stream)(u32 vsid, struct iommu_guest_stream *out);
/* What any of them has become when it is asked about once more; NULL: another's. */
extern bool (*tiny_still)(struct iommu_guest_stream *out);

/* A pool of `pages`, from the boot heap, after tiny_machine(). */
struct pool;
struct pool *tiny_pool(u64 pages);

#endif
