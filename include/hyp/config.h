/* SPDX-License-Identifier: BSD-2-Clause */
/* Build options as constants, so that code says `if (CONFIG_X)` and is always compiled. */
#ifndef HYP_CONFIG_H
#define HYP_CONFIG_H

/* Test builds: fault injection points and panics on what production logs. */
#ifndef CONFIG_TEST
#define CONFIG_TEST 0
#endif

#endif
