/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that secondaries own: real DMA through tables in a VM's memory, what stands behind them, and that what one VM
 * invalidates is its own. QEMU keeps stale entries until the command that removes them, so the probe is a leaf that its owner
 * has changed: as long as the device hits the old page, nothing has been removed.
 */
#include <string.h>

#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "stage1.h"
#include "vmdev.h"
#include "vmm.h"

#define HEAP_PAGES 32ul
#define TABLES     STAGE1_PAGES /* pages of the heap, before data */
#define VA         (RIG_IOVA + 8 * PAGE)

/* A VM, its device, and its first stage. */
struct side {
	struct vmm vm;
	struct vmdev dev;
	u64 nested;
};

static struct side a, b;

static u64 data_of(const struct side *s, u64 n) { return s->vm.heap_ipa + (TABLES + n) * PAGE; }
static u64 leaf_of(const struct side *s) { return s->vm.heap_ipa + 4 * PAGE + VA / PAGE % 512 * 8; }

static void put_leaf(struct side *s, u64 out) { ASK(&s->vm, "table_word", leaf_of(s), out ? stage1_leaf(out) : 0); }

/* The status of INVALIDATE with one entry, and in *verdict what became of it. */
static long try(struct side *s, u64 word0, u64 word1, u64 *verdict)
{
	const u64 *r;

	s->vm.mail->data[0] = word0;
	s->vm.mail->data[1] = word1;
	r = ASK(&s->vm, "invalidate", 0, 1);
	*verdict = r[2];
	return (long)r[0];
}

static void command(struct side *s, u64 word0, u64 word1)
{
	u64 verdict;
	long status = try(s, word0, word1, &verdict);

	REQUIRE(!status && verdict == PVIOMMU_INVAL_DONE, "entry %lx %lx: %s, %lu", word0, word1, status_name(status), verdict);
}

static u64 nested_make(struct side *s, u64 cd)
{
	const u64 *r = ASK(&s->vm, "alloc_nested", 0, STAGE1_STE(cd), 0);

	REQUIRE(!r[0], "ALLOC_NESTED: %s", status_name((long)r[0]));
	return r[1];
}

static u32 slot_bdf(void)
{
	u32 bdf;

	if (!rig_find_slot(&bdf))
		report_skip("this machine has no slot of testdev, edu, testdev");
	return bdf;
}

static u32 single_bdf(void)
{
	u32 slot = slot_bdf(), bdf;

	for (u32 i = 0; rig_find_function(TESTDEV_ID, i, &bdf); i++)
		if (bdf >> 3 != slot >> 3 && bdf >> 8 < RIG_SECOND_BUS)
			return bdf;
	report_skip("this machine has no testdev beside the slot");
}

/* Running, its device enabled, function 0 through its own tables with ASID 1: VA is its first data page. */
static void open_side(struct side *s, u32 bdf)
{
	*s = (struct side){ 0 };
	vmm_service(&s->vm, PC_VM_OPEN_MMIO | PC_VM_NESTED, 1, HEAP_PAGES);
	vmdev_give(&s->dev, &s->vm, bdf, 0, RIG_VSID(0), 0);
	vmm_start(&s->vm);
	vmdev_enable(&s->dev);
	ASK(&s->vm, "first_stage", s->vm.heap_ipa, 1, VA, data_of(s, 0));
	s->nested = nested_make(s, s->vm.heap_ipa);
	vmdev_attach(&s->dev, 0, s->nested);
}

CASE(vmnested, dma_by_tables_of_the_vms_own_V1_V4)
{
	/* The primary's page, the VM's own by the primary's name, flash, the SMMU. */
	u64 outside[4];

	open_side(&a, slot_bdf());
	vmdev_lands(&a.dev, 0, VA, data_of(&a, 0));
	vmdev_faults(&a.dev, 0, VA + PAGE, data_of(&a, 0));
	vmdev_faults(&a.dev, 0, data_of(&a, 0), data_of(&a, 0));
	vmdev_faults(&a.dev, 2, VA, data_of(&a, 0)); /* attached to nothing */
	outside[0] = ram_alloc_raw(PAGE, PAGE);
	outside[1] = a.vm.heap_own + TABLES * PAGE;
	outside[2] = PAGE;
	outside[3] = BOARD_SMMU;
	for (u32 i = 0; i < ARRAY_COUNT(outside); i++) {
		put_leaf(&a, outside[i]);
		command(&a, NH_ALL, 0);
		vmdev_faults(&a.dev, 0, VA, data_of(&a, 0));
		put_leaf(&a, data_of(&a, 0));
		/* The root there, and then the contexts. */
		ASK(&a.vm, "table_word", a.vm.heap_ipa + 8, outside[i]);
		command(&a, CFGI_CD | VSID(RIG_VSID(0)), 1);
		command(&a, NH_ALL, 0);
		vmdev_faults(&a.dev, 0, VA, data_of(&a, 0));
		ASK(&a.vm, "table_word", a.vm.heap_ipa + 8, a.vm.heap_ipa + PAGE);
		command(&a, CFGI_ALL | VSID(RIG_VSID(0)), 0);
		command(&a, NH_ALL, 0);
		vmdev_lands(&a.dev, 0, VA, data_of(&a, 0));
	}
	vmdev_detach(&a.dev, 0, a.nested);
	vmdev_faults(&a.dev, 0, VA, data_of(&a, 0));
}

/* The view behind it is that of the VM's memory: what comes is there, what goes is gone, out of combined entries too. */
CASE(vmnested, follows_the_memory_of_the_vm_A1_A11_V3)
{
	u64 far, own;

	open_side(&a, slot_bdf());
	far = a.vm.heap_ipa + 64 * BLOCK_2M;
	own = ram_alloc_raw(PAGE, PAGE);
	put_leaf(&a, far);
	command(&a, NH_ALL, 0);
	REQUIRE(!vmdev_dma(&a.dev, 0, VA), "DMA to what is nobody's was not refused");
	vmm_donate(&a.vm, far, own, 1, PC_DONATE_SCRUB);
	vmdev_lands(&a.dev, 0, VA, far);
	BEGIN(&a.vm, "call", PC_MEM_RELINQUISH, far);
	REQUIRE(vmm_run(&a.vm) == VMM_MEMORY, "relinquishing a page did not exit");
	REQUIRE_EQUAL(vmm_finish(&a.vm)[0], 0);
	REQUIRE(!vmdev_dma(&a.dev, 0, VA), "DMA to the relinquished page was not refused");
	REQUIRE_EQUAL(*(volatile u64 *)own, 0);
	put_leaf(&a, data_of(&a, 0));
	command(&a, NH_ALL, 0);
	vmdev_lands(&a.dev, 0, VA, data_of(&a, 0));
}

CASE(vmnested, a_vm_without_the_flag_has_none)
{
	struct vmm vm;
	const u64 *r;

	vmm_service(&vm, PC_VM_OPEN_MMIO, 1, 1);
	vmdev_give(&a.dev, &vm, slot_bdf(), 0, RIG_VSID(0), 0);
	vmm_start(&vm);
	r = ASK(&vm, "alloc_nested", 0, STAGE1_STE(vm.heap_ipa), 0);
	REQUIRE_EQUAL((long)r[0], PC_NOT_SUPPORTED);
	r = ASK(&vm, "invalidate", 0, 0);
	REQUIRE_EQUAL((long)r[0], PC_NOT_SUPPORTED);
}

/* --- isolation of invalidations */

static u32 accepted;

static void holds(struct side *victim, const char *what, u64 word0, u64 word1)
{
	ASK(&victim->vm, "poke", data_of(victim, 0), 4, (u32)~TESTDEV_PATTERN);
	REQUIRE(vmdev_dma(&victim->dev, 0, VA), "%s %lx %lx: the victim's DMA is refused", what, word0, word1);
	REQUIRE(ASK(&victim->vm, "peek", data_of(victim, 0), 4)[1] == TESTDEV_PATTERN,
		"%s %lx %lx removed what another VM's device translates by", what, word0, word1);
}

static void attack(struct side *by, struct side *victim, u64 word0, u64 word1)
{
	u64 verdict;
	long status = try(by, word0, word1, &verdict);

	REQUIRE((status == 0) == (verdict == PVIOMMU_INVAL_DONE), "entry %lx: %s, %lu", word0, status_name(status), verdict);
	accepted += status == 0;
	holds(victim, "entry", word0, word1);
}

/* Every opcode; each VMID, ASID and stream that one bit can say, those in use, the victim's own; pages to all there is. */
static void attacks(struct side *by, struct side *victim)
{
	for (u64 op = 0; op < 256; op++)
		attack(by, victim, op, 0);
	for (u64 n = 0; n < 24; n++) {
		u64 vmid = (n < 16 ? 1ul << n : n - 16) << 32;

		attack(by, victim, NH_ALL | vmid, 0);
		attack(by, victim, NH_ASID | ASID(1) | vmid, 0);
		attack(by, victim, NH_VA | ASID(1) | vmid, VA);
		attack(by, victim, NH_VAA | vmid, VA);
	}
	for (u64 bit = 0; bit < 16; bit++)
		attack(by, victim, NH_ASID | ASID(1ul << bit), 0);
	for (u64 n = 0; n < 48; n++) {
		u64 sid = n < 32 ? 1ul << n : n < 40 ? n - 32 :
						       victim->dev.bdf + n - 40;

		attack(by, victim, CFGI_CD | VSID(sid), 1);
		attack(by, victim, CFGI_ALL | VSID(sid), 0);
	}
	for (u64 scale = 0; scale < 32; scale++)
		attack(by, victim, NH_VA | ASID(1) | scale << 20 | 31 << 12, 1 << 10);
	attack(by, victim, CFGI_CD | VSID(RIG_VSID(0)), 1);
	attack(by, victim, NSNH_ALL, 0);
}

static void isolated(struct side *by, struct side *victim)
{
	accepted = 0;
	vmdev_lands(&victim->dev, 0, VA, data_of(victim, 0));
	put_leaf(victim, data_of(victim, 1));
	holds(victim, "before", 0, 0);
	attacks(by, victim);
	REQUIRE(accepted > 100, "only %u entries were accepted", accepted);
	/* The control: one of its own ends it. */
	command(victim, NH_VA | ASID(1), VA);
	vmdev_lands(&victim->dev, 0, VA, data_of(victim, 1));
	put_leaf(victim, data_of(victim, 0));
	command(victim, NH_ALL, 0);
}

CASE(vmnested, one_vm_invalidates_nothing_of_another_S0_6_N37)
{
	u32 single = single_bdf();

	open_side(&a, slot_bdf());
	open_side(&b, single);
	isolated(&a, &b);
	isolated(&b, &a);
}

/* Ended with its first stage at work: the device is the primary's again, the memory too, and the other VM goes on. */
CASE(vmnested, destroyed_at_work_E4_K4)
{
	u32 single = single_bdf();

	open_side(&a, slot_bdf());
	open_side(&b, single);
	vmdev_lands(&a.dev, 0, VA, data_of(&a, 0));
	vmdev_lands(&b.dev, 0, VA, data_of(&b, 0));
	BEGIN(&a.vm, "dma_forever", a.dev.regs[0], VA);
	REQUIRE(vmm_run_until(&a.vm, 0, time_ticks() + time_ms(20)) == VMM_SLICE, "it did not go on");
	vmm_destroy(&a.vm);
	vmdev_lands(&b.dev, 0, VA, data_of(&b, 0));
}

/* By another CPU, while the VM's own one invalidates all the time: names, tags and streams go under its calls. */
CASE(vmnested, destroyed_while_it_invalidates_E4_N87)
{
	u32 single = single_bdf();

	if (machine.cpu_count < 2)
		report_skip("this machine has one CPU");
	smp_start_all();
	open_side(&b, single);
	for (u32 round = 0; round < 5; round++) {
		u64 mark = ram_mark(), end = time_ticks() + time_ms(20000);

		open_side(&a, slot_bdf());
		vmdev_lands(&a.dev, 0, VA, data_of(&a, 0));
		vmm_begin(&a.vm, "invalidate_forever", ARGS_(0, RIG_VSID(0)));
		vmm_run_on(&a.vm, 0, 1);
		while (__atomic_load_n(&a.vm.mail->progress, __ATOMIC_ACQUIRE) < 20 && time_ticks() < end)
			;
		REQUIRE(a.vm.mail->progress >= 20, "it does not go on: %s", a.vm.mail->text);
		vmm_destroy(&a.vm);
		ram_release(mark);
		vmdev_lands(&b.dev, 0, VA, data_of(&b, 0));
	}
}
