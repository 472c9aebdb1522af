"""Networks of cells: edge cells after NAS-Bench-201, node cells after NASNet, and what stands between them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError, wrong_choice
from tamis.neural.building.operations import OPERATIONS, ConvNorm, DropPath, FactorizedReduction, ReLUConvNorm, recorded
from tamis.neural.language.genotypes import blocks_of, live_edges, outputs_of
from tamis.neural.language.shapes import ImageShape
from tamis.neural.language.spaces import settings_of

STEM_FACTOR = 3
"""The stem of a network of node cells has three times as many channels as the first cells compute with."""


def operation(name: str, c_in: int, c_out: int, stride: int = 1) -> nn.Module:
    """Build an operation by its name."""
    if name not in OPERATIONS:
        raise wrong_choice("operation", name, OPERATIONS)
    return OPERATIONS[name].build(c_in, c_out, stride)


@recorded
class EdgeCell(nn.Module):
    """Four nodes; each is the sum of what its edges make of the nodes before it (Dong and Yang, 2020).

    Edges are named "source_target". What leads nowhere is not built; a cell without a way to its last node gives zeros.
    `drop_path` is for whatever an edge other than identity computes.
    """

    def __init__(self, edges: Mapping[str, nn.Module], drop_path: nn.Module | None = None) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(edges)
        self.drop_path = drop_path or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the last node."""
        nodes = {"0": x}
        for name, edge in self.edges.items():
            source, target = name.split("_")
            value = edge(nodes[source])
            if not isinstance(edge, nn.Identity):
                value = self.drop_path(value)
            nodes[target] = nodes[target] + value if target in nodes else value
        return nodes["3"] if "3" in nodes else torch.zeros_like(x)


def edge_cell(cell: Candidate, channels: int, drop_path: float = 0.0) -> EdgeCell:
    """Build an edge cell."""
    edges = {
        f"{source}_{target}": operation(name, channels, channels) for (source, target), name in live_edges(cell).items()
    }
    return EdgeCell(edges, DropPath(drop_path) if drop_path else None)


@recorded
class ResidualReduction(nn.Module):
    """The block of NAS-Bench-201 that halves the map between two stages: two convolutions beside a mean and a 1x1."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.path = nn.Sequential(ReLUConvNorm(c_in, c_out, 3, 2), ReLUConvNorm(c_out, c_out, 3))
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False), nn.Conv2d(c_in, c_out, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a map of half the size, rounded up."""
        return self.path(x) + self.shortcut(x)


@recorded
class NodeCell(nn.Module):
    """Blocks that each combine two earlier states, the first two of which are the last two cells (Zoph et al., 2018).

    Parameters
    ----------
    before, last : nn.Module
        What brings the cell before the last and the last one to the channels and the size of the first states.
    operations : sequence of nn.Module
        Two for each block.
    sources : sequence of (int, int)
        The states that each block reads.
    outputs : sequence of int
        The states that are concatenated.
    concatenated : sequence of int
        The blocks that do not add what their operations give, but concatenate it.
    shrunk : mapping of str to nn.Module, optional
        In a reduction cell: what halves an input of the cell that is among the outputs, by its number.
    drop_path : nn.Module, optional
        For whatever an operation other than identity computes.
    """

    def __init__(
        self,
        before: nn.Module,
        last: nn.Module,
        operations: Sequence[nn.Module],
        sources: Sequence[tuple[int, int]],
        outputs: Sequence[int],
        concatenated: Sequence[int] = (),
        shrunk: Mapping[str, nn.Module] | None = None,
        drop_path: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.before = before
        self.last = last
        self.operations = nn.ModuleList(operations)
        self.sources = sources
        self.outputs = outputs
        self.concatenated = concatenated
        self.shrunk = nn.ModuleDict(shrunk)
        self.drop_path = drop_path or nn.Identity()

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        """Return the outputs beside each other."""
        states = [self.before(before), self.last(last)]
        for block, sources in enumerate(self.sources):
            first, second = (
                self._follow(self.operations[2 * block + side], states[source]) for side, source in enumerate(sources)
            )
            states.append(torch.cat([first, second], dim=1) if block in self.concatenated else first + second)
        for name, reduction in self.shrunk.items():
            states[int(name)] = reduction(states[int(name)])
        return torch.cat([states[number] for number in self.outputs], dim=1)

    def _follow(self, operation: nn.Module, state: Tensor) -> Tensor:
        value = operation(state)
        return value if isinstance(operation, nn.Identity) else self.drop_path(value)


def node_cell(
    cell: Candidate, c_before: int, c_last: int, channels: int, *, reduces: bool, shrinks: bool, drop_path: float = 0.0
) -> tuple[NodeCell, int]:
    """Build a node cell.

    Parameters
    ----------
    cell : Candidate
    c_before, c_last : int
        The channels of the cell before the last and of the last one.
    channels : int
        What the operations compute with.
    reduces : bool
        Whether operations on the cell's inputs have stride 2.
    shrinks : bool
        Whether the cell before the last has maps of twice the size, since the last one was a reduction.
    drop_path : float

    Returns
    -------
    NodeCell
    int
        The channels that come out.
    """
    blocks, outputs = blocks_of(cell), outputs_of(cell)
    widths = [channels, channels]
    operations = []
    for block in blocks:
        if block.combine not in ("add", "concat"):
            raise wrong_choice("combine", block.combine, ("add", "concat"))
        for source, name in zip(block.inputs, block.operations, strict=True):
            stride = 2 if reduces and source < 2 else 1
            operations.append(operation(name, widths[source], channels, stride))
        widths.append(channels if block.combine == "add" else 2 * channels)
    built = NodeCell(
        before=FactorizedReduction(c_before, channels) if shrinks else ReLUConvNorm(c_before, channels),
        last=ReLUConvNorm(c_last, channels),
        operations=operations,
        sources=[block.inputs for block in blocks],
        outputs=outputs,
        concatenated=[number for number, block in enumerate(blocks) if block.combine == "concat"],
        shrunk={str(state): FactorizedReduction(channels, channels) for state in outputs if reduces and state < 2},
        drop_path=DropPath(drop_path) if drop_path else None,
    )
    return built, sum(widths[state] for state in outputs)


@recorded
class CellStack(nn.Module):
    """A stem and node cells, each of which sees the last two before it."""

    def __init__(self, stem: nn.Module, cells: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stem = stem
        self.cells = nn.ModuleList(cells)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last cell's map."""
        before = last = self.stem(x)
        for cell in self.cells:
            before, last = last, cell(before, last)
        return last


def stem_of(settings: Mapping[str, Any], channels: int, width: int, activation: str = "") -> ConvNorm:
    """Build the first convolution as a body's settings say."""
    return ConvNorm(channels, width, settings["stem_kernel"], settings["stem_stride"], activation=activation)


def edge_body(body: Candidate, shape: ImageShape, drop_path: float = 0.0) -> tuple[nn.Sequential, int]:
    """Build a network of edge cells up to its features.

    Returns
    -------
    nn.Sequential
    int
        How many features it gives.
    """
    if len(body.children) != 1:
        raise ParameterError(f"An 'edge_network' must have one cell; got {len(body.inputs)} inputs.")
    settings = settings_of(body)
    width = settings["width"]
    stages, repeats = settings["stages"], settings["repeats"]
    parts: list[nn.Module] = [stem_of(settings, shape.channels, width)]
    for stage in range(stages):
        if stage:
            parts.append(ResidualReduction(width, 2 * width))
            width *= 2
        for number in range(stage * repeats, (stage + 1) * repeats):
            rate = round(drop_path * (number + 1) / (stages * repeats), 4)
            parts.append(edge_cell(body.children[0], width, rate))
    return nn.Sequential(*parts, nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), width


def node_body(body: Candidate, shape: ImageShape, drop_path: float = 0.0) -> tuple[nn.Sequential, int]:
    """Build a network of node cells up to its features: stages of normal cells, a reduction cell between two.

    The rate at which paths are dropped grows from the first cell to the last, as in NASNet.

    Returns
    -------
    nn.Sequential
    int
        How many features it gives.
    """
    if len(body.children) != 2:
        raise ParameterError(
            f"A 'node_network' must have a normal and a reduction cell; got {len(body.inputs)} inputs."
        )
    settings, (normal, reduction) = settings_of(body), body.children
    stages, repeats, width = settings["stages"], settings["repeats"], settings["width"]
    c_before = c_last = STEM_FACTOR * width
    stem = stem_of(settings, shape.channels, c_last)
    order = ([False] * repeats + [True]) * (stages - 1) + [False] * repeats
    cells: list[nn.Module] = []
    shrinks = False
    for number, reduces in enumerate(order):
        width *= 2 if reduces else 1
        cell, c_out = node_cell(
            reduction if reduces else normal,
            c_before,
            c_last,
            width,
            reduces=reduces,
            shrinks=shrinks,
            drop_path=round(drop_path * (number + 1) / len(order), 4),
        )
        cells.append(cell)
        c_before, c_last, shrinks = c_last, c_out, reduces
    return nn.Sequential(CellStack(stem, cells), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), c_last
