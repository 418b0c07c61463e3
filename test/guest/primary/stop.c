/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For a hypervisor that has been asked to make a mistake at SYSTEM_OFF: every other CPU says that it is alive, again
 * and again, so that scripts/lib/stop_report.py sees whether the whole machine has stopped.
 */
#include <stdio.h>

#include "gic.h"
#include "machine.h"
#include "report.h"
#include "smp.h"

#define BEAT_MS 1000 /* time for the report of a mistake, so that it is not written over, also by a host that is crowded */

static struct spinlock console;
static struct barrier all;

static void beat(void *arg)
{
	u32 cpu = *(u32 *)arg;

	for (u32 n = 1;; n++) {
		spin_lock(&console);
		printf("[t] info stop.cpu%u beat=%u\n", cpu, n);
		spin_unlock(&console);
		if (n == 1)
			barrier_wait(&all);
		gic_sleep_ms(BEAT_MS);
	}
}

CASE(stop, whole_machine)
{
	static u32 index[MAX_CPUS];

	all.count = smp_start_all();
	printf("[t] info stop.machine cpus=%u\n", all.count);
	for (u32 i = 1; i < all.count; i++) {
		index[i] = i;
		smp_run(i, beat, &index[i]);
	}
	barrier_wait(&all);
	psci_system_off();
}

static void nothing(void)
{
}

void guest_main(void)
{
	static const struct report_hooks none = { nothing, nothing, nothing };

	report_run("*", &none);
}
