/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole machine, as it is, into the abstract state. */
#include "abstract.h"

#include <string.h>

#include "hyp/arch.h"
#include "iommu/attach.h"
#include "iommu/iommu.h"
#include "vm/vm.h"
#include "vm/vm_life.h"

#include "abstract_parts.h"
#include "spec_check.h"

static struct spec_tree format_of(const struct pt_ops *ops, u32 sizes)
{
	u32 bits = ops->va_bits - PAGE_SHIFT - (u32)__builtin_ctz(ops->root_pages);

	if (ops->root_pages > SPEC_ROOTS)
		spec_fail("a table of %u roots", ops->root_pages);
	return (struct spec_tree){
		.roots = ops->root_pages,
		.start = (u8)(4 - (bits + 8) / 9),
		.bits = ops->va_bits,
		.stage = ops->stage,
		.sizes = sizes & ops->leaf_sizes,
	};
}

static void take_devices(void)
{
	spec->devices = device_count;
	spec->endpoints = 0;
	for (u32 i = 0; i < device_count; i++) {
		const struct device *real = &device_table[i];
		struct spec_device *d = &spec->device[i];
		struct spec_device was = *d;

		*d = (struct spec_device){
			.w = device_words(real),
			.first = spec->endpoints,
			.endpoints = real->endpoint_count,
			.group = real->group,
			.pci = real->pci,
			.mmio_count = real->mmio_count,
			.line_count = real->irq_count,
			.name = real->name,
		};
		memcpy(d->token, was.token, sizeof(d->token));
		for (u32 k = 0; k < real->mmio_count; k++) {
			d->mmio[k].base = real->mmio[k].base;
			d->mmio[k].size = real->mmio[k].size;
			d->mmio_ipa[k] = real->mmio_ipa[k];
			d->mmio_given[k] = real->mmio_given[k];
		}
		for (u32 k = 0; k < real->irq_count; k++) {
			d->lines[k] = real->irq[k];
			d->line[k] = real->irq_given[k];
		}
		for (u32 k = 0; k < real->endpoint_count; k++) {
			struct spec_endpoint *e = &spec->endpoint[spec->endpoints++];

			e->w = endpoint_words(&real->endpoint[k]);
			e->device = i;
			e->index = k;
			e->iommu = real->endpoint[k].iommu->index;
			e->pasid_bits = endpoint_pasid_bits(&real->endpoint[k]);
			e->ats = real->endpoint[k].ats;
		}
	}
}

static void take_subs(void)
{
	spec->sub_count = 0;
	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct endpoint *e = real_endpoint(&spec->endpoint[i]);

		for (u32 p = 1; e->substream != NULL && p >> e->ctx.pasid_bits == 0; p++) {
			if (e->substream[p].domain == NULL)
				continue;
			if (spec->sub_count == SPEC_SUBS)
				spec_fail("more attached PASIDs than the specification has room for");
			spec->sub[spec->sub_count++] = (struct spec_sub){
				.endpoint = i,
				.pasid = p,
				.domain = e->substream[p].domain->id,
				.cookie = e->substream[p].cookie,
			};
		}
	}
}

/* Those of the last state that are no more. */
static void forget_domains(void)
{
	for (u32 i = spec->domain_count; i-- > 0;) {
		struct spec_domain *d = &spec->domain[i];

		if (vm_there(vm_at((u32)d->w.vm)) && real_domain(d) != NULL && real_domain(d)->id == d->w.id)
			continue;
		tree_end(&d->tree);
		*d = spec->domain[--spec->domain_count];
	}
}

static void take_domains(const struct vm *vm)
{
	for (u32 i = 0; i < vm->domain_max; i++) {
		const struct domain *real = domain_in_slot(vm, i);
		struct spec_domain *d;

		if (real->state == DOMAIN_FREE)
			continue;
		d = domain_find(abstract_vm_number(vm), real->id);
		if (d == NULL) {
			if (spec->domain_count == SPEC_DOMAINS)
				spec_fail("more domains than the specification has room for");
			d = &spec->domain[spec->domain_count++];
			*d = (struct spec_domain){ 0 };
		}
		d->w = domain_words(real);
		if (!domain_is_nested(real))
			hw_tree_take(&d->tree, &spec->paging, real->pt.root.v);
		for (u32 k = 0; k < ARRAY_SIZE(d->on); k++)
			d->on[k] = real->attached_on[k];
	}
}

/* A view of a VM's memory, if it has one. */
static void take_view(struct spec_tree *tree, const struct pt *pt)
{
	struct spec_tree format;

	if (pt == NULL || pt->root.v == 0) {
		tree_end(tree);
		*tree = (struct spec_tree){ 0 };
		return;
	}
	format = format_of(pt->ops, pt->leaf_sizes);
	hw_tree_take(tree, &format, pt->root.v);
}

static void take_vm(const struct vm *vm)
{
	struct spec_vm *v = &spec->vm[abstract_vm_number(vm)];

	memset(&v->w, 0, sizeof(v->w));
	take_view(&v->cpu, vm_there(vm) ? &vm->cpu_pt : NULL);
	take_view(&v->dma, vm_there(vm) ? &vm->dma_pt : NULL);
	if (!vm_there(vm))
		return;
	for (u32 i = 0; i < guards_of(vm); i++)
		v->guard[i] = vm->guard[i];
	for (u32 i = 0; i < SPEC_VCPUS; i++)
		v->vcpu[i].w = vcpu_words(&vm->vcpu[i]);
	v->w = vm_words(vm);
	for (u32 i = 0; i < SPEC_PVS; i++)
		v->pv[i] = pv_words(&vm->pviommu[i]);
	take_domains(vm);
}

void abstract_take(void)
{
	pages_of_ram();
	spec->stage1 = iommu_common.stage1;
	spec->stage2 = iommu_common.stage2;
	spec->paging = format_of(iommu_common.paging, iommu_common.paging_sizes);
	spec->cpu = format_of(arch_cpu_pt, ~0u);
	spec->dma = format_of(iommu_common.dma, iommu_common.dma_sizes);
	spec->iommus = iommu_count;
	for (u32 i = 0; i < iommu_count; i++)
		spec->iommu[i] = (struct spec_iommu){
			.common = iommu_is_common(&iommu_instance[i]),
			.dead = iommu_instance[i].dead,
			.pasid_bits = iommu_pasid_bits(&iommu_instance[i]),
		};
	for (u32 i = 0; i < iommu_count; i++)
		hw_nested_facts(&iommu_instance[i], &spec->iommu[i]);
	spec->hyp_free = vm_tables_free();
	spec->looked_count = 0;
	forget_domains();
	pages_take();
	take_devices();
	take_subs();
	for (u32 i = 0; i < SPEC_VMS; i++)
		take_vm(vm_at(i));
}
