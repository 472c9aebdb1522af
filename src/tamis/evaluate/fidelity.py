"""Draws the part of the rows that a cheap trial learns from."""

import numpy as np

from tamis.core.seeds import generator
from tamis.evaluate.stratify import value_strata

LEAST_ROWS = 500
"""With fewer rows to learn from, chance decides more of a comparison than the candidates do."""

LEAST_OF_CLASS, PER_CLASS = 20, 10
"""So many rows of a second class are wanted, and so many for each class in the mean; `subsample` keeps some of all."""


def least_share(n_rows: int, counts: np.ndarray | None = None) -> float:
    """Return the least share of the rows on which candidates can be compared; 1 where that takes all of them.

    Parameters
    ----------
    n_rows : int
        The training rows of a fold.
    counts : ndarray of int, optional
        Rows of each class in the whole table; none of a regression.

    Examples
    --------
    >>> [least_share(n_rows) for n_rows in (300, 1_000, 50_000)]
    [1.0, 0.5, 0.01]
    >>> least_share(50_000, np.array([49_900, 100]))
    0.2
    """
    found = np.zeros(0) if counts is None else np.sort(counts[counts > 0])
    share = max(LEAST_ROWS, PER_CLASS * len(found)) / max(n_rows, 1)
    return min(1.0, max(share, LEAST_OF_CLASS / float(found[-2]) if len(found) > 1 else 0.0))


def subsample(
    rows: np.ndarray,
    y: np.ndarray,
    fidelity: float,
    seed: int = 0,
    *,
    classification: bool,
    minimum: int = 200,
    per_class: int = 5,
) -> np.ndarray:
    """Return some of the rows, stratified and nested: a smaller fidelity is a part of any larger one.

    Parameters
    ----------
    rows : ndarray of int, shape (m,)
        The training rows of a fold.
    y : ndarray of shape (n,)
        The targets of the whole table.
    fidelity : float
        The share of the rows, in (0, 1].
    seed : int
    classification : bool
        Whether strata are the classes, else quantiles.
    minimum : int
        Fewer rows than this are never drawn.
    per_class : int
        So many rows of each class are kept, as far as there are.

    Returns
    -------
    ndarray of int, in rising order

    Examples
    --------
    >>> y = np.arange(1000.0)
    >>> subsample(np.arange(1000), y, 0.5, classification=False).size
    500
    """
    n_wanted = max(round(fidelity * len(rows)), min(minimum, len(rows)))
    if n_wanted >= len(rows):
        return np.sort(rows)
    inside = np.asarray(y)[rows]
    strata = np.unique(inside, return_inverse=True)[1] if classification else value_strata(inside, 2)
    # One fixed order: within a stratum row k of m has the place (k + u) / m, so any beginning is stratified.
    rng = generator(seed, "fidelity")
    order = rng.permutation(len(rows))
    order = order[np.argsort(strata[order], kind="stable")]
    sizes = np.bincount(strata)
    rank = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = (rank + rng.random(len(sizes))[strata[order]]) / sizes[strata[order]]
    if classification:
        place[rank < per_class] -= 1.0
    return np.sort(rows[order[np.argsort(place, kind="stable")[:n_wanted]]])
