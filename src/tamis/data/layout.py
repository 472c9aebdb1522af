"""How a table was laid out in its source, so that another of the same kind is read in the same way."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from tamis.core.errors import DataError

NUMBER, BOOLEAN, TEXT, OTHER = "number", "boolean", "text", "other"
KINDS = (NUMBER, BOOLEAN, TEXT, OTHER)
"""What the cells of a column were read as; `other` is whatever the file itself had typed (dates, bytes)."""


@dataclass(frozen=True)
class ColumnLayout:
    """How the cells of one column are written."""

    name: str
    kind: str = TEXT
    """One of `KINDS`."""
    decimal: str = "."
    thousands: str = ""
    missing: tuple[str, ...] = ()
    """The tokens found in it that stand for a missing value."""


@dataclass(frozen=True)
class Layout:
    """What is needed to read another file of the same kind.

    Examples
    --------
    >>> layout = Layout(delimiter=";", columns=(ColumnLayout("x", "number", decimal=","),))
    >>> Layout.from_json(layout.to_json()) == layout
    True
    >>> layout.names, layout.decimal
    (('x',), ',')
    """

    format: str = "delimited"
    delimiter: str = ","
    quote: str = '"'
    """Empty where quotation marks are ordinary characters."""
    escape: str = ""
    skip_space: bool = False
    """Whether blanks after a delimiter are no part of the cell, so that a quotation mark may follow them."""
    encoding: str = "utf-8"
    header: bool = True
    skipped_rows: int = 0
    """Rows before the header (or the first row) that are no part of the table."""
    below_header: tuple[Mapping[str, str], ...] = ()
    """Rows between the header and the first row, such as one of units, that are no part of the table: by column."""
    orange: bool = False
    """Whether a row of types and a row of roles follow the header (Orange's .tab)."""
    columns: tuple[ColumnLayout, ...] = ()
    sheet: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def decimal(self) -> str:
        """Return the decimal mark that most columns with an unusual one have."""
        return next((column.decimal for column in self.columns if column.decimal != "."), ".")

    @property
    def thousands(self) -> str:
        """Return the first thousands separator in use, empty where there is none."""
        return next((column.thousands for column in self.columns if column.thousands), "")

    @property
    def missing(self) -> tuple[str, ...]:
        """Return every token that stands for a missing value, sorted."""
        return tuple(sorted({token for column in self.columns for token in column.missing}))

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        record = asdict(self)
        record["columns"] = [{**asdict(column), "missing": list(column.missing)} for column in self.columns]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Layout":
        """Read what `to_json` wrote.

        Raises
        ------
        DataError
            Where a field is not known, as in a record of a newer version.
        """
        try:
            columns = tuple(ColumnLayout(**{**one, "missing": tuple(one["missing"])}) for one in record["columns"])
            below = tuple(dict(row) for row in record.get("below_header", ()))
            return cls(**{**record, "columns": columns, "below_header": below})
        except (TypeError, KeyError) as error:
            raise DataError(f"The stored layout of the table cannot be read ({error}); read the table anew.") from error


@dataclass(frozen=True)
class Reading:
    """A table as it was read, and what was found on the way."""

    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    """One line for each thing found and done."""
    layout: Layout = field(default_factory=Layout)
