"""Small problems that every algorithm can learn, and a way to build components by name."""

from collections.abc import Callable, Iterator
from importlib import import_module
from math import inf
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tamis.core.component import BuildContext, Component, Shape
from tamis.core.kinds import TaskKind

FILES = (
    "baseline",
    "linear",
    "neighbors",
    "bayes",
    "kernels",
    "forests",
    "histgb",
    "lightgbm",
    "xgboost",
    "catboost",
    "mlp",
)
QUICK: dict[str, dict[str, Any]] = {
    "random_forest": {"n_estimators": 10},
    "extra_trees": {"n_estimators": 10},
    "lightgbm": {"min_data_in_leaf": 5, "lambda_l1": 0.01},
    "xgboost": {"max_leaves": 8},
    "catboost": {"depth": 3, "border_count": 32},
    "histgb": {"max_leaf_nodes": 8},
    "mlp": {"width": 32, "learning_rate": 0.02},
    "sgd": {"alpha": 1e-3},
}
FEW_ROUNDS = {"rounds": 40, "learning_rate": 0.2}
"""What a booster is told so that it trains once, and briefly."""
BRIEF = {**dict.fromkeys(("lightgbm", "xgboost", "catboost", "histgb"), FEW_ROUNDS), "mlp": {"epochs": 10}}


def _components() -> list[Component]:
    return [one for file in FILES for one in import_module(f"tamis.algorithms.{file}").COMPONENTS if one.installed]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `component` (and `task`) over all of them that fit together."""
    if "component" not in metafunc.fixturenames:
        return
    condition = getattr(metafunc.function, "only", lambda one: True)
    components = [one for one in _components() if condition(one)]
    if "task" in metafunc.fixturenames:
        pairs = [(one, task) for one in components for task in TaskKind if task in one.tasks]
        names = [f"{one.name}-{task}" for one, task in pairs]
        metafunc.parametrize(("component", "task"), pairs, ids=names)
    else:
        metafunc.parametrize("component", components, ids=lambda one: one.name)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Keep linear algebra to one thread: on such small problems more of them only wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def problem() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Return a function that makes (X, y) for a task: scaled columns, an easy target."""

    def make(task: TaskKind, n_rows: int = 120, n_columns: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(n_rows, n_columns))
        signal = 2.0 * X[:, 0] + X[:, min(1, n_columns - 1)] + 0.2 * rng.normal(size=n_rows)
        if task is TaskKind.REGRESSION:
            return X, 50.0 + 10.0 * signal
        n_classes = 2 if task is TaskKind.BINARY else 3
        return X, np.searchsorted(np.quantile(signal, np.arange(1, n_classes) / n_classes), signal)

    return make


@pytest.fixture
def fresh() -> Callable[..., Any]:
    """Return a function that builds an unfitted model with quick settings."""

    def make(component: Component, task: TaskKind, X: Any, **context: Any) -> Any:
        classes = {TaskKind.BINARY: 2, TaskKind.MULTICLASS: 3}.get(task, 1)
        parameters = {**component.space.default(), **QUICK.get(component.name, {}), **context.pop("parameters", {})}
        component.space.check(parameters, component.name)
        context.setdefault("realised", BRIEF.get(component.name, {}))
        shape = Shape(*X.shape, context.pop("classes", classes))
        return component.build(parameters, BuildContext(task, shape, limit_s=context.pop("limit_s", inf), **context))

    return make


@pytest.fixture
def answer() -> Callable[..., np.ndarray]:
    """Return a function that predicts: probabilities for classes, numbers for a regression."""

    def make(model: Any, task: TaskKind, X: Any) -> np.ndarray:
        return model.predict_proba(X) if task.is_classification else model.predict(X)

    return make


@pytest.fixture
def named() -> Callable[[str], Component]:
    """Return a function that finds a component, and skips the test where its library is not installed."""

    def find(name: str) -> Component:
        for one in _components():
            if one.name == name:
                return one
        pytest.skip(f"{name} is not installed")

    return find
