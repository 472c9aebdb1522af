"""Predictions of a pipeline as columns for another model: stacked generalisation, out of fold on training rows."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from math import inf
from typing import Any

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


Learn = Callable[[Table, np.ndarray, "np.ndarray | None", float, Mapping[str, Any]], FittedPipeline]
"""(rows, target, weights, seconds it may take, what another fit found out) -> a fitted pipeline."""


class Predictions:
    """A pipeline inside a preparation; its output are its predictions.

    On the training rows they are out of fold (Wolpert, 1992): what the model says of rows that it has learned from is
    too good to be learned from. It is then fitted on all training rows, for the rows to come. What the first fit has
    found out (rounds, learning rate, penalty) holds for the others, as it does among the folds of a run.

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

    References
    ----------
    Wolpert, "Stacked generalization", Neural Networks 5, 1992.
    """

    def __init__(
        self, learn: Learn, *, name: str = "", seed: int = 0, limit_s: float = inf, n_folds: int = INNER_FOLDS
    ) -> None:
        self._learn = learn
        self.name = name
        self.seed = seed
        self.limit_s = limit_s
        self.n_folds = n_folds

    def fit_transform(self, table: Table, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Fit on the training rows and return the predictions of each by the model that has not seen it."""
        end = time.monotonic() + self.limit_s
        folds = inner_folds(y, self.n_folds, self.seed)
        n_folds = int(folds.max()) + 1
        realised: dict[str, Any] = {}
        self.fits_: list[dict[str, Any]] = []
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        for fold in range(n_folds):
            train, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
            heavy = None if weight is None else weight[train]
            left = (end - time.monotonic()) / (n_folds - fold + 1)
            fitted = self._learn(table.take(train), y[train], heavy, left, realised)
            realised = realised or fitted.realised
            self.fits_.append(_told(fitted, len(train)))
            parts.append((held, fitted.columns(table.take(held))))
        self.pipeline_ = self._learn(table, y, weight, end - time.monotonic(), realised)
        self.fits_.append(_told(self.pipeline_, len(y)))
        found = np.empty((table.n_rows, parts[0][1].shape[1]))
        for held, columns in parts:
            found[held] = columns
        self.categories_ = np.zeros(0, dtype=np.intp)
        width = found.shape[1]
        self.names_ = [f"{self.name} prediction" + (f"[{one}]" if width > 1 else "") for one in range(width)]
        return found

    def transform(self, table: Table) -> np.ndarray:
        """Return the predictions of the model that has learned from all training rows."""
        return self.pipeline_.columns(table)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is saved: everything but how it was fitted."""
        return {name: value for name, value in self.__dict__.items() if name != "_learn"}
