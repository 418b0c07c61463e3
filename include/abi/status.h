/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Status codes of the Portcullis guest interface, version 1.0.
 *
 * Calls 2..63 and PVIOMMU_OP operations 0..0x3F answer only PC_SUCCESS, PC_NOT_SUPPORTED and PC_INVALID_PARAMETER in
 * R0, as pKVM guests know them, and the precise status in R3. Two of them answer a number in place of PC_SUCCESS:
 * HYP_MEMINFO and MMIO_GUARD_INFO, the granule. Every other call answers the precise status in R0.
 *
 * R1 is zero, and so are R2 and R3, where no result is said. Any call may answer what is said of its status here; a
 * row or a comment of a call names those that mean more.
 */
#ifndef ABI_STATUS_H
#define ABI_STATUS_H

#define PC_SUCCESS           0   /* done */
#define PC_NOT_SUPPORTED     (-1)   /* no such call, operation, data type or flag */
#define PC_INVALID_PARAMETER (-3)   /* malformed: alignment, range, reserved bits, size below minimum */
#define PC_NOT_FOUND         (-16)   /* no such object of this caller */
#define PC_EXISTS            (-17)   /* already mapped, already set, 1:1 rule */
#define PC_BUSY              (-18)   /* in use, frozen, pinned, still being invalidated */
#define PC_NO_MEMORY         (-19)   /* the VM's own pool is exhausted */
#define PC_DENIED            (-20)   /* right object, not allowed */
#define PC_TOO_BIG           (-21)   /* bytes beyond the known structure are not zero */
#define PC_FAULT             (-22)   /* a buffer is not entirely readable (writable) memory of the caller */
#define PC_IO                (-23)   /* hardware did not complete; the device is quarantined */

#endif
