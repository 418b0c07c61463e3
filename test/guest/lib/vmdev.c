/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmdev.h"

#include "pci.h"

#define COMMAND_ON (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static u32 range_of(u32 device, u64 base)
{
	struct pc_dev_info info = rig_device_info(device);

	for (u32 i = 0; i < info.mmio_count && i < PC_DEV_MAX_MMIO; i++) {
		if (info.mmio[i].ipa == base)
			return i;
	}
	report_fail("device %u has no range at %lx", device, base);
}

void vmdev_give(struct vmdev *d, struct vmm *vm, u32 bdf, u32 pviommu, u32 vsid, u32 window)
{
	u32 endpoint;

	*d = (struct vmdev){ .vm = vm, .bdf = bdf & ~7u, .pviommu = pviommu, .vsid = vsid };
	REQUIRE(rig_find_device(d->bdf, &d->device, &endpoint), "function %x has no device", d->bdf);
	while (d->functions < RIG_ENDPOINTS && pci_read32(d->bdf + d->functions, PCI_ID) != PCI_ABSENT) {
		d->host_regs[d->functions] = pci_bar(d->bdf + d->functions, 0).base;
		d->regs[d->functions] = SERVICE_MMIO(window + d->functions);
		d->functions++;
	}
	vmm_assign(vm, d->device, pviommu);
	for (u32 i = 0; i < d->functions; i++) {
		OK(dev_set_vsid(d->device, i, vsid + i));
		vmm_map_mmio(d->device, range_of(d->device, d->host_regs[i]), d->regs[i]);
	}
}

void vmdev_enable(const struct vmdev *d)
{
	for (u32 i = 0; i < d->functions; i++)
		OK(vmm_hcall(d->vm, PC_DEV_CONFIG, d->pviommu, d->vsid + i, PCI_COMMAND | 2u << 16 | 1u << 24, COMMAND_ON, 0));
}

u64 vmdev_domain(struct vmm *vm)
{
	return OK(vmm_pv_op(vm, PVIOMMU_ALLOC_DOMAIN, 0, 0, 0, 0, 0)).r1;
}

void vmdev_map(struct vmm *vm, u64 domain, u64 iova, u64 ipa, u64 bytes, u64 prot)
{
	while (bytes) {
		struct hres r = OK(vmm_pv_op(vm, PVIOMMU_MAP_PAGES, domain, iova, ipa, bytes, prot));

		REQUIRE(r.r1 && r.r1 <= bytes, "MAP_PAGES of %#lx bytes answers %#lx", bytes, r.r1);
		iova += r.r1;
		ipa += r.r1;
		bytes -= r.r1;
	}
}

void vmdev_attach(const struct vmdev *d, u32 endpoint, u64 domain)
{
	OK(vmm_pv_op(d->vm, PVIOMMU_ATTACH_DEV, d->pviommu, d->vsid + endpoint, 0, domain, 0));
}

void vmdev_detach(const struct vmdev *d, u32 endpoint, u64 domain)
{
	OK(vmm_pv_op(d->vm, PVIOMMU_DETACH_DEV, d->pviommu, d->vsid + endpoint, 0, domain, 0));
}

u64 vmdev_faults_settled(struct vmm *vm, u32 pviommu, u64 want)
{
	u64 count = OK(vmm_pv_op(vm, PVIOMMU_STATS, pviommu, PVIOMMU_STAT_FAULTS, 0, 0, 0)).r1;

	for (u32 tries = 0; count < want && tries < 1000; tries++)
		count = OK(vmm_pv_op(vm, PVIOMMU_STATS, pviommu, PVIOMMU_STAT_FAULTS, 0, 0, 0)).r1;
	return count;
}

bool vmdev_dma(const struct vmdev *d, u32 function, u64 iova)
{
	return (u32)ASK(d->vm, "testdev", d->regs[function], iova)[0] != TESTDEV_REFUSED;
}

static bool dma_shows(const struct vmdev *d, u32 function, u64 iova, u64 ipa, bool *accepted)
{
	ASK(d->vm, "poke", ipa, 4, (u32)~TESTDEV_PATTERN);
	*accepted = vmdev_dma(d, function, iova);
	return ASK(d->vm, "peek", ipa, 4)[1] == TESTDEV_PATTERN;
}

void vmdev_lands(const struct vmdev *d, u32 function, u64 iova, u64 ipa)
{
	bool accepted, shows = dma_shows(d, function, iova, ipa, &accepted);

	REQUIRE(accepted && shows, "DMA of the VM's function %u at IOVA %#lx: accepted %d, arrived %d", function, iova, accepted,
		shows);
}

void vmdev_faults(const struct vmdev *d, u32 function, u64 iova, u64 ipa)
{
	bool accepted, shows = dma_shows(d, function, iova, ipa, &accepted);

	REQUIRE(!accepted && !shows, "DMA of the VM's function %u at IOVA %#lx: accepted %d, arrived %d", function, iova,
		accepted, shows);
}
