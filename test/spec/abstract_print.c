/* SPDX-License-Identifier: BSD-2-Clause */
/* Both states in words. */
#include "abstract.h"

#include <stdarg.h>
#include <stdio.h>

#include "iommu/device.h"
#include "vm/vm.h"
#include "vm/vm_life.h"

#include "abstract_parts.h"

struct text {
	char *at;
	size_t left;
};

static void PRINTF(2, 3) print(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at, t->left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left > 0 ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

/* Words that are zero in both are not worth their room. */
static void print_words(struct text *t, const char *kind, u64 which, const void *real, const void *want, u32 count,
			const char *(*name)(u32))
{
	const u64 *is = real, *must = want;

	print(t, "\n  %s %llu:", kind, (unsigned long long)which);
	for (u32 i = 0; i < count; i++) {
		if ((is[i] | must[i]) == 0)
			continue;
		print(t, " %s %llx", name(i), (unsigned long long)must[i]);
		if (is[i] != must[i])
			print(t, " (is %llx)", (unsigned long long)is[i]);
	}
}

#define PRINT(t, kind, which, real, want, name) print_words(t, kind, which, &(real), &(want), sizeof(want) / sizeof(u64), name)

static void print_vm(struct text *t, u32 i)
{
	const struct spec_vm *v = &spec->vm[i];
	const struct spec_vm_words w = vm_words(vm_at(i));

	PRINT(t, "VM number", i, w, v->w, vm_word);
	for (u32 k = 0; k < SPEC_PVS; k++) {
		const struct spec_pv p = pv_words(&vm_at(i)->pviommu[k]);

		if (p.iommu != 0 || v->pv[k].iommu != 0)
			PRINT(t, "  pvIOMMU", k, p, v->pv[k], pv_word);
	}
}

void abstract_print(char *to, size_t size)
{
	struct text t = { to, size };

	print(&t, "\nThe state, as specified (and as it is, where that differs), in hexadecimal:");
	for (u32 i = 0; i < SPEC_VMS; i++)
		if (spec->vm[i].w.life != VM_NONE || vm_there(vm_at(i)))
			print_vm(&t, i);
	for (u32 i = 0; i < spec->domain_count; i++) {
		const struct spec_domain *d = &spec->domain[i];
		const struct domain *real = real_domain(d);
		const struct spec_domain_words w = real != NULL ? domain_words(real) : (struct spec_domain_words){ 0 };

		PRINT(&t, "domain", d->w.id, w, d->w, domain_word);
	}
	for (u32 i = 0; i < spec->devices; i++) {
		const struct spec_device_words w = device_words(&device_table[i]);

		PRINT(&t, "device", i, w, spec->device[i].w, device_word);
	}
	for (u32 i = 0; i < spec->endpoints; i++) {
		const struct spec_endpoint_words w = endpoint_words(real_endpoint(&spec->endpoint[i]));

		PRINT(&t, "endpoint", i, w, spec->endpoint[i].w, endpoint_word);
	}
	print(&t, "\n  the hypervisor's pool: %llx free (is %llx)\n", (unsigned long long)spec->hyp_free,
	      (unsigned long long)vm_tables_free());
}
