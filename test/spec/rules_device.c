/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices (abi/vmm.h): who has one, what its endpoints are called, what an owner has of it. How many turns
 * a reset takes is open, and what it ends with: the device says so.
 *
 * Where a device moves between the primary and another VM, with its group and its MMIO, the rule says which answers are
 * right and of whom the state may change; what an assignment to the primary itself does is exact.
 */
#include "rules.h"

#include <string.h>

#include "spec_view.h"

static struct spec_device *device_at(u64 index) { return index < spec->devices ? &spec->device[index] : NULL; }

static struct spec_vm *owner(const struct spec_device *d) { return &spec->vm[d->w.vm]; }

/* A secondary's by name, while its group is being claimed: it still works for the primary. */
static bool is_named(const struct spec_device *d) { return d->w.state == DEV_HOME && d->w.vm != 0; }

#define FOR_EACH_ENDPOINT_OF(e, d) \
	for (struct spec_endpoint *e = &spec->endpoint[(d)->first]; e < &spec->endpoint[(d)->first + (d)->endpoints]; (e)++)

/* --- questions */

s64 rule_dev_count(struct spec_call *c)
{
	c->out[0] = spec->devices;
	return PC_SUCCESS;
}

s64 rule_dev_endpoints(struct spec_call *c)
{
	const struct spec_device *d = device_at(c->r[1]);

	if (d == NULL)
		return PC_NOT_FOUND;
	c->out[0] = d->endpoints;
	return PC_SUCCESS;
}

static struct pc_dev_info info_of(u64 index, const struct spec_device *d)
{
	struct pc_dev_info info = {
		.size = sizeof(info),
		.flags = (d->w.state == DEV_ASSIGNED ? PC_DEV_ASSIGNED : 0) |
			 (d->w.state == DEV_QUARANTINED ? PC_DEV_QUARANTINED : 0) |
			 (d->w.state == DEV_CLAIMED || is_named(d) ? PC_DEV_CLAIMED : 0) | (d->w.frozen ? PC_DEV_FROZEN : 0),
		.device = (u32)index,
		.group = d->group,
		.endpoint_count = d->endpoints,
		.mmio_count = d->mmio_count,
		.irq_count = d->line_count,
	};

	for (u32 i = 0; i < sizeof(info.name) && d->name[i] != '\0'; i++)
		info.name[i] = (u8)d->name[i];
	for (u32 i = 0; i < d->mmio_count; i++)
		info.mmio[i] = (struct pc_dev_range){ d->mmio[i].base, d->mmio[i].size };
	return info;
}

s64 rule_dev_info(struct spec_call *c)
{
	const struct spec_device *d = device_at(c->r[1]);
	struct pc_dev_info want, got;

	if (d == NULL)
		return PC_NOT_FOUND;
	if (c->fetched != PC_SUCCESS)
		return c->fetched;
	if (!vm_may_write(c->vm, c->r[2], sizeof(got)))
		return PC_FAULT;
	want = info_of(c->r[1], d);
	RULE_DEMAND(c, vm_read(c->vm, c->r[2], &got, sizeof(got)) && memcmp(&got, &want, sizeof(got)) == 0,
		    "the description of the device is not what it is");
	return PC_SUCCESS;
}

/* --- tokens: opaque, and the same each time */

s64 rule_dev_req_dma(struct spec_call *c)
{
	struct spec_endpoint *e = pv_of(c->vm, c->r[1]) != NULL ? endpoint_of(c->vm, c->r[1], c->r[2]) : NULL;

	if (e == NULL)
		return PC_NOT_FOUND;
	if (!e->told) {
		e->token[0] = c->got[1];
		e->token[1] = c->got[2];
		e->told = true;
	}
	RULE_DEMAND(c, (e->token[0] | e->token[1]) >> 32 == 0, "a token is wider than 32 bits");
	FOR_EACH_ENDPOINT_OF(other, &spec->device[e->device])
		RULE_DEMAND(c, other == e || !other->told || other->token[1] != e->token[1] || other->token[0] != e->token[0],
			    "two endpoints of a device have the same tokens");
	c->out[0] = e->token[0];
	c->out[1] = e->token[1];
	return PC_SUCCESS;
}

s64 rule_dev_req_mmio(struct spec_call *c)
{
	struct spec_device *d = NULL;
	u64 pa, offset;
	u32 range;

	if (!page_ok(c->r[1]))
		return PC_INVALID_PARAMETER;
	if (vm_translate(c->vm, c->r[1], &pa))
		d = device_of_range(pa, SPEC_PAGE, &range);
	if (d == NULL || owner(d) != c->vm || d->w.state == DEV_QUARANTINED)
		return PC_NOT_FOUND;
	offset = pa - d->mmio[range].base;
	if (d->token[range] == 0)
		d->token[range] = c->got[1] - offset;
	c->out[0] = d->token[range] + offset;
	return PC_SUCCESS;
}

/* --- names */

s64 rule_dev_set_vsid(struct spec_call *c)
{
	struct spec_device *d = device_at(c->r[1]);
	struct spec_endpoint *e;

	if (d == NULL)
		return PC_NOT_FOUND;
	if (c->r[3] >> 32 != 0)
		return PC_INVALID_PARAMETER;
	if (d->w.state == DEV_HOME || d->w.state == DEV_CLAIMED)
		return PC_NOT_FOUND;
	if (d->w.state == DEV_QUARANTINED)
		return PC_DENIED;
	if (d->w.state == DEV_RESETTING || d->w.frozen || (d->w.vm != 0 && owner(d)->w.life != VM_BUILT))
		return PC_BUSY;
	if (c->r[2] >= d->endpoints)
		return PC_NOT_FOUND;
	e = &spec->endpoint[d->first + c->r[2]];
	if (e->w.has_vsid || endpoint_of(owner(d), d->w.pv - 1, c->r[3]) != NULL)
		return PC_EXISTS;
	e->w.has_vsid = 1;
	e->w.vsid = c->r[3];
	owner(d)->pv[d->w.pv - 1].vsids++;
	return PC_SUCCESS;
}

static void names_go(struct spec_device *d)
{
	FOR_EACH_ENDPOINT_OF(e, d) {
		if (e->w.has_vsid)
			owner(d)->pv[d->w.pv - 1].vsids--;
		e->w.has_vsid = e->w.vsid = 0;
	}
	d->w.frozen = 0;
}

/* --- MMIO and interrupts of a secondary */

s64 rule_dev_map_mmio(struct spec_call *c)
{
	struct spec_device *d = device_at(c->r[1]);
	u64 range = c->r[2], at = c->r[3], size, have, n;
	s64 status;

	if (d == NULL || d->w.vm == 0 || d->w.state != DEV_ASSIGNED || range >= d->mmio_count)
		return PC_NOT_FOUND;
	size = (d->mmio[range].size + SPEC_PAGE - 1) & ~(SPEC_PAGE - 1);
	/* What is larger than a block has to lie as it does in the machine. */
	if (!place_ok(at, size) || (size > SPEC_BLOCK && ((at ^ d->mmio[range].base) & (SPEC_BLOCK - 1)) != 0))
		return PC_INVALID_PARAMETER;
	have = d->mmio_given[range];
	if (have == size || (have != 0 && d->mmio_ipa[range] != at))
		return PC_EXISTS;
	/* A refusal is about all that is left of it; else the call says how much it did, which is all up to a block. */
	n = c->got_status == PC_SUCCESS ? c->got[1] * SPEC_PAGE : size - have;
	RULE_DEMAND(c, n <= size - have && (n == size - have || n >= SPEC_BLOCK), "0x%llx bytes of a range are mapped in one call",
		    (unsigned long long)n);
	status = views_add(c, owner(d), at + have, d->mmio[range].base + have, n, VIEW_MMIO, VIEW_MMIO);
	if (status != PC_SUCCESS)
		return status;
	views_settle();
	d->mmio_ipa[range] = at;
	d->mmio_given[range] += n;
	c->out[0] = n / SPEC_PAGE;
	return PC_SUCCESS;
}

/* The interrupt that a VM has for a line already; 0: none. *foreign: another owner's device can drive it. */
static u64 line_of(u64 vm, u32 line, bool *foreign)
{
	u64 intid = 0;

	for (u32 i = 0; i < spec->devices; i++)
		for (u32 k = 0; k < spec->device[i].line_count; k++) {
			if (spec->device[i].lines[k] != line)
				continue;
			*foreign |= spec->device[i].w.vm != vm || is_named(&spec->device[i]);
			if (spec->device[i].w.vm == vm && intid == 0)
				intid = spec->device[i].line[k];
		}
	return intid;
}

/* Whether the number is an interrupt of a VM, and free, is the CPU room's. */
s64 rule_dev_map_irq(struct spec_call *c)
{
	struct spec_device *d = device_at(c->r[1]);
	bool foreign = false;
	u64 have;

	if (d == NULL || d->w.vm == 0 || d->w.state != DEV_ASSIGNED || c->r[2] >= d->line_count)
		return PC_NOT_FOUND;
	if (d->line[c->r[2]] != 0)
		return PC_EXISTS;
	have = line_of(d->w.vm, d->lines[c->r[2]], &foreign);
	if (foreign)
		return PC_BUSY;
	if (have != 0 && have != c->r[3])
		return PC_EXISTS;
	if (have == 0 && (c->got_status == PC_INVALID_PARAMETER || c->got_status == PC_BUSY))
		return c->got_status;
	d->line[c->r[2]] = c->r[3];
	return PC_SUCCESS;
}

/* --- moves */

static bool attached(const struct spec_device *d)
{
	FOR_EACH_ENDPOINT_OF(e, d)
		if (e->w.domain != 0)
			return true;
	return false;
}

/* Does the VM use another of the device's group? */
static bool others_used(const struct spec_device *of)
{
	for (u32 i = 0; i < spec->devices; i++) {
		const struct spec_device *d = &spec->device[i];

		if (d != of && d->group == of->group && d->w.vm == of->w.vm &&
		    (d->w.state == DEV_ASSIGNED || (d->w.state == DEV_RESETTING && d->w.target == DEV_ASSIGNED)))
			return true;
	}
	return false;
}

/* Can its streams be translated by what the pvIOMMU stands for, and can it be reset? */
static s64 fits(const struct spec_device *d, const struct spec_pv *pv)
{
	u32 first = spec->endpoint[d->first].iommu;

	if (d->endpoints == 0)
		return PC_INVALID_PARAMETER;
	FOR_EACH_ENDPOINT_OF(e, d) {
		if (!spec->iommu[e->iommu].common)
			return PC_DENIED;
		if (e->iommu != first)
			return PC_INVALID_PARAMETER;
	}
	if (pv->iommu != 0 && pv->iommu != first + 1)
		return PC_INVALID_PARAMETER;
	return d->pci ? PC_SUCCESS : PC_DENIED;
}

/* Is its MMIO where a device of its owner's, or of a former owner's, may write to it? */
static bool reached(const struct spec_device *d) { return d->w.mmio_pins > 0 || d->w.mmio_stuck; }

static u64 mmio_bytes(const struct spec_device *d)
{
	u64 bytes = 0;

	for (u32 i = 0; i < d->mmio_count; i++)
		bytes += (d->mmio[i].size + SPEC_PAGE - 1) & ~(SPEC_PAGE - 1);
	return bytes;
}

/*
 * A secondary gets all of a group: each other member is with the primary, unassigned and unmapped. It has all of it by name from
 * the first call on; where it has some and others are the primary's, or some of the MMIO of one, the group is on its way home.
 */
static s64 may_claim(const struct spec_device *d, u64 vm)
{
	bool begun = false;

	for (u32 i = 0; i < spec->devices; i++)
		begun |= spec->device[i].group == d->group && spec->device[i].w.vm == vm;
	for (u32 i = 0; i < spec->devices; i++) {
		const struct spec_device *other = &spec->device[i];

		if (other->group != d->group)
			continue;
		if (other->w.vm == vm) {
			if (other->w.state == DEV_CLAIMED && other->w.mmio_away < mmio_bytes(other))
				return PC_BUSY;
			continue;
		}
		if (other->w.state == DEV_QUARANTINED)
			return PC_DENIED;
		if (begun || other->w.vm != 0 || other->w.state != DEV_HOME)
			return PC_BUSY;
	}
	for (u32 i = 0; i < spec->devices; i++)
		if (spec->device[i].group == d->group && spec->device[i].w.vm != vm && reached(&spec->device[i]))
			return PC_BUSY;
	return PC_SUCCESS;
}

static s64 may_assign(const struct spec_device *d, const struct spec_vm *vm, u64 pv)
{
	s64 status;

	if (pv >= SPEC_PVS)
		return PC_INVALID_PARAMETER;
	if (vm_index(vm) != 0 && vm->w.life != VM_BUILT)
		return PC_BUSY;
	switch ((enum spec_device_state)d->w.state) {
	case DEV_CLAIMED:
	case DEV_HOME:
		if (d->w.vm != 0 && owner(d) != vm)
			return PC_BUSY;
		status = fits(d, &vm->pv[pv]);
		return status == PC_SUCCESS && vm_index(vm) != 0 ? may_claim(d, vm_index(vm)) : status;
	case DEV_RESETTING:
		return d->w.target == DEV_ASSIGNED && owner(d) == vm && d->w.pv == pv + 1 ? PC_SUCCESS : PC_BUSY;
	case DEV_ASSIGNED:
		return owner(d) == vm && d->w.pv == pv + 1 ? PC_EXISTS : PC_BUSY;
	case DEV_QUARANTINED:
		break;
	}
	return PC_DENIED;
}

/* Whose state a move of a device may change: the primary's, and the secondary's that it is about. */
static bool of_assignment(const struct spec_call *c, u32 vm)
{
	return vm == 0 || spec->vm[vm].w.handle == c->r[2];
}

static bool of_release(const struct spec_call *c, u32 vm)
{
	return vm == 0 || (vm == spec->device[c->r[1]].w.vm);
}

/* A group is claimed, and given back, as a whole. */
static bool of_its_group(const struct spec_call *c, u32 device)
{
	return spec->device[device].group == spec->device[c->r[1]].group;
}

/* The end of a turn of the device's reset, as the device tells: true: it goes on. */
static bool turn(struct spec_call *c, const struct spec_device *d)
{
	u64 now = abstract_device_state((u32)(d - spec->device));

	if (now == DEV_QUARANTINED)
		c->take = true; /* it failed */
	return now == DEV_RESETTING;
}

/* However large a group is, a call deals with the device that it is about, and with one more of it (V9). */
static void few_move(const struct spec_call *c, const struct spec_device *d)
{
	u32 moved = 0;

	for (u32 i = 0; i < spec->devices; i++)
		moved += spec->device[i].group == d->group && abstract_device_state(i) != spec->device[i].w.state;
	RULE_DEMAND(c, moved <= 2, "%u devices of a group are dealt with in one call", moved);
}

/* Nothing of a group is used before all of it is claimed, one device a call. */
static void claimed_first(struct spec_call *c, const struct spec_device *d)
{
	u64 now = abstract_device_state((u32)(d - spec->device));

	for (u32 i = 0; i < spec->devices; i++)
		if (spec->device[i].group == d->group && abstract_device_state(i) == DEV_HOME) {
			c->out[0] = 1;
			RULE_DEMAND(c, now == d->w.state || now == DEV_CLAIMED || now == DEV_QUARANTINED,
				    "a device is on its way while others of its group work for the primary");
		}
	few_move(c, d);
}

/* Has all of the group gone home? Not while something of it is used; else the device that is released is the last to go. */
static bool settled(const struct spec_call *c, const struct spec_device *d)
{
	for (u32 i = 0; i < spec->devices; i++)
		if (spec->device[i].group == d->group && abstract_device_vm(i) == d->w.vm)
			return false;
	RULE_DEMAND(c, c->got_status != PC_SUCCESS || abstract_device_state((u32)c->r[1]) == DEV_HOME, "the device did not go home");
	return true;
}

/* Nothing of a device of the primary's is reachable while it is being reset. */
static void block(struct spec_call *c, struct spec_device *d)
{
	(void)c;
	FOR_EACH_ENDPOINT_OF(e, d) {
		spec->vm[0].w.pool_free += e->w.context;
		e->w.context = e->w.bits = 0;
		e->w.stream = STREAM_NO;
	}
}

s64 rule_dev_assign(struct spec_call *c)
{
	struct spec_device *d = device_at(c->r[1]);
	struct spec_vm *vm;
	s64 status;

	if (d == NULL)
		return PC_NOT_FOUND;
	status = get_vm(c->r[2], &vm);
	if (status == PC_SUCCESS)
		status = may_assign(d, vm, c->r[3]);
	if (status != PC_SUCCESS)
		return status;
	if (turn(c, d))
		c->out[0] = 1;
	if (vm_index(vm) != 0)
		claimed_first(c, d);
	if (vm_index(vm) != 0 || c->take) {
		/* No memory to take the MMIO out of the primary's views is an answer too. */
		c->take = true;
		c->mine = of_assignment;
		c->moves = of_its_group;
		RULE_DEMAND(c, c->got_status != PC_SUCCESS || c->got[1] == c->out[0], "R1 has to say whether the reset still runs");
		return c->got_status;
	}
	if (d->w.state == DEV_HOME) {
		block(c, d);
		d->w.pv = c->r[3] + 1;
		d->w.frozen = 0;
		vm->pv[c->r[3]].iommu = spec->endpoint[d->first].iommu + 1;
	}
	d->w.state = c->out[0] ? DEV_RESETTING : DEV_ASSIGNED;
	d->w.target = c->out[0] ? DEV_ASSIGNED : 0;
	return PC_SUCCESS;
}

static s64 may_release(const struct spec_device *d)
{
	if (d->w.vm != 0 && owner(d)->w.life != VM_BUILT)
		return PC_BUSY;
	switch ((enum spec_device_state)d->w.state) {
	case DEV_HOME:
		return is_named(d) ? PC_SUCCESS : PC_NOT_FOUND;
	case DEV_CLAIMED: /* released already, while others of its group are still being reset */
		return others_used(d) ? PC_NOT_FOUND : PC_SUCCESS;
	case DEV_RESETTING:
		return d->w.target == DEV_ASSIGNED ? PC_BUSY : PC_SUCCESS;
	case DEV_ASSIGNED:
	case DEV_QUARANTINED:
		break;
	}
	/* Mappings of an owner that has gone may be in hardware for ever. */
	return attached(d) || ((d->w.vm != 0 || d->w.mmio_away) && reached(d)) ? PC_BUSY : PC_SUCCESS;
}

/* A pvIOMMU without a device stands for no IOMMU; the primary's first ones always do. */
static void leave_pv(struct spec_device *d)
{
	u64 pv = d->w.pv;

	d->w.pv = 0;
	if (pv == 0 || pv <= spec->iommus)
		return;
	for (u32 i = 0; i < spec->devices; i++)
		if (spec->device[i].w.vm == 0 && spec->device[i].w.pv == pv)
			return;
	ring_gone(&spec->vm[0], &spec->vm[0].pv[pv - 1]);
	spec->vm[0].pv[pv - 1].iommu = 0;
}

/* On a machine of stage 1 alone identity takes a context; it is taken when the release begins, or nothing is done. */
static bool contexts_reserve(struct spec_call *c, struct spec_device *d)
{
	if (spec->stage2)
		return true;
	FOR_EACH_ENDPOINT_OF(e, d) {
		if (!spec->iommu[e->iommu].common)
			continue;
		if (!pool_take(c, 0))
			return false;
	}
	FOR_EACH_ENDPOINT_OF(e, d)
		e->w.context = spec->iommu[e->iommu].common;
	pool_settle(c);
	return true;
}

static void go_home(struct spec_device *d)
{
	leave_pv(d);
	FOR_EACH_ENDPOINT_OF(e, d)
		e->w.stream = spec->iommu[e->iommu].common ? STREAM_IDENTITY : STREAM_NO;
}

s64 rule_dev_release(struct spec_call *c)
{
	struct spec_device *d = device_at(c->r[1]);
	s64 status = d != NULL ? may_release(d) : PC_NOT_FOUND;

	if (status != PC_SUCCESS)
		return status;
	if (d->w.vm == 0 && (d->w.state == DEV_ASSIGNED || d->w.state == DEV_QUARANTINED) && !contexts_reserve(c, d))
		return PC_NO_MEMORY;
	c->out[0] = turn(c, d);
	if (d->w.vm != 0 || d->w.state == DEV_QUARANTINED || d->w.mmio_away || c->take) {
		c->take = true;
		c->mine = of_release;
		c->moves = of_its_group;
		/* Others of the group may be in a reset, or away, still when this one is not. */
		if (d->w.vm != 0 && !others_used(d))
			c->out[0] = !settled(c, d);
		few_move(c, d);
		RULE_DEMAND(c, c->got_status != PC_SUCCESS || c->got[1] == c->out[0], "R1 has to say whether a device is away still");
		return c->got_status;
	}
	if (d->w.state == DEV_ASSIGNED)
		names_go(d);
	d->w.state = c->out[0] ? DEV_RESETTING : DEV_HOME;
	d->w.target = 0;
	if (!c->out[0])
		go_home(d);
	return PC_SUCCESS;
}

/* --- an owner's own */

static s64 config_args(const struct spec_call *c, u64 *width)
{
	u64 how = c->r[3], offset = how & 0xffff;

	*width = how >> 16 & 0xff;
	if (how >> 25 != 0 || offset >= SPEC_PAGE || (*width != 1 && *width != 2 && *width != 4) || offset % *width != 0)
		return PC_INVALID_PARAMETER;
	return how >> 24 & 1 && c->r[4] >> (8 * *width) != 0 ? PC_INVALID_PARAMETER : PC_SUCCESS;
}

/* What configuration space holds is its filter's business. */
s64 rule_dev_config(struct spec_call *c)
{
	const struct spec_endpoint *e;
	u64 width;

	if (config_args(c, &width) != PC_SUCCESS)
		return PC_INVALID_PARAMETER;
	e = pv_of(c->vm, c->r[1]) != NULL ? endpoint_of(c->vm, c->r[1], c->r[2]) : NULL;
	if (e == NULL || !spec->device[e->device].pci)
		return PC_NOT_FOUND;
	if (!(c->r[3] >> 24 & 1))
		c->out[0] = c->got[1];
	return PC_SUCCESS;
}

s64 rule_dev_reset(struct spec_call *c)
{
	const struct spec_endpoint *e = c->r[1] < SPEC_PVS ? endpoint_of(c->vm, c->r[1], c->r[2]) : NULL;
	struct spec_device *d;

	if (e == NULL)
		return PC_NOT_FOUND;
	d = &spec->device[e->device];
	if (d->w.state == DEV_QUARANTINED)
		return PC_DENIED;
	if (d->w.state == DEV_ASSIGNED ? attached(d) : d->w.target != DEV_ASSIGNED)
		return PC_BUSY;
	c->again = turn(c, d);
	d->w.state = c->again ? DEV_RESETTING : DEV_ASSIGNED;
	d->w.target = c->again ? DEV_ASSIGNED : 0;
	return PC_SUCCESS;
}
