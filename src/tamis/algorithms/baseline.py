"""Predicts without looking at the features: shares of the classes, the mean or the median of the target."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tamis.algorithms.estimator import LOG_METRICS, prefers_median
from tamis.core.component import BuildContext, Component, ComponentKind, Cost, Shape
from tamis.core.space import Space


class Dummy:
    """The answer that is always there.

    Parameters
    ----------
    n_classes : int
        0 for regression.
    center : {"mean", "median", "log mean"}
        What a regression predicts.
    """

    def __init__(self, n_classes: int, center: str = "mean") -> None:
        self.n_classes = n_classes
        self.center = center

    def fit(self, X: Any, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Dummy":
        """Learn the target's distribution; X is not looked at."""
        y = np.asarray(y)
        weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        if self.n_classes:
            # Half a row for every class keeps log loss finite for those that are absent.
            counts = np.bincount(y.astype(np.int64), weights=weight, minlength=self.n_classes) + 0.5 / self.n_classes
            self.answer_ = counts / counts.sum()
        elif self.center == "median":
            order = np.argsort(y)
            reached = np.cumsum(weight[order])
            self.answer_ = np.array([float(y[order][np.searchsorted(reached, 0.5 * reached[-1])])])
        elif self.center == "log mean" and y.min() >= 0:
            self.answer_ = np.array([float(np.expm1(np.average(np.log1p(y), weights=weight)))])
        else:
            self.answer_ = np.array([float(np.average(y, weights=weight))])
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the shares of the classes for every row: shape (n_rows, n_classes)."""
        return np.tile(self.answer_, (X.shape[0], 1))

    def predict(self, X: Any) -> np.ndarray:
        """Return the target's centre for every row: shape (n_rows,)."""
        return np.full(X.shape[0], self.answer_[0])


def build(parameters: Mapping[str, Any], context: BuildContext) -> Dummy:
    """Return an unfitted dummy for the task and the metric."""
    if context.task.is_classification:
        return Dummy(context.shape.classes)
    if context.metric in LOG_METRICS:
        return Dummy(0, "log mean")
    return Dummy(0, "median" if prefers_median(context.metric) else "mean")


def cost(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate one pass over the target."""
    return Cost(1e-4 + 5e-8 * shape.rows, 1 + 2.4e-5 * shape.rows)


COMPONENTS = (
    Component(
        name="dummy",
        kind=ComponentKind.MODEL,
        build=build,
        space=Space(),
        cost=cost,
        sparse=True,
        missing=True,
        classes=("tamis.algorithms.baseline.Dummy",),
        source="sklearn.dummy.DummyClassifier",
        summary="Predicts the shares of the classes, the mean or the median.",
    ),
)
