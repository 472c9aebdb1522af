"""Dates in words are written in English, whatever the language of their months."""

import pytest

from tamis.data.months import MONTHS, in_english, names_month


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("1. Januar 2024", "1. Jan 2024"),
        ("Mo, 03. Mrz 2024", "03. Mar 2024"),
        ("Donnerstag, 4. Mai 2023", "4. May 2023"),
        ("3 fevrier 2024", "3 Feb 2024"),
        ("lundi 1er août 2022", "1 Aug 2022"),
        ("15 juil. 2020", "15 Jul. 2020"),
        ("3 de enero de 2024", "3 Jan 2024"),
        ("2 setembro 1999", "2 Sep 1999"),
        ("7 giugno 2001", "7 Jun 2001"),
        ("1 mrt 2011", "1 Mar 2011"),
        ("3rd of March, 2024", "3 Mar, 2024"),
        ("Mar 3, 2024", "Mar 3, 2024"),
        ("5 May 2024 10:30 am", "5 May 2024 10:30 am"),
    ],
)
def test_the_month_is_named_in_english(text: str, english: str) -> None:
    assert in_english(text) == english


def test_a_short_form_of_two_months_is_none() -> None:
    assert "jui" not in MONTHS  # juin, juillet
    assert not names_month("3 jui 2020")
    assert names_month("3 Sept. 2020")
