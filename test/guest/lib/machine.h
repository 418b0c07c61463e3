/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device tree says of the machine; read once, never written after. */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include "cpu.h"

#define MACHINE_RANGES   16
#define MACHINE_PVIOMMUS 4
#define MACHINE_IRQS     4

/* The SMMU of QEMU's board, which our tree does not show: nothing of ours reaches it. */
#define BOARD_SMMU 0x09050000ul

struct pviommu_node {
	u32 id;
	u32 iommu_cells;
	u32 irqs[MACHINE_IRQS]; /* INTIDs */
	u32 irq_count;
};

struct pci_host {
	struct range ecam;
	u32 bus_first;
	u32 bus_last;
	struct range io;    /* CPU addresses of the three windows, size 0: absent */
	struct range mem32;
	struct range mem64;
	int node;
};

struct machine {
	const void *fdt;
	struct range ram[MACHINE_RANGES];
	u32 ram_count;
	struct range reserved[MACHINE_RANGES]; /* /reserved-memory and the memory reservation block */
	u32 reserved_count;
	struct range initrd;
	u64 uart;
	u32 uart_irq;
	struct range gicd;
	struct range gicr;
	u64 mpidr[MAX_CPUS];
	u32 cpu_count;
	bool psci_by_hvc;
	u32 timer_irq; /* the virtual timer's INTID */
	struct pviommu_node pviommu[MACHINE_PVIOMMUS];
	u32 pviommu_count;
	struct pci_host pci;
	const char *bootargs;
};

extern struct machine machine;

void machine_read(const void *fdt);

/* True if this address is memory of ours by the tree: in a memory node and in no reserved range. */
bool machine_owns_ram(u64 address);

/* The value of word "key=value" of the boot arguments; NULL if it is not there. Not for a second call at once. */
const char *machine_bootarg(const char *key);

/* INTID of a function's INTx line (pin 1..4), by the host bridge's interrupt-map; 0 if it has none. */
u32 machine_pci_irq(u32 bdf, u32 pin);

/*
 * Every window of device registers that a tree names, PCI windows and flash included, memory left out.
 * Takes any tree, for instance that of the machine below the hypervisor. Returns how many there are.
 */
u32 machine_windows(const void *fdt, struct range *windows, u32 max);
u32 machine_memory(const void *fdt, struct range *ram, u32 max);

/* First register range of the first node of that compatible in any tree; size 0 if there is none. */
struct range machine_find_reg(const void *fdt, const char *compatible);
/* INTID of its index-th interrupt; 0 if there is none. */
u32 machine_find_irq(const void *fdt, const char *compatible, u32 index);

/* The tree of the machine below the hypervisor, which scripts/test.py gives as ramdisk; NULL if it is not there. */
const void *machine_below(void);

#endif
