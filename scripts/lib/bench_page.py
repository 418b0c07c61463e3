# SPDX-License-Identifier: BSD-2-Clause
"""The performance report as text: one page, from the figures of bench.json."""

from .bench_figures import (BOOT, CALLS, CODE, CODE_OF_THE_PRIMARY, COLD, CROWD, CROWD_FACTOR, EVENTS, FLOOR,
                            GROWTH, GROWTH_FACTOR, HELD, LONGEST, LONGEST_LIMIT, MEMORY, ONE_STAGE, SECONDARIES)

ABOVE = "ABOVE"
COLUMNS = 3


class Page:
    """Lines, and what is held and does not hold."""

    def __init__(self, results):
        self.results, self.lines, self.broken = results, [], []

    def say(self, text=""):
        self.lines.append(text.rstrip())

    def hold(self, holds, what):
        if not holds:
            self.broken.append(what)
        return holds

    def title(self, text):
        self.say()
        self.say(text)

    def number(self, name, width=9):
        value = self.results.get(name)
        return f"{'-' if value is None else value:>{width}}"


def ratio(value, other):
    return f"{value / other:6.2f}x" if value is not None and other else f"{'-':>7}"


def call_row(page, name):
    must, goal, native = CALLS[name]
    value, crowd, floor = page.results.get(name), page.results.get(name + CROWD), page.results.get(FLOOR + name)
    if value is None or crowd is None:
        page.hold(False, f"{name}: no figure")
        return f"{name:<15} no figure"
    held = page.hold(value <= must, f"{name}: {value}, must {must}")
    held &= page.hold(crowd <= CROWD_FACTOR * value, f"{name}: {crowd} in the crowd, at most {CROWD_FACTOR} times {value}")
    verdict = "goal" if value <= goal else "must" if value <= must else ABOVE
    return (f"{name:<15}{value:>7}{must:>7}{goal:>7}{page.number(FLOOR + name, 7)}{ratio(value, floor)}{native or '-':>8}"
            f"{ratio(value, native)}{page.number(name + COLD, 7)}{crowd:>7}  {verdict if held or verdict == ABOVE else 'CROWD'}")


def calls(page):
    page.title("Calls: instructions from the guest's HVC to its return, all exception levels, median of 1,000")
    page.say(f"{'':<15}{'here':>7}{'must':>7}{'goal':>7}{'floor':>7}{'ratio':>7}{'native':>8}{'ratio':>7}{'cold':>7}{'crowd':>7}")
    for name in CALLS:
        page.say(call_row(page, name))
    page.say("floor: a bare EL2 image of ours that does only what nobody can leave out. native: Linux's own driver, no hypervisor.")
    page.say("cold: its tables are made. crowd: the same among 1,000 domains and every endpoint of the machine.")


def longest(page):
    page.title(f"Longest stretch of a call without an interrupt, worst arguments known, at most {LONGEST_LIMIT:,}")
    found = page.results.group(LONGEST)
    page.hold(found, "longest stretches: no figure")
    cells = [f"{name:<23}{value:>9}{'!' if value > LONGEST_LIMIT else ' '}" for name, value in found]
    for i in range(0, len(cells), COLUMNS):
        page.say("  ".join(cells[i:i + COLUMNS]))
    whole = {name: value + page.results.of_exit(name) for name, value in found}
    for stage in 1, 2:
        one = {f"{name}, stage {stage} alone": value + page.results.of_exit(name)
               for name, value in page.results.group(ONE_STAGE.format(stage) + LONGEST)}
        if page.hold(one, f"longest stretches with stage {stage} alone: no figure"):
            worst = max(one, key=one.get)
            page.say(f"on a machine of stage {stage} alone, with its exit: {one[worst]:,} at most ({worst})")
        whole.update(one)
    above = [name for name, value in whole.items() if value > LONGEST_LIMIT]
    page.hold(not above, f"without an interrupt above {LONGEST_LIMIT}: {', '.join(above)}")
    if whole:
        worst = max(whole, key=whole.get)
        page.say(f"with all that its exit takes of a flood of hardware's events: {whole[worst]:,} at most ({worst})")
        page.say("not counted: the wait, of up to a second, for hardware that does not answer, and the quarantine that ends it")
    page.say(f"ABOVE the limit: {', '.join(above)}" if above else "none is above")
    without = page.results.without_longest()
    if not page.hold(not without, f"calls without a longest time: {', '.join(without)}"):
        page.say(f"NO FIGURE of {', '.join(without)}")


def growth_row(page, operation, what):
    points = page.results.growth(operation, what)
    page.hold(points, f"{operation} with {what}: no figure")
    values = "".join(f" {count:>6}:{value:<6}" for count, value in points)
    factor = page.results.growth_factor(operation, what)
    held = operation in HELD
    verdict = "" if not held else "holds" if page.hold(
        factor is not None and factor <= GROWTH_FACTOR, f"{operation} with {what}: {factor}x, at most {GROWTH_FACTOR}x") else ABOVE
    return f"{operation:<10}{values}  {factor or 0:5.3f}x {verdict}"


def growth(page):
    page.title(f"Growth, count:instructions; a page there and back at most {GROWTH_FACTOR}x of what it takes with the least of them")
    for what, operations in GROWTH.items():
        if what == "all":
            continue
        page.say(f"{what}:")
        for operation in operations:
            page.say("  " + growth_row(page, operation, what))
    page.title("As many pages of 4 KiB all together: instructions for each, tables included (free: by FREE_DOMAIN)")
    counts = [count for count, _ in page.results.growth("map", "all")]
    page.hold(counts, "pages all together: no figure")
    page.say(f"{'':<7}" + "".join(f"{count:>9}" for count in counts))
    for operation in GROWTH["all"]:
        page.say(f"{operation:<7}" + "".join(f"{value / count:>9.1f}" for count, value in page.results.growth(operation, "all")))


def host(page):
    points = page.results.growth("host_map_4k", "endpoints")
    if not points:
        return
    page.title("On the host model, up to 1,024 endpoints: basic blocks of the core and the driver that a call enters")
    page.say(f"{'':<12}" + "".join(f"{count:>8}" for count, _ in points))
    for operation in ("map_4k", "unmap_4k", "attach", "detach", "fault"):
        row = page.results.growth("host_" + operation, "endpoints")
        page.say(f"{operation:<12}" + "".join(f"{value:>8}" for _, value in row))


def secondaries(page):
    page.title("Secondaries: whole calls, the secondary's own instructions among them")
    for name, (pages, what) in SECONDARIES.items():
        value = page.results.get(name)
        page.hold(value is not None, f"{name}: no figure")
        each = f"{value // pages:>6} a page" if pages > 1 and value else ""
        page.say(f"{name:<15}{page.number(name)}  {what}{'; ' + each.strip() if each else ''}")


def events(page):
    page.title("Events: from the access that is refused, over the SMMU's interrupt, to the first instruction of the guest's vector")
    for name, (records, what) in EVENTS.items():
        value = page.results.get(name)
        page.hold(value is not None, f"{name}: no figure")
        each = f"; {value / records:.1f} a record" if records > 1 and value else ""
        page.say(f"{name:<15}{page.number(name)}  {what}{each}")
    one, batch = (page.results.get(name) for name in EVENTS)
    if one and batch:
        page.say(f"{'a record more':<15}{(batch - one) / (EVENTS['event_64'][0] - 1):>9.1f}")


def boot(page):
    page.title("Boot: instructions that EL2 itself executes (1 GiB, one CPU, NVMe and virtio-net)")
    for name, (must, goal, what) in BOOT.items():
        value = page.results.get(name)
        held = page.hold(value is not None and value <= must, f"{name}: {value}, must {must}")
        verdict = "goal" if goal and held and value <= goal else "must" if held else ABOVE
        page.say(f"{name:<15}{page.number(name, 10)}  must {must:>9}  goal {goal or '-':>8}  {verdict:<6}{what}")
    ours, native = page.results.get("secondary_boot"), page.results.get("native_boot")
    if ours and native:
        page.say(f"a stock Linux up to /init as a secondary: {ours} instructions, natively {native}: {ours / native:.4f}x")


def memory(page):
    page.title("Memory, bytes")
    for name, what in MEMORY.items():
        page.hold(page.results.get(name) is not None, f"{name}: no figure")
        page.say(f"{page.number(name)}  {what}")
    page.say("image:  " + "  ".join(f"{name} {page.results.get('image_' + name)}" for name in
                                    ("file", "text", "rodata", "data", "bss", "noinit")) +
             f"  (code of ours {page.results.get('image_text_ours')}, of the C library {page.results.get('image_text_libc')})")
    code(page)


def code(page):
    """The one figure of the first table that the interface as a whole has outgrown: where its bytes are."""
    ours = page.results.get("image_text_ours")
    page.title(f"Code: {ours} bytes of ours, for the primary alone at most {CODE_OF_THE_PRIMARY}; by the room it was written in")
    rooms = page.results.group(CODE)
    for at in range(0, len(rooms), 3):
        page.say("".join(f"{length:>8}  {room:<28}" for room, length in rooms[at:at + 3]).rstrip())


def beside(page, files):
    page.say()
    page.say("Beside this page:")
    for name, what in files.items():
        page.say(f"{name:<34}{what}")


def make(results, image, files):
    """(text, what is held and does not hold). `files`: name to what is in it, of what is too long for a page."""
    page = Page(results)
    page.say("Portcullis: performance report")
    page.say(f"image {image}")
    page.say("QEMU virt, SMMUv3, one CPU -cpu max, -icount shift=0,sleep=off: instructions, which repeat exactly; never time.")
    for section in (calls, longest, growth, host, secondaries, events, boot, memory):
        section(page)
    beside(page, files)
    return "\n".join(page.lines) + "\n", page.broken
