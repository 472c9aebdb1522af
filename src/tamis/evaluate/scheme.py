"""Which validation suits a table of this size, in this time."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import inf
from typing import Any

import numpy as np

from tamis.core.errors import ParameterError
from tamis.core.kinds import TaskKind

MAX_HOLDOUT_ROWS = 50_000
"""More validation rows than this do not make a choice between models surer in any way that matters."""


class SplitKind(StrEnum):
    """How rows are held out."""

    FOLDS = "folds"
    HOLDOUT = "holdout"
    TIME = "time"
    """Expanding windows: each fold is validated on what came after all that it was trained on."""
    GROUPS = "groups"
    GIVEN = "given"
    """The folds of a column of the user's own."""


@dataclass(frozen=True)
class Scheme:
    """How often, and how, rows are held out."""

    kind: SplitKind = SplitKind.FOLDS
    n_folds: int = 5
    n_repeats: int = 1
    holdout: float = 0.2
    """The share of the rows that is held out, for the kind "holdout"."""
    reason: str = ""
    """Why it was chosen, in a clause a user can read."""

    def __post_init__(self) -> None:
        """Refuse counts that make no sense."""
        if self.n_folds < 1 or self.n_repeats < 1:
            raise ParameterError(f"A scheme needs at least one fold and repeat; got {self.n_folds}, {self.n_repeats}.")
        if not 0 < self.holdout < 1:
            raise ParameterError(f"The share 'holdout' must lie between 0 and 1; got {self.holdout!r}.")

    @property
    def n_units(self) -> int:
        """Return the count of folds over all repeats."""
        return self.n_folds * self.n_repeats

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "kind": str(self.kind)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Scheme":
        """Read what `to_json` wrote."""
        return cls(**{**record, "kind": SplitKind(record["kind"])})


def fold_seconds(n_rows: int, n_columns: int, n_outputs: int = 1) -> float:
    """Guess the seconds that a default booster takes on one fold, two cores given.

    A few hundred rounds over binned cells, once per class where there are several.
    """
    return 0.2 + 2e-6 * n_rows * max(1, n_columns) * (n_outputs if n_outputs > 2 else 1)


def _by_size(n_rows: int, seconds: float, limit_s: float) -> tuple[int, int, str]:
    """Return folds (1 for a holdout), repeats and the reason, by the count of rows and the time."""
    if n_rows < 300:
        if limit_s < 60:
            return (8 if n_rows >= 50 else 5), 2, f"{n_rows} rows are few, so folds are repeated"
        return 10, 3, f"{n_rows} rows are very few, so ten folds are repeated three times"
    if n_rows < 2000:
        if limit_s < 60:
            return 5, 1, f"{n_rows} rows and little time: five folds"
        return 8, (2 if limit_s >= 300 else 1), f"{n_rows} rows: eight folds"
    if n_rows > 200_000 or seconds > 0.15 * limit_s:
        return 1, 1, f"{n_rows} rows are enough for a holdout" if n_rows > 200_000 else "a fold takes long: a holdout"
    if n_rows <= 20_000 and limit_s >= 3600 and 8 * seconds * 4 <= 0.5 * limit_s:
        return 8, 1, f"{n_rows} rows and much time: eight folds"
    if n_rows <= 50_000 and 5 * seconds * 4 <= 0.5 * limit_s:
        return 5, 1, f"{n_rows} rows: five folds"
    return 3, 1, f"{n_rows} rows in {limit_s:g} seconds: three folds"


def _most_folds(kind: TaskKind, counts: Sequence[int] | np.ndarray | None, n_rows: int) -> int:
    """Return the most folds in which a fold still meets the classes."""
    if counts is None or not kind.is_classification or not len(counts):
        return n_rows
    present = np.asarray(counts)[np.asarray(counts) > 0]
    return max(2, int(present.min())) if len(present) <= 2 else max(3, int(np.median(present)))


def choose_scheme(
    n_rows: int,
    n_columns: int,
    limit_s: float = inf,
    kind: TaskKind = TaskKind.REGRESSION,
    *,
    class_counts: Sequence[int] | np.ndarray | None = None,
    groups: int | None = None,
    times: int | None = None,
    given: int | None = None,
) -> Scheme:
    """Choose the validation by the size of the table and the time.

    Few rows get many repeated folds, for the noise of one split is larger there than what is to be measured; many rows
    get few folds or a holdout, for fits are dear and one split is sure enough.

    Parameters
    ----------
    n_rows, n_columns : int
    limit_s : float
        Seconds that the whole run may take.
    kind : TaskKind
    class_counts : sequence of int, optional
        Rows per class: there are no more folds than the rarer of two classes (the middle one of several) has rows.
    groups, times, given : int, optional
        The counts of distinct groups, points in time, or folds in the user's own column, where there is such a column;
        `given` wins over the others; with `times` and `groups`, later rows validate models of earlier rows of other
        groups.

    Returns
    -------
    Scheme

    Raises
    ------
    ParameterError
        Where there are fewer than two rows, groups or points in time.

    Examples
    --------
    >>> choose_scheme(5000, 10, 60.0).n_folds, choose_scheme(1_000_000, 10, 60.0).kind.value
    (5, 'holdout')
    """
    if n_rows < 2:
        raise ParameterError(f"Validation needs at least two rows with a target; got {n_rows}.")
    if given is not None:
        return Scheme(SplitKind.GIVEN, max(1, given), reason="the folds are given by a column")
    for name, distinct in (("groups", groups), ("times", times)):
        if distinct is not None and distinct < 2:
            raise ParameterError(f"The column of {name} must have at least two different values; got {distinct}.")
    n_outputs = len(class_counts) if class_counts is not None and kind.is_classification else 1
    seconds = fold_seconds(n_rows, n_columns, n_outputs)
    n_folds, n_repeats, reason = _by_size(n_rows, seconds, limit_s)
    if times is not None:
        wanted = 2 if n_folds == 1 else 3 if n_folds == 3 or n_rows < 300 else 5
        return Scheme(SplitKind.TIME, min(wanted, times - 1), reason="rows are in time order: later ones validate")
    most = min(n_rows, _most_folds(kind, class_counts, n_rows), groups if groups is not None else n_rows)
    if n_folds == 1:
        return Scheme(SplitKind.HOLDOUT, 1, holdout=min(0.2, MAX_HOLDOUT_ROWS / n_rows), reason=reason)
    if most < n_folds:
        n_folds, reason = max(2, most), f"{reason}, fewer because a class or the groups are rare"
    return Scheme(SplitKind.GROUPS if groups is not None else SplitKind.FOLDS, n_folds, n_repeats, reason=reason)


def how_validated(scheme: Scheme) -> str:
    """Say in a few words how rows are held out.

    Examples
    --------
    >>> how_validated(Scheme(n_folds=5))
    '5 folds'
    """
    if scheme.kind is SplitKind.HOLDOUT:
        return f"{100 * scheme.holdout:.0f} % of the rows"
    words = {
        SplitKind.TIME: "folds in the order of time",
        SplitKind.GROUPS: "folds that keep groups together",
        SplitKind.GIVEN: "given folds",
    }
    return f"{scheme.n_folds} {words.get(scheme.kind, 'folds')}"
