/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SMMUv3 as IHI 0070 (issue G) defines it: registers, stream table and context descriptors,
 * commands, event records. Numbers only; behaviour is in the .c files.
 *
 * Fields of 64-bit words are named by word: STE0_x is in word 0 of a stream table entry. Memory
 * formats are little-endian, as the CPUs are.
 */
#ifndef SMMUV3_REGS_H
#define SMMUV3_REGS_H

#include "hyp/bits.h"

#define SMMU_REGS_SIZE 0x20000 /* page 0 and page 1, 6.1 */

/*      name                  offset      rw   width  IHI 0070 */
#define SMMU_IDR0            0x00000 /* r-  32     6.3.1 */
#define SMMU_IDR1            0x00004 /* r-  32     6.3.2 */
#define SMMU_IDR3            0x0000c /* r-  32     6.3.4 */
#define SMMU_IDR5            0x00014 /* r-  32     6.3.6 */
#define SMMU_IIDR            0x00018 /* r-  32     6.3.7 */
#define SMMU_AIDR            0x0001c /* r-  32     6.3.8 */
#define SMMU_CR0             0x00020 /* rw  32     6.3.9 */
#define SMMU_CR0ACK          0x00024 /* r-  32     6.3.10 */
#define SMMU_CR1             0x00028 /* rw  32     6.3.11 */
#define SMMU_CR2             0x0002c /* rw  32     6.3.12 */
#define SMMU_GBPA            0x00044 /* rw  32     6.3.14 */
#define SMMU_IRQ_CTRL        0x00050 /* rw  32     6.3.16 */
#define SMMU_IRQ_CTRLACK     0x00054 /* r-  32     6.3.17 */
#define SMMU_GERROR          0x00060 /* r-  32     6.3.19 */
#define SMMU_GERRORN         0x00064 /* rw  32     6.3.20 */
#define SMMU_GERROR_IRQ_CFG0 0x00068 /* rw  64     6.3.21 */
#define SMMU_STRTAB_BASE     0x00080 /* rw  64     6.3.24 */
#define SMMU_STRTAB_BASE_CFG 0x00088 /* rw  32     6.3.25 */
#define SMMU_CMDQ_BASE       0x00090 /* rw  64     6.3.26 */
#define SMMU_CMDQ_PROD       0x00098 /* rw  32     6.3.27 */
#define SMMU_CMDQ_CONS       0x0009c /* rw  32     6.3.28 */
#define SMMU_EVENTQ_BASE     0x000a0 /* rw  64     6.3.29 */
#define SMMU_EVENTQ_IRQ_CFG0 0x000b0 /* rw  64     6.3.30 */
#define SMMU_EVENTQ_PROD     0x100a8 /* rw  32     3.5.2, page 1 */
#define SMMU_EVENTQ_CONS     0x100ac /* rw  32     3.5.2, page 1 */

/* SMMU_IDR0 */
#define IDR0_S2P         BIT(0)
#define IDR0_S1P         BIT(1)
#define IDR0_TTF_AARCH64 BIT(3) /* of TTF, bits 3:2 */
#define IDR0_COHACC      BIT(4)
#define IDR0_HYP         BIT(9)
#define IDR0_ATS         BIT(10)
#define IDR0_NS1ATS      BIT(11) /* no EATS_SPLIT */
#define IDR0_ASID16      BIT(12)
#define IDR0_MSI         BIT(13)
#define IDR0_VMID16      BIT(18)
#define IDR0_CD2L        BIT(19)
#define IDR0_TTENDIAN    BITS(22, 21)
#define TTENDIAN_MIXED   0
#define TTENDIAN_LITTLE  2
#define IDR0_STALL_MODEL BITS(25, 24)
#define STALL_BOTH       0 /* configurable */
#define STALL_NEVER      1
#define STALL_FORCED     2
#define IDR0_ST_LEVEL    BITS(28, 27)
#define ST_LEVEL_LINEAR  0
#define ST_LEVEL_TWO     1

/* SMMU_IDR1 */
#define IDR1_SIDSIZE       BITS(5, 0)
#define IDR1_SSIDSIZE      BITS(10, 6)
#define IDR1_EVENTQS       BITS(20, 16)
#define IDR1_CMDQS         BITS(25, 21)
#define IDR1_TYPES_OVR     BIT(27) /* ATTR_TYPES_OVR */
#define IDR1_REL           BIT(28)
#define IDR1_QUEUES_PRESET BIT(29)
#define IDR1_TABLES_PRESET BIT(30)

/* SMMU_IDR3 */
#define IDR3_RIL  BIT(10)
#define IDR3_BBML BITS(12, 11)
#define BBML_LIVE 2 /* a size may change without break-before-make */

/* SMMU_IDR5 */
#define IDR5_OAS    BITS(2, 0)
#define OAS_48      5 /* 32, 36, 40, 42, 44, 48, 52, 56 bits */
#define IDR5_GRAN4K BIT(4)
#define IDR5_DS     BIT(7)

/* SMMU_IIDR */
#define IIDR_IMPLEMENTER   BITS(11, 0)
#define IIDR_REVISION      BITS(15, 12) /* the y of rXpY */
#define IIDR_VARIANT       BITS(19, 16) /* the X */
#define IIDR_PRODUCT       BITS(31, 20)
#define IMPLEMENTER_ARM    0x43b
#define IMPLEMENTER_NVIDIA 0x36b
#define PRODUCT_MMU600     0x483
#define PRODUCT_MMU700     0x487

/* SMMU_AIDR */
#define AIDR_MINOR BITS(3, 0)
#define AIDR_MAJOR BITS(7, 4)

/* SMMU_CR0, SMMU_CR0ACK */
#define CR0_SMMUEN   BIT(0)
#define CR0_EVENTQEN BIT(2)
#define CR0_CMDQEN   BIT(3)
#define CR0_ATSCHK   BIT(4)

/* SMMU_CR1: how queues and tables are accessed */
#define CR1_QUEUE_IC BITS(1, 0)
#define CR1_QUEUE_OC BITS(3, 2)
#define CR1_QUEUE_SH BITS(5, 4)
#define CR1_TABLE_IC BITS(7, 6)
#define CR1_TABLE_OC BITS(9, 8)
#define CR1_TABLE_SH BITS(11, 10)

/* Cacheability and shareability, the same in CR1, STE and CD */
#define ATTR_NC  0
#define ATTR_WB  1
#define SH_OUTER 2
#define SH_INNER 3

/* SMMU_CR2 */
#define CR2_RECINVSID BIT(1) /* record C_BAD_STREAMID */
#define CR2_PTM       BIT(2) /* no part in broadcast TLB maintenance */

/* SMMU_GBPA */
#define GBPA_ABORT  BIT(20)
#define GBPA_UPDATE BIT(31)

/* SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK */
#define IRQ_CTRL_GERROR BIT(0)
#define IRQ_CTRL_EVENTQ BIT(2)

/* SMMU_GERROR, SMMU_GERRORN: an error is active while its two bits differ */
#define GERROR_CMDQ       BIT(0)
#define GERROR_EVENTQ_ABT BIT(2)
#define GERROR_PRIQ_ABT   BIT(3)
#define GERROR_MSI_ABT    BITS(7, 4) /* of CMDQ, EVENTQ, PRIQ, GERROR */
#define GERROR_SFM        BIT(8)     /* service failure mode, 12.3 */
#define GERROR_ALL        BITS(10, 0)

/* SMMU_STRTAB_BASE, SMMU_STRTAB_BASE_CFG */
#define STRTAB_BASE_RA      BIT(62)
#define STRTAB_CFG_LOG2SIZE BITS(5, 0)
#define STRTAB_CFG_SPLIT    BITS(10, 6)
#define STRTAB_CFG_FMT      BITS(17, 16)
#define STRTAB_FMT_LINEAR   0
#define STRTAB_FMT_TWO      1

/* SMMU_CMDQ_BASE, SMMU_EVENTQ_BASE; PROD and CONS hold the index with one wrap bit above it */
#define QUEUE_BASE_HINT     BIT(62) /* read-, write-allocate */
#define QUEUE_BASE_LOG2SIZE BITS(4, 0)
#define QUEUE_INDEX         BITS(19, 0)
#define CMDQ_CONS_ERR       BITS(30, 24)
#define CERROR_NONE         0
#define CERROR_ILL          1
#define CERROR_ABT          2
#define CERROR_ATC_INV_SYNC 3
#define EVENTQ_OVERFLOW     BIT(31) /* PROD.OVFLG, CONS.OVACKFLG */

/* Level 1 stream table descriptor, 5.1 */
#define L1STD_SPAN  BITS(4, 0)
#define L1STD_TABLE BITS(55, 6)

/* Stream table entry, 5.2: eight words */
#define STE_WORDS        8
#define STE_BYTES        64
#define STE0_V           BIT(0)
#define STE0_CONFIG      BITS(3, 1)
#define CONFIG_ABORT     0
#define CONFIG_BYPASS    4
#define CONFIG_STAGE1    5
#define CONFIG_STAGE2    6
#define CONFIG_NESTED    7
#define STE0_S1FMT       BITS(5, 4)
#define S1FMT_LINEAR     0
#define S1FMT_TWO_4K     1
#define S1FMT_TWO_64K    2
#define STE0_CONTEXT     BITS(55, 6)
#define STE0_S1CDMAX     BITS(63, 59)
#define STE1_S1DSS       BITS(1, 0)
#define S1DSS_TERMINATE  0
#define S1DSS_SUBSTREAM0 2
#define STE1_S1CIR       BITS(3, 2)
#define STE1_S1COR       BITS(5, 4)
#define STE1_S1CSH       BITS(7, 6)
#define STE1_MEV         BIT(19)
#define STE1_S1STALLD    BIT(27)
#define STE1_EATS        BITS(29, 28)
#define EATS_FULL        1
#define EATS_SPLIT       2 /* the device has addresses of stage 1, and what it sends goes through stage 2 */
#define STE1_STRW        BITS(31, 30)
#define STRW_EL1         0
#define STE1_SHCFG       BITS(45, 44)
#define SHCFG_INCOMING   1
#define STE2_S2VMID      BITS(15, 0)
#define STE2_S2T0SZ      BITS(37, 32)
#define STE2_S2SL0       BITS(39, 38)
#define STE2_S2IR0       BITS(41, 40)
#define STE2_S2OR0       BITS(43, 42)
#define STE2_S2SH0       BITS(45, 44)
#define STE2_S2TG        BITS(47, 46)
#define STE2_S2PS        BITS(50, 48)
#define STE2_S2AA64      BIT(51)
#define STE2_S2AFFD      BIT(53)
#define STE2_S2PTW       BIT(54)
#define STE2_S2R         BIT(58)
#define STE3_S2TTB       BITS(51, 4)

/* Level 1 context descriptor, 5.3 */
#define L1CD_V     BIT(0)
#define L1CD_TABLE BITS(55, 12)

/* Context descriptor, 5.4: eight words */
#define CD_WORDS 8
#define CD_BYTES 64
#define CD0_T0SZ BITS(5, 0)
#define CD0_TG0  BITS(7, 6)
#define CD0_IR0  BITS(9, 8)
#define CD0_OR0  BITS(11, 10)
#define CD0_SH0  BITS(13, 12)
#define CD0_EPD1 BIT(30)
#define CD0_V    BIT(31)
#define CD0_IPS  BITS(34, 32)
#define CD0_AFFD BIT(35)
#define CD0_AA64 BIT(41)
#define CD0_R    BIT(45)
#define CD0_A    BIT(46)
#define CD0_ASET BIT(47)
#define CD0_ASID BITS(63, 48)
#define CD1_TTB0 BITS(51, 4)

/* Memory attributes of CD word 3, MAIR format; the indexes are those of pt_lpae.h */
#define MAIR_NORMAL_WB    0xffull
#define MAIR_DEVICE_nGnRE 0x04ull
#define MAIR_NORMAL_NC    0x44ull

/* Commands, chapter 4: two words */
#define CMD_WORDS          2
#define CMD_BYTES          16
#define CMD0_OP            BITS(7, 0)
#define OP_PREFETCH_CONFIG 0x01 /* 4.2.1 */
#define OP_PREFETCH_ADDR   0x02 /* 4.2.2 */
#define OP_CFGI_STE        0x03 /* 4.3.1 */
#define OP_CFGI_STE_RANGE  0x04 /* 4.3.2; CFGI_ALL with range 31, 4.3.6 */
#define OP_CFGI_CD         0x05 /* 4.3.3 */
#define OP_CFGI_CD_ALL     0x06 /* 4.3.4 */
#define OP_TLBI_NH_ALL     0x10 /* 4.4.2.1 */
#define OP_TLBI_NH_ASID    0x11 /* 4.4.2.2 */
#define OP_TLBI_NH_VAA     0x13 /* 4.4.2.3 */
#define OP_TLBI_NH_VA      0x12 /* 4.4.2.4 */
#define OP_TLBI_EL2_ALL    0x20 /* 4.4.2.7 */
#define OP_TLBI_S12_VMALL  0x28 /* 4.4.3 */
#define OP_TLBI_S2_IPA     0x2a /* 4.4.3 */
#define OP_TLBI_NSNH_ALL   0x30 /* 4.4.4 */
#define OP_ATC_INV         0x40 /* 4.5.1 */
#define OP_SYNC            0x46 /* 4.7.3 */
#define CMD0_ATC_GLOBAL    BIT(9)
#define CMD0_SSV           BIT(11)      /* PREFETCH, ATC_INV */
#define CMD0_SSID          BITS(31, 12) /* CFGI_CD, PREFETCH, ATC_INV */
#define CMD0_SID           BITS(63, 32) /* CFGI_* */
#define CMD1_LEAF          BIT(0)       /* CFGI_STE, CFGI_CD, TLBI by address */
#define CMD1_RANGE         BITS(4, 0)   /* CFGI_STE_RANGE */
#define RANGE_ALL          31
#define CMD0_NUM           BITS(16, 12) /* TLBI by range, 4.4.1.1 */
#define CMD0_SCALE         BITS(24, 20)
#define CMD0_SCALE_DS      BIT(25) /* of SCALE, with IDR5.DS */
#define CMD0_VMID          BITS(47, 32)
#define CMD0_ASID          BITS(63, 48)
#define CMD1_TTL           BITS(9, 8)
#define CMD1_TG            BITS(11, 10)
#define TG_4K              1
#define TG_16K             2
#define CMD1_PREFETCH      BITS(9, 0) /* PREFETCH_ADDR: Size and Stride */
#define CMD1_ATC_SIZE      BITS(5, 0)
#define ATC_SIZE_MAX       52
#define CMD1_ADDRESS       BITS(63, 12)

/* Event records, 7.3: four words */
#define EVT_WORDS  4
#define EVT_BYTES  32
#define EVT0_CODE  BITS(7, 0)
#define EVT0_SSV   BIT(11)
#define EVT0_SSID  BITS(31, 12)
#define EVT0_SID   BITS(63, 32)
#define EVT1_STALL BIT(31)
#define EVT1_PNU   BIT(33)
#define EVT1_IND   BIT(34)
#define EVT1_RNW   BIT(35)
#define EVT1_S2    BIT(39)
#define EVT1_CLASS BITS(41, 40)
#define CLASS_CD   0
#define CLASS_TT   1
#define EVT3_IPA   BITS(51, 12)

#define EVT_F_UUT              0x01
#define EVT_C_BAD_STREAMID     0x02
#define EVT_F_STE_FETCH        0x03
#define EVT_C_BAD_STE          0x04
#define EVT_F_BAD_ATS_TREQ     0x05
#define EVT_F_STREAM_DISABLED  0x06
#define EVT_F_TRANSL_FORBIDDEN 0x07
#define EVT_C_BAD_SUBSTREAMID  0x08
#define EVT_F_CD_FETCH         0x09
#define EVT_C_BAD_CD           0x0a
#define EVT_F_WALK_EABT        0x0b
#define EVT_F_TRANSLATION      0x10
#define EVT_F_ADDR_SIZE        0x11
#define EVT_F_ACCESS           0x12
#define EVT_F_PERMISSION       0x13
#define EVT_F_TLB_CONFLICT     0x20
#define EVT_F_CFG_CONFLICT     0x21
#define EVT_E_PAGE_REQUEST     0x24
#define EVT_F_VMS_FETCH        0x25
#define EVT_COUNT              0x26

#endif
