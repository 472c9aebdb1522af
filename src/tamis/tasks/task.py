"""The task as one object: what is predicted, how it is judged, and what follows from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tamis.core.errors import ParameterError
from tamis.core.kinds import TaskKind
from tamis.tasks.adopted import from_record, to_record
from tamis.tasks.metric import Metric, decide
from tamis.tasks.metrics import METRICS, known_name, metric_from, plugged
from tamis.tasks.targets import label_array


def _weighted_median(values: np.ndarray, weight: np.ndarray) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


PROPER = ("log_loss", "brier", "d2_log_loss", "d2_brier")
"""Strictly proper scoring rules."""


@dataclass(frozen=True)
class Task:
    """What is predicted and how a prediction is judged; targets come encoded, predictions as arrays.

    Examples
    --------
    >>> task = Task.of("binary", classes=("no", "yes"))
    >>> task.metric.name, task.n_outputs, task.labels(np.array([[0.2, 0.8]])).tolist()
    ('roc_auc', 2, ['yes'])
    """

    kind: TaskKind
    metric: Metric
    classes: tuple[Any, ...] = ()
    """The original labels by their codes; empty for regression."""

    def __post_init__(self) -> None:
        """Refuse classes that do not suit the kind of task."""
        if self.kind.is_classification and len(self.classes) < 2:
            raise ParameterError(f"A {self.kind} task needs at least two classes; got {self.classes!r}.")
        if self.kind is TaskKind.BINARY and len(self.classes) != 2:
            raise ParameterError(f"A binary task needs two classes; got {len(self.classes)}.")
        if self.kind is TaskKind.REGRESSION and self.classes:
            raise ParameterError("A regression task has no classes.")

    @classmethod
    def of(cls, kind: TaskKind | str, metric: Any = None, classes: Sequence[Any] = ()) -> "Task":
        """Make a task from what a user writes; see `metric_from` for the metric."""
        kind = TaskKind(kind)
        return cls(kind, metric_from(metric, kind), tuple(classes))

    @property
    def n_outputs(self) -> int:
        """Return the count of columns of a prediction: classes, or 1."""
        return max(1, len(self.classes))

    @property
    def is_proper(self) -> bool:
        """Tell whether the metric is best where probabilities are the true ones (a strictly proper scoring rule)."""
        return self.metric.name in PROPER

    def value(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Score a prediction in the metric's natural sign and unit; NaN where it does not exist."""
        return self.metric.value(y, prediction, weight, n_classes=self.n_outputs, classes=self.classes)

    def loss(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Score a prediction so that lower is better; always a number."""
        return self.metric.loss(y, prediction, weight, n_classes=self.n_outputs, classes=self.classes)

    def quick_loss(self, y: np.ndarray, prediction: np.ndarray, weight: np.ndarray | None = None) -> float:
        """Score by the metric's stand-in where it has one: for searches that ask thousands of times."""
        if not self.metric.stand_in:
            return self.loss(y, prediction, weight)
        return METRICS[self.metric.stand_in].loss(y, prediction, weight, n_classes=self.n_outputs)

    def labels(
        self, prediction: np.ndarray, threshold: float | Sequence[float] | np.ndarray | None = None
    ) -> np.ndarray:
        """Return what users see: original labels by the decision rule, or the values themselves.

        Parameters
        ----------
        prediction : ndarray of shape (n, K) or (n,)
        threshold : float or array of shape (K,), optional
            As in `tamis.tasks.metric.decide`.
        """
        if not self.kind.is_classification:
            return np.asarray(prediction, dtype=np.float64)
        return label_array(self.classes)[decide(prediction, threshold)]

    def constant(self, row: np.ndarray, n_rows: int) -> np.ndarray:
        """Repeat the prediction of one row."""
        return np.repeat(np.asarray(row)[None], n_rows, axis=0)

    def dummy(self, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Return the constant that scores best on the metric.

        Returns
        -------
        ndarray of shape (K,), or () for regression
            The class frequencies unless deciding for another class scores better; the mean, the median or another
            middle of the values, whichever scores best.
        """
        best, best_loss = None, np.inf
        for row in self._constants(np.asarray(y), weight):
            loss = self.loss(y, self.constant(row, len(y)), weight)
            if best is None or loss < best_loss - 1e-12:
                best, best_loss = row, loss
        assert best is not None
        return best

    def _constants(self, y: np.ndarray, weight: np.ndarray | None) -> Iterator[np.ndarray]:
        heavy = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
        if self.kind.is_classification:
            counts = np.bincount(y, weights=heavy, minlength=self.n_outputs)
            rates = counts / counts.sum()
            yield rates
            for code in np.argsort(-rates, kind="stable")[:20]:
                # Frequencies tilted just so far that this class is decided for.
                tilted = np.where(np.arange(len(rates)) == code, max(rates.max(), 1e-9) * (1 + 1e-6), rates)
                yield tilted / tilted.sum()
            return
        yield np.array(np.average(y, weights=heavy))
        yield np.array(_weighted_median(y, heavy))
        if self.metric.name in ("rmsle", "msle") and y.min() > -1:
            yield np.array(np.expm1(np.average(np.log1p(y), weights=heavy)))
        if self.metric.name in ("mape", "smape"):
            yield np.array(_weighted_median(y, heavy / np.maximum(np.abs(y), 1e-12)))
        if self.metric.name == "max_error":
            yield np.array((y.min() + y.max()) / 2)

    def with_metric(self, metric: Any) -> "Task":
        """Return the same task judged by another metric."""
        return replace(self, metric=metric_from(metric, self.kind))

    def with_own_metric(self, metric: Any) -> "Task":
        """Return the same task with the function of its metric, which a file could not hold.

        Raises
        ------
        ParameterError
            Where it is another metric: of another name or direction.
        """
        task = self.with_metric(metric)
        if (task.metric.name, task.metric.higher_is_better) != (self.metric.name, self.metric.higher_is_better):
            raise ParameterError(
                f"The metric must be the one that the run was begun with, {self.metric.name!r}; got "
                f"{task.metric.name!r}."
            )
        return task

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; a user's own metric leaves its name, its direction and what it looks at."""
        record = {"kind": str(self.kind), "metric": self.metric.name, "classes": list(self.classes)}
        own = self.metric.decoded or known_name(self.metric.name) is None
        return {**record, "own_metric": to_record(self.metric)} if own else record

    @classmethod
    def from_json(cls, record: Mapping[str, Any], metric: Any = None) -> "Task":
        """Read what `to_json` wrote.

        Parameters
        ----------
        record : mapping
        metric : Metric or callable, optional
            The metric itself where it is a user's own, which a name cannot bring back. Without it there is one that
            names and orders values but cannot be called, unless a plug-in offers a metric of that name.

        Raises
        ------
        ParameterError
            Where the record's metric is not known by name and none was handed in.
        """
        kind, name, own = TaskKind(record["kind"]), record["metric"], record.get("own_metric")
        if metric is None:
            metric = name if own is None else plugged(name, kind) or from_record(name, own, kind)
        return cls.of(kind, metric, record["classes"])
