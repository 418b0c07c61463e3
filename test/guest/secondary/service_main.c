/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service image of secondaries: takes the place of the library's guest.c, machine.c, report.c and console.c,
 * since a secondary is told by a mail page what to do and has no device tree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "gic.h"
#include "machine.h"
#include "service.h"
#include "smp.h"

#define LINE_BYTES 256

extern struct test_case cases_start[], cases_end[];
extern char image_start[], image_end[];

struct mail *mail;
struct machine machine = { .psci_by_hvc = true,
			   .timer_irq = SERVICE_TIMER_IRQ,
			   .gicd = { SERVICE_GICD, 0x10000 } };

static jmp_buf escape;

void guest_start(const void *argument);

u64 image_base(void)
{
	return (u64)image_start;
}

u64 image_size(void)
{
	return (u64)(image_end - image_start);
}

void console_write(const char *data, size_t count)
{
	while (count) {
		struct hres r = console_call((u64)data, count);

		if (!hres_ok(r) || !r.r1 || r.r1 > count)
			return;
		data += r.r1;
		count -= r.r1;
	}
}

void service_event(u32 value)
{
	mmio_write32(DOORBELL_EVENT, value);
}

static void explain(const char *format, va_list args)
{
	vsnprintf(mail->text, sizeof(mail->text), format, args);
	__atomic_store_n(&mail->state, MAIL_FAILED, __ATOMIC_RELEASE);
}

void report_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	explain(format, args);
	va_end(args);
	longjmp(escape, 1);
}

void report_abandon(const char *why)
{
	snprintf(mail->text, sizeof(mail->text), "%s", why);
	__atomic_store_n(&mail->state, MAIL_FAILED, __ATOMIC_RELEASE);
	psci_system_off();
}

struct hres service_ok(const char *text, struct hres got)
{
	REQUIRE(hres_ok(got), "%s answers %s (R0..R3 %lx %lx %lx %lx)", text, status_name(hres_status(got)), got.r0, got.r1,
		got.r2, got.r3);
	return got;
}

static void run(const char *name)
{
	for (const struct test_case *c = cases_start; c < cases_end; c++) {
		if (!strcmp(c->name, name)) {
			c->run();
			return;
		}
	}
	report_fail("there is no service '%s'", name);
}

void guest_start(const void *argument)
{
	static char line[LINE_BYTES];

	mail = (struct mail *)argument;
	setvbuf(stdout, line, _IOLBF, sizeof(line));
	machine.cpu_count = mail->vcpus;
	machine.gicr = (struct range){ SERVICE_GICR, mail->vcpus * GICR_STRIDE };
	for (u32 i = 0; i < mail->vcpus; i++)
		machine.mpidr[i] = i;
	cpu0.mpidr = 0;
	if (!hres_ok(mem_share((u64)mail, 1)))
		psci_system_off();
	for (;;) {
		mmio_read32(DOORBELL_READY);
		irq_off();
		if (setjmp(escape))
			continue;
		run(mail->service);
		__atomic_store_n(&mail->state, MAIL_DONE, __ATOMIC_RELEASE);
	}
}
