"""Recognises a file's format by its content, and reads the columnar ones: Parquet, Arrow and Feather."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from tamis.core.errors import DataError
from tamis.data.layout import Layout, Reading
from tamis.data.sources.opening import Origin, empty
from tamis.data.sources.typed import EXACT, columns_of, recall, tidy, unique_names

DELIMITED, PARQUET, ARROW, EXCEL, JSON = "delimited", "parquet", "arrow", "excel", "json"

FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file; save it as .xlsx or CSV",
    b"%PDF": "a PDF; save the table in it as CSV",
    b"\x89PNG": "a picture; folders of pictures are given as a folder with one folder for each class",
    b"\xff\xd8\xff": "a picture; folders of pictures are given as a folder with one folder for each class",
    b"GIF8": "a picture; folders of pictures are given as a folder with one folder for each class",
    b"SQLite format 3\0": "an SQLite database; give 'sqlite:///FILE' and a query",
    b"\x89HDF": "an HDF5 file; export the table as Parquet or CSV",
    b"\x93NUMPY": "a NumPy array; load it in Python and pass it as X",
    b"FEA1": "a Feather file of version 1; write it anew in version 2",
    b"Obj\x01": "an Avro file; export it as Parquet",
    b"ORC": "an ORC file; export it as Parquet",
    b"\x7fELF": "a program, not a table",
    b"RDX": "an R data file; export the table as CSV",
    b"Rar!": "an archive; unpack it and name the file",
    b"7z\xbc\xaf": "an archive; unpack it and name the file",
    b"\x80\x04\x95": "a Python pickle, which is not read because it can run code; save it as Parquet",
    b"\x80\x05\x95": "a Python pickle, which is not read because it can run code; save it as Parquet",
}
JSON_TABLE = re.compile(r"\ufeff?\s*(\[\s*(\{|\]|$)|\{\s*\"|\{\s*\})")
INDEX_COLUMN = re.compile(r"__index_level_\d+__")


def recognise(origin: Origin) -> str:
    """Tell the format: one of delimited, parquet, arrow, excel, json.

    Raises
    ------
    DataError
        Where it is something else that is known, saying what to do with it.
    """
    head = origin.head(1 << 16)
    if not head:
        raise empty(origin.name)
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise DataError(f"{origin.name}: is {what}.")
    if head.startswith(b"PAR1"):
        return PARQUET
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return ARROW
    if head.startswith(b"PK"):
        return EXCEL
    return JSON if _is_json(head, origin.suffix) else DELIMITED


def _is_json(head: bytes, suffix: str) -> bool:
    text = head.decode("utf-8", "replace")
    if suffix in (".json", ".jsonl", ".ndjson"):
        return text.lstrip("\ufeff \t\r\n").startswith(("{", "["))
    if not JSON_TABLE.match(text):
        return False
    line = text.lstrip("\ufeff \t\r\n").split("\n", 1)[0]
    if line.startswith("["):
        return True
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return line.strip() == "{"


def read_parquet(origin: Origin, layout: Layout | None = None) -> Reading:
    """Read a Parquet file.

    Raises
    ------
    DataError
        Where it is damaged, has no rows, or has a column that fits no table (named).
    """
    try:
        with closing(_parquet(origin)) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise _damaged(origin, "Parquet", error) from error
    return _reading(table, origin, PARQUET, layout)


def read_arrow(origin: Origin, layout: Layout | None = None) -> Reading:
    """Read an Arrow file or stream, or a Feather file.

    Raises
    ------
    DataError
        Where it is damaged, has no rows, or has a column that fits no table (named).
    """
    try:
        batches = list(_arrow_batches(origin))
        table = pa.Table.from_batches(batches) if batches else pa.table({})
    except (pa.ArrowException, OSError) as error:
        raise _damaged(origin, "Arrow", error) from error
    return _reading(table, origin, ARROW, layout)


def iter_columnar(origin: Origin, kind: str, rows: int) -> Iterator[pd.DataFrame]:
    """Yield frames of about so many rows from a Parquet or Arrow file."""
    try:
        if kind == PARQUET:
            with closing(_parquet(origin)) as file:
                for batch in file.iter_batches(batch_size=rows):
                    yield frame_of(pa.Table.from_batches([batch]), origin.name)[0]
            return
        for batch in _arrow_batches(origin):
            for start in range(0, batch.num_rows, rows):
                yield frame_of(pa.Table.from_batches([batch.slice(start, rows)]), origin.name)[0]
    except (pa.ArrowException, OSError) as error:
        raise _damaged(origin, kind.capitalize(), error) from error


def _damaged(origin: Origin, what: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return DataError(f"{origin.name}: the {what} file is damaged or incomplete ({reason}). Write or copy it anew.")


def _parquet(origin: Origin) -> Any:
    if origin.path is not None:
        return pq.ParquetFile(origin.path)
    with origin.open() as stream:
        return pq.ParquetFile(io.BytesIO(stream.read()))


def _arrow_batches(origin: Origin) -> Iterator[Any]:
    with origin.open() as stream:
        head = stream.read(6)
        if head == b"ARROW1":
            source = pa.memory_map(str(origin.path)) if origin.path else pa.BufferReader(head + stream.read())
            with ipc.open_file(source) as file:
                for number in range(file.num_record_batches):
                    yield file.get_batch(number)
            return
    with origin.open() as stream, ipc.open_stream(stream) as batches:
        yield from batches


def _reading(table: pa.Table, origin: Origin, kind: str, layout: Layout | None) -> Reading:
    if not table.num_rows or not table.num_columns:
        raise DataError(f"{origin.name}: has {table.num_rows} rows and {table.num_columns} columns; it must have some.")
    frame, notes = frame_of(table, origin.name)
    if layout is not None:
        frame, found = recall(frame, layout)
        notes += found
    return Reading(frame, notes, Layout(format=kind, columns=columns_of(frame)))


def frame_of(table: pa.Table, name: str) -> tuple[pd.DataFrame, list[str]]:
    """Turn an Arrow table into a frame of types that models can take.

    Structures are spread over columns named 'outer.inner', dictionaries become categories, decimals floats.

    Raises
    ------
    DataError
        Naming a column of maps, unions or uneven lists.
    """
    table = table.replace_schema_metadata(None)
    notes = []
    extra = [one for one in table.column_names if INDEX_COLUMN.fullmatch(one)]
    if extra and len(extra) < table.num_columns:
        table = table.drop_columns(extra)
        notes.append("the index that pandas had stored was left out")
    while any(pa.types.is_struct(one.type) for one in table.schema):
        table = table.flatten()
    names = unique_names(table.column_names)
    columns: dict[str, pd.Series] = {}
    for label, column in zip(names, table.columns, strict=True):
        columns[label] = _series(column, label, name, notes)
    frame, found = tidy(pd.DataFrame(columns, copy=False), name)
    return frame, [*notes, *found]


def _series(column: pa.ChunkedArray, label: str, name: str, notes: list[str]) -> pd.Series:
    kind = column.type
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
        kind = column.type
    if pa.types.is_map(kind) or pa.types.is_union(kind):
        raise DataError(f"{name}: the column {label!r} is of type {kind}, which fits no table. Leave it out.")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        notes.append(f'column "{label}" holds bytes')
    if pa.types.is_decimal(kind):
        notes.append(f'column "{label}": decimals read as floats')
        return column.cast(pa.float64()).to_pandas()
    if pa.types.is_duration(kind):
        notes.append(f'column "{label}": durations read as seconds')
        return column.cast(pa.duration("ns")).to_pandas().dt.total_seconds()
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("ms")).to_pandas()
    if pa.types.is_null(kind):
        return pd.Series([float("nan")] * len(column))
    if pa.types.is_boolean(kind) and column.null_count:
        return pd.Series(column.to_pandas(), dtype="boolean")
    if pa.types.is_integer(kind) and column.null_count and _exceeds(column):
        return pd.Series(column.to_pylist(), dtype="Int64")
    return column.to_pandas()


def _exceeds(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    extremes = pc.min_max(column).as_py()
    return extremes["max"] is not None and max(extremes["max"], -extremes["min"]) > EXACT
