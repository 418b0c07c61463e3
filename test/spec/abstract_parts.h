/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of abstract.h: sentences, records of the core in words and those of pages, what hardware has. */
#ifndef SPEC_ABSTRACT_PARTS_H
#define SPEC_ABSTRACT_PARTS_H

#include "spec_state.h"

struct device;
struct domain;
struct endpoint;
struct pviommu;
struct spec_call;
struct vcpu;
struct vm;

bool differs(const char *fmt, ...) PRINTF(1, 2); /* always false; its sentence is difference() */
const char *difference(void);

struct spec_pv pv_words(const struct pviommu *pv);
struct spec_vm_words vm_words(const struct vm *vm);
struct spec_vcpu_words vcpu_words(const struct vcpu *vcpu);
struct spec_domain_words domain_words(const struct domain *d);
struct spec_device_words device_words(const struct device *d);
struct spec_endpoint_words endpoint_words(const struct endpoint *e);
u32 guards_of(const struct vm *vm);

bool vm_there(const struct vm *vm);
const struct domain *domain_in_slot(const struct vm *vm, u32 i);
const struct domain *real_domain(const struct spec_domain *d); /* NULL: it is gone */
const struct endpoint *real_endpoint(const struct spec_endpoint *e);

void pages_of_ram(void); /* which there are, into `spec` */
void pages_take(void);
bool pages_same(u64 first, u64 count); /* these, or a sentence (differs()) */
bool pages_mine(const struct spec_call *c); /* of the others none has changed, or a sentence */

u64 hw_stream(const void *endpoint);
void hw_nested_facts(const void *iommu, struct spec_iommu *facts);
bool hw_events_came(u32 iommu); /* have more come since hw_events_count()? */
/* Page tables as hardware walks them; taken into a tree as it was taken last, or into one of no roots, which is made. */
bool hw_tree_same(const struct spec_tree *tree, u64 root, u64 from, u64 to, const char *whose);
void hw_tree_take(struct spec_tree *tree, const struct spec_tree *format, u64 root);

#endif
