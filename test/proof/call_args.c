/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments of pvIOMMU calls (hyp/hcall: hcall_pviommu.c, hcall_nested.c): what reaches the core is what the guest said, all
 * 64 bits of each register, each member of a structure from the one copy of it; what breaks a rule of include/abi/pviommu.h, or
 * could not be read, reaches nothing; no copy leaves its buffer.
 *
 * For all: operations, registers, contents of the guest's memory, answers of the core. Up to: lists of two entries in place of
 * 256 and of two vSIDs in place of 64. Ranges and permissions are in map_args.c.
 *
 * unwind: 8
 * scale: include/abi/pviommu.h: PVIOMMU_MAX_LIST 2u
 * scale: include/abi/pviommu.h: PVIOMMU_MAX_VSIDS 2u
 * scale: include/hyp/platform.h: MACHINE_MAX_CPUS 1
 */
#include "proof.h"

#include "hyp/hcall/hcall_nested.c"
#include "hyp/hcall/hcall_pviommu.c"

static u64 r[7];
static struct vm vm;
static struct vcpu vcpu = { .vm = &vm };
static struct hcall call = { .vcpu = &vcpu, .vm = &vm, .r = r };

static u32 requests;      /* that reached the core */
static enum status said;  /* by the core */
static u64 value_said[3]; /* results of it */
static bool unread;       /* something could not be read */

static enum status answer(void)
{
	requests++;
	said = any_bool() ? OK : any_bool() ? E_NOENT :
					      E_IO;
	return said;
}

static u64 value(u32 i)
{
	value_said[i] = any_u64();
	return value_said[i];
}

u32 arch_cpu_index(void) { return 0; }

/* --- the guest's memory: anything */

static union {
	struct pviommu_attach_list attach;
	struct pviommu_map_list map;
	struct pviommu_alloc_nested nested;
	struct pviommu_invalidate invalidate;
} seen;    /* the envelope */
static u32 vsid_seen[PVIOMMU_MAX_VSIDS];
static u32 entries_taken, entries_read;
static bool envelope_read, vsids_read;

static bool is_attach(u64 op) { return op == PVIOMMU_ATTACH_LIST || op == PVIOMMU_DETACH_LIST; }

static enum status read_anything(void *to, u64 bytes)
{
	CLAIM("no copy leaves its buffer", bytes == 0 || __CPROVER_w_ok(to, bytes));
	if (bytes > 0)
		__CPROVER_havoc_slice(to, bytes);
	if (any_bool())
		return OK;
	unread = true;
	return any_bool() ? E_FAULT : E_TOOBIG;
}

enum status guest_read_struct(struct vm *v, ipa_t from, void *to, u32 min, u32 known)
{
	const u32 whole = is_attach(r[1])              ? sizeof(seen.attach) :
			  r[1] == PVIOMMU_ALLOC_NESTED ? sizeof(seen.nested) :
			  r[1] == PVIOMMU_INVALIDATE   ? sizeof(seen.invalidate) :
							 sizeof(seen.map);
	enum status status = read_anything(to, known);

	CLAIM("a structure is read once and whole, where the guest said",
	      v == &vm && from.v == r[2] && min == whole && known == whole && !envelope_read);
	envelope_read = true;
	if (is_attach(r[1]))
		seen.attach = *(const struct pviommu_attach_list *)to;
	else if (r[1] == PVIOMMU_ALLOC_NESTED)
		seen.nested = *(const struct pviommu_alloc_nested *)to;
	else if (r[1] == PVIOMMU_INVALIDATE)
		seen.invalidate = *(const struct pviommu_invalidate *)to;
	else
		seen.map = *(const struct pviommu_map_list *)to;
	return status;
}

static u32 entry_bytes(void)
{
	return r[1] == PVIOMMU_MAP_LIST ? sizeof(struct pviommu_map_entry) : sizeof(struct pviommu_unmap_entry);
}

static void *entry_place(u32 i)
{
	return (char *)list_copy[0].map + (u64)entry_bytes() * i;
}

enum status guest_read(struct vm *v, ipa_t from, void *to, u64 bytes)
{
	enum status status = read_anything(to, bytes);

	if (is_attach(r[1])) {
		CLAIM("vSIDs are read once from their array, all of them",
		      v == &vm && from.v == seen.attach.vsids_ipa && bytes == seen.attach.vsid_count * 4ull && !vsids_read);
		vsids_read = true;
		for (u32 i = 0; i < seen.attach.vsid_count; i++)
			vsid_seen[i] = ((const u32 *)to)[i];
	} else {
		CLAIM("entries are read once from their array, each to its place",
		      v == &vm && from.v == seen.map.entries_ipa && to == entry_place(0) && entries_read == 0 &&
			      seen.map.entry_len == entry_bytes() && bytes == (u64)seen.map.entry_num * entry_bytes());
		entries_taken = entries_read = seen.map.entry_num;
	}
	return status;
}

u32 guest_entries_taken(u32 count, u32 entry_len)
{
	CLAIM("how many entries a call takes is asked of what its structure says", count == seen.map.entry_num && entry_len == seen.map.entry_len);
	entries_taken = any_u32();
	__CPROVER_assume(entries_taken <= count);
	return entries_taken;
}

enum status guest_read_entries(struct vm *v, ipa_t array, u32 entry_len, u32 count, void *to, u32 known)
{
	CLAIM("entries are read once from their array, each to its place",
	      v == &vm && array.v == seen.map.entries_ipa && entry_len == seen.map.entry_len && entries_read == 0 &&
		      count == entries_taken && to == entry_place(0) && known == entry_bytes());
	entries_read = count;
	return read_anything(to, (u64)known * count);
}

/* --- the core */

static enum status attach_seen(const struct vm *v, const struct pviommu_attach *q, const u64 *vsids, bool list)
{
	const struct pviommu_attach_list *a = &seen.attach;

	if (!list)
		CLAIM("an attach is what its registers say", v == &vm && q->pviommu == r[2] && vsids[0] == r[3] && q->pasid == r[4] &&
								     q->domain == r[5] && q->pasid_bits == r[6] && q->count == 1 && q->cookie == 0);
	else
		CLAIM("an attach is what its list says", v == &vm && q->pviommu == a->pviommu && q->domain == a->domain &&
								 q->pasid == a->pasid && q->pasid_bits == a->pasid_bits &&
								 q->count == a->vsid_count && q->cookie == a->cookie && vsids[0] == vsid_seen[0] &&
								 (q->count < 2 || vsids[1] == vsid_seen[1]));
	return answer();
}

enum status pviommu_attach(struct vm *v, const struct pviommu_attach *q, const u64 *vsids)
{
	CLAIM("attach is no detach", r[1] == PVIOMMU_ATTACH_DEV || r[1] == PVIOMMU_ATTACH_LIST);
	return attach_seen(v, q, vsids, r[1] == PVIOMMU_ATTACH_LIST);
}

enum status pviommu_detach(struct vm *v, const struct pviommu_attach *q, const u64 *vsids)
{
	CLAIM("attach is no detach", r[1] == PVIOMMU_DETACH_DEV || r[1] == PVIOMMU_DETACH_LIST);
	return attach_seen(v, q, vsids, r[1] == PVIOMMU_DETACH_LIST);
}

enum status domain_alloc(struct vm *v, u32 *id)
{
	CLAIM("a domain is the caller's", v == &vm);
	*id = (u32)value(0);
	return answer();
}

enum status domain_free(struct vcpu *c, u64 id, bool *again)
{
	CLAIM("a domain is freed by all of its id", c == &vcpu && id == r[2] && again == &call.again);
	return answer();
}

enum status pviommu_map(struct vcpu *c, u64 domain, u64 base, u64 from, u64 bytes, u64 prot, u64 *done)
{
	CLAIM("a map is what its registers say", c == &vcpu && domain == r[2] && base == r[3] && from == r[4] && bytes == r[5] && prot == r[6]);
	*done = value(0);
	return answer();
}

enum status pviommu_unmap(struct vcpu *c, u64 domain, u64 base, u64 bytes, u64 *done)
{
	CLAIM("an unmap is what its registers say", c == &vcpu && domain == r[2] && base == r[3] && bytes == r[4]);
	*done = value(0);
	return answer();
}

static enum status list_seen(const struct vcpu *c, u64 domain, const void *entry, u32 count, u64 *done)
{
	CLAIM("a list is what its structure says, all entries read", c == &vcpu && domain == seen.map.domain && entry == entry_place(0) &&
									     count == entries_taken && entries_read == count);
	*done = value(0);
	return answer();
}

enum status pviommu_map_list(struct vcpu *c, u64 domain, const struct pviommu_map_entry *entry, u32 count, u64 *done)
{
	CLAIM("map is no unmap", r[1] == PVIOMMU_MAP_LIST);
	return list_seen(c, domain, entry, count, done);
}

enum status pviommu_unmap_list(struct vcpu *c, u64 domain, const struct pviommu_unmap_entry *entry, u32 count, u64 *done)
{
	CLAIM("map is no unmap", r[1] == PVIOMMU_UNMAP_LIST);
	return list_seen(c, domain, entry, count, done);
}

enum status pviommu_endpoint(struct vm *v, u64 id, u64 vsid, struct endpoint_facts *facts)
{
	CLAIM("an endpoint is named by all 64 bits", v == &vm && id == r[2] && vsid == r[3]);
	*facts = (struct endpoint_facts){ (u32)value(0), (u32)value(1), (u32)value(2) };
	return answer();
}

enum status pviommu_query(struct vm *v, u64 id, u64 property, u64 index, u64 *out)
{
	CLAIM("a query is what its registers say", v == &vm && id == r[2] && property == r[3] && index == r[4]);
	*out = value(0);
	return answer();
}

enum status pviommu_stats(struct vm *v, u64 id, u64 counter, u64 *out)
{
	CLAIM("a counter is what its registers say", v == &vm && id == r[2] && counter == r[3]);
	*out = value(0);
	return answer();
}

enum status pviommu_iova_to_ipa(struct vm *v, u64 domain, u64 at, u64 *to, u32 *prot)
{
	CLAIM("an address is looked up as its registers say", v == &vm && domain == r[2] && at == r[3]);
	*to = value(0);
	*prot = (u32)value(1);
	return answer();
}

enum status events_setup(struct vm *v, const struct events_request *q)
{
	CLAIM("a ring is what its registers say",
	      v == &vm && q->pviommu == r[2] && q->ring == r[3] && q->log2 == r[4] && q->irq == r[5] && q->flags == r[6]);
	return answer();
}

/* At any place. */
static bool same(const void *a, const void *b, u64 bytes)
{
	const u64 i = any_u64();

	return i >= bytes || ((const u8 *)a)[i] == ((const u8 *)b)[i];
}

enum status pviommu_alloc_nested(struct vm *v, const struct pviommu_alloc_nested *q, u32 *id)
{
	CLAIM("a nested domain is what its structure says", v == &vm && same(q, &seen, sizeof(*q)));
	*id = (u32)value(0);
	return answer();
}

enum status pviommu_invalidate(struct vm *v, const struct pviommu_invalidate *q, u64 *entry, u64 *done)
{
	CLAIM("an invalidation is what its structure says", v == &vm && same(q, &seen, sizeof(*q)));
	CLAIM("there is room for all entries of an invalidation", __CPROVER_w_ok(entry, PVIOMMU_MAX_INVAL * INVAL_WORDS * sizeof(u64)));
	*done = value(0);
	return answer();
}

/* --- the rules of structures, from include/abi/pviommu.h */

static bool rules_kept(void)
{
	if (is_attach(r[1]))
		return (seen.attach.flags & ~1u) == 0 && seen.attach.reserved == 0 && seen.attach.vsid_count >= 1 &&
		       seen.attach.vsid_count <= PVIOMMU_MAX_VSIDS && seen.attach.vsids_ipa % 4 == 0;
	if (r[1] == PVIOMMU_ALLOC_NESTED)
		return seen.nested.flags == 0 && seen.nested.reserved == 0;
	if (r[1] == PVIOMMU_MAP_LIST || r[1] == PVIOMMU_UNMAP_LIST)
		return seen.map.flags == 0 && seen.map.reserved == 0 && seen.map.entry_len >= entry_bytes() && seen.map.entry_len % 8 == 0 &&
		       seen.map.entry_len <= 4096 && seen.map.entry_num <= PVIOMMU_MAX_LIST && seen.map.entries_ipa % 8 == 0;
	return true;
}

/* Results of a call that has succeeded; of one that has not, those that say how far it came. */
static void results(enum status status)
{
	const u64 *out = call.out;
	const u64 narrow = (u32)value_said[0];
	bool right = true;

	switch (r[1]) {
	case PVIOMMU_ALLOC_DOMAIN:
	case PVIOMMU_ALLOC_NESTED:
	case PVIOMMU_SID_INFO:
		right = out[0] == (status == OK ? narrow : 0) && out[1] == 0 && out[2] == 0;
		break;
	case PVIOMMU_ENDPOINT_INFO:
		right = status == OK ? out[0] == narrow && out[1] == (u32)value_said[1] && out[2] == (u32)value_said[2] :
				       (out[0] | out[1] | out[2]) == 0;
		break;
	case PVIOMMU_IOVA_TO_IPA:
		right = status != OK || (out[0] == value_said[0] && out[1] == (u32)value_said[1] && out[2] == 0);
		break;
	default:
		right = out[0] == value_said[0] && out[1] == 0 && out[2] == 0;
	}
	CLAIM("results are the core's", right);
}

static enum status handle(void)
{
	switch (r[1]) {
	case PVIOMMU_ATTACH_DEV:
		return hc_attach_dev(&call);
	case PVIOMMU_DETACH_DEV:
		return hc_detach_dev(&call);
	case PVIOMMU_ALLOC_DOMAIN:
		return hc_alloc_domain(&call);
	case PVIOMMU_FREE_DOMAIN:
		return hc_free_domain(&call);
	case PVIOMMU_MAP_PAGES:
		return hc_map_pages(&call);
	case PVIOMMU_UNMAP_PAGES:
		return hc_unmap_pages(&call);
	case PVIOMMU_SID_INFO:
		return hc_sid_info(&call);
	case PVIOMMU_QUERY:
		return hc_query(&call);
	case PVIOMMU_ENDPOINT_INFO:
		return hc_endpoint_info(&call);
	case PVIOMMU_ATTACH_LIST:
		return hc_attach_list(&call);
	case PVIOMMU_DETACH_LIST:
		return hc_detach_list(&call);
	case PVIOMMU_ALLOC_NESTED:
		return hc_alloc_nested(&call);
	case PVIOMMU_INVALIDATE:
		return hc_invalidate(&call);
	case PVIOMMU_EVENTS_SETUP:
		return hc_events_setup(&call);
	case PVIOMMU_MAP_LIST:
		return hc_map_list(&call);
	case PVIOMMU_UNMAP_LIST:
		return hc_unmap_list(&call);
	case PVIOMMU_IOVA_TO_IPA:
		return hc_iova_to_ipa(&call);
	case PVIOMMU_STATS:
		return hc_stats(&call);
	}
	ASSUME(false);
	return OK;
}

int main(void)
{
	enum status status;

	for (u32 i = 0; i < 7; i++)
		r[i] = any_u64();
	status = handle();
	CLAIM("what could not be read, or breaks a rule, reaches nothing", requests == (!unread && rules_kept()));
	CLAIM("a call ends as the core says, or is refused", requests == 1 ? status == said : status != OK);
	results(status);
	return 0;
}
