"""A building block states what it is, takes and costs; it never sees a data set or a task."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Any

from tamis.core.extras import available
from tamis.core.kinds import ANY_TASK, Role, TaskKind
from tamis.core.space import Space


class ComponentKind(StrEnum):
    """What a component does in a tree."""

    COLUMNS = "columns"
    """A leaf: the columns of some roles."""
    TRANSFORMER = "transformer"
    JOIN = "join"
    """Puts the outputs of its inputs side by side."""
    MODEL = "model"
    PREDICTIONS = "predictions"
    """Makes columns of what the model below it predicts."""
    NETWORK = "network"
    """Takes images instead of columns."""


@dataclass(frozen=True)
class Shape:
    """The size of a problem, as cost estimates see it."""

    rows: int
    columns: int
    classes: int = 1
    """Number of classes; 1 for regression."""
    density: float = 1.0
    """Share of the cells that are not zero, for sparse input."""


@dataclass(frozen=True)
class Cost:
    """What fitting once is expected to take on one core."""

    seconds: float
    memory_mb: float


CostEstimate = Callable[[Shape, Mapping[str, Any]], Cost]
"""(shape, parameters) -> cost."""


def negligible(shape: Shape, parameters: Mapping[str, Any]) -> Cost:
    """Estimate the cost of a part that passes over the data once.

    Examples
    --------
    >>> negligible(Shape(1000, 10), {}).seconds < 0.01
    True
    """
    cells = shape.rows * shape.columns * shape.density
    return Cost(1e-3 + 2e-8 * cells, 1 + 3 * 8e-6 * cells)


@dataclass(frozen=True)
class BuildContext:
    """What a component is told when it is built."""

    task: TaskKind
    shape: Shape
    seed: int = 0
    threads: int = 1
    limit_s: float = inf
    """Seconds its fit may take; infinite where the result must not depend on the machine's speed."""
    memory_mb: float = inf
    metric: str = ""
    """The run's metric by name: a booster may stop by it."""
    realised: Mapping[str, Any] = field(default_factory=dict)
    """What the same candidate found out on another fold (learning rate, rounds): to be used as it is."""
    shared: dict[str, Any] = field(default_factory=dict)
    """Lives as long as the worker; keys are tuples that begin with the component's name."""
    shared_key: str = ""
    """Names the rows and the preparation that the model will see; empty where nothing may be shared."""
    clusters: Any = None
    """Codes of the training rows: those of one code belong together, and what is held out to see when a training is at
    its best takes all of them or none. None where rows do not belong together."""


@dataclass(frozen=True)
class Component:
    """The record of one building block.

    `build` returns an unfitted object with scikit-learn's manners: `fit(X, y)`, and `transform(X)` for a transformer,
    `predict_proba(X)` or `predict(X)` for a model. A transformer whose fitted output on the training rows differs from
    `transform` of them (out-of-fold statistics) defines `fit_transform`. A model may take `sample_weight`, and, where
    `takes_categories` is set, `categories` (the numbers of the columns of X that hold codes, NaN for missing). A model
    may have `realised_` after fitting: JSON values for `BuildContext.realised` of its other folds.
    """

    name: str
    kind: ComponentKind
    build: Callable[[Mapping[str, Any], BuildContext], Any]
    """(parameters, context) -> an unfitted object."""
    space: Space = field(default_factory=Space)
    roles: frozenset[Role] = frozenset()
    """Columns of which roles it can be put on, for parts that stand right after the columns; empty for any numbers."""
    tasks: frozenset[TaskKind] = ANY_TASK
    cost: CostEstimate = negligible
    extra: str | None = None
    """The extra that installs what it needs; None where the core install is enough."""
    module: str | None = None
    """The optional module it imports; the component is left out where it is not installed."""
    sparse: bool = False
    """Takes scipy.sparse CSR input."""
    missing: bool = False
    """Takes NaN."""
    takes_categories: bool = False
    takes_weights: bool = True
    out_of_bag: bool = False
    """A model whose fit on all rows offers `out_of_bag(X)`: for each row what the parts that did not see it predict."""
    supervised: bool = False
    """A transformer whose fit depends on the target: each row's columns tell something of the targets of others."""
    codes: bool = False
    """A transformer whose output columns are codes of levels."""
    deterministic: bool = True
    """Gives the same fit again from the same seed with one thread."""
    classes: tuple[Any, ...] = ()
    """The allow-list: the classes, beyond scikit-learn's own safe ones, that a saved fit may hold; by their full names,
    or themselves where no other process could import them."""
    dump: Callable[[Any], dict[str, bytes]] | None = None
    """(fitted) -> files by name, in the library's own format; None where the general writer serves."""
    load: Callable[[Mapping[str, bytes]], Any] | None = None
    """(files) -> an object that predicts."""
    source: str = ""
    """The import path of the class that an exported script uses."""
    summary: str = ""
    """One line for people."""

    @property
    def installed(self) -> bool:
        """Tell whether it can be built here."""
        return self.module is None or available(self.module)
