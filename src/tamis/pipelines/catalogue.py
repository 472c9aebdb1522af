"""All components there are: those of our rooms, and those that other packages or the user add."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from tamis.core.component import BuildContext, Component, ComponentKind
from tamis.core.errors import ParameterError
from tamis.core.plugins import offered

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
    "tamis.neural.members",
)
"""The files whose tuple COMPONENTS makes up the catalogue."""


def _structure(parameters: Mapping[str, Any], context: BuildContext) -> Any:
    raise ParameterError("'columns' and 'join' are part of the tree itself; they are not built.")


COLUMNS = Component("columns", ComponentKind.COLUMNS, _structure, summary="The columns of some roles.")
JOIN = Component("join", ComponentKind.JOIN, _structure, sparse=True, summary="Its inputs side by side.")


class Catalogue(Mapping[str, Component]):
    """Components by name; only those that can be built here.

    Parameters
    ----------
    components : iterable of Component
        A later one of the same name replaces an earlier one.

    Examples
    --------
    >>> "ridge" in builtin()
    True
    """

    def __init__(self, components: Iterable[Component]) -> None:
        self._by_name = {one.name: one for one in components if one.installed}

    def __getitem__(self, name: str) -> Component:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def of(self, kind: ComponentKind) -> list[Component]:
        """Return the components of one kind."""
        return [one for one in self.values() if one.kind is kind]

    def allowed(self) -> set[str]:
        """Return the full names of our own classes that a saved part may hold."""
        names = {name for one in self.values() for name in one.classes}
        return names | {f"tamis.pipelines.parts.{name}" for name in ("Columns", "Step", "Join")}


def builtin(extra: Iterable[Component] = ()) -> Catalogue:
    """Return every component of Tamis, of installed plug-ins, and the given ones."""
    ours = [one for room in ROOMS for one in import_module(room).COMPONENTS]
    plugged = [one for _, one in offered("tamis.components") if isinstance(one, Component)]
    return Catalogue([COLUMNS, JOIN, *ours, *plugged, *extra])
