/* SPDX-License-Identifier: BSD-2-Clause */
/* The image's side of the specification: attach.c begins and ends it, the other files judge what the CPU room answers. */
#ifndef SPEC_IMAGE_H
#define SPEC_IMAGE_H

/* The first guest is entered on this CPU. */
void power_begin(void);

#endif
