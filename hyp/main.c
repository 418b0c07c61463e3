/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot order, on one screen: from firmware's description to the primary's first instruction. */
#include "debug/console.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/io.h"
#include "hyp/log.h"
#include "hyp/pci.h"
#include "hyp/upcall.h"
#include "iommu/device.h"
#include "iommu/iommu.h"
#include "mem/page.h"
#include "mem/pool_priv.h"
#include "primary_image.h"
#include "vm/vm.h"
#include "vm/vm_life.h"

static struct pool hyp_pool;

/* The primary's pool from the end of what boot left over, the rest is for our own tables. */
static struct range share_heap(const struct machine *m)
{
	struct range rest = boot_alloc_close();
	u64 bytes = m->option.pool_bytes, ram = 0;
	struct range pool;

	for (u32 i = 0; i < m->ram_count; i++)
		ram += m->ram[i].size;
	if (bytes == 0)
		bytes = ram / POOL_RAM_SHARE;
	bytes = align_down(bytes, PAGE_SIZE);
	/* Both views of all RAM in 4 KiB leaves, 8 bytes a page each, is the most that our tables can need. */
	if (bytes > rest.size || rest.size - bytes < ram / 256)
		panic("pool=%lu does not fit: %lu bytes are free, %lu for our own tables",
		      (unsigned long)bytes, (unsigned long)rest.size, (unsigned long)(ram / 256));
	rest.size -= bytes;
	pool = (struct range){ .base = rest.base + rest.size, .size = bytes };
	pool_init(&hyp_pool, 0);
	pool_add(&hyp_pool, pa(rest.base), rest.size >> PAGE_SHIFT);
	return pool;
}

static void refuse(const char *why) NORETURN;
static void refuse(const char *why)
{
	panic("this machine cannot be run safely: %s", why);
}

static void log_machine(const struct machine *m)
{
	u64 bytes = 0;

	for (u32 i = 0; i < m->ram_count; i++)
		bytes += m->ram[i].size;
	log_info("Portcullis: %lu MiB RAM, %u CPUs, %u IOMMUs, %u devices",
		 (unsigned long)(bytes >> 20), m->cpu_count, iommu_count, device_count);
}

/* Devices: all DMA is blocked already; name them, and let the primary's reach the primary. */
static void devices_start(const struct machine *m)
{
	const char *why = "unknown";

	if (pci_enumerate(m, &why) != OK || !device_init(m, &why))
		refuse(why);
}

static void primary_mmio(void)
{
	for (u32 i = 0; i < device_count; i++)
		for (u32 k = 0; k < device_table[i].mmio_count; k++)
			vm_primary_add_mmio(device_table[i].mmio[k]);
}

void hyp_main(const void *fdt, u64 fdt_limit)
{
	const char *why = "unknown";
	struct primary_image image;
	struct range pool;

	machine = platform_discover(fdt, fdt_limit, arch_image(), &why);
	if (machine == NULL)
		refuse(why);
	log_level = (enum log_level)machine->option.log_level;
	iommu_quiesce(machine);
	arch_map_init(machine);
	boot_alloc_open(machine->heap);
	page_init(machine);
	if (!iommu_start(machine, &why))
		refuse(why);
	devices_start(machine);
	vm_table_init();
	arch_irq_init(machine);
	pool = share_heap(machine);
	vm_primary_init(machine, &hyp_pool, pool);
	vm_life_init(&hyp_pool);
	primary_mmio();
	device_boot_identity();
	if (!primary_image_place(fdt, machine, &image, &why))
		refuse(why);
	log_machine(machine);
	console_start();
	arch_enter_primary(vm_primary, image.entry, image.fdt);
}
