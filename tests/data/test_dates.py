"""Dates are recognised by their form; what only looks like one is left alone, and nothing makes it fail."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.data import convert
from tamis.data.dates import read_dates
from tamis.data.recipe import Strings
from tamis.data.recognise import recognise


def strings(texts: list[str]) -> Strings:
    different = list(dict.fromkeys(texts))
    return Strings(pd.Series(different, dtype=object), np.array([texts.count(one) for one in different]))


@pytest.mark.parametrize(
    "text", ["42.3796, 4.8981", "03/2012-11/2019", "Jan-Apr 2018", "May 3, May 2018", "4-1234-5678", "12#3-2020"]
)
def test_what_holds_two_years_or_months_is_no_date(text: str) -> None:
    assert read_dates(strings([text, text.replace("1", "2")])) is None


PIECES = st.one_of(
    st.integers(0, 20_000).map(str),
    st.sampled_from([*"-/., :#%T", "Jan", "may", "Mon", "mars", "12:30", "am", "Z", "07"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PIECES, min_size=1, max_size=7).map("".join), min_size=1, max_size=4))
def test_no_string_of_digits_and_separators_is_too_much(texts: list[str]) -> None:
    reading = recognise(strings(texts))
    if reading is not None and reading.recipe["how"] == "date":
        values = convert.to_values(pd.Series(texts, dtype=object), reading.recipe)
        assert np.isfinite(values).mean() > 0.5


MONTHS_OF = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier fevrier mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}


@pytest.mark.parametrize("language", MONTHS_OF)
@pytest.mark.parametrize("form", ["{day}. {month} {year}", "{day} de {month} de {year}", "{day}-{month:.4}-{year}"])
def test_months_are_read_in_other_languages(language: str, form: str) -> None:
    days = pd.date_range("2019-12-25", periods=60, freq="23D")
    texts = [form.format(day=day.day, month=MONTHS_OF[language].split()[day.month - 1], year=day.year) for day in days]
    reading = read_dates(strings(texts))
    assert reading is not None
    seconds = convert.to_values(pd.Series(texts, dtype=object), reading.recipe)[:, 0]
    assert (pd.to_datetime(seconds, unit="s") == days).all()


def test_months_of_an_unknown_language_are_not_cut_away() -> None:
    months = ["stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia"]
    texts = [f"{n % 28 + 1} {months[n % 8]} {2000 + n % 20}" for n in range(100)]
    assert recognise(strings(texts)) is None


@pytest.mark.parametrize("empty", ["0000-00-00", "9999-12-31", "31/12/9999", "0000-00-00 00:00:00"])
def test_a_date_that_stands_for_none_is_missing_and_told(empty: str) -> None:
    texts = [f"20{n % 20:02d}-0{n % 9 + 1}-1{n % 7}" for n in range(60)] + [empty] * 15
    reading = read_dates(strings(texts))
    assert reading is not None
    assert f"15 cells such as '{empty}'" in reading.note
    values = convert.to_values(pd.Series(texts, dtype=object), reading.recipe)[:, 0]
    assert np.isnan(values).tolist() == [False] * 60 + [True] * 15
