/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls about three VMs, and theirs, and DMA of every device: what vm_random_test.c and the fuzzer play. All
 * chances are fake_random_below()'s.
 */
#ifndef RANDOM_VMS_H
#define RANDOM_VMS_H

#include "bench_vm.h"

#define RANDOM_VMS 3u

/* How often each kind of call went well, and not. */
enum kind { CREATE,
	    DESTROY,
	    DONATE,
	    ADD_POOL,
	    ASSIGN,
	    NAME,
	    RELEASE,
	    MAP_MMIO,
	    MAP_IRQ,
	    FINALISE,
	    RUN,
	    SHARE,
	    UNSHARE,
	    RELINQUISH,
	    GUARD,
	    RESET,
	    ALLOC,
	    FREE,
	    MAP,
	    UNMAP,
	    ATTACH,
	    DETACH,
	    KINDS };
extern u32 random_went_well[KINDS], random_refused[KINDS];
extern u32 random_vm[RANDOM_VMS]; /* handles; 0: not there */
extern u32 random_landed;         /* accesses of devices that reached memory, each in a page of the device's owner */

void random_vms_begin(void); /* after bench_boot */
void random_vms_call(void);
void random_vms_dma(void);

#endif
