"""Finds the recipe that reads a column of strings: numbers and what surrounds them, dates, times, truth values."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tamis.data import convert, notation
from tamis.data.dates import read_dates
from tamis.data.recipe import ENOUGH, Reading, Strings

MAX_STRINGS = 3_000
"""Different strings that are looked at."""
MAX_TOKENS = 2
"""So many words among numbers may stand for missing ones, whatever they say."""
MIN_QUANTITIES = 12
"""Different strings that a column must have beside such words; with fewer the words may be levels like the others."""
BOOLEANS = (("no", "yes"), ("false", "true"), ("f", "t"), ("n", "y"), ("off", "on"), ("0", "1"))
CURRENCY = r"(?:(?:US|R|A|C|HK|NZ)?[$€£¥₹₩₽]|USD|EUR|GBP|INR|CHF|AUD|CAD|JPY|Rs\.?)"
SIGNS = "-<>≤≥~≈±("
PREFIX = rf"\s*[{SIGNS}]?=?\s*(?:{CURRENCY}\s*)?"
UNIT_LETTERS = frozenset("gmlstvwachkfbpx")
"""Single letters that are units, or stand for a thousand and so on; other single letters make a code."""


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
    strings = Strings(notation.plain_minus(strings.texts), strings.counts)
    return _recognise(strings) or _beside_words(strings)


def _recognise(strings: Strings) -> Reading | None:
    if strings.share(strings.texts.str.contains(r"\d")) < ENOUGH:
        return None
    if (reading := read_plain_numbers(strings)) and reading.share < 1:
        # Plain numbers among which a few are written '<5' or '12 kg' are read with those.
        richer = read_embedded(strings)
        return richer if richer and richer.share > reading.share else reading
    if reading:
        return reading
    for attempt in (read_dates, read_clock, read_fractions, read_embedded, read_several):
        if reading := attempt(strings):
            return reading
    return None


def _beside_words(strings: Strings) -> Reading | None:
    """Take one or two words for missing, where all else in the column reads."""
    worded = ~strings.texts.str.contains(r"\d").to_numpy(bool)
    share = strings.share(worded)
    if not 1 <= worded.sum() <= MAX_TOKENS or share > 0.5 or (~worded).sum() < MIN_QUANTITIES:
        return None
    reading = _recognise(strings.where(~worded))
    if reading is None:
        return None
    words = [str(word) for word in strings.texts[worded]]
    note = f"{' and '.join(map(repr, words))} taken as missing ({share:.0%} of the cells)"
    recipe = {**reading.recipe, "missing": words}
    return replace(reading, recipe=recipe, reason=f"{reading.reason}; {note}", share=1 - share, note=note)


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
    texts = notation.plain_signs(strings.texts)
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
    """Recognise one number among a sign, a currency and a unit: '$2.39', '23.4 kmpl', '12%', '1.2M', '3rd', '<5'."""
    texts = strings.texts
    commas = strings.share(texts.str.contains(r"\d,\d{1,2}(?![\d,])")) > 1 - ENOUGH
    number = notation.NUMBER_WITH_COMMA if commas else notation.NUMBER
    found = texts.str.extract(rf"(?i)^({PREFIX})({number})([^\d]*)$")
    suffixes = notation.units_of(found[2])
    frequent = _frequent(suffixes, strings.counts)
    share = strings.share(suffixes.isin(list(frequent)))
    units = [one for one in frequent if one]
    prefixes = _frequent(found[0].str.strip(f" ={SIGNS}"), strings.counts)
    signed = bool((found[0].str.strip().ne("") | found[2].str.contains("-", regex=False)).where(found[1].notna()).any())
    if share < ENOUGH or not _are_units(frequent) or not (units or any(prefixes) or signed):
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
    return Reading(recipe, f"numbers with {around or 'signs'}", share)


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
    places = _are_coordinates(strings)
    if not places and strings.share(texts.str.contains(r"(?:^|\D)0\d|[A-Za-wyz]\d")) > 0.2:
        return None
    counts = texts.str.count(notation.NUMBER)
    parts = next((n for n in (3, 2) if strings.share(counts >= n) >= ENOUGH), 0)
    if not parts:
        return None
    skeletons = texts.str.replace(notation.NUMBER, "#", regex=True).str.replace(r"\s", "", regex=True).str.casefold()
    frequent = _frequent(skeletons, strings.counts)
    unique = len(texts) > 0.9 * strings.counts.sum()
    worded = strings.share(skeletons.str.contains(r"[a-z@°×*]")) >= ENOUGH or places
    # '#.#.#' is an address of a machine or a version; different in every row and without units, it is a number plate.
    if len(frequent) > 12 or sum(frequent.values()) < 0.9 or "#.#" in frequent or (unique and not worded):
        return None
    if not _share_a_word(frequent):
        return None  # what the words say, as the months of an unknown language, would be lost
    found = convert.read_embedded(texts, {"how": "embedded number", "parts": parts})
    share = strings.share(~np.isnan(found[:, 0]))
    if share < ENOUGH:
        return None
    return Reading({"how": "embedded number", "parts": parts}, f"{parts} numbers in each value", share)


def _are_coordinates(strings: Strings) -> bool:
    """Tell whether the numbers are places: '42.3796, 4.8981'."""
    number = r"[-+]?\d+\.\d+"
    return strings.share(strings.texts.str.fullmatch(rf"\(?\s*{number}(?:\s*[,;]\s*{number})+\s*\)?")) >= ENOUGH


def _share_a_word(frequent: dict[str, float]) -> bool:
    """Tell whether most patterns have one word in common, or hold none."""
    shares: dict[str, float] = {}
    for skeleton, share in frequent.items():
        for word in set(re.findall(r"[^\W\d_]+", skeleton)) or {""}:
            shares[word] = shares.get(word, 0.0) + share
    return max(shares.values()) >= 0.5 * sum(frequent.values())
