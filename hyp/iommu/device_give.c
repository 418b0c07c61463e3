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

/* Where so many bytes of its MMIO, range after range, end: a range, and how many of it. False: it has not more. */
static bool mmio_find(const struct device *d, u64 bytes, u32 *range, u64 *of_it)
{
	*of_it = bytes;
	for (*range = 0; *range < d->mmio_count; (*range)++) {
		if (*of_it < mmio_bytes(d, *range))
			return true;
		*of_it -= mmio_bytes(d, *range);
	}
	return false;
}

bool device_mmio_left(const struct device *d)
{
	u32 range;
	u64 at;

	return !mmio_find(d, d->mmio_away, &range, &at);
}

static void away_set(struct device *d, u64 bytes)
{
	__atomic_store_n(&d->mmio_away, bytes, __ATOMIC_RELAXED);
}

/* The last part of what is away is back, of what is above `floor`; false: the budget is used up. */
static bool mmio_back(struct device *d, u64 floor, u32 *budget) MUST_HOLD(vm_class)
{
	u64 end, first, part;
	u32 range;

	CHECK(mmio_find(d, d->mmio_away - PAGE_SIZE, &range, &end));
	end += PAGE_SIZE;
	first = end < d->mmio_away - floor ? 0 : end - (d->mmio_away - floor);
	first += d->mmio[range].base;
	end += d->mmio[range].base;
	part = view_part(vm_primary, ipa(first), pa(first), end - first, true, budget);
	if (part == 0)
		return false;
	/* The tables of what has left are there. */
	CHECK(view_add(vm_primary, ipa(end - part), pa(end - part), part, VIEW_MMIO, VIEW_MMIO) == OK);
	away_set(d, d->mmio_away - part);
	return true;
}

enum status device_mmio_leave(struct device *d)
{
	const u64 before = d->mmio_away;
	u32 range, budget = VIEW_BUDGET;
	u64 at;

	while (mmio_find(d, d->mmio_away, &range, &at)) {
		const u64 base = d->mmio[range].base + at;
		const u64 part = view_part(vm_primary, ipa(base), pa(base), mmio_bytes(d, range) - at, false, &budget);
		enum status status;

		if (part == 0)
			return OK;
		status = view_remove(vm_primary, ipa(base), part);
		if (status == OK) {
			away_set(d, d->mmio_away + part);
			continue;
		}
		for (budget = ~0u; d->mmio_away > before;)
			(void)mmio_back(d, before, &budget);
		return status;
	}
	return OK;
}

bool device_mmio_return(struct device *d)
{
	u32 budget = VIEW_BUDGET;

	while (d->mmio_away > 0)
		if (!mmio_back(d, 0, &budget))
			return false;
	return true;
}

/* The last part first, so that what it has still begins where the range does. */
bool device_mmio_unmap(struct device *d, struct vm *vm, bool at_once)
{
	u32 budget = VIEW_BUDGET;

	for (u32 i = 0; i < d->mmio_count; i++) {
		while (d->mmio_given[i] > 0) {
			const ipa_t first = ipa(d->mmio_ipa[i]);
			const u64 given = d->mmio_given[i];
			const u64 part = at_once ? given : view_part(vm, first, pa(d->mmio[i].base), given, true, &budget);
			const u64 at = first.v + given - part;

			if (part == 0)
				return false;
			/* Where an IOMMU never forgets it, another device of the VM may write there for ever. */
			if (view_remove(vm, ipa(at), part) != OK) {
				view_drop(vm, ipa(at), part);
				d->mmio_stuck = true;
			}
			d->mmio_given[i] -= part;
		}
		d->mmio_ipa[i] = DEVICE_UNMAPPED;
	}
	/* What comes next has a budget of its own: it waits for the next call where this one has taken much. */
	return budget >= VIEW_BUDGET / 2;
}

/* The part of a range that comes next at `at`. */
static enum status map_part(struct device *d, struct vm *vm, u32 range, u64 at, u64 *part) MUST_HOLD(vm_class)
{
	const u64 size = mmio_bytes(d, range), have = d->mmio_given[range];
	const u64 out = d->mmio[range].base + have;
	u32 budget = VIEW_BUDGET;

	if (!memory_place_ok(vm, at, size) || (size > BLOCK_SIZE && ((at ^ d->mmio[range].base) & (BLOCK_SIZE - 1)) != 0))
		return E_INVAL;
	if (have == size || (have > 0 && d->mmio_ipa[range] != at))
		return E_EXIST;
	*part = view_part(vm, ipa(at + have), pa(out), size - have, false, &budget);
	return view_add(vm, ipa(at + have), pa(out), *part, VIEW_MMIO, VIEW_MMIO);
}

enum status device_map_mmio(struct device *d, u64 range, u64 at, u64 *pages) NO_LOCK_ANALYSIS
{
	struct vm *vm = vm_lock_owner(&d->vm);
	enum status status = E_NOENT;
	u64 part;

	if (!vm->primary && d->state == DEVICE_ASSIGNED && range < d->mmio_count)
		status = map_part(d, vm, (u32)range, at, &part);
	if (status == OK) {
		d->mmio_ipa[range] = at;
		d->mmio_given[range] += part;
		*pages = part >> PAGE_SHIFT;
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
