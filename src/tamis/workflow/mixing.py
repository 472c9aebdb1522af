"""The fitted pipelines of a model's members: read when they are first asked, asked beside each other, and averaged."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.data.pixels import Pixels
from tamis.data.table import Table
from tamis.ensemble.bagging import RunningMean
from tamis.pipelines import compile as pipelines
from tamis.pipelines.catalogue import Catalogue
from tamis.pipelines.fitting import MANY_ROWS
from tamis.store.container import unpack
from tamis.store.parts import load_part

_one_at_a_time = Lock()
"""The limit on linear algebra is the whole process's: the first to lift it must be the one that has set it."""


@dataclass(frozen=True)
class Unit:
    """One fitted pipeline: its preparation and its model, by content hash."""

    preparation: str
    """Empty where the model takes the rows as they are."""
    model: str
    fold: int = 0
    share: float = 1.0
    """Of its member's answer, in units of those of the other pipelines."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The hashes of what it is made of."""
        return tuple(one for one in (self.preparation, self.model) if one)


@dataclass(frozen=True)
class Member:
    """A candidate of the ensemble: its fitted pipelines are averaged by their shares, then weighted."""

    candidate: Mapping[str, Any]
    weight: float
    units: tuple[Unit, ...]
    label: str = ""
    """What tells it from other trainings of the same candidate."""

    @property
    def key(self) -> str:
        """The candidate's key."""
        return Candidate.from_json(self.candidate).key

    @property
    def name(self) -> str:
        """What no other member is called."""
        return self.label or self.key

    @property
    def shares(self) -> list[float]:
        """Return the part of each fitted pipeline in the member's answer: they sum to one."""
        whole = sum(one.share for one in self.units)
        return [one.share / whole for one in self.units]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the manifest."""
        record: dict[str, Any] = {"candidate": self.candidate, "weight": self.weight}
        if self.label:
            record["label"] = self.label
        return {**record, "units": [vars(one) for one in self.units]}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Member":
        """Read what `to_json` wrote."""
        units = tuple(Unit(**one) for one in record["units"])
        return cls(record["candidate"], record["weight"], units, record.get("label", ""))


class Mixture:
    """The members of an ensemble, ready to predict.

    Parameters
    ----------
    members : sequence of Member
        At least one.
    parts : mapping of str to bytes
        The fitted parts by content hash.
    catalogue : Catalogue
        Knows how each part is read.
    classification : bool
    """

    def __init__(
        self, members: Sequence[Member], parts: Mapping[str, bytes], catalogue: Catalogue, classification: bool
    ) -> None:
        self.members = tuple(members)
        self.parts = parts
        self.catalogue = catalogue
        self.classification = classification
        self._loaded: dict[str, Any] = {}
        self._components: dict[str, str] = {}

    def part(self, key: str) -> Any:
        """Return a fitted part by its content hash, read when it is first asked for."""
        if key not in self._loaded:
            meta, files = unpack(self.parts[key])
            name = meta.get("component") or ""
            component = pipelines.find(name, self.catalogue) if name else None
            self._components[key] = name  # before the part itself, by whose presence other threads go
            if component is not None and component.load is not None and meta.get("own format"):
                self._loaded[key] = component.load(files)
            else:
                self._loaded[key] = load_part(files, self.catalogue.allowed())
        return self._loaded[key]

    def predict(self, rows: Table | Pixels, threads: int, *, beside: bool) -> np.ndarray:
        """Return the weighted mean of what all fitted pipelines predict.

        Parameters
        ----------
        rows : Table or Pixels
            Prepared, at least one.
        threads : int
            How many may be used.
        beside : bool
            Whether pipelines may predict beside each other, where there are many rows. Each is asked by one thread
            alone, and the sum is taken in the same order.
        """
        uses = self._uses()
        for preparation, shares in uses.items():
            for key in filter(None, (preparation, *shares)):
                self.part(key)
        at_once = min(threads, len(uses)) if beside and rows.n_rows >= MANY_ROWS else 1
        mean = RunningMean()
        with _asked(at_once) as ask:
            each = max(1, threads // at_once)
            found = ask(lambda preparation: [*self._answers(rows, preparation, uses[preparation], each)], uses)
            for shares, answers in zip(uses.values(), found, strict=True):
                for share, answer in zip(shares.values(), answers, strict=True):
                    mean.add(answer, share)
        return mean.result()

    def _uses(self) -> dict[str, dict[str, float]]:
        """Return, for each preparation, the models on top of it with their share, so that it is computed once."""
        uses: dict[str, dict[str, float]] = {}
        whole = sum(one.weight for one in self.members)
        for one in self.members:
            for unit, share in zip(one.units, one.shares, strict=True):
                shares = uses.setdefault(unit.preparation, {})
                shares[unit.model] = shares.get(unit.model, 0.0) + one.weight / whole * share
        return uses

    def _answers(
        self, rows: Table | Pixels, preparation: str, models: Mapping[str, float], threads: int
    ) -> Iterator[np.ndarray]:
        matrix = self.part(preparation).transform(rows) if preparation else rows.values
        for key in models:
            component = pipelines.find(self._components[key], self.catalogue)
            yield pipelines.predict(self.part(key), component, matrix, self.classification, threads)


@contextmanager
def _asked(at_once: int) -> Iterator[Any]:
    """Give a `map` of so many threads; they share the cores, so that linear algebra must not start its own on each."""
    if at_once == 1 or not _one_at_a_time.acquire(blocking=False):
        yield map  # another prediction has the cores; it may be the one that this one is a part of
        return
    try:
        with _linear_algebra().limit(limits=1), ThreadPoolExecutor(at_once) as pool:
            yield pool.map
    finally:
        _one_at_a_time.release()


@cache
def _linear_algebra() -> Any:
    """Return what limits the threads of linear algebra: to look for its libraries takes longer than few rows do."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

    return ThreadpoolController().select(user_api="blas")
