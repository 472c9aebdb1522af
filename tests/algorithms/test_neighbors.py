"""Nearest neighbours."""

import numpy as np

from tamis.core.kinds import TaskKind


def test_one_neighbour_repeats_what_it_saw(named, problem, fresh):
    X, y = problem(TaskKind.REGRESSION, 50)
    model = fresh(named("nearest_neighbors"), TaskKind.REGRESSION, X, parameters={"n_neighbors": 1}).fit(X, y)
    assert np.allclose(model.predict(X), y)


def test_shares_of_few_neighbours_are_never_certain(named, problem, fresh):
    X, y = problem(TaskKind.BINARY, 50)
    proba = fresh(named("nearest_neighbors"), TaskKind.BINARY, X, parameters={"n_neighbors": 3}).fit(X, y)
    assert 0.01 < proba.predict_proba(X).min() < 0.2


def test_more_neighbours_than_rows_are_cut(named, problem, fresh):
    X, y = problem(TaskKind.REGRESSION, 4)
    model = fresh(named("nearest_neighbors"), TaskKind.REGRESSION, X, parameters={"n_neighbors": 100}).fit(X, y)
    assert model.estimator.n_neighbors_ == 3
