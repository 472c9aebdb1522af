"""Which rows suffice to compare members on: all of them, or fewer that still show the rarer of two classes."""

from math import ceil

import numpy as np

LEAST_OF_CLASS = 300
"""So many rows of the second most frequent class are kept, as far as there are so many: what is measured on a few dozen
of them is chance."""

COMMON = 0.8
"""A class of more than this share of the rows makes the others rare."""


def thinned(y: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return at most so many rows, more where one class has nearly all of them.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Codes of classes (integers), or values.
    most : int
    rng : Generator

    Returns
    -------
    ndarray of int
        Places of rows, in order, spread evenly over the order of y.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> len(thinned(np.arange(1_000) % 2, 100, rng))
    100
    >>> rare = (np.arange(100_000) % 500 == 0).astype(int)
    >>> len(thinned(rare, 5_000, rng)), int(rare[thinned(rare, 5_000, rng)].sum())
    (100000, 200)
    """
    n_rows = len(y)
    if y.dtype.kind in "iu" and n_rows > most:
        second, first = np.sort(np.bincount(y, minlength=2))[-2:].tolist()
        if first > COMMON * n_rows:
            most = max(most, ceil(LEAST_OF_CLASS * n_rows / max(1, second)))
    return np.arange(n_rows) if n_rows <= most else spread(y, most, rng)


def spread(y: np.ndarray, n_rows: int, rng: np.random.Generator) -> np.ndarray:
    """Return rows spread evenly over the order of y, which keeps classes and quantiles in proportion."""
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    places = (np.arange(n_rows) + rng.random()) * len(y) / n_rows
    return np.sort(order[np.minimum(places.astype(np.int64), len(y) - 1)])
