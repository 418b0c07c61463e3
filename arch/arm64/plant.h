/* SPDX-License-Identifier: BSD-2-Clause */
/* CONFIG_TEST: bugs of our own, made on demand. */
#ifndef ARM64_PLANT_H
#define ARM64_PLANT_H

#include "hyp/platform.h"

/* Make it; returns if there is none to make, or if nothing caught it. */
void plant(enum plant bug) COLD;

#endif
