/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A hypervisor and a PCI bus that exist only inside the self test module.
 */
#ifndef FAKE_H
#define FAKE_H

#include <linux/pci.h>
#include <linux/types.h>

#define FAKE_PVIOMMU		5
#define FAKE_PCI_DOMAIN		0x7e57
#define FAKE_PCI_VENDOR		0x1b36
#define FAKE_PCI_DEVICE		0x7e57

/* What is there: slot 1 has functions 0 and 2, slot 2 one, bus 1 two slots. */
enum {
	FAKE_DEV_MULTI,
	FAKE_DEV_SINGLE,
	FAKE_DEV_BUS,
	FAKE_DEV_NOT_PCI,
	FAKE_DEV_REFUSED,
	FAKE_DEV_COUNT,
};

struct fake_counts {
	unsigned int domains;
	unsigned int assigned;
	unsigned int attached;
	unsigned long pages;
	unsigned long list_calls;
	unsigned long attach_calls;
	unsigned long resets;
	unsigned int errors;	/* calls that break the interface */
};

/* portcullis_hvc.c's place is taken by fake_hyp.c. */
void fake_hyp_init(void);
void fake_hyp_exit(void);
struct fake_counts fake_hyp_counts(void);
void fake_hyp_steps(size_t map_pages, size_t unmap_pages);
void fake_hyp_refuse_page(phys_addr_t ipa);
int fake_hyp_translate(u32 vsid, u64 iova, u64 *ipa, u32 *prot);
int fake_hyp_vsid(unsigned int device, unsigned int endpoint);

int fake_pci_add(struct device *parent);
void fake_pci_remove(void);
struct pci_dev *fake_pci_get(unsigned int bus, unsigned int slot,
			     unsigned int fn);

#endif
