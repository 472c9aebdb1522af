"""Sets numbers against their group: how a row's number stands among the rows of the same level."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.seeds import derive
from tamis.core.space import Choice, Int, Space
from tamis.features.crosses import SCORE_ROWS, binned, centred_targets, explained
from tamis.features.encode import find_levels, number_levels
from tamis.features.target import CLASS_COLUMNS, classes_of
from tamis.features.transformer import LIMIT, Matrix, Transformer, as_names, column_names, dense, sample_rows

STATISTICS = ("mean", "std", "difference", "ratio", "rank")
MOST_PRIOR_ROWS = 50.0
"""A level's mean is drawn to that of all rows as if it had at most so many more."""
RANK_ROWS = 50_000
"""Ranks within a level are learned from so many rows at most."""


class GroupStatistics(Transformer):
    """Add, for pairs of a code column and a number, statistics of the number within the row's level.

    The statistics look at no target; it only chooses among the pairs, by how much more of it the difference to the
    level's mean explains than the number alone does.

    Parameters
    ----------
    n_pairs : int
        At most.
    statistics : sequence of {"mean", "std", "difference", "ratio", "rank"}
    categories : sequence of int
        The positions of the code columns; all others are numbers. See `set_columns`.
    keep : bool
        Hand the incoming columns on, in their order, in front of the new ones.
    n_classes : int
        1 for regression.
    seed : int

    Examples
    --------
    >>> groups = GroupStatistics(statistics=["mean"], categories=[0], keep=False)
    >>> groups = groups.fit([[0.0, 1.0], [0.0, 1.0], [1.0, 3.0], [1.0, 3.0]])
    >>> groups.transform([[0.0, 9.0], [1.0, 9.0]]).round(2).ravel()
    array([1., 3.])
    """

    def __init__(
        self,
        n_pairs: int = 10,
        statistics: Sequence[str] = STATISTICS,
        *,
        categories: Sequence[int] = (),
        keep: bool = True,
        n_classes: int = 1,
        seed: int = 0,
    ) -> None:
        self.n_pairs = n_pairs
        self.statistics = statistics
        self.categories = categories
        self.keep = keep
        self.n_classes = n_classes
        self.seed = seed

    def set_columns(self, categories: Sequence[int]) -> Self:
        """Say which columns of X hold codes, before fitting."""
        self.categories = [int(number) for number in categories]
        return self

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Choose the pairs and learn means, deviations and ranks of their levels.

        Raises
        ------
        ParameterError
            Where a statistic is not known or a position lies outside X.
        """
        for one in self.statistics:
            if one not in STATISTICS:
                raise wrong_choice("statistics", one, STATISTICS)
        values = dense(self.begin(X))
        if any(not 0 <= number < values.shape[1] for number in self.categories):
            raise ParameterError(
                f"The parameter 'categories' must hold positions below {values.shape[1]}, the count of columns; "
                f"got {list(self.categories)!r}."
            )
        self.levels_ = {str(one): find_levels(values[:, one]) for one in self.categories}
        self.pairs_ = self._chosen(values, y)
        self.means_: list[np.ndarray] = []
        self.deviations_: list[np.ndarray] = []
        self.sorted_: list[np.ndarray] = []
        self.starts_: list[np.ndarray] = []
        for code, number in self.pairs_:
            self._learn(self._level_of(values, code), values[:, number], len(self.levels_[str(code)]) + 1)
        return self

    def _level_of(self, values: np.ndarray, code: int) -> np.ndarray:
        return number_levels(values[:, code], self.levels_[str(code)])

    def _chosen(self, values: np.ndarray, y: Any) -> list[list[int]]:
        numbers = [one for one in range(values.shape[1]) if one not in set(self.categories)]
        varied = [one for one in self.categories if len(self.levels_[str(one)]) > 1]
        pairs = [[code, number] for code in varied for number in numbers]
        if y is None or len(pairs) <= self.n_pairs:
            return pairs[: self.n_pairs]
        rows = sample_rows(len(values), SCORE_ROWS, self.seed)
        some, targets = values[rows], centred_targets(np.asarray(y)[rows], self.n_classes)
        strong = sorted(numbers, key=lambda one: -explained(binned(some[:, one]), targets))[:40]
        scores = []
        for code in varied[:40]:
            level = self._level_of(some, code)
            size = len(self.levels_[str(code)]) + 1
            for number in strong:
                column = some[:, number]
                difference = column - _moments(level, column, size)[0][level]
                gain = explained(binned(difference), targets) - explained(binned(column), targets)
                scores.append((gain, [code, number]))
        scores.sort(key=lambda found: -found[0])
        return [pair for _, pair in scores[: self.n_pairs]]

    def _learn(self, level: np.ndarray, column: np.ndarray, size: int) -> None:
        means, deviations = _moments(level, column, size)
        self.means_.append(means)
        self.deviations_.append(deviations)
        rows = sample_rows(len(column), RANK_ROWS, self.seed)
        rows = rows[~np.isnan(column[rows])] if "rank" in self.statistics else rows[:0]
        order = np.lexsort((column[rows], level[rows]))
        self.sorted_.append(column[rows][order])
        self.starts_.append(np.concatenate([[0], np.cumsum(np.bincount(level[rows], minlength=size))]))

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the incoming columns (with `keep`), then the statistics; NaN where the number is missing."""
        values = dense(self.read(X))
        made = []
        for place, (code, number) in enumerate(self.pairs_):
            level, column = self._level_of(values, code), values[:, number]
            mean = self.means_[place][level]
            for one in self.statistics:
                if one == "mean":
                    made.append(mean)
                elif one == "std":
                    made.append(self.deviations_[place][level])
                elif one == "difference":
                    made.append(column - mean)
                elif one == "ratio":
                    made.append(_ratio(column, mean))
                else:
                    made.append(_rank(level, column, self.sorted_[place], self.starts_[place]))
        new = np.clip(np.column_stack(made), -LIMIT, LIMIT) if made else np.empty((len(values), 0))
        if self.keep:
            return np.hstack([values, new])
        return new if made else np.zeros((len(values), 1))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `income difference by city`."""
        names = column_names(input_features, self.n_features_in_)
        made = [f"{names[number]} {one} by {names[code]}" for code, number in self.pairs_ for one in self.statistics]
        return as_names([*names, *made] if self.keep else made or ["no group"])


def _moments(level: np.ndarray, column: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each level, drawn to those of all rows.

    The weight of all rows is the empirical Bayes one: the variance within levels over the variance between them.
    """
    known = ~np.isnan(column)
    level, column = level[known], column[known]
    if not len(column):
        return np.zeros(size), np.zeros(size)
    mean = float(column.mean())
    counts = np.bincount(level, minlength=size).astype(np.float64)
    sums = np.bincount(level, weights=column - mean, minlength=size)
    raw = sums / np.maximum(counts, 1)
    squares = np.bincount(level, weights=(column - mean - raw[level]) ** 2, minlength=size)
    n_levels = int(np.count_nonzero(counts))
    within = float(squares.sum()) / max(1, len(column) - n_levels)
    between = (float(sums @ raw) - (n_levels - 1) * within) / len(column)
    prior = float(np.clip(within / between, 1e-3, MOST_PRIOR_ROWS)) if between > 0 else MOST_PRIOR_ROWS
    # Two rows' worth of the common deviation keep that of a level of one row from being nothing.
    return mean + sums / (counts + prior), np.sqrt((squares + 2 * within) / (counts + 2))


def _ratio(column: np.ndarray, mean: np.ndarray) -> np.ndarray:
    ratio = np.divide(column, mean, out=np.ones_like(column), where=np.abs(mean) > 1e-12)
    return np.where(np.isnan(column), np.nan, np.clip(ratio, -1e6, 1e6))


def _rank(level: np.ndarray, column: np.ndarray, ordered: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Return the share of the level's training rows below the number, ties counting half; 0.5 in an unknown level."""
    found = np.full(len(column), 0.5)
    by_level = np.argsort(level, kind="stable")
    bounds = np.searchsorted(level[by_level], np.arange(len(starts)))
    for one in np.unique(level):
        training = ordered[starts[one] : starts[one + 1]]
        if len(training):
            rows = by_level[bounds[one] : bounds[one + 1]]
            below = np.searchsorted(training, column[rows], side="left")
            upto = np.searchsorted(training, column[rows], side="right")
            found[rows] = (below + upto) / (2 * len(training))
    found[np.isnan(column)] = np.nan
    return found


def _build(parameters: Mapping[str, Any], context: BuildContext) -> GroupStatistics:
    return GroupStatistics(**{"n_classes": classes_of(context), "seed": derive(context.seed, "groups"), **parameters})


def _cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    pairs = int(parameters.get("n_pairs", 10))
    targets = 1 if shape.classes <= 2 else min(shape.classes, CLASS_COLUMNS)
    tried = min(1600.0, shape.columns**2 / 4)
    scoring = tried * min(shape.rows, SCORE_ROWS) * (1.5e-7 + 1e-8 * targets)
    cells = shape.rows * (shape.columns + 5 * pairs)
    return Cost(2e-3 + scoring + 4e-7 * shape.rows * pairs + 2e-8 * cells, 2 + 3 * 8e-6 * cells)


COMPONENTS = (
    Component(
        name="group_statistics",
        kind=ComponentKind.TRANSFORMER,
        supervised=True,
        build=_build,
        space=Space(
            {
                "n_pairs": Int(2, 50, log=True, default=10),
                "statistics": Choice([list(STATISTICS), ["difference", "ratio"], ["mean", "rank"]]),
            }
        ),
        cost=_cost,
        missing=True,
        takes_weights=False,
        classes=("tamis.features.groupstats.GroupStatistics",),
        source="tamis.features.groupstats.GroupStatistics",
        summary="numbers against the rows of the same level",
    ),
)
