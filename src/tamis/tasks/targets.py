"""The target column: which kind of task it makes, and its way to codes or numbers and back."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from tamis.core.errors import DataError, ParameterError, wrong_choice
from tamis.core.kinds import TaskKind
from tamis.tasks.amounts import comma_is_decimal, common_unit, read_amount

MAX_INTEGER_CLASSES = 20
"""Whole numbers with more distinct values than this are amounts, with fewer they may be classes."""
MIN_GRADES = 6
"""With fewer whole numbers there is too little to see a shape in."""
RARE_END = 0.1
"""Both ends of a scale of grades are rarer than this share of its middle."""
MIN_ROWS_PER_CLASS = 3
"""Whole numbers with fewer rows per distinct value are taken for amounts."""
MAX_STRAY = 0.05
"""Of the cells of a column of numbers, so many may hold a word: they are taken as missing."""
SHOWN_STRAYS = 3


class Encoded(NamedTuple):
    """A target in the form that models take."""

    values: np.ndarray
    """Shape (n,): int64 codes with -1 where missing, or float64 with NaN where missing."""
    present: np.ndarray
    """Shape (n,): False where the target is missing."""


def _column(y: Any) -> np.ndarray:
    """Return the target as a one-dimensional array, pandas' own missing values as objects."""
    if hasattr(y, "to_numpy"):
        plain = isinstance(getattr(y, "dtype", None), np.dtype)
        values = y.to_numpy() if plain or not _is_pandas(y) else y.to_numpy(dtype=object)
    elif isinstance(y, list | tuple):
        # numpy would turn [1, "a"] into two texts and [1, None] into objects: only the second is wanted.
        values = np.asarray(y, dtype=object) if any(v is None or isinstance(v, str) for v in y) else np.asarray(y)
    else:
        values = np.asarray(y)
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"The target y must be one column, of shape (n_rows,); got an array of shape {values.shape}.")
    if values.dtype.kind in "cmM":
        raise DataError(f"The target y must hold classes or numbers; got {values.dtype}. Convert it to numbers first.")
    return values.astype(object) if values.dtype.kind in "UST" else values


def _is_pandas(y: Any) -> bool:
    return type(y).__module__.split(".")[0] == "pandas"


def _absent(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and value != value)


def _missing(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "f":
        return ~np.isfinite(values)
    if values.dtype != object:
        return np.zeros(len(values), dtype=bool)
    pandas = sys.modules.get("pandas")
    if pandas is not None:  # many times quicker than the loop, and imported already where it is used
        blank = np.fromiter((isinstance(v, str) and not v.strip() for v in values), bool, len(values))
        return np.asarray(pandas.isna(values), dtype=bool) | blank
    return np.fromiter(map(_absent, values), bool, len(values))


def _plain(values: np.ndarray) -> list[Any]:
    return [value.item() if isinstance(value, np.generic) else value for value in values.tolist()]


def _distinct(values: np.ndarray) -> list[Any]:
    """Return the distinct values, sorted; values that cannot be compared are sorted as text."""
    if values.dtype != object:
        return list(np.unique(values).tolist())
    found = set(_plain(values))
    try:
        return sorted(found)
    except TypeError:
        return sorted({str(value) for value in found})


def _unit_of(values: np.ndarray, present: np.ndarray) -> str:
    """Return the unit that stands behind the numbers of a target."""
    if values.dtype != object:
        return ""
    return common_unit(v for v, here in zip(_plain(values), present, strict=True) if here and isinstance(v, str))


def _amounts(values: np.ndarray, present: np.ndarray, unit: str = "") -> np.ndarray:
    """Return float64 values; NaN where missing or where a text is no number."""
    if values.dtype != object:
        return values.astype(np.float64)
    listed = _plain(values)
    comma = comma_is_decimal(
        v.strip().removesuffix(unit) for v, here in zip(listed, present, strict=True) if here and isinstance(v, str)
    )
    numbers = np.full(len(values), np.nan)
    for row in np.flatnonzero(present):
        value = listed[row]
        number = read_amount(value, comma, unit) if isinstance(value, str) else value
        numbers[row] = np.nan if number is None else float(number)
    return numbers


def _infer_text(texts: np.ndarray, distinct: list[Any]) -> tuple[TaskKind, str] | None:
    n_rows, n_distinct = len(texts), len(distinct)
    every = np.ones(n_rows, dtype=bool)
    unit = _unit_of(texts, every)
    numbers = _amounts(texts, every, unit)
    read = ~np.isnan(numbers)
    n_numbers = len(np.unique(numbers[read]))
    if n_numbers > MAX_INTEGER_CLASSES and read.mean() >= 1 - MAX_STRAY:
        form = f"with the unit {unit!r}" if unit else "written as text"
        return TaskKind.REGRESSION, f"the target holds numbers {form}, {n_numbers} different ones"
    if n_rows >= 100 and n_distinct > n_rows / 2:
        raise DataError(
            f"The target y has {n_distinct} different texts in {n_rows} rows, such as {distinct[0]!r:.60}: nothing can "
            "be learned of a class from one row. Is it the right column? Set the task to force it."
        )
    return TaskKind.MULTICLASS, f"the target holds text with {n_distinct} different values"


def _infer_numbers(numbers: np.ndarray) -> tuple[TaskKind, str]:
    n_rows, n_distinct = len(numbers), len(np.unique(numbers))
    if (numbers != np.floor(numbers)).any():
        return TaskKind.REGRESSION, f"the target holds numbers with fractions, {n_distinct} different ones"
    if n_distinct > MAX_INTEGER_CLASSES:
        return TaskKind.REGRESSION, f"the target holds whole numbers, {n_distinct} different ones"
    if n_rows < MIN_ROWS_PER_CLASS * n_distinct:
        return TaskKind.REGRESSION, f"the target holds {n_distinct} different whole numbers in only {n_rows} rows"
    if _are_grades(numbers):
        reason = (
            f"the target holds {n_distinct} whole numbers in a row, the middle ones most often, taken as grades; "
            "set the task to multiclass if they are names of classes"
        )
        return TaskKind.REGRESSION, reason
    reason = (
        f"the target holds only {n_distinct} different whole numbers, taken as classes; "
        "set the task to regression if they are amounts or grades whose distance matters"
    )
    return TaskKind.MULTICLASS, reason


def _are_grades(numbers: np.ndarray) -> bool:
    """Tell whether whole numbers look like grades: without gaps, rising to one middle value and falling after it.

    Names of classes come in any order of frequency; both ends being rare and the middle frequent is the mark of an
    amount.
    """
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) < MIN_GRADES or values[-1] - values[0] != len(values) - 1:
        return False
    top = int(counts.argmax())
    rises, falls = np.diff(counts[: top + 1]), np.diff(counts[top:])
    ends = max(counts[0], counts[-1]) < RARE_END * counts[top]
    return bool(0 < top < len(values) - 1 and (rises > 0).all() and (falls < 0).all() and ends)


def infer_kind(y: Any) -> tuple[TaskKind, str]:
    """Guess the kind of task from the target, and say why.

    Parameters
    ----------
    y : array-like of shape (n,)
        Missing values (None, NaN, infinite, empty text) are left out.

    Returns
    -------
    kind : TaskKind
    reason : str
        A clause a user can read.

    Raises
    ------
    DataError
        Where nothing can be learned: no value, a single one, or a text for nearly every row.

    Examples
    --------
    >>> infer_kind(["no", "yes", "no"])[1]
    "the target has two different values, such as 'no'"
    >>> infer_kind([1.5, 2.25, 8.0])[0].value
    'regression'
    """
    values = _column(y)
    values = values[~_missing(values)]
    distinct = _distinct(values)
    if len(distinct) < 2:
        found = f"only the value {distinct[0]!r}" if distinct else "no value at all"
        raise DataError(f"The target y must have at least two different values or classes; it has {found}.")
    if len(distinct) == 2:
        return TaskKind.BINARY, f"the target has two different values, such as {distinct[0]!r}"
    if type(getattr(y, "dtype", None)).__name__ == "CategoricalDtype":
        return TaskKind.MULTICLASS, f"the target is declared categorical, with {len(distinct)} different values"
    if any(isinstance(value, str) for value in distinct):
        guess = _infer_text(values, distinct)
        if guess is not None:
            return guess
    return _infer_numbers(values.astype(np.float64))


def _spelling(value: Any) -> str:
    """Write a label so that 3, 3.0 and "3" meet: files lose the type that a column had in memory."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


@dataclass(frozen=True)
class TargetCoder:
    """Turns targets into codes or numbers, and predictions back into labels.

    Examples
    --------
    >>> coder = TargetCoder.fit(["yes", "no", None, "yes"], TaskKind.BINARY)
    >>> coder.classes, coder.transform(["yes", None]).values.tolist()
    (('no', 'yes'), [1, -1])
    """

    kind: TaskKind
    classes: tuple[Any, ...] = ()
    """The original labels (int, str, bool or float), sorted, a positive one last; empty for regression."""
    unit: str = ""
    """What stands behind the numbers of a regression target, and is left aside."""
    first_row: int = 0
    """The number that errors give the first row."""

    @classmethod
    def fit(
        cls, y: Any, kind: TaskKind, *, positive: str | None = None, whole: bool = False, first_row: int = 0
    ) -> "TargetCoder":
        """Learn the classes; missing targets are left out, a class of one row is kept.

        Parameters
        ----------
        y : array-like of shape (n,)
        kind : TaskKind
        positive : str, optional
            The class, of two, that metrics count as positive.
        whole : bool
            Whether classes such as 0.0 and 1.0 are whole numbers, as in a column of a file with empty cells.
        first_row : int
            The number that errors give the first row; a file's begin after its header.

        Raises
        ------
        DataError
            Where the target does not suit the kind of task.
        ParameterError
            Where `positive` is none of two classes.
        """
        values = _column(y)
        present = ~_missing(values)
        if not present.any():
            raise DataError("The target y has no value at all; every row is missing.")
        coder = cls(kind, first_row=first_row)
        if not kind.is_classification:
            if positive is not None:
                raise ParameterError(f"The parameter 'positive' names one of two classes; the task is {kind}.")
            coder = replace(coder, unit=_unit_of(values, present))
            coder._refuse_strays(values, present, MAX_STRAY)
            return coder
        classes = tuple(_distinct(values[present]))
        if whole and all(isinstance(one, float) and one.is_integer() for one in classes):
            classes = tuple(map(int, classes))
        if len(classes) < 2:
            raise DataError(f"The target y must have at least two classes; it has only one class, {classes[0]!r}.")
        if kind is TaskKind.BINARY and len(classes) != 2:
            raise DataError(f"A binary task needs two classes; the target y has {len(classes)}. Use multiclass.")
        return replace(coder, classes=_positive_last(classes, positive))

    def transform(self, y: Any) -> Encoded:
        """Return codes or numbers, and which rows have one; a word among the numbers is taken as missing.

        Raises
        ------
        DataError
            Naming the first row whose label is unknown, or which holds no number where most do not.
        """
        values = _column(y)
        present = ~_missing(values)
        if self.kind.is_classification:
            return Encoded(self._codes(values, present), present)
        numbers = self._refuse_strays(values, present, 0.5)
        present = present & np.isfinite(numbers)
        return Encoded(np.where(present, numbers, np.nan), present)

    def notes(self, y: Any) -> list[str]:
        """Say what of a regression target is left aside: a unit, and words among the numbers."""
        unit = [f"the target is in {self.unit!r}, and so are the predictions"] if self.unit else []
        return unit + self.strays(y)

    def strays(self, y: Any) -> list[str]:
        """Say which words stand among the numbers of a regression target."""
        values = _column(y)
        if self.kind.is_classification or values.dtype != object:
            return []
        present = ~_missing(values)
        stray = present & np.isnan(_amounts(values, present, self.unit))
        if not stray.any():
            return []
        some = ", ".join(map(repr, list(dict.fromkeys(map(str, values[stray])))[:SHOWN_STRAYS]))
        share = f"{int(stray.sum()):,} of {int(present.sum()):,} cells of the target"
        return [f"{share} hold no number (such as {some}) and are taken as missing"]

    def _refuse_strays(self, values: np.ndarray, present: np.ndarray, at_most: float) -> np.ndarray:
        """Return the numbers; refuse a target of which a larger share is none."""
        numbers = _amounts(values, present, self.unit)
        bad = np.flatnonzero(present & np.isnan(numbers))
        if len(bad) > at_most * present.sum():
            raise DataError(
                f"A regression target must hold numbers; row {bad[0] + self.first_row} holds {values[bad[0]]!r:.80}"
                f" ({len(bad)} such rows). Correct or remove them, or set the task to classification."
            )
        return numbers

    def _codes(self, values: np.ndarray, present: np.ndarray) -> np.ndarray:
        exact = {label: code for code, label in enumerate(self.classes)}
        spelled = {_spelling(label): code for code, label in enumerate(self.classes)}
        kept = values[present]
        # Few distinct values stand for many rows: the mapping is made once for each.
        if kept.dtype != object:
            distinct, inverse = np.unique(kept, return_inverse=True)
            found = [exact.get(one, spelled.get(_spelling(one), -1)) for one in distinct.tolist()]
            coded = np.array(found, dtype=np.int64)[inverse]
        else:
            coded = np.array([exact.get(one, spelled.get(_spelling(one), -1)) for one in _plain(kept)], dtype=np.int64)
        if len(coded) and coded.min() < 0:
            row = int(np.flatnonzero(present)[np.argmin(coded)])
            value, row = values[row], row + self.first_row
            shown = ", ".join(map(repr, self.classes[:10])) + (", ..." if len(self.classes) > 10 else "")
            raise DataError(f"The target y holds an unknown class in row {row}: {value!r:.80}; known: {shown}.")
        codes = np.full(len(values), -1, dtype=np.int64)
        codes[present] = coded
        return codes

    def inverse(self, codes: np.ndarray) -> np.ndarray:
        """Return original labels for codes, or values as they are.

        Returns
        -------
        ndarray of shape (n,)
            Of the labels' own type where they share one.
        """
        if not self.kind.is_classification:
            return np.asarray(codes, dtype=np.float64)
        return label_array(self.classes)[np.asarray(codes)]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        record = {"kind": str(self.kind), "classes": list(self.classes), "unit": self.unit, "first_row": self.first_row}
        return {name: value for name, value in record.items() if value or name in ("kind", "classes")}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "TargetCoder":
        """Read what `to_json` wrote."""
        unit, first_row = record.get("unit", ""), record.get("first_row", 0)
        return cls(TaskKind(record["kind"]), tuple(record["classes"]), unit, first_row)


def _positive_last(classes: tuple[Any, ...], positive: str | None) -> tuple[Any, ...]:
    """Put the positive class where metrics of two classes look for it."""
    if positive is None:
        return classes
    if len(classes) != 2:
        raise ParameterError(f"The parameter 'positive' names one of two classes; the target has {len(classes)}.")
    for index, label in enumerate(classes):
        if _spelling(label) == _spelling(positive):
            return classes if index == 1 else classes[::-1]
    raise wrong_choice("positive", positive, classes)


def label_array(classes: Sequence[Any]) -> np.ndarray:
    """Return labels as an array of their own type; texts and mixed types as objects."""
    if len({type(label) for label in classes}) == 1 and not isinstance(classes[0], str):
        return np.array(classes)
    listed = np.empty(len(classes), dtype=object)
    listed[:] = list(classes)
    return listed
