/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stddef.h>

/* The PL011 of the device tree; before it is known, output is dropped. Lines end in CR LF. */
void console_write(const char *data, size_t count);

#endif
