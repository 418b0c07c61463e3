/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state that every input begins with. It is two runs of host memory: the static objects that fuzz.lds gathers, and
 * a heap that stands in for malloc() and mmap() there. What a machine looks like after its boot is a file in memory;
 * mapped over both runs, privately, it is there again for the price of the pages that are touched.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

#define HEAP_BYTES (512ul << 20)
#define HOST_PAGE  4096ul

/* By fuzz.lds, page aligned; nothing of this file is between them. */
extern u8 fuzz_state_start[], fuzz_state_end[];

static u8 *heap;
static int blank = -1, machines[FUZZ_MACHINES];
static bool booted[FUZZ_MACHINES];

/* At its start, so that it is kept as the rest is. */
struct heap_head {
	size_t used;
};

static struct heap_head *head(void)
{
	if (heap == NULL) {
		heap = mmap(NULL, HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (heap == MAP_FAILED)
			fuzz_found("no host memory");
		((struct heap_head *)(void *)heap)->used = HOST_PAGE;
	}
	return (struct heap_head *)(void *)heap;
}

static void *take(size_t size, size_t align)
{
	struct heap_head *h = head();
	size_t at = (h->used + align - 1) & ~(align - 1);

	if (size > HEAP_BYTES - at)
		fuzz_found("the heap of the fuzzer is full");
	h->used = at + size;
	return heap + at;
}

/* The size is in front. Nothing is freed before the next input. */
void *fuzz_malloc(size_t size)
{
	size_t *p = take(size + 16, 16);

	*p = size;
	return p + 2;
}

void *fuzz_calloc(size_t count, size_t size)
{
	/* Memory above `used` has never been written. */
	return fuzz_malloc(count * size);
}

void *fuzz_realloc(void *old, size_t size)
{
	size_t had = old == NULL ? 0 : ((size_t *)old)[-2];
	void *p;

	if (size <= had)
		return old;
	p = fuzz_malloc(size);
	if (old != NULL)
		memcpy(p, old, had);
	return p;
}

void fuzz_free(void *p UNUSED) {}

void *fuzz_pages(size_t size) { return take(size, 2ul << 20); }

void fuzz_pages_free(void *p UNUSED, size_t size UNUSED) {}

/* --- */

static size_t state_bytes(void) { return (size_t)(fuzz_state_end - fuzz_state_start); }

/* Built without ASan: between static objects are its red zones. */
static void put(int file, const u8 *from, size_t size, off_t at)
{
	static u64 page[HOST_PAGE / sizeof(u64)];

	for (size_t i = 0; i < size; i += HOST_PAGE) {
		const u64 *word = (const u64 *)(const void *)(from + i);
		u64 any = 0;

		for (size_t k = 0; k < ARRAY_SIZE(page); k++)
			any |= page[k] = word[k];
		if (any != 0 && pwrite(file, page, HOST_PAGE, at + (off_t)i) != (ssize_t)HOST_PAGE)
			fuzz_found("no host memory for a machine");
	}
}

static int save(void)
{
	int file = memfd_create("machine", 0);
	size_t used = (head()->used + HOST_PAGE - 1) & ~(HOST_PAGE - 1);

	if (file < 0 || ftruncate(file, (off_t)(state_bytes() + HEAP_BYTES)) != 0)
		fuzz_found("no host memory for a machine");
	put(file, fuzz_state_start, state_bytes(), 0);
	put(file, heap, used, (off_t)state_bytes());
	return file;
}

/* ASan does not hear of it: what it knows of static objects stays. */
static void map(int file, u8 *at, size_t size, off_t from)
{
	long got = syscall(SYS_mmap, at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, from);

	if (got != (long)(uintptr_t)at)
		fuzz_found("no host memory for a machine");
}

static void load(int file)
{
	map(file, fuzz_state_start, state_bytes(), 0);
	map(file, heap, HEAP_BYTES, (off_t)state_bytes());
}

void fuzz_machine(u32 index, void (*boot)(u32 index))
{
	if (blank < 0)
		blank = save();
	if (!booted[index]) {
		load(blank);
		fake_reset();
		boot(index);
		machines[index] = save();
		booted[index] = true;
	}
	load(machines[index]);
}
