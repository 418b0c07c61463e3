/* SPDX-License-Identifier: BSD-2-Clause */
/* PVIOMMU_OP: decode only. Every domain id, vSID and PASID keeps its 64 bits until compared. */
#include "abi/pviommu.h"
#include "hcall.h"
#include "hyp/arch.h"
#include "mem/guest_copy.h"
#include "pviommu/events.h"
#include "pviommu/pviommu.h"

/* Lists are copied here before they are looked at; one call at a time on a CPU. */
static union list_copy {
	struct pviommu_map_entry map[PVIOMMU_MAX_LIST];
	struct pviommu_unmap_entry unmap[PVIOMMU_MAX_LIST];
} list_copy[MACHINE_MAX_CPUS];

static struct pviommu_attach attach_from(const u64 *r)
{
	return (struct pviommu_attach){
		.pviommu = r[2],
		.pasid = r[4],
		.domain = r[5],
		.pasid_bits = r[6],
		.count = 1,
	};
}

enum status hc_attach_dev(struct hcall *c)
{
	struct pviommu_attach req = attach_from(c->r);

	return pviommu_attach(c->vm, &req, &c->r[3]);
}

enum status hc_detach_dev(struct hcall *c)
{
	struct pviommu_attach req = attach_from(c->r);

	return pviommu_detach(c->vm, &req, &c->r[3]);
}

enum status hc_alloc_domain(struct hcall *c)
{
	enum status status;
	u32 id;

	status = domain_alloc(c->vm, &id);
	if (status == OK)
		c->out[0] = id;
	return status;
}

enum status hc_free_domain(struct hcall *c)
{
	return domain_free(c->vcpu, c->r[2], &c->again);
}

enum status hc_map_pages(struct hcall *c)
{
	const u64 *r = c->r;

	return pviommu_map(c->vcpu, r[2], r[3], r[4], r[5], r[6], &c->out[0]);
}

enum status hc_unmap_pages(struct hcall *c)
{
	return pviommu_unmap(c->vcpu, c->r[2], c->r[3], c->r[4], &c->out[0]);
}

enum status hc_sid_info(struct hcall *c)
{
	struct endpoint_facts facts;
	enum status status;

	status = pviommu_endpoint(c->vm, c->r[2], c->r[3], &facts);
	if (status == OK)
		c->out[0] = facts.flags;
	return status;
}

enum status hc_query(struct hcall *c)
{
	return pviommu_query(c->vm, c->r[2], c->r[3], c->r[4], &c->out[0]);
}

enum status hc_endpoint_info(struct hcall *c)
{
	struct endpoint_facts facts;
	enum status status;

	status = pviommu_endpoint(c->vm, c->r[2], c->r[3], &facts);
	if (status != OK)
		return status;
	c->out[0] = facts.flags;
	c->out[1] = facts.pasid_bits;
	c->out[2] = facts.group;
	return OK;
}

/* The envelope and the vSIDs of an attach or detach list, all copied once. */
static enum status attach_list(struct hcall *c, struct pviommu_attach *req, u64 *vsids)
{
	struct pviommu_attach_list list;
	u32 copy[PVIOMMU_MAX_VSIDS];
	enum status status;

	status = guest_read_struct(c->vm, ipa(c->r[2]), &list, sizeof(list), sizeof(list));
	if (status != OK)
		return status;
	if ((list.flags & ~PVIOMMU_ATTACH_ACCEPT_SHARED) != 0)
		return E_NOSYS;
	if (list.reserved != 0 || list.vsid_count == 0 || list.vsid_count > PVIOMMU_MAX_VSIDS ||
	    list.vsids_ipa % sizeof(u32) != 0)
		return E_INVAL;
	status = guest_read(c->vm, ipa(list.vsids_ipa), copy, list.vsid_count * sizeof(u32));
	if (status != OK)
		return status;
	for (u32 i = 0; i < list.vsid_count; i++)
		vsids[i] = copy[i];
	*req = (struct pviommu_attach){
		.pviommu = list.pviommu,
		.domain = list.domain,
		.pasid = list.pasid,
		.pasid_bits = list.pasid_bits,
		.cookie = list.cookie,
		.count = list.vsid_count,
	};
	return OK;
}

enum status hc_attach_list(struct hcall *c)
{
	u64 vsids[PVIOMMU_MAX_VSIDS];
	struct pviommu_attach req;
	enum status status;

	status = attach_list(c, &req, vsids);
	return status == OK ? pviommu_attach(c->vm, &req, vsids) : status;
}

enum status hc_detach_list(struct hcall *c)
{
	u64 vsids[PVIOMMU_MAX_VSIDS];
	struct pviommu_attach req;
	enum status status;

	status = attach_list(c, &req, vsids);
	return status == OK ? pviommu_detach(c->vm, &req, vsids) : status;
}

/* The envelope of a map or unmap list, and its entries of `known` bytes each. */
static enum status map_list(struct hcall *c, struct pviommu_map_list *list, void *entries,
			    u32 known)
{
	enum status status;

	status = guest_read_struct(c->vm, ipa(c->r[2]), list, sizeof(*list), sizeof(*list));
	if (status != OK)
		return status;
	if (list->flags != 0)
		return E_NOSYS;
	if (list->reserved != 0 || list->entry_len < known || list->entry_len % 8 != 0 ||
	    list->entry_len > PVIOMMU_MAX_ENTRY || list->entry_num > PVIOMMU_MAX_LIST ||
	    list->entries_ipa % 8 != 0)
		return E_INVAL;
	if (list->entry_len == known)
		return guest_read(c->vm, ipa(list->entries_ipa), entries,
				  (u64)known * list->entry_num);
	list->entry_num = guest_entries_taken(list->entry_num, list->entry_len);
	return guest_read_entries(c->vm, ipa(list->entries_ipa), list->entry_len, list->entry_num, entries, known);
}

enum status hc_map_list(struct hcall *c)
{
	struct pviommu_map_entry *entry = list_copy[arch_cpu_index()].map;
	struct pviommu_map_list list;
	enum status status;

	status = map_list(c, &list, entry, sizeof(*entry));
	if (status != OK)
		return status;
	return pviommu_map_list(c->vcpu, list.domain, entry, list.entry_num, &c->out[0]);
}

enum status hc_unmap_list(struct hcall *c)
{
	struct pviommu_unmap_entry *entry = list_copy[arch_cpu_index()].unmap;
	struct pviommu_map_list list;
	enum status status;

	status = map_list(c, &list, entry, sizeof(*entry));
	if (status != OK)
		return status;
	return pviommu_unmap_list(c->vcpu, list.domain, entry, list.entry_num, &c->out[0]);
}

enum status hc_iova_to_ipa(struct hcall *c)
{
	enum status status;
	u32 prot;

	status = pviommu_iova_to_ipa(c->vm, c->r[2], c->r[3], &c->out[0], &prot);
	if (status == OK)
		c->out[1] = prot;
	return status;
}

enum status hc_stats(struct hcall *c)
{
	return pviommu_stats(c->vm, c->r[2], c->r[3], &c->out[0]);
}

enum status hc_events_setup(struct hcall *c)
{
	const struct events_request req = {
		.pviommu = c->r[2],
		.ring = c->r[3],
		.log2 = c->r[4],
		.irq = c->r[5],
		.flags = c->r[6],
	};

	return events_setup(c->vm, &req);
}
