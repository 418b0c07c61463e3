/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process looks at a page that was donated: it was there, is not, and is again, with zeros.
 *
 *   donatecheck /dev/portcullis-donate
 *
 * Children access it while it is away, and have to die of SIGBUS.
 */
#include "syscall.h"

#define AT_FDCWD   (-100)
#define O_RDWR     02
#define PROT_RW    3
#define MAP_SHARED 1
#define SIGBUS     7
#define SIGCHLD    17
#define PAGE       4096u

static volatile uint64_t *page;

static void read_it(void)
{
	(void)page[PAGE / 16];
}

static void write_it(void)
{
	page[0] = 1;
}

static void swap_it(void)
{
	__atomic_fetch_add(&page[1], 1, __ATOMIC_RELAXED);
}

static int command(long device, const char *word, long length)
{
	return system_call(SYS_WRITE, device, (long)word, length, 0, 0, 0) == length ? 0 : -1;
}

/* What a child that does this ends by: its exit status << 8, or a signal. */
static int child_end(void (*what)(void))
{
	int status = -1;
	long child = system_call(SYS_CLONE, SIGCHLD, 0, 0, 0, 0, 0);

	if (child == 0) {
		what();
		system_call(SYS_EXIT_GROUP, 0, 0, 0, 0, 0, 0);
	}
	if (child < 0 || system_call(SYS_WAIT4, child, (long)&status, 0, 0, 0, 0) != child)
		return -1;
	return status;
}

static const char *page_check(long device)
{
	if (page[1] != ~page[0])
		return "the page is not as it was made";
	if (child_end(read_it) != 0)
		return "a child cannot read the page";
	if (command(device, "give", 4) != 0)
		return "the page was not donated";
	if ((child_end(read_it) & 0x7f) != SIGBUS)
		return "a load from the donated page is no SIGBUS";
	if ((child_end(write_it) & 0x7f) != SIGBUS)
		return "a store to the donated page is no SIGBUS";
	if ((child_end(swap_it) & 0x7f) != SIGBUS)
		return "an atomic access to the donated page is no SIGBUS";
	if (command(device, "take", 4) != 0)
		return "the page did not come back";
	for (uint64_t i = 0; i < PAGE / 8; i++)
		if (page[i] != 0)
			return "the page came back with something in it";
	if (child_end(write_it) != 0 || page[0] != 1)
		return "the page that came back cannot be written";
	return NULL;
}

static const char *check(const char *path)
{
	long device = system_call(SYS_OPENAT, AT_FDCWD, (long)path, O_RDWR, 0, 0, 0), at;

	if (device < 0)
		return "the device cannot be opened";
	at = system_call(SYS_MMAP, 0, PAGE, PROT_RW, MAP_SHARED, device, 0);
	if (at < 0)
		return "the page cannot be mapped";
	page = (volatile uint64_t *)at;
	return page_check(device);
}

int program_main(int argc, char **argv)
{
	const char *wrong = argc == 2 ? check(argv[1]) : "usage: donatecheck DEVICE";

	if (wrong == NULL)
		return 0;
	print("donatecheck: ");
	print(wrong);
	print("\n");
	return 1;
}
