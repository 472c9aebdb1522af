"""What the models inside a preparation are expected to cost."""

from collections.abc import Mapping
from dataclasses import replace

from tamis.core.candidate import Candidate
from tamis.core.component import Component, ComponentKind, Shape
from tamis.pipelines.fitting import find
from tamis.pipelines.stacked import INNER_FOLDS


def stacked_seconds(tree: Candidate, shape: Shape, catalogue: Mapping[str, Component]) -> float:
    """Return the seconds that all fits of the stacked predictors of a candidate are expected to take.

    Each is fitted once without each of the inner folds, and once on all rows; a stack below it as often again.

    Parameters
    ----------
    tree : Candidate
        A model or a preparation; what its root itself costs is not counted.
    shape : Shape
        Of the table.
    catalogue : mapping of str to Component

    Examples
    --------
    >>> from tamis.pipelines.catalogue import builtin
    >>> columns = Candidate.of("columns", {"roles": ["numeric"]})
    >>> inner = Candidate.of("predictions", {}, Candidate.of("ridge", {}, columns))
    >>> stacked = Candidate.of("ridge", {}, Candidate.of("join", {}, columns, inner))
    >>> stacked_seconds(inner.children[0], Shape(900, 5), builtin())
    0.0
    >>> 0.0 < stacked_seconds(stacked, Shape(900, 5), builtin()) < 1.0
    True
    """
    seconds = 0.0
    for child in tree.children:
        below = stacked_seconds(child, shape, catalogue)
        if find(tree.component, catalogue).kind is ComponentKind.PREDICTIONS:
            part = replace(shape, rows=max(1, shape.rows * (INNER_FOLDS - 1) // INNER_FOLDS))
            model = find(child.component, catalogue)
            once, least = (model.cost(one, child.settings).seconds for one in (shape, part))
            below = (INNER_FOLDS + 1) * below + once + INNER_FOLDS * least
        seconds += below
    return seconds
