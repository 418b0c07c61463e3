/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of the primary's own devices, by real DMA: what the records say, when the interrupt comes, and what a ring that
 * is full, forged, moved or flooded costs. Every kind of hardware event and the races are in test/unit/pviommu/events_test.c.
 */
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "ring.h"
#include "smp.h"
#include "trap.h"

#define COOKIE     0x1122334455667788ul
#define NOT_MAPPED (RIG_IOVA + 16 * PAGE)
#define WAIT_MS    2000
#define FLOOD      50000u

/* Events of an SMMUv3. */
#define C_BAD_STE     0x04
#define F_TRANSLATION 0x10
#define F_PERMISSION  0x13

static struct pviommu_ring *ring;
/* What this pvIOMMU has counted before the case. */
static u32 first;
static u64 lost;

static struct pviommu_ring *ring_open(u32 log2, u64 irq)
{
	struct pviommu_ring *r = ram_alloc(align_up(ring_bytes(log2, PVIOMMU_RECORD_FULL), PAGE), PAGE);

	memset(r, 0, sizeof(*r));
	OK(pv_events_setup(rig.pviommu, (u64)r, log2, irq, RING_FULL_RECORDS));
	return r;
}

static void attach_with_cookie(u64 vsid, u64 domain)
{
	struct pviommu_attach_list *list = ram_alloc(PAGE, PAGE);
	u32 *vsids = (u32 *)(list + 1);

	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .pviommu = rig.pviommu,
					      .domain = (u32)domain,
					      .cookie = COOKIE,
					      .vsids_ipa = (u64)vsids,
					      .vsid_count = 1 };
	*vsids = (u32)vsid;
	OK(pv_attach_list((u64)list));
}

/* The rig with a ring; its first endpoint is attached with a cookie. */
static void open(u32 log2, u64 irq)
{
	rig_open_mapped();
	rig_detach(TESTDEV, rig.domain);
	attach_with_cookie(RIG_VSID(TESTDEV), rig.domain);
	ring = ring_open(4, 0);
	/* What was lost before is told with the next event. */
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	while (!ring_waiting(ring) || ring->flags)
		OK(dev_count());
	ring = ring_open(log2, irq);
	first = ring->sequence;
	lost = ring->lost;
}

static void ring_close(void)
{
	OK(pv_events_setup(rig.pviommu, 0, 0, 0, 0));
}

/* The next record; a call or two is what it may take where another CPU has the queue in hand. */
static struct pviommu_event next(void)
{
	struct pviommu_event event;

	for (u32 tries = 0; !ring_waiting(ring) && tries < 100000; tries++)
		OK(dev_count());
	REQUIRE(ring_take(ring, &event), "no record came");
	return event;
}

static void expect(struct pviommu_event want)
{
	struct pviommu_event got = next();

	/* Hardware with stage 2 alone says so. */
	if (got.code != C_BAD_STE)
		want.flags |= got.flags & PVIOMMU_EVENT_STAGE2;
	REQUIRE(got.reason == want.reason && got.code == want.code, "reason %u, code %#x and not %u, %#x", got.reason, got.code,
		want.reason, want.code);
	REQUIRE(got.flags == want.flags, "flags are %#x and not %#x", got.flags, want.flags);
	REQUIRE(got.address == want.address, "address is %#lx and not %#lx", got.address, want.address);
	REQUIRE(got.endpoint == want.endpoint, "endpoint is %#x and not %#x", got.endpoint, want.endpoint);
	REQUIRE(got.sequence == first + want.sequence, "sequence is %u and not %u", got.sequence, first + want.sequence);
	want.sequence += first;
	REQUIRE(got.cookie == want.cookie, "cookie is %#lx and not %#lx", got.cookie, want.cookie);
	REQUIRE(!memcmp(&got, &want, sizeof(got)), "a field without a name here is not zero");
}

CASE(events, every_field_of_a_fault_S1_3_S4_10)
{
	struct pviommu_event want = { .kind = PVIOMMU_KIND_FAULT, .arch = PVIOMMU_ARCH_SMMUV3 };
	u32 *page;

	open(4, 0);
	want.flags = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS;
	want.reason = PVIOMMU_REASON_MAPPING;
	want.code = F_TRANSLATION;
	want.endpoint = RIG_VSID(TESTDEV);
	want.address = NOT_MAPPED + 0x124;
	want.cookie = COOKIE;
	FAULTS(rig.testdev, NOT_MAPPED + 0x124, rig.page);
	expect(want);
	/* The third endpoint, which was attached without a cookie. */
	want.endpoint = RIG_VSID(TESTDEV2);
	want.sequence++;
	want.cookie = 0;
	FAULTS(rig.testdev2, NOT_MAPPED + 0x124, rig.page);
	expect(want);
	page = ram_alloc(PAGE, PAGE);
	rig_map(rig.domain, RIG_IOVA + 2 * PAGE, (u64)page, PAGE, PVIOMMU_PROT_READ);
	want.endpoint = RIG_VSID(TESTDEV);
	want.reason = PVIOMMU_REASON_PERMISSION;
	want.code = F_PERMISSION;
	want.address = RIG_IOVA + 2 * PAGE + 8;
	want.sequence++;
	want.cookie = COOKIE;
	FAULTS(rig.testdev, RIG_IOVA + 2 * PAGE + 8, page);
	expect(want);
	/* A stream that is not attached. */
	rig_detach(TESTDEV2, rig.domain);
	FAULTS(rig.testdev2, RIG_IOVA, rig.page);
	expect((struct pviommu_event){ .reason = PVIOMMU_REASON_DOMAIN,
				       .endpoint = RIG_VSID(TESTDEV2),
				       .sequence = 3,
				       .kind = PVIOMMU_KIND_FAULT,
				       .arch = PVIOMMU_ARCH_SMMUV3,
				       .code = C_BAD_STE });
	REQUIRE(!ring_waiting(ring) && ring->lost == lost && ring->sequence == first + 4, "the ring says something else");
	ring_close();
}

CASE(events, a_read_says_so_S1_3)
{
	struct pviommu_event got;

	open(8, 0);
	REQUIRE(edu_load(&rig.edu, NOT_MAPPED, 0, 64), "edu does not end its transfer");
	got = next();
	REQUIRE(got.endpoint == RIG_VSID(EDU) && got.reason == PVIOMMU_REASON_MAPPING, "endpoint %#x, reason %u", got.endpoint,
		got.reason);
	REQUIRE((got.flags & (PVIOMMU_EVENT_READ | PVIOMMU_EVENT_WRITE)) == PVIOMMU_EVENT_READ, "flags %#x", got.flags);
	REQUIRE((got.address & ~(PAGE - 1)) == NOT_MAPPED, "address %#lx", got.address);
	ring_close();
}

/* The repeated DMA after the page was mapped: what a driver does with a record. */
CASE(events, a_fault_is_mended_and_repeated)
{
	struct pviommu_event got;
	u32 *page;

	open(4, 0);
	page = ram_alloc(PAGE, PAGE);
	FAULTS(rig.testdev2, NOT_MAPPED, page);
	got = next();
	REQUIRE(got.endpoint == RIG_VSID(TESTDEV2), "endpoint %#x", got.endpoint);
	rig_map(rig.domain, got.address & ~(PAGE - 1), (u64)page, PAGE, RW);
	LANDS(rig.testdev2, NOT_MAPPED, page);
	ring_close();
}

static volatile u32 event_irqs, other_irqs;
static u32 event_irq;

static void taken(u32 irq)
{
	if (irq == event_irq)
		event_irqs++;
	else
		other_irqs++;
}

static bool wait_irqs(u32 count)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);

	irq_on();
	while (event_irqs < count && time_ticks() < end)
		;
	irq_off();
	return event_irqs >= count;
}

CASE(events, one_interrupt_from_empty_to_not_empty_S1_4)
{
	event_irqs = other_irqs = 0;
	open(6, 0);
	event_irq = (u32)rig_query(PVIOMMU_Q_EVENT_IRQ, 2);
	gic_init(taken);
	ring = ring_open(6, event_irq);
	gic_enable(event_irq, false);
	for (u32 i = 1; i <= 5; i++) {
		FAULTS(rig.testdev, NOT_MAPPED, rig.page);
		REQUIRE(wait_irqs(i), "interrupt %u did not come", i);
		/* More of them, while the first is not taken: none. */
		FAULTS(rig.testdev, NOT_MAPPED, rig.page);
		FAULTS(rig.testdev2, NOT_MAPPED, rig.page);
		while (ring_waiting(ring) < 3)
			OK(dev_count());
		irq_on();
		isb();
		irq_off();
		REQUIRE_EQUAL(event_irqs, i);
		for (u32 k = 0; k < 3; k++)
			next();
	}
	/* Masked: none; and what came meanwhile is seen by who looks. */
	ring->mask_irq = 1;
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	while (!ring_waiting(ring))
		OK(dev_count());
	irq_on();
	isb();
	irq_off();
	REQUIRE_EQUAL(event_irqs, 5);
	REQUIRE_EQUAL(other_irqs, 0);
	gic_disable(event_irq);
	ring_close();
}

CASE(events, a_full_ring_counts_what_it_loses_S1_11_N66)
{
	struct pviommu_event got;

	open(1, 0);
	for (u32 i = 0; i < 5; i++)
		FAULTS(rig.testdev, NOT_MAPPED + i * PAGE, rig.page);
	while (ring->sequence - first < 5)
		OK(dev_count());
	REQUIRE(ring_waiting(ring) == 2 && ring->lost == lost + 3 && ring->flags == PVIOMMU_RING_OVERFLOW,
		"%u records, %lu lost, flags %#x", ring_waiting(ring), ring->lost, ring->flags);
	next();
	next();
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	got = next();
	REQUIRE(got.kind == PVIOMMU_KIND_LOST && got.reason == PVIOMMU_REASON_LOST && got.private_data[0] == 3 && got.sequence == first + 4,
		"kind %u, %lu lost, sequence %u", got.kind, got.private_data[0], got.sequence);
	REQUIRE_EQUAL(next().sequence, first + 5);
	ring_close();
}

CASE(events, a_forged_consumer_harms_its_owner_N69)
{
	static const u32 forged[] = { 1, 17, 0x80000000, ~0u };
	u64 *behind;

	open(0, 0);
	behind = (u64 *)((char *)ring + ring_bytes(0, PVIOMMU_RECORD_FULL));
	memset(behind, 0x5a, PAGE - ring_bytes(0, PVIOMMU_RECORD_FULL));
	for (u32 i = 0; i < ARRAY_COUNT(forged); i++) {
		ring->consumer = ring->producer + forged[i];
		FAULTS(rig.testdev, NOT_MAPPED, rig.page);
		while (ring->lost < lost + i + 1)
			OK(dev_count());
		REQUIRE_EQUAL(ring->producer, 0);
	}
	ring->consumer = 0;
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	REQUIRE_EQUAL(next().sequence, first + ARRAY_COUNT(forged));
	for (u64 *at = behind; at < (u64 *)((char *)ring + PAGE); at++)
		REQUIRE(*at == 0x5a5a5a5a5a5a5a5a, "written behind the ring");
	ring_close();
}

CASE(events, setup_statuses_N64_I3)
{
	u64 memory, irq;

	open(2, 0);
	memory = (u64)ram_alloc(PAGE, PAGE);
	irq = rig_query(PVIOMMU_Q_EVENT_IRQ, 0);
	REFUSED(pv_events_setup(~0u, memory, 2, 0, RING_FULL_RECORDS), PC_NOT_FOUND);
	REFUSED(pv_events_setup(rig.pviommu, memory + 8, 2, 0, RING_FULL_RECORDS), PC_INVALID_PARAMETER);
	REFUSED(pv_events_setup(rig.pviommu, memory, 13, 0, RING_FULL_RECORDS), PC_INVALID_PARAMETER);
	REFUSED(pv_events_setup(rig.pviommu, memory, 2, 1, RING_FULL_RECORDS), PC_INVALID_PARAMETER);
	REFUSED(pv_events_setup(rig.pviommu, memory, 2, irq, PVIOMMU_EVENTS_RECORD(32)), PC_INVALID_PARAMETER);
	REFUSED(pv_events_setup(rig.pviommu, memory, 2, irq, RING_FULL_RECORDS | PVIOMMU_EVENTS_PAGE_REQUESTS), PC_NOT_SUPPORTED);
	REFUSED(pv_events_setup(rig.pviommu, machine.gicd.base, 2, 0, RING_FULL_RECORDS), PC_FAULT);
	/* The old one is as it was. */
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	REQUIRE_EQUAL(next().sequence, first);
	ring_close();
	REFUSED(pv_events_setup(rig.pviommu, 0, 0, 0, 0), PC_NOT_FOUND);
}

CASE(events, the_sequence_survives_a_new_ring_S1_4)
{
	struct pviommu_ring *old;

	open(2, 0);
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	REQUIRE_EQUAL(next().sequence, first);
	old = ring;
	ring = ring_open(12, 0);
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	REQUIRE_EQUAL(next().sequence, first + 1);
	REQUIRE_EQUAL(old->producer, 1);
	ring_close();
	/* The pages are ours again: nothing of the ring is written any more. */
	memset(ring, 0, sizeof(*ring));
	FAULTS(rig.testdev, NOT_MAPPED, rig.page);
	OK(dev_count());
	for (u32 i = 0; i < sizeof(*ring) / 4; i++)
		REQUIRE(!((u32 *)ring)[i], "word %u of a ring that was taken away is %#x", i, ((u32 *)ring)[i]);
}

/*
 * One endpoint has 50,000 accesses refused, 1,024 at a time; behind each burst another has one. The fault of that one is
 * told within as many calls as drain a whole queue of 4,096, 64 each, and one more.
 */
CASE(events, a_flood_keeps_no_other_fault_away_N82_H2)
{
	u32 missing = 0, bursts = FLOOD / 1024 + 1;

	open(7, 0);
	for (u32 i = 0; i < bursts; i++) {
		u32 calls = 0;
		bool found = false;

		testdev_write(&rig.testdev, NOT_MAPPED, (u64)rig.page, 4096);
		FAULTS(rig.testdev2, NOT_MAPPED + i * PAGE, rig.page);
		while (!found && calls++ <= 4096 / 64 + 1) {
			struct pviommu_event event;

			OK(dev_count());
			while (ring_take(ring, &event))
				found |= event.endpoint == RIG_VSID(TESTDEV2) && event.address == NOT_MAPPED + i * PAGE;
		}
		missing += !found;
	}
	REQUIRE(!missing, "%u of %u single faults were not told in time", missing, bursts);
	/* And the one that flooded still does its work. */
	LANDS(rig.testdev, RIG_IOVA, rig.page);
	ring_close();
}
