/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the specification needs of the image (spec.h): memory, a beginning, and a way to fail. One call is judged at a
 * time, CPUs wait for each other; the same cases run without it elsewhere, so that races are exercised too.
 */
#include <string.h>

#include "entries.h"
#include "hyp/arch.h"
#include "hyp/check.h"
#include "hyp/log.h"
#include "image.h"
#include "spec.h"

#define MEMORY_BYTES (64u << 20) /* a page for each of the tables of a machine of 1 GiB, and 12 bytes for each of its pages */
#define EVERYTHING   2000u       /* calls from one look at everything to the next */
#define PIECE        150u        /* of a long text, in a line of the log */

static u8 memory[MEMORY_BYTES] ALIGNED(4096) __attribute__((section(".noinit")));

/* Lines, and long ones in pieces. */
static void print(const char *text)
{
	while (*text != '\0') {
		size_t line = strcspn(text, "\n"), n = line < PIECE ? line : PIECE;

		log_error("spec: %.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

void spec_failed(const char *text)
{
	print(text);
	panic("specification: %.*s", (int)strcspn(text, "\n"), text);
}

void __real_arch_enter_primary(struct vm *vm, ipa_t entry, ipa_t fdt) NORETURN;
void __wrap_arch_enter_primary(struct vm *vm, ipa_t entry, ipa_t fdt) NORETURN;
void __wrap_arch_enter_primary(struct vm *vm, ipa_t entry, ipa_t fdt)
{
	const char *why = entries_missing();

	if (why != NULL)
		spec_failed(why);
	spec_memory(memory, sizeof(memory));
	spec_effort(EVERYTHING);
	spec_serialise(true);
	spec_begin();
	power_begin();
	log_info("spec: every call, trap and event is judged from here on");
	__real_arch_enter_primary(vm, entry, fdt);
}
