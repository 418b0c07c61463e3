/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events, in instructions of all exception levels: from the register read that lets a device write where nothing is mapped to
 * the first instruction of the vector that the guest takes the ring's interrupt at, the read included. In between the SMMU
 * interrupts the hypervisor, which takes the events, writes the records and raises the guest's interrupt.
 *   event_1    one refused word, one record
 *   event_64   64 of them at once: as many as one interrupt takes
 * Each record of each sample is looked at.
 */
#include <string.h>

#include "bench.h"
#include "gic.h"
#include "ram.h"
#include "rig.h"
#include "ring.h"

#define SAMPLES    BENCH_SAMPLES
#define LOG2       10 /* a device may fill half of a ring that it shares */
#define BATCH      64
#define NOT_MAPPED 0x7000000000ul

u64 bench_event(u64 trigger);

static u32 samples[SAMPLES];
static struct pviommu_ring *ring;
static u32 event_irq;

static void unexpected(u32 irq)
{
	REQUIRE(false, "interrupt %u is taken", irq);
}

static void acknowledge(void)
{
	u32 irq = (u32)sysreg_read(icc_iar1_el1) & 0xffffff;

	REQUIRE(irq == event_irq, "interrupt %u instead of %u", irq, event_irq);
	sysreg_write(icc_eoir1_el1, irq);
	isb();
}

/* A device cuts what is refused into words, and each of them is an event. */
static u32 timed_events(u64 iova, u32 count)
{
	u64 ticks;

	testdev_arm(&rig.testdev, iova, 0, 4 * count);
	ticks = bench_event(rig.testdev.regs);
	REQUIRE(ticks, "no interrupt came for %u events", count);
	REQUIRE(ring_waiting(ring) == count, "%u records of %u when the interrupt is taken", ring_waiting(ring), count);
	acknowledge();
	for (u32 i = 0; i < count; i++) {
		struct pviommu_event e;

		REQUIRE(ring_take(ring, &e) && e.reason == PVIOMMU_REASON_MAPPING && e.endpoint == RIG_VSID(TESTDEV) && e.address == iova + 4 * i,
			"record %u: reason %u, endpoint %#x, address %#lx", i, e.reason, e.endpoint, e.address);
	}
	return (u32)ticks;
}

static void measure(const char *key, u32 count)
{
	u32 cold = timed_events(NOT_MAPPED, count);

	for (u64 i = 0; i < SAMPLES; i++)
		samples[i] = timed_events(NOT_MAPPED + i * PAGE, count);
	bench_print(key, bench_median(samples, SAMPLES), cold);
}

void bench_events(void)
{
	ring = ram_alloc(align_up(ring_bytes(LOG2, PVIOMMU_RECORD_FULL), PAGE), PAGE);
	memset(ring, 0, sizeof(*ring));
	event_irq = (u32)rig_query(PVIOMMU_Q_EVENT_IRQ, 0);
	gic_init(unexpected);
	gic_enable(event_irq, false);
	OK(pv_events_setup(rig.pviommu, (u64)ring, LOG2, event_irq, RING_FULL_RECORDS));
	measure("event_1", 1);
	measure("event_64", BATCH);
	OK(pv_events_setup(rig.pviommu, 0, 0, 0, 0));
	gic_disable(event_irq);
}
