"""Cells as data: what their parameters mean, the cells that are known, and whole networks to begin with.

>>> normal, reduction = known("DARTS_V2").children
>>> blocks_of(normal)[3]
Block(inputs=(0, 2), operations=('skip', 'dil_conv_3x3'), combine='add')
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tamis.core.candidate import Candidate
from tamis.core.errors import ParameterError, wrong_choice
from tamis.neural.language.shapes import ImageShape

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""From node to node; node 0 is the input of an edge cell and the last its output."""


@dataclass(frozen=True)
class Block:
    """A block of a node cell: two operations on two earlier states, and how their results are combined."""

    inputs: tuple[int, int]
    """0 is the cell before the last, 1 the last, 2 the first block."""
    operations: tuple[str, str]
    combine: str = "add"


def blocks_of(cell: Candidate) -> list[Block]:
    """Read the blocks of a node cell.

    Raises
    ------
    ParameterError
        Where a block lacks a part or reads a state that does not exist yet.
    """
    settings = cell.settings
    found: list[Block] = []
    while f"in_{len(found)}_a" in settings:
        number = len(found)
        try:
            first, second = settings[f"in_{number}_a"], settings[f"in_{number}_b"]
            names = settings[f"op_{number}_a"], settings[f"op_{number}_b"]
        except KeyError as error:
            raise ParameterError(f"Block {number} of a node cell needs the parameter {error}.") from None
        for source in (first, second):
            if not 0 <= source < number + 2:
                raise ParameterError(f"Block {number} must read one of the states 0 to {number + 1}; got {source}.")
        found.append(Block((first, second), names, settings.get(f"combine_{number}", "add")))
    if not found:
        raise ParameterError(f"A node cell needs blocks: 'in_0_a' and so on; got {sorted(settings)}.")
    return found


def outputs_of(cell: Candidate) -> list[int]:
    """Return the states that a node cell concatenates: the loose ends, every block, or those that it lists."""
    blocks, wanted = blocks_of(cell), cell.settings.get("outputs", "loose")
    states = range(len(blocks) + 2)
    if wanted == "all":
        return list(states[2:])
    if wanted == "loose":
        read = {source for block in blocks for source in block.inputs}
        return [state for state in states if state not in read]
    if not wanted or not set(wanted) <= set(states):
        raise ParameterError(f"The 'outputs' must be 'loose', 'all' or states up to {states[-1]}; got {wanted!r}.")
    return list(wanted)


def live_edges(cell: Candidate) -> dict[tuple[int, int], str]:
    """Return the edges of an edge cell that lie on a way from its input to its output, with their operations."""
    settings = cell.settings
    used = {edge: settings.get(f"op_{edge[0]}_{edge[1]}", "none") for edge in EDGES}
    used = {edge: name for edge, name in used.items() if name != "none"}
    reached, wanted = {0}, {EDGES[-1][1]}
    for source, target in EDGES:  # sorted by target: a node is complete before it is left
        if source in reached and (source, target) in used:
            reached.add(target)
    for source, target in sorted(EDGES, reverse=True):
        if target in wanted and (source, target) in used:
            wanted.add(source)
    return {edge: name for edge, name in used.items() if edge[0] in reached and edge[1] in wanted}


def learns(operation: str) -> bool:
    """Tell whether an operation has weights wherever it stands.

    Examples
    --------
    >>> learns("conv3x3"), learns("skip"), learns("max_pool_3x3")
    (True, False, False)
    """
    return operation not in ("none", "skip") and "pool" not in operation


Written = Sequence[tuple[str, int, str, int]]
"""Blocks as (operation, state, operation, state)."""


def node_cell(blocks: Written, outputs: str | Sequence[int] = "loose") -> Candidate:
    """Write a node cell from its blocks.

    Examples
    --------
    >>> outputs_of(node_cell([("skip", 0, "sep_conv_3x3", 1), ("skip", 0, "max_pool_3x3", 2)]))
    [3]
    """
    settings: dict[str, Any] = {}
    for number, (first, at, second, other) in enumerate(blocks):
        settings |= {f"op_{number}_a": first, f"in_{number}_a": at, f"op_{number}_b": second, f"in_{number}_b": other}
    if outputs != "loose":
        settings["outputs"] = outputs if isinstance(outputs, str) else list(outputs)
    return Candidate.of("node_cell", settings)


def edge_cell(operations: Sequence[str]) -> Candidate:
    """Write an edge cell from its six operations, in the order of `EDGES`."""
    return Candidate.of(
        "edge_cell", {f"op_{source}_{target}": name for (source, target), name in zip(EDGES, operations, strict=True)}
    )


def _network(normal: Candidate, reduction: Candidate) -> Candidate:
    return Candidate.of("node_network", {}, normal, reduction)


# The authors' programs number the last cell 0 and the one before it 1; here, and in ENAS and DARTS, it is the other way
# round. They also concatenate more than the loose ends, so the states are listed.

NASNET_A = _network(
    node_cell(
        [
            ("sep_conv_5x5", 1, "sep_conv_3x3", 0),
            ("sep_conv_5x5", 0, "sep_conv_3x3", 0),
            ("avg_pool_3x3", 1, "skip", 0),
            ("avg_pool_3x3", 0, "avg_pool_3x3", 0),
            ("sep_conv_3x3", 1, "skip", 1),
        ],
        outputs=[0, 2, 3, 4, 5, 6],
    ),
    node_cell(
        [
            ("sep_conv_5x5", 1, "sep_conv_7x7", 0),
            ("max_pool_3x3", 1, "sep_conv_7x7", 0),
            ("avg_pool_3x3", 1, "sep_conv_5x5", 0),
            ("skip", 3, "avg_pool_3x3", 2),
            ("sep_conv_3x3", 2, "max_pool_3x3", 1),
        ],
        outputs=[3, 4, 5, 6],
    ),
)
"""Found by reinforcement learning (Zoph, Vasudevan, Shlens and Le, 2018); on CIFAR-10 with 6 repeats, width 32."""

AMOEBANET_A = _network(
    node_cell(
        [
            ("avg_pool_3x3", 1, "max_pool_3x3", 1),
            ("sep_conv_3x3", 0, "skip", 0),
            ("skip", 1, "avg_pool_3x3", 0),
            ("sep_conv_3x3", 1, "sep_conv_5x5", 2),
            ("avg_pool_3x3", 5, "sep_conv_3x3", 1),
        ],
        outputs=[0, 3, 4, 6],
    ),
    node_cell(
        [
            ("sep_conv_3x3", 0, "avg_pool_3x3", 1),
            ("max_pool_3x3", 1, "sep_conv_7x7", 2),
            ("max_pool_3x3", 0, "max_pool_3x3", 1),
            ("sep_conv_3x3", 4, "conv_7x1_1x7", 1),
            ("avg_pool_3x3", 0, "sep_conv_7x7", 1),
        ],
        outputs="all",
    ),
)
"""Found by evolution (Real, Aggarwal, Huang and Le, 2019)."""

ENAS = _network(
    node_cell(
        [
            ("avg_pool_3x3", 0, "sep_conv_3x3", 0),
            ("skip", 0, "sep_conv_5x5", 0),
            ("skip", 0, "sep_conv_5x5", 1),
            ("sep_conv_3x3", 1, "sep_conv_5x5", 0),
            ("avg_pool_3x3", 0, "sep_conv_5x5", 1),
        ]
    ),
    node_cell(
        [
            ("sep_conv_3x3", 1, "sep_conv_3x3", 1),
            ("max_pool_3x3", 0, "avg_pool_3x3", 0),
            ("sep_conv_5x5", 1, "sep_conv_5x5", 3),
            ("sep_conv_3x3", 1, "skip", 0),
            ("max_pool_3x3", 0, "sep_conv_5x5", 1),
        ]
    ),
)
"""The micro cells found with shared weights (Pham, Guan, Zoph, Le and Dean, 2018); 5 repeats, width 36."""

DARTS_V2 = _network(
    node_cell(
        [
            ("sep_conv_3x3", 0, "sep_conv_3x3", 1),
            ("sep_conv_3x3", 0, "sep_conv_3x3", 1),
            ("sep_conv_3x3", 1, "skip", 0),
            ("skip", 0, "dil_conv_3x3", 2),
        ],
        outputs="all",
    ),
    node_cell(
        [
            ("max_pool_3x3", 0, "max_pool_3x3", 1),
            ("skip", 2, "max_pool_3x3", 1),
            ("max_pool_3x3", 0, "skip", 2),
            ("skip", 2, "max_pool_3x3", 1),
        ],
        outputs="all",
    ),
)
"""Found by gradient descent of second order (Liu, Simonyan and Yang, 2019); 6 repeats, width 36."""

KNOWN = {"NASNET_A": NASNET_A, "AMOEBANET_A": AMOEBANET_A, "ENAS": ENAS, "DARTS_V2": DARTS_V2}

BEST_EDGES = edge_cell(["conv3x3", "conv3x3", "conv3x3", "skip", "conv3x3", "conv3x3"])
"""The cell with the highest accuracy on CIFAR-10 of all 15,625 that Dong and Yang trained (NAS-Bench-201, 2020)."""


def known(name: str) -> Candidate:
    """Return the body `node_network(normal, reduction)` of a published pair of cells.

    Parameters
    ----------
    name : {"NASNET_A", "AMOEBANET_A", "ENAS", "DARTS_V2"}
        In any case of letters. Width and repeats are the defaults of the space until they are set.
    """
    if name.upper() not in KNOWN:
        raise wrong_choice("name", name, KNOWN)
    return KNOWN[name.upper()]


PUBLISHED = {"nasnet": "NASNET_A", "amoeba": "AMOEBANET_A", "enas": "ENAS", "darts": "DARTS_V2"}
"""The pair of cells that was found in each space of node cells."""

FEW_IMAGES = 2_000
"""With fewer images the last map is dropped out in training, and batches are small so that steps are many."""

LAST_SIDE = 5
"""Plain networks have as many groups as bring the map to this side."""


def stem_strides(shape: ImageShape) -> tuple[int, ...]:
    """Return the strides of a first convolution that leave maps of a size worth computing with.

    Examples
    --------
    >>> stem_strides(ImageShape(3, 32, 32)), stem_strides(ImageShape(3, 224, 224))
    ((1, 2), (4,))
    """
    side = min(shape.height, shape.width)
    return tuple(stride for stride in (1, 2, 4) if 10 <= side / stride <= 48) or ((4,) if side > 48 else (1,))


def seeds(shape: ImageShape, n_images: int, space: str = "auto") -> list[Candidate]:
    """Return whole networks that are known to do well at this size on a CPU, the quickest first.

    Dense 3x3 convolutions are the fastest per multiplication there, so all of them are made of these: a plain network
    with a strided stem (99.7 % on MNIST in less than two minutes), a plain one after Jordan ("94 % on CIFAR-10 in 3.29
    seconds", 2024) at half its width, a small residual one, and the best cell of NAS-Bench-201.

    Parameters
    ----------
    shape : ImageShape
    n_images : int
        To learn from.
    space : str
        Only networks of this family, see `tamis.neural.language.spaces.grammar_named`: of cells the published pair,
        small enough for a CPU. None where no network of it is known.

    Examples
    --------
    >>> [body.component for tree in seeds(ImageShape(1, 28, 28), 60_000) for body in tree.children]
    ['plain', 'plain', 'plain', 'edge_network']
    """
    side = min(shape.height, shape.width)
    fine, coarse = (*stem_strides(shape), stem_strides(shape)[-1])[:2]
    stem = {"stem_kernel": 3, "stem_stride": fine}
    bodies: tuple[Candidate, ...] = (
        _plain([64, 96, 128, 192], side // coarse, stem_kernel=5, stem_stride=coarse, stem_width=32, convs=2),
        _plain([32, 128, 128, 128], side // fine, whitening=True, stem_stride=fine, convs=2),
        _plain([32, 64, 128, 192], side // fine, **stem, stem_width=32, convs=3, residual=True),
        Candidate.of("edge_network", {**stem, "width": 16, "repeats": 1, "stages": 3}, BEST_EDGES),
    )
    if space in PUBLISHED:
        bodies = (known(PUBLISHED[space]).with_parameters(**stem, width=16, repeats=1),)
    elif space != "auto":
        bodies = tuple(body for body in bodies if body.component.removesuffix("_network") == space)
    return [Candidate.of("network", usual_training(n_images), body) for body in bodies]


def usual_training(n_images: int) -> dict[str, Any]:
    """Return what differs from the defaults in how a network for so many images is trained.

    Examples
    --------
    >>> usual_training(500), usual_training(50_000)
    ({'dropout': 0.2, 'batch_size': 64}, {})
    """
    return {"dropout": 0.2, "batch_size": 64} if n_images < FEW_IMAGES else {}


def _plain(widths: Sequence[int], side: int, **settings: Any) -> Candidate:
    """Write a plain network with as many groups as bring a map of that side to `LAST_SIDE`."""
    groups = 2
    while groups < len(widths) and side / 2**groups > LAST_SIDE:
        groups += 1
    used = {f"width_{group}": width for group, width in enumerate(widths[:groups])}
    return Candidate.of("plain", {"groups": groups, **used, **settings})
