"""Looks at the beginning of a text and tells how to read the whole of it, or refuses what is no table."""

import re
from dataclasses import dataclass

from tamis.core.errors import DataError
from tamis.data.delimited.anatomy import Anatomy, find_anatomy, is_blank, is_value
from tamis.data.delimited.arff import is_arff, quote_of, read_header
from tamis.data.delimited.encoding import Encoding, find_encoding
from tamis.data.delimited.sniff import Dialect, sniff, split_lines
from tamis.data.layout import Layout
from tamis.data.sources.opening import Origin

HEAD = 1 << 18
LARGEST_HEAD = 1 << 26
"""The beginning that is looked at: it grows up to the second size where a few rows already fill the first."""
MIN_RECORDS = 5

MARKUP = re.compile(r"\s*<(!doctype|html|\?xml|head|body|table|svg|rss|!--)", re.IGNORECASE)
SVM = re.compile(r"[-+]?[\d.]+( \d+:[-+.\deE]+)+")
CONTROL = re.compile(r"[\x02-\x08\x0e-\x1a]")


@dataclass(frozen=True)
class TextTable:
    """A table in a text: where it begins and how it is written."""

    origin: Origin
    encoding: Encoding
    dialect: Dialect
    anatomy: Anatomy
    offset: int
    """The byte at which the first row of data begins."""
    line: int
    """The number of the line (from 1) at which it begins."""
    longest: int
    """Characters of the longest line that was looked at."""
    line_end: str
    has_quotes: bool
    is_ascii: bool
    """Whether nothing but ASCII was seen, so that the encoding is not yet proven."""
    n_blank: int = 0
    """Blank lines among the rows that were looked at."""
    complete: bool = True
    """Whether the whole file was looked at."""


def examine(origin: Origin, layout: Layout | None = None) -> TextTable:
    """Find encoding, delimiter, header and first row.

    Raises
    ------
    DataError
        Where the content is no table: binary, markup, prose, ragged, or without any row.
    """
    size = HEAD
    while True:
        head = origin.head(size)
        complete = len(head) < size
        encoding = find_encoding(head, complete=complete)
        text = encoding.decode(head)
        _refuse_foreign(text, origin.name, encoding)
        lines = _whole_lines(text, complete)
        if complete or len(lines) >= MIN_RECORDS or size >= LARGEST_HEAD:
            break
        size *= 8
    if not lines or not text.strip():
        raise DataError(f"{origin.name}: holds nothing but blanks; it must hold a header and at least one row.")
    return _lay_out(origin, encoding, lines, complete, layout)


def _whole_lines(text: str, complete: bool) -> list[str]:
    lines = split_lines(text)
    return lines if complete else lines[:-1]


def _refuse_foreign(text: str, name: str, encoding: Encoding) -> None:
    if not encoding.is_wide and "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise DataError(
            f"{name}: row {row} holds a zero byte, so this is a binary or a damaged file, not a table of text. "
            "Export it as CSV, Parquet or Excel."
        )
    if len(CONTROL.findall(text[:4096])) * 50 > len(text[:4096]):
        raise DataError(f"{name}: is a binary file, not a table. Export it as CSV, Parquet or Excel.")
    if MARKUP.match(text):
        raise DataError(
            f"{name}: row 1 begins like HTML or XML ({text.strip()[:40]!r}), which is a page, not a table. "
            "Save the table in it as CSV."
        )


def _lay_out(origin: Origin, encoding: Encoding, lines: list[str], complete: bool, layout: Layout | None) -> TextTable:
    text = "".join(lines)
    if is_arff(text):
        return _lay_out_arff(origin, encoding, lines, complete)
    verdict = sniff(text, layout)
    dialect = verdict.dialect
    measured = list(dialect.measured(lines))
    if not complete and len(measured) > 1:
        measured.pop()  # a quoted cell may go on behind the part that was read
    records = [record for record, _ in measured]
    anatomy = find_anatomy(records, verdict.width, layout)
    if anatomy.first >= len(records) and anatomy.names is None and not any(map(is_blank, records)):
        raise DataError(f"{origin.name}: no row has the {verdict.width} cells that most have. Is it a table?")
    if not dialect.delimiter:
        _refuse_prose(origin, lines)
    else:
        _refuse_uneven(origin, records[max(0, anatomy.first - 1) :], verdict.width)
    if all(is_blank(record) for record in records[anatomy.first :]) and complete:
        raise DataError(
            f"{origin.name}: has a header ({len(anatomy.names or records[0])} columns) but no rows; "
            "a table needs at least one row."
        )
    before = measured[anatomy.first - 1][1] if anatomy.first else 0
    return TextTable(
        origin,
        encoding,
        dialect,
        anatomy,
        offset=encoding.offset("".join(lines[:before])),
        line=before + 1,
        longest=max(map(len, lines)),
        line_end=_line_end(lines),
        has_quotes=bool(dialect.quote) and dialect.quote in text,
        is_ascii=text.isascii(),
        n_blank=sum(not record for record in records[anatomy.first :]),
        complete=complete,
    )


def _lay_out_arff(origin: Origin, encoding: Encoding, lines: list[str], complete: bool) -> TextTable:
    names, first = read_header(lines, origin.name)
    if not names or first >= len(lines):
        raise DataError(f"{origin.name}: the ARFF file has {len(names)} attributes and no rows; it must have some.")
    quote = quote_of(lines[first:])
    spaced = any(re.search(rf",\s+{quote}", line) for line in lines[first : first + 500])
    dialect = Dialect(",", quote, "\\" if any("\\" in line for line in lines[first:]) else "", spaced)
    return TextTable(
        origin,
        encoding,
        dialect,
        Anatomy(names, first, len(names), notes=("header of an ARFF file",)),
        offset=encoding.offset("".join(lines[:first])),
        line=first + 1,
        longest=max(map(len, lines)),
        line_end=_line_end(lines),
        has_quotes=any(quote in line for line in lines[first:]),
        is_ascii="".join(lines).isascii(),
        n_blank=sum(not line.strip() for line in lines[first:]),
        complete=complete,
    )


def _line_end(lines: list[str]) -> str:
    ends = {"CRLF" if line.endswith("\r\n") else "CR" if line.endswith("\r") else "LF" for line in lines[:-1]}
    return " and ".join(sorted(ends)) or "LF"


def _refuse_uneven(origin: Origin, records: list[list[str]], width: int) -> None:
    """Refuse words cut at chance commas: rows of many lengths that hold hardly a number."""
    filled = [record for record in records if not is_blank(record)]
    uneven = [number for number, record in enumerate(filled, 1) if len(record) != width]
    cells = [cell.strip() for record in filled for cell in record if cell.strip()]
    values = sum(map(is_value, cells))
    cut_short = width >= 4 and len(filled[0]) == max(map(len, filled)) if filled else False
    if len(uneven) * 2 >= len(filled) > 2 and values * 5 < len(cells) and not cut_short:
        raise DataError(
            f"{origin.name}: is not a table: {len(uneven)} of the first {len(filled)} rows do not have the {width} "
            f"cells that others have (row {uneven[0]} begins {' '.join(filled[uneven[0] - 1])[:40]!r}). "
            "Give a file with one row per example and the same columns in each."
        )


def _refuse_prose(origin: Origin, lines: list[str]) -> None:
    """Refuse lines that no delimiter cuts regularly, unless they look like one column."""
    rows = [line.strip() for line in lines if line.strip()][:1000]
    bare = [row for row in rows[1:] if not (row[0] == row[-1] == '"' and len(row) > 1) and not is_value(row)]
    cut = [number for number, row in enumerate(rows, 1) if re.search(r"[,;\t|]", row) and row in bare]
    wordy = sum(len(row.split()) > 5 for row in bare)
    if rows and sum(SVM.fullmatch(row) is not None for row in rows) * 2 > len(rows):
        raise DataError(
            f"{origin.name}: is a sparse LIBSVM file, which is not read. Load it in Python and pass it as X."
        )
    if len(cut) * 10 > len(rows):
        raise DataError(
            f"{origin.name}: is not a table: its rows fall into different numbers of cells, whichever delimiter is "
            f"tried (row {cut[0]}: {rows[cut[0] - 1][:60]!r}). Give a CSV file whose rows all have the same columns; "
            "put cells that hold the delimiter in double quotes."
        )
    if wordy * 2 > len(rows) and len(rows[0].split()) > 3:
        raise DataError(
            f"{origin.name}: is not a table: row 1 begins {rows[0][:60]!r}, and most lines read like prose. "
            "Give a file with one row per example; put texts in double quotes below a name for the column."
        )
