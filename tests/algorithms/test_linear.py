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


def test_the_weaker_penalty_that_words_need_is_found_on_wide_sparse_rows(named, fresh):
    from scipy import sparse

    rng = np.random.default_rng(0)
    X = sparse.random(200, 500, density=0.02, format="csr", random_state=0)
    noise, signal = rng.integers(0, 2, 200), (np.asarray(X[:, :250].sum(axis=1) - X[:, 250:].sum(axis=1)) > 0).ravel()
    C = [fresh(named("logistic"), TaskKind.BINARY, X).fit(X, y.astype(int)).realised_["C"] for y in (noise, signal)]
    assert C[0] <= 0.1 and C[1] >= 1.0


def test_rows_are_cut_as_another_fold_found_not_by_the_estimate(named, fresh):
    X = np.zeros((5_000, 400))
    known = fresh(named("logistic"), TaskKind.BINARY, X, limit_s=0.5, realised={"most_rows": 5_000})
    guessed = fresh(named("logistic"), TaskKind.BINARY, X, limit_s=0.5)
    assert known.max_rows >= 5_000 > guessed.max_rows


@pytest.mark.parametrize("name", ["logistic", "logistic_l1"])
def test_a_class_of_one_row_does_not_decide_on_the_penalty(named, fresh, name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = (X @ [4.0, 0, 0, 0] + rng.normal(scale=0.2, size=300) > 0).astype(np.int64)
    plain = fresh(named(name), TaskKind.BINARY, X).fit(X, y)
    lonely, codes = np.vstack([X, [9.0] * 4]), np.append(y, 2)
    model = fresh(named(name), TaskKind.MULTICLASS, lonely, classes=3).fit(lonely, codes)
    assert plain.realised_["C"] > 1
    assert model.realised_["C"] > 1
