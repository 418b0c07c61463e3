/* SPDX-License-Identifier: BSD-2-Clause */
/* SMMUv3 units, and platform devices whose streams run through them. */
#include "board.h"

#include <string.h>

#define IOMMU_CELLS      1u /* a stream id */
#define PASID_BITS_LIMIT 20u /* SubstreamIDs, IHI 0070 3.2; PASIDs, PCIe 2.2.10.4 */

/* Index of a word in interrupt-names; -1 without. */
static int irq_index(const struct dt *dt, const struct dt_node *n, const char *word)
{
	int index = fdt_stringlist_search(dt->fdt, (int)n->offset, dt_id_name(DT_INTERRUPT_NAMES), word);

	return index < 0 ? -1 : index;
}

static bool smmu_irq(struct discovery *d, const struct dt_node *n, const char *word, u32 *intid)
{
	u32 irq[8], count;
	int index = irq_index(d->dt, n, word);

	if (index < 0)
		index = irq_index(d->dt, n, "combined");
	*intid = 0;
	if (index < 0)
		return true;
	if (!find_irqs(d, n, irq, ARRAY_SIZE(irq), &count))
		return false;
	if ((u32)index >= count || irq[index] < GIC_FIRST_SPI)
		return refuse("%s: its interrupt '%s' is not an SPI", n->name, word);
	*intid = irq[index];
	return true;
}

/* As Linux reads it: the nearest word on the way up, none means that it does not snoop. */
static bool is_coherent(const struct dt *dt, const struct dt_node *n)
{
	for (; n; n = dt_parent(dt, n)) {
		if (dt_prop(dt, n, DT_DMA_COHERENT))
			return true;
		if (dt_prop(dt, n, DT_DMA_NONCOHERENT))
			return false;
	}
	return false;
}

bool find_iommu_by_phandle(const struct machine *m, u32 phandle, u32 *iommu)
{
	if (phandle == DT_ABSENT || phandle == DT_BAD)
		return false;
	for (*iommu = 0; *iommu < m->iommu_count; (*iommu)++)
		if (m->iommu[*iommu].phandle == phandle)
			return true;
	return false;
}

bool find_smmu(struct discovery *d, const struct dt_node *n)
{
	const char *name = n->name;
	struct machine *m = d->m;
	struct machine_iommu *iommu = &m->iommu[m->iommu_count];
	u32 count, other;

	if (m->iommu_count == MACHINE_MAX_IOMMUS)
		return refuse("%s: more than %u SMMUs", name, MACHINE_MAX_IOMMUS);
	if (!find_reg(d, n, &iommu->regs, 1, &count) || !smmu_irq(d, n, "eventq", &iommu->event_irq) ||
	    !smmu_irq(d, n, "gerror", &iommu->error_irq))
		return false;
	if (iommu->regs.size < SMMU_FRAMES || !page_aligned(iommu->regs.base))
		return refuse("%s: its registers are not two frames of 64 KiB", name);
	if (dt_u32(d->dt, n, DT_IOMMU_CELLS, 0) != IOMMU_CELLS)
		return refuse("%s: its stream ids are not of one cell", name);
	iommu->phandle = dt_u32(d->dt, n, DT_PHANDLE, DT_ABSENT);
	if (find_iommu_by_phandle(m, iommu->phandle, &other))
		return refuse("%s: a second SMMU with phandle 0x%x", name, iommu->phandle);
	iommu->coherent = is_coherent(d->dt, n);
	copy_name(iommu->name, name);
	m->iommu_count++;
	return window_add(d, name, iommu->regs, WINDOW_DENIED);
}

/* iommus = <&smmu stream>, ... */
static bool master_streams(struct discovery *d, const struct dt_node *n, struct machine_dt_device *device)
{
	struct cells c = dt_cells(d->dt, n, DT_IOMMUS);
	const char *name = n->name;
	u32 iommu;

	while (c.left && !c.bad) {
		if (!find_iommu_by_phandle(d->m, (u32)cells_take(&c, 1), &iommu))
			return refuse("%s: its iommus name something that is not an SMMUv3", name);
		if (device->stream_count == ARRAY_SIZE(device->stream))
			return refuse("%s: more than %zu streams", name, ARRAY_SIZE(device->stream));
		device->stream[device->stream_count].iommu = iommu;
		device->stream[device->stream_count++].sid = (u32)cells_take(&c, IOMMU_CELLS);
	}
	if (c.bad || device->stream_count == 0)
		return refuse("%s: its iommus are malformed", name);
	return true;
}

/* pasid-num-bits = <n>: PASIDs below 1 << n (bindings/iommu/iommu.txt) */
static bool master_pasids(struct discovery *d, const struct dt_node *n, struct machine_dt_device *device)
{
	u32 bits = dt_u32(d->dt, n, DT_PASID_BITS, 0);

	if (bits == DT_BAD)
		return refuse("%s: its pasid-num-bits is malformed", n->name);
	if (bits > PASID_BITS_LIMIT)
		return refuse("%s: PASIDs of %u bits, more than %u", n->name, bits, PASID_BITS_LIMIT);
	device->pasid_bits = (u8)bits;
	return true;
}

bool find_dt_device(struct discovery *d, const struct dt_node *n)
{
	const char *name = n->name;
	struct machine *m = d->m;
	struct machine_dt_device *device = &m->dt_device[m->dt_device_count];

	if (m->dt_device_count == MACHINE_MAX_DT_DEVICES)
		return refuse("%s: more than %u platform devices behind SMMUs", name, MACHINE_MAX_DT_DEVICES);
	if (!find_reg(d, n, device->mmio, ARRAY_SIZE(device->mmio), &device->mmio_count) ||
	    !find_irqs(d, n, device->irq, ARRAY_SIZE(device->irq), &device->irq_count) ||
	    !master_streams(d, n, device) || !master_pasids(d, n, device))
		return false;
	device->dma_coherent = is_coherent(d->dt, n);
	copy_name(device->name, name);
	m->dt_device_count++;
	return true;
}

/* A device's registers are mapped page by page into its VM: nothing else may lie in those pages. */
static bool mmio_check(const struct machine *m, const char *name, struct range mmio)
{
	u32 met = 0;

	if (!page_aligned(mmio.base) || !page_aligned(mmio.size))
		return refuse("%s: its registers at 0x%lx are not whole pages", name, mmio.base);
	for (u32 i = 0; i < m->window_count; i++)
		if (ranges_meet(mmio, m->window[i].mem))
			return refuse("%s: its registers at 0x%lx meet %s", name, mmio.base, m->window[i].name);
	for (u32 i = 0; i < m->ram_count; i++)
		if (ranges_meet(mmio, m->ram[i]))
			return refuse("%s: its registers at 0x%lx are in RAM", name, mmio.base);
	for (u32 i = 0; i < m->dt_device_count; i++)
		for (u32 k = 0; k < m->dt_device[i].mmio_count; k++)
			met += ranges_meet(mmio, m->dt_device[i].mmio[k]);
	/* It meets itself. */
	return met == 1 || refuse("%s: its registers at 0x%lx are another device's too", name, mmio.base);
}

/* A stream belongs to one device of the machine: platform devices among themselves, and PCI. */
static bool stream_check(const struct machine *m, const char *name, u32 iommu, u32 sid)
{
	u32 met = 0;

	for (u32 i = 0; i < m->dt_device_count; i++)
		for (u32 k = 0; k < m->dt_device[i].stream_count; k++)
			met += m->dt_device[i].stream[k].iommu == iommu && m->dt_device[i].stream[k].sid == sid;
	for (u32 i = 0; i < m->pci_count; i++) {
		for (u32 k = 0; k < m->pci[i].sidmap_count; k++) {
			const struct machine_sidmap *map = &m->pci[i].sidmap[k];

			met += map->iommu == iommu && sid >= map->sid && sid - map->sid < map->count;
		}
	}
	return met == 1 || refuse("%s: its stream 0x%x is another device's too", name, sid);
}

bool find_dt_devices_check(const struct discovery *d)
{
	const struct machine *m = d->m;

	for (u32 i = 0; i < m->dt_device_count; i++) {
		const struct machine_dt_device *device = &m->dt_device[i];

		for (u32 k = 0; k < device->mmio_count; k++)
			if (!mmio_check(m, device->name, device->mmio[k]))
				return false;
		for (u32 k = 0; k < device->stream_count; k++)
			if (!stream_check(m, device->name, device->stream[k].iommu, device->stream[k].sid))
				return false;
	}
	if (m->iommu_count == 0)
		return refuse("the device tree has no SMMUv3 (QEMU: -M virt,iommu=smmuv3)");
	return true;
}
