/* SPDX-License-Identifier: BSD-2-Clause */
/* From the entry to guest_main: what every image needs before its own work. */
#include <libfdt.h>
#include <stdio.h>

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
