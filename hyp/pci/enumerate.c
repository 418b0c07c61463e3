/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot order of PCI. Everything has lost its right to master the bus before anything else is
 * done; the record is complete and hardware agrees with it when pci_enumerate() returns OK.
 */
#include "record.h"

#include "hyp/log.h"

#define TESTDEV_ID 0x00051b36u /* QEMU's iommu-testdev */

static enum status sizes(const char **why)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		enum status status = bar_size_all(&pci_function[i], why);

		if (status != OK)
			return status;
	}
	return OK;
}

/* Functions that no IOMMU holds, however well it is set up. */
static enum status check_bypass(const char **why)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		const struct pci_function *f = &pci_function[i];
		enum status status;

		if (pci_state_of(f)->id == TESTDEV_ID && !pci_machine->option.testdev)
			return record_refuse(f, "iommu-testdev reads memory past the IOMMU; only "
						"with `testdev` on the boot line",
					     why);
		status = virtio_check(f, why);
		if (status != OK)
			return status;
	}
	return OK;
}

/*
 * Bridges forward both ways from now on, which is nobody else's to decide: what is below has
 * neither decoding nor mastering yet. Functions wait for their owner.
 */
static void settle(void)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		struct pci_function *f = &pci_function[i];
		struct pci_state *s = pci_state_of(f);

		s->command = f->bridge ? COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER : 0;
		cfg_write(f, PCI_COMMAND, s->command);
		rows_build(f);
	}
}

/* Of bridges and of what an IOMMU is in front of: host bridges may have both for good. */
static bool command_holds(const struct pci_function *f)
{
	const u32 seen = COMMAND_MEMORY | COMMAND_MASTER;

	return (f->no_iommu && !f->bridge) || (cfg_ask(f, PCI_COMMAND) & seen) == (pci_state_of(f)->command & seen);
}

/* Nothing is known by halves: every function has given every answer, still does, and has taken what it was told. */
static enum status check_settled(const char **why)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		const struct pci_function *f = &pci_function[i];

		if (!command_holds(f) || !caps_hold(f))
			return record_refuse(f, "does not take what is written to it", why);
		if (pci_state_of(f)->unreliable || cfg_read(f, PCI_ID) != pci_state_of(f)->id)
			return record_refuse(f, "does not answer reliably", why);
	}
	return OK;
}

enum status pci_enumerate(const struct machine *m, const char **why)
{
	enum status status = OK;

	record_reset(m);
	for (u32 host = 0; host < m->pci_count && status == OK; host++)
		status = probe_host(host, why);
	if (status == OK)
		status = sizes(why);
	if (status == OK)
		status = check_bypass(why);
	for (u32 host = 0; host < m->pci_count && status == OK; host++)
		status = assign_host(host, why);
	if (status == OK)
		status = topology_all(why);
	if (status != OK)
		return status;
	settle();
	status = check_settled(why);
	if (status != OK)
		return status;
	log_info("PCI: %u functions below %u root buses", pci_function_count, probe_root_count);
	return OK;
}
