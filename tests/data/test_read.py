"""Files of every kind are read to their right shape, what was found is noted, and what is no table is refused."""

import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tamis.core.errors import DataError, ParameterError
from tamis.data.layout import Layout, Reading
from tamis.data.read import read_table

SHARED = Path(os.environ.get("TAMIS_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"
MESSY = {
    "gdp_per_capita.csv": (189, 7),
    "volcano_latin1.csv": (1571, 10),
    "red_wine_semicolon.csv": (1599, 12),
    "population_bom_semicolon.csv": (410, 31),
    "earthquake_cr.csv": (3502, 18),
    "employee_attrition_bom.csv": (1470, 35),
    "wdbc_trailing_column.csv": (569, 32),
    "thanksgiving_survey.csv": (1058, 65),
    "nutrition_wide.csv": (54, 1093),
    "county_unemployment_thousands.csv": (3219, 9),
    "heart_disease_orange.tab": (303, 14),
}

Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a content to a file and read it."""

    def write_and_read(content: str | bytes, name: str = "table.csv", **options: object) -> Reading:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, **options)  # type: ignore[arg-type]

    return write_and_read


def messy(name: str) -> Path:
    path = SHARED / "messy" / name
    if not path.exists():
        pytest.skip("the shared data does not lie beside the checkout")
    return path


@pytest.mark.shared
@pytest.mark.parametrize(("name", "shape"), MESSY.items())
def test_a_messy_file_is_read_to_its_right_shape(name: str, shape: tuple[int, int]) -> None:
    frame = read_table(messy(name)).frame
    assert frame.shape == shape
    assert frame.columns.is_unique


@pytest.mark.shared
def test_ragged_html_is_refused_with_its_rows_named() -> None:
    with pytest.raises(DataError, match=r"homicides_not_a_table\.txt: is not a table.*rows \d+"):
        read_table(messy("homicides_not_a_table.txt"))


@pytest.mark.shared
def test_messy_numbers_become_numbers_and_codes_stay_codes() -> None:
    county = read_table(messy("county_unemployment_thousands.csv")).frame
    assert county["Labor Force"].iloc[0] == 25649
    assert county["State FIPS Code"].iloc[0] == "01"
    assert county.columns[0] == "LAUS Code"
    gdp = read_table(messy("gdp_per_capita.csv"))
    assert gdp.frame["2015"].iloc[1] == 3995.383
    assert any("footer" in note and "International Monetary Fund" in note for note in gdp.notes)
    heart = read_table(messy("heart_disease_orange.tab"))
    assert heart.frame["major vessels colored"].isna().sum() == 4
    assert heart.layout.orange


@pytest.mark.shared
def test_a_plain_file_is_read_as_pandas_does() -> None:
    path = SHARED / "tabular" / "diamonds" / "train.csv.gz"
    if not path.exists():
        pytest.skip("the shared data does not lie beside the checkout")
    pd.testing.assert_frame_equal(read_table(path).frame, pd.read_csv(path))


def test_a_european_export_has_semicolons_and_decimal_commas(read: Read) -> None:
    found = read("Ort;Preis;Menge\r\nKöln;1.234,56;3\r\nBonn;0,5;12\r\n".encode("cp1252"))
    assert found.frame["Preis"].tolist() == [1234.56, 0.5]
    assert found.frame["Menge"].tolist() == [3, 12]
    assert found.frame["Ort"].iloc[0] == "Köln"
    assert 'delimiter ";"' in found.notes
    assert "encoding latin-1" in found.notes
    assert (found.layout.delimiter, found.layout.decimal, found.layout.thousands) == (";", ",", ".")


def test_dots_are_thousands_in_a_file_with_decimal_commas(read: Read) -> None:
    frame = read("a;b\n1.234;3,5\n2.345;4,5\n999;1,25\n").frame
    assert frame["a"].tolist() == [1234, 2345, 999]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_every_unicode_encoding_is_found(read: Read, encoding: str) -> None:
    frame = read("id,name\r\n1,é\r\n2,ü\r\n".encode(encoding)).frame
    assert frame.columns.tolist() == ["id", "name"]
    assert frame["name"].tolist() == ["é", "ü"]


@pytest.mark.parametrize("late", ["café", "Zürich – Köln"])
@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_an_encoding_that_shows_late_is_found(read: Read, late: str, encoding: str) -> None:
    frame = read(("a,b\n" + "1,x\n" * 80_000 + f"2,{late}\n").encode(encoding)).frame
    assert frame["b"].iloc[-1] == late
    assert len(frame) == 80_001


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read(read: Read, end: str) -> None:
    assert read(end.join(["a,b", "1,x", "2,y"])).frame["a"].tolist() == [1, 2]


def test_mixed_line_ends_are_read(read: Read) -> None:
    assert read("a,b\r\n1,2\n3,4\r\n").frame["b"].tolist() == [2, 4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_every_delimiter_is_found(read: Read, delimiter: str) -> None:
    rows = [["a", "b", "c"], ["1", "2.5", "x"], ["3", "4.5", "y"], ["5", "6.5", "z"]]
    found = read("\n".join(delimiter.join(row) for row in rows), "table.txt")
    assert found.frame.to_dict("list") == {"a": [1, 3, 5], "b": [2.5, 4.5, 6.5], "c": ["x", "y", "z"]}
    assert found.layout.delimiter == delimiter


def test_quoted_cells_hold_delimiters_quotes_and_line_ends(read: Read) -> None:
    frame = read('id,text\n1,"a, ""b""\nc; d"\n2,"x"\n').frame
    assert frame["text"].tolist() == ['a, "b"\nc; d', "x"]


def test_quotes_behind_blanks_and_behind_backslashes_are_understood(read: Read) -> None:
    assert read('n, a\n "Smith, J", 5\n "Doe, K", 6\n').frame["n"].tolist() == ["Smith, J", "Doe, K"]
    assert read('n,a\n"say \\"hi, you\\"",5\n"x",6\n"y\\"z, k",7\n').frame["n"].iloc[0] == 'say "hi, you"'


def test_a_stray_quote_does_not_swallow_the_file(read: Read) -> None:
    assert read('a,b\n1,"x\n2,y\n3,z\n').frame.shape == (3, 2)


def test_preamble_comments_and_metadata_are_left_out(read: Read) -> None:
    found = read("Sales Report,,,\nCreated,2024-01-01,,\n,,,\nid,name,amount,city\n1,Bob,3.5,X\n2,Al,4.5,Y\n3,Cy,1,X\n")
    assert found.frame.columns.tolist() == ["id", "name", "amount", "city"]
    assert "2 rows before the header left out" in found.notes
    assert read("# made by a tool\n# version 2\na,b\n1,2\n3,4\n").frame.columns.tolist() == ["a", "b"]
    assert read("sep=;\na;b\n1,5;2\n").frame["a"].tolist() == [1.5]


def test_footers_and_totals_are_left_out_and_quoted(read: Read) -> None:
    found = read("city,n,m\nA,1,2\nB,2,3\nC,3,4\nTotal,6,9\n\nSource: the town hall\n")
    assert found.frame["n"].tolist() == [1, 2, 3]
    assert any("Total 6 9" in note for note in found.notes)
    assert any('footer of 1 row left out: "Source: the town hall"' in note for note in found.notes)


@pytest.mark.parametrize(
    "footer",
    ["Source: World Bank, 2020\n", "Source: World Bank, UN, IMF, 2020\n", "\nSource: UN, 2020, x\nNote: a, b\n"],
)
@pytest.mark.parametrize("columns", ["c,v", "c,v,w"])
def test_a_footer_that_holds_the_delimiter_is_left_out(read: Read, columns: str, footer: str) -> None:
    rows = "".join(f"{name},{n},{n + 1}"[: 3 if columns == "c,v" else 5] + "\n" for n, name in enumerate("ABCDEFG"))
    found = read(f"{columns}\n{rows}{footer}")
    assert found.frame["c"].tolist() == list("ABCDEFG")
    assert pd.api.types.is_integer_dtype(found.frame["v"])
    assert any("footer" in note and "Source:" in note for note in found.notes)
    again = read(f"{columns}\n{rows}{footer}", "new.csv", layout=found.layout)
    assert len(again.frame) == 7


def test_rows_that_begin_like_remarks_are_rows_where_others_do(read: Read) -> None:
    assert len(read("c,v\nSource: a,1\nSource: b,2\nSource: c,3\n").frame) == 3
    found = read("c,v,w\nNote: a,1,2\nNote: b,2\nx,3,4\nNote: c,4\n").frame
    assert found["c"].tolist() == ["Note: a", "Note: b", "x", "Note: c"]


def test_a_total_that_is_a_level_stays(read: Read) -> None:
    assert len(read("sex,n,m\nmale,1,2\nTotal,2,3\nfemale,3,4\nTotal,6,9\n").frame) == 4


def test_a_row_of_units_is_left_out(read: Read) -> None:
    found = read("time,speed\ns,m/s\n0.1,3.2\n0.2,3.3\n0.3,3.1\n")
    assert found.frame["speed"].tolist() == [3.2, 3.3, 3.1]
    assert any("units" in note for note in found.notes)
    assert found.layout.below_header == ({"time": "s", "speed": "m/s"},)
    assert Layout.from_json(json.loads(json.dumps(found.layout.to_json()))) == found.layout


def test_a_known_row_of_units_is_left_out_above_a_single_row_too(read: Read) -> None:
    layout = read("time,speed\ns,m/s\n0.1,3.2\n0.2,3.3\n0.3,3.1\n").layout
    assert read("time,speed\ns,m/s\n0.4,3.0\n", layout=layout).frame.to_dict("list") == {"time": [0.4], "speed": [3.0]}
    assert read("speed\nm/s\n3.0\n", layout=layout).frame["speed"].tolist() == [3.0]
    part = read("time,name\ns,\n0.1,a\n0.2,b\n0.3,c\n").layout
    assert len(read("name,speed\n,3.0\nb,4.0\n", layout=part).frame) == 2, "a blank alone is no row of units"
    assert read("time,speed\n0.4,3.0\n", layout=layout).frame["speed"].tolist() == [3.0]


def test_blank_rows_and_nameless_columns_are_left_out_with_notes(read: Read) -> None:
    found = read("a,b,\n1,2,\n\n,,\n3,4,\n")
    assert found.frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}
    assert any(note == "1 blank row left out" for note in found.notes)
    assert any("column 3 had no name and no values" in note for note in found.notes)


def test_duplicate_and_empty_names_are_mended(read: Read) -> None:
    found = read(",x,x \n0,1,2\n1,3,4\n")
    assert found.frame.columns.tolist() == ["column_1", "x", "x.1"]
    assert "column 1 had no name: named column_1" in found.notes


def test_a_missing_header_is_noticed_and_a_year_is_a_name(read: Read) -> None:
    rows = "5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,versicolor\n6.3,3.3,virginica\n" * 3
    assert read(rows).frame.columns.tolist() == ["column_1", "column_2", "column_3"]
    assert len(read(rows).frame) == 12
    assert read("country,2014,2015\nPeru,3.5,4.5\nChad,1.5,2.5\n").frame.columns.tolist() == ["country", "2014", "2015"]


def test_missing_tokens_are_found_and_counted(read: Read) -> None:
    found = read("a,b,c\n1,?,x\nn/a,2,NA\n-,3,y\n ,N/A,?\n")
    assert found.frame["a"].tolist()[0] == 1 and found.frame["a"].isna().sum() == 3
    assert found.frame["b"].isna().sum() == 2
    assert found.frame["c"].isna().sum() == 2
    assert any(note.startswith("missing tokens") and "(6 cells)" in note for note in found.notes)
    assert any("'NA' read as missing; it may be a level" in note for note in found.notes)


def test_words_for_nothing_are_missing_where_numbers_are(read: Read) -> None:
    found = read("a,b\nUnknown,Unknown\n2.5,x\nNot available,y\nTBD,x\n")
    assert found.frame["a"].isna().tolist() == [True, False, True, True]
    assert found.frame["b"].tolist() == ["Unknown", "x", "y", "x"]


def test_a_true_minus_sign_is_read_at_fit_and_at_predict(read: Read) -> None:
    found = read("a,b\n\u22120.5,\u22121\n0.25,word\n")
    assert found.frame["a"].tolist() == [-0.5, 0.25]
    assert found.frame["b"].tolist() == ["\u22121", "word"]
    comma = read("a;b\n\u22120,5;x\n1.234,25;y\n")
    assert comma.frame["a"].tolist() == [-0.5, 1234.25]
    assert read("a;b\n\u22127,5;x\n", "new.csv", layout=comma.layout).frame["a"].tolist() == [-7.5]


def test_thousands_may_stand_apart_as_in_india(read: Read) -> None:
    found = read('a,b\n"1,10,000",x\n"25,000",y\n"12,34,567.5",z\n')
    assert found.frame["a"].tolist() == [110_000, 25_000, 1_234_567.5]


def test_a_minus_beside_a_plus_is_a_level(read: Read) -> None:
    assert read("a,b\n+,1\n-,2\n+,3\n").frame["a"].tolist() == ["+", "-", "+"]


@pytest.mark.parametrize(
    "cells",
    [["01001", "01003"], ["007", "12"], ["123456789012345678901234", "5"], ["0x10", "0x20"], ["1,3", "2"]],
)
def test_codes_stay_strings_with_every_digit(read: Read, cells: list[str]) -> None:
    frame = read("code,v\n" + "".join(f'"{cell}",1.5\n' for cell in cells)).frame
    assert frame["code"].tolist() == cells


def test_whole_numbers_beyond_the_floats_keep_their_digits(read: Read) -> None:
    assert read("a,b\n9007199254740993,1\n2,2\n").frame["a"].tolist() == [9007199254740993, 2]
    assert read("a,b\n9007199254740993,1\n,2\n").frame["a"].iloc[0] == "9007199254740993"


def test_booleans_and_infinities(read: Read) -> None:
    found = read("a,b,c\nTrue,TRUE,1e400\nFalse,,inf\nTrue,false,3\n")
    assert found.frame["a"].dtype == bool
    assert str(found.frame["b"].dtype) == "boolean"
    assert found.frame["c"].isna().tolist() == [True, True, False]
    assert any("2 infinite" in note for note in found.notes)


def test_short_rows_are_filled_up_and_named(read: Read) -> None:
    found = read("a,b,c\n1,2,3\n4,5\n6,7,8\n")
    assert np.isnan(found.frame["c"].iloc[1])
    assert any("too few cells" in note and "rows 3" in note for note in found.notes)


def test_a_few_overlong_rows_are_left_out_and_many_are_refused(read: Read) -> None:
    few = read("a,b,c\n" + "1,2,3\n" * 20 + "4,5,6,7\n" + "1,2,3\n" * 20)
    assert len(few.frame) == 40
    assert any("too many cells" in note and "rows 22" in note for note in few.notes)
    with pytest.raises(DataError, match=r"more cells than the 3 expected \(rows 3, 5"):
        read("a,b,c\n" + "1,2,3\n4,5,6,7\n" * 20)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n \n\n", "nothing but blanks"),
        (b"a,b,c\n", "no rows"),
        (b"a,b\n1,2\n\0\0,3\n", "row 3 holds a zero byte"),
        (b"a,b\n" + b"1,2\n" * 80_000 + b"\0,3\n", "zero byte"),
        (b"<!DOCTYPE html><html><p>a,b</p></html>", "HTML"),
        (b"%PDF-1.7 whatever", "PDF"),
        (b"\x80\x04\x95\x00pickled", "pickle"),
        (bytes(range(1, 256)) * 9, "binary|not a table"),
        (
            b"Call me Ishmael. Some years ago, never mind how long, having little\nor no money in my purse, and so\n"
            b"to interest me on shore, I thought I would sail\nthe watery part of the world.\nIt is a way I have\n",
            "is not a table",
        ),
        (b"1 1:0.5 3:0.2\n0 2:0.5\n1 1:0.1 2:3 3:1\n", "LIBSVM"),
    ],
)
def test_what_is_no_table_is_refused_in_words(read: Read, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(content, "odd.csv")
    assert "odd.csv" in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"Did you mean 'train\.csv'"):
        read_table(tmp_path / "trian.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        (gzip.compress, "t.csv.gz"),
        (gzip.compress, "t.csv"),
        (bz2.compress, "t.csv.bz2"),
        (lzma.compress, "t.xz"),
        (lambda content: content, "t.csv.gz"),
    ],
)
def test_compression_is_told_by_the_content(read: Read, pack: Callable[[bytes], bytes], name: str) -> None:
    assert read(pack(b"a,b\n1,2\n3,4\n"), name).frame["b"].tolist() == [2, 4]


def test_zstandard_is_read(read: Read) -> None:
    zstandard = pytest.importorskip("zstandard")
    assert read(zstandard.compress(b"a,b\n1,2\n"), "t.csv.zst").frame.shape == (1, 2)


def test_a_zip_archive_must_hold_one_file(read: Read) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in.csv", "a,b\n1,2\n")
        archive.writestr("__MACOSX/in.csv", "rubbish")
    assert read(packed.getvalue(), "t.zip").frame.shape == (1, 2)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("more.csv", "a\n")
    with pytest.raises(DataError, match="holds 2"):
        read(packed.getvalue(), "t.zip")


def test_a_damaged_archive_is_refused(read: Read) -> None:
    content = gzip.compress("".join(f"{i * 7919 % 1000},{i}\n" for i in range(50_000)).encode())
    with pytest.raises(DataError, match="damaged"):
        read(content[:-500], "t.csv.gz")


def test_a_single_column_is_a_table(read: Read) -> None:
    assert read("value\n1\n2\n3\n").frame["value"].tolist() == [1, 2, 3]
    assert read("value\n3,5\n4,25\n").frame["value"].tolist() == [3.5, 4.25]
    assert read("name\nJohn Smith\nMary Jones\n").frame.shape == (2, 1)


def test_a_very_wide_table_is_read(read: Read) -> None:
    names = [f"{i}_" + "a_long_name" * 8 for i in range(4_000)]
    content = ",".join(names) + "\n" + "\n".join(",".join(["1"] * 4_000) for _ in range(2))
    assert read(content).frame.shape == (2, 4_000)


def test_arff_is_read(read: Read) -> None:
    content = "% c\n@relation r\n@attribute 'a b' real\n@attribute c {x,'y z'}\n@data\n5.1,'y z'\n?,x\n"
    frame = read(content, "t.arff").frame
    assert frame.columns.tolist() == ["a b", "c"]
    assert frame["c"].tolist() == ["y z", "x"]


def test_json_lines_and_lists_are_read_and_flattened(read: Read) -> None:
    rows = [{"a": 1, "b": {"c": "x"}, "d": True}, {"a": None, "b": {"c": "y"}, "d": None}]
    for content in ("\n".join(map(json.dumps, rows)), json.dumps(rows), json.dumps({"rows": rows})):
        frame = read(content, "t.json").frame
        assert frame["b.c"].tolist() == ["x", "y"]
        assert frame["a"].isna().tolist() == [False, True]
        assert str(frame["d"].dtype) == "boolean"
    with pytest.raises(DataError, match="line 2 is no JSON"):
        read('{"a": 1}\n{"a":\n', "t.jsonl")


def test_excel_is_read_like_text(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Empty"
    sheet = book.create_sheet("Data")
    for row in (["A report"], [], ["id", "name", "when", "share"], [1, "Bob", pd.Timestamp("2024-05-01"), 0.5]):
        sheet.append(row)
    sheet.append([2, "Al", pd.Timestamp("2024-05-02"), None])
    other = book.create_sheet("More")
    other.append(["x"])
    other.append([7])
    book.save(tmp_path / "book.xlsx")
    found = read_table(tmp_path / "book.xlsx")
    assert found.frame["id"].tolist() == [1, 2]
    assert found.frame["when"].tolist() == ["2024-05-01", "2024-05-02"]
    assert any("sheet 'Data' read" in note for note in found.notes)
    assert found.layout.sheet == "Data"
    assert read_table(tmp_path / "book.xlsx", sheet="More").frame["x"].tolist() == [7]
    with pytest.raises(ParameterError, match=r"Did you mean 'More'"):
        read_table(tmp_path / "book.xlsx", sheet="Mor")


def test_a_query_is_read_and_its_absence_refused(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    connection = sqlite3.connect(tmp_path / "t.db")
    connection.execute("create table t (a integer, b text)")
    connection.execute("insert into t values (1, 'x'), (null, 'y')")
    connection.commit()
    connection.close()
    url = f"sqlite:///{tmp_path / 't.db'}"
    frame = read_table(url, query="select * from t").frame
    assert frame["b"].tolist() == ["x", "y"]
    assert frame["a"].isna().tolist() == [False, True]
    with pytest.raises(ParameterError, match="'query'"):
        read_table(url)
    with pytest.raises(DataError, match="no such table"):
        read_table(url, query="select * from absent")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(gzip.compress(b"a;b\n1;2\n"))

    monkeypatch.setattr("sys.stdin", Input())
    assert read_table("-").frame.to_dict("list") == {"a": [1], "b": [2]}


def test_options_that_do_not_suit_the_source_are_refused(read: Read) -> None:
    with pytest.raises(ParameterError, match="'query'"):
        read("a\n1\n", query="select 1")
    with pytest.raises(ParameterError, match="'sheet'"):
        read("a\n1\n", sheet="x")
    with pytest.raises(DataError, match="Download"):
        read_table("https://example.org/t.csv")


def test_a_layout_makes_another_file_read_the_same_way(read: Read) -> None:
    layout = read("code;price;flag\n01;1,5;x\n02;2,5;y\n03;1.003,5;-\n").layout
    layout = Layout.from_json(json.loads(json.dumps(layout.to_json())))
    again = read("code;price;flag\n17;4,25;-\n", "new.csv", layout=layout)
    assert again.frame["code"].tolist() == ["17"]
    assert again.frame["price"].tolist() == [4.25]
    comma = read('price,code\n3.5,17\nhm,18\n"7.5",19\n', "comma.csv", layout=layout)
    assert comma.frame["code"].tolist() == ["17", "18", "19"]
    assert any("1 cells are no numbers" in note for note in comma.notes)


def test_a_layout_keeps_every_row_but_blank_lines(read: Read) -> None:
    layout = read("a,b\n1,x\n2,y\n").layout
    again = read("a,b\n1,x\n,\n2,y\n", "new.csv", layout=layout)
    assert len(again.frame) == 3
    with pytest.raises(DataError, match="row 3 has 3 cells"):
        read("a,b\n1,x\n2,y,z\n", "new.csv", layout=layout)


def test_a_layout_without_header_names_the_columns_of_another_file(read: Read) -> None:
    rows = "5.1,a\n4.9,a\n7.0,b\n6.3,b\n"
    layout = read(rows).layout
    assert not layout.header
    assert read("3.3,b\n", "new.csv", layout=layout).frame.to_dict("list") == {"column_1": [3.3], "column_2": ["b"]}
