"""Which of several points are the best where there is more than one thing to be good at; lower is better.

>>> fronts([(0.1, 9), (0.2, 3), (0.2, 4), (0.9, 9)])
[[0, 1], [2], [3]]
>>> front([(0.2, 4), (0.1, 9), (0.2, 3)])
[1, 2]
"""

from collections.abc import Sequence
from math import inf

import numpy as np

Point = Sequence[float]
"""A finite value for every objective."""

Standing = tuple[int, float]
"""The number of the front, and the crowding distance below zero: of two points, the lower pair is the better one."""


def dominates(one: Point, other: Point) -> bool:
    """Tell whether a point is nowhere worse than another, and somewhere better.

    Examples
    --------
    >>> dominates((0.1, 3), (0.2, 3)), dominates((0.1, 3), (0.1, 3)), dominates((0.1, 3), (0.2, 2))
    (True, False, False)
    """
    pairs = list(zip(one, other, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """Sort points into fronts: nobody dominates the first, only members of it the second, and so on.

    The fast non-dominated sorting of Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II" (2002).
    """
    values = np.array(points, dtype=float)
    no_worse = np.all(values[:, None] <= values[None], axis=2)
    above = no_worse & ~no_worse.T
    n_above = above.sum(axis=0)
    found: list[list[int]] = []
    while len(best := np.flatnonzero(n_above == 0)):
        found.append(best.tolist())
        n_above -= above[best].sum(axis=0)
        n_above[best] = -1
    return found


def crowding(points: Sequence[Point]) -> list[float]:
    """Return how far the neighbours of every point of a front lie apart, summed over the objectives (Deb et al., 2002).

    Each objective counts as a share of its range; the two ends of each are infinitely far from the crowd.

    Examples
    --------
    >>> [round(distance, 3) for distance in crowding([(0.0, 10), (0.1, 6), (0.3, 5), (1.0, 0)])]
    [inf, 0.8, 1.5, inf]
    """
    values = np.array(points, dtype=float)
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        if span > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
        distance[order[[0, -1]]] = inf
    return distance.tolist()


def standings(points: Sequence[Point]) -> list[Standing]:
    """Return how every point stands among all: its front, and within it the less crowded first.

    Examples
    --------
    >>> standings([(0.1, 9), (0.2, 9), (0.9, 1)])
    [(0, -inf), (1, -inf), (0, -inf)]
    """
    found: list[Standing] = [(0, 0.0)] * len(points)
    for rank, members in enumerate(fronts(points)):
        for index, distance in zip(members, crowding([points[index] for index in members]), strict=True):
            found[index] = rank, -distance
    return found


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the first front of points with two objectives by the first of them; of equal points the first alone.

    Two objectives need no comparison of all pairs: going up in one, a point must be below all before it in the other.
    """
    found: list[int] = []
    lowest = inf
    for index in sorted(range(len(points)), key=points.__getitem__):
        if points[index][1] < lowest:
            found.append(index)
            lowest = points[index][1]
    return found
