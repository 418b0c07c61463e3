/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Just enough to write a static arm64 Linux program without a C library: an entry point that calls
 * program_main, and the system calls that the programs beside this file use.
 */
#ifndef TEST_LINUX_SYSCALL_H
#define TEST_LINUX_SYSCALL_H

#include <stddef.h>
#include <stdint.h>

/* Numbers of Linux's generic table, which arm64 uses. */
enum {
	SYS_OPENAT = 56,
	SYS_WRITE = 64,
	SYS_PREAD64 = 67,
	SYS_PWRITE64 = 68,
	SYS_EXIT_GROUP = 94,
	SYS_REBOOT = 142,
	SYS_CLONE = 220,
	SYS_MMAP = 222,
	SYS_WAIT4 = 260,
};

int program_main(int argc, char **argv);

/* What a program does before anything else. */
#ifndef PROGRAM_FIRST
#define PROGRAM_FIRST
#endif

/* The kernel leaves argc at sp and argv above it. */
__asm__(".globl _start\n"
	"_start:\n" PROGRAM_FIRST "	ldr	w0, [sp]\n"
	"	add	x1, sp, #8\n"
	"	bl	program_main\n"
	"	mov	x8, #94\n"
	"	svc	#0\n");

/* Negative on error, as the kernel answers. */
static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

static inline void print(const char *text)
{
	size_t length = 0;

	while (text[length] != 0)
		length++;
	system_call(SYS_WRITE, 1, (long)text, (long)length, 0, 0, 0);
}

#endif
