/* SPDX-License-Identifier: BSD-2-Clause */
/* What the executable specification needs of who runs it (test/spec/spec.h), on the host. */
#include "spec.h"

#include <stdio.h>

#include "suite.h"

static u8 memory[48u << 20] ALIGNED(4096);

/* Both states are longer than a case's message can be. */
void spec_failed(const char *text)
{
	fprintf(stderr, "%s\n", text);
	suite_fail("specification: %.900s", text);
}

void spec_host_begin(void)
{
	spec_memory(memory, sizeof(memory));
	spec_begin();
}
