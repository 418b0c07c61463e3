/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests, devices and hypervisor in random order, against a reference that knows per interrupt only: what is configured,
 * whether it has to be delivered (`must`), how often it may be (`credit`), whether a handler runs (`busy`). Exits happen
 * only where a kick or a maintenance interrupt asks for one, late; so a missing one loses an interrupt here. All chances
 * are fake_random_below()'s: vgic_random_test.c and the fuzzer play it.
 */
#ifndef VGIC_PLAY_H
#define VGIC_PLAY_H

#include "vgic_guest.h"

void vgic_play_begin(u32 vcpu_count, u32 lr_count);
/* Something happens; `steady`: nobody configures. */
void vgic_play_step(bool steady);
/* Everybody runs until nobody has anything to do: none is lost, and registers are right. */
void vgic_play_drain(void);
/* In place of a step: any access and value, any SGI. What is checked at each load holds; the reference is lost. */
void vgic_play_hostile(void);

#endif
