# SPDX-License-Identifier: BSD-2-Clause
"""What make bench measures: the operations, what they must hold, and how the figures lie in build/bench/bench.json.

A key there is "<platform>.<name>", its value a number: instructions, or bytes for names that begin with memory_,
image_ or record_. A name may end with what there was of something: map_4k_domains_4096.
"""

import json
import os
import re

WORK = os.path.join("build", "bench")
RESULTS = os.path.join(WORK, "bench.json")

# operation: (must, goal, a native Linux driver without hypervisor)
CALLS = {
    "null_call": (150, 115, None),
    "map_4k": (450, 300, 671),
    "unmap_4k": (700, 430, 1879),
    "map_64k": (900, 550, 971),
    "unmap_64k": (1200, 700, 2824),
    "map_2m": (500, 320, 572),
    "unmap_2m": (800, 450, 1796),
    "map_512x4k": (11400, 9000, 11419),
    "unmap_512x4k": (13000, 10000, 34552),
    "attach": (4000, 1500, 8112),
    "detach": (4000, 1500, 8097),
    "invalidate_1": (700, 450, None),
    "invalidate_16": (1500, 1000, None),
    "invalidate_256": (14000, 10000, None),
}
FLOOR, COLD, CROWD, LONGEST, CODE = "floor_", "_cold", "_1000", "longest_", "image_code_"
ONE_STAGE = "stage{}_"  # before figures of a machine whose SMMU has that stage alone
CODE_OF_THE_PRIMARY = 131_072  # bytes
CROWD_FACTOR = 1.05
LONGEST_LIMIT = 100_000
GROWTH_FACTOR = 1.05

# operation: (how many pages, or 0, what is measured); no figure to hold. test/guest/bench/bench_vm.c says more.
SECONDARIES = {
    "vcpu_run": (0, "VCPU_RUN of a secondary that stores to nobody's address: there and back"),
    "vcpu_run_idle": (0, "the same of one that waits for an interrupt"),
    "world_switch": (0, "vcpu_run less null_call"),
    "mem_share": (0, "VCPU_RUN of a secondary that shares a page, up to the exit that says so"),
    "mem_unshare": (0, "the same for taking it back"),
    "donate_page": (1, "a page that is cleared"),
    "donate_512x4k": (512, "512 pages where no block fits"),
    "donate_2m": (512, "a block"),
    "destroy_vm": (0, "all of VM_DESTROY for a VM without memory but its pool"),
    "destroy_page": (1, "what a page that was donated by itself adds to that"),
    "destroy_512x4k": (512, "and 512 pages that were donated at once"),
    "destroy_2m": (512, "and a block"),
}

# figure: (how many records, what is measured); no figure to hold. test/guest/bench/bench_events.c says more.
EVENTS = {
    "event_1": (1, "a fault and its record"),
    "event_64": (64, "64 at once, as many as one interrupt takes"),
}

# figure of the boot: (must, goal, what)
BOOT = {
    "startup_el2": (5_000_000, None, "from reset to the primary's first instruction"),
    "boot_el2": (600_000, 200_000, "at EL2 from there to the first instruction of Linux's /init"),
}

# What there is more of: the measured operations. Held against the first count: one page there and back.
GROWTH = {
    "domains": ("map_4k", "unmap_4k"),
    "endpoints": ("map_4k", "unmap_4k", "attach"),
    "vms": ("map_4k", "unmap_4k", "vcpu_run", "vm_create"),
    "pages": ("map_4k", "unmap_4k"),
    "all": ("map", "unmap", "free"),
}
HELD = ("map_4k", "unmap_4k")

MEMORY = {
    "memory_domain": "a domain, nothing mapped",
    "memory_domain_with_a_page": "a domain with one page mapped: four levels of tables",
    "memory_attached_endpoint": "an attached endpoint: its context descriptor",
    "memory_vm_pool": "a VM of one vCPU, from its own pool: the least pool that VM_CREATE takes",
    "memory_vcpu": "each vCPU more",
    "memory_vm_nested": "one that may own first stages: more than that, and tables for its memory once more",
    "memory_vm_of_primary": "a VM, from the primary's pool and the hypervisor's (mean of 64)",
    "record_vm": "record of a VM (static)",
    "record_device": "record of a device (static)",
    "record_endpoint": "record of an endpoint (static)",
    "record_page": "record of a page of RAM",
}


TABLE = os.path.join("hyp", "hcall", "hcall_table.c")
ROW = re.compile(r"^\t(?:FN\(PC_|\[PVIOMMU_)(\w+)[)\]] = \{ hc_\w+, CALL_\w+( \| CALL_LONG)?,", re.MULTILINE)


def rows():
    """{call: may it be long?}, in the order of the hypervisor's own table; in small letters, as their figures."""
    with open(TABLE, encoding="utf-8") as file:
        return {name.lower(): bool(is_long) for name, is_long in ROW.findall(file.read())}


def interface():
    """The calls that there are."""
    return list(rows())


class Results:
    """The figures of one platform."""

    def __init__(self, platform, path=RESULTS):
        self.prefix, self.path = platform + ".", path
        self.all = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.all = json.load(file)

    def get(self, name):
        return self.all.get(self.prefix + name)

    def names(self):
        return [key[len(self.prefix):] for key in self.all if key.startswith(self.prefix)]

    def update(self, figures):
        self.all.update({self.prefix + name: value for name, value in figures.items()})
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(dict(sorted(self.all.items())), file, indent=1)
            file.write("\n")

    def group(self, prefix):
        """[(the rest of the name, figure)] of all names that begin so, the largest first."""
        found = [(name[len(prefix):], self.get(name)) for name in self.names() if name.startswith(prefix)]
        return sorted(found, key=lambda item: -item[1])

    def of_exit(self, name):
        """What the exit of that longest stretch may take of hardware's events on top: as many as an interrupt, or few
        where the call is one that may be long, or more than one (hyp/iommu/drain.h: DRAIN_EVENTS, DRAIN_EVENTS_LONG)."""
        one, many = self.get("event_1"), self.get("event_64")
        if one is None or many is None:
            return 0
        own = [row for row in rows() if name.startswith(row) or name.removeprefix("vm_").startswith(row)]
        may_be_long = not own or rows()[max(own, key=len)]
        return one + (many - one) * 3 // 63 if may_be_long else many

    def without_longest(self):
        """Calls of the interface of which nobody knows how long they can take."""
        return [name for name in interface() if self.get(LONGEST + name) is None]

    def growth(self, operation, what):
        """[(count, figure)], ascending."""
        shape = re.compile(rf"{operation}_{what}_(\d+)$")
        found = [(int(match.group(1)), self.get(name)) for name in self.names() if (match := shape.match(name))]
        return sorted(found)

    def growth_factor(self, operation, what):
        points = self.growth(operation, what)
        return max(value for _, value in points) / points[0][1] if points else None
