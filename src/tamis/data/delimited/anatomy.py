"""Finds where the table lies among the first rows of a file: preamble, header, rows of types or units, first row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tamis.data.delimited.cells import MISSING
from tamis.data.delimited.sniff import DATE, NUMBER, SEP_LINE
from tamis.data.layout import Layout

N_BODY = 200
MAX_CELLS = 20_000
"""Rows and cells below a possible header that are looked at."""
RULE = re.compile(r"[-=+:*_| ]{2,}")
UNIT = re.compile(r"[(\[]?[A-Za-zµμ°%‰€$£Ω/·*²³^. -]{1,14}[23]?[)\]]?")
FOOTNOTE = re.compile(
    r"\s*(sources?\b|notes?\b|quellen?\b|fuentes?\b|remarks?\b|footnotes?\b|copyright|©|\(c\)|\*"
    r"|https?:|data (from|as of|source)"
    r"|last updated|generated|exported|downloaded|retrieved|end of|\(?\d+ rows)",
    re.IGNORECASE,
)
ORANGE_TYPES = {"c", "d", "s", "t", "continuous", "discrete", "string", "text", "time", "basket", "n", "numeric"}
ORANGE_ROLES = {"", "class", "c", "meta", "m", "ignore", "i", "weight", "w", "multiclass"}

Record = list[str]


@dataclass(frozen=True)
class Anatomy:
    """Where the table begins, and what it is called."""

    names: Record | None
    """The header's cells as they stand, None where there is no header."""
    first: int
    """The number of the first record of data, from 0."""
    width: int
    skipped: int = 0
    """Records before the header that are no part of the table, blank ones aside."""
    below: tuple[Mapping[str, str], ...] = ()
    """Records between the header and the first of data, by column, blank ones aside."""
    orange: bool = False
    notes: tuple[str, ...] = ()


def find_anatomy(records: list[Record], width: int, layout: Layout | None = None) -> Anatomy:
    """Find the header and the first row of data.

    Parameters
    ----------
    records : list of lists of str
        The first records of the file; blank lines are empty lists.
    width : int
        The usual count of cells in a record.
    layout : Layout, optional
        That of an earlier file of the same kind: it knows whether there is a header, its names, and the rows below it
        that were no data.

    Returns
    -------
    Anatomy
        With `first` equal to ``len(records)`` where no row follows the header.
    """
    top, comment = _skip_preamble(records, width)
    if top >= len(records):
        return Anatomy(None, len(records), width)
    skipped = sum(not is_blank(record) for record in records[:top])
    notes = [f"{skipped} {'row' if skipped == 1 else 'rows'} before the header left out"] if skipped else []
    body = [row for row in _body(records, top + 1, width) if row[: len(records[top])] != records[top]]
    if comment is not None and len(comment) == width > 1 and not _names_above_numbers(records[top], body):
        return Anatomy(comment, top, width, skipped - 1, notes=("header taken from a comment line",))
    if not _is_header(records[top], body, layout):
        names = list(layout.names) if layout is not None and len(layout.columns) == width else None
        return Anatomy(names, top, width, skipped, notes=(*notes, "no header: columns named by position"))
    names = [cell.strip() for cell in records[top]]
    found = Anatomy(names, top + 1, width, skipped, notes=tuple(notes))
    return _fit_names(_skip_below_header(found, records, () if layout is None else layout.below_header), records)


def is_blank(record: Record) -> bool:
    """Tell whether nothing stands in a record."""
    return not any(map(str.strip, record))


def is_comment(record: Record) -> bool:
    """Tell whether a record is a remark."""
    return bool(record) and record[0].lstrip().startswith("#")


def is_rule(record: Record) -> bool:
    """Tell whether a record is a drawn line, as in tables of Markdown and of databases' consoles."""
    filled = [cell.strip() for cell in record if cell.strip()]
    return bool(filled) and all(RULE.fullmatch(cell) for cell in filled)


def is_value(cell: str) -> bool:
    """Tell whether a cell is a number or a date, which a name seldom is."""
    return NUMBER.fullmatch(cell) is not None or DATE.fullmatch(cell) is not None


def _filled(record: Record) -> int:
    return sum(bool(cell.strip()) for cell in record)


def _skip_preamble(records: list[Record], width: int) -> tuple[int, Record | None]:
    """Return the number of the first record of the table, and the last comment line before it, without its mark."""
    comment: Record | None = None
    for index, record in enumerate(records):
        if is_blank(record) or is_rule(record) or (len(record) == 1 and SEP_LINE.fullmatch(record[0])):
            continue
        if is_comment(record):
            # Some tools write the header itself behind the mark.
            word = record[0].strip().lstrip("# ")
            comment = [word, *record[1:]] if word or len(record) <= width else record[1:]
            continue
        if _begins_table(records, index, width):
            return index, comment
    return len(records), comment


def _begins_table(records: list[Record], index: int, width: int) -> bool:
    record = records[index]
    if width == 1:
        return True
    filled = _filled(record)
    if len(record) < width - 1 or filled * 2 < width or (len(record) < width and filled < len(record)):
        return False
    below = next((i for i in range(index + 1, len(records)) if not is_blank(records[i])), None)
    if below is None:
        return len(record) >= width
    sparse = len(record) < width or (filled < width and bool(record[0].strip()))
    if sparse and len(records[below]) >= width and _filled(records[below]) > filled:
        # A title or a line of metadata may be as long as a header; then the header itself comes below it.
        return not _names_above_numbers(records[below], _body(records, below + 1, width))
    return len(record) >= width or len(records[below]) >= width


def _body(records: list[Record], start: int, width: int) -> list[Record]:
    count = max(20, min(N_BODY, MAX_CELLS // width))
    rows = [record for record in records[start : start + 2 * count] if _filled(record) * 2 >= min(width, 2)]
    return [[*map(str.strip, row), *[""] * (width - len(row))] for row in rows[:count] if not is_rule(row)]


def _columns(body: list[Record], width: int) -> list[list[str]]:
    """Return the filled cells of each column; the first row is left aside, because it may hold units."""
    rows = body[1:] if len(body) >= 3 else body
    return [[row[i] for row in rows if i < len(row) and row[i] and row[i] not in MISSING] for i in range(width)]


def _is_numeric(cells: list[str]) -> bool:
    return bool(cells) and sum(map(is_value, cells)) >= 0.9 * len(cells)


def _names_above_numbers(record: Record, body: list[Record]) -> bool:
    columns = _columns(body, len(record))
    pairs = [(cell.strip(), cells) for cell, cells in zip(record, columns, strict=True) if _is_numeric(cells)]
    above = [cell for cell, _ in pairs if cell and cell not in MISSING]
    return any(not is_value(cell) for cell in above)


def _is_header(record: Record, body: list[Record], layout: Layout | None) -> bool:
    cells = [cell.strip() for cell in record]
    if layout is not None:
        known = set(layout.names) & set(cells)
        if known and not all(map(is_value, known)):
            return True
        if not layout.header:
            return bool(known) and len(known) == len(set(cells))
    return looks_like_names(cells, body)


def looks_like_names(cells: Record, body: list[Record]) -> bool:
    """Tell whether a row is a header rather than a row of data like those below it.

    A word above numbers decides for a header. A number above numbers speaks against, unless the row's numbers are
    years or count on by one; so does a word that occurs again below. In doubt it is a header.

    Examples
    --------
    >>> looks_like_names(["country", "2015"], [["Peru", "3.5"], ["Chad", "1.25"], ["Fiji", "7"]])
    True
    >>> looks_like_names(["5.1", "setosa"], [["4.9", "setosa"], ["4.7", "virginica"], ["4.6", "setosa"]])
    False
    """
    if not body:
        return not all(is_value(cell) for cell in cells if cell)
    numbers: list[str] = []
    inside: list[str] = []
    for_names = for_data = 0
    for cell, values in zip(cells, _columns(body, len(cells)), strict=True):
        if not cell:
            continue
        if _is_numeric(values):
            if not is_value(cell) and cell not in MISSING:
                return True
            numbers.append(cell)
            inside += values
        elif cell in values:
            for_data += 1
        elif len(values) >= 4 and len(set(values)) * 2 <= len(values) and not is_value(cell):
            for_names += 1
    if numbers and not _count_on(numbers, inside):
        for_data += len(numbers)
    return for_data <= 2 * for_names if for_names else for_data == 0


def _count_on(numbers: list[str], values: list[str]) -> bool:
    """Tell whether the numbers of a row are years, or 0, 1, 2 ..., while the values below them are not."""
    if not all(re.fullmatch(r"\d{1,4}", number) for number in numbers):
        return False
    whole = [int(number) for number in numbers]
    if whole == list(range(whole[0], whole[0] + len(whole))) and (len(whole) >= 5 or (whole[0] == 0 < len(whole) - 1)):
        return True
    years = sum(re.fullmatch(r"(1[89]|20|21)\d\d", value) is not None for value in values)
    return all(1800 <= number < 2200 for number in whole) and years * 2 < len(values)


def _skip_below_header(found: Anatomy, records: list[Record], known: Sequence[Mapping[str, str]]) -> Anatomy:
    """Pass over Orange's rows of types and roles, drawn lines, a row of units, and what is known to be no data."""
    first, notes = found.first, list(found.notes)
    if first + 1 < len(records) and _is_orange(records[first], records[first + 1]):
        return replace(found, first=first + 2, orange=True, notes=(*notes, "Orange header of three rows"))
    while first < len(records) and (is_blank(records[first]) or is_rule(records[first])):
        first += 1
    below = [_by_column(found, record) for record in records[first : first + 1]]
    if below and (_is_like(below[0], known) or _is_units(records[first], _body(records, first, found.width))):
        units = ", ".join(cell for cell in below[0].values() if cell)
        notes.append(f'a row of units left out: "{units:.60}"')
        first += 1
    passed = (_by_column(found, record) for record in records[found.first : first] if not is_blank(record))
    return replace(found, first=first, below=tuple(passed), notes=tuple(notes))


def _by_column(found: Anatomy, record: Record) -> dict[str, str]:
    return dict(zip(found.names or (), map(str.strip, record), strict=False))


def _is_like(row: Mapping[str, str], known: Sequence[Mapping[str, str]]) -> bool:
    """Tell whether a row says what a known one says in the columns that both have, blanks not alone."""
    return any(
        any(map(one.get, row)) and all(one.get(name, cell) == cell for name, cell in row.items()) for one in known
    )


def _is_orange(types: Record, roles: Record) -> bool:
    if len(types) < 2 or abs(len(types) - len(roles)) > 1:
        return False
    known = sum(cell.strip().lower() in ORANGE_TYPES for cell in types)
    listed = sum(len(cell.split()) > 1 for cell in types)
    plain = all(cell.strip().lower() in ORANGE_ROLES or "=" in cell for cell in roles)
    return known > 0 and known + listed == len(types) and plain


def _is_units(row: Record, body: list[Record]) -> bool:
    if len(body) < 3:
        return False
    cells = [*map(str.strip, row), *[""] * (len(body[0]) - len(row))]
    units = others = 0
    for cell, values in zip(cells, _columns(body, len(cells)), strict=False):
        if not _is_numeric(values):
            others += bool(cell) and not UNIT.fullmatch(cell)
            others += 2 * (cell in values and bool(cell))
        elif is_value(cell):
            return False
        elif cell and cell not in MISSING:
            if not UNIT.fullmatch(cell):
                return False
            units += 1
    numeric = sum(_is_numeric(values) for values in _columns(body, len(cells)))
    alone = _filled(row) == units
    return units * 2 >= max(1, numeric) and others < 2 and (units >= 2 or (units == 1 and alone))


def _fit_names(found: Anatomy, records: list[Record]) -> Anatomy:
    """Make the header and the rows equally long: a header may lack the name of an index, or end with a delimiter."""
    names, width = list(found.names or ()), found.width
    body = [row for row in records[found.first : found.first + N_BODY] if len(row) == width]
    if len(names) == width - 1 and body:
        ends_empty = all(not row[-1].strip() for row in body)
        return replace(found, names=[*names, ""] if ends_empty else ["", *names])
    while len(names) > width and not names[-1]:
        names.pop()
    names += [""] * (width - len(names))
    return replace(found, names=names, width=len(names))


def clean_names(raw: Iterable[str] | None, width: int) -> tuple[list[str], list[str]]:
    """Return a name for every column, each its own, and notes on those that were made.

    Examples
    --------
    >>> clean_names([" a", "", "a"], 3)[0]
    ['a', 'column_2', 'a.1']
    """
    if raw is None:
        return [f"column_{i + 1}" for i in range(width)], []
    names = [re.sub(r"\s+", " ", re.sub("[\ufeff\u200b]", "", name)).strip() for name in raw]
    taken = set(names)
    seen: set[str] = set()
    notes = []
    for index, name in enumerate(names):
        fresh = name or f"column_{index + 1}"
        count = 0
        while fresh in seen or (fresh != name and fresh in taken):
            count += 1
            fresh = f"{name or f'column_{index + 1}'}.{count}"
        if not name:
            notes.append(f"column {index + 1} had no name: named {fresh}")
        elif fresh != name:
            notes.append(f'duplicate column name "{name:.60}": number {count + 1} renamed "{fresh:.60}"')
        names[index] = fresh
        seen.add(fresh)
    return names, notes
