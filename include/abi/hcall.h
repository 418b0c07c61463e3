/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call numbers of the Portcullis guest interface, version 1.0.
 *
 * Transport on arm64: HVC #0, SMCCC 1.2 fast call. R0 is x0 (the function identifier, bit 16 is
 * the SVE hint and masked), R1..R6 are x1..x6; results in x0..x3; all other registers keep their
 * values. On x86_64: VMMCALL or VMCALL at CPL 0; R0..R6 are rax, rbx, rcx, rdx, rsi, rdi, r8.
 *
 * Numbers 2..63 are wire-compatible with the pKVM guest interface of the Android Common Kernel
 * (6.12 and later). This header is the normative form of the interface.
 */
#ifndef ABI_HCALL_H
#define ABI_HCALL_H

#define PC_ABI_VERSION_MAJOR 1
#define PC_ABI_VERSION_MINOR 0
/* QUERY version answers major << 16 | minor. */
#define PC_ABI_VERSION ((PC_ABI_VERSION_MAJOR << 16) | PC_ABI_VERSION_MINOR)

/* SMCCC 1.2 service calls (32-bit function ids: arguments and results are W registers). */
#define PC_SMCCC_VERSION       0x80000000u
#define PC_SMCCC_ARCH_FEATURES 0x80000001u
#define PC_SMCCC_VERSION_1_2   0x10002u
#define PC_VENDOR_UID          0x8600ff01u /* answers the KVM vendor UID below */
#define PC_VENDOR_FEATURES     0x86000000u /* R0..R3: bitmap of functions 0..127 */

#define PC_VENDOR_UID_0 0xb66fb428u
#define PC_VENDOR_UID_1 0xe911c52eu
#define PC_VENDOR_UID_2 0x564bcaa9u
#define PC_VENDOR_UID_3 0x743a004du

#define PC_FN_BASE  0xc6000000u
#define PC_FN_MASK  0x0000ffffu
#define PC_SVE_HINT 0x00010000u
#define PC_CALL_64  0x40000000u /* set: arguments and results are 64 bits wide */
#define PC_FN(n)    (PC_FN_BASE | (n))

/*
 * pKVM-compatible calls. 2 to 11 are a secondary's: the primary gets PC_NOT_SUPPORTED. What a row says is zero must
 * be; registers that it does not name are not looked at. Where R2 counts pages, 0 means 1, and R1 says how many were
 * done from the first on: PC_SUCCESS with fewer than R2, call again for the rest.
 *
 *   HYP_MEMINFO        R1..R3 zero -> R0 the granule, R1 = 1: calls take a count of pages
 *   MEM_SHARE          R1 IPA, R2 pages, R3 zero -> R1 pages that the primary may use too
 *   MEM_UNSHARE        R1 IPA, R2 pages, R3 zero -> R1 pages that it may use no more
 *   MMIO_GUARD_INFO    -> as HYP_MEMINFO
 *   MMIO_GUARD_ENROLL  from now on only guarded pages are emulated by the primary; see PC_VM_OPEN_MMIO
 *   MMIO_GUARD_MAP     R1 IPA: this page is MMIO that the primary emulates
 *   MMIO_GUARD_UNMAP   R1 IPA: and no longer
 *   MEM_RELINQUISH     R1 IPA, R2 0 or 1, R3 zero: the page is the primary's again, scrubbed whatever R2 says
 *   MMIO_RGUARD_MAP    R1 IPA, R2 pages -> R1 pages guarded
 *   MMIO_RGUARD_UNMAP  R1 IPA, R2 pages -> R1 pages that are not any more
 *
 * MEM_*: PC_FAULT it is not memory of the VM; PC_DENIED the state is another: shared already, not shared, or
 * read-only; PC_BUSY DMA mappings hold a page, for MEM_UNSHARE the primary's; PC_NO_MEMORY the tables of the primary;
 * PC_IO hardware did not let go, and all is as before. A call stops where the memory is not consecutive in the
 * machine, and at PC_DONATE_MAX (vmm.h). Each that succeeds ends the VCPU_RUN by PC_EXIT_MEMORY.
 *
 * MMIO guard: PC_INVALID_PARAMETER not a page within the VM's addresses, or something is mapped there; PC_NO_MEMORY
 * 512 pages are guarded; PC_NOT_FOUND the page is not. A page that is guarded already is so once. An error after the
 * first page of a range is told by R1 alone: PC_SUCCESS with fewer pages, and by the next call.
 */
#define PC_HYP_MEMINFO       PC_FN(2)
#define PC_MEM_SHARE         PC_FN(3)
#define PC_MEM_UNSHARE       PC_FN(4)
#define PC_MMIO_GUARD_INFO   PC_FN(5)
#define PC_MMIO_GUARD_ENROLL PC_FN(6)
#define PC_MMIO_GUARD_MAP    PC_FN(7)
#define PC_MMIO_GUARD_UNMAP  PC_FN(8)
#define PC_MEM_RELINQUISH    PC_FN(9)
#define PC_MMIO_RGUARD_MAP   PC_FN(10)
#define PC_MMIO_RGUARD_UNMAP PC_FN(11)
#define PC_DEV_REQ_DMA       PC_FN(61) /* R1 pvIOMMU, R2 vSID, R3..R6 zero -> R1 token1, R2 token2 */
#define PC_PVIOMMU_OP        PC_FN(62) /* R1 operation, see pviommu.h */
#define PC_DEV_REQ_MMIO      PC_FN(63) /* R1 page aligned IPA, R2..R6 zero -> R1 token */

/* VMM calls: the primary VM only, any other caller gets PC_NOT_SUPPORTED (vmm.h). */
#define PC_VMM_QUERY              PC_FN(0x100)
#define PC_VM_CREATE              PC_FN(0x101)
#define PC_VM_DESTROY             PC_FN(0x102)
#define PC_VM_DONATE              PC_FN(0x103)
#define PC_VM_FINALISE            PC_FN(0x104)
#define PC_VCPU_SET               PC_FN(0x105)
#define PC_VCPU_RUN               PC_FN(0x106)
#define PC_VCPU_IRQ               PC_FN(0x107)
#define PC_VM_ADD_POOL            PC_FN(0x108)
#define PC_DEV_COUNT              PC_FN(0x110)
#define PC_DEV_INFO               PC_FN(0x111)
#define PC_DEV_GET_NUM_END_POINTS PC_FN(0x112)
#define PC_DEV_ASSIGN             PC_FN(0x113)
#define PC_DEV_SET_END_POINT_VSID PC_FN(0x114)
#define PC_DEV_RELEASE            PC_FN(0x115)
#define PC_DEV_MAP_MMIO           PC_FN(0x117)
#define PC_DEV_MAP_IRQ            PC_FN(0x118)
/* Reserved: version 1.0 answers PC_NOT_SUPPORTED. */
#define PC_DEV_SPLIT PC_FN(0x116)
#define PC_DEV_JOIN  PC_FN(0x119)

/*
 * Guest calls of ours outside PVIOMMU_OP, for any VM.
 *
 *   CONSOLE     R1 IPA, R2 bytes -> R1 bytes printed, PC_CONSOLE_MAX at most: a line of the hypervisor's log that
 *               names the VM. What is not printable ASCII is a space. PC_FAULT
 *   DEV_CONFIG  R1 pvIOMMU, R2 vSID, R3 offset | width << 16 | write << 24, R4 value -> R1 what was read. The offset
 *               is below 4096, the width 1, 2 or 4 bytes, aligned. PC_NOT_FOUND no such endpoint, or it has no
 *               configuration space
 *   DEV_RESET   R1 pvIOMMU, R2 vSID: the whole device of that endpoint. PC_BUSY something is attached; PC_DENIED it is
 *               quarantined; any other error: the reset failed, and it is quarantined now
 */
#define PC_CONSOLE    PC_FN(0x180)
#define PC_DEV_CONFIG PC_FN(0x181)
#define PC_DEV_RESET  PC_FN(0x182)

/* Limits of one call. */
#define PC_GUARD_MAX   16u  /* pages of MMIO_RGUARD_MAP and MMIO_RGUARD_UNMAP */
#define PC_CONSOLE_MAX 128u /* bytes of CONSOLE */

#endif
