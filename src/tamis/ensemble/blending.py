"""Blends out-of-fold predictions that do not all cover the same rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tamis.core.errors import DataError

Loss = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
"""(y, prediction, weight) -> loss; lower is better."""


def coverage(prediction: np.ndarray) -> np.ndarray:
    """Return which rows of a prediction are there (not NaN), of shape (n,)."""
    return np.isfinite(prediction if prediction.ndim == 1 else prediction[:, 0])


@dataclass(frozen=True)
class Pool:
    """Members' predictions on the rows where they are compared."""

    predictions: list[np.ndarray]
    """Each (n, K) or (n,) in float64, zero where it does not cover a row."""
    masks: np.ndarray
    """Shape (n_members, n): 1.0 where a member covers a row."""
    y: np.ndarray
    weight: np.ndarray | None

    @classmethod
    def of(
        cls, predictions: Sequence[np.ndarray], rows: np.ndarray, y: np.ndarray, weight: np.ndarray | None
    ) -> "Pool":
        """Take some rows of every member."""
        parts = [np.asarray(one[rows], dtype=np.float64) for one in predictions]
        masks = np.array([coverage(part) for part in parts], dtype=np.float64).reshape(len(parts), len(rows))
        filled = [np.where(_over(mask, part) > 0, part, 0.0) for mask, part in zip(masks, parts, strict=True)]
        return cls(filled, masks, y[rows], None if weight is None else weight[rows])

    @property
    def full(self) -> np.ndarray:
        """Return which members cover every row, of shape (n_members,)."""
        return np.asarray(self.masks.all(axis=1))

    def take(self, rows: np.ndarray) -> "Pool":
        """Return some of the rows."""
        weight = None if self.weight is None else self.weight[rows]
        return Pool([one[rows] for one in self.predictions], self.masks[:, rows], self.y[rows], weight)

    def choose(self, members: np.ndarray) -> "Pool":
        """Return some of the members."""
        return Pool([self.predictions[i] for i in members], self.masks[members], self.y, self.weight)

    def loss(self, member: int, loss: Loss) -> float:
        """Score one member on the rows it covers; infinite where there are none."""
        mask = self.masks[member] > 0
        if mask.all():
            return loss(self.y, self.predictions[member], self.weight)
        if not mask.any():
            return float("inf")
        weight = None if self.weight is None else self.weight[mask]
        return loss(self.y[mask], self.predictions[member][mask], weight)

    def blend(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean of the members that cover each row, NaN where none does."""
        total = np.zeros_like(self.predictions[0])
        for i in np.flatnonzero(weights):
            total += weights[i] * self.predictions[i]
        share = np.einsum("i,ij->j", weights, self.masks)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(total / _over(share, total))


def _over(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
    return rows[:, None] if like.ndim == 2 else rows


def blend(predictions: Sequence[np.ndarray], weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the weighted mean of predictions, over the members that cover each row.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n, K) or (n,)
        NaN in rows that a member does not cover.
    weights : sequence of float, shape (n_members,)
        Not negative; a member of weight zero is not looked at.

    Returns
    -------
    ndarray of float64
        NaN where no member with a weight covers the row.

    Examples
    --------
    >>> blend([np.array([1.0, 2.0]), np.array([3.0, np.nan])], [0.5, 0.5]).tolist()
    [2.0, 2.0]
    """
    weights = np.asarray(weights, dtype=np.float64)
    if len(weights) != len(predictions):
        raise DataError(f"A blend needs one weight per member; got {len(weights)} for {len(predictions)} members.")
    if not (weights > 0).any():
        raise DataError("A blend needs a member whose weight is above zero; all are zero.")
    used = [one for one, share in zip(predictions, weights, strict=True) if share > 0]
    pool = Pool.of(used, np.arange(len(used[0])), np.zeros(len(used[0])), None)
    return pool.blend(weights[weights > 0])


def top_k(losses: np.ndarray, k: int) -> np.ndarray:
    """Return equal weights of the k members with the lowest loss.

    Examples
    --------
    >>> top_k(np.array([0.3, 0.1, 0.2]), 2).tolist()
    [0.0, 0.5, 0.5]
    """
    weights = np.zeros(len(losses))
    best = [i for i in np.argsort(losses, kind="stable")[:k] if np.isfinite(losses[i])]
    weights[best] = 1 / max(1, len(best))
    return weights
