// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The primary VM assigns devices to itself.
 *
 * A device of the primary belongs to nobody at first and runs in a domain of
 * the hypervisor's in which IOVA equals IPA. To get domains of its own the
 * primary, which is also the VMM, assigns the device to VM 1 and names its
 * endpoints, as it would for any other VM; giving it back restores the identity
 * domain. Both reset the device, so both happen only while no driver has it.
 *
 * The hypervisor's unit is what can be reset and moved alone: a PCI slot with
 * all its functions, or all that sits behind one conventional bus. It is called
 * a slot here in both cases.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "portcullis.h"

/* Longer than any reset that PCI allows. */
#define PCL_RESET_TIMEOUT	(10 * HZ)

struct pcl_slot {
	u32			device;		/* the hypervisor's number */
	u32			group;		/* its isolation group */
	u32			endpoint_count;
	int			domain;
	u8			bus;
	u8			slot;
	bool			whole_bus;	/* one endpoint for all of it */
	unsigned int		users;
	struct pcl_iommu	*pv;		/* assigned to it, or NULL */
	u32			vsids[PC_DEV_MAX_ENDPOINTS];
};

static struct pcl_slot *slots;
static unsigned int slot_count;

static bool slot_has(const struct pcl_slot *slot, struct pci_dev *pdev)
{
	struct pci_bus *bus;

	if (pci_domain_nr(pdev->bus) != slot->domain)
		return false;
	if (!slot->whole_bus)
		return pdev->bus->number == slot->bus &&
		       PCI_SLOT(pdev->devfn) == slot->slot;

	/* Requests from further below take the id of this bus as well. */
	for (bus = pdev->bus; bus; bus = bus->parent)
		if (bus->number == slot->bus)
			return true;
	return false;
}

static struct pcl_slot *slot_find(struct pci_dev *pdev)
{
	unsigned int i;

	for (i = 0; i < slot_count; i++)
		if (slot_has(&slots[i], pdev))
			return &slots[i];
	return NULL;
}

static int device_info(u32 device, struct pc_dev_info *info)
{
	struct arm_smccc_res res;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return pcl_call(PC_DEV_INFO, device, virt_to_phys(info), 0, &res);
}

/* False for what is no PCI slot, which is no business of Linux's here. */
static bool slot_parse(struct pcl_slot *slot, const struct pc_dev_info *info)
{
	char name[sizeof(info->name) + 1];
	unsigned int domain, bus, dev;
	char star;

	strscpy(name, (const char *)info->name, sizeof(name));
	if (sscanf(name, "pci %4x:%2x:%2x", &domain, &bus, &dev) == 3) {
		slot->slot = dev;
	} else if (sscanf(name, "pci %4x:%2x:%c", &domain, &bus, &star) == 3 &&
		   star == '*') {
		slot->whole_bus = true;
	} else {
		return false;
	}
	slot->domain = domain;
	slot->bus = bus;
	slot->device = info->device;
	slot->group = info->group;
	slot->endpoint_count = info->endpoint_count;
	return slot->endpoint_count <= PC_DEV_MAX_ENDPOINTS;
}

/*
 * Lists the machine's devices. -EOPNOTSUPP: this VM is not the primary, its
 * devices were assigned before it started and are in its device tree.
 */
int pcl_slots_read(struct device *dev)
{
	struct pc_dev_info *info;
	struct arm_smccc_res res;
	unsigned int i, count;
	int ret;

	ret = pcl_call(PC_DEV_COUNT, 0, 0, 0, &res);
	if (ret || slots)
		return ret;

	count = res.a1;
	info = kmalloc(sizeof(*info), GFP_KERNEL);
	slots = kvcalloc(count, sizeof(*slots), GFP_KERNEL);
	if (!info || !slots) {
		ret = -ENOMEM;
		goto out;
	}

	for (i = 0; i < count; i++) {
		ret = device_info(i, info);
		if (ret)
			goto out;
		if (slot_parse(&slots[slot_count], info))
			slot_count++;
		else
			memset(&slots[slot_count], 0, sizeof(*slots));
	}
	dev_dbg(dev, "%u of %u devices are PCI slots\n", slot_count, count);
out:
	kfree(info);
	if (ret)
		pcl_slots_free();
	return ret;
}

void pcl_slots_free(void)
{
	kvfree(slots);
	slots = NULL;
	slot_count = 0;
}

/*
 * Assigning a slot resets it, and blocks all of its isolation group until they
 * are assigned too: none of them may be in use. A port above the slot may: it
 * only forwards.
 */
static bool slot_busy(const struct pcl_slot *slot)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev) {
		struct pcl_slot *other = slot_find(pdev);

		if (!other || other->group != slot->group || other->pv ||
		    (other != slot && pci_is_bridge(pdev)))
			continue;
		if (pdev->dev.driver) {
			pci_info(pdev, "is in use by %s, so its isolation group stays as it is; unbind it first\n",
				 pdev->dev.driver->name);
			pci_dev_put(pdev);
			return true;
		}
	}
	return false;
}

/*
 * The hypervisor's reset keeps addresses, which are its own, and loses what
 * Linux has chosen when it found the device, payload size and the like.
 */
static void slot_save(const struct pcl_slot *slot)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		if (slot_has(slot, pdev))
			pci_save_state(pdev);
}

static void slot_restore(const struct pcl_slot *slot)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev)
		if (slot_has(slot, pdev))
			pci_restore_state(pdev);
}

/* DEV_ASSIGN and DEV_RELEASE answer 1 for as long as the reset runs. */
static int slot_move(const struct pcl_slot *slot, u32 fn, u64 vm, u64 pv)
{
	unsigned long deadline = jiffies + PCL_RESET_TIMEOUT;
	struct arm_smccc_res res;
	int ret;

	for (;;) {
		ret = pcl_call(fn, slot->device, vm, pv, &res);
		if (ret || !res.a1)
			return ret;
		if (time_after(jiffies, deadline))
			return -ETIMEDOUT;
		usleep_range(500, 1000);
	}
}

static void slot_release(struct pcl_slot *slot)
{
	u32 i;
	int ret;

	slot_save(slot);
	ret = slot_move(slot, PC_DEV_RELEASE, 0, 0);
	slot_restore(slot);
	if (ret)
		dev_err(slot->pv->dev, "device %u cannot be given back and stays blocked: %pe\n",
			slot->device, ERR_PTR(ret));

	for (i = 0; i < slot->endpoint_count; i++)
		ida_free(&slot->pv->vsids, slot->vsids[i]);
	slot->pv = NULL;
}

/* Names every endpoint now: the first attach freezes the names. */
static int slot_name(struct pcl_slot *slot)
{
	struct arm_smccc_res res;
	int vsid, ret;
	u32 i;

	for (i = 0; i < slot->endpoint_count; i++) {
		vsid = ida_alloc(&slot->pv->vsids, GFP_KERNEL);
		if (vsid < 0) {
			ret = vsid;
			goto err_free;
		}
		slot->vsids[i] = vsid;
		ret = pcl_call(PC_DEV_SET_END_POINT_VSID, slot->device, i, vsid,
			       &res);
		if (ret) {
			ida_free(&slot->pv->vsids, vsid);
			goto err_free;
		}
	}
	return 0;

err_free:
	while (i--)
		ida_free(&slot->pv->vsids, slot->vsids[i]);
	return ret;
}

static int slot_assign(struct pcl_slot *slot)
{
	struct pcl_iommu *pv;
	int ret = -ENODEV;

	slot_save(slot);
	/* A pvIOMMU holds the devices of one IOMMU, and which is not said. */
	list_for_each_entry(pv, &pcl_iommus, node) {
		ret = slot_move(slot, PC_DEV_ASSIGN, PC_VM_PRIMARY, pv->id);
		if (ret != -EINVAL)
			break;
	}
	if (!ret) {
		slot->pv = pv;
		ret = slot_name(slot);
		if (ret) {
			slot->pv = NULL;
			slot_move(slot, PC_DEV_RELEASE, 0, 0);
		}
	}
	slot_restore(slot);
	return ret;
}

/* Endpoints are numbered by the functions there are, in ascending order. */
static u32 slot_endpoint_index(const struct pcl_slot *slot,
			       struct pci_dev *pdev)
{
	unsigned int fn;
	u32 id, index = 0;

	if (slot->whole_bus)
		return 0;
	for (fn = 0; fn < PCI_FUNC(pdev->devfn); fn++)
		if (!pci_bus_read_config_dword(pdev->bus,
					       PCI_DEVFN(slot->slot, fn),
					       PCI_VENDOR_ID, &id) &&
		    !PCI_POSSIBLE_ERROR(id))
			index++;
	return index;
}

/*
 * Makes the slot of @pdev ours, if it is not already. Says which pvIOMMU it is
 * behind and which of its vSIDs @pdev has. The caller holds pcl_lock.
 */
struct pcl_slot *pcl_slot_claim(struct pci_dev *pdev, struct pcl_iommu **pv,
				u32 *vsid)
{
	struct pcl_slot *slot = slot_find(pdev);
	struct pc_dev_info *info;
	u32 index;
	int ret;

	if (!slot)
		return ERR_PTR(-ENODEV);

	index = slot_endpoint_index(slot, pdev);
	if (index >= slot->endpoint_count)
		return ERR_PTR(-ENODEV);

	if (!slot->pv) {
		if (slot_busy(slot))
			return ERR_PTR(-EBUSY);

		info = kmalloc(sizeof(*info), GFP_KERNEL);
		if (!info)
			return ERR_PTR(-ENOMEM);
		ret = device_info(slot->device, info);
		if (!ret && info->flags & PC_DEV_ASSIGNED)
			ret = -EBUSY;	/* to another VM */
		kfree(info);
		if (!ret)
			ret = slot_assign(slot);
		if (ret) {
			pci_err(pdev, "cannot be assigned: %pe\n",
				ERR_PTR(ret));
			return ERR_PTR(ret);
		}
	}

	slot->users++;
	*pv = slot->pv;
	*vsid = slot->vsids[index];
	return slot;
}

/* The last function to go gives the slot back. The caller holds pcl_lock. */
void pcl_slot_put(struct pcl_slot *slot)
{
	if (!--slot->users)
		slot_release(slot);
}
