"""Out-of-fold predictions and their comparison."""

from math import inf

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.evaluate.crossval import OutOfFold, compare
from tamis.tasks.task import Task


def test_repeats_are_averaged_and_uncovered_rows_are_nan() -> None:
    oof = OutOfFold(4, 2)
    oof.add("a", 0, np.array([0, 1]), np.array([[0.2, 0.8], [0.4, 0.6]]))
    oof.add("a", 5, np.array([1, 2]), np.array([[0.6, 0.4], [1.0, 0.0]]))
    wanted = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0], [np.nan, np.nan]])
    np.testing.assert_allclose(oof.prediction("a"), wanted, rtol=1e-6)
    assert oof.covered("a").tolist() == [True, True, True, False]
    assert oof.folds("a") == (0, 5) and list(oof) == ["a"] and len(oof) == 1


def test_a_fold_that_comes_twice_counts_once() -> None:
    oof = OutOfFold(2, 1)
    assert oof.add("a", 0, np.array([0]), np.array([1.0]))
    assert not oof.add("a", 0, np.array([0]), np.array([9.0]))
    assert oof.prediction("a")[0] == 1.0


def test_large_values_keep_their_digits() -> None:
    oof = OutOfFold(1, 1)
    oof.add("a", 0, np.array([0]), np.array([1_700_000_001.0]))
    assert oof.prediction("a")[0] == 1_700_000_001.0


def test_a_discarded_candidate_is_gone() -> None:
    oof = OutOfFold(2, 1)
    oof.add("a", 0, np.array([0]), np.array([1.0]))
    oof.discard("a")
    assert "a" not in oof and oof.folds("a") == ()


@pytest.mark.parametrize("prediction", [np.ones(3), np.ones((2, 3)), np.array([[np.nan, 1.0], [0.5, 0.5]])])
def test_misshapen_and_infinite_predictions_are_refused_and_leave_no_trace(prediction: np.ndarray) -> None:
    oof = OutOfFold(4, 2)
    with pytest.raises(DataError, match="'a' on fold 0"):
        oof.add("a", 0, np.array([0, 1]), prediction)
    assert "a" not in oof


def test_losses_are_taken_on_covered_rows() -> None:
    task, y = Task.of("regression", "mae"), np.array([0.0, 0.0, 0.0])
    oof = OutOfFold(3, 1)
    oof.add("a", 0, np.array([0, 1]), np.array([1.0, 3.0]))
    assert oof.loss("a", task, y) == 2.0
    assert oof.loss("a", task, y, rows=np.array([True, False, True])) == 1.0
    assert oof.loss("a", task, y, rows=np.array([False, False, True])) == inf


def test_candidates_are_compared_on_the_rows_they_share() -> None:
    task, y = Task.of("regression", "mae"), np.zeros(6)
    oof = OutOfFold(6, 1)
    oof.add("a", 0, np.arange(4), np.array([9.0, 1.0, 2.0, 3.0]))
    oof.add("b", 0, np.arange(1, 6), np.array([0.0, 1.0, 1.0, 7.0, 7.0]))
    found = oof.compare("a", "b", task, y)
    assert found.n_rows == 3
    assert found.difference == pytest.approx(4 / 3)
    assert found.standard_error == pytest.approx(np.std([1, 1, 2], ddof=1) / np.sqrt(3))
    oof.add("c", 1, np.array([5]), np.array([0.0]))
    assert oof.compare("a", "c", task, y).standard_error == inf


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_the_standard_error_matches_what_fresh_tables_show(metric: str) -> None:
    task, rng = Task.of("binary", metric, (0, 1)), np.random.default_rng(0)
    differences, errors = [], []
    for _ in range(60):
        y = rng.integers(0, 2, 300)
        scores = [1 / (1 + np.exp(-(y - 0.5 + rng.normal(size=300) * s))) for s in (1.0, 1.3)]
        found = compare(*(np.stack([1 - p, p], axis=1) for p in scores), y, task)
        differences.append(found.difference)
        errors.append(found.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.3)


def test_weights_count_in_the_standard_error() -> None:
    task, y = Task.of("regression", "mae"), np.zeros(4)
    first, second = np.array([1.0, 2.0, 5.0, 9.0]), np.ones(4)
    whole = compare(first, second, y, task, np.array([1.0, 1.0, 0.0, 0.0]))
    assert whole.difference == 0.5 and whole.standard_error == pytest.approx(np.sqrt(0.5) / 2)
