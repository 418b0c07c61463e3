/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of test/fake. */
#ifndef FAKE_PRIVATE_H
#define FAKE_PRIVATE_H

void fake_io_reset(void);
void fake_arch_reset(void);
void fake_platform_reset(void);

#endif
