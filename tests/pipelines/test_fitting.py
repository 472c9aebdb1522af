"""How fitted models are asked."""

from types import SimpleNamespace

import numpy as np
import pytest

from tamis.core.component import BuildContext, Shape
from tamis.core.kinds import TaskKind
from tamis.pipelines.catalogue import builtin
from tamis.pipelines.fitting import MANY_ROWS, ROW_BY_ROW, predict


@pytest.mark.parametrize(
    ("name", "n_rows", "threads", "expected"),
    [("histgb", MANY_ROWS, 5, 5), ("histgb", 10, 5, 1), ("histgb", MANY_ROWS, None, 3), ("ridge", MANY_ROWS, 5, 3)],
)
def test_boosters_alone_use_the_threads_they_are_given_and_only_for_many_rows(name, n_rows, threads, expected):
    model = SimpleNamespace(threads=3, predict=lambda X: np.zeros(len(X)))
    predict(model, builtin()[name], np.zeros((n_rows, 2)), False, threads)
    assert model.threads == expected


@pytest.mark.parametrize("name", sorted(ROW_BY_ROW))
def test_not_a_digit_depends_on_the_threads_that_predict(name):
    component = builtin()[name]
    if not component.installed:
        pytest.skip(f"{name} is not installed")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(MANY_ROWS + 7, 6))
    y = (X[:, 0] * X[:, 1] + 0.5 * rng.normal(size=len(X)) > 0).astype(np.int64)
    context = BuildContext(TaskKind.BINARY, Shape(*X.shape, 2), realised={"rounds": 15, "learning_rate": 0.2})
    model = component.build(component.space.default(), context).fit(X, y)
    one, two = (predict(model, component, X, True, threads) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)
