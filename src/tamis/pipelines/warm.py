"""A warm start: the configurations that did best on the most similar tables are tried early, in turn with the others.

`warm.json` is written by `benchmarks/portfolio/warm.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tamis.pipelines.orders import Known, distance, place_of

N_NEAREST = 4
"""So many similar tables have a say."""


@dataclass(frozen=True)
class WarmStart:
    """What did best on known tables.

    As in Feurer, Springenberg and Hutter, "Initializing Bayesian hyperparameter optimization via meta-learning" (2015),
    and Auto-Sklearn: the tables nearest by a few numbers that describe them give their best configurations first. Here
    they take turns with the learned order, which is as good on its own where no table is like any other.
    """

    known: tuple[Known, ...] = ()
    """Tables with the names of their best configurations, the best first."""
    near: float = 0.0
    """A table farther than this is not like the one at hand."""

    @classmethod
    @cache
    def shipped(cls) -> "WarmStart":
        """Return what comes with the package."""
        kept = json.loads(files("tamis.pipelines").joinpath("warm.json").read_text(encoding="utf-8"))
        known = (Known(one["name"], tuple(one["place"]), tuple(one["best"])) for one in kept["known"])
        return cls(tuple(known), kept["near"])

    def similar(self, features: Mapping[str, float]) -> list[Known]:
        """Return the known tables that are like one, the nearest first.

        Parameters
        ----------
        features : mapping
            As `tamis.data.metafeatures.metafeatures` returns them.
        """
        place = place_of(features)
        nearest = sorted(self.known, key=lambda one: distance(place, one.place))[:N_NEAREST]
        return [one for one in nearest if distance(place, one.place) <= self.near]

    def of(self, features: Mapping[str, float], order: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return an order for a table, and the names of the known tables that it is like; none where it is like none.

        The first of the given order stays the first, so that there is a model at once.

        Parameters
        ----------
        features : mapping
            As `tamis.data.metafeatures.metafeatures` returns them.
        order : sequence of str
            What would be tried otherwise.

        Examples
        --------
        >>> known = (Known("houses", (0.0,) * 9, ("catboost", "tabm")), Known("flats", (0.1,) * 9, ("svm", "catboost")))
        >>> empty = dict.fromkeys(["n_rows", "n_columns"], 0.0)
        >>> WarmStart(known, near=1.0).of(empty, ["linear", "mlp", "histgb"])
        (['linear', 'catboost', 'mlp', 'svm', 'histgb', 'tabm'], ['houses', 'flats'])
        """
        similar = self.similar(features)
        if not similar:
            return list(order), []
        best = [name for name in in_turn(*(one.order for one in similar)) if name not in order[:1]]
        return [*order[:1], *in_turn(best, [name for name in order if name not in order[:1]])], [
            one.name for one in similar
        ]


def in_turn(*lists: Sequence[str]) -> list[str]:
    """Return the first of each list, then the second of each, every name once; a list steps over what was named before.

    Examples
    --------
    >>> in_turn(["a", "b"], ["a", "c"], ["d"])
    ['a', 'c', 'd', 'b']
    """
    found: dict[str, None] = {}
    waiting = [iter(one) for one in lists]
    while waiting:
        for one in list(waiting):
            name = next((name for name in one if name not in found), None)
            if name is None:
                waiting.remove(one)
            else:
                found[name] = None
    return list(found)
