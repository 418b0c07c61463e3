/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an owner calls its endpoints: (pvIOMMU, vSID). A VM has them in the order of these names, so that whoever chooses names
 * does not choose how long it takes to find one (V9).
 */
#include "device_priv.h"
#include "pviommu/events.h"
#include "vm/vm.h"

_Static_assert(ENDPOINT_MAX <= VM_NAMES && ENDPOINT_MAX <= 0x10000, "each endpoint may have a name, and has a number");

static u64 name_of(u64 pviommu, u32 vsid)
{
	return pviommu << 32 | vsid;
}

/* Where the name stands in vm->by_name, or has to. */
static u32 name_place(const struct vm *vm, u64 name)
{
	u32 low = 0, high = vm->name_count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (endpoint_table[vm->by_name[middle]].name < name)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct endpoint *endpoint_of_vsid(struct vm *vm, u32 pviommu, u64 vsid)
{
	struct endpoint *e;
	u64 name;
	u32 at;

	if (vsid >> 32 != 0)
		return NULL;
	name = name_of(pviommu, (u32)vsid);
	at = name_place(vm, name);
	if (at == vm->name_count)
		return NULL;
	e = &endpoint_table[vm->by_name[at]];
	return e->name == name ? e : NULL;
}

/*
 * What the endpoint did under an owner before is nothing that this one is told. What the log and the console say of a fault is
 * read without the lock: the old name or the new one.
 */
static void name_set(struct endpoint *e, bool named, u32 vsid_value) NO_LOCK_ANALYSIS
{
	u64 since = events_mark(e);

	events_hold(e->device->pviommu);
	__atomic_store_n(&e->vsid.v, vsid_value, __ATOMIC_RELAXED);
	__atomic_store_n(&e->has_vsid, named, __ATOMIC_RELAXED);
	e->since = since;
	events_share_begin(e);
	events_release(e->device->pviommu);
}

void endpoint_set_vsid(struct vm *vm, struct endpoint *e, u32 vsid_value)
{
	u32 at;

	e->name = name_of(e->device->pviommu->id, vsid_value);
	at = name_place(vm, e->name);
	for (u32 i = vm->name_count++; i > at; i--)
		vm->by_name[i] = vm->by_name[i - 1];
	vm->by_name[at] = e->number;
	name_set(e, true, vsid_value);
	e->device->pviommu->vsid_count++;
}

void endpoint_clear_vsid(struct vm *vm, struct endpoint *e)
{
	if (!e->has_vsid)
		return;
	vm->name_count--;
	for (u32 i = name_place(vm, e->name); i < vm->name_count; i++)
		vm->by_name[i] = vm->by_name[i + 1];
	name_set(e, false, 0);
	e->device->pviommu->vsid_count--;
}
