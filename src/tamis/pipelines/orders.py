"""In which order starting configurations are tried: as they paid on similar tables, where any are known.

`orders.json` is written by `benchmarks/portfolio/learn.py`; nothing in it was learned from test rows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log, sqrt

ROWS_RECORDED = 3_334
"""Orders were learned on at most so many rows; larger tables are as near as ones of this size."""


@dataclass(frozen=True)
class Known:
    """A table on which orders were learned."""

    name: str
    place: tuple[float, ...]
    order: tuple[str, ...]


@dataclass(frozen=True)
class Orders:
    """What was learned."""

    default: tuple[str, ...]
    known: tuple[Known, ...] = ()
    near: float = 0.0
    """A table farther than this from every known one gets the default order."""

    @classmethod
    @cache
    def shipped(cls) -> "Orders":
        """Return those that come with the package."""
        kept = json.loads(files("tamis.pipelines").joinpath("orders.json").read_text(encoding="utf-8"))
        known = (Known(one["name"], tuple(one["place"]), tuple(one["order"])) for one in kept.get("known", ()))
        return cls(tuple(kept["default"]), tuple(known), kept.get("near", 0.0))

    def of(self, features: Mapping[str, float]) -> tuple[Sequence[str], str]:
        """Return the order for a table, and the name of the known table that it is like; empty where it is like none.

        Parameters
        ----------
        features : mapping
            As `tamis.data.metafeatures.metafeatures` returns them.

        Examples
        --------
        >>> orders = Orders(("linear",), (Known("houses", (0.0,) * 9, ("catboost", "linear")),), near=1.0)
        >>> orders.of(dict.fromkeys(["n_rows", "n_columns", "missing_share"], 0.0))[1]
        'houses'
        """
        place = place_of(features)
        nearest = min(self.known, key=lambda one: distance(place, one.place), default=None)
        if nearest is None or distance(place, nearest.place) > self.near:
            return self.default, ""
        return nearest.order, nearest.name


def place_of(features: Mapping[str, float]) -> tuple[float, ...]:
    """Return where a table lies among others: numbers of about the same spread.

    Examples
    --------
    >>> place_of({"n_rows": 0.0, "n_columns": 0.0})
    (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """

    def value(name: str) -> float:
        return float(features.get(name, 0.0))

    found = (
        log(1 + min(value("n_rows"), ROWS_RECORDED)) / 1.5,
        log(1 + value("n_columns")) / 1.5,
        2 * (value("share_categorical") + value("share_high_cardinality")),
        1.5 * value("is_classification"),
        log(1 + value("n_classes")) / 1.0,
        2 * sqrt(value("missing_share")),
        log(1 + value("levels_max")) / 2.5,
        log(1 + value("skew_mean")),
        value("imbalance") / 2.0,
    )
    return tuple(round(one, 4) for one in found)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """Return how far two tables are apart.

    Examples
    --------
    >>> distance((0.0, 0.0), (3.0, 4.0))
    5.0
    """
    return sqrt(sum((mine - its) ** 2 for mine, its in zip(one, other, strict=True)))
