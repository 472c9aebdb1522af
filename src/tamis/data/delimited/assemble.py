"""Makes a frame of rows of strings: leaves out footers, blank rows and nameless empty columns, types the rest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tamis.data.delimited.anatomy import FOOTNOTE, clean_names, is_value
from tamis.data.delimited.cells import MISSING, convert
from tamis.data.layout import ColumnLayout, Layout

TOTAL = re.compile(
    r"(grand |sub|overall )?-?(totals?|sum|summe|gesamt|insgesamt|somme|suma|totale)\s*:?", re.IGNORECASE
)
MAX_FOOTER = 8
LONG_TEXT = 25
N_SAMPLE = 500


@dataclass(frozen=True)
class Assembled:
    """A frame, how its columns were written, and what was left out."""

    frame: pd.DataFrame
    columns: tuple[ColumnLayout, ...]
    notes: list[str] = field(default_factory=list)


def assemble(
    table: pa.Table,
    names: Sequence[str] | None,
    layout: Layout | None,
    delimiter: str,
    *,
    strict: bool,
    last: bool = True,
) -> Assembled:
    """Make a frame of a table of strings.

    Parameters
    ----------
    table : pyarrow.Table
        All columns are strings; their names do not matter.
    names : sequence of str, optional
        The header's cells as they stand, as many as there are columns; None where there is no header.
    layout : Layout, optional
        That of an earlier file: columns of the same name become what they were there.
    delimiter : str
        Helps to tell a decimal comma.
    strict : bool
        Keep every row, blank ones within the table included.
    last : bool
        Whether the table's end is that of the file, where a footer may stand.
    """
    table, notes = trim_footer(table, strict=strict) if last else (table, [])
    if names is not None and not strict:
        table, found = _drop_repeated_header(table, names)
        notes += found
    if last or not strict:
        table, found = _drop_blank_rows(table, strict=strict)
        notes += found
    known = {column.name: column for column in layout.columns} if layout is not None else {}
    fresh, found = clean_names(names, table.num_columns)
    empty = [
        index
        for index, name in enumerate(fresh)
        if names is not None and not names[index].strip() and name not in known and _is_blank(table.column(index))
    ]
    kept = [index for index in range(table.num_columns) if index not in set(empty)]
    if empty and kept:
        notes.append(f"column {', '.join(str(i + 1) for i in empty[:5])} had no name and no values: left out")
        gone = {f"column {index + 1} had no name" for index in empty}
        found = [note for note in found if note.split(":")[0] not in gone]
    else:
        kept = list(range(table.num_columns))
    columns = [table.column(index) for index in kept]
    frame, layouts, more = convert(columns, [fresh[index] for index in kept], known, delimiter)
    return Assembled(frame, layouts, [*notes, *found, *more])


def _is_blank(cells: pa.ChunkedArray) -> bool:
    return bool(pc.all(_blank_cells(cells)).as_py())


def _blank_cells(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(cells), ""), True)


def _drop_blank_rows(table: pa.Table, *, strict: bool) -> tuple[pa.Table, list[str]]:
    """Leave out rows without any content; where every row counts, at the end of the table only."""
    if table.num_columns < 2 or not table.num_rows:
        return table, []
    blank = _blank_cells(table.column(0))
    for index in range(1, table.num_columns):
        if not pc.any(blank).as_py():
            return table, []
        blank = pc.and_(blank, _blank_cells(table.column(index)))
    count = int(pc.sum(blank).as_py() or 0)
    if not count or count == table.num_rows:
        return table, []
    if strict:
        count = int(np.argmin(blank.to_numpy()[::-1]))
        kept = table.slice(0, table.num_rows - count)
    else:
        kept = table.filter(pc.invert(blank))
    return kept, [f"{count:,} blank {'row' if count == 1 else 'rows'} left out"] if count else []


def _drop_repeated_header(table: pa.Table, names: Sequence[str]) -> tuple[pa.Table, list[str]]:
    """Leave out rows that say the header again, as in files that were put together from several."""
    filled = [index for index, name in enumerate(names) if name.strip()]
    if len(filled) < 2:
        return table, []
    again = pc.fill_null(pc.equal(table.column(filled[0]), names[filled[0]]), False)
    if not pc.any(again).as_py():
        return table, []
    for index in filled[1:]:
        cells = pc.utf8_trim_whitespace(table.column(index))
        again = pc.and_(again, pc.fill_null(pc.equal(cells, names[index].strip()), False))
    count = int(pc.sum(again).as_py() or 0)
    if not count or count == table.num_rows:
        return table, []
    return table.filter(pc.invert(again)), [f"{count:,} rows that repeat the header left out"]


def trim_footer(table: pa.Table, *, strict: bool) -> tuple[pa.Table, list[str]]:
    """Leave out remarks and totals at the end of a table.

    A remark is the only filled cell of its row, and reads like one, or stands as words among numbers; or it begins as
    remarks do and was cut at its delimiters. A total is a last row whose first filled cell says so, and no other cell
    of its column does.
    """
    size = min(MAX_FOOTER, table.num_rows - 1)
    texts: list[str] = []
    cut = 0
    for back in range(1, size + 1):
        row = [str(cell).strip() if cell is not None else "" for cell in _row(table, table.num_rows - back)]
        filled = [index for index, cell in enumerate(row) if cell]
        if not filled:
            continue
        remark = _is_remark(table, row, filled) or _is_cut_remark(table, row, back)
        if not (remark or (not strict and _is_total(table, row, filled))):
            break
        texts.insert(0, " ".join(row[index] for index in filled))
        cut = back
    if not cut:
        return table, []
    count = f"{len(texts)} {'row' if len(texts) == 1 else 'rows'}"
    return table.slice(0, table.num_rows - cut), [f'a footer of {count} left out: "{texts[0]:.80}"']


def _row(table: pa.Table, number: int) -> list[str | None]:
    return [column[number].as_py() for column in table.columns]


def _sample(table: pa.Table, index: int) -> list[str]:
    cells = table.column(index).slice(0, min(N_SAMPLE, max(1, table.num_rows - MAX_FOOTER))).to_pylist()
    stripped = (str(cell).strip() for cell in cells if cell is not None)
    return [cell for cell in stripped if cell and cell not in MISSING]


def _is_remark(table: pa.Table, row: list[str], filled: list[int]) -> bool:
    if len(filled) != 1 or table.num_columns < 2:
        return False
    text = row[filled[0]]
    values = _sample(table, filled[0])
    if is_value(text) or text in MISSING or text in values:
        return False
    if FOOTNOTE.match(text):
        return True
    if values and sum(map(is_value, values)) >= 0.9 * len(values):
        return True
    return len(text) >= LONG_TEXT and text.count(" ") >= 3 and len(text) > max(map(len, values), default=0)


def _is_cut_remark(table: pa.Table, row: list[str], back: int) -> bool:
    """Tell whether a row is a remark that holds the delimiter: 'Source: World Bank, 2020'."""
    if not row[0] or not FOOTNOTE.match(row[0]) or table.num_rows <= back:
        return False
    if not any(cell and cell.strip() for cell in _row(table, table.num_rows - back - 1)):
        return True
    above = table.column(0).slice(0, max(1, table.num_rows - MAX_FOOTER))
    return not pc.any(pc.match_substring_regex(above, f"^(?:{FOOTNOTE.pattern})", ignore_case=True)).as_py()


def _is_total(table: pa.Table, row: list[str], filled: list[int]) -> bool:
    text = row[filled[0]]
    if len(filled) < 2 or filled[0] > 1 or not TOTAL.fullmatch(text):
        return False
    column = table.column(filled[0])
    return int(pc.sum(pc.equal(pc.utf8_trim_whitespace(column), text)).as_py() or 0) == 1
