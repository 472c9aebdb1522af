"""Models of loss and seconds, and the improvement to expect."""

from math import inf

import numpy as np
import pytest

from tamis.search.acquisition import FEATURES, FOREST, N_TREES, PROCESS, graded, log_improvement


def test_grades_keep_the_order_and_look_closely_at_the_best():
    grades = graded([0.1, 0.11, 0.2, 0.3, 1e6, inf], near=0.05)
    assert grades.tolist() == sorted(grades.tolist())
    assert grades[1] - grades[0] > grades[3] - grades[2]
    assert grades[4] == grades[5] < 3.0


@pytest.mark.parametrize("losses", [[inf, inf], [0.5, 0.5], [0.5], [0.2, 0.2, 0.9, inf]])
def test_grades_are_finite_whatever_is_known(losses):
    assert np.isfinite(graded(losses, near=0.05)).all()


def test_improvement_grows_with_promise_and_with_doubt():
    mean, std = np.array([0.0, -1.0, 0.0]), np.array([0.5, 0.5, 2.0])
    worth = log_improvement(mean, std, best=0.0)
    assert worth[0] < worth[1] and worth[0] < worth[2]
    assert np.isfinite(log_improvement(np.array([1e6]), np.array([1e-3]), best=0.0)).all()


@pytest.mark.parametrize("model", [FOREST, PROCESS], ids=["forest", "process"])
def test_a_model_follows_what_it_has_seen_and_is_the_same_each_time(model):
    rng = np.random.default_rng(0)
    rows = rng.random((40, 2)).astype(np.float32)
    rows[:, 0] *= 0.7
    targets = 3.0 + rows[:, 0] + 0.3 * rng.normal(size=40) * (rows[:, 0] > 0.4)
    mean, std = model.fit(rows, targets, 0)(rows)
    assert np.corrcoef(mean, targets)[0, 1] > 0.7 and (std > 0).all()
    again = model.fit(rows, targets, 0)(rows)
    assert (again[0] == mean).all() and (again[1] == std).all()


def test_a_process_doubts_what_lies_far_off_and_not_what_it_knows():
    rows = np.linspace(0.0, 0.4, 9, dtype=np.float32)[:, None]
    _, std = PROCESS.fit(rows, np.sin(6 * rows[:, 0]).astype(float), 0)(np.array([[0.2], [1.0]], dtype=np.float32))
    assert std[0] < 0.1 * std[1]


def test_the_forest_is_the_one_of_scikit_learn_grown_more_quickly():
    from sklearn.ensemble import ExtraTreesRegressor

    rng = np.random.default_rng(0)
    rows = rng.random((60, 12)).astype(np.float32)
    targets = rows[:, 0] + 0.1 * rng.normal(size=60)
    forest = ExtraTreesRegressor(N_TREES, max_features=FEATURES, bootstrap=True, random_state=7).fit(rows, targets)
    mean, std = FOREST.fit(rows, targets, 7)(rows)
    known = np.array([tree.predict(rows) for tree in forest.estimators_])
    assert np.corrcoef(mean, known.mean(axis=0))[0, 1] > 0.98
    assert std.mean() == pytest.approx(known.std(axis=0).mean(), rel=0.1)  # other versions may draw other rows
