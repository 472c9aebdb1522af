"""Averages the predictions of fold models and of members, one after the other, without holding them all."""

from collections.abc import Iterable, Sequence

import numpy as np

from tamis.core.errors import DataError


class RunningMean:
    """A weighted mean of predictions that come one at a time.

    Examples
    --------
    >>> mean = RunningMean()
    >>> mean.add(np.array([1.0, 3.0])).add(np.array([2.0, 5.0]), 3.0).result().tolist()
    [1.75, 4.5]
    """

    def __init__(self) -> None:
        self._total: np.ndarray | None = None
        self._weight = 0.0

    def add(self, prediction: np.ndarray, weight: float = 1.0) -> "RunningMean":
        """Take in one prediction, of shape (n, K) or (n,); a weight of zero or less leaves it out."""
        if weight <= 0:
            return self
        scaled = np.asarray(prediction, dtype=np.float64) * weight
        if self._total is None:
            self._total = scaled
        elif self._total.shape != scaled.shape:
            raise DataError(f"Predictions to average must have one shape; got {self._total.shape} and {scaled.shape}.")
        else:
            self._total += scaled
        self._weight += weight
        return self

    def result(self) -> np.ndarray:
        """Return the mean so far."""
        if self._total is None:
            raise DataError("There is no prediction to average: no model is left, or all weights are zero.")
        return self._total / self._weight


def average(predictions: Iterable[np.ndarray], weights: Sequence[float] | np.ndarray | None = None) -> np.ndarray:
    """Return the weighted mean of predictions: the mean probability, or the mean value.

    Parameters
    ----------
    predictions : iterable of ndarray, each of shape (n, K) or (n,)
        May be a generator: only the sum is held.
    weights : sequence of float, optional
        Equal where not given.
    """
    mean = RunningMean()
    for number, prediction in enumerate(predictions):
        mean.add(prediction, 1.0 if weights is None else float(weights[number]))
    return mean.result()
