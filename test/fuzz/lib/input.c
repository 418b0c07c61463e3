/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "record.h"

u64 fuzz_calls;
static u64 inputs;
static size_t least; /* by the environment: what inputs are filled up to */

static const u8 *at;
static u32 left;
static struct record record;

void fuzz_input(const u8 *data, size_t size)
{
	size_t records = size / FUZZ_RECORD;

	at = data;
	left = records > FUZZ_RECORDS ? FUZZ_RECORDS : (u32)records;
	inputs++;
}

bool fuzz_next(void)
{
	if (left == 0)
		return false;
	left--;
	/* Hardware's chances begin anew with each record, too. */
	fake_seed(record_begin(&record, at));
	at += FUZZ_RECORD;
	return true;
}

u64 fuzz_below(u64 limit) { return record_below(&record, limit); }

u64 fuzz_word(void)
{
	switch (fuzz_below(4)) {
	case 0:
		return fuzz_below(256);
	case 1:
		return 1ull << fuzz_below(64);
	case 2:
		return (1ull << fuzz_below(64)) - 1;
	default:
		return record_take(&record, 8);
	}
}

u32 fuzz_effort(u32 usual)
{
	const char *other = getenv("FUZZ_EFFORT"), *rarer = getenv("FUZZ_RARER");

	if (other != NULL)
		return (u32)strtoul(other, NULL, 0);
	return rarer != NULL ? usual * (u32)strtoul(rarer, NULL, 0) : usual;
}

u32 fuzz_calls_a_look(void)
{
	const char *rarer = getenv("FUZZ_RARER");

	return rarer != NULL ? 32 * (u32)strtoul(rarer, NULL, 0) : 1;
}

void fuzz_found(const char *fmt, ...)
{
	va_list args;

	fputs("found: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n%s\n", fake_console);
	abort();
}

static void say_counts(void)
{
	fprintf(stderr, "fuzz: %llu inputs, %llu checked calls\n", (unsigned long long)inputs, (unsigned long long)fuzz_calls);
}

int LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	/* An assertion that fails is a crash. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	if (getenv("FUZZ_LEAST") != NULL)
		least = strtoul(getenv("FUZZ_LEAST"), NULL, 0);
	atexit(say_counts);
	return 0;
}

/* --- mutation by records */

static size_t insert(u8 *data, size_t size, size_t room, size_t at)
{
	if (size + FUZZ_RECORD > room)
		return size;
	memmove(data + at + FUZZ_RECORD, data + at, size - at);
	return size + FUZZ_RECORD;
}

static size_t mutate(u8 *data, size_t size, size_t room)
{
	size_t count = size / FUZZ_RECORD;
	u8 *at, *other;

	if (count < 2)
		return LLVMFuzzerMutate(data, size, room);
	at = data + (size_t)random() % count * FUZZ_RECORD;
	other = data + (size_t)random() % count * FUZZ_RECORD;
	switch (random() % 8) {
	case 0: { /* again, here or elsewhere */
		u8 copy[FUZZ_RECORD];

		memcpy(copy, other, sizeof(copy));
		if (size + FUZZ_RECORD > room)
			return size;
		size = insert(data, size, room, (size_t)(at - data));
		memcpy(at, copy, sizeof(copy));
		return size;
	}
	case 1: /* a new one */
		if (size + FUZZ_RECORD > room)
			return size;
		size = insert(data, size, room, (size_t)(at - data));
		for (u32 i = 0; i < FUZZ_RECORD; i++)
			at[i] = (u8)random();
		return size;
	case 2: /* without it */
		memmove(at, at + FUZZ_RECORD, size - (size_t)(at - data) - FUZZ_RECORD);
		return size - FUZZ_RECORD;
	case 3: /* to another place */
		for (u32 i = 0; i < FUZZ_RECORD; i++) {
			u8 byte = at[i];

			at[i] = other[i];
			other[i] = byte;
		}
		return size;
	case 4: { /* several changes in one byte each */
		for (u32 i = 0; i < 4; i++)
			at[(size_t)random() % FUZZ_RECORD] = (u8)random();
		return size;
	}
	case 5: /* another with its parameters */
		memcpy(at + 1, other + 1, FUZZ_RECORD - 1);
		return size;
	default: { /* within one; its size stays */
		u8 copy[FUZZ_RECORD] = { 0 };

		memcpy(copy, at, sizeof(copy));
		LLVMFuzzerMutate(copy, FUZZ_RECORD, FUZZ_RECORD);
		memcpy(at, copy, sizeof(copy));
		return size;
	}
	}
}

/* New records, and old ones with other parameters: a machine that is used for long. */
static size_t fill(u8 *data, size_t size, size_t room)
{
	size_t count = size / FUZZ_RECORD, target = least < room ? least : room;

	for (size = count * FUZZ_RECORD; count > 0 && size + FUZZ_RECORD <= target; size += FUZZ_RECORD) {
		u8 *to = data + size;

		for (u32 i = 0; i < FUZZ_RECORD; i++)
			to[i] = (u8)random();
		if (random() % 2 != 0)
			memcpy(to, data + (size_t)random() % count * FUZZ_RECORD, (size_t)random() % FUZZ_RECORD);
	}
	return size;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t room, unsigned int seed)
{
	srandom(seed);
	size = mutate(data, size, room);
	return size < least ? fill(data, size, room) : size;
}

size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out, size_t room,
				 unsigned int seed)
{
	size_t from_a, from_b, tail;

	srandom(seed);
	from_a = (size_t)random() % (a_size / FUZZ_RECORD + 1) * FUZZ_RECORD;
	from_b = (size_t)random() % (b_size / FUZZ_RECORD + 1) * FUZZ_RECORD;
	if (from_a > room)
		from_a = room / FUZZ_RECORD * FUZZ_RECORD;
	tail = b_size - from_b;
	if (tail > room - from_a)
		tail = room - from_a;
	memcpy(out, a, from_a);
	memcpy(out + from_a, b + from_b, tail);
	return from_a + tail;
}
