#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes an initramfs (cpio, newc) for a Linux guest.

    initramfs.py --output FILE [PATH=SOURCE ...]

PATH is where SOURCE appears in the guest; every file is executable and root's. The folders above each PATH
and /dev/console, which the kernel opens for /init, are added. The same sources give the same bytes.
"""

import argparse
import os
import stat
import sys

FOLDER = stat.S_IFDIR | 0o755
FILE = stat.S_IFREG | 0o755
CONSOLE = stat.S_IFCHR | 0o600
CONSOLE_DEVICE = (5, 1)


def record(inode, path, mode, data=b"", device=(0, 0)):
    """One newc entry: a header of 8-digit fields, the name, the data, each padded to four bytes."""
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (inode, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    return padded(header + name) + padded(data)


def padded(data):
    return data + bytes(-len(data) % 4)


def folders_above(paths):
    """Each folder once, parents first."""
    found = {"dev"}
    for path in paths:
        while path := os.path.dirname(path):
            found.add(path)
    return sorted(found)


def archive(files):
    records = [(path, FOLDER, b"", (0, 0)) for path in folders_above(files)]
    records.append(("dev/console", CONSOLE, b"", CONSOLE_DEVICE))
    for path, source in sorted(files.items()):
        with open(source, "rb") as file:
            records.append((path, FILE, file.read(), (0, 0)))
    body = b"".join(record(i, *entry) for i, entry in enumerate(records, start=1))
    return body + record(0, "TRAILER!!!", 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True)
    parser.add_argument("file", nargs="*", metavar="PATH=SOURCE")
    args = parser.parse_args()

    files = {}
    for pair in args.file:
        path, _, source = pair.partition("=")
        if not source:
            parser.error(f"'{pair}' is not PATH=SOURCE")
        files[path.strip("/")] = source
    try:
        content = archive(files)
    except OSError as error:
        sys.exit(f"initramfs: {error.filename}: {error.strerror}")
    with open(args.output, "wb") as out:
        out.write(content)


if __name__ == "__main__":
    main()
