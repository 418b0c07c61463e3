/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's accesses to configuration space (hyp/pci: filter.c, rows.c): one reaches the register that its offset names, of a
 * function that is the VM's and not stopped, and no other; a write changes only bits that are a VM's to change, by the
 * standards' own numbers, and of those only the bytes that it has; it clears no error that it did not name, sets nothing that
 * the hypervisor took away.
 *
 * For all: offsets, widths, values, rows, contents of registers, owners. Up to: a machine with one function and two hosts.
 * Which row a register has is for the unit suites.
 *
 * unwind: 8
 * unwindset: any_function.1:65
 * scale: include/hyp/pci.h: PCI_MAX_FUNCTIONS 1
 * scale: include/hyp/platform.h: MACHINE_MAX_PCI_HOSTS 2
 */
#include "proof.h"

#include "hyp/pci/record.h"

/* There is one function: said so that an index is a number and no formula. */
#define pci_state_of(function) ((void)(function), &pci_state[0])
#include "hyp/pci/rows.c"
#include "hyp/pci/filter.c"

struct vm {
	struct vm_cpu_view view;
};
struct device {
	u32 unused;
};

struct pci_state pci_state[PCI_MAX_FUNCTIONS];
struct pci_function pci_function[PCI_MAX_FUNCTIONS];
u32 pci_function_count = 1;
const struct machine *pci_machine;
static struct machine board;
static struct device device;
static struct vm vm;

static u32 asked_host, asked_width, asked_value; /* the access */
static u64 asked_offset;
static u32 hardware;        /* the register before it */
static u32 reads, writes, written;
static bool owned, locked;

static struct pci_function *const f = &pci_function[0];
static struct pci_state *const s = &pci_state[0];

/* --- the rules, from PCI 6.2 and PCIe 7.5.3 */

#define COMMAND_SETS   0x00000407u /* I/O, memory, master, no INTx */
#define STATUS_CLEARS  0xf9000000u /* errors; not the capability list, not fast back-to-back */
#define TIMING_SETS    0x0000ffffu /* cache line, latency */
#define CONTROL_SETS   0x00007010u /* relaxed order, read request size */
#define CONTROL_CLEARS 0x004f0000u /* device status: errors, emergency power reduction */

static u32 row; /* of the table, that the register has */

static u32 may_set(void)
{
	return row == COMMAND ? COMMAND_SETS : row == TIMING ? TIMING_SETS :
				       row == DEV_CONTROL    ? CONTROL_SETS :
							       0;
}

static u32 may_clear(void)
{
	return row == COMMAND || row == BRIDGE_ERRORS ? STATUS_CLEARS : row == DEV_CONTROL ? CONTROL_CLEARS :
											     0;
}

/* --- below: hardware, owners, the record */

u32 io_read32(const volatile void __mmio *at)
{
	const u64 reg = (u64)(uintptr_t)at - board.pci[asked_host].ecam.base;

	reads++;
	CLAIM("an access reaches the register that its offset names", reg == (asked_offset & ~3ull));
	return hardware;
}

void io_write32(u32 value, volatile void __mmio *at)
{
	CLAIM("an access reaches the register that its offset names",
	      (u64)(uintptr_t)at - board.pci[asked_host].ecam.base == (asked_offset & ~3ull));
	CLAIM("hardware is written under the lock", locked);
	writes++;
	written = value;
}

void pci_lock(void) { locked = true; }
void pci_unlock(void) { locked = false; }
const struct vm_cpu_view *vm_cpu_view(const struct vm *v) { return &v->view; }

bool device_owned_by(const struct device *d, const struct vm *v)
{
	CLAIM("it is asked whose the device is, of the VM that accesses it", d == &device && v == &vm);
	return owned;
}

struct pci_function *device_functions(const struct device *d)
{
	(void)d;
	return f;
}

bool device_mmio_ipa(const struct vm *v, pa_t addr, u64 *out)
{
	(void)v, (void)addr;
	*out = any_u64();
	return any_bool();
}

/* Where the access of this branch is: the function's index, or RECORD_NONE. */
static u32 place;

u32 record_find(u32 host, u32 rid)
{
	ASSUME((place == 0) == (host == f->host && rid == f->rid));
	return place;
}

/* --- any function */

static void any_host(u32 i)
{
	board.pci[i].ecam = (struct range){ any_u64(), any_u64() };
	board.pci[i].bus_first = any_u8();
	ASSUME((board.pci[i].ecam.base & 0xfffff) == 0 && board.pci[i].ecam.base < 1ull << 48 && board.pci[i].ecam.size <= 256u << 20);
}

static void any_function(void)
{
	pci_machine = &board;
	board.pci_count = any_u32_to(2);
	any_host(0);
	any_host(1);
	f->rid = any_u16();
	f->bridge = any_bool();
	f->no_iommu = any_bool();
	f->device = any_bool() ? &device : NULL;
	for (u32 i = 0; i < PCI_BARS; i++) {
		f->bar[i] = (struct pci_bar){ .addr = any_u64(), .size = any_u64(), .is64 = any_bool() };
		s->bar_value[i] = any_u32();
		s->bar_mask[i] = any_u32();
	}
	/* Functions were found inside their host's space. */
	ASSUME(f->rid >> 8 >= board.pci[f->host].bus_first && board.pci_count > 0 &&
	       ((u64)(f->rid >> 8) - board.pci[f->host].bus_first) << 20 < board.pci[f->host].ecam.size &&
	       (board.pci[f->host].ecam.size & 0xfffff) == 0);
	s->config = pci_config_base(&board.pci[f->host], f->rid >> 8, f->rid & 0xff);
	s->stopped = any_bool();
	s->intx_denied = any_bool();
	s->sizing = any_u32();
	s->line = any_u8();
	row = any_u32_to(ROWS - 1);
	/* One register is accessed; rows_build() gives these rows to registers of these places alone. */
	for (u32 i = 0; i < ARRAY_SIZE(s->row); i++)
		s->row[i] = (u8)row;
}

static bool row_fits(u32 offset)
{
	switch (row) {
	case COMMAND:
	case COMMAND_FIXED:
		return offset == 0x04;
	case TIMING:
		return offset == 0x0c;
	case BAR:
		return offset >= 0x10 && offset < 0x28;
	case BRIDGE_ERRORS:
		return offset == 0x1c;
	case DEV_CONTROL:
		return offset >= 0x40;
	default:
		return true;
	}
}

static bool is_visible(void)
{
	return !s->stopped && (f->device != NULL ? owned : vm.view.primary);
}

static bool is_access(void)
{
	const u64 bus = board.pci[asked_host < 2 ? asked_host : 0].bus_first + (asked_offset >> 20);

	return (asked_width == 1 || asked_width == 2 || asked_width == 4) && asked_offset % asked_width == 0 && asked_host < board.pci_count &&
	       asked_offset < board.pci[asked_host].ecam.size && asked_host == f->host && bus == f->rid >> 8 &&
	       (asked_offset >> 12 & 0xff) == (f->rid & 0xff);
}

static void prove_write(void)
{
	const u32 offset = asked_offset & 0xffc, shift = 8 * (asked_offset & 3);
	const u32 lanes = (asked_width == 4 ? 0xffffffffu : asked_width == 2 ? 0xffff :
									       0xff)
			  << shift;
	const u32 value = asked_value << shift;
	u32 sets, clears;

	/* While it is denied, hardware has the bit. */
	ASSUME(!s->intx_denied || offset != 0x04 || (hardware & 0x400) != 0);
	pci_config_write(&vm, asked_host, asked_offset, asked_width, asked_value);
	CLAIM("only the owner's access, well formed, changes anything", writes == 0 || (is_access() && is_visible()));
	CLAIM("the lock is not kept", !locked);
	if (writes == 0)
		return;
	sets = may_set();
	clears = may_clear();
	CLAIM("a write is one access", writes == 1 && reads <= 1);
	CLAIM("only registers are written that have a bit for a VM", offset < 0x100 && (sets | clears) != 0);
	CLAIM("of the bits that a VM may set, those of its bytes are its own, the others as they were",
	      (written & sets & ~0x400u) == (((value & lanes) | (hardware & ~lanes)) & sets & ~0x400u));
	CLAIM("an interrupt that was denied stays so",
	      row != COMMAND || ((written & 0x400) != 0) ==
					(s->intx_denied || (((value & lanes) | (hardware & ~lanes)) & 0x400) != 0));
	CLAIM("only errors are cleared that the VM named", (written & clears) == (value & lanes & clears));
	CLAIM("no other bit is set that hardware had not", (written & ~(sets | clears) & ~hardware) == 0);
}

static void prove_read(void)
{
	u32 value = pci_config_read(&vm, asked_host, asked_offset, asked_width);

	CLAIM("a read writes nothing", writes == 0);
	CLAIM("what is not the VM's is not looked at, and reads as ones",
	      (is_access() && is_visible()) || (reads == 0 && value == (asked_width >= 4 ? 0xffffffffu : (1u << 8 * asked_width) - 1)));
	CLAIM("a read is as wide as it says", asked_width >= 4 || value >> 8 * asked_width == 0);
	CLAIM("only our copy of extended configuration space is read", reads == 0 || (asked_offset & 0xfff) < 0x100);
}

/* Hosts and functions are numbers here, and no formulas, for the same reason. */
static void access_at(u32 host, u32 function)
{
	asked_host = host;
	place = function;
	if (any_bool())
		prove_write();
	else
		prove_read();
}

int main(void)
{
	any_function();
	vm.view.primary = any_bool();
	owned = any_bool();
	hardware = any_u32();
	asked_offset = any_u64();
	ASSUME(row_fits(asked_offset & 0xffc));
	asked_width = any_u32();
	asked_value = any_u32();
	switch (any_u32_to(3)) {
	case 0:
		access_at(0, 0);
		break;
	case 1:
		access_at(0, RECORD_NONE);
		break;
	case 2:
		access_at(1, RECORD_NONE);
		break;
	default:
		access_at(2, RECORD_NONE);
	}
	return 0;
}
