/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's view of configuration space: what rows.c says of each register, for functions that the
 * VM owns; everything else does not exist for it.
 *
 * A write is one 32-bit access that is computed from the row, so that no byte or half-word write
 * of a VM clears a neighbour's error bits or brings back a bit that was taken away: the lock of
 * the room makes it one step. Reads take no lock.
 */
#include "record.h"

#include "hyp/vm.h"

static u32 width_mask(u32 width)
{
	return width >= 4 ? 0xffffffff : BIT32(8 * width) - 1;
}

/* The same of one of 1, 2 and 4. */
static u32 lanes_of(u32 width)
{
	return 0xffffffff >> (32 - 8 * width);
}

static bool width_valid(u64 offset, u32 width)
{
	const u32 widths = BIT32(1) | BIT32(2) | BIT32(4);

	return width <= 4 && (widths >> width & 1) && (offset & (width - 1)) == 0;
}

/* The function that was found last: drivers stay with one. Atomic, and believed in nothing but where to look first. */
static u32 recent;

/* Index of the function that `offset` addresses, or RECORD_NONE. */
static NOINLINE u32 function_find(u32 host, u64 offset)
{
	const struct machine_pci_host *h;
	u32 index;
	u64 bus;

	if (host >= pci_machine->pci_count)
		return RECORD_NONE;
	h = &pci_machine->pci[host];
	bus = h->bus_first + (offset >> 20);
	if (offset >= h->ecam.size)
		return RECORD_NONE;
	if (bus > 255)
		return RECORD_NONE;
	index = record_find(host, (u32)(bus << 8 | (offset >> 12 & 255)));
	if (index != RECORD_NONE)
		__atomic_store_n(&recent, index, __ATOMIC_RELAXED);
	return index;
}

/* The same, in a few instructions when it is the function of the last access. */
static ALWAYS_INLINE u32 function_at(u32 host, u64 offset)
{
	const u32 index = __atomic_load_n(&recent, __ATOMIC_RELAXED);

	if (likely(host < pci_machine->pci_count && pci_function[index].host == host &&
		   pci_state[index].config == pci_machine->pci[host].ecam.base + (offset & ~(u64)0xfff)))
		return index;
	return function_find(host, offset);
}

static bool visible(u32 index, const struct vm *vm)
{
	const struct device *device = pci_function[index].device;

	if (__atomic_load_n(&pci_state[index].stopped, __ATOMIC_RELAXED))
		return false;
	return likely(device != NULL) ? device_owned_by(device, vm) : vm_cpu_view(vm)->primary;
}

/* Extended configuration space is a copy of ours. */
static u32 ext_read(const struct pci_state *s, u32 offset)
{
	for (u32 i = 0; i < s->ext_count; i++)
		if (s->ext[i].offset == offset)
			return s->ext[i].value;
	return 0;
}

/* A secondary reads where it has the registers itself; zero: nowhere, or where the register cannot say. */
static NOINLINE u32 bar_read_secondary(u32 index, u32 bar, const struct vm *vm)
{
	const struct pci_function *f = &pci_function[index];
	bool upper = bar > 0 && f->bar[bar - 1].is64;
	const struct pci_bar *b = &f->bar[bar - upper];
	u64 place = 0;

	if (b->size == 0 || !device_mmio_ipa(vm, pa(b->addr), &place) || (!b->is64 && place >> 32 != 0))
		place = 0;
	return upper ? (u32)(place >> 32) :
		       (u32)place | (pci_state[index].bar_value[bar] & BAR_MEM_FLAGS);
}

static u32 bar_read(u32 index, u32 bar, const struct vm *vm)
{
	const struct pci_state *s = &pci_state[index];

	if (__atomic_load_n(&s->sizing, __ATOMIC_RELAXED) >> bar & 1)
		return s->bar_mask[bar];
	return vm_cpu_view(vm)->primary ? s->bar_value[bar] : bar_read_secondary(index, bar, vm);
}

static u32 dword_read(u32 index, u32 offset, const struct vm *vm)
{
	const struct pci_state *s = &pci_state[index];
	const struct pci_row *row;

	if (offset >= EXT_FIRST)
		return ext_read(s, offset);
	row = &pci_row[s->row[offset / 4]];
	switch ((enum row_kind)row->kind) {
	case ROW_BAR:
		return bar_read(index, (offset - PCI_BAR0) / 4, vm);
	case ROW_LINE:
		return (cfg_read_at(s->config, offset) & row->read) |
		       __atomic_load_n(&s->line, __ATOMIC_RELAXED);
	case ROW_PLAIN:
		break;
	}
	if (row->read == 0)
		return row->ones;
	return (cfg_read_at(s->config, offset) & row->read) | row->ones;
}

u32 pci_config_read(const struct vm *vm, u32 host, u64 offset, u32 width)
{
	u32 index;

	if (!width_valid(offset, width))
		return width_mask(width);
	index = function_at(host, offset);
	if (index == RECORD_NONE || !visible(index, vm))
		return lanes_of(width);
	return dword_read(index, (u32)offset & 0xffc, vm) >> 8 * (offset & 3) &
	       lanes_of(width);
}

/*
 * Ones in every address bit ask for the size; anything else ends that (PCI 6.2.5.1). The value of
 * a narrow write has zeros around it.
 */
static void bar_ask(const struct pci_function *f, u32 bar, u32 value)
{
	u32 flags = bar > 0 && f->bar[bar - 1].is64 ? 0 : BAR_MEM_FLAGS;
	struct pci_state *s = pci_state_of(f);

	if ((value | flags) == 0xffffffff)
		__atomic_fetch_or(&s->sizing, BIT32(bar), __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&s->sizing, ~BIT32(bar), __ATOMIC_RELAXED);
}

static void plain_write(const struct pci_function *f, const struct pci_row *row, u32 offset,
			u32 lanes, u32 value)
{
	u32 allowed = (row->write | row->clear) & lanes;
	u32 kept = row->keep | (row->write & ~lanes), was;

	if (allowed == 0)
		return;
	was = cfg_read(f, offset);
	/* From a function that does not answer nothing can be kept: the access is dropped, as its bus would drop it. */
	if (was != PCI_ABSENT)
		cfg_write(f, offset, (was & kept) | (value & allowed));
}

static void dword_write(const struct pci_function *f, u32 offset, u32 lanes, u32 value)
{
	struct pci_state *s = pci_state_of(f);
	const struct pci_row *row;

	if (offset >= EXT_FIRST)
		return;
	row = &pci_row[s->row[offset / 4]];
	switch ((enum row_kind)row->kind) {
	case ROW_BAR:
		bar_ask(f, (offset - PCI_BAR0) / 4, value);
		break;
	case ROW_LINE:
		if (lanes & INTERRUPT_LINE)
			__atomic_store_n(&s->line, (u8)value, __ATOMIC_RELAXED);
		break;
	case ROW_PLAIN:
		if (offset == PCI_COMMAND && s->intx_denied)
			value |= COMMAND_NO_INTX;
		plain_write(f, row, offset, lanes, value);
		break;
	}
}

void pci_config_write(struct vm *vm, u32 host, u64 offset, u32 width, u32 value)
{
	u32 index, shift = 8 * (offset & 3);

	if (!width_valid(offset, width))
		return;
	index = function_find(host, offset);
	if (index == RECORD_NONE)
		return;
	pci_lock();
	if (visible(index, vm))
		dword_write(&pci_function[index], (u32)offset & 0xffc, lanes_of(width) << shift,
			    value << shift);
	pci_unlock();
}

/* --- stop and go */

/* What its owner has switched on. Who does not answer is asked once more, and has nothing on if there is no answer then. */
static u32 command_of(const struct pci_function *f)
{
	u32 command = cfg_read(f, PCI_COMMAND);

	if (command == PCI_ABSENT)
		command = cfg_read(f, PCI_COMMAND);
	return command == PCI_ABSENT ? 0 : command;
}

static void function_stop(struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);
	u32 command = command_of(f);

	if (!s->stopped)
		s->intx_masked = (command & COMMAND_NO_INTX) == 0;
	__atomic_store_n(&s->stopped, true, __ATOMIC_RELAXED);
	cfg_write(f, PCI_COMMAND, (command & (COMMAND_IO | COMMAND_MEMORY)) | COMMAND_NO_INTX);
	/* While translations are kept PASIDs must not be turned off (PCIe 7.8.9.3). */
	if (f->cap_ats != 0)
		cfg_write(f, f->cap_ats + EXT_CONTROL, 0);
	if (f->cap_pasid != 0)
		cfg_write(f, f->cap_pasid + EXT_CONTROL, 0);
}

static void function_go(struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);
	u32 command = command_of(f) & (COMMAND_IO | COMMAND_MEMORY | COMMAND_NO_INTX);

	if (!s->stopped)
		return;
	if (s->intx_masked && !s->intx_denied)
		command &= ~COMMAND_NO_INTX;
	cfg_write(f, PCI_COMMAND, command);
	__atomic_store_n(&s->stopped, false, __ATOMIC_RELAXED);
}

void pci_device_master(const struct device *device, bool allow)
{
	pci_lock();
	FOR_EACH_FUNCTION(f, device) {
		if (allow)
			function_go(f);
		else
			function_stop(f);
	}
	pci_unlock();
}

void pci_endpoint_pasids(const struct device *device, u32 endpoint)
{
	pci_lock();
	FOR_EACH_FUNCTION(f, device)
		if (f->endpoint == endpoint && f->pasid_bits > 0 && !pci_state_of(f)->stopped)
			cfg_write(f, f->cap_pasid + EXT_CONTROL, PASID_ENABLE);
	pci_unlock();
}

void pci_endpoint_ats(const struct device *device, u32 endpoint, bool on)
{
	pci_lock();
	FOR_EACH_FUNCTION(f, device)
		if (f->endpoint == endpoint && f->ats && !pci_state_of(f)->stopped)
			cfg_write(f, f->cap_ats + EXT_CONTROL, on ? ATS_ENABLE : 0);
	pci_unlock();
}

void pci_device_intx(const struct device *device, bool allow)
{
	pci_lock();
	FOR_EACH_FUNCTION(f, device) {
		struct pci_state *s = pci_state_of(f);
		/* One that is stopped stays so. */
		u32 command = command_of(f) & (COMMAND_IO | COMMAND_MEMORY | COMMAND_NO_INTX |
					       (s->stopped ? 0 : COMMAND_MASTER));

		s->intx_denied = !allow;
		/* Allowed again, it is as after a reset; a stopped one hears of it when it goes. */
		if (!allow)
			cfg_write(f, PCI_COMMAND, command | COMMAND_NO_INTX);
		else if (!s->stopped)
			cfg_write(f, PCI_COMMAND, command & ~COMMAND_NO_INTX);
	}
	pci_unlock();
}

bool pci_endpoint_place(const struct device *device, u32 endpoint, u32 *host, u64 *offset)
{
	FOR_EACH_FUNCTION(f, device) {
		if (f->endpoint != endpoint)
			continue;
		*host = f->host;
		*offset = (u64)(f->rid - (pci_machine->pci[f->host].bus_first << 8)) << 12;
		return true;
	}
	return false;
}
