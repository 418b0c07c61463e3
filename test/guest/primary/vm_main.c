/* SPDX-License-Identifier: BSD-2-Clause */
/* The image of cases with secondary VMs: boot argument t=PATTERN,... chooses (all without it). */
#include "machine.h"
#include "rig.h"
#include "vmm.h"

static void clean_up(void)
{
	vmm_clean_up();
	rig_hooks.clean_up();
}

static void after(void)
{
	vmm_clean_up();
	rig_hooks.after();
}

void guest_main(void)
{
	struct report_hooks hooks = { rig_hooks.before, after, clean_up };
	const char *patterns = machine_bootarg("t");

	report_run(patterns ? patterns : "*", &hooks);
}
