"""Frees an ensemble of members that do not pay for the time they take to predict."""

from collections.abc import Sequence
from math import inf

import numpy as np

from tamis.core.seeds import generator
from tamis.ensemble.blending import Loss, blend
from tamis.ensemble.selection import MAX_ROWS
from tamis.ensemble.thinning import thinned


def pruned(
    predictions: Sequence[np.ndarray],
    weights: np.ndarray,
    seconds: Sequence[float] | np.ndarray,
    y: np.ndarray,
    loss: Loss,
    *,
    weight: np.ndarray | None = None,
    tolerance: float = 0.001,
    limit_s: float = inf,
) -> np.ndarray:
    """Take members out, one by one, while what is lost is less than it is worth.

    The member that raises the loss least for the seconds it takes goes first. Members go while the loss stays within
    the tolerance, and beyond it while the rest still takes longer than the limit; the last one stays.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n, K) or (n,)
        Out-of-fold predictions; NaN in rows that are not covered.
    weights : ndarray of shape (n_members,)
        Summing to one; 0 for what is not in the ensemble.
    seconds : sequence of float
        What the prediction of a member takes, whatever the unit.
    y : ndarray of shape (n,)
    loss : callable
        (y, prediction, weight) -> float, lower is better.
    weight : ndarray of shape (n,), optional
    tolerance : float
        The share by which the loss may rise, all removals together.
    limit_s : float
        What the members together may take.

    Returns
    -------
    ndarray of shape (n_members,)
        Summing to one.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0, 3.0])
    >>> members = [y + 0.1, y + 0.1, y - 0.1]
    >>> pruned(members, np.array([0.25, 0.25, 0.5]), [5.0, 1.0, 1.0], y, lambda y, p, w: float(np.abs(y - p).mean()),
    ...        limit_s=2.0).round(2).tolist()
    [0.0, 0.33, 0.67]
    """
    seconds = np.asarray(seconds, dtype=np.float64)
    covered = np.isfinite(np.stack([one.reshape(len(one), -1)[:, 0] for one in predictions]))
    rows = np.flatnonzero(covered[weights > 0].any(axis=0))
    rows = rows[thinned(y[rows], MAX_ROWS, generator(0, "pruning"))]
    covered, some = covered[:, rows], [one[rows] for one in predictions]

    def loss_of(chosen: np.ndarray) -> float:
        return loss(y[rows], blend(some, chosen), None if weight is None else weight[rows])

    now = loss_of(weights)
    allowed = now + tolerance * abs(now)
    while (weights > 0).sum() > 1:
        inside = np.flatnonzero(weights)
        options = []
        for member in inside:
            left = _without(weights, int(member))
            if covered[left > 0].any(axis=0).all():
                found = loss_of(left)
                options.append((max(found - now, 0.0) / max(seconds[member], 1e-9), -seconds[member], found, left))
        too_slow = seconds[inside].sum() > limit_s
        fitting = options if too_slow else [one for one in options if one[2] <= allowed]
        if not fitting:
            break
        *_, now, weights = min(fitting, key=lambda one: one[:3])
    return weights


def _without(weights: np.ndarray, member: int) -> np.ndarray:
    found = weights.copy()
    found[member] = 0.0
    return np.asarray(found / found.sum())
