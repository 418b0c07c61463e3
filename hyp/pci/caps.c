/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capabilities: where each one is, and the hypervisor's choice for what they control. Address
 * translation services, page requests, virtual functions, alternative routing and message
 * interrupts are off, PASIDs too until the device is assigned; access control services are on.
 * Both lists come from the device, so both walks are bounded.
 */
#include "record.h"

#include "hyp/io.h"

bool caps_next(const struct pci_function *f, u32 *at, u32 *left)
{
	u32 next;

	if (*left == 0)
		return false;
	(*left)--;
	if (*at != 0)
		next = (u32)FIELD_GET(CAP_NEXT, cfg_ask(f, *at));
	else if (cfg_ask(f, PCI_COMMAND) & STATUS_CAP_LIST)
		next = cfg_ask(f, PCI_CAP_POINTER);
	else
		next = 0;
	next &= 0xfc;
	*at = next;
	return next >= 0x40; /* below is the header */
}

static void first(u8 *field, u32 at)
{
	if (*field == 0)
		*field = (u8)at;
}

static void record_list(struct pci_function *f)
{
	for (u32 at = 0, left = CAP_LIST_MAX; caps_next(f, &at, &left);) {
		switch (cfg_ask(f, at) & CAP_ID) {
		case CAP_PM:
			first(&f->cap_pm, at);
			break;
		case CAP_MSI:
			first(&f->cap_msi, at);
			break;
		case CAP_MSIX:
			first(&f->cap_msix, at);
			break;
		case CAP_PCIE:
			first(&f->cap_pcie, at);
			break;
		case CAP_AF:
			first(&f->cap_af, at);
			break;
		default:
			break;
		}
	}
}

static u16 *ext_field(struct pci_function *f, u32 id)
{
	switch (id) {
	case EXT_SERIAL:
		return &pci_state_of(f)->cap_serial;
	case EXT_ACS:
		return &f->cap_acs;
	case EXT_ARI:
		return &f->cap_ari;
	case EXT_ATS:
		return &f->cap_ats;
	case EXT_SRIOV:
		return &f->cap_sriov;
	case EXT_PRI:
		return &f->cap_pri;
	case EXT_PASID:
		return &f->cap_pasid;
	default:
		return NULL;
	}
}

/* PCIe 7.6.3: an id and pointer of all zeros or ones is an empty list. */
static void record_ext_list(struct pci_function *f)
{
	u32 at = EXT_FIRST;

	for (u32 left = EXT_LIST_MAX; left > 0 && at >= EXT_FIRST; left--) {
		u32 header = cfg_ask_again(f, at);
		u16 *field = ext_field(f, header & EXT_ID);

		if (header == 0 || header == PCI_ABSENT)
			break;
		/* One whose control would stick out of configuration space is none. */
		if (field != NULL && *field == 0 && at <= 0xff0)
			*field = (u16)at;
		at = (u32)FIELD_GET(EXT_NEXT, header) & ~3u;
	}
}

/* A PASID travels as a prefix of its request (PCIe 2.2.10.4), which not all hardware lets pass. */
static bool carries_prefixes(const struct pci_function *f)
{
	u32 at = f->cap_pcie;

	return at != 0 && FIELD_GET(PCIE_VERSION, cfg_ask(f, at)) >= 2 &&
	       at + PCIE_DEVCAP2 <= 0xfc &&
	       (cfg_ask(f, at + PCIE_DEVCAP2) & DEVCAP2_PREFIX) != 0;
}

u8 caps_pasid_bits(const struct pci_function *f)
{
	u32 bits;

	if (f->cap_pasid == 0 || !carries_prefixes(f))
		return 0;
	for (const struct pci_function *b = record_parent(f); b != NULL; b = record_parent(b))
		if (!carries_prefixes(b))
			return 0;
	bits = (u32)FIELD_GET(PASID_WIDTH, cfg_ask(f, f->cap_pasid + EXT_CONTROL));
	return bits <= PASID_WIDTH_MAX ? (u8)bits : 0; /* the rest is reserved: not believed */
}

/* A function that firmware left asleep forgets everything on its way to D0, so this comes first. */
static void wake(const struct pci_function *f)
{
	u64 start = io_time_us();

	if (f->cap_pm == 0)
		return;
	if ((cfg_ask(f, f->cap_pm + PM_STATUS) & PM_STATE) == 0) {
		cfg_write(f, f->cap_pm + PM_STATUS, 0); /* no wake-up events either */
		return;
	}
	cfg_write(f, f->cap_pm + PM_STATUS, 0);
	while (io_time_us() - start < PM_WAKE_US)
		io_relax();
	cfg_write(f, PCI_COMMAND, 0);
}

static void quiet_pcie(const struct pci_function *f)
{
	const struct pci_state *s = pci_state_of(f);
	u32 at = f->cap_pcie;
	bool port = s->pcie_type == PCIE_ROOT_PORT || s->pcie_type == PCIE_DOWNSTREAM;

	cfg_write(f, at + PCIE_DEVCTL, s->devctl);
	if (port && cfg_ask(f, at) & PCIE_SLOT)
		cfg_write(f, at + PCIE_SLTCTL, cfg_ask(f, at + PCIE_SLTCTL) & SLTCTL_KEEP);
	if (s->pcie_type == PCIE_ROOT_PORT || s->pcie_type == PCIE_COLLECTOR)
		cfg_write(f, at + PCIE_ROOTCTL, 0);
	/* Alternative routing, atomics, prefixes: off. Version 1 has no such register. */
	if (FIELD_GET(PCIE_VERSION, cfg_ask(f, at)) >= 2 && at + PCIE_DEVCTL2 <= 0xfc)
		cfg_write(f, at + PCIE_DEVCTL2, cfg_ask(f, at + PCIE_DEVCTL2) & DEVCTL2_TIMEOUT);
}

/*
 * ACS on ports keeps what is below them from reaching each other past the IOMMU, and lets nothing
 * through that claims to be translated already (PCIe 6.12.1), but where something below has ATS: there
 * the IOMMU alone says who may.
 */
static u32 acs_control(const struct pci_function *f, u32 capability)
{
	const u32 wanted = ACS_SOURCE | ACS_REQUEST | ACS_COMPLETION | ACS_FORWARD | (f->ats ? 0 : ACS_BLOCKING);

	return (capability & wanted) << 16;
}

void caps_acs(const struct pci_function *f)
{
	u32 at = f->cap_acs + EXT_CONTROL;

	cfg_write(f, at, acs_control(f, cfg_ask(f, at)));
}

static bool acs_holds(const struct pci_function *f)
{
	u32 acs = f->cap_acs == 0 ? 0 : cfg_ask(f, f->cap_acs + EXT_CONTROL);

	return (acs & ACS_CONTROLS) == acs_control(f, acs);
}

void caps_quiet(const struct pci_function *f)
{
	if (f->cap_msi != 0)
		cfg_clear(f, f->cap_msi, MSI_ENABLE);
	if (f->cap_msix != 0)
		cfg_clear(f, f->cap_msix, MSIX_ENABLE);
	if (f->cap_pcie != 0)
		quiet_pcie(f);
	if (f->cap_sriov != 0)
		cfg_write(f, f->cap_sriov + SRIOV_CONTROL, 0);
	if (f->cap_ats != 0)
		cfg_write(f, f->cap_ats + EXT_CONTROL, 0);
	if (f->cap_pri != 0)
		cfg_write(f, f->cap_pri + EXT_CONTROL, 0);
	if (f->cap_pasid != 0)
		cfg_write(f, f->cap_pasid + EXT_CONTROL, 0);
	if (f->cap_ari != 0)
		cfg_write(f, f->cap_ari + EXT_CONTROL, 0);
	if (f->cap_acs != 0)
		caps_acs(f);
}

bool caps_hold(const struct pci_function *f)
{
	const struct {
		u32 cap, at, off;
	} control[] = {
		{ f->cap_msi, 0, MSI_ENABLE },
		{ f->cap_msix, 0, MSIX_ENABLE },
		{ f->cap_pm, PM_STATUS, PM_STATE },
		{ f->cap_pcie, PCIE_DEVCTL, DEVCTL_PHANTOM | DEVCTL_NO_SNOOP },
		{ f->cap_sriov, SRIOV_CONTROL, SRIOV_ENABLES },
		{ f->cap_ats, EXT_CONTROL, ATS_ENABLE },
		{ f->cap_pri, EXT_CONTROL, PRI_ENABLE },
		{ f->cap_pasid, EXT_CONTROL, PASID_ENABLE },
		{ f->cap_ari, EXT_CONTROL, ARI_CONTROLS },
		{ PCI_ROM, f->bridge ? BRIDGE_ROM - PCI_ROM : 0, ROM_ENABLE },
	};

	for (u32 i = 0; i < ARRAY_SIZE(control); i++)
		if (control[i].cap != 0 && (cfg_ask(f, control[i].cap + control[i].at) & control[i].off) != 0)
			return false;
	return acs_holds(f);
}

void caps_record(struct pci_function *f)
{
	struct pci_state *s = pci_state_of(f);

	s->pcie_type = PCIE_NONE;
	record_list(f);
	wake(f);
	if (f->cap_pcie != 0) {
		s->pcie_type = (u8)FIELD_GET(PCIE_TYPE, cfg_ask(f, f->cap_pcie));
		/*
		 * Sizes stay as they are. No Snoop goes: it reads memory past the caches, where a
		 * page that was scrubbed for its next owner may still hold the last one's data.
		 * Phantom functions go: they are requester ids that no stream is known for.
		 */
		s->devctl = cfg_ask(f, f->cap_pcie + PCIE_DEVCTL) &
			    (DEVCTL_RELAXED | DEVCTL_MPS | DEVCTL_EXT_TAG | DEVCTL_MRRS);
		record_ext_list(f);
	}
	s->timing = cfg_ask(f, PCI_TIMING) & TIMING_VALUES;
	caps_quiet(f);
}
