"""Makes new columns from pairs of old ones: arithmetic on numbers, crossed levels of categories."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Self

import numpy as np

from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.errors import wrong_choice
from tamis.core.kinds import CODE_ROLES, Role
from tamis.core.seeds import derive
from tamis.core.space import Choice, Float, Int, Space
from tamis.features.encode import find_levels, number_levels
from tamis.features.selection import fit_forest
from tamis.features.target import CLASS_COLUMNS, TargetStatistics, classes_of, target_matrix
from tamis.features.transformer import LIMIT, Matrix, Transformer, as_names, column_names, dense, sample_rows

SCORE_ROWS = 5000
"""Pairs are judged on so many rows at most."""
OPERATIONS = "+-*/d"
"""Sum, difference, product, ratio, and `d` for the distance |a - b|."""


def centred_targets(y: Any, n_classes: int) -> np.ndarray:
    """Return the target, or the class indicators, with mean 0 and total variance 1.

    Returns
    -------
    ndarray of shape (n_rows, n_targets)
    """
    targets, _ = target_matrix(y, n_classes)
    targets = np.clip(targets, -1e100, 1e100)
    targets = targets - targets.mean(axis=0)
    spread = np.abs(targets).max(initial=0.0)
    targets = targets / spread if spread > 0 else targets
    return np.asarray(targets / np.sqrt(max(1e-300, float((targets**2).sum(axis=1).mean()))))


def explained(groups: np.ndarray, targets: np.ndarray) -> float:
    """Return the share of the targets' variance that lies between groups, less what chance alone would explain.

    Parameters
    ----------
    groups : ndarray of int of shape (n_rows,)
    targets : ndarray of shape (n_rows, n_targets)
        As `centred_targets` gives them.

    Examples
    --------
    >>> round(explained(np.array([0, 0, 1, 1]), centred_targets([1.0, 1.0, 2.0, 2.0], 1)), 2)
    1.0
    """
    counts = np.bincount(groups)
    sums = sum(np.bincount(groups, weights=target) ** 2 for target in targets.T)
    between = float(np.sum(sums / np.maximum(counts, 1))) / len(groups)
    free = len(groups) - int(np.count_nonzero(counts))
    # Adjusted as R^2 is for the count of parameters.
    return 1 - (1 - between) * (len(groups) - 1) / free if free > 0 else 0.0


def binned(column: np.ndarray, n_bins: int = 16) -> np.ndarray:
    """Return the number of each value's quantile bin; missing values have their own."""
    known = column[~np.isnan(column)]
    if not len(known):
        return np.zeros(len(column), dtype=np.intp)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, n_bins + 1)[1:-1]))
    return np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side="right"))


def path_gains(forest: Any) -> tuple[np.ndarray, dict[tuple[int, int], float]]:
    """Return the gain of each column in a forest, and of each pair of columns that stand on one path.

    A split's gain counts for its column, and for the pairs of its column with the columns above it.
    """
    columns = np.zeros(forest.n_features_in_)
    pairs: dict[tuple[int, int], float] = defaultdict(float)
    for estimator in forest.estimators_:
        tree = estimator.tree_
        left, right, feature = tree.children_left, tree.children_right, tree.feature
        mass = tree.weighted_n_node_samples * tree.impurity
        waiting: list[tuple[int, frozenset[int]]] = [(0, frozenset())]
        while waiting:
            node, above = waiting.pop()
            if left[node] < 0:
                continue
            own = int(feature[node])
            gain = float(mass[node] - mass[left[node]] - mass[right[node]])
            columns[own] += gain
            for other in above - {own}:
                pairs[min(own, other), max(own, other)] += gain
            waiting += [(int(left[node]), above | {own}), (int(right[node]), above | {own})]
    return columns, dict(pairs)


class Arithmetic(Transformer):
    """Add sums, differences, products, ratios and distances of columns that a small forest uses together.

    Pairs come from the paths of the forest's trees and from its best columns. A new column is kept for how much more of
    the target its bins explain than the bins of either parent do, and left out where one alike is kept already.

    Parameters
    ----------
    n_new : int
        Columns at most.
    operations : str
        Letters of "+-*/d".
    keep : bool
        Hand the incoming columns on in front of the new ones.
    n_classes : int
        1 for regression.
    seed : int
    threads : int
    """

    def __init__(
        self,
        n_new: int = 20,
        operations: str = OPERATIONS,
        *,
        keep: bool = True,
        n_classes: int = 1,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.n_new = n_new
        self.operations = operations
        self.keep = keep
        self.n_classes = n_classes
        self.seed = seed
        self.threads = threads

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Choose the new columns on a sample of the rows.

        Raises
        ------
        ParameterError
            Where an operation is not known.
        """
        for one in self.operations:
            if one not in OPERATIONS:
                raise wrong_choice("operations", one, OPERATIONS)
        values = dense(self.begin(X))
        rows = sample_rows(len(values), SCORE_ROWS, self.seed)
        some = values[rows]
        self.terms_: list[list[Any]] = []
        if y is not None and len(np.unique(target := np.asarray(y)[rows])) > 1:
            forest = fit_forest(some, target, self.n_classes > 1, seed=self.seed, threads=self.threads, depth=4)
            self.terms_ = self._chosen(
                some, centred_targets(target, self.n_classes), likely_pairs(forest, 10 * self.n_new)
            )
        if not self.terms_ and not self.keep and values.shape[1]:
            self.terms_ = [["+", 0, min(1, values.shape[1] - 1)]]
        # New rows must not leave the range of the training rows: a ratio can go anywhere.
        made = self._made(values)
        known = np.isfinite(made)
        self.low_ = np.where(known, made, np.inf).min(axis=0, initial=np.inf)
        self.high_ = np.where(known, made, -np.inf).max(axis=0, initial=-np.inf)
        empty = self.low_ > self.high_
        self.low_[empty], self.high_[empty] = -LIMIT, LIMIT
        return self

    def _chosen(self, some: np.ndarray, targets: np.ndarray, pairs: list[tuple[int, int]]) -> list[list[Any]]:
        alone = {column: explained(binned(some[:, column]), targets) for pair in pairs for column in pair}
        scored: list[tuple[float, list[Any]]] = []
        for left, right in pairs:
            for one in self.operations:
                for a, b in ((left, right), (right, left)) if one == "/" else ((left, right),):
                    score = explained(binned(_apply(one, some[:, a], some[:, b])), targets)
                    scored.append((score - max(alone[left], alone[right]), [one, a, b]))
        chosen: list[list[Any]] = []
        ranks: list[np.ndarray] = []
        for gain, term in sorted(scored, key=lambda found: -found[0]):
            if len(chosen) == self.n_new or gain <= 1e-3:
                break
            rank = binned(_apply(term[0], some[:, term[1]], some[:, term[2]]), 64).astype(np.float64)
            rank = (rank - rank.mean()) / max(1e-12, rank.std())
            if all(abs(float(rank @ other)) < 0.99 * len(rank) for other in ranks):
                chosen.append(term)
                ranks.append(rank)
        return chosen

    def _made(self, values: np.ndarray) -> np.ndarray:
        made = [_apply(one, values[:, left], values[:, right]) for one, left, right in self.terms_]
        return np.column_stack(made) if made else np.empty((len(values), 0))

    def transform(self, X: Matrix) -> np.ndarray:
        """Return the incoming columns (with `keep`), then the new ones; NaN where a parent is missing."""
        values = dense(self.read(X))
        made = np.clip(self._made(values), self.low_, self.high_)
        return np.hstack([values, made]) if self.keep else made

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `a*b` and `|a-b|`."""
        names = column_names(input_features, self.n_features_in_)
        made = [
            f"|{names[left]}-{names[right]}|" if one == "d" else f"{names[left]}{one}{names[right]}"
            for one, left, right in self.terms_
        ]
        return as_names([*(names if self.keep else []), *made])


def _apply(operation: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if operation == "/":
        ratio = np.divide(a, b, out=np.zeros_like(a), where=np.abs(b) > 1e-30)
        made = np.where(np.isnan(b), np.nan, ratio)
    elif operation == "*":
        made = a * b
    elif operation == "+":
        made = a + b
    else:
        made = a - b if operation == "-" else np.abs(a - b)
    return np.clip(made, -LIMIT, LIMIT)


def likely_pairs(forest: Any, count: int) -> list[tuple[int, int]]:
    """Return the pairs of columns that a forest uses together most, then those of its best columns."""
    gains, together = path_gains(forest)
    best = [int(column) for column in np.argsort(-gains, kind="stable")[:12] if gains[column] > 0]
    pairs = sorted(together, key=lambda pair: (-together[pair], pair))[: max(1, count // 2)]
    more = [(min(pair), max(pair)) for pair in combinations(best, 2)]
    return list(dict.fromkeys([*pairs, *more]))[:count]


class CategoryCrosses(Transformer):
    """Cross pairs of code columns and give the out-of-fold target statistics of the crossed levels.

    A pair is chosen for how much more of the target its crossed levels explain than those of either column do.

    Parameters
    ----------
    n_pairs : int
        At most.
    n_classes : int
        1 for regression.
    alpha : float
        How many rows the prior counts for.
    counts : bool
        Add the logarithm of each crossed level's count of rows.
    n_folds : int
        Inner folds.
    seed : int
    """

    def __init__(
        self,
        n_pairs: int = 10,
        *,
        n_classes: int = 1,
        alpha: float = 10.0,
        counts: bool = False,
        n_folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.n_pairs = n_pairs
        self.n_classes = n_classes
        self.alpha = alpha
        self.counts = counts
        self.n_folds = n_folds
        self.seed = seed

    def fit(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn from all training rows; `transform` of them is not out of fold."""
        self.fit_transform(X, y, sample_weight)
        return self

    def fit_transform(self, X: Matrix, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """Learn from all training rows and return what the other folds say of each."""
        values = dense(self.begin(X))
        self.levels_ = [find_levels(column) for column in values.T]
        self.statistics_ = TargetStatistics(
            self.n_classes, "fixed", alpha=self.alpha, counts=self.counts, n_folds=self.n_folds, seed=self.seed
        )
        numbers = self._numbers(values)
        self.pairs_ = self._chosen(numbers, y) if y is not None and values.shape[1] else []
        return self.statistics_.fit_transform(self._crossed(numbers), y, sample_weight)

    def _numbers(self, values: np.ndarray) -> np.ndarray:
        found = [number_levels(column, levels) for column, levels in zip(values.T, self.levels_, strict=True)]
        return np.column_stack(found) if found else np.empty((len(values), 0), dtype=np.intp)

    def _crossed(self, numbers: np.ndarray) -> np.ndarray:
        keys = [numbers[:, left] * (len(self.levels_[right]) + 1) + numbers[:, right] for left, right in self.pairs_]
        return np.column_stack(keys).astype(np.float64) if keys else np.empty((len(numbers), 0))

    def _chosen(self, numbers: np.ndarray, y: Any) -> list[list[int]]:
        rows = sample_rows(len(numbers), SCORE_ROWS, self.seed)
        some = numbers[rows]
        targets = centred_targets(np.asarray(y)[rows], self.n_classes)
        alone = [explained(column, targets) for column in some.T]
        best = sorted(int(one) for one in np.argsort(-np.array(alone), kind="stable")[:30])
        scored = []
        for left, right in combinations(best, 2):
            keys = some[:, left] * (len(self.levels_[right]) + 1) + some[:, right]
            score = explained(np.unique(keys, return_inverse=True)[1], targets)
            scored.append((score - max(alone[left], alone[right]), [left, right]))
        scored.sort(key=lambda found: -found[0])
        useful = [pair for gain, pair in scored if gain > 0] or [pair for _, pair in scored[:1]]
        return useful[: self.n_pairs] or [[0, 0]]

    def transform(self, X: Matrix) -> np.ndarray:
        """Return what all training rows say of each crossed level; the prior for levels they do not have."""
        return self.statistics_.transform(self._crossed(self._numbers(dense(self.read(X)))))

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> np.ndarray:
        """Return names such as `city*trade=target mean`."""
        names = column_names(input_features, self.n_features_in_)
        return self.statistics_.get_feature_names_out([f"{names[left]}*{names[right]}" for left, right in self.pairs_])


def _build_arithmetic(parameters: Mapping[str, Any], context: BuildContext) -> Arithmetic:
    settings = {"n_classes": classes_of(context), "seed": derive(context.seed, "crosses"), "threads": context.threads}
    return Arithmetic(**{**settings, **parameters})


def _build_crosses(parameters: Mapping[str, Any], context: BuildContext) -> CategoryCrosses:
    return CategoryCrosses(**{"n_classes": classes_of(context), "seed": derive(context.seed, "crosses"), **parameters})


def _arithmetic_cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    rows, new = min(shape.rows, SCORE_ROWS), int(parameters.get("n_new", 20))
    targets = 1 if shape.classes <= 2 else min(shape.classes, CLASS_COLUMNS)
    pairs = min(10 * new, shape.columns * (shape.columns - 1) / 2)
    scoring = pairs * 6 * rows * (1.2e-7 + 1e-8 * targets)
    forest = 0.05 + 40 * 4 * 5e-9 * rows * max(1, min(shape.columns / 2, 100))
    cells = shape.rows * (shape.columns + new)
    return Cost(forest + scoring + 3e-8 * cells, 5 + 4 * 8e-6 * cells)


def _crosses_cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    rows, pairs = min(shape.rows, SCORE_ROWS), int(parameters.get("n_pairs", 10))
    targets = 1 if shape.classes <= 2 else min(shape.classes, CLASS_COLUMNS)
    tried = min(shape.columns, 30) * (min(shape.columns, 30) - 1) / 2
    pairs = min(pairs, max(1, int(tried)))
    cells = shape.rows * pairs
    seconds = (
        5e-3
        + tried * rows * (1e-7 + 1e-8 * targets)
        + (1.5e-7 + 1.2e-7 * targets) * cells
        + 2e-8 * shape.rows * shape.columns
    )
    return Cost(seconds, 2 + 8e-6 * (3 * shape.rows * shape.columns + cells * (3 + targets)))


COMPONENTS = (
    Component(
        name="arithmetic",
        kind=ComponentKind.TRANSFORMER,
        supervised=True,
        build=_build_arithmetic,
        space=Space({"n_new": Int(5, 100, log=True, default=20), "operations": Choice([OPERATIONS, "/*", "+-"])}),
        roles=frozenset({Role.NUMERIC, Role.ORDINAL}),
        cost=_arithmetic_cost,
        missing=True,
        takes_weights=False,
        classes=("tamis.features.crosses.Arithmetic",),
        source="tamis.features.crosses.Arithmetic",
        summary="sums, products and ratios of numbers that work together",
    ),
    Component(
        name="category_crosses",
        kind=ComponentKind.TRANSFORMER,
        supervised=True,
        build=_build_crosses,
        space=Space({"n_pairs": Int(2, 50, log=True, default=10), "alpha": Float(1, 1000, log=True, default=10.0)}),
        roles=CODE_ROLES | {Role.ORDINAL, Role.BOOLEAN},
        cost=_crosses_cost,
        missing=True,
        classes=("tamis.features.crosses.CategoryCrosses", "tamis.features.target.TargetStatistics"),
        source="tamis.features.crosses.CategoryCrosses",
        summary="out-of-fold target means of crossed levels",
    ),
)
