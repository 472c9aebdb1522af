"""Linear models: the path over the penalty, and what it tells the other folds."""

import numpy as np
import pytest

from tamis.core.kinds import TaskKind


@pytest.mark.parametrize("name", ["logistic", "logistic_l1"])
def test_noise_calls_for_a_strong_penalty_and_signal_for_a_weak_one(named, fresh, name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 15))
    noise = rng.integers(0, 2, 200)
    signal = (X @ rng.normal(size=15) > 0).astype(int)
    C = [fresh(named(name), TaskKind.BINARY, X).fit(X, y).realised_["C"] for y in (noise, signal)]
    assert C[0] <= 0.1 and C[1] >= 1.0


@pytest.mark.parametrize("name", ["ridge", "lasso", "elastic_net"])
def test_a_penalty_is_found_and_handed_on(named, problem, fresh, name):
    X, y = problem(TaskKind.REGRESSION, 80)
    model = fresh(named(name), TaskKind.REGRESSION, X).fit(X, y)
    alpha = model.realised_["alpha"]
    other = fresh(named(name), TaskKind.REGRESSION, X, realised={"alpha": 3 * alpha}).fit(X, y)
    assert other.realised_["alpha"] == pytest.approx(3 * alpha)


def test_lasso_leaves_columns_out(named, fresh):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(100, 20))
    model = fresh(named("lasso"), TaskKind.REGRESSION, X, parameters={"alpha": 0.1}).fit(X, X[:, 0] * 3)
    assert np.flatnonzero(model.estimator.estimator_.coef_).tolist() == [0]


def test_a_short_slice_learns_from_a_sample(named, fresh):
    X = np.zeros((10, 200))
    big = fresh(named("logistic"), TaskKind.BINARY, np.zeros((200_000, 200)), limit_s=1.0)
    assert 500 <= big.max_rows < 200_000
    assert fresh(named("logistic"), TaskKind.BINARY, X, limit_s=1.0).max_rows >= 10
