/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The primary's accesses to the machine's distributor and redistributors (architecture 10): its interrupts are Group 1 with
 * priorities from 0x80 on; the hypervisor's read as zero, and nothing that is written changes them; LPIs, power states and
 * groups are not for it; each CPU writes only its own redistributor. Hardware itself is asked what an access has done.
 *
 * An access is judged under the lock that the caller holds, so that nobody else writes meanwhile: not in turn, which would
 * wait for a CPU that waits for this lock. What hardware changes by itself (pending, active) is compared for no more than
 * what must read as zero.
 */
#include "gic.h"

#include "entries.h"
#include "frames.h"
#include "hyp/io.h"
#include "hyp/platform.h"
#include "image.h"
#include "spec_check.h"
#include "turn.h"

#define GROUP0_ENABLE 1u
#define TYPER_HIDDEN  (1u << 8 | 0x1fu << 11 | 1u << 16 | 1u << 17 | 0x1fu << 27) /* extended SPIs, LPIs, messages */
#define RWP           8u
#define REDIST_HIDDEN 0xcdull /* LPIs of every kind; the distance to the next one and "last" stay */
#define ANY_CPU       (1ull << 31)
#define PRIORITY_TOP  0xf0ull /* the bits that every implementation with one security state has */

struct asked {
	struct frame_reg reg;
	const volatile u8 __mmio *at; /* the register, and the whole word or double word of it */
	const struct mem_access *access;
	u64 before;
	bool writes; /* a frame that this CPU may write */
	bool dist;
};

static bool is_ours(u32 intid) { return gic.own[intid / 32 % 32] >> intid % 32 & 1; }

/* The bits of our interrupts in what is accessed. */
static u64 our_bits(const struct frame_reg *reg)
{
	u64 bits = 0, field = reg->bits >= 64 ? ~0ull : (1ull << reg->bits) - 1;

	for (u32 i = 0; i < reg->count; i++)
		if (is_ours(reg->first + i))
			bits |= field << i * reg->bits;
	return bits;
}

static u64 low_bits(u64 value, u32 width) { return width == 8 ? value : value & ((1ull << width * 8) - 1); }

static u64 now(const struct asked *a)
{
	u64 value;

	if (a->reg.kind == F_ROUTE || (a->reg.kind == F_TYPER && !a->dist))
		value = io_read64(a->at - a->reg.at) >> a->reg.at * 8;
	else
		value = a->access->width == 1 ? io_read8(a->at) : io_read32(a->at);
	return low_bits(value, a->access->width);
}

static void refuse(const struct asked *a, u64 is, u64 must, const char *what)
{
	spec_fail("the primary's %s of %u bytes at 0x%llx (0x%llx): %s 0x%llx, and 0x%llx it has to be",
		  a->access->write ? "write" : "read", a->access->width, (unsigned long long)a->access->ipa.v,
		  (unsigned long long)a->access->value, what, (unsigned long long)is, (unsigned long long)must);
}

/* What a read shows of the register; bits that hardware changes by itself are not in *stable. */
static u64 shown(const struct asked *a, u64 is, u64 *stable)
{
	*stable = ~0ull;
	switch (a->reg.kind) {
	case F_NONE:
		return 0;
	case F_CTLR:
		*stable = a->dist ? ~(1ull << 31) : ~(u64)RWP;
		return a->dist ? is & ~(u64)GROUP0_ENABLE : is & RWP;
	case F_TYPER:
		return is & ~(a->dist ? (u64)TYPER_HIDDEN : REDIST_HIDDEN >> a->reg.at * 8);
	case F_PENDING_SET ... F_ACTIVE_CLEAR:
		*stable = our_bits(&a->reg);
		return 0;
	default:
		return a->reg.count != 0 ? is & ~our_bits(&a->reg) : is;
	}
}

static void judge_read(const struct asked *a)
{
	u64 stable, is = low_bits(a->access->value, a->access->width), must;

	must = shown(a, a->reg.kind == F_NONE ? 0 : now(a), &stable);
	if (((is ^ must) & stable) != 0)
		refuse(a, is, must, "it shows");
}

/* What a write leaves in the guest's part; bits that some hardware has not are not in *compared. */
static u64 left(const struct asked *a, u64 *compared)
{
	u64 v = low_bits(a->access->value, a->access->width);

	*compared = ~0ull;
	switch (a->reg.kind) {
	case F_ENABLE_SET:
		return a->before | v;
	case F_ENABLE_CLEAR:
		return a->before & ~v;
	case F_PRIORITY:
		*compared = PRIORITY_TOP * 0x01010101ull;
		return v | 0x80808080ull;
	case F_CONFIG:
		*compared = a->reg.first < SPI_FIRST ? 0 : 0xaaaaaaaaull; /* private ones may be fixed */
		return v;
	case F_ROUTE:
		*compared = (0xff00ffffffull & ~ANY_CPU) >> a->reg.at * 8;
		return v;
	default:
		return a->before;
	}
}

static void judge_write(const struct asked *a)
{
	u64 is, own = our_bits(&a->reg), compared = ~0ull, must;

	if (a->reg.kind == F_NONE || (a->reg.kind >= F_PENDING_SET && a->reg.kind <= F_ACTIVE_CLEAR))
		return;
	must = a->writes ? left(a, &compared) : a->before;
	if (a->reg.kind == F_CTLR)
		compared = ~(1ull << 31 | RWP);
	is = now(a);
	if (((is ^ a->before) & own) != 0)
		refuse(a, is, a->before, "of the hypervisor's interrupts it leaves");
	if (((is ^ must) & compared & ~own & low_bits(~0ull, a->access->width)) != 0)
		refuse(a, is, must, "it leaves");
}

static void begins(struct asked *a)
{
	/* Beyond the interrupts that this distributor has there is nothing. */
	if (a->dist && a->reg.first >= 32 * ((io_read32(a->at - (a->access->ipa.v - gic.dist.base) + 4) & 0x1f) + 1))
		a->reg = (struct frame_reg){ .kind = F_NONE };
	/* Of private interrupts the distributor has nothing where affinities route. */
	if (a->dist && a->reg.count != 0 && a->reg.first < SPI_FIRST)
		a->reg = (struct frame_reg){ .kind = F_NONE };
	if (a->access->write && a->reg.kind != F_NONE)
		a->before = now(a);
}

static void ends(const struct asked *a, enum spec_entry entry)
{
	entry_judged(entry);
	if (a->access->write)
		judge_write(a);
	else
		judge_read(a);
}

void __real_gic_filter_dist(const struct gic *g, struct mem_access *access);
void __wrap_gic_filter_dist(const struct gic *g, struct mem_access *access);
void __wrap_gic_filter_dist(const struct gic *g, struct mem_access *access)
{
	u32 offset = (u32)(access->ipa.v - g->dist.base);
	struct asked a = {
		.reg = frame_dist(offset, access->width),
		.at = (const volatile u8 __mmio *)g->dist.regs + offset,
		.access = access,
		.writes = true,
		.dist = true,
	};

	if (!turn_judges()) {
		__real_gic_filter_dist(g, access);
		return;
	}
	for (u32 i = 0; i < machine->iommu_count; i++)
		if (!is_ours(machine->iommu[i].event_irq) || !is_ours(machine->iommu[i].error_irq))
			spec_fail("an interrupt of IOMMU %u is not the hypervisor's", i);
	begins(&a);
	__real_gic_filter_dist(g, access);
	ends(&a, ENTRY_GICD);
}

void __real_gic_filter_redist(const struct gic *g, u32 cpu, struct mem_access *access);
void __wrap_gic_filter_redist(const struct gic *g, u32 cpu, struct mem_access *access);
void __wrap_gic_filter_redist(const struct gic *g, u32 cpu, struct mem_access *access)
{
	struct asked a = { .access = access };

	for (u32 i = 0; i < machine->cpu_count; i++) {
		u64 offset = access->ipa.v - g->redist[i].base;

		if (offset >= 0x20000)
			continue;
		a.reg = offset < 0x10000 ? frame_redist((u32)offset, access->width) :
					   frame_sgi((u32)offset - 0x10000, access->width);
		a.at = (const volatile u8 __mmio *)g->redist[i].regs + offset;
		a.writes = i == cpu;
	}
	if (!turn_judges()) {
		__real_gic_filter_redist(g, cpu, access);
		return;
	}
	begins(&a);
	__real_gic_filter_redist(g, cpu, access);
	/* Another CPU's changes while it runs. */
	if (a.writes || a.reg.kind == F_NONE)
		ends(&a, ENTRY_GICR);
}
