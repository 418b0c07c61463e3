/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What discovery refuses, each with its sentence, word for word: a sound tree, edited in one or a
 * few places. Damage of the blob itself is damage_test.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tree.h"

#define EDITS_MAX 6

struct row {
	const char *says;
	const char *tree; /* NULL: virt */
	struct edit edit[EDITS_MAX];
};

#define MEMORY   "/memory@40000000"
#define FW_CFG   "/fw-cfg@9020000"
#define UART     "/pl011@9000000"
#define RTC      "/pl031@9010000"
#define GPIO     "/pl061@9030000"
#define SMMUV3   "/smmuv3@9050000"
#define PCIE     "/pcie@10000000"
#define INTC     "/intc@8000000"
#define KERNEL   "/chosen/module@0x50000000"
#define RAMDISK  "/chosen/module@0x60000000"
#define MASTER   "/soc/dma@1000"
#define RESERVED "/reserved-memory/firmware@7fff0000"

static void refused(const struct row *row, const void *fdt)
{
	const char *why = NULL;
	const struct machine *m = tree_discover(fdt, &why);

	if (m || !why || strcmp(why, row->says) != 0)
		suite_fail("wanted: %s\n       got: %s", row->says, m ? "a machine" : why);
}

static void run(const struct row *row, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		void *fdt = tree_load(row[i].tree ? row[i].tree : "virt");

		tree_machine(fdt);
		for (u32 k = 0; k < EDITS_MAX && row[i].edit[k].op != EDIT_END; k++)
			tree_edit(fdt, &row[i].edit[k]);
		refused(&row[i], fdt);
		free(fdt);
	}
}

static void ram(void **state UNUSED)
{
	static const struct row row[] = {
		{ "the device tree has no memory", NULL, { NO_NODE(MEMORY) } },
		{ "the device tree has no memory", NULL, { TEXT(MEMORY, "status", "disabled") } },
		{ "memory@40000000: RAM at 0x40000800 is not made of whole pages", NULL, { CELLS(MEMORY, "reg", 0, 0x40000800, 0, 0x40000000) } },
		{ "memory@40000000: RAM at 0x40000000 is not made of whole pages", NULL, { CELLS(MEMORY, "reg", 0, 0x40000000, 0, 0x3ffffffc) } },
		{ "memory@40000000: a range at 0x40000000 of size 0", NULL, { CELLS(MEMORY, "reg", 0, 0x40000000, 0, 0) } },
		{ "memory@40000000: the range at 0xfffffffff0000000 ends beyond 48 bits of address", NULL, { CELLS(MEMORY, "reg", 0xffffffff, 0xf0000000, 0, 0x20000000) } },
		{ "memory@40000000: the range at 0xffff00000000 ends beyond 48 bits of address", NULL, { CELLS(MEMORY, "reg", 0xffff, 0, 1, 0x1000) } },
		{ "memory@40000000: RAM at 0x7ffff000 is there twice", NULL, { CELLS(MEMORY, "reg", 0, 0x40000000, 0, 0x40000000, 0, 0x7ffff000, 0, 0x2000) } },
		{ "memory@40000000: more than 8 ranges", NULL, { CELLS(MEMORY, "reg", 1, 0, 0, 0x1000, 2, 0, 0, 0x1000, 3, 0, 0, 0x1000, 4, 0, 0, 0x1000, 5, 0, 0, 0x1000, 6, 0, 0, 0x1000, 7, 0, 0, 0x1000, 8, 0, 0, 0x1000, 9, 0, 0, 0x1000) } },
		{ "memory@40000000: more than 8 ranges of RAM", NULL, { NODE("/", "memory@1"), TEXT("/memory@1", "device_type", "memory"), CELLS("/memory@1", "reg", 1, 0, 0, 0x1000, 2, 0, 0, 0x1000, 3, 0, 0, 0x1000, 4, 0, 0, 0x1000, 5, 0, 0, 0x1000, 6, 0, 0, 0x1000, 7, 0, 0, 0x1000, 8, 0, 0, 0x1000) } },
		{ "memory@40000000: its reg is malformed", NULL, { NO_PROP(MEMORY, "reg") } },
		{ "memory@40000000: its reg is malformed", NULL, { CELLS(MEMORY, "reg", 0, 0x40000000, 0) } },
		{ "memory@40000000: its reg is malformed", NULL, { BYTES(MEMORY, "reg", "1234567") } },
		{ "pl011@9000000: its range at 0x9000000 is in RAM", NULL, { CELLS(MEMORY, "reg", 0, 0x40000000, 0, 0x40000000, 0, 0x9000000, 0, 0x1000) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void cells(void **state UNUSED)
{
	/* The interrupt controller is what is read first. */
	static const struct row row[] = {
		{ "intc@8000000: 0 address and 2 size cells; 1 or 2 are understood", NULL, { CELLS("/", "#address-cells", 0) } },
		{ "intc@8000000: 3 address and 2 size cells; 1 or 2 are understood", NULL, { CELLS("/", "#address-cells", 3) } },
		{ "intc@8000000: 2 address and 0 size cells; 1 or 2 are understood", NULL, { CELLS("/", "#size-cells", 0) } },
		{ "intc@8000000: 2 address and 3 size cells; 1 or 2 are understood", NULL, { CELLS("/", "#size-cells", 3) } },
		{ "intc@8000000: 4294967295 address and 2 size cells; 1 or 2 are understood", NULL, { BYTES("/", "#address-cells", "12345678") } },
		{ "its@8080000: 0 address and 2 size cells; 1 or 2 are understood", NULL, { NO_PROP(PCIE, "interrupt-map"), CELLS(INTC, "#address-cells", 0) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void reserved(void **state UNUSED)
{
	static const struct row row[] = {
		{ "firmware@7fff0000: more than 8 ranges", "devices", { CELLS(RESERVED, "reg", 0x70000000, 1, 0x70002000, 1, 0x70004000, 1, 0x70006000, 1, 0x70008000, 1, 0x7000a000, 1, 0x7000c000, 1, 0x7000e000, 1, 0x70010000, 1) } },
		{ "memory reservation block: more than 8 reserved ranges", "devices", { CELLS(RESERVED, "reg", 0x70000000, 1, 0x70002000, 1, 0x70004000, 1, 0x70006000, 1, 0x70008000, 1, 0x7000a000, 1, 0x7000c000, 1, 0x7000e000, 1) } },
		{ "firmware@7fff0000: more than 8 reserved ranges", "devices", { NODE("/reserved-memory", "more"), CELLS("/reserved-memory/more", "reg", 0x71000000, 1, 0x71002000, 1), CELLS(RESERVED, "reg", 0x70000000, 1, 0x70002000, 1, 0x70004000, 1, 0x70006000, 1, 0x70008000, 1, 0x7000a000, 1, 0x7000c000, 1) } },
		{ "firmware@7fff0000: a range at 0x70000000 of size 0", "devices", { CELLS(RESERVED, "reg", 0x70000000, 0) } },
		{ "reserved memory at 0x50000000 meets a boot module at 0x50000000", "devices", { CELLS(RESERVED, "reg", 0x50000800, 0x1000) } },
		{ "reserved memory at 0x403ff000 meets the hypervisor's image at 0x40200000", "devices", { CELLS(RESERVED, "reg", 0x403ff000, 0x1000) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void buses(void **state UNUSED)
{
	static const struct row row[] = {
		{ "soc: its ranges do not translate 0x20000", "devices", { CELLS("/soc/unknown@4000", "reg", 0x20000, 0x10) } },
		{ "soc: its ranges do not translate 0xf000", "devices", { CELLS("/soc/unknown@4000", "reg", 0xf000, 0x2000) } },
		{ "soc: its ranges do not translate 0x100000", "devices", { CELLS("/soc", "ranges", 0, 0, 0xb000000, 0x10000, 0) } },
		{ "soc: its ranges do not translate 0x1000", "devices", { BYTES("/soc", "ranges", "12") } },
		{ "soc: a range at 0x0 of size 0", "devices", { CELLS("/soc", "ranges", 0, 0, 0xb000000, 0) } },
		{ "soc: the range at 0xffffffffffff1000 ends beyond 48 bits of address", "devices", { CELLS("/soc", "ranges", 0, 0xffffffff, 0xffff0000, 0x10000) } },
		{ "intc@8000000: it has no ranges to translate 0x8080000", NULL, { NO_PROP(INTC, "ranges") } },
	};

	run(row, ARRAY_SIZE(row));
}

static void cpus(void **state UNUSED)
{
	static const struct row row[] = {
		{ "the device tree has no CPU", NULL, { NO_NODE("/cpus") } },
		{ "cpu@1: its reg is not an MPIDR", NULL, { NO_PROP("/cpus/cpu@1", "reg") } },
		{ "cpu@1: its reg is not an MPIDR", NULL, { CELLS("/cpus/cpu@1", "reg", 1, 2) } },
		{ "cpu@1: its reg is not an MPIDR", NULL, { CELLS("/cpus/cpu@1", "reg", 0x80000001) } },
		{ "cpu@0: its reg is not an MPIDR", NULL, { CELLS("/cpus", "#address-cells", 3) } },
		{ "cpu@0: its reg is not an MPIDR", NULL, { CELLS("/cpus", "#address-cells", 0) } },
		{ "cpu@2: a second CPU with MPIDR 0x1", NULL, { CELLS("/cpus/cpu@2", "reg", 1) } },
		{ "cpu@3: it is not started by PSCI", NULL, { TEXT("/cpus/cpu@3", "enable-method", "spin-table") } },
		{ "cpu@3: the device tree does not say how to start it", NULL, { NO_PROP("/cpus/cpu@3", "enable-method") } },
		{ "the device tree has no PSCI 0.2 or later", NULL, { NO_NODE("/psci") } },
		{ "the device tree has no PSCI 0.2 or later", NULL, { TEXT("/psci", "compatible", "arm,psci") } },
		{ "the device tree has no PSCI 0.2 or later", NULL, { TEXT("/psci", "status", "disabled") } },
		{ "psci: PSCI is not called by SMC (QEMU: -M virt,virtualization=on)", NULL, { TEXT("/psci", "method", "hvc") } },
		{ "psci: PSCI is not called by SMC (QEMU: -M virt,virtualization=on)", NULL, { NO_PROP("/psci", "method") } },
		{ "psci: a second PSCI", NULL, { NODE("/", "more"), TEXT("/more", "compatible", "arm,psci-0.2"), TEXT("/more", "method", "smc") } },
	};

	run(row, ARRAY_SIZE(row));
}

static void too_many_cpus(void **state UNUSED)
{
	void *fdt = tree_load("virt");

	for (u32 i = 4; i < 9; i++) {
		char name[8], path[16];
		struct edit edit[] = {
			NODE("/cpus", name),
			TEXT(path, "device_type", "cpu"),
			TEXT(path, "enable-method", "psci"),
			CELLS(path, "reg", i),
		};

		snprintf(name, sizeof(name), "cpu@%u", i);
		snprintf(path, sizeof(path), "/cpus/%s", name);
		for (u32 k = 0; k < ARRAY_SIZE(edit); k++)
			tree_edit(fdt, &edit[k]);
		if (i == 7)
			assert_int_equal(tree_machine(fdt)->cpu_count, 8);
	}
	/* libfdt adds in front: cpu@8 is the first that is read, cpu@3 the ninth. */
	refused(&(struct row){ .says = "cpu@3: the device tree has more than 8 CPUs" }, fdt);
}

static void gic(void **state UNUSED)
{
	static const struct row row[] = {
		{ "the device tree has no GICv3 (QEMU: -M virt,gic-version=3)", NULL, { NO_NODE(INTC) } },
		{ "the device tree has no GICv3 (QEMU: -M virt,gic-version=3)", NULL, { TEXT(INTC, "status", "disabled") } },
		{ "intc@8000000: a GICv2; a GICv3 is needed (QEMU: -M virt,gic-version=3)", NULL, { TEXT(INTC, "compatible", "arm,cortex-a15-gic") } },
		{ "intc@8000000: a GICv2; a GICv3 is needed (QEMU: -M virt,gic-version=3)", NULL, { TEXT(INTC, "compatible", "arm,gic-400") } },
		{ "intc@8000000: a second GIC", NULL, { NODE("/", "other"), TEXT("/other", "compatible", "arm,gic-v3"), CELLS("/other", "phandle", 99), CELLS("/other", "#interrupt-cells", 3), CELLS("/other", "reg", 1, 0, 0, 0x10000, 2, 0, 0, 0x20000) } },
		{ "intc@8000000: its interrupts are not of 3 cells", NULL, { CELLS(INTC, "#interrupt-cells", 4) } },
		{ "intc@8000000: its interrupts are not of 3 cells", NULL, { NO_PROP(INTC, "#interrupt-cells") } },
		{ "intc@8000000: its redistributors are not 128 KiB apart", NULL, { CELLS(INTC, "redistributor-stride", 0, 0x40000) } },
		{ "intc@8000000: its redistributors are not 128 KiB apart", NULL, { BYTES(INTC, "redistributor-stride", "12") } },
		{ "intc@8000000: its phandle or address cells are malformed", NULL, { NO_PROP(INTC, "phandle") } },
		{ "intc@8000000: its phandle or address cells are malformed", NULL, { BYTES(INTC, "phandle", "123") } },
		{ "intc@8000000: its phandle or address cells are malformed", NULL, { CELLS(INTC, "#address-cells", 3) } },
		{ "intc@8000000: 2 redistributor regions with 2 ranges", NULL, { CELLS(INTC, "#redistributor-regions", 2) } },
		{ "intc@8000000: 0 redistributor regions with 2 ranges", NULL, { CELLS(INTC, "#redistributor-regions", 0) } },
		{ "intc@8000000: 5 redistributor regions with 6 ranges", NULL, { CELLS(INTC, "#redistributor-regions", 5), CELLS(INTC, "reg", 0, 0x8000000, 0, 0x10000, 1, 0, 0, 0x20000, 2, 0, 0, 0x20000, 3, 0, 0, 0x20000, 4, 0, 0, 0x20000, 5, 0, 0, 0x20000) } },
		{ "intc@8000000: its distributor is smaller than 64 KiB", NULL, { CELLS(INTC, "reg", 0, 0x8000000, 0, 0x1000, 0, 0x80a0000, 0, 0xf60000) } },
		{ "the GIC has 3 redistributors for 4 CPUs", NULL, { CELLS(INTC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x80a0000, 0, 0x7f000) } },
		{ "intc@8000000: its range at 0x8008000 meets intc@8000000", NULL, { CELLS(INTC, "reg", 0, 0x8000000, 0, 0x10000, 0, 0x8008000, 0, 0xf60000) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void interrupts(void **state UNUSED)
{
	static const struct row row[] = {
		{ "pl031@9010000: an interrupt of the unknown kind 2", NULL, { CELLS(RTC, "interrupts", 2, 2, 4) } },
		{ "pl031@9010000: an interrupt of the unknown kind 3", NULL, { CELLS(RTC, "interrupts", 3, 2, 4) } },
		{ "pl031@9010000: the board has no interrupt 256 of kind 0", NULL, { CELLS(RTC, "interrupts", 0, 256, 4) } },
		{ "timer: the board has no interrupt 16 of kind 1", NULL, { CELLS("/timer", "interrupts", 1, 16, 4) } },
		{ "pl031@9010000: its interrupts are malformed", NULL, { CELLS(RTC, "interrupts", 0, 2) } },
		{ "pl031@9010000: its interrupts are malformed", NULL, { BYTES(RTC, "interrupts", "12345") } },
		{ "pl031@9010000: its interrupts are malformed", NULL, { BYTES(RTC, "interrupts", "123") } },
		{ "quiet: interrupts-extended names a controller that is not the GIC", "devices", { CELLS("/quiet", "interrupts-extended", SMMU, 0, 255, 4) } },
		{ "quiet: its interrupts are malformed", "devices", { CELLS("/quiet", "interrupts-extended", GIC, 0, 255) } },
		{ "smmuv3@9050000: its interrupts are not the GIC's", NULL, { CELLS(SMMUV3, "interrupt-parent", 77) } },
		{ "smmuv3@9050000: its interrupts are not the GIC's", NULL, { NO_PROP("/", "interrupt-parent") } },
		{ "dma@1000: its interrupts are not the GIC's", "devices", { CELLS(MASTER, "interrupt-parent", 77) } },
		{ "dma@1000: more than 8 interrupts", "devices", { CELLS(MASTER, "interrupts", 0, 1, 1, 0, 2, 1, 0, 3, 1, 0, 4, 1, 0, 5, 1, 0, 6, 1, 0, 7, 1, 0, 8, 1, 0, 9, 1) } },
		{ "smmuv3@9050000: its interrupt 'eventq' is not an SPI", NULL, { CELLS(SMMUV3, "interrupts", 1, 3, 1, 0, 75, 1, 0, 76, 1, 0, 77, 1) } },
		{ "smmuv3@9050000: its interrupt 'gerror' is not an SPI", NULL, { CELLS(SMMUV3, "interrupts", 0, 74, 1, 0, 75, 1, 0, 76, 1) } },
	};

	run(row, ARRAY_SIZE(row));
}

/* The board's 256 SPIs are all but eight in use. */
static void no_event_irqs(void **state UNUSED)
{
	static const struct row row = { "the device tree leaves no 9 interrupts for events", NULL, { { 0 } } };
	void *fdt = tree_load("virt");
	fdt32_t spec[248 * 3] = { 0 };
	int node;

	for (u32 i = 0; i < 248; i++)
		spec[3 * i + 1] = cpu_to_fdt32(i);
	node = fdt_path_offset(fdt, "/gpio-keys");
	assert_int_equal(fdt_setprop(fdt, node, "interrupts", spec, sizeof(spec) - 12), 0);
	tree_machine(fdt);
	assert_int_equal(fdt_setprop(fdt, node, "interrupts", spec, sizeof(spec)), 0);
	refused(&row, fdt);
}

static void smmus(void **state UNUSED)
{
	static const struct row row[] = {
		{ "the device tree has no SMMUv3 (QEMU: -M virt,iommu=smmuv3)", NULL, { NO_NODE(SMMUV3), NO_PROP(PCIE, "iommu-map") } },
		{ "smmuv3@9050000: its registers are not two frames of 64 KiB", NULL, { CELLS(SMMUV3, "reg", 0, 0x9050000, 0, 0x10000) } },
		{ "smmuv3@9050000: its registers are not two frames of 64 KiB", NULL, { CELLS(SMMUV3, "reg", 0, 0x9050800, 0, 0x20000) } },
		{ "smmuv3@9050000: more than 1 ranges", NULL, { CELLS(SMMUV3, "reg", 0, 0x9050000, 0, 0x20000, 0, 0x9080000, 0, 0x20000) } },
		{ "smmuv3@9050000: its stream ids are not of one cell", NULL, { CELLS(SMMUV3, "#iommu-cells", 2) } },
		{ "smmuv3@9050000: its stream ids are not of one cell", NULL, { NO_PROP(SMMUV3, "#iommu-cells") } },
		{ "smmuv3@9050000: its range at 0x9050000 meets smmu@1", NULL, { NODE("/", "smmu@1"), TEXT("/smmu@1", "compatible", "arm,smmu-v3"), CELLS("/smmu@1", "#iommu-cells", 1), CELLS("/smmu@1", "reg", 0, 0x9040000, 0, 0x20000) } },
		{ "smmuv3@9050000: a second SMMU with phandle 0x77", NULL, { CELLS(SMMUV3, "phandle", 0x77), NODE("/", "smmu@1"), TEXT("/smmu@1", "compatible", "arm,smmu-v3"), CELLS("/smmu@1", "#iommu-cells", 1), CELLS("/smmu@1", "reg", 1, 0, 0, 0x20000), CELLS("/smmu@1", "phandle", 0x77) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void add_smmu(void *fdt, u32 n)
{
	char name[16], path[16];
	struct edit edit[] = {
		NODE("/", name),
		TEXT(path, "compatible", "arm,smmu-v3"),
		CELLS(path, "#iommu-cells", 1),
		CELLS(path, "reg", n, 0, 0, 0x20000),
	};

	snprintf(name, sizeof(name), "smmu@%u", n);
	snprintf(path, sizeof(path), "/%s", name);
	for (u32 k = 0; k < ARRAY_SIZE(edit); k++)
		tree_edit(fdt, &edit[k]);
}

static void too_many_smmus(void **state UNUSED)
{
	void *fdt = tree_load("virt");

	for (u32 i = 1; i < 8; i++)
		add_smmu(fdt, i);
	assert_int_equal(tree_machine(fdt)->iommu_count, 8);
	add_smmu(fdt, 8);
	refused(&(struct row){ .says = "smmuv3@9050000: more than 8 SMMUs" }, fdt);
}

static void masters(void **state UNUSED)
{
	static const struct row row[] = {
		{ "dma@1000: its iommus name something that is not an SMMUv3", "devices", { CELLS(MASTER, "iommus", GIC, 1) } },
		{ "dma@1000: its iommus name something that is not an SMMUv3", "devices", { CELLS(MASTER, "iommus", 0, 1) } },
		{ "dma@1000: its iommus name something that is not an SMMUv3", "devices", { CELLS(MASTER, "iommus", 0xffffffff, 1) } },
		{ "dma@1000: its iommus are malformed", "devices", { CELLS(MASTER, "iommus", SMMU, 1, SMMU) } },
		{ "dma@1000: its iommus are malformed", "devices", { EMPTY(MASTER, "iommus") } },
		{ "dma@1000: its iommus are malformed", "devices", { BYTES(MASTER, "iommus", "12") } },
		{ "dma@1000: PASIDs of 21 bits, more than 20", "devices", { CELLS(MASTER, "pasid-num-bits", 21) } },
		{ "dma@1000: PASIDs of 2147483648 bits, more than 20", "devices", { CELLS(MASTER, "pasid-num-bits", 0x80000000) } },
		{ "dma@1000: its pasid-num-bits is malformed", "devices", { CELLS(MASTER, "pasid-num-bits", 0, 8) } },
		{ "dma@1000: its pasid-num-bits is malformed", "devices", { EMPTY(MASTER, "pasid-num-bits") } },
		{ "dma@1000: its pasid-num-bits is malformed", "devices", { BYTES(MASTER, "pasid-num-bits", "12") } },
		{ "dma@1000: its stream 0x10100 is another device's too", "devices", { CELLS(MASTER, "iommus", SMMU, 0x10100, SMMU, 0x10100) } },
		{ "dma@1000: its stream 0xffff is another device's too", "devices", { CELLS(MASTER, "iommus", SMMU, 0xffff) } },
		{ "dma@1000: more than 8 ranges", "devices", { CELLS(MASTER, "reg", 0, 1, 2, 1, 4, 1, 6, 1, 8, 1, 10, 1, 12, 1, 14, 1, 16, 1) } },
		{ "dma@1000: its registers at 0xb001000 are not whole pages", "devices", { CELLS(MASTER, "reg", 0x1000, 0x800) } },
		{ "dma@1000: its registers at 0xb004000 meet unknown@4000", "devices", { CELLS(MASTER, "reg", 0x4000, 0x1000) } },
		{ "dma@1000: its registers at 0xb001000 are another device's too", "devices", { CELLS(MASTER, "reg", 0x1000, 0x1000, 0x1000, 0x2000) } },
		{ "dma@1000: its registers at 0x41000000 are in RAM", "devices", { CELLS("/soc", "ranges", 0, 0, 0x40fff000, 0x2000, 0x4000, 0, 0xb000000, 0x10000), CELLS(MASTER, "reg", 0x1000, 0x1000) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void too_many_streams(void **state UNUSED)
{
	void *fdt = tree_load("devices");
	u32 smmu = fdt_get_phandle(fdt, fdt_path_offset(fdt, SMMUV3));
	fdt32_t spec[33 * 2];

	for (u32 i = 0; i < 33; i++) {
		spec[2 * i] = cpu_to_fdt32(smmu);
		spec[2 * i + 1] = cpu_to_fdt32(0x10000 + i);
	}
	assert_int_equal(fdt_setprop(fdt, fdt_path_offset(fdt, MASTER), "iommus", spec, sizeof(spec) - 8), 0);
	assert_int_equal(tree_machine(fdt)->dt_device[0].stream_count, 32);
	assert_int_equal(fdt_setprop(fdt, fdt_path_offset(fdt, MASTER), "iommus", spec, sizeof(spec)), 0);
	refused(&(struct row){ .says = "dma@1000: more than 32 streams" }, fdt);
}

static void too_many_masters(void **state UNUSED)
{
	void *fdt = tree_load("devices");

	for (u32 i = 1; i <= MACHINE_MAX_DT_DEVICES; i++) {
		char name[16], path[16];
		struct edit edit[] = {
			NODE("/", name),
			CELLS(path, "reg", i, 0, 0, 0x1000),
			CELLS(path, "iommus", SMMU, 0x20000 + i),
		};

		snprintf(name, sizeof(name), "m@%u", i);
		snprintf(path, sizeof(path), "/%s", name);
		for (u32 k = 0; k < ARRAY_SIZE(edit); k++)
			tree_edit(fdt, &edit[k]);
		if (i == MACHINE_MAX_DT_DEVICES - 1)
			assert_int_equal(tree_machine(fdt)->dt_device_count, MACHINE_MAX_DT_DEVICES);
	}
	refused(&(struct row){ .says = "dma@1000: more than 24 platform devices behind SMMUs" }, fdt);
}

static void windows(void **state UNUSED)
{
	static const struct row row[] = {
		{ "the device tree has no PL011 for the console", NULL, { NO_NODE(UART) } },
		{ "uart: a third console", NULL, { NODE("/", "uart"), TEXT("/uart", "compatible", "arm,pl011"), CELLS("/uart", "reg", 0, 0x9050000, 0, 0x1000), NODE("/", "serial"), TEXT("/serial", "compatible", "arm,pl011"), CELLS("/serial", "reg", 0, 0x9040000, 0, 0x1000) } },
		{ "uart: more than 1 interrupts", NULL, { NODE("/", "uart"), TEXT("/uart", "compatible", "arm,pl011"), CELLS("/uart", "reg", 0, 0x9040000, 0, 0x1000), CELLS("/uart", "interrupts", 0, 8, 4, 0, 9, 4) } },
		{ "pl011@9000000: a second console", NULL, { NODE("/", "uart"), TEXT("/uart", "compatible", "arm,pl011"), CELLS("/uart", "reg", 0, 0x9000000, 0, 0x1000) } },
		{ "pl031@9010000: its range at 0x9010800 is not made of whole pages", NULL, { CELLS(RTC, "reg", 0, 0x9010800, 0, 0x800) } },
		{ "pl061@9030000: its range at 0x9030000 is not made of whole pages", NULL, { CELLS(GPIO, "reg", 0, 0x9030000, 0, 0x18) } },
		/* fw_cfg is read first, and the GPIO block's own sentence comes only from its bytes. */
		{ "pl061@9030000: its range at 0x902f000 meets fw-cfg@9020000", NULL, { CELLS(FW_CFG, "reg", 0, 0x902fff0, 0, 0x18), CELLS(GPIO, "reg", 0, 0x902f000, 0, 0x1000) } },
		{ "pl031@9010000: its range at 0x9000800 meets pl061@9030000", NULL, { CELLS(GPIO, "reg", 0, 0x9000000, 0, 0x1000), CELLS(RTC, "reg", 0, 0x9000800, 0, 0x1000) } },
		{ "pl011@9000000: its range at 0x9000000 meets pl031@9010000", NULL, { CELLS(RTC, "reg", 0, 0x9000fff, 0, 0x1000) } },
		{ "pl061@9030000: its reg is malformed", NULL, { NO_PROP(GPIO, "reg") } },
		{ "pl061@9030000: more than 8 ranges", NULL, { CELLS(GPIO, "reg", 1, 0, 0, 0x1000, 2, 0, 0, 0x1000, 3, 0, 0, 0x1000, 4, 0, 0, 0x1000, 5, 0, 0, 0x1000, 6, 0, 0, 0x1000, 7, 0, 0, 0x1000, 8, 0, 0, 0x1000, 9, 0, 0, 0x1000) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void too_many_windows(void **state UNUSED)
{
	void *fdt = tree_load("virt");

	for (u32 i = 0; i < 52; i++) {
		char name[16], path[16];
		struct edit edit[] = { NODE("/", name), CELLS(path, "reg", 1, 0x2000 * i, 0, 0x1000) };

		snprintf(name, sizeof(name), "w@%u", i);
		snprintf(path, sizeof(path), "/%s", name);
		for (u32 k = 0; k < ARRAY_SIZE(edit); k++)
			tree_edit(fdt, &edit[k]);
		if (i == 49)
			assert_int_equal(tree_machine(fdt)->window_count, MACHINE_MAX_WINDOWS);
	}
	refused(&(struct row){ .says = "its@8080000: more than 64 windows of device memory" }, fdt);
}

static void pci_bridge(void **state UNUSED)
{
	static const struct row row[] = {
		{ "pcie@10000000: its bus-range is malformed", NULL, { CELLS(PCIE, "bus-range", 1, 0) } },
		{ "pcie@10000000: its bus-range is malformed", NULL, { CELLS(PCIE, "bus-range", 0, 256) } },
		{ "pcie@10000000: its bus-range is malformed", NULL, { CELLS(PCIE, "bus-range", 0, 1, 2) } },
		{ "pcie@10000000: its bus-range is malformed", NULL, { CELLS(PCIE, "bus-range", 0) } },
		{ "pcie@10000000: its bus-range is malformed", NULL, { BYTES(PCIE, "bus-range", "1") } },
		{ "pcie@10000000: its domain is not of 16 bits", NULL, { CELLS(PCIE, "linux,pci-domain", 0x10000) } },
		{ "pcie@10000000: its domain is not of 16 bits", NULL, { EMPTY(PCIE, "linux,pci-domain") } },
		{ "pcie@10000000: its configuration space is too small for its buses", NULL, { CELLS(PCIE, "reg", 0x40, 0x10000000, 0, 0xff00000) } },
		{ "pcie@10000000: its addresses are not of 3 cells and 2", NULL, { CELLS(PCIE, "#address-cells", 2) } },
		{ "pcie@10000000: its addresses are not of 3 cells and 2", NULL, { NO_PROP(PCIE, "#size-cells") } },
		{ "pcie@20000000: a PCI host below a bus", "devices", { NODE("/soc", "pcie@20000000"), TEXT("/soc/pcie@20000000", "compatible", "pci-host-ecam-generic"), CELLS("/soc/pcie@20000000", "reg", 0x100000, 0x100000), CELLS("/soc", "ranges", 0, 0, 0xb000000, 0x200000), CELLS("/soc/pcie@20000000", "bus-range", 0, 0) } },
		{ "pcie@10000000: its ranges are malformed", NULL, { CELLS(PCIE, "ranges", 0x2000000, 0, 0, 0, 0, 0) } },
		{ "pcie@10000000: its ranges are malformed", NULL, { BYTES(PCIE, "ranges", "123") } },
		{ "pcie@10000000: its window at bus address 0x0 is empty or wraps", NULL, { CELLS(PCIE, "ranges", 0x2000000, 0, 0, 0, 0x10000000, 0, 0) } },
		{ "pcie@10000000: its window at bus address 0xfffffffffffff000 is empty or wraps", NULL, { CELLS(PCIE, "ranges", 0x3000000, 0xffffffff, 0xfffff000, 0, 0x10000000, 0, 0x2000) } },
		{ "pcie@10000000: its window at bus address 0x0 is of an unknown kind", NULL, { CELLS(PCIE, "ranges", 0, 0, 0, 0, 0x10000000, 0, 0x2000) } },
		{ "pcie@10000000: its window at bus address 0xfffff000 is of an unknown kind", NULL, { CELLS(PCIE, "ranges", 0x2000000, 0, 0xfffff000, 0, 0x10000000, 0, 0x2000) } },
		{ "pcie@10000000: more than 4 windows", NULL, { CELLS(PCIE, "ranges", 0x2000000, 0, 0, 1, 0, 0, 0x1000, 0x2000000, 0, 0x1000, 2, 0, 0, 0x1000, 0x2000000, 0, 0x2000, 3, 0, 0, 0x1000, 0x2000000, 0, 0x3000, 4, 0, 0, 0x1000, 0x2000000, 0, 0x4000, 5, 0, 0, 0x1000) } },
		{ "pcie@10000000: its range at 0x10000000 is not made of whole pages", NULL, { CELLS(PCIE, "ranges", 0x2000000, 0, 0, 0, 0x10000000, 0, 0x1800) } },
		{ "pcie@10000000: its range at 0x40000000 is in RAM", NULL, { CELLS(PCIE, "ranges", 0x2000000, 0, 0, 0, 0x40000000, 0, 0x1000) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void pci_streams(void **state UNUSED)
{
	static const struct row row[] = {
		{ "pcie@10000000: its iommu-map names something that is not an SMMUv3", NULL, { CELLS(PCIE, "iommu-map", 0, GIC, 0, 0x10000) } },
		{ "pcie@10000000: its iommu-map names something that is not an SMMUv3", NULL, { NO_NODE(SMMUV3) } },
		{ "pcie@10000000: its iommu-map names something that is not an SMMUv3", NULL, { TEXT(SMMUV3, "status", "disabled") } },
		{ "pcie@10000000: its iommu-map is malformed", NULL, { CELLS(PCIE, "iommu-map", 0, SMMU, 0) } },
		{ "pcie@10000000: its iommu-map is malformed", NULL, { BYTES(PCIE, "iommu-map", "1") } },
		{ "pcie@10000000: the streams of its iommu-map wrap", NULL, { CELLS(PCIE, "iommu-map", 0, SMMU, 0xffff8000, 0x10000) } },
		{ "pcie@10000000: its iommu-map names requester 0xff twice", NULL, { CELLS(PCIE, "iommu-map", 0, SMMU, 0, 0x100, 0xff, SMMU, 0x200, 1) } },
		{ "pcie@10000000: its iommu-map gives stream 0x80 to two requesters", NULL, { CELLS(PCIE, "iommu-map", 0, SMMU, 0, 0x100, 0x100, SMMU, 0x80, 1) } },
		{ "pcie@10000000: its iommu-map-mask gives one stream to two requesters", NULL, { CELLS(PCIE, "iommu-map-mask", 0xfff8) } },
		{ "pcie@10000000: its iommu-map-mask gives one stream to two requesters", NULL, { CELLS(PCIE, "iommu-map-mask", 0xff) } },
		{ "pcie@10000000: its iommu-map-mask gives one stream to two requesters", NULL, { BYTES(PCIE, "iommu-map-mask", "1") } },
		{ "pcie@30000000: its iommu-map-mask gives one stream to two requesters", "narrow", { CELLS("/pcie@30000000", "iommu-map-mask", 0xff) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void add_pci_host(void *fdt, u32 n)
{
	char name[16], path[16];
	struct edit edit[] = {
		NODE("/", name),
		TEXT(path, "compatible", "pci-host-ecam-generic"),
		CELLS(path, "bus-range", 0, 0),
		CELLS(path, "reg", 0x50 + n, 0, 0, 0x100000),
		CELLS(path, "#address-cells", 3),
		CELLS(path, "#size-cells", 2),
		CELLS(path, "iommu-map", 0, SMMU, 0x10000 * n, 0x100),
	};

	snprintf(name, sizeof(name), "pcie@%u", n);
	snprintf(path, sizeof(path), "/%s", name);
	for (u32 k = 0; k < ARRAY_SIZE(edit); k++)
		tree_edit(fdt, &edit[k]);
}

static void too_many_pci_hosts(void **state UNUSED)
{
	void *fdt = tree_load("virt");
	const struct machine *m;

	add_pci_host(fdt, 1);
	m = tree_machine(fdt);
	assert_int_equal(m->pci_count, 2);
	assert_int_equal(m->pci[0].sidmap[0].sid, 0x10000);
	assert_int_equal(m->pci[1].sidmap[0].sid, 0);
	tree_edit(fdt, &(const struct edit)CELLS("/pcie@1", "iommu-map", 0, SMMU, 0x80, 1));
	refused(&(struct row){ .says = "pcie@10000000: its iommu-map gives stream 0x0 to two requesters" }, fdt);
	tree_edit(fdt, &(const struct edit)CELLS("/pcie@1", "iommu-map", 0, SMMU, 0x10000, 1));
	add_pci_host(fdt, 2);
	refused(&(struct row){ .says = "pcie@10000000: more than 2 PCI hosts" }, fdt);
}

static void too_many_stream_runs(void **state UNUSED)
{
	void *fdt = tree_load("virt");
	u32 smmu = fdt_get_phandle(fdt, fdt_path_offset(fdt, SMMUV3));
	fdt32_t map[17 * 4];

	for (u32 i = 0; i < 17; i++) {
		map[4 * i] = cpu_to_fdt32(i * 8);
		map[4 * i + 1] = cpu_to_fdt32(smmu);
		map[4 * i + 2] = cpu_to_fdt32(0x100 - i);
		map[4 * i + 3] = cpu_to_fdt32(1);
	}
	assert_int_equal(fdt_setprop(fdt, fdt_path_offset(fdt, PCIE), "iommu-map", map, sizeof(map) - 16), 0);
	assert_int_equal(tree_machine(fdt)->pci[0].sidmap_count, MACHINE_MAX_SIDMAPS);
	assert_int_equal(fdt_setprop(fdt, fdt_path_offset(fdt, PCIE), "iommu-map", map, sizeof(map)), 0);
	refused(&(struct row){ .says = "pcie@10000000: more than 16 runs in its iommu-map" }, fdt);
}

static void pci_interrupts(void **state UNUSED)
{
	static const struct row row[] = {
		{ "pcie@10000000: its pins are not of one cell", NULL, { NO_PROP(PCIE, "#interrupt-cells") } },
		{ "pcie@10000000: its interrupt-map-mask is not of slots modulo 4", NULL, { NO_PROP(PCIE, "interrupt-map-mask") } },
		{ "pcie@10000000: its interrupt-map-mask is not of slots modulo 4", NULL, { CELLS(PCIE, "interrupt-map-mask", 0xf800, 0, 0, 7) } },
		{ "pcie@10000000: its interrupt-map-mask is not of slots modulo 4", NULL, { CELLS(PCIE, "interrupt-map-mask", 0x1800, 1, 0, 7) } },
		{ "pcie@10000000: its interrupt-map-mask is not of slots modulo 4", NULL, { CELLS(PCIE, "interrupt-map-mask", 0x1800, 0, 0, 1) } },
		{ "pcie@10000000: its interrupt-map-mask is not of slots modulo 4", NULL, { CELLS(PCIE, "interrupt-map-mask", 0x1800, 0, 0, 7, 0) } },
		{ "pcie@10000000: its interrupt-map names a controller that is not the GIC", NULL, { CELLS(PCIE, "interrupt-map", 0, 0, 0, 1, SMMU, 0, 0, 0, 3, 4) } },
		{ "pcie@10000000: an interrupt of the unknown kind 5", NULL, { CELLS(PCIE, "interrupt-map", 0, 0, 0, 1, GIC, 0, 0, 5, 3, 4) } },
		{ "pcie@10000000: its interrupts are malformed", NULL, { CELLS(PCIE, "interrupt-map", 0, 0, 0, 1, GIC, 0, 0, 0, 3) } },
		{ "pcie@10000000: its interrupts are malformed", NULL, { CELLS(PCIE, "interrupt-map", 0, 0, 0, 1) } },
		{ "pcie@10000000: its interrupt-map is malformed", NULL, { BYTES(PCIE, "interrupt-map", "1") } },
	};

	run(row, ARRAY_SIZE(row));
}

static void boot_line(void **state UNUSED)
{
	static const struct row row[] = {
		{ "boot line: the word 'quiet' is unknown", NULL, { TEXT("/chosen", "bootargs", "testdev quiet") } },
		{ "boot line: the word 'testdevs' is unknown", NULL, { TEXT("/chosen", "bootargs", "testdevs") } },
		{ "boot line: the word '?[31m' is unknown", NULL, { TEXT("/chosen", "bootargs", "\x1b[31m") } },
		{ "boot line: the word 'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd...' is unknown", NULL, { TEXT("/chosen", "bootargs", "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeee") } },
		{ "boot line: pool=64Q is not a size such as 64M", NULL, { TEXT("/chosen", "bootargs", "pool=64Q") } },
		{ "boot line: pool=64MB is not a size such as 64M", NULL, { TEXT("/chosen", "bootargs", "pool=64MB") } },
		{ "boot line: pool= is not a size such as 64M", NULL, { TEXT("/chosen", "bootargs", "pool=") } },
		{ "boot line: pool=-1 is not a size such as 64M", NULL, { TEXT("/chosen", "bootargs", "pool=-1") } },
		{ "boot line: pool=0K is not a size such as 64M", NULL, { TEXT("/chosen", "bootargs", "pool=0K") } },
		{ "boot line: pool=99999999999999999999999 is not a size such as 64M", NULL, { TEXT("/chosen", "bootargs", "pool=99999999999999999999999") } },
		{ "boot line: pool=262145G is not a size such as 64M", NULL, { TEXT("/chosen", "bootargs", "pool=262145G") } },
		{ "boot line: loglevel=loud is not error, warn, info or debug", NULL, { TEXT("/chosen", "bootargs", "loglevel=loud") } },
		{ "boot line: plant=bugs is nothing that can be planted", NULL, { TEXT("/chosen", "bootargs", "plant=bugs") } },
		{ "boot line: it is not one string", NULL, { BYTES("/chosen", "bootargs", "testdev") } },
		{ "boot line: it is not one string", NULL, { TEXT("/chosen", "bootargs", "testdev\0measure") } },
		{ "boot line: it is not one string", NULL, { EMPTY("/chosen", "bootargs") } },
	};

	run(row, ARRAY_SIZE(row));
}

static void modules(void **state UNUSED)
{
	static const struct row row[] = {
		{ "no kernel for the first VM (QEMU: -device guest-loader,kernel=...)", NULL, { NO_NODE(KERNEL) } },
		{ "no kernel for the first VM (QEMU: -device guest-loader,kernel=...)", NULL, { NO_NODE("/chosen") } },
		{ "module@0x50000000: a boot module that is neither kernel nor ramdisk", NULL, { TEXT(KERNEL, "compatible", "multiboot,module") } },
		{ "module@0x50000000: a second ramdisk", NULL, { TEXT(KERNEL, "compatible", "multiboot,module\0multiboot,ramdisk") } },
		{ "module@0x50000000: a second kernel", NULL, { TEXT(RAMDISK, "compatible", "multiboot,module\0multiboot,kernel") } },
		{ "module@0x50000000: its reg is malformed", NULL, { NO_PROP(KERNEL, "reg") } },
		{ "module@0x50000000: more than 1 ranges", NULL, { CELLS(KERNEL, "reg", 0, 0x50000000, 0, 1, 0, 0x58000000, 0, 1) } },
		{ "module@0x50000000: a range at 0x50000000 of size 0", NULL, { CELLS(KERNEL, "reg", 0, 0x50000000, 0, 0) } },
		{ "module@0x50000000: the range at 0xffffffffffffffff ends beyond 48 bits of address", NULL, { CELLS(KERNEL, "reg", 0xffffffff, 0xffffffff, 0, 2) } },
		{ "module@0x50000000: its bootargs are not one string of less than 512 bytes", NULL, { BYTES(KERNEL, "bootargs", "no end") } },
		{ "the boot module at 0x3ffff000 is outside RAM", NULL, { CELLS(KERNEL, "reg", 0, 0x3ffff000, 0, 0x2000) } },
		{ "the boot module at 0x7ffff000 is outside RAM", NULL, { CELLS(RAMDISK, "reg", 0, 0x7ffff000, 0, 0x1001) } },
		{ "a boot module at 0x50000000 meets a boot module at 0x500003e7", NULL, { CELLS(RAMDISK, "reg", 0, 0x500003e7, 0, 0x1000) } },
		{ "a boot module at 0x401fffff meets the hypervisor's image at 0x40200000", NULL, { CELLS(KERNEL, "reg", 0, 0x401fffff, 0, 2) } },
	};

	run(row, ARRAY_SIZE(row));
}

static void long_command_line(void **state UNUSED)
{
	void *fdt = tree_load("virt");
	char line[MACHINE_CMDLINE + 1];

	memset(line, 'a', sizeof(line));
	line[MACHINE_CMDLINE - 1] = 0;
	assert_int_equal(fdt_setprop_string(fdt, fdt_path_offset(fdt, KERNEL), "bootargs", line), 0);
	assert_string_equal(tree_machine(fdt)->module[1].cmdline, line);
	line[MACHINE_CMDLINE - 1] = 'a';
	line[MACHINE_CMDLINE] = 0;
	assert_int_equal(fdt_setprop_string(fdt, fdt_path_offset(fdt, KERNEL), "bootargs", line), 0);
	refused(&(struct row){ .says = "module@0x50000000: its bootargs are not one string of less than 512 bytes" }, fdt);
}

/* What the caller says of itself, and where the tree lies. */
static void image_and_tree(void **state UNUSED)
{
	static const struct range bad[] = {
		{ 0x40200000, 0 },
		{ 0x40201000, 0x200000 },
		{ 0x40200000, 0x1ff000 },
		{ 0x3fe00000, 0x200000 },
		{ 0x7fe00000, 0x400000 },
	};
	void *fdt = tree_load("virt");
	const char *why;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		char want[128];

		snprintf(want, sizeof(want), "the hypervisor's image at 0x%lx is not a run of whole 2 MiB of RAM", bad[i].base);
		assert_null(platform_discover(fdt, TREE_SPACE, bad[i], &why));
		assert_string_equal(why, want);
	}
	/* A module on the tree itself: the host's address is made RAM. */
	tree_edit(fdt, &(const struct edit)CELLS(MEMORY, "reg", 0, 0x40000000, 0xffff, 0xb0000000));
	tree_edit(fdt, &(const struct edit)CELLS(KERNEL, "reg", (u32)((u64)fdt >> 32), (u32)(u64)fdt + 8, 0, 1));
	tree_edit(fdt, &(const struct edit)NO_PROP(PCIE, "ranges"));
	tree_edit(fdt, &(const struct edit)CELLS(PCIE, "reg", 0, 0x10000000, 0, 0x10000000));
	assert_null(platform_discover(fdt, TREE_SPACE, TREE_IMAGE, &why));
	assert_non_null(strstr(why, "a boot module at 0x"));
	assert_non_null(strstr(why, "meets the device tree at 0x"));
}

static void heap(void **state UNUSED)
{
	static const struct row row[] = {
		{ "RAM has no free run of 1044 MiB for the hypervisor; give the machine more memory", NULL, { TEXT("/chosen", "bootargs", "pool=1G") } },
		{ "RAM has no free run of 268435476 MiB for the hypervisor; give the machine more memory", NULL, { TEXT("/chosen", "bootargs", "pool=262144G") } },
		{ "RAM has no free run of 14 MiB for the hypervisor; give the machine more memory", NULL, { CELLS(MEMORY, "reg", 0, 0x40000000, 0, 0x1000000), CELLS(KERNEL, "reg", 0, 0x40800000, 0, 1), CELLS(RAMDISK, "reg", 0, 0x40400000, 0, 1), TEXT("/chosen", "bootargs", "pool=4K") } },
	};

	run(row, ARRAY_SIZE(row));
}

static void too_many_nodes(void **state UNUSED)
{
	void *fdt = tree_load("virt");
	int nodes = 0;

	for (int node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))
		nodes++;
	for (; nodes < 257; nodes++) {
		char name[16];

		if (nodes == 256)
			tree_machine(fdt);
		snprintf(name, sizeof(name), "n%d", nodes);
		tree_edit(fdt, &(const struct edit)NODE("/", name));
	}
	refused(&(struct row){ .says = "the device tree has more than 256 nodes" }, fdt);
}

static void too_deep(void **state UNUSED)
{
	void *fdt = tree_load("virt");
	int parent = fdt_path_offset(fdt, "/gpio-keys");

	for (u32 depth = 2; depth < 17; depth++) {
		if (depth == 16)
			tree_machine(fdt);
		parent = fdt_add_subnode(fdt, parent, "n");
		assert_true(parent > 0);
	}
	refused(&(struct row){ .says = "the device tree nests deeper than 16 nodes" }, fdt);
}

static void too_many_properties(void **state UNUSED)
{
	static char blob[TREE_SPACE * 2] __attribute__((aligned(8)));

	/* The same property many times, which only the sequential writer can make. */
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	for (u32 i = 0; i < 1537; i++)
		assert_int_equal(fdt_property_u32(blob, "reg", i), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
	refused(&(struct row){ .says = "the device tree has too many properties" }, blob);
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(ram),
		cmocka_unit_test(cells),
		cmocka_unit_test(reserved),
		cmocka_unit_test(buses),
		cmocka_unit_test(cpus),
		cmocka_unit_test(too_many_cpus),
		cmocka_unit_test(gic),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(no_event_irqs),
		cmocka_unit_test(smmus),
		cmocka_unit_test(too_many_smmus),
		cmocka_unit_test(masters),
		cmocka_unit_test(too_many_streams),
		cmocka_unit_test(too_many_masters),
		cmocka_unit_test(windows),
		cmocka_unit_test(too_many_windows),
		cmocka_unit_test(pci_bridge),
		cmocka_unit_test(pci_streams),
		cmocka_unit_test(too_many_pci_hosts),
		cmocka_unit_test(too_many_stream_runs),
		cmocka_unit_test(pci_interrupts),
		cmocka_unit_test(boot_line),
		cmocka_unit_test(modules),
		cmocka_unit_test(long_command_line),
		cmocka_unit_test(image_and_tree),
		cmocka_unit_test(heap),
		cmocka_unit_test(too_many_nodes),
		cmocka_unit_test(too_deep),
		cmocka_unit_test(too_many_properties),
	};

	return SUITE("refusals", cases);
}
