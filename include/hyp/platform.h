/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the board tells the core about the machine. The platform fills struct machine once at
 * boot from firmware's description (a device tree), checks it, and refuses what is damaged or
 * surprising by a clear sentence. Afterwards the record is constant: nothing is read again from
 * memory or hardware that a VM could change.
 *
 * All addresses are physical; ranges are base and size in bytes, half open.
 */
#ifndef HYP_PLATFORM_H
#define HYP_PLATFORM_H

#include "hyp/addr.h"
#include "hyp/status.h"

#define MACHINE_MAX_RAM        8
#define MACHINE_MAX_CPUS       8
#define MACHINE_MAX_IOMMUS     8
#define MACHINE_MAX_MODULES    4
#define MACHINE_MAX_WINDOWS    64
#define MACHINE_MAX_SIDMAPS    16
#define MACHINE_MAX_PCI_HOSTS  2
#define MACHINE_MAX_DT_DEVICES 24 /* of MACHINE_MAX_DT_STREAMS each: with as many PCI functions as there may be, 1,024 */
#define MACHINE_MAX_GIC_REDIST 4
#define MACHINE_MAX_PCI_RANGES 4
#define MACHINE_MAX_DT_MMIO    8
#define MACHINE_MAX_DT_IRQS    8
#define MACHINE_MAX_DT_STREAMS 32
#define MACHINE_MAX_EVENT_IRQS 8
#define MACHINE_INTX           4 /* slots modulo 4, and pins */
#define MACHINE_CMDLINE        512
#define MACHINE_NAME           32

/* The primary's pool where the boot line says nothing: this part of RAM. The board's heap has room for it. */
#define POOL_RAM_SHARE 32u

struct range {
	u64 base;
	u64 size;
};

/* A boot module: the primary's kernel or ramdisk (`multiboot,module` of /chosen). */
enum module_kind { MODULE_KERNEL,
		   MODULE_RAMDISK };

struct machine_module {
	enum module_kind kind;
	struct range mem;
	char cmdline[MACHINE_CMDLINE];
};

struct machine_cpu {
	u64 mpidr;
};

struct machine_iommu {
	struct range regs;
	u32 event_irq; /* INTIDs; 0: none */
	u32 error_irq;
	u32 phandle;   /* firmware's name of it, to resolve iommu-map */
	bool coherent;
	char name[MACHINE_NAME];
};

/* Requester ids [rid, rid+count) have stream ids [sid, sid+count) at IOMMU `iommu`. */
struct machine_sidmap {
	u32 rid;
	u32 count;
	u32 iommu; /* index into machine.iommu */
	u32 sid;
};

/* What a PCI host bridge decodes: kind of window, CPU address, bus address, size. */
enum pci_space { PCI_IO,
		 PCI_MEM32,
		 PCI_MEM64 };

struct machine_pci_window {
	enum pci_space space;
	u64 cpu;
	u64 bus;
	u64 size;
};

struct machine_pci_host {
	struct range ecam;
	u8 bus_first, bus_last;
	u16 segment;
	struct machine_pci_window window[MACHINE_MAX_PCI_RANGES];
	u32 window_count;
	struct machine_sidmap sidmap[MACHINE_MAX_SIDMAPS];
	u32 sidmap_count;
	bool ats;       /* it takes ATS requests, and gives up devices that do not answer to an invalidation */
	u32 intx[MACHINE_INTX][MACHINE_INTX]; /* INTID of [slot % MACHINE_INTX][pin - 1], 0: none */
};

/* A device-tree node with `iommus`: a platform device of N endpoints. */
struct machine_dt_device {
	char name[MACHINE_NAME];
	struct range mmio[MACHINE_MAX_DT_MMIO];
	u32 mmio_count;
	u32 irq[MACHINE_MAX_DT_IRQS];
	u32 irq_count;
	struct {
		u32 iommu, sid;
	} stream[MACHINE_MAX_DT_STREAMS];
	u32 stream_count;
	u8 pasid_bits; /* of each stream; 0: no PASIDs */
	bool dma_coherent;
};

/*
 * A window of device memory that exists on this board, and what the primary may do with it.
 * Everything that is neither RAM nor listed here stays unmapped for every VM.
 */
enum window_use {
	WINDOW_DIRECT,  /* mapped into the primary (UART, RTC, GPIO) */
	WINDOW_DENIED,  /* nobody's: fw_cfg, flash, ITS, IOMMUs, virtio-mmio ... */
	WINDOW_GICD,    /* trapped and filtered by arch */
	WINDOW_GICR,
	WINDOW_ECAM,    /* trapped and filtered by hyp/pci */
	WINDOW_PCI,     /* BARs are mapped one by one, the rest is nobody's */
};

struct machine_window {
	struct range mem;
	enum window_use use;
	char name[MACHINE_NAME];
};

/* Bugs of our own that a test build makes on demand, when the primary powers the machine off. */
enum plant { PLANT_NONE,
	     PLANT_PANIC,
	     PLANT_WRITE_TEXT,
	     PLANT_WRITE_RODATA,
	     PLANT_RUN_DATA,
	     PLANT_STACK,
	     PLANT_SMASH,
	     PLANT_BRANCH };

struct machine {
	struct range ram[MACHINE_MAX_RAM];
	u32 ram_count;
	struct range reserved[MACHINE_MAX_RAM]; /* firmware's: not for any VM */
	u32 reserved_count;
	struct range image; /* our image: a 2 MiB aligned run of RAM that is ours alone */
	struct range heap;  /* what we allocate from: a free, 2 MiB aligned run of RAM */
	struct range dtb;   /* firmware's tree where it was loaded */

	struct machine_cpu cpu[MACHINE_MAX_CPUS];
	u32 cpu_count;

	struct machine_iommu iommu[MACHINE_MAX_IOMMUS];
	u32 iommu_count;
	struct machine_pci_host pci[MACHINE_MAX_PCI_HOSTS];
	u32 pci_count;
	struct machine_dt_device dt_device[MACHINE_MAX_DT_DEVICES];
	u32 dt_device_count;
	struct machine_window window[MACHINE_MAX_WINDOWS];
	u32 window_count;
	struct machine_module module[MACHINE_MAX_MODULES];
	u32 module_count;

	struct {
		struct range dist;
		struct range redist[MACHINE_MAX_GIC_REDIST];
		u32 redist_count;
	} gic;
	struct range console;
	/* A second UART that is the hypervisor's alone, for the debug console; irq 0: there is none. */
	struct {
		struct range regs;
		u32 irq;
	} debug;

	/* Interrupts without a hardware line, for events of the primary (QUERY 16). */
	u32 event_irq[MACHINE_MAX_EVENT_IRQS];
	u32 event_irq_count;
	u32 wake_irq; /* the same, for vCPUs that may run again (VMM_QUERY WAKE_IRQ) */

	/* Options of the boot line (bootargs of the hypervisor). */
	struct {
		u64 pool_bytes;  /* the primary's pool; 0: RAM / POOL_RAM_SHARE */
		bool testdev;    /* allow iommu-testdev, whose read-back is outside the IOMMU */
		bool measure;    /* count our own instructions from the first guest entry on */
		bool plant_dma_hole; /* CONFIG_TEST: one page that must be denied to DMA is not */
		enum plant plant;    /* CONFIG_TEST */
		u32 log_level;
	} option;
};

extern const struct machine *machine; /* set by platform_discover, constant from then on */

/* Console output of one character; usable from the first instruction of C. */
void plat_console_putc(char c);

/*
 * The debug console's UART, where machine.debug.irq is not 0. While it is begun it raises no interrupt;
 * ended, one comes when there is input, if that is asked for, and when there is room for output, likewise.
 * Nothing waits. Locks: the caller's; one CPU at a time.
 */
void plat_debug_init(void);
void plat_debug_begin(void);
void plat_debug_end(bool input, bool output);
bool plat_debug_getc(char *c); /* false: nothing came */
bool plat_debug_putc(char c);  /* false: no room now */

/*
 * Fill the record from firmware's description at `fdt`, and return it. NULL: the machine cannot be run safely, and *why is
 * a sentence that says why. No device is touched.
 */
const struct machine *platform_discover(const void *fdt, u64 fdt_limit, struct range image,
					const char **why);

/*
 * Write the primary's device tree into [out, out+space): firmware's tree without IOMMUs, fw_cfg, ITS, virtio-mmio and
 * flash, with our memory reserved, a pvIOMMU node, probe-only PCI, the kernel's command line and ramdisk. The PCI BARs and
 * buses are already assigned. E_NOMEM when it does not fit, E_INVAL when the tree refuses an edit.
 */
enum status platform_primary_fdt(const void *fdt, const struct machine *m, void *out, u64 space) MUST_CHECK;

#endif
