/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes, reads back and restores blocks of a disk.
 *
 *   iocheck DISK FIRST BYTES COUNT SEED
 *
 * COUNT times it takes a place and a length inside [FIRST, FIRST + BYTES), keeps what is there, writes
 * a pattern, reads it into other memory, compares, and puts the old contents back. Every transfer
 * bypasses the page cache, so each is a request to the disk, and begins at its own offset in a page, so
 * the lists of pages that the driver maps differ. The disk is as before when it ends.
 */
#include "syscall.h"

#define AT_FDCWD      (-100)
#define O_RDWR        02
#define O_DIRECT      0200000
#define PROT_RW       3
#define MAP_PRIV_ANON 0x22

#define SECTOR       512u
#define TRANSFER_MAX (128u * 1024)
#define BUFFER_SIZE  (TRANSFER_MAX + 4096u)

static uint64_t random_state;

/* xorshift64*: repeatable from the seed, which is not zero. */
static uint64_t random_next(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static uint64_t number_parse(const char *text)
{
	uint64_t value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (uint64_t)(*text++ - '0');
	return value;
}

static uint8_t *buffer_new(void)
{
	long address = system_call(SYS_MMAP, 0, BUFFER_SIZE, PROT_RW, MAP_PRIV_ANON, -1, 0);

	return address < 0 ? NULL : (uint8_t *)address;
}

static int transfer(long number, long disk, uint8_t *buffer, uint64_t length, uint64_t place)
{
	return system_call(number, disk, (long)buffer, (long)length, (long)place, 0, 0) ==
			       (long)length ?
		       0 :
		       -1;
}

/* One round. Returns what went wrong, or NULL. */
static const char *round_run(long disk, uint8_t *old, uint8_t *out, uint8_t *in, uint64_t first,
			     uint64_t bytes)
{
	uint64_t length = SECTOR * (1 + random_next() % (TRANSFER_MAX / SECTOR));
	uint64_t place = first + SECTOR * (random_next() % ((bytes - length) / SECTOR + 1));
	const char *wrong = NULL;

	old += SECTOR * (random_next() % 8);
	out += SECTOR * (random_next() % 8);
	in += SECTOR * (random_next() % 8);
	for (uint64_t i = 0; i < length; i += 8) {
		*(uint64_t *)(void *)(out + i) = random_next();
		*(uint64_t *)(void *)(in + i) = 0;
	}

	if (transfer(SYS_PREAD64, disk, old, length, place) != 0)
		return "the first read failed";
	if (transfer(SYS_PWRITE64, disk, out, length, place) != 0)
		wrong = "the write failed";
	else if (transfer(SYS_PREAD64, disk, in, length, place) != 0)
		wrong = "the read back failed";
	for (uint64_t i = 0; wrong == NULL && i < length; i++)
		if (in[i] != out[i])
			wrong = "what was read back differs";
	if (transfer(SYS_PWRITE64, disk, old, length, place) != 0 && wrong == NULL)
		wrong = "the last write failed";
	return wrong;
}

static const char *check(char **argv)
{
	uint64_t first = number_parse(argv[2]), bytes = number_parse(argv[3]);
	uint64_t count = number_parse(argv[4]);
	uint8_t *old = buffer_new(), *out = buffer_new(), *in = buffer_new();
	const char *wrong = NULL;
	long disk;

	random_state = number_parse(argv[5]) + 1;
	disk = system_call(SYS_OPENAT, AT_FDCWD, (long)argv[1], O_RDWR | O_DIRECT, 0, 0, 0);
	if (disk < 0)
		return "the disk cannot be opened";
	if (old == NULL || out == NULL || in == NULL)
		return "no memory";
	if (bytes < TRANSFER_MAX)
		return "the range is too small";
	for (uint64_t i = 0; wrong == NULL && i < count; i++)
		wrong = round_run(disk, old, out, in, first, bytes);
	return wrong;
}

int program_main(int argc, char **argv)
{
	const char *wrong = argc == 6 ? check(argv) : "usage: iocheck DISK FIRST BYTES COUNT SEED";

	if (wrong == NULL)
		return 0;
	print("iocheck: ");
	print(wrong);
	print("\n");
	return 1;
}
