"""Reads the rows of a text as blocks of strings: by Arrow's parser where it can, row by row where rows are uneven."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as arrow_csv

from tamis.core.errors import DataError
from tamis.data.delimited.anatomy import FOOTNOTE, Record, is_blank, is_comment, is_rule, is_value
from tamis.data.delimited.encoding import eight_bit
from tamis.data.delimited.examine import TextTable
from tamis.data.delimited.ledger import Ledger

BLOCK_BYTES = 1 << 22
BLOCK_ROWS = 20_000
LONGEST_FOOTER = 20


class NoZeros(io.RawIOBase):
    """Passes bytes on and refuses zero bytes, which no text has."""

    def __init__(self, inner: BinaryIO, name: str) -> None:
        self.inner = inner
        self.label = name

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # the base class has no precise type
        """Fill the buffer."""
        chunk = self.inner.read(len(buffer))
        if b"\0" in chunk:
            raise DataError(
                f"{self.label}: holds zero bytes, so it is a binary or a damaged file. Export it as CSV or Parquet."
            )
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close what lies below too."""
        if not self.closed:
            self.inner.close()
        super().close()


def read_blocks(text: TextTable, ledger: Ledger) -> Iterator[pa.Table]:
    """Yield the rows in order, as tables of strings whose columns are named by their position.

    An empty cell is null or an empty string. What is out of order goes into the ledger.

    Raises
    ------
    DataError
        Where the file is damaged or too ragged to be a table.
    """
    if text.dialect.is_plain:
        try:
            with _open(text) as stream:
                for batch in _arrow_reader(stream, text):
                    if batch.num_rows:
                        ledger.n_rows += batch.num_rows
                        yield pa.Table.from_batches([batch])
            return
        except (pa.ArrowInvalid, UnicodeDecodeError):
            pass  # uneven rows or another encoding: the slower way copes, and goes on behind the rows already given
    yield from _uneven(text, ledger)
    ledger.close()


def _open(text: TextTable) -> BinaryIO:
    stream = text.origin.open()
    if not text.encoding.is_wide:
        stream = io.BufferedReader(cast(Any, NoZeros(stream, text.origin.name)), BLOCK_BYTES)
    left = text.offset
    while left and (skipped := len(stream.read(min(left, BLOCK_BYTES)))):
        left -= skipped
    return stream


def _arrow_reader(stream: BinaryIO, text: TextTable) -> Iterable[pa.RecordBatch]:
    dialect = text.dialect
    names = [str(i) for i in range(text.anatomy.width)]
    return arrow_csv.open_csv(
        stream,
        read_options=arrow_csv.ReadOptions(
            column_names=names, block_size=max(BLOCK_BYTES, 16 * text.longest), encoding=text.encoding.name
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=dialect.delimiter or "\x1f",
            quote_char=dialect.quote or False,
            escape_char=dialect.escape or False,
            newlines_in_values=text.has_quotes,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _uneven(text: TextTable, ledger: Ledger) -> Iterator[pa.Table]:
    encoding, errors = _second_encoding(text)
    with io.TextIOWrapper(_open(text), encoding=encoding, errors=errors, newline="") as lines:
        numbered = _numbered(text, lines)
        yield from normalise(numbered, ledger, skip=ledger.n_rows)
    if encoding != text.encoding.name:
        ledger.encoding = encoding


def _second_encoding(text: TextTable) -> tuple[str, str]:
    """Look whether the whole file is what its beginning is; a text that was all ASCII may turn out to be Latin-1."""
    name = text.encoding.name
    if name != "utf-8" or not text.is_ascii:
        return name, "replace"
    with _open(text) as stream:
        while block := stream.read(BLOCK_BYTES):
            if not block.isascii():
                try:
                    codecs.getincrementaldecoder("utf-8")().decode(block)  # may end within a character
                except UnicodeDecodeError:
                    return eight_bit(block), "replace"
                break
    return name, "replace"


def _numbered(text: TextTable, lines: Iterable[str]) -> Iterator[tuple[int, Record]]:
    line = text.line
    used = 0

    def counted() -> Iterator[str]:
        nonlocal used
        for one in lines:
            used += 1
            yield one

    try:
        for record in text.dialect.records(counted()):
            yield line, record
            line = text.line + used
    except csv.Error as error:
        raise DataError(
            f"{text.origin.name}: row {line} cannot be read ({error}); a quotation mark that opens there may never be "
            "closed. Mend that row."
        ) from error


def normalise(records: Iterable[tuple[int, Record]], ledger: Ledger, skip: int = 0) -> Iterator[pa.Table]:
    """Bring rows to one length, leave out what is none, and yield them in blocks.

    Parameters
    ----------
    records : iterable of (int, list of str)
        Line number and cells.
    ledger : Ledger
        Knows the width, and is told what was met.
    skip : int
        So many good rows are passed over: they were read before.
    """
    good: list[Record] = []
    pending: list[tuple[int, Record]] = []
    seen = 0
    for line, record in records:
        row = _fit(line, record, ledger, pending)
        if row is None:
            continue
        # What lay between two good rows was no footer.
        ready = [*_mended(pending, ledger), row]
        pending.clear()
        for one in ready:
            ledger.remarked = ledger.remarked or FOOTNOTE.match(one[0]) is not None
            seen += 1
            if seen > skip:
                good.append(one)
                ledger.n_rows += 1
        if len(good) >= BLOCK_ROWS:
            yield _table(good, ledger.width)
            good = []
    while pending and seen and len(pending) <= LONGEST_FOOTER and _is_remark(pending[-1][1], ledger):
        ledger.footer.insert(0, " ".join(cell.strip() for cell in pending.pop()[1] if cell.strip()))
    rest = _mended(pending, ledger)
    good += rest
    ledger.n_rows += len(rest)
    if good:
        yield _table(good, ledger.width)


def _fit(line: int, record: Record, ledger: Ledger, pending: list[tuple[int, Record]]) -> Record | None:
    """Return a row of the right length, or None where it is none (yet)."""
    width = ledger.width
    if len(record) == width and not (width == 1 and is_blank(record)):
        if not (pending and FOOTNOTE.match(record[0])):
            return record
        pending.append((line, record))
        return None
    if is_blank(record):
        ledger.count("blank", line)
        return None
    if (is_comment(record) and len(record) < width) or is_rule(record):
        ledger.count("comment", line)
        return None
    if len(record) != width and FOOTNOTE.match(record[0]):
        pending.append((line, record))
        return None
    if len(record) > width:
        if any(cell.strip() for cell in record[width:]):
            ledger.count_long(line, len(record))
            return None
        ledger.count("trimmed", line)
        return record[:width]
    if sum(bool(cell.strip()) for cell in record) <= 1:
        pending.append((line, record))
        return None
    return _pad(line, record, ledger)


def _mended(pending: list[tuple[int, Record]], ledger: Ledger) -> list[Record]:
    """Bring rows that turned out to be no remarks to the right length."""
    rows = []
    for line, record in pending:
        if len(record) == ledger.width:
            rows.append(record)
        elif len(record) < ledger.width:
            rows.append(_pad(line, record, ledger))
        elif any(cell.strip() for cell in record[ledger.width :]):
            ledger.count_long(line, len(record))
        else:
            ledger.count("trimmed", line)
            rows.append(record[: ledger.width])
    return rows


def _is_remark(record: Record, ledger: Ledger) -> bool:
    """Tell whether a last row is a remark rather than one that was cut off."""
    if sum(bool(cell.strip()) for cell in record) > 1:
        return not ledger.remarked and FOOTNOTE.match(record[0]) is not None
    text = "".join(record).strip()
    if is_value(text):
        return False
    return ledger.width > 2 or FOOTNOTE.match(text) is not None or text.count(" ") >= 3


def _pad(line: int, record: Record, ledger: Ledger) -> Record:
    ledger.count("short", line)
    return record + [""] * (ledger.width - len(record))


def _table(rows: list[Record], width: int) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.table(arrays, names=[str(i) for i in range(width)])
