/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sweep (checklist G4): DMA to every page of memory and of every window of registers, in the identity domain,
 * where an IOVA is the physical address, and in a paging domain with IOVA = that address.
 *
 * What is expected comes from the machine's own map: the tree of the machine below the hypervisor (the ramdisk),
 * the tree we were given, the hypervisor's linked image (boot argument hyp=START-END) and the BARs; never from an
 * answer of the hypervisor. An allowed page must be seen changed, and is restored; a refused one must be refused
 * and, where it is memory, hold no trace. This image's own pages are skipped and counted.
 *
 * The 64-bit PCI window is 512 GiB: its first 16 MiB are swept, then one page of each 64 MiB, and every BAR in it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"
#include "pci.h"
#include "ram.h"
#include "rig.h"

#define MAX_BARS         64
#define DENSE            0x1000000ul
#define SPARSE           0x4000000ul
#define VISIBLE_REGISTER 4 /* of both devices */

enum bar_kind { BAR_TESTDEV,
		BAR_EDU,
		BAR_OTHER };

struct bar {
	struct range at;
	enum bar_kind kind;
};

struct sweep {
	const char *name;
	bool paging;
	u64 domain;
	u64 allowed;  /* and seen changed */
	u64 unseen;   /* allowed registers that show no write */
	u64 refused;
	u64 skipped;
	u64 wrong;
	u64 first_wrong;
	u32 first_result;
	u64 mapped_by_mistake;
};

static u64 refusals; /* of the whole run, for comparison with QEMU's own count of events */

static struct bar bars[MAX_BARS];
static u32 bar_count;
static u32 *scratch; /* a page of ours for the read-back that shows foreign memory unchanged */

static enum bar_kind kind_of(u32 id)
{
	return id == TESTDEV_ID ? BAR_TESTDEV : id == EDU_ID ? BAR_EDU :
							       BAR_OTHER;
}

static void find_bars_of(const struct pci_function *f)
{
	u32 type = pci_read32(f->bdf, PCI_HEADER_TYPE & ~3u) >> 16 & 0x7f;

	/* Registers that do not decode show nothing. */
	pci_enable(f->bdf);
	for (u32 n = 0; n < (type == 1 ? 0u : 6u) && bar_count < MAX_BARS; n++) {
		struct range at = pci_bar(f->bdf, n);
		u32 low = pci_read32(f->bdf, PCI_BAR(n));

		if (low & 1)
			continue;
		if (at.size)
			bars[bar_count++] = (struct bar){ at, kind_of(f->id) };
		n += low & 4 ? 1 : 0;
	}
}

static void find_bars(void)
{
	bar_count = 0;
	for (u32 i = 0; i < pci_function_count; i++)
		find_bars_of(&pci_functions[i]);
}

static const struct bar *bar_of(u64 page)
{
	for (u32 i = 0; i < bar_count; i++) {
		if (range_overlaps(&bars[i].at, page, PAGE))
			return &bars[i];
	}
	return NULL;
}

/* In a paging domain only what we mapped: the BARs of the rig's own device, and memory. */
static bool is_rigs(const struct bar *b)
{
	return b->at.base == rig.testdev.regs || b->at.base == rig.edu.regs || b->at.base == rig.testdev2.regs;
}

static bool is_own_image(u64 page)
{
	struct range image = { align_down(image_base(), PAGE), align_up(image_size(), PAGE) };

	return range_has(&image, page) || page == align_down((u64)scratch, PAGE);
}

static void wrong(struct sweep *s, u64 page, u32 result)
{
	if (s->wrong++ < 16)
		printf("   %s: page %#lx, result %x\n", s->name, page, result);
	if (s->wrong == 1) {
		s->first_wrong = page;
		s->first_result = result;
	}
}

static u32 dma(const struct testdev *t, u64 iova, u64 compared)
{
	u32 result = testdev_write(t, iova, compared, 4);

	refusals += result == TESTDEV_REFUSED;
	return result;
}

/* A device cannot write its own registers. */
static const struct testdev *writer_for(u64 address)
{
	return address - rig.testdev.regs < PAGE ? &rig.testdev2 : &rig.testdev;
}

static void expect_memory(struct sweep *s, u64 page)
{
	volatile u32 *cell = (u32 *)(page + (page >> 12) * 0x9e4 % PAGE);
	u32 saved = *cell, result;

	*cell = ~TESTDEV_PATTERN;
	dsb();
	result = dma(&rig.testdev, (u64)cell, (u64)cell);
	if (result == TESTDEV_OK && *cell == TESTDEV_PATTERN)
		s->allowed++;
	else
		wrong(s, page, result);
	*cell = saved;
}

/* Registers whose write shows: IOVA of a testdev, and edu's liveness register, which holds the inverse. */
static void expect_registers(struct sweep *s, u64 page, const struct bar *b)
{
	u64 cell = page + VISIBLE_REGISTER;
	bool shows = b->kind != BAR_OTHER && page == b->at.base;
	u32 saved = shows ? mmio_read32(cell) : 0, result;
	u32 seen = TESTDEV_PATTERN ^ (b->kind == BAR_EDU ? ~0u : 0);

	if (b->kind == BAR_OTHER) {
		s->skipped++;
		return;
	}
	result = dma(writer_for(page), cell, cell);
	if (result == TESTDEV_REFUSED || (shows && mmio_read32(cell) != seen))
		wrong(s, page, result);
	else if (shows)
		s->allowed++;
	else
		s->unseen++;
	if (shows)
		mmio_write32(cell, b->kind == BAR_EDU ? ~saved : saved);
}

/* The read-back of a DMA that is allowed compares foreign memory with the pattern: it must not be there. */
static bool pattern_is_at(u64 address)
{
	return dma(&rig.testdev, (u64)scratch, address) != TESTDEV_ELSEWHERE;
}

static void expect_refusal(struct sweep *s, u64 page, bool memory)
{
	u64 cell = page + (page >> 12) * 0x9e4 % PAGE;
	u32 result = dma(&rig.testdev, cell, cell);

	if (result != TESTDEV_REFUSED || (memory && pattern_is_at(cell)))
		wrong(s, page, result);
	else
		s->refused++;
	if (!s->paging)
		return;
	/* Nor can it be mapped. */
	s->mapped_by_mistake += hres_ok(pv_map(s->domain, page, page, PAGE, RW));
	s->mapped_by_mistake += hres_ok(pv_map(s->domain, page, page, PAGE, PVIOMMU_PROT_WRITE | PVIOMMU_PROT_MMIO));
}

static void sweep_page(struct sweep *s, u64 page, bool memory)
{
	const struct bar *b = memory ? NULL : bar_of(page);

	if (is_own_image(page))
		s->skipped++;
	else if (machine_owns_ram(page))
		expect_memory(s, page);
	else if (b && (!s->paging || is_rigs(b)))
		expect_registers(s, page, b);
	else if (b && s->paging)
		s->skipped++; /* another device's, which is not assigned to us: case device.* */
	else
		expect_refusal(s, page, memory);
}

static void sweep_range(struct sweep *s, struct range r, bool memory)
{
	u64 step = PAGE;

	for (u64 page = align_down(r.base, PAGE); page < r.base + r.size; page += step) {
		sweep_page(s, page, memory);
		step = page - r.base < DENSE || r.size < SPARSE * 64 || memory ? PAGE : SPARSE + PAGE;
	}
}

/* Everything below memory is one gigabyte of windows and gaps; what lies above comes from the tree. */
static void sweep_all(struct sweep *s, const void *below)
{
	struct range ram[MACHINE_RANGES], windows[64];
	u32 ram_count = machine_memory(below, ram, MACHINE_RANGES);
	u32 count = machine_windows(below, windows, ARRAY_COUNT(windows));
	u64 low_end = ram[0].base;

	sweep_range(s, (struct range){ 0, low_end }, false);
	for (u32 i = 0; i < ram_count; i++)
		sweep_range(s, ram[i], true);
	for (u32 i = 0; i < count; i++) {
		if (windows[i].base >= low_end)
			sweep_range(s, windows[i], false);
	}
	for (u32 i = 0; i < bar_count; i++) {
		if (bars[i].at.base >= low_end)
			sweep_range(s, bars[i].at, false);
	}
}

static void judge(const struct sweep *s)
{
	printf("[t] info sweep_%s allowed=%lu refused=%lu unseen=%lu skipped=%lu wrong=%lu\n", s->name, s->allowed, s->refused,
	       s->unseen, s->skipped, s->wrong);
	REQUIRE(!s->wrong, "%lu pages behave otherwise than the map says, the first at %lx (result %x)", s->wrong,
		s->first_wrong, s->first_result);
	REQUIRE(!s->mapped_by_mistake, "%lu pages that are not ours could be mapped", s->mapped_by_mistake);
	REQUIRE(s->allowed > 0 && s->refused > 0, "a side of the sweep is empty");
}

static const void *prepare(void)
{
	const void *below = machine_below();
	const char *image = machine_bootarg("hyp");
	u64 start, end;
	char *rest;

	REQUIRE(below, "the tree of the machine below was not given as ramdisk");
	REQUIRE(image, "the place of the hypervisor's image was not given (hyp=START-END)");
	start = strtoul(image, &rest, 16);
	end = strtoul(rest + 1, NULL, 16);
	REQUIRE(start < end, "hyp=%s names no range", image);
	for (u64 page = align_down(start, PAGE); page < end; page += PAGE)
		REQUIRE(!machine_owns_ram(page), "the tree gives us page %lx of the hypervisor's image", page);
	scratch = ram_alloc(PAGE, PAGE);
	find_bars();
	return below;
}

CASE(sweep, identity_G4_J1_B11_F3)
{
	struct sweep s = { .name = "identity" };
	const void *below = prepare();
	u32 bdf;

	REQUIRE(rig_find_slot(&bdf), "no slot of testdev, edu, testdev");
	testdev_open(&rig.testdev, bdf);
	REQUIRE(edu_open(&rig.edu, bdf + 1), "no edu");
	testdev_open(&rig.testdev2, bdf + 2);
	sweep_all(&s, below);
	judge(&s);
}

/* All memory of ours but this image, IOVA = IPA. */
static void map_own_memory(u64 domain)
{
	for (u32 i = 0; i < machine.ram_count; i++) {
		u64 end = machine.ram[i].base + machine.ram[i].size, from = 0;

		for (u64 page = machine.ram[i].base; page <= end; page += PAGE) {
			bool ours = page < end && machine_owns_ram(page) &&
				    (!is_own_image(page) || page == (u64)scratch);

			if (ours && !from)
				from = page;
			if (!ours && from) {
				rig_map(domain, from, from, page - from, RW);
				from = 0;
			}
		}
	}
	for (u32 i = 0; i < bar_count; i++) {
		if (is_rigs(&bars[i]))
			rig_map(domain, bars[i].at.base, bars[i].at.base, bars[i].at.size, RW | PVIOMMU_PROT_MMIO);
	}
}

CASE(sweep, paging_G4_D11)
{
	struct sweep s = { .name = "paging", .paging = true };
	const void *below = prepare();
	u64 faults, counted;

	rig_open();
	s.domain = rig_domain();
	map_own_memory(s.domain);
	for (u32 i = 0; i < RIG_ENDPOINTS; i++)
		rig_attach(i, s.domain);
	faults = rig_stat(PVIOMMU_STAT_FAULTS);
	sweep_all(&s, below);
	counted = faults_settled(rig.pviommu, faults + s.refused) - faults;
	judge(&s);
	REQUIRE(counted == s.refused && rig_stat(PVIOMMU_STAT_LOST) == 0, "%lu refused pages gave %lu events", s.refused,
		counted);
}

void guest_main(void)
{
	const char *patterns = machine_bootarg("t");

	report_run(patterns ? patterns : "*", &rig_hooks);
	printf("[t] info sweep_all refused=%lu\n", refusals);
}
