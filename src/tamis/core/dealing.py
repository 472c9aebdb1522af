"""Deals out rows to parts that are alike, over the order of their target; rows that belong together stay so."""

from typing import Any

import numpy as np

from tamis.core.seeds import generator


def places(y: np.ndarray, seed: int, clusters: Any = None) -> np.ndarray:
    """Return the place of each row in the order of the target, ties by chance.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
    seed : int
    clusters : ndarray of int of shape (n_rows,), optional
        Rows of equal codes share a place; unheeded where all rows are of one.

    Returns
    -------
    ndarray of int of shape (n_rows,)
        From 0, none left out.

    Examples
    --------
    >>> places(np.array([3.0, 1.0, 2.0]), seed=0).tolist()
    [2, 0, 1]
    >>> places(np.array([3.0, 1.0, 2.0, 4.0]), seed=0, clusters=np.array([7, 7, 8, 9])).tolist()
    [1, 1, 0, 2]
    """
    if clusters is not None:
        _, first, cluster = np.unique(clusters, return_index=True, return_inverse=True)
        if len(first) > 1:
            return places(y[first], seed)[cluster]
    place = np.empty(len(y), dtype=np.intp)
    place[np.lexsort((generator(seed, "inner split").random(len(y)), y))] = np.arange(len(y))
    return place


def held_out(place: np.ndarray, number: int, every: int, classes: np.ndarray | None = None) -> np.ndarray:
    """Return which rows one part holds out: every so many of the places.

    Parameters
    ----------
    place : ndarray of int of shape (n_rows,)
    number, every : int
    classes : ndarray of int of shape (n_rows,), optional
        Codes; of a class that would be held out as a whole all rows stay.

    Returns
    -------
    ndarray of bool of shape (n_rows,)

    Examples
    --------
    >>> held_out(np.arange(6), 1, 3).tolist()
    [False, True, False, False, True, False]
    >>> held_out(np.arange(6), 1, 3, np.array([0, 1, 0, 0, 0, 0])).tolist()
    [False, False, False, False, True, False]
    """
    held = place % every == number % every
    if classes is not None:
        held &= np.bincount(classes[~held], minlength=int(classes.max()) + 1)[classes] > 0
    return held
