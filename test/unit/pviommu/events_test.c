/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events in the owner's own terms: what each record says, who gets it, what a full, forged or missing ring costs whom, and
 * that nobody learns anything else.
 */
#include <string.h>

#include "hyp/io.h"

#include "bench_vm.h"
#include "iommu/drain.h"
#include "smmuv3/queue.h"
#include "smmuv3/smmuv3.h"
#include "suite.h"

#define RING   bench_page(600)
#define COOKIE 0x1122334455667788ull
#define IOVA   0x40000ull

static struct pviommu_ring *ring;
static u32 record_bytes, ring_log2;
static u32 d;

static struct result events_setup(u64 pviommu, u64 at, u64 log2, u64 irq, u64 flags)
{
	return bench_call(PC_PVIOMMU_OP, PVIOMMU_EVENTS_SETUP, pviommu, at, log2, irq, flags);
}

static void ring_at(u64 at, u32 log2, u32 bytes)
{
	ring = bench_ptr(at);
	ring_log2 = log2;
	record_bytes = bytes;
	memset(ring, 0, sizeof(*ring));
}

static void open_ring(u64 at, u32 log2, u32 irq)
{
	ring_at(at, log2, PVIOMMU_RECORD_FULL);
	assert_status(events_setup(0, at, log2, irq, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)), PC_SUCCESS);
}

/* vSIDs as in attach_list, with the cookie. */
static void attach_with(u32 vsid, u32 domain, u64 pasid, u64 bits, u64 cookie)
{
	struct pviommu_attach_list *list = bench_ptr(bench_page(700));
	u32 *vsids = bench_ptr(bench_page(700) + 64);

	*list = (struct pviommu_attach_list){ .size = sizeof(*list),
					      .domain = domain,
					      .pasid = (u32)pasid,
					      .pasid_bits = (u32)bits,
					      .cookie = cookie,
					      .vsids_ipa = bench_page(700) + 64,
					      .vsid_count = 1 };
	*vsids = vsid;
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, bench_page(700)), PC_SUCCESS);
}

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	oracle_effort(16);
	bench_assign(0, 0, 10);
	bench_assign(2, 0, 1);
	d = bench_domain();
	attach_with(1, d, 0, 0, COOKIE);
	open_ring(RING, 4, 0);
}

static void boot(void) { boot_with(bench_defaults()); }

static void boot_bare(void)
{
	struct bench_options o = bench_defaults();

	bench_boot(&o);
	oracle_effort(16);
}

static void drain(void) { hyp_exit_work(vm_vcpu(vm_primary, 0)); }

static u32 waiting(void) { return ring->producer - ring->consumer; }

/* The next record, taken. */
static struct pviommu_event take(void)
{
	struct pviommu_event e = { 0 };
	const char *records = (const char *)ring + sizeof(*ring);

	assert_true(waiting() > 0);
	memcpy(&e, records + (u64)(ring->consumer & ((1u << ring_log2) - 1)) * record_bytes, record_bytes);
	ring->consumer++;
	return e;
}

static void assert_event(const struct pviommu_event *got, const struct pviommu_event *want)
{
	assert_int_equal(got->reason, want->reason);
	assert_int_equal(got->flags, want->flags);
	assert_int_equal(got->endpoint, want->endpoint);
	assert_int_equal(got->address, want->address);
	assert_int_equal(got->kind, want->kind);
	assert_int_equal(got->code, want->code);
	assert_int_equal(got->sequence, want->sequence);
	assert_int_equal(got->cookie, want->cookie);
	/* And what has no name above. */
	assert_memory_equal(got, want, sizeof(*got));
}

static void fault_at(u64 iova) { bench_faults(2, 0, iova, SMMU_F_TRANSLATION); }

/* --- S1-3, S4-3, S4-10: each field of each kind of fault */

static void S1_3_S4_3_S4_10_every_field_of_a_fault(void **state UNUSED)
{
	struct pviommu_event want = { .endpoint = 1, .kind = PVIOMMU_KIND_FAULT, .arch = PVIOMMU_ARCH_SMMUV3, .cookie = COOKIE };
	struct smmu_dma dma = { .size = 8 };
	struct pviommu_event got;
	u64 value = 0;

	boot();
	dma.sid = bench_sid(2, 0);
	bench_map(d, 0x100000, bench_page(1), PAGE_SIZE);
	assert_status(pv_map(d, 0x101000, bench_page(2), PAGE_SIZE, PVIOMMU_PROT_READ | PVIOMMU_PROT_NOEXEC), PC_SUCCESS);
	for (u32 i = 0; i < 8; i++) {
		dma.write = i & 1;
		dma.priv = i & 2;
		dma.addr = i & 4 ? 0x101008 : IOVA + 0x123;
		want.address = dma.addr;
		want.reason = i & 4 ? PVIOMMU_REASON_PERMISSION : PVIOMMU_REASON_MAPPING;
		want.code = i & 4 ? SMMU_F_PERMISSION : SMMU_F_TRANSLATION;
		want.flags = PVIOMMU_EVENT_ADDRESS | (dma.write ? PVIOMMU_EVENT_WRITE : PVIOMMU_EVENT_READ) |
			     (dma.priv ? PVIOMMU_EVENT_PRIVILEGED : 0);
		if (smmu_dma(bench_smmu[0], &dma, &value, NULL) == SMMU_OK)
			continue; /* a read of what may be read */
		drain();
		got = take();
		assert_event(&got, &want);
		want.sequence++;
	}
	assert_int_equal(want.sequence, 6);
	/* A stream that is not attached. */
	bench_faults(0, 1, IOVA, SMMU_C_BAD_STE);
	drain();
	got = take();
	assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_DOMAIN,
						    .endpoint = 11,
						    .sequence = 6,
						    .kind = PVIOMMU_KIND_FAULT,
						    .arch = PVIOMMU_ARCH_SMMUV3,
						    .code = SMMU_C_BAD_STE });
	assert_int_equal(waiting(), 0);
	assert_int_equal(ring->sequence, 7);
	assert_int_equal(ring->lost, 0);
}

/* On hardware with stage 2 alone the flag says so; no address of stage 2's is told. */
static void N70_stage_2_faults_name_the_devices_address(void **state UNUSED)
{
	struct pviommu_event got;

	boot_with(bench_stage2_only());
	fault_at(IOVA + 0x10);
	drain();
	got = take();
	assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_MAPPING,
						    .flags = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS |
							     PVIOMMU_EVENT_STAGE2,
						    .endpoint = 1,
						    .address = IOVA + 0x10,
						    .kind = PVIOMMU_KIND_FAULT,
						    .arch = PVIOMMU_ARCH_SMMUV3,
						    .code = SMMU_F_TRANSLATION,
						    .cookie = COOKIE });
}

/* Readers of 48 bytes know the flags of virtio-iommu's records and no other. */
static void S4_2_N83_long_records_have_no_flags_of_ours(void **state UNUSED)
{
	struct pviommu_event got;

	boot_with(bench_stage2_only());
	ring_at(RING, 4, PVIOMMU_RECORD_LONG);
	assert_status(events_setup(0, RING, 4, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_LONG)), PC_SUCCESS);
	fault_at(IOVA);
	drain();
	got = take();
	assert_int_equal(got.flags, PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS);
}

/*
 * Every code, with every bit that a record can have: the owner is told of those that its own tables and devices cause, and of
 * none of what is ours, no page request, nothing that waits for an answer, and no word of hardware's beyond the address.
 */
static void S4_9_N70_each_code_tells_what_an_owner_may_know(void **state UNUSED)
{
	static const u8 told[] = { 0x01, 0x05, 0x06, 0x07, 0x08, 0x0a, 0x0b, 0x10, 0x11, 0x12, 0x13, 0x20 };
	u32 count = 0;

	boot();
	open_ring(RING, 10, 0);
	for (u32 code = 0; code < 256; code++) {
		const u64 w[4] = { code | (u64)bench_sid(2, 0) << 32, ~0ull, 0xabcd123, 0x000fedcba9876000ull };
		struct iommu_event event;
		struct pviommu_event got;
		bool tells = memchr(told, (int)code, sizeof(told)) != NULL;

		(void)smmuv3_event_decode(w, &event);
		event.number = ~1ull;
		iommu_report_event(&iommu_instance[0], &event);
		/* That an attached stream is invalid is a bug of ours: only that something is missing is told, with the next. */
		assert_int_equal(ring->lost, code >= SMMU_C_BAD_STE);
		assert_int_equal(waiting() != 0, tells);
		if (!tells)
			continue;
		count++;
		got = take();
		if (got.kind == PVIOMMU_KIND_LOST)
			got = take();
		assert_int_equal(waiting(), 0);
		assert_int_equal(got.kind, PVIOMMU_KIND_FAULT);
		assert_int_equal(got.code, code);
		assert_int_equal(got.endpoint, 1);
		assert_int_equal(got.flags & (PVIOMMU_EVENT_LAST | PVIOMMU_EVENT_PAGE_REQUEST | PVIOMMU_EVENT_GROUP_ID |
					      PVIOMMU_EVENT_PRIVATE_DATA | PVIOMMU_EVENT_STALLED | PVIOMMU_EVENT_AUTO_RESPONDED),
				 0);
		assert_true(got.group_id == 0 && got.private_data[0] == 0 && got.private_data[1] == 0);
		assert_int_equal(got.address, got.flags & PVIOMMU_EVENT_ADDRESS ? 0xabcd123 : 0);
	}
	assert_int_equal(count, ARRAY_SIZE(told));
}

/* --- S1-2, S1-6, N84, N85: PASIDs */

static enum smmu_event tagged(u32 pasid, u64 iova)
{
	u64 value = 0;
	const struct smmu_dma dma = { .sid = bench_sid(1, 0), .has_ssid = true, .ssid = pasid, .write = true, .addr = iova, .size = 8 };

	return smmu_dma(bench_smmu[0], &dma, &value, NULL);
}

static void S1_2_S1_5_S1_6_N84_N85_each_pasid_has_its_cookie(void **state UNUSED)
{
	struct pviommu_event got;
	u64 value = 0;

	boot_with(bench_pasids());
	bench_assign(1, 0, 20);
	attach_with(20, bench_domain(), 0, 4, 100);
	attach_with(20, bench_domain(), 3, 0, 103);
	attach_with(20, bench_domain(), 5, 0, 105);
	tagged(3, IOVA);
	tagged(5, IOVA);
	tagged(9, IOVA);  /* nothing is attached there */
	tagged(99, IOVA); /* beyond what it was attached with */
	smmu_dma_write(bench_smmu[0], bench_sid(1, 0), IOVA, &value, 8);
	drain(); /* some of them: the call before it may have been long */
	drain();
	for (u32 i = 0; i < 5; i++) {
		static const u64 cookies[] = { 103, 105, 0, 0, 100 };
		static const u32 pasids[] = { 3, 5, 9, 99, 0 };

		got = take();
		assert_int_equal(got.endpoint, 20);
		assert_int_equal(got.cookie, cookies[i]);
		assert_int_equal(got.pasid, pasids[i]);
		assert_int_equal((got.flags & PVIOMMU_EVENT_PASID) != 0, i < 4);
		if (i == 3)
			assert_int_equal(got.reason, PVIOMMU_REASON_PASID);
	}
	assert_int_equal(waiting(), 0);
	/* Far beyond, where the pool holds something else. */
	for (u32 pasid = 16; pasid < 1024; pasid++) {
		tagged(pasid, IOVA);
		drain();
		got = take();
		assert_true(got.cookie == 0 && got.pasid == pasid && got.reason == PVIOMMU_REASON_PASID);
	}
}

/* --- S1-1, S1-7: attachments that change */

static void S1_1_S1_7_late_records_are_nobodys(void **state UNUSED)
{
	struct pviommu_event got;
	u32 other;

	boot();
	other = bench_domain();
	/* Told before the change what was reported before it, with the cookie that was. */
	fault_at(IOVA);
	attach_with(1, other, 0, 0, 7);
	got = take();
	assert_int_equal(got.cookie, COOKIE);
	fault_at(IOVA);
	drain();
	got = take();
	assert_int_equal(got.cookie, 7);
	/* More than one drain takes: the rest is lost, and the new attachment does not get it. */
	for (u32 i = 0; i < DRAIN_EVENTS + 5; i++)
		fault_at(IOVA);
	ring->consumer = ring->producer;
	attach_with(1, d, 0, 0, COOKIE);
	ring->consumer = ring->producer;
	drain();
	assert_int_equal(waiting(), 0);
	assert_true(ring->lost >= 5);
	fault_at(IOVA);
	drain();
	got = take();
	assert_int_equal(got.kind, PVIOMMU_KIND_LOST);
	got = take();
	assert_int_equal(got.cookie, COOKIE);
	/* After a detach its faults are those of a stream with nothing attached. */
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	bench_faults(2, 0, IOVA, SMMU_C_BAD_STE);
	drain();
	got = take();
	assert_true(got.cookie == 0 && got.reason == PVIOMMU_REASON_DOMAIN && got.endpoint == 1);
	assert_int_equal(waiting(), 0);
}

static void N72_a_new_name_is_told_and_the_old_one_never(void **state UNUSED)
{
	struct pviommu_event got;

	boot();
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	bench_faults(2, 0, IOVA, SMMU_C_BAD_STE);
	/* Queued, and not taken when the device gets its other name. */
	for (u32 i = 0; i < 2 * DRAIN_EVENTS; i++)
		bench_faults(2, 0, IOVA, SMMU_C_BAD_STE);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_assign(2, 0, 0x88);
	ring->consumer = ring->producer;
	for (u32 i = 0; i < 4; i++)
		drain();
	while (waiting() > 0) {
		got = take();
		assert_int_not_equal(got.endpoint, 1);
		assert_true(got.kind == PVIOMMU_KIND_LOST);
	}
	fake_time_advance(2 * DRAIN_MUTE_US);
	drain();
	ring->consumer = ring->producer;
	bench_faults(2, 0, IOVA, SMMU_C_BAD_STE);
	drain();
	got = take();
	if (got.kind == PVIOMMU_KIND_LOST)
		got = take();
	assert_int_equal(got.endpoint, 0x88);
}

/* --- S0-8, S0-9, S0-12, N71: whose it is */

static void S0_12_N71_events_of_nobody_stay(void **state UNUSED)
{
	u64 value = 0;

	boot();
	bench_faults(3, 0, 0, SMMU_F_TRANSLATION); /* identity: the primary's, and under no name */
	smmu_dma_write(bench_smmu[0], 0x7ff, 0, &value, 8); /* nobody's stream */
	bench_assign(3, 1, 5); /* a name, under another pvIOMMU, without a ring */
	bench_faults(3, 0, 0, SMMU_C_BAD_STE);
	/* Under this one, and no name yet: never as vSID 0. */
	assert_status(pc_dev_assign(1, PC_VM_PRIMARY, 0), PC_SUCCESS);
	bench_faults(1, 0, 0, SMMU_C_BAD_STE);
	drain();
	assert_int_equal(waiting(), 0);
	assert_int_equal(ring->sequence, 0);
	assert_int_equal(ring->lost, 0);
}

static void S0_8_S0_9_one_name_under_two_pviommus(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct pviommu_ring *first;
	struct pviommu_event got;

	o.iommus = 2;
	boot_with(o);
	first = ring;
	bench_assign(5, 1, 1);
	ring_at(bench_page(610), 2, PVIOMMU_RECORD_FULL);
	assert_status(events_setup(1, bench_page(610), 2, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)), PC_SUCCESS);
	bench_faults(5, 0, 0x7000, SMMU_C_BAD_STE);
	drain();
	assert_int_equal(first->producer, 0);
	got = take();
	assert_int_equal(got.endpoint, 1);
	assert_int_equal(got.reason, PVIOMMU_REASON_DOMAIN);
	ring = first;
	ring_log2 = 4;
	fault_at(IOVA);
	drain();
	got = take();
	assert_int_equal(got.reason, PVIOMMU_REASON_MAPPING);
}

/* --- S1-4: the interrupt */

static u32 raised(void) { return fake_event_irq_raised[machine->event_irq[0]]; }

static void S1_4_one_interrupt_from_empty_to_not_empty(void **state UNUSED)
{
	boot();
	open_ring(RING, 10, machine->event_irq[0]);
	for (u32 i = 0; i < 1000; i++) {
		fault_at(IOVA);
		if (i % 100 == 99)
			ring->consumer = ring->producer;
		drain();
	}
	/* The first, and one each time that the guest had taken all that there was. */
	assert_true(raised() >= 1 && raised() <= 11);
	assert_int_equal(ring->producer, 1000);
	ring->consumer = ring->producer;
	ring->mask_irq = 1;
	fake_event_irq_raised[machine->event_irq[0]] = 0;
	fault_at(IOVA);
	drain();
	assert_int_equal(raised(), 0);
	ring->mask_irq = 0;
	fault_at(IOVA);
	drain();
	assert_int_equal(raised(), 0); /* not empty: who unmasks looks at the producer */
	ring->consumer = ring->producer;
	fault_at(IOVA);
	drain();
	assert_int_equal(raised(), 1);
}

/* --- S1-11, N66, N67, N69, H2: what does not fit */

static void S1_11_N66_N67_a_full_ring_counts_what_it_loses(void **state UNUSED)
{
	struct pviommu_event got;

	boot();
	open_ring(RING, 1, 0);
	for (u32 i = 0; i < 5; i++)
		fault_at(IOVA + i * PAGE_SIZE);
	drain();
	/* Seen without any later event. */
	assert_int_equal(waiting(), 2);
	assert_true(ring->lost == 3 && ring->sequence == 5 && ring->flags == PVIOMMU_RING_OVERFLOW);
	assert_int_equal(take().sequence, 0);
	assert_int_equal(take().sequence, 1);
	fault_at(IOVA);
	drain();
	got = take();
	assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_LOST,
						    .flags = PVIOMMU_EVENT_PRIVATE_DATA,
						    .private_data = { 3, 0 },
						    .sequence = 4,
						    .kind = PVIOMMU_KIND_LOST });
	assert_int_equal(take().sequence, 5);
	assert_int_equal(ring->flags, 0);
	/* A ring of one record: the events, and a gap in their numbers. */
	open_ring(RING, 0, 0);
	fault_at(IOVA);
	fault_at(IOVA);
	drain();
	assert_int_equal(take().sequence, 6);
	fault_at(IOVA);
	drain();
	assert_int_equal(waiting(), 1);
	assert_int_equal(take().sequence, 8);
	assert_int_equal(ring->lost, 4);
}

static void N69_a_forged_consumer_harms_its_owner(void **state UNUSED)
{
	static const u32 forged[] = { 1, 17, 0x80000000, ~0u - 16, 0x7fffffff };
	u64 before[PAGE_SIZE / 8];

	boot();
	bench_fill(bench_page(601), PAGE_SIZE, 0x5a);
	for (u32 i = 0; i < ARRAY_SIZE(forged); i++) {
		ring->consumer = ring->producer + forged[i];
		memcpy(before, ring, sizeof(before));
		fault_at(IOVA);
		drain();
		/* Full: nothing but the counts changed. */
		assert_memory_equal((char *)before + sizeof(*ring), (char *)ring + sizeof(*ring),
				    sizeof(before) - sizeof(*ring));
		assert_int_equal(ring->lost, i + 1);
	}
	/* Where no ring is nothing is written. */
	assert_true(bench_all(bench_page(601), PAGE_SIZE, 0x5a));
	ring->consumer = ring->producer;
	fault_at(IOVA);
	drain();
	assert_int_equal(waiting(), 2);
}

/* --- S4-2, S4-11, N83: sizes of records */

/* Round the ring, and across its pages. */
static void records_of(u32 bytes)
{
	bool has_pasid = bytes > PVIOMMU_RECORD_SHORT;

	boot_with(bench_pasids());
	bench_assign(1, 0, 20);
	attach_with(20, bench_domain(), 0, 4, 100);
	attach_with(20, bench_domain(), 3, 0, 103);
	ring_at(RING, 9, bytes);
	assert_status(events_setup(0, RING, 9, 0, PVIOMMU_EVENTS_RECORD(bytes)), PC_SUCCESS);
	for (u32 i = 0; i < 1200; i++) {
		u64 iova = 0x1000000ull + i * PAGE_SIZE + i;
		struct pviommu_event got;

		tagged(3, iova);
		drain();
		got = take();
		assert_true(got.endpoint == 20 && got.address == iova && got.reason == PVIOMMU_REASON_MAPPING);
		assert_int_equal(got.reserved0[0] | got.reserved0[1] | got.reserved0[2], 0);
		assert_int_equal(got.pasid, has_pasid ? 3 : 0);
		assert_int_equal(got.flags, PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS |
						    (has_pasid ? PVIOMMU_EVENT_PASID : 0));
		if (bytes == PVIOMMU_RECORD_FULL)
			assert_true(got.cookie == 103 && got.sequence == i);
	}
	assert_int_equal(ring->lost, 0);
}

static void S4_2_S4_11_N83_records_as_virtio_iommu_has_them(void **state UNUSED) { records_of(PVIOMMU_RECORD_SHORT); }

static void S4_2_S4_11_N83_records_with_pasid(void **state UNUSED) { records_of(PVIOMMU_RECORD_LONG); }

static void S4_2_S4_11_full_records(void **state UNUSED) { records_of(PVIOMMU_RECORD_FULL); }

/* --- EVENTS_SETUP itself */

static void I3_N64_setup_statuses(void **state UNUSED)
{
	const u64 full = PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL);
	u64 irq;

	boot();
	irq = machine->event_irq[1];
	assert_status(events_setup(8, RING, 4, 0, full), PC_NOT_FOUND);
	assert_status(events_setup(1ull << 32, RING, 4, 0, full), PC_NOT_FOUND);
	assert_status(events_setup(0, RING, 4, 0, full | PVIOMMU_EVENTS_PAGE_REQUESTS), PC_NOT_SUPPORTED);
	for (u32 bit = 1; bit < 64; bit++)
		if (bit < 8 || bit > 15)
			assert_status(events_setup(0, RING, 4, 0, full | 1ull << bit), PC_NOT_SUPPORTED);
	for (u32 bytes = 0; bytes < 256; bytes++)
		if (bytes != 24 && bytes != 48 && bytes != 64)
			assert_status(events_setup(0, RING, 4, 0, PVIOMMU_EVENTS_RECORD(bytes)), PC_INVALID_PARAMETER);
	assert_status(events_setup(0, RING, 13, 0, full), PC_INVALID_PARAMETER);
	assert_status(events_setup(0, RING, 1ull << 32, 0, full), PC_INVALID_PARAMETER);
	assert_status(events_setup(0, RING + 64, 4, 0, full), PC_INVALID_PARAMETER);
	assert_status(events_setup(0, 0ull - PAGE_SIZE, 12, 0, full), PC_INVALID_PARAMETER);
	assert_status(events_setup(0, RING, 4, 27, full), PC_INVALID_PARAMETER);
	assert_status(events_setup(0, RING, 4, irq | 1ull << 32, full), PC_INVALID_PARAMETER);
	assert_status(events_setup(0, bench_bar(3), 4, 0, full), PC_FAULT);
	assert_status(events_setup(0, FAKE_RAM_BASE, 4, 0, full), PC_FAULT);
	assert_status(events_setup(0, machine->ram[0].base + machine->ram[0].size - PAGE_SIZE, 12, 0, full), PC_FAULT);
	/* Another ring's interrupt. */
	bench_assign(3, 1, 5);
	assert_status(events_setup(1, bench_page(610), 4, irq, full), PC_SUCCESS);
	assert_status(events_setup(0, RING, 4, irq, full), PC_BUSY);
	assert_status(events_setup(1, bench_page(611), 4, irq, full), PC_SUCCESS); /* its own */
	/* Taking it away. */
	assert_status(events_setup(1, 0, 4, 0, 0), PC_INVALID_PARAMETER);
	assert_status(events_setup(1, 0, 0, irq, 0), PC_INVALID_PARAMETER);
	assert_status(events_setup(1, 0, 0, 0, full), PC_INVALID_PARAMETER);
	assert_status(events_setup(1, 0, 0, 0, 0), PC_SUCCESS);
	assert_status(events_setup(1, 0, 0, 0, 0), PC_NOT_FOUND);
	assert_status(events_setup(0, RING, 4, irq, full), PC_SUCCESS);
}

/*
 * Where a reader brings a buffer, one that holds no whole record is refused and takes none. Here its size is said once, with
 * the ring: what is refused leaves the ring that there is, and what waits in it.
 */
static void N65_a_record_that_does_not_fit_is_refused_and_takes_none(void **state UNUSED)
{
	static const u32 bytes[] = { 0, PVIOMMU_RECORD_SHORT - 1, PVIOMMU_RECORD_SHORT + 1, PVIOMMU_RECORD_LONG - 1, PVIOMMU_RECORD_FULL - 1 };
	u32 sequence;

	boot();
	fault_at(IOVA);
	drain();
	assert_int_equal(waiting(), 1);
	for (u32 i = 0; i < ARRAY_SIZE(bytes); i++)
		assert_status(events_setup(0, bench_page(610), 4, 0, PVIOMMU_EVENTS_RECORD(bytes[i])), PC_INVALID_PARAMETER);
	assert_int_equal(waiting(), 1);
	sequence = take().sequence;
	fault_at(IOVA);
	drain();
	assert_int_equal(waiting(), 1);
	assert_int_equal(take().sequence, sequence + 1);
}

static void S1_4_V2_ring_pages_are_pinned_and_the_sequence_survives(void **state UNUSED)
{
	const u64 full = PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL);

	boot();
	fault_at(IOVA);
	drain();
	assert_int_equal(page_find(pa(RING))->pins, 1);
	/* The largest, in which the old one lies. */
	ring_at(bench_page(590), 12, PVIOMMU_RECORD_FULL);
	assert_status(events_setup(0, bench_page(590), 12, 0, full), PC_SUCCESS);
	for (u32 i = 0; i < 65; i++)
		assert_int_equal(page_find(pa(bench_page(590 + i)))->pins, 1);
	assert_int_equal(page_find(pa(bench_page(655)))->pins, 0);
	assert_int_equal(ring->producer, 0);
	assert_int_equal(ring->sequence, 1);
	fault_at(IOVA);
	drain();
	assert_int_equal(take().sequence, 1);
	/* Without a ring what happens counts as lost. */
	assert_status(events_setup(0, 0, 0, 0, 0), PC_SUCCESS);
	assert_int_equal(page_find(pa(bench_page(600)))->pins, 0);
	fault_at(IOVA);
	drain();
	open_ring(RING, 2, 0);
	assert_true(ring->lost == 1 && ring->sequence == 3 && ring->flags == PVIOMMU_RING_OVERFLOW);
	/* A device that leaves its pvIOMMU takes the ring of a pvIOMMU that stands for nothing any more. */
	bench_assign(3, 1, 5);
	assert_status(events_setup(1, bench_page(610), 2, 0, full), PC_SUCCESS);
	assert_status(pc_dev_release(3), PC_SUCCESS);
}

static void N68_the_sequence_wraps(void **state UNUSED)
{
	boot();
	vm_primary->pviommu[0].ring.sequence = ~0u - 1;
	for (u32 i = 0; i < 4; i++) {
		fault_at(IOVA);
		drain();
		assert_int_equal(take().sequence, ~0u - 1 + i);
	}
	assert_int_equal(ring->sequence, 2);
}

/* --- VMs */

#define AT 0x80000000ull

static u32 vm_with_ring(u32 device, u32 log2, u32 irq)
{
	u32 vm = bench_vm_of(0, 128, 1);

	bench_donate(vm, AT, bench_page(1000), 200, PC_DONATE_SCRUB);
	bench_vm_assign(device, vm, 0, 1);
	ring_at(bench_page(1000), log2, PVIOMMU_RECORD_FULL);
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, AT, log2, irq, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)), PC_SUCCESS);
	return vm;
}

static const struct fake_vm_event *vm_irq(u32 intid)
{
	for (u32 i = 0; i < ARRAY_SIZE(fake_vm_event); i++)
		if (fake_vm_event[i].vm != NULL && fake_vm_event[i].intid == intid)
			return &fake_vm_event[i];
	return NULL;
}

static void S1_4_a_vm_has_its_own_ring_and_interrupt(void **state UNUSED)
{
	const u64 full = PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL);
	struct pviommu_event got;
	u32 vm;

	boot_bare();
	vm = vm_with_ring(0, 4, 50);
	bench_faults(0, 2, IOVA, SMMU_C_BAD_STE);
	drain();
	got = take();
	assert_int_equal(got.endpoint, 3); /* the third endpoint of the device */
	assert_int_equal(vm_irq(50)->raised, 1);
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, AT, 4, 31, full), PC_INVALID_PARAMETER);
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, AT, 4, 128, full), PC_INVALID_PARAMETER);
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, AT, 4, 51, full), PC_SUCCESS);
	assert_null(vm_irq(50));
	/* Its pages are its own alone as long as they are a ring's. */
	assert_status(vm_share(vm, AT, 1), PC_BUSY);
	assert_status(vm_relinquish(vm, AT, 0), PC_BUSY);
	assert_status(vm_share(vm, AT + 100 * PAGE_SIZE, 1), PC_SUCCESS);
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, AT + 100 * PAGE_SIZE, 4, 0, full), PC_FAULT);
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, 0, 0, 0, 0), PC_SUCCESS);
	assert_null(vm_irq(51));
	assert_status(vm_share(vm, AT, 1), PC_SUCCESS);
	bench_destroy(vm);
}

/* Records of 48 bytes lie across pages, which are anywhere: every second page of the primary's here, the last first. */
static void S4_11_a_ring_of_scattered_pages(void **state UNUSED)
{
	const u32 log2 = 8, bytes = PVIOMMU_RECORD_LONG, pages = 4;
	struct pviommu_event got;
	u32 vm;

	boot_bare();
	vm = bench_vm_of(0, 128, 1);
	for (u32 i = 0; i < pages; i++) {
		bench_donate(vm, AT + i * PAGE_SIZE, bench_page(1006 - 2 * i), 1, PC_DONATE_SCRUB);
		bench_fill(bench_page(1007 - 2 * i), PAGE_SIZE, 0x5a);
	}
	bench_vm_assign(0, vm, 0, 1);
	bench_vm_attach(vm, 1, bench_vm_domain(vm));
	ring = bench_ptr(bench_page(1006));
	assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, AT, log2, 0, PVIOMMU_EVENTS_RECORD(bytes)), PC_SUCCESS);
	for (u32 i = 0; i < 300; i++) {
		bench_faults(0, 0, IOVA + i, SMMU_F_TRANSLATION);
		drain();
		for (u32 k = 0; k < bytes; k++) {
			u64 at = sizeof(*ring) + (u64)(i % (1u << log2)) * bytes + k;

			((u8 *)&got)[k] = *((u8 *)bench_ptr(bench_page(1006 - 2 * (at / PAGE_SIZE))) + at % PAGE_SIZE);
		}
		assert_true(got.endpoint == 1 && got.reason == PVIOMMU_REASON_MAPPING && got.address == IOVA + i);
		ring->consumer++;
	}
	assert_int_equal(ring->lost, 0);
	for (u32 i = 1001; i <= 1007; i += 2)
		assert_true(bench_all(bench_page(i), PAGE_SIZE, 0x5a));
	bench_destroy(vm);
}

/* V6: all that is not zero in a VM's memory is in the records that it knows, in its own names. */
static void V6_N70_nothing_else_is_written_to_a_vm(void **state UNUSED)
{
	struct pviommu_event got;
	u32 vm, domain;

	boot_bare();
	vm = vm_with_ring(0, 4, 50);
	domain = bench_vm_domain(vm);
	bench_vm_attach(vm, 2, domain);
	bench_vm_map(vm, domain, 0x1000, AT + 10 * PAGE_SIZE, PAGE_SIZE);
	bench_faults(0, 0, 0xabc000, SMMU_C_BAD_STE);
	bench_faults(0, 1, 0xabc000, SMMU_F_TRANSLATION);
	drain();
	got = take();
	assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_DOMAIN,
						    .endpoint = 1,
						    .kind = PVIOMMU_KIND_FAULT,
						    .arch = PVIOMMU_ARCH_SMMUV3,
						    .code = SMMU_C_BAD_STE });
	got = take();
	assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_MAPPING,
						    .flags = PVIOMMU_EVENT_WRITE | PVIOMMU_EVENT_ADDRESS,
						    .endpoint = 2,
						    .address = 0xabc000,
						    .sequence = 1,
						    .kind = PVIOMMU_KIND_FAULT,
						    .arch = PVIOMMU_ARCH_SMMUV3,
						    .code = SMMU_F_TRANSLATION });
	assert_true(ring->version == PC_ABI_VERSION && ring->log2 == 4 && ring->producer == 2 && ring->flags == 0 &&
		    ring->lost == 0 && ring->sequence == 2 && ring->record_bytes == 64);
	memset(ring, 0, sizeof(*ring) + 2 * sizeof(got));
	assert_true(bench_all(bench_page(1000), 200 * PAGE_SIZE, 0));
	bench_destroy(vm);
}

static void E4_H3_teardown_while_it_floods(void **state UNUSED)
{
	u64 value = 0;
	u32 vm, steps = 0;

	boot_bare();
	vm = vm_with_ring(0, 4, 50);
	for (;;) {
		struct result r;

		for (u32 i = 0; i < 40; i++)
			smmu_dma_write(bench_smmu[0], bench_sid(0, i % 3), IOVA, &value, 8);
		r = pc_vm_destroy(vm);
		assert_status(r, PC_SUCCESS);
		drain();
		steps++;
		if (r.v1 == 0)
			break;
	}
	assert_true(steps > 10);
	assert_null(vm_irq(50));
	for (u32 i = 0; i < 100; i++)
		drain();
	assert_true(bench_all(bench_page(1000), 200 * PAGE_SIZE, 0));
}

/* A device that cannot be reset stays with its VM's pvIOMMU to the end: the ring goes all the same, and then everything. */
static void E4_the_ring_of_a_device_that_is_not_reset_goes(void **state UNUSED)
{
	u32 vm;

	boot_bare();
	vm = vm_with_ring(0, 4, 50);
	bench_quarantine_expected();
	bench_reset_status = E_IO;
	bench_destroy(vm);
	assert_int_equal(device_table[0].state, DEVICE_QUARANTINED);
	assert_null(vm_irq(50));
	bench_faults(0, 0, IOVA, SMMU_C_BAD_STE);
	drain();
	assert_true(bench_all(bench_page(1000), 200 * PAGE_SIZE, 0));
}

/* --- H2, N81, N82: floods and overflows */

static void N81_overflow_is_told_to_everybody_behind_the_unit(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct pviommu_ring *primary;
	struct pviommu_event got;
	u32 vm;

	o.smmu.evtq_like_qemu = false;
	boot_with(o);
	primary = ring;
	vm = vm_with_ring(3, 4, 0);
	for (u32 i = 0; i < 5000; i++)
		fault_at(IOVA);
	drain();
	/* The VM had no part in it, and hears that something may be missing. */
	got = take();
	assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_LOST, .kind = PVIOMMU_KIND_LOST });
	assert_int_equal(waiting(), 0);
	assert_int_equal(ring->lost, 1);
	assert_true(primary->lost > 1);
	bench_destroy(vm);
}

/* All of hardware's queue and more, and the exits that it takes to be through with it. */
static void overflow(void)
{
	u64 lost = vm_primary->pviommu[0].lost;

	fake_time_advance(2 * DRAIN_MUTE_US);
	drain();
	for (u32 i = 0; i < 5000; i++)
		fault_at(IOVA);
	for (u32 i = 0; i < 200; i++)
		drain();
	assert_true(vm_primary->pviommu[0].lost > lost);
}

/* With the ring full, or none there at the time: it is told behind what is there, or first of all in the next one. */
static void N81_overflow_while_there_is_no_room(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct pviommu_event got;
	u32 vm;

	o.smmu.evtq_like_qemu = false;
	boot_with(o);
	vm = vm_with_ring(3, 1, 0);
	for (u32 i = 0; i < 2; i++)
		bench_faults(3, 0, 0x77000, SMMU_C_BAD_STE);
	drain();
	assert_int_equal(waiting(), 2);
	overflow();
	assert_int_equal(waiting(), 2);
	assert_int_equal(ring->flags, PVIOMMU_RING_OVERFLOW);
	assert_int_equal(ring->lost, 1);
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(take().kind, PVIOMMU_KIND_FAULT);
	for (u32 i = 0; i < 2; i++) {
		bench_faults(3, 0, 0x77000, SMMU_C_BAD_STE);
		drain();
		got = take();
		assert_int_equal(got.kind, PVIOMMU_KIND_LOST);
		assert_int_equal(got.flags & PVIOMMU_EVENT_PRIVATE_DATA, 0); /* how many, nobody knows */
		got = take();
		assert_true(got.kind == PVIOMMU_KIND_FAULT && got.endpoint == 1);
		assert_int_equal(waiting(), 0);
		if (i == 1)
			break;
		assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, 0, 0, 0, 0), PC_SUCCESS);
		overflow();
		ring_at(bench_page(1000), 4, PVIOMMU_RECORD_FULL);
		assert_status(vm_pv(vm, PVIOMMU_EVENTS_SETUP, 0, AT, 4, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)),
			      PC_SUCCESS);
	}
	assert_int_equal(ring->lost, 2);
	bench_destroy(vm);
}

/* The bound: all that can be queued before it, DRAIN_EVENTS an exit. */
static void flood_and_victim(struct bench_options o)
{
	struct pviommu_event got;
	u64 value = 0, lost;
	u32 vm, exits = 0;

	boot_with(o);
	vm = vm_with_ring(3, 4, 0);
	/* 50,000 events of one device, exits in between as its interrupts would make them. */
	for (u32 i = 0; i < 50000; i++) {
		smmu_dma_write(bench_smmu[0], bench_sid(2, 0), IOVA, &value, 8);
		if (i % 1000 == 999)
			drain();
	}
	/* Now it leaves no room in hardware's queue, if it can: more than that holds, and no exit. */
	for (u32 i = 0; i < 5000; i++)
		smmu_dma_write(bench_smmu[0], bench_sid(2, 0), IOVA, &value, 8);
	ring->consumer = ring->producer;
	ring->lost = 0;
	bench_faults(3, 0, 0x77000, SMMU_C_BAD_STE);
	do {
		smmu_dma_write(bench_smmu[0], bench_sid(2, 0), IOVA, &value, 8);
		drain();
		exits++;
		while (waiting() > 0 && (got = take()).kind == PVIOMMU_KIND_LOST)
			;
		assert_true(exits <= (1u << o.smmu.evtq_bits) / DRAIN_EVENTS + 1);
	} while (got.kind != PVIOMMU_KIND_FAULT || got.endpoint != 1);
	/* The one that flooded speaks again after its time, and its mapped pages were its all along. */
	bench_map(d, 0x100000, bench_page(500), PAGE_SIZE);
	bench_lands(2, 0, 0x100000, bench_page(500));
	for (u32 i = 0; i < 100; i++)
		drain();
	ring = bench_ptr(RING);
	lost = ring->lost;
	fake_time_advance(2 * DRAIN_MUTE_US);
	drain();
	assert_int_equal(ring->lost, lost + 1); /* that it had more faults is said, how many nobody knows */
	ring->consumer = ring->producer;
	fault_at(IOVA);
	drain();
	do
		got = take();
	while (got.kind == PVIOMMU_KIND_LOST);
	assert_true(got.endpoint == 1 && got.cookie == COOKIE);
	bench_destroy(vm);
}

static void H2_N82_a_flood_keeps_nobodys_fault_away(void **state UNUSED) { flood_and_victim(bench_defaults()); }

static void H2_N82_the_same_in_stage_2(void **state UNUSED) { flood_and_victim(bench_stage2_only()); }

static void H2_N82_the_same_in_stage_1(void **state UNUSED) { flood_and_victim(bench_stage1_only()); }

/* Several streams in turn, none of which has half of what there is, each faster than records are taken. */
static void several_flood(u32 streams)
{
	struct pviommu_event got = { 0 };
	u32 vm, exits = 0, sid[4];
	u64 value = 0;

	boot();
	sid[0] = bench_sid(2, 0);
	for (u32 i = 0; i < 3; i++)
		sid[1 + i] = bench_sid(0, i);
	vm = vm_with_ring(3, 4, 0);
	for (u32 i = 0; i < 5000; i++)
		smmu_dma_write(bench_smmu[0], sid[i % streams], IOVA, &value, 8);
	do {
		for (u32 i = 0; i < 4 * DRAIN_EVENTS; i++)
			smmu_dma_write(bench_smmu[0], sid[i % streams], IOVA, &value, 8);
		bench_faults(3, 0, 0x77000, SMMU_C_BAD_STE);
		drain();
		while (waiting() > 0 && (got = take()).kind == PVIOMMU_KIND_LOST)
			;
		assert_true(++exits <= 100 + streams);
	} while (got.kind != PVIOMMU_KIND_FAULT || got.endpoint != 1);
	bench_destroy(vm);
}

static void H2_N82_nor_does_one_of_several_streams(void **state UNUSED)
{
	several_flood(4);
}

static void H2_N82_nor_does_one_of_two(void **state UNUSED)
{
	several_flood(2);
}

/* As much as hardware's queue holds, of one stream, and the exits behind it. */
static void flood_of(u32 device, u64 at)
{
	u64 value = 0;

	for (u32 i = 0; i < 500; i++)
		smmu_dma_write(bench_smmu[0], bench_sid(device, 0), at, &value, 8);
	for (u32 i = 0; i < 8; i++)
		drain();
}

/* A device that nobody has assigned writes to what is not the primary's. It has no name, so nobody is told of its pause. */
static void unassigned_floods(struct bench_options o)
{
	u32 events;

	o.smmu.evtq_bits = 7;
	boot_with(o);
	ring->consumer = ring->producer;
	flood_of(3, machine->heap.base);
	events = smmu_event_count(bench_smmu[0]);
	bench_faults(3, 0, machine->heap.base, SMMU_F_TRANSLATION);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events);
	bench_lands(3, 0, bench_page(800), bench_page(800));
	fake_time_advance(2 * DRAIN_MUTE_US);
	drain();
	bench_faults(3, 0, machine->heap.base, SMMU_F_TRANSLATION);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events + 1);
	drain();
	while (waiting() > 0)
		assert_int_equal(take().kind, PVIOMMU_KIND_LOST); /* the queue was full: what everybody is told */
}

/* Two pauses at once, of streams of two IOMMUs and of one: each ends by itself, and none ends another's. */
static void H2_pauses_of_several(void **state UNUSED)
{
	static const u32 floods[] = { 2, 3, 5 };
	struct bench_options o = bench_defaults();

	o.iommus = 2;
	o.smmu.evtq_bits = 7;
	boot_with(o);
	for (u32 i = 0; i < ARRAY_SIZE(floods); i++) {
		const u32 device = floods[i];
		u64 value = 0;

		for (u32 n = 0; n < 500; n++)
			smmu_dma_write(bench_smmu_of(device), bench_sid(device, 0), device == 2 ? IOVA : machine->heap.base, &value, 8);
		for (u32 n = 0; n < 8; n++)
			drain();
		for (u32 k = 0; k < ARRAY_SIZE(floods); k++)
			assert_int_equal(device_table[floods[k]].endpoint[0].muted_until != 0, k <= i);
		fake_time_advance(DRAIN_MUTE_US / 8);
	}
	fake_time_advance(DRAIN_MUTE_US * 11 / 16);
	drain();
	assert_int_equal(device_table[2].endpoint[0].muted_until, 0);
	assert_true(device_table[3].endpoint[0].muted_until != 0 && device_table[5].endpoint[0].muted_until != 0);
	fake_time_advance(DRAIN_MUTE_US);
	drain();
	assert_true(device_table[3].endpoint[0].muted_until == 0 && device_table[5].endpoint[0].muted_until == 0);
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(iommu_instance[i].poll_force, 0); /* no exit has to look at the clock any more */
	while (waiting() > 0)
		(void)take();
}

static void H2_a_device_of_nobody_that_floods(void **state UNUSED) { unassigned_floods(bench_defaults()); }

static void H2_a_device_of_nobody_that_floods_in_stage_1(void **state UNUSED) { unassigned_floods(bench_stage1_only()); }

/* A PASID that has nothing has no entry that is its alone: the stream's own faults are still told. */
static void H2_a_pasid_without_a_domain_silences_nobody(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	struct smmu_dma dma = { .size = 8, .write = true, .has_ssid = true, .ssid = 7, .addr = IOVA };
	u64 value = 0;
	u32 events;

	o.smmu.evtq_bits = 7;
	bench_boot(&o);
	oracle_effort(16);
	bench_assign(1, 0, 1);
	d = bench_domain();
	attach_with(1, d, 0, 8, COOKIE);
	dma.sid = bench_sid(1, 0);
	for (u32 i = 0; i < 500; i++)
		smmu_dma(bench_smmu[0], &dma, &value, NULL);
	for (u32 i = 0; i < 8; i++)
		drain();
	events = smmu_event_count(bench_smmu[0]);
	bench_faults(1, 0, IOVA, SMMU_F_TRANSLATION);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events + 1);
	assert_int_equal(smmu_dma(bench_smmu[0], &dma, &value, NULL), SMMU_C_BAD_CD);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events + 2);
}

static u64 *entry_of(u32 device)
{
	const struct smmuv3_strtab *strtab = &smmuv3_of(&iommu_instance[0])->strtab;
	u32 sid = bench_sid(device, 0);

	return (u64 *)io_phys(pa(strtab->base[sid >> 8] & 0x00ffffffffffffc0)) + 8ull * (sid & 255);
}

/* Its pause ends after its IOMMU has: what that one has of it stays as it is. */
static void H2_a_pause_that_outlives_its_iommu(void **state UNUSED)
{
	struct bench_options o = bench_stage2_only();
	u64 entry[8], *now;

	o.smmu.evtq_bits = 7;
	boot_with(o);
	bench_map(d, 0x100000, bench_page(1), PAGE_SIZE);
	flood_of(2, IOVA);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pv_unmap(d, 0x100000, PAGE_SIZE), PC_IO);
	now = entry_of(2);
	memcpy(entry, now, sizeof(entry));
	fake_time_advance(2 * DRAIN_MUTE_US);
	drain(); /* behind a call that may be long: not yet */
	drain();
	assert_memory_equal(entry, now, sizeof(entry));
	assert_int_equal(device_table[2].endpoint[0].muted_until, 0);
}

/* The queue is full of one device's events, with another's here and there: that one goes on speaking. */
static void H2_only_who_floods_is_muted(void **state UNUSED)
{
	u32 events;

	boot();
	bench_assign(3, 1, 5);
	for (u32 i = 0; i < 1200; i++) {
		if (i % DRAIN_EVENTS == DRAIN_EVENTS - 1)
			bench_faults(3, 0, IOVA, SMMU_C_BAD_STE);
		else
			fault_at(IOVA);
	}
	drain();
	events = smmu_event_count(bench_smmu[0]);
	fault_at(IOVA);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events);
	bench_faults(3, 0, IOVA, SMMU_C_BAD_STE);
	assert_int_equal(smmu_event_count(bench_smmu[0]), events + 1);
}

/* One endpoint of several under a ring does not fill it. */
static void H2_a_share_of_the_ring_is_left_to_others(void **state UNUSED)
{
	struct pviommu_event got;

	boot();
	for (u32 i = 0; i < 40; i++)
		fault_at(IOVA);
	drain();
	assert_true(waiting() <= 8);
	bench_faults(0, 0, IOVA, SMMU_C_BAD_STE);
	drain();
	do
		got = take();
	while (got.endpoint != 10 && waiting() > 0);
	assert_int_equal(got.endpoint, 10);
}

/* Its share is counted anew under another pvIOMMU, whose ring has had fewer records, or more. */
static void H2_a_share_is_of_the_ring_that_it_is_under(void **state UNUSED)
{
	struct pviommu_event got;

	boot();
	for (u32 i = 0; i < 100; i++) {
		fault_at(IOVA);
		drain();
		take();
	}
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_assign(3, 1, 5);
	bench_assign(2, 1, 1);
	ring_at(bench_page(610), 4, PVIOMMU_RECORD_FULL);
	assert_status(events_setup(1, bench_page(610), 4, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)), PC_SUCCESS);
	for (u32 i = 0; i < 50; i++) {
		bench_faults(2, 0, IOVA, SMMU_C_BAD_STE);
		drain();
		got = take();
		assert_true(got.kind == PVIOMMU_KIND_FAULT && got.endpoint == 1 && got.sequence == i);
	}
	assert_int_equal(ring->lost, 0);
	/* And back. */
	assert_status(pc_dev_release(2), PC_SUCCESS);
	bench_assign(2, 0, 1);
	ring = bench_ptr(RING);
	for (u32 i = 0; i < 50; i++) {
		bench_faults(2, 0, IOVA, SMMU_C_BAD_STE);
		drain();
		assert_int_equal(take().sequence, 100 + i);
	}
}

/* --- S0-10: kinds 3 and 5 */

static void S0_10_a_quarantine_names_each_endpoint(void **state UNUSED)
{
	boot();
	vm_lock(vm_primary);
	device_quarantine(&device_table[0], "a test");
	vm_unlock(vm_primary);
	for (u32 i = 0; i < 3; i++) {
		struct pviommu_event got = take();

		assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_QUARANTINED,
							    .endpoint = 10 + i,
							    .sequence = i,
							    .kind = PVIOMMU_KIND_DEVICE });
	}
	assert_int_equal(waiting(), 0);
	bench_quarantine_expected();
}

static void S0_10_a_failed_invalidation_is_told(void **state UNUSED)
{
	struct pviommu_event got;

	boot();
	bench_hardware_fails();
	bench_map(d, 0x100000, bench_page(1), PAGE_SIZE);
	smmu_inject_silence(bench_smmu[0], 0);
	assert_status(pv_unmap(d, 0x100000, PAGE_SIZE), PC_IO);
	for (u32 i = 0; i < 4; i++) {
		got = take();
		assert_true(got.kind == PVIOMMU_KIND_INVALIDATION && got.reason == PVIOMMU_REASON_INVAL_TIMEOUT);
		assert_true(got.endpoint == 1 || (got.endpoint >= 10 && got.endpoint < 13));
	}
	assert_int_equal(waiting(), 0);
}

/* Those behind the unit that failed, and nobody else: each under its own name. */
static void S0_10_only_who_is_behind_the_unit_that_failed(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	struct pviommu_ring *first;
	struct pviommu_event got;
	u32 other;

	o.iommus = 2;
	boot_with(o);
	first = ring;
	bench_hardware_fails();
	bench_assign(5, 1, 33);
	ring_at(bench_page(610), 4, PVIOMMU_RECORD_FULL);
	assert_status(events_setup(1, bench_page(610), 4, 0, PVIOMMU_EVENTS_RECORD(PVIOMMU_RECORD_FULL)), PC_SUCCESS);
	other = bench_domain();
	assert_status(pv_attach(1, 33, 0, other, 0), PC_SUCCESS);
	bench_map(other, 0x100000, bench_page(1), PAGE_SIZE);
	smmu_inject_silence(bench_smmu[1], 0);
	assert_status(pv_unmap(other, 0x100000, PAGE_SIZE), PC_IO);
	got = take();
	assert_event(&got, &(struct pviommu_event){ .reason = PVIOMMU_REASON_INVAL_TIMEOUT,
						    .endpoint = 33,
						    .kind = PVIOMMU_KIND_INVALIDATION });
	assert_int_equal(waiting(), 0);
	assert_true(first->producer == 0 && first->lost == 0 && first->sequence == 0);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(S1_3_S4_3_S4_10_every_field_of_a_fault),
		cmocka_unit_test(N70_stage_2_faults_name_the_devices_address),
		cmocka_unit_test(S4_2_N83_long_records_have_no_flags_of_ours),
		cmocka_unit_test(S4_9_N70_each_code_tells_what_an_owner_may_know),
		cmocka_unit_test(S1_2_S1_5_S1_6_N84_N85_each_pasid_has_its_cookie),
		cmocka_unit_test(S1_1_S1_7_late_records_are_nobodys),
		cmocka_unit_test(N72_a_new_name_is_told_and_the_old_one_never),
		cmocka_unit_test(S0_12_N71_events_of_nobody_stay),
		cmocka_unit_test(S0_8_S0_9_one_name_under_two_pviommus),
		cmocka_unit_test(S1_4_one_interrupt_from_empty_to_not_empty),
		cmocka_unit_test(S1_11_N66_N67_a_full_ring_counts_what_it_loses),
		cmocka_unit_test(N69_a_forged_consumer_harms_its_owner),
		cmocka_unit_test(S4_2_S4_11_N83_records_as_virtio_iommu_has_them),
		cmocka_unit_test(S4_2_S4_11_N83_records_with_pasid),
		cmocka_unit_test(S4_2_S4_11_full_records),
		cmocka_unit_test(I3_N64_setup_statuses),
		cmocka_unit_test(N65_a_record_that_does_not_fit_is_refused_and_takes_none),
		cmocka_unit_test(S1_4_V2_ring_pages_are_pinned_and_the_sequence_survives),
		cmocka_unit_test(N68_the_sequence_wraps),
		cmocka_unit_test(S1_4_a_vm_has_its_own_ring_and_interrupt),
		cmocka_unit_test(S4_11_a_ring_of_scattered_pages),
		cmocka_unit_test(V6_N70_nothing_else_is_written_to_a_vm),
		cmocka_unit_test(E4_H3_teardown_while_it_floods),
		cmocka_unit_test(E4_the_ring_of_a_device_that_is_not_reset_goes),
		cmocka_unit_test(N81_overflow_is_told_to_everybody_behind_the_unit),
		cmocka_unit_test(H2_N82_a_flood_keeps_nobodys_fault_away),
		cmocka_unit_test(H2_N82_the_same_in_stage_2),
		cmocka_unit_test(H2_N82_the_same_in_stage_1),
		cmocka_unit_test(H2_N82_nor_does_one_of_two),
		cmocka_unit_test(H2_N82_nor_does_one_of_several_streams),
		cmocka_unit_test(H2_only_who_floods_is_muted),
		cmocka_unit_test(N81_overflow_while_there_is_no_room),
		cmocka_unit_test(H2_pauses_of_several),
		cmocka_unit_test(H2_a_device_of_nobody_that_floods),
		cmocka_unit_test(H2_a_device_of_nobody_that_floods_in_stage_1),
		cmocka_unit_test(H2_a_pasid_without_a_domain_silences_nobody),
		cmocka_unit_test(H2_a_pause_that_outlives_its_iommu),
		cmocka_unit_test(H2_a_share_of_the_ring_is_left_to_others),
		cmocka_unit_test(H2_a_share_is_of_the_ring_that_it_is_under),
		cmocka_unit_test(S0_10_a_quarantine_names_each_endpoint),
		cmocka_unit_test(S0_10_a_failed_invalidation_is_told),
		cmocka_unit_test(S0_10_only_who_is_behind_the_unit_that_failed),
	};

	return SUITE("events", cases);
}
