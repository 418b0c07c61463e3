/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event rings (abi/pviommu.h: EVENTS_SETUP). What is written to one depends on hardware; that it is there, whose its pages
 * are, and what they cost does not: a pin for each, and one page of the VM's pool.
 */
#include "rules.h"

#include <string.h>

#define RECORD_BYTES(flags) ((flags) >> 8 & 0xff)

static u64 pages_of(u64 log2, u64 bytes)
{
	return (sizeof(struct pviommu_ring) + (bytes << log2) + SPEC_PAGE - 1) / SPEC_PAGE;
}

void ring_gone(struct spec_vm *vm, struct spec_pv *pv)
{
	for (u64 i = 0; i < pv->ring_pages; i++)
		pins_add(pv->ring_page[i], SPEC_PAGE, false, -1);
	if (pv->ring_pages != 0)
		vm->w.pool_free++;
	pv->ring_pages = pv->ring_log2 = pv->ring_bytes = pv->ring_irq = 0;
	memset(pv->ring_page, 0, sizeof(pv->ring_page));
}

static s64 well_formed(const struct spec_call *c)
{
	u64 bytes = RECORD_BYTES(c->r[6]);

	if (c->r[6] & ~(u64)0xff00)
		return PC_NOT_SUPPORTED;
	if (bytes != PVIOMMU_RECORD_SHORT && bytes != PVIOMMU_RECORD_LONG && bytes != PVIOMMU_RECORD_FULL)
		return PC_INVALID_PARAMETER;
	if (c->r[4] > PVIOMMU_MAX_EVENTS_LOG2 || !page_ok(c->r[3]))
		return PC_INVALID_PARAMETER;
	return c->r[3] + sizeof(struct pviommu_ring) + (bytes << c->r[4]) < c->r[3] ? PC_INVALID_PARAMETER : PC_SUCCESS;
}

/* One of the primary's event interrupts; or any shared one of a secondary's that nobody drives, which the CPU room knows. */
static s64 irq_free(const struct spec_call *c, const struct spec_pv *pv)
{
	u64 irq = c->r[5], value;
	bool known = vm_index(c->vm) != 0;

	if (irq == 0 || irq == pv->ring_irq)
		return PC_SUCCESS;
	for (u64 i = 0; !known && abstract_event_irq(i, &value); i++)
		known = value == irq;
	if (!known)
		return PC_INVALID_PARAMETER;
	for (u32 i = 0; i < SPEC_PVS; i++)
		if (c->vm->pv[i].ring_irq == irq)
			return PC_BUSY;
	if (vm_index(c->vm) != 0 && (c->got_status == PC_BUSY || c->got_status == PC_INVALID_PARAMETER))
		return c->got_status;
	return PC_SUCCESS;
}

static s64 page_take(const struct spec_call *c, u64 at, u64 *pa)
{
	u64 n;

	if (!vm_translate(c->vm, at, pa))
		return PC_FAULT;
	n = page_number(*pa);
	return n != NO_PAGE && spec->page[n].owner == owner_of(c->vm) && spec->page[n].state == PAGE_MINE ? PC_SUCCESS : PC_FAULT;
}

s64 rule_events_setup(struct spec_call *c)
{
	struct spec_pv *pv = pv_of(c->vm, c->r[2]);
	u64 page[SPEC_RING_PAGES], count;
	s64 status;

	if (pv == NULL)
		return PC_NOT_FOUND;
	if (c->r[3] == 0) {
		if ((c->r[4] | c->r[5] | c->r[6]) != 0)
			return PC_INVALID_PARAMETER;
		if (pv->ring_pages == 0)
			return PC_NOT_FOUND;
		ring_gone(c->vm, pv);
		return PC_SUCCESS;
	}
	status = well_formed(c);
	if (status == PC_SUCCESS)
		status = irq_free(c, pv);
	if (status != PC_SUCCESS)
		return status;
	if (!pool_take(c, 0))
		return PC_NO_MEMORY;
	count = pages_of(c->r[4], RECORD_BYTES(c->r[6]));
	for (u64 i = 0; i < count; i++) {
		status = page_take(c, c->r[3] + i * SPEC_PAGE, &page[i]);
		if (status != PC_SUCCESS)
			return status;
	}
	pool_settle(c);
	ring_gone(c->vm, pv);
	for (u64 i = 0; i < count; i++) {
		pins_add(page[i], SPEC_PAGE, false, 1);
		look_pages(&c->look, page[i], SPEC_PAGE);
		pv->ring_page[i] = page[i];
	}
	pv->ring_pages = count;
	pv->ring_log2 = c->r[4];
	pv->ring_bytes = RECORD_BYTES(c->r[6]);
	pv->ring_irq = c->r[5];
	return PC_SUCCESS;
}
