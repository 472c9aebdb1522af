"""Reads a sheet of an Excel workbook: its cells become text and take the way of all text."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from tamis.core.errors import DataError, wrong_choice
from tamis.core.extras import require
from tamis.data.delimited.anatomy import Record, find_anatomy, is_blank
from tamis.data.delimited.assemble import assemble
from tamis.data.delimited.blocks import normalise
from tamis.data.delimited.ledger import Ledger
from tamis.data.layout import Layout, Reading
from tamis.data.sources.opening import BOMB_BYTES, BOMB_RATIO, Origin

N_HEAD = 500


def read_excel(origin: Origin, layout: Layout | None = None, *, sheet: str | int | None = None) -> Reading:
    """Read one sheet.

    Parameters
    ----------
    origin : Origin
        A workbook (.xlsx or .xlsm).
    layout : Layout, optional
        That of an earlier reading.
    sheet : str or int, optional
        Its name or its number from 0; the earlier reading's or the first that is not empty unless given.

    Raises
    ------
    DataError
        Where the workbook is damaged, or the sheet has no rows.
    ParameterError
        Where there is no such sheet.
    """
    openpyxl = require("openpyxl", "excel")
    with origin.open() as stream:
        content = stream.read()
    _refuse_bomb(content, origin.name)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except Exception as error:  # the library hands on whatever its parts raise
        raise DataError(f"{origin.name}: the workbook cannot be read ({error}). Save it anew as .xlsx.") from error
    try:
        title, rows, notes = _choose(book, origin.name, sheet, layout)
    finally:
        book.close()
    return _read_rows(rows, f"{origin.name} (sheet {title!r})", title, notes, layout)


def _refuse_bomb(content: bytes, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > max(BOMB_BYTES, BOMB_RATIO * len(content)):
        raise DataError(f"{name}: the workbook unpacks to {size:,} bytes. Save the sheet as CSV if that is meant.")


def _choose(
    book: Any, name: str, sheet: str | int | None, layout: Layout | None
) -> tuple[str, list[Record], list[str]]:
    titles = [one.title for one in book.worksheets]
    if sheet is None and layout is not None and layout.sheet in titles:
        sheet = layout.sheet
    if sheet is not None:
        title = titles[sheet] if isinstance(sheet, int) and 0 <= sheet < len(titles) else sheet
        if not isinstance(title, str) or title not in titles:
            raise wrong_choice("sheet", sheet, titles)
        return title, list(_rows(book[title])), []
    # A hidden sheet is read only where nothing else is there.
    for one in sorted(book.worksheets, key=lambda one: one.sheet_state != "visible"):
        rows = list(_rows(one))
        if any(not is_blank(row) for row in rows):
            others = [title for title in titles if title != one.title]
            listed = ", ".join(map(repr, others[:5]))
            return one.title, rows, [f"sheet {one.title!r} read; left out: {listed}"] if others else []
    raise DataError(f"{name}: none of the workbook's sheets holds a table ({', '.join(titles)}).")


def _rows(sheet: Any) -> Iterator[Record]:
    sheet.reset_dimensions()  # what the file says of its own size is not always true
    for row in sheet.iter_rows(values_only=True):
        record = [_written(value) for value in row]
        while record and not record[-1].strip():
            record.pop()
        yield record


def _written(value: Any) -> str:
    """Write a cell so that reading it as text gives the value again.

    Examples
    --------
    >>> from datetime import datetime
    >>> _written(2.0), _written(datetime(2024, 5, 1)), _written(None)
    ('2', '2024-05-01', '')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != datetime.min.time() else value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _read_rows(rows: list[Record], name: str, title: str, notes: list[str], layout: Layout | None) -> Reading:
    width = max(map(len, rows), default=0)
    padded = [row + [""] * (width - len(row)) if row else [] for row in rows]
    anatomy = find_anatomy(padded[:N_HEAD], width, layout)
    ledger = Ledger(name, anatomy.width, strict=layout is not None)
    numbered = enumerate(padded[anatomy.first :], anatomy.first + 1)
    blocks = list(normalise(numbered, ledger))
    if not blocks or not ledger.n_rows:
        raise DataError(f"{name}: has no rows below its header; a table needs at least one.")
    made = assemble(pa.concat_tables(blocks), anatomy.names, layout, ",", strict=layout is not None)
    found = Layout(
        format="excel",
        header=anatomy.names is not None,
        skipped_rows=anatomy.skipped,
        columns=made.columns,
        sheet=title,
    )
    return Reading(made.frame, [*notes, *anatomy.notes, *ledger.notes(), *made.notes], found)
