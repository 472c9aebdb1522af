"""Finds the parts that other packages offer by entry point."""

import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

GROUPS = ("tamis.components", "tamis.strategies", "tamis.metrics")


def names(group: str) -> tuple[str, ...]:
    """Return the names of a group's entry points; nothing is imported.

    Examples
    --------
    >>> names("tamis.nothing")
    ()
    """
    return tuple(sorted({entry.name for entry in entry_points(group=group)}))


def offered(group: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the object of every entry point of a group.

    A package that cannot be imported costs a warning, never the run.

    Examples
    --------
    >>> list(offered("tamis.nothing"))
    []
    """
    for entry in sorted(entry_points(group=group), key=lambda one: one.name):
        try:
            yield entry.name, entry.load()
        except Exception as error:  # whatever a stranger's package raises
            warnings.warn(
                f"The plug-in {entry.name!r} ({entry.value}) could not be loaded and is left out: {error}. "
                "Uninstall its package to silence this.",
                RuntimeWarning,
                stacklevel=2,
            )
