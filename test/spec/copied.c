/* SPDX-License-Identifier: BSD-2-Clause */
#include "copied.h"

#include <string.h>

#include "abstract.h"
#include "mem/guest_copy.h"

#define COPIES       600u /* a structure, and each entry of the longest list */
#define COPIED_BYTES 65536u

static struct {
	u64 vm, from, bytes, at;
} copy[COPIES];
static u8 data[COPIED_BYTES];
static u32 copies;
static u64 used;

void copied_forget(void)
{
	copies = 0;
	used = 0;
}

bool copied_any(void) { return copies > 0; }

static bool covers(u32 i, u64 vm, u64 from, u64 bytes)
{
	return copy[i].vm == vm && from >= copy[i].from && bytes <= copy[i].bytes && from - copy[i].from <= copy[i].bytes - bytes;
}

/* A structure's size is read before the whole: what was read as these bytes is what they were, then. */
bool copied_get(u64 vm, u64 from, void *to, u64 bytes)
{
	u32 best = COPIES;

	for (u32 i = 0; i < copies && best == COPIES; i++)
		if (covers(i, vm, from, bytes) && copy[i].bytes == bytes)
			best = i;
	for (u32 i = 0; i < copies && best == COPIES; i++)
		if (covers(i, vm, from, bytes))
			best = i;
	if (best == COPIES)
		return false;
	memcpy(to, data + copy[best].at + (from - copy[best].from), bytes);
	return true;
}

enum status __real_guest_read(struct vm *vm, ipa_t from, void *to, u64 bytes);
enum status __wrap_guest_read(struct vm *vm, ipa_t from, void *to, u64 bytes);
enum status __wrap_guest_read(struct vm *vm, ipa_t from, void *to, u64 bytes)
{
	enum status status = __real_guest_read(vm, from, to, bytes);

	if (status != OK || copies == COPIES || bytes > COPIED_BYTES - used)
		return status;
	copy[copies].vm = abstract_vm_number(vm);
	copy[copies].from = from.v;
	copy[copies].bytes = bytes;
	copy[copies++].at = used;
	memcpy(data + used, to, bytes);
	used += bytes;
	return status;
}
