/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of devices and endpoints, found by index, by stream, by MMIO address. Who owns one, and how that
 * changes, is device_assign.c and device_group.c; what an owner calls it, names.c.
 */
#include "device_priv.h"

#include <stdio.h>
#include <string.h>

#include "attach.h"
#include "hyp/check.h"
#include "hyp/log.h"
#include "iommu.h"
#include "pviommu/events.h"
#include "vm/vm.h"

#define SID_BUCKETS 256u

struct device device_table[DEVICE_MAX];
u32 device_count;
struct endpoint endpoint_table[ENDPOINT_MAX];
static u32 endpoint_count;
static struct endpoint *sid_bucket[SID_BUCKETS];

/* Every range of MMIO by its address, as device * PC_DEV_MAX_MMIO + range: lists of mappings look for many (V9). */
static u16 mmio_order[DEVICE_MAX * PC_DEV_MAX_MMIO];
static u32 mmio_ranges;
_Static_assert(ARRAY_SIZE(mmio_order) - 1 <= 0xffff, "each range has its number");

static u32 sid_hash(u32 iommu, u32 sid)
{
	return (sid * 0x9e3779b1u + iommu * 0x85ebca6bu) >> 24;
}

struct endpoint *endpoint_find(const struct iommu *iommu, sid_t sid)
{
	struct endpoint *e = sid_bucket[sid_hash(iommu->index, sid.v) % SID_BUCKETS];

	while (e != NULL && (e->iommu != iommu || e->sid.v != sid.v))
		e = e->sid_next;
	return e;
}

struct device *device_find(u64 index)
{
	return index < device_count ? &device_table[index] : NULL;
}

bool device_owned_by(const struct device *d, const struct vm *vm)
{
	return device_is_of(d, vm) && d->state != DEVICE_QUARANTINED;
}

/* Boot: add a stream to the device that is being built; NULL: the table is full. */
static struct endpoint *endpoint_add(struct device *d, u32 iommu, u32 sid_value)
{
	struct endpoint *e;
	u32 bucket;

	if (endpoint_count == ENDPOINT_MAX || d->endpoint_count == PC_DEV_MAX_ENDPOINTS)
		return NULL;
	e = &endpoint_table[endpoint_count++];
	e->device = d;
	e->iommu = &iommu_instance[iommu];
	e->sid = sid(sid_value);
	e->number = (u16)(endpoint_count - 1);
	e->index = (u8)d->endpoint_count;
	if (d->endpoint_count++ == 0)
		d->endpoint = e;
	bucket = sid_hash(iommu, sid_value) % SID_BUCKETS;
	e->sid_next = sid_bucket[bucket];
	sid_bucket[bucket] = e;
	return e;
}

static struct device *device_add(void)
{
	struct device *d;

	if (device_count == DEVICE_MAX)
		return NULL;
	d = &device_table[device_count];
	d->index = device_count++;
	d->vm = vm_primary;
	d->state = DEVICE_UNASSIGNED;
	for (u32 i = 0; i < PC_DEV_MAX_MMIO; i++)
		d->mmio_ipa[i] = DEVICE_UNMAPPED;
	return d;
}

static bool mmio_add(struct device *d, u64 base, u64 size)
{
	if (d->mmio_count == PC_DEV_MAX_MMIO)
		return false;
	d->mmio[d->mmio_count++] = (struct range){ base, size };
	return true;
}

static bool irq_add(struct device *d, u32 intid)
{
	for (u32 i = 0; i < d->irq_count; i++)
		if (d->irq[i] == intid)
			return true;
	if (d->irq_count == ARRAY_SIZE(d->irq))
		return false;
	d->irq[d->irq_count++] = intid;
	return true;
}

/* Does the function's DMA carry a requester id that is another function's too? */
static bool is_alias(const struct pci_function *f)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		const struct pci_function *other = &pci_function[i];

		if (other != f && !other->bridge && other->host == f->host &&
		    other->requester == f->requester)
			return true;
	}
	return f->requester != f->rid;
}

/* Functions of one slot, or behind one alias, are one device. */
static bool same_device(const struct pci_function *a, const struct pci_function *b)
{
	if (a->host != b->host)
		return false;
	if (is_alias(a) || is_alias(b))
		return a->requester == b->requester;
	return a->rid >> 3 == b->rid >> 3;
}

static struct device *pci_device_of(const struct pci_function *f)
{
	for (u32 i = 0; i < pci_function_count; i++) {
		const struct pci_function *other = &pci_function[i];

		if (other == f)
			break;
		if (other->device != NULL && same_device(f, other))
			return other->device;
	}
	return NULL;
}

/* FNV-1a over the bytes of a word. */
#define HASH_SEED 0x811c9dc5u
static u32 hash(u32 so_far, u32 word)
{
	for (u32 i = 0; i < 4; i++, word >>= 8)
		so_far = (so_far ^ (word & 0xff)) * 0x01000193u;
	return so_far;
}

static void kind_set(struct device *d, u32 kind)
{
	d->kind = kind;
	d->nth = 0;
	for (u32 i = 0; i < d->index; i++)
		d->nth += device_table[i].kind == kind;
}

static struct device *pci_device_new(const struct machine *m, const struct pci_function *f)
{
	struct device *d = device_add();

	if (d == NULL)
		return NULL;
	d->pci = true;
	d->group = f->group;
	if (is_alias(f))
		snprintf(d->name, sizeof(d->name), "pci %04x:%02x:*", m->pci[f->host].segment,
			 f->rid >> 8);
	else
		snprintf(d->name, sizeof(d->name), "pci %04x:%02x:%02x", m->pci[f->host].segment,
			 f->rid >> 8, f->rid >> 3 & 31);
	kind_set(d, hash(hash(HASH_SEED, (u32)f->vendor << 16 | f->device_id), f->class_code));
	return d;
}

void device_function_add(struct device *d, struct pci_function *f)
{
	struct pci_function **at = &d->function;

	while (*at != NULL)
		at = &(*at)->next;
	*at = f;
	f->device = d;
	f->next = NULL;
}

struct pci_function *device_functions(const struct device *d)
{
	return d->function;
}

static bool pci_add(const struct machine *m, struct pci_function *f)
{
	struct device *d = pci_device_of(f);
	struct endpoint *e;

	if (d == NULL)
		d = pci_device_new(m, f);
	if (d == NULL)
		return false;
	e = endpoint_find(&iommu_instance[f->iommu], sid(f->sid));
	if (e != NULL && e->device != d)
		return false;
	if (e == NULL) {
		e = endpoint_add(d, f->iommu, f->sid);
		if (e == NULL)
			return false;
		e->pasid_bits = f->pasid_bits;
		e->ats = f->ats && e->iommu->caps.ats;
	}
	/* Of several behind one stream, the least. */
	if (f->pasid_bits < e->pasid_bits)
		e->pasid_bits = f->pasid_bits;
	e->ats &= f->ats;
	device_function_add(d, f);
	f->endpoint = e->index;
	for (u32 i = 0; i < PCI_BARS; i++)
		if (f->bar[i].size != 0 && f->bar[i].space != PCI_IO &&
		    !mmio_add(d, f->bar[i].addr, align_up(f->bar[i].size, PAGE_SIZE)))
			return false;
	return f->intid == 0 || irq_add(d, f->intid);
}

static bool dt_add(const struct machine_dt_device *dt, u32 group)
{
	struct device *d = device_add();
	u32 kind = HASH_SEED;

	if (d == NULL)
		return false;
	d->group = group;
	snprintf(d->name, sizeof(d->name), "%.31s", dt->name);
	for (const char *c = d->name; *c != '\0'; c++)
		kind = hash(kind, (u8)*c);
	kind_set(d, kind);
	for (u32 i = 0; i < dt->stream_count; i++) {
		const struct iommu *iommu = &iommu_instance[dt->stream[i].iommu];
		struct endpoint *e;

		if (endpoint_find(iommu, sid(dt->stream[i].sid)) != NULL)
			return false;
		e = endpoint_add(d, dt->stream[i].iommu, dt->stream[i].sid);
		if (e == NULL)
			return false;
		e->pasid_bits = dt->pasid_bits;
	}
	for (u32 i = 0; i < dt->mmio_count; i++)
		if (!mmio_add(d, dt->mmio[i].base, dt->mmio[i].size))
			return false;
	for (u32 i = 0; i < dt->irq_count; i++)
		if (!irq_add(d, dt->irq[i]))
			return false;
	return true;
}

static bool streams_init(const char **why)
{
	for (u32 i = 0; i < endpoint_count; i++) {
		struct endpoint *e = &endpoint_table[i];

		if (e->iommu->ops->stream_init(e->iommu, e->sid) != OK) {
			*why = "a device's stream is beyond its IOMMU's table";
			return false;
		}
	}
	return true;
}

static const struct range *mmio_range(u32 number)
{
	return &device_table[number / PC_DEV_MAX_MMIO].mmio[number % PC_DEV_MAX_MMIO];
}

/* They come nearly in order. */
static void mmio_insert(u32 number)
{
	u32 at = mmio_ranges++;

	for (; at > 0 && mmio_range(mmio_order[at - 1])->base > mmio_range(number)->base; at--)
		mmio_order[at] = mmio_order[at - 1];
	mmio_order[at] = (u16)number;
}

void device_mmio_sort(void)
{
	mmio_ranges = 0;
	for (u32 i = 0; i < device_count; i++)
		for (u32 k = 0; k < device_table[i].mmio_count; k++)
			mmio_insert(i * PC_DEV_MAX_MMIO + k);
}

bool device_init(const struct machine *m, const char **why)
{
	*why = "more devices, endpoints or ranges than the tables hold, or one stream twice";
	for (u32 i = 0; i < pci_function_count; i++)
		if (!pci_function[i].bridge && !pci_function[i].no_iommu &&
		    !pci_add(m, &pci_function[i]))
			return false;
	for (u32 i = 0; i < m->dt_device_count; i++)
		if (!dt_add(&m->dt_device[i], PCI_MAX_FUNCTIONS + i))
			return false;
	device_mmio_sort();
	return streams_init(why);
}

void device_boot_identity(void)
{
	for (u32 i = 0; i < device_count; i++)
		if (attach_identity(&device_table[i], vm_primary) != OK)
			panic("%s: the identity domain cannot be set", device_table[i].name);
}

/* Where in the order the first range is that begins behind an address: what holds it can be the one before only. */
static u32 mmio_behind(u64 addr)
{
	u32 low = 0, high = mmio_ranges;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (mmio_range(mmio_order[middle])->base <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct device *device_of_mmio(const struct vm *vm, pa_t base, u64 size, u32 *range)
{
	u32 low = mmio_behind(base.v);
	const struct range *r;
	struct device *d;

	if (low == 0)
		return NULL;
	r = mmio_range(mmio_order[low - 1]);
	if (base.v - r->base >= r->size || size > r->size - (base.v - r->base))
		return NULL;
	*range = mmio_order[low - 1] % PC_DEV_MAX_MMIO;
	d = &device_table[mmio_order[low - 1] / PC_DEV_MAX_MMIO];
	return vm == NULL || device_owned_by(d, vm) ? d : NULL;
}

enum status device_mmio_pin(const struct vm *vm, pa_t base, u64 size)
{
	u32 range;
	struct device *d = device_of_mmio(vm, base, size, &range);

	/* On its way home it is the primary's by name, and its registers may still be another's. */
	if (d == NULL || (vm->primary && __atomic_load_n(&d->mmio_away, __ATOMIC_RELAXED)))
		return E_DENIED;
	if (d->mmio_pins > PIN_MAX - (u32)(size >> PAGE_SHIFT))
		return E_BUSY;
	d->mmio_pins += (u32)(size >> PAGE_SHIFT);
	return OK;
}

/* What was mapped by several calls, of several ranges side by side, may be unmapped by one: they are side by side in the order. */
void device_mmio_unpin(pa_t base, u64 size)
{
	for (u32 at = mmio_behind(base.v); size > 0; at++) {
		const struct range *r;
		struct device *d;
		u64 here;

		CHECK(at > 0 && at <= mmio_ranges);
		r = mmio_range(mmio_order[at - 1]);
		d = &device_table[mmio_order[at - 1] / PC_DEV_MAX_MMIO];
		CHECK(base.v - r->base < r->size);
		here = r->size - (base.v - r->base);
		if (here > size)
			here = size;
		CHECK(d->mmio_pins >= here >> PAGE_SHIFT);
		d->mmio_pins -= (u32)(here >> PAGE_SHIFT);
		base.v += here;
		size -= here;
	}
}

bool device_mmio_ipa(const struct vm *vm, pa_t addr, u64 *out)
{
	u32 range;
	const struct device *d = device_of_mmio(vm, addr, 1, &range);

	if (d == NULL || addr.v - d->mmio[range].base >= d->mmio_given[range])
		return false;
	*out = d->mmio_ipa[range] + (addr.v - d->mmio[range].base);
	return true;
}

static u32 token(const struct device *d, u32 salt)
{
	return hash(hash(hash(HASH_SEED, salt), d->kind), d->nth);
}

void endpoint_tokens(const struct endpoint *e, u32 *token1, u32 *token2)
{
	*token1 = token(e->device, 0x50430001u);
	*token2 = token(e->device, 0x50430100u + e->index);
}

u64 device_mmio_token(const struct device *d, u32 range)
{
	return (u64)token(d, 0x50440000u + range) << 32;
}
