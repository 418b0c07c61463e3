/* SPDX-License-Identifier: BSD-2-Clause */
/* What the executable specification needs of who runs it (test/spec/spec.h), on the host. */
#include "spec.h"

#include "suite.h"

static u8 memory[48u << 20] ALIGNED(4096);

void spec_failed(const char *text)
{
	suite_fail("specification: %s", text);
}

void spec_host_begin(void)
{
	spec_memory(memory, sizeof(memory));
	spec_begin();
}
