"""The honest score of an ensemble whose weights were chosen on the same out-of-fold rows."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tamis.core.errors import DataError
from tamis.core.seeds import generator
from tamis.evaluate.interval import Scale, bootstrap_error, limits
from tamis.evaluate.stratify import deal, value_strata
from tamis.tasks.task import Task

Predictor = Callable[[np.ndarray], np.ndarray]
"""(rows) -> the prediction of these rows, NaN where there is none."""
Combine = Callable[[np.ndarray], Predictor]
"""(rows to fit on) -> a predictor: chooses weights, calibration and threshold on these rows alone."""

_FIT_ROWS = 5_000
"""Weights are chosen on at most so many rows of each part: more would hardly change them."""


@dataclass(frozen=True)
class ScoreEstimate:
    """A score, and the range in which it may fall on a fresh table."""

    value: float
    """In the metric's natural sign and unit."""
    low: float
    high: float
    level: float
    """The probability of the range."""
    n_rows: int
    """How many rows were scored."""
    method: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ScoreEstimate":
        """Read what `to_json` wrote."""
        return cls(**record)


def _parts(y: np.ndarray, task: Task, groups: np.ndarray | None, seed: int) -> np.ndarray:
    """Return the part of each row: five of few rows, two of many."""
    n_units = len(y) if groups is None else len(np.unique(groups))
    n_parts = min(5 if len(y) < 2000 else 3 if len(y) < 10_000 else 2, n_units)
    if n_parts < 2:
        return np.zeros(len(y), dtype=np.int16)
    classes = task.kind.is_classification
    strata = y if classes else value_strata(y, n_parts)
    # Not told that the strata are classes: every row must be scored, and weights can be chosen without a rare class.
    return deal(strata, n_parts, generator(seed, "estimate"), classes=False, clusters=groups)


def crossfit(combine: Combine, rows: np.ndarray, part: np.ndarray, seed: int = 0) -> np.ndarray:
    """Predict each part by what was combined on the others.

    Parameters
    ----------
    combine : callable
    rows : ndarray of int, shape (m,)
    part : ndarray of int, shape (m,)
        Where there is one part only, it is fitted and predicted alike.

    Returns
    -------
    ndarray of shape (m, K) or (m,)
    """
    pieces: list[tuple[np.ndarray, np.ndarray]] = []
    for number in np.unique(part):
        inside = part == number
        fit = rows[inside] if inside.all() else rows[~inside]
        if len(fit) > _FIT_ROWS:
            fit = np.sort(generator(seed, "crossfit", number).choice(fit, _FIT_ROWS, replace=False))
        pieces.append((np.flatnonzero(inside), np.asarray(combine(fit)(rows[inside]))))
    pooled = np.empty((len(rows), *pieces[0][1].shape[1:]), dtype=np.float64)
    for places, prediction in pieces:
        pooled[places] = prediction
    return pooled


def _excess(y: np.ndarray, prediction: np.ndarray, task: Task, scale: Scale, part: np.ndarray, error: float) -> float:
    """Return the variance between folds, on the scale, beyond what the sampling of rows explains."""
    numbers, sizes = np.unique(part, return_counts=True)
    if len(numbers) < 3 or sizes.min() < 20:
        return 0.0
    values = np.array([task.value(y[part == number], prediction[part == number]) for number in numbers])
    if not np.isfinite(values).all():
        return 0.0
    expected = error**2 * len(y) / sizes.mean()
    observed = float(scale.forward(values).var(ddof=1))
    # Below twice what is expected it is as likely noise.
    return observed - expected if observed > 2 * expected else 0.0


def estimate(
    y: np.ndarray,
    task: Task,
    combine: Combine,
    *,
    rows: np.ndarray | None = None,
    weight: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    folds: np.ndarray | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> ScoreEstimate:
    """Score an ensemble as a fresh table would, and say how far off that may be.

    The weights were chosen on the rows they would be scored on, so the choice is repeated: the rows are parted, each
    part is predicted by what was combined on the others, and the pooled predictions are scored. The range is for the
    score on a fresh table with a third as many rows as there are here. With s the bootstrap's standard error for
    n rows, a table of m = n / 3 rows adds its own chance, which makes s * sqrt(1 + n / m); spread between the folds
    that sampling does not explain is added, as if each fold, old or new, had its own level.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Encoded targets of all rows.
    task : Task
    combine : callable
        (rows to fit on) -> predictor; predictor(rows) -> (m, K) or (m,), NaN for rows that no member covers.
    rows : ndarray of int, optional
        The rows that members cover; all where not given.
    weight, groups : ndarray of shape (n,), optional
        Rows of one group stay together in parts and in draws.
    folds : ndarray of int, shape (n,), optional
        The fold in which each row was validated, for the spread between folds; the parts where not given.
    level : float
    seed : int

    Returns
    -------
    ScoreEstimate

    Raises
    ------
    DataError
        Where no row is covered.
    """
    rows = np.arange(len(y)) if rows is None else np.asarray(rows)
    clusters = None if groups is None else np.unique(np.asarray(groups)[rows], return_inverse=True)[1]
    if not len(rows):
        raise DataError("No row has an out-of-fold prediction: there is nothing to estimate the score from.")
    part = _parts(y[rows], task, clusters, seed)
    prediction = crossfit(combine, rows, part, seed)
    known = np.isfinite(prediction.reshape(len(rows), -1)).all(axis=1)
    if not known.any():
        raise DataError("No row has an out-of-fold prediction: there is nothing to estimate the score from.")
    rows, part, prediction = rows[known], part[known], prediction[known]
    clusters = None if clusters is None else clusters[known]
    truth, heavy = y[rows], None if weight is None else weight[rows]
    method = f"cross-fitted in {len(np.unique(part))} parts, bootstrap over {'rows' if clusters is None else 'groups'}"
    value = task.value(truth, prediction, heavy)
    if math.isnan(value):
        return ScoreEstimate(value, math.nan, math.nan, level, len(rows), method)
    scale = Scale(task.metric, len(rows))
    error = bootstrap_error(truth, prediction, task, scale, weight=heavy, groups=clusters, seed=seed)
    error = max(error, scale.least_error(value))
    between = part if folds is None else np.asarray(folds)[rows]
    fresh = max(len(rows) / 3, 1.0)
    ratio = len(rows) / fresh
    excess = _excess(truth, prediction, task, scale, between, error)
    n_folds = max(1, len(np.unique(between)))
    total = math.sqrt(error**2 * (1 + ratio) + excess * (1 + ratio) / n_folds)
    low, high = limits(value, scale, total, level)
    return ScoreEstimate(value, low, high, level, len(rows), method)
