# SPDX-License-Identifier: BSD-2-Clause
"""The rules that every translation, every command and every change of owner is held to. No part of the hypervisor
takes part in the judgement: it is told by QEMU what happened, and by the journal what was meant to be whose.

Sentences begin with the invariant or the line of the checklist that is broken.
"""

import collections

from lib import trace_cache, trace_pages
from lib.trace_cache import ANY
from lib.trace_pages import name_of

BLOCKED, STAGE2, STAGE1, QUIET = range(4)  # enum stream_mode
ALLOWED = {"CFGI_STE", "CFGI_STE_RANGE", "CFGI_CD", "CFGI_CD_ALL", "TLBI_NH_ALL", "TLBI_NH_ASID", "TLBI_NH_VA",
           "TLBI_NH_VAA", "TLBI_S12_VMALL", "TLBI_S2_IPA", "TLBI_NSNH_ALL", "SYNC"}
AT_BOOT = {"CFGI_STE_RANGE", "TLBI_NSNH_ALL"}  # once there are streams these would hide what is not invalidated
REPORTS_MAX = 20
# IHI 0070 7.3, by QEMU's names.
EVENTS = {"F_UUT": 0x01, "C_BAD_STREAMID": 0x02, "F_STE_FETCH": 0x03, "C_BAD_STE": 0x04, "F_STREAM_DISABLED": 0x06,
          "C_BAD_SUBSTREAMID": 0x08, "F_CD_FETCH": 0x09, "C_BAD_CD": 0x0a, "F_WALK_EABT": 0x0b, "F_TRANSLATION": 0x10,
          "F_ADDR_SIZE": 0x11, "F_ACCESS": 0x12, "F_PERMISSION": 0x13}
FAULT = 1  # PVIOMMU_KIND_FAULT

# What a stream may translate by: `tag` is (asid, vmid), `paging` a domain whose pages are pinned one by one, `nested` behind
# a first stage that is the owner's own: under the owner's VMID it has ASIDs, contexts and tables as it likes.
Binding = collections.namedtuple("Binding", "owner tag paging nested", defaults=(False,))


class Oracle:
    def __init__(self):
        self.pages = trace_pages.Pages()
        self.cache = trace_cache.Translations()
        self.configs = {}       # (smmu, sid) -> Configuration
        self.bindings = {}      # sid -> [Binding]: what it has, and while that changes what it will have
        self.contexts = {}      # sid -> Binding: what its context descriptor says
        self.smmu_of = {}       # sid -> index
        self.tags = {}          # (asid, vmid) -> Binding that used it first
        self.taken = set()      # ids: (is_asid, vmid, id)
        self.started = None     # (stage 1, stage 2, SMMUs)
        self.pending = collections.defaultdict(list)  # smmu -> what its next CMD_SYNC completes
        self.enabled, self.safe = set(), set()  # SMMUs: on; blocking DMA when off
        self.structures = {}    # (smmu, register) -> frame
        self.structure_runs = set()  # frame >> 9 of any structure, ever
        self.sharing = {}       # frame -> sentence: judged by what the page becomes
        self.names = {}         # (owner, pvIOMMU, vSID) -> sid
        self.events = collections.defaultdict(collections.Counter)  # sid -> code -> recorded since it has its name, not told
        self.sid, self.tag, self.inserted = None, None, None
        self.config_sid = None  # whose configuration is being read, or was last
        self.counts = collections.Counter()
        self.reports = []
        self.broken = 0

    def broken_rule(self, sentence):
        self.broken += 1
        if len(self.reports) < REPORTS_MAX and sentence not in self.reports:
            self.reports.append(sentence)

    # --- the journal

    def start(self, stage1, stage2, count):
        self.started = stage1, stage2, count

    def pages_set(self, frame, count, owner, state):
        self.counts["pages"] += count
        for each, n in self.pages.runs_of(frame, count):
            if self.is_quiet(each >> 9):
                self.pages.set(each, n, owner, state)
                continue
            was = [self.pages.get(at) for at in range(each, each + n)]
            self.pages.set(each, n, owner, state)
            for at, old in enumerate(was, each):
                if old:
                    self.page_changed(at, old, owner, state)

    def is_quiet(self, run):
        """No device has had to do with these pages: none of them needs to be looked at alone."""
        return not (self.sharing or self.pages.pinned[run] or run in self.pages.block_pins or self.cache.in_run(run)
                    or run in self.structure_runs)

    def page_changed(self, frame, was, owner, state):
        sentence = self.sharing.pop(frame, None)
        if sentence and (owner, state) != (was[0], trace_pages.SHARED):
            self.broken_rule(sentence)
        what = f"page {frame << 12:#x} of {name_of(was[0])}"
        pins = self.pages.pin_count(frame)
        shared = was[1] == trace_pages.SHARED
        if pins and (was[0] != owner or state == trace_pages.MOVING) and not (shared and owner == trace_pages.PRIMARY):
            self.broken_rule(f"V2: {what} leaves it with {pins} DMA pins")
        if state == trace_pages.MOVING and owner == was[0]:
            return
        for entry in self.cache.of_frame(frame):
            binding = self.giver(entry.asid, entry.vmid)
            if binding is None or self.pages.denial(binding.owner, frame, entry.perm):
                self.broken_rule(f"A1: {what} becomes {name_of(owner)}'s ({trace_pages.state_of((owner, state))}), but "
                                 f"{self.cached(entry)}")
        if was[0] == trace_pages.HYP != owner:
            self.structures_free(frame)

    def structures_free(self, frame):
        for (smmu, sid), config in self.configs.items():
            for kind, at in config.pages.items():
                if at == frame:
                    self.broken_rule(f"A2: page {frame << 12:#x} leaves the hypervisor, and is the {kind} of stream {sid:#x}")
        for (smmu, register), at in self.structures.items():
            if at == frame:
                self.broken_rule(f"V5: page {frame << 12:#x} leaves the hypervisor, and SMMU {smmu} has it as {register}")

    def cached(self, entry):
        return (f"SMMU {entry.smmu} may still hold {entry.iova:#x} -> {entry.pa:#x} under VMID {entry.vmid} "
                f"ASID {entry.asid}")

    def pinned(self, frame, count, block, write):
        self.counts["pins"] += 1
        for each in range(frame, frame + count):
            page = self.pages.get(each)
            if page and (page[0] == trace_pages.HYP or page[1] == trace_pages.MOVING):
                self.broken_rule(f"V1: page {each << 12:#x} of {name_of(page[0])} ({trace_pages.state_of(page)}) is pinned")
        if block:
            self.pages.pin_block(frame, write)
        else:
            self.pages.pin(frame, count, write)

    def unpinned(self, frame, count, block):
        for each, left in self.pages.unpin_block(frame) if block else self.pages.unpin(frame, count):
            if left < 0:
                self.broken_rule(f"V2: page {each << 12:#x} is unpinned more often than it was pinned")
            for entry in self.cache.of_frame(each):
                binding = self.giver(entry.asid, entry.vmid)
                if binding and binding.paging:
                    self.broken_rule(f"V3: page {each << 12:#x} has lost its last pin, but {self.cached(entry)}")

    def pins_converted(self, frame):
        self.pages.convert(frame)

    def mmio_set(self, frame, count, owner):
        for each in range(frame, frame + count):
            was = self.pages.mmio.get(each)
            self.pages.mmio[each] = owner
            for entry in self.cache.of_frame(each) if was is not None and was != owner else []:
                binding = self.giver(entry.asid, entry.vmid)
                if not binding or binding.owner != owner:
                    self.broken_rule(f"A1: registers at {each << 12:#x} become {name_of(owner)}'s, but {self.cached(entry)}")

    def giver(self, asid, vmid):
        """Whose table is behind what is cached under a tag: under the VMID of a VM's own table there may be any ASID."""
        own = self.tags.get((ANY, vmid))
        return self.tags.get((asid, vmid)) or (own if own and not own.paging else None)

    def is_nested(self, sid):
        return any(binding.nested for binding in self.bindings.get(sid, ()))

    def bind(self, sid, binding):
        """The stream may translate by this from now on."""
        if binding.tag not in self.tags:
            self.tags[binding.tag] = binding
        first = self.tags[binding.tag]
        if (first.owner, first.paging) != (binding.owner, binding.paging):
            self.broken_rule(f"V3: stream {sid:#x} of {name_of(binding.owner)} is given VMID {binding.tag[1]} ASID "
                             f"{binding.tag[0]}, under which caches hold what is {name_of(first.owner)}'s")
        self.bindings.setdefault(sid, []).append(binding)

    def binding_of(self, owner, vmid, asid, paging, stage1):
        vmid = vmid if self.started and self.started[1] else ANY
        return Binding(owner, (asid if stage1 else ANY, vmid), paging)

    def stream_set(self, sid, smmu, owner, vmid, mode, paging, done, nested=False):
        self.smmu_of[sid] = smmu
        self.counts["streams"] += 1
        new = None
        if mode == STAGE2:
            new = self.binding_of(owner, vmid, 0, paging, False)._replace(nested=nested)
        elif mode == STAGE1:
            context = self.contexts.get(sid)
            if context is None:
                return self.broken_rule(f"V1: stream {sid:#x} is given a context that was never written")
            new = self.binding_of(owner, vmid, context.tag[0], context.paging, True)
        if not done:
            if new:
                self.bind(sid, new)
            return None
        self.bindings[sid] = [new] if new else []
        self.config_left(sid, smmu, new)
        return None

    def config_left(self, sid, smmu, new):
        """A change is complete: no cache has what was there before."""
        config = self.configs.get((smmu, sid))
        if config and config.tag and (new is None or new.nested or config.tag[1] != new.tag[1]
                                      or config.tag[0] not in (None, new.tag[0])):
            self.broken_rule(f"B3: stream {sid:#x} was changed, but SMMU {smmu} may still have it under VMID "
                             f"{config.tag[1]} ASID {config.tag[0]}")

    def context_set(self, sid, smmu, owner, asid, given, paging, live, done):
        self.smmu_of[sid] = smmu
        if not given:
            if live and done:
                self.bindings[sid] = []
            return
        vmid = self.bindings[sid][-1].tag[1] if live and self.bindings.get(sid) else ANY
        new = Binding(owner, (asid, vmid), paging)
        self.contexts[sid] = new
        if live and not done:
            self.bind(sid, new)
        elif live:
            self.bindings[sid] = [new]
            self.config_left(sid, smmu, new)

    def tag_taken(self, is_asid, vmid, number):
        key = is_asid, vmid, number
        if key in self.taken:
            self.broken_rule(f"V3: {'ASID' if is_asid else 'VMID'} {number} is given to two")
        self.taken.add(key)

    def tag_freed(self, is_asid, vmid, number):
        self.taken.discard((is_asid, vmid, number))
        if is_asid:
            scope = vmid if self.started and self.started[1] else ANY
            entries, what = self.cache.of_tag(scope, number), f"ASID {number}"
            has = lambda tag: tag == (number, scope)
        else:
            entries, what = self.cache.of_tag(number), f"VMID {number}"
            has = lambda tag: tag and tag[1] == number
        if entries:
            self.broken_rule(f"A8: {what} is free, but {self.cached(entries[0])}")
        for sid, bindings in self.bindings.items():
            if any(has(binding.tag) for binding in bindings):
                self.broken_rule(f"A8: {what} is free, but stream {sid:#x} translates by it")
        for (smmu, sid), config in self.configs.items():
            if has(config.tag):
                self.broken_rule(f"A8: {what} is free, but SMMU {smmu} may still have stream {sid:#x} under it")
        self.tags = {tag: first for tag, first in self.tags.items() if not has(tag)}

    # --- events: whose they are, by what QEMU recorded of a stream and who had it under which name then

    def named(self, sid, vsid, owner, pviommu, given):
        key = owner, pviommu, vsid
        if not given:
            self.names.pop(key, None)
            return
        if key in self.names or sid in self.names.values():
            self.broken_rule(f"V7: stream {sid:#x} becomes vSID {vsid:#x} of {name_of(owner)}, and one of them has another")
        self.names[key] = sid
        self.events[sid].clear()

    def recorded(self, sid, what):
        self.counts["events"] += 1
        self.events[sid][EVENTS.get(what)] += 1

    def told(self, owner, pviommu, vsid, kind, code):
        self.counts["records"] += 1
        sid = self.names.get((owner, pviommu, vsid))
        if sid is None:
            self.broken_rule(f"S0_12: {name_of(owner)} is told of vSID {vsid:#x} under pvIOMMU {pviommu}, which it has not")
        elif kind == FAULT and not self.events[sid][code]:
            self.broken_rule(f"N71: {name_of(owner)} is told of event {code:#x} of stream {sid:#x}, and there is none "
                             "since it has it under that name")
        elif kind == FAULT:
            self.events[sid][code] -= 1

    # --- the SMMU: translations

    def config_missed(self, sid):
        self.sid = self.config_sid = sid
        self.configs[self.smmu_of.get(sid, 0), sid] = trace_cache.Configuration()

    def structure_read(self, kind, address, root=False):
        """A structure of the stream whose configuration is being read; of a walk: any table."""
        # The owner's own, wherever it says: read through stage 2, which the hypervisor's tables are.
        if kind in ("context descriptor", "root table") and self.is_nested(self.config_sid):
            return
        page = self.pages.get(address >> 12)
        own = self.giver(*self.tag) if kind == "table" and self.tag else None
        if own and page and page[0] == own.owner and not own.paging and any(map(self.is_nested, self.bindings)):
            return
        if page is None or page[0] != trace_pages.HYP:
            whose = "no RAM" if page is None else f"memory of {name_of(page[0])}"
            self.broken_rule(f"V5: the {kind} at {address:#x} is {whose}")
        if self.sid is not None and (root or kind != "table"):
            config = self.configs[self.smmu_of.get(self.sid, 0), self.sid]
            config.pages.setdefault(kind, address >> 12)
            self.structure_runs.add(address >> 21)

    def looked_up(self, asid, vmid):
        self.sid, self.tag, self.inserted = None, (asid, vmid), None

    def walked(self, address):
        self.structure_read("table", address)

    def cached_new(self, asid, vmid, iova, level):
        self.inserted = asid, vmid, iova, level

    def translated(self, sid, iova, address, perm):
        self.counts["translations"] += 1
        smmu = self.smmu_of.get(sid)
        if smmu is None:
            return self.broken_rule(f"V4: stream {sid:#x} reaches {address:#x}, and is nobody's")
        if self.inserted:
            asid, vmid, base, level = self.inserted
            self.inserted = None
            at = address - (iova - base)
            self.cache.add(trace_cache.Entry(smmu, asid, vmid, base, level, at, perm))
        config = self.configs.get((smmu, sid))
        if config and config.tag is None:
            config.tag = self.tag
        binding = next((b for b in self.bindings.get(sid, ())
                        if b.tag == self.tag or (b.nested and b.tag[1] == self.tag[1])), None)
        if binding is None:
            return self.broken_rule(f"V4: stream {sid:#x} reaches {address:#x} under VMID {self.tag[1]} ASID "
                                    f"{self.tag[0]}, which it is not given")
        frame = address >> 12
        why = self.pages.denial(binding.owner, frame, perm)
        if why:
            return self.broken_rule(f"V1: stream {sid:#x} of {name_of(binding.owner)} reaches {address:#x} by "
                                    f"{iova:#x}: {why}")
        page = self.pages.get(frame)
        if page and page[0] != binding.owner and page[1] == trace_pages.MOVING and page[2] == trace_pages.OWNED:
            self.sharing[frame] = (f"V1: stream {sid:#x} of {name_of(binding.owner)} reached {address:#x} by {iova:#x}: "
                                   f"memory of {name_of(page[0])} that was not shared")
        if binding.paging and not self.pages.pin_count(frame):
            self.broken_rule(f"V2: stream {sid:#x} reaches {address:#x} by {iova:#x}, a page without a pin")
        elif binding.paging and perm & trace_pages.WRITE and not self.pages.pinned_to_write(frame):
            self.broken_rule(f"V1: stream {sid:#x} may write {address:#x} by {iova:#x}, a page that is mapped to be read")
        return None

    def bypassed(self, text):
        self.broken_rule(f"V4: DMA passes untranslated: {text}")

    # --- the SMMU: commands

    def command(self, smmu, name):
        self.counts["commands"] += 1
        if name not in ALLOWED:
            self.broken_rule(f"V8: a command that is not ours: {name}")
        if name in AT_BOOT and self.bindings:
            self.broken_rule(f"V8: {name} after boot")
        if name == "SYNC":
            for complete in self.pending.pop(smmu, ()):
                complete()
        elif name == "TLBI_NSNH_ALL":
            self.later(smmu, lambda: self.cache.every(smmu))

    def later(self, smmu, keys):
        """These translations are gone when the next CMD_SYNC is complete."""
        def complete():
            for key in keys():
                self.cache.remove(key)
        self.pending[smmu].append(complete)

    def tag_named(self, vmid, asid=ANY):
        """A command's VMID and ASID are of somebody."""
        has_vmid = not (self.started and self.started[1]) or (False, 0, vmid) in self.taken
        scope = vmid if self.started and self.started[1] else 0
        own = self.giver(ANY, vmid)
        if not has_vmid or (asid != ANY and (True, scope, asid) not in self.taken and (own is None or own.paging)):
            self.broken_rule(f"V8: a command names VMID {vmid} ASID {asid}, which is nobody's")

    def invalidate_range(self, smmu, vmid, asid, base, size, ttl, stage=1):
        self.tag_named(vmid, asid)
        if stage == 1 and asid == ANY:  # TLBI_NH_VAA
            self.later(smmu, lambda: self.cache.of_any_asid(smmu, vmid, base, size, ttl))
        else:
            self.later(smmu, lambda: self.cache.ranged(smmu, vmid, asid, base, size, ttl))

    def invalidate_tag(self, smmu, vmid, asid=ANY, stage1_only=False):
        self.tag_named(vmid, asid)
        self.later(smmu, lambda: self.cache.tagged(smmu, vmid, asid, stage1_only))

    def stream_named(self, sid):
        if sid not in self.smmu_of:
            self.broken_rule(f"V8: a command names stream {sid:#x}, which is nobody's")

    def invalidate_config(self, smmu, sid):
        self.stream_named(sid)
        self.pending[smmu].append(lambda: self.configs.pop((smmu, sid), None))

    def invalidate_context(self, smmu, sid):
        """The context descriptor alone: what the stream's entry says stays, so its VMID."""
        def complete():
            config = self.configs.get((smmu, sid))
            if config and config.tag:
                config.tag = None, config.tag[1]
        self.stream_named(sid)
        self.pending[smmu].append(complete)

    def invalidate_configs(self, smmu):
        def complete():
            for key in [key for key in self.configs if key[0] == smmu]:
                del self.configs[key]
        self.pending[smmu].append(complete)

    def command_refused(self, text):
        self.broken_rule(f"V8: the SMMU refuses a command: {text}")

    # --- the SMMU: registers

    def written(self, smmu, register, value):
        if register == "CR0":
            if smmu not in self.safe:
                self.broken_rule(f"V4: SMMU {smmu} lets DMA pass while it is off")
            if not value & 1 and smmu in self.enabled:
                self.broken_rule(f"V4: SMMU {smmu} is switched off")
            if value & 1:
                self.enabled.add(smmu)
        elif register == "GBPA":
            if not value >> 20 & 1:
                self.broken_rule(f"V4: SMMU {smmu} is told to let DMA pass")
            self.safe.add(smmu)
        else:
            if smmu in self.enabled:
                self.broken_rule(f"V8: {register} of SMMU {smmu} is moved while it is on")
            self.structures[smmu, register] = (value & 0xffffffffff000) >> 12
            self.structure_runs.add(self.structures[smmu, register] >> 9)
            page = self.pages.get(self.structures[smmu, register])
            if page is None or page[0] != trace_pages.HYP:
                self.broken_rule(f"V5: {register} of SMMU {smmu} is in memory that is not the hypervisor's")
