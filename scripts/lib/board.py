# SPDX-License-Identifier: BSD-2-Clause
"""How a board is started in QEMU: its arguments, where things are loaded, the trees that tests need.

Reads platform/<board>/qemu.args. Knows nothing of tests.
"""

import hashlib
import os
import re
import shlex
import struct
import subprocess
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join("build", "test")
TREE_LIMIT_S = 180
# Long options of QEMU that mean a short one of qemu.args.
ALIASES = {"-machine": "-M", "-memory": "-m"}
IMAGE_HEADER = struct.Struct("<IIQQ")  # of the Linux arm64 boot protocol, as far as it is needed


class BoardError(Exception):
    """Something about the board's files or QEMU; the message says all a user needs."""


def escape(text):
    """For a value inside an option of -device."""
    return text.replace(",", ",,")


def repeated(line):
    """A line of qemu.args with {n:1-c} is one for each number, in hexadecimal; {n} is that number elsewhere in it."""
    match = re.search(r"\{(\w+):([0-9a-f]+)-([0-9a-f]+)\}", line)
    if match is None:
        return [line]
    name, first, last = match.group(1), int(match.group(2), 16), int(match.group(3), 16)
    lines = [line.replace(match.group(0), f"{n:x}").replace("{" + name + "}", f"{n:x}") for n in range(first, last + 1)]
    return [each for one in lines for each in repeated(one)]


class Board:
    def __init__(self, platform):
        self.platform = platform
        self.sections = self._read(os.path.join(ROOT, "platform", platform, "qemu.args"))
        places = dict(line.split(None, 1) for line in self.sections["guest"])
        self.image_at = int(places["image"], 0)
        self.kernel_at = int(places["kernel"], 0)
        self.initrd_at = int(places["initrd"], 0)
        self.qemu = os.path.join(ROOT, "build", "tools", "bin", "qemu-system-aarch64")
        if not os.path.exists(self.qemu):
            raise BoardError("QEMU is not set up; make run or make test does that")

    @staticmethod
    def _read(path):
        sections = {}
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line.split("#", 1)[0].strip() for line in file]
        except OSError:
            raise BoardError(f"{path} is not there") from None
        current = None
        for line in filter(None, lines):
            header = re.fullmatch(r"\[(.+)\]", line)
            if header:
                current = sections.setdefault(header.group(1), [])
            elif current is None:
                raise BoardError(f"{path}: '{line}' is in no section")
            else:
                current.append(line)
        return sections

    def devices(self, names):
        """The arguments of some sets of devices."""
        args = []
        for name in names:
            if name not in self.sections:
                raise BoardError(f"platform/{self.platform}/qemu.args has no devices called '{name}'")
            for line in self.sections[name]:
                for one in repeated(line):
                    args += shlex.split(one)
        return args

    def machine(self, overrides):
        """The arguments of the machine; overrides is {"-smp": "1", ...}, None leaves an option out."""
        overrides = dict(overrides)
        args = []
        for line in self.sections["machine"]:
            option, _, value = line.partition(" ")
            value = overrides.pop(option, value.strip())
            if value is not None:
                args += [option, *([value] if value else [])]
        for option, value in overrides.items():
            if value is not None:
                args += [option, value]
        return args

    def command(self, image=None, boot_line="", primary=None, bootargs="", initrd=None, overrides=(), extra=()):
        """A whole QEMU command. Without an image the primary runs on the bare machine."""
        args = [self.qemu, *self.machine(dict(overrides))]
        if image is None:
            args += ["-kernel", primary, "-append", bootargs]
            if initrd:
                args += ["-initrd", initrd]
        else:
            args += ["-kernel", image]
            if boot_line:
                args += ["-append", boot_line]
            loader = f"guest-loader,addr={self.kernel_at:#x},kernel={escape(primary)}"
            if bootargs:
                loader += f",bootargs={escape(bootargs)}"
            args += ["-device", loader]
            if initrd:
                args += ["-device", f"guest-loader,addr={self.initrd_at:#x},initrd={escape(initrd)}"]
        return args + list(extra)

    def image_range(self, image):
        """Where QEMU puts our image, and how much memory its header asks for."""
        with open(os.path.join(ROOT, image), "rb") as file:
            _, _, _, size = IMAGE_HEADER.unpack(file.read(IMAGE_HEADER.size))
        return self.image_at, self.image_at + size

    def tree(self, command):
        """The tree that QEMU makes for this command, as a file; the same command gives the same file."""
        name = hashlib.sha256("\0".join(command).encode()).hexdigest()[:16]
        path = os.path.join(WORK, "trees", name + ".dtb")
        # Two sections with the same machine may be at it at once.
        new = f"{path}.{os.getpid()}-{threading.get_ident()}"
        os.makedirs(os.path.join(ROOT, WORK, "trees"), exist_ok=True)
        try:
            done = subprocess.run(
                [*command, "-machine", f"dumpdtb={new}"], cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TREE_LIMIT_S, check=False,
            )
        except subprocess.TimeoutExpired:
            raise BoardError(f"QEMU does not make a tree in {TREE_LIMIT_S} s") from None
        if not os.path.exists(os.path.join(ROOT, new)):
            raise BoardError("QEMU does not make a tree: " + done.stdout.decode(errors="replace").strip())
        os.replace(os.path.join(ROOT, new), os.path.join(ROOT, path))
        return path


SMMU_SPAN = 0x20000
PHANDLE_OF_SECOND = 0x7fff


def add_second_smmu(tree, first_bus):
    """QEMU's tree names the first SMMU only: adds the second, which translates the buses from `first_bus` on.

    The second one's registers and interrupts follow the first's. Returns the path of the new tree.
    """
    source = subprocess.run(
        ["dtc", "-q", "-I", "dtb", "-O", "dts", os.path.join(ROOT, tree)], stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    node = re.search(r"\tsmmuv3@([0-9a-f]+) \{.*?\n\t\};\n", source, re.DOTALL)
    if not node:
        raise BoardError("QEMU's tree names no SMMU to make a second one from")
    base = int(node.group(1), 16)
    first = re.search(r"phandle = <(0x[0-9a-f]+)>", node.group(0)).group(1)

    def second_irqs(match):
        cells = [int(cell, 16) for cell in match.group(1).split()]
        count = len(cells) // 3
        return "interrupts = <" + " ".join(
            hex(cell + count if i % 3 == 1 else cell) for i, cell in enumerate(cells)) + ">"

    second = node.group(0).replace(f"smmuv3@{base:x}", f"smmuv3@{base + SMMU_SPAN:x}")
    second = re.sub(r"phandle = <[^>]*>", f"phandle = <{PHANDLE_OF_SECOND:#x}>", second)
    second = re.sub(r"\breg = <[^>]*>", f"reg = <0 {base + SMMU_SPAN:#x} 0 {SMMU_SPAN:#x}>", second)
    second = re.sub(r"interrupts = <([^>]*)>", second_irqs, second)
    split = first_bus << 8
    iommu_map = (f"iommu-map = <0 {first} 0 {split:#x} {split:#x} {PHANDLE_OF_SECOND:#x} {split:#x} "
                 f"{0x10000 - split:#x}>")
    source = source.replace(node.group(0), node.group(0) + "\n" + second)
    source = re.sub(r"iommu-map = <[^>]*>", iommu_map, source)
    path = tree.replace(".dtb", "-two.dtb")
    subprocess.run(
        ["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", os.path.join(ROOT, path)], input=source.encode(), check=True
    )
    return path
