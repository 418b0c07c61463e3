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


def state_of(page):
    return STATES[page[1]] if page[0] != HYP else "owned"


class Pages:
    """RAM by page frame. A run that is of one kind is one tuple, any other a list of them."""

    def __init__(self):
        self.runs = {}                          # frame >> 9 -> (owner, state, state before) or a list of 512
        self.mmio = {}                          # frame -> owner
        self.pins = collections.Counter()       # frame -> pins of this page alone
        self.block_pins = collections.Counter() # frame >> 9 -> pins of all of the run
        self.pinned = collections.Counter()     # frame >> 9 -> pages in it that are pinned alone
        self.written = set()                    # frames that have been pinned to be written since they had no pin
        self.written_blocks = set()

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
        return self.pins.get(frame, 0) + self.block_pins.get(frame >> 9, 0)

    def pinned_to_write(self, frame):
        return frame in self.written or frame >> 9 in self.written_blocks

    def pin(self, frame, count, write):
        for each in range(frame, frame + count):
            self.pinned[each >> 9] += each not in self.pins
            self.pins[each] += 1
        if write:
            self.written.update(range(frame, frame + count))

    def unpin(self, frame, count):
        """Yields the pages that have no pin left, or less than none."""
        for each in range(frame, frame + count):
            self.pins[each] -= 1
            if self.pins[each] > 0:
                continue
            left = self.pins.pop(each)
            self.pinned[each >> 9] -= 1
            self.written.discard(each)
            if left < 0 or each >> 9 not in self.block_pins:
                yield each, left

    def pin_block(self, frame, write):
        self.block_pins[frame >> 9] += 1
        if write:
            self.written_blocks.add(frame >> 9)

    def unpin_block(self, frame):
        """As unpin()."""
        run = frame >> 9
        self.block_pins[run] -= 1
        if self.block_pins[run] > 0:
            return
        left = self.block_pins.pop(run)
        self.written_blocks.discard(run)
        for each in range(frame, frame + RUN):
            if left < 0 or each not in self.pins:
                yield each, left

    def convert(self, frame):
        """A pin of a run becomes a pin of each of its pages."""
        self.pin(frame, RUN, frame >> 9 in self.written_blocks)
        for _ in self.unpin_block(frame):
            pass

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
