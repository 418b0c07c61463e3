/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hyp/pci.h for suites over the core: functions are what the bench put into the table, a reset
 * takes as many turns and ends as the test says, configuration space is empty.
 */
#include "hyp/pci.h"

#include "bench.h"

struct pci_function pci_function[PCI_MAX_FUNCTIONS];
u32 pci_function_count;

u32 bench_reset_turns;
enum status bench_reset_status;
u32 bench_resets;
u32 bench_reset_fails_at;
u32 bench_pasids_on[BENCH_DEVICES], bench_ats_on[BENCH_DEVICES];
bool bench_master[BENCH_DEVICES], bench_intx_denied[BENCH_DEVICES];

enum status pci_enumerate(const struct machine *m UNUSED, const char **why UNUSED) { return OK; }

u32 pci_config_read(const struct vm *vm UNUSED, u32 host UNUSED, u64 offset UNUSED,
		    u32 width UNUSED)
{
	return ~0u;
}

void pci_config_write(struct vm *vm UNUSED, u32 host UNUSED, u64 offset UNUSED, u32 width UNUSED,
		      u32 value UNUSED)
{
}

enum status pci_device_reset(const struct device *device, bool *again)
{
	static u32 turn;

	bench_resets++;
	if (bench_reset_fails_at > 0 && --bench_reset_fails_at == 0) {
		*again = false;
		return E_IO;
	}
	bench_master[device->index] = false;
	bench_pasids_on[device->index] = bench_ats_on[device->index] = 0;
	*again = ++turn <= bench_reset_turns;
	if (*again)
		return OK;
	turn = 0;
	bench_master[device->index] = bench_reset_status == OK;
	return bench_reset_status;
}

void pci_device_master(const struct device *device, bool allow)
{
	bench_master[device->index] = allow;
	if (!allow)
		bench_pasids_on[device->index] = bench_ats_on[device->index] = 0;
}

void pci_endpoint_pasids(const struct device *device, u32 endpoint)
{
	bench_pasids_on[device->index] |= 1u << endpoint;
}

void pci_endpoint_ats(const struct device *device, u32 endpoint, bool on)
{
	bench_ats_on[device->index] &= ~(1u << endpoint);
	if (on)
		bench_ats_on[device->index] |= 1u << endpoint;
}

void pci_device_intx(const struct device *device, bool allow)
{
	bench_intx_denied[device->index] = !allow;
}

bool pci_endpoint_place(const struct device *device, u32 endpoint, u32 *host, u64 *offset)
{
	*host = 0;
	*offset = (u64)(device->index << 3 | endpoint) << 12;
	return device->pci;
}
