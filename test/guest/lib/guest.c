/* SPDX-License-Identifier: BSD-2-Clause */
/* From the entry to guest_main: what every image needs before its own work. */
#include <libfdt.h>
#include <stdio.h>

#include "hcall.h"
#include "machine.h"
#include "mmu.h"
#include "pci.h"
#include "ram.h"
#include "report.h"
#include "smp.h"

void guest_start(const void *fdt);

void guest_start(const void *fdt)
{
	if (fdt_check_header(fdt))
		psci_system_off();
	machine_read(fdt);
	mmu_map_memory();
	setvbuf(stdout, NULL, _IONBF, 0);
	cpu0.mpidr = machine.mpidr[0];
	ram_init();
	pci_scan();
	guest_main();
	report_done();
}

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
