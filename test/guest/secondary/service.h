/* SPDX-License-Identifier: BSD-2-Clause */
/* SERVICE(name) { ... } in a secondary: its arguments are in mail->arg, its results go to mail->result. */
#ifndef SECONDARY_SERVICE_H
#define SECONDARY_SERVICE_H

#include "hcall.h"
#include "mail.h"
#include "report.h"

#define SERVICE(name)                                                    \
	static void service_##name(void);                                \
	static struct test_case entry_##name                             \
		__attribute__((used, section(".cases"), aligned(8))) = { \
			#name, service_##name                            \
		};                                                       \
	static void service_##name(void)

extern struct mail *mail;

/* Lets the primary look, and go on with `value` in its hands. */
void service_event(u32 value);

struct hres service_ok(const char *text, struct hres got);
#define OK(call) service_ok(#call, (call))

#endif
