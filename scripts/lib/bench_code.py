# SPDX-License-Identifier: BSD-2-Clause
"""Whose code the image's text is: bytes of each room, an instruction counted where its innermost function was written."""

import collections
import re
import subprocess

SECTION = re.compile(r"\.text\s+PROGBITS\s+([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+)")
STEP = 4  # bytes of an instruction, on the only machine that has this report so far
ROOMS = (  # the first that a path has decides
    ("/newlib", "the C library"),
    ("libfdt/", "libfdt"),
    ("arch/arm64/smmuv3/", "arch/arm64/smmuv3"),
    ("arch/arm64/", "arch/arm64"),
    ("platform/", "platform"),
    ("include/", "include (inlined)"),
)
WITHOUT = "shared by several, padding"  # outlined by the compiler, or no instruction


def room(path):
    for part, name in ROOMS:
        if part in path:
            return name
    inside = re.search(r"(?:^|/)(hyp/\w+)/", path)
    if inside:
        return inside.group(1)
    return "hyp" if re.search(r"(?:^|/)hyp/", path) else WITHOUT


def by_room(elf):
    """[(room, bytes)], the largest first."""
    sections = subprocess.run(["llvm-readelf-19", "-S", elf], stdout=subprocess.PIPE, check=True).stdout.decode()
    start, length = (int(text, 16) for text in SECTION.search(sections).groups())
    asked = "\n".join(hex(at) for at in range(start, start + length, STEP)) + "\n"
    said = subprocess.run(["llvm-symbolizer-19", "--obj=" + elf, "--inlines"], input=asked.encode(),
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    rooms = collections.Counter()
    for block in said.rstrip("\n").split("\n\n"):
        rooms[room(block.split("\n")[1].rsplit(":", 2)[0])] += STEP
    return rooms.most_common()
