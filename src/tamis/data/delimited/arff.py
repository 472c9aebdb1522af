"""Understands the header of Weka's ARFF files, whose rows are delimited text."""

import re

from tamis.core.errors import DataError

NAME = re.compile(r"""^\s*@attribute\s+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s{]+))""", re.IGNORECASE)
DATA = re.compile(r"^\s*@data\b", re.IGNORECASE)


def is_arff(text: str) -> bool:
    """Tell whether a text declares attributes and then data, as ARFF does.

    Examples
    --------
    >>> is_arff("@relation r\\n@attribute x numeric\\n@data\\n1\\n")
    True
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("%")]
    return bool(lines) and lines[0].lstrip().lower().startswith(("@relation", "@attribute"))


def read_header(lines: list[str], name: str) -> tuple[list[str], int]:
    """Return the names of the attributes, and how many lines come before the first row of data.

    Raises
    ------
    DataError
        Where the data does not follow, or is sparse.
    """
    names: list[str] = []
    for number, line in enumerate(lines):
        if found := NAME.match(line):
            names.append(re.sub(r"\\(.)", r"\1", next(group for group in found.groups() if group is not None)))
        if DATA.match(line):
            first = number + 1
            while first < len(lines) and (not lines[first].strip() or lines[first].lstrip().startswith("%")):
                first += 1
            if first < len(lines) and lines[first].lstrip().startswith("{"):
                raise DataError(f"{name}: is a sparse ARFF file, which is not read. Export it as CSV or dense ARFF.")
            return names, first
    raise DataError(f"{name}: is an ARFF file without a line '@data' near its beginning. Export it as CSV.")


def quote_of(lines: list[str]) -> str:
    """Return the quotation mark that the rows use."""
    rows = lines[:200]
    single = sum(len(re.findall(r"(?:^|,)\s*'", row)) for row in rows)
    double = sum(len(re.findall(r'(?:^|,)\s*"', row)) for row in rows)
    return "'" if single > double else '"'
