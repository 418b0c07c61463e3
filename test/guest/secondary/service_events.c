/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of a secondary's own devices: its ring is in its own memory, and only it can read that. */
#include <string.h>

#include "cpu.h"
#include "gic.h"
#include "ring.h"
#include "service.h"
#include "testdev.h"

#define WAIT_MS 40000 /* only what fails, or a crowded host, takes as long */

static struct pviommu_ring *ring;
static volatile u32 irqs;
static u32 ring_irq;

static void taken(u32 irq)
{
	irqs += irq == ring_irq;
}

/* arg: IPA of the ring, log2 of its records, interrupt (0: none), pvIOMMU -> status */
SERVICE(ring_open)
{
	ring = (struct pviommu_ring *)mail->arg[0];
	ring_irq = (u32)mail->arg[2];
	ring_clear(ring);
	irqs = 0;
	mail->result[0] = pv_events_setup(mail->arg[3], mail->arg[0], mail->arg[1], ring_irq, RING_FULL_RECORDS).r0;
	if (!ring_irq)
		return;
	gic_init(taken);
	gic_enable(ring_irq, false);
}

/* arg: pvIOMMU -> status */
SERVICE(ring_close)
{
	mail->result[0] = pv_events_setup(mail->arg[0], 0, 0, 0, 0).r0;
	if (ring_irq)
		gic_disable(ring_irq);
}

/* With the interrupt until one has come, without by asking the hypervisor, which drains its queue at each call. */
static void await(void)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);

	while (!ring_waiting(ring) && time_ticks() < end) {
		if (ring_irq) {
			wfi();
			irq_on();
			isb();
			irq_off();
		} else {
			pv_query(0, PVIOMMU_Q_VERSION, 0);
		}
	}
	/* It may have come before the first look. */
	irq_on();
	isb();
	irq_off();
}

/* -> whether there is one, then its reason, flags, endpoint, address, sequence, kind, code, cookie, private_data[0]; interrupts */
static void tell(void)
{
	struct pviommu_event e;

	mail->result[0] = ring_take(ring, &e);
	mail->result[1] = e.reason;
	mail->result[2] = e.flags;
	mail->result[3] = e.endpoint;
	mail->result[4] = e.address;
	mail->result[5] = e.sequence;
	mail->result[6] = e.kind;
	mail->result[7] = e.code;
	mail->result[8] = e.cookie;
	mail->result[9] = e.private_data[0];
	mail->result[10] = irqs;
}

/* A DMA of its device and what is told of it. arg: registers of a testdev, IOVA, an IPA of its own */
SERVICE(ring_fault)
{
	struct testdev t = { .regs = mail->arg[0] };

	testdev_write(&t, mail->arg[1], mail->arg[2], 4);
	await();
	tell();
}

/*
 * A DMA of its device, and calls until the fault is told, so many at most; each drains the hardware's queue a little. What is
 * told besides is taken. arg: registers of a testdev, IOVA, an IPA of its own, calls -> whether it was told, calls that it took
 */
SERVICE(ring_fault_within)
{
	struct testdev t = { .regs = mail->arg[0] };
	struct pviommu_event e;

	testdev_write(&t, mail->arg[1], mail->arg[2], 4);
	mail->result[0] = 0;
	for (mail->result[1] = 0; mail->result[1] < mail->arg[3]; mail->result[1]++) {
		pv_query(0, PVIOMMU_Q_VERSION, 0);
		while (!mail->result[0] && ring_take(ring, &e))
			mail->result[0] = e.kind == PVIOMMU_KIND_FAULT && e.address == mail->arg[1];
		if (mail->result[0])
			return;
	}
}

/* The next record, if one comes. */
SERVICE(ring_next)
{
	await();
	tell();
}

/* As it lies in memory. arg: offset in the ring -> eight words */
SERVICE(ring_words)
{
	memcpy(mail->result, (const char *)ring + mail->arg[0], 64);
}

/* arg: IPA, bytes; lowest and first beyond -> how many words there are in between, the IPA of the first, and it */
SERVICE(find_words)
{
	const u64 *at = (const u64 *)mail->arg[0], *end = (const u64 *)(mail->arg[0] + mail->arg[1]);

	mail->result[0] = 0;
	for (; at < end; at++) {
		if (*at < mail->arg[2] || *at >= mail->arg[3])
			continue;
		if (!mail->result[0]++) {
			mail->result[1] = (u64)at;
			mail->result[2] = *at;
		}
	}
}

/* arg: registers of a testdev, IOVA, an IPA of its own, how many times 4096 bytes, at most. Takes what is told of it. */
SERVICE(ring_flood)
{
	struct testdev t = { .regs = mail->arg[0] };

	for (u64 i = 0; i < mail->arg[3]; i++) {
		testdev_write(&t, mail->arg[1], mail->arg[2], 4096);
		ring_skip(ring);
		mail->progress++;
	}
	mail->result[0] = ring->sequence;
	mail->result[1] = ring->lost;
}
