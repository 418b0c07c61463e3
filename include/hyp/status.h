/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Status inside the hypervisor. The values are the ABI's (include/abi/status.h), so that the
 * mapping to a guest's status is the identity and cannot be wrong.
 */
#ifndef HYP_STATUS_H
#define HYP_STATUS_H

#include "abi/status.h"
#include "hyp/types.h"

enum status {
	OK = PC_SUCCESS,
	OK_GRANULE = 4096, /* compatible calls whose answer in R0 is the granule */
	E_NOSYS = PC_NOT_SUPPORTED,     /* no such call, operation, type or flag */
	E_INVAL = PC_INVALID_PARAMETER, /* malformed */
	E_NOENT = PC_NOT_FOUND,         /* no such object of this caller */
	E_EXIST = PC_EXISTS,            /* already mapped, already set */
	E_BUSY = PC_BUSY,              /* in use, frozen, pinned */
	E_NOMEM = PC_NO_MEMORY,         /* the pool is exhausted */
	E_DENIED = PC_DENIED,            /* right object, not allowed */
	E_TOOBIG = PC_TOO_BIG,           /* unknown bytes not zero */
	E_FAULT = PC_FAULT,             /* buffer not the caller's memory */
	E_IO = PC_IO,                /* hardware did not complete */
};

#endif
