"""Decision rules."""

import json

import numpy as np
import pytest

from tamis.ensemble.blending import Loss
from tamis.ensemble.threshold import DecisionRule, fit_rule


def _f1_loss(y: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> float:
    guess, heavy = p.argmax(axis=1) == 1, np.ones(len(y)) if w is None else w
    true = heavy[(y == 1) & guess].sum()
    return float(1 - 2 * true / max(1e-12, heavy[guess].sum() + heavy[y == 1].sum()))


def _balanced_loss(y: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> float:
    right = p.argmax(axis=1) == y
    return float(1 - np.mean([right[y == code].mean() for code in np.unique(y)]))


def _binary(n_rows: int, seed: int, rate: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = (rng.random(n_rows) < rate).astype(int)
    score = 1.5 * y + rng.normal(size=n_rows)
    chance = 1 / (1 + np.exp(-(1.5 * score - 1.125 + np.log(rate / (1 - rate)))))
    return y, np.stack([1 - chance, chance], axis=1)


def test_a_rule_at_a_threshold_decides_there() -> None:
    rule = DecisionRule.at(0.3)
    prediction = np.array([[0.71, 0.29], [0.69, 0.31]])
    assert rule.apply(prediction).argmax(axis=1).tolist() == [0, 1]
    assert rule.threshold == pytest.approx(0.3)
    np.testing.assert_allclose(rule.apply(prediction).sum(axis=1), 1.0)


def test_f1_on_rare_rows_gets_a_lower_threshold_that_holds_on_fresh_ones() -> None:
    y, prediction = _binary(4000, 0)
    rule = fit_rule(prediction, y, _f1_loss)
    assert rule.threshold < 0.45
    fresh, seen = _binary(4000, 1)
    assert _f1_loss(fresh, rule.apply(seen), None) < _f1_loss(fresh, seen, None) - 0.05


def test_balanced_accuracy_of_several_classes_gets_factors() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(3, 3000, p=[0.8, 0.15, 0.05])
    scores = np.exp(1.5 * np.eye(3)[y] + rng.normal(size=(3000, 3))) * np.array([0.8, 0.15, 0.05])
    prediction = scores / scores.sum(axis=1, keepdims=True)
    rule = fit_rule(prediction[:1500], y[:1500], _balanced_loss)
    before, after = (
        _balanced_loss(y[1500:], prediction[1500:], None),
        _balanced_loss(y[1500:], rule.apply(prediction[1500:]), None),
    )
    assert after < before - 0.1
    assert rule.factors[2] > rule.factors[0]


def test_noise_on_few_rows_changes_nothing_much() -> None:
    rng = np.random.default_rng(0)

    def error(y: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> float:
        return float((p.argmax(axis=1) != y).mean())

    plain = 0
    for _ in range(10):
        chance = rng.random(80)
        y = (rng.random(80) < chance).astype(int)
        plain += fit_rule(np.stack([1 - chance, chance], axis=1), y, error).is_plain
    assert plain >= 7


def test_very_few_rows_keep_the_plain_rule() -> None:
    y, prediction = _binary(25, 0, 0.4)
    assert fit_rule(prediction, y, _f1_loss).is_plain
    y, prediction = np.r_[np.zeros(97, int), np.ones(3, int)], np.full((100, 2), 0.5)
    assert fit_rule(prediction, y, _f1_loss).is_plain


def test_uncovered_rows_are_left_out_and_weights_heeded() -> None:
    y, prediction = _binary(2000, 0)
    prediction[:200] = np.nan
    heavy = fit_rule(prediction, y, _f1_loss, weight=np.where(y == 1, 10.0, 1.0))
    assert heavy.threshold < fit_rule(prediction, y, _f1_loss).threshold


def test_a_rule_comes_back_from_json() -> None:
    rule = DecisionRule((0.2, 0.3, 0.5))
    assert DecisionRule.from_json(json.loads(json.dumps(rule.to_json()))) == rule


def test_rows_without_any_chance_stay_as_they_are(log_loss: Loss) -> None:
    assert DecisionRule((0.0, 1.0)).apply(np.array([[1.0, 0.0]])).tolist() == [[1.0, 0.0]]


def test_a_threshold_for_a_rare_class_is_looked_for_among_its_own_probabilities() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.004).astype(np.int64)
    logits = -7.0 + 4.0 * y + rng.normal(size=len(y))
    chance = 1 / (1 + np.exp(-logits))
    prediction = np.column_stack([1 - chance, chance])
    rule = fit_rule(prediction, y, _f1_loss)
    cuts = np.quantile(chance[y == 1], np.linspace(0, 1, 60))
    best = min(_f1_loss(y, DecisionRule.at(float(cut)).apply(prediction), None) for cut in cuts)
    assert _f1_loss(y, rule.apply(prediction), None) < best + 0.02


def test_of_very_many_classes_few_rules_are_tried() -> None:
    rng, calls = np.random.default_rng(0), []

    def loss(y: np.ndarray, p: np.ndarray, w: np.ndarray | None) -> float:
        calls.append(len(y))
        return _balanced_loss(y, p, w)

    y = rng.integers(0, 100, 5_000)
    prediction = rng.dirichlet(np.ones(100), 5_000)
    fit_rule(prediction, y, loss)
    assert len(calls) < 40 and max(calls) <= 1_000
