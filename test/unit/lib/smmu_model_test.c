/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The software SMMUv3 on its own, programmed by hand: a model that forgives would make every test
 * on it worthless. Tables here are written as numbers from IHI 0070, not by the driver's encoders.
 */
#include <string.h>

#include "hyp/io.h"

#include "smmuv3_model.h"
#include "suite.h"

#define RAM    0x40000000ull
#define REGS   0x0c000000ull
#define STRTAB (RAM + 0x10000) /* 64 entries, linear */
#define CMDQ   (RAM + 0x20000) /* 16 entries */
#define EVTQ   (RAM + 0x21000) /* 16 entries */
#define S1ROOT (RAM + 0x30000) /* levels 0 to 3, one page each */
#define S2ROOT (RAM + 0x40000) /* two root pages, levels 2 and 3 */
#define CDTAB  (RAM + 0x50000)
#define DATA   (RAM + 0x80000)
#define VA     0x1000ull

static struct smmu *smmu;
static u32 prod;

static u64 *at(u64 addr) { return io_phys(pa(addr)); }

static void reg32(u32 offset, u32 value) { io_write32(value, (void *)(uintptr_t)(REGS + offset)); }

static u32 get32(u32 offset) { return io_read32((void *)(uintptr_t)(REGS + offset)); }

static void reg64(u32 offset, u64 value) { io_write64(value, (void *)(uintptr_t)(REGS + offset)); }

static void command(u64 word0, u64 word1)
{
	u64 *slot = at(CMDQ + prod % 16 * 16);

	io_table_write(slot, word0);
	io_table_write(slot + 1, word1);
	io_wmb();
	prod = (prod + 1) % 32;
	reg32(0x98, prod);
}

static void sync(void) { command(0x46, 0); }

/* Queues and tables on, everything flushed, all streams invalid. */
static void boot_as(struct smmu_config config, enum smmu_time time)
{
	fake_ram_add(RAM, 0x100000);
	smmu = smmu_new(&config);
	prod = 0;
	reg32(0x44, 0x80100000); /* GBPA: ABORT */
	smmu_step(smmu, ~0u);
	reg64(0x80, STRTAB);
	reg32(0x88, 6);
	reg64(0x90, CMDQ | 4);
	reg64(0xa0, EVTQ | 4);
	reg32(0x20, 0x8);
	smmu_step(smmu, ~0u);
	command(0x04, 31);
	command(0x30, 0);
	sync();
	smmu_step(smmu, ~0u);
	reg32(0x20, 0xd);
	smmu_step(smmu, ~0u);
	assert_null(smmu_misuse(smmu));
	smmu_time(smmu, time);
}

static void boot(void) { boot_as(smmu_config_full(REGS), SMMU_AT_ONCE); }

/* Stage 1: 48 bits, VA to DATA, read and write for everybody, tagged by ASID. */
#define S1_PAGE (0x403ull | 0x300 | 0x40 | 0x800)

static void stage1_tables(void)
{
	*at(S1ROOT) = (S1ROOT + 0x1000) | 3;
	*at(S1ROOT + 0x1000) = (S1ROOT + 0x2000) | 3;
	*at(S1ROOT + 0x2000) = (S1ROOT + 0x3000) | 3;
	*at(S1ROOT + 0x3000 + 8) = DATA | S1_PAGE;
}

static void context(u64 where, u16 asid, u64 root)
{
	u64 *cd = at(where);

	cd[1] = root;
	cd[3] = 0xff;
	cd[0] = (u64)asid << 48 | 1ull << 46 | 1ull << 45 | 1ull << 41 | 5ull << 32 | 1ull << 31 |
		1ull << 30 | 3 << 12 | 1 << 10 | 1 << 8 | 16;
}

static void stream_stage1(u32 sid, u16 vmid, u64 ctx, u32 cd_max)
{
	u64 *ste = at(STRTAB + sid * 64ull);

	ste[1] = cd_max > 0 ? 2 : 0;
	ste[2] = vmid;
	ste[0] = (u64)cd_max << 59 | ctx | 5 << 1 | 1;
}

/* Stage 2: 40 bits from level 1, the page at VA to DATA. */
#define S2_PAGE (0x403ull | 0x300 | 0xc0 | 0xf << 2)

static void stage2_tables(void)
{
	*at(S2ROOT) = (S2ROOT + 0x2000) | 3;
	*at(S2ROOT + 0x2000) = (S2ROOT + 0x3000) | 3;
	*at(S2ROOT + 0x3000 + 8) = DATA | S2_PAGE;
}

#define STE2                                                                           \
	(1ull << 58 | 1ull << 51 | 5ull << 48 | 3ull << 44 | 1ull << 42 | 1ull << 40 | \
	 1ull << 38 | 24ull << 32)

static void stream_stage2(u32 sid, u16 vmid)
{
	u64 *ste = at(STRTAB + sid * 64ull);

	ste[3] = S2ROOT;
	ste[2] = STE2 | vmid;
	ste[0] = 6 << 1 | 1;
}

static enum smmu_event write_at(u32 sid, u64 addr)
{
	u64 value = 0x1122334455667788;

	return smmu_dma_write(smmu, sid, addr, &value, 8);
}

static void gbpa_decides_while_off(void **state UNUSED)
{
	struct smmu_config config = smmu_config_full(REGS);

	fake_ram_add(RAM, 0x100000);
	smmu = smmu_new(&config);
	smmu_time(smmu, SMMU_MANUAL);
	assert_int_equal(write_at(1, DATA), SMMU_OK); /* as after reset: all DMA passes */
	reg32(0x44, 0x80100000);
	assert_int_equal(get32(0x44) >> 31, 1);
	assert_int_equal(write_at(1, DATA), SMMU_OK); /* not yet */
	smmu_step(smmu, 1);
	assert_int_equal(get32(0x44) >> 31, 0);
	assert_int_equal(write_at(1, DATA), SMMU_ABORTED);
	reg32(0x44, 0); /* without UPDATE: no effect, and said so */
	smmu_step(smmu, 10);
	assert_int_equal(write_at(1, DATA), SMMU_ABORTED);
	assert_non_null(smmu_misuse(smmu));
}

static void unknown_caches_at_reset_must_be_flushed(void **state UNUSED)
{
	struct smmu_config config = smmu_config_full(REGS);

	fake_ram_add(RAM, 0x100000);
	smmu = smmu_new(&config);
	smmu_time(smmu, SMMU_AT_ONCE);
	reg64(0x80, STRTAB);
	reg32(0x88, 6);
	reg32(0x20, 1);
	assert_non_null(smmu_misuse(smmu));
}

static void registers_in_use_are_guarded(void **state UNUSED)
{
	static const u32 wide[] = { 0x80, 0x90, 0xa0 };

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(wide); i++) {
		u64 before = smmu_reg(smmu, wide[i]);

		reg64(wide[i], 0x123000);
		assert_int_equal(smmu_reg(smmu, wide[i]), before);
		assert_non_null(smmu_misuse(smmu));
		smmu_misuse_clear(smmu);
	}
	reg32(0x28, 0);
	assert_non_null(smmu_misuse(smmu));
}

static void stage1_translates_and_faults(void **state UNUSED)
{
	boot();
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	stream_stage1(3, 9, CDTAB, 0);
	assert_int_equal(write_at(3, VA + 8), SMMU_OK);
	assert_int_equal(at(DATA)[1], 0x1122334455667788);
	assert_int_equal(write_at(3, VA + 0x1000), SMMU_F_TRANSLATION);
	assert_int_equal(write_at(3, 1ull << 48), SMMU_F_TRANSLATION);
	assert_int_equal(write_at(4, VA), SMMU_C_BAD_STE);
	assert_int_equal(write_at(64, VA), SMMU_C_BAD_STREAMID);
	assert_int_equal(smmu_event_count(smmu), 4);
	assert_int_equal(at(EVTQ)[0], 0x10ull | 3ull << 32);
	assert_int_equal(at(EVTQ)[2], VA + 0x1000);
	assert_int_equal(get32(0x100a8), 4);
	assert_null(smmu_misuse(smmu));
}

static void stage1_permissions(void **state UNUSED)
{
	struct smmu_dma dma = { .sid = 3, .addr = VA, .size = 8, .priv = true };
	u64 value = 0;

	boot();
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	stream_stage1(3, 9, CDTAB, 0);
	*at(S1ROOT + 0x3000 + 8) = DATA | S1_PAGE | 0x80; /* read-only */
	assert_int_equal(write_at(3, VA), SMMU_F_PERMISSION);
	assert_int_equal(smmu_dma_read(smmu, 3, VA, &value, 8), SMMU_OK);
	*at(S1ROOT + 0x3000 + 8) = DATA | (S1_PAGE & ~0x40ull); /* privileged only */
	command(0x11 | 9ull << 32 | 7ull << 48, 0);
	sync();
	assert_int_equal(smmu_dma_read(smmu, 3, VA, &value, 8), SMMU_F_PERMISSION);
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_OK);
	*at(S1ROOT + 0x3000 + 8) = (DATA | S1_PAGE) & ~0x400ull; /* AF clear */
	command(0x11 | 9ull << 32 | 7ull << 48, 0);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_F_ACCESS);
}

static void stage2_translates_and_faults(void **state UNUSED)
{
	boot();
	stage2_tables();
	stream_stage2(3, 9);
	assert_int_equal(write_at(3, VA + 8), SMMU_OK);
	assert_int_equal(write_at(3, VA + 0x1000), SMMU_F_TRANSLATION);
	assert_int_equal(at(EVTQ)[1] >> 39 & 1, 1);
	assert_int_equal(at(EVTQ)[3], VA + 0x1000);
	assert_int_equal(write_at(3, 1ull << 40), SMMU_F_TRANSLATION);
}

/* Both: stage-1 tables and the page itself go through stage 2. */
static void nested_walks_through_stage2(void **state UNUSED)
{
	u64 *ste, *leaves;

	boot();
	stage1_tables();
	stage2_tables();
	context(CDTAB, 7, S1ROOT);
	stream_stage2(3, 9);
	ste = at(STRTAB + 3 * 64);
	ste[0] = CDTAB | 7 << 1 | 1;
	/* CD not in stage 2 */
	assert_int_equal(write_at(3, VA), SMMU_F_TRANSLATION);
	/* Identity for RAM in stage 2, page by page: level 1 entry 1, level 2, level 3. */
	*at(S2ROOT + 8) = (RAM + 0x60000) | 3;
	*at(RAM + 0x60000) = (RAM + 0x61000) | 3;
	leaves = at(RAM + 0x61000);
	for (u64 i = 0; i < 256; i++)
		leaves[i] = (RAM + i * 0x1000) | S2_PAGE;
	command(0x03 | 3ull << 32, 1);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_OK);
	/* Take the data page out of stage 2: S2_IPA alone leaves the combined entry. */
	leaves[(DATA - RAM) >> 12] = 0;
	command(0x2a | 9ull << 32, DATA);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_OK);
	command(0x10 | 9ull << 32, 0);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_F_TRANSLATION);
	assert_null(smmu_misuse(smmu));
}

static void substreams(void **state UNUSED)
{
	struct smmu_dma dma = { .sid = 3, .has_ssid = true, .write = true, .addr = VA, .size = 8 };
	u64 value = 1;

	boot();
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	context(CDTAB + 64 * 5, 8, S1ROOT);
	stream_stage1(3, 9, CDTAB, 3);
	assert_int_equal(write_at(3, VA), SMMU_OK); /* S1DSS: substream 0 */
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_F_STREAM_DISABLED);
	dma.ssid = 5;
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_OK);
	dma.ssid = 4;
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_C_BAD_CD);
	dma.ssid = 8;
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_C_BAD_SUBSTREAMID);
	stream_stage1(6, 9, CDTAB, 0);
	dma.sid = 6;
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_C_BAD_SUBSTREAMID);
}

/* Everything is kept until it is invalidated: each kind by its own command and no other. */
static void caches_keep_what_no_command_names(void **state UNUSED)
{
	static const struct {
		u64 word0, word1;
		bool removes;
	} tries[] = {
		{ 0x46, 0, false },
		{ 0x03 | 3ull << 32, 1, false },    /* configuration only */
		{ 0x10 | 8ull << 32, 0, false },    /* another VMID */
		{ 0x11 | 9ull << 32 | 6ull << 48, 0, false },       /* another ASID */
		{ 0x12 | 9ull << 32 | 7ull << 48, 0x2001, false },  /* another address */
		{ 0x12 | 9ull << 32 | 6ull << 48, 0x1001, false },
		{ 0x2a | 9ull << 32, 0x1001, false },        /* stage 2 only */
		{ 0x28 | 8ull << 32, 0, false },
		{ 0x12 | 9ull << 32 | 7ull << 48, 0x1000 | 2 << 8 | 1 << 10 | 1,
		  false }, /* TTL 2 */
		{ 0x12 | 9ull << 32 | 7ull << 48, 0x1001, true },
		{ 0x12 | 9ull << 32 | 7ull << 48 | 1 << 12, 0x1000 | 3 << 8 | 1 << 10 | 1, true },
		{ 0x12 | 9ull << 32 | 7ull << 48 | 1 << 20, 0 | 1 << 10 | 1,
		  true }, /* 2 granules */
		{ 0x13 | 9ull << 32, 0x1001, true },
		{ 0x11 | 9ull << 32 | 7ull << 48, 0, true },
		{ 0x10 | 9ull << 32, 0, true },
		{ 0x28 | 9ull << 32, 0, true },
		{ 0x30, 0, true },
	};

	boot();
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	stream_stage1(3, 9, CDTAB, 0);
	for (u32 i = 0; i < ARRAY_SIZE(tries); i++) {
		bool gone;

		*at(S1ROOT + 0x3000 + 8) = DATA | S1_PAGE;
		assert_int_equal(write_at(3, VA), SMMU_OK);
		*at(S1ROOT + 0x3000 + 8) = 0;
		command(tries[i].word0, tries[i].word1);
		sync();
		gone = write_at(3, VA) == SMMU_F_TRANSLATION;
		if (gone != tries[i].removes)
			suite_fail("command %#llx %#llx", (unsigned long long)tries[i].word0,
				   (unsigned long long)tries[i].word1);
		command(0x30, 0);
		sync();
		smmu_misuse_clear(smmu); /* an unaligned TTL is one */
	}
}

/* A leaf-only command leaves table pointers where they are. */
static void walk_caches_need_a_command_without_leaf(void **state UNUSED)
{
	boot();
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	stream_stage1(3, 9, CDTAB, 0);
	assert_int_equal(write_at(3, VA), SMMU_OK);
	/* Another last-level table, with nothing in it. */
	*at(S1ROOT + 0x2000) = (RAM + 0x70000) | 3;
	command(0x12 | 9ull << 32 | 7ull << 48, VA | 1);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_OK);
	command(0x12 | 9ull << 32 | 7ull << 48, VA);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_F_TRANSLATION);
}

static void configuration_is_cached_even_when_invalid(void **state UNUSED)
{
	boot();
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	assert_int_equal(write_at(3, VA), SMMU_C_BAD_STE);
	stream_stage1(3, 9, CDTAB, 0);
	assert_int_equal(write_at(3, VA), SMMU_C_BAD_STE);
	command(0x03 | 2ull << 32, 1); /* another stream */
	sync();
	assert_int_equal(write_at(3, VA), SMMU_C_BAD_STE);
	command(0x03 | 3ull << 32, 1);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_OK);
	at(CDTAB)[0] = 0;
	command(0x10 | 9ull << 32, 0);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_OK);
	command(0x05 | 3ull << 32, 1);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_C_BAD_CD);
}

/* Consumed is not complete: the effect comes with the sync behind it, and not before. */
static void effects_wait_for_the_sync(void **state UNUSED)
{
	boot_as(smmu_config_full(REGS), SMMU_MANUAL);
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	stream_stage1(3, 9, CDTAB, 0);
	assert_int_equal(write_at(3, VA), SMMU_OK);
	*at(S1ROOT + 0x3000 + 8) = 0;
	command(0x10 | 9ull << 32, 0);
	assert_int_equal(smmu_step(smmu, 10), 1);
	assert_int_equal(get32(0x9c) & 31, prod);
	assert_int_equal(write_at(3, VA), SMMU_OK);
	sync();
	assert_int_equal(write_at(3, VA), SMMU_OK);
	assert_int_equal(smmu_step(smmu, 10), 1);
	assert_int_equal(write_at(3, VA), SMMU_F_TRANSLATION);
	assert_true(smmu_idle(smmu));
}

static void commands_that_were_not_published_are_not_seen(void **state UNUSED)
{
	boot();
	fake_stores_policy(FAKE_STORES_AT_BARRIER);
	at(CMDQ + prod * 16)[0] = 0xff; /* what was there before: illegal */
	io_table_write(at(CMDQ + prod * 16), 0x46);
	reg32(0x98, prod + 1);
	assert_int_equal(get32(0x60) ^ get32(0x64), 1);
}

static void reserved_bits_are_illegal(void **state UNUSED)
{
	static const struct {
		u64 word0, word1;
	} legal[] = {
		{ 0x03 | 3ull << 32, 1 },
		{ 0x04, 31 },
		{ 0x05 | 3ull << 32 | 5 << 12, 1 },
		{ 0x06 | 3ull << 32, 0 },
		{ 0x10 | 9ull << 32, 0 },
		{ 0x11 | 9ull << 32 | 7ull << 48, 0 },
		{ 0x12 | 9ull << 32 | 7ull << 48, 0x1001 },
		{ 0x28 | 9ull << 32, 0 },
		{ 0x2a | 9ull << 32, 0x1001 },
		{ 0x30, 0 },
	};
	/* Bits that each of these may carry, in both words. */
	static const u64 may[][2] = {
		{ 0xffffffff000000ff, 0x1 },
		{ 0xffffffff000000ff, 0x1f },
		{ 0xfffffffffffff0ff, 0x1 },
		{ 0xffffffff000000ff, 0 },
		{ 0x0000ffff000000ff, 0 },
		{ 0xffffffff000000ff, 0 },
		{ 0xffffffff03f1f0ff, ~0x0ull },
		{ 0x0000ffff000000ff, 0 },
		{ 0x0000ffff03f1f0ff, ~0x0ull },
		{ 0x00000000000000ff, 0 },
	};

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(legal); i++) {
		for (u32 bit = 8; bit < 128; bit++) {
			u64 w0 = legal[i].word0 ^ (bit < 64 ? 1ull << bit : 0);
			u64 w1 = legal[i].word1 ^ (bit < 64 ? 0 : 1ull << (bit - 64));
			bool reserved = ((w0 & ~may[i][0]) | (w1 & ~may[i][1])) != 0;
			bool refused;

			if (!reserved)
				continue;
			command(w0, w1);
			refused = ((get32(0x60) ^ get32(0x64)) & 1) != 0;
			if (!refused)
				suite_fail("command %#llx %#llx is taken", (unsigned long long)w0,
					   (unsigned long long)w1);
			assert_int_equal(get32(0x9c) >> 24, 1);
			/* Replace it and acknowledge: the queue goes on. */
			at(CMDQ + (prod + 31) % 16 * 16)[0] = 0x46;
			at(CMDQ + (prod + 31) % 16 * 16)[1] = 0;
			reg32(0x64, get32(0x60));
			assert_int_equal(get32(0x9c) & 31, prod);
		}
	}
}

static void commands_without_their_feature_are_illegal(void **state UNUSED)
{
	static const struct {
		u8 op;
		bool stage1, stage2;
	} rows[] = { { 0x05, true, false }, { 0x06, true, false }, { 0x10, true, false }, { 0x11, true, false }, { 0x12, true, false }, { 0x13, true, false }, { 0x28, false, true }, { 0x2a, false, true } };

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct smmu_config config = smmu_config_qemu(REGS);

		fake_reset();
		config.stage1 = !rows[i].stage1;
		config.stage2 = !rows[i].stage2;
		boot_as(config, SMMU_AT_ONCE);
		command(rows[i].op, 0);
		assert_int_equal((get32(0x60) ^ get32(0x64)) & 1, 1);
		smmu_free(smmu);
	}
}

static void bad_entries_are_refused(void **state UNUSED)
{
	/* Word, bits to flip in a good stage-2 entry. */
	static const struct {
		u32 word;
		u64 flip;
	} flips[] = {
		{ 0, 1 },
		{ 0, 1ull << 56 },
		{ 1, 1ull << 20 },
		{ 1, 1ull << 63 },
		{ 1, 1ull << 29 },
		{ 1, 1ull << 48 },
		{ 2, 1ull << 16 },
		{ 2, 1ull << 51 },
		{ 2, 1ull << 52 },
		{ 2, 1ull << 55 },
		{ 2, 1ull << 57 },
		{ 2, 1ull << 46 },
		{ 2, 0x3full << 32 },
		{ 2, 1ull << 39 },
		{ 2, 1ull << 63 },
		{ 3, 1ull << 12 },
		{ 3, 1ull << 50 },
		{ 3, 1ull << 60 },
		{ 4, 1 },
		{ 7, 1ull << 63 },
	};

	boot();
	stage2_tables();
	for (u32 i = 0; i < ARRAY_SIZE(flips); i++) {
		stream_stage2(3, 9);
		assert_int_equal(write_at(3, VA), SMMU_OK);
		at(STRTAB + 3 * 64)[flips[i].word] ^= flips[i].flip;
		command(0x03 | 3ull << 32, 1);
		sync();
		if (write_at(3, VA) != SMMU_C_BAD_STE)
			suite_fail("STE word %u with %#llx", flips[i].word,
				   (unsigned long long)flips[i].flip);
		memset(at(STRTAB + 3 * 64), 0, 64);
		command(0x03 | 3ull << 32, 1);
		sync();
	}
}

static void changes_without_break_are_told(void **state UNUSED)
{
	struct smmu_config config = smmu_config_full(REGS);
	u64 *leaf;

	config.bbml = 0;
	boot_as(config, SMMU_AT_ONCE);
	stage1_tables();
	context(CDTAB, 7, S1ROOT);
	stream_stage1(3, 9, CDTAB, 0);
	leaf = at(S1ROOT + 0x3000);
	for (u64 i = 0; i < 512; i++)
		leaf[i] = (RAM + i * 0x1000) | S1_PAGE;
	assert_int_equal(write_at(3, VA), SMMU_OK);
	/* The table of pages becomes a block while a page of it is cached. */
	*at(S1ROOT + 0x2000) = RAM | (S1_PAGE & ~2ull);
	command(0x12 | 9ull << 32 | 7ull << 48, 0x5000); /* the table pointer, not that page */
	sync();
	assert_null(smmu_misuse(smmu));
	assert_int_equal(write_at(3, 0x5000), SMMU_OK);
	assert_non_null(smmu_misuse(smmu));
}

static void queue_overflow_both_ways(void **state UNUSED)
{
	struct smmu_config config = smmu_config_qemu(REGS);

	boot();
	for (u32 i = 0; i < 20; i++)
		write_at(4, VA);
	assert_int_equal(get32(0x100a8), 0x80000010);
	reg32(0x100ac, 0x80000010); /* consumed and acknowledged */
	write_at(4, VA);
	assert_int_equal(get32(0x100a8), 0x80000011);
	for (u32 i = 0; i < 20; i++)
		write_at(4, VA);
	assert_int_equal(get32(0x100a8) >> 31, 0); /* toggled again */
	smmu_free(smmu);
	fake_reset();
	boot_as(config, SMMU_AT_ONCE);
	for (u32 i = 0; i < 20; i++)
		write_at(4, VA);
	assert_int_equal(get32(0x100a8), 0x10);
	assert_int_equal(get32(0x60) ^ get32(0x64), 4);
}

/* A second overflow before the first is acknowledged does not show; records go on being written meanwhile (7.4). */
static void N81_a_second_overflow_does_not_show(void **state UNUSED)
{
	boot();
	for (u32 i = 0; i < 17; i++)
		write_at(4, VA);
	reg32(0x100ac, 0x8); /* eight are taken, the overflow is not acknowledged */
	for (u32 i = 0; i < 8; i++)
		write_at(4, VA);
	assert_int_equal(get32(0x100a8), 0x80000018);
	write_at(4, VA);
	assert_int_equal(get32(0x100a8), 0x80000018);
	assert_int_equal(smmu_event_count(smmu), 26);
}

static void late_records_come_by_a_sync(void **state UNUSED)
{
	boot();
	smmu_events_late(smmu, true);
	for (u32 i = 0; i < 5; i++)
		write_at(4 + i, VA);
	assert_int_equal(get32(0x100a8), 0);
	assert_int_equal(smmu_events_arrive(smmu, 2), 2);
	assert_int_equal(get32(0x100a8), 2);
	/* In their order; a command alone brings none. */
	command(0x30, 0);
	assert_int_equal(get32(0x100a8), 2);
	sync();
	assert_int_equal(get32(0x100a8), 5);
	for (u32 i = 0; i < 5; i++)
		assert_int_equal(*at(EVTQ + i * 32ull) >> 32, 4 + i);
	assert_int_equal(smmu_events_arrive(smmu, 1), 0);
	/* Off: what is under way comes, and the next at once. */
	write_at(4, VA);
	smmu_events_late(smmu, false);
	assert_int_equal(get32(0x100a8), 6);
	write_at(4, VA);
	assert_int_equal(get32(0x100a8), 7);
}

/* Only where the entry allows it, only what is the same, and only into what was not taken. */
static void records_are_merged_where_the_entry_says_so(void **state UNUSED)
{
	struct smmu_config config = smmu_config_full(REGS);

	config.merges = true;
	boot_as(config, SMMU_AT_ONCE);
	stage2_tables();
	stream_stage2(3, 9);
	for (u32 i = 0; i < 3; i++)
		write_at(3, VA + 0x1000);
	assert_int_equal(get32(0x100a8), 3);
	stream_stage2(5, 9);
	at(STRTAB + 5 * 64)[1] = 1 << 19; /* MEV */
	for (u32 i = 0; i < 3; i++)
		write_at(5, VA + 0x1000);
	assert_int_equal(get32(0x100a8), 4);
	write_at(5, VA + 0x1008);
	assert_int_equal(get32(0x100a8), 5);
	reg32(0x100ac, 5);
	write_at(5, VA + 0x1008);
	assert_int_equal(get32(0x100a8), 6);
	assert_int_equal(smmu_event_count(smmu), 8);
}

static void errors_are_injected(void **state UNUSED)
{
	static const u8 codes[] = { SMMU_CERROR_ILL, SMMU_CERROR_ABT };

	boot();
	for (u32 i = 0; i < ARRAY_SIZE(codes); i++) {
		smmu_inject_cerror(smmu, 2, (enum smmu_cerror)codes[i]);
		command(0x30, 0);
		assert_int_equal(get32(0x60) ^ get32(0x64), 0);
		sync();
		assert_int_equal(get32(0x60) ^ get32(0x64), 1);
		assert_int_equal(get32(0x9c) >> 24 & 0x7f, codes[i]);
		reg32(0x64, get32(0x60));
		assert_int_equal(get32(0x9c) & 31, prod);
	}
	/* ATC_INV: the error comes with the sync behind it. */
	smmu_inject_cerror(smmu, 1, SMMU_CERROR_ATC_INV_SYNC);
	command(0x40 | 3ull << 32, 0);
	assert_int_equal(get32(0x60) ^ get32(0x64), 0);
	sync();
	assert_int_equal(get32(0x9c) >> 24 & 0x7f, SMMU_CERROR_ATC_INV_SYNC);
}

static void translated_requests_need_atschk(void **state UNUSED)
{
	struct smmu_dma dma = {
		.sid = 3, .write = true, .translated = true, .addr = DATA, .size = 8
	};
	u64 value = 1, out = 0;

	boot();
	stage2_tables();
	stream_stage2(3, 9);
	assert_int_equal(smmu_ats_request(smmu, 3, VA, &out), SMMU_F_BAD_ATS_TREQ);
	/* Without CR0.ATSCHK a device reaches whatever it names. */
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_OK);
	reg32(0x20, 0x1d);
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_F_TRANSL_FORBIDDEN);
}

/* What stage 1 says is kept by the device, and is an address of stage 2 when it comes back. */
static void split_ats_goes_through_stage2(void **state UNUSED)
{
	struct smmu_dma dma = { .sid = 3, .write = true, .translated = true, .addr = VA, .size = 8 };
	u64 value = 7, out = 0, *ste;

	boot();
	stage1_tables();
	stage2_tables();
	/* Identity for RAM in stage 2, beside VA. */
	*at(S2ROOT + 8) = (RAM + 0x60000) | 3;
	*at(RAM + 0x60000) = (RAM + 0x61000) | 3;
	for (u64 i = 0; i < 256; i++)
		at(RAM + 0x61000)[i] = (RAM + i * 0x1000) | S2_PAGE;
	*at(S1ROOT + 0x3000 + 8) = VA | S1_PAGE; /* as an address of stage 2 */
	context(CDTAB, 7, S1ROOT);
	stream_stage2(3, 9);
	ste = at(STRTAB + 3 * 64);
	ste[1] = 2ull << 28;
	ste[0] = CDTAB | 7 << 1 | 1;
	/* An entry like that needs the check of what comes back. */
	assert_int_equal(write_at(3, VA), SMMU_C_BAD_STE);
	reg32(0x20, 0x1d);
	assert_int_equal(write_at(3, VA), SMMU_OK);
	assert_int_equal(smmu_ats_request(smmu, 3, VA, &out), SMMU_OK);
	assert_int_equal(out, VA);
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_OK);
	assert_int_equal(*at(DATA), 7);
	dma.addr = RAM + 0x100000;
	assert_int_equal(smmu_dma(smmu, &dma, &value, NULL), SMMU_F_TRANSLATION);
	/* It forgets by ATC_INV alone, of its stream and pages. */
	command(0x10 | 9ull << 32, 0);
	command(0x40 | 4ull << 32, 52);
	command(0x40 | 3ull << 32, 0x2000 | 0);
	command(0x40 | 3ull << 32, 0x4000 | 2);
	sync();
	assert_true(smmu_atc_holds(smmu, 3, VA));
	command(0x40 | 3ull << 32, 1);
	sync();
	assert_false(smmu_atc_holds(smmu, 3, VA));
}

/* The sync waits for it, fails, names nobody, and then completes. */
static void a_deaf_device_fails_the_sync(void **state UNUSED)
{
	u64 out;

	boot();
	stage2_tables();
	stream_stage2(3, 9);
	at(STRTAB + 3 * 64)[1] = 1ull << 28;
	assert_int_equal(smmu_ats_request(smmu, 3, VA, &out), SMMU_OK);
	smmu_atc_deaf(smmu, 3, 1);
	command(0x40 | 3ull << 32, 52);
	sync();
	assert_int_equal(get32(0x9c) & 31, (prod - 1) % 32);
	assert_int_equal(get32(0x60) ^ get32(0x64), 0);
	fake_time_advance(SMMU_ATC_TIMEOUT_US);
	assert_int_equal(get32(0x9c) >> 24 & 0x7f, SMMU_CERROR_ATC_INV_SYNC);
	assert_int_equal(get32(0x9c) & 31, (prod - 1) % 32);
	assert_int_equal(get32(0x60) ^ get32(0x64), 1);
	reg32(0x64, get32(0x60));
	assert_int_equal(get32(0x9c) & 31, prod);
	assert_true(smmu_atc_holds(smmu, 3, VA));
	command(0x40 | 3ull << 32, 52);
	sync();
	assert_int_equal(get32(0x9c) & 31, prod);
	assert_false(smmu_atc_holds(smmu, 3, VA));
}

static void an_opcode_can_be_refused(void **state UNUSED)
{
	boot();
	smmu_refuse(smmu, 0x11, true);
	command(0x10, 0);
	command(0x11, 0);
	assert_int_equal(get32(0x9c) >> 24 & 0x7f, SMMU_CERROR_ILL);
	smmu_refuse(smmu, 0x11, false);
	reg32(0x64, get32(0x60));
	assert_int_equal(get32(0x9c) & 31, prod);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(gbpa_decides_while_off),
		cmocka_unit_test(unknown_caches_at_reset_must_be_flushed),
		cmocka_unit_test(registers_in_use_are_guarded),
		cmocka_unit_test(stage1_translates_and_faults),
		cmocka_unit_test(stage1_permissions),
		cmocka_unit_test(stage2_translates_and_faults),
		cmocka_unit_test(nested_walks_through_stage2),
		cmocka_unit_test(substreams),
		cmocka_unit_test(caches_keep_what_no_command_names),
		cmocka_unit_test(walk_caches_need_a_command_without_leaf),
		cmocka_unit_test(configuration_is_cached_even_when_invalid),
		cmocka_unit_test(effects_wait_for_the_sync),
		cmocka_unit_test(commands_that_were_not_published_are_not_seen),
		cmocka_unit_test(reserved_bits_are_illegal),
		cmocka_unit_test(commands_without_their_feature_are_illegal),
		cmocka_unit_test(bad_entries_are_refused),
		cmocka_unit_test(changes_without_break_are_told),
		cmocka_unit_test(queue_overflow_both_ways),
		cmocka_unit_test(N81_a_second_overflow_does_not_show),
		cmocka_unit_test(late_records_come_by_a_sync),
		cmocka_unit_test(records_are_merged_where_the_entry_says_so),
		cmocka_unit_test(errors_are_injected),
		cmocka_unit_test(translated_requests_need_atschk),
		cmocka_unit_test(split_ats_goes_through_stage2),
		cmocka_unit_test(a_deaf_device_fails_the_sync),
		cmocka_unit_test(an_opcode_can_be_refused),
	};

	return SUITE("smmu_model", cases);
}
