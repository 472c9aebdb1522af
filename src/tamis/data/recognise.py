"""Finds the recipe that reads a column of strings: numbers and what surrounds them, dates, times, truth values."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tamis.data import convert

ENOUGH = 0.95
"""Share of the cells that a recipe must read."""
MAX_STRINGS = 3_000
"""Different strings that are looked at."""
BOOLEANS = (("no", "yes"), ("false", "true"), ("f", "t"), ("n", "y"), ("off", "on"), ("0", "1"))
MONTHS: tuple[str, ...] = ("january", "february", "march", "april", "may", "june", "july", "august")
MONTHS += ("september", "october", "november", "december")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CURRENCY = r"(?:(?:US|R|A|C|HK|NZ)?[$€£¥₹₩₽]|USD|EUR|GBP|INR|CHF|AUD|CAD|JPY|Rs\.?)"
PREFIX = rf"\s*[-<>≤≥~≈±(]?=?\s*(?:{CURRENCY}\s*)?"
UNIT_LETTERS = frozenset("gmlstvwachkfbpx")
"""Single letters that are units, or stand for a thousand and so on; other single letters make a code."""
TIME = re.compile(
    r"(?P<gap>T|,?\s+)(?P<clock>\d{1,2}:\d{2}(?P<s>:\d{2})?(?P<f>\.\d+)?)(?P<half>\s?[AaPp][Mm])?"
    r"(?P<zone>\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?$"
)


@dataclass(frozen=True)
class Reading:
    """A recipe that reads the strings of a column."""

    recipe: dict[str, Any]
    reason: str
    share: float
    """Of the cells that hold something."""
    note: str = ""
    """What a user should know."""


@dataclass(frozen=True)
class Strings:
    """The different strings of a sample, and how often each occurs."""

    texts: pd.Series
    """Objects, no string twice, none missing."""
    counts: np.ndarray

    def share(self, read: "np.ndarray | pd.Series") -> float:
        """Return the share of the cells for which `read` is true."""
        return float(self.counts[np.asarray(read, dtype=bool)].sum() / max(1, self.counts.sum()))


def recognise(strings: Strings) -> Reading | None:
    """Return the plainest recipe that reads at least `ENOUGH` of the cells, or None.

    Examples
    --------
    >>> prices = Strings(pd.Series(["$2.39", "$10.98", "$1,250.00"]), np.array([5, 3, 1]))
    >>> recognise(prices).recipe
    {'how': 'embedded number', 'prefix': '$'}
    """
    if not len(strings.texts):
        return None
    if len(strings.texts) > MAX_STRINGS:
        some = np.linspace(0, len(strings.texts) - 1, MAX_STRINGS).astype(np.intp)
        strings = Strings(strings.texts.iloc[some].reset_index(drop=True), strings.counts[some])
    if reading := read_booleans(strings):
        return reading
    if strings.share(strings.texts.str.contains(r"\d")) < ENOUGH:
        return None
    for attempt in (read_plain_numbers, read_dates, read_clock, read_fractions, read_embedded, read_several):
        if reading := attempt(strings):
            return reading
    return None


def read_booleans(strings: Strings) -> Reading | None:
    """Recognise two spellings of yes and no."""
    found = {text.casefold() for text in strings.texts} if len(strings.texts) <= 8 else set()
    for false, true in BOOLEANS:
        if found == {false, true}:
            recipe = {"how": "boolean", "false": [false], "true": [true]}
            return Reading(recipe, f"'{true}' and '{false}'", 1.0)
    return None


def read_plain_numbers(strings: Strings) -> Reading | None:
    """Recognise numbers that were kept as strings, with thousands set apart or a comma before the decimals."""
    texts = strings.texts
    # A zero in front, as in postcodes, is lost in a number.
    if strings.share(texts.str.fullmatch(r"0\d{2,}")) > 1 - ENOUGH:
        return None
    comma = texts.str.fullmatch(r"-?0,\d+").any()
    for decimal in (",",) if comma else (".", ","):
        values = convert.read_numbers(texts, "." if decimal == "," else ",", decimal)
        share = strings.share(~np.isnan(values))
        if share >= ENOUGH:
            if decimal == ",":
                settings = {"how": "number", "decimal": ",", "thousands": "."}
                return Reading(settings, "numbers with a decimal comma", share)
            return Reading({"how": "number"}, "numbers kept as text", share)
    return None


def read_clock(strings: Strings) -> Reading | None:
    """Recognise times of the day and lengths of time."""
    texts = strings.texts
    share = strings.share(texts.str.fullmatch(convert.CLOCK[1:-1]))
    if share >= ENOUGH:
        return Reading({"how": "clock"}, "times of the day, as seconds", share)
    share = strings.share(texts.str.fullmatch(convert.DURATION[1:-1]))
    two_units = strings.share(texts.str.contains(r"\d\s*[dh].*\d\s*[mhs]"))
    if share >= ENOUGH and two_units >= 0.2:
        return Reading({"how": "duration"}, "lengths of time, as seconds", share)
    return None


def read_fractions(strings: Strings) -> Reading | None:
    """Recognise '10/49'."""
    found = strings.texts.str.extract(convert.FRACTION)
    share = strings.share(found[0].notna())
    if share < ENOUGH:
        return None
    parts = 1 if found[1].nunique() == 1 else 2
    return Reading({"how": "fraction", "parts": parts}, "fractions", share)


def read_embedded(strings: Strings) -> Reading | None:
    """Recognise one number among a currency and a unit: '$2.39', '23.4 kmpl', '12%', '1.2M', '3rd'."""
    texts = strings.texts
    commas = strings.share(texts.str.contains(r"\d,\d{1,2}(?!\d)")) > 1 - ENOUGH
    number = convert.NUMBER_WITH_COMMA if commas else convert.NUMBER
    found = texts.str.extract(rf"(?i)^({PREFIX})({number})([^\d]*)$")
    suffixes = found[2].str.strip(" )").str.casefold()
    frequent = _frequent(suffixes, strings.counts)
    share = strings.share(suffixes.isin(list(frequent)))
    units = [one for one in frequent if one]
    prefixes = _frequent(found[0].str.strip(" (-<>≤≥~≈±="), strings.counts)
    if share < ENOUGH or not _are_units(frequent) or not (units or any(prefixes)):
        return None
    recipe: dict[str, Any] = {"how": "embedded number"}
    if any(prefixes):
        recipe["prefix"] = max(filter(None, prefixes), key=prefixes.__getitem__)
    if units:
        recipe["suffix"] = units[0]
    if commas:
        recipe["decimal"] = ","
    bare = [unit.rstrip("+") for unit in units]
    if units and set(bare) - {""} <= set(convert.SCALES) and (any(prefixes) or len(set(bare)) > 1 or "" in frequent):
        recipe["scaled"] = True
    elif len(units) > 1 and not set(units) <= {"st", "nd", "rd", "th"}:
        recipe["units"] = sorted(units)
    around = " or ".join(repr(one) for one in (recipe.get("units") or [*filter(None, prefixes), *units[:1]]))
    return Reading(recipe, f"numbers with {around}", share)


def _frequent(values: pd.Series, counts: np.ndarray) -> dict[str, float]:
    """Return the values that make up at least 1 % of the cells, the most frequent first."""
    weights = pd.Series(counts, index=values.index).groupby(values).sum().sort_values(ascending=False)
    weights = weights / max(1, counts.sum())
    return {str(name): float(share) for name, share in weights.items() if share >= 0.01}


def _are_units(frequent: dict[str, float]) -> bool:
    if len(frequent) > 8:
        return False
    letters = [unit for unit in frequent if len(unit) == 1 and unit.isalpha()]
    known = set(letters) <= UNIT_LETTERS
    # '12a', '12b', '12c' are codes; '5k' beside '3m' are not.
    alike = len(letters) <= 1 or set(letters) <= set(convert.SCALES)
    return known and alike and all(len(unit) <= 20 for unit in frequent)


def read_several(strings: Strings) -> Reading | None:
    """Recognise two or three numbers in a fixed pattern: '190Nm@ 2000rpm', '39__43', '10 x 20 cm'."""
    texts = strings.texts
    if len(texts) <= 12 or strings.share(texts.str.match(rf"(?i)^{PREFIX}\d")) < ENOUGH:
        return None
    # Zeros in front and letters right before digits make codes; '10x20' does not.
    if strings.share(texts.str.contains(r"(?:^|\D)0\d|[A-Za-wyz]\d")) > 0.2:
        return None
    counts = texts.str.count(convert.NUMBER)
    parts = next((n for n in (3, 2) if strings.share(counts >= n) >= ENOUGH), 0)
    if not parts:
        return None
    skeletons = texts.str.replace(convert.NUMBER, "#", regex=True).str.replace(r"\s", "", regex=True).str.casefold()
    frequent = _frequent(skeletons, strings.counts)
    unique = len(texts) > 0.9 * strings.counts.sum()
    worded = strings.share(skeletons.str.contains(r"[a-z@°×*]")) >= ENOUGH
    # '#.#.#' is an address of a machine or a version; different in every row and without units, it is a number plate.
    if len(frequent) > 12 or sum(frequent.values()) < 0.9 or "#.#" in frequent or (unique and not worded):
        return None
    found = convert.read_embedded(texts, {"how": "embedded number", "parts": parts})
    share = strings.share(~np.isnan(found[:, 0]))
    if share < ENOUGH:
        return None
    return Reading({"how": "embedded number", "parts": parts}, f"{parts} numbers in each value", share)


def read_dates(strings: Strings) -> Reading | None:
    """Recognise dates by the forms that the values have; the order of day and month follows from days above 12."""
    kept = np.argsort(-strings.counts, kind="stable")[:2000]
    texts, counts = strings.texts.iloc[kept].reset_index(drop=True), strings.counts[kept]
    some = texts.head(200)
    named = some.str.contains(r"(?i)(?:^|[^a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:$|[^a-z])")
    if (named | some.str.contains(r"\d[-/.]\d")).mean() < 0.9:
        return None
    forms = [_form(text) for text in texts]
    weights: Counter[str] = Counter()
    for form, count in zip(forms, counts, strict=True):
        if form:
            weights[form] += int(count)
    chosen = [form for form, _ in weights.most_common(4)]
    if sum(weights[form] for form in chosen) < ENOUGH * counts.sum():
        return None
    formats, unclear = [], False
    for form in chosen:
        same = texts[[one == form for one in forms]]
        resolved, doubtful = _resolve(form, same)
        if resolved:
            formats.append(resolved)
            unclear |= doubtful
    formats = list(dict.fromkeys(formats))
    return _checked(Strings(texts, counts), formats, unclear) if formats else None


def _checked(strings: Strings, formats: list[str], unclear: bool) -> Reading | None:
    recipe: dict[str, Any] = {"how": "date", "formats": formats}
    if all(form.startswith("%Y-%m-%d") for form in formats):
        recipe["formats"] = ["ISO8601", *formats]
    if any("%y" in form for form in formats):
        recipe["first_year"] = _first_year(strings.texts, formats)
    seconds = convert.read_dates(strings.texts, recipe["formats"], recipe.get("first_year"))
    years = 1970 + seconds / 31556952
    share = strings.share((years > 1200) & (years < 2300))
    if share < ENOUGH:
        return None
    note = f"no value says whether the day or the month comes first; read as {formats[0]}" if unclear else ""
    reason = f"{share:.0%} of the values read as {' or '.join(formats[:2])}" + (f" ({note})" if note else "")
    return Reading(recipe, reason, share, note)


def _first_year(texts: pd.Series, formats: Iterable[str]) -> int:
    """Choose the hundred years that two-digit years mean: they begin in the widest gap, and end by 2050 or so."""
    seconds = convert.read_dates(texts, [form for form in formats if "%y" in form])
    dates = pd.to_datetime(pd.Series(seconds[~np.isnan(seconds)]), unit="s")
    years = np.unique(dates.dt.year.to_numpy() % 100)
    if not len(years):
        return 1969
    gaps = np.diff(np.append(years, years[0] + 100))
    widest = int(np.argmax(gaps))
    if gaps[widest] < 6:
        return 1969
    first = int(years[(widest + 1) % len(years)]) + 1900
    span = 100 - int(gaps[widest])
    first += 100 if first + 100 + span <= 2050 else 0
    return first - int(gaps[widest]) // 2


def _form(text: str) -> str:
    """Write a date as a format in which `#` stands for a number of one or two digits; empty where it is no date."""
    time = TIME.search(text)
    head, tail = text, ""
    if time:
        head = text[: time.start()]
        hour = "%I" if time["half"] else "%H"
        tail = time["gap"] + hour + ":%M" + (":%S" if time["s"] else "") + (".%f" if time["f"] else "")
        tail += re.sub(r"[AaPp][Mm]", "%p", time["half"] or "")
        zone = time["zone"] or ""
        tail += zone if zone.strip() in {"UTC", "GMT"} else re.sub(r"\S+", "%z", zone)
    form = ""
    for token in re.findall(r"[A-Za-z]+|\d+|[^A-Za-z\d]+", head):
        if token.isdigit():
            part = {4: "%Y", 2: "#", 1: "#"}.get(len(token), "")
        elif token.isalpha():
            part = _name_format(token.casefold())
        else:
            part = token if "%" not in token and len(token) <= 2 else ""
        if not part:
            return ""
        form += part
    return form + tail


def _name_format(word: str) -> str:
    if word in MONTHS:
        return "%b" if word == "may" else "%B"
    if word in DAYS:
        return "%A"
    short = {name[:3]: "%b" for name in MONTHS} | {name[:3]: "%a" for name in DAYS}
    return short.get(word, "t" if word == "t" else "")


def _resolve(form: str, texts: pd.Series) -> tuple[str, bool]:
    """Say what the short numbers of a form are, by their values; the second answer tells of doubt."""
    month_named, year_long, n = "%b" in form or "%B" in form, "%Y" in form, form.count("#")
    numbers = texts.str.findall(r"(?<!\d)\d{1,2}(?!\d)").str[:n]
    columns = [pd.to_numeric(numbers.str[index]).to_numpy(np.float64) for index in range(n)]
    order: list[str] | None = None
    doubtful = False
    if month_named and year_long:
        order = {0: [], 1: ["%d"]}.get(n)
    elif month_named and n == 2:
        order = ["%y", "%d"] if (columns[0] > 31).any() else ["%d", "%y"]
    elif month_named and n == 1:
        order = ["%y"] if (columns[0] > 31).any() or (columns[0] == 0).any() else None
    elif year_long and n == 1:
        order = ["%m"] if (columns[0] <= 12).all() else None
    elif year_long and n == 2 and form.startswith("%Y"):
        order = ["%m", "%d"]
    elif n in (2, 3) and year_long == (n == 2):
        if n == 3 and (columns[0] > 31).any():
            order = ["%y", "%m", "%d"]
        else:
            order, doubtful = _day_and_month(columns, form)
            order = order if year_long else [*order, "%y"]
    if order is None:
        return "", False
    for part in order:
        form = form.replace("#", part, 1)
    return form, doubtful


def _day_and_month(columns: list[np.ndarray], form: str) -> tuple[list[str], bool]:
    day_first, month_first = int((columns[0] > 12).sum()), int((columns[1] > 12).sum())
    if day_first == month_first == 0:
        constant = [len(np.unique(column)) == 1 for column in columns[:2]]
        # Monthly data stand on one day; else the separator tells what is usual.
        first = constant[0] if constant[0] != constant[1] else "/" not in form
        return (["%d", "%m"] if first else ["%m", "%d"]), True
    return (["%d", "%m"] if day_first > month_first else ["%m", "%d"]), False
