/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the interface, what all calls have in common, and how an answer is judged. */
#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/hcall.h"
#include "entries.h"
#include "spec.h"

#define ANY    (RULE_PRIMARY | RULE_SECONDARY)
#define FN(id) [(id) & PC_FN_MASK]

const struct spec_row spec_functions[0x183] = {
	FN(PC_HYP_MEMINFO) = { rule_meminfo, RULE_SECONDARY, 1, 3 },
	FN(PC_MEM_SHARE) = { rule_mem_share, RULE_SECONDARY, 3, 3 },
	FN(PC_MEM_UNSHARE) = { rule_mem_unshare, RULE_SECONDARY, 3, 3 },
	FN(PC_MMIO_GUARD_INFO) = { rule_meminfo, RULE_SECONDARY, 0, 0 },
	FN(PC_MMIO_GUARD_ENROLL) = { rule_guard_enroll, RULE_SECONDARY, 0, 0 },
	FN(PC_MMIO_GUARD_MAP) = { rule_guard_map, RULE_SECONDARY, 0, 0 },
	FN(PC_MMIO_GUARD_UNMAP) = { rule_guard_unmap, RULE_SECONDARY, 0, 0 },
	FN(PC_MEM_RELINQUISH) = { rule_mem_relinquish, RULE_SECONDARY, 3, 3 },
	FN(PC_MMIO_RGUARD_MAP) = { rule_guard_range_map, RULE_SECONDARY, 0, 0 },
	FN(PC_MMIO_RGUARD_UNMAP) = { rule_guard_range_unmap, RULE_SECONDARY, 0, 0 },
	FN(PC_DEV_REQ_DMA) = { rule_dev_req_dma, ANY, 3, 6 },
	FN(PC_DEV_REQ_MMIO) = { rule_dev_req_mmio, ANY, 2, 6 },
	FN(PC_VMM_QUERY) = { rule_vmm_query, RULE_PRIMARY, 0, 0 },
	FN(PC_VM_CREATE) = { rule_vm_create, RULE_PRIMARY, 0, 0 },
	FN(PC_VM_DESTROY) = { rule_vm_destroy, RULE_PRIMARY, 0, 0 },
	FN(PC_VM_DONATE) = { rule_vm_donate, RULE_PRIMARY, 0, 0 },
	FN(PC_VM_FINALISE) = { rule_vm_finalise, RULE_PRIMARY, 0, 0 },
	FN(PC_VCPU_SET) = { rule_vcpu_set, RULE_PRIMARY, 0, 0 },
	FN(PC_VCPU_RUN) = { rule_vcpu_run, RULE_PRIMARY, 0, 0 },
	FN(PC_VCPU_IRQ) = { rule_vcpu_irq, RULE_PRIMARY, 0, 0 },
	FN(PC_VM_ADD_POOL) = { rule_vm_add_pool, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_COUNT) = { rule_dev_count, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_INFO) = { rule_dev_info, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_GET_NUM_END_POINTS) = { rule_dev_endpoints, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_ASSIGN) = { rule_dev_assign, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_SET_END_POINT_VSID) = { rule_dev_set_vsid, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_RELEASE) = { rule_dev_release, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_MAP_MMIO) = { rule_dev_map_mmio, RULE_PRIMARY, 0, 0 },
	FN(PC_DEV_MAP_IRQ) = { rule_dev_map_irq, RULE_PRIMARY, 0, 0 },
	FN(PC_CONSOLE) = { rule_console, ANY, 0, 0 },
	FN(PC_DEV_CONFIG) = { rule_dev_config, ANY, 0, 0 },
	FN(PC_DEV_RESET) = { rule_dev_reset, ANY, 0, 0 },
};

/* abi/pviommu.h, and for pKVM's operations the registers that must be zero. */
const struct spec_row spec_operations[PVIOMMU_OP_COUNT] = {
	[PVIOMMU_ATTACH_DEV] = { rule_attach_dev, ANY, 0, 0 },
	[PVIOMMU_DETACH_DEV] = { rule_detach_dev, ANY, 6, 6 },
	[PVIOMMU_ALLOC_DOMAIN] = { rule_alloc_domain, ANY, 2, 6 },
	[PVIOMMU_FREE_DOMAIN] = { rule_free_domain, ANY, 3, 6 },
	[PVIOMMU_MAP_PAGES] = { rule_map_pages, ANY, 0, 0 },
	[PVIOMMU_UNMAP_PAGES] = { rule_unmap_pages, ANY, 5, 6 },
	[PVIOMMU_SID_INFO] = { rule_sid_info, ANY, 0, 0 },
	[PVIOMMU_QUERY] = { rule_query, ANY, 0, 0 },
	[PVIOMMU_ENDPOINT_INFO] = { rule_endpoint_info, ANY, 0, 0 },
	[PVIOMMU_ATTACH_LIST] = { rule_attach_list, ANY, 0, 0 },
	[PVIOMMU_DETACH_LIST] = { rule_detach_list, ANY, 0, 0 },
	[PVIOMMU_ALLOC_NESTED] = { rule_alloc_nested, ANY, 0, 0 },
	[PVIOMMU_INVALIDATE] = { rule_invalidate, ANY, 0, 0 },
	[PVIOMMU_EVENTS_SETUP] = { rule_events_setup, ANY, 0, 0 },
	[PVIOMMU_MAP_LIST] = { rule_map_list, ANY, 0, 0 },
	[PVIOMMU_UNMAP_LIST] = { rule_unmap_list, ANY, 0, 0 },
	[PVIOMMU_IOVA_TO_IPA] = { rule_iova_to_ipa, ANY, 0, 0 },
	[PVIOMMU_STATS] = { rule_stats, ANY, 0, 0 },
};

void rule_refuse(const struct spec_call *c, const char *fmt, ...)
{
	char text[700];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	spec_fail("%s\ncall 0x%llx(0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx) of VM 0x%llx answered %s%lld, 0x%llx 0x%llx 0x%llx", text,
		  (unsigned long long)c->r[0], (unsigned long long)c->r[1], (unsigned long long)c->r[2],
		  (unsigned long long)c->r[3], (unsigned long long)c->r[4], (unsigned long long)c->r[5],
		  (unsigned long long)c->r[6], (unsigned long long)c->vm->w.handle, c->finished ? "" : "(not finished) ",
		  (long long)c->got[0], (unsigned long long)c->got[1], (unsigned long long)c->got[2],
		  (unsigned long long)c->got[3]);
}

/* --- shared by rules */

bool pool_take(struct spec_call *c, u32 order)
{
	u64 left = c->vm->w.pool_free - c->spent, pages = 1ull << order;

	if (c->fails_at != 0 && --c->fails_at == 0)
		return false;
	if (left < pages)
		return false;
	/* Several pages have to lie side by side, and which pages are free is nobody's business but the pool's. */
	if (order > 0 && c->got_status == PC_NO_MEMORY && !abstract_pool_has_run(vm_index(c->vm), order))
		return false;
	c->spent += pages;
	return true;
}

void pool_settle(struct spec_call *c)
{
	c->vm->w.pool_free -= c->spent;
	c->spent = 0;
}

struct spec_domain *live_domain(const struct spec_call *c, u64 id, s64 *why)
{
	struct spec_domain *d = domain_of(c->vm, id);

	*why = d == NULL ? PC_NOT_FOUND : d->w.dying ? PC_BUSY :
				  d->w.nested        ? PC_DENIED :
						       PC_SUCCESS;
	return *why == PC_SUCCESS ? d : NULL;
}

struct spec_device *device_of_range(u64 pa, u64 size, u32 *range)
{
	for (u32 i = 0; i < spec->devices; i++)
		for (u32 k = 0; k < spec->device[i].mmio_count; k++) {
			u64 at = pa - spec->device[i].mmio[k].base, bytes = spec->device[i].mmio[k].size;

			if (at >= bytes || size > bytes - at)
				continue;
			*range = k;
			return &spec->device[i];
		}
	return NULL;
}

struct spec_pv *pv_of(struct spec_vm *vm, u64 id)
{
	return id < SPEC_PVS && vm->pv[id].iommu != 0 ? &vm->pv[id] : NULL;
}

/* --- fetching */

/* What is behind all that is known: up to the first byte that is not zero or cannot be read. */
s64 fetch_tail(const struct spec_vm *vm, u64 at, u64 bytes)
{
	static u8 piece[SPEC_PAGE];

	while (bytes > 0) {
		u64 n = SPEC_PAGE - (at & (SPEC_PAGE - 1));

		n = n < bytes ? n : bytes;
		if (!vm_read(vm, at, piece, n))
			return PC_FAULT;
		for (u64 i = 0; i < n; i++)
			if (piece[i] != 0)
				return PC_TOO_BIG;
		at += n;
		bytes -= n;
	}
	return PC_SUCCESS;
}

u32 entries_taken(u32 count, u32 entry_len, u32 known)
{
	if (entry_len == known)
		return count;
	count = count > PVIOMMU_MAX_LONG ? PVIOMMU_MAX_LONG : count;
	return count * entry_len > PVIOMMU_MAX_READ ? PVIOMMU_MAX_READ / entry_len : count;
}

/* A top-level structure (abi/pviommu.h: rules for every structure). */
s64 fetch_struct(const struct spec_vm *vm, u64 from, void *to, u32 known)
{
	u32 size;

	if (from % 8 != 0)
		return PC_INVALID_PARAMETER;
	if (!vm_read(vm, from, &size, sizeof(size)))
		return PC_FAULT;
	/* Every structure is published as long as it is known; longer than any can be is malformed. */
	if (size < known || size > PVIOMMU_MAX_STRUCT)
		return PC_INVALID_PARAMETER;
	if (!vm_read(vm, from, to, known))
		return PC_FAULT;
	return fetch_tail(vm, from + known, size > known ? size - known : 0);
}

/* Of DEV_INFO only the size is read. */
static s64 fetch_struct_head(const struct spec_vm *vm, u64 from, u32 known)
{
	u32 size;

	if (from % 8 != 0)
		return PC_INVALID_PARAMETER;
	if (!vm_read(vm, from, &size, sizeof(size)))
		return PC_FAULT;
	return size < known || size > PVIOMMU_MAX_STRUCT ? PC_INVALID_PARAMETER : PC_SUCCESS;
}

static s64 fetch_exit(const struct spec_vm *vm, u64 from)
{
	struct pc_vcpu_exit exit;
	s64 status = fetch_struct(vm, from, &exit, sizeof(exit));

	return status == PC_SUCCESS && !vm_may_write(vm, from, sizeof(exit)) ? PC_FAULT : status;
}

static s64 fetch_attach(struct spec_call *c)
{
	struct pviommu_attach_list *e = &c->envelope.attach;
	s64 status = fetch_struct(c->vm, c->r[2], e, sizeof(*e));

	if (status != PC_SUCCESS)
		return status;
	if (e->flags & ~PVIOMMU_ATTACH_ACCEPT_SHARED)
		return PC_NOT_SUPPORTED;
	if (e->reserved != 0 || e->vsid_count == 0 || e->vsid_count > PVIOMMU_MAX_VSIDS || e->vsids_ipa % 4 != 0)
		return PC_INVALID_PARAMETER;
	return vm_read(c->vm, e->vsids_ipa, c->list.vsid, 4ull * e->vsid_count) ? PC_SUCCESS : PC_FAULT;
}

/* Entries of `entry_len` bytes, of which `known` are known; what is beyond must be zero. */
static s64 fetch_entries(const struct spec_call *c, const struct pviommu_map_list *e, u8 *to, u32 known)
{
	s64 status = PC_SUCCESS;

	for (u32 i = 0; i < e->entry_num && status == PC_SUCCESS; i++) {
		u64 at = e->entries_ipa + (u64)e->entry_len * i;

		if (at < e->entries_ipa || !vm_read(c->vm, at, to + (u64)known * i, known))
			return PC_FAULT;
		status = fetch_tail(c->vm, at + known, e->entry_len - known);
	}
	return status;
}

static s64 fetch_list(struct spec_call *c, u32 known)
{
	struct pviommu_map_list *e = &c->envelope.map;
	s64 status = fetch_struct(c->vm, c->r[2], e, sizeof(*e));

	if (status != PC_SUCCESS)
		return status;
	if (e->flags != 0)
		return PC_NOT_SUPPORTED;
	if (e->reserved != 0 || e->entry_len < known || e->entry_len % 8 != 0 || e->entry_len > PVIOMMU_MAX_ENTRY ||
	    e->entry_num > PVIOMMU_MAX_LIST || e->entries_ipa % 8 != 0)
		return PC_INVALID_PARAMETER;
	e->entry_num = entries_taken(e->entry_num, e->entry_len, known);
	return fetch_entries(c, e, (u8 *)&c->list, known);
}

void rule_fetch(struct spec_call *c)
{
	u32 id = (u32)c->r[0] & ~PC_SVE_HINT;

	c->fetched = PC_SUCCESS;
	if (vm_index(c->vm) == 0 && id == PC_DEV_INFO)
		c->fetched = fetch_struct_head(c->vm, c->r[2], sizeof(struct pc_dev_info));
	if (vm_index(c->vm) == 0 && id == PC_VCPU_RUN)
		c->fetched = fetch_exit(c->vm, c->r[3]);
	if (id != PC_PVIOMMU_OP)
		return;
	switch (c->r[1]) {
	case PVIOMMU_ATTACH_LIST:
	case PVIOMMU_DETACH_LIST:
		c->fetched = fetch_attach(c);
		break;
	case PVIOMMU_ALLOC_NESTED:
		c->fetched = fetch_nested(c);
		break;
	case PVIOMMU_INVALIDATE:
		c->fetched = fetch_inval(c);
		break;
	case PVIOMMU_MAP_LIST:
		c->fetched = fetch_list(c, sizeof(struct pviommu_map_entry));
		break;
	case PVIOMMU_UNMAP_LIST:
		c->fetched = fetch_list(c, sizeof(struct pviommu_unmap_entry));
		break;
	default:
		break;
	}
}

/* --- judging */

/* SMCCC and the vendor's discovery (abi/hcall.h): 32-bit calls, zero-extended words. */
static void discovery(struct spec_call *c, u32 id, u64 *word)
{
	switch (id) {
	case PC_SMCCC_VERSION:
		word[0] = PC_SMCCC_VERSION_1_2;
		return;
	case PC_SMCCC_ARCH_FEATURES:
		if ((u32)c->r[1] != PC_SMCCC_VERSION && (u32)c->r[1] != PC_SMCCC_ARCH_FEATURES)
			word[0] = (u32)PC_NOT_SUPPORTED;
		return;
	case PC_VENDOR_UID:
		word[0] = PC_VENDOR_UID_0;
		word[1] = PC_VENDOR_UID_1;
		word[2] = PC_VENDOR_UID_2;
		word[3] = PC_VENDOR_UID_3;
		return;
	case PC_VENDOR_FEATURES:
		/* Bits 0 and 2 to 11 for secondaries, 61 to 63 for both. */
		word[0] = vm_index(c->vm) == 0 ? 0 : 0xffd;
		word[1] = 0xe0000000;
		return;
	default:
		word[0] = id & PC_CALL_64 ? (u64)PC_NOT_SUPPORTED : (u32)PC_NOT_SUPPORTED;
		return;
	}
}

static const struct spec_row *row_of(const struct spec_call *c, bool *legacy)
{
	u32 number = (u32)c->r[0] & PC_FN_MASK;
	const struct spec_row *row = NULL;

	if (number == (PC_PVIOMMU_OP & PC_FN_MASK)) {
		*legacy = c->r[1] < PVIOMMU_OP_FIRST_OURS;
		row = c->r[1] < PVIOMMU_OP_COUNT ? &spec_operations[c->r[1]] : NULL;
	} else {
		*legacy = number < 64;
		row = number < ARRAY_SIZE(spec_functions) ? &spec_functions[number] : NULL;
	}
	return row != NULL && row->callers != 0 ? row : NULL;
}

static s64 status_of(struct spec_call *c, const struct spec_row *row)
{
	if (row == NULL || !(row->callers & (vm_index(c->vm) == 0 ? RULE_PRIMARY : RULE_SECONDARY)))
		return PC_NOT_SUPPORTED;
	for (u32 i = row->first_zero; i != 0 && i <= row->last_zero; i++)
		if (c->r[i] != 0)
			return PC_INVALID_PARAMETER;
	return row->rule(c);
}

/* What the registers must hold for a status (abi/status.h). */
static void registers(const struct spec_call *c, s64 status, bool legacy, u64 *want)
{
	for (u32 i = 0; i < 3; i++)
		want[i + 1] = c->out[i];
	want[0] = (u64)status;
	if (!legacy)
		return;
	/* A positive answer is a number of its own, and a success. */
	want[3] = status < 0 ? (u64)status : PC_SUCCESS;
	if (status < 0 && status != PC_NOT_SUPPORTED)
		want[0] = (u64)PC_INVALID_PARAMETER;
}

static void same_registers(const struct spec_call *c, const u64 *want)
{
	for (u32 i = 0; i < 7; i++)
		RULE_DEMAND(c, c->got[i] == want[i], "R%u has to be 0x%llx, and is 0x%llx", i, (unsigned long long)want[i],
			    (unsigned long long)c->got[i]);
}

void rule_judge(struct spec_call *c)
{
	u32 id = (u32)c->r[0] & ~PC_SVE_HINT;
	const struct spec_row *row;
	u64 want[7];
	bool legacy;
	s64 status;

	memcpy(want, c->r, sizeof(want));
	if ((id & ~PC_FN_MASK) != PC_FN_BASE) {
		memset(want, 0, 4 * sizeof(*want));
		discovery(c, id, want);
		entry_judged(ENTRY_DISCOVERY);
		same_registers(c, want);
		return;
	}
	row = row_of(c, &legacy);
	entry_call_judged(id & PC_FN_MASK, c->r[1]);
	c->got_status = (s64)(legacy && (s64)c->got[3] != 0 ? c->got[3] : c->got[0]);
	status = status_of(c, row);
	RULE_DEMAND(c, c->finished != c->again, "it has to be %sfinished", c->again ? "un" : "");
	if (c->finished)
		registers(c, status, legacy, want);
	same_registers(c, want);
}

bool spec_has_function(u32 number) { return number < ARRAY_SIZE(spec_functions) && spec_functions[number].rule != NULL; }

bool spec_has_operation(u32 operation)
{
	return operation < ARRAY_SIZE(spec_operations) && spec_operations[operation].rule != NULL;
}
