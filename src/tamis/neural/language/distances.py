"""Two networks side by side: how far apart they are, and where the layers of a parent are in a child that grew from it.

Both are alignments of layers in the order of `Candidate.walk`; neither needs torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import fsum
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from tamis.core.candidate import Candidate
from tamis.neural.language.graphs import JOINS, Layer, canonical, signals_of

SKIP_WEIGHT = 1.0
"""The paper's lambda: what a skip connection counts against a layer."""
MOST_STEPS = 100_000
"""Of the search for a parent's layers in a child."""


@dataclass(frozen=True)
class Skip:
    """A connection that goes past layers."""

    join: str
    """How it is brought in: `add` or `concat`."""
    start: int
    """The number of layers before it, joins not counted."""
    length: int
    """How many layers it passes."""


@lru_cache(maxsize=4096)
def _parts(tree: Candidate) -> tuple[tuple[Candidate, ...], tuple[Skip, ...]]:
    """Return a network's nodes in order without their inputs, joins left out, and its skip connections."""
    nodes: list[Candidate] = []
    ranks: list[int] = []  # by number of node: how many nodes that are no joins lead up to it
    skips: list[Skip] = []

    def read(node: Candidate) -> int:
        fed = [read(one) if isinstance(one, Candidate) else one for one in node.inputs]
        if node.component in JOINS:
            end = len(nodes)
            skips.extend(Skip(node.component, ranks[one], end - ranks[one]) for one in fed[1:])
        else:
            nodes.append(Candidate(node.component, node.parameters))
        ranks.append(len(nodes))
        return len(ranks) - 1

    read(canonical(tree))
    return tuple(nodes), tuple(skips)


def _apart(one: Any, other: Any) -> float:
    """Return how different two values of a parameter are, from 0 to below 1."""
    if one == other and isinstance(one, bool) == isinstance(other, bool):
        return 0.0
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    if numbers and one > 0 and other > 0:
        return abs(one - other) / max(one, other)
    return 0.5


@lru_cache(maxsize=1 << 16)
def layer_distance(one: Candidate, other: Candidate) -> float:
    """Return the cost of turning a layer into another: below 1 for a kind, 2 (take out, put in) for different kinds.

    Where only a size differs, such as the filters, it is the paper's |a - b| / max(a, b).

    Examples
    --------
    >>> layer_distance(Candidate.of("conv", {"filters": 64}), Candidate.of("conv", {"filters": 48}))
    0.25
    """
    if one.component != other.component:
        return 2.0
    mine, theirs = one.settings, other.settings
    alike = [1.0 - _apart(mine.get(name), theirs.get(name)) for name in sorted({*mine, *theirs})]
    return 1.0 - float(np.prod(alike))


def _layers_distance(ones: Sequence[Candidate], others: Sequence[Candidate]) -> float:
    """Align two rows of layers by dynamic programming; one that is put in or taken out costs 1."""
    above = [float(number) for number in range(len(others) + 1)]
    for one in ones:
        row = [above[0] + 1.0]
        for number, other in enumerate(others):
            turned = above[number] + layer_distance(one, other)
            row.append(min(above[number + 1] + 1.0, row[number] + 1.0, turned))
        above = row
    return above[-1]


def _skip_distance(one: Skip, other: Skip) -> float:
    if one.join != other.join:
        return 1.0
    largest = max(one.start, other.start) + max(one.length, other.length)
    return (abs(one.start - other.start) + abs(one.length - other.length)) / max(1, largest)


def _skips_distance(ones: Sequence[Skip], others: Sequence[Skip]) -> float:
    """Match the skip connections of two networks at the least cost; one without a partner costs 1."""
    unmatched = float(abs(len(ones) - len(others)))
    if not ones or not others:
        return unmatched
    costs = np.array([[_skip_distance(one, other) for other in others] for one in ones])
    rows, columns = linear_sum_assignment(costs)
    return fsum(costs[rows, columns]) + unmatched


def edit_distance(a: Candidate, b: Candidate) -> float:
    """Return how many edits, roughly, turn one network into another (Jin et al., "Auto-Keras", 2019).

    The cost of aligning their layers plus that of matching their skip connections. It is symmetric, and 0 for equal
    networks, however they are written. A choice of training counts as a parameter of the layer that is the root.

    Examples
    --------
    >>> image = Candidate.of("image")
    >>> wide, narrow = (Candidate.of("conv", {"filters": filters}, image) for filters in (64, 32))
    >>> pooled = Candidate.of("pool", {}, narrow)
    >>> edit_distance(Candidate.of("graph_network", {}, wide), Candidate.of("graph_network", {}, pooled))
    1.5
    """
    (layers_a, skips_a), (layers_b, skips_b) = _parts(a), _parts(b)
    return _layers_distance(layers_a, layers_b) + SKIP_WEIGHT * _skips_distance(skips_a, skips_b)


@dataclass(frozen=True)
class Origin:
    """What the output of a child's layer is, in terms of the parent."""

    layer: int
    """The parent's layer whose output it equals."""
    channels: tuple[int, ...]
    """For every channel, the parent's channel that it equals; -1 for one that the parent does not have."""
    inserted: bool = False
    """Whether the layer is new, so that it must pass on what it is given."""


def _cycled(n_channels: int, n_wider: int) -> tuple[int, ...]:
    return tuple(number % n_channels for number in range(n_wider))


@dataclass
class Descent:
    """The search for the layers of a parent in a child, in the order of both: each is the next one or an insertion."""

    parent: Sequence[Layer]
    child: Sequence[Layer]
    channels: int
    """Of the images."""
    found: list[Origin] = field(default_factory=list)
    """By layer of the child."""

    def __post_init__(self) -> None:
        """Look up the channels of both graphs."""
        self.was = signals_of(self.parent, self.channels)
        self.now = signals_of(self.child, self.channels)
        self.steps_left = MOST_STEPS

    def find(self) -> list[Origin] | None:
        """Return the origin of every layer of the child, None where the child does not descend from the parent."""
        return self.found if self._go_on(0) else None

    def _go_on(self, upcoming: int) -> bool:
        """Explain the rest of the child, given the number of the parent's layer that is to be found next."""
        number, self.steps_left = len(self.found), self.steps_left - 1
        n_missing = len(self.parent) - upcoming
        if number == len(self.child):
            last = self.found[-1]
            return n_missing == 0 and last.layer == len(self.parent) - 1 and self._covers(last)
        kept = self._kept(number, upcoming) if n_missing else None
        inserted = self._inserted(number) if len(self.child) - number > n_missing else None
        for origin, following in ((kept, upcoming + 1), (inserted, upcoming)):
            if origin is not None and self.steps_left > 0:
                self.found.append(origin)
                if self._go_on(following):
                    return True
                self.found.pop()
        return False

    def _covers(self, origin: Origin) -> bool:
        """Tell whether all of the parent's channels are there."""
        return set(range(self.was[origin.layer].channels)) <= set(origin.channels)

    def _kept(self, number: int, old: int) -> Origin | None:
        """Return the origin of a layer if it can be the parent's layer of that number."""
        layer, before = self.child[number], self.parent[old]
        fed = [self.found[one] for one in layer.inputs]
        same = layer.component == before.component and tuple(one.layer for one in fed) == before.inputs
        if not same or not all(self._covers(one) for one in fed):
            return None
        width, settings, given = self.was[old].channels, layer.settings, before.settings
        if layer.component == "image":
            return Origin(old, tuple(range(width)))
        if layer.component == "conv":
            fits = all(settings[name] == given[name] for name in ("stride", "relu"))
            grown = all(settings[name] >= given[name] for name in ("filters", "kernel"))
            return Origin(old, _cycled(width, settings["filters"])) if fits and grown else None
        if layer.component == "concat":
            starts = np.cumsum([0, *(self.was[one].channels for one in before.inputs)]).tolist()
            pairs = zip(starts, fed, strict=False)
            return Origin(old, tuple(-1 if one < 0 else start + one for start, part in pairs for one in part.channels))
        if layer.component == "add":
            flags = zip(self.now[number].projected, self.was[old].projected, fed, strict=True)
            summed = all(now or (not was and one.channels == fed[0].channels) for now, was, one in flags)
            return Origin(old, fed[0].channels) if summed else None
        return Origin(old, fed[0].channels) if settings == given else None

    def _inserted(self, number: int) -> Origin | None:
        """Return the origin of a layer if it can be one that passes on its first input."""
        layer, signal = self.child[number], self.now[number]
        if not layer.inputs:
            return None
        first = self.found[layer.inputs[0]]
        positive = self.was[first.layer].positive  # a ReLU after it changes nothing
        if layer.component == "dropout":
            return replace(first, inserted=True)
        if layer.component == "concat":
            return Origin(first.layer, first.channels + (-1,) * (signal.channels - len(first.channels)), True)
        if layer.component == "add":
            return replace(first, inserted=True) if positive and all(signal.projected[1:]) else None
        width = self.was[first.layer].channels
        passes = layer.component == "conv" and positive and layer.settings["stride"] == 1 and layer.settings["relu"]
        if passes and signal.channels >= width and self._covers(first):
            return Origin(first.layer, _cycled(width, signal.channels), True)
        return None
