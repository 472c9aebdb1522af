"""CatBoost: categories by their levels, columns without variation, stored files."""

import numpy as np
import pytest

from tamis.core.kinds import TaskKind


@pytest.fixture
def catboost(named):
    return named("catboost")


def test_levels_without_order_are_learned(catboost, fresh):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 40, 600).astype(float)
    y = rng.normal(size=40)[codes.astype(int)]
    X = np.column_stack([codes, rng.normal(size=600)])
    errors = []
    for categories in ([], [0]):
        model = fresh(catboost, TaskKind.REGRESSION, X).fit(X[:400], y[:400], categories=categories)
        errors.append(((model.predict(X[400:]) - y[400:]) ** 2).mean())
    assert errors[1] < 0.8 * errors[0]


def test_categories_alone_are_enough(catboost, fresh):
    X = np.tile(np.arange(4.0), 25)[:, None]
    model = fresh(catboost, TaskKind.REGRESSION, X).fit(X, X[:, 0] % 2, categories=[0])
    prediction = model.predict(X)
    assert prediction[1] > prediction[0] + 0.3


def test_constant_columns_predict_the_shares_of_the_classes(catboost, fresh):
    X = np.full((40, 2), np.nan)
    X[:, 0] = 3.0
    y = np.array([0] * 30 + [1] * 10)
    model = fresh(catboost, TaskKind.BINARY, X).fit(X, y)
    assert np.allclose(model.predict_proba(X), [0.75, 0.25])
    assert np.allclose(catboost.load(catboost.dump(model)).predict_proba(X), [0.75, 0.25])


def test_a_column_that_varies_outside_the_inner_split_only_is_no_error(catboost, fresh):
    X = np.zeros((60, 1))
    X[7] = 1.0
    y = np.arange(60) % 2
    prediction = fresh(catboost, TaskKind.BINARY, X, realised={}, limit_s=1.0).fit(X, y).predict_proba(X)
    assert np.allclose(prediction.sum(axis=1), 1)


def test_no_file_is_written_while_training(catboost, problem, fresh, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = problem(TaskKind.BINARY, 50)
    fresh(catboost, TaskKind.BINARY, X).fit(X, y)
    assert list(tmp_path.iterdir()) == []
