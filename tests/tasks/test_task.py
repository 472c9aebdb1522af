"""The task: losses, labels, dummies and JSON."""

import json

import numpy as np
import pytest

from tamis.core.errors import ParameterError
from tamis.tasks.adopted import is_forgotten
from tamis.tasks.task import Task


def test_a_dummy_of_classes_gives_their_frequencies() -> None:
    task = Task.of("multiclass", "log_loss", ("a", "b", "c"))
    row = task.dummy(np.array([0, 0, 1, 2]))
    assert row.tolist() == [0.5, 0.25, 0.25]
    assert task.dummy(np.array([0, 1, 2]), np.array([2.0, 1.0, 1.0])).tolist() == [0.5, 0.25, 0.25]
    assert task.constant(row, 3).shape == (3, 3)


def test_a_dummy_for_f1_decides_for_the_rare_class() -> None:
    task = Task.of("binary", "f1", (0, 1))
    y = np.array([0, 0, 0, 1])
    assert task.constant(task.dummy(y), 4).argmax(axis=1).tolist() == [1, 1, 1, 1]
    assert task.value(y, task.constant(task.dummy(y), 4)) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [("rmse", 4.0), ("mae", 1.0), ("max_error", 6.5), ("rmsle", np.expm1(np.log([1, 2, 14]).mean()))],
)
def test_a_dummy_of_values_is_the_middle_that_the_metric_likes(metric: str, wanted: float) -> None:
    task = Task.of("regression", metric)
    y = np.array([0.0, 1.0, 13.0]) if metric in ("rmsle", "max_error") else np.array([0.0, 1.0, 11.0])
    row = task.dummy(y)
    assert row.shape == () and float(row) == pytest.approx(wanted)
    assert task.constant(row, 2).tolist() == [float(row)] * 2


def test_labels_follow_a_threshold_or_factors() -> None:
    task = Task.of("binary", classes=("no", "yes"))
    prediction = np.array([[0.7, 0.3], [0.4, 0.6]])
    assert task.labels(prediction).tolist() == ["no", "yes"]
    assert task.labels(prediction, 0.2).tolist() == ["yes", "yes"]
    assert task.labels(prediction, (0.2, 0.8)).tolist() == ["yes", "yes"]
    assert Task.of("multiclass", classes=(1, 2, 3)).labels(np.eye(3)).dtype == np.int64


@pytest.mark.parametrize(
    ("kind", "metric", "proper"),
    [
        ("binary", "roc_auc", False),
        ("binary", "f1", False),
        ("multiclass", "log_loss", True),
        ("binary", "brier", True),
    ],
)
def test_proper_metrics_want_true_probabilities(kind: str, metric: str, proper: bool) -> None:
    assert Task.of(kind, metric, ["a", "b", "c"][: 2 if kind == "binary" else 3]).is_proper == proper


def test_a_task_comes_back_from_json() -> None:
    task = Task.of("binary", "f1", (False, True))
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task


def test_a_users_metric_keeps_its_name_and_direction_and_is_called_only_when_handed_in() -> None:
    def my_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return 0.25

    task = Task.of("regression", my_error)
    record = json.loads(json.dumps(task.to_json()))
    kept = Task.from_json(record)
    assert (kept.metric.name, kept.metric.higher_is_better, is_forgotten(kept.metric)) == ("my_error", False, True)
    assert kept.metric.value_of(0.75) == 0.75
    with pytest.raises(ParameterError, match="'my_error' is a function of your own"):
        kept.loss(np.ones(1), np.ones(1))
    assert Task.from_json(record, my_error).loss(np.ones(1), np.ones(1)) == 0.25


def test_a_users_metric_is_not_taken_for_ours_of_the_same_name() -> None:
    def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return 0.5

    kept = Task.from_json(Task.of("binary", accuracy, (0, 1)).to_json())
    assert kept.metric.name == "accuracy" and is_forgotten(kept.metric)


def test_a_stand_in_is_used_where_there_is_one() -> None:
    y, prediction = np.array([1.0, 5.0, 9.0]), np.array([2.0, 5.0, 9.0])
    task = Task.of("regression", "d2_absolute_error")
    assert task.quick_loss(y, prediction) == pytest.approx(1 / 3)
    assert task.with_metric("rmse").quick_loss(y, prediction) == pytest.approx(np.sqrt(1 / 3))


@pytest.mark.parametrize(("kind", "classes"), [("binary", (1,)), ("binary", (1, 2, 3)), ("regression", (1, 2))])
def test_classes_that_do_not_suit_the_kind_are_refused(kind: str, classes: tuple) -> None:
    with pytest.raises(ParameterError, match="class"):
        Task.of(kind, None, classes)
