"""Gives a scikit-learn estimator the manners of a model: a column for every class, a scaled target, few enough rows."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from tamis.core.component import BuildContext, CostEstimate, Shape

ABSOLUTE_METRICS = frozenset(
    {
        "mae", "mean_absolute_error", "median_absolute_error", "medae", "mape", "smape", "wape", "d2_absolute_error",
        "mean_pinball",
    }
)  # fmt: skip
"""Metrics of regression that the conditional median serves best."""
LOG_METRICS = frozenset({"rmsle", "msle", "mean_squared_log_error", "root_mean_squared_log_error"})
"""Metrics of regression that are squared errors of log(1 + y)."""


def prefers_median(metric: str) -> bool:
    """Tell whether the absolute loss suits the metric better than the squared one.

    Examples
    --------
    >>> prefers_median("mae"), prefers_median("rmse")
    (True, False)
    """
    return metric in ABSOLUTE_METRICS


class TargetScale:
    """Brings a regression target to mean 0 and deviation 1, by way of its logarithm where that is asked for.

    Parameters
    ----------
    log : bool
        Work on log(1 + y / unit), the unit being the median; ignored where the target has negative values.
    unit : float or None
        Fixes the unit.

    Examples
    --------
    >>> y = np.array([1.0, 10.0, 100.0])
    >>> scale = TargetScale(log=True).fit(y)
    >>> np.allclose(scale.inverse(scale.forward(y)), y)
    True
    """

    def __init__(self, log: bool = False, unit: float | None = None) -> None:
        self.log = log
        self.unit = 0.0 if unit is None else unit
        self.center = 0.0
        self.scale = 1.0
        self.low = -inf
        self.high = inf

    @classmethod
    def for_metric(cls, metric: str, parameters: Mapping[str, Any]) -> "TargetScale":
        """Return the scale that the metric or the parameter `log_target` asks for."""
        if metric in LOG_METRICS:
            return cls(log=True, unit=1.0)
        return cls(log=bool(parameters.get("log_target", False)))

    def fit(self, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "TargetScale":
        """Learn centre and scale from a target of shape (n_rows,)."""
        self.low, self.high = float(np.min(y)), float(np.max(y))
        self.log = self.log and self.low >= 0.0
        if self.log and not self.unit:
            self.unit = float(np.median(y)) or float(np.mean(y)) or 1.0
        values = np.log1p(y / self.unit) if self.log else np.asarray(y, dtype=float)
        self.center = float(np.average(values, weights=sample_weight))
        spread = float(np.sqrt(np.average((values - self.center) ** 2, weights=sample_weight)))
        # A spread that rounding alone explains would blow that rounding up.
        self.scale = spread if spread > 1e-12 * max(1e-300, abs(self.center)) else 1.0
        return self

    @property
    def constant(self) -> bool:
        """Tell whether the target had one value only."""
        return self.low == self.high

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Scale a target."""
        values = np.log1p(np.maximum(y, 0.0) / self.unit) if self.log else np.asarray(y, dtype=float)
        return (values - self.center) / self.scale

    def inverse(self, scaled: np.ndarray, *, within: float = inf) -> np.ndarray:
        """Bring predictions back; `within` bounds them to the range seen, widened by that share of it."""
        values = np.asarray(scaled, dtype=float) * self.scale + self.center
        if self.log:
            top = np.log1p(self.high / self.unit) + 1.0
            values = np.expm1(np.clip(values, 0.0, top)) * self.unit
        if within < inf:
            room = within * (self.high - self.low)
            values = np.clip(values, self.low - room, self.high + room)
        return values

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return dict(self.__dict__)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "TargetScale":
        """Read what `to_json` wrote."""
        scale = cls()
        scale.__dict__.update(record)
        return scale


def spread_classes(probabilities: np.ndarray, present: np.ndarray, n_classes: int, n_rows: int) -> np.ndarray:
    """Put probabilities of the classes seen into columns for all of them.

    A class that was not seen in `n_rows` rows gets 0.5 / (n_rows + n_classes): not none, since log loss would be
    unbounded where it turns up.

    Examples
    --------
    >>> spread_classes(np.array([[0.25, 0.75]]), np.array([0, 2]), 3, 47).round(4)
    array([[0.2475, 0.01  , 0.7425]])
    """
    absent = n_classes - len(present)
    if absent == 0:
        return probabilities
    each = 0.5 / (n_rows + n_classes)
    full = np.full((len(probabilities), n_classes), each)
    full[:, present] = probabilities * (1.0 - absent * each)
    return full


def normalize(probabilities: np.ndarray) -> np.ndarray:
    """Make rows finite, non-negative and of sum 1; a row without any mass becomes uniform."""
    clean = np.clip(np.nan_to_num(np.asarray(probabilities, dtype=float), nan=0.0, posinf=1.0), 0.0, None)
    total = clean.sum(axis=1, keepdims=True)
    return np.where(total > 0, clean / np.where(total > 0, total, 1.0), 1.0 / clean.shape[1])


def stratified_rows(y: np.ndarray, n_rows: int, seed: int) -> np.ndarray:
    """Return the sorted indices of rows spread evenly over the target, at least one of each of its first values' runs.

    Parameters
    ----------
    y : ndarray of shape (n,)
    n_rows : int
        How many rows are wanted; all of them where there are no more.
    """
    n = len(y)
    if n <= n_rows:
        return np.arange(n)
    order = np.lexsort((np.random.default_rng(seed).random(n), y))
    chosen = order[np.linspace(0, n - 1, n_rows).astype(np.intp)]
    if np.issubdtype(y.dtype, np.integer):
        chosen = np.union1d(chosen, np.unique(y, return_index=True)[1])
    return np.unique(chosen)


def rows_within(cost: CostEstimate, context: BuildContext, parameters: Mapping[str, Any], most: int) -> int:
    """Return how many rows can be learned from inside the slice: as another fold found, or by the component's estimate.

    Parameters
    ----------
    most : int
        The number that is never exceeded.
    """
    rows = min(context.shape.rows, most)
    known = int(context.realised.get("most_rows", 0))
    if known:  # its slice was measured on that fold, where the estimate may be far off
        return most if known >= 0.9 * rows else known
    if context.limit_s == inf and context.memory_mb == inf:
        return most
    while rows > 500:
        estimate = cost(replace(context.shape, rows=rows), parameters)
        if estimate.seconds <= 0.6 * context.limit_s and estimate.memory_mb <= context.memory_mb:
            return rows if rows < min(context.shape.rows, most) else most
        rows = int(rows * 0.75)
    return rows


def cells(shape: Shape) -> float:
    """Return the number of stored values of the matrix."""
    return shape.rows * shape.columns * shape.density


class Classifier:
    """A scikit-learn classifier that gives every class a column.

    Parameters
    ----------
    estimator : object
        With `fit` and `predict_proba`.
    n_classes : int
    max_rows : int
        Learn from a stratified sample where there are more rows.
    weights : bool
        Whether `estimator.fit` takes `sample_weight`.
    """

    def __init__(
        self, estimator: Any, n_classes: int, *, max_rows: int = 10**9, weights: bool = True, seed: int = 0
    ) -> None:
        self.estimator = estimator
        self.n_classes = n_classes
        self.max_rows = max_rows
        self.weights = weights
        self.seed = seed

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Classifier":
        """Fit on codes 0 to n_classes - 1; a single class is remembered without fitting."""
        y = np.asarray(y).astype(np.int64)
        rows = stratified_rows(y, self.max_rows, self.seed)
        if len(rows) < len(y):
            X, y = X[rows], y[rows]
            sample_weight = None if sample_weight is None else sample_weight[rows]
        self.present_ = np.unique(y)
        self.n_rows_ = len(y)
        if len(self.present_) > 1:
            weighting = {"sample_weight": sample_weight} if self.weights and sample_weight is not None else {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.estimator.fit(X, np.searchsorted(self.present_, y), **weighting)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities of shape (n_rows, n_classes)."""
        if len(self.present_) == 1:
            seen = np.ones((X.shape[0], 1))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                seen = normalize(self.estimator.predict_proba(X))
        return spread_classes(seen, self.present_, self.n_classes, self.n_rows_)


class Regressor:
    """A scikit-learn regressor on a scaled target.

    Parameters
    ----------
    estimator : object
        With `fit` and `predict`.
    scale : TargetScale
    within : float
        Bounds predictions to the range of the training target, widened by this share of it.
    """

    def __init__(
        self,
        estimator: Any,
        scale: TargetScale,
        *,
        max_rows: int = 10**9,
        weights: bool = True,
        seed: int = 0,
        within: float = inf,
    ) -> None:
        self.estimator = estimator
        self.scale = scale
        self.max_rows = max_rows
        self.weights = weights
        self.seed = seed
        self.within = within

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Regressor":
        """Fit on a target of shape (n_rows,)."""
        y = np.asarray(y, dtype=float)
        rows = stratified_rows(y, self.max_rows, self.seed)
        if len(rows) < len(y):
            X, y = X[rows], y[rows]
            sample_weight = None if sample_weight is None else sample_weight[rows]
        self.scale.fit(y, sample_weight)
        if not self.scale.constant:
            weighting = {"sample_weight": sample_weight} if self.weights and sample_weight is not None else {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.estimator.fit(X, self.scale.forward(y), **weighting)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return predictions of shape (n_rows,)."""
        if self.scale.constant:
            return np.full(X.shape[0], self.scale.low)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scaled = np.asarray(self.estimator.predict(X), dtype=float).ravel()
        return self.scale.inverse(scaled, within=self.within)


WRAPPERS = (
    "tamis.algorithms.estimator.Classifier",
    "tamis.algorithms.estimator.Regressor",
    "tamis.algorithms.estimator.TargetScale",
)
"""The full names of the classes above, for the allow-lists of saved fits."""
