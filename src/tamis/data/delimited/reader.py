"""Reads a delimited text into a frame."""

import pyarrow as pa

from tamis.core.errors import DataError
from tamis.data.delimited.assemble import assemble
from tamis.data.delimited.blocks import read_blocks
from tamis.data.delimited.examine import TextTable, examine
from tamis.data.delimited.ledger import Ledger
from tamis.data.delimited.sniff import SPACE
from tamis.data.layout import Layout, Reading
from tamis.data.sources.opening import Origin

SPOKEN = {"\t": "delimiter tab", SPACE: "delimiter: blanks", "": "one column, no delimiter"}


def read_delimited(origin: Origin, layout: Layout | None = None) -> Reading:
    """Read a text whose rows are lines and whose cells are parted by a delimiter.

    Raises
    ------
    DataError
        Where it is no table, or has no rows.
    """
    text = examine(origin, layout)
    strict = layout is not None
    ledger = Ledger(origin.name, text.anatomy.width, strict)
    blocks = list(read_blocks(text, ledger))
    if not blocks:
        raise DataError(f"{origin.name}: has a header but no rows; a table needs at least one row.")
    table = pa.concat_tables(blocks)
    del blocks
    made = assemble(table, text.anatomy.names, layout, text.dialect.delimiter, strict=strict)
    notes = [*_notes(text), *_blank(text, ledger), *ledger.notes(), *made.notes]
    columns = made.columns
    return Reading(made.frame, notes, layout_of(text, columns, ledger.encoding))


def layout_of(text: TextTable, columns: tuple, encoding: str = "") -> Layout:
    """Put together what another file of the same kind needs."""
    dialect = text.dialect
    return Layout(
        format="delimited",
        delimiter=dialect.delimiter,
        quote=dialect.quote,
        escape=dialect.escape,
        skip_space=dialect.skip_space,
        encoding=encoding or text.encoding.name,
        header=text.anatomy.names is not None,
        skipped_rows=text.anatomy.skipped,
        below_header=text.anatomy.below,
        orange=text.anatomy.orange,
        columns=columns,
    )


def _notes(text: TextTable) -> list[str]:
    dialect = text.dialect
    notes = []
    if dialect.delimiter != ",":
        notes.append(SPOKEN.get(dialect.delimiter, f'delimiter "{dialect.delimiter}"'))
    if dialect.quote not in ('"', ""):
        notes.append(f"quotation mark {dialect.quote}")
    if not dialect.quote:
        notes.append("quotation marks are ordinary characters")
    if dialect.escape:
        notes.append(f"escape character {dialect.escape}")
    if text.encoding.bom:
        notes.append(f"encoding {text.encoding.name} with a byte order mark")
    elif text.encoding.name != "utf-8":
        notes.append(f"encoding {text.encoding.name}")
    if text.line_end != "LF":
        notes.append(f"line ends {text.line_end}")
    compression = text.origin.compression
    return [*([f"compressed with {compression}"] if compression else []), *notes, *text.anatomy.notes]


def _blank(text: TextTable, ledger: Ledger) -> list[str]:
    if not text.n_blank or ledger.counts["blank"]:
        return []
    if not text.complete:
        return ["blank rows left out"]
    return [f"{text.n_blank:,} blank {'row' if text.n_blank == 1 else 'rows'} left out"]
