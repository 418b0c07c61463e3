# SPDX-License-Identifier: BSD-2-Clause
"""Who owns which page, by the journal of a traced image (test/trace/journal.c), and what that permits a device.

Nothing here is taken from the hypervisor's records but the changes it noted: what they permit is said once more.
"""

import collections

HYP, PRIMARY = 0, 1  # owners; secondary VM n is PRIMARY + n
OWNED, SHARED, READ_ONLY, MOVING = range(4)  # enum page_state; a pool's states are the hypervisor's own
STATES = ("owned", "shared", "read-only", "moving")
RUN = 512  # pages of a 2 MiB run
WRITE = 2  # of QEMU's permission bits


def name_of(owner):
    return "the hypervisor" if owner == HYP else "the primary" if owner == PRIMARY else f"VM {owner - PRIMARY}"


class Pages:
    """RAM by page frame. A run that is of one kind is one tuple, any other a list of them."""

    def __init__(self):
        self.runs = {}                          # frame >> 9 -> (owner, state, state before) or a list of 512
        self.mmio = {}                          # frame -> owner
        self.pins = collections.Counter()       # of single pages
        self.block_pins = collections.Counter() # of runs
        self.pinned = collections.Counter()     # single pins in a run

    def get(self, frame):
        """(owner, state, state before) of a page of RAM; None for any other."""
        run = self.runs.get(frame >> 9)
        return run[frame & 511] if isinstance(run, list) else run

    @staticmethod
    def runs_of(frame, count):
        """The parts of a range by 2 MiB: (frame, count)."""
        end = frame + count
        while frame < end:
            n = min(end - frame, RUN - (frame & 511))
            yield frame, n
            frame += n

    def set(self, frame, count, owner, state):
        """Pages of one run."""
        index, first = frame >> 9, frame & 511
        was = self.runs.get(index)
        if count == RUN and not isinstance(was, list):
            self.runs[index] = owner, state, was[1] if was else state
            return
        run = self.runs[index] = was if isinstance(was, list) else [was] * RUN
        for i in range(first, first + count):
            run[i] = owner, state, run[i][1] if run[i] else state
        if count == RUN and run.count(run[0]) == RUN:
            self.runs[index] = run[0]

    def pin_count(self, frame):
        return self.pins[frame] + self.block_pins[frame >> 9]

    def pin(self, frame, count, step):
        """Adds `step` to the pins of pages; yields those that have none left."""
        for each in range(frame, frame + count):
            self.pins[each] += step
            self.pinned[each >> 9] += step
            if step < 0 and self.pins[each] <= 0:
                left = self.pins.pop(each)
                if left < 0 or each >> 9 not in self.block_pins:
                    yield each, left

    def pin_block(self, frame, step):
        self.block_pins[frame >> 9] += step
        if self.block_pins[frame >> 9] == 0:
            del self.block_pins[frame >> 9]

    def denial(self, owner, frame, perm):
        """Why a device of `owner` must not have these permissions on the page; None if it may."""
        page = self.get(frame)
        if page is None:
            has = self.mmio.get(frame)
            if has is None:
                return "neither RAM nor registers of a device"
            return None if has == owner else f"registers of a device of {name_of(has)}"
        has, state, before = page
        if has == HYP:
            return "memory of the hypervisor"
        if has == owner:
            return "to be read only" if state == READ_ONLY and perm & WRITE else None
        # A secondary's page that is on its way to or from being shared; which way, the next record says.
        shared = state == SHARED or (state == MOVING and before in (SHARED, OWNED))
        return None if owner == PRIMARY and shared else f"memory of {name_of(has)}"
