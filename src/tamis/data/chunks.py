"""Reads a file larger than memory in pieces that are all typed alike."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tamis.core.errors import DataError, ParameterError
from tamis.data.delimited.assemble import MAX_FOOTER, assemble
from tamis.data.delimited.blocks import read_blocks
from tamis.data.delimited.examine import examine
from tamis.data.delimited.ledger import Ledger
from tamis.data.image_files import FOLDER
from tamis.data.layout import Layout
from tamis.data.sources.formats import ARROW, EXCEL, JSON, PARQUET, iter_columnar, recognise
from tamis.data.sources.json_lines import iter_json
from tamis.data.sources.opening import Origin, open_origin
from tamis.data.sources.typed import recall

ROWS = 50_000


def iter_chunks(path: "str | Path", layout: Layout, rows: int = ROWS) -> Iterator[pd.DataFrame]:
    """Yield the rows of a file in order, in frames of at most so many rows.

    Parameters
    ----------
    path : str or Path
        Delimited text, Parquet, Arrow or JSON lines, compressed or not; '-' for standard input.
    layout : Layout
        That of the table the model learned from: its columns of numbers are numbers in every piece, whatever the piece
        alone would look like.
    rows : int
        At least 1.

    Raises
    ------
    DataError
        Where the file is no table, or of a format that is read as a whole only (Excel).
    """
    if rows < 1:
        raise ParameterError(f"The parameter 'rows' must be at least 1; got {rows}.")
    for piece in _pieces(path, layout, rows):
        piece.attrs[FOLDER] = str(Path(path).expanduser().resolve().parent)
        yield piece


def _pieces(path: "str | Path", layout: Layout, rows: int) -> Iterator[pd.DataFrame]:
    origin = open_origin(path)
    kind = recognise(origin)
    if kind == EXCEL:
        raise DataError(f"{origin.name}: a workbook is read as a whole, not in pieces. Use read_table.")
    if kind in (PARQUET, ARROW):
        pieces: Iterable[pd.DataFrame] = iter_columnar(origin, kind, rows)
    elif kind == JSON:
        pieces = iter_json(origin, rows)
    else:
        yield from _delimited(origin, layout, rows)
        return
    for piece in pieces:
        yield recall(piece, layout)[0]


def _delimited(origin: Origin, layout: Layout, rows: int) -> Iterator[pd.DataFrame]:
    text = examine(origin, layout)
    ledger = Ledger(origin.name, text.anatomy.width, strict=True)
    names = text.anatomy.names
    first: Layout = layout
    for table, last in _rebatched(read_blocks(text, ledger), rows):
        made = assemble(table, names, first, text.dialect.delimiter, strict=True, last=last)
        if first is layout:
            # Columns that the layout does not know keep the type they have in the first piece.
            known = set(layout.names)
            extra = tuple(column for column in made.columns if column.name not in known)
            first = Layout(columns=(*layout.columns, *extra))
        for start in range(0, len(made.frame), rows):
            yield made.frame.iloc[start : start + rows]


def _rebatched(blocks: Iterable[pa.Table], rows: int) -> Iterator[tuple[pa.Table, bool]]:
    """Yield tables of so many rows, and whether it is the last.

    The last is longer by the rows among which a footer may stand.
    """
    held: pa.Table | None = None
    for block in blocks:
        held = block if held is None else pa.concat_tables([held, block])
        while held.num_rows >= rows + MAX_FOOTER:
            yield held.slice(0, rows), False
            held = held.slice(rows)
    if held is not None:
        yield held, True
