#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asks QEMU about the faults of which no list says whether it shows them (make mutate SURVEY=1).

Each by itself first, at the cases that are about what its suites are about (NEAR). Those that nothing there notices go GROUP
at once into one image, through all of WIDE. What fails there is looked for by halves, with that case alone, and has to fail
again with its fault alone; the others begin again. That a machine only runs into its time limit is no answer.

build/mutate/survey keeps a line for each answer, which holds while the fault is as it was: a survey that was stopped goes on
there. SURVEY=write writes the answers into the lists: `shown` with the case, or `host-only passes the survey`.
"""
import argparse
import json
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading

import mutate

GROUP = 16
CASE_LIMIT_S = 300
IMAGES = ("build/qemu-virt/portcullis.bin", "build/qemu-virt-spec/portcullis.bin")
# (suites, cases in QEMU that are about the same)
NEAR = (
    (r"pviommu/(events|ats_late)|iommu/drain|smmuv3/events", ("qemu:one-cpu/events.*", "qemu:vms-one-cpu/vmevents.*")),
    (r"pviommu/(nested|first_stage|invalidate)|smmuv3/(guest|encode|entry)", ("qemu:one-cpu/nested.*", "qemu:vms-one-cpu/vmnested.*")),
    (r"pviommu/(map|work|query|pkvm)|pt/|smmuv3/tlb|hcall/status",
     ("qemu:one-cpu/map.*", "qemu:one-cpu/unmap.*", "qemu:one-cpu/list.*", "qemu:one-cpu/stale.*", "qemu:one-cpu/query.*")),
    (r"pviommu/attach|iommu/", ("qemu:one-cpu/attach.*", "qemu:one-cpu/domain.*", "qemu:one-cpu/device.*")),
    (r"vm/(device|group|device_large)|pci/", ("qemu:max/pci.*", "qemu:one-cpu/device.*", "qemu:vms-one-cpu/assigned.*")),
    (r"vm/|mem/", ("qemu:vms-one-cpu/memory.*", "qemu:vms-one-cpu/vm.*", "qemu:vms-one-cpu/leak.*")),
    (r"vgic/|arm64/", ("qemu:max/gic.*", "qemu:vms-one-cpu/guest.*")),
    (r"hcall/", ("qemu:one-cpu/abi.*",)),
)
# Those with the specification around the image first: at what differs they stop.
WIDE = ("spec:spec-one-cpu/*", "spec:spec-vms/*", "qemu:one-cpu/*", "qemu:vms-one-cpu/*", "qemu:two-smmus/*", "qemu:max/*")


def near(mutant):
    """Without what would be asked twice."""
    words = [word for word in mutant.kill if word.partition(":")[0] not in mutate.IN_QEMU]
    patterns = [p for suites, found in NEAR if any(re.match(suites, word) for word in words) for p in found]
    return list(dict.fromkeys(patterns))


class Survey(mutate.Machine):
    """A copy of the tree with any faults in it at once."""

    def plant(self, mutants):
        """The texts to put back, and those of the faults that had room beside the ones before."""
        before, planted = {}, []
        for mutant in mutants:
            texts = {}
            try:
                for place in mutant.places:
                    path = self.tree / place.file
                    texts[place.file] = place.planted(texts.get(place.file) or path.read_text())
            except mutate.Wrong:
                continue
            for file, text in texts.items():
                before.setdefault(file, (self.tree / file).read_text())
                (self.tree / file).write_text(text)
            planted.append(mutant)
        return before, planted

    def images(self):
        lines, status = mutate.run(["nice", "make", "-j2", "hyp_warnings=-w -fno-lto", *IMAGES], self.tree, mutate.BUILD_LIMIT_S)
        if status != 0:
            raise mutate.Wrong("the image is not built: " + " / ".join(lines[-3:]))

    def ask(self, pattern):
        """The first case that notices, or None; the run is told to end there, and ends its machines itself."""
        kind, _, match = pattern.partition(":")
        argv = ["timeout", "-s", "INT", "-k", "20", str(CASE_LIMIT_S), "nice", sys.executable, "scripts/test.py", "--jobs=1",
                f"--match={match}"]
        child = subprocess.Popen(argv, cwd=self.tree, text=True, errors="replace", stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, start_new_session=True)
        case = None
        for line in child.stdout:
            if case is None and not mutate.LIMITED.match(line):
                case = self.noticed(line.rstrip("\n"), kind)
                if case is not None:
                    child.send_signal(signal.SIGINT)
        child.wait()
        return f"{kind}:{case.partition(': ')[0]}" if case else None

    def first(self, mutants, patterns):
        """(what was planted, what noticed)."""
        before, planted = self.plant(mutants)
        try:
            self.images()
            return planted, next(filter(None, map(self.ask, patterns)), None)
        finally:
            for file, text in before.items():
                (self.tree / file).write_text(text)

    def whose(self, mutants, case):
        """The one of these faults at which the case fails, or None: it is none's alone."""
        if self.first(mutants, [case])[1] is None:
            return None
        if len(mutants) == 1:
            return mutants[0]
        half = len(mutants) // 2
        return self.whose(mutants[:half], case) or self.whose(mutants[half:], case)


class Answers:
    def __init__(self, path):
        self.path, self.lock, self.of = path, threading.Lock(), {}
        for line in path.read_text().splitlines() if path.exists() else []:
            answer = json.loads(line)
            self.of[answer["name"], answer["fault"]] = answer

    def get(self, mutant):
        return self.of.get((mutant.name, mutate.Results.fault(mutant, "host")))

    def keep(self, mutant, stage, case):
        answer = {"name": mutant.name, "fault": mutate.Results.fault(mutant, "host"), "stage": stage, "case": case}
        with self.lock, self.path.open("a") as out:
            self.of[answer["name"], answer["fault"]] = answer
            out.write(json.dumps(answer) + "\n")
            print(f"ok mutate/{mutant.name}/survey: {'shown ' + case if case else 'not shown ' + stage}", flush=True)


def near_one(machine, mutant, answers):
    planted, case = machine.first([mutant], near(mutant))
    if case and machine.first([mutant], [case + "*"])[1] is None:
        case = None  # once is no answer
    answers.keep(mutant, "near", case)


def wide_group(machine, group, answers):
    """Until nothing fails of those that are left."""
    while group:
        planted, case = machine.first(group, WIDE)
        if not planted:
            raise mutate.Wrong("none can be planted")
        if case is None:
            for mutant in planted:
                answers.keep(mutant, "wide", None)
            group = [m for m in group if m not in planted]
            continue
        one = machine.whose(planted, case + "*")
        if one is None:
            raise mutate.Wrong(f"{case} fails of several faults, and of none alone: {' '.join(m.name for m in planted)}")
        answers.keep(one, "wide", case)
        group.remove(one)


def work(plan, index, waiting, answers, failed):
    worker = machine = None
    while True:
        try:
            job = waiting.get_nowait()
        except queue.Empty:
            break
        try:
            worker = worker or mutate.Worker(plan, f"-survey{index}")
            machine = machine or Survey(worker)
            if isinstance(job, list):
                wide_group(machine, job, answers)
            else:
                near_one(machine, job, answers)
        except Exception as why:  # what goes wrong here is no answer
            failed.append(job)
            names = " ".join(m.name for m in (job if isinstance(job, list) else [job]))
            print(f"not ok mutate/survey: {why!r} ({names})", flush=True)
    if worker is not None:
        shutil.rmtree(worker.tree, ignore_errors=True)


def run_all(plan, jobs, answers, wanted):
    waiting, failed = queue.Queue(), []
    for job in wanted:
        waiting.put(job)
    threads = [threading.Thread(target=work, args=(plan, i, waiting, answers, failed)) for i in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def write(lists, answers):
    """A line behind the fault's own in its list, for each answer."""
    for path in lists:
        lines = []
        known = {m.name: m for m in mutate.read_list(path) if m.unasked()}
        for line in path.read_text().splitlines():
            lines.append(line)
            word, _, name = line.partition(" ")
            answer = answers.get(known[name]) if word == "mutant" and name in known else None
            if answer and answer["case"]:
                lines.append(f"shown {answer['case']}*")
            elif answer and answer["stage"] == "wide":
                lines.append("host-only passes the survey")
        path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--plan", type=pathlib.Path)
    parser.add_argument("--match", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("lists", nargs="+", type=pathlib.Path)
    options, root = parser.parse_args(), pathlib.Path.cwd()
    answers = Answers(root / "build/mutate/survey")
    if options.write:
        write(options.lists, answers)
        return 0
    mutants = [m for path in options.lists for m in mutate.read_list(path) if m.unasked()]
    chosen = [m for m in mutants if any(w in m.name or w == m.kind for w in options.match.split() or [""])]
    plan = mutate.Plan(options.plan, root)
    failed = run_all(plan, options.jobs, answers, [m for m in chosen if answers.get(m) is None])
    left = [m for m in chosen if (a := answers.get(m)) and a["stage"] == "near" and not a["case"]]
    groups = (len(left) + GROUP - 1) // GROUP
    failed += run_all(plan, options.jobs, answers, [left[i::groups] for i in range(groups)])
    found = [answers.get(m) for m in chosen]
    print(f"  {len(chosen)} faults: {sum(bool(a and a['case']) for a in found)} shown, "
          f"{sum(bool(a and not a['case'] and a['stage'] == 'wide') for a in found)} not, {len(failed)} questions without an answer")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
