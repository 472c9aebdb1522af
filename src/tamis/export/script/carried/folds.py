"""The folds of a script: which rows train each model."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tamis.core.seeds import generator
from tamis.data.convert import factorize
from tamis.evaluate.splits import _compact
from tamis.evaluate.stratify import deal, join_clusters, value_strata

NEVER = -1
"""The fold of a row that is always trained on and never validated."""


def spread(strata: np.ndarray, n_folds: int, rng: np.random.Generator, classes: bool) -> np.ndarray:
    """Deal the rows out so that every fold has its share of each class, or of each range of values.

    A class of one row is only trained on.
    """
    strata = np.unique(strata, return_inverse=True)[1]
    lone = (np.bincount(strata) == 1)[strata] & classes
    free = ~lone if lone.mean() <= 0.5 else np.ones(len(strata), dtype=bool)
    fold_of = np.full(len(strata), NEVER, dtype=np.int16)
    sizes = np.zeros(n_folds, dtype=np.int64)
    offset = rng.permutation(n_folds)
    rows = rng.permutation(np.flatnonzero(free))
    rows = rows[np.argsort(strata[rows], kind="stable")]
    for some in np.split(rows, np.flatnonzero(np.diff(strata[rows])) + 1):
        # What is left over goes to the smallest folds.
        given = np.full(n_folds, len(some) // n_folds)
        given[np.argsort(sizes[offset], kind="stable")[: len(some) % n_folds]] += 1
        fold_of[some] = np.repeat(offset, given)
        sizes += np.bincount(fold_of[some], minlength=n_folds)
    return fold_of


def folds_of(y: np.ndarray, n_folds: int, *, n_repeats: int, classes: bool, seed: int) -> np.ndarray:
    """Return the fold of each row in each repeat: shape (n_repeats, n_rows)."""
    n_folds = min(n_folds, len(y))
    strata = y if classes else value_strata(y, n_folds)
    dealt = [spread(strata, n_folds, generator(seed, "folds", repeat), classes) for repeat in range(n_repeats)]
    return same_folds(dealt)


def grouped_folds_of(
    y: np.ndarray, n_folds: int, *, n_repeats: int, classes: bool, seed: int, clusters: np.ndarray
) -> np.ndarray:
    """Return the same where rows of one cluster stay together."""
    n_folds = min(n_folds, len(np.unique(clusters)))
    strata = y if classes else value_strata(y, n_folds)
    dealt = [
        deal(strata, n_folds, generator(seed, "folds", repeat), classes=classes, clusters=clusters)
        for repeat in range(n_repeats)
    ]
    return same_folds(dealt)


def same_folds(dealt: list[np.ndarray]) -> np.ndarray:
    """Number the folds that have rows from 0 on, as many in each repeat."""
    repeats = [_compact(one) for one in dealt]
    n_folds = min(count for _, count in repeats)
    return np.stack([np.where(one < n_folds, one, NEVER) for one, _ in repeats])


def holdout_of(y: np.ndarray, share: float, *, classes: bool, seed: int, clusters: np.ndarray | None) -> np.ndarray:
    """Hold one part of the rows out: 0 for its rows; shape (1, n_rows)."""
    pieces = min(max(2, round(1 / share)), len(y) if clusters is None else len(np.unique(clusters)))
    strata = y if classes else value_strata(y, pieces)
    dealt = deal(strata, pieces, generator(seed, "folds", 0), classes=classes, clusters=clusters)
    used, counts = np.unique(dealt[dealt != NEVER], return_counts=True)
    chosen = used[np.abs(counts - share * len(y)).argmin()] if len(used) else 0
    return _compact(np.where(dealt == chosen, 0, NEVER).astype(np.int16))[0][None]


def training_rows(folds: np.ndarray | None, fold: int, n_rows: int) -> np.ndarray:
    """Return the rows that a model learns from; all of them where `fold` is -1."""
    if folds is None or fold < 0:
        return np.arange(n_rows)
    repeat, number = divmod(fold, int(folds.max()) + 1)
    rows = np.flatnonzero(folds[repeat] != number)
    return rows if len(rows) else np.arange(n_rows)


def clusters_of(
    cells: pd.DataFrame, columns: Sequence[str], groups: pd.Series | None, known: np.ndarray
) -> np.ndarray | None:
    """Return equal numbers for rows that stay together: those equal in some columns, and those of one group.

    Only the rows that are `known` are numbered.
    """
    copies = codes = None
    if len(columns):
        copies = pd.factorize(pd.util.hash_pandas_object(cells[list(columns)], index=False))[0][known]
    if groups is not None:
        codes = factorize(groups)[0]
        # A row of no group is a group of its own.
        codes = np.where(codes < 0, codes.max(initial=-1) + 1 + np.arange(len(codes)), codes)[known]
    return join_clusters(codes, copies)
