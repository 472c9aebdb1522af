"""Deals rows out to folds so that every fold looks like the whole and no cluster of rows is torn apart."""

import numpy as np

NEVER = -1
"""The fold of a row that is always trained on and never validated."""
_MAX_WEIGHED_CLUSTERS = 3000
_MAX_STRATA = 64


def value_strata(values: np.ndarray, n_folds: int) -> np.ndarray:
    """Return the quantile bin of each value: at least two rows per fold and bin, at most 50 bins.

    Examples
    --------
    >>> value_strata(np.arange(8.0), 2).tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    n_rows = len(values)
    n_bins = int(np.clip(n_rows // (2 * n_folds), 1, 50))
    ranks = np.empty(n_rows, dtype=np.int64)
    ranks[np.argsort(values, kind="stable")] = np.arange(n_rows)
    return ranks * n_bins // n_rows


def join_clusters(groups: np.ndarray | None, duplicates: np.ndarray | None) -> np.ndarray | None:
    """Return codes of the rows that must stay together, through either column or a chain of both."""
    parts = [np.unique(part, return_inverse=True)[1] for part in (groups, duplicates) if part is not None]
    if len(parts) < 2:
        return parts[0] if parts else None
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    left, right = parts
    n_left, n_right = left.max() + 1, right.max() + 1
    links = coo_matrix((np.ones(len(left)), (left, right + n_left)), shape=(n_left + n_right,) * 2)
    return np.asarray(connected_components(links, directed=False)[1][left], dtype=np.int64)


def _fill(held: np.ndarray, n_rows: int, totals: np.ndarray) -> np.ndarray:
    """Return how many of `n_rows` go to each fold, so that the folds hold as equal counts as they can."""
    order = np.lexsort((totals, held))
    given = np.zeros(len(held), dtype=np.int64)
    level = 0
    for k in range(1, len(held) + 1):  # the k emptiest folds share the rows, if that lifts none above the next
        level = (n_rows + int(held[order[:k]].sum())) // k
        if k == len(held) or level < held[order[k]]:
            given[order[:k]] = np.maximum(level - held[order[:k]], 0)
            break
    rest = n_rows - int(given.sum())
    # What is left over goes one by one where the stratum, then the fold, is smallest.
    lowest = np.lexsort((totals + given, held + given))
    given[lowest[:rest]] += 1
    return given


def _place_clusters(clusters: list[np.ndarray], strata: np.ndarray, counts: np.ndarray, fold_of: np.ndarray) -> None:
    """Put clusters where the strata stay most even, the largest first (as grouped stratification is usually done)."""
    n_strata = len(counts)
    share = np.maximum(np.bincount(strata, minlength=n_strata), 1)
    sizes = np.array([len(rows) for rows in clusters])
    for place, index in enumerate(np.argsort(-sizes, kind="stable")):
        rows = clusters[index]
        inside = np.bincount(strata[rows], minlength=n_strata)
        if place < _MAX_WEIGHED_CLUSTERS:
            # The sum of squared shares is smallest where the shares are even.
            after = (((counts + inside[:, None]) / share[:, None]) ** 2 - (counts / share[:, None]) ** 2).sum(axis=0)
            fold = int(np.lexsort((counts.sum(axis=0), np.round(after, 12)))[0])
        else:
            fold = int(np.lexsort((counts.sum(axis=0), counts[inside.argmax()]))[0])
        counts[:, fold] += inside
        fold_of[rows] = fold


def _kept_back(classes: np.ndarray, clusters: np.ndarray | None) -> np.ndarray:
    """Find the rows whose class would be unknown to the model that validates them."""
    if clusters is None:
        kept = (np.bincount(classes) == 1)[classes]
    else:
        n_classes = int(classes.max()) + 1
        pairs = np.unique(clusters.astype(np.int64) * n_classes + classes)
        lone = np.bincount(pairs % n_classes, minlength=n_classes) == 1
        kept = np.isin(clusters, clusters[lone[classes]])
    # Where classes go with groups, keeping them all back would leave little to validate on.
    return kept if kept.mean() <= 0.5 else np.zeros(len(classes), dtype=bool)


def _spread_classes(fold_of: np.ndarray, classes: np.ndarray, clusters: np.ndarray, n_folds: int) -> None:
    """Move a cluster away where one fold has come to hold a whole class."""
    for code in np.unique(classes):
        rows = np.flatnonzero(classes == code)
        if fold_of[rows].min() != fold_of[rows].max() or fold_of[rows[0]] == NEVER:
            continue
        mine, sizes = np.unique(clusters[rows], return_counts=True)
        if len(mine) < 2:
            continue
        totals = np.bincount(fold_of[fold_of >= 0], minlength=n_folds).astype(np.float64)
        totals[fold_of[rows[0]]] = np.inf
        fold_of[clusters == mine[sizes.argmin()]] = int(totals.argmin())


def deal(
    strata: np.ndarray, n_folds: int, rng: np.random.Generator, *, classes: bool, clusters: np.ndarray | None = None
) -> np.ndarray:
    """Return the fold of each row.

    Parameters
    ----------
    strata : ndarray of int, shape (n,)
        Codes of classes, or of quantile bins.
    n_folds : int
    rng : Generator
    classes : bool
        Whether the strata are classes, which every model must know: a class of one row (or one cluster) then stays in
        training, unless that would hold for more than half of the rows.
    clusters : ndarray of int, shape (n,), optional
        Rows with equal codes stay together.

    Returns
    -------
    ndarray of int16, shape (n,)
        `NEVER` for rows that are only trained on. Counts differ by at most one between folds where there are no
        clusters, for each stratum and in all.
    """
    strata = np.unique(strata, return_inverse=True)[1]
    fold_of = np.full(len(strata), NEVER, dtype=np.int16)
    free = ~_kept_back(strata, clusters) if classes else np.ones(len(strata), dtype=bool)
    coarse = np.minimum(strata, _MAX_STRATA - 1) if clusters is not None else strata
    counts = np.zeros((int(coarse.max()) + 1, n_folds), dtype=np.int64)
    if clusters is not None:
        sizes = np.bincount(clusters)
        torn = np.flatnonzero(free & (sizes[clusters] > 1))
        order = rng.permutation(torn)
        order = order[np.argsort(clusters[order], kind="stable")]
        ends = np.flatnonzero(np.diff(clusters[order])) + 1
        several = [rows for rows in np.split(order, ends) if len(rows)]
        _place_clusters([several[i] for i in rng.permutation(len(several))], coarse, counts, fold_of)
        free[torn] = False
    offset = rng.permutation(n_folds)
    by_stratum = rng.permutation(np.flatnonzero(free))
    by_stratum = by_stratum[np.argsort(coarse[by_stratum], kind="stable")]
    for rows in np.split(by_stratum, np.flatnonzero(np.diff(coarse[by_stratum])) + 1):
        if len(rows):
            given = _fill(counts[coarse[rows[0]]][offset], len(rows), counts.sum(axis=0)[offset])
            fold_of[rows] = np.repeat(offset, given)
            counts[coarse[rows[0]]] += np.bincount(fold_of[rows], minlength=n_folds)
    if classes and clusters is not None:
        _spread_classes(fold_of, strata, clusters, n_folds)
    return fold_of
