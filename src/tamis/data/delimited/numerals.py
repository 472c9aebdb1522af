"""Says in which notations files write numbers."""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

MINUS = "\u2212"
"""The minus sign proper, as in tables of the web."""


@dataclass(frozen=True)
class Notation:
    """How numbers are written."""

    decimal: str
    thousands: str

    @property
    def pattern(self) -> str:
        """Return the regular expression (RE2 and Python) of one number."""
        point = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands:
            mark = f"[{BLANKS}]" if self.thousands == " " else re.escape(self.thousands)
            whole = rf"(?:[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|\d+)"
            if self.thousands == ",":
                # As in India: 1,10,000.
                whole = rf"(?:[1-9]\d?(?:,\d{{2}})+,\d{{3}}|{whole})"
        return rf"^[-+]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?$"

    def plain(self, cells: pa.ChunkedArray) -> pa.ChunkedArray:
        """Write numbers with a decimal point and nothing else."""
        if self.thousands == " ":
            cells = pc.replace_substring_regex(cells, f"[{BLANKS}]", "")
        elif self.thousands:
            cells = pc.replace_substring(cells, self.thousands, "")
        return pc.replace_substring(cells, self.decimal, ".") if self.decimal != "." else cells


BLANKS = " \u00a0\u202f\u2009"
PLAIN = Notation(".", "")
NOTATIONS = tuple(Notation(*pair) for pair in ((".", ","), (",", ""), (",", "."), (".", " "), (",", " "), (".", "'")))
"""The others, in the order of preference where nothing decides."""


def has_minus(cells: pa.ChunkedArray) -> bool:
    """Tell whether the minus sign proper occurs."""
    return bool(pc.any(pc.match_substring(cells, MINUS)).as_py())


def with_hyphens(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write the minus sign proper as the hyphen that numbers are parsed with."""
    return pc.replace_substring(cells, MINUS, "-")
