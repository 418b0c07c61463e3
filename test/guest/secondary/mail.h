/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a primary and the service image of its secondaries agree on: where things lie in the VM, and the page by
 * which the primary asks for a service by name (after Hafnium's test services) and gets its results.
 *
 * The image lies at SERVICE_BASE, entered there; x0 is the address of the mail page, which the secondary shares
 * first of all. Then it reads the doorbell: whenever the primary answers that read, the service named in the page
 * runs, and the next read says that it is over.
 */
#ifndef SECONDARY_MAIL_H
#define SECONDARY_MAIL_H

#include "types.h"

#define SERVICE_BASE 0x80000000ul

/* Nobody's addresses: they exit to the primary (PC_VM_OPEN_MMIO, or the MMIO guard). */
#define DOORBELL       0x0a000000ul
#define DOORBELL_READY (DOORBELL + 0x00) /* read, 4 bytes: give me work */
#define DOORBELL_EVENT (DOORBELL + 0x08) /* write, 4 bytes: something in the middle of a service */
#define DOORBELL_OTHER (DOORBELL + 0x100) /* for tests of every width */

/* Registers of devices are mapped from here on, 2 MiB apart. */
#define SERVICE_MMIO(n) (0x20000000ul + (n) * 0x200000ul)

/* The interrupt controller of a secondary. */
#define SERVICE_GICD      0x08000000ul
#define SERVICE_GICR      0x080a0000ul
#define SERVICE_TIMER_IRQ 27u
#define SERVICE_IRQS      128u

enum mail_state { MAIL_GIVEN = 1,
		  MAIL_DONE,
		  MAIL_FAILED };

#define MAIL_ARGS 12
#define MAIL_DATA 2048

struct mail {
	char service[32];
	u32 state; /* enum mail_state */
	u32 vcpus;
	u64 progress; /* counts while a service runs */
	u64 arg[MAIL_ARGS];
	u64 result[16];
	char text[200]; /* why a service failed */
	u8 padding[MAIL_DATA - 32 - 16 - 8 * MAIL_ARGS - 128 - 200];
	u64 data[MAIL_DATA / 8];
};

_Static_assert(sizeof(struct mail) == PAGE, "one page");

#endif
