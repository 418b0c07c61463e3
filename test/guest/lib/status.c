/* SPDX-License-Identifier: BSD-2-Clause */
#include "hcall.h"

const char *status_name(long status)
{
	static const struct {
		long status;
		const char *name;
	} names[] = {
		{ PC_SUCCESS, "SUCCESS" },
		{ PC_NOT_SUPPORTED, "NOT_SUPPORTED" },
		{ PC_NOT_FOUND, "NOT_FOUND" },
		{ PC_INVALID_PARAMETER, "INVALID_PARAMETER" },
		{ PC_EXISTS, "EXISTS" },
		{ PC_BUSY, "BUSY" },
		{ PC_DENIED, "DENIED" },
		{ PC_NO_MEMORY, "NO_MEMORY" },
		{ PC_FAULT, "FAULT" },
		{ PC_TOO_BIG, "TOO_BIG" },
		{ PC_IO, "IO" },
	};

	for (u32 i = 0; i < ARRAY_COUNT(names); i++) {
		if (names[i].status == status)
			return names[i].name;
	}
	return "an unknown status";
}
