#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Line and branch coverage of the host tests.

    cover.py FOLDER LINES SIDES PROGRAM...     runs the programs of a coverage build, then the rest
    cover.py --again FOLDER LINES SIDES PROGRAM...     the rest alone, from the last run

Writes FOLDER/report.txt (a row a file; lines and sides of branches that no test took, each with its reason), and
FOLDER/report/ (source with counts). Fails when hyp/ and the IOMMU drivers are below the limits, or the lines of the
specification, which judges them, below its own; and when a line of hyp/ and the drivers that was not reached has no reason
in LINES, or a side that was not taken none in SIDES. A reason that nothing needs any more fails too, and so does a source
file that no program links.

LINES: an entry is a line of what and, indented below it, the reason:

    hyp/iommu/attach.c identity_one: return status;     the one uncovered line of that function with exactly this text
    hyp/iommu/device.c dt_add: return false; (3)        three of them
    arch/arm64/gic.h gicd_reg: *                        the whole function
    hyp/lib/lock.c: *                                   the whole file, which no program links

SIDES: the same, with the names of cover_sides.py. What a side would have led to is often a line of LINES, right below: its
reason is the side's too.

    hyp/iommu/attach.c identity_one: status != OK is never true
"""
import bisect
import collections
import glob
import json
import os
import subprocess
import sys

import cover_sides

LINES, BRANCHES = 98.0, 92.0
HELD = ('hyp/', 'arch/arm64/smmuv3/')  # what the limits and the reasons are for
SPEC, SPEC_LINES = 'test/spec/', 99.0
SHOWN = ('arch/arm64/', 'platform/', 'include/')  # and whose figures are shown beside them


class File:
    """What one source file's record says; branches are (line, id, times taken)."""

    def __init__(self, path):
        self.path, self.functions, self.lines, self.branches = path, [], {}, []
        with open(path, encoding='utf-8') as file:
            self.source = file.read().split('\n')
        self.text = [line.strip() for line in self.source]

    def function_at(self, line):
        place = bisect.bisect(self.functions, (line, chr(0x10ffff))) - 1
        return self.functions[place][1] if place >= 0 else ''

    def uncovered(self):
        return [line for line, count in sorted(self.lines.items()) if count == 0]


def ours(path):
    return path.startswith((*HELD, *SHOWN, SPEC))


def read(lcov, root):
    """{path: File} from llvm-cov's tracefile; our files alone."""
    files, file = {}, None
    for row in lcov.splitlines():
        key, _, value = row.partition(':')
        if key == 'SF':
            path = os.path.relpath(value, root)
            file = files.setdefault(path, File(path)) if ours(path) else None
        elif file is None:
            continue
        elif key == 'FN':
            line, name = value.split(',', 1)
            bisect.insort(file.functions, (int(line), name.rpartition(':')[2]))
        elif key == 'DA':
            line, count = value.split(',')[:2]
            file.lines[int(line)] = int(count)
        elif key == 'BRDA':
            line, block, branch, taken = value.split(',')
            file.branches.append((int(line), f'{block},{branch}', 0 if taken == '-' else int(taken)))
    return {path: file for path, file in sorted(files.items()) if file.lines}


class Reasons:
    def __init__(self, path):
        self.path, self.entries, self.used = path, {}, set()
        what = None
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or line.startswith('#'):
                    continue
                if line[0] not in ' \t':
                    if ': ' not in line or (what and not self.entries[what]) or line.strip() in self.entries:
                        sys.exit(f'{path}:{number}: the place is PATH FUNCTION: TEXT, once, and its reason follows')
                    what = line.strip()
                    self.entries[what] = ''
                elif what:
                    self.entries[what] = f'{self.entries[what]} {line.strip()}'.strip()

    def of(self, *places):
        for place in places:
            if self.entries.get(place):
                self.used.add(place)
                return self.entries[place]
        return None

    def left(self):
        return [what for what in self.entries if what not in self.used]


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def row(name, files):
    """One line of the table, and its two figures."""
    lines = [count for file in files for count in file.lines.values()]
    branches = [taken for file in files for _, _, taken in file.branches]
    hit, taken = sum(map(bool, lines)), sum(map(bool, branches))
    figures = percent(hit, len(lines)), percent(taken, len(branches))
    return f'{name:42} {hit:6} of {len(lines):6} {figures[0]:6.2f} % {taken:6} of {len(branches):6} {figures[1]:6.2f} %', figures


def table(files):
    held = [file for path, file in files.items() if path.startswith(HELD)]
    out = [f'{"":42} {"lines":>16} {"":8} {"branches":>17}']
    out += [row(path, [file])[0] for path, file in files.items()]
    out.append('')
    for part in (*HELD, 'arch/arm64/', 'platform/', 'include/'):
        out.append(row(part, [file for path, file in files.items() if path.startswith(part)])[0])
    spec, (spec_lines, _) = row(SPEC, [file for path, file in files.items() if path.startswith(SPEC)])
    last, (lines, branches) = row('held to the limits: ' + ' '.join(HELD), held)
    return out + [spec, last], (lines, branches, spec_lines)


def unsaid(files):
    """Lines of the specification that judged nothing."""
    return [f'{path}:{line}: {file.text[line - 1]}' for path, file in files.items() if path.startswith(SPEC)
            for line in file.uncovered()]


def others():
    """What the figures are not about: files of these folders."""
    tests = [name for name in sorted(os.listdir('test')) if os.path.isdir('test/' + name) and name != 'spec']
    return f"(^|/)(build|test/({'|'.join(tests)}))/"


def explain(files, reasons):
    """(lines to print, complaints) about every uncovered line of the files that are held."""
    out, wrong = [], []
    for path, file in files.items():
        if not path.startswith(HELD):
            continue
        places = {line: f'{path} {file.function_at(line)}: {file.text[line - 1]}' for line in file.uncovered()}
        times = collections.Counter(places.values())
        for line, place in places.items():
            name, text = file.function_at(line), file.text[line - 1]
            alike = f' ({times[place]})' if times[place] > 1 else ''
            why = reasons.of(place + alike, f'{path} {name}: *')
            out.append(f'{path}:{line}: {text}\n\t{why or "NO REASON"}')
            if not why:
                wrong.append(f'{path}:{line}: in {name}, no test reaches `{text}` and no reason is given')
    return out, wrong


def explain_sides(files, records, reasons):
    """The same about every side that was not taken; what a line that nothing reached would do has that line's reason."""
    out, wrong, kinds = [], [], collections.Counter()
    for path, record in records.items():
        file = files[path]
        sides = [side for side in cover_sides.untaken(record, file.source)
                 if file.lines.get(side.line) != 0 and file.lines.get(side.end + 1) != 0]
        places = [f'{path} {file.function_at(side.line)}: {side.what}' for side in sides]
        times = collections.Counter(places)
        for side, place in zip(sides, places):
            alike = f' ({times[place]})' if times[place] > 1 else ''
            why = reasons.of(place + alike, f'{side.kind}: *')
            if not why:
                wrong.append(f'{path}:{side.line}: no test takes the side `{place}{alike}` and no reason is given')
            if why and side.kind:
                kinds[side.kind, why] += 1
            else:
                out.append(f'{path}:{side.line}: {side.what}\n\t{why or "NO REASON"}')
    return [f'{kind}: {count} sides\n\t{why}' for (kind, why), count in kinds.items()] + out, wrong


def board_sources():
    """Of boards; the rest of platform/ is for guests."""
    return [path for board in glob.glob('platform/*/platform.mk') for path in glob.glob(os.path.dirname(board) + '/*.c')]


def absent(files, reasons):
    """Source files that no program has."""
    out, wrong = [], []
    for part in HELD:
        for path in sorted(glob.glob(part + '**/*.c', recursive=True)):
            if path in files:
                continue
            why = reasons.of(f'{path}: *')
            out.append(f'{path}: not in any program\n\t{why or "NO REASON"}')
            if not why:
                wrong.append(f'{path}: no program of the host tests has it and no reason is given')
    rest = [path for path in sorted(glob.glob('arch/*/*.c') + board_sources()) if path not in files]
    out.append('run in QEMU only, since they are the CPU\'s own: ' + ' '.join(rest))
    return out, wrong


def tool(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(folder, programs):
    raw = os.path.join(folder, 'raw')
    tool('rm', '-rf', raw, os.path.join(folder, 'report'))
    os.makedirs(raw)
    env = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(raw, '%m-%p.profraw'))
    subprocess.run(['test/unit/run', '--quiet', *programs], check=True, env=env)
    tool('llvm-profdata-19', 'merge', '-sparse', *glob.glob(raw + '/*.profraw'), '-o', folder + '/all.profdata')
    tool('rm', '-rf', raw)


def main():
    words = sys.argv[1:]
    again = words[0] == '--again'
    folder, lines_path, sides_path, *programs = words[again:]
    if not again:
        run(folder, programs)
    objects = [word for program in programs for word in ('-object', program)]
    common = [f'-instr-profile={folder}/all.profdata', f'-ignore-filename-regex={others()}', *objects]
    tool('llvm-cov-19', 'show', '-format=html', f'-output-dir={folder}/report', '-show-branches=count', *common)
    files = read(tool('llvm-cov-19', 'export', '-format=lcov', *common), os.getcwd())
    record = json.loads(tool('llvm-cov-19', 'export', '-format=text', *common))['data'][0]['files']
    records = {os.path.relpath(file['filename']): file for file in record}
    reasons, side_reasons = Reasons(lines_path), Reasons(sides_path)
    rows, (lines, branches, spec) = table(files)
    notes, wrong = explain(files, reasons)
    more, missing = absent(files, reasons)
    sides, no_reason = explain_sides(files, {path: file for path, file in records.items() if path.startswith(HELD)}, side_reasons)
    wrong += missing + no_reason
    wrong += [f'{of.path}: nothing needs the reason of `{what}`' for of in (reasons, side_reasons) for what in of.left()]
    if lines < LINES or branches < BRANCHES:
        wrong.append(f'{lines:.2f} % of lines and {branches:.2f} % of branches; the limits are {LINES} and {BRANCHES}')
    if spec < SPEC_LINES:
        wrong.append(f'{spec:.2f} % of lines of the specification; the limit is {SPEC_LINES}')
    text = '\n'.join([*rows, '', 'Not covered, and why:', *notes, *more, '', 'Sides of branches not taken, and why:', *sides, '',
                      'Not covered of the specification:', *unsaid(files), ''])
    with open(folder + '/report.txt', 'w', encoding='utf-8') as file:
        file.write(text)
    print(text + '\n'.join(f'cover: {what}' for what in wrong))
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
