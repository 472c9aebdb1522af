"""Draws cells, graphs of layers and whole networks as SVG, from left to right.

>>> from tamis.neural.language.genotypes import known
>>> draw_cell(known("ENAS").children[0]).startswith("<svg")
True
"""

import re
from collections.abc import Iterable, Sequence

from tamis.core.candidate import Candidate
from tamis.core.errors import wrong_choice
from tamis.explain.diagram import Mark, Way, drawn
from tamis.neural.language.genotypes import EDGES, blocks_of, live_edges, outputs_of
from tamis.neural.language.graphs import Layer, layers_of, signals_of
from tamis.neural.language.shapes import ImageShape


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
    return drawn(marks, ways, title or f"{'Reduction' if reduction else 'Normal'} cell", _sentence(marks, ways))


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
    return drawn(marks, ways, title or "Network", _sentence(marks, ways))


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
