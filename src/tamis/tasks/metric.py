"""A metric: what it is called, what it needs, and how it turns a prediction into a score and a loss."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from tamis.core.errors import DataError
from tamis.core.kinds import ANY_TASK, TaskKind


class Needs(StrEnum):
    """What of a prediction a metric looks at."""

    PROBABILITY = "probability"
    LABEL = "label"
    VALUE = "value"


def decide(prediction: np.ndarray, threshold: "float | Sequence[float] | np.ndarray | None" = None) -> np.ndarray:
    """Return the code of the class that is decided for.

    Parameters
    ----------
    prediction : ndarray of shape (n, K)
    threshold : float or array of shape (K,), optional
        For two classes, the probability above which the second is chosen; for several, factors of the probabilities.

    Examples
    --------
    >>> decide(np.array([[0.7, 0.3], [0.4, 0.6]]), 0.2).tolist()
    [1, 1]
    """
    if threshold is None:
        return prediction.argmax(axis=1)
    if np.ndim(threshold) == 0:
        return (prediction[:, 1] > float(np.asarray(threshold))).astype(np.int64)
    return (prediction * np.asarray(threshold)).argmax(axis=1)


@dataclass(frozen=True)
class Metric:
    """The record of one metric.

    Parameters
    ----------
    name : str
        The name users meet.
    function : callable
        (y, prediction, weight) -> float in the natural sign and unit; with `needs` "label", (y, labels, weight,
        n_classes). Where `decoded` is set it is a user's own: (y_true, y_pred) in original labels.
    """

    name: str
    function: Callable[..., float]
    higher_is_better: bool = True
    needs: Needs = Needs.PROBABILITY
    kinds: frozenset[TaskKind] = ANY_TASK
    rows: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    """(y, what it needs) -> the loss of each row, where the metric's loss is their mean."""
    lower: float = 0.0
    """The lowest value there can be."""
    upper: float = 1.0
    """The highest value there can be."""
    undefined_loss: float = 1.0
    """The loss where the value does not exist, such as an area under the curve of one class."""
    stand_in: str = ""
    """A quicker metric with nearly the same order, for searches that ask thousands of times; empty for itself."""
    decoded: bool = False
    """Takes original labels instead of codes."""
    takes_weight: bool = True
    summary: str = ""
    """One line for people."""

    def _seen(self, prediction: np.ndarray) -> np.ndarray:
        return decide(prediction) if self.needs is Needs.LABEL else prediction

    def value(
        self,
        y: np.ndarray,
        prediction: np.ndarray,
        weight: np.ndarray | None = None,
        *,
        n_classes: int | None = None,
        classes: Sequence[Any] = (),
    ) -> float:
        """Score a prediction in the metric's natural sign and unit.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Codes 0..K-1, or values.
        prediction : ndarray of shape (n, K) or (n,)
        weight : ndarray of shape (n,), optional
        n_classes : int, optional
            K, where `prediction` should not tell.
        classes : sequence, optional
            The original labels, for metrics that take them.

        Returns
        -------
        float
            NaN where the score does not exist for these rows.
        """
        y, prediction = np.asarray(y), np.asarray(prediction)
        if len(y) != len(prediction):
            raise DataError(f"Targets and predictions must have equal length; got {len(y)} and {len(prediction)} rows.")
        if weight is not None:
            weight = np.asarray(weight)
        if self.decoded:
            return self._decoded_value(y, prediction, weight, classes)
        if self.needs is Needs.LABEL:
            return self.function(y, decide(prediction), weight, n_classes or prediction.shape[1])
        return self.function(y, prediction, weight)

    def _decoded_value(
        self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None, classes: Sequence[Any]
    ) -> float:
        names = np.asarray(classes) if len(classes) else None
        seen = self._seen(prediction)
        truth = y if names is None or prediction.ndim == 1 else names[y]
        if self.needs is Needs.LABEL and names is not None:
            seen = names[seen]
        elif self.needs is Needs.PROBABILITY and prediction.ndim == 2 and prediction.shape[1] == 2:
            seen = prediction[:, 1]
        if weight is not None and self.takes_weight:
            return float(self.function(truth, seen, sample_weight=weight))
        return float(self.function(truth, seen))

    def loss_of(self, value: float) -> float:
        """Turn a value into a loss: lower is better."""
        if math.isnan(value):
            return self.undefined_loss
        return 1.0 - value if self.higher_is_better else value

    def value_of(self, loss: float) -> float:
        """Turn a loss back into a value."""
        return 1.0 - loss if self.higher_is_better else loss

    def loss(
        self,
        y: np.ndarray,
        prediction: np.ndarray,
        weight: np.ndarray | None = None,
        *,
        n_classes: int | None = None,
        classes: Sequence[Any] = (),
    ) -> float:
        """Score a prediction so that lower is better: 1 - value where higher values are better, else the value."""
        return self.loss_of(self.value(y, prediction, weight, n_classes=n_classes, classes=classes))

    def row_losses(self, y: np.ndarray, prediction: np.ndarray) -> np.ndarray | None:
        """Return each row's share of the loss, None where the loss is not a mean over rows."""
        return None if self.rows is None else self.rows(y, self._seen(prediction))

    def renamed(self, name: str) -> "Metric":
        """Return the same metric under another name."""
        return replace(self, name=name)
