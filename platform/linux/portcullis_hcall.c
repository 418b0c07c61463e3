// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Calls to Portcullis: status codes to errno.
 *
 * The HVC itself is in portcullis_hvc.c, so that a test can link a hypervisor
 * of its own making in its place.
 */
#include <linux/arm-smccc.h>
#include <linux/bits.h>
#include <linux/errno.h>

#include "portcullis.h"

/* Of FEATURES: functions 61 to 63, which the pvIOMMU is made of. */
#define PCL_FEATURES_WORD1	GENMASK(31, 29)

static int pcl_errno(s32 status)
{
	switch (status) {
	case PC_SUCCESS:
		return 0;
	case PC_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case PC_INVALID_PARAMETER:
		return -EINVAL;
	case PC_NOT_FOUND:
		return -ENOENT;
	case PC_EXISTS:
		return -EEXIST;
	case PC_BUSY:
		return -EBUSY;
	case PC_NO_MEMORY:
		return -ENOMEM;
	case PC_DENIED:
		return -EACCES;
	case PC_TOO_BIG:
		return -E2BIG;
	case PC_FAULT:
		return -EFAULT;
	default:
		return -EIO;
	}
}

/* A call that answers its precise status in R0. */
int pcl_call(u32 fn, u64 r1, u64 r2, u64 r3, struct arm_smccc_res *res)
{
	pcl_smccc(fn, r1, r2, r3, 0, 0, 0, res);
	return pcl_errno(res->a0);
}

int pcl_op(u32 op, u64 r2, u64 r3, u64 r4, u64 r5, u64 r6,
	   struct arm_smccc_res *res)
{
	pcl_smccc(PC_PVIOMMU_OP, op, r2, r3, r4, r5, r6, res);

	/*
	 * The operations shared with pKVM say only yes, no or unknown in R0,
	 * and why in R3. A zero there is a hypervisor that does not say.
	 */
	if (res->a0 && op < PVIOMMU_OP_FIRST_OURS && res->a3)
		return pcl_errno(res->a3);
	return pcl_errno(res->a0);
}

int pcl_query(u32 pviommu, u32 property, u32 index, u64 *value)
{
	struct arm_smccc_res res;
	int ret;

	ret = pcl_op(PVIOMMU_QUERY, pviommu, property, index, 0, 0, &res);
	*value = ret ? 0 : res.a1;
	return ret;
}

/*
 * Only asked after a "pkvm,pviommu" node was found: without a hypervisor an
 * HVC is an undefined instruction.
 */
bool pcl_hypervisor_present(void)
{
	struct arm_smccc_res res;

	pcl_smccc(PC_VENDOR_UID, 0, 0, 0, 0, 0, 0, &res);
	if ((u32)res.a0 != PC_VENDOR_UID_0 || (u32)res.a1 != PC_VENDOR_UID_1 ||
	    (u32)res.a2 != PC_VENDOR_UID_2 || (u32)res.a3 != PC_VENDOR_UID_3)
		return false;

	pcl_smccc(PC_VENDOR_FEATURES, 0, 0, 0, 0, 0, 0, &res);
	return (res.a1 & PCL_FEATURES_WORD1) == PCL_FEATURES_WORD1;
}
