/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the device tree with libfdt. Follows the Devicetree Specification 0.4 and QEMU's virt. */
#include "machine.h"

#include <libfdt.h>
#include <string.h>

#include "report.h"

struct machine machine;

static u64 cells_at(const fdt32_t *cells, u32 count)
{
	u64 value = 0;

	while (count--)
		value = value << 32 | fdt32_to_cpu(*cells++);
	return value;
}

static u32 prop_u32(const void *fdt, int node, const char *name, u32 otherwise)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);

	return p && len >= 4 ? fdt32_to_cpu(p[0]) : otherwise;
}

/* The index-th (address, size) of a property; size 0 if it has fewer. */
static struct range prop_range(const void *fdt, int node, const char *name, u32 index)
{
	int parent = fdt_parent_offset(fdt, node);
	u32 ac = (u32)fdt_address_cells(fdt, parent), sc = (u32)fdt_size_cells(fdt, parent);
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, name, &len);
	struct range r = { 0, 0 };

	if (!p || (u32)len < (index + 1) * (ac + sc) * 4)
		return r;
	p += index * (ac + sc);
	r.base = cells_at(p, ac);
	r.size = cells_at(p + ac, sc);
	return r;
}

static u32 add_ranges(const void *fdt, int node, const char *name, struct range *to, u32 count, u32 max)
{
	for (u32 i = 0; count < max; i++) {
		struct range r = prop_range(fdt, node, name, i);

		if (!r.size)
			break;
		to[count++] = r;
	}
	return count;
}

static bool is_device_type(const void *fdt, int node, const char *type)
{
	const char *p = fdt_getprop(fdt, node, "device_type", NULL);

	return p && !strcmp(p, type);
}

/* The INTID of the index-th three-cell GIC interrupt; 0 if there is none. */
static u32 prop_gic_irq(const void *fdt, int node, u32 index)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, "interrupts", &len);

	if (!p || (u32)len < (index + 1) * 12)
		return 0;
	p += index * 3;
	return fdt32_to_cpu(p[1]) + (fdt32_to_cpu(p[0]) ? 16 : 32);
}

u32 machine_memory(const void *fdt, struct range *ram, u32 max)
{
	u32 count = 0;
	int node;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (is_device_type(fdt, node, "memory"))
			count = add_ranges(fdt, node, "reg", ram, count, max);
	}
	return count;
}

static void read_reserved(const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/reserved-memory"), node;

	fdt_for_each_subnode(node, fdt, parent)
		machine.reserved_count = add_ranges(fdt, node, "reg", machine.reserved, machine.reserved_count,
						    MACHINE_RANGES);
	for (int i = 0; i < fdt_num_mem_rsv(fdt) && machine.reserved_count < MACHINE_RANGES; i++) {
		uint64_t base, size;

		if (!fdt_get_mem_rsv(fdt, i, &base, &size))
			machine.reserved[machine.reserved_count++] = (struct range){ base, size };
	}
}

static void read_cpus(const void *fdt)
{
	int parent = fdt_path_offset(fdt, "/cpus"), node;
	u32 ac = (u32)fdt_address_cells(fdt, parent);

	fdt_for_each_subnode(node, fdt, parent)
	{
		const fdt32_t *reg = fdt_getprop(fdt, node, "reg", NULL);

		if (is_device_type(fdt, node, "cpu") && reg && machine.cpu_count < MAX_CPUS)
			machine.mpidr[machine.cpu_count++] = cells_at(reg, ac);
	}
}

static void read_interrupts(const void *fdt)
{
	int gic = fdt_node_offset_by_compatible(fdt, -1, "arm,gic-v3");
	int timer = fdt_path_offset(fdt, "/timer");

	if (gic >= 0) {
		machine.gicd = prop_range(fdt, gic, "reg", 0);
		machine.gicr = prop_range(fdt, gic, "reg", 1);
	}
	/* Order of the binding: secure, physical, virtual, hypervisor. */
	if (timer >= 0)
		machine.timer_irq = prop_gic_irq(fdt, timer, 2);
}

static void read_pviommus(const void *fdt)
{
	int node = -1;

	while ((node = fdt_node_offset_by_compatible(fdt, node, "pkvm,pviommu")) >= 0) {
		struct pviommu_node *pv = &machine.pviommu[machine.pviommu_count];

		if (machine.pviommu_count == MACHINE_PVIOMMUS)
			break;
		machine.pviommu_count++;
		pv->id = prop_u32(fdt, node, "id", ~0u);
		pv->iommu_cells = prop_u32(fdt, node, "#iommu-cells", 0);
		while (pv->irq_count < MACHINE_IRQS && prop_gic_irq(fdt, node, pv->irq_count)) {
			pv->irqs[pv->irq_count] = prop_gic_irq(fdt, node, pv->irq_count);
			pv->irq_count++;
		}
	}
}

/* A PCI "ranges" entry: 3 cells of PCI address, 2 of CPU address, 2 of size. */
static void read_pci_windows(const void *fdt, int node, struct pci_host *pci)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, "ranges", &len);

	for (; p && len >= 28; p += 7, len -= 28) {
		struct range r = { cells_at(p + 3, 2), cells_at(p + 5, 2) };

		switch (fdt32_to_cpu(p[0]) >> 24 & 3) {
		case 1:
			pci->io = r;
			break;
		case 2:
			pci->mem32 = r;
			break;
		case 3:
			pci->mem64 = r;
			break;
		default:
			break;
		}
	}
}

static void read_pci(const void *fdt)
{
	struct pci_host *pci = &machine.pci;
	const fdt32_t *buses;
	int len;

	pci->node = fdt_node_offset_by_compatible(fdt, -1, "pci-host-ecam-generic");
	if (pci->node < 0)
		return;
	pci->ecam = prop_range(fdt, pci->node, "reg", 0);
	pci->bus_last = (u32)(pci->ecam.size >> 20) - 1;
	buses = fdt_getprop(fdt, pci->node, "bus-range", &len);
	if (buses && len == 8) {
		pci->bus_first = fdt32_to_cpu(buses[0]);
		pci->bus_last = fdt32_to_cpu(buses[1]);
	}
	read_pci_windows(fdt, pci->node, pci);
}

static void read_chosen(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/chosen"), len;
	const fdt32_t *start, *end;

	machine.bootargs = "";
	if (node < 0)
		return;
	if (fdt_getprop(fdt, node, "bootargs", NULL))
		machine.bootargs = fdt_getprop(fdt, node, "bootargs", NULL);
	start = fdt_getprop(fdt, node, "linux,initrd-start", &len);
	end = fdt_getprop(fdt, node, "linux,initrd-end", NULL);
	if (start && end) {
		machine.initrd.base = cells_at(start, (u32)len / 4);
		machine.initrd.size = cells_at(end, (u32)len / 4) - machine.initrd.base;
	}
}

void machine_read(const void *fdt)
{
	int uart = fdt_node_offset_by_compatible(fdt, -1, "arm,pl011");
	int psci = fdt_path_offset(fdt, "/psci");
	const char *method = psci < 0 ? NULL : fdt_getprop(fdt, psci, "method", NULL);

	machine.fdt = fdt;
	if (uart >= 0) {
		machine.uart = prop_range(fdt, uart, "reg", 0).base;
		machine.uart_irq = prop_gic_irq(fdt, uart, 0);
	}
	machine.psci_by_hvc = method && !strcmp(method, "hvc");
	machine.ram_count = machine_memory(fdt, machine.ram, MACHINE_RANGES);
	read_reserved(fdt);
	read_cpus(fdt);
	read_interrupts(fdt);
	read_pviommus(fdt);
	read_pci(fdt);
	read_chosen(fdt);
}

bool machine_owns_ram(u64 address)
{
	bool in_ram = false;

	for (u32 i = 0; i < machine.ram_count; i++)
		in_ram |= range_has(&machine.ram[i], address);
	for (u32 i = 0; i < machine.reserved_count; i++)
		in_ram &= !range_has(&machine.reserved[i], address);
	return in_ram;
}

const char *machine_bootarg(const char *key)
{
	static char value[256];
	size_t key_len = strlen(key);

	for (const char *word = machine.bootargs; *word; word += strcspn(word, " ")) {
		word += strspn(word, " ");
		if (!strncmp(word, key, key_len) && word[key_len] == '=') {
			size_t len = strcspn(word += key_len + 1, " ");

			len = len < sizeof(value) - 1 ? len : sizeof(value) - 1;
			memcpy(value, word, len);
			value[len] = 0;
			return value;
		}
	}
	return NULL;
}

u32 machine_pci_irq(u32 bdf, u32 pin)
{
	int len, parent_cells;
	const fdt32_t *map = fdt_getprop(machine.fdt, machine.pci.node, "interrupt-map", &len);
	const fdt32_t *mask = fdt_getprop(machine.fdt, machine.pci.node, "interrupt-map-mask", NULL);

	if (!map || !mask)
		return 0;
	for (u32 left = (u32)len / 4; left >= 9;) {
		int gic = fdt_node_offset_by_phandle(machine.fdt, fdt32_to_cpu(map[4]));

		if (gic < 0)
			break;
		parent_cells = fdt_address_cells(machine.fdt, gic);
		if (fdt32_to_cpu(map[0]) == ((bdf << 8) & fdt32_to_cpu(mask[0])) && fdt32_to_cpu(map[3]) == pin)
			return fdt32_to_cpu(map[5 + parent_cells + 1]) + 32;
		left -= 8 + (u32)parent_cells;
		map += 8 + parent_cells;
	}
	return 0;
}

u32 machine_windows(const void *fdt, struct range *windows, u32 max)
{
	struct pci_host pci = { .node = -1 };
	u32 count = 0;
	int node, child;

	fdt_for_each_subnode(node, fdt, 0)
	{
		if (is_device_type(fdt, node, "memory"))
			continue;
		if (!fdt_node_check_compatible(fdt, node, "pci-host-ecam-generic"))
			pci.node = node;
		count = add_ranges(fdt, node, "reg", windows, count, max);
		/* Only nodes with an empty "ranges" have children at CPU addresses: the GIC with its ITS. */
		if (fdt_getprop(fdt, node, "ranges", &child) && child == 0)
			fdt_for_each_subnode(child, fdt, node)
				count = add_ranges(fdt, child, "reg", windows, count, max);
	}
	if (pci.node >= 0 && count + 3 <= max) {
		read_pci_windows(fdt, pci.node, &pci);
		windows[count++] = pci.io;
		windows[count++] = pci.mem32;
		windows[count++] = pci.mem64;
	}
	return count;
}

struct range machine_find_reg(const void *fdt, const char *compatible)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, compatible);

	return node < 0 ? (struct range){ 0, 0 } : prop_range(fdt, node, "reg", 0);
}

u32 machine_find_irq(const void *fdt, const char *compatible, u32 index)
{
	int node = fdt_node_offset_by_compatible(fdt, -1, compatible);

	return node < 0 ? 0 : prop_gic_irq(fdt, node, index);
}

const void *machine_below(void)
{
	const void *fdt = (const void *)machine.initrd.base;

	return machine.initrd.size > sizeof(struct fdt_header) && !fdt_check_header(fdt) ? fdt : NULL;
}
