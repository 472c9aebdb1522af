"""Forests: out-of-bag predictions, batches under a deadline; the smoothed tree."""

import numpy as np
import pytest
from scipy import sparse

from tamis.algorithms.forests import _mean_of_trees
from tamis.core.kinds import TaskKind


@pytest.mark.parametrize("name", ["random_forest", "extra_trees"])
@pytest.mark.parametrize("task", list(TaskKind))
def test_out_of_bag_predictions_are_honest(named, problem, fresh, answer, name, task):
    X, y = problem(task, 150)
    noise = np.random.default_rng(0).permutation(y)
    parameters = {"n_estimators": 60, "min_samples_leaf": 1}
    model = fresh(named(name), task, X, parameters=parameters).fit(X, noise)
    inside, outside = answer(model, task, X), model.out_of_bag(X)
    assert outside.shape == inside.shape and np.isfinite(outside).all()

    def hits(prediction):
        if task.is_classification:
            return (prediction.argmax(axis=1) == noise).mean()
        return np.corrcoef(prediction, noise)[0, 1]

    assert hits(outside) < hits(inside) - 0.2


def test_a_row_that_every_tree_saw_has_no_out_of_bag_prediction(named, problem, fresh):
    X, y = problem(TaskKind.BINARY, 40)
    parameters = {"n_estimators": 10}
    model = fresh(named("random_forest"), TaskKind.BINARY, X, parameters=parameters)
    model.n_trees = 1
    outside = model.fit(X, y).out_of_bag(X)
    assert 0 < np.isnan(outside[:, 0]).sum() < 40


def test_without_bootstrap_there_are_no_out_of_bag_predictions(named, problem, fresh):
    X, y = problem(TaskKind.BINARY, 40)
    model = fresh(named("extra_trees"), TaskKind.BINARY, X, parameters={"bootstrap": False}).fit(X, y)
    with pytest.raises(RuntimeError, match="without bootstrap"):
        model.out_of_bag(X)


def test_trees_end_with_the_slice_and_their_number_is_told(named, problem, fresh):
    X, y = problem(TaskKind.REGRESSION, 2_000, 10)
    parameters = {"n_estimators": 500, "max_features": 1.0, "min_samples_leaf": 1}
    model = fresh(named("random_forest"), TaskKind.REGRESSION, X, limit_s=0.3, parameters=parameters).fit(X, y)
    assert 1 <= model.realised_["trees"] < 500


def test_batches_give_the_forest_that_one_fit_gives(named, problem, fresh):
    X, y = problem(TaskKind.REGRESSION, 60)
    whole, batches = (
        fresh(named("extra_trees"), TaskKind.REGRESSION, X, limit_s=limit).fit(X, y) for limit in (float("inf"), 60.0)
    )
    assert np.allclose(whole.predict(X), batches.predict(X))
    assert np.allclose(whole.out_of_bag(X), batches.out_of_bag(X), equal_nan=True)


def test_a_pure_leaf_is_not_certain(named, fresh):
    X = np.arange(20.0)[:, None]
    y = (X[:, 0] >= 10).astype(int)
    prediction = fresh(named("decision_tree"), TaskKind.BINARY, X).fit(X, y).predict_proba(X)
    assert prediction.min() == pytest.approx(0.5 / 11)


@pytest.mark.parametrize("name", ["random_forest", "extra_trees"])
@pytest.mark.parametrize("task", list(TaskKind))
def test_trees_asked_one_by_one_answer_as_their_forest(named, problem, fresh, name, task):
    X, y = problem(task, 120)
    forest = fresh(named(name), task, X, parameters={"n_estimators": 20}).fit(X, y).estimator_
    wanted = forest.predict_proba(X) if task.is_classification else forest.predict(X)[:, None]
    for rows in (X, sparse.csr_matrix(X)):
        np.testing.assert_array_equal(_mean_of_trees(forest, rows), wanted)
