/* SPDX-License-Identifier: BSD-2-Clause */
/* What an owner has of a device beside its streams: MMIO in its view, the interrupt lines. */
#include "device_priv.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "vm/view.h"
#include "vm/vm.h"
#include "vm/vm_memory.h"

/* --- MMIO in the views of the primary and of a secondary */

static u64 mmio_bytes(const struct device *d, u32 range)
{
	return align_up(d->mmio[range].size, PAGE_SIZE);
}

enum status device_mmio_leave(struct device *d)
{
	for (u32 i = 0; i < d->mmio_count; i++) {
		enum status status = view_remove(vm_primary, ipa(d->mmio[i].base), mmio_bytes(d, i));

		if (status == OK)
			continue;
		while (i-- > 0)
			CHECK(view_add(vm_primary, ipa(d->mmio[i].base), pa(d->mmio[i].base),
				       mmio_bytes(d, i), VIEW_MMIO, VIEW_MMIO) == OK);
		return status;
	}
	__atomic_store_n(&d->mmio_away, true, __ATOMIC_RELAXED);
	return OK;
}

void device_mmio_return(struct device *d)
{
	for (u32 i = 0; d->mmio_away && i < d->mmio_count; i++)
		CHECK(view_add(vm_primary, ipa(d->mmio[i].base), pa(d->mmio[i].base),
			       mmio_bytes(d, i), VIEW_MMIO, VIEW_MMIO) == OK);
	__atomic_store_n(&d->mmio_away, false, __ATOMIC_RELAXED);
}

void device_mmio_unmap(struct device *d, struct vm *vm)
{
	for (u32 i = 0; i < d->mmio_count; i++) {
		if (d->mmio_ipa[i] == DEVICE_UNMAPPED)
			continue;
		/* Where an IOMMU never forgets it, another device of the VM may write there for ever. */
		if (view_remove(vm, ipa(d->mmio_ipa[i]), mmio_bytes(d, i)) != OK) {
			view_drop(vm, ipa(d->mmio_ipa[i]), mmio_bytes(d, i));
			d->mmio_stuck = true;
		}
		d->mmio_ipa[i] = DEVICE_UNMAPPED;
	}
}

enum status device_map_mmio(struct device *d, u64 range, u64 at, u64 *pages) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_lock_owner(&d->vm);
	enum status status = OK;
	u64 size = 0;

	if (vm->primary || d->state != DEVICE_ASSIGNED || range >= d->mmio_count)
		status = E_NOENT;
	if (status == OK) {
		size = mmio_bytes(d, (u32)range);
		if (!memory_place_ok(vm, at, size) ||
		    (size > BLOCK_SIZE && ((at ^ d->mmio[range].base) & (BLOCK_SIZE - 1)) != 0))
			status = E_INVAL;
		else if (d->mmio_ipa[range] != DEVICE_UNMAPPED)
			status = E_EXIST;
	}
	if (status == OK)
		status = view_add(vm, ipa(at), pa(d->mmio[range].base), size, VIEW_MMIO, VIEW_MMIO);
	if (status == OK) {
		d->mmio_ipa[range] = at;
		*pages = size >> PAGE_SHIFT;
	}
	vm_unlock_pair(vm);
	return status;
}

/* --- interrupt lines */

static bool drives(const struct device *d, u32 line)
{
	for (u32 i = 0; i < d->irq_count; i++)
		if (d->irq[i] == line)
			return true;
	return false;
}

void device_pin_allow(const struct device *d, bool allow)
{
	if (d->pci)
		pci_device_intx(d, allow);
}

bool device_has_line(const struct device *d)
{
	for (u32 i = 0; i < d->irq_count; i++)
		if (d->irq_given[i] != 0)
			return true;
	return false;
}

/* Those of its lines that the VM has for another device, bit by bit; that device loses them. */
static u32 lines_lost(const struct device *d, struct device *other) MUST_HOLD(vm_class)
{
	u32 lost = 0;

	for (u32 i = 0; i < other->irq_count; i++)
		for (u32 k = 0; other->irq_given[i] != 0 && k < d->irq_count; k++)
			if (other->irq[i] == d->irq[k]) {
				other->irq_given[i] = 0;
				lost |= 1u << k;
			}
	return lost;
}

/* One pass over all devices, of which hundreds may have the line (V9). */
void device_lines_take(struct device *d, struct vm *vm)
{
	u32 taken = 0;

	FOR_EACH_DEVICE(other) {
		const u32 lost = device_is_of(other, vm) ? lines_lost(d, other) : 0;

		if (lost != 0)
			device_pin_allow(other, false);
		taken |= lost;
	}
	for (; taken != 0; taken &= taken - 1)
		arch_irq_take(d->irq[__builtin_ctz(taken)], vm);
}

/* The interrupt as which a device of the VM has this line already; 0: none has it. */
static u32 line_given(const struct vm *vm, u32 line)
{
	FOR_EACH_DEVICE(d)
		for (u32 i = 0; device_is_of(d, vm) && i < d->irq_count; i++)
			if (d->irq[i] == line && d->irq_given[i] != 0)
				return d->irq_given[i];
	return 0;
}

static enum status line_give(struct device *d, struct vm *vm, u64 index, u64 intid) MUST_HOLD(vm_class)
{
	u32 line, have;
	enum status status;

	if (vm->primary || d->state != DEVICE_ASSIGNED || index >= d->irq_count)
		return E_NOENT;
	if (d->irq_given[index] != 0)
		return E_EXIST;
	line = d->irq[index];
	FOR_EACH_DEVICE(other)
		if ((!device_is_of(other, vm) || device_is_named(other)) && drives(other, line))
			return E_BUSY;
	have = line_given(vm, line);
	if (have != 0 && have != intid)
		return E_EXIST;
	status = have != 0 ? OK : arch_irq_give(line, vm, intid);
	if (status != OK)
		return status;
	d->irq_given[index] = (u32)intid;
	device_pin_allow(d, true);
	return OK;
}

enum status device_map_irq(struct device *d, u64 index, u64 intid) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_lock_owner(&d->vm);
	enum status status = line_give(d, vm, index, intid);

	vm_unlock_pair(vm);
	return status;
}

void device_irq_storm(u32 line, const struct vm *owner) NO_LOCK_ANALYSIS
{
	FOR_EACH_DEVICE(d) {
		struct vm *vm;

		if (!drives(d, line))
			continue;
		vm = vm_lock_owner(&d->vm);
		for (u32 i = 0; vm == owner && i < d->irq_count; i++)
			if (d->irq[i] == line && d->irq_given[i] != 0) {
				device_quarantine(d, "its interrupt line is never quiet");
				break;
			}
		vm_unlock_pair(vm);
	}
}
