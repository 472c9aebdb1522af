"""What the tests of the features share: every component, and a table of each kind of columns."""

from importlib import import_module

import numpy as np
import pytest

from tamis.core.component import BuildContext, Component, Shape
from tamis.core.kinds import CODE_ROLES, Role, TaskKind

FILES = (
    "impute",
    "scale",
    "bins",
    "encode",
    "target",
    "dates",
    "words",
    "crosses",
    "groupstats",
    "selection",
    "reduce",
)
EVERY = {
    component.name: component for file in FILES for component in import_module(f"tamis.features.{file}").COMPONENTS
}


def pytest_generate_tests(metafunc):
    if "component" in metafunc.fixturenames:
        metafunc.parametrize("component", [pytest.param(one, id=name) for name, one in EVERY.items()])


def kind_of(component: Component) -> str:
    if Role.TEXT in component.roles:
        return "texts"
    if Role.DATE in component.roles:
        return "dates"
    return "codes" if component.roles & CODE_ROLES else "mixed" if component.name == "group_statistics" else "numbers"


def make_rows(kind: str, n_rows: int, n_columns: int = 4, seed: int = 0, missing: bool = True) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "texts":
        words = np.array(["red", "green", "blue", "Über", "x1", "no.", "apple", "pear"])
        made = np.empty((n_rows, n_columns), dtype=object)
        for row, column in np.ndindex(made.shape):
            made[row, column] = " ".join(rng.choice(words, rng.integers(0, 6)))
        return made
    if kind == "dates":
        made = rng.uniform(0, 1.7e9, (n_rows, n_columns))
    elif kind == "codes":
        made = rng.integers(0, 5, (n_rows, n_columns)).astype(float)
    else:
        made = rng.normal(size=(n_rows, n_columns)) * 10.0 ** np.arange(n_columns)
        if kind == "mixed":
            made[:, 0] = rng.integers(0, 3, n_rows)
    if missing:
        made[rng.random(made.shape) < 0.1] = np.nan
    return made


def make_context(task: TaskKind = TaskKind.BINARY, classes: int = 2, seed: int = 0) -> BuildContext:
    return BuildContext(task, Shape(100, 4, classes if task.is_classification else 1), seed=seed)


def build(component: Component, context: BuildContext | None = None, **parameters):
    if component.module is not None:
        pytest.importorskip(component.module)
    small = {"n_components": 6} if "n_components" in component.space.parameters else {}
    made = component.build({**component.space.default(), **small, **parameters}, context or make_context())
    return made.set_columns(categories=[0]) if hasattr(made, "set_columns") else made


@pytest.fixture
def kind():
    return kind_of


@pytest.fixture
def rows():
    return make_rows


@pytest.fixture
def context():
    return make_context


@pytest.fixture
def built():
    return build


@pytest.fixture
def every():
    return EVERY
