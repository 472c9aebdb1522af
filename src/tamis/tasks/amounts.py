"""Reads numbers as people write them: currency signs, thousands separators, decimal commas, per cent, brackets."""

import re
from collections import Counter
from collections.abc import Iterable

_CURRENCY = re.compile(r"[$€£¥₹₽₩₺₿]|\b(?:usd|eur|gbp|jpy|chf|cny|inr|aud|cad|sek|nok|dkk|pln)\b", re.IGNORECASE)
_SPACES = re.compile(r"[\s'’_\u00a0\u202f]")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")
_UNIT = re.compile(r"(?<=[\d.,)])\s*([^\W\d_][^\d.,()]{0,11})$")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)


def _bare(text: str) -> str:
    """Drop what is not part of the number; brackets mean a negative amount."""
    plain = _SPACES.sub("", _CURRENCY.sub("", text)).removesuffix("%").replace("−", "-")
    return f"-{plain[1:-1]}" if plain.startswith("(") and plain.endswith(")") else plain


def comma_is_decimal(texts: Iterable[str]) -> bool:
    """Tell whether the commas of a column are decimal signs.

    The last sign of a number that has both a comma and a point is the decimal one; a comma that is not followed by
    groups of three digits cannot part thousands.

    Examples
    --------
    >>> comma_is_decimal(["1.234,50", "2,5"]), comma_is_decimal(["1,234", "5"])
    (True, False)
    """
    for text in texts:
        plain = _bare(text)
        if "," not in plain:
            continue
        if "." in plain:
            return plain.rfind(",") > plain.rfind(".")
        if not _THOUSANDS.fullmatch(plain):
            return True
    return False


def common_unit(texts: Iterable[str]) -> str:
    """Return the word that stands behind the numbers of a column most often; empty where most have none.

    Examples
    --------
    >>> common_unit(["20.4 kmpl", "17 kmpl", "26.6 km/kg"]), common_unit(["1", "2 kg", "3"])
    ('kmpl', '')
    """
    units = Counter(found[1].strip() if (found := _UNIT.search(text.strip())) else "" for text in texts)
    return units.most_common(1)[0][0] if units else ""


def read_amount(text: str, decimal_comma: bool = False, unit: str = "") -> float | None:
    """Return the number that a text stands for, None where it is none; "12 %" is 12.

    Parameters
    ----------
    text : str
    decimal_comma : bool
        Whether a comma is the decimal sign.
    unit : str
        A word behind the number that is left aside, as `common_unit` finds it.

    Examples
    --------
    >>> read_amount("$1,234.50"), read_amount("(7)"), read_amount("3,5 €", decimal_comma=True), read_amount("many")
    (1234.5, -7.0, 3.5, None)
    >>> read_amount("20.4 kmpl", unit="kmpl")
    20.4
    """
    plain = _bare(text.strip().removesuffix(unit) if unit else text)
    plain = plain.replace(".", "").replace(",", ".") if decimal_comma and "," in plain else plain.replace(",", "")
    return float(plain) if _NUMBER.fullmatch(plain) else None
