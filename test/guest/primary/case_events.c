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
#define WAIT_MS    20000 /* only what fails, or a crowded host, takes as long */
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
	AWAIT(ring_waiting(ring) && !ring->flags, OK(dev_count()));
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

CASE(events, every_field_of_a_write_S1_3_S3_11_S4_10)
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

/* The second endpoint reads and writes; of a stream that is not attached nothing is said but that. */
CASE(events, every_field_of_a_read_S1_3_S4_10)
{
	struct pviommu_event want = { .reason = PVIOMMU_REASON_MAPPING,
				      .flags = PVIOMMU_EVENT_READ | PVIOMMU_EVENT_ADDRESS,
				      .endpoint = RIG_VSID(EDU),
				      .address = NOT_MAPPED + 0x230,
				      .kind = PVIOMMU_KIND_FAULT,
				      .arch = PVIOMMU_ARCH_SMMUV3,
				      .code = F_TRANSLATION };

	open(4, 0);
	for (u32 i = 2; i < 4; i++)
		rig_map(rig.domain, RIG_IOVA + i * PAGE, (u64)ram_alloc(PAGE, PAGE), PAGE, PVIOMMU_PROT_READ);
	REQUIRE(edu_load(&rig.edu, NOT_MAPPED + 0x230, 0, 4), "edu does not end its transfer");
	expect(want);
	/*
	 * What may be read may not be written: no event for the one, one for the other. Of two pages, since QEMU records no fault
	 * of stage 2 alone whose entry is in its TLB.
	 */
	REQUIRE(edu_load(&rig.edu, RIG_IOVA + 3 * PAGE, 0, 4), "edu does not end its transfer");
	REQUIRE(edu_store(&rig.edu, RIG_IOVA + 2 * PAGE + 4, 0, 4), "edu does not end its transfer");
	want.flags = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS;
	want.sequence++;
	want.reason = PVIOMMU_REASON_PERMISSION;
	want.address = RIG_IOVA + 2 * PAGE + 4;
	want.code = F_PERMISSION;
	expect(want);
	rig_detach(EDU, rig.domain);
	REQUIRE(edu_load(&rig.edu, RIG_IOVA, 0, 4), "edu does not end its transfer");
	expect((struct pviommu_event){ .reason = PVIOMMU_REASON_DOMAIN,
				       .endpoint = RIG_VSID(EDU),
				       .sequence = 2,
				       .kind = PVIOMMU_KIND_FAULT,
				       .arch = PVIOMMU_ARCH_SMMUV3,
				       .code = C_BAD_STE });
	REQUIRE(!ring_waiting(ring) && ring->lost == lost && ring->sequence == first + 3, "the ring says something else");
	ring_close();
}

/* Beyond what a domain translates there is nothing mapped either. QEMU refuses that in stage 2 alone, too, but records nothing. */
CASE(events, an_address_that_no_domain_has_S1_3)
{
	u64 beyond;

	open(4, 0);
	beyond = 1ul << rig_query(PVIOMMU_Q_IOVA_BITS, 0);
	FAULTS(rig.testdev, beyond + 0x88, rig.page);
	FAULTS(rig.testdev2, NOT_MAPPED, rig.page);
	if (next().flags & PVIOMMU_EVENT_STAGE2)
		report_skip("this machine's domains are in stage 2");
	ring_close();
	ring = ring_open(4, 0);
	first = ring->sequence;
	FAULTS(rig.testdev, beyond + 0x88, rig.page);
	expect((struct pviommu_event){ .reason = PVIOMMU_REASON_MAPPING,
				       .flags = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS,
				       .endpoint = RIG_VSID(TESTDEV),
				       .address = beyond + 0x88,
				       .kind = PVIOMMU_KIND_FAULT,
				       .arch = PVIOMMU_ARCH_SMMUV3,
				       .code = F_TRANSLATION,
				       .cookie = COOKIE });
	ring_close();
}

/*
 * A device of ours that nobody assigned translates by identity and has no name: what it is refused is told in no ring, and
 * the debug console has it. Neither has one that is under the pvIOMMU and not named yet.
 */
CASE(events, of_nobody_are_told_to_nobody_S0_12_N71)
{
	u32 bdf, device, endpoint;
	struct testdev other;

	if (!rig_find_function(TESTDEV_ID, 0, &bdf))
		report_skip("this machine has no other testdev");
	open(4, 0);
	REQUIRE(rig_find_device(bdf, &device, &endpoint), "function %x has no device", bdf);
	testdev_open(&other, bdf);
	REQUIRE_EQUAL(testdev_write(&other, align_up(machine.reserved[0].base, PAGE), (u64)rig.page, 4), TESTDEV_REFUSED);
	REQUIRE_EQUAL(testdev_write(&other, machine.uart, machine.uart, 4), TESTDEV_REFUSED);
	rig_assign(device);
	testdev_open(&other, bdf);
	FAULTS(other, RIG_IOVA, rig.page);
	for (u32 i = 0; i < 100; i++)
		OK(dev_count());
	REQUIRE(!ring_waiting(ring) && ring->lost == lost && ring->sequence == first, "sequence %u, %lu lost",
		ring->sequence - first, ring->lost - lost);
	rig_set_vsid(device, endpoint, RIG_VSID(40));
	FAULTS(other, RIG_IOVA, rig.page);
	expect((struct pviommu_event){ .reason = PVIOMMU_REASON_DOMAIN,
				       .endpoint = RIG_VSID(40),
				       .kind = PVIOMMU_KIND_FAULT,
				       .arch = PVIOMMU_ARCH_SMMUV3,
				       .code = C_BAD_STE });
	ring_close();
}

#define FILLED_PAGES 128ul
#define FILLER       0x5ca1ab1e0ddba11ul

static u64 changed_words(const u64 *from, const u64 *to)
{
	u64 count = 0;

	for (; from < to; from++)
		count += *from != FILLER;
	return count;
}

/*
 * V6: of memory that is full of a pattern the hypervisor writes the ring's line and its records, in the names that we gave,
 * and nothing else; each word of these is told before.
 */
CASE(events, nothing_else_is_written_V6_N70_S3_4)
{
	u64 *filled;
	u32 *line;

	open(4, 0);
	filled = (u64 *)ram_alloc_raw(FILLED_PAGES * PAGE, PAGE);
	for (u64 i = 0; i < FILLED_PAGES * PAGE / 8; i++)
		filled[i] = FILLER;
	ring = (struct pviommu_ring *)(filled + FILLED_PAGES / 2 * PAGE / 8);
	ring->consumer = ring->mask_irq = 0;
	OK(pv_events_setup(rig.pviommu, (u64)ring, 2, 0, RING_FULL_RECORDS));
	for (u32 i = 0; i < 4; i++) {
		FAULTS(rig.testdev2, NOT_MAPPED + i * 0x1008, rig.page);
		expect((struct pviommu_event){ .reason = PVIOMMU_REASON_MAPPING,
					       .flags = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS,
					       .endpoint = RIG_VSID(TESTDEV2),
					       .address = NOT_MAPPED + i * 0x1008,
					       .sequence = i,
					       .kind = PVIOMMU_KIND_FAULT,
					       .arch = PVIOMMU_ARCH_SMMUV3,
					       .code = F_TRANSLATION });
	}
	line = (u32 *)ring;
	REQUIRE(line[0] == PC_ABI_VERSION && line[1] == 2 && line[2] == 4 && !line[3] && (line[4] | (u64)line[5] << 32) == lost &&
			line[6] == first + 4 && line[7] == PVIOMMU_RECORD_FULL,
		"the header is another");
	for (u32 i = 8; i < 16; i++)
		REQUIRE(!line[i], "word %u of the header is %#x", i, line[i]);
	/* The guest's line: what it said itself, and as it was. */
	REQUIRE(line[16] == 4 && !line[17] && !changed_words((u64 *)&line[18], (u64 *)&line[32]), "the guest's line was written");
	REQUIRE(!changed_words(filled, (u64 *)ring), "words before the ring were written");
	REQUIRE(!changed_words((u64 *)((char *)ring + ring_bytes(2, PVIOMMU_RECORD_FULL)), filled + FILLED_PAGES * PAGE / 8),
		"words behind the ring were written");
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
		AWAIT(ring_waiting(ring) >= 3, OK(dev_count()));
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
	AWAIT(ring_waiting(ring), OK(dev_count()));
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
	AWAIT(ring->sequence - first >= 5, OK(dev_count()));
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
		AWAIT(ring->lost >= lost + i + 1, OK(dev_count()));
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

/* --- everything at once */

static volatile u32 flooding;

static void flood(void *arg)
{
	do
		testdev_write(&rig.testdev, NOT_MAPPED, (u64)arg, 1024);
	while (flooding);
}

/* The CPU that is at the queue may be one that the host does not run for a while: then this asks for seconds. */
#define TRIES_MAX 20000u

static bool fault_is_told(void)
{
	struct pviommu_event event;

	for (u32 tries = 0; tries < TRIES_MAX; tries++) {
		FAULTS(rig.testdev2, NOT_MAPPED, rig.page);
		for (u32 calls = 0; calls <= 4096 / 64; calls++) {
			OK(dev_count());
			while (ring_take(ring, &event)) {
				if (event.kind == PVIOMMU_KIND_FAULT && event.endpoint == RIG_VSID(TESTDEV2))
					return true;
			}
		}
	}
	return false;
}

/*
 * While a device floods, on another CPU if there is one: rings that are too small, of other pages each time, with a consumer
 * that makes no sense, and none. The sequence and what is lost only grow, and what was a ring is not written any more.
 */
CASE(events, set_up_anew_while_it_floods_N69_H3)
{
	u32 sequence, cpus = smp_start_all();
	struct pviommu_ring *rings[2], *old;

	open(4, 0);
	sequence = ring->sequence;
	rings[0] = ram_alloc(PAGE, PAGE);
	rings[1] = ram_alloc(PAGE, PAGE);
	flooding = cpus > 1;
	if (flooding)
		smp_run(1, flood, rig.page);
	for (u32 i = 0; i < 300; i++) {
		old = ring;
		ring = rings[i % 2];
		memset(ring, 0, PAGE);
		OK(pv_events_setup(rig.pviommu, (u64)ring, i % 4, 0, RING_FULL_RECORDS));
		/* The pages are ours again, and keep what we write there. */
		memset(old, 0x5a, PAGE);
		if (cpus < 2)
			flood(rig.page);
		if (i % 3 == 1)
			ring->consumer = 0x40000000 * (i % 4) + i;
		else if (i % 3 == 2)
			ring_skip(ring);
		if (i % 16 == 15)
			ring_close();
		for (u32 k = 0; k < 4; k++)
			OK(dev_count());
		REQUIRE(ring->sequence - sequence < 0x80000000 && ring->lost >= lost, "sequence %u after %u, %lu lost after %lu",
			ring->sequence, sequence, ring->lost, lost);
		REQUIRE(ring->producer <= PAGE / PVIOMMU_RECORD_FULL || i % 3, "%u records in a ring that nobody read", ring->producer);
		sequence = ring->sequence;
		lost = ring->lost;
		for (u64 *at = (u64 *)old; at < (u64 *)((char *)old + PAGE); at++)
			REQUIRE(*at == 0x5a5a5a5a5a5a5a5aul, "round %u: word at %lx of a ring that was taken away is %lx", i, (u64)at, *at);
	}
	flooding = 0;
	if (cpus > 1)
		smp_join(1);
	/*
	 * And one that is as it should be has the next fault. Calls drain the queue, but not while another CPU is at it: what
	 * comes before that is done may find the queue full.
	 */
	ring = ring_open(4, 0);
	REQUIRE(fault_is_told(), "no fault is told any more");
	LANDS(rig.testdev, RIG_IOVA, rig.page);
	ring_close();
}
