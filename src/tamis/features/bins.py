"""Cuts numeric columns into bins with as many training rows each."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import wrong_choice
from tamis.core.space import Choice, Int, Space
from tamis.features.scale import column_quantiles
from tamis.features.transformer import Matrix, Transformer, as_names, column_names, side_by_side

ENCODINGS = ("ordinal", "onehot", "linear")


class Bins(Transformer):
    """Replace each column by its bin, by one column for each bin, or by how far each bin is filled.

    Parameters
    ----------
    n_bins : int
        At most; equal quantiles are merged.
    encode : {"ordinal", "onehot", "linear"}
        `linear` is the piecewise linear encoding of Gorishniy, Rubachev and Babenko (2022, "On embeddings for numerical
        features"): 0 below a bin, 1 above it, the share in between.

    Notes
    -----
    A missing value is in no bin: -1 with `ordinal`, zeros otherwise.

    Examples
    --------
    >>> Bins(2).fit_transform([[1.0], [2.0], [3.0], [4.0]]).ravel()
    array([0., 0., 1., 1.])
    """

    def __init__(self, n_bins: int = 10, encode: str = "ordinal") -> None:
        self.n_bins = n_bins
        self.encode = encode

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the edges.

        Raises
        ------
        ParameterError
            Where `encode` is none of the three.
        """
        if self.encode not in ENCODINGS:
            raise wrong_choice("encode", self.encode, ENCODINGS)
        values = self.begin(X)
        self.edges_ = [np.unique(edges) for edges in column_quantiles(values, np.linspace(0, 1, self.n_bins + 1)).T]
        return self

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the bins."""
        values = self.read(X)
        make = {"ordinal": _ordinal, "onehot": _onehot, "linear": _linear}[self.encode]
        return side_by_side(
            [make(column, edges) for column, edges in zip(values.T, self.edges_, strict=True)], len(values)
        )

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return `age=bin` or `age=bin 0`, `age=bin 1`, ..."""
        names = column_names(input_features, self.n_features_in_)
        if self.encode == "ordinal":
            return as_names([f"{name}=bin" for name in names])
        counts = [max(1, len(edges) - 1) for edges in self.edges_]
        return as_names(
            [f"{name}=bin {bin}" for name, count in zip(names, counts, strict=True) for bin in range(count)]
        )


def _ordinal(column: np.ndarray, edges: np.ndarray) -> np.ndarray:
    found = np.searchsorted(edges[1:-1], column, side="right").astype(np.float64)
    found[np.isnan(column)] = -1
    return found[:, None]


def _onehot(column: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.asarray(_ordinal(column, edges) == np.arange(max(1, len(edges) - 1)), dtype=np.float64)


def _linear(column: np.ndarray, edges: np.ndarray) -> np.ndarray:
    if len(edges) < 2:
        return np.zeros((len(column), 1))
    filled = np.clip((column[:, None] - edges[:-1]) / np.diff(edges), 0, 1)
    return np.nan_to_num(filled)


def _build(parameters: Mapping[str, Any], context: BuildContext) -> Bins:
    return Bins(**parameters)


def _cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    cells = shape.rows * shape.columns
    wide = 1 if parameters.get("encode", "ordinal") == "ordinal" else int(parameters.get("n_bins", 10))
    return Cost(1e-3 + (1e-7 + 1e-8 * wide) * cells, 1 + (3 + 2 * wide) * 8e-6 * cells)


COMPONENTS = (
    Component(
        name="bins",
        kind=ComponentKind.TRANSFORMER,
        build=_build,
        space=Space({"n_bins": Int(3, 64, log=True, default=10), "encode": Choice(list(ENCODINGS), default="linear")}),
        cost=_cost,
        missing=True,
        takes_weights=False,
        classes=("tamis.features.bins.Bins",),
        source="tamis.features.bins.Bins",
        summary="cuts columns into bins of equal counts",
    ),
)
