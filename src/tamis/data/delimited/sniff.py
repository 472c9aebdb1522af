"""Finds the delimiter and the quotation mark of a text, by which of them cuts it into the most regular table.

Every pair is tried on the text's beginning. The score is the regularity of the rows' lengths times how many cells look
like something a table holds, as in van den Burg, Nazabal & Sutton, "Wrangling messy CSV files by detecting row and type
patterns" (2019); the formula is simpler than theirs.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tamis.data.layout import Layout

DELIMITERS = (",", ";", "\t", "|", "~", "^", "\x01", "\x1f")
SPACE = " "
MAX_RECORDS = 400
MAX_CELLS = 8000
"""How much of the beginning is scored."""

NUMBER = re.compile(r"[-+]?[$€£]?\d[\d.,'\u00a0 ]*([eE][-+]?\d+)?\s?[%€$]?|[-+]?\.\d+([eE][-+]?\d+)?")
CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?Z| ?[-+]\d{2}:?\d{2})?"
DATE = re.compile(rf"\d{{1,4}}([-/.])\d{{1,2}}\1\d{{1,4}}([T ]+{CLOCK})?|{CLOCK}")
SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How rows are cut into cells."""

    delimiter: str = ","
    """A blank stands for any run of blanks and tabs; empty where there is one column."""
    quote: str = '"'
    escape: str = ""
    skip_space: bool = False

    @property
    def is_plain(self) -> bool:
        """Tell whether Arrow's parser reads it as the csv module does."""
        return self.delimiter != SPACE and not self.skip_space

    def records(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Cut lines (their ends included) into cells.

        Raises
        ------
        csv.Error
            Where a quotation mark is not closed within 131,072 characters.
        """
        if self.delimiter == SPACE:
            lines = (" ".join(line.split()) + "\n" for line in lines)
        yield from self._reader(lines)

    def _reader(self, lines: Iterable[str]) -> "Iterator[list[str]]":
        return csv.reader(
            lines,
            delimiter=self.delimiter or "\x1f",
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            skipinitialspace=self.skip_space,
        )

    def measured(self, lines: list[str]) -> Iterator[tuple[list[str], int]]:
        """Cut lines into cells, and tell after each record how many lines are used up."""
        count = 0

        def counted() -> Iterator[str]:
            nonlocal count
            for line in lines:
                count += 1
                yield line

        try:
            for record in self.records(counted()):
                yield record, count
        except csv.Error:
            return


@dataclass(frozen=True)
class Verdict:
    """How well a dialect fits."""

    dialect: Dialect
    score: float
    width: int
    regularity: float
    """Share of the rows, from the first full one on, that have the usual length."""


def split_lines(text: str) -> list[str]:
    """Cut a text at LF, CRLF and bare CR (and at nothing else), keeping the ends."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def sniff(text: str, prefer: Layout | None = None) -> Verdict:
    """Find the dialect of a text's beginning.

    Parameters
    ----------
    text : str
        Whole lines.
    prefer : Layout, optional
        That of an earlier file: its dialect wins unless another fits plainly better.

    Returns
    -------
    Verdict
        With an empty delimiter and width 1 where nothing cuts the lines regularly.

    Examples
    --------
    >>> verdict = sniff("a;b\\n3,5;4,25\\n1,5;0,1\\n")
    >>> verdict.dialect.delimiter, verdict.width
    (';', 2)
    """
    lines = split_lines(text)[: 4 * MAX_RECORDS]
    forced = SEP_LINE.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    preferred = prefer.delimiter if prefer is not None and prefer.columns else None
    verdicts = [_judge(dialect, lines) for dialect in _candidates(text, forced.group(1) if forced else "")]
    if prefer is not None:
        old = Dialect(prefer.delimiter, prefer.quote, prefer.escape, prefer.skip_space)
        again = _judge(old, lines)
        if again.width == len(prefer.columns):
            verdicts.append(Verdict(old, 1.5 * again.score, again.width, again.regularity))
    if any(one.score > 0.3 and one.dialect.delimiter != SPACE for one in verdicts):
        # Blanks within the cells of a table may happen to be as regular as its delimiters.
        verdicts = [one for one in verdicts if one.dialect.delimiter != SPACE or one.dialect.delimiter == preferred]
    best = max(verdicts, key=lambda one: one.score, default=None)  # the first of equals: the order is the preference
    if best is None or best.score <= 0 or best.width < 2 or _is_one_decimal_column(best.dialect, lines):
        return Verdict(Dialect("", '"'), 0.0, 1, 1.0)
    return best


def _is_one_decimal_column(dialect: Dialect, lines: list[str]) -> bool:
    """Tell whether commas only part whole numbers from decimals, below a name without one."""
    rows = [line.strip() for line in lines if line.strip()]
    whole = all(re.fullmatch(r"[-+]?\d+(,\d+)?", row) for row in rows[1:])
    return dialect.delimiter == "," and len(rows) > 1 and whole and "," not in rows[0]


def _candidates(text: str, forced: str) -> Iterator[Dialect]:
    for delimiter in (forced,) if forced else DELIMITERS:
        if delimiter not in text:
            continue
        cut = re.escape(delimiter)
        yield Dialect(delimiter)
        if '"' in text:
            if re.search(rf'(?:^|{cut}) +"', text, re.MULTILINE):
                yield Dialect(delimiter, skip_space=True)
            if '\\"' in text:
                yield Dialect(delimiter, escape="\\")
            yield Dialect(delimiter, quote="")
        if _in_single_quotes(delimiter, text):
            yield Dialect(delimiter, quote="'")
    if not forced and re.search(r"\S[ \t]+\S", text):
        yield Dialect(SPACE)


def _in_single_quotes(delimiter: str, text: str) -> bool:
    """Tell whether a cell stands in single quotation marks."""
    cut = re.escape(delimiter)
    return re.search(rf"(?:^|{cut})'[^'\r\n]*'(?:{cut}|\r?$)", text, re.MULTILINE) is not None


def _judge(dialect: Dialect, lines: list[str]) -> Verdict:
    records: list[list[str]] = []
    remarks: list[list[str]] = []
    consumed = 0
    for record, used in dialect.measured(lines):
        if any(cell.strip() for cell in record):
            (remarks if record[0].startswith("#") else records).append(record)
        consumed = used
        if len(records) >= MAX_RECORDS:
            break
    if len(remarks) > len(records):
        records += remarks
    unread = 1 - consumed / max(1, len(lines)) if len(records) < MAX_RECORDS else 0.0
    lengths = [len(record) for record in records]
    counts = Counter(length for length in lengths if length > 1)
    if not counts or unread > 0.5:
        return Verdict(dialect, 0.0, 1, 0.0)
    width = max(counts, key=lambda length: (counts[length], length))
    first = lengths.index(width)
    body, tail = lengths[first:], _foot(lengths)
    body = body[: len(body) - tail] or body
    same = sum(length == width for length in body) / len(body)
    short = sum(length < width for length in body) / len(body)
    regularity = same + (0.5 * short if lengths[first] == max(body) else 0.0)
    single = bool(dialect.delimiter) and _in_single_quotes(dialect.delimiter, "".join(lines))
    look = _look(records[first : first + len(body)], dialect, single=single)
    score = regularity**2 * look**2 * (width - 1) / width * (len(body) / len(records)) ** 0.5
    if _ends_open(dialect, lines, consumed, records):
        score *= 0.5
    if dialect.delimiter == SPACE and (regularity < 0.98 or _numeric_share(records[first:]) < 0.4):
        score = 0.0  # prose has blanks too
    return Verdict(dialect, score, width, same)


def _ends_open(dialect: Dialect, lines: list[str], consumed: int, records: list[list[str]]) -> bool:
    """Tell whether a quotation mark is still open where the lines end."""
    if not dialect.quote or dialect.escape or consumed < len(lines) or not any("\n" in cell for cell in records[-1]):
        return False
    return sum(line.count(dialect.quote) for line in lines) % 2 == 1


def _foot(lengths: list[int]) -> int:
    """Count the rows of one cell at the end, as far as a footer may reach."""
    count = 0
    while count < min(5, max(2, len(lengths) // 4), len(lengths) - 1) and lengths[-1 - count] == 1:
        count += 1
    return count


def _cells(records: list[list[str]]) -> Iterator[str]:
    count = 0
    for record in records:
        for cell in record:
            yield cell.strip()
        count += len(record)
        if count > MAX_CELLS:
            return


def _numeric_share(records: list[list[str]]) -> float:
    cells = list(_cells(records))
    return sum(NUMBER.fullmatch(cell) is not None for cell in cells) / max(1, len(cells))


def _look(records: list[list[str]], dialect: Dialect, *, single: bool) -> float:
    """Return the share of cells that look as if they had been cut rightly; `single` quotation marks may be meant."""
    marks = ('"', "'") if single else ('"',)
    others = "".join(re.escape(one) for one in DELIMITERS if one not in (dialect.delimiter, "^", "~"))
    # A delimiter of prose is followed by a blank, one of a table is not.
    torn = re.compile(rf"\S[{others}]\S|[\t|]")
    good = total = 0.0
    for cell in _cells(records):
        total += 1
        if not cell or NUMBER.fullmatch(cell) or DATE.fullmatch(cell):
            good += 1
        elif any((cell[0] == mark) != (cell[-1] == mark and len(cell) > 1) for mark in marks):
            good += 0.1  # half of a quoted cell
        elif dialect.quote != "'" and len(cell) > 1 and cell[0] == cell[-1] == "'":
            good += 0.7  # a cell still within its quotation marks
        elif not dialect.quote and len(cell) > 1 and cell[0] == cell[-1] == '"':
            good += 0.7
        elif torn.search(cell):
            good += 0.3
        else:
            good += 1.0 if len(cell) <= 80 else 0.9
    return good / max(1.0, total)
