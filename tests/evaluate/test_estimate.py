"""The honest score and its range."""

import json
from collections.abc import Callable
from math import isnan, sqrt

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.evaluate.estimate import ScoreEstimate, estimate
from tamis.evaluate.interval import Scale, bootstrap_error, limits
from tamis.tasks.metrics import METRICS
from tamis.tasks.task import Task

BINARY = Task.of("binary", "roc_auc", (0, 1))
ACCURACY = Task.of("binary", "accuracy", (0, 1))
RMSE = Task.of("regression", "rmse")


def _fixed(prediction: np.ndarray) -> Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    return lambda fit: lambda rows: prediction[rows]


def _probabilities(y: np.ndarray, rng: np.random.Generator, noise: float = 1.0) -> np.ndarray:
    chance = 1 / (1 + np.exp(-(y - 0.5 + rng.normal(size=len(y)) * noise)))
    return np.stack([1 - chance, chance], axis=1)


def test_a_rule_that_remembers_its_rows_gains_nothing() -> None:
    y = np.random.default_rng(0).integers(0, 2, 600)

    def remember(fit: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        known = np.full((len(y), 2), 0.5)
        known[fit] = np.eye(2)[y[fit]]
        return lambda rows: known[rows]

    assert estimate(y, BINARY, remember).value == 0.5


def test_most_fresh_tables_fall_into_the_range() -> None:
    rng, inside = np.random.default_rng(1), 0
    for trial in range(40):
        y = rng.integers(0, 2, 300)
        found = estimate(y, BINARY, _fixed(_probabilities(y, rng)), seed=trial)
        fresh = rng.integers(0, 2, 100)
        inside += found.low <= BINARY.value(fresh, _probabilities(fresh, rng)) <= found.high
    assert inside >= 32


def test_the_bootstrap_error_is_that_of_a_mean() -> None:
    rng = np.random.default_rng(0)
    y, task = rng.normal(size=400) ** 2, Task.of("regression", "mae")
    scale = Scale(task.metric, 400)
    found = bootstrap_error(y, np.zeros(400), task, scale)
    assert found * y.mean() == pytest.approx(y.std() / sqrt(400), rel=0.2)


def test_a_part_of_many_rows_gives_the_same_error() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 40_000)
    prediction = _probabilities(y, rng)
    found = bootstrap_error(y, prediction, BINARY, Scale(BINARY.metric, 40_000), n_draws=60)
    few = bootstrap_error(y[:8000], prediction[:8000], BINARY, Scale(BINARY.metric, 8000), n_draws=60)
    assert found == pytest.approx(few / sqrt(5), rel=0.4)


@pytest.mark.parametrize("right", [1.0, 0.9])
def test_limits_of_an_accuracy_stay_in_range_even_at_the_end(right: float) -> None:
    y = np.arange(50) % 2
    guess = np.where(np.arange(50) < right * 50, y, 1 - y)
    found = estimate(y, ACCURACY, _fixed(np.eye(2)[guess]))
    assert found.value == pytest.approx(right)
    assert 0 < found.low < found.value <= found.high <= 1
    assert found.value - found.low > found.high - found.value


def test_an_error_has_a_wider_upper_side_and_never_falls_below_zero() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=60)
    found = estimate(y, RMSE, _fixed(np.zeros(60)))
    assert 0 < found.low < found.value < found.high
    assert found.high - found.value > found.value - found.low


def test_rows_of_one_group_make_the_range_wider() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 20)
    y = rng.normal(size=30)[groups] * 3 + rng.normal(size=600) * 0.1
    plain = estimate(y, RMSE, _fixed(np.zeros(600)))
    grouped = estimate(y, RMSE, _fixed(np.zeros(600)), groups=groups)
    assert grouped.high - grouped.low > 2 * (plain.high - plain.low)
    assert "groups" in grouped.method


def test_folds_that_differ_make_the_range_wider() -> None:
    rng = np.random.default_rng(0)
    folds = np.repeat(np.arange(5), 100)
    y = rng.normal(size=500) * np.array([1.0, 1.0, 1.0, 1.0, 4.0])[folds]
    plain = estimate(y, RMSE, _fixed(np.zeros(500)))
    spread = estimate(y, RMSE, _fixed(np.zeros(500)), folds=folds)
    assert spread.high - spread.low > 1.5 * (plain.high - plain.low)


def test_uncovered_rows_are_left_out() -> None:
    prediction = np.zeros(100)
    prediction[:30] = np.nan
    assert estimate(np.ones(100), RMSE, _fixed(prediction)).n_rows == 70
    assert estimate(np.ones(100), RMSE, _fixed(prediction), rows=np.arange(30, 60)).n_rows == 30
    with pytest.raises(DataError, match="No row"):
        estimate(np.ones(100), RMSE, _fixed(np.full(100, np.nan)))


def test_two_rows_and_one_class_are_answered() -> None:
    assert estimate(np.array([0.0, 1.0]), RMSE, _fixed(np.zeros(2))).n_rows == 2
    assert isnan(estimate(np.zeros(9, dtype=int), BINARY, _fixed(np.full((9, 2), 0.5))).value)


def test_the_same_seed_gives_the_same_range() -> None:
    y = np.random.default_rng(0).normal(size=100)
    one, two = (estimate(y, RMSE, _fixed(np.zeros(100)), seed=4) for _ in range(2))
    assert one == two
    assert ScoreEstimate.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize("name", list(METRICS))
def test_every_scale_leads_back(name: str) -> None:
    scale = Scale(METRICS[name], 100)
    assert scale.backward(float(scale.forward(0.4))) == pytest.approx(0.4)
    low, high = limits(0.4, scale, 5.0, 0.9)
    assert METRICS[name].lower <= low < 0.4 < high <= METRICS[name].upper
