"""Gathers out-of-fold predictions as they come, and compares candidates on the rows they share."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from tamis.core.errors import DataError
from tamis.tasks.task import Task


@dataclass(frozen=True)
class Comparison:
    """How much higher the loss of one candidate is than that of another, on the rows both predicted."""

    difference: float
    """First loss minus second: below zero where the first is better."""
    standard_error: float
    """Of the difference, rows paired; infinite where too few rows are shared."""
    n_rows: int


class _Sums:
    """The running sum of one candidate's predictions, and how many went into each row."""

    __slots__ = ("counts", "folds", "total")

    def __init__(self, n_rows: int, n_outputs: int) -> None:
        # Seven digits are enough for a probability, but not for a value such as a date in seconds.
        self.total = np.zeros((n_rows, n_outputs), np.float32) if n_outputs > 1 else np.zeros(n_rows)
        self.counts = np.zeros(n_rows, dtype=np.uint16)
        self.folds: set[int] = set()


class OutOfFold:
    """Out-of-fold predictions of many candidates; repeats of a row are averaged.

    Parameters
    ----------
    n_rows : int
    n_outputs : int
        Columns of a prediction: K for classes, 1 for regression.

    Examples
    --------
    >>> oof = OutOfFold(3, 1)
    >>> oof.add("a", 0, np.array([0, 2]), np.array([1.0, 5.0]))
    True
    >>> oof.prediction("a")
    array([ 1., nan,  5.])
    """

    def __init__(self, n_rows: int, n_outputs: int) -> None:
        self.n_rows = n_rows
        self.n_outputs = n_outputs
        self._sums: dict[Hashable, _Sums] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._sums

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._sums)

    def __len__(self) -> int:
        return len(self._sums)

    def add(self, key: Hashable, fold: int, rows: np.ndarray, prediction: np.ndarray) -> bool:
        """Take in what a candidate predicted for one fold.

        Returns
        -------
        bool
            False where this fold was there already, as when a journal is replayed twice: nothing changes then.

        Raises
        ------
        DataError
            Where shapes do not fit, or a prediction is not finite.
        """
        prediction = np.asarray(prediction)
        wanted = (len(rows), self.n_outputs) if self.n_outputs > 1 else (len(rows),)
        if prediction.shape != wanted:
            raise DataError(
                f"The prediction of {key!r} on fold {fold} must have shape {wanted}; got {prediction.shape}."
            )
        if not np.isfinite(prediction).all():
            raise DataError(f"The prediction of {key!r} on fold {fold} holds values that are not finite.")
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = _Sums(self.n_rows, self.n_outputs)
        if fold in sums.folds:
            return False
        sums.total[rows] += prediction
        sums.counts[rows] += 1
        sums.folds.add(fold)
        return True

    def discard(self, key: Hashable) -> None:
        """Forget a candidate and free its memory."""
        self._sums.pop(key, None)

    def folds(self, key: Hashable) -> tuple[int, ...]:
        """Return the folds that are there, in rising order."""
        return tuple(sorted(self._sums[key].folds)) if key in self._sums else ()

    def covered(self, key: Hashable) -> np.ndarray:
        """Return which rows are predicted, of shape (n_rows,)."""
        return self._sums[key].counts > 0

    def prediction(self, key: Hashable, rows: np.ndarray | None = None) -> np.ndarray:
        """Return the mean over repeats, NaN where a row is not covered.

        Returns
        -------
        ndarray of float32, shape (n, K), or of float64, shape (n,)
        """
        sums = self._sums[key]
        counts = sums.counts if rows is None else sums.counts[rows]
        total = sums.total if rows is None else sums.total[rows]
        share = np.full(len(counts), np.nan, dtype=total.dtype)
        np.divide(1.0, counts, out=share, where=counts > 0)
        return np.asarray(total * (share[:, None] if total.ndim == 2 else share))

    def loss(
        self,
        key: Hashable,
        task: Task,
        y: np.ndarray,
        weight: np.ndarray | None = None,
        *,
        rows: np.ndarray | None = None,
    ) -> float:
        """Score a candidate on the rows it covers, or on some of them; infinite where there are none.

        Parameters
        ----------
        rows : ndarray of bool, shape (n_rows,), optional
        """
        mask = self.covered(key) if rows is None else self.covered(key) & rows
        if not mask.any():
            return inf
        return task.loss(y[mask], self.prediction(key, mask), None if weight is None else weight[mask])

    def compare(
        self, first: Hashable, second: Hashable, task: Task, y: np.ndarray, weight: np.ndarray | None = None
    ) -> Comparison:
        """Compare two candidates on the rows both cover."""
        rows = np.flatnonzero(self.covered(first) & self.covered(second))
        if not len(rows):
            return Comparison(0.0, inf, 0)
        heavy = None if weight is None else weight[rows]
        return compare(self.prediction(first, rows), self.prediction(second, rows), y[rows], task, heavy)


def compare(
    first: np.ndarray, second: np.ndarray, y: np.ndarray, task: Task, weight: np.ndarray | None = None
) -> Comparison:
    """Compare two predictions of the same rows, with the standard error of the paired difference.

    Where the loss is a mean over rows the error is that of a mean; for others it comes from leaving out one of 20
    blocks of rows at a time (the delete-a-group jackknife).
    """
    difference = task.loss(y, first, weight) - task.loss(y, second, weight)
    mine, other = task.metric.row_losses(y, first), task.metric.row_losses(y, second)
    if len(y) < 3:
        return Comparison(difference, inf, len(y))
    if mine is not None and other is not None:
        return Comparison(difference, _error_of_mean(mine - other, weight), len(y))
    return Comparison(difference, _jackknife(first, second, y, task, weight), len(y))


def _error_of_mean(values: np.ndarray, weight: np.ndarray | None) -> float:
    if weight is None:
        return float(values.std(ddof=1) / sqrt(len(values)))
    total = weight.sum()
    spread = weight * (values - (values * weight).sum() / total)
    return float(sqrt((spread**2).sum()) / total)


def _jackknife(
    first: np.ndarray, second: np.ndarray, y: np.ndarray, task: Task, weight: np.ndarray | None, n_blocks: int = 20
) -> float:
    n_blocks = min(n_blocks, len(y))
    # Dealing the rows out in the order of y gives every block its share of each class.
    block = np.empty(len(y), dtype=np.int64)
    block[np.argsort(y, kind="stable")] = np.arange(len(y)) % n_blocks
    left_out = []
    for number in range(n_blocks):
        kept = block != number
        heavy = None if weight is None else weight[kept]
        left_out.append(task.loss(y[kept], first[kept], heavy) - task.loss(y[kept], second[kept], heavy))
    spread = np.array(left_out) - np.mean(left_out)
    return float(sqrt((n_blocks - 1) / n_blocks * (spread @ spread)))
