/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The executable specification: what the interface promises, as a model of abstract state and a rule for each call. It is
 * attached by the linker. Every up-call of include/hyp/upcall.h is wrapped (SPEC_WRAP of spec.mk): the wrapper lets the
 * implementation answer, asks the rule what it had to be, and compares status, registers and the state of the machine
 * with what the rule says. Objects of hyp/ and arch/ are the same files with and without it.
 *
 * Who links it in gives it three things:
 *   spec_memory()  memory of its own that nothing else uses; what is needed grows with the machine's RAM and pools:
 *                  12 bytes a page, and a page for each table page that guests can make
 *   spec_begin()   once the machine is booted, before the first guest runs; and again after each boot
 *   spec_failed()  a function that does not return: prints the text, and stops
 * It calls nothing but memcpy, memset and vsnprintf.
 */
#ifndef SPEC_H
#define SPEC_H

#include "hyp/types.h"

/* The whole memory, zeroed or not; aligned to 16. */
void spec_memory(void *base, size_t size);
/* Take the machine as it is now for right. */
void spec_begin(void);
/* No call is judged from here on, until spec_begin(). */
void spec_end(void);

/* On the host, test/unit/lib: memory and beginning in one. */
void spec_host_begin(void);

/* The host's or the image's: a text of several lines. */
void spec_failed(const char *text) NORETURN;

/*
 * How much is compared after each call: what the call could touch always, everything each n-th call and where VMs come
 * and go; 1: everything each time.
 */
void spec_effort(u32 n);

/*
 * The caller changes the machine behind its back: what is found different before a call is taken for right then, and
 * counted. Off: it is a failure.
 */
void spec_foreign_changes(bool allowed);
/* CPUs wait for each other at up-calls, so that each is judged; not while a guest runs. Off: those that overlap are not judged. */
void spec_serialise(bool on);
/* The caller changed the machine now, where that is allowed; else a look at everything. */
void spec_resync(void);
/* Hardware may fail from here on: IO is an answer, and the state behind it is taken for right. */
void spec_hardware_fails(void);

struct spec_counts {
	u64 calls;      /* answers that a rule has judged */
	u64 hypercalls; /* of these, to hypercalls */
	u64 looks;      /* comparisons of the whole state */
	u64 taken;      /* times that the state was taken for right: foreign changes, overlaps, failed hardware */
	u64 overlaps;   /* calls that ran while another CPU was in one */
};
extern struct spec_counts spec_counts;

/* --- what the state says, for tests that choose calls by it, or that play devices */

/* What a VM's domain maps the address to. */
bool spec_mapped(u64 vm, u64 domain, u64 iova, u64 *pa);
/* The domain of a PASID of an endpoint. */
bool spec_attached(u32 device, u32 endpoint, u32 pasid, u32 *domain);
bool spec_is_identity(u32 device, u32 endpoint);
/* By a first stage that its VM owns: what that is nobody knows here, but it ends in the VM's memory. */
bool spec_is_nested(u32 device, u32 endpoint);
/* Must an access of the device reach memory? *pa: where; of one that must not, 0 or what it may not reach so. */
bool spec_dma_lands(u32 device, u32 endpoint, u32 pasid, u64 iova, bool write, u64 *pa);

/* Is there a rule for this function of the call table, or operation of PVIOMMU_OP? */
bool spec_has_function(u32 number);
bool spec_has_operation(u32 operation);

#endif
