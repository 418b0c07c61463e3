/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt lines that were given to secondaries: Group 0 and ours, level, taken at EL2 on any CPU whoever runs there,
 * and passed on as the virtual interrupt. Between its acknowledgement and the guest's end of the virtual one a line is
 * active, so it cannot come again: a device that nobody quiets costs the CPU nothing but what its own VM does.
 *
 * Locks: gic_dist_lock for registers and for the sets in struct gic. A line's record is read without one by the CPU that
 * took its interrupt: `busy` counts those, and who takes the line away first clears `vm`, then waits for 0 there, while
 * the line is off. That wait is short: nothing is waited for inside.
 *
 * A storm is a line that is high again whenever the guest has ended it, and was never seen low in between. Once it is
 * suspect it is looked at on every exit that it did not cause itself, when the guest may be anywhere; that of a device
 * that is served, however busy, is low often. Until there were enough such exits a storm costs only its own VM.
 */
#include "gic.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "psci.h"
#include "smp.h"
#include "world.h"

#include <arch/barrier.h>
#include <arch/sysreg.h>

#define IRQ_STORM_MAX     10000u /* deliveries */
#define IRQ_STORM_SUSPECT 1000u
#define IRQ_STORM_SAMPLES 16u
#define PRIORITY_OURS     0u
#define PRIORITY_PRIMARY  0xa0u
#define ICFGR_EDGE(n)     (2u << ((n) % 16 * 2))

struct line {
	struct vm *vm;   /* NULL: not given. Atomic */
	u32 busy;        /* CPUs that pass an interrupt of it on now. Atomic */
	u32 deliveries;  /* since it was last seen low, as is: */
	u32 samples;     /* how often it was looked at. Atomic */
};

static struct line lines[GIC_SPI_END - GIC_SPI_FIRST];
static u64 virtual_of[GIC_SPI_END - GIC_SPI_FIRST]; /* written before `vm` */
static u32 suspect; /* a line to look at, 0: none. A guess: one at a time is enough. Atomic */

static struct line *line_of(u32 intid)
{
	return &lines[intid - GIC_SPI_FIRST];
}

static void line_low(struct line *line)
{
	__atomic_store_n(&line->deliveries, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&line->samples, 0, __ATOMIC_RELAXED);
}

static void bit_write(u32 offset, u32 intid)
{
	io_write32((u32)BIT(intid % 32), gic_dist_reg(offset + intid / 32 * 4));
}

static bool is_high(u32 intid)
{
	return io_read32(gic_dist_reg(GICD_ISPENDR + intid / 32 * 4)) & BIT(intid % 32);
}

static void off(u32 intid)
{
	bit_write(GICD_ICENABLER, intid);
	gic_dist_settle();
}

static void route(u32 intid, u32 cpu)
{
	io_write64(machine->cpu[cpu].mpidr & MPIDR_AFFINITY, gic_dist_reg(GICD_IROUTER + 8 * intid));
}

/* Whose it is: all bits of the word follow from the set, so nothing is read back. */
static void group_write(u32 intid)
{
	io_write32(~gic.own[intid / 32], gic_dist_reg(GICD_IGROUPR + intid / 32 * 4));
}

static bool exists(u32 intid)
{
	return intid >= GIC_SPI_FIRST && intid < GIC_SPI_END &&
	       intid < 32 * (FIELD_GET(GICD_TYPER_LINES, io_read32(gic_dist_reg(GICD_TYPER))) + 1);
}

/* The primary's view of it ends before it is set up, and no write of the primary's is under way (gic_dist_lock). */
static void claim(u32 intid)
{
	volatile void __mmio *config = gic_dist_reg(GICD_ICFGR + intid / 16 * 4);
	u32 edges;

	off(intid);
	gic.own[intid / 32] |= (u32)BIT(intid % 32);
	gic.level[intid / 32] |= (u32)BIT(intid % 32);
	edges = io_read32(config);
	if (edges & ICFGR_EDGE(intid))
		io_write32(edges & ~ICFGR_EDGE(intid), config);
	group_write(intid);
	io_write8(PRIORITY_OURS, gic_dist_reg(GICD_IPRIORITYR + intid));
	bit_write(GICD_ICPENDR, intid);
	bit_write(GICD_ICACTIVER, intid);
	route(intid, arch_cpu_index());
}

static void release(u32 intid)
{
	gic.own[intid / 32] &= ~(u32)BIT(intid % 32);
	gic.level[intid / 32] &= ~(u32)BIT(intid % 32);
	group_write(intid);
	io_write8(PRIORITY_PRIMARY, gic_dist_reg(GICD_IPRIORITYR + intid));
	bit_write(GICD_ICPENDR, intid);
	bit_write(GICD_ICACTIVER, intid);
}

enum status arch_irq_give(u32 physical, struct vm *vm, u64 intid)
{
	enum status st;

	if (!gic_can_run_secondary() || !exists(physical))
		return E_INVAL;
	if (gic.own[physical / 32] & BIT(physical % 32))
		return E_BUSY;
	st = vgic_hw_map(guest_vgic(vm), intid, physical);
	if (st != OK)
		return st;
	arch_spin_lock(&gic_dist_lock);
	claim(physical);
	virtual_of[physical - GIC_SPI_FIRST] = intid;
	line_low(line_of(physical));
	__atomic_store_n(&line_of(physical)->vm, vm, __ATOMIC_SEQ_CST);
	dsb(sy);
	bit_write(GICD_ISENABLER, physical);
	arch_spin_unlock(&gic_dist_lock);
	return OK;
}

/*
 * Until no list register in hardware can name the line: the guest's end of interrupt would deactivate what is no longer
 * its own. Whoever is in a round gets an interrupt that ends it; nothing holds that back, the primary's active
 * priorities are put aside while a secondary runs.
 */
static void rounds_wait(struct vm *vm)
{
	u32 i;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = 0; i < vm_cpu_view(vm)->vcpu_count; i++) {
		u32 *rounds = &vm_vcpu(vm, i)->arch.rounds, seen = __atomic_load_n(rounds, __ATOMIC_ACQUIRE);
		u32 cpu = __atomic_load_n(&vm_vcpu(vm, i)->arch.cpu, __ATOMIC_ACQUIRE);

		if (seen % 2 == 0 || cpu == 0 || cpu - 1 == arch_cpu_index())
			continue;
		gic_kick(cpu - 1);
		while (__atomic_load_n(rounds, __ATOMIC_ACQUIRE) == seen)
			io_relax();
	}
}

void arch_irq_take(u32 physical, struct vm *vm)
{
	struct line *line = line_of(physical);

	CHECK(exists(physical) && __atomic_load_n(&line->vm, __ATOMIC_ACQUIRE) == vm);
	arch_spin_lock(&gic_dist_lock);
	off(physical);
	arch_spin_unlock(&gic_dist_lock);
	__atomic_store_n(&line->vm, NULL, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (__atomic_load_n(&line->busy, __ATOMIC_ACQUIRE) != 0)
		io_relax();
	(void)vgic_hw_unmap(guest_vgic(vm), virtual_of[physical - GIC_SPI_FIRST]);
	rounds_wait(vm);
	arch_spin_lock(&gic_dist_lock);
	release(physical); /* deactivates it too, whoever had acknowledged it */
	arch_spin_unlock(&gic_dist_lock);
}

/* True: now it is too often. */
static bool storms(struct line *line, u32 intid)
{
	u32 count = __atomic_add_fetch(&line->deliveries, 1, __ATOMIC_RELAXED);

	if (likely(count < IRQ_STORM_SUSPECT))
		return false;
	__atomic_store_n(&suspect, intid, __ATOMIC_RELAXED);
	return count >= IRQ_STORM_MAX && __atomic_load_n(&line->samples, __ATOMIC_RELAXED) >= IRQ_STORM_SAMPLES;
}

void gic_lines_sample(const struct vm *vm)
{
	u32 intid = __atomic_load_n(&suspect, __ATOMIC_RELAXED);

	if (likely(intid == 0) || __atomic_load_n(&line_of(intid)->vm, __ATOMIC_RELAXED) != vm)
		return;
	if (is_high(intid)) {
		__atomic_add_fetch(&line_of(intid)->samples, 1, __ATOMIC_RELAXED);
	} else {
		line_low(line_of(intid));
		__atomic_store_n(&suspect, 0, __ATOMIC_RELAXED);
	}
}

/* `busy` first, then `vm`: who clears it and sees nobody busy knows that the next one finds it cleared. */
static struct vm *line_begin(struct line *line)
{
	__atomic_add_fetch(&line->busy, 1, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&line->vm, __ATOMIC_SEQ_CST);
}

static void line_end(struct line *line)
{
	__atomic_sub_fetch(&line->busy, 1, __ATOMIC_RELEASE);
}

void gic_line_deactivate(u32 intid, const struct vm *vm)
{
	struct line *line = line_of(intid);

	if (line_begin(line) == vm)
		bit_write(GICD_ICACTIVER, intid);
	line_end(line);
}

bool gic_line_fire(u32 intid)
{
	struct line *line = line_of(intid);
	bool storm = false;
	struct vm *vm;
	u32 kick = 0;

	if (!(gic.level[intid / 32] & BIT(intid % 32)))
		return false;
	gic_drop_priority(intid);
	vm = line_begin(line);
	if (vm) {
		storm = storms(line, intid);
		vgic_hw_fire(guest_vgic(vm), virtual_of[intid - GIC_SPI_FIRST], &kick);
		vcpu_kick(vm, kick);
	}
	/* While it is surely still that VM's; it need not have settled. */
	if (storm) {
		bit_write(GICD_ICENABLER, intid);
		line_low(line); /* another CPU may have it still: once is enough */
	}
	line_end(line);
	if (storm)
		hyp_irq_storm(intid, vm);
	return true;
}

void gic_lines_leave(u32 from)
{
	u64 self = machine->cpu[from].mpidr & MPIDR_AFFINITY;
	u32 to = 0, i;

	/* Who goes off at the same time has said so before it comes here: it is not chosen, or moves these as well. */
	arch_spin_lock(&gic_dist_lock);
	while (to < machine->cpu_count && !psci_cpu_is_on(to))
		to++;
	for (i = GIC_SPI_FIRST; to < machine->cpu_count && i < GIC_SPI_END; i++)
		if ((gic.own[i / 32] & BIT(i % 32)) && io_read64(gic_dist_reg(GICD_IROUTER + 8 * i)) == self)
			route(i, to);
	arch_spin_unlock(&gic_dist_lock);
}
