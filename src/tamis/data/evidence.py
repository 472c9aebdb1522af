"""Weighs what the values and the name of a column say of its role."""

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tamis.core.kinds import Role
from tamis.data.recipe import Strings

MAX_ORDINAL = 12
"""Whole numbers with at most so many different values are a scale: months are the longest that is usual."""
MIN_COUNTED = 20
"""In a shorter column nothing is told from numbers that count up."""
MAX_LEVELS = 30
"""More levels than these, with few rows each, are high-cardinality."""
ROWS_PER_LEVEL = 50
CODE_ENDS = frozenset({"id", "ids", "uid", "code", "codes", "key", "sku", "isbn"})
"""Last words of names that stand before codes."""
CODE_WORDS = frozenset({"zip", "zipcode", "postcode", "postal", "fips", "role", "plz"})
"""Words that name codes wherever they stand in a name."""
COUNTER_ENDS = CODE_ENDS | {
    "no",
    "nr",
    "num",
    "number",
    "index",
    "idx",
    "row",
    "rowid",
    "serial",
    "account",
    "ref",
    "uuid",
}
ENTITY_ENDS = frozenset(
    {"patient", "subject", "user", "customer", "passenger", "student", "employee", "member", "person", "respondent"}
    | {"record", "sample", "observation", "obs", "case", "entry", "instance", "ticket", "invoice"}
)
"""Last words of names that stand before numbers of rows where those count up."""
NAMELESS = re.compile(r"(?:column_|column |x|v|Unnamed: |level_)?\d+|", re.IGNORECASE)
"""What columns are called that have no name of their own."""
ORDER_WORDS = frozenset({"rank", "ranking", "position", "time", "step", "period", "year", "month", "week", "day", "t"})
"""Names of quantities that count up and still mean something."""
QUANTITY_WORDS = frozenset({"years", "months", "days", "hours", "number", "count", "num", "n", "total", "mean", "rate"})
"""Words that name a quantity even beside a word for a code: years in the current role."""
DATE_WORDS = frozenset({"date", "day", "dt", "ymd", "dob", "datum", "yyyymmdd"})
EPOCH_WORDS = frozenset({"timestamp", "epoch", "unix", "ts", "time", "unixtime", "timestamps"})


@dataclass(frozen=True)
class Verdict:
    """A role and why."""

    role: Role
    reason: str
    parse: dict[str, Any] = field(default_factory=lambda: {"how": "number"})


def words_of(name: str) -> list[str]:
    """Split a column's name into its words.

    Examples
    --------
    >>> words_of("customerID"), words_of("ROLE_ROLLUP_1")
    (['customer', 'id'], ['role', 'rollup', '1'])
    """
    return [word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def named_as_code(name: str) -> bool:
    """Tell whether the name says that the values are codes."""
    words = words_of(name)
    if not words or QUANTITY_WORDS & set(words):
        return False
    return words[-1] in CODE_ENDS or bool(CODE_WORDS & set(words))


def weigh_numbers(
    name: str,
    values: np.ndarray,
    different: np.ndarray | None = None,
    *,
    coded_company: bool = False,
    named_company: bool = False,
) -> Verdict:
    """Decide on a column of numbers.

    Parameters
    ----------
    name : str
    values : ndarray of shape (n_present,)
        In the order of the rows, none missing.
    different : ndarray or None
        The different ones among them, where they are known.
    coded_company : bool
        Whether most whole-number columns of the table are codes by their names.
    named_company : bool
        Whether other columns of the table have names of their own.
    """
    different = pd.unique(values) if different is None else different
    count = len(different)
    if count == 2 and set(different) == {0.0, 1.0}:
        return Verdict(Role.BOOLEAN, "0 and 1")
    whole = bool((np.abs(different) < 2**53).all() and (different == np.floor(different)).all())
    if not whole:
        return Verdict(Role.NUMERIC, f"{count:,} different numbers")
    if dated := _as_date(name, different):
        return dated
    counting = counts_up(values, different) and not set(words_of(name)) & ORDER_WORDS
    if reason := _as_identifier(name, values, different, counting, named_company):
        return Verdict(Role.IDENTIFIER, reason)
    low, high = float(different.min()), float(different.max())
    if not _like_counts(name, values, low) and (coded := _as_code(name, len(values), count, high - low, coded_company)):
        return coded
    if low >= 1500 and high <= 2100 and count >= 2:
        return Verdict(Role.NUMERIC, f"years from {low:.0f} to {high:.0f}")
    if count <= MAX_ORDINAL and high - low <= 100 and len(values) >= 4 * count:
        return Verdict(Role.ORDINAL, f"{count} whole numbers from {low:.0f} to {high:.0f}")
    return Verdict(Role.NUMERIC, f"{count:,} different whole numbers from {low:,.0f} to {high:,.0f}")


def _as_code(name: str, rows: int, count: int, span: float, coded_company: bool) -> Verdict | None:
    """Take whole numbers as codes where the name says so, or where the table is full of codes and these have gaps."""
    named = named_as_code(name) and count > 2
    gaps = coded_company and count >= 20 and span > 5 * count and 2 * rows >= 3 * count
    if not (named or gaps):
        return None
    why = "the name says that they are codes" if named else "like their neighbours they are codes: repeated, with gaps"
    role = level_role(count, rows)
    return Verdict(role, f"{count:,} different whole numbers; {why}", {})


def _like_counts(name: str, values: np.ndarray, low: float) -> bool:
    """Tell whether whole numbers behave as counts: from 0 or 1 on, the smaller the more frequent ('lines_of_code')."""
    words = words_of(name)
    if low not in (0.0, 1.0) or words[-1:] == ["id"] or CODE_WORDS & set(words):
        return False
    quarter, middle, most = np.quantile(values, [0.25, 0.5, 0.99])
    return bool(middle - low < 0.15 * (most - low) and quarter - low <= 0.5 * (middle - low) + 1)


def _as_date(name: str, different: np.ndarray) -> Verdict | None:
    words, low, high = set(words_of(name)), different.min(), different.max()
    if (words & DATE_WORDS or name.casefold().endswith("date")) and low >= 19000101 and high <= 21001231:
        month, day = different // 100 % 100, different % 100
        if ((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).mean() >= 0.99:
            return Verdict(Role.DATE, "the name says date, and the numbers read as %Y%m%d", date_recipe("%Y%m%d"))
    if words & EPOCH_WORDS or name.casefold().endswith(("timestamp", "_time", "_at")):
        for power, unit in ((0, "seconds"), (3, "milliseconds"), (6, "microseconds"), (9, "nanoseconds")):
            if low >= 3e8 * 10**power and high <= 4.2e9 * 10**power:
                return Verdict(
                    Role.DATE, f"{unit} since 1970, as the name says", {"how": "epoch", "unit": 10.0**-power}
                )
    return None


def date_recipe(*formats: str) -> dict[str, Any]:
    """Return the recipe of dates in some formats."""
    return {"how": "date", "formats": list(formats)}


def _as_identifier(name: str, values: np.ndarray, different: np.ndarray, counting: bool, named_company: bool) -> str:
    """Say why whole numbers are an identifier; empty where they are none.

    Counting up alone makes none: an age or a dose may be different in every row of a small sorted table.
    """
    rows, words = len(values), words_of(name)
    if rows < MIN_COUNTED or len(different) < 0.98 * rows or set(words) & ORDER_WORDS:
        return ""
    if name.strip() in {"#", "№"} or (words and words[-1] in COUNTER_ENDS):
        return "nearly every value differs, and the name says that it is an identifier"
    if counting and words and words[-1] in ENTITY_ENDS:
        return "every value differs, they count up, and the name is that of a row"
    index = counting and len(different) == rows and (np.diff(values) == 1).all()
    return "it has no name, and counts the rows" if index and named_company and is_nameless(name) else ""


def is_nameless(name: str) -> bool:
    """Tell whether a name says nothing but the place of the column."""
    return NAMELESS.fullmatch(name.strip()) is not None


def counts_up(values: np.ndarray, different: np.ndarray) -> bool:
    """Tell whether whole numbers could be those of the rows: every one differs, and they lie close together.

    Examples
    --------
    >>> counts_up(np.arange(100, 150), np.arange(100, 150)), counts_up(np.arange(50) ** 2, np.arange(50) ** 2)
    (True, False)
    """
    rows = len(values)
    if rows < MIN_COUNTED or len(different) < rows:
        return False
    span = float(different.max() - different.min())
    # That n numbers out of 3 n all differ by chance has the probability exp(-n / 6).
    return span + 1 <= 1.05 * rows or (span <= 3 * rows and (rows >= 60 or bool((np.diff(values) > 0).all())))


def level_role(n_levels: int, rows: int) -> Role:
    """Choose between few and many levels."""
    many = n_levels > MAX_LEVELS and (rows < ROWS_PER_LEVEL * n_levels or n_levels > 255)
    return Role.HIGH_CARDINALITY if many else Role.CATEGORICAL


def weigh_strings(strings: Strings, n_levels: int, rows: int) -> Verdict:
    """Decide on a column of strings that are neither numbers nor dates.

    Parameters
    ----------
    strings : Strings
        Of a sample.
    n_levels : int
        How many different values the whole column has.
    rows : int
        How many cells of the whole column hold something.
    """
    texts, weights = strings.texts, strings.counts / max(1, strings.counts.sum())
    distinct = n_levels / max(1, rows)
    if n_levels <= MAX_LEVELS and (distinct < 0.5 or n_levels <= 5):
        return Verdict(Role.CATEGORICAL, f"{n_levels} levels", {})
    words = float((texts.str.count(r"[^\s,;|]+") * weights).sum())
    length = float((texts.str.len() * weights).sum())
    # Chinese, Japanese and Thai set no blanks between words.
    unspaced = strings.share(texts.str.count(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]") >= 5) > 0.5
    per_value = f"{words:.1f} words a value, {n_levels:,} different"
    if distinct >= 0.98 and words < 1.5 and rows >= 10 and length <= 64 and not unspaced:
        return Verdict(Role.IDENTIFIER, "nearly every value differs, and they are no words to learn from", {})
    wordy = (
        (words >= 3 and rows < 20 * n_levels)
        or (words >= 2.2 and distinct >= 0.3)
        or (words >= 1.7 and distinct >= 0.8)
        or (length >= 40 and distinct >= 0.02)
        or (unspaced and distinct >= 0.3)
    )
    if n_levels > MAX_LEVELS // 2 and wordy:
        return Verdict(Role.TEXT, per_value, {})
    role = level_role(n_levels, rows)
    few = f", {rows / n_levels:.1f} rows each" if role is Role.HIGH_CARDINALITY else ""
    return Verdict(role, f"{n_levels:,} levels{few}", {})
