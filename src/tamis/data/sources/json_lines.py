"""Reads JSON: one object a line, or one list of objects."""

import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pandas as pd

from tamis.core.errors import DataError
from tamis.data.delimited.encoding import find_encoding
from tamis.data.layout import Layout, Reading
from tamis.data.sources.opening import Origin
from tamis.data.sources.typed import columns_of, recall, tidy

Row = dict[str, Any]


def read_json(origin: Origin, layout: Layout | None = None) -> Reading:
    """Read objects as rows; nested objects become columns named 'outer.inner'.

    Raises
    ------
    DataError
        Naming the line that is no object.
    """
    frame = _frame(list(iter_objects(origin)))
    if frame.empty:
        raise DataError(f"{origin.name}: holds no objects; a table needs at least one row with one column.")
    frame, notes = tidy(frame, origin.name)
    if layout is not None:
        frame, found = recall(frame, layout)
        notes += found
    return Reading(frame, notes, Layout(format="json", columns=columns_of(frame)))


def iter_json(origin: Origin, rows: int) -> Iterator[pd.DataFrame]:
    """Yield frames of so many rows."""
    objects = iter_objects(origin)
    while some := list(islice(objects, rows)):
        yield tidy(_frame(some), origin.name)[0]


def _frame(objects: list[Row]) -> pd.DataFrame:
    if any(isinstance(value, dict) for one in objects for value in one.values()):
        objects = [_flat(one) for one in objects]
    names = dict.fromkeys(name for one in objects for name in one)
    return pd.DataFrame({name: pd.Series([one.get(name) for one in objects], dtype=object) for name in names})


def _flat(row: Row, prefix: str = "") -> Row:
    flat: Row = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def iter_objects(origin: Origin) -> Iterator[Row]:
    """Yield the objects of a file, in order.

    Raises
    ------
    DataError
        Where something is no JSON, or no object.
    """
    encoding = find_encoding(origin.head(1 << 16), complete=False)
    codec = "utf-8-sig" if encoding.name == "utf-8" else encoding.name
    with io.TextIOWrapper(origin.open(), encoding=codec, errors="replace") as lines:
        head = ""
        while not head.strip() and (head := lines.readline()):
            pass
        head = head.lstrip("\ufeff")
        if head.lstrip().startswith("{") and _is_object(head):
            yield from _lines(origin.name, head, lines)
        else:
            yield from _document(origin.name, head + lines.read())


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _lines(name: str, first: str, lines: io.TextIOWrapper) -> Iterator[Row]:
    following = lines.readline()
    row = json.loads(first)
    if not following.strip() and (table := _columns(row)):
        yield from table
        return
    yield row
    number = 1
    while following:
        number += 1
        if following.strip():
            try:
                row = json.loads(following)
            except ValueError as error:
                raise DataError(f"{name}: line {number} is no JSON ({error}). Mend or remove that line.") from error
            if not isinstance(row, dict):
                raise DataError(f"{name}: line {number} must be an object {{...}}; got {following.strip()[:40]!r}.")
            yield row
        following = lines.readline()


def _document(name: str, text: str) -> Iterator[Row]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DataError(f"{name}: is no valid JSON ({error}). Give one object a line, or a list of objects.") from error
    if isinstance(content, dict):
        content = _columns(content) or [content]
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise DataError(f"{name}: must hold a list of objects, one for each row. Give one object a line.")
    yield from content


def _columns(content: Row) -> list[Row]:
    """Return the rows of a single object that holds a table: a list of objects under one name, or lists as columns."""
    tables = [value for value in content.values() if isinstance(value, list)]
    inner = [one for one in tables if one and all(isinstance(row, dict) for row in one)]
    if len(inner) == 1:
        return inner[0]
    if tables and len(tables) == len(content) and len({len(one) for one in tables}) == 1 and not inner:
        return [dict(zip(content, row, strict=True)) for row in zip(*tables, strict=True)]
    return []
