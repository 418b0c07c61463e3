/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Discovery of QEMU's `virt` from firmware's device tree: what each node is, who reads it, and
 * in which order. Default deny: a node with registers that is not in the table below is nobody's.
 */
#include "board.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hyp/log.h"

#define SENTENCE_MAX 192
#define PL011        "arm,pl011"

const struct machine *machine;

static struct machine found;
static char sentence[SENTENCE_MAX];

/*
 * By compatible string. Bus masters that no IOMMU covers (the ITS, fw_cfg's DMA register,
 * virtio-mmio) are named although the default would deny them too: this is the list of what must
 * never be left to a VM.
 */
static const struct node_kind kinds[] = {
	{ "arm,gic-v3", find_gic, NODE_KEPT, PASS_INTERRUPTS },
	{ "arm,cortex-a15-gic", find_gicv2, NODE_DROPPED, PASS_INTERRUPTS },
	{ "arm,gic-400", find_gicv2, NODE_DROPPED, PASS_INTERRUPTS },
	{ "arm,smmu-v3", find_smmu, NODE_DROPPED, PASS_IOMMUS },
	{ "pci-host-ecam-generic", find_pci, NODE_KEPT, PASS_DEVICES },
	{ PL011, find_console, NODE_KEPT, PASS_DEVICES },
	{ "arm,pl031", find_direct, NODE_KEPT, PASS_DEVICES },
	{ "arm,pl061", find_direct, NODE_KEPT, PASS_DEVICES },
	{ "virtio,mmio", find_denied, NODE_DROPPED, PASS_DEVICES },
	{ "arm,gic-v3-its", find_denied, NODE_DROPPED, PASS_DEVICES },
	{ "qemu,fw-cfg-mmio", find_denied, NODE_DROPPED, PASS_DEVICES },
	{ "cfi-flash", find_denied, NODE_DROPPED, PASS_DEVICES },
	{ "qemu,platform", NULL, NODE_DROPPED, PASS_DEVICES },
	{ "arm,psci-0.2", find_psci, NODE_KEPT, PASS_DEVICES },
	{ "arm,psci-1.0", find_psci, NODE_KEPT, PASS_DEVICES },
	{ "arm,armv8-pmuv3", NULL, NODE_DROPPED_TO_MEASURE, PASS_DEVICES },
};

/* By place in the tree, or by a property. */
const struct node_kind kind_chosen = { "chosen", find_chosen, NODE_KEPT, PASS_DEVICES };
const struct node_kind kind_reserved_memory = { "reserved-memory", NULL, NODE_KEPT, PASS_DEVICES };
static const struct node_kind kind_cpus = { "cpus", NULL, NODE_KEPT, PASS_DEVICES };
static const struct node_kind kind_cpu = { "cpu", find_cpu, NODE_KEPT, PASS_DEVICES };
static const struct node_kind kind_memory = { "memory", find_memory, NODE_KEPT, PASS_DEVICES };
static const struct node_kind kind_reserved = { "reserved", find_reserved, NODE_KEPT, PASS_DEVICES };
static const struct node_kind kind_module = { "module", find_module, NODE_DROPPED, PASS_DEVICES };
static const struct node_kind kind_master = { "iommus", find_dt_device, NODE_KEPT, PASS_DEVICES };
static const struct node_kind kind_denied = { "reg", find_denied, NODE_DROPPED, PASS_DEVICES };
static const struct node_kind kind_debug = { "second console", find_debug_console, NODE_DROPPED, PASS_DEVICES };
static const struct node_kind kind_below_dropped = { "below", NULL, NODE_DROPPED, PASS_DEVICES };
static const struct node_kind kind_plain = { "plain", NULL, NODE_KEPT, PASS_DEVICES };

/* The most specific string that the table knows. */
static const struct node_kind *kind_by_compatible(const struct dt *dt, const struct dt_node *n)
{
	const struct dt_prop *p = dt_prop(dt, n, DT_COMPATIBLE);
	const char *word = p ? p->data : NULL, *end = p ? word + p->len : NULL;

	if (!p || p->len == 0 || end[-1] != 0)
		return NULL;
	for (; word < end; word += strlen(word) + 1)
		for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
			if (strcmp(kinds[i].compatible, word) == 0)
				return &kinds[i];
	return NULL;
}

/* Nodes that matter by their place: children of the root and of three of those. */
static const struct node_kind *kind_by_place(const struct dt *dt, const struct dt_node *n,
					     const struct dt_node *parent)
{
	const char *name = n->name;

	if (parent->kind == &kind_chosen)
		return dt_says(dt, n, DT_COMPATIBLE, "multiboot,module") ? &kind_module : &kind_plain;
	if (parent->kind == &kind_cpus)
		return dt_says(dt, n, DT_DEVICE_TYPE, "cpu") ? &kind_cpu : &kind_plain;
	if (parent->kind == &kind_reserved_memory)
		return &kind_reserved;
	if (n->depth != 1)
		return NULL;
	if (strcmp(name, "chosen") == 0)
		return &kind_chosen;
	if (strcmp(name, "cpus") == 0)
		return &kind_cpus;
	if (strcmp(name, "reserved-memory") == 0)
		return &kind_reserved_memory;
	if (dt_says(dt, n, DT_DEVICE_TYPE, "memory"))
		return dt_enabled(dt, n) ? &kind_memory : &kind_denied;
	return NULL;
}

/* Registers have CPU addresses below the root and below buses that say how they translate. */
static bool has_registers(const struct dt *dt, const struct dt_node *n)
{
	const struct dt_node *bus = dt_parent(dt, n);

	if (!dt_prop(dt, n, DT_REG))
		return false;
	for (; bus->parent != DT_NO_NODE; bus = dt_parent(dt, bus))
		if (!dt_prop(dt, bus, DT_RANGES) || bus->kind->find == find_pci)
			return false;
	return true;
}

/* As the node writes it; enough to tell two UARTs apart. */
static u64 first_address(const struct dt *dt, const struct dt_node *n)
{
	struct cells c = dt_cells(dt, n, DT_REG);

	return cells_take(&c, dt_address_cells(dt, dt_parent(dt, n)));
}

/* The board's first UART is the lower one, and the primary's: another is for the debug console. */
static bool is_second_console(const struct dt *dt, const struct dt_node *n)
{
	for (u32 i = 1; i < dt->node_count; i++) { /* 0: the root, which is on no bus */
		const struct dt_node *other = &dt->node[i];

		if (other != n && dt_says(dt, other, DT_COMPATIBLE, PL011) && dt_enabled(dt, other) &&
		    first_address(dt, other) < first_address(dt, n))
			return true;
	}
	return false;
}

static const struct node_kind *kind_of(const struct dt *dt, const struct dt_node *n)
{
	const struct dt_node *parent = dt_parent(dt, n);
	const struct node_kind *kind;

	if (!parent)
		return &kind_plain;
	if (parent->kind->fate == NODE_DROPPED)
		return &kind_below_dropped;
	kind = kind_by_place(dt, n, parent);
	if (kind)
		return kind;
	kind = kind_by_compatible(dt, n);
	if (kind && dt_enabled(dt, n))
		return kind->find == find_console && is_second_console(dt, n) ? &kind_debug : kind;
	if (!has_registers(dt, n))
		return &kind_plain;
	return dt_prop(dt, n, DT_IOMMUS) && dt_enabled(dt, n) ? &kind_master : &kind_denied;
}

void board_classify(struct dt *dt)
{
	for (u32 i = 0; i < dt->node_count; i++)
		dt->node[i].kind = kind_of(dt, &dt->node[i]);
}

static char printable(char c)
{
	return c < ' ' || c > '~' ? '?' : c;
}

void copy_name(char to[MACHINE_NAME], const char *from)
{
	u32 i = 0;

	for (; i < MACHINE_NAME - 1 && from[i]; i++)
		to[i] = printable(from[i]);
	to[i] = 0;
}

void refuse_because(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	for (char *c = sentence; *c; c++)
		*c = printable(*c);
}

const char *refusal(void)
{
	return sentence;
}

static bool find_pass(struct discovery *d, enum node_pass pass)
{
	for (u32 i = 0; i < d->dt->node_count; i++) {
		const struct dt_node *n = &d->dt->node[i];

		if (n->kind->pass == pass && n->kind->find && !n->kind->find(d, n))
			return false;
	}
	return true;
}

/* Every interrupt that the tree mentions, whosever it is, once the controller is known. */
static bool find_all_irqs(struct discovery *d)
{
	if (!d->gic_phandle)
		return refuse("the device tree has no GICv3 (QEMU: -M virt,gic-version=3)");
	for (u32 i = 0; i < d->dt->node_count; i++)
		if (!find_irq_used(d, &d->dt->node[i]))
			return false;
	return true;
}

static bool find_everything(struct discovery *d)
{
	return find_pass(d, PASS_INTERRUPTS) && find_all_irqs(d) &&
	       find_pass(d, PASS_IOMMUS) && find_pass(d, PASS_DEVICES) && find_reserve_map(d) &&
	       find_memory_check(d) && find_cpus_check(d) && find_gic_check(d) &&
	       find_windows_check(d) && find_dt_devices_check(d) && find_modules_check(d) &&
	       find_heap(d) && find_event_irqs(d);
}

const struct machine *platform_discover(const void *fdt, u64 fdt_limit, struct range image,
					const char **why)
{
	struct discovery d = { .m = &found };

	machine = NULL;
	*why = dt_check(fdt, fdt_limit);
	if (!*why)
		*why = dt_parse(fdt, &d.dt);
	if (*why)
		return NULL;
	board_classify(d.dt);
	memset(&found, 0, sizeof(found));
	found.image = image;
	/* The boot protocol and the early map leave the tree at its physical address. */
	found.dtb = (struct range){ (u64)(uintptr_t)fdt, fdt_totalsize(fdt) };
	found.option.log_level = LOG_INFO;
	if (!find_everything(&d)) {
		*why = refusal();
		return NULL;
	}
	machine = &found;
	return machine;
}
