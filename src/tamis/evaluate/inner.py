"""What ties the rows of a training part to each other: splits within it heed groups and time as the run's own do."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tamis.core.errors import DataError, TrialError
from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.evaluate.splits import make_folds
from tamis.evaluate.stratify import join_clusters

N_STRETCHES = 20
"""Into so many stretches of time rows are cut of which some are held out to watch a training."""


@dataclass(frozen=True)
class Bonds:
    """Which of some rows may not be parted, and in which order they came.

    Examples
    --------
    >>> bonds = Bonds(classification=False, clusters=np.array([0, 0, 1, 1]))
    >>> [(train.tolist(), held.tolist()) for train, held in bonds.parts(np.arange(4.0), 2, seed=0)]
    [([2, 3], [0, 1]), ([0, 1], [2, 3])]
    """

    classification: bool
    clusters: np.ndarray | None = None
    """Rows with equal codes stay together; with times, no model is asked about rows of groups it has learned from."""
    times: np.ndarray | None = None
    """Rows are predicted by models of earlier ones alone."""

    @classmethod
    def of(
        cls,
        kind: SplitKind,
        *,
        classification: bool,
        groups: Any = None,
        times: Any = None,
        given: Any = None,
        copies: Any = None,
    ) -> "Bonds | None":
        """Return what a scheme heeds; None where rows may be dealt out as chance will have it.

        Parameters
        ----------
        kind : SplitKind
            Of the run's scheme.
        classification : bool
        groups, times, given : array-like of shape (n_rows,), optional
            What is known of the rows; folds of the user's own are kept together: there was a reason to part them so.
        copies : array-like of shape (n_rows,), optional
            Equal codes for rows that are equal in every feature, where splits keep those together.
        """
        groups = None if groups is None else np.asarray(groups)
        if kind is SplitKind.TIME:
            return cls(classification, groups, np.asarray(times))
        if kind is SplitKind.GIVEN:
            folds = _folds_of_ones_own(given)
            clusters = groups if folds is None else folds
        else:
            clusters = join_clusters(groups, None if copies is None else np.asarray(copies))
        return None if clusters is None else cls(classification, clusters)

    def take(self, rows: np.ndarray) -> Self:
        """Return the bonds of some of the rows."""
        clusters, times = (None if one is None else one[rows] for one in (self.clusters, self.times))
        return type(self)(self.classification, clusters, times)

    def blocks(self) -> np.ndarray | None:
        """Return codes of rows that are held out together where a training is watched: clusters, or stretches of time.

        Examples
        --------
        >>> Bonds(False, times=np.array([3.0, 1.0, 1.0, 2.0])).blocks().tolist()
        [15, 0, 0, 10]
        """
        if self.times is None:
            return self.clusters
        order = np.unique(self.times, return_inverse=True)[1]
        earlier = np.cumsum(np.bincount(order)) - np.bincount(order)
        return earlier[order] * N_STRETCHES // len(order)

    def parts(self, y: np.ndarray, n_folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return which rows learn and which are held out, in turn; no row is held out twice, some may be never.

        Raises
        ------
        TrialError
            Where all rows belong together, or came at once.
        """
        kind = SplitKind.GROUPS if self.times is None else SplitKind.TIME
        try:
            folds = make_folds(
                y, Scheme(kind, n_folds), classification=self.classification,
                groups=self.clusters, times=self.times, seed=seed,
            )  # fmt: skip
        except DataError as error:
            raise TrialError(f"Its training rows cannot be parted for predictions out of fold. {error}") from error
        return [folds.rows(fold) for fold in range(folds.n_units)]


def _folds_of_ones_own(given: Any) -> np.ndarray | None:
    """Return codes of the rows' folds, rows of none each by itself; None where all known ones are in the same."""
    column = np.asarray(given)
    known = column == column
    if column.dtype.kind in "if":
        known = known & (column >= 0)
    distinct, codes = np.unique(column[known], return_inverse=True)
    if len(distinct) < 2:
        return None
    found = len(distinct) + np.arange(len(column))
    found[known] = codes
    return found
