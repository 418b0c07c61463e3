#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The table of functions for the hypervisor's backtrace (format: arch/arm64/backtrace.c).

usage: symbols.py IMAGE.elf OUT.S

Reads the functions of a first link and writes an assembly file with the section .symbols for the second one. The
section lies behind all code, so the second link moves no function.
"""

import struct
import sys

STT_NOTYPE, STT_FUNC = 0, 2
SHT_SYMTAB = 2
SHF_EXECINSTR = 4


def sections(elf):
    offset, = struct.unpack_from("<Q", elf, 0x28)
    size, count = struct.unpack_from("<HH", elf, 0x3a)
    for i in range(count):
        yield struct.unpack_from("<IIQQQQIIQQ", elf, offset + i * size)


def string(elf, at):
    return elf[at:elf.index(b"\0", at)].decode()


def symbols(elf):
    """(name, value, type) of every symbol in an executable section, and of image_start."""
    table = list(sections(elf))
    code = {i for i, s in enumerate(table) if s[2] & SHF_EXECINSTR}
    for header in table:
        if header[1] != SHT_SYMTAB:
            continue
        strings = table[header[6]][4]
        for at in range(header[4], header[4] + header[5], 24):
            name, info, _, section, value, _ = struct.unpack_from("<IBBHQQ", elf, at)
            if section in code:
                yield string(elf, strings + name), value, info & 0xf


def functions(elf):
    """Sorted (address, name): functions, and the labels of assembly where no function is."""
    best = {}
    base = None
    for name, value, kind in symbols(elf):
        if name == "image_start":
            base = value
        if not name or name.startswith(("$", ".L")) or kind not in (STT_FUNC, STT_NOTYPE):
            continue
        if name in ("text_start", "text_end"):
            continue
        if value not in best or kind > best[value][0]:
            best[value] = kind, name
    if base is None:
        sys.exit("symbols.py: the image has no symbol image_start")
    return [(value - base, best[value][1]) for value in sorted(best)]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], "rb") as f:
        table = functions(f.read())
    names = 8 + 8 * len(table)
    lines = ["\t.section .symbols, \"a\"", "\t.balign 8", f"\t.long {len(table)}, 0"]
    for offset, name in table:
        lines.append(f"\t.long {offset:#x}, {names}")
        names += len(name) + 1
    lines += [f"\t.asciz \"{name}\"" for _, name in table]
    with open(sys.argv[2], "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


main()
