/* SPDX-License-Identifier: BSD-2-Clause */
/* The image of the cases: boot argument t=PATTERN,... chooses (all without it). */
#include "machine.h"
#include "rig.h"

void guest_main(void)
{
	const char *patterns = machine_bootarg("t");

	report_run(patterns ? patterns : "*", &rig_hooks);
}
