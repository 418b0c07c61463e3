/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the floor begins with: an SMMU that translates one stream by stage 1 and blocks all others, a record for every
 * page, tables for the IOVAs that are measured. Done at EL1, which nothing keeps from it here. Follows IHI 0070.
 */
#include <string.h>

#include "cpu.h"
#include "floor.h"
#include "machine.h"
#include "ram.h"
#include "report.h"

#define CR0        0x20
#define CR0ACK     0x24
#define CR1        0x28
#define CR2        0x2c
#define STRTAB     0x80
#define STRTAB_CFG 0x88
#define CMDQ       0x90
#define CMDQ_PROD  0x98
#define CMDQ_CONS  0x9c

#define CR0_SMMU_ON 1u
#define CR0_CMDQ_ON 8u
#define CR2_PRIVATE 2u /* RECINVSID; no broadcast of CPU invalidations needed */

#define STREAM_LOG    9
#define STE_WORDS     8
#define STE_STAGE_1   (1ul | 5ul << 1)
#define STE_SHARE_IN  (1ul << 44)
#define CD_48_BITS    16ul /* T0SZ; 4 KiB granule */
#define CD_WALKS      (1ul << 8 | 1ul << 10 | 3ul << 12) /* write back, inner shareable */
#define CD_NO_TTB1    (1ul << 30)
#define CD_VALID      (1ul << 31)
#define CD_44_BITS    (4ul << 32)
#define CD_AARCH64    (1ul << 41)
#define CD_TERMINATES (1ul << 46 | 1ul << 45)
#define CD_MAIR       0xfful
#define CMD_CFGI_ALL  4ul
#define CMD_TLBI_ALL  0x30ul
#define CMD_SYNC      0x46ul
#define TABLE         3ul
#define ASID          1u
#define TRIES         1000000u
#define QUEUE_BYTES   (16ul << FLOOR_QUEUE_LOG)

struct floor floor_state;

static u64 smmu;

static void wait_for(u64 reg, u32 value, const char *what)
{
	for (u32 i = 0; i < TRIES; i++) {
		if (mmio_read32(reg) == value)
			return;
	}
	REQUIRE(false, "the SMMU does not: %s", what);
}

static void set_cr0(u32 value)
{
	mmio_write32(smmu + CR0, value);
	wait_for(smmu + CR0ACK, value, "take CR0");
}

static void command(u64 word0, u64 word1)
{
	struct floor_queue *q = &floor_state.queue;

	q->commands[q->prod][0] = word0;
	q->commands[q->prod++][1] = word1;
	dsb();
	mmio_write32((u64)q->prod_reg, q->prod);
	wait_for((u64)q->cons_reg, q->prod, "consume a command");
}

static u64 *context_descriptor(const u64 *root)
{
	u64 *cd = ram_alloc(PAGE, PAGE);

	cd[0] = CD_48_BITS | CD_WALKS | CD_NO_TTB1 | CD_VALID | CD_44_BITS | CD_AARCH64 | CD_TERMINATES | (u64)ASID << 48;
	cd[1] = (u64)root;
	cd[3] = CD_MAIR;
	return cd;
}

static void smmu_start(u32 stream, struct floor_domain *d)
{
	struct floor_queue *q = &floor_state.queue;
	struct floor_stream *s = &floor_state.stream[0];
	u64 *ste = floor_state.ste[d - floor_state.domain];
	u64 bytes = (1ul << STREAM_LOG) * STE_WORDS * sizeof(u64), *streams = ram_alloc(bytes, bytes);

	/* Zero is not valid: what is not this stream is refused. */
	ste[0] = STE_STAGE_1 | (u64)context_descriptor(d->root);
	ste[1] = STE_SHARE_IN;
	s->owner = FLOOR_OWNER;
	s->sid = stream;
	s->entry = &streams[stream * STE_WORDS];
	s->entry[0] = ste[0];
	s->entry[1] = ste[1];
	s->domain = d;
	q->commands = ram_alloc(QUEUE_BYTES, QUEUE_BYTES);
	q->prod_reg = smmu + CMDQ_PROD;
	q->cons_reg = smmu + CMDQ_CONS;
	set_cr0(0);
	mmio_write32(smmu + CR2, CR2_PRIVATE);
	mmio_write64(smmu + STRTAB, (u64)streams);
	mmio_write32(smmu + STRTAB_CFG, STREAM_LOG);
	mmio_write64(smmu + CMDQ, (u64)q->commands | FLOOR_QUEUE_LOG);
	mmio_write32(smmu + CMDQ_PROD, 0);
	mmio_write32(smmu + CMDQ_CONS, 0);
	set_cr0(CR0_CMDQ_ON);
	command(CMD_CFGI_ALL, 31);
	command(CMD_TLBI_ALL, 0);
	command(CMD_SYNC, 0);
	set_cr0(CR0_CMDQ_ON | CR0_SMMU_ON);
}

static void make_records(void)
{
	u64 pages;

	floor_state.ram_base = machine.ram[0].base;
	floor_state.ram_bytes = machine.ram[0].size;
	pages = floor_state.ram_bytes / PAGE;
	floor_state.pages = ram_alloc(align_up(pages * sizeof(floor_record), PAGE), PAGE);
	floor_state.runs = ram_alloc(align_up(pages / 512 * sizeof(floor_record), PAGE), PAGE);
	for (u64 i = 0; i < pages; i++)
		floor_state.pages[i] = FLOOR_OWNED;
	for (u64 i = 0; i < pages / 512; i++)
		floor_state.runs[i] = FLOOR_OWNED;
}

void floor_open(u32 stream)
{
	struct floor_domain *d = &floor_state.domain[1];

	smmu = machine_find_reg(machine.fdt, "arm,smmu-v3").base;
	REQUIRE(smmu, "the tree names no SMMU");
	make_records();
	d->owner = FLOOR_OWNER;
	d->asid = ASID;
	d->root = ram_alloc(PAGE, PAGE);
	smmu_start(stream, d);
}

static u64 *table_below(u64 *entry)
{
	if (!*entry)
		*entry = (u64)ram_alloc(PAGE, PAGE) | TABLE;
	return (u64 *)align_down(*entry, PAGE);
}

/* A block entry stays empty where the range is blocks. */
void floor_make_tables(u64 iova, u64 bytes)
{
	bool blocks = !((iova | bytes) % BLOCK_2M);
	u64 end = iova + bytes, step = blocks ? BLOCK_1G : BLOCK_2M;

	for (u64 at = align_down(iova, step); at < end; at += step) {
		u64 *level1 = table_below(&floor_state.domain[1].root[at >> 39 & 511]);
		u64 *level2 = table_below(&level1[at >> 30 & 511]);

		if (!blocks)
			table_below(&level2[at >> 21 & 511]);
	}
	dsb();
}

u64 *floor_leaf(u64 iova)
{
	u64 *table = floor_state.domain[1].root;

	for (u32 shift = 39; shift > 12; shift -= 9)
		table = (u64 *)align_down(table[iova >> shift & 511] & 0xffffffffffff, PAGE);
	return &table[iova >> 12 & 511];
}
