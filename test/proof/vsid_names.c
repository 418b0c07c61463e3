/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names that a VM gives to its endpoints (hyp/iommu/names.c, device_assign.c): strictly 1:1 under each pvIOMMU, both ways,
 * whatever was set and cleared before; and found in the table, by all 64 bits that a guest may say. By induction: each
 * call keeps the table as it has to be, from any table that is so.
 *
 * For all: names, pvIOMMUs, states of devices and of the VM, tables, any number of calls. Up to: three endpoints
 * under two pvIOMMUs, in a machine that has no more.
 *
 * unwind: 5
 * scale: hyp/vm/vm.h: VM_NAMES 3u
 * scale: hyp/iommu/device.h: ENDPOINT_MAX 3u
 */
#include "proof.h"

#include "hyp/iommu/device_assign.c"
#include "hyp/iommu/names.c"

#define ENDPOINTS 3u

static struct vm vm;
/* Objects of their own: a pointer that may be into the middle of several is dear. */
static struct pviommu pv0, pv1 = { .id = 1 };
static struct device device0, device1, device2;
struct endpoint endpoint_table[ENDPOINT_MAX];
static struct device *const device[ENDPOINTS] = { &device0, &device1, &device2 };
static struct endpoint *const endpoint[ENDPOINTS] = { &endpoint_table[0], &endpoint_table[1], &endpoint_table[2] };
static u32 held;

/* --- below: what an endpoint's owner is told of it */

u64 events_mark(const struct endpoint *e)
{
	(void)e;
	return any_u64();
}
void events_share_begin(struct endpoint *e) { (void)e; }
void events_hold(struct pviommu *p)
{
	CLAIM("a name changes while no event of its pvIOMMU is delivered", held == 0 && p != NULL);
	held++;
}
void events_release(struct pviommu *p)
{
	(void)p;
	held--;
}

/* --- the table */

/* All that is in it has a name, each name is after the one before, and there are as many as have one: each once. */
static bool table_right(void)
{
	u32 named = 0;
	bool right = vm.name_count <= ENDPOINTS;

	for (u32 n = 0; right && n < vm.name_count; n++)
		right = vm.by_name[n] < ENDPOINTS && endpoint_table[vm.by_name[n]].has_vsid &&
			(n == 0 || endpoint_table[vm.by_name[n - 1]].name < endpoint_table[vm.by_name[n]].name);
	for (u32 i = 0; i < ENDPOINTS; i++) {
		named += endpoint[i]->has_vsid;
		right = right && (!endpoint[i]->has_vsid ||
				  endpoint[i]->name == ((u64)endpoint[i]->device->pviommu->id << 32 | endpoint[i]->vsid.v));
	}
	return right && named == vm.name_count;
}

static bool same_name(u32 i, u32 k)
{
	return endpoint[i]->has_vsid && endpoint[k]->has_vsid && endpoint[i]->vsid.v == endpoint[k]->vsid.v &&
	       endpoint[i]->device->pviommu == endpoint[k]->device->pviommu;
}

static bool names_single(void)
{
	return !same_name(0, 1) && !same_name(0, 2) && !same_name(1, 2);
}

static bool counted(void)
{
	u32 count[2] = { 0 };

	for (u32 i = 0; i < ENDPOINTS; i++)
		if (endpoint[i]->has_vsid)
			count[endpoint[i]->device->pviommu->id]++;
	return pv0.vsid_count == count[0] && pv1.vsid_count == count[1];
}

/* Any table that is as it has to be. Endpoints are alike: calls are about the first, whose name is anywhere in the order. */
static void any_table(void)
{
	vm.primary = any_bool();
	vm.state = (u8)any_u32_to(VM_DYING);
	vm.name_count = any_u32_to(ENDPOINTS);
	for (u32 i = 0; i < ENDPOINTS; i++) {
		device[i]->vm = &vm;
		device[i]->endpoint = endpoint[i];
		device[i]->endpoint_count = 1;
		device[i]->state = (u8)any_u32_to(DEVICE_QUARANTINED);
		device[i]->frozen = any_bool();
		device[i]->pviommu = any_bool() ? &pv1 : &pv0;
		endpoint[i]->device = device[i];
		endpoint[i]->number = (u16)i;
		endpoint[i]->has_vsid = any_bool();
		endpoint[i]->vsid = vsid(any_u32());
		endpoint[i]->name = any_u64();
		vm.by_name[i] = (u16)any_u32_to(ENDPOINTS - 1);
		if (endpoint[i]->has_vsid)
			device[i]->pviommu->vsid_count++;
	}
	ASSUME(table_right());
}

/* --- calls */

static bool named_so(u32 i, u32 id, u64 name)
{
	return endpoint[i]->has_vsid && endpoint[i]->vsid.v == name && endpoint[i]->device->pviommu->id == id;
}

static bool may_name(const struct device *d)
{
	return (d->state == DEVICE_ASSIGNED && !d->frozen) && (vm.primary || vm.state == VM_BUILDING);
}

static void prove_set(void)
{
	struct device *d = device[0];
	const u64 at = any_u64(), name = any_u64();
	const u32 id = d->pviommu->id;
	bool taken = false, had;
	enum status status;

	ASSUME(name >> 32 == 0); /* device_set_vsid() */
	for (u32 k = 0; k < ENDPOINTS; k++)
		taken = taken || named_so(k, id, name);
	had = endpoint[0]->has_vsid;
	status = set_vsid(d, &vm, at, name);
	CLAIM("a name is given when the device is its owner's to configure, nobody has it, and the endpoint has none",
	      (status == OK) == (may_name(d) && at == 0 && !taken && !had));
	CLAIM("the name is the one that was asked for", status != OK || named_so(0, id, name));
}

static void prove_clear(void)
{
	const bool had[2] = { endpoint[1]->has_vsid, endpoint[2]->has_vsid };

	endpoint_clear_vsid(&vm, endpoint[0]);
	CLAIM("a cleared name is none, and no other",
	      !endpoint[0]->has_vsid && endpoint[1]->has_vsid == had[0] && endpoint[2]->has_vsid == had[1]);
}

static void prove_find(void)
{
	const u32 id = any_u32();
	const u64 name = any_u64();
	const struct endpoint *found = endpoint_of_vsid(&vm, id, name);

	for (u32 i = 0; i < ENDPOINTS; i++)
		CLAIM("a name finds the endpoint that has it, and nothing else", (found == endpoint[i]) == named_so(i, id, name));
	CLAIM("a name that an endpoint has is found",
	      found != NULL || !(named_so(0, id, name) || named_so(1, id, name) || named_so(2, id, name)));
}

int main(void)
{
	const u32 call = any_u32_to(2);

	any_table();
	if (call == 0)
		prove_set();
	else if (call == 1)
		prove_clear();
	else
		prove_find();
	CLAIM("a name is of one endpoint, and an endpoint has one", names_single());
	CLAIM("each endpoint that has a name is once in the table, none else, and they are in order", table_right());
	CLAIM("names are counted", counted());
	CLAIM("events go on", held == 0);
	return 0;
}
