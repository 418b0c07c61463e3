/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory calls whose exits and order the image has to get right by itself. */
#include "machine.h"
#include "service.h"
#include "trap.h"

/* The MMIO guard: from now on only the doorbell is nobody's; everything else that is not ours aborts. */
SERVICE(enroll)
{
	OK(hcall(PC_MMIO_GUARD_ENROLL, 0, 0, 0, 0, 0, 0));
	OK(hcall(PC_MMIO_GUARD_MAP, DOORBELL, 0, 0, 0, 0, 0));
}

/* arg: IPA, pages -> status, pages done, in how many calls */
SERVICE(share)
{
	u64 ipa = mail->arg[0], left = mail->arg[1];

	mail->result[1] = 0;
	mail->result[2] = 0;
	do {
		struct hres r = mem_share(ipa, left);

		mail->result[0] = (u64)hres_status(r);
		if (!hres_ok(r))
			break;
		mail->result[2]++;
		REQUIRE(r.r1 && r.r1 <= left, "MEM_SHARE of %lu pages answers %lu", left, r.r1);
		mail->result[1] += r.r1;
		ipa += r.r1 * PAGE;
		left -= r.r1;
	} while (left);
}

SERVICE(unshare)
{
	u64 ipa = mail->arg[0], left = mail->arg[1];

	mail->result[1] = 0;
	do {
		struct hres r = mem_unshare(ipa, left);

		mail->result[0] = (u64)hres_status(r);
		if (!hres_ok(r))
			break;
		REQUIRE(r.r1 && r.r1 <= left, "MEM_UNSHARE of %lu pages answers %lu", left, r.r1);
		mail->result[1] += r.r1;
		ipa += r.r1 * PAGE;
		left -= r.r1;
	} while (left);
}
