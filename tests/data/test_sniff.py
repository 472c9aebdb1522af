"""The delimiter is the one that cuts the most regular table, whatever else occurs in the cells."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.data.delimited.anatomy import clean_names, find_anatomy
from tamis.data.delimited.encoding import find_encoding
from tamis.data.delimited.sniff import sniff, split_lines


@pytest.mark.parametrize(
    ("text", "delimiter", "width"),
    [
        ("a;b\n3,5;4,2\n1,5;2,25\n", ";", 2),
        ("1,5;2,5;3,5\n4,5;5,5;6,5\n", ";", 3),
        ("a,b\n1,x; y\n2,z; w\n", ",", 2),
        ("a\tb\n1,5\tx\n2,5\ty\n", "\t", 2),
        ('"a, b";"c"\n"d, e";"f"\n', ";", 2),
        ("one line of words\nanother line\n", "", 1),
        ("x y z\n1 2 3\n4 5 6\n", " ", 3),
    ],
)
def test_the_delimiter_is_found(text: str, delimiter: str, width: int) -> None:
    verdict = sniff(text)
    assert (verdict.dialect.delimiter, verdict.width) == (delimiter, width)


@pytest.mark.parametrize(
    "text",
    [
        "'a','b'\n'1','x,1'\n",
        "'a','b'\r\n" + "".join(f"'{n}','x,{n}'\r\n" for n in range(20)),
        "id,name,v\n" + "".join(f"{n},'Smith, J',{n}.5\n" for n in range(20)),
        "'a','b'\n" + "".join(f"'n{n}','x and y, then {n}'\n" for n in range(20)),
    ],
)
def test_single_quotation_marks_hold_the_delimiter(text: str) -> None:
    verdict = sniff(text)
    assert verdict.dialect.quote == "'"
    assert {len(record) for record, _ in verdict.dialect.measured(split_lines(text))} == {verdict.width}


def test_an_apostrophe_is_no_quotation_mark() -> None:
    assert sniff("a,b\n1,rock 'n roll\n2,it's\n3,'tis\n").dialect.quote == '"'


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.text("abcdefg", min_size=1, max_size=5), min_size=3, max_size=5, unique=True),
    seed=st.integers(0, 1000),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_the_csv_module_writes_is_cut_as_it_was(names: list[str], seed: int, delimiter: str) -> None:
    rows = [[str(seed + i), f"text {delimiter} {i}", *[f"{i}.5"] * (len(names) - 2)] for i in range(6)]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([names, *rows])
    verdict = sniff(out.getvalue())
    assert verdict.dialect.delimiter == delimiter
    records = [record for record, _ in verdict.dialect.measured(split_lines(out.getvalue()))]
    assert records == [names, *rows]
    assert find_anatomy(records, verdict.width).names == names


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["", "a", "a.1", "b", " a ", "column_1", "column_2"]), min_size=1, max_size=8))
def test_cleaned_names_are_unique(raw: list[str]) -> None:
    names, _ = clean_names(raw, len(raw))
    assert len(set(names)) == len(raw)
    assert all(names)


@settings(max_examples=50, deadline=None)
@given(CELLS)
def test_utf8_is_told_from_its_bytes(text: str) -> None:
    assert find_encoding((text + "\n").encode()).decode((text + "\n").encode()) == text + "\n"
