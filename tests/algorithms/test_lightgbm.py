"""LightGBM: shared binned data, early stopping, linear leaves."""

import numpy as np
import pytest

from tamis.core.kinds import TaskKind

REGRESSION = TaskKind.REGRESSION


@pytest.fixture
def lightgbm(named):
    return named("lightgbm")


def test_binned_data_is_shared_among_candidates_on_the_same_rows(lightgbm, problem, fresh):
    X, y = problem(REGRESSION, 100)
    shared = {}
    alone = fresh(lightgbm, REGRESSION, X).fit(X, y).predict(X)
    fresh(lightgbm, REGRESSION, X, shared=shared, shared_key="fold 0", parameters={"num_leaves": 3}).fit(X, -y)
    (dataset,) = shared.values()
    model = fresh(lightgbm, REGRESSION, X, shared=shared, shared_key="fold 0").fit(X, y)
    assert next(iter(shared.values())) is dataset and len(shared) == 1
    assert np.allclose(model.predict(X), alone)


@pytest.mark.parametrize("weight", [None, np.ones(100)])
def test_weights_of_an_earlier_candidate_are_forgotten(lightgbm, problem, fresh, weight):
    X, y = problem(TaskKind.BINARY, 100)
    shared = {}
    alone = fresh(lightgbm, TaskKind.BINARY, X).fit(X, y).predict_proba(X)
    heavy = np.where(y == 1, 50.0, 1.0)
    fresh(lightgbm, TaskKind.BINARY, X, shared=shared, shared_key="fold 0").fit(X, y, sample_weight=heavy)
    model = fresh(lightgbm, TaskKind.BINARY, X, shared=shared, shared_key="fold 0").fit(X, y, sample_weight=weight)
    assert len(shared) == 1
    assert np.allclose(model.predict_proba(X), alone)


def test_no_more_than_two_sets_of_binned_data_are_kept(lightgbm, problem, fresh):
    X, y = problem(REGRESSION, 60)
    shared = {("other", "a"): 1}
    for fold in range(4):
        fresh(lightgbm, REGRESSION, X, shared=shared, shared_key=f"fold {fold}").fit(X, y)
    assert [key[:2] for key in shared] == [("other", "a"), ("lightgbm", "fold 2"), ("lightgbm", "fold 3")]


def test_nothing_is_shared_without_a_key(lightgbm, problem, fresh):
    X, y = problem(REGRESSION, 60)
    shared = {}
    fresh(lightgbm, REGRESSION, X, shared=shared).fit(X, y)
    assert shared == {}


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost", "histgb"])
@pytest.mark.parametrize("task", list(TaskKind))
def test_rounds_come_from_inner_splits(named, problem, fresh, answer, name, task):
    component = named(name)
    X, y = problem(task, 1_000)
    rate = 0.15 if name == "lightgbm" else 0.2
    parameters = {"learning_rate": rate}
    model = fresh(component, task, X, realised={}, parameters=parameters).fit(X, y)
    rounds = model.realised_["rounds"]
    assert model.realised_["learning_rate"] == rate and 5 < rounds < 850
    same = fresh(component, task, X, realised=model.realised_, parameters=parameters).fit(X, y)
    assert np.allclose(answer(model, task, X), answer(same, task, X))


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "catboost", "histgb"])
def test_a_deadline_keeps_what_was_boosted(named, problem, fresh, name):
    X, y = problem(TaskKind.BINARY, 4_000, 20)
    component = named(name)
    parameters = {"learning_rate": component.space.parameters["learning_rate"].low}
    model = fresh(component, TaskKind.BINARY, X, realised={}, limit_s=0.4, parameters=parameters).fit(X, y)
    assert model.realised_["rounds"] >= 1
    assert model.realised_["learning_rate"] > parameters["learning_rate"]
    assert ((model.predict_proba(X)[:, 1] > 0.5) == y).mean() > 0.7


def test_linear_leaves_follow_a_line_without_running_away(lightgbm, fresh):
    X = np.linspace(-1, 1, 200)[:, None]
    y = 5.0 * X[:, 0]
    model = fresh(lightgbm, REGRESSION, X, parameters={"linear_tree": True, "extra_trees": False}).fit(X, y)
    assert np.abs(model.predict(X) - y).max() < 0.5
    assert np.abs(model.predict(1e6 * X)).max() <= 6.0 + 1e-9


def test_more_leaves_need_no_new_bins_when_the_leaf_size_changes(lightgbm, problem, fresh):
    X, y = problem(REGRESSION, 200)
    shared = {}
    for size in (50, 1):
        context = {"shared": shared, "shared_key": "rows", "parameters": {"min_data_in_leaf": size}}
        fresh(lightgbm, REGRESSION, X, **context).fit(X, y)
    assert len(shared) == 1
