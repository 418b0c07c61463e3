/* SPDX-License-Identifier: BSD-2-Clause */
/* A board to order: console into a buffer, machine records made by the test. */
#include <stdio.h>
#include <string.h>

#include "hyp/platform.h"

#include "fake.h"
#include "fake_private.h"

char fake_console[65536];
bool fake_console_echo;
static u32 console_used;

const char *fake_debug_in;
char fake_debug_out[65536];
u32 fake_debug_room;
bool fake_debug_input, fake_debug_output;
static u32 debug_used, debug_left;
static bool debug_begun;

static struct machine built;

void plat_console_putc(char c)
{
	if (fake_console_echo)
		fputc(c, stderr);
	if (console_used < sizeof(fake_console) - 1)
		fake_console[console_used++] = c;
}

void plat_debug_init(void) {}

void plat_debug_begin(void)
{
	if (debug_begun)
		fake_die("plat_debug_begin twice");
	debug_begun = true;
	debug_left = fake_debug_room;
}

void plat_debug_end(bool input, bool output)
{
	if (!debug_begun)
		fake_die("plat_debug_end without begin");
	debug_begun = false;
	fake_debug_input = input;
	fake_debug_output = output;
}

bool plat_debug_getc(char *c)
{
	if (!debug_begun)
		fake_die("plat_debug_getc without begin");
	if (fake_debug_in == NULL || *fake_debug_in == 0)
		return false;
	*c = *fake_debug_in++;
	return true;
}

bool plat_debug_putc(char c)
{
	if (!debug_begun)
		fake_die("plat_debug_putc without begin");
	if (debug_left == 0)
		return false;
	debug_left--;
	if (debug_used < sizeof(fake_debug_out) - 1)
		fake_debug_out[debug_used++] = c;
	return true;
}

static void window_add(struct machine *m, u64 base, u64 size, enum window_use use, const char *name)
{
	struct machine_window *w = &m->window[m->window_count++];

	w->mem = (struct range){ base, size };
	w->use = use;
	snprintf(w->name, sizeof(w->name), "%s", name);
}

static void iommu_add(struct machine *m, u32 index)
{
	struct machine_iommu *iommu = &m->iommu[index];

	iommu->regs =
		(struct range){ FAKE_IOMMU_BASE + index * FAKE_IOMMU_STRIDE, FAKE_IOMMU_STRIDE };
	iommu->event_irq = 106 + 4 * index;
	iommu->error_irq = 109 + 4 * index;
	iommu->phandle = 0x100 + index;
	iommu->coherent = true;
	snprintf(iommu->name, sizeof(iommu->name), "iommu%u", index);
	window_add(m, iommu->regs.base, iommu->regs.size, WINDOW_DENIED, iommu->name);
}

static void pci_host_add(struct machine *m)
{
	struct machine_pci_host *host = &m->pci[m->pci_count++];
	static const struct machine_pci_window windows[] = {
		{ PCI_IO, 0x3eff0000, 0, 0x10000 },
		{ PCI_MEM32, 0x10000000, 0x10000000, 0x2eff0000 },
		{ PCI_MEM64, 0x8000000000, 0x8000000000, 0x8000000000 },
	};

	host->ecam = (struct range){ FAKE_ECAM_BASE, 0x10000000 };
	host->bus_last = 0xff;
	memcpy(host->window, windows, sizeof(windows));
	host->window_count = ARRAY_SIZE(windows);
	if (m->iommu_count > 0) {
		host->sidmap[0] = (struct machine_sidmap){ .count = 0x10000 };
		host->sidmap_count = 1;
	}
	for (u32 slot = 0; slot < 4; slot++)
		for (u32 pin = 0; pin < 4; pin++)
			host->intx[slot][pin] = 35 + (slot + pin) % 4;
	window_add(m, host->ecam.base, host->ecam.size, WINDOW_ECAM, "ecam");
	for (u32 i = 0; i < host->window_count; i++)
		window_add(m, host->window[i].cpu, host->window[i].size, WINDOW_PCI, "pci");
}

struct machine *fake_machine(u64 ram_bytes, u64 heap_bytes, u32 iommus)
{
	struct machine *m = &built;
	u64 end = FAKE_RAM_BASE + ram_bytes;

	memset(m, 0, sizeof(*m));
	m->ram[m->ram_count++] = (struct range){ FAKE_RAM_BASE, ram_bytes };
	m->image = (struct range){ FAKE_RAM_BASE, FAKE_IMAGE_SIZE };
	m->heap = (struct range){ FAKE_RAM_BASE + FAKE_IMAGE_SIZE, heap_bytes };
	m->dtb = (struct range){ end - 0x200000, 0x100000 };
	m->module[m->module_count++] = (struct machine_module){
		.kind = MODULE_KERNEL,
		.mem = { end - 0x100000, 0x10000 },
	};
	m->cpu_count = 1;
	m->iommu_count = iommus;
	for (u32 i = 0; i < iommus; i++)
		iommu_add(m, i);
	pci_host_add(m);
	m->gic.dist = (struct range){ 0x08000000, 0x10000 };
	m->gic.redist[0] = (struct range){ 0x080a0000, 0x00f60000 };
	m->gic.redist_count = 1;
	window_add(m, m->gic.dist.base, m->gic.dist.size, WINDOW_GICD, "gicd");
	window_add(m, m->gic.redist[0].base, m->gic.redist[0].size, WINDOW_GICR, "gicr");
	m->console = (struct range){ FAKE_UART_BASE, 0x1000 };
	window_add(m, FAKE_UART_BASE, 0x1000, WINDOW_DIRECT, "uart");
	m->event_irq_count = ARRAY_SIZE(m->event_irq);
	for (u32 i = 0; i < m->event_irq_count; i++)
		m->event_irq[i] = 200 + i;
	return m;
}

void fake_machine_use(const struct machine *m)
{
	for (u32 i = 0; i < m->ram_count; i++)
		if (fake_ram(m->ram[i].base, m->ram[i].size) == NULL)
			fake_ram_add(m->ram[i].base, m->ram[i].size);
	machine = m;
}

void fake_debug_clear(void)
{
	memset(fake_debug_out, 0, debug_used);
	debug_used = 0;
}

void fake_platform_reset(void)
{
	memset(fake_console, 0, console_used);
	console_used = 0;
	fake_debug_clear();
	debug_begun = false;
	fake_debug_in = NULL;
	fake_debug_room = ~0u;
	fake_debug_input = fake_debug_output = false;
}

void fake_reset(void)
{
	fake_io_reset();
	fake_arch_reset();
	fake_platform_reset();
	machine = NULL;
}
