/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's `virt` machine: its constants, and the pieces that discovery is made of.
 *
 * board.c holds the table that says, by compatible string, who reads a node and whether the
 * primary sees it. Each find_*.c fills its part of struct machine. Everything here runs at boot,
 * on one CPU, once.
 */
#ifndef QEMU_VIRT_BOARD_H
#define QEMU_VIRT_BOARD_H

#include "dt.h"
#include "hyp/platform.h"

/* hw/arm/virt.c of QEMU; the first is needed before a device tree was read. */
#define VIRT_UART_BASE 0x09000000ul
/*
 * NUM_IRQS + 32: the distributor's interrupts. The device tree does not tell their number; the
 * highest are without a line on every `virt` (the last that QEMU wires is INTID 207).
 */
#define VIRT_INTIDS 288u

#define GIC_FIRST_SPI 32u
#define GIC_FIRST_PPI 16u
#define GIC_PPIS      16u
#define GIC_CELLS     3u     /* of an interrupt: kind, number, flags */
#define GIC_KIND_SPI  0u
#define GIC_KIND_PPI  1u
#define GIC_EDGE      1u     /* flags: rising edge */
#define GICD_FRAME    0x10000ul
#define GICR_FRAMES   0x20000ul /* RD_base and SGI_base of one CPU, GICv3 */
#define SMMU_FRAMES   0x20000ul /* register pages 0 and 1, IHI 0070 6.1 */
#define PCI_BUS_ECAM  0x100000ul
#define PA_BITS       48

/* Does the primary's tree hold such a node? */
enum node_fate {
	NODE_KEPT,
	NODE_DROPPED,
	NODE_DROPPED_TO_MEASURE, /* only with the boot option `measure` */
};

/* Nodes are read in this order, so that what others refer to is known first. */
enum node_pass { PASS_INTERRUPTS,
		 PASS_IOMMUS,
		 PASS_DEVICES,
		 PASSES };

struct discovery {
	struct dt *dt;
	struct machine *m;
	bool has_psci;
	u32 gic_phandle;       /* 0: no GIC yet */
	u32 gic_address_cells; /* of a unit address in an interrupt-map */
	u64 irq_used[(VIRT_INTIDS + 63) / 64]; /* INTIDs that the tree mentions */
};

struct node_kind {
	const char *compatible;
	bool (*find)(struct discovery *d, const struct dt_node *n); /* NULL: nothing to read */
	enum node_fate fate;
	enum node_pass pass;
};

/* The kinds that are not told by a compatible string and that others ask for. */
extern const struct node_kind kind_chosen, kind_reserved_memory;

/* Say what every node is. */
void board_classify(struct dt *dt);

/* State why this machine is refused, and be false. The sentence is kept, cut and printable. */
#define refuse(...) (refuse_because(__VA_ARGS__), false)
void refuse_because(const char *fmt, ...) PRINTF(1, 2);
const char *refusal(void);

/* Copy a node's name into a field of struct machine, cut to fit, printable. */
void copy_name(char to[MACHINE_NAME], const char *from);

/* find_reg.c: a node's registers in CPU addresses, checked; refused if there are more than max. */
bool find_reg(struct discovery *d, const struct dt_node *n, struct range *reg, u32 max, u32 *count);
bool range_check(const char *name, struct range r);

/* find_irq.c */
bool find_irq_used(struct discovery *d, const struct dt_node *n);
bool find_irqs(struct discovery *d, const struct dt_node *n, u32 *irq, u32 max, u32 *count);
bool find_irq_take(struct discovery *d, const char *name, struct cells *spec, u32 *intid);
bool find_event_irqs(struct discovery *d);
bool find_gic(struct discovery *d, const struct dt_node *n);
bool find_gicv2(struct discovery *d, const struct dt_node *n);
bool find_gic_check(const struct discovery *d);

/* find_memory.c, find_cpus.c, find_chosen.c */
bool find_memory(struct discovery *d, const struct dt_node *n);
bool find_reserved(struct discovery *d, const struct dt_node *n);
bool find_reserve_map(struct discovery *d);
bool find_memory_check(struct discovery *d);
bool find_heap(struct discovery *d);
bool find_cpu(struct discovery *d, const struct dt_node *n);
bool find_psci(struct discovery *d, const struct dt_node *n);
bool find_cpus_check(const struct discovery *d);
bool find_chosen(struct discovery *d, const struct dt_node *n);
bool find_module(struct discovery *d, const struct dt_node *n);
bool find_modules_check(const struct discovery *d);

/* find_iommu.c, find_pci.c, find_window.c */
bool find_smmu(struct discovery *d, const struct dt_node *n);
bool find_dt_device(struct discovery *d, const struct dt_node *n);
bool find_dt_devices_check(const struct discovery *d);
bool find_iommu_by_phandle(const struct machine *m, u32 phandle, u32 *iommu);
bool find_pci(struct discovery *d, const struct dt_node *n);
bool find_console(struct discovery *d, const struct dt_node *n);
bool find_debug_console(struct discovery *d, const struct dt_node *n);
bool find_direct(struct discovery *d, const struct dt_node *n);
bool find_denied(struct discovery *d, const struct dt_node *n);
bool window_add(struct discovery *d, const char *name, struct range mem, enum window_use use);
bool find_windows_check(struct discovery *d);

/* Half-open ranges whose ends do not wrap. */
static inline u64 range_end(struct range r) { return r.base + r.size; }
static inline bool ranges_meet(struct range a, struct range b)
{
	return a.base < range_end(b) && b.base < range_end(a);
}
static inline bool range_holds(struct range outer, struct range inner)
{
	return inner.base >= outer.base && range_end(inner) <= range_end(outer);
}

#endif
