"""Recognises dates by the forms that the values have, in numbers and in words."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tamis.data import convert, notation
from tamis.data.months import in_english, names_month
from tamis.data.recipe import ENOUGH, Reading, Strings

MAX_STRINGS = 2_000
"""Different strings that are looked at, the most frequent first."""
MONTHS: tuple[str, ...] = ("january", "february", "march", "april", "may", "june", "july", "august")
MONTHS += ("september", "october", "november", "december")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIME = re.compile(
    r"(?P<gap>T|,?\s+)(?P<clock>\d{1,2}:\d{2}(?P<s>:\d{2})?(?P<f>\.\d+)?)(?P<half>\s?[AaPp][Mm])?"
    r"(?P<zone>\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?$"
)


def read_dates(strings: Strings) -> Reading | None:
    """Recognise dates; the order of day and month follows from days above 12.

    Dates that stand for none, such as 9999-12-31, are left aside, and told in the note.

    Examples
    --------
    >>> read_dates(Strings(pd.Series(["3. Mai 2024", "24. Dezember 2023"]), np.array([1, 1]))).recipe
    {'how': 'date', 'formats': ['%d. %b %Y'], 'translate': True}
    """
    empty = notation.stands_for_no_date(strings.texts)
    real = strings.where(~empty)
    if not len(real.texts):
        return None
    reading = _read(real) or _read_foreign(real)
    if reading is None or not empty.any():
        return reading
    note = f"{int(strings.counts[empty].sum()):,} cells such as {strings.texts[empty].iloc[0]!r} stand for no date"
    return replace(reading, reason=f"{reading.reason}; {note}", note="; ".join(filter(None, [reading.note, note])))


def _read_foreign(strings: Strings) -> Reading | None:
    """Recognise dates whose months are named in another language, or that hold more words than those."""
    if np.mean([names_month(text) for text in strings.texts.head(200)]) < 0.9:
        return None
    texts = strings.texts.map(in_english)
    reading = _read(Strings(texts, strings.counts))
    return None if reading is None else replace(reading, recipe={**reading.recipe, "translate": True})


def _read(strings: Strings) -> Reading | None:
    kept = np.argsort(-strings.counts, kind="stable")[:MAX_STRINGS]
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
            part = token if not {"%", "#"} & set(token) and len(token) <= 3 else ""
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
    # A range ('03/2012-11/2019') or a pair of coordinates is not one date.
    parts = [part.replace("B", "b").replace("A", "a") for part in re.findall("%[A-Za-z]", form)]
    return (form, doubtful) if len(set(parts)) == len(parts) else ("", False)


def _day_and_month(columns: list[np.ndarray], form: str) -> tuple[list[str], bool]:
    day_first, month_first = int((columns[0] > 12).sum()), int((columns[1] > 12).sum())
    if day_first == month_first == 0:
        constant = [len(np.unique(column)) == 1 for column in columns[:2]]
        # Monthly data stand on one day; else the separator tells what is usual.
        first = constant[0] if constant[0] != constant[1] else "/" not in form
        return (["%d", "%m"] if first else ["%m", "%d"]), True
    return (["%d", "%m"] if day_first > month_first else ["%m", "%d"]), False
