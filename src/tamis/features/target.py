"""Replaces levels by what the target was where they occurred, out of fold on the training rows.

A level's own target must not be in the column that a model learns from, or rare levels give it away: `fit_transform`
returns for each training row what the other inner folds say; `transform` returns what all training rows say
(Micci-Barreca, 2001, "A preprocessing scheme for high-cardinality categorical attributes"; Pargent et al., 2022).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import ParameterError, wrong_choice
from tamis.core.seeds import derive
from tamis.core.space import Choice, Float, Int, Space, When
from tamis.features.encode import LEVEL_ROLES, find_levels, number_levels
from tamis.features.transformer import Matrix, Transformer, as_names, column_names, dense, sample_rows, side_by_side

ALPHAS = (0.5, 2.0, 10.0, 50.0, 250.0, 1000.0)
"""Strengths of the shrinkage among which `auto` chooses, in rows that the prior counts for."""
SEVERAL = (1.0, 10.0, 100.0)
CLASS_COLUMNS = 10
"""Of more classes only the most frequent get a column."""


@dataclass(frozen=True)
class LevelSums:
    """Weights and weighted target sums by level, unknown first."""

    counts: np.ndarray
    """Shape (n_levels + 1,)."""
    sums: np.ndarray
    """Shape (n_levels + 1, n_targets)."""

    @classmethod
    def of(cls, numbers: np.ndarray, targets: np.ndarray, weights: np.ndarray, size: int) -> "LevelSums":
        """Add up rows by the number of their level."""
        counts = np.bincount(numbers, weights=weights, minlength=size)
        sums = [np.bincount(numbers, weights=weights * target, minlength=size) for target in targets.T]
        return cls(counts, np.column_stack(sums))

    def without(self, part: "LevelSums") -> "LevelSums":
        """Take the rows of a part away."""
        counts = self.counts - part.counts
        # What is left of a level that lies in the part as a whole is rounding, and must be nothing.
        gone = counts <= 1e-9 * self.counts
        return LevelSums(np.where(gone, 0, counts), np.where(gone[:, None], 0, self.sums - part.sums))

    def shrunk(self, prior: np.ndarray, alpha: float) -> np.ndarray:
        """Return the mean of each level, drawn to the prior as if it were `alpha` more rows."""
        total = (self.counts + alpha)[:, None]
        return prior + (self.sums - self.counts[:, None] * prior) / total


def target_matrix(y: Any, n_classes: int) -> tuple[np.ndarray, list[int]]:
    """Return the target as columns of numbers whose means by level are wanted.

    Parameters
    ----------
    y : array-like of shape (n_rows,)
        Codes of classes, or numbers.
    n_classes : int
        1 for regression.

    Returns
    -------
    targets : ndarray of shape (n_rows, n_targets)
        The number itself, or 1 for rows of a class.
    classes : list of int
        The class of each column; empty for regression.
    """
    values = np.asarray(y)
    if n_classes <= 1:
        return np.asarray(values, dtype=np.float64).reshape(-1, 1), []
    codes = values.astype(np.int64)
    if n_classes == 2:
        classes = [1]
    else:
        counts = np.bincount(codes, minlength=n_classes)
        classes = sorted(int(one) for one in np.argsort(-counts, kind="stable")[:CLASS_COLUMNS])
    return (codes[:, None] == np.array(classes)).astype(np.float64), classes


def inner_folds(y: Any, n_folds: int, seed: int) -> np.ndarray:
    """Return the number of each row's fold; folds have alike targets, so that their means tell little of them.

    Rows are put in the order of the target, ties by chance, and each run of `n_folds` rows is dealt out to the folds.
    """
    rng = np.random.default_rng(seed)
    values = np.asarray(y, dtype=np.float64)
    n_rows = len(values)
    n_folds = max(1, min(n_folds, n_rows))
    order = np.lexsort((rng.random(n_rows), values))
    dealt = rng.permuted(np.tile(np.arange(n_folds), (-(-n_rows // n_folds), 1)), axis=1).ravel()[:n_rows]
    folds = np.empty(n_rows, dtype=np.intp)
    folds[order] = dealt
    return folds


def _weights(sample_weight: Any, n_rows: int) -> np.ndarray:
    return np.ones(n_rows) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)


def _prior(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.average(targets, axis=0, weights=weights if weights.sum() > 0 else None)


def _needs_target(y: Any, owner: str) -> None:
    if y is None:
        raise ParameterError(f"{owner} learns from the target: 'y' must be given to fit; got None.")


class TargetStatistics(Transformer):
    """Give for each level the mean of the target, shrunk towards the mean of all rows.

    Parameters
    ----------
    n_classes : int
        1 for regression, whose statistic is the mean; 2 gives the share of class 1; more give a column for each class.
    smoothing : {"auto", "fixed", "several"}
        How many rows the prior counts for: chosen by column for the least out-of-fold squared error, `alpha`, or a
        column for each of 1, 10 and 100.
    alpha : float
        For `fixed`.
    counts : bool
        Add the logarithm of each level's count of rows.
    n_folds : int
        Inner folds.
    seed : int
        Deals the rows out to the folds.

    Examples
    --------
    >>> encoder = TargetStatistics(smoothing="fixed", alpha=2.0)
    >>> encoder.fit([[0.0], [0.0], [1.0], [1.0]], [0.0, 0.0, 1.0, 1.0]).transform([[0.0], [1.0], [7.0]]).ravel()
    array([0.25, 0.75, 0.5 ])
    """

    def __init__(
        self,
        n_classes: int = 1,
        smoothing: str = "auto",
        *,
        alpha: float = 10.0,
        counts: bool = False,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.n_classes = n_classes
        self.smoothing = smoothing
        self.alpha = alpha
        self.counts = counts
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from all training rows; `transform` of them is not out of fold."""
        self._learn(X, y, sample_weight)
        return self

    def fit_transform(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Learn from all training rows and return what the other folds say of each."""
        return self._learn(X, y, sample_weight)

    def _learn(self, X: Matrix, y: Any, sample_weight: Any) -> np.ndarray:
        _needs_target(y, type(self).__name__)
        if self.smoothing not in ("auto", "fixed", "several"):
            raise wrong_choice("smoothing", self.smoothing, ("auto", "fixed", "several"))
        values = dense(self.begin(X))
        targets, self.classes_ = target_matrix(y, self.n_classes)
        weights = _weights(sample_weight, len(values))
        folds = inner_folds(y, self.n_folds, self.seed)
        self.prior_ = _prior(targets, weights)
        self.levels_ = [find_levels(column) for column in values.T]
        self.counts_: list[np.ndarray] = []
        self.sums_: list[np.ndarray] = []
        self.alphas_: list[list[float]] = []
        blocks: list[np.ndarray] = []
        for column, levels in zip(values.T, self.levels_, strict=True):
            numbers = number_levels(column, levels)
            total = LevelSums.of(numbers, targets, weights, len(levels) + 1)
            held = _held_out(total, numbers, targets, weights, folds)
            alphas = self._choose(held, targets, weights)
            self.counts_.append(total.counts)
            self.sums_.append(total.sums)
            self.alphas_.append(alphas)
            blocks.extend(held.shrunk(self.prior_, alpha) for alpha in alphas)
            if self.counts:
                blocks.append(np.log1p(total.counts)[numbers, None])
        return side_by_side(blocks, len(values))

    def _choose(self, held: LevelSums, targets: np.ndarray, weights: np.ndarray) -> list[float]:
        if self.smoothing != "auto":
            return [float(self.alpha)] if self.smoothing == "fixed" else list(SEVERAL)
        rows = sample_rows(len(targets), 50_000, self.seed)
        some = LevelSums(held.counts[rows], held.sums[rows])
        errors = []
        for alpha in ALPHAS:
            missed = (targets[rows] - some.shrunk(self.prior_, alpha)) ** 2
            errors.append(float(weights[rows] @ missed.sum(axis=1)))
        return [ALPHAS[int(np.argmin(errors))]]

    def transform(self, X: Matrix) -> np.ndarray:
        """Return what all training rows say of each level; the prior for levels they do not have."""
        values = dense(self.read(X))
        blocks: list[np.ndarray] = []
        learned = zip(values.T, self.levels_, self.counts_, self.sums_, self.alphas_, strict=True)
        for column, levels, counts, sums, alphas in learned:
            numbers = number_levels(column, levels)
            blocks.extend(LevelSums(counts, sums).shrunk(self.prior_, alpha)[numbers] for alpha in alphas)
            if self.counts:
                blocks.append(np.log1p(counts)[numbers, None])
        return side_by_side(blocks, len(values))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `city=target mean`, `city=target mean[2]` (the class) and `city=log count`."""
        found: list[str] = []
        ends = [f"[{one}]" for one in self.classes_] if len(self.classes_) > 1 else [""]
        for name, alphas in zip(column_names(input_features, self.n_features_in_), self.alphas_, strict=True):
            for alpha in alphas:
                strength = f" ({alpha:g})" if len(alphas) > 1 else ""
                found.extend(f"{name}=target mean{strength}{end}" for end in ends)
            if self.counts:
                found.append(f"{name}=log count")
        return as_names(found)


def _held_out(
    total: LevelSums, numbers: np.ndarray, targets: np.ndarray, weights: np.ndarray, folds: np.ndarray
) -> LevelSums:
    """Return by row what the other folds say of its level."""
    counts = np.empty(len(numbers))
    sums = np.empty(targets.shape)
    for fold in range(int(folds.max(initial=-1)) + 1):
        rows = np.flatnonzero(folds == fold)
        part = LevelSums.of(numbers[rows], targets[rows], weights[rows], len(total.counts))
        others = total.without(part)
        counts[rows] = others.counts[numbers[rows]]
        sums[rows] = others.sums[numbers[rows]]
    return LevelSums(counts, sums)


class OrdinalByTarget(Transformer):
    """Give each level its place, from 0 to 1, in the order of the shrunk target mean.

    With several classes levels are ordered along the first principal direction of their class shares (Coppersmith, Hong
    and Hosking, 1999, "Partitioning nominal attributes in decision trees").

    Parameters
    ----------
    n_classes : int
        1 for regression.
    alpha : float
        How many rows the prior counts for.
    n_folds : int
    seed : int
    """

    def __init__(self, n_classes: int = 1, alpha: float = 10.0, n_folds: int = 5, seed: int = 0) -> None:
        self.n_classes = n_classes
        self.alpha = alpha
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from all training rows; `transform` of them is not out of fold."""
        self.fit_transform(X, y, sample_weight)
        return self

    def fit_transform(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Learn from all training rows and return the place that the other folds give each level."""
        _needs_target(y, type(self).__name__)
        values = dense(self.begin(X))
        targets, _ = target_matrix(y, self.n_classes)
        weights = _weights(sample_weight, len(values))
        folds = inner_folds(y, self.n_folds, self.seed)
        prior = _prior(targets, weights)
        self.levels_ = [find_levels(column) for column in values.T]
        self.places_: list[np.ndarray] = []
        made = np.empty(values.shape)
        for number, levels in enumerate(self.levels_):
            numbers = number_levels(values[:, number], levels)
            total = LevelSums.of(numbers, targets, weights, len(levels) + 1)
            direction = _direction(total.shrunk(prior, self.alpha) - prior, total.counts)
            self.places_.append(_places(total.shrunk(prior, self.alpha) @ direction))
            for fold in range(int(folds.max(initial=-1)) + 1):
                rows = folds == fold
                others = total.without(LevelSums.of(numbers[rows], targets[rows], weights[rows], len(levels) + 1))
                made[rows, number] = _places(others.shrunk(prior, self.alpha) @ direction)[numbers[rows]]
        return made

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the place of each level; unknown levels stand where the prior does."""
        values = dense(self.read(X))
        learned = zip(values.T, self.levels_, self.places_, strict=True)
        return side_by_side([places[number_levels(one, levels), None] for one, levels, places in learned], len(values))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `city=order by target`."""
        return as_names([f"{name}=order by target" for name in column_names(input_features, self.n_features_in_)])


def _direction(shares: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the direction along which the levels' means differ most, its largest part positive."""
    if shares.shape[1] == 1:
        return np.ones(1)
    first = np.linalg.eigh((shares * counts[:, None]).T @ shares)[1][:, -1]
    return np.asarray(first * np.sign(first[np.argmax(np.abs(first))]))


def _places(scores: np.ndarray) -> np.ndarray:
    """Return the rank of each score among the distinct ones, as a number in [0, 1]; equal within rounding is equal."""
    spread = float(np.ptp(scores))
    rounded = np.round((scores - scores.min()) / spread, 12) if spread > 0 else np.zeros_like(scores)
    distinct, rank = np.unique(rounded, return_inverse=True)
    return rank / (len(distinct) - 1) if len(distinct) > 1 else np.full(len(scores), 0.5)


def classes_of(context: BuildContext) -> int:
    """Return the count of classes, 1 for regression."""
    return max(2, context.shape.classes) if context.task.is_classification else 1


def _build_statistics(parameters: Mapping[str, Any], context: BuildContext) -> TargetStatistics:
    return TargetStatistics(**{"n_classes": classes_of(context), "seed": derive(context.seed, "folds"), **parameters})


def _build_ordinal(parameters: Mapping[str, Any], context: BuildContext) -> OrdinalByTarget:
    return OrdinalByTarget(**{"n_classes": classes_of(context), "seed": derive(context.seed, "folds"), **parameters})


def _cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    wide = 1 if shape.classes <= 2 else min(shape.classes, CLASS_COLUMNS)
    cells = shape.rows * shape.columns
    return Cost(2e-3 + (8e-8 + 1.2e-7 * wide) * cells, 1 + 8e-6 * (cells * (2 + wide) + 6 * shape.rows * wide))


COMPONENTS = (
    Component(
        name="target_statistics",
        kind=ComponentKind.TRANSFORMER,
        supervised=True,
        build=_build_statistics,
        space=Space(
            {
                "smoothing": Choice(["auto", "fixed", "several"]),
                "alpha": Float(0.5, 1000, log=True, default=10.0),
                "counts": Choice([False, True]),
                "n_folds": Int(3, 10, default=5),
            },
            conditions=[When("alpha", "smoothing", ["fixed"])],
        ),
        roles=LEVEL_ROLES,
        cost=_cost,
        missing=True,
        classes=("tamis.features.target.TargetStatistics",),
        source="tamis.features.target.TargetStatistics",
        summary="out-of-fold mean of the target for each level",
    ),
    Component(
        name="ordinal_by_target",
        kind=ComponentKind.TRANSFORMER,
        supervised=True,
        build=_build_ordinal,
        space=Space({"alpha": Float(0.5, 1000, log=True, default=10.0), "n_folds": Int(3, 10, default=5)}),
        roles=LEVEL_ROLES,
        cost=_cost,
        missing=True,
        classes=("tamis.features.target.OrdinalByTarget",),
        source="tamis.features.target.OrdinalByTarget",
        summary="levels in the order of the target, out of fold",
    ),
)
