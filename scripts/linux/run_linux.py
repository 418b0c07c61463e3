#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a stock Linux as primary or secondary VM in QEMU and judges what its /init (test/linux/init) reports.

One line per case: "ok NAME" or "not ok NAME: REASON". Exit 0 only if every case holds. A case that /init never
reached does not hold. Logs are left in --work, one per run.
"""

import argparse
import concurrent.futures
import dataclasses
import fnmatch
import hashlib
import http.server
import os
import random
import re
import shlex
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from lib import board as boards
from lib import guest_run, process, results, traced

CPU_COUNT = 4
CPUS = {"a57": "cortex-a57", "a710": "cortex-a710", "n2": "neoverse-n2", "max": "max"}

DISK_SIZE = 32 << 20
BLOB_SIZE = 2 << 20
SEED = 20261120

DEVICES = ["nvme_checksum", "nvme_write_back", "net_up", "net_ping", "net_udp", "net_tcp_in", "net_tcp_out"]
ROUND_BEGIN = ["unbind_devices", "load", "strict", "bind_devices", *DEVICES, "maps_counted"]
RESCAN = ["remove_rescan", "rescan_strict", "rescan_checksum", "rescan_net", "rescan_ping"]
ROUND_END = [
    "unbind_iommu", "devices_unbound", "no_group", "unload",
    "bind_identity", "identity_checksum", "identity_net", "identity_ping",
]
ROUNDS = [
    *(f"round1_{case}" for case in [*ROUND_BEGIN, "release_devices", "counters", *ROUND_END]),
    *(f"round2_{case}" for case in [*ROUND_BEGIN, *RESCAN, *ROUND_END]),
]
DONATE = ["disk", "pinned", "process_faults", "beside_disk", "checksum", "counters"]
PAGING = ["unbind", "load", "strict", "bind", *DONATE, "release", "unbind_iommu", "unload"]
# What /init reports, by scenario; "log_clean" and "power_off" are judged here.
CASES = {
    "identity": ["cpus", "devices_found", "no_group", *DEVICES],
    "driver": [
        "cpus", "devices_found", "load_in_use", "load_in_use_no_group", "unload_in_use", *ROUNDS, "end_counters",
    ],
    "donate": [
        "cpus", "devices_found", *(f"identity_{case}" for case in DONATE), *(f"paging_{case}" for case in PAGING),
        "end_counters", "remove",
    ],
    "refuse": ["cpus", "devices_found", *DEVICES, "driver_refuses", "driver_selftest"],
    # The last three are its VMM's (test/guest/primary/vmm_linux.c).
    "secondary": [
        "cpus", "timers_tick", "compute", "console", "sleep", "cpus_off_on",
        "system_off", "no_stray_access", "memory_returned",
    ],
}
# As secondary VM: the CPU and how many of them.
SECONDARIES = [("max", 1), ("a57", 2), ("a710", 2), ("n2", 2), ("max", 4)]
VMM = "build/guest/vmm-linux.bin"

# Where the disk and the network device sit: bridges, and the places of the two.
LAYOUTS = {
    # A slot each on the root bus.
    "": ([], "bus=pcie.0,addr=4", "bus=pcie.0,addr=5"),
    # Two functions of one slot, which are assigned and attached together.
    "slot": ([], "bus=pcie.0,addr=4.0,multifunction=on", "bus=pcie.0,addr=4.1"),
    # Requester ids of another bus, and one that stands for a whole conventional bus.
    "bridges": (
        ["-device", "pcie-root-port,id=port1,bus=pcie.0,addr=4,chassis=1",
         "-device", "pcie-pci-bridge,id=pci1,bus=pcie.0,addr=5"],
        "bus=port1,addr=0", "bus=pci1,addr=1",
    ),
}

REPORT = re.compile(r"\[t\] (ok|fail|value|end)(?: (\S+))?(?: (.*?))?\s*$")
TROUBLE = re.compile(
    r"WARNING: CPU|BUG:|Oops|Call trace:|nobody cared|Unable to handle|detected stall|blocked for more than|Kernel panic|\] error |"
    r"\[t\] not ok"
)
# Scenarios in which also the hypervisor's warnings, as of an event of an IOMMU, and the disk's driver are heard.
STRICT = ["donate"]
TROUBLE_STRICT = re.compile(rf"{TROUBLE.pattern}|\] warn |I/O error|nvme\d+: .*(timeout|timed out|abort|reset)")


@dataclasses.dataclass
class Run:
    scenario: str
    cpu: str
    layout: str = ""
    bare: bool = False
    vcpus: int = 0  # as secondary VM

    @property
    def name(self):
        vcpus = f"{self.vcpus}cpu" if self.vcpus else ""
        words = ["linux", "bare" if self.bare else "", self.scenario, self.layout, self.cpu, vcpus]
        return "_".join(filter(None, words))

    def cases(self):
        return [f"{self.name}_{case}" for case in [*CASES[self.scenario], "log_clean", "power_off"]]


class Blob(http.server.BaseHTTPRequestHandler):
    """GET answers the blob, POST the checksum of what was sent."""

    content = b""

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(self.content)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        self.answer(hashlib.sha256(self.rfile.read(length)).hexdigest().encode())

    def log_message(self, *_):
        pass


class Bench:
    """What all runs share: the board, the disk, the blob and the server that the guests reach as 10.0.2.2."""

    def __init__(self, args):
        self.args = args
        self.board = boards.Board("qemu-virt")
        self.shared = os.path.join(args.work, "shared")
        os.makedirs(self.shared, exist_ok=True)
        self.disk, self.disk_sum = self.file_make("disk", DISK_SIZE)
        self.blob, self.blob_sum = self.file_make("blob", BLOB_SIZE)
        with open(self.blob, "rb") as file:
            Blob.content = file.read()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blob)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def file_make(self, name, size):
        path = os.path.join(self.shared, name)
        content = random.Random(f"{SEED} {name}").randbytes(size)
        with open(path, "wb") as file:
            file.write(content)
        return path, hashlib.sha256(content).hexdigest()

    def bootargs(self, run):
        words = {"scenario": run.scenario, "cpus": run.vcpus or CPU_COUNT}
        if not run.vcpus:
            words |= {
                "disk": self.disk_sum,
                "blob": self.blob_sum,
                "port": self.server.server_address[1],
                "seed": SEED,
            }
        own = " ".join(f"portcullis.{key}={value}" for key, value in words.items())
        # A secondary's console costs an exit for each character: one run says all and early, the others warnings.
        log = {0: "", 1: "earlycon "}.get(run.vcpus, "loglevel=5 ")
        # /init reports through the kernel's log, whose lines are never torn apart by another's.
        return f"console=ttyAMA0 panic=-1 printk.devkmsg=on {log}{own} {self.args.append}".strip()

    def secondary_command(self, run):
        """Its VMM is the primary, and gets the kernel and the initramfs as one ramdisk."""
        return self.board.command(
            self.args.image, primary=VMM, bootargs=f"vcpus={run.vcpus} -- {self.bootargs(run)}",
            initrd=self.args.secondary, overrides={"-cpu": CPUS[run.cpu], "-smp": str(run.vcpus)},
        )

    def command(self, run):
        if run.vcpus:
            return self.secondary_command(run)
        bridges, disk_at, net_at = LAYOUTS[run.layout]
        extra = [
            *bridges,
            "-drive", f"file={self.disk},if=none,id=disk,format=raw,snapshot=on",
            # Without shadow doorbells: with them QEMU races with several CPUs over the level of the interrupt line.
            "-device", f"nvme,drive=disk,serial=portcullis,dbcs=off,{disk_at}",
            "-netdev", f"user,id=net,tftp={self.shared}",
            "-device", f"virtio-net-pci,netdev=net,iommu_platform=on,disable-legacy=on,romfile=,{net_at}",
        ]
        if run.bare:
            # As under the hypervisor, which has no ITS to give: devices interrupt by INTx.
            extra += ["-machine", "its=off"]
        return self.board.command(
            None if run.bare else self.args.image, primary=self.args.linux, bootargs=self.bootargs(run),
            initrd=self.args.initrd, overrides={"-cpu": CPUS[run.cpu], "-smp": str(CPU_COUNT)}, extra=extra,
        )

    def execute(self, run):
        """Returns all cases of a run, (name, reason or None), and what else it said."""
        command, log = self.command(run), os.path.join(self.args.work, f"{run.name}.log")
        observer = traced.Judge(command, "", log[:-4] + ".trace.log") if self.args.trace else traced.Count("", "")
        limit = self.args.timeout * observer.slower
        try:
            ended = process.run(
                command + observer.arguments, limit, log, stopped, cwd=boards.ROOT,
                env=dict(os.environ, TMPDIR=self.args.work), pass_fds=observer.passed,
            )
        finally:
            observer.close()
        outcomes, values = judge(run, ended.lines, ended.reason(limit))
        verdicts = {f"{run.name}_{name}": why for name, why in observer.verdicts({}).items()}
        return outcomes | verdicts, values


def stopped(line):
    """A bug that the hypervisor found in itself ends the run; nothing comes after it."""
    match = guest_run.PANIC.search(line)
    return match and f"the hypervisor stopped the machine: {match.group(1)}"


def judge(run, lines, ended):
    """`ended` is why the machine did not switch itself off, or None if it did."""
    missing = ended or "not reported"
    is_trouble = TROUBLE_STRICT if run.scenario in STRICT else TROUBLE
    outcomes = {name: missing for name in run.cases()}
    trouble, values, reached_end = None, [], False
    for line in lines:
        report = REPORT.search(line)
        if report is None:
            if trouble is None and is_trouble.search(line):
                trouble = line.strip()
            continue
        kind, name, rest = report.groups()
        if kind == "end":
            reached_end = True
        elif kind == "value":
            values.append(f"{name}: {rest}")
        else:
            outcomes[f"{run.name}_{name}"] = None if kind == "ok" else rest or "no reason given"
    outcomes[f"{run.name}_log_clean"] = trouble if reached_end or trouble else missing
    outcomes[f"{run.name}_power_off"] = ended
    return outcomes, values


def runs_chosen(args):
    """A run is started when a case of it is wanted, and then tells all of its cases."""
    if args.secondary:
        runs = [Run("secondary", cpu, vcpus=count) for cpu, count in SECONDARIES if cpu in (args.cpu or CPUS)]
    elif args.bare:
        runs = [Run("refuse", cpu, bare=True) for cpu in args.cpu or ["max"]]
    else:
        runs = [Run("identity", cpu) for cpu in args.cpu or CPUS]
        runs += [Run("donate", cpu) for cpu in args.cpu or ["max"]]
        runs += [Run("driver", cpu, layout) for layout in LAYOUTS for cpu in args.cpu or ["a710"]]
    return [run for run in runs if any(fnmatch.fnmatch(case, args.case) for case in run.cases())]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", default="build/qemu-virt/portcullis.bin", help="the hypervisor")
    parser.add_argument("--linux", required=True, help="arm64 Image")
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--work", required=True, help="folder for logs, disk and temporary files")
    parser.add_argument("--bare", action="store_true", help="without the hypervisor: the driver has to refuse")
    parser.add_argument("--secondary", metavar="PACK", help="as secondary VM: kernel and initramfs (pack.py)")
    parser.add_argument("--cpu", action="append", choices=CPUS, help="only this CPU; may be repeated")
    parser.add_argument("--case", default="*", help="only runs with a case of this name (shell pattern)")
    parser.add_argument("--timeout", type=float, default=900, help="seconds per run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--append", default="", help="more words for Linux's command line")
    parser.add_argument("--verbose", action="store_true", help="also the values that /init reports")
    parser.add_argument("--trace", action="store_true", help="the image has a journal: QEMU's trace is judged")
    parser.add_argument("--print", action="store_true", help="print the QEMU command of each run, start nothing")
    args = parser.parse_args()
    for path in [args.linux, args.initrd, *([] if args.bare else [args.image]),
                 *([args.secondary, VMM] if args.secondary else [])]:
        if not os.path.exists(path):
            parser.error(f"{path} is not there; make run-linux builds it")
    for name in ["image", "linux", "initrd", "work"]:
        setattr(args, name, os.path.abspath(getattr(args, name)))
    return args


def main():
    args = arguments()
    runs = runs_chosen(args)
    if not runs:
        sys.exit(f"run_linux: no case is called '{args.case}'")
    try:
        bench = Bench(args)
    except boards.BoardError as error:
        sys.exit(f"run_linux: {error}")
    if args.print:
        for run in runs:
            print(shlex.join(bench.command(run)))
        return 0

    tally = results.Results()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        pending = [pool.submit(bench.execute, run) for run in runs]
        try:
            for run, one in zip(runs, pending):
                outcomes, values = one.result()
                for name, reason in outcomes.items():
                    tally.add(name, reason)
                for value in values if args.verbose else []:
                    print(f"# {run.name} {value}")
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            process.stop_all()
            return 130
    return 0 if tally.finish() else 1


if __name__ == "__main__":
    sys.exit(main())
