// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The instruction that reaches Portcullis.
 *
 * Always HVC, whatever PSCI is called by: the primary of a machine whose
 * firmware takes SMC still finds its hypervisor behind HVC.
 */
#include <linux/arm-smccc.h>

#include "portcullis.h"

/* The arguments are not called r1 to r6: the macro has variables of that name. */
void pcl_smccc(unsigned long fn, unsigned long arg1, unsigned long arg2,
	       unsigned long arg3, unsigned long arg4, unsigned long arg5,
	       unsigned long arg6, struct arm_smccc_res *res)
{
	arm_smccc_1_1_hvc(fn, arg1, arg2, arg3, arg4, arg5, arg6, res);
}
