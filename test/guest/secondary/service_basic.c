/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps that a primary's test is scripted from: one call, one access, one DMA. And the callers that never end. */
#include <stdio.h>
#include <string.h>

#include "edu.h"
#include "gic.h"
#include "machine.h"
#include "service.h"
#include "testdev.h"
#include "trap.h"

/* arg: R0..R6 -> R0..R3 */
SERVICE(call)
{
	const u64 *a = mail->arg;
	struct hres r = hcall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);

	mail->result[0] = r.r0;
	mail->result[1] = r.r1;
	mail->result[2] = r.r2;
	mail->result[3] = r.r3;
}

/* arg: text is in the page's data, bytes -> status of CONSOLE. The same by printf, too. */
SERVICE(hello)
{
	REQUIRE(OK(console_call((u64)mail->data, mail->arg[0])).r1 == mail->arg[0], "CONSOLE prints less than it was given");
	mail->result[0] = (u64)printf("a secondary of %u vCPUs says hello\n", machine.cpu_count);
	fflush(stdout);
}

/* arg: address, width -> 1 if it did not trap, value, ESR */
SERVICE(peek)
{
	u64 at = mail->arg[0], value = 0;

	switch (mail->arg[1]) {
	case 1:
		mail->result[0] = TRY(value = mmio_read8(at));
		break;
	case 2:
		mail->result[0] = TRY(value = mmio_read16(at));
		break;
	case 4:
		mail->result[0] = TRY(value = mmio_read32(at));
		break;
	default:
		mail->result[0] = TRY(value = mmio_read64(at));
		break;
	}
	mail->result[1] = value;
	mail->result[2] = cpu_this()->trap_esr;
}

/* arg: address, width, value -> 1 if it did not trap, nothing, ESR */
SERVICE(poke)
{
	u64 at = mail->arg[0], value = mail->arg[2];

	switch (mail->arg[1]) {
	case 2:
		mail->result[0] = TRY(mmio_write16(at, (u16)value));
		break;
	case 4:
		mail->result[0] = TRY(mmio_write32(at, (u32)value));
		break;
	default:
		mail->result[0] = TRY(mmio_write64(at, value));
		break;
	}
	mail->result[2] = cpu_this()->trap_esr;
}

/* A load that extends its sign: arg: address -> value */
SERVICE(peek_signed)
{
	u64 value;

	asm volatile("ldrsh %0, [%1]" : "=r"(value) : "r"(mail->arg[0]) : "memory");
	mail->result[0] = value;
}

/* arg: address, 8-byte words, value of the first; each next is one more. */
SERVICE(fill)
{
	u64 *words = (u64 *)mail->arg[0];

	for (u64 i = 0; i < mail->arg[1]; i++)
		words[i] = mail->arg[2] + i;
}

/* arg: address, 8-byte words, value of the first, step -> how many differ, index and value of the first of them */
SERVICE(check)
{
	volatile u64 *words = (u64 *)mail->arg[0];

	mail->result[0] = 0;
	for (u64 i = 0; i < mail->arg[1]; i++) {
		if (words[i] == mail->arg[2] + i * mail->arg[3])
			continue;
		if (!mail->result[0]++) {
			mail->result[1] = i;
			mail->result[2] = words[i];
		}
	}
}

/* arg: registers, IOVA -> what the device says. Its read-back is outside the IOMMU, so ELSEWHERE counts as accepted. */
SERVICE(testdev)
{
	struct testdev t = { .regs = mail->arg[0] };

	mail->result[0] = testdev_write(&t, mail->arg[1], mail->arg[1], 4);
}

/* arg: registers of a testdev, first IOVA, bytes, step; result: places tried, those that were reached, the first. */
SERVICE(testdev_sweep)
{
	struct testdev t = { .regs = mail->arg[0] };
	u64 end = mail->arg[1] + mail->arg[2], tried = 0, reached = 0, first = 0;

	for (u64 at = mail->arg[1]; at < end; at += mail->arg[3]) {
		tried++;
		if (testdev_write(&t, at, at, 4) != TESTDEV_REFUSED && !reached++)
			first = at;
	}
	mail->result[0] = tried;
	mail->result[1] = reached;
	mail->result[2] = first;
}

/* arg: registers, IOVA, offset in its buffer, bytes -> 1 if it ended */
SERVICE(edu_load)
{
	struct edu e = { .regs = mail->arg[0] };

	mail->result[0] = edu_load(&e, mail->arg[1], (u32)mail->arg[2], (u32)mail->arg[3]);
}

SERVICE(edu_store)
{
	struct edu e = { .regs = mail->arg[0] };

	mail->result[0] = edu_store(&e, mail->arg[1], (u32)mail->arg[2], (u32)mail->arg[3]);
}

/* Starts it and does not wait. */
SERVICE(edu_start_store)
{
	struct edu e = { .regs = mail->arg[0] };

	edu_start_store(&e, mail->arg[1], (u32)mail->arg[2], (u32)mail->arg[3]);
}

/* Never ends: writes a page that grows older, so that a kill at any instruction finds it half done. */
SERVICE(write_forever)
{
	u64 *words = (u64 *)mail->arg[0];

	for (u64 round = 1;; round++) {
		for (u64 i = 0; i < mail->arg[1]; i++)
			words[i] = round;
		mail->progress = round;
	}
}

/* Never ends: arg: registers of a testdev, IOVA. */
SERVICE(dma_forever)
{
	struct testdev t = { .regs = mail->arg[0] };

	for (;;) {
		mail->result[0] = testdev_write(&t, mail->arg[1], mail->arg[1], 4);
		mail->progress++;
	}
}

/* Never ends: arg: domain, IOVA, IPA, bytes. */
SERVICE(map_forever)
{
	const u64 *a = mail->arg;

	for (;;) {
		pv_map(a[0], a[1], a[2], a[3], PVIOMMU_PROT_READ | PVIOMMU_PROT_WRITE);
		pv_unmap(a[0], a[1], a[3]);
		mail->progress++;
	}
}

/* Never ends: arg: IPA, pages. */
SERVICE(share_forever)
{
	for (;;) {
		mem_share(mail->arg[0], mail->arg[1]);
		mem_unshare(mail->arg[0], mail->arg[1]);
		mail->progress++;
	}
}

SERVICE(spin)
{
	for (;;)
		__atomic_add_fetch(&mail->progress, 1, __ATOMIC_RELAXED);
}

SERVICE(wait_forever)
{
	for (;;) {
		mail->progress++;
		wfi();
	}
}

/* arg: events, value of the first. */
SERVICE(events)
{
	for (u64 i = 0; i < mail->arg[0]; i++)
		service_event((u32)(mail->arg[1] + i));
}

/* arg: milliseconds -> ticks it took */
SERVICE(sleep)
{
	u64 start = time_ticks();

	gic_sleep_ms(mail->arg[0]);
	mail->result[0] = time_ticks() - start;
}

/* arg: an address of nobody's -> SMC: 1 if it did not trap, ESR; the address: 1 if not, ESR, value; x0 after the SMC; after an HVC #1 */
SERVICE(forbidden)
{
	register u64 x0 asm("x0") = 0xc2000001; /* a silicon vendor's call */
	u64 value = 0;

	trap_arm();
	asm volatile("smc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
	mail->result[5] = x0;
	x0 = PC_HYP_MEMINFO;
	asm volatile("hvc #1" : "+r"(x0)::"memory");
	mail->result[6] = x0;
	mail->result[0] = trap_disarm();
	mail->result[1] = cpu_this()->trap_esr;
	mail->result[2] = TRY(value = mmio_read32(mail->arg[0]));
	mail->result[3] = cpu_this()->trap_esr;
	mail->result[4] = value;
}

/* As fill, but the value is given complemented and every word is the same: for patterns that only this VM may hold. */
SERVICE(fill_inverse)
{
	u64 *words = (u64 *)mail->arg[0];

	for (u64 i = 0; i < mail->arg[1]; i++)
		words[i] = ~mail->arg[2];
}

/* Never ends: arg: pvIOMMU, vSID, domain. */
SERVICE(attach_forever)
{
	const u64 *a = mail->arg;

	for (;;) {
		pv_attach(a[0], a[1], 0, a[2], 0);
		pv_detach(a[0], a[1], 0, a[2]);
		mail->progress++;
	}
}
