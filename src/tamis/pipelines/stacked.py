"""Predictions of a pipeline as columns for another model: stacked generalisation, out of fold on training rows."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from math import inf
from typing import Any, Protocol, Self

import numpy as np
from scipy import sparse

from tamis.core.component import Component
from tamis.core.errors import ParameterError
from tamis.data.table import Table
from tamis.features.target import inner_folds
from tamis.pipelines.catalogue import Catalogue, builtin

INNER_FOLDS = 3
"""Into so many parts the training rows are dealt; a model that learned from the others predicts each."""


@cache
def _ours() -> Catalogue:
    return builtin()


class FittedPipeline:
    """A fitted preparation and the model on top of it.

    Parameters
    ----------
    preparation : object
        With `transform`.
    model : object
        With `predict_proba` or `predict`.
    component : Component
        The model's.
    classification : bool
        Whether it predicts classes.

    Raises
    ------
    ParameterError
        For a model of the user's own that is saved in a format of its own: nothing could find its `load` again.
    """

    def __init__(self, preparation: Any, model: Any, component: Component, classification: bool) -> None:
        if component.dump is not None and _ours().get(component.name) is not component:
            raise ParameterError(
                f"{component.name!r} cannot stand below 'predictions': it is saved by a `dump` of its own, which only "
                "components of Tamis may be there. Leave `dump` out and name its classes in `classes` instead."
            )
        self.preparation = preparation
        self.model = model
        self.classification = classification
        self.takes_sparse = component.sparse
        self.saved_as = component.name if component.dump is not None else ""

    def columns(self, table: Table) -> np.ndarray:
        """Return what is predicted of some rows: shape (n_rows, 1), or (n_rows, n_classes) with several classes.

        Of two probabilities the last, which tells nothing new, is left out.
        """
        matrix = self.preparation.transform(table)
        if not sparse.issparse(matrix):
            matrix = np.ascontiguousarray(matrix)
        elif not self.takes_sparse:
            matrix = matrix.toarray()  # type: ignore[attr-defined]  # left out of the stubs
        found = np.asarray(self.model.predict_proba(matrix) if self.classification else self.model.predict(matrix))
        found = np.nan_to_num(found.astype(np.float64).reshape(len(found), -1))
        return found[:, :1] if found.shape[1] == 2 else found

    @property
    def realised(self) -> dict[str, Any]:
        """What the fit found out: JSON values."""
        return dict(getattr(self.model, "realised_", None) or {})

    def __getstate__(self) -> dict[str, Any]:
        """Return what is saved: the model in the format of its library where it has one."""
        if not self.saved_as:
            return dict(self.__dict__)
        dump = _ours()[self.saved_as].dump
        assert dump is not None, "it would not be saved so"
        return {**self.__dict__, "model": dump(self.model)}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take in what was saved."""
        self.__dict__.update(state)
        load = _ours()[self.saved_as].load if self.saved_as else None
        if load is not None:
            self.model = load(self.model)


def _told(fitted: FittedPipeline, n_rows: int) -> dict[str, Any]:
    """Return what sets a fit apart from others of the same settings, but for its rows."""
    return {"realised": fitted.realised, "sampled": bool(getattr(fitted.model, "max_rows", inf) < n_rows)}


class Splits(Protocol):
    """How training rows are to be parted where the run's own splits heed groups or time (`tamis.evaluate.inner`)."""

    def take(self, rows: np.ndarray) -> Self:
        """Return the same for some of the rows."""

    def blocks(self) -> np.ndarray | None:
        """Return codes of the rows that are held out together where a training is watched."""

    def parts(self, y: np.ndarray, n_folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the rows that learn and those that are held out, in turn."""


Learn = Callable[[Table, np.ndarray, "np.ndarray | None", float, Mapping[str, Any], "Splits | None"], FittedPipeline]
"""(rows, target, weights, seconds it may take, what another fit found out, bonds of the rows) -> a fitted pipeline."""


def dealt(y: np.ndarray, n_folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Part rows that nothing ties together: those that learn and those that are held out, in turn."""
    folds = inner_folds(y, n_folds, seed)
    return [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(int(folds.max()) + 1)]


def usual(y: np.ndarray, width: int, classes: bool) -> np.ndarray:
    """Return what is predicted of rows by one who knows their target as a whole and nothing of any: its mean.

    Examples
    --------
    >>> usual(np.array([0, 0, 1, 2]), 3, classes=True).tolist(), usual(np.array([1.0, 4.0]), 1, classes=False).tolist()
    ([0.5, 0.25, 0.25], [2.5])
    """
    return np.array([np.mean(y == code) for code in range(width)] if classes else [np.mean(y)])


class Predictions:
    """A pipeline inside a preparation; its output are its predictions.

    On the training rows they are out of fold (Wolpert, 1992): what the model says of rows that it has learned from is
    too good to be learned from. It is then fitted on all training rows, for the rows to come. What the first fit has
    found out (rounds, learning rate, penalty) holds for the others, as it does among the folds of a run.

    Where the run's splits keep rows together or in the order of time, these folds do so too: a neighbour of the same
    group, or a later row, would tell as much as the row itself.

    Parameters
    ----------
    learn : callable
        Fits the pipeline.
    name : str
        Of the model, for the names of the columns.
    seed : int
        Deals the rows out to the folds, stratified by the target.
    limit_s : float
        Seconds for all fits together.
    n_folds : int
    splits : Splits, optional
        What ties the training rows together; without it chance deals them out.

    References
    ----------
    Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    """

    def __init__(
        self,
        learn: Learn,
        *,
        name: str = "",
        seed: int = 0,
        limit_s: float = inf,
        n_folds: int = INNER_FOLDS,
        splits: Splits | None = None,
    ) -> None:
        self._learn = learn
        self.name = name
        self.seed = seed
        self.limit_s = limit_s
        self.n_folds = n_folds
        self._splits = splits

    def fit_transform(self, table: Table, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Fit on the training rows and return the predictions of each by the model that has not seen it."""
        end = time.monotonic() + self.limit_s
        splits = self._splits
        folds = (dealt if splits is None else splits.parts)(y, self.n_folds, self.seed)
        realised: dict[str, Any] = {}
        self.fits_: list[dict[str, Any]] = []
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        for fold, (train, held) in enumerate(folds):
            heavy = None if weight is None else weight[train]
            bound = None if splits is None else splits.take(train)
            left = (end - time.monotonic()) / (len(folds) - fold + 1)
            fitted = self._learn(table.take(train), y[train], heavy, left, realised, bound)
            realised = realised or fitted.realised
            self.fits_.append(_told(fitted, len(train)))
            parts.append((held, fitted.columns(table.take(held))))
        self.pipeline_ = self._learn(table, y, weight, end - time.monotonic(), realised, splits)
        self.fits_.append(_told(self.pipeline_, len(y)))
        found = np.full((table.n_rows, parts[0][1].shape[1]), np.nan)
        for held, columns in parts:
            found[held] = columns
        # In the order of time nobody can be asked about the first rows, and a class of one group is never held out.
        # What they get tells none of them from another and is right on average, so that the model above learns from
        # it neither to trust this column nor to distrust it. In-sample predictions would be trusted too much, later
        # models know what came of these rows, and a gap is more than most models can take.
        lone = np.isnan(found[:, 0])
        if lone.any():
            found[lone] = usual(y[lone], found.shape[1], self.pipeline_.classification)
        self.categories_ = np.zeros(0, dtype=np.intp)
        width = found.shape[1]
        self.names_ = [f"{self.name} prediction" + (f"[{one}]" if width > 1 else "") for one in range(width)]
        return found

    def transform(self, table: Table) -> np.ndarray:
        """Return the predictions of the model that has learned from all training rows."""
        return self.pipeline_.columns(table)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is saved: everything but how it was fitted."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_learn", "_splits")}
