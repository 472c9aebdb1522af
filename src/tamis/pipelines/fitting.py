"""Fits the model of a candidate on a prepared matrix, and asks it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component
from tamis.core.errors import ParameterError, TrialError
from tamis.features.balance import class_weights

CLASS_WEIGHT = "class_weight"
"""The parameter of a classifier's node that says how far rare classes are weighed up: 0 not at all, 1 fully."""


ROW_BY_ROW = frozenset({"lightgbm", "catboost", "xgboost", "histgb"})
"""Boosters predict each row by itself: not a digit depends on the threads."""
MANY_ROWS = 2_000
"""Of fewer, waking the threads takes longer than it saves."""


def find(name: str, catalogue: Mapping[str, Component]) -> Component:
    """Return a component by name, refusing one that is not there."""
    try:
        return catalogue[name]
    except KeyError:
        known = ", ".join(sorted(catalogue))
        raise ParameterError(
            f"There is no component {name!r} here. Hand in your own (components=[...]), or install what offers it. "
            f"There are: {known}."
        ) from None


def fit_for(component: Component, matrix: Any) -> Any:
    """Bring a prepared matrix into the form that a model takes: dense unless it takes sparse input.

    Raises
    ------
    TrialError
        Where values are missing that the model cannot take.
    """
    if sparse.issparse(matrix):
        return matrix if component.sparse else matrix.toarray()  # type: ignore[attr-defined]
    matrix = np.ascontiguousarray(matrix)
    if not component.missing and not np.isfinite(matrix.sum()) and not np.isfinite(matrix).all():
        raise TrialError(f"{component.name} cannot take missing values and its preparation leaves some.")
    return matrix


def fit_model(
    tree: Candidate,
    component: Component,
    context: BuildContext,
    *,
    matrix: Any,
    y: np.ndarray,
    weight: np.ndarray | None,
    categories: np.ndarray,
) -> Any:
    """Build and fit the model at the root of a candidate on a prepared matrix."""
    model = component.build(tree.settings, context)
    if context.task.is_classification and tree.settings.get(CLASS_WEIGHT):
        weight = class_weights(y, tree.settings[CLASS_WEIGHT], weight)
    extra: dict[str, Any] = {}
    if component.takes_categories:
        extra["categories"] = [int(index) for index in categories]
    if weight is not None and component.takes_weights:
        extra["sample_weight"] = weight
    model.fit(matrix, y, **extra)
    return model


def predict(
    model: Any, component: Component, matrix: Any, classification: bool, threads: int | None = None
) -> np.ndarray:
    """Return probabilities (n, n_classes) or values (n,) of a fitted model on a prepared matrix.

    Boosters use so many threads where there are many rows; those of the fit unless given.
    """
    matrix = fit_for(component, matrix)
    if threads is not None and component.name in ROW_BY_ROW:
        model.threads = threads if matrix.shape[0] >= MANY_ROWS else 1
    return np.asarray(model.predict_proba(matrix) if classification else np.ravel(model.predict(matrix)))
