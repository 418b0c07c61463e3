/* SPDX-License-Identifier: BSD-2-Clause */
/* First stages of a secondary's own devices: contexts and tables in its own memory, and invalidations. */
#include <string.h>

#include "cpu.h"
#include "service.h"

static struct pviommu_alloc_nested alloc __attribute__((aligned(64)));
static struct pviommu_nested_smmuv3 data __attribute__((aligned(64)));
static struct pviommu_invalidate inval __attribute__((aligned(64)));
static struct pviommu_inval_smmuv3 entry[PVIOMMU_MAX_INVAL] __attribute__((aligned(64)));
static u8 status[PVIOMMU_MAX_INVAL];

static void published(void) { __asm__ volatile("dsb sy" ::: "memory"); }

/* arg: five pages, ASID, VA, output of its page -> none. The context is in the first page, the tables follow. */
SERVICE(first_stage)
{
	u64 at = mail->arg[0], va = mail->arg[2];
	u64 *cd = (u64 *)at;

	memset(cd, 0, 5 * PAGE);
	for (u32 i = 1; i < 4; i++)
		*(u64 *)(at + i * PAGE + (va >> (48 - 9 * i) & 511) * 8) = (at + (i + 1) * PAGE) | 3;
	*(u64 *)(at + 4 * PAGE + va / PAGE % 512 * 8) = mail->arg[3] | 0xf43; /* nG, AF, inner shareable, for all */
	/* IHI 0070 5.4: 48 bits of TTB0, no TTB1, faults are recorded. */
	cd[1] = at + PAGE;
	cd[3] = 0xff;
	cd[0] = mail->arg[1] << 48 | 7ul << 45 | 1ul << 41 | 5ul << 32 | 3ul << 30 | 0x3500 | 16;
	published();
}

/* arg: address, value of 8 bytes, as walkers see it */
SERVICE(table_word)
{
	*(volatile u64 *)mail->arg[0] = mail->arg[1];
	published();
}

/* arg: pvIOMMU, two words -> status, domain */
SERVICE(alloc_nested)
{
	struct hres r;

	data = (struct pviommu_nested_smmuv3){ { mail->arg[1], mail->arg[2] } };
	alloc = (struct pviommu_alloc_nested){ .size = sizeof(alloc),
					       .pviommu = (u32)mail->arg[0],
					       .data_type = PVIOMMU_NESTED_SMMUV3,
					       .data_len = sizeof(data),
					       .data_ipa = (u64)&data };
	published();
	r = pv_alloc_nested((u64)&alloc);
	mail->result[0] = r.r0;
	mail->result[1] = r.r1;
}

/* Never ends: arg: pvIOMMU, vSID. By each kind of command that names the stream, or the tag. */
SERVICE(invalidate_forever)
{
	const u64 sid = mail->arg[1] << 32;

	for (u32 i = 0; i < PVIOMMU_MAX_INVAL; i++)
		entry[i] = (struct pviommu_inval_smmuv3){ { i % 3 == 0 ? 0x05 | sid : i % 3 == 1 ? 0x06 | sid :
												   0x10,
							    i % 3 == 0 } };
	inval = (struct pviommu_invalidate){ .size = sizeof(inval),
					     .pviommu = (u32)mail->arg[0],
					     .data_type = PVIOMMU_INVAL_SMMUV3,
					     .entry_len = sizeof(entry[0]),
					     .entry_num = PVIOMMU_MAX_INVAL,
					     .entries_ipa = (u64)entry };
	published();
	for (;;) {
		struct hres r = pv_invalidate((u64)&inval);

		REQUIRE(!r.r0 && r.r1 == PVIOMMU_MAX_INVAL, "%ld, %lu done", (long)r.r0, r.r1);
		mail->progress++;
	}
}

/* arg: pvIOMMU, entries, which are in the page's data -> status, how many are done, what became of the next one */
SERVICE(invalidate)
{
	u32 count = (u32)mail->arg[1];
	struct hres r;

	REQUIRE(count * sizeof(entry[0]) <= sizeof(mail->data), "%u entries", count);
	memcpy(entry, mail->data, count * sizeof(entry[0]));
	inval = (struct pviommu_invalidate){ .size = sizeof(inval),
					     .pviommu = (u32)mail->arg[0],
					     .data_type = PVIOMMU_INVAL_SMMUV3,
					     .entry_len = sizeof(entry[0]),
					     .entry_num = count,
					     .entries_ipa = (u64)entry,
					     .status_ipa = (u64)status };
	memset(status, 0xee, sizeof(status));
	published();
	r = pv_invalidate((u64)&inval);
	mail->result[0] = r.r0;
	mail->result[1] = r.r1;
	mail->result[2] = r.r1 < count ? status[r.r1] : PVIOMMU_INVAL_DONE;
}
