"""XGBoost: categories where they are enabled, unknown levels."""

import numpy as np
import pytest

from tamis.core.kinds import TaskKind


@pytest.mark.parametrize("enabled", [False, True])
def test_levels_are_split_apart_where_that_is_enabled(named, fresh, enabled):
    X = np.tile(np.arange(6.0), 30)[:, None]
    y = np.isin(X[:, 0], [1, 3, 4]).astype(float)
    component = named("xgboost")
    parameters = {"enable_categorical": enabled, "max_leaves": 4, "min_child_weight": 0.01}
    model = fresh(component, TaskKind.REGRESSION, X, parameters=parameters).fit(X, y, categories=[0])
    assert model.types_ == (["c"] if enabled else None)
    assert np.abs(model.predict(X) - y).max() < 0.2
    assert np.isfinite(model.predict(np.array([[np.nan], [50.0], [1e6]]))).all()
    assert np.allclose(component.load(component.dump(model)).predict(X), model.predict(X))


def test_columns_of_many_levels_stay_numbers(named, fresh):
    X = np.arange(300.0)[:, None]
    component = named("xgboost")
    model = fresh(component, TaskKind.REGRESSION, X, parameters={"enable_categorical": True})
    model.fit(X, X[:, 0], categories=[0])
    assert model.types_ == ["q"]
