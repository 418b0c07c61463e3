#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Which lines of the specification's part in the image (test/spec/image) the guests of test/cases.cfg reach in QEMU.

    cover_spec.py PLATFORM REASONS [SECTION...]     the sections that say `hypervisor = spec`, or those of them

QEMU says once of each instruction that it translates it, and the image's line tables say of which line that is. The share
is that of the lines with code, each one of a line. Fails when a line was not reached and has no reason in REASONS, when a
reason is needed by none (with all sections alone), or when a section's guest does not end well. REASONS is as for cover.py:

    test/spec/image/gic.c refuse: *                             the whole function
    test/spec/image/vgic.c same: refuse(a, is, must, what);     one line of it
"""
import collections
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cover  # noqa: E402
from lib import board as boards, cases, guest_run, process  # noqa: E402

PART = 'test/spec/image/'
LIMIT_S = 1800
TRANSLATED = re.compile(r'0x([0-9a-f]+):')
FUNCTION = re.compile(r'(?!#|typedef)\w[\w *]*?\b(\w+)\((?:[^;]*| *[^;{]*\{.*\})$')


def tool(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def lines_of(elf):
    """{address of an instruction: (file, line)} of the part, from the line tables as they stand."""
    where, name, names, last = {}, 0, {}, None
    for row in tool('llvm-dwarfdump-19', '--debug-line', elf).splitlines():
        if row.startswith('debug_line['):
            names, last = {}, None
        elif found := re.match(r'file_names\[\s*(\d+)\]:', row):
            name = int(found[1])
        elif found := re.match(r'\s+name: "(.*)"', row):
            names[name] = found[1]
        elif found := re.match(r'0x([0-9a-f]{16})\s+(\d+)\s+\d+\s+(\d+)\s', row):
            address = int(found[1], 16)
            if last and last[1].startswith(PART) and last[2] > 0:
                where.update((at, last[1:]) for at in range(last[0], address, 4))
            last = None if 'end_sequence' in row else (address, names.get(int(found[3]), ''), int(found[2]))
    return where


def reached(board, section, images, span):
    """The addresses whose instructions one section's guest has had translated, and why it did not end well, or ''."""
    log = os.path.join(boards.WORK, 'spec.asm')
    command = guest_run.section_command(board, section, images, qemu_args=())
    command += ['-d', 'in_asm', '-D', log, '-dfilter', span]
    report = guest_run.GuestReport()
    ended = process.run(command, LIMIT_S, os.path.join(boards.WORK, 'spec.log'), report.line, cwd=boards.ROOT)
    with open(log, errors='replace', encoding='utf-8') as file:
        seen = {int(found[1], 16) for row in file if (found := TRANSLATED.match(row))}
    os.unlink(log)
    bad = [case for case, (outcome, _) in report.outcomes.items() if outcome == 'not ok']
    return seen, ' '.join(bad) or ('' if report.done else ended.reason(LIMIT_S) or 'its image did not end')


def functions_of(text):
    """The function that each line is in, by the way the tree is laid out."""
    name, out = '', []
    for line in text:
        found = FUNCTION.match(line)
        name = found[1] if found else name
        out.append(name)
    return out


def main():
    platform, reasons_path, *wanted = sys.argv[1:]
    board = boards.Board(platform)
    images = {'spec': f'build/{platform}-spec/portcullis.bin'}
    where, seen, wrong = lines_of(images['spec'].replace('.bin', '.elf')), set(), []
    span = f'0x{min(where):x}..0x{max(where) + 4:x}'
    for section in cases.select(cases.read('test/cases.cfg'), ''):
        if section.get('hypervisor') == 'spec' and (not wanted or section.name in wanted):
            new, why = reached(board, section, images, span)
            seen |= new
            wrong += [f'{section.name}: {why}'] if why else []
    have, hit = set(where.values()), {where[at] for at in seen if at in where}
    reasons, notes = cover.Reasons(reasons_path), []
    missed = sorted(have - hit)
    texts = {path: open(path, encoding='utf-8').read().split('\n') for path, _ in have}
    inside = {path: functions_of(text) for path, text in texts.items()}
    places = {(path, line): f'{path} {inside[path][line - 1]}: {texts[path][line - 1].strip()}' for path, line in missed}
    times = collections.Counter(places.values())
    for (path, line), place in places.items():
        alike = f' ({times[place]})' if times[place] > 1 else ''
        why = reasons.of(place + alike, f'{path} {inside[path][line - 1]}: *')
        notes.append(f'{place}\n\t{why or "NO REASON"}')
        wrong += [] if why else [f'{path}:{line}: no guest reaches `{place}{alike}` and no reason is given']
    if not wanted:
        wrong += [f'{reasons_path}: nothing needs the reason of `{what}`' for what in reasons.left()]
    said = len(have) - sum(1 for note in notes if note.endswith('NO REASON'))
    print('\n'.join(['Not reached, and why:', *notes, '']))
    print(f'{PART}: {len(hit)} of {len(have)} lines reached, {cover.percent(len(hit), len(have)):.2f} %; with those that have a '
          f'reason {cover.percent(said, len(have)):.2f} %')
    print(''.join(f'cover-spec: {what}\n' for what in wrong), end='')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())
