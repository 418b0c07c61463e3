/* SPDX-License-Identifier: BSD-2-Clause */
/* The class tokens of include/hyp/lock.h: names for the analysis, no state. */
#include "hyp/lock.h"

struct lock_class vm_class, domain_class, page_class, ring_class, queue_class, log_class;
