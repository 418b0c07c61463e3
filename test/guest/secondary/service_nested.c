/* SPDX-License-Identifier: BSD-2-Clause */
/* First stages of a secondary's own devices: contexts and tables in its own memory, and invalidations. */
#include <string.h>

#include "cpu.h"
#include "service.h"
#include "stage1.h"

/* arg: five pages, ASID, VA, output of its page -> none. The context is in the first page, the tables follow. */
SERVICE(first_stage)
{
	*stage1_make((u64 *)mail->arg[0], (u16)mail->arg[1], mail->arg[2]) = stage1_leaf(mail->arg[3]);
	stage1_publish();
}

/* arg: address, value of 8 bytes, as walkers see it */
SERVICE(table_word)
{
	*(volatile u64 *)mail->arg[0] = mail->arg[1];
	stage1_publish();
}

/* arg: pvIOMMU, two words -> status, domain */
SERVICE(alloc_nested)
{
	struct hres r = stage1_alloc((u32)mail->arg[0], mail->arg[1], mail->arg[2]);

	mail->result[0] = r.r0;
	mail->result[1] = r.r1;
}

/* Never ends: arg: pvIOMMU, vSID. By each kind of command that names the stream, or the tag. */
SERVICE(invalidate_forever)
{
	const u64 by_kind[][2] = { { CFGI_CD | VSID(mail->arg[1]), 1 }, { CFGI_ALL | VSID(mail->arg[1]), 0 }, { NH_ALL, 0 } };

	for (u32 i = 0; i < PVIOMMU_MAX_INVAL; i++)
		stage1_entry[i] = (struct pviommu_inval_smmuv3){ { by_kind[i % 3][0], by_kind[i % 3][1] } };
	for (;;) {
		struct hres r = stage1_invalidate((u32)mail->arg[0], PVIOMMU_MAX_INVAL);

		REQUIRE(!r.r0 && r.r1 == PVIOMMU_MAX_INVAL, "%ld, %lu done", (long)r.r0, r.r1);
		mail->progress++;
	}
}

/* arg: pvIOMMU, entries, which are in the page's data -> status, how many are done, what became of the next one */
SERVICE(invalidate)
{
	u32 count = (u32)mail->arg[1];
	struct hres r;

	REQUIRE(count * sizeof(stage1_entry[0]) <= sizeof(mail->data), "%u entries", count);
	memcpy(stage1_entry, mail->data, count * sizeof(stage1_entry[0]));
	r = stage1_invalidate((u32)mail->arg[0], count);
	mail->result[0] = r.r0;
	mail->result[1] = r.r1;
	mail->result[2] = r.r1 < count ? stage1_status[r.r1] : PVIOMMU_INVAL_DONE;
}
