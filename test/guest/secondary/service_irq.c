/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of a secondary: its timer, what the primary or a device raises, what its own vCPUs send each other. */
#include "edu.h"
#include "gic.h"
#include "machine.h"
#include "service.h"
#include "smp.h"

#define WAIT_MS 40000 /* only what fails, or a crowded host, takes as long */

static volatile u32 taken_count, taken_irq;
static struct edu quiet; /* the device whose line is to be lowered in the handler */
static bool once; /* nobody lowers the line: one interrupt is enough */

static void taken(u32 irq)
{
	taken_irq = irq;
	taken_count++;
	if (once)
		gic_disable(irq);
	if (irq == SERVICE_TIMER_IRQ)
		sysreg_write(cntv_ctl_el0, 0);
	if (quiet.regs)
		edu_clear_irq(&quiet, ~0u);
}

static void start(void)
{
	quiet.regs = 0;
	once = false;
	taken_count = 0;
	taken_irq = ~0u;
	gic_init(taken);
}

/* Interrupts on, asleep or not, until `count` were taken or time is up. */
static void await(u32 count, bool asleep)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);

	while (taken_count < count && time_ticks() < end) {
		if (asleep) {
			/* Masked between the look and the sleep: a pending interrupt ends it all the same. */
			wfi();
			irq_on();
			isb();
			irq_off();
		} else {
			irq_on();
			isb();
			irq_off();
		}
	}
	mail->result[0] = taken_count;
	mail->result[1] = taken_irq;
}

/* arg: ticks wanted, microseconds each, asleep -> how many were taken, the last interrupt, counter at the end */
SERVICE(timer)
{
	start();
	gic_enable(SERVICE_TIMER_IRQ, true);
	for (u32 i = 1; i <= mail->arg[0]; i++) {
		sysreg_write(cntv_cval_el0, time_ticks() + time_ms(mail->arg[1]) / 1000);
		sysreg_write(cntv_ctl_el0, 1);
		isb();
		await(i, mail->arg[2]);
	}
	gic_disable(SERVICE_TIMER_IRQ);
	mail->result[2] = time_ticks();
}

/* arg: milliseconds -> 0, or not 0: it was only the timer that ended the wait */
SERVICE(wait_event)
{
	sysreg_write(cntv_cval_el0, time_ticks() + time_ms(mail->arg[0]));
	sysreg_write(cntv_ctl_el0, 1);
	isb();
	wait_behind_exit(SERVICE_GICD);
	mail->result[0] = sysreg_read(cntv_ctl_el0) & TIMER_ISTATUS;
	sysreg_write(cntv_ctl_el0, 0);
}

/*
 * arg: interrupt, level, how many, asleep -> how many were taken, the last. Says by an event that it is listening. Of
 * a level interrupt it takes one.
 */
SERVICE(wait_irq)
{
	u32 irq = (u32)mail->arg[0];

	start();
	once = mail->arg[1];
	gic_enable(irq, mail->arg[1]);
	service_event(irq);
	await((u32)mail->arg[2], mail->arg[3]);
	gic_disable(irq);
}

/* As wait_irq for a device: it raises its own line first. */
SERVICE(edu_irq)
{
	struct edu e = { .regs = mail->arg[4] };
	u32 irq = (u32)mail->arg[0];

	start();
	quiet = e;
	gic_enable(irq, true);
	for (u32 i = 1; i <= mail->arg[2]; i++) {
		edu_raise_irq(&e, 1);
		await(i, mail->arg[3]);
	}
	mail->result[2] = edu_irq_bits(&e);
	gic_disable(irq);
}

/* --- several vCPUs */

static struct {
	u32 hits[MAX_CPUS];
	u32 sgis[MAX_CPUS];
	u64 mpidr[MAX_CPUS];
	u32 stop;
} shared;

static void count_hit(void *arg)
{
	u32 me = cpu_this()->index;

	(void)arg;
	shared.mpidr[me] = sysreg_read(mpidr_el1) & 0xff00ffffff;
	shared.hits[me]++;
}

/* All vCPUs by PSCI CPU_ON, each does a piece of work -> how many vCPUs, sum of work, of MPIDRs */
SERVICE(all_vcpus)
{
	u32 count = smp_start_all();

	for (u32 round = 0; round < mail->arg[0]; round++) {
		for (u32 i = 1; i < count; i++)
			smp_run(i, count_hit, NULL);
		for (u32 i = 1; i < count; i++)
			smp_join(i);
	}
	mail->result[0] = count;
	mail->result[1] = 0;
	mail->result[2] = 0;
	for (u32 i = 1; i < count; i++) {
		mail->result[1] += shared.hits[i];
		mail->result[2] += shared.mpidr[i] << 8 * (i - 1);
	}
}

static void count_sgi(u32 irq)
{
	shared.sgis[cpu_this()->index] += irq == 3;
}

static void take_sgis(void *arg)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);
	u32 me = cpu_this()->index;

	gic_cpu_init();
	mmio_write32(gic_redistributor() + GICR_SGI + GICD_ISENABLER, 1u << 3);
	__atomic_add_fetch((u32 *)arg, 1, __ATOMIC_ACQ_REL);
	while (shared.sgis[me] < mail->arg[0] && time_ticks() < end) {
		irq_on();
		isb();
		irq_off();
	}
}

/* arg: SGIs to send to each of the others, one at a time -> sum of those taken */
SERVICE(sgi)
{
	u32 count = smp_start_all(), ready = 0;
	u64 end = time_ticks() + time_ms(WAIT_MS);

	gic_init(count_sgi);
	for (u32 i = 1; i < count; i++) {
		shared.sgis[i] = 0;
		smp_run(i, take_sgis, &ready);
	}
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != count - 1 && time_ticks() < end)
		;
	for (u32 n = 1; n <= mail->arg[0]; n++) {
		/* To all others: IRM. */
		sysreg_write(icc_sgi1r_el1, 1ul << 40 | 3ul << 24);
		isb();
		for (u32 i = 1; i < count; i++) {
			while (*(volatile u32 *)&shared.sgis[i] < n && time_ticks() < end)
				;
		}
	}
	mail->result[0] = 0;
	for (u32 i = 1; i < count; i++) {
		smp_join(i);
		mail->result[0] += shared.sgis[i];
	}
}

static void spin_until_stopped(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&shared.stop, __ATOMIC_ACQUIRE))
		__atomic_add_fetch(&mail->progress, 1, __ATOMIC_RELAXED);
}

/* Never ends, on all vCPUs. */
SERVICE(spin_everywhere)
{
	u32 count = smp_start_all();

	for (u32 i = 1; i < count; i++)
		smp_run(i, spin_until_stopped, NULL);
	spin_until_stopped(NULL);
}

/* arg: function, three arguments -> result */
SERVICE(psci)
{
	mail->result[0] = (u64)psci_call((u32)mail->arg[0], mail->arg[1], mail->arg[2], mail->arg[3]);
}

static void go_off(void *arg)
{
	(void)arg;
	psci_call(PSCI_CPU_OFF, 0, 0, 0);
}

/* vCPU 1 -> AFFINITY_INFO of it when it has gone off, when it is on again */
SERVICE(off_and_on)
{
	u64 end = time_ticks() + time_ms(WAIT_MS);

	smp_start_all();
	smp_run(1, go_off, NULL);
	do
		mail->result[0] = (u64)psci_call(PSCI_AFFINITY_INFO, 1, 0, 0);
	while (mail->result[0] == 0 && time_ticks() < end);
	smp_forget(1);
	smp_start_all();
	mail->result[1] = (u64)psci_call(PSCI_AFFINITY_INFO, 1, 0, 0);
}
