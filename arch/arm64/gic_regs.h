/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the GICv3 (IHI 0069 H.b). Offsets in their frames; sections at the groups. */
#ifndef ARM64_GIC_REGS_H
#define ARM64_GIC_REGS_H

#include "hyp/bits.h"

/* Distributor, 12.9. */
#define GICD_BYTES      0x10000u
#define GICD_CTLR       0x0000u /* rw */
#define GICD_TYPER      0x0004u /* r  */
#define GICD_IIDR       0x0008u /* r  */
#define GICD_IGROUPR    0x0080u /* rw 1 bit an interrupt */
#define GICD_ISENABLER  0x0100u /* rw 1 */
#define GICD_ICENABLER  0x0180u /* rw 1 */
#define GICD_ISPENDR    0x0200u /* rw 1 */
#define GICD_ICPENDR    0x0280u /* rw 1 */
#define GICD_ISACTIVER  0x0300u /* rw 1 */
#define GICD_ICACTIVER  0x0380u /* rw 1 */
#define GICD_IPRIORITYR 0x0400u /* rw 8, bytes or words */
#define GICD_ICFGR      0x0c00u /* rw 2 */
#define GICD_IROUTER    0x6000u /* rw 64; words too */
#define GICD_PIDR       0xffd0u /* r  */
#define GICD_PIDR2      0xffe8u /* r  */

#define GICD_CTLR_GRP0 BIT(0)
#define GICD_CTLR_GRP1 BIT(1)
#define GICD_CTLR_ARE  BIT(4)
#define GICD_CTLR_DS   BIT(6) /* one security state */
#define GICD_CTLR_RWP  BIT(31)

#define GICD_TYPER_LINES     BITS(4, 0) /* 32 * (n + 1) interrupts */
#define GICD_TYPER_ESPI      BIT(8)
#define GICD_TYPER_LPI_COUNT BITS(15, 11)
#define GICD_TYPER_MBIS      BIT(16)
#define GICD_TYPER_LPIS      BIT(17)
#define GICD_TYPER_IDBITS    BITS(23, 19) /* of an INTID, less one */
#define GICD_TYPER_NO1N      BIT(25) /* GICD_IROUTER_ANY is not there */
#define GICD_TYPER_ESPI_LAST BITS(31, 27)

#define GICD_IROUTER_ANY  BIT(31)
#define GICD_IROUTER_MASK (BITS(39, 32) | GICD_IROUTER_ANY | BITS(23, 0))

/* Redistributor, 12.11: RD_base, and SGI_base one frame of 64 KiB behind it, with the distributor's offsets. */
#define GICR_SGI_BASE 0x10000u
#define GICR_BYTES    0x20000u /* without the frames of virtual LPIs */
#define GICR_CTLR     0x0000u /* rw */
#define GICR_IIDR     0x0004u /* r  */
#define GICR_TYPER    0x0008u /* r  64 */
#define GICR_WAKER    0x0014u /* rw */
#define GICR_PIDR     0xffd0u /* r  */

#define GICR_CTLR_RWP BIT(3)

#define GICR_TYPER_PLPIS    BIT(0)
#define GICR_TYPER_VLPIS    BIT(1)
#define GICR_TYPER_DIRTY    BIT(2)
#define GICR_TYPER_DIRECT   BIT(3)
#define GICR_TYPER_LAST     BIT(4)
#define GICR_TYPER_MPAM     BIT(6)
#define GICR_TYPER_RVPEID   BIT(7)
#define GICR_TYPER_NUMBER   BITS(23, 8)
#define GICR_TYPER_AFFINITY BITS(63, 32)

#define GICR_WAKER_SLEEP    BIT(1)
#define GICR_WAKER_CHILDREN BIT(2)

#define GIC_ID_END 0xfffcu

/* Virtual CPU interface, 12.4: ICH_LR<n>_EL2, ICH_HCR_EL2, ICH_VMCR_EL2. */
#define ICH_LR_INTID    BITS(31, 0)
#define ICH_LR_PHYSICAL BITS(44, 32) /* with HW */
#define ICH_LR_EOI      BIT(41)      /* without: maintenance interrupt when it ends */
#define ICH_LR_PRIORITY BITS(55, 48)
#define ICH_LR_GROUP1   BIT(60)
#define ICH_LR_HW       BIT(61)      /* its end deactivates the physical one */
#define ICH_LR_PENDING  BIT(62)
#define ICH_LR_ACTIVE   BIT(63)

#define ICH_HCR_EN  BIT(0)
#define ICH_HCR_UIE BIT(1) /* maintenance interrupt while at most one list register is in use */

#define ICH_VMCR_ENG0 BIT(0)
#define ICH_VMCR_ENG1 BIT(1)
#define ICH_VMCR_EOIM BIT(9) /* ends in two steps: priority drop, deactivation */
#define ICH_VMCR_PMR  BITS(31, 24)

#define GIC_SPI_FIRST 32u
#define GIC_SPI_END   1020u
#define GIC_SPURIOUS  1020u /* this and above: no interrupt */

/* Ours: sent to all CPUs to stop them. 8 to 15 are not for a normal world's operating system (IHI 0069 4.7). */
#define GIC_SGI_STOP 15u
#define GIC_SGI_KICK 14u /* look at what you run */

/* Private interrupts as Arm's base system architecture numbers them (DEN 0094, 3.8), and QEMU and most machines do. */
#define GIC_PPI_MAINTENANCE 25u /* of the virtual CPU interface */
#define GIC_PPI_HYP_TIMER   26u
#define GIC_PPI_VIRT_TIMER  27u

#endif
