#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a stock Linux as primary VM in QEMU and judges what its /init (test/linux/init) reports.

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
import subprocess
import sys
import threading

# Where the guest-loader puts the primary: clear of the hypervisor at the start of memory (0x40200000), of QEMU's
# device tree (0x48000000) and of each other; 128 MiB lie between them, and an Image and its bss take about 40.
KERNEL_ADDRESS = 0x50000000
INITRD_ADDRESS = 0x58000000

CPU_COUNT = 4
CPUS = {"a57": "cortex-a57", "a710": "cortex-a710", "n2": "neoverse-n2", "max": "max"}

DISK_SIZE = 32 << 20
BLOB_SIZE = 2 << 20
SEED = 20261120

DEVICES = ["nvme_checksum", "nvme_write_back", "net_up", "net_ping", "net_udp", "net_tcp_in", "net_tcp_out"]
ROUND_BEGIN = ["unbind_devices", "load", "strict", "bind_devices", *DEVICES, "maps_counted"]
ROUND_END = [
    "unbind_iommu", "devices_unbound", "no_group", "unload",
    "bind_identity", "identity_checksum", "identity_net", "identity_ping",
]
ROUNDS = [
    *(f"round1_{case}" for case in [*ROUND_BEGIN, "release_devices", "counters", *ROUND_END]),
    *(f"round2_{case}" for case in [*ROUND_BEGIN, *ROUND_END]),
]
# What /init reports, by scenario; "kernel_clean" and "power_off" are judged here.
CASES = {
    "identity": ["cpus", "devices_found", "no_group", *DEVICES],
    "driver": [
        "cpus", "devices_found", "load_in_use", "load_in_use_no_group", "unload_in_use", *ROUNDS, "end_counters",
    ],
    "refuse": ["cpus", "devices_found", *DEVICES, "driver_refuses", "driver_selftest"],
}

REPORT = re.compile(r"\[t\] (ok|fail|value|end)(?: (\S+))?(?: (.*?))?\s*$")
TROUBLE = re.compile(
    r"WARNING: CPU|BUG:|Oops|Call trace:|Unable to handle|Kernel panic|detected stall|blocked for more than|panic:"
)
# QEMU's NVMe and its interrupt line race now and then with several CPUs; Linux falls back to polling and no data is
# wrong. Said, not held against the run.
NOTE = re.compile(r"nobody cared")


@dataclasses.dataclass
class Run:
    scenario: str
    cpu: str
    bare: bool

    @property
    def name(self):
        return f"linux_{'bare_' if self.bare else ''}{self.scenario}_{self.cpu}"

    def cases(self):
        return [f"{self.name}_{case}" for case in [*CASES[self.scenario], "kernel_clean", "power_off"]]


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
    """What all runs share: the disk, the blob and the server that the guests reach as 10.0.2.2."""

    def __init__(self, args):
        self.args = args
        self.shared = os.path.join(args.work, "shared")
        os.makedirs(self.shared, exist_ok=True)
        self.disk, self.disk_sum = self.file_make("disk", DISK_SIZE)
        _, self.blob_sum = self.file_make("blob", BLOB_SIZE)
        with open(os.path.join(self.shared, "blob"), "rb") as file:
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
        words = {
            "scenario": run.scenario,
            "cpus": CPU_COUNT,
            "disk": self.disk_sum,
            "blob": self.blob_sum,
            "port": self.server.server_address[1],
            "seed": SEED,
        }
        own = " ".join(f"portcullis.{key}={value}" for key, value in words.items())
        # /init reports through the kernel's log, whose lines are never torn apart by another's.
        return f"console=ttyAMA0 panic=-1 printk.devkmsg=on {own} {self.args.append}".strip()

    def command(self, run):
        args, bootargs = self.args, self.bootargs(run)
        machine = "virt,virtualization=on,gic-version=3,iommu=smmuv3"
        if run.bare:
            # As under the hypervisor, which has no ITS to give: devices interrupt by INTx.
            machine += ",its=off"
            system = ["-kernel", args.linux, "-initrd", args.initrd, "-append", bootargs]
        else:
            escaped = bootargs.replace(",", ",,")
            system = [
                "-kernel", args.image,
                "-device", f"guest-loader,addr={KERNEL_ADDRESS:#x},kernel={args.linux},bootargs={escaped}",
                "-device", f"guest-loader,addr={INITRD_ADDRESS:#x},initrd={args.initrd}",
            ]
        return [
            args.qemu, "-M", machine, "-cpu", CPUS[run.cpu], "-smp", str(CPU_COUNT), "-m", "1G",
            "-nodefaults", "-no-reboot", "-display", "none", "-monitor", "none", "-serial", "stdio",
            "-drive", f"file={self.disk},if=none,id=disk,format=raw,snapshot=on",
            # Without shadow doorbells: with them QEMU races with several CPUs over the level of the interrupt line.
            "-device", "nvme,drive=disk,serial=portcullis,dbcs=off,addr=4",
            "-netdev", f"user,id=net,tftp={self.shared}",
            "-device", "virtio-net-pci,netdev=net,iommu_platform=on,disable-legacy=on,romfile=,addr=5",
            *system,
        ]


def qemu_run(command, log_path, timeout, work):
    """Returns None, or why the machine did not switch itself off."""
    environment = dict(os.environ, TMPDIR=work)
    with open(log_path, "wb") as log:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        ) as qemu:
            try:
                status = qemu.wait(timeout)
            except subprocess.TimeoutExpired:
                qemu.kill()
                return f"still running after {timeout} s"
    return f"QEMU ended with status {status}" if status else None


def judge(run, log, ended):
    """All cases of a run: name -> reason, or None where it holds."""
    missing = ended or "not reported"
    results = {name: missing for name in run.cases()}
    trouble, notes, values, reached_end = None, [], [], False
    for line in log.splitlines():
        report = REPORT.search(line)
        if report is None:
            if trouble is None and TROUBLE.search(line):
                trouble = line.strip()
            if NOTE.search(line):
                notes.append(line.strip())
            continue
        kind, name, rest = report.groups()
        if kind == "end":
            reached_end = True
        elif kind == "value":
            values.append(f"{name}: {rest}")
        else:
            results[f"{run.name}_{name}"] = None if kind == "ok" else rest or "no reason given"
    results[f"{run.name}_kernel_clean"] = trouble if reached_end or trouble else missing
    results[f"{run.name}_power_off"] = ended
    return results, values, notes


def execute(bench, run):
    log_path = os.path.join(bench.args.work, f"{run.name}.log")
    ended = qemu_run(bench.command(run), log_path, bench.args.timeout, bench.args.work)
    with open(log_path, encoding="utf-8", errors="replace") as file:
        return judge(run, file.read(), ended)


def report(run, outcome, verbose):
    results, values, notes = outcome
    for name, reason in results.items():
        print(f"ok {name}" if reason is None else f"not ok {name}: {reason}")
    if verbose:
        for value in values:
            print(f"# {run.name} {value}")
    for note in notes:
        print(f"# {run.name} {note}")
    sys.stdout.flush()
    return all(reason is None for reason in results.values())


def runs_chosen(args):
    """A run is started when a case of it is wanted, and then tells all of its cases."""
    cpus = args.cpu or list(CPUS)
    if args.bare:
        runs = [Run("refuse", cpu, True) for cpu in args.cpu or ["max"]]
    else:
        runs = [Run("identity", cpu, False) for cpu in cpus]
        runs += [Run("driver", cpu, False) for cpu in args.cpu or ["a710"]]
    return [run for run in runs if any(fnmatch.fnmatch(case, args.case) for case in run.cases())]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", default="build/qemu-virt/portcullis.bin", help="the hypervisor")
    parser.add_argument("--linux", required=True, help="arm64 Image")
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--qemu", required=True)
    parser.add_argument("--work", required=True, help="folder for logs, disk and temporary files")
    parser.add_argument("--bare", action="store_true", help="without the hypervisor: the driver has to refuse")
    parser.add_argument("--cpu", action="append", choices=CPUS, help="only this CPU; may be repeated")
    parser.add_argument("--case", default="*", help="only runs with a case of this name (shell pattern)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds per run")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--append", default="", help="more words for Linux's command line")
    parser.add_argument("--verbose", action="store_true", help="also the values that /init reports")
    parser.add_argument("--print", action="store_true", help="print the QEMU command of each run, start nothing")
    return parser.parse_args()


def main():
    args = arguments()
    args.work = os.path.abspath(args.work)
    needed = [args.linux, args.initrd, args.qemu] + ([] if args.bare else [args.image])
    for path in needed:
        if not os.path.exists(path):
            sys.exit(f"run_linux: {path} is not there; make run-linux builds it")
    runs = runs_chosen(args)
    if not runs:
        sys.exit(f"run_linux: no case is called '{args.case}'")

    bench = Bench(args)
    if args.print:
        for run in runs:
            print(subprocess.list2cmdline(bench.command(run)))
        return 0
    good = True
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        outcomes = [pool.submit(execute, bench, run) for run in runs]
        for run, outcome in zip(runs, outcomes):
            good &= report(run, outcome.result(), args.verbose)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
