#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Packs an arm64 Image and an initramfs into one file, which test/guest/primary/vmm_linux.c gets as its ramdisk.

A page with the magic number and (offset, size) of each of the two, little endian, then the two, page aligned.
"""

import argparse
import struct
import sys

MAGIC = b"PCLINUX1"
PAGE = 4096
HEADER = struct.Struct("<8sQQQQ")


def padded(data):
    return data + bytes(-len(data) % PAGE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True)
    parser.add_argument("--linux", required=True)
    parser.add_argument("--initrd", required=True)
    args = parser.parse_args()
    try:
        parts = []
        for path in (args.linux, args.initrd):
            with open(path, "rb") as file:
                parts.append(file.read())
    except OSError as error:
        sys.exit(f"pack: {error.filename}: {error.strerror}")
    second = PAGE + len(padded(parts[0]))
    header = HEADER.pack(MAGIC, PAGE, len(parts[0]), second, len(parts[1]))
    with open(args.output, "wb") as out:
        out.write(padded(header) + padded(parts[0]) + parts[1])


if __name__ == "__main__":
    main()
