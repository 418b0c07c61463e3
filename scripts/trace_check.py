#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads QEMU's trace of the SMMU and the journal in it (test/trace/journal.c) while the machine runs, and judges each
translation, command and change of owner (lib/trace_oracle.py).

    qemu-system-aarch64 ... -trace events=scripts/lib/trace.events -D FILE     then: trace_check.py < FILE

Prints what was broken, each time with the lines of the trace before it in --log, and last how much was judged.
Exit status 0 if nothing was broken and the journal is there.
"""

import argparse
import collections
import sys

from lib import trace_oracle

CONTEXT = 40  # lines of the trace that a report shows
REGISTERS = {0x20: "CR0", 0x44: "GBPA", 0x80: "STRTAB_BASE", 0x90: "CMDQ_BASE", 0xa0: "EVENTQ_BASE"}
JOURNAL = 0xe00
SMMU_SPAN = 0x20000


def number(word):
    """What is behind the = of a word."""
    return int(word[word.index("=") + 1:], 0)


class Reader:
    """Lines of the trace to calls of the oracle."""

    def __init__(self, oracle, counted):
        self.oracle, self.counted, self.count = oracle, counted, 0
        self.smmu, self.bases = 0, []  # whose registers are written; only two SMMUs say so
        self.handlers = {name.removeprefix("on_"): getattr(self, name) for name in dir(self) if name.startswith("on_")}
        self.records = [self.start, self.pages, self.pin, self.stream, self.context, self.tag, self.mmio, self.name,
                        self.told]

    def line(self, text):
        name, _, rest = text.partition(" ")
        if name == self.counted:
            self.count += 1
        handler = self.handlers.get(name)
        if handler:
            handler(rest)

    # --- registers, and the journal

    def on_memory_region_ops_write(self, rest):
        if rest.endswith("'arm-smmuv3'"):
            base = int(rest.split(" addr ")[1].split()[0], 0) & -SMMU_SPAN
            if base not in self.bases:
                self.bases.append(base)
            self.smmu = self.bases.index(base)

    def on_smmuv3_write_mmio(self, rest):
        words = rest.split()
        register, value = int(words[1], 0), int(words[2][4:], 0)
        if JOURNAL <= register < JOURNAL + 8 * len(self.records):
            self.records[(register - JOURNAL) // 8](value)
        elif register in REGISTERS:
            self.oracle.written(self.smmu, REGISTERS[register], value)

    def start(self, value):
        self.oracle.start(bool(value & 1), bool(value & 2), value >> 8 & 0xff)

    def pages(self, value):
        self.oracle.pages_set(value & 0xffffffff, value >> 32 & 0xffff, value >> 48 & 0xff, value >> 56)

    def pin(self, value):
        frame, count, kind, write = value & 0xffffffff, value >> 32 & 0xffff, value >> 48 & 7, bool(value >> 51)
        if kind == 4:
            self.oracle.pins_converted(frame)
        elif kind & 1:
            self.oracle.unpinned(frame, count, kind == 3)
        else:
            self.oracle.pinned(frame, count, kind == 2, write)

    def binding(self, value):
        return {"sid": value & 0xffff, "smmu": value >> 60 & 7, "owner": value >> 48 & 0x7f,
                "paging": bool(value >> 57 & 1), "done": bool(value >> 59 & 1)}

    def stream(self, value):
        self.oracle.stream_set(vmid=value >> 16 & 0xffff, mode=value >> 55 & 3, nested=bool(value >> 63), **self.binding(value))

    def context(self, value):
        self.oracle.context_set(asid=value >> 32 & 0xffff, given=bool(value >> 55 & 3), live=bool(value >> 58 & 1),
                                **self.binding(value))

    def tag(self, value):
        change = self.oracle.tag_taken if value >> 33 & 1 else self.oracle.tag_freed
        change(bool(value >> 32 & 1), value >> 16 & 0xffff, value & 0xffff)

    def mmio(self, value):
        self.oracle.mmio_set(value & 0xffffffff, value >> 32 & 0xffff, value >> 48 & 0xff)

    def name(self, value):
        self.oracle.named(value & 0xffff, value >> 16 & 0xffffffff, value >> 48 & 0x7f, value >> 55 & 15,
                          bool(value >> 59 & 1))

    def told(self, value):
        self.oracle.told(value >> 32 & 0x7f, value >> 39 & 15, value & 0xffffffff, value >> 43 & 7, value >> 46 & 0xff)

    # --- events

    def on_smmuv3_propagate_event(self, rest):
        words = rest.split()
        self.oracle.recorded(number(words[1]), words[0].removeprefix("SMMU_EVT_"))

    # --- translations, in the order in which QEMU makes them

    def on_smmuv3_config_cache_miss(self, rest):
        self.oracle.config_missed(number(rest.split()[4]))

    def on_smmuv3_get_ste(self, rest):
        self.oracle.structure_read("stream table entry", int(rest.split()[2], 0))

    def on_smmuv3_find_ste_2lvl(self, rest):
        self.oracle.structure_read("stream table", int(rest.split()[1][6:], 0))

    def on_smmuv3_get_cd(self, rest):
        self.oracle.structure_read("context descriptor", int(rest.split()[2], 0))

    def on_smmuv3_decode_cd_tt(self, rest):
        self.oracle.structure_read("root table", int(rest.split()[1][4:], 0))

    def on_smmu_ptw_level(self, rest):
        self.oracle.walked(int(rest.split()[4][9:], 0))

    def on_smmu_iotlb_lookup_hit(self, rest):
        words = rest.split()
        self.oracle.looked_up(number(words[3]), number(words[4]))

    on_smmu_iotlb_lookup_miss = on_smmu_iotlb_lookup_hit

    def on_smmu_iotlb_insert(self, rest):
        words = rest.split()
        self.oracle.cached_new(number(words[2]), number(words[3]), number(words[4]), number(words[6]))

    def on_smmuv3_translate_success(self, rest):
        words = rest.split()
        self.oracle.translated(number(words[1]), number(words[2]), number(words[3]), number(words[4]))

    def on_smmuv3_translate_bypass(self, rest):
        self.oracle.bypassed(rest)

    on_smmuv3_translate_disable = on_smmuv3_translate_bypass

    # --- commands: the opcode first, then what is in it

    def on_smmuv3_cmdq_opcode(self, rest):
        self.oracle.command(self.smmu, rest.split()[1].removeprefix("SMMU_CMD_"))

    def on_smmuv3_range_inval(self, rest):
        vmid, asid, base, granule, count, ttl, _, stage = map(number, rest.split())
        self.oracle.invalidate_range(self.smmu, vmid, asid, base, count << (10 + 2 * granule if granule else 12), ttl, stage)

    def on_smmuv3_cmdq_tlbi_nh(self, rest):
        self.oracle.invalidate_tag(self.smmu, number(rest), stage1_only=True)

    def on_smmuv3_cmdq_tlbi_s12_vmid(self, rest):
        self.oracle.invalidate_tag(self.smmu, number(rest))

    def on_smmu_iotlb_inv_asid_vmid(self, rest):
        words = rest.split()
        self.oracle.invalidate_tag(self.smmu, number(words[3]), number(words[2]))

    def on_smmuv3_cmdq_cfgi_ste(self, rest):
        self.oracle.invalidate_config(self.smmu, int(rest.split()[1], 0))

    def on_smmuv3_cmdq_cfgi_cd(self, rest):
        self.oracle.invalidate_context(self.smmu, number(rest))

    def on_smmuv3_cmdq_cfgi_ste_range(self, _):
        self.oracle.invalidate_configs(self.smmu)

    def on_smmuv3_cmdq_consume_error(self, rest):
        self.oracle.command_refused(rest)

    on_smmuv3_unhandled_cmd = on_smmuv3_cmdq_consume_error


def judge(stream, reader, log):
    """All of the trace; what is broken is shown with the lines before it."""
    recent, shown = collections.deque(maxlen=CONTEXT), 0
    for number_of_line, raw in enumerate(stream, 1):
        text = raw.decode(errors="replace").rstrip("\n")
        recent.append(text)
        try:
            reader.line(text)
        except (IndexError, ValueError) as error:
            reader.oracle.broken_rule(f"the trace is not what it should be: {text} ({error})")
        for report in reader.oracle.reports[shown:]:
            log.write(f"line {number_of_line}: {report}\n" + "".join(f"    {line}\n" for line in recent))
        shown = len(reader.oracle.reports)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", default="/dev/null", help="reports with the lines of the trace before them")
    parser.add_argument("--count", default="", help="an event to be counted besides")
    args = parser.parse_args()
    oracle = trace_oracle.Oracle()
    reader = Reader(oracle, args.count)
    with open(args.log, "w", encoding="utf-8") as log:
        judge(sys.stdin.buffer, reader, log)
        if oracle.started is None:
            oracle.broken_rule("there is no journal in the trace")
        figures = ", ".join(f"{count} {what}" for what, count in sorted(oracle.counts.items()))
        log.write(f"judged: {figures}\n")
    for report in oracle.reports:
        print(report)
    print(f"broken {oracle.broken}, counted {reader.count}, judged {figures}")
    return 1 if oracle.broken else 0


if __name__ == "__main__":
    sys.exit(main())
