"""The rule that turns probabilities into labels where the metric asks for labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from tamis.core.seeds import generator
from tamis.ensemble.blending import Loss
from tamis.ensemble.thinning import thinned

_LEAST_ROWS = 30
_MAX_ROWS, _MAX_CELLS = 20_000, 100_000
_N_PARTS = 5
_N_THRESHOLDS = 150
_MOST_CLASSES = 30
_FACTORS = np.exp(np.linspace(-3, 3, 13))


@dataclass(frozen=True)
class DecisionRule:
    """Decides for the class whose probability times its factor is largest.

    For two classes that is a threshold on the probability of the second.

    Examples
    --------
    >>> rule = DecisionRule.at(0.2, 2)
    >>> rule.apply(np.array([[0.7, 0.3]])).argmax(axis=1).tolist(), round(rule.threshold, 2)
    ([1], 0.2)
    """

    factors: tuple[float, ...]
    """One per class, summing to one; all equal means the most likely class."""

    @classmethod
    def plain(cls, n_classes: int) -> "DecisionRule":
        """Return the rule that decides for the most likely class."""
        return cls((1 / n_classes,) * n_classes)

    @classmethod
    def at(cls, threshold: float, n_classes: int = 2) -> "DecisionRule":
        """Return the rule that decides for the second of two classes above a threshold."""
        assert n_classes == 2, "a threshold divides two classes"
        return cls((threshold, 1 - threshold))

    @property
    def threshold(self) -> float:
        """Return the probability above which the second of two classes is decided for."""
        return self.factors[0] / (self.factors[0] + self.factors[1])

    @property
    def is_plain(self) -> bool:
        """Tell whether the most likely class is decided for."""
        return max(self.factors) - min(self.factors) < 1e-9

    def apply(self, prediction: np.ndarray) -> np.ndarray:
        """Return probabilities tilted so that the largest is the class decided for; not to be shown to people."""
        if self.is_plain:
            return prediction
        tilted = prediction * np.array(self.factors)
        total = tilted.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(tilted, total, out=np.array(prediction, dtype=np.float64), where=total > 0))

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"factors": list(self.factors)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "DecisionRule":
        """Read what `to_json` wrote."""
        return cls(tuple(record["factors"]))


def _search_threshold(prediction: np.ndarray, y: np.ndarray, loss: Loss, weight: np.ndarray | None) -> DecisionRule:
    """Return the threshold in the middle of the flat place where the loss is lowest."""
    second = np.unique(prediction[:, 1])
    if len(second) > _N_THRESHOLDS:
        places = np.linspace(0, 1, _N_THRESHOLDS)
        # Where the second class is rare, all thresholds worth trying lie among the few highest probabilities.
        among = (second, prediction[y == 1, 1]) if (y == 1).any() else (second,)
        second = np.unique([np.quantile(one, places) for one in among])
    middles = (second[1:] + second[:-1]) / 2
    candidates = np.unique(np.clip(np.append(middles, 0.5), 1e-6, 1 - 1e-6))
    losses = np.array([loss(y, DecisionRule.at(float(one)).apply(prediction), weight) for one in candidates])
    best = np.flatnonzero(losses <= losses.min() + 1e-12)
    # Of several, the one nearest to the plain rule changes least.
    return DecisionRule.at(float(candidates[best[np.abs(candidates[best] - 0.5).argmin()]]))


def _search_factors(prediction: np.ndarray, y: np.ndarray, loss: Loss, weight: np.ndarray | None) -> DecisionRule:
    """Return factors found one class at a time, from equal ones or from those that even out the frequencies.

    Of very many classes one or the other: each has few rows to find a factor on, and the search would take long.
    """
    n_classes = prediction.shape[1]
    rates = np.maximum(np.bincount(y, weights=weight, minlength=n_classes), 1e-9)
    best, best_loss = np.ones(n_classes), loss(y, prediction, weight)
    even = rates.mean() / rates
    even_loss = loss(y, prediction * even, weight)
    if even_loss < best_loss - 1e-12:
        best, best_loss = even, even_loss
    for factors in (_FACTORS, _FACTORS ** (1 / 4)):  # widely first, then nearby
        for code in np.argsort(rates) if n_classes <= _MOST_CLASSES else ():
            start = best
            for factor in factors:
                tried = start.copy()
                tried[code] *= factor
                value = loss(y, prediction * tried, weight)
                if value < best_loss - 1e-12:
                    best, best_loss = tried, value
    return DecisionRule(tuple(float(one) for one in best / best.sum()))


def _mean_rule(rules: list[DecisionRule]) -> DecisionRule:
    """Return the rule in the middle of several, on the scale of the log odds."""
    logs = np.log(np.maximum(np.array([rule.factors for rule in rules]), 1e-12))
    middle = np.exp(np.median(logs - logs.mean(axis=1, keepdims=True), axis=0))
    return DecisionRule(tuple(float(one) for one in middle / middle.sum()))


def fit_rule(
    prediction: np.ndarray,
    y: np.ndarray,
    loss: Loss,
    *,
    weight: np.ndarray | None = None,
    seed: int = 0,
) -> DecisionRule:
    """Fit the decision rule that a metric of labels is best served by; the plain one unless another holds up.

    A rule is searched on four of five parts and judged on the fifth. Where that is better than the plain rule by more
    than a standard error over the parts, the middle of the five rules is kept, which moves less than the one
    rule of all rows.

    Parameters
    ----------
    prediction : ndarray of shape (n, K)
        Out-of-fold probabilities; rows with NaN are left out.
    y : ndarray of int, shape (n,)
    loss : callable
        (y, prediction, weight) -> float, lower is better; it looks at the largest of each row only, for rows need not
        sum to one.
    weight : ndarray of shape (n,), optional
    seed : int

    Returns
    -------
    DecisionRule

    Examples
    --------
    >>> fit_rule(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), lambda y, p, w: 0.0).is_plain
    True
    """
    n_classes = prediction.shape[1]
    rows = np.flatnonzero(np.isfinite(prediction).all(axis=1))
    rng = generator(seed, "threshold")
    most = min(_MAX_ROWS, _MAX_CELLS // n_classes)
    rows = rows[thinned(y[rows], most, rng)]
    if len(rows) < _LEAST_ROWS or np.sort(np.bincount(y[rows], minlength=2))[-2] < _N_PARTS:
        return DecisionRule.plain(n_classes)
    prediction, y = np.asarray(prediction[rows], dtype=np.float64), y[rows]
    heavy = None if weight is None else weight[rows]
    search = _search_threshold if n_classes == 2 else _search_factors
    order = rng.permutation(len(y))
    part = np.empty(len(y), dtype=np.int64)
    part[order[np.argsort(y[order], kind="stable")]] = np.arange(len(y)) % _N_PARTS
    rules, gains = [], []
    for number in range(_N_PARTS):
        fit, test = part != number, part == number
        rule = search(prediction[fit], y[fit], loss, None if heavy is None else heavy[fit])
        inside = None if heavy is None else heavy[test]
        rules.append(rule)
        gains.append(loss(y[test], prediction[test], inside) - loss(y[test], rule.apply(prediction[test]), inside))
    gain, error = float(np.mean(gains)), float(np.std(gains, ddof=1)) / sqrt(_N_PARTS)
    if not gain > max(error, 1e-9):
        return DecisionRule.plain(n_classes)
    middle = _mean_rule(rules)
    # The middle of factors that were found apart can be worse than each: then nothing is changed.
    kept = loss(y, middle.apply(prediction), heavy) < loss(y, prediction, heavy)
    return middle if kept else DecisionRule.plain(n_classes)
