"""Turns the columns and the target of a table into what a network reads: numbers, flags, and learnt vectors."""

from collections.abc import Mapping, Sequence
from math import pi
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

CLIP = 3.0
"""A number this many scales away from the median is drawn in to CLIP / sqrt(2); none gets beyond CLIP."""
FARTHEST = 1e9
"""Where the clipping is done with any difference between numbers."""
MOST_ONE_HOT = 9
"""Columns with more levels get a learnt vector for each level (RealMLP's default)."""
LEAST_ROWS = 2
"""Levels with fewer training rows are treated as those that were never seen."""


class Inputs(NamedTuple):
    """The rows of a table as a network takes them."""

    numbers: Tensor
    """Scaled numbers of shape (..., n_rows, n_numbers)."""
    flags: Tensor
    """Zeros and ones of shape (..., n_rows, n_flags): gaps, and levels of columns with few of them."""
    levels: Tensor
    """Numbers of levels, shape (..., n_rows, n_level_columns)."""

    def take(self, rows: Tensor) -> "Inputs":
        """Return some rows; `rows` may have any shape, which comes before the columns."""
        return Inputs(self.numbers[rows], self.flags[rows], self.levels[rows])


class TableCoder:
    """Learns how the columns of one table become `Inputs`.

    Numbers lose their median, are divided by their interquartile range and drawn in smoothly towards the middle
    (robust scaling and smooth clipping: Holzmüller, Grinsztajn and Steinwart, "Better by default", 2024). Gaps become
    the median and a flag. Columns of up to nine levels become flags, others numbers of levels; level 0 stands for what
    was not seen, or once only.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [np.nan, 1.0]])
    >>> inputs = TableCoder().fit(X, categories=[1]).transform(X)
    >>> inputs.numbers.ravel().tolist(), inputs.flags.shape, inputs.levels.shape
    ([-0.9486833214759827, 0.0, 0.9486833214759827, 0.0], torch.Size([4, 3]), torch.Size([4, 0]))
    """

    def fit(self, X: np.ndarray, categories: Sequence[int] = (), n_bins: int = 0) -> "TableCoder":
        """Learn from X of shape (n_rows, n_columns), NaN for missing.

        Parameters
        ----------
        categories : sequence of int
            The columns that hold codes.
        n_bins : int
            Into how many bins of equally many rows the numbers are divided; 0 where nobody asks for bins.
        """
        coded = set(categories)
        self.numbers_: list[dict[str, float]] = []
        """By column that varies: its place, median and scale."""
        self.gaps_: list[int] = []
        """Columns with missing values in some rows, not in all."""
        self.flags_: list[tuple[int, list[float]]] = []
        """Columns of few levels: place and levels."""
        self.levels_: list[tuple[int, list[float]]] = []
        """Columns of many levels: place and levels."""
        for place in range(X.shape[1]):
            column = X[:, place].astype(np.float64)
            known = column[np.isfinite(column)]
            if 0 < len(known) < len(column):
                self.gaps_.append(place)
            if place in coded:
                values, counts = np.unique(known, return_counts=True)
                kept = [float(value) for value in values[counts >= LEAST_ROWS]]
                (self.flags_ if len(kept) <= MOST_ONE_HOT else self.levels_).append((place, kept))
            elif len(known) and known.min() < known.max():
                self.numbers_.append({"place": place, **_middle(known)})
        self.edges_: list[list[float]] = []
        """By number: the edges of its bins, in the scale of `Inputs`."""
        if n_bins and self.numbers_:
            self.edges_ = quantile_edges(self.transform(X).numbers, n_bins).tolist()
        return self

    @property
    def n_numbers(self) -> int:
        """Return the count of columns that are taken as numbers."""
        return len(self.numbers_)

    @property
    def n_flags(self) -> int:
        """Return the count of flags."""
        return len(self.gaps_) + sum(len(levels) for _, levels in self.flags_)

    @property
    def sizes(self) -> list[int]:
        """Return for each column of many levels how many vectors it needs."""
        return [len(levels) + 1 for _, levels in self.levels_]

    def transform(self, X: np.ndarray) -> Inputs:
        """Return the rows of X as a network takes them."""
        n = len(X)
        numbers = np.zeros((n, self.n_numbers), dtype=np.float32)
        for index, learnt in enumerate(self.numbers_):
            numbers[:, index] = _clipped(X[:, int(learnt["place"])].astype(np.float64), learnt)
        flags = [~np.isfinite(X[:, place]) for place in self.gaps_]
        flags += [X[:, place] == level for place, levels in self.flags_ for level in levels]
        codes = np.zeros((n, len(self.levels_)), dtype=np.int64)
        for index, (place, levels) in enumerate(self.levels_):
            codes[:, index] = _numbered(X[:, place], np.asarray(levels))
        stacked = np.column_stack(flags) if flags else np.zeros((n, 0))
        return Inputs(torch.from_numpy(numbers), torch.from_numpy(stacked.astype(np.float32)), torch.from_numpy(codes))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("numbers", "gaps", "flags", "levels", "edges")
        return {name: getattr(self, f"{name}_") for name in names}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "TableCoder":
        """Read what `to_json` wrote."""
        coder = cls()
        coder.numbers_, coder.gaps_, coder.edges_ = record["numbers"], record["gaps"], record["edges"]
        coder.flags_ = [(place, levels) for place, levels in record["flags"]]
        coder.levels_ = [(place, levels) for place, levels in record["levels"]]
        return coder


def _clipped(column: np.ndarray, learnt: Mapping[str, float]) -> np.ndarray:
    """Return scaled numbers drawn in to the middle, 0 where there is none."""
    with np.errstate(over="ignore"):
        scaled = (column - learnt["median"]) / learnt["scale"]
    scaled = np.clip(np.where(np.isfinite(column), scaled, 0.0), -FARTHEST, FARTHEST)
    return scaled / np.hypot(1.0, scaled / CLIP)


def _middle(known: np.ndarray) -> dict[str, float]:
    """Return median and scale: the interquartile range, or half the range where more than half the rows agree."""
    low, median, high = np.quantile(known, [0.25, 0.5, 0.75])
    scale = 2 * (high / 2 - low / 2) if high > low else known.max() / 2 - known.min() / 2
    return {"median": float(median), "scale": float(scale)}


def _numbered(column: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the place of each value among the levels, counted from 1; 0 for what is none of them."""
    place = np.minimum(np.searchsorted(levels, column), len(levels) - 1)
    return np.where(levels[place] == column, place + 1, 0)


class TargetCoder:
    """Turns a target into what a network learns, and a network's answers into predictions.

    Parameters
    ----------
    n_classes : int
        0 for regression.
    log : bool
        Learn log(1 + y / unit), the unit being the median; ignored where the target has negative values.
    unit : float
        Fixes the unit; 0 for the median.

    Examples
    --------
    >>> coder = TargetCoder(n_classes=0).fit(np.array([1.0, 3.0]))
    >>> coder.forward(np.array([1.0, 3.0])).tolist(), coder.inverse(torch.tensor([[[0.5]], [[9.0]]])).tolist()
    ([-1.0, 1.0], [3.0])
    """

    def __init__(self, n_classes: int, *, log: bool = False, unit: float = 0.0) -> None:
        self.n_classes = n_classes
        self.log = log
        self.unit = unit
        self.center, self.scale, self.low, self.high = 0.0, 1.0, 0.0, 0.0
        self.present: list[int] = []
        """Classes that have rows."""
        self.n_rows = 0

    def fit(self, y: np.ndarray, weight: np.ndarray | None = None) -> "TargetCoder":
        """Learn the classes, or centre and scale."""
        self.n_rows = len(y)
        if self.n_classes:
            self.present = [int(one) for one in np.unique(y)]
            return self
        y = np.asarray(y, dtype=np.float64)
        self.low, self.high = float(y.min()), float(y.max())
        self.log = self.log and self.low >= 0.0
        if self.log and not self.unit:
            self.unit = float(np.median(y)) or float(np.mean(y)) or 1.0
        values = self._inner(y)
        self.center = float(np.average(values, weights=weight))
        spread = float(np.sqrt(np.average((values - self.center) ** 2, weights=weight)))
        # A spread that rounding alone explains would blow that rounding up.
        self.scale = spread if spread > 1e-12 * max(1e-300, abs(self.center)) else 1.0
        return self

    @property
    def n_outputs(self) -> int:
        """Return how many numbers a network gives for a row."""
        return len(self.present) if self.n_classes else 1

    @property
    def is_constant(self) -> bool:
        """Tell whether there is nothing to learn."""
        return len(self.present) == 1 if self.n_classes else self.low == self.high

    def _inner(self, y: np.ndarray) -> np.ndarray:
        return np.log1p(y / self.unit) if self.log else y

    def forward(self, y: np.ndarray) -> Tensor:
        """Return codes of the classes present, or scaled values."""
        if self.n_classes:
            return torch.from_numpy(np.searchsorted(self.present, y))
        return torch.from_numpy(((self._inner(y.astype(np.float64)) - self.center) / self.scale).astype(np.float32))

    def inverse(self, output: Tensor | None, n_rows: int = 0) -> np.ndarray:
        """Return probabilities (n_rows, n_classes), or values (n_rows,) within the range that was seen.

        Parameters
        ----------
        output : Tensor of shape (n_members, n_rows, n_outputs), or None
            The members' mean counts; None where there was nothing to learn.
        n_rows : int
            Needed without output.
        """
        if self.n_classes:
            seen = np.ones((n_rows, 1)) if output is None else output.double().softmax(dim=-1).mean(dim=0).numpy()
            return self._spread(seen)
        if output is None:
            return np.full(n_rows, self.low)
        values = output.double().mean(dim=0)[:, 0].numpy() * self.scale + self.center
        if self.log:
            values = np.expm1(np.clip(values, 0.0, np.log1p(self.high / self.unit))) * self.unit
        return np.clip(values, self.low, self.high)

    def _spread(self, seen: np.ndarray) -> np.ndarray:
        """Give every class a column: one that had no rows gets little, but not nothing."""
        seen = np.where(np.isfinite(seen), seen, 1.0 / seen.shape[1])
        absent = self.n_classes - len(self.present)
        each = 0.5 / (self.n_rows + self.n_classes)
        full = np.full((len(seen), self.n_classes), each)
        full[:, self.present] = seen * (1.0 - absent * each)
        return full

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return dict(self.__dict__)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "TargetCoder":
        """Read what `to_json` wrote."""
        coder = cls(record["n_classes"])
        coder.__dict__.update(record)
        return coder


class PeriodicEmbedding(nn.Module):
    """Gives every number a few learnt waves beside its own value.

    The "periodic, bias, linear, densely connected" embedding of RealMLP (Holzmüller et al., 2024), after Gorishniy,
    Rubachev and Babenko, "On embeddings for numerical features in tabular deep learning" (2022).

    Parameters
    ----------
    members : int
        Networks side by side, each with weights of its own.
    n_numbers : int
    sigma : float
        Standard deviation of the frequencies at the start.
    width : int
        Size of a number's vector, its own value included.
    """

    def __init__(
        self, members: int, n_numbers: int, rng: torch.Generator, *, sigma: float, n_waves: int = 16, width: int = 4
    ) -> None:
        super().__init__()
        self.width = width
        self.n_outputs = n_numbers * width
        bound = n_waves**-0.5
        waves = (members, n_numbers, 1, n_waves)
        self.frequency = nn.Parameter(torch.randn(waves, generator=rng) * sigma * 2 * pi)
        self.phase = nn.Parameter(_evenly(waves, pi, rng))
        self.weight = nn.Parameter(_evenly((members, n_numbers, n_waves, width - 1), bound, rng))
        self.bias = nn.Parameter(_evenly((members, n_numbers, 1, width - 1), bound, rng))

    def forward(self, numbers: Tensor) -> Tensor:
        """Return vectors side by side: (members, n_rows, n_numbers) becomes (members, n_rows, n_outputs)."""
        column = numbers.transpose(1, 2).unsqueeze(-1)
        waves = torch.cos(column * self.frequency + self.phase) @ self.weight + self.bias
        return torch.cat([column, waves], dim=-1).transpose(1, 2).flatten(2)


class PiecewiseLinearEmbedding(nn.Module):
    """Gives every number a vector that is a piecewise linear function of it, with bends at its quantiles.

    Gorishniy et al. (2022), in the form that TabM uses (Gorishniy, Kotelnikov and Babenko, 2025): a line, to which the
    pieces add nothing at first.

    Parameters
    ----------
    edges : Tensor of shape (n_numbers, n_bins + 1)
        Rising along each row; bins of no width come last.
    width : int
        Size of a number's vector.
    """

    low: Tensor
    rise: Tensor
    floor: Tensor
    ceiling: Tensor

    def __init__(self, edges: Tensor, rng: torch.Generator, *, width: int) -> None:
        super().__init__()
        n_numbers, n_bins = edges.shape[0], edges.shape[1] - 1
        self.n_outputs = n_numbers * width
        length = edges.diff(dim=1)[:, None, :]
        place, last = torch.arange(n_bins), (length > 0).sum(dim=-1, keepdim=True) - 1
        rise = torch.where(length > 0, 1.0 / length, 0.0)
        # The first and the last piece go on beyond the edges, so that no number is cut off.
        for name, values in {
            "low": edges[:, None, :-1],
            "rise": rise,
            "floor": torch.where((place == 0) & (rise > 0), -torch.inf, 0.0),
            "ceiling": torch.where((place == last) & (rise > 0), torch.inf, 1.0),
        }.items():
            self.register_buffer(name, values, persistent=False)
        self.slope = nn.Parameter(torch.randn((n_numbers, 1, width), generator=rng))
        self.shift = nn.Parameter(torch.randn((n_numbers, 1, width), generator=rng))
        self.weight = nn.Parameter(torch.zeros((n_numbers, n_bins, width)))

    def forward(self, numbers: Tensor) -> Tensor:
        """Return vectors side by side: (sets, n_rows, n_numbers) becomes (sets, n_rows, n_outputs)."""
        column = numbers.transpose(1, 2).unsqueeze(-1)
        pieces = torch.minimum(torch.maximum((column - self.low) * self.rise, self.floor), self.ceiling)
        vectors = column * self.slope + self.shift + pieces @ self.weight
        return vectors.transpose(1, 2).flatten(2)


def quantile_edges(numbers: Tensor, n_bins: int) -> Tensor:
    """Return the edges of bins with equally many rows, for each column; equal edges are pushed to the end.

    Examples
    --------
    >>> quantile_edges(torch.tensor([[0.0], [0.0], [0.0], [1.0], [2.0]]), 4).tolist()
    [[0.0, 1.0, 2.0, 2.0, 2.0]]
    """
    shares = torch.linspace(0, 1, n_bins + 1)
    edges = torch.empty((numbers.shape[1], n_bins + 1))
    for row, column in zip(edges, numbers.T, strict=True):
        found = torch.from_numpy(np.unique(np.quantile(column.numpy(), shares.numpy()).astype(np.float32)))
        row[:] = found[-1]
        row[: len(found)] = found
    return edges


class LevelEmbedding(nn.Module):
    """Gives every level of a column of codes a learnt vector.

    Parameters
    ----------
    members : int
        Networks side by side, each with vectors of its own.
    sizes : sequence of int
        Levels of each column, number 0 being what was never seen.
    width : int
        Size of a vector.
    """

    def __init__(self, members: int, sizes: Sequence[int], rng: torch.Generator, *, width: int) -> None:
        super().__init__()
        self.members = members
        self.total = sum(sizes)
        self.n_outputs = len(sizes) * width
        starts = torch.tensor([0, *np.cumsum(sizes)[:-1].tolist()] if sizes else [], dtype=torch.int64)
        shift = torch.arange(members) * self.total
        self.starts: Tensor
        self.register_buffer("starts", starts + shift[:, None, None], persistent=False)
        vectors = torch.randn((members, self.total, width), generator=rng)
        vectors[:, starts] = 0.0
        self.vectors = nn.Parameter(vectors)

    def forward(self, levels: Tensor) -> Tensor:
        """Return vectors side by side: (members, n_rows, n_columns) becomes (members, n_rows, n_outputs)."""
        return nn.functional.embedding(levels + self.starts, self.vectors.flatten(0, 1)).flatten(2)


def _evenly(shape: tuple[int, ...], bound: float, rng: torch.Generator) -> Tensor:
    """Draw evenly between -bound and bound."""
    return (torch.rand(shape, generator=rng) * 2 - 1) * bound
