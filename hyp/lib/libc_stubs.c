/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What newlib asks of a system, as far as string.h, snprintf and assert need it. There is no
 * heap and no file: an allocation inside the library fails, an assertion panics.
 */
#include <errno.h>

#include "hyp/check.h"

void *_sbrk(ptrdiff_t change); /* NOLINT(bugprone-reserved-identifier): the name is newlib's */

void *_sbrk(ptrdiff_t change)
{
	(void)change;
	errno = ENOMEM;
	return (void *)-1;
}

void __assert_func(const char *file, int line, const char *function, const char *condition)
{
	panic("%s:%d: %s: assert(%s)", file, line, function, condition);
}
