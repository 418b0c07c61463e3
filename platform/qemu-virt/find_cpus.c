/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs, and the firmware call that starts them. */
#include "board.h"

#define MPIDR_AFFINITY 0xff00fffffful

bool find_cpu(struct discovery *d, const struct dt_node *n)
{
	const struct dt_node *cpus = dt_parent(d->dt, n);
	const char *name = n->name;
	struct cells reg = dt_cells(d->dt, n, DT_REG);
	struct machine *m = d->m;
	u64 mpidr;

	if (!dt_enabled(d->dt, n))
		return true;
	mpidr = cells_take(&reg, dt_address_cells(d->dt, cpus));
	if (reg.bad || reg.left || mpidr & ~MPIDR_AFFINITY)
		return refuse("%s: its reg is not an MPIDR", name);
	/* QEMU gives a single CPU no enable-method. */
	if (dt_prop(d->dt, n, DT_ENABLE_METHOD) && !dt_says(d->dt, n, DT_ENABLE_METHOD, "psci"))
		return refuse("%s: it is not started by PSCI", name);
	if (m->cpu_count == MACHINE_MAX_CPUS)
		return refuse("%s: the device tree has more than %u CPUs", name, MACHINE_MAX_CPUS);
	for (u32 i = 0; i < m->cpu_count; i++)
		if (m->cpu[i].mpidr == mpidr)
			return refuse("%s: a second CPU with MPIDR 0x%lx", name, mpidr);
	if (m->cpu_count > 0 && !dt_prop(d->dt, n, DT_ENABLE_METHOD))
		return refuse("%s: the device tree does not say how to start it", name);
	m->cpu[m->cpu_count++].mpidr = mpidr;
	return true;
}

bool find_psci(struct discovery *d, const struct dt_node *n)
{
	const char *name = n->name;

	if (d->has_psci)
		return refuse("%s: a second PSCI", name);
	if (!dt_says(d->dt, n, DT_METHOD, "smc"))
		return refuse("%s: PSCI is not called by SMC (QEMU: -M virt,virtualization=on)", name);
	d->has_psci = true;
	return true;
}

bool find_cpus_check(const struct discovery *d)
{
	if (d->m->cpu_count == 0)
		return refuse("the device tree has no CPU");
	if (!d->has_psci)
		return refuse("the device tree has no PSCI 0.2 or later");
	return true;
}
