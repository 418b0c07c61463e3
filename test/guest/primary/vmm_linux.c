/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM for one operating system: the arm64 Image and initramfs of its ramdisk (scripts/linux/pack.py) run as a
 * secondary VM, vCPU n on CPU n. Boot arguments: vcpus=N memory=MIB -- COMMAND LINE OF THE VM.
 *
 * The VM may access nobody's addresses (PC_VM_OPEN_MMIO), since a stock kernel knows no MMIO guard: at UART_BASE it
 * finds a PL011, whose output appears here, and anywhere else nothing. Says for scripts/linux/run_linux.py, beside what
 * the VM says: [t] ok CASE, [t] fail CASE REASON, [t] value NAME VALUE.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gic.h"
#include "machine.h"
#include "ram.h"
#include "rig.h"
#include "smp.h"
#include "vmm.h"
#include "vmtree.h"
#include "vmuart.h"

#define MAGIC "PCLINUX1"

#define MEMORY_BASE 0x40000000ul
#define MEMORY_MIB  256
#define MIB         0x100000ul
#define TREE_BYTES  0x4000ul
#define UART_BASE   0x09000000ul
#define UART_IRQ    33
#define TIMER_IRQ   27

#define SGI_WAKE         1
#define SGI_TO_OTHERS(n) (1ul << 40 | (u64)(n) << 24) /* ICC_SGI1R_EL1 */
#define NEVER            (~0ul)
#define STRAYS_SHOWN     8

/* As pack.py writes it. */
struct pack {
	char magic[8];
	u64 linux_offset, linux_size;
	u64 initrd_offset, initrd_size;
};

/* Linux, Documentation/arch/arm64/booting.rst. */
struct image_header {
	u32 code[2];
	u64 text_offset;
	u64 image_size; /* with what follows the file in memory */
	u64 flags;
	u64 reserved[3];
	u32 magic;
	u32 reserved2;
};
#define IMAGE_MAGIC 0x644d5241u

/* Where its parts are in the VM. */
struct layout {
	struct range memory, kernel, initrd, tree;
};

static struct vmm vm;
static u32 wake_irq;
static u64 started_at;

static struct spinlock device_lock;
static struct vmuart uart; /* device_lock */
static bool uart_level;    /* device_lock */
static u32 strays;         /* device_lock */

static u32 ended; /* PC_POWER_SYSTEM_*, or ~0: it cannot go on */
static char ended_why[128];

/* --- building it */

static const struct pack *pack_find(void)
{
	const struct pack *pack = (const struct pack *)machine.initrd.base;

	REQUIRE(machine.initrd.size > sizeof(*pack) && !memcmp(pack->magic, MAGIC, sizeof(pack->magic)),
		"the ramdisk is not one of pack.py");
	REQUIRE(pack->initrd_offset + pack->initrd_size <= machine.initrd.size &&
			pack->linux_offset + pack->linux_size <= machine.initrd.size,
		"the ramdisk was cut off");
	return pack;
}

static u64 number_arg(const char *key, u64 otherwise)
{
	const char *value = machine_bootarg(key);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

static const char *command_line(void)
{
	const char *at = strstr(machine.bootargs, "-- ");

	return at ? at + 3 : "";
}

/* The kernel first, the others behind it, each on a 2 MiB boundary of its own. */
static struct layout layout_make(const struct pack *pack)
{
	const struct image_header *header = (const void *)((u64)pack + pack->linux_offset);
	struct layout l = { .memory = { MEMORY_BASE, number_arg("memory", MEMORY_MIB) * MIB } };

	REQUIRE(header->magic == IMAGE_MAGIC, "that kernel is no arm64 Image");
	REQUIRE(l.memory.size % BLOCK_2M == 0, "memory= is not a multiple of 2 MiB");
	l.kernel = (struct range){ MEMORY_BASE + header->text_offset, header->image_size };
	l.initrd = (struct range){ align_up(l.kernel.base + l.kernel.size, BLOCK_2M), pack->initrd_size };
	l.tree = (struct range){ align_up(l.initrd.base + l.initrd.size, BLOCK_2M), TREE_BYTES };
	REQUIRE(l.tree.base + TREE_BYTES <= l.memory.base + l.memory.size, "the VM has too little memory for that kernel");
	return l;
}

static struct range window(u32 index)
{
	return (struct range){ OK(vmm_query_at(PC_VMM_Q_WINDOW_BASE, index)).r1,
			       OK(vmm_query_at(PC_VMM_Q_WINDOW_SIZE, index)).r1 };
}

static void tree_make(const struct layout *l, void *buffer)
{
	const struct vmtree tree = {
		.vcpus = vm.vcpus,
		.memory = l->memory,
		.initrd = l->initrd,
		.gicd = window(0),
		.gicr = window(1),
		.uart = { UART_BASE, VMUART_BYTES },
		.uart_irq = UART_IRQ,
		.timer_irq = TIMER_IRQ,
		.bootargs = command_line(),
	};
	int error = vmtree_write(&tree, buffer, TREE_BYTES);

	REQUIRE(!error, "the device tree cannot be written: %s", fdt_strerror(error));
}

/* The machine's blocks lie in the VM as blocks. What is behind the tree, and between the parts, it finds zero. */
static void build(void)
{
	const struct pack *pack = pack_find();
	struct layout l = layout_make(pack);
	u64 own = ram_alloc_raw(l.memory.size, BLOCK_2M), used;

	used = align_up(l.tree.base + l.tree.size - MEMORY_BASE, BLOCK_2M);
	memset((void *)own, 0, used);
	memcpy((void *)(own + l.kernel.base - MEMORY_BASE), (const void *)((u64)pack + pack->linux_offset),
	       pack->linux_size);
	memcpy((void *)(own + l.initrd.base - MEMORY_BASE), (const void *)((u64)pack + pack->initrd_offset),
	       pack->initrd_size);
	vmm_create(&vm, PC_VM_OPEN_MMIO, (u32)number_arg("vcpus", 1));
	tree_make(&l, (void *)(own + l.tree.base - MEMORY_BASE));
	vm.own = own;
	vm.pages = l.memory.size / PAGE;
	vmm_donate(&vm, MEMORY_BASE, own, used / PAGE, PC_DONATE_KEEP);
	vmm_donate(&vm, MEMORY_BASE + used, own + used, vm.pages - used / PAGE, PC_DONATE_SCRUB);
	OK(vcpu_set(vm.handle, 0, l.kernel.base, l.tree.base));
}

/* --- sleeping and waking: interrupts are masked but in one place, and have only to end a sleep or a run */

static void wake_others(void)
{
	dsb();
	sysreg_write(icc_sgi1r_el1, SGI_TO_OTHERS(SGI_WAKE));
	isb();
}

/* An idle vCPU has something to do; which one, its CPU finds out. */
static void interrupt(u32 irq)
{
	if (irq == wake_irq)
		wake_others();
}

static void take_interrupts(void)
{
	irq_on();
	isb();
	irq_off();
}

/* Until an interrupt, or that count of time. */
static void sleep_until(u64 when)
{
	if (when != NEVER) {
		sysreg_write(cntv_cval_el0, when);
		sysreg_write(cntv_ctl_el0, 1);
		isb();
	}
	wfi();
	sysreg_write(cntv_ctl_el0, 0);
	isb();
	take_interrupts();
}

/* --- exits */

static void end(u32 what, const char *why)
{
	u32 none = 0;

	if (__atomic_compare_exchange_n(&ended, &none, what, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		strncpy(ended_why, why, sizeof(ended_why) - 1);
	wake_others();
}

static void stray(struct pc_vcpu_exit *e)
{
	bool write = e->flags & PC_EXIT_WRITE;

	if (strays++ < STRAYS_SHOWN)
		printf("[t] value stray %s of %u bytes at %lx, vCPU %u\n", write ? "store" : "load", e->width, e->ipa,
		       e->vcpu);
	if (!write)
		e->data = 0;
}

/* The level is passed on under the lock too, or an older one could be the last. */
static void mmio(struct pc_vcpu_exit *e)
{
	u64 offset = e->ipa - UART_BASE;
	bool level;

	spin_lock(&device_lock);
	if (offset >= VMUART_BYTES)
		stray(e);
	else if (e->flags & PC_EXIT_WRITE)
		vmuart_store(&uart, offset, e->data);
	else
		e->data = vmuart_load(&uart, offset);
	level = vmuart_level(&uart);
	if (level != uart_level)
		vcpu_irq(vm.handle, 0, UART_IRQ, level);
	uart_level = level;
	spin_unlock(&device_lock);
}

/* True: this vCPU is off. */
static bool power(const struct pc_vcpu_exit *e)
{
	switch (e->arg[0]) {
	case PC_POWER_OFF:
		return true;
	case PC_POWER_ON:
		__atomic_or_fetch(&vm.on, 1u << e->arg[1], __ATOMIC_ACQ_REL);
		wake_others();
		return false;
	case PC_POWER_SYSTEM_OFF:
		end(PC_POWER_SYSTEM_OFF, "");
		return false;
	default:
		end(~0u, "it asked for a reset");
		return false;
	}
}

/* Runs it up to one exit. True: this vCPU is off. */
static bool step(u32 vcpu)
{
	struct pc_vcpu_exit *e = &vm.exit[vcpu];
	char why[64];
	struct hres r;

	e->size = sizeof(*e);
	r = vcpu_run(vm.handle, vcpu, (u64)e);
	if (hres_ok(r) && r.r1 <= PC_EXIT_DEVICE)
		__atomic_add_fetch(&vm.exits[r.r1], 1, __ATOMIC_RELAXED);
	switch (hres_ok(r) ? r.r1 : ~0ul) {
	case PC_EXIT_HOST_IRQ:
		take_interrupts();
		return false;
	case PC_EXIT_IDLE:
		sleep_until(e->flags & PC_EXIT_DATA ? e->data : NEVER);
		return false;
	case PC_EXIT_MMIO:
		mmio(e);
		return false;
	case PC_EXIT_POWER:
		return power(e);
	default:
		snprintf(why, sizeof(why), "VCPU_RUN of vCPU %u: %s, reason %lu", vcpu, status_name(hres_status(r)), r.r1);
		end(~0u, why);
		return false;
	}
}

/* A vCPU's bit in `on` is set once for each CPU_ON that succeeded, and taken when the vCPU is run for it. */
static bool switched_on(u32 vcpu)
{
	u32 bit = 1u << vcpu;

	return __atomic_fetch_and(&vm.on, ~bit, __ATOMIC_ACQ_REL) & bit;
}

static void run(void *arg)
{
	u32 vcpu = cpu_this()->index;
	bool off = true;

	(void)arg;
	if (!cpu_this()->gic_ready)
		gic_cpu_init();
	gic_enable(machine.timer_irq, true);
	gic_enable(SGI_WAKE, false);
	while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE)) {
		if (!off || switched_on(vcpu))
			off = step(vcpu);
		else
			sleep_until(NEVER);
	}
}

/* --- the whole */

static bool memory_is_clear(void)
{
	const u64 *word = (const u64 *)vm.own;
	u64 found = 0;

	for (u64 i = 0; i < vm.pages * PAGE / sizeof(*word); i++)
		found |= word[i];
	return !found;
}

static void say(bool held, const char *name, const char *why)
{
	if (held)
		printf("[t] ok %s\n", name);
	else
		printf("[t] fail %s %s\n", name, why);
}

static void run_all(void)
{
	u32 cpus = smp_start_all();

	REQUIRE(vm.vcpus >= 1 && vm.vcpus <= cpus, "%u vCPUs need as many CPUs", vm.vcpus);
	vmuart_init(&uart);
	wake_irq = (u32)OK(vmm_query(PC_VMM_Q_WAKE_IRQ)).r1;
	gic_init(interrupt);
	gic_enable(wake_irq, false);
	vm.on = 1;
	for (u32 i = 1; i < vm.vcpus; i++)
		smp_run(i, run, NULL);
	started_at = time_ticks();
	run(NULL);
	for (u32 i = 1; i < vm.vcpus; i++)
		smp_join(i);
}

void guest_main(void)
{
	build();
	run_all();
	say(ended == PC_POWER_SYSTEM_OFF, "system_off", ended_why);
	say(!strays, "no_stray_access", "the VM accessed what is not there");
	vmm_destroy(&vm);
	say(memory_is_clear(), "memory_returned", "what the VM wrote is still there");
	printf("[t] value started %lu\n", started_at);
	printf("[t] value exits host_irq=%lu idle=%lu mmio=%lu power=%lu\n", vm.exits[PC_EXIT_HOST_IRQ],
	       vm.exits[PC_EXIT_IDLE], vm.exits[PC_EXIT_MMIO], vm.exits[PC_EXIT_POWER]);
}
