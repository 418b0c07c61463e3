# SPDX-License-Identifier: BSD-2-Clause
"""The performance report as a picture: bars of the calls, curves of their growth, the longest calls. Plain SVG."""

import math
from xml.sax.saxutils import escape

from .bench_figures import CALLS, FLOOR, LONGEST, LONGEST_LIMIT

WIDTH, MARGIN, LABEL = 1180, 30, 170
BAR, GAP = 15, 9
INK, GRID, HERE, OVER = "#222222", "#dddddd", "#3b6ea5", "#c0392b"
COLOURS = ("#3b6ea5", "#c0392b", "#2e8b57", "#8e44ad")
STYLE = ("text{font:12px sans-serif;fill:#222222}.h{font-size:15px;font-weight:bold}.s{font-size:10px;fill:#666666}"
         ".e{text-anchor:end}.m{text-anchor:middle}.w{fill:white;font-weight:bold}.v{fill:white;text-anchor:end}")


class Drawing:
    def __init__(self):
        self.parts, self.height = [], MARGIN

    def add(self, element):
        self.parts.append(element)

    def text(self, x, y, words, kind=""):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>')

    def line(self, x1, y1, x2, y2, colour=GRID, width=1.0):
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>')

    def box(self, x, y, width, height, colour):
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" fill="{colour}"/>')

    def path(self, points, colour):
        self.add('<polyline fill="none" stroke-width="2" stroke="%s" points="%s"/>' %
                 (colour, " ".join(f"{x:.1f},{y:.1f}" for x, y in points)))
        for x, y in points:
            self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')

    def marker(self, x, y, kind, colour=INK):
        """floor: a triangle, native: a diamond; both centred at (x, y)."""
        shape = [(0, -5), (5, 4), (-5, 4)] if kind == "floor" else [(0, -5), (5, 0), (0, 5), (-5, 0)]
        self.add('<polygon fill="%s" points="%s"/>' % (colour, " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in shape)))

    def svg(self):
        height = self.height + MARGIN
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
                f'viewBox="0 0 {WIDTH} {height:.0f}"><style>{STYLE}</style>'
                f'<rect width="{WIDTH}" height="{height:.0f}" fill="white"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


class Scale:
    """Logarithmic, from low..high to first..last."""

    def __init__(self, low, high, first, last):
        self.low, self.high, self.first, self.last = low, high, first, last

    def at(self, value):
        part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.first + min(part, 1) * (self.last - self.first)

    def decades(self):
        power = 10 ** math.ceil(math.log10(self.low))
        while power <= self.high:
            yield power
            power *= 10


def grid(drawing, scale, top, bottom):
    for value in scale.decades():
        drawing.line(scale.at(value), top, scale.at(value), bottom)
        drawing.text(scale.at(value), bottom + 13, f"{value:,}", "s m")


def legend(drawing, y):
    x = MARGIN + LABEL
    drawing.box(x, y - 9, 16, 10, HERE)
    drawing.text(x + 22, y, "here")
    drawing.marker(x + 85, y - 4, "floor")
    drawing.text(x + 95, y, "floor: bare EL2")
    drawing.line(x + 210, y - 11, x + 210, y + 2, "#2e8b57", 3)
    drawing.text(x + 218, y, "goal")
    drawing.line(x + 270, y - 11, x + 270, y + 2, OVER, 3)
    drawing.text(x + 278, y, "must")
    drawing.marker(x + 335, y - 4, "native", "#8e44ad")
    drawing.text(x + 345, y, "native Linux driver")


def bars(drawing, results):
    drawing.text(MARGIN, drawing.height, "Instructions per call (logarithmic)", "h")
    legend(drawing, drawing.height + 22)
    top = drawing.height + 36
    bottom = top + len(CALLS) * (BAR + GAP)
    scale = Scale(10, 100_000, MARGIN + LABEL, WIDTH - MARGIN - 60)
    grid(drawing, scale, top, bottom)
    for i, (name, (must, goal, native)) in enumerate(CALLS.items()):
        value, floor, y = results.get(name), results.get(FLOOR + name), top + i * (BAR + GAP) + GAP / 2
        drawing.text(MARGIN + LABEL - 8, y + BAR - 3, name, "e")
        if value is None:
            continue
        drawing.box(scale.first, y, scale.at(value) - scale.first, BAR, HERE if value <= must else OVER)
        drawing.text(scale.first + 6, y + BAR - 3, f"{value:,}", "w")
        if floor:
            drawing.marker(scale.at(floor), y + BAR / 2, "floor")
        drawing.line(scale.at(goal), y - 3, scale.at(goal), y + BAR + 3, "#2e8b57", 3)
        drawing.line(scale.at(must), y - 3, scale.at(must), y + BAR + 3, OVER, 3)
        if native:
            drawing.marker(scale.at(native), y + BAR / 2, "native", "#8e44ad")
    drawing.height = bottom + 50


def plot(drawing, x, y, width, height, heading, curves, unit):
    """Curves {label: [(count, figure)]} over a logarithmic count; the ordinate is logarithmic too."""
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return
    values = [value for _, value in points if value > 0]
    low, high = min(values), max(values)
    across = Scale(1, max(max(count for count, _ in points), 10), x + 60, x + width - 10)
    up = Scale(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high * 1.01)), y + height, y + 26)
    drawing.text(x, y, heading, "h")
    for value in up.decades():
        drawing.line(across.first, up.at(value), across.last, up.at(value))
        drawing.text(x + 54, up.at(value) + 4, f"{value:,}", "s e")
    for count in sorted({count for count, _ in points}):
        drawing.line(across.at(count), up.first, across.at(count), up.first + 4, INK)
    ticks = sorted({count for count, _ in points})
    for count in ticks[::max(1, len(ticks) // 5)]:
        drawing.text(across.at(count), up.first + 16, f"{count:,}", "s m")
    drawing.text(across.last, up.first + 30, unit, "s e")
    for i, (label, curve) in enumerate(curves.items()):
        colour = COLOURS[i % len(COLOURS)]
        drawing.path([(across.at(count), up.at(value)) for count, value in curve], colour)
        drawing.box(x + 66 + i * 120, y + 10, 10, 10, colour)
        drawing.text(x + 80 + i * 120, y + 19, label)


def curves(drawing, results):
    def of(operations, what, each=False):
        return {name: [(count, value / count if each else value) for count, value in results.growth(name, what)]
                for name in operations}

    width, height = (WIDTH - 2 * MARGIN) / 2 - 15, 200
    left, right = MARGIN, MARGIN + width + 30
    plots = [("With more domains", of(("map_4k", "unmap_4k"), "domains"), "domains"),
             ("With more endpoints attached", of(("map_4k", "unmap_4k", "attach"), "endpoints"), "endpoints"),
             ("With more VMs", of(("map_4k", "unmap_4k", "vcpu_run", "vm_create"), "vms"), "VMs"),
             ("Among more mapped pages", of(("map_4k", "unmap_4k"), "pages"), "pages mapped"),
             ("As many pages all together: each", of(("map", "unmap", "free"), "all", True), "pages"),
             ("Host model: basic blocks entered",
              of(("host_map_4k", "host_unmap_4k", "host_attach", "host_fault"), "endpoints"), "endpoints")]
    for i, (heading, what, unit) in enumerate(plots):
        plot(drawing, right if i % 2 else left, drawing.height, width, height, heading, what, unit)
        if i % 2:
            drawing.height += height + 60


def longest(drawing, results):
    found = results.group(LONGEST)
    drawing.text(MARGIN, drawing.height, f"Longest stretch of a call without an interrupt (limit {LONGEST_LIMIT:,})", "h")
    top = drawing.height + 14
    bottom = top + len(found) * (BAR + 4)
    scale = Scale(100, 2_000_000, MARGIN + LABEL, WIDTH - MARGIN - 60)
    grid(drawing, scale, top, bottom)
    for i, (name, value) in enumerate(found):
        y = top + i * (BAR + 4)
        drawing.text(MARGIN + LABEL - 8, y + BAR - 3, name, "e")
        drawing.box(scale.first, y, scale.at(value) - scale.first, BAR, HERE if value <= LONGEST_LIMIT else OVER)
        # Inside a long bar, so that no number lies on the limit.
        if scale.at(value) - scale.first > 80:
            drawing.text(scale.at(value) - 6, y + BAR - 3, f"{value:,}", "v")
        else:
            drawing.text(scale.at(value) + 5, y + BAR - 3, f"{value:,}")
    drawing.line(scale.at(LONGEST_LIMIT), top, scale.at(LONGEST_LIMIT), bottom, OVER, 2)
    drawing.height = bottom + 20


def make(results):
    drawing = Drawing()
    for section in (bars, curves, longest):
        section(drawing, results)
    return drawing.svg().replace(' class=""', "")
