/* SPDX-License-Identifier: BSD-2-Clause */
/* What the core relies on, whichever tree the record came from. */
#include <string.h>

#include "suite.h"
#include "tree.h"

static u64 end_of(struct range r)
{
	return r.base + r.size;
}

static bool apart(struct range a, struct range b)
{
	return end_of(a) <= b.base || end_of(b) <= a.base;
}

static void check_record(const struct machine *m)
{
	bool heap_in_ram = false;

	assert_true(m->ram_count >= 1 && m->ram_count <= MACHINE_MAX_RAM);
	for (u32 i = 0; i < m->ram_count; i++) {
		assert_true(m->ram[i].size > 0 && end_of(m->ram[i]) <= 1ul << 48);
		assert_true(page_aligned(m->ram[i].base) && page_aligned(m->ram[i].size));
		assert_true(i == 0 || m->ram[i].base > end_of(m->ram[i - 1]));
		heap_in_ram |= m->heap.base >= m->ram[i].base && end_of(m->heap) <= end_of(m->ram[i]);
	}
	assert_true(heap_in_ram && m->heap.size >= 10ul << 20);
	assert_true(m->heap.base % BLOCK_SIZE == 0 && m->heap.size % BLOCK_SIZE == 0);
	assert_true(apart(m->heap, m->image));
	for (u32 i = 0; i < m->module_count; i++)
		assert_true(m->module[i].mem.size > 0 && apart(m->heap, m->module[i].mem) &&
			    apart(m->image, m->module[i].mem) && memchr(m->module[i].cmdline, 0, MACHINE_CMDLINE));
	for (u32 i = 0; i < m->reserved_count; i++)
		assert_true(apart(m->heap, m->reserved[i]) && apart(m->image, m->reserved[i]));
	assert_true(m->cpu_count >= 1 && m->cpu_count <= MACHINE_MAX_CPUS);
	assert_true(m->iommu_count >= 1 && m->iommu_count <= MACHINE_MAX_IOMMUS);
	assert_true(m->event_irq_count == 8 && m->console.size > 0);
	assert_true(m->gic.dist.size >= 0x10000 && m->gic.redist_count >= 1);
}

static void check_windows(const struct machine *m)
{
	for (u32 i = 0; i < m->window_count; i++) {
		const struct machine_window *w = &m->window[i];

		assert_true(w->mem.size > 0 && page_aligned(w->mem.base) && page_aligned(w->mem.size));
		assert_true(i == 0 || w->mem.base >= end_of(w[-1].mem));
		assert_non_null(memchr(w->name, 0, MACHINE_NAME));
		for (u32 k = 0; k < m->ram_count; k++)
			assert_true(apart(w->mem, m->ram[k]));
	}
	for (u32 i = 0; i < m->pci_count; i++)
		for (u32 k = 0; k < m->pci[i].sidmap_count; k++)
			assert_true(m->pci[i].sidmap[k].iommu < m->iommu_count && m->pci[i].sidmap[k].count > 0 &&
				    m->pci[i].sidmap[k].rid + m->pci[i].sidmap[k].count <= 0x10000);
}

void tree_check_machine(const struct machine *m)
{
	check_record(m);
	check_windows(m);
}

void tree_check_sentence(const char *why)
{
	assert_non_null(why);
	assert_true(strlen(why) > 10 && strlen(why) < 192);
	for (const char *c = why; *c; c++)
		assert_true(*c >= ' ' && *c <= '~');
}
