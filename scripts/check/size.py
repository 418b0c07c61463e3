#!/usr/bin/env python3
"""Code of the image without the C library, from the linker's map: must not pass a limit.

    size.py MAP LIMIT_BYTES

Counted are all input sections of .text but those of libc.a; libfdt counts. The linker's padding between sections does
not, the one at the end of .text neither.
"""
import re
import sys

#     VMA              LMA     Size Align Out     In      Symbol
ROW = re.compile(r'^\s*([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)\s+(\d+)( *)(\S.*)$')


def text_bytes(lines):
    """(ours, library) bytes of code."""
    ours = library = 0
    output = None
    for line in lines:
        match = ROW.match(line)
        if not match:
            continue
        size, indent, what = int(match.group(3), 16), len(match.group(5)), match.group(6)
        if indent <= 1:
            output = what
        elif output == '.text' and indent <= 9 and ':(' in what:
            if 'libc.a(' in what:
                library += size
            else:
                ours += size
    return ours, library


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        ours, library = text_bytes(file)
    limit = int(sys.argv[2])
    if ours == 0:
        print(f'{sys.argv[1]}: no code found')
        return 1
    if ours > limit:
        print(f'{sys.argv[1]}: {ours} bytes of code (and {library} of the C library), the limit is {limit}')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
