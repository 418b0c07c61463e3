/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First stages that are a guest's own (abi/pviommu.h: ALLOC_NESTED and INVALIDATE): the domain, which
 * streams it fits, and for each entry of an invalidation whether a guest may ask that. What hardware does of it is not the
 * state's affair: a cache has no place in it.
 */
#include "rules.h"

#include <string.h>

static u64 bits(u64 word, u32 high, u32 low) { return word << (63 - high) >> (63 - high + low); }

bool nested_here(const struct spec_vm *vm, const struct spec_pv *pv)
{
	return spec->iommu[pv->iommu - 1].nested && vm->dma.roots > 0;
}

/* --- the domain */

/* Log2 of the size of the context table: S1Fmt 0 linear, 1 and 2 pointers to leaves of 64 and 1,024 descriptors. */
static u32 context_log2(u64 fmt, u64 cds)
{
	u64 log2 = cds + 6;

	if (fmt != 0 && cds != 0)
		log2 = cds > (fmt == 1 ? 6 : 10) ? cds - (fmt == 1 ? 6 : 10) + 3 : 3;
	return log2 > 6 ? (u32)log2 : 6;
}

static bool entry_ok(const struct spec_iommu *io, const u64 *w)
{
	u64 config = bits(w[0], 3, 1), fmt = bits(w[0], 5, 4), cds = bits(w[0], 63, 59), at = w[0] & 0x00ffffffffffffc0ull;
	u64 dss = bits(w[1], 1, 0), eats = bits(w[1], 29, 28);

	if (bits(w[0], 58, 56) != 0 || (w[1] & ~0x380000ffull) != 0 || eats > (io->ats ? 1 : 0))
		return false;
	if ((w[0] & 1) == 0 || config == 0 || config == 4)
		return true;
	return config == 5 && cds <= io->ssid_bits && fmt < 3 && (fmt == 0 || io->cd_two_level) &&
	       at % (1ull << context_log2(fmt, cds)) == 0 && at >> spec->dma.bits == 0 && dss < 3 && (cds != 0 || dss == 0) &&
	       (bits(w[1], 27, 27) == 0 || io->stalls);
}

s64 rule_alloc_nested(struct spec_call *c)
{
	const struct pviommu_alloc_nested *e = &c->envelope.nested;
	struct spec_vm *vm = c->vm;
	struct spec_domain *d;

	if (c->fetched != PC_SUCCESS)
		return c->fetched;
	if (!entry_ok(&spec->iommu[pv_of(vm, e->pviommu)->iommu - 1], c->list.inval[0]))
		return PC_INVALID_PARAMETER;
	if (vm->w.domains == vm->w.domain_max)
		return PC_NO_MEMORY;
	RULE_DEMAND(c, c->got_status == PC_SUCCESS, "there is a domain left");
	RULE_DEMAND(c, c->got[1] != 0 && c->got[1] >> 32 == 0 && domain_of(vm, c->got[1]) == NULL,
		    "the id is 0, too wide, or another domain's");
	c->out[0] = c->got[1];
	d = domain_add_nested(vm, c->out[0]);
	d->w.nested = pv_of(vm, e->pviommu)->iommu;
	d->w.word0 = c->list.inval[0][0];
	d->w.word1 = c->list.inval[0][1];
	vm->w.domains++;
	return PC_SUCCESS;
}

/* A first stage takes the whole stream, and only another one replaces it; it asks for no more than the endpoint has. */
s64 may_attach_nested(const struct spec_vm *vm, const struct spec_endpoint *e, const struct spec_domain *d, u64 pasid)
{
	const struct spec_domain *now = e->w.domain != 0 ? domain_of(vm, e->w.domain) : NULL;
	bool stage1 = (d->w.word0 & 1) != 0 && bits(d->w.word0, 3, 1) == 5;

	if (now != NULL && (d->w.nested || now->w.nested) && (pasid != 0 || !d->w.nested || !now->w.nested))
		return PC_BUSY;
	if (d->w.nested && (d->w.nested != e->iommu + 1 || (stage1 && bits(d->w.word0, 63, 59) > e->pasid_bits) ||
			    (bits(d->w.word1, 29, 28) != 0 && !e->ats)))
		return PC_INVALID_PARAMETER;
	return PC_SUCCESS;
}

/* --- invalidations */

/* Bits that a guest may set in the two words, by opcode; false: it may not ask that at all. */
static bool may(const struct spec_iommu *io, u8 op, u64 *may0, u64 *may1)
{
	const u64 sid = 0xffffffffull << 32, vmid = 0xffffull << 32, va = ~0xfffull;
	const u64 ssid = io->ssid_bits > 0 ? 0xfffffull << 12 : 0, ssv = io->ssid_bits > 0 ? 1ull << 11 : 0;
	const u64 range0 = io->range ? 0x1full << 12 | 0x1full << 20 | (io->ds ? 1ull << 25 : 0) : 0;
	const u64 range1 = io->range ? 0xfull << 8 : 0;
	const u64 asid = ((1ull << io->asid_bits) - 1) << 48;

	*may0 = *may1 = 0;
	switch (op) {
	case 0x01:
		*may0 = sid | ssid | ssv;
		return true;
	case 0x02:
		*may0 = sid | ssid | ssv;
		*may1 = va | 0x3ff;
		return true;
	case 0x05:
		*may0 = sid | ssid;
		*may1 = 1;
		return true;
	case 0x06:
		*may0 = sid;
		return true;
	case 0x10:
		*may0 = vmid;
		return true;
	case 0x11:
		*may0 = vmid | asid;
		return true;
	case 0x12:
		*may0 = vmid | asid | range0;
		*may1 = va | range1 | 1;
		return true;
	case 0x13:
		*may0 = vmid | range0;
		*may1 = va | range1 | 1;
		return true;
	case 0x30:
		return true;
	case 0x40:
		*may0 = sid | ssid | ssv | (io->ssid_bits > 0 ? 1ull << 9 : 0);
		*may1 = va | 0x3f;
		return io->ats;
	default:
		return false;
	}
}

static bool range_good(const struct spec_iommu *io, const u64 *w)
{
	bool zero = bits(w[0], 16, 12) == 0 && bits(w[0], 25, 20) == 0 && bits(w[1], 9, 8) == 0;

	if (bits(w[1], 11, 10) == 0)
		return zero;
	return !zero && (io->ds || bits(w[1], 11, 10) != 2 || bits(w[1], 9, 8) != 1);
}

static bool well_formed(const struct spec_iommu *io, const u64 *w)
{
	u8 op = (u8)w[0];
	u64 may0, may1;

	if (!may(io, op, &may0, &may1) || (w[0] & ~(may0 | 0xff)) != 0 || (w[1] & ~may1) != 0)
		return false;
	if ((op == 0x12 || op == 0x13) && !range_good(io, w))
		return false;
	return op != 0x40 || bits(w[1], 5, 0) <= 52;
}

static s64 one(const struct spec_call *c, const struct spec_iommu *io, const u64 *w)
{
	const struct spec_endpoint *e;
	const struct spec_domain *d;
	u64 cds;

	if (!well_formed(io, w))
		return PC_INVALID_PARAMETER;
	if (bits(w[0], 7, 0) >= 0x10 && bits(w[0], 7, 0) != 0x40)
		return PC_SUCCESS;
	e = endpoint_of(c->vm, c->envelope.inval.pviommu, w[0] >> 32);
	if (e == NULL)
		return PC_NOT_FOUND;
	if (spec->device[e->device].w.state == DEV_QUARANTINED)
		return PC_DENIED;
	d = e->w.domain != 0 ? domain_of(c->vm, e->w.domain) : NULL;
	if (bits(w[0], 7, 0) != 0x05 || d == NULL || !d->w.nested)
		return PC_SUCCESS;
	cds = (d->w.word0 & 1) != 0 && bits(d->w.word0, 3, 1) == 5 ? bits(d->w.word0, 63, 59) : 0;
	return bits(w[0], 31, 12) >> cds != 0 ? PC_INVALID_PARAMETER : PC_SUCCESS;
}

/* Behind an entry that asked a device for what it keeps a call may end, since that may have taken long: it is asked again from there. */
static bool may_end_behind(const struct spec_call *c, u64 done)
{
	return done > 0 && done < c->out[0] && bits(c->list.inval[done - 1][0], 7, 0) == 0x40;
}

/* R1 is how many are complete: all, or those before the first that a guest may not ask. */
s64 rule_invalidate(struct spec_call *c)
{
	const struct pviommu_invalidate *e = &c->envelope.inval;
	s64 status = c->fetched;

	for (u32 i = 0; status == PC_SUCCESS && i < e->entry_num; i++) {
		status = one(c, &spec->iommu[pv_of(c->vm, e->pviommu)->iommu - 1], c->list.inval[i]);
		c->out[0] += status == PC_SUCCESS;
	}
	if (c->got_status == PC_SUCCESS && may_end_behind(c, c->got[1])) {
		c->out[0] = c->got[1];
		status = PC_SUCCESS;
	}
	return status;
}

/* --- what they read */

/* One entry of `len` bytes: what is known of it, and beyond that zeros. */
static s64 fetch_entry(const struct spec_vm *vm, u64 at, u32 len, u64 *to)
{
	return vm_read(vm, at, to, 16) ? fetch_tail(vm, at + 16, len - 16) : PC_FAULT;
}

s64 fetch_nested(struct spec_call *c)
{
	struct pviommu_alloc_nested *e = &c->envelope.nested;
	s64 status = fetch_struct(c->vm, c->r[2], e, sizeof(*e));
	const struct spec_pv *pv;

	if (status != PC_SUCCESS)
		return status;
	if (e->flags != 0)
		return PC_NOT_SUPPORTED;
	if (e->reserved != 0)
		return PC_INVALID_PARAMETER;
	pv = pv_of(c->vm, e->pviommu);
	if (pv == NULL)
		return PC_NOT_FOUND;
	if (!nested_here(c->vm, pv) || e->data_type != PVIOMMU_NESTED_SMMUV3)
		return PC_NOT_SUPPORTED;
	if (e->data_len < 16 || e->data_len > PVIOMMU_MAX_ENTRY || e->data_ipa % 8 != 0)
		return PC_INVALID_PARAMETER;
	return fetch_entry(c->vm, e->data_ipa, e->data_len, c->list.inval[0]);
}

static s64 inval_envelope(const struct spec_call *c, const struct pviommu_invalidate *e)
{
	bool ring = e->flags & PVIOMMU_INVAL_RING;
	const struct spec_pv *pv;

	if (e->flags & ~PVIOMMU_INVAL_RING)
		return PC_NOT_SUPPORTED;
	if (e->reserved != 0)
		return PC_INVALID_PARAMETER;
	pv = pv_of((struct spec_vm *)c->vm, e->pviommu);
	if (pv == NULL)
		return PC_NOT_FOUND;
	if (!nested_here(c->vm, pv) || e->data_type != PVIOMMU_INVAL_SMMUV3)
		return PC_NOT_SUPPORTED;
	if (e->domain != 0 || e->entry_len < 16 || e->entry_len > PVIOMMU_MAX_ENTRY || e->entry_num > PVIOMMU_MAX_INVAL ||
	    e->ring_log2 > PVIOMMU_MAX_INVAL_LOG2 || e->start >= 1u << e->ring_log2 || (!ring && e->ring_log2 != 0) ||
	    (ring && e->entry_num > 1u << e->ring_log2) || e->entries_ipa % 8 != 0)
		return PC_INVALID_PARAMETER;
	if (e->entry_num != 0 && e->status_ipa != 0 && !vm_may_write(c->vm, e->status_ipa, e->entry_num))
		return PC_FAULT;
	return PC_SUCCESS;
}

s64 fetch_inval(struct spec_call *c)
{
	struct pviommu_invalidate *e = &c->envelope.inval;
	s64 status = fetch_struct(c->vm, c->r[2], e, sizeof(*e));

	if (status == PC_SUCCESS)
		status = inval_envelope(c, e);
	if (status == PC_SUCCESS)
		e->entry_num = entries_taken(e->entry_num, e->entry_len, 16);
	for (u32 i = 0; status == PC_SUCCESS && i < e->entry_num; i++) {
		u64 index = e->flags & PVIOMMU_INVAL_RING ? (e->start + i) & ((1u << e->ring_log2) - 1) : i;
		u64 at = e->entries_ipa + index * e->entry_len;

		status = at < e->entries_ipa ? PC_FAULT : fetch_entry(c->vm, at, e->entry_len, c->list.inval[i]);
	}
	return status;
}
