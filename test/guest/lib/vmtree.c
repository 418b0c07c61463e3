/* SPDX-License-Identifier: BSD-2-Clause */
/* Follows the Devicetree Specification 0.4 and the bindings of Linux 6.12. */
#include "vmtree.h"

#include <libfdt.h>
#include <stdio.h>
#include <string.h>

#define PHANDLE_GIC   1
#define PHANDLE_CLOCK 2

#define IRQ_SPI   0
#define IRQ_PPI   1
#define IRQ_LEVEL 4
#define UART_HZ   24000000

/* The first error stays, and nothing is written after it. */
struct writer {
	void *fdt;
	int error;
};

#define DO(w, call)                          \
	do {                                 \
		if (!(w)->error)             \
			(w)->error = (call); \
	} while (0)

static void begin(struct writer *w, const char *name) { DO(w, fdt_begin_node(w->fdt, name)); }
static void end(struct writer *w) { DO(w, fdt_end_node(w->fdt)); }

static void begin_at(struct writer *w, const char *name, u64 address)
{
	char full[48];

	snprintf(full, sizeof(full), "%s@%lx", name, address);
	begin(w, full);
}

static void text(struct writer *w, const char *name, const char *value)
{
	DO(w, fdt_property_string(w->fdt, name, value));
}

static void number(struct writer *w, const char *name, u32 value)
{
	DO(w, fdt_property_u32(w->fdt, name, value));
}

static void cells(struct writer *w, const char *name, const u32 *values, u32 count)
{
	fdt32_t out[16];

	for (u32 i = 0; i < count; i++)
		out[i] = cpu_to_fdt32(values[i]);
	DO(w, fdt_property(w->fdt, name, out, (int)(count * sizeof(*out))));
}

#define CELLS(w, name, ...) \
	cells(w, name, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / sizeof(u32))
#define RANGE(r) (u32)((r).base >> 32), (u32)(r).base, (u32)((r).size >> 32), (u32)(r).size

static void write_chosen(struct writer *w, const struct vmtree *t)
{
	char path[48];

	snprintf(path, sizeof(path), "/pl011@%lx", t->uart.base);
	begin(w, "chosen");
	text(w, "bootargs", t->bootargs);
	text(w, "stdout-path", path);
	DO(w, fdt_property_u64(w->fdt, "linux,initrd-start", t->initrd.base));
	DO(w, fdt_property_u64(w->fdt, "linux,initrd-end", t->initrd.base + t->initrd.size));
	end(w);
}

/* A vCPU's index is its affinity level 0. */
static void write_cpus(struct writer *w, const struct vmtree *t)
{
	begin(w, "cpus");
	number(w, "#address-cells", 1);
	number(w, "#size-cells", 0);
	for (u32 i = 0; i < t->vcpus; i++) {
		begin_at(w, "cpu", i);
		text(w, "device_type", "cpu");
		text(w, "compatible", "arm,armv8");
		text(w, "enable-method", "psci");
		number(w, "reg", i);
		end(w);
	}
	end(w);
	begin(w, "psci");
	text(w, "compatible", "arm,psci-1.0");
	text(w, "method", "hvc");
	end(w);
}

static void write_memory(struct writer *w, const struct vmtree *t)
{
	begin_at(w, "memory", t->memory.base);
	text(w, "device_type", "memory");
	CELLS(w, "reg", RANGE(t->memory));
	end(w);
}

static void write_interrupts(struct writer *w, const struct vmtree *t)
{
	begin_at(w, "interrupt-controller", t->gicd.base);
	text(w, "compatible", "arm,gic-v3");
	number(w, "phandle", PHANDLE_GIC);
	number(w, "#interrupt-cells", 3);
	DO(w, fdt_property(w->fdt, "interrupt-controller", NULL, 0));
	CELLS(w, "reg", RANGE(t->gicd), RANGE(t->gicr));
	end(w);
	/* Only the virtual timer: the physical one is not a secondary's. */
	begin(w, "timer");
	text(w, "compatible", "arm,armv8-timer");
	text(w, "interrupt-names", "virt");
	CELLS(w, "interrupts", IRQ_PPI, t->timer_irq - 16, IRQ_LEVEL);
	DO(w, fdt_property(w->fdt, "always-on", NULL, 0));
	end(w);
}

static void write_uart(struct writer *w, const struct vmtree *t)
{
	static const char compatible[] = "arm,pl011\0arm,primecell";
	static const char clocks[] = "uartclk\0apb_pclk";

	begin(w, "clock");
	text(w, "compatible", "fixed-clock");
	number(w, "phandle", PHANDLE_CLOCK);
	number(w, "#clock-cells", 0);
	number(w, "clock-frequency", UART_HZ);
	end(w);
	begin_at(w, "pl011", t->uart.base);
	DO(w, fdt_property(w->fdt, "compatible", compatible, sizeof(compatible)));
	DO(w, fdt_property(w->fdt, "clock-names", clocks, sizeof(clocks)));
	CELLS(w, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	CELLS(w, "reg", RANGE(t->uart));
	CELLS(w, "interrupts", IRQ_SPI, t->uart_irq - 32, IRQ_LEVEL);
	end(w);
}

int vmtree_write(const struct vmtree *tree, void *buffer, u64 bytes)
{
	struct writer w = { .fdt = buffer };

	DO(&w, fdt_create(buffer, (int)bytes));
	DO(&w, fdt_finish_reservemap(buffer));
	begin(&w, "");
	text(&w, "compatible", "linux,dummy-virt");
	text(&w, "model", "secondary VM");
	number(&w, "#address-cells", 2);
	number(&w, "#size-cells", 2);
	number(&w, "interrupt-parent", PHANDLE_GIC);
	write_chosen(&w, tree);
	write_memory(&w, tree);
	write_cpus(&w, tree);
	write_interrupts(&w, tree);
	write_uart(&w, tree);
	end(&w);
	DO(&w, fdt_finish(buffer));
	return w.error;
}
