/* SPDX-License-Identifier: BSD-2-Clause */
/* Included before all else in the files whose allocations are kept: fuzz.mk renames malloc() and its like. */
#ifndef RENAMED_H
#define RENAMED_H

#include <sys/mman.h>

void *fuzz_pages(size_t size);
void fuzz_pages_free(void *p, size_t size);
#define mmap(at, size, ...) fuzz_pages(size)
#define munmap(p, size)     fuzz_pages_free(p, size)

#endif
