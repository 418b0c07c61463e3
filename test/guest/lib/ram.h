/* SPDX-License-Identifier: BSD-2-Clause */
/* Free memory of the machine, handed out in pages; a case gives back all it took at once. */
#ifndef GUEST_RAM_H
#define GUEST_RAM_H

#include "types.h"

void ram_init(void);

/* Zero-filled memory of whole pages; ends the run if there is none. Address and IPA are the same. */
void *ram_alloc(u64 bytes, u64 align);

/* As ram_alloc, but what was there stays there: for buffers larger than is worth clearing. */
u64 ram_alloc_raw(u64 bytes, u64 align);

u64 ram_mark(void);
void ram_release(u64 mark);

/* The range from which ram_alloc serves: what lies in it is free to be written by a test. */
struct range ram_free(void);

#endif
