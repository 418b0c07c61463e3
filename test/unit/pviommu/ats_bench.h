/* SPDX-License-Identifier: BSD-2-Clause */
/* A machine whose first three devices keep translations, under one first stage of the primary's own. */
#ifndef ATS_BENCH_H
#define ATS_BENCH_H

#include "bench.h"
#include "first_stage.h"

#define DATA bench_page(300)
#define EATS (1ull << 28)
#define ALL  52ull /* Size of everything */

extern u32 ats_domain;
extern struct pviommu_ring *ats_ring;
extern bool smmuv3_ill_panics; /* of the driver, in test builds */

void ats_boot(void);
void ats_boot_with(struct bench_options o);
/* Device 0 has vSIDs 10 to 12, device 1 7, device 2 8, all under ats_domain; device 3 has 9, without ATS. Events to ats_ring. */
void ats_set_up(void);

/* What a device asks, and keeps. */
u64 ats_ask(u32 device, u64 va);
bool ats_holds(u32 device, u64 va);
/* A write to what the device says is translated already. */
enum smmu_event ats_write(u32 device, u64 addr);

/* Of the last INVALIDATE. */
const u8 *ats_bytes(void);
struct pviommu_event ats_event(u32 n);
/* No error is left of the SMMU's, and nobody took it for dead. */
void ats_alive(void);

#endif
