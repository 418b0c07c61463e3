/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface number by number: typed by hand as version 1.0 has them, and not taken from the headers.
 * A changed number is a broken guest.
 */
#include "abi/hcall.h"
#include "abi/pviommu.h"
#include "abi/status.h"
#include "abi/vmm.h"
#include "hyp/status.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"

struct number {
	const char *name;
	s64 is, must;
};

#define N(name, must) { #name, (s64)(name), must }

static void check(const struct number *n, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (n[i].is != n[i].must)
			suite_fail("%s is %lld, the interface says %lld", n[i].name,
				   (long long)n[i].is, (long long)n[i].must);
}

/* clang-format off */
static void functions(void **state UNUSED)
{
	static const struct number n[] = {
		N(PC_SMCCC_VERSION, 0x80000000), N(PC_SMCCC_ARCH_FEATURES, 0x80000001),
		N(PC_VENDOR_UID, 0x8600ff01), N(PC_VENDOR_FEATURES, 0x86000000),
		N(PC_VENDOR_UID_0, 0xb66fb428), N(PC_VENDOR_UID_1, 0xe911c52e),
		N(PC_VENDOR_UID_2, 0x564bcaa9), N(PC_VENDOR_UID_3, 0x743a004d),
		N(PC_HYP_MEMINFO, 0xc6000002), N(PC_MEM_SHARE, 0xc6000003),
		N(PC_MEM_UNSHARE, 0xc6000004), N(PC_MMIO_GUARD_INFO, 0xc6000005),
		N(PC_MMIO_GUARD_ENROLL, 0xc6000006), N(PC_MMIO_GUARD_MAP, 0xc6000007),
		N(PC_MMIO_GUARD_UNMAP, 0xc6000008), N(PC_MEM_RELINQUISH, 0xc6000009),
		N(PC_MMIO_RGUARD_MAP, 0xc600000a), N(PC_MMIO_RGUARD_UNMAP, 0xc600000b),
		N(PC_DEV_REQ_DMA, 0xc600003d), N(PC_PVIOMMU_OP, 0xc600003e),
		N(PC_DEV_REQ_MMIO, 0xc600003f), N(PC_VMM_QUERY, 0xc6000100),
		N(PC_VM_CREATE, 0xc6000101), N(PC_VM_DESTROY, 0xc6000102),
		N(PC_VM_DONATE, 0xc6000103), N(PC_VM_FINALISE, 0xc6000104),
		N(PC_VCPU_SET, 0xc6000105), N(PC_VCPU_RUN, 0xc6000106),
		N(PC_VCPU_IRQ, 0xc6000107), N(PC_VM_ADD_POOL, 0xc6000108),
		N(PC_DEV_COUNT, 0xc6000110), N(PC_DEV_INFO, 0xc6000111),
		N(PC_DEV_GET_NUM_END_POINTS, 0xc6000112), N(PC_DEV_ASSIGN, 0xc6000113),
		N(PC_DEV_SET_END_POINT_VSID, 0xc6000114), N(PC_DEV_RELEASE, 0xc6000115),
		N(PC_DEV_SPLIT, 0xc6000116), N(PC_DEV_MAP_MMIO, 0xc6000117),
		N(PC_DEV_MAP_IRQ, 0xc6000118), N(PC_DEV_JOIN, 0xc6000119),
		N(PC_CONSOLE, 0xc6000180), N(PC_DEV_CONFIG, 0xc6000181),
		N(PC_DEV_RESET, 0xc6000182), N(PC_SVE_HINT, 0x10000),
	};

	check(n, ARRAY_SIZE(n));
}

static void operations_and_properties(void **state UNUSED)
{
	static const struct number n[] = {
		N(PVIOMMU_ATTACH_DEV, 0), N(PVIOMMU_DETACH_DEV, 1), N(PVIOMMU_ALLOC_DOMAIN, 2),
		N(PVIOMMU_FREE_DOMAIN, 3), N(PVIOMMU_MAP_PAGES, 4), N(PVIOMMU_UNMAP_PAGES, 5),
		N(PVIOMMU_SID_INFO, 6), N(PVIOMMU_QUERY, 0x40), N(PVIOMMU_ENDPOINT_INFO, 0x41),
		N(PVIOMMU_ATTACH_LIST, 0x42), N(PVIOMMU_DETACH_LIST, 0x43),
		N(PVIOMMU_ALLOC_NESTED, 0x44), N(PVIOMMU_INVALIDATE, 0x45),
		N(PVIOMMU_EVENTS_SETUP, 0x46), N(PVIOMMU_PAGE_RESPONSE, 0x47),
		N(PVIOMMU_MAP_LIST, 0x48), N(PVIOMMU_UNMAP_LIST, 0x49),
		N(PVIOMMU_IOVA_TO_IPA, 0x4a), N(PVIOMMU_STATS, 0x4b),
		N(PVIOMMU_PROT_READ, 1), N(PVIOMMU_PROT_WRITE, 2), N(PVIOMMU_PROT_CACHE, 4),
		N(PVIOMMU_PROT_NOEXEC, 8), N(PVIOMMU_PROT_MMIO, 16), N(PVIOMMU_PROT_PRIV, 32),
		N(PVIOMMU_PROT_ALL, 63), N(PVIOMMU_Q_VERSION, 0), N(PVIOMMU_Q_PAGE_SIZES, 1),
		N(PVIOMMU_Q_IOVA_BITS, 2), N(PVIOMMU_Q_PASID_BITS, 3),
		N(PVIOMMU_Q_VSID_COUNT, 4), N(PVIOMMU_Q_VSID, 5), N(PVIOMMU_Q_DOMAINS_LEFT, 6),
		N(PVIOMMU_Q_FEATURES, 7), N(PVIOMMU_Q_INVAL_MAX, 8),
		N(PVIOMMU_Q_NESTED_TYPES, 9), N(PVIOMMU_Q_MAP_LIST_MAX, 10),
		N(PVIOMMU_Q_DOORBELL, 11), N(PVIOMMU_Q_DOORBELL_SIZE, 12),
		N(PVIOMMU_Q_RESERVED_BASE, 13), N(PVIOMMU_Q_RESERVED_SIZE, 14),
		N(PVIOMMU_Q_INVAL_TYPES, 15), N(PVIOMMU_Q_EVENT_IRQ, 16),
		N(PVIOMMU_FEAT_SHADOW, 32), N(PVIOMMU_FEAT_PAGE_REQUESTS, 33),
		N(PVIOMMU_EP_UNTRANSLATED, 1), N(PVIOMMU_EP_ATS, 2), N(PVIOMMU_EP_PRI, 4),
		N(PVIOMMU_EP_STALL, 8), N(PVIOMMU_EP_PRG_PASID, 16), N(PVIOMMU_EP_SHARED, 32),
		N(PVIOMMU_MAX_LEAVES, 512), N(PVIOMMU_MAX_PAGES, 4096),
		N(PVIOMMU_MAX_LIST, 256), N(PVIOMMU_MAX_VSIDS, 64), N(PVIOMMU_MAX_INVAL, 256),
		N(PVIOMMU_MAX_ENTRY, 4096), N(PVIOMMU_GRANULE, 4096),
		N(PVIOMMU_ATTACH_ACCEPT_SHARED, 1), N(PVIOMMU_INVAL_RING, 1),
		N(PVIOMMU_NESTED_VTD_S1, 1), N(PVIOMMU_NESTED_SMMUV3, 2),
		N(PVIOMMU_INVAL_VTD_S1, 0), N(PVIOMMU_INVAL_SMMUV3, 1), N(PVIOMMU_MAX_INVAL_LOG2, 19),
		N(PVIOMMU_INVAL_DONE, 0), N(PVIOMMU_INVAL_NOT_ATTEMPTED, 1),
		N(PVIOMMU_INVAL_BAD_OPCODE, 2), N(PVIOMMU_INVAL_BAD_BITS, 3),
		N(PVIOMMU_INVAL_BAD_ID, 4), N(PVIOMMU_INVAL_HW_ILLEGAL, 5),
		N(PVIOMMU_INVAL_HW_TIMEOUT, 6), N(PVIOMMU_INVAL_HW_RESPONSE, 7),
		N(PVIOMMU_INVAL_QUARANTINED, 8),
		N(PC_VM_PRIMARY, 1), N(PC_ABI_VERSION, 0x10000),
	};

	check(n, ARRAY_SIZE(n));
}

/* Inside the hypervisor a status is its number on the wire. */
static void statuses(void **state UNUSED)
{
	static const struct number n[] = {
		N(PC_SUCCESS, 0), N(PC_NOT_SUPPORTED, -1), N(PC_INVALID_PARAMETER, -3),
		N(PC_NOT_FOUND, -16), N(PC_EXISTS, -17), N(PC_BUSY, -18), N(PC_NO_MEMORY, -19),
		N(PC_DENIED, -20), N(PC_TOO_BIG, -21), N(PC_FAULT, -22), N(PC_IO, -23),
		N(OK, 0), N(E_NOSYS, -1), N(E_INVAL, -3), N(E_NOENT, -16), N(E_EXIST, -17),
		N(E_BUSY, -18), N(E_NOMEM, -19), N(E_DENIED, -20), N(E_TOOBIG, -21),
		N(E_FAULT, -22), N(E_IO, -23),
	};

	check(n, ARRAY_SIZE(n));
}

struct member {
	const char *name;
	size_t offset, size, must_offset, must_size;
};

#define M(type, member, at, bytes)                                                         \
	{ #type "." #member, offsetof(struct type, member), sizeof(((struct type *)0)->member), \
	  at, bytes }
#define SIZE(type, bytes) { #type, 0, sizeof(struct type), 0, bytes }

static void check_members(const struct member *m, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (m[i].offset != m[i].must_offset || m[i].size != m[i].must_size)
			suite_fail("%s is %zu bytes at %zu, the interface says %zu at %zu",
				   m[i].name, m[i].size, m[i].offset, m[i].must_size,
				   m[i].must_offset);
}

static void layouts(void **state UNUSED)
{
	static const struct member m[] = {
		SIZE(pviommu_attach_list, 48),
		M(pviommu_attach_list, size, 0, 4), M(pviommu_attach_list, flags, 4, 4),
		M(pviommu_attach_list, pviommu, 8, 4), M(pviommu_attach_list, domain, 12, 4),
		M(pviommu_attach_list, pasid, 16, 4), M(pviommu_attach_list, pasid_bits, 20, 4),
		M(pviommu_attach_list, cookie, 24, 8), M(pviommu_attach_list, vsids_ipa, 32, 8),
		M(pviommu_attach_list, vsid_count, 40, 4), M(pviommu_attach_list, reserved, 44, 4),
		SIZE(pviommu_alloc_nested, 32),
		M(pviommu_alloc_nested, size, 0, 4), M(pviommu_alloc_nested, flags, 4, 4),
		M(pviommu_alloc_nested, pviommu, 8, 4), M(pviommu_alloc_nested, data_type, 12, 4),
		M(pviommu_alloc_nested, data_len, 16, 4), M(pviommu_alloc_nested, reserved, 20, 4),
		M(pviommu_alloc_nested, data_ipa, 24, 8),
		SIZE(pviommu_nested_smmuv3, 16), M(pviommu_nested_smmuv3, ste, 0, 16),
		SIZE(pviommu_nested_vtd_s1, 24),
		M(pviommu_nested_vtd_s1, flags, 0, 8), M(pviommu_nested_vtd_s1, pgtbl_addr, 8, 8),
		M(pviommu_nested_vtd_s1, addr_width, 16, 4), M(pviommu_nested_vtd_s1, reserved, 20, 4),
		SIZE(pviommu_inval_smmuv3, 16), M(pviommu_inval_smmuv3, cmd, 0, 16),
		SIZE(pviommu_inval_vtd_s1, 24),
		M(pviommu_inval_vtd_s1, addr, 0, 8), M(pviommu_inval_vtd_s1, npages, 8, 8),
		M(pviommu_inval_vtd_s1, flags, 16, 4), M(pviommu_inval_vtd_s1, reserved, 20, 4),
		SIZE(pviommu_invalidate, 56),
		M(pviommu_invalidate, size, 0, 4), M(pviommu_invalidate, flags, 4, 4),
		M(pviommu_invalidate, pviommu, 8, 4), M(pviommu_invalidate, domain, 12, 4),
		M(pviommu_invalidate, data_type, 16, 4), M(pviommu_invalidate, entry_len, 20, 4),
		M(pviommu_invalidate, entry_num, 24, 4), M(pviommu_invalidate, ring_log2, 28, 4),
		M(pviommu_invalidate, start, 32, 4), M(pviommu_invalidate, reserved, 36, 4),
		M(pviommu_invalidate, entries_ipa, 40, 8), M(pviommu_invalidate, status_ipa, 48, 8),
		SIZE(pviommu_map_list, 32),
		M(pviommu_map_list, size, 0, 4), M(pviommu_map_list, flags, 4, 4),
		M(pviommu_map_list, domain, 8, 4), M(pviommu_map_list, entry_len, 12, 4),
		M(pviommu_map_list, entry_num, 16, 4), M(pviommu_map_list, reserved, 20, 4),
		M(pviommu_map_list, entries_ipa, 24, 8),
		SIZE(pviommu_map_entry, 32),
		M(pviommu_map_entry, iova, 0, 8), M(pviommu_map_entry, ipa, 8, 8),
		M(pviommu_map_entry, bytes, 16, 8), M(pviommu_map_entry, prot, 24, 4),
		M(pviommu_map_entry, reserved, 28, 4),
		SIZE(pviommu_unmap_entry, 16),
		M(pviommu_unmap_entry, iova, 0, 8), M(pviommu_unmap_entry, bytes, 8, 8),
		SIZE(pviommu_page_response, 32),
		M(pviommu_page_response, size, 0, 4), M(pviommu_page_response, flags, 4, 4),
		M(pviommu_page_response, entry_len, 8, 4), M(pviommu_page_response, entry_num, 12, 4),
		M(pviommu_page_response, entries_ipa, 16, 8),
		M(pviommu_page_response, status_ipa, 24, 8),
		SIZE(pviommu_page_response_entry, 48),
		M(pviommu_page_response_entry, flags, 0, 4),
		M(pviommu_page_response_entry, pviommu, 4, 4),
		M(pviommu_page_response_entry, vsid, 8, 4),
		M(pviommu_page_response_entry, pasid, 12, 4),
		M(pviommu_page_response_entry, group_id, 16, 4),
		M(pviommu_page_response_entry, token, 20, 4),
		M(pviommu_page_response_entry, code, 24, 4),
		M(pviommu_page_response_entry, reserved, 28, 4),
		M(pviommu_page_response_entry, private_data, 32, 16),
		SIZE(pc_dev_info, 320),
		M(pc_dev_info, size, 0, 4), M(pc_dev_info, flags, 4, 4), M(pc_dev_info, device, 8, 4),
		M(pc_dev_info, group, 12, 4), M(pc_dev_info, endpoint_count, 16, 4),
		M(pc_dev_info, mmio_count, 20, 4), M(pc_dev_info, irq_count, 24, 4),
		M(pc_dev_info, reserved, 28, 4), M(pc_dev_info, name, 32, 32),
		M(pc_dev_info, mmio, 64, 256),
		SIZE(pc_dev_range, 16), M(pc_dev_range, ipa, 0, 8), M(pc_dev_range, bytes, 8, 8),
	};

	check_members(m, ARRAY_SIZE(m));
}

/* The first 24 bytes are virtio-iommu's fault, the first 48 that with its page requests. */
static void S4_1_records_lie_where_their_readers_look(void **state UNUSED)
{
	static const struct member m[] = {
		SIZE(pviommu_event, 64),
		M(pviommu_event, reason, 0, 1), M(pviommu_event, reserved0, 1, 3), M(pviommu_event, flags, 4, 4),
		M(pviommu_event, endpoint, 8, 4), M(pviommu_event, pasid, 12, 4), M(pviommu_event, address, 16, 8),
		M(pviommu_event, group_id, 24, 2), M(pviommu_event, reserved1, 26, 6),
		M(pviommu_event, private_data, 32, 16), M(pviommu_event, sequence, 48, 4),
		M(pviommu_event, kind, 52, 2), M(pviommu_event, arch, 54, 1), M(pviommu_event, code, 55, 1),
		M(pviommu_event, cookie, 56, 8),
		SIZE(pviommu_ring, 128),
		M(pviommu_ring, version, 0, 4), M(pviommu_ring, log2, 4, 4), M(pviommu_ring, producer, 8, 4),
		M(pviommu_ring, flags, 12, 4), M(pviommu_ring, lost, 16, 8), M(pviommu_ring, sequence, 24, 4),
		M(pviommu_ring, record_bytes, 28, 4), M(pviommu_ring, reserved, 32, 32),
		M(pviommu_ring, consumer, 64, 4), M(pviommu_ring, mask_irq, 68, 4),
	};
	static const struct number n[] = {
		{ "READ", PVIOMMU_EVENT_READ, 1u << 0 }, { "WRITE", PVIOMMU_EVENT_WRITE, 1u << 1 },
		{ "EXEC", PVIOMMU_EVENT_EXEC, 1u << 2 }, { "PRIVILEGED", PVIOMMU_EVENT_PRIVILEGED, 1u << 3 },
		{ "LAST", PVIOMMU_EVENT_LAST, 1u << 4 }, { "PAGE_REQUEST", PVIOMMU_EVENT_PAGE_REQUEST, 1u << 5 },
		{ "ADDRESS", PVIOMMU_EVENT_ADDRESS, 1u << 8 }, { "PASID", PVIOMMU_EVENT_PASID, 1u << 9 },
		{ "GROUP_ID", PVIOMMU_EVENT_GROUP_ID, 1u << 10 },
		{ "PRIVATE_DATA", PVIOMMU_EVENT_PRIVATE_DATA, 1u << 11 },
		{ "STALLED", PVIOMMU_EVENT_STALLED, 1u << 16 }, { "STAGE2", PVIOMMU_EVENT_STAGE2, 1u << 17 },
		{ "TABLE_WALK", PVIOMMU_EVENT_TABLE_WALK, 1u << 18 },
		{ "TERMINATED", PVIOMMU_EVENT_TERMINATED, 1u << 19 },
		{ "AUTO_RESPONDED", PVIOMMU_EVENT_AUTO_RESPONDED, 1u << 20 },
		{ "kind fault", PVIOMMU_KIND_FAULT, 1 }, { "kind page request", PVIOMMU_KIND_PAGE_REQUEST, 2 },
		{ "kind invalidation", PVIOMMU_KIND_INVALIDATION, 3 }, { "kind lost", PVIOMMU_KIND_LOST, 4 },
		{ "kind device", PVIOMMU_KIND_DEVICE, 5 },
		{ "reason domain", PVIOMMU_REASON_DOMAIN, 1 }, { "reason mapping", PVIOMMU_REASON_MAPPING, 2 },
		{ "reason permission", PVIOMMU_REASON_PERMISSION, 5 }, { "reason PASID", PVIOMMU_REASON_PASID, 8 },
		{ "reason time-out", PVIOMMU_REASON_INVAL_TIMEOUT, 13 },
		{ "reason quarantined", PVIOMMU_REASON_QUARANTINED, 14 }, { "reason lost", PVIOMMU_REASON_LOST, 15 },
	};

	check_members(m, ARRAY_SIZE(m));
	check(n, ARRAY_SIZE(n));
}

/* clang-format on */

/* --- what its headers say */

static const char *const headers[] = { "hcall.h", "pviommu.h", "status.h", "vmm.h" };

/* The text of one, from the top of the tree, where tests run. */
static const char *header(const char *name)
{
	static char text[65536], path[64];
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "include/abi/%s", name);
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	assert_in_range(length, 100, sizeof(text) - 2);
	text[length] = '\0';
	return text;
}

static bool is_part(char c) { return isalnum((unsigned char)c) != 0; }

/* The next word of a name, in small letters: PVIOMMU_MAX_VSIDS is three. NULL: no more. */
static const char *next_word(const char **at)
{
	static char word[64];
	size_t n = 0;

	while (**at != '\0' && !is_part(**at))
		++*at;
	for (; is_part(**at) && n < sizeof(word) - 1; ++*at)
		word[n++] = (char)tolower((unsigned char)**at);
	word[n] = '\0';
	return n > 0 ? word : NULL;
}

static bool is_physical(const char *word)
{
	static const char *const names[] = { "rid", "rids", "bdf", "psid", "psids", "requester", "streamid", "streamids",
					     "hpa" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(word, names[i]) == 0)
			return true;
	return false;
}

/*
 * A device has an index, or a name that its guest or its VMM has chosen; also in comments there is no other. VMID is not in
 * the list: a guest's own commands have that field, and whatever is in it is overwritten.
 */
static void S0_11_no_name_of_hardware_is_in_the_interface(void **state UNUSED)
{
	u32 words = 0;

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		const char *at = header(headers[i]), *word;

		for (; (word = next_word(&at)) != NULL; words++)
			if (is_physical(word))
				suite_fail("%s: `%s` names what is hardware's", headers[i], word);
	}
	assert_true(words > 1000);
	assert_true(is_physical("rid") && !is_physical("vsid"));
}

/* What only one kind of hardware has is in its entries: the envelope is the same for all. */
static void S2_13_the_envelope_is_of_no_hardware(void **state UNUSED)
{
	static const char *const words[] = { "ste", "stes", "cd", "cmd", "asid", "vmid", "tlbi", "cfgi", "did", "pasid", "vsid", "descriptor" };
	const char *at = strstr(header("pviommu.h"), "struct pviommu_invalidate {"), *end, *word;
	u32 seen = 0;

	assert_non_null(at);
	end = strstr(at, "};");
	while (at < end && (word = next_word(&at)) != NULL) {
		seen++;
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strcmp(word, words[i]) == 0)
				suite_fail("struct pviommu_invalidate: `%s` is one hardware's", word);
	}
	assert_true(seen > 20);
}

static void S1_12_what_a_device_reports_by_itself_is_out_of_scope_and_said_so(void **state UNUSED)
{
	assert_non_null(strstr(header("pviommu.h"), "What a device reports by itself, past the IOMMU, is not told here"));
}

int main(void)
{
	static const struct CMUnitTest cases[] = {
		cmocka_unit_test(functions),
		cmocka_unit_test(operations_and_properties),
		cmocka_unit_test(statuses),
		cmocka_unit_test(layouts),
		cmocka_unit_test(S4_1_records_lie_where_their_readers_look),
		cmocka_unit_test(S0_11_no_name_of_hardware_is_in_the_interface),
		cmocka_unit_test(S2_13_the_envelope_is_of_no_hardware),
		cmocka_unit_test(S1_12_what_a_device_reports_by_itself_is_out_of_scope_and_said_so),
	};

	return SUITE("abi", cases);
}
