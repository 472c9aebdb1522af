"""Calibration of probabilities."""

import json

import numpy as np
import pytest

from tamis.core.errors import DataError
from tamis.ensemble.blending import Loss
from tamis.ensemble.calibration import Calibrator, fit_beta, fit_bias, fit_calibration, fit_platt, fit_temperature


def _drawn(n_rows: int, n_classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return true chances and labels drawn from them."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.ones(n_classes), n_rows)
    return chances, (chances.cumsum(axis=1) < rng.random((n_rows, 1))).sum(axis=1)


def _sharpened(chances: np.ndarray, power: float) -> np.ndarray:
    raised = chances**power
    return raised / raised.sum(axis=1, keepdims=True)


def test_the_temperature_that_was_put_in_is_found() -> None:
    chances, y = _drawn(8000, 3)
    found = fit_temperature(_sharpened(chances, 2.5), y, np.ones(len(y)))
    assert found.parameters[0] == pytest.approx(2.5, rel=0.1)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_overconfident_probabilities_come_right(n_classes: int, log_loss: Loss) -> None:
    chances, y = _drawn(4000, n_classes)
    loud = _sharpened(chances, 3.0)
    found = fit_calibration(loud[:2000], y[:2000])
    assert found.method != "none"
    fresh = found.apply(loud[2000:])
    assert log_loss(y[2000:], fresh, None) < log_loss(y[2000:], chances[2000:], None) + 0.01
    np.testing.assert_allclose(fresh.sum(axis=1), 1.0)


def test_a_shift_of_classes_is_undone(log_loss: Loss) -> None:
    chances, y = _drawn(4000, 3)
    shifted = chances * np.array([4.0, 1.0, 1.0])
    shifted /= shifted.sum(axis=1, keepdims=True)
    found = fit_calibration(shifted, y)
    assert found.method == "bias"
    assert log_loss(y, found.apply(shifted), None) < log_loss(y, chances, None) + 0.01


def test_good_probabilities_are_mostly_left_alone() -> None:
    kept = [fit_calibration(*_drawn(300, 2, seed), seed=seed).method for seed in range(10)]
    assert kept.count("none") >= 7


@pytest.mark.parametrize("fit", [fit_temperature, fit_platt, fit_beta])
def test_the_order_of_rows_is_kept(fit: object) -> None:
    chances, y = _drawn(500, 2)
    order = np.argsort(chances[:, 1])
    found = fit(_sharpened(chances, 2.0), y, np.ones(500)).apply(chances)[order, 1]  # type: ignore[operator]
    assert (np.diff(found) >= 0).all()


def test_a_reversed_prediction_is_not_turned_around_by_beta() -> None:
    chances, y = _drawn(500, 2)
    assert fit_beta(chances[:, ::-1], y, np.ones(500)).parameters[0] > 0


def test_weights_count_as_repeated_rows() -> None:
    chances, y = _drawn(400, 3)
    weight = np.random.default_rng(0).integers(1, 4, 400)
    twice = np.repeat(np.arange(400), weight)
    for fit in (fit_temperature, fit_bias):
        one = fit(chances, y, weight.astype(float)).parameters
        two = fit(chances[twice], y[twice], np.ones(len(twice))).parameters
        assert one == pytest.approx(two, abs=1e-3)


def test_certain_and_wrong_predictions_stay_finite() -> None:
    prediction = np.repeat(np.eye(2), 60, axis=0)
    y = np.r_[np.zeros(60, dtype=int), np.ones(60, dtype=int)]
    y[:5] = 1
    assert np.isfinite(fit_calibration(prediction, y).apply(prediction)).all()


def test_few_rows_and_rare_classes_are_not_calibrated() -> None:
    chances, y = _drawn(40, 2)
    assert fit_calibration(_sharpened(chances, 4.0), y).method == "none"
    assert fit_calibration(np.full((200, 2), 0.5), np.r_[np.zeros(197, int), np.ones(3, int)]).method == "none"


def test_groups_and_uncovered_rows_are_heeded() -> None:
    chances, y = _drawn(600, 2)
    loud = _sharpened(chances, 3.0)
    loud[:100] = np.nan
    assert fit_calibration(loud, y, groups=np.arange(600) // 10).method != "none"


@pytest.mark.parametrize(
    "method", [("none", ()), ("beta", (1.0, 2.0, 0.1)), ("platt", (0.5, 0.1)), ("bias", (1, 0, 1))]
)
def test_a_calibrator_comes_back_from_json(method: tuple) -> None:
    one = Calibrator(*method)
    two = Calibrator.from_json(json.loads(json.dumps(one.to_json())))
    chances, _ = _drawn(5, 2)
    assert one == two and np.array_equal(one.apply(chances), two.apply(chances))


def test_values_are_refused() -> None:
    with pytest.raises(DataError, match="probabilities"):
        fit_calibration(np.zeros(5), np.zeros(5, dtype=int))
