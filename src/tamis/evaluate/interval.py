"""The range in which a score may fall on fresh rows, on a scale where scores are spread evenly."""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from tamis.core.seeds import generator
from tamis.tasks.metric import Metric
from tamis.tasks.task import Task

_MEAN_ROWS = 20_000
_OTHER_ROWS = 5_000
"""Beyond so many rows a part of them is drawn from, and the error scaled by the root of the share."""


class Scale:
    """Maps a metric's values to the whole line, so that limits stay in range and are skewed the right way.

    The logit for metrics bounded on both sides, the logarithm of the distance to the bound for one side.

    Parameters
    ----------
    metric : Metric
    n_rows : int
        Values are drawn in by half a row, so that a perfect score is not infinitely far away.
    """

    def __init__(self, metric: Metric, n_rows: int) -> None:
        self.lower, self.upper = metric.lower, metric.upper
        self.n_rows = n_rows

    def forward(self, value: float | np.ndarray) -> np.ndarray:
        """Map to the line."""
        value = np.asarray(value, dtype=np.float64)
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            share = (value - self.lower) / (self.upper - self.lower)
            share = (share * self.n_rows + 0.5) / (self.n_rows + 1)
            return np.asarray(np.log(share) - np.log1p(-share))
        if math.isfinite(self.lower):
            return np.asarray(np.log(np.maximum(value - self.lower, 1e-300)))
        if math.isfinite(self.upper):
            return np.asarray(-np.log(np.maximum(self.upper - value, 1e-300)))
        return value

    def backward(self, place: float) -> float:
        """Map back."""
        if math.isfinite(self.lower) and math.isfinite(self.upper):
            share = 1 / (1 + math.exp(-max(-700.0, min(700.0, place))))
            share = min(1.0, max(0.0, (share * (self.n_rows + 1) - 0.5) / self.n_rows))
            return self.lower + share * (self.upper - self.lower)
        if math.isfinite(self.lower):
            return self.lower + math.exp(min(700.0, place))
        if math.isfinite(self.upper):
            return self.upper - math.exp(min(700.0, -place))
        return place

    def least_error(self, value: float) -> float:
        """Return the error of a bounded score that no draw changes, such as a perfect one: half a row."""
        if not (math.isfinite(self.lower) and math.isfinite(self.upper)):
            return 0.0
        share = ((value - self.lower) / (self.upper - self.lower) * self.n_rows + 0.5) / (self.n_rows + 1)
        return 1 / math.sqrt(self.n_rows * share * (1 - share)) if min(share, 1 - share) * self.n_rows < 1 else 0.0


def _draws(n_rows: int, groups: np.ndarray | None, rng: np.random.Generator) -> Callable[[], np.ndarray]:
    """Return a function that draws rows with replacement, or whole groups of them."""
    if groups is None:
        return lambda: rng.integers(0, n_rows, n_rows)
    order = np.argsort(groups, kind="stable")
    starts = np.append(0, np.flatnonzero(np.diff(groups[order])) + 1)
    members = np.split(order, starts[1:])
    return lambda: np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])


def _thinned(n_rows: int, limit: int, groups: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Return some rows, whole groups where there are groups."""
    if n_rows <= limit:
        return np.arange(n_rows)
    if groups is None:
        return np.sort(rng.choice(n_rows, limit, replace=False))
    distinct, codes = np.unique(groups, return_inverse=True)
    taken = rng.permutation(len(distinct))[: max(2, round(len(distinct) * limit / n_rows))]
    return np.flatnonzero(np.isin(codes, taken))


def bootstrap_error(
    y: np.ndarray,
    prediction: np.ndarray,
    task: Task,
    scale: Scale,
    *,
    weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    seed: int = 0,
    n_draws: int = 200,
) -> float:
    """Return the standard error of the score, on the scale, by the bootstrap (Efron 1979) over rows or groups."""
    rng = generator(seed, "bootstrap")
    losses = task.metric.row_losses(y, prediction)
    n_all = len(y)
    rows = _thinned(n_all, _OTHER_ROWS if losses is None else _MEAN_ROWS, groups, rng)
    heavy = None if weight is None else weight[rows]
    draw = _draws(len(rows), None if groups is None else groups[rows], rng)
    values = np.empty(n_draws)
    for number in range(n_draws):
        drawn = draw()
        inside = None if heavy is None else heavy[drawn]
        if losses is not None:
            values[number] = task.metric.value_of(float(np.average(losses[rows][drawn], weights=inside)))
        else:
            values[number] = task.value(y[rows[drawn]], prediction[rows[drawn]], inside)
    placed = scale.forward(values[np.isfinite(values)])
    if len(placed) < 2:
        return 0.0
    # Quantiles, not moments: one draw at the end of the range must not decide.
    low, high = np.quantile(placed, [0.1587, 0.8413])
    error = max(float(high - low) / 2, min(float(placed.std(ddof=1)), 3 * float(high - low)))
    return error * math.sqrt(len(rows) / n_all)


def limits(value: float, scale: Scale, error: float, level: float) -> tuple[float, float]:
    """Return the lower and the upper limit around a value for an error given on the scale."""
    reach = NormalDist().inv_cdf(0.5 + level / 2) * error
    place = float(scale.forward(value))
    low, high = scale.backward(place - reach), scale.backward(place + reach)
    return min(low, value), max(high, value)
