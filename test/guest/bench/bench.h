/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the image `bench` share. */
#ifndef GUEST_BENCH_H
#define GUEST_BENCH_H

#include "bench_count.h"

/* bench_vm.c: secondaries, of memory that begins at a 2 MiB boundary; an empty call's figure is known. */
void bench_vms(u64 memory, u32 null_call);

/* bench_events.c: faults of the rig's testdev, which is attached. */
void bench_events(void);
/* bench_nested.c: a guest's invalidations of its own first stage; the rig's last endpoint is attached to nothing. */
void bench_invalidations(void);

#endif
