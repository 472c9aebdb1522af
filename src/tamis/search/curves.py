"""Foresees what a candidate would come to with more of a resource, from what it came to with less."""

from collections.abc import Mapping, Sequence
from math import isfinite, log
from statistics import median

USUAL_SLOPE = 0.35
"""By how much the logarithm of the loss falls with that of the resource, where nothing is known."""

STEEPEST = 1.0
"""No loss is believed to fall faster for long."""

OWN_SHARE = 0.6
"""How far a candidate's own slope is trusted: two losses on few rows tell little of it."""

Points = Sequence[tuple[float, float]]
"""(resource, loss) as they were measured."""


def slope_of(points: Points) -> float | None:
    """Return how fast a loss falls with the resource, as a power law has it; None where too little is known.

    Examples
    --------
    >>> round(slope_of([(1.0, 0.4), (4.0, 0.2)]), 6)
    0.5
    >>> slope_of([(1.0, 0.4)]) is None
    True
    """
    known = sorted((resource, loss) for resource, loss in points if isfinite(loss) and loss > 0)
    if len(known) < 2 or known[-1][0] < 1.5 * known[-2][0]:
        return None
    (less, before), (more, after) = known[-2:]
    return min(max(log(before / after) / log(more / less), 0.0), STEEPEST)


def foreseen(curves: Mapping[str, Points], horizon: float) -> dict[str, float]:
    """Return what each candidate's loss is expected to be with so much of the resource.

    Losses fall roughly as a power of what is spent, and more slowly for a small network, which learns much at once,
    than for a large one: so what is ahead after a short training need not be ahead after a long one. Each loss at the
    most of the resource is carried on along its own slope, drawn towards the usual one of the others. Losses that are
    not above 0 follow no such law and stay as they are.

    Parameters
    ----------
    curves : mapping
        By candidate: its points, at least one.
    horizon : float
        In the unit of the points' resource.

    Examples
    --------
    >>> curves = {"small": [(1, 0.30), (3, 0.24)], "large": [(1, 0.40), (3, 0.25)]}
    >>> {name: round(loss, 3) for name, loss in foreseen(curves, 3).items()}
    {'small': 0.24, 'large': 0.25}
    >>> at_last = foreseen(curves, 30)
    >>> at_last["large"] < at_last["small"]
    True
    """
    slopes = {key: slope_of(points) for key, points in curves.items()}
    usual = median([slope for slope in slopes.values() if slope is not None] or [USUAL_SLOPE])
    found = {}
    for key, points in curves.items():
        resource, loss = max(points, key=lambda point: (point[0], -point[1]))
        own = slopes[key]
        slope = usual if own is None else OWN_SHARE * own + (1 - OWN_SHARE) * usual
        follows = isfinite(loss) and loss > 0 and horizon > resource
        found[key] = loss * (resource / horizon) ** slope if follows else loss
    return found
