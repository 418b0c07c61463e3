/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest can do to the interrupt controller, tried at every offset of every frame, with every width, reading and
 * writing: the filter over a controller that is memory. What must hold is written down here by interrupt, from
 * IHI 0069 chapter 12, and not by the filter's rows.
 */
#include <stdio.h>
#include <string.h>

#include "gic.h"
#include "suite.h"

#define FRAME    0x10000u
#define DIST     0x08000000ull
#define REDIST   0x080a0000ull
#define CPUS     3u
#define STRIDE   0x40000u /* a frame of virtual LPIs behind each */
#define WINDOW   (CPUS * STRIDE + 2 * FRAME) /* and room for a redistributor that no CPU has */
#define ALL_ONES (~0ull)
#define POISONS  6

static u8 dist[FRAME], redist[WINDOW];
static struct gic g;

/* The last access of hardware; there may be one at most. */
static struct {
	u32 reads, writes;
	u64 addr, value;
	u32 width;
} hw;

/* --- the controller */

static u64 hw_read(void *memory, u64 offset, u32 width)
{
	u64 value = 0;

	hw.reads++;
	hw.addr = (memory == dist ? DIST : REDIST) + offset;
	hw.width = width;
	memcpy(&value, (u8 *)memory + offset, width);
	return value;
}

static void hw_write(void *memory, u64 offset, u32 width, u64 value)
{
	hw.writes++;
	hw.addr = (memory == dist ? DIST : REDIST) + offset;
	hw.width = width;
	hw.value = value;
}

static void own(u32 intid)
{
	g.own[intid / 32] |= 1u << intid % 32;
}

static bool is_own(u32 intid)
{
	return intid < 1024 && g.own[intid / 32] >> intid % 32 & 1;
}

static bool is_level(u32 intid)
{
	return intid < 1024 && g.level[intid / 32] >> intid % 32 & 1;
}

static void boot(void)
{
	static const struct fake_io_ops ops = { hw_read, hw_write };

	fake_io_register(DIST, sizeof(dist), &ops, dist);
	fake_io_register(REDIST, sizeof(redist), &ops, redist);
	for (u32 i = 0; i < sizeof(dist); i++)
		dist[i] = (u8)fake_random();
	for (u32 i = 0; i < sizeof(redist); i++)
		redist[i] = (u8)fake_random();
	memset(&g, 0, sizeof(g));
	g.dist = (struct gic_frame){ DIST, (volatile void __mmio *)DIST };
	for (u32 i = 0; i < CPUS; i++)
		g.redist[i] = (struct gic_frame){ REDIST + i * STRIDE, (volatile void __mmio *)(REDIST + i * STRIDE) };
	g.cpu_count = CPUS;
	g.window[g.window_count++] = (struct range){ REDIST, WINDOW };
}

/* Ours at every kind of place: alone, side by side, a whole word of them, the last. */
static void boot_with_own(void)
{
	static const u32 intid[] = { GIC_SGI_STOP, 32, 106, 107, 110, 63, 255, 257, 1019 };

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(intid); i++)
		own(intid[i]);
	for (u32 i = 512; i < 544; i++)
		own(i);
}

/* Lines that were given to VMs are ours too, in the middle of a word and beside ours. */
static void boot_with_given(void)
{
	static const u32 intid[] = { 36, 37, 111, 520 };

	boot_with_own();
	for (u32 i = 0; i < ARRAY_SIZE(intid); i++) {
		own(intid[i]);
		g.level[intid[i] / 32] |= 1u << intid[i] % 32;
	}
}

/* --- what must hold */

/* For the bits of one access. */
struct rule {
	bool exists;
	bool constant; /* never written */
	u64 visible;  /* read as they are; the others as zero */
	u64 writable; /* the guest's; all others are zero in what reaches hardware */
	u64 ones;     /* always one */
};

static u64 bits(u32 count)
{
	return count >= 64 ? ALL_ONES : (1ull << count) - 1;
}

enum kind { SET_CLEAR, /* one bit: enabled, pending, active */
	    GROUP,
	    PRIORITY,
	    EDGE,
	    ROUTER };

/* A register with `size` bits for each interrupt, from interrupt 0 at offset `base` on. */
static struct rule by_interrupt(enum kind kind, u32 size, u32 base, u32 offset, u32 width)
{
	struct rule r = { .exists = true };

	for (u32 bit = 0; bit < width * 8; bit++) {
		u32 at = (offset - base) * 8 + bit, intid = at / size;
		bool theirs = !is_own(intid);

		if (theirs)
			r.visible |= 1ull << bit;
		if (theirs && (kind != ROUTER || at % 64 < 24 || at % 64 == 31 || (at % 64 >= 32 && at % 64 < 40)))
			r.writable |= 1ull << bit;
		if (theirs && (kind == GROUP || (kind == PRIORITY && at % 8 == 7)))
			r.ones |= 1ull << bit;
		/* Ours are edge, but for those that are level: lines given to VMs, the timer. */
		if (!theirs && kind == EDGE && at % 2 == 1 && !is_level(intid))
			r.ones |= 1ull << bit;
	}
	/* Half of a route is not written either; a word of other bits of ours may be, as it was. */
	r.constant = kind == ROUTER && r.writable == 0;
	return r;
}

static struct rule read_only(u64 visible)
{
	return (struct rule){ .exists = true, .constant = true, .visible = visible };
}

static struct rule dist_rule(u32 offset, u32 width)
{
	static const struct rule none;

	if (offset >= 0x6100 && offset < 0x6000 + 8 * 1020 && (width == 4 || width == 8))
		return by_interrupt(ROUTER, 64, 0x6000, offset, width);
	if (offset >= 0x400 && offset < 0x400 + 1020 && (width == 1 || width == 4))
		return by_interrupt(PRIORITY, 8, 0x400, offset, width);
	if (width != 4)
		return none;
	if (offset >= 0x80 && offset < 0x100)
		return by_interrupt(GROUP, 1, 0x80, offset, width);
	if (offset >= 0x100 && offset < 0x400)
		return by_interrupt(SET_CLEAR, 1, offset & ~127u, offset, width);
	if (offset >= 0xc00 && offset < 0xd00)
		return by_interrupt(EDGE, 2, 0xc00, offset, width);
	switch (offset) {
	case 0x0: /* CTLR without Group 0 */
		return read_only(~1ull);
	case 0x4: /* TYPER without LPIs, their number, message interrupts, extended SPIs */
		return read_only(~(0x3full << 11 | 3ull << 16 | 1 << 8 | 31ull << 27) | 1ull << 10);
	case 0x8: /* IIDR */
		return read_only(ALL_ONES);
	default: /* identification */
		return offset >= 0xffd0 && offset < 0xfffc ? read_only(ALL_ONES) : none;
	}
}

static struct rule sgi_rule(u32 offset, u32 width)
{
	static const struct rule none;

	if (offset >= 0x400 && offset < 0x420 && (width == 1 || width == 4))
		return by_interrupt(PRIORITY, 8, 0x400, offset, width);
	if (width != 4)
		return none;
	if (offset == 0x80)
		return by_interrupt(GROUP, 1, 0x80, offset, width);
	if (offset >= 0x100 && offset < 0x400 && offset % 128 == 0)
		return by_interrupt(SET_CLEAR, 1, offset, offset, width);
	if (offset == 0xc00 || offset == 0xc04)
		return by_interrupt(EDGE, 2, 0xc00, offset, width);
	return none;
}

static struct rule rd_rule(u32 offset, u32 width)
{
	static const struct rule none;
	const u64 typer = ~(1ull << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 7); /* physical LPIs, direct ones, MPAM */

	if (offset == 0x8 && (width == 4 || width == 8))
		return read_only(typer);
	if (width != 4)
		return none;
	switch (offset) {
	case 0x0: /* CTLR: write pending alone; LPIs cannot be seen or enabled */
		return read_only(1 << 3);
	case 0x4:
	case 0xc:
	case 0x14: /* WAKER */
		return read_only(ALL_ONES);
	default:
		return offset >= 0xffd0 && offset < 0xfffc ? read_only(ALL_ONES) : none;
	}
}

static struct rule redist_rule(u32 offset, u32 width)
{
	static const struct rule none;
	u32 in = offset % STRIDE;

	if (offset / STRIDE >= CPUS || in >= 2 * FRAME)
		return none;
	return in < FRAME ? rd_rule(in, width) : sgi_rule(in - FRAME, width);
}

/* --- one access */

static void fails(const struct mem_access *a, const char *why) NORETURN;
static void fails(const struct mem_access *a, const char *why)
{
	suite_fail("%s of %u bytes at 0x%llx, value 0x%llx: %s (hardware: %u reads, %u writes of 0x%llx)",
		   a->write ? "write" : "read", a->width, (unsigned long long)a->ipa.v, (unsigned long long)a->value,
		   why, hw.reads, hw.writes, (unsigned long long)hw.value);
}

static u64 done(u32 cpu, struct mem_access *a)
{
	memset(&hw, 0, sizeof(hw));
	if (a->ipa.v >= REDIST)
		gic_filter_redist(&g, cpu, a);
	else
		gic_filter_dist(&g, a);
	if (hw.reads + hw.writes > 1)
		fails(a, "more than one access");
	if (hw.reads + hw.writes == 1 && (hw.addr != a->ipa.v || hw.width != a->width))
		fails(a, "another register, or in another width");
	return a->value;
}

static void reads_as(const struct rule *r, u32 cpu, u64 addr, u32 width)
{
	struct mem_access a = { .ipa = ipa(addr), .width = (u8)width, .valid = true, .value = ALL_ONES };
	u64 value = done(cpu, &a), raw = 0;

	memcpy(&raw, addr >= REDIST ? &redist[addr - REDIST] : &dist[addr - DIST], width);
	if (hw.writes != 0 || hw.reads != r->exists)
		fails(&a, "hardware is read only where there is something to read, and never written");
	if (value != (r->exists ? raw & r->visible & bits(width * 8) : 0))
		fails(&a, "reads otherwise");
}

static void writes_as(const struct rule *r, u32 cpu, u64 addr, u32 width, u64 value, bool may)
{
	struct mem_access a = { .ipa = ipa(addr), .width = (u8)width, .write = true, .valid = true, .value = value };

	done(cpu, &a);
	if (hw.reads != 0)
		fails(&a, "hardware is read");
	if (hw.writes != 0 && (!may || !r->exists || r->constant))
		fails(&a, "written");
	if (hw.writes == 0 && may && r->writable != 0)
		fails(&a, "not written");
	if (hw.writes == 1 && hw.value != (((value & r->writable) | r->ones) & bits(width * 8)))
		fails(&a, "written otherwise");
}

static void every_access(u64 base, u32 size, struct rule (*rule)(u32 offset, u32 width))
{
	static const u64 poison[POISONS] = { 0, ALL_ONES, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0x7f7f7f7f7f7f7f7f,
					     0x0123456789abcdef };

	for (u32 width = 1; width <= 8; width *= 2) {
		for (u32 offset = 0; offset < size; offset += width) {
			struct rule r = rule(offset, width);

			for (u32 cpu = 0; cpu < CPUS; cpu++) {
				bool may = base == DIST || offset / STRIDE == cpu;

				reads_as(&r, cpu, base + offset, width);
				for (u32 i = 0; i < POISONS; i++)
					writes_as(&r, cpu, base + offset, width, poison[i], may);
			}
		}
	}
}

/* --- cases */

static void every_access_to_the_distributor(void **state UNUSED)
{
	boot_with_own();
	every_access(DIST, FRAME, dist_rule);
}

/* Two security states: nothing is ours, all is the guest's. */
static void every_access_when_nothing_is_ours(void **state UNUSED)
{
	boot();
	every_access(DIST, FRAME, dist_rule);
}

static void every_access_when_lines_are_given_away(void **state UNUSED)
{
	boot_with_given();
	every_access(DIST, FRAME, dist_rule);
}

/* Of each CPU to each redistributor, its own and others', the frames of virtual LPIs and behind the last. */
static void every_access_to_the_redistributors(void **state UNUSED)
{
	boot_with_own();
	every_access(REDIST, WINDOW, redist_rule);
}

/*
 * The same question from the other side, without the rules above: whatever is written, wherever, ours keep group,
 * priority, route and trigger, nobody turns them on or off, and no guest's interrupt is as urgent as ours.
 */
static void check_state(u32 offset)
{
	for (u32 intid = 32; intid < 1020; intid++) {
		bool group1 = dist[0x80 + intid / 8] >> intid % 8 & 1;
		u8 priority = dist[0x400 + intid];
		u32 edge = dist[0xc00 + intid / 4] >> intid % 4 * 2 & 3;
		u64 route;

		memcpy(&route, &dist[0x6000 + 8 * intid], 8);
		if (is_own(intid) ? group1 || priority != 0 || edge != 2 || route != 0x42 : !group1 || priority < 0x80)
			suite_fail("interrupt %u after a write at 0x%x: group %u, priority %u, edge %u, route 0x%llx", intid,
				   offset, group1, priority, edge, (unsigned long long)route);
	}
	if (dist[0] != 0x13)
		suite_fail("the distributor's control register after a write at 0x%x: 0x%x", offset, dist[0]);
}

static void state_init(void)
{
	for (u32 intid = 32; intid < 1020; intid++) {
		u64 route = is_own(intid) ? 0x42 : 0;

		dist[0x80 + intid / 8] = (u8)((dist[0x80 + intid / 8] & ~(1u << intid % 8)) |
					      (is_own(intid) ? 0u : 1u << intid % 8));
		dist[0x400 + intid] = is_own(intid) ? 0 : 0xa0;
		dist[0xc00 + intid / 4] = (u8)((dist[0xc00 + intid / 4] & ~(3u << intid % 4 * 2)) |
					       (is_own(intid) ? 2u << intid % 4 * 2 : 0));
		memcpy(&dist[0x6000 + 8 * intid], &route, 8);
	}
	dist[0] = 0x13;
}

static void ours_keep_their_state(void **state UNUSED)
{
	static const u64 poison[] = { 0, ALL_ONES, 0x5555555555555555 };

	boot_with_own();
	state_init();
	check_state(0);
	for (u32 width = 1; width <= 8; width *= 2) {
		for (u32 offset = 0; offset < FRAME; offset += width) {
			for (u32 i = 0; i < ARRAY_SIZE(poison); i++) {
				struct mem_access a = { .ipa = ipa(DIST + offset), .width = (u8)width, .write = true, .value = poison[i] };

				done(0, &a);
				if (hw.writes == 0)
					continue;
				memcpy(&dist[offset], &hw.value, width);
				check_state(offset);
			}
		}
	}
}

/* Writing a one sets or clears: none arrives for ours, in any of the six registers of each kind. */
static void ours_are_neither_enabled_nor_disabled(void **state UNUSED)
{
	boot_with_own();
	for (u32 base = 0x100; base < 0x400; base += 0x80) {
		for (u32 offset = 0; offset < 0x80; offset += 4) {
			struct mem_access a = { .ipa = ipa(DIST + base + offset), .width = 4, .write = true, .value = ALL_ONES };

			done(0, &a);
			assert_int_equal(hw.value & g.own[offset / 4], 0);
			assert_int_equal(hw.value, (u32)~g.own[offset / 4]);
		}
		for (u32 cpu = 0; cpu < CPUS; cpu++) {
			struct mem_access a = { .ipa = ipa(REDIST + cpu * STRIDE + FRAME + base), .width = 4, .write = true, .value = ALL_ONES };

			done(cpu, &a);
			assert_int_equal(hw.writes, 1);
			assert_int_equal(hw.value, (u32) ~(1u << GIC_SGI_STOP));
		}
	}
}

static void windows_end_where_they_end(void **state UNUSED)
{
	boot();
	assert_false(gic_is_dist(&g, ipa(DIST - 1)));
	assert_true(gic_is_dist(&g, ipa(DIST)));
	assert_true(gic_is_dist(&g, ipa(DIST + FRAME - 1)));
	assert_false(gic_is_dist(&g, ipa(DIST + FRAME)));
	assert_false(gic_is_redist(&g, ipa(REDIST - 1)));
	assert_true(gic_is_redist(&g, ipa(REDIST)));
	assert_true(gic_is_redist(&g, ipa(REDIST + WINDOW - 1)));
	assert_false(gic_is_redist(&g, ipa(REDIST + WINDOW)));
	assert_false(gic_is_redist(&g, ipa(0)));
	assert_false(gic_is_redist(&g, ipa(ALL_ONES)));
	/* A second window, and neither what is between them nor nothing at all. */
	g.window[g.window_count++] = (struct range){ REDIST + 2 * WINDOW, WINDOW };
	assert_true(gic_is_redist(&g, ipa(REDIST)));
	assert_false(gic_is_redist(&g, ipa(REDIST + WINDOW)));
	assert_true(gic_is_redist(&g, ipa(REDIST + 2 * WINDOW)));
	assert_true(gic_is_redist(&g, ipa(REDIST + 3 * WINDOW - 1)));
	assert_false(gic_is_redist(&g, ipa(REDIST + 3 * WINDOW)));
	g.window_count = 0;
	assert_false(gic_is_redist(&g, ipa(REDIST)));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(every_access_to_the_distributor),
		cmocka_unit_test(every_access_when_nothing_is_ours),
		cmocka_unit_test(every_access_when_lines_are_given_away),
		cmocka_unit_test(every_access_to_the_redistributors),
		cmocka_unit_test(ours_keep_their_state),
		cmocka_unit_test(ours_are_neither_enabled_nor_disabled),
		cmocka_unit_test(windows_end_where_they_end),
	};

	return SUITE("gic_filter", cases);
}
