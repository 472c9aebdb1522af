"""Knows how numbers are written, with signs and thousands, and what is written where there is no value."""

import numpy as np
import pandas as pd

MISSING_LEVELS = frozenset({"", "?", "nan", "NaN", "NAN", "<NA>", "NaT", "null", "NULL", "n/a", "N/A", "#N/A", "#NA"})
"""Cells that stand for no value wherever they occur."""
MISSING_NUMBERS = frozenset(
    {"", "?", "nan", "<na>", "nat", "null", "nil", "n/a", "#n/a", "#na", "na", "n.a.", "n. a.", "none", "nd", "n.d."}
    | {"-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "unknown", "missing", "not available", "not applicable"}
    | {"not known", "no data", "tbd", "tba", "undefined", "k.a.", "k. a.", "keine angabe", "unbekannt", "inconnu"}
    | {"desconocido", "s/d", "sconosciuto", "desconhecido", "onbekend"}
)
"""Cells, casefolded, that stand for no value in a column of numbers or dates; elsewhere such a level could be meant."""
NO_DATE = r"(?:0000([-/.]?)00\1?00|9999([-/.]?)12\2?31|00([-/.])00\3(?:00)?00|(?:31([-/.])12|12([-/.])31)[-/.]9999)"
NO_DATE += r"(?:[T ][\d:.]+Z?)?"
"""What databases write for no date at all, or for no end: '0000-00-00', '9999-12-31 23:59:59'."""

NUMBER = (
    r"(?:(?<![\d.])[-+])?(?:(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3})(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:[eE][-+]?\d+)?"
)
"""With thousands set apart, also as in India: 1,10,000."""
NUMBER_WITH_COMMA = r"(?:(?<![\d.,])[-+])?(?:\d{1,3}(?:\.\d{3})+(?!\d)(?:,\d+)?|\d+(?:,\d+)?)"
"""The same where a comma stands before the decimals."""
NEGATIVE = r"^(?:\s*-|\([^()\d]*[\d,.]+[^()\d]*\)$|.*\d\D*-\s*$)"
"""What accountants write for a number below zero: '-$3.50', '($3.50)', '3.50-'."""


def plain_minus(texts: pd.Series) -> pd.Series:
    """Write the minus sign proper, and a dash before the first digit, as the hyphen that numbers are parsed with."""
    return texts.str.replace("\u2212", "-", regex=False).str.replace(
        r"^\s*[\u2012\u2013\ufe63\uff0d](?=\W{0,3}\d)", "-", regex=True
    )


def plain_signs(texts: pd.Series) -> pd.Series:
    """Write numbers below zero with a hyphen in front.

    Examples
    --------
    >>> plain_signs(pd.Series(["(1.50)", "2.25-", "- 3", "\u22124", "5"])).tolist()
    ['-1.50', '-2.25', '-3', '-4', '5']
    """
    texts = plain_minus(texts)
    texts = texts.str.replace(r"^\(\s*-?\s*(\d[\d.,]*)\s*\)$", r"-\1", regex=True)
    texts = texts.str.replace(r"^(\d[\d.,]*)\s*-$", r"-\1", regex=True)
    return texts.str.replace(r"^([-+])\s+(?=[.\d])", r"\1", regex=True)


def units_of(rest: pd.Series) -> pd.Series:
    """Return the units in what follows a number: no blanks, no bracket, no sign."""
    return rest.str.replace(r"[\s)]*-\s*$", "", regex=True).str.strip(" )").str.casefold()


def stands_for_missing(texts: "pd.Series | np.ndarray") -> np.ndarray:
    """Tell which strings stand for no value in a column of numbers or dates."""
    return np.array([str(text).strip().casefold() in MISSING_NUMBERS for text in texts], dtype=bool)


def stands_for_no_date(texts: pd.Series) -> np.ndarray:
    """Tell which strings are dates that stand for none."""
    return texts.str.fullmatch(NO_DATE).fillna(False).to_numpy(bool)
