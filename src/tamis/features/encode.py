"""Turns codes of levels into columns without looking at the target: as they are, one-hot, or by their counts."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.kinds import CODE_ROLES, Role
from tamis.core.space import Choice, Int, Space
from tamis.features.transformer import Matrix, Transformer, as_names, column_names, dense, side_by_side

DIRECT = 1 << 22
"""Whole codes below it are found by counting instead of sorting."""

LEVEL_ROLES = CODE_ROLES | {Role.ORDINAL, Role.BOOLEAN}
"""Columns whose values are few enough to be taken as levels."""


def find_levels(column: np.ndarray) -> np.ndarray:
    """Return the distinct values of a column in rising order, NaN left out.

    Examples
    --------
    >>> find_levels(np.array([2.0, 0.0, np.nan, 2.0]))
    array([0., 2.])
    """
    known = column[~np.isnan(column)]
    if len(known) and known.min() >= 0 and known.max() < DIRECT:
        whole = known.astype(np.int64)
        if np.array_equal(whole, known):
            return np.flatnonzero(np.bincount(whole)).astype(np.float64)
    return np.unique(known)


def number_levels(column: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Return the place of each value among the levels, counted from 1; 0 for NaN and for values that are no level.

    Examples
    --------
    >>> number_levels(np.array([2.0, 0.0, np.nan, 7.0]), np.array([0.0, 2.0]))
    array([2, 1, 0, 0])
    """
    if not len(levels):
        return np.zeros(len(column), dtype=np.intp)
    if levels[0] == 0 and levels[-1] == len(levels) - 1 and np.array_equal(levels, np.arange(len(levels))):
        inside = (column >= 0) & (column < len(levels))
        whole = np.where(inside, column, 0).astype(np.intp)
        return np.where(inside & (whole == column), whole + 1, 0)
    place = np.minimum(np.searchsorted(levels, column), len(levels) - 1)
    return np.where(levels[place] == column, place + 1, 0)


def count_levels(numbers: np.ndarray, n_levels: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Return how often each level occurs, unknown first.

    Returns
    -------
    ndarray of shape (n_levels + 1,)
    """
    return np.bincount(numbers, weights=weights, minlength=n_levels + 1)


class Codes(Transformer):
    """Hand codes on; levels that the training rows do not have become NaN.

    Parameters
    ----------
    min_count : int
        Levels with fewer training rows share one new code, the highest.
    max_levels : int
        Only so many of the most frequent levels keep their code; 0 for all.

    Examples
    --------
    >>> Codes(min_count=2).fit_transform([[0.0], [0.0], [1.0], [2.0]]).ravel()
    array([0., 0., 3., 3.])
    """

    def __init__(self, min_count: int = 1, max_levels: int = 0) -> None:
        self.min_count = min_count
        self.max_levels = max_levels

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn which levels there are and which are rare."""
        values = dense(self.begin(X))
        self.levels_ = [find_levels(column) for column in values.T]
        self.codes_ = []
        for column, levels in zip(values.T, self.levels_, strict=True):
            counts = count_levels(number_levels(column, levels), len(levels))[1:]
            kept = _kept(counts, self.min_count, self.max_levels or len(levels))
            pool = levels[-1] + 1 if len(levels) else 0.0
            self.codes_.append(np.concatenate([[np.nan], np.where(kept, levels, pool)]))
        return self

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the codes."""
        values = dense(self.read(X))
        learned = zip(values.T, self.levels_, self.codes_, strict=True)
        return side_by_side([codes[number_levels(one, levels), None] for one, levels, codes in learned], len(values))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return the incoming names."""
        return as_names(column_names(input_features, self.n_features_in_))


class OneHot(Transformer):
    """Give every frequent level a column of 0 and 1, rare levels one together, and missing values one of their own.

    A column of two levels without gaps gets one column. What was not seen in training counts as missing, or as rare
    where the training rows have no gaps, or as no level at all.

    Parameters
    ----------
    max_levels : int
        Columns at most for the levels of one incoming column; the rarest share `other`.
    min_count : int
        Levels with fewer training rows share `other`.
    output : {"auto", "dense", "sparse"}
        `auto` takes CSR above 64 columns.

    Examples
    --------
    >>> OneHot().fit_transform([[0.0], [1.0], [2.0]])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]], dtype=float32)
    """

    def __init__(self, max_levels: int = 100, min_count: int = 1, output: str = "auto") -> None:
        self.max_levels = max_levels
        self.min_count = min_count
        self.output = output

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn which level goes to which column."""
        values = dense(self.begin(X))
        self.levels_ = [find_levels(column) for column in values.T]
        self.places_: list[np.ndarray] = []
        self.labels_: list[list[str]] = []
        for column, levels in zip(values.T, self.levels_, strict=True):
            counts = count_levels(number_levels(column, levels), len(levels))
            place, labels = _places(counts, levels, self.min_count, self.max_levels)
            self.places_.append(place)
            self.labels_.append(labels)
        self.width_ = sum(map(len, self.labels_))
        self.sparse_ = self.output == "sparse" or (self.output == "auto" and self.width_ > 64)
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return an array or CSR of float32."""
        values = dense(self.read(X))
        starts = np.cumsum([0, *map(len, self.labels_)])
        columns = np.full(values.shape, -1, dtype=np.int64)
        for number, (levels, place) in enumerate(zip(self.levels_, self.places_, strict=True)):
            found = place[number_levels(values[:, number], levels)]
            columns[:, number] = np.where(found < 0, -1, found + starts[number])
        hit = columns >= 0
        if not self.sparse_:
            made = np.zeros((len(values), self.width_), dtype=np.float32)
            made[np.nonzero(hit)[0], columns[hit]] = 1
            return made
        ends = np.concatenate([[0], np.cumsum(hit.sum(axis=1))])
        ones = np.ones(int(ends[-1]), dtype=np.float32)
        return sparse.csr_matrix((ones, columns[hit], ends), shape=(len(values), self.width_))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `city=3` (the code), `city=other` and `city=missing`."""
        names = column_names(input_features, self.n_features_in_)
        return as_names([f"{name}={one}" for name, labels in zip(names, self.labels_, strict=True) for one in labels])


class Frequency(Transformer):
    """Replace a level by how often the training rows have it, missing values included; 0 for what they do not have.

    Parameters
    ----------
    log : bool
        log(1 + count) instead of the share of the rows.
    """

    def __init__(self, log: bool = True) -> None:
        self.log = log

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Count the levels."""
        values = dense(self.begin(X))
        self.levels_ = [find_levels(column) for column in values.T]
        self.values_ = []
        for column, levels in zip(values.T, self.levels_, strict=True):
            counts = count_levels(number_levels(column, levels), len(levels))
            self.values_.append(np.log1p(counts) if self.log else counts / max(1, len(values)))
        return self

    def transform(self, X: Matrix) -> np.ndarray:
        """Return one column for each incoming one."""
        values = dense(self.read(X))
        learned = zip(values.T, self.levels_, self.values_, strict=True)
        return side_by_side([made[number_levels(one, levels), None] for one, levels, made in learned], len(values))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `city=log count`."""
        what = "log count" if self.log else "share"
        return as_names([f"{name}={what}" for name in column_names(input_features, self.n_features_in_)])


def _kept(counts: np.ndarray, min_count: int, max_levels: int) -> np.ndarray:
    """Tell which levels are frequent enough; ties go to the lower code."""
    kept = np.zeros(len(counts), dtype=bool)
    kept[np.argsort(-counts, kind="stable")[:max_levels]] = True
    return kept & (counts >= min_count)


def _places(counts: np.ndarray, levels: np.ndarray, min_count: int, max_levels: int) -> tuple[np.ndarray, list[str]]:
    """Return the column of each level number (-1 for none) and the labels of the columns."""
    kept = _kept(counts[1:], min_count, max_levels)
    if kept.sum() == len(levels) == 2 and not counts[0]:
        return np.array([-1, -1, 0]), [f"{levels[1]:g}"]
    labels = [f"{level:g}" for level in levels[kept]]
    place = np.full(len(levels) + 1, -1)
    place[1:][kept] = np.arange(len(labels))
    if not kept.all():
        place[1:][~kept] = place[0] = len(labels)
        labels.append("other")
    if counts[0]:
        place[0] = len(labels)
        labels.append("missing")
    return place, labels


def _build_codes(parameters: Mapping[str, Any], context: BuildContext) -> Codes:
    return Codes(**parameters)


def _build_one_hot(parameters: Mapping[str, Any], context: BuildContext) -> OneHot:
    return OneHot(**parameters)


def _build_frequency(parameters: Mapping[str, Any], context: BuildContext) -> Frequency:
    return Frequency(**parameters)


def _cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    cells = shape.rows * shape.columns
    return Cost(1e-3 + 6e-8 * cells, 1 + 6 * 8e-6 * cells)


COMPONENTS = (
    Component(
        name="codes",
        kind=ComponentKind.TRANSFORMER,
        build=_build_codes,
        space=Space({"min_count": Choice([1, 2, 5, 20], ordered=True)}),
        roles=LEVEL_ROLES,
        cost=_cost,
        missing=True,
        takes_weights=False,
        codes=True,
        classes=("tamis.features.encode.Codes",),
        source="tamis.features.encode.Codes",
        summary="hands the codes of levels on, rare ones pooled",
    ),
    Component(
        name="one_hot",
        kind=ComponentKind.TRANSFORMER,
        build=_build_one_hot,
        space=Space(
            {"max_levels": Int(5, 500, log=True, default=100), "min_count": Choice([1, 2, 5, 20], ordered=True)}
        ),
        roles=LEVEL_ROLES,
        cost=_cost,
        missing=True,
        takes_weights=False,
        classes=("tamis.features.encode.OneHot",),
        source="tamis.features.encode.OneHot",
        summary="one column of 0 and 1 for each frequent level",
    ),
    Component(
        name="frequency",
        kind=ComponentKind.TRANSFORMER,
        build=_build_frequency,
        space=Space({"log": Choice([True, False])}),
        roles=LEVEL_ROLES,
        cost=_cost,
        missing=True,
        takes_weights=False,
        classes=("tamis.features.encode.Frequency",),
        source="tamis.features.encode.Frequency",
        summary="how often each level occurs",
    ),
)
