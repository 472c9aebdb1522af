"""Tests of how a script reads cells of text."""

import numpy as np
import pandas as pd
import pytest

from tamis.export.script.carried.table import (
    booleans_of,
    codes_of,
    contiguous,
    numbers_of,
    spelling,
    texts_of,
    without_rows_below_header,
)


def test_rows_below_the_header_are_left_out_with_the_target_and_without() -> None:
    raw = pd.DataFrame({"size": [" mm", "1", "mm"], "sort": ["", "a", "b"]})
    known = [{"size": "mm", "sort": ""}]
    assert without_rows_below_header(raw, known).to_dict("list") == {"size": ["1", "mm"], "sort": ["a", "b"]}
    assert without_rows_below_header(raw[["size"]], known)["size"].tolist() == ["1", "mm"]
    assert without_rows_below_header(raw.iloc[1:], known)["size"].tolist() == ["1", "mm"]
    assert len(without_rows_below_header(raw[["sort"]], known)) == 3, "a blank alone is no row of units"
    other = raw.rename(columns={"size": "length", "sort": "kind"})
    assert without_rows_below_header(other, known)["kind"].tolist() == ["", "a", "b"]


def test_numbers_are_read_to_the_last_digit_and_words_are_missing() -> None:
    cells = pd.Series(["0.1", " 7 ", "1e3", "\u22122.5", "", "NA", "n.a.", "word", "inf"])
    found = numbers_of(cells)
    np.testing.assert_array_equal(found, [0.1, 7.0, 1000.0, -2.5, *[np.nan] * 5])


def test_other_notations_are_read() -> None:
    assert numbers_of(pd.Series(["1.234,5", "x"]), decimal=",", thousands=".", missing=("x",)).tolist()[0] == 1234.5


def test_texts_lose_their_blanks_and_what_stands_for_no_value() -> None:
    found = texts_of(pd.Series([" a ", "", "NA", "?", "b"]), missing=("?",))
    assert found.isna().tolist() == [False, True, True, True, False] and found[0] == "a"


def test_booleans_are_read_in_any_case() -> None:
    found = booleans_of(pd.Series(["True", "FALSE", "", "maybe"]))
    assert found[0] is True and found[1] is False and found[2:].isna().all()


def test_classes_meet_however_they_are_spelled() -> None:
    assert codes_of(pd.Series([1.0, 0.0, np.nan]), [0, 1]).tolist() == [1, 0, -1]
    assert spelling(3.0) == spelling(3) == spelling(" 3 ")
    with pytest.raises(SystemExit, match="'blue', which is none of the classes"):
        codes_of(pd.Series(["blue"]), ["red", "green"])


def test_a_matrix_is_laid_out_row_by_row() -> None:
    assert contiguous(np.ones((3, 4)).T).flags.c_contiguous
