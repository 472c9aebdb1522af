"""Draws a small graph as SVG, from left to right: boxes, circles, and the ways between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from tamis.explain.layout import Node, Spot, arrange
from tamis.explain.svg import (
    INK,
    MUTED,
    PAPER,
    Point,
    box,
    element,
    moved,
    path,
    picture,
    short,
    text,
    told,
    width_of,
)

MARGIN = 18.0
PILL_HEIGHT, PILL_FONT = 25.0, 12
LINE_FONT, LINE_HEIGHT, CARD_HEIGHT = 10.5, 14.5, 27.0
CARD_WIDENING = 1.06
"""Words of a card are bold."""
ROUND = 14.0
"""The radius of a node that adds."""

COLOURS = {
    "dense": ("#1d5fa8", "#e4eefa"),
    "separable": ("#6d3fb0", "#f0e8fb"),
    "factorized": ("#0f766e", "#ddf3f0"),
    "pool": ("#9a5b0b", "#fdf0d7"),
    "skip": (MUTED, "#eef1f4"),
    "join": ("#7b8794", PAPER),
    "leaf": (MUTED, "#eef1f4"),
    "step": ("#1d5fa8", "#e4eefa"),
    "model": ("#0f766e", "#ddf3f0"),
}
"""The line and the ground of each kind of node; told apart by their words as well."""


@dataclass(frozen=True)
class Mark:
    """A node of a picture: what it says, and how it looks."""

    words: str
    column: int
    look: str = "pill"
    """`pill`: an operation on an edge; `round`: a sum; `end`: an input or output; `layer`: two lines in a box; `card`:
    any number of lines in a box."""
    kind: str = "join"
    below: str = ""
    faint: bool = False
    lines: tuple[str, ...] = ()
    hint: str = ""
    """What is told while the pointer rests on a card."""

    @property
    def node(self) -> Node:
        """Its size and column."""
        if self.look == "round":
            return Node(2 * ROUND, 2 * ROUND, self.column)
        if self.look == "card":
            widths = [width_of(one, LINE_FONT) for one in self.lines]
            wide = max([CARD_WIDENING * width_of(self.words, PILL_FONT), *widths])
            return Node(max(64.0, wide + 22), CARD_HEIGHT + LINE_HEIGHT * len(self.lines), self.column)
        wide = max(width_of(self.words, PILL_FONT), width_of(self.below, PILL_FONT - 1.5))
        if self.look == "layer":
            return Node(max(74.0, wide + 22), 42.0, self.column)
        return Node(max(42.0, wide + 20), PILL_HEIGHT + (5 if self.look == "end" else 0), self.column)


@dataclass(frozen=True)
class Way:
    """An edge of a picture."""

    source: str
    target: str
    kind: str = "join"
    arrow: bool = True
    faint: bool = False


def drawn(marks: dict[str, Mark], ways: Sequence[Way], title: str, description: str) -> str:
    """Draw a graph whose edges lead to later columns.

    Parameters
    ----------
    marks : dict of str to Mark
    ways : sequence of Way
        Between the keys of marks.
    title, description : str
        For those who cannot see it.

    Returns
    -------
    str
        SVG.
    """
    nodes = {key: mark.node for key, mark in marks.items()}
    # What belongs to a sum should stand beside it; edges cross where they set out rather than where they arrive.
    weights = [2.0 if marks[way.target].look == "round" else 1.0 for way in ways]
    layout = arrange(nodes, [(way.source, way.target) for way in ways], weights, gap_x=26.0, gap_y=11.0)
    ports = _ports(marks, ways, layout.routes)
    sides = _sides(marks, layout.spots)
    lines = [
        _way(way, route, port, (sides[marks[way.source].column][1], sides[marks[way.target].column][0]))
        for way, route, port in zip(ways, layout.routes, ports, strict=True)
    ]
    shapes = [_mark(marks[key], spot) for key, spot in layout.spots.items()]
    content = moved(MARGIN, MARGIN, "".join(lines + shapes))
    return picture(layout.width + 2 * MARGIN, layout.height + 2 * MARGIN, content, title, description)


def _ports(marks: dict[str, Mark], ways: Sequence[Way], routes: Sequence[Sequence[Spot]]) -> list[Point]:
    """Return where each edge ends: those that come into one node arrive beside each other, in their order."""
    coming: dict[str, list[int]] = {}
    for number, way in enumerate(ways):
        coming.setdefault(way.target, []).append(number)
    ports: list[Point] = [(0.0, 0.0)] * len(ways)
    for target, numbers in coming.items():
        spot = routes[numbers[0]][-1]
        step = min(6.0, 0.6 * spot.height / len(numbers))
        for place, number in enumerate(sorted(numbers, key=lambda one: routes[one][-2].y)):
            off = step * (place - (len(numbers) - 1) / 2)
            is_round = marks[target].look == "round"
            left = spot.x - (ROUND**2 - off**2) ** 0.5 if is_round else spot.left
            ports[number] = (left, spot.y + off)
    return ports


def _sides(marks: dict[str, Mark], spots: Mapping[str, Spot]) -> dict[int, tuple[float, float]]:
    """Return where ways leave straight and turn for each column: its sides where it holds boxes that are wider than
    others, so that no way passes below the corner of one."""
    sides: dict[int, tuple[float, float]] = {}
    for key, spot in spots.items():
        left, right = sides.get(marks[key].column, (inf, -inf))
        if marks[key].look == "card":
            left, right = min(left, spot.left), max(right, spot.right)
        sides[marks[key].column] = left, right
    return sides


def _way(way: Way, route: Sequence[Spot], port: Point, sides: tuple[float, float]) -> str:
    """Draw an edge: straight through the columns it passes, curved between them."""
    x, y = route[0].right, route[0].y
    steps = [f"M{short(x)} {short(y)}"]
    if sides[0] > x:
        x = sides[0]
        steps.append(f"H{short(x)}")
    for spot in route[1:-1]:
        steps += [_curve((x, y), (spot.left, spot.y)), f"H{short(spot.right)}"]
        x, y = spot.right, spot.y
    end = port[0] - (6.0 if way.arrow else 0.0)
    steps.append(_curve((x, y), (min(end, sides[1]), port[1])))
    if sides[1] < end:
        steps.append(f"H{short(end)}")
    colour, opacity = COLOURS[way.kind][0], 0.35 if way.faint else 0.85
    dashes = "5 3" if way.kind == "skip" else None
    drawn = path(steps, stroke=colour, stroke_width=1.5, fill="none", opacity=opacity, stroke_dasharray=dashes)
    if way.arrow:
        tip = [f"M{short(port[0])} {short(port[1])}", "l-8 -3.6 l1.8 3.6 l-1.8 3.6z"]
        drawn += path(tip, fill=colour, opacity=opacity)
    return drawn


def _curve(start: Point, end: Point) -> str:
    """Return the step from one point to another that begins and ends level."""
    bow = (end[0] - start[0]) / 2
    return " ".join(["C", *map(short, (start[0] + bow, start[1], end[0] - bow, end[1], *end))])


def _mark(mark: Mark, spot: Spot) -> str:
    """Draw a node."""
    colour, ground = COLOURS[mark.kind]
    ink = INK if mark.kind == "join" else colour
    left, top = spot.left, spot.y - spot.height / 2
    if mark.look == "round":
        shape = element("circle", cx=spot.x, cy=spot.y, r=ROUND, fill=PAPER, stroke=INK, stroke_width=1.6)
        words = text(
            spot.x,
            spot.y + (6 if mark.words == "+" else 4.4),
            mark.words,
            size=18 if mark.words == "+" else PILL_FONT,
            text_anchor="middle",
        )
    elif mark.look == "end":
        shape = box(left, top, spot.width, spot.height, rx=7, fill=INK)
        words = text(
            spot.x, spot.y + 4.2, mark.words, size=PILL_FONT, fill=PAPER, text_anchor="middle", font_weight=600
        )
    elif mark.look == "card":
        return _card(mark, spot)
    elif mark.look == "layer":
        shape = box(left, top, spot.width, spot.height, rx=7, fill=ground, stroke=colour, stroke_width=1.2)
        words = text(spot.x, spot.y - 3, mark.words, size=PILL_FONT, fill=ink, text_anchor="middle", font_weight=600)
        words += text(spot.x, spot.y + 13, mark.below, size=PILL_FONT - 1.5, fill=MUTED, text_anchor="middle")
    else:
        dashes = "4 2.5" if mark.kind == "skip" else None
        shape = box(
            left,
            top,
            spot.width,
            spot.height,
            rx=PILL_HEIGHT / 2,
            fill=ground,
            stroke=colour,
            stroke_width=1.2,
            stroke_dasharray=dashes,
        )
        words = text(spot.x, spot.y + 4.2, mark.words, size=PILL_FONT, fill=ink, text_anchor="middle", font_weight=500)
    return element("g", shape + words, opacity=0.4 if mark.faint else None)


def _card(mark: Mark, spot: Spot) -> str:
    """Draw a box with bold words, and lines below them."""
    colour, ground = COLOURS[mark.kind]
    top = spot.y - spot.height / 2
    shape = box(spot.left, top, spot.width, spot.height, rx=7, fill=ground, stroke=colour, stroke_width=1.2)
    words = text(spot.x, top + 18, mark.words, size=PILL_FONT, fill=colour, text_anchor="middle", font_weight=600)
    for number, one in enumerate(mark.lines):
        words += text(spot.x, top + 33 + LINE_HEIGHT * number, one, size=LINE_FONT, fill=INK, text_anchor="middle")
    return told(shape + words, mark.hint or mark.words)
