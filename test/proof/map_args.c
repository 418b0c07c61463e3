/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps and unmaps on their way to a domain (hyp/pviommu/pviommu_map.c), one range or a list: a domain sees only ranges of whole
 * pages that do not wrap, with permissions that there are, each as the guest said it and in order, and no more leaves and
 * work a call than there may be; nothing follows a piece that failed or was not whole; what was done is counted; no lock is kept.
 *
 * For all: arguments, answers of the domain. Up to: lists of two entries.
 *
 * unwind: 4
 */
#include "proof.h"

#include "hyp/pviommu/pviommu_map.c"

#define ENTRIES 2u

static struct vm vm;
static struct vcpu vcpu = { .vm = &vm };
static struct hcall call;
static struct domain domain;

static bool unmaps; /* the call is an unmap */
static u64 domain_id;
static struct pviommu_map_entry entry[ENTRIES]; /* what was asked for, one or a list */
static struct pviommu_unmap_entry unmap_entry[ENTRIES];
static u32 count;

static bool locked, begun, ended; /* an unmap: between begin and end, or behind the end */
static u32 next;    /* the first entry that the domain may still be asked for */
static bool over;                 /* a piece failed or was not whole */
static u64 bytes_done;
static u32 leaves_used, work_used;
static u32 pieces;                /* that did something */
static enum status failed;

static bool range_good(u64 base, u64 bytes)
{
	return base % 4096 == 0 && bytes % 4096 == 0 && base + bytes >= base;
}

static bool entry_good(const struct pviommu_map_entry *e)
{
	if (unmaps)
		return range_good(e->iova, e->bytes);
	return range_good(e->iova, e->bytes) && range_good(e->ipa, e->bytes) && e->prot <= 0x3f && (e->prot & 3) != 0 && e->reserved == 0;
}

/* The entry that it must be the turn of: those before are empty, and good too. */
static void piece(u64 base, u64 from, u64 bytes, u32 prot)
{
	const struct pviommu_map_entry *e = &entry[next];

	CLAIM("nothing follows a piece that failed or was not whole", !over);
	while (next < count && entry[next].bytes == 0 && entry_good(&entry[next]))
		next++;
	e = &entry[next];
	CLAIM("entries are done in order, as the guest said them",
	      next < count && base == e->iova && bytes == e->bytes && (unmaps || (from == e->ipa && prot == e->prot)));
	CLAIM("a domain sees only ranges of whole pages that do not wrap, with permissions that there are", bytes != 0 && entry_good(e));
	CLAIM("a domain is worked on under its lock", locked);
	next++;
}

/* What a domain answers: it may use all that is left of a call, and stop anywhere. Entries of a list take some too. */
static enum status answer(u64 bytes, struct budget *b, u64 *done)
{
	const u32 leaves = any_u32_to(b->leaves), work = any_u32_to(b->work);

	*done = any_u64();
	ASSUME(*done <= bytes);
	CLAIM("a call touches no more leaves than there may be", b->leaves > 0 && leaves_used + b->leaves <= PVIOMMU_MAX_LEAVES);
	CLAIM("a call does no more work than there may be", work_used + b->work <= CALL_WORK && (pieces == 0 || b->work < CALL_WORK));
	b->leaves -= leaves;
	b->work -= work;
	leaves_used += leaves;
	work_used += work;
	if (any_bool())
		failed = any_bool() ? E_EXIST : E_IO;
	over = failed != OK || *done < bytes;
	pieces += failed == OK && *done > 0;
	return failed;
}

/* --- the domain */

bool domain_get(struct vm *v, u64 id, struct domain **out, enum status *why)
{
	CLAIM("a domain is found by all of its id, in the caller's VM", v == &vm && id == domain_id && !locked);
	*why = any_bool() ? E_NOENT : E_DENIED;
	if (any_bool())
		return false;
	*why = OK;
	*out = &domain;
	locked = true;
	return true;
}

void domain_unlock(struct domain *d)
{
	CLAIM("a lock is given back once", locked && d == &domain && !begun);
	locked = false;
}

bool domain_map_simple(struct vcpu *c, struct domain *d, iova_t at, ipa_t from, u64 size, u32 prot)
{
	const u32 before = next;

	piece(at.v, from.v, size, prot);
	CLAIM("a map is the caller's", c == &vcpu && d == &domain && !unmaps);
	if (any_bool()) {
		bytes_done = size;
		pieces++;
		return true;
	}
	next = before;
	return false;
}

enum status domain_map(struct vcpu *c, struct domain *d, const struct map_request *q, struct budget *b, u64 *done)
{
	piece(q->iova.v, q->ipa.v, q->size, q->prot);
	CLAIM("a map is the caller's", c == &vcpu && d == &domain && !unmaps);
	(void)answer(q->size, b, done);
	if (failed != OK)
		*done = 0;
	bytes_done += *done;
	return failed;
}

bool domain_unmap_simple(struct vcpu *c, struct domain *d, iova_t base, u64 size, enum status *status)
{
	const u32 before = next;

	piece(base.v, 0, size, 0);
	CLAIM("an unmap is the caller's", c == &vcpu && d == &domain && unmaps && !begun);
	if (any_bool()) {
		next = before;
		return false;
	}
	failed = *status = any_bool() ? OK : E_IO;
	bytes_done = failed == OK ? size : 0;
	locked = false;
	ended = true;
	pieces = 1;
	return true;
}

void domain_unmap_begin(struct domain *d)
{
	CLAIM("an unmap is the caller's", locked && d == &domain && unmaps && !begun && !ended);
	begun = true;
}

enum status domain_unmap_gather(struct domain *d, iova_t base, u64 size, struct budget *b, u64 *done)
{
	piece(base.v, 0, size, 0);
	CLAIM("what is unmapped is between a begin and its end", d == &domain && begun && !ended);
	(void)answer(size, b, done);
	bytes_done += *done;
	return failed;
}

enum status domain_unmap_end(struct vcpu *c, struct domain *d)
{
	CLAIM("an unmap is the caller's", c == &vcpu && d == &domain && locked && begun && !ended);
	locked = begun = false;
	ended = true;
	if (any_bool())
		return OK;
	bytes_done = 0;
	failed = E_IO;
	return E_IO;
}

/* --- any call */

static void any_request(void)
{
	unmaps = any_bool();
	domain_id = any_u64();
	count = any_u32_to(ENTRIES);
	for (u32 i = 0; i < ENTRIES; i++) {
		unmap_entry[i] = (struct pviommu_unmap_entry){ .iova = any_u64(), .bytes = any_u64() };
		entry[i] = (struct pviommu_map_entry){ unmap_entry[i].iova, any_u64(), unmap_entry[i].bytes, any_u32(), any_u32() };
	}
}

int main(void)
{
	const bool list = any_bool();
	const u64 prot = any_u64();
	enum status status;
	bool all_good = true;
	u64 done = 0;

	vcpu.call = &call;
	any_request();
	if (!list) {
		count = 1;
		entry[0].prot = (u32)prot;
		entry[0].reserved = (u32)(prot >> 32);
	}
	status = unmaps ? (list ? pviommu_unmap_list(&vcpu, domain_id, unmap_entry, count, &done) :
				  pviommu_unmap(&vcpu, domain_id, entry[0].iova, entry[0].bytes, &done)) :
		 list   ? pviommu_map_list(&vcpu, domain_id, entry, count, &done) :
			  pviommu_map(&vcpu, domain_id, entry[0].iova, entry[0].ipa, entry[0].bytes, prot, &done);

	for (u32 i = 0; i < count; i++)
		all_good = all_good && (i >= next || entry_good(&entry[i]));
	CLAIM("no lock is kept, and no unmap left without its end", !locked && !begun);
	CLAIM("what was done is counted, and nothing else", done == bytes_done);
	CLAIM("a failure of the domain is the call's", failed == OK || status == failed);
	CLAIM("an entry that is not good ends the call", all_good && (count != 1 || status != OK || entry_good(&entry[0])));
	CLAIM("maps and unmaps are counted, by the vCPU", vm.stat[0].maps == (unmaps ? 0 : pieces) && vm.stat[0].unmaps <= (unmaps ? 1 : 0));
	return 0;
}
