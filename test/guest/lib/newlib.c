/* SPDX-License-Identifier: BSD-2-Clause */
/* What newlib asks of a system: the console as every file, a fixed heap, an end. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "report.h"

#define HEAP_BYTES 0x40000

int _write(int file, const char *data, int count);
int _read(int file, char *data, int count);
int _close(int file);
int _fstat(int file, struct stat *status);
int _isatty(int file);
off_t _lseek(int file, off_t offset, int whence);
int _kill(int process, int number);
int _getpid(void);
void *_sbrk(ptrdiff_t change);

int _write(int file, const char *data, int count)
{
	(void)file;
	console_write(data, (size_t)count);
	return count;
}

int _read(int file, char *data, int count)
{
	(void)file, (void)data, (void)count;
	return 0;
}

int _close(int file)
{
	(void)file;
	return 0;
}

int _fstat(int file, struct stat *status)
{
	(void)file;
	status->st_mode = S_IFCHR;
	return 0;
}

int _isatty(int file)
{
	(void)file;
	return 1;
}

off_t _lseek(int file, off_t offset, int whence)
{
	(void)file, (void)offset, (void)whence;
	return 0;
}

int _kill(int process, int number)
{
	(void)process, (void)number;
	errno = EINVAL;
	return -1;
}

int _getpid(void)
{
	return 1;
}

void _exit(int status)
{
	(void)status;
	report_abandon("the C library ended the program");
}

void *_sbrk(ptrdiff_t change)
{
	static char heap[HEAP_BYTES] __attribute__((aligned(16)));
	static ptrdiff_t used;

	if (change > HEAP_BYTES - used || used + change < 0) {
		errno = ENOMEM;
		return (void *)-1;
	}
	used += change;
	return heap + used - change;
}
