/* SPDX-License-Identifier: BSD-2-Clause */
/* What a real board's discovery defines; linked only while the tree has none. */
#include "hyp/platform.h"

const struct machine *machine;

const struct machine *platform_discover(const void *fdt UNUSED, u64 fdt_limit UNUSED,
					struct range image UNUSED, const char **why)
{
	*why = "the host has no firmware";
	return NULL;
}

enum status platform_primary_fdt(const void *fdt UNUSED, const struct machine *m UNUSED,
				 void *out UNUSED, u64 space UNUSED)
{
	return E_NOSYS;
}
