"""Draws cells, graphs of layers and whole networks as SVG, from left to right.

>>> from tamis.neural.language.genotypes import known
>>> draw_cell(known("ENAS").children[0]).startswith("<svg")
True
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tamis.core.candidate import Candidate
from tamis.core.errors import wrong_choice
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
    width_of,
)
from tamis.neural.language.genotypes import EDGES, blocks_of, live_edges, outputs_of
from tamis.neural.language.graphs import Layer, layers_of, signals_of
from tamis.neural.language.shapes import ImageShape

MARGIN = 18.0
PILL_HEIGHT, PILL_FONT = 25.0, 12
ROUND = 14.0
"""The radius of a node that adds."""

COLOURS = {
    "dense": ("#1d5fa8", "#e4eefa"),
    "separable": ("#6d3fb0", "#f0e8fb"),
    "factorized": ("#0f766e", "#ddf3f0"),
    "pool": ("#9a5b0b", "#fdf0d7"),
    "skip": (MUTED, "#eef1f4"),
    "join": ("#7b8794", PAPER),
}
"""The line and the ground of each kind of operation; told apart by their words as well."""


def kind_of(operation: str) -> str:
    """Return the kind of an operation, which gives it its colour.

    Examples
    --------
    >>> kind_of("sep_conv_5x5"), kind_of("conv3x3"), kind_of("conv_7x1_1x7"), kind_of("max_pool_3x3")
    ('separable', 'dense', 'factorized', 'pool')
    """
    if "pool" in operation:
        return "pool"
    if operation.startswith(("sep", "dil")):
        return "separable"
    if operation in ("none", "skip", "dropout", "image"):
        return "skip"
    return "factorized" if operation.count("x") > 1 else "dense"


def words_of(operation: str) -> str:
    """Write an operation as the papers do.

    Examples
    --------
    >>> words_of("sep_conv_5x5"), words_of("avg_pool3x3"), words_of("conv_7x1_1x7")
    ('sep conv 5×5', 'avg pool 3×3', 'conv 7×1 1×7')
    """
    crossed = re.sub(r"(\d)x(\d)", r"\1×\2", operation.replace("_", " "))
    return re.sub(r"([a-z])(\d)", r"\1 \2", crossed)


@dataclass(frozen=True)
class Mark:
    """A node of a picture: what it says, and how it looks."""

    words: str
    column: int
    look: str = "pill"
    """`pill`: an operation on an edge; `round`: a sum; `end`: an input or output; `layer`: two lines in a box."""
    kind: str = "join"
    below: str = ""
    faint: bool = False

    @property
    def node(self) -> Node:
        """Its size and column."""
        if self.look == "round":
            return Node(2 * ROUND, 2 * ROUND, self.column)
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


def draw_cell(cell: Candidate, title: str = "", *, reduction: bool = False) -> str:
    """Draw a cell: states as circles, and what happens between them written on the edges.

    Parameters
    ----------
    cell : Candidate
        An `edge_cell` or a `node_cell`.
    title : str
        For those who cannot see it; a few words about the cell unless given.
    reduction : bool
        Whether operations on the cell's inputs halve the image: they are marked by "/2".

    Returns
    -------
    str
        SVG.

    Raises
    ------
    ParameterError
        Where the tree is no cell.
    """
    if cell.component == "edge_cell":
        marks, ways = _edge_cell(cell)
    elif cell.component == "node_cell":
        marks, ways = _node_cell(cell, reduction)
    else:
        raise wrong_choice("cell", cell.component, ("edge_cell", "node_cell"))
    return _drawn(marks, ways, title or f"{'Reduction' if reduction else 'Normal'} cell", _sentence(marks, ways))


def _edge_cell(cell: Candidate) -> tuple[dict[str, Mark], list[Way]]:
    """Read an edge cell; what leads nowhere is drawn faintly."""
    settings, live = cell.settings, live_edges(cell)
    used = {edge: settings.get(f"op_{edge[0]}_{edge[1]}", "none") for edge in EDGES}
    used = {edge: name for edge, name in used.items() if name != "none"}
    last = EDGES[-1][1]
    seen = sorted({0, last}.union(*used))
    column = {node: 2 * number for number, node in enumerate(seen)}
    marks = {f"node {node}": Mark(str(node), column[node], "round", faint=_idle(node, live)) for node in seen}
    marks["node 0"] = Mark("input", 0, "end")
    marks[f"node {last}"] = Mark("output", column[last], "end")
    ways = []
    for (source, target), name in used.items():
        middle = (column[source] + column[target]) // 2
        key, faint = f"edge {source} {target}", (source, target) not in live
        marks[key] = Mark(words_of(name), middle + (middle % 2 == 0), "pill", kind_of(name), faint=faint)
        ways.append(Way(f"node {source}", key, kind_of(name), arrow=False, faint=faint))
        ways.append(Way(key, f"node {target}", kind_of(name), faint=faint))
    return marks, ways


def _idle(node: int, live: Iterable[tuple[int, int]]) -> bool:
    return not any(node in edge for edge in live)


def _node_cell(cell: Candidate, reduction: bool) -> tuple[dict[str, Mark], list[Way]]:
    """Read a node cell: each block adds or concatenates two operations on earlier states."""
    blocks, outputs = blocks_of(cell), outputs_of(cell)
    marks = {"state 0": Mark("h[i−1]", 0, "end"), "state 1": Mark("h[i]", 0, "end")}
    ways: list[Way] = []
    for number, block in enumerate(blocks):
        state = f"state {number + 2}"
        column = 2 + max(marks[f"state {source}"].column for source in block.inputs)
        marks[state] = Mark(
            "+" if block.combine == "add" else "concat", column, "round" if block.combine == "add" else "pill"
        )
        for side, source, name in zip("ab", block.inputs, block.operations, strict=True):
            halves = " /2" if reduction and source < 2 else ""
            key, kind = f"op {number} {side}", kind_of(name)
            marks[key] = Mark(words_of(name) + halves, column - 1, "pill", kind)
            ways += [Way(f"state {source}", key, kind, arrow=False), Way(key, state, kind)]
    last = 1 + max(one.column for one in marks.values())
    marks["concat"] = Mark("concat", last, "pill")
    marks["output"] = Mark("h[i+1]", last + 1, "end")
    ways += [Way(f"state {source}", "concat") for source in outputs]
    ways.append(Way("concat", "output"))
    return marks, ways


def draw_graph(body: Candidate, shape: ImageShape, title: str = "") -> str:
    """Draw a free graph of layers, each with the size of what it gives.

    Parameters
    ----------
    body : Candidate
        A `graph_network`.
    shape : ImageShape
    title : str

    Returns
    -------
    str
        SVG.
    """
    layers = layers_of(body)
    signals = signals_of(layers, shape.channels)
    columns: list[int] = []
    for layer in layers:
        columns.append(1 + max((columns[one] for one in layer.inputs), default=-1))
    marks: dict[str, Mark] = {}
    ways: list[Way] = []
    for number, (layer, signal) in enumerate(zip(layers, signals, strict=True)):
        sides = [-(-side // signal.reduction) for side in (shape.height, shape.width)]
        size = f"{sides[0]}×{sides[1]} × {signal.channels}"
        marks[f"layer {number}"] = Mark(_layer_words(layer), columns[number], "layer", _layer_kind(layer), below=size)
        ways += [Way(f"layer {one}", f"layer {number}") for one in layer.inputs]
    last = len(layers) - 1
    marks["head"] = Mark("mean, linear", columns[last] + 1, "end")
    ways.append(Way(f"layer {last}", "head"))
    return _drawn(marks, ways, title or "Network", _sentence(marks, ways))


def _layer_words(layer: Layer) -> str:
    settings = layer.settings
    if layer.component == "conv":
        stride = f" /{settings['stride']}" if settings["stride"] > 1 else ""
        return f"conv {settings['kernel']}×{settings['kernel']}{stride}"
    if layer.component == "pool":
        return f"{settings['kind']} pool /{settings['stride']}"
    return {"dropout": f"dropout {settings.get('rate', 0):g}", "add": "add", "concat": "concat"}.get(
        layer.component, layer.component
    )


def _layer_kind(layer: Layer) -> str:
    return "join" if layer.is_join else kind_of(layer.component)


def _sentence(marks: dict[str, Mark], ways: Sequence[Way]) -> str:
    """Tell a graph in words, for those who cannot see it."""
    return "; ".join(f"{marks[way.source].words} to {marks[way.target].words}" for way in ways if not way.faint)


def _drawn(marks: dict[str, Mark], ways: Sequence[Way], title: str, description: str) -> str:
    nodes = {key: mark.node for key, mark in marks.items()}
    # What belongs to a sum should stand beside it; edges cross where they set out rather than where they arrive.
    weights = [2.0 if marks[way.target].look == "round" else 1.0 for way in ways]
    layout = arrange(nodes, [(way.source, way.target) for way in ways], weights, gap_x=26.0, gap_y=11.0)
    ports = _ports(marks, ways, layout.routes)
    lines = [_way(way, route, port) for way, route, port in zip(ways, layout.routes, ports, strict=True)]
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


def _way(way: Way, route: Sequence[Spot], port: Point) -> str:
    """Draw an edge: straight through the columns it passes, curved between them."""
    x, y = route[0].right, route[0].y
    steps = [f"M{short(x)} {short(y)}"]
    for spot in route[1:-1]:
        steps += [_curve((x, y), (spot.left, spot.y)), f"H{short(spot.right)}"]
        x, y = spot.right, spot.y
    steps.append(_curve((x, y), (port[0] - (6.0 if way.arrow else 0.0), port[1])))
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
