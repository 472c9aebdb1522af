"""The answer that is always there."""

import numpy as np
import pytest

from tamis.core.kinds import TaskKind


@pytest.mark.parametrize(("metric", "expected"), [("rmse", 37.0), ("mae", 3.0), ("rmsle", np.expm1(2.0))])
def test_the_centre_suits_the_metric(named, fresh, metric, expected):
    y = np.array([1.0, 3.0, 107.0]) if metric != "rmsle" else np.expm1(np.array([1.0, 2.0, 3.0]))
    X = np.zeros((3, 1))
    assert fresh(named("dummy"), TaskKind.REGRESSION, X, metric=metric).fit(X, y).predict(X) == pytest.approx(expected)


def test_weights_move_the_median(named, fresh):
    X = np.zeros((3, 1))
    model = fresh(named("dummy"), TaskKind.REGRESSION, X, metric="mae")
    assert model.fit(X, np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 5.0])).predict(X)[0] == 3.0
