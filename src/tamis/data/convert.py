"""Turns raw cells into numbers, codes and texts by recipes that are plain JSON, the same at fit and at predict."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from tamis.data import notation
from tamis.data.months import in_english

Recipe = Mapping[str, Any]
"""`how` names the conversion, the other entries are its settings."""

CLOCK = r"^(?P<h>\d{1,2}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d(?:\.\d+)?))?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?$"
DURATION = (
    r"^(?:(?P<d>\d+)\s*d(?:ays?)?)?[\s,]*(?:(?P<h>\d+)\s*h(?:(?:ou)?rs?)?)?[\s,]*"
    r"(?:(?P<m>\d+)\s*m(?:in(?:ute)?s?)?)?[\s,]*(?:(?P<s>\d+)\s*s(?:ec(?:ond)?s?)?)?$"
)
FRACTION = r"^([-+]?\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)$"
SCALES = {"k": 1e3, "m": 1e6, "b": 1e9, "bn": 1e9, "g": 1e9, "t": 1e12}
"""What a letter behind a number multiplies it by, where a recipe says that letters do."""


def spell(values: "pd.Index | np.ndarray | Sequence[Any]") -> np.ndarray:
    """Write values as the strings by which levels are known: 3, 3.0 and '3' are one level, a date is its ISO form.

    Returns
    -------
    ndarray of shape (n_values,), objects
        Strings; None where the cell stands for no value.
    """
    return np.array([_spell_one(value) for value in values] or [], dtype=object)


def _spell_one(value: Any) -> str | None:
    if isinstance(value, str):
        text = value.strip()
        if text in notation.MISSING_LEVELS:
            return None
        head, dot, tail = text.partition(".")
        return head if dot and tail.strip("0") == "" and tail and head.lstrip("-").isdigit() else text
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            return None
        return str(int(value)) if value == int(value) else str(value)
    if isinstance(value, pd.Timestamp):
        return value.isoformat(sep=" ")
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    return _spell_one(value.decode(errors="replace")) if isinstance(value, bytes) else _spell_one(str(value))


def factorize(cells: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Number the different values of a column.

    Returns
    -------
    codes : ndarray of shape (n_rows,)
        -1 where there is no value.
    levels : ndarray of objects
        The spelling of each code, no spelling twice, in the order of first occurrence for plain columns.
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        codes, raw = cells.cat.codes.to_numpy().astype(np.intp), cells.cat.categories
    else:
        found, raw = pd.factorize(cells)
        codes = np.asarray(found, dtype=np.intp)
    names, levels = pd.factorize(spell(raw))
    if len(levels) < len(raw):
        codes = np.where(codes >= 0, np.append(names, -1)[codes], -1)
    return codes, np.asarray(levels, dtype=object)


def group_codes(cells: pd.Series) -> np.ndarray:
    """Number the groups that rows belong to; a row of no group is a group of its own.

    Examples
    --------
    >>> group_codes(pd.Series(["a", None, "a", None])).tolist()
    [0, 2, 0, 4]
    """
    codes = factorize(cells)[0]
    return np.where(codes < 0, codes.max(initial=-1) + 1 + np.arange(len(codes)), codes).astype(np.int64)


def _through_levels(cells: pd.Series, read: Callable[[pd.Series], np.ndarray], width: int = 1) -> np.ndarray:
    """Read each different value once, and spread what was read over the rows."""
    codes, levels = factorize(cells)
    found = np.full((len(levels) + 1, width), np.nan)
    if len(levels):
        found[:-1] = np.asarray(read(pd.Series(levels, dtype=object)), dtype=np.float64).reshape(len(levels), width)
    return found[codes]


def is_plain_number(cells: pd.Series) -> bool:
    """Tell whether the cells are numbers by their type, booleans and lengths of time included."""
    kind = cells.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return False
    return bool(pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_timedelta64_dtype(kind))


def read_numbers(texts: pd.Series, thousands: str = ",", decimal: str = ".") -> np.ndarray:
    """Read strings as numbers, NaN where one is none.

    Examples
    --------
    >>> read_numbers(pd.Series(["1,234.5", "7", "x"]))
    array([1234.5,    7. ,    nan])
    """
    found = pd.to_numeric(texts.replace({"True": "1", "False": "0"}), errors="coerce").to_numpy(np.float64, copy=True)
    if decimal == ",":
        found[:] = np.nan
    unread = np.isnan(found)
    if unread.any():
        pattern = notation.NUMBER_WITH_COMMA if decimal == "," else notation.NUMBER
        rest = notation.plain_signs(texts[unread]).str.replace(r"[\s\u00a0\u202f'](?=\d{3}\b)", "", regex=True)
        rest = rest.where(rest.str.fullmatch(pattern).fillna(False).astype(bool), None)
        found[unread] = _join_digits(rest, thousands, decimal)
    return found


def _join_digits(texts: pd.Series, thousands: str, decimal: str) -> np.ndarray:
    plain = texts.str.replace(thousands, "", regex=False) if thousands else texts
    if decimal != ".":
        plain = plain.str.replace(decimal, ".", regex=False)
    return pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)


def _numbers(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    if pd.api.types.is_timedelta64_dtype(cells.dtype):
        values = cells.dt.total_seconds().to_numpy(np.float64, na_value=np.nan)
    elif is_plain_number(cells):
        values = cells.to_numpy(np.float64, na_value=np.nan)
    else:
        thousands, decimal = recipe.get("thousands", ","), recipe.get("decimal", ".")
        values = _through_levels(cells, lambda texts: read_numbers(texts, thousands, decimal))[:, 0]
    return np.where(np.isfinite(values), values, np.nan)[:, None]


def _embedded(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    if is_plain_number(cells):
        first = _numbers(cells, recipe)
        return np.hstack([first, np.full((len(first), n_values(recipe) - 1), np.nan)])
    return _through_levels(cells, lambda texts: read_embedded(texts, recipe), n_values(recipe))


def read_embedded(texts: pd.Series, recipe: Recipe) -> np.ndarray:
    """Read the numbers that stand inside strings, and the place of the unit among the recipe's units.

    Examples
    --------
    >>> read_embedded(pd.Series(["190Nm@ 2000rpm", "7 Nm at 1,750rpm", "-"]), {"parts": 2}).tolist()
    [[190.0, 2000.0], [7.0, 1750.0], [nan, nan]]
    """
    decimal, parts = recipe.get("decimal", "."), recipe.get("parts", 1)
    thousands = "." if decimal == "," else ","
    number = notation.NUMBER_WITH_COMMA if decimal == "," else notation.NUMBER
    pattern = r"^\D*?" + r"\D+?".join([f"({number})"] * parts) + r"(.*)$"
    texts = notation.plain_minus(texts)
    found = texts.str.extract(pattern)
    columns = [_join_digits(found[part], thousands, decimal) for part in range(parts)]
    if parts == 1:
        negative = texts.str.match(notation.NEGATIVE).fillna(False).to_numpy(bool)
        columns[0] = np.where(negative, -np.abs(columns[0]), columns[0])
    rest = notation.units_of(found.iloc[:, parts])
    if recipe.get("scaled"):
        columns[0] = columns[0] * rest.str.rstrip("+").map(SCALES).fillna(1.0).to_numpy(np.float64)
    if recipe.get("units"):
        place = {unit: index for index, unit in enumerate(recipe["units"])}
        columns.append(rest.map(place).to_numpy(np.float64, na_value=np.nan))
    return np.column_stack(columns)


def _fraction(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    def read(texts: pd.Series) -> np.ndarray:
        found = texts.str.extract(FRACTION).apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = found[:, 0] / found[:, 1]
        share[~np.isfinite(share)] = np.nan
        return np.column_stack([share, found])[:, : n_values(recipe)]

    return _through_levels(cells, read, n_values(recipe))


def _named_groups(pattern: str, weights: Mapping[str, float]) -> Callable[[pd.Series], np.ndarray]:
    def read(texts: pd.Series) -> np.ndarray:
        found = texts.str.extract(pattern)
        numbers = found[list(weights)].apply(pd.to_numeric, errors="coerce")
        seconds = numbers.mul(pd.Series(weights)).sum(axis=1, min_count=1).to_numpy(np.float64)
        if "half" in found:
            half = found["half"].str.lower()
            seconds = seconds + 43200.0 * ((half == "p").astype(float) - ((numbers["h"] == 12) & half.notna()))
        return seconds

    return read


def _clock(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    return _through_levels(cells, _named_groups(CLOCK, {"h": 3600.0, "m": 60.0, "s": 1.0}))


def _duration(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    if is_plain_number(cells):
        return _numbers(cells, recipe)
    return _through_levels(cells, _named_groups(DURATION, {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}))


def _boolean(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    place = dict.fromkeys(recipe["false"], 0.0) | dict.fromkeys(recipe["true"], 1.0)
    # A file may write the two values in words and a frame hold them as booleans or as 0 and 1.
    for name, value in (("true", 1.0), ("false", 0.0), ("1", 1.0), ("0", 0.0)):
        place.setdefault(name, value)
    return _through_levels(cells, lambda texts: texts.str.casefold().map(place).to_numpy(np.float64, na_value=np.nan))


def _presence(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    return (factorize(cells)[0] >= 0).astype(np.float64)[:, None]


def _rank(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    return encode(cells, tuple(recipe["levels"]))[:, None]


def _date(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return _seconds(pd.to_datetime(cells, utc=True, errors="coerce"))[:, None]
    formats, first_year, translate = recipe["formats"], recipe.get("first_year"), recipe.get("translate", False)
    return _through_levels(cells, lambda texts: read_dates(texts, formats, first_year, translate=translate))


def read_dates(
    texts: pd.Series, formats: Sequence[str], first_year: int | None = None, *, translate: bool = False
) -> np.ndarray:
    """Read strings as seconds since 1970 in UTC by the first format that fits, NaN where none does.

    `first_year` is the first of the hundred years that two-digit years may mean; `translate` says that the formats are
    those of the dates in English.

    Examples
    --------
    >>> read_dates(pd.Series(["Aug-62", "Jan-13"]), ["%b-%y"], 1940) / 31556952 + 1970
    array([1962.58..., 2013.00...])
    """
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[us, UTC]")
    unread = ~notation.stands_for_no_date(texts)
    texts = texts.map(in_english, na_action="ignore") if translate else texts
    for form in formats:
        if not unread.any():
            break
        try:
            part = pd.to_datetime(texts[unread], format=form, errors="coerce", utc=True)
        except (re.error, ValueError):  # a form that no date has, such as one of two years
            continue
        if first_year is not None and "%y" in form:
            part = _into_century(part, first_year)
        found[unread] = part.astype("datetime64[us, UTC]")
        unread &= found.isna().to_numpy()
    return _seconds(found)


def _into_century(dates: pd.Series, first_year: int) -> pd.Series:
    year = dates.dt.year
    moved = first_year + (year - first_year) % 100
    shift = (moved - year).fillna(0)
    for years in (-100, 100):
        dates = dates.mask(shift == years, dates + pd.DateOffset(years=years))
    return dates


def _seconds(dates: pd.Series) -> np.ndarray:
    naive = dates.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    seconds = naive.astype(np.int64) / 1e6
    seconds[np.isnat(naive)] = np.nan
    return seconds


def _epoch(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return _date(cells, {"formats": []})
    return _numbers(cells, recipe) * recipe["unit"]


HOW: dict[str, Callable[[pd.Series, Recipe], np.ndarray]] = {
    "number": _numbers,
    "embedded number": _embedded,
    "fraction": _fraction,
    "clock": _clock,
    "duration": _duration,
    "boolean": _boolean,
    "presence": _presence,
    "rank": _rank,
    "date": _date,
    "epoch": _epoch,
}
"""Recipes that give numbers, by name."""


def n_values(recipe: Recipe) -> int:
    """Return how many numbers a recipe makes of one cell."""
    parts = int(recipe.get("parts", 1))
    if recipe["how"] == "fraction":
        return 3 if parts == 2 else 1
    return parts + bool(recipe.get("units"))


def to_values(cells: pd.Series, recipe: Recipe) -> np.ndarray:
    """Convert a column by a recipe.

    Returns
    -------
    ndarray of shape (n_rows, n_values(recipe)), float64
        NaN where a cell is missing or is not what the recipe reads.
    """
    return HOW[recipe["how"]](cells, recipe)


@lru_cache(maxsize=512)
def _index_of(levels: tuple[str, ...]) -> pd.Index:
    return pd.Index(levels, dtype=object)


def encode(cells: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    """Return the place of each cell among the levels, NaN where it is missing or not among them.

    Examples
    --------
    >>> encode(pd.Series([3.0, 1.0, 9.0, None]), ("1", "3"))
    array([ 1.,  0., nan, nan])
    """
    codes, names = factorize(cells)
    places = _index_of(levels).get_indexer(pd.Index(names, dtype=object)).astype(np.float64)
    if {"True", "False"} >= set(names) and not {"True", "False"} & set(levels):
        numbers = [{"True": "1", "False": "0"}[name] for name in names]
        places = _index_of(levels).get_indexer(pd.Index(numbers, dtype=object)).astype(np.float64)
    places[places < 0] = np.nan
    return np.append(places, np.nan)[codes]


def to_texts(cells: pd.Series) -> np.ndarray:
    """Return the cells as Python strings, empty where there is none.

    Returns
    -------
    ndarray of shape (n_rows,), objects
    """
    if pd.api.types.is_string_dtype(cells.dtype) and not pd.api.types.is_object_dtype(cells.dtype):
        return np.asarray(cells.fillna("").to_numpy(dtype=object), dtype=object)
    codes, levels = factorize(cells)
    return np.append(levels, "")[codes] if len(levels) else np.full(len(cells), "", dtype=object)
