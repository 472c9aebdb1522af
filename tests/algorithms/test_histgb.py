"""scikit-learn's booster: codes, plain state."""

import numpy as np

from tamis.core.kinds import TaskKind


def test_columns_of_too_many_levels_are_taken_as_numbers(named, fresh):
    X = np.column_stack([np.arange(300.0), np.arange(300) % 5])
    model = fresh(named("histgb"), TaskKind.REGRESSION, X).fit(X, X[:, 0], categories=[0, 1])
    assert model.codes_ == [1]


def test_codes_need_a_bin_for_each_level(named, fresh):
    X = np.column_stack([np.arange(300.0) % 100, np.arange(300) % 5])
    model = fresh(named("histgb"), TaskKind.REGRESSION, X, parameters={"max_bins": 63})
    assert model.fit(X, X[:, 0], categories=[0, 1]).codes_ == [1]


def test_nothing_that_draws_is_left_after_the_fit(named, problem, fresh):
    X, y = problem(TaskKind.BINARY, 60)
    model = fresh(named("histgb"), TaskKind.BINARY, X).fit(X, y)
    left = {**vars(model), **vars(model.booster_)}
    assert not any(isinstance(value, np.random.Generator | np.random.RandomState) for value in left.values())
    assert not hasattr(model, "context")
