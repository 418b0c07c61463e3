/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls about three VMs, and theirs, and DMA of every device (test/play), played against the core on the bench:
 * what vm_random_test.c and the fuzzer do. All chances are fake_random_below()'s.
 */
#ifndef RANDOM_VMS_H
#define RANDOM_VMS_H

#include "bench_vm.h"
#include "play.h"

/* How often each kind of call went well, and not. */
extern u32 random_went_well[PLAY_KINDS], random_refused[PLAY_KINDS];
extern struct play random_vms;
extern u32 random_landed; /* accesses of devices that reached memory, each in a page of the device's owner */
/* The actions that are of hardware, kinds 24 to 31. */
extern void (*random_hardware)(u32 kind);

void random_vms_begin(void); /* after bench_boot */

#endif
