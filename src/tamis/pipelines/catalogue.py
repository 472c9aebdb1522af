"""All components there are: those of our rooms, and those that other packages or the user add."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from tamis.core.component import BuildContext, Component, ComponentKind
from tamis.core.errors import ParameterError
from tamis.core.plugins import offered
from tamis.pipelines.adapters import ADAPTERS
from tamis.pipelines.wrapped import component, components_of

ROOMS = (
    "tamis.features.impute",
    "tamis.features.bins",
    "tamis.features.target",
    "tamis.features.groupstats",
    "tamis.features.scale",
    "tamis.features.encode",
    "tamis.features.dates",
    "tamis.features.words",
    "tamis.features.crosses",
    "tamis.features.selection",
    "tamis.features.reduce",
    "tamis.algorithms.baseline",
    "tamis.algorithms.linear",
    "tamis.algorithms.neighbors",
    "tamis.algorithms.bayes",
    "tamis.algorithms.kernels",
    "tamis.algorithms.forests",
    "tamis.algorithms.histgb",
    "tamis.algorithms.lightgbm",
    "tamis.algorithms.xgboost",
    "tamis.algorithms.catboost",
    "tamis.algorithms.mlp",
    "tamis.algorithms.foundation",
    "tamis.neural.tables.components",
    "tamis.neural.texts.components",
    "tamis.neural.images.components",
    "tamis.neural.members",
    "tamis.neural.transferred",
)
"""The files whose tuple COMPONENTS makes up the catalogue."""


def _structure(parameters: Mapping[str, Any], context: BuildContext) -> Any:
    raise ParameterError("'columns', 'join' and 'predictions' are part of the tree itself; they are not built.")


COLUMNS = Component("columns", ComponentKind.COLUMNS, _structure, summary="The columns of some roles.")
JOIN = Component("join", ComponentKind.JOIN, _structure, sparse=True, summary="Its inputs side by side.")
PREDICTIONS = Component(
    "predictions",
    ComponentKind.PREDICTIONS,
    _structure,
    supervised=True,
    summary="What the model below predicts, out of fold on the training rows.",
)

PARTS = ("parts.Columns", "parts.Step", "parts.Join", "stacked.Predictions", "stacked.FittedPipeline")
"""The classes that a fitted preparation is made of, beside its transformers and models."""


class Catalogue(Mapping[str, Component]):
    """Components by name; only those that can be built here.

    Parameters
    ----------
    components : iterable of Component
        A later one of the same name replaces an earlier one.
    own : iterable of Component
        Those that plug-ins and the user add: they replace others, and are tried early.

    Examples
    --------
    >>> "ridge" in builtin()
    True
    """

    def __init__(self, components: Iterable[Component], own: Iterable[Component] = ()) -> None:
        own = tuple(own)
        added = {one.name: one for one in own if one.installed}
        every = [*components, *own]
        self._by_name = {one.name: one for one in every if one.installed} | added
        self.not_installed = tuple(one for one in every if one.name not in self._by_name)
        self.own = tuple(added.values())

    def __getitem__(self, name: str) -> Component:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def of(self, kind: ComponentKind) -> list[Component]:
        """Return the components of one kind."""
        return [one for one in self.values() if one.kind is kind]

    def allowed(self) -> set[Any]:
        """Return the classes that a saved part may hold beside scikit-learn's, most by their full names."""
        names = {name for one in self.values() for name in one.classes}
        names.update(ADAPTERS)
        return names | {f"tamis.pipelines.{name}" for name in PARTS}


def builtin(extra: Iterable[Any] = ()) -> Catalogue:
    """Return every component of Tamis, of installed plug-ins, and the given ones.

    Bare estimators among the given ones are made components of (`tamis.component`).
    """
    ours = [one for room in ROOMS for one in import_module(room).COMPONENTS]
    return Catalogue([COLUMNS, JOIN, PREDICTIONS, *ours], own=[*_plugged(), *components_of(extra)])


def _plugged() -> Iterator[Component]:
    """Yield what installed packages offer; what is no component costs a warning, never the run."""
    for name, made in offered("tamis.components"):
        try:
            if isinstance(made, list | tuple):
                yield from components_of(made)
            else:
                yield made if isinstance(made, Component) else component(name, made)
        except ParameterError as error:
            warnings.warn(
                f"The plug-in {name!r} offers no component and is left out. {error} Offer a tamis.component(...), an "
                "estimator, or a list of them.",
                RuntimeWarning,
                stacklevel=2,
            )
