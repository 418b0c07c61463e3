/* SPDX-License-Identifier: BSD-2-Clause */
/* What discovery finds in sound trees, field by field. */
#include <stdio.h>
#include <string.h>

#include "hyp/log.h"
#include "suite.h"
#include "tree.h"

#define assert_range(r, b, s)                  \
	do {                                   \
		assert_int_equal((r).base, b); \
		assert_int_equal((r).size, s); \
	} while (0)

struct window_row {
	u64 base, size;
	enum window_use use;
	const char *name;
};

static void check_windows(const struct machine *m, const struct window_row *row, u32 count)
{
	for (u32 i = 0; i < m->window_count && i < count; i++)
		if (m->window[i].mem.base != row[i].base || m->window[i].mem.size != row[i].size ||
		    m->window[i].use != row[i].use || strcmp(m->window[i].name, row[i].name) != 0)
			suite_fail("window %u is %s 0x%lx + 0x%lx, use %d", i, m->window[i].name,
				   m->window[i].mem.base, m->window[i].mem.size, m->window[i].use);
	assert_int_equal(m->window_count, count);
}

static void virt_memory_and_cpus(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("virt"));

	assert_int_equal(m->ram_count, 1);
	assert_range(m->ram[0], 0x40000000, 0x40000000);
	assert_int_equal(m->reserved_count, 0);
	assert_range(m->image, 0x40200000, 0x200000);
	assert_int_equal(m->cpu_count, 4);
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(m->cpu[i].mpidr, i);
}

static void virt_controllers(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("virt"));

	assert_range(m->gic.dist, 0x8000000, 0x10000);
	assert_int_equal(m->gic.redist_count, 1);
	assert_range(m->gic.redist[0], 0x80a0000, 0xf60000);
	assert_range(m->console, 0x9000000, 0x1000);
	assert_int_equal(m->iommu_count, 1);
	assert_range(m->iommu[0].regs, 0x9050000, 0x20000);
	assert_int_equal(m->iommu[0].event_irq, 74 + 32);
	assert_int_equal(m->iommu[0].error_irq, 77 + 32);
	assert_true(m->iommu[0].coherent);
	assert_string_equal(m->iommu[0].name, "smmuv3@9050000");
	assert_int_equal(m->dt_device_count, 0);
	assert_int_equal(m->event_irq_count, 8);
	for (u32 i = 0; i < 8; i++)
		assert_int_equal(m->event_irq[i], 280 + i);
}

static void virt_pci(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("virt"));
	const struct machine_pci_host *host = &m->pci[0];

	assert_int_equal(m->pci_count, 1);
	assert_range(host->ecam, 0x4010000000, 0x10000000);
	assert_int_equal(host->bus_first, 0);
	assert_int_equal(host->bus_last, 255);
	assert_int_equal(host->segment, 0);
	assert_int_equal(host->window_count, 3);
	assert_int_equal(host->window[0].space, PCI_IO);
	assert_int_equal(host->window[0].cpu, 0x3eff0000);
	assert_int_equal(host->window[0].bus, 0);
	assert_int_equal(host->window[0].size, 0x10000);
	assert_int_equal(host->window[1].space, PCI_MEM32);
	assert_int_equal(host->window[1].cpu, 0x10000000);
	assert_int_equal(host->window[1].bus, 0x10000000);
	assert_int_equal(host->window[1].size, 0x2eff0000);
	assert_int_equal(host->window[2].space, PCI_MEM64);
	assert_int_equal(host->window[2].cpu, 0x8000000000);
	assert_int_equal(host->window[2].size, 0x8000000000);
	assert_int_equal(host->sidmap_count, 1);
	assert_memory_equal(&host->sidmap[0], (&(struct machine_sidmap){ 0, 0x10000, 0, 0 }), sizeof(host->sidmap[0]));
	for (u32 slot = 0; slot < 4; slot++)
		for (u32 pin = 0; pin < 4; pin++)
			assert_int_equal(host->intx[slot][pin], 32 + 3 + (slot + pin) % 4);
}

static void virt_windows(void **state UNUSED)
{
	static const struct window_row row[] = {
		{ 0, 0x8000000, WINDOW_DENIED, "flash@0" },
		{ 0x8000000, 0x10000, WINDOW_GICD, "intc@8000000" },
		{ 0x8080000, 0x20000, WINDOW_DENIED, "its@8080000" },
		{ 0x80a0000, 0xf60000, WINDOW_GICR, "intc@8000000" },
		{ 0x9000000, 0x1000, WINDOW_DIRECT, "pl011@9000000" },
		{ 0x9010000, 0x1000, WINDOW_DIRECT, "pl031@9010000" },
		{ 0x9020000, 0x1000, WINDOW_DENIED, "fw-cfg@9020000" },
		{ 0x9030000, 0x1000, WINDOW_DIRECT, "pl061@9030000" },
		{ 0x9050000, 0x20000, WINDOW_DENIED, "smmuv3@9050000" },
		/* Ten transports of 512 bytes: one page and a quarter. */
		{ 0xa000000, 0x2000, WINDOW_DENIED, "virtio_mmio@a000000" },
		{ 0x10000000, 0x2eff0000, WINDOW_PCI, "pcie@10000000" },
		{ 0x3eff0000, 0x10000, WINDOW_PCI, "pcie@10000000" },
		{ 0x4010000000, 0x10000000, WINDOW_ECAM, "pcie@10000000" },
		{ 0x8000000000, 0x8000000000, WINDOW_PCI, "pcie@10000000" },
	};

	check_windows(tree_machine(tree_load("virt")), row, ARRAY_SIZE(row));
}

static void virt_modules_and_options(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("virt"));

	assert_int_equal(m->module_count, 2);
	assert_int_equal(m->module[0].kind, MODULE_RAMDISK);
	assert_range(m->module[0].mem, 0x60000000, 0xbb8);
	assert_string_equal(m->module[0].cmdline, "");
	assert_int_equal(m->module[1].kind, MODULE_KERNEL);
	assert_range(m->module[1].mem, 0x50000000, 0x3e8);
	assert_string_equal(m->module[1].cmdline, "console=ttyAMA0 hello");
	assert_true(m->option.testdev);
	assert_false(m->option.measure);
	assert_int_equal(m->option.pool_bytes, 4 << 20);
	assert_int_equal(m->option.log_level, LOG_DEBUG);
}

struct option_row {
	struct edit edit;
	u64 pool;
	u32 level;
	bool testdev, measure;
};

static void options(void **state UNUSED)
{
	static const struct option_row row[] = {
		{ NO_PROP("/chosen", "bootargs"), 0, LOG_INFO, false, false },
		{ TEXT("/chosen", "bootargs", ""), 0, LOG_INFO, false, false },
		{ TEXT("/chosen", "bootargs", "  measure\t"), 0, LOG_INFO, false, true },
		{ TEXT("/chosen", "bootargs", "testdev\nloglevel=error"), 0, LOG_ERROR, true, false },
		{ TEXT("/chosen", "bootargs", "loglevel=warn"), 0, LOG_WARN, false, false },
		{ TEXT("/chosen", "bootargs", "loglevel=debug loglevel=info"), 0, LOG_INFO, false, false },
		{ TEXT("/chosen", "bootargs", "pool=12345"), 12345, LOG_INFO, false, false },
		{ TEXT("/chosen", "bootargs", "pool=100K"), 100 << 10, LOG_INFO, false, false },
		{ TEXT("/chosen", "bootargs", "pool=3M"), 3 << 20, LOG_INFO, false, false },
	};

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		void *fdt = tree_load("virt");
		const struct machine *m;

		tree_edit(fdt, &row[i].edit);
		m = tree_machine(fdt);
		assert_int_equal(m->option.pool_bytes, row[i].pool);
		assert_int_equal(m->option.log_level, row[i].level);
		assert_int_equal(m->option.testdev, row[i].testdev);
		assert_int_equal(m->option.measure, row[i].measure);
	}
}

/* What a test build can be told to do wrong, each word for one thing. */
static void words_that_plant_a_fault(void **state UNUSED)
{
	static const struct {
		struct edit edit;
		enum plant plant;
	} row[] = {
		{ TEXT("/chosen", "bootargs", "plant=panic"), PLANT_PANIC },
		{ TEXT("/chosen", "bootargs", "plant=write-text"), PLANT_WRITE_TEXT },
		{ TEXT("/chosen", "bootargs", "plant=write-rodata"), PLANT_WRITE_RODATA },
		{ TEXT("/chosen", "bootargs", "plant=run-data"), PLANT_RUN_DATA },
		{ TEXT("/chosen", "bootargs", "plant=stack"), PLANT_STACK },
		{ TEXT("/chosen", "bootargs", "plant=smash"), PLANT_SMASH },
		{ TEXT("/chosen", "bootargs", "plant=branch"), PLANT_BRANCH },
	};
	static const struct edit hole = TEXT("/chosen", "bootargs", "plant=dma-hole");
	const struct machine *m;
	void *fdt;

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		fdt = tree_load("virt");
		tree_edit(fdt, &row[i].edit);
		m = tree_machine(fdt);
		assert_int_equal(m->option.plant, row[i].plant);
		assert_false(m->option.plant_dma_hole);
	}
	fdt = tree_load("virt");
	tree_edit(fdt, &hole);
	m = tree_machine(fdt);
	assert_true(m->option.plant_dma_hole);
	assert_int_equal(m->option.plant, 0);
}

static void pool_in_gigabytes(void **state UNUSED)
{
	static const struct edit edit[] = {
		TEXT("/chosen", "bootargs", "pool=1G"),
		CELLS("/memory@40000000", "reg", 0, 0x40000000, 1, 0),
	};
	void *fdt = tree_load("virt");
	const struct machine *m;

	tree_edit(fdt, &edit[0]);
	tree_edit(fdt, &edit[1]);
	m = tree_machine(fdt);
	assert_int_equal(m->option.pool_bytes, 1 << 30);
	/* 4 GiB of RAM: 4 MiB + 8 MiB + 4 MiB * 8 + 1 GiB, at its very end. */
	assert_range(m->heap, 0x140000000 - m->heap.size, (1068ul << 20));
}

/* RAM / 32 for the pool unless the boot line says, 1 GiB of RAM, the ramdisk at 512 MiB. */
static void heap_size_and_place(void **state UNUSED)
{
	static const struct edit edit = NO_PROP("/chosen", "bootargs");
	void *fdt = tree_load("virt");
	const struct machine *m = tree_machine(fdt);

	/* 4 + 8 + 8 + 4 MiB. */
	assert_range(m->heap, 0x80000000 - (24ul << 20), 24ul << 20);
	tree_edit(fdt, &edit);
	m = tree_machine(fdt);
	/* 4 + 8 + 8 + 32 MiB. */
	assert_range(m->heap, 0x80000000 - (52ul << 20), 52ul << 20);
}

static void heap_avoids_what_is_there(void **state UNUSED)
{
	/* The ramdisk's last byte is the RAM's; the kernel 24 MiB + 1 byte below. */
	static const struct edit edit[] = {
		CELLS("/chosen/module@0x60000000", "reg", 0, 0x7ffffff0, 0, 0x10),
		CELLS("/chosen/module@0x50000000", "reg", 0, 0x7ffffff0 - 0x1a00000, 0, 0x10),
	};
	void *fdt = tree_load("virt");
	const struct machine *m;

	tree_edit(fdt, &edit[0]);
	m = tree_machine(fdt);
	assert_range(m->heap, 0x7fe00000 - (24ul << 20), 24ul << 20);
	tree_edit(fdt, &edit[1]);
	m = tree_machine(fdt);
	assert_range(m->heap, 0x7fe00000 - (24ul << 20), 24ul << 20);
	tree_edit(fdt, &(const struct edit)CELLS("/chosen/module@0x50000000", "reg", 0, 0x7fdfffff, 0, 1));
	m = tree_machine(fdt);
	assert_range(m->heap, 0x7fc00000 - (24ul << 20), 24ul << 20);
}

static void two_smmus(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("two-smmus"));
	const struct machine_pci_host *host = &m->pci[0];

	assert_int_equal(m->iommu_count, 2);
	assert_range(m->iommu[0].regs, 0xc000000, 0x20000);
	assert_range(m->iommu[1].regs, 0xc020000, 0x20000);
	assert_int_equal(m->iommu[0].event_irq, 112 + 32);
	assert_int_equal(m->iommu[0].error_irq, 115 + 32);
	assert_int_equal(m->iommu[1].event_irq, 116 + 32);
	assert_int_equal(m->iommu[1].error_irq, 116 + 32);
	assert_true(m->iommu[0].coherent);
	assert_false(m->iommu[1].coherent);
	assert_int_not_equal(m->iommu[0].phandle, m->iommu[1].phandle);
	assert_int_equal(host->sidmap_count, 2);
	assert_memory_equal(&host->sidmap[0], (&(struct machine_sidmap){ 0, 0x800, 0, 0 }), sizeof(host->sidmap[0]));
	assert_memory_equal(&host->sidmap[1], (&(struct machine_sidmap){ 0x800, 0xf800, 1, 0x800 }), sizeof(host->sidmap[1]));
}

static void reservations(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("devices"));

	assert_int_equal(m->reserved_count, 2);
	assert_range(m->reserved[0], 0x48000000, 0x2000);
	/* Two that touch, the second grown to whole pages. */
	assert_range(m->reserved[1], 0x7fff0000, 0x9000);
	assert_range(m->heap, 0x7fe00000 - (24ul << 20), 24ul << 20);
}

static void platform_devices(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("devices"));
	const struct machine_dt_device *device = &m->dt_device[0];

	assert_int_equal(m->dt_device_count, 1);
	assert_string_equal(device->name, "dma@1000");
	assert_int_equal(device->mmio_count, 2);
	assert_range(device->mmio[0], 0xb001000, 0x1000);
	assert_range(device->mmio[1], 0xb100000, 0x2000);
	assert_int_equal(device->irq_count, 2);
	assert_int_equal(device->irq[0], 232);
	assert_int_equal(device->irq[1], 233);
	assert_int_equal(device->stream_count, 3);
	assert_int_equal(device->stream[0].sid, 0x10100);
	assert_int_equal(device->stream[2].sid, 0x10200);
	assert_int_equal(device->stream[2].iommu, 0);
	assert_int_equal(device->pasid_bits, 12);
	assert_false(device->dma_coherent);
}

/* From none to as many as a SubstreamID has bits; refusals_test.c has what is beyond. */
static void pasid_widths_of_platform_devices(void **state UNUSED)
{
	static const u32 bits[] = { 0, 1, 20 };
	static const struct edit none = NO_PROP("/soc/dma@1000", "pasid-num-bits");
	void *fdt = tree_load("devices");

	for (u32 i = 0; i < ARRAY_SIZE(bits); i++) {
		struct edit edit = CELLS("/soc/dma@1000", "pasid-num-bits", bits[i]);

		tree_edit(fdt, &edit);
		assert_int_equal(tree_machine(fdt)->dt_device[0].pasid_bits, bits[i]);
	}
	tree_edit(fdt, &none);
	assert_int_equal(tree_machine(fdt)->dt_device[0].pasid_bits, 0);
}

static void G1_ats_is_the_boards_to_allow(void **state UNUSED)
{
	static const struct edit with = EMPTY("/pcie@10000000", "ats-supported");
	static const struct edit without = NO_PROP("/pcie@10000000", "ats-supported");
	void *fdt = tree_load("virt");

	assert_false(tree_machine(fdt)->pci[0].ats);
	tree_edit(fdt, &with);
	assert_true(tree_machine(fdt)->pci[0].ats);
	tree_edit(fdt, &without);
	assert_false(tree_machine(fdt)->pci[0].ats);
}

static void unknown_nodes_are_denied(void **state UNUSED)
{
	static const struct window_row row[] = {
		{ 0xb004000, 0x1000, WINDOW_DENIED, "unknown@4000" },
		{ 0xb005000, 0x1000, WINDOW_DENIED, "off@5000" },
		{ 0x9040000, 0x1000, WINDOW_DENIED, "pl011@9040000" },
	};
	const struct machine *m = tree_machine(tree_load("devices"));

	for (u32 i = 0; i < ARRAY_SIZE(row); i++) {
		bool found = false;

		for (u32 k = 0; k < m->window_count; k++)
			found |= m->window[k].mem.base == row[i].base && m->window[k].mem.size == row[i].size &&
				 m->window[k].use == row[i].use && strcmp(m->window[k].name, row[i].name) == 0;
		if (!found)
			suite_fail("no window %s", row[i].name);
	}
	for (u32 k = 0; k < m->window_count; k++)
		for (u32 i = 0; i < m->dt_device[0].mmio_count; i++)
			assert_true(m->window[k].mem.base + m->window[k].mem.size <= m->dt_device[0].mmio[i].base ||
				    m->window[k].mem.base >= m->dt_device[0].mmio[i].base + m->dt_device[0].mmio[i].size);
}

/* As QEMU writes it for a second -serial: the hypervisor's, whichever of the two comes first in the tree. */
static void second_uart_is_for_the_debug_console(void **state UNUSED)
{
	static const struct edit second[] = {
		NODE("/", "pl011@9040000"),
		TEXT("/pl011@9040000", "compatible", "arm,pl011"),
		CELLS("/pl011@9040000", "reg", 0, 0x9040000, 0, 0x1000),
		CELLS("/pl011@9040000", "interrupts", 0, 8, 4),
	};
	static const struct edit silent = NO_PROP("/pl011@9040000", "interrupts");
	void *fdt = tree_load("virt");
	const struct machine *m = tree_machine(fdt);

	assert_int_equal(m->debug.irq, 0);
	assert_int_equal(m->debug.regs.size, 0);
	for (u32 i = 0; i < ARRAY_SIZE(second); i++)
		tree_edit(fdt, &second[i]);
	m = tree_machine(fdt);
	assert_int_equal(m->console.base, 0x9000000);
	assert_int_equal(m->debug.regs.base, 0x9040000);
	assert_int_equal(m->debug.regs.size, 0x1000);
	assert_int_equal(m->debug.irq, 40);
	for (u32 k = 0; k < m->window_count; k++)
		if (m->window[k].mem.base == 0x9040000)
			assert_int_equal(m->window[k].use, WINDOW_DENIED);
	tree_edit(fdt, &silent);
	assert_int_equal(tree_machine(fdt)->debug.irq, 0);
}

/* A root that says it is a UART is no second one: it has no bus to have an address on. */
static void root_is_no_uart(void **state UNUSED)
{
	static const struct edit says = TEXT("/", "compatible", "arm,pl011");
	void *fdt = tree_load("virt");
	const struct machine *m;

	tree_edit(fdt, &says);
	m = tree_machine(fdt);
	assert_int_equal(m->console.base, 0x9000000);
	assert_int_equal(m->debug.regs.size, 0);
}

/* Interrupts that a node mentions are nobody's event: 287 and 285 are taken. */
static void event_irqs_are_free(void **state UNUSED)
{
	static const u32 want[] = { 278, 279, 280, 281, 282, 283, 284, 286 };
	const struct machine *m = tree_machine(tree_load("devices"));

	assert_int_equal(m->event_irq_count, ARRAY_SIZE(want));
	assert_memory_equal(m->event_irq, want, sizeof(want));
}

static void narrow_cells(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("narrow"));

	assert_int_equal(m->ram_count, 1);
	assert_range(m->ram[0], 0x40000000, 0x18000000);
	assert_int_equal(m->cpu_count, 1);
	assert_int_equal(m->cpu[0].mpidr, 0x100000203);
	assert_int_equal(m->gic.redist_count, 2);
	assert_range(m->gic.redist[1], 0x80c0000, 0x40000);
	assert_int_equal(m->module_count, 1);
	assert_int_equal(m->iommu[0].event_irq, 0);
	assert_int_equal(m->iommu[0].error_irq, 0);
	assert_false(m->iommu[0].coherent);
	assert_int_equal(m->option.log_level, LOG_INFO);
}

static void narrow_pci(void **state UNUSED)
{
	const struct machine *m = tree_machine(tree_load("narrow"));
	const struct machine_pci_host *host = &m->pci[0];

	assert_int_equal(host->bus_first, 0x40);
	assert_int_equal(host->bus_last, 0x41);
	assert_int_equal(host->segment, 3);
	assert_int_equal(host->window_count, 1);
	assert_int_equal(host->window[0].space, PCI_MEM32);
	/* The third run of iommu-map is out of what the mask leaves, the second is cut at 0x1ff. */
	assert_int_equal(host->sidmap_count, 2);
	assert_memory_equal(&host->sidmap[0], (&(struct machine_sidmap){ 0x4000, 0x80, 0, 0x100 }), sizeof(host->sidmap[0]));
	assert_memory_equal(&host->sidmap[1], (&(struct machine_sidmap){ 0x4080, 0x180, 0, 0x1000 }), sizeof(host->sidmap[1]));
	for (u32 slot = 0; slot < 4; slot++) {
		assert_int_equal(host->intx[slot][0], 52);
		assert_int_equal(host->intx[slot][1], 0);
		assert_int_equal(host->intx[slot][2], 54);
		assert_int_equal(host->intx[slot][3], 0);
	}
}

/* In whatever order they come: below, above, between; and those that only share a page. */
static void denied_windows_join(void **state UNUSED)
{
	static const u32 reg[][2] = {
		{ 0xd001000, 0x1000 },
		{ 0xd000000, 0x1000 },
		{ 0xd003000, 0x1000 },
		{ 0xd002000, 0x1000 },
		{ 0xd004100, 0x10 },
		{ 0xd004200, 0x10 },
		{ 0xd007ff0, 0x20 },
		{ 0xd006800, 0x900 },
	};
	void *fdt = tree_load("virt");
	const struct machine *m;
	u32 i = 0;

	for (u32 n = 0; n < ARRAY_SIZE(reg); n++) {
		char name[8], path[9];
		struct edit edit[] = { NODE("/", name), CELLS(path, "reg", 0, reg[n][0], 0, reg[n][1]) };

		snprintf(name, sizeof(name), "n@%u", n);
		snprintf(path, sizeof(path), "/%s", name);
		tree_edit(fdt, &edit[0]);
		tree_edit(fdt, &edit[1]);
	}
	m = tree_machine(fdt);
	while (m->window[i].mem.base != 0xd000000)
		i++;
	assert_range(m->window[i].mem, 0xd000000, 0x4000);
	assert_range(m->window[i + 1].mem, 0xd004000, 0x1000);
	assert_range(m->window[i + 2].mem, 0xd006000, 0x3000);
	assert_int_equal(m->window[i + 3].mem.base, 0x10000000);
}

/* A child of the GIC speaks to the GIC; a flash without registers is no window. */
static void odd_but_sound(void **state UNUSED)
{
	static const struct edit edit[] = {
		CELLS("/intc@8000000/its@8080000", "interrupts", 0, 255, 4),
		NO_PROP("/flash@0", "reg"),
	};
	void *fdt = tree_load("virt");
	const struct machine *m;

	tree_edit(fdt, &edit[0]);
	tree_edit(fdt, &edit[1]);
	m = tree_machine(fdt);
	assert_int_equal(m->event_irq[7], 286);
	assert_int_equal(m->window[0].use, WINDOW_GICD);
}

/* What would be trusted if it were well-formed, and is denied. */
static void doubtful_nodes_are_denied(void **state UNUSED)
{
	static const struct edit edit[] = {
		/* No end to its compatible string; bytes that no console should see; a name longer than the record's. */
		NODE("/", "a-node-with-a-name-of-more-than-31-characters"),
		CELLS("/a-node-with-a-name-of-more-than-31-characters", "reg", 0, 0xd000000, 0, 0x1000),
		BYTES("/a-node-with-a-name-of-more-than-31-characters", "compatible", "arm,pl031"),
		NODE("/", "esc\x1b"),
		CELLS("/esc\x1b", "reg", 0, 0xd002000, 0, 0x1000),
		EMPTY("/esc\x1b", "compatible"),
		/* Behind the SMMU and switched off: nobody's. */
		TEXT("/soc/dma@1000", "status", "disabled"),
	};
	void *fdt = tree_load("devices");
	const struct machine *m;
	u32 i = 0;

	for (u32 k = 0; k < ARRAY_SIZE(edit); k++)
		tree_edit(fdt, &edit[k]);
	m = tree_machine(fdt);
	assert_int_equal(m->dt_device_count, 0);
	while (m->window[i].mem.base != 0xb001000)
		i++;
	assert_string_equal(m->window[i].name, "dma@1000");
	while (m->window[i].mem.base != 0xd000000)
		i++;
	assert_int_equal(m->window[i].use, WINDOW_DENIED);
	assert_string_equal(m->window[i].name, "a-node-with-a-name-of-more-than");
	assert_int_equal(m->window[i + 1].use, WINDOW_DENIED);
	assert_string_equal(m->window[i + 1].name, "esc?");
}

#define assert_same(a, b, field) assert_memory_equal((a)->field, (b)->field, sizeof((a)->field))

/* The same record again, from a buffer that held another machine. */
static void discovery_starts_afresh(void **state UNUSED)
{
	static struct machine first;
	const struct machine *m = tree_machine(tree_load("narrow"));

	first = *m;
	tree_machine(tree_load("devices"));
	m = tree_machine(tree_load("narrow"));
	assert_same(&first, m, ram);
	assert_same(&first, m, reserved);
	assert_same(&first, m, cpu);
	assert_same(&first, m, window);
	assert_same(&first, m, module);
	assert_same(&first, m, event_irq);
	assert_int_equal(m->ram_count, first.ram_count);
	assert_int_equal(m->reserved_count, 0);
	assert_int_equal(m->cpu_count, first.cpu_count);
	assert_int_equal(m->iommu_count, 1);
	assert_int_equal(m->pci_count, 1);
	assert_int_equal(m->dt_device_count, 0);
	assert_int_equal(m->window_count, first.window_count);
	assert_int_equal(m->module_count, 1);
	assert_int_equal(m->gic.redist_count, 2);
	assert_false(m->option.testdev);
}

/* QEMU's tree is padded to a megabyte: only what is used counts. */
static void padded_tree(void **state UNUSED)
{
	void *fdt = tree_load("virt");
	const char *why;

	assert_int_equal(fdt_totalsize(fdt), TREE_SPACE);
	assert_non_null(platform_discover(fdt, TREE_SPACE, TREE_IMAGE, &why));
	assert_int_equal(machine->dtb.base, (u64)(uintptr_t)fdt);
	assert_int_equal(machine->dtb.size, TREE_SPACE);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(virt_memory_and_cpus),
		cmocka_unit_test(virt_controllers),
		cmocka_unit_test(virt_pci),
		cmocka_unit_test(virt_windows),
		cmocka_unit_test(virt_modules_and_options),
		cmocka_unit_test(options),
		cmocka_unit_test(words_that_plant_a_fault),
		cmocka_unit_test(pool_in_gigabytes),
		cmocka_unit_test(heap_size_and_place),
		cmocka_unit_test(heap_avoids_what_is_there),
		cmocka_unit_test(two_smmus),
		cmocka_unit_test(reservations),
		cmocka_unit_test(platform_devices),
		cmocka_unit_test(pasid_widths_of_platform_devices),
		cmocka_unit_test(G1_ats_is_the_boards_to_allow),
		cmocka_unit_test(unknown_nodes_are_denied),
		cmocka_unit_test(second_uart_is_for_the_debug_console),
		cmocka_unit_test(root_is_no_uart),
		cmocka_unit_test(event_irqs_are_free),
		cmocka_unit_test(narrow_cells),
		cmocka_unit_test(narrow_pci),
		cmocka_unit_test(denied_windows_join),
		cmocka_unit_test(odd_but_sound),
		cmocka_unit_test(doubtful_nodes_are_denied),
		cmocka_unit_test(discovery_starts_afresh),
		cmocka_unit_test(padded_tree),
	};

	return SUITE("discover", cases);
}
