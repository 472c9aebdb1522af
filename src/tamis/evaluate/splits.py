"""The folds of a run: which rows train and which validate, for every unit of work."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.errors import DataError, ParameterError
from tamis.core.seeds import generator
from tamis.evaluate.scheme import Scheme, SplitKind
from tamis.evaluate.stratify import NEVER, deal, join_clusters, value_strata


class Folds:
    """Which rows train and which validate; made by `make_folds`.

    Folds count on through repeats: fold f belongs to repeat f // n_folds, and each repeat shuffles anew.

    Parameters
    ----------
    fold_of : ndarray of int16, shape (n_repeats, n_rows)
        The fold that validates each row, `NEVER` for rows that are only trained on.
    n_folds : int
    expanding : bool
        Whether a fold trains only on earlier rows (time order).
    barred : ndarray of shape (n_folds, n_rows), optional
        With `expanding`: where not 0, the rows that a fold must not train on, for their group is validated in it.
    latest_first : bool
        With `expanding`: whether earlier rows are those of higher numbers, which they are not in runs begun before.
    """

    def __init__(
        self,
        fold_of: np.ndarray,
        n_folds: int,
        expanding: bool = False,
        barred: np.ndarray | None = None,
        *,
        latest_first: bool = True,
    ) -> None:
        self.fold_of = fold_of
        self.n_folds = n_folds
        self.expanding = expanding
        self.barred = barred
        self.latest_first = latest_first

    @property
    def n_rows(self) -> int:
        """Return the count of rows."""
        return int(self.fold_of.shape[1])

    @property
    def n_repeats(self) -> int:
        """Return how often the rows are dealt out anew."""
        return int(self.fold_of.shape[0])

    @property
    def n_units(self) -> int:
        """Return the count of folds over all repeats."""
        return self.n_folds * self.n_repeats

    @property
    def optimistic(self) -> bool:
        """Tell whether rows are validated by models that were trained on them, as happens where all are needed."""
        return any(np.array_equal(*self.rows(fold)) for fold in range(self.n_units))

    def rows(self, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that train and the rows that validate, each in rising order.

        Where nothing would be left to train on, as when every row is the only one of its class, all rows do both.
        """
        if not 0 <= fold < self.n_units:
            raise ParameterError(f"The number of a fold must lie between 0 and {self.n_units - 1}; got {fold}.")
        repeat, number = divmod(fold, self.n_folds)
        held = self.fold_of[repeat]
        trained = held != number
        if self.expanding:
            trained = (held > number) | (held == NEVER) if self.latest_first else held < number
        if self.barred is not None:
            trained = trained & (self.barred[number] == 0)
        train = np.flatnonzero(trained)
        return (train if len(train) else np.arange(self.n_rows)), np.flatnonzero(held == number)

    def covered(self) -> np.ndarray:
        """Return which rows are validated at all, of shape (n_rows,)."""
        return np.asarray((self.fold_of != NEVER).any(axis=0))

    def save(self, path: str | Path) -> None:
        """Write to an npy file: the first line holds the count of folds and whether they expand, then the rest."""
        path = Path(path)
        head = np.zeros((1, self.n_rows), dtype=np.int16)
        head[0, :2] = self.n_folds, self.expanding + (self.expanding and self.latest_first)
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as file:
            barred = [] if self.barred is None else [self.barred.astype(np.int16)]
            np.save(file, np.concatenate([head, self.fold_of.astype(np.int16), *barred]), allow_pickle=False)
        os.replace(temporary, path)

    @classmethod
    def open(cls, path: str | Path) -> "Folds":
        """Map what `save` wrote."""
        table = np.load(path, mmap_mode="r", allow_pickle=False)
        n_folds, expanding = int(table[0, 0]), int(table[0, 1])
        if not expanding:
            return cls(table[1:], n_folds)
        # Rows in time order are dealt out once.
        barred = table[2:] if len(table) > 2 else None
        return cls(table[1:2], n_folds, True, barred, latest_first=expanding > 1)


def _compact(fold_of: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the folds that have rows from 0 on; where no row is validated, all are, by a model trained on all."""
    used = np.unique(fold_of[fold_of != NEVER])
    if not len(used):
        return np.zeros_like(fold_of), 1
    fresh = np.full(int(used.max()) + 2, NEVER, dtype=np.int16)  # the last place is where NEVER looks
    fresh[used] = np.arange(len(used))
    return fresh[fold_of], len(used)


def _shuffled(
    y: np.ndarray, scheme: Scheme, classification: bool, clusters: np.ndarray | None, seed: int
) -> tuple[np.ndarray, int]:
    single = scheme.kind is SplitKind.HOLDOUT
    wanted = max(2, round(1 / scheme.holdout)) if single else max(2, scheme.n_folds)
    n_units = len(y) if clusters is None else len(np.unique(clusters))
    if n_units < 2:
        raise DataError("Every row is in the same group, or equal to the others: there is nothing to validate on.")
    pieces = min(wanted, n_units)
    strata = np.asarray(y) if classification else value_strata(np.asarray(y), pieces)
    repeats = []
    for repeat in range(1 if single else scheme.n_repeats):
        dealt = deal(strata, pieces, generator(seed, "folds", repeat), classes=classification, clusters=clusters)
        if single:
            used, counts = np.unique(dealt[dealt != NEVER], return_counts=True)
            # Of the pieces, the one nearest to the share that was asked for.
            chosen = used[np.abs(counts - scheme.holdout * len(y)).argmin()] if len(used) else 0
            dealt = np.where(dealt == chosen, 0, NEVER).astype(np.int16)
        repeats.append(_compact(dealt))
    n_folds = min(count for _, count in repeats)
    # Repeats may differ by a fold where groups are few; the common count holds for all.
    return np.stack([np.where(dealt < n_folds, dealt, NEVER) for dealt, _ in repeats]).astype(np.int16), n_folds


def _expanding(times: Any, n_folds: int) -> tuple[np.ndarray, int]:
    moments = np.asarray(times)
    unknown = np.isnat(moments) if moments.dtype.kind in "mM" else moments != moments
    distinct, place = np.unique(moments[~unknown], return_inverse=True)
    if len(distinct) < 2:
        raise DataError("The time column has fewer than two different values; give another one, or none.")
    n_blocks = min(n_folds + 1, len(distinct))
    # Rows up to and with each moment; a block ends where its share of the rows is reached, never inside a moment.
    reached = np.cumsum(np.bincount(place))
    cuts = np.searchsorted(reached, reached[-1] * np.arange(1, n_blocks) / n_blocks)
    block = np.searchsorted(np.unique(np.minimum(cuts, len(distinct) - 2)), np.arange(len(distinct)), side="left")
    fold_of = np.full(len(moments), NEVER, dtype=np.int16)
    fold_of[~unknown] = block[place] - 1
    return fold_of[None], int(block.max())


def _in_time(times: Any, n_folds: int, groups: np.ndarray | None) -> Folds:
    """Validate later rows by models of earlier ones, of other groups where there are groups.

    Up to the last fold that would be left with nothing to train on, rows are only trained on.
    """
    fold_of, n_made = _expanding(times, n_folds)
    if groups is None:
        return _latest_first(fold_of, n_made)
    held = fold_of[0]
    barred = np.stack([(held < fold) & np.isin(groups, groups[held == fold]) for fold in range(n_made)])
    empty = [fold for fold in range(n_made) if not ((held < fold) & ~barred[fold]).any()]
    first = max(empty, default=-1) + 1
    if first == n_made:
        raise DataError(
            "The groups go on through time: in the last stretch of it no earlier rows of other groups are left to "
            "train on. Give the groups or the times, not both."
        )
    fold_of = np.where(held < first, NEVER, held - first).astype(np.int16)[None]
    return _latest_first(fold_of, n_made - first, barred[first:])


def _latest_first(fold_of: np.ndarray, n_folds: int, barred: np.ndarray | None = None) -> Folds:
    """Number stretches of time backwards: the first fold is the latest, with most rows to learn from.

    What is found out on the first fold, such as a count of rounds, is taken over by the others and by the fit on all.
    """
    turned = np.where(fold_of == NEVER, NEVER, n_folds - 1 - fold_of).astype(np.int16)
    return Folds(turned, n_folds, expanding=True, barred=None if barred is None else barred[::-1])


def _from_column(given: Any) -> tuple[np.ndarray, int]:
    column = np.asarray(given)
    known = column == column
    if column.dtype.kind in "if":
        known = known & (column >= 0)
    distinct, codes = np.unique(column[known], return_inverse=True)
    if not len(distinct) or (len(distinct) == 1 and known.all()):
        raise DataError(
            "The column of folds must name at least two folds, or one and rows with -1 that only train; "
            f"got {distinct.tolist()!r:.80}."
        )
    fold_of = np.full(len(column), NEVER, dtype=np.int16)
    fold_of[known] = codes
    return fold_of[None], len(distinct)


def make_folds(
    y: np.ndarray,
    scheme: Scheme,
    *,
    classification: bool,
    groups: Any = None,
    times: Any = None,
    given: Any = None,
    duplicates: Any = None,
    seed: int = 0,
) -> Folds:
    """Deal the rows out to folds.

    Classes are spread evenly over the folds, values by their quantiles. Every training part knows every class where
    that is possible: a class of one row is only trained on. There may be fewer folds than asked for, never more: as
    many as there are rows (or groups) to validate. Two rows make two folds of one row; where every row is the only one
    of its class, one fold trains and validates on all of them, which `Folds.optimistic` tells.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Codes of classes, or values; no row is missing.
    scheme : Scheme
    classification : bool
    groups : array-like of shape (n,), optional
        Rows of one group are never parted. In time order a fold does not train on earlier rows of the groups that it
        validates.
    times : array-like of shape (n,), optional
        The order of the rows, for the kind "time": numbers or datetime64; equal moments are never parted, rows without
        one only train.
    given : array-like of shape (n,), optional
        The fold of each row, for the kind "given"; missing and negative ones only train.
    duplicates : array-like of shape (n,), optional
        Equal codes for rows that are equal in all features; they are never parted either.
    seed : int

    Returns
    -------
    Folds

    Raises
    ------
    DataError
        Where there is nothing to part: one row, one group, one moment, or groups that all go on through time.

    Examples
    --------
    >>> folds = make_folds(np.array([0, 1] * 5), Scheme(n_folds=5), classification=True)
    >>> [y_rows.size for _, y_rows in map(folds.rows, range(folds.n_units))]
    [2, 2, 2, 2, 2]
    """
    if len(y) < 2:
        raise DataError(f"Validation needs at least two rows with a target; got {len(y)}.")
    columns = {"groups": groups, "times": times, "given": given, "duplicates": duplicates}
    for name, column in columns.items():
        if column is not None and len(column) != len(y):
            raise ParameterError(f"The column of {name} must have {len(y)} rows, as the target has; got {len(column)}.")
    needed = {SplitKind.TIME: "times", SplitKind.GIVEN: "given", SplitKind.GROUPS: "groups"}.get(scheme.kind)
    if needed and columns[needed] is None:
        raise ParameterError(f"The scheme {scheme.kind.value!r} needs the parameter {needed!r}; got None.")
    if scheme.kind is SplitKind.TIME:
        return _in_time(times, scheme.n_folds, None if groups is None else np.asarray(groups))
    if scheme.kind is SplitKind.GIVEN:
        return Folds(*_from_column(given))
    clusters = join_clusters(
        None if groups is None else np.asarray(groups), None if duplicates is None else np.asarray(duplicates)
    )
    return Folds(*_shuffled(np.asarray(y), scheme, classification, clusters, seed))
