/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's own map (EL2, stage 1, one table of 48 bits). Owns its table pages. VA = PA everywhere; no page is
 * writable and executable, and SCTLR_EL2.WXN refuses it a second time. Pages below stacks are left unmapped.
 *
 * Two maps: one for discovery, built with the MMU off and so without atomics or calls into the C library, and the
 * final one. A table is complete before it is used, so there is no break-before-make. Format: DDI 0487 D8.3.
 */
#include "mm.h"

#include "hyp/arch.h"
#include "hyp/bits.h"
#include "hyp/check.h"
#include "hyp/log.h"
#include "layout.h"
#include "smp.h"

#include <arch/sysreg.h>

#define ENTRIES     512u
#define TABLE_PAGES 128u /* enough for a hundred windows at odd places */
#define GIB         (1ull << 30)
#define VA_LIMIT    (1ull << 48)
#define FDT_WINDOW  (2ull << 20) /* the largest tree that the boot protocol allows */

/* Descriptors: D8.3.1, D8.3.2. */
#define DESC_VALID  BIT(0)
#define DESC_TABLE  BIT(1) /* levels 0 to 2: a table; level 3: a page */
#define DESC_DEVICE FIELD(BITS(4, 2), 1) /* MAIR_EL2 attribute 1, boot.S */
#define DESC_AP1    BIT(6)               /* RES1 with one privilege level */
#define DESC_RO     BIT(7)
#define DESC_SHARED FIELD(BITS(9, 8), 3) /* inner shareable */
#define DESC_AF     BIT(10)
#define DESC_GP     BIT(50) /* guarded: indirect branches land on BTI only */
#define DESC_XN     BIT(54)
#define DESC_ADDR   BITS(47, 12)

#define MAP_NONE   0ull
#define MAP_RW     (DESC_VALID | DESC_AP1 | DESC_AF | DESC_SHARED | DESC_XN)
#define MAP_RO     (MAP_RW | DESC_RO)
#define MAP_RX     (MAP_RO & ~DESC_XN)
#define MAP_DEVICE (DESC_VALID | DESC_AP1 | DESC_AF | DESC_DEVICE | DESC_XN)

typedef u64 table_t[ENTRIES] ALIGNED(4096);

/* boot.S turns the MMU on with them. */
extern table_t boot_root, final_root;
table_t boot_root, final_root;
static table_t table_page[TABLE_PAGES] __attribute__((section(".noinit")));
static u32 table_count;

static u64 *table_alloc(void)
{
	volatile u64 *t;
	u32 i;

	if (table_count == TABLE_PAGES)
		panic("map: the machine has too many windows at odd addresses");
	t = table_page[table_count++];
	for (i = 0; i < ENTRIES; i++) /* volatile: no memset before the MMU is on */
		t[i] = 0;
	return (u64 *)t;
}

static u32 level_shift(u32 level)
{
	return 39 - 9 * level;
}

/* The next table below `entry` of `level`, made when there is none; a block becomes the same in smaller pieces. */
static u64 *table_below(u64 *entry, u32 level)
{
	u64 old = *entry, step = 1ull << level_shift(level + 1);
	u64 *t;
	u32 i;

	if ((old & (DESC_VALID | DESC_TABLE)) == (DESC_VALID | DESC_TABLE))
		return (u64 *)(old & DESC_ADDR);
	t = table_alloc();
	if (old & DESC_VALID)
		for (i = 0; i < ENTRIES; i++)
			t[i] = (old + i * step) | (level == 2 ? DESC_TABLE : 0);
	*entry = (u64)t | DESC_VALID | DESC_TABLE;
	return t;
}

static u64 *entry_of(u64 *root, u64 va, u32 level)
{
	u64 *t = root;
	u32 l;

	for (l = 0; l < level; l++)
		t = table_below(&t[va >> level_shift(l) & (ENTRIES - 1)], l);
	return &t[va >> level_shift(level) & (ENTRIES - 1)];
}

/* Map [base, base+size), rounded out to pages, over whatever was there. */
static void map(u64 *root, u64 base, u64 size, u64 attributes)
{
	u64 va = align_down(base, PAGE_SIZE), end = align_up(base + size, PAGE_SIZE);
	u32 level;

	while (va < end) {
		for (level = 1; level < 3; level++)
			if (!(va & (BIT(level_shift(level)) - 1)) && end - va >= BIT(level_shift(level)))
				break;
		*entry_of(root, va, level) =
			attributes == MAP_NONE ? 0 : va | attributes | (level == 3 ? DESC_TABLE : 0);
		va += BIT(level_shift(level));
	}
}

static void map_symbols(u64 *root, const char *start, const char *end, u64 attributes)
{
	map(root, (u64)start, (u64)(end - start), attributes);
}

/* ID_AA64PFR1_EL1.BT, D24.2.86. */
static u64 guarded(void)
{
	return FIELD_GET(BITS(3, 0), sysreg_read(id_aa64pfr1_el1)) ? DESC_GP : 0;
}

/* Each CPU has a stack and a fatal stack, each above its guard page: image.lds.S. */
static void map_guards(u64 *root)
{
	u64 at = (u64)stacks_start;

	while (at < (u64)stacks_end) {
		map(root, at, STACK_GUARD, MAP_NONE);
		at += STACK_GUARD + STACK_SIZE;
		map(root, at, STACK_GUARD, MAP_NONE);
		at += STACK_GUARD + FATAL_STACK_SIZE;
	}
}

static void map_image(u64 *root)
{
	map_symbols(root, text_start, text_end, MAP_RX | guarded());
	map_symbols(root, rodata_start, rodata_end, MAP_RO);
	map_symbols(root, data_start, image_end, MAP_RW);
	map_guards(root);
}

u64 map_boot(u64 image, u64 fdt)
{
	u64 image_last = align_up((u64)image_end, BLOCK_SIZE), window = align_down(fdt, BLOCK_SIZE);

	if (fdt == 0 || fdt % 8 != 0 || fdt >= VA_LIMIT - 2 * FDT_WINDOW)
		return 0;
	if (window < image_last && window + 2 * FDT_WINDOW > image)
		return 0;
	map(boot_root, 0, GIB, MAP_DEVICE);
	map(boot_root, window, 2 * FDT_WINDOW, MAP_RO);
	map_image(boot_root);
	return FDT_WINDOW;
}

/* What the hypervisor itself reads or writes; the rest of the machine is out of its own reach too. */
static bool window_is_ours(enum window_use use)
{
	switch (use) {
	case WINDOW_GICD:
	case WINDOW_GICR:
	case WINDOW_ECAM:
	case WINDOW_PCI:
		return true;
	case WINDOW_DIRECT:
	case WINDOW_DENIED:
		return false;
	}
	return false;
}

static void map_devices(const struct machine *m)
{
	u32 i, j;

	for (i = 0; i < m->window_count; i++)
		if (window_is_ours(m->window[i].use))
			map(final_root, m->window[i].mem.base, m->window[i].mem.size, MAP_DEVICE);
	for (i = 0; i < m->iommu_count; i++)
		map(final_root, m->iommu[i].regs.base, m->iommu[i].regs.size, MAP_DEVICE);
	for (i = 0; i < m->dt_device_count; i++)
		for (j = 0; j < m->dt_device[i].mmio_count; j++)
			map(final_root, m->dt_device[i].mmio[j].base, m->dt_device[i].mmio[j].size, MAP_DEVICE);
	map(final_root, m->gic.dist.base, m->gic.dist.size, MAP_DEVICE);
	for (i = 0; i < m->gic.redist_count; i++)
		map(final_root, m->gic.redist[i].base, m->gic.redist[i].size, MAP_DEVICE);
	map(final_root, m->console.base, m->console.size, MAP_DEVICE);
	map(final_root, m->debug.regs.base, m->debug.regs.size, MAP_DEVICE);
}

void arch_map_init(const struct machine *m)
{
	u32 i;

	for (i = 0; i < m->ram_count; i++)
		map(final_root, m->ram[i].base, m->ram[i].size, MAP_RW);
	for (i = 0; i < m->reserved_count; i++)
		map(final_root, m->reserved[i].base, m->reserved[i].size, MAP_NONE);
	map_devices(m);
	map_image(final_root);
	smp_init(m);
	mmu_on((u64)final_root);
	log_info("map: text %lu KiB, read-only %lu KiB, data %lu KiB, %u table pages%s",
		 (unsigned long)(text_end - text_start) / 1024, (unsigned long)(rodata_end - rodata_start) / 1024,
		 (unsigned long)(image_end - data_start) / 1024, table_count, guarded() ? ", BTI" : "");
}
