"""Gives cells of text their meaning: missing tokens, numbers in any notation, booleans, or text.

Columns are Arrow arrays of strings, and every step is one vectorised pass over a column. A column becomes numeric only
where every cell that is not missing is a number and none would lose a digit.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tamis.data.delimited.numerals import NOTATIONS, PLAIN, Notation, has_minus, with_hyphens
from tamis.data.layout import BOOLEAN, NUMBER, TEXT, ColumnLayout

STANDARD_MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "<NA>", "#N/A", "#NA", "#N/A N/A"}
    | {"1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"}
)
"""What pandas takes for missing in any column."""
SYMBOLS_MISSING = frozenset({"?", "-"})
"""Missing in a column of text too, unless they stand beside other symbols such as '+'."""
WORDS_MISSING = frozenset(
    {"na", "Na", "N.A.", "n.a.", "none", "NONE", "Null", "missing", "Missing", "MISSING", "nil", "NIL", "NaT"}
    | {"unknown", "Unknown", "UNKNOWN", "not available", "Not available", "Not Available", "NOT AVAILABLE"}
    | {"tbd", "TBD", "tba", "TBA", "k.A.", "k. A.", "K.A."}
    | {".", "..", "...", "…", ":", "*", "--", "---", "–", "—"}
    | {"#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"}
)
MISSING = STANDARD_MISSING | SYMBOLS_MISSING | WORDS_MISSING
"""What is missing in a column of numbers."""
AMBIGUOUS = ("NA", "None")
"""Codes of countries, of levels ... that pandas takes for missing."""

EXACT = 2**53
"""Whole numbers up to here are exact as floats."""
SAMPLE = 1000
PROBE = 64


@dataclass
class Draft:
    """A column on its way: its cells cleaned, what was found, and its values once they are known."""

    cells: pa.ChunkedArray
    layout: ColumnLayout
    values: Any = None
    """A NumPy or pandas array, None until it is known."""
    notations: tuple[Notation, ...] = ()
    """Those in which every number of the column can be read, beyond the plain one."""
    tokens: Counter[str] = field(default_factory=Counter)
    infinite: int = 0
    lost: int = 0
    """Cells of a column known as numbers that are none."""


def convert(
    columns: list[pa.ChunkedArray], names: list[str], known: dict[str, ColumnLayout] | None = None, delimiter: str = ","
) -> tuple[pd.DataFrame, tuple[ColumnLayout, ...], list[str]]:
    """Turn columns of strings into a frame.

    Parameters
    ----------
    columns : list of pyarrow.ChunkedArray of strings
        An empty cell may be null or ''.
    names : list of str
        One for each column, no two alike.
    known : dict of str to ColumnLayout, optional
        Columns of an earlier file: they become what they were then, and cells that do not fit become missing.
    delimiter : str
        With ';' a lone comma in numbers is a decimal comma rather than a thousands separator.

    Returns
    -------
    frame : pandas.DataFrame
    layouts : tuple of ColumnLayout
    notes : list of str
    """
    known = known or {}
    drafts = [_draft(cells, known.get(name), name) for cells, name in zip(columns, names, strict=True)]
    habit = _habit(drafts, delimiter)
    for draft in drafts:
        _settle(draft, habit, delimiter, known.get(draft.layout.name))
    frame = pd.DataFrame({index: draft.values for index, draft in enumerate(drafts)}, copy=False)
    frame.columns = pd.Index(names)
    return frame, tuple(draft.layout for draft in drafts), _notes(drafts)


def _draft(cells: pa.ChunkedArray, known: ColumnLayout | None, name: str) -> Draft:
    draft = Draft(cells, known or ColumnLayout(name))
    if known is not None and known.kind != NUMBER:
        draft.cells = _trim(cells)
        return draft
    if known is None or (known.decimal == "." and not known.thousands):
        draft.values, draft.infinite = _numbers(cells)
    if draft.values is None:
        draft.cells = _trim(cells)
        tokens = MISSING | set(known.missing) if known is not None else MISSING
        bare, draft.tokens = _without(draft.cells, tokens)
        if bare.null_count == len(bare) and known is None and set(draft.tokens) & WORDS_MISSING:
            return draft  # words such as 'none' stand for missing numbers only where numbers are
        if has_minus(_few(bare)):
            bare = with_hyphens(bare)
        if known is None or (known.decimal == "." and not known.thousands):
            draft.values, draft.infinite = _numbers(bare)
        if draft.values is None and (notations := _possible(bare)):
            draft.notations, draft.cells = notations, with_hyphens(draft.cells)
    if draft.values is not None and known is None:
        draft.layout = replace(draft.layout, kind=NUMBER, missing=_spelled(draft))
    return draft


def _trim(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim_whitespace(cells)


def _without(cells: pa.ChunkedArray, tokens: "frozenset[str] | set[str]") -> tuple[pa.ChunkedArray, Counter[str]]:
    """Put null for the tokens, and count them by how they are spelled."""
    hit = pc.is_in(cells, value_set=pa.array(sorted(tokens), pa.string()))
    if not pc.any(hit).as_py():
        return cells, Counter()
    counts = pc.value_counts(cells.filter(hit))
    counted = Counter({one["values"]: one["counts"] for one in counts.to_pylist() if one["values"] is not None})
    return pc.if_else(hit, pa.scalar(None, pa.string()), cells), counted


def _numbers(cells: pa.ChunkedArray) -> "tuple[np.ndarray | None, int]":
    """Read plain numbers; None where a cell is none, or would lose a digit or a leading zero.

    The second value counts the cells that are infinite or too large for a float: they become missing.
    """
    if cells.null_count == len(cells):
        return np.full(len(cells), np.nan), 0
    # A cast that fails goes through all cells and words an error for each: a few are tried first.
    few = _few(cells)
    if not _casts(few, pa.int64()):
        leading = pc.any(pc.match_substring_regex(few, r"^[-+]?0[0-9xX]")).as_py()
        return _reals(cells) if not leading and _casts(few, pa.float64()) else (None, 0)
    if _has_leading_zero(cells):
        return None, 0
    try:
        whole = cells.cast(pa.int64())
    except pa.ArrowInvalid:
        return _reals(cells)
    if not whole.null_count:
        return whole.to_numpy().copy(), 0
    extremes = pc.min_max(whole).as_py()
    if max(extremes["max"], -extremes["min"]) > EXACT:
        return None, 0
    return whole.cast(pa.float64()).to_numpy().copy(), 0


def _few(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return some cells of the beginning, the middle and the end."""
    size = len(cells)
    if size <= 3 * PROBE:
        return cells
    starts = (0, (size - PROBE) // 2, size - PROBE)
    return pa.chunked_array([chunk for start in starts for chunk in cells.slice(start, PROBE).chunks], cells.type)


def _casts(cells: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        cells.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _has_leading_zero(cells: pa.ChunkedArray) -> bool:
    """Tell whether a cell is a code such as 007 (or a number such as 0x10, which is none of ours)."""
    if len(cells) <= SAMPLE:
        return bool(pc.any(pc.match_substring_regex(cells, r"^[-+]?0[0-9xX]")).as_py())
    for sign, pattern in (("0", "^0[0-9xX]"), ("-0", "^-0[0-9xX]"), ("+0", "^[+]0[0-9xX]")):
        longer = pc.and_(pc.starts_with(cells, sign), pc.greater(pc.binary_length(cells), len(sign)))
        if pc.any(longer).as_py() and pc.any(pc.match_substring_regex(cells.filter(longer), pattern)).as_py():
            return True
    return False


def _reals(cells: pa.ChunkedArray) -> "tuple[np.ndarray | None, int]":
    try:
        reals = cells.cast(pa.float64())
    except pa.ArrowInvalid:
        return None, 0
    values = reals.to_numpy().copy()
    with np.errstate(invalid="ignore"):
        infinite = np.isinf(values)
        large = np.abs(values) >= EXACT
    if large.any() and pc.any(pc.match_substring_regex(cells, r"^[-+]?\d{16,}$")).as_py():
        # Long codes; as floats they would lose digits.
        return None, 0
    values[infinite] = np.nan
    return values, int(infinite.sum())


def _possible(cells: pa.ChunkedArray) -> tuple[Notation, ...]:
    """Return the notations in which every cell is a number."""
    filled = cells.drop_null()
    if not len(filled):
        return ()
    few = filled.slice(0, SAMPLE).unique()
    likely = [one for one in NOTATIONS if _all_match(few, one.pattern)]
    if likely and _has_leading_zero(filled):
        return ()
    return tuple(one for one in likely if _all_match(filled, one.pattern))


def _all_match(cells: "pa.ChunkedArray | pa.Array", pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(cells, pattern)).as_py())


def _count_matches(cells: pa.ChunkedArray, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(cells, pattern)).as_py() or 0)


def _habit(drafts: list[Draft], delimiter: str) -> Notation | None:
    """Return the notation that the columns which leave no doubt are written in."""
    sure: Counter[Notation] = Counter()
    for draft in drafts:
        marks = {one.decimal for one in draft.notations}
        if len(marks) == 1:
            sure[draft.notations[-1]] += 1
    if sure:
        return sure.most_common(1)[0][0]
    return Notation(",", "") if delimiter == ";" else None


def _settle(draft: Draft, habit: Notation | None, delimiter: str, known: ColumnLayout | None) -> None:
    """Give a column its values."""
    if draft.values is not None:
        if known is None and habit is not None and habit.decimal == "," and delimiter != ",":
            _regroup(draft)
        return
    if known is not None and known.kind == NUMBER:
        _settle_known(draft, known)
        return
    if draft.notations and not (delimiter == "," and _lists_digits(draft)):
        notation = next((one for one in draft.notations if habit and one.decimal == habit.decimal), draft.notations[0])
        bare, tokens = _without(draft.cells, MISSING)
        draft.values, draft.infinite = _numbers(notation.plain(bare))
        if draft.values is not None:
            kept = notation.thousands
            draft.tokens = tokens
            draft.layout = replace(
                draft.layout, kind=NUMBER, decimal=notation.decimal, thousands=kept, missing=_spelled(draft)
            )
            return
    _settle_text(draft, known)


def _lists_digits(draft: Draft) -> bool:
    """Tell whether cells such as "1,3" within a file of commas are lists of choices rather than decimals."""
    if draft.notations[0].thousands or draft.notations[0].decimal != ",":
        return False
    return _all_match(_without(draft.cells, MISSING)[0], r"^\d(,\d)?$")


def _regroup(draft: Draft) -> None:
    """Read 1.234 as a thousand and more, in a file with decimal commas, where the whole column allows it."""
    cells = _trim(draft.cells)
    bare, _ = _without(cells, MISSING)
    grouped = pc.match_substring_regex(bare, r"^[-+]?[1-9]\d{0,2}(\.\d{3})+$")
    if not pc.any(grouped).as_py() or not _all_match(bare, r"^[-+]?([1-9]\d{0,2}(\.\d{3})+|\d{1,3})$"):
        return
    draft.values, draft.infinite = _numbers(Notation(",", ".").plain(bare))
    draft.layout = replace(draft.layout, decimal=",", thousands=".")


def _settle_known(draft: Draft, known: ColumnLayout) -> None:
    """Read a column as the numbers it is known to hold; what is none becomes missing and is counted."""
    bare, draft.tokens = _without(with_hyphens(draft.cells), MISSING | set(known.missing))
    first = Notation(known.decimal, known.thousands)
    if not _all_match(bare, first.pattern):
        first = max((first, PLAIN, *NOTATIONS), key=lambda one: _count_matches(bare, one.pattern))
    plain = pc.if_else(pc.match_substring_regex(bare, first.pattern), bare, pa.scalar(None, pa.string()))
    draft.lost = plain.null_count - bare.null_count
    values = first.plain(plain).cast(pa.float64()).to_numpy().copy()
    infinite = np.isinf(values)
    values[infinite] = np.nan
    draft.infinite = int(infinite.sum())
    draft.values = values


def _settle_text(draft: Draft, known: ColumnLayout | None) -> None:
    tokens = STANDARD_MISSING
    if known is not None:
        tokens = tokens | frozenset(known.missing)
    elif not _has_symbols(draft.cells):
        tokens = tokens | SYMBOLS_MISSING
    cells, draft.tokens = _without(draft.cells, tokens)
    if known is None or known.kind == BOOLEAN:
        draft.values = _booleans(cells)
        if draft.values is not None:
            if known is None:
                draft.layout = replace(draft.layout, kind=BOOLEAN, missing=_spelled(draft))
            return
    draft.values = cells.to_pandas().array
    if known is None:
        draft.layout = replace(draft.layout, kind=TEXT, missing=_spelled(draft))


def _has_symbols(cells: pa.ChunkedArray) -> bool:
    """Tell whether a column holds signs of one character that are neither letters nor digits, '?' and '-' aside."""
    if not pc.any(pc.is_in(cells, value_set=pa.array(sorted(SYMBOLS_MISSING)))).as_py():
        return False
    return bool(pc.any(pc.match_substring_regex(cells, r"^[^\w\s?-]{1,3}$")).as_py())


def _booleans(cells: pa.ChunkedArray) -> Any:
    filled = cells.drop_null()
    few = filled.slice(0, SAMPLE).unique()
    if not len(few) or len(few) > 6 or not _all_match(few, "^(?i:true|false)$"):
        return None
    if not _all_match(filled, "^(?i:true|false)$"):
        return None
    truth = pc.equal(pc.utf8_lower(cells), "true")
    return truth.to_numpy().copy() if not truth.null_count else pd.array(truth.to_pandas(), dtype="boolean")


def _spelled(draft: Draft) -> tuple[str, ...]:
    return tuple(sorted(token for token in draft.tokens if token))


def _notes(drafts: list[Draft]) -> list[str]:
    notes = []
    tokens: Counter[str] = Counter()
    for draft in drafts:
        tokens.update({token: count for token, count in draft.tokens.items() if token})
    if tokens:
        listed = ", ".join(f"'{token}'" for token, _ in tokens.most_common(8))
        word = "token" if len(tokens) == 1 else "tokens"
        count = f"{tokens.total():,} {'cell' if tokens.total() == 1 else 'cells'}"
        notes.append(f"missing {word} {listed} ({count})")
    named = [draft.layout.name for draft in drafts if draft.layout.decimal == ","]
    if named:
        notes.append(f"decimal comma in {_some(named)}")
    for mark in dict.fromkeys(draft.layout.thousands for draft in drafts if draft.layout.thousands):
        named = [draft.layout.name for draft in drafts if draft.layout.thousands == mark]
        notes.append(f'thousands separator "{mark}" in {_some(named)}')
    for draft in drafts:
        notes += _column_notes(draft)
    return notes


def _column_notes(draft: Draft) -> list[str]:
    notes = []
    if draft.infinite:
        notes.append(f'column "{draft.layout.name}": {draft.infinite} infinite or too large numbers read as missing')
    if draft.lost:
        notes.append(f'column "{draft.layout.name}": {draft.lost} cells are no numbers and were read as missing')
    for token in AMBIGUOUS:
        if draft.tokens[token] and draft.layout.kind == TEXT and _among_short_codes(draft):
            notes.append(f"column \"{draft.layout.name}\": '{token}' read as missing; it may be a level among others")
    return notes


def _among_short_codes(draft: Draft) -> bool:
    cells = draft.cells.slice(0, 20 * SAMPLE)
    longest = pc.max(pc.utf8_length(cells)).as_py() or 0
    return longest <= 8 and len(cells.unique()) <= 300


def _some(names: list[str]) -> str:
    listed = ", ".join(f'"{name:.40}"' for name in names[:3])
    return listed + (f" and {len(names) - 3} more" if len(names) > 3 else "")
