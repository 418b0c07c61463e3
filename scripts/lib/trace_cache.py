# SPDX-License-Identifier: BSD-2-Clause
"""What the caches of the SMMUs may hold: translations and configurations, from the moment that QEMU made them until a
command that removes them, by the narrowest reading of IHI 0070 4.3 and 4.4, and the CMD_SYNC behind it.

QEMU forgets more, and sooner. What it holds is a part of what is here.
"""

import collections

SHIFT = {3: 12, 2: 21, 1: 30}  # of the leaf, by its level
ANY = -1                       # an ASID or VMID that a command does not look at, or an entry does not have

Entry = collections.namedtuple("Entry", "smmu asid vmid iova level pa perm")


class Translations:
    def __init__(self):
        self.entries = {}                                # key -> Entry
        self.by_tag = collections.defaultdict(set)       # (smmu, vmid) -> keys
        self.by_frame = collections.defaultdict(set)     # (level, frame of its size) -> keys
        self.small = collections.Counter()               # run of 2 MiB -> leaves of 4 KiB in it

    @staticmethod
    def key(entry):
        return entry[:5]

    def add(self, entry):
        key = self.key(entry)
        if key in self.entries:
            self.remove(key)
        self.entries[key] = entry
        self.by_tag[key[0], key[2]].add(key)
        self.by_frame[entry.level, entry.pa >> SHIFT[entry.level]].add(key)
        self.small[entry.pa >> 21] += entry.level == 3

    def remove(self, key):
        entry = self.entries.pop(key)
        self.by_tag[key[0], key[2]].discard(key)
        place = entry.level, entry.pa >> SHIFT[entry.level]
        self.by_frame[place].discard(key)
        if not self.by_frame[place]:
            del self.by_frame[place]
        self.small[entry.pa >> 21] -= entry.level == 3

    def in_run(self, run):
        """Does any entry lead into a run of 2 MiB?"""
        return self.small[run] or (2, run) in self.by_frame or (1, run >> 9) in self.by_frame

    def of_frame(self, frame):
        """Every entry that leads to a page."""
        found = []
        for level, shift in SHIFT.items():
            keys = self.by_frame.get((level, frame >> (shift - 12)))
            if keys:
                found += [self.entries[key] for key in keys]
        return found

    def of_tag(self, vmid, asid=ANY):
        return [self.entries[key] for (_, tag), keys in self.by_tag.items() if tag == vmid
                for key in keys if asid in (ANY, key[1])]

    # --- invalidation: each answers the keys that go, and removes nothing

    def every(self, smmu):
        return [key for key in self.entries if key[0] == smmu]

    def tagged(self, smmu, vmid, asid, stage1_only=False):
        """By ASID, all of a VMID, or of it only what came of stage 1."""
        return [key for key in self.by_tag[smmu, vmid]
                if asid in (ANY, key[1]) and not (stage1_only and key[1] == ANY)]

    def ranged(self, smmu, vmid, asid, base, size, ttl):
        """By address. S2_IPA has no ASID, and removes only what has none: entries of stage 2 alone (4.4.3.1)."""
        levels = [ttl] if ttl in SHIFT else SHIFT
        if size > 1 << 22:
            return [key for key in self.by_tag[smmu, vmid] if key[1] == asid and key[4] in levels
                    and key[3] < base + size and base < key[3] + (1 << SHIFT[key[4]])]
        keys = []
        for level in levels:
            step = 1 << SHIFT[level]
            for iova in range(base & -step, base + size, step):
                key = (smmu, asid, vmid, iova, level)
                if key in self.entries:
                    keys.append(key)
        return keys

    def of_any_asid(self, smmu, vmid, base, size, ttl):
        """By address, whatever the ASID: of stage 1 all that is there."""
        asids = {key[1] for key in self.by_tag[smmu, vmid]} - {ANY}
        return [key for asid in asids for key in self.ranged(smmu, vmid, asid, base, size, ttl)]


class Configuration:
    """What one stream was read to be: the pages of its structures, and the tag once it has translated."""

    def __init__(self):
        self.pages = {}   # "stream table entry", ... -> frame
        self.tag = None   # (asid, vmid)
