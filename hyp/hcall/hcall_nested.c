/* SPDX-License-Identifier: BSD-2-Clause */
/* PVIOMMU_OP for first stages that a guest owns: decode only. */
#include "hcall.h"
#include "hyp/arch.h"
#include "mem/guest_copy.h"
#include "pviommu/pviommu.h"

/* Entries are copied here before they are looked at; one call at a time on a CPU. */
static u64 entries[MACHINE_MAX_CPUS][PVIOMMU_MAX_INVAL * INVAL_WORDS];

enum status hc_alloc_nested(struct hcall *c)
{
	struct pviommu_alloc_nested req;
	enum status status;
	u32 id;

	status = guest_read_struct(c->vm, ipa(c->r[2]), &req, sizeof(req), sizeof(req));
	if (status != OK)
		return status;
	if (req.flags != 0)
		return E_NOSYS;
	if (req.reserved != 0)
		return E_INVAL;
	status = pviommu_alloc_nested(c->vm, &req, &id);
	if (status == OK)
		c->out[0] = id;
	return status;
}

enum status hc_invalidate(struct hcall *c)
{
	struct pviommu_invalidate req;
	enum status status;

	status = guest_read_struct(c->vm, ipa(c->r[2]), &req, sizeof(req), sizeof(req));
	if (status != OK)
		return status;
	return pviommu_invalidate(c->vm, &req, entries[arch_cpu_index()], &c->out[0]);
}
