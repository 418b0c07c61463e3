/* SPDX-License-Identifier: BSD-2-Clause */
/* Hardware on the bench that is late, silent or wrong, as a record says. */
#ifndef FUZZ_HARDWARE_H
#define FUZZ_HARDWARE_H

#include "bench.h"

/* After bench_boot: memory may be lost from here on, and an illegal command is no bug of ours. */
void fuzz_hardware_may_fail(void);
/* When commands complete. */
void fuzz_hardware_time(struct smmu *smmu);
void fuzz_hardware_fails(struct smmu *smmu);
/* An IOMMU's interrupt, of events or of an error. */
u32 fuzz_hardware_irq(void);

#endif
