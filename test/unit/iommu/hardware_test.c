/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hardware that is late, silent, wrong or flooded: pins outlive every invalidation, waits end,
 * what may still be reachable is never given away, and the rest of the machine goes on.
 */
#include <string.h>

#include "bench.h"
#include "iommu/drain.h"
#include "iommu/fault.h"
#include "suite.h"

#define CMD_SYNC 0x46

static u32 d;

static void boot_with(struct bench_options o)
{
	bench_boot(&o);
	oracle_effort(16);
	bench_assign(2, 0, 1);
	d = bench_domain();
	bench_attach(1, d);
}

static void boot(void) { boot_with(bench_defaults()); }

/* --- V3: a pin is dropped after the hardware has reported completion */

static u32 looks;
static u64 watched_page;
static struct smmu *stepped;

/* While the core waits: the mapping is gone from the table, its page is still pinned. */
static void still_pinned(void *ctx UNUSED)
{
	const struct page *page = page_find(pa(watched_page));
	bool pinned = page->pins > 0 || page_run_of(pa(watched_page))->block_pins > 0;

	if (!smmu_idle(stepped)) {
		assert_true(pinned);
		looks++;
		/* Every second look one step: the sync is far away. */
		if (looks % 2 == 0)
			smmu_step(stepped, 1);
	}
}

static void unmap_with_late_hardware(u64 iova, u64 at, u64 size)
{
	bench_map(d, iova, at, size);
	bench_lands(2, 0, iova, at);
	watched_page = at;
	stepped = bench_smmu[0];
	looks = 0;
	smmu_time(stepped, SMMU_MANUAL);
	fake_relax_hook_add(still_pinned, NULL);
	bench_unmap(d, iova, size);
	fake_relax_hook_remove(still_pinned, NULL);
	smmu_time(stepped, SMMU_ON_RELAX);
	assert_true(looks > 1);
	assert_int_equal(page_find(pa(at))->pins, 0);
	assert_int_equal(page_run_of(pa(at))->block_pins, 0);
}

static void V3_pages_stay_pinned_until_the_sync(void **state UNUSED)
{
	boot();
	unmap_with_late_hardware(0x1000, bench_page(1), 0x1000);
	unmap_with_late_hardware(0x1000, bench_page(1), 0x20000);
}

static void V3_blocks_stay_pinned_until_the_sync(void **state UNUSED)
{
	boot();
	unmap_with_late_hardware(BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
}

static void V3_stage2_pages_stay_pinned_until_the_sync(void **state UNUSED)
{
	boot_with(bench_stage2_only());
	unmap_with_late_hardware(0x1000, bench_page(1), 0x3000);
}

/* The other way to look: DMA in every gap of an unmap lands in a page that is still the VM's. */
static u32 landed;

static void dma_in_the_gap(void *ctx UNUSED)
{
	u64 value = 0x5555;

	if (smmu_dma_write(bench_smmu[0], bench_sid(2, 0), 0x1000, &value, 8) == SMMU_OK) {
		assert_true(page_find(pa(watched_page))->pins > 0);
		landed++;
	}
	smmu_step(bench_smmu[0], 1);
}

static void gaps_begin(void)
{
	watched_page = bench_page(1);
	landed = 0;
	smmu_time(bench_smmu[0], SMMU_MANUAL);
	fake_relax_hook_add(dma_in_the_gap, NULL);
}

/* The stale entry was really used, or the test shows nothing. */
static void gaps_end(void)
{
	fake_relax_hook_remove(dma_in_the_gap, NULL);
	smmu_time(bench_smmu[0], SMMU_ON_RELAX);
	assert_true(landed > 0);
}

static void V3_stale_dma_lands_in_pinned_memory_only(void **state UNUSED)
{
	boot();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_lands(2, 0, 0x1000, bench_page(1));
	gaps_begin();
	bench_unmap(d, 0x1000, 0x1000);
	gaps_end();
	bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
}

/* Detach, with the stream's entry cached until the very last moment. */
static void V4_detach_returns_when_the_stream_is_blocked(void **state UNUSED)
{
	boot();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_lands(2, 0, 0x1000, bench_page(1));
	gaps_begin();
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	gaps_end();
	bench_faults(2, 0, 0x1000, SMMU_C_BAD_STE);
}

/* The table that hardware reads contexts from is nobody else's until it has let go of the stream's entry. */
static u64 context;

static void context_is_kept(void *ctx UNUSED)
{
	/* The attachment is forgotten when the stream is blocked; what is waited for then is the domain's tag. */
	if (device_table[2].endpoint[0].attached.domain != NULL) {
		assert_int_equal(page_find(pa(context))->state, PAGE_POOL_USED);
		looks++;
	}
	smmu_step(bench_smmu[0], 1);
}

static void A1_V3_contexts_are_kept_until_the_stream_is_blocked(void **state UNUSED)
{
	boot();
	context = device_table[2].endpoint[0].ctx.table.v;
	assert_int_equal(page_find(pa(context))->state, PAGE_POOL_USED);
	looks = 0;
	smmu_time(bench_smmu[0], SMMU_MANUAL);
	fake_relax_hook_add(context_is_kept, NULL);
	assert_status(pv_detach(0, 1, 0, d), PC_SUCCESS);
	fake_relax_hook_remove(context_is_kept, NULL);
	smmu_time(bench_smmu[0], SMMU_ON_RELAX);
	assert_true(looks > 0);
	assert_int_not_equal(page_find(pa(context))->state, PAGE_POOL_USED);
}

/* --- silence */

static void V3_silent_hardware_keeps_its_pages(void **state UNUSED)
{
	struct result r;
	u64 before;

	boot();
	bench_map(d, 0x1000, bench_page(1), 0x3000);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	before = fake_time_now();
	r = pv_unmap(d, 0x1000, 0x1000);
	assert_status(r, PC_IO);
	assert_int_equal(r.v1, 0);
	assert_true(fake_time_now() - before < 4 * IOMMU_WAIT_US);
	assert_true(page_find(pa(bench_page(1)))->pins > 0);
	assert_true(iommu_instance[0].dead);
	/* Nothing waits again, nothing is given away, and the machine lives. */
	before = fake_time_now();
	assert_status(pv_unmap(d, 0x2000, 0x1000), PC_IO);
	assert_true(page_find(pa(bench_page(2)))->pins > 0);
	assert_status(pv_detach(0, 1, 0, d), PC_IO);
	assert_int_not_equal(pv_attach(0, 1, 0, bench_domain(), 0).status, PC_SUCCESS);
	assert_int_not_equal(pv_free(d).status, PC_SUCCESS);
	assert_int_not_equal(pc_dev_assign(3, 1, 0).status, PC_SUCCESS);
	assert_true(fake_time_now() - before < 8 * IOMMU_WAIT_US);
	/* A10: it answers in the end; what was lost stays lost. */
	smmu_time(bench_smmu[0], SMMU_ON_RELAX);
	smmu_step(bench_smmu[0], ~0u);
	assert_int_not_equal(pv_unmap(d, 0x3000, 0x1000).status, PC_SUCCESS);
	assert_true(page_find(pa(bench_page(1)))->pins > 0);
	assert_true(page_find(pa(bench_page(3)))->pins > 0);
	bench_check();
	assert_int_not_equal(bench_write(2, 0, 0x1000, 1), SMMU_OK);
}

/* The same for a list, and for a range of leaves of several sizes: other paths to the same rule. */
static void V3_A3_silent_hardware_keeps_the_pages_of_a_list(void **state UNUSED)
{
	struct pviommu_map_list *list;
	struct pviommu_unmap_entry *e;

	boot();
	list = bench_ptr(bench_page(1000));
	e = bench_ptr(bench_page(1001));
	for (u32 i = 0; i < 3; i++) {
		e[i] = (struct pviommu_unmap_entry){ 0x5000 * (i + 1), 0x1000 };
		bench_map(d, e[i].iova, bench_page(i), 0x1000);
		bench_lands(2, 0, e[i].iova, bench_page(i));
	}
	*list = (struct pviommu_map_list){ .size = 32,
					   .domain = d,
					   .entry_len = 16,
					   .entry_num = 3,
					   .entries_ipa = bench_page(1001) };
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pv_list(PVIOMMU_UNMAP_LIST, bench_page(1000)), PC_IO);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(page_find(pa(bench_page(i)))->pins, 1);
}

static void V3_silent_hardware_keeps_a_mixed_range(void **state UNUSED)
{
	u64 at;

	boot();
	at = bench_block(1);
	bench_map(d, BLOCK_SIZE - 0x1000, at - 0x1000, BLOCK_SIZE + 0x2000);
	bench_lands(2, 0, BLOCK_SIZE - 0x1000, at - 0x1000);
	bench_lands(2, 0, BLOCK_SIZE, at);
	bench_lands(2, 0, 2 * BLOCK_SIZE, at + BLOCK_SIZE);
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pv_unmap(d, BLOCK_SIZE - 0x1000, BLOCK_SIZE + 0x2000), PC_IO);
	assert_int_equal(page_find(pa(at - 0x1000))->pins, 1);
	assert_int_equal(page_run_of(pa(at))->block_pins, 1);
	assert_int_equal(page_find(pa(at + BLOCK_SIZE))->pins, 1);
}

/* I4: once an IOMMU has failed, an attach behind it is refused, and not begun. */
static void I4_E9_attach_behind_a_dead_iommu_changes_nothing(void **state UNUSED)
{
	boot();
	bench_assign(3, 0, 3);
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pv_unmap(d, 0x1000, 0x1000), PC_IO);
	assert_true(iommu_instance[0].dead);
	assert_int_equal(device_table[3].state, DEVICE_ASSIGNED);
	assert_status(pv_attach(0, 3, 0, bench_domain(), 0), PC_IO);
	assert_int_equal(device_table[3].state, DEVICE_ASSIGNED);
	assert_null(device_table[3].endpoint[0].attached.domain);
}

/* One IOMMU of two is silent: domains on the other one do not notice. */
static void hardware_failure_is_one_iommus(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u32 both;

	o.iommus = 2;
	boot_with(o);
	bench_assign(5, 1, 5);
	bench_assign(3, 0, 3);
	both = bench_domain();
	bench_map(both, 0x1000, bench_page(5), 0x2000);
	assert_status(pv_attach(1, 5, 0, both, 0), PC_SUCCESS);
	assert_status(pv_attach(0, 3, 0, both, 0), PC_SUCCESS);
	bench_map(d, 0x1000, bench_page(1), 0x2000);
	bench_lands(5, 0, 0x1000, bench_page(5));
	bench_hardware_fails();
	smmu_time(bench_smmu[1], SMMU_STUCK);
	assert_status(pv_unmap(both, 0x1000, 0x1000), PC_IO);
	assert_true(page_find(pa(bench_page(5)))->pins > 0);
	assert_true(iommu_instance[1].dead);
	assert_false(iommu_instance[0].dead);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_unmap(d, 0x1000, 0x1000);
	bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
	bench_lands(3, 0, 0x2000, bench_page(6));
	bench_map(d, 0x8000, bench_page(8), 0x1000);
	bench_lands(2, 0, 0x8000, bench_page(8));
}

/*
 * E4: hardware falls silent after n more steps, for every n, in every call that waits for it. A
 * fresh machine for each, in a process of its own. The call says IO or has succeeded; the oracle
 * holds that nothing reachable was given away; what follows ends too.
 */
typedef struct result attempt(void);

static struct result silent_unmap(void) { return pv_unmap(d, 0x1000, 0x3000); }

static struct result silent_split(void) { return pv_unmap(d, BLOCK_SIZE + 0x1000, 0x1000); }

static struct result silent_block_over_table(void)
{
	return pv_map(d, 8 * BLOCK_SIZE, bench_block(3), BLOCK_SIZE, BENCH_RW);
}

static struct result silent_detach(void) { return pv_detach(0, 1, 0, d); }

static struct result silent_replace(void) { return pv_attach(0, 1, 0, d + 1, 0); }

static struct result silent_attach(void) { return pv_attach(0, 2, 0, d, 0); }

static struct result silent_attach_list(void)
{
	struct pviommu_attach_list *list = bench_ptr(bench_page(1000));

	*list = (struct pviommu_attach_list){
		.size = 48, .domain = d, .vsids_ipa = bench_page(1001), .vsid_count = 3
	};
	for (u32 i = 0; i < 3; i++)
		((u32 *)bench_ptr(bench_page(1001)))[i] = 10 + i;
	return pv_list(PVIOMMU_ATTACH_LIST, bench_page(1000));
}

static struct result silent_assign(void) { return pc_dev_assign(4, 1, 0); }

static struct result silent_release(void) { return pc_dev_release(3); }

static void one_silence(attempt *call, u32 n)
{
	struct result r;

	boot();
	bench_assign(3, 0, 2);
	bench_assign(0, 0, 10);
	bench_domain();
	bench_map(d, 0x1000, bench_page(1), 0x3000);
	bench_map(d, BLOCK_SIZE, bench_block(1), BLOCK_SIZE);
	bench_map(d, 8 * BLOCK_SIZE, bench_page(9), 0x1000);
	bench_lands(2, 0, 8 * BLOCK_SIZE, bench_page(9));
	bench_unmap(d, 8 * BLOCK_SIZE, 0x1000);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_lands(2, 0, BLOCK_SIZE + 0x1000, bench_block(1) + 0x1000);
	bench_hardware_fails();
	smmu_inject_silence(bench_smmu[0], n);
	r = call();
	if (r.status != PC_SUCCESS)
		assert_status(r, PC_IO);
	(void)pv_unmap(d, BLOCK_SIZE, BLOCK_SIZE);
	(void)pv_detach(0, 1, 0, d);
	(void)pv_free(d);
	(void)pc_dev_release(2);
	assert_status(pv_alloc(), PC_SUCCESS);
	/* What hardware did not give up, nobody has got. */
	smmu_speculate(bench_smmu[0]);
	bench_check();
}

static void silence_everywhere(attempt *call)
{
	for (u32 n = 0; n < 14; n++)
		IN_CHILD(one_silence(call, n));
}

#define SILENT(name)                                                  \
	static void E4_silent_hardware_in_##name(void **state UNUSED) \
	{                                                             \
		silence_everywhere(silent_##name);                    \
	}

SILENT(unmap)
SILENT(split)
SILENT(block_over_table)
SILENT(detach)
SILENT(replace)
SILENT(attach)
SILENT(attach_list)
SILENT(assign)
SILENT(release)

static void E4_device_of_a_silent_stream_is_quarantined(void **state UNUSED)
{
	boot();
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pv_detach(0, 1, 0, d), PC_IO);
	assert_int_equal(device_table[2].state, DEVICE_QUARANTINED);
	assert_false(bench_master[2]);
	assert_int_not_equal(pc_dev_release(2).status, PC_SUCCESS);
	bench_check();
}

/* --- errors that the hardware reports */

static void C9_command_fetch_abort_is_tried_again(void **state UNUSED)
{
	boot();
	for (u32 nth = 1; nth <= 3; nth++) {
		bench_map(d, 0x1000, bench_page(1), 0x1000);
		bench_lands(2, 0, 0x1000, bench_page(1));
		smmu_inject_cerror(bench_smmu[0], nth, SMMU_CERROR_ABT);
		bench_unmap(d, 0x1000, 0x1000);
		smmu_inject_cerror(bench_smmu[0], 0, SMMU_CERROR_NONE);
		bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
		assert_false(iommu_instance[0].dead);
	}
}

/* A command of ours that hardware calls illegal is our bug: loud in test builds. */
static void C9_illegal_command_is_our_bug(void **state UNUSED)
{
	boot();
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	smmu_inject_cerror(bench_smmu[0], 1, SMMU_CERROR_ILL);
	assert_panics((void)pv_unmap(d, 0x1000, 0x1000));
}

static void C9_service_failure_is_noticed(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.iommus = 2;
	boot_with(o);
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_hardware_fails();
	smmu_inject_gerror(bench_smmu[0], 1u << 8);
	hyp_irq(machine->iommu[0].error_irq);
	assert_true(iommu_instance[0].dead);
	assert_false(iommu_instance[1].dead);
	assert_int_not_equal(pv_unmap(d, 0x1000, 0x1000).status, PC_SUCCESS);
	assert_true(page_find(pa(bench_page(1)))->pins > 0);
}

static void C9_other_global_errors_are_acknowledged(void **state UNUSED)
{
	static const u32 bits[] = { 1u << 2, 1u << 3, 1u << 4, 1u << 5, 1u << 6, 1u << 7 };

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(bits); i++) {
		smmu_inject_gerror(bench_smmu[0], bits[i]);
		hyp_irq(machine->iommu[0].error_irq);
		assert_int_equal(smmu_reg(bench_smmu[0], 0x60) ^ smmu_reg(bench_smmu[0], 0x64), 0);
		assert_false(iommu_instance[0].dead);
	}
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_unmap(d, 0x1000, 0x1000);
}

/* --- queues */

static void C8_command_queue_wraps(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.cmdq_bits = 4;
	boot_with(o);
	for (u32 i = 0; i < 400; i++) {
		bench_map(d, 0x1000 + i % 7 * 0x1000, bench_page(i), 0x1000);
		bench_lands(2, 0, 0x1000 + i % 7 * 0x1000, bench_page(i));
		bench_unmap(d, 0x1000 + i % 7 * 0x1000, 0x1000);
		bench_faults(2, 0, 0x1000 + i % 7 * 0x1000, SMMU_F_TRANSLATION);
	}
	assert_null(smmu_misuse(bench_smmu[0]));
}

/* Without range commands each page is one: more of them than the queue has room for. */
static void C8_batch_larger_than_the_queue(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 size = 300 * PAGE_SIZE;

	o.smmu.cmdq_bits = 3;
	o.smmu.range_inval = false;
	boot_with(o);
	bench_map(d, 0x1000, bench_page(1), size);
	for (u64 at = 0; at < size; at += 16 * PAGE_SIZE)
		bench_lands(2, 0, 0x1000 + at, bench_page(1) + at);
	bench_unmap(d, 0x1000, size);
	for (u64 at = 0; at < size; at += 16 * PAGE_SIZE)
		bench_faults(2, 0, 0x1000 + at, SMMU_F_TRANSLATION);
}

static u64 faults_of(u32 pviommu) { return pv_stats(pviommu, PVIOMMU_STAT_FAULTS).v1; }

static void H1_faults_are_counted_for_their_owner(void **state UNUSED)
{
	struct bench_options o = bench_defaults();
	u64 value = 1;

	o.iommus = 2;
	boot_with(o);
	bench_assign(5, 1, 5);
	bench_faults(5, 0, 0x1000, SMMU_C_BAD_STE);
	smmu_dma_write(bench_smmu[0], 0x7ff, 0, &value, 8); /* nobody's */
	bench_faults(3, 0, 0, SMMU_F_TRANSLATION);    /* identity: no pvIOMMU's */
	for (u32 i = 0; i < 5; i++)
		bench_faults(2, 0, 0x1000 * i, SMMU_F_TRANSLATION);
	hyp_irq(machine->iommu[0].event_irq);
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_int_equal(faults_of(0), 5);
	assert_int_equal(faults_of(1), 1);
	/* The log names the owner's vSID, and no stream id. */
	assert_non_null(strstr(fake_console, "vSID 1"));
	assert_null(strstr(fake_console, "718"));
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_LOST).v1, 0);
}

static void events_are_taken_by_interrupt_too(void **state UNUSED)
{
	boot();
	bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
	assert_true(smmu_interrupts(bench_smmu[0], false) > 0);
	hyp_irq(machine->iommu[0].event_irq);
	assert_int_equal(faults_of(0), 1);
	/* Not ours: nothing happens. */
	hyp_irq(1);
	assert_int_equal(faults_of(0), 1);
}

/* H2: a device that faults for ever; each exit takes a bounded number of records. */
static void flood(struct bench_options o)
{
	u64 value = 1, lines = 0;
	u32 room;

	o.smmu.evtq_bits = 7;
	boot_with(o);
	room = 1u << 7;
	for (u32 i = 0; i < 5000; i++)
		smmu_dma_write(bench_smmu[0], bench_sid(2, 0), 0x1000, &value, 8);
	for (u32 i = 0; i < 8; i++)
		hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_true(faults_of(0) >= room - 1 && faults_of(0) <= room);
	assert_true(pv_stats(0, PVIOMMU_STAT_LOST).v1 >= 1);
	/* It is not over: behind its pause events are recorded and counted again, and a second loss is seen. */
	fake_time_advance(2 * DRAIN_MUTE_US);
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	smmu_dma_write(bench_smmu[0], bench_sid(2, 0), 0x1000, &value, 8);
	hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_true(faults_of(0) >= room);
	for (u32 i = 0; i < 1000; i++)
		smmu_dma_write(bench_smmu[0], bench_sid(2, 0), 0x1000, &value, 8);
	for (u32 i = 0; i < 8; i++)
		hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_true(pv_stats(0, PVIOMMU_STAT_LOST).v1 >= 2);
	for (const char *p = fake_console; *p != '\0'; p++)
		lines += *p == '\n';
	assert_true(lines < 200);
	bench_map(d, 0x1000, bench_page(1), 0x1000);
	bench_lands(2, 0, 0x1000, bench_page(1));
}

static void H2_flood_of_faults_overflow(void **state UNUSED)
{
	struct bench_options o = bench_defaults();

	o.smmu.evtq_like_qemu = false;
	flood(o);
}

static void H2_flood_of_faults_as_qemu_reports_it(void **state UNUSED) { flood(bench_defaults()); }

/* --- tags */

static void A8_asids_are_not_reused_early(void **state UNUSED)
{
	struct bench_options o = bench_stage1_only();

	/* Eight bits of ASID, so that they run round within the test. */
	o.smmu.asid16 = o.smmu.vmid16 = false;
	boot_with(o);
	for (u32 i = 0; i < 600; i++) {
		u32 e = bench_domain();

		bench_map(e, 0x1000, bench_page(i % 100), 0x1000);
		bench_attach(1, e);
		bench_lands(2, 0, 0x1000, bench_page(i % 100));
		if (i % 2 == 0)
			bench_attach(1, d); /* replaced, not detached */
		else
			assert_status(pv_detach(0, 1, 0, e), PC_SUCCESS);
		assert_status(pv_free(e), PC_SUCCESS);
	}
}

static void K1_tags_run_out_with_a_status(void **state UNUSED)
{
	struct bench_options o = bench_stage2_only();
	struct result r;
	u32 n = 0;

	o.smmu.vmid16 = false;
	o.pool_bytes = 6ull << 20;
	o.ram_bytes = 64ull << 20;
	boot_with(o);
	while ((r = pv_alloc()).status == PC_SUCCESS)
		n++;
	assert_status(r, PC_NO_MEMORY);
	assert_true(n >= 200 && n < 256);
	assert_status(pv_free(n + 1), PC_SUCCESS);
	assert_status(pv_alloc(), PC_SUCCESS);
}

/* Ids of domains: a slot's next life has another id, and the old one never works again. */
static void D7_old_ids_stay_dead(void **state UNUSED)
{
	u32 id, first;

	boot();
	first = bench_domain();
	id = first;
	/* Nor is one alive that nobody has had yet. */
	for (u32 next = 1; next <= 64; next++)
		if (next != first && next != d)
			assert_status(pv_free(next), PC_NOT_FOUND);
	for (u32 i = 0; i < 300; i++) {
		assert_status(pv_free(id), PC_SUCCESS);
		id = bench_domain();
		assert_int_not_equal(id, first);
		assert_status(pv_free(first), PC_NOT_FOUND);
		assert_status(pv_map(first, 0, bench_page(0), 0x1000, BENCH_RW), PC_NOT_FOUND);
	}
}

/* Once an IOMMU is given up nothing more is attached behind it, whoever failed first. */
static void E9_a_dead_iommu_takes_no_attachment(void **state UNUSED)
{
	boot();
	bench_assign(3, 0, 300);
	bench_map(d, 0x1000, bench_page(1), PAGE_SIZE);
	bench_lands(2, 0, 0x1000, bench_page(1));
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pv_unmap(d, 0x1000, PAGE_SIZE), PC_IO);
	assert_int_equal(device_table[3].state, DEVICE_ASSIGNED);
	assert_status(pv_attach(0, 300, 0, d, 0), PC_IO);
	/* Refused, and not tried: it is as it was. */
	assert_int_equal(device_table[3].state, DEVICE_ASSIGNED);
	assert_null(device_table[3].endpoint[0].attached.domain);
	assert_int_not_equal(bench_write(3, 0, 0x1000, 0), SMMU_OK);
}

static void with_pasids(struct machine *m UNUSED)
{
	for (u32 i = 0; i < pci_function_count; i++)
		pci_function[i].pasid_bits = 8;
}

/*
 * A list of endpoints of one device, of which the first one's hardware fails: the device is quarantined with all its
 * endpoints, and nothing is left to be done about those behind it.
 */
static void E4_I4_detach_list_goes_on_past_a_device_that_was_quarantined(void **state UNUSED)
{
	struct bench_options o = bench_pasids();
	struct pviommu_attach_list *list;
	u32 *vsids;

	o.change = with_pasids;
	boot_with(o);
	bench_assign(0, 0, 100);
	list = bench_ptr(bench_page(40));
	vsids = bench_ptr(bench_page(41));
	for (u32 i = 0; i < 3; i++) {
		vsids[i] = 100 + i;
		assert_status(pv_attach(0, 100 + i, 0, d, 8), PC_SUCCESS);
		assert_status(pv_attach(0, 100 + i, 5, d, 0), PC_SUCCESS);
	}
	*list = (struct pviommu_attach_list){ .size = sizeof(*list), .domain = d, .pasid = 5, .vsid_count = 3, .vsids_ipa = bench_page(41) };
	bench_hardware_fails();
	smmu_time(bench_smmu[0], SMMU_STUCK);
	assert_status(pv_list(PVIOMMU_DETACH_LIST, bench_page(40)), PC_IO);
	assert_int_equal(device_table[0].state, DEVICE_QUARANTINED);
	/* Device 2 is under the domain, and counted, once. */
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_ATTACHED).v1, 1);
}

/* Each stream that changes has events told first: together no more than a call takes of any other's. */
static void V9_H2_a_list_takes_no_more_events_than_one_change(void **state UNUSED)
{
	struct pviommu_attach_list *list;
	u64 before;
	u32 *vsids;

	boot();
	bench_assign(0, 0, 10);
	bench_assign(1, 0, 20);
	bench_assign(4, 0, 50);
	list = bench_ptr(bench_page(40));
	vsids = bench_ptr(bench_page(41));
	memcpy(vsids, (u32[]){ 10, 11, 12, 20, 50 }, 5 * sizeof(u32));
	*list = (struct pviommu_attach_list){ .size = sizeof(*list), .domain = d, .vsid_count = 5, .vsids_ipa = bench_page(41) };
	for (u32 i = 0; i < 1000; i++)
		bench_faults(2, 0, 0x1000, SMMU_F_TRANSLATION);
	before = fault_counts().events;
	assert_status(pv_list(PVIOMMU_ATTACH_LIST, bench_page(40)), PC_SUCCESS);
	assert_in_range(fault_counts().events - before, 1, DRAIN_EVENTS);
	before = fault_counts().events;
	assert_status(pv_list(PVIOMMU_DETACH_LIST, bench_page(40)), PC_SUCCESS);
	assert_in_range(fault_counts().events - before, 1, DRAIN_EVENTS);
}

static u32 lines_of_faults(void)
{
	u32 lines = 0;

	for (const char *at = fake_console; (at = strstr(at, "not mapped")) != NULL; at++)
		lines++;
	return lines;
}

/* A line costs what many events do: none on top of what an exit was for, one at an interrupt. All are counted. */
static void V9_a_drain_writes_a_few_lines(void **state UNUSED)
{
	u64 before;

	boot();
	bench_assign(0, 0, 10);
	for (u32 i = 0; i < 3; i++)
		bench_attach(10 + i, d);
	before = pv_stats(0, PVIOMMU_STAT_FAULTS).v1;
	for (u32 i = 0; i < 3 * 8; i++)
		bench_faults(0, i % 3, 0x1000, SMMU_F_TRANSLATION);
	assert_int_equal(lines_of_faults(), 0);
	for (u32 i = 0; i < 3; i++)
		hyp_exit_work(vm_vcpu(vm_primary, 0));
	assert_int_equal(pv_stats(0, PVIOMMU_STAT_FAULTS).v1 - before, 3 * 8);
	assert_int_equal(lines_of_faults(), 0);
	for (u32 i = 0; i < 3; i++)
		hyp_irq(machine->iommu[0].event_irq);
	assert_int_equal(lines_of_faults(), 1);
}

/* Nor does hardware that loses events again and again fill the log: the first few are told, and then one in many. */
static void V9_H2_losses_are_told_a_few_times(void **state UNUSED)
{
	u32 lines = 0;

	boot();
	for (u32 i = 0; i < 100; i++) {
		iommu_report_overflow(&iommu_instance[0]);
		hyp_irq(machine->iommu[0].event_irq);
	}
	for (const char *at = fake_console; (at = strstr(at, "events were lost")) != NULL; at++)
		lines++;
	assert_in_range(lines, 1, 20);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(V9_a_drain_writes_a_few_lines),
		cmocka_unit_test(V9_H2_losses_are_told_a_few_times),
		cmocka_unit_test(V3_pages_stay_pinned_until_the_sync),
		cmocka_unit_test(V3_blocks_stay_pinned_until_the_sync),
		cmocka_unit_test(V3_stage2_pages_stay_pinned_until_the_sync),
		cmocka_unit_test(V3_stale_dma_lands_in_pinned_memory_only),
		cmocka_unit_test(V4_detach_returns_when_the_stream_is_blocked),
		cmocka_unit_test(A1_V3_contexts_are_kept_until_the_stream_is_blocked),
		cmocka_unit_test(V3_silent_hardware_keeps_its_pages),
		cmocka_unit_test(V3_A3_silent_hardware_keeps_the_pages_of_a_list),
		cmocka_unit_test(V3_silent_hardware_keeps_a_mixed_range),
		cmocka_unit_test(I4_E9_attach_behind_a_dead_iommu_changes_nothing),
		cmocka_unit_test(hardware_failure_is_one_iommus),
		cmocka_unit_test(E4_silent_hardware_in_unmap),
		cmocka_unit_test(E4_silent_hardware_in_split),
		cmocka_unit_test(E4_silent_hardware_in_block_over_table),
		cmocka_unit_test(E4_silent_hardware_in_detach),
		cmocka_unit_test(E4_silent_hardware_in_replace),
		cmocka_unit_test(E4_silent_hardware_in_attach),
		cmocka_unit_test(E4_silent_hardware_in_attach_list),
		cmocka_unit_test(E4_silent_hardware_in_assign),
		cmocka_unit_test(E4_silent_hardware_in_release),
		cmocka_unit_test(E4_device_of_a_silent_stream_is_quarantined),
		cmocka_unit_test(C9_command_fetch_abort_is_tried_again),
		cmocka_unit_test(C9_illegal_command_is_our_bug),
		cmocka_unit_test(C9_service_failure_is_noticed),
		cmocka_unit_test(C9_other_global_errors_are_acknowledged),
		cmocka_unit_test(C8_command_queue_wraps),
		cmocka_unit_test(C8_batch_larger_than_the_queue),
		cmocka_unit_test(H1_faults_are_counted_for_their_owner),
		cmocka_unit_test(events_are_taken_by_interrupt_too),
		cmocka_unit_test(H2_flood_of_faults_overflow),
		cmocka_unit_test(H2_flood_of_faults_as_qemu_reports_it),
		cmocka_unit_test(A8_asids_are_not_reused_early),
		cmocka_unit_test(K1_tags_run_out_with_a_status),
		cmocka_unit_test(D7_old_ids_stay_dead),
		cmocka_unit_test(E9_a_dead_iommu_takes_no_attachment),
		cmocka_unit_test(V9_H2_a_list_takes_no_more_events_than_one_change),
		cmocka_unit_test(E4_I4_detach_list_goes_on_past_a_device_that_was_quarantined),
	};

	return SUITE("hardware", cases);
}
