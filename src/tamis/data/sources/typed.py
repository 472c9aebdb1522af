"""Tidies columns that came with types of their own (Parquet, Arrow, JSON, SQL), so that models can take them."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.errors import DataError
from tamis.data.layout import BOOLEAN, NUMBER, OTHER, TEXT, ColumnLayout, Layout

EXACT = 2**53
LONGEST_LIST = 4096


def tidy(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Give every column of Python objects a type.

    Numbers, booleans, dates and strings become columns of these; decimals become floats, times strings, lists of texts
    one text, lists of equally many numbers as many columns. A column that mixes numbers and strings becomes strings.

    Raises
    ------
    DataError
        Naming a column whose values fit in no cell.
    """
    notes: list[str] = []
    columns: dict[str, pd.Series] = {}
    for label in frame.columns:
        series = frame[label]
        if series.dtype == object:
            made, found = _tidy_objects(series, str(label), name)
            notes += found
        else:
            made = {str(label): series}
        columns.update({_free(one, columns): values for one, values in made.items()})
    return pd.DataFrame(columns, copy=False), notes


def unique_names(names: Iterable[Any]) -> list[str]:
    """Return the names as strings, no two alike.

    Examples
    --------
    >>> unique_names(["a", 1, "a", ("b", "c")])
    ['a', '1', 'a.1', 'b.c']
    """
    wanted = [".".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in names]
    taken, seen, fresh = set(wanted), set(), []
    for name in wanted:
        one, count = name, 0
        while one in seen or (count and one in taken):
            count += 1
            one = f"{name}.{count}"
        seen.add(one)
        fresh.append(one)
    return fresh


def _free(name: str, taken: Iterable[str]) -> str:
    fresh, count = name, 0
    while fresh in taken:
        count += 1
        fresh = f"{name}.{count}"
    return fresh


def _tidy_objects(series: pd.Series, label: str, name: str) -> tuple[dict[str, pd.Series], list[str]]:
    values = series.to_numpy()
    present = [value for value in values if not _is_missing(value)]
    kinds = {type(value) for value in present}
    if kinds and all(issubclass(kind, list | tuple | np.ndarray) for kind in kinds):
        return _unfold(values, present, label, name)
    if bad := [kind for kind in kinds if issubclass(kind, dict | set | list | tuple | np.ndarray)]:
        raise DataError(
            f"{name}: the column {label!r} holds values of type {bad[0].__name__}, which are no cells of a table. "
            "Leave it out, or spread it over columns of numbers or texts."
        )
    return {label: _column(values, present, kinds)}, _mixed(kinds, label)


def _mixed(kinds: set[type], label: str) -> list[str]:
    if str in kinds and len(kinds) > 1:
        return [f'column "{label}" mixes strings and other values: read as strings']
    return [f'column "{label}": decimals read as floats'] if kinds == {Decimal} else []


def _is_missing(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _column(values: np.ndarray, present: list[Any], kinds: set[type]) -> pd.Series:
    n_missing = len(values) - len(present)
    if not kinds:
        return pd.Series(np.full(len(values), np.nan))
    if kinds <= {bool, np.bool_}:
        return pd.Series(values, dtype="boolean" if n_missing else bool)
    if all(issubclass(kind, int | float | np.number | Decimal) and kind is not bool for kind in kinds):
        return _numbers(values, present, kinds, n_missing)
    if kinds <= {datetime, date, pd.Timestamp}:
        return pd.to_datetime(pd.Series(values), errors="coerce", utc=_has_zones(present))
    if kinds <= {timedelta, pd.Timedelta}:
        return pd.Series([np.nan if _is_missing(value) else value.total_seconds() for value in values])
    if kinds <= {bytes, bytearray}:
        return pd.Series(values, dtype=object)
    strings = [None if _is_missing(value) else _string(value) for value in values]
    return pd.Series(pd.array(strings, dtype="str") if _new_strings() else np.array(strings, dtype=object))


def _new_strings() -> bool:
    """Tell whether pandas has its own type for strings by default (from version 3 on)."""
    return pd.Series(["a"]).dtype != object


def _string(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _has_zones(present: list[Any]) -> bool:
    return any(getattr(value, "tzinfo", None) is not None for value in present)


def _numbers(values: np.ndarray, present: list[Any], kinds: set[type], n_missing: int) -> pd.Series:
    whole = all(issubclass(kind, int | np.integer) for kind in kinds)
    if whole and all(-(2**63) <= value < 2**63 for value in (min(present), max(present))):
        if not n_missing:
            return pd.Series(values.astype(np.int64))
        if max(map(abs, (min(present), max(present)))) > EXACT:
            return pd.Series([pd.NA if _is_missing(value) else value for value in values], dtype="Int64")
    elif whole:
        return pd.Series([None if _is_missing(value) else str(value) for value in values])
    reals = np.array([np.nan if _is_missing(value) else float(value) for value in values])
    reals[np.isinf(reals)] = np.nan
    return pd.Series(reals)


def _unfold(values: np.ndarray, present: list[Any], label: str, name: str) -> tuple[dict[str, pd.Series], list[str]]:
    """Turn lists of texts into texts, and lists of equally many numbers into columns."""
    items = [item for value in present for item in value]
    if all(isinstance(item, str) for item in items):
        joined = pd.Series([None if _is_missing(value) else " ".join(value) for value in values])
        return {label: joined}, [f'column "{label}": lists of texts joined by blanks']
    sizes = {len(value) for value in present}
    numbers = all(isinstance(item, int | float | np.number | bool) or item is None for item in items)
    if len(sizes) != 1 or not numbers or max(sizes) > LONGEST_LIST:
        raise DataError(
            f"{name}: the column {label!r} holds lists that differ in length or hold more than numbers. "
            "Leave it out, or spread it over columns."
        )
    size = sizes.pop()
    blank = [np.nan] * size
    grid = np.array(
        [blank if _is_missing(value) else [np.nan if one is None else float(one) for one in value] for value in values]
    )
    notes = [f'column "{label}": lists of {size} numbers spread over {size} columns']
    return {f"{label}.{index}": pd.Series(grid[:, index]) for index in range(size)}, notes


def kind_of(series: pd.Series) -> str:
    """Return what a column holds, as layouts name it."""
    if pd.api.types.is_bool_dtype(series.dtype):
        return BOOLEAN
    if pd.api.types.is_numeric_dtype(series.dtype):
        return NUMBER
    if isinstance(series.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(series.dtype):
        return TEXT
    if series.dtype == object and any(isinstance(value, str) for value in series.head(100)):
        return TEXT
    return OTHER


def columns_of(frame: pd.DataFrame) -> tuple[ColumnLayout, ...]:
    """Describe the columns of a frame."""
    return tuple(ColumnLayout(str(name), kind_of(frame[name])) for name in frame.columns)


def recall(frame: pd.DataFrame, layout: Layout) -> tuple[pd.DataFrame, list[str]]:
    """Make columns what they were in an earlier file, where this one alone would have told otherwise."""
    known = {column.name: column for column in layout.columns}
    notes = []
    changed: dict[str, pd.Series] = {}
    for label in frame.columns:
        series = frame[label]
        column = known.get(str(label))
        if column is None or kind_of(series) == column.kind:
            continue
        if column.kind == NUMBER:
            changed[label] = pd.to_numeric(series.astype(object), errors="coerce").astype("float64")
            lost = int(changed[label].isna().sum() - series.isna().sum())
            if lost:
                notes.append(f'column "{label}": {lost} cells are no numbers and were read as missing')
        elif column.kind == TEXT:
            changed[label] = _column(*_as_strings(series))
    return (frame.assign(**changed) if changed else frame), notes


def _as_strings(series: pd.Series) -> tuple[np.ndarray, list[Any], set[type]]:
    values = np.array([None if pd.isna(value) else _string(value) for value in series], dtype=object)
    present = [value for value in values if value is not None]
    return values, present, {str}
