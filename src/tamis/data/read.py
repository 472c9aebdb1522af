"""Reads a table from a file, standard input or a database, whatever its format, and says what was found."""

import re
from collections.abc import Callable
from pathlib import Path

from tamis.core.errors import DataError, ParameterError
from tamis.data.delimited.reader import read_delimited
from tamis.data.image_files import FOLDER
from tamis.data.layout import Layout, Reading
from tamis.data.sources.formats import ARROW, DELIMITED, EXCEL, JSON, PARQUET, read_arrow, read_parquet, recognise
from tamis.data.sources.json_lines import read_json
from tamis.data.sources.opening import Origin, open_origin
from tamis.data.sources.sheets import read_excel
from tamis.data.sources.sql import read_sql
from tamis.data.text_signs import looks_like_texts
from tamis.data.texts import read_text_folder

URL = re.compile(r"[A-Za-z][A-Za-z0-9+_.-]*://")
REMOTE = ("http", "https", "ftp", "s3", "gs", "hdfs", "abfs", "az")

READERS: dict[str, Callable[[Origin, Layout | None], Reading]] = {
    DELIMITED: read_delimited,
    PARQUET: read_parquet,
    ARROW: read_arrow,
    JSON: read_json,
}


def read_table(
    source: "str | Path", *, sheet: str | int | None = None, query: str | None = None, layout: Layout | None = None
) -> Reading:
    """Read a table.

    Parameters
    ----------
    source : str or Path
        A file (delimited text, Parquet, Arrow or Feather, Excel, JSON or JSON lines, compressed or not; told by its
        content, not by its name), a folder of text files, '-' for standard input, or a SQLAlchemy URL.
    sheet : str or int, optional
        The sheet of a workbook, by name or number from 0; the first that is not empty unless given.
    query : str, optional
        The SQL text, for a URL.
    layout : Layout, optional
        That of an earlier reading: columns of the same name become what they were there, and no row is left out but
        footers and blank lines. Encoding and delimiter are looked for anew, with a preference for the old.

    Returns
    -------
    Reading
        The frame, notes on what was found and done, and the layout.

    Raises
    ------
    DataError
        Where there is no such file, or it is no table; the message says what to do.
    ParameterError
        Where `sheet` or `query` does not suit the source.
    MissingExtraError
        Where an optional dependency is needed.
    """
    text = str(source)
    if not isinstance(source, str | Path):
        raise ParameterError(f"The parameter 'source' must be a path or a URL; got {type(source).__name__}.")
    if isinstance(source, str) and URL.match(text):
        return _read_url(text, query)
    if query is not None:
        raise ParameterError(
            f"The parameter 'query' goes with a database URL such as 'sqlite:///file.db'; the source is {text!r}."
        )
    if looks_like_texts(source):
        return read_text_folder(source)
    reading = _read_file(source, layout, sheet)
    reading.frame.attrs[FOLDER] = str(Path(text).expanduser().resolve().parent)
    return reading


def _read_file(source: "str | Path", layout: Layout | None, sheet: str | int | None) -> Reading:
    origin = open_origin(source)
    kind = recognise(origin)
    if kind == EXCEL:
        return read_excel(origin, layout, sheet=sheet)
    if sheet is not None:
        raise ParameterError(f"The parameter 'sheet' goes with an Excel workbook; {origin.name} is {kind}.")
    return READERS[kind](origin, layout)


def _read_url(url: str, query: str | None) -> Reading:
    scheme = url.split("://")[0].lower()
    if scheme in REMOTE:
        raise DataError(f"{url}: files are read from this machine only. Download it and name the local file.")
    if scheme == "file":
        raise DataError(f"{url}: give the plain path {url[len('file://') :]!r}.")
    return read_sql(url, query)
