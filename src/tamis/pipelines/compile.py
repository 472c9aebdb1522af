"""Compiles a candidate into a pipeline that can be fitted: a preparation and a model on top of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tamis.core.candidate import Candidate
from tamis.core.component import BuildContext, Component, ComponentKind, Shape
from tamis.core.errors import ParameterError
from tamis.core.seeds import derive
from tamis.data.table import Table
from tamis.pipelines.fitting import CLASS_WEIGHT, find, fit_for, fit_model, predict
from tamis.pipelines.parts import Columns, Join, Step
from tamis.pipelines.stacked import FittedPipeline, Predictions, Splits

__all__ = [
    "CLASS_WEIGHT",
    "Preparation",
    "find",
    "fit_for",
    "fit_model",
    "is_honest_out_of_bag",
    "predict",
    "prepare",
    "seed_of",
]

Preparation = Columns | Step | Join | Predictions

STACKED_SHARE = 0.5
"""Of a trial's seconds, for all fits of the models inside its preparation together."""


def is_honest_out_of_bag(tree: Candidate, catalogue: Mapping[str, Component]) -> bool:
    """Tell whether one fit of a candidate on all rows offers predictions of rows that it did not learn from.

    So it is for bagged trees, unless the preparation below them has learned from the target of every row.

    Examples
    --------
    >>> from tamis.pipelines.catalogue import builtin
    >>> forest = Candidate.of("random_forest", {}, Candidate.of("columns", {"roles": ["numeric"]}))
    >>> is_honest_out_of_bag(forest, builtin())
    True
    """
    bagged = find(tree.component, catalogue).out_of_bag and bool(tree.settings.get("bootstrap", True))
    below = (find(part.component, catalogue) for child in tree.children for part in child.walk())
    return bagged and not any(one.supervised for one in below)


def prepare(
    tree: Candidate, catalogue: Mapping[str, Component], context: BuildContext, splits: Splits | None = None
) -> Preparation:
    """Build the unfitted preparation that a subtree stands for.

    Parameters
    ----------
    tree : Candidate
    catalogue : mapping of str to Component
    context : BuildContext
    splits : Splits, optional
        What ties the training rows together, for the predictions of models inside.

    Raises
    ------
    ParameterError
        Where a node names no component of the catalogue, or one that prepares nothing.
    """
    n_stacked = sum(find(one.component, catalogue).kind is ComponentKind.PREDICTIONS for one in tree.walk())
    return _built(tree, catalogue, context, STACKED_SHARE * context.limit_s / max(1, n_stacked), splits)


def _built(
    tree: Candidate,
    catalogue: Mapping[str, Component],
    context: BuildContext,
    stacked_s: float,
    splits: Splits | None,
) -> Preparation:
    """Build a preparation; each model inside it has `stacked_s` seconds."""
    component = find(tree.component, catalogue)
    if component.kind is ComponentKind.COLUMNS:
        return Columns(tree.settings["roles"])
    if component.kind is ComponentKind.PREDICTIONS:
        return _stacked(tree.children[0], catalogue, replace(context, limit_s=stacked_s), splits)
    inputs = [_built(one, catalogue, context, stacked_s, splits) for one in tree.children]
    if component.kind is ComponentKind.JOIN:
        return Join(inputs)
    if component.kind is not ComponentKind.TRANSFORMER:
        raise ParameterError(
            f"{tree.component!r} is a {component.kind}; only transformers can stand below a model. What a model "
            "predicts becomes columns by 'predictions' above it."
        )
    inside = inputs[0] if len(inputs) == 1 else Join(inputs)
    return Step(component.build(tree.settings, context), inside, codes=component.codes)


def _stacked(
    tree: Candidate, catalogue: Mapping[str, Component], context: BuildContext, splits: Splits | None
) -> Predictions:
    """Build the columns that a whole pipeline predicts.

    Every fit has the same seed: they differ by their rows alone. Nothing is shared with other trials, for no other has
    these rows.
    """
    component = find(tree.component, catalogue)
    if component.kind is not ComponentKind.MODEL:
        raise ParameterError(f"{tree.component!r} is a {component.kind}; 'predictions' can only stand above a model.")
    told = replace(context, seed=derive(context.seed, "stacked", tree.key), shared={}, shared_key="")

    def learn(
        table: Table,
        y: np.ndarray,
        weight: np.ndarray | None,
        limit_s: float,
        realised: Mapping[str, Any],
        bound: Splits | None,
    ) -> FittedPipeline:
        here = replace(told, limit_s=limit_s, realised=realised)
        preparation = prepare(tree.children[0], catalogue, replace(here, realised={}), bound)
        matrix = fit_for(component, preparation.fit_transform(table, y, weight))
        shape = Shape(matrix.shape[0], matrix.shape[1], context.shape.classes)
        model = fit_model(
            tree,
            component,
            replace(here, shape=shape, clusters=bound.blocks() if bound is not None else None),
            matrix=matrix,
            y=y,
            weight=weight,
            categories=preparation.categories_,
        )
        return FittedPipeline(preparation, model, component, context.task.is_classification)

    seed = derive(told.seed, "folds")
    return Predictions(learn, name=tree.component, seed=seed, limit_s=context.limit_s, splits=splits)


def seed_of(tree: Candidate, seed: int, fold: int) -> int:
    """Derive the seed of one candidate on one fold."""
    return derive(seed, "model", tree.key, fold)
