/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking events from a hardware queue: a bounded number at a time, by one CPU at a time. A stream that fills the queue
 * while others wait in it is muted: its faults leave no event for a while, what it translates by stays as it is.
 */
#ifndef IOMMU_DRAIN_H
#define IOMMU_DRAIN_H

#include "hyp/iommu_hw.h"
#include "hyp/lock.h"

struct endpoint;

/* Events taken at one exit, of all IOMMUs, about 800 instructions each: bounds the exit; more wait for the next. */
#define DRAIN_EVENTS 64u
/*
 * The same after a call that may have been long itself, so that both together are bounded (V9). One of each IOMMU at least.
 * Losses are told of and floods muted by the next exit that takes more.
 */
#define DRAIN_EVENTS_LONG 4u

/* How long a stream is muted, in microseconds: the next exit after that lets it speak again. */
#define DRAIN_MUTE_US 10000u

/* Take what waits, so many events at most, and reported errors. While another CPU is at it nothing is done: what is left is pending still. */
void iommu_drain(struct iommu *iommu, u32 events) NOT_HELD(queue_class);
/* The same, and mute who floods, or end it. For exits, where no lock is held. */
void iommu_drain_exit(struct iommu *iommu, u32 events) NOT_HELD(vm_class);

/* From iommu_report_event(): an event of this endpoint was taken. */
void drain_count(struct iommu *iommu, struct endpoint *e, const struct iommu_event *event);

#endif
